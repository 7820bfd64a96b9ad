/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The row of the kernel's that a change is about. */

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "draft.h"
#include "gathering.h"
#include "message.h"
#include "query.h"
#include "row.h"

static bool is_same_value(const Usher__Value *one, const Usher__Value *other) {
	uint8_t a[256], b[256];
	size_t n;

	if (!one || !other)
		return one == other;
	n = protobuf_c_message_get_packed_size(&one->base);
	if (n > sizeof a || n != protobuf_c_message_get_packed_size(&other->base))
		return false;
	(void)protobuf_c_message_pack(&one->base, a);
	(void)protobuf_c_message_pack(&other->base, b);
	return memcmp(a, b, n) == 0;
}

/* Of what the kernel numbers by itself only what was given counts. */
static bool counts(const struct change *change, const char *key) {
	return !change->manner->numbered || encode_member(change->row, key);
}

static const char *const *keys_of(const struct change *change) {
	static const char *const none[] = { NULL };

	return change->manner->keys ?: change->type->keys ?: none;
}

static bool is_same_object(const struct change *change, const Usher__Row *wanted,
			   const Usher__Row *row) {
	for (const char *const *key = keys_of(change); *key; key++)
		if (counts(change, *key) &&
		    !is_same_value(encode_member(wanted, *key), encode_member(row, *key)))
			return false;
	return true;
}

/* Of an interface that is named only. The index is where all of them have it. */
static int find_index(struct changing *changing, const struct change *change,
		      struct encoding *encoding) {
	const Usher__Value *name = encode_member(change->row, "ifname");
	struct ifinfomsg *head = encode_header(encoding);

	if (head->ifi_index == 0 && name && name->text)
		head->ifi_index = (int)names_index(&changing->names, name->text);
	return head->ifi_index == 0 ? -ENOENT : 0;
}

/* The row as the kernel would tell it: all that identifies it, in the kernel's own words. */
static int normalize(struct changing *changing, const struct change *change, Usher__Row **ret) {
	struct change adding = *change;
	struct gathering gathering;
	struct draft *draft = malloc(sizeof *draft);
	int r = draft ? 0 : -ENOMEM;

	adding.action = CHANGE_REPLACE;
	if (r == 0)
		r = draft_compose(draft, changing, &adding, changing->refusal);
	if (r == 0 && change->manner->by_name)
		r = find_index(changing, change, &draft->encoding);
	if (r == 0) {
		r = gathering_begin(&gathering, change->type, NULL);
		if (r == 0)
			r = gathering_add(&gathering, &changing->names, change->type, &draft->head);
		if (r >= 0)
			r = gathering_last(&gathering, ret);
		gathering_done(&gathering);
	}
	free(draft);
	return r;
}

/* What the kernel can be asked for: by fields of one value. */
static int make_filter(const struct change *change, const Usher__Row *wanted, Usher__Row *ret) {
	usher__row__init(ret);
	ret->members = calloc(wanted->n_members + 1, sizeof *ret->members);
	if (!ret->members)
		return -ENOMEM;
	for (const char *const *key = keys_of(change); *key; key++)
		for (size_t i = 0; i < wanted->n_members; i++) {
			const Usher__Value *value = wanted->members[i]->value;

			if (strcmp(wanted->members[i]->key, *key) == 0 && counts(change, *key) &&
			    !value->list && !value->row)
				ret->members[ret->n_members++] = wanted->members[i];
		}
	return 0;
}

static int find(const struct change *change, const Usher__Row *wanted, struct gathering *gathering,
		Usher__Row **ret) {
	Usher__Row **rows = NULL;
	size_t n = 0;
	int r = gathering_rows(gathering, &rows, &n);

	if (r < 0)
		return r;
	*ret = NULL;
	for (size_t i = 0; !*ret && i < n; i++)
		if (is_same_object(change, wanted, rows[i])) {
			*ret = rows[i];
			rows[i] = NULL;
		}
	row_free_all(rows, n);
	return *ret ? 0 : -ENOENT;
}

static int look_for(const struct change *change, const Usher__Row *wanted, Usher__Row **ret) {
	struct query query = { .consistency = QUERY_RETRY };
	struct gathering gathering;
	Usher__Row filter;
	int r = make_filter(change, wanted, &filter);

	if (r < 0)
		return r;
	r = gathering_begin(&gathering, change->type, &filter);
	query.selection = gathering.selection;
	query.block = gathering.block;
	if (r == 0)
		r = query_run(&query, true);
	if (r == 1)
		r = query_run(&query, false);
	if (r == 0)
		r = find(change, wanted, &gathering, ret);
	gathering_done(&gathering);
	free(filter.members);
	return r == -ENODEV || r == -ESRCH ? -ENOENT : r;
}

int change_look(struct changing *changing, const struct change *change, Usher__Row **ret) {
	Usher__Row *wanted = NULL;
	int r = normalize(changing, change, &wanted);

	if (r == 0)
		r = look_for(change, wanted, ret);
	message_freep((ProtobufCMessage **)&wanted);
	return r;
}
