/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watches and their watchers, as the broker has them: who looks after what, who is told, and what
 * becomes of it all when one of them dies.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "complaints.h"
#include "message.h"
#include "notice.h"
#include "stage.h"
#include "watches.h"
#include "wire.h"

#define SUBSCRIBE "Watches.Subscribe", "path=/a"
#define MADE      "find=0 grant made=connection die"
#define ROOTLESS  "find=0 grant rootless made=connection die"
#define STAYS     "find=0 grant made=manual die"

enum { WATCHERS_MAX = 16 };

/* ---- the watchers: our ends of their connections ---- */

static int watchers[WATCHERS_MAX];
static size_t n_watchers;
static bool watchers_fail;

int __wrap_launcher_connect_watcher(const struct launcher *launcher);

int __wrap_launcher_connect_watcher(const struct launcher *launcher) {
	int pair[2];

	if (watchers_fail)
		return -ECONNREFUSED;
	assert_true(n_watchers < WATCHERS_MAX);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
				    pair),
			 0);
	watchers[n_watchers++] = pair[1];
	return pair[0];
}

static void forget_watchers(void) {
	while (n_watchers > 0)
		fd_closep(&watchers[--n_watchers]);
	watchers_fail = false;
}

/* The next order to a watcher, which is there; its descriptors are counted and closed. */
static Usher__WatcherOrder *next_order(size_t watcher, size_t *ret_descriptors) {
	ProtobufCMessage *message = NULL;
	struct fds fds = { 0 };
	int r = wire_receive(watchers[watcher], &usher__watcher_order__descriptor, &fds, &message);

	if (r < 0)
		fail_msg("no order: %s", strerror(-r));
	if (ret_descriptors)
		*ret_descriptors = fds.n;
	fds_done(&fds);
	return (Usher__WatcherOrder *)message;
}

