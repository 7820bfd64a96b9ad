/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mount table: from rows on the bus to an array of entries. */

#include <errno.h>
#include <string.h>

#include "call.h"

struct table {
	struct usher_mount_entry **entries; /* ends with NULL */
	size_t count;
};

static void free_words(char **words) {
	size_t i;

	for (i = 0; words && words[i]; i++)
		free(words[i]);
	free(words);
}

static struct usher_mount_entry *free_entry(struct usher_mount_entry *entry) {
	free(entry->source);
	free(entry->target);
	free(entry->fstype);
	free_words(entry->options);
	free(entry->propagation);
	free(entry->object);
	free(entry);
	return NULL;
}

struct usher_mount_entry **usher_free_mounts(struct usher_mount_entry **mounts) {
	size_t i;

	for (i = 0; mounts && mounts[i]; i++)
		free_entry(mounts[i]);
	free(mounts);
	return NULL;
}

static void table_done(struct table *table) {
	usher_free_mounts(table->entries);
}

/* An entry with every string in place, added to the table. */
static struct usher_mount_entry *add_entry(struct table *table) {
	struct usher_mount_entry **larger, *entry;

	larger = reallocarray(table->entries, table->count + 2, sizeof *larger);
	if (!larger)
		return NULL;
	table->entries = larger;
	larger[table->count] = larger[table->count + 1] = NULL;
	entry = calloc(1, sizeof *entry);
	if (!entry)
		return NULL;
	larger[table->count++] = entry;
	entry->owner = -1;
	entry->source = strdup("");
	entry->target = strdup("");
	entry->fstype = strdup("");
	entry->propagation = strdup("");
	entry->options = calloc(1, sizeof *entry->options);
	if (!entry->source || !entry->target || !entry->fstype || !entry->propagation ||
	    !entry->options)
		return NULL;
	return entry;
}

static int read_string(sd_bus_message *m, char **ret) {
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

static int read_words(sd_bus_message *m, char ***ret) {
	char **words = NULL, *bytes;
	size_t i;
	int r;

	r = sd_bus_message_enter_container(m, 'v', "as");
	if (r < 0)
		return r;
	r = sd_bus_message_read_strv(m, &words);
	if (r < 0)
		return r;
	if (words) {
		free_words(*ret);
		*ret = words;
	}
	for (i = 0; words && words[i]; i++) {
		r = usher_unescape(words[i], &bytes);
		if (r < 0)
			return r;
		free(words[i]);
		words[i] = bytes;
	}
	return sd_bus_message_exit_container(m);
}

static int read_object(sd_bus_message *m, char **ret) {
	const char *object;
	int r;

	r = sd_bus_message_read(m, "v", "o", &object);
	if (r < 0)
		return r;
	free(*ret);
	*ret = strdup(object);
	return *ret ? 0 : -ENOMEM;
}

static int read_owner(sd_bus_message *m, int64_t *ret) {
	uint32_t owner;
	int r;

	r = sd_bus_message_read(m, "v", "u", &owner);
	if (r >= 0)
		*ret = owner;
	return r;
}

/* One column; a newer service may have more of them than we know. */
static int read_column(sd_bus_message *m, const char *key, struct usher_mount_entry *entry) {
	if (strcmp(key, "Id") == 0)
		return sd_bus_message_read(m, "v", "t", &entry->id);
	if (strcmp(key, "Parent") == 0)
		return sd_bus_message_read(m, "v", "t", &entry->parent);
	if (strcmp(key, "Source") == 0)
		return read_string(m, &entry->source);
	if (strcmp(key, "Target") == 0)
		return read_string(m, &entry->target);
	if (strcmp(key, "FSType") == 0)
		return read_string(m, &entry->fstype);
	if (strcmp(key, "Options") == 0)
		return read_words(m, &entry->options);
	if (strcmp(key, "Propagation") == 0)
		return read_string(m, &entry->propagation);
	if (strcmp(key, "Owner") == 0)
		return read_owner(m, &entry->owner);
	if (strcmp(key, "Object") == 0)
		return read_object(m, &entry->object);
	return sd_bus_message_skip(m, "v");
}

static int read_row(sd_bus_message *m, struct usher_mount_entry *entry) {
	const char *key;
	int r;

	while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = sd_bus_message_read(m, "s", &key);
		if (r < 0)
			return r;
		r = read_column(m, key, entry);
		if (r < 0)
			return r;
		r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	return r;
}

static int read_table(sd_bus_message *m, struct table *table) {
	struct usher_mount_entry *entry;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "a{sv}");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_enter_container(m, 'a', "{sv}")) > 0) {
		entry = add_entry(table);
		if (!entry)
			return -ENOMEM;
		r = read_row(m, entry);
		if (r < 0)
			return r;
		r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	return r;
}

int usher_list_mounts(struct usher *usher, const struct usher_options *options,
		      struct usher_mount_entry ***ret) {
	_cleanup_call_ struct call call = call_begin(usher, "org.usher1.Mounts", "List", options);
	_cleanup_message_ sd_bus_message *reply = NULL;
	_cleanup_(table_done) struct table table = { 0 };
	int r;

	r = call_send(&call, &reply);
	if (r < 0)
		return r;
	table.entries = calloc(1, sizeof *table.entries);
	if (!table.entries)
		return bus_fail(usher, -ENOMEM, "out of memory");
	r = read_table(reply, &table);
	if (r == -ENOMEM)
		return bus_fail(usher, r, "out of memory");
	if (r < 0)
		return bus_fail(usher, -EBADMSG, "the service's table of mounts is malformed");
	*ret = take_pointer(table.entries);
	return (int)table.count;
}
