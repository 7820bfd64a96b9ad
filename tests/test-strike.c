/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * No row is wider than it needs to be. Each operation is done for real, once as it is and once for
 * each system call and each capability that its row names, with that one struck out: then it must
 * not succeed.
 */

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine.h"
#include "job.h"
#include "support.h"
#include "trial.h"

enum { NOTHING = -1 };

/* ---- what is struck ---- */

struct strike {
	int system_call; /* or NOTHING */
	uint64_t capability;
};

static struct strike strike = { NOTHING, 0 };

int __wrap_confine_capabilities(uint64_t capabilities);
int __wrap_confine_system_calls(size_t operation);
int __real_confine_capabilities(uint64_t capabilities);
int __real_confine_system_calls(size_t operation);

int __wrap_confine_capabilities(uint64_t capabilities) {
	return __real_confine_capabilities(capabilities & ~strike.capability);
}

/* A filter of its own beside the row's: the more severe answer counts. */
static int forbid(int number) {
	struct sock_filter instructions[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { N_OF(instructions), instructions };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}

int __wrap_confine_system_calls(size_t operation) {
	int r = strike.system_call == NOTHING ? 0 : forbid(strike.system_call);

	return r < 0 ? r : __real_confine_system_calls(operation);
}

/* ---- the tests ---- */

static void serve(int socket, void *data) {
	strike = *(const struct strike *)data;
	if (job_prepare(socket, socket) == 0)
		job_serve(socket, trial_libexec());
}

static struct trial_result try_with(const struct trial *trial, struct strike struck) {
	struct trial_result result = trial_do(trial, serve, &struck);

	if (!result.tried)
		fail_msg("%s %s: cannot be tried", trial->operation, trial->fields);
	return result;
}

static bool is_killed(const struct trial_result *result) {
	return WIFSIGNALED(result->status);
}

static void every_trial_ends_as_it_should(void **state) {
	(void)state;
	trials_required();
	for (size_t i = 0; i < trials_n; i++) {
		const struct trial *trial = &trials[i];
		struct trial_result result = try_with(trial, (struct strike){ NOTHING, 0 });

		if (is_killed(&result) || !result.answered || result.code != trial->code)
			fail_msg("%s %s: %d instead of %d, status %#x: %s", trial->operation,
				 trial->fields, result.code, trial->code, result.status,
				 result.text);
	}
}

static bool is_of(const struct trial *trial, const struct operation *row) {
	size_t place;

	return operation_find_whole(trial->operation, &place) == row;
}

/* Whether any trial of the row ends otherwise without what is struck. */
static bool is_missed(const struct operation *row, struct strike struck) {
	for (size_t i = 0; i < trials_n; i++) {
		struct trial_result result;

		if (!is_of(&trials[i], row))
			continue;
		result = try_with(&trials[i], struck);
		if (is_killed(&result) && WTERMSIG(result.status) != SIGSYS)
			fail_msg("%s %s: status %#x", trials[i].operation, trials[i].fields,
				 result.status);
		if (is_killed(&result) || result.code != trials[i].code)
			return true;
	}
	return false;
}

static size_t needless(const struct operation *row, const char *kind, int number) {
	printf("# %s.%s does not need %s %d\n", row->interface, row->method, kind, number);
	return 1;
}

/* By these a file system is opened that is another one in every subvolume, or the layer found that
 * an overlay writes to. */
static bool lacks_file_system(const struct operation *row, int number) {
	bool of_btrfs = number == SYS_fsopen || number == SYS_fsconfig || number == SYS_fsmount,
	     of_overlays = number == SYS_name_to_handle_at || number == SYS_open_by_handle_at;

	if (strcmp(row->interface, "Watches") != 0 ||
	    !((of_btrfs && !trials_have_btrfs()) || (of_overlays && !trials_have_overlays())))
		return false;
	printf("# %s.%s: system call %d is not struck, since no %s can be made here\n",
	       row->interface, row->method, number, of_btrfs ? "btrfs" : "overlay that tells");
	return true;
}

static void without_any_one_system_call_of_its_row_no_operation_succeeds(void **state) {
	size_t wrong = 0;

	(void)state;
	trials_required();
	for (size_t row = 0; row < operations_n; row++)
		for (const int *number = operations[row]->syscalls; *number >= 0; number++)
			if (!lacks_file_system(operations[row], *number) &&
			    !is_missed(operations[row], (struct strike){ *number, 0 }))
				wrong += needless(operations[row], "system call", *number);
	(void)fflush(stdout);
	assert_int_equal(wrong, 0);
}

static void without_any_one_capability_of_its_row_no_operation_succeeds(void **state) {
	size_t wrong = 0;

	(void)state;
	trials_required();
	for (size_t row = 0; row < operations_n; row++)
		for (int c = 0; c <= CAP_LAST_CAP; c++)
			if (operations[row]->capabilities & CAP(c) &&
			    !is_missed(operations[row], (struct strike){ NOTHING, CAP(c) }))
				wrong += needless(operations[row], "capability", c);
	(void)fflush(stdout);
	assert_int_equal(wrong, 0);
}

static void every_row_is_tried(void **state) {
	(void)state;
	for (size_t row = 0; row < operations_n; row++) {
		bool tried = false;

		if (operations[row]->here) /* nothing is done in a child */
			continue;
		for (size_t i = 0; i < trials_n; i++)
			tried |= is_of(&trials[i], operations[row]);
		if (!tried)
			fail_msg("%s.%s is not tried", operations[row]->interface,
				 operations[row]->method);
		/* each row has something to strike */
		assert_true(operations[row]->syscalls[0] >= 0);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_tried),
		cmocka_unit_test(every_trial_ends_as_it_should),
		cmocka_unit_test(without_any_one_system_call_of_its_row_no_operation_succeeds),
		cmocka_unit_test(without_any_one_capability_of_its_row_no_operation_succeeds),
	};

	return cmocka_run_group_tests(tests, trials_begin, trials_end);
}
