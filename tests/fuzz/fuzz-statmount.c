/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What statmount(2) might have written into a buffer: lengths and places of strings that lie. */

#include <string.h>

#include "fuzz.h"
#include "kernel.h"
#include "mount-table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct kernel_statmount *mount = malloc(size + 1); /* no byte more than is told */
	struct mount_table table = { 0 };
	int r;

	must(mount);
	memcpy(mount, data, size);
	r = mount_table_add(&table, mount, size);
	must(r == 0 || (table.n == 0 && r < 0));
	for (size_t i = 0; i < table.n; i++) {
		const Usher__MountEntry *entry = table.entries[i];

		must(entry->has_id && entry->id == mount->mnt_id);
		must(entry->source && entry->target && *entry->target && entry->fstype);
		must(strlen(entry->target) < size && strlen(entry->source) < size);
		must(mount_table_find(&table, entry->id) == entry);
	}
	mount_table_done(&table);
	free(mount);
	return 0;
}
