/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher namespace: namespaces that stay, under a name. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

#include "../cleanup.h"
#include "command.h"
#include "making.h"
#include "table.h"
#include "text.h"

static const struct parameter create_parameters[] = {
	MAKING_TYPES,
	MAKING_IDS,
	MAKING_INTERIOR,
	{ NULL, 0, 0, NULL, NULL },
};

static const struct parameter attach_parameters[] = {
	MAKING_TYPES,
	{ NULL, 0, 0, NULL, NULL },
};

static const struct parameter list_parameters[] = {
	{ "all", 'a', PARAMETER_NEW_ALL, NULL, "everybody's, not only your own" },
	{ NULL, 0, 0, NULL, NULL },
};

static const struct parameter no_parameters[] = { { NULL, 0, 0, NULL, NULL } };

static void free_namespaces(struct usher_namespace_entry ***namespaces) {
	usher_free_namespaces(*namespaces);
}

static int create_check(const struct arguments *a) {
	if (!a->all && a->types.count == 0)
		return arguments_refuse(a, "of which types? --all, or some of --user, --pid, ...");
	return making_check(a);
}

static int create_run(const struct arguments *a, struct usher *usher) {
	_cleanup_(words_done) struct words types = WORDS_INIT;
	_cleanup_free_ char *object = NULL;
	int r, status;

	r = making_types(a, &types);
	if (r < 0)
		return r;
	r = usher_namespace_create(usher, a->operands[0], (const char *const *)types.items,
				   a->attributes, &a->keys, &object);
	if (r >= 0)
		return answer_value(a, "object", object);
	status = answer_refusal(a, usher, a->operands[0], r);
	if (status != EXIT_ASK)
		making_advise(a, r, usher_message(usher));
	return status;
}

const struct command command_namespace_create = {
	.name = "namespace create",
	.synopsis = "NAME",
	.help = "Make namespaces that stay, under a name",
	.parameters = create_parameters,
	.minimum = 1,
	.maximum = 1,
	.check = create_check,
	.asks_later = true,
	.run = create_run,
};

static int attach_run(const struct arguments *a, struct usher *usher) {
	static const char *const all[] = { "all", NULL };
	_cleanup_(words_done) struct words types = WORDS_INIT;
	_cleanup_free_ char *object = NULL;
	_cleanup_close_ int pidfd = -1;
	char *end;
	long pid = strtol(a->operands[1], &end, 10);
	int r;

	if (*end || pid <= 0 || pid > INT32_MAX)
		return arguments_refuse(a, "'%s' is no process id", a->operands[1]);
	pidfd = pidfd_open((pid_t)pid, 0);
	if (pidfd < 0)
		return answer_failure(a, a->operands[1], -errno);
	r = making_types(a, &types);
	if (r < 0)
		return r;
	r = usher_namespace_attach(usher, a->operands[0], pidfd,
				   types.count > 0 ? (const char *const *)types.items : all,
				   &a->keys, &object);
	return r < 0 ? answer_refusal(a, usher, a->operands[0], r)
		     : answer_value(a, "object", object);
}

const struct command command_namespace_attach = {
	.name = "namespace attach",
	.synopsis = "NAME PID",
	.help = "Give a name to the namespaces of a process",
	.parameters = attach_parameters,
	.minimum = 2,
	.maximum = 2,
	.check = making_check,
	.asks_later = true,
	.run = attach_run,
};

static struct json_object *ranges_to_json(const struct usher_id_range *ranges, size_t count) {
	struct json_object *array = json_object_new_array(), *range;

	for (size_t i = 0; array && i < count; i++) {
		range = json_object_new_object();
		if (!range)
			break;
		json_object_object_add(range, "inside", json_object_new_int64(ranges[i].inside));
		json_object_object_add(range, "outside", json_object_new_int64(ranges[i].outside));
		json_object_object_add(range, "count", json_object_new_int64(ranges[i].count));
		json_object_array_add(array, range);
	}
	return array;
}

static struct json_object *number_to_json(int64_t number) {
	return number < 0 ? NULL : json_object_new_int64(number);
}

static struct json_object *entry_to_json(const struct usher_namespace_entry *entry) {
	struct json_object *row = json_object_new_object();

	if (!row)
		return NULL;
	json_object_object_add(row, "name", answer_json_name(entry->name));
	json_object_object_add(row, "object", answer_json_name(entry->object));
	json_object_object_add(row, "types", answer_json_names(entry->types));
	json_object_object_add(row, "leader", number_to_json(entry->leader));
	json_object_object_add(row, "owner", number_to_json(entry->owner));
	json_object_object_add(row, "uid_map",
			       ranges_to_json(entry->uid_ranges, entry->uid_range_count));
	json_object_object_add(row, "gid_map",
			       ranges_to_json(entry->gid_ranges, entry->gid_range_count));
	json_object_object_add(row, "lifetime", answer_json_name(entry->lifetime));
	json_object_object_add(row, "created_usec", json_object_new_uint64(entry->created_usec));
	return row;
}

