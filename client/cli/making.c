/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is to be made: the options that run, enter and namespace create share. */

#include "making.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../cleanup.h"
#include "quantity.h"

/* In the order of their kinds. */
static const char *const types[] = { "cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts" };

enum { TYPES = sizeof types / sizeof *types };

_Static_assert(PARAMETER_NEW_UTS - PARAMETER_NEW_CGROUP + 1 == TYPES, "a kind for each type");

static bool is_type(const char *word) {
	for (size_t i = 0; i < TYPES; i++)
		if (strcmp(types[i], word) == 0)
			return true;
	return false;
}

static int set_shared(struct arguments *a, const char *value) {
	int r = words_split(&a->shared, value);

	for (size_t i = 0; r == 0 && i < a->shared.count; i++)
		if (!is_type(a->shared.items[i]))
			return arguments_refuse(a, "--share: '%s' is no type of namespaces",
						a->shared.items[i]);
	return r == -EINVAL ? arguments_refuse(a, "--share: '%s' is no list of types", value) : r;
}

/* "type=tmpfs,target=/tmp,size=1m": what is not one of the three is an option of the mount. */
static int add_mount(struct arguments *a, const char *value) {
	_cleanup_(words_done) struct words parts = WORDS_INIT, options = WORDS_INIT;
	const char *fstype = NULL, *source = NULL, *target = NULL, *part;
	int r = words_split(&parts, value);

	if (r == -EINVAL)
		return arguments_refuse(a,
					"--mount: the quotes in '%s' do not close at a word's end",
					value);
	for (size_t i = 0; r == 0 && i < parts.count; i++) {
		part = parts.items[i];
		if (strncmp(part, "type=", 5) == 0)
			fstype = part + 5;
		else if (strncmp(part, "source=", 7) == 0)
			source = part + 7;
		else if (strncmp(part, "target=", 7) == 0)
			target = part + 7;
		else
			r = words_add(&options, part);
	}
	if (r < 0)
		return r;
	if (!target)
		return arguments_refuse(a, "--mount: '%s' has no target=", value);
	if (!fstype && !source)
		return arguments_refuse(a, "--mount: '%s' has neither type= nor source=", value);
	if (target[strspn(target, "/")] == '\0')
		a->root = "/"; /* what becomes the root is another, and so is what is in it */
	return usher_attributes_add_mount(a->attributes, source ? source : "", target,
					  fstype ? fstype : "bind",
					  (const char *const *)options.items);
}

static int set_seconds(struct arguments *a, const char *name, const char *value, int64_t *ret) {
	char *end;
	double seconds = strtod(value, &end);

	if (end == value || *end || !(seconds >= -9e9 && seconds <= 9e9))
		return arguments_refuse(a, "--%s: '%s' is no number of seconds", name, value);
	*ret = (int64_t)(seconds * 1e6);
	return usher_attributes_set_time_offsets(a->attributes, a->monotonic_usec,
						 a->boottime_usec);
}

/* Of namespaces. */
static int set_namespaces(struct arguments *a, int kind, const char *value) {
	if (kind >= PARAMETER_NEW_CGROUP && kind <= PARAMETER_NEW_UTS)
		return words_contain(&a->types, types[kind - PARAMETER_NEW_CGROUP])
			       ? 0
			       : words_add(&a->types, types[kind - PARAMETER_NEW_CGROUP]);
	switch (kind) {
	case PARAMETER_NEW_ALL: a->all = true; return 0;
	case PARAMETER_BOOTTIME: return set_seconds(a, "boottime", value, &a->boottime_usec);
	case PARAMETER_DOMAINNAME: return usher_attributes_set_domainname(a->attributes, value);
	case PARAMETER_GID_MAP: return usher_attributes_set_gid_map(a->attributes, value);
	case PARAMETER_HOSTNAME: return usher_attributes_set_hostname(a->attributes, value);
	case PARAMETER_MAP_ROOT: return usher_attributes_set_map_zero(a->attributes, true);
	case PARAMETER_MONOTONIC: return set_seconds(a, "monotonic", value, &a->monotonic_usec);
	case PARAMETER_MOUNT: return add_mount(a, value);
	case PARAMETER_ROOT:
		a->root = value;
		return usher_attributes_set_root(a->attributes, value);
	case PARAMETER_SHARE: return set_shared(a, value);
	case PARAMETER_UID_MAP: return usher_attributes_set_uid_map(a->attributes, value);
	case PARAMETER_WORKDIR:
		a->workdir = value;
		return usher_attributes_set_workdir(a->attributes, value);
	default: return -ENOENT;
	}
}

