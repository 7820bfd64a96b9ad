/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls of a user who has too many under way wait until it is their turn to have a child. */
#pragma once

#include <stdint.h>

struct call;
struct desk;

void turn_wait(struct call *call);
/* Looks in so long whether it is somebody's turn. */
void turn_look(struct desk *desk, uint64_t usec);
