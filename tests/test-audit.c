/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the journal is told of calls: by whom, who decided, what came of it; and not too much. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal.h"
#include "message.h"
#include "stage.h"

#define NAME "Host.SetHostname", "hostname=x"

enum { ROOT = 1, SESSION = 2, INTERACTIVE = 4 };

struct field {
	const char *name, *value; /* NULL: must not be there */
};

static const struct scenario {
	const char *what, *operation, *fields, *worker;
	enum polkit polkit;
	int flags;
	struct field expected[10];
} scenarios[] = {
	{ "free",
	  NAME,
	  "find=0 grant ok",
	  POLKIT_ABSENT,
	  0,
	  { { "USHER_DECIDED_BY", "free" },
	    { "USHER_DECISION", "yes" },
	    { "USHER_TIER", "free" },
	    { "USHER_ACTION", NULL },
	    { "USHER_INTERACTIVE", NULL },
	    { "USHER_RESULT", "done" },
	    { "USHER_WAITED_USEC", "0" },
	    { "PRIORITY", "7" } } },
	{ "allowed",
	  NAME,
	  "find=3 grant ok",
	  POLKIT_YES,
	  0,
	  { { "USHER_DECIDED_BY", "polkit" },
	    { "USHER_DECISION", "yes" },
	    { "USHER_TIER", "admin" },
	    { "USHER_ACTION", "org.usher1.set-hostname" },
	    { "USHER_INTERACTIVE", "no" },
	    { "USHER_AS_UID", "0" },
	    { "USHER_RESULT", "done" },
	    { "USHER_REASON", NULL },
	    { "PRIORITY", "6" } } },
	{ "allowed to a person",
	  NAME,
	  "find=3 grant ok",
	  POLKIT_CHALLENGE,
	  INTERACTIVE,
	  { { "USHER_DECIDED_BY", "polkit" },
	    { "USHER_DECISION", "yes" },
	    { "USHER_INTERACTIVE", "yes" } } },
	{ "not allowed",
	  "Mounts.Unmount",
	  "target=/m",
	  "find=1 grant ok",
	  POLKIT_NO,
	  0,
	  { { "USHER_DECIDED_BY", "polkit" },
	    { "USHER_DECISION", "no" },
	    { "USHER_TIER", "own" },
	    { "USHER_ACTION", "org.usher1.unmount-own" },
	    { "USHER_RESULT", "NotPermitted" },
	    { "USHER_REASON", "polkit does not allow org.usher1.unmount-own" },
	    { "PRIORITY", "5" } } },
	{ "nobody may be asked",
	  NAME,
	  "find=3 grant ok",
	  POLKIT_CHALLENGE,
	  0,
	  { { "USHER_DECIDED_BY", "polkit" },
	    { "USHER_DECISION", "challenge" },
	    { "USHER_RESULT", "InteractiveAuthorizationRequired" } } },
	{ "nobody answered",
	  NAME,
	  "find=3 asked die",
	  POLKIT_SILENT,
	  INTERACTIVE,
	  { { "USHER_DECIDED_BY", "polkit" },
	    { "USHER_DECISION", NULL },
	    { "USHER_ACTION", "org.usher1.set-hostname" },
	    { "USHER_RESULT", "Failed" } } },
	{ "root",
	  NAME,
	  "find=3 grant ok",
	  POLKIT_NO,
	  ROOT,
	  { { "USHER_DECIDED_BY", "root" },
	    { "USHER_DECISION", "yes" },
	    { "USHER_UID", "0" },
	    { "USHER_TIER", "admin" } } },
	{ "a session",
	  NAME,
	  "find=3 grant ok",
	  POLKIT_NO,
	  SESSION,
	  { { "USHER_DECIDED_BY", "session" }, { "USHER_DECISION", "yes" } } },
	{ "allowed and failed",
	  NAME,
	  "find=3 grant code=-16",
	  POLKIT_YES,
	  0,
	  { { "USHER_DECISION", "yes" },
	    { "USHER_RESULT", "Busy" },
	    { "ERRNO", "16" },
	    { "USHER_REASON", "because (EBUSY)" } } },
	{ "never found",
	  "Mounts.Mount",
	  "source=s\x1b|target=/a\n\xfe\xe2\x80\xae|fstype=tmpfs",
	  "code=3",
	  POLKIT_YES,
	  0,
	  { { "USHER_DECIDED_BY", NULL },
	    { "USHER_DECISION", NULL },
	    { "USHER_TIER", NULL },
	    { "USHER_AS_UID", NULL },
	    { "USHER_SOURCE", "s\\x1b" },
	    { "USHER_TARGET", "/a\\x0a\\xfe\\xe2\\x80\\xae" },
	    { "USHER_FSTYPE", "tmpfs" },
	    { "USHER_RESULT", "NotFound" },
	    { "ERRNO", NULL } } },
	{ "a look into another's namespaces",
	  "Host.GetHostname",
	  "",
	  "find=3 grant ok",
	  POLKIT_YES,
	  0,
	  { { "USHER_RESULT", "done" }, { "USHER_ACTION", "org.usher1.get-hostname" } } },
	{ "a mount",
	  "Mounts.Mount",
	  "target=/m|fstype=tmpfs",
	  "find=1 grant made=manual go done",
	  POLKIT_YES,
	  0,
	  { { "USHER_OBJECT", "/org/usher1/mount/1" },
	    { "USHER_TARGET", NULL }, /* what was found counts, not what was said */
	    { "USHER_WHAT", "a\\xff" } } },
};

