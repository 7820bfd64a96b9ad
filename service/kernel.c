/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "kernel.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

/* What every child needs, and what a row may name, of the calls that have not always been there;
 * for statmount and listmount there is another way. */
static const struct {
	const char *name, *since;
	int number;
	bool of_all;
} young[] = {
	{ "openat2", "5.6", SYS_openat2, true },
	{ "fsopen", "5.2", SYS_fsopen, false },
	{ "fsconfig", "5.2", SYS_fsconfig, false },
	{ "fsmount", "5.2", SYS_fsmount, false },
	{ "fspick", "5.2", SYS_fspick, false },
	{ "open_tree", "5.2", SYS_open_tree, false },
	{ "move_mount", "5.2", SYS_move_mount, false },
	{ "mount_setattr", "5.12", SYS_mount_setattr, false },
};

static bool names(const int *numbers, int number) {
	for (; numbers && *numbers >= 0; numbers++)
		if (*numbers == number)
			return true;
	return false;
}

/* With arguments that nothing can be done with. */
static bool is_missing(int number) {
	return syscall(number, -1L, NULL, -1L, NULL, -1L, -1L) < 0 && errno == ENOSYS;
}

bool kernel_lacks(const int *system_calls, char ret[KERNEL_LACKS_MAX]) {
	for (size_t i = 0; i < sizeof young / sizeof *young; i++) {
		if (!young[i].of_all && !names(system_calls, young[i].number))
			continue; /* and with a filter it would not even be survived */
		if (!is_missing(young[i].number))
			continue;
		(void)snprintf(ret, KERNEL_LACKS_MAX, "%s(2), which Linux has since %s",
			       young[i].name, young[i].since);
		return true;
	}
	return false;
}
