/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What `usher log` needs of libsystemd. It is loaded when that is asked for: it and the six
 * libraries that it needs take longer to load than most commands take.
 */
#pragma once

#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>

#define LIBSYSTEMD_FUNCTIONS(EACH)          \
	EACH(sd_id128_get_machine)          \
	EACH(sd_id128_to_string)            \
	EACH(sd_journal_add_match)          \
	EACH(sd_journal_close)              \
	EACH(sd_journal_enumerate_data)     \
	EACH(sd_journal_get_data)           \
	EACH(sd_journal_get_realtime_usec)  \
	EACH(sd_journal_next)               \
	EACH(sd_journal_open)               \
	EACH(sd_journal_previous)           \
	EACH(sd_journal_restart_data)       \
	EACH(sd_journal_seek_head)          \
	EACH(sd_journal_seek_realtime_usec) \
	EACH(sd_journal_seek_tail)          \
	EACH(sd_journal_wait)

#define LIBSYSTEMD_MEMBER(name) __typeof__(name) *name;

struct libsystemd {
	LIBSYSTEMD_FUNCTIONS(LIBSYSTEMD_MEMBER)
};

extern struct libsystemd libsystemd;

/* NULL, or why it cannot be loaded. */
const char *libsystemd_load(void);