static bool hears_nothing(size_t watcher) {
	char byte;

	return recv(watchers[watcher], &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

static bool is_let_go(size_t watcher) {
	char byte;

	return recv(watchers[watcher], &byte, 1, MSG_PEEK) == 0;
}

static void report(size_t watcher, const Usher__WatcherReport *report) {
	assert_int_equal(wire_send(watchers[watcher], &report->base, NULL), 0);
}

static void say_kept(size_t watcher) {
	Usher__WatcherReport said = USHER__WATCHER_REPORT__INIT;
	Usher__WatcherKept kept = USHER__WATCHER_KEPT__INIT;
	struct fds fds = { 0 };

	kept.has_group_fd = kept.has_journal_fd = true;
	kept.group_fd = (uint32_t)fds_add(&fds, some_descriptor());
	kept.journal_fd = (uint32_t)fds_add(&fds, some_descriptor());
	said.kept = &kept;
	assert_int_equal(wire_send(watchers[watcher], &said.base, &fds), 0);
	fds_done(&fds);
}

static void say_done(size_t watcher, uint64_t number, int code, uint64_t serial) {
	Usher__WatcherReport said = USHER__WATCHER_REPORT__INIT;
	Usher__WatchDone done = USHER__WATCH_DONE__INIT;

	done.number = number;
	done.code = code;
	done.text = code ? (char[]){ "because" } : NULL;
	done.has_clock = true;
	done.clock = 1000;
	done.has_serial = serial > 0;
	done.serial = serial;
	said.done = &done;
	report(watcher, &said);
}

static void expect_begin(size_t watcher, size_t descriptors) {
	size_t n;
	Usher__WatcherOrder *order = next_order(watcher, &n);

	assert_non_null(order->begin);
	assert_string_equal(order->begin->kind, "filesystem");
	assert_true(order->begin->has_superblock_fd);
	assert_int_equal(order->begin->has_group_fd, descriptors > 1);
	assert_int_equal(order->begin->has_journal_fd, descriptors > 1);
	assert_int_equal(n, descriptors);
	usher__watcher_order__free_unpacked(order, NULL);
}

static void expect_add(size_t watcher, uint64_t number, bool resumed, bool streams) {
	size_t n;
	Usher__WatcherOrder *order = next_order(watcher, &n);

	assert_non_null(order->add);
	assert_int_equal(order->add->number, number);
	assert_int_equal(order->add->resumed, resumed);
	assert_int_equal(order->add->has_stream_fd, streams);
	assert_int_equal(n, streams ? 2 : 1);
	assert_string_equal(order->add->watch->scope, "recursive");
	usher__watcher_order__free_unpacked(order, NULL);
}

static void expect_remove(size_t watcher, uint64_t number) {
	Usher__WatcherOrder *order = next_order(watcher, NULL);

	assert_true(order->has_remove);
	assert_int_equal(order->remove, number);
	usher__watcher_order__free_unpacked(order, NULL);
}

/* ---- what is watched ---- */

static struct object *first(const struct stage *stage) {
	return stage->desk.objects[KIND_WATCH].first;
}

static const Usher__WatchObject *watch_of(const struct object *object) {
	return (const Usher__WatchObject *)object->message;
}

/* Asks for it, up to where its watcher has heard of it. */
static void begin_watch(struct stage *stage, const char *operation, const char *fields,
			const char *script, size_t watcher) {
	stage->scripts[stage->n_children] = script;
	stage_call(stage, operation, fields, false, 0);
	stage_until(stage, n_watchers > watcher && !hears_nothing(watcher));
}

/* The only watch of a file system. */
static struct object *make(struct stage *stage, const char *operation, const char *fields,
			   const char *script) {
	size_t answers = stage->answers, watcher = n_watchers;

	begin_watch(stage, operation, fields, script, watcher);
	expect_begin(watcher, 1);
	expect_add(watcher, stage->desk.objects[KIND_WATCH].last_number, false,
		   strcmp(operation, "Watches.Open") == 0);
	say_kept(watcher);
	say_done(watcher, stage->desk.objects[KIND_WATCH].last_number, 0, 0);
	stage_settle(stage);
	if (stage->answers != answers + 1)
		fail_msg("%s", stage->sentence);
	return first(stage);
}

static void new_stage(struct stage *stage) {
	forget_watchers();
	stage_new(stage, POLKIT_YES, false);
}

static void end_stage(struct stage *stage) {
	forget_watchers();
	stage_free(stage);
}

static void a_watch_is_there_when_its_watcher_says_so(void **state) {
	struct stage stage;

	(void)state;
	new_stage(&stage);
	begin_watch(&stage, SUBSCRIBE, MADE, 0);
	assert_true(first(&stage)->hidden);
	expect_begin(0, 1);
	expect_add(0, 1, false, false);
	for (int i = 0; i < 20; i++)
		stage_turn(&stage);
	assert_int_equal(stage.answers, 0);
	say_kept(0);
	say_done(0, 1, 0, 0);
	stage_settle(&stage);
	assert_int_equal(stage.answers, 1);
	assert_false(first(&stage)->hidden);
	assert_true(object_goes_with_connection(first(&stage)));
	assert_int_equal(watch_of(first(&stage))->clock, 1000);
	end_stage(&stage);
}

/* ---- a systemd that hears ---- */

static const char notify[] = "/tmp/usher-test-watches.notify";

static int open_systemd(void) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)strcpy(address.sun_path, notify);
	(void)unlink(notify);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	(void)setenv("NOTIFY_SOCKET", notify, 1);
	assert_int_equal(notice_send("READY=1", NULL, 0), 0); /* by a socket that stays */
	return fd;
}

static void close_systemd(int fd) {
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unlink(notify);
	(void)close(fd);
}

/* How many of what it has been told so far are of that object. */
static size_t told_of(int fd, const char *name) {
	char text[256], line[64];
	size_t found = 0;
	ssize_t n;

	(void)snprintf(line, sizeof line, "\nFDNAME=%s", name);
	while ((n = recv(fd, text, sizeof text - 1, 0)) > 0) {
		text[n] = '\0';
		found += strncmp(text, "FDSTORE=", 8) == 0 && strstr(text, line);
	}
	return found;
}

