/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of words, such as the options of a mount. */

#include "words.h"

#include <errno.h>
#include <string.h>

#include "../cleanup.h"

int words_add(struct words *words, const char *word) {
	_cleanup_free_ char *copy = strdup(word);
	char **larger;

	if (!copy)
		return -ENOMEM;
	larger = reallocarray(words->items, words->count + 2, sizeof *larger);
	if (!larger)
		return -ENOMEM;
	words->items = larger;
	larger[words->count++] = take_pointer(copy);
	larger[words->count] = NULL;
	return 0;
}

bool words_contain(const struct words *words, const char *word) {
	size_t i;

	for (i = 0; i < words->count; i++)
		if (strcmp(words->items[i], word) == 0)
			return true;
	return false;
}

void words_done(struct words *words) {
	size_t i;

	for (i = 0; i < words->count; i++)
		free(words->items[i]);
	free(words->items);
	*words = (struct words)WORDS_INIT;
}

/* Copies what stands in quotes, without them. Returns what follows, or NULL if they do not end
 * well. */
static const char *copy_quoted(const char *text, char **out) {
	for (text++; *text != '"'; text++) {
		if (text[0] == '\\' && (text[1] == '"' || text[1] == '\\'))
			text++;
		if (*text == '\0')
			return NULL;
		*(*out)++ = *text;
	}
	text++;
	return *text == ',' || *text == '\0' ? text : NULL;
}

/* Copies one word, up to a comma or the end. Returns what follows, or NULL for quotes gone wrong.
 */
static const char *copy_word(const char *text, char *out) {
	char before = '=';

	while (text && *text && *text != ',') {
		if (*text == '"' && before == '=') {
			text = copy_quoted(text, &out);
			continue;
		}
		if (text[0] == '\\' && (text[1] == ',' || text[1] == '\\'))
			text++;
		before = *text;
		*out++ = *text++;
	}
	*out = '\0';
	return text;
}

int words_split(struct words *words, const char *text) {
	_cleanup_free_ char *word = malloc(strlen(text) + 1);
	int r;

	if (!word)
		return -ENOMEM;
	while (text) {
		text = copy_word(text, word);
		if (!text)
			return -EINVAL;
		if (*word) {
			r = words_add(words, word);
			if (r < 0)
				return r;
		}
		text = *text == ',' ? text + 1 : NULL;
	}
	return 0;
}
