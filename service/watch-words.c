/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "watch-words.h"

#include <errno.h>
#include <string.h>

#include "interfaces/watch-stream.h"
#include "message.h"
#include "watch-event.h"

#define PERMISSION \
	((uint32_t)(USHER_WATCH_OPEN_PERM | USHER_WATCH_ACCESS_PERM | USHER_WATCH_EXEC_PERM))
#define MOUNT ((uint32_t)(USHER_WATCH_MOUNT_ATTACH | USHER_WATCH_MOUNT_DETACH))
/* What whoever names none is told. */
#define USUAL                                                                      \
	((uint32_t)(USHER_WATCH_CREATE | USHER_WATCH_DELETE | USHER_WATCH_ATTRIB | \
		    USHER_WATCH_MOVE | USHER_WATCH_CLOSE_WRITE))

static bool is_among(const char *word, const char *const *words) {
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

static bool is_mounts(const char *scope) {
	return scope && strcmp(scope, "mounts") == 0;
}

int watch_words_check_scope(const char *scope, const char *backend, bool decide,
			    struct refusal *refusal) {
	static const char *const scopes[] = { "inode",      "children", "recursive",
					      "filesystem", "mounts",   NULL },
				 *const backends[] = { "auto", "inotify", "fanotify", NULL };
	bool inotify = backend && strcmp(backend, "inotify") == 0;

	if (scope && !is_among(scope, scopes))
		return refusal_note(refusal, REFUSED_INVALID,
				    "scope: '%.64s' is none of inode children recursive "
				    "filesystem mounts",
				    scope);
	if (backend && !is_among(backend, backends))
		return refusal_note(refusal, REFUSED_INVALID,
				    "backend: '%.64s' is none of auto inotify fanotify", backend);
	if (decide && is_mounts(scope))
		return refusal_note(refusal, REFUSED_INVALID,
				    "decide: mounting asks nobody, so not with the scope mounts");
	if (inotify && (decide || is_mounts(scope)))
		return refusal_note(refusal, REFUSED_INVALID, "backend: inotify has no %s",
				    decide ? "questions" : "mounts");
	return 0;
}

static int check_together(uint32_t events, const char *scope, bool decide,
			  struct refusal *refusal) {
	if (decide && events & ~PERMISSION)
		return refusal_note(refusal, REFUSED_INVALID,
				    "events: with `decide`, of open-perm access-perm exec-perm");
	if (!decide && events & PERMISSION)
		return refusal_note(refusal, REFUSED_INVALID,
				    "events: those that ask take `decide`");
	if (is_mounts(scope) && events & ~MOUNT)
		return refusal_note(refusal, REFUSED_INVALID,
				    "events: with the scope mounts, of mount-attach mount-detach");
	if (!is_mounts(scope) && events & MOUNT)
		return refusal_note(refusal, REFUSED_INVALID,
				    "events: those of mounts take the scope mounts");
	return 0;
}

int watch_words_events(char *const *words, size_t n, const char *scope, bool decide,
		       uint32_t *ret_events, struct refusal *refusal) {
	uint32_t events = is_mounts(scope) ? MOUNT : USUAL;
	int r = n > 0 ? watch_event_parse("events", words, n, &events, refusal) : 0;

	if (r != 0)
		return r;
	if (n == 0 && decide)
		return refusal_note(refusal, REFUSED_INVALID,
				    "events: with `decide` they have to be named");
	*ret_events = events;
	return check_together(events, scope, decide, refusal);
}

int watch_words_name(uint32_t events, char ***words, size_t *n) {
	for (uint32_t event = 1; event != 0; event <<= 1)
		if (events & event && watch_event_name(event) &&
		    message_append_string(words, n, watch_event_name(event)) < 0)
			return -ENOMEM;
	return 0;
}
