/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One socket to the kernel's tables, made for one query in the network namespace that the process
 * is in at that moment. What the kernel answers is believed only if it is the kernel's and ours,
 * and an error is one wherever in the answer it stands.
 */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The system calls of one, besides recvmsg(2) and those for memory. */
#define EXCHANGE_SYSCALLS SYS_bind, SYS_getsockname, SYS_sendto, SYS_setsockopt, SYS_socket

enum { EXCHANGE_TEXT_MAX = 512 };

/* What the kernel says at the end of an answer. */
struct exchange_verdict {
	int code;                     /* 0 or a negative errno */
	char text[EXCHANGE_TEXT_MAX]; /* its extended acknowledgement, or empty */
	uint32_t offset;  /* of what is wrong in the request, from its header on; 0: not told */
	uint32_t missing; /* the number of an attribute that has to be there, */
	uint32_t within;  /* and the offset of the one that it has to be in; 0: not told */
};

struct exchange {
	int fd; /* -1: closed */
	uint32_t port, sequence;
	uint8_t *buffers[2]; /* of which one has the last datagram, the other the one before */
	size_t sizes[2];
	unsigned turn;
	unsigned most; /* datagrams of a dump, and then -EFBIG; 0: any number */
	bool primed;   /* there has been an answer */
	bool of_dump;  /* what is being answered */
	bool of_one;   /* by a message that is not followed by a word that it was the last */
	bool over;
	bool seen; /* the next datagram, which is not taken in again */

	/* Of the last answer: */
	struct exchange_verdict verdict;
	bool stopped;       /* before its end, by who took it */
	bool interrupted;   /* the kernel says that things have changed meanwhile */
	bool ended_alone;   /* its end came without a row beside it */
	unsigned datagrams; /* that had rows */
	unsigned same;      /* so often has the last one come again */
};

/* Takes a message of an answer: 0, 1 to have no more of them, or a negative errno. */
typedef int exchange_each(void *data, const struct nlmsghdr *message);

/* A fresh one. 0 or a negative errno. */
int exchange_open(struct exchange *exchange, int protocol);
/* Fine also after exchange_open() has failed, or twice. */
void exchange_close(struct exchange *exchange);

/* Instead of closing it, for the next one who asks of the same protocol, in the same namespace and
 * with the same rights; if there is nothing more to come. `kept` is initialised, or closed. */
void exchange_put_by(struct exchange *exchange, struct exchange *kept);

/* Sends a request, whose sequence, port and flags are filled in, and has `each` take every message
 * of the answer. 0, or a negative errno: that of `each`, or the kernel's, which is then the
 * verdict's, too; there may have been messages before. After it was stopped nothing more can be
 * asked, since the rest is still to come. */
int exchange_dump(struct exchange *exchange, struct nlmsghdr *request, exchange_each *each,
		  void *data);
/* The same for what has few answers, or none but that it was done. `each` may be NULL. */
int exchange_do(struct exchange *exchange, struct nlmsghdr *request, exchange_each *each,
		void *data);

/* The same for what has one answer. */
int exchange_look_up(struct exchange *exchange, struct nlmsghdr *request, exchange_each *each,
		     void *data);

/* A dump in steps. A step takes what one datagram has: 1 if there is more to come, 0 after the
 * last, or a negative errno; with MSG_DONTWAIT also -EAGAIN, and then it can be tried again. */
int exchange_begin(struct exchange *exchange, struct nlmsghdr *request);
int exchange_step(struct exchange *exchange, int flags, exchange_each *each, void *data);

/* Instead of exchange_begin(), on a fresh exchange, where somebody waits for the first rows: takes
 * in a few of them. 1 if there is more to come, by exchange_hear(), or in steps; 0 if that was all;
 * a negative errno, of which -ENODATA says that there was no row, and that it may be for want of
 * room: then nothing has been taken in, and a dump has to be asked for. */
int exchange_glance(struct exchange *exchange, struct nlmsghdr *request, exchange_each *each,
		    void *data);
int exchange_hear(struct exchange *exchange, exchange_each *each, void *data);

/* The number of a family of generic netlink, for which the exchange must be. 0 or a negative errno,
 * -ENOENT if this kernel has none of that name. */
int exchange_find_family(struct exchange *exchange, const char *name, uint16_t *ret);
