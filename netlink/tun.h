/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Links of the kind "tun", which netlink tells of and does not make: who opens /dev/net/tun makes
 * one. It stays when that is closed, as links of all other kinds do.
 */
#pragma once

#include "change.h"

struct encoding;

/* Whether it takes the device to make what is asked for. */
bool tun_is_meant(const struct change *change);
/* As who may open it: 0, a refusal where this kernel has none, or a negative errno. */
int tun_check(const struct change *change, struct refusal *refusal);
/* Makes it, and changes it to what else the row says; as change_do(), of which it is a part.
 * The message is what the row would be. */
int tun_add(struct changing *changing, const struct change *change, const struct encoding *message,
	    Usher__Row **ret);
