/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text that came from elsewhere, made fit for a terminal. */
#pragma once

#include <stdio.h>

/* Prints text; control characters, C1 as well, and broken UTF-8 as \xNN. Backslashes stay. */
void text_print(FILE *file, const char *text);

/* A copy of a name in which nothing is left that a terminal would act upon, and nothing is lost:
 * usher_unescape() gives back the name. NULL: no memory. */
char *text_from_name(const char *name);
