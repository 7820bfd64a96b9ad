/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is who in a new user namespace: what may be said, whose ids those are, and what the kernel
 * takes. */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "identity.h"
#include "message.h"
#include "support.h"
#include "surroundings.h"

/* Who asks, whose ranges are these: "a" is that user, and "b" another one. */
enum { ASKER = 54321, ASKERS_GROUP = 54322 };

static char base[64];

#define RANGES "u 700000 65536\nu 800000 10\ng 900000 65536\n"

static int make_ranges(void **state) {
	char path[96];
	FILE *file;

	(void)state;
	(void)snprintf(base, sizeof base, "/tmp/usher-identity-XXXXXX");
	if (!mkdtemp(base) || chmod(base, 0755) < 0)
		return -1;
	(void)snprintf(path, sizeof path, "%s/usher-ranges", base);
	file = fopen(path, "we");
	if (!file)
		return -1;
	(void)fprintf(file,
		      "#!/bin/sh\ncase $1 in\n"
		      "a|%d) printf 'p %d 1\\n" RANGES "' ;;\n"
		      "b) printf 'p 2222 1\\nu 300000 10\\ng 300000 10\\n' ;;\n"
		      "0) printf 'p 0 1\\n' ;;\n"
		      "2223) printf 'p 2223 1\\nu 500 600\\ng 500 600\\n' ;;\n"
		      "esac\n",
		      ASKER, ASKER);
	return fchmod(fileno(file), 0755) < 0 || fclose(file) != 0 ? -1 : 0;
}

static int remove_ranges(void **state) {
	char path[96];

	(void)state;
	(void)snprintf(path, sizeof path, "%s/usher-ranges", base);
	return unlink(path) == 0 && rmdir(base) == 0 ? 0 : -1;
}

/* ---- words ---- */

static int check(const char *fields, struct refusal *refusal) {
	char all[8192];
	ProtobufCMessage *request;
	int r;

	(void)snprintf(all, sizeof all, "name=x|%s", fields);
	request = request_of("Namespaces.Create", all);
	r = surroundings_check(request, refusal);
	message_freep(&request);
	return r;
}

static void words_that_can_be_are_let_through(void **state) {
	static const char *const good[] = {
		"types=user",
		"types=all",
		"types=net",
		"types=user|map_zero=yes",
		"types=user|map_zero=yes|uid_map=0 1000 1,1 100000 65535",
		"types=user|uid_map=0 1000 1|gid_map=0 1000 1,1 100000 65535",
		"types=net|types=user|uid_map=1000",
		"types=user|uid_map=1000,1001,5",
		"types=user|uid_map=0",
		"types=user|uid_map=auto",
		"types=user|uid_map=auto|map_zero=yes",
		"types=user|uid_map=alice|gid_map=alice",
		"types=user|uid_map=_x.y-z@w|map_zero=yes",
		"types=user|gid_map=auto",
	};

	(void)state;
	for (size_t i = 0; i < N_OF(good); i++) {
		struct refusal refusal = { 0 };

		if (check(good[i], &refusal) != 0)
			fail_msg("'%s': %s", good[i], refusal.text);
	}
}

static void words_that_cannot_be_are_refused_by_name(void **state) {
	static const struct {
		const char *fields, *word;
	} bad[] = {
		{ "types=net|uid_map=1000", "uid_map: takes a new namespace" },
		{ "types=net|gid_map=1000", "gid_map: takes a new namespace" },
		{ "types=net|map_zero=yes", "map_zero: takes a new namespace" },
		{ "types=user|map_zero=yes|uid_map=1 0 1", "map_zero: contradicts" },
		{ "types=user|map_zero=yes|gid_map=7 5 1",
		  "map_zero: contradicts the numbers of gid_map" },
		{ "types=user|uid_map_none=yes", "uid_map: names no range" },
		{ "types=user|uid_map=auto|gid_map_none=yes", "gid_map: names no range" },
		{ "types=user|uid_map=", "uid_map: '' is not" },
		{ "types=user|uid_map=1000,", "uid_map: '1000,' is not" },
		{ "types=user|uid_map=-1", "uid_map: '-1' is not" },
		{ "types=user|uid_map=4294967296", "uid_map: '4294967296' is not" },
		{ "types=user|uid_map=4294967295", "uid_map: the range" },
		{ "types=user|uid_map=5,5", "uid_map: ranges overlap" },
		{ "types=user|gid_map=0 5 1,0 6 1", "gid_map: ranges overlap" },
		{ "types=user|gid_map=0 5 1;3", "gid_map: '0 5 1;3': ranges are parted by commas" },
		{ "types=user|uid_map=root/x", "no user's name" },
		{ "types=user|uid_map=a b", "no user's name" },
		{ "types=user|uid_map=a|gid_map=b", "gid_map: names another user" },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(bad); i++) {
		struct refusal refusal = { 0 };

		assert_refusal(check(bad[i].fields, &refusal), REFUSED_INVALID, &refusal,
			       bad[i].word);
	}
}

