/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Namespaces and processes as objects: what is made, what goes with whom, and that the end of a
 * process is told once, to everybody who asked.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "message.h"
#include "namespaces.h"
#include "pidfd.h"
#include "processes.h"
#include "stage.h"

#define CREATE "Namespaces.Create", "name=box|types=user"
#define SPAWN  "Processes.Spawn", "argv=/bin/x"
#define MADE   "find=0 grant made=manual go done"
#define RUNS   "find=0 grant made=connection go said"

/* As before Linux 6.15, which tells nobody but the parent. */
static bool kernel_is_silent;

int __real_pidfd_status(int pidfd, int *ret);
int __wrap_pidfd_status(int pidfd, int *ret);

int __wrap_pidfd_status(int pidfd, int *ret) {
	return kernel_is_silent ? -ENODATA : __real_pidfd_status(pidfd, ret);
}

static struct object *first(const struct stage *stage, enum kind kind) {
	return stage->desk.objects[kind].first;
}

static const Usher__ProcessObject *process_of(const struct object *object) {
	return (const Usher__ProcessObject *)object->message;
}

static struct object *make(struct stage *stage, const char *operation, const char *fields,
			   const char *script) {
	size_t answers = stage->answers;

	stage->scripts[stage->n_children] = script;
	stage_call(stage, operation, fields, false, 0);
	stage_settle(stage);
	if (stage->answers != answers + 1)
		fail_msg("%s", stage->sentence);
	return first(stage,
		     strcmp(operation, "Processes.Spawn") == 0 ? KIND_PROCESS : KIND_NAMESPACE);
}

/* The last child to come goes on. */
static void go_on(struct stage *stage, const char *script) {
	stage->children[stage->n_children - 1].script = script;
}

/* ---- what is made ---- */

static void what_is_made_is_an_object_with_what_its_maker_said(void **state) {
	struct stage stage;
	struct object *namespace, *process;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	namespace = make(&stage, CREATE, MADE);
	process = make(&stage, SPAWN, RUNS);
	assert_int_equal(namespace->owner, stage.uid);
	assert_ptr_equal(objects_find_path(&stage.desk.objects[KIND_NAMESPACE],
					   "/org/usher1/namespace/1"),
			 namespace);
	assert_ptr_equal(objects_find_path(&stage.desk.objects[KIND_PROCESS],
					   "/org/usher1/process/1"),
			 process);
	assert_null(objects_find_path(&stage.desk.objects[KIND_PROCESS], "/org/usher1/process/2"));
	assert_string_equal(message_string(namespace->message, "Name"), "box");
	assert_string_equal(process_of(process)->state, "running");
	assert_string_equal(process_of(process)->namespace_as_object, "/");
	assert_int_equal(process_of(process)->pid, stage.children[1].process);
	assert_true(object_goes_with_connection(process));
	assert_false(object_goes_with_connection(namespace));
	stage_free(&stage);
}

/* Its pidfd, of the child's frame, is answered with it. */
static void nobody_sees_it_before_it_is_there(void **state) {
	static const struct {
		const char *operation, *fields, *end;
	} made[] = { { CREATE, "done" }, { SPAWN, "said hang" } };

	(void)state;
	for (size_t i = 0; i < N_OF(made); i++) {
		struct stage stage;

		stage_new(&stage, POLKIT_YES, false);
		stage.scripts[0] = "find=0 grant made=manual go hang";
		stage_call(&stage, made[i].operation, made[i].fields, false, 0);
		stage_until(&stage, stage.n_children > 0 && stage.children[0].grants == 2);
		assert_int_equal(stage.answers, 0);
		assert_true(first(&stage, i == 0 ? KIND_NAMESPACE : KIND_PROCESS)->hidden);
		go_on(&stage, made[i].end);
		stage_settle(&stage);
		assert_int_equal(stage.answers, 1);
		assert_false(first(&stage, i == 0 ? KIND_NAMESPACE : KIND_PROCESS)->hidden);
		stage_free(&stage);
	}
}

