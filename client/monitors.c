/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Monitors: what changes in a network, by signals or by a stream of rows. */

#include <errno.h>
#include <string.h>

#include "netlink-call.h"
#include "signals.h"

/* One change that a signal has told. */
struct told {
	struct told *next;
	struct usher_netlink_change change;
	char *type;
	struct usher_values *row;
};

struct usher_monitor {
	struct usher *usher;
	char *object;
	struct signals *signals;
	struct told *first, **last; /* not asked for yet */
	struct told *current;       /* what the program has */
	int error;                  /* 0, or why there is nothing more to come */
};

/* ---- what signals say ---- */

static void told_done(struct told **told) {
	while (*told) {
		struct told *next = (*told)->next;

		free((*told)->type);
		usher_values_free((*told)->row);
		free(*told);
		*told = next;
	}
}

/* Puts a change aside until it is asked for. The row becomes its own. */
static int put_aside(struct usher_monitor *monitor, struct usher_netlink_change change,
		     const char *type, struct usher_values **row) {
	_cleanup_(told_done) struct told *told = calloc(1, sizeof *told);

	if (!told)
		return -ENOMEM;
	told->type = strdup(type);
	if (!told->type)
		return -ENOMEM;
	told->row = row ? take_pointer(*row) : NULL;
	told->change = change;
	told->change.type = told->type;
	told->change.row = told->row;
	*monitor->last = told;
	monitor->last = &told->next;
	told = NULL;
	return 0;
}

static int action_of(const char *name) {
	static const struct {
		const char *name;
		int action;
	} actions[] = {
		{ "new", USHER_NETLINK_NEW },
		{ "change", USHER_NETLINK_CHANGE },
		{ "del", USHER_NETLINK_DEL },
		{ "synced", USHER_NETLINK_SYNCED },
	};

	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
		if (strcmp(name, actions[i].name) == 0)
			return actions[i].action;
	return -1; /* a newer service may have more of them */
}

static int hear_change(struct usher_monitor *monitor, struct bus_message *m) {
	_cleanup_values_ struct usher_values *row = NULL;
	const char *name, *type;
	int action, r;

	r = bus_message_read(m, "ss", &name, &type);
	if (r >= 0)
		r = values_read(m, &row);
	if (r < 0)
		return r;
	action = action_of(name);
	if (action == USHER_NETLINK_SYNCED)
		row = usher_values_free(row);
	return action < 0 ? 0
			  : put_aside(monitor,
				      (struct usher_netlink_change){ .action = (unsigned)action },
				      type, &row);
}

static int hear_changes(struct usher_monitor *monitor, struct bus_message *m) {
	int r = bus_message_enter_container(m, 'a', "(ssa{sv})");

	while (r >= 0 && (r = bus_message_enter_container(m, 'r', "ssa{sv}")) > 0) {
		r = hear_change(monitor, m);
		if (r >= 0)
			r = bus_message_exit_container(m);
	}
	return r;
}

static int hear_gap(struct usher_monitor *monitor, struct bus_message *m) {
	struct usher_netlink_change change = { .action = USHER_NETLINK_GAP };
	int r = bus_message_read(m, "t", &change.lost);

	return r < 0 ? r : put_aside(monitor, change, "", NULL);
}

static void hear(void *userdata, const char *member, struct bus_message *m) {
	struct usher_monitor *monitor = userdata;
	int r = 0;

	if (monitor->error < 0)
		return;
	if (!member || strcmp(member, "Vanished") == 0)
		monitor->error = -ENOTCONN;
	else if (strcmp(member, "Changed") == 0)
		r = hear_changes(monitor, m);
	else if (strcmp(member, "Gap") == 0)
		r = hear_gap(monitor, m);
	if (r < 0)
		monitor->error = r == -ENOMEM ? r : -EBADMSG;
}

/* ---- beginning and end ---- */

static void free_monitor(struct usher_monitor *monitor) {
	signals_free(monitor->signals);
	told_done(&monitor->first);
	told_done(&monitor->current);
	free(monitor->object);
	free(monitor);
}

