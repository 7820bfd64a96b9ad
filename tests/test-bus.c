/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection to a bus: messages, addresses, and what comes over a socket. */

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
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus-connection.h"
#include "bus-socket.h"

#define _cleanup_message_ _cleanup_(bus_message_freep)

static const char greeting[] = "DATA\r\nOK 0123456789abcdef0123456789abcdef\r\nAGREE_UNIX_FD\r\n";

/* ---- signatures ---- */

static void signatures_are_complete_types(void **state) {
	static const char *const valid[] = { "",     "s",        "sa{sv}h", "a(ttsssu)",
					     "aaay", "a{s(tt)}", "(y(v))",  "a{oa{sa{sv}}}" };
	static const char *const invalid[] = { "a",     "()",     "(s",    "s)", "{sv}", "a{s}",
					       "a{vs}", "a{sss}", "a{s(}", "r",  "\x80", "a{as}" };
	char deep[SIGNATURE_DEPTH_MAX + 3];

	for (size_t i = 0; i < sizeof valid / sizeof *valid; i++)
		assert_true(signature_is_valid(valid[i], strlen(valid[i])));
	for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++)
		if (signature_is_valid(invalid[i], strlen(invalid[i])))
			fail_msg("%s", invalid[i]);
	assert_true(signature_is_single("a{sv}", 5));
	assert_false(signature_is_single("ss", 2));
	assert_false(signature_is_single("", 0));
	memset(deep, 'a', sizeof deep);
	deep[sizeof deep - 1] = 'y';
	assert_false(signature_is_valid(deep, sizeof deep));
	assert_true(signature_is_valid(deep + 2, sizeof deep - 2));
}

static void paths_are_those_of_objects(void **state) {
	assert_true(bus_message_path_is_valid("/"));
	assert_true(bus_message_path_is_valid("/org/usher1/process/9_a"));
	assert_false(bus_message_path_is_valid(""));
	assert_false(bus_message_path_is_valid("a"));
	assert_false(bus_message_path_is_valid("/a/"));
	assert_false(bus_message_path_is_valid("//a"));
	assert_false(bus_message_path_is_valid("/a-b"));
}

/* ---- messages ---- */

/* A call with these arguments; to be sent. */
static struct bus_message *a_call(void) {
	struct bus_message *m;

	assert_int_equal(bus_message_new_call("a.b", "/a", "a.b", "C", &m), 0);
	return m;
}

/* The bytes of a message, as they go over the socket. */
static uint8_t *bytes_of(struct bus_message *m, size_t *ret_size) {
	uint8_t *bytes;

	assert_int_equal(bus_message_seal(m, 7), 0);
	*ret_size = m->head.size + m->body.size;
	bytes = malloc(*ret_size);
	assert_non_null(bytes);
	memcpy(bytes, m->head.bytes, m->head.size);
	if (m->body.size > 0)
		memcpy(bytes + m->head.size, m->body.bytes, m->body.size);
	return bytes;
}

/* The same message as whoever it is sent to has it. */
static struct bus_message *come(struct bus_message *m) {
	struct bus_message *back;
	uint8_t *bytes;
	size_t size, told;

	bytes = bytes_of(m, &size);
	assert_int_equal(bus_message_size(bytes, &told), 0);
	assert_int_equal(told, size);
	assert_int_equal(bus_message_parse(bytes, size, &back), 0);
	bus_message_free(m);
	return back;
}

