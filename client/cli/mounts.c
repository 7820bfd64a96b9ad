/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher mounts: the mount table, and who made what. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../cleanup.h"
#include "../path.h"
#include "command.h"
#include "table.h"
#include "text.h"

static const struct parameter parameters[] = {
	{ "mine", 0, PARAMETER_MINE, NULL, "only what was made for you" },
	{ NULL, 0, 0, NULL, NULL },
};

static void free_mounts(struct usher_mount_entry ***mounts) {
	usher_free_mounts(*mounts);
}

/* The operand as the table has it: links followed, unless it is seen from somewhere else. */
static int wanted_target(const struct arguments *a, char **ret) {
	if (a->count == 0)
		return 0;
	if (arguments_elsewhere(a))
		*ret = strdup(a->operands[0]);
	else
		*ret = realpath(a->operands[0], NULL);
	if (*ret)
		return 0;
	return errno == ENOMEM ? -ENOMEM : path_absolute(a->operands[0], ret);
}

static bool is_wanted(const struct arguments *a, const char *target,
		      const struct usher_mount_entry *entry) {
	if (a->mine && entry->owner != (int64_t)getuid())
		return false;
	return !target || strcmp(entry->target, target) == 0;
}

/* Keeps the wanted ones, in order. Returns how many. */
static size_t sift(const struct arguments *a, const char *target,
		   struct usher_mount_entry *const *mounts,
		   const struct usher_mount_entry **wanted) {
	size_t count = 0;

	for (; *mounts; mounts++)
		if (is_wanted(a, target, *mounts))
			wanted[count++] = *mounts;
	return count;
}

static struct json_object *entry_to_json(const struct usher_mount_entry *entry) {
	struct json_object *row = json_object_new_object();

	if (!row)
		return NULL;
	json_object_object_add(row, "id", json_object_new_uint64(entry->id));
	json_object_object_add(row, "parent", json_object_new_uint64(entry->parent));
	json_object_object_add(row, "source", answer_json_name(entry->source));
	json_object_object_add(row, "target", answer_json_name(entry->target));
	json_object_object_add(row, "fstype", answer_json_name(entry->fstype));
	json_object_object_add(row, "options", answer_json_names(entry->options));
	json_object_object_add(row, "propagation", answer_json_name(entry->propagation));
	json_object_object_add(row, "owner",
			       entry->owner < 0 ? NULL : json_object_new_int64(entry->owner));
	json_object_object_add(row, "object", answer_json_name(entry->object));
	return row;
}

static int answer_rows(const struct usher_mount_entry *const *entries, size_t count) {
	struct json_object *rows = json_object_new_array();
	size_t i;

	for (i = 0; rows && i < count; i++)
		json_object_array_add(rows, entry_to_json(entries[i]));
	return answer_json(rows);
}

static int add_row(struct table *table, const struct usher_mount_entry *entry) {
	_cleanup_free_ char *options = answer_join_names(entry->options);
	char owner[24] = "";
	int r;

	if (entry->owner >= 0)
		snprintf(owner, sizeof owner, "%lld", (long long)entry->owner);
	r = table_add_name(table, entry->target);
	if (r == 0)
		r = table_add_name(table, entry->source);
	if (r == 0)
		r = table_add_name(table, entry->fstype);
	if (r == 0)
		r = table_add_name(table, owner);
	if (r == 0)
		r = table_add_name(table, entry->object ? entry->object : "");
	if (r == 0)
		r = table_add(table, take_pointer(options));
	return r;
}

static int answer_table(const struct arguments *a, const struct usher_mount_entry *const *entries,
			size_t count) {
	static const char *const heads[] = { "TARGET", "SOURCE", "TYPE",
					     "OWNER",  "OBJECT", "OPTIONS" };
	_cleanup_(table_done) struct table table = { .columns = 6 };
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < 6; i++)
		r = table_add_name(&table, heads[i]);
	for (i = 0; r == 0 && i < count; i++)
		r = add_row(&table, entries[i]);
	if (r < 0)
		return answer_failure(a, NULL, r);
	table_print(&table);
	return 0;
}

static int mounts_run(const struct arguments *a, struct usher *usher) {
	_cleanup_free_ const struct usher_mount_entry **wanted = NULL;
	_cleanup_(free_mounts) struct usher_mount_entry **mounts = NULL;
	_cleanup_free_ char *target = NULL;
	size_t count;
	int r;

	r = wanted_target(a, &target);
	if (r < 0)
		return answer_failure(a, a->operands[0], r);
	r = usher_list_mounts(usher, &a->keys, &mounts);
	if (r < 0)
		return answer_refusal(a, usher, NULL, r);
	wanted = calloc((size_t)r + 1, sizeof *wanted);
	if (!wanted)
		return answer_failure(a, NULL, -ENOMEM);
	count = sift(a, target, mounts, wanted);
	if (target && count == 0)
		return answer_error(a, target, -ENOENT, "nothing is mounted there");
	return a->json ? answer_rows(wanted, count) : answer_table(a, wanted, count);
}

const struct command command_mounts = {
	.name = "mounts",
	.synopsis = "[TARGET]",
	.help = "Show the mount table, and who made what",
	.parameters = parameters,
	.minimum = 0,
	.maximum = 1,
	.run = mounts_run,
};
