/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "job.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "birth.h"
#include "confine.h"
#include "entry.h"
#include "filesystem.h"
#include "idmap.h"
#include "instant.h"
#include "kernel.h"
#include "message.h"
#include "mount-table.h"
#include "netns.h"
#include "pages.h"
#include "probe.h"
#include "ranges.h"
#include "wire.h"

void job_require(struct job *job, enum tier tier) {
	if (tier > job->needed)
		job->needed = tier;
}

void job_require_admin(struct job *job, const char *why) {
	if (job->needed < TIER_ADMIN)
		job->why = why;
	job_require(job, TIER_ADMIN);
}

int job_detail(struct job *job, const char *key, const char *value) {
	Usher__Finding *finding = &job->finding;
	Usher__Detail **grown, *detail;

	if (!value)
		return 0;
	grown = reallocarray(finding->details, finding->n_details + 1, sizeof *grown);
	if (!grown)
		return -ENOMEM;
	finding->details = grown;
	detail = (Usher__Detail *)message_new(&usher__detail__descriptor);
	if (!detail)
		return -ENOMEM;
	grown[finding->n_details++] = detail;
	detail->key = strdup(key);
	detail->value = strdup(value);
	return detail->key && detail->value ? 0 : -ENOMEM;
}

int job_descriptor(const struct job *job, bool given, uint32_t place) {
	return given ? fds_get(&job->fds, place) : -1;
}

/* A clock of this process alone, which ends it whatever it hangs on; by SIGKILL, since nothing less
 * ends what somebody has stopped. */
static int make_timer(timer_t *ret) {
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };

	return timer_create(CLOCK_MONOTONIC, &event, ret) < 0 ? -errno : 0;
}

static timer_t timer;
static struct itimerspec deadline; /* on the monotonic clock; zero: none */

static void set_deadline(uint64_t usec) {
	uint64_t at = instant_usec() + usec;

	deadline = (struct itimerspec){ 0 };
	if (usec > 0)
		deadline.it_value =
			(struct timespec){ (time_t)(at / 1000000), (long)(at % 1000000 * 1000) };
	(void)timer_settime(timer, TIMER_ABSTIME, &deadline, NULL);
}

void job_commit(void) {
	set_deadline(0);
}

static int descriptor_field(const struct job *job, const char *name) {
	uint64_t place = message_number(job->request, name, UINT64_MAX);

	return place == UINT64_MAX ? -1 : fds_get(&job->fds, place);
}

struct child {
	struct job *job;
	int (*function)(struct job *job, void *data);
	void *data;
	int r;
};

static int child_main(void *data) {
	struct child *child = data;
	timer_t own; /* that of who waits for us ends that one only */
	int r = make_timer(&own);

	if (r == 0)
		(void)timer_settime(own, TIMER_ABSTIME, &deadline, NULL);
	if (r == 0)
		r = child->function(child->job, child->data);
	child->r = r; /* not before: one that is killed has not succeeded */
	return 0;
}

/* It is done with our memory when clone() returns, but its namespaces are taken apart while it
 * ends: nobody need wait for that before there is nothing else to do. */
static pid_t ending;

static void await_ending(void) {
	if (ending > 0)
		(void)waitpid(ending, NULL, 0);
	ending = 0;
}

int job_in_child(struct job *job, int (*function)(struct job *job, void *data), void *data) {
	static char stack[256 * 1024] __attribute__((aligned(16)));
	struct child child = { job, function, data, -EIO };

	await_ending();
	ending = clone(child_main, stack + sizeof stack,
		       CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, &child);
	return ending < 0 ? -errno : child.r;
}

static int check_descriptor(uint32_t place, void *data) {
	const struct fds *fds = data;

	return fds_get(fds, place) < 0 ? -EBADMSG : 0;
}

/* Every place that the request's fields name must hold a descriptor. */
static int check_descriptors(struct job *job) {
	return message_each_descriptor(job->request, check_descriptor, &job->fds);
}

/* A request that is about a namespace which its caller did not name. */
static int open_other_mounts(struct job *job) {
	uint64_t id = message_number(job->request, "namespace_id", 0);
	int given = descriptor_field(job, "namespace_fd"), mounts = -ESRCH;

	if (given >= 0)
		mounts = fcntl(given, F_DUPFD_CLOEXEC, 3);
	else if (id != 0 && descriptor_field(job, "in_as_fd") < 0)
		mounts = place_find_mounts(&job->place, id);
	if (mounts >= 0)
		place_use_mounts(&job->place, mounts);
	return mounts >= 0 || mounts == -ESRCH ? 0 : -errno;
}

