/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fanotify(7). */

#include <errno.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "event/fanotify-new.h"
#include "event/source.h"
#include "event/verdict.h"

#define PERMISSIONS (FAN_OPEN_PERM | FAN_ACCESS_PERM | FAN_OPEN_EXEC_PERM | FAN_PRE_ACCESS)

int usher_fanotify_init(unsigned flags, unsigned event_flags) {
	int fd = fanotify_init(flags | FAN_CLOEXEC, event_flags | O_CLOEXEC);

	return fd < 0 ? verdict_limit("fanotify_init", "fs/fanotify/max_user_groups") : fd;
}

int usher_fanotify_mark(int fd, unsigned flags, uint64_t mask, int directory, const char *path) {
	if (directory == FAN_NOFD)
		directory = AT_FDCWD;
	if (fanotify_mark(fd, flags, mask, directory, path) < 0)
		return verdict_limit("fanotify_mark", "fs/fanotify/max_user_marks");
	return 0;
}

int usher_fanotify_response(int fd, int event_fd, uint32_t response) {
	struct fanotify_response answer = { event_fd, response };
	ssize_t n = write(fd, &answer, sizeof answer);

	return verdict_of("fanotify: response", n < 0 ? n : 0);
}

/* ---- a record ---- */

/* What is behind the header of an info record. */
static int parse_place(const unsigned char *data, size_t size, bool named,
		       struct usher_fanotify_place *ret) {
	struct file_handle handle;
	size_t fixed = sizeof ret->fsid + sizeof handle;

	if (size < fixed)
		return -EBADMSG;
	memcpy(&ret->fsid, data, sizeof ret->fsid);
	memcpy(&handle, data + sizeof ret->fsid, sizeof handle);
	if (handle.handle_bytes > size - fixed)
		return -EBADMSG;
	ret->handle = data + sizeof ret->fsid;
	data += fixed + handle.handle_bytes;
	size -= fixed + handle.handle_bytes;
	if (!named)
		return 0;
	if (!memchr(data, '\0', size))
		return -EBADMSG;
	ret->name = (const char *)data;
	return 0;
}

/* Numbers behind a header, where there is room for them. */
#define TAKE(data, size, at, to) \
	((size) < (at) + sizeof(to) ? -EBADMSG : (memcpy(&(to), (data) + (at), sizeof(to)), 0))

static int parse_range(const unsigned char *data, size_t size, struct usher_fanotify_event *event) {
	/* behind the header there is a gap of four bytes */
	int r = TAKE(data, size, 4, event->offset);

	return r < 0 ? r : TAKE(data, size, 12, event->length);
}

static int parse_error(const unsigned char *data, size_t size, struct usher_fanotify_event *event) {
	int r = TAKE(data, size, 0, event->error);

	return r < 0 ? r : TAKE(data, size, 4, event->error_count);
}

static int parse_info(unsigned type, const unsigned char *data, size_t size,
		      struct usher_fanotify_event *event) {
	switch (type) {
	case FAN_EVENT_INFO_TYPE_FID: return parse_place(data, size, false, &event->object);
	case FAN_EVENT_INFO_TYPE_DFID: return parse_place(data, size, false, &event->parent);
	case FAN_EVENT_INFO_TYPE_DFID_NAME: return parse_place(data, size, true, &event->parent);
	case FAN_EVENT_INFO_TYPE_OLD_DFID_NAME: return parse_place(data, size, true, &event->from);
	case FAN_EVENT_INFO_TYPE_NEW_DFID_NAME: return parse_place(data, size, true, &event->to);
	case FAN_EVENT_INFO_TYPE_PIDFD: return TAKE(data, size, 0, event->pidfd);
	case FAN_EVENT_INFO_TYPE_ERROR: return parse_error(data, size, event);
	case FAN_EVENT_INFO_TYPE_RANGE: return parse_range(data, size, event);
	case FAN_EVENT_INFO_TYPE_MNT: return TAKE(data, size, 4, event->mount);
	default: return 0; /* of a kernel that is newer */
	}
}

int usher_fanotify_parse(const void *data, size_t size, struct usher_fanotify_event *ret) {
	struct fanotify_event_metadata event;
	struct fanotify_event_info_header info;
	size_t at;

	if (size == 0)
		return verdict_note(-EAGAIN, "there is no record");
	if (size < sizeof event)
		return verdict_note(-EBADMSG, "fanotify: a record ends too early");
	memcpy(&event, data, sizeof event);
	if (event.vers != FANOTIFY_METADATA_VERSION)
		return verdict_note(-EBADMSG, "fanotify: version %u is not known", event.vers);
	if (event.event_len > size || event.event_len > INT32_MAX ||
	    event.metadata_len < sizeof event || event.metadata_len > event.event_len)
		return verdict_note(-EBADMSG, "fanotify: a record has a size that cannot be");
	*ret = (struct usher_fanotify_event){
		event.mask, event.vers, event.fd < 0 ? -1 : event.fd, event.pid, .pidfd = -1,
	};
	for (at = event.metadata_len; event.event_len - at >= sizeof info; at += info.len) {
		memcpy(&info, (const char *)data + at, sizeof info);
		if (info.len < sizeof info || info.len > event.event_len - at ||
		    parse_info(info.info_type, (const unsigned char *)data + at + sizeof info,
			       info.len - sizeof info, ret) < 0)
			return verdict_note(-EBADMSG,
					    "fanotify: what is told of a file does not fit");
	}
	if (ret->pidfd < 0)
		ret->pidfd = -1;
	return (int)event.event_len;
}

static int parse(const void *data, size_t size, struct usher_event *ret) {
	return usher_fanotify_parse(data, size, &ret->fanotify);
}

