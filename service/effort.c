/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "effort.h"

#include <stddef.h>
#include <time.h>

/* A user may have so much read at once; without an end, a twentieth of the time. */
static const uint64_t most_nsec = 50 * UINT64_C(1000000), least_nsec = UINT64_C(1000000);

enum { SHARE = 20 };

uint64_t effort_now(void) {
	struct timespec now;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static uint64_t left(const struct debt *debt, uint64_t now_usec) {
	uint64_t paid = (now_usec - debt->usec) * 1000 / SHARE;

	return debt->nsec > paid ? debt->nsec - paid : 0;
}

static const struct debt *find(const struct effort *effort, uid_t uid) {
	for (size_t i = 0; i < effort->n; i++)
		if (effort->debts[i].uid == uid)
			return &effort->debts[i];
	return NULL;
}

bool effort_is_spent(const struct effort *effort, uid_t uid, uint64_t now_usec) {
	const struct debt *debt = uid == 0 ? NULL : find(effort, uid);

	return debt && left(debt, now_usec) > most_nsec;
}

/* That of the user, or a place for it: where there is none, that of who owes least. */
static struct debt *place(struct effort *effort, uid_t uid, uint64_t now_usec) {
	struct debt *debt = (struct debt *)find(effort, uid), *least = effort->debts;

	if (debt)
		return debt;
	if (effort->n < EFFORT_USERS_MAX)
		least = &effort->debts[effort->n++];
	else
		for (size_t i = 1; i < effort->n; i++)
			if (left(&effort->debts[i], now_usec) < left(least, now_usec))
				least = &effort->debts[i];
	*least = (struct debt){ .uid = uid, .usec = now_usec };
	return least;
}

void effort_add(struct effort *effort, uid_t uid, uint64_t nsec, uint64_t now_usec) {
	struct debt *debt = place(effort, uid, now_usec);

	*debt = (struct debt){ .uid = uid, .nsec = left(debt, now_usec) + nsec, .usec = now_usec };
}

void effort_note(struct effort *effort, uid_t uid, uint64_t nsec, uint64_t now_usec) {
	if (nsec >= least_nsec)
		effort_add(effort, uid, nsec, now_usec);
}
