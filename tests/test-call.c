/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One call, from its arrival to its answer, on every way that it can take: whatever the worker, the
 * authority and the caller do, it is answered once, or nobody is there any more to be answered.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "message.h"
#include "quota.h"
#include "stage.h"

enum { NOBODY_TOLD = 1000 };

struct scenario {
	const char *what;
	const char *operation, *fields;
	const char *worker;
	enum polkit polkit;
	bool interactive;
	int code;         /* 0: answered; a refusal; NOBODY_TOLD */
	const char *word; /* in the sentence */
	size_t questions;
	bool granted;
};

#define NAME "Host.SetHostname", "hostname=x"
/* less than the broker's own patience of half a second more */
#define SHORT "Host.SetHostname", "hostname=x|deadline_usec=1000"

static const struct scenario scenarios[] = {
	/* nothing is in the way */
	{ "free", NAME, "find=0 grant ok", POLKIT_ABSENT, false, 0, "", 0, true },
	{ "allowed", NAME, "find=3 grant ok", POLKIT_YES, false, 0, "", 1, true },
	{ "allowed to a person", NAME, "find=3 grant ok", POLKIT_CHALLENGE, true, 0, "", 1, true },
	{ "a safe one", NAME, "find=1 grant ok", POLKIT_YES, false, 0, "", 1, true },

	/* what takes nobody's word is granted with the order */
	{ "done at once", NAME, "done=0", POLKIT_ABSENT, false, 0, "", 0, false },
	{ "done at once and again", NAME, "done=0 done=0", POLKIT_ABSENT, false, 0, "", 0, false },
	{ "done at once, not granted", NAME, "done=1", POLKIT_YES, false, REFUSED_FAILED,
	  "nonsense", 0, false },
	{ "a finding twice", NAME, "find=0 grant done=0", POLKIT_YES, false, REFUSED_FAILED,
	  "nonsense", 0, true },
	{ "what is to be asked about first", "Mounts.Unmount", "target=/m", "done=0", POLKIT_YES,
	  false, REFUSED_FAILED, "nonsense", 0, false },
	{ "gone before it was done at once", NAME, "leave gone done=0", POLKIT_YES, false,
	  NOBODY_TOLD, "", 0, false },

	/* the authority */
	{ "not allowed", NAME, "find=3 grant ok", POLKIT_NO, true, REFUSED_PERMISSION,
	  "polkit does not allow org.usher1.set-hostname", 1, false },
	{ "refused, and told why", NAME, "find=3+why grant ok", POLKIT_NO, false,
	  REFUSED_PERMISSION, "polkit does not allow org.usher1.set-hostname: it is not yours", 1,
	  false },
	{ "nobody may be asked", NAME, "find=3 grant ok", POLKIT_CHALLENGE, false,
	  REFUSED_INTERACTION, "org.usher1.set-hostname", 1, false },
	{ "no authority", NAME, "find=3 grant ok", POLKIT_ABSENT, false, REFUSED_PERMISSION,
	  "polkit cannot be asked", 0, false },
	{ "an authority that fails", NAME, "find=3 grant ok", POLKIT_ERROR, false,
	  REFUSED_PERMISSION, "polkit cannot be asked", 1, false },
	{ "an authority that takes too long", NAME, "find=3 grant ok", POLKIT_LATE, true,
	  REFUSED_PERMISSION, "polkit has not answered", 1, false },
	{ "an authority that talks nonsense", NAME, "find=3 grant ok", POLKIT_NONSENSE, false,
	  REFUSED_PERMISSION, "nonsense", 1, false },

	/* the words */
	{ "bad words", "Host.SetHostname", "hostname=", "hang", POLKIT_YES, false, REFUSED_INVALID,
	  "hostname:", 0, false },
	{ "a deadline too short", "Host.SetHostname", "hostname=x|deadline_usec=999", "hang",
	  POLKIT_YES, false, REFUSED_INVALID, "deadline_usec", 0, false },
	{ "a deadline too long", "Host.SetHostname", "hostname=x|deadline_usec=600000001", "hang",
	  POLKIT_YES, false, REFUSED_INVALID, "deadline_usec", 0, false },
	{ "no deadline at all", "Host.SetHostname", "hostname=x|deadline_usec=18446744073709551615",
	  "hang", POLKIT_YES, false, REFUSED_INVALID, "deadline_usec", 0, false },
	{ "an object for a place", "Host.SetHostname", "hostname=x|in_as_object=/a", "hang",
	  POLKIT_YES, false, REFUSED_NOT_FOUND, "in:", 0, false },

	/* the worker says no */
	{ "refused at a look", NAME, "code=3", POLKIT_YES, false, REFUSED_NOT_FOUND, "because", 0,
	  false },
	{ "failed at a look", NAME, "code=-16", POLKIT_YES, false, REFUSED_BUSY, "because (EBUSY)",
	  0, false },
	{ "refused in the doing", NAME, "find=3 grant code=-22", POLKIT_YES, false, REFUSED_INVALID,
	  "because (EINVAL)", 1, true },
	{ "refused while it is asked about", NAME, "find=3 asked code=-2", POLKIT_SILENT, false,
	  REFUSED_NOT_FOUND, "because", 1, false },
	{ "a code from nowhere", NAME, "code=99999", POLKIT_YES, false, REFUSED_FAILED, "because",
	  0, false },

	/* the worker dies */
	{ "dead at once", NAME, "die", POLKIT_YES, false, REFUSED_FAILED, "died", 0, false },
	{ "dead after a look", NAME, "find=0 die", POLKIT_YES, false, REFUSED_FAILED, "", 0,
	  false },
	{ "dead while it is asked about", NAME, "find=3 asked die", POLKIT_SILENT, false,
	  REFUSED_FAILED, "died", 1, false },
	{ "dead in the doing", NAME, "find=0 grant die", POLKIT_ABSENT, false, REFUSED_FAILED,
	  "died", 0, true },

	/* the worker talks nonsense */
	{ "garbage at once", NAME, "garbage", POLKIT_YES, false, REFUSED_FAILED, "nonsense", 0,
	  false },
	{ "garbage for an outcome", NAME, "find=0 grant garbage", POLKIT_YES, false, REFUSED_FAILED,
	  "nonsense", 0, true },
	{ "a frame of no bytes", NAME, "empty", POLKIT_YES, false, REFUSED_FAILED, "", 0, false },
	{ "a frame of another kind", NAME, "other", POLKIT_YES, false, REFUSED_FAILED, "nonsense",
	  0, false },
	{ "an outcome before anybody granted it", NAME, "ok", POLKIT_YES, false, REFUSED_FAILED,
	  "nonsense", 0, false },
	{ "an outcome while it is asked about", NAME, "find=3 asked ok", POLKIT_SILENT, false,
	  REFUSED_FAILED, "nonsense", 1, false },
	{ "two findings", NAME, "find=0 grant find=0", POLKIT_YES, false, REFUSED_FAILED,
	  "nonsense", 0, true },
	{ "a tier that there is not", NAME, "find=4 grant ok", POLKIT_YES, false, REFUSED_FAILED,
	  "", 0, false },
	{ "a tier far away", NAME, "find=4294967295 grant ok", POLKIT_YES, false, REFUSED_FAILED,
	  "", 0, false },
	{ "a reply that is none", NAME, "find=0 grant bad", POLKIT_YES, false, REFUSED_FAILED, "",
	  0, true },
	{ "a mount that was not announced", "Mounts.Mount", "target=/m|fstype=tmpfs",
	  "find=0 grant ok", POLKIT_YES, false, REFUSED_FAILED, "", 0, true },
	{ "a mount announced while it is asked about", "Mounts.Mount", "target=/m|fstype=tmpfs",
	  "find=3 asked made=manual go done", POLKIT_SILENT, false, REFUSED_FAILED, "nonsense", 1,
	  false },
	{ "an announcement of what makes nothing", NAME, "find=0 grant made=manual go done",
	  POLKIT_YES, false, REFUSED_FAILED, "nonsense", 0, true },
	{ "two outcomes", NAME, "find=0 grant ok ok", POLKIT_YES, false, 0, "", 0, true },
	{ "an outcome and garbage", NAME, "find=0 grant ok garbage", POLKIT_YES, false, 0, "", 0,
	  true },

	/* time */
	{ "a look that never ends", SHORT, "told die", POLKIT_YES, false, REFUSED_TIMED_OUT,
	  "does not finish", 0, false },
	{ "a look that ends too late", SHORT, "told find=0 grant ok", POLKIT_YES, false,
	  REFUSED_TIMED_OUT, "does not finish", 0, false },
	{ "a look that fails too late", SHORT, "told code=-2", POLKIT_YES, false, REFUSED_TIMED_OUT,
	  "does not finish", 0, false },
	{ "a doing that never ends", SHORT, "find=0 grant told die", POLKIT_YES, false,
	  REFUSED_TIMED_OUT, "does not finish", 0, true },
	{ "a doing that ends too late", SHORT, "find=0 grant told ok", POLKIT_YES, false,
	  REFUSED_TIMED_OUT, "does not finish", 0, true },
	{ "a doing that talks nonsense too late", SHORT, "find=0 grant told garbage", POLKIT_YES,
	  false, REFUSED_TIMED_OUT, "does not finish", 0, true },

	/* the caller leaves */
	{ "gone at a look", NAME, "leave gone find=3 grant ok", POLKIT_YES, false, NOBODY_TOLD, "",
	  0, false },
	{ "gone while it is asked about", NAME, "find=3 asked leave gone grant", POLKIT_SILENT,
	  false, NOBODY_TOLD, "", 1, false },
	{ "gone in the doing", NAME, "find=0 grant leave gone ok", POLKIT_YES, false, NOBODY_TOLD,
	  "", 0, true },
	{ "gone before a failure", NAME, "find=0 grant leave gone code=-5", POLKIT_YES, false,
	  NOBODY_TOLD, "", 0, true },
	{ "gone, and the worker dies", NAME, "find=0 grant leave gone die", POLKIT_YES, false,
	  NOBODY_TOLD, "", 0, true },
};

