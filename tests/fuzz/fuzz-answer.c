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
#include "head.h"
#include "usher.h"

/* The head of an answer to the first call on a connection. */
static void put_head(struct head *head, const char *error, const char *signature, size_t body) {
	head_begin(head, error ? 3 : 2, body);
	head_number_field(head, 5, 1); /* the answer to which */
	if (error)
		head_field(head, 4, 's', error);
	if (*signature)
		head_field(head, 8, 'g', signature);
	head_end(head);
}

/* A connection on which the answer is waiting already, and then nobody. */
static struct usher *answered(const struct head *head, const uint8_t *body, size_t size,
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
	struct head head = { .n = 0 };
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
