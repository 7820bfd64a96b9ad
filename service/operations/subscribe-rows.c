/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Subscribe and OpenMonitor: changes of the kernel's tables of the network, for a listener to tell.
 * The child finds out which namespace that is, what leads there, and whether the caller may be
 * told; it hears of no change. */

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "handover.h"
#include "job.h"
#include "lifetime.h"
#include "message.h"
#include "netlink/monitored.h"
#include "netns.h"
#include "operations.h"
#include "pidfd.h"

/* The requests of both are the same, field by field. */
typedef Usher__SubscribeRowsRequest request_type;

#define SAME_PLACE(field)                                                  \
	_Static_assert(offsetof(Usher__SubscribeRowsRequest, field) ==     \
			       offsetof(Usher__OpenMonitorRequest, field), \
		       "Subscribe and OpenMonitor have other requests")

SAME_PLACE(types);
SAME_PLACE(fields);
SAME_PLACE(lifetime);
SAME_PLACE(snapshot);
SAME_PLACE(filter);
_Static_assert(sizeof(Usher__SubscribeRowsRequest) == sizeof(Usher__OpenMonitorRequest),
	       "Subscribe and OpenMonitor have other requests");

/* Of a large row there is a packet that is larger than the kernel would take without being told. */
enum { SENDING = 1024 * 1024 };

/* ---- the words ---- */

/* What is wanted, borrowed from the request. */
static Usher__NetlinkSelection selection_of(const request_type *m) {
	Usher__NetlinkSelection selection = USHER__NETLINK_SELECTION__INIT;

	selection.types = m->types;
	selection.n_types = m->n_types;
	selection.fields = m->fields;
	selection.n_fields = m->n_fields;
	selection.filter = m->filter;
	return selection;
}

static int subscribe_rows_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const request_type *m = (const void *)message;
	const Usher__NetlinkSelection wanted = selection_of(m);
	struct selection *selection = NULL;
	int r = monitored_select(&wanted, refusal, &selection);

	selection_free(selection);
	if (r == 0)
		r = netns_check(message, refusal);
	return r == 0 ? lifetime_check(m->lifetime, refusal) : r;
}

/* ---- what they mean ---- */

static int subscribe_rows_resolve(struct job *job) {
	struct netns *netns = job->state;
	int r = netns_resolve(job, netns);

	if (r == 0)
		(void)netns_judge(job, netns);
	return r;
}

/* ---- the monitor ---- */

/* systemd keeps one copy of a descriptor, whatever its names; each monitor has its own. */
static int give_namespace(struct job *job, const struct netns *netns, struct stat *ret) {
	_cleanup_close_ int fd = -1;
	char path[32];

	(void)snprintf(path, sizeof path, "self/fd/%d", netns->fd);
	fd = openat(job->place.proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, ret) < 0)
		return -errno;
	return handover_descriptor(job, "namespace_fd", fd_take(&fd));
}

/* A process of which there is a descriptor: another one of the same. */
static int open_process(pid_t pid, int pidfd) {
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		return -errno;
	return pidfd_is_over(pidfd) ? -ESRCH : fd_take(&fd);
}

/* What leads to the namespace: a name, or the process that was named; to one that was given by its
 * descriptor, its giver. Nothing has to lead to the one in which all of us are. */
static int give_holder(struct job *job, struct netns *netns) {
	bool by_process = netns->holder >= 0 && job->in >= 0;
	int fd;

	if (netns->name)
		return handover_descriptor(job, "holder_fd", fd_take(&netns->holder));
	if (job->network < 0 && job->place.net.host)
		return 0;
	fd = by_process ? open_process(job->place.pid, job->in)
			: open_process(job->place.caller, job->caller);
	return fd < 0 ? fd : handover_descriptor(job, "holder_fd", fd);
}

static int describe(const struct job *job, const struct netns *netns, const struct stat *namespace,
		    Usher__NetlinkMonitorObject *made) {
	const request_type *m = (const void *)job->request;
	const Usher__NetlinkSelection wanted = selection_of(m);
	bool stays = m->lifetime && !lifetime_is_connection(m->lifetime);
	int r = 0;

	made->has_owner = made->has_delivered = made->has_lost = made->has_namespace_ = true;
	made->owner = job->place.uid;
	made->namespace_ = namespace->st_ino;
	made->has_snapshot = true;
	made->snapshot = !m->has_snapshot || m->snapshot;
	made->lifetime = strdup(stays ? "manual" : "connection");
	made->selection = (Usher__NetlinkSelection *)message_copy(&wanted.base);
	if (netns->name)
		made->holder_name = strdup(netns->name);
	if (!made->lifetime || !made->selection || (netns->name && !made->holder_name))
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < m->n_types; i++)
		r = message_append_string(&made->types, &made->n_types, m->types[i]);
	return r;
}

static int monitor_run(struct job *job, Usher__NetlinkMonitorObject **ret) {
	struct netns *netns = job->state;
	struct stat namespace = { 0 };
	int r = give_namespace(job, netns, &namespace);

	*ret = (Usher__NetlinkMonitorObject *)message_new(
		&usher__netlink_monitor_object__descriptor);
	if (r == 0)
		r = *ret ? describe(job, netns, &namespace, *ret) : -ENOMEM;
	if (r == 0)
		r = give_holder(job, netns);
	netns_done(netns);
	return r;
}

static int subscribe_rows_run(struct job *job) {
	Usher__SubscribeRowsReply *reply = (Usher__SubscribeRowsReply *)job->reply;
	int r = monitor_run(job, &reply->made);

	reply->monitor_object = strdup("");
	return r == 0 && !reply->monitor_object ? -ENOMEM : r;
}

static int open_monitor_run(struct job *job) {
	Usher__OpenMonitorReply *reply = (Usher__OpenMonitorReply *)job->reply;
	int r = monitor_run(job, &reply->made);

	reply->monitor_object = strdup("");
	if (r == 0 && !reply->monitor_object)
		r = -ENOMEM;
	if (r == 0)
		r = handover_stream(job, SENDING);
	return r;
}

const struct operation operation_subscribe_rows = {
	.interface = "Netlink",
	.method = "Subscribe",
	.actions = { [TIER_ADMIN] = "monitor-netlink" },
	.request = &usher__subscribe_rows_request__descriptor,
	.reply = &usher__subscribe_rows_reply__descriptor,
	.syscalls = SYSCALLS(SYS_ioctl, SYS_pidfd_open, SYS_poll),
	.connects = true,
	.check = subscribe_rows_check,
	.prepare = netns_begin,
	.resolve = subscribe_rows_resolve,
	.run = subscribe_rows_run,
};

const struct operation operation_open_monitor = {
	.interface = "Netlink",
	.method = "OpenMonitor",
	.actions = { [TIER_ADMIN] = "monitor-netlink" },
	.request = &usher__open_monitor_request__descriptor,
	.reply = &usher__open_monitor_reply__descriptor,
	.syscalls = SYSCALLS(SYS_ioctl, SYS_pidfd_open, SYS_poll, SYS_socketpair, SYS_shutdown,
			     SYS_setsockopt),
	.connects = true,
	.check = subscribe_rows_check,
	.prepare = netns_begin,
	.resolve = subscribe_rows_resolve,
	.run = open_monitor_run,
};
