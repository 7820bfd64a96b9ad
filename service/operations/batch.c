/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Batch: several changes of the network, all or none. */

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "job.h"
#include "netns.h"
#include "operations.h"

static int batch_prepare(struct job *job, const char *libexec) {
	struct netns *netns = malloc(sizeof *netns);

	job->state = netns;
	if (!netns)
		return -ENOMEM;
	*netns = (struct netns)NETNS_NONE;
	return netns_prepare(job, netns);
}

static int batch_resolve(struct job *job) {
	struct netns *netns = job->state;
	int r = netns_resolve(job, netns);

	if (r == 0 && !netns->own)
		job_require_admin(job, "in: the network is not the caller's own");
	return r;
}

static int batch_run(struct job *job) {
	netns_done(job->state);
	return REFUSED_UNSUPPORTED;
}

const struct operation operation_batch = {
	.interface = "Netlink",
	.method = "Batch",
	.actions = { [TIER_ADMIN] = "change-netlink" },
	.request = &usher__batch_request__descriptor,
	.reply = &usher__batch_reply__descriptor,
	.syscalls = SYSCALLS(SYS_ioctl),
	.connects = true,
	.check = netns_check,
	.prepare = batch_prepare,
	.resolve = batch_resolve,
	.run = batch_run,
};
