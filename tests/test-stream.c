/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Streams of several watches at once, beside a list of what each was told: whatever is read late or
 * never, nothing comes twice, in another order or to another, and what is missing is told as lost.
 */

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"
#include "watcher/stock.h"
#include "watcher/stream.h"

enum { READERS = 5, SINGERS = 3, SINGERS_ALL = (1 << SINGERS) - 1, RECORDS = 30000, ROOM = 700 };

struct reader {
	struct stream stream;
	int fd;
	uint64_t *told; /* clocks */
	size_t n, next; /* of those, which is to come */
	size_t missing;
	bool excused; /* has been told that some are lost */
};

static unsigned random_state = 1;

static unsigned roll(unsigned sides) {
	random_state = random_state * 1103515245U + 12345;
	return (random_state >> 8 & 0xffff) % sides;
}

static void begin(struct reader *reader) {
	int ends[2], room = 60000;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
	assert_int_equal(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room), 0);
	*reader = (struct reader){ .stream = { .fd = ends[1], .room = ROOM }, .fd = ends[0] };
	reader->told = calloc(RECORDS, sizeof *reader->told);
	assert_non_null(reader->told);
}

static void finish(struct reader *reader) {
	stream_done(&reader->stream);
	close(reader->fd);
	close(reader->stream.fd);
	free(reader->told);
}

static void check(struct reader *reader, const struct usher_watch_record *record) {
	char path[200];

	if (record->kind == USHER_WATCH_LOST) {
		reader->excused = true;
		return;
	}
	while (reader->next < reader->n && reader->told[reader->next] < record->clock) {
		reader->next++;
		reader->missing++;
	}
	assert_true(reader->next < reader->n);
	assert_int_equal(reader->told[reader->next++], record->clock);
	/* what is lost is said before anything follows */
	assert_true(reader->missing == 0 || reader->excused);
	(void)snprintf(path, sizeof path, "d%llu/%0*d", (unsigned long long)record->clock % 7,
		       (int)(record->clock % 90 + 1), 1);
	assert_string_equal((const char *)(record + 1), path);
}

static void read_some(struct reader *reader, unsigned packets) {
	static _Alignas(8) uint8_t packet[USHER_WATCH_PACKET_MAX];
	ssize_t size;

	while (packets-- > 0 && (size = recv(reader->fd, packet, sizeof packet, 0)) > 0)
		for (size_t at = 0; at < (size_t)size;) {
			const struct usher_watch_record *record = (const void *)(packet + at);

			assert_true(record->size >= sizeof *record && record->size % 8 == 0);
			check(reader, record);
			at += record->size;
			assert_true(at <= (size_t)size);
		}
}

/* The first of them, if all are told. */
static struct chorus chorus;
static unsigned told_at_once;

/* Now and then by another kind of record. */
static bool sing_of(const struct happening *happening) {
	return happening->clock % 11 ? chorus_put(&chorus, happening, USHER_WATCH_CREATE)
				     : chorus_put_rescan(&chorus, happening->path,
							 happening->path_length, happening->clock);
}

static bool tell_chorus(const struct happening *happening, unsigned pattern) {
	bool told =
		chorus.n == SINGERS && (pattern & SINGERS_ALL) == SINGERS_ALL && sing_of(happening);

	told_at_once += told;
	return told;
}

static void tell(struct reader readers[], uint64_t clock, unsigned pattern) {
	char path[200];
	struct happening happening = { .events = USHER_WATCH_CREATE, .clock = clock };

	happening.path = path;
	happening.path_length =
		(size_t)snprintf(path, sizeof path, "d%llu/%0*d", (unsigned long long)clock % 7,
				 (int)(clock % 90 + 1), 1);
	for (unsigned i = 0, at_once = tell_chorus(&happening, pattern) ? SINGERS : 0; i < READERS;
	     i++) {
		if (!(pattern >> i & 1))
			continue;
		readers[i].told[readers[i].n++] = clock;
		if (i < at_once)
			continue;
		stream_put(&readers[i].stream, &happening, USHER_WATCH_CREATE);
	}
}

static void flush(struct reader readers[]) {
	for (unsigned i = 0; i < READERS; i++)
		stream_flush(&readers[i].stream);
}

static void sing(struct reader readers[], bool together) {
	for (unsigned i = 0; i < SINGERS; i++)
		if (together)
			assert_int_equal(chorus_join(&chorus, &readers[i].stream), 0);
		else
			chorus_leave(&readers[i].stream);
}

