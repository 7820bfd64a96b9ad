/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Spawn: a program, as the caller, in a place and in namespaces of its own. */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "birth.h"
#include "capability-name.h"
#include "keeper.h"
#include "lifetime.h"
#include "message.h"
#include "operations.h"
#include "resource-limit.h"
#include "signal-name.h"
#include "surroundings.h"

/* As many as a process may have open unless it raises its own limit; and of each 100 ms those of
 * 4096 processors, the least being the kernel's. */
enum { NUMBER_MAX = 1023, QUOTA_LEAST = 1000, QUOTA_MOST = 409600000 };

static int by_name(const void *a, const void *b) {
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In order, so that many long ones take no longer than reading them. */
static int check_twice(const Usher__SpawnRequest *m, struct refusal *refusal) {
	_cleanup_free_ const char **names = calloc(m->n_environment + 1, sizeof *names);

	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_environment; i++)
		names[i] = m->environment[i]->key;
	qsort(names, m->n_environment, sizeof *names, by_name);
	for (size_t i = 1; i < m->n_environment; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			return refusal_note(refusal, REFUSED_INVALID,
					    "environment: '%.200s' is there twice", names[i]);
	return 0;
}

static int check_program(const Usher__SpawnRequest *m, struct refusal *refusal) {
	if (m->n_argv == 0 || !*m->argv[0])
		return refusal_note(refusal, REFUSED_INVALID, "argv: names no program");
	for (size_t i = 0; i < m->n_environment; i++) {
		const char *name = m->environment[i]->key;

		if (!*name || strchr(name, '='))
			return refusal_note(refusal, REFUSED_INVALID,
					    "environment: '%.200s' is not a variable's name", name);
	}
	return check_twice(m, refusal);
}

static bool has_number(const Usher__SpawnRequest *m, size_t n, uint32_t number) {
	for (size_t i = 0; i < n; i++)
		if (m->fds[i]->key == number)
			return true;
	return false;
}

static int check_descriptors(const Usher__SpawnRequest *m, struct refusal *refusal) {
	for (size_t i = 0; i < m->n_fds; i++) {
		uint32_t number = m->fds[i]->key;

		if (number > NUMBER_MAX)
			return refusal_note(refusal, REFUSED_INVALID, "fds: %u is above %d", number,
					    NUMBER_MAX);
		if (has_number(m, i, number))
			return refusal_note(refusal, REFUSED_INVALID, "fds: %u is there twice",
					    number);
	}
	if (m->has_terminal && !has_number(m, m->n_fds, m->terminal))
		return refusal_note(refusal, REFUSED_INVALID, "terminal: %u is not among `fds`",
				    m->terminal);
	return 0;
}

static int check_signals(const Usher__SpawnRequest *m, struct refusal *refusal) {
	int r = signal_name_check_all("signal_mask", m->signal_mask, m->n_signal_mask, "blocked",
				      refusal);

	if (r != 0 || !m->parent_death_signal)
		return r;
	return signal_name_check("parent_death_signal", m->parent_death_signal, refusal);
}

static bool is_forbidden(protobuf_c_boolean has, protobuf_c_boolean value) {
	return has && !value;
}

/* A daemon is one whose caller may go: a session of its own, and no terminal. */
static int check_session(const Usher__SpawnRequest *m, struct refusal *refusal) {
	if (m->daemonize && m->has_terminal)
		return refusal_note(refusal, REFUSED_INVALID, "daemonize: contradicts `terminal`");
	if (m->daemonize && lifetime_is_connection(m->lifetime))
		return refusal_note(refusal, REFUSED_INVALID,
				    "daemonize: contradicts a lifetime of \"connection\"");
	if ((m->daemonize || m->has_terminal) && is_forbidden(m->has_new_session, m->new_session))
		return refusal_note(refusal, REFUSED_INVALID,
				    "new_session: %s takes a session of its own",
				    m->daemonize ? "daemonize" : "a controlling terminal");
	return 0;
}

static int check_credentials(const Usher__SpawnRequest *m, struct refusal *refusal) {
	bool has_root = m->has_in_as_fd || m->in_as_object ||
			surroundings_of(&m->base).types & CLONE_NEWUSER;
	uint64_t asked;
	int r;

	if (m->has_uid && m->uid == UINT32_MAX)
		return refusal_note(refusal, REFUSED_INVALID, "uid: %u is nobody's", m->uid);
	if (m->has_gid && m->gid == UINT32_MAX)
		return refusal_note(refusal, REFUSED_INVALID, "gid: %u is no group's", m->gid);
	for (size_t i = 0; i < m->n_groups; i++)
		if (m->groups[i] == UINT32_MAX)
			return refusal_note(refusal, REFUSED_INVALID, "groups: %u is no group's",
					    m->groups[i]);
	if (is_forbidden(m->has_no_new_privileges, m->no_new_privileges))
		return refusal_note(refusal, REFUSED_UNSUPPORTED,
				    "no_new_privileges: a program that is spawned never gains any");
	r = capability_name_parse(m->capabilities, m->n_capabilities, &asked, refusal);
	if (r == 0 && asked != 0 && !has_root)
		return refusal_note(refusal, REFUSED_INVALID,
				    "capabilities: takes a user namespace: by `in`, or a new "
				    "namespace of type user among `types`");
	return r;
}

static int check_numbers(const Usher__SpawnRequest *m, struct refusal *refusal) {
	if (m->has_nice && (m->nice < -20 || m->nice > 19))
		return refusal_note(refusal, REFUSED_INVALID, "nice: %d is not from -20 to 19",
				    m->nice);
	if (m->has_umask && m->umask > 0777)
		return refusal_note(refusal, REFUSED_INVALID, "umask: 0%o is above 0777", m->umask);
	if (m->has_memory_max && m->memory_max == 0)
		return refusal_note(refusal, REFUSED_INVALID, "memory_max: nothing runs in 0");
	if (m->has_pids_max && m->pids_max == 0)
		return refusal_note(refusal, REFUSED_INVALID, "pids_max: nothing runs in 0");
	if (m->has_cpu_quota_usec &&
	    (m->cpu_quota_usec < QUOTA_LEAST || m->cpu_quota_usec > QUOTA_MOST))
		return refusal_note(refusal, REFUSED_INVALID,
				    "cpu_quota_usec: not from %d to %d of each 100000", QUOTA_LEAST,
				    QUOTA_MOST);
	return resource_limit_check(m->rlimits, m->n_rlimits, refusal);
}

static int spawn_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__SpawnRequest *m = (const void *)message;
	int r = check_program(m, refusal);

	if (r == 0)
		r = check_descriptors(m, refusal);
	if (r == 0)
		r = surroundings_check(message, refusal);
	if (r == 0)
		r = check_session(m, refusal);
	if (r == 0)
		r = check_signals(m, refusal);
	if (r == 0)
		r = check_credentials(m, refusal);
	return r == 0 ? check_numbers(m, refusal) : r;
}

