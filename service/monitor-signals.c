/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "monitor-signals.h"

#include <errno.h>

#include "call.h"
#include "client/usher.h"
#include "interfaces/netlink-records.h"
#include "object.h"
#include "row-bus.h"
#include "row.h"

/* A signal in the making. */
struct telling {
	const struct object *object;
	sd_bus_message *message; /* NULL: none has been begun */
	int sent;
};

static int dispatch(struct telling *telling, sd_bus_message *message) {
	int r = sd_bus_send(telling->object->objects->desk->bus, message, NULL);

	telling->sent += r >= 0;
	return r;
}

static int begin(struct telling *telling) {
	telling->message = object_signal(telling->object, "Changed");
	if (!telling->message)
		return -ENOMEM;
	return sd_bus_message_open_container(telling->message, 'a', "(ssa{sv})");
}

static int finish(struct telling *telling) {
	int r = 0;

	if (telling->message)
		r = sd_bus_message_close_container(telling->message);
	if (telling->message && r >= 0)
		r = dispatch(telling, telling->message);
	telling->message = sd_bus_message_unref(telling->message);
	return r;
}

static int tell_gap(struct telling *telling, uint64_t lost) {
	int r = finish(telling);
	sd_bus_message *message = r < 0 ? NULL : object_signal(telling->object, "Gap");

	if (!message)
		return r < 0 ? r : -ENOMEM;
	r = sd_bus_message_append(message, "t", lost);
	if (r >= 0)
		r = dispatch(telling, message);
	sd_bus_message_unref(message);
	return r;
}

static const char *action_of(const struct usher_row *row) {
	switch (row->action) {
	case USHER_NETLINK_CHANGE: return "change";
	case USHER_NETLINK_DEL: return "del";
	case USHER_NETLINK_SYNCED: return "synced";
	default: return "new";
	}
}

static int append(struct telling *telling, const struct usher_row *row) {
	static const Usher__Row none = USHER__ROW__INIT;
	bool synced = row->action == USHER_NETLINK_SYNCED;
	Usher__Row *members = NULL;
	int r = synced ? 0 : row_of(row, &members);

	if (r >= 0 && !telling->message)
		r = begin(telling);
	if (r >= 0)
		r = sd_bus_message_open_container(telling->message, 'r', "ssa{sv}");
	if (r >= 0)
		r = sd_bus_message_append(telling->message, "ss", action_of(row),
					  synced ? "" : row->type);
	if (r >= 0)
		r = row_bus_append(telling->message, members ?: &none, NULL);
	if (r >= 0)
		r = sd_bus_message_close_container(telling->message);
	if (members)
		usher__row__free_unpacked(members, NULL);
	return r;
}

/* A report has no end of its own. */
int monitor_signals_send(const struct object *object, const uint8_t *blocks, size_t size) {
	struct telling telling = { .object = object };
	struct usher_rows *rows = NULL;
	struct usher_row row;
	int r = usher_rows_read(blocks, size, &rows);

	while (r >= 0 && (r = usher_rows_next(rows, &row)) > 0)
		r = row.action == USHER_NETLINK_GAP ? tell_gap(&telling, row.lost)
						    : append(&telling, &row);
	usher_rows_close(rows);
	if (r >= 0 || r == -ENODATA)
		r = finish(&telling);
	sd_bus_message_unref(telling.message);
	return r < 0 ? r : telling.sent;
}

void monitor_signals_vanished(const struct object *object) {
	sd_bus_message *message = object_signal(object, "Vanished");

	if (message)
		(void)sd_bus_send(object->objects->desk->bus, message, NULL);
	sd_bus_message_unref(message);
}
