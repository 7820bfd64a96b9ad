/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* OpenSocket: a netlink socket in a network of the caller's own, or that it is in. */

#include <errno.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "confine.h"
#include "fd.h"
#include "job.h"
#include "netns.h"
#include "operations.h"

/* Those of the network. */
static const struct {
	const char *word;
	int number;
} protocols[] = {
	{ "route", NETLINK_ROUTE },         { "generic", NETLINK_GENERIC },
	{ "sock-diag", NETLINK_SOCK_DIAG }, { "netfilter", NETLINK_NETFILTER },
	{ "xfrm", NETLINK_XFRM },           { "uevent", NETLINK_KOBJECT_UEVENT },
};

static int protocol_of(const char *word) {
	for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
		if (strcmp(protocols[i].word, word) == 0)
			return protocols[i].number;
	return -1;
}

static int open_socket_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__OpenSocketRequest *m = (const void *)message;

	if (protocol_of(m->protocol) < 0)
		return refusal_note(refusal, REFUSED_INVALID,
				    "protocol: '%.64s' is none of route generic sock-diag "
				    "netfilter xfrm uevent",
				    m->protocol);
	return netns_check(message, refusal);
}

static int open_socket_resolve(struct job *job) {
	const Usher__OpenSocketRequest *m = (const void *)job->request;
	struct netns *netns = job->state;
	int r = netns_resolve(job, netns);

	if (r != 0)
		return r;
	(void)netns_judge(job, netns);
	return job_detail(job, "protocol", m->protocol);
}

/* The kernel asks with what rights a socket was opened, so that nobody can have a more powerful
 * program write to it. But in a network of the caller's own, where it has all rights, it has none.
 */
static int open_socket_run(struct job *job) {
	const Usher__OpenSocketRequest *m = (const void *)job->request;
	Usher__OpenSocketReply *reply = (Usher__OpenSocketReply *)job->reply;
	struct netns *netns = job->state;
	int fd = -1, r = netns_join(job, netns);

	if (r == 0 && !netns->own)
		r = confine_lower(0);
	if (r < 0)
		return refusal_note(&job->refusal, r, "in: the network cannot be entered");
	netns_done(netns);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol_of(m->protocol));
	if (fd < 0)
		return refusal_note(&job->refusal,
				    errno == EPROTONOSUPPORT ? REFUSED_UNSUPPORTED : -errno,
				    "protocol: this kernel has no '%s'", m->protocol);
	r = fds_add(&job->reply_fds, fd);
	if (r < 0)
		return r;
	reply->socket_fd = (uint32_t)r;
	return 0;
}

const struct operation operation_open_socket = {
	.interface = "Netlink",
	.method = "OpenSocket",
	.actions = { [TIER_ADMIN] = "open-netlink" },
	.request = &usher__open_socket_request__descriptor,
	.reply = &usher__open_socket_reply__descriptor,
	.capabilities = CAP(CAP_SYS_ADMIN),
	.syscalls = SYSCALLS(SYS_ioctl, SYS_setns, SYS_socket),
	.connects = true,
	.check = open_socket_check,
	.prepare = netns_begin,
	.resolve = open_socket_resolve,
	.run = open_socket_run,
};
