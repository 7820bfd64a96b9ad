/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "audit.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

/* nobody looks for a call by the line of ours that told of it */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "call.h"
#include "fd.h"
#include "journal.h"
#include "message.h"
#include "text.h"

enum { FIELDS_MAX = 48, FIELD_NAME_MAX = 64, WORD_MAX = 1024 };

/* ---- an entry, field by field ---- */

struct entry {
	struct iovec fields[FIELDS_MAX];
	size_t n;
};

static void entry_done(struct entry *entry) {
	for (size_t i = 0; i < entry->n; i++)
		free(entry->fields[i].iov_base);
}

__attribute__((format(printf, 2, 3))) static void add(struct entry *entry, const char *format,
						      ...) {
	va_list arguments;
	char *field;
	int n;

	va_start(arguments, format);
	n = entry->n < FIELDS_MAX ? vasprintf(&field, format, arguments) : -1;
	va_end(arguments);
	if (n >= 0)
		entry->fields[entry->n++] = (struct iovec){ field, (size_t)n };
}

/* A value that somebody else chose. */
static void add_name(struct entry *entry, const char *field, const char *name) {
	_cleanup_free_ char *text = name && *name ? text_from_name(name) : NULL;

	if (text)
		add(entry, "%s=%s", field, text);
}

/* What a child may not name a detail: it would pass for one of ours. */
static bool is_own(const char *key) {
	static const char *const own[] = {
		"action",          "as_uid",  "caller",        "command",     "decided_by",
		"decision",        "id",      "duration_usec", "interactive", "left_out",
		"left_out_failed", "object",  "operation",     "pid",         "reason",
		"result",          "session", "tier",          "uid",         "unit",
		"waited_usec",
	};

	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (strcmp(own[i], key) == 0)
			return true;
	return false;
}

/* "new_root" is USHER_NEW_ROOT. */
static void add_detail(struct entry *entry, const char *key, const char *value) {
	char field[FIELD_NAME_MAX] = "USHER_";
	size_t n = strlen(field);

	if (is_own(key))
		return;
	for (; *key && n < sizeof field - 1; key++) {
		if (*key != '_' && !islower((unsigned char)*key))
			return;
		field[n++] = (char)toupper((unsigned char)*key);
	}
	field[n] = '\0';
	add_name(entry, field, value);
}

/* ---- what there is to tell ---- */

/* A grant that came with the order says nothing where nobody found out of what. */
static bool was_granted(const struct call *call) {
	return call->granted && call->finding;
}

static const char *decided_by(const struct call *call) {
	if (!call->caller)
		return "service";
	if (call->asked_usec)
		return "polkit";
	if (!was_granted(call))
		return NULL;
	if (call->tier == TIER_FREE)
		return "free";
	return call->desk->session ? "session" : "root";
}

static const char *decision(const struct call *call) {
	if (was_granted(call) || (call->answered_usec && call->verdict == 0))
		return "yes";
	if (!call->answered_usec)
		return NULL;
	return call->verdict == REFUSED_INTERACTION ? "challenge" : "no";
}

static uint64_t waited_usec(const struct call *call, uint64_t usec) {
	uint64_t end = call->answered_usec ?: call->began_usec + usec;

	return call->asked_usec ? end - call->asked_usec : 0;
}

/* The last part of its name on the bus. */
static const char *result(int code) {
	return code == 0 ? "done" : strrchr(refusal_name(code), '.') + 1;
}

static void add_caller(struct entry *entry, const struct call *call) {
	const struct caller *caller = call->caller;

	if (!caller)
		add(entry, "USHER_UID=%u", call->owner); /* for whom the service keeps house */
	if (!caller)
		return;
	add(entry, "USHER_CALLER=%s", caller->name);
	if (!caller->known)
		return;
	add(entry, "USHER_UID=%u", caller->uid);
	if (caller->pid > 0)
		add(entry, "USHER_PID=%d", caller->pid);
	add_name(entry, "USHER_COMMAND", caller->command);
	add_name(entry, "USHER_UNIT", caller->unit);
	add_name(entry, "USHER_SESSION", caller->session);
}