static void assert_told(const struct stage *stage, const struct scenario *scenario) {
	if (stage->ends != 1)
		fail_msg("%s: ended %zu times", scenario->what, stage->ends);
	if (scenario->code == NOBODY_TOLD) {
		if (stage->answers + stage->refusals > 0)
			fail_msg("%s: somebody was told", scenario->what);
		return;
	}
	if (stage->answers + stage->refusals != 1)
		fail_msg("%s: %zu answers and %zu refusals", scenario->what, stage->answers,
			 stage->refusals);
	if (scenario->code == 0 && stage->refusals > 0)
		fail_msg("%s: %s", scenario->what, stage->sentence);
	if (scenario->code != 0 &&
	    (stage->answers > 0 || (int)refusal_of(stage->code) != scenario->code ||
	     !strstr(stage->sentence, scenario->word)))
		fail_msg("%s: %s: %s", scenario->what, refusal_name(stage->code), stage->sentence);
}

/* One for each call, but for those that came to nothing; and one more for what was done after all.
 */
static size_t log_lines(const struct scenario *scenario) {
	if (scenario->code == NOBODY_TOLD && !scenario->granted &&
	    !strstr(scenario->worker, "done="))
		return 0;
	return scenario->code == REFUSED_TIMED_OUT && strstr(scenario->worker, "grant told ok") ? 2
												: 1;
}

static void play(const struct scenario *scenario) {
	struct stage stage;

	stage_new(&stage, scenario->polkit, false);
	if (stage.uid == 0)
		fail_msg("everybody here is root");
	stage.scripts[0] = scenario->worker;
	stage_call(&stage, scenario->operation, scenario->fields, scenario->interactive, 0);
	stage_settle(&stage);
	assert_told(&stage, scenario);
	if (stage.questions != scenario->questions)
		fail_msg("%s: polkit was asked %zu times", scenario->what, stage.questions);
	if ((stage.n_children > 0 && stage.children[0].grants > 0) != scenario->granted)
		fail_msg("%s: %sgranted", scenario->what, scenario->granted ? "not " : "");
	if (stage_log_lines() != log_lines(scenario))
		fail_msg("%s: %zu lines in the journal", scenario->what, stage_log_lines());
	/* an authority that is still thinking about it is told not to */
	assert_int_equal(stage.cancelled,
			 scenario->polkit == POLKIT_SILENT || scenario->polkit == POLKIT_LATE
				 ? scenario->questions
				 : 0);
	stage_free(&stage);
}

static void sec_66_whatever_happens_a_call_is_answered_once(void **state) {
	(void)state;
	for (size_t i = 0; i < N_OF(scenarios); i++)
		play(&scenarios[i]);
}

/* ---- the order ---- */

static void the_worker_is_told_who_asks_for_what(void **state) {
	struct stage stage;
	const Usher__Order *order;
	char link[64], text[64];
	ssize_t n;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	stage.scripts[0] = "find=0 grant ok";
	stage_call(&stage, "Host.SetHostname", "hostname=x|deadline_usec=123456", false, 0);
	stage_settle(&stage);
	assert_int_equal(stage.n_children, 1);
	order = stage.children[0].order;
	assert_string_equal(order->operation, "Host.SetHostname");
	assert_int_equal(order->uid, stage.uid);
	assert_int_equal(order->deadline_usec, 123456);
	assert_string_equal(((Usher__SetHostnameRequest *)stage.children[0].request)->hostname,
			    "x");
	assert_true(order->has_caller_fd);
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d",
		       fds_get(&stage.children[0].fds, order->caller_fd));
	n = readlink(link, text, sizeof text - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "pidfd"));
	stage_free(&stage);
}

static void the_authority_is_asked_about_exactly_what_was_found(void **state) {
	struct stage stage;
	const char *unique;
	char subject[64];

	(void)state;
	stage_new(&stage, POLKIT_CHALLENGE, false);
	stage.scripts[0] = "find=3 grant ok";
	assert_true(sd_bus_get_unique_name(stage.client, &unique) >= 0);
	(void)snprintf(subject, sizeof subject, "system-bus-name name %s", unique);
	stage_call(&stage, "Host.SetHostname", "hostname=x", true, 0);
	stage_settle(&stage);
	assert_int_equal(stage.questions, 1);
	assert_string_equal(stage.action, "org.usher1.set-hostname");
	assert_string_equal(stage.subject, subject);
	assert_string_equal(stage.details, "what=a\\xff ");
	assert_true(stage.asked_interactively);
	stage_free(&stage);
}

