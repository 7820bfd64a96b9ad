/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* List: the mount table of a place, as a process there sees it. */

#include <linux/capability.h>
#include <sys/syscall.h>

#include "entry.h"
#include "job.h"
#include "kernel.h"
#include "mount-table.h"
#include "operations.h"

static int list_run(struct job *job) {
	const Usher__ListRequest *m = (const void *)job->request;
	Usher__ListReply *reply = (Usher__ListReply *)job->reply;
	struct mount_table table = { 0 };
	int r = place_join_mounts(&job->place, false);

	if (r == 0)
		r = mount_table_read(&table, job->place.proc);
	if (r == 0)
		r = mount_table_add_foreign(&table, m->foreign, m->n_foreign);
	/* the reply owns them now */
	reply->mounts = table.entries;
	reply->n_mounts = table.n;
	return r;
}

const struct operation operation_list = {
	.interface = "Mounts",
	.method = "List",
	.actions = { [TIER_ADMIN] = "list-mounts" },
	.request = &usher__list_request__descriptor,
	.reply = &usher__list_reply__descriptor,
	.capabilities = CAP(CAP_SYS_ADMIN) | CAP(CAP_SYS_CHROOT),
	.syscalls = SYSCALLS(JOB_JOIN, SYS_listmount, SYS_statmount),
	.looks = true,
	.run = list_run,
};
