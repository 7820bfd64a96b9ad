/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The clock of a watcher's events and the directories that were changed last, in memory that the
 * broker keeps: a watcher that takes the place of one that was killed goes on from there, and sees
 * whether something was lost between.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct journal_page;

struct journal {
	int fd;
	struct journal_page *page;
	bool interrupted; /* what an earlier watcher had read may not all have been told */
};

/* Of an earlier watcher (taken), or a new one where fd is -1. 0 or a negative errno. */
int journal_open(struct journal *journal, int *fd);
void journal_close(struct journal *journal);

/* The time now, and the next one, which no event has had yet. */
uint64_t journal_clock(const struct journal *journal);
uint64_t journal_tick(struct journal *journal);
/* Something has been read, or is kept, that not everybody who should has been told. */
void journal_set_busy(struct journal *journal, bool busy);
/* Nobody can be told what happened before now. */
void journal_forget(struct journal *journal);
