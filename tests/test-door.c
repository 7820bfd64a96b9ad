/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The broker on a bus, as a client sees it: methods, errors, objects, properties, introspection. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message.h"
#include "processes.h"
#include "stage.h"

struct answer {
	sd_bus_message *message; /* the first */
	size_t n;
};

static int on_answer(sd_bus_message *message, void *userdata, sd_bus_error *error) {
	struct answer *answer = userdata;

	if (answer->n++ == 0)
		answer->message = sd_bus_message_ref(message);
	return 0;
}

static sd_bus_message *call_new(struct stage *stage, const char *path, const char *interface,
				const char *method) {
	sd_bus_message *message;

	assert_true(sd_bus_message_new_method_call(stage->client, &message, "org.usher1", path,
						   interface, method) >= 0);
	return message;
}

/* Calls and waits for the answer, which the caller unrefs. */
static sd_bus_message *ask(struct stage *stage, sd_bus_message *message) {
	struct answer answer = { 0 };
	sd_bus_slot *slot;

	assert_true(sd_bus_call_async(stage->client, &slot, message, on_answer, &answer,
				      5 * UINT64_C(1000000)) >= 0);
	sd_bus_message_unref(message);
	stage_until(stage, answer.n > 0);
	stage_settle(stage);
	assert_int_equal(answer.n, 1);
	sd_bus_slot_unref(slot);
	return answer.message;
}

static void assert_error(sd_bus_message *answer, const char *name, const char *word) {
	const sd_bus_error *error = sd_bus_message_get_error(answer);

	if (!error)
		fail_msg("no error");
	if (strcmp(error->name, name) != 0 || !strstr(error->message, word))
		fail_msg("%s: %s", error->name, error->message);
	sd_bus_message_unref(answer);
}

static void assert_fine(sd_bus_message *answer) {
	const sd_bus_error *error = sd_bus_message_get_error(answer);

	if (error)
		fail_msg("%s: %s", error->name, error->message);
}

static void open_stage(struct stage *stage, const char *script) {
	stage_new(stage, POLKIT_CHALLENGE, false);
	stage_open_door(stage);
	stage->scripts[0] = script;
}

#define append(message, ...) assert_true(sd_bus_message_append(message, __VA_ARGS__) >= 0)

/* ---- methods ---- */

static void arguments_reach_the_worker_and_the_object_comes_back(void **state) {
	int fd = some_descriptor();
	struct stage stage;
	sd_bus_message *message;
	const Usher__BindRequest *m;
	const char *path;

	(void)state;
	open_stage(&stage, "find=0 grant made=manual go done");
	message = call_new(&stage, "/org/usher1", "org.usher1.Mounts", "Bind");
	append(message, "ssasa{sv}", "/a\\xff", "", 2, "ro", "noexec", 3, "recursive", "b", 1,
	       "target_fd", "h", fd, "deadline_usec", "t", UINT64_C(7000000));
	message = ask(&stage, message);
	assert_fine(message);
	assert_true(sd_bus_message_read(message, "o", &path) > 0);
	assert_string_equal(path, "/org/usher1/mount/1");
	sd_bus_message_unref(message);
	m = (const void *)stage.children[0].request;
	assert_string_equal(m->source, "/a\xff");
	assert_int_equal(m->n_mount_options, 2);
	assert_true(m->has_recursive && m->recursive && m->has_target_fd && !m->has_source_fd);
	assert_int_equal(stage.children[0].order->deadline_usec, 7000000);
	assert_int_equal(stage.children[0].fds.n, 2); /* the target, the caller */
	stage_free(&stage);
	(void)close(fd);
}

static void a_name_comes_back_escaped(void **state) {
	struct stage stage;
	sd_bus_message *message;
	const char *name;

	(void)state;
	open_stage(&stage, "find=0 grant ok");
	message = call_new(&stage, "/org/usher1", "org.usher1.Host", "GetHostname");
	append(message, "a{sv}", 0);
	message = ask(&stage, message);
	assert_fine(message);
	assert_true(sd_bus_message_read(message, "s", &name) > 0);
	assert_string_equal(name, "lectern\\xfe");
	sd_bus_message_unref(message);
	stage_free(&stage);
}