/* The process whose place it is, where that is not the caller's: of the key `in`, or the one that
 * the method is about. */
static int process_of(struct job *job) {
	static const struct {
		const char *field, *argument;
	} fields[] = { { "in_as_fd", "in" },
		       { "pidfd_fd", "pidfd" },
		       { "leader_fd", "namespace" } };

	int fd = -1;

	for (size_t i = 0; fd < 0 && i < sizeof fields / sizeof *fields; i++) {
		fd = descriptor_field(job, fields[i].field);
		job->place.argument = fields[i].argument;
	}
	return fd;
}

/* Where a name stands for one, a descriptor does. */
static bool takes_networks(const struct job *job) {
	return protobuf_c_message_descriptor_get_field_by_name(job->request->descriptor,
							       "in_as_name");
}

/* What is said of the place's process is said of the key `in`. */
static int open_peer(struct job *job, const Usher__Order *order) {
	int peer = descriptor_field(job, "peer_as_fd");
	struct refusal refusal = { 0 };
	int r;

	if (peer < 0)
		return 0;
	r = place_open(&job->peer, job->caller, peer, order->uid, true, &refusal);
	if (r != 0 && strncmp(refusal.text, "in:", 3) == 0)
		(void)refusal_note(&job->refusal, r, "peer:%s", refusal.text + 3);
	else if (r != 0)
		job->refusal = refusal;
	return r;
}

static int open_place(struct job *job, const Usher__Order *order) {
	char in[64];
	int r;

	if (!order->has_caller_fd)
		return place_open_host(&job->place, descriptor_field(job, "namespace_fd"),
				       &job->refusal);
	job->caller = fds_get(&job->fds, order->caller_fd);
	job->in = process_of(job);
	if (job->in >= 0 && takes_networks(job) && netns_is_one(job->in)) {
		job->network = job->in;
		job->in = -1;
	}
	r = place_open(&job->place, job->caller, job->in, order->uid,
		       job->operation->probes || job->operation->connects, &job->refusal);
	if (r == 0)
		r = open_other_mounts(job);
	if (r == 0 && job->operation->connects)
		r = open_peer(job, order);
	if (r != 0)
		return r;
	(void)snprintf(in, sizeof in, "process %d (%s)", job->place.pid, job->place.name);
	return job_detail(job, "in", job->place.mounts.host && job->place.names.host ? "host" : in);
}

/* What was granted with the order is done in time for whoever waits, or not at all: an order may
 * have lain there for long. */
static void start_clock(struct job *job, const Usher__Order *order) {
	uint64_t now = instant_usec();

	job->deadline_usec = order->deadline_usec;
	if (!order->has_granted || order->granted >= _TIER_MAX || now >= order->granted_until) {
		set_deadline(job->deadline_usec);
		return;
	}
	job->granted = (int)order->granted;
	set_deadline(order->granted_until - now);
}

/* Receives the order, checks it as the broker did, and opens the place. */
static int begin(struct job *job, int socket, size_t *ret_row) {
	ProtobufCMessage *message = NULL;
	Usher__Order *order;
	int r;

	r = wire_receive(socket, &usher__order__descriptor, &job->fds, &message);
	if (r < 0)
		return r;
	order = (Usher__Order *)message;
	job->loop_devices = order->loop_devices;
	job->watchers = order->watchers;
	job->n_watchers = order->n_watchers;
	order->n_watchers = 0;
	order->watchers = NULL;
	start_clock(job, order);
	job->operation = operation_find_whole(order->operation, ret_row);
	if (!job->operation || job->operation->here)
		return -EBADMSG;
	job->request = protobuf_c_message_unpack(job->operation->request, NULL, order->request.len,
						 order->request.data);
	job->reply = message_new(job->operation->reply);
	if (!job->request || !job->reply || check_descriptors(job) < 0)
		return -EBADMSG;
	(void)mount_table_kernel_suffices(); /* while we are at home, and may */
	r = job->operation->check ? job->operation->check(job->request, &job->refusal) : 0;
	if (r == 0)
		r = open_place(job, order);
	message_freep(&message);
	return r;
}