/* An announcement is of what the child makes itself, and would be waited for. */
static void a_watch_is_not_announced(void **state) {
	struct stage stage;

	(void)state;
	new_stage(&stage);
	stage.scripts[0] = "find=0 grant announces made=connection hang";
	stage_call(&stage, SUBSCRIBE, false, 0);
	stage_settle(&stage);
	assert_int_equal(stage.answers, 0);
	assert_int_equal(stage.code, -EBADMSG);
	assert_null(first(&stage));
	end_stage(&stage);
}

/* What has been answered is not lost; of what has not even begun there is nothing to be kept. */
static void a_watch_is_kept_when_it_has_begun(void **state) {
	int systemd = open_systemd();
	struct stage stage;

	(void)state;
	new_stage(&stage);
	begin_watch(&stage, SUBSCRIBE, MADE, 0);
	assert_int_equal(told_of(systemd, "watch-1"), 0);
	expect_begin(0, 1);
	expect_add(0, 1, false, false);
	say_kept(0);
	say_done(0, 1, 0, 0);
	stage_until(&stage, !first(&stage)->hidden);
	assert_true(told_of(systemd, "watch-1") > 0);
	begin_watch(&stage, SUBSCRIBE, MADE, 0);
	expect_add(0, 2, false, false);
	say_done(0, 2, REFUSED_UNSUPPORTED, 0);
	stage_settle(&stage);
	assert_int_equal(told_of(systemd, "watch-2"), 0);
	end_stage(&stage);
	close_systemd(systemd);
}

/* Nobody is told of what would be lost with the service. */
static void a_watch_that_cannot_be_kept_ends(void **state) {
	struct stage stage;

	(void)state;
	new_stage(&stage);
	(void)make(&stage, SUBSCRIBE, MADE);
	begin_watch(&stage, SUBSCRIBE, MADE, 0);
	expect_add(0, 2, false, false);
	(void)setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
	say_done(0, 2, 0, 0);
	stage_settle(&stage);
	assert_int_equal(stage.answers, 1);
	assert_int_equal(stage.code, -ENOENT);
	expect_remove(0, 2);
	assert_int_equal(first(&stage)->number, 1);
	end_stage(&stage);
	(void)unsetenv("NOTIFY_SOCKET");
	assert_true(complaints_n() > 0);
}

static void what_a_watcher_refuses_has_never_been_there(void **state) {
	struct stage stage;

	(void)state;
	new_stage(&stage);
	begin_watch(&stage, SUBSCRIBE, MADE, 0);
	say_done(0, 1, REFUSED_UNSUPPORTED, 0);
	stage_settle(&stage);
	assert_int_equal(stage.code, REFUSED_UNSUPPORTED);
	assert_string_equal(stage.sentence, "because");
	assert_null(first(&stage));
	assert_null(stage.desk.watchers.first);
	end_stage(&stage);
}

static void without_a_watcher_there_is_no_watch(void **state) {
	struct stage stage;

	(void)state;
	new_stage(&stage);
	watchers_fail = true;
	stage.scripts[0] = MADE;
	stage_call(&stage, SUBSCRIBE, false, 0);
	stage_settle(&stage);
	assert_int_equal(stage.answers, 0);
	assert_int_equal(stage.code, REFUSED_FAILED);
	assert_null(first(&stage));
	end_stage(&stage);
}

static void a_file_system_has_one_watcher(void **state) {
	struct stage stage;

	(void)state;
	new_stage(&stage);
	(void)make(&stage, SUBSCRIBE, MADE);
	begin_watch(&stage, "Watches.Open", "path=/a", MADE, 0);
	expect_add(0, 2, false, true);
	say_done(0, 2, 0, 0);
	stage_settle(&stage);
	assert_int_equal(n_watchers, 1);
	(void)make(&stage, "Watches.Subscribe", "path=/b", MADE);
	assert_int_equal(n_watchers, 2);
	end_stage(&stage);
}

