/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames between broker and worker: what was sent arrives, and what is not such a frame is not
 * believed, whoever sent it, and costs no descriptor.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "message.h"
#include "support.h"
#include "usher.pb-c.h"
#include "wire.h"

enum { MAGIC = 0x75736872 };

/* The frame's head, as both sides lay it out. */
struct header {
	uint32_t magic, size, outside;
};

struct wire {
	int pair[2];
	size_t before;
};

static int wire_new(void **state) {
	static struct wire wire;

	wire.before = descriptors_open();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, wire.pair) < 0)
		return -1;
	*state = &wire;
	return 0;
}

/* Every test ends with as many descriptors as it began with. */
static int wire_free(void **state) {
	struct wire *wire = *state;

	fd_closep(&wire->pair[0]);
	fd_closep(&wire->pair[1]);
	return descriptors_open() == wire->before ? 0 : -1;
}

static Usher__Order order_of(const char *name, const uint8_t *bytes, size_t size) {
	Usher__Order order = USHER__ORDER__INIT;

	order.operation = (char *)(uintptr_t)name;
	order.request.data = (uint8_t *)(uintptr_t)bytes;
	order.request.len = size;
	order.uid = 1000;
	order.deadline_usec = 5;
	return order;
}

static int receive(struct wire *wire, struct fds *fds, Usher__Order **ret) {
	ProtobufCMessage *message = NULL;
	int r = wire_receive(wire->pair[1], &usher__order__descriptor, fds, &message);

	if (r != 0)
		assert_null(message);
	*ret = (Usher__Order *)message;
	return r;
}

/* Receives and expects an error; what came with it is closed. */
static void assert_not_received(struct wire *wire, int error) {
	struct fds fds = { 0 };
	Usher__Order *order;

	assert_int_equal(receive(wire, &fds, &order), error);
	fds_done(&fds);
}

/* Sends a packet that nobody checked. */
static void send_raw(struct wire *wire, const struct header *header, size_t header_size,
		     const void *bytes, size_t size, const int *descriptors, size_t n) {
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(64 * sizeof(int))];
	} control = { 0 };
	struct iovec parts[] = { { (void *)(uintptr_t)header, header_size },
				 { (void *)(uintptr_t)bytes, size } };
	struct msghdr packet = { .msg_iov = parts, .msg_iovlen = 2 };

	if (n > 0) {
		packet.msg_control = &control;
		packet.msg_controllen = CMSG_SPACE(n * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(&control.header), descriptors, n * sizeof(int));
	}
	assert_true(sendmsg(wire->pair[0], &packet, 0) >= 0);
}

static size_t packed(const Usher__Order *order, uint8_t *buffer, size_t size) {
	size_t n = usher__order__get_packed_size(order);

	assert_true(n <= size);
	return usher__order__pack(order, buffer);
}

/* ---- what is right ---- */

static void a_frame_arrives_as_it_was_sent(void **state) {
	struct wire *wire = *state;
	Usher__Order order = order_of("Mounts.Mount", (const uint8_t *)"a\0b", 3), *received;
	struct fds fds = { 0 };

	assert_int_equal(wire_send(wire->pair[0], &order.base, NULL), 0);
	assert_int_equal(receive(wire, &fds, &received), 0);
	assert_string_equal(received->operation, "Mounts.Mount");
	assert_int_equal(received->request.len, 3);
	assert_memory_equal(received->request.data, "a\0b", 3);
	assert_int_equal(received->uid, 1000);
	assert_false(received->has_caller_fd);
	assert_int_equal(fds.n, 0);
	usher__order__free_unpacked(received, NULL);
}

static void an_empty_message_is_a_frame_too(void **state) {
	struct wire *wire = *state;
	Usher__Empty empty = USHER__EMPTY__INIT;
	ProtobufCMessage *received = NULL;
	struct fds fds = { 0 };

	assert_int_equal(wire_send(wire->pair[0], &empty.base, NULL), 0);
	assert_int_equal(wire_receive(wire->pair[1], &usher__empty__descriptor, &fds, &received),
			 0);
	message_freep(&received);
}