/* What has to run as a program of its own is started before the way to do so is given up. */
static int start_helpers(struct job *job, const char *libexec) {
	int r = 0;

	if (job->operation->probes)
		r = probe_start(libexec, job->request, &job->prober);
	/* who may not become another cannot make what would have to be mapped, either */
	if (r == 0 && job->operation->probes && job->place.privileged &&
	    filesystem_needs_own_ids(message_string(job->request, "fstype"), job->place.uid))
		r = idmap_open_own(job, &job->own_ids);
	if (r != 0 || !job->operation->maps || !idmap_is_asked(job->request))
		return r;
	r = ranges_read(libexec, job->place.uid, NULL, &job->ranges);
	if (r == 0)
		r = idmap_open(job, message_string(job->request, "idmap"),
			       descriptor_field(job, "idmap_as_fd"), &job->idmap);
	return r;
}

/* From here on with the caller's rights to files and no capability in effect. A caller that is root
 * keeps root's right to search and read. */
static int confine(struct job *job, size_t row) {
	int r = place_act_as_caller(&job->place);

	if (r == 0)
		r = confine_capabilities(job->operation->capabilities);
	if (r == 0 && job->place.uid == 0)
		r = confine_lower(CAP(CAP_DAC_READ_SEARCH));
	return r == 0 ? confine_system_calls(row) : r;
}

static int resolve(struct job *job) {
	if (job->place.foreign)
		job_require_admin(job, "in: the caller may not look into that process");
	return job->operation->resolve ? job->operation->resolve(job) : 0;
}

/* Says something to the broker and waits for its word. */
static int await_grant(struct job *job, const Usher__Reply *said, const struct fds *fds) {
	ProtobufCMessage *message = NULL;
	struct fds none = { 0 };
	enum tier granted;
	int r = wire_send(job->socket, &said->base, fds);

	if (r < 0)
		return r;
	r = wire_receive(job->socket, &usher__grant__descriptor, &none, &message);
	fds_done(&none);
	if (r < 0)
		return r;
	granted = ((Usher__Grant *)message)->tier;
	r = ((Usher__Grant *)message)->withdrawn ? REFUSED_RETRY
	    : granted >= job->needed             ? 0
						 : REFUSED_PERMISSION;
	message_freep(&message);
	return r;
}

/* However long a person thinks does not count. */
static int ask(struct job *job) {
	Usher__Reply said = USHER__REPLY__INIT;
	int r;

	job->finding.tier = job->needed;
	job->finding.why = (char *)job->why;
	job->untold = (int)job->needed <= job->granted;
	if (job->untold)
		return 0;
	set_deadline(0);
	said.finding = &job->finding;
	r = await_grant(job, &said, NULL);
	if (r == 0)
		set_deadline(job->deadline_usec);
	return r;
}

/* What has been done can be told without memory, if it is not much. */
static uint8_t room_for_reply[4096];

static int pack_reply(const struct job *job, ProtobufCBinaryData *ret) {
	ret->len = protobuf_c_message_get_packed_size(job->reply);
	ret->data = ret->len <= sizeof room_for_reply ? room_for_reply : malloc(ret->len);
	if (!ret->data)
		return -ENOMEM;
	protobuf_c_message_pack(job->reply, ret->data);
	return 0;
}

static void drop_reply(const ProtobufCBinaryData *packed) {
	if (packed->data != room_for_reply)
		free(packed->data);
}

int job_announce(struct job *job) {
	Usher__Reply said = USHER__REPLY__INIT;
	int r = pack_reply(job, &said.made);

	if (r < 0)
		return r;
	said.has_made = job->announced = true;
	r = await_grant(job, &said, &job->reply_fds);
	fds_done(&job->reply_fds);
	drop_reply(&said.made);
	return r;
}

static int perform(struct job *job, const char *libexec) {
	size_t row;
	int r;

	r = begin(job, job->socket, &row);
	if (r == 0)
		r = start_helpers(job, libexec);
	if (r == 0 && job->operation->prepare)
		r = job->operation->prepare(job, libexec);
	if (r == 0)
		r = confine(job, row);
	if (r == 0)
		r = resolve(job);
	if (r == 0)
		r = ask(job);
	if (r != 0)
		return r;
	r = confine_lower(job->place.uid == 0
				  ? job->operation->capabilities
				  : job->operation->capabilities & ~CAP(CAP_DAC_READ_SEARCH));
	return r < 0 ? r : job->operation->run(job);
}