/* Written in one piece of less than a page, or not at all. */
static void a_map_that_the_kernel_cannot_read_is_refused_before(void **state) {
	char fields[16384] = "types=user|uid_map=";
	struct refusal refusal = { 0 };

	(void)state;
	for (unsigned i = 0; i < 200; i++)
		(void)sprintf(fields + strlen(fields), "%s%u %u 1", i ? "," : "", 100000000 + i,
			      100000000 + i);
	assert_refusal(check(fields, &refusal), REFUSED_LIMIT, &refusal, "4096 bytes");
}

static void only_auto_takes_ids_from_the_broker(void **state) {
	static const struct {
		const char *fields;
		bool wants;
	} cases[] = {
		{ "name=x|types=user|uid_map=auto", true },
		{ "name=x|types=all|gid_map=auto", true },
		{ "name=x|types=user", false },
		{ "name=x|types=net", false },
		{ "name=x|types=user|uid_map=1000|gid_map=alice", false },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		ProtobufCMessage *request = request_of("Namespaces.Create", cases[i].fields);

		assert_int_equal(identity_wants_transient(request), cases[i].wants);
		message_freep(&request);
	}
}

/* ---- whose they are ---- */

struct asking {
	struct job job;
	struct identity identity;
	int r;
};

static struct asking *ask_as(uid_t uid, gid_t gid, int parent, const char *fields) {
	static struct asking asking;
	char all[1024];

	message_freep(&asking.job.request);
	free(asking.job.ranges);
	place_done(&asking.job.place);
	memset(&asking, 0, sizeof asking);
	asking.job.place = (struct place)PLACE_NONE;
	assert_int_equal(place_prepare(&asking.job.place), 0);
	asking.job.place.uid = uid;
	asking.job.place.gid = gid;
	asking.job.place.administrator = uid == 0;
	asking.job.place.caller_users = fcntl(asking.job.place.our_users, F_DUPFD_CLOEXEC, 3);
	(void)snprintf(all, sizeof all, "name=x|types=user|%s", fields);
	asking.job.request = request_of("Namespaces.Create", all);
	asking.r = identity_decide(&asking.job, base, parent, &asking.identity);
	return &asking;
}

static struct asking *ask(const char *fields) {
	return ask_as(ASKER, ASKERS_GROUP, -1, fields);
}

static void assert_map(const struct idmap *map, const char *text) {
	char said[1024] = "";

	for (size_t i = 0; i < map->n; i++)
		(void)sprintf(said + strlen(said), "%s%u %u %u", i ? "," : "", map->lines[i].inside,
			      map->lines[i].outside, map->lines[i].count);
	assert_string_equal(said, text);
}

static void assert_decided(const struct asking *asking, const char *uids, const char *gids,
			   enum tier tier) {
	if (asking->r != 0)
		fail_msg("%d: %s", asking->r, asking->job.refusal.text);
	assert_map(&asking->identity.uids, uids);
	assert_map(&asking->identity.gids, gids);
	assert_int_equal(asking->job.needed, tier);
}

static void required_root(void) {
	if (geteuid() != 0)
		skip_because("needs root");
}

static void nobody_is_asked_about_ones_own_ids(void **state) {
	struct asking *asking;

	(void)state;
	required_root();
	asking = ask("");
	assert_decided(asking, "54321 54321 1", "54322 54322 1", TIER_FREE);
	assert_int_equal(asking->identity.uid, ASKER);
	assert_int_equal(asking->identity.gid, ASKERS_GROUP);
	assert_false(asking->identity.groups);
	assert_false(asking->identity.keeps_gid);
	assert_null(asking->job.ranges); /* no program was started for that */
	asking = ask("map_zero=yes");
	assert_decided(asking, "0 54321 1", "0 54322 1", TIER_FREE);
	assert_int_equal(asking->identity.uid, 0);
	assert_decided(ask("uid_map=54321|gid_map=7 54322 1"), "0 54321 1", "7 54322 1", TIER_FREE);
	assert_decided(ask("map_zero=yes|uid_map=54321"), "0 54321 1", "0 54322 1", TIER_FREE);
}

