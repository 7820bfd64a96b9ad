/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "processes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "call.h"
#include "message.h"
#include "pidfd.h"
#include "reception.h"
#include "store.h"
#include "wire.h"

/* Of those that have ended so many of a user's are there to be asked for, and for so long; and so
 * long its status is waited for where no keeper tells it. */
enum { ENDED_MAX = 256, STATUS_UNKNOWN = -1 };

static const uint64_t stay_usec = 10 * UINT64_C(1000000), reaping_usec = 1000000;

static const char running[] = "running", exited[] = "exited";

struct process {
	struct object base;
	sd_event_source *io, *end, *timer; /* the keeper's socket, the pidfd */
};

static Usher__ProcessObject *message_of(const struct object *object) {
	return (Usher__ProcessObject *)object->message;
}

bool process_has_ended(const struct object *object) {
	return strcmp(message_of(object)->state, running) != 0;
}

ProtobufCMessage *process_result(const struct object *object) {
	const Usher__ProcessObject *m = message_of(object);
	Usher__WaitReply *reply = (Usher__WaitReply *)message_new(&usher__wait_reply__descriptor);

	if (!reply)
		return NULL;
	reply->state = strdup(m->state);
	reply->status = m->status;
	if (!reply->state)
		message_freep((ProtobufCMessage **)&reply);
	return &reply->base;
}

/* ---- its end ---- */

static void let_go(struct process *process) {
	process->io = sd_event_source_disable_unref(process->io);
	process->end = sd_event_source_disable_unref(process->end);
	process->timer = sd_event_source_disable_unref(process->timer);
	fd_closep(&process->base.socket);
	fd_closep(&process->base.fd);
}

static int on_stayed(sd_event_source *source, uint64_t usec, void *userdata) {
	object_remove(userdata);
	return 0;
}

/* The youngest come first. */
static void drop_oldest(const struct object *ended) {
	struct object *oldest = NULL;
	size_t n = 0;

	for (struct object *object = ended->objects->first; object; object = object->next)
		if (object->owner == ended->owner && process_has_ended(object)) {
			oldest = object;
			n++;
		}
	if (n > ENDED_MAX)
		object_remove(oldest);
}

static int start_timer(struct process *process, uint64_t usec, sd_event_time_handler_t handler) {
	process->timer = sd_event_source_disable_unref(process->timer);
	return sd_event_add_time_relative(process->base.objects->desk->event, &process->timer,
					  CLOCK_MONOTONIC, usec, 0, handler, process);
}

/* For whoever has not heard of it. */
static void stay_for_a_while(struct process *process) {
	struct object *object = &process->base;

	let_go(process);
	if (!object->saved)
		(void)object_save(object);
	object_let_go(object);
	if (object->orphan || start_timer(process, stay_usec, on_stayed) < 0)
		object_remove(object);
	else
		drop_oldest(object);
}

static void tell(const struct object *object) {
	const Usher__ProcessObject *m = message_of(object);
	sd_bus *bus = object->objects->desk->bus;
	char path[OBJECT_PATH_MAX];

	object_path(object, path);
	(void)sd_bus_emit_properties_changed(bus, path, "org.usher1.Process", "State", "Status",
					     NULL);
	(void)sd_bus_emit_signal(bus, path, "org.usher1.Process", "Exited", "si", m->state,
				 m->status);
}

static int note(struct object *object, const char *state, int status) {
	Usher__ProcessObject *m = message_of(object);
	int r = message_set_string(&m->base, "State", state);

	m->status = status;
	return r == 0 ? object_save(object) : r;
}

/* Written down, told, and only then taken out of the socket: whoever is killed in the middle, the
 * next one finds either that it has been told or that it has not. Who waits for it is told first.
 */
static void conclude(struct process *process, const char *state, int status) {
	struct object *object = &process->base;
	bool any;

	if (object->hidden) {
		object_remove(object); /* nobody has been told that it was there */
		return;
	}
	if (!process_has_ended(object))
		(void)note(object, state, status);
	any = reception_tell(object);
	tell(object);
	if (object->socket >= 0)
		wire_skip(object->socket);
	if (any)
		object_remove(object);
	else
		stay_for_a_while(process);
}

static void conclude_by_status(struct process *process, int status) {
	if (WIFSIGNALED(status))
		conclude(process, WCOREDUMP(status) ? "dumped" : "killed", WTERMSIG(status));
	else
		conclude(process, exited, WEXITSTATUS(status));
}

/* ---- where nobody is left who would tell ---- */

/* Later, since at a start of the service nobody who listens to it can hear it yet. */
static int on_not_reaped(sd_event_source *source, uint64_t usec, void *userdata) {
	conclude(userdata, exited, STATUS_UNKNOWN);
	return 0;
}

/* Its status is known when it has been reaped, which is the hangup. */
static int on_end(sd_event_source *source, int fd, uint32_t events, void *userdata) {
	struct process *process = userdata;
	int status;

	if (pidfd_status(fd, &status) == 0)
		conclude_by_status(process, status);
	else if (events & EPOLLHUP || process->base.hidden ||
		 sd_event_source_set_io_events(source, 0) < 0 ||
		 start_timer(process, reaping_usec, on_not_reaped) < 0)
		conclude(process, exited, STATUS_UNKNOWN);
	return 0;
}