static void what_is_written_is_read(void **state) {
	static const uint8_t bytes[] = { 0, 1, 255 };
	struct bus_message *made = a_call();
	_cleanup_message_ struct bus_message *m = NULL;
	const char *text, *key, *signature;
	uint16_t small = 65535;
	const void *array;
	uint64_t large;
	uint32_t number;
	size_t size;
	int flag;

	assert_int_equal(bus_message_append(made, "sba{sv}", "text", 5), -EINVAL);
	bus_message_free(made);
	made = a_call();
	assert_int_equal(bus_message_append(made, "sbo(ut)", "x\xc3\xbc", 5, "/a/b", 7,
					    UINT64_C(1) << 40),
			 0);
	assert_int_equal(bus_message_append_basic(made, 'q', &small), 0);
	assert_int_equal(bus_message_append_array(made, 'y', bytes, sizeof bytes), 0);
	assert_int_equal(bus_message_open_container(made, 'a', "{sv}"), 0);
	assert_int_equal(bus_message_append(made, "{sv}{sv}", "a", "x", INT64_C(-1), "b", "g",
					    "a{sv}"),
			 0);
	assert_int_equal(bus_message_close_container(made), 0);
	m = come(made);
	assert_string_equal(m->path, "/a");
	assert_string_equal(m->interface, "a.b");
	assert_string_equal(m->member, "C");
	assert_int_equal(m->serial, 7);
	assert_int_equal(bus_message_read(m, "sb", &text, &flag), 1);
	assert_string_equal(text, "x\xc3\xbc");
	assert_int_equal(flag, 1);
	assert_int_equal(bus_message_read_basic(m, 's', &text), -ENXIO);
	assert_int_equal(bus_message_read(m, "o(ut)", &text, &number, &large), 1);
	assert_int_equal(number, 7);
	assert_true(large == UINT64_C(1) << 40);
	assert_int_equal(bus_message_read_basic(m, 'q', &small), 1);
	assert_int_equal(bus_message_read_bytes(m, &array, &size), 0);
	assert_int_equal(size, sizeof bytes);
	assert_memory_equal(array, bytes, sizeof bytes);
	assert_int_equal(bus_message_enter_container(m, 'a', "{ss}"), -ENXIO);
	assert_int_equal(bus_message_enter_container(m, 'a', "{sv}"), 1);
	assert_int_equal(bus_message_exit_container(m), -EBUSY);
	assert_int_equal(bus_message_enter_container(m, 'e', "sv"), 1);
	assert_int_equal(bus_message_read(m, "s", &key), 1);
	assert_int_equal(bus_message_peek_variant(m, &signature), 1);
	assert_string_equal(signature, "x");
	assert_int_equal(bus_message_enter_container(m, 'v', "t"), -ENXIO);
	assert_int_equal(bus_message_read(m, "v", "x", &large), 1);
	assert_true(large == UINT64_MAX);
	assert_int_equal(bus_message_exit_container(m), 0);
	assert_int_equal(bus_message_skip(m, "{sv}"), 1);
	assert_int_equal(bus_message_enter_container(m, 'e', "sv"), 0);
	assert_int_equal(bus_message_exit_container(m), 0);
	assert_true(bus_message_at_end(m));
	assert_int_equal(bus_message_read_basic(m, 's', &text), -ENXIO);
	bus_message_rewind(m);
	assert_int_equal(bus_message_skip(m, "sbo(ut)qaya{sv}"), 1);
}

static void what_no_bus_would_carry_is_not_written(void **state) {
	_cleanup_message_ struct bus_message *m = a_call();
	int closed = 1000;

	assert_int_equal(bus_message_append_basic(m, 's', "\xff"), -EINVAL);
	assert_int_equal(bus_message_append_basic(m, 's', "\xed\xa0\x80"), -EINVAL);
	assert_int_equal(bus_message_append_basic(m, 'o', "a"), -EINVAL);
	assert_int_equal(bus_message_append_basic(m, 'g', "a"), -EINVAL);
	assert_int_equal(bus_message_append_basic(m, 'h', &closed), -EBADF);
	assert_int_equal(bus_message_open_container(m, 'v', "ss"), -EINVAL);
	assert_int_equal(bus_message_close_container(m), -EINVAL);
	bus_message_free(m);
	m = a_call();
	for (int i = 0; i < SIGNATURE_MAX; i++)
		assert_int_equal(bus_message_append(m, "u", 0), 0);
	assert_int_equal(bus_message_append(m, "u", 0), -E2BIG);
}

/* Each byte of a message is any other, once: it is understood, or not, and nothing else happens. */
static void no_byte_is_believed(void **state) {
	struct bus_message *made = a_call(), *m;
	uint8_t *bytes, *changed;
	size_t size;

	assert_int_equal(bus_message_append(made, "s(ut)", "text", 1, UINT64_C(2)), 0);
	bytes = bytes_of(made, &size);
	for (size_t i = 0; i < size; i++)
		for (unsigned value = 0; value < 256; value++) {
			size_t told;

			changed = malloc(size);
			assert_non_null(changed);
			memcpy(changed, bytes, size);
			changed[i] = (uint8_t)value;
			if (bus_message_size(changed, &told) < 0 || told != size ||
			    bus_message_parse(changed, size, &m) < 0) {
				free(changed);
				continue;
			}
			(void)bus_message_skip(m, m->levels[0].signature);
			bus_message_free(m);
		}
	free(bytes);
	bus_message_free(made);
}

