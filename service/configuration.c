/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "configuration.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "fd.h"

/* The first that has a file is the one that counts. */
static const char *const places[] = { "/etc/usher", "/run/usher", "/usr/lib/usher" };

enum { PLACES = sizeof places / sizeof *places, DROP_INS_MAX = 256 };

/* One file being read. The parser goes on behind what is wrong and tells the line of the first. */
struct reading {
	struct configuration *configuration;
	char complaint[256]; /* about the first thing that is wrong */
};

static int complain(struct reading *reading, const char *what, const char *name) {
	if (!*reading->complaint)
		(void)snprintf(reading->complaint, sizeof reading->complaint, "%s '%.100s'", what,
			       name);
	return 0;
}

static int on_ids(struct reading *reading, const char *name, const char *value) {
	struct id_pool_bounds *ids = &reading->configuration->ids;
	bool pool = strcmp(name, "Pool") == 0;

	if (!pool && strcmp(name, "Size") != 0)
		return complain(reading, "unknown key", name);
	if (pool ? id_pool_parse(value, ids) : id_pool_parse_size(value, ids))
		return 1;
	return complain(reading,
			pool ? "not a range that can be:" : "not a number that can be:", value);
}

static int on_network(struct reading *reading, const char *name, const char *value) {
	if (strcmp(name, "Bridges") != 0)
		return complain(reading, "unknown key", name);
	if (network_parse(value, &reading->configuration->network))
		return 1;
	return complain(reading, "no names of interfaces:", value);
}

/* inih's: 1 if it is understood */
static int on_line(void *userdata, const char *section, const char *name, const char *value) {
	struct reading *reading = userdata;
	enum limit limit;

	if (strcmp(section, "Ids") == 0)
		return on_ids(reading, name, value);
	if (strcmp(section, "Network") == 0)
		return on_network(reading, name, value);
	if (strcmp(section, "Limits") != 0)
		return complain(reading, "unknown section", section);
	limit = limit_find(name);
	if (limit == _LIMIT_MAX)
		return complain(reading, "unknown key", name);
	if (!limit_parse(limit, value, &reading->configuration->limits.value[limit]))
		return complain(reading, "not a number that can be:", value);
	return 1;
}

/* In the place of fgets(), which would have the parser take the rest of a long line for another,
 * and one that begins with blanks for more of the value above it. */
static char *next_line(char *line, int size, void *stream) {
	_cleanup_free_ char *whole = NULL;
	size_t space = 0;

	if (getline(&whole, &space, stream) < 0)
		return NULL;
	(void)snprintf(line, (size_t)size, "%.*s\n", size - 2, whole + strspn(whole, " \t"));
	return line;
}

/* 0 or a negative errno; what stands in it is no error. */
static int read_file(struct configuration *configuration, const char *path) {
	struct reading reading = { .configuration = configuration };
	FILE *file = fopen(path, "re");
	int line;

	if (!file)
		return -errno;
	line = ini_parse_stream(next_line, file, on_line, &reading);
	if (ferror(file))
		line = -1;
	(void)fclose(file);
	if (line > 0)
		sd_journal_print(LOG_WARNING, "%s:%d: %s", path, line,
				 *reading.complaint ? reading.complaint
						    : "neither a key nor a section");
	else if (line < 0)
		sd_journal_print(LOG_WARNING, "%s: cannot be read", path);
	return 0;
}

/* The file of a name in the first place that has it. */
static void read_first(struct configuration *configuration, const char *root, const char *name) {
	for (size_t i = 0; i < PLACES; i++) {
		char path[PATH_MAX];
		int r;

		(void)snprintf(path, sizeof path, "%s%s/%s", root, places[i], name);
		r = read_file(configuration, path);
		if (r != -ENOENT && r != -ENOTDIR) {
			if (r < 0)
				sd_journal_print(LOG_WARNING, "%s: %s", path, strerror(-r));
			return;
		}
	}
}

static int is_drop_in(const struct dirent *entry) {
	const char *dot = strrchr(entry->d_name, '.');

	return *entry->d_name != '.' && dot && strcmp(dot, ".conf") == 0;
}

static int compare(const void *a, const void *b) {
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_known(char *const *names, size_t n, const char *name) {
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* Adds the names in a directory that are not there yet; the new number of them. */
static size_t add_names(char **names, size_t n, const char *directory) {
	DIR *stream = opendir(directory);
	const struct dirent *entry;

	if (!stream && errno != ENOENT && errno != ENOTDIR)
		sd_journal_print(LOG_WARNING, "%s: %s", directory, strerror(errno));
	while (stream && n < DROP_INS_MAX && (entry = readdir(stream)))
		if (is_drop_in(entry) && !is_known(names, n, entry->d_name)) {
			char *name = strdup(entry->d_name);

			if (name)
				names[n++] = name;
		}
	if (stream)
		(void)closedir(stream);
	return n;
}

void configuration_read(struct configuration *configuration, const char *root) {
	char *names[DROP_INS_MAX], path[PATH_MAX];
	size_t n = 0;

	*configuration =
		(struct configuration){ .limits = limits_usual, .ids = id_pool_bounds_usual };
	read_first(configuration, root, "usherd.conf");
	for (size_t i = 0; i < PLACES; i++) {
		(void)snprintf(path, sizeof path, "%s%s/usherd.conf.d", root, places[i]);
		n = add_names(names, n, path);
	}
	qsort(names, n, sizeof *names, compare);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(path, sizeof path, "usherd.conf.d/%s", names[i]);
		read_first(configuration, root, path);
		free(names[i]);
	}
}