static int set_id(struct arguments *a, const char *name, const char *value,
		  int (*set)(struct usher_attributes *, uint32_t)) {
	uint64_t id;

	if (quantity_parse(value, false, &id) < 0 || id >= UINT32_MAX)
		return arguments_refuse(a, "--%s: '%s' is no id", name, value);
	return set(a->attributes, (uint32_t)id);
}

static int set_groups(struct arguments *a, const char *value) {
	_cleanup_(words_done) struct words words = WORDS_INIT;
	_cleanup_free_ gid_t *groups = NULL;
	uint64_t id;
	int r = words_split(&words, value);

	if (r == -ENOMEM)
		return r;
	groups = calloc(words.count + 1, sizeof *groups);
	if (!groups)
		return -ENOMEM;
	for (size_t i = 0; i < words.count; i++) {
		if (quantity_parse(words.items[i], false, &id) < 0 || id >= UINT32_MAX)
			return arguments_refuse(a, "--groups: '%s' is no id", words.items[i]);
		groups[i] = (gid_t)id;
	}
	return usher_attributes_set_groups(a->attributes, groups, words.count);
}

static int set_limit(struct arguments *a, const char *value) {
	_cleanup_free_ char *name = strdup(value);
	char *soft, *hard;
	uint64_t numbers[2];

	if (!name)
		return -ENOMEM;
	soft = strchr(name, '=');
	hard = soft ? strchr(soft, ':') : NULL;
	if (hard)
		*hard++ = '\0';
	if (soft)
		*soft++ = '\0';
	if (!soft || quantity_parse_limit(soft, &numbers[0]) < 0 ||
	    quantity_parse_limit(hard ? hard : soft, &numbers[1]) < 0)
		return arguments_refuse(a, "--limit: '%s' is not NAME=SOFT[:HARD]", value);
	return usher_attributes_set_limit(a->attributes, name, numbers[0], numbers[1]);
}

static int set_nice(struct arguments *a, const char *value) {
	char *end;
	long nice = strtol(value, &end, 10);

	if (end == value || *end || nice < -20 || nice > 19)
		return arguments_refuse(a, "--nice: '%s' is not between -20 and 19", value);
	return usher_attributes_set_nice(a->attributes, (int)nice);
}

static int set_quantity(struct arguments *a, const char *name, const char *value, uint64_t factor,
			int (*set)(struct usher_attributes *, uint64_t)) {
	uint64_t quantity;

	if (quantity_parse(value, true, &quantity) < 0 || quantity > UINT64_MAX / factor)
		return arguments_refuse(a, "--%s: '%s' is no number", name, value);
	return set(a->attributes, quantity * factor);
}

