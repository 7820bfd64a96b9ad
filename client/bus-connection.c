/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection to a bus: who hears what has come over the socket. */

#include "bus-connection.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "bus-socket.h"
#include "error.h"

#define DRIVER        "org.freedesktop.DBus"
#define DRIVER_PATH   "/org/freedesktop/DBus"
#define SECOND        UINT64_C(1000000)
#define ANSWER_USEC   (25 * SECOND) /* as everywhere */
#define GREETING_USEC (90 * SECOND)

/* Who is waiting for an answer, or for signals. */
struct bus_slot {
	struct bus_connection *connection; /* NULL: it has been closed */
	struct bus_slot *next;
	uint32_t serial; /* of the call; 0: it has been answered, or these are signals */
	const char *path, *interface, *member;
	bus_hear hear;
	void *userdata;
};

struct bus_connection {
	struct bus_socket socket;
	pid_t process;
	uint32_t serial; /* the last that was given */
	char *name;
	struct bus_message *first, **last; /* what has come and was not heard yet */
	struct bus_slot *slots;
};

void bus_error_done(struct bus_error *error) {
	free(take_pointer(error->name));
	free(take_pointer(error->message));
}

static uint64_t now(void) {
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec / 1000;
}

static uint64_t after(uint64_t usec) {
	uint64_t begin = now();

	return usec > UINT64_MAX - begin ? UINT64_MAX : begin + usec;
}

/* ---- the first and the last ---- */

static int new_connection(int fd, struct bus_connection **ret) {
	struct bus_connection *c = calloc(1, sizeof *c);

	if (!c) {
		(void)close(fd);
		return -ENOMEM;
	}
	c->socket.fd = fd;
	c->process = getpid();
	c->last = &c->first;
	*ret = c;
	return 0;
}

static void closep(struct bus_connection **c) {
	bus_connection_close(*c);
}

struct bus_connection *bus_connection_close(struct bus_connection *c) {
	struct bus_slot *slot;
	struct bus_message *m;

	if (!c)
		return NULL;
	for (slot = c->slots; slot; slot = slot->next)
		slot->connection = NULL;
	while ((m = c->first)) {
		c->first = m->next;
		bus_message_free(m);
	}
	bus_socket_done(&c->socket);
	free(c->name);
	free(c);
	return NULL;
}

static int await(struct bus_connection *c, uint32_t serial, uint64_t deadline,
		 struct bus_error *error, struct bus_message **ret_reply);

/* The bus does not hear anybody who has not said hello, and answers by the name that he has now. */
static int hello(struct bus_connection *c, uint64_t deadline) {
	_cleanup_(bus_message_freep) struct bus_message *m = NULL, *reply = NULL;
	_cleanup_(bus_error_done) struct bus_error error = { 0 };
	const char *name;
	int r;

	r = bus_message_new_call(DRIVER, DRIVER_PATH, DRIVER, "Hello", &m);
	if (r >= 0)
		r = bus_message_seal(m, ++c->serial);
	if (r >= 0)
		r = bus_socket_greet(&c->socket, m, deadline);
	if (r >= 0)
		r = await(c, m->serial, deadline, &error, &reply);
	if (r < 0)
		return error_to_errno(error.name, r);
	if (bus_message_read(reply, "s", &name) <= 0)
		return -EBADMSG;
	c->name = strdup(name);
	return c->name ? 0 : -ENOMEM;
}

int bus_connection_open(const char *addresses, struct bus_connection **ret) {
	_cleanup_(closep) struct bus_connection *c = NULL;
	int fd, r;

	r = bus_address_connect(addresses, &fd);
	if (r >= 0)
		r = new_connection(fd, &c);
	if (r >= 0)
		r = hello(c, after(GREETING_USEC));
	if (r < 0)
		return r;
	*ret = take_pointer(c);
	return 0;
}

int bus_connection_adopt(int fd, struct bus_connection **ret) {
	_cleanup_(closep) struct bus_connection *c = NULL;
	int r = new_connection(fd, &c);

	if (r >= 0)
		r = bus_socket_greet(&c->socket, NULL, after(GREETING_USEC));
	if (r < 0)
		return r;
	*ret = take_pointer(c);
	return 0;
}

const char *bus_connection_name(const struct bus_connection *c) {
	return c->name;
}

int bus_connection_fd(const struct bus_connection *c) {
	return c->socket.fd < 0 ? -ENOTCONN : c->socket.fd;
}

