/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel is asked, so that it tells what was selected and as little else as it can. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "encode.h"
#include "schema.h"
#include "selection.h"

struct names;

/*
 * Writes the request for a dump, or (pass->one) for one object, which then must have a lookup. The
 * filters that the kernel is given are noted in the selection. Of generic netlink the type of the
 * message is not known here, and 0. 0, a negative errno, or 1: there is no such pass. -ENODEV if a
 * filter names an interface that there is not.
 *
 * A type's request() finds a fixed part of the type's size, all zeros but for such filters; where
 * messages have several parts there is none, and it appends its own. Of what can only be looked up
 * it writes everything.
 */
int request_build(struct encoding *encoding, void *buffer, size_t capacity,
		  const struct selection *selection, const struct netlink_type *type,
		  struct names *names, struct netlink_pass *pass);
