/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A child of the worker, with a broker that may be broken: it checks everything again, does nothing
 * that was not granted, and says nothing to whoever talks nonsense.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "message.h"
#include "operation.h"
#include "serving.h"
#include "support.h"
#include "wire.h"

static char base[64];

/* ---- what is right ---- */

static void what_is_granted_with_the_order_is_done_at_once(void **state) {
	struct child child;

	(void)state;
	child_start(&child, base);
	serving_ahead = TIER_FREE;
	order(&child, "Host.GetHostname", "");
	serving_ahead = -1;
	assert_true(child_says(&child));
	assert_null(child.said->finding);
	assert_non_null(child.said->outcome);
	assert_int_equal(child.said->outcome->code, 0);
	/* and what it found is told all the same */
	assert_non_null(child.said->outcome->finding);
	assert_int_equal(child.said->outcome->finding->tier, TIER_FREE);
	assert_int_equal(child.said->outcome->finding->n_details, 1);
	assert_false(child_says(&child));
	child_end(&child);
	assert_int_equal(child.status, 0);
}

static void what_was_granted_long_ago_waits(void **state) {
	struct child child;

	(void)state;
	child_start(&child, base);
	serving_ahead = TIER_ADMIN;
	serving_until = 1000;
	order(&child, "Host.GetHostname", "");
	serving_ahead = -1;
	serving_until = UINT64_MAX / 2;
	assert_true(child_says(&child));
	assert_non_null(child.said->finding);
	assert_null(child.said->outcome);
	child_end(&child);
}

static void more_than_was_granted_with_the_order_waits(void **state) {
	static const int ahead_of[] = { TIER_FREE, TIER_OWN, 17 };
	char name[65] = "", fields[80];
	struct child child;

	(void)state;
	/* should it be set after all, it does not change */
	assert_int_equal(gethostname(name, sizeof name - 1), 0);
	(void)snprintf(fields, sizeof fields, "hostname=%s", name);
	for (size_t i = 0; i < N_OF(ahead_of); i++) {
		child_start(&child, base);
		serving_ahead = ahead_of[i];
		order(&child, "Host.SetHostname", fields);
		serving_ahead = -1;
		assert_true(child_says(&child));
		assert_non_null(child.said->finding);
		assert_null(child.said->outcome);
		assert_int_equal(child.said->finding->tier, TIER_ADMIN);
		grant(&child, TIER_OWN);
		assert_outcome(&child, REFUSED_PERMISSION, "");
	}
}

static void what_is_granted_is_done_and_told(void **state) {
	struct child child;
	Usher__GetHostnameReply *reply;
	char name[65] = "";

	(void)state;
	assert_int_equal(gethostname(name, sizeof name - 1), 0);
	child_start(&child, base);
	order(&child, "Host.GetHostname", "");
	assert_true(child_says(&child));
	assert_non_null(child.said->finding);
	assert_null(child.said->outcome);
	assert_int_equal(child.said->finding->tier, TIER_FREE);
	assert_string_equal(detail(&child, "in"), "host");
	grant(&child, TIER_FREE);
	assert_true(child_says(&child));
	assert_non_null(child.said->outcome);
	assert_int_equal(child.said->outcome->code, 0);
	reply = usher__get_hostname_reply__unpack(NULL, child.said->outcome->reply.len,
						  child.said->outcome->reply.data);
	assert_non_null(reply);
	assert_string_equal(reply->hostname, name);
	usher__get_hostname_reply__free_unpacked(reply, NULL);
	assert_false(child_says(&child)); /* one order a child */
	child_end(&child);
	assert_int_equal(child.status, 0);
}

static void the_mount_table_of_the_caller_is_told(void **state) {
	struct child child;
	Usher__ListReply *reply;
	bool root = false;

	(void)state;
	child_start(&child, base);
	order(&child, "Mounts.List", "");
	assert_true(child_says(&child));
	grant(&child, TIER_FREE);
	assert_true(child_says(&child));
	if (child.said->outcome->code != 0)
		fail_msg("%d: %s", child.said->outcome->code, child.said->outcome->text);
	reply = usher__list_reply__unpack(NULL, child.said->outcome->reply.len,
					  child.said->outcome->reply.data);
	assert_non_null(reply);
	for (size_t i = 0; i < reply->n_mounts; i++)
		root |= strcmp(reply->mounts[i]->target, "/proc") == 0;
	assert_true(root);
	usher__list_reply__free_unpacked(reply, NULL);
	child_end(&child);
}

static void a_finding_says_what_it_takes_before_anything_is_done(void **state) {
	struct child child;

	(void)state;
	child_start(&child, base);
	order(&child, "Host.SetHostname", "hostname=lectern");
	assert_true(child_says(&child));
	assert_int_equal(child.said->finding->tier, TIER_ADMIN);
	assert_string_equal(detail(&child, "hostname"), "lectern");
	child_end(&child); /* the broker goes: nothing is done */
	assert_true(WIFEXITED(child.status));
}