/* Its child is told that there is one, and finds no root again. */
static void a_file_system_is_opened_once(void **state) {
	int systemd = open_systemd();
	struct stage stage;

	(void)state;
	new_stage(&stage);
	(void)make(&stage, SUBSCRIBE, ROOTLESS);
	assert_int_equal(told_of(systemd, "watcher-1-root"), 1);
	assert_int_equal(watch_superblock(first(&stage)), -1);
	begin_watch(&stage, SUBSCRIBE, ROOTLESS, 0);
	expect_add(0, 2, false, false);
	say_done(0, 2, 0, 0);
	stage_settle(&stage);
	assert_int_equal(stage.answers, 2);
	assert_int_equal(n_watchers, 1);
	assert_int_equal(watch_superblock(first(&stage)), -1);
	assert_int_equal(told_of(systemd, "watch-2-last"), 0);
	/* which the next watcher has, too, when the watch that brought it has gone */
	stage_call(&stage, "Watch.Close", "", false, 1);
	stage_settle(&stage);
	fd_closep(&watchers[0]);
	stage_until(&stage, n_watchers == 2 && !hears_nothing(1));
	expect_begin(1, 3);
	end_stage(&stage);
	close_systemd(systemd);
}

/* Without a systemd that keeps it, it would be lost with us. */
static void what_is_not_kept_is_not_relied_on(void **state) {
	struct stage stage;

	(void)state;
	new_stage(&stage);
	begin_watch(&stage, SUBSCRIBE, MADE, 0);
	expect_begin(0, 1);
	expect_add(0, 1, false, false);
	say_done(0, 1, 0, 0); /* that is nothing of its own */
	stage_settle(&stage);
	begin_watch(&stage, SUBSCRIBE, ROOTLESS, 0);
	expect_add(0, 2, false, false);
	say_done(0, 2, 0, 0);
	stage_settle(&stage);
	assert_true(watch_superblock(first(&stage)) >= 0);
	end_stage(&stage);
}

static void a_watcher_that_goes_meanwhile_leaves_the_root_behind(void **state) {
	struct stage stage;

	(void)state;
	new_stage(&stage);
	(void)make(&stage, SUBSCRIBE, ROOTLESS);
	stage.scripts[1] = "find=0 grant rootless later made=connection die";
	stage_call(&stage, SUBSCRIBE, false, 0);
	stage_until(&stage, stage.n_children == 2 && stage.children[1].rootless);
	stage_call(&stage, "Watch.Close", "", false, 1);
	stage_until(&stage, stage.answers == 2);
	stage_until(&stage, !stage.desk.watchers.first);
	stage.later = true;
	stage_until(&stage, n_watchers == 2 && !hears_nothing(1));
	expect_begin(1, 1);
	expect_add(1, 2, false, false);
	say_kept(1);
	say_done(1, 2, 0, 0);
	stage_settle(&stage);
	assert_int_equal(stage.answers, 3);
	end_stage(&stage);
}

static void a_watcher_goes_with_its_last_watch(void **state) {
	struct stage stage;

	(void)state;
	new_stage(&stage);
	(void)make(&stage, SUBSCRIBE, MADE);
	begin_watch(&stage, SUBSCRIBE, MADE, 0);
	expect_add(0, 2, false, false);
	say_done(0, 2, 0, 0);
	stage_settle(&stage);
	stage_call(&stage, "Watch.Close", "", false, 1);
	stage_settle(&stage);
	expect_remove(0, 1);
	assert_true(hears_nothing(0));
	stage_call(&stage, "Watch.Close", "", false, 2);
	stage_settle(&stage);
	assert_int_equal(stage.answers, 4);
	expect_remove(0, 2);
	assert_true(is_let_go(0));
	assert_null(stage.desk.watchers.first);
	end_stage(&stage);
}

static void what_nobody_knows_is_dismissed(void **state) {
	struct stage stage;

	(void)state;
	new_stage(&stage);
	(void)make(&stage, SUBSCRIBE, MADE);
	say_done(0, 77, 0, 0);
	stage_settle(&stage);
	expect_remove(0, 77);
	end_stage(&stage);
}

/* ---- who is told ---- */

struct heard {
	size_t events, lost;
	char path[64];
	uint64_t clock;
};

static int on_events(sd_bus_message *message, void *userdata, sd_bus_error *error) {
	struct heard *heard = userdata;
	const char *event, *path, *old;
	uint64_t clock, usec;
	uint32_t pid;

	assert_true(sd_bus_message_enter_container(message, 'a', "(ttsssu)") > 0);
	while (sd_bus_message_read(message, "(ttsssu)", &clock, &usec, &event, &path, &old, &pid) >
	       0) {
		heard->events++;
		heard->clock = clock;
		(void)snprintf(heard->path, sizeof heard->path, "%s %s %s %u", event, path, old,
			       pid);
	}
	return 0;
}

