/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd.h"
#include "instant.h"
#include "lookout.h"

enum { KNOWN = 1 << 14, DEPTH_MAX = PATH_MAX, ATTEMPTS = 4 };

struct outlook {
	struct outlook *next;
	unsigned eyes;
	uint32_t spot;
	uint64_t mount; /* held, so that no other gets its number */
	int root;
	bool ours; /* the mount is in our own namespace: we hear of what is mounted there */
	bool was_ours;

	struct known {
		uint64_t until; /* holds as long as this is the time */
		uint64_t path;  /* its hash */
		uint32_t directory;
		enum outlook_view view; /* shown: nothing is mounted on it */
	} * known;                      /* most of it is never touched */
};

static int mount_of(int fd, uint64_t *ret) {
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_MNT_ID, &stx) < 0)
		return -errno;
	*ret = stx.stx_mnt_id;
	return 0;
}

static void discard(struct outlook *outlook) {
	fd_closep(&outlook->root);
	free(outlook->known);
	free(outlook);
}

int outlook_take(struct lookout *lookout, struct eye *eye) {
	struct outlook *outlook;
	uint64_t mount = 0;
	int r = mount_of(eye->watch->root, &mount);

	if (r < 0)
		return r;
	for (outlook = lookout->outlooks; outlook; outlook = outlook->next)
		if (outlook->spot == eye->spot && outlook->mount == mount) {
			outlook->eyes++;
			eye->outlook = outlook;
			return 0;
		}
	outlook = calloc(1, sizeof *outlook);
	if (!outlook)
		return -ENOMEM;
	outlook->root = fcntl(eye->watch->root, F_DUPFD_CLOEXEC, 3);
	outlook->known = calloc(KNOWN, sizeof *outlook->known);
	if (outlook->root < 0 || !outlook->known) {
		r = outlook->root < 0 ? -errno : -ENOMEM;
		discard(outlook);
		return r;
	}
	lookout->mounts_changed = true;
	outlook->eyes = 1;
	outlook->spot = eye->spot;
	outlook->mount = mount;
	outlook->next = lookout->outlooks;
	lookout->outlooks = eye->outlook = outlook;
	return 0;
}

void outlook_release(struct lookout *lookout, struct eye *eye) {
	struct outlook *outlook = eye->outlook, **at = &lookout->outlooks;

	eye->outlook = NULL;
	if (!outlook || --outlook->eyes > 0)
		return;
	while (*at != outlook)
		at = &(*at)->next;
	*at = outlook->next;
	discard(outlook);
}

/* ---- what is mounted ---- */

static void note_mount(struct lookout *lookout, uint64_t mount) {
	for (struct outlook *outlook = lookout->outlooks; outlook; outlook = outlook->next)
		if (outlook->mount == mount)
			outlook->ours = true;
}

/* Which of the mounts that are looked from are in our own namespace. */
static void read_mounts(struct lookout *lookout) {
	_cleanup_free_ char *line = NULL;
	size_t space = 0;

	for (struct outlook *outlook = lookout->outlooks; outlook; outlook = outlook->next) {
		outlook->was_ours = outlook->ours;
		outlook->ours = false;
	}
	rewind(lookout->mounts);
	while (getline(&line, &space, lookout->mounts) >= 0)
		note_mount(lookout, strtoull(line, NULL, 10));
}

/* Nobody gets there any more. Who looks from it goes, too: what is held open keeps the file system
 * and its device in use. */
static void tell_unmounted(struct lookout *lookout, const struct outlook *outlook) {
	const struct spot *spot = &lookout->spot[outlook->spot];
	struct happening happening = {
		.events = USHER_WATCH_UNMOUNT,
		.directory = spot->directory,
		.clock = journal_tick(&lookout->watcher->journal),
		.usec = instant_date_usec(),
		.path = "",
	};

	for (size_t i = 0; i < spot->n; i++) {
		struct watch *watch = spot->eye[i]->watch;

		if (spot->eye[i]->outlook != outlook || watch->gone)
			continue;
		watch_tell(lookout->watcher, watch, &happening);
		watch->gone = true;
	}
}

void outlook_refresh(struct lookout *lookout) {
	struct pollfd poller = { .fd = lookout->mount_table.fd, .events = POLLPRI };

	if (!lookout->mounts)
		return; /* then it is asked for in each batch */
	if (poll(&poller, 1, 0) <= 0 && !lookout->mounts_changed)
		return;
	lookout->mounts_changed = false;
	lookout->mounts_generation++;
	read_mounts(lookout);
	for (struct outlook *outlook = lookout->outlooks; outlook; outlook = outlook->next)
		if (outlook->was_ours && !outlook->ours)
			tell_unmounted(lookout, outlook);
}

