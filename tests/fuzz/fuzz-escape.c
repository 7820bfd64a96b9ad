/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Escapes: whatever bytes there are go there and back, and whatever text there is is not misread.
 */

#include <string.h>

#include "escape.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *bytes = strndup((const char *)data, size), *text, *back = NULL;

	must(bytes);
	text = usher_escape(bytes);
	must(text);
	for (const char *at = text; *at; at++)
		must((unsigned char)*at >= 0x20 && *at != 0x7f);
	must(usher_unescape(text, &back) == 0);
	must(strcmp(back, bytes) == 0);
	free(back);
	back = NULL;
	/* and taken for a text itself */
	if (usher_unescape(bytes, &back) == 0)
		must(strlen(back) <= strlen(bytes));
	free(back);
	free(text);
	free(bytes);
	return 0;
}
