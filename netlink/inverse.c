/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "inverse.h"

#include <errno.h>
#include <string.h>

#include "message.h"
#include "row.h"

static bool is_link(const struct change *change) {
	return change->manner->by_name;
}

const char *inverse_lacks(const struct change *change) {
	if (change->manner->final & CHANGE_BIT(change->action))
		return change->action == CHANGE_DEL ? "what goes with it would not come back"
		       : change->action == CHANGE_ADD
			       ? "the kernel has no way to remove it"
			       : "what it replaces would not come back as it was";
	if (is_link(change) && change->action == CHANGE_CHANGE &&
	    encode_member(change->row, "net-ns-fd"))
		return "from another namespace it is not fetched back";
	return NULL;
}

int inverse_look(struct changing *changing, const struct change *change, Usher__Row **ret_before) {
	int r = 0;

	*ret_before = NULL;
	if (change->action == CHANGE_CHANGE || change->action == CHANGE_REPLACE ||
	    (change->action == CHANGE_DEL && !change->manner->tells))
		r = change_look(changing, change, ret_before);
	return r == -ENOENT ? 0 : r;
}

/* ---- a row to go back to ---- */

static int add_copy(Usher__Row *to, const char *key, const Usher__Value *value) {
	Usher__Value *added = row_add(to, key);
	Usher__Value *copy = added ? (Usher__Value *)message_copy(&value->base) : NULL;

	if (!copy)
		return -ENOMEM;
	to->members[to->n_members - 1]->value = copy;
	message_freep((ProtobufCMessage **)&added);
	return 0;
}

/* What was not there at all. Of options nothing is: the kernel tells all that there are. */
static int add_nothing(Usher__Row *to, const struct netlink_schema *schema, const char *key) {
	const struct netlink_field *field = schema ? netlink_field_find(schema, key) : NULL;
	Usher__Value *added;

	if (!field || field->form > USHER_NETLINK_STRING)
		return 0;
	added = row_add(to, key);
	if (added && field->form == USHER_NETLINK_STRING)
		added->text = strdup("");
	else if (added)
		added->has_number = true;
	return added && (added->text || added->has_number) ? 0 : -ENOMEM;
}

/* Of what was, no more than has been changed. */
static int add_former(Usher__Row *to, const struct netlink_schema *schema, const Usher__Row *before,
		      const Usher__Row *changed) {
	int r = 0;

	for (size_t i = 0; r == 0 && i < changed->n_members; i++) {
		const char *key = changed->members[i]->key;
		const Usher__Value *now = changed->members[i]->value,
				   *then = encode_member(before, key);
		Usher__Value *inner;

		if (!then)
			r = add_nothing(to, schema, key);
		else if (!then->row || !now->row)
			r = add_copy(to, key, then);
		else {
			inner = row_add(to, key);
			if (inner)
				inner->row = (Usher__Row *)message_new(&usher__row__descriptor);
			r = inner && inner->row ? add_former(inner->row, NULL, then->row, now->row)
						: -ENOMEM;
		}
	}
	return r;
}

/* An interface by its number, which it keeps when its name is among what was changed. */
static int make_former_link(const struct change *change, const Usher__Row *before,
			    Usher__Row **ret) {
	const Usher__Value *index = encode_member(before, "ifindex");
	Usher__Row *row = (Usher__Row *)message_new(&usher__row__descriptor);
	int r = row ? 0 : -ENOMEM;

	if (r == 0 && index && !encode_member(change->row, "ifindex"))
		r = add_copy(row, "ifindex", index);
	if (r == 0)
		r = add_former(row, &change->type->schema, before, change->row);
	if (r < 0)
		message_freep((ProtobufCMessage **)&row);
	*ret = row;
	return r;
}

static int take_back(const struct change *change, enum change_action action, const Usher__Row *row,
		     struct inverse *ret) {
	ret->change.action = action;
	if (action == CHANGE_CHANGE && is_link(change))
		return make_former_link(change, row, &ret->row);
	ret->row = (Usher__Row *)message_copy(&row->base);
	return ret->row ? 0 : -ENOMEM;
}

int inverse_of(const struct change *change, const Usher__Row *before, const Usher__Row *done,
	       struct inverse *ret) {
	int r;

	*ret = (struct inverse){ .change = *change, .needed = true };
	ret->change.told = true;
	if (change->action == CHANGE_DEL)
		r = take_back(change, CHANGE_ADD, before ?: done, ret);
	else if (before)
		r = take_back(change, is_link(change) ? CHANGE_CHANGE : CHANGE_REPLACE, before,
			      ret);
	else
		r = take_back(change, CHANGE_DEL, done->n_members > 0 ? done : change->row, ret);
	ret->change.row = ret->row;
	ret->needed = r == 0;
	return r;
}

void inverse_done(struct inverse *inverse) {
	message_freep((ProtobufCMessage **)&inverse->row);
}
