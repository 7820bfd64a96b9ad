/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows as JSON, one object a line. Formatted by hand: this is done a million times in a row, and
 * takes a tenth of what the kernel takes for it. Whatever bytes a name has, the text is valid: what
 * D-Bus would not carry is escaped as there, and that as JSON wants it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct level;

struct json {
	char *text;
	size_t size, allocated;
};

/* A row behind what is there; levels by their numbers in the stream. 0 or -ENOMEM. */
int json_row(struct json *json, const struct level *const *levels, const struct level *level,
	     const uint8_t *row, const uint8_t *heap);
/* How an answer ended; of one that is complete nothing but that. */
int json_end(struct json *json, bool complete, int code, const char *why, const char *message);
