/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "message.h"
#include "wire.h"

enum { NOBODY = 65534 };

static char directory[] = "/tmp/usher-bus-XXXXXX";
static char socket_path[64];
static pid_t bus_pid = -1;

/* ---- the journal ---- */

enum { ENTRIES_MAX = 512, ENTRY_MAX = 4096 };

/* each field ends with a newline, and before the first is one, too */
static char logged[ENTRIES_MAX][ENTRY_MAX];
static size_t n_logged;

int __wrap_sd_journal_sendv(const struct iovec *fields, int n);

int __wrap_sd_journal_sendv(const struct iovec *fields, int n) {
	char *at = logged[n_logged];
	size_t left = ENTRY_MAX;

	assert_true(n_logged < ENTRIES_MAX);
	n_logged++;
	for (int i = 0; i < n; i++) {
		int size = snprintf(at, left, "\n%.*s", (int)fields[i].iov_len,
				    (const char *)fields[i].iov_base);

		assert_null(memchr(fields[i].iov_base, '\n', fields[i].iov_len));
		assert_true(size > 0 && (size_t)size < left);
		at += size;
		left -= (size_t)size;
	}
	(void)snprintf(at, left, "\n");
	return 0;
}

/* ---- the bus ---- */

static const char configuration[] =
	"<busconfig><type>session</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>"
	"<policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>"
	"<allow send_destination=\"*\"/><allow receive_sender=\"*\"/></policy></busconfig>\n";