static void a_descriptor_comes_back(void **state) {
	struct stage stage;
	sd_bus_message *message;
	int fd;

	(void)state;
	open_stage(&stage, "find=0 grant ok");
	message = call_new(&stage, "/org/usher1", "org.usher1.Mounts", "OpenMount");
	append(message, "ssasa{sv}", "", "tmpfs", 0, 0);
	message = ask(&stage, message);
	assert_fine(message);
	assert_true(sd_bus_message_read(message, "h", &fd) > 0);
	assert_true(fcntl(fd, F_GETFD) >= 0);
	sd_bus_message_unref(message);
	stage_free(&stage);
}

/* ---- errors ---- */

static void a_refusal_has_its_name_and_says_why(void **state) {
	static const struct {
		const char *script, *name, *word;
	} refusals[] = {
		{ "code=-16", "org.usher1.Error.Busy", "because (EBUSY)" },
		{ "code=1", "org.usher1.Error.InvalidArgument", "because" },
		{ "die", "org.usher1.Error.Failed", "died" },
		{ "find=3 grant ok", "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
		  "org.usher1.unmount" },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(refusals); i++) {
		struct stage stage;
		sd_bus_message *message;

		open_stage(&stage, refusals[i].script);
		message = call_new(&stage, "/org/usher1", "org.usher1.Mounts", "Unmount");
		append(message, "sa{sv}", "/mnt", 0);
		assert_error(ask(&stage, message), refusals[i].name, refusals[i].word);
		stage_free(&stage);
	}
}

static void whoever_allows_it_is_asked_interactively(void **state) {
	struct stage stage;
	sd_bus_message *message;

	(void)state;
	open_stage(&stage, "find=3 grant ok");
	message = call_new(&stage, "/org/usher1", "org.usher1.Mounts", "Unmount");
	append(message, "sa{sv}", "/mnt", 0);
	assert_true(sd_bus_message_set_allow_interactive_authorization(message, 1) >= 0);
	message = ask(&stage, message);
	assert_fine(message);
	sd_bus_message_unref(message);
	assert_true(stage.asked_interactively);
	stage_free(&stage);
}

static void what_is_wrong_with_the_words_does_not_reach_the_worker(void **state) {
	struct stage stage;
	sd_bus_message *message;

	(void)state;
	open_stage(&stage, "hang");
	message = call_new(&stage, "/org/usher1", "org.usher1.Mounts", "Unmount");
	append(message, "sa{sv}", "/mnt", 1, "colour", "s", "red");
	assert_error(ask(&stage, message), "org.usher1.Error.InvalidArgument", "colour");
	message = call_new(&stage, "/org/usher1", "org.usher1.Mounts", "Unmount");
	append(message, "sa{sv}", "mnt", 0);
	assert_error(ask(&stage, message), "org.usher1.Error.InvalidArgument", "target:");
	message = call_new(&stage, "/org/usher1", "org.usher1.Mounts", "Unmount");
	append(message, "sa{sv}", "/mnt\\", 0);
	assert_error(ask(&stage, message), "org.usher1.Error.InvalidArgument", "backslash");
	message = call_new(&stage, "/org/usher1", "org.usher1.Mounts", "Unmount");
	append(message, "u", 5U);
	assert_error(ask(&stage, message), "org.freedesktop.DBus.Error.InvalidArgs", "");
	message = call_new(&stage, "/org/usher1", "org.usher1.Mounts", "Demount");
	append(message, "sa{sv}", "/mnt", 0);
	assert_error(ask(&stage, message), "org.freedesktop.DBus.Error.UnknownMethod", "");
	message = call_new(&stage, "/org/usher1/mount/1", "org.usher1.Mount", "Unmount");
	append(message, "a{sv}", 0);
	assert_error(ask(&stage, message), "org.freedesktop.DBus.Error.UnknownObject", "");
	assert_int_equal(stage.n_children, 0);
	stage_free(&stage);
}

/* ---- objects ---- */

static void make_mount(struct stage *stage) {
	sd_bus_message *message = call_new(stage, "/org/usher1", "org.usher1.Mounts", "Mount");

	append(message, "sssasa{sv}", "", "/mnt", "tmpfs", 0, 0);
	message = ask(stage, message);
	assert_fine(message);
	sd_bus_message_unref(message);
}

