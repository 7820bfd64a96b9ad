/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "superblock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fd.h"

enum {
	NODES_MAX = 1 << 20, /* some 120 MB, of which a quiet system needs little */
	LIST_MAX = 1 << 16,
	DEPTH_MAX = PATH_MAX / 2,
};

int superblock_begin(struct superblock *superblock, int *fd) {
	int r;

	*superblock = (struct superblock){
		.fd = -1,
		.files = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC),
		.has_lists = true,
		.list = malloc(LIST_MAX),
	};
	if (!superblock->list)
		return -ENOMEM;
	/* What open_tree() made is a place alone, which no handle can be opened by. */
	superblock->fd = openat(*fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (superblock->fd < 0)
		return -errno;
	fd_closep(fd);
	*fd = -1;
	r = seekers_begin(&superblock->seekers, superblock->fd);
	return r < 0 ? r : nodes_begin(&superblock->nodes, NODES_MAX);
}

void superblock_done(struct superblock *superblock) {
	superblock_rest(superblock);
	seekers_done(&superblock->seekers);
	nodes_done(&superblock->nodes);
	beholders_done(&superblock->beholders);
	free(superblock->list);
	fd_closep(&superblock->files);
	fd_closep(&superblock->fd);
}

int superblock_forget(struct superblock *superblock) {
	size_t words = superblock->nodes.words;
	int r;

	nodes_done(&superblock->nodes);
	r = nodes_begin(&superblock->nodes, NODES_MAX);
	return r < 0 ? r : nodes_widen(&superblock->nodes, words);
}

/* What cannot be found out is to be told to everybody. */
static void note_answer(struct superblock *superblock, int fd) {
	if (fd >= 0 || fd == -ESTALE)
		return;
	superblock->unanswered++;
	if (fd != -EAGAIN)
		superblock->blind = true;
}

static int seek(struct superblock *superblock, const struct handle *handle) {
	int fd = seekers_open(&superblock->seekers, handle);

	note_answer(superblock, fd);
	return fd;
}

/* The path to a directory from the top; NULL if it has none. */
static const char *path_of(const struct nodes *nodes, uint32_t number, char space[PATH_MAX]) {
	char *at = space + PATH_MAX - 1;

	*at = '\0';
	for (uint32_t i = number; i; i = nodes->node[i].parent) {
		const struct node *node = &nodes->node[i];
		size_t length;
		const char *name = node_name(node, &length);

		if (node->flags & NODE_TOP)
			return *at ? at + 1 : ".";
		if ((size_t)(at - space) < length + 1)
			return NULL;
		at -= length;
		memcpy(at, name, length);
		*--at = '/';
	}
	return NULL;
}

/* Mostly it is where it was and the kernel has it in memory: then nobody has to seek. */
static int open_known(struct superblock *superblock, uint32_t number, const struct handle *handle) {
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_CACHED,
	};
	char space[PATH_MAX];
	const char *path = path_of(&superblock->nodes, number, space);
	uint8_t other[HANDLE_MAX];
	_cleanup_close_ int fd = -1;
	struct handle found;

	if (path)
		fd = (int)syscall(SYS_openat2, superblock->fd, path, &how, sizeof how);
	if (fd < 0 || handle_of(fd, other, &found) < 0 || !handle_is(&found, handle))
		return -ENOENT;
	return fd_take(&fd);
}

static int open_node(struct superblock *superblock, uint32_t number) {
	const struct handle handle = node_handle(&superblock->nodes.node[number]);
	int fd = open_known(superblock, number, &handle);

	return fd >= 0 ? fd : seek(superblock, &handle);
}

/* ---- rights ---- */

static void own_path(int fd, char ret[64]) {
	(void)snprintf(ret, 64, "/proc/self/fd/%d", fd);
}

static size_t read_list(struct superblock *superblock, int fd) {
	char path[64];
	ssize_t n;

	own_path(fd, path);
	n = getxattr(path, "system.posix_acl_access", superblock->list, LIST_MAX);
	if (n < 0 && errno == EOPNOTSUPP)
		superblock->has_lists = false;
	return n < 0 ? 0 : (size_t)n;
}

static void set_bits(struct superblock *superblock, uint32_t number,
		     const struct access_rights *rights, bool encrypted) {
	uint64_t *passers = node_passers(&superblock->nodes, number);
	uint64_t *listers = node_listers(&superblock->nodes, number);

	memset(passers, 0, 2 * superblock->nodes.words * sizeof *passers);
	for (size_t i = 0; i < superblock->beholders.n; i++) {
		const struct beholder *beholder = &superblock->beholders.beholder[i];
		uint64_t bit = UINT64_C(1) << i % 64;

		if (beholder->watches == 0)
			continue;
		/* names that are in clear only because their owner has said the key are his */
		if (!beholder->everything &&
		    (!rights || !access_is_allowed(rights, &beholder->person, ACCESS_EXECUTE) ||
		     (encrypted && beholder->person.uid != rights->uid)))
			continue;
		passers[i / 64] |= bit;
		if (beholder->everything ||
		    access_is_allowed(rights, &beholder->person, ACCESS_READ))
			listers[i / 64] |= bit;
	}
	superblock->nodes.node[number].generation = superblock->beholders.generation;
}

