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
	static const char greeting[] = "DATA\r\nOK 0123456789abcdef0123456789abcdef\r\n"
				       "AGREE_UNIX_FD\r\n";
	struct usher *usher = calloc(1, sizeof *usher);
	int pair[2];

	must(usher &&
	     socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	must(write(pair[1], greeting, sizeof greeting - 1) == sizeof greeting - 1);
	must(bus_connection_adopt(pair[0], &usher->bus) == 0);
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
	"a{oa{sa{sv}}}",
	"oh",
	"si",
	"astb",
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

static int list_namespaces(struct usher *usher) {
	struct usher_namespace_entry **namespaces = NULL;
	int r = usher_list_namespaces(usher, &namespaces);

	must((r >= 0) == (namespaces != NULL));
	for (int i = 0; i < r; i++)
		must(namespaces[i] && namespaces[i]->object && namespaces[i]->name &&
		     namespaces[i]->types && namespaces[i]->lifetime);
	must(r < 0 || !namespaces[r]);
	usher_free_namespaces(namespaces);
	return r;
}

static int list_processes(struct usher *usher) {
	struct usher_process_entry **processes = NULL;
	int r = usher_list_processes(usher, &processes);

	must((r >= 0) == (processes != NULL));
	for (int i = 0; i < r; i++)
		must(processes[i] && processes[i]->object && processes[i]->command &&
		     processes[i]->namespace_object && processes[i]->state);
	must(r < 0 || !processes[r]);
	usher_free_processes(processes);
	return r;
}

static int list_watches(struct usher *usher) {
	struct usher_watch_entry **watches = NULL;
	int r = usher_list_watches(usher, &watches);

	must((r >= 0) == (watches != NULL));
	for (int i = 0; i < r; i++)
		must(watches[i] && watches[i]->object && watches[i]->path && watches[i]->events &&
		     watches[i]->scope && watches[i]->backend);
	must(r < 0 || !watches[r]);
	usher_free_watches(watches);
	return r;
}

static int watch(struct usher *usher, bool streams) {
	struct usher_watch *watch = NULL;
	int r = streams ? usher_watch_open(usher, "/a", NULL, NULL, NULL, &watch)
			: usher_watch_subscribe(usher, "/a", NULL, NULL, NULL, &watch);

	must((r >= 0) == (watch != NULL));
	must(!watch || usher_watch_get_object(watch));
	usher_watch_close(watch);
	return r < 0 && !usher_message(usher) ? 0 : r;
}

static int spawn(struct usher *usher, char **ret_object, int *ret_fd) {
	const char *const argv[] = { "true", NULL };
	struct usher_attributes *attributes = usher_attributes_new();
	int r = usher_spawn(usher, attributes, argv, NULL, ret_object, ret_fd);

	usher_attributes_free(attributes);
	return r;
}

static int call(struct usher *usher, unsigned which) {
	char *text = NULL;
	int fd = -1, r, status;

	switch (which % 12) {
	case 0: return list(usher);
	case 1: r = usher_get_hostname(usher, NULL, &text); break;
	case 2: r = usher_mount(usher, "", "/a", "tmpfs", NULL, NULL, &text); break;
	case 3: r = usher_open_tree(usher, "/a", NULL, NULL, &fd); break;
	case 4: return usher_unmount(usher, "/a", NULL);
	case 5: return list_namespaces(usher);
	case 6: return list_processes(usher);
	case 7: r = spawn(usher, &text, &fd); break;
	case 8: return list_watches(usher);
	case 9: return watch(usher, true);
	case 10: return watch(usher, false);
	default: return usher_process_wait(usher, "/a", NULL, &status);
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
