/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What moves bytes, what seals them, what takes them apart, and who says that there are some. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "event.h"

static void pipe_of(int pair[2], const char *text) {
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	assert_int_equal(write(pair[1], text, strlen(text)), strlen(text));
}

static void close_both(int pair[2]) {
	close(pair[0]);
	close(pair[1]);
}

static void bytes_go_from_pipe_to_pipe_and_no_more_than_there_are(void **state) {
	int from[2], to[2];
	char text[32] = "";

	pipe_of(from, "hello world");
	pipe_of(to, "");
	assert_int_equal(usher_splice(from[0], NULL, to[1], NULL, 22, 0), 11);
	assert_int_equal(usher_bytes_readable(from[0]), 0);
	assert_int_equal(usher_bytes_readable(to[0]), 11);
	assert_int_equal(read(to[0], text, sizeof text), 11);
	assert_string_equal(text, "hello world");
	/* none at all are none */
	assert_int_equal(usher_splice(from[0], NULL, to[1], NULL, 0, 0), 0);
	assert_int_equal(usher_splice(from[0], NULL, to[1], NULL, 22, SPLICE_F_NONBLOCK), -EAGAIN);
	close(from[1]);
	assert_int_equal(usher_splice(from[0], NULL, to[1], NULL, 22, 0), 0);
	close(from[0]);
	close_both(to);
}

static void an_offset_is_a_files_and_moves_nothing_else(void **state) {
	int fd = usher_memfd_create("x", 0), to[2];
	char text[32] = "";
	off_t offset = 6;

	pipe_of(to, "");
	assert_int_equal(write(fd, "hello world", 11), 11);
	assert_int_equal(usher_splice(fd, &offset, to[1], NULL, 64, 0), 5);
	assert_int_equal(offset, 11);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 11);
	assert_int_equal(read(to[0], text, sizeof text), 5);
	assert_string_equal(text, "world");
	/* an offset of 0 is one, too */
	offset = 0;
	assert_int_equal(usher_splice(fd, &offset, to[1], NULL, 5, 0), 5);
	assert_int_equal(read(to[0], text, sizeof text), 5);
	assert_string_equal(text, "hello");
	assert_int_equal(usher_splice(to[0], &offset, to[1], NULL, 5, 0), -EINVAL);
	assert_int_equal(errno, ESPIPE);
	close_both(to);
	close(fd);
}

static void what_is_no_pipe_is_refused_in_words(void **state) {
	int fd = usher_memfd_create("x", 0), pair[2];

	pipe_of(pair, "");
	assert_int_equal(usher_splice(fd, NULL, fd, NULL, 1, 0), -EINVAL);
	assert_said("pipe");
	assert_int_equal(usher_tee(fd, pair[1], 1, 0), -EINVAL);
	assert_said("pipes");
	assert_int_equal(usher_splice(-1, NULL, pair[1], NULL, 1, 0), -EBADF);
	signal(SIGPIPE, SIG_IGN);
	close(pair[0]);
	assert_int_equal(write(fd, "x", 1), 1);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(usher_splice(fd, NULL, pair[1], NULL, 1, 0), -EIO);
	assert_int_equal(errno, EPIPE);
	assert_said("EPIPE");
	close(pair[1]);
	close(fd);
}

static void what_is_teed_is_in_both_pipes(void **state) {
	char one[16] = "", two[16] = "";
	int from[2], to[2];

	pipe_of(from, "both");
	pipe_of(to, "");
	assert_int_equal(usher_tee(from[0], to[1], 64, 0), 4);
	assert_int_equal(read(from[0], one, sizeof one), 4);
	assert_int_equal(read(to[0], two, sizeof two), 4);
	assert_string_equal(one, "both");
	assert_string_equal(two, "both");
	assert_int_equal(usher_tee(from[0], to[1], 64, SPLICE_F_NONBLOCK), -EAGAIN);
	close_both(from);
	close_both(to);
}

