/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of mountinfo, as a kernel would hardly write them. */

#include <string.h>

#include "fuzz.h"
#include "mount-table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *text = strndup((const char *)data, size);
	struct mount_table table = { 0 };

	must(text);
	must(mount_table_parse(&table, text) == 0);
	for (size_t i = 0; i < table.n; i++) {
		const Usher__MountEntry *entry = table.entries[i];

		must(entry->has_id && entry->has_parent);
		must(entry->target && entry->source && entry->fstype && entry->propagation);
		must(mount_table_find(&table, entry->id));
	}
	mount_table_done(&table);
	free(text);
	return 0;
}
