/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "group.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>

#include "interfaces/watch-stream.h"
#include "translation.h"

enum { FSID_SIZE = 8 };

int group_new(void) {
	int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK |
				       FAN_REPORT_DFID_NAME_TARGET,
			       O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int group_mark(int group, int superblock, uint64_t before, uint64_t mask) {
	/* what is new first, so that there is no time without what is wanted before and after */
	if (mask & ~before && fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM,
					    mask & ~before, superblock, ".") < 0)
		return -errno;
	if (before & ~mask && fanotify_mark(group, FAN_MARK_REMOVE | FAN_MARK_FILESYSTEM,
					    before & ~mask, superblock, ".") < 0)
		return -errno;
	return 0;
}

/* A move of what is watched itself is known by FAN_RENAME. */
static const struct translation meanings[] = {
	{ FAN_CREATE, USHER_WATCH_CREATE },
	{ FAN_DELETE, USHER_WATCH_DELETE },
	{ FAN_MODIFY, USHER_WATCH_MODIFY },
	{ FAN_ATTRIB, USHER_WATCH_ATTRIB },
	{ FAN_OPEN, USHER_WATCH_OPEN },
	{ FAN_OPEN_EXEC, USHER_WATCH_OPEN_EXEC },
	{ FAN_ACCESS, USHER_WATCH_ACCESS },
	{ FAN_CLOSE_WRITE, USHER_WATCH_CLOSE_WRITE },
	{ FAN_CLOSE_NOWRITE, USHER_WATCH_CLOSE_NOWRITE },
	{ FAN_DELETE_SELF, USHER_WATCH_DELETE_SELF },
};

enum { MEANINGS = sizeof meanings / sizeof *meanings };

uint64_t group_mask(uint32_t events) {
	return (events & USHER_WATCH_MOVE ? FAN_RENAME : 0) |
	       translation_theirs(meanings, MEANINGS, events);
}

uint32_t group_events(uint64_t mask) {
	return translation_ours(meanings, MEANINGS, mask);
}

/* ---- what is read ---- */

/* A handle at the beginning of what is left of a record. */
static bool parse_handle(const uint8_t **at, size_t *left, struct handle *ret) {
	uint32_t size;

	if (*left < HANDLE_HEAD)
		return false;
	memcpy(&size, *at, sizeof size);
	if (size > HANDLE_MAX - HANDLE_HEAD || size > *left - HANDLE_HEAD)
		return false;
	*ret = (struct handle){ *at, HANDLE_HEAD + size };
	*at += ret->size;
	*left -= ret->size;
	return true;
}

static bool parse_name(const uint8_t *at, size_t left, const char **ret, size_t *ret_length) {
	*ret = (const char *)at;
	*ret_length = strnlen(*ret, left);
	return *ret_length > 0 && *ret_length < left;
}

static bool parse_record(uint8_t type, const uint8_t *at, size_t left, struct group_event *ret) {
	struct handle handle;

	if (left < FSID_SIZE)
		return false;
	at += FSID_SIZE;
	left -= FSID_SIZE;
	if (!parse_handle(&at, &left, &handle))
		return false;
	switch (type) {
	case FAN_EVENT_INFO_TYPE_FID: ret->object = handle; return true;
	case FAN_EVENT_INFO_TYPE_DFID:
		ret->directory = handle;
		ret->name = ".";
		ret->name_length = 1;
		return true;
	case FAN_EVENT_INFO_TYPE_DFID_NAME:
	case FAN_EVENT_INFO_TYPE_NEW_DFID_NAME:
		ret->directory = handle;
		return parse_name(at, left, &ret->name, &ret->name_length);
	default:
		ret->old_directory = handle;
		return parse_name(at, left, &ret->old_name, &ret->old_name_length);
	}
}

static bool is_known(uint8_t type) {
	return type == FAN_EVENT_INFO_TYPE_FID || type == FAN_EVENT_INFO_TYPE_DFID ||
	       type == FAN_EVENT_INFO_TYPE_DFID_NAME || type == FAN_EVENT_INFO_TYPE_OLD_DFID_NAME ||
	       type == FAN_EVENT_INFO_TYPE_NEW_DFID_NAME;
}

static bool parse_records(const uint8_t *at, size_t left, struct group_event *ret) {
	while (left > 0) {
		struct fanotify_event_info_header header;

		if (left < sizeof header)
			return false;
		memcpy(&header, at, sizeof header);
		if (header.len < sizeof header || header.len > left)
			return false;
		/* what a newer kernel may add is passed over */
		if (is_known(header.info_type) &&
		    !parse_record(header.info_type, at + sizeof header, header.len - sizeof header,
				  ret))
			return false;
		at += header.len;
		left -= header.len;
	}
	return true;
}

int group_parse(const uint8_t *buffer, size_t size, size_t *at, struct group_event *ret) {
	struct fanotify_event_metadata head;

	if (*at >= size)
		return 0;
	if (size - *at < sizeof head)
		return -EBADMSG;
	memcpy(&head, buffer + *at, sizeof head);
	if (head.vers != FANOTIFY_METADATA_VERSION || head.metadata_len < sizeof head ||
	    head.event_len < head.metadata_len || head.event_len > size - *at)
		return -EBADMSG;
	*ret = (struct group_event){ .mask = head.mask, .pid = head.pid };
	if (!parse_records(buffer + *at + head.metadata_len, head.event_len - head.metadata_len,
			   ret))
		return -EBADMSG;
	*at += head.event_len;
	return 1;
}

size_t group_count(const uint8_t *buffer, size_t size) {
	struct fanotify_event_metadata head;
	size_t n = 0, at = 0;

	while (size - at >= sizeof head) {
		memcpy(&head, buffer + at, sizeof head);
		if (head.event_len < sizeof head || head.event_len > size - at)
			break;
		at += head.event_len;
		n++;
	}
	return n;
}

size_t group_waiting(int group) {
	int n;

	/* of each the kernel counts what all have, and nothing of what else comes with it */
	if (ioctl(group, FIONREAD, &n) < 0 || n < 0)
		return SIZE_MAX / 2;
	return (size_t)n / sizeof(struct fanotify_event_metadata);
}
