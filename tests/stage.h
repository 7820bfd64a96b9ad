/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A stage for the broker: a private bus with a caller on it, a polkit that says what the test
 * wants, and a worker that does what the test wants, all in one event loop.
 */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "call.h"
#include "door-bus.h"
#include "support.h"

enum polkit {
	POLKIT_ABSENT,
	POLKIT_YES,
	POLKIT_NO,
	POLKIT_CHALLENGE, /* somebody could be asked: yes only if that was allowed */
	POLKIT_SILENT,
	POLKIT_LATE, /* silent for too long */
	POLKIT_ERROR,
	POLKIT_NONSENSE,
};

enum { CHILDREN_MAX = 70, UNLIKELY_ID = 7700077 };

/*
 * What a child of the worker says, one word after the other:
 *
 *   find=TIER      a finding; with "+id" behind it, one that names the mount UNLIKELY_ID; with
 * "+why", one that says why it is the administrator's done=TIER      an outcome with a finding in
 * it, and an empty reply grant          waits for the grant told           waits until the caller
 * has been told something gone           waits until the broker knows that the caller has left
 *   leave          the caller leaves
 *   asked          waits until polkit has been asked
 *   ok             an outcome, with an empty reply of the right kind
 *   made=LIFETIME  the announcement of what the order makes: a mount, or namespaces or a process,
 *                  for which there is a process then; a watch is the outcome
 *   announces      and from here on it is announced, too
 *   rootless       and comes without the root of its file system, if there is any watcher
 *   later          waits until the test says so
 *   go             waits for the second grant, which answers that
 *   end            that process ends
 *   ended=HOW:N    tells that it has
 *   eof            waits until the broker says that it will say nothing more
 *   said           an outcome without a reply, after an announcement
 *   done           the same, and closes
 *   where          an outcome with a namespace that is to be looked at, and the rights for that
 *   list           an outcome with a mount table, of the mount UNLIKELY_ID alone
 *   code=N         an outcome that is a failure, with the text "because"; with "+gone" behind it,
 * one that says that nothing is there of what was announced bad            an outcome whose reply
 * is garbage garbage empty other   a frame that is none, of no bytes, or of another kind die closes
 *   hang           says nothing more, ever
 */
struct child {
	struct stage *stage;
	int fd;
	sd_event_source *source;
	const char *script; /* what is left of it */
	bool announces, rootless;
	Usher__Order *order;
	struct fds fds;
	const struct operation *operation;
	ProtobufCMessage *request;
	unsigned grants;
	pid_t process;
	bool eof;
};

struct stage {
	sd_event *event;
	struct desk desk;
	struct door_bus *door;
	size_t descriptors;

	sd_bus *client;
	uid_t uid;
	bool client_gone;

	sd_bus *polkit_bus;
	enum polkit polkit;
	size_t questions, cancelled;
	sd_bus_message *question; /* the last one that was not answered */
	bool asked_interactively;
	char action[96], subject[64], details[512];

	int worker; /* the worker's end of the pair */
	sd_event_source *worker_source;
	const char *scripts[CHILDREN_MAX]; /* of each child, in the order of their coming */
	struct child children[CHILDREN_MAX];
	size_t n_children;
	bool later;
	const char *detail[2]; /* one more of each finding: key and value */
	uint64_t further;      /* than UNLIKELY_ID: the id of a mount that is announced */

	/* what the callers were told, through the door of call_begin() */
	size_t answers, refusals, ends;
	int code;
	char sentence[512];
	ProtobufCMessage *reply; /* the last, with its descriptors */
	struct fds received;
};

/* The bus that all stages of a program share, for cmocka_run_group_tests(). */
int stages_begin(void **state);
int stages_end(void **state);

/* as_root: the caller is root, where this process is. */
void stage_new(struct stage *stage, enum polkit polkit, bool as_root);
/* Also fails where a descriptor was lost. */
void stage_free(struct stage *stage);
/* Puts the broker's interfaces on the bus. */
void stage_open_door(struct stage *stage);
/* One more connection of the same user. */
sd_bus *stage_connect(struct stage *stage, bool as_root);
void stage_leave(struct stage *stage);

/* Answers a silent polkit's last question: yes. */
void stage_allow(struct stage *stage);

/* Begins a call of the client's, answered to the stage. */
void stage_call(struct stage *stage, const char *operation, const char *fields, bool interactive,
		uint64_t object);
/* Who is at a connection, as the broker knows it; to be released, or taken by stage_call_of(),
 * which begins a call of that one's. */
struct caller *stage_caller(struct stage *stage, sd_bus *bus);
void stage_call_of(struct stage *stage, struct caller *caller, const char *operation,
		   const char *fields, bool interactive, uint64_t object);
/* How many entries the broker has made in the journal; whether one has a field, with a value or
 * (NULL) with any; and all of it, for a message. */
size_t stage_log_lines(void);
bool stage_log_has(size_t entry, const char *field, const char *value);
const char *stage_log_entry(size_t entry);
uint64_t stage_log_number(size_t entry, const char *field);
/* Runs until no call is left, and nothing more happens; fails if that takes long. */
void stage_settle(struct stage *stage);
/* Runs until a condition holds. */
#define stage_until(stage, condition)                                         \
	do {                                                                  \
		for (int _turns = 0; !(condition); _turns++) {                \
			if (_turns > 6000)                                    \
				fail_msg("this never happened: " #condition); \
			stage_turn(stage);                                    \
		}                                                             \
	} while (0)
void stage_turn(struct stage *stage);
