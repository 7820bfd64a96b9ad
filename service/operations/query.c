/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Query and Open: rows of the kernel's tables of the network. The child finds out whether the
 * caller may be told of a namespace where it is not itself, or what not everybody is told there; it
 * tells the broker which namespace that is, and the reader (usher-netlink) tells the rows. */

#include <sys/syscall.h>

#include "fd.h"
#include "job.h"
#include "message.h"
#include "netns.h"
#include "operations.h"
#include "query-words.h"

static int query_resolve(struct job *job) {
	const char *type = message_string(job->request, "type");
	struct netns *netns = job->state;
	int r = netns_resolve(job, netns);

	if (r != 0)
		return r;
	if (netns_judge(job, netns) && !netns->own && query_words_are_privileged(job->request))
		job_require_admin(job, "type, fields: only who has CAP_NET_ADMIN there is told");
	return job_detail(job, "type", type);
}

/* Whoever has it, by whatever way, is told all that the kernel tells an administrator there. */
static int query_run(struct job *job) {
	struct netns *netns = job->state;
	int place = fds_add(&job->reply_fds, fd_take(&netns->fd));

	if (place < 0)
		return place;
	message_set_number(job->reply, "namespace_fd", (uint64_t)place);
	message_set_number(job->reply, "rights", netns->own || job->needed == TIER_ADMIN);
	netns_done(netns);
	return 0;
}

const struct operation operation_query = {
	.interface = "Netlink",
	.method = "Query",
	.actions = { [TIER_ADMIN] = "query-netlink" },
	.request = &usher__query_request__descriptor,
	.reply = &usher__query_reply__descriptor,
	.syscalls = SYSCALLS(SYS_ioctl),
	.connects = true,
	.looks = true,
	.check = query_words_check,
	.prepare = netns_begin,
	.resolve = query_resolve,
	.run = query_run,
};

const struct operation operation_open_rows = {
	.interface = "Netlink",
	.method = "Open",
	.actions = { [TIER_ADMIN] = "query-netlink" },
	.request = &usher__open_rows_request__descriptor,
	.reply = &usher__open_rows_reply__descriptor,
	.syscalls = SYSCALLS(SYS_ioctl),
	.connects = true,
	.looks = true,
	.check = query_words_check,
	.prepare = netns_begin,
	.resolve = query_resolve,
	.run = query_run,
};
