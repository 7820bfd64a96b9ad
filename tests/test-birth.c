/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Programs and namespaces for a caller that is nobody in particular, by children of the worker as
 * it has them, in the real kernel: what is found in the new process, and what is left where it
 * fails.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "operation.h"
#include "serving.h"
#include "support.h"
#include "wire.h"

enum { CALLER = 65533, GROUP = 65532 };

static char libexec[PATH_MAX];

/* The caller: a process of a user without rights. */
static pid_t caller;
static int caller_pidfd = -1;

static int begin(void **state) {
	ssize_t n = readlink("/proc/self/exe", libexec, sizeof libexec - 1);

	(void)state;
	assert_true(n > 0);
	libexec[n] = '\0';
	*strrchr(libexec, '/') = '\0';
	if (getuid() != 0)
		return 0;
	caller = fork();
	if (caller == 0) {
		const gid_t groups[] = { GROUP };
		struct rlimit limit = { 4321, 5432 };

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)setrlimit(RLIMIT_FSIZE, &limit);
		(void)umask(027);
		if (setgroups(1, groups) < 0 || setresgid(CALLER, CALLER, CALLER) < 0 ||
		    setresuid(CALLER, CALLER, CALLER) < 0)
			_exit(1);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			(void)pause();
	}
	caller_pidfd = (int)syscall(SYS_pidfd_open, caller, 0);
	assert_true(caller_pidfd >= 0);
	(void)usleep(50000);
	return 0;
}

static int end(void **state) {
	(void)state;
	if (caller > 0) {
		(void)kill(caller, SIGKILL);
		(void)waitpid(caller, NULL, 0);
	}
	return 0;
}

/* ---- one program ---- */

struct run {
	struct child child;
	int output; /* where its standard output can be read */
	int pidfd;
	char text[16384];
	char state[16];
	int status;
};

static void run_order(struct run *run, const char *operation, const char *fields,
		      struct fds *more) {
	struct fds fds = more ? *more : (struct fds){ 0 };
	int pair[2];

	memset(run, 0, sizeof *run);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	run->output = pair[0];
	run->pidfd = -1;
	child_start(&run->child, libexec);
	/* place 0, unless the test has its own */
	if (fds.n == 0)
		assert_int_equal(fds_add(&fds, pair[1]), 0);
	else
		(void)close(pair[1]);
	order_as(&run->child, operation, fields, &fds, CALLER, 20000000,
		 fcntl(caller_pidfd, F_DUPFD_CLOEXEC, 3));
}

static void run_to_outcome(struct run *run) {
	if (!child_says(&run->child))
		fail_msg("it says nothing");
	if (run->child.said->outcome)
		return;
	assert_non_null(run->child.said->finding);
	grant(&run->child, TIER_ADMIN);
	assert_true(child_says(&run->child));
	if (run->child.said->outcome)
		return;
	assert_true(run->child.said->has_made);
	assert_int_equal(run->child.fds.n, 1);
	run->pidfd = run->child.fds.fd[0];
	run->child.fds.n = 0;
	grant(&run->child, TIER_ADMIN);
	assert_true(child_says(&run->child));
	assert_non_null(run->child.said->outcome);
}

/* Starts a program, which must go well. */
static void run_start(struct run *run, const char *fields, struct fds *more) {
	run_order(run, "Processes.Spawn", fields, more);
	run_to_outcome(run);
	if (run->child.said->outcome->code != 0)
		fail_msg("%d: %s", run->child.said->outcome->code, run->child.said->outcome->text);
}

static void run_read(struct run *run) {
	size_t used = 0;
	ssize_t n;

	while ((n = read(run->output, run->text + used, sizeof run->text - 1 - used)) > 0)
		used += (size_t)n;
	run->text[used] = '\0';
}

static void run_done(struct run *run) {
	fd_closep(&run->pidfd);
	fd_closep(&run->output);
	child_end(&run->child);
}

/* What its keeper says of its end. */
static void run_await(struct run *run) {
	if (!child_says(&run->child))
		fail_msg("nobody says that it has ended");
	assert_non_null(run->child.said->ended);
	(void)snprintf(run->state, sizeof run->state, "%s", run->child.said->ended->state);
	run->status = run->child.said->ended->status;
	assert_false(child_says(&run->child));
	run_done(run);
	assert_int_equal(run->child.status, 0);
}

/* From the order to its end. */
static struct run *run_program(const char *fields) {
	static struct run run;

	run_start(&run, fields, NULL);
	run_read(&run);
	run_await(&run);
	return &run;
}

#define SHELL(script) "argv=/bin/sh|argv=-c|argv=" script "|fds=1;0"

static void assert_line(const struct run *run, const char *line) {
	if (!strstr(run->text, line))
		fail_msg("'%s' is not in:\n%s", line, run->text);
}

