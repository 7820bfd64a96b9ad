/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "draft.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_identity(const struct manner *manner, const char *name) {
	for (const char *const *at = manner->identity; at && *at; at++)
		if (strcmp(*at, name) == 0)
			return true;
	return !manner->identity;
}

static bool is_said(const struct change *change, const char *name) {
	const struct manner *manner = change->manner;

	if (change->action == CHANGE_DEL && !is_identity(manner, name))
		return false;
	return !change->told || !manner->is_implied || !manner->is_implied(change->row, name);
}

/* What is to be said of a row; the members stay the row's own. */
static int choose(const struct change *change, Usher__Row *ret) {
	usher__row__init(ret);
	ret->members = calloc(change->row->n_members + 1, sizeof *ret->members);
	if (!ret->members)
		return -ENOMEM;
	for (size_t i = 0; i < change->row->n_members; i++)
		if (is_said(change, change->row->members[i]->key))
			ret->members[ret->n_members++] = change->row->members[i];
	return 0;
}

static int write_row(struct draft *draft, const struct change *change, const Usher__Row *row) {
	int r = encode_row(&draft->encoding, &change->type->schema, row);

	if (r == 0)
		manner_complete(change->manner, &draft->encoding, change->action);
	if (r == 0 && encode_done(&draft->encoding) < 0)
		return refusal_note(draft->encoding.refusal, REFUSED_LIMIT,
				    "%s: more than %d bytes are longer than the kernel takes",
				    change->argument, ENCODE_MAX);
	return r;
}

int draft_compose(struct draft *draft, const struct changing *changing, const struct change *change,
		  struct refusal *refusal) {
	const bool del = change->action == CHANGE_DEL;
	struct encoding *encoding = &draft->encoding;
	Usher__Row said;
	int r;

	encode_start(encoding, draft->bytes, sizeof draft->bytes,
		     del ? change->type->del : change->type->new,
		     change->manner->flags[change->action], change->type->header);
	encoding->argument = change->argument;
	encoding->refusal = refusal;
	encoding->told = change->told || del;
	encoding->names = changing ? (struct names *)&changing->names : NULL;
	encoding->fds = changing ? changing->fds : NULL;
	r = choose(change, &said);
	if (r == 0)
		r = write_row(draft, change, &said);
	free(said.members);
	return r;
}
