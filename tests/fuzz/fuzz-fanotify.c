/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a fanotify group is read to say, as if the kernel had said anything. */

#include <string.h>

#include "fuzz.h"
#include "watcher/group.h"

static void inside(const uint8_t *data, size_t size, const void *part, size_t part_size) {
	const uint8_t *bytes = part;

	must(!part || part_size == 0 || (bytes >= data && bytes + part_size <= data + size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct group_event event;
	size_t at = 0, n = 0, before;

	for (;;) {
		before = at;
		if (group_parse(data, size, &at, &event) <= 0)
			break;
		must(at > before && at <= size);
		inside(data, size, event.directory.bytes, event.directory.size);
		inside(data, size, event.old_directory.bytes, event.old_directory.size);
		inside(data, size, event.object.bytes, event.object.size);
		must(!event.name || event.name[event.name_length] == '\0');
		must(!event.old_name || event.old_name[event.old_name_length] == '\0');
		must(!event.directory.bytes || event.name);
		must(!event.old_directory.bytes || event.old_name);
		(void)group_events(event.mask);
		n++;
	}
	must(group_count(data, size) >= n);
	return 0;
}