static int on_lost(sd_bus_message *message, void *userdata, sd_bus_error *error) {
	struct heard *heard = userdata;
	const char *directory;

	assert_true(sd_bus_message_read(message, "t", &heard->clock) > 0);
	assert_true(sd_bus_message_enter_container(message, 'a', "s") > 0);
	if (sd_bus_message_read(message, "s", &directory) > 0)
		(void)snprintf(heard->path, sizeof heard->path, "%s", directory);
	heard->lost++;
	return 0;
}

static void listen_for(sd_bus *bus, struct heard *heard) {
	assert_true(sd_bus_match_signal(bus, NULL, NULL, NULL, "org.usher1.Watch", "Events",
					on_events, heard) >= 0);
	assert_true(sd_bus_match_signal(bus, NULL, NULL, NULL, "org.usher1.Watch", "Lost", on_lost,
					heard) >= 0);
}

/* A watch whose owner hears what it is told. */
static void new_heard(struct stage *stage, struct heard *heard) {
	*heard = (struct heard){ 0 };
	new_stage(stage);
	listen_for(stage->client, heard);
	(void)make(stage, SUBSCRIBE, MADE);
}

static void say_events(size_t watcher, uint64_t number) {
	Usher__WatcherReport said = USHER__WATCHER_REPORT__INIT;
	Usher__WatchEvents events = USHER__WATCH_EVENTS__INIT;
	Usher__WatchEvent one = USHER__WATCH_EVENT__INIT, *all[] = { &one, &one };

	one.clock = 1001;
	one.event = (char[]){ "move" };
	one.path = (char[]){ "b/\xff" };
	one.old_path = (char[]){ "a" };
	one.pid = 7;
	events.number = number;
	events.events = all;
	events.n_events = N_OF(all);
	said.events = &events;
	report(watcher, &said);
}

static void say_lost(size_t watcher, uint64_t number) {
	Usher__WatcherReport said = USHER__WATCHER_REPORT__INIT;
	Usher__WatchLost lost = USHER__WATCH_LOST__INIT;
	char *directories[] = { (char[]){ "b" } };

	lost.number = number;
	lost.clock = 1002;
	lost.directories = directories;
	lost.n_directories = 1;
	said.lost = &lost;
	report(watcher, &said);
}

static void what_happens_is_told_to_the_connection_that_subscribed_alone(void **state) {
	struct heard heard = { 0 }, overheard = { 0 };
	struct stage stage;
	sd_bus *other;

	(void)state;
	new_stage(&stage);
	other = stage_connect(&stage, false);
	listen_for(stage.client, &heard);
	listen_for(other, &overheard);
	(void)make(&stage, SUBSCRIBE, MADE);
	say_events(0, 1);
	stage_until(&stage, heard.events == 2);
	assert_string_equal(heard.path, "move b/\\xff a 7");
	say_lost(0, 1);
	stage_until(&stage, heard.lost == 1);
	assert_string_equal(heard.path, "b");
	assert_int_equal(heard.clock, 1002);
	stage_settle(&stage);
	assert_int_equal(overheard.events + overheard.lost, 0);
	sd_bus_flush_close_unref(other);
	end_stage(&stage);
}

/* It sleeps: what the bus would keep for it has an end. */
static void who_does_not_listen_is_told_later_that_something_was_lost(void **state) {
	struct heard heard;
	struct stage stage;

	(void)state;
	new_heard(&stage, &heard);
	assert_true(sd_bus_flush(stage.client) >= 0);
	assert_true(sd_bus_detach_event(stage.client) >= 0);
	for (int i = 0; i < 200; i++) {
		say_events(0, 1);
		for (int j = 0; j < 5; j++)
			stage_turn(&stage);
	}
	assert_true(sd_bus_attach_event(stage.client, stage.event, 0) >= 0);
	stage_until(&stage, heard.lost == 1);
	assert_true(heard.events > 0 && heard.events <= 128);
	say_events(0, 1);
	heard.events = 0;
	stage_until(&stage, heard.events == 2);
	end_stage(&stage);
}

