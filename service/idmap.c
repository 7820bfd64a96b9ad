/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "idmap.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine.h"
#include "message.h"
#include "ranges.h"

enum { MAP_BYTES_MAX = 4096 };

static bool overlaps(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count) {
	return a < (uint64_t)b + b_count && b < (uint64_t)a + a_count;
}

int idmap_add(struct idmap *map, const char *name, struct idmap_line line,
	      struct refusal *refusal) {
	if (line.count == 0 || (uint64_t)line.inside + line.count > UINT32_MAX ||
	    (uint64_t)line.outside + line.count > UINT32_MAX)
		return refusal_note(refusal, REFUSED_INVALID,
				    "%s: the range %u %u %u is empty or passes the end of ids",
				    name, line.inside, line.outside, line.count);
	if (map->n == IDMAP_LINES_MAX)
		return refusal_note(refusal, REFUSED_LIMIT, "%s: more than %d ranges", name,
				    IDMAP_LINES_MAX);
	for (size_t i = 0; i < map->n; i++)
		if (overlaps(map->lines[i].inside, map->lines[i].count, line.inside, line.count) ||
		    overlaps(map->lines[i].outside, map->lines[i].count, line.outside, line.count))
			return refusal_note(refusal, REFUSED_INVALID, "%s: ranges overlap", name);
	map->lines[map->n++] = line;
	return 0;
}

int idmap_parse(struct idmap *map, const char *name, const char *text, struct refusal *refusal) {
	const char *at = text;

	map->n = 0;
	for (;;) {
		unsigned long number[3];
		int r;

		for (int i = 0; i < 3; i++) {
			char *end;

			at += strspn(at, " \t");
			errno = 0;
			number[i] = strtoul(at, &end, 10);
			if (!isdigit((unsigned char)*at) || errno || number[i] > UINT32_MAX)
				return refusal_note(
					refusal, REFUSED_INVALID,
					"%s: '%.200s' is not \"INSIDE OUTSIDE COUNT[,...]\"", name,
					text);
			at = end;
		}
		r = idmap_add(map, name,
			      (struct idmap_line){ (uint32_t)number[0], (uint32_t)number[1],
						   (uint32_t)number[2] },
			      refusal);
		if (r != 0 || !*at)
			return r;
		if (*at++ != ',')
			return refusal_note(refusal, REFUSED_INVALID,
					    "%s: '%.200s': ranges are parted by commas", name,
					    text);
	}
}

/* A child that does nothing but be in a user namespace, a new one or the one given, until it is
 * killed: maps are read and written through its files in /proc. */
static _Noreturn void stay(int join, int ready, pid_t parent) {
	if ((join >= 0 ? setns(join, CLONE_NEWUSER) : unshare(CLONE_NEWUSER)) < 0)
		_exit(1);
	/* It holds nothing that is not its own, and does not outlive who started it: a deadline may
	 * end that one at any time. A change of credentials would have taken the signal back. */
	if (confine_begin(ready, ready) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
	    getppid() != parent || write(ready, "", 1) != 1)
		_exit(1);
	for (;;)
		(void)pause();
}

static void child_done(pid_t *pid) {
	if (*pid > 0 && kill(*pid, SIGKILL) == 0)
		(void)waitpid(*pid, NULL, 0);
}

/* Its pid, or a negative errno. */
static pid_t start_child(int join) {
	_cleanup_close_ int ours = -1, theirs = -1;
	pid_t parent = getpid(), pid;
	int pair[2];
	char byte;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		stay(join, theirs, parent);
	fd_closep(&theirs);
	if (read(ours, &byte, 1) != 1) {
		child_done(&pid);
		return -EPERM;
	}
	return pid;
}

