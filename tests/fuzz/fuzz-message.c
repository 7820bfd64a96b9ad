/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bodies of D-Bus method calls. The first byte chooses a row of the table; sd-bus is given a
 * message with that row's signature, as a caller's would have to be to get that far, and the rest
 * of the input for a body. What can be read of it is checked, packed, and read again as the worker
 * does.
 */

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "fuzz.h"
#include "head.h"
#include "message-bus.h"
#include "message.h"
#include "operation.h"

enum { DESCRIPTORS = 3 };

static const struct operation *chosen;
static bool seen;

static void look_at(const ProtobufCMessage *message) {
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = malloc(size + 1);
	struct refusal refusal = { 0 };
	ProtobufCMessage *again;

	must(bytes);
	must(protobuf_c_message_pack(message, bytes) == size);
	again = protobuf_c_message_unpack(message->descriptor, NULL, size, bytes);
	must(again);
	if (chosen->check) {
		int r = chosen->check(again, &refusal);

		must(r >= 0 && (r == 0) == (*refusal.text == '\0'));
	}
	message_freep(&again);
	free(bytes);
}

static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *error) {
	struct refusal refusal = { 0 };
	ProtobufCMessage *read = NULL;
	struct fds fds = { 0 };
	int r;

	if (!sd_bus_message_is_method_call(message, "a.b", "C"))
		return 0;
	seen = true;
	r = message_bus_read(message, chosen->request, false, &fds, &read, &refusal);
	must((r == 0) == (read != NULL));
	must(r <= 0 || *refusal.text);
	if (read)
		look_at(read);
	message_freep(&read);
	fds_done(&fds);
	return 1;
}

/* ---- a message by hand ---- */

static void put_head(struct head *head, const char *signature, size_t body) {
	head_begin(head, 1, body);
	head_field(head, 1, 'o', "/a");
	head_field(head, 2, 's', "a.b");
	head_field(head, 3, 's', "C");
	head_field(head, 8, 'g', signature);
	head_number_field(head, 9, DESCRIPTORS);
	head_end(head);
}

static void greet(int socket) {
	static const char greeting[] = "\0AUTH ANONYMOUS\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n";

	must(send(socket, greeting, sizeof greeting - 1, MSG_NOSIGNAL) == sizeof greeting - 1);
}

static void send_message(int socket, const struct head *head, const uint8_t *body, size_t size) {
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
	} control = { 0 };
	struct iovec parts[] = { { (void *)(uintptr_t)head->bytes, head->n },
				 { (void *)(uintptr_t)body, size } };
	struct msghdr packet = { .msg_iov = parts,
				 .msg_iovlen = 2,
				 .msg_control = &control,
				 .msg_controllen = sizeof control };
	int fds[DESCRIPTORS] = { socket, socket, socket };

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof fds);
	memcpy(CMSG_DATA(&control.header), fds, sizeof fds);
	must(sendmsg(socket, &packet, MSG_NOSIGNAL) > 0);
}

static sd_bus *server_on(int socket) {
	sd_bus *bus;

	must(sd_bus_new(&bus) >= 0 && sd_bus_set_fd(bus, socket, socket) >= 0 &&
	     sd_bus_set_server(bus, 1, (sd_id128_t){ { 1 } }) >= 0 &&
	     sd_bus_set_anonymous(bus, 1) >= 0 && sd_bus_negotiate_fds(bus, 1) >= 0 &&
	     sd_bus_start(bus) >= 0 && sd_bus_add_filter(bus, NULL, on_message, NULL) >= 0);
	return bus;
}

/* Until nothing more happens, or the message was seen. */
static int process(sd_bus *bus) {
	int r = 1;

	for (int i = 0; i < 20 && r > 0 && !seen; i++)
		r = sd_bus_process(bus, NULL);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char signature[MESSAGE_SIGNATURE_MAX + 8];
	struct head head = { .n = 0 };
	int pair[2], next;
	sd_bus *bus;

	if (size < 1 || size > 16384)
		return 0;
	chosen = operations[*data % operations_n];
	message_signature(chosen->request, signature);
	strcat(signature, "a{sv}");
	put_head(&head, signature, size - 1);
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	bus = server_on(pair[0]);
	seen = false;
	greet(pair[1]);
	must(process(bus) >= 0);
	send_message(pair[1], &head, data + 1, size - 1);
	(void)process(bus);
	(void)sd_bus_close(bus);
	sd_bus_unref(bus);
	(void)close(pair[1]);
	next = open("/dev/null", O_RDONLY | O_CLOEXEC);
	must(next == pair[0]); /* no descriptor was lost */
	(void)close(next);
	return 0;
}