/* The one who makes it has seen to it that nothing runs any more. */
static void what_failed_after_it_was_announced_has_never_been_there(void **state) {
	static const char *const scripts[] = {
		"find=0 grant made=manual end code=-2",
		"find=0 grant made=connection go end code=-2",
		"find=0 grant made=manual go end die",
		"find=0 grant made=connection go end garbage",
	};

	(void)state;
	for (size_t i = 0; i < 2 * N_OF(scripts); i++) {
		struct stage stage;

		stage_new(&stage, POLKIT_YES, false);
		stage.scripts[0] = scripts[i / 2];
		if (i % 2)
			stage_call(&stage, CREATE, false, 0);
		else
			stage_call(&stage, SPAWN, false, 0);
		stage_settle(&stage);
		assert_int_equal(stage.refusals, 1);
		assert_null(first(&stage, KIND_NAMESPACE));
		assert_null(first(&stage, KIND_PROCESS));
		assert_int_equal(stage.n_children, 1);
		stage_free(&stage);
	}
}

static void assert_ended_by_the_service(struct stage *stage, size_t place, const char *operation) {
	const struct child *child = &stage->children[place];

	stage_until(stage, stage->n_children > place && child->order);
	assert_string_equal(child->order->operation, operation);
	assert_false(child->order->has_caller_fd);
	assert_int_equal(message_number(child->request, "owner", 0), stage->uid);
	assert_true(fds_get(&child->fds, 0) >= 0);
}

/* A child that died may have left something, so that is ended, whatever it is. */
static void what_may_have_been_left_behind_is_ended(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	stage.scripts[0] = "find=0 grant made=manual go die";
	stage.scripts[1] = "find=0 grant ok";
	stage_call(&stage, CREATE, false, 0);
	stage_settle(&stage);
	assert_int_equal(stage.refusals, 1);
	assert_ended_by_the_service(&stage, 1, "Namespace.Destroy");
	assert_null(first(&stage, KIND_NAMESPACE));
	stage.scripts[2] = "find=0 grant made=manual go die";
	stage.scripts[3] = "find=0 grant ok";
	stage_call(&stage, SPAWN, false, 0);
	stage_settle(&stage);
	assert_ended_by_the_service(&stage, 3, "Process.Signal");
	assert_string_equal(message_string(stage.children[3].request, "name"), "KILL");
	assert_non_null(first(&stage, KIND_PROCESS)); /* it is not known to have gone yet */
	go_on(&stage, "");
	stage.children[2].script = "end";
	stage_until(&stage, !first(&stage, KIND_PROCESS));
	stage_free(&stage);
}

static void what_came_too_late_is_ended(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	stage.scripts[0] = "find=0 grant made=connection go told said eof end die";
	stage_call(&stage, "Processes.Spawn", "argv=/bin/x|deadline_usec=1000", false, 0);
	stage_settle(&stage);
	assert_int_equal(stage.refusals, 1);
	assert_int_equal(refusal_of(stage.code), REFUSED_TIMED_OUT);
	stage_until(&stage, !first(&stage, KIND_PROCESS));
	assert_int_equal(stage.n_children, 1);
	stage_free(&stage);
}

static void a_name_is_one_namespace_s_of_a_user_s(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make(&stage, CREATE, MADE);
	stage_call(&stage, CREATE, false, 0);
	stage_settle(&stage);
	assert_int_equal(refusal_of(stage.code), REFUSED_BUSY);
	assert_int_equal(stage.n_children, 1);
	(void)make(&stage, "Namespaces.Create", "name=other|types=user", MADE);
	/* two at once */
	stage.scripts[2] = stage.scripts[3] = "find=0 grant made=manual go end code=-5";
	stage_call(&stage, "Namespaces.Create", "name=third|types=user", false, 0);
	stage_call(&stage, "Namespaces.Create", "name=third|types=user", false, 0);
	stage_settle(&stage);
	assert_int_equal(stage.refusals, 3);
	assert_int_equal(stage.children[2].grants + stage.children[3].grants, 3);
	stage_free(&stage);
}

/* ---- their end ---- */

static unsigned idle;

static void count_idle(struct desk *desk) {
	idle++;
}

