/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "query-words.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "fd.h"
#include "message.h"
#include "netlink/selection.h"
#include "netns.h"
#include "usher.pb-c.h"

static int select_rows(const ProtobufCMessage *request, struct refusal *refusal,
		       struct selection **ret) {
	const Usher__OpenRowsRequest *open = (const void *)request;
	const Usher__QueryRequest *query = (const void *)request;

	if (request->descriptor == &usher__open_rows_request__descriptor)
		return selection_new(&(char *){ open->type }, 1, open->fields, open->n_fields,
				     open->filter, refusal, ret);
	return selection_new(&(char *){ query->type }, 1, query->fields, query->n_fields,
			     query->filter, refusal, ret);
}

static int check_word(const char *argument, const char *word, const char *one, const char *other,
		      struct refusal *refusal) {
	if (!word || strcmp(word, one) == 0 || strcmp(word, other) == 0)
		return 0;
	return refusal_note(refusal, REFUSED_INVALID, "%s: '%.64s' is neither %s nor %s", argument,
			    word, one, other);
}

static int check_keys(bool has_limit, uint64_t limit, const char *consistency,
		      struct refusal *refusal) {
	if (has_limit && limit == 0)
		return refusal_note(refusal, REFUSED_INVALID, "limit: no row at all");
	if (!consistency || strcmp(consistency, "any") == 0 || strcmp(consistency, "detect") == 0 ||
	    strcmp(consistency, "retry") == 0)
		return 0;
	return refusal_note(refusal, REFUSED_INVALID,
			    "consistency: '%.64s' is none of any detect retry", consistency);
}

static int check_open(const Usher__OpenRowsRequest *m, struct refusal *refusal) {
	int r = check_keys(m->has_limit, m->limit, m->consistency, refusal);

	if (r == 0)
		r = check_word("format", m->format, "records", "json", refusal);
	return r == 0 ? check_word("transport", m->transport, "memfd", "stream", refusal) : r;
}

static int check_query(const Usher__QueryRequest *m, struct refusal *refusal) {
	return check_keys(m->has_limit, m->limit, m->consistency, refusal);
}

static bool is_privileged(const struct netlink_type *type, const char *path) {
	const struct netlink_field *field = netlink_field_find(&type->schema, path);

	return field && field->privileged;
}

static bool are_privileged(const char *word, char *const *fields, size_t n_fields,
			   const Usher__Row *filter) {
	const struct netlink_type *type = netlink_type_find(word);
	bool privileged = type && type->privileged;

	for (size_t i = 0; type && i < n_fields; i++)
		privileged |= is_privileged(type, fields[i]);
	for (size_t i = 0; type && filter && i < filter->n_members; i++)
		privileged |= is_privileged(type, filter->members[i]->key);
	return privileged;
}

bool query_words_are_privileged(const ProtobufCMessage *request) {
	const Usher__OpenRowsRequest *open = (const void *)request;
	const Usher__QueryRequest *query = (const void *)request;

	if (request->descriptor == &usher__open_rows_request__descriptor)
		return are_privileged(open->type, open->fields, open->n_fields, open->filter);
	return are_privileged(query->type, query->fields, query->n_fields, query->filter);
}

int query_words_check_manner(const ProtobufCMessage *request, struct refusal *refusal) {
	return request->descriptor == &usher__open_rows_request__descriptor
		       ? check_open((const void *)request, refusal)
		       : check_query((const void *)request, refusal);
}

int query_words_check(const ProtobufCMessage *request, struct refusal *refusal) {
	_cleanup_(cleanup_selection) struct selection *selection = NULL;
	int r = query_words_check_manner(request, refusal);

	if (r == 0)
		r = netns_check(request, refusal);
	return r == 0 ? select_rows(request, refusal, &selection) : r;
}
