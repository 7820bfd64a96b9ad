/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands of the user's, as a shell has them. */
#pragma once

/* Runs one and waits for it: its exit status, as a shell would tell it; or a negative errno. What
 * was printed so far is out before. */
int shell_run(const char *command);
