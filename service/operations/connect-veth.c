/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ConnectVeth: a pair of interfaces, one in a place's network namespace, the other in another one
 * or at a bridge of the machine's. */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "entry.h"
#include "job.h"
#include "link.h"
#include "operations.h"
#include "ownership.h"

/* So many of a user's there may be at bridges. */
enum { AT_BRIDGES_MAX = 64 };

static bool has_peer(const Usher__ConnectVethRequest *m) {
	return m->has_peer_as_fd || m->peer_as_object;
}

static int connect_veth_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__ConnectVethRequest *m = (const void *)message;
	int r = link_name_check("name", m->name, refusal);

	if (r == 0 && !!m->bridge == has_peer(m))
		return refusal_note(refusal, REFUSED_INVALID,
				    "bridge: either a bridge or a peer must be given");
	if (r == 0 && m->bridge && (m->peer_name || m->n_peer_addresses > 0))
		return refusal_note(refusal, REFUSED_INVALID,
				    "%s: the end at a bridge has none of one's own",
				    m->peer_name ? "peer_name" : "peer_addresses");
	if (r == 0 && m->bridge)
		r = link_name_check("bridge", m->bridge, refusal);
	if (r == 0 && m->peer_name)
		r = link_name_check("peer_name", m->peer_name, refusal);
	if (r == 0)
		r = link_addresses_check("addresses", m->addresses, m->n_addresses, refusal);
	if (r == 0)
		r = link_addresses_check("peer_addresses", m->peer_addresses, m->n_peer_addresses,
					 refusal);
	return r;
}

static int connect_veth_resolve(struct job *job) {
	const Usher__ConnectVethRequest *m = (const void *)job->request;
	char peer[64];
	int r;

	if (!place_owns_network(&job->place))
		job_require(job, TIER_ADMIN);
	if (m->bridge)
		job_require(job, TIER_OWN);
	else if (job->peer.foreign || !place_owns_network(&job->peer))
		job_require(job, TIER_ADMIN);
	(void)snprintf(peer, sizeof peer, "process %d (%s)", job->peer.pid, job->peer.name);
	r = job_detail(job, "name", m->name);
	return r == 0 ? job_detail(job, "peer", m->bridge ?: peer) : r;
}

/* The two ends, and who talks to the kernel where each is. */
struct pair {
	struct exchange here, there;
	int namespace; /* where the other is */
	char name[LINK_NAME_MAX];
};

static int open_ends(struct job *job, struct pair *pair) {
	const Usher__ConnectVethRequest *m = (const void *)job->request;
	int home = openat(job->place.proc, "self/ns/net", O_RDONLY | O_CLOEXEC), r = 0;

	if (home < 0)
		return -errno;
	pair->namespace = m->bridge ? home : job->peer.net.fd;
	if (!m->bridge)
		r = place_join_network(&job->peer);
	if (r == 0)
		r = link_open(&pair->there);
	if (r == 0 && job->place.net.host)
		r = setns(home, CLONE_NEWNET) < 0 ? -errno : 0;
	else if (r == 0)
		r = place_join_network(&job->place);
	return r == 0 ? link_open(&pair->here) : r;
}

/* At a bridge, the first of the names that the user may have there. */
static int make_pair(struct job *job, struct pair *pair) {
	const Usher__ConnectVethRequest *m = (const void *)job->request;
	int r = -EEXIST;

	if (!m->bridge) {
		(void)snprintf(pair->name, sizeof pair->name, "%s", m->peer_name ?: m->name);
		return link_add_pair(&pair->here, m->name, pair->name, pair->namespace);
	}
	for (unsigned i = 0; r == -EEXIST && i < AT_BRIDGES_MAX; i++) {
		(void)snprintf(pair->name, sizeof pair->name, "us%x-%u", job->place.uid, i);
		r = link_add_pair(&pair->here, m->name, pair->name, pair->namespace);
	}
	return r;
}

static int furnish(struct job *job, struct pair *pair) {
	const Usher__ConnectVethRequest *m = (const void *)job->request;
	int r = 0;

	if (m->bridge) {
		r = link_join_bridge(&pair->there, pair->name, m->bridge);
		if (r == -ENODEV)
			return refusal_note(&job->refusal, REFUSED_NOT_FOUND,
					    "bridge: there is no '%s'", m->bridge);
		if (r < 0)
			return refusal_note(&job->refusal, r, "bridge: '%s' takes no interface",
					    m->bridge);
	}
	r = link_raise(&pair->there, pair->name);
	if (r == 0)
		r = link_add_addresses(&pair->here, m->name, m->addresses, m->n_addresses);
	if (r < 0)
		return refusal_note(&job->refusal, r, "addresses: the kernel refuses them");
	r = link_add_addresses(&pair->there, pair->name, m->peer_addresses, m->n_peer_addresses);
	return r < 0 ? refusal_note(&job->refusal, r, "peer_addresses: the kernel refuses them")
		     : 0;
}

static int connect_veth_run(struct job *job) {
	Usher__ConnectVethReply *reply = (Usher__ConnectVethReply *)job->reply;
	const Usher__ConnectVethRequest *m = (const void *)job->request;
	struct pair pair = { .here.fd = -1, .there.fd = -1 };
	int r = open_ends(job, &pair);

	if (r < 0)
		return refusal_note(&job->refusal, r, "in: its network cannot be entered");
	job_commit(); /* a pair without addresses would be left */
	r = make_pair(job, &pair);
	if (r == -EEXIST)
		return refusal_note(&job->refusal, REFUSED_BUSY,
				    m->bridge ? "name: there is an interface '%s', or there are %d "
						"of yours at bridges"
					      : "name: there is an interface '%s' already",
				    m->name, AT_BRIDGES_MAX);
	if (r < 0)
		return refusal_note(&job->refusal, r, "name: the kernel makes no pair '%s'",
				    m->name);
	r = furnish(job, &pair);
	if (r == 0) {
		reply->peer_name = strdup(pair.name);
		r = reply->peer_name ? 0 : -ENOMEM;
	}
	if (r != 0)
		(void)link_remove(&pair.here, m->name);
	return r;
}

const struct operation operation_connect_veth = {
	.interface = "Namespaces",
	.method = "ConnectVeth",
	.actions = { [TIER_OWN] = "connect-veth-own", [TIER_ADMIN] = "connect-veth" },
	.request = &usher__connect_veth_request__descriptor,
	.reply = &usher__connect_veth_reply__descriptor,
	.capabilities = CAP(CAP_SYS_ADMIN) | CAP(CAP_NET_ADMIN),
	.syscalls = SYSCALLS(EXCHANGE_SYSCALLS, SYS_ioctl, SYS_setns),
	.connects = true,
	.check = connect_veth_check,
	.resolve = connect_veth_resolve,
	.run = connect_veth_run,
};
