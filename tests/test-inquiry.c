/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Questions about the network, as the broker has them: who is asked before the reader is, what that
 * is told, whose answer is whose, and what becomes of it all when somebody goes.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "complaints.h"
#include "interfaces/netlink-records.h"
#include "message.h"
#include "stage.h"
#include "wire.h"

#define QUERY     "Netlink.Query", "type=link"
#define OPEN      "Netlink.Open", "type=link"
#define ELSEWHERE "Netlink.Query", "type=link|in_as_name=blue"

enum { READERS_MAX = 4, MEBIBYTE = 1 << 20 };

/* ---- the readers: our ends of their connections ---- */

static int readers[READERS_MAX];
static size_t n_readers;
static bool readers_fail;

int __wrap_launcher_connect_netlink(const struct launcher *launcher);

int __wrap_launcher_connect_netlink(const struct launcher *launcher) {
	int pair[2];

	if (readers_fail)
		return -ECONNREFUSED;
	assert_true(n_readers < READERS_MAX);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
				    pair),
			 0);
	readers[n_readers++] = pair[1];
	return pair[0];
}

static bool hears_nothing(size_t reader) {
	char byte;

	return reader >= n_readers ||
	       (recv(readers[reader], &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN);
}

/* The next order, which is there; its descriptors are counted and closed. */
static Usher__NetlinkOrder *next_order(size_t reader, size_t *ret_descriptors) {
	ProtobufCMessage *message = NULL;
	struct fds fds = { 0 };
	int r = wire_receive(readers[reader], &usher__netlink_order__descriptor, &fds, &message);

	if (r < 0)
		fail_msg("no order: %s", strerror(-r));
	*ret_descriptors = fds.n;
	fds_done(&fds);
	return (Usher__NetlinkOrder *)message;
}

static Usher__NetlinkOrder *next_ask(struct stage *stage, size_t reader) {
	Usher__NetlinkOrder *order;
	size_t n;

	stage_until(stage, !hears_nothing(reader));
	order = next_order(reader, &n);
	assert_non_null(order->ask);
	assert_int_equal(n, 1); /* of whom, or where */
	return order;
}

static void free_order(Usher__NetlinkOrder *order) {
	usher__netlink_order__free_unpacked(order, NULL);
}

static uint64_t asked(struct stage *stage, size_t reader) {
	Usher__NetlinkOrder *order = next_ask(stage, reader);
	uint64_t serial = order->ask->serial;

	free_order(order);
	return serial;
}

static void expect_forget(struct stage *stage, size_t reader, uint64_t serial) {
	Usher__NetlinkOrder *order;
	size_t n;

	stage_until(stage, !hears_nothing(reader));
	order = next_order(reader, &n);
	assert_non_null(order->forget);
	assert_int_equal(order->forget->serial, serial);
	free_order(order);
}

/* ---- what they answer ---- */

/* No rows, and that these are all. */
static const struct {
	struct usher_netlink_start start;
	struct usher_netlink_end end;
} nothing = {
	.start = { { sizeof nothing.start, USHER_NETLINK_START, 0 }, USHER_NETLINK_MAGIC },
	.end = { .block = { sizeof nothing.end, USHER_NETLINK_END, 0 }, .complete = 1 },
};

static void say(size_t reader, Usher__NetlinkAnswer *answer, int fd) {
	Usher__NetlinkReport report = USHER__NETLINK_REPORT__INIT;
	struct fds fds = { 0 };

	if (fd >= 0) {
		answer->has_rows_fd = true;
		answer->rows_fd = (uint32_t)fds_add(&fds, fd);
	}
	report.answer = answer;
	assert_int_equal(wire_send(readers[reader], &report.base, &fds), 0);
	fds_done(&fds);
}

/* With blocks, with a descriptor (which is taken), or with neither. */
static void say_rows(size_t reader, uint64_t serial, bool blocks, int fd) {
	Usher__NetlinkAnswer answer = USHER__NETLINK_ANSWER__INIT;
	Usher__NetlinkInfo info = USHER__NETLINK_INFO__INIT;

	info.has_complete = info.complete = info.has_rows = true;
	answer.serial = serial;
	answer.info = &info;
	answer.has_blocks = blocks;
	answer.blocks.data = (uint8_t *)(uintptr_t)&nothing;
	answer.blocks.len = blocks ? sizeof nothing : 0;
	say(reader, &answer, fd);
}

static void say_failure(size_t reader, uint64_t serial, int code, const char *text) {
	Usher__NetlinkAnswer answer = USHER__NETLINK_ANSWER__INIT;

	answer.serial = serial;
	answer.code = code;
	answer.text = (char *)(uintptr_t)text;
	say(reader, &answer, -1);
}

static int memory_of(off_t bytes) {
	int fd = memfd_create("rows", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, bytes), 0);
	return fd;
}