static int open_file(const struct job *job, pid_t pid, const char *name, int flags) {
	char path[64];
	int fd;

	(void)snprintf(path, sizeof path, "%d/%s", pid, name);
	fd = openat(job->place.proc, path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static size_t format_line(char *text, size_t size, const struct idmap_line *line) {
	return (size_t)snprintf(text, size, "%u %u %u\n", line->inside, line->outside, line->count);
}

/* What the kernel reads of a map is less than a page, whatever the number of lines. */
bool idmap_fits(const struct idmap *map) {
	size_t used = 0;

	for (size_t i = 0; i < map->n; i++)
		used += format_line(NULL, 0, &map->lines[i]);
	return used < MAP_BYTES_MAX;
}

int idmap_write(const struct job *job, pid_t pid, const char *name, const struct idmap *map) {
	_cleanup_close_ int fd = open_file(job, pid, name, O_WRONLY);
	char text[MAP_BYTES_MAX];
	size_t used = 0;

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < map->n && used < sizeof text; i++)
		used += format_line(text + used, sizeof text - used, &map->lines[i]);
	if (used >= sizeof text)
		return -E2BIG;
	return write(fd, text, used) == (ssize_t)used ? 0 : -errno;
}

static int read_map(const struct job *job, pid_t pid, const char *name, struct idmap *map) {
	_cleanup_close_ int fd = open_file(job, pid, name, O_RDONLY);
	char text[IDMAP_LINES_MAX * 36];
	struct idmap_line line;
	ssize_t n;

	n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	map->n = 0;
	for (const char *at = text; at && map->n < IDMAP_LINES_MAX; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (sscanf(at, "%u %u %u", &line.inside, &line.outside, &line.count) == 3)
			map->lines[map->n++] = line;
	}
	return map->n > 0 ? 0 : -EINVAL;
}

/* Both sides count. What a map shows of the caller's files to another id is the caller's business
 * only if that id is the caller's; and what is made through it is stored as the inner id, which,
 * were it root's, would be root's file outside. */
static bool is_all_own(const struct job *job, const struct idmap *map, char kind, uint32_t self) {
	for (size_t i = 0; i < map->n; i++) {
		const struct idmap_line *line = &map->lines[i];

		if (!ranges_cover(job->ranges, kind, self, line->inside, line->count) ||
		    !ranges_cover(job->ranges, kind, self, line->outside, line->count))
			return false;
	}
	return true;
}

static int judge(struct job *job, const struct idmap *uids, const struct idmap *gids) {
	if (!is_all_own(job, uids, 'u', job->place.uid) ||
	    !is_all_own(job, gids, 'g', job->place.gid))
		job_require_admin(job, "idmap: not all of these ids are the caller's own");
	return 0;
}

/* A new user namespace with these maps. */
static int open_namespace(struct job *job, const struct idmap *uids, const struct idmap *gids,
			  int *ret) {
	_cleanup_(child_done) pid_t pid = start_child(-1);
	int r = pid < 0 ? pid : idmap_write(job, pid, "uid_map", uids);

	if (r == 0)
		r = idmap_write(job, pid, "gid_map", gids);
	if (r < 0)
		return r;
	*ret = open_file(job, pid, "ns/user", O_RDONLY);
	return *ret < 0 ? *ret : 0;
}

static int from_word(struct job *job, const char *word, int *ret) {
	struct idmap map = { .n = 0 };
	int r;

	r = idmap_parse(&map, "idmap", word, &job->refusal);
	if (r != 0)
		return r;
	r = open_namespace(job, &map, &map, ret);
	if (r < 0)
		return refusal_note(&job->refusal, r, "idmap: the kernel refuses the map '%s'",
				    word);
	return judge(job, &map, &map);
}

int idmap_read(const struct job *job, int namespace, struct idmap *ret_uids,
	       struct idmap *ret_gids) {
	_cleanup_(child_done) pid_t pid = start_child(namespace);
	int r = pid < 0 ? pid : read_map(job, pid, "uid_map", ret_uids);

	return r == 0 ? read_map(job, pid, "gid_map", ret_gids) : r;
}

static int from_namespace(struct job *job, int namespace, int *ret) {
	struct idmap uids = { .n = 0 }, gids = { .n = 0 };
	uid_t owner;
	int r;

	if (ioctl(namespace, NS_GET_NSTYPE) != CLONE_NEWUSER ||
	    ioctl(namespace, NS_GET_OWNER_UID, &owner) < 0)
		return refusal_note(&job->refusal, REFUSED_INVALID,
				    "idmap: the descriptor is not a user namespace");
	if (owner != job->place.uid && job->place.uid != 0)
		return refusal_note(&job->refusal, REFUSED_NOT_OWNER,
				    "idmap: the user namespace belongs to uid %u", owner);
	r = idmap_read(job, namespace, &uids, &gids);
	if (r < 0)
		return refusal_note(&job->refusal, r, "idmap: the user namespace has no map");
	*ret = fcntl(namespace, F_DUPFD_CLOEXEC, 3);
	return *ret < 0 ? -errno : judge(job, &uids, &gids);
}

int idmap_open(struct job *job, const char *word, int namespace, int *ret) {
	if (word && namespace >= 0)
		return refusal_note(&job->refusal, REFUSED_INVALID, "idmap: given twice");
	if (word)
		return from_word(job, word, ret);
	return namespace >= 0 ? from_namespace(job, namespace, ret) : 0;
}

static bool has_field(const ProtobufCMessage *request, const char *name) {
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(request->descriptor, name);

	return field && message_has(request, field);
}

bool idmap_is_asked(const ProtobufCMessage *request) {
	return has_field(request, "idmap") || has_field(request, "idmap_as_fd");
}

int idmap_check(const char *text, struct refusal *refusal) {
	struct idmap ignored;

	return idmap_parse(&ignored, "idmap", text, refusal);
}

/* Every id that there is here, as itself. */
static int map_all(const struct job *job, const char *name, struct idmap *map) {
	int r = read_map(job, getpid(), name, map);

	for (size_t i = 0; r == 0 && i < map->n; i++)
		map->lines[i].outside = map->lines[i].inside;
	return r;
}

int idmap_open_own(struct job *job, int *ret) {
	struct idmap uids = { .lines = { { job->place.uid, job->place.uid, 1 } }, .n = 1 },
		     gids = { .lines = { { job->place.gid, job->place.gid, 1 } }, .n = 1 };
	int r = 0;

	if (job->place.uid == 0)
		r = map_all(job, "uid_map", &uids);
	if (r == 0 && job->place.uid == 0)
		r = map_all(job, "gid_map", &gids);
	return r == 0 ? open_namespace(job, &uids, &gids, ret) : r;
}
