/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.usher1.Netlink: questions and changes. */

#include "netlink-call.h"

#include <errno.h>
#include <string.h>

#include "options.h"
#include "value.h"

/* ---- the keys of its own ---- */

int netlink_keys(struct call *call, const struct usher_netlink_options *given,
		 struct usher_netlink_options *ret) {
	*ret = (struct usher_netlink_options)USHER_NETLINK_OPTIONS_INIT;
	if (call->error < 0)
		return call->error;
	if (given &&
	    (given->size != sizeof *given || given->reserved != 0 || given->reserved_too != 0))
		call->error =
			bus_fail(call->usher, -EINVAL, "the netlink options: not of this libusher");
	else if (given && given->in_name && options_elsewhere(&call->options))
		call->error = bus_fail(call->usher, -EINVAL,
				       "the options: 'in' and 'in_name' are both set");
	else if (given)
		*ret = *given;
	return call->error;
}

void netlink_add_place(struct call *call, const struct usher_netlink_options *keys) {
	call_add_string_key(call, "in", keys->in_name);
}

void netlink_add_choice(struct call *call, const struct usher_netlink_options *keys) {
	netlink_add_place(call, keys);
	if (keys->limit > 0)
		call_add_number_key(call, "limit", 't', keys->limit);
	call_add_string_key(call, "consistency", keys->consistency);
	call_add_values_keys(call, keys->filter);
}

/* ---- what is told of an answer ---- */

struct usher_netlink_info *usher_free_netlink_info(struct usher_netlink_info *info) {
	if (!info)
		return NULL;
	free(info->interrupted);
	value_free_words(info->kernel_filters);
	free(info->message);
	free(info);
	return NULL;
}

static void info_done(struct usher_netlink_info **info) {
	usher_free_netlink_info(*info);
}

static struct usher_netlink_info *new_info(void) {
	_cleanup_(info_done) struct usher_netlink_info *info = calloc(1, sizeof *info);

	if (!info)
		return NULL;
	info->interrupted = strdup("");
	info->message = strdup("");
	info->kernel_filters = calloc(1, sizeof *info->kernel_filters);
	if (!info->interrupted || !info->message || !info->kernel_filters)
		return NULL;
	return take_pointer(info);
}

/* One key; a newer service may tell more. */
static int read_key(struct bus_message *m, const char *key, void *into) {
	struct usher_netlink_info *info = into;
	int complete, r;

	if (strcmp(key, "rows") == 0)
		return bus_message_read(m, "v", "t", &info->rows);
	if (strcmp(key, "bytes") == 0)
		return bus_message_read(m, "v", "t", &info->bytes);
	if (strcmp(key, "complete") == 0) {
		r = bus_message_read(m, "v", "b", &complete);
		if (r >= 0)
			info->complete = complete;
		return r;
	}
	if (strcmp(key, "interrupted") == 0)
		return value_read_string(m, &info->interrupted);
	if (strcmp(key, "kernel_filters") == 0)
		return value_read_words(m, &info->kernel_filters);
	if (strcmp(key, "message") == 0)
		return value_read_string(m, &info->message);
	return bus_message_skip(m, "v");
}

static int read_info(struct bus_message *m, struct usher_netlink_info **ret) {
	_cleanup_(info_done) struct usher_netlink_info *info = new_info();
	int r = info ? value_read_all(m, read_key, info) : -ENOMEM;

	if (r >= 0)
		*ret = take_pointer(info);
	return r;
}

/* What could not be read of an answer. */
static int unreadable(struct call *call, int error) {
	return error == -ENOMEM ? bus_fail(call->usher, error, "out of memory")
				: call_not_understood(call);
}

/* ---- questions ---- */

static void rows_done(struct usher_values ***rows) {
	usher_values_free_all(*rows);
}

int usher_netlink_query(struct usher *usher, const char *type, const char *const fields[],
			const struct usher_netlink_options *netlink_options,
			const struct usher_options *options, struct usher_values ***ret,
			struct usher_netlink_info **ret_info) {
	_cleanup_call_ struct call call = call_begin(usher, NETLINK, "Query", options);
	_cleanup_message_ struct bus_message *reply = NULL;
	_cleanup_(info_done) struct usher_netlink_info *info = NULL;
	_cleanup_(rows_done) struct usher_values **rows = NULL;
	struct usher_netlink_options keys;
	int n, r;

	if (netlink_keys(&call, netlink_options, &keys) < 0)
		return call.error;
	call_add_string(&call, "type", type);
	call_add_words(&call, "fields", fields);
	netlink_add_choice(&call, &keys);
	r = call_send(&call, &reply);
	if (r < 0)
		return r;
	n = values_read_all(reply, &rows);
	r = n < 0 ? n : read_info(reply, &info);
	if (r < 0)
		return unreadable(&call, r);
	if (!ret_info && !info->complete)
		return bus_fail(usher, -EAGAIN, "the answer is not complete: %s",
				info->interrupted);
	if (ret_info)
		*ret_info = take_pointer(info);
	*ret = take_pointer(rows);
	return n;
}

static int open_rows(struct usher *usher, const char *type, const char *const fields[],
		     const struct usher_netlink_options *netlink_options,
		     const struct usher_options *options, const char *format, int *ret_fd,
		     struct usher_netlink_info **ret_info) {
	_cleanup_call_ struct call call = call_begin(usher, NETLINK, "Open", options);
	_cleanup_message_ struct bus_message *reply = NULL;
	_cleanup_(info_done) struct usher_netlink_info *info = NULL;
	_cleanup_close_ int fd = -1;
	struct usher_netlink_options keys;
	int r;

	if (netlink_keys(&call, netlink_options, &keys) < 0)
		return call.error;
	call_add_string(&call, "type", type);
	call_add_words(&call, "fields", fields);
	call_add_string_key(&call, "format", format);
	call_add_string_key(&call, "transport", keys.stream ? "stream" : NULL);
	netlink_add_choice(&call, &keys);
	r = call_send(&call, &reply);
	if (r >= 0)
		r = call_read_fd(&call, reply, &fd);
	if (r < 0)
		return r;
	r = read_info(reply, &info);
	if (r < 0)
		return unreadable(&call, r);
	if (ret_info)
		*ret_info = take_pointer(info);
	*ret_fd = take_fd(&fd);
	return 0;
}

