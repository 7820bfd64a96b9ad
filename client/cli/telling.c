/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What usher watch prints of what a watch tells. */

#include "telling.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../cleanup.h"
#include "answer.h"
#include "text.h"

/* A line as inotifywait has it: the directory with a slash behind it, what happened, the name. */
static int print_line(const struct told_root *root, const char *words, const char *path) {
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t length = strlen(root->path), below = slash ? (size_t)(slash - path) + 1 : 0;
	_cleanup_free_ char *directory = NULL, *where = NULL, *what = NULL;
	bool separated = !root->is_directory || (length > 0 && root->path[length - 1] == '/');

	if (asprintf(&directory, "%s%s%.*s", root->path, separated ? "" : "/", (int)below, path) <
	    0)
		return -ENOMEM;
	where = text_from_name(directory);
	what = text_from_name(name);
	if (!where || !what)
		return -ENOMEM;
	printf("%s %s %s\n", where, words, what);
	return 0;
}

/* CLOSE_WRITE,CLOSE for close-write. */
static int print_word(const struct told_root *root, const char *word, bool directory,
		      const char *path) {
	const char *kind = strncmp(word, "close-", strlen("close-")) == 0 ? ",CLOSE" : "";
	char words[64], *end = words;

	while (*word && end < words + sizeof words - sizeof ",CLOSE,ISDIR") {
		*end++ = (char)(*word == '-' ? '_' : toupper((unsigned char)*word));
		word++;
	}
	(void)snprintf(end, sizeof words - (size_t)(end - words), "%s%s", kind,
		       directory ? ",ISDIR" : "");
	return print_line(root, words, path);
}

/* A line for each of what was merged: its end last. */
static int print_event(const struct told_root *root, const struct usher_change *change) {
	const uint32_t last = USHER_WATCH_DELETE | USHER_WATCH_DELETE_SELF | USHER_WATCH_UNMOUNT;
	bool directory = change->flags & USHER_WATCH_DIRECTORY;
	int r = 0;

	for (unsigned i = 0; i < 64 && r == 0; i++) {
		uint32_t event = change->events & UINT32_C(1) << i % 32;
		const char *name = usher_watch_event_name(event);

		if (!name || !!(event & last) != (i >= 32))
			continue;
		if (event != USHER_WATCH_MOVE || !*change->old_path) {
			r = print_word(root, name, directory, change->path);
			continue;
		}
		r = print_word(root, "moved-from", directory, change->old_path);
		if (r == 0)
			r = print_word(root, "moved-to", directory, change->path);
	}
	return r;
}

/* A directory as the place of what happened, and no name. */
static int print_place(const struct told_root *root, const char *words, const char *directory) {
	_cleanup_free_ char *path = NULL;

	if (!*directory)
		return print_line(root, words, "");
	if (asprintf(&path, "%s/", directory) < 0)
		return -ENOMEM;
	return print_line(root, words, path);
}

static struct json_object *event_names(uint32_t events) {
	struct json_object *array = json_object_new_array();

	for (unsigned i = 0; array && i < 32; i++) {
		const char *name = usher_watch_event_name(events & UINT32_C(1) << i);

		if (name)
			json_object_array_add(array, json_object_new_string(name));
	}
	return array;
}

static struct json_object *begin_json(const struct told_root *root, const char *kind,
				      uint64_t clock) {
	struct json_object *object = json_object_new_object();

	if (!object)
		return NULL;
	json_object_object_add(object, "kind", json_object_new_string(kind));
	json_object_object_add(object, "watched", answer_json_name(root->path));
	json_object_object_add(object, "clock", json_object_new_uint64(clock));
	return object;
}

static int print_json(const struct told_root *root, const struct usher_change *change) {
	static const char *const kinds[] = {
		[USHER_WATCH_EVENT] = "event",
		[USHER_WATCH_LOST] = "lost",
		[USHER_WATCH_RESCAN] = "rescan",
	};
	struct json_object *object = begin_json(root, kinds[change->kind], change->clock);

	if (!object)
		return -ENOMEM;
	json_object_object_add(object, "path", answer_json_name(change->path));
	if (change->kind == USHER_WATCH_LOST)
		json_object_object_add(object, "all",
				       json_object_new_boolean(
					       !!(change->flags & USHER_WATCH_ALL)));
	if (change->kind != USHER_WATCH_EVENT)
		return answer_json(object) == 0 ? 0 : -ENOMEM;
	json_object_object_add(object, "events", event_names(change->events));
	json_object_object_add(object, "directory",
			       json_object_new_boolean(!!(change->flags & USHER_WATCH_DIRECTORY)));
	if (*change->old_path)
		json_object_object_add(object, "old_path", answer_json_name(change->old_path));
	if (change->pid)
		json_object_object_add(object, "pid", json_object_new_int64(change->pid));
	json_object_object_add(object, "usec", json_object_new_uint64(change->usec));
	return answer_json(object) == 0 ? 0 : -ENOMEM;
}

int telling_print(const struct arguments *a, const struct told_root *root,
		  const struct usher_change *change) {
	if (a->json)
		return print_json(root, change);
	switch (change->kind) {
	case USHER_WATCH_EVENT: return print_event(root, change);
	case USHER_WATCH_RESCAN: return print_place(root, "RESCAN,ISDIR", change->path);
	default:
		return print_place(root,
				   change->flags & USHER_WATCH_ALL ? "LOST,ALL" : "LOST,ISDIR",
				   change->path);
	}
}

int telling_print_changed(const struct arguments *a, const struct told_root *root,
			  const char *directory, uint64_t clock) {
	struct json_object *object;

	if (!a->json)
		return directory ? print_place(root, "CHANGED,ISDIR", directory)
				 : print_place(root, "LOST,ALL", "");
	object = begin_json(root, directory ? "changed" : "lost", clock);
	if (!object)
		return -ENOMEM;
	json_object_object_add(object, "path", answer_json_name(directory ? directory : ""));
	if (!directory)
		json_object_object_add(object, "all", json_object_new_boolean(1));
	return answer_json(object) == 0 ? 0 : -ENOMEM;
}

int telling_print_begin(const struct arguments *a, const struct told_root *root, uint64_t clock) {
	_cleanup_free_ char *text = NULL;

	if (a->json)
		return answer_json(begin_json(root, "begin", clock)) == 0 ? 0 : -ENOMEM;
	text = text_from_name(root->path);
	if (!text)
		return -ENOMEM;
	fprintf(stderr, "usher watch: %s is watched, from clock %" PRIu64 " on\n", text, clock);
	return 0;
}
