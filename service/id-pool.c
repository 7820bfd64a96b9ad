/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "id-pool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "fd.h"
#include "identity.h"
#include "message.h"

enum { LEAST_ID = 65536, MOST_IDS = 1 << 24 };

/* systemd has what lies below for its containers, and the 65536 from 2147352576 on for disks that
 * came from elsewhere. */
const struct id_pool_bounds id_pool_bounds_usual = { 1879048192, 2147352575, 65536 };

/* In the book as in memory; turn 0: nobody had it. */
struct id_range {
	uint32_t owner, turn;
};

static bool parse_number(const char **at, uint32_t *ret) {
	unsigned long long number;
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	errno = 0;
	number = strtoull(*at, &end, 10);
	*at = end;
	*ret = (uint32_t)number;
	return errno == 0 && number < UINT32_MAX;
}

bool id_pool_parse(const char *text, struct id_pool_bounds *bounds) {
	uint32_t first, last;

	if (!parse_number(&text, &first) || *text++ != '-' || !parse_number(&text, &last) ||
	    *text || first < LEAST_ID || last < first)
		return false;
	bounds->first = first;
	bounds->last = last;
	return true;
}

bool id_pool_parse_size(const char *text, struct id_pool_bounds *bounds) {
	uint32_t size;

	if (!parse_number(&text, &size) || *text || size == 0 || size > MOST_IDS)
		return false;
	bounds->size = size;
	return true;
}

/* ---- the book ---- */

struct heading {
	uint32_t magic, first, last, size;
};

static struct heading heading_of(const struct id_pool *pool) {
	return (struct heading){ 0x64696875, pool->bounds.first, pool->bounds.last,
				 pool->bounds.size };
}

static void read_book(struct id_pool *pool) {
	const struct heading ours = heading_of(pool);
	struct heading its;

	if (pread(pool->fd, &its, sizeof its, 0) == (ssize_t)sizeof its &&
	    memcmp(&its, &ours, sizeof its) == 0)
		(void)!pread(pool->fd, pool->ranges, pool->n * sizeof *pool->ranges, sizeof its);
	else if (ftruncate(pool->fd, 0) < 0 ||
		 pwrite(pool->fd, &ours, sizeof ours, 0) != (ssize_t)sizeof ours)
		fd_closep(&pool->fd);
	for (uint32_t i = 0; i < pool->n; i++)
		if (pool->ranges[i].turn > pool->last_turn)
			pool->last_turn = pool->ranges[i].turn;
}

static void write_down(const struct id_pool *pool, uint32_t i) {
	if (pool->fd >= 0)
		(void)!pwrite(pool->fd, &pool->ranges[i], sizeof *pool->ranges,
			      (off_t)(sizeof(struct heading) + i * sizeof *pool->ranges));
}