static _Noreturn void become_bus(const char *file, int ready) {
	char option[128], number[32];

	(void)snprintf(option, sizeof option, "--config-file=%s", file);
	(void)snprintf(number, sizeof number, "--print-address=%d", ready);
	(void)fcntl(ready, F_SETFD, 0);
	(void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
	(void)execlp("dbus-daemon", "dbus-daemon", option, "--nofork", "--nopidfile", "--nosyslog",
		     number, (char *)NULL);
	_exit(1);
}

int stages_begin(void **state) {
	char path[64], byte;
	int pair[2], r;
	FILE *file;

	if (!mkdtemp(directory) || chmod(directory, 0755) < 0 || pipe2(pair, O_CLOEXEC) < 0)
		return -1;
	(void)snprintf(socket_path, sizeof socket_path, "%s/bus", directory);
	(void)snprintf(path, sizeof path, "%s/conf", directory);
	file = fopen(path, "we");
	if (!file)
		return -1;
	(void)fprintf(file, configuration, socket_path);
	(void)fclose(file);
	bus_pid = fork();
	if (bus_pid == 0)
		become_bus(path, pair[1]);
	(void)close(pair[1]);
	r = bus_pid > 0 && read(pair[0], &byte, 1) == 1;
	(void)close(pair[0]);
	if (!r)
		(void)stages_end(state);
	return r ? 0 : -1;
}

int stages_end(void **state) {
	char path[64];

	(void)state;
	if (bus_pid > 0 && kill(bus_pid, SIGTERM) == 0)
		(void)waitpid(bus_pid, NULL, 0);
	bus_pid = -1;
	(void)unlink(socket_path);
	(void)snprintf(path, sizeof path, "%s/conf", directory);
	(void)unlink(path);
	(void)rmdir(directory);
	return 0;
}

/* The bus knows who connects by who that was when it did. */
static int connect_as(uid_t uid) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool other = uid != geteuid();

	assert_true(fd >= 0);
	strcpy(address.sun_path, socket_path);
	if (other)
		assert_int_equal(seteuid(uid), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	if (other)
		assert_int_equal(seteuid(0), 0);
	return fd;
}

static sd_bus *bus_new(sd_event *event, uid_t uid) {
	int fd = connect_as(uid);
	const char *name;
	sd_bus *bus;

	assert_true(sd_bus_new(&bus) >= 0);
	assert_true(sd_bus_set_fd(bus, fd, fd) >= 0);
	assert_true(sd_bus_set_bus_client(bus, 1) >= 0);
	assert_true(sd_bus_negotiate_fds(bus, 1) >= 0);
	assert_true(sd_bus_start(bus) >= 0);
	assert_true(sd_bus_attach_event(bus, event, 0) >= 0);
	assert_true(sd_bus_get_unique_name(bus, &name) >= 0); /* waits for the bus's greeting */
	return bus;
}

sd_bus *stage_connect(struct stage *stage, bool as_root) {
	return bus_new(stage->event, as_root || geteuid() != 0 ? geteuid() : NOBODY);
}

/* Also from a test that has failed and still holds it. */
static void take_name(sd_bus *bus, const char *name) {
	assert_true(sd_bus_request_name(bus, name,
					SD_BUS_NAME_ALLOW_REPLACEMENT |
						SD_BUS_NAME_REPLACE_EXISTING) >= 0);
}

/* ---- polkit ---- */

static void note_question(struct stage *stage, sd_bus_message *message) {
	const char *kind, *key, *value, *action;
	uint32_t flags;

	*stage->details = '\0';
	assert_true(sd_bus_message_enter_container(message, 'r', "sa{sv}") > 0);
	assert_true(sd_bus_message_read(message, "sa{sv}", &kind, 1, &key, "s", &value) > 0);
	assert_true(sd_bus_message_exit_container(message) >= 0);
	(void)snprintf(stage->subject, sizeof stage->subject, "%s %s %s", kind, key, value);
	assert_true(sd_bus_message_read(message, "s", &action) > 0);
	(void)snprintf(stage->action, sizeof stage->action, "%s", action);
	assert_true(sd_bus_message_enter_container(message, 'a', "{ss}") > 0);
	while (sd_bus_message_read(message, "{ss}", &key, &value) > 0)
		(void)snprintf(stage->details + strlen(stage->details),
			       sizeof stage->details - strlen(stage->details), "%s=%s ", key,
			       value);
	assert_true(sd_bus_message_exit_container(message) >= 0);
	assert_true(sd_bus_message_read(message, "us", &flags, &value) > 0);
	stage->asked_interactively = flags & 1;
	assert_true(strlen(value) >= 16); /* to be taken back by */
}

static int on_question(sd_bus_message *message, void *userdata, sd_bus_error *error) {
	struct stage *stage = userdata;

	stage->questions++;
	note_question(stage, message);
	switch (stage->polkit) {
	case POLKIT_YES: return sd_bus_reply_method_return(message, "(bba{ss})", 1, 0, 0);
	case POLKIT_NO: return sd_bus_reply_method_return(message, "(bba{ss})", 0, 0, 0);
	case POLKIT_CHALLENGE: {
		int yes = stage->asked_interactively;

		return sd_bus_reply_method_return(message, "(bba{ss})", yes, !yes, 0);
	}
	case POLKIT_ERROR:
		return sd_bus_reply_method_errorf(message,
						  "org.freedesktop.PolicyKit1.Error.Failed", "no");
	case POLKIT_LATE: return sd_bus_reply_method_errorf(message, SD_BUS_ERROR_NO_REPLY, "late");
	case POLKIT_NONSENSE: return sd_bus_reply_method_return(message, "s", "yes, of course");
	default: /* no answer, as yet */
		sd_bus_message_unref(stage->question);
		stage->question = sd_bus_message_ref(message);
		return 1;
	}
}

void stage_allow(struct stage *stage) {
	assert_true(sd_bus_reply_method_return(stage->question, "(bba{ss})", 1, 0, 0) >= 0);
}

static int on_cancel(sd_bus_message *message, void *userdata, sd_bus_error *error) {
	struct stage *stage = userdata;

	stage->cancelled++;
	assert_int_equal(sd_bus_message_get_expect_reply(message), 0);
	return 1;
}

/* By hand: a vtable would see to it that no nonsense is answered. */
static int on_polkit_call(sd_bus_message *message, void *userdata, sd_bus_error *error) {
	if (sd_bus_message_is_method_call(message, NULL, "CheckAuthorization"))
		return on_question(message, userdata, error);
	if (sd_bus_message_is_method_call(message, NULL, "CancelCheckAuthorization"))
		return on_cancel(message, userdata, error);
	return 0;
}

static void start_polkit(struct stage *stage) {
	stage->polkit_bus = bus_new(stage->event, geteuid());
	assert_true(sd_bus_add_object(stage->polkit_bus, NULL,
				      "/org/freedesktop/PolicyKit1/Authority", on_polkit_call,
				      stage) >= 0);
	take_name(stage->polkit_bus, "org.freedesktop.PolicyKit1");
}

/* ---- the worker ---- */

static void say(struct child *child, Usher__Finding *finding, Usher__Outcome *outcome,
		const struct fds *fds) {
	Usher__Reply reply = USHER__REPLY__INIT;

	reply.finding = finding;
	reply.outcome = outcome;
	(void)wire_send(child->fd, &reply.base, fds); /* the broker may have gone */
}

static bool word_has(const char *word, const char *more) {
	const char *found = strstr(word, more);

	return found && found < word + strcspn(word, " ");
}

static void say_finding(struct child *child, const char *word, bool done) {
	Usher__Finding finding = USHER__FINDING__INIT;
	Usher__Detail detail = USHER__DETAIL__INIT, more = USHER__DETAIL__INIT;
	Usher__Detail *details[] = { &detail, &more };
	Usher__Outcome outcome = USHER__OUTCOME__INIT;

	finding.tier = (uint32_t)strtoul(word, NULL, 10);
	finding.has_mount_id = word_has(word, "+id");
	finding.mount_id = UNLIKELY_ID;
	finding.has_host = finding.host = true;
	finding.why = (char *)(word_has(word, "+why") ? "it is not yours" : NULL);
	detail.key = (char[]){ "what" };
	detail.value = (char[]){ "a\xff" };
	finding.details = details;
	more.key = (char *)child->stage->detail[0];
	more.value = (char *)child->stage->detail[1];
	finding.n_details = more.key ? 2 : 1;
	outcome.finding = &finding;
	outcome.has_reply = true; /* an empty one */
	say(child, done ? NULL : &finding, done ? &outcome : NULL, NULL);
}

static void say_reply(struct child *child, const ProtobufCMessage *reply, const struct fds *fds) {
	Usher__Outcome outcome = USHER__OUTCOME__INIT;

	outcome.has_reply = true;
	outcome.reply.len = protobuf_c_message_get_packed_size(reply);
	outcome.reply.data = malloc(outcome.reply.len + 1);
	protobuf_c_message_pack(reply, outcome.reply.data);
	say(child, NULL, &outcome, fds);
	free(outcome.reply.data);
}

static void say_ok(struct child *child) {
	ProtobufCMessage *reply = message_new(child->operation->reply);
	struct fds fds = { 0 };

	if (reply->descriptor == &usher__open_reply__descriptor)
		assert_int_equal(fds_add(&fds, some_descriptor()), 0);
	if (reply->descriptor == &usher__get_hostname_reply__descriptor)
		((Usher__GetHostnameReply *)reply)->hostname = strdup("lectern\xfe");
	say_reply(child, reply, &fds);
	fds_done(&fds);
	message_freep(&reply);
}

static void say_where(struct child *child) {
	ProtobufCMessage *reply = message_new(child->operation->reply);
	struct fds fds = { 0 };

	assert_int_equal(fds_add(&fds, some_descriptor()), 0);
	message_set_number(reply, "namespace_fd", 0);
	message_set_number(reply, "rights", 1);
	say_reply(child, reply, &fds);
	fds_done(&fds);
	message_freep(&reply);
}

static void say_done(struct child *child) {
	Usher__Outcome outcome = USHER__OUTCOME__INIT;

	say(child, NULL, &outcome, NULL);
}

static void announce(struct child *child, const ProtobufCMessage *reply, const struct fds *fds) {
	Usher__Reply said = USHER__REPLY__INIT;

	said.has_made = true;
	said.made.len = protobuf_c_message_get_packed_size(reply);
	said.made.data = malloc(said.made.len);
	protobuf_c_message_pack(reply, said.made.data);
	(void)wire_send(child->fd, &said.base, fds);
	free(said.made.data);
}

static void say_mount(struct child *child, char *lifetime) {
	Usher__MountObject made = USHER__MOUNT_OBJECT__INIT;
	Usher__MountReply reply = USHER__MOUNT_REPLY__INIT;

	made.has_id = made.has_owner = made.has_host = made.host = true;
	made.id = UNLIKELY_ID + child->stage->further;
	made.owner = child->order->uid;
	made.lifetime = lifetime;
	made.source = (char[]){ "tmpfs" };
	made.target = (char[]){ "/mnt/\x01" };
	made.fstype = (char[]){ "tmpfs" };
	reply.made = &made;
	reply.mount_object = (char[]){ "" };
	announce(child, &reply.base, NULL);
}

/* Something that lives until it is told not to, and that holds nothing of ours. */
static int start_process(struct child *child) {
	int pidfd;

	child->process = fork();
	assert_true(child->process >= 0);
	if (child->process == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)syscall(SYS_close_range, 0, ~0U, 0);
		for (;;)
			(void)pause();
	}
	pidfd = (int)syscall(SYS_pidfd_open, child->process, 0);
	assert_true(pidfd >= 0);
	return pidfd;
}