static int add_row(struct table *table, const struct usher_namespace_entry *entry) {
	char leader[24], owner[24];
	int r;

	snprintf(leader, sizeof leader, "%" PRId64, entry->leader);
	snprintf(owner, sizeof owner, "%" PRId64, entry->owner);
	r = table_add_name(table, entry->name);
	if (r == 0)
		r = table_add_name(table, leader);
	if (r == 0)
		r = table_add_name(table, owner);
	if (r == 0)
		r = table_add(table, answer_join_names(entry->types));
	if (r == 0)
		r = table_add_name(table, entry->object);
	return r;
}

static int answer_rows(const struct arguments *a, struct usher_namespace_entry *const *entries) {
	static const char *const heads[] = { "NAME", "LEADER", "OWNER", "TYPES", "OBJECT" };
	_cleanup_(table_done) struct table table = { .columns = 5 };
	struct json_object *rows = a->json ? json_object_new_array() : NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < 5; i++)
		r = table_add_name(&table, heads[i]);
	for (; r == 0 && *entries; entries++)
		if (!a->all && !(*entries)->mine)
			continue;
		else if (rows)
			json_object_array_add(rows, entry_to_json(*entries));
		else
			r = add_row(&table, *entries);
	if (r < 0)
		return answer_failure(a, NULL, r);
	if (a->json)
		return answer_json(rows);
	table_print(&table);
	return 0;
}

static int list_run(const struct arguments *a, struct usher *usher) {
	_cleanup_(free_namespaces) struct usher_namespace_entry **namespaces = NULL;
	int r = usher_list_namespaces(usher, &namespaces);

	return r < 0 ? answer_refusal(a, usher, NULL, r) : answer_rows(a, namespaces);
}

const struct command command_namespace_list = {
	.name = "namespace list",
	.synopsis = "",
	.help = "List the namespaces that have a name",
	.parameters = list_parameters,
	.minimum = 0,
	.maximum = 0,
	.run = list_run,
};

/* The object that the operand is, or has for a name. */
static int find_object(const struct arguments *a, struct usher *usher, char **ret) {
	if (a->operands[0][0] != '/')
		return usher_find_namespace(usher, a->operands[0], ret);
	*ret = strdup(a->operands[0]);
	return *ret ? 0 : -ENOMEM;
}

static void print_ranges(const char *label, const struct usher_id_range *ranges, size_t count) {
	for (size_t i = 0; i < count; i++)
		printf("%-12s%" PRIu32 " inside is %" PRIu32 " outside, %" PRIu32 " of them\n",
		       i == 0 ? label : "", ranges[i].inside, ranges[i].outside, ranges[i].count);
}

static void print_entry(const struct usher_namespace_entry *entry) {
	_cleanup_free_ char *name = text_from_name(entry->name);
	_cleanup_free_ char *types = answer_join_names(entry->types);
	time_t created = (time_t)(entry->created_usec / 1000000);
	struct tm tm;
	char when[64] = "";

	if (localtime_r(&created, &tm))
		strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
	printf("%-12s%s\n", "name:", name ? name : "?");
	printf("%-12s%s\n", "object:", entry->object);
	printf("%-12s%s\n", "types:", types ? types : "?");
	printf("%-12s%" PRId64 "\n", "leader:", entry->leader);
	printf("%-12s%" PRId64 "\n", "owner:", entry->owner);
	print_ranges("users:", entry->uid_ranges, entry->uid_range_count);
	print_ranges("groups:", entry->gid_ranges, entry->gid_range_count);
	printf("%-12s%s\n", "lifetime:", entry->lifetime);
	printf("%-12s%s\n", "created:", when);
}

static int show_run(const struct arguments *a, struct usher *usher) {
	_cleanup_(free_namespaces) struct usher_namespace_entry **namespaces = NULL;
	_cleanup_free_ char *object = NULL;
	int r;

	r = find_object(a, usher, &object);
	if (r >= 0)
		r = usher_list_namespaces(usher, &namespaces);
	if (r < 0)
		return answer_refusal(a, usher, a->operands[0], r);
	for (size_t i = 0; namespaces[i]; i++) {
		if (strcmp(namespaces[i]->object, object) != 0)
			continue;
		if (a->json)
			return answer_json(entry_to_json(namespaces[i]));
		print_entry(namespaces[i]);
		return 0;
	}
	return answer_error(a, a->operands[0], -ENOENT, "there is no such object");
}

const struct command command_namespace_show = {
	.name = "namespace show",
	.synopsis = "NAME|OBJECT",
	.help = "Tell all about namespaces",
	.parameters = no_parameters,
	.minimum = 1,
	.maximum = 1,
	.run = show_run,
};

static int destroy_run(const struct arguments *a, struct usher *usher) {
	_cleanup_free_ char *object = NULL;
	int r;

	r = find_object(a, usher, &object);
	if (r >= 0)
		r = usher_namespace_destroy(usher, object, &a->keys);
	return r < 0 ? answer_refusal(a, usher, a->operands[0], r) : answer_nothing(a);
}

const struct command command_namespace_destroy = {
	.name = "namespace destroy",
	.synopsis = "NAME|OBJECT",
	.help = "End all that runs in namespaces, and them",
	.parameters = no_parameters,
	.minimum = 1,
	.maximum = 1,
	.asks_later = true,
	.run = destroy_run,
};