static void namespaces_are_there_as_long_as_their_leader(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make(&stage, CREATE, MADE);
	stage.desk.idle = count_idle;
	idle = 0;
	go_on(&stage, "end");
	stage_until(&stage, !first(&stage, KIND_NAMESPACE));
	assert_int_equal(idle, 1); /* or a service with nothing to do would stay */
	stage_free(&stage);
}

static void namespaces_that_are_destroyed_are_no_object_any_more(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make(&stage, CREATE, MADE);
	stage.scripts[1] = "find=0 grant code=-16";
	stage.scripts[2] = "find=0 grant ok";
	stage_call(&stage, "Namespace.Destroy", "", false, 1);
	stage_settle(&stage);
	assert_non_null(first(&stage, KIND_NAMESPACE));
	stage_call(&stage, "Namespace.Destroy", "", false, 1);
	stage_settle(&stage);
	assert_null(first(&stage, KIND_NAMESPACE));
	stage_free(&stage);
}

static void namespaces_go_with_their_connection_and_others_stay(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make(&stage, "Namespaces.Create", "name=a|types=user", MADE);
	(void)make(&stage, CREATE, "find=0 grant made=connection go done");
	stage.scripts[2] = "find=0 grant ok";
	stage_leave(&stage);
	assert_ended_by_the_service(&stage, 2, "Namespace.Destroy");
	stage_settle(&stage);
	assert_non_null(first(&stage, KIND_NAMESPACE));
	assert_null(first(&stage, KIND_NAMESPACE)->next);
	assert_string_equal(message_string(first(&stage, KIND_NAMESPACE)->message, "Name"), "a");
	stage_free(&stage);
}

/* They were there before, and nobody's to end. */
static void namespaces_that_were_there_before_are_forgotten(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make(&stage, "Namespaces.Attach", "name=a|types=user",
		   "find=0 grant made=connection go done");
	stage_leave(&stage);
	stage_until(&stage, stage.client_gone);
	assert_null(first(&stage, KIND_NAMESPACE));
	assert_int_equal(stage.n_children, 1);
	stage_free(&stage);
}

/* Its keeper hears that its connection has gone, and ends what came of it. */
static void a_process_goes_with_its_connection(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make(&stage, SPAWN, RUNS " eof end ended=killed:9 die");
	assert_false(stage.children[0].eof);
	stage_leave(&stage);
	stage_until(&stage, stage.children[0].eof);
	stage_until(&stage, !first(&stage, KIND_PROCESS));
	assert_int_equal(stage.n_children, 1);
	stage_free(&stage);
}

static void a_manual_process_stays_without_its_connection(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make(&stage, SPAWN, "find=0 grant made=manual go said eof end");
	stage_leave(&stage);
	stage_settle(&stage);
	assert_false(stage.children[0].eof);
	assert_string_equal(process_of(first(&stage, KIND_PROCESS))->state, "running");
	stage_free(&stage);
}

static void a_process_without_a_keeper_goes_with_its_connection_all_the_same(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make(&stage, SPAWN, RUNS " die");
	stage_until(&stage, first(&stage, KIND_PROCESS)->socket < 0);
	stage.scripts[1] = "find=0 grant ok";
	stage_leave(&stage);
	assert_ended_by_the_service(&stage, 1, "Process.Signal");
	stage.children[0].script = "end";
	stage_until(&stage, !first(&stage, KIND_PROCESS));
	stage_free(&stage);
}

/* ---- being told ---- */

static void assert_end(struct stage *stage, const char *how, int status) {
	const struct object *object = first(stage, KIND_PROCESS);

	stage_until(stage, process_has_ended(object));
	assert_string_equal(process_of(object)->state, how);
	assert_int_equal(process_of(object)->status, status);
	assert_int_equal(object->fd, -1);
	assert_int_equal(object->socket, -1);
}

static void a_process_ends_as_its_keeper_says(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make(&stage, SPAWN, RUNS);
	go_on(&stage, "end ended=exited:3 die");
	assert_end(&stage, "exited", 3);
	stage_free(&stage);
}

static bool kernel_tells(void) {
	int pidfd, status;
	pid_t pid = fork();
	bool told;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(0);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	told = pidfd_status(pidfd, &status) == 0;
	(void)close(pidfd);
	return told;
}

