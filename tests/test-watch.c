/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libusher reads out of the stream of a watch, and what it does not take for a record. */

/* cmocka.h wants the others before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "usher.h"

/* A packet, and whoever reads it. */
struct stage {
	uint8_t packet[USHER_WATCH_PACKET_MAX + 8];
	size_t size;
	int writer;
	struct usher_watch *watch;
	struct usher_change change;
};

static struct stage stage;

static int set_stage(void **state) {
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(usher_watch_adopt(pair[0], &stage.watch), 0);
	stage.writer = pair[1];
	return 0;
}

static int clear_stage(void **state) {
	assert_null(usher_watch_close(stage.watch));
	if (stage.writer >= 0)
		assert_int_equal(close(stage.writer), 0);
	memset(&stage, 0, sizeof stage);
	return 0;
}

/* Adds a record to the packet; returns it, to be spoilt. */
static struct usher_watch_record *put(unsigned kind, uint32_t events, const char *path,
				      const char *old_path) {
	struct usher_watch_record record = {
		.kind = (uint16_t)kind,
		.flags = USHER_WATCH_DIRECTORY,
		.clock = 5,
		.usec = 6,
		.events = events,
		.pid = 7,
		.path_length = (uint32_t)strlen(path),
		.old_path_length = (uint32_t)strlen(old_path),
	};
	uint8_t *at = stage.packet + stage.size;

	record.size = (uint32_t)(sizeof record + strlen(path) + strlen(old_path) + 2 + 7) & ~7U;
	assert_true(stage.size + record.size <= sizeof stage.packet);
	memset(at, 0, record.size);
	memcpy(at, &record, sizeof record);
	memcpy(at + sizeof record, path, strlen(path));
	memcpy(at + sizeof record + strlen(path) + 1, old_path, strlen(old_path));
	stage.size += record.size;
	return (struct usher_watch_record *)(void *)at;
}

static void give(void) {
	assert_int_equal(send(stage.writer, stage.packet, stage.size, 0), stage.size);
	stage.size = 0;
}

static int next(void) {
	return usher_watch_next(stage.watch, &stage.change);
}

/* That the packet, behind a good record, is given up, and that reading goes on with the next. */
static void assert_bad(void) {
	give();
	assert_int_equal(next(), -EBADMSG);
	assert_int_equal(next(), 0);
	put(USHER_WATCH_EVENT, USHER_WATCH_CREATE, "good", "");
	give();
	assert_int_equal(next(), 1);
	assert_string_equal(stage.change.path, "good");
}

static void records_are_read_in_their_order(void **state) {
	struct pollfd fd = { .fd = usher_watch_get_fd(stage.watch), .events = POLLIN };

	assert_int_equal(poll(&fd, 1, 0), 0);
	assert_int_equal(next(), 0);
	put(USHER_WATCH_EVENT, USHER_WATCH_CREATE | USHER_WATCH_MODIFY, "d/a\xff\n", "");
	put(USHER_WATCH_EVENT, USHER_WATCH_MOVE, "new", "old");
	put(USHER_WATCH_LOST, 0, "", "")->flags = USHER_WATCH_ALL;
	give();
	put(USHER_WATCH_RESCAN, 0, "d", "");
	give();
	assert_int_equal(poll(&fd, 1, 0), 1);
	assert_int_equal(next(), 1);
	assert_int_equal(stage.change.kind, USHER_WATCH_EVENT);
	assert_int_equal(stage.change.flags, USHER_WATCH_DIRECTORY);
	assert_int_equal(stage.change.events, USHER_WATCH_CREATE | USHER_WATCH_MODIFY);
	assert_int_equal(stage.change.clock, 5);
	assert_int_equal(stage.change.usec, 6);
	assert_int_equal(stage.change.pid, 7);
	assert_string_equal(stage.change.path, "d/a\xff\n");
	assert_string_equal(stage.change.old_path, "");
	assert_int_equal(next(), 1);
	assert_string_equal(stage.change.path, "new");
	assert_string_equal(stage.change.old_path, "old");
	assert_int_equal(next(), 1);
	assert_int_equal(stage.change.kind, USHER_WATCH_LOST);
	assert_int_equal(stage.change.flags, USHER_WATCH_ALL);
	assert_int_equal(next(), 1);
	assert_int_equal(stage.change.kind, USHER_WATCH_RESCAN);
	assert_string_equal(stage.change.path, "d");
	assert_int_equal(next(), 0);
}

static void the_end_of_the_stream_is_the_watchs(void **state) {
	put(USHER_WATCH_EVENT, USHER_WATCH_CREATE, "a", "");
	give();
	assert_int_equal(close(stage.writer), 0);
	stage.writer = -1;
	assert_int_equal(next(), 1);
	assert_int_equal(next(), -ENOTCONN);
	assert_int_equal(next(), -ENOTCONN);
}

