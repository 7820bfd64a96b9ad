/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "host-name.h"

#include <string.h>

int host_name_check(const char *argument, const char *name, struct refusal *refusal) {
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

	if (strcmp(name, "(none)") == 0)
		return 0;
	if (!*name)
		return refusal_note(refusal, REFUSED_INVALID, "%s: an empty name", argument);
	if (strlen(name) > HOST_NAME_LONGEST)
		return refusal_note(refusal, REFUSED_INVALID, "%s: longer than %d bytes", argument,
				    HOST_NAME_LONGEST);
	if (name[strspn(name, allowed)])
		return refusal_note(
			refusal, REFUSED_INVALID,
			"%s: '%s' has other characters than letters, digits, '-', '_' and '.'",
			argument, name);
	return 0;
}
