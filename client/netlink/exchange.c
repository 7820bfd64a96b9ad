/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions to the kernel, and its answers. */

#include <errno.h>
#include <linux/genetlink.h>
#include <string.h>

#include "request.h"
#include "socket.h"

/* An answer while it is read. */
struct exchange {
	struct usher_socket *socket;
	const struct usher_reading *reading; /* NULL: nobody wants to know */
	uint32_t number;
	bool dump;
	bool interrupted;
	bool ended;
};

static int send_request(struct usher_socket *socket, struct usher_request *request,
			uint16_t flags) {
	const struct nlmsghdr *message;
	int r;

	if (++socket->number == 0) /* that of events */
		socket->number = 1;
	message = request_stamp(request, flags, socket->number, &r);
	if (!message)
		return socket_fail(socket, r, "the request: %s", strerror(-r));
	do
		r = mnl_socket_sendto(socket->mnl, message, message->nlmsg_len) < 0 ? -errno : 0;
	while (r == -EINTR);
	if (r < 0)
		return socket_fail(socket, r, "%s", strerror(-r));
	socket->unread = socket->number;
	return 0;
}

/* ---- one message of an answer ---- */

/* What stands behind the errno of an acknowledgement: the request's head, or all of it, and then
 * attributes. */
static int read_acknowledgement(struct usher_socket *socket, const struct nlmsghdr *message) {
	const struct nlmsgerr *said = mnl_nlmsg_get_payload(message);
	size_t size = mnl_nlmsg_get_payload_len(message), behind = sizeof *said;

	if (size < sizeof *said)
		return socket_fail(socket, -EBADMSG, "the kernel's answer is malformed");
	if (said->error >= 0)
		return 0;
	if (!(message->nlmsg_flags & NLM_F_CAPPED) && said->msg.nlmsg_len >= sizeof said->msg)
		behind += MNL_ALIGN(said->msg.nlmsg_len) - sizeof said->msg;
	if (!(message->nlmsg_flags & NLM_F_ACK_TLVS) || behind > size)
		behind = size;
	return socket_refused(socket, said->error, (const char *)said + behind, size - behind);
}

static int read_end(struct usher_socket *socket, const struct nlmsghdr *message) {
	const char *payload = mnl_nlmsg_get_payload(message);
	size_t size = mnl_nlmsg_get_payload_len(message);
	int error = 0;

	if (size < sizeof error)
		return 0;
	memcpy(&error, payload, sizeof error);
	return error < 0
		       ? socket_refused(socket, error, payload + sizeof error, size - sizeof error)
		       : 0;
}

/* 0, or what ends it: a negative errno, or USHER_STOP. */
static int read_message(struct exchange *exchange, const struct nlmsghdr *message) {
	struct usher_socket *socket = exchange->socket;
	int r;

	/* What others have asked for, or what was left of an earlier answer. */
	if (message->nlmsg_seq != exchange->number ||
	    message->nlmsg_pid != mnl_socket_get_portid(socket->mnl))
		return 0;
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		exchange->interrupted = true;
	if (message->nlmsg_type == NLMSG_ERROR || message->nlmsg_type == NLMSG_DONE) {
		exchange->ended = true;
		socket->unread = 0;
		return message->nlmsg_type == NLMSG_ERROR ? read_acknowledgement(socket, message)
							  : read_end(socket, message);
	}
	if (message->nlmsg_type < NLMSG_MIN_TYPE || !exchange->reading)
		return 0;
	r = usher_reading_read(exchange->reading, message);
	if (r == -EBADMSG && socket->message[0] == '\0')
		return socket_fail(socket, r,
				   "a message of type %u is malformed, or none that was "
				   "asked for",
				   message->nlmsg_type);
	return r == USHER_DROP ? 0 : r;
}

static int read_datagram(struct exchange *exchange, size_t size) {
	const struct nlmsghdr *message = (const void *)exchange->socket->buffer;
	int rest = (int)size, r;

	while (mnl_nlmsg_ok(message, rest)) {
		r = read_message(exchange, message);
		if (r != 0 || exchange->ended)
			return r;
		message = mnl_nlmsg_next(message, &rest);
	}
	return rest > 0 ? socket_fail(exchange->socket, -EBADMSG,
				      "a datagram of the kernel's is "
				      "malformed")
			: 0;
}

/* 0 at the end, USHER_STOP, or a negative errno. */
static int read_answer(struct exchange *exchange) {
	int r = 0;

	while (r == 0 && !exchange->ended) {
		ssize_t n = socket_receive(exchange->socket, true);

		r = n < 0 ? (int)n : read_datagram(exchange, (size_t)n);
	}
	return r;
}

