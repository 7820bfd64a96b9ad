/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "deputy.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "answer.h"
#include "fd.h"
#include "listener.h"
#include "rights.h"
#include "territory.h"
#include "whereabouts.h"

enum { NICE = 5 };

/* It needs a large buffer, for which there has to be a right. */
static int listen_to_changes(struct question *question) {
	static struct listener listener;
	int r = rights_lower_to(NETLINK_RIGHT_ADMINISTER);

	if (r == 0)
		r = listener_open(&listener, NETLINK_ROUTE);
	question->listener = &listener;
	return r;
}

static int settle(struct question *question, int where, struct refusal *refusal) {
	_cleanup_close_ int namespace = -1;
	int r = whereabouts_find(question->ask, where, &namespace, refusal);

	if (r == 0) {
		r = territory_settle(namespace);
		if (r < 0)
			return refusal_note(refusal, r, "cannot enter the network namespace");
	}
	if (r == 0 && question_is_joined(question))
		r = listen_to_changes(question);
	return r != 0 ? r : rights_give_up_but(question->rights);
}

/* Who has much to read lets others go first, and does not push aside who wakes it by reading. */
static void stand_back(void) {
	const struct sched_param none = { 0 };

	(void)setpriority(PRIO_PROCESS, 0, NICE);
	(void)sched_setscheduler(0, SCHED_BATCH, &none);
}

int deputy_alone(const int *keep, size_t n, pid_t parent) {
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	if (getppid() != parent)
		return -ESRCH;
	return fd_close_all_but(keep, n);
}

void deputy_answer(int connection, struct question *question, int where, volatile bool *told) {
	struct refusal refusal = { 0 };
	int r;

	if (question->ask->format)
		stand_back();
	r = settle(question, where, &refusal);
	fd_closep(&where);
	r = r == 0 ? answer_give(connection, question, false, told)
		   : answer_refuse(connection, question->ask->serial, r, refusal.text);
	*told = true;
	_exit(r < 0);
}
