/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Change and Batch: rows of the kernel's tables of the network are made, changed or removed. */

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "fd.h"
#include "job.h"
#include "message.h"
#include "netlink/batch.h"
#include "netlink/tun.h"
#include "netns.h"
#include "operations.h"
#include "ownership.h"

enum {
	CHANGES_MAX = 256,
	TEXT_MAX = 4096, /* more nobody can be asked to agree with */
};

/* What is asked for; freed with free(). */
struct plan {
	struct netns netns;
	size_t n;
	struct change changes[];
};

/* ---- the words ---- */

static size_t count(const ProtobufCMessage *request) {
	return request->descriptor == &usher__batch_request__descriptor
		       ? ((const Usher__BatchRequest *)(const void *)request)->n_changes
		       : 1;
}

static int read_plan(const ProtobufCMessage *request, struct refusal *refusal, struct plan *plan) {
	const Usher__ChangeRequest *one = (const void *)request;
	const Usher__BatchRequest *many = (const void *)request;
	char prefix[24];
	int r = 0;

	if (request->descriptor == &usher__change_request__descriptor)
		return change_read("", one->action, one->type, one->row, refusal, plan->changes);
	for (size_t i = 0; r == 0 && i < plan->n; i++) {
		const Usher__NetlinkChange *change = many->changes[i];

		(void)snprintf(prefix, sizeof prefix, "changes[%u].", (unsigned)i);
		r = change_read(prefix, change->action, change->type, change->row, refusal,
				&plan->changes[i]);
	}
	return r == 0 ? batch_check(plan->changes, plan->n, refusal) : r;
}

static struct plan *new_plan(const ProtobufCMessage *request) {
	const size_t n = count(request);
	struct plan *plan = calloc(1, sizeof *plan + n * sizeof *plan->changes);

	if (plan) {
		plan->netns = (struct netns)NETNS_NONE;
		plan->n = n;
	}
	return plan;
}

static int change_check(const ProtobufCMessage *message, struct refusal *refusal) {
	_cleanup_free_ struct plan *plan = NULL;
	int r = netns_check(message, refusal);

	if (r == 0 && (count(message) == 0 || count(message) > CHANGES_MAX))
		return refusal_note(refusal, count(message) == 0 ? REFUSED_INVALID : REFUSED_LIMIT,
				    "changes: one to %d at once", CHANGES_MAX);
	if (r == 0) {
		plan = new_plan(message);
		r = plan ? read_plan(message, refusal, plan) : -ENOMEM;
	}
	return r;
}

/* ---- what they mean ---- */

static int change_prepare(struct job *job, const char *libexec) {
	struct plan *plan = new_plan(job->request);
	int r = plan ? read_plan(job->request, &job->refusal, plan) : -ENOMEM;

	job->state = plan;
	return r == 0 ? netns_prepare(job, &plan->netns) : r;
}

static char *describe(const struct plan *plan) {
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	for (size_t i = 0; to && i < plan->n; i++) {
		_cleanup_free_ char *words = change_describe(&plan->changes[i]);

		(void)fprintf(to, "%s%s", i > 0 ? "; " : "", words ?: "?");
	}
	if (to)
		(void)fclose(to);
	return text;
}

/* Who may not open the device of tunnels may not have one without being asked, wherever. */
static int check_tunnels(struct job *job, const struct plan *plan) {
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->n; i++)
		if (tun_is_meant(&plan->changes[i]))
			r = tun_check(&plan->changes[i], &job->refusal);
	if (r == -EACCES || r == -EPERM) {
		job_require_admin(job, "row: the caller may not open /dev/net/tun");
		r = 0;
	}
	return r;
}

/* Whoever is asked sees all of it. */
static int change_resolve(struct job *job) {
	const struct place *place = &job->place;
	struct plan *plan = job->state;
	_cleanup_free_ char *text = NULL;
	int r = netns_resolve(job, &plan->netns);

	if (r != 0)
		return r;
	if (!plan->netns.own)
		job_require_admin(job, "in: the network is not the caller's own");
	r = check_tunnels(job, plan);
	if (r != 0)
		return r;
	text = describe(plan);
	if (!text)
		return -ENOMEM;
	if (strlen(text) > TEXT_MAX && !plan->netns.own && !place_is_roots(place))
		return refusal_note(&job->refusal, REFUSED_LIMIT,
				    "%s: more than %d letters are too many to agree with",
				    plan->n > 1 ? "changes" : "row", TEXT_MAX);
	if (strlen(text) > TEXT_MAX)
		memcpy(text + TEXT_MAX - 3, "...", 4);
	return job_detail(job, "change", text);
}

/* ---- doing it ---- */

static int keep(struct job *job, const struct plan *plan, Usher__Row **rows) {
	if (job->operation->reply == &usher__change_reply__descriptor) {
		((Usher__ChangeReply *)(void *)job->reply)->row = *rows;
		free(rows);
	} else {
		((Usher__BatchReply *)(void *)job->reply)->rows = rows;
		((Usher__BatchReply *)(void *)job->reply)->n_rows = plan->n;
	}
	return 0;
}

static int change_run(struct job *job) {
	struct changing changing = CHANGING_NONE;
	struct plan *plan = job->state;
	Usher__Row **rows = calloc(plan->n, sizeof *rows);
	int r = netns_join(job, &plan->netns);

	if (r < 0)
		r = refusal_note(&job->refusal, r, "in: the network cannot be entered");
	if (r == 0 && !rows)
		r = -ENOMEM;
	if (r == 0)
		r = changing_begin(&changing, &job->fds, &job->refusal);
	job_commit(); /* some of it would be left */
	if (r == 0)
		r = batch_do(&changing, plan->changes, plan->n, rows);
	changing_end(&changing);
	netns_done(&plan->netns);
	if (r == 0)
		return keep(job, plan, rows);
	free(rows);
	return r;
}

#define CHANGE_SYSCALLS SYSCALLS(EXCHANGE_SYSCALLS, SYS_ioctl, SYS_setns)

const struct operation operation_change = {
	.interface = "Netlink",
	.method = "Change",
	.actions = { [TIER_ADMIN] = "change-netlink" },
	.request = &usher__change_request__descriptor,
	.reply = &usher__change_reply__descriptor,
	.capabilities = CAP(CAP_NET_ADMIN) | CAP(CAP_SYS_ADMIN),
	.syscalls = CHANGE_SYSCALLS,
	.connects = true,
	.check = change_check,
	.prepare = change_prepare,
	.resolve = change_resolve,
	.run = change_run,
};

const struct operation operation_batch = {
	.interface = "Netlink",
	.method = "Batch",
	.actions = { [TIER_ADMIN] = "change-netlink" },
	.request = &usher__batch_request__descriptor,
	.reply = &usher__batch_reply__descriptor,
	.capabilities = CAP(CAP_NET_ADMIN) | CAP(CAP_SYS_ADMIN),
	.syscalls = CHANGE_SYSCALLS,
	.connects = true,
	.check = change_check,
	.prepare = change_prepare,
	.resolve = change_resolve,
	.run = change_run,
};
