/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "namespace-name.h"

#include <string.h>

int namespace_name_check(const char *name, struct refusal *refusal) {
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
			  others[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789-_.";

	if (strlen(name) > NAMESPACE_NAME_LONGEST)
		return refusal_note(refusal, REFUSED_INVALID, "name: longer than %d bytes",
				    NAMESPACE_NAME_LONGEST);
	if (!*name || !strchr(letters, *name) || name[strspn(name, others)])
		return refusal_note(refusal, REFUSED_INVALID,
				    "name: '%s' is not a letter and then letters, digits, '-', "
				    "'_' and '.'",
				    name);
	return 0;
}
