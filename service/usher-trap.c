/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * usher-trap: receives signals for somebody and writes what they were to its standard output. Those
 * that it is about are blocked when it begins; all others do to it what they do to any process. It
 * runs as that user, who may look into it, so it is a program of its own with nothing of the
 * service's in its memory.
 */

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "instant.h"
#include "trap-report.h"

static bool receive(int signals) {
	struct trap_report report = { 0 };
	ssize_t n = read(signals, &report.info, sizeof report.info);

	if (n < 0 && errno == EINTR)
		return true;
	if (n != sizeof report.info)
		return false;
	report.usec = instant_date_usec();
	return write(STDOUT_FILENO, &report, sizeof report) == sizeof report;
}

int main(void) {
	sigset_t blocked;
	int signals;

	(void)prctl(PR_SET_NAME, "usher-trap");
	(void)syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
	if (sigprocmask(SIG_BLOCK, NULL, &blocked) < 0)
		return 1;
	signals = signalfd(-1, &blocked, SFD_CLOEXEC);
	while (signals >= 0 && receive(signals))
		;
	return 1;
}