static void add_decision(struct entry *entry, const struct call *call) {
	static const char *const tiers[_TIER_MAX] = { "free", "own", "others", "admin" };
	const char *by = decided_by(call), *how = decision(call);
	char action[ACTION_MAX];

	if (by)
		add(entry, "USHER_DECIDED_BY=%s", by);
	if (how)
		add(entry, "USHER_DECISION=%s", how);
	if (call->asked_usec)
		add(entry, "USHER_INTERACTIVE=%s", call->interactive ? "yes" : "no");
	if (!call->finding || call->tier >= _TIER_MAX || (!by && !how))
		return;
	add(entry, "USHER_TIER=%s", tiers[call->tier]);
	if (call->caller && operation_action(call->operation, call->tier, action))
		add(entry, "USHER_ACTION=%s", action);
	add(entry, "USHER_AS_UID=%u",
	    call->desk->session                       ? geteuid()
	    : call->tier == TIER_FREE && call->caller ? call->caller->uid
						      : 0);
}

/* What the caller wrote, where nobody found out what it means. */
static void add_words(struct entry *entry, const ProtobufCMessage *request) {
	char name[MESSAGE_NAME_MAX], word[WORD_MAX];

	for (unsigned i = 0; i < request->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &request->descriptor->fields[i];

		if (field->type != PROTOBUF_C_TYPE_STRING ||
		    field->label == PROTOBUF_C_LABEL_REPEATED ||
		    message_field_place(field) != MESSAGE_POSITIONAL)
			continue;
		message_field_name(field, name);
		/* "%s" would walk to the end of 16 MiB to leave them out */
		(void)snprintf(word, sizeof word, "%.*s", (int)sizeof word - 1,
			       *(char **)message_member(request, field) ?: "");
		add_detail(entry, name, word);
	}
}

static void add_details(struct entry *entry, const struct call *call) {
	const Usher__Finding *finding = call->finding;

	for (size_t i = 0; finding && i < finding->n_details; i++)
		add_detail(entry, finding->details[i]->key, finding->details[i]->value);
	if (!finding)
		add_words(entry, call->request);
}

static void add_object(struct entry *entry, const struct call *call,
		       const ProtobufCMessage *reply) {
	const struct objects *objects = call_objects(call);

	if (reply && call_makes(call)) /* the path comes first */
		add(entry, "USHER_OBJECT=%s",
		    *(char **)message_member(reply, &reply->descriptor->fields[0]));
	else if (call->object && objects)
		add(entry, "USHER_OBJECT=" OBJECT_PATH_PREFIX "%s/%" PRIu64, objects->kind->name,
		    call->object);
}

/* The value of the first of these fields that there is, as people would say where. */
static const char *where(const struct entry *entry) {
	static const char *const fields[] = {
		"USHER_TARGET=",   "USHER_PATH=",       "USHER_TO=",    "USHER_NEW_ROOT=",
		"USHER_HOSTNAME=", "USHER_DOMAINNAME=", "USHER_SOURCE="
	};

	for (size_t k = 0; k < sizeof fields / sizeof *fields; k++)
		for (size_t i = 0; i < entry->n; i++)
			if (strncmp(entry->fields[i].iov_base, fields[k], strlen(fields[k])) == 0)
				return (const char *)entry->fields[i].iov_base + strlen(fields[k]);
	return NULL;
}

static void add_message(struct entry *entry, const struct call *call, int code,
			const char *sentence) {
	_cleanup_free_ char *text = sentence ? text_from_sentence(sentence) : NULL;
	const char *at = where(entry);
	char who[64] = "somebody";

	if (!call->caller)
		(void)snprintf(who, sizeof who, "uid %u, by the service itself", call->owner);
	else if (call->caller->known)
		(void)snprintf(who, sizeof who, "uid %u", call->caller->uid);
	if (text)
		add(entry, "USHER_REASON=%s", text);
	add(entry, "MESSAGE=%s.%s for %s%s%s: %s%s%s", call->operation->interface,
	    call->operation->method, who, at ? ", " : "", at ?: "", result(code), text ? ": " : "",
	    text ?: "");
}

/* ---- too much of one user ---- */

/* So many entries in this time. */
enum { ENTRIES_OF_A_USER_MAX = 100 };

static const uint64_t window_usec = UINT64_C(30) * 1000000;

/* Of a caller that went before the bus could tell who it was. */
static const uid_t unknown = (uid_t)-1;

struct flood {
	struct flood *next;
	struct audit *audit;
	uid_t uid;
	unsigned noted, left_out, failed; /* of those that were left out */
	sd_event_source *end;
};

