/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the administrator says: usherd.conf in /etc/usher, or else in /run/usher or /usr/lib/usher,
 * and then the files of usherd.conf.d in all three, in the order of their names; of two with one
 * name the one in /etc stands for both, then the one in /run. See usherd.conf(5).
 */
#pragma once

#include "id-pool.h"
#include "limit.h"
#include "network.h"

struct configuration {
	struct limits limits;
	struct id_pool_bounds ids;
	struct network network;
};

/* What is not said stays as it usually is. What cannot be understood is told to the journal, with
 * file and line, and is as if it were not there. `root` stands before the directories; "" but in
 * tests. */
void configuration_read(struct configuration *configuration, const char *root);