static void pieces_of_memory_go_into_a_pipe(void **state) {
	char first[] = "one ", second[] = "two", text[16] = "";
	struct iovec pieces[] = { { first, 4 }, { second, 3 } };
	int pair[2];

	pipe_of(pair, "");
	assert_int_equal(usher_vmsplice(pair[1], pieces, 2, 0), 7);
	assert_int_equal(read(pair[0], text, sizeof text), 7);
	assert_string_equal(text, "one two");
	assert_int_equal(usher_iov_max(), sysconf(_SC_IOV_MAX));
	assert_int_equal(usher_vmsplice(pair[1], pieces, (size_t)usher_iov_max() + 1, 0), -EINVAL);
	close_both(pair);
}

/* From a socket through a pipe to a socket, without seeing the bytes. */
static int proxy(int from, int to) {
	ssize_t n, left;
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return 1;
	while ((n = usher_splice(from, NULL, pair[1], NULL, 65536, SPLICE_F_MOVE)) > 0)
		for (left = n; left > 0; left -= n) {
			n = usher_splice(pair[0], NULL, to, NULL, (size_t)left, SPLICE_F_MORE);
			if (n <= 0)
				return 2;
		}
	return n < 0 ? 3 : 0;
}

enum { MEBIBYTE = 1 << 20 };

static int send_mebibyte(int fd) {
	unsigned char data[4096];

	for (size_t sent = 0; sent < MEBIBYTE; sent += sizeof data) {
		for (size_t i = 0; i < sizeof data; i++)
			data[i] = (unsigned char)((sent + i) * 2654435761U >> 13);
		if (write(fd, data, sizeof data) != sizeof data)
			return 4;
	}
	return 0;
}

static void a_proxy_moves_a_mebibyte_as_it_is(void **state) {
	int one[2], two[2], status;
	unsigned char data[4096];
	size_t got = 0;
	pid_t pids[2];
	ssize_t n;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, one), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, two), 0);
	pids[0] = fork();
	if (pids[0] == 0)
		_exit(send_mebibyte(one[0]));
	pids[1] = fork();
	if (pids[1] == 0) {
		close(one[0]);
		_exit(proxy(one[1], two[0]));
	}
	close_both(one);
	close(two[0]);
	while ((n = read(two[1], data, sizeof data)) > 0)
		for (ssize_t i = 0; i < n; i++, got++)
			if (data[i] != (unsigned char)(got * 2654435761U >> 13))
				fail_msg("byte %zu is another", got);
	assert_int_equal(got, MEBIBYTE);
	close(two[1]);
	for (size_t i = 0; i < 2; i++) {
		waitpid(pids[i], &status, 0);
		assert_int_equal(status, 0);
	}
}

/* ---- memfd ---- */

