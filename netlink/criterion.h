/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a filter says of one field: the words of it, and whether a row's value is such. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema.h"
#include "selection.h"
#include "service/refusal.h"
#include "usher.pb-c.h"

/* More in one list is refused. */
enum { CRITERION_VALUES_MAX = 256 };

struct criterion {
	const struct netlink_field *field; /* of a list its element */
	struct selection_value *values;    /* one of these it must be */
	size_t n_values;
	bool in_list; /* it is a list, and one of the elements must be it */
	uint16_t column;
	bool early; /* the message's fixed part tells */
	bool asked; /* it is part of the question: any answer passes */
};

/* 0, -ENOMEM or a refusal that begins with the key. The criterion is cleared by the caller, upon
 * failure, too. */
int criterion_parse(const struct netlink_field *field, const char *key, const Usher__Value *value,
		    struct refusal *refusal, struct criterion *ret);
void criterion_clear(struct criterion *criterion);
/* Of what stands in a row at the field's column; offsets in it are from `heap`. */
bool criterion_passes(const struct criterion *criterion, const uint8_t *column,
		      const uint8_t *heap);