/* What of our reports the broker has not taken. */
static int untaken(size_t watcher) {
	int bytes;

	assert_int_equal(ioctl(watchers[watcher], SIOCOUTQ, &bytes), 0);
	return bytes;
}

/* Whoever comes after a broker that was killed in between hears it again. */
static void a_report_waits_until_the_bus_has_what_follows_from_it(void **state) {
	struct heard heard;
	struct stage stage;

	(void)state;
	new_heard(&stage, &heard);
	stage_until(&stage, untaken(0) == 0);
	assert_true(sd_bus_detach_event(stage.desk.bus) >= 0);
	say_events(0, 1);
	stage_until(&stage, heard.events == 2);
	for (int i = 0; i < 20; i++)
		stage_turn(&stage);
	assert_true(untaken(0) > 0);
	assert_true(sd_bus_attach_event(stage.desk.bus, stage.event, 0) >= 0);
	stage_until(&stage, untaken(0) == 0);
	stage_settle(&stage);
	assert_int_equal(heard.events, 2);
	end_stage(&stage);
}

static void what_stays_without_its_connection_is_told_to_nobody(void **state) {
	struct heard overheard = { 0 };
	struct stage stage;
	sd_bus *other;

	(void)state;
	new_stage(&stage);
	other = stage_connect(&stage, false);
	listen_for(other, &overheard);
	(void)make(&stage, SUBSCRIBE, STAYS);
	stage_leave(&stage);
	stage_until(&stage, stage.client_gone);
	assert_non_null(first(&stage));
	say_events(0, 1);
	stage_settle(&stage);
	assert_int_equal(overheard.events, 0);
	assert_true(hears_nothing(0));
	sd_bus_flush_close_unref(other);
	end_stage(&stage);
}

static void a_watch_goes_with_its_connection(void **state) {
	struct stage stage;

	(void)state;
	new_stage(&stage);
	(void)make(&stage, SUBSCRIBE, MADE);
	stage_leave(&stage);
	stage_until(&stage, !first(&stage));
	expect_remove(0, 1);
	end_stage(&stage);
}

static void a_watch_that_has_ended_is_gone(void **state) {
	Usher__WatcherReport said = USHER__WATCHER_REPORT__INIT;
	Usher__WatchEnded ended = USHER__WATCH_ENDED__INIT;
	struct stage stage;

	(void)state;
	new_stage(&stage);
	(void)make(&stage, SUBSCRIBE, MADE);
	ended.number = 1;
	said.ended = &ended;
	report(0, &said);
	stage_until(&stage, !first(&stage));
	stage_settle(&stage);
	assert_true(is_let_go(0) || !hears_nothing(0));
	end_stage(&stage);
}

static void how_much_was_told_is_a_property(void **state) {
	Usher__WatcherReport said = USHER__WATCHER_REPORT__INIT;
	Usher__WatchCounters counters = USHER__WATCH_COUNTERS__INIT;
	struct stage stage;
	const Usher__WatchObject *m;

	(void)state;
	new_stage(&stage);
	m = watch_of(make(&stage, SUBSCRIBE, MADE));
	counters.number = 1;
	counters.clock = 1234;
	counters.delivered = 5;
	counters.lost = 6;
	said.counters = &counters;
	report(0, &said);
	stage_until(&stage, m->clock == 1234);
	assert_int_equal(m->delivered, 5);
	assert_int_equal(m->lost, 6);
	end_stage(&stage);
}

/* ---- what is asked of a watch ---- */

