/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The connection to a bus: as much of D-Bus as a client of one service needs. Of a library that
 * does all of it, a program that makes one call would be longer loading than calling; see
 * docs/performance.md.
 */
#pragma once

#include "bus-message.h"

struct bus_connection;
struct bus_slot;

/* What has been heard: an answer, NULL if the connection was lost before there was one; or a
 * signal. It must not free any slot. */
typedef void (*bus_hear)(struct bus_message *m, void *userdata);

struct bus_error {
	char *name, *message;
};

void bus_error_done(struct bus_error *error);
/* Of a message that is one. */
void bus_error_read(struct bus_message *m, struct bus_error *ret);

/* A connected socket by a path, or by addresses as D-Bus writes them: the first that works. */
int bus_address_connect(const char *addresses, int *ret_fd);

/* Waits until the bus has let us in, or has not. */
int bus_connection_open(const char *addresses, struct bus_connection **ret);
/* On a socket of which the other end is the service itself; takes it. */
int bus_connection_adopt(int fd, struct bus_connection **ret);
struct bus_connection *bus_connection_close(struct bus_connection *c);

/* The name the bus calls us by; NULL: there is no bus in between. */
const char *bus_connection_name(const struct bus_connection *c);
/* What becomes readable when there is something to process; -ENOTCONN. */
int bus_connection_fd(const struct bus_connection *c);

/*
 * Sends a message, and waits for its answer; `usec` of UINT64_MAX is for ever. Of an error that
 * came as the answer, `error` tells; the number is -EIO then. Others: -ETIMEDOUT; -ECONNRESET where
 * the connection is lost meanwhile, -ENOTCONN where it was before; -ECHILD in another process.
 */
int bus_connection_call(struct bus_connection *c, struct bus_message *m, uint64_t usec,
			struct bus_error *error, struct bus_message **ret_reply);
/* The same, for arguments as to bus_message_append(), with the time that is usual. */
int bus_connection_ask(struct bus_connection *c, const char *destination, const char *path,
		       const char *interface, const char *member, struct bus_error *error,
		       struct bus_message **ret_reply, const char *types, ...);
/* What the bus knows of who has a name. */
int bus_connection_ask_bus(struct bus_connection *c, const char *method, const char *name,
			   struct bus_message **ret_reply);
/* Sends it, and has the answer heard when it is processed. */
int bus_connection_begin(struct bus_connection *c, struct bus_message *m, bus_hear hear,
			 void *userdata, struct bus_slot **ret);
/* The signals of an object, or those by one name; the texts are borrowed. */
int bus_connection_match(struct bus_connection *c, const char *path, const char *interface,
			 const char *member, bus_hear hear, void *userdata, struct bus_slot **ret);
/* Before the connection is closed, or after. */
struct bus_slot *bus_slot_free(struct bus_slot *slot);

/* One message that has come: 1; 0 where there is none; or a negative errno: the connection is lost.
 */
int bus_connection_process(struct bus_connection *c);
