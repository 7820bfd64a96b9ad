/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text that came from elsewhere, made fit for a terminal. */

#include "text.h"

#include <stdbool.h>
#include <string.h>

#include "../cleanup.h"
#include "usher.h"

/* U+0080..U+009F: valid UTF-8, but some terminals act upon them. */
static bool is_c1(const char *p) {
	return (unsigned char)p[0] == 0xc2 && (unsigned char)p[1] >= 0x80 &&
	       (unsigned char)p[1] < 0xa0;
}

char *text_from_name(const char *name) {
	_cleanup_free_ char *escaped = usher_escape(name);
	char *text, *out;
	const char *p;

	/* No escape is shorter than what it stands for, and of those here none is more than
	 * fourfold. */
	text = out = escaped ? malloc(strlen(escaped) * 4 + 1) : NULL;
	if (!text)
		return NULL;
	for (p = escaped; *p; p++) {
		if (!is_c1(p)) {
			*out++ = *p;
			continue;
		}
		out += sprintf(out, "\\xc2\\x%02x", (unsigned char)p[1]);
		p++;
	}
	*out = '\0';
	return text;
}

void text_print(FILE *file, const char *text) {
	_cleanup_free_ char *safe = text_from_name(text);
	const char *p;

	/* Escaping doubles nothing but the backslash: \ became \x5c, and goes back here. */
	for (p = safe; p && *p; p++) {
		putc(*p, file);
		if (strncmp(p, "\\x5c", 4) == 0)
			p += 3;
	}
}
