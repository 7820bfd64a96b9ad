/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Processes by descriptor: whether they have ended and how, and which they were when the descriptor
 * has been lost. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

bool pidfd_is_over(int pidfd);
/* How it ended, as wait(2) tells it. -ENODATA where this kernel (before Linux 6.15) only tells its
 * parent. */
int pidfd_status(int pidfd, int *ret);
/* When it was started: with its pid, that of no other process as long as the system is up. 0 or a
 * negative errno. */
int pidfd_started(pid_t pid, int pidfd, uint64_t *ret);
/* The process of that pid if it was started then; or -1. */
int pidfd_find(pid_t pid, uint64_t started);