/* Reads away what is left of the last answer: the kernel begins no other dump before. */
static int finish_last(struct usher_socket *socket) {
	struct exchange exchange = { .socket = socket, .number = socket->unread };
	int r;

	socket_forget(socket);
	if (socket->unread == 0)
		return 0;
	do
		r = read_answer(&exchange);
	while (r == -EBADMSG);
	socket_forget(socket);
	/* How it ended is nobody's business any more. */
	return exchange.ended ? 0 : r;
}

/* ---- questions ---- */

int usher_socket_transact(struct usher_socket *socket, struct usher_request *request,
			  const struct usher_reading *reading) {
	struct exchange exchange = { .socket = socket, .reading = reading };
	int r = finish_last(socket);

	if (r == 0)
		r = send_request(socket, request, NLM_F_ACK);
	if (r < 0)
		return r;
	exchange.number = socket->number;
	r = read_answer(&exchange);
	return r == USHER_STOP ? 0 : r;
}

/*
 * The kernel makes the datagrams of a dump as large as the buffers it has seen, and the first one
 * before it has seen any: what does not fit in there, it leaves out, with all that follows. So it
 * is shown ours before.
 */
static int prime(struct usher_socket *socket) {
	struct usher_request *nothing;
	int r;

	if (socket->primed)
		return 0;
	r = usher_request_new(NLMSG_NOOP, 0, &nothing);
	if (r < 0)
		return socket_fail(socket, r, "out of memory");
	r = usher_socket_transact(socket, nothing, NULL);
	usher_request_free(nothing);
	socket->primed = r == 0;
	return r;
}

int usher_socket_dump(struct usher_socket *socket, struct usher_request *request,
		      const struct usher_reading *reading) {
	struct exchange exchange = { .socket = socket, .reading = reading, .dump = true };
	int r = finish_last(socket);

	if (r == 0)
		r = prime(socket);
	if (r == 0)
		r = send_request(socket, request, NLM_F_DUMP);
	if (r < 0)
		return r;
	exchange.number = socket->number;
	r = read_answer(&exchange);
	if (r == USHER_STOP)
		return 0;
	if (r == 0 && exchange.interrupted)
		return socket_fail(socket, -EAGAIN, "something has changed during the dump");
	return r;
}

/* ---- events ---- */

/* How many of a datagram's messages were read. */
static int hear_datagram(struct usher_socket *socket, size_t size,
			 const struct usher_listening listening[], size_t n) {
	const struct nlmsghdr *message = (const void *)socket->buffer;
	int rest = (int)size, heard = 0, r;

	for (; mnl_nlmsg_ok(message, rest); message = mnl_nlmsg_next(message, &rest)) {
		size_t i = 0;

		while (i < n && listening[i].type != message->nlmsg_type)
			i++;
		if (i == n)
			continue;
		r = usher_reading_read(listening[i].reading, message);
		if (r < 0)
			return socket_fail(socket, r, "an event of type %u: %s",
					   message->nlmsg_type, strerror(-r));
		heard++;
		if (r == USHER_STOP)
			break;
	}
	return heard;
}

int usher_socket_listen(struct usher_socket *socket, const struct usher_listening listening[],
			size_t n) {
	int heard = 0;

	socket_forget(socket);
	while (heard == 0) {
		ssize_t size = socket_receive(socket, false);

		if (size == -EAGAIN)
			return 0;
		if (size < 0)
			return (int)size;
		heard = hear_datagram(socket, (size_t)size, listening, n);
	}
	return heard;
}

/* ---- generic netlink ---- */

struct family {
	uint16_t number;
	bool has_number;
};

int usher_socket_find_family(struct usher_socket *socket, const char *name, uint16_t *ret) {
	static const struct usher_attribute wanted[] = {
		[CTRL_ATTR_FAMILY_ID] =
			USHER_MEMBER_IF(USHER_U16, struct family, number, has_number),
	};
	struct family family = { 0 };
	struct usher_reading reading = {
		.type = GENL_ID_CTRL,
		.header = sizeof(struct genlmsghdr),
		.level = USHER_LEVEL(wanted),
		.into = &family,
	};
	struct genlmsghdr header = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 };
	struct usher_request *request;
	int r;

	socket_forget(socket);
	r = usher_request_new(GENL_ID_CTRL, 0, &request);
	if (r < 0)
		return socket_fail(socket, r, "out of memory");
	usher_request_add_header(request, &header, sizeof header);
	usher_request_put_text(request, CTRL_ATTR_FAMILY_NAME, name);
	r = usher_socket_transact(socket, request, &reading);
	usher_request_free(request);
	if (r == 0 && !family.has_number)
		r = socket_fail(socket, -ENOENT, "there is no family of that name");
	if (r == 0)
		*ret = family.number;
	return r;
}
