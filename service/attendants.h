/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processes that look after objects of a kind, one for all objects that have the same key. systemd
 * keeps what one needs to go on: the connection to it, which outlives the broker, and its own
 * descriptors, which outlive it. It is started with its first object and let go with the last.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct attendant;
struct desk;
struct fds;
struct launcher;
struct object;
struct objects;

enum { ATTENDANT_OWN_MAX = 3 };

/* What is different. Reports are messages of `report`; those of an object say its number. */
struct attendant_kind {
	const char *name; /* in systemd's keeping */
	const char *what; /* for the journal, before its key: "watcher of" */
	unsigned objects; /* which kind of these it looks after */
	const ProtobufCMessageDescriptor *report;
	const char *dies_again; /* why its objects go then */
	int (*connect)(const struct launcher *launcher);
	/* Tells a new one what it is for; 0, or a negative errno. */
	int (*begin)(const struct attendant *attendant);
	/* Whether a report is of none of the objects, but brings what is to be kept for it: which
	 * one that goes on where another one was waits for, before it is told of its objects. NULL:
	 * there is none, nor anything to be kept but the connection. */
	bool (*is_own)(const ProtobufCMessage *report);
	int (*take_own)(struct attendant *attendant, const ProtobufCMessage *report,
			const struct fds *fds);
	/* That it need not look after this one any more. */
	int (*dismiss)(const struct attendant *attendant, uint64_t number);

	/* Of the objects: by what they share one; whether it has been told of this; what it has to
	 * be told; that it has gone, and that there will be none; what it says, of which one, and
	 * whether there is such a one. */
	const char *(*key)(const struct object *object);
	bool (*is_told)(const struct object *object);
	int (*introduce)(struct object *object, int connection);
	void (*lose)(struct object *object);
	void (*give_up)(struct object *object, const char *why);
	uint64_t (*number)(const ProtobufCMessage *report);
	bool (*heed)(struct objects *objects, const ProtobufCMessage *report);
};

struct attendants {
	const struct attendant_kind *kind;
	struct desk *desk;
	struct attendant *first;
	uint64_t last_number;
};

/* Takes back those of an earlier life of the service, before its objects. 0 or a negative errno. */
int attendants_load(struct attendants *attendants);
/* Lets those go that look after nothing, when all objects are there. */
void attendants_tidy(struct attendants *attendants);
void attendants_done(struct attendants *attendants);
/* How many descriptors systemd keeps for them. */
size_t attendants_kept(const struct attendants *attendants);

/* Has an object looked after, which begins sooner or later: its kind's heed() is told. */
int attendants_add(struct attendants *attendants, struct object *object);
/* Something else about it. -EAGAIN where it cannot be heard now. */
int attendants_order(const struct attendants *attendants, const struct object *object,
		     const ProtobufCMessage *order);
/* It is not among the objects any more, or about to go. */
void attendants_remove(struct attendants *attendants, const struct object *object);

/* ---- for the kinds ---- */

const char *attendant_key(const struct attendant *attendant);
int attendant_connection(const struct attendant *attendant);
/* Any one of its objects, or NULL. */
struct object *attendant_any(const struct attendant *attendant);
/* What systemd keeps for it besides the connection: descriptors, or -1. */
int attendant_own(const struct attendant *attendant, size_t i);
void attendant_set_own(struct attendant *attendant, size_t i, int fd);
/* From here on it goes on when we are killed. 0 or a negative errno. */
int attendant_keep(struct attendant *attendant);
bool attendant_is_kept(const struct attendant *attendant);
/* The one after another, or the first after NULL; NULL at the end. */
const struct attendant *attendants_next(const struct attendants *attendants,
					const struct attendant *attendant);