int id_pool_open(struct id_pool *pool, const struct id_pool_bounds *bounds, const char *book) {
	uint64_t n = ((uint64_t)bounds->last - bounds->first + 1) / bounds->size;

	id_pool_done(pool);
	*pool = (struct id_pool){ .bounds = *bounds, .fd = -1 };
	pool->ranges =
		calloc(n < ID_POOL_RANGES_MAX ? n + 1 : ID_POOL_RANGES_MAX, sizeof *pool->ranges);
	if (!pool->ranges)
		return -ENOMEM;
	pool->n = n < ID_POOL_RANGES_MAX ? (uint32_t)n : ID_POOL_RANGES_MAX;
	if (book)
		pool->fd = open(book, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (pool->fd >= 0)
		read_book(pool);
	return 0;
}

void id_pool_done(struct id_pool *pool) {
	if (pool->ranges)
		fd_closep(&pool->fd);
	free(pool->ranges);
	*pool = (struct id_pool){ .fd = -1 };
}

/* ---- what others have ---- */

/* Which of the pool's ranges are not to be had. */
struct taken {
	const struct id_pool *pool;
	bool *is;
};

static void take(const struct taken *taken, uint64_t first, uint64_t count) {
	const struct id_pool_bounds *bounds = &taken->pool->bounds;
	uint64_t from = first, to = first + count; /* behind the last */

	if (count == 0 || to <= bounds->first)
		return;
	if (from < bounds->first)
		from = bounds->first;
	for (uint64_t i = (from - bounds->first) / bounds->size;
	     i < taken->pool->n && bounds->first + i * bounds->size < to; i++)
		taken->is[i] = true;
}

static void take_message(const struct taken *taken, const ProtobufCMessage *message) {
	take(taken, message_number(message, "transient_start", 0),
	     message_number(message, "transient_count", 0));
}

/* /etc/subuid and the like: NAME:START:COUNT, or /etc/passwd and the like: NAME:x:ID. */
static void take_file(const struct taken *taken, const char *path, bool ranges) {
	FILE *file = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	unsigned long long first, count;
	size_t space = 0;

	while (file && getline(&line, &space, file) >= 0) {
		const char *at = strchr(line, ':');

		if (at && ranges && sscanf(at, ":%llu:%llu", &first, &count) == 2 &&
		    first <= UINT32_MAX && count <= UINT32_MAX)
			take(taken, first, count);
		else if (at && !ranges && sscanf(at, ":%*[^:]:%llu", &first) == 1 &&
			 first <= UINT32_MAX)
			take(taken, first, 1);
	}
	if (file)
		(void)fclose(file);
}

static void take_all(const struct taken *taken, const struct desk *desk) {
	take_file(taken, "/etc/subuid", true);
	take_file(taken, "/etc/subgid", true);
	take_file(taken, "/etc/passwd", false);
	take_file(taken, "/etc/group", false);
	for (const struct call *call = desk->first; call; call = call->next)
		take_message(taken, call->request);
	for (int kind = 0; kind < _KIND_MAX; kind++)
		for (const struct object *object = desk->objects[kind].first; object;
		     object = object->next)
			take_message(taken, object->message);
}

/* ---- choosing ---- */

enum past { NOBODYS, OWN, SOMEBODYS };

static enum past past_of(const struct id_range *range, uint32_t uid) {
	if (range->turn == 0)
		return NOBODYS;
	return range->owner == uid ? OWN : SOMEBODYS;
}

/* Of each kind the one that has waited longest, and how many have been the user's. */
static uint32_t choose(const struct taken *taken, uint32_t uid) {
	const struct id_pool *pool = taken->pool;
	uint32_t oldest[3] = { UINT32_MAX, UINT32_MAX, UINT32_MAX }, n_own = 0;

	for (uint32_t i = 0; i < pool->n; i++) {
		enum past past = past_of(&pool->ranges[i], uid);

		if (taken->is[i])
			continue;
		n_own += past == OWN;
		if (oldest[past] == UINT32_MAX ||
		    pool->ranges[i].turn < pool->ranges[oldest[past]].turn)
			oldest[past] = i;
	}
	if (oldest[OWN] != UINT32_MAX &&
	    (n_own >= ID_POOL_OWN_MAX || oldest[NOBODYS] == UINT32_MAX))
		return oldest[OWN];
	return oldest[NOBODYS] != UINT32_MAX ? oldest[NOBODYS] : oldest[SOMEBODYS];
}

int id_pool_fill(struct desk *desk, ProtobufCMessage *request, uint32_t uid,
		 struct refusal *refusal) {
	struct id_pool *pool = &desk->ids;
	struct taken taken = { pool, NULL };
	uint32_t i;

	if (desk->session || message_number(request, "transient_count", 0) > 0 ||
	    !identity_wants_transient(request))
		return 0;
	taken.is = calloc(pool->n + 1, sizeof *taken.is);
	if (!taken.is)
		return -ENOMEM;
	take_all(&taken, desk);
	i = choose(&taken, uid);
	free(taken.is);
	if (i == UINT32_MAX)
		return refusal_note(refusal, REFUSED_LIMIT,
				    "uid_map: the ids of Pool=%u-%u of usherd.conf are used up",
				    pool->bounds.first, pool->bounds.last);
	pool->ranges[i] = (struct id_range){ uid, ++pool->last_turn };
	write_down(pool, i);
	message_set_number(request, "transient_start", pool->bounds.first + i * pool->bounds.size);
	message_set_number(request, "transient_count", pool->bounds.size);
	return 0;
}

void id_pool_pass_on(const ProtobufCMessage *from, ProtobufCMessage *to) {
	uint64_t count = message_number(from, "transient_count", 0);

	if (count == 0)
		return;
	message_set_number(to, "transient_start", message_number(from, "transient_start", 0));
	message_set_number(to, "transient_count", count);
}
