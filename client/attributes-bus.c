/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What new namespaces and processes are to be like, on its way to the service. */

#include <errno.h>
#include <string.h>

#include "attributes.h"
#include "path.h"

static int append_text(struct bus_message *m, const char *bytes) {
	_cleanup_free_ char *text = usher_escape(bytes);

	return text ? bus_message_append_basic(m, 's', text) : -ENOMEM;
}

static int append_words(struct bus_message *m, char *const *words) {
	int r;

	r = bus_message_open_container(m, 'a', "s");
	for (; r >= 0 && *words; words++)
		r = append_text(m, *words);
	return r < 0 ? r : bus_message_close_container(m);
}

int attributes_append_environment(const struct usher_attributes *attributes,
				  struct bus_message *m) {
	int r;

	r = bus_message_open_container(m, 'a', "{ss}");
	for (size_t i = 0; r >= 0 && i < attributes->variable_count; i++) {
		r = bus_message_open_container(m, 'e', "ss");
		if (r >= 0)
			r = append_text(m, attributes->variables[i].name);
		if (r >= 0)
			r = append_text(m, attributes->variables[i].value);
		if (r >= 0)
			r = bus_message_close_container(m);
	}
	return r < 0 ? r : bus_message_close_container(m);
}

int attributes_append_fds(struct usher *usher, const struct usher_attributes *attributes,
			  struct bus_message *m) {
	const struct descriptor *descriptor;
	int r;

	r = bus_message_open_container(m, 'a', "{uh}");
	for (size_t i = 0; r >= 0 && i < attributes->descriptor_count; i++) {
		descriptor = &attributes->descriptors[i];
		r = bus_message_append(m, "{uh}", descriptor->number, descriptor->fd);
		if (r < 0)
			return bus_fail(usher, r, "descriptor %d: %s", descriptor->fd,
					strerror(-r));
	}
	if (r >= 0)
		r = bus_message_close_container(m);
	return r < 0 ? bus_fail(usher, r, "the descriptors: %s", strerror(-r)) : 0;
}

/* A root, and a directory without one, are paths of this program's, as long as the work is done
 * where it is; all else is sent as it stands. */
static bool is_here(const struct usher_attributes *attributes, const char *key, bool elsewhere) {
	bool rooted = false;

	if (elsewhere)
		return false;
	for (size_t i = 0; i < attributes->attribute_count; i++)
		rooted |= strcmp(attributes->attributes[i].key, "root") == 0;
	return strcmp(key, "root") == 0 || (strcmp(key, "workdir") == 0 && !rooted);
}

static int append_string(struct bus_message *m, const char *bytes, bool here) {
	_cleanup_free_ char *absolute = NULL;
	int r;

	if (!here)
		return append_text(m, bytes);
	r = path_absolute(bytes, &absolute);
	return r < 0 ? r : append_text(m, absolute);
}

static int append_ranges(struct bus_message *m, const uint32_t *numbers, size_t count) {
	int r;

	r = bus_message_open_container(m, 'a', "(uuu)");
	for (; r >= 0 && count > 0; count--, numbers += 3)
		r = bus_message_append(m, "(uuu)", numbers[0], numbers[1], numbers[2]);
	return r < 0 ? r : bus_message_close_container(m);
}

static int append_value(struct bus_message *m, const struct attribute *attribute, bool here) {
	const char *signature = attribute->signature;

	if (strcmp(signature, "s") == 0)
		return append_string(m, attribute->words[0], here);
	if (strcmp(signature, "as") == 0)
		return append_words(m, attribute->words);
	if (strcmp(signature, "au") == 0)
		return bus_message_append_array(m, 'u', attribute->numbers,
						attribute->count * sizeof(uint32_t));
	if (strcmp(signature, "a(uuu)") == 0)
		return append_ranges(m, attribute->numbers, attribute->count);
	if (strcmp(signature, "t") == 0 || strcmp(signature, "x") == 0)
		return bus_message_append(m, signature, attribute->number);
	return bus_message_append(m, signature, (uint32_t)attribute->number);
}

static int append_mounts(struct bus_message *m, const struct usher_attributes *attributes,
			 bool elsewhere) {
	const struct mount *mount;
	int r;

	r = bus_message_open_container(m, 'a', "(sssas)");
	for (size_t i = 0; r >= 0 && i < attributes->mount_count; i++) {
		mount = &attributes->mounts[i];
		r = bus_message_open_container(m, 'r', "sssas");
		if (r >= 0)
			r = append_string(m, mount->source,
					  !elsewhere && path_is_explicit(mount->source));
		if (r >= 0)
			r = append_text(m, mount->target);
		if (r >= 0)
			r = append_text(m, mount->fstype);
		if (r >= 0)
			r = append_words(m, mount->words);
		if (r >= 0)
			r = bus_message_close_container(m);
	}
	return r < 0 ? r : bus_message_close_container(m);
}

static int append_limits(struct bus_message *m, const struct usher_attributes *attributes) {
	int r;

	r = bus_message_open_container(m, 'a', "{s(tt)}");
	for (size_t i = 0; r >= 0 && i < attributes->limit_count; i++)
		r = bus_message_append(m, "{s(tt)}", attributes->limits[i].name,
				       attributes->limits[i].soft, attributes->limits[i].hard);
	return r < 0 ? r : bus_message_close_container(m);
}

/* {sv} up to the value, and from its end on. */
static int open_entry(struct bus_message *m, const char *key, const char *signature) {
	int r;

	r = bus_message_open_container(m, 'e', "sv");
	if (r >= 0)
		r = bus_message_append_basic(m, 's', key);
	return r < 0 ? r : bus_message_open_container(m, 'v', signature);
}

static int close_entry(struct bus_message *m) {
	int r;

	r = bus_message_close_container(m);
	return r < 0 ? r : bus_message_close_container(m);
}

static int append_lists(struct bus_message *m, const struct usher_attributes *attributes,
			bool elsewhere) {
	int r = 0;

	if (attributes->mount_count > 0) {
		r = open_entry(m, "mounts", "a(sssas)");
		if (r >= 0)
			r = append_mounts(m, attributes, elsewhere);
		if (r >= 0)
			r = close_entry(m);
	}
	if (r >= 0 && attributes->limit_count > 0) {
		r = open_entry(m, "rlimits", "a{s(tt)}");
		if (r >= 0)
			r = append_limits(m, attributes);
		if (r >= 0)
			r = close_entry(m);
	}
	return r;
}

int attributes_append_keys(struct usher *usher, const struct usher_attributes *attributes,
			   bool elsewhere, struct bus_message *m) {
	const struct attribute *attribute;
	int r;

	for (size_t i = 0; i < attributes->attribute_count; i++) {
		attribute = &attributes->attributes[i];
		r = open_entry(m, attribute->key, attribute->signature);
		if (r >= 0)
			r = append_value(m, attribute,
					 is_here(attributes, attribute->key, elsewhere));
		if (r >= 0)
			r = close_entry(m);
		if (r < 0)
			return bus_fail(usher, r, "%s: %s", attribute->key, strerror(-r));
	}
	r = append_lists(m, attributes, elsewhere);
	return r < 0 ? bus_fail(usher, r, "mounts, or limits: %s", strerror(-r)) : 0;
}

int attributes_error(struct usher *usher, const struct usher_attributes *attributes) {
	int error = attributes ? attributes->error : -ENOMEM;

	return error < 0 ? bus_fail(usher, error, "the attributes: %s", strerror(-error)) : 0;
}