/* Of a directory that is open. False when it has been deleted, or is none. */
static bool read_rights(struct superblock *superblock, uint32_t number, int fd) {
	struct node *node = &superblock->nodes.node[number];
	struct access_rights rights;
	struct statx stx;

	node->flags |= NODE_FRESH;
	if (fd < 0 ||
	    statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT,
		  STATX_TYPE | STATX_MODE | STATX_UID | STATX_GID | STATX_NLINK, &stx) < 0 ||
	    stx.stx_nlink == 0 || !S_ISDIR(stx.stx_mode)) {
		set_bits(superblock, number, NULL, false);
		return false;
	}
	rights = (struct access_rights){ stx.stx_uid, stx.stx_gid, stx.stx_mode, superblock->list,
					 0 };
	if (superblock->has_lists && stx.stx_mode & S_IRWXG)
		rights.acl_size = read_list(superblock, fd);
	set_bits(superblock, number, &rights, stx.stx_attributes & STATX_ATTR_ENCRYPTED);
	node->uid = stx.stx_uid;
	node->flags &= ~(uint32_t)NODE_STICKY;
	if (stx.stx_mode & S_ISVTX)
		node->flags |= NODE_STICKY;
	return true;
}

void superblock_refresh(struct superblock *superblock, uint32_t number) {
	_cleanup_close_ int fd = open_node(superblock, number);

	(void)read_rights(superblock, number, fd);
	if (fd < 0 && fd != -ESTALE && fd != -EAGAIN) /* nobody will answer later */
		superblock->nodes.node[number].flags &= ~(uint32_t)NODE_FRESH;
}

/* ---- finding ---- */

/* The path from the top as long as it is known to end with the name of the directory at hand. */
struct trail {
	char path[PATH_MAX];
	size_t length;
	int depth;
};

static int read_trail(int fd, struct trail *ret) {
	char link[64];
	ssize_t n;

	own_path(fd, link);
	n = readlink(link, ret->path, sizeof ret->path);
	if (n < 0)
		return -errno;
	if (n == 0 || n == sizeof ret->path || ret->path[0] != '/')
		return -ENOENT;
	ret->length = n == 1 ? 0 : (size_t)n;
	ret->path[n] = '\0';
	ret->depth = 0;
	return 0;
}

static uint32_t learn(struct superblock *superblock, const struct handle *handle, int fd,
		      struct trail *trail);

/* What the directory is in; 0 if that is nothing: then *ret_top says whether it is the top. */
static uint32_t find_parent(struct superblock *superblock, const struct handle *handle, int fd,
			    struct trail *trail, bool *ret_top) {
	_cleanup_close_ int parent = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	uint8_t space[HANDLE_MAX];
	struct handle above;
	uint32_t number;

	*ret_top = false;
	if (parent < 0 || handle_of(parent, space, &above) < 0)
		return 0;
	if (handle_is(handle, &above)) {
		*ret_top = trail->length == 0;
		return 0;
	}
	number = nodes_find(&superblock->nodes, &above);
	return number ? number : learn(superblock, &above, parent, trail);
}

static uint32_t learn(struct superblock *superblock, const struct handle *handle, int fd,
		      struct trail *trail) {
	size_t length = trail->length;
	const char *slash = length > 0 ? memrchr(trail->path, '/', length) : NULL;
	uint32_t parent, number;
	bool top;

	if (++trail->depth > DEPTH_MAX)
		return 0;
	trail->length = slash ? (size_t)(slash - trail->path) : 0;
	parent = find_parent(superblock, handle, fd, trail, &top);
	if (top ? length > 0 : !parent || !slash)
		return 0;
	number = nodes_add(&superblock->nodes, handle, parent, slash ? slash + 1 : "",
			   slash ? length - (size_t)(slash + 1 - trail->path) : 0);
	if (number && !read_rights(superblock, number, fd)) {
		nodes_drop(&superblock->nodes, number);
		return 0;
	}
	return number;
}

/* From there the kernel finds no way up that the mount has. */
static bool is_outside(int fd) {
	struct stat st;
	_cleanup_close_ int parent = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return parent < 0 && errno == ENOENT && fstat(fd, &st) == 0 && st.st_nlink > 0;
}

/* So that it need not be asked for with every event. */
static uint32_t note_outside(struct superblock *superblock, const struct handle *handle) {
	uint32_t number = nodes_add(&superblock->nodes, handle, 0, "", 0);

	if (number)
		superblock->nodes.node[number].flags &= ~(uint32_t)NODE_TOP;
	return number;
}