static void end_process(struct child *child) {
	if (child->process > 0 && kill(child->process, SIGKILL) == 0)
		(void)waitpid(child->process, NULL, 0);
	child->process = 0;
}

static void say_namespace(struct child *child, char *lifetime, const struct fds *fds) {
	Usher__NamespaceObject made = USHER__NAMESPACE_OBJECT__INIT;
	Usher__NamespaceReply reply = USHER__NAMESPACE_REPLY__INIT;
	const ProtobufCMessage *request = child->request;
	char *types[] = { (char[]){ "user" }, (char[]){ "uts" } };

	made.name = (char *)message_string(request, "name");
	made.types = types;
	made.n_types = N_OF(types);
	made.has_leader = made.has_owner = made.has_leader_fd = true;
	made.leader = (uint32_t)child->process;
	made.owner = child->order->uid;
	made.lifetime = lifetime;
	made.has_attached = request->descriptor == &usher__attach_request__descriptor;
	made.attached = made.has_attached;
	reply.namespace_object = (char[]){ "" };
	reply.made = &made;
	announce(child, &reply.base, fds);
}

static void say_process(struct child *child, char *lifetime, const struct fds *fds) {
	Usher__ProcessObject made = USHER__PROCESS_OBJECT__INIT;
	Usher__SpawnReply reply = USHER__SPAWN_REPLY__INIT;
	char *command[] = { (char[]){ "/bin/x" } };

	made.has_pid = made.has_owner = true;
	made.pid = (uint32_t)child->process;
	made.owner = child->order->uid;
	made.command = command;
	made.n_command = N_OF(command);
	made.state = (char[]){ "running" };
	made.lifetime = lifetime;
	reply.process_object = (char[]){ "" };
	reply.made = &made;
	announce(child, &reply.base, fds);
}