/* A daemon's caller may go, and so may that of who says so. */
static bool is_to_stay(const Usher__SpawnRequest *m) {
	return m->lifetime ? !lifetime_is_connection(m->lifetime) : m->daemonize;
}

static int describe(struct job *job) {
	const Usher__SpawnRequest *m = (const void *)job->request;
	Usher__SpawnReply *reply = (Usher__SpawnReply *)job->reply;
	Usher__ProcessObject *made =
		(Usher__ProcessObject *)message_new(&usher__process_object__descriptor);
	const struct birth *birth = job->birth;

	reply->made = made;
	reply->process_object = strdup("");
	reply->pidfd_fd = (uint32_t)job->reply_fds.n;
	if (!made || !reply->process_object)
		return -ENOMEM;
	made->has_pid = made->has_owner = true;
	made->pid = (uint32_t)birth->pid;
	made->owner = job->place.uid;
	made->state = strdup("running");
	made->lifetime = strdup(is_to_stay(m) ? "manual" : "connection");
	if (birth->own_users && birth->surroundings.has_transient) {
		made->has_transient_start = made->has_transient_count = true;
		made->transient_start = birth->surroundings.transient_start;
		made->transient_count = birth->surroundings.transient_count;
	}
	for (size_t i = 0; i < m->n_argv; i++)
		if (message_append_string(&made->command, &made->n_command, m->argv[i]) < 0)
			return -ENOMEM;
	return made->state && made->lifetime ? 0 : -ENOMEM;
}

static int spawn_run(struct job *job) {
	return birth_run(job, describe);
}

static void spawn_stay(struct job *job) {
	const struct keeper keeper = { .socket = job->socket,
				       .proc = job->place.proc,
				       .pid = job->birth->pid,
				       .stays = is_to_stay((const void *)job->request),
				       .report = -1,
				       .kept = -1 };

	keeper_stay(&keeper);
}

const struct operation operation_spawn = {
	.interface = "Processes",
	.method = "Spawn",
	.actions = { [TIER_OWN] = "spawn-own", [TIER_ADMIN] = "spawn" },
	.request = &usher__spawn_request__descriptor,
	.reply = &usher__spawn_reply__descriptor,
	/* they have some in common: NOLINTNEXTLINE(misc-redundant-expression) */
	.capabilities = BIRTH_CAPABILITIES | KEEPER_CAPABILITIES,
	.syscalls = SYSCALLS(BIRTH_SYSCALLS, KEEPER_SYSCALLS),
	.spawns = true,
	.check = spawn_check,
	.prepare = birth_begin,
	.resolve = birth_resolve,
	.run = spawn_run,
	.stay = spawn_stay,
};
