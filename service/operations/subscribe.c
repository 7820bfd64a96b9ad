/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Subscribe and Open: a watch, for its watcher to look after. The child finds out what is watched
 * and as whom; it sees no event. */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ground.h"
#include "handover.h"
#include "job.h"
#include "lifetime.h"
#include "message.h"
#include "operations.h"
#include "ownership.h"
#include "path.h"
#include "pidfd.h"
#include "watch-event.h"
#include "watch-words.h"

/* The requests of both are the same, field by field. */
typedef Usher__SubscribeRequest request_type;

#define SAME_PLACE(field)                                                \
	_Static_assert(offsetof(Usher__SubscribeRequest, field) ==       \
			       offsetof(Usher__OpenWatchRequest, field), \
		       "Subscribe and Open have other requests")

SAME_PLACE(path);
SAME_PLACE(root_as_fd);
SAME_PLACE(exclude);
SAME_PLACE(report_pid);
SAME_PLACE(exclude_self);
_Static_assert(sizeof(Usher__SubscribeRequest) == sizeof(Usher__OpenWatchRequest),
	       "Subscribe and Open have other requests");

enum {
	QUEUE_LEAST = 16,
	QUEUE_MOST = 65536,
	QUEUE_USUAL = 4096,
	EXCLUDE_MAX = 64,
	EXCLUDE_LENGTH_MAX = 4095,
};

static const uint64_t settle_most_usec = 60 * UINT64_C(1000000), settle_usual_usec = 100000,
		      decide_least_usec = 1000, decide_most_usec = 60 * UINT64_C(1000000),
		      decide_usual_usec = 5 * UINT64_C(1000000);

struct watching {
	struct path path;
	struct ground_wish wish;
	struct ground ground;
	int root;
	bool sees_processes;
	uint64_t started; /* the caller, where that is to be known */
	uid_t session_of; /* (uid_t)-1: it is in none, or that does not matter */
};

/* ---- the words ---- */

static int check_path(const request_type *m, struct refusal *refusal) {
	if (!m->has_root_as_fd)
		return path_check("path", m->path, refusal);
	return *m->path ? refusal_note(refusal, REFUSED_INVALID,
				       "path: either a path or `root`, not both")
			: 0;
}

static int check_numbers(const request_type *m, struct refusal *refusal) {
	if (m->has_settle_usec && m->settle_usec > settle_most_usec)
		return refusal_note(refusal, REFUSED_INVALID, "settle_usec: more than a minute");
	if (m->has_queue && (m->queue < QUEUE_LEAST || m->queue > QUEUE_MOST))
		return refusal_note(refusal, REFUSED_INVALID, "queue: %u is not from %d to %d",
				    m->queue, QUEUE_LEAST, QUEUE_MOST);
	if (m->has_decide_timeout_usec && !m->decide)
		return refusal_note(refusal, REFUSED_INVALID,
				    "decide_timeout_usec: takes `decide`");
	if (m->audit && !m->decide)
		return refusal_note(refusal, REFUSED_INVALID, "audit: takes `decide`");
	if (m->has_decide_timeout_usec && (m->decide_timeout_usec < decide_least_usec ||
					   m->decide_timeout_usec > decide_most_usec))
		return refusal_note(refusal, REFUSED_INVALID,
				    "decide_timeout_usec: not from a millisecond to a minute");
	return 0;
}

static int check_self(const request_type *m, struct refusal *refusal) {
	bool of_files = !m->decide && (!m->scope || strcmp(m->scope, "mounts") != 0);

	return m->exclude_self && !of_files
		       ? refusal_note(refusal, REFUSED_INVALID,
				      "exclude_self: not with `decide` or the scope mounts")
		       : 0;
}

static int check_exclude(const request_type *m, struct refusal *refusal) {
	if (m->n_exclude > EXCLUDE_MAX)
		return refusal_note(refusal, REFUSED_INVALID, "exclude: more than %d globs",
				    EXCLUDE_MAX);
	for (size_t i = 0; i < m->n_exclude; i++)
		if (!*m->exclude[i] || strlen(m->exclude[i]) > EXCLUDE_LENGTH_MAX)
			return refusal_note(refusal, REFUSED_INVALID,
					    "exclude: a glob that is empty or longer than %d",
					    EXCLUDE_LENGTH_MAX);
	return 0;
}

static int subscribe_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const request_type *m = (const void *)message;
	uint32_t ignored;
	int r = check_path(m, refusal);

	if (r == 0)
		r = watch_words_check_scope(m->scope, m->backend, m->decide, refusal);
	if (r == 0)
		r = watch_words_events(m->events, m->n_events, m->scope, m->decide, &ignored,
				       refusal);
	if (r == 0)
		r = check_exclude(m, refusal);
	if (r == 0)
		r = check_numbers(m, refusal);
	if (r == 0)
		r = check_self(m, refusal);
	return r == 0 ? lifetime_check(m->lifetime, refusal) : r;
}

/* ---- what they mean ---- */

