/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * usher-netlink: reads the kernel's tables. The broker says over descriptor 3 what it wants to
 * know; it is started for each connection by systemd, or by `usherd --session` with one end of a
 * socket pair.
 */

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd.h"
#include "reader.h"
#include "restraint.h"
#include "rights.h"
#include "territory.h"

enum { CONNECTION_FD = 3 /* SD_LISTEN_FDS_START */ };

int main(void) {
	sigset_t none;

	sigemptyset(&none);
	if (clearenv() != 0 || chdir("/") < 0 || fd_open_standard() < 0 ||
	    syscall(SYS_close_range, CONNECTION_FD + 1, ~0U, 0) < 0 ||
	    sigprocmask(SIG_SETMASK, &none, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		err(1, "cannot start afresh");
	errno = -territory_begin();
	if (errno == 0)
		errno = -rights_begin();
	if (errno == 0)
		errno = -restraint_begin();
	if (errno != 0)
		err(1, "cannot give up what is not needed");
	errno = -reader_serve(CONNECTION_FD);
	if (errno != 0)
		err(1, "cannot serve");
	return 0;
}