/* What has the same path is on the same file system. */
static Usher__WatchObject *describe_watch(const struct child *child, char *lifetime) {
	Usher__WatchObject *made =
		(Usher__WatchObject *)message_new(&usher__watch_object__descriptor);
	Usher__Watcher *order = (Usher__Watcher *)message_new(&usher__watcher__descriptor);

	made->has_owner = true;
	made->owner = child->order->uid;
	made->path = strdup(message_string(child->request, "path"));
	made->scope = strdup("recursive");
	made->backend = strdup("fanotify");
	made->lifetime = strdup(lifetime);
	assert_true(asprintf(&made->watcher, "filesystem:%s", made->path) > 0);
	assert_int_equal(message_append_string(&made->events, &made->n_events, "create"), 0);
	order->beholder = (Usher__Beholder *)message_new(&usher__beholder__descriptor);
	order->beholder->uid = order->beholder->gid = child->order->uid;
	order->scope = strdup("recursive");
	assert_int_equal(message_append_string(&order->events, &order->n_events, "create"), 0);
	made->order = order;
	return made;
}

/* The watched file, its file system and, of a stream, both ends. */
static void say_watch(struct child *child, char *lifetime) {
	ProtobufCMessage *reply = message_new(child->operation->reply);
	const char *fields[] = { "root_fd", "superblock_fd", "stream_fd", "writing_fd" };
	bool streams = reply->descriptor == &usher__open_watch_reply__descriptor;
	Usher__WatchObject **made =
		message_member(reply,
			       protobuf_c_message_descriptor_get_field_by_name(reply->descriptor,
									       "made"));
	struct fds fds = { 0 };
	int pair[2];

	*made = describe_watch(child, lifetime);
	assert_int_equal(message_set_string(reply, "watch_object", ""), 0);
	assert_int_equal(fds_add(&fds, some_descriptor()), 0);
	assert_int_equal(fds_add(&fds, some_descriptor()), 1);
	if (streams) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
		assert_int_equal(fds_add(&fds, pair[0]), 2);
		assert_int_equal(fds_add(&fds, pair[1]), 3);
	}
	for (size_t i = 0; i < fds.n; i++)
		if (i != 1 || !child->rootless)
			message_set_number(reply, fields[i], i);
	if (child->announces)
		announce(child, reply, &fds);
	else
		say_reply(child, reply, &fds);
	fds_done(&fds);
	message_freep(&reply);
}

