/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SetHostname: the host name in a place's UTS namespace. */

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "entry.h"
#include "host-name.h"
#include "job.h"
#include "operations.h"

static int set_hostname_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__SetHostnameRequest *m = (const void *)message;

	return host_name_check("hostname", m->hostname, refusal);
}

static int set_hostname_resolve(struct job *job) {
	const Usher__SetHostnameRequest *m = (const void *)job->request;

	if (!job->place.names.own)
		job_require(job, TIER_ADMIN);
	return job_detail(job, "hostname", m->hostname);
}

static int set_hostname_run(struct job *job) {
	const Usher__SetHostnameRequest *m = (const void *)job->request;
	int r = place_join_names(&job->place);

	job_commit();
	if (r == 0 && sethostname(m->hostname, strlen(m->hostname)) < 0)
		r = -errno;
	return r;
}

const struct operation operation_set_hostname = {
	.interface = "Host",
	.method = "SetHostname",
	.actions = { [TIER_ADMIN] = "set-hostname" },
	.request = &usher__set_hostname_request__descriptor,
	.reply = &usher__empty__descriptor,
	.capabilities = CAP(CAP_SYS_ADMIN),
	.syscalls = SYSCALLS(SYS_setns, SYS_sethostname),
	.check = set_hostname_check,
	.resolve = set_hostname_resolve,
	.run = set_hostname_run,
};
