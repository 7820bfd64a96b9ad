/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words to systemd, as sd_pid_notify_with_fds(3) sends them, but by a socket that is kept: to make
 * one for each takes longer than to send it. */
#pragma once

#include <stddef.h>

enum { NOTICE_DESCRIPTORS_MAX = 16 };

/* To whom NOTIFY_SOCKET names. The descriptors stay the caller's. 0 or a negative errno. */
int notice_send(const char *text, const int *fds, size_t n);
