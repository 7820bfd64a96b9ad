/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "exclude.h"
#include "fd.h"
#include "watch.h"

enum { LOOKS_MAX = 256 };

/* ---- the tree ---- */

static struct directory **bucket(struct directories *all, int number) {
	return &all->by_number[(unsigned)number % DIRECTORY_BUCKETS];
}

ssize_t directory_path(const struct directory *directory, const char *name, char *ret,
		       size_t size) {
	size_t at = size;
	size_t length = name ? strlen(name) : 0;

	if (length + 1 > at)
		return -ENAMETOOLONG;
	ret[--at] = '\0';
	if (name)
		memcpy(ret + (at -= length), name, length);
	for (const struct directory *d = directory; d->parent; d = d->parent) {
		bool last = ret[at] == '\0';

		length = strlen(d->name);
		if (length + 1 > at)
			return -ENAMETOOLONG;
		if (!last)
			ret[--at] = '/';
		memcpy(ret + (at -= length), d->name, length);
	}
	length = size - 1 - at;
	memmove(ret, ret + at, length + 1);
	return (ssize_t)length;
}

struct directory *directory_child(const struct directory *directory, const char *name) {
	for (struct directory *d = directory->first; d; d = d->next)
		if (strcmp(d->name, name) == 0)
			return d;
	return NULL;
}

/* The next one in the order of the tree. */
static struct directory *following(struct directory *at, const struct directory *top) {
	if (at->first)
		return at->first;
	while (at != top && !at->next)
		at = at->parent;
	return at == top ? NULL : at->next;
}

static void detach(struct directory *directory) {
	struct directory **at = &directory->parent->first;

	while (*at != directory)
		at = &(*at)->next;
	*at = directory->next;
}

static void attach(struct directory *directory, struct directory *parent) {
	directory->parent = parent;
	directory->next = parent->first;
	parent->first = directory;
}

void directory_graft(struct directory *directory, struct directory *parent, char *name) {
	detach(directory);
	free(directory->name);
	directory->name = name;
	attach(directory, parent);
}

/* It is told no more, unless another watch is at the same one. */
static void forget(struct directories *all, struct directory *directory) {
	struct directory **at = bucket(all, directory->number);
	bool shared = false;

	if (directory->number < 0)
		return;
	while (*at != directory)
		at = &(*at)->chain;
	*at = directory->chain;
	for (struct directory *d = *bucket(all, directory->number); d; d = d->chain)
		shared = shared || d->number == directory->number;
	if (!shared)
		(void)inotify_rm_watch(all->inotify, directory->number);
	directory->number = -1;
}

/* The deepest first; without recursion, since users make trees as deep as they like. */
void directory_prune(struct directories *all, struct directory *directory, size_t *n) {
	struct directory *at = directory;

	while (directory->first) {
		struct directory *parent;

		while (at->first)
			at = at->first;
		parent = at->parent;
		forget(all, at);
		parent->first = at->next;
		free(at->name);
		free(at);
		(*n)--;
		at = parent;
	}
}

void directory_cut(struct directories *all, struct directory *directory, size_t *n) {
	directory_prune(all, directory, n);
	forget(all, directory);
	if (directory->parent)
		detach(directory);
	free(directory->name);
	free(directory);
	(*n)--;
}

/* ---- what is seen ---- */

