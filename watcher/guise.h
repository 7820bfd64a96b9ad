/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A process that becomes the one for whom it watches. */
#pragma once

#include "refusal.h"
#include "usher.pb-c.h"

/* For good, with the uid, gid and groups and no right beyond theirs; who may see everything is root
 * still. Again it must be the same one. 0, a refusal or a negative errno. */
int guise_take(const Usher__Beholder *beholder, struct refusal *refusal);
