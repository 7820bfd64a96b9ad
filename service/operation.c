/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "operation.h"

#include <stdio.h>
#include <string.h>

#include "operations/operations.h"

/* In the order of the interface files. */
const struct operation *const operations[] = {
	&operation_mount,          &operation_mount_image,    &operation_bind,
	&operation_open_mount,     &operation_open_tree,      &operation_unmount,
	&operation_remount,        &operation_move,           &operation_pivot_root,
	&operation_list,           &operation_unmount_object, &operation_get_hostname,
	&operation_set_hostname,   &operation_get_domainname, &operation_set_domainname,
	&operation_create,         &operation_attach,         &operation_connect_veth,
	&operation_open_tun,       &operation_open_namespace, &operation_open_leader,
	&operation_destroy,        &operation_spawn,          &operation_signal,
	&operation_wait,           &operation_trap,           &operation_close_trap,
	&operation_create_timer,   &operation_set_timer,      &operation_close_timer,
	&operation_subscribe,      &operation_open_watch,     &operation_set_events,
	&operation_since,          &operation_decide,         &operation_close_watch,
	&operation_query,          &operation_open_rows,      &operation_describe,
	&operation_change,         &operation_batch,          &operation_open_socket,
	&operation_subscribe_rows, &operation_open_monitor,   &operation_close_monitor,
};

const size_t operations_n = sizeof operations / sizeof *operations;

const struct operation *operation_find(const char *interface, const char *method) {
	for (size_t i = 0; i < operations_n; i++)
		if (*operations[i]->method == *method &&
		    strcmp(operations[i]->method, method) == 0 &&
		    strcmp(operations[i]->interface, interface) == 0)
			return operations[i];
	return NULL;
}

const struct operation *operation_find_whole(const char *name, size_t *ret_place) {
	const char *dot = strchr(name, '.');

	for (size_t i = 0; dot && i < operations_n; i++) {
		size_t n = strlen(operations[i]->interface);

		if (n == (size_t)(dot - name) && strncmp(operations[i]->interface, name, n) == 0 &&
		    strcmp(operations[i]->method, dot + 1) == 0) {
			*ret_place = i;
			return operations[i];
		}
	}
	return NULL;
}

bool operation_action(const struct operation *operation, enum tier tier,
		      char ret_action[ACTION_MAX]) {
	const char *action = operation->actions[tier];

	if (tier == TIER_FREE)
		return false;
	if (!action)
		action = operation->actions[TIER_ADMIN];
	(void)snprintf(ret_action, ACTION_MAX, "org.usher1.%s", action);
	return true;
}
