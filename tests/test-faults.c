/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whatever fails, nothing is left. Each operation is done for real, under a tracer that makes one
 * of its system calls fail, each in turn, with an error of that call's manual page
 * (call-errors.c); and once for each of its allocations, which fails. Then it has either been done
 * or left no trace: no mount, no loop device, no process, nothing in a network.
 *
 * A run is short: each operation has every sixty-fourth of its calls fail, or two dozen of many,
 * others than the one before it, and with one error each. With USHER_FAULTS=calls it is every call,
 * with USHER_FAULTS=all every error of every call. Words on the command line name operations, or
 * parts of their fields: then it is these alone.
 */

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "call-errors.h"
#include "job.h"
#include "kernel.h"
#include "support.h"
#include "trial.h"

enum { TRACEES_MAX = 32, CALLS_MAX = 20000, STRIDE = 64, AT_MOST = 24 };

/* Of whose pages none says how they could fail. */
static bool is_left_out(int number) {
	static const int without_errors[] = {
		SYS_exit,   SYS_exit_group, SYS_rt_sigreturn, SYS_setfsuid, SYS_setfsgid,
		SYS_pause,  SYS_getpid,     SYS_getppid,      SYS_gettid,   SYS_getuid,
		SYS_getgid, SYS_geteuid,    SYS_getegid,      SYS_umask,    SYS_set_tid_address,
	};

	for (size_t i = 0; i < N_OF(without_errors); i++)
		if (without_errors[i] == number)
			return true;
	return false;
}

/* ---- the tracer ---- */

struct fault {
	int at; /* the call that fails, from 0; -1: none */
	int error;
	bool allocations; /* not calls of the kernel, but of malloc() */
	/* what the tracer tells */
	int calls;
	int number; /* of the call that failed */
	int numbers[CALLS_MAX];
	bool stray; /* a process outlived the child */
};

static struct fault *fault; /* of this process; shared with the test */

struct tracee {
	pid_t pid;
	bool inside, off;         /* a system call */
	bool failing;             /* with an error, and not done but for close(2) */
	unsigned long long first; /* its first argument, which no call changes */
};

/* "close" of nothing, which every child may, in the place of the call. close(2) that fails has
 * closed all the same. brk(2) that fails answers where the heap ends, as if asked for that, and
 * with no errno. */
static void put_off(struct tracee *tracee, struct user_regs_struct *registers) {
	tracee->off = true;
	tracee->failing = registers->orig_rax != SYS_brk;
	tracee->first = registers->rdi;
	if (registers->orig_rax == SYS_close && fault->error != EBADF)
		return;
	registers->rdi = 0;
	if (tracee->failing) {
		registers->orig_rax = SYS_close;
		registers->rdi = (unsigned long long)-1;
	}
	(void)ptrace(PTRACE_SETREGS, tracee->pid, NULL, registers);
}

static struct tracee *find(struct tracee *tracees, pid_t pid) {
	struct tracee *free_one = NULL;

	for (size_t i = 0; i < TRACEES_MAX; i++) {
		if (tracees[i].pid == pid)
			return &tracees[i];
		if (!tracees[i].pid && !free_one)
			free_one = &tracees[i];
	}
	if (free_one)
		*free_one = (struct tracee){ .pid = pid };
	return free_one;
}

static void on_call(struct tracee *tracee) {
	struct user_regs_struct registers;

	if (ptrace(PTRACE_GETREGS, tracee->pid, NULL, &registers) < 0)
		return;
	tracee->inside = !tracee->inside;
	if (!tracee->inside) {
		if (tracee->off) {
			registers.rdi = tracee->first;
			if (tracee->failing)
				registers.rax = (unsigned long long)-fault->error;
			(void)ptrace(PTRACE_SETREGS, tracee->pid, NULL, &registers);
		}
		tracee->off = false;
		return;
	}
	if (is_left_out((int)registers.orig_rax))
		return;
	if (fault->calls < CALLS_MAX)
		fault->numbers[fault->calls] = (int)registers.orig_rax;
	if (fault->calls++ == fault->at) {
		fault->number = (int)registers.orig_rax;
		put_off(tracee, &registers);
	}
}