static void assert_fails(const char *fields, enum refusal_code code, const char *word) {
	struct run run;

	run_order(&run, "Processes.Spawn", fields, NULL);
	run_to_outcome(&run);
	if (refusal_of(run.child.said->outcome->code) != code ||
	    run.child.said->outcome->code == 0 ||
	    !strstr(run.child.said->outcome->text ?: "", word))
		fail_msg("%d: %s", run.child.said->outcome->code, run.child.said->outcome->text);
	assert_false(child_says(&run.child));
	/* whatever there was of it has ended: nobody holds the pipe */
	run_read(&run);
	assert_string_equal(run.text, "");
	run_done(&run);
}

/* Whether a process is there, other than as what is left of one that has ended. */
static bool is_alive(pid_t pid) {
	char path[64], text[256] = "";
	int fd;

	(void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	(void)!read(fd, text, sizeof text - 1);
	(void)close(fd);
	return !strstr(text, ") Z");
}

static void await_death(pid_t pid) {
	for (int i = 0; is_alive(pid); i++) {
		if (i > 1000)
			fail_msg("process %d lives on", pid);
		(void)usleep(10000);
	}
}

static void required(void) {
	if (getuid() != 0)
		skip_because("not root");
	if (!namespaces_work())
		skip_because("no namespaces here");
}

/* ---- what a program is ---- */

static void a_program_is_its_caller_and_has_nothing_of_ours(void **state) {
	const struct run *run;

	(void)state;
	required();
	run = run_program(
		SHELL("cat /proc/self/status; ls -l /proc/self/fd; pwd; umask; ulimit -f; "
		      "env; cat /proc/self/oom_score_adj; "
		      "test $(cut -d' ' -f6 /proc/$$/stat) -eq $$ && echo leads a session; "
		      "echo fds $(ls /proc/self/fd)"));
	assert_line(run, "\nUid:\t65533\t65533\t65533\t65533\n");
	assert_line(run, "\nGid:\t65533\t65533\t65533\t65533\n");
	assert_line(run, "\nGroups:\t65532 \n");
	assert_line(run, "\nCapPrm:\t0000000000000000\n");
	assert_line(run, "\nCapEff:\t0000000000000000\n");
	assert_line(run, "\nCapInh:\t0000000000000000\n");
	assert_line(run, "\nCapAmb:\t0000000000000000\n");
	assert_line(run, "\nNoNewPrivs:\t1\n");
	assert_line(run, "\nSeccomp:\t0\n");
	assert_line(run, "\nSigIgn:\t0000000000000000\n");
	assert_line(run, " 0 -> /dev/null\n");
	assert_line(run, " 1 -> pipe:");
	assert_line(run, " 2 -> /dev/null\n");
	assert_line(run, "\nfds 0 1 2 3\n"); /* the last one is that of ls */
	assert_line(run, "\n/\n0027\n");
	assert_line(run, "PATH=/usr/local/bin:/usr/bin:/bin\n");
	assert_line(run, "\nleads a session\n");
	assert_string_equal(run->state, "exited");
	assert_int_equal(run->status, 0);
	/* a shell lets all signals through */
	run = run_program("argv=/bin/cat|argv=/proc/self/status|fds=1;0");
	assert_line(run, "\nSigBlk:\t0000000000000000\n");
}

static void a_program_ends_with_a_status_or_a_signal(void **state) {
	const struct run *run;

	(void)state;
	required();
	run = run_program(SHELL("exit 3"));
	assert_string_equal(run->state, "exited");
	assert_int_equal(run->status, 3);
	run = run_program(SHELL("kill -9 $$"));
	assert_string_equal(run->state, "killed");
	assert_int_equal(run->status, SIGKILL);
	run = run_program(SHELL("kill -TERM $$") "|types=user|types=pid");
	assert_string_equal(run->state, "killed");
	assert_int_equal(run->status, SIGTERM);
}

static void descriptors_have_the_numbers_that_were_asked_for(void **state) {
	struct fds fds = { 0 };
	struct run run;
	static const char *const expected[] = { "a5\na9\n", "a3\na4\n", "a6\na7\n" };
	int pairs[3][2];
	char text[16];

	(void)state;
	required();
	/* whatever numbers they had before: each is that of another */
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pipe2(pairs[i], O_CLOEXEC), 0);
		assert_int_equal(fds_add(&fds, pairs[i][1]), i);
	}
	run_start(
		&run,
		"argv=/bin/bash|argv=-c|argv=for n in 0 1 2 3 4 5 6 7 8 9 10 11 12; do echo a$n >&$n; "
		"done; true|fds=5;0|fds=9;0|fds=3;1|fds=4;1|fds=6;2|fds=7;2|fds=300;2",
		&fds);
	run_await(&run);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(read(pairs[i][0], text, sizeof text), 6);
		assert_memory_equal(text, expected[i], 6);
		(void)close(pairs[i][0]);
	}
}

