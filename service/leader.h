/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first process of a pid namespace, and whoever keeps namespaces alive: it sleeps. */
#pragma once

/* Whoever is orphaned becomes its child, and the kernel reaps the children of who ignores their
 * end. With a pidfd it ends when that process does, and with it, as the first of its pid namespace,
 * everything there. */
_Noreturn void leader_stay(int pidfd);