static void nobody_is_asked_about_subordinate_ids(void **state) {
	struct asking *asking;

	(void)state;
	required_root();
	asking = ask("uid_map=0 54321 1,1 700000 65536|gid_map=0 900000 100");
	assert_decided(asking, "0 54321 1,1 700000 65536", "0 900000 100", TIER_FREE);
	assert_true(asking->identity.groups);
	assert_int_equal(asking->identity.gid, 0); /* its own is not there */
	asking = ask("uid_map=70 700000 9");
	assert_decided(asking, "70 700000 9", "54322 54322 1", TIER_FREE);
	assert_int_equal(asking->identity.uid, 70); /* nor is 0 */
	asking = ask("uid_map=a");
	assert_decided(asking, "0 700000 54321,54322 754322 11214,65536 800000 10,54321 54321 1",
		       "0 900000 54322,54323 954323 11213,54322 54322 1", TIER_FREE);
	assert_decided(ask("uid_map=a|map_zero=yes"), "1 700001 65535,65536 800000 10,0 54321 1",
		       "1 900001 65535,0 54322 1", TIER_FREE);
}

static void assert_refused(const struct asking *asking, enum refusal_code code, const char *word) {
	assert_refusal(asking->r, code, &asking->job.refusal, word);
}

static void sec_48_ids_of_others_are_refused_by_number(void **state) {
	static const struct {
		const char *fields, *word;
	} cases[] = {
		{ "uid_map=0 0 1", "uid_map: the ids 0-0 are not yours" },
		{ "uid_map=0", "uid_map: the ids 0-0 are not yours" },
		{ "uid_map=0 54320 2", "uid_map: the ids 54320-54321 are not yours" },
		{ "uid_map=54321,54322", "uid_map: the ids 54322-54322 are not yours" },
		{ "uid_map=0 699999 2", "uid_map: the ids 699999-700000 are not yours" },
		{ "uid_map=0 735536 30001", "uid_map: the ids 735536-765536 are not yours" },
		{ "gid_map=0 700000 1", "gid_map: the ids 700000-700000 are not yours" },
		{ "gid_map=0 900000 1,1 0 1", "gid_map: the ids 0-0 are not yours" },
		{ "uid_map=0 1879048192 1", "uid_map: the ids 1879048192-1879048192 are not" },
		{ "uid_map=b", "uid_map: the subordinate ids of b are not yours" },
		{ "gid_map=b", "gid_map: the subordinate ids of b are not yours" },
	};

	(void)state;
	required_root();
	for (size_t i = 0; i < N_OF(cases); i++)
		assert_refused(ask(cases[i].fields), REFUSED_PERMISSION, cases[i].word);
	assert_refused(ask("uid_map=nobody-of-that-name"), REFUSED_NOT_FOUND, "there is no user");
	assert_refused(ask("map_zero=yes|uid_map=0 700000 9,9 54321 1"), REFUSED_INVALID,
		       "map_zero: contradicts the numbers of uid_map");
}

/* Whatever an administrator wrote into /etc/subuid. */
static void the_machines_own_ids_are_nobodys_to_map(void **state) {
	(void)state;
	required_root();
	assert_refused(ask_as(2223, 2223, -1, "uid_map=0 500 1"), REFUSED_PERMISSION, "500-500");
	assert_refused(ask_as(2223, 2223, -1, "uid_map=0 999 2"), REFUSED_PERMISSION, "999-1000");
	assert_decided(ask_as(2223, 2223, -1, "uid_map=0 1000 100"), "0 1000 100", "2223 2223 1",
		       TIER_FREE);
	assert_decided(ask_as(33, 33, -1, ""), "33 33 1", "33 33 1", TIER_FREE);
}

