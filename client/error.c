/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names of errors on the bus, and the errno that each of them is. */

#include "error.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "usher.h"

#define OURS "org.usher1.Error."
#define BUS  "org.freedesktop.DBus.Error."

enum { ERRNO_MAX = 4095 }; /* the kernel's */

struct error {
	const char *name;
	int number;
};

/* The contract's closed set. */
static const struct error ours[] = {
	{ "InvalidArgument", EINVAL },
	{ "NotPermitted", EPERM },
	{ "NotFound", ENOENT },
	{ "NotOwner", EACCES },
	{ "Busy", EBUSY },
	{ "LimitExceeded", EDQUOT },
	{ "NotSupported", EOPNOTSUPP },
	{ "Retry", EAGAIN },
	{ "TimedOut", ETIMEDOUT },
	{ "Failed", EIO },
	/* What the kernel says to the same effect; found by number only. */
	{ "NotFound", ESRCH },
	{ "NotFound", ENODEV },
	{ "NotFound", ENOTDIR },
	{ NULL, EIO },
};

static const struct error bus[] = {
	{ "NoMemory", ENOMEM },
	{ "AccessDenied", EPERM },
	{ "AuthFailed", EPERM },
	/* Not EPERM: this is no refusal yet, and a caller can do something about it. */
	{ "InteractiveAuthorizationRequired", ENOKEY },
	{ "ServiceUnknown", EHOSTDOWN },
	{ "NameHasNoOwner", EHOSTDOWN },
	{ "UnknownMethod", ENOSYS },
	{ "UnknownInterface", ENOSYS },
	{ "UnknownProperty", ENOSYS },
	{ "UnknownObject", ENOENT },
	{ "InvalidArgs", EINVAL },
	{ "InvalidSignature", EINVAL },
	{ "LimitsExceeded", EDQUOT },
	{ "NotSupported", EOPNOTSUPP },
	{ "Timeout", ETIMEDOUT },
	{ "TimedOut", ETIMEDOUT },
	{ "NoReply", ETIMEDOUT },
	{ "Disconnected", ENOTCONN },
	{ NULL, EIO },
};

static int lookup(const struct error *table, const char *name) {
	while (table->name && strcmp(table->name, name) != 0)
		table++;
	return -table->number;
}

/* The rest of a name that begins like this, else NULL. */
static const char *after(const char *name, const char *prefix) {
	size_t size = strlen(prefix);

	return strncmp(name, prefix, size) == 0 ? name + size : NULL;
}

/* What sd-bus makes of a number. */
static int lookup_by_name(const char *name) {
	for (int number = 1; number <= ERRNO_MAX; number++)
		if (strcmp(strerrorname_np(number) ?: "", name) == 0)
			return -number;
	return -EIO;
}

int error_to_errno(const char *name, int fallback) {
	const char *rest;

	if (!name)
		return fallback;
	rest = after(name, "System.Error.");
	if (rest)
		return lookup_by_name(rest);
	/* The bus or systemd tried to start the service, and could not. */
	if (after(name, BUS "Spawn.") || after(name, "org.freedesktop.systemd1."))
		return -EHOSTDOWN;
	rest = after(name, OURS);
	if (rest)
		return lookup(ours, rest);
	rest = after(name, BUS);
	return rest ? lookup(bus, rest) : -EIO;
}

const char *usher_errno_name(int error) {
	const struct error *e;

	for (e = ours; e->name; e++)
		if (e->number == abs(error))
			return e->name;
	return "Failed";
}
