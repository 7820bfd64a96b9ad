/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a process may know and set of itself and its children. */

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "event/usher-event.h"
#include "event/verdict.h"

int usher_prctl(int option, unsigned long second, unsigned long third, unsigned long fourth,
		unsigned long fifth) {
	return verdict_of("prctl", prctl(option, second, third, fourth, fifth));
}

int usher_capbset_has(int capability) {
	return usher_prctl(PR_CAPBSET_READ, (unsigned long)capability, 0, 0, 0);
}

int usher_capbset_drop(int capability) {
	return usher_prctl(PR_CAPBSET_DROP, (unsigned long)capability, 0, 0, 0);
}

int usher_get_child_subreaper(void) {
	int reaper, r = usher_prctl(PR_GET_CHILD_SUBREAPER, (unsigned long)&reaper, 0, 0, 0);

	return r < 0 ? r : reaper;
}

int usher_set_child_subreaper(bool reaper) {
	return usher_prctl(PR_SET_CHILD_SUBREAPER, reaper, 0, 0, 0);
}

int usher_get_dumpable(void) {
	return usher_prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}

int usher_set_dumpable(bool dumpable) {
	return usher_prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0);
}

int usher_get_no_new_privileges(void) {
	return usher_prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
}

int usher_set_no_new_privileges(void) {
	return usher_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int usher_get_timer_slack(void) {
	return usher_prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
}

int usher_set_timer_slack(unsigned long nanoseconds) {
	return usher_prctl(PR_SET_TIMERSLACK, nanoseconds, 0, 0, 0);
}

pid_t usher_getpid(void) {
	return (pid_t)syscall(SYS_getpid);
}

pid_t usher_getppid(void) {
	return (pid_t)syscall(SYS_getppid);
}

int usher_set_robust_list(struct robust_list_head *head) {
	return verdict_of("set_robust_list", syscall(SYS_set_robust_list, head, sizeof *head));
}

int usher_child_wait(int pidfd, int options, struct usher_child_state *ret) {
	siginfo_t info = { 0 };
	struct rusage usage;
	long r;

	do
		r = syscall(SYS_waitid, P_PIDFD, pidfd, &info, options, &usage);
	while (r < 0 && errno == EINTR);
	if (r < 0 && errno == ECHILD)
		return verdict_note(-ENOENT, "it is no child of this process, or no more");
	if (r < 0)
		return verdict_errno("waitid");
	if (info.si_pid == 0)
		return verdict_note(-EAGAIN, "nothing has become of the child");
	*ret = (struct usher_child_state){ info.si_code, info.si_pid, info.si_uid, info.si_status,
					   usage };
	return 0;
}
