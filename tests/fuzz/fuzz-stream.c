/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Packets of a watch's stream, as no service sends them. */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "usher.h"

enum { PACKETS_MAX = 3 };

static void read_all(struct usher_watch *watch) {
	struct usher_change change;
	unsigned bad = 0;
	int r;

	while ((r = usher_watch_next(watch, &change)) != -ENOTCONN) {
		must(r == 1 || r == -EBADMSG);
		if (r < 0) {
			must(++bad <= PACKETS_MAX); /* one packet is given up once */
			continue;
		}
		must(change.kind >= USHER_WATCH_EVENT && change.kind <= USHER_WATCH_RESCAN);
		must(strlen(change.path) + strlen(change.old_path) < USHER_WATCH_PACKET_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct usher_watch *watch;
	int pair[2];

	if (size > PACKETS_MAX * (USHER_WATCH_PACKET_MAX + 8))
		return 0;
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	must(usher_watch_adopt(pair[0], &watch) == 0);
	/* The first byte says in how many packets the rest comes. */
	for (unsigned left = size > 0 ? data[0] % PACKETS_MAX + 1 : 0, at = 1; left > 0; left--) {
		size_t piece = (size - at) / left;

		must(piece == 0 || send(pair[1], data + at, piece, 0) == (ssize_t)piece);
		at += (unsigned)piece;
	}
	must(close(pair[1]) == 0);
	read_all(watch);
	usher_watch_close(watch);
	return 0;
}
