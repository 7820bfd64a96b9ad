/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* OpenSocket: a netlink socket in a network of the caller's own. */

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "job.h"
#include "netns.h"
#include "operations.h"

static int open_socket_prepare(struct job *job, const char *libexec) {
	struct netns *netns = malloc(sizeof *netns);

	job->state = netns;
	if (!netns)
		return -ENOMEM;
	*netns = (struct netns)NETNS_NONE;
	return netns_prepare(job, netns);
}

static int open_socket_resolve(struct job *job) {
	struct netns *netns = job->state;
	int r = netns_resolve(job, netns);

	if (r == 0 && !netns->own)
		job_require_admin(job, "in: the network is not the caller's own");
	return r;
}

static int open_socket_run(struct job *job) {
	netns_done(job->state);
	return REFUSED_UNSUPPORTED;
}

const struct operation operation_open_socket = {
	.interface = "Netlink",
	.method = "OpenSocket",
	.actions = { [TIER_ADMIN] = "open-netlink" },
	.request = &usher__open_socket_request__descriptor,
	.reply = &usher__open_socket_reply__descriptor,
	.syscalls = SYSCALLS(SYS_ioctl),
	.connects = true,
	.check = netns_check,
	.prepare = open_socket_prepare,
	.resolve = open_socket_resolve,
	.run = open_socket_run,
};
