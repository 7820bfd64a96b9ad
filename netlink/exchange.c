/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "exchange.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "decode.h"
#include "fd.h"

/* The largest message there can be is a few attributes of 64 KiB each. */
enum { BUFFER_SIZE = 1 << 20, WAIT_SEC = 30, SAME_MAX = 32 };

#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12
#endif

/* ---- buffers ---- */

/* The last ones that were not needed any more: whoever asks often has them at hand. */
static uint8_t *spare;

/* What is never written to takes no memory, unless pages are large. */
static uint8_t *take_buffers(void) {
	uint8_t *buffers = spare;

	spare = NULL;
	if (buffers)
		return buffers;
	buffers = mmap(NULL, 2UL * BUFFER_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (buffers == MAP_FAILED)
		return NULL;
	(void)madvise(buffers, 2UL * BUFFER_SIZE, MADV_NOHUGEPAGE);
	return buffers;
}

static void give_back(uint8_t *buffers) {
	if (!spare)
		spare = buffers;
	else
		(void)munmap(buffers, 2UL * BUFFER_SIZE);
}

/* ---- the socket ---- */

static int set_option(const struct exchange *exchange, int option) {
	const int yes = 1;

	return setsockopt(exchange->fd, SOL_NETLINK, option, &yes, sizeof yes) < 0 ? -errno : 0;
}

static int learn_port(struct exchange *exchange) {
	struct sockaddr_nl own = { .nl_family = AF_NETLINK };
	socklen_t size = sizeof own;

	if (bind(exchange->fd, (struct sockaddr *)&own, size) < 0 ||
	    getsockname(exchange->fd, (struct sockaddr *)&own, &size) < 0)
		return -errno;
	exchange->port = own.nl_pid;
	return 0;
}

/* Without strict checking (before Linux 4.20) the kernel applies no filter; we do so again. */
static int prepare(struct exchange *exchange) {
	const struct timeval wait = { .tv_sec = WAIT_SEC };
	int r = learn_port(exchange);

	if (r == 0)
		r = set_option(exchange, NETLINK_EXT_ACK);
	if (r == 0)
		r = set_option(exchange, NETLINK_CAP_ACK);
	if (r < 0)
		return r;
	(void)set_option(exchange, NETLINK_GET_STRICT_CHK);
	if (setsockopt(exchange->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) < 0)
		return -errno;
	return 0;
}

int exchange_open(struct exchange *exchange, int protocol) {
	uint8_t *buffers;
	int r;

	*exchange = (struct exchange){
		.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol),
	};
	if (exchange->fd < 0)
		return -errno;
	r = prepare(exchange);
	if (r < 0) {
		exchange_close(exchange);
		return r;
	}
	buffers = take_buffers();
	if (!buffers) {
		exchange_close(exchange);
		return -ENOMEM;
	}
	exchange->buffers[0] = buffers;
	exchange->buffers[1] = buffers + BUFFER_SIZE;
	return 0;
}

void exchange_close(struct exchange *exchange) {
	fd_closep(&exchange->fd);
	if (exchange->buffers[0])
		give_back(exchange->buffers[0]);
	*exchange = (struct exchange){ .fd = -1 };
}

void exchange_put_by(struct exchange *exchange, struct exchange *kept) {
	exchange_close(kept);
	if (exchange->over && !exchange->stopped) {
		*kept = *exchange;
		*exchange = (struct exchange){ .fd = -1 };
	}
}

/* ---- what the kernel says of a request ---- */

static void note_text(struct exchange_verdict *verdict, const uint8_t *text, size_t size) {
	if (size >= sizeof verdict->text)
		size = sizeof verdict->text - 1;
	memcpy(verdict->text, text, size);
	verdict->text[size] = '\0';
}

static uint32_t number_of(const uint8_t *payload, size_t size) {
	uint32_t number = 0;

	if (size >= sizeof number)
		memcpy(&number, payload, sizeof number);
	return number;
}

