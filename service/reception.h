/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls that no child has a part in: they are answered at once, or when something has happened. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct call;
struct object;

/* Sees to a call of a row that is answered here. */
void reception_serve(struct call *call);
/* The call waits for what will be known later, for so long, or for ever if that is 0; late says
 * what has not happened by then. */
void reception_await(struct call *call, uint64_t usec, const char *late);
/* The call that waits for this answer about an object, or NULL. */
struct call *reception_find(const struct object *object, uint64_t serial);
/* None of those that wait for something about an object will be answered. */
void reception_refuse(const struct object *object, int code, const char *sentence);
/* Answers those that wait for the end of a process; whether there were any. */
bool reception_tell(const struct object *object);