static void end_without_a_keeper(struct stage *stage, const char *how, int status) {
	struct object *process;

	stage_new(stage, POLKIT_YES, false);
	process = make(stage, SPAWN, RUNS " die");
	stage_until(stage, process->socket < 0);
	assert_false(process_has_ended(process));
	stage->children[0].script = "end";
	assert_end(stage, how, status);
	stage_free(stage);
}

static void a_process_without_a_keeper_ends_as_the_kernel_says(void **state) {
	struct stage stage;

	(void)state;
	if (!kernel_tells())
		skip_because("this kernel tells nobody but the parent");
	end_without_a_keeper(&stage, "killed", 9);
}

static void how_a_process_ended_may_be_known_to_nobody(void **state) {
	struct stage stage;

	(void)state;
	kernel_is_silent = true;
	end_without_a_keeper(&stage, "exited", -1);
	kernel_is_silent = false;
}

static void what_was_said_before_the_answer_is_heard_after_it(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make(&stage, SPAWN, RUNS " end ended=exited:0 die");
	assert_end(&stage, "exited", 0);
	stage_free(&stage);
}

/* The broker that was to let it begin was an earlier one. */
static void what_has_never_begun_is_forgotten(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make(&stage, SPAWN, RUNS " end code=-5");
	stage_until(&stage, !first(&stage, KIND_PROCESS));
	stage_free(&stage);
}

static void a_keeper_that_talks_nonsense_is_none(void **state) {
	static const char *const scripts[] = { RUNS " garbage", RUNS " other", RUNS " find=0",
					       RUNS " code=-5" };

	(void)state;
	for (size_t i = 0; i < N_OF(scripts); i++) {
		struct stage stage;
		struct object *process;

		stage_new(&stage, POLKIT_YES, false);
		process = make(&stage, SPAWN, scripts[i]);
		stage_until(&stage, process->socket < 0);
		assert_false(process_has_ended(process));
		stage_free(&stage);
	}
}

static void everybody_who_waits_is_answered_and_then_it_goes(void **state) {
	enum { N = 70 }; /* more than there may be other calls */
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make(&stage, SPAWN, RUNS);
	for (int i = 0; i < N; i++)
		stage_call(&stage, "Process.Wait", "", false, 1);
	for (int i = 0; i < 20; i++)
		stage_turn(&stage);
	assert_int_equal(stage.answers, 1);
	go_on(&stage, "end ended=exited:3 die");
	stage_settle(&stage);
	assert_int_equal(stage.answers, N + 1);
	assert_null(first(&stage, KIND_PROCESS));
	stage_free(&stage);
}

static void who_comes_after_the_end_is_answered_at_once(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make(&stage, SPAWN, RUNS " end ended=killed:15 die");
	assert_end(&stage, "killed", 15);
	stage_call(&stage, "Process.Wait", "", false, 1);
	stage_settle(&stage);
	assert_int_equal(stage.answers, 2);
	assert_null(first(&stage, KIND_PROCESS));
	stage_call(&stage, "Process.Wait", "", false, 1);
	stage_settle(&stage);
	assert_int_equal(refusal_of(stage.code), REFUSED_NOT_FOUND);
	stage_free(&stage);
}

static void whoever_waits_may_set_a_time(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make(&stage, SPAWN, RUNS);
	stage_call(&stage, "Process.Wait", "deadline_usec=1000", false, 1);
	stage_settle(&stage);
	assert_int_equal(refusal_of(stage.code), REFUSED_TIMED_OUT);
	assert_false(process_has_ended(first(&stage, KIND_PROCESS)));
	stage_free(&stage);
}

static void nobody_waits_for_another_s_process(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	make(&stage, SPAWN, RUNS)->owner++;
	stage_call(&stage, "Process.Wait", "", false, 1);
	stage_settle(&stage);
	assert_int_equal(refusal_of(stage.code), REFUSED_NOT_OWNER);
	stage_free(&stage);
}

