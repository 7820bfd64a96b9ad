/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is the same in programs that attend to one connection of the broker's (attendants.h):
 * systemd hands it over, or the broker itself. */
#pragma once

enum { ATTENDANCE_FD = 3 /* SD_LISTEN_FDS_START */ };

/* Leaves behind whatever else the program was started with: environment, directory, descriptors and
 * signals. 0 or a negative errno. */
int attendance_begin(void);
