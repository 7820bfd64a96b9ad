/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher log: what was done for whom, out of the journal. */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../cleanup.h"
#include "command.h"
#include "journal.h"
#include "libsystemd.h"
#include "moment.h"
#include "text.h"

static const struct parameter parameters[] = {
	{ "user", 'u', PARAMETER_USER, "USER", "only calls of this user, by name or number" },
	{ "operation", 'o', PARAMETER_OPERATION, "NAME",
	  "only this operation: Mounts.Mount, or Mount" },
	{ "id", 0, PARAMETER_ID, "ID", "only the call with this id" },
	{ "failed", 0, PARAMETER_FAILED, NULL, "only what was refused, or failed" },
	{ "since", 'S', PARAMETER_SINCE, "TIME", "not what is older: today, 07:30, 2h ago, ..." },
	{ "lines", 'n', PARAMETER_LINES, "N", "only the last N" },
	{ "follow", 'f', PARAMETER_FOLLOW, NULL, "wait for more, until interrupted" },
	{ NULL, 0, 0, NULL, NULL },
};

enum { FOLLOWED_LINES = 10, UNLIMITED = -1 };

struct reader {
	const struct arguments *arguments;
	sd_journal *journal;
	uint64_t since_usec;
};

static void reader_done(struct reader *reader) {
	if (reader->journal)
		libsystemd.sd_journal_close(reader->journal);
}

/* ---- fields ---- */

/* A field of the entry that the journal stands at, fit for a terminal; "" where there is none. */
static char *read_field(sd_journal *journal, const char *field) {
	_cleanup_free_ char *bytes = NULL;
	size_t size, skip = strlen(field) + 1;
	const void *data;

	if (libsystemd.sd_journal_get_data(journal, field, &data, &size) < 0 || size < skip)
		return strdup("");
	bytes = strndup((const char *)data + skip, size - skip);
	return bytes ? text_from_sentence(bytes) : NULL;
}

static uint64_t read_number(sd_journal *journal, const char *field) {
	_cleanup_free_ char *text = read_field(journal, field);

	return text ? strtoull(text, NULL, 10) : 0;
}

static bool field_is(sd_journal *journal, const char *field, const char *value) {
	_cleanup_free_ char *text = read_field(journal, field);

	return text && strcmp(text, value) == 0;
}

/* ---- which entries ---- */

/* "Mounts.Mount" by its whole name, or by what stands behind the dot. */
static bool is_operation(sd_journal *journal, const char *wanted) {
	_cleanup_free_ char *name = read_field(journal, "USHER_OPERATION");
	const char *dot = name ? strrchr(name, '.') : NULL;

	return dot && (strcmp(name, wanted) == 0 || strcmp(dot + 1, wanted) == 0);
}

static bool is_wanted(const struct reader *reader) {
	const struct arguments *a = reader->arguments;

	if (a->failed && field_is(reader->journal, "USHER_RESULT", "done"))
		return false;
	return !a->operation || is_operation(reader->journal, a->operation);
}

static bool is_too_old(const struct reader *reader) {
	uint64_t usec;

	return reader->since_usec > 0 &&
	       libsystemd.sd_journal_get_realtime_usec(reader->journal, &usec) >= 0 &&
	       usec < reader->since_usec;
}

static int match(sd_journal *journal, const char *field, const char *value) {
	_cleanup_free_ char *text = NULL;

	if (!value)
		return 0;
	if (asprintf(&text, "%s=%s", field, value) < 0)
		return -ENOMEM;
	return libsystemd.sd_journal_add_match(journal, text, 0);
}

static int match_number(sd_journal *journal, const char *field, uint64_t value) {
	char number[24];

	snprintf(number, sizeof number, "%" PRIu64, value);
	return match(journal, field, number);
}

static bool in_session(const struct arguments *a) {
	const char *bus = a->bus ? a->bus : getenv("USHER_BUS");

	return bus && strcmp(bus, "session") == 0;
}

/* Whoever may write to the journal may write entries that look like the service's; but not under
 * its user. In a session it is one's own. */
static int match_service(const struct arguments *a, sd_journal *journal) {
	const struct passwd *user;

	if (in_session(a))
		return match_number(journal, "_UID", getuid());
	user = getpwnam("usher");
	return user ? match_number(journal, "_UID", user->pw_uid) : -ESRCH;
}

static int match_user(sd_journal *journal, const char *name) {
	const struct passwd *user = name ? getpwnam(name) : NULL;

	return user ? match_number(journal, "USHER_UID", user->pw_uid)
		    : match(journal, "USHER_UID", name);
}

static int match_all(const struct arguments *a, sd_journal *journal) {
	int r = match_service(a, journal);

	if (r >= 0)
		r = match(journal, "MESSAGE_ID", JOURNAL_CALL);
	if (r >= 0)
		r = match(journal, "MESSAGE_ID", JOURNAL_LEFT_OUT);
	if (r >= 0)
		r = match_user(journal, a->user);
	return r >= 0 ? match(journal, "USHER_ID", a->id) : r;
}

