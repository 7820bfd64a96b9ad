/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "identity.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "census.h"
#include "ownership.h"
#include "ranges.h"
#include "surroundings.h"

enum {
	SYSTEM_IDS = 1000, /* below it are the machine's own: nobody's to map */
	NOBODY = 65534,
	TRANSIENT_FIRST = 65536, /* whatever the broker says */
};

enum form { FORM_OWN, FORM_NUMBERS, FORM_AUTO, FORM_USER };

/* One map, as the request has it. */
struct side {
	const char *name;
	char kind; /* ranges_read()'s */
	const char *word;
	Usher__IdRange *const *lines;
	size_t n;
	bool empty; /* lines were given, but none is there */
	enum form form;
};

struct words {
	struct side uids, gids;
	bool zero;
	uint32_t transient_start, transient_count;
};

static struct side side_of(const char *name, char kind, const char *word,
			   Usher__IdRange *const *lines, size_t n, bool empty) {
	struct side side = { name, kind, word, lines, n, empty, FORM_NUMBERS };

	if (n == 0 && !word)
		side.form = FORM_OWN;
	else if (n == 0 && strcmp(word, "auto") == 0)
		side.form = FORM_AUTO;
	else if (n == 0 && (isalpha((unsigned char)*word) || *word == '_'))
		side.form = FORM_USER;
	return side;
}

/* What is said of uids alone goes for gids, where that is no number. */
static struct words words_of(const ProtobufCMessage *request) {
	const struct surroundings around = surroundings_of(request);
	struct words words = {
		.uids = side_of("uid_map", 'u', around.uid_map, around.uid_ranges,
				around.n_uid_ranges, around.no_uid_ranges),
		.gids = side_of("gid_map", 'g', around.gid_map, around.gid_ranges,
				around.n_gid_ranges, around.no_gid_ranges),
		.zero = around.map_zero,
		.transient_start = around.transient_start,
		.transient_count = around.transient_count,
	};

	if (words.gids.form == FORM_OWN && words.uids.form > FORM_NUMBERS) {
		words.gids.form = words.uids.form;
		words.gids.word = words.uids.word;
	}
	return words;
}

/* "1000,1001": each the next inside, from 0 on. */
static int parse_list(const struct side *side, struct idmap *map, struct refusal *refusal) {
	const char *at = side->word;

	for (uint32_t inside = 0;; inside++) {
		char *end;
		unsigned long long outside;
		int r;

		errno = 0;
		outside = strtoull(at, &end, 10);
		if (!isdigit((unsigned char)*at) || errno || outside > UINT32_MAX ||
		    (*end && *end != ','))
			return refusal_note(refusal, REFUSED_INVALID,
					    "%s: '%.200s' is not \"INSIDE OUTSIDE COUNT[,...]\", "
					    "\"OUTSIDE[,...]\", \"auto\" or a user's name",
					    side->name, side->word);
		r = idmap_add(map, side->name, (struct idmap_line){ inside, (uint32_t)outside, 1 },
			      refusal);
		if (r != 0 || !*end)
			return r;
		at = end + 1;
	}
}

static int parse_numbers(const struct side *side, struct idmap *map, struct refusal *refusal) {
	int r = 0;

	map->n = 0;
	if (side->n == 0)
		r = strpbrk(side->word, " \t") ? idmap_parse(map, side->name, side->word, refusal)
					       : parse_list(side, map, refusal);
	for (size_t i = 0; r == 0 && i < side->n; i++)
		r = idmap_add(map, side->name,
			      (struct idmap_line){ side->lines[i]->inside, side->lines[i]->outside,
						   side->lines[i]->count },
			      refusal);
	if (r == 0 && !idmap_fits(map))
		return refusal_note(refusal, REFUSED_LIMIT,
				    "%s: these ranges take more than the 4096 bytes that the "
				    "kernel reads of a map",
				    side->name);
	return r;
}