static void a_new_pid_namespace_has_a_first_process_that_is_not_the_program(void **state) {
	const struct run *run;

	(void)state;
	required();
	run = run_program(
		SHELL("echo $$ $PPID; id -u; cat /proc/self/uid_map /proc/self/status; "
		      "cat /sys/class/net/lo/flags; hostname; (sleep 0.1 &); sleep 0.3; "
		      "set -- /proc/[0-9]*; echo $#") "|types=all|map_zero=yes|hostname=inside");
	assert_line(run, "2 0\n0\n");
	assert_line(run, "         0      65533          1\n");
	assert_line(run, "\nCapEff:\t000001ffffffffff\n");
	assert_line(run, "\nNoNewPrivs:\t1\n");
	assert_line(run, "\n0x9\ninside\n2\n"); /* up; and what was orphaned has gone */
	assert_int_equal(run->status, 0);
}

/* ---- what fails ---- */

static void what_fails_names_its_phase_and_leaves_nothing(void **state) {
	(void)state;
	required();
	assert_fails("argv=/bin/nothing|fds=1;0", REFUSED_NOT_FOUND, "exec: /bin/nothing: No such");
	assert_fails("argv=nothing-at-all|fds=1;0", REFUSED_NOT_FOUND,
		     "exec: nothing-at-all: No such");
	assert_fails("argv=/etc/passwd|fds=1;0", REFUSED_PERMISSION, "exec: /etc/passwd");
	assert_fails("argv=/bin/true|fds=1;0|workdir=/nowhere", REFUSED_NOT_FOUND, "directory: ");
	assert_fails("argv=/bin/true|fds=1;0|workdir=/nowhere|types=all", REFUSED_NOT_FOUND,
		     "directory: ");
	assert_fails("argv=/bin/true|fds=1;0|root=/nowhere|types=all", REFUSED_NOT_FOUND, "root: ");
	assert_fails("argv=/bin/true|fds=1;0|rlimits=fsize;1000000;1000000", REFUSED_PERMISSION,
		     "credentials: ");
	assert_fails("argv=/bin/true|fds=1;0|uid=0", REFUSED_PERMISSION, "uid");
}

/* ---- who stays ---- */

static void a_program_and_its_children_go_with_the_connection(void **state) {
	struct run run;
	pid_t one, other;

	(void)state;
	required();
	run_start(&run,
		  SHELL("sleep 1000 & setsid sh -c 'sleep 1000 & echo $!; wait' & echo $!; wait"),
		  NULL);
	(void)usleep(300000);
	assert_true(read(run.output, run.text, sizeof run.text) > 0);
	assert_int_equal(sscanf(run.text, "%d %d", &one, &other), 2);
	assert_true(is_alive(one) && is_alive(other));
	run_done(&run);
	await_death(one);
	await_death(other);
}

static void a_program_that_is_to_stay_stays(void **state) {
	struct pollfd ended;
	struct run run;
	int pidfd;

	(void)state;
	required();
	run_start(&run, "argv=/bin/sleep|argv=1000|fds=1;0|types=user|types=pid|lifetime=manual",
		  NULL);
	pidfd = fcntl(run.pidfd, F_DUPFD_CLOEXEC, 3);
	run_done(&run);
	ended = (struct pollfd){ .fd = pidfd, .events = POLLIN };
	assert_int_equal(poll(&ended, 1, 300), 0);
	assert_int_equal(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0), 0);
	assert_int_equal(poll(&ended, 1, 5000), 1);
	(void)close(pidfd);
}

/* A program that is asked for, and what the broker decides by is there. */
static void run_find(struct run *run) {
	required();
	run_order(run, "Processes.Spawn", SHELL("echo here"), NULL);
	assert_true(child_says(&run->child));
	assert_non_null(run->child.said->finding);
}

static void run_never_began(struct run *run) {
	child_end(&run->child);
	run_read(run);
	assert_string_equal(run->text, "");
	(void)close(run->output);
}

static void what_was_not_granted_was_never_there(void **state) {
	struct run run;

	(void)state;
	run_find(&run);
	assert_int_equal(run.child.said->finding->tier, TIER_FREE);
	run_never_began(&run);
}

/* It is there, and has not begun. */
static void run_make(struct run *run) {
	run_find(run);
	grant(&run->child, TIER_ADMIN);
	assert_true(child_says(&run->child));
	assert_true(run->child.said->has_made);
}

static void what_the_broker_has_not_written_down_does_not_begin(void **state) {
	struct run run;

	(void)state;
	run_make(&run);
	(void)usleep(300000);
	run_never_began(&run);
}

