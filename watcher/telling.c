/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <limits.h>
#include <string.h>
#include <sys/fanotify.h>

#include "fd.h"
#include "lookout.h"

static const uint32_t of_entries = USHER_WATCH_CREATE | USHER_WATCH_DELETE | USHER_WATCH_MOVE;
static const uint32_t of_itself = USHER_WATCH_DELETE_SELF | USHER_WATCH_MOVE_SELF;

struct telling {
	struct happening happening;
	uint32_t directory; /* in which it happened */
	const char *name;
	size_t name_length;
	struct handle object;          /* that has the name, or had it */
	const struct outlook *outlook; /* from which it was looked at last */
	enum outlook_view view;
	const struct event *event; /* that is told of by the name in it; NULL: by another */
	enum tenure tenure;
	bool asked; /* for that */
	pid_t pid;
	bool rescan;   /* somebody could not be told by name */
	size_t halves; /* who has seen the old end of a move, and not yet the new one */
};

static const struct beholder *beholder_of(const struct lookout *lookout, const struct eye *eye) {
	return &lookout->superblock.beholders.beholder[eye->beholder];
}

static bool is_owner(const struct lookout *lookout, const struct eye *eye, uint32_t directory) {
	return lookout->superblock.nodes.node[directory].uid ==
	       beholder_of(lookout, eye)->person.uid;
}

/* In a directory that everybody shares, what others do is told as rarely as if it had been looked
 * for, and no more than would be seen by that. */
static void keep_private(struct lookout *lookout, const struct eye *eye,
			 const struct telling *telling, bool shared, struct happening *happening) {
	const struct beholder *beholder = beholder_of(lookout, eye);
	bool by_itself =
		beholder->everything || actor_uid(lookout, telling->pid) == beholder->person.uid;

	if (eye->report_pid && by_itself)
		happening->pid = telling->pid;
	if (shared && !by_itself && !is_owner(lookout, eye, telling->directory)) {
		happening->events &= of_entries;
		happening->slow = true;
	}
}

static void tell(struct lookout *lookout, const struct eye *eye, const struct telling *telling,
		 const struct happening *happening) {
	bool shared = lookout->superblock.nodes.node[telling->directory].flags & NODE_STICKY;
	struct happening kept;

	if (shared || eye->report_pid) {
		kept = *happening;
		keep_private(lookout, eye, telling, shared, &kept);
		happening = &kept;
	}
	if (happening->events)
		watch_tell(lookout->watcher, eye->watch, happening);
}

/* What happened can be told of a name that is there to be seen, whatever happened between: but that
 * something had the name which has gone is not to be seen. */
static bool is_there(struct lookout *lookout, const struct telling *telling) {
	return telling->object.bytes && !(telling->happening.events & USHER_WATCH_DELETE) &&
	       superblock_leads(&lookout->superblock, telling->directory, telling->name,
				&telling->object);
}

/* Those who look from the same place come one after the other, mostly. */
static void look_out(struct lookout *lookout, const struct eye *eye, struct telling *telling,
		     char *path, size_t length) {
	char *slash = path + length - telling->name_length - 1;

	telling->outlook = eye->outlook;
	telling->view = OUTLOOK_SHOWN;
	if (length == telling->name_length)
		return;
	*slash = '\0';
	telling->view = outlook_look(lookout, eye->outlook, telling->directory, path);
	*slash = '/';
}

/* Whether the path to a name leads there for somebody. */
static bool is_shown(struct lookout *lookout, const struct eye *eye, struct telling *telling,
		     char *path, size_t length, enum doubt doubt) {
	if (doubt == CERTAIN && eye->outlook == telling->outlook && telling->view == OUTLOOK_SHOWN)
		return true; /* as for most */
	if (beholder_of(lookout, eye)->everything)
		return true;
	if (doubt != UNKNOWN && eye->outlook != telling->outlook)
		look_out(lookout, eye, telling, path, length);
	if (telling->view == OUTLOOK_SHOWN &&
	    (doubt == CERTAIN || (doubt == DOUBTFUL && is_there(lookout, telling))))
		return true;
	if (doubt == UNKNOWN || telling->view != OUTLOOK_COVERED)
		telling->rescan = true;
	return false;
}

/* Asked when somebody is to be told, since mostly nobody is. */
static bool was_named_so(struct lookout *lookout, struct telling *telling) {
	if (!telling->event)
		return true;
	if (!telling->asked)
		telling->tenure = tenure_of(lookout, telling->event, telling->directory);
	telling->asked = true;
	if (telling->tenure == TENURE_UNKNOWN)
		telling->rescan = true;
	return telling->tenure == TENURE_HELD;
}

static bool wants(const struct eye *eye, uint32_t events) {
	return (eye->watch->events & events) != 0;
}

/* But for what it did itself, where it does not want to know of that. */
static bool is_for(struct eye *eye, const struct telling *telling, uint32_t events) {
	return wants(eye, events) && !actor_is(&eye->self, telling->pid);
}

/* Whether what is found of this one holds of all who are like it. */
static bool stands_for_all(const struct eye *eye) {
	return eye->choir && eye->choir->whole;
}