static void note_attributes(struct exchange_verdict *verdict, const uint8_t *attributes,
			    size_t size) {
	const uint8_t *payload;
	size_t n;

	if (netlink_attribute(attributes, size, 0, NLMSGERR_ATTR_MSG, &payload, &n))
		note_text(verdict, payload, n);
	if (netlink_attribute(attributes, size, 0, NLMSGERR_ATTR_OFFS, &payload, &n))
		verdict->offset = number_of(payload, n);
	if (netlink_attribute(attributes, size, 0, NLMSGERR_ATTR_MISS_TYPE, &payload, &n))
		verdict->missing = number_of(payload, n);
	if (netlink_attribute(attributes, size, 0, NLMSGERR_ATTR_MISS_NEST, &payload, &n))
		verdict->within = number_of(payload, n);
}

/* `skip` bytes of the payload come before the attributes. */
static int judge(struct exchange *exchange, const struct nlmsghdr *message, size_t skip) {
	const uint8_t *payload = NLMSG_DATA(message);
	size_t size = message->nlmsg_len - NLMSG_HDRLEN;
	int code;

	memcpy(&code, payload, sizeof code);
	if (code > 0)
		return -EBADMSG;
	exchange->verdict.code = code;
	if (message->nlmsg_flags & NLM_F_ACK_TLVS && skip < size)
		note_attributes(&exchange->verdict, payload + skip, size - skip);
	return code;
}

static int on_error(struct exchange *exchange, const struct nlmsghdr *message) {
	size_t size = message->nlmsg_len - NLMSG_HDRLEN, skip = sizeof(struct nlmsgerr);
	struct nlmsgerr error;

	if (size < sizeof error)
		return -EBADMSG;
	memcpy(&error, NLMSG_DATA(message), sizeof error);
	if (!(message->nlmsg_flags & NLM_F_CAPPED)) {
		if (error.msg.nlmsg_len < NLMSG_HDRLEN || error.msg.nlmsg_len > size)
			return -EBADMSG;
		skip += NLMSG_ALIGN(error.msg.nlmsg_len) - NLMSG_HDRLEN;
	}
	return judge(exchange, message, skip);
}

/* An error may stand in the end of a dump, too. */
static int on_done(struct exchange *exchange, const struct nlmsghdr *message) {
	if (message->nlmsg_len - NLMSG_HDRLEN < sizeof(int))
		return 0;
	return judge(exchange, message, NLMSG_ALIGN(sizeof(int)));
}

/* ---- an answer ---- */

/* The next datagram: its size, or a negative errno. */
static ssize_t receive(struct exchange *exchange, int flags) {
	struct sockaddr_nl sender;

	for (;;) {
		struct iovec part = { exchange->buffers[exchange->turn ^ 1], BUFFER_SIZE };
		struct msghdr packet = { .msg_name = &sender,
					 .msg_namelen = sizeof sender,
					 .msg_iov = &part,
					 .msg_iovlen = 1 };
		ssize_t n = recvmsg(exchange->fd, &packet, MSG_TRUNC | flags);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN && !(flags & MSG_DONTWAIT) ? -ETIMEDOUT : -errno;
		if (packet.msg_namelen != sizeof sender || sender.nl_pid != 0) {
			/* any process may write to any other's socket */
			if (flags & MSG_PEEK)
				(void)recv(exchange->fd, NULL, 0, MSG_DONTWAIT);
			continue;
		}
		if (n > BUFFER_SIZE)
			return -EMSGSIZE;
		exchange->turn ^= 1;
		exchange->sizes[exchange->turn] = (size_t)n;
		return n;
	}
}

/* A dump that makes no progress would last for ever. Two datagrams may well be the same. */
static bool is_stuck(struct exchange *exchange, size_t size) {
	const uint8_t *now = exchange->buffers[exchange->turn];
	const uint8_t *before = exchange->buffers[exchange->turn ^ 1];

	if (exchange->sizes[exchange->turn ^ 1] == size && memcmp(now, before, size) == 0)
		exchange->same++;
	else
		exchange->same = 0;
	return exchange->same >= SAME_MAX;
}

static int on_end(struct exchange *exchange, const struct nlmsghdr *message) {
	bool done = message->nlmsg_type == NLMSG_DONE;
	int r = done ? on_done(exchange, message) : on_error(exchange, message);

	exchange->over = true;
	/* a dump is not ended by an acknowledgement, nor anything else by a dump's end */
	return r == 0 && done != exchange->of_dump ? -EBADMSG : r;
}

