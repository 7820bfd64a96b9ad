/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.usher1.Processes, and the objects it makes. */

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "call.h"
#include "entries.h"
#include "objects.h"
#include "value.h"

#define PROCESSES "org.usher1.Processes"
#define PROCESS   "org.usher1.Process"

struct usher_wait {
	struct bus_slot *slot;
	struct bus_error error;
	int result; /* 1: there is none yet; 0; or a negative errno */
	int status;
};

int usher_spawn(struct usher *usher, const struct usher_attributes *attributes,
		const char *const argv[], const struct usher_options *options, char **ret_object,
		int *ret_pidfd) {
	_cleanup_call_ struct call call = call_begin(usher, PROCESSES, "Spawn", options);

	call_add_attributes(&call, attributes);
	call_add_words(&call, "argv", argv);
	call_add_belongings(&call);
	return call_for_object_and_fd(&call, ret_object, ret_pidfd);
}

int usher_process_signal(struct usher *usher, const char *object, const char *signal,
			 const struct usher_options *options) {
	_cleanup_call_ struct call call = call_begin_on(usher, object, PROCESS, "Signal", options);

	call_add_string(&call, "signal", signal);
	return call_for_nothing(&call);
}

/* What waitpid(2) would have said. */
static int wait_status(const char *state, int status, int *ret) {
	if (strcmp(state, "exited") == 0)
		*ret = W_EXITCODE(status & 0xff, 0);
	else if (strcmp(state, "killed") == 0)
		*ret = W_EXITCODE(0, status & 0x7f);
	else if (strcmp(state, "dumped") == 0)
		*ret = W_EXITCODE(0, (status & 0x7f) | WCOREFLAG);
	else
		return -EBADMSG;
	return 0;
}

static int read_ended(struct bus_message *reply, int *ret) {
	const char *state;
	int status;

	if (bus_message_read(reply, "si", &state, &status) < 0)
		return -EBADMSG;
	return wait_status(state, status, ret);
}

int usher_process_wait(struct usher *usher, const char *object, const struct usher_options *options,
		       int *ret_status) {
	_cleanup_call_ struct call call = call_begin_on(usher, object, PROCESS, "Wait", options);
	_cleanup_message_ struct bus_message *reply = NULL;
	int r;

	call.patient = true;
	r = call_send(&call, &reply);
	if (r < 0)
		return r;
	r = read_ended(reply, ret_status);
	return r < 0 ? bus_fail(usher, r, "the service's answer could not be understood") : 0;
}

static void on_ended(struct bus_message *reply, void *userdata) {
	struct usher_wait *wait = userdata;

	if (!reply)
		wait->result = -ECONNRESET;
	else if (reply->kind == BUS_ERROR) {
		bus_error_read(reply, &wait->error);
		wait->result = -EIO;
	} else
		wait->result = read_ended(reply, &wait->status);
}

int usher_wait_begin(struct usher *usher, const char *object, struct usher_wait **ret) {
	_cleanup_call_ struct call call = call_begin_on(usher, object, PROCESS, "Wait", NULL);
	struct usher_wait *wait;
	int r;

	r = call_finish(&call);
	if (r < 0)
		return r;
	wait = calloc(1, sizeof *wait);
	if (!wait)
		return bus_fail(usher, -ENOMEM, "out of memory");
	wait->result = 1;
	r = bus_connection_begin(usher->bus, call.message, on_ended, wait, &wait->slot);
	if (r < 0) {
		usher_wait_free(wait);
		return bus_fail(usher, r, "Wait: %s", strerror(-r));
	}
	*ret = wait;
	return 0;
}

int usher_wait_get(struct usher *usher, const struct usher_wait *wait, int *ret_status) {
	bus_forget(usher);
	if (wait->result > 0)
		return bus_fail(usher, -EINPROGRESS, "the process has not ended");
	if (wait->error.name)
		return bus_refused(usher, &wait->error, wait->result);
	if (wait->result == -ECONNRESET)
		return bus_fail(usher, wait->result, "the connection to the bus is lost");
	if (wait->result < 0)
		return bus_fail(usher, wait->result,
				"the service's answer could not be understood");
	*ret_status = wait->status;
	return 0;
}

struct usher_wait *usher_wait_free(struct usher_wait *wait) {
	if (!wait)
		return NULL;
	bus_slot_free(wait->slot);
	bus_error_done(&wait->error);
	free(wait);
	return NULL;
}

static void free_entry(struct usher_process_entry *entry) {
	free(entry->object);
	value_free_words(entry->command);
	free(entry->namespace_object);
	free(entry->state);
	free(entry);
}

struct usher_process_entry **usher_free_processes(struct usher_process_entry **processes) {
	for (size_t i = 0; processes && processes[i]; i++)
		free_entry(processes[i]);
	free(processes);
	return NULL;
}

static void list_done(struct list *list) {
	usher_free_processes(list->entries);
}

/* An entry with every string in place, added to the list. */
static struct usher_process_entry *add_entry(struct list *list, const char *object) {
	struct usher_process_entry *entry =
		entries_add(&list->entries, &list->count, sizeof *entry);

	if (!entry)
		return NULL;
	entry->pid = entry->owner = -1;
	entry->object = strdup(object);
	entry->command = calloc(1, sizeof *entry->command);
	entry->namespace_object = strdup("/");
	entry->state = strdup("");
	if (!entry->object || !entry->command || !entry->namespace_object || !entry->state)
		return NULL;
	return entry;
}

/* One property; a newer service may have more of them than we know. */
static int read_property(struct bus_message *m, const char *key, void *into) {
	struct usher_process_entry *entry = into;

	if (strcmp(key, "Pid") == 0)
		return value_read_id(m, &entry->pid);
	if (strcmp(key, "Owner") == 0)
		return value_read_id(m, &entry->owner);
	if (strcmp(key, "Command") == 0)
		return value_read_words(m, &entry->command);
	if (strcmp(key, "Namespace") == 0)
		return value_read_object(m, &entry->namespace_object);
	if (strcmp(key, "State") == 0)
		return value_read_string(m, &entry->state);
	if (strcmp(key, "Status") == 0)
		return bus_message_read(m, "v", "i", &entry->status);
	return bus_message_skip(m, "v");
}

static int add(struct bus_message *m, const char *object, void *into) {
	struct list *list = into;
	struct usher_process_entry *entry = add_entry(list, object);
	int r = entry ? value_read_all(m, read_property, entry) : -ENOMEM;

	if (r >= 0)
		entry->mine = entry->owner == list->owner;
	return r;
}

int usher_list_processes(struct usher *usher, struct usher_process_entry ***ret) {
	_cleanup_(list_done) struct list list = { 0 };
	int r = entries_list(usher, PROCESS, add, &list);

	if (r < 0)
		return r;
	*ret = take_pointer(list.entries);
	return (int)list.count;
}