static int contradiction(const struct side *side, struct refusal *refusal) {
	return refusal_note(refusal, REFUSED_INVALID,
			    "map_zero: contradicts the numbers of %s: who is 0 there is not you",
			    side->name);
}

static int check_side(const struct words *words, const struct side *side, struct refusal *refusal) {
	struct idmap map;
	int r;

	if (side->word && side->n > 0)
		return refusal_note(refusal, REFUSED_INVALID, "%s: given twice", side->name);
	if (side->empty)
		return refusal_note(refusal, REFUSED_INVALID, "%s: names no range", side->name);
	if (side->form == FORM_USER &&
	    (strlen(side->word) > 256 ||
	     side->word[strspn(side->word, "abcdefghijklmnopqrstuvwxyz_-.@$0123456789"
					   "ABCDEFGHIJKLMNOPQRSTUVWXYZ")]))
		return refusal_note(refusal, REFUSED_INVALID, "%s: '%.200s' is no user's name",
				    side->name, side->word);
	if (side->form != FORM_NUMBERS)
		return 0;
	r = parse_numbers(side, &map, refusal);
	if (r != 0 || !words->zero)
		return r;
	for (size_t i = 0; i < map.n; i++)
		if (map.lines[i].inside == 0)
			return 0; /* who that is, is seen where the caller is known */
	return contradiction(side, refusal);
}

int identity_check(const ProtobufCMessage *request, struct refusal *refusal) {
	const struct words words = words_of(request);
	int r = check_side(&words, &words.uids, refusal);

	if (r == 0)
		r = check_side(&words, &words.gids, refusal);
	if (r == 0 && words.uids.form == FORM_USER && words.gids.form == FORM_USER &&
	    strcmp(words.uids.word, words.gids.word) != 0)
		return refusal_note(refusal, REFUSED_INVALID,
				    "gid_map: names another user than uid_map");
	return r;
}

bool identity_wants_transient(const ProtobufCMessage *request) {
	struct words words;

	if (request->descriptor != &usher__create_request__descriptor &&
	    request->descriptor != &usher__spawn_request__descriptor)
		return false;
	words = words_of(request);
	return words.uids.form == FORM_AUTO || words.gids.form == FORM_AUTO;
}

/* ---- from words to numbers ---- */

/* Who asks, in the numbers of the parent namespace. */
struct asker {
	struct job *job;
	int parent;
	bool host;  /* the parent is the service's own */
	bool root;  /* nothing is kept from it there */
	bool named; /* it has numbers there */
	uint32_t uid, gid;
	const char *ranges; /* its subordinate ones, if they are known */
};

/* Outside ids laid over 0, 1, 2 and so on, but for the place that the caller's own id has. */
struct layer {
	struct idmap *map;
	const char *name;
	uint64_t next, hole; /* inside */
};

static int lay(struct layer *layer, uint32_t start, uint32_t count, struct refusal *refusal) {
	uint64_t outside = start, end = (uint64_t)start + count;
	int r = 0;

	while (r == 0 && outside < end && layer->next <= UINT32_MAX) {
		uint64_t n = end - outside;

		if (layer->next == layer->hole) {
			n = 1;
		} else {
			if (layer->next < layer->hole && layer->hole - layer->next < n)
				n = layer->hole - layer->next;
			r = idmap_add(layer->map, layer->name,
				      (struct idmap_line){ (uint32_t)layer->next, (uint32_t)outside,
							   (uint32_t)n },
				      refusal);
		}
		outside += n;
		layer->next += n;
	}
	return r;
}

/* Root of the machine does not become root of what it keeps apart. */
static int lay_all(const struct asker *asker, const struct words *words, const struct side *side,
		   uint32_t self, struct idmap *map) {
	struct refusal *refusal = &asker->job->refusal;
	uint32_t own = words->zero ? 0 : self, start, count;
	struct layer layer = { map, side->name, 0, asker->root ? UINT64_MAX : own };
	const char *at = asker->ranges;
	int r = 0;

	map->n = 0;
	if (side->form == FORM_AUTO)
		r = lay(&layer, words->transient_start, words->transient_count, refusal);
	while (r == 0 && side->form == FORM_USER && ranges_next(&at, side->kind, &start, &count))
		r = lay(&layer, start, count, refusal);
	if (r == 0 && map->n == 0)
		return refusal_note(refusal, REFUSED_NOT_FOUND,
				    "%s: %s has no subordinate ids in /etc/sub%cid", side->name,
				    side->word, side->kind);
	if (r == 0 && !asker->root)
		r = idmap_add(map, side->name, (struct idmap_line){ own, self, 1 }, refusal);
	return r;
}