/* Whether all who are like this one can be told at once. */
static bool sings_together(const struct lookout *lookout, const struct eye *eye,
			   const struct telling *telling, enum doubt doubt) {
	return stands_for_all(eye) && doubt == CERTAIN && eye->outlook == telling->outlook &&
	       telling->view == OUTLOOK_SHOWN &&
	       !(lookout->superblock.nodes.node[telling->directory].flags & NODE_STICKY);
}

static bool tell_choir(const struct eye *eye, const struct happening *happening) {
	return chorus_put(&eye->choir->chorus, happening, happening->events & eye->watch->events);
}

static bool visit_name(struct lookout *lookout, struct eye *eye, char *path, size_t length,
		       enum doubt doubt, void *data) {
	struct telling *telling = data;

	if (!is_for(eye, telling, telling->happening.events) ||
	    !is_shown(lookout, eye, telling, path, length, doubt) ||
	    !was_named_so(lookout, telling))
		return stands_for_all(eye);
	telling->happening.path = path;
	telling->happening.path_length = length;
	if (sings_together(lookout, eye, telling, doubt) && tell_choir(eye, &telling->happening))
		return true;
	tell(lookout, eye, telling, &telling->happening);
	return false;
}

static void look_at(struct lookout *lookout, struct telling *telling, enum sight_line line,
		    uint32_t directory, const char *name, size_t length, sight_visit visit) {
	if (!directory)
		return;
	if (lookout->disturbed)
		(void)sight_prepare(lookout, directory);
	telling->directory = directory;
	telling->name = name;
	telling->name_length = length;
	telling->rescan = false;
	telling->outlook = NULL;
	telling->view = OUTLOOK_SHOWN;
	if (sight_each(lookout, line, directory, name, length, visit, telling))
		batch_note(lookout, directory, telling->happening.clock);
	if (telling->rescan)
		batch_rescan(lookout, directory);
}

/* ---- moves ---- */

/* NULL: it was not seen from where it went. */
static const struct parting *parting_of(const struct lookout *lookout, const struct eye *eye) {
	if (eye->parting.went == lookout->stamp)
		return &eye->parting;
	return eye->choir && eye->choir->parting.went == lookout->stamp ? &eye->choir->parting
									: NULL;
}

static struct parting *parting_for(struct eye *eye, bool together) {
	return together ? &eye->choir->parting : &eye->parting;
}

static size_t voices(const struct eye *eye, bool together) {
	return together ? eye->choir->chorus.n : 1;
}

static bool visit_old(struct lookout *lookout, struct eye *eye, char *path, size_t length,
		      enum doubt doubt, void *data) {
	struct telling *telling = data;
	bool together;

	if (!is_for(eye, telling, of_entries) ||
	    !is_shown(lookout, eye, telling, path, length, doubt))
		return stands_for_all(eye);
	together = sings_together(lookout, eye, telling, doubt);
	*parting_for(eye, together) =
		(struct parting){ .went = lookout->stamp, .path = path, .path_length = length };
	telling->halves += voices(eye, together);
	return together;
}

static bool visit_new(struct lookout *lookout, struct eye *eye, char *path, size_t length,
		      enum doubt doubt, void *data) {
	struct telling *telling = data;
	struct happening happening = telling->happening;
	const struct parting *from = parting_of(lookout, eye);
	bool together;

	if (!is_for(eye, telling, of_entries) ||
	    !is_shown(lookout, eye, telling, path, length, doubt))
		return stands_for_all(eye);
	happening.path = path;
	happening.path_length = length;
	happening.events = from ? USHER_WATCH_MOVE : USHER_WATCH_CREATE;
	happening.half = !from;
	happening.old_path = from ? from->path : NULL;
	happening.old_path_length = from ? from->path_length : 0;
	together = from && from != &eye->parting && sings_together(lookout, eye, telling, doubt) &&
		   (!wants(eye, USHER_WATCH_MOVE) || tell_choir(eye, &happening));
	if (!together)
		tell(lookout, eye, telling, &happening);
	if (from) {
		parting_for(eye, together)->came = lookout->stamp;
		telling->halves -= voices(eye, together);
	}
	return together;
}

static bool has_come(const struct lookout *lookout, const struct eye *eye) {
	return eye->parting.came == lookout->stamp ||
	       (eye->choir && eye->choir->parting.came == lookout->stamp);
}

/* Who has seen it go and not where to. */
static bool visit_left(struct lookout *lookout, struct eye *eye, char *path, size_t length,
		       enum doubt doubt, void *data) {
	struct telling *telling = data;
	struct happening happening = telling->happening;

	if (!parting_of(lookout, eye) || has_come(lookout, eye))
		return false;
	happening.events = USHER_WATCH_DELETE;
	happening.half = true;
	happening.path = path;
	happening.path_length = length;
	tell(lookout, eye, telling, &happening);
	return false;
}

