/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A child that answers one question in the reader's place, and ends: nobody waits for another's
 * million rows, and what takes too long can be ended.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct question;

/* In a child that has just been forked: no descriptors but these, and it goes with its parent. 0 or
 * a negative errno. */
int deputy_alone(const int *keep, size_t n, pid_t parent);
/* Takes the place that the question is about, and notes when that has been told. */
_Noreturn void deputy_answer(int connection, struct question *question, int where,
			     volatile bool *told);
