/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "born.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capability-name.h"
#include "credentials.h"
#include "execution.h"
#include "leader.h"
#include "outfit.h"
#include "signal-name.h"

struct born {
	struct job *job;
	struct birth *birth;
	struct rlimit limits[RLIM_NLIMITS];
	struct execution execution;
	int link;           /* to the first of a new pid namespace that is ours, or -1 */
	bool lacks_network; /* that one makes it, and sends it */
};

/* ---- talking to the job ---- */

static void say(const struct born *born, enum birth_step step, int code, int fd) {
	struct birth_word word = { .step = step, .code = code };
	struct iovec part = { &word, sizeof word };

	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr packet = { .msg_iov = &part, .msg_iovlen = 1 };

	(void)snprintf(word.text, sizeof word.text, "%s", born->job->refusal.text);
	if (fd >= 0) {
		packet.msg_control = &control;
		packet.msg_controllen = sizeof control;
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
	}
	if (sendmsg(born->birth->socket, &packet, MSG_NOSIGNAL) < 0)
		_exit(1);
}

static _Noreturn void fail(const struct born *born, int code) {
	say(born, BIRTH_FAILED, code, -1);
	_exit(1);
}

/* A reason without words gets the phase that it is of. */
static void must(const struct born *born, int r, const char *phase, const char *what) {
	struct refusal *refusal = &born->job->refusal;

	if (r == 0)
		return;
	if (!*refusal->text)
		r = refusal_note(refusal, r, "%s: %s: %s", phase, what,
				 r < 0 ? strerrordesc_np(-r) ?: "unknown error" : "refused");
	fail(born, r);
}

/* Who changes its rights is let go by its parent; where that is gone already, nobody is left to say
 * the word that comes next. */