static int answer(struct job *job, int code) {
	Usher__Outcome outcome = USHER__OUTCOME__INIT;
	Usher__Reply said = USHER__REPLY__INIT;
	bool replies = code == 0 && !job->announced;
	int r = replies ? pack_reply(job, &outcome.reply) : 0;

	outcome.code = r < 0 ? r : code;
	outcome.text = *job->refusal.text ? job->refusal.text : NULL;
	outcome.has_reply = replies && r == 0;
	outcome.finding = job->untold ? &job->finding : NULL;
	outcome.has_gone = outcome.gone = job->announced && job->gone;
	said.outcome = &outcome;
	r = wire_send(job->socket, &said.base, outcome.has_reply ? &job->reply_fds : NULL);
	drop_reply(&outcome.reply);
	return r;
}

void job_done(struct job *job) {
	message_freep(&job->request);
	message_freep(&job->reply);
	for (size_t i = 0; i < job->finding.n_details; i++)
		protobuf_c_message_free_unpacked(&job->finding.details[i]->base, NULL);
	free(job->finding.details);
	free(job->finding.below);
	fds_done(&job->fds);
	fds_done(&job->reply_fds);
	place_done(&job->place);
	place_done(&job->peer);
	fd_closep(&job->prober);
	fd_closep(&job->own_ids);
	fd_closep(&job->idmap);
	fd_closep(&job->attached);
	birth_done(job->birth);
	free(job->ranges);
	while (job->n_watchers > 0)
		free(job->watchers[--job->n_watchers]);
	free(job->watchers);
	free(job->state);
}

/* "Function not implemented" does not say which. */
static int name_what_is_missing(struct job *job) {
	char what[KERNEL_LACKS_MAX];

	if (!job->operation || !kernel_lacks(job->operation->syscalls, what))
		return -ENOSYS;
	return refusal_note(&job->refusal, REFUSED_UNSUPPORTED, "this kernel lacks %s", what);
}

/* One a process. */
static struct job only = { .place = PLACE_NONE,
			   .peer = PLACE_NONE,
			   .granted = -1,
			   .caller = -1,
			   .in = -1,
			   .network = -1,
			   .socket = -1,
			   .attached = -1,
			   .prober = -1,
			   .own_ids = -1,
			   .idmap = -1,
			   .finding = USHER__FINDING__INIT };

/* What most orders need, while nobody waits. */
static void fetch_pages(void) {
	struct stat ignored;

	pages_fetch();
	/* what the kernel lends to all processes, and what /proc has of this one */
	(void)instant_usec();
	(void)fstatat(only.place.proc, "self/fd", &ignored, 0);
}

int job_open_own(int vessel) {
	int r;

	only.place.vessel = vessel;
	r = place_prepare(&only.place);
	return r == 0 ? entrance_prepare(&only.place) : r;
}

int job_prepare(int first, int last) {
	int r = confine_begin(first, last);

	if (r == 0)
		r = make_timer(&timer);
	fetch_pages();
	return r;
}

/* Whoever is answered may unmount next what it was about: of that nothing is open any more. What
 * was refused needs nothing at all; of what was done, the reply is still to be sent. */
static void let_go(struct job *job, bool is_done) {
	fds_done(&job->fds);
	if (!is_done)
		(void)fd_close_all_but(&job->socket, 1);
}

/* What the broker could not be told of. If it has died the next one hears of a program; one that
 * lives holds the call for failed when we have ended. */
static int take_back(struct job *job, int why) {
	if (job->operation->undo)
		return job->operation->undo(job);
	if (!job->operation->stay || why == -ECONNRESET)
		return 0;
	birth_end(job);
	return why;
}

_Noreturn void job_serve(int socket, const char *libexec) {
	int r, told = 0;

	only.socket = socket;
	r = perform(&only, libexec);
	if (r == -ENOSYS)
		r = name_what_is_missing(&only);
	if (r != 0)
		birth_end(&only);
	let_go(&only, r == 0);
	/* A broker that has gone away, or that talks nonsense, gets no answer. */
	if (r != -ECONNRESET && r != -EBADMSG)
		told = answer(&only, r);
	if (r == 0 && told < 0)
		r = take_back(&only, told);
	if (r == 0 && only.operation->stay)
		only.operation->stay(&only);
	/* the broker waits for the end of what it was told, since an open mount is a busy one */
	fd_closep(&only.attached);
	(void)close(socket);
	job_done(&only);
	await_ending();
	_exit(r == 0 ? 0 : 1);
}
