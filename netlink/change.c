/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "change.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draft.h"
#include "fd.h"
#include "gathering.h"
#include "message.h"
#include "row.h"
#include "tun.h"

static const char *const words[_CHANGE_ACTION_MAX] = {
	[CHANGE_ADD] = "add",
	[CHANGE_CHANGE] = "change",
	[CHANGE_REPLACE] = "replace",
	[CHANGE_DEL] = "del",
};

/* ---- words ---- */

static int read_action(const char *prefix, const char *word, struct refusal *refusal,
		       enum change_action *ret) {
	for (*ret = 0; *ret < _CHANGE_ACTION_MAX; (*ret)++)
		if (strcmp(words[*ret], word) == 0)
			return 0;
	return refusal_note(refusal, REFUSED_INVALID,
			    "%saction: '%.64s' is not add, change, replace or del", prefix, word);
}

static int read_type(const char *prefix, const char *word, struct refusal *refusal,
		     struct change *change) {
	const char *near;

	change->type = netlink_type_find(word);
	if (!change->type) {
		near = netlink_type_suggest(word);
		return refusal_note(refusal, REFUSED_INVALID, "%stype: there is no '%.64s'%s%s%s",
				    prefix, word, near ? "; is it '" : "", near ?: "",
				    near ? "'?" : "");
	}
	change->manner = manner_find(change->type);
	if (!change->manner)
		return refusal_note(refusal, REFUSED_UNSUPPORTED,
				    "%stype: rows of the type %s cannot be changed", prefix, word);
	if (!(change->manner->actions & CHANGE_BIT(change->action)))
		return refusal_note(refusal, REFUSED_UNSUPPORTED,
				    "%saction: the kernel has no %s of the type %s", prefix,
				    words[change->action], word);
	return 0;
}

static int check_row(const struct change *change, struct refusal *refusal) {
	struct draft *draft;
	char text[128] = "";
	int r;

	if (change->action != CHANGE_ADD && !manner_is_named(change->manner, change->row)) {
		for (const char *const *name = change->manner->needs; *name; name++)
			(void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s",
				       *text ? " or " : "", *name);
		return refusal_note(refusal, REFUSED_INVALID, "%s: %s must be given",
				    change->argument, text);
	}
	draft = malloc(sizeof *draft);
	r = draft ? draft_compose(draft, NULL, change, refusal) : -ENOMEM;
	free(draft);
	return r;
}

int change_read(const char *prefix, const char *action, const char *type, const Usher__Row *row,
		struct refusal *refusal, struct change *ret) {
	int r;

	*ret = (struct change){ .row = row };
	(void)snprintf(ret->argument, sizeof ret->argument, "%srow", prefix);
	r = read_action(prefix, action, refusal, &ret->action);
	if (r == 0)
		r = read_type(prefix, type, refusal, ret);
	return r == 0 ? check_row(ret, refusal) : r;
}

/* ---- what the kernel says ---- */

/* What is not there is not a device that the machine lacks. */
static int meaning_of(int code) {
	return code == -ENODEV || code == -EADDRNOTAVAIL ? REFUSED_NOT_FOUND
	       : code == -ENETUNREACH || code == -EHOSTUNREACH || code == -ENETDOWN
		       ? REFUSED_INVALID
		       : code;
}

/* Of a kind that it lacks, and of a parent that is not there, the kernel says ENOENT: only its
 * words tell one from the other. */
static bool is_lacking(const struct exchange_verdict *verdict) {
	static const char *const texts[] = { "Specified qdisc kind is unknown",
					     "TC classifier not found",
					     "Failed to load TC action module" };

	for (size_t i = 0; verdict->code == -ENOENT && i < sizeof texts / sizeof *texts; i++)
		if (strncmp(verdict->text, texts[i], strlen(texts[i])) == 0)
			return true;
	return verdict->code == -EOPNOTSUPP;
}

