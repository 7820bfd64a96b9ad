/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of a query: in the broker, which has to know what of it not everybody is told, and in
 * the child. The requests of Query and Open have the same fields. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "refusal.h"

/* 0, a refusal, or a negative errno. */
int query_words_check(const ProtobufCMessage *request, struct refusal *refusal);
/* The same of how it is to be answered only, and not of what it is about. */
int query_words_check_manner(const ProtobufCMessage *request, struct refusal *refusal);
/* Whether the kernel answers them only to who has CAP_NET_ADMIN there. */
bool query_words_are_privileged(const ProtobufCMessage *request);