static void withdraw(struct run *run) {
	Usher__Grant message = USHER__GRANT__INIT;

	message.has_withdrawn = message.withdrawn = true;
	assert_int_equal(wire_send(run->child.socket, &message.base, NULL), 0);
}

/* The broker that would have said the word is no more, and the next one has the socket. */
static void what_nobody_will_grant_any_more_ends_at_once(void **state) {
	struct run run;

	(void)state;
	run_make(&run);
	run.pidfd = run.child.fds.fd[0];
	run.child.fds.n = 0;
	withdraw(&run);
	assert_true(child_says(&run.child));
	assert_non_null(run.child.said->outcome);
	assert_int_equal(run.child.said->outcome->code, REFUSED_RETRY);
	assert_false(child_says(&run.child));
	run_read(&run);
	assert_string_equal(run.text, "");
	run_done(&run);
}

static void what_has_been_granted_goes_on_whatever_the_next_broker_says(void **state) {
	struct run run;

	(void)state;
	required();
	run_start(&run, SHELL("sleep 0.3; echo on; exit 4"), NULL);
	withdraw(&run);
	withdraw(&run);
	run_read(&run);
	assert_string_equal(run.text, "on\n");
	run_await(&run);
	assert_string_equal(run.state, "exited");
	assert_int_equal(run.status, 4);
}

/* ---- namespaces ---- */

#ifdef FILTERS_FOR_SANITIZERS
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

static size_t descriptors_of(pid_t pid) {
	char path[64];
	size_t n = 0;
	DIR *directory;

	(void)snprintf(path, sizeof path, "/proc/%d/fd", pid);
	directory = opendir(path);
	assert_non_null(directory);
	while (readdir(directory))
		n++;
	(void)closedir(directory);
	return n - 2;
}

static void a_leader_has_nothing_and_takes_next_to_nothing(void **state) {
	char path[64], text[8192];
	const char *line;
	unsigned kibibytes = 0;
	struct run run;
	size_t n = 1;
	pid_t pid;
	int fd;

	(void)state;
	required();
	run_order(&run, "Namespaces.Create", "name=one|types=all|map_zero=yes", NULL);
	run_to_outcome(&run);
	if (run.child.said->outcome->code != 0)
		fail_msg("%s", run.child.said->outcome->text);
	assert_false(child_says(&run.child));
	(void)snprintf(path, sizeof path, "/proc/self/fdinfo/%d", run.pidfd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	text[read(fd, text, sizeof text - 1)] = '\0';
	(void)close(fd);
	line = strstr(text, "\nPid:\t");
	pid = atoi(line + 6);
	/* it has begun, and closes what it was started by */
	for (int i = 0; i < 500 && n > 0; i++, n = descriptors_of(pid))
		(void)usleep(10000);
	assert_int_equal(n, 0);
	(void)snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	text[read(fd, text, sizeof text - 1)] = '\0';
	(void)close(fd);
	/* pages of a program that was linked a moment ago are dirty, too, but not its own */
	line = strstr(text, "\nAnonymous:");
	assert_non_null(line);
	kibibytes = (unsigned)atoi(line + 11);
	(void)printf("# %u KiB private\n", kibibytes);
	if (!sanitized) /* which takes memory of its own */
		assert_true(kibibytes <= 300);
	(void)snprintf(path, sizeof path, "/proc/%d/status", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	text[read(fd, text, sizeof text - 1)] = '\0';
	(void)close(fd);
	assert_non_null(strstr(text, "\nUid:\t65533\t65533\t65533\t65533\n"));
	assert_non_null(strstr(text, "\nCapPrm:\t0000000000000000\n"));
	assert_non_null(strstr(text, "\nNSpid:\t"));
	assert_int_equal(syscall(SYS_pidfd_send_signal, run.pidfd, SIGKILL, NULL, 0), 0);
	run_done(&run);
	await_death(pid);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_is_its_caller_and_has_nothing_of_ours),
		cmocka_unit_test(a_program_ends_with_a_status_or_a_signal),
		cmocka_unit_test(descriptors_have_the_numbers_that_were_asked_for),
		cmocka_unit_test(a_new_pid_namespace_has_a_first_process_that_is_not_the_program),
		cmocka_unit_test(what_fails_names_its_phase_and_leaves_nothing),
		cmocka_unit_test(a_program_and_its_children_go_with_the_connection),
		cmocka_unit_test(a_program_that_is_to_stay_stays),
		cmocka_unit_test(what_was_not_granted_was_never_there),
		cmocka_unit_test(what_the_broker_has_not_written_down_does_not_begin),
		cmocka_unit_test(what_nobody_will_grant_any_more_ends_at_once),
		cmocka_unit_test(what_has_been_granted_goes_on_whatever_the_next_broker_says),
		cmocka_unit_test(a_leader_has_nothing_and_takes_next_to_nothing),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
