/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GetHostname: the host name in a place's UTS namespace. */

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>

#include "entry.h"
#include "job.h"
#include "operations.h"

static int get_hostname_run(struct job *job) {
	Usher__GetHostnameReply *reply = (Usher__GetHostnameReply *)job->reply;
	struct utsname names;
	int r = place_names(&job->place, &names);

	if (r < 0)
		return r;
	reply->hostname = strdup(names.nodename);
	return reply->hostname ? 0 : -ENOMEM;
}

const struct operation operation_get_hostname = {
	.interface = "Host",
	.method = "GetHostname",
	.actions = { [TIER_ADMIN] = "get-hostname" },
	.request = &usher__get_hostname_request__descriptor,
	.reply = &usher__get_hostname_reply__descriptor,
	.capabilities = CAP(CAP_SYS_ADMIN),
	.syscalls = SYSCALLS(SYS_setns, SYS_uname),
	.looks = true,
	.run = get_hostname_run,
};
