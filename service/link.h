/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What operations do to interfaces that they make themselves. An exchange is in the network
 * namespace in which it was opened. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "netlink/exchange.h"
#include "refusal.h"

enum { LINK_NAME_MAX = 16 /* with the zero: IFNAMSIZ */ };

struct link_address {
	int family;
	uint8_t bytes[16];
	uint8_t length; /* of the prefix */
};

/* A name that an interface can have. `key` is what a refusal names. */
int link_name_check(const char *key, const char *name, struct refusal *refusal);
/* "192.0.2.1/24", "2001:db8::1/64". */
int link_address_parse(const char *key, const char *text, struct link_address *ret,
		       struct refusal *refusal);
int link_addresses_check(const char *key, char *const *texts, size_t n, struct refusal *refusal);

/* To be closed with exchange_close(). 0 or a negative errno; so the others. */
int link_open(struct exchange *exchange);
/* Both ends of a pair: one here, up; the other in the namespace of a descriptor, not yet up. */
int link_add_pair(struct exchange *exchange, const char *name, const char *other, int namespace);
/* Those of addresses that were checked. */
int link_add_addresses(struct exchange *exchange, const char *name, char *const *texts, size_t n);
int link_join_bridge(struct exchange *exchange, const char *name, const char *bridge);
int link_raise(struct exchange *exchange, const char *name);
/* With it goes the other end of a pair. */
int link_remove(struct exchange *exchange, const char *name);