static int choose_scope(struct job *job, struct watching *watching) {
	const request_type *m = (const void *)job->request;
	bool is_directory = S_ISDIR(watching->path.st.st_mode);
	const char *scope = m->scope ?: is_directory ? "recursive" : "inode";

	watching->wish.scope = scope;
	if (!is_directory && (strcmp(scope, "children") == 0 || strcmp(scope, "recursive") == 0 ||
			      strcmp(scope, "filesystem") == 0))
		return refusal_note(&job->refusal, -ENOTDIR, "scope: '%s' takes a directory",
				    scope);
	return 0;
}

/* By the caller's own right to read it. */
static int open_root(struct job *job, struct watching *watching) {
	watching->root = path_open(job, &watching->path, O_RDONLY);
	return watching->root < 0 ? refusal_note(&job->refusal, watching->root,
						 "path: '%s' cannot be read", watching->path.real)
				  : 0;
}

static void judge(struct job *job, const request_type *m) {
	if (m->decide)
		job_require_admin(job, "decide: it holds up other users' programs");
	if (m->all)
		job_require_admin(job, "all: it shows what the caller may not see");
}

/* Numbers of processes are those of the machine, and nothing to whoever does not see it. */
static bool sees_our_processes(const struct place *place) {
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof path, "%d/ns/pid", place->caller);
	return fstatat(place->proc, path, &st, 0) == 0 && st.st_ino == place->our_pids.number &&
	       st.st_dev == place->our_pids.device;
}

static bool stays(const request_type *m) {
	return m->lifetime && !lifetime_is_connection(m->lifetime);
}

