/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * usher-leader: keeps namespaces alive that usher made for somebody. It runs as that user, who may
 * look into it, so it is a program of its own with nothing of the service's in its memory.
 */

#include "leader.h"

int main(void) {
	leader_stay(-1);
}
