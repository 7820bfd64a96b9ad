/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "overview.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "instant.h"

/* What it takes, about: of an object all its properties, or its name alone; and a question, with
 * what goes before and after, at most. Of that a user is charged one part of so many, which leaves
 * him a fifth of the time: who looks at a few objects ever again is no flood. */
enum { QUESTION_NSEC = 800000, OBJECT_NSEC = 80000, NAME_NSEC = 2000, PARTS = 4 };

static size_t count(const struct desk *desk) {
	size_t n = 0;

	for (enum kind kind = 0; kind < _KIND_MAX; kind++)
		for (const struct object *object = desk->objects[kind].first; object;
		     object = object->next)
			n++;
	return n;
}

/* Below an object there is nothing. */
static bool is_object(const char *path) {
	const char *name = path ? strrchr(path, '/') : NULL;

	return name && name[1] >= '0' && name[1] <= '9';
}

/* 0 of all other messages. */
static uint64_t charge_of(sd_bus_message *message, const struct desk *desk) {
	uint64_t nsec;

	if (sd_bus_message_is_method_call(message, "org.freedesktop.DBus.ObjectManager",
					  "GetManagedObjects") > 0)
		nsec = OBJECT_NSEC;
	else if (sd_bus_message_is_method_call(message, "org.freedesktop.DBus.Introspectable",
					       "Introspect") > 0 &&
		 !is_object(sd_bus_message_get_path(message)))
		nsec = NAME_NSEC;
	else
		return 0;
	return (QUESTION_NSEC + nsec * count(desk)) / PARTS;
}

static int refuse(sd_bus_message *message) {
	_cleanup_free_ char *sentence =
		refusal_sentence(REFUSED_RETRY, "all objects were asked for too often of late: "
						"ask again in a second or two");
	int r = sd_bus_reply_method_errorf(message, refusal_name(REFUSED_RETRY), "%s",
					   sentence ?: "");

	return r < 0 ? r : 1;
}

/* What was asked before it was known who asks. */
struct early {
	struct desk *desk;
	uint64_t charge;
};

static void on_known(struct caller *caller, int error, void *userdata) {
	struct early *early = userdata;

	if (error == 0 && early->charge > 0)
		effort_add(&early->desk->overviews, caller->uid, early->charge, instant_usec());
	free(early);
	caller_release(caller);
}

/* The caller is taken. Who it is will be known when it asks again. */
static void identify(struct caller *caller, struct desk *desk, uint64_t charge) {
	struct early *early = malloc(sizeof *early);

	if (early)
		*early = (struct early){ desk, charge };
	if (early && caller_identify(caller, on_known, early) >= 0)
		return;
	free(early);
	caller_release(caller);
}

static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *error) {
	struct desk *desk = userdata;
	uint64_t charge = charge_of(message, desk), now = instant_usec();
	struct caller *caller;
	uid_t uid;
	bool spent;

	if (charge == 0 || desk->session)
		return 0;
	if (sd_bus_message_get_expect_reply(message) <= 0)
		return 1;
	caller = callers_get(desk->callers, sd_bus_message_get_sender(message));
	if (!caller)
		return -ENOMEM;
	uid = caller->known ? caller->uid : EFFORT_UNKNOWN;
	spent = effort_is_spent(&desk->overviews, uid, now);
	if (!spent)
		effort_add(&desk->overviews, uid, charge, now);
	if (caller->known)
		caller_release(caller);
	else
		identify(caller, desk, spent ? 0 : charge);
	return spent ? refuse(message) : 0;
}

int overview_guard(struct desk *desk, sd_bus_slot **ret) {
	return sd_bus_add_filter(desk->bus, ret, on_message, desk);
}
