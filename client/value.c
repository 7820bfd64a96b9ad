/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of an a{sv}, as the service writes them. */

#include "value.h"

#include <errno.h>
#include <string.h>

void value_free_words(char **words) {
	size_t i;

	for (i = 0; words && words[i]; i++)
		free(words[i]);
	free(words);
}

int value_read_string(struct bus_message *m, char **ret) {
	const char *text;
	char *bytes;
	int r;

	r = bus_message_read(m, "v", "s", &text);
	if (r < 0)
		return r;
	r = usher_unescape(text, &bytes);
	if (r < 0)
		return r;
	free(*ret);
	*ret = bytes;
	return 0;
}

static int append_word(char ***words, size_t n, const char *text) {
	char **larger = reallocarray(*words, n + 2, sizeof *larger);

	if (!larger)
		return -ENOMEM;
	*words = larger;
	larger[n] = larger[n + 1] = NULL;
	return usher_unescape(text, &larger[n]);
}

int value_read_bare_words(struct bus_message *m, char ***ret) {
	char **words = calloc(1, sizeof *words);
	const char *text;
	size_t n = 0;
	int r = words ? bus_message_enter_container(m, 'a', "s") : -ENOMEM;

	while (r >= 0 && (r = bus_message_read_basic(m, 's', &text)) > 0)
		r = append_word(&words, n++, text);
	if (r >= 0)
		r = bus_message_exit_container(m);
	if (r < 0) {
		value_free_words(words);
		return r;
	}
	value_free_words(*ret);
	*ret = words;
	return 0;
}

int value_read_words(struct bus_message *m, char ***ret) {
	int r;

	r = bus_message_enter_container(m, 'v', "as");
	if (r >= 0)
		r = value_read_bare_words(m, ret);
	return r < 0 ? r : bus_message_exit_container(m);
}

int value_read_object(struct bus_message *m, char **ret) {
	const char *object;
	int r;

	r = bus_message_read(m, "v", "o", &object);
	if (r < 0)
		return r;
	free(*ret);
	*ret = strdup(object);
	return *ret ? 0 : -ENOMEM;
}

int value_read_id(struct bus_message *m, int64_t *ret) {
	uint32_t id;
	int r;

	r = bus_message_read(m, "v", "u", &id);
	if (r >= 0)
		*ret = id;
	return r;
}

int value_read_all(struct bus_message *m,
		   int (*read)(struct bus_message *m, const char *key, void *into), void *into) {
	const char *key;
	int r;

	r = bus_message_enter_container(m, 'a', "{sv}");
	if (r <= 0)
		return r < 0 ? r : -EBADMSG;
	while ((r = bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = bus_message_read(m, "s", &key);
		if (r >= 0)
			r = read(m, key, into);
		if (r >= 0)
			r = bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : bus_message_exit_container(m);
}