static void go_with_parent(void) {
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

/* The word may have been said before who said it went. */
static bool is_alone(const struct born *born) {
	struct pollfd job = { .fd = born->birth->socket };

	return poll(&job, 1, 0) > 0 && job.revents & POLLHUP;
}

/* The job's word; what comes with it is the trees that it has opened. */
static void await_word(struct born *born) {
	struct fds *fds = &born->birth->interior.trees;
	char byte;
	struct iovec part = { &byte, 1 };

	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct msghdr packet = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof control };
	struct cmsghdr *header;

	go_with_parent();
	if (recvmsg(born->birth->socket, &packet, MSG_CMSG_CLOEXEC) != 1 || is_alone(born))
		_exit(1);
	header = CMSG_FIRSTHDR(&packet);
	if (!header)
		return;
	for (size_t i = 0; i < (header->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
		(void)fds_add(fds, fd);
	}
}

/* ---- namespaces ---- */

/* A child of the job's. */
static pid_t branch(void) {
	return (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
}

static void keep_what_is_needed(const struct born *born) {
	const struct birth *birth = born->birth;
	const struct place *place = &born->job->place;
	int keep[NAMESPACE_TYPES + FDS_MAX + 5];
	size_t n = 0;

	keep[n++] = birth->socket;
	keep[n++] = birth->null;
	keep[n++] = birth->program;
	keep[n++] = place->proc;
	keep[n++] = place->root;
	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		keep[n++] = birth->entrance.fd[i];
	for (size_t i = 0; birth->spawn && i < birth->spawn->n_fds; i++)
		keep[n++] = fds_get(&born->job->fds, birth->spawn->fds[i]->value_fd);
	must(born, fd_close_all_but(keep, n), "descriptors", "cannot be closed");
}

static int become_caller(void *data) {
	const struct born *born = data;
	const struct birth *birth = born->birth;

	return credentials_become_caller(&born->job->place,
					 birth->own_users && birth->identity.keeps_gid);
}

static void join_place(struct born *born) {
	struct birth *birth = born->birth;
	const char *word;
	int r;

	heritage_begin(&birth->heritage, born->job->place.proc);
	must(born, credentials_leave_keyring(&born->job->place), "credentials",
	     "no keyring of its own");
	r = entrance_enter(&birth->entrance, &born->job->place, become_caller, born, &word);
	if (r < 0 && word)
		(void)refusal_note(&born->job->refusal, r,
				   "namespaces: the place's namespace of the kind '%s' cannot be "
				   "joined: %s",
				   word, strerrordesc_np(-r));
	must(born, r, "namespaces", "the place cannot be joined");
	heritage_read_limits(&birth->heritage, born->limits);
	if (birth->below && !birth->own_users)
		must(born, credentials_become(birth->identity.uid, birth->identity.gid),
		     "namespaces", "the caller is nobody there");
}

/* Ids of processes are made below those that one has oneself: where the place has its own, and new
 * ones are wanted, only who is in there can make them. */
static bool must_go_inside(const struct birth *birth) {
	return birth->entrance.pids && birth->surroundings.types & CLONE_NEWPID;
}

static void go_inside(const struct born *born) {
	_cleanup_close_ int self = -1;
	pid_t pid = branch();

	if (pid < 0)
		must(born, -errno, "namespaces", "no process in those of the place");
	if (pid > 0)
		_exit(0);
	go_with_parent();
	self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (self < 0)
		must(born, -errno, "namespaces", "no descriptor of the process");
	say(born, BIRTH_INSIDE, 0, self);
}

static void split(const struct born *born, uint32_t types) {
	int r = types != 0 && unshare((int)types) < 0 ? -errno : 0;

	if (r == -ENOSPC || r == -EUSERS)
		(void)refusal_note(&born->job->refusal, r,
				   "namespaces: the kernel's limit of namespaces is reached "
				   "(/proc/sys/user/max_*_namespaces)");
	must(born, r, "namespaces", "new ones cannot be made");
}

static void raise_loopback(const struct born *born) {
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

	if (fd < 0 && errno == EAFNOSUPPORT)
		return;
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		must(born, -errno, "namespaces", "the loopback device cannot be set up");
}

/* ---- processes ---- */

/* To make one takes as long as everything else together: who else would only wait does that. */
static int make_network(const struct born *born) {
	int network;

	split(born, CLONE_NEWNET);
	raise_loopback(born);
	network = openat(born->job->place.proc, "thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (network < 0)
		must(born, -errno, "namespaces", "the network cannot be opened");
	return network;
}

/* The first of a new pid namespace is none of the caller's, since signals that are not caught do
 * nothing to the first, and nobody would reap what is orphaned. It is given what it ends with when
 * it can be who it is to be; where that goes before, it hears nothing more. It does not go with its
 * parent, which may have gone when the program has begun, and is to stay. */
static _Noreturn void live_as_first(const struct born *born, int link) {
	const struct identity *identity = &born->birth->identity;
	int network = -1, program;

	(void)prctl(PR_SET_NAME, "usher-leader");
	if (born->lacks_network)
		network = make_network(born);
	if (fd_close_all_but((const int[]){ link, network }, 2) < 0 || setsid() < 0 ||
	    (network >= 0 && fd_send(link, network, MSG_NOSIGNAL) < 0))
		_exit(1);
	fd_closep(&network);
	program = fd_receive(link);
	if (program < 0 ||
	    (born->birth->own_users && credentials_become(identity->uid, identity->gid) < 0) ||
	    credentials_keep(0, false) < 0)
		_exit(1);
	(void)close(link);
	leader_stay(program);
}

static void make_first(struct born *born) {
	_cleanup_close_ int theirs = -1;
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		must(born, -errno, "namespaces", "no socket");
	born->link = pair[0];
	theirs = pair[1];
	pid = branch();
	if (pid == 0)
		live_as_first(born, theirs);
	if (pid < 0)
		must(born, -errno, "namespaces", "no process");
}

static bool has_first(const struct born *born) {
	return born->birth->surroundings.types & CLONE_NEWPID && born->birth->spawn;
}

/* ---- new namespaces ---- */

/* The user namespace is made with no right of ours, so that it is the kernel that says whether the
 * caller may. While the job writes the maps, the others are made. */
static void make_namespaces(struct born *born) {
	const struct birth *birth = born->birth;
	uint32_t types = birth->surroundings.types, others = types & ~(uint32_t)CLONE_NEWUSER;
	bool sets_clocks =
		birth->surroundings.has_monotonic_offset || birth->surroundings.has_boottime_offset;

	if (!birth->own_users) {
		split(born, types);
		return;
	}
	must(born, credentials_lower(0), "credentials", "cannot be given up");
	split(born, CLONE_NEWUSER);
	if (sets_clocks)
		split(born, others); /* what is set is written with the maps, before any child */
	/* who has no privilege can write maps only of what may be looked into */
	(void)prctl(PR_SET_DUMPABLE, !born->job->place.privileged, 0, 0, 0);
	say(born, BIRTH_SPLIT, 0, -1);
	if (!sets_clocks) {
		born->lacks_network = has_first(born) && types & CLONE_NEWNET;
		split(born, born->lacks_network ? others & ~(uint32_t)CLONE_NEWNET : others);
		if (has_first(born))
			make_first(born);
	}
	await_word(born);
	must(born, credentials_become(birth->identity.uid, birth->identity.gid), "maps",
	     "the process cannot be who it is to be inside");
}

/* ---- what is around it ---- */

static void join_network(struct born *born) {
	_cleanup_close_ int network = -1;

	if (!born->lacks_network)
		return;
	network = fd_receive(born->link);
	must(born,
	     network < 0                        ? network
	     : setns(network, CLONE_NEWNET) < 0 ? -errno
						: 0,
	     "namespaces", "the network cannot be joined");
	born->lacks_network = false;
}

static void furnish(struct born *born) {
	struct birth *birth = born->birth;
	const struct surroundings *around = &birth->surroundings;
	bool has_network = around->types & CLONE_NEWNET && !born->lacks_network;

	/* elsewhere there is nothing that is not the caller's to have */
	if (!birth->own_users && !birth->below)
		must(born,
		     credentials_lower(CAP(CAP_SYS_ADMIN) | CAP(CAP_SYS_CHROOT) |
				       CAP(CAP_NET_ADMIN)),
		     "credentials", "cannot be given up");
	if (birth->interior.n_mounts > 0)
		join_network(born); /* a sysfs shows that of who mounts it */
	if (around->types & CLONE_NEWNS)
		must(born, interior_build(born->job, &birth->interior), "mounts", "failed");
	if (around->hostname && sethostname(around->hostname, strlen(around->hostname)) < 0)
		must(born, -errno, "namespaces", "hostname");
	if (around->domainname && setdomainname(around->domainname, strlen(around->domainname)) < 0)
		must(born, -errno, "namespaces", "domainname");
	if (has_network)
		raise_loopback(born);
	join_network(born);
}

/* ---- who it is ---- */

static bool is_root_inside(void) {
	return geteuid() == 0;
}

static bool asks_for_capabilities(const Usher__SpawnRequest *spawn) {
	return spawn && (spawn->n_capabilities > 0 || spawn->capabilities_none);
}

/* None outside of a user namespace that is the caller's own. */
static uint64_t capabilities_of(const struct born *born) {
	const struct birth *birth = born->birth;
	const struct place *place = &born->job->place;
	uint64_t most = birth->own_users ? ~UINT64_C(0) : birth->power ? place->permitted : 0;

	uint64_t asked = 0;

	if (asks_for_capabilities(birth->spawn)) {
		(void)capability_name_parse(birth->spawn->capabilities,
					    birth->spawn->n_capabilities, &asked,
					    &born->job->refusal);
		return most & asked;
	}
	return birth->spawn && is_root_inside() ? most : 0;
}

/* What the kernel denies is nothing that is lacking where they are these already. */
static int set_groups(const Usher__SpawnRequest *spawn) {
	gid_t have[PLACE_GROUPS_MAX];
	int n, error;

	if (setgroups(spawn->n_groups, spawn->groups) == 0)
		return 0;
	error = errno;
	n = getgroups(PLACE_GROUPS_MAX, have);
	if (error == EPERM && n >= 0 &&
	    credentials_are_groups(getgid(), spawn->groups, spawn->n_groups, have, (size_t)n))
		return 0;
	return -error;
}

static int set_ids(const struct born *born) {
	const struct birth *birth = born->birth;
	const Usher__SpawnRequest *spawn = birth->spawn;
	uint32_t uid = spawn->has_uid ? spawn->uid : birth->identity.uid;
	uint32_t gid = spawn->has_gid ? spawn->gid : birth->identity.gid;
	int r = credentials_become(uid, gid);

	if (r != -EINVAL)
		return r;
	return getgid() == gid ? refusal_note(&born->job->refusal, r,
					      "credentials: uid: nobody is %u in there", uid)
			       : refusal_note(&born->job->refusal, r,
					      "credentials: gid: no group is %u in there", gid);
}

/* In a user namespace of its own it may be anybody who is there. */
static void become(const struct born *born) {
	const struct birth *birth = born->birth;
	const Usher__SpawnRequest *spawn = birth->spawn;

	if (!spawn || !(birth->own_users || birth->below))
		return;
	if (spawn->n_groups > 0 || spawn->groups_none)
		must(born, set_groups(spawn), "credentials", "groups");
	if (spawn->has_uid || spawn->has_gid)
		must(born, set_ids(born), "credentials", "uid, gid");
}

static void set_credentials(const struct born *born) {
	const struct birth *birth = born->birth;
	bool asked = asks_for_capabilities(birth->spawn);

	must(born, outfit_session(birth->spawn, &born->job->refusal), "credentials", "no session");
	become(born);
	must(born,
	     outfit_finish(birth->spawn, &birth->heritage, (struct rlimit *)(uintptr_t)born->limits,
			   &born->job->refusal),
	     "credentials", "limits");
	must(born, credentials_keep(capabilities_of(born) & credentials_permitted(), asked),
	     "credentials", "capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		must(born, -errno, "credentials", "new privileges cannot be renounced");
}

/* A leader has none, not even the standard ones. A program of ours is behind those that it is
 * given.
 */
static void set_descriptors(struct born *born) {
	struct birth *birth = born->birth;
	struct outfit outfit = { .null = birth->null };
	const int keep[] = { birth->socket, birth->program };
	int r;

	for (size_t i = 0; birth->spawn && i < birth->spawn->n_fds; i++) {
		const Usher__NumberedDescriptor *fd = birth->spawn->fds[i];

		outfit.numbers[outfit.n] = (int)fd->key;
		outfit.fds[outfit.n++] = fds_get(&born->job->fds, fd->value_fd);
	}
	if (birth->spawn && birth->own) {
		outfit.numbers[outfit.n] = STDERR_FILENO + 1;
		outfit.fds[outfit.n++] = birth->program;
		birth->program = STDERR_FILENO + 1;
	}
	r = birth->spawn ? outfit_place(&outfit, &birth->socket) : fd_close_all_but(keep, 2);
	for (int fd = 0; !birth->spawn && fd <= STDERR_FILENO; fd++)
		(void)close(fd);
	must(born, r, "descriptors", "cannot be put in place");
}

/* ---- its program ---- */

static _Noreturn void be_own(const struct born *born) {
	char name[32];
	char *const arguments[] = { name, NULL }, *const environment[] = { NULL };

	(void)snprintf(name, sizeof name, "%s", born->birth->own);
	(void)syscall(SYS_execveat, born->birth->program, "", arguments, environment,
		      AT_EMPTY_PATH);
	must(born, -errno, "exec", name);
	_exit(1);
}

static _Noreturn void be_program(struct born *born) {
	const Usher__SpawnRequest *spawn = born->birth->spawn;
	int signal = 0;

	if (spawn->parent_death_signal)
		signal = signal_name_find(spawn->parent_death_signal);
	(void)prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0);
	if (born->birth->own)
		be_own(born);
	fail(born, execution_begin(&born->execution, &born->job->refusal));
}

static _Noreturn void be_leader(const struct born *born) {
	(void)prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
	be_own(born);
}

/* ---- its life ---- */

static _Noreturn void go_on(struct born *born) {
	struct job *job = born->job;
	const struct birth *birth = born->birth;

	go_with_parent();
	outfit_signals(birth->spawn);
	furnish(born);
	if (!birth->own_users &&
	    !birth->below) /* what is left is done with no more than the program will have */
		must(born, credentials_keep(capabilities_of(born) & credentials_permitted(), false),
		     "credentials", "cannot be given up");
	must(born, interior_enter(job, birth->surroundings.workdir), "directory", "failed");
	set_descriptors(born);
	set_credentials(born);
	say(born, BIRTH_READY, 0, -1);
	await_word(born);
	if (birth->spawn)
		be_program(born);
	be_leader(born);
}

/* It says itself what it has become: who made it may hear nothing before it executes a program. */
static int go_on_as_child(void *data) {
	struct born *born = data;
	_cleanup_close_ int self = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (self < 0)
		must(born, -errno, "namespaces", "no descriptor of the process");
	say(born, BIRTH_MADE, 0, self);
	if (born->link >= 0 && fd_send(born->link, self, MSG_NOSIGNAL) < 0)
		_exit(1);
	fd_closep(&self);
	go_on(born);
}

/* A copy of our memory would only be thrown away: what we have is lent until the program is
 * executed. Not to who leads namespaces, which is asked for all of them before that: who has no
 * memory of its own has no new time yet. Nor where somebody counts, since we last as long. */
static bool lends(const struct birth *birth) {
	return birth->spawn && !allowance_is_asked(birth->spawn);
}

static pid_t branch_off(struct born *born) {
	static char stack[256 * 1024] __attribute__((aligned(16)));
	const int flags = CLONE_PARENT | SIGCHLD;
	pid_t pid = -1;

	if (lends(born->birth))
		pid = clone(go_on_as_child, stack + sizeof stack, flags | CLONE_VM | CLONE_VFORK,
			    born);
	/* an old kernel has no new time for it at all */
	if (pid < 0)
		pid = clone(go_on_as_child, stack + sizeof stack, flags, born);
	return pid;
}

/* New ids of processes, and a new time, are there for children only. Who leads nothing is in a
 * session with nobody of ours, and nobody else's. That the program has begun is heard by the end of
 * the socket, which is ours, too. */
static _Noreturn void go_on_in_child(struct born *born) {
	if (outfit_leads_nothing(born->birth->spawn) && setsid() < 0)
		must(born, -errno, "credentials", "no session");
	if (has_first(born) && born->link < 0)
		make_first(born);
	if (branch_off(born) < 0)
		must(born, -errno, "namespaces", "no process");
	(void)syscall(SYS_close_range, 0, ~0U, 0);
	_exit(0);
}

_Noreturn void born_live(struct job *job, struct birth *birth) {
	struct born born = { .job = job, .birth = birth, .link = -1 };

	(void)prctl(PR_SET_NAME, "usher-born");
	go_with_parent();
	keep_what_is_needed(&born);
	if (!birth->ahead)
		await_word(&born);
	if (birth->spawn)
		must(&born, execution_prepare(&born.execution, birth->spawn), "exec",
		     "environment");
	join_place(&born);
	if (must_go_inside(birth))
		go_inside(&born);
	make_namespaces(&born);
	if (birth_branches(birth))
		go_on_in_child(&born);
	go_on(&born);
}