static void who_leaves_does_not_wait_any_more(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make(&stage, SPAWN, "find=0 grant made=manual go said");
	stage_call(&stage, "Process.Wait", "", false, 1);
	stage_until(&stage, stage.desk.first && stage.desk.first->awaiting);
	stage_leave(&stage);
	stage_settle(&stage);
	assert_int_equal(stage.ends, 2);
	stage_free(&stage);
}

static void a_service_that_leaves_lets_nobody_wait(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make(&stage, SPAWN, RUNS);
	stage_call(&stage, "Process.Wait", "", false, 1);
	stage_until(&stage, stage.desk.first && stage.desk.first->awaiting);
	call_wind_up(&stage.desk);
	stage_settle(&stage);
	assert_int_equal(refusal_of(stage.code), REFUSED_RETRY);
	stage_free(&stage);
}

static void of_too_many_that_have_ended_the_oldest_go(void **state) {
	enum { N = 260, KEPT = 256 };
	struct stage stage;
	size_t n = 0;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	for (int i = 0; i < N; i++) {
		stage.n_children = 0; /* they are over */
		stage.scripts[0] = RUNS " end ended=exited:0 die";
		stage_call(&stage, SPAWN, false, 0);
		stage_until(&stage, stage.answers == i + 1U);
		stage_until(&stage, process_has_ended(first(&stage, KIND_PROCESS)));
		usher__order__free_unpacked(stage.children[0].order, NULL);
		message_freep(&stage.children[0].request);
		fds_done(&stage.children[0].fds);
		stage.children[0] = (struct child){ .fd = -1, .script = "" };
	}
	for (const struct object *object = first(&stage, KIND_PROCESS); object;
	     object = object->next) {
		assert_int_equal(object->number, N - n);
		n++;
	}
	assert_int_equal(n, KEPT);
	stage_free(&stage);
}

/* ---- as a place ---- */

static void an_object_for_a_place_is_its_leader(void **state) {
	struct stage stage;
	const struct child *child = &stage.children[1];
	uint64_t started;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	(void)make(&stage, CREATE, MADE);
	(void)make(&stage, "Processes.Spawn", "argv=/bin/x|in_as_object=/org/usher1/namespace/1",
		   RUNS);
	assert_null(message_string(child->request, "in_as_object"));
	assert_int_equal(pidfd_started(stage.children[0].process,
				       fds_get(&child->fds,
					       message_number(child->request, "in_as_fd", 99)),
				       &started),
			 0);
	assert_string_equal(process_of(first(&stage, KIND_PROCESS))->namespace_as_object,
			    "/org/usher1/namespace/1");
	stage.scripts[2] = "find=0 grant ok";
	stage_call(&stage, "Host.SetHostname", "hostname=x|in_as_object=/org/usher1/namespace/1",
		   false, 0);
	stage_settle(&stage);
	assert_true(message_number(stage.children[2].request, "in_as_fd", 99) < 99);
	stage_free(&stage);
}

/* ---- limits ---- */

static void one_too_many_of_a_user_s_is_refused(void **state) {
	static const struct {
		const char *operation, *fields, *script;
		enum limit limit;
	} made[] = {
		{ CREATE, MADE, LIMIT_NAMESPACES },
		{ SPAWN, RUNS, LIMIT_PROCESSES },
		{ SPAWN, RUNS, LIMIT_OBJECTS },
		{ "Mounts.Mount", "target=/m|fstype=tmpfs", MADE, LIMIT_OBJECTS },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(made); i++) {
		struct stage stage;

		stage_new(&stage, POLKIT_YES, false);
		stage.desk.configuration.limits.value[made[i].limit] = 1;
		(void)make(&stage, made[i].operation, made[i].fields, made[i].script);
		stage.scripts[1] = "find=0 grant ok"; /* a look at the mounts */
		stage_call(&stage, made[i].operation, i == 0 ? "name=b|types=user" : made[i].fields,
			   false, 0);
		stage_settle(&stage);
		assert_int_equal(refusal_of(stage.code), REFUSED_LIMIT);
		assert_non_null(strstr(stage.sentence, limit_name(made[i].limit)));
		stage_free(&stage);
	}
}

