/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Change: a row of the kernel's tables of the network is made, changed or removed. */

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "job.h"
#include "netns.h"
#include "operations.h"

static int change_prepare(struct job *job, const char *libexec) {
	struct netns *netns = malloc(sizeof *netns);

	job->state = netns;
	if (!netns)
		return -ENOMEM;
	*netns = (struct netns)NETNS_NONE;
	return netns_prepare(job, netns);
}

static int change_resolve(struct job *job) {
	struct netns *netns = job->state;
	int r = netns_resolve(job, netns);

	if (r == 0 && !netns->own)
		job_require_admin(job, "in: the network is not the caller's own");
	return r;
}

static int change_run(struct job *job) {
	netns_done(job->state);
	return REFUSED_UNSUPPORTED;
}

const struct operation operation_change = {
	.interface = "Netlink",
	.method = "Change",
	.actions = { [TIER_ADMIN] = "change-netlink" },
	.request = &usher__change_request__descriptor,
	.reply = &usher__change_reply__descriptor,
	.syscalls = SYSCALLS(SYS_ioctl),
	.connects = true,
	.check = netns_check,
	.prepare = change_prepare,
	.resolve = change_resolve,
	.run = change_run,
};