static void a_seal_is_for_ever_and_for_every_descriptor(void **state) {
	int fd = usher_memfd_create("sealed", MFD_ALLOW_SEALING), other;
	char path[32];

	assert_int_equal(write(fd, "data", 4), 4);
	assert_int_equal(usher_memfd_get_seals(fd), 0);
	assert_int_equal(usher_memfd_may(fd, F_SEAL_WRITE), 1);
	assert_int_equal(usher_memfd_add_seals(fd, F_SEAL_SHRINK), 0);
	assert_int_equal(usher_memfd_may(fd, F_SEAL_SHRINK), 0);
	assert_int_equal(usher_memfd_may(fd, F_SEAL_GROW), 1);
	assert_int_equal(ftruncate(fd, 2), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 8), 0);
	assert_int_equal(usher_memfd_freeze(fd), 0);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	other = open(path, O_RDWR | O_CLOEXEC);
	assert_true(other >= 0);
	assert_int_equal(write(other, "x", 1), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(usher_memfd_get_seals(other),
			 F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	assert_int_equal(usher_memfd_add_seals(fd, F_SEAL_WRITE), -EPERM);
	assert_said("sealed");
	close(other);
	close(fd);
}

static void a_file_that_somebody_has_mapped_is_busy(void **state) {
	int fd = usher_memfd_create("mapped", MFD_ALLOW_SEALING);
	size_t length = 0;
	void *map;

	assert_int_equal(usher_memfd_map(fd, 0, PROT_READ, 0, &map, NULL), -EINVAL);
	assert_int_equal(ftruncate(fd, 8192), 0);
	assert_int_equal(usher_memfd_map(fd, 0, PROT_READ | PROT_WRITE, 4096, &map, &length), 0);
	assert_int_equal(length, 4096);
	strcpy(map, "through the map");
	assert_int_equal(usher_memfd_add_seals(fd, F_SEAL_WRITE), -EBUSY);
	assert_said("mapped");
	assert_int_equal(munmap(map, length), 0);
	assert_int_equal(usher_memfd_add_seals(fd, F_SEAL_WRITE), 0);
	assert_int_equal(usher_memfd_map(fd, 4096, PROT_READ, 4096, &map, NULL), 0);
	assert_string_equal(map, "through the map");
	assert_int_equal(munmap(map, 4096), 0);
	close(fd);
}

static void what_cannot_be_sealed_or_named_is_refused(void **state) {
	char name[251];
	int fd = usher_memfd_create("", 0);

	assert_true(fd >= 0);
	assert_int_equal(usher_memfd_get_seals(fd), F_SEAL_SEAL);
	assert_int_equal(usher_memfd_add_seals(fd, F_SEAL_WRITE), -EPERM);
	assert_int_equal(usher_memfd_add_seals(fd, 1 << 20), -EINVAL);
	close(fd);
	fd = some_descriptor();
	assert_int_equal(usher_memfd_add_seals(fd, F_SEAL_WRITE) < 0, 1);
	assert_int_equal(usher_memfd_may(fd, F_SEAL_WRITE), -EINVAL);
	close(fd);
	memset(name, 'n', 250);
	name[250] = '\0';
	assert_int_equal(usher_memfd_create(name, 0), -EINVAL);
	name[249] = '\0';
	fd = usher_memfd_create(name, 0);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(usher_memfd_create("x", 0x4000), -EINVAL);
}

/* ---- a reader ---- */

static int reading = -1;

static struct usher_reader *reader_of(const void *data, size_t size) {
	struct usher_reader *reader;
	int pair[2];

	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	assert_int_equal(write(pair[1], data, size), size);
	close(pair[1]);
	assert_int_equal(usher_reader_new(pair[0], &reader), 0);
	reading = pair[0];
	return reader;
}

static void reader_end(struct usher_reader *reader) {
	usher_reader_free(reader);
	/* which was borrowed */
	assert_int_equal(close(reading), 0);
}

static void the_wrong_end_of_a_pipe_says_so_at_once(void **state) {
	struct usher_reader *reader;
	int pair[2];

	pipe_of(pair, "");
	assert_int_equal(usher_reader_new(pair[1], &reader), -EBADF);
	assert_int_equal(usher_reader_new(-1, &reader), -EBADF);
	close_both(pair);
}

static void frames_of_every_kind_come_apart_again(void **state) {
	static const char text[] = "line one\n\nlast\0x\n5:hello,0:,12:hello, world,"
				   "\3\0\0\0\0\0\0\0abc\0\0\0\0\0\0\0\0tail";
	size_t size;
	struct usher_reader *reader = reader_of(text, sizeof text - 1);
	const char *frame;
	const void *bytes;

	assert_int_equal(usher_reader_until(reader, '\n', &frame, &size), 0);
	assert_string_equal(frame, "line one");
	assert_int_equal(usher_reader_until(reader, '\n', &frame, &size), 0);
	assert_int_equal(size, 0);
	assert_int_equal(usher_reader_until(reader, '\n', &frame, &size), 0);
	assert_int_equal(size, 6);
	assert_memory_equal(frame, "last\0x", 7);
	assert_int_equal(usher_reader_netstring(reader, &frame, &size), 0);
	assert_string_equal(frame, "hello");
	assert_int_equal(usher_reader_netstring(reader, &frame, &size), 0);
	assert_int_equal(size, 0);
	assert_int_equal(usher_reader_netstring(reader, &frame, NULL), 0);
	assert_string_equal(frame, "hello, world");
	assert_int_equal(usher_reader_sized(reader, &frame, &size), 0);
	assert_string_equal(frame, "abc");
	assert_int_equal(usher_reader_sized(reader, &frame, &size), 0);
	assert_int_equal(size, 0);
	assert_int_equal(usher_reader_bytes(reader, 4, &bytes), 0);
	assert_memory_equal(bytes, "tail", 4);
	assert_int_equal(usher_reader_bytes(reader, 0, &bytes), 0);
	assert_int_equal(usher_reader_bytes(reader, 1, &bytes), -ENODATA);
	reader_end(reader);
}

static void an_end_in_the_middle_says_of_what(void **state) {
	static const struct {
		const char *text;
		int code;
		const char *word;
	} cut[] = {
		{ "5:hal", -ENODATA, "the end of a frame" },
		{ "5", -ENODATA, "the size" },
		{ "5:hello;", -EBADMSG, "','" },
		{ "x:", -EBADMSG, "size" },
		{ ":", -EBADMSG, "size" },
		{ "05:hello,", -EBADMSG, "size" },
		{ "9999999999999:", -EBADMSG, "size" },
		{ "99999999:", -EINVAL, "longer" },
	};

	size_t size;
	struct usher_reader *reader;
	const char *frame;

	for (size_t i = 0; i < N_OF(cut); i++) {
		reader = reader_of(cut[i].text, strlen(cut[i].text));
		assert_int_equal(usher_reader_netstring(reader, &frame, &size), cut[i].code);
		assert_said(cut[i].word);
		reader_end(reader);
	}
	reader = reader_of("half a line", 11);
	assert_int_equal(usher_reader_until(reader, '\n', &frame, &size), -ENODATA);
	/* which is not lost */
	usher_reader_set_limit(reader, 100);
	assert_int_equal(usher_reader_until(reader, ' ', &frame, &size), 0);
	assert_string_equal(frame, "half");
	reader_end(reader);
	reader = reader_of("a line that is too long\n", 24);
	usher_reader_set_limit(reader, 10);
	assert_int_equal(usher_reader_until(reader, '\n', &frame, &size), -EINVAL);
	reader_end(reader);
	reader = reader_of("\0\0\0\0\0\0\0\1", 8);
	assert_int_equal(usher_reader_sized(reader, &frame, &size), -EINVAL);
	reader_end(reader);
}

static void a_frame_that_comes_byte_by_byte_is_whole(void **state) {
	static const char text[] = "11:hello world,";
	struct usher_reader *reader;
	const char *frame;
	int pair[2];
	pid_t pid;

	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	assert_int_equal(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
	pid = fork();
	if (pid == 0) {
		for (size_t i = 0; i < sizeof text - 1; i++) {
			usleep(300);
			if (write(pair[1], text + i, 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	close(pair[1]);
	assert_int_equal(usher_reader_new(pair[0], &reader), 0);
	assert_int_equal(usher_reader_netstring(reader, &frame, NULL), 0);
	assert_string_equal(frame, "hello world");
	usher_reader_free(reader);
	close(pair[0]);
	waitpid(pid, NULL, 0);
}

/* ---- a poller ---- */

static void what_is_ready_is_known_until_it_is_exhausted(void **state) {
	struct usher_poller *poller;
	struct usher_member *member, *again;
	int pair[2];
	char c;

	assert_int_equal(usher_poller_new(&poller), 0);
	pipe_of(pair, "");
	assert_int_equal(usher_poller_add(poller, pair[0], POLLIN, &member), 0);
	assert_int_equal(usher_poller_add(poller, pair[0], POLLIN, &again), -EBUSY);
	assert_int_equal(usher_poller_add(poller, pair[1], 1 << 20, &again), -EINVAL);
	assert_int_equal(usher_poller_process(poller), 0);
	assert_int_equal(usher_member_ready(member), 0);
	assert_int_equal(usher_member_wait(member, POLLIN, SHORT_USEC), -ETIMEDOUT);
	assert_int_equal(write(pair[1], "ab", 2), 2);
	assert_int_equal(usher_member_wait(member, POLLIN, LONG_USEC), POLLIN);
	assert_int_equal(read(pair[0], &c, 1), 1);
	/* no edge comes for the second byte, and it is known all the same */
	assert_int_equal(usher_member_wait(member, POLLIN, 0), POLLIN);
	assert_int_equal(read(pair[0], &c, 1), 1);
	assert_int_equal(usher_member_exhausted(member, POLLIN), 0);
	assert_int_equal(usher_member_wait(member, POLLIN, SHORT_USEC), -ETIMEDOUT);
	/* Somebody writes between the read that would have waited and its being noted, and another
	 * has seen the edge: no wakeup is lost. */
	assert_int_equal(write(pair[1], "c", 1), 1);
	assert_int_equal(usher_poller_process(poller), 1);
	assert_int_equal(usher_member_exhausted(member, POLLIN), 0);
	assert_int_equal(usher_member_wait(member, POLLIN, 0), POLLIN);
	usher_member_free(member);
	usher_poller_free(poller);
	close_both(pair);
}

static void what_is_removed_gets_no_event_and_says_so(void **state) {
	struct usher_poller *poller;
	struct usher_member *member, *other;
	int pair[2];

	assert_int_equal(usher_poller_new(&poller), 0);
	pipe_of(pair, "x");
	assert_int_equal(usher_poller_add(poller, pair[0], POLLIN, &member), 0);
	assert_int_equal(usher_poller_add(poller, pair[1], POLLOUT, &other), 0);
	assert_int_equal(usher_member_remove(member), 0);
	assert_int_equal(usher_member_wait(member, POLLIN, UINT64_MAX), -ENOENT);
	assert_int_equal(usher_member_ready(member), -ENOENT);
	assert_int_equal(usher_member_remove(member), -ENOENT);
	assert_int_equal(usher_poller_process(poller), 1);
	assert_int_equal(usher_member_ready(other), POLLOUT);
	/* Asking for something else tells of it anew. */
	assert_int_equal(usher_member_modify(other, POLLIN | POLLOUT), 0);
	assert_int_equal(usher_member_wait(other, POLLOUT, LONG_USEC), POLLOUT);
	usher_poller_free(poller);
	assert_int_equal(usher_member_wait(other, POLLOUT, UINT64_MAX), -ENOENT);
	usher_member_free(member);
	usher_member_free(other);
	close_both(pair);
}

static void a_poller_runs_in_another_loop(void **state) {
	struct usher_poller *poller;
	struct usher_member *member;
	struct usher_source *source;
	struct usher_event event;
	struct pollfd p;

	assert_int_equal(usher_poller_new(&poller), 0);
	assert_int_equal(usher_eventfd_new(0, false, &source), 0);
	assert_int_equal(usher_poller_add(poller, usher_source_get_fd(source), POLLIN, &member), 0);
	p = (struct pollfd){ usher_poller_get_fd(poller), POLLIN, 0 };
	assert_int_equal(poll(&p, 1, 0), 0);
	for (uint64_t i = 1; i < 4; i++) {
		assert_int_equal(usher_eventfd_increment(source, i), 0);
		assert_int_equal(poll(&p, 1, 1000), 1);
		assert_int_equal(usher_poller_process(poller), 1);
		assert_int_equal(usher_member_ready(member), POLLIN);
		assert_int_equal(usher_source_next(source, &event), 0);
		assert_int_equal(event.count, i);
		assert_int_equal(usher_member_exhausted(member, POLLIN), 0);
		assert_int_equal(poll(&p, 1, 0), 0);
	}
	usher_member_free(member);
	usher_source_free(source);
	usher_poller_free(poller);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_go_from_pipe_to_pipe_and_no_more_than_there_are),
		cmocka_unit_test(an_offset_is_a_files_and_moves_nothing_else),
		cmocka_unit_test(what_is_no_pipe_is_refused_in_words),
		cmocka_unit_test(what_is_teed_is_in_both_pipes),
		cmocka_unit_test(pieces_of_memory_go_into_a_pipe),
		cmocka_unit_test(a_proxy_moves_a_mebibyte_as_it_is),
		cmocka_unit_test(a_seal_is_for_ever_and_for_every_descriptor),
		cmocka_unit_test(a_file_that_somebody_has_mapped_is_busy),
		cmocka_unit_test(what_cannot_be_sealed_or_named_is_refused),
		cmocka_unit_test(the_wrong_end_of_a_pipe_says_so_at_once),
		cmocka_unit_test(frames_of_every_kind_come_apart_again),
		cmocka_unit_test(an_end_in_the_middle_says_of_what),
		cmocka_unit_test(a_frame_that_comes_byte_by_byte_is_whole),
		cmocka_unit_test(what_is_ready_is_known_until_it_is_exhausted),
		cmocka_unit_test(what_is_removed_gets_no_event_and_says_so),
		cmocka_unit_test(a_poller_runs_in_another_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
