/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What libusher-event reads out of descriptors, which may be of others' making: records of inotify
 * and fanotify must lie in what was read, names must end in there; and frames of a stream must be
 * those that were sent.
 */

#include <string.h>
#include <unistd.h>

#include "event/usher-event.h"
#include "fuzz.h"

static void must_lie_within(const char *name, const uint8_t *data, size_t size) {
	const char *begin = (const char *)data;

	if (!name || !*name)
		return;
	must(name >= begin && name < begin + size);
	must(memchr(name, '\0', size - (size_t)(name - begin)));
}

static void read_inotify(const uint8_t *data, size_t size) {
	struct usher_inotify_event event;
	int n;

	for (size_t at = 0; (n = usher_inotify_parse(data + at, size - at, &event)) > 0;
	     at += (size_t)n) {
		must((size_t)n <= size - at);
		must_lie_within(event.name, data + at, (size_t)n);
	}
}

static void read_fanotify(const uint8_t *data, size_t size) {
	struct usher_fanotify_event event;
	int n;

	for (size_t at = 0; (n = usher_fanotify_parse(data + at, size - at, &event)) > 0;
	     at += (size_t)n) {
		const struct usher_fanotify_place *places[] = { &event.object, &event.parent,
								&event.from, &event.to };

		must((size_t)n <= size - at);
		must(event.fd >= -1 && event.pidfd >= -1);
		for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
			const uint8_t *handle = places[i]->handle;
			uint32_t bytes;

			must_lie_within(places[i]->name, data + at, (size_t)n);
			if (!handle)
				continue;
			memcpy(&bytes, handle, sizeof bytes);
			must(handle > data + at && handle + 8 <= data + at + n);
			must(bytes <= (size_t)(data + at + n - handle - 8));
		}
	}
}

static void read_frames(const uint8_t *data, size_t size) {
	struct usher_reader *reader;
	const char *frame;
	size_t length;
	int pair[2];

	must(size < 60000 && pipe(pair) == 0);
	must(write(pair[1], data, size) == (ssize_t)size);
	close(pair[1]);
	must(usher_reader_new(pair[0], &reader) == 0);
	usher_reader_set_limit(reader, 5000);
	for (int kind = 0; kind < 3; kind++)
		while ((kind == 0   ? usher_reader_netstring(reader, &frame, &length)
			: kind == 1 ? usher_reader_until(reader, '\n', &frame, &length)
				    : usher_reader_sized(reader, &frame, &length)) == 0)
			must(length <= 5000 && frame[length] == '\0');
	usher_reader_free(reader);
	close(pair[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	if (size == 0)
		return 0;
	switch (data[0] % 3) {
	case 0: read_inotify(data + 1, size - 1); break;
	case 1: read_fanotify(data + 1, size - 1); break;
	default: read_frames(data + 1, size - 1);
	}
	return 0;
}