static void a_range_that_was_set_aside_is_laid_around_ones_own_id(void **state) {
	static const char range[] = "|transient_start=1879048192|transient_count=65536";
	struct asking *asking;
	char fields[128];

	(void)state;
	required_root();
	(void)snprintf(fields, sizeof fields, "uid_map=auto%s", range);
	asking = ask(fields);
	assert_decided(asking, "0 1879048192 54321,54322 1879102514 11214,54321 54321 1",
		       "0 1879048192 54322,54323 1879102515 11213,54322 54322 1", TIER_OWN);
	assert_int_equal(asking->identity.uid, ASKER);
	(void)snprintf(fields, sizeof fields, "uid_map=auto|map_zero=yes%s", range);
	assert_decided(ask(fields), "1 1879048193 65535,0 54321 1", "1 1879048193 65535,0 54322 1",
		       TIER_OWN);
	(void)snprintf(fields, sizeof fields, "uid_map=auto%s", range);
	asking = ask_as(0, 0, -1, fields);
	assert_decided(asking, "0 1879048192 65536", "0 1879048192 65536", TIER_FREE);
	assert_int_equal(asking->identity.uid, 0);
	assert_decided(ask_as(70000, 70000, -1, fields), "0 1879048192 65536,70000 70000 1",
		       "0 1879048192 65536,70000 70000 1", TIER_OWN);
}

/* The broker may have been taken over. */
static void nothing_is_set_aside_among_the_ids_of_the_machine(void **state) {
	(void)state;
	required_root();
	assert_int_equal(ask("uid_map=auto|transient_start=0|transient_count=65536")->r, -EBADMSG);
	assert_int_equal(ask("uid_map=auto|transient_start=65535|transient_count=9")->r, -EBADMSG);
	assert_refused(ask("uid_map=0 65536 1|transient_start=65536|transient_count=9|gid_map=6"),
		       REFUSED_PERMISSION, "not yours"); /* asked for by its number */
	assert_refused(ask("uid_map=auto"), REFUSED_UNSUPPORTED, "auto");
}

static void root_maps_what_it_likes(void **state) {
	(void)state;
	required_root();
	assert_decided(ask_as(0, 0, -1, "uid_map=0 0 4294967295|gid_map=0 0 4294967295"),
		       "0 0 4294967295", "0 0 4294967295", TIER_FREE);
	assert_decided(ask_as(0, 0, -1, "uid_map=b"), "0 300000 10", "0 300000 10", TIER_FREE);
	assert_decided(ask_as(0, 0, -1, ""), "0 0 1", "0 0 1", TIER_FREE);
}

/* Who has no subordinate groups could not have got rid of a group without us. */
static void sec_47_setgroups_stays_denied_to_who_could_not_have_had_it(void **state) {
	static const char range[] = "uid_map=auto|transient_start=1879048192|transient_count=65536";
	struct asking *asking;

	(void)state;
	required_root();
	asking = ask_as(77777, 77777, -1, range);
	assert_int_equal(asking->r, 0);
	assert_false(asking->identity.groups);
	assert_true(asking->identity.keeps_gid);
	asking = ask(range);
	assert_int_equal(asking->r, 0);
	assert_true(asking->identity.groups);
	asking = ask("uid_map=0 700000 100");
	assert_int_equal(asking->r, 0);
	assert_false(asking->identity.groups); /* its own gid and no other */
}

/* ---- the kernel's word ---- */

struct born {
	pid_t pid;
	int to, users;
};

/* As the one that is to be does it: becomes the caller, and then another user namespace's. */
static struct born bear(uid_t uid, gid_t gid, int parent, unsigned inside) {
	struct born born;
	int in[2], out[2];
	char byte, path[64];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	born.pid = fork();
	if (born.pid == 0) {
		(void)prctl(PR_SET_DUMPABLE, 0);
		if (parent >= 0 &&
		    (setns(parent, CLONE_NEWUSER) < 0 || setresgid(inside, inside, inside) < 0 ||
		     setresuid(inside, inside, inside) < 0))
			_exit(3);
		if (parent < 0 && (setgroups(1, &gid) < 0 || setresgid(gid, gid, gid) < 0 ||
				   setresuid(uid, uid, uid) < 0))
			_exit(2);
		_exit(unshare(CLONE_NEWUSER) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
				      write(out[1], "", 1) == 1 && read(in[0], &byte, 1) == 1
			      ? 0
			      : 1);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	assert_int_equal(read(out[0], &byte, 1), 1);
	(void)close(out[0]);
	born.to = in[1];
	(void)snprintf(path, sizeof path, "/proc/%d/ns/user", born.pid);
	born.users = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(born.users >= 0);
	return born;
}

static void born_done(struct born *born) {
	int status;

	assert_int_equal(write(born->to, "", 1), 1);
	assert_int_equal(waitpid(born->pid, &status, 0), born->pid);
	assert_int_equal(status, 0);
	(void)close(born->to);
	(void)close(born->users);
}

static void assert_file(pid_t pid, const char *name, const char *words) {
	char path[64], text[1024] = "", said[1024] = "";
	int fd;

	(void)snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof text - 1) > 0);
	(void)close(fd);
	for (char *rest = text, *word; (word = strtok_r(rest, " \t\n", &rest));)
		(void)sprintf(said + strlen(said), "%s%s", *said ? " " : "", word);
	assert_string_equal(said, words);
}

