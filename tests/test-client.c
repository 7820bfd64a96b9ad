/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libusher sends of namespaces and processes, and what it makes of answers: before a service
 * that is a thread of this program. */

#include <signal.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "answering.h"

/* ---- answers ---- */

static int answer_nothing(sd_bus_message *call) {
	return sd_bus_reply_method_return(call, NULL);
}

static int answer_object(sd_bus_message *call) {
	return sd_bus_reply_method_return(call, "o", "/org/usher1/namespace/7");
}

static int answer_fd(sd_bus_message *call) {
	return sd_bus_reply_method_return(call, "h", 0);
}

static int answer_process(sd_bus_message *call) {
	return sd_bus_reply_method_return(call, "oh", "/org/usher1/process/9", 0);
}

static int answer_exited(sd_bus_message *call) {
	return sd_bus_reply_method_return(call, "si", "exited", 3);
}

static int answer_killed(sd_bus_message *call) {
	return sd_bus_reply_method_return(call, "si", "killed", 15);
}

static int answer_dumped(sd_bus_message *call) {
	return sd_bus_reply_method_return(call, "si", "dumped", 11);
}

static int answer_nonsense(sd_bus_message *call) {
	return sd_bus_reply_method_return(call, "si", "vanished", 1);
}

static int answer_number(sd_bus_message *call) {
	return sd_bus_reply_method_errno(call, -ENOTTY, NULL);
}

static int answer_not_found(sd_bus_message *call) {
	return sd_bus_reply_method_errorf(call, "org.usher1.Error.NotFound",
					  "exec: no such program");
}

static int answer_objects(sd_bus_message *call) {
	return sd_bus_reply_method_return(call, "a{oa{sa{sv}}}", 3, "/org/usher1/mount/1", 1,
					  "org.usher1.Mount", 1, "Id", "t", UINT64_C(5),
					  "/org/usher1/namespace/7", 2, "org.freedesktop.DBus.Peer",
					  0, "org.usher1.Namespace", 9, "Name", "s", "a\\x0ab",
					  "Types", "as", 2, "pid", "user", "Leader", "u", 42,
					  "Owner", "u", geteuid(), "UidMap", "a(uuu)", 2, 0, 1000,
					  1, 1, 100000, 65535, "GidMap", "a(uuu)", 0, "Lifetime",
					  "s", "manual", "CreatedUSec", "t", UINT64_C(99), "Later",
					  "b", 1, "/org/usher1/process/9", 1, "org.usher1.Process",
					  6, "Pid", "u", 77, "Owner", "u", geteuid() + 1, "Command",
					  "as", 2, "sh", "-c", "Namespace", "o",
					  "/org/usher1/namespace/7", "State", "s", "killed",
					  "Status", "i", 9);
}

/* ---- what is asked ---- */

