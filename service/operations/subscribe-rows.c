/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Subscribe and OpenMonitor: changes of the kernel's tables of the network. */

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "job.h"
#include "netns.h"
#include "operations.h"

static int subscribe_rows_prepare(struct job *job, const char *libexec) {
	struct netns *netns = malloc(sizeof *netns);

	job->state = netns;
	if (!netns)
		return -ENOMEM;
	*netns = (struct netns)NETNS_NONE;
	return netns_prepare(job, netns);
}

static int subscribe_rows_resolve(struct job *job) {
	struct netns *netns = job->state;
	int r = netns_resolve(job, netns);

	if (r == 0 && !netns->own)
		job_require_admin(job, "in: the network is not the caller's own");
	return r;
}

static int subscribe_rows_run(struct job *job) {
	netns_done(job->state);
	return REFUSED_UNSUPPORTED;
}

const struct operation operation_subscribe_rows = {
	.interface = "Netlink",
	.method = "Subscribe",
	.actions = { [TIER_ADMIN] = "monitor-netlink" },
	.request = &usher__subscribe_rows_request__descriptor,
	.reply = &usher__subscribe_rows_reply__descriptor,
	.syscalls = SYSCALLS(SYS_ioctl),
	.connects = true,
	.check = netns_check,
	.prepare = subscribe_rows_prepare,
	.resolve = subscribe_rows_resolve,
	.run = subscribe_rows_run,
};

const struct operation operation_open_monitor = {
	.interface = "Netlink",
	.method = "OpenMonitor",
	.actions = { [TIER_ADMIN] = "monitor-netlink" },
	.request = &usher__open_monitor_request__descriptor,
	.reply = &usher__open_monitor_reply__descriptor,
	.syscalls = SYSCALLS(SYS_ioctl),
	.connects = true,
	.check = netns_check,
	.prepare = subscribe_rows_prepare,
	.resolve = subscribe_rows_resolve,
	.run = subscribe_rows_run,
};