static void watch_end(struct process *process) {
	if (!process->end && process->base.fd >= 0)
		(void)sd_event_add_io(process->base.objects->desk->event, &process->end,
				      process->base.fd, EPOLLIN, on_end, process);
}

/* ---- what the keeper says ---- */

static void lose_keeper(struct process *process) {
	process->io = sd_event_source_disable_unref(process->io);
	fd_closep(&process->base.socket);
	if (process_has_ended(&process->base)) {
		stay_for_a_while(process); /* and it has been told */
		return;
	}
	watch_end(process);
	if (process->base.orphan) /* it was left to one that had gone already */
		object_order_end(&process->base);
}

/* Of one that was being made when an earlier life of the service ended, there is an outcome first.
 */
static void heed(struct process *process, const Usher__Reply *reply) {
	if (reply->ended && *reply->ended->state)
		conclude(process, reply->ended->state, reply->ended->status);
	else if (reply->outcome && reply->outcome->code == 0)
		wire_skip(process->base.socket);
	else if (reply->outcome && pidfd_is_over(process->base.fd))
		object_remove(&process->base); /* it has never begun */
	else
		lose_keeper(process);
}

static int on_keeper(sd_event_source *source, int fd, uint32_t events, void *userdata) {
	struct process *process = userdata;
	ProtobufCMessage *message = NULL;
	int r = wire_peek(fd, &usher__reply__descriptor, &message);

	if (r == 0)
		heed(process, (Usher__Reply *)message);
	else if (r != -EAGAIN)
		lose_keeper(process);
	message_freep(&message);
	return 0;
}

/* ---- as an object ---- */

/* Where it was started only we know: the worker was given a descriptor. */
static int complete(Usher__ProcessObject *m, const ProtobufCMessage *request) {
	const char *namespace = request ? message_string(request, "namespace") : NULL;

	if (request)
		id_pool_pass_on(request, &m->base);
	m->has_status = true;
	if (m->namespace_as_object)
		return 0;
	return message_set_string(&m->base, "Namespace_as_object", namespace ?: "/");
}

static int adopt(struct object *object, const ProtobufCMessage *request) {
	Usher__ProcessObject *m = message_of(object);
	int r = m->has_pid && m->state && m->lifetime ? complete(m, request) : -EBADMSG;

	if (r == 0 && request && object->fd < 0)
		return -EBADMSG;
	if (r == 0 && object->fd < 0 && !process_has_ended(object))
		object->fd = pidfd_find((pid_t)m->pid, m->started);
	return r;
}

/* Has the last life of the service told it? What it had not is still in the socket. */
static void begin(struct object *object) {
	struct process *process = (struct process *)object;
	sd_event *event = object->objects->desk->event;

	if (object->socket >= 0 &&
	    sd_event_add_io(event, &process->io, object->socket, EPOLLIN, on_keeper, process) >= 0)
		return;
	if (process_has_ended(object))
		stay_for_a_while(process);
	else if (object->fd >= 0)
		watch_end(process);
	else
		(void)start_timer(process, 0, on_not_reaped);
}

/* The keeper of one that goes with its connection ends it, with all that came of it, when it hears
 * that nobody is there any more. What has not come to be goes with the child that makes it. */
static void end(struct object *object) {
	struct process *process = (struct process *)object;

	if (process_has_ended(object) || (object->hidden && pidfd_is_over(object->fd))) {
		object_remove(object);
		return;
	}
	if (object->hidden)
		watch_end(process);
	if (object->socket >= 0)
		(void)shutdown(object->socket, SHUT_WR);
	if (object->socket < 0 || !object_goes_with_connection(object))
		object_order_end(object);
}

static void mark(struct object *object) {
	Usher__ProcessObject *m = message_of(object);

	m->has_started =
		object->fd >= 0 && pidfd_started((pid_t)m->pid, object->fd, &m->started) == 0;
}

static void done(struct object *object) {
	let_go((struct process *)object);
}

static int order(const struct object *object, ProtobufCMessage *request, struct fds *fds) {
	const Usher__ProcessObject *m = message_of(object);
	int place;

	if (object->fd < 0)
		return -ESRCH;
	message_set_number(request, "owner", object->owner);
	message_set_number(request, "pid", m->pid);
	place = fds_add_copy(fds, object->fd);
	if (place < 0)
		return place;
	message_set_number(request, "process_fd", (uint32_t)place);
	/* of a caller's, the name is there */
	return message_string(request, "name") ? 0 : message_set_string(request, "name", "KILL");
}

static void answer(struct object *object, struct call *call) {
	if (!process_has_ended(object)) {
		reception_await(call, message_number(call->request, "deadline_usec", 0),
				"the process has not ended yet");
		return;
	}
	call_answer(call, process_result(object), NULL);
	object_remove(object);
}

const struct object_kind process_kind = {
	.name = "process",
	.interface = "Process",
	.size = sizeof(struct process),
	.message = &usher__process_object__descriptor,
	.reply = &usher__spawn_reply__descriptor,
	.fd = "pidfd_fd",
	.lifetime = "lifetime",
	.end_method = "Signal",
	.stays = true,
	.limit = LIMIT_PROCESSES,
	.adopt = adopt,
	.begin = begin,
	.end = end,
	.mark = mark,
	.done = done,
	.order = order,
	.answer = answer,
};