static void what_was_decided_is_what_the_kernel_has(void **state) {
	struct asking *asking;
	struct born born;

	(void)state;
	required_root();
	asking = ask("uid_map=0 54321 1,1 700000 65536|gid_map=0 54322 1,1 900000 65536");
	assert_int_equal(asking->r, 0);
	born = bear(ASKER, ASKERS_GROUP, -1, 0);
	assert_int_equal(identity_write(&asking->job, born.pid, -1, &asking->identity), 0);
	assert_file(born.pid, "uid_map", "0 54321 1 1 700000 65536");
	assert_file(born.pid, "gid_map", "0 54322 1 1 900000 65536");
	assert_file(born.pid, "setgroups", "allow");
	born_done(&born);
	asking = ask("map_zero=yes");
	born = bear(ASKER, ASKERS_GROUP, -1, 0);
	assert_int_equal(identity_write(&asking->job, born.pid, -1, &asking->identity), 0);
	assert_file(born.pid, "uid_map", "0 54321 1");
	assert_file(born.pid, "setgroups", "deny");
	assert_int_equal(identity_write(&asking->job, born.pid, -1, &asking->identity), -EPERM);
	born_done(&born);
}

static int ask_for(unsigned start, unsigned count) {
	char fields[96];

	(void)snprintf(fields, sizeof fields, "uid_map=auto|transient_start=%u|transient_count=%u",
		       start, count);
	return ask(fields)->r;
}

/* Whoever says that it is free. */
static void sec_49_a_range_that_a_process_still_has_is_not_given_away(void **state) {
	unsigned one = 1000000000 + (unsigned)getpid() % 100000 * 2000; /* nobody else's test's */
	struct asking *asking;
	struct born born;
	char fields[96];

	(void)state;
	required_root();
	(void)snprintf(fields, sizeof fields, "uid_map=0 %u 1|gid_map=0 %u 1", one, one + 1000);
	asking = ask_as(0, 0, -1, fields);
	born = bear(ASKER, ASKERS_GROUP, -1, 0);
	assert_int_equal(identity_write(&asking->job, born.pid, -1, &asking->identity), 0);
	assert_int_equal(ask_for(one - 100, 101), REFUSED_RETRY);
	assert_int_equal(ask_for(one + 999, 2), REFUSED_RETRY);
	assert_int_equal(ask_for(one - 100, 100), 0);
	assert_int_equal(ask_for(one + 1, 999), 0);
	born_done(&born);
	assert_int_equal(ask_for(one, 1001), 0);
}

static void inside_a_namespace_of_ones_own_one_maps_what_is_there(void **state) {
	struct asking *asking;
	struct born outer, inner;
	uint32_t uid, gid;

	(void)state;
	required_root();
	asking = ask("uid_map=0 54321 1,1 700000 100|gid_map=0 54322 1,1 900000 100");
	outer = bear(ASKER, ASKERS_GROUP, -1, 0);
	assert_int_equal(identity_write(&asking->job, outer.pid, -1, &asking->identity), 0);
	asking = ask_as(ASKER, ASKERS_GROUP, outer.users, "");
	assert_decided(asking, "0 0 1", "0 0 1", TIER_FREE);
	assert_int_equal(identity_inside(&asking->job, outer.users, &uid, &gid), 0);
	assert_int_equal(uid, 0);
	asking = ask_as(ASKER, ASKERS_GROUP, outer.users, "uid_map=5 50 10");
	assert_decided(asking, "5 50 10", "0 0 1", TIER_FREE);
	inner = bear(0, 0, outer.users, 0);
	assert_int_equal(identity_write(&asking->job, inner.pid, outer.users, &asking->identity),
			 0);
	assert_file(inner.pid, "uid_map", "5 700049 10"); /* as seen from here */
	born_done(&inner);
	born_done(&outer);
}

