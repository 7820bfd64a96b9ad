/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Trap: a process of the caller's that receives signals, of which the caller is told. */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "birth.h"
#include "keeper.h"
#include "kernel.h"
#include "lifetime.h"
#include "message.h"
#include "operations.h"
#include "signal-name.h"
#include "trap-report.h"
#include "wire.h"

struct trap {
	Usher__SpawnRequest spawn;
	Usher__NumberedDescriptor output, *outputs[1];
	uint64_t signals;
	pid_t pid;
	int report; /* what it writes is read there */
	int pids;   /* its namespace of processes, where that is not ours */
	bool own_users;
};

/* ---- the words ---- */

static uint64_t bit_of(int number) {
	return UINT64_C(1) << (number - 1);
}

static int check_signals(const Usher__TrapRequest *m, struct refusal *refusal) {
	if (m->n_signals == 0)
		return refusal_note(refusal, REFUSED_INVALID, "signals: names none");
	return signal_name_check_all("signals", m->signals, m->n_signals, "received", refusal);
}

static int trap_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__TrapRequest *m = (const void *)message;
	int r = check_signals(m, refusal);

	if (r == 0)
		r = lifetime_check(m->lifetime, refusal);
	if (r == 0 && m->lifetime && !lifetime_is_connection(m->lifetime))
		return refusal_note(refusal, REFUSED_INVALID,
				    "lifetime: a trap goes with the connection that is told of its "
				    "signals");
	return r;
}

/* ---- the process ---- */

static int add_output(struct job *job, struct trap *trap) {
	int pair[2], place;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	trap->report = pair[0];
	place = fds_add(&job->fds, pair[1]);
	if (place < 0)
		return place;
	usher__numbered_descriptor__init(&trap->output);
	trap->output.key = STDOUT_FILENO;
	trap->output.value_fd = (uint32_t)place;
	trap->outputs[0] = &trap->output;
	return 0;
}

/* It has no right that its caller has not, and none that is of use there. */
static void describe_process(struct trap *trap, const Usher__TrapRequest *m) {
	static char name[] = "usher-trap", none[] = "none", killed[] = "KILL", *names[] = { name },
		    *nothing[] = { none };
	Usher__SpawnRequest *spawn = &trap->spawn;

	usher__spawn_request__init(spawn);
	spawn->argv = names;
	spawn->n_argv = 1;
	spawn->capabilities = nothing;
	spawn->n_capabilities = 1;
	spawn->parent_death_signal = killed;
	spawn->signal_mask = m->signals;
	spawn->n_signal_mask = m->n_signals;
	spawn->fds = trap->outputs;
	spawn->n_fds = 1;
}

static int trap_prepare(struct job *job, const char *libexec) {
	const Usher__TrapRequest *m = (const void *)job->request;
	struct trap *trap = calloc(1, sizeof *trap);
	int r;

	if (!trap)
		return -ENOMEM;
	job->state = trap;
	trap->pids = -1;
	for (size_t i = 0; i < m->n_signals; i++)
		trap->signals |= bit_of(signal_name_find(m->signals[i]));
	r = add_output(job, trap);
	if (r < 0)
		return r;
	describe_process(trap, m);
	r = birth_begin_own(job, libexec, &trap->spawn, "usher-trap");
	fd_closep(&job->fds.fd[trap->output.value_fd]); /* the process has it */
	return r;
}

static int trap_resolve(struct job *job) {
	const Usher__TrapRequest *m = (const void *)job->request;
	char words[256] = "";
	size_t used = 0;
	int r = birth_resolve(job);

	for (size_t i = 0; i < m->n_signals && used < sizeof words - 1; i++)
		used += (size_t)snprintf(words + used, sizeof words - used, "%s%s", used ? " " : "",
					 m->signals[i]);
	return r == 0 ? job_detail(job, "signals", words) : r;
}

static int add_signals(Usher__SignalTrapObject *made, const Usher__TrapRequest *m) {
	char name[SIGNAL_NAME_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->n_signals; i++)
		if (signal_name_of(signal_name_find(m->signals[i]), name))
			r = message_append_string(&made->signals, &made->n_signals, name);
	return r;
}

static int describe(struct job *job) {
	Usher__TrapReply *reply = (Usher__TrapReply *)job->reply;
	Usher__SignalTrapObject *made =
		(Usher__SignalTrapObject *)message_new(&usher__signal_trap_object__descriptor);

	reply->made = made;
	reply->trap_object = strdup("");
	reply->pid = (uint32_t)job->birth->pid;
	reply->pidfd_fd = (uint32_t)job->reply_fds.n;
	if (!made || !reply->trap_object)
		return -ENOMEM;
	made->has_pid = made->has_owner = true;
	made->pid = (uint32_t)job->birth->pid;
	made->owner = job->place.uid;
	made->lifetime = strdup("connection");
	return made->lifetime ? add_signals(made, (const void *)job->request) : -ENOMEM;
}

