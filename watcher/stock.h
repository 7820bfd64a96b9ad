/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory for what waits to be told. Of all watches together there is only so much of it: a watcher
 * that needed more would be killed, with everybody's. What there is no room for is told as lost.
 */
#pragma once

#include <stddef.h>

/* NULL: there is no more. */
void *stock_new(size_t size);
/* Fine with NULL. */
void stock_free(void *memory);
