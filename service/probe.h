/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What file system is in a device or an image: asked of usher-probe, which holds nothing. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

#include "refusal.h"

enum { PROBE_TYPE_MAX = 32 };

/* Starts the program if the request's fstype is "auto"; *ret is then a socket to it. */
int probe_start(const char *libexec, const ProtobufCMessage *request, int *ret);
/* Sends it the descriptor to look into, opened for reading, and waits for its word. */
int probe_ask(int prober, int fd, char ret_type[PROBE_TYPE_MAX], struct refusal *refusal);
