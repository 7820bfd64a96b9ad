/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * usher-watcher: looks at one file system (or at what else a watch needs a look-out for) on behalf
 * of all its watches. The broker says over descriptor 3 what they are; it is started for each by
 * systemd, or by `usherd --session` with one end of a socket pair.
 */

#include <err.h>
#include <errno.h>
#include <unistd.h>

#include "attendance.h"
#include "watcher.h"

int main(void) {
	errno = -attendance_begin();
	if (errno != 0)
		err(1, "cannot start afresh");
	errno = -watcher_serve(ATTENDANCE_FD);
	if (errno != 0)
		err(1, "cannot serve");
	return 0;
}