static void monitor_done(struct usher_monitor **monitor) {
	if (*monitor)
		free_monitor(*monitor);
}

/* ret_fd is NULL of one by signals. */
static int monitor(struct usher *usher, const char *method, const char *const types[],
		   const char *const fields[], const struct usher_netlink_options *netlink_options,
		   const struct usher_options *options, char **ret_object, int *ret_fd) {
	_cleanup_call_ struct call call = call_begin(usher, NETLINK, method, options);
	struct usher_netlink_options keys;

	if (netlink_keys(&call, netlink_options, &keys) < 0)
		return call.error;
	call_add_words(&call, "types", types);
	call_add_words(&call, "fields", fields);
	netlink_add_choice(&call, &keys);
	if (keys.no_snapshot)
		call_add_number_key(&call, "snapshot", 'b', false);
	return call_for_object_and_fd(&call, ret_object, ret_fd);
}

int usher_netlink_subscribe(struct usher *usher, const char *const types[],
			    const char *const fields[],
			    const struct usher_netlink_options *netlink_options,
			    const struct usher_options *options, struct usher_monitor **ret) {
	_cleanup_(monitor_done) struct usher_monitor *made = calloc(1, sizeof *made);
	int r;

	if (!made)
		return bus_fail(usher, -ENOMEM, "out of memory");
	made->usher = usher;
	made->last = &made->first;
	r = monitor(usher, "Subscribe", types, fields, netlink_options, options, &made->object,
		    NULL);
	if (r >= 0)
		r = signals_new(usher, made->object, NETLINK_MONITOR, hear, made, &made->signals);
	if (r < 0)
		return r;
	*ret = take_pointer(made);
	return 0;
}

int usher_netlink_open_monitor(struct usher *usher, const char *const types[],
			       const char *const fields[],
			       const struct usher_netlink_options *netlink_options,
			       const struct usher_options *options, struct usher_rows **ret,
			       char **ret_object) {
	_cleanup_free_ char *object = NULL;
	_cleanup_close_ int fd = -1;
	int r = monitor(usher, "OpenMonitor", types, fields, netlink_options, options, &object,
			&fd);

	if (r < 0)
		return r;
	r = usher_rows_adopt(fd, ret);
	if (r < 0)
		return bus_fail(usher, r, "the stream: %s", strerror(-r));
	fd = -1;
	if (ret_object)
		*ret_object = take_pointer(object);
	return 0;
}

int usher_monitor_object_close(struct usher *usher, const char *object) {
	_cleanup_call_ struct call call =
		call_begin_on(usher, object, NETLINK_MONITOR, "Close", NULL);

	return call_for_nothing(&call);
}

struct usher_monitor *usher_monitor_close(struct usher_monitor *monitor) {
	if (!monitor)
		return NULL;
	if (monitor->error != -ENOTCONN)
		(void)usher_monitor_object_close(monitor->usher, monitor->object);
	free_monitor(monitor);
	return NULL;
}

const char *usher_monitor_get_object(const struct usher_monitor *monitor) {
	return monitor->object;
}

/* ---- reading ---- */

static bool take_told(struct usher_monitor *monitor, struct usher_netlink_change *ret) {
	struct told *told = monitor->first;

	if (!told)
		return false;
	monitor->first = told->next;
	if (!monitor->first)
		monitor->last = &monitor->first;
	told->next = NULL;
	monitor->current = told;
	*ret = told->change;
	return true;
}

int usher_monitor_next(struct usher_monitor *monitor, struct usher_netlink_change *ret) {
	int r = 0;

	told_done(&monitor->current);
	if (take_told(monitor, ret))
		return 1;
	if (monitor->error == 0) {
		r = usher_process(monitor->usher);
		if (take_told(monitor, ret))
			return 1;
	}
	if (monitor->error < 0)
		return bus_fail(monitor->usher, monitor->error, "%s",
				monitor->error == -ENOTCONN  ? "the monitor has gone"
				: monitor->error == -EBADMSG ? "what the monitor told could not be "
							       "understood"
							     : strerror(-monitor->error));
	return r;
}
