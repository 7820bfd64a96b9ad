/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "monitored.h"

#include <linux/netlink.h>

enum { TYPES_MAX = 32 };

/* Only route netlink has groups that everybody may listen to. */
static int check_type(const struct netlink_type *type, struct refusal *refusal) {
	if (type->groups && type->protocol == NETLINK_ROUTE && !type->privileged)
		return 0;
	return refusal_note(refusal, REFUSED_INVALID,
			    "types: of '%s' the kernel does not tell everybody what changes",
			    type->name);
}

static int check(const struct selection *selection, struct refusal *refusal) {
	int r = 0;

	for (size_t i = 0; r == 0 && i < selection_n_types(selection); i++)
		r = check_type(selection_type(selection, i), refusal);
	if (r == 0 && selection_is_privileged(selection))
		r = refusal_note(refusal, REFUSED_INVALID,
				 "fields: only administrators are told one of these");
	return r;
}

int monitored_select(const Usher__NetlinkSelection *wanted, struct refusal *refusal,
		     struct selection **ret) {
	struct selection *selection = NULL;
	int r;

	if (wanted->n_types == 0)
		return refusal_note(refusal, REFUSED_INVALID, "types: none is named");
	if (wanted->n_types > TYPES_MAX)
		return refusal_note(refusal, REFUSED_INVALID, "types: more than %d", TYPES_MAX);
	r = selection_new(wanted->types, wanted->n_types, wanted->fields, wanted->n_fields,
			  wanted->filter, refusal, &selection);
	if (r != 0)
		return r;
	r = check(selection, refusal);
	if (r != 0) {
		selection_free(selection);
		return r;
	}
	*ret = selection;
	return 0;
}
