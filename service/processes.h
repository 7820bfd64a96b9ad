/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processes that were spawned for somebody, until it has been told how they ended. Each has a
 * keeper, the worker's child that spawned it: it says so on the socket that its order came by.
 */
#pragma once

#include "object.h"
#include "usher.pb-c.h"

extern const struct object_kind process_kind;

bool process_has_ended(const struct object *object);
/* What Wait answers, once it has. The caller frees; NULL when there is no memory. */
ProtobufCMessage *process_result(const struct object *object);