/* ---- a broker that is wrong ---- */

static void words_are_checked_again(void **state) {
	struct child child;

	(void)state;
	child_start(&child, base);
	order(&child, "Host.SetHostname", "hostname=a b");
	assert_outcome(&child, REFUSED_INVALID, "hostname:");
	child_start(&child, base);
	order(&child, "Mounts.Mount", "target=relative|fstype=tmpfs");
	assert_outcome(&child, REFUSED_INVALID, "target:");
}

/* The name is the one that the machine has: should it be set all the same, nothing is lost. */
static void less_than_was_needed_is_not_enough(void **state) {
	char name[65] = "", fields[80];

	(void)state;
	assert_int_equal(gethostname(name, sizeof name - 1), 0);
	(void)snprintf(fields, sizeof fields, "hostname=%s", name);
	for (uint32_t tier = TIER_FREE; tier < TIER_ADMIN; tier++) {
		struct child child;

		child_start(&child, base);
		order(&child, "Host.SetHostname", fields);
		assert_true(child_says(&child));
		grant(&child, tier);
		assert_outcome(&child, REFUSED_PERMISSION, "");
	}
}

static void another_user_than_the_process_has_is_refused(void **state) {
	struct fds fds = { 0 };
	struct child child;

	(void)state;
	child_start(&child, base);
	order_as(&child, "Host.GetHostname", "", &fds, getuid() + 1, 20000000, self_pidfd());
	assert_outcome(&child, REFUSED_PERMISSION, "uid");
}

