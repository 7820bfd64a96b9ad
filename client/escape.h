/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Raw bytes to and from strings that may travel over the bus. Pure; documented in usher.h. */
#pragma once

#include <stddef.h>

char *usher_escape(const char *bytes);
int usher_unescape(const char *text, char **ret);

/* How many bytes the character at p has, as D-Bus has them; 0: it is none. Never reads past the end
 * of the text. */
size_t escape_character(const char *p);
