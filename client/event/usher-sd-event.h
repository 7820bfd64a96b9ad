/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libusher-sd-event: sources of libusher-event in a loop of sd-event(3).
 *
 * A source is read only as long as somebody waits for its events: nobody's events stay in the
 * kernel, and cost nothing. Errors are those of usher-event.h, with usher_event_message().
 */
#ifndef USHER_SD_EVENT_H
#define USHER_SD_EVENT_H

#include <systemd/sd-event.h>

#include "usher-event.h"

#ifdef __cplusplus
extern "C" {
#endif

struct usher_attachment;
struct usher_waiter;

/*
 * result is 0, or why there are no events any more: -EBADF for a source that was closed, what
 * read(2) gave otherwise; event is NULL then, and the handler is not called again. An event is
 * everybody's who waits, and lives until the handler returns: a descriptor in it is taken by the
 * first who takes it. A negative return is logged nowhere and changes nothing. A handler may begin
 * waits, cancel any, and free the attachment.
 */
typedef int (*usher_event_handler)(int result, struct usher_event *event, void *userdata);

/* Puts a source into a loop, of which it has a reference. The source is borrowed; closing it ends
 * every wait with -EBADF. -EBUSY: it is in one already. Free it before the source, or after it was
 * closed. */
int usher_sd_attach(sd_event *event, struct usher_source *source, struct usher_attachment **ret);
/* Handlers are not called any more. */
struct usher_attachment *usher_attachment_free(struct usher_attachment *attachment);

/* Waits for one event, or for all that come. Any number may wait at a time: each gets every event,
 * in no order.
 * The waiter is the library's, and valid until its handler was called for the last time, or it was
 * cancelled; ret may be NULL. */
int usher_attachment_next(struct usher_attachment *attachment, usher_event_handler handler,
			  void *userdata, struct usher_waiter **ret);
int usher_attachment_listen(struct usher_attachment *attachment, usher_event_handler handler,
			    void *userdata, struct usher_waiter **ret);
/* Its handler is not called any more. Takes NULL; returns it. */
struct usher_waiter *usher_waiter_cancel(struct usher_waiter *waiter);

/* The loop's own sources, for their priorities. */
int usher_attachment_set_priority(struct usher_attachment *attachment, int64_t priority);

#ifdef __cplusplus
}
#endif

#endif
