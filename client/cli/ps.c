/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher ps: the processes that were started through the service. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../cleanup.h"
#include "command.h"
#include "table.h"

static const struct parameter parameters[] = {
	{ "all", 'a', PARAMETER_NEW_ALL, NULL, "everybody's, not only your own" },
	{ NULL, 0, 0, NULL, NULL },
};

static void free_processes(struct usher_process_entry ***processes) {
	usher_free_processes(*processes);
}

static void free_namespaces(struct usher_namespace_entry ***namespaces) {
	usher_free_namespaces(*namespaces);
}

/* What its namespaces are called; "" where they have no name. */
static const char *name_of(struct usher_namespace_entry *const *namespaces, const char *object) {
	for (; *namespaces; namespaces++)
		if (strcmp((*namespaces)->object, object) == 0)
			return (*namespaces)->name;
	return "";
}

static struct json_object *entry_to_json(const struct usher_process_entry *entry,
					 const char *name) {
	struct json_object *row = json_object_new_object();

	if (!row)
		return NULL;
	json_object_object_add(row, "pid",
			       entry->pid < 0 ? NULL : json_object_new_int64(entry->pid));
	json_object_object_add(row, "owner",
			       entry->owner < 0 ? NULL : json_object_new_int64(entry->owner));
	json_object_object_add(row, "object", answer_json_name(entry->object));
	json_object_object_add(row, "command", answer_json_names(entry->command));
	json_object_object_add(row, "namespace", *name ? answer_json_name(name) : NULL);
	json_object_object_add(row, "namespace_object", answer_json_name(entry->namespace_object));
	json_object_object_add(row, "state", answer_json_name(entry->state));
	json_object_object_add(row, "status", json_object_new_int(entry->status));
	return row;
}

static int add_row(struct table *table, const struct usher_process_entry *entry, const char *name) {
	char pid[24], owner[24], state[64];
	int r;

	snprintf(pid, sizeof pid, "%" PRId64, entry->pid);
	snprintf(owner, sizeof owner, "%" PRId64, entry->owner);
	if (strcmp(entry->state, "running") == 0)
		snprintf(state, sizeof state, "running");
	else
		snprintf(state, sizeof state, "%.32s %d", entry->state, entry->status);
	r = table_add_name(table, pid);
	if (r == 0)
		r = table_add_name(table, owner);
	if (r == 0)
		r = table_add_name(table, state);
	if (r == 0)
		r = table_add_name(table, name);
	if (r == 0)
		r = table_add_name(table, entry->object);
	if (r == 0)
		r = table_add(table, answer_command_line(entry->command));
	return r;
}

static int answer_rows(const struct arguments *a, struct usher_process_entry *const *entries,
		       struct usher_namespace_entry *const *namespaces) {
	static const char *const heads[] = { "PID",       "OWNER",  "STATE",
					     "NAMESPACE", "OBJECT", "COMMAND" };
	_cleanup_(table_done) struct table table = { .columns = 6 };
	struct json_object *rows = a->json ? json_object_new_array() : NULL;
	const char *name;
	int r = 0;

	for (size_t i = 0; r == 0 && i < 6; i++)
		r = table_add_name(&table, heads[i]);
	for (; r == 0 && *entries; entries++) {
		if (!a->all && !(*entries)->mine)
			continue;
		name = name_of(namespaces, (*entries)->namespace_object);
		if (rows)
			json_object_array_add(rows, entry_to_json(*entries, name));
		else
			r = add_row(&table, *entries, name);
	}
	if (r < 0)
		return answer_failure(a, NULL, r);
	if (a->json)
		return answer_json(rows);
	table_print(&table);
	return 0;
}

static int ps_run(const struct arguments *a, struct usher *usher) {
	_cleanup_(free_processes) struct usher_process_entry **processes = NULL;
	_cleanup_(free_namespaces) struct usher_namespace_entry **namespaces = NULL;
	int r;

	r = usher_list_processes(usher, &processes);
	if (r >= 0)
		r = usher_list_namespaces(usher, &namespaces);
	return r < 0 ? answer_refusal(a, usher, NULL, r) : answer_rows(a, processes, namespaces);
}

const struct command command_ps = {
	.name = "ps",
	.synopsis = "",
	.help = "List the processes that were started so",
	.parameters = parameters,
	.minimum = 0,
	.maximum = 0,
	.run = ps_run,
};