static void note_left_out(const struct flood *flood) {
	_cleanup_(entry_done) struct entry entry = { 0 };
	char who[32] = "an unknown user";

	add(&entry, "MESSAGE_ID=" JOURNAL_LEFT_OUT);
	add(&entry, "PRIORITY=%d", LOG_NOTICE);
	if (flood->uid != unknown) {
		add(&entry, "USHER_UID=%u", flood->uid);
		(void)snprintf(who, sizeof who, "uid %u", flood->uid);
	}
	add(&entry, "USHER_LEFT_OUT=%u", flood->left_out);
	add(&entry, "USHER_LEFT_OUT_FAILED=%u", flood->failed);
	add(&entry,
	    "MESSAGE=%u more calls of %s have no entry: there were too many. %u were refused or "
	    "failed, the others needed nobody's leave",
	    flood->left_out, who, flood->failed);
	(void)sd_journal_sendv(entry.fields, (int)entry.n);
}

static void flood_over(struct flood *flood) {
	struct flood **at = &flood->audit->first;

	if (flood->left_out > 0)
		note_left_out(flood);
	while (*at != flood)
		at = &(*at)->next;
	*at = flood->next;
	sd_event_source_disable_unref(flood->end);
	free(flood);
}

static int on_window_over(sd_event_source *source, uint64_t usec, void *userdata) {
	flood_over(userdata);
	return 0;
}

static struct flood *flood_of(struct desk *desk, uid_t uid) {
	struct flood *flood = desk->audit.first;

	while (flood && flood->uid != uid)
		flood = flood->next;
	if (flood)
		return flood;
	flood = calloc(1, sizeof *flood);
	if (!flood)
		return NULL;
	flood->audit = &desk->audit;
	flood->uid = uid;
	if (sd_event_add_time_relative(desk->event, &flood->end, CLOCK_MONOTONIC, window_usec, 0,
				       on_window_over, flood) < 0) {
		free(flood);
		return NULL;
	}
	flood->next = desk->audit.first;
	desk->audit.first = flood;
	return flood;
}

/* Counts the call as one that is told of, or as one that is left out. */
static bool is_too_much(struct call *call, int code) {
	bool known = call->caller && call->caller->known;
	struct flood *flood = flood_of(call->desk, known ? call->caller->uid : unknown);

	if (!flood)
		return true;
	if (flood->noted < ENTRIES_OF_A_USER_MAX) {
		flood->noted++;
		return false;
	}
	flood->left_out++;
	flood->failed += code != 0;
	return true;
}

void audit_done(struct audit *audit) {
	while (audit->first)
		flood_over(audit->first);
}

/* ---- which calls there is something to tell about ---- */

static bool was_free(const struct call *call) {
	return call->finding ? call->tier == TIER_FREE : call->direct;
}

static bool is_worth_it(struct call *call, int code) {
	bool free = was_free(call);

	if (!call->caller)
		return code == 0 && !call->operation->looks;
	if (code == 0 && free && call->operation->looks)
		return false;
	/* what began with somebody's leave is told of, whatever came of it: some may be done */
	return (!free && (code == 0 || was_granted(call))) || !is_too_much(call, code);
}

void audit_note(struct call *call, int code, const char *sentence, const ProtobufCMessage *reply,
		uint64_t usec) {
	_cleanup_(entry_done) struct entry entry = { 0 };
	uint64_t waited = waited_usec(call, usec);
	bool free = was_free(call);

	if (!is_worth_it(call, code))
		return;
	add(&entry, "MESSAGE_ID=" JOURNAL_CALL);
	add(&entry, "PRIORITY=%d", code != 0 ? LOG_NOTICE : free ? LOG_DEBUG : LOG_INFO);
	if (sd_id128_is_null(call->id))
		(void)sd_id128_randomize(&call->id);
	add(&entry, "USHER_ID=" SD_ID128_FORMAT_STR, SD_ID128_FORMAT_VAL(call->id));
	add(&entry, "USHER_OPERATION=%s.%s", call->operation->interface, call->operation->method);
	add(&entry, "USHER_RESULT=%s", result(code));
	if (code < 0)
		add(&entry, "ERRNO=%d", -code);
	add(&entry, "USHER_DURATION_USEC=%" PRIu64, usec - waited);
	add(&entry, "USHER_WAITED_USEC=%" PRIu64, waited);
	add_caller(&entry, call);
	add_decision(&entry, call);
	add_object(&entry, call, reply);
	add_details(&entry, call);
	add_message(&entry, call, code, sentence);
	(void)sd_journal_sendv(entry.fields, (int)entry.n);
}
