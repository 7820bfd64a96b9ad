/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"
#include "handle.h"
#include "instant.h"

enum { ENTRIES = 1 << 16, HANDLE_SPACE = 44 };

static const uint64_t magic = UINT64_C(0x7573686572570001); /* "usherW", 1 */

/* Read by a successor, as the one that was killed left it. */
struct journal_page {
	uint64_t magic;
	uint64_t clock, floor;
	uint64_t busy;
	uint64_t head; /* entries that were ever made: the next one is this, modulo ENTRIES */

	struct entry {
		uint64_t clock; /* 0: none, or there is a later one of the same directory */
		uint32_t size;
		uint8_t bytes[HANDLE_SPACE];
	} entry[ENTRIES];
};

static int map(struct journal *journal) {
	void *page = mmap(NULL, sizeof *journal->page, PROT_READ | PROT_WRITE, MAP_SHARED,
			  journal->fd, 0);

	if (page == MAP_FAILED)
		return -errno;
	journal->page = page;
	return 0;
}

static int make(struct journal *journal) {
	int r;

	journal->fd = memfd_create("usher-journal", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (journal->fd < 0 || ftruncate(journal->fd, sizeof *journal->page) < 0 ||
	    fcntl(journal->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0)
		return -errno;
	r = map(journal);
	if (r < 0)
		return r;
	/* Later than any that an earlier journal can have come to. */
	journal->page->clock = journal->page->floor = instant_date_usec();
	journal->page->magic = magic;
	return 0;
}

static bool is_ours(int fd) {
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_size >= (off_t)sizeof(struct journal_page);
}

int journal_open(struct journal *journal, int *fd) {
	int r;

	*journal = (struct journal){ .fd = -1 };
	if (*fd < 0 || !is_ours(*fd)) {
		/* without it nobody knows what was told */
		journal->interrupted = *fd >= 0;
		return make(journal);
	}
	journal->fd = fd_take(fd);
	r = map(journal);
	if (r < 0)
		return r;
	if (journal->page->magic != magic)
		return -EBADMSG;
	journal->interrupted = journal->page->busy != 0;
	return 0;
}

void journal_close(struct journal *journal) {
	if (journal->page)
		(void)munmap(journal->page, sizeof *journal->page);
	journal->page = NULL;
	fd_closep(&journal->fd);
}

uint64_t journal_clock(const struct journal *journal) {
	return journal->page->clock;
}

uint64_t journal_tick(struct journal *journal) {
	return ++journal->page->clock;
}

void journal_set_busy(struct journal *journal, bool busy) {
	if (journal->page->busy != busy)
		journal->page->busy = busy;
}

void journal_forget(struct journal *journal) {
	journal->page->floor = journal->page->clock;
}

uint64_t journal_floor(const struct journal *journal) {
	return journal->page->floor;
}

static bool holds(const struct entry *entry, const struct handle *handle) {
	return entry->clock > 0 && entry->size == handle->size &&
	       memcmp(entry->bytes, handle->bytes, handle->size) == 0;
}

/* The oldest makes room: nobody can be told of its time any more. */
static struct entry *take_next(struct journal *journal, uint32_t *ret_number) {
	struct journal_page *page = journal->page;
	struct entry *entry = &page->entry[page->head % ENTRIES];

	if (entry->clock > page->floor)
		page->floor = entry->clock;
	entry->clock = 0;
	*ret_number = (uint32_t)(page->head % ENTRIES) + 1;
	page->head++;
	return entry;
}

uint32_t journal_note(struct journal *journal, uint32_t number, const struct handle *handle,
		      uint64_t clock) {
	struct journal_page *page = journal->page;
	struct entry *entry;

	if (handle->size > HANDLE_SPACE) {
		journal_forget(journal);
		return 0;
	}
	/* One that is not about to make room is as good as a new one. */
	entry = &page->entry[number > 0 ? number - 1 : 0];
	if (number > 0 && holds(entry, handle)) {
		if ((page->head - number + 1) % ENTRIES < ENTRIES / 2) {
			entry->clock = clock;
			return number;
		}
		entry->clock = 0;
	}
	entry = take_next(journal, &number);
	entry->size = (uint32_t)handle->size;
	memcpy(entry->bytes, handle->bytes, handle->size);
	entry->clock = clock;
	return number;
}

bool journal_next(const struct journal *journal, uint64_t clock, uint32_t *at, struct handle *ret) {
	for (; *at < ENTRIES; (*at)++) {
		const struct entry *entry = &journal->page->entry[*at];

		if (entry->clock <= clock || entry->size > HANDLE_SPACE)
			continue;
		*ret = (struct handle){ entry->bytes, entry->size };
		(*at)++;
		return true;
	}
	return false;
}
