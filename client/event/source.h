/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is behind a source of events, whatever its kind. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/usher-event.h"

struct source_kind {
	const char *name;
	const char *link; /* what /proc/self/fd has of its descriptors */
	size_t room;      /* for what one read gives */
	/* Takes one record: its size, or a negative errno. */
	int (*parse)(const void *data, size_t size, struct usher_event *ret);
	/* Before a record is forgotten; may be NULL. */
	void (*forget)(struct usher_source *source, void *record);
	/* Where read(2) gave 0, or -1 and errno: what it should have given; may be NULL. */
	ssize_t (*failed)(void *data, ssize_t n);
	/* Adds to the description; may be NULL. */
	void (*describe)(struct usher_source *source, char *text, size_t size);
	/* Before the descriptor is closed; may be NULL. */
	void (*closing)(struct usher_source *source);
};

struct usher_source {
	enum usher_source_kind number;
	const struct source_kind *kind;
	int fd;
	uint64_t id;
	/* what was read: [lent, next) was handed out by the last call, [next, end) is kept */
	size_t lent, next, end;

	sigset_t signals; /* of a signalfd */
	uint64_t last;    /* of an eventfd */
	struct futex *futex;
	struct usher_inotify_watch *watches;
	void (*on_close)(struct usher_source *source, void *userdata);
	void *on_close_userdata;
	/* a record is read and written in place */
	_Alignas(struct signalfd_siginfo) _Alignas(uint64_t) unsigned char data[];
};

extern const struct source_kind source_inotify, source_fanotify, source_signalfd, source_timerfd,
	source_eventfd;

/* Owns fd, even if it fails. */
int source_new(enum usher_source_kind number, int fd, struct usher_source **ret);
/* 0; -EBADF where it was closed, -EINVAL where it is of another kind. */
int source_check(struct usher_source *source);
int source_check_kind(struct usher_source *source, enum usher_source_kind number);
/* A number out of /proc/self/fdinfo, -1: not there. */
int64_t source_fdinfo(const struct usher_source *source, const char *field, int base);
/* The moment at which a timeout ends, in microseconds of CLOCK_MONOTONIC; 0: at once. */
uint64_t source_end_of(uint64_t timeout_usec);
/* The next event, until a moment; whether the source has watches is not asked. */
int source_take(struct usher_source *source, uint64_t end, struct usher_event *ret);
/* poll(2) until a moment: > 0, or -ETIMEDOUT, or another negative errno. */
int source_poll(int fd, short events, uint64_t end);
