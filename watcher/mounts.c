/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watches of what is mounted and unmounted in one mount namespace. The process goes there itself,
 * so that paths are those of that namespace. Whoever is in it may read all mount points in
 * /proc/self/mountinfo, so that what lies below the watched directory is told without more ado.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "group.h"
#include "instant.h"
#include "kernel.h"
#include "mount-table.h"
#include "watch.h"
#include "watcher.h"

enum { BUFFER_SIZE = 16384 };

struct sight {
	struct source source; /* the group */
	int files;            /* /proc/PID/fd, from before we went there */
	struct mount_table table;
	uint64_t usec;
};

/* ---- the namespace ---- */

static bool is_here(int namespace) {
	struct stat here, there;

	return fstat(namespace, &there) == 0 && stat("/proc/self/ns/mnt", &here) == 0 &&
	       here.st_ino == there.st_ino;
}

static int enter(int namespace, struct refusal *refusal) {
	/* to go where one is takes rights that an ordinary user has not */
	if (is_here(namespace) || setns(namespace, CLONE_NEWNS) == 0)
		return 0;
	return refusal_note(refusal, -errno, "scope: the mount namespace cannot be entered: %s",
			    strerrordesc_np(errno));
}

static int read_table(struct sight *sight) {
	mount_table_done(&sight->table);
	return mount_table_read_kernel(&sight->table);
}

/* ---- telling ---- */

/* The watched directory in the namespace, as long as its mount is there. */
static int find_root(const struct sight *sight, const struct watch *watch, char *ret, size_t size) {
	struct statx stx;
	char name[16];
	ssize_t n;

	if (statx(watch->root, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID_UNIQUE, &stx) <
		    0 ||
	    !mount_table_find(&sight->table, stx.stx_mnt_id))
		return -ENOENT;
	(void)snprintf(name, sizeof name, "%d", watch->root);
	n = readlinkat(sight->files, name, ret, size - 1);
	if (n < 0)
		return -errno;
	while (n > 0 && ret[n - 1] == '/')
		n--; /* the root of all is the empty word here */
	ret[n] = '\0';
	return 0;
}

static void tell_one(struct watcher *watcher, struct watch *watch, uint32_t event,
		     const char *target, uint64_t clock, pid_t pid) {
	struct sight *sight = watcher->own;
	struct happening happening = {
		.events = event, .directory = true, .clock = clock, .usec = sight->usec
	};
	char root[PATH_MAX];
	size_t length;

	if (find_root(sight, watch, root, sizeof root) < 0)
		return;
	length = strlen(root);
	if (strncmp(target, root, length) != 0 || (target[length] != '/' && target[length] != '\0'))
		return;
	happening.path = target[length] == '/' ? target + length + 1 : target + length;
	happening.path_length = strlen(happening.path);
	if (watch->order->report_pid && watch->order->beholder->everything)
		happening.pid = pid;
	watch_tell(watcher, watch, &happening);
}

static void tell(struct watcher *watcher, uint32_t event, const char *target, pid_t pid) {
	uint64_t clock = journal_tick(&watcher->journal);

	for (size_t i = 0; i < watcher->n_watches; i++)
		tell_one(watcher, watcher->watches[i], event, target, clock, pid);
}

static void tell_lost(struct watcher *watcher) {
	uint64_t clock = journal_tick(&watcher->journal);

	for (size_t i = 0; i < watcher->n_watches; i++)
		watch_tell_lost(watcher, watcher->watches[i], clock);
}

/* ---- hearing ---- */

/* What is in the table when it is read is there. A mount that came and went, or was moved, between
 * two looks has a name that we do not know. */
static void compare(struct watcher *watcher, uint64_t id, pid_t pid, const char *before) {
	struct sight *sight = watcher->own;
	const Usher__MountEntry *now = mount_table_find(&sight->table, id);

	if (!before && !now)
		tell_lost(watcher);
	if (before && now && strcmp(before, now->target) == 0)
		return; /* told already, with an event that came before this one */
	if (before)
		tell(watcher, USHER_WATCH_MOUNT_DETACH, before, pid);
	if (now)
		tell(watcher, USHER_WATCH_MOUNT_ATTACH, now->target, pid);
}

