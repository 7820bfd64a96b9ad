/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Every error of the manual page of a system call, with 0 behind the last; NULL: nobody has written
 * them down. */
const int *call_errors(int number);