static _Noreturn void be_traced(int socket) {
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 || raise(SIGSTOP) != 0)
		_exit(99);
	if (job_prepare(socket, socket) == 0)
		job_serve(socket, trial_libexec());
	_exit(96);
}

/* Goes on with one that has stopped, and tells it of a signal that it was about to get. */
static void go_on(struct tracee *tracees, pid_t pid, int status) {
	struct tracee *tracee = find(tracees, pid);
	int number = WSTOPSIG(status);

	if (!tracee)
		_exit(98);
	if (number == (SIGTRAP | 0x80))
		on_call(tracee);
	if (number == (SIGTRAP | 0x80) || status >> 16 != 0 || number == SIGSTOP)
		number = 0;
	(void)ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(intptr_t)number);
}

/* However busy the machine is: what is about to end ends within these seconds. */
enum { STRAY_AFTER = 20 };

static time_t now(void) {
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

/* Until none is left; what outlives the child for long is a stray. The child's signal, if it died
 * of one. */
static int trace(pid_t child) {
	static struct tracee tracees[TRACEES_MAX];
	int status, number = 0;
	time_t over = 0;

	while (!over || now() - over <= STRAY_AFTER) {
		pid_t pid = waitpid(-1, &status, __WALL | (over ? WNOHANG : 0));

		if (pid < 0)
			return number;
		if (pid == 0) {
			(void)usleep(1000);
			continue;
		}
		if (WIFSTOPPED(status))
			go_on(tracees, pid, status);
		else if (pid == child) {
			number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
			over = now();
		}
	}
	fault->stray = true;
	_exit(0); /* and with us it */
}

static void serve_traced(int socket, void *data) {
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK |
			     PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
	int status, number;
	pid_t pid;

	fault = data;
	fault->calls = 0;
	pid = fork();
	if (pid == 0)
		be_traced(socket);
	(void)close(socket);
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, options) < 0 ||
	    ptrace(PTRACE_SYSCALL, pid, NULL, NULL) < 0)
		_exit(97);
	number = trace(pid);
	if (number > 0) { /* so that whoever waits for us hears of it */
		(void)signal(number, SIG_DFL);
		(void)raise(number);
	}
	_exit(0);
}

/* ---- allocations ---- */

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);
char *__wrap_strdup(const char *text);
int __wrap_asprintf(char **ret, const char *format, ...);
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t n, size_t size);
char *__real_strdup(const char *text);

static bool refuses(void) {
	if (!fault || !fault->allocations)
		return false;
	errno = ENOMEM;
	return fault->calls++ == fault->at;
}

void *__wrap_malloc(size_t size) {
	return refuses() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size) {
	return refuses() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size) {
	return refuses() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t n, size_t size) {
	return refuses() ? NULL : __real_reallocarray(old, n, size);
}

char *__wrap_strdup(const char *text) {
	return refuses() ? NULL : __real_strdup(text);
}

int __wrap_asprintf(char **ret, const char *format, ...) {
	va_list arguments;
	int n;

	if (refuses())
		return -1;
	va_start(arguments, format);
	n = vasprintf(ret, format, arguments);
	va_end(arguments);
	return n;
}

static void serve_starving(int socket, void *data) {
	fault = data;
	fault->calls = 0;
	if (job_prepare(socket, socket) == 0)
		job_serve(socket, trial_libexec());
}

/* ---- the tests ---- */

static struct fault *shared;

static struct trial_result do_it(const struct trial *trial, int at, int error, bool allocations) {
	struct trial_result result;

	memset(shared, 0, sizeof *shared);
	*shared = (struct fault){ .at = at, .error = error, .allocations = allocations };
	result = trial_do(trial, allocations ? serve_starving : serve_traced, shared);
	return result;
}

/* What could not be found out counts as not the caller's, or as a right that we do not have: more
 * is asked of who decides, who says yes to all here, and other flags are set. */
