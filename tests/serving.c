/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "serving.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "job.h"
#include "message.h"
#include "support.h"
#include "wire.h"

int self_pidfd(void) {
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	assert_true(fd >= 0);
	return fd;
}

void child_start(struct child *child, const char *libexec) {
	int pair[2];

	memset(child, 0, sizeof *child);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	(void)fflush(NULL);
	child->pid = fork();
	assert_true(child->pid >= 0);
	if (child->pid == 0) {
		(void)job_prepare(pair[1], pair[1]);
		job_serve(pair[1], libexec);
	}
	(void)close(pair[1]);
	child->socket = pair[0];
}

void child_forget(struct child *child) {
	if (child->said)
		usher__reply__free_unpacked(child->said, NULL);
	child->said = NULL;
	fds_done(&child->fds);
}

bool child_says(struct child *child) {
	struct pollfd poll_fd = { .fd = child->socket, .events = POLLIN };
	ProtobufCMessage *message = NULL;
	int r;

	child_forget(child);
	assert_int_equal(poll(&poll_fd, 1, 20000), 1);
	r = wire_receive(child->socket, &usher__reply__descriptor, &child->fds, &message);
	child->said = (Usher__Reply *)message;
	if (r != -ECONNRESET)
		assert_int_equal(r, 0);
	return r == 0;
}

void child_end(struct child *child) {
	child_forget(child);
	fd_closep(&child->socket);
	assert_int_equal(waitpid(child->pid, &child->status, 0), child->pid);
}

int serving_ahead = -1;
uint64_t serving_until = UINT64_MAX / 2;

void order_as(struct child *child, const char *name, const char *fields, struct fds *fds, uid_t uid,
	      uint64_t deadline, int caller) {
	_cleanup_(message_freep) ProtobufCMessage *request = request_of(name, fields);
	Usher__Order order = USHER__ORDER__INIT;
	int place = fds_add(fds, caller);

	assert_true(place >= 0);
	order.operation = (char *)(uintptr_t)name;
	order.request.len = protobuf_c_message_get_packed_size(request);
	order.request.data = malloc(order.request.len + 1);
	protobuf_c_message_pack(request, order.request.data);
	order.uid = uid;
	order.has_caller_fd = true;
	order.caller_fd = (uint32_t)place;
	order.deadline_usec = deadline;
	order.has_granted = serving_ahead >= 0;
	order.granted = (uint32_t)serving_ahead;
	order.has_granted_until = true;
	order.granted_until = serving_until;
	assert_int_equal(wire_send(child->socket, &order.base, fds), 0);
	free(order.request.data);
	fds_done(fds);
}

void order(struct child *child, const char *name, const char *fields) {
	struct fds fds = { 0 };

	order_as(child, name, fields, &fds, getuid(), 20000000, self_pidfd());
}

void grant(struct child *child, uint32_t tier) {
	Usher__Grant message = USHER__GRANT__INIT;

	message.tier = tier;
	assert_int_equal(wire_send(child->socket, &message.base, NULL), 0);
}

const char *detail(const struct child *child, const char *key) {
	const Usher__Finding *finding = child->said->finding;

	assert_non_null(finding);
	for (size_t i = 0; i < finding->n_details; i++)
		if (strcmp(finding->details[i]->key, key) == 0)
			return finding->details[i]->value;
	return "";
}

void assert_outcome(struct child *child, enum refusal_code code, const char *word) {
	assert_true(child_says(child));
	if (!child->said->outcome)
		fail_msg("it goes on");
	if (refusal_of(child->said->outcome->code) != code || child->said->outcome->code == 0 ||
	    !strstr(child->said->outcome->text ?: "", word))
		fail_msg("%d (%s): %s", child->said->outcome->code,
			 refusal_name(child->said->outcome->code), child->said->outcome->text);
	assert_false(child_says(child));
	child_end(child);
}

void assert_silence(struct child *child) {
	assert_false(child_says(child));
	child_end(child);
	assert_true(WIFEXITED(child->status));
	assert_int_not_equal(WEXITSTATUS(child->status), 0);
}