static void descriptors_arrive_in_their_order_and_are_not_inherited(void **state) {
	struct wire *wire = *state;
	Usher__Order order = order_of("x", NULL, 0), *received;
	struct fds sent = { 0 }, fds = { 0 };

	for (int i = 0; i < FDS_MAX; i++) {
		int fd = memfd_create("numbered", MFD_CLOEXEC);

		assert_int_equal(ftruncate(fd, i), 0);
		assert_int_equal(fds_add(&sent, fd), i);
	}
	assert_int_equal(wire_send(wire->pair[0], &order.base, &sent), 0);
	assert_int_equal(sent.n, FDS_MAX); /* still the sender's */
	fds_done(&sent);
	assert_int_equal(receive(wire, &fds, &received), 0);
	assert_int_equal(fds.n, FDS_MAX);
	for (int i = 0; i < FDS_MAX; i++) {
		struct stat st;

		assert_int_equal(fstat(fds_get(&fds, (size_t)i), &st), 0);
		assert_int_equal(st.st_size, i);
		assert_int_equal(fcntl(fds.fd[i], F_GETFD), FD_CLOEXEC);
	}
	fds_done(&fds);
	usher__order__free_unpacked(received, NULL);
}

static void assert_travels(struct wire *wire, size_t size, size_t n_descriptors) {
	uint8_t *bytes = malloc(size);
	struct fds sent = { 0 }, fds = { 0 };
	Usher__Order order, *received;

	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i * 31 + i / 251);
	while (sent.n < n_descriptors)
		assert_true(fds_add(&sent, some_descriptor()) >= 0);
	order = order_of("large", bytes, size);
	assert_int_equal(wire_send(wire->pair[0], &order.base, &sent), 0);
	fds_done(&sent);
	assert_int_equal(receive(wire, &fds, &received), 0);
	assert_int_equal(received->request.len, size);
	assert_memory_equal(received->request.data, bytes, size);
	assert_int_equal(fds.n, n_descriptors);
	usher__order__free_unpacked(received, NULL);
	fds_done(&fds);
	free(bytes);
}

static void a_message_of_any_size_arrives(void **state) {
	static const size_t sizes[] = { 0,
					1,
					1000,
					WIRE_INLINE_MAX - 100,
					WIRE_INLINE_MAX - 20,
					WIRE_INLINE_MAX,
					WIRE_INLINE_MAX + 1,
					100000,
					1024 * 1024,
					WIRE_MESSAGE_MAX - 64 };

	for (size_t i = 0; i < N_OF(sizes); i++)
		assert_travels(*state, sizes[i] ? sizes[i] : 1, i % 3);
	/* around the very edge, whatever the other fields take */
	for (size_t size = WIRE_INLINE_MAX - 32; size < WIRE_INLINE_MAX + 8; size++)
		assert_travels(*state, size, 1);
}

static void a_large_message_takes_descriptors_along(void **state) {
	assert_travels(*state, 100000, FDS_MAX - 1);
}

static void a_large_message_takes_as_many_descriptors_along_as_a_small_one(void **state) {
	assert_travels(*state, 100000, FDS_MAX);
}

static void a_message_beyond_the_limit_is_not_sent(void **state) {
	struct wire *wire = *state;
	uint8_t *bytes = calloc(1, WIRE_MESSAGE_MAX);
	Usher__Order order = order_of("x", bytes, WIRE_MESSAGE_MAX);

	assert_int_equal(wire_send(wire->pair[0], &order.base, NULL), -EMSGSIZE);
	assert_not_received(wire, -EAGAIN);
	free(bytes);
}

static void frames_keep_their_order(void **state) {
	struct wire *wire = *state;
	struct fds fds = { 0 };
	Usher__Order *received;

	for (uint8_t i = 0; i < 20; i++) {
		Usher__Order order = order_of("x", &i, 1);

		assert_int_equal(wire_send(wire->pair[0], &order.base, NULL), 0);
	}
	for (uint8_t i = 0; i < 20; i++) {
		assert_int_equal(receive(wire, &fds, &received), 0);
		assert_int_equal(received->request.data[0], i);
		usher__order__free_unpacked(received, NULL);
	}
}

/* ---- who is not there ---- */

static void nothing_there_is_not_an_end(void **state) {
	assert_not_received(*state, -EAGAIN);
}

static void a_peer_that_has_gone_is_a_reset_both_ways(void **state) {
	struct wire *wire = *state;
	Usher__Order order = order_of("x", NULL, 0);

	fd_closep(&wire->pair[0]);
	assert_not_received(wire, -ECONNRESET);
	assert_int_equal(wire_send(wire->pair[1], &order.base, NULL), -ECONNRESET);
}