/* ---- an entry ---- */

static struct json_object *value_to_json(const char *name, const char *text) {
	static const char *const numbers[] = { "uid",           "pid",         "as_uid",
					       "duration_usec", "waited_usec", "left_out" };
	size_t i;

	for (i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (strcmp(name, numbers[i]) == 0)
			return json_object_new_int64(strtoll(text, NULL, 10));
	return json_object_new_string(text);
}

/* USHER_NEW_ROOT=/x becomes "new_root": "/x". */
static void add_to_json(struct json_object *row, const char *data, size_t size) {
	static const char prefix[] = "USHER_";
	_cleanup_free_ char *field = strndup(data, size), *text = NULL;
	char *equals = field ? strchr(field, '=') : NULL, *p;

	if (!equals || strncmp(field, prefix, strlen(prefix)) != 0)
		return;
	*equals = '\0';
	for (p = field; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	text = text_from_sentence(equals + 1);
	if (text)
		json_object_object_add(row, field + strlen(prefix),
				       value_to_json(field + strlen(prefix), text));
}

static int entry_to_json(sd_journal *journal, uint64_t usec) {
	struct json_object *row = json_object_new_object();
	const void *data;
	size_t size;

	if (!row)
		return -ENOMEM;
	json_object_object_add(row, "time_usec", json_object_new_int64((int64_t)usec));
	libsystemd.sd_journal_restart_data(journal);
	while (libsystemd.sd_journal_enumerate_data(journal, &data, &size) > 0)
		add_to_json(row, data, size);
	return answer_json(row) == 0 ? 0 : -ENOMEM;
}

static char *user_of(sd_journal *journal) {
	_cleanup_free_ char *uid = read_field(journal, "USHER_UID");
	const struct passwd *user = uid && *uid ? getpwuid((uid_t)strtoul(uid, NULL, 10)) : NULL;

	return user ? text_from_name(user->pw_name) : take_pointer(uid);
}

/* The first of these that the entry has: what people would say it was done to. */
static char *target_of(sd_journal *journal) {
	static const char *const fields[] = {
		"USHER_TARGET",   "USHER_PATH",       "USHER_TO",     "USHER_NEW_ROOT",
		"USHER_HOSTNAME", "USHER_DOMAINNAME", "USHER_SOURCE", "USHER_FSTYPE",
		"USHER_PROGRAM",  "USHER_NAME",       "USHER_PROCESS"
	};
	size_t i;

	for (i = 0; i < sizeof fields / sizeof *fields; i++) {
		_cleanup_free_ char *text = read_field(journal, fields[i]);

		if (!text || *text)
			return take_pointer(text);
	}
	return strdup("-");
}

/* "polkit: no"; a decision that was not needed, or not come to, is none. */
static char *decision_of(sd_journal *journal) {
	_cleanup_free_ char *by = read_field(journal, "USHER_DECIDED_BY");
	_cleanup_free_ char *decision = read_field(journal, "USHER_DECISION");
	char *text;

	if (!by || !decision || !*by)
		return strdup("-");
	if (strcmp(by, "polkit") != 0)
		return take_pointer(by);
	return asprintf(&text, "%s: %s", by, *decision ? decision : "?") < 0 ? NULL : text;
}

static void print_head(void) {
	printf("%-19s  %-8s  %-18s  %-17s  %-15s  %9s  %s\n", "TIME", "USER", "OPERATION",
	       "DECISION", "RESULT", "TOOK", "TARGET");
}

static int print_entry(sd_journal *journal, uint64_t usec) {
	_cleanup_free_ char *user = user_of(journal), *target = target_of(journal);
	_cleanup_free_ char *operation = read_field(journal, "USHER_OPERATION");
	_cleanup_free_ char *decision = decision_of(journal);
	_cleanup_free_ char *result = read_field(journal, "USHER_RESULT");
	uint64_t left_out = read_number(journal, "USHER_LEFT_OUT");
	time_t second = (time_t)(usec / 1000000);
	char when[32] = "?";
	struct tm parts;

	if (!user || !target || !operation || !decision || !result)
		return -ENOMEM;
	if (localtime_r(&second, &parts))
		strftime(when, sizeof when, "%F %T", &parts);
	if (left_out > 0) {
		printf("%-19s  %-8s  ... and %" PRIu64
		       " calls more, of which nothing else is told\n",
		       when, user, left_out);
		return 0;
	}
	printf("%-19s  %-8s  %-18s  %-17s  %-15.15s  %6.1f ms  %s\n", when, user, operation,
	       decision, result, (double)read_number(journal, "USHER_DURATION_USEC") / 1000,
	       target);
	return 0;
}

static int show(const struct reader *reader) {
	uint64_t usec;
	int r = libsystemd.sd_journal_get_realtime_usec(reader->journal, &usec);

	if (r < 0)
		return r;
	r = reader->arguments->json ? entry_to_json(reader->journal, usec)
				    : print_entry(reader->journal, usec);
	if (reader->arguments->follow)
		fflush(stdout);
	return r;
}

/* ---- the journal ---- */

/* Whether this is a file of the system's journal that we may read; -ENOENT where there is none. */
static int try_file(const char *directory) {
	_cleanup_free_ char *path = NULL;
	char id[SD_ID128_STRING_MAX];
	sd_id128_t machine;

	if (libsystemd.sd_id128_get_machine(&machine) < 0)
		return -ENOENT;
	if (asprintf(&path, "%s/%s/system.journal", directory,
		     libsystemd.sd_id128_to_string(machine, id)) < 0)
		return -ENOMEM;
	return access(path, R_OK) < 0 ? -errno : 0;
}

/* To whom the system's journal is closed, it looks empty. */
static int check_access(const struct arguments *a) {
	int kept, fleeting;

	if (in_session(a))
		return 0;
	kept = try_file("/var/log/journal");
	fleeting = try_file("/run/log/journal");
	if (kept == 0 || fleeting == 0)
		return 0;
	if (kept == -ENOENT && fleeting == -ENOENT)
		return answer_error(a, NULL, -ENOENT, "the system keeps no journal");
	return answer_error(a, NULL, -EPERM,
			    "the journal of the system is only shown to root and to members of the "
			    "groups adm and systemd-journal");
}

/* From here on, next comes what is to be shown first. */
static int seek(const struct reader *reader, int64_t lines) {
	int64_t found = 0;
	int r;

	if (lines == UNLIMITED)
		return reader->since_usec > 0
			       ? libsystemd.sd_journal_seek_realtime_usec(reader->journal,
									  reader->since_usec)
			       : libsystemd.sd_journal_seek_head(reader->journal);
	r = libsystemd.sd_journal_seek_tail(reader->journal);
	if (r >= 0 && lines == 0)
		return libsystemd.sd_journal_previous(reader->journal);
	while (r >= 0 && found < lines) {
		r = libsystemd.sd_journal_previous(reader->journal);
		if (r == 0)
			return libsystemd.sd_journal_seek_head(reader->journal);
		if (r > 0 && is_too_old(reader))
			return 0; /* next is the first that is not */
		found += r > 0 && is_wanted(reader);
	}
	if (r > 0)
		r = libsystemd.sd_journal_previous(reader->journal);
	return r == 0 ? libsystemd.sd_journal_seek_head(reader->journal) : r;
}

static int show_all(const struct reader *reader) {
	int r = 0;

	for (;;) {
		r = libsystemd.sd_journal_next(reader->journal);
		if (r <= 0)
			break;
		if (!is_wanted(reader))
			continue;
		r = show(reader);
		if (r < 0)
			break;
	}
	return r;
}

static int follow(const struct reader *reader) {
	int r = 0;

	while (r >= 0 && !ferror(stdout)) {
		r = libsystemd.sd_journal_wait(reader->journal, (uint64_t)-1);
		if (r >= 0)
			r = show_all(reader);
	}
	return r;
}

static int read_log(struct reader *reader) {
	const struct arguments *a = reader->arguments;
	int64_t lines = a->lines;
	int r = libsystemd.sd_journal_open(&reader->journal,
					   SD_JOURNAL_LOCAL_ONLY |
						   (in_session(a) ? 0 : SD_JOURNAL_SYSTEM));

	if (r >= 0)
		r = match_all(a, reader->journal);
	if (lines == UNLIMITED && a->follow && !a->since)
		lines = FOLLOWED_LINES;
	if (r >= 0)
		r = seek(reader, lines);
	if (r < 0)
		return r;
	if (!a->json)
		print_head();
	r = show_all(reader);
	if (r < 0 || !a->follow)
		return r;
	fflush(stdout);
	return follow(reader);
}

static int log_run(const struct arguments *a, struct usher *usher) {
	_cleanup_(reader_done) struct reader reader = { .arguments = a };
	const char *missing = libsystemd_load();
	int r = missing ? answer_error(a, NULL, -EOPNOTSUPP, missing) : check_access(a);

	if (r != 0)
		return r;
	if (a->since && moment_parse(a->since, time(NULL), &reader.since_usec) < 0)
		return arguments_refuse(a, "--since: '%s' is no time", a->since);
	r = read_log(&reader);
	if (r == -ESRCH)
		return answer_error(a, NULL, r, "there is no user usher, so there was no service");
	return r < 0 ? answer_failure(a, NULL, r) : 0;
}

const struct command command_log = {
	.name = "log",
	.synopsis = "",
	.help = "Show what was done, or refused, to whom",
	.parameters = parameters,
	.minimum = 0,
	.maximum = 0,
	.alone = true,
	.run = log_run,
};
