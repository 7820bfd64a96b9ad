/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Answers the broker's questions about any network namespace. What is brief is answered at once;
 * all else has a child of its own, so that nobody waits for another's million rows, and so that
 * what takes too long can be ended. A user has only so many of these at a time, and waits with the
 * next.
 */
#pragma once

/* Until the broker has gone. 0 or a negative errno. */
int reader_serve(int connection);
