/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <unistd.h>

#include "instant.h"
#include "lookout.h"

enum {
	READ_SIZE = 1 << 18, /* at once; the rest of a block is for looking ahead */
	EVENT_MOST = 4096,   /* what one may take */
	STRAYS_USUAL = 64,
	EVENTS_USUAL = 256,       /* in a batch: what more of them take is given back … */
	LARGE_USEC = 1000 * 1000, /* … when there have not been so many for a while */
};

/* ---- lists ---- */

static void append(uint32_t **list, size_t *n, size_t *space, uint32_t number) {
	if (*n == *space) {
		size_t larger = *space ? *space * 2 : 64;
		uint32_t *more = reallocarray(*list, larger, sizeof *more);

		if (!more)
			abort(); /* what is lost by that is told by who comes after us */
		*list = more;
		*space = larger;
	}
	(*list)[(*n)++] = number;
}

void batch_rescan(struct lookout *lookout, uint32_t number) {
	struct node *node = &lookout->superblock.nodes.node[number];

	if (node->flags & NODE_RESCAN)
		return;
	node->flags |= NODE_RESCAN;
	append(&lookout->rescan, &lookout->n_rescans, &lookout->space_rescans, number);
}

void batch_leave(struct lookout *lookout, uint32_t number) {
	append(&lookout->leaving, &lookout->n_leaving, &lookout->space_leaving, number);
}

void batch_note(struct lookout *lookout, uint32_t number, uint64_t clock) {
	struct node *node = &lookout->superblock.nodes.node[number];
	const struct handle handle = node_handle(node);

	node->entry = journal_note(&lookout->watcher->journal, node->entry, &handle, clock);
}

/* ---- what events say of directories, before any is told ---- */

static struct node *node_of(const struct lookout *lookout, uint32_t number) {
	return &lookout->superblock.nodes.node[number];
}

static uint32_t look_up(struct lookout *lookout, const struct handle *handle, pid_t pid) {
	struct toil *toil = &lookout->watcher->toil;
	uint64_t began = instant_usec();
	uid_t uid = actor_uid(lookout, pid); /* those who have gone are one */
	uint32_t number;

	if (toil_left(toil, uid, began) == 0) {
		arrears_owe(lookout, handle);
		return 0;
	}
	number = superblock_find(&lookout->superblock, handle);
	toil_spend(toil, uid, instant_usec() - began);
	return number;
}

static uint32_t find(struct lookout *lookout, const struct handle *handle, pid_t pid) {
	uint64_t before = lookout->superblock.asked;
	uint32_t number = handle->bytes ? nodes_find(&lookout->superblock.nodes, handle) : 0;

	if (number || !handle->bytes)
		return number;
	number = look_up(lookout, handle, pid);
	if (lookout->superblock.asked != before) {
		lookout->asked = true;
		/* with what it is below, as far as that is new */
		for (uint32_t i = number; i && node_of(lookout, i)->read == 0;
		     i = node_of(lookout, i)->parent)
			node_of(lookout, i)->read = lookout->batch;
	}
	return number;
}

/* Until when what happened where it says cannot be told from what happened after that: a change may
 * have been merged with a later one, behind events that are still in the queue. */
static uint64_t horizon(struct lookout *lookout) {
	if (lookout->horizon == 0)
		lookout->horizon = lookout->taken + group_waiting(lookout->group.fd);
	return lookout->horizon;
}

static void scan_rights(struct lookout *lookout, const struct group_event *raw) {
	const struct handle *handle = strcmp(raw->name, ".") == 0 ? &raw->directory : &raw->object;
	uint32_t number = handle->bytes ? nodes_find(&lookout->superblock.nodes, handle) : 0;

	if (!number)
		return;
	node_of(lookout, number)->changed = horizon(lookout);
	node_of(lookout, number)->flags &= ~(uint32_t)NODE_FRESH;
	if (lookout->superblock.layer && overlay_has(lookout, number))
		lookout->mounts_generation++; /* what its maker may see is found by looking */
}

