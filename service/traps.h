/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Traps: what their keepers say of signals that have been received is told to whoever set them. */
#pragma once

#include "object.h"
#include "usher.pb-c.h"

extern const struct object_kind trap_kind;
