/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "allowance.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "control-group.h"
#include "fd.h"
#include "instant.h"

/* So often what the service consists of is moved: somebody may fork meanwhile. */
enum { CONTROLLERS = 3, MOVES_MAX = 50, PERIOD = 100000 };

static const struct controller {
	const char *name, *key, *file;
} controllers[CONTROLLERS] = {
	{ "memory", "memory_max", "memory.max" },
	{ "cpu", "cpu_quota_usec", "cpu.max" },
	{ "pids", "pids_max", "pids.max" },
};

static const char members[] = "cgroup.procs", division[] = "cgroup.subtree_control",
		  prefix[] = "process-";

/* 0: no limit, which none of them may be. */
static uint64_t value_of(const Usher__SpawnRequest *request, size_t i) {
	switch (i) {
	case 0: return request->has_memory_max ? request->memory_max : 0;
	case 1: return request->has_cpu_quota_usec ? request->cpu_quota_usec : 0;
	default: return request->has_pids_max ? request->pids_max : 0;
	}
}

bool allowance_is_asked(const Usher__SpawnRequest *request) {
	for (size_t i = 0; i < CONTROLLERS; i++)
		if (value_of(request, i))
			return true;
	return false;
}

/* ---- files of a group ---- */

static int read_file(int group, const char *name, char *text, size_t size) {
	_cleanup_close_ int fd = openat(group, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	text[n > 0 ? n : 0] = '\0';
	return n < 0 ? -errno : 0;
}

static int write_file(int group, const char *name, const char *text) {
	_cleanup_close_ int fd = openat(group, name, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static bool has_word(const char *text, const char *word) {
	size_t length = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at += length)
		if ((at == text || at[-1] == ' ') && strchr(" \n", at[length]))
			return true;
	return false;
}

/* ---- dividing that of the service ---- */

static bool is_ours_to_divide(int group) {
	char delegated = '0';

	return fgetxattr(group, "user.delegate", &delegated, 1) == 1 && delegated == '1';
}

static int find(struct job *job, const Usher__SpawnRequest *request, int *ret) {
	_cleanup_close_ int group = -1;
	char there[512];
	int r = control_group_open_service(job->place.proc, &group);

	if (r == 0 && group >= 0)
		r = read_file(group, "cgroup.controllers", there, sizeof there);
	if (r < 0)
		return r;
	for (size_t i = 0; i < CONTROLLERS; i++) {
		const struct controller *controller = &controllers[i];

		if (value_of(request, i) == 0)
			continue;
		if (group < 0)
			return refusal_note(&job->refusal, REFUSED_UNSUPPORTED,
					    "%s: this machine has no control groups of version 2",
					    controller->key);
		if (!is_ours_to_divide(group))
			return refusal_note(
				&job->refusal, REFUSED_UNSUPPORTED,
				"%s: the control group of the service is not its own to "
				"divide",
				controller->key);
		if (!has_word(there, controller->name))
			return refusal_note(&job->refusal, REFUSED_UNSUPPORTED,
					    "%s: the control groups of version 2 have no "
					    "controller '%s' here",
					    controller->key, controller->name);
	}
	*ret = fd_take(&group);
	return 0;
}

/* All that are there now. */
static int move_members(int group, int into) {
	char text[16384], number[16], *at = text, *end;
	int r = read_file(group, members, text, sizeof text);

	for (; r == 0; at = end) {
		long pid = strtol(at, &end, 10);

		if (end == at || *end != '\n') /* the last one may have been cut short */
			break;
		(void)snprintf(number, sizeof number, "%ld", pid);
		r = write_file(into, members, number);
		if (r == -ESRCH)
			r = 0;
	}
	return r;
}

static int divide(int group, const char *words) {
	_cleanup_close_ int ours = -1;
	int r = -EBUSY;

	if (mkdirat(group, CONTROL_GROUP_SERVICE, 0755) < 0 && errno != EEXIST)
		return -errno;
	ours = openat(group, CONTROL_GROUP_SERVICE, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ours < 0)
		return -errno;
	for (int i = 0; r == -EBUSY && i < MOVES_MAX; i++) {
		r = move_members(group, ours);
		if (r == 0)
			r = write_file(group, division, words);
	}
	return r;
}

static int divide_as_asked(int group, const Usher__SpawnRequest *request) {
	char there[512], words[64] = "";
	size_t used = 0;
	int r = read_file(group, division, there, sizeof there);

	for (size_t i = 0; i < CONTROLLERS; i++)
		if (value_of(request, i) && !has_word(there, controllers[i].name))
			used += (size_t)snprintf(words + used, sizeof words - used, "%s+%s",
						 used ? " " : "", controllers[i].name);
	return r == 0 && used ? divide(group, words) : r;
}

/* ---- those of programs that have ended ---- */

/* "process-PID-TIME", by the job that keeps what is in it. */
static bool is_left(const char *name) {
	size_t length = strlen(prefix);

	return strncmp(name, prefix, length) == 0 && kill(atoi(name + length), 0) < 0;
}

static void sweep(int group) {
	_cleanup_close_ int fd = openat(group, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);

	if (entries)
		(void)fd_take(&fd);
	for (struct dirent *entry; entries && (entry = readdir(entries));)
		if (is_left(entry->d_name))
			(void)unlinkat(dirfd(entries), entry->d_name, AT_REMOVEDIR);
	if (entries)
		(void)closedir(entries);
}

/* ---- one of its own ---- */

static int set_limits(const Usher__SpawnRequest *request, struct allowance *allowance) {
	char text[64];
	int r = 0;

	if (request->has_memory_max) {
		(void)snprintf(text, sizeof text, "%llu", (unsigned long long)request->memory_max);
		r = write_file(allowance->group, controllers[0].file, text);
	}
	if (r == 0 && request->has_cpu_quota_usec) {
		(void)snprintf(text, sizeof text, "%llu %d",
			       (unsigned long long)request->cpu_quota_usec, PERIOD);
		r = write_file(allowance->group, controllers[1].file, text);
	}
	if (r < 0 || !request->has_pids_max)
		return r;
	allowance->tasks = openat(allowance->group, controllers[2].file, O_WRONLY | O_CLOEXEC);
	return allowance->tasks < 0 ? -errno : 0;
}

static int make(int group, const Usher__SpawnRequest *request, struct allowance *allowance) {
	char name[64];

	(void)snprintf(name, sizeof name, "%s%d-%llu", prefix, getpid(),
		       (unsigned long long)instant_usec());
	if (mkdirat(group, name, 0755) < 0)
		return -errno;
	allowance->group = openat(group, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return allowance->group < 0 ? -errno : set_limits(request, allowance);
}

int allowance_make(struct job *job, const Usher__SpawnRequest *request, unsigned ours,
		   struct allowance *ret) {
	_cleanup_close_ int group = -1;
	int r = find(job, request, &group);

	if (r != 0)
		return r;
	sweep(group);
	r = divide_as_asked(group, request);
	if (r == 0)
		r = make(group, request, ret);
	if (request->has_pids_max && request->pids_max < UINT64_MAX - ours)
		ret->tasks_max = request->pids_max + ours;
	return r == 0 ? 0
		      : refusal_note(&job->refusal, r,
				     "namespaces: no control group can be made: %s",
				     strerrordesc_np(-r));
}

int allowance_finish(const struct allowance *allowance) {
	char text[32];
	int n = snprintf(text, sizeof text, "%llu", (unsigned long long)allowance->tasks_max);

	if (allowance->tasks < 0)
		return 0;
	return write(allowance->tasks, text, (size_t)n) == n ? 0 : -errno;
}

void allowance_done(struct allowance *allowance) {
	fd_closep(&allowance->group);
	fd_closep(&allowance->tasks);
}

/* ---- for the service ---- */

void allowance_reset(void) {
	_cleanup_close_ int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), group = -1;
	char text[16];

	if (proc >= 0 && control_group_open_service(proc, &group) == 0 && group >= 0)
		sweep(group);
	for (size_t i = 0; group >= 0 && i < CONTROLLERS; i++) {
		(void)snprintf(text, sizeof text, "-%s", controllers[i].name);
		(void)write_file(group, division, text);
	}
}