/* The kind of a link, queue, class or filter; NULL: none is named. */
static const char *kind_of(const Usher__Row *row) {
	const Usher__Value *info = encode_member(row, "linkinfo");
	const Usher__Value *kind = encode_member(info && info->row ? info->row : row, "kind");

	return kind ? kind->text : NULL;
}

static int refuse_kind(const struct changing *changing, const struct change *change) {
	const struct exchange_verdict *verdict = &changing->exchange.verdict;
	const char *kind = kind_of(change->row);

	return refusal_note(changing->refusal, REFUSED_UNSUPPORTED,
			    "%s: this kernel does not %s a %s%s%.32s%s: %s (%s)", change->argument,
			    words[change->action], change->type->name, kind ? " of the kind '" : "",
			    kind ?: "", kind ? "'" : "",
			    *verdict->text ? verdict->text : strerrordesc_np(-verdict->code),
			    strerrorname_np(-verdict->code));
}

static int refuse(const struct changing *changing, const struct change *change,
		  const struct encoding *encoding) {
	const struct exchange_verdict *verdict = &changing->exchange.verdict;
	const int code = meaning_of(verdict->code);
	const char *name = code > 0 ? strerrorname_np(-verdict->code) : NULL;
	char path[256], text[EXCHANGE_TEXT_MAX];

	if (is_lacking(verdict))
		return refuse_kind(changing, change);
	(void)snprintf(path, sizeof path, "%s", change->argument);
	(void)snprintf(text, sizeof text, "%s", verdict->text);
	if (verdict->missing > 0 &&
	    encode_path_within(encoding, verdict->within, (uint16_t)verdict->missing, path,
			       sizeof path)) {
		if (!*text)
			(void)snprintf(text, sizeof text, "must be given");
	} else if (verdict->offset > 0)
		(void)encode_path_at(encoding, verdict->offset, path, sizeof path);
	if (!*text)
		(void)snprintf(text, sizeof text, "the kernel does not %s this %s: %s",
			       change->action == CHANGE_DEL ? "remove" : words[change->action],
			       change->type->name,
			       strerrordesc_np(-verdict->code) ?: "no reason given");
	return refusal_note(changing->refusal, code, "%s: %s%s%s%s", path, text, name ? " (" : "",
			    name ?: "", name ? ")" : "");
}

/* ---- doing it ---- */

struct echo {
	struct gathering gathering;
	struct names *names;
	const struct netlink_type *type;
	unsigned n;
};

/* What cannot be read of it has been done all the same. */
static int take_echo(void *data, const struct nlmsghdr *message) {
	struct echo *echo = data;

	if (message->nlmsg_type == echo->type->new || message->nlmsg_type == echo->type->del)
		echo->n += gathering_add(&echo->gathering, echo->names, echo->type, message) > 0;
	return 0;
}

int changing_begin(struct changing *changing, const struct fds *fds, struct refusal *refusal) {
	int r = exchange_open(&changing->exchange, NETLINK_ROUTE);

	changing->fds = fds;
	changing->refusal = refusal;
	if (r == 0)
		names_init(&changing->names, changing->exchange.fd);
	return r;
}

void changing_end(struct changing *changing) {
	exchange_close(&changing->exchange);
}

/* Where the kernel does not tell what it has done, it is asked. */
static int tell(struct changing *changing, const struct change *change, struct echo *echo,
		Usher__Row **ret) {
	int r;

	if (echo->n == 0 && change->action != CHANGE_DEL) {
		r = change_look(changing, change, ret);
		if (r == 0 || r == -ENOMEM)
			return r;
	}
	return gathering_last(&echo->gathering, ret);
}

static int must_exist(struct changing *changing, const struct change *change) {
	Usher__Row *there = NULL;
	int r = change_look(changing, change, &there);

	message_freep((ProtobufCMessage **)&there);
	if (r == -ENOENT)
		return refusal_note(changing->refusal, REFUSED_NOT_FOUND, "%s: there is no such %s",
				    change->argument, change->type->name);
	return r;
}