/* ---- the stage ---- */

static void new_stage(struct stage *stage, enum polkit polkit) {
	n_readers = 0;
	complaints_forget();
	readers_fail = false;
	stage_new(stage, polkit, false);
}

static void end_stage(struct stage *stage) {
	while (n_readers > 0)
		fd_closep(&readers[--n_readers]);
	stage_free(stage);
}

static void assert_refused(struct stage *stage, int code, const char *words) {
	stage_settle(stage);
	assert_int_equal(stage->refusals, 1);
	assert_int_equal(stage->code, code);
	if (!strstr(stage->sentence, words))
		fail_msg("'%s' is not in: %s", words, stage->sentence);
}

/* ---- who is asked ---- */

static void a_question_about_where_its_caller_is_needs_no_child(void **state) {
	Usher__NetlinkOrder *order;
	struct stage stage;

	(void)state;
	new_stage(&stage, POLKIT_NO);
	stage_call(&stage, "Netlink.Query",
		   "type=link|fields=ifname|fields=mtu|limit=5|consistency=retry|filter=mtu=1500",
		   false, 0);
	order = next_ask(&stage, 0);
	assert_true(order->ask->has_caller_fd && !order->ask->has_namespace_fd);
	assert_int_equal(order->ask->uid, stage.uid);
	assert_int_equal(order->ask->selection->n_types, 1);
	assert_string_equal(order->ask->selection->types[0], "link");
	assert_int_equal(order->ask->selection->n_fields, 2);
	assert_string_equal(order->ask->selection->fields[1], "mtu");
	assert_int_equal(order->ask->selection->filter->n_members, 1);
	assert_int_equal(order->ask->selection->rights, 0);
	assert_int_equal(order->ask->limit, 5);
	assert_string_equal(order->ask->consistency, "retry");
	assert_true(order->ask->deadline_usec == 10000000);
	assert_null(order->ask->format);
	say_rows(0, order->ask->serial, true, -1);
	free_order(order);
	stage_settle(&stage);
	assert_int_equal(stage.answers, 1);
	assert_int_equal(((Usher__QueryReply *)stage.reply)->n_rows, 0);
	assert_true(((Usher__QueryReply *)stage.reply)->info->complete);
	assert_int_equal(stage.n_children, 0);
	assert_int_equal(stage.questions, 0);
	assert_int_equal(stage_log_lines(), 0); /* of what is free, and looks */
	end_stage(&stage);
}

static void a_question_about_elsewhere_goes_where_a_child_has_found(void **state) {
	Usher__NetlinkOrder *order;
	struct stage stage;

	(void)state;
	new_stage(&stage, POLKIT_YES);
	stage.scripts[0] = "find=3 grant where";
	stage_call(&stage, ELSEWHERE, false, 0);
	order = next_ask(&stage, 0);
	assert_int_equal(stage.questions, 1);
	assert_true(order->ask->has_namespace_fd && !order->ask->has_caller_fd);
	assert_int_equal(order->ask->uid, stage.uid);
	assert_int_equal(order->ask->selection->rights, 1);
	say_rows(0, order->ask->serial, true, -1);
	free_order(order);
	stage_settle(&stage);
	assert_int_equal(stage.answers, 1);
	assert_int_equal(stage_log_lines(), 1);
	assert_true(stage_log_has(0, "USHER_DECIDED_BY", "polkit"));
	end_stage(&stage);
}

