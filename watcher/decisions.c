/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A watch that is asked: nobody opens, reads or executes what it watches before it has said yes or
 * no, or its time is over. Whatever happens to it or to this process, the answer is then yes: the
 * group is nobody else's, and goes with the process. While others wait for an answer nothing here
 * may wait for them, so nothing of the file system is opened but by the kernel for its question.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "exclude.h"
#include "group.h"
#include "instant.h"
#include "kernel.h"
#include "watch-event.h"
#include "watch.h"
#include "watcher.h"

enum { QUESTIONS_MAX = 256, BUFFER_SIZE = 4096, TIMEOUT_USUAL = 5000000 };

/* Of the first what is opened and read; of the second what is read, written or mapped. The kernel
 * asks about directories only without that. */
enum { OPENING, CONTENTS, _GROUPS_MAX };

struct question {
	struct question *next;
	uint64_t clock, until;
	int group, fd;
};

struct group {
	struct source source; /* first */
	bool audited;
};

struct sight {
	struct group groups[_GROUPS_MAX];
	int superblock, top; /* a mount of it, and its root */
	int files;           /* /proc/PID/fd */
	struct ucred broker;
	struct watch *watch;            /* the only one */
	struct question *first, **last; /* in the order of asking, which is that of their ends */
	size_t n;
};

/* ---- answering ---- */

static void answer(const struct group *group, int fd, uint32_t word) {
	struct fanotify_response response = { .fd = fd, .response = word };

	(void)!write(group->source.fd, &response, sizeof response);
	(void)close(fd);
}

/* What is refused is noted where the kernel notes anything; the rest where it was asked for. */
static uint32_t word_of(const struct sight *sight, const struct group *group, bool allow) {
	bool noted = group->audited && (!allow || (sight->watch && sight->watch->order->audit));

	return (allow ? FAN_ALLOW : FAN_DENY) | (noted ? FAN_AUDIT : 0);
}

/* The one that *at leads to. */
static void settle_question(struct sight *sight, struct question **at, bool allow) {
	struct question *question = *at;
	const struct group *group = &sight->groups[question->group];

	answer(group, question->fd, word_of(sight, group, allow));
	*at = question->next;
	if (!*at)
		sight->last = at;
	free(question);
	sight->n--;
}

static void allow_all(struct sight *sight) {
	while (sight->first)
		settle_question(sight, &sight->first, true);
}

static int decide(struct watcher *watcher, struct watch *watch, uint64_t clock, bool allow,
		  struct refusal *refusal) {
	struct sight *sight = watcher->own;

	for (struct question **at = &sight->first; *at; at = &(*at)->next)
		if ((*at)->clock == clock) {
			settle_question(sight, at, allow);
			return 0;
		}
	return refusal_note(refusal, REFUSED_NOT_FOUND,
			    "clock: nothing waits for it, or not any more");
}

static uint64_t expire(struct watcher *watcher, uint64_t now) {
	struct sight *sight = watcher->own;

	/* of who hears no more nobody waits for a word */
	if (sight->watch && sight->watch->ended)
		allow_all(sight);
	while (sight->first && sight->first->until <= now)
		settle_question(sight, &sight->first, true);
	return sight->first ? sight->first->until : UINT64_MAX;
}

/* ---- what is asked about ---- */

/* As it is called from the root of the superblock, whichever mount it was opened through. */
static int name_whole(const struct sight *sight, int fd, char *ret, size_t size) {
	struct {
		struct file_handle handle;
		unsigned char bytes[MAX_HANDLE_SZ];
	} whole = { .handle.handle_bytes = MAX_HANDLE_SZ };

	_cleanup_close_ int found = -1;
	char name[16];
	ssize_t n;
	int mount;

	*ret = '\0';
	if (name_to_handle_at(fd, "", &whole.handle, &mount, AT_EMPTY_PATH) < 0)
		return -errno;
	found = open_by_handle_at(sight->top, &whole.handle, O_PATH | O_CLOEXEC);
	if (found < 0)
		return -errno;
	(void)snprintf(name, sizeof name, "%d", found);
	n = readlinkat(sight->files, name, ret, size - 1);
	if (n < 0)
		return -errno;
	ret[n] = '\0';
	return 0;
}