static void a_mount_has_its_properties(void **state) {
	struct stage stage;
	sd_bus_message *message;
	const char *text;
	uint64_t id;
	uint32_t owner;

	(void)state;
	open_stage(&stage, "find=0 grant made=manual go done");
	make_mount(&stage);
	message = call_new(&stage, "/org/usher1/mount/1", "org.freedesktop.DBus.Properties", "Get");
	append(message, "ss", "org.usher1.Mount", "Target");
	message = ask(&stage, message);
	assert_fine(message);
	assert_true(sd_bus_message_read(message, "v", "s", &text) > 0);
	assert_string_equal(text, "/mnt/\\x01");
	sd_bus_message_unref(message);
	message = call_new(&stage, "/org/usher1/mount/1", "org.freedesktop.DBus.Properties", "Get");
	append(message, "ss", "org.usher1.Mount", "Id");
	message = ask(&stage, message);
	assert_true(sd_bus_message_read(message, "v", "t", &id) > 0);
	assert_int_equal(id, UNLIKELY_ID);
	sd_bus_message_unref(message);
	message = call_new(&stage, "/org/usher1/mount/1", "org.freedesktop.DBus.Properties", "Get");
	append(message, "ss", "org.usher1.Mount", "Owner");
	message = ask(&stage, message);
	assert_true(sd_bus_message_read(message, "v", "u", &owner) > 0);
	assert_int_equal(owner, stage.uid);
	sd_bus_message_unref(message);
	/* all of them at once: also those that nobody set */
	message = call_new(&stage, "/org/usher1/mount/1", "org.freedesktop.DBus.Properties",
			   "GetAll");
	append(message, "s", "org.usher1.Mount");
	message = ask(&stage, message);
	assert_fine(message);
	sd_bus_message_unref(message);
	stage_free(&stage);
}

static int on_signal(sd_bus_message *message, void *userdata, sd_bus_error *error) {
	size_t *counts = userdata;

	counts[0] += sd_bus_message_is_signal(message, NULL, "InterfacesAdded") > 0;
	counts[1] += sd_bus_message_is_signal(message, NULL, "InterfacesRemoved") > 0;
	return 0;
}

static bool is_managed(struct stage *stage) {
	sd_bus_message *message =
		call_new(stage, "/org/usher1", "org.freedesktop.DBus.ObjectManager",
			 "GetManagedObjects");
	const char *path;
	bool found = false;

	message = ask(stage, message);
	assert_fine(message);
	assert_true(sd_bus_message_enter_container(message, 'a', "{oa{sa{sv}}}") > 0);
	while (sd_bus_message_enter_container(message, 'e', "oa{sa{sv}}") > 0) {
		assert_true(sd_bus_message_read(message, "o", &path) > 0);
		found |= strcmp(path, "/org/usher1/mount/1") == 0;
		assert_true(sd_bus_message_skip(message, "a{sa{sv}}") > 0);
		assert_true(sd_bus_message_exit_container(message) >= 0);
	}
	sd_bus_message_unref(message);
	return found;
}

struct overviews {
	size_t given, refused;
};

static int on_overview(sd_bus_message *message, void *userdata, sd_bus_error *error) {
	struct overviews *overviews = userdata;

	if (sd_bus_message_is_method_error(message, "org.usher1.Error.Retry"))
		overviews->refused++;
	else if (!sd_bus_message_is_method_error(message, NULL))
		overviews->given++;
	return 0;
}

static void ask_for_all_objects(struct stage *stage, struct overviews *overviews, bool silently) {
	sd_bus_message *message =
		call_new(stage, "/org/usher1", "org.freedesktop.DBus.ObjectManager",
			 "GetManagedObjects");

	assert_true(sd_bus_message_set_expect_reply(message, !silently) >= 0);
	if (silently)
		assert_true(sd_bus_send(stage->client, message, NULL) >= 0);
	else
		assert_true(sd_bus_call_async(stage->client, NULL, message, on_overview, overviews,
					      UINT64_MAX) >= 0);
	sd_bus_message_unref(message);
}