static int build(const struct asker *asker, const struct words *words, const struct side *side,
		 uint32_t self, struct idmap *map) {
	struct refusal *refusal = &asker->job->refusal;

	map->n = 0;
	if (side->form == FORM_NUMBERS)
		return parse_numbers(side, map, refusal);
	if (side->form != FORM_OWN)
		return lay_all(asker, words, side, self, map);
	if (!asker->named && !asker->root)
		return refusal_note(refusal, REFUSED_PERMISSION,
				    "%s: your own id has no number in the user namespace of that "
				    "place; give a map",
				    side->name);
	return idmap_add(map, side->name, (struct idmap_line){ words->zero ? 0 : self, self, 1 },
			 refusal);
}

/* ---- whose they are ---- */

static bool is_own(const struct asker *asker, const struct idmap_line *line, uint32_t self) {
	return asker->named && line->outside == self && line->count == 1;
}

static bool is_transient(const struct words *words, const struct idmap_line *line) {
	return line->outside >= words->transient_start &&
	       (uint64_t)line->outside + line->count <=
		       (uint64_t)words->transient_start + words->transient_count;
}

static bool is_systems(const struct idmap_line *line) {
	return line->outside < SYSTEM_IDS ||
	       (line->outside <= NOBODY && (uint64_t)line->outside + line->count > NOBODY);
}

static int judge(const struct asker *asker, const struct words *words, const struct side *side,
		 uint32_t self, const struct idmap *map) {
	for (size_t i = 0; i < map->n; i++) {
		const struct idmap_line *line = &map->lines[i];

		if (asker->root || is_own(asker, line, self))
			continue;
		if (!asker->job->place.privileged)
			return refusal_note(&asker->job->refusal, REFUSED_PERMISSION,
					    "%s: on a bus of one's own the kernel lets one map "
					    "one's own id (%u) alone, not %u-%llu",
					    side->name, self, line->outside,
					    (unsigned long long)line->outside + line->count - 1);
		if (asker->host && side->form == FORM_AUTO && is_transient(words, line))
			job_require(asker->job, TIER_OWN);
		else if (!asker->host || is_systems(line) ||
			 !ranges_cover(asker->ranges, side->kind, self, line->outside, line->count))
			return refusal_note(&asker->job->refusal, REFUSED_PERMISSION,
					    "%s: the ids %u-%llu are not yours: neither your own "
					    "(%u) nor in your ranges of /etc/sub%cid",
					    side->name, line->outside,
					    (unsigned long long)line->outside + line->count - 1,
					    self, side->kind);
	}
	return 0;
}

static bool is_all_own(const struct asker *asker, const struct idmap *map, uint32_t self) {
	for (size_t i = 0; i < map->n; i++)
		if (!is_own(asker, &map->lines[i], self))
			return false;
	return true;
}

/* Without setgroups(2) nobody inside gets rid of a group that keeps them out of something. Who has
 * subordinate groups could do that without us. */
static void judge_groups(const struct asker *asker, struct identity *identity) {
	bool more = !is_all_own(asker, &identity->gids, asker->gid);
	const char *at = asker->ranges;
	uint32_t start, count;

	identity->groups =
		asker->root || (more && asker->host && ranges_next(&at, 'g', &start, &count));
	identity->keeps_gid = more && !identity->groups;
}

/* ---- who asks ---- */