static void note_stray(struct lookout *lookout, struct stray stray) {
	if (lookout->n_strays == lookout->space_strays) {
		size_t larger = lookout->space_strays ? lookout->space_strays * 2 : STRAYS_USUAL;
		struct stray *more = reallocarray(lookout->stray, larger, sizeof *more);

		if (!more)
			abort(); /* as above */
		lookout->stray = more;
		lookout->space_strays = larger;
	}
	lookout->stray[lookout->n_strays++] = stray;
}

static void go_astray(struct lookout *lookout, uint32_t number, const struct group_event *raw) {
	struct node *node = node_of(lookout, number);

	/* where one that stays is found when the batch ends, it is called so from then on */
	node->moved = node->flags & NODE_STAYS ? lookout->taken : horizon(lookout);
	if (!(node->flags & NODE_ASTRAY))
		note_stray(lookout, (struct stray){ number, raw->name, raw->old_name });
	node->flags |= NODE_ASTRAY;
}

/* What follows the one move of a directory follows it in the queue, too. But of several in one
 * queue the kernel may have merged two that are alike, so that the last is told as if it were the
 * first: then nobody knows where the directory was when, or where it is. As long as it has only
 * been given other names it was in the same directory all the time, and is to be asked about. */
static void scan_move(struct lookout *lookout, uint32_t number, const struct group_event *raw,
		      uint64_t position) {
	struct node *node = node_of(lookout, number);
	bool first = node->moved <= lookout->begins || node->moved == position + 1;
	/* what has only just been asked for was found where it is by now */
	bool known = lookout->drained && node->read != lookout->batch;
	bool stays = known && (first || node->flags & NODE_STAYS) &&
		     handle_is(&raw->directory, &raw->old_directory);

	node->flags &= ~(uint32_t)NODE_STAYS;
	if (stays)
		node->flags |= NODE_STAYS;
	if (known && first)
		node->moved = position + 1;
	else
		go_astray(lookout, number, raw);
}

/* What is to come after what is told now. */
static void glance(struct lookout *lookout, const struct group_event *raw, uint64_t position) {
	uint32_t number;

	tenure_glance(lookout, raw);
	if (!(raw->mask & FAN_ONDIR))
		return;
	if (raw->mask & FAN_ATTRIB && raw->name)
		scan_rights(lookout, raw);
	if (!(raw->mask & (FAN_RENAME | FAN_DELETE)) || !raw->object.bytes)
		return;
	number = nodes_find(&lookout->superblock.nodes, &raw->object);
	if (number && raw->mask & FAN_RENAME)
		scan_move(lookout, number, raw, position);
	if (number && raw->mask & FAN_DELETE)
		node_of(lookout, number)->flags |= NODE_LEAVES;
}

/* The directory that was made, moved or deleted: as it was before that. */
static void scan_directory(struct lookout *lookout, struct event *event) {
	const struct group_event *raw = &event->raw;
	bool moves = raw->mask & FAN_RENAME && event->old_directory;
	struct nodes *nodes = &lookout->superblock.nodes;

	event->object = nodes_find(nodes, &raw->object);
	if (event->object || !(raw->mask & (FAN_CREATE | FAN_RENAME)))
		return;
	if (moves)
		event->object = nodes_add(nodes, &raw->object, event->old_directory, raw->old_name,
					  raw->old_name_length);
	else if (event->directory)
		event->object = nodes_add(nodes, &raw->object, event->directory, raw->name,
					  raw->name_length);
}

static void scan(struct lookout *lookout, struct event *event) {
	const struct group_event *raw = &event->raw;

	if (raw->mask & FAN_Q_OVERFLOW) {
		lookout->overflowed = true;
		return;
	}
	event->directory = find(lookout, &raw->directory, raw->pid);
	event->old_directory = find(lookout, &raw->old_directory, raw->pid);
	if (raw->object.bytes && raw->mask & FAN_ONDIR &&
	    raw->mask & (FAN_CREATE | FAN_DELETE | FAN_RENAME))
		scan_directory(lookout, event);
	else if (raw->object.bytes && lookout->n_files > 0)
		event->object = nodes_find(&lookout->superblock.nodes, &raw->object);
	glance(lookout, raw, event->position);
}

static void prepare(struct lookout *lookout, uint32_t directory) {
	if (directory)
		(void)sight_prepare(lookout, directory);
}