/* The last reader sleeps for long, so that all that it is told is kept for it, then lost; one that
 * sings does so now and then. */
static void tell_them(bool together) {
	struct reader readers[READERS];
	unsigned pattern = ~0U;

	for (unsigned i = 0; i < READERS; i++)
		begin(&readers[i]);
	if (together)
		sing(readers, true);
	for (uint64_t clock = 1; clock <= RECORDS; clock++) {
		if (roll(clock / 5000 % 2 ? 2 : 40) == 0)
			pattern = roll(1U << READERS) | (together && roll(4) ? SINGERS_ALL : 0);
		tell(readers, clock, pattern);
		if (roll(200) == 0)
			flush(readers);
		if (roll(together ? 20 : 100) == 0)
			read_some(&readers[roll(READERS - 1)], 1 + roll(4));
		if (roll(8000) == 0)
			read_some(&readers[READERS - 1], 1000);
		if (together && roll(500) == 0)
			sing(readers, chorus.n == 0);
		if (together && roll(300) == 0)
			chorus_except(&readers[roll(SINGERS)].stream);
	}
	for (unsigned i = 0; i < READERS; i++) {
		for (unsigned again = 0; again < 20; again++) {
			stream_flush(&readers[i].stream);
			read_some(&readers[i], 1000);
		}
		readers[i].missing += readers[i].n - readers[i].next;
		assert_true(stream_is_empty(&readers[i].stream));
		assert_true(readers[i].missing == 0 || readers[i].excused);
		assert_int_equal(readers[i].stream.n_lost, readers[i].missing);
		assert_true(readers[i].stream.delivered > 0);
		finish(&readers[i]);
	}
	assert_true(readers[READERS - 1].missing > 0);
}

static void what_each_is_told_comes_once_and_in_order(void **state) {
	tell_them(false);
	assert_int_equal(told_at_once, 0);
}

static void so_does_what_is_told_to_several_at_once(void **state) {
	tell_them(true);
	assert_in_range(told_at_once, RECORDS / 10, RECORDS);
	assert_int_equal(chorus.n, 0);
}

/* Nobody takes anything, and what all are told begins anew all the same. */
static void one_that_is_stuck_does_not_let_it_grow(void **state) {
	struct reader readers[READERS];

	for (unsigned i = 0; i < READERS; i++)
		begin(&readers[i]);
	for (uint64_t clock = 1; clock <= RECORDS; clock++) {
		tell(readers, clock, 1);
		if (clock % 100 == 0)
			flush(readers);
	}
	assert_true(readers[0].stream.waiting <= ROOM + 1);
	for (unsigned again = 0; again < 20; again++) {
		read_some(&readers[0], 1000);
		stream_flush(&readers[0].stream);
	}
	assert_true(readers[0].excused);
	for (unsigned i = 0; i < READERS; i++)
		finish(&readers[i]);
}

/* As much as there is; so many pieces. */
static size_t fill(uid_t uid, void *piece[], size_t max) {
	size_t n = 0;

	while (n < max && (piece[n] = stock_new(uid, 1 << 20)))
		n++;
	assert_true(n < max);
	return n;
}

static void who_waits_most_leaves_room_for_others(void **state) {
	static void *one[200], *other[200], *third[200];
	size_t n[3];

	(void)state;
	n[0] = fill(1000, one, 200);
	n[1] = fill(1001, other, 200);
	n[2] = fill(1002, third, 200);
	assert_int_equal(n[0], 48); /* half of it */
	assert_int_equal(n[1], 24); /* half of what is left */
	assert_int_equal(n[2], 12);
	assert_null(stock_new(1000, 1));
	while (n[1] > 0)
		stock_free(other[--n[1]]);
	stock_free(third[--n[2]]);
	stock_free(stock_new(1002, 2 << 20));
	while (n[2] > 0)
		stock_free(third[--n[2]]);
	while (n[0] > 0)
		stock_free(one[--n[0]]);
	assert_int_equal(fill(1001, other, 200), 48);
	for (size_t i = 0; i < 48; i++)
		stock_free(other[i]);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_each_is_told_comes_once_and_in_order),
		cmocka_unit_test(so_does_what_is_told_to_several_at_once),
		cmocka_unit_test(who_waits_most_leaves_room_for_others),
		cmocka_unit_test(one_that_is_stuck_does_not_let_it_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
