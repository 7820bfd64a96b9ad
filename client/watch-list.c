/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The watches that are there. */

#include <errno.h>
#include <string.h>

#include "entries.h"
#include "objects.h"
#include "value.h"

static void free_entry(struct usher_watch_entry *entry) {
	free(entry->object);
	free(entry->path);
	value_free_words(entry->events);
	free(entry->scope);
	free(entry->backend);
	free(entry);
}

struct usher_watch_entry **usher_free_watches(struct usher_watch_entry **watches) {
	for (size_t i = 0; watches && watches[i]; i++)
		free_entry(watches[i]);
	free(watches);
	return NULL;
}

char **usher_free_words(char **words) {
	value_free_words(words);
	return NULL;
}

static void list_done(struct list *list) {
	usher_free_watches(list->entries);
}

/* An entry with every string in place, added to the list. */
static struct usher_watch_entry *add_entry(struct list *list, const char *object) {
	struct usher_watch_entry *entry = entries_add(&list->entries, &list->count, sizeof *entry);

	if (!entry)
		return NULL;
	entry->owner = -1;
	entry->object = strdup(object);
	entry->path = strdup("");
	entry->events = calloc(1, sizeof *entry->events);
	entry->scope = strdup("");
	entry->backend = strdup("");
	if (!entry->object || !entry->path || !entry->events || !entry->scope || !entry->backend)
		return NULL;
	return entry;
}

/* One property; a newer service may have more of them than we know. */
static int read_property(struct bus_message *m, const char *key, void *into) {
	struct usher_watch_entry *entry = into;

	if (strcmp(key, "Path") == 0)
		return value_read_string(m, &entry->path);
	if (strcmp(key, "Events") == 0)
		return value_read_words(m, &entry->events);
	if (strcmp(key, "Scope") == 0)
		return value_read_string(m, &entry->scope);
	if (strcmp(key, "Backend") == 0)
		return value_read_string(m, &entry->backend);
	if (strcmp(key, "Owner") == 0)
		return value_read_id(m, &entry->owner);
	if (strcmp(key, "Clock") == 0)
		return bus_message_read(m, "v", "t", &entry->clock);
	if (strcmp(key, "Delivered") == 0)
		return bus_message_read(m, "v", "t", &entry->delivered);
	if (strcmp(key, "Lost") == 0)
		return bus_message_read(m, "v", "t", &entry->lost);
	return bus_message_skip(m, "v");
}

static int add(struct bus_message *m, const char *object, void *into) {
	struct list *list = into;
	struct usher_watch_entry *entry = add_entry(list, object);
	int r = entry ? value_read_all(m, read_property, entry) : -ENOMEM;

	if (r >= 0)
		entry->mine = entry->owner == list->owner;
	return r;
}

int usher_list_watches(struct usher *usher, struct usher_watch_entry ***ret) {
	_cleanup_(list_done) struct list list = { 0 };
	int r = entries_list(usher, "org.usher1.Watch", add, &list);

	if (r < 0)
		return r;
	*ret = take_pointer(list.entries);
	return (int)list.count;
}
