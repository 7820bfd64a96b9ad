/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.usher1.Namespaces, and the objects it makes. */

#include <errno.h>
#include <string.h>

#include "call.h"
#include "entries.h"
#include "objects.h"
#include "value.h"

#define NAMESPACES "org.usher1.Namespaces"
#define NAMESPACE  "org.usher1.Namespace"

int usher_namespace_create(struct usher *usher, const char *name, const char *const types[],
			   const struct usher_attributes *attributes,
			   const struct usher_options *options, char **ret_object) {
	_cleanup_call_ struct call call = call_begin(usher, NAMESPACES, "Create", options);

	call_add_attributes(&call, attributes);
	if (call.error >= 0 && (attributes->variable_count > 0 || attributes->descriptor_count > 0))
		call.error = bus_fail(usher, -EINVAL,
				      "a namespace has neither an environment nor descriptors");
	call_add_string(&call, "name", name);
	call_add_words(&call, "types", types);
	return call_for_object(&call, ret_object);
}

int usher_namespace_attach(struct usher *usher, const char *name, int pidfd,
			   const char *const types[], const struct usher_options *options,
			   char **ret_object) {
	_cleanup_call_ struct call call = call_begin(usher, NAMESPACES, "Attach", options);

	call_add_string(&call, "name", name);
	call_add_fd(&call, "pidfd", pidfd);
	call_add_words(&call, "types", types);
	return call_for_object(&call, ret_object);
}

int usher_namespace_open(struct usher *usher, const char *object, const char *type,
			 const struct usher_options *options, int *ret_fd) {
	_cleanup_call_ struct call call = call_begin_on(usher, object, NAMESPACE, "Open", options);

	call_add_string(&call, "type", type);
	return call_for_fd(&call, ret_fd);
}

int usher_namespace_open_leader(struct usher *usher, const char *object,
				const struct usher_options *options, int *ret_pidfd) {
	_cleanup_call_ struct call call =
		call_begin_on(usher, object, NAMESPACE, "OpenLeader", options);

	return call_for_fd(&call, ret_pidfd);
}

int usher_namespace_destroy(struct usher *usher, const char *object,
			    const struct usher_options *options) {
	_cleanup_call_ struct call call =
		call_begin_on(usher, object, NAMESPACE, "Destroy", options);

	return call_for_nothing(&call);
}

static void free_entry(struct usher_namespace_entry *entry) {
	free(entry->object);
	free(entry->name);
	value_free_words(entry->types);
	free(entry->uid_ranges);
	free(entry->gid_ranges);
	free(entry->lifetime);
	free(entry);
}

struct usher_namespace_entry **usher_free_namespaces(struct usher_namespace_entry **namespaces) {
	for (size_t i = 0; namespaces && namespaces[i]; i++)
		free_entry(namespaces[i]);
	free(namespaces);
	return NULL;
}

static void list_done(struct list *list) {
	usher_free_namespaces(list->entries);
}

/* An entry with every string in place, added to the list. */
static struct usher_namespace_entry *add_entry(struct list *list, const char *object) {
	struct usher_namespace_entry *entry =
		entries_add(&list->entries, &list->count, sizeof *entry);

	if (!entry)
		return NULL;
	entry->leader = entry->owner = -1;
	entry->object = strdup(object);
	entry->name = strdup("");
	entry->types = calloc(1, sizeof *entry->types);
	entry->lifetime = strdup("");
	if (!entry->object || !entry->name || !entry->types || !entry->lifetime)
		return NULL;
	return entry;
}

static int read_ranges(struct bus_message *m, struct usher_id_range **ret, size_t *ret_count) {
	struct usher_id_range range, *larger;
	int r;

	r = bus_message_enter_container(m, 'v', "a(uuu)");
	if (r >= 0)
		r = bus_message_enter_container(m, 'a', "(uuu)");
	while (r >= 0 && (r = bus_message_read(m, "(uuu)", &range.inside, &range.outside,
					       &range.count)) > 0) {
		larger = reallocarray(*ret, *ret_count + 1, sizeof *larger);
		if (!larger)
			return -ENOMEM;
		*ret = larger;
		larger[(*ret_count)++] = range;
	}
	if (r >= 0)
		r = bus_message_exit_container(m);
	return r < 0 ? r : bus_message_exit_container(m);
}

/* One property; a newer service may have more of them than we know. */
static int read_property(struct bus_message *m, const char *key, void *into) {
	struct usher_namespace_entry *entry = into;

	if (strcmp(key, "Name") == 0)
		return value_read_string(m, &entry->name);
	if (strcmp(key, "Types") == 0)
		return value_read_words(m, &entry->types);
	if (strcmp(key, "Leader") == 0)
		return value_read_id(m, &entry->leader);
	if (strcmp(key, "Owner") == 0)
		return value_read_id(m, &entry->owner);
	if (strcmp(key, "UidMap") == 0)
		return read_ranges(m, &entry->uid_ranges, &entry->uid_range_count);
	if (strcmp(key, "GidMap") == 0)
		return read_ranges(m, &entry->gid_ranges, &entry->gid_range_count);
	if (strcmp(key, "Lifetime") == 0)
		return value_read_string(m, &entry->lifetime);
	if (strcmp(key, "CreatedUSec") == 0)
		return bus_message_read(m, "v", "t", &entry->created_usec);
	return bus_message_skip(m, "v");
}

static int add(struct bus_message *m, const char *object, void *into) {
	struct list *list = into;
	struct usher_namespace_entry *entry = add_entry(list, object);
	int r = entry ? value_read_all(m, read_property, entry) : -ENOMEM;

	if (r >= 0)
		entry->mine = entry->owner == list->owner;
	return r;
}

int usher_list_namespaces(struct usher *usher, struct usher_namespace_entry ***ret) {
	_cleanup_(list_done) struct list list = { 0 };
	int r = entries_list(usher, NAMESPACE, add, &list);

	if (r < 0)
		return r;
	*ret = take_pointer(list.entries);
	return (int)list.count;
}

int usher_find_namespace(struct usher *usher, const char *name, char **ret_object) {
	struct usher_namespace_entry **namespaces;
	char *object = NULL;
	int r = usher_list_namespaces(usher, &namespaces);

	if (r < 0)
		return r;
	for (size_t i = 0; namespaces[i] && !object; i++)
		if (namespaces[i]->mine && strcmp(namespaces[i]->name, name) == 0)
			object = take_pointer(namespaces[i]->object);
	usher_free_namespaces(namespaces);
	if (!object)
		return bus_fail(usher, -ENOENT, "you have no namespaces of this name");
	*ret_object = object;
	return 0;
}
