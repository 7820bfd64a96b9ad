/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program that runs elsewhere, as if it ran here. */

#include "session.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../cleanup.h"
#include "answer.h"
#include "pidfd.h"

/* So often the service may go away while it is asked for the end of the program, and so long it is
 * not asked. */
enum { AGAIN_MAX = 20, AGAIN_USEC = 100000, SOON_MSEC = 20 };

static const int signals[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGUSR1,
			       SIGUSR2, SIGCONT, SIGTSTP, SIGWINCH };

int session_listen(struct session *s) {
	sigset_t mask;

	sigemptyset(&mask);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaddset(&mask, signals[i]);
	if (sigprocmask(SIG_BLOCK, &mask, &s->mask) < 0)
		return -errno;
	s->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signals < 0 ? -errno : 0;
}

/* To the program; who it runs as may be somebody else than we are, and then the service sends it.
 */
static void pass_signal(const struct session *s, int number) {
	if (pidfd_send_signal(s->pidfd, number, NULL, 0) < 0 && errno == EPERM)
		(void)usher_process_signal(s->usher, s->object, sigabbrev_np(number), NULL);
}

/* We stop and go on together; with a terminal of its own, the program knows for itself when. */
static void stop(const struct session *s) {
	if (s->terminal->user < 0)
		pass_signal(s, SIGSTOP);
	terminal_restore(s->terminal);
	(void)kill(getpid(), SIGSTOP);
}

static void on_signal(const struct session *s, int number) {
	switch (number) {
	case SIGTSTP: stop(s); break;
	case SIGCONT:
		if (s->terminal->user < 0)
			pass_signal(s, SIGCONT);
		else {
			/* Whoever stopped us has changed it since. */
			s->terminal->raw = false;
			terminal_adjust(s->terminal);
		}
		break;
	case SIGWINCH: terminal_adjust(s->terminal); break;
	default: pass_signal(s, number);
	}
}

static void read_signals(const struct session *s) {
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof info) == sizeof info)
		on_signal(s, (int)info.ssi_signo);
}

static void free_wait(struct usher_wait **wait) {
	usher_wait_free(*wait);
}

/* What has been answered so far: as usher_wait_get(), with a new question where the service has
 * left the old one unanswered. */
static int look(const struct session *s, struct usher_wait **wait, int *again, int *ret_status) {
	int r = usher_process(s->usher);

	if (r < 0)
		return r;
	r = *wait ? usher_wait_get(s->usher, *wait, ret_status) : -EINPROGRESS;
	if ((r != -ETIMEDOUT && r != -EHOSTDOWN) || ++*again > AGAIN_MAX)
		return r;
	(void)usleep(AGAIN_USEC);
	*wait = usher_wait_free(*wait);
	r = usher_wait_begin(s->usher, s->object, wait);
	return r < 0 ? r : -EINPROGRESS;
}

/* A kernel since Linux 6.15 says it as soon as somebody has reaped the process, and saves the way
 * over the bus: about what is over soon the service is not even asked. */
static int attend(const struct session *s, struct usher_wait **wait, int *ret_status) {
	struct pollfd polls[TERMINAL_POLLS + 3];
	int timeout, n, r, again = 0, pidfd = s->pidfd;

	for (;;) {
		r = look(s, wait, &again, ret_status);
		if (r != -EINPROGRESS)
			return r;
		timeout = terminal_prepare(s->terminal, polls);
		polls[2] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
		polls[3] = (struct pollfd){ .fd = usher_get_fd(s->usher), .events = POLLIN };
		polls[4] = (struct pollfd){ .fd = pidfd };
		if (!*wait && (timeout < 0 || timeout > SOON_MSEC))
			timeout = SOON_MSEC;
		n = poll(polls, TERMINAL_POLLS + 3, timeout);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		terminal_forward(s->terminal, polls);
		if (polls[2].revents)
			read_signals(s);
		if (polls[4].revents) {
			if (pidfd_status(pidfd, ret_status) == 0)
				return 0;
			pidfd = -1;
		}
		if (!*wait && (n == 0 || pidfd < 0))
			r = usher_wait_begin(s->usher, s->object, wait);
		if (r < 0 && r != -EINPROGRESS)
			return r;
	}
}

int session_attend(struct session *s, int *ret_status) {
	_cleanup_(free_wait) struct usher_wait *wait = NULL;
	int r;

	r = s->signals < 0 ? session_listen(s) : 0;
	if (r < 0)
		return answer_failure(s->arguments, NULL, r);
	terminal_start(s->terminal);
	r = attend(s, &wait, ret_status);
	terminal_finish(s->terminal);
	return r < 0 ? answer_refusal(s->arguments, s->usher, NULL, r) : 0;
}

void session_done(struct session *s) {
	if (s->signals < 0)
		return;
	close(take_fd(&s->signals));
	(void)sigprocmask(SIG_SETMASK, &s->mask, NULL);
}