static void hear_mounts(struct watcher *watcher, struct source *source, uint32_t events) {
	struct lookout *lookout = watcher->own;

	lookout->mounts_changed = true; /* which is said once */
	outlook_refresh(lookout);
}

int outlook_begin(struct lookout *lookout) {
	lookout->mounts = fopen("/proc/self/mountinfo", "re");
	if (!lookout->mounts)
		return 0;
	lookout->mount_table = (struct source){ fileno(lookout->mounts), hear_mounts };
	return watcher_listen(lookout->watcher, &lookout->mount_table, EPOLLPRI);
}

static uint64_t time_of(const struct lookout *lookout, const struct outlook *outlook) {
	return outlook->ours ? UINT64_C(1) << 63 | lookout->mounts_generation : lookout->batch;
}

/* ---- looking ---- */

static struct known *place_of(const struct outlook *outlook, uint32_t directory) {
	return &outlook->known[directory % KNOWN];
}

/* What is known of a directory that had the number before is known of this one by nobody. */
static struct known *make_known(struct lookout *lookout, struct outlook *outlook,
				uint32_t directory) {
	struct node *node = &lookout->superblock.nodes.node[directory];

	if (!(node->flags & NODE_KNOWN))
		for (struct outlook *other = lookout->outlooks; other; other = other->next)
			if (place_of(other, directory)->directory == directory)
				*place_of(other, directory) = (struct known){ 0 };
	node->flags |= NODE_KNOWN;
	return place_of(outlook, directory);
}

static const struct known *recall(const struct lookout *lookout, const struct outlook *outlook,
				  uint32_t directory, uint64_t now) {
	const struct known *known = place_of(outlook, directory);

	return known->directory == directory && known->until == now &&
			       lookout->superblock.nodes.node[directory].flags & NODE_KNOWN
		       ? known
		       : NULL;
}

/* Whether nothing is mounted on it or on what it is in, as far as that is known. That moves with a
 * directory: nobody has to be asked again after a rename. */
static bool is_bare(const struct lookout *lookout, const struct outlook *outlook,
		    uint32_t directory, uint64_t now) {
	const uint32_t top = lookout->spot[outlook->spot].node;

	for (uint32_t i = directory, depth = 0; i != top;
	     i = lookout->superblock.nodes.node[i].parent) {
		const struct known *known =
			i && depth++ < DEPTH_MAX ? recall(lookout, outlook, i, now) : NULL;

		if (!known || known->view != OUTLOOK_SHOWN)
			return false;
	}
	return true;
}

static uint64_t hash_of(const char *path) {
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	while (*path)
		hash = (hash ^ (uint8_t)*path++) * UINT64_C(0x100000001b3);
	return hash;
}

/* As far as the kernel has it in memory, since whoever looks for more waits for those who have a
 * directory locked; and what lies below an overlay may be anybody's. */
static int open_known(const struct outlook *outlook, const char *path, uint64_t more) {
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_CACHED | more,
	};
	int fd = -1;

	/* who renames or mounts anything may get in between */
	for (int i = 0; i < ATTEMPTS && fd < 0; i++) {
		fd = (int)syscall(SYS_openat2, outlook->root, path, &how, sizeof how);
		if (fd < 0 && errno != EAGAIN)
			return -errno;
	}
	return fd < 0 ? -EAGAIN : fd;
}

/* Of what is in memory the kernel does not say that something is mounted on the way. */
static bool is_covered(const struct outlook *outlook, const char *path) {
	char shorter[2 * PATH_MAX];
	size_t length = strlen(path);

	memcpy(shorter, path, length + 1);
	while (length > 0) {
		_cleanup_close_ int fd = open_known(outlook, shorter, 0);
		const char *slash;
		uint64_t mount = 0;

		if (fd >= 0)
			return mount_of(fd, &mount) == 0 && mount != outlook->mount;
		slash = memrchr(shorter, '/', length);
		length = slash ? (size_t)(slash - shorter) : 0;
		shorter[length] = '\0';
	}
	return false;
}

