/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <limits.h>
#include <string.h>

#include "lookout.h"

enum { LINE_MAX_BYTES = 2 * PATH_MAX, DEPTH_MAX = PATH_MAX };

/* Written from the end to the beginning, while the way goes up. */
static char lines[2][LINE_MAX_BYTES];

static bool prepend(char **at, const char *beginning, const char *name, size_t length) {
	if ((size_t)(*at - beginning) < length + 1)
		return false;
	*at -= length;
	memcpy(*at, name, length);
	return true;
}

static enum doubt doubt_of(const struct lookout *lookout, const struct node *node) {
	if (node->changed > lookout->position)
		return node->flags & NODE_FRESH ? DOUBTFUL : UNKNOWN;
	return lookout->uncertain && node->read == lookout->batch ? UNKNOWN : CERTAIN;
}

static enum doubt worse(enum doubt one, enum doubt other) {
	return one > other ? one : other;
}

static bool is_wanted(const struct eye *eye, bool is_directory_itself) {
	switch (eye->watch->scope) {
	case WATCH_INODE: return false;
	case WATCH_CHILDREN: return is_directory_itself;
	default: return true;
	}
}

struct look {
	uint64_t open[BEHOLDER_WORDS]; /* for whom the way is */
	enum doubt doubt;
};

static bool is_open(const struct look *look, const struct eye *eye) {
	return look->open[eye->beholder / 64] >> eye->beholder % 64 & 1;
}

static bool is_open_to_all(const struct look *look, const struct choir *choir, size_t words) {
	uint64_t others = 0;

	for (size_t i = 0; i < words; i++)
		others |= choir->beholders[i] & ~look->open[i];
	return others == 0;
}

static void visit_spot(struct lookout *lookout, const struct spot *spot, const struct look *look,
		       bool is_directory_itself, char *path, size_t length, sight_visit visit,
		       void *data) {
	const size_t words = lookout->superblock.nodes.words;
	const struct choir *last = NULL;
	size_t next;

	for (size_t i = 0; i < spot->n; i = next) {
		struct eye *eye = spot->eye[i];

		next = i + 1;
		/* whether they can be told at once is asked for the first of them */
		if (eye->choir)
			eye->choir->whole =
				eye->choir != last && is_open_to_all(look, eye->choir, words);
		last = eye->choir;
		if (is_open(look, eye) && is_wanted(eye, is_directory_itself) &&
		    visit(lookout, eye, path, length, look->doubt, data))
			next = i + eye->choir->chorus.n;
	}
}

static bool pass(struct lookout *lookout, struct look *look, uint32_t number, bool lists) {
	const struct nodes *nodes = &lookout->superblock.nodes;
	const uint64_t *bits = lists ? node_listers(nodes, number) : node_passers(nodes, number);
	uint64_t any = 0;

	for (size_t i = 0; i < nodes->words; i++)
		any |= look->open[i] &= bits[i];
	return any != 0;
}

/* The name that a directory had before may be told to whoever can list the one that it has always
 * been in. */
static bool stays(const struct lookout *lookout, const struct look *look, const struct node *node) {
	const struct nodes *nodes = &lookout->superblock.nodes;
	uint64_t others = 0;

	if (!(node->flags & NODE_STAYS) || !node->parent)
		return false;
	for (size_t i = 0; i < nodes->words; i++)
		others |= look->open[i] & node_passers(nodes, node->parent)[i] &
			  ~node_listers(nodes, node->parent)[i];
	return others == 0;
}

bool sight_each(struct lookout *lookout, enum sight_line line, uint32_t directory, const char *name,
		size_t length, sight_visit visit, void *data) {
	const struct nodes *nodes = &lookout->superblock.nodes;
	char *beginning = lines[line], *end = beginning + LINE_MAX_BYTES - 1, *at = end;
	struct look look = { 0 };
	bool below_a_spot = false;

	memset(look.open, 0xff, nodes->words * sizeof *look.open);
	*end = '\0';
	if (!prepend(&at, beginning, name, length))
		return false;
	for (uint32_t i = directory, depth = 0; i && depth < DEPTH_MAX; depth++) {
		const struct node *node = &nodes->node[i];
		size_t name_length;
		const char *own = node_name(node, &name_length);

		look.doubt = worse(look.doubt, doubt_of(lookout, node));
		if (!pass(lookout, &look, i, i == directory))
			return below_a_spot;
		if (node->spot) {
			below_a_spot = true;
			visit_spot(lookout, &lookout->spot[node->spot], &look, i == directory, at,
				   (size_t)(end - at), visit, data);
		}
		node = &nodes->node[i]; /* which a visit may have moved */
		if (node->moved > lookout->position && !stays(lookout, &look, node))
			look.doubt = UNKNOWN;
		if (at != end)
			*--at = '/';
		if (!prepend(&at, beginning, own, name_length))
			return below_a_spot;
		i = node->parent;
	}
	return below_a_spot;
}

bool sight_prepare(struct lookout *lookout, uint32_t directory) {
	const struct nodes *nodes = &lookout->superblock.nodes;
	uint32_t highest = 0, i, depth;

	for (i = directory, depth = 0; i && depth < DEPTH_MAX; i = nodes->node[i].parent, depth++)
		if (nodes->node[i].spot)
			highest = i;
	if (!highest)
		return false;
	for (i = directory;; i = nodes->node[i].parent) {
		if (!superblock_is_fresh(&lookout->superblock, i)) {
			superblock_refresh(&lookout->superblock, i);
			lookout->superblock.nodes.node[i].read = lookout->batch;
			lookout->asked = true;
		}
		if (i == highest)
			return true;
	}
}