static void what_polkit_refuses_the_reader_is_not_asked(void **state) {
	struct stage stage;

	(void)state;
	new_stage(&stage, POLKIT_NO);
	stage.scripts[0] = "find=3 grant where";
	stage_call(&stage, ELSEWHERE, false, 0);
	assert_refused(&stage, REFUSED_PERMISSION, "");
	assert_int_equal(n_readers, 0);
	end_stage(&stage);
}

static void what_not_everybody_is_told_takes_a_child(void **state) {
	static const char *const fields[] = { "type=wireguard", "type=conntrack",
					      "type=socket|fields=mark",
					      "type=socket|filter=mark=1" };

	(void)state;
	for (size_t i = 0; i < N_OF(fields); i++) {
		struct stage stage;

		new_stage(&stage, POLKIT_NO);
		stage.scripts[0] = "find=3 grant where";
		stage_call(&stage, "Netlink.Query", fields[i], false, 0);
		assert_refused(&stage, REFUSED_PERMISSION, "");
		assert_int_equal(n_readers, 0);
		end_stage(&stage);
	}
}

static void a_child_that_has_found_nothing_talks_nonsense(void **state) {
	struct stage stage;

	(void)state;
	new_stage(&stage, POLKIT_YES);
	stage.scripts[0] = "find=0 grant ok";
	stage_call(&stage, ELSEWHERE, false, 0);
	assert_refused(&stage, -EBADMSG, "");
	assert_int_equal(n_readers, 0);
	end_stage(&stage);
}

/* ---- what it answers ---- */

static void what_the_reader_refuses_is_refused(void **state) {
	struct stage stage;

	(void)state;
	new_stage(&stage, POLKIT_NO);
	stage_call(&stage, QUERY, false, 0);
	say_failure(0, asked(&stage, 0), -ENODEV, "there is no such device");
	assert_refused(&stage, -ENODEV, "there is no such device");
	end_stage(&stage);
}

static void each_answer_is_its_questions(void **state) {
	uint64_t first, second;
	struct stage stage;

	(void)state;
	new_stage(&stage, POLKIT_NO);
	stage_call(&stage, QUERY, false, 0);
	first = asked(&stage, 0);
	stage_call(&stage, QUERY, false, 0);
	second = asked(&stage, 0);
	assert_true(first != second);
	say_rows(0, 77, false, some_descriptor()); /* nobody's */
	say_rows(0, second, true, -1);
	stage_until(&stage, stage.answers == 1);
	say_failure(0, first, REFUSED_LIMIT, "because");
	assert_refused(&stage, REFUSED_LIMIT, "because");
	say_rows(0, first, true, -1); /* once more */
	stage_settle(&stage);
	assert_int_equal(stage.answers + stage.refusals, 2);
	assert_int_equal(n_readers, 1);
	end_stage(&stage);
}

static void an_answer_without_its_rows_is_nonsense(void **state) {
	struct stage stage;

	(void)state;
	new_stage(&stage, POLKIT_NO);
	stage_call(&stage, OPEN, false, 0);
	say_rows(0, asked(&stage, 0), true, -1);
	assert_refused(&stage, -EBADMSG, "nonsense");
	end_stage(&stage);
	new_stage(&stage, POLKIT_NO);
	stage_call(&stage, QUERY, false, 0);
	say_failure(0, asked(&stage, 0), 0, NULL);
	assert_refused(&stage, -EBADMSG, "nonsense");
	end_stage(&stage);
}

static void describing_asks_nobody(void **state) {
	struct stage stage;

	(void)state;
	new_stage(&stage, POLKIT_NO);
	stage_call(&stage, "Netlink.Describe", "type=link", false, 0);
	stage_settle(&stage);
	assert_int_equal(stage.answers, 1);
	assert_non_null(strstr(((Usher__DescribeReply *)stage.reply)->json, "\"name\":\"ifname\""));
	assert_int_equal(n_readers + stage.n_children, 0);
	assert_int_equal(stage_log_lines(), 0);
	end_stage(&stage);
}

/* ---- when somebody goes ---- */

