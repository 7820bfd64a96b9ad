/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Configuration files, as people and editors leave them: a file, and behind a zero byte a drop-in.
 */

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "configuration.h"
#include "fuzz.h"

int sd_journal_print_with_location(int priority, const char *file, const char *line,
				   const char *function, const char *format, ...);

/* What is wrong is told by file and line, here to nobody. */
int sd_journal_print_with_location(int priority, const char *file, const char *line,
				   const char *function, const char *format, ...) {
	must(priority > 0 && format && *format);
	return 0;
}

static char root[] = "/tmp/usher-fuzz-XXXXXX";

static void clean(void) {
	char path[128];

	for (int i = 0; i < 5; i++) {
		static const char *const names[] = { "/etc/usher/usherd.conf.d/a.conf",
						     "/etc/usher/usherd.conf.d",
						     "/etc/usher/usherd.conf", "/etc/usher",
						     "/etc" };

		(void)snprintf(path, sizeof path, "%s%s", root, names[i]);
		(void)remove(path);
	}
	(void)remove(root);
}

static void prepare(void) {
	static const char *const directories[] = { "/etc", "/etc/usher",
						   "/etc/usher/usherd.conf.d" };
	char path[128];

	must(mkdtemp(root));
	for (int i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof path, "%s%s", root, directories[i]);
		must(mkdir(path, 0700) == 0);
	}
	(void)atexit(clean);
}

static void write_file(const char *name, const uint8_t *data, size_t size) {
	char path[128];
	int fd;

	(void)snprintf(path, sizeof path, "%s%s", root, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	(void)close(fd);
}

/* Whatever there is, it holds a number that its kind can be. */
static void look_at(const struct configuration *configuration) {
	struct refusal refusal = { 0 };
	uint64_t value, again;
	char text[32];

	for (int i = 0; i < _LIMIT_MAX; i++) {
		enum limit limit = (enum limit)i;

		value = configuration->limits.value[limit];
		(void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
		must(limit_find(limit_name(limit)) == limit);
		must(limit_parse(limit, text, &again) && again == value);
		must(*limit_type(limit) == 't' || value <= UINT32_MAX);
		must(limit_check(&configuration->limits, limit, 0, &refusal) == 0);
		must((limit_check(&configuration->limits, limit, UINT64_MAX, &refusal) != 0) ==
		     (value != 0 && value != UINT64_MAX));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static bool prepared; /* a name that was made up may end in X, too */
	const uint8_t *zero = size > 0 ? memchr(data, 0, size) : NULL;
	size_t first = zero ? (size_t)(zero - data) : size;
	struct configuration configuration;

	if (!prepared)
		prepare();
	prepared = true;
	write_file("/etc/usher/usherd.conf", data, first);
	write_file("/etc/usher/usherd.conf.d/a.conf", zero ? zero + 1 : data,
		   zero ? size - first - 1 : 0);
	configuration_read(&configuration, root);
	look_at(&configuration);
	return 0;
}