static void tell_move(struct lookout *lookout, struct telling *telling, const struct event *event) {
	const struct group_event *raw = &event->raw;

	lookout->stamp++;
	if (raw->old_name)
		look_at(lookout, telling, SIGHT_OLD, event->old_directory, raw->old_name,
			raw->old_name_length, visit_old);
	if (raw->name)
		look_at(lookout, telling, SIGHT_NEW, event->directory, raw->name, raw->name_length,
			visit_new);
	if (telling->halves > 0)
		look_at(lookout, telling, SIGHT_OLD, event->old_directory, raw->old_name,
			raw->old_name_length, visit_left);
}

/* ---- what is watched itself ---- */

static void tell_spot(struct lookout *lookout, const struct telling *telling, uint32_t node,
		      uint32_t events) {
	uint32_t number = lookout->superblock.nodes.node[node].spot;
	const struct spot *spot = &lookout->spot[number];

	for (size_t i = 0; number && i < spot->n; i++) {
		struct watch *watch = spot->eye[i]->watch;
		struct happening happening = telling->happening;

		happening.path = "";
		happening.events = events & watch->events;
		happening.directory = spot->directory;
		if (is_for(spot->eye[i], telling, events))
			watch_tell(lookout->watcher, watch, &happening);
		if (events & USHER_WATCH_DELETE_SELF)
			watch->gone = true;
	}
}

static void tell_object(struct lookout *lookout, const struct telling *telling,
			const struct event *event, uint32_t events) {
	uint64_t mask = event->raw.mask;

	if (!event->object || !lookout->superblock.nodes.node[event->object].spot)
		return;
	/* of a file it may have been but one of its names */
	if (mask & FAN_ONDIR && mask & FAN_DELETE)
		events |= USHER_WATCH_DELETE_SELF;
	if (mask & FAN_RENAME)
		events |= USHER_WATCH_MOVE_SELF;
	tell_spot(lookout, telling, event->object, events & ~of_entries);
}

/* ---- directories ---- */

static void move_object(struct lookout *lookout, const struct event *event) {
	const struct group_event *raw = &event->raw;
	struct nodes *nodes = &lookout->superblock.nodes;

	if (!event->object || !(raw->mask & FAN_ONDIR))
		return;
	if (raw->mask & FAN_RENAME &&
	    !(event->directory &&
	      nodes_move(nodes, event->object, event->directory, raw->name, raw->name_length)))
		batch_leave(lookout, event->object);
	if (raw->mask & FAN_DELETE)
		batch_leave(lookout, event->object);
}

/* What happened to a directory has happened in the one that it is in. */
static void tell_directory(struct lookout *lookout, struct telling *telling, uint32_t directory) {
	const struct node *node = &lookout->superblock.nodes.node[directory];
	size_t length;
	const char *name = node_name(node, &length);

	tell_spot(lookout, telling, directory, telling->happening.events & ~of_itself);
	telling->happening.events &= ~of_itself;
	if (node->parent && telling->happening.events)
		look_at(lookout, telling, SIGHT_NEW, node->parent, name, length, visit_name);
}

static void tell_event(struct lookout *lookout, const struct event *event) {
	const struct group_event *raw = &event->raw;
	struct telling telling = {
		.happening = {
			.events = group_events(raw->mask),
			.directory = raw->mask & FAN_ONDIR,
			.clock = journal_tick(&lookout->watcher->journal),
			.usec = lookout->usec,
		},
		.object = raw->object,
		.pid = raw->pid,
	};

	tell_object(lookout, &telling, event, telling.happening.events);
	if (raw->mask & FAN_RENAME) {
		tell_move(lookout, &telling, event);
	} else if (event->directory && strcmp(raw->name, ".") == 0) {
		tell_directory(lookout, &telling, event->directory);
	} else if (event->directory) {
		telling.happening.events &= ~of_itself;
		telling.event = event;
		look_at(lookout, &telling, SIGHT_NEW, event->directory, raw->name, raw->name_length,
			visit_name);
	}
}

void telling_event(struct lookout *lookout, struct event *event) {
	if (!lookout->superblock.layer || overlay_translate(lookout, event))
		tell_event(lookout, event);
	move_object(lookout, event);
}

/* ---- what is to be listed anew ---- */

static bool visit_rescan(struct lookout *lookout, struct eye *eye, char *path, size_t length,
			 enum doubt doubt, void *data) {
	const struct telling *telling = data;
	const char *nearest =
		outlook_nearest(lookout, eye->outlook, telling->directory, path, &length);

	if (!nearest)
		return stands_for_all(eye);
	if (stands_for_all(eye) &&
	    chorus_put_rescan(&eye->choir->chorus, nearest, length, telling->happening.clock))
		return true;
	watch_tell_rescan(lookout->watcher, eye->watch, nearest, length, telling->happening.clock);
	return false;
}

void telling_rescan(struct lookout *lookout, uint32_t directory) {
	struct telling telling = {
		.happening = { .clock = journal_tick(&lookout->watcher->journal) },
		.directory = directory,
	};

	(void)sight_prepare(lookout, directory);
	(void)sight_each(lookout, SIGHT_NEW, directory, "", 0, visit_rescan, &telling);
	batch_note(lookout, directory, telling.happening.clock);
}