/* ---- reading ---- */

enum found { NOTHING, SOMETHING, NO_ROOM };

static enum found read_some(struct lookout *lookout, struct block *block, size_t most) {
	size_t room = LOOKOUT_BLOCK - block->size;
	size_t size = room < most ? room : most;
	ssize_t n = read(lookout->group.fd, block->bytes + block->size, size);

	lookout->drained = n < 0 ? errno == EAGAIN : (size_t)n + EVENT_MOST <= size;
	if (n < 0 && errno == EINVAL && block->size > 0)
		return NO_ROOM; /* for the next one */
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		lookout->overflowed = true;
	if (n <= 0)
		return NOTHING;
	if (block->size == 0)
		block->offset = lookout->taken;
	lookout->taken += group_count(block->bytes + block->size, (size_t)n);
	lookout->horizon = 0;
	block->size += (size_t)n;
	return SOMETHING;
}

static bool keep(struct lookout *lookout, const struct group_event *raw, uint64_t position) {
	if (lookout->n_events == lookout->space_events) {
		size_t space = lookout->space_events ? lookout->space_events * 2 : EVENTS_USUAL;
		struct event *more = reallocarray(lookout->event, space, sizeof *more);

		if (!more)
			return false;
		lookout->event = more;
		lookout->space_events = space;
	}
	lookout->event[lookout->n_events++] = (struct event){ .raw = *raw, .position = position };
	return true;
}

/* What cannot be understood is as good as lost. */
static void understand(struct lookout *lookout) {
	const struct block *block = &lookout->now;
	struct group_event raw;
	uint64_t position = block->offset;
	size_t at = 0;
	int r;

	lookout->begins = position;
	while ((r = group_parse(block->bytes, block->size, &at, &raw)) > 0)
		if (!keep(lookout, &raw, position++))
			lookout->overflowed = true;
	if (r < 0)
		lookout->overflowed = true;
	for (size_t i = 0; i < lookout->n_events; i++)
		scan(lookout, &lookout->event[i]);
	for (size_t i = 0; i < lookout->n_events; i++) {
		prepare(lookout, lookout->event[i].directory);
		prepare(lookout, lookout->event[i].old_directory);
	}
}

void batch_look_ahead(struct lookout *lookout) {
	struct block *ahead = &lookout->ahead;
	size_t at = ahead->size;
	uint64_t position, end;
	struct group_event raw;
	enum found found = SOMETHING;

	lookout->horizon = 0;
	position = lookout->taken;
	end = horizon(lookout);
	while (lookout->taken < end && found == SOMETHING)
		found = read_some(lookout, ahead, LOOKOUT_BLOCK);
	if (found == NO_ROOM)
		lookout->uncertain = true;
	while (group_parse(ahead->bytes, ahead->size, &at, &raw) > 0) {
		glance(lookout, &raw, position++);
		if (raw.mask & FAN_ATTRIB && raw.mask & FAN_ONDIR)
			lookout->disturbed = true;
	}
}

/* ---- a batch ---- */

static void begin(struct lookout *lookout) {
	struct block now = { .bytes = lookout->now.bytes };

	/* mostly nothing was looked at ahead: then it is read to where it is in the cache yet */
	lookout->now.size = 0;
	if (lookout->ahead.size > 0) {
		lookout->now = lookout->ahead;
		lookout->ahead = now;
	}
	lookout->n_events = lookout->n_rescans = lookout->n_leaving = 0;
	lookout->asked = lookout->uncertain = lookout->disturbed = lookout->drained = false;
	lookout->batch++;
}

static bool is_called(struct lookout *lookout, const struct node *node, const char *name) {
	const struct handle handle = node_handle(node);

	return superblock_leads(&lookout->superblock, node->parent, name, &handle);
}

/* Which of two names it has that it is given in turn costs less to ask than where it is. */
static bool find_by_name(struct lookout *lookout, const struct stray *stray) {
	const struct node *node = node_of(lookout, stray->node);
	size_t length;
	const char *last = node_name(node, &length), *name = stray->name;

	if (name && strcmp(name, last) == 0)
		name = stray->old_name;
	return name && is_called(lookout, node, name) &&
	       nodes_move(&lookout->superblock.nodes, stray->node, node->parent, name,
			  strlen(name));
}

