/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is written to the journal by a test that wraps sd_journal_print_with_location(). */
#pragma once

#include <stddef.h>

/* How often there was something to write since they were forgotten; the last of it. */
size_t complaints_n(void);
const char *complaints_last(void);
void complaints_forget(void);
