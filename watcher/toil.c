/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "toil.h"

static const uint64_t second_usec = 1000000, budget_usec = 200000;

uint64_t toil_left(struct toil *toil, uid_t uid, uint64_t now) {
	size_t i = uid % TOIL_USERS;

	if (now - toil->of[i].since >= second_usec) {
		toil->of[i].since = now;
		toil->of[i].spent = 0;
	}
	return toil->of[i].spent < budget_usec ? budget_usec - toil->of[i].spent : 0;
}

void toil_spend(struct toil *toil, uid_t uid, uint64_t usec) {
	toil->of[uid % TOIL_USERS].spent += usec;
}