static int transact(struct changing *changing, const struct change *change, struct draft *draft,
		    Usher__Row **ret) {
	struct echo echo = { .names = &changing->names, .type = change->type };
	Usher__Row *unread = (Usher__Row *)message_new(&usher__row__descriptor);
	int r = gathering_begin(&echo.gathering, change->type, NULL);

	if (!unread)
		r = -ENOMEM;
	if (r == 0) {
		draft->head.nlmsg_flags |= NLM_F_ECHO;
		r = exchange_do(&changing->exchange, &draft->head, take_echo, &echo);
		if (r < 0 && r == changing->exchange.verdict.code)
			r = refuse(changing, change, &draft->encoding);
		changing->names = (struct names){ 0 };
		names_init(&changing->names, changing->exchange.fd);
	}
	/* what has been done is not said to have failed because its row cannot be read */
	if (r == 0 && tell(changing, change, &echo, ret) < 0) {
		*ret = unread;
		unread = NULL;
	}
	message_freep((ProtobufCMessage **)&unread);
	gathering_done(&echo.gathering);
	return r;
}

int change_do(struct changing *changing, const struct change *change, Usher__Row **ret) {
	struct draft *draft = malloc(sizeof *draft);
	int r = draft ? 0 : -ENOMEM;

	if (r == 0 && change->action == CHANGE_CHANGE && change->manner->checks_existence)
		r = must_exist(changing, change);
	if (r == 0)
		r = draft_compose(draft, changing, change, changing->refusal);
	if (r == 0)
		r = tun_is_meant(change) ? tun_add(changing, change, &draft->encoding, ret)
					 : transact(changing, change, draft, ret);
	free(draft);
	return r;
}

/* ---- for people ---- */

/* Nobody can make one word look like several. */
static void describe_text(FILE *to, const char *text) {
	for (; *text; text++)
		if ((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
		    (*text >= '0' && *text <= '9') || strchr("-_.:/+@", *text))
			(void)fputc(*text, to);
		else
			(void)fprintf(to, "%%%02x", (unsigned char)*text);
}

static void describe_value(FILE *to, const Usher__Value *value);

static void describe_members(FILE *to, const Usher__Row *row) {
	for (size_t i = 0; i < row->n_members; i++) {
		(void)fputs(i > 0 ? " " : "", to);
		describe_text(to, row->members[i]->key);
		(void)fputc('=', to);
		describe_value(to, row->members[i]->value);
	}
}

static void describe_value(FILE *to, const Usher__Value *value) {
	if (value->text)
		describe_text(to, value->text);
	else if (value->has_number)
		(void)fprintf(to, "%llu", (unsigned long long)value->number);
	else if (value->has_signed_number)
		(void)fprintf(to, "%lld", (long long)value->signed_number);
	else if (value->has_boolean)
		(void)fputs(value->boolean ? "true" : "false", to);
	else if (value->has_descriptor_fd)
		(void)fputs("(descriptor)", to);
	else if (value->row) {
		(void)fputc('{', to);
		describe_members(to, value->row);
		(void)fputc('}', to);
	}
	for (size_t i = 0; i < value->bytes.len && value->has_bytes; i++)
		(void)fprintf(to, "%02x", value->bytes.data[i]);
	for (size_t i = 0; value->list && i < value->list->n_values; i++) {
		(void)fputc(i > 0 ? ',' : '[', to);
		describe_value(to, value->list->values[i]);
	}
	if (value->list)
		(void)fputs(value->list->n_values > 0 ? "]" : "[]", to);
}

char *change_describe(const struct change *change) {
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	(void)fprintf(to, "%s %s ", words[change->action], change->type->name);
	describe_members(to, change->row);
	if (ferror(to) | fclose(to)) {
		free(text);
		return NULL;
	}
	return text;
}
