/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A child has none of its parent's pages mapped, and would fetch them one by one while its caller
 * waits: its program, what it writes, its stack and the beginning of its heap. Where the kernel
 * cannot, that is what happens. But each that is fetched has to be let go at its end: more than
 * needed makes a call longer, not shorter. */
void pages_fetch(void);
