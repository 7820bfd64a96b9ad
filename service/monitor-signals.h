/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a monitor has to say, by signals to the connection that it belongs to. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct object;

/* Of blocks of records, the changes and gaps, in their order. How many signals were sent, or a
 * negative errno. */
int monitor_signals_send(const struct object *object, const uint8_t *blocks, size_t size);
void monitor_signals_vanished(const struct object *object);
