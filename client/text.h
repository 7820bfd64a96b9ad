/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text that came from elsewhere, made fit for people: for a terminal, a journal, a question. */
#pragma once

#include <stdio.h>

/* A copy of a name in which nothing is left that a terminal would act upon, that nobody sees, or
 * that makes others be read in another order; and nothing is lost: usher_unescape() gives back the
 * name. NULL: no memory. */
char *text_from_name(const char *name);

/* The same of a sentence, which may have names in it that are escaped already: backslashes stay. */
char *text_from_sentence(const char *sentence);
void text_print(FILE *file, const char *sentence);
