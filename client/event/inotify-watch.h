/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watches behind an inotify source. */
#pragma once

#include "event/usher-event.h"

/* The source is closed: none of them gets any more. */
void inotify_watches_end(struct usher_source *source);
