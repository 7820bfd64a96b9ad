/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes that are made all, or none of them. */
#pragma once

#include "change.h"

/* Whether all but the last could be taken back: 0, or a refusal. */
int batch_check(const struct change *changes, size_t n, struct refusal *refusal);
/* Makes them in their order. Where one fails, those before it are taken back, the last of them
 * first, and ret_rows has nothing; what could not be taken back is told in the refusal. */
int batch_do(struct changing *changing, const struct change *changes, size_t n,
	     Usher__Row **ret_rows);