static void what_was_sent_before_the_end_still_arrives(void **state) {
	struct wire *wire = *state;
	Usher__Order order = order_of("last", NULL, 0), *received;
	struct fds fds = { 0 };

	assert_int_equal(wire_send(wire->pair[0], &order.base, NULL), 0);
	fd_closep(&wire->pair[0]);
	assert_int_equal(receive(wire, &fds, &received), 0);
	assert_string_equal(received->operation, "last");
	usher__order__free_unpacked(received, NULL);
	assert_not_received(wire, -ECONNRESET);
}

/* ---- what is wrong ---- */

static void a_frame_that_is_cut_short_is_refused(void **state) {
	struct wire *wire = *state;
	Usher__Order order = order_of("Mounts.Mount", (const uint8_t *)"abc", 3);
	uint8_t buffer[256];
	size_t size = packed(&order, buffer, sizeof buffer);
	struct header header = { MAGIC, (uint32_t)size, 0 };

	for (size_t n = 1; n < sizeof header; n++) {
		send_raw(wire, &header, n, NULL, 0, NULL, 0);
		assert_not_received(wire, -EBADMSG);
	}
	for (size_t n = 0; n < size; n++) {
		send_raw(wire, &header, sizeof header, buffer, n, NULL, 0);
		assert_not_received(wire, -EBADMSG);
		/* the head says so too, but then the message itself is cut */
		send_raw(wire, &(struct header){ MAGIC, (uint32_t)n, 0 }, sizeof header, buffer, n,
			 NULL, 0);
		assert_not_received(wire, -EBADMSG);
	}
}

static void a_frame_with_more_behind_it_is_refused(void **state) {
	struct wire *wire = *state;
	Usher__Order order = order_of("Mounts.Mount", NULL, 0);
	uint8_t buffer[256] = { 0 };
	size_t size = packed(&order, buffer, sizeof buffer);

	for (size_t excess = 1; excess < 50; excess += 7) {
		send_raw(wire, &(struct header){ MAGIC, (uint32_t)size, 0 }, sizeof(struct header),
			 buffer, size + excess, NULL, 0);
		assert_not_received(wire, -EBADMSG);
	}
}

static void a_packet_larger_than_any_frame_is_refused(void **state) {
	struct wire *wire = *state;
	uint8_t *bytes = calloc(1, WIRE_INLINE_MAX + 100);

	assert_non_null(bytes);
	send_raw(wire, &(struct header){ MAGIC, WIRE_INLINE_MAX, 0 }, sizeof(struct header), bytes,
		 WIRE_INLINE_MAX + 100, NULL, 0);
	assert_not_received(wire, -EBADMSG);
	free(bytes);
}

static void a_wrong_head_is_refused(void **state) {
	struct wire *wire = *state;
	Usher__Order order = order_of("x", NULL, 0);
	uint8_t buffer[256];
	uint32_t size = (uint32_t)packed(&order, buffer, sizeof buffer);
	const struct header wrong[] = {
		{ 0, size, 0 },           { MAGIC + 1, size, 0 },      { 0x72687375, size, 0 },
		{ MAGIC, size, 2 },       { MAGIC, size, UINT32_MAX }, { MAGIC, size + 1, 0 },
		{ MAGIC, 0, 0 },          { MAGIC, UINT32_MAX, 0 },    { MAGIC, size, 1 },
		{ MAGIC, UINT32_MAX, 1 },
	};

	for (size_t i = 0; i < N_OF(wrong); i++) {
		send_raw(wire, &wrong[i], sizeof *wrong, buffer, size, NULL, 0);
		assert_not_received(wire, -EBADMSG);
	}
}

static void a_message_of_another_kind_is_refused(void **state) {
	struct wire *wire = *state;
	Usher__Empty empty = USHER__EMPTY__INIT;

	assert_int_equal(wire_send(wire->pair[0], &empty.base, NULL), 0);
	assert_not_received(wire, -EBADMSG); /* an order has fields that it needs */
}

static void garbage_is_refused(void **state) {
	struct wire *wire = *state;
	unsigned seed = 7;

	for (int round = 0; round < 3000; round++) {
		uint8_t bytes[200];
		size_t size = (size_t)rand_r(&seed) % sizeof bytes + 1;
		struct header header = { round % 2 ? MAGIC : (uint32_t)rand_r(&seed),
					 (uint32_t)size, 0 };
		struct fds fds = { 0 };
		Usher__Order *order;
		int r;

		for (size_t i = 0; i < size; i++)
			bytes[i] = (uint8_t)rand_r(&seed);
		send_raw(wire, &header, sizeof header, bytes, size, NULL, 0);
		r = receive(wire, &fds, &order);
		assert_true(r == -EBADMSG || r == 0);
		if (r == 0)
			usher__order__free_unpacked(order, NULL);
	}
}