/* What is held open is in memory, too, with all that it is in. */
static int open_path(struct lookout *lookout, const struct outlook *outlook, uint32_t directory,
		     const char *path) {
	_cleanup_close_ int held = -1;
	int fd = open_known(outlook, path, RESOLVE_NO_XDEV);

	if (fd != -EAGAIN)
		return fd;
	if (is_covered(outlook, path))
		return -EXDEV;
	if (lookout->superblock.layer)
		return fd;
	held = superblock_recall(&lookout->superblock, directory);
	if (held >= 0)
		fd = open_known(outlook, path, RESOLVE_NO_XDEV);
	return fd == -EAGAIN ? -ENOENT : fd;
}

/* 0, or by a negative errno why not: -EXDEV for a mount, -ESTALE for another directory. */
static int look(struct lookout *lookout, const struct outlook *outlook, uint32_t directory,
		const char *path) {
	_cleanup_close_ int fd = open_path(lookout, outlook, directory, path);
	const struct handle known = node_handle(&lookout->superblock.nodes.node[directory]);
	uint8_t space[HANDLE_MAX];
	struct handle handle;

	if (fd < 0)
		return fd;
	if (lookout->superblock.layer)
		return overlay_shows(lookout, lookout->spot[outlook->spot].node, path, directory,
				     fd)
			       ? 0
			       : -ESTALE;
	return handle_of(fd, space, &handle) == 0 && handle_is(&handle, &known) ? 0 : -ESTALE;
}

static bool is_leaving(const struct lookout *lookout, uint32_t directory) {
	return lookout->superblock.nodes.node[directory].flags & NODE_LEAVES;
}

/* What has been deleted since cannot have been mounted on; the one that it was in can. */
static enum outlook_view look_at_parent(struct lookout *lookout, struct outlook *outlook,
					uint32_t directory, const char *path) {
	char parent[2 * PATH_MAX];
	const char *slash = strrchr(path, '/');
	uint32_t above = lookout->superblock.nodes.node[directory].parent;

	if (!slash)
		return OUTLOOK_SHOWN;
	*(char *)mempcpy(parent, path, (size_t)(slash - path)) = '\0';
	return outlook_look(lookout, outlook, above, parent);
}

static enum outlook_view find_out(struct lookout *lookout, struct outlook *outlook,
				  uint32_t directory, const char *path) {
	int r = look(lookout, outlook, directory, path);

	if (r == 0)
		return OUTLOOK_SHOWN;
	if (r == -EXDEV)
		return OUTLOOK_COVERED;
	if (r == -ENOENT && !is_leaving(lookout, directory))
		batch_look_ahead(lookout);
	if (is_leaving(lookout, directory))
		return look_at_parent(lookout, outlook, directory, path);
	return OUTLOOK_ELSEWHERE;
}

enum outlook_view outlook_look(struct lookout *lookout, struct outlook *outlook, uint32_t directory,
			       const char *path) {
	struct known now = { .directory = directory };
	const struct known *known;

	if (!*path)
		return OUTLOOK_SHOWN; /* the root, which is open */
	now.until = time_of(lookout, outlook);
	if (is_bare(lookout, outlook, directory, now.until))
		return OUTLOOK_SHOWN;
	now.path = hash_of(path);
	known = recall(lookout, outlook, directory, now.until);
	if (known && known->path == now.path)
		return known->view;
	now.view = find_out(lookout, outlook, directory, path);
	/* that it leads elsewhere is so only until what has happened has been read */
	if (now.view == OUTLOOK_ELSEWHERE)
		now.until = lookout->batch;
	*make_known(lookout, outlook, directory) = now;
	if (now.view == OUTLOOK_SHOWN && outlook->ours)
		(void)look_at_parent(lookout, outlook, directory, path); /* for later */
	return now.view;
}

const char *outlook_nearest(struct lookout *lookout, struct outlook *outlook, uint32_t directory,
			    const char *path, size_t *length) {
	static char shorter[2 * PATH_MAX];

	for (;;) {
		enum outlook_view view = outlook_look(lookout, outlook, directory, path);
		const char *slash = memrchr(path, '/', *length);

		if (view != OUTLOOK_ELSEWHERE)
			return view == OUTLOOK_SHOWN ? path : NULL;
		*length = slash ? (size_t)(slash - path) : 0;
		directory = lookout->superblock.nodes.node[directory].parent;
		/* others are still to come that look along the same path */
		path = memmove(shorter, path, *length);
		shorter[*length] = '\0';
	}
}