/* Each kind of message says what it is about. */
static void a_message_that_lacks_what_it_is_about_is_none(void **state) {
	for (unsigned kind = 0; kind <= BUS_SIGNAL; kind++) {
		_cleanup_message_ struct bus_message *made = a_call(), *m = NULL;
		_cleanup_free_ uint8_t *bytes = NULL;
		size_t size;

		made->head.size = MESSAGE_START;
		bytes = bytes_of(made, &size);
		bytes[1] = (uint8_t)kind;
		assert_int_equal(bus_message_parse(bytes, size, &m), -EBADMSG);
	}
}

/* A body by its signature, of which not all may be read. */
static void assert_unreadable(const char *signature, const void *body, size_t size) {
	struct bus_message *made = a_call();
	_cleanup_message_ struct bus_message *m = NULL;

	strcpy(made->signature, signature);
	made->body.bytes = malloc(size);
	made->body.room = made->body.size = size;
	assert_non_null(made->body.bytes);
	memcpy(made->body.bytes, body, size);
	m = come(made);
	assert_int_equal(bus_message_skip(m, signature), -EBADMSG);
}

static void what_is_malformed_is_not_read(void **state) {
	assert_unreadable("s", "\5\0\0\0text", 9);      /* longer than there is */
	assert_unreadable("s", "\4\0\0\0te\0t", 9);     /* ends earlier */
	assert_unreadable("s", "\4\0\0\0textx", 9);     /* does not end */
	assert_unreadable("s", "\1\0\0\0\xff", 6);      /* no UTF-8 */
	assert_unreadable("s", "\xff\xff\xff\xff", 5);  /* as long as can be */
	assert_unreadable("u", "\1\0", 2);              /* half of it */
	assert_unreadable("b", "\2\0\0\0", 4);          /* neither */
	assert_unreadable("h", "\0\0\0\0", 4);          /* came with none */
	assert_unreadable("o", "\1\0\0\0a", 6);         /* no path */
	assert_unreadable("yu", "\1\1\0\0\1\0\0\0", 8); /* what is between is not zero */
	assert_unreadable("v", "\0\0", 2);              /* of nothing */
	assert_unreadable("v", "\2ss\0", 4);            /* of two */
	assert_unreadable("as", "\1\0\0\0\0", 5);       /* ends in an element */
	assert_unreadable("ay", "\5\0\0\0\0", 5);       /* ends after the message */
	assert_unreadable("ay", "\0\0\0\4", 4);         /* longer than may be */
}

/* ---- addresses ---- */

static int listening(const char *path, size_t size) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, size);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)),
			 0);
	assert_int_equal(listen(fd, 20), 0);
	return fd;
}

static void assert_connects(const char *address) {
	int fd = -1, r = bus_address_connect(address, &fd);

	if (r != 0)
		fail_msg("%s: %s", address, strerror(-r));
	(void)close(fd);
}

static void an_address_is_understood(void **state) {
	char directory[] = "/tmp/test-bus-XXXXXX", path[64], name[64], address[256];
	int fd, file, abstract;

	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof path, "%s/a;b", directory);
	(void)snprintf(name + 1, sizeof name - 1, "%s", directory);
	name[0] = '\0';
	file = listening(path, strlen(path) + 1);
	abstract = listening(name, strlen(directory) + 1);
	assert_connects(path);
	(void)snprintf(address, sizeof address, "unix:path=%s/a%%3bb", directory);
	assert_connects(address);
	(void)snprintf(address, sizeof address,
		       "tcp:host=a;unix:path=/none;unix:guid=1,path=%s/a%%3Bb,x=y", directory);
	assert_connects(address);
	(void)snprintf(address, sizeof address, "unix:abstract=%s", directory);
	assert_connects(address);
	(void)snprintf(address, sizeof address, "unix:abstract=%s,path=%s", directory, directory);
	assert_int_equal(bus_address_connect(address, &fd), -EINVAL);
	assert_int_equal(bus_address_connect("", &fd), -EINVAL);
	assert_int_equal(bus_address_connect("unix:", &fd), -EINVAL);
	assert_int_equal(bus_address_connect("unix:path=/a%4", &fd), -EINVAL);
	assert_int_equal(bus_address_connect("unix:path=/a%4x", &fd), -EINVAL);
	assert_int_equal(bus_address_connect("unix:path=/none", &fd), -ENOENT);
	assert_int_equal(bus_address_connect("unixexec:path=/bin/true", &fd), -EPROTONOSUPPORT);
	memset(address, 'a', sizeof address - 1);
	memcpy(address, "unix:path=/", 11);
	address[sizeof address - 1] = '\0';
	assert_int_equal(bus_address_connect(address, &fd), -EINVAL);
	assert_int_equal(bus_address_connect(address + 10, &fd), -EINVAL);
	(void)close(file);
	(void)close(abstract);
	(void)unlink(path);
	(void)rmdir(directory);
}