static void who_asks_for_all_objects_again_and_again_is_told_to_wait(void **state) {
	enum { AT_ONCE = 64, SILENT = 1000, MOST = 2000 };
	struct overviews overviews = { 0 };
	sd_bus_message *message;
	struct stage stage;

	(void)state;
	open_stage(&stage, "");
	/* nobody hears these: they count neither for him nor as work */
	for (size_t i = 0; i < SILENT; i++)
		ask_for_all_objects(&stage, NULL, true);
	for (size_t n = 0; overviews.refused == 0 && n < MOST; n += AT_ONCE) {
		for (size_t i = 0; i < AT_ONCE; i++)
			ask_for_all_objects(&stage, &overviews, false);
		stage_until(&stage, overviews.given + overviews.refused == n + AT_ONCE);
	}
	assert_true(overviews.refused > 0);
	assert_in_range(overviews.given, 200, MOST);
	/* all else has its answer */
	message = ask(&stage, call_new(&stage, "/org/usher1", "org.freedesktop.DBus.Peer", "Ping"));
	assert_fine(message);
	sd_bus_message_unref(message);
	stage_free(&stage);
}

static void objects_appear_and_vanish(void **state) {
	size_t counts[2] = { 0 };
	struct stage stage;
	sd_bus_message *message;
	sd_bus_slot *slot;
	const Usher__UnmountObjectRequest *m;

	(void)state;
	open_stage(&stage, "find=0 grant made=manual go done");
	stage.scripts[1] = "find=0 grant ok";
	assert_true(sd_bus_add_match(stage.client, &slot,
				     "type='signal',interface='org.freedesktop.DBus.ObjectManager'",
				     on_signal, counts) >= 0);
	assert_false(is_managed(&stage));
	make_mount(&stage);
	assert_true(is_managed(&stage));
	assert_int_equal(counts[0], 1);
	message = call_new(&stage, "/org/usher1/mount/1", "org.usher1.Mount", "Unmount");
	append(message, "a{sv}", 1, "lazy", "b", 1);
	message = ask(&stage, message);
	assert_fine(message);
	sd_bus_message_unref(message);
	m = (const void *)stage.children[1].request;
	assert_string_equal(stage.children[1].order->operation, "Mount.Unmount");
	assert_true(m->has_id && m->id == UNLIKELY_ID && m->lazy);
	assert_true(stage.children[1].order->has_caller_fd); /* the caller's order, not ours */
	assert_false(is_managed(&stage));
	assert_int_equal(counts[1], 1);
	sd_bus_slot_unref(slot);
	stage_free(&stage);
}

/* ---- processes ---- */

static int on_process_signal(sd_bus_message *message, void *userdata, sd_bus_error *error) {
	size_t *counts = userdata;
	const char *how;
	int status;

	counts[1] += sd_bus_message_is_signal(message, NULL, "PropertiesChanged") > 0;
	if (sd_bus_message_is_signal(message, "org.usher1.Process", "Exited") <= 0)
		return 0;
	counts[0]++;
	assert_true(sd_bus_message_read(message, "si", &how, &status) > 0);
	assert_string_equal(how, "exited");
	assert_int_equal(status, 3);
	return 0;
}

static void spawn(struct stage *stage, const char *script) {
	sd_bus_message *message = call_new(stage, "/org/usher1", "org.usher1.Processes", "Spawn");
	const char *path;
	int fd;

	stage->scripts[0] = script;
	append(message, "asa{ss}a{uh}a{sv}", 1, "/bin/x", 0, 0, 0);
	message = ask(stage, message);
	assert_fine(message);
	assert_true(sd_bus_message_read(message, "oh", &path, &fd) > 0);
	assert_string_equal(path, "/org/usher1/process/1");
	assert_true(fcntl(fd, F_GETFD) >= 0);
	sd_bus_message_unref(message);
}

static void assert_property(struct stage *stage, const char *path, const char *interface,
			    const char *property, const char *type, const char *expected) {
	sd_bus_message *message = call_new(stage, path, "org.freedesktop.DBus.Properties", "Get");
	const char *text = "";
	char number[32];
	uint32_t value;

	append(message, "ss", interface, property);
	message = ask(stage, message);
	assert_fine(message);
	if (*type == 's' || *type == 'o')
		assert_true(sd_bus_message_read(message, "v", type, &text) > 0);
	else {
		assert_true(sd_bus_message_read(message, "v", type, &value) > 0);
		(void)snprintf(number, sizeof number, "%u", value);
		text = number;
	}
	assert_string_equal(text, expected);
	sd_bus_message_unref(message);
}

