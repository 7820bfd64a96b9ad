/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Masks of signals, and signalfd(2). */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "event/source.h"
#include "event/verdict.h"

int usher_sigmask(int how, const sigset_t *set, sigset_t *ret_old) {
	/* This one returns its errno, and leaves errno alone. */
	errno = pthread_sigmask(how, set, ret_old);
	return errno ? verdict_errno("pthread_sigmask") : 0;
}

int usher_sigaction(int number, const struct sigaction *action, struct sigaction *ret_old) {
	return verdict_of("sigaction", sigaction(number, action, ret_old));
}

int usher_signalfd(int fd, const sigset_t *signals, int flags) {
	int r = signalfd(fd, signals, flags | SFD_CLOEXEC);

	if (r < 0 && errno == EINVAL && fd >= 0 && fcntl(fd, F_GETFD) >= 0)
		return verdict_note(-EINVAL, "signalfd: %d is no signalfd, or a flag is unknown",
				    fd);
	return verdict_of("signalfd", r);
}

/* ---- the source ---- */

static int parse(const void *data, size_t size, struct usher_event *ret) {
	struct signalfd_siginfo info;

	if (size < sizeof info)
		return -EBADMSG;
	memcpy(&info, data, sizeof info);
	ret->signal = (struct usher_signal_event){
		.number = (int)info.ssi_signo,
		.error = info.ssi_errno,
		.code = info.ssi_code,
		.pid = (int)info.ssi_pid,
		.uid = (int)info.ssi_uid,
		.value = info.ssi_int,
		.pointer = info.ssi_ptr,
		.fd = info.ssi_fd,
		.band = (int)info.ssi_band,
		.timer = (int)info.ssi_tid,
		.overruns = (int)info.ssi_overrun,
		.trap = (int)info.ssi_trapno,
		.status = info.ssi_status,
		.user_ticks = info.ssi_utime,
		.system_ticks = info.ssi_stime,
		.address = info.ssi_addr,
	};
	return sizeof info;
}

const struct source_kind source_signalfd = {
	.name = "signalfd",
	.link = "anon_inode:[signalfd]",
	.room = 64 * sizeof(struct signalfd_siginfo),
	.parse = parse,
};

int usher_signalfd_new(const sigset_t *signals, struct usher_source **ret) {
	int r, fd = usher_signalfd(-1, signals, SFD_NONBLOCK);

	if (fd < 0)
		return fd;
	r = source_new(USHER_SOURCE_SIGNALFD, fd, ret);
	if (r == 0)
		(*ret)->signals = *signals;
	return r;
}

static int check(struct usher_source *source) {
	return source_check_kind(source, USHER_SOURCE_SIGNALFD);
}

/* Nothing has changed where this fails. */
static int set(struct usher_source *source, const sigset_t *signals) {
	/* The flags are those that it was made with. */
	int r = usher_signalfd(source->fd, signals, 0);

	if (r < 0)
		return r;
	source->signals = *signals;
	return 0;
}

static int change(struct usher_source *source, const int numbers[], size_t count,
		  int (*one)(sigset_t *signals, int number)) {
	sigset_t signals;
	int r = check(source);

	if (r < 0)
		return r;
	signals = source->signals;
	for (size_t i = 0; i < count; i++)
		if (one(&signals, numbers[i]) < 0)
			return verdict_note(-EINVAL, "%d is no signal", numbers[i]);
	return set(source, &signals);
}

int usher_signalfd_enable(struct usher_source *source, const int numbers[], size_t count) {
	return change(source, numbers, count, sigaddset);
}

int usher_signalfd_disable(struct usher_source *source, const int numbers[], size_t count) {
	return change(source, numbers, count, sigdelset);
}

int usher_signalfd_enable_all(struct usher_source *source) {
	sigset_t signals;
	int r = check(source);

	sigfillset(&signals);
	return r < 0 ? r : set(source, &signals);
}

int usher_signalfd_disable_all(struct usher_source *source) {
	sigset_t signals;
	int r = check(source);

	sigemptyset(&signals);
	return r < 0 ? r : set(source, &signals);
}

int usher_signalfd_has(struct usher_source *source, int number) {
	int r = check(source);

	if (r < 0)
		return r;
	r = sigismember(&source->signals, number);
	return r < 0 ? verdict_note(-EINVAL, "%d is no signal", number) : r;
}

/* ---- for as long as somebody wants it ---- */

struct usher_signal_block {
	sigset_t signals;
};

int usher_signal_block_new(const sigset_t *signals, struct usher_signal_block **ret) {
	struct usher_signal_block *block;
	char name[USHER_SIGNAL_NAME_MAX];
	sigset_t old, both;
	int r = usher_sigmask(SIG_BLOCK, NULL, &old);

	if (r < 0)
		return r;
	sigandset(&both, &old, signals);
	for (int number = 1; number <= SIGRTMAX; number++)
		if (sigismember(&both, number) == 1)
			return verdict_note(-EBUSY, "%s is blocked already",
					    usher_signal_to_string(number, name));
	block = malloc(sizeof *block);
	if (!block)
		return verdict_note(-ENOMEM, "no memory");
	block->signals = *signals;
	r = usher_sigmask(SIG_BLOCK, signals, NULL);
	if (r < 0)
		free(block);
	else
		*ret = block;
	return r;
}

int usher_signal_block_end(struct usher_signal_block *block) {
	char name[USHER_SIGNAL_NAME_MAX];
	sigset_t old, signals;
	int r;

	if (!block)
		return 0;
	signals = block->signals;
	free(block);
	r = usher_sigmask(SIG_UNBLOCK, &signals, &old);
	for (int number = 1; r == 0 && number <= SIGRTMAX; number++)
		if (sigismember(&signals, number) == 1 && sigismember(&old, number) == 0 &&
		    number != SIGKILL && number != SIGSTOP)
			r = verdict_note(-EINVAL, "%s was unblocked by somebody else",
					 usher_signal_to_string(number, name));
	return r;
}
