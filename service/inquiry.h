/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Query and Open of org.usher1.Netlink: calls that the reader answers. About where its caller is,
 * and of what everybody there is told, it is asked at once; about all else a child of the worker
 * has found the namespace first, and whoever had to be asked has been.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "fd.h"
#include "refusal.h"
#include "usher.pb-c.h"

struct call;
struct desk;

bool inquiry_is_one(const struct call *call);
/* Whether no child has a part in it. */
bool inquiry_is_direct(const struct call *call);
/* The words, but for what the reader will find out at once. 0, a refusal, or a negative errno. */
int inquiry_check(const struct call *call, struct refusal *refusal);
/* Asks the reader: where the caller is; or in the namespace that the reply of a child has. */
void inquiry_begin(struct call *call);
void inquiry_go_on(struct call *call, const ProtobufCMessage *found, const struct fds *fds);
/* The call goes without its answer. */
void inquiry_forget(struct call *call);

/* What the reader says; its parts may be taken. */
void inquiry_heed(struct desk *desk, Usher__NetlinkAnswer *answer, const struct fds *fds);
/* Whoever has waited too long is told so. When the next one will have, UINT64_MAX if none waits. */
uint64_t inquiry_end_late(struct desk *desk);
/* It has gone, and will not say anything of what it was asked. */
void inquiry_lose_reader(struct desk *desk);
