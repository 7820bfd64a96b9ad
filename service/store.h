/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What outlives the service: systemd keeps, for every object, a sealed memfd with its message, a
 * descriptor and a socket if it has them, all by the name "KIND-NUMBER"; what more there is by
 * names of their own, "KIND-NUMBER-more" and the like, and with it a second message,
 * "KIND-NUMBER-new", which counts instead of the first, if the object is not any more what it was.
 *
 * A stop empties that store (before systemd 254 nothing can be done about it), so a service that
 * ends in good order also leaves the messages as files in its runtime directory; descriptors are
 * not saved. What has no descriptors any more may be there from the beginning: for systemd, each
 * that it keeps makes the next one cost more. A file counts instead of what systemd has.
 *
 * Nobody waits until systemd has taken something. What it is told lies, with its descriptors, in a
 * queue of its own when sendmsg(2) returns, and stays there whatever becomes of us: systemd reads
 * that queue before it hears of children that have ended, so that it still knows whose the words of
 * one that was killed are, and hands the queue on when it executes itself anew.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What systemd keeps for us: FileDescriptorStoreMax= of the unit. More cannot be: their names come
 * back in one environment variable, and the kernel limits that to 128 KiB. */
enum { STORE_DESCRIPTORS_MAX = 4096 };

enum { STORE_MORE_MAX = 3 };

/* What an object has besides its message; -1 for what it has not. */
struct store_descriptors {
	int fd; /* of whatever kind, but no socket, nor a file in memory, which could be sealed */
	int socket;
	int more[STORE_MORE_MAX]; /* of any kind */
};

#define STORE_NO_DESCRIPTORS ((struct store_descriptors){ -1, -1, { -1, -1, -1 } })

/* Where no systemd listens, these do nothing. The descriptors stay the caller's. 0 or a negative
 * errno. */
int store_keep(const char *kind, uint64_t number, const ProtobufCMessage *message,
	       const struct store_descriptors *descriptors);
/* The message of one that has more than a descriptor and a socket has changed. The descriptors
 * stay where they are. */
int store_renew(const char *kind, uint64_t number, const ProtobufCMessage *message);
/* Another one of what more there is. */
int store_replace(const char *kind, uint64_t number, size_t more, int fd);
void store_forget(const char *kind, uint64_t number);
/* Of an object that had more than a descriptor and a socket: these, and a second message if it was
 * renewed. Whatever systemd is told costs it as much as what it is told to keep. */
void store_forget_more(const char *kind, uint64_t number, const int had[static STORE_MORE_MAX],
		       bool renewed);
/* As a file: at the end of the service, or of what the object stands for. 0 or a negative errno,
 * -ENOENT where there is no place for it. */
int store_save(const char *kind, uint64_t number, const ProtobufCMessage *message);
/* The file; whether there was one. */
bool store_forget_saved(const char *kind, uint64_t number);

/* Descriptors that are no object's, by a name without a number: all of them at once, and in an
 * order that the taker has to find out. How many came back, at most n. */
int store_keep_named(const char *name, const int *fds, size_t n);
size_t store_take_named(const char *name, int *ret_fds, size_t n);

/* Takes the message and the descriptors. -EBADMSG where the message is no object: then it is
 * forgotten. */
typedef int (*store_take)(void *userdata, ProtobufCMessage *message,
			  struct store_descriptors *descriptors);

/* Hands over every object of a kind that an earlier life of the service kept. What cannot be read
 * is forgotten. 0 or a negative errno. */
int store_load(const char *kind, const ProtobufCMessageDescriptor *descriptor, store_take take,
	       void *userdata);