static void the_end_of_a_process_is_told_once(void **state) {
	static const char path[] = "/org/usher1/process/1", interface[] = "org.usher1.Process";
	size_t counts[2] = { 0 };
	struct stage stage;
	sd_bus_message *message;
	sd_bus_slot *slot;
	const char *how;
	int status;

	(void)state;
	open_stage(&stage, "");
	assert_true(sd_bus_add_match(stage.client, &slot,
				     "type='signal',path='/org/usher1/process/1'",
				     on_process_signal, counts) >= 0);
	spawn(&stage, "find=0 grant made=manual go said");
	assert_property(&stage, path, interface, "State", "s", "running");
	assert_property(&stage, path, interface, "Namespace", "o", "/");
	assert_property(&stage, path, interface, "Status", "i", "0");
	stage.children[0].script = "end ended=exited:3 die";
	stage_until(&stage, counts[0] > 0 && counts[1] > 0);
	assert_property(&stage, path, interface, "State", "s", "exited");
	assert_property(&stage, path, interface, "Status", "i", "3");
	message = call_new(&stage, path, interface, "Wait");
	append(message, "a{sv}", 0);
	message = ask(&stage, message);
	assert_fine(message);
	assert_true(sd_bus_message_read(message, "si", &how, &status) > 0);
	assert_string_equal(how, "exited");
	assert_int_equal(status, 3);
	sd_bus_message_unref(message);
	/* somebody has been told */
	message = call_new(&stage, path, interface, "Wait");
	append(message, "a{sv}", 0);
	message = ask(&stage, message);
	assert_error(message, "org.freedesktop.DBus.Error.UnknownObject", "process/1");
	assert_int_equal(counts[0], 1);
	assert_int_equal(counts[1], 1);
	sd_bus_slot_unref(slot);
	stage_free(&stage);
}

static void what_has_ended_gets_no_signal(void **state) {
	struct stage stage;
	sd_bus_message *message;

	(void)state;
	open_stage(&stage, "");
	spawn(&stage, "find=0 grant made=manual go said end ended=exited:0 die");
	stage_until(&stage, process_has_ended(stage.desk.objects[KIND_PROCESS].first));
	message = call_new(&stage, "/org/usher1/process/1", "org.usher1.Process", "Signal");
	append(message, "sa{sv}", "TERM", 0);
	message = ask(&stage, message);
	assert_error(message, "org.usher1.Error.NotFound", "ESRCH");
	assert_int_equal(stage.n_children, 1);
	stage_free(&stage);
}

/* What the caller leaves open comes from the object, and who owns it, too. */
static void a_signal_goes_to_the_process_of_the_object(void **state) {
	const Usher__SignalRequest *m;
	struct stage stage;
	sd_bus_message *message;

	(void)state;
	open_stage(&stage, "");
	spawn(&stage, "find=0 grant made=manual go said");
	stage.scripts[1] = "find=0 grant ok";
	message = call_new(&stage, "/org/usher1/process/1", "org.usher1.Process", "Signal");
	append(message, "sa{sv}", "TERM", 0);
	message = ask(&stage, message);
	assert_fine(message);
	sd_bus_message_unref(message);
	m = (const void *)stage.children[1].request;
	assert_string_equal(m->name, "TERM");
	assert_int_equal(m->pid, stage.children[0].process);
	assert_true(m->has_owner && m->owner == stage.uid);
	assert_true(m->has_process_fd && fds_get(&stage.children[1].fds, m->process_fd) >= 0);
	stage_free(&stage);
}

static void namespaces_have_their_properties(void **state) {
	struct stage stage;
	sd_bus_message *message;

	(void)state;
	open_stage(&stage, "find=0 grant made=manual go done");
	message = call_new(&stage, "/org/usher1", "org.usher1.Namespaces", "Create");
	append(message, "sasa{sv}", "box", 1, "user", 0);
	message = ask(&stage, message);
	assert_fine(message);
	sd_bus_message_unref(message);
	assert_property(&stage, "/org/usher1/namespace/1", "org.usher1.Namespace", "Name", "s",
			"box");
	message = call_new(&stage, "/org/usher1/namespace/1", "org.freedesktop.DBus.Properties",
			   "GetAll");
	append(message, "s", "org.usher1.Namespace");
	message = ask(&stage, message);
	assert_fine(message);
	sd_bus_message_unref(message);
	stage_free(&stage);
}

