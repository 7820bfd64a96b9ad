/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the administrator lets others connect to: bridges of the machine's, by their names. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "refusal.h"

struct desk;

enum { NETWORK_BRIDGES_MAX = 64, NETWORK_NAME_MAX = 16 };

struct network {
	char bridges[NETWORK_BRIDGES_MAX][NETWORK_NAME_MAX]; /* up to one that is empty */
};

/* "br0 br1" instead of what there was. False if a word is no interface's name, or there are too
 * many: then nothing is changed. */
bool network_parse(const char *text, struct network *network);
/* Whether a request's bridge is one of them, if it has one. 0 or a refusal. */
int network_check(const struct network *network, const ProtobufCMessage *request,
		  struct refusal *refusal);