static uint32_t number_inside(const struct idmap *map, uint32_t outside, bool *ret_found) {
	*ret_found = true;
	for (size_t i = 0; i < map->n; i++)
		if (outside >= map->lines[i].outside &&
		    outside - map->lines[i].outside < map->lines[i].count)
			return map->lines[i].inside + (outside - map->lines[i].outside);
	*ret_found = false;
	return 0;
}

static int name_asker(const struct job *job, int users, uint32_t *uid, uint32_t *gid,
		      bool *ret_named) {
	struct idmap uids = { .n = 0 }, gids = { .n = 0 };
	bool has_uid, has_gid;
	int r = idmap_read(job, users, &uids, &gids);

	if (r < 0)
		return r;
	*uid = number_inside(&uids, job->place.uid, &has_uid);
	*gid = number_inside(&gids, job->place.gid, &has_gid);
	*ret_named = has_uid && has_gid;
	return 0;
}

int identity_inside(const struct job *job, int users, uint32_t *ret_uid, uint32_t *ret_gid) {
	bool ignored;

	return name_asker(job, users, ret_uid, ret_gid, &ignored);
}

static int find_asker(struct job *job, int parent, struct asker *asker) {
	const struct place *place = &job->place;
	int r;

	*asker = (struct asker){ .job = job,
				 .parent = parent,
				 .host = parent < 0 || place_is_our_users(place, parent),
				 .named = true,
				 .uid = place->uid,
				 .gid = place->gid };
	if (asker->host) {
		asker->root = place_is_roots(place);
		return 0;
	}
	asker->root = place_is_roots(place) || place_owns_users(place, parent);
	r = name_asker(job, parent, &asker->uid, &asker->gid, &asker->named);
	return r == -EINVAL ? refusal_note(&job->refusal, REFUSED_PERMISSION,
					   "in: its user namespace has no ids yet")
			    : r;
}

static bool takes_ranges(const struct asker *asker, const struct words *words) {
	const struct side *sides[] = { &words->uids, &words->gids };

	if (!asker->host || !asker->job->place.privileged)
		return false;
	for (int i = 0; i < 2; i++)
		if (sides[i]->form == FORM_USER || (sides[i]->form != FORM_OWN && !asker->root))
			return true;
	return false;
}

/* Those of another user are root's to take. */
static int check_user(const struct asker *asker, const struct side *side) {
	const char *at = asker->ranges;
	uint32_t uid, one;

	if (side->form != FORM_USER)
		return 0;
	if (!ranges_next(&at, 'p', &uid, &one))
		return refusal_note(&asker->job->refusal, REFUSED_NOT_FOUND,
				    "%s: there is no user '%s'", side->name, side->word);
	if (uid != asker->uid && !asker->root)
		return refusal_note(&asker->job->refusal, REFUSED_PERMISSION,
				    "%s: the subordinate ids of %s are not yours", side->name,
				    side->word);
	return 0;
}

static int read_ranges(struct asker *asker, const char *libexec, const struct words *words) {
	struct job *job = asker->job;
	const char *user = words->uids.form == FORM_USER ? words->uids.word : NULL;
	int r;

	if (words->gids.form == FORM_USER)
		user = words->gids.word;
	if (user && (!asker->host || !job->place.privileged))
		return refusal_note(&job->refusal, REFUSED_UNSUPPORTED,
				    "uid_map: subordinate ids can be mapped only by the system's "
				    "service, and in the machine's own user namespace");
	if (!takes_ranges(asker, words))
		return 0;
	r = ranges_read(libexec, job->place.uid, user, &job->ranges);
	asker->ranges = job->ranges;
	if (r == 0)
		r = check_user(asker, &words->uids);
	return r == 0 ? check_user(asker, &words->gids) : r;
}

