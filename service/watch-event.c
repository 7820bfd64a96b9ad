/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "watch-event.h"

#include <string.h>

#include "interfaces/watch-stream.h"

static const struct {
	const char *name;
	uint32_t event;
} known[] = {
	{ "create", USHER_WATCH_CREATE },
	{ "delete", USHER_WATCH_DELETE },
	{ "modify", USHER_WATCH_MODIFY },
	{ "attrib", USHER_WATCH_ATTRIB },
	{ "move", USHER_WATCH_MOVE },
	{ "open", USHER_WATCH_OPEN },
	{ "open-exec", USHER_WATCH_OPEN_EXEC },
	{ "access", USHER_WATCH_ACCESS },
	{ "close-write", USHER_WATCH_CLOSE_WRITE },
	{ "close-nowrite", USHER_WATCH_CLOSE_NOWRITE },
	{ "delete-self", USHER_WATCH_DELETE_SELF },
	{ "move-self", USHER_WATCH_MOVE_SELF },
	{ "unmount", USHER_WATCH_UNMOUNT },
	{ "mount-attach", USHER_WATCH_MOUNT_ATTACH },
	{ "mount-detach", USHER_WATCH_MOUNT_DETACH },
	{ "open-perm", USHER_WATCH_OPEN_PERM },
	{ "access-perm", USHER_WATCH_ACCESS_PERM },
	{ "exec-perm", USHER_WATCH_EXEC_PERM },
};

enum { KNOWN = sizeof known / sizeof *known };

uint32_t watch_event_find(const char *name) {
	for (size_t i = 0; i < KNOWN; i++)
		if (strcmp(known[i].name, name) == 0)
			return known[i].event;
	return 0;
}

const char *watch_event_name(uint32_t event) {
	for (size_t i = 0; i < KNOWN; i++)
		if (known[i].event == event)
			return known[i].name;
	return NULL;
}
