/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inverse.h"
#include "message.h"

int batch_check(const struct change *changes, size_t n, struct refusal *refusal) {
	for (size_t i = 0; i + 1 < n; i++) {
		const char *why = inverse_lacks(&changes[i]);

		if (why)
			return refusal_note(refusal, REFUSED_INVALID,
					    "%s: must be the last, since it cannot be undone: %s",
					    changes[i].argument, why);
	}
	return 0;
}

/* What it takes to undo the last is never needed. */
static int do_one(struct changing *changing, const struct change *change, bool last,
		  Usher__Row **ret, struct inverse *inverse) {
	Usher__Row *before = NULL;
	int r = last ? 0 : inverse_look(changing, change, &before);

	if (r == 0)
		r = change_do(changing, change, ret);
	if (r == 0 && !last) {
		r = inverse_of(change, before, *ret, inverse);
		if (r < 0)
			(void)refusal_note(
				changing->refusal, r,
				"%s: was done, and could not be undone for want of memory",
				change->argument);
	}
	message_freep((ProtobufCMessage **)&before);
	return r;
}

/* What the first refusal says stays, and what is left is added to it. */
static void undo_one(struct changing *changing, const struct inverse *inverse) {
	struct refusal *first = changing->refusal, second = { 0 };
	const size_t used = strlen(first->text);
	Usher__Row *ignored = NULL;
	int r;

	changing->refusal = &second;
	r = change_do(changing, &inverse->change, &ignored);
	changing->refusal = first;
	message_freep((ProtobufCMessage **)&ignored);
	if (r != 0)
		(void)snprintf(first->text + used, sizeof first->text - used,
			       "; %s: was done, and could not be undone: %s",
			       inverse->change.argument,
			       *second.text ? second.text : refusal_name(r));
}

int batch_do(struct changing *changing, const struct change *changes, size_t n,
	     Usher__Row **ret_rows) {
	struct inverse *inverses = calloc(n + 1, sizeof *inverses);
	size_t done = 0;
	int r = inverses ? 0 : -ENOMEM;

	while (r == 0 && done < n) {
		r = do_one(changing, &changes[done], done + 1 == n, &ret_rows[done],
			   &inverses[done]);
		done += r == 0;
	}
	for (size_t i = done; r != 0 && i-- > 0;) {
		undo_one(changing, &inverses[i]);
		message_freep((ProtobufCMessage **)&ret_rows[i]);
	}
	for (size_t i = 0; inverses && i < done; i++)
		inverse_done(&inverses[i]);
	free(inverses);
	return r;
}