/* Of a process. */
static int set_process(struct arguments *a, int kind, const char *value) {
	switch (kind) {
	case PARAMETER_CAPABILITY: return words_split(&a->capabilities, value);
	case PARAMETER_CLEAR_ENVIRONMENT: a->clear_environment = true; return 0;
	case PARAMETER_CPU:
		return set_quantity(a, "cpu", value, 1000, usher_attributes_set_cpu_quota);
	case PARAMETER_DETACH: a->detach = true; return 0;
	case PARAMETER_ENVIRONMENT:
		return *value && *value != '='
			       ? words_add(&a->environment, value)
			       : arguments_refuse(a, "--env: '%s' names no variable", value);
	case PARAMETER_FD: return words_add(&a->descriptors, value);
	case PARAMETER_GID: return set_id(a, "gid", value, usher_attributes_set_gid);
	case PARAMETER_GROUPS: return set_groups(a, value);
	case PARAMETER_KEEP: a->keys.lifetime = "manual"; return 0;
	case PARAMETER_LIMIT: return set_limit(a, value);
	case PARAMETER_MEMORY:
		return set_quantity(a, "memory", value, 1, usher_attributes_set_memory_max);
	case PARAMETER_NICE: return set_nice(a, value);
	case PARAMETER_NO_TTY: a->tty = 0; return 0;
	case PARAMETER_PIDS:
		return set_quantity(a, "pids", value, 1, usher_attributes_set_pids_max);
	case PARAMETER_TTY: a->tty = 1; return 0;
	case PARAMETER_UID: return set_id(a, "uid", value, usher_attributes_set_uid);
	case PARAMETER_VERBOSE: a->verbose = true; return 0;
	default: return -ENOENT;
	}
}

int making_set(struct arguments *a, int kind, const char *value) {
	int r;

	if (kind < PARAMETER_NEW_ALL)
		return -ENOENT;
	r = set_namespaces(a, kind, value);
	return r == -ENOENT ? set_process(a, kind, value) : r;
}

bool making_has_type(const struct arguments *a, const char *type) {
	return a->all ? !words_contain(&a->shared, type) : words_contain(&a->types, type);
}

int making_types(const struct arguments *a, struct words *ret) {
	int r = 0;

	if (a->all && a->shared.count == 0)
		return words_add(ret, "all");
	for (size_t i = 0; r == 0 && i < TYPES; i++)
		if (making_has_type(a, types[i]))
			r = words_add(ret, types[i]);
	return r;
}

int making_check(const struct arguments *a) {
	if (a->shared.count > 0 && !a->all)
		return arguments_refuse(a, "--share goes with --all only");
	return 0;
}

/* The type of namespaces that the message says is missing; NULL. */
static const char *missing_type(const char *message) {
	static const char mark[] = "a new namespace of type ";
	const char *word = strstr(message, mark);
	size_t length;

	word = word ? word + strlen(mark) : "";
	length = strcspn(word, " ,;");
	for (size_t i = 0; i < TYPES; i++)
		if (strlen(types[i]) == length && strncmp(types[i], word, length) == 0)
			return types[i];
	return NULL;
}

/* By the argument that it begins with, perhaps behind the phase. */
static bool is_about_ids(const char *message) {
	static const char *const words[] = { "uid", "gid", "groups", "uid_map", "gid_map" };
	static const char phase[] = "credentials: ";
	size_t length;

	if (strncmp(message, phase, strlen(phase)) == 0)
		message += strlen(phase);
	length = strcspn(message, ":");
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strlen(words[i]) == length && strncmp(words[i], message, length) == 0)
			return true;
	return false;
}

void making_advise(const struct arguments *a, int error, const char *message) {
	bool refused = error == -EPERM || error == -EACCES || error == -ENOKEY;
	const char *type = message ? missing_type(message) : NULL;

	if (a->json)
		return;
	if (type)
		fprintf(stderr, "Add --%s, or --all.\n", type);
	else if (message && strstr(message, "only a recursive copy keeps hidden"))
		fputs("With type=rbind what is mounted below it comes along.\n", stderr);
	else if (refused && (a->all || a->types.count > 0) && !making_has_type(a, "user"))
		fputs("With --user (-U) too, what is new is yours, and nobody has to allow it.\n",
		      stderr);
	else if (message && (error == -EINVAL || error == -EPERM) && is_about_ids(message))
		fputs("With --user --map-root (-Ur) you are user and group 0 in there; whoever else is to be "
		      "there, --uid-map and --gid-map say.\n",
		      stderr);
}
