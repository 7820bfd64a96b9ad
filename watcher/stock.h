/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory for what waits to be told. Of all watches together there is only so much of it: a watcher
 * that needed more would be killed, with everybody's. Nobody may have more of it than is left for
 * the others: who comes last still finds some. What there is no room for is told as lost.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* NULL: there is no more for this user. */
void *stock_new(uid_t uid, size_t size);
/* Fine with NULL. */
void stock_free(void *memory);