static void too_many_descriptors_are_refused_and_closed(void **state) {
	struct wire *wire = *state;
	Usher__Order order = order_of("x", NULL, 0);
	uint8_t buffer[256];
	size_t size = packed(&order, buffer, sizeof buffer), before;
	struct header header = { MAGIC, (uint32_t)size, 0 };
	int fd = some_descriptor(), many[64];

	for (size_t i = 0; i < N_OF(many); i++)
		many[i] = fd;
	before = descriptors_open();
	for (size_t n = FDS_MAX + 1; n <= N_OF(many); n += 5) {
		send_raw(wire, &header, sizeof header, buffer, size, many, n);
		assert_not_received(wire, -EBADMSG);
		assert_no_leak(before);
	}
	(void)close(fd);
}

static void descriptors_with_a_bad_frame_are_closed(void **state) {
	struct wire *wire = *state;
	int fd = some_descriptor(), two[] = { fd, fd };
	size_t before = descriptors_open();

	send_raw(wire, &(struct header){ 0, 0, 0 }, sizeof(struct header), NULL, 0, two, 2);
	assert_not_received(wire, -EBADMSG);
	assert_no_leak(before);
	(void)close(fd);
}

/* A descriptor in the place of the message that is not what it has to be. */
static void assert_outside_refused(struct wire *wire, int fd, size_t size) {
	send_raw(wire, &(struct header){ MAGIC, (uint32_t)size, 1 }, sizeof(struct header), NULL, 0,
		 &fd, 1);
	assert_not_received(wire, -EBADMSG);
	(void)close(fd);
}

