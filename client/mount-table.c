/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mount table: from rows on the bus to an array of entries. */

#include <errno.h>
#include <string.h>

#include "call.h"
#include "entries.h"
#include "value.h"

struct table {
	struct usher_mount_entry **entries; /* ends with NULL */
	size_t count;
};

static struct usher_mount_entry *free_entry(struct usher_mount_entry *entry) {
	free(entry->source);
	free(entry->target);
	free(entry->fstype);
	value_free_words(entry->options);
	free(entry->propagation);
	free(entry->object);
	free(entry);
	return NULL;
}

struct usher_mount_entry **usher_free_mounts(struct usher_mount_entry **mounts) {
	for (struct usher_mount_entry **entry = mounts; entry && *entry; entry++)
		free_entry(*entry);
	free(mounts);
	return NULL;
}

static void table_done(struct table *table) {
	usher_free_mounts(table->entries);
}

/* An entry with every string in place, added to the table. */
static struct usher_mount_entry *add_entry(struct table *table) {
	struct usher_mount_entry *entry =
		entries_add(&table->entries, &table->count, sizeof *entry);

	if (!entry)
		return NULL;
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

/* One column; a newer service may have more of them than we know. */
static int read_column(struct bus_message *m, const char *key, void *into) {
	struct usher_mount_entry *entry = into;

	if (strcmp(key, "Id") == 0)
		return bus_message_read(m, "v", "t", &entry->id);
	if (strcmp(key, "Parent") == 0)
		return bus_message_read(m, "v", "t", &entry->parent);
	if (strcmp(key, "Source") == 0)
		return value_read_string(m, &entry->source);
	if (strcmp(key, "Target") == 0)
		return value_read_string(m, &entry->target);
	if (strcmp(key, "FSType") == 0)
		return value_read_string(m, &entry->fstype);
	if (strcmp(key, "Options") == 0)
		return value_read_words(m, &entry->options);
	if (strcmp(key, "Propagation") == 0)
		return value_read_string(m, &entry->propagation);
	if (strcmp(key, "Owner") == 0)
		return value_read_id(m, &entry->owner);
	if (strcmp(key, "Object") == 0)
		return value_read_object(m, &entry->object);
	return bus_message_skip(m, "v");
}

static int read_table(struct bus_message *m, struct table *table) {
	struct usher_mount_entry *entry;
	int r;

	r = bus_message_enter_container(m, 'a', "a{sv}");
	if (r < 0)
		return r;
	while ((r = bus_message_at_end(m)) == 0) {
		entry = add_entry(table);
		if (!entry)
			return -ENOMEM;
		r = value_read_all(m, read_column, entry);
		if (r < 0)
			return r;
	}
	return r;
}

int usher_list_mounts(struct usher *usher, const struct usher_options *options,
		      struct usher_mount_entry ***ret) {
	_cleanup_call_ struct call call = call_begin(usher, "org.usher1.Mounts", "List", options);
	_cleanup_message_ struct bus_message *reply = NULL;
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
