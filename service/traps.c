/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "traps.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "call.h"
#include "instant.h"
#include "message.h"
#include "wire.h"

/* So many signals of a trap are told in a while; the others wait, first in the keeper's socket and
 * then in the kernel, which lets nobody queue more than RLIMIT_SIGPENDING. */
enum { TOLD_MAX = 100 };

static const uint64_t while_usec = 100000;

struct trap {
	struct object base;
	sd_event_source *io, *pause;
	uint64_t began_usec;
	unsigned told; /* since then */
};

/* ---- what the keeper says ---- */

/* The keeper ends the process when it hears that nobody is there any more. */
static void end(struct object *object) {
	if (object->socket >= 0)
		(void)shutdown(object->socket, SHUT_RDWR);
	object_remove(object);
}

static void tell_times(const struct object *object, const Usher__Received *received) {
	sd_bus_message *message = object_signal(object, "ChildTimes");

	if (message && sd_bus_message_append(message, "utt", received->pid, received->user_usec,
					     received->system_usec) >= 0)
		(void)sd_bus_send(NULL, message, NULL);
	sd_bus_message_unref(message);
}

/* Of a child its times come first, so that whoever hears of it has them. */
static void tell(const struct object *object, const Usher__Received *received) {
	sd_bus_message *message = object_signal(object, "Received");

	if (received->has_user_usec)
		tell_times(object, received);
	if (message &&
	    sd_bus_message_append(message, "suuiit", received->signal, received->pid, received->uid,
				  received->code, received->value, received->usec) >= 0)
		(void)sd_bus_send(NULL, message, NULL);
	sd_bus_message_unref(message);
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata) {
	struct trap *trap = userdata;

	return sd_event_source_set_io_events(trap->io, EPOLLIN);
}

static void pause_until(struct trap *trap, uint64_t usec) {
	sd_event *event = trap->base.objects->desk->event;

	trap->pause = sd_event_source_disable_unref(trap->pause);
	if (sd_event_source_set_io_events(trap->io, 0) >= 0 &&
	    sd_event_add_time(event, &trap->pause, CLOCK_MONOTONIC, usec, 1000, on_pause_over,
			      trap) < 0)
		(void)sd_event_source_set_io_events(trap->io, EPOLLIN);
}

static void count(struct trap *trap) {
	uint64_t now = instant_usec();

	if (now - trap->began_usec >= while_usec) {
		trap->began_usec = now;
		trap->told = 0;
	}
	if (++trap->told >= TOLD_MAX)
		pause_until(trap, trap->began_usec + while_usec);
}

/* Told, and only then taken out of the socket. Of one that was being made when an earlier life of
 * the service ended, there is an outcome first. */
static void heed(struct trap *trap, const Usher__Reply *reply) {
	if (reply->received) {
		tell(&trap->base, reply->received);
		wire_skip(trap->base.socket);
		count(trap);
	} else if (reply->outcome && reply->outcome->code == 0)
		wire_skip(trap->base.socket);
	else
		end(&trap->base);
}

static int on_keeper(sd_event_source *source, int fd, uint32_t events, void *userdata) {
	struct trap *trap = userdata;
	ProtobufCMessage *message = NULL;
	int r = wire_peek(fd, &usher__reply__descriptor, &message);

	if (r == 0)
		heed(trap, (Usher__Reply *)message);
	else if (r != -EAGAIN)
		end(&trap->base);
	message_freep(&message);
	return 0;
}

/* ---- as an object ---- */

/* Without its keeper there is none. */
static int adopt(struct object *object, const ProtobufCMessage *request) {
	const Usher__SignalTrapObject *m = (const Usher__SignalTrapObject *)object->message;

	return m->has_pid && m->lifetime && object->socket >= 0 ? 0 : -EBADMSG;
}

static void begin(struct object *object) {
	struct trap *trap = (struct trap *)object;

	(void)sd_event_add_io(object->objects->desk->event, &trap->io, object->socket, EPOLLIN,
			      on_keeper, trap);
}

static void done(struct object *object) {
	struct trap *trap = (struct trap *)object;

	trap->io = sd_event_source_disable_unref(trap->io);
	trap->pause = sd_event_source_disable_unref(trap->pause);
}

static int order(const struct object *object, ProtobufCMessage *request, struct fds *fds) {
	return -EBADMSG; /* no method of its own is the worker's */
}

static void answer(struct object *object, struct call *call) {
	end(object);
	call_answer(call, message_new(&usher__empty__descriptor), NULL);
}

const struct object_kind trap_kind = {
	.name = "trap",
	.interface = "SignalTrap",
	.size = sizeof(struct trap),
	.message = &usher__signal_trap_object__descriptor,
	.reply = &usher__trap_reply__descriptor,
	.lifetime = "lifetime",
	.stays = true,
	.limit = LIMIT_TRAPS,
	.adopt = adopt,
	.begin = begin,
	.end = end,
	.done = done,
	.order = order,
	.answer = answer,
};