/* ---- the connection ---- */

/* A connection, of which the other end is the test. */
static struct bus_connection *connected(int *ret_peer) {
	struct bus_connection *c;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(write(pair[1], greeting, sizeof greeting - 1), sizeof greeting - 1);
	assert_int_equal(bus_connection_adopt(pair[0], &c), 0);
	*ret_peer = pair[1];
	return c;
}

static int greeted_with(const char *words) {
	struct bus_connection *c;
	int pair[2], r;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(write(pair[1], words, strlen(words)), strlen(words));
	assert_int_equal(shutdown(pair[1], SHUT_WR), 0);
	r = bus_connection_adopt(pair[0], &c);
	(void)close(pair[1]);
	return r;
}

static void who_is_not_let_in_hears_so(void **state) {
	assert_int_equal(greeted_with("REJECTED EXTERNAL\r\n"), -EPERM);
	assert_int_equal(greeted_with("DATA\r\nREJECTED EXTERNAL\r\nERROR\r\n"), -EPERM);
	assert_int_equal(greeted_with("DATA\r\nOK 0\r\nERROR\r\n"), -EPERM);
	assert_int_equal(greeted_with("DATA\r\nOKAY\r\nAGREE_UNIX_FD\r\n"), -EPERM);
	assert_int_equal(greeted_with("DATA\r\nOK 0\r\n"), -ECONNRESET);
	assert_int_equal(greeted_with(""), -ECONNRESET);
}

static void hear(struct bus_message *m, void *userdata) {
	int *heard = userdata;

	*heard = m ? *heard + 1 : -1;
}

static void who_waits_hears_that_the_connection_is_lost(void **state) {
	_cleanup_message_ struct bus_message *call = a_call(), *second = a_call(), *reply = NULL;
	struct bus_error error = { 0 };
	struct bus_connection *c;
	struct bus_slot *slot;
	int peer, heard = 0;

	c = connected(&peer);
	assert_int_equal(bus_connection_begin(c, call, hear, &heard, &slot), 0);
	assert_int_equal(bus_connection_process(c), 0);
	assert_int_equal(bus_connection_call(c, second, 1000, &error, &reply), -ETIMEDOUT);
	assert_true(bus_connection_fd(c) >= 0);
	(void)close(peer);
	assert_int_equal(heard, 0);
	assert_true(bus_connection_process(c) < 0);
	assert_int_equal(heard, -1);
	assert_int_equal(bus_connection_process(c), -ENOTCONN);
	assert_int_equal(bus_connection_fd(c), -ENOTCONN);
	bus_connection_close(c);
	bus_slot_free(slot);
}

static void a_call_ends_with_the_connection(void **state) {
	_cleanup_message_ struct bus_message *call = a_call(), *reply = NULL;
	struct bus_error error = { 0 };
	struct bus_connection *c;
	int peer;

	c = connected(&peer);
	assert_int_equal(shutdown(peer, SHUT_WR), 0);
	assert_int_equal(bus_connection_call(c, call, UINT64_MAX, &error, &reply), -ECONNRESET);
	assert_int_equal(bus_connection_ask(c, "a.b", "/a", "a.b", "C", &error, &reply, ""),
			 -ENOTCONN);
	(void)close(peer);
	bus_connection_close(c);
}