static void say_made(struct child *child, const char *lifetime) {
	const ProtobufCMessageDescriptor *reply = child->operation->reply;
	struct fds fds = { 0 };
	char word[32];

	(void)snprintf(word, sizeof word, "%.*s", (int)strcspn(lifetime, " "), lifetime);
	if (strcmp(child->operation->interface, "Watches") == 0) {
		say_watch(child, word);
		return;
	}
	if (reply != &usher__namespace_reply__descriptor &&
	    reply != &usher__spawn_reply__descriptor) {
		say_mount(child, word);
		return;
	}
	assert_int_equal(fds_add(&fds, start_process(child)), 0);
	if (reply == &usher__spawn_reply__descriptor)
		say_process(child, word, &fds);
	else
		say_namespace(child, word, &fds);
	fds_done(&fds);
}

static void say_ended(struct child *child, const char *word) {
	Usher__Reply said = USHER__REPLY__INIT;
	Usher__Ended ended = USHER__ENDED__INIT;
	char how[32];

	(void)snprintf(how, sizeof how, "%.*s", (int)strcspn(word, ":"), word);
	ended.state = how;
	ended.status = (int32_t)strtol(strchr(word, ':') + 1, NULL, 10);
	said.ended = &ended;
	(void)wire_send(child->fd, &said.base, NULL);
}

static void say_list(struct child *child) {
	Usher__MountEntry entry = USHER__MOUNT_ENTRY__INIT, *entries[] = { &entry };
	Usher__ListReply reply = USHER__LIST_REPLY__INIT;

	entry.has_id = true;
	entry.id = UNLIKELY_ID;
	entry.source = entry.target = entry.fstype = (char[]){ "x" };
	reply.mounts = entries;
	reply.n_mounts = 1;
	say_reply(child, &reply.base, NULL);
}

static void say_code(struct child *child, const char *number) {
	Usher__Outcome outcome = USHER__OUTCOME__INIT;

	outcome.code = (int32_t)strtol(number, NULL, 10);
	outcome.text = (char[]){ "because" };
	outcome.has_gone = outcome.gone = word_has(number, "+gone");
	say(child, NULL, &outcome, NULL);
}

static void say_bad(struct child *child) {
	Usher__Outcome outcome = USHER__OUTCOME__INIT;

	outcome.has_reply = true;
	outcome.reply.data = (uint8_t[]){ 0xff, 0xff, 0xff };
	outcome.reply.len = 3;
	say(child, NULL, &outcome, NULL);
}

