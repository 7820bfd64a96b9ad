/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "leavers.h"

#include <string.h>
#include <systemd/sd-login.h>

#include "call.h"
#include "watches.h"

static int on_user_removed(sd_bus_message *message, void *userdata, sd_bus_error *error) {
	struct desk *desk = userdata;
	uint32_t uid;

	if (sd_bus_message_read(message, "uo", &uid, NULL) > 0)
		watches_drop_user(&desk->objects[KIND_WATCH], uid);
	return 0;
}

static bool is_here(uid_t uid) {
	_cleanup_free_ char *state = NULL;

	return sd_uid_get_state(uid, &state) < 0 || strcmp(state, "offline") != 0;
}

/* Those of who left while nobody was here to be told. */
static void drop_leavers(struct objects *watches) {
	uid_t uid;

	for (struct object *object = watches->first, *next; object; object = next) {
		next = object->next;
		if (watch_session_of(object, &uid) && !is_here(uid))
			object_end(object);
	}
}

int leavers_begin(struct desk *desk, sd_bus_slot **ret) {
	int r = sd_bus_add_match_async(desk->bus, ret,
				       "type='signal',sender='org.freedesktop.login1',"
				       "path='/org/freedesktop/login1',"
				       "interface='org.freedesktop.login1.Manager',"
				       "member='UserRemoved'",
				       on_user_removed, NULL, desk);

	if (r >= 0)
		drop_leavers(&desk->objects[KIND_WATCH]);
	return r;
}