static void assert_field(const char *what, size_t entry, const char *name, const char *value) {
	if (value ? !stage_log_has(entry, name, value) : stage_log_has(entry, name, NULL))
		fail_msg("%s: %s is not %s in:%s", what, name, value ?: "absent",
			 stage_log_entry(entry));
}

static void assert_caller(const struct stage *stage, const char *what, size_t entry) {
	char number[32];

	(void)snprintf(number, sizeof number, "%u", stage->uid);
	assert_field(what, entry, "USHER_UID", number);
	(void)snprintf(number, sizeof number, "%d", getpid());
	assert_field(what, entry, "USHER_PID", number);
	assert_field(what, entry, "USHER_COMMAND", "test-audit");
	assert_field(what, entry, "MESSAGE_ID", JOURNAL_CALL);
}

static void play(const struct scenario *scenario) {
	const char *what = scenario->what;
	struct stage stage;

	stage_new(&stage, scenario->polkit, scenario->flags & ROOT);
	stage.desk.session = scenario->flags & SESSION;
	stage.scripts[0] = scenario->worker;
	stage_call(&stage, scenario->operation, scenario->fields, scenario->flags & INTERACTIVE, 0);
	stage_settle(&stage);
	if (stage_log_lines() != 1)
		fail_msg("%s: %zu entries", what, stage_log_lines());
	assert_caller(&stage, what, 0);
	assert_field(what, 0, "USHER_OPERATION", scenario->operation);
	for (size_t i = 0; i < N_OF(scenario->expected) && scenario->expected[i].name; i++)
		assert_field(what, 0, scenario->expected[i].name, scenario->expected[i].value);
	stage_free(&stage);
}

static void every_kind_of_decision_is_told(void **state) {
	(void)state;
	for (size_t i = 0; i < N_OF(scenarios); i++)
		if (!(scenarios[i].flags & ROOT) || geteuid() == 0)
			play(&scenarios[i]);
}

static void a_look_that_anybody_may_take_is_not_told_of(void **state) {
	static const char *const looks[] = { "Host.GetHostname", "Host.GetDomainname",
					     "Mounts.List" };
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_NO, false);
	for (size_t i = 0; i < N_OF(looks); i++) {
		stage.scripts[i] = "find=0 grant ok";
		stage_call(&stage, looks[i], "", false, 0);
	}
	stage_settle(&stage);
	assert_int_equal(stage.answers, N_OF(looks));
	assert_int_equal(stage_log_lines(), 0);
	stage_free(&stage);
}

static void no_two_calls_have_the_same_id(void **state) {
	char field[2][64];
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	for (size_t i = 0; i < 2; i++) {
		stage.scripts[i] = "find=3 grant ok";
		stage_call(&stage, NAME, false, 0);
	}
	stage_settle(&stage);
	assert_int_equal(stage_log_lines(), 2);
	for (size_t i = 0; i < 2; i++) {
		const char *line = strstr(stage_log_entry(i), "\nUSHER_ID=");

		assert_non_null(line);
		(void)snprintf(field[i], sizeof field[i], "%.*s", (int)strcspn(line + 10, "\n"),
			       line + 10);
		assert_int_equal(strlen(field[i]), 32);
		assert_int_equal(strspn(field[i], "0123456789abcdef"), 32);
	}
	assert_string_not_equal(field[0], field[1]);
	stage_free(&stage);
}