static int take(struct exchange *exchange, const struct nlmsghdr *message, exchange_each *each,
		void *data) {
	int r;

	if (message->nlmsg_seq != exchange->sequence || message->nlmsg_pid != exchange->port)
		return 0;
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		exchange->interrupted = true;
	switch (message->nlmsg_type) {
	case NLMSG_NOOP: return 0;
	case NLMSG_OVERRUN: return -EOVERFLOW;
	case NLMSG_DONE:
	case NLMSG_ERROR: return on_end(exchange, message);
	default:
		r = each ? each(data, message) : 0;
		exchange->stopped = r > 0;
		exchange->over = r > 0 || exchange->of_one;
		return r < 0 ? r : 0;
	}
}

static int take_datagram(struct exchange *exchange, size_t size, exchange_each *each, void *data) {
	const uint8_t *at = exchange->buffers[exchange->turn];
	bool rows = false;
	int r = size == 0 ? -EBADMSG : 0;

	while (r == 0 && size > 0 && !exchange->over) {
		const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)at;
		size_t whole;

		if (size < NLMSG_HDRLEN || message->nlmsg_len < NLMSG_HDRLEN ||
		    message->nlmsg_len > size)
			return -EBADMSG;
		r = take(exchange, message, each, data);
		rows = rows || !exchange->over;
		whole = NLMSG_ALIGN(message->nlmsg_len);
		if (whole > size)
			whole = size;
		at += whole;
		size -= whole;
	}
	exchange->datagrams += rows;
	exchange->ended_alone = exchange->over && !rows;
	return r;
}

int exchange_step(struct exchange *exchange, int flags, exchange_each *each, void *data) {
	ssize_t n;
	int r;

	if (exchange->over)
		return 0;
	n = receive(exchange, flags);
	if (n < 0)
		return (int)n;
	if (exchange->seen) {
		exchange->seen = false;
		return 1;
	}
	if (exchange->most > 0 && exchange->datagrams == exchange->most)
		return -EFBIG;
	if (is_stuck(exchange, (size_t)n))
		return -ELOOP;
	r = take_datagram(exchange, (size_t)n, each, data);
	return r < 0 ? r : !exchange->over;
}

/* ---- a request ---- */

