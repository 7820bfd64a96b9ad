/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a child of the worker is sent to do: the order, what it says on the way, its outcome, and
 * how long it may take.
 */
#pragma once

struct call;

/* Has a child look what the words mean. */
void errand_begin(struct call *call);
/* Starts the clock of a stage: looking, or doing. 0 or a negative errno. */
int errand_arm(struct call *call);
/* The child is only to let go of what it has found; it is not waited for any longer than one that
 * cannot be killed. 0 or a negative errno. */
int errand_recall(struct call *call);
