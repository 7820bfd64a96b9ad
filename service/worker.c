/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * usher-worker: forks a child for each of the broker's connections. It reads nothing and keeps
 * nothing; what hangs, dies or is killed is one child with one request.
 *
 * A fork takes as long as most orders, so a few children are there before somebody asks: each has
 * done what no order changes, and takes one connection. Another is forked in its place when it has
 * ended, so that who waits for it does not wait for a fork beside it; or at once, if only one is
 * left that waits, since what has been asked of it may take for ever.
 *
 * `usher-worker --reset` is what systemd runs after its end: see allowance.h.
 *
 * The socket is the first descriptor that systemd passes; `usherd --session` passes one end of a
 * socket pair instead and sends every connection over it.
 */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "allowance.h"
#include "config.h"
#include "confine.h"
#include "fd.h"
#include "instant.h"
#include "job.h"
#include "mount-table.h"
#include "vessel.h"

enum {
	LISTEN_FD = 3, /* SD_LISTEN_FDS_START */
	CALL_FD = 4,   /* by which a child calls for others */
	VESSEL_FD = 5,
	OWN_FD_LAST = 8, /* up to there, what job_open_own() has opened */
	IDLE_SEC = 60,
	PAUSE_USEC = 100 * 1000,
	READY_MAX = 3,
	READY_LEAST = 2,
};

/* What becomes of the child in each place; shared with the children that wait, but not with those
 * that work. */
enum state { GONE, WAITS, WORKS };

struct worker {
	const char *libexec;
	bool listening;   /* or there is a pair, that connections come over */
	sigset_t signals; /* that were blocked when we were started */
	pid_t self;
	int called; /* where CALL_FD is heard */
	_Atomic enum state *states;
	pid_t pids[READY_MAX]; /* of who waits, or has waited, there */
	uint64_t again_usec;   /* not before then, after a child that did not get to wait; or 0 */
};

static size_t waiting(const struct worker *worker) {
	size_t n = 0;

	for (size_t i = 0; i < READY_MAX; i++)
		n += worker->states[i] == WAITS;
	return n;
}

static void on_child(int number) {
	(void)number; /* it only has to interrupt poll() */
}

static bool is_listening(int socket) {
	int listening = 0;
	socklen_t size = sizeof listening;

	return getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening;
}

