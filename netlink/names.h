/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which interface has which index, asked of the kernel once and remembered for one query. */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

enum { NAMES_N = 256 };

struct names {
	int socket; /* any one of the namespace's, busy or not: it is asked by ioctl(2) */

	struct {
		uint32_t index;
		char name[IFNAMSIZ]; /* empty: there is no such interface */
	} known[NAMES_N];
};

/* The socket stays the caller's. */
void names_init(struct names *names, int socket);
/* NULL: there is no such interface. Lives until the next call. */
const char *names_find(struct names *names, uint32_t index);
/* The index of an interface by its name or another name of up to 15 characters; 0: there is none.
 */
uint32_t names_index(struct names *names, const char *name);
/* It has got another name, or is gone. */
void names_forget(struct names *names, uint32_t index);
