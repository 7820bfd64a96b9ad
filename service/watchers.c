/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "watchers.h"

#include <errno.h>
#include <string.h>

#include "launch.h"
#include "message.h"
#include "object.h"
#include "roots.h"
#include "usher.pb-c.h"
#include "watches.h"
#include "wire.h"

/* What it has of its own. */
enum { OWN_GROUP, OWN_JOURNAL, OWN_ROOT };

static const char decisions[] = "decisions:";

/* The root of the file system: what was kept for it, or what its first watch has brought. */
static int root_of(const struct attendant *watcher) {
	const struct object *watch = attendant_any(watcher);
	int own = attendant_own(watcher, OWN_ROOT);

	return own < 0 && watch ? watch_superblock(watch) : own;
}

static int add_descriptor(struct fds *fds, int fd, protobuf_c_boolean *ret_has, uint32_t *ret) {
	int place = fd < 0 ? 0 : fds_add_copy(fds, fd);

	*ret_has = fd >= 0;
	*ret = (uint32_t)place;
	return place < 0 ? place : 0;
}

static int begin(const struct attendant *watcher) {
	const char *key = attendant_key(watcher);
	_cleanup_free_ char *kind = strndup(key, strcspn(key, ":"));
	Usher__WatcherOrder order = USHER__WATCHER_ORDER__INIT;
	Usher__WatcherBegin what = USHER__WATCHER_BEGIN__INIT;
	_cleanup_(fds_done) struct fds fds = { 0 };
	int r = kind ? 0 : -ENOMEM;

	what.kind = kind;
	order.begin = &what;
	if (r == 0)
		r = add_descriptor(&fds, root_of(watcher), &what.has_superblock_fd,
				   &what.superblock_fd);
	if (r == 0)
		r = add_descriptor(&fds, attendant_own(watcher, OWN_GROUP), &what.has_group_fd,
				   &what.group_fd);
	if (r == 0)
		r = add_descriptor(&fds, attendant_own(watcher, OWN_JOURNAL), &what.has_journal_fd,
				   &what.journal_fd);
	return r == 0 ? wire_send(attendant_connection(watcher), &order.base, &fds) : r;
}

static bool is_own(const ProtobufCMessage *report) {
	return ((const Usher__WatcherReport *)report)->kept;
}

/* It says so before it marks anything. */
static int take_own(struct attendant *watcher, const ProtobufCMessage *report,
		    const struct fds *fds) {
	const Usher__WatcherKept *kept = ((const Usher__WatcherReport *)report)->kept;

	if (kept->has_group_fd)
		attendant_set_own(watcher, OWN_GROUP, fds_get(fds, kept->group_fd));
	if (kept->has_journal_fd)
		attendant_set_own(watcher, OWN_JOURNAL, fds_get(fds, kept->journal_fd));
	if (strncmp(attendant_key(watcher), decisions, strlen(decisions)) == 0)
		return 0; /* a group that nobody reads would hold up whoever asks it */
	if (!attendant_is_kept(watcher))
		attendant_set_own(watcher, OWN_ROOT, root_of(watcher));
	return attendant_keep(watcher);
}

/* What is kept of it counts: what is not would be lost with us. */
static bool has_root(const struct attendant *watcher) {
	return attendant_is_kept(watcher) && attendant_own(watcher, OWN_ROOT) >= 0;
}

void watchers_tell_roots(const struct attendants *watchers, struct roots *roots) {
	const struct attendant *watcher = NULL;

	while ((watcher = attendants_next(watchers, watcher)))
		if (has_root(watcher))
			roots_add(roots, attendant_key(watcher), attendant_own(watcher, OWN_ROOT));
}

bool watchers_have_root(const struct attendants *watchers, const char *key) {
	const struct attendant *watcher = NULL;

	while ((watcher = attendants_next(watchers, watcher)))
		if (strcmp(attendant_key(watcher), key) == 0)
			return has_root(watcher);
	return false;
}

int watchers_give_root(const struct attendants *watchers, struct roots *roots,
		       const Usher__WatchObject *made, ProtobufCMessage *reply, struct fds *fds) {
	int root, place;

	if (!made->watcher || watchers_have_root(watchers, made->watcher) ||
	    message_number(reply, "superblock_fd", UINT64_MAX) != UINT64_MAX)
		return 0;
	root = roots_take(roots, made->watcher);
	place = root < 0 ? 0 : fds_add(fds, root);
	if (root >= 0 && place >= 0)
		message_set_number(reply, "superblock_fd", (uint64_t)place);
	return place < 0 ? place : 0;
}

static int dismiss(const struct attendant *watcher, uint64_t number) {
	Usher__WatcherOrder order = USHER__WATCHER_ORDER__INIT;

	order.has_remove = true;
	order.remove = number;
	return wire_send(attendant_connection(watcher), &order.base, NULL);
}

static uint64_t number_of(const ProtobufCMessage *report) {
	return watch_number((const Usher__WatcherReport *)report);
}

static bool heed(struct objects *watches, const ProtobufCMessage *report) {
	return watch_heed(watches, (const Usher__WatcherReport *)report);
}

const struct attendant_kind watcher_kind = {
	.name = "watcher",
	.what = "watcher of",
	.objects = KIND_WATCH,
	.report = &usher__watcher_report__descriptor,
	.dies_again = "the watcher of the file system dies again and again",
	.connect = launcher_connect_watcher,
	.begin = begin,
	.is_own = is_own,
	.take_own = take_own,
	.dismiss = dismiss,
	.key = watch_key,
	.is_told = watch_is_told,
	.introduce = watch_introduce,
	.lose = watch_lose_watcher,
	.give_up = watch_give_up,
	.number = number_of,
	.heed = heed,
};
