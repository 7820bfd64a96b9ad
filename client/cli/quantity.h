/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers, as people write them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A decimal number and, where there may be one, K, M, G or T for powers of 1024. -EINVAL. */
int quantity_parse(const char *text, bool suffix, uint64_t *ret);

/* The same, or "unlimited": UINT64_MAX. */
int quantity_parse_limit(const char *text, uint64_t *ret);
