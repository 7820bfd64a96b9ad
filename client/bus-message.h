/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A message of D-Bus. The functions are those of sd-bus by the same names, as far as they are
 * needed here, and mean the same.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus-signature.h"
#include "cleanup.h"

/* What may be sent: of bytes the specification says so, of descriptors the kernel. */
enum { MESSAGE_SIZE_MAX = 128 << 20, ARRAY_SIZE_MAX = 64 << 20, MESSAGE_FDS_MAX = 253 };

/* The part of each message that tells how long the others are. */
enum { MESSAGE_START = 16 };

enum bus_message_kind { BUS_CALL = 1, BUS_RETURN, BUS_ERROR, BUS_SIGNAL };

enum { BUS_NO_REPLY = 1, BUS_INTERACTIVE = 4 };

/* What a head tells. */
enum bus_field {
	BUS_FIELD_PATH = 1,
	BUS_FIELD_INTERFACE,
	BUS_FIELD_MEMBER,
	BUS_FIELD_ERROR,
	BUS_FIELD_REPLY_SERIAL,
	BUS_FIELD_DESTINATION,
	BUS_FIELD_SENDER,
	BUS_FIELD_SIGNATURE,
	BUS_FIELD_FDS,
};

struct bus_buffer {
	uint8_t *bytes;
	size_t size, room; /* no room: the bytes are somebody else's */
};

/* One container that is open. */
struct bus_level {
	char type; /* of the container, as to enter it; 0: it is the message */
	const char *signature, *next, *end; /* of what is inside, and from what comes next on */
	size_t begin, limit;                /* in the body: of an array's elements */
};

struct bus_message {
	uint8_t kind, flags;
	bool has_come; /* or was made here */
	uint32_t serial, reply_serial, fds_count;
	const char *path, *interface, *member, *error_name, *sender;
	struct bus_buffer head, body;
	char signature[SIGNATURE_MAX + 1]; /* of a message that is being made */
	int *fds;                          /* those that have come are the message's own */
	size_t at;                         /* where in the body reading has come to */
	struct bus_level levels[SIGNATURE_DEPTH_MAX + 1];
	unsigned depth;
	struct bus_message *next; /* of those that wait */
};

struct bus_message *bus_message_free(struct bus_message *m);

static inline void bus_message_freep(struct bus_message **m) {
	bus_message_free(*m);
}

/* ---- one that is made; see bus-message.c ---- */

int bus_message_new_call(const char *destination, const char *path, const char *interface,
			 const char *member, struct bus_message **ret);
/* An answer to a call that nobody here understands. */
int bus_message_new_refusal(const struct bus_message *call, struct bus_message **ret);

/* `value` is a text, or where a number is. Descriptors are borrowed until the message is sent. */
int bus_message_append_basic(struct bus_message *m, char type, const void *value);
/* Of basic types, variants (a signature, then its values), and what is in brackets or braces. */
int bus_message_append(struct bus_message *m, const char *types, ...);
int bus_message_append_list(struct bus_message *m, const char *types, va_list arguments);
int bus_message_append_array(struct bus_message *m, char type, const void *bytes, size_t size);
int bus_message_open_container(struct bus_message *m, char type, const char *contents);
int bus_message_close_container(struct bus_message *m);

/* Nothing more is appended: its head says what has been, and this number. */
int bus_message_seal(struct bus_message *m, uint32_t serial);

bool bus_message_path_is_valid(const char *path);

/* ---- one that has come; see bus-head.c and bus-read.c ---- */

/* How long the message is that begins like this; -EBADMSG: none does. */
int bus_message_size(const uint8_t start[static MESSAGE_START], size_t *ret);
/* Takes the bytes of a whole message, from malloc(), if it understands them. */
int bus_message_parse(uint8_t *bytes, size_t size, struct bus_message **ret);

/* 1; 0 at the end of an array; -ENXIO where the message has something else; or -EBADMSG. */
int bus_message_read_basic(struct bus_message *m, char type, void *ret);
int bus_message_read(struct bus_message *m, const char *types, ...);
int bus_message_read_bytes(struct bus_message *m, const void **ret, size_t *ret_size);
int bus_message_enter_container(struct bus_message *m, char type, const char *contents);
/* -EBUSY: there is more in it. */
int bus_message_exit_container(struct bus_message *m);
int bus_message_skip(struct bus_message *m, const char *types);
/* To the beginning. */
void bus_message_rewind(struct bus_message *m);
/* Whether the container ends here, or the message. */
bool bus_message_at_end(const struct bus_message *m);
/* The type that is in the variant which comes next. */
int bus_message_peek_variant(struct bus_message *m, const char **ret_signature);