static void events_are_changed_when_the_watcher_has_changed_them(void **state) {
	struct stage stage;
	Usher__WatcherOrder *order;

	(void)state;
	new_stage(&stage);
	(void)make(&stage, SUBSCRIBE, MADE);
	stage_call(&stage, "Watch.SetEvents", "events=modify|events=delete", false, 1);
	stage_until(&stage, !hears_nothing(0));
	order = next_order(0, NULL);
	assert_non_null(order->set_events);
	assert_int_equal(order->set_events->n_events, 2);
	assert_string_equal(watch_of(first(&stage))->events[0], "create");
	say_done(0, 1, 0, order->set_events->serial);
	usher__watcher_order__free_unpacked(order, NULL);
	stage_settle(&stage);
	assert_int_equal(stage.answers, 2);
	assert_int_equal(watch_of(first(&stage))->n_events, 2);
	assert_string_equal(watch_of(first(&stage))->events[0], "delete");
	assert_string_equal(watch_of(first(&stage))->order->events[1], "modify");
	end_stage(&stage);
}

static void events_stay_as_they_are_where_the_watcher_says_no(void **state) {
	struct stage stage;
	Usher__WatcherOrder *order;

	(void)state;
	new_stage(&stage);
	(void)make(&stage, SUBSCRIBE, MADE);
	stage_call(&stage, "Watch.SetEvents", "events=open-perm", false, 1);
	stage_settle(&stage);
	assert_int_equal(stage.code, REFUSED_INVALID);
	assert_true(hears_nothing(0));
	stage_call(&stage, "Watch.SetEvents", "events=modify", false, 1);
	stage_until(&stage, !hears_nothing(0));
	order = next_order(0, NULL);
	say_done(0, 1, REFUSED_LIMIT, order->set_events->serial);
	usher__watcher_order__free_unpacked(order, NULL);
	stage_settle(&stage);
	assert_int_equal(stage.code, REFUSED_LIMIT);
	assert_int_equal(watch_of(first(&stage))->n_events, 1);
	end_stage(&stage);
}

static void an_answer_goes_to_the_call_that_it_is_for(void **state) {
	Usher__WatcherReport said = USHER__WATCHER_REPORT__INIT;
	Usher__WatchChanged changed = USHER__WATCH_CHANGED__INIT;
	struct stage stage;
	Usher__WatcherOrder *one, *two;

	(void)state;
	new_stage(&stage);
	(void)make(&stage, SUBSCRIBE, MADE);
	stage_call(&stage, "Watch.Since", "clock=5|deadline_usec=100000", false, 1);
	stage_call(&stage, "Watch.Since", "clock=6", false, 1);
	stage_until(&stage, !hears_nothing(0));
	one = next_order(0, NULL);
	stage_until(&stage, !hears_nothing(0));
	two = next_order(0, NULL);
	assert_int_not_equal(one->since->serial, two->since->serial);
	changed.number = 1;
	changed.serial = one->since->clock == 6 ? one->since->serial : two->since->serial;
	said.changed = &changed;
	report(0, &said);
	stage_settle(&stage);
	assert_int_equal(stage.answers, 2);
	assert_int_equal(stage.refusals, 1);
	assert_int_equal(stage.code, REFUSED_TIMED_OUT);
	usher__watcher_order__free_unpacked(one, NULL);
	usher__watcher_order__free_unpacked(two, NULL);
	end_stage(&stage);
}

static void only_its_owner_asks_a_watch_and_only_what_it_can(void **state) {
	static const char *const calls[][2] = { { "Watch.Since", "clock=0" },
						{ "Watch.SetEvents", "" },
						{ "Watch.Decide", "clock=0|allow=no" },
						{ "Watch.Close", "" } };
	struct stage stage;

	(void)state;
	new_stage(&stage);
	(void)make(&stage, SUBSCRIBE, MADE);
	stage_call(&stage, "Watch.Decide", "clock=0|allow=no", false, 1);
	stage_settle(&stage);
	assert_int_equal(stage.code, REFUSED_UNSUPPORTED);
	first(&stage)->owner++;
	for (size_t i = 0; i < N_OF(calls); i++) {
		stage.code = 0;
		stage_call(&stage, calls[i][0], calls[i][1], false, 1);
		stage_settle(&stage);
		assert_int_equal(stage.code, REFUSED_NOT_OWNER);
	}
	assert_true(hears_nothing(0));
	end_stage(&stage);
}

/* ---- the death of a watcher ---- */

