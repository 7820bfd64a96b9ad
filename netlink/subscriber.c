/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "subscriber.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fd.h"
#include "monitored.h"

/* So many times is read what changes while it is read and whose dump may have missed some for that;
 * what each has missed the others have. And so many datagrams, or changes, before others are seen
 * to. */
enum { READINGS_MAX = 3, STEPS_AT_ONCE = 4, CHANGES_AT_ONCE = 1024 };

/* ---- coming and going ---- */

static bool is_key(const struct netlink_type *type, const char *name) {
	for (size_t i = 0; type->keys && type->keys[i]; i++)
		if (strcmp(type->keys[i], name) == 0)
			return true;
	return false;
}

/* An object of which a filter judges what may change comes to be wanted, or not to be any more. */
static bool filters_what_changes(const struct selection *selection,
				 const struct netlink_type *type) {
	const char *key;

	for (size_t i = 0; (key = selection_key(selection, i)); i++)
		if (!is_key(type, key))
			return true;
	return false;
}

/* The kernel says itself whether a route is new, and of routes there may be a million. */
static bool must_track(const struct selection *selection, const struct netlink_type *type) {
	if (!type->keys || type->each != 0)
		return false;
	return type->new != RTM_NEWROUTE || filters_what_changes(selection, type);
}

static int subscribe(struct subscriber *subscriber, const struct surroundings *where) {
	size_t n = selection_n_types(subscriber->selection);
	int r = 0;

	subscriber->subscriptions = calloc(n, sizeof *subscriber->subscriptions);
	if (!subscriber->subscriptions)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct subscription *subscription = &subscriber->subscriptions[i];

		subscription->type = selection_type(subscriber->selection, i);
		subscription->tracks = must_track(subscriber->selection, subscription->type);
		r = identity_get(where->identities, subscription->type, &subscription->identity);
		subscriber->n += r == 0;
	}
	return r;
}

/* The descriptor at a place of a frame's, which is the caller's now; -1 if there is none. */
static int take_from(struct fds *fds, bool has, uint32_t place) {
	return has && place < fds->n ? fd_take(&fds->fd[place]) : -1;
}

static int furnish(struct subscriber *subscriber, const Usher__NetlinkMonitorAdd *order,
		   struct fds *fds, const struct surroundings *where, struct refusal *refusal) {
	int holder = take_from(fds, order->has_holder_fd, order->holder_fd);
	int stream = take_from(fds, order->has_stream_fd, order->stream_fd);
	int r = outlet_open(&subscriber->outlet, stream, where->connection, order->number);

	if (holder >= 0 && r == 0)
		r = holder_open(&subscriber->holder, holder, order->holder_name, where->namespace);
	else
		fd_closep(&holder);
	if (r == 0)
		r = monitored_select(order->selection, refusal, &subscriber->selection);
	if (r == 0)
		r = subscribe(subscriber, where);
	return r;
}

int subscriber_new(const Usher__NetlinkMonitorAdd *order, struct fds *fds,
		   const struct surroundings *where, struct refusal *refusal,
		   struct subscriber **ret) {
	struct subscriber *subscriber = calloc(1, sizeof *subscriber);
	int r;

	if (!subscriber)
		return -ENOMEM;
	subscriber->number = order->number;
	subscriber->news = where->news;
	subscriber->holder = HOLDER_NONE;
	subscriber->snapshot.exchange.fd = -1;
	news_join(where->news, &subscriber->reader);
	r = furnish(subscriber, order, fds, where, refusal);
	if (r != 0) {
		subscriber_free(subscriber, where->identities);
		return r;
	}
	subscriber->snapshot.selection = subscriber->selection;
	subscriber->snapshot.names = where->names;
	subscriber->decoding = (struct decoding){ .selection = subscriber->selection,
						  .block = subscriber->outlet.block,
						  .names = where->names };
	subscriber->waits = order->waits;
	subscriber->gap = order->has_resumed && order->resumed;
	subscriber->silent = !subscriber->gap && order->has_snapshot && !order->snapshot;
	*ret = subscriber;
	return 0;
}

void subscriber_free(struct subscriber *subscriber, struct identity **identities) {
	news_leave(subscriber->news, &subscriber->reader);
	for (size_t i = 0; i < subscriber->n; i++) {
		told_clear(&subscriber->subscriptions[i].told);
		identity_put(identities, subscriber->subscriptions[i].identity);
	}
	free(subscriber->subscriptions);
	snapshot_end(&subscriber->snapshot);
	outlet_close(&subscriber->outlet);
	holder_close(&subscriber->holder);
	selection_free(subscriber->selection);
	free(subscriber);
}