/* The path from the watched directory, within path; NULL if it does not lie there. */
static const char *relative(const struct sight *sight, int fd, char *path, size_t size) {
	char root[PATH_MAX];
	size_t length;

	if (name_whole(sight, fd, path, size) < 0 ||
	    name_whole(sight, sight->watch->root, root, sizeof root) < 0)
		return NULL;
	length = strlen(root);
	while (length > 0 && root[length - 1] == '/')
		length--;
	if (strncmp(path, root, length) != 0 || (path[length] != '/' && path[length] != '\0'))
		return NULL;
	return path[length] == '/' ? path + length + 1 : path + length;
}

static uint32_t event_of(uint64_t mask) {
	if (mask & FAN_OPEN_EXEC_PERM)
		return USHER_WATCH_EXEC_PERM;
	return mask & FAN_OPEN_PERM ? USHER_WATCH_OPEN_PERM : USHER_WATCH_ACCESS_PERM;
}

/* Each by itself and at once, not merged with others. */
static int say(struct watcher *watcher, const struct watch *watch,
	       const struct happening *happening) {
	Usher__WatcherReport report = USHER__WATCHER_REPORT__INIT;
	Usher__WatchEvents events = USHER__WATCH_EVENTS__INIT;
	Usher__WatchEvent event = USHER__WATCH_EVENT__INIT, *one = &event;

	event.clock = happening->clock;
	event.usec = happening->usec;
	event.event = (char *)(uintptr_t)watch_event_name(happening->events);
	event.path = (char *)(uintptr_t)happening->path;
	event.old_path = (char *)"";
	event.pid = (uint32_t)happening->pid;
	events.number = watch->number;
	events.n_events = 1;
	events.events = &one;
	report.events = &events;
	return watcher_try_to_say(watcher, &report);
}

static int tell(struct watcher *watcher, struct watch *watch, const struct happening *happening) {
	int r;

	if (watch->reader.fd >= 0) {
		watch_tell(watcher, watch, happening);
		return 0;
	}
	r = say(watcher, watch, happening);
	if (r == 0)
		watch->delivered++;
	return r;
}

static int ask(struct watcher *watcher, int group, const struct fanotify_event_metadata *event,
	       const char *path) {
	struct sight *sight = watcher->own;
	struct watch *watch = sight->watch;
	struct happening happening = { .events = event_of(event->mask), .path = path };
	struct question *question;
	struct stat st;
	int r;

	if (sight->n >= QUESTIONS_MAX)
		return -EAGAIN;
	question = calloc(1, sizeof *question);
	if (!question)
		return -ENOMEM;
	happening.usec = instant_date_usec();
	happening.clock = journal_tick(&watcher->journal);
	happening.path_length = strlen(path);
	happening.directory = fstat(event->fd, &st) == 0 && S_ISDIR(st.st_mode);
	happening.pid = watch->order->report_pid ? event->pid : 0;
	r = tell(watcher, watch, &happening);
	if (r < 0) {
		free(question);
		return r;
	}
	question->clock = happening.clock;
	question->until = instant_usec() + (watch->order->has_decide_timeout_usec
						    ? watch->order->decide_timeout_usec
						    : TIMEOUT_USUAL);
	question->group = group;
	question->fd = event->fd;
	*sight->last = question;
	sight->last = &question->next;
	sight->n++;
	return 0;
}

