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

struct handle;
/* Something has happened in a directory. entry is what an earlier call returned for it, or 0. */
uint32_t journal_note(struct journal *journal, uint32_t entry, const struct handle *handle,
		      uint64_t clock);
/* The earliest time from which all is known. */
uint64_t journal_floor(const struct journal *journal);
/* Of the directories in which something has happened after a time: the next from *at on, which is
 * 0 at first. False when there is none any more. */
bool journal_next(const struct journal *journal, uint64_t clock, uint32_t *at, struct handle *ret);
