/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What comes through the descriptor that Watches.Open hands out.
 *
 * The descriptor is a SOCK_SEQPACKET socket that is only read: each packet holds whole records, one
 * behind the other, each at a multiple of eight bytes; no packet is larger than
 * USHER_WATCH_PACKET_MAX. Numbers are in the byte order of the machine. The end of the stream means
 * that the watch has gone. A reader that falls behind loses records, never half of one, and the
 * next that it gets is USHER_WATCH_LOST.
 *
 * Records may become longer at their end and new kinds of them may come: go on by `size`, pass over
 * a kind that is not known.
 */
#ifndef USHER_WATCH_STREAM_H
#define USHER_WATCH_STREAM_H

#include <stdint.h>

#define USHER_WATCH_PACKET_MAX 65536

enum usher_watch_kind {
	USHER_WATCH_EVENT = 1, /* something happened to `path` */
	/* Records are missing. List anew the directory `path`, with what is in it but not what is
	 * below its directories; with USHER_WATCH_ALL in `flags`, everything below the root. */
	USHER_WATCH_LOST = 2,
	/* Something may have happened in the directory `path` that could not be told by name: list
	 * it anew. */
	USHER_WATCH_RESCAN = 3,
};

/* What happened: one bit or, of changes that were merged, several. The contract's names are these
 * in lower case with "-" for "_". */
enum usher_watch_event {
	USHER_WATCH_CREATE = 1 << 0,
	USHER_WATCH_DELETE = 1 << 1,
	USHER_WATCH_MODIFY = 1 << 2,
	USHER_WATCH_ATTRIB = 1 << 3,
	USHER_WATCH_MOVE = 1 << 4,
	USHER_WATCH_OPEN = 1 << 5,
	USHER_WATCH_OPEN_EXEC = 1 << 6,
	USHER_WATCH_ACCESS = 1 << 7,
	USHER_WATCH_CLOSE_WRITE = 1 << 8,
	USHER_WATCH_CLOSE_NOWRITE = 1 << 9,
	USHER_WATCH_DELETE_SELF = 1 << 10,
	USHER_WATCH_MOVE_SELF = 1 << 11,
	USHER_WATCH_UNMOUNT = 1 << 12,
	USHER_WATCH_MOUNT_ATTACH = 1 << 13,
	USHER_WATCH_MOUNT_DETACH = 1 << 14,
	USHER_WATCH_OPEN_PERM = 1 << 15,
	USHER_WATCH_ACCESS_PERM = 1 << 16,
	USHER_WATCH_EXEC_PERM = 1 << 17,
};

enum usher_watch_flag {
	USHER_WATCH_DIRECTORY = 1 << 0, /* `path` is one */
	USHER_WATCH_ALL = 1 << 1,
};

struct usher_watch_record {
	uint32_t size;   /* of the record, with its paths, to the next one */
	uint16_t kind;   /* enum usher_watch_kind */
	uint16_t flags;  /* enum usher_watch_flag */
	uint64_t clock;  /* rises from record to record; for Since */
	uint64_t usec;   /* CLOCK_REALTIME, when usher read it */
	uint32_t events; /* enum usher_watch_event */
	uint32_t pid;    /* who did it, if the watch asked for it and may know; else 0 */
	uint32_t path_length, old_path_length;
	/* Then path, '\0', old path, '\0': bytes as they are in the file system, relative to the
	 * watched directory, empty for itself; the lengths do not count the zeros. An old path is
	 * there for a move of which both ends are seen. */
};

#endif
