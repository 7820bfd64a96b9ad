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

int value_read_string(sd_bus_message *m, char **ret) {
	const char *text;
	char *bytes;
	int r;

	r = sd_bus_message_read(m, "v", "s", &text);
	if (r < 0)
		return r;
	r = usher_unescape(text, &bytes);
	if (r < 0)
		return r;
	free(*ret);
	*ret = bytes;
	return 0;
}

int value_read_bare_words(sd_bus_message *m, char ***ret) {
	char **words = NULL, *bytes;
	size_t i;
	int r;

	r = sd_bus_message_read_strv(m, &words);
	if (r < 0)
		return r;
	if (words) {
		value_free_words(*ret);
		*ret = words;
	}
	for (i = 0; words && words[i]; i++) {
		r = usher_unescape(words[i], &bytes);
		if (r < 0)
			return r;
		free(words[i]);
		words[i] = bytes;
	}
	return 0;
}

int value_read_words(sd_bus_message *m, char ***ret) {
	int r;

	r = sd_bus_message_enter_container(m, 'v', "as");
	if (r >= 0)
		r = value_read_bare_words(m, ret);
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

int value_read_object(sd_bus_message *m, char **ret) {
	const char *object;
	int r;

	r = sd_bus_message_read(m, "v", "o", &object);
	if (r < 0)
		return r;
	free(*ret);
	*ret = strdup(object);
	return *ret ? 0 : -ENOMEM;
}

int value_read_id(sd_bus_message *m, int64_t *ret) {
	uint32_t id;
	int r;

	r = sd_bus_message_read(m, "v", "u", &id);
	if (r >= 0)
		*ret = id;
	return r;
}

int value_read_all(sd_bus_message *m, int (*read)(sd_bus_message *m, const char *key, void *into),
		   void *into) {
	const char *key;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	if (r <= 0)
		return r < 0 ? r : -EBADMSG;
	while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = sd_bus_message_read(m, "s", &key);
		if (r >= 0)
			r = read(m, key, into);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}