static void a_reader_that_dies_has_a_successor(void **state) {
	struct stage stage;

	(void)state;
	new_stage(&stage, POLKIT_NO);
	stage_call(&stage, QUERY, false, 0);
	(void)asked(&stage, 0);
	fd_closep(&readers[0]);
	assert_refused(&stage, REFUSED_RETRY, "died");
	assert_int_equal(complaints_n(), 1);
	stage_call(&stage, QUERY, false, 0);
	say_rows(1, asked(&stage, 1), true, -1);
	stage_settle(&stage);
	assert_int_equal(stage.answers, 1);
	end_stage(&stage);
}

/* It may have died where nobody saw it yet. */
static void a_reader_that_has_died_unseen_is_not_asked(void **state) {
	struct stage stage;

	(void)state;
	new_stage(&stage, POLKIT_NO);
	stage_call(&stage, QUERY, false, 0);
	say_rows(0, asked(&stage, 0), true, -1);
	stage_settle(&stage);
	fd_closep(&readers[0]);
	stage_call(&stage, QUERY, false, 0);
	say_rows(1, asked(&stage, 1), true, -1);
	stage_settle(&stage);
	assert_int_equal(stage.answers, 2);
	end_stage(&stage);
}

static void a_reader_that_talks_nonsense_is_let_go(void **state) {
	Usher__NetlinkReport report = USHER__NETLINK_REPORT__INIT;
	struct stage stage;
	char byte;

	(void)state;
	new_stage(&stage, POLKIT_NO);
	stage_call(&stage, QUERY, false, 0);
	(void)asked(&stage, 0);
	assert_int_equal(wire_send(readers[0], &report.base, NULL), 0);
	assert_refused(&stage, REFUSED_RETRY, "died");
	assert_int_equal(recv(readers[0], &byte, 1, 0), 0);
	end_stage(&stage);
}

static void without_a_reader_there_is_no_answer(void **state) {
	struct stage stage;

	(void)state;
	new_stage(&stage, POLKIT_NO);
	readers_fail = true;
	stage_call(&stage, QUERY, false, 0);
	assert_refused(&stage, REFUSED_FAILED, "cannot be reached");
	end_stage(&stage);
}

static void for_who_leaves_nobody_goes_on_reading(void **state) {
	struct stage stage;
	uint64_t serial;

	(void)state;
	new_stage(&stage, POLKIT_YES);
	stage.scripts[0] = "find=3 grant where";
	stage_call(&stage, ELSEWHERE, false, 0);
	serial = asked(&stage, 0);
	stage_leave(&stage);
	stage_until(&stage, stage.client_gone);
	expect_forget(&stage, 0, serial);
	stage_settle(&stage);
	assert_int_equal(stage.answers + stage.refusals, 0);
	end_stage(&stage);
}

static void what_is_not_answered_in_time_is_forgotten(void **state) {
	struct stage stage;
	uint64_t serial;

	(void)state;
	new_stage(&stage, POLKIT_NO);
	stage_call(&stage, "Netlink.Query", "type=link|deadline_usec=1000", false, 0);
	serial = asked(&stage, 0);
	stage_until(&stage, stage.refusals > 0);
	assert_refused(&stage, REFUSED_TIMED_OUT, "does not answer");
	expect_forget(&stage, 0, serial);
	end_stage(&stage);
}

static void a_service_that_leaves_does_not_wait_for_its_reader(void **state) {
	struct stage stage;

	(void)state;
	new_stage(&stage, POLKIT_NO);
	stage_call(&stage, QUERY, false, 0);
	(void)asked(&stage, 0);
	call_wind_up(&stage.desk);
	assert_refused(&stage, REFUSED_RETRY, "being stopped");
	end_stage(&stage);
}

/* ---- memory ---- */

/* How much a question for a memfd may fill. */
static uint64_t room(struct stage *stage, uint64_t *ret_serial) {
	Usher__NetlinkOrder *order = next_ask(stage, 0);
	uint64_t bytes = order->ask->bytes;

	assert_true(order->ask->has_bytes);
	assert_string_equal(order->ask->format, "records");
	assert_string_equal(order->ask->transport, "memfd");
	*ret_serial = order->ask->serial;
	free_order(order);
	return bytes;
}

