/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A service that is a thread of the test: it writes down what libusher sends, and answers as it is
 * told to. */
#pragma once

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
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "bus.h"

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* A handle, and who answers on the other end. */
struct stage {
	struct usher *usher;
	sd_bus *service;
	pthread_t thread;
	int (*answer)(sd_bus_message *call);
	char *heard; /* the call: path, member, and what was in it */
};

static struct stage stage;

/* The next complete type of a message, as text. */
static inline void print_next(FILE *out, sd_bus_message *m) {
	const char *contents;
	char type;

	union {
		uint64_t t;
		uint32_t u;
		int i;
		const char *s;
	} value;

	int first = 1;

	assert_true(sd_bus_message_peek_type(m, &type, &contents) > 0);
	if (strchr("a(ver{", type)) {
		assert_true(sd_bus_message_enter_container(m, type, contents) > 0);
		fputs(type == 'a' ? "[" : type == 'v' ? "<" : "(", out);
		for (; sd_bus_message_at_end(m, 0) == 0; first = 0) {
			fputs(first ? "" : " ", out);
			print_next(out, m);
		}
		fputs(type == 'a' ? "]" : type == 'v' ? ">" : ")", out);
		assert_true(sd_bus_message_exit_container(m) >= 0);
		return;
	}
	assert_true(sd_bus_message_read_basic(m, type, &value) > 0);
	if (strchr("so", type))
		fprintf(out, "%c'%s'", type, value.s);
	else if (type == 'h')
		fprintf(out, "h%s", fcntl(value.i, F_GETFD) >= 0 ? "" : "?");
	else if (strchr("tx", type))
		fprintf(out, "%c%lld", type, (long long)value.t);
	else
		fprintf(out, "%c%d", type, value.i);
}

static inline int on_call(sd_bus_message *m, void *userdata, sd_bus_error *error) {
	size_t size;
	FILE *out;

	/* Neither what the connection says of itself, nor what is for a bus. */
	if (!sd_bus_message_is_method_call(m, NULL, NULL) ||
	    strcmp(sd_bus_message_get_interface(m), "org.freedesktop.DBus") == 0)
		return 0;
	free(stage.heard);
	out = open_memstream(&stage.heard, &size);
	assert_non_null(out);
	fprintf(out, "%s %s.%s", sd_bus_message_get_path(m),
		strrchr(sd_bus_message_get_interface(m), '.') + 1, sd_bus_message_get_member(m));
	while (sd_bus_message_at_end(m, 1) == 0) {
		putc(' ', out);
		print_next(out, m);
	}
	assert_int_equal(fclose(out), 0);
	return stage.answer(m);
}

static inline void *serve(void *arg) {
	int r;

	while ((r = sd_bus_process(stage.service, NULL)) >= 0)
		if (r == 0 && sd_bus_wait(stage.service, UINT64_MAX) < 0)
			break;
	return NULL;
}

static inline int set_stage(void **state) {
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
			 0);
	stage.usher = calloc(1, sizeof *stage.usher);
	assert_non_null(stage.usher);
	assert_true(sd_bus_new(&stage.service) >= 0);
	assert_true(sd_bus_set_fd(stage.service, pair[1], pair[1]) >= 0);
	assert_true(sd_bus_set_server(stage.service, 1,
				      SD_ID128_MAKE(1, 2, 3, 4, 5, 6, 7, 8, 9, a, b, c, d, e, f,
						    0)) >= 0);
	assert_true(sd_bus_set_anonymous(stage.service, 1) >= 0);
	assert_true(sd_bus_negotiate_fds(stage.service, 1) >= 0);
	assert_true(sd_bus_add_filter(stage.service, NULL, on_call, NULL) >= 0);
	assert_true(sd_bus_start(stage.service) >= 0);
	assert_int_equal(pthread_create(&stage.thread, NULL, serve, NULL), 0);
	assert_int_equal(bus_connection_adopt(pair[0], &stage.usher->bus), 0);
	return 0;
}

static inline int clear_stage(void **state) {
	usher_close(stage.usher);
	assert_int_equal(pthread_join(stage.thread, NULL), 0);
	sd_bus_close_unref(stage.service);
	free(stage.heard);
	memset(&stage, 0, sizeof stage);
	return 0;
}

/* Until there is something to process. */
static inline void wait_for_service(void) {
	struct pollfd readable = { .fd = usher_get_fd(stage.usher), .events = POLLIN };

	assert_int_equal(poll(&readable, 1, 20000), 1);
}

static inline void assert_heard(const char *expected) {
	assert_non_null(stage.heard);
	assert_string_equal(stage.heard, expected);
}