static void child_close(struct child *child) {
	child->source = sd_event_source_disable_unref(child->source);
	fd_closep(&child->fd);
}

static bool word_is(const char *script, const char *word) {
	size_t n = strlen(word);

	return strncmp(script, word, n) == 0 &&
	       (script[n] == ' ' || !script[n] || word[n - 1] == '=');
}

/* Says one word; false where it has to be waited for. */
static bool say_word(struct child *child, const char *word) {
	struct stage *stage = child->stage;

	if (word_is(word, "find="))
		say_finding(child, word + 5, false);
	else if (word_is(word, "done="))
		say_finding(child, word + 5, true);
	else if (word_is(word, "grant"))
		return child->grants > 0;
	else if (word_is(word, "go"))
		return child->grants > 1;
	else if (word_is(word, "done")) {
		say_done(child);
		child_close(child);
	} else if (word_is(word, "said"))
		say_done(child);
	else if (word_is(word, "told"))
		return stage->answers + stage->refusals > 0;
	else if (word_is(word, "gone"))
		return stage->client_gone;
	else if (word_is(word, "asked"))
		return stage->questions > 0;
	else if (word_is(word, "leave"))
		stage_leave(stage);
	else if (word_is(word, "ok"))
		say_ok(child);
	else if (word_is(word, "where"))
		say_where(child);
	else if (word_is(word, "announces"))
		child->announces = true;
	else if (word_is(word, "rootless"))
		child->rootless = child->order->n_watchers > 0;
	else if (word_is(word, "later"))
		return stage->later;
	else if (word_is(word, "made="))
		say_made(child, word + 5);
	else if (word_is(word, "code="))
		say_code(child, word + 5);
	else if (word_is(word, "list"))
		say_list(child);
	else if (word_is(word, "end"))
		end_process(child);
	else if (word_is(word, "ended="))
		say_ended(child, word + 6);
	else if (word_is(word, "eof"))
		return child->eof;
	else if (word_is(word, "bad"))
		say_bad(child);
	else if (word_is(word, "garbage"))
		(void)send(child->fd, "this is no frame at all", 23, MSG_NOSIGNAL);
	else if (word_is(word, "empty"))
		(void)send(child->fd, "", 0, MSG_NOSIGNAL);
	else if (word_is(word, "other"))
		(void)wire_send(child->fd, &child->order->base, NULL);
	else if (word_is(word, "die"))
		child_close(child);
	else if (!word_is(word, "hang"))
		fail_msg("the worker has no word '%s'", word);
	else
		return false;
	return true;
}

static void child_go_on(struct child *child) {
	while (child->order && (child->fd >= 0 || word_is(child->script, "end")) &&
	       *child->script && say_word(child, child->script)) {
		child->script += strcspn(child->script, " ");
		child->script += *child->script == ' ';
	}
}

static int receive_order(struct child *child) {
	ProtobufCMessage *message = NULL;
	int r = wire_receive(child->fd, &usher__order__descriptor, &child->fds, &message);
	size_t place;

	if (r < 0)
		return r;
	child->order = (Usher__Order *)message;
	child->operation = operation_find_whole(child->order->operation, &place);
	assert_non_null(child->operation);
	child->request =
		protobuf_c_message_unpack(child->operation->request, NULL,
					  child->order->request.len, child->order->request.data);
	assert_non_null(child->request);
	return 0;
}

static int receive_grant(struct child *child) {
	ProtobufCMessage *message = NULL;
	struct fds none = { 0 };
	int r = wire_receive(child->fd, &usher__grant__descriptor, &none, &message);

	if (r < 0)
		return r;
	assert_int_equal(none.n, 0);
	child->grants++;
	message_freep(&message);
	return 0;
}