static int memory(const void *bytes, size_t size, int seals) {
	int fd = memfd_create("outside", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	if (seals)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void only_memory_that_nobody_can_change_is_read(void **state) {
	enum { ALL = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL };

	static const int not_enough[] = { 0, ALL & ~F_SEAL_SHRINK, ALL & ~F_SEAL_GROW,
					  ALL & ~F_SEAL_WRITE, ALL & ~F_SEAL_SEAL };
	struct wire *wire = *state;
	Usher__Order order = order_of("x", NULL, 0), *received;
	uint8_t buffer[256];
	size_t size = packed(&order, buffer, sizeof buffer);
	struct fds fds = { 0 };
	int fd = memory(buffer, size, ALL), pair[2];

	/* so that the rest is refused for its seals: with all of them it is a frame */
	send_raw(wire, &(struct header){ MAGIC, (uint32_t)size, 1 }, sizeof(struct header), NULL, 0,
		 &fd, 1);
	assert_int_equal(receive(wire, &fds, &received), 0);
	assert_int_equal(fds.n, 0);
	usher__order__free_unpacked(received, NULL);
	(void)close(fd);
	for (size_t i = 0; i < N_OF(not_enough); i++)
		assert_outside_refused(wire, memory(buffer, size, not_enough[i]), size);
	assert_outside_refused(wire, memory(buffer, size, ALL), size + 1);
	assert_outside_refused(wire, memory(buffer, size, ALL), size - 1);
	assert_outside_refused(wire, memory(buffer, size, ALL), 0);
	assert_outside_refused(wire, memory("garbage", 7, ALL), 7);
	assert_outside_refused(wire, some_descriptor(), size);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	assert_outside_refused(wire, pair[0], size);
	(void)close(pair[1]);
}

/* What is cut where a field ends would be a message too, though another one. */
static void memory_is_read_whole_or_not_at_all(void **state) {
	struct wire *wire = *state;
	Usher__UnmountRequest request = USHER__UNMOUNT_REQUEST__INIT;
	ProtobufCMessage *message = NULL;
	struct fds fds = { 0 };
	uint8_t bytes[64];
	size_t all, some;
	int fd;

	request.target = (char[]){ "/m" };
	some = usher__unmount_request__get_packed_size(&request);
	request.has_expire = request.expire = true;
	all = usher__unmount_request__pack(&request, bytes);
	assert_true(some < all && all <= sizeof bytes);
	fd = memory(bytes, all, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	send_raw(wire, &(struct header){ MAGIC, (uint32_t)some, 1 }, sizeof(struct header), NULL, 0,
		 &fd, 1);
	(void)close(fd);
	assert_int_equal(wire_receive(wire->pair[1], &usher__unmount_request__descriptor, &fds,
				      &message),
			 -EBADMSG);
	fds_done(&fds);
}

static void memory_beyond_the_limit_is_not_read(void **state) {
	struct wire *wire = *state;
	int fd = memfd_create("outside", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(ftruncate(fd, (off_t)WIRE_MESSAGE_MAX + 1), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS,
			       F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL),
			 0);
	assert_outside_refused(wire, fd, (size_t)WIRE_MESSAGE_MAX + 1);
}

/* ---- sets of descriptors ---- */

static void a_set_of_descriptors_takes_what_it_is_given_also_when_full(void **state) {
	struct fds fds = { 0 };
	size_t before = descriptors_open();

	(void)state;
	for (int i = 0; i < FDS_MAX; i++)
		assert_int_equal(fds_add(&fds, some_descriptor()), i);
	assert_int_equal(fds_add(&fds, some_descriptor()), -E2BIG);
	assert_int_equal(descriptors_open(), before + FDS_MAX);
	assert_int_equal(fds_get(&fds, FDS_MAX), -EBADF);
	assert_int_equal(fds_get(&fds, SIZE_MAX), -EBADF);
	assert_true(fds_get(&fds, FDS_MAX - 1) >= 0);
	fds_done(&fds);
	assert_int_equal(fds_get(&fds, 0), -EBADF);
	assert_no_leak(before);
}

static void one_descriptor_travels_with_a_byte(void **state) {
	struct wire *wire = *state;
	int fd = some_descriptor(), received;

	assert_int_equal(fd_receive(wire->pair[1]), -EAGAIN);
	assert_int_equal(fd_send(wire->pair[0], fd, 0), 0);
	received = fd_receive(wire->pair[1]);
	assert_true(received >= 0);
	assert_int_equal(fcntl(received, F_GETFD), FD_CLOEXEC);
	(void)close(received);
	assert_int_equal(send(wire->pair[0], "f", 1, 0), 1);
	assert_int_equal(fd_receive(wire->pair[1]), -EBADMSG); /* no descriptor in it */
	assert_int_equal(fd_send(wire->pair[0], 12345, 0), -EBADF);
	fd_closep(&wire->pair[0]);
	assert_int_equal(fd_receive(wire->pair[1]), -ECONNRESET);
	(void)close(fd);
}

static void two_descriptors_where_one_is_expected_are_refused_and_closed(void **state) {
	struct wire *wire = *state;
	int fd = some_descriptor(), two[] = { fd, fd };
	struct header header = { 0, 0, 0 };
	size_t before = descriptors_open();

	send_raw(wire, &header, 1, NULL, 0, two, 2);
	assert_int_equal(fd_receive(wire->pair[1]), -EBADMSG);
	assert_no_leak(before);
	(void)close(fd);
}

#define wire_test(name) cmocka_unit_test_setup_teardown(name, wire_new, wire_free)

int main(void) {
	const struct CMUnitTest tests[] = {
		wire_test(a_frame_arrives_as_it_was_sent),
		wire_test(an_empty_message_is_a_frame_too),
		wire_test(descriptors_arrive_in_their_order_and_are_not_inherited),
		wire_test(a_message_of_any_size_arrives),
		wire_test(a_large_message_takes_descriptors_along),
		wire_test(a_large_message_takes_as_many_descriptors_along_as_a_small_one),
		wire_test(a_message_beyond_the_limit_is_not_sent),
		wire_test(frames_keep_their_order),
		wire_test(nothing_there_is_not_an_end),
		wire_test(a_peer_that_has_gone_is_a_reset_both_ways),
		wire_test(what_was_sent_before_the_end_still_arrives),
		wire_test(a_frame_that_is_cut_short_is_refused),
		wire_test(a_frame_with_more_behind_it_is_refused),
		wire_test(a_packet_larger_than_any_frame_is_refused),
		wire_test(a_wrong_head_is_refused),
		wire_test(a_message_of_another_kind_is_refused),
		wire_test(garbage_is_refused),
		wire_test(too_many_descriptors_are_refused_and_closed),
		wire_test(descriptors_with_a_bad_frame_are_closed),
		wire_test(only_memory_that_nobody_can_change_is_read),
		wire_test(memory_is_read_whole_or_not_at_all),
		wire_test(memory_beyond_the_limit_is_not_read),
		wire_test(a_set_of_descriptors_takes_what_it_is_given_also_when_full),
		wire_test(one_descriptor_travels_with_a_byte),
		wire_test(two_descriptors_where_one_is_expected_are_refused_and_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
