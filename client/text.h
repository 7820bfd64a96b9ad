/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text that came from elsewhere, made fit for people: for a terminal, a journal, a question. */
#pragma once

#include <stdio.h>

/* A copy of a name in which nothing is left that a terminal would act upon, that nobody sees, or
 * that makes others be read in another order; and nothing is lost: usher_unescape() gives back the
 * name. NULL: no memory. */
char *text_from_name(const char *name);

/* Where one of these is at p, it is put out as JSON has it, \uNNNN, in no
 * more than three bytes for each of its own and a null byte, and its size is told; 0 where p is
 * fit. */
size_t text_put_json(const char *p, char **out);
/* A copy of JSON that is the same JSON, and has none of these. NULL: no memory. */
char *text_from_json(const char *json);

/* The same of a sentence, which may have names in it that are escaped already: backslashes stay. */
char *text_from_sentence(const char *sentence);
void text_print(FILE *file, const char *sentence);
