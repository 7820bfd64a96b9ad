/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The optional keys of a call, from the program's structure to the bus. */

#include "options.h"

#include <errno.h>
#include <string.h>

/* What the first release had: a smaller structure was never right. */
#define SMALLEST (offsetof(struct usher_options, reserved) + sizeof(uint32_t))

int options_copy(struct usher *usher, const struct usher_options *given,
		 struct usher_options *ret) {
	const unsigned char *bytes = (const unsigned char *)given;
	struct usher_options options = USHER_OPTIONS_INIT;
	size_t i;

	if (!given) {
		*ret = options;
		return 0;
	}
	if (given->size < SMALLEST)
		return bus_fail(usher, -EINVAL, "the options: their size is not set");
	for (i = sizeof options; i < given->size; i++)
		if (bytes[i] != 0)
			return bus_fail(usher, -EINVAL,
					"the options: this libusher is too old for one of them");
	memcpy(&options, given, given->size < sizeof options ? given->size : sizeof options);
	if (options.reserved != 0)
		return bus_fail(usher, -EINVAL, "the options: 'reserved' is not 0");
	if (options.in >= 0 && options.in_object)
		return bus_fail(usher, -EINVAL, "the options: 'in' and 'in_object' are both set");
	if (options.idmap_fd >= 0 && options.idmap)
		return bus_fail(usher, -EINVAL, "the options: 'idmap' and 'idmap_fd' are both set");
	*ret = options;
	return 0;
}

bool options_elsewhere(const struct usher_options *options) {
	return options->in >= 0 || options->in_object;
}

static int append_fds(struct usher *usher, struct bus_message *m,
		      const struct usher_options *options) {
	const struct {
		const char *key;
		int fd;
	} fds[] = {
		{ "in", options->in },
		{ "source_fd", options->source_fd },
		{ "target_fd", options->target_fd },
		{ "path_fd", options->path_fd },
		{ "idmap", options->idmap_fd },
	};

	size_t i;
	int r;

	for (i = 0; i < sizeof fds / sizeof fds[0]; i++) {
		if (fds[i].fd < 0)
			continue;
		r = bus_message_append(m, "{sv}", fds[i].key, "h", fds[i].fd);
		if (r < 0)
			return bus_fail(usher, r, "%s: descriptor %d: %s", fds[i].key, fds[i].fd,
					strerror(-r));
	}
	return 0;
}

static int append_strings(struct usher *usher, struct bus_message *m,
			  const struct usher_options *options) {
	const struct {
		const char *key, *value;
	} strings[] = {
		{ "idmap", options->idmap },
		{ "lifetime", options->lifetime },
		{ "propagation", options->propagation },
	};

	size_t i;
	int r;

	for (i = 0; i < sizeof strings / sizeof strings[0]; i++) {
		_cleanup_free_ char *text = NULL;

		if (!strings[i].value)
			continue;
		text = usher_escape(strings[i].value);
		if (!text)
			return bus_fail(usher, -ENOMEM, "out of memory");
		r = bus_message_append(m, "{sv}", strings[i].key, "s", text);
		if (r < 0)
			return bus_fail(usher, r, "%s: %s", strings[i].key, strerror(-r));
	}
	return 0;
}

static int append_flags(struct usher *usher, struct bus_message *m,
			const struct usher_options *options) {
	const struct {
		const char *key;
		bool set;
	} flags[] = {
		{ "recursive", options->recursive },
		{ "lazy", options->lazy },
		{ "force", options->force },
		{ "expire", options->expire },
	};

	size_t i;
	int r;

	for (i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		if (!flags[i].set)
			continue;
		r = bus_message_append(m, "{sv}", flags[i].key, "b", 1);
		if (r < 0)
			return bus_fail(usher, r, "%s: %s", flags[i].key, strerror(-r));
	}
	return 0;
}

static int append_others(struct usher *usher, struct bus_message *m,
			 const struct usher_options *options) {
	int r;

	if (options->in_object) {
		if (!bus_message_path_is_valid(options->in_object))
			return bus_fail(usher, -EINVAL, "in: that is no object path");
		r = bus_message_append(m, "{sv}", "in", "o", options->in_object);
		if (r < 0)
			return bus_fail(usher, r, "in: %s", strerror(-r));
	}
	if (options->deadline_usec > 0) {
		r = bus_message_append(m, "{sv}", "deadline_usec", "t", options->deadline_usec);
		if (r < 0)
			return bus_fail(usher, r, "deadline_usec: %s", strerror(-r));
	}
	return 0;
}

int options_append(struct usher *usher, struct bus_message *message,
		   const struct usher_options *options, const struct usher_attributes *attributes) {
	int r;

	r = append_fds(usher, message, options);
	if (r >= 0)
		r = append_others(usher, message, options);
	if (r >= 0)
		r = append_strings(usher, message, options);
	if (r >= 0)
		r = append_flags(usher, message, options);
	if (r >= 0 && attributes)
		r = attributes_append_keys(usher, attributes, options_elsewhere(options), message);
	return r;
}