static void namespaces_are_asked_for(void **state) {
	struct usher_attributes *attributes = usher_attributes_new();
	char *object = NULL;
	int fd = -1;

	stage.answer = answer_object;
	usher_attributes_set_map_zero(attributes, true);
	usher_attributes_set_uid_map(attributes, "auto");
	usher_attributes_set_time_offsets(attributes, -5, 7);
	assert_int_equal(usher_attributes_set_root(attributes, "/srv/r\n"), 0);
	assert_int_equal(usher_namespace_create(stage.usher, "n", LIST("user", "pid"), attributes,
						NULL, &object),
			 0);
	assert_string_equal(object, "/org/usher1/namespace/7");
	free(object);
	assert_heard("/org/usher1 Namespaces.Create s'n' [s'user' s'pid'] [(s'map_zero' <b1>) "
		     "(s'uid_map' <s'auto'>) (s'monotonic_offset_usec' <x-5>) "
		     "(s'boottime_offset_usec' <x7>) (s'root' <s'/srv/r\\x0a'>)]");
	usher_attributes_free(attributes);
	assert_int_equal(usher_namespace_attach(stage.usher, "m", 1, LIST("net"), NULL, NULL), 0);
	assert_heard("/org/usher1 Namespaces.Attach s'm' h [s'net'] []");
	stage.answer = answer_fd;
	assert_int_equal(usher_namespace_open(stage.usher, "/org/usher1/namespace/7", "net", NULL,
					      &fd),
			 0);
	assert_heard("/org/usher1/namespace/7 Namespace.Open s'net' []");
	assert_int_equal(close(fd), 0);
	assert_int_equal(usher_namespace_open_leader(stage.usher, "/org/usher1/namespace/7", NULL,
						     &fd),
			 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(close(fd), 0);
	stage.answer = answer_nothing;
	assert_int_equal(usher_namespace_destroy(stage.usher, "/org/usher1/namespace/7", NULL), 0);
	assert_heard("/org/usher1/namespace/7 Namespace.Destroy []");
}

static void a_process_is_asked_for_with_all_that_was_set(void **state) {
	const struct usher_id_range ranges[] = { { 0, 1000, 1 }, { 1, 100000, 65535 } };
	struct usher_attributes *attributes = usher_attributes_new();
	struct usher_options options = USHER_OPTIONS_INIT;
	char *object = NULL;
	int pidfd = -1;

	stage.answer = answer_process;
	usher_attributes_set_types(attributes, LIST("all"));
	usher_attributes_set_uid_ranges(attributes, ranges, 2);
	usher_attributes_set_gid_ranges(attributes, NULL, 0);
	usher_attributes_set_groups(attributes, (const gid_t[]){ 5, 6 }, 2);
	usher_attributes_set_no_new_privileges(attributes, true);
	usher_attributes_set_nice(attributes, -3);
	usher_attributes_set_uid(attributes, 33);
	usher_attributes_set_memory_max(attributes, UINT64_C(1) << 40);
	usher_attributes_set_terminal(attributes, 0);
	usher_attributes_set_limit(attributes, "NOFILE", 10, UINT64_MAX);
	usher_attributes_add_mount(attributes, "tmpfs", "/tmp", "tmpfs", LIST("size=1m"));
	usher_attributes_set_variable(attributes, "A", "1");
	usher_attributes_set_environment(attributes, LIST("B=2=3", "nonsense", "=x", "A=4"));
	usher_attributes_add_fd(attributes, 0, 1);
	usher_attributes_add_fd(attributes, 7, 1);
	usher_attributes_add_fd(attributes, 7, 2);
	options.lifetime = "manual";
	assert_int_equal(usher_spawn(stage.usher, attributes, LIST("sh", "-c", ""), &options,
				     &object, &pidfd),
			 0);
	assert_heard(
		"/org/usher1 Processes.Spawn [s'sh' s'-c' s''] [(s'A' s'4') (s'B' s'2=3')] "
		"[(u0 h) (u7 h)] [(s'lifetime' <s'manual'>) (s'types' <[s'all']>) "
		"(s'uid_map' <[(u0 u1000 u1) (u1 u100000 u65535)]>) (s'gid_map' <[]>) "
		"(s'groups' <[u5 u6]>) (s'no_new_privileges' <b1>) (s'nice' <i-3>) (s'uid' <u33>) "
		"(s'memory_max' <t1099511627776>) (s'new_session' <b1>) (s'terminal' <u0>) "
		"(s'clear_environment' <b1>) "
		"(s'mounts' <[(s'tmpfs' s'/tmp' s'tmpfs' [s'size=1m'])]>) "
		"(s'rlimits' <[(s'NOFILE' (t10 t-1))]>)]");
	assert_string_equal(object, "/org/usher1/process/9");
	assert_int_equal(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(close(pidfd), 0);
	free(object);
	usher_attributes_free(attributes);
}

static void setting_twice_leaves_the_second(void **state) {
	struct usher_attributes *attributes = usher_attributes_new();

	stage.answer = answer_process;
	usher_attributes_set_hostname(attributes, "one");
	usher_attributes_set_uid_map(attributes, "1000");
	usher_attributes_set_hostname(attributes, "two");
	usher_attributes_set_uid_ranges(attributes, NULL, 0);
	usher_attributes_set_limit(attributes, "CORE", 1, 2);
	usher_attributes_set_limit(attributes, "CORE", 0, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(usher_spawn(stage.usher, attributes, LIST("x"), NULL, NULL, NULL),
				 0);
		assert_heard("/org/usher1 Processes.Spawn [s'x'] [] [] [(s'hostname' <s'two'>) "
			     "(s'uid_map' <[]>) (s'rlimits' <[(s'CORE' (t0 t0))]>)]");
	}
	usher_attributes_free(attributes);
}

static void the_first_failure_sticks(void **state) {
	struct usher_attributes *attributes = usher_attributes_new();

	stage.answer = answer_process;
	assert_int_equal(usher_attributes_add_fd(attributes, 0, -1), -EBADF);
	assert_int_equal(usher_attributes_set_hostname(attributes, NULL), -EBADF);
	assert_int_equal(usher_attributes_set_hostname(attributes, "x"), -EBADF);
	assert_int_equal(usher_spawn(stage.usher, attributes, LIST("x"), NULL, NULL, NULL), -EBADF);
	assert_non_null(strstr(usher_message(stage.usher), "attributes"));
	usher_attributes_free(attributes);
	assert_int_equal(usher_attributes_set_hostname(NULL, "x"), -ENOMEM);
	assert_int_equal(usher_attributes_add_mount(NULL, "", "", "", NULL), -ENOMEM);
	assert_int_equal(usher_spawn(stage.usher, NULL, LIST("x"), NULL, NULL, NULL), -ENOMEM);
	assert_null(stage.heard);
}

static void arguments_that_cannot_be_sent_are_refused_here(void **state) {
	static const char bad[] = "A=";
	struct usher_attributes *attributes;
	int (*const attempts[])(struct usher_attributes *, const char *) = {
		usher_attributes_set_hostname,
		usher_attributes_set_root,
		usher_attributes_set_uid_map,
	};

	for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
		attributes = usher_attributes_new();
		assert_int_equal(attempts[i](attributes, NULL), -EINVAL);
		usher_attributes_free(attributes);
	}
	attributes = usher_attributes_new();
	assert_int_equal(usher_attributes_set_variable(attributes, bad, "x"), -EINVAL);
	usher_attributes_free(attributes);
	attributes = usher_attributes_new();
	usher_attributes_add_fd(attributes, 0, 0);
	assert_int_equal(usher_namespace_create(stage.usher, "n", NULL, attributes, NULL, NULL),
			 -EINVAL);
	usher_attributes_free(attributes);
}

static void relative_paths_are_below_the_working_directory(void **state) {
	struct usher_attributes *attributes = usher_attributes_new();
	struct usher_options options = USHER_OPTIONS_INIT;

	assert_int_equal(chdir("/usr"), 0);
	stage.answer = answer_process;
	usher_attributes_set_workdir(attributes, "bin");
	usher_attributes_add_mount(attributes, "./lib", "/mnt", "bind", NULL);
	usher_spawn(stage.usher, attributes, LIST("x"), NULL, NULL, NULL);
	assert_heard("/org/usher1 Processes.Spawn [s'x'] [] [] [(s'workdir' <s'/usr/bin'>) "
		     "(s'mounts' <[(s'/usr/lib' s'/mnt' s'bind' [])]>)]");
	usher_attributes_set_root(attributes, "share");
	usher_spawn(stage.usher, attributes, LIST("x"), NULL, NULL, NULL);
	assert_heard("/org/usher1 Processes.Spawn [s'x'] [] [] [(s'workdir' <s'bin'>) "
		     "(s'root' <s'/usr/share'>) "
		     "(s'mounts' <[(s'/usr/lib' s'/mnt' s'bind' [])]>)]");
	options.in_object = "/org/usher1/namespace/7";
	usher_spawn(stage.usher, attributes, LIST("x"), &options, NULL, NULL);
	assert_heard(
		"/org/usher1 Processes.Spawn [s'x'] [] [] [(s'in' <o'/org/usher1/namespace/7'>) "
		"(s'workdir' <s'bin'>) (s'root' <s'share'>) "
		"(s'mounts' <[(s'./lib' s'/mnt' s'bind' [])]>)]");
	usher_attributes_free(attributes);
}

/* ---- what is answered ---- */

static int wait_for(int (*answer)(sd_bus_message *)) {
	int status = -1, r;

	stage.answer = answer;
	r = usher_process_wait(stage.usher, "/org/usher1/process/9", NULL, &status);
	assert_heard("/org/usher1/process/9 Process.Wait []");
	return r < 0 ? r : status;
}

static void an_end_is_what_waitpid_would_say(void **state) {
	int status = wait_for(answer_exited);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
	status = wait_for(answer_killed);
	assert_true(WIFSIGNALED(status) && !WCOREDUMP(status));
	assert_int_equal(WTERMSIG(status), 15);
	status = wait_for(answer_dumped);
	assert_true(WIFSIGNALED(status) && WCOREDUMP(status));
	assert_int_equal(WTERMSIG(status), 11);
	assert_int_equal(wait_for(answer_nonsense), -EBADMSG);
	assert_int_equal(wait_for(answer_object), -EBADMSG);
	assert_int_equal(wait_for(answer_not_found), -ENOENT);
	assert_int_equal(wait_for(answer_number), -ENOTTY);
	assert_null(usher_error_name(stage.usher));
	assert_string_equal(usher_message(stage.usher), strerror(ENOTTY));
}

static int poll_for(int (*answer)(sd_bus_message *), int *ret_status) {
	struct usher_wait *wait;
	int r;

	stage.answer = answer;
	assert_int_equal(usher_wait_begin(stage.usher, "/org/usher1/process/9", &wait), 0);
	assert_int_equal(usher_wait_get(stage.usher, wait, ret_status), -EINPROGRESS);
	do {
		wait_for_service();
		assert_int_equal(usher_process(stage.usher), 0);
		r = usher_wait_get(stage.usher, wait, ret_status);
	} while (r == -EINPROGRESS);
	assert_null(usher_wait_free(wait));
	return r;
}

static void an_end_is_heard_of_while_others_are_waited_for(void **state) {
	int status;

	assert_int_equal(poll_for(answer_exited, &status), 0);
	assert_int_equal(WEXITSTATUS(status), 3);
	assert_int_equal(poll_for(answer_nonsense, &status), -EBADMSG);
	assert_int_equal(poll_for(answer_not_found, &status), -ENOENT);
	assert_string_equal(usher_message(stage.usher), "exec: no such program");
	assert_string_equal(usher_error_name(stage.usher), "org.usher1.Error.NotFound");
}

static void a_signal_goes_by_its_name(void **state) {
	stage.answer = answer_nothing;
	assert_int_equal(usher_process_signal(stage.usher, "/org/usher1/process/9", "TERM", NULL),
			 0);
	assert_heard("/org/usher1/process/9 Process.Signal s'TERM' []");
}

static void namespaces_are_listed(void **state) {
	struct usher_namespace_entry **list = NULL;
	char *object = NULL;

	stage.answer = answer_objects;
	assert_int_equal(usher_list_namespaces(stage.usher, &list), 1);
	assert_string_equal(list[0]->object, "/org/usher1/namespace/7");
	assert_string_equal(list[0]->name, "a\nb");
	assert_string_equal(list[0]->types[1], "user");
	assert_null(list[0]->types[2]);
	assert_int_equal(list[0]->leader, 42);
	assert_true(list[0]->mine);
	assert_int_equal(list[0]->uid_range_count, 2);
	assert_int_equal(list[0]->uid_ranges[1].outside, 100000);
	assert_int_equal(list[0]->gid_range_count, 0);
	assert_string_equal(list[0]->lifetime, "manual");
	assert_int_equal(list[0]->created_usec, 99);
	assert_null(list[1]);
	assert_null(usher_free_namespaces(list));
	assert_int_equal(usher_find_namespace(stage.usher, "a\nb", &object), 0);
	assert_string_equal(object, "/org/usher1/namespace/7");
	free(object);
	assert_int_equal(usher_find_namespace(stage.usher, "a", &object), -ENOENT);
	stage.answer = answer_object;
	assert_int_equal(usher_list_namespaces(stage.usher, &list), -EBADMSG);
}

static void processes_are_listed(void **state) {
	struct usher_process_entry **list = NULL;

	stage.answer = answer_objects;
	assert_int_equal(usher_list_processes(stage.usher, &list), 1);
	assert_string_equal(list[0]->object, "/org/usher1/process/9");
	assert_int_equal(list[0]->pid, 77);
	assert_false(list[0]->mine);
	assert_string_equal(list[0]->command[0], "sh");
	assert_string_equal(list[0]->namespace_object, "/org/usher1/namespace/7");
	assert_string_equal(list[0]->state, "killed");
	assert_int_equal(list[0]->status, 9);
	assert_null(list[1]);
	assert_null(usher_free_processes(list));
	stage.answer = answer_nothing;
	assert_int_equal(usher_list_processes(stage.usher, &list), -EBADMSG);
}

/* ---- watches ---- */

#define EVENTS LIST("create", "move")

static void emit(sd_bus_message *call, const char *member, const char *types, ...) {
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	va_list values;

	assert_true(sd_bus_message_new_signal(sd_bus_message_get_bus(call), &m,
					      "/org/usher1/watch/3", "org.usher1.Watch",
					      member) >= 0);
	va_start(values, types);
	assert_true(sd_bus_message_appendv(m, types, values) >= 0);
	va_end(values);
	assert_true(sd_bus_send(sd_bus_message_get_bus(call), m, NULL) >= 0);
}

static int answer_subscribed(sd_bus_message *call) {
	int r = sd_bus_reply_method_return(call, "o", "/org/usher1/watch/3");

	emit(call, "Events", "a(ttsssu)", 3, UINT64_C(7), UINT64_C(1000), "create", "d/a\\x0ab", "",
	     42, UINT64_C(8), UINT64_C(1001), "blossom", "x", "", 0, UINT64_C(9), UINT64_C(1002),
	     "move", "new", "old", 0);
	emit(call, "Lost", "tas", UINT64_C(10), 2, "", "d");
	emit(call, "Lost", "tas", UINT64_C(11), 0);
	assert_true(sd_bus_emit_signal(sd_bus_message_get_bus(call), "/org/usher1/watch/4",
				       "org.usher1.Watch", "Lost", "tas", UINT64_C(1), 0) >= 0);
	assert_true(sd_bus_emit_signal(sd_bus_message_get_bus(call), "/org/usher1",
				       "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved",
				       "oas", "/org/usher1/watch/4", 0) >= 0);
	assert_true(sd_bus_emit_signal(sd_bus_message_get_bus(call), "/org/usher1",
				       "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved",
				       "oas", "/org/usher1/watch/3", 0) >= 0);
	return r;
}

static struct usher_watch *subscribed(void) {
	struct usher_watch *watch = NULL;

	stage.answer = answer_subscribed;
	assert_int_equal(usher_watch_subscribe(stage.usher, "/srv", EVENTS, NULL, NULL, &watch), 0);
	assert_string_equal(usher_watch_get_object(watch), "/org/usher1/watch/3");
	return watch;
}

/* The next change, for which we wait. */
static int next(struct usher_watch *watch, struct usher_change *ret) {
	int r;

	while ((r = usher_watch_next(watch, ret)) == 0)
		wait_for_service();
	return r;
}

static void a_watch_is_asked_for_with_its_keys(void **state) {
	struct usher_watch_options keys = USHER_WATCH_OPTIONS_INIT;
	struct usher_options options = USHER_OPTIONS_INIT;
	struct usher_watch *watch = NULL;

	stage.answer = answer_process;
	assert_int_equal(usher_watch_open(stage.usher, "/none", EVENTS, &keys, NULL, &watch), 0);
	assert_heard("/org/usher1 Watches.Open s'/none' [s'create' s'move'] []");
	assert_true(usher_watch_get_fd(watch) > 2);
	assert_null(usher_watch_close(watch));
	assert_heard("/org/usher1/process/9 Watch.Close []");
	assert_int_equal(usher_watch_open(stage.usher, "/none", EVENTS, &keys, NULL, &watch), 0);
	assert_null(usher_watch_leave(watch));
	assert_null(usher_watch_leave(NULL));
	assert_heard("/org/usher1 Watches.Open s'/none' [s'create' s'move'] []");
	keys.root_fd = 0;
	keys.scope = "recursive";
	keys.backend = "fanotify";
	keys.exclude = LIST("*.o", "a\nb");
	keys.settle_usec = 0;
	keys.queue = 9;
	keys.decide_timeout_usec = 5;
	keys.decide = keys.all = keys.report_pid = keys.audit = keys.exclude_self = true;
	options.lifetime = "manual";
	assert_int_equal(usher_watch_open(stage.usher, "", NULL, &keys, &options, &watch), 0);
	assert_heard("/org/usher1 Watches.Open s'' [] [(s'root' <h>) (s'scope' <s'recursive'>) "
		     "(s'backend' <s'fanotify'>) (s'exclude' <[s'*.o' s'a\\x0ab']>) "
		     "(s'settle_usec' <t0>) (s'queue' <u9>) (s'decide_timeout_usec' <t5>) "
		     "(s'decide' <b1>) (s'all' <b1>) (s'report_pid' <b1>) (s'audit' <b1>) "
		     "(s'exclude_self' <b1>) (s'lifetime' <s'manual'>)]");
	usher_watch_close(watch);
	assert_int_equal(usher_watch_open(stage.usher, ".", EVENTS, NULL, NULL, &watch), 0);
	assert_heard("/org/usher1 Watches.Open s'' [s'create' s'move'] [(s'root' <h>)]");
	usher_watch_close(watch);
	options.in_object = "/org/usher1/namespace/7";
	assert_int_equal(usher_watch_open(stage.usher, "/", NULL, NULL, &options, &watch), 0);
	assert_heard("/org/usher1 Watches.Open s'/' [] [(s'in' <o'/org/usher1/namespace/7'>) "
		     "(s'lifetime' <s'manual'>)]");
	usher_watch_close(watch);
	keys.size--;
	assert_int_equal(usher_watch_open(stage.usher, "", NULL, &keys, NULL, &watch), -EINVAL);
	assert_int_equal(usher_watch_open(stage.usher, NULL, NULL, NULL, NULL, &watch), -EINVAL);
}

static void what_a_watch_tells_by_signals_is_read_one_by_one(void **state) {
	struct usher_watch *watch = subscribed();
	struct usher_change change;

	assert_int_equal(next(watch, &change), 1);
	assert_int_equal(change.kind, USHER_WATCH_EVENT);
	assert_int_equal(change.events, USHER_WATCH_CREATE);
	assert_int_equal(change.clock, 7);
	assert_int_equal(change.usec, 1000);
	assert_int_equal(change.pid, 42);
	assert_string_equal(change.path, "d/a\nb");
	assert_string_equal(change.old_path, "");
	assert_int_equal(next(watch, &change), 1);
	assert_int_equal(change.events, USHER_WATCH_MOVE);
	assert_string_equal(change.path, "new");
	assert_string_equal(change.old_path, "old");
	assert_int_equal(next(watch, &change), 1);
	assert_int_equal(change.kind, USHER_WATCH_LOST);
	assert_int_equal(change.flags, 0);
	assert_string_equal(change.path, "");
	assert_int_equal(next(watch, &change), 1);
	assert_string_equal(change.path, "d");
	assert_int_equal(next(watch, &change), 1);
	assert_int_equal(change.flags, USHER_WATCH_ALL);
	assert_int_equal(change.clock, 11);
	/* who tells it may still be at it */
	assert_int_equal(next(watch, &change), -ENOTCONN);
	usher_watch_close(watch);
}

static void a_watch_ends_with_its_object_and_not_with_anothers(void **state) {
	struct usher_watch *watch = subscribed();
	struct usher_change change;

	for (int i = 0; i < 5; i++)
		assert_int_equal(next(watch, &change), 1);
	assert_int_equal(next(watch, &change), -ENOTCONN);
	assert_non_null(usher_message(stage.usher));
	assert_int_equal(next(watch, &change), -ENOTCONN);
	free(stage.heard);
	stage.heard = NULL;
	usher_watch_close(watch);
	assert_null(stage.heard);
}

static int answer_garbled(sd_bus_message *call) {
	int r = sd_bus_reply_method_return(call, "o", "/org/usher1/watch/3");

	emit(call, "Events", "a(ttsssu)", 1, UINT64_C(7), UINT64_C(1000), "create", "d\\", "", 42);
	return r;
}

static void a_signal_that_cannot_be_read_is_told(void **state) {
	struct usher_watch *watch = NULL;
	struct usher_change change;

	stage.answer = answer_garbled;
	assert_int_equal(usher_watch_subscribe(stage.usher, "/srv", EVENTS, NULL, NULL, &watch), 0);
	assert_int_equal(next(watch, &change), -EBADMSG);
	stage.answer = answer_nothing;
	usher_watch_close(watch);
	assert_heard("/org/usher1/watch/3 Watch.Close []");
}

static int answer_since(sd_bus_message *call) {
	return sd_bus_reply_method_return(call, "astb", 2, "", "a\\x0a", UINT64_C(99), 1);
}

static int answer_since_nothing(sd_bus_message *call) {
	return sd_bus_reply_method_return(call, "astb", 0, UINT64_C(99), 0);
}

static void a_watch_is_asked_what_has_changed_since(void **state) {
	struct usher_watch *watch = subscribed();
	char **directories = NULL;
	bool complete = false;
	uint64_t clock = 0;

	stage.answer = answer_since;
	assert_int_equal(usher_watch_since(watch, 5, &directories, &clock, &complete), 0);
	assert_heard("/org/usher1/watch/3 Watch.Since t5 []");
	assert_string_equal(directories[0], "");
	assert_string_equal(directories[1], "a\n");
	assert_null(directories[2]);
	assert_int_equal(clock, 99);
	assert_true(complete);
	assert_null(usher_free_words(directories));
	assert_int_equal(usher_watch_since(watch, 5, NULL, NULL, NULL), 0);
	stage.answer = answer_since_nothing;
	assert_int_equal(usher_watch_since(watch, 5, &directories, NULL, &complete), 0);
	assert_null(directories[0]);
	assert_false(complete);
	usher_free_words(directories);
	stage.answer = answer_nothing;
	assert_int_equal(usher_watch_since(watch, 5, &directories, NULL, NULL), -EBADMSG);
	assert_int_equal(usher_watch_set_events(watch, EVENTS), 0);
	assert_heard("/org/usher1/watch/3 Watch.SetEvents [s'create' s'move'] []");
	assert_int_equal(usher_watch_decide(watch, 9, true), 0);
	assert_heard("/org/usher1/watch/3 Watch.Decide t9 b1 []");
	usher_watch_close(watch);
}

static int answer_watches(sd_bus_message *call) {
	return sd_bus_reply_method_return(call, "a{oa{sa{sv}}}", 2, "/org/usher1/mount/1", 1,
					  "org.usher1.Mount", 0, "/org/usher1/watch/3", 1,
					  "org.usher1.Watch", 9, "Path", "s", "/srv/\\x0a",
					  "Events", "as", 1, "create", "Scope", "s", "recursive",
					  "Backend", "s", "fanotify", "Owner", "u", geteuid(),
					  "Clock", "t", UINT64_C(5), "Delivered", "t", UINT64_C(6),
					  "Lost", "t", UINT64_C(7), "Later", "b", 1);
}

static void watches_are_listed_with_what_they_tell(void **state) {
	struct usher_watch_entry **watches = NULL;

	stage.answer = answer_watches;
	assert_int_equal(usher_list_watches(stage.usher, &watches), 1);
	assert_string_equal(watches[0]->object, "/org/usher1/watch/3");
	assert_string_equal(watches[0]->path, "/srv/\n");
	assert_string_equal(watches[0]->events[0], "create");
	assert_string_equal(watches[0]->scope, "recursive");
	assert_string_equal(watches[0]->backend, "fanotify");
	assert_int_equal(watches[0]->owner, geteuid());
	assert_int_equal(watches[0]->clock, 5);
	assert_int_equal(watches[0]->delivered, 6);
	assert_int_equal(watches[0]->lost, 7);
	assert_null(watches[1]);
	assert_null(usher_free_watches(watches));
}

/* ---- traps and timers ---- */

static int answer_trap(sd_bus_message *call) {
	int r = sd_bus_reply_method_return(call, "ouh", "/org/usher1/trap/4", 77, 0);

	sd_bus *bus = sd_bus_message_get_bus(call);

	assert_true(sd_bus_emit_signal(bus, "/org/usher1/trap/4", "org.usher1.SignalTrap",
				       "Received", "suuiit", "RTMIN+1", 42, 1000, -1, 4711,
				       UINT64_C(5)) >= 0);
	assert_true(sd_bus_emit_signal(bus, "/org/usher1/trap/4", "org.usher1.SignalTrap",
				       "Received", "suuiit", "USR1", 0, UINT32_MAX, 0, 0,
				       UINT64_C(6)) >= 0);
	assert_true(sd_bus_emit_signal(bus, "/org/usher1/trap/4", "org.usher1.SignalTrap",
				       "ChildTimes", "utt", 43, UINT64_C(20000),
				       UINT64_C(10000)) >= 0);
	assert_true(sd_bus_emit_signal(bus, "/org/usher1/trap/4", "org.usher1.SignalTrap",
				       "Received", "suuiit", "CHLD", 43, 1000, CLD_EXITED, 7,
				       UINT64_C(7)) >= 0);
	return r;
}

static struct usher_received next_received(struct usher_trap *trap) {
	struct usher_received received;

	while (usher_trap_next(trap, &received) == 0)
		wait_for_service();
	return received;
}

static void a_trap_tells_what_was_received(void **state) {
	struct usher_options options = USHER_OPTIONS_INIT;
	struct usher_received received;
	struct usher_trap *trap = NULL;

	stage.answer = answer_trap;
	options.in_object = "/org/usher1/namespace/7";
	assert_int_equal(usher_trap_new(stage.usher, LIST("RTMIN+1", "CHLD"), &options, &trap), 0);
	assert_heard("/org/usher1 Signals.Trap [s'RTMIN+1' s'CHLD'] "
		     "[(s'in' <o'/org/usher1/namespace/7'>)]");
	assert_int_equal(usher_trap_get_pid(trap), 77);
	assert_true(fcntl(usher_trap_get_pidfd(trap), F_GETFD) & FD_CLOEXEC);
	assert_string_equal(usher_trap_get_object(trap), "/org/usher1/trap/4");
	received = next_received(trap);
	assert_string_equal(received.signal, "RTMIN+1");
	assert_int_equal(received.pid, 42);
	assert_int_equal(received.uid, 1000);
	assert_int_equal(received.code, -1);
	assert_int_equal(received.value, 4711);
	assert_int_equal(received.usec, 5);
	received = next_received(trap);
	assert_string_equal(received.signal, "USR1");
	assert_int_equal(received.uid, -1);
	assert_false(received.is_child);
	received = next_received(trap);
	assert_string_equal(received.signal, "CHLD");
	assert_int_equal(received.value, 7);
	assert_true(received.is_child);
	assert_int_equal(received.user_usec, 20000);
	assert_int_equal(received.system_usec, 10000);
	stage.answer = answer_nothing;
	assert_null(usher_trap_close(trap));
	assert_heard("/org/usher1/trap/4 SignalTrap.Close []");
}

static int timerfd = -1;

static int answer_timer(sd_bus_message *call) {
	return sd_bus_reply_method_return(call, "oh", "/org/usher1/timer/5", timerfd);
}

static void a_timer_is_asked_for_and_read(void **state) {
	struct usher_timer_options keys = USHER_TIMER_OPTIONS_INIT;
	const struct itimerspec soon = { .it_value.tv_nsec = 1 };
	struct usher_timer *timer = NULL;
	uint64_t count = 0;

	timerfd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);
	stage.answer = answer_timer;
	keys.slack_usec = 9;
	keys.absolute = keys.cancel_on_set = true;
	assert_int_equal(usher_timer_new(stage.usher, "realtime", 5, 7, &keys, NULL, &timer), 0);
	assert_heard("/org/usher1 Timers.Create s'realtime' t5 t7 [(s'absolute' <b1>) "
		     "(s'cancel_on_set' <b1>) (s'slack_usec' <t9>)]");
	assert_int_equal(usher_timer_next(timer, &count), 0);
	assert_int_equal(timerfd_settime(timerfd, 0, &soon, NULL), 0);
	while (usher_timer_next(timer, &count) == 0)
		;
	assert_int_equal(count, 1);
	assert_int_equal(usher_timer_next(timer, NULL), 0);
	stage.answer = answer_nothing;
	assert_int_equal(usher_timer_set(timer, 1, 2, false), 0);
	assert_heard("/org/usher1/timer/5 Timer.Set t1 t2 []");
	assert_null(usher_timer_close(timer));
	assert_heard("/org/usher1/timer/5 Timer.Close []");
	(void)close(timerfd);
}