/* Also of one that is about to become a program. */
static bool runs_as(pid_t pid, uid_t uid) {
	char path[32], text[1024];
	_cleanup_close_ int fd = -1;
	const char *line;
	ssize_t n;
	unsigned real;

	(void)snprintf(path, sizeof path, "/proc/%d/status", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (n < 0)
		return false;
	text[n] = '\0';
	line = strstr(text, "\nUid:\t");
	return line && sscanf(line, "\nUid:\t%u", &real) == 1 && real == uid;
}

/* What everybody waits for in the end need not ask: the first process, and the one who has to bring
 * the answer, which may have been started again since, and has its files to open then. */
static bool is_beyond_question(const struct sight *sight, pid_t pid) {
	if (pid == 1 || pid == getpid() || (sight->broker.pid > 0 && pid == sight->broker.pid))
		return true;
	return sight->broker.uid != 0 && pid > 0 && runs_as(pid, sight->broker.uid);
}

static void consider(struct watcher *watcher, int group,
		     const struct fanotify_event_metadata *event) {
	struct sight *sight = watcher->own;
	struct watch *watch = sight->watch;
	char path[PATH_MAX];
	const char *name;
	int r;

	if (event->fd < 0)
		return;
	if (!watch || watch->ended || is_beyond_question(sight, event->pid) ||
	    !(event_of(event->mask) & watch->events) ||
	    !(name = relative(sight, event->fd, path, sizeof path)) ||
	    exclude_matches(watch->order->exclude, watch->order->n_exclude, name, strlen(name),
			    UINT64_MAX) > 0) {
		answer(&sight->groups[group], event->fd, FAN_ALLOW);
		return;
	}
	r = ask(watcher, group, event, name);
	if (r < 0) {
		answer(&sight->groups[group], event->fd, FAN_ALLOW);
		watch_tell_lost(watcher, watch, journal_tick(&watcher->journal));
	}
}

static void hear_group(struct watcher *watcher, struct source *source, uint32_t events) {
	_Alignas(struct fanotify_event_metadata) char buffer[BUFFER_SIZE];
	struct sight *sight = watcher->own;
	int group = source == &sight->groups[CONTENTS].source ? CONTENTS : OPENING;
	ssize_t n = read(source->fd, buffer, sizeof buffer);
	const struct fanotify_event_metadata *event = (const void *)buffer;

	for (; n > 0 && FAN_EVENT_OK(event, n); event = group_next(event, &n))
		consider(watcher, group, event);
}

/* ---- the kind ---- */

static int begin(struct watcher *watcher, int *superblock, int *group, struct refusal *refusal) {
	struct sight *sight = calloc(1, sizeof *sight);
	socklen_t size = sizeof sight->broker;

	watcher->own = sight;
	if (!sight)
		return -ENOMEM;
	for (int i = 0; i < _GROUPS_MAX; i++)
		sight->groups[i].source = (struct source){ .fd = -1, .ready = hear_group };
	sight->last = &sight->first;
	sight->superblock = fd_take(superblock);
	/* a mount as such is no descriptor to look handles up by */
	sight->top = openat(sight->superblock, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	sight->files = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	(void)getsockopt(watcher->connection.fd, SOL_SOCKET, SO_PEERCRED, &sight->broker, &size);
	watcher_keep(watcher, -1);
	return sight->files < 0 || sight->top < 0 ? -errno : 0;
}

static int open_group(struct watcher *watcher, struct group *group, unsigned class) {
	const unsigned flags = class | FAN_CLOEXEC | FAN_NONBLOCK;
	const unsigned opened = O_CLOEXEC | O_LARGEFILE;

	if (group->source.fd >= 0)
		return 0;
	group->source.fd = fanotify_init(flags | FAN_ENABLE_AUDIT, opened);
	group->audited = group->source.fd >= 0;
	if (group->source.fd < 0)
		group->source.fd = fanotify_init(flags, opened);
	if (group->source.fd < 0)
		return -errno;
	return watcher_listen(watcher, &group->source, EPOLLIN);
}

static int mark(const struct sight *sight, const struct watch *watch, int group, uint64_t mask) {
	int fd = sight->groups[group].source.fd;

	if (watch->scope == WATCH_CHILDREN)
		mask |= FAN_EVENT_ON_CHILD;
	if (watch->scope == WATCH_INODE || watch->scope == WATCH_CHILDREN)
		return fanotify_mark(fd, FAN_MARK_ADD, mask, watch->root, NULL) < 0 ? -errno : 0;
	return fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, mask, sight->superblock, ".") <
			       0
		       ? -errno
		       : 0;
}

/* Before the contents are read, written or mapped where the kernel asks then; where it does not,
 * before they are read. */
static int mark_contents(struct watcher *watcher, struct watch *watch, uint64_t *ret_mask) {
	struct sight *sight = watcher->own;
	int r = open_group(watcher, &sight->groups[CONTENTS], KERNEL_FAN_CLASS_PRE_CONTENT);

	if (r == 0)
		r = mark(sight, watch, CONTENTS, KERNEL_FAN_PRE_ACCESS);
	if (r == -EINVAL || r == -EOPNOTSUPP) {
		*ret_mask |= FAN_ACCESS_PERM;
		r = 0;
	}
	return r;
}

static int check_audit(const struct sight *sight, const struct watch *watch,
		       struct refusal *refusal) {
	for (int i = 0; watch->order->audit && i < _GROUPS_MAX; i++)
		if (sight->groups[i].source.fd >= 0 && !sight->groups[i].audited)
			return refusal_note(refusal, REFUSED_UNSUPPORTED,
					    "audit: the kernel does not note what is decided");
	return 0;
}

static int mark_all(struct watcher *watcher, struct watch *watch, struct refusal *refusal) {
	struct sight *sight = watcher->own;
	uint64_t mask = 0;
	int r = 0;

	if (watch->events & USHER_WATCH_OPEN_PERM)
		mask |= FAN_OPEN_PERM;
	if (watch->events & USHER_WATCH_EXEC_PERM)
		mask |= FAN_OPEN_EXEC_PERM;
	if (watch->events & USHER_WATCH_ACCESS_PERM)
		r = mark_contents(watcher, watch, &mask);
	if (r == 0 && mask)
		r = open_group(watcher, &sight->groups[OPENING], FAN_CLASS_CONTENT);
	if (r == 0 && mask)
		r = mark(sight, watch, OPENING, mask | FAN_ONDIR);
	if (r < 0)
		return refusal_note(refusal,
				    r == -EINVAL || r == -EOPNOTSUPP || r == -ENODEV || r == -EPERM
					    ? REFUSED_UNSUPPORTED
					    : r,
				    "decide: the kernel does not ask about this file system: %s",
				    strerrordesc_np(-r));
	return check_audit(sight, watch, refusal);
}

static void remove_watch(struct watcher *watcher, struct watch *watch) {
	struct sight *sight = watcher->own;

	allow_all(sight);
	sight->watch = NULL;
	for (int i = 0; i < _GROUPS_MAX; i++)
		fd_closep(&sight->groups[i].source.fd);
}

static int add(struct watcher *watcher, struct watch *watch, struct refusal *refusal) {
	struct sight *sight = watcher->own;
	char root[PATH_MAX];
	int r;

	if (sight->watch)
		return refusal_note(refusal, REFUSED_BUSY, "this watcher is another's");
	if (name_whole(sight, watch->root, root, sizeof root) < 0)
		return refusal_note(refusal, REFUSED_UNSUPPORTED,
				    "decide: this file system does not say what is asked about");
	/* a question is told at once and alone */
	watch->order->has_settle_usec = true;
	watch->order->settle_usec = 0;
	sight->watch = watch;
	r = mark_all(watcher, watch, refusal);
	if (r != 0)
		remove_watch(watcher, watch);
	return r;
}

static int set_events(struct watcher *watcher, struct watch *watch, struct refusal *refusal) {
	return mark_all(watcher, watch, refusal);
}

static void end(struct watcher *watcher) {
	struct sight *sight = watcher->own;

	if (!sight)
		return;
	fd_closep(&sight->superblock);
	fd_closep(&sight->top);
	fd_closep(&sight->files);
	free(sight);
}

const struct watcher_kind decisions_kind = {
	.name = "decisions",
	.begin = begin,
	.end = end,
	.add = add,
	.set_events = set_events,
	.remove = remove_watch,
	.decide = decide,
	.settle = expire,
};