static void memory_is_the_users_until_all_have_let_go_of_it(void **state) {
	struct stage stage;
	uint64_t serial;
	void *mapped;

	(void)state;
	new_stage(&stage, POLKIT_NO);
	stage.desk.configuration.limits.value[LIMIT_ROW_BYTES] = 4 * MEBIBYTE;
	stage_call(&stage, OPEN, false, 0);
	assert_true(room(&stage, &serial) == 4 * MEBIBYTE);
	say_rows(0, serial, false, memory_of(MEBIBYTE));
	stage_settle(&stage);
	assert_int_equal(stage.answers, 1);
	assert_true(handouts_held(&stage.desk.handouts, stage.uid) == MEBIBYTE);
	mapped = mmap(NULL, MEBIBYTE, PROT_READ, MAP_SHARED, stage.received.fd[0], 0);
	assert_ptr_not_equal(mapped, MAP_FAILED);
	fds_done(&stage.received);
	stage_call(&stage, OPEN, false, 0);
	assert_true(room(&stage, &serial) == 3 * MEBIBYTE); /* a mapping holds it, too */
	(void)munmap(mapped, MEBIBYTE);
	stage_until(&stage, handouts_held(&stage.desk.handouts, stage.uid) == 0);
	say_failure(0, serial, REFUSED_LIMIT, "because");
	stage_settle(&stage);
	stage_call(&stage, OPEN, false, 0);
	assert_true(room(&stage, &serial) == 4 * MEBIBYTE);
	say_failure(0, serial, REFUSED_LIMIT, "because");
	stage_settle(&stage);
	end_stage(&stage);
}

static void who_holds_too_much_gets_no_more(void **state) {
	struct stage stage;
	uint64_t serial;

	(void)state;
	new_stage(&stage, POLKIT_NO);
	stage.desk.configuration.limits.value[LIMIT_ROW_BYTES] = MEBIBYTE;
	stage_call(&stage, OPEN, false, 0);
	(void)room(&stage, &serial);
	say_rows(0, serial, false, memory_of(MEBIBYTE));
	stage_settle(&stage);
	stage_call(&stage, OPEN, false, 0);
	assert_refused(&stage, REFUSED_LIMIT, "RowBytes=1048576");
	assert_true(hears_nothing(0));
	end_stage(&stage);
}

static int held_by(struct stage *stage, uid_t uid, off_t bytes) {
	int fd = memory_of(bytes);

	assert_int_equal(handouts_add(&stage->desk.handouts, uid, fd), 0);
	return fd;
}

static void nobody_has_more_than_is_left_for_others(void **state) {
	struct stage stage;
	uint64_t serial;
	int other, more, own;

	(void)state;
	new_stage(&stage, POLKIT_NO);
	stage.desk.configuration.limits.value[LIMIT_ROW_BYTES] = 1024 * MEBIBYTE;
	other = held_by(&stage, stage.uid + 1, 300 * MEBIBYTE);
	stage_call(&stage, OPEN, false, 0);
	assert_true(room(&stage, &serial) == 468 * MEBIBYTE);
	say_rows(0, serial, false, memory_of(200 * MEBIBYTE));
	stage_settle(&stage);
	own = fd_take(&stage.received.fd[0]);
	stage_call(&stage, OPEN, false, 0);
	assert_true(room(&stage, &serial) == 68 * MEBIBYTE);
	say_rows(0, serial, false, memory_of(1));
	stage_settle(&stage);
	more = held_by(&stage, stage.uid + 1, 68 * MEBIBYTE);
	stage_call(&stage, OPEN, false, 0);
	assert_refused(&stage, REFUSED_LIMIT, "no more are left for others");
	assert_true(hears_nothing(0));
	(void)close(own);
	(void)close(other);
	(void)close(more);
	end_stage(&stage);
}

static void calls_at_a_time_share_what_a_user_may_have(void **state) {
	struct stage stage;
	uint64_t serial;

	(void)state;
	new_stage(&stage, POLKIT_NO);
	stage.desk.configuration.limits.value[LIMIT_ROW_BYTES] = 4 * MEBIBYTE;
	stage_call(&stage, OPEN, false, 0);
	assert_true(room(&stage, &serial) == 4 * MEBIBYTE);
	stage_call(&stage, OPEN, false, 0);
	assert_true(room(&stage, &serial) == 2 * MEBIBYTE);
	end_stage(&stage);
}