static void the_end_of_any_process_is_told_by_its_pidfd(void **state) {
	int status, pidfd;
	pid_t pid = fork();

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	assert_int_equal(usher_pidfd_status(pidfd, &status), -EINPROGRESS);
	assert_int_equal(kill(pid, SIGTERM), 0);
	while (usher_pidfd_status(pidfd, &status) == -EINPROGRESS)
		;
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	/* and is a child's to be waited for */
	status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	/* which is nobody's now */
	status = 0;
	if (usher_pidfd_status(pidfd, &status) == 0)
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	else
		assert_int_equal(usher_pidfd_status(pidfd, &status), -ENODATA);
	assert_int_equal(usher_pidfd_status(-1, &status), -EBADF);
	(void)close(pidfd);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_stage, clear_stage)
	const struct CMUnitTest tests[] = {
		TEST(namespaces_are_asked_for),
		TEST(a_trap_tells_what_was_received),
		TEST(a_timer_is_asked_for_and_read),
		TEST(the_end_of_any_process_is_told_by_its_pidfd),
		TEST(a_process_is_asked_for_with_all_that_was_set),
		TEST(setting_twice_leaves_the_second),
		TEST(the_first_failure_sticks),
		TEST(arguments_that_cannot_be_sent_are_refused_here),
		TEST(relative_paths_are_below_the_working_directory),
		TEST(an_end_is_what_waitpid_would_say),
		TEST(an_end_is_heard_of_while_others_are_waited_for),
		TEST(a_signal_goes_by_its_name),
		TEST(namespaces_are_listed),
		TEST(processes_are_listed),
		TEST(a_watch_is_asked_for_with_its_keys),
		TEST(what_a_watch_tells_by_signals_is_read_one_by_one),
		TEST(a_watch_ends_with_its_object_and_not_with_anothers),
		TEST(a_signal_that_cannot_be_read_is_told),
		TEST(a_watch_is_asked_what_has_changed_since),
		TEST(watches_are_listed_with_what_they_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
