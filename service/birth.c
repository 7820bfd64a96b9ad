/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "birth.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "born.h"
#include "confine.h"
#include "control-group.h"
#include "credentials.h"
#include "entry.h"
#include "fd.h"
#include "keeper.h"
#include "message.h"
#include "outfit.h"

/* ---- before confinement ---- */

/* In its own user namespace the caller has what it has; below that, which it may look into, all of
 * it. What belongs to the service's is nobody's. */
static void judge_power(struct job *job, struct birth *birth, bool own_place) {
	struct place *place = &job->place;

	if (birth->entrance.users < 0 || place->foreign)
		return;
	if (own_place || fd_same_file(birth->entrance.users, place->caller_users)) {
		birth->power = place->administrator;
		return;
	}
	birth->power = birth->below = true;
	place->permitted = ~UINT64_C(0);
}

static void read_request(struct birth *birth, const ProtobufCMessage *request) {
	struct surroundings around = surroundings_of(request);

	birth->surroundings = around;
	birth->own_users = around.types & CLONE_NEWUSER;
	birth->interior = (struct interior){ .mounts = around.mounts,
					     .n_mounts = around.n_mounts,
					     .root = around.root,
					     .own_users = birth->own_users,
					     .new_pids = around.types & CLONE_NEWPID,
					     .new_ipc = around.types & CLONE_NEWIPC };
}

/* Without privilege a program has the groups of the service, which are its user's. */
static void read_groups(const struct job *job, struct birth *birth) {
	const struct place *place = &job->place;
	int n = place->privileged ? 0 : getgroups(PLACE_GROUPS_MAX, birth->groups);

	birth->n_groups = n > 0 ? (size_t)n : 0;
	if (!place->privileged)
		return;
	memcpy(birth->groups, place->groups, place->n_groups * sizeof *place->groups);
	birth->n_groups = place->n_groups;
}

static bool has_images(const struct birth *birth) {
	return interior_has_images(birth->interior.mounts, birth->interior.n_mounts);
}

static int open_files(const struct job *job, struct birth *birth, const char *libexec) {
	char path[256];

	birth->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (birth->null < 0)
		return -errno;
	heritage_read(&birth->heritage, &job->place);
	if (!birth->own)
		return 0;
	(void)snprintf(path, sizeof path, "%s/%s", libexec, birth->own);
	birth->program = open(path, O_PATH | O_CLOEXEC);
	return birth->program < 0 ? -errno : 0;
}

static pid_t fork_plainly(struct birth *birth) {
	return (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &birth->pidfd, 0, 0);
}

/* Where its caller counts: nobody gets around limits by having us start what is limited, nor by
 * making it fail. What leads namespaces is to outlive the caller, and takes nothing. A service
 * without the right to put processes there is that of a user. */