static void calls_at_a_time_do_not_fill_ever_more_memory(void **state) {
	struct stage stage;
	uint64_t serial, sum = 0;

	(void)state;
	new_stage(&stage, POLKIT_NO);
	stage.desk.configuration.limits.value[LIMIT_ROW_BYTES] = 64 * MEBIBYTE;
	for (int i = 0; i < 24; i++) {
		stage_call(&stage, OPEN, false, 0);
		sum += room(&stage, &serial);
	}
	assert_true(sum < (128 + 24) * MEBIBYTE);
	stage_call(&stage, OPEN, false, 0);
	assert_true(room(&stage, &serial) == MEBIBYTE);
	end_stage(&stage);
}

static void what_is_small_counts_as_what_it_takes(void **state) {
	struct stage stage;
	uint64_t serial;

	(void)state;
	new_stage(&stage, POLKIT_NO);
	stage_call(&stage, OPEN, false, 0);
	(void)room(&stage, &serial);
	say_rows(0, serial, false, memory_of(1));
	stage_settle(&stage);
	assert_int_equal(stage.answers, 1);
	assert_true(handouts_held(&stage.desk.handouts, stage.uid) == 65536);
	end_stage(&stage);
}

static void a_stream_takes_no_memory_but_is_one_of_so_many(void **state) {
	Usher__NetlinkOrder *order;
	struct stage stage;

	(void)state;
	new_stage(&stage, POLKIT_NO);
	stage.desk.configuration.limits.value[LIMIT_STREAMS] = 3;
	stage_call(&stage, "Netlink.Open", "type=link|transport=stream|format=json", false, 0);
	order = next_ask(&stage, 0);
	assert_true(order->ask->has_streams && order->ask->streams == 3);
	assert_false(order->ask->has_bytes);
	assert_string_equal(order->ask->format, "json");
	assert_string_equal(order->ask->transport, "stream");
	say_rows(0, order->ask->serial, false, some_descriptor());
	free_order(order);
	stage_settle(&stage);
	assert_int_equal(stage.answers, 1);
	assert_int_equal(stage.received.n, 1);
	assert_true(handouts_total(&stage.desk.handouts) == 0);
	end_stage(&stage);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_about_where_its_caller_is_needs_no_child),
		cmocka_unit_test(a_question_about_elsewhere_goes_where_a_child_has_found),
		cmocka_unit_test(what_polkit_refuses_the_reader_is_not_asked),
		cmocka_unit_test(what_not_everybody_is_told_takes_a_child),
		cmocka_unit_test(a_child_that_has_found_nothing_talks_nonsense),
		cmocka_unit_test(what_the_reader_refuses_is_refused),
		cmocka_unit_test(each_answer_is_its_questions),
		cmocka_unit_test(an_answer_without_its_rows_is_nonsense),
		cmocka_unit_test(describing_asks_nobody),
		cmocka_unit_test(a_reader_that_dies_has_a_successor),
		cmocka_unit_test(a_reader_that_has_died_unseen_is_not_asked),
		cmocka_unit_test(a_reader_that_talks_nonsense_is_let_go),
		cmocka_unit_test(without_a_reader_there_is_no_answer),
		cmocka_unit_test(for_who_leaves_nobody_goes_on_reading),
		cmocka_unit_test(what_is_not_answered_in_time_is_forgotten),
		cmocka_unit_test(a_service_that_leaves_does_not_wait_for_its_reader),
		cmocka_unit_test(memory_is_the_users_until_all_have_let_go_of_it),
		cmocka_unit_test(who_holds_too_much_gets_no_more),
		cmocka_unit_test(nobody_has_more_than_is_left_for_others),
		cmocka_unit_test(calls_at_a_time_share_what_a_user_may_have),
		cmocka_unit_test(calls_at_a_time_do_not_fill_ever_more_memory),
		cmocka_unit_test(what_is_small_counts_as_what_it_takes),
		cmocka_unit_test(a_stream_takes_no_memory_but_is_one_of_so_many),
	};

	return cmocka_run_group_tests(tests, stages_begin, stages_end);
}