/* What has ended is still to be asked for, and keeps nobody from the next. */
static void a_process_that_has_ended_does_not_count(void **state) {
	struct stage stage;

	(void)state;
	stage_new(&stage, POLKIT_YES, false);
	stage.desk.configuration.limits.value[LIMIT_PROCESSES] = 1;
	(void)make(&stage, SPAWN, RUNS " end ended=exited:0 die");
	assert_end(&stage, "exited", 0);
	(void)make(&stage, SPAWN, RUNS);
	stage_free(&stage);
}

/* ---- which process it was ---- */

static int is_found(void *data) {
	uint64_t started = 0;
	pid_t self = getpid();
	int fd = (int)syscall(SYS_pidfd_open, self, 0);

	(void)data;
	if (fd < 0 || pidfd_started(self, fd, &started) < 0 || started == 0)
		return 1;
	if (pidfd_find(self, started) < 0)
		return 2;
	if (pidfd_find(self, started + 1) >= 0 || pidfd_find(self, 0) >= 0)
		return 3;
	return pidfd_is_over(fd) ? 4 : 0;
}

static void a_process_is_found_again_by_its_number_and_start(void **state) {
	(void)state;
	assert_int_equal(in_child(is_found, NULL), 0);
}

/* Of one that has ended, another's start could have been read. */
static void what_has_ended_did_not_start(void **state) {
	uint64_t started;
	pid_t pid;
	int fd;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(0);
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	while (!pidfd_is_over(fd))
		(void)usleep(1000);
	assert_int_equal(pidfd_started(pid, fd, &started), -ESRCH); /* a zombie is in /proc */
	assert_int_equal(pidfd_find(pid, started), -1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	(void)close(fd);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_made_is_an_object_with_what_its_maker_said),
		cmocka_unit_test(nobody_sees_it_before_it_is_there),
		cmocka_unit_test(what_failed_after_it_was_announced_has_never_been_there),
		cmocka_unit_test(what_may_have_been_left_behind_is_ended),
		cmocka_unit_test(what_came_too_late_is_ended),
		cmocka_unit_test(a_name_is_one_namespace_s_of_a_user_s),
		cmocka_unit_test(namespaces_are_there_as_long_as_their_leader),
		cmocka_unit_test(namespaces_that_are_destroyed_are_no_object_any_more),
		cmocka_unit_test(namespaces_go_with_their_connection_and_others_stay),
		cmocka_unit_test(namespaces_that_were_there_before_are_forgotten),
		cmocka_unit_test(a_process_goes_with_its_connection),
		cmocka_unit_test(a_manual_process_stays_without_its_connection),
		cmocka_unit_test(a_process_without_a_keeper_goes_with_its_connection_all_the_same),
		cmocka_unit_test(a_process_ends_as_its_keeper_says),
		cmocka_unit_test(a_process_without_a_keeper_ends_as_the_kernel_says),
		cmocka_unit_test(how_a_process_ended_may_be_known_to_nobody),
		cmocka_unit_test(what_was_said_before_the_answer_is_heard_after_it),
		cmocka_unit_test(a_keeper_that_talks_nonsense_is_none),
		cmocka_unit_test(what_has_never_begun_is_forgotten),
		cmocka_unit_test(everybody_who_waits_is_answered_and_then_it_goes),
		cmocka_unit_test(who_comes_after_the_end_is_answered_at_once),
		cmocka_unit_test(whoever_waits_may_set_a_time),
		cmocka_unit_test(nobody_waits_for_another_s_process),
		cmocka_unit_test(who_leaves_does_not_wait_any_more),
		cmocka_unit_test(a_service_that_leaves_lets_nobody_wait),
		cmocka_unit_test(of_too_many_that_have_ended_the_oldest_go),
		cmocka_unit_test(an_object_for_a_place_is_its_leader),
		cmocka_unit_test(one_too_many_of_a_user_s_is_refused),
		cmocka_unit_test(a_process_that_has_ended_does_not_count),
		cmocka_unit_test(a_process_is_found_again_by_its_number_and_start),
		cmocka_unit_test(what_has_ended_did_not_start),
	};

	return cmocka_run_group_tests(tests, stages_begin, stages_end);
}
