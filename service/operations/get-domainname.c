/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GetDomainname: the NIS domain name in a place's UTS namespace. */

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>

#include "entry.h"
#include "job.h"
#include "operations.h"

static int get_domainname_run(struct job *job) {
	Usher__GetDomainnameReply *reply = (Usher__GetDomainnameReply *)job->reply;
	struct utsname names;
	int r = place_names(&job->place, &names);

	if (r < 0)
		return r;
	reply->domainname = strdup(names.domainname);
	return reply->domainname ? 0 : -ENOMEM;
}

const struct operation operation_get_domainname = {
	.interface = "Host",
	.method = "GetDomainname",
	.actions = { [TIER_ADMIN] = "get-domainname" },
	.request = &usher__get_domainname_request__descriptor,
	.reply = &usher__get_domainname_reply__descriptor,
	.capabilities = CAP(CAP_SYS_ADMIN),
	.syscalls = SYSCALLS(SYS_setns, SYS_uname),
	.looks = true,
	.run = get_domainname_run,
};