static void each_tier_asks_for_its_own_action(void **state) {
	static const struct {
		const char *script, *action;
	} tiers[] = { { "find=1 grant code=1", "org.usher1.unmount-own" },
		      { "find=2 grant code=1", "org.usher1.unmount-others" },
		      { "find=3 grant code=1", "org.usher1.unmount" } };

	(void)state;
	for (size_t i = 0; i < N_OF(tiers); i++) {
		struct stage stage;

		stage_new(&stage, POLKIT_YES, false);
		stage.scripts[0] = tiers[i].script;
		stage_call(&stage, "Mounts.Unmount", "target=/m", false, 0);
		stage_settle(&stage);
		assert_string_equal(stage.action, tiers[i].action);
		stage_free(&stage);
	}
}

/* ---- who is not asked about ---- */

static void root_is_not_asked_about(void **state) {
	struct stage stage;

	(void)state;
	if (geteuid() != 0)
		skip_because("not root");
	stage_new(&stage, POLKIT_NO, true);
	stage.scripts[0] = "find=3 grant ok";
	stage_call(&stage, "Host.SetHostname", "hostname=x", false, 0);
	stage_settle(&stage);
	assert_int_equal(stage.answers, 1);
	assert_int_equal(stage.questions, 0);
	stage_free(&stage);
}

static void nobody_is_asked_about_in_a_session(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_NO, false);
	stage.desk.session = true;
	stage.scripts[0] = "find=3 grant ok";
	stage.scripts[1] = "done=3"; /* the order said that it need not wait */
	for (int i = 0; i < 2; i++)
		stage_call(&stage, "Host.SetHostname", "hostname=x", false, 0);
	stage_settle(&stage);
	assert_int_equal(stage.answers, 2);
	assert_int_equal(stage.questions, 0);
	stage_free(&stage);
}

/* ---- a caller that leaves at once ---- */

static void a_caller_that_nobody_could_identify_is_not_answered(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_SILENT, false);
	stage.scripts[0] = "find=3 grant ok";
	stage_call(&stage, "Host.SetHostname", "hostname=x", true, 0);
	stage_leave(&stage); /* before the bus has said who it is */
	stage_settle(&stage);
	assert_int_equal(stage.answers + stage.refusals, 0);
	assert_int_equal(stage.ends, 1);
	stage_free(&stage);
}

static void a_caller_that_left_before_it_was_known_is_not_told_of_either(void **state) {
	struct caller *caller;
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_SILENT, false);
	caller = stage_caller(&stage, stage.client);
	stage_leave(&stage);
	stage_until(&stage, caller->gone);
	stage_call_of(&stage, caller, "Host.SetHostname", "hostname=x", true, 0);
	stage_settle(&stage);
	assert_int_equal(stage.answers + stage.refusals, 0);
	assert_int_equal(stage.ends, 1);
	assert_int_equal(stage_log_lines(), 0);
	stage_free(&stage);
}

static void on_known(struct caller *caller, int error, void *userdata) {
	(void)caller;
	(void)userdata;
	assert_int_equal(error, 0);
}

static void who_has_called_is_known_until_it_leaves(void **state) {
	struct stage stage;
	struct caller *caller;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	stage.scripts[0] = "find=0 grant ok";
	stage_call(&stage, "Host.GetHostname", "", false, 0);
	stage_settle(&stage);
	caller = stage_caller(&stage, stage.client);
	assert_true(caller->known);
	assert_true(fcntl(caller->pidfd, F_GETFD) >= 0);
	stage_leave(&stage);
	stage_until(&stage, caller->gone);
	caller_release(caller); /* and with that its pidfd is closed: stage_free() counts */
	stage_free(&stage);
}

static void of_too_many_who_have_called_the_oldest_are_forgotten(void **state) {
	enum { N = 132, KEPT = 128 };

	static sd_bus *clients[N];
	size_t known = 0;
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	for (size_t i = 0; i < N; i++)
		clients[i] = stage_connect(&stage, false);
	for (size_t i = 0; i < N; i++) {
		struct caller *caller = stage_caller(&stage, clients[i]);

		assert_int_equal(caller_identify(caller, on_known, NULL), 0);
		stage_until(&stage, caller->known);
		caller_release(caller);
	}
	for (size_t i = 0; i < N; i++) {
		struct caller *caller = stage_caller(&stage, clients[i]);

		assert_int_equal(caller->known, i >= N - KEPT);
		known += caller->known;
		caller_release(caller);
	}
	assert_int_equal(known, KEPT);
	for (size_t i = 0; i < N; i++)
		sd_bus_flush_close_unref(clients[i]);
	stage_free(&stage);
}

static void many_calls_of_one_caller_are_each_answered_once(void **state) {
	enum { N = 8 };
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	for (size_t i = 0; i < N; i++) {
		stage.scripts[i] = i % 2 ? "find=3 grant ok" : "find=3 grant code=5";
		stage_call(&stage, "Host.SetHostname", "hostname=x", false, 0);
	}
	stage_settle(&stage);
	assert_int_equal(stage.answers, N / 2);
	assert_int_equal(stage.refusals, N / 2);
	assert_int_equal(stage.ends, N);
	assert_int_equal(stage.questions, N);
	stage_free(&stage);
}

static void one_call_too_many_of_a_user_is_refused_and_the_others_are_not(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	for (size_t i = 0; i < 65; i++) {
		stage.scripts[i] = "find=0 grant ok";
		stage_call(&stage, "Host.SetHostname", "hostname=x", false, 0);
	}
	stage_settle(&stage);
	assert_int_equal(stage.answers, 64);
	assert_int_equal(stage.refusals, 1);
	assert_int_equal(stage.ends, 65);
	assert_int_equal(refusal_of(stage.code), REFUSED_LIMIT);
	assert_non_null(strstr(stage.sentence, "64"));
	/* and when those are over there is room again */
	stage.scripts[64] = "find=0 grant ok";
	stage_call(&stage, "Host.SetHostname", "hostname=x", false, 0);
	stage_settle(&stage);
	assert_int_equal(stage.answers, 65);
	stage_free(&stage);
}

static void add_mounts(struct stage *stage, size_t n, uid_t owner) {
	while (n-- > 0) {
		Usher__MountReply *reply =
			(Usher__MountReply *)message_new(&usher__mount_reply__descriptor);
		struct fds none = { 0 };
		struct object *object;

		reply->made = (Usher__MountObject *)message_new(&usher__mount_object__descriptor);
		reply->made->has_id = reply->made->has_owner = true;
		reply->made->has_host = reply->made->host = true;
		reply->made->owner = owner;
		reply->made->lifetime = strdup("manual");
		assert_int_equal(objects_expect(&stage->desk.objects[KIND_MOUNT], NULL, NULL,
						&reply->base, &none, -1, &object),
				 0);
		object_show(object);
		usher__mount_reply__free_unpacked(reply, NULL);
	}
}