/* ---- what has come ---- */

/* Nothing more comes. Whoever waits is told so when he has heard what came before. */
static int lose(struct bus_connection *c, int error) {
	bus_socket_done(&c->socket);
	return error == -EBADMSG || error == -ENOMEM ? error : -ECONNRESET;
}

/* A copy of the connection in another process would take what is not its own. */
static int check(const struct bus_connection *c) {
	if (c->process != getpid())
		return -ECHILD;
	return c->socket.fd < 0 ? -ENOTCONN : 0;
}

/* The next message, without sleeping. */
static int take(struct bus_connection *c, struct bus_message **ret) {
	int r = check(c);

	if (r < 0)
		return r;
	do
		r = bus_socket_take(&c->socket, ret);
	while (r == 0 && (r = bus_socket_receive(&c->socket)) > 0);
	return r < 0 ? lose(c, r) : r;
}

/* What nobody waits for now is heard when it is processed. */
static void put_aside(struct bus_connection *c, struct bus_message *m) {
	*c->last = m;
	c->last = &m->next;
}

static struct bus_message *take_aside(struct bus_connection *c) {
	struct bus_message *m = c->first;

	if (!m)
		return NULL;
	c->first = m->next;
	if (!c->first)
		c->last = &c->first;
	return m;
}

static bool is_answer(const struct bus_message *m, uint32_t serial) {
	return (m->kind == BUS_RETURN || m->kind == BUS_ERROR) && m->reply_serial == serial;
}

static int await(struct bus_connection *c, uint32_t serial, uint64_t deadline,
		 struct bus_error *error, struct bus_message **ret_reply) {
	struct bus_message *m;
	int r;

	for (;;) {
		r = take(c, &m);
		if (r < 0)
			return r;
		if (r > 0 && is_answer(m, serial))
			break;
		if (r > 0)
			put_aside(c, m);
		else {
			r = bus_socket_wait(&c->socket, deadline);
			if (r < 0)
				return r;
		}
	}
	if (m->kind == BUS_RETURN) {
		*ret_reply = m;
		return 0;
	}
	bus_error_read(m, error);
	bus_message_free(m);
	return -EIO;
}

void bus_error_read(struct bus_message *m, struct bus_error *ret) {
	const char *text;

	ret->name = strdup(m->error_name);
	ret->message = bus_message_read(m, "s", &text) > 0 ? strdup(text) : NULL;
}

/* ---- calls ---- */

static int send_message(struct bus_connection *c, struct bus_message *m, uint64_t deadline) {
	int r;

	r = check(c);
	if (r < 0)
		return r;
	if (++c->serial == 0)
		c->serial = 1;
	r = bus_message_seal(m, c->serial);
	if (r < 0)
		return r;
	r = bus_socket_send(&c->socket, m, deadline);
	return r == -ECONNRESET ? lose(c, r) : r;
}

int bus_connection_call(struct bus_connection *c, struct bus_message *m, uint64_t usec,
			struct bus_error *error, struct bus_message **ret_reply) {
	uint64_t deadline = after(usec);
	int r = send_message(c, m, deadline);

	return r < 0 ? r : await(c, m->serial, deadline, error, ret_reply);
}

int bus_connection_ask(struct bus_connection *c, const char *destination, const char *path,
		       const char *interface, const char *member, struct bus_error *error,
		       struct bus_message **ret_reply, const char *types, ...) {
	_cleanup_(bus_message_freep) struct bus_message *m = NULL;
	va_list arguments;
	int r = bus_message_new_call(destination, path, interface, member, &m);

	if (r < 0)
		return r;
	va_start(arguments, types);
	r = bus_message_append_list(m, types, arguments);
	va_end(arguments);
	return r < 0 ? r : bus_connection_call(c, m, ANSWER_USEC, error, ret_reply);
}

int bus_connection_ask_bus(struct bus_connection *c, const char *method, const char *name,
			   struct bus_message **ret_reply) {
	_cleanup_(bus_error_done) struct bus_error error = { 0 };

	return bus_connection_ask(c, DRIVER, DRIVER_PATH, DRIVER, method, &error, ret_reply, "s",
				  name);
}

/* ---- who hears what ---- */

static struct bus_slot *new_slot(struct bus_connection *c, bus_hear hear, void *userdata) {
	struct bus_slot *slot = calloc(1, sizeof *slot);