static uint32_t meet(struct superblock *superblock, const struct handle *handle, int fd) {
	uint32_t number = 0;
	struct trail trail;

	if (fd < 0)
		return 0;
	if (read_trail(fd, &trail) == 0)
		number = learn(superblock, handle, fd, &trail);
	if (!number && superblock->layer && is_outside(fd))
		number = note_outside(superblock, handle);
	return number;
}

uint32_t superblock_find(struct superblock *superblock, const struct handle *handle) {
	uint32_t number = nodes_find(&superblock->nodes, handle);
	_cleanup_close_ int fd = -1;

	if (number)
		return number;
	superblock->asked++;
	fd = seek(superblock, handle);
	return meet(superblock, handle, fd);
}

uint32_t superblock_find_open(struct superblock *superblock, const struct handle *handle) {
	uint32_t number = nodes_find(&superblock->nodes, handle);
	_cleanup_close_ int fd = number ? -1 : handle_open(superblock->fd, handle);

	return number ? number : meet(superblock, handle, fd);
}

uint32_t superblock_find_late(struct superblock *superblock, bool *ret_any) {
	_cleanup_close_ int fd = -1;
	uint8_t space[HANDLE_MAX];
	struct handle handle;
	uint32_t number;

	*ret_any = seekers_late(&superblock->seekers, space, &handle, &fd);
	if (!*ret_any)
		return 0;
	note_answer(superblock, fd);
	number = nodes_find(&superblock->nodes, &handle);
	if (!number)
		return meet(superblock, &handle, fd);
	return read_rights(superblock, number, fd) ? number : 0;
}

/* What lists of rights say is known by asking, as far as somebody else may be asked for them. */
int superblock_recall(struct superblock *superblock, uint32_t number) {
	_cleanup_close_ int fd = open_node(superblock, number), at = -1;
	struct stat st, above;

	at = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	for (int depth = 0; at >= 0 && depth < DEPTH_MAX && fstat(at, &st) == 0; depth++) {
		_cleanup_close_ int below = fd_take(&at);

		(void)read_list(superblock, below);
		at = openat(below, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (at < 0 || fstat(at, &above) < 0 || above.st_ino == st.st_ino)
			break;
	}
	return fd_take(&fd);
}

void superblock_rest(struct superblock *superblock) {
	if (superblock->open.handle.size > 0 && superblock->open.fd >= 0)
		(void)close(superblock->open.fd);
	superblock->open.handle.size = 0;
}

static int open_directory(struct superblock *superblock, uint32_t number) {
	const struct handle handle = node_handle(&superblock->nodes.node[number]);

	if (!handle_is(&superblock->open.handle, &handle)) {
		superblock_rest(superblock);
		superblock->open.fd = open_node(superblock, number);
		memcpy(superblock->open.space, handle.bytes, handle.size);
		superblock->open.handle = (struct handle){ superblock->open.space, handle.size };
	}
	return superblock->open.fd;
}

bool superblock_leads(struct superblock *superblock, uint32_t directory, const char *name,
		      const struct handle *object) {
	int fd = open_directory(superblock, directory);
	uint8_t space[HANDLE_MAX];
	struct handle found;

	return fd >= 0 && handle_of_name(fd, name, space, &found) == 0 && handle_is(&found, object);
}

bool superblock_is_nameless(const struct superblock *superblock, const struct handle *object) {
	_cleanup_close_ int fd = handle_open(superblock->fd, object);
	struct stat st;

	return fd < 0 ? fd == -ESTALE : fstat(fd, &st) == 0 && st.st_nlink == 0;
}

bool superblock_place(struct superblock *superblock, uint32_t number) {
	const struct node *node = &superblock->nodes.node[number];
	const struct handle handle = node_handle(node);
	_cleanup_close_ int fd = open_node(superblock, number);
	uint32_t parent = node->parent;
	const char *name, *end;
	struct trail trail;
	struct stat st;
	bool top;

	if (fd < 0)
		return fd == -ESTALE;
	if (superblock->layer && is_outside(fd))
		return nodes_move(&superblock->nodes, number, 0, "", 0);
	if (read_trail(fd, &trail) < 0 || trail.length == 0)
		return false;
	end = trail.path + trail.length;
	name = (const char *)memrchr(trail.path, '/', trail.length) + 1;
	/* mostly it has but another name in the same directory */
	if (!parent || !superblock_leads(superblock, parent, name, &handle)) {
		if (fstat(fd, &st) == 0 && st.st_nlink == 0)
			return true;
		trail.length = (size_t)(name - 1 - trail.path);
		parent = find_parent(superblock, &handle, fd, &trail, &top);
	}
	return parent && nodes_move(&superblock->nodes, number, parent, name, (size_t)(end - name));
}
