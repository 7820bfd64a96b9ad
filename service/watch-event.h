/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a watch may be told, by name: the bits of interfaces/watch-stream.h. */
#pragma once

#include <stdint.h>

#include "refusal.h"

/* The bit, of enum usher_watch_event; 0 if there is no such event. */
uint32_t watch_event_find(const char *name);
/* Of one bit; NULL if it is none. */
const char *watch_event_name(uint32_t event);
/* All of them in one. 0, or a refusal that names the argument. */
int watch_event_parse(const char *argument, char *const *names, size_t n, uint32_t *ret,
		      struct refusal *refusal);
