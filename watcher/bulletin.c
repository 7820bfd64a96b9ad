/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bulletin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "watch-event.h"

enum { EVENTS_MAX = 1000, BYTES_MAX = 24 * 1024, EVENT_HEAD = 8 };

static void free_event(Usher__WatchEvent *event) {
	free(event->path);
	free(event->old_path);
	free(event);
}

static Usher__WatchEvent *event_of(const struct happening *happening) {
	Usher__WatchEvent *event = malloc(sizeof *event);

	if (!event)
		return NULL;
	usher__watch_event__init(event);
	event->clock = happening->clock;
	event->usec = happening->usec;
	event->event = (char *)(uintptr_t)watch_event_name(happening->events);
	event->path = strdup(happening->path);
	event->old_path = strdup(happening->old_path ? happening->old_path : "");
	event->pid = (uint32_t)happening->pid;
	if (event->path && event->old_path && event->event)
		return event;
	free_event(event);
	return NULL;
}

/* Fills in from the backlog what there is room for; one at least. */
static int gather(const struct watch *watch, Usher__WatchEvents *events) {
	size_t bytes = 0;

	for (const struct pending *p = watch->backlog.first; p && events->n_events < EVENTS_MAX;
	     p = p->next) {
		Usher__WatchEvent *event = event_of(&p->happening);

		if (!event)
			return -ENOMEM;
		bytes += protobuf_c_message_get_packed_size(&event->base) + EVENT_HEAD;
		if (bytes > BYTES_MAX && events->n_events > 0) {
			free_event(event);
			break;
		}
		events->events[events->n_events++] = event;
	}
	return 0;
}

static void forget(Usher__WatchEvents *events) {
	for (size_t i = 0; i < events->n_events; i++)
		free_event(events->events[i]);
	free(events->events);
}

int bulletin_say_events(struct watcher *watcher, struct watch *watch) {
	Usher__WatcherReport report = USHER__WATCHER_REPORT__INIT;
	Usher__WatchEvents events = USHER__WATCH_EVENTS__INIT;
	int r;

	events.number = watch->number;
	events.events = calloc(EVENTS_MAX, sizeof *events.events);
	if (!events.events)
		return -ENOMEM;
	report.events = &events;
	r = gather(watch, &events);
	if (r == 0)
		r = watcher_try_to_say(watcher, &report);
	if (r == 0) {
		watch->delivered += events.n_events;
		backlog_drop(&watch->backlog, events.n_events);
	}
	forget(&events);
	return r;
}

int bulletin_say_lost(struct watcher *watcher, struct watch *watch) {
	Usher__WatcherReport report = USHER__WATCHER_REPORT__INIT;
	Usher__WatchLost lost = USHER__WATCH_LOST__INIT;
	char *directories[HINTS_MAX];
	int r = 0;

	lost.number = watch->number;
	lost.clock = watch->missing.clock;
	lost.directories = directories;
	for (size_t i = 0; i < watch->missing.n && r == 0; i++) {
		directories[lost.n_directories] = strdup(watch->missing.directory[i]);
		if (directories[lost.n_directories])
			lost.n_directories++;
		else
			r = -ENOMEM;
	}
	report.lost = &lost;
	if (r == 0)
		r = watcher_try_to_say(watcher, &report);
	for (size_t i = 0; i < lost.n_directories; i++)
		free(directories[i]);
	if (r == 0)
		hints_clear(&watch->missing);
	return r;
}

int bulletin_say_counters(struct watcher *watcher, const struct watch *watch) {
	Usher__WatcherReport report = USHER__WATCHER_REPORT__INIT;
	Usher__WatchCounters counters = USHER__WATCH_COUNTERS__INIT;

	counters.number = watch->number;
	counters.clock = journal_clock(&watcher->journal);
	counters.delivered = watch->delivered + watch->stream.delivered;
	counters.lost = watch->lost + watch->stream.n_lost;
	report.counters = &counters;
	return watcher_try_to_say(watcher, &report);
}