/* Its uid is there, but it is not its: nothing of the others in it may be mapped. */
static void sec_46_inside_a_namespace_of_anothers_one_maps_oneself(void **state) {
	struct asking *asking;
	struct born outer, inner;

	(void)state;
	required_root();
	asking = ask("uid_map=0 54321 1,1 700000 100|gid_map=0 54322 1,1 900000 100");
	outer = bear(ASKER, ASKERS_GROUP, -1, 0);
	assert_int_equal(identity_write(&asking->job, outer.pid, -1, &asking->identity), 0);
	assert_refused(ask_as(700004, 900004, outer.users, "uid_map=0 0 1"), REFUSED_PERMISSION,
		       "0-0 are not yours");
	assert_refused(ask_as(700004, 900004, outer.users, "uid_map=a"), REFUSED_UNSUPPORTED,
		       "own user namespace");
	assert_refused(ask_as(1234, 1234, outer.users, ""), REFUSED_PERMISSION, "no number");
	asking = ask_as(700004, 900004, outer.users, "map_zero=yes");
	assert_decided(asking, "0 5 1", "0 5 1", TIER_FREE);
	inner = bear(0, 0, outer.users, 5);
	assert_int_equal(identity_write(&asking->job, inner.pid, outer.users, &asking->identity),
			 0);
	assert_file(inner.pid, "uid_map", "0 700004 1");
	assert_file(inner.pid, "setgroups", "deny");
	born_done(&inner);
	born_done(&outer);
}

/* Without a right to become others, as on a bus of one's own. */
static int unprivileged(void *data) {
	struct asking *asking;
	struct born born;
	int tell[2], go[2];
	char byte;

	(void)data;
	if (setresgid(ASKERS_GROUP, ASKERS_GROUP, ASKERS_GROUP) < 0 ||
	    setresuid(ASKER, ASKER, ASKER) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0 ||
	    pipe2(tell, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0)
		return 1;
	asking = ask("map_zero=yes");
	if (asking->r != 0 || asking->job.place.privileged)
		return 2;
	born.pid = fork();
	if (born.pid == 0) {
		(void)(unshare(CLONE_NEWUSER) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0 &&
		       prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && write(tell[1], "", 1) == 1 &&
		       read(go[0], &byte, 1));
		_exit(0);
	}
	(void)close(tell[1]);
	if (read(tell[0], &byte, 1) != 1)
		return 77; /* this kernel lets no user have user namespaces */
	if (identity_write(&asking->job, born.pid, -1, &asking->identity) != 0)
		return 3;
	assert_file(born.pid, "uid_map", "0 54321 1");
	assert_file(born.pid, "setgroups", "deny");
	(void)!write(go[1], "", 1);
	(void)waitpid(born.pid, NULL, 0);
	if (ask("uid_map=0 700000 1")->r != REFUSED_PERMISSION ||
	    ask("uid_map=auto|transient_start=1879048192|transient_count=9")->r !=
		    REFUSED_UNSUPPORTED ||
	    ask("uid_map=a")->r != REFUSED_UNSUPPORTED)
		return 4;
	return 0;
}

static void without_privilege_one_maps_oneself(void **state) {
	int status;

	(void)state;
	required_root();
	status = in_child(unprivileged, NULL);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip_because("this kernel lets no user have user namespaces");
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_that_can_be_are_let_through),
		cmocka_unit_test(words_that_cannot_be_are_refused_by_name),
		cmocka_unit_test(a_map_that_the_kernel_cannot_read_is_refused_before),
		cmocka_unit_test(only_auto_takes_ids_from_the_broker),
		cmocka_unit_test(nobody_is_asked_about_ones_own_ids),
		cmocka_unit_test(nobody_is_asked_about_subordinate_ids),
		cmocka_unit_test(sec_48_ids_of_others_are_refused_by_number),
		cmocka_unit_test(the_machines_own_ids_are_nobodys_to_map),
		cmocka_unit_test(a_range_that_was_set_aside_is_laid_around_ones_own_id),
		cmocka_unit_test(nothing_is_set_aside_among_the_ids_of_the_machine),
		cmocka_unit_test(root_maps_what_it_likes),
		cmocka_unit_test(sec_47_setgroups_stays_denied_to_who_could_not_have_had_it),
		cmocka_unit_test(what_was_decided_is_what_the_kernel_has),
		cmocka_unit_test(sec_49_a_range_that_a_process_still_has_is_not_given_away),
		cmocka_unit_test(inside_a_namespace_of_ones_own_one_maps_what_is_there),
		cmocka_unit_test(sec_46_inside_a_namespace_of_anothers_one_maps_oneself),
		cmocka_unit_test(without_privilege_one_maps_oneself),
	};

	return cmocka_run_group_tests(tests, make_ranges, remove_ranges);
}