static void another_watcher_goes_on_where_one_was_killed(void **state) {
	struct heard heard;
	struct stage stage;

	(void)state;
	new_heard(&stage, &heard);
	stage_call(&stage, "Watch.Since", "clock=5", false, 1);
	stage_until(&stage, !hears_nothing(0));
	fd_closep(&watchers[0]);
	stage_until(&stage, n_watchers == 2 && !hears_nothing(1));
	assert_int_equal(stage.code, REFUSED_RETRY);
	expect_begin(1, 3);
	assert_true(hears_nothing(1));
	say_kept(1);
	stage_until(&stage, !hears_nothing(1));
	expect_add(1, 1, true, false);
	say_done(1, 1, 0, 0);
	say_events(1, 1);
	stage_until(&stage, heard.events == 2);
	assert_int_equal(watch_of(first(&stage))->clock, 1000);
	assert_non_null(first(&stage));
	end_stage(&stage);
}

static void what_begins_while_a_watcher_dies_begins_with_the_next(void **state) {
	struct stage stage;

	(void)state;
	new_stage(&stage);
	begin_watch(&stage, SUBSCRIBE, MADE, 0);
	fd_closep(&watchers[0]);
	stage_until(&stage, n_watchers == 2 && !hears_nothing(1));
	expect_begin(1, 1);
	expect_add(1, 1, false, false);
	say_done(1, 1, 0, 0);
	stage_settle(&stage);
	assert_int_equal(stage.answers, 1);
	end_stage(&stage);
}

static void a_watcher_that_dies_again_and_again_is_given_up(void **state) {
	struct stage stage;

	(void)state;
	new_stage(&stage);
	(void)make(&stage, SUBSCRIBE, MADE);
	for (size_t i = 0; first(&stage); i++) {
		assert_true(i < WATCHERS_MAX);
		fd_closep(&watchers[i]);
		stage_until(&stage, n_watchers == i + 2 || !first(&stage));
	}
	stage_settle(&stage);
	assert_null(stage.desk.watchers.first);
	assert_int_equal(n_watchers, 6);
	assert_true(complaints_n() > 0);
	end_stage(&stage);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_watch_is_there_when_its_watcher_says_so),
		cmocka_unit_test(a_watch_is_not_announced),
		cmocka_unit_test(a_watch_is_kept_when_it_has_begun),
		cmocka_unit_test(a_watch_that_cannot_be_kept_ends),
		cmocka_unit_test(what_a_watcher_refuses_has_never_been_there),
		cmocka_unit_test(without_a_watcher_there_is_no_watch),
		cmocka_unit_test(a_file_system_has_one_watcher),
		cmocka_unit_test(a_file_system_is_opened_once),
		cmocka_unit_test(what_is_not_kept_is_not_relied_on),
		cmocka_unit_test(a_watcher_that_goes_meanwhile_leaves_the_root_behind),
		cmocka_unit_test(a_watcher_goes_with_its_last_watch),
		cmocka_unit_test(what_nobody_knows_is_dismissed),
		cmocka_unit_test(what_happens_is_told_to_the_connection_that_subscribed_alone),
		cmocka_unit_test(who_does_not_listen_is_told_later_that_something_was_lost),
		cmocka_unit_test(a_report_waits_until_the_bus_has_what_follows_from_it),
		cmocka_unit_test(what_stays_without_its_connection_is_told_to_nobody),
		cmocka_unit_test(a_watch_goes_with_its_connection),
		cmocka_unit_test(a_watch_that_has_ended_is_gone),
		cmocka_unit_test(how_much_was_told_is_a_property),
		cmocka_unit_test(events_are_changed_when_the_watcher_has_changed_them),
		cmocka_unit_test(events_stay_as_they_are_where_the_watcher_says_no),
		cmocka_unit_test(an_answer_goes_to_the_call_that_it_is_for),
		cmocka_unit_test(only_its_owner_asks_a_watch_and_only_what_it_can),
		cmocka_unit_test(another_watcher_goes_on_where_one_was_killed),
		cmocka_unit_test(what_begins_while_a_watcher_dies_begins_with_the_next),
		cmocka_unit_test(a_watcher_that_dies_again_and_again_is_given_up),
	};

	return cmocka_run_group_tests(tests, stages_begin, stages_end);
}
