/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "census.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fd.h"

static bool has_line(FILE *map, uint32_t start, uint32_t count) {
	unsigned long long inside, outside, n;

	while (fscanf(map, "%llu %llu %llu", &inside, &outside, &n) == 3)
		if (n < UINT32_MAX && outside < (uint64_t)start + count && start < outside + n)
			return true;
	return false;
}

static bool maps(int proc, const char *pid, const char *name, uint32_t start, uint32_t count) {
	char path[64];
	bool found;
	FILE *map;
	int fd;

	(void)snprintf(path, sizeof path, "%.20s/%s", pid, name);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	map = fd < 0 ? NULL : fdopen(fd, "r");
	if (!map)
		return false; /* it has ended meanwhile */
	found = has_line(map, start, count);
	(void)fclose(map);
	return found;
}

bool census_finds(int proc, uint32_t start, uint32_t count) {
	_cleanup_close_ int fd = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	bool found = false;

	if (!directory)
		return true;
	(void)fd_take(&fd);
	while (!found && (entry = readdir(directory)))
		found = *entry->d_name >= '1' && *entry->d_name <= '9' &&
			(maps(proc, entry->d_name, "uid_map", start, count) ||
			 maps(proc, entry->d_name, "gid_map", start, count));
	(void)closedir(directory);
	return found;
}