static void a_detail_cannot_pass_for_something_else(void **state) {
	static const struct {
		const char *key, *value;
		struct field expected;
	} details[] = {
		{ "session", "7", { "USHER_SESSION", "7" } },
		{ "reason", "none", { "USHER_REASON", "none" } },
		{ "x=1", "2", { "USHER_X", "1=2" } },
		{ "a\nPRIORITY", "0", { "PRIORITY", "0" } },
		{ "UID", "0", { "USHER_UID", "0" } },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(details); i++) {
		struct stage stage;

		stage_new(&stage, POLKIT_YES, false);
		stage.detail[0] = details[i].key;
		stage.detail[1] = details[i].value;
		stage.scripts[0] = "find=0 grant ok";
		stage_call(&stage, NAME, false, 0);
		stage_settle(&stage);
		assert_false(stage_log_has(0, details[i].expected.name, details[i].expected.value));
		stage_free(&stage);
	}
}

static void the_time_that_a_person_takes_is_told_apart(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_SILENT, false);
	stage.scripts[0] = "find=3 asked hang";
	stage_call(&stage, NAME, true, 0);
	stage_until(&stage, stage.questions == 1);
	(void)usleep(300000);
	stage.children[0].script = "code=5";
	stage_settle(&stage);
	assert_int_equal(stage_log_lines(), 1);
	assert_in_range(stage_log_number(0, "USHER_WAITED_USEC"), 300000, 20000000);
	assert_in_range(stage_log_number(0, "USHER_DURATION_USEC"), 1, 299999);
	stage_free(&stage);
}

static void what_is_done_after_all_is_told_under_the_same_id(void **state) {
	struct stage stage;
	char id[64];

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	stage.scripts[0] = "find=0 grant told ok";
	stage_call(&stage, NAME "|deadline_usec=1000", false, 0);
	stage_settle(&stage);
	assert_int_equal(stage_log_lines(), 2);
	assert_field("late", 0, "USHER_RESULT", "TimedOut");
	assert_field("late", 1, "USHER_RESULT", "done");
	assert_true(stage_log_has(1, "USHER_REASON", NULL));
	(void)snprintf(id, sizeof id, "%.32s", strstr(stage_log_entry(0), "USHER_ID=") + 9);
	assert_field("late", 1, "USHER_ID", id);
	stage_free(&stage);
}

static void what_the_service_does_by_itself_is_told_with_the_name_of_whom_it_is_for(void **state) {
	struct stage stage;
	char uid[16];

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)snprintf(uid, sizeof uid, "%u", stage.uid);
	stage.scripts[0] = "find=1 grant made=connection go done";
	stage.scripts[1] = "code=-16"; /* not now */
	stage.scripts[2] = "find=0 grant list";
	stage.scripts[3] = "find=3 grant ok";
	stage_call(&stage, "Mounts.Mount", "target=/m|fstype=tmpfs", false, 0);
	stage_settle(&stage);
	stage_leave(&stage);
	stage_until(&stage, stage.client_gone);
	stage_settle(&stage);
	mounts_first(&stage.desk.mounts)->again_usec = 1; /* a second later */
	mounts_reconcile(&stage.desk.mounts);
	stage_settle(&stage);
	assert_null(mounts_first(&stage.desk.mounts));
	assert_int_equal(stage_log_lines(), 2);
	assert_field("own", 1, "USHER_OPERATION", "Mount.Unmount");
	assert_field("own", 1, "USHER_DECIDED_BY", "service");
	assert_field("own", 1, "USHER_UID", uid);
	assert_field("own", 1, "USHER_PID", NULL);
	assert_field("own", 1, "USHER_OBJECT", "/org/usher1/mount/1");
	stage_free(&stage);
}

/* ---- too much ---- */

static void call_often(struct stage *stage, size_t n, const char *fields, const char *script) {
	while (n-- > 0) {
		stage->scripts[stage->n_children] = script;
		stage_call(stage, "Host.SetHostname", fields, false, 0);
		stage_until(stage, !stage->desk.first);
	}
}

