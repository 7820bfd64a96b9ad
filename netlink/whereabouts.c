/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "whereabouts.h"

#include <errno.h>
#include <fcntl.h>

#include "territory.h"

static bool is_callers(const Usher__NetlinkAsk *ask) {
	return !ask->has_namespace_fd;
}

int whereabouts_take(const Usher__NetlinkAsk *ask, struct fds *fds) {
	uint32_t place = is_callers(ask) ? ask->caller_fd : ask->namespace_fd;

	if (is_callers(ask) && !ask->has_caller_fd)
		return -1;
	return place < fds->n ? fd_take(&fds->fd[place]) : -1;
}

int whereabouts_find(const Usher__NetlinkAsk *ask, int where, int *ret_namespace,
		     struct refusal *refusal) {
	if (where < 0)
		return refusal_note(refusal, REFUSED_FAILED, "the question came without a place");
	if (is_callers(ask))
		return territory_of_process(where, ask->uid, ret_namespace, refusal);
	*ret_namespace = fcntl(where, F_DUPFD_CLOEXEC, 3);
	return *ret_namespace < 0 ? -errno : 0;
}
