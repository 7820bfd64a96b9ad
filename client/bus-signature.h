/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The types of D-Bus, as signatures write them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* A signature's longest, and how deep containers may stand in one another. */
enum { SIGNATURE_MAX = 255, SIGNATURE_DEPTH_MAX = 64 };

/* How long the first complete type is; 0 where none begins, or it does not end before the end. An
 * entry, {kv}, is one as well: what is inside an array may begin with it. */
size_t signature_first(const char *signature, const char *end);

/* Whether it is any number of complete types, or exactly one. */
bool signature_is_valid(const char *signature, size_t length);
bool signature_is_single(const char *signature, size_t length);

size_t signature_alignment(char type);

/* Of numbers; 0 for all other types. */
size_t signature_size(char type);
