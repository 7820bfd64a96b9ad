/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "handover.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "fd.h"
#include "job.h"
#include "message.h"

int handover_descriptor(struct job *job, const char *field, int fd) {
	int place = fds_add(&job->reply_fds, fd);

	if (place >= 0)
		message_set_number(job->reply, field, (uint64_t)place);
	return place < 0 ? place : 0;
}

int handover_stream(struct job *job, int room) {
	_cleanup_close_ int reading = -1, writing = -1;
	int ends[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	reading = ends[0];
	writing = ends[1];
	if (shutdown(reading, SHUT_WR) < 0 || fcntl(writing, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	if (room > 0 && setsockopt(writing, SOL_SOCKET, SO_SNDBUF, &room, sizeof room) < 0)
		return -errno;
	r = handover_descriptor(job, "stream_fd", fd_take(&reading));
	return r == 0 ? handover_descriptor(job, "writing_fd", fd_take(&writing)) : r;
}
