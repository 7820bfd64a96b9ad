/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"
#include "instant.h"

static const uint64_t magic = UINT64_C(0x7573686572570001); /* "usherW", 1 */

/* Read by a successor, as the one that was killed left it. */
struct journal_page {
	uint64_t magic;
	uint64_t clock, floor;
	uint64_t busy;
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