static void end(struct subscriber *subscriber, const char *why) {
	snapshot_end(&subscriber->snapshot);
	subscriber->state = SUBSCRIBER_LIVE;
	subscriber->ended = why;
}

/* ---- a row ---- */

/* How many rows, or a negative errno. What is malformed has none: the kernel's own would have to be
 * broken, and the next message is another. */
static int put(struct subscriber *subscriber, const struct netlink_type *type, unsigned action,
	       const uint8_t *message, size_t size) {
	int r = decode_message(&subscriber->decoding, type, action, message, size);

	if (r > 0 && !subscriber->outlet.muted)
		subscriber->delivered += (unsigned)r;
	return r == -EBADMSG ? 0 : r;
}

/* That an object has gone is told of, whether the filter would let its last message pass or not. */
static int put_gone(struct subscriber *subscriber, const struct netlink_type *type,
		    const uint8_t *message, size_t size) {
	int r;

	subscriber->decoding.unfiltered = true;
	r = put(subscriber, type, USHER_NETLINK_DEL, message, size);
	subscriber->decoding.unfiltered = false;
	return r;
}

static int tell_tracked(struct subscriber *subscriber, struct subscription *subscription,
			const struct news_item *item) {
	const uint8_t *message = news_message(item);
	bool was_told = told_has(&subscription->told, item->identity);
	int r = 0;

	if (item->action != USHER_NETLINK_DEL)
		r = put(subscriber, item->type, was_told ? USHER_NETLINK_CHANGE : USHER_NETLINK_NEW,
			message, item->size);
	if (r > 0)
		return told_add(&subscription->told, item->identity);
	if (r == 0 && told_remove(&subscription->told, item->identity))
		r = put_gone(subscriber, item->type, message, item->size);
	return r;
}

static int tell_untracked(struct subscriber *subscriber, const struct news_item *item) {
	unsigned action = item->action;

	if (action == USHER_NETLINK_CHANGE && news_is_new(&subscriber->reader))
		action = USHER_NETLINK_NEW;
	return put(subscriber, item->type, action, news_message(item), item->size);
}

static struct subscription *find(const struct subscriber *subscriber,
				 const struct netlink_type *type) {
	for (size_t i = 0; i < subscriber->n; i++)
		if (subscriber->subscriptions[i].type == type)
			return &subscriber->subscriptions[i];
	return NULL;
}

static int tell(struct subscriber *subscriber, const struct news_item *item) {
	struct subscription *subscription = find(subscriber, item->type);

	if (!subscription)
		return 0;
	return subscription->tracks ? tell_tracked(subscriber, subscription, item)
				    : tell_untracked(subscriber, item);
}

/* ---- all rows ---- */

static struct subscription *current(const struct subscriber *subscriber) {
	return &subscriber->subscriptions[subscriber->reading];
}

/* Of what is read once more, what has been told already is told no more. */
static int take_row(void *data, const struct nlmsghdr *message) {
	struct subscriber *subscriber = data;
	struct subscription *subscription = current(subscriber);
	const uint8_t *key = NULL;
	size_t key_size = 0;
	uint64_t identity = 0;
	bool there;
	int r = 0;

	if (!identity_concerns(subscription->identity, message, &there) || !there)
		return 0;
	if (subscription->tracks)
		r = identity_key(subscription->identity, message, &key, &key_size);
	if (r < 0)
		return r == -EBADMSG ? 0 : r;
	if (key_size > 0) {
		identity = news_identity(subscriber->news, subscription->type, key, key_size);
		if (told_has(&subscription->told, identity))
			return 0;
	}
	subscriber->decoding.pass = subscriber->snapshot.pass;
	r = put(subscriber, subscription->type, USHER_NETLINK_NEW, (const uint8_t *)(message + 1),
		message->nlmsg_len - sizeof *message);
	if (r > 0 && key_size > 0)
		r = told_add(&subscription->told, identity);
	return r < 0 ? r : 0;
}

/* Where rows are read only to know of which objects there are, it is of those of which that
 * matters.
 */
static int read_next(struct subscriber *subscriber) {
	while (subscriber->reading < subscriber->n && subscriber->silent &&
	       !current(subscriber)->tracks)
		subscriber->reading++;
	subscriber->state = SUBSCRIBER_JOINING;
	if (subscriber->reading == subscriber->n)
		return 0;
	subscriber->snapshot.type = current(subscriber)->type;
	subscriber->begun = subscriber->news->last;
	subscriber->state = SUBSCRIBER_READING;
	return snapshot_begin(&subscriber->snapshot);
}

