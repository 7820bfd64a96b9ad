/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words for mounts, one a line; the first byte says which kind of mount they are for. */

#include <string.h>
#include <sys/mount.h>

#include "fuzz.h"
#include "mount-options.h"

enum { WORDS_MAX = 600 };

static void look_at(struct mount_options *options, char *const *words, size_t n) {
	static const char *const keys[] = { "size", "mode", NULL };
	uint64_t size;

	must(!(options->set & options->clear & ~(uint64_t)MOUNT_ATTR__ATIME));
	must(!(options->set & MOUNT_ATTR__ATIME) ||
	     (options->clear & MOUNT_ATTR__ATIME) == MOUNT_ATTR__ATIME);
	must(options->n_parameters <= MOUNT_OPTIONS_MAX && options->n_parameters <= n);
	for (size_t i = 0; i < n; i++) {
		(void)mount_options_value(options, words[i]);
		(void)mount_options_size(words[i], 1 << 30, &size);
	}
	(void)mount_options_only(options, keys);
	if (!mount_options_force(options))
		must((options->set & (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)) ==
		     (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	enum mount_options_kind kind;
	struct mount_options options;
	struct refusal refusal = { 0 };
	char *text, *rest, *words[WORDS_MAX];
	size_t n = 0;

	if (size == 0)
		return 0;
	kind = *data % (MOUNT_OPTIONS_EXISTING + 1);
	rest = text = strndup((const char *)data + 1, size - 1);
	must(text);
	for (char *word; n < WORDS_MAX && (word = strsep(&rest, "\n"));)
		words[n++] = word;
	if (mount_options_parse(&options, words, n, kind, &refusal) == 0)
		look_at(&options, words, n);
	else
		must(*refusal.text);
	free(text);
	return 0;
}