int usher_netlink_open(struct usher *usher, const char *type, const char *const fields[],
		       const struct usher_netlink_options *netlink_options,
		       const struct usher_options *options, struct usher_rows **ret,
		       struct usher_netlink_info **ret_info) {
	_cleanup_(info_done) struct usher_netlink_info *info = NULL;
	_cleanup_close_ int fd = -1;
	int r = open_rows(usher, type, fields, netlink_options, options, NULL, &fd, &info);

	if (r < 0)
		return r;
	r = usher_rows_adopt(fd, ret);
	if (r < 0)
		return bus_fail(usher, r, "the rows: %s", strerror(-r));
	fd = -1;
	if (ret_info)
		*ret_info = take_pointer(info);
	return 0;
}

int usher_netlink_open_json(struct usher *usher, const char *type, const char *const fields[],
			    const struct usher_netlink_options *netlink_options,
			    const struct usher_options *options, int *ret_fd,
			    struct usher_netlink_info **ret_info) {
	int fd = -1, r;

	r = open_rows(usher, type, fields, netlink_options, options, "json", &fd, ret_info);
	if (r < 0)
		return r;
	/* A file is where its writer has left it. */
	(void)lseek(fd, 0, SEEK_SET);
	*ret_fd = fd;
	return 0;
}

int usher_netlink_describe(struct usher *usher, const char *type, char **ret_json) {
	_cleanup_call_ struct call call = call_begin(usher, NETLINK, "Describe", NULL);

	call_add_string(&call, "type", type ? type : "");
	return call_for_string(&call, ret_json);
}

/* ---- changes ---- */

int usher_netlink_change(struct usher *usher, const char *action, const char *type,
			 const struct usher_values *row,
			 const struct usher_netlink_options *netlink_options,
			 const struct usher_options *options, struct usher_values **ret_row) {
	_cleanup_call_ struct call call = call_begin(usher, NETLINK, "Change", options);
	_cleanup_message_ struct bus_message *reply = NULL;
	_cleanup_values_ struct usher_values *changed = NULL;
	struct usher_netlink_options keys;
	int r;

	if (netlink_keys(&call, netlink_options, &keys) < 0)
		return call.error;
	call_add_string(&call, "action", action);
	call_add_string(&call, "type", type);
	call_add_values(&call, "row", row);
	netlink_add_place(&call, &keys);
	r = call_send(&call, &reply);
	if (r < 0)
		return r;
	r = values_read(reply, &changed);
	if (r < 0)
		return unreadable(&call, r);
	if (ret_row)
		*ret_row = take_pointer(changed);
	return 0;
}

static void add_step(struct call *call, const struct usher_netlink_step *step) {
	int r;

	if (call->error < 0)
		return;
	r = bus_message_open_container(call->message, 'r', "ssa{sv}");
	call_add_string(call, "action", step->action);
	call_add_string(call, "type", step->type);
	call_add_values(call, "row", step->row);
	if (call->error < 0)
		return;
	if (r >= 0)
		r = bus_message_close_container(call->message);
	if (r < 0)
		call->error = bus_fail(call->usher, r, "changes: %s", strerror(-r));
}

static void add_steps(struct call *call, const struct usher_netlink_step steps[], size_t n) {
	int r = bus_message_open_container(call->message, 'a', "(ssa{sv})");

	for (size_t i = 0; r >= 0 && i < n; i++)
		add_step(call, &steps[i]);
	if (r >= 0 && call->error >= 0)
		r = bus_message_close_container(call->message);
	if (r < 0)
		call->error = bus_fail(call->usher, r, "changes: %s", strerror(-r));
}

int usher_netlink_batch(struct usher *usher, const struct usher_netlink_step steps[], size_t n,
			const struct usher_netlink_options *netlink_options,
			const struct usher_options *options, struct usher_values ***ret_rows) {
	_cleanup_call_ struct call call = call_begin(usher, NETLINK, "Batch", options);
	_cleanup_message_ struct bus_message *reply = NULL;
	_cleanup_(rows_done) struct usher_values **rows = NULL;
	struct usher_netlink_options keys;
	int r;

	if (netlink_keys(&call, netlink_options, &keys) < 0)
		return call.error;
	add_steps(&call, steps, n);
	netlink_add_place(&call, &keys);
	r = call_send(&call, &reply);
	if (r < 0)
		return r;
	r = values_read_all(reply, &rows);
	if (r < 0)
		return unreadable(&call, r);
	if (ret_rows)
		*ret_rows = take_pointer(rows);
	return r;
}

int usher_netlink_open_socket(struct usher *usher, const char *protocol,
			      const struct usher_netlink_options *netlink_options,
			      const struct usher_options *options, int *ret_fd) {
	_cleanup_call_ struct call call = call_begin(usher, NETLINK, "OpenSocket", options);
	struct usher_netlink_options keys;

	if (netlink_keys(&call, netlink_options, &keys) < 0)
		return call.error;
	call_add_string(&call, "protocol", protocol);
	netlink_add_place(&call, &keys);
	return call_for_fd(&call, ret_fd);
}
