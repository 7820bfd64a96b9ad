/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who asks: a connection to the bus, the user and the process behind it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

struct callers;

struct caller {
	struct callers *callers;
	struct caller *next; /* callers::first */
	char *name;          /* the connection's unique name */
	bool known;          /* uid and pidfd are there */
	bool gone;
	bool listens; /* has read properties that change: a subscriber, as long as it is connected
		       */
	uid_t uid;
	int pidfd;
	/* For people who read the journal; nothing is decided by it. The process chose the command,
	 * and may do so again. 0, "" and NULL where nobody knows. */
	pid_t pid, said; /* said by the bus, and nobody has looked yet */
	char command[16], *unit, *session;
	size_t users; /* calls and objects that point here */
	sd_bus_slot *query;
};

/* Told when a caller has become known (0) or cannot be (a negative errno). */
typedef void (*caller_known)(struct caller *caller, int error, void *userdata);

int callers_new(struct callers **ret, sd_bus *bus);
struct callers *callers_free(struct callers *callers);
/* Called for every connection that has gone while it had users or listened. */
void callers_on_gone(struct callers *callers, void (*gone)(struct caller *caller, void *userdata),
		     void *userdata);
/* Whether a caller listens for changes. */
bool callers_listen(const struct callers *callers);

/* The caller of a name, with one more user; NULL when there is no memory. */
struct caller *callers_get(struct callers *callers, const char *name);
/* One user less. Without any, it is remembered for its next call: as long as it is connected, and
 * not too many have called since. */
void caller_release(struct caller *caller);
/* What there is to say about its process, if nobody has looked yet. */
void caller_describe(struct caller *caller);
/* Asks the bus who it is; known is called at once where that is known already. */
int caller_identify(struct caller *caller, caller_known known, void *userdata);
