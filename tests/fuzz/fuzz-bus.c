/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What comes over the socket of a connection, from whoever is at the other end: the first byte says
 * in what pieces, the rest comes after the greeting, with a descriptor.
 */

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bus-connection.h"
#include "fuzz.h"
#include "values.h"

static void send_piece(int fd, const uint8_t *data, size_t size, int with) {
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof with)] = { 0 };
	struct iovec part = { (uint8_t *)(uintptr_t)data, size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	struct cmsghdr *header;

	if (with >= 0) {
		message.msg_control = control;
		message.msg_controllen = sizeof control;
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof with);
		memcpy(CMSG_DATA(header), &with, sizeof with);
	}
	must(sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)size);
}

/* Everything in it, by what it says it is, and by what it is not. */
static void hear(struct bus_message *m, void *userdata) {
	struct usher_values *values = NULL;
	struct bus_error error = { 0 };
	int number;

	if (!m)
		return;
	if (m->kind == BUS_ERROR) {
		bus_error_read(m, &error);
		bus_error_done(&error);
		bus_message_rewind(m);
	}
	(void)bus_message_skip(m, m->levels[0].signature);
	bus_message_rewind(m);
	if (values_read(m, &values) >= 0)
		usher_values_free(values);
	bus_message_rewind(m);
	if (bus_message_read(m, "h", &number) > 0)
		must(number >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static const char greeting[] = "DATA\r\nOK 00\r\nAGREE_UNIX_FD\r\n";
	struct bus_connection *c;
	struct bus_message *call;
	struct bus_slot *answer, *signals;
	size_t piece, n;
	int pair[2];

	if (size < 2 || size > 65536)
		return 0;
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	must(write(pair[1], greeting, sizeof greeting - 1) == sizeof greeting - 1);
	must(bus_connection_adopt(pair[0], &c) == 0);
	must(bus_message_new_call("a.b", "/a", "a.b", "C", &call) == 0);
	must(bus_connection_begin(c, call, hear, c, &answer) == 0);
	must(bus_connection_match(c, "/a", "a.b", NULL, hear, c, &signals) == 0);
	piece = *data ? *data : size;
	for (size_t at = 1; at < size && bus_connection_fd(c) >= 0; at += n) {
		n = size - at < piece ? size - at : piece;
		send_piece(pair[1], data + at, n, at == 1 ? pair[1] : -1);
		while (bus_connection_process(c) > 0)
			;
	}
	(void)close(pair[1]);
	while (bus_connection_process(c) > 0)
		;
	bus_message_free(call);
	bus_slot_free(answer);
	bus_slot_free(signals);
	bus_connection_close(c);
	return 0;
}
