/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The small programs that do library work for a child: nobody, no capability, no environment. */
#pragma once

/* Starts libexec/name with one argument (or NULL); its standard input and output are the other end
 * of the socket that is returned. */
int program_start(const char *libexec, const char *name, const char *argument);
