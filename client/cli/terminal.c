/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A terminal of the program's own, and the user's. */

#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../cleanup.h"

enum {
	FOREGROUND_MSEC = 250, /* between looks whether we have become the foreground */
	REST_MSEC = 200,       /* for what is still on its way out of the program's terminal */
};

bool terminal_is_there(void) {
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static int find(const int (*order)[3]) {
	for (size_t i = 0; i < 3; i++)
		if (isatty((*order)[i]))
			return (*order)[i];
	return -1;
}

static bool in_foreground(const struct terminal *t) {
	return tcgetpgrp(t->user) == getpgrp();
}

static void copy_size(const struct terminal *t) {
	struct winsize size;

	if (ioctl(t->user, TIOCGWINSZ, &size) == 0 && t->master >= 0)
		(void)ioctl(t->master, TIOCSWINSZ, &size);
}

int terminal_open(struct terminal *t) {
	static const int in[] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO };
	static const int out[] = { STDOUT_FILENO, STDERR_FILENO, STDIN_FILENO };

	t->user = find(&in);
	t->output = find(&out);
	if (t->user < 0)
		return -ENOTTY;
	if (tcgetattr(t->user, &t->saved) < 0)
		return -errno;
	t->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (t->master < 0)
		return -errno;
	if (grantpt(t->master) < 0 || unlockpt(t->master) < 0)
		return -errno;
	/* By number: what /dev/pts shows need not be what the terminal is from. */
	t->slave = ioctl(t->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (t->slave < 0)
		return -errno;
	(void)tcsetattr(t->slave, TCSANOW, &t->saved);
	t->alike = in_foreground(t);
	copy_size(t);
	return 0;
}

void terminal_adjust(struct terminal *t) {
	struct termios raw;

	if (t->user < 0)
		return;
	copy_size(t);
	if (t->raw || !in_foreground(t) || tcgetattr(t->user, &t->saved) < 0)
		return;
	/* What it was like while somebody else had it is how that one wants it. */
	if (!t->alike && t->master >= 0)
		t->alike = tcsetattr(t->master, TCSANOW, &t->saved) == 0;
	raw = t->saved;
	cfmakeraw(&raw);
	t->raw = tcsetattr(t->user, TCSADRAIN, &raw) == 0;
}

void terminal_start(struct terminal *t) {
	if (t->user < 0)
		return;
	close(take_fd(&t->slave));
	terminal_adjust(t);
}

int terminal_prepare(struct terminal *t, struct pollfd polls[static TERMINAL_POLLS]) {
	bool room = t->typed_count == 0 && t->raw && t->master >= 0;

	polls[0] = (struct pollfd){ .fd = room ? t->user : -1, .events = POLLIN };
	polls[1] = (struct pollfd){ .fd = t->user < 0 ? -1 : t->master,
				    .events = t->typed_count > 0 ? POLLIN | POLLOUT : POLLIN };
	if (t->user < 0 || t->raw)
		return -1;
	/* Nobody tells a job in the background that it is no longer there. */
	terminal_adjust(t);
	return t->raw ? 0 : FOREGROUND_MSEC;
}

/* All of it; the user's terminal is not ours to make non-blocking. */
static void write_all(int fd, const char *bytes, size_t count) {
	ssize_t n;

	while (count > 0) {
		n = write(fd, bytes, count);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return;
		if (n < 0 && errno == EAGAIN)
			(void)poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
		if (n > 0) {
			bytes += n;
			count -= (size_t)n;
		}
	}
}

/* One piece of what the program has written. False: there is no more at the moment. */
static bool show(struct terminal *t) {
	char bytes[16384];
	ssize_t n = read(t->master, bytes, sizeof bytes);

	if (n > 0)
		write_all(t->output, bytes, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close(take_fd(&t->master)); /* EIO: the last one has closed the other end */
	return n > 0;
}

static void pass_typed(struct terminal *t) {
	ssize_t n = write(t->master, t->typed, t->typed_count);

	if (n < 0)
		return;
	t->typed_count -= (size_t)n;
	memmove(t->typed, t->typed + n, t->typed_count);
}

void terminal_forward(struct terminal *t, const struct pollfd polls[static TERMINAL_POLLS]) {
	ssize_t n;

	if (polls[0].revents) {
		n = read(t->user, t->typed, sizeof t->typed);
		if (n > 0)
			t->typed_count = (size_t)n;
		else if (n == 0 || errno == EIO)
			close(take_fd(&t->master)); /* it is gone: the program's hangs up, too */
	}
	if (t->typed_count > 0 && t->master >= 0)
		pass_typed(t);
	if (polls[1].revents & (POLLIN | POLLHUP | POLLERR) && t->master >= 0)
		(void)show(t);
}

void terminal_restore(struct terminal *t) {
	if (t->raw && in_foreground(t))
		(void)tcsetattr(t->user, TCSADRAIN, &t->saved);
	t->raw = false;
}

void terminal_finish(struct terminal *t) {
	struct pollfd more;

	while (t->master >= 0) {
		more = (struct pollfd){ .fd = t->master, .events = POLLIN };
		if (poll(&more, 1, REST_MSEC) <= 0 || !show(t))
			break;
	}
	terminal_restore(t);
}

void terminal_done(struct terminal *t) {
	terminal_restore(t);
	cleanup_close(&t->master);
	cleanup_close(&t->slave);
	t->master = t->slave = -1;
}