static int check_transient(const struct asker *asker, const struct words *words) {
	if (words->uids.form != FORM_AUTO && words->gids.form != FORM_AUTO)
		return 0;
	if (words->transient_count > 0 && words->transient_start < TRANSIENT_FIRST)
		return -EBADMSG;
	if (words->transient_count > 0 && asker->host && asker->job->place.privileged) {
		if (!census_finds(asker->job->place.proc, words->transient_start,
				  words->transient_count))
			return 0;
		return refusal_note(&asker->job->refusal, REFUSED_RETRY,
				    "uid_map: of the ids %u-%u, which were free, a process has "
				    "kept some",
				    words->transient_start,
				    words->transient_start + words->transient_count - 1);
	}
	return refusal_note(&asker->job->refusal, REFUSED_UNSUPPORTED,
			    "uid_map: \"auto\": ids can be set aside only by the system's "
			    "service, and in the machine's own user namespace");
}

/* Whom the map has as the caller; where it is somebody else's, root, or the first that there is. */
static int name_inside(struct job *job, const struct words *words, const struct side *side,
		       const struct idmap *map, uint32_t self, uint32_t *ret) {
	bool found, has_root = false;

	*ret = number_inside(map, self, &found);
	if (words->zero && side->form == FORM_NUMBERS && (!found || *ret != 0))
		return contradiction(side, &job->refusal);
	for (size_t i = 0; i < map->n; i++)
		has_root |= map->lines[i].inside == 0;
	if (!found)
		*ret = has_root ? 0 : map->lines[0].inside;
	return 0;
}

int identity_decide(struct job *job, const char *libexec, int parent, struct identity *ret) {
	const struct words words = words_of(job->request);
	struct asker asker;
	int r = find_asker(job, parent, &asker);

	if (r == 0)
		r = check_transient(&asker, &words);
	if (r == 0)
		r = read_ranges(&asker, libexec, &words);
	if (r == 0)
		r = build(&asker, &words, &words.uids, asker.uid, &ret->uids);
	if (r == 0)
		r = build(&asker, &words, &words.gids, asker.gid, &ret->gids);
	if (r == 0)
		r = judge(&asker, &words, &words.uids, asker.uid, &ret->uids);
	if (r == 0)
		r = judge(&asker, &words, &words.gids, asker.gid, &ret->gids);
	if (r != 0)
		return r;
	judge_groups(&asker, ret);
	r = name_inside(job, &words, &words.uids, &ret->uids, asker.uid, &ret->uid);
	return r == 0 ? name_inside(job, &words, &words.gids, &ret->gids, asker.gid, &ret->gid) : r;
}

/* ---- writing ---- */

struct writing {
	pid_t pid;
	int parent; /* to be joined first, or -1 */
	const struct identity *identity;
};

static int deny_groups(const struct job *job, pid_t pid) {
	char path[64];
	_cleanup_close_ int fd = -1;

	(void)snprintf(path, sizeof path, "%d/setgroups", pid);
	fd = openat(job->place.proc, path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, "deny", 4) != 4 ? -errno : 0;
}

/* The kernel takes a map from the namespace above only. */
static int write_maps(struct job *job, void *data) {
	const struct writing *writing = data;
	const struct identity *identity = writing->identity;
	int r = 0;

	if (writing->parent >= 0 && setns(writing->parent, CLONE_NEWUSER) < 0)
		return -errno;
	r = idmap_write(job, writing->pid, "uid_map", &identity->uids);
	if (r == 0 && !identity->groups)
		r = deny_groups(job, writing->pid);
	return r == 0 ? idmap_write(job, writing->pid, "gid_map", &identity->gids) : r;
}

/* Those files are root's, for a process that cannot be looked into. */
int identity_write(struct job *job, pid_t pid, int parent, const struct identity *identity) {
	bool elsewhere = parent >= 0 && !place_is_our_users(&job->place, parent);
	struct writing writing = { pid, elsewhere ? parent : -1, identity };
	int before = job->place.privileged ? setfsuid(0) : -1, r;

	r = elsewhere ? job_in_child(job, write_maps, &writing) : write_maps(job, &writing);
	if (before >= 0)
		(void)setfsuid((uid_t)before);
	if (r < 0)
		return refusal_note(&job->refusal, r, "uid_map: the kernel refuses the map");
	return 0;
}
