/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Replies of a child that somebody has taken over: the first byte chooses a row of the table, the
 * rest is what the broker unpacks and writes to the bus for the caller.
 */

#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "fuzz.h"
#include "message-bus.h"
#include "message.h"
#include "operation.h"

static sd_bus *a_bus(void) {
	static sd_bus *bus;
	int pair[2];

	if (bus)
		return bus;
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	must(sd_bus_new(&bus) >= 0 && sd_bus_set_fd(bus, pair[0], pair[0]) >= 0 &&
	     sd_bus_set_server(bus, 1, (sd_id128_t){ { 1 } }) >= 0 &&
	     sd_bus_set_anonymous(bus, 1) >= 0 && sd_bus_negotiate_fds(bus, 1) >= 0 &&
	     sd_bus_start(bus) >= 0);
	return bus;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const struct operation *operation;
	sd_bus_message *message = NULL;
	ProtobufCMessage *reply;
	struct fds fds = { 0 };

	if (size < 1)
		return 0;
	operation = operations[*data % operations_n];
	reply = protobuf_c_message_unpack(operation->reply, NULL, size - 1, data + 1);
	if (!reply)
		return 0;
	must(sd_bus_message_new_signal(a_bus(), &message, "/a", "a.b", "C") >= 0);
	fds.n = 1;
	fds.fd[0] = 0;
	(void)message_bus_append(message, reply, &fds);
	sd_bus_message_unref(message);
	message_freep(&reply);
	return 0;
}