static int on_broker(sd_event_source *source, int fd, uint32_t events, void *userdata) {
	struct child *child = userdata;
	int r = child->order ? receive_grant(child) : receive_order(child);

	child->eof = r < 0;
	if (r < 0 && !word_is(child->script, "eof")) {
		child_close(child); /* the broker has had enough */
		return 0;
	}
	if (r < 0)
		child->source = sd_event_source_disable_unref(child->source);
	child_go_on(child);
	return 0;
}

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *userdata) {
	struct stage *stage = userdata;
	struct child *child = &stage->children[stage->n_children];
	int connection = fd_receive(fd);

	if (connection < 0)
		return sd_event_source_set_enabled(source, SD_EVENT_OFF);
	assert_true(stage->n_children < CHILDREN_MAX);
	*child = (struct child){ .stage = stage,
				 .fd = connection,
				 .script = stage->scripts[stage->n_children] };
	if (!child->script)
		child->script = "hang";
	stage->n_children++;
	assert_true(sd_event_add_io(stage->event, &child->source, connection, EPOLLIN, on_broker,
				    child) >= 0);
	return 0;
}

static void start_worker(struct stage *stage) {
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	stage->desk.launcher = (struct launcher){ .pair = pair[0] };
	stage->worker = pair[1];
	assert_true(sd_event_add_io(stage->event, &stage->worker_source, pair[1], EPOLLIN,
				    on_connection, stage) >= 0);
}

/* ---- who asks ---- */

static void answer(struct call *call, const ProtobufCMessage *reply, const struct fds *fds) {
	struct stage *stage = call->door_data;

	stage->answers++;
	assert_ptr_equal(reply->descriptor, call->operation->reply);
	message_freep(&stage->reply);
	fds_done(&stage->received);
	stage->reply = message_copy(reply);
	for (size_t i = 0; fds && i < fds->n; i++)
		assert_int_equal(fds_add_copy(&stage->received, fds->fd[i]), i);
}

static void refuse(struct call *call, int code, const char *sentence) {
	struct stage *stage = call->door_data;

	stage->refusals++;
	stage->code = code;
	(void)snprintf(stage->sentence, sizeof stage->sentence, "%s", sentence);
}

static void done(struct call *call) {
	((struct stage *)call->door_data)->ends++;
}

static const struct door door = { answer, refuse, done };

/* As the service does. */
static void on_gone(struct caller *caller, void *userdata) {
	struct stage *stage = userdata;

	call_drop_caller(&stage->desk, caller);
	for (enum kind kind = 0; kind < _KIND_MAX; kind++)
		objects_drop_caller(&stage->desk.objects[kind], caller);
	stage->client_gone = true;
}

struct caller *stage_caller(struct stage *stage, sd_bus *bus) {
	const char *unique;
	struct caller *caller;

	assert_true(sd_bus_get_unique_name(bus, &unique) >= 0);
	caller = callers_get(stage->desk.callers, unique);
	assert_non_null(caller);
	return caller;
}

void stage_call_of(struct stage *stage, struct caller *caller, const char *name, const char *fields,
		   bool interactive, uint64_t object) {
	struct fds fds = { 0 };
	size_t place;

	assert_int_equal(call_begin(&stage->desk, operation_find_whole(name, &place), caller,
				    request_of(name, fields), &fds, interactive, object, &door,
				    stage),
			 0);
}

void stage_call(struct stage *stage, const char *name, const char *fields, bool interactive,
		uint64_t object) {
	stage_call_of(stage, stage_caller(stage, stage->client), name, fields, interactive, object);
}

size_t stage_log_lines(void) {
	return n_logged;
}

bool stage_log_has(size_t entry, const char *field, const char *value) {
	char line[ENTRY_MAX];

	assert_true(entry < n_logged);
	if (!value)
		(void)snprintf(line, sizeof line, "\n%s=", field);
	else
		(void)snprintf(line, sizeof line, "\n%s=%s\n", field, value);
	return strstr(logged[entry], line);
}

uint64_t stage_log_number(size_t entry, const char *field) {
	char start[64];
	const char *line;

	(void)snprintf(start, sizeof start, "\n%s=", field);
	line = strstr(logged[entry], start);
	if (!line)
		fail_msg("no %s in: %s", field, logged[entry]);
	return strtoull(line + strlen(start), NULL, 10);
}

