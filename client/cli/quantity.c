/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers, as people write them. */

#include "quantity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int quantity_parse(const char *text, bool suffix, uint64_t *ret) {
	static const char letters[] = "KMGT";
	const char *letter;
	unsigned shift = 0;
	uint64_t number;
	char *end;

	if (*text < '0' || *text > '9') /* strtoull() would take blanks and signs */
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno != 0)
		return -EINVAL;
	letter = suffix && *end ? strchr(letters, *end) : NULL;
	if (letter) {
		shift = 10 * (unsigned)(letter - letters + 1);
		end++;
	}
	if (*end || number > UINT64_MAX >> shift)
		return -EINVAL;
	*ret = number << shift;
	return 0;
}

int quantity_parse_limit(const char *text, uint64_t *ret) {
	if (strcmp(text, "unlimited") != 0)
		return quantity_parse(text, true, ret);
	*ret = UINT64_MAX;
	return 0;
}
