/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the commands of usher net share: the words on their command lines. */

#include "network.h"

#include <errno.h>
#include <string.h>

#include "../cleanup.h"

#define FIELDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* What people call them, and what is worth a column. */
static const struct {
	const char *word, *type;
	const char *const *fields;
} types[] = {
	{ "addresses", "address",
	  FIELDS("dev", "family", "address", "prefixlen", "local", "scope", "label", "flags") },
	{ "classes", "class", FIELDS("dev", "kind", "handle", "parent", "options") },
	{ "fdb", "fdb", FIELDS("lladdr", "dev", "master", "vlan", "dst", "state", "flags") },
	{ "filters", "filter",
	  FIELDS("dev", "parent", "protocol", "priority", "kind", "handle", "options") },
	{ "links", "link",
	  FIELDS("ifindex", "ifname", "type", "linkinfo.kind", "operstate", "mtu", "link", "master",
		 "address", "flags") },
	{ "namespaces", "namespace-id", NULL },
	{ "neighbours", "neighbour", FIELDS("dst", "dev", "lladdr", "state", "flags") },
	{ "nexthops", "nexthop", FIELDS("id", "gateway", "dev", "group", "scope", "flags") },
	{ "qdiscs", "qdisc", FIELDS("dev", "kind", "handle", "parent", "options") },
	{ "routes", "route",
	  FIELDS("dst", "gateway", "dev", "type", "table", "protocol", "scope", "prefsrc",
		 "priority", "multipath") },
	{ "rules", "rule",
	  FIELDS("priority", "family", "src", "dst", "iif", "oif", "fwmark", "action", "table") },
	{ "sockets", "socket",
	  FIELDS("family", "protocol", "state", "src", "sport", "dst", "dport", "name", "uid",
		 "inode") },
	{ "stats", "link-stats",
	  FIELDS("dev", "stats64.rx-packets", "stats64.rx-bytes", "stats64.rx-errors",
		 "stats64.rx-dropped", "stats64.tx-packets", "stats64.tx-bytes",
		 "stats64.tx-errors", "stats64.tx-dropped") },
	{ "vlans", "vlan", NULL },
};

enum { TYPES = sizeof types / sizeof types[0] };

const char *network_type(const char *word) {
	for (size_t i = 0; i < TYPES; i++)
		if (strcmp(types[i].word, word) == 0)
			return types[i].type;
	return word;
}

const char *const *network_fields(const char *type) {
	for (size_t i = 0; i < TYPES; i++)
		if (strcmp(types[i].type, type) == 0)
			return types[i].fields;
	return NULL;
}

/* ---- NAME=VALUE ---- */

static int set_value(const struct arguments *a, struct usher_values *values, const char *name,
		     const char *value) {
	_cleanup_(words_done) struct words words = WORDS_INIT;
	int r = words_split(&words, value);

	if (r == -EINVAL)
		return arguments_refuse(a, "%s: the quotes in '%s' do not close at a word's end",
					name, value);
	if (r < 0)
		return r;
	if (words.count > 1)
		r = usher_values_set_words(values, name, (const char *const *)words.items);
	else
		r = usher_values_set_string(values, name, words.count > 0 ? words.items[0] : "");
	return r == -EINVAL ? arguments_refuse(a, "'%s' leads to no field", name) : r;
}

int network_parse(const struct arguments *a, int first, struct usher_values **ret) {
	_cleanup_network_values_ struct usher_values *values = NULL;
	int r = usher_values_new(&values);

	for (int i = first; r == 0 && i < a->count; i++) {
		const char *operand = a->operands[i], *equals = strchr(operand, '=');
		_cleanup_free_ char *name =
			equals ? strndup(operand, (size_t)(equals - operand)) : NULL;

		if (!equals || equals == operand)
			return arguments_refuse(a, "'%s' is not NAME=VALUE", operand);
		r = name ? set_value(a, values, name, equals + 1) : -ENOMEM;
	}
	if (r == 0 && ret)
		*ret = take_pointer(values);
	return r;
}

struct usher_netlink_options network_keys(const struct arguments *a,
					  const struct usher_values *filter) {
	struct usher_netlink_options keys = USHER_NETLINK_OPTIONS_INIT;

	keys.in_name = a->in_network;
	keys.filter = filter;
	keys.limit = a->rows;
	keys.consistency = a->consistency;
	return keys;
}
