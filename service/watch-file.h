/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of /proc that say when their content changes, through poll(2). */
#pragma once

#include <systemd/sd-event.h>

typedef void (*watch_file_changed)(void *userdata);

int watch_file(sd_event *event, sd_event_source **ret, const char *path, watch_file_changed changed,
	       void *userdata);
void watch_file_stop(sd_event_source *source);
