/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Answers to libusher, as no service writes them: the first byte says which function is called, the
 * second what kind of answer it gets, the rest is its body.
 */

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bus.h"
#include "fuzz.h"
#include "usher.h"

struct buffer {
	uint8_t bytes[256];
	size_t n;
};

static void align(struct buffer *buffer, size_t to) {
	while (buffer->n % to)
		buffer->bytes[buffer->n++] = 0;
}

static void put_number(struct buffer *buffer, uint32_t number) {
	align(buffer, 4);
	memcpy(buffer->bytes + buffer->n, &number, sizeof number);
	buffer->n += sizeof number;
}

static void put_field(struct buffer *buffer, uint8_t code, char type, const char *value) {
	const uint8_t head[] = { code, 1, (uint8_t)type, 0 };
	size_t length = strlen(value);

	align(buffer, 8);
	memcpy(buffer->bytes + buffer->n, head, sizeof head);
	buffer->n += sizeof head;
	if (type == 'g')
		buffer->bytes[buffer->n++] = (uint8_t)length;
	else
		put_number(buffer, (uint32_t)length);
	memcpy(buffer->bytes + buffer->n, value, length + 1);
	buffer->n += length + 1;
}

/* The head of an answer to the first call on a connection. */
static void put_head(struct buffer *buffer, const char *error, const char *signature, size_t body) {
	const uint8_t start[] = { 'l', error ? 3 : 2, 1, 1 };
	size_t fields;

	memcpy(buffer->bytes, start, sizeof start);
	buffer->n = sizeof start;
	put_number(buffer, (uint32_t)body);
	put_number(buffer, 1);
	put_number(buffer, 0); /* how long the fields are, below */
	fields = buffer->n;
	memcpy(buffer->bytes + buffer->n, "\5\1u", 4); /* the answer to which */
	buffer->n += 4;
	put_number(buffer, 1);
	if (error)
		put_field(buffer, 4, 's', error);
	if (*signature)
		put_field(buffer, 8, 'g', signature);
	fields = buffer->n - fields;
	memcpy(buffer->bytes + 12, &(uint32_t){ (uint32_t)fields }, sizeof(uint32_t));
	align(buffer, 8);
}

/* A connection on which the answer is waiting already, and then nobody. */
static struct usher *answered(const struct buffer *head, const uint8_t *body, size_t size,
			      int *ret_peer) {
	static const char greeting[] = "OK 0123456789abcdef0123456789abcdef\r\n";
	struct usher *usher = calloc(1, sizeof *usher);
	int pair[2];

	must(usher &&
	     socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	must(write(pair[1], greeting, sizeof greeting - 1) == sizeof greeting - 1);
	must(sd_bus_new(&usher->bus) >= 0 && sd_bus_set_fd(usher->bus, pair[0], pair[0]) >= 0 &&
	     sd_bus_set_anonymous(usher->bus, 1) >= 0 && sd_bus_negotiate_fds(usher->bus, 0) >= 0 &&
	     sd_bus_start(usher->bus) >= 0);
	for (int i = 0; i < 9 && sd_bus_is_ready(usher->bus) == 0; i++)
		must(sd_bus_process(usher->bus, NULL) >= 0);
	must(write(pair[1], head->bytes, head->n) == (ssize_t)head->n);
	must(write(pair[1], body, size) == (ssize_t)size);
	must(shutdown(pair[1], SHUT_WR) == 0);
	*ret_peer = pair[1];
	return usher;
}

/* The signatures of answers; one beginning with "!" is the name of an error, whose text is the
 * body. */
static const char *const kinds[] = {
	"aa{sv}",
	"o",
	"s",
	"h",
	"",
	"!org.usher1.Error.NotFound",
	"!org.freedesktop.DBus.Error.AccessDenied",
	"!a.b.c",
};

static int list(struct usher *usher) {
	struct usher_mount_entry **mounts = NULL;
	int r = usher_list_mounts(usher, NULL, &mounts);

	must((r >= 0) == (mounts != NULL));
	for (int i = 0; i < r; i++)
		must(mounts[i] && mounts[i]->source && mounts[i]->target && mounts[i]->fstype &&
		     mounts[i]->propagation && mounts[i]->options);
	must(r < 0 || !mounts[r]);
	usher_free_mounts(mounts);
	return r;
}

static int call(struct usher *usher, unsigned which) {
	char *text = NULL;
	int fd = -1, r;

	switch (which % 5) {
	case 0: return list(usher);
	case 1: r = usher_get_hostname(usher, NULL, &text); break;
	case 2: r = usher_mount(usher, "", "/a", "tmpfs", NULL, NULL, &text); break;
	case 3: r = usher_open_tree(usher, "/a", NULL, NULL, &fd); break;
	default: return usher_unmount(usher, "/a", NULL);
	}
	must(r < 0 || text || fd >= 0);
	free(text);
	if (fd >= 0)
		(void)close(fd);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct buffer head = { .n = 0 };
	struct usher *usher;
	const char *kind;
	bool error;
	int peer, r;

	if (size < 2 || size > 65536)
		return 0;
	kind = kinds[data[1] % (sizeof kinds / sizeof *kinds)];
	error = *kind == '!';
	put_head(&head, error ? kind + 1 : NULL, error ? "s" : kind, size - 2);
	usher = answered(&head, data + 2, size - 2, &peer);
	r = call(usher, data[0]);
	must(r >= 0 || (usher_message(usher) && *usher_message(usher)));
	usher_close(usher);
	(void)close(peer);
	return 0;
}
