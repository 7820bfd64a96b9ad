/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>

#include "instant.h"
#include "lookout.h"

enum { KNOWN = 1 << 12 };

/* Asking for each write to a file would take longer than all else: what was found holds until an
 * event says that the name was taken away. Such an event is in the queue before any of what
 * happened to the file afterwards. */
struct tenures {
	struct known {
		uint64_t name, object; /* hashes, of the name with its directory; 0: nothing */
	} known[KNOWN];
};

/* The three ways to lose a name, and how to get one. */
static const uint64_t of_names = FAN_CREATE | FAN_DELETE | FAN_RENAME;

static uint64_t hash(uint64_t sum, const void *bytes, size_t size) {
	for (const uint8_t *at = bytes, *end = at + size; at < end; at++)
		sum = (sum ^ *at) * UINT64_C(0x100000001b3);
	return sum;
}

static uint64_t hash_of(const struct handle *handle, const char *name, size_t length) {
	return hash(hash(UINT64_C(0xcbf29ce484222325), handle->bytes, handle->size), name, length);
}

static struct known *place_of(const struct lookout *lookout, uint64_t name) {
	return &lookout->tenures->known[(name ^ name >> 32) % KNOWN];
}

static void forget(const struct lookout *lookout, const struct handle *directory, const char *name,
		   size_t length) {
	uint64_t sum = hash_of(directory, name, length);
	struct known *known = place_of(lookout, sum);

	if (known->name == sum)
		*known = (struct known){ 0 };
}

void tenure_glance(const struct lookout *lookout, const struct group_event *raw) {
	if (!lookout->tenures || !(raw->mask & (FAN_DELETE | FAN_RENAME)))
		return;
	if (raw->name)
		forget(lookout, &raw->directory, raw->name, raw->name_length);
	if (raw->old_name)
		forget(lookout, &raw->old_directory, raw->old_name, raw->old_name_length);
}

void tenure_forget(struct lookout *lookout) {
	free(lookout->tenures);
	lookout->tenures = NULL;
}

/* Of what follows, the first that tells whose the name was until then. */
static bool judge(const struct group_event *event, const struct group_event *later,
		  enum tenure *ret) {
	bool moved = later->mask & FAN_RENAME;
	bool comes = later->mask & of_names && later->name &&
		     handle_is(&later->directory, &event->directory) &&
		     strcmp(later->name, event->name) == 0;
	bool leaves = moved && later->old_name &&
		      handle_is(&later->old_directory, &event->directory) &&
		      strcmp(later->old_name, event->name) == 0;

	if (!comes && !leaves)
		return false;
	if (comes && moved)
		*ret = TENURE_UNKNOWN; /* whose it was before it was overwritten is not said */
	else
		*ret = later->object.bytes && handle_is(&later->object, &event->object)
			       ? TENURE_HELD
			       : TENURE_OVER;
	return true;
}

/* All that has been read, by those that come after the event; and what has no name at all had none
 * before. Who changes names has told of that only when he is done, and nobody waits for him. */
static enum tenure look_on(const struct lookout *lookout, const struct event *event) {
	const struct block *ahead = &lookout->ahead;
	enum tenure tenure = TENURE_OVER;
	struct group_event later;
	size_t at = 0;

	for (const struct event *other = event + 1; other < lookout->event + lookout->n_events;
	     other++)
		if (judge(&event->raw, &other->raw, &tenure))
			return tenure;
	while (group_parse(ahead->bytes, ahead->size, &at, &later) > 0)
		if (judge(&event->raw, &later, &tenure))
			return tenure;
	return lookout->uncertain ||
			       !superblock_is_nameless(&lookout->superblock, &event->raw.object)
		       ? TENURE_UNKNOWN
		       : TENURE_OVER;
}

static enum tenure find_out(struct lookout *lookout, const struct event *event) {
	struct toil *toil = &lookout->watcher->toil;
	uid_t uid = actor_uid(lookout, event->raw.pid);
	uint64_t began = instant_usec();
	enum tenure tenure;

	if (toil_left(toil, uid, began) == 0)
		return TENURE_UNKNOWN;
	batch_look_ahead(lookout);
	tenure = look_on(lookout, event);
	toil_spend(toil, uid, instant_usec() - began);
	return tenure;
}

enum tenure tenure_of(struct lookout *lookout, const struct event *event, uint32_t directory) {
	const struct group_event *raw = &event->raw;
	struct known now, *known;

	/* what names a name was about it when that happened */
	if (!raw->object.bytes || raw->mask & (of_names | FAN_ONDIR))
		return TENURE_HELD;
	if (!lookout->tenures)
		lookout->tenures = calloc(1, sizeof *lookout->tenures);
	if (!lookout->tenures)
		return TENURE_UNKNOWN;
	now.name = hash_of(&raw->directory, raw->name, raw->name_length);
	now.object = hash_of(&raw->object, NULL, 0);
	known = place_of(lookout, now.name);
	if (known->name == now.name && known->object == now.object)
		return TENURE_HELD;
	if (!superblock_leads(&lookout->superblock, directory, raw->name, &raw->object))
		return find_out(lookout, event);
	*known = now;
	return TENURE_HELD;
}
