/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "confine.h"
#include "entry.h"
#include "fd.h"
#include "kernel.h"
#include "ownership.h"
#include "subject.h"

static int open_at(int directory, int flags, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int open_at(int directory, int flags, const char *format, ...) {
	char path[64];
	va_list arguments;
	int fd;

	va_start(arguments, format);
	(void)vsnprintf(path, sizeof path, format, arguments);
	va_end(arguments);
	fd = openat(directory, path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Reads a small file of /proc whole. */
static int read_at(int directory, char *text, size_t size, const char *path) {
	_cleanup_close_ int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n = read(fd, text + used, size - 1 - used);

		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
		if (used == size - 1)
			return -EFBIG;
	}
	text[used] = '\0';
	return 0;
}

static int identify_ours(const struct place *place, const char *path,
			 struct place_identity *identity) {
	struct stat st;

	if (fstatat(place->proc, path, &st, 0) < 0)
		return -errno;
	*identity = (struct place_identity){ st.st_dev, st.st_ino };
	return 0;
}

int place_prepare(struct place *place) {
	struct statfs fs;
	int r;

	if (place->proc >= 0)
		return 0;
	place->privileged = confine_has(CAP_SETUID);
	place->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (place->proc < 0 || fstatfs(place->proc, &fs) < 0)
		return -errno;
	if (fs.f_type != PROC_SUPER_MAGIC)
		return -EXDEV;
	place->home = openat(place->proc, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
	place->our_users = openat(place->proc, "self/ns/user", O_RDONLY | O_CLOEXEC);
	if (place->home < 0 || place->our_users < 0)
		return -errno;
	r = identify_ours(place, "self/ns/mnt", &place->our_mounts);
	if (r == 0)
		r = identify_ours(place, "self/ns/uts", &place->our_names);
	if (r == 0)
		r = identify_ours(place, "self/ns/pid", &place->our_pids);
	return r == 0 ? identify_ours(place, "self/ns/net", &place->our_net) : r;
}

/* The process behind a pidfd. Good only as long as subject_lives() says so afterwards. */
int place_process(const struct place *place, int pidfd) {
	char path[64], text[1024];
	const char *line;
	int r;

	(void)snprintf(path, sizeof path, "self/fdinfo/%d", pidfd);
	r = read_at(place->proc, text, sizeof text, path);
	if (r < 0)
		return r;
	line = strstr(text, "\nPid:\t");
	return line ? atoi(line + 6) : -EBADF;
}

/* The process of a caller. The kernel may tell at once; of what a stranger says is a pidfd we know
 * only what /proc says, since any driver may have calls of the same numbers. */
static int caller_process(const struct place *place, int pidfd) {
	struct kernel_pidfd_info info = { .mask = 1 };

	if (ioctl(pidfd, KERNEL_PIDFD_GET_INFO, &info) == 0 && info.pid > 0)
		return (int)info.pid;
	return place_process(place, pidfd);
}

static const char *status_line(const char *status, const char *name) {
	const char *line = strstr(status, name);

	return line ? line + strlen(name) : NULL;
}

/* All of them or none: a group may also be what keeps somebody out of a file. */
static int read_groups(struct place *place, const char *at) {
	for (;;) {
		unsigned long group;
		char *end;

		at += strspn(at, " ");
		if (*at < '0' || *at > '9')
			return 0;
		group = strtoul(at, &end, 10);
		if (group > UINT32_MAX || place->n_groups == PLACE_GROUPS_MAX)
			return -EOVERFLOW;
		place->groups[place->n_groups++] = (gid_t)group;
		at = end;
	}
}

/* Who the caller is now, from its /proc/PID/status. Every uid must be the one that the bus saw: a
 * process that runs somebody else's program by now speaks for nobody. */
int place_read_status(struct place *place, const char *status, uid_t uid, struct refusal *refusal) {
	const char *uids = status_line(status, "\nUid:\t"), *gids = status_line(status, "\nGid:\t"),
		   *groups = status_line(status, "\nGroups:\t");
	unsigned u[4], g[4];

	if (!uids || !gids || !groups || sscanf(uids, "%u %u %u %u", u, u + 1, u + 2, u + 3) != 4 ||
	    sscanf(gids, "%u %u %u %u", g, g + 1, g + 2, g + 3) != 4)
		return -EBADMSG;
	for (int i = 0; i < 4; i++)
		if (u[i] != uid || g[i] != g[0])
			return refusal_note(
				refusal, REFUSED_PERMISSION,
				"the calling process is no longer what it was when it connected "
				"to the bus (uid %u, now %u, gid %u)",
				uid, u[i], g[i]);
	place->uid = uid;
	place->gid = g[3];
	return read_groups(place, groups);
}

static uint64_t status_capabilities(const char *status, const char *name) {
	const char *line = status_line(status, name);

	return line ? strtoull(line, NULL, 16) : 0;
}

int place_read(const struct place *place, const char *path, char *text, size_t size) {
	return read_at(place->proc, text, size, path);
}

/* The effective uid counts here too, since who owns a user namespace has rights in it; the real one
 * stays, so that the caller can neither signal nor trace us meanwhile. */
int place_open_as_caller(const struct place *place, const char *path) {
	_cleanup_close_ int fd = -1;
	int r = place_act_as_caller(place);

	if (r == 0 && place->privileged && setresuid((uid_t)-1, place->uid, (uid_t)-1) < 0)
		r = -errno;
	if (r == 0)
		r = confine_lower(0);
	if (r < 0)
		return r;
	fd = open_at(place->proc, O_RDONLY, "%s", path);
	if (place->privileged && setresuid((uid_t)-1, 0, (uid_t)-1) < 0)
		return -errno;
	r = place_act_as_root(place);
	return fd < 0 || r == 0 ? fd_take(&fd) : r;
}

/* Whether the caller may look into a process, as ptrace(2) judges. A caller in a user namespace
 * sees nothing outside it, whatever its uid is here. */
static int judge_visibility(struct place *place) {
	_cleanup_close_ int users = -1, mounts = -1;
	char path[64];

	(void)snprintf(path, sizeof path, "%d/ns/mnt", place->pid);
	mounts = place_open_as_caller(place, path);
	place->foreign = mounts == -EACCES || mounts == -EPERM;
	if (mounts < 0 && !place->foreign)
		return mounts;
	if (fd_same_file(place->caller_users, place->our_users))
		return 0;
	users = open_at(place->proc, O_RDONLY, "%d/ns/user", place->pid);
	if (users < 0)
		return users;
	if (!place_is_within(users, place->caller_users))
		place->foreign = true;
	return 0;
}

/* From the pidfd, where the kernel gives it: /proc takes ten times as long. */
static int open_by(const struct place *place, int pidfd, unsigned long request, pid_t pid,
		   const char *name) {
	int fd = ioctl(pidfd, request, 0);

	return fd >= 0 ? fd : open_at(place->proc, O_RDONLY, "%d/ns/%s", pid, name);
}

int place_open_callers_network(const struct place *place, int caller) {
	return open_by(place, caller, KERNEL_PIDFD_GET_NET_NAMESPACE, place->caller, "net");
}

/* Who has no right here has all of them in what its own user has made. */
static void open_users(const struct place *place, struct place_namespace *namespace) {
	bool needed = !place->privileged && !namespace->host;

	fd_closep(&namespace->users);
	namespace->users = needed ? ioctl(namespace->fd, NS_GET_USERNS) : -1;
}

static int open_namespace(const struct place *place, int pidfd, unsigned long request,
			  const char *name, const struct place_identity *ours,
			  struct place_namespace *namespace) {
	struct stat st;

	namespace->fd = open_by(place, pidfd, request, place->pid, name);
	if (namespace->fd < 0)
		return namespace->fd;
	if (fstat(namespace->fd, &st) < 0)
		return -errno;
	namespace->host = st.st_dev == ours->device && st.st_ino == ours->number;
	open_users(place, namespace);
	return 0;
}

static int open_namespaces(struct place *place, int pidfd, bool for_children) {
	int r;

	place->root = open_at(place->proc, O_PATH | O_DIRECTORY, "%d/root", place->pid);
	if (place->root < 0)
		return place->root;
	r = open_namespace(place, pidfd, KERNEL_PIDFD_GET_MNT_NAMESPACE, "mnt", &place->our_mounts,
			   &place->mounts);
	if (r == 0)
		r = open_namespace(place, pidfd, KERNEL_PIDFD_GET_UTS_NAMESPACE, "uts",
				   &place->our_names, &place->names);
	if (r < 0 || !for_children)
		return r;
	r = open_namespace(place, pidfd, KERNEL_PIDFD_GET_PID_NAMESPACE, "pid", &place->our_pids,
			   &place->pids);
	return r == 0 ? open_namespace(place, pidfd, KERNEL_PIDFD_GET_NET_NAMESPACE, "net",
				       &place->our_net, &place->net)
		      : r;
}

static void read_name(struct place *place) {
	char path[64];
	char text[sizeof place->name];

	(void)snprintf(path, sizeof path, "%d/comm", place->pid);
	if (read_at(place->proc, text, sizeof text, path) < 0)
		*text = '\0';
	text[strcspn(text, "\n")] = '\0';
	memcpy(place->name, text, sizeof text);
}

/* What is the service's own is no caller's; and most callers are at home. */
static void judge_namespaces(struct place *place) {
	if (!place->mounts.host)
		place->mounts.own = ownership_find(place, place->mounts.fd, &place->users);
	if (!place->names.host)
		place->names.own = ownership_find(place, place->names.fd, NULL);
	if (!place->mounts.host || !place->names.host)
		read_name(place);
}

/* caller_fd and in are pidfds, checked to be. */
static int open_process(struct place *place, pid_t caller, int caller_fd, int in, uid_t uid,
			bool for_children, struct refusal *refusal) {
	static char status[16384];
	char path[64];
	const char *seccomp, *mask;
	int r;

	(void)snprintf(path, sizeof path, "%d/status", caller);
	r = read_at(place->proc, status, sizeof status, path);
	if (r < 0)
		return r;
	r = place_read_status(place, status, uid, refusal);
	if (r != 0)
		return r;
	place->caller = caller;
	place->permitted = status_capabilities(status, "\nCapPrm:\t");
	seccomp = status_line(status, "\nSeccomp:\t");
	place->filtered = seccomp && *seccomp != '0';
	mask = status_line(status, "\nUmask:\t");
	place->umask = mask ? (mode_t)strtoul(mask, NULL, 8) & 0777 : 022;
	place->sealed = status_capabilities(status, "\nNoNewPrivs:\t") != 0;
	place->administrator = status_capabilities(status, "\nCapEff:\t") & CAP(CAP_SYS_ADMIN);
	place->caller_users =
		open_by(place, caller_fd, KERNEL_PIDFD_GET_USER_NAMESPACE, caller, "user");
	if (place->caller_users < 0)
		return place->caller_users;
	if (in >= 0 && place->pid != caller)
		r = judge_visibility(place);
	if (r == 0)
		r = open_namespaces(place, in >= 0 ? in : caller_fd, for_children);
	if (r == 0)
		judge_namespaces(place);
	return r;
}

int place_open(struct place *place, int caller, int in, uid_t uid, bool for_children,
	       struct refusal *refusal) {
	const char *argument = place->argument ?: "in";
	pid_t pid;
	int r = place_prepare(place);

	if (r < 0)
		return r;
	pid = caller_process(place, caller);
	if (pid <= 0)
		return refusal_note(refusal, REFUSED_NOT_FOUND, "the calling process has exited");
	place->pid = pid;
	if (in >= 0) {
		place->pid = place_process(place, in);
		if (place->pid == -EBADF)
			return refusal_note(refusal, REFUSED_INVALID,
					    "%s: the descriptor is not a pidfd", argument);
		if (place->pid <= 0)
			return refusal_note(
				refusal, REFUSED_NOT_FOUND,
				"%s: the process has exited, or is not one of this machine's",
				argument);
	}
	r = open_process(place, pid, caller, in, uid, for_children, refusal);
	if (r > 0)
		return r;
	/* A pid names the same process as long as the pidfd says that this one lives. */
	if (!subject_lives(caller))
		return refusal_note(refusal, REFUSED_NOT_FOUND, "the calling process has exited");
	if (in >= 0 && !subject_lives(in))
		return refusal_note(refusal, REFUSED_NOT_FOUND, "%s: the process has exited",
				    argument);
	if (r < 0)
		return refusal_note(refusal, r, "%s: cannot open the namespaces of process %d",
				    argument, place->pid);
	return 0;
}

int place_open_host(struct place *place, int mounts, struct refusal *refusal) {
	int r = place_prepare(place);

	if (r < 0)
		return r;
	place->mounts.fd = fcntl(mounts >= 0 ? mounts : place->home, F_DUPFD_CLOEXEC, 3);
	if (place->mounts.fd < 0)
		return -errno;
	if (mounts >= 0 && ioctl(mounts, NS_GET_NSTYPE) != CLONE_NEWNS)
		return refusal_note(refusal, REFUSED_INVALID, "not a mount namespace");
	place->mounts.host = fd_same_file(place->mounts.fd, place->home);
	place->names.host = true;
	return 0;
}

/* The id of the mount namespace of a process; 0 if it cannot be told. */
static uint64_t mounts_id(const struct place *place, const char *process, int *ret_fd) {
	_cleanup_close_ int fd = open_at(place->proc, O_RDONLY, "%.20s/ns/mnt", process);
	__u64 id;

	if (fd < 0 || ioctl(fd, KERNEL_NS_GET_MNTNS_ID, &id) < 0)
		return 0;
	*ret_fd = fd_take(&fd);
	return id;
}

int place_find_mounts(const struct place *place, uint64_t id) {
	_cleanup_close_ int fd = openat(place->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	int found = -ESRCH;

	if (!directory)
		return -errno;
	(void)fd_take(&fd);
	for (struct dirent *entry; found < 0 && (entry = readdir(directory));) {
		_cleanup_close_ int mounts = -1;

		if (*entry->d_name >= '1' && *entry->d_name <= '9' &&
		    mounts_id(place, entry->d_name, &mounts) == id)
			found = fd_take(&mounts);
	}
	(void)closedir(directory);
	return found;
}

void place_use_mounts(struct place *place, int mounts) {
	fd_closep(&place->mounts.fd);
	fd_closep(&place->users);
	fd_closep(&place->root);
	place->mounts.fd = mounts;
	place->mounts.host = fd_same_file(mounts, place->home);
	open_users(place, &place->mounts);
	place->mounts.own = ownership_find(place, mounts, &place->users);
}

void place_done(struct place *place) {
	fd_closep(&place->our_users);
	fd_closep(&place->caller_users);
	fd_closep(&place->proc);
	fd_closep(&place->home);
	fd_closep(&place->vessel);
	fd_closep(&place->scaffold);
	fd_closep(&place->root);
	fd_closep(&place->mounts.fd);
	fd_closep(&place->names.fd);
	fd_closep(&place->users);
	fd_closep(&place->pids.fd);
	fd_closep(&place->net.fd);
	fd_closep(&place->mounts.users);
	fd_closep(&place->names.users);
	fd_closep(&place->pids.users);
	fd_closep(&place->net.users);
}