static void one_mount_too_many_of_a_user_is_refused(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	stage.scripts[0] = "find=0 grant code=-5"; /* the service's own look */
	stage.scripts[1] = "find=0 grant ok";
	stage.scripts[2] = "find=0 grant made=manual go done";
	add_mounts(&stage, 1000, stage.uid);
	stage_call(&stage, "Mounts.Mount", "target=/m|fstype=tmpfs", false, 0);
	stage_settle(&stage);
	assert_int_equal(stage.refusals, 1);
	assert_int_equal(refusal_of(stage.code), REFUSED_LIMIT);
	assert_non_null(strstr(stage.sentence, "1000"));
	/* what makes none is not counted, nor what is another user's */
	stage_call(&stage, "Host.SetHostname", "hostname=x", false, 0);
	stage_settle(&stage);
	assert_int_equal(stage.answers, 1);
	object_remove(&mounts_first(&stage.desk.mounts)->base);
	add_mounts(&stage, 1, stage.uid + 1);
	stage_call(&stage, "Mounts.Mount", "target=/m|fstype=tmpfs", false, 0);
	stage_settle(&stage);
	assert_int_equal(stage.answers, 2);
	stage_free(&stage);
}

/* What goes below a mount that is not shared goes unseen. */
static void mounts_that_have_gone_unseen_do_not_count_for_long(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	stage.scripts[0] = "find=0 grant list";
	stage.scripts[1] = "find=0 grant made=manual go done";
	add_mounts(&stage, 1000, stage.uid);
	for (int i = 0; i < 2; i++) {
		stage_call(&stage, "Mounts.Mount", "target=/m|fstype=tmpfs", false, 0);
		stage_settle(&stage);
	}
	assert_int_equal(stage.refusals, 1);
	assert_int_equal(stage.answers, 1);
	stage_free(&stage);
}

static void a_caller_that_leaves_takes_all_its_questions_along(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_SILENT, false);
	for (size_t i = 0; i < 4; i++) {
		stage.scripts[i] = "find=3 grant ok";
		stage_call(&stage, "Host.SetHostname", "hostname=x", true, 0);
	}
	stage_until(&stage, stage.questions == 4);
	stage_leave(&stage);
	stage_settle(&stage);
	assert_int_equal(stage.cancelled, 4);
	assert_int_equal(stage.answers + stage.refusals, 0);
	assert_int_equal(stage.ends, 4);
	stage_free(&stage);
}

static void a_service_that_leaves_waits_for_no_person(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_SILENT, false);
	stage.scripts[0] = "find=3 grant ok";
	stage_call(&stage, "Host.SetHostname", "hostname=x", true, 0);
	stage_until(&stage, stage.questions == 1);
	call_wind_up(&stage.desk);
	stage_settle(&stage);
	assert_int_equal(stage.refusals, 1);
	assert_int_equal(refusal_of(stage.code), REFUSED_RETRY);
	assert_int_equal(stage.cancelled, 1);
	stage_free(&stage);
}

/* ---- the worker cannot be had ---- */

static void a_worker_that_is_not_there_is_a_failure(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	stage.worker_source = sd_event_source_disable_unref(stage.worker_source);
	fd_closep(&stage.worker);
	stage_call(&stage, "Host.SetHostname", "hostname=x", false, 0);
	stage_settle(&stage);
	assert_int_equal(stage.refusals, 1);
	assert_int_equal(refusal_of(stage.code), REFUSED_FAILED);
	assert_non_null(strstr(stage.sentence, "cannot be reached"));
	stage_free(&stage);
}

static void a_worker_that_does_not_keep_up_makes_callers_try_again(void **state) {
	struct stage stage;
	int fd, n = 0;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	fd = some_descriptor();
	assert_true(sd_event_source_set_enabled(stage.worker_source, SD_EVENT_OFF) >= 0);
	while (fd_send(stage.desk.launcher.pair, fd, MSG_DONTWAIT) == 0)
		assert_true(n++ < 100000);
	(void)close(fd);
	stage_call(&stage, "Host.SetHostname", "hostname=x", false, 0);
	stage_settle(&stage);
	assert_int_equal(stage.refusals, 1);
	assert_int_equal(refusal_of(stage.code), REFUSED_RETRY);
	stage_free(&stage);
}

static void arguments_that_no_frame_holds_are_refused(void **state) {
	char *fields = malloc(17 * 1024 * 1024);
	struct stage stage;

	(void)state;
	assert_non_null(fields);
	strcpy(fields, "target=/m|fstype=tmpfs|mount_options=");
	memset(fields + strlen(fields), 'x', 16 * 1024 * 1024 + 10);
	fields[16 * 1024 * 1024 + 10] = '\0';
	stage_new(&stage, POLKIT_YES, false);
	stage_call(&stage, "Mounts.Mount", fields, false, 0);
	stage_settle(&stage);
	assert_int_equal(stage.refusals, 1);
	assert_int_equal(refusal_of(stage.code), REFUSED_LIMIT);
	stage_free(&stage);
	free(fields);
}

/* ---- what it means to the service ---- */

#define MOUNT "Mounts.Mount", "target=/m|fstype=tmpfs"

static const struct mount *make_mount(struct stage *stage, const char *script) {
	stage->scripts[0] = script;
	stage_call(stage, MOUNT, false, 0);
	stage_settle(stage);
	assert_int_equal(stage->answers, 1);
	return mounts_first(&stage->desk.mounts);
}

static void a_mount_that_was_made_is_an_object(void **state) {
	struct stage stage;
	const struct mount *mount;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	mount = make_mount(&stage, "find=0 grant made=manual go done");
	assert_non_null(mount);
	assert_null(mounts_next(mount));
	assert_int_equal(mount->object->id, UNLIKELY_ID);
	assert_int_equal(mount->object->owner, stage.uid);
	assert_ptr_equal(mounts_find_id(&stage.desk.mounts, UNLIKELY_ID, true), mount);
	assert_ptr_equal(mounts_find(&stage.desk.mounts, mount->object->number), mount);
	assert_ptr_equal(objects_find_path(&stage.desk.objects[KIND_MOUNT], "/org/usher1/mount/1"),
			 &mount->base);
	stage_free(&stage);
}

/* Nobody sees what is not there yet; but that it will be is known, whoever dies then. */
static void a_mount_is_an_object_before_it_is_there_and_shown_when_it_is(void **state) {
	struct stage stage;
	const struct mount *mount;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	stage.scripts[0] = "find=0 grant made=manual go hang";
	stage.scripts[1] = "find=0 grant ok";
	stage_call(&stage, MOUNT, false, 0);
	stage_until(&stage, stage.n_children > 0 && stage.children[0].grants == 2);
	mount = mounts_first(&stage.desk.mounts);
	assert_non_null(mount);
	assert_int_equal(stage.answers, 0);
	assert_null(objects_find_path(&stage.desk.objects[KIND_MOUNT], "/org/usher1/mount/1"));
	/* a look at the mount table does not find it, and does not judge it */
	mounts_reconcile(&stage.desk.mounts);
	stage_until(&stage, stage.n_children == 2 && stage.children[1].grants == 1);
	for (int i = 0; i < 20; i++)
		stage_turn(&stage);
	assert_ptr_equal(mounts_first(&stage.desk.mounts), mount);
	stage.children[0].script = "done";
	stage_settle(&stage);
	assert_int_equal(stage.answers, 1);
	assert_ptr_equal(objects_find_path(&stage.desk.objects[KIND_MOUNT], "/org/usher1/mount/1"),
			 &mount->base);
	stage_free(&stage);
}