static void a_flood_of_refusals_is_told_as_one(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	call_often(&stage, 130, "hostname=", NULL);
	assert_int_equal(stage.refusals, 130);
	assert_int_equal(stage_log_lines(), 100);
	/* what is done with somebody's leave is always told */
	call_often(&stage, 2, "hostname=x", "find=3 grant ok");
	assert_int_equal(stage_log_lines(), 102);
	/* also if it failed or was never heard of again */
	call_often(&stage, 1, "hostname=x", "find=3 grant code=-16");
	call_often(&stage, 1, "hostname=x", "find=3 grant die");
	assert_int_equal(stage_log_lines(), 104);
	/* what needed nobody's is not */
	call_often(&stage, 1, "hostname=x", "find=0 grant ok");
	call_often(&stage, 1, "hostname=x", "find=0 grant code=-16");
	assert_int_equal(stage_log_lines(), 104);
	audit_done(&stage.desk.audit);
	assert_int_equal(stage_log_lines(), 105);
	assert_field("flood", 104, "MESSAGE_ID", JOURNAL_LEFT_OUT);
	assert_field("flood", 104, "USHER_LEFT_OUT", "32");
	assert_field("flood", 104, "USHER_LEFT_OUT_FAILED", "31");
	assert_true(stage_log_has(104, "USHER_UID", NULL));
	/* then it begins again */
	call_often(&stage, 1, "hostname=", NULL);
	assert_int_equal(stage_log_lines(), 106);
	stage_free(&stage);
	assert_int_equal(stage_log_lines(), 106); /* nothing was left out */
}

static void the_flood_of_one_user_leaves_out_nothing_of_anothers(void **state) {
	struct stage stage;
	sd_bus *first;

	(void)state;
	if (geteuid() != 0)
		skip_because("one process has one user without root");
	stage_new(&stage, POLKIT_YES, false);
	call_often(&stage, 110, "hostname=", NULL);
	assert_int_equal(stage_log_lines(), 100);
	first = stage.client;
	stage.client = stage_connect(&stage, true);
	call_often(&stage, 1, "hostname=", NULL);
	assert_int_equal(stage_log_lines(), 101);
	assert_field("another", 100, "USHER_UID", "0");
	sd_bus_flush_close_unref(first);
	stage_free(&stage);
}

/* A user's number may be as high as they come, and that of nobody known is none. */
static void whoever_it_was_is_told_by_the_right_number(void **state) {
	static const struct {
		bool known;
		uid_t uid;
		const char *field, *words;
	} cases[] = {
		{ true, 4294967294, "4294967294", "calls of uid 4294967294 have" },
		{ false, 0, NULL, "calls of an unknown user have" },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct caller caller = { .name = (char *)":1.4711",
					 .known = cases[i].known,
					 .uid = cases[i].uid };
		struct stage stage;
		struct call call;

		stage_new(&stage, POLKIT_YES, false);
		call = (struct call){ .desk = &stage.desk,
				      .caller = &caller,
				      .operation = operation_find("Host", "SetHostname"),
				      .request = request_of(NAME) };
		for (int n = 0; n < 102; n++)
			audit_note(&call, REFUSED_NOT_FOUND, "because", NULL, 1);
		audit_done(&stage.desk.audit);
		assert_int_equal(stage_log_lines(), 101);
		assert_field("a call", 0, "USHER_UID", cases[i].field);
		assert_field("those left out", 100, "USHER_UID", cases[i].field);
		assert_field("those left out", 100, "USHER_LEFT_OUT", "2");
		assert_non_null(strstr(stage_log_entry(100), cases[i].words));
		message_freep(&call.request);
		stage_free(&stage);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_decision_is_told),
		cmocka_unit_test(a_look_that_anybody_may_take_is_not_told_of),
		cmocka_unit_test(no_two_calls_have_the_same_id),
		cmocka_unit_test(a_detail_cannot_pass_for_something_else),
		cmocka_unit_test(the_time_that_a_person_takes_is_told_apart),
		cmocka_unit_test(what_is_done_after_all_is_told_under_the_same_id),
		cmocka_unit_test(
			what_the_service_does_by_itself_is_told_with_the_name_of_whom_it_is_for),
		cmocka_unit_test(a_flood_of_refusals_is_told_as_one),
		cmocka_unit_test(the_flood_of_one_user_leaves_out_nothing_of_anothers),
		cmocka_unit_test(whoever_it_was_is_told_by_the_right_number),
	};

	return cmocka_run_group_tests(tests, stages_begin, stages_end);
}