static int say(struct exchange *exchange, struct nlmsghdr *request, uint16_t flags) {
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	request->nlmsg_flags |= NLM_F_REQUEST | flags;
	request->nlmsg_seq = ++exchange->sequence;
	request->nlmsg_pid = exchange->port;
	exchange->of_dump = flags == NLM_F_DUMP;
	exchange->of_one = flags == 0;
	exchange->over = exchange->stopped = exchange->interrupted = exchange->seen = false;
	exchange->verdict = (struct exchange_verdict){ 0 };
	exchange->sizes[0] = exchange->sizes[1] = 0;
	exchange->datagrams = exchange->same = 0;
	while (sendto(exchange->fd, request, request->nlmsg_len, MSG_NOSIGNAL,
		      (struct sockaddr *)&kernel, sizeof kernel) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int exchange_hear(struct exchange *exchange, exchange_each *each, void *data) {
	int r;

	do
		r = exchange_step(exchange, 0, each, data);
	while (r > 0);
	return r;
}

int exchange_do(struct exchange *exchange, struct nlmsghdr *request, exchange_each *each,
		void *data) {
	int r = say(exchange, request, NLM_F_ACK);

	return r < 0 ? r : exchange_hear(exchange, each, data);
}

/* The kernel has answered before the request has been sent, and needs not say that it has, too. */
int exchange_look_up(struct exchange *exchange, struct nlmsghdr *request, exchange_each *each,
		     void *data) {
	int r = say(exchange, request, 0);

	if (r < 0)
		return r;
	do
		r = exchange_step(exchange, MSG_DONTWAIT, each, data);
	while (r > 0);
	return r == -EAGAIN ? exchange_do(exchange, request, each, data) : r;
}

/*
 * The kernel makes the first datagram of a dump before it knows how much its reader takes at once,
 * and whatever does not fit into a small one ends the dump, with no error. It knows from any answer
 * that was taken with a large buffer.
 */
static int prime(struct exchange *exchange) {
	struct nlmsghdr nothing = { .nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = NLMSG_NOOP };
	int r;

	if (exchange->primed)
		return 0;
	r = exchange_do(exchange, &nothing, NULL, NULL);
	if (r < 0 && exchange->verdict.code == 0)
		return r;
	exchange->primed = true; /* also by a refusal: of conntrack not everybody may ask */
	return 0;
}

int exchange_begin(struct exchange *exchange, struct nlmsghdr *request) {
	int r = prime(exchange);

	return r < 0 ? r : say(exchange, request, NLM_F_DUMP);
}

int exchange_dump(struct exchange *exchange, struct nlmsghdr *request, exchange_each *each,
		  void *data) {
	int r = exchange_begin(exchange, request);

	return r < 0 ? r : exchange_hear(exchange, each, data);
}

/* ---- a dump of which somebody waits for the beginning ---- */

static int set_room(const struct exchange *exchange, int size) {
	return setsockopt(exchange->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) < 0 ? -errno : 0;
}

static int glance(struct exchange *exchange, struct nlmsghdr *request, exchange_each *each,
		  void *data) {
	int r = say(exchange, request, NLM_F_DUMP);
	ssize_t n = r < 0 ? r : receive(exchange, MSG_PEEK);

	if (n < 0)
		return (int)n;
	exchange->primed = true;
	r = take_datagram(exchange, (size_t)n, each, data);
	exchange->seen = !exchange->over;
	if (exchange->over && !exchange->stopped) {
		n = receive(exchange, 0); /* it would be in the way of what is asked next */
		if (n < 0)
			return (int)n;
		if (exchange->ended_alone)
			return -ENODATA;
	}
	return r < 0 ? r : exchange->seen;
}

/*
 * The kernel fills a datagram when a dump is begun, and another one whenever one is taken and there
 * is room for more: two, of up to 32 KiB, before the first is ours. Of a socket that has not been
 * primed yet the first is small, and while it is only looked at, and room is for no other, the
 * second is not made.
 */
int exchange_glance(struct exchange *exchange, struct nlmsghdr *request, exchange_each *each,
		    void *data) {
	int room = 0, r;
	socklen_t size = sizeof room;

	if (getsockopt(exchange->fd, SOL_SOCKET, SO_RCVBUF, &room, &size) < 0)
		return -errno;
	r = set_room(exchange, 0); /* the least there can be */
	if (r < 0)
		return r;
	r = glance(exchange, request, each, data);
	(void)set_room(exchange, room / 2); /* the kernel doubles it */
	return r;
}

/* ---- generic netlink ---- */

struct family_request {
	struct nlmsghdr head;
	struct genlmsghdr generic;
	struct nlattr name;
	char text[GENL_NAMSIZ];
};

static int take_family(void *data, const struct nlmsghdr *message) {
	const uint8_t *payload;
	size_t size;

	if (netlink_attribute(NLMSG_DATA(message), message->nlmsg_len - NLMSG_HDRLEN, GENL_HDRLEN,
			      CTRL_ATTR_FAMILY_ID, &payload, &size) &&
	    size >= sizeof(uint16_t))
		memcpy(data, payload, sizeof(uint16_t));
	return 0;
}

int exchange_find_family(struct exchange *exchange, const char *name, uint16_t *ret) {
	struct family_request request = {
		.head = { .nlmsg_type = GENL_ID_CTRL },
		.generic = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 },
		.name = { .nla_type = CTRL_ATTR_FAMILY_NAME },
	};
	size_t length = strlen(name);
	int r;

	if (length >= sizeof request.text)
		return -ENOENT;
	memcpy(request.text, name, length);
	request.name.nla_len = (uint16_t)(sizeof request.name + length + 1);
	request.head.nlmsg_len =
		(uint32_t)(offsetof(struct family_request, text) + NLA_ALIGN(length + 1));
	*ret = 0;
	r = exchange_do(exchange, &request.head, take_family, ret);
	return r < 0 ? r : *ret == 0 ? -ENOENT : 0;
}