static void hear_group(struct watcher *watcher, struct source *source, uint32_t events) {
	static _Alignas(struct fanotify_event_metadata) char buffer[BUFFER_SIZE];
	struct sight *sight = watcher->own;
	ssize_t n = read(source->fd, buffer, sizeof buffer);
	const struct fanotify_event_metadata *event = (const void *)buffer;
	struct mount_table before = sight->table;

	if (n <= 0)
		return;
	journal_set_busy(&watcher->journal, true);
	sight->usec = instant_date_usec();
	sight->table = (struct mount_table){ 0 };
	if (mount_table_read_kernel(&sight->table) < 0)
		tell_lost(watcher);
	for (; FAN_EVENT_OK(event, n); event = group_next(event, &n)) {
		const struct kernel_fanotify_mount *mount = (const void *)(event + 1);
		const Usher__MountEntry *known;

		if (event->mask & FAN_Q_OVERFLOW)
			tell_lost(watcher);
		if (event->event_len < sizeof *event + sizeof *mount ||
		    mount->header.info_type != KERNEL_FAN_EVENT_INFO_TYPE_MNT)
			continue;
		known = mount_table_find(&before, mount->mount_id);
		compare(watcher, mount->mount_id, event->pid, known ? known->target : NULL);
	}
	mount_table_done(&before);
}

/* ---- the kind ---- */

static int open_group(struct sight *sight, int namespace, struct refusal *refusal) {
	sight->source.fd =
		fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | KERNEL_FAN_REPORT_MNT,
			      O_RDONLY);
	if (sight->source.fd >= 0 &&
	    fanotify_mark(sight->source.fd, FAN_MARK_ADD | KERNEL_FAN_MARK_MNTNS,
			  KERNEL_FAN_MNT_ATTACH | KERNEL_FAN_MNT_DETACH, namespace, NULL) == 0)
		return 0;
	if (errno == EINVAL || errno == ENOSYS)
		return refusal_note(refusal, REFUSED_UNSUPPORTED,
				    "scope: this kernel does not tell of mounts (Linux 6.15 does)");
	if (errno == EPERM)
		return refusal_note(refusal, REFUSED_UNSUPPORTED,
				    "scope: the service may not watch mounts here");
	return -errno;
}

static int begin(struct watcher *watcher, int *superblock, int *group, struct refusal *refusal) {
	struct sight *sight = calloc(1, sizeof *sight);
	int r;

	watcher->own = sight;
	if (!sight)
		return -ENOMEM;
	sight->source = (struct source){ .fd = -1, .ready = hear_group };
	sight->files = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	watcher_keep(watcher, -1);
	if (sight->files < 0)
		return -errno;
	r = open_group(sight, *superblock, refusal);
	if (r == 0)
		r = enter(*superblock, refusal);
	if (r == 0)
		r = read_table(sight);
	return r == 0 ? watcher_listen(watcher, &sight->source, EPOLLIN) : r;
}

static int add(struct watcher *watcher, struct watch *watch, struct refusal *refusal) {
	char root[PATH_MAX];

	if (find_root(watcher->own, watch, root, sizeof root) < 0)
		return refusal_note(refusal, REFUSED_INVALID,
				    "path: it is not in the mount namespace");
	if (watch->resumed)
		watch_tell_lost(watcher, watch, journal_tick(&watcher->journal));
	return 0;
}

static int set_events(struct watcher *watcher, struct watch *watch, struct refusal *refusal) {
	return 0;
}

static void remove_watch(struct watcher *watcher, struct watch *watch) {
}

static void end(struct watcher *watcher) {
	struct sight *sight = watcher->own;

	if (!sight)
		return;
	fd_closep(&sight->source.fd);
	fd_closep(&sight->files);
	mount_table_done(&sight->table);
	free(sight);
}

const struct watcher_kind mounts_kind = {
	.name = "mounts",
	.begin = begin,
	.end = end,
	.add = add,
	.set_events = set_events,
	.remove = remove_watch,
};
