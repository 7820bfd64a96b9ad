/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "outfit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd.h"
#include "resource-limit.h"
#include "signal-name.h"

/* A number may be as high as the limit of whoever is limited most allows, and then some. */
static void raise_limit(void) {
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static bool has_number(const struct outfit *outfit, int number) {
	for (size_t i = 0; i < outfit->n; i++)
		if (outfit->numbers[i] == number)
			return true;
	return false;
}

/* First all of them out of the way, since a number may be that of another one. */
static int move_up(const struct outfit *outfit, int top, int moved[OUTFIT_MAX + 1]) {
	for (size_t i = 0; i <= outfit->n; i++) {
		int fd = i < outfit->n ? outfit->fds[i] : outfit->null;

		moved[i] = fcntl(fd, F_DUPFD_CLOEXEC, top);
		if (moved[i] < 0)
			return -errno;
	}
	return 0;
}

static int top_of(const struct outfit *outfit) {
	int top = 3;

	for (size_t i = 0; i < outfit->n; i++)
		if (outfit->numbers[i] >= top)
			top = outfit->numbers[i] + 1;
	return top;
}

int outfit_place(const struct outfit *outfit, int *keep) {
	int moved[OUTFIT_MAX + 1] = { 0 }, all[OUTFIT_MAX + 1], top = top_of(outfit), r;

	raise_limit();
	*keep = fcntl(*keep, F_DUPFD_CLOEXEC, top);
	if (*keep < 0)
		return -errno;
	r = move_up(outfit, top, moved);
	if (r < 0)
		return r;
	for (size_t i = 0; i < outfit->n; i++)
		if (dup2(moved[i], outfit->numbers[i]) < 0)
			return -errno;
	for (int number = 0; number < 3; number++)
		if (!has_number(outfit, number) && dup2(moved[outfit->n], number) < 0)
			return -errno;
	memcpy(all, outfit->numbers, outfit->n * sizeof *all);
	all[outfit->n] = *keep;
	return fd_close_all_but(all, outfit->n + 1);
}

bool outfit_leads_nothing(const Usher__SpawnRequest *request) {
	return request && request->has_new_session && !request->new_session;
}

int outfit_session(const Usher__SpawnRequest *request, struct refusal *refusal) {
	if (outfit_leads_nothing(request))
		return 0; /* its parent began one, and has ended */
	/* whoever leads a group already can only be in a session of its own */
	if (setsid() < 0 && getsid(0) != getpid())
		return -errno;
	if (!request || !request->has_terminal)
		return 0;
	if (ioctl((int)request->terminal, TIOCSCTTY, 0) < 0)
		return refusal_note(refusal, -errno,
				    "descriptors: %u cannot be the terminal of the new session: %s",
				    request->terminal, strerrordesc_np(errno));
	return 0;
}

/* Whoever ignored what before; also what the C library keeps to itself. */
void outfit_signals(const Usher__SpawnRequest *request) {
	static const uint64_t by_default[8]; /* the kernel's struct sigaction is no longer */
	sigset_t blocked;

	for (int number = 1; number < NSIG; number++)
		(void)syscall(SYS_rt_sigaction, number, by_default, NULL, NSIG / 8);
	sigemptyset(&blocked);
	for (size_t i = 0; request && i < request->n_signal_mask; i++)
		(void)sigaddset(&blocked, signal_name_find(request->signal_mask[i]));
	(void)sigprocmask(SIG_SETMASK, &blocked, NULL);
}

static rlim_t limit_of(uint64_t value) {
	return value == UINT64_MAX ? RLIM_INFINITY : (rlim_t)value;
}

static int set_limits(const Usher__SpawnRequest *request, struct refusal *refusal) {
	for (size_t i = 0; i < request->n_rlimits; i++) {
		const Usher__NamedResourceLimit *named = request->rlimits[i];
		struct rlimit limit = { limit_of(named->value->soft),
					limit_of(named->value->hard) };
		int which = resource_limit_find(named->key);

		if (setrlimit((enum __rlimit_resource)which, &limit) < 0)
			return refusal_note(refusal, -errno,
					    "credentials: the limit %s cannot be raised above the "
					    "caller's own",
					    named->key);
	}
	return 0;
}

int outfit_finish(const Usher__SpawnRequest *request, const struct heritage *heritage,
		  struct rlimit limits[RLIM_NLIMITS], struct refusal *refusal) {
	int r = 0;

	heritage_take(heritage, limits);
	if (!request)
		return 0;
	if (request->has_umask)
		(void)umask((mode_t)request->umask & 0777);
	if (request->has_nice && setpriority(PRIO_PROCESS, 0, request->nice) < 0)
		r = refusal_note(refusal, errno == EACCES ? -EPERM : -errno,
				 "credentials: nice: %s", strerrordesc_np(errno));
	return r == 0 ? set_limits(request, refusal) : r;
}