static bool may_be_stricter(void) {
	return !shared->allocations &&
	       (shared->number == SYS_ioctl || shared->number == SYS_fcntl ||
		shared->number == SYS_fstatfs || shared->number == SYS_uname ||
		shared->number == SYS_capget);
}

/* Who has gone need not be ended: so the kernel is believed, that lies here. */
static bool is_gone(void) {
	return !shared->allocations && shared->number == SYS_pidfd_send_signal &&
	       shared->error == ESRCH;
}

/* What came to lie on another mount is taken off again; that failing is the second fault. */
static bool is_second(const struct trial *trial) {
	return trial->code == REFUSED_RETRY &&
	       (shared->number == SYS_fchdir || shared->number == SYS_umount2);
}

/* What was done of a batch, and is not undone for a second fault or for want of memory, is told. */
static bool is_told(const struct trial_result *result) {
	return strstr(result->text, "not be undone") != NULL;
}

/* The machine's own mounts may have changed between the two, each of which began with a copy. */
static bool ended_alike(const struct trial_result *result, const struct trial_result *good) {
	if (result->before == good->before)
		return result->after == good->after;
	return (result->after == result->before) == (good->after == good->before);
}

/* The kernel has been asked for a change, and its answer could not be read. */
static bool is_unheard(const struct trial *trial) {
	return !shared->allocations && shared->number == SYS_recvmsg &&
	       (strncmp(trial->operation, "Netlink.", 8) == 0 ||
		strcmp(trial->operation, "Namespaces.ConnectVeth") == 0);
}

/* All of it was done, and then there was no way to say so. What makes a mount takes it back then;
 * nothing else can. And who looked whether anybody is left, and could not, has ended those there
 * were. */
static bool may_be_done(const struct trial *trial, const struct trial_result *result,
			const struct trial_result *good) {
	bool ends = strcmp(trial->operation, "Namespace.Destroy") == 0;

	return (!result->answered || ends) && ended_alike(result, good) &&
	       strncmp(trial->operation, "Mounts.Mount", 12) != 0 &&
	       strcmp(trial->operation, "Mounts.Bind") != 0;
}

/* Who keeps a process and hears that the broker has gone waits for the next one. */
static bool is_endless(const struct trial *trial, int number, int error) {
	return number == SYS_sendmsg && (error == EPIPE || error == ECONNRESET) &&
	       (strcmp(trial->operation, "Processes.Spawn") == 0 ||
		strcmp(trial->operation, "Signals.Trap") == 0);
}

static size_t wrongs;

static void wrong(const struct trial *trial, const struct trial_result *result, const char *what) {
	char call[64];

	if (shared->allocations)
		(void)snprintf(call, sizeof call, "allocation %d", shared->at);
	else
		(void)snprintf(call, sizeof call, "call %d (number %d, %s)", shared->at,
			       shared->number, strerrorname_np(shared->error) ?: "?");
	wrongs++;
	printf("# %s %.90s [%d]: %s: %s (code %d, status %#x: %s)\n", trial->operation,
	       trial->fields, trial->where, call, what, result->code, result->status, result->text);
}

/* A child that waits for who cannot tell it is ended by its clock, by SIGKILL. */
static void judge(const struct trial *trial, const struct trial_result *result,
		  const struct trial_result *good) {
	bool done = result->answered && result->code == 0;

	if (!result->tried)
		wrong(trial, result, "it hangs");
	else if (WIFSIGNALED(result->status) && WTERMSIG(result->status) != SIGKILL)
		wrong(trial, result, "the child dies of a signal");
	else if (shared->stray)
		wrong(trial, result, "a process outlives the child");
	else if (done && !ended_alike(result, good) && !may_be_stricter() && !is_gone())
		wrong(trial, result, "it is said to be done and is not");
	else if (!done && result->after != result->before && !is_second(trial) &&
		 !is_told(result) && !is_unheard(trial) && !may_be_done(trial, result, good))
		wrong(trial, result,
		      result->answered ? "something is left"
				       : "something is left, and nobody is told");
	else if (!done && result->loop_devices > 0 && !is_second(trial) &&
		 !may_be_done(trial, result, good))
		wrong(trial, result, "a loop device is left");
}

