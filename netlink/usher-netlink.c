/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * usher-netlink: reads the kernel's tables, or listens to what changes in them. The broker says
 * over descriptor 3 what it wants to know; it is started for each connection by systemd, or by
 * `usherd --session` with one end of a socket pair.
 */

#include <err.h>
#include <errno.h>
#include <unistd.h>

#include "attendance.h"
#include "message.h"
#include "monitor.h"
#include "reader.h"
#include "restraint.h"
#include "rights.h"
#include "territory.h"
#include "usher.pb-c.h"
#include "wire.h"

/* What the connection is for shows in its first frame. */
static bool is_monitors(int connection) {
	ProtobufCMessage *first = NULL;
	bool begins;

	if (wire_peek(connection, &usher__netlink_order__descriptor, &first) < 0)
		return false;
	begins = ((const Usher__NetlinkOrder *)first)->begin;
	message_freep(&first);
	return begins;
}

int main(void) {
	errno = -attendance_begin();
	if (errno != 0)
		err(1, "cannot start afresh");
	errno = -territory_begin();
	if (errno == 0)
		errno = -rights_begin();
	if (errno == 0)
		errno = -restraint_begin();
	if (errno != 0)
		err(1, "cannot give up what is not needed");
	errno = is_monitors(ATTENDANCE_FD) ? -monitor_serve(ATTENDANCE_FD)
					   : -reader_serve(ATTENDANCE_FD);
	if (errno != 0)
		err(1, "cannot serve");
	_exit(0); /* who looks for leaks at an exit would have to trace us, and waits for ever */
}