static void assert_unmounted_by_the_service(const struct stage *stage, size_t place) {
	const struct child *child = &stage->children[place];
	const Usher__UnmountObjectRequest *m = (const void *)child->request;

	assert_int_equal(stage->n_children, place + 1);
	assert_string_equal(child->order->operation, "Mount.Unmount");
	assert_false(child->order->has_caller_fd); /* the service's own order */
	assert_true(m->has_id && m->id == UNLIKELY_ID);
	assert_true(m->has_lazy && m->lazy);
	assert_null(mounts_first(&stage->desk.mounts));
}

/* Whoever unmounts it at once finds nobody in it. */
static void a_mount_is_told_of_when_its_child_has_let_go_of_it(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	stage.scripts[0] = "find=0 grant made=manual go said hang";
	stage_call(&stage, MOUNT, false, 0);
	stage_until(&stage, stage.desk.first && stage.desk.first->done);
	for (size_t i = 0; i < 20; i++)
		assert_true(sd_event_run(stage.event, 1000) >= 0);
	assert_int_equal(stage.answers, 0);
	stage.children[0].script = "die";
	stage_settle(&stage);
	assert_int_equal(stage.answers, 1);
	stage_free(&stage);
}

static void a_mount_goes_with_its_connection(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_NO, false);
	(void)make_mount(&stage, "find=0 grant made=connection go done");
	stage.scripts[1] = "find=3 grant ok";
	stage_leave(&stage);
	stage_until(&stage, stage.client_gone);
	stage_settle(&stage);
	assert_unmounted_by_the_service(&stage, 1);
	assert_int_equal(stage.questions, 0); /* it is nobody's wish but the service's */
	stage_free(&stage);
}

static void a_manual_mount_stays_without_its_connection(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make_mount(&stage, "find=0 grant made=manual go done");
	stage_leave(&stage);
	stage_settle(&stage);
	assert_int_equal(stage.n_children, 1);
	assert_non_null(mounts_first(&stage.desk.mounts));
	stage_free(&stage);
}

/* A child that has gone may have attached what it announced, or not. */
static void what_was_announced_and_did_not_come_about_is_undone(void **state) {
	static const char *const scripts[] = {
		"find=0 grant made=manual go die",
		"find=0 grant made=manual go code=-16",
		"find=0 grant made=manual go garbage",
		"find=0 grant made=manual made=manual go done",
		"find=0 grant made=manual go find=0",
	};

	(void)state;
	for (size_t i = 0; i < N_OF(scripts); i++) {
		struct stage stage;

		stage_new(&stage, POLKIT_YES, false);
		stage.scripts[0] = scripts[i];
		stage.scripts[1] = "find=3 grant ok";
		stage_call(&stage, MOUNT, false, 0);
		stage_settle(&stage);
		assert_int_equal(stage.answers, 0);
		assert_int_equal(stage.refusals, 1);
		assert_unmounted_by_the_service(&stage, 1);
		stage_free(&stage);
	}
}

static void what_its_child_has_taken_away_itself_is_not_looked_for(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	stage.scripts[0] = "find=0 grant made=manual go code=-16+gone";
	stage_call(&stage, MOUNT, false, 0);
	stage_settle(&stage);
	assert_int_equal(stage.refusals, 1);
	assert_int_equal(stage.n_children, 1);
	assert_null(mounts_first(&stage.desk.mounts));
	stage_free(&stage);
}

/* ---- ids that are used again, as they are before Linux 6.8 ---- */

static void a_mount_with_the_id_of_one_that_goes_waits_for_that_and_is_an_object(void **state) {
	struct stage stage;
	const struct mount *mount;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make_mount(&stage, "find=0 grant made=manual go done");
	stage.scripts[1] = "find=3+id grant hang"; /* it has gone, and that is not told yet */
	stage.scripts[2] = "find=0 grant made=manual go done";
	stage_call(&stage, "Mounts.Unmount", "target=/m", false, 0);
	stage_until(&stage, stage.n_children == 2 && stage.children[1].grants == 1);
	stage_call(&stage, MOUNT, false, 0);
	stage_until(&stage, stage.desk.objects[KIND_MOUNT].last_number == 2);
	for (int i = 0; i < 20; i++)
		stage_turn(&stage);
	mount = mounts_first(&stage.desk.mounts);
	assert_int_equal(stage.children[2].grants, 1);
	stage.children[1].script = "ok";
	stage_settle(&stage);
	assert_int_equal(stage.answers, 3);
	assert_int_equal(stage.children[2].grants, 2);
	assert_ptr_equal(mounts_first(&stage.desk.mounts), mount);
	assert_null(mounts_next(mount)); /* the former has gone */
	assert_false(mount->base.hidden);
	stage_free(&stage);
}

static void one_with_the_id_of_another_shows_that_this_has_gone(void **state) {
	struct stage stage;
	const struct mount *mount;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	stage.scripts[0] = stage.scripts[1] = "find=0 grant made=manual go done";
	for (int i = 0; i < 2; i++) {
		stage_call(&stage, MOUNT, false, 0);
		stage_settle(&stage);
	}
	assert_int_equal(stage.answers, 2);
	mount = mounts_first(&stage.desk.mounts);
	assert_int_equal(mount->object->number, 2);
	assert_null(mounts_next(mount));
	stage_free(&stage);
}

static void one_with_another_id_does_not_wait(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make_mount(&stage, "find=0 grant made=manual go done");
	stage.scripts[1] = "find=3+id grant hang";
	stage.scripts[2] = "find=0 grant made=manual go done";
	stage_call(&stage, "Mounts.Unmount", "target=/m", false, 0);
	stage_until(&stage, stage.n_children == 2 && stage.children[1].grants == 1);
	stage.further = 1;
	stage_call(&stage, MOUNT, false, 0);
	stage_until(&stage, stage.answers == 2);
	stage.children[1].script = "ok";
	stage_settle(&stage);
	assert_int_equal(stage.answers, 3);
	assert_non_null(mounts_first(&stage.desk.mounts));
	stage_free(&stage);
}

static void what_was_allowed_of_a_mount_that_has_gone_is_not_done_to_its_twin(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_SILENT, false);
	(void)make_mount(&stage, "find=0 grant made=manual go done");
	stage.scripts[1] = "find=3+id grant ok";
	stage_call(&stage, "Mounts.Unmount", "target=/m", true, 0);
	stage_until(&stage, stage.questions == 1);
	object_remove(&mounts_first(&stage.desk.mounts)->base);
	stage_allow(&stage);
	stage_settle(&stage);
	assert_int_equal(stage.refusals, 1);
	assert_int_equal(refusal_of(stage.code), REFUSED_NOT_FOUND);
	assert_int_equal(stage.children[1].grants, 0);
	stage_free(&stage);
}