/* Below the root, through no link and on the same file system. */
static int open_below(const struct directory *directory, uint64_t flags) {
	struct open_how how = {
		.flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | flags,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	char path[PATH_MAX];
	ssize_t length = directory_path(directory, NULL, path, sizeof path);
	long fd;

	if (length < 0)
		return (int)length;
	fd = syscall(SYS_openat2, directory->watch->root, length > 0 ? path : ".", &how,
		     sizeof how);
	return fd < 0 ? -errno : (int)fd;
}

/* That it can be reached and listed, and is still the one. */
static bool is_visible(const struct directory *directory) {
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (fstat(directory->watch->root, &st) == 0 && !directory->parent && !S_ISDIR(st.st_mode))
		return true; /* a file, by its watch's own descriptor */
	fd = open_below(directory, O_PATH);
	return fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == directory->device &&
	       st.st_ino == directory->inode &&
	       syscall(SYS_faccessat2, fd, "", R_OK | X_OK, AT_EMPTY_PATH | AT_EACCESS) == 0;
}

/* Whatever was queued before this is older than what is found out now. */
static void look(struct directories *all, struct directory *directory, uint64_t round) {
	int waiting = 0;

	directory->visible = is_visible(directory);
	(void)ioctl(all->inotify, FIONREAD, &waiting);
	directory->known_from = all->position + (uint64_t)waiting;
	directory->looked = round;
}

/* By an event on it or on one above. */
static uint64_t last_doubt(const struct directory *directory) {
	uint64_t doubted = 0;

	for (const struct directory *d = directory; d; d = d->parent)
		if (d->doubted > doubted)
			doubted = d->doubted;
	return doubted;
}

enum directory_verdict directory_judge(struct directories *all, struct directory *directory,
				       uint64_t position, uint64_t round) {
	uint64_t doubted = last_doubt(directory), known_from = directory->known_from;
	bool before = directory->visible;

	/* what was known holds for this event, and has to hold still */
	if (doubted < known_from && position >= known_from && before) {
		if (directory->looked != round) {
			look(all, directory, round);
			if (directory->visible)
				directory->known_from = known_from;
		}
		return directory->visible ? DIRECTORY_SEEN : DIRECTORY_HIDDEN;
	}
	if (doubted >= known_from || directory->looked != round)
		look(all, directory, round);
	return directory->visible ? DIRECTORY_DOUBTFUL : DIRECTORY_HIDDEN;
}

void directory_look_again(struct directories *all, struct directory *root) {
	size_t budget = LOOKS_MAX;

	for (struct directory *at = root; at && budget > 0; at = following(at, root)) {
		if (last_doubt(at) < at->known_from)
			continue;
		look(all, at, 0);
		budget--;
	}
}

/* ---- making ---- */

/* By the working directory, which is the only way to name one to inotify by its descriptor without
 * a /proc. */
static int listen_to(struct directories *all, struct directory *directory, int fd, uint32_t mask) {
	char path[64];
	struct stat st;
	int number;

	if (fstat(fd, &st) < 0)
		return -errno;
	directory->device = st.st_dev;
	directory->inode = st.st_ino;
	if (S_ISDIR(st.st_mode)) {
		if (fchdir(fd) < 0)
			return -errno;
		number = inotify_add_watch(all->inotify, ".", mask | IN_MASK_ADD | IN_ONLYDIR);
	} else {
		(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		number = inotify_add_watch(all->inotify, path, mask | IN_MASK_ADD);
	}
	number = number < 0 ? -errno : number;
	if (S_ISDIR(st.st_mode) && chdir("/") < 0)
		return -errno;
	if (number < 0 || directory->number == number)
		return number < 0 ? number : 0;
	forget(all, directory);
	directory->number = number;
	directory->chain = *bucket(all, number);
	*bucket(all, number) = directory;
	return 0;
}

static struct directory *new (struct watch *watch, const char *name) {
	struct directory *directory = calloc(1, sizeof *directory);

	if (!directory)
		return NULL;
	directory->watch = watch;
	directory->number = -1;
	directory->name = strdup(name);
	if (!directory->name) {
		free(directory);
		return NULL;
	}
	return directory;
}

int directory_plant(struct directories *all, struct watch *watch, uint32_t mask,
		    struct directory **ret) {
	struct directory *root = new (watch, "");
	size_t n = 1;
	int r;

	if (!root)
		return -ENOMEM;
	r = listen_to(all, root, watch->root, mask);
	if (r < 0) {
		directory_cut(all, root, &n);
		return r;
	}
	look(all, root, 0);
	*ret = root;
	return 0;
}

static bool is_directory(int fd, const struct dirent *entry) {
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

typedef void (*found_function)(struct directory *directory, const char *name, bool is_directory,
			       void *data);

/* What nobody wants to hear of is not even listened to. */
static bool passes_over(const struct directory *parent, const char *name) {
	const Usher__Watcher *order = parent->watch->order;
	char path[PATH_MAX];
	ssize_t length;

	if (order->n_exclude == 0)
		return false;
	length = directory_path(parent, name, path, sizeof path);
	return length >= 0 && exclude_matches(order->exclude, order->n_exclude, path,
					      (size_t)length, UINT64_MAX) > 0;
}

/* Listened to first, then listed: nothing comes in between. */
static int settle_in(struct directories *all, struct directory *directory, uint32_t mask, size_t *n,
		     found_function found, void *data) {
	_cleanup_close_ int fd = open_below(directory, O_RDONLY | O_NONBLOCK);
	int r = fd < 0 ? fd : listen_to(all, directory, fd, mask);
	DIR *listing;

	if (r < 0)
		return r;
	look(all, directory, 0);
	listing = fdopendir(fd);
	if (!listing)
		return -errno;
	(void)fd_take(&fd);
	for (struct dirent *entry; r == 0 && (entry = readdir(listing));) {
		bool below;
		struct directory *child;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		below = is_directory(dirfd(listing), entry);
		if (found)
			found(directory, entry->d_name, below, data);
		if (!below || directory_child(directory, entry->d_name) ||
		    passes_over(directory, entry->d_name))
			continue;
		child = *n < DIRECTORIES_MAX ? new (directory->watch, entry->d_name) : NULL;
		if (!child)
			r = *n < DIRECTORIES_MAX ? -ENOMEM : -E2BIG;
		else {
			attach(child, directory);
			(*n)++;
		}
	}
	(void)closedir(listing);
	return r;
}

/* Not there any more, not to be seen, or on another file system. */
static bool is_no_matter(int r) {
	return r == -ENOENT || r == -ENOTDIR || r == -EACCES || r == -EPERM || r == -ELOOP ||
	       r == -EXDEV || r == -ESTALE || r == -ENODEV || r == -EIO || r == -ENOTCONN;
}

/* Those that cannot be had are cut again, so that they are tried anew when they come into sight. */
static int grow_all(struct directories *all, struct directory *top, uint32_t mask, size_t *n,
		    found_function found, void *data) {
	struct directory *at = top;

	while (at) {
		int r = settle_in(all, at, mask, n, found, data);
		struct directory *gone = NULL;

		if (r < 0 && (!is_no_matter(r) || at == top))
			return r;
		if (r < 0) {
			directory_prune(all, at, n);
			gone = at;
		}
		at = following(at, top);
		if (gone)
			directory_cut(all, gone, n);
	}
	return 0;
}

int directory_grow(struct directories *all, struct directory *parent, const char *name,
		   uint32_t mask, size_t *n, found_function found, void *data) {
	struct directory *top;
	int r;

	if (!name)
		return grow_all(all, parent, mask, n, found, data);
	if (*n >= DIRECTORIES_MAX)
		return -E2BIG;
	if (passes_over(parent, name))
		return -ENOENT;
	top = new (parent->watch, name);
	if (!top)
		return -ENOMEM;
	attach(top, parent);
	(*n)++;
	r = grow_all(all, top, mask, n, found, data);
	if (r == 0)
		return 0;
	directory_cut(all, top, n);
	return is_no_matter(r) ? -ENOENT : r;
}

int directory_mask(struct directories *all, struct directory *directory, uint32_t mask) {
	for (struct directory *at = directory; at; at = following(at, directory)) {
		bool is_root = !at->parent;
		_cleanup_close_ int fd = is_root ? fcntl(at->watch->root, F_DUPFD_CLOEXEC, 3)
						 : open_below(at, O_RDONLY | O_NONBLOCK);
		int r = fd < 0 ? (is_root ? -errno : fd) : listen_to(all, at, fd, mask);

		if (r < 0 && !is_no_matter(r))
			return r;
	}
	return 0;
}
