/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The negative errno for the name of an error on the bus; fallback for those that sd-bus made from
 * an errno by itself. */
int error_to_errno(const char *name, int fallback);
