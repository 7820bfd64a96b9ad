/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "signal-name.h"

#include <ctype.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The kernel's; what the C library calls so leaves out those that it keeps to itself. */
enum { FIRST_REAL_TIME = 32, LAST = 64 };

/* "RTMIN", "RTMIN+n": counted from what programs call SIGRTMIN. */
static int real_time(const char *name) {
	unsigned long n;
	char *end;

	if (strncmp(name, "RTMIN", 5) != 0)
		return 0;
	if (!name[5])
		return SIGRTMIN;
	if (name[5] != '+' || !isdigit((unsigned char)name[6]) || strlen(name) > 8)
		return 0;
	n = strtoul(name + 6, &end, 10);
	return *end || SIGRTMIN + n > LAST ? 0 : (int)(SIGRTMIN + n);
}

/* Those that have two names, by the one that the C library does not say. */
static int other_name(const char *name) {
	static const struct {
		const char *name;
		int number;
	} others[] = { { "IO", SIGIO }, { "IOT", SIGIOT }, { "CLD", SIGCLD } };

	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (strcmp(others[i].name, name) == 0)
			return others[i].number;
	return 0;
}

int signal_name_find(const char *name) {
	int other;

	if (strncmp(name, "SIG", 3) == 0)
		name += 3;
	for (int number = 1; number < FIRST_REAL_TIME; number++) {
		const char *known = sigabbrev_np(number);

		if (known && strcmp(known, name) == 0)
			return number;
	}
	other = other_name(name);
	return other ?: real_time(name);
}

bool signal_name_of(int number, char ret[SIGNAL_NAME_MAX]) {
	const char *known = number > 0 && number < FIRST_REAL_TIME ? sigabbrev_np(number) : NULL;

	if (known)
		(void)snprintf(ret, SIGNAL_NAME_MAX, "%s", known);
	else if (number >= SIGRTMIN && number <= LAST)
		(void)snprintf(ret, SIGNAL_NAME_MAX, "RTMIN+%d", number - SIGRTMIN);
	else
		return false;
	return true;
}

int signal_name_check(const char *argument, const char *name, struct refusal *refusal) {
	if (signal_name_find(name) > 0)
		return 0;
	return refusal_note(refusal, REFUSED_INVALID,
			    "%s: '%.64s' is no signal, such as TERM, SIGTERM or RTMIN+1", argument,
			    name);
}

int signal_name_check_all(const char *argument, char *const *names, size_t n, const char *what,
			  struct refusal *refusal) {
	uint64_t seen = 0;

	for (size_t i = 0; i < n; i++) {
		int number = signal_name_find(names[i]);

		if (number == 0)
			return signal_name_check(argument, names[i], refusal);
		if (number == SIGKILL || number == SIGSTOP)
			return refusal_note(refusal, REFUSED_INVALID, "%s: %.16s cannot be %s",
					    argument, names[i], what);
		if (seen & UINT64_C(1) << (number - 1))
			return refusal_note(refusal, REFUSED_INVALID, "%s: %.16s is there twice",
					    argument, names[i]);
		seen |= UINT64_C(1) << (number - 1);
	}
	return 0;
}
