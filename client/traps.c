/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.usher1.Signals: a process whose signals are told. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "signals.h"

#define SIGNALS "org.usher1.Signals"
#define TRAP    "org.usher1.SignalTrap"

/* One that has been told and not asked for yet. */
struct told {
	struct told *next;
	struct usher_received received;
};

struct usher_trap {
	struct usher *usher;
	char *object;
	int64_t pid;
	int pidfd;
	struct signals *signals;
	struct told *first, **last;
	struct usher_received child; /* the times of the one that is told of next */
	int error;                   /* 0, or why there is nothing more to come */
};

static int read_received(struct bus_message *m, struct usher_received *ret) {
	const char *signal;
	uint32_t pid, uid;

	if (bus_message_read(m, "suuiit", &signal, &pid, &uid, &ret->code, &ret->value,
			     &ret->usec) < 0)
		return -EBADMSG;
	ret->pid = pid;
	ret->uid = uid == UINT32_MAX ? -1 : (int64_t)uid;
	return snprintf(ret->signal, sizeof ret->signal, "%s", signal) < (int)sizeof ret->signal
		       ? 0
		       : -EBADMSG;
}

static int read_times(struct bus_message *m, struct usher_received *ret) {
	uint32_t pid;

	if (bus_message_read(m, "utt", &pid, &ret->user_usec, &ret->system_usec) < 0)
		return -EBADMSG;
	ret->pid = pid;
	ret->is_child = true;
	return 0;
}

/* Told of before. */
static void add_times(struct usher_trap *trap, struct usher_received *received) {
	if (trap->child.is_child && trap->child.pid == received->pid) {
		received->is_child = true;
		received->user_usec = trap->child.user_usec;
		received->system_usec = trap->child.system_usec;
	}
	trap->child.is_child = false;
}

static void hear(void *userdata, const char *member, struct bus_message *m) {
	struct usher_trap *trap = userdata;
	struct told *told;

	if (!member)
		trap->error = -ENOTCONN;
	if (!trap->error && strcmp(member, "ChildTimes") == 0)
		trap->error = read_times(m, &trap->child);
	if (trap->error || strcmp(member, "Received") != 0)
		return;
	told = calloc(1, sizeof *told);
	trap->error = told ? read_received(m, &told->received) : -ENOMEM;
	if (trap->error) {
		free(told);
		return;
	}
	add_times(trap, &told->received);
	*trap->last = told;
	trap->last = &told->next;
}

static int read_answer(struct call *call, struct usher_trap *trap) {
	_cleanup_message_ struct bus_message *reply = NULL;
	uint32_t pid;
	int r = call_send(call, &reply);

	if (r >= 0)
		r = call_read_object(call, reply, &trap->object);
	if (r >= 0 && bus_message_read(reply, "u", &pid) < 0)
		r = call_not_understood(call);
	if (r < 0)
		return r;
	trap->pid = pid;
	return call_read_fd(call, reply, &trap->pidfd);
}

static void free_trap(struct usher_trap *trap) {
	signals_free(trap->signals);
	while (trap->first) {
		struct told *next = trap->first->next;

		free(trap->first);
		trap->first = next;
	}
	if (trap->pidfd >= 0)
		(void)close(trap->pidfd);
	free(trap->object);
	free(trap);
}

static void trap_done(struct usher_trap **trap) {
	if (*trap)
		free_trap(*trap);
}

int usher_trap_new(struct usher *usher, const char *const signals[],
		   const struct usher_options *options, struct usher_trap **ret) {
	_cleanup_call_ struct call call = call_begin(usher, SIGNALS, "Trap", options);
	_cleanup_(trap_done) struct usher_trap *trap = calloc(1, sizeof *trap);
	int r;

	if (!trap)
		return bus_fail(usher, -ENOMEM, "out of memory");
	trap->usher = usher;
	trap->pidfd = -1;
	trap->last = &trap->first;
	call_add_words(&call, "signals", signals);
	r = read_answer(&call, trap);
	if (r >= 0)
		r = signals_new(usher, trap->object, TRAP, hear, trap, &trap->signals);
	if (r < 0)
		return r;
	*ret = take_pointer(trap);
	return 0;
}

static bool take_told(struct usher_trap *trap, struct usher_received *ret) {
	struct told *told = trap->first;

	if (!told)
		return false;
	*ret = told->received;
	trap->first = told->next;
	if (!trap->first)
		trap->last = &trap->first;
	free(told);
	return true;
}

int usher_trap_next(struct usher_trap *trap, struct usher_received *ret) {
	int r;

	if (take_told(trap, ret))
		return 1;
	r = trap->error ? 0 : usher_process(trap->usher);
	if (take_told(trap, ret))
		return 1;
	if (r < 0 || !trap->error)
		return r < 0 ? r : 0;
	return bus_fail(trap->usher, trap->error,
			trap->error == -ENOTCONN ? "the trap has gone"
						 : "a signal could not be understood");
}

int64_t usher_trap_get_pid(const struct usher_trap *trap) {
	return trap->pid;
}

int usher_trap_get_pidfd(const struct usher_trap *trap) {
	return trap->pidfd;
}

const char *usher_trap_get_object(const struct usher_trap *trap) {
	return trap->object;
}

struct usher_trap *usher_trap_close(struct usher_trap *trap) {
	if (!trap)
		return NULL;
	if (!trap->error) {
		_cleanup_call_ struct call call =
			call_begin_on(trap->usher, trap->object, TRAP, "Close", NULL);

		(void)call_for_nothing(&call);
	}
	free_trap(trap);
	return NULL;
}