static int begin_anew(struct subscriber *subscriber) {
	int r = outlet_set_muted(&subscriber->outlet, subscriber->silent);

	news_skip(subscriber->news, &subscriber->reader);
	for (size_t i = 0; i < subscriber->n; i++)
		told_clear(&subscriber->subscriptions[i].told);
	if (r == 0 && subscriber->gap)
		r = outlet_put_gap(&subscriber->outlet, subscriber->gap_changes);
	subscriber->gap = false;
	subscriber->gap_changes = 0;
	subscriber->reading = 0;
	subscriber->readings = 0;
	return r == 0 ? read_next(subscriber) : r;
}

/* Objects of a type were changed while they were read. Where dumps say that themselves, they say it
 * only if it matters. */
static bool was_disturbed(const struct subscriber *subscriber) {
	const struct subscription *subscription = current(subscriber);

	return subscriber->snapshot.interrupted ||
	       (!subscription->type->flags_interruption &&
		subscription->identity->changed > subscriber->begun);
}

static int go_on(struct subscriber *subscriber) {
	bool again = was_disturbed(subscriber) && ++subscriber->readings < READINGS_MAX;

	snapshot_end(&subscriber->snapshot);
	if (!again) {
		subscriber->reading++;
		subscriber->readings = 0;
	}
	return read_next(subscriber);
}

/* After the last datagram others are heard once more before it is judged: what happened while it
 * was read is among the changes then. */
static int read_on(struct subscriber *subscriber) {
	int r = 1;

	if (subscriber->snapshot_over) {
		subscriber->snapshot_over = false;
		return go_on(subscriber);
	}
	for (int i = 0; r == 1 && i < STEPS_AT_ONCE && outlet_has_room(&subscriber->outlet); i++)
		r = snapshot_step(&subscriber->snapshot, take_row, subscriber);
	subscriber->snapshot_over = r == 0;
	return r < 0 ? r : 0;
}

/* ---- what has changed ---- */

/* Once it has caught up: what is still to be told of one object may be newer than all that was to
 * be told of others, and older than nothing. */
static int join(struct subscriber *subscriber) {
	int r = outlet_set_muted(&subscriber->outlet, false);

	if (r == 0 && !subscriber->silent)
		r = outlet_put_synced(&subscriber->outlet);
	subscriber->silent = false;
	subscriber->state = SUBSCRIBER_LIVE;
	return r;
}

static int tell_changes(struct subscriber *subscriber) {
	int r = 0;

	for (int i = 0; r >= 0 && subscriber->reader.at && i < CHANGES_AT_ONCE &&
			outlet_has_room(&subscriber->outlet);
	     i++) {
		r = tell(subscriber, subscriber->reader.at);
		news_advance(&subscriber->reader);
	}
	if (r >= 0 && !subscriber->reader.at && subscriber->state == SUBSCRIBER_JOINING)
		r = join(subscriber);
	return r;
}

void subscriber_lose(struct subscriber *subscriber, uint64_t changes) {
	snapshot_end(&subscriber->snapshot);
	subscriber->lost += changes;
	subscriber->gap_changes += changes;
	subscriber->gap = !subscriber->silent && !subscriber->waits;
	subscriber->state = SUBSCRIBER_BEHIND;
	news_skip(subscriber->news, &subscriber->reader);
}

static const char *reason(int r) {
	return r == -EMSGSIZE ? "a row is larger than a packet"
			      : strerrordesc_np(-r) ?: "something unknown";
}

void subscriber_work(struct subscriber *subscriber) {
	int r = 0;

	if (subscriber->ended)
		return;
	if (subscriber->state == SUBSCRIBER_BEHIND)
		news_skip(subscriber->news, &subscriber->reader);
	if (!subscriber_has_work(subscriber))
		return;
	if (subscriber->state == SUBSCRIBER_BEHIND)
		r = begin_anew(subscriber);
	else if (subscriber->state == SUBSCRIBER_READING)
		r = read_on(subscriber);
	else
		r = tell_changes(subscriber);
	if (r < 0)
		end(subscriber, reason(r));
}

bool subscriber_has_work(const struct subscriber *subscriber) {
	return !subscriber->ended && !subscriber->waits &&
	       (subscriber->state != SUBSCRIBER_LIVE || subscriber->reader.at) &&
	       outlet_has_room(&subscriber->outlet);
}