/* ---- descriptors in records ---- */

/* Where the pidfd stands in a record, NULL: nowhere. */
static void *pidfd_in(void *record) {
	struct fanotify_event_metadata event;
	struct fanotify_event_info_header info;
	unsigned char *at = record;
	size_t left;

	memcpy(&event, record, sizeof event);
	left = event.event_len - event.metadata_len;
	for (at += event.metadata_len; left >= sizeof info; at += info.len, left -= info.len) {
		memcpy(&info, at, sizeof info);
		if (info.info_type == FAN_EVENT_INFO_TYPE_PIDFD)
			return at + sizeof info;
	}
	return NULL;
}

static void *fd_in(void *record) {
	return (unsigned char *)record + offsetof(struct fanotify_event_metadata, fd);
}

/* Takes a number out of a record, so that nobody finds it there again. */
static int take_out(void *place) {
	static const int none = -1;
	int fd = -1;

	if (!place)
		return -1;
	memcpy(&fd, place, sizeof fd);
	memcpy(place, &none, sizeof none);
	return fd;
}

static bool waits(const void *record) {
	struct fanotify_event_metadata event;

	memcpy(&event, record, sizeof event);
	return (event.mask & PERMISSIONS) && !event.reserved;
}

/* A permission event; one whose answer the kernel did not take waits on. */
static int answer(const struct usher_source *source, void *record, int fd, uint32_t response) {
	struct fanotify_event_metadata event;
	int r = usher_fanotify_response(source->fd, fd, response);

	memcpy(&event, record, sizeof event);
	event.reserved = r == 0;
	memcpy(record, &event, sizeof event);
	return r;
}

static void forget(struct usher_source *source, void *record) {
	int number = errno, fd, pidfd = take_out(pidfd_in(record));

	memcpy(&fd, fd_in(record), sizeof fd);
	if (fd >= 0 && waits(record))
		(void)answer(source, record, fd, FAN_ALLOW);
	(void)take_out(fd_in(record));
	if (fd >= 0)
		close(fd);
	if (pidfd >= 0)
		close(pidfd);
	errno = number;
}

const struct source_kind source_fanotify = {
	.name = "fanotify",
	.link = "anon_inode:[fanotify]",
	.room = 65536,
	.parse = parse,
	.forget = forget,
};

static int check_event(const struct usher_event *event) {
	if (event->kind != USHER_SOURCE_FANOTIFY)
		return verdict_note(-EINVAL, "the event is not of fanotify");
	return source_check(event->source);
}

int usher_fanotify_take_fd(struct usher_event *event) {
	int fd, r = check_event(event);

	if (r < 0)
		return r;
	/* An answer names the number, and the number has to mean this event as long as it is open.
	 */
	if (event->fanotify.fd >= 0 && waits(event->record))
		(void)answer(event->source, event->record, event->fanotify.fd, FAN_ALLOW);
	event->fanotify.fd = -1;
	fd = take_out(fd_in(event->record));
	return fd >= 0 ? fd : verdict_note(-EBADF, "the event has no descriptor, or no more");
}

int usher_fanotify_take_pidfd(struct usher_event *event) {
	int fd, r = check_event(event);

	if (r < 0)
		return r;
	event->fanotify.pidfd = -1;
	fd = take_out(pidfd_in(event->record));
	return fd >= 0 ? fd : verdict_note(-EBADF, "the event has no pidfd, or no more");
}

int usher_fanotify_path(const struct usher_event *event, char **ret) {
	char link[PATH_MAX], path[32];
	ssize_t n;
	int r = check_event(event);

	if (r < 0)
		return r;
	if (event->fanotify.fd < 0)
		return verdict_note(-ENOENT, "the event has no descriptor");
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", event->fanotify.fd);
	n = readlink(path, link, sizeof link);
	if (n < 0)
		return verdict_errno("readlink");
	if (n == sizeof link || link[0] != '/')
		return verdict_note(-ENOENT, "no name leads there");
	*ret = strndup(link, (size_t)n);
	return *ret ? 0 : verdict_note(-ENOMEM, "no memory");
}

int usher_fanotify_respond(struct usher_event *event, bool allow, bool audit) {
	int r = check_event(event);

	if (r < 0)
		return r;
	if (event->fanotify.fd < 0 || !waits(event->record))
		return verdict_note(-EINVAL, "the event waits for no answer, or no more");
	return answer(event->source, event->record, event->fanotify.fd,
		      (allow ? FAN_ALLOW : FAN_DENY) | (audit ? FAN_AUDIT : 0));
}

/* ---- the source ---- */

int usher_fanotify_new(unsigned flags, unsigned event_flags, struct usher_source **ret) {
	int fd = usher_fanotify_init(flags | FAN_NONBLOCK, event_flags);

	return fd < 0 ? fd : source_new(USHER_SOURCE_FANOTIFY, fd, ret);
}

static int mark(struct usher_source *source, const char *path, uint64_t mask, unsigned flags) {
	int r = source_check_kind(source, USHER_SOURCE_FANOTIFY);

	return r < 0 ? r : usher_fanotify_mark(source->fd, flags, mask, AT_FDCWD, path);
}

int usher_fanotify_watch(struct usher_source *source, const char *path, uint64_t mask,
			 unsigned flags) {
	return mark(source, path, mask, flags | FAN_MARK_ADD);
}

int usher_fanotify_ignore(struct usher_source *source, const char *path, uint64_t mask,
			  unsigned flags) {
	return mark(source, path, mask, flags | FAN_MARK_REMOVE);
}

int usher_fanotify_flush(struct usher_source *source, unsigned flags) {
	return mark(source, NULL, 0, flags | FAN_MARK_FLUSH);
}
