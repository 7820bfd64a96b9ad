/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is made through the service and stays, an object on the bus: what all kinds of them have in
 * common. A kind is a table of what is different, and its structure begins with a struct object.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "fd.h"
#include "limit.h"
#include "store.h"

struct call;
struct caller;
struct desk;
struct object;

enum { OBJECT_PATH_MAX = 64 };

#define OBJECT_PATH_PREFIX "/org/usher1/"

struct object_kind {
	const char *name;      /* in its path and in systemd's keeping: "namespace" */
	const char *interface; /* behind "org.usher1." */
	size_t size;           /* of its structure */
	const ProtobufCMessageDescriptor *message;
	const ProtobufCMessageDescriptor *reply; /* of what makes one; its first field is the path,
						    "made" the message */
	const ProtobufCMessageDescriptor *other_reply; /* where two methods make one; or NULL */
	const char *fd; /* the field of the reply, or of its "made", that is its descriptor */
	const char *more[STORE_MORE_MAX]; /* and those of what else it has; NULL: nothing */
	const char *socket;               /* of its socket, where it does not stay */
	const char *lifetime;             /* the field of the message that says it */
	const char *end_method;           /* of its interface, by which the worker ends it */
	bool stays; /* the child that makes it keeps its socket, and says more later */
	enum limit limit;
	/* What follows may be NULL but for adopt, begin, end and order.
	 *
	 * Whether the message, and what came with it, can be one; of an earlier life of the service
	 * there is no request. 0, a refusal, or a negative errno. */
	int (*adopt)(struct object *object, const ProtobufCMessage *request);
	/* Has it begin before anybody is told of it, where its child makes nothing and somebody
	 * else does: making_begun() says what became of that, later. 0 or a negative errno. */
	int (*start)(struct object *object);
	/* It is there, and everybody is told: what becomes of it is looked at from now on. */
	void (*begin)(struct object *object);
	/* It shall go: its connection has gone, or nobody wants what was to be made. */
	void (*end)(struct object *object);
	/* Says in the message by what it is found again where no descriptor is left. */
	void (*mark)(struct object *object);
	void (*done)(struct object *object);
	/* Whether it has to do with its connection, although it stays. */
	bool (*needs_connection)(const struct object *object);
	/* Where it stays without; else it is forgotten. */
	void (*lose_connection)(struct object *object);
	/* Fills in what a call of its methods leaves open; 0 or a negative errno. */
	int (*order)(const struct object *object, ProtobufCMessage *request, struct fds *fds);
	/* A method of its own that the worker did has changed it. */
	void (*changed)(struct object *object);
	/* Sees to a call of its owner's, of a method that no child has a part in. */
	void (*answer)(struct object *object, struct call *call);
};

struct object {
	struct object *next; /* objects::first */
	struct objects *objects;
	ProtobufCMessage *message;
	uint64_t number;
	uid_t owner;
	int fd, socket, more[STORE_MORE_MAX];
	struct caller *caller; /* whose connection keeps it, or NULL */
	bool hidden;           /* is being made: nobody is told yet */
	bool orphan;           /* shall go */
	bool leaving;          /* an order of ours that ends it is under way */
	bool saved;            /* its message is a file */
	bool unkept;           /* systemd has nothing of it, yet or any more */
	bool renewed;          /* its message in systemd's keeping is a second one */
};

struct objects {
	const struct object_kind *kind;
	struct desk *desk;
	struct object *first;
	uint64_t last_number;
	size_t leaving;
	sd_event_source *again;
};

enum kind {
	KIND_MOUNT,
	KIND_NAMESPACE,
	KIND_PROCESS,
	KIND_TRAP,
	KIND_TIMER,
	KIND_WATCH,
	KIND_MONITOR,
	_KIND_MAX
};

/* Those of each kind, at the beginning. */
void objects_init(struct objects objects[_KIND_MAX], struct desk *desk);
/* Takes back what an earlier life of the service kept. */
int objects_load(struct objects *objects);
/* Leaves it to a later one, for which systemd may not keep it. */
void objects_save(const struct objects *objects);
void objects_done(struct objects *objects);

/* What a child is about to make becomes an object, whose path is put into the reply: kept before it
 * is there, so that there is never anything of which nobody knows, and shown after that. What
 * others have begin is kept when it has begun: of what nobody knows any more they are told so when
 * they speak of it. socket is the child's, or -1. */
int objects_expect(struct objects *objects, struct caller *caller, const ProtobufCMessage *request,
		   ProtobufCMessage *reply, const struct fds *fds, int socket, struct object **ret);
/* Has systemd keep it; 0 or a negative errno. */
int object_keep(struct object *object);
/* What a reply says of it, or NULL. */
const ProtobufCMessage *objects_made(const ProtobufCMessage *reply);
void object_show(struct object *object);
/* Writes its message down in a file: of one that will not change any more. 0 or a negative errno.
 */
int object_save(struct object *object);
/* What systemd has of one that is saved is not needed any more. */
void object_let_go(struct object *object);
/* It has gone, or nothing is to be known of it any more. */
void object_remove(struct object *object);
/* Its kind's way to have it go. */
void object_end(struct object *object);
/* Has the worker end it, by a method of the object's own that is called with `request`; again and
 * again until it has gone. */
void object_order_end(struct object *object);
bool object_goes_with_connection(const struct object *object);
/* A signal of its interface's, for the connection that it goes with alone; for everybody, where it
 * goes with none. NULL when there is no memory. */
sd_bus_message *object_signal(const struct object *object, const char *member);
/* Ends what a connection kept. */
void objects_drop_caller(struct objects *objects, const struct caller *caller);

struct object *objects_find(const struct objects *objects, uint64_t number);
/* By its path; what nobody has been told of yet is not found. */
struct object *objects_find_path(const struct objects *objects, const char *path);
void object_path(const struct object *object, char ret[OBJECT_PATH_MAX]);
