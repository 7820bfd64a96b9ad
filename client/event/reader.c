/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames out of a stream. */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "event/source.h"
#include "event/verdict.h"

struct usher_reader {
	int fd;
	size_t limit;
	char *data;
	size_t next, end, room; /* [next, end) was read and not asked for yet */
	char *zero;             /* where a zero stands in place of what was read, */
	char under;             /* which is this */
};

int usher_reader_new(int fd, struct usher_reader **ret) {
	struct usher_reader *reader;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return verdict_errno("fd");
	if ((flags & O_ACCMODE) == O_WRONLY || flags & O_PATH)
		return verdict_note(-EBADF, "fd: it is not open for reading");
	reader = calloc(1, sizeof *reader);
	if (!reader)
		return verdict_note(-ENOMEM, "no memory");
	reader->fd = fd;
	reader->limit = 16 << 20;
	*ret = reader;
	return 0;
}

struct usher_reader *usher_reader_free(struct usher_reader *reader) {
	if (reader)
		free(reader->data);
	free(reader);
	return NULL;
}

void usher_reader_set_limit(struct usher_reader *reader, size_t bytes) {
	reader->limit = bytes;
}

/* The call before this one has had its time. */
static void begin(struct usher_reader *reader) {
	if (reader->zero)
		*reader->zero = reader->under;
	reader->zero = NULL;
}

/* Makes the byte at a place a zero until the next call. */
static void terminate(struct usher_reader *reader, char *at) {
	reader->zero = at;
	reader->under = *at;
	*at = '\0';
}

/* Room for so many bytes from `next` on, and one more. */
static int make_room(struct usher_reader *reader, size_t size) {
	size_t room = reader->room ?: 4096;
	char *data;

	if (reader->data)
		memmove(reader->data, reader->data + reader->next, reader->end - reader->next);
	reader->end -= reader->next;
	reader->next = 0;
	while (room <= size)
		room *= 2;
	if (room == reader->room)
		return 0;
	data = realloc(reader->data, room);
	if (!data)
		return verdict_note(-ENOMEM, "no memory");
	reader->data = data;
	reader->room = room;
	return 0;
}

/* Reads until so many bytes are there; what they are of is for the message. */
static int want(struct usher_reader *reader, size_t size, const char *what) {
	ssize_t n;
	int r;

	if (reader->end - reader->next >= size && reader->data)
		return 0;
	r = make_room(reader, size);
	while (r >= 0 && reader->end - reader->next < size) {
		n = read(reader->fd, reader->data + reader->end, reader->room - reader->end - 1);
		if (n == 0)
			return verdict_note(
				-ENODATA, "the end has come before %s: there are %zu bytes of %zu",
				what, reader->end - reader->next, size);
		if (n > 0)
			reader->end += (size_t)n;
		else if (errno == EAGAIN)
			r = source_poll(reader->fd, POLLIN, UINT64_MAX);
		else if (errno != EINTR)
			return verdict_errno("read");
	}
	return r < 0 ? r : 0;
}

/* A frame that is so long by its own account, behind a head. */
static int check_size(const struct usher_reader *reader, uint64_t size) {
	if (size > reader->limit)
		return verdict_note(-EINVAL, "a frame is longer than %zu bytes", reader->limit);
	return 0;
}

int usher_reader_bytes(struct usher_reader *reader, size_t size, const void **ret) {
	int r;

	begin(reader);
	r = check_size(reader, size);
	if (r == 0)
		r = want(reader, size, "all bytes");
	if (r < 0)
		return r;
	*ret = reader->data + reader->next;
	reader->next += size;
	return 0;
}

int usher_reader_until(struct usher_reader *reader, char delimiter, const char **ret,
		       size_t *ret_size) {
	char what[] = "the delimiter '?'";
	size_t seen = 0;
	char *at = NULL;
	int r;

	begin(reader);
	what[sizeof what - 3] = isprint((unsigned char)delimiter) ? delimiter : '.';
	for (; !at; seen = at ? 0 : reader->end - reader->next) {
		r = check_size(reader, seen);
		if (r == 0)
			r = want(reader, seen + 1, what);
		if (r < 0)
			return r;
		at = memchr(reader->data + reader->next + seen, delimiter,
			    reader->end - reader->next - seen);
	}
	r = check_size(reader, (size_t)(at - reader->data) - reader->next);
	if (r < 0)
		return r;
	terminate(reader, at);
	*ret = reader->data + reader->next;
	if (ret_size)
		*ret_size = (size_t)(at - *ret);
	reader->next = (size_t)(at - reader->data) + 1;
	return 0;
}

/* What comes behind a head of so many bytes, and before a tail that has to be this (0: none). */
static int frame(struct usher_reader *reader, size_t head, uint64_t size, char tail,
		 const char **ret, size_t *ret_size) {
	char *data;
	int r = check_size(reader, size);

	if (r == 0)
		r = want(reader, head + size + (tail ? 1 : 0), "the end of a frame");
	if (r < 0)
		return r;
	data = reader->data + reader->next + head;
	if (tail && data[size] != tail)
		return verdict_note(-EBADMSG, "a frame ends without '%c'", tail);
	terminate(reader, data + size);
	*ret = data;
	if (ret_size)
		*ret_size = size;
	reader->next += head + size + (tail ? 1 : 0);
	return 0;
}

int usher_reader_netstring(struct usher_reader *reader, const char **ret, size_t *ret_size) {
	uint64_t size = 0;
	size_t head;
	int r;

	begin(reader);
	for (head = 0;; head++) {
		char c;

		r = want(reader, head + 1, "the size of a netstring");
		if (r < 0)
			return r;
		c = reader->data[reader->next + head];
		if (c == ':' && head > 0)
			break;
		/* Twelve digits are more than any limit, and "07" is no number of theirs. */
		if (!isdigit((unsigned char)c) || head == 12 || (head == 1 && size == 0))
			return verdict_note(-EBADMSG, "a netstring begins without a size");
		size = size * 10 + (uint64_t)(c - '0');
	}
	return frame(reader, head + 1, size, ',', ret, ret_size);
}

int usher_reader_sized(struct usher_reader *reader, const char **ret, size_t *ret_size) {
	uint64_t size;
	int r;

	begin(reader);
	r = want(reader, sizeof size, "the size of a frame");
	if (r < 0)
		return r;
	memcpy(&size, reader->data + reader->next, sizeof size);
	return frame(reader, sizeof size, size, 0, ret, ret_size);
}