/* An id alone does not tell what nobody has been told of; the place tells it, until it is moved. */
static void what_is_undone_is_looked_for_where_it_was_unless_it_was_moved(void **state) {
	(void)state;
	for (size_t moved = 0; moved < 2; moved++) {
		const Usher__UnmountObjectRequest *m;
		struct stage stage;

		stage_new(&stage, POLKIT_YES, false);
		stage.scripts[0] = "find=0 grant made=manual go hang";
		stage.scripts[1] = moved ? "find=3+id grant ok" : "find=3+id grant code=-22";
		stage.scripts[2] = "find=3 grant ok";
		stage_call(&stage, MOUNT, false, 0);
		stage_until(&stage, stage.n_children > 0 && stage.children[0].grants == 2);
		stage_call(&stage, "Mounts.Move", "from=/m|to=/n", false, 0);
		stage_until(&stage, stage.answers + stage.refusals == 1);
		stage.children[0].script = "code=-16";
		stage_settle(&stage);
		assert_unmounted_by_the_service(&stage, 2);
		m = (const void *)stage.children[2].request;
		assert_int_equal(m->unmoved, !moved);
		stage_free(&stage);
	}
}

static void a_mount_elsewhere_does_not_make_one_here_its_owners(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make_mount(&stage, "find=0 grant made=manual go done");
	mounts_first(&stage.desk.mounts)->object->host = false;
	stage.scripts[1] = "find=3+id grant ok";
	stage_call(&stage, "Mounts.Unmount", "target=/m", false, 0);
	stage_settle(&stage);
	assert_string_equal(stage.action, "org.usher1.unmount");
	assert_non_null(mounts_first(&stage.desk.mounts));
	stage_free(&stage);
}

/* Its child is let go of before it makes anything. */
static void a_mount_that_is_announced_too_late_is_not_made(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	stage.scripts[0] = "find=0 grant told made=manual go done";
	stage_call(&stage, "Mounts.Mount", "target=/m|fstype=tmpfs|deadline_usec=1000", false, 0);
	stage_settle(&stage);
	assert_int_equal(stage.refusals, 1);
	assert_int_equal(stage.children[0].grants, 1);
	assert_null(mounts_first(&stage.desk.mounts));
	stage_free(&stage);
}

/* The caller was told that nothing was left behind, so nothing may be. */
static void a_mount_that_came_too_late_is_undone(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	stage.scripts[0] = "find=0 grant made=manual go told done";
	stage.scripts[1] = "find=3 grant ok";
	stage_call(&stage, "Mounts.Mount", "target=/m|fstype=tmpfs|deadline_usec=1000", false, 0);
	stage_settle(&stage);
	assert_int_equal(stage.refusals, 1);
	assert_int_equal(refusal_of(stage.code), REFUSED_TIMED_OUT);
	assert_int_equal(stage.answers, 0);
	assert_unmounted_by_the_service(&stage, 1);
	stage_free(&stage);
}

static void a_mount_for_a_connection_that_has_left_meanwhile_is_undone(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	stage.scripts[0] = "find=0 grant made=connection go leave gone done";
	stage.scripts[1] = "find=3 grant ok";
	stage_call(&stage, MOUNT, false, 0);
	stage_settle(&stage);
	assert_int_equal(stage.answers + stage.refusals, 0);
	assert_unmounted_by_the_service(&stage, 1);
	stage_free(&stage);
}

static void a_mount_for_a_caller_that_has_left_before_is_not_made(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	stage.scripts[0] = "find=0 grant leave gone made=manual go done";
	stage_call(&stage, MOUNT, false, 0);
	stage_settle(&stage);
	assert_int_equal(stage.answers + stage.refusals, 0);
	assert_int_equal(stage.n_children, 1);
	assert_int_equal(stage.children[0].grants, 1);
	assert_null(mounts_first(&stage.desk.mounts));
	stage_free(&stage);
}

static void a_manual_mount_for_a_caller_that_has_left_stays(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	stage.scripts[0] = "find=0 grant made=manual go leave gone done";
	stage_call(&stage, MOUNT, false, 0);
	stage_settle(&stage);
	assert_int_equal(stage.n_children, 1);
	assert_non_null(mounts_first(&stage.desk.mounts));
	stage_free(&stage);
}

static void an_object_that_is_found_to_be_gone_is_forgotten(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make_mount(&stage, "find=0 grant made=connection go done");
	stage.scripts[1] = "code=3";
	stage_leave(&stage);
	stage_until(&stage, stage.client_gone);
	stage_settle(&stage);
	assert_null(mounts_first(&stage.desk.mounts));
	stage_free(&stage);
}

/* It is nobody's any more, so nobody else would. */
static void what_could_not_go_with_its_connection_is_tried_again_when_the_table_changes(
	void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make_mount(&stage, "find=0 grant made=connection go done");
	stage.scripts[1] = "code=-16";
	stage_leave(&stage);
	stage_until(&stage, stage.client_gone);
	stage_settle(&stage);
	assert_non_null(mounts_first(&stage.desk.mounts));
	stage.scripts[2] = stage.scripts[3] = "find=0 grant list";
	stage.scripts[4] = "find=3 grant ok";
	/* not with every change: whoever has many such mounts would make work for all others */
	mounts_reconcile(&stage.desk.mounts);
	stage_settle(&stage);
	assert_int_equal(stage.n_children, 3);
	mounts_first(&stage.desk.mounts)->again_usec = 1; /* a second later */
	mounts_reconcile(&stage.desk.mounts);
	stage_settle(&stage);
	assert_unmounted_by_the_service(&stage, 4);
	stage_free(&stage);
}

static void of_many_mounts_without_an_owner_a_few_go_at_once(void **state) {
	enum { N = 20, AT_ONCE = 8 };
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	for (size_t i = 0; i < N; i++) {
		stage.scripts[i] = "find=0 grant made=connection go done";
		stage.scripts[N + i] = i < AT_ONCE ? "find=3 grant hang" : "find=3 grant ok";
		stage.further = i;
		stage_call(&stage, MOUNT, false, 0);
		stage_settle(&stage);
	}
	stage_leave(&stage);
	stage_until(&stage, stage.n_children == N + AT_ONCE);
	for (size_t i = 0; i < 50; i++)
		assert_true(sd_event_run(stage.event, 1000) >= 0);
	assert_int_equal(stage.n_children, N + AT_ONCE);
	for (size_t i = 0; i < AT_ONCE; i++)
		stage.children[N + i].script = "ok";
	stage_settle(&stage);
	assert_int_equal(stage.n_children, 2 * N);
	assert_null(mounts_first(&stage.desk.mounts));
	stage_free(&stage);
}

/* Of the calls of one user two are at work; another's do not wait for them. */
static void a_crowd_of_one_users_calls_takes_turns(void **state) {
	enum { N = 10 };
	struct stage stage;
	uint64_t began, now;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	assert_true(sd_event_now(stage.event, CLOCK_MONOTONIC, &began) >= 0);
	for (size_t i = 0; i < N; i++) {
		stage.scripts[i] = "hang";
		stage_call(&stage, "Host.GetHostname", "", false, 0);
	}
	stage_until(&stage, stage.n_children == N);
	assert_true(sd_event_now(stage.event, CLOCK_MONOTONIC, &now) >= 0);
	/* each pair begins when the one before has been at it for 20 ms */
	assert_true(now - began >= (N / 2 - 1) * UINT64_C(20000));
	for (size_t i = 0; i < N; i++)
		stage.children[i].script = "find=0 grant ok";
	stage_settle(&stage);
	assert_int_equal(stage.answers, N);
	stage_free(&stage);
}