static void a_child_does_not_use_the_connection(void **state) {
	_cleanup_message_ struct bus_message *call = a_call(), *reply = NULL;
	struct bus_error error = { 0 };
	struct bus_connection *c;
	int peer, status;
	pid_t pid;

	c = connected(&peer);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(bus_connection_call(c, call, 1000, &error, &reply) == -ECHILD &&
				      bus_connection_process(c) == -ECHILD
			      ? 0
			      : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	(void)close(peer);
	bus_connection_close(c);
}

/* Whoever is called gets an answer, and only who asked for one. */
static void nobody_is_called_here(void **state) {
	struct bus_socket peer = { .fd = -1 };
	_cleanup_message_ struct bus_message *call = a_call(), *answer = NULL;
	struct bus_connection *c;
	char words[128];

	c = connected(&peer.fd);
	assert_true(read(peer.fd, words, sizeof words) > 0);
	for (int flags = 0; flags <= BUS_NO_REPLY; flags++) {
		bus_message_free(call);
		call = a_call();
		call->flags = (uint8_t)flags;
		assert_int_equal(bus_message_seal(call, 7), 0);
		assert_int_equal(bus_socket_send(&peer, call, UINT64_MAX), 0);
		assert_int_equal(bus_connection_process(c), 1);
	}
	assert_int_equal(bus_socket_receive(&peer), 1);
	assert_int_equal(bus_socket_receive(&peer), 0);
	assert_int_equal(bus_socket_take(&peer, &answer), 1);
	assert_int_equal(peer.size, 0);
	assert_int_equal(answer->kind, BUS_ERROR);
	assert_int_equal(answer->reply_serial, 7);
	bus_connection_close(c);
	bus_socket_done(&peer);
}

/* ---- the socket ---- */

enum { MANY = 30, LARGE = 3 << 20 };

static void *send_many(void *data) {
	struct bus_socket *s = data;

	for (int i = 0; i < MANY; i++) {
		_cleanup_message_ struct bus_message *m = a_call();
		_cleanup_free_ char *text = malloc(LARGE);
		int fds[2] = { -1, -1 };

		assert_non_null(text);
		memset(text, 'x', LARGE);
		text[i % 3 == 0 ? LARGE - 1 : i] = '\0';
		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		assert_int_equal(bus_message_append(m, "s", text), 0);
		/* Each has another number of them, and what is written to the last says which. */
		assert_int_equal(write(fds[1], &i, sizeof i), sizeof i);
		for (int n = 0; n < i % 4; n++)
			assert_int_equal(bus_message_append(m, "h", fds[0]), 0);
		assert_int_equal(bus_message_seal(m, (uint32_t)i + 1), 0);
		assert_int_equal(bus_socket_send(s, m, UINT64_MAX), 0);
		(void)close(fds[0]);
		(void)close(fds[1]);
	}
	return NULL;
}

static void large_and_small_messages_keep_their_descriptors(void **state) {
	struct bus_socket from = { 0 }, to = { 0 };
	pthread_t thread;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	from.fd = pair[0];
	to.fd = pair[1];
	assert_int_equal(pthread_create(&thread, NULL, send_many, &from), 0);
	for (int i = 0; i < MANY; i++) {
		_cleanup_message_ struct bus_message *m = NULL;
		const char *text;
		int r, fd, written;

		while ((r = bus_socket_take(&to, &m)) == 0) {
			assert_int_equal(bus_socket_wait(&to, UINT64_MAX), 0);
			assert_true(bus_socket_receive(&to) >= 0);
		}
		assert_int_equal(r, 1);
		assert_int_equal(m->serial, i + 1);
		assert_int_equal(bus_message_read(m, "s", &text), 1);
		assert_int_equal(strlen(text), i % 3 == 0 ? LARGE - 1 : i);
		assert_int_equal(m->fds_count, i % 4);
		for (int n = 0; n < i % 4; n++) {
			assert_int_equal(bus_message_read(m, "h", &fd), 1);
			assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
			if (n == 0)
				assert_int_equal(read(fd, &written, sizeof written),
						 sizeof written);
			assert_int_equal(written, i);
		}
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(to.fds_count, 0);
	bus_socket_done(&from);
	bus_socket_done(&to);
}

/* A message says that it has a descriptor, and none came. */
static void a_descriptor_that_did_not_come_is_none(void **state) {
	struct bus_socket from = { 0 }, to = { 0 };
	_cleanup_message_ struct bus_message *m = a_call(), *back = NULL;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	from.fd = pair[0];
	to.fd = pair[1];
	assert_int_equal(bus_message_append(m, "h", 0), 0);
	assert_int_equal(bus_message_seal(m, 1), 0);
	m->fds_count = 0;
	assert_int_equal(bus_socket_send(&from, m, UINT64_MAX), 0);
	assert_int_equal(bus_socket_receive(&to), 1);
	assert_int_equal(bus_socket_take(&to, &back), -EBADMSG);
	bus_socket_done(&from);
	bus_socket_done(&to);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_are_complete_types),
		cmocka_unit_test(paths_are_those_of_objects),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_no_bus_would_carry_is_not_written),
		cmocka_unit_test(no_byte_is_believed),
		cmocka_unit_test(a_message_that_lacks_what_it_is_about_is_none),
		cmocka_unit_test(what_is_malformed_is_not_read),
		cmocka_unit_test(an_address_is_understood),
		cmocka_unit_test(who_is_not_let_in_hears_so),
		cmocka_unit_test(who_waits_hears_that_the_connection_is_lost),
		cmocka_unit_test(a_call_ends_with_the_connection),
		cmocka_unit_test(a_child_does_not_use_the_connection),
		cmocka_unit_test(nobody_is_called_here),
		cmocka_unit_test(large_and_small_messages_keep_their_descriptors),
		cmocka_unit_test(a_descriptor_that_did_not_come_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
