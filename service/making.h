/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The object that a call makes. Its child announces it before it is there; it is written down, so
 * that it cannot be lost, and only then the child hears that it may go on. It is shown, and its
 * caller answered, when the child has gone and whoever else has a part in it has begun.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "fd.h"

struct call;
struct desk;
struct object;

/* A watch, which its child only finds. */
bool making_is_watch(const struct call *call);
/* Of what somebody else has begin, the child makes nothing: what it is to be is its answer. */
bool making_begins_elsewhere(const struct call *call);
/* The child is about to make it, and waits. The descriptors are taken where they are kept. */
void making_announced(struct call *call, const ProtobufCBinaryData *made, struct fds *fds);
/* The child has told what somebody else is to begin. */
void making_hand_over(struct call *call, struct fds *fds);
/* The child has gone. */
void making_ended(struct call *call);
/* What became of an object that had to begin before it is shown; false where no call makes it. */
bool making_begun(const struct object *object, int code, const char *sentence);
/* What had been announced may have come to be, and nobody wants it. */
void making_retract(struct call *call);
/* The child says that it has not come to be: there is nothing to be taken off, and its id may be
 * another's by now. */
void making_forget(struct call *call);
/* A call is over that others may have waited for. */
void making_let_go_on(struct desk *desk);
