/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Instead of libFuzzer: what is in a corpus, once, each, and every beginning of it. */

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

enum { BEGINNINGS_MAX = 512 };

static void feed(const uint8_t *data, size_t size) {
	uint8_t *copy =
		malloc(size + !size); /* no byte more, so that a sanitizer sees one read too far */

	must(copy);
	for (size_t i = 0; i < size; i++)
		copy[i] = data[i];
	(void)LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void replay(int directory, const char *name) {
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *data;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		err(1, "%s", name);
	data = malloc((size_t)st.st_size + 1);
	must(data && read(fd, data, (size_t)st.st_size) == st.st_size);
	(void)close(fd);
	for (size_t size = 0; size < (size_t)st.st_size && size < BEGINNINGS_MAX; size++)
		feed(data, size);
	feed(data, (size_t)st.st_size);
	free(data);
}

int main(int argc, char *argv[]) {
	DIR *corpus = argc == 2 ? opendir(argv[1]) : NULL;
	unsigned n = 0;

	if (!corpus)
		err(1, "%s", argc == 2 ? argv[1] : "a corpus");
	for (struct dirent *entry; (entry = readdir(corpus));) {
		if (*entry->d_name == '.')
			continue;
		replay(dirfd(corpus), entry->d_name);
		n++;
	}
	(void)closedir(corpus);
	(void)printf("%u of a corpus, and their beginnings\n", n);
	return n > 0 ? 0 : 1;
}