static pid_t fork_into(struct job *job, struct birth *birth) {
	_cleanup_close_ int group = -1;
	struct clone_args arguments = { .flags = CLONE_PIDFD | CLONE_INTO_CGROUP,
					.pidfd = (uintptr_t)&birth->pidfd,
					.exit_signal = SIGCHLD };
	pid_t pid;
	int r = 0;

	if (birth->spawn && birth->allowance.group < 0)
		r = control_group_open(job->place.proc, job->place.caller, &group);
	if (r == 0 && group < 0 && birth->allowance.group < 0)
		return fork_plainly(birth);
	arguments.cgroup = (uint64_t)(group >= 0 ? group : birth->allowance.group);
	pid = r < 0 ? -1 : (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
	if (pid >= 0)
		return pid;
	r = r < 0 ? r : -errno;
	if (birth->allowance.group < 0 &&
	    (r == -ENOSYS || r == -EACCES || r == -EPERM || !job->place.privileged))
		return fork_plainly(birth);
	return (pid_t)refusal_note(&job->refusal, r,
				   "namespaces: no process can be made in the control group%s: %s",
				   birth->allowance.group < 0 ? " of the caller" : "",
				   strerrordesc_np(-r));
}

static int start(struct job *job, struct birth *birth) {
	_cleanup_close_ int ours = -1, theirs = -1;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	/* what is orphaned among its children comes to us, not to the system */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return -errno;
	birth->pid = fork_into(job, birth);
	if (birth->pid < 0)
		return *job->refusal.text ? birth->pid : -errno;
	if (birth->pid == 0) {
		birth->socket = theirs;
		born_live(job, birth);
	}
	birth->socket = fd_take(&ours);
	fd_closep(&birth->null);
	fd_closep(&birth->program);
	return 0;
}

static int begin(struct job *job, const char *libexec, const Usher__SpawnRequest *spawn,
		 const char *own) {
	struct birth *birth = calloc(1, sizeof *birth);
	int r;

	if (!birth)
		return -ENOMEM;
	birth->null = birth->program = birth->socket = birth->pidfd = -1;
	birth->allowance = (struct allowance)ALLOWANCE_NONE;
	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		birth->entrance.fd[i] = -1;
	birth->spawn = spawn;
	birth->own = own;
	job->birth = birth;
	read_groups(job, birth);
	read_request(birth, spawn ? &spawn->base : job->request);
	birth->ahead = birth->own_users && job->in < 0;
	r = entrance_open(&birth->entrance, &job->place, job->in >= 0 ? job->in : job->caller);
	if (r < 0)
		return r;
	birth->interior.own_users |= birth->entrance.users >= 0;
	judge_power(job, birth, job->in < 0);
	if (birth->own_users)
		r = identity_decide(job, libexec, birth->entrance.users, &birth->identity);
	else if (birth->below)
		r = identity_inside(job, birth->entrance.users, &birth->identity.uid,
				    &birth->identity.gid);
	if (r == 0 && job->place.privileged && has_images(birth))
		r = idmap_open_own(job, &job->own_ids);
	if (r == 0)
		r = open_files(job, birth, libexec);
	/* the first of a new pid namespace is ours */
	if (r == 0 && birth->spawn && allowance_is_asked(birth->spawn))
		r = allowance_make(job, birth->spawn, birth->interior.new_pids, &birth->allowance);
	return r == 0 ? start(job, birth) : r;
}

int birth_begin(struct job *job, const char *libexec) {
	if (job->request->descriptor != &usher__spawn_request__descriptor)
		return begin(job, libexec, NULL, "usher-leader");
	return begin(job, libexec, (const Usher__SpawnRequest *)job->request, NULL);
}

int birth_begin_own(struct job *job, const char *libexec, const Usher__SpawnRequest *spawn,
		    const char *program) {
	return begin(job, libexec, spawn, program);
}

void birth_done(struct birth *birth) {
	if (!birth)
		return;
	entrance_done(&birth->entrance);
	allowance_done(&birth->allowance);
	interior_done(&birth->interior);
	fd_closep(&birth->null);
	fd_closep(&birth->program);
	fd_closep(&birth->socket);
	fd_closep(&birth->pidfd);
	free(birth);
}

/* ---- who must allow it ---- */

static bool asks_for_groups(const Usher__SpawnRequest *spawn) {
	return spawn->n_groups > 0 || spawn->groups_none;
}

/* Where setgroups(2) is denied, one that has no group but its own need not lose any. */
static int check_groups_inside(struct job *job) {
	const struct identity *identity = &job->birth->identity;
	const Usher__SpawnRequest *spawn = job->birth->spawn;
	const struct birth *birth = job->birth;

	if (!asks_for_groups(spawn) || identity->groups ||
	    (credentials_are_groups(identity->gid, spawn->groups, spawn->n_groups, NULL, 0) &&
	     credentials_are_groups(job->place.gid, birth->groups, birth->n_groups, NULL, 0)))
		return 0;
	return refusal_note(
		&job->refusal, REFUSED_PERMISSION,
		"groups: they cannot be set in a user namespace with these maps: not all "
		"groups in gid_map are yours to take");
}

/* Who has no user namespace of its own is who it was. */
static int check_ids(struct job *job) {
	const struct birth *birth = job->birth;
	const Usher__SpawnRequest *spawn = birth->spawn;
	const struct place *place = &job->place;
	const char *word = NULL;

	if (!spawn || birth->below)
		return 0; /* the kernel says it */
	if (birth->own_users)
		return check_groups_inside(job);
	if (spawn->has_uid && spawn->uid != place->uid)
		word = "uid";
	else if (spawn->has_gid && spawn->gid != place->gid)
		word = "gid";
	else if (asks_for_groups(spawn) &&
		 !credentials_are_groups(place->gid, spawn->groups, spawn->n_groups, birth->groups,
					 birth->n_groups))
		word = "groups";
	return word ? refusal_note(&job->refusal, REFUSED_PERMISSION,
				   "%s: without `user` among types a program runs as its caller",
				   word)
		    : 0;
}

/* Whoever is limited by its own group would have others do without limits what it may not. */
static void judge_group(struct job *job) {
	const Usher__SpawnRequest *spawn = job->birth->spawn;

	if (spawn && allowance_is_asked(spawn))
		job_require_admin(job, "memory_max, cpu_quota_usec, pids_max: a control group of "
				       "its own is out of the caller's");
}

static int check_offsets(struct job *job) {
	const struct surroundings *around = &job->birth->surroundings;

	if (job->birth->own_users || !(around->has_monotonic_offset || around->has_boottime_offset))
		return 0;
	return refusal_note(&job->refusal, REFUSED_UNSUPPORTED,
			    "monotonic_offset_usec, boottime_offset_usec: they can be set with "
			    "`user` among types only");
}

static int tell_types(struct job *job) {
	char types[64] = "";
	size_t used = 0;

	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		if (job->birth->surroundings.types & namespace_types[i].flag)
			used += (size_t)snprintf(types + used, sizeof types - used, "%s%s",
						 used ? " " : "", namespace_types[i].word);
	return used ? job_detail(job, "types", types) : 0;
}

/* "command" is what the journal calls the caller's own. */
static int tell_program(struct job *job) {
	const Usher__SpawnRequest *spawn = job->birth->spawn;
	char program[256] = "";
	size_t used = 0;

	for (size_t i = 0; spawn && i < spawn->n_argv && used < sizeof program - 1; i++)
		used += (size_t)snprintf(program + used, sizeof program - used, "%s%s",
					 used ? " " : "", spawn->argv[i]);
	return spawn ? job_detail(job, "program", program)
		     : job_detail(job, "name", message_string(job->request, "name"));
}

int birth_resolve(struct job *job) {
	struct birth *birth = job->birth;
	int r = check_ids(job);

	if (r == 0)
		r = check_offsets(job);
	if (r != 0)
		return r;
	judge_group(job);
	if (birth->surroundings.types && !birth->own_users && !birth->power)
		job_require(job, TIER_ADMIN);
	/* a filter that somebody has put around the caller is not around what we make */
	if (job->place.filtered)
		job_require(job, TIER_ADMIN);
	r = interior_resolve(job, &birth->interior);
	if (r == 0)
		r = tell_program(job);
	if (r == 0)
		r = tell_types(job);
	return r == 0 ? job_detail(job, "root", birth->surroundings.root) : r;
}

bool birth_branches(const struct birth *birth) {
	return birth->entrance.pids || birth->surroundings.types & (CLONE_NEWPID | CLONE_NEWTIME) ||
	       outfit_leads_nothing(birth->spawn);
}

/* ---- what it says, and what it is told ---- */

/* Who has ended has said why, and is heard next. */
static int tell(const struct birth *birth, const struct fds *fds) {
	struct iovec part = { (void *)(uintptr_t) "", 1 };

	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct msghdr packet = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fds && fds->n > 0) {
		packet.msg_control = &control;
		packet.msg_controllen = CMSG_SPACE(fds->n * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(fds->n * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds->fd, fds->n * sizeof(int));
	}
	return sendmsg(birth->socket, &packet, MSG_NOSIGNAL) < 0 && errno != EPIPE ? -errno : 0;
}

/* A reason is a word of the closed set, or an error of the kernel's. */
static int reason(struct job *job, const struct birth_word *word) {
	int code = word->code;

	if (!*job->refusal.text)
		(void)refusal_note(&job->refusal, 0, "%.*s", BIRTH_TEXT_MAX - 1, word->text);
	return (code < 0 && code > -4096) || (code > 0 && code < _REFUSED_MAX) ? code : -EIO;
}

/* 1 and the word; 0 when it says nothing any more. */
static int hear(const struct birth *birth, struct birth_word *word, int *ret_fd) {
	struct iovec part = { word, sizeof *word };

	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr packet = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof control };
	const struct cmsghdr *header;
	ssize_t n = recvmsg(birth->socket, &packet, MSG_CMSG_CLOEXEC);

	*ret_fd = -1;
	/* it has ended without hearing what it was told; what it said is behind that */
	if (n < 0 && errno == ECONNRESET)
		n = recvmsg(birth->socket, &packet, MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return n < 0 ? -errno : 0;
	header = CMSG_FIRSTHDR(&packet);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		memcpy(ret_fd, CMSG_DATA(header), sizeof *ret_fd);
	if (n != sizeof *word)
		return -EBADMSG;
	word->text[sizeof word->text - 1] = '\0';
	return 1;
}

/* ---- the work ---- */

struct clocks {
	const struct surroundings *around;
	pid_t pid; /* whose they are */
};

/* Whole seconds, and what is to be added to them, which is never negative. */
static int print_offset(char *text, size_t size, const char *clock, int64_t usec) {
	int64_t rest = (usec % 1000000 + 1000000) % 1000000;

	return snprintf(text, size, "%s %lld %lld\n", clock, (long long)((usec - rest) / 1000000),
			(long long)(rest * 1000));
}

/* In the user namespace that the clocks belong to, where there is the right to set them. */
static int write_offsets(struct job *job, void *data) {
	const struct clocks *clocks = data;
	const struct surroundings *around = clocks->around;
	_cleanup_close_ int users = -1, file = -1;
	char path[64], text[128];
	int n, r = place_act_as_root(&job->place);

	if (r < 0)
		return r;
	(void)snprintf(path, sizeof path, "%d/ns/user", clocks->pid);
	users = openat(job->place.proc, path, O_RDONLY | O_CLOEXEC);
	if (users < 0 || setns(users, CLONE_NEWUSER) < 0)
		return -errno;
	(void)snprintf(path, sizeof path, "%d/timens_offsets", clocks->pid);
	file = openat(job->place.proc, path, O_WRONLY | O_CLOEXEC);
	if (file < 0)
		return -errno;
	n = print_offset(text, sizeof text, "monotonic", around->monotonic_offset_usec);
	n += print_offset(text + n, sizeof text - (size_t)n, "boottime",
			  around->boottime_offset_usec);
	return write(file, text, (size_t)n) == n ? 0 : -errno;
}

static int set_clocks(struct job *job) {
	const struct birth *birth = job->birth;
	struct clocks clocks = { .around = &birth->surroundings, .pid = birth->pid };
	int r;

	if (!birth->surroundings.has_monotonic_offset && !birth->surroundings.has_boottime_offset)
		return 0;
	r = job_in_child(job, write_offsets, &clocks);
	if (r == -ERANGE)
		return refusal_note(
			&job->refusal, r,
			"namespaces: monotonic_offset_usec, boottime_offset_usec: a clock "
			"would show less than 0, or more than it can");
	return r == 0 ? 0
		      : refusal_note(&job->refusal, r, "namespaces: the clocks cannot be set: %s",
				     strerrordesc_np(-r));
}

static int write_maps(struct job *job) {
	const struct birth *birth = job->birth;
	int r = -EBADMSG;

	if (birth->own_users)
		r = identity_write(job, birth->pid, birth->entrance.users, &birth->identity);
	if (r != 0 && !*job->refusal.text)
		r = refusal_note(&job->refusal, r, "maps: the kernel refuses them: %s",
				 r < 0 ? strerrordesc_np(-r) : "refused");
	if (r == 0)
		r = set_clocks(job);
	return r == 0 ? tell(birth, birth->ahead ? &birth->interior.trees : NULL) : r;
}

/* It goes on in a child of ours, or it is a lie. The one that it was ends with the beginning of the
 * program, and who reaps what is orphaned reaps it. */
static int follow(struct job *job, int *pidfd) {
	struct birth *birth = job->birth;
	siginfo_t info = { 0 };
	int pid;

	if (*pidfd < 0 || waitid(P_PIDFD, (id_t)*pidfd, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		return -EBADMSG;
	pid = place_process(&job->place, *pidfd);
	if (pid <= 0)
		return -EBADMSG;
	fd_closep(&birth->pidfd);
	birth->pidfd = fd_take(pidfd);
	birth->pid = pid;
	return 0;
}

static int act_on(struct job *job, const struct birth_word *word, int *fd) {
	struct birth *birth = job->birth;

	switch (word->step) {
	case BIRTH_INSIDE: return follow(job, fd);
	case BIRTH_SPLIT: birth->made = !birth_branches(birth); return write_maps(job);
	case BIRTH_MADE: birth->made = true; return follow(job, fd);
	case BIRTH_READY: birth->ready = true; return 0;
	default: return reason(job, word);
	}
}

static int listen_until(struct job *job, const bool *what) {
	int r = 0;

	while (r == 0 && !*what) {
		_cleanup_close_ int fd = -1;
		struct birth_word word = { 0 };

		r = hear(job->birth, &word, &fd);
		if (r == 0)
			return refusal_note(&job->refusal, REFUSED_FAILED,
					    "the process was killed before it began");
		if (r > 0)
			r = act_on(job, &word, &fd);
	}
	return r;
}

/* It says nothing more, if nothing goes wrong. */
static int listen_to_end(struct job *job) {
	_cleanup_close_ int fd = -1;
	struct birth_word word = { 0 };
	int r = hear(job->birth, &word, &fd);

	return r > 0 ? reason(job, &word) : r;
}

static int go(struct job *job) {
	struct birth *birth = job->birth;
	int r = 0;

	birth->made = !birth->own_users && !birth_branches(birth);
	if (has_images(birth))
		r = interior_open(job, &birth->interior);
	if (r == 0 && !birth->ahead)
		r = tell(birth, &birth->interior.trees);
	if (r == 0)
		r = listen_until(job, &birth->made);
	fds_done(&birth->interior.trees);
	return r;
}

static int announce(struct job *job) {
	int pidfd = fcntl(job->birth->pidfd, F_DUPFD_CLOEXEC, 3);

	if (pidfd < 0)
		return -errno;
	if (fds_add(&job->reply_fds, pidfd) < 0)
		return -E2BIG;
	return job_announce(job);
}

/* It need not wait for the word, unless it is limited first. The socket is closed by execve(2). */
static int finish(struct job *job) {
	struct birth *birth = job->birth;
	int r = 0;

	if (birth->spawn && allowance_is_asked(birth->spawn))
		r = listen_until(job, &birth->ready);
	if (r == 0)
		r = allowance_finish(&birth->allowance);
	if (r == 0)
		r = tell(birth, NULL);
	if (r == 0)
		r = listen_until(job, &birth->ready);
	if (r == 0)
		r = listen_to_end(job);
	if (r == 0)
		job_commit();
	return r;
}

int birth_run(struct job *job, int (*describe)(struct job *job)) {
	int r = go(job);

	if (r == 0)
		r = describe(job);
	if (r == 0)
		r = announce(job);
	return r == 0 ? finish(job) : r;
}

void birth_end(struct job *job) {
	if (!job->birth || job->birth->pid <= 0)
		return;
	fd_closep(&job->birth->socket); /* whoever waits for a word ends by itself */
	(void)confine_raise();
	keeper_end_children(job->place.proc);
}
