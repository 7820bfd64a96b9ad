/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "watch-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "fd.h"

struct watched {
	watch_file_changed changed;
	void *userdata;
};

static int on_change(sd_event_source *source, int fd, uint32_t events, void *userdata) {
	const struct watched *watched = userdata;

	watched->changed(watched->userdata);
	return 0;
}

int watch_file(sd_event *event, sd_event_source **ret, const char *path, watch_file_changed changed,
	       void *userdata) {
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct watched *watched = calloc(1, sizeof *watched);
	sd_event_source *source;
	char content[512];
	int r;

	/* the first read is what later changes are counted from */
	if (fd < 0 || read(fd, content, sizeof content) < 0 || !watched) {
		free(watched);
		return fd < 0 ? -errno : -ENOMEM;
	}
	*watched = (struct watched){ changed, userdata };
	r = sd_event_add_io(event, &source, fd, EPOLLPRI | EPOLLET, on_change, watched);
	if (r < 0) {
		free(watched);
		return r;
	}
	(void)sd_event_source_set_io_fd_own(source, 1);
	(void)sd_event_source_set_destroy_callback(source, free);
	(void)fd_take(&fd);
	*ret = source;
	return 0;
}

void watch_file_stop(sd_event_source *source) {
	sd_event_source_disable_unref(source);
}
