/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* inotify(7). */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "event/inotify-watch.h"
#include "event/source.h"
#include "event/verdict.h"

int usher_inotify_init(int flags) {
	int fd = inotify_init1(flags | IN_CLOEXEC);

	return fd < 0 ? verdict_limit("inotify_init1", "fs/inotify/max_user_instances") : fd;
}

int usher_inotify_add_watch(int fd, const char *path, uint32_t mask) {
	int wd;

	if (!path || !*path)
		return verdict_note(-EINVAL, "path: it is empty");
	wd = inotify_add_watch(fd, path, mask);
	return wd < 0 ? verdict_limit("inotify_add_watch", "fs/inotify/max_user_watches") : wd;
}

int usher_inotify_rm_watch(int fd, int wd) {
	return verdict_of("inotify_rm_watch", inotify_rm_watch(fd, wd));
}

int usher_inotify_parse(const void *data, size_t size, struct usher_inotify_event *ret) {
	struct inotify_event event;
	const char *name = (const char *)data + sizeof event;

	if (size == 0)
		return verdict_note(-EAGAIN, "there is no record");
	if (size < sizeof event)
		return verdict_note(-EBADMSG, "inotify: a record ends too early");
	memcpy(&event, data, sizeof event);
	if (event.len > size - sizeof event || event.len > INT32_MAX - sizeof event)
		return verdict_note(-EBADMSG, "inotify: a name is longer than what was read");
	if (event.len > 0 && !memchr(name, '\0', event.len))
		return verdict_note(-EBADMSG, "inotify: a name does not end");
	*ret = (struct usher_inotify_event){ event.wd, event.mask, event.cookie,
					     event.len > 0 ? name : "" };
	return (int)(sizeof event + event.len);
}

static int parse(const void *data, size_t size, struct usher_event *ret) {
	return usher_inotify_parse(data, size, &ret->inotify);
}

const struct source_kind source_inotify = {
	.name = "inotify",
	.link = "anon_inode:inotify",
	.room = 65536,
	.parse = parse,
	.closing = inotify_watches_end,
};

int usher_inotify_new(struct usher_source **ret) {
	int fd = usher_inotify_init(IN_NONBLOCK);

	return fd < 0 ? fd : source_new(USHER_SOURCE_INOTIFY, fd, ret);
}

int usher_inotify_watch(struct usher_source *source, const char *path, uint32_t mask) {
	int r = source_check_kind(source, USHER_SOURCE_INOTIFY);

	return r < 0 ? r : usher_inotify_add_watch(source->fd, path, mask);
}

int usher_inotify_ignore(struct usher_source *source, int wd) {
	int r = source_check_kind(source, USHER_SOURCE_INOTIFY);

	return r < 0 ? r : usher_inotify_rm_watch(source->fd, wd);
}

int usher_inotify_once(const char *path, uint32_t mask, uint64_t timeout_usec, uint32_t *ret_mask,
		       char **ret_name) {
	USHER_CLEANUP_SOURCE struct usher_source *source = NULL;
	struct usher_event event;
	char *name;
	int r;

	r = usher_inotify_new(&source);
	if (r < 0)
		return r;
	r = usher_inotify_watch(source, path, mask);
	if (r < 0)
		return r;
	r = usher_source_wait(source, timeout_usec, &event);
	if (r < 0)
		return r;
	name = strdup(event.inotify.name);
	if (!name)
		return verdict_note(-ENOMEM, "no memory");
	*ret_mask = event.inotify.mask;
	*ret_name = name;
	return 0;
}