static void a_caller_that_has_exited_is_nobody(void **state) {
	struct fds fds = { 0 };
	struct child child;
	pid_t pid = fork();
	int pidfd;

	(void)state;
	if (pid == 0)
		_exit(0);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	assert_true(pidfd >= 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	child_start(&child, base);
	order_as(&child, "Host.GetHostname", "", &fds, getuid(), 20000000, pidfd);
	assert_outcome(&child, REFUSED_NOT_FOUND, "exited");
}

static void a_place_is_a_process_and_nothing_else(void **state) {
	struct fds fds = { 0 };
	struct child child;

	(void)state;
	child_start(&child, base);
	assert_int_equal(fds_add(&fds, some_descriptor()), 0);
	order_as(&child, "Host.GetHostname", "in_as_fd=0", &fds, getuid(), 20000000, self_pidfd());
	assert_outcome(&child, REFUSED_INVALID, "in:");
}

static void a_place_without_its_descriptor_is_nonsense(void **state) {
	struct child child;

	(void)state;
	child_start(&child, base);
	order(&child, "Host.GetHostname", "in_as_fd=7");
	assert_silence(&child);
	child_start(&child, base);
	order(&child, "Mounts.MountImage", "image_fd=1|target=/mnt|fstype=ext4");
	assert_silence(&child);
}

static void an_operation_that_there_is_not_is_nonsense(void **state) {
	static const char *const names[] = { "Host.Reboot", "", "Host", "Host.", ".GetHostname" };

	(void)state;
	for (size_t i = 0; i < N_OF(names); i++) {
		Usher__Order message = USHER__ORDER__INIT;
		struct child child;

		child_start(&child, base);
		message.operation = (char *)(uintptr_t)names[i];
		message.deadline_usec = 1000000;
		assert_int_equal(wire_send(child.socket, &message.base, NULL), 0);
		assert_silence(&child);
	}
}

static void a_request_that_is_none_is_nonsense(void **state) {
	Usher__Order message = USHER__ORDER__INIT;
	struct child child;

	(void)state;
	child_start(&child, base);
	message.operation =
		(char[]){ "Host.SetHostname" }; /* which has a field that must be there */
	message.deadline_usec = 1000000;
	assert_int_equal(wire_send(child.socket, &message.base, NULL), 0);
	assert_silence(&child);
}

static void garbage_gets_no_answer(void **state) {
	struct child child;

	(void)state;
	child_start(&child, base);
	assert_true(send(child.socket, "garbage", 7, 0) == 7);
	assert_silence(&child);
	/* nor in the place of a grant */
	child_start(&child, base);
	order(&child, "Host.GetHostname", "");
	assert_true(child_says(&child));
	assert_true(send(child.socket, "garbage", 7, 0) == 7);
	assert_silence(&child);
}

static void a_broker_that_goes_is_not_waited_for(void **state) {
	struct child child;

	(void)state;
	child_start(&child, base);
	child_end(&child);
	assert_true(WIFEXITED(child.status));
	assert_int_not_equal(WEXITSTATUS(child.status), 0);
}

/* What somebody's mount is in use by, as long as a child has it open: here it is a pipe. */
static int order_with_pipe(struct child *child, const char *name, const char *fields) {
	struct fds fds = { 0 };
	int pipe[2];

	assert_int_equal(pipe2(pipe, O_CLOEXEC), 0);
	child_start(child, base);
	assert_int_equal(fds_add(&fds, pipe[1]), 0);
	order_as(child, name, fields, &fds, getuid(), 20000000, self_pidfd());
	return pipe[0];
}

static bool is_let_go(int reader) {
	struct pollfd poll_fd = { .fd = reader };

	assert_true(poll(&poll_fd, 1, 0) >= 0);
	return poll_fd.revents & POLLHUP;
}

static void when_it_has_said_its_last_it_has_let_go_of_what_it_was_given(void **state) {
	struct child child;
	int reader;

	(void)state;
	reader = order_with_pipe(&child, "Host.GetHostname", "");
	assert_true(child_says(&child));
	assert_false(is_let_go(reader));
	grant(&child, TIER_FREE);
	assert_true(child_says(&child));
	assert_int_equal(child.said->outcome->code, 0);
	assert_true(is_let_go(reader));
	child_end(&child);
	(void)close(reader);

	reader = order_with_pipe(&child, "Host.SetHostname", "hostname=x");
	assert_true(child_says(&child));
	grant(&child, TIER_FREE);
	assert_outcome(&child, REFUSED_PERMISSION, "");
	assert_true(is_let_go(reader));
	(void)close(reader);

	/* and when it is told that there is no more to do */
	reader = order_with_pipe(&child, "Host.SetHostname", "hostname=x");
	assert_true(child_says(&child));
	assert_int_equal(shutdown(child.socket, SHUT_WR), 0);
	assert_false(child_says(&child));
	assert_true(is_let_go(reader));
	child_end(&child);
	(void)close(reader);
}

/* ---- time ---- */

static double now(void) {
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* The program that knows file systems, for this test; it waits for what it is to look at. */
static void install_probe(const char *script) {
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/usher-probe", base);
	file = fopen(path, "we");
	assert_non_null(file);
	(void)fprintf(file, "#!/bin/sh\nhead -c1 >/dev/null\n%s\n", script);
	(void)fclose(file);
	assert_int_equal(chmod(path, 0755), 0);
}

static void order_mount(struct child *child, uint64_t deadline) {
	struct fds fds = { 0 };
	char fields[256];

	(void)snprintf(fields, sizeof fields, "source=%s/image|target=%s/dst|fstype=auto", base,
		       base);
	order_as(child, "Mounts.Mount", fields, &fds, getuid(), deadline, self_pidfd());
}

static void what_hangs_is_killed_by_its_own_clock(void **state) {
	double began = now();
	struct child child;

	(void)state;
	install_probe("exec sleep 3");
	child_start(&child, base);
	order_mount(&child, 100000);
	assert_false(child_says(&child));
	child_end(&child);
	assert_true(now() - began < 2);
	assert_true(WIFSIGNALED(child.status));
	assert_int_equal(WTERMSIG(child.status), SIGKILL);
}

/* In a user namespace of its caller's, its caller may send it signals. */
static void what_was_stopped_is_killed_by_its_own_clock(void **state) {
	double began = now();
	struct child child;

	(void)state;
	install_probe("exec sleep 5");
	child_start(&child, base);
	order_mount(&child, 500000);
	(void)usleep(200000);
	assert_int_equal(kill(child.pid, SIGSTOP), 0);
	while (now() - began < 4 && waitpid(child.pid, &child.status, WNOHANG) == 0)
		(void)usleep(20000);
	if (now() - began >= 4) {
		(void)kill(child.pid, SIGKILL);
		child_end(&child);
		fail_msg("it outlives its deadline");
	}
	assert_true(WIFSIGNALED(child.status));
	assert_int_equal(WTERMSIG(child.status), SIGKILL);
	(void)close(child.socket);
}

static void a_person_may_take_longer_than_the_work(void **state) {
	struct fds fds = { 0 };
	struct child child;

	(void)state;
	child_start(&child, base);
	order_as(&child, "Host.GetHostname", "", &fds, getuid(), 200000, self_pidfd());
	assert_true(child_says(&child));
	(void)usleep(400000);
	grant(&child, TIER_FREE);
	assert_true(child_says(&child));
	assert_non_null(child.said->outcome);
	assert_int_equal(child.said->outcome->code, 0);
	child_end(&child);
}

/* ---- what other programs say ---- */

static void a_file_system_that_was_recognised_is_told(void **state) {
	struct child child;

	(void)state;
	install_probe("echo squashfs");
	child_start(&child, base);
	order_mount(&child, 20000000);
	assert_true(child_says(&child));
	if (child.said->outcome)
		fail_msg("%s", child.said->outcome->text);
	assert_string_equal(detail(&child, "fstype"), "squashfs");
	assert_int_equal(child.said->finding->tier, TIER_OWN);
	child_end(&child);
}

static void a_program_that_does_not_know_or_lies_is_not_believed(void **state) {
	static const struct {
		const char *script, *word;
		enum refusal_code code;
	} probes[] = {
		{ "echo '?'", "no known file system", REFUSED_INVALID },
		{ "echo '!'", "more than one", REFUSED_INVALID },
		{ "exit 1", "failed", REFUSED_FAILED },
		{ "printf x", "failed", REFUSED_FAILED },
		{ "echo", "failed", REFUSED_FAILED },
		{ "echo 1234567890123456789012345678901234567890", "failed", REFUSED_FAILED },
		{ "echo nosuchfs", "nosuchfs", REFUSED_UNSUPPORTED },
		{ "echo ../../etc", "nonsense", REFUSED_FAILED },
		{ "printf 'ext4\\0\\n'", "nonsense", REFUSED_FAILED },
		{ "printf 'ext4\\nxfs\\n'", "nonsense", REFUSED_FAILED },
		{ "printf '\\0\\n'", "nonsense", REFUSED_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(probes); i++) {
		struct child child;

		install_probe(probes[i].script);
		child_start(&child, base);
		order_mount(&child, 20000000);
		assert_outcome(&child, probes[i].code, probes[i].word);
	}
}

/* What the probe says decides which code of the kernel's reads the image: nothing but what holds an
 * image may come of it. */
static void a_program_cannot_make_a_device_of_what_has_none(void **state) {
	static const char *const types[] = { "tmpfs", "overlay", "proc", "auto" };

	(void)state;
	for (size_t i = 0; i < N_OF(types); i++) {
		struct child child;
		char script[32];

		(void)snprintf(script, sizeof script, "echo %s", types[i]);
		install_probe(script);
		child_start(&child, base);
		order_mount(&child, 20000000);
		assert_true(child_says(&child));
		if (!child.said->outcome)
			fail_msg("an image of %s is found: tier %u", types[i],
				 child.said->finding->tier);
		child_end(&child);
	}
}

static int make_base(void **state) {
	char path[128];

	(void)state;
	strcpy(base, "/tmp/usher-test-XXXXXX");
	if (!mkdtemp(base) || chmod(base, 0755) < 0)
		return -1;
	(void)snprintf(path, sizeof path, "%s/image", base);
	(void)close(creat(path, 0600));
	(void)snprintf(path, sizeof path, "%s/dst", base);
	return mkdir(path, 0700);
}

static int remove_base(void **state) {
	static const char *const names[] = { "image", "dst", "usher-probe", "" };
	char path[128];

	(void)state;
	for (size_t i = 0; i < N_OF(names); i++) {
		(void)snprintf(path, sizeof path, "%s/%s", base, names[i]);
		(void)remove(path);
	}
	return 0;
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_granted_with_the_order_is_done_at_once),
		cmocka_unit_test(what_was_granted_long_ago_waits),
		cmocka_unit_test(more_than_was_granted_with_the_order_waits),
		cmocka_unit_test(what_is_granted_is_done_and_told),
		cmocka_unit_test(the_mount_table_of_the_caller_is_told),
		cmocka_unit_test(a_finding_says_what_it_takes_before_anything_is_done),
		cmocka_unit_test(words_are_checked_again),
		cmocka_unit_test(less_than_was_needed_is_not_enough),
		cmocka_unit_test(another_user_than_the_process_has_is_refused),
		cmocka_unit_test(a_caller_that_has_exited_is_nobody),
		cmocka_unit_test(a_place_is_a_process_and_nothing_else),
		cmocka_unit_test(a_place_without_its_descriptor_is_nonsense),
		cmocka_unit_test(an_operation_that_there_is_not_is_nonsense),
		cmocka_unit_test(a_request_that_is_none_is_nonsense),
		cmocka_unit_test(garbage_gets_no_answer),
		cmocka_unit_test(a_broker_that_goes_is_not_waited_for),
		cmocka_unit_test(when_it_has_said_its_last_it_has_let_go_of_what_it_was_given),
		cmocka_unit_test(what_hangs_is_killed_by_its_own_clock),
		cmocka_unit_test(what_was_stopped_is_killed_by_its_own_clock),
		cmocka_unit_test(a_person_may_take_longer_than_the_work),
		cmocka_unit_test(a_file_system_that_was_recognised_is_told),
		cmocka_unit_test(a_program_that_does_not_know_or_lies_is_not_believed),
		cmocka_unit_test(a_program_cannot_make_a_device_of_what_has_none),
	};

	return cmocka_run_group_tests(tests, make_base, remove_base);
}