static void an_object_stays_as_long_as_its_mount_is_in_the_table(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make_mount(&stage, "find=0 grant made=manual go done");
	stage.scripts[1] = "find=0 grant list";
	mounts_reconcile(&stage.desk.mounts);
	mounts_reconcile(&stage.desk.mounts); /* again while it looks: once more after it */
	stage.scripts[2] = "find=0 grant ok";
	stage_until(&stage, stage.n_children == 2);
	assert_non_null(mounts_first(&stage.desk.mounts));
	stage_settle(&stage);
	assert_int_equal(stage.n_children, 3);
	assert_string_equal(stage.children[2].order->operation, "Mounts.List");
	assert_false(stage.children[2].order->has_caller_fd);
	assert_null(mounts_first(&stage.desk.mounts)); /* the second look found nothing */
	stage_free(&stage);
}

static void a_look_that_fails_forgets_nothing(void **state) {
	static const char *const scripts[] = { "code=-5", "die", "garbage", "find=0 grant bad" };

	(void)state;
	for (size_t i = 0; i < N_OF(scripts); i++) {
		struct stage stage;

		stage_new(&stage, POLKIT_YES, false);
		(void)make_mount(&stage, "find=0 grant made=manual go done");
		stage.scripts[1] = scripts[i];
		mounts_reconcile(&stage.desk.mounts);
		stage_settle(&stage);
		assert_non_null(mounts_first(&stage.desk.mounts));
		stage_free(&stage);
	}
}

static void what_is_unmounted_is_an_object_no_more(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make_mount(&stage, "find=0 grant made=manual go done");
	stage.scripts[1] = "find=3+id grant ok";
	stage_call(&stage, "Mounts.Unmount", "target=/m", false, 0);
	stage_settle(&stage);
	assert_int_equal(stage.answers, 2);
	assert_string_equal(stage.action,
			    "org.usher1.unmount-own"); /* the broker knows whose it is */
	assert_null(mounts_first(&stage.desk.mounts));
	stage_free(&stage);
}

static void what_could_not_be_unmounted_is_an_object_still(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make_mount(&stage, "find=0 grant made=manual go done");
	stage.scripts[1] = "find=3+id grant code=-16";
	stage_call(&stage, "Mounts.Unmount", "target=/m", false, 0);
	stage_settle(&stage);
	assert_int_equal(stage.refusals, 1);
	assert_non_null(mounts_first(&stage.desk.mounts));
	stage_free(&stage);
}

/* A child compares what lies at a name before it takes it off: of two that had compared, the second
 * would take what lay below. */
static void of_two_who_unmount_the_same_only_one_begins(void **state) {
	static const char *const second[] = { "Mounts.Unmount", "Mounts.Move" };
	static const char *const fields[] = { "target=/m", "from=/m|to=/n" };

	(void)state;
	for (size_t i = 0; i < N_OF(second); i++) {
		struct stage stage;

		stage_new(&stage, POLKIT_YES, false);
		(void)make_mount(&stage, "find=0 grant made=manual go done");
		stage.scripts[1] = "find=3+id grant hang";
		stage.scripts[2] = "find=3+id grant ok";
		stage_call(&stage, "Mounts.Unmount", "target=/m", false, 0);
		stage_until(&stage, stage.n_children > 1 && stage.children[1].grants > 0);
		stage_call(&stage, second[i], fields[i], false, 0);
		stage_until(&stage, stage.refusals + stage.answers == 2);
		assert_int_equal(stage.refusals, 1);
		assert_int_equal(refusal_of(stage.code), REFUSED_BUSY);
		assert_int_equal(stage.children[2].grants, 0);
		stage.children[1].script = "ok";
		stage_settle(&stage);
		assert_int_equal(stage.answers, 2);
		assert_null(mounts_first(&stage.desk.mounts));
		stage_free(&stage);
	}
}

static void a_mount_that_stayed_may_be_unmounted_again(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make_mount(&stage, "find=0 grant made=manual go done");
	stage.scripts[1] = "find=3+id grant code=-16";
	stage.scripts[2] = "find=3+id grant die";
	stage.scripts[3] = "find=3+id grant ok";
	for (int i = 0; i < 3; i++) {
		stage_call(&stage, "Mounts.Unmount", "target=/m", false, 0);
		stage_settle(&stage);
	}
	assert_int_equal(stage.refusals, 2);
	assert_int_equal(stage.answers, 2);
	assert_null(mounts_first(&stage.desk.mounts));
	stage_free(&stage);
}

static void a_mount_of_another_users_is_asked_about_as_such(void **state) {
	struct stage stage;
	struct mount *mount;

	(void)state;
	stage_new(&stage, POLKIT_NO, false);
	(void)make_mount(&stage, "find=0 grant made=manual go done");
	mount = mounts_first(&stage.desk.mounts);
	mount->object->owner = stage.uid + 1;
	stage.scripts[1] = "find=3+id grant ok";
	stage_call(&stage, "Mounts.Unmount", "target=/m", false, 0);
	stage_settle(&stage);
	assert_string_equal(stage.action, "org.usher1.unmount-others");
	assert_int_equal(stage.refusals, 1);
	/* whoever remounts it is an administrator: there is no such action for others */
	stage.scripts[2] = "find=3+id grant ok";
	stage_call(&stage, "Mounts.Remount", "target=/m|mount_options=ro", false, 0);
	stage_settle(&stage);
	assert_string_equal(stage.action, "org.usher1.remount");
	assert_non_null(mounts_first(&stage.desk.mounts));
	stage_free(&stage);
}

static void numbers_of_objects_are_not_used_again(void **state) {
	struct stage stage;
	uint64_t first;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	first = make_mount(&stage, "find=0 grant made=manual go done")->object->number;
	object_remove(&mounts_first(&stage.desk.mounts)->base);
	stage.scripts[1] = "find=0 grant made=manual go done";
	stage_call(&stage, MOUNT, false, 0);
	stage_settle(&stage);
	assert_true(mounts_first(&stage.desk.mounts)->object->number > first);
	stage_free(&stage);
}

/* What hangs must not take the deadline of a person into account, and the other way round. */
static void a_child_that_dies_while_a_person_thinks_did_not_run_out_of_time(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_SILENT, false);
	stage.scripts[0] = "find=3 asked hang";
	stage_call(&stage, "Host.SetHostname", "hostname=x|deadline_usec=1000", true, 0);
	stage_until(&stage, stage.questions == 1);
	(void)usleep(5000);
	stage.children[0].script = "die";
	stage_settle(&stage);
	assert_int_equal(refusal_of(stage.code), REFUSED_FAILED);
	stage_free(&stage);
}