	if (!slot)
		return NULL;
	*slot = (struct bus_slot){ c, c->slots, .hear = hear, .userdata = userdata };
	c->slots = slot;
	return slot;
}

int bus_connection_begin(struct bus_connection *c, struct bus_message *m, bus_hear hear,
			 void *userdata, struct bus_slot **ret) {
	struct bus_slot *slot = new_slot(c, hear, userdata);
	int r = slot ? send_message(c, m, after(ANSWER_USEC)) : -ENOMEM;

	if (r < 0) {
		bus_slot_free(slot);
		return r;
	}
	slot->serial = m->serial;
	*ret = slot;
	return 0;
}

/* Tells the bus that signals are wanted, or not any more. What it says to that is of no use. */
static int tell_bus(const struct bus_slot *slot, const char *method) {
	_cleanup_(bus_message_freep) struct bus_message *m = NULL;
	_cleanup_free_ char *rule = NULL;
	int r;

	if (!slot->connection->name)
		return 0;
	if (asprintf(&rule, "type='signal',path='%s',interface='%s'%s%s%s", slot->path,
		     slot->interface, slot->member ? ",member='" : "",
		     slot->member ? slot->member : "", slot->member ? "'" : "") < 0)
		return -ENOMEM;
	r = bus_message_new_call(DRIVER, DRIVER_PATH, DRIVER, method, &m);
	if (r < 0)
		return r;
	m->flags = BUS_NO_REPLY;
	r = bus_message_append_basic(m, 's', rule);
	return r < 0 ? r : send_message(slot->connection, m, after(ANSWER_USEC));
}

int bus_connection_match(struct bus_connection *c, const char *path, const char *interface,
			 const char *member, bus_hear hear, void *userdata, struct bus_slot **ret) {
	struct bus_slot *slot = new_slot(c, hear, userdata);
	int r;

	if (!slot)
		return -ENOMEM;
	slot->path = path;
	slot->interface = interface;
	slot->member = member;
	r = tell_bus(slot, "AddMatch");
	if (r < 0) {
		slot->path = NULL;
		bus_slot_free(slot);
		return r;
	}
	*ret = slot;
	return 0;
}

struct bus_slot *bus_slot_free(struct bus_slot *slot) {
	struct bus_slot **place;

	if (!slot)
		return NULL;
	if (slot->connection && slot->path)
		(void)tell_bus(slot, "RemoveMatch");
	if (slot->connection) {
		for (place = &slot->connection->slots; *place != slot; place = &(*place)->next)
			;
		*place = slot->next;
	}
	free(slot);
	return NULL;
}

static bool is_wanted(const struct bus_slot *slot, const struct bus_message *m) {
	if (slot->serial > 0)
		return is_answer(m, slot->serial);
	return slot->path && m->kind == BUS_SIGNAL && strcmp(slot->path, m->path) == 0 &&
	       strcmp(slot->interface, m->interface) == 0 &&
	       (!slot->member || strcmp(slot->member, m->member) == 0);
}

static void refuse(struct bus_connection *c, const struct bus_message *call) {
	_cleanup_(bus_message_freep) struct bus_message *m = NULL;

	if (call->flags & BUS_NO_REPLY || bus_message_new_refusal(call, &m) < 0)
		return;
	(void)send_message(c, m, after(ANSWER_USEC));
}

/* Each reads the message from its beginning. */
static void dispatch(struct bus_connection *c, struct bus_message *m) {
	struct bus_slot *slot;

	for (slot = c->slots; slot; slot = slot->next) {
		if (!is_wanted(slot, m))
			continue;
		bus_message_rewind(m);
		slot->serial = 0;
		slot->hear(m, slot->userdata);
	}
	if (m->kind == BUS_CALL)
		refuse(c, m);
}

/* Nobody answers any more. */
static void dispatch_end(struct bus_connection *c) {
	struct bus_slot *slot;

	for (slot = c->slots; slot; slot = slot->next) {
		if (slot->serial == 0)
			continue;
		slot->serial = 0;
		slot->hear(NULL, slot->userdata);
	}
}

int bus_connection_process(struct bus_connection *c) {
	_cleanup_(bus_message_freep) struct bus_message *m = take_aside(c);
	int r = m ? 1 : take(c, &m);

	if (r > 0)
		dispatch(c, m);
	else if (r < 0 && r != -ECHILD)
		dispatch_end(c);
	return r;
}