static int trap_run(struct job *job) {
	return birth_run(job, describe);
}

/* ---- what it is told ---- */

/* The kernel told the process in numbers of its own namespaces; who has gone meanwhile has none. */
static uint32_t sender_of(const struct trap *trap, uint32_t pid) {
	int found;

	if (trap->pids < 0 || pid == 0)
		return pid;
	found = ioctl(trap->pids, KERNEL_NS_GET_TGID_FROM_PIDNS, pid);
	return found > 0 ? (uint32_t)found : 0;
}

/* Lines of the kernel's map, as we see it. */
static uint32_t user_of(const struct keeper *keeper, const struct trap *trap, uint32_t uid) {
	_cleanup_close_ int fd = -1;
	char path[32], text[4096], *at = text, *end;
	ssize_t n = 0;

	if (!trap->own_users)
		return uid;
	(void)snprintf(path, sizeof path, "%d/uid_map", trap->pid);
	fd = openat(keeper->proc, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	for (;;) {
		unsigned long inside = strtoul(at, &end, 10), outside = strtoul(end, &end, 10),
			      count = strtoul(end, &at, 10);

		if (at == end)
			return UINT32_MAX; /* nobody's that we know */
		if (uid >= inside && uid - inside < count)
			return (uint32_t)(outside + uid - inside);
	}
}

static bool is_of_child(const struct signalfd_siginfo *info) {
	return info->ssi_signo == SIGCHLD && info->ssi_code > 0;
}

/* sigqueue(3)'s word, or of a child its status. */
static int32_t value_of(const struct signalfd_siginfo *info) {
	if (is_of_child(info))
		return info->ssi_status;
	return info->ssi_code < 0 && info->ssi_code != SI_TKILL ? info->ssi_int : 0;
}

/* The kernel counts in the ticks of times(2). */
static void add_times(Usher__Received *received, const struct signalfd_siginfo *info) {
	const uint64_t tick_usec = 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);

	received->has_user_usec = received->has_system_usec = is_of_child(info);
	received->user_usec = info->ssi_utime * tick_usec;
	received->system_usec = info->ssi_stime * tick_usec;
}

/* Of what is received and cannot be told nobody would know. That it has ended is told. */
static bool give_up(const struct keeper *keeper) {
	(void)kill(keeper->pid, SIGKILL);
	return false;
}

/* The process is one that its user may look into and change: what it writes may be anything. */
static bool pass_on(const struct keeper *keeper) {
	const struct trap *trap = keeper->data;
	Usher__Received received = USHER__RECEIVED__INIT;
	Usher__Reply said = USHER__REPLY__INIT;
	struct trap_report report;
	char name[SIGNAL_NAME_MAX];
	ssize_t n = read(keeper->report, &report, sizeof report);
	int r;

	if (n < 0)
		return errno == EINTR || give_up(keeper);
	if (n != sizeof report)
		return false;
	if (report.info.ssi_signo < 1 || report.info.ssi_signo > 64 ||
	    !(trap->signals & bit_of((int)report.info.ssi_signo)) ||
	    !signal_name_of((int)report.info.ssi_signo, name))
		return true;
	received.signal = name;
	received.pid = sender_of(trap, report.info.ssi_pid);
	received.uid = user_of(keeper, trap, report.info.ssi_uid);
	received.code = report.info.ssi_code;
	received.value = value_of(&report.info);
	add_times(&received, &report.info);
	received.usec = report.usec;
	said.received = &received;
	r = wire_send(keeper->socket, &said.base, NULL);
	return r == 0 || (r != -ECONNRESET && give_up(keeper));
}

static int pids_of(const struct entrance *entrance) {
	for (size_t i = 0; entrance->pids && i < NAMESPACE_TYPES; i++)
		if (namespace_types[i].flag == CLONE_NEWPID)
			return entrance->fd[i];
	return -1;
}

static void trap_stay(struct job *job) {
	struct trap *trap = job->state;
	const struct keeper keeper = { .socket = job->socket,
				       .proc = job->place.proc,
				       .pid = job->birth->pid,
				       .report = trap->report,
				       .pass_on = pass_on,
				       .data = trap,
				       .kept = pids_of(&job->birth->entrance) };

	trap->pid = job->birth->pid;
	trap->pids = keeper.kept;
	trap->own_users = job->birth->entrance.users >= 0;
	keeper_stay(&keeper);
}

const struct operation operation_trap = {
	.interface = "Signals",
	.method = "Trap",
	.actions = { [TIER_ADMIN] = "trap" },
	.request = &usher__trap_request__descriptor,
	.reply = &usher__trap_reply__descriptor,
	.capabilities = KEEPER_CAPABILITIES,
	.syscalls = SYSCALLS(KEEPER_SYSCALLS, SYS_ioctl),
	.spawns = true,
	.check = trap_check,
	.prepare = trap_prepare,
	.resolve = trap_resolve,
	.run = trap_run,
	.stay = trap_stay,
};