/* Whose session the caller is in, by its control group: logind has one for each user. */
static uid_t session_of(const struct place *place) {
	static const char slice[] = "::/user.slice/user-";
	_cleanup_close_ int fd = -1;
	char text[4096], *at, *end;
	unsigned long uid;
	ssize_t n;

	(void)snprintf(text, sizeof text, "%d/cgroup", place->caller);
	fd = openat(place->proc, text, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	text[n < 0 ? 0 : n] = '\0';
	at = strstr(text, slice);
	if (!at)
		return (uid_t)-1;
	uid = strtoul(at + sizeof slice - 1, &end, 10);
	return end > at + sizeof slice - 1 && strncmp(end, ".slice/", 7) == 0 ? (uid_t)uid
									      : (uid_t)-1;
}

static int subscribe_prepare(struct job *job, const char *libexec) {
	const request_type *m = (const void *)job->request;
	struct watching *watching = calloc(1, sizeof *watching);

	job->state = watching;
	if (!watching)
		return -ENOMEM;
	*watching = (struct watching){ .path = PATH_NONE, .ground = GROUND_NONE, .root = -1 };
	watching->sees_processes = sees_our_processes(&job->place);
	/* what has a connection goes with that */
	watching->session_of = job->operation == &operation_open_watch && stays(m)
				       ? session_of(&job->place)
				       : (uid_t)-1;
	return m->exclude_self ? pidfd_started(job->place.caller, job->caller, &watching->started)
			       : 0;
}

static int subscribe_resolve(struct job *job) {
	const request_type *m = (const void *)job->request;
	struct watching *watching = job->state;
	int r;

	watching->wish.backend = m->backend && strcmp(m->backend, "auto") != 0 ? m->backend : NULL;
	watching->wish.decide = m->decide;
	watching->wish.all = m->all;
	watching->wish.exclude_self = m->exclude_self;
	r = path_resolve(job, "path", m->path,
			 job_descriptor(job, m->has_root_as_fd, m->root_as_fd), &watching->path);
	if (r == 0)
		r = choose_scope(job, watching);
	if (r == 0)
		r = watch_words_events(m->events, m->n_events, m->scope, m->decide,
				       &watching->wish.events, &job->refusal);
	if (r == 0)
		r = ground_choose(job, &watching->path, &watching->wish, &watching->ground);
	if (r == 0)
		r = open_root(job, watching);
	if (r != 0)
		return r;
	judge(job, m);
	return job_detail(job, "path", watching->path.real);
}

/* ---- the watch ---- */

static int describe_beholder(const struct job *job, bool all, Usher__Beholder *beholder) {
	const struct place *place = &job->place;

	beholder->uid = place->uid;
	beholder->gid = place->gid;
	beholder->has_everything = true;
	beholder->everything = all || place_is_roots(place);
	beholder->groups = calloc(place->n_groups + 1, sizeof *beholder->groups);
	if (!beholder->groups)
		return -ENOMEM;
	for (size_t i = 0; i < place->n_groups; i++)
		beholder->groups[beholder->n_groups++] = place->groups[i];
	return 0;
}

static void describe_numbers(const struct job *job, const request_type *m, Usher__Watcher *order) {
	const struct watching *watching = job->state;
	bool streams = job->operation->reply == &usher__open_watch_reply__descriptor;

	order->has_settle_usec = order->has_queue = order->has_report_pid = true;
	order->settle_usec = m->has_settle_usec ? m->settle_usec : streams ? 0 : settle_usual_usec;
	order->queue = m->has_queue ? m->queue : QUEUE_USUAL;
	order->report_pid = m->report_pid && watching->sees_processes;
	order->has_decide = order->has_decide_timeout_usec = order->has_audit = m->decide;
	order->has_caller_pid = order->has_caller_start = m->exclude_self;
	order->caller_pid = (uint32_t)job->place.caller;
	order->caller_start = watching->started;
	order->decide = m->decide;
	order->audit = m->audit;
	order->decide_timeout_usec =
		m->has_decide_timeout_usec ? m->decide_timeout_usec : decide_usual_usec;
}

/* What the watcher is to know. */
static int describe_order(const struct job *job, const struct watching *watching,
			  Usher__Watcher *order) {
	const request_type *m = (const void *)job->request;
	int r = 0;

	order->beholder = (Usher__Beholder *)message_new(&usher__beholder__descriptor);
	order->scope = strdup(watching->wish.scope);
	if (!order->beholder || !order->scope)
		return -ENOMEM;
	order->has_directory = true;
	order->directory = S_ISDIR(watching->path.st.st_mode);
	describe_numbers(job, m, order);
	r = watch_words_name(watching->wish.events, &order->events, &order->n_events);
	for (size_t i = 0; r == 0 && i < m->n_exclude; i++)
		r = message_append_string(&order->exclude, &order->n_exclude, m->exclude[i]);
	return r == 0 ? describe_beholder(job, m->all, order->beholder) : r;
}

static Usher__WatchObject *describe(const struct job *job, const struct watching *watching) {
	const request_type *m = (const void *)job->request;
	Usher__WatchObject *made =
		(Usher__WatchObject *)message_new(&usher__watch_object__descriptor);

	if (!made)
		return NULL;
	made->has_owner = made->has_clock = made->has_delivered = made->has_lost = true;
	made->owner = job->place.uid;
	made->has_session_of = watching->session_of != (uid_t)-1;
	made->session_of = watching->session_of;
	made->path = strdup(watching->path.real);
	made->scope = strdup(watching->wish.scope);
	made->backend = strdup(watching->ground.backend);
	made->watcher = strdup(watching->ground.watcher);
	made->lifetime = strdup(stays(m) ? "manual" : "connection");
	made->order = (Usher__Watcher *)message_new(&usher__watcher__descriptor);
	if (!made->path || !made->scope || !made->backend || !made->watcher || !made->lifetime ||
	    !made->order || describe_order(job, watching, made->order) < 0 ||
	    watch_words_name(watching->wish.events, &made->events, &made->n_events) < 0)
		message_freep((ProtobufCMessage **)&made);
	return made;
}

static int watch_run(struct job *job, Usher__WatchObject **ret) {
	struct watching *watching = job->state;
	int r = ground_open(job, watching->root, &watching->wish, &watching->ground);

	if (r == 0) {
		*ret = describe(job, watching);
		r = *ret ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = handover_descriptor(job,
					S_ISDIR(watching->path.st.st_mode) ? "directory_fd"
									   : "root_fd",
					fd_take(&watching->root));
	if (r == 0 && watching->ground.superblock >= 0)
		r = handover_descriptor(job, "superblock_fd",
					fd_take(&watching->ground.superblock));
	path_done(&watching->path);
	ground_done(&watching->ground);
	fd_closep(&watching->root);
	return r;
}

static int subscribe_run(struct job *job) {
	Usher__SubscribeReply *reply = (Usher__SubscribeReply *)job->reply;
	int r = watch_run(job, &reply->made);

	reply->watch_object = strdup("");
	return r == 0 && !reply->watch_object ? -ENOMEM : r;
}

static int open_run(struct job *job) {
	Usher__OpenWatchReply *reply = (Usher__OpenWatchReply *)job->reply;
	int r = watch_run(job, &reply->made);

	reply->watch_object = strdup("");
	if (r == 0 && !reply->watch_object)
		r = -ENOMEM;
	if (r == 0)
		r = handover_stream(job, 0);
	return r;
}

const struct operation operation_subscribe = {
	.interface = "Watches",
	.method = "Subscribe",
	.actions = { [TIER_ADMIN] = "watch" },
	.request = &usher__subscribe_request__descriptor,
	.reply = &usher__subscribe_reply__descriptor,
	.capabilities = GROUND_CAPABILITIES,
	.syscalls = SYSCALLS(GROUND_OPEN),
	.check = subscribe_check,
	.prepare = subscribe_prepare,
	.resolve = subscribe_resolve,
	.run = subscribe_run,
};

const struct operation operation_open_watch = {
	.interface = "Watches",
	.method = "Open",
	.actions = { [TIER_ADMIN] = "watch" },
	.request = &usher__open_watch_request__descriptor,
	.reply = &usher__open_watch_reply__descriptor,
	.capabilities = GROUND_CAPABILITIES,
	.syscalls = SYSCALLS(GROUND_OPEN, SYS_socketpair, SYS_shutdown),
	.check = subscribe_check,
	.prepare = subscribe_prepare,
	.resolve = subscribe_resolve,
	.run = open_run,
};
