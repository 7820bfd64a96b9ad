/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher overlay: directories stacked on each other. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../cleanup.h"
#include "../path.h"
#include "command.h"

static const struct parameter parameters[] = {
	{ "lower", 'l', PARAMETER_LOWER, "DIR[:DIR...]", "what lies below, topmost first" },
	{ "upper", 'u', PARAMETER_UPPER, "DIR", "where changes go; without it nothing can change" },
	{ "work", 'w', PARAMETER_WORK, "DIR", "an empty directory beside upper" },
	{ "options", 'o', PARAMETER_WORDS, "WORD[,WORD...]", "more options of the mount" },
	{ "option", 'O', PARAMETER_WORD, "WORD", "one option, commas and all" },
	{ "read-only", 'r', PARAMETER_READ_ONLY, NULL, "the same as -o ro" },
	{ NULL, 0, 0, NULL, NULL },
};

static int overlay_check(const struct arguments *a) {
	if (a->lower.count == 0)
		return arguments_refuse(a, "-l is missing: what lies below");
	if (!a->upper != !a->work)
		return arguments_refuse(a, "-u and -w need each other");
	return 0;
}

/* A path within a list of layers: a colon in it does not part. */
static void print_layer(FILE *out, const char *path) {
	for (; *path; path++) {
		if (*path == ':' || *path == '\\')
			putc('\\', out);
		putc(*path, out);
	}
}

/* One layer, as written: a backslash takes away the meaning of the next byte. Returns what follows.
 */
static const char *read_layer(const char *list, char *path) {
	while (*list && *list != ':') {
		if (list[0] == '\\' && list[1])
			list++;
		*path++ = *list++;
	}
	*path = '\0';
	return *list ? list + 1 : NULL;
}

/* Each directory of one list, made absolute. */
static int print_layers(const struct arguments *a, FILE *out, const char *list, bool first) {
	_cleanup_free_ char *path = malloc(strlen(list) + 1);
	int r;

	while (path && list) {
		_cleanup_free_ char *absolute = NULL;

		list = read_layer(list, path);
		r = arguments_elsewhere(a) ? 0 : path_absolute(path, &absolute);
		if (r < 0)
			return r;
		if (!first)
			putc(':', out);
		first = false;
		print_layer(out, absolute ? absolute : path);
	}
	return path ? 0 : -ENOMEM;
}

static int lower_word(const struct arguments *a, char **ret) {
	size_t size, i;
	int r = 0;
	_cleanup_(cleanup_file) FILE *out = open_memstream(ret, &size);

	if (!out)
		return -errno;
	fputs("lowerdir=", out);
	for (i = 0; i < a->lower.count && r == 0; i++)
		r = print_layers(a, out, a->lower.items[i], i == 0);
	return r == 0 && fflush(out) != 0 ? -ENOMEM : r;
}

/* key=DIR, made absolute. */
static int add_directory(const struct arguments *a, struct words *words, const char *key,
			 const char *path) {
	_cleanup_free_ char *absolute = NULL, *word = NULL;
	int r;

	r = arguments_elsewhere(a) ? 0 : path_absolute(path, &absolute);
	if (r < 0)
		return r;
	if (asprintf(&word, "%s=%s", key, absolute ? absolute : path) < 0)
		return -ENOMEM;
	return words_add(words, word);
}

static int collect_words(const struct arguments *a, struct words *words) {
	_cleanup_free_ char *lower = NULL;
	size_t i;
	int r;

	r = lower_word(a, &lower);
	if (r == 0)
		r = words_add(words, lower);
	if (r == 0 && a->upper)
		r = add_directory(a, words, "upperdir", a->upper);
	if (r == 0 && a->work)
		r = add_directory(a, words, "workdir", a->work);
	for (i = 0; r == 0 && i < a->words.count; i++)
		r = words_add(words, a->words.items[i]);
	return r;
}

static int overlay_run(const struct arguments *a, struct usher *usher) {
	_cleanup_(words_done) struct words words = WORDS_INIT;
	_cleanup_free_ char *object = NULL;
	int r;

	r = collect_words(a, &words);
	if (r < 0)
		return answer_failure(a, a->operands[0], r);
	r = usher_mount(usher, "", a->operands[0], "overlay", (const char *const *)words.items,
			&a->keys, &object);
	return r < 0 ? answer_refusal(a, usher, a->operands[0], r)
		     : answer_value(a, "object", object);
}

const struct command command_overlay = {
	.name = "overlay",
	.synopsis = "TARGET",
	.help = "Stack directories on each other",
	.parameters = parameters,
	.minimum = 1,
	.maximum = 1,
	.check = overlay_check,
	.asks = true,
	.run = overlay_run,
};
