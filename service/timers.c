/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "timers.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "call.h"
#include "instant.h"
#include "message.h"

/* How often at most a timer is told of; what goes off more often is counted. */
static const uint64_t pause_usec = 100000;

struct timer {
	struct object base;
	sd_event_source *io, *pause;
	uint64_t told_usec; /* when last, on the monotonic clock */
};

static Usher__TimerObject *message_of(const struct object *object) {
	return (Usher__TimerObject *)object->message;
}

/* The service's own of the two; the client's is for it alone to read. */
static int signalling_fd(const struct object *object) {
	return object->more[0];
}

/* ---- going off ---- */

static void tell(const struct object *object, const char *member, uint64_t count) {
	sd_bus_message *message = object_signal(object, member);

	if (message && (count == 0 || sd_bus_message_append(message, "t", count) >= 0))
		(void)sd_bus_send(NULL, message, NULL);
	sd_bus_message_unref(message);
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata) {
	struct timer *timer = userdata;

	return sd_event_source_set_io_events(timer->io, EPOLLIN);
}

static void pause_until(struct timer *timer, uint64_t usec) {
	sd_event *event = timer->base.objects->desk->event;

	timer->pause = sd_event_source_disable_unref(timer->pause);
	if (sd_event_source_set_io_events(timer->io, 0) >= 0 &&
	    sd_event_add_time(event, &timer->pause, CLOCK_MONOTONIC, usec, 1000, on_pause_over,
			      timer) < 0)
		(void)sd_event_source_set_io_events(timer->io, EPOLLIN);
}

static int on_elapsed(sd_event_source *source, int fd, uint32_t events, void *userdata) {
	struct timer *timer = userdata;
	uint64_t now = instant_usec(), count = 0;

	if (timer->told_usec && now < timer->told_usec + pause_usec) {
		pause_until(timer, timer->told_usec + pause_usec);
		return 0;
	}
	if (read(fd, &count, sizeof count) == sizeof count && count > 0)
		tell(&timer->base, "Elapsed", count);
	else if (errno == ECANCELED)
		tell(&timer->base, "Cancelled", 0);
	else
		return 0;
	timer->told_usec = now;
	return 0;
}

/* ---- as an object ---- */

static void note_interval(const struct object *object) {
	struct itimerspec when;

	if (timerfd_gettime(signalling_fd(object), &when) == 0)
		message_of(object)->intervalusec = (uint64_t)when.it_interval.tv_sec * 1000000 +
						   (uint64_t)when.it_interval.tv_nsec / 1000;
}

/* Nothing is left of a timer but its descriptors: without them it has gone. */
static int adopt(struct object *object, const ProtobufCMessage *request) {
	const Usher__TimerObject *m = message_of(object);

	if (!m->clock || !m->lifetime || object->fd < 0 || signalling_fd(object) < 0)
		return -EBADMSG;
	if (!request)
		note_interval(object); /* it may have been set anew since its message was kept */
	return 0;
}

static void begin(struct object *object) {
	struct timer *timer = (struct timer *)object;

	(void)sd_event_add_io(object->objects->desk->event, &timer->io, signalling_fd(object),
			      EPOLLIN, on_elapsed, timer);
}

static void done(struct object *object) {
	struct timer *timer = (struct timer *)object;

	timer->io = sd_event_source_disable_unref(timer->io);
	timer->pause = sd_event_source_disable_unref(timer->pause);
}

static int order(const struct object *object, ProtobufCMessage *request, struct fds *fds) {
	const Usher__TimerObject *m = message_of(object);
	int theirs = fds_add_copy(fds, object->fd),
	    ours = theirs < 0 ? theirs : fds_add_copy(fds, signalling_fd(object));

	if (ours < 0)
		return ours;
	message_set_number(request, "timerfd_fd", (uint32_t)theirs);
	message_set_number(request, "signalling_fd", (uint32_t)ours);
	message_set_number(request, "owner", object->owner);
	message_set_number(request, "slack_usec", m->slack_usec);
	message_set_number(request, "cancel_on_set", m->cancel_on_set);
	return message_set_string(request, "clock", m->clock);
}

static void changed(struct object *object) {
	char path[OBJECT_PATH_MAX];

	note_interval(object);
	object_path(object, path);
	(void)sd_bus_emit_properties_changed(object->objects->desk->bus, path, "org.usher1.Timer",
					     "IntervalUSec", NULL);
}

static void answer(struct object *object, struct call *call) {
	object_remove(object);
	call_answer(call, message_new(&usher__empty__descriptor), NULL);
}

const struct object_kind timer_kind = {
	.name = "timer",
	.interface = "Timer",
	.size = sizeof(struct timer),
	.message = &usher__timer_object__descriptor,
	.reply = &usher__create_timer_reply__descriptor,
	.fd = "timerfd_fd",
	.more = { "signalling_fd" },
	.lifetime = "lifetime",
	.limit = LIMIT_TIMERS,
	.adopt = adopt,
	.begin = begin,
	.end = object_remove,
	.done = done,
	.order = order,
	.changed = changed,
	.answer = answer,
};
