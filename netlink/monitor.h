/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The process that listens in one network namespace, on behalf of all who monitor something there.
 * The broker says over its connection which namespace that is, and who they are. One thread, one
 * loop; nothing in it waits but the loop.
 */
#pragma once

/* Serves a connection, from its first frame on, until there is nothing to do any more. 0 or a
 * negative errno. */
int monitor_serve(int connection);