/* A bus lets one connection wait for 128 answers. */
static void however_many_ask_there_is_room_for_other_answers(void **state) {
	struct desk desk = { .configuration.limits = limits_usual };
	struct caller callers[6 + 1] = { 0 };
	struct call calls[6 * 16 + 1] = { 0 };
	struct refusal refusal = { 0 };

	(void)state;
	for (size_t i = 0; i < N_OF(calls); i++) {
		struct caller *caller = &callers[i / 16];

		*caller = (struct caller){ .known = true, .uid = 1000 + i / 16 };
		calls[i] = (struct call){
			.desk = &desk, .next = desk.first, .caller = caller, .interactive = true
		};
		desk.first = &calls[i];
		assert_int_equal(quota_check_question(&calls[i], &refusal),
				 i + 1 < N_OF(calls) ? 0 : REFUSED_LIMIT);
		calls[i].question = (struct authority_question *)(void *)&calls[i];
	}
	assert_non_null(strstr(refusal.text, "96 questions"));
	calls[0].question = NULL;
	calls[16].question = NULL;
	calls[N_OF(calls) - 1].caller = &callers[1];
	assert_int_equal(quota_check_question(&calls[0], &refusal), 0);
	calls[16].question = calls[1].question;
	assert_int_equal(quota_check_question(&calls[16], &refusal), REFUSED_LIMIT);
	assert_non_null(strstr(refusal.text, "Questions=16"));
	/* who lets nobody be asked waits for polkit alone */
	calls[16].question = NULL;
	calls[16].interactive = false;
	assert_int_equal(quota_check_question(&calls[16], &refusal), 0);
}

static void keep_many(struct objects *timers, struct object *objects, size_t n, uid_t owner) {
	for (size_t i = 0; i < n; i++) {
		objects[i] = (struct object){ .next = timers->first,
					      .objects = timers,
					      .owner = owner,
					      .fd = 0,
					      .socket = -1,
					      .more = { -1, -1, -1 } };
		timers->first = &objects[i];
	}
}

/* Two for each of them, and as many as an object may have for what is asked for. */
static void nobody_keeps_more_than_is_left_for_others(void **state) {
	static struct object objects[2049];
	static struct desk desk; /* without any limit */
	struct caller caller = { .known = true, .uid = 1000 };
	struct call call = { .desk = &desk,
			     .caller = &caller,
			     .operation = operation_find("Timers", "Create") };
	struct objects *timers = &desk.objects[KIND_TIMER];
	struct refusal refusal = { 0 };

	(void)state;
	objects_init(desk.objects, &desk);
	desk.first = &call;
	keep_many(timers, objects, 1021, 1000);
	assert_int_equal(quota_check(&call, &refusal), 0);
	keep_many(timers, objects + 1021, 1, 1000);
	assert_int_equal(quota_check(&call, &refusal), REFUSED_LIMIT);
	assert_non_null(strstr(refusal.text, "FileDescriptorStoreMax=4096"));
	caller.uid = 1001;
	assert_int_equal(quota_check(&call, &refusal), 0);
	keep_many(timers, objects + 1022, 511, 1001);
	assert_int_equal(quota_check(&call, &refusal), REFUSED_LIMIT);
	caller.uid = 0; /* is told to stop by nobody but systemd */
	keep_many(timers, objects + 1533, 512, 0);
	assert_int_equal(quota_check(&call, &refusal), 0);
	keep_many(timers, objects + 2045, 4, 0);
	assert_int_equal(quota_check(&call, &refusal), REFUSED_LIMIT);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(however_many_ask_there_is_room_for_other_answers),
		cmocka_unit_test(nobody_keeps_more_than_is_left_for_others),
		cmocka_unit_test(sec_66_whatever_happens_a_call_is_answered_once),
		cmocka_unit_test(the_worker_is_told_who_asks_for_what),
		cmocka_unit_test(the_authority_is_asked_about_exactly_what_was_found),
		cmocka_unit_test(each_tier_asks_for_its_own_action),
		cmocka_unit_test(root_is_not_asked_about),
		cmocka_unit_test(nobody_is_asked_about_in_a_session),
		cmocka_unit_test(a_caller_that_nobody_could_identify_is_not_answered),
		cmocka_unit_test(a_caller_that_left_before_it_was_known_is_not_told_of_either),
		cmocka_unit_test(who_has_called_is_known_until_it_leaves),
		cmocka_unit_test(of_too_many_who_have_called_the_oldest_are_forgotten),
		cmocka_unit_test(many_calls_of_one_caller_are_each_answered_once),
		cmocka_unit_test(one_call_too_many_of_a_user_is_refused_and_the_others_are_not),
		cmocka_unit_test(one_mount_too_many_of_a_user_is_refused),
		cmocka_unit_test(mounts_that_have_gone_unseen_do_not_count_for_long),
		cmocka_unit_test(a_caller_that_leaves_takes_all_its_questions_along),
		cmocka_unit_test(a_service_that_leaves_waits_for_no_person),
		cmocka_unit_test(a_worker_that_is_not_there_is_a_failure),
		cmocka_unit_test(a_worker_that_does_not_keep_up_makes_callers_try_again),
		cmocka_unit_test(arguments_that_no_frame_holds_are_refused),
		cmocka_unit_test(a_mount_that_was_made_is_an_object),
		cmocka_unit_test(a_mount_is_told_of_when_its_child_has_let_go_of_it),
		cmocka_unit_test(a_mount_goes_with_its_connection),
		cmocka_unit_test(a_manual_mount_stays_without_its_connection),
		cmocka_unit_test(a_mount_is_an_object_before_it_is_there_and_shown_when_it_is),
		cmocka_unit_test(what_was_announced_and_did_not_come_about_is_undone),
		cmocka_unit_test(what_its_child_has_taken_away_itself_is_not_looked_for),
		cmocka_unit_test(
			a_mount_with_the_id_of_one_that_goes_waits_for_that_and_is_an_object),
		cmocka_unit_test(one_with_the_id_of_another_shows_that_this_has_gone),
		cmocka_unit_test(one_with_another_id_does_not_wait),
		cmocka_unit_test(what_was_allowed_of_a_mount_that_has_gone_is_not_done_to_its_twin),
		cmocka_unit_test(what_is_undone_is_looked_for_where_it_was_unless_it_was_moved),
		cmocka_unit_test(a_mount_elsewhere_does_not_make_one_here_its_owners),
		cmocka_unit_test(a_mount_that_is_announced_too_late_is_not_made),
		cmocka_unit_test(a_mount_for_a_caller_that_has_left_before_is_not_made),
		cmocka_unit_test(a_mount_that_came_too_late_is_undone),
		cmocka_unit_test(a_mount_for_a_connection_that_has_left_meanwhile_is_undone),
		cmocka_unit_test(a_manual_mount_for_a_caller_that_has_left_stays),
		cmocka_unit_test(an_object_that_is_found_to_be_gone_is_forgotten),
		cmocka_unit_test(
			what_could_not_go_with_its_connection_is_tried_again_when_the_table_changes),
		cmocka_unit_test(of_many_mounts_without_an_owner_a_few_go_at_once),
		cmocka_unit_test(a_crowd_of_one_users_calls_takes_turns),
		cmocka_unit_test(an_object_stays_as_long_as_its_mount_is_in_the_table),
		cmocka_unit_test(a_look_that_fails_forgets_nothing),
		cmocka_unit_test(what_is_unmounted_is_an_object_no_more),
		cmocka_unit_test(what_could_not_be_unmounted_is_an_object_still),
		cmocka_unit_test(of_two_who_unmount_the_same_only_one_begins),
		cmocka_unit_test(a_mount_that_stayed_may_be_unmounted_again),
		cmocka_unit_test(a_mount_of_another_users_is_asked_about_as_such),
		cmocka_unit_test(numbers_of_objects_are_not_used_again),
		cmocka_unit_test(a_child_that_dies_while_a_person_thinks_did_not_run_out_of_time),
	};

	return cmocka_run_group_tests(tests, stages_begin, stages_end);
}