static char **words; /* of the command line; NULL at the end */

static bool is_named(const struct trial *trial) {
	if (!*words)
		return true;
	for (char **word = words; *word; word++)
		if (strstr(trial->operation, *word) || strstr(trial->fields, *word))
			return true;
	return false;
}

/* With USHER_FAULTS_PART=N/M only every Mth trial, from the Nth on, so that several can share them.
 */
static bool is_part(size_t i) {
	const char *part = getenv("USHER_FAULTS_PART");
	unsigned number, parts;

	return !part || sscanf(part, "%u/%u", &number, &parts) != 2 || parts == 0 ||
	       i % parts == (number - 1) % parts;
}

static bool wished(const char *what) {
	const char *wish = getenv("USHER_FAULTS");

	return wish && (strcmp(wish, "all") == 0 || strcmp(wish, what) == 0);
}

/* A call of which nobody has written down how it fails. */
static void unknown(int number) {
	wrongs++;
	printf("# call-errors.c does not have call %d\n", number);
}

static void fail_each(const struct trial *trial, const struct trial_result *good,
		      const int *numbers, int calls) {
	int turn = (int)(trial - trials), stride = STRIDE;

	if (calls / stride > AT_MOST) /* what looks at every process */
		stride = calls / AT_MOST;
	for (int at = wished("calls") ? 0 : (turn * 7 + 2) % stride; at < calls;
	     at += wished("calls") ? 1 : stride) {
		const int *errors = numbers ? call_errors(numbers[at]) : (const int[]){ ENOMEM, 0 };
		int n = 0;

		while (errors && errors[n])
			n++;
		if (n == 0)
			unknown(numbers[at]);
		for (int e = 0; e < n; e++) {
			struct trial_result result;

			if (!wished("errors") && e != (at + turn) % n)
				continue;
			if (numbers && is_endless(trial, numbers[at], errors[e]))
				continue;
			result = do_it(trial, at, errors[e], !numbers);
			judge(trial, &result, good);
		}
	}
}

static void fail_all(bool allocations) {
	static int numbers[CALLS_MAX];
	size_t tried = 0;

	trials_required();
#ifdef FILTERS_FOR_SANITIZERS
	skip_because("sanitizers make calls and allocations of their own");
#endif
	wrongs = 0;
	for (size_t i = 0; i < trials_n; i++) {
		struct trial_result good;
		int calls;

		if (!is_named(&trials[i]) || !is_part(i))
			continue;
		good = do_it(&trials[i], -1, 0, allocations);
		calls = shared->calls;
		if (!good.tried || good.code != trials[i].code || shared->stray)
			fail_msg("%s %s: not even without a fault: %d %s", trials[i].operation,
				 trials[i].fields, good.code, good.text);
		assert_true(calls > 3 && calls < CALLS_MAX);
		memcpy(numbers, shared->numbers, sizeof numbers);
		fail_each(&trials[i], &good, allocations ? NULL : numbers, calls);
		tried += (size_t)calls;
	}
	printf("# %zu of them\n", tried);
	(void)fflush(stdout);
	assert_int_equal(wrongs, 0);
}

static void whichever_system_call_fails_it_is_done_or_nothing_is_left(void **state) {
	(void)state;
#ifdef __x86_64__
	fail_all(false);
#else
	skip_because("the tracer knows the registers of x86_64 only");
#endif
}

static void whichever_allocation_fails_it_is_done_or_nothing_is_left(void **state) {
	(void)state;
	fail_all(true);
}

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whichever_system_call_fails_it_is_done_or_nothing_is_left),
		cmocka_unit_test(whichever_allocation_fails_it_is_done_or_nothing_is_left),
	};

	words = argv + (argc > 0);
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, trials_begin, trials_end);
}
