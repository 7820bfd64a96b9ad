/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The seccomp programs of the table's rows, in its order; compiled when usher is built. */
#pragma once

#include <linux/filter.h>

struct filter {
	unsigned short n;
	const struct sock_filter *program;
};

extern const struct filter filters[];
/* Lets everything through. But only for what rows and children before their filter call can the
 * kernel tell from the number alone. */
extern const struct filter filters_prospect;