static int next_connection(const struct worker *worker) {
	int fd;

	if (!worker->listening)
		return fd_receive(LISTEN_FD);
	fd = accept4(LISTEN_FD, NULL, NULL, SOCK_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* ---- a child ---- */

/* The number that the connection will have. */
static volatile sig_atomic_t connection_fd;

/* The parent has gone. Whoever still waits goes too; who has taken a connection, which the kernel
 * makes known by the descriptor before any signal is, serves it. */
static void on_orphaned(int number) {
	(void)number;
	if (fcntl(connection_fd, F_GETFD) < 0)
		_exit(0);
}

static int lowest_free_descriptor(void) {
	int fd = fcntl(LISTEN_FD, F_DUPFD_CLOEXEC, 3);

	if (fd >= 0)
		(void)close(fd);
	return fd;
}

/* Children that work outlive the worker; children that wait do not. */
static int go_with_parent(const struct worker *worker) {
	const struct sigaction action = { .sa_handler = on_orphaned };
	sigset_t signals = worker->signals;

	sigdelset(&signals, SIGTERM); /* a broker of our own has it blocked */
	connection_fd = lowest_free_descriptor();
	if (connection_fd < 0 || sigaction(SIGTERM, &action, NULL) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || sigprocmask(SIG_SETMASK, &signals, NULL) < 0)
		return -errno;
	return getppid() == worker->self ? 0 : -ESRCH;
}

/* Of two that take a connection at once, the second to say so sees the first. */
static int stay(const struct worker *worker, size_t place) {
	worker->states[place] = WORKS;
	if (prctl(PR_SET_PDEATHSIG, 0) < 0 || signal(SIGTERM, SIG_DFL) == SIG_ERR ||
	    sigprocmask(SIG_SETMASK, &worker->signals, NULL) < 0)
		return -errno;
	if (waiting(worker) < READY_LEAST && write(CALL_FD, "", 1) < 0 && errno != EPIPE &&
	    errno != EAGAIN)
		return -errno;
	(void)signal(SIGPIPE, SIG_DFL);
	(void)munmap((void *)worker->states, READY_MAX * sizeof *worker->states);
	(void)syscall(SYS_close_range, LISTEN_FD, CALL_FD, 0);
	return 0;
}

static _Noreturn void be_child(const struct worker *worker, size_t place) {
	int connection;

	(void)signal(SIGCHLD, SIG_DFL);
	(void)signal(SIGPIPE, SIG_IGN); /* the parent may go before it hears of us */
	(void)prctl(PR_SET_NAME, "usher-ready");
	if (job_prepare(LISTEN_FD, OWN_FD_LAST) < 0 || go_with_parent(worker) < 0)
		_exit(1);
	do
		connection = next_connection(worker);
	while (connection == -EINTR || connection == -ECONNABORTED);
	if (connection < 0 || stay(worker, place) < 0)
		_exit(1);
	(void)prctl(PR_SET_NAME, "usher-worker");
	job_serve(connection, worker->libexec);
}

/* ---- the parent ---- */

static void pause_forking(struct worker *worker) {
	worker->again_usec = instant_usec() + PAUSE_USEC;
}

static bool make_ready(struct worker *worker, size_t place) {
	pid_t pid;

	worker->states[place] = WAITS;
	pid = fork();
	if (pid == 0)
		be_child(worker, place);
	if (pid < 0)
		worker->states[place] = GONE;
	worker->pids[place] = pid;
	return pid > 0;
}

static void reap(struct worker *worker) {
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (size_t i = 0; i < READY_MAX; i++)
			if (worker->pids[i] == pid && worker->states[i] == WAITS) {
				worker->states[i] = GONE;
				pause_forking(worker);
			}
}

static void hear_calls(const struct worker *worker) {
	char calls[64];

	while (read(worker->called, calls, sizeof calls) == sizeof calls)
		;
}

/* Until there can be children again, the broker hears at once that nobody serves it. */
static void turn_away(const struct worker *worker) {
	int connection = next_connection(worker);

	if (connection >= 0)
		(void)close(connection);
}

static void make_all_ready(struct worker *worker) {
	if (worker->again_usec && instant_usec() >= worker->again_usec)
		worker->again_usec = 0;
	for (size_t i = 0; i < READY_MAX && !worker->again_usec; i++)
		if (worker->states[i] != WAITS && !make_ready(worker, i))
			pause_forking(worker);
}

/* Those that work, and what was left to us by one that has ended: what stays belongs to somebody,
 * or systemd would complain of it whenever it started us again. */
static bool has_other_children(const struct worker *worker) {
	_cleanup_close_ int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	char text[256];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
	size_t children = 0;

	for (ssize_t i = 0; i < n; i++)
		children += text[i] == ' ';
	return n < 0 || children > waiting(worker);
}

/* False when there is nothing to do any more. */
static bool turn(struct worker *worker) {
	struct pollfd fds[] = { { .fd = worker->called, .events = POLLIN }, { .fd = LISTEN_FD } };
	struct timespec timeout = { .tv_sec = IDLE_SEC };
	int n;

	make_all_ready(worker);
	if (worker->again_usec)
		timeout = (struct timespec){ .tv_nsec = PAUSE_USEC * 1000L };
	if (worker->again_usec && waiting(worker) == 0)
		fds[1].events = POLLIN;
	n = ppoll(fds, 2, worker->listening || worker->again_usec ? &timeout : NULL,
		  &worker->signals);
	if (n > 0 && fds[1].revents & (POLLHUP | POLLERR))
		return false;
	if (n > 0 && fds[1].revents)
		turn_away(worker);
	if (n == 0 && !worker->again_usec && !has_other_children(worker))
		return false; /* systemd listens on */
	if (n > 0 && fds[0].revents)
		hear_calls(worker);
	reap(worker);
	return true;
}

static void start(struct worker *worker) {
	const struct sigaction action = { .sa_handler = on_child };
	sigset_t blocked;
	int pipe[2];

	if (clearenv() != 0 || chdir("/") < 0 || fd_open_standard() < 0)
		err(1, "cannot start afresh");
	if (syscall(SYS_close_range, LISTEN_FD + 1, ~0U, 0) < 0 ||
	    pipe2(pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		err(1, "cannot listen to children");
	/* the first free number is the reader's, which moves up */
	worker->called = fcntl(pipe[0], F_DUPFD_CLOEXEC, OWN_FD_LAST + 1);
	worker->states = mmap(NULL, READY_MAX * sizeof *worker->states, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (worker->called < 0 || dup3(pipe[1], CALL_FD, O_CLOEXEC) < 0 || close(pipe[1]) < 0 ||
	    worker->states == MAP_FAILED)
		err(1, "cannot listen to children");
	(void)confine_foresee(); /* without it, they take longer */
	errno = -job_open_own(vessel_open(VESSEL_FD) == 0 ? VESSEL_FD : -1);
	if (errno != 0)
		err(1, "cannot open what is our own");
	worker->listening = is_listening(LISTEN_FD);
	worker->self = getpid();
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	if (sigaction(SIGCHLD, &action, NULL) < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 ||
	    sigprocmask(SIG_BLOCK, &blocked, &worker->signals) < 0)
		err(1, "cannot wait for children");
}

int main(int argc, char *argv[]) {
	struct worker worker = {
		.libexec = argc == 3 && strcmp(argv[1], "--libexec") == 0 ? argv[2] : LIBEXECDIR,
	};

	if (argc == 2 && strcmp(argv[1], "--reset") == 0) {
		allowance_reset();
		return 0;
	}
	start(&worker);
	(void)mount_table_kernel_suffices(); /* or each child would find out by itself */
	while (turn(&worker))
		;
	return 0;
}
