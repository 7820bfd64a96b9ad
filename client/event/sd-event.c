/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sources in a loop of sd-event: who waits, and whether anybody does. */

#include <errno.h>
#include <stdlib.h>

#include "cleanup.h"
#include "event/usher-sd-event.h"
#include "event/verdict.h"

struct usher_waiter {
	struct usher_waiter *next;
	struct usher_attachment *attachment;
	usher_event_handler handler; /* NULL: it is to be forgotten */
	void *userdata;
	bool once;
};

struct usher_attachment {
	struct usher_source *source; /* NULL: it was closed */
	sd_event_source *ready;      /* the descriptor */
	sd_event_source *kept;       /* what was read and not told */
	struct usher_waiter *waiters;
	bool telling, freed;
};

static bool is_waited_for(const struct usher_attachment *attachment) {
	for (const struct usher_waiter *w = attachment->waiters; w; w = w->next)
		if (w->handler)
			return true;
	return false;
}

static void leave_loop(struct usher_attachment *attachment) {
	attachment->ready = sd_event_source_disable_unref(attachment->ready);
	attachment->kept = sd_event_source_disable_unref(attachment->kept);
}

static int attachment_done(struct usher_attachment *attachment) {
	struct usher_waiter *next;

	for (struct usher_waiter *w = attachment->waiters; w; w = next) {
		next = w->next;
		free(w);
	}
	leave_loop(attachment);
	free(attachment);
	return 0;
}

/* Forgets who waits no more, and looks at the descriptor only if somebody is left. */
static int update(struct usher_attachment *attachment) {
	struct usher_waiter **at = &attachment->waiters, *waiter;
	bool waited_for;
	int r;

	if (attachment->telling)
		return 0;
	if (attachment->freed)
		return attachment_done(attachment);
	while ((waiter = *at)) {
		if (waiter->handler) {
			at = &waiter->next;
			continue;
		}
		*at = waiter->next;
		free(waiter);
	}
	if (!attachment->source)
		return 0;
	waited_for = attachment->waiters;
	r = sd_event_source_set_enabled(attachment->ready, waited_for ? SD_EVENT_ON : SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_source_set_enabled(attachment->kept,
						waited_for && usher_source_get_timeout(
								      attachment->source) == 0
							? SD_EVENT_ONESHOT
							: SD_EVENT_OFF);
	return r < 0 ? verdict_note(r, "sd-event: the source cannot be switched") : 0;
}

/* To everybody who waited when it came: those who begin within a handler are before the first. */
static void tell(struct usher_attachment *attachment, int result, struct usher_event *event) {
	for (struct usher_waiter *w = attachment->waiters; w && !attachment->freed; w = w->next) {
		usher_event_handler handler = w->handler;

		if (!handler)
			continue;
		if (w->once || result < 0)
			w->handler = NULL;
		(void)handler(result, event, w->userdata);
	}
}

/* One read from the kernel at most, so that others in the loop have their turn. */
static int dispatch(struct usher_attachment *attachment) {
	struct usher_event event;
	int r;

	attachment->telling = true;
	do {
		r = usher_source_next(attachment->source, &event);
		if (r == 0)
			tell(attachment, 0, &event);
		else if (r != -EAGAIN)
			tell(attachment, r, NULL);
	} while (r == 0 && !attachment->freed && attachment->source && is_waited_for(attachment) &&
		 usher_source_get_timeout(attachment->source) == 0);
	attachment->telling = false;
	(void)update(attachment);
	return 0;
}

static int on_ready(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
	return dispatch(userdata);
}

static int on_kept(sd_event_source *s, void *userdata) {
	return dispatch(userdata);
}

static void on_close(struct usher_source *source, void *userdata) {
	struct usher_attachment *attachment = userdata;
	bool within = attachment->telling;

	attachment->source = NULL;
	leave_loop(attachment);
	attachment->telling = true;
	(void)verdict_note(-EBADF, "the source is closed");
	tell(attachment, -EBADF, NULL);
	attachment->telling = within;
	(void)update(attachment);
}

int usher_sd_attach(sd_event *loop, struct usher_source *source, struct usher_attachment **ret) {
	struct usher_attachment *attachment;
	int r, fd = usher_source_get_fd(source);

	if (fd < 0)
		return fd;
	attachment = calloc(1, sizeof *attachment);
	if (!attachment)
		return verdict_note(-ENOMEM, "no memory");
	attachment->source = source;
	r = usher_source_on_close(source, on_close, attachment);
	if (r < 0) {
		attachment_done(attachment);
		return r;
	}
	r = sd_event_add_io(loop, &attachment->ready, fd, POLLIN, on_ready, attachment);
	if (r >= 0)
		r = sd_event_add_defer(loop, &attachment->kept, on_kept, attachment);
	if (r >= 0)
		r = update(attachment);
	else
		r = verdict_note(r, "sd-event: the source cannot be added");
	if (r < 0)
		usher_attachment_free(attachment);
	else
		*ret = attachment;
	return r;
}

struct usher_attachment *usher_attachment_free(struct usher_attachment *attachment) {
	if (!attachment)
		return NULL;
	if (attachment->source)
		(void)usher_source_on_close(attachment->source, NULL, NULL);
	attachment->source = NULL;
	attachment->freed = true;
	(void)update(attachment);
	return NULL;
}

static int wait_for(struct usher_attachment *attachment, usher_event_handler handler,
		    void *userdata, bool once, struct usher_waiter **ret) {
	struct usher_waiter *waiter;
	int r;

	if (!attachment->source)
		return verdict_note(-EBADF, "the source is closed");
	waiter = malloc(sizeof *waiter);
	if (!waiter)
		return verdict_note(-ENOMEM, "no memory");
	*waiter = (struct usher_waiter){ attachment->waiters, attachment, handler, userdata, once };
	attachment->waiters = waiter;
	r = update(attachment);
	if (r == 0 && ret)
		*ret = waiter;
	return r;
}

int usher_attachment_next(struct usher_attachment *attachment, usher_event_handler handler,
			  void *userdata, struct usher_waiter **ret) {
	return wait_for(attachment, handler, userdata, true, ret);
}

int usher_attachment_listen(struct usher_attachment *attachment, usher_event_handler handler,
			    void *userdata, struct usher_waiter **ret) {
	return wait_for(attachment, handler, userdata, false, ret);
}

struct usher_waiter *usher_waiter_cancel(struct usher_waiter *waiter) {
	if (waiter) {
		waiter->handler = NULL;
		(void)update(waiter->attachment);
	}
	return NULL;
}

int usher_attachment_set_priority(struct usher_attachment *attachment, int64_t priority) {
	int r = attachment->source ? 0 : -EBADF;

	if (r == 0)
		r = sd_event_source_set_priority(attachment->ready, priority);
	if (r >= 0)
		r = sd_event_source_set_priority(attachment->kept, priority);
	return r < 0 ? verdict_note(r, "sd-event: the priority cannot be set") : 0;
}
