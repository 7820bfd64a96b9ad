/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SetDomainname: the NIS domain name in a place's UTS namespace. */

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "entry.h"
#include "host-name.h"
#include "job.h"
#include "operations.h"

static int set_domainname_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__SetDomainnameRequest *m = (const void *)message;

	return host_name_check("domainname", m->domainname, refusal);
}

static int set_domainname_resolve(struct job *job) {
	const Usher__SetDomainnameRequest *m = (const void *)job->request;

	if (!job->place.names.own)
		job_require(job, TIER_ADMIN);
	return job_detail(job, "domainname", m->domainname);
}

static int set_domainname_run(struct job *job) {
	const Usher__SetDomainnameRequest *m = (const void *)job->request;
	int r = place_join_names(&job->place);

	job_commit();
	if (r == 0 && setdomainname(m->domainname, strlen(m->domainname)) < 0)
		r = -errno;
	return r;
}

const struct operation operation_set_domainname = {
	.interface = "Host",
	.method = "SetDomainname",
	.actions = { [TIER_ADMIN] = "set-domainname" },
	.request = &usher__set_domainname_request__descriptor,
	.reply = &usher__empty__descriptor,
	.capabilities = CAP(CAP_SYS_ADMIN),
	.syscalls = SYSCALLS(SYS_setns, SYS_setdomainname),
	.check = set_domainname_check,
	.resolve = set_domainname_resolve,
	.run = set_domainname_run,
};