static void what_is_not_known_yet_is_passed_over(void **state) {
	struct usher_watch_record *record = put(4, 0, "new kind", "");

	record->path_length = UINT32_MAX; /* for all we know */
	record = put(USHER_WATCH_EVENT, USHER_WATCH_CREATE, "longer", "");
	record->size += 16;
	stage.size += 16;
	put(USHER_WATCH_EVENT, USHER_WATCH_DELETE, "last", "");
	give();
	assert_int_equal(next(), 1);
	assert_string_equal(stage.change.path, "longer");
	assert_int_equal(next(), 1);
	assert_string_equal(stage.change.path, "last");
	assert_int_equal(next(), 0);
}

static void a_packet_of_unknown_kinds_is_not_the_end(void **state) {
	put(9, 0, "", "");
	give();
	put(USHER_WATCH_EVENT, USHER_WATCH_CREATE, "a", "");
	give();
	assert_int_equal(next(), 1);
	assert_string_equal(stage.change.path, "a");
}

static void a_record_that_is_cut_off_is_none(void **state) {
	put(USHER_WATCH_EVENT, USHER_WATCH_CREATE, "a", "");
	stage.size -= 8;
	assert_bad();
	put(USHER_WATCH_EVENT, USHER_WATCH_CREATE, "a", "");
	stage.size = sizeof(struct usher_watch_record) - 1;
	assert_bad();
}

static void a_size_that_cannot_be_is_none(void **state) {
	static const uint32_t sizes[] = { 0, 8, 40, 47, 49, 4096, UINT32_MAX, UINT32_MAX - 7 };

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		put(USHER_WATCH_EVENT, USHER_WATCH_CREATE, "a", "")->size = sizes[i];
		assert_bad();
	}
}

static void lengths_beyond_the_record_are_none(void **state) {
	static const uint32_t lengths[] = { 0, 2, 6, 7, 8, UINT32_MAX - 1, UINT32_MAX };

	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		put(USHER_WATCH_EVENT, USHER_WATCH_CREATE, "a", "")->path_length = lengths[i];
		assert_bad();
		put(USHER_WATCH_EVENT, USHER_WATCH_CREATE, "a", "b")->old_path_length = lengths[i];
		assert_bad();
	}
}

static void a_path_without_its_zero_is_none(void **state) {
	struct usher_watch_record *record = put(USHER_WATCH_EVENT, USHER_WATCH_CREATE, "a", "");

	memset((uint8_t *)record + sizeof *record, 'a', record->size - sizeof *record);
	assert_bad();
	record = put(USHER_WATCH_EVENT, USHER_WATCH_CREATE, "a", "b");
	memset((uint8_t *)record + sizeof *record + 2, 'b', record->size - sizeof *record - 2);
	assert_bad();
}

static void a_packet_that_is_too_large_is_none(void **state) {
	while (stage.size + 64 <= USHER_WATCH_PACKET_MAX)
		put(USHER_WATCH_EVENT, USHER_WATCH_CREATE, "abcdefg", "");
	stage.size = USHER_WATCH_PACKET_MAX + 8;
	assert_bad();
}

static void a_program_without_a_service_can_ask_for_nothing(void **state) {
	assert_null(usher_watch_get_object(stage.watch));
	assert_int_equal(usher_watch_set_events(stage.watch, NULL), -EOPNOTSUPP);
	assert_int_equal(usher_watch_decide(stage.watch, 1, true), -EOPNOTSUPP);
	assert_int_equal(usher_watch_since(stage.watch, 1, NULL, NULL, NULL), -EOPNOTSUPP);
	assert_int_equal(usher_watch_adopt(-1, &stage.watch), -EBADF);
}

static void every_event_has_the_name_of_its_constant(void **state) {
	for (unsigned i = 0; i < 18; i++)
		assert_int_equal(usher_watch_event_from_name(usher_watch_event_name(1U << i)),
				 1U << i);
	assert_string_equal(usher_watch_event_name(USHER_WATCH_CREATE), "create");
	assert_string_equal(usher_watch_event_name(USHER_WATCH_CLOSE_WRITE), "close-write");
	assert_string_equal(usher_watch_event_name(USHER_WATCH_MOVE_SELF), "move-self");
	assert_string_equal(usher_watch_event_name(USHER_WATCH_MOUNT_DETACH), "mount-detach");
	assert_string_equal(usher_watch_event_name(USHER_WATCH_EXEC_PERM), "exec-perm");
	assert_null(usher_watch_event_name(1U << 18));
	assert_null(usher_watch_event_name(3));
	assert_int_equal(usher_watch_event_from_name("blossom"), 0);
	assert_int_equal(usher_watch_event_from_name(NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_stage, clear_stage)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(records_are_read_in_their_order),
		TEST(the_end_of_the_stream_is_the_watchs),
		TEST(what_is_not_known_yet_is_passed_over),
		TEST(a_packet_of_unknown_kinds_is_not_the_end),
		TEST(a_record_that_is_cut_off_is_none),
		TEST(a_size_that_cannot_be_is_none),
		TEST(lengths_beyond_the_record_are_none),
		TEST(a_path_without_its_zero_is_none),
		TEST(a_packet_that_is_too_large_is_none),
		TEST(a_program_without_a_service_can_ask_for_nothing),
		TEST(every_event_has_the_name_of_its_constant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