const char *stage_log_entry(size_t entry) {
	return logged[entry];
}

void stage_leave(struct stage *stage) {
	stage->client = sd_bus_flush_close_unref(stage->client);
}

/* ---- all of it ---- */

void stage_new(struct stage *stage, enum polkit polkit, bool as_root) {
	memset(stage, 0, sizeof *stage);
	n_logged = 0;
	stage->descriptors = descriptors_open();
	stage->polkit = polkit;
	stage->uid = as_root || geteuid() != 0 ? geteuid() : NOBODY;
	assert_true(sd_event_new(&stage->event) >= 0);
	stage->desk.event = stage->event;
	stage->desk.mounts.desk = &stage->desk;
	stage->desk.watchers = (struct attendants){ .kind = &watcher_kind, .desk = &stage->desk };
	stage->desk.listeners = (struct attendants){ .kind = &listener_kind, .desk = &stage->desk };
	netlink_reader_init(&stage->desk.reader, &stage->desk);
	assert_int_equal(handouts_begin(&stage->desk.handouts, stage->event), 0);
	objects_init(stage->desk.objects, &stage->desk);
	stage->desk.configuration.limits = limits_usual;
	stage->desk.bus = bus_new(stage->event, geteuid());
	assert_true(callers_new(&stage->desk.callers, stage->desk.bus) >= 0);
	callers_on_gone(stage->desk.callers, on_gone, stage);
	start_worker(stage);
	if (polkit != POLKIT_ABSENT)
		start_polkit(stage);
	stage->client = stage_connect(stage, as_root);
	/* what the service listens for it listens for now */
	stage_settle(stage);
}

void stage_open_door(struct stage *stage) {
	assert_true(door_bus_new(&stage->door, &stage->desk) >= 0);
	take_name(stage->desk.bus, "org.usher1");
}

void stage_turn(struct stage *stage) {
	assert_true(sd_event_run(stage->event, 1000) >= 0);
	for (size_t i = 0; i < stage->n_children; i++)
		child_go_on(&stage->children[i]);
}

void stage_settle(struct stage *stage) {
	int idle = 0;

	/* a deadline is half a second at the least, so nothing may take long */
	for (int turns = 0; idle < 3; turns++) {
		int r = sd_event_run(stage->event, 5000);

		assert_true(r >= 0);
		for (size_t i = 0; i < stage->n_children; i++)
			child_go_on(&stage->children[i]);
		idle = r == 0 && !stage->desk.first ? idle + 1 : 0;
		if (turns > 2000)
			fail_msg("a call never ends");
	}
}

static void child_done(struct child *child) {
	child_close(child);
	end_process(child);
	fds_done(&child->fds);
	message_freep(&child->request);
	if (child->order)
		usher__order__free_unpacked(child->order, NULL);
}

void stage_free(struct stage *stage) {
	call_drop_all(&stage->desk);
	audit_done(&stage->desk.audit);
	for (size_t i = 0; i < stage->n_children; i++)
		child_done(&stage->children[i]);
	sd_event_source_disable_unref(stage->worker_source);
	fd_closep(&stage->worker);
	launcher_done(&stage->desk.launcher);
	door_bus_free(stage->door);
	for (enum kind kind = 0; kind < _KIND_MAX; kind++)
		objects_done(&stage->desk.objects[kind]);
	attendants_done(&stage->desk.watchers);
	attendants_done(&stage->desk.listeners);
	netlink_reader_done(&stage->desk.reader);
	handouts_done(&stage->desk.handouts);
	message_freep(&stage->reply);
	fds_done(&stage->received);
	callers_free(stage->desk.callers);
	sd_bus_message_unref(stage->question);
	sd_bus_flush_close_unref(stage->client);
	sd_bus_flush_close_unref(stage->polkit_bus);
	sd_bus_flush_close_unref(stage->desk.bus);
	sd_event_unref(stage->event);
	assert_no_leak(stage->descriptors);
}
