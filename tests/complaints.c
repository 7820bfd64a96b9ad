/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "complaints.h"

#include <stdarg.h>
#include <stdio.h>

static size_t n;
static char last[1024];

int __wrap_sd_journal_print_with_location(int priority, const char *file, const char *line,
					  const char *function, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

int __wrap_sd_journal_print_with_location(int priority, const char *file, const char *line,
					  const char *function, const char *format, ...) {
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(last, sizeof last, format, arguments);
	va_end(arguments);
	n++;
	return 0;
}

size_t complaints_n(void) {
	return n;
}

const char *complaints_last(void) {
	return last;
}

void complaints_forget(void) {
	n = 0;
	*last = '\0';
}