/* A directory is asked where it is. True if it is not where it was. */
static bool find_again(struct lookout *lookout, const struct stray *stray) {
	struct node *node = node_of(lookout, stray->node);
	bool stays = node->flags & NODE_STAYS && node->parent;
	size_t length;

	node->flags &= ~(uint32_t)NODE_ASTRAY;
	if (node->flags & NODE_DEAD ||
	    (stays && is_called(lookout, node, node_name(node, &length))))
		return false;
	if (node->parent)
		batch_rescan(lookout, node->parent);
	if (!(stays && find_by_name(lookout, stray)) &&
	    !superblock_place(&lookout->superblock, stray->node)) {
		lookout->overflowed = true;
		return false;
	}
	node = node_of(lookout, stray->node);
	if (node->parent)
		batch_rescan(lookout, node->parent);
	return true;
}

/* What is still in the queue may know of them what is older than what they were asked. */
static void find_all_again(struct lookout *lookout) {
	size_t n = 0;

	for (size_t i = 0; i < lookout->n_strays; i++)
		if (find_again(lookout, &lookout->stray[i]))
			lookout->stray[n++] = lookout->stray[i];
	superblock_rest(&lookout->superblock);
	if (n > 0)
		lookout->horizon = 0;
	for (size_t i = 0; i < n; i++)
		node_of(lookout, lookout->stray[i].node)->moved = horizon(lookout);
	lookout->n_strays = 0;
}

/* What happened there meanwhile was told to nobody; and what is in the queue may be older than the
 * rights that have just been found. */
static void meet_late(struct lookout *lookout) {
	bool any = lookout->superblock.seekers.n_late > 0;

	while (any) {
		uint32_t number = superblock_find_late(&lookout->superblock, &any);

		if (!number)
			continue;
		lookout->horizon = 0;
		for (uint32_t i = number; i && (i == number || node_of(lookout, i)->read == 0);
		     i = node_of(lookout, i)->parent)
			node_of(lookout, i)->changed = horizon(lookout);
		batch_rescan(lookout, number);
	}
}

static void end(struct lookout *lookout) {
	find_all_again(lookout);
	meet_late(lookout);
	arrears_pay(lookout);
	for (size_t i = 0; i < lookout->n_rescans; i++) {
		node_of(lookout, lookout->rescan[i])->flags &= ~(uint32_t)NODE_RESCAN;
		telling_rescan(lookout, lookout->rescan[i]);
	}
	for (size_t i = 0; i < lookout->n_leaving; i++) {
		uint32_t number = lookout->leaving[i];

		if (node_of(lookout, number)->spot == 0)
			nodes_drop(&lookout->superblock.nodes, number);
	}
	nodes_trim(&lookout->superblock.nodes);
	if (lookout->n_events > EVENTS_USUAL)
		lookout->large_until = instant_usec() + LARGE_USEC;
}

uint64_t batch_rest(struct lookout *lookout, uint64_t now) {
	if (now < lookout->large_until)
		return lookout->large_until;
	free(lookout->event);
	lookout->event = NULL;
	lookout->n_events = lookout->space_events = 0;
	(void)madvise(lookout->now.bytes, LOOKOUT_BLOCK, MADV_DONTNEED);
	(void)madvise(lookout->ahead.bytes, LOOKOUT_BLOCK, MADV_DONTNEED);
	lookout->large_until = UINT64_MAX;
	return UINT64_MAX;
}

void batch_read(struct lookout *lookout) {
	begin(lookout);
	journal_set_busy(&lookout->watcher->journal, true);
	if (lookout->now.size < READ_SIZE)
		(void)read_some(lookout, &lookout->now, READ_SIZE - lookout->now.size);
	lookout->usec = instant_date_usec();
	outlook_refresh(lookout);
	understand(lookout);
	if (lookout->asked)
		batch_look_ahead(lookout);
	for (size_t i = 0; i < lookout->n_events && !lookout->overflowed; i++) {
		lookout->position = lookout->event[i].position;
		telling_event(lookout, &lookout->event[i]);
	}
	end(lookout);
}