/* ---- introspection ---- */

static bool is_managers(const char *interface) {
	static const char *const interfaces[] = { "Mounts", "Host", "Namespaces", "Processes",
						  "Watches" };
	bool found = false;

	for (size_t i = 0; i < N_OF(interfaces); i++)
		found |= strcmp(interfaces[i], interface) == 0;
	return found;
}

static void introspection_tells_what_the_table_has(void **state) {
	struct stage stage;
	sd_bus_message *message;
	const char *text;

	(void)state;
	open_stage(&stage, "hang");
	message = call_new(&stage, "/org/usher1", "org.freedesktop.DBus.Introspectable",
			   "Introspect");
	message = ask(&stage, message);
	assert_fine(message);
	assert_true(sd_bus_message_read(message, "s", &text) > 0);
	for (size_t i = 0; i < operations_n; i++) {
		char wanted[256], name[MESSAGE_NAME_MAX], signature[MESSAGE_SIGNATURE_MAX];
		const char *at;

		if (!is_managers(operations[i]->interface)) /* the objects' have their own */
			continue;
		(void)snprintf(wanted, sizeof wanted, "<method name=\"%s\">",
			       operations[i]->method);
		at = strstr(text, wanted);
		if (!at)
			fail_msg("%s is not told of", operations[i]->method);
		for (unsigned f = 0; f < operations[i]->request->n_fields; f++) {
			const ProtobufCFieldDescriptor *field = &operations[i]->request->fields[f];

			if (message_field_place(field) != MESSAGE_POSITIONAL)
				continue;
			message_field_name(field, name);
			message_field_signature(field, signature);
			(void)snprintf(wanted, sizeof wanted,
				       "<arg type=\"%.20s\" name=\"%s\" direction=\"in\"/>",
				       signature, name);
			at = strstr(at, wanted);
			if (!at)
				fail_msg("%s: %s", operations[i]->method, wanted);
		}
		at = strstr(at, "<arg type=\"a{sv}\" name=\"options\" direction=\"in\"/>");
		assert_non_null(at);
	}
	sd_bus_message_unref(message);
	stage_free(&stage);
}

static void the_host_name_is_a_property(void **state) {
	struct stage stage;
	sd_bus_message *message;
	char name[65] = "";
	const char *text;

	(void)state;
	assert_int_equal(gethostname(name, sizeof name - 1), 0);
	open_stage(&stage, "hang");
	message = call_new(&stage, "/org/usher1", "org.freedesktop.DBus.Properties", "Get");
	append(message, "ss", "org.usher1.Host", "Hostname");
	message = ask(&stage, message);
	assert_fine(message);
	assert_true(sd_bus_message_read(message, "v", "s", &text) > 0);
	assert_string_equal(text, name);
	sd_bus_message_unref(message);
	/* who reads it will want to hear of changes */
	assert_true(callers_listen(stage.desk.callers));
	stage_leave(&stage);
	stage_until(&stage, !callers_listen(stage.desk.callers));
	stage_free(&stage);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_reach_the_worker_and_the_object_comes_back),
		cmocka_unit_test(a_name_comes_back_escaped),
		cmocka_unit_test(a_descriptor_comes_back),
		cmocka_unit_test(a_refusal_has_its_name_and_says_why),
		cmocka_unit_test(whoever_allows_it_is_asked_interactively),
		cmocka_unit_test(what_is_wrong_with_the_words_does_not_reach_the_worker),
		cmocka_unit_test(a_mount_has_its_properties),
		cmocka_unit_test(objects_appear_and_vanish),
		cmocka_unit_test(the_end_of_a_process_is_told_once),
		cmocka_unit_test(what_has_ended_gets_no_signal),
		cmocka_unit_test(a_signal_goes_to_the_process_of_the_object),
		cmocka_unit_test(namespaces_have_their_properties),
		cmocka_unit_test(introspection_tells_what_the_table_has),
		cmocka_unit_test(the_host_name_is_a_property),
		cmocka_unit_test(who_asks_for_all_objects_again_and_again_is_told_to_wait),
	};

	return cmocka_run_group_tests(tests, stages_begin, stages_end);
}
