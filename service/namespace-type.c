/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "namespace-type.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "kernel.h"

const struct namespace_type namespace_types[NAMESPACE_TYPES] = {
	{ "cgroup", CLONE_NEWCGROUP, KERNEL_PIDFD_GET_CGROUP_NAMESPACE },
	{ "ipc", CLONE_NEWIPC, KERNEL_PIDFD_GET_IPC_NAMESPACE },
	{ "mnt", CLONE_NEWNS, KERNEL_PIDFD_GET_MNT_NAMESPACE },
	{ "net", CLONE_NEWNET, KERNEL_PIDFD_GET_NET_NAMESPACE },
	{ "pid", CLONE_NEWPID, KERNEL_PIDFD_GET_PID_NAMESPACE },
	{ "time", CLONE_NEWTIME, KERNEL_PIDFD_GET_TIME_NAMESPACE },
	{ "user", CLONE_NEWUSER, KERNEL_PIDFD_GET_USER_NAMESPACE },
	{ "uts", CLONE_NEWUTS, KERNEL_PIDFD_GET_UTS_NAMESPACE },
};

const struct namespace_type *namespace_type_find(const char *word) {
	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		if (strcmp(namespace_types[i].word, word) == 0)
			return &namespace_types[i];
	return NULL;
}

static uint32_t all(void) {
	uint32_t mask = 0;

	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		mask |= namespace_types[i].flag;
	return mask;
}

int namespace_type_parse(char *const *words, size_t n, uint32_t *ret, struct refusal *refusal) {
	*ret = 0;
	if (n == 1 && strcmp(words[0], "all") == 0) {
		*ret = all();
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		const struct namespace_type *type = namespace_type_find(words[i]);

		if (!type && strcmp(words[i], "all") == 0)
			return refusal_note(refusal, REFUSED_INVALID,
					    "types: \"all\" stands alone");
		if (!type)
			return refusal_note(refusal, REFUSED_INVALID,
					    "types: '%.64s' is none of cgroup ipc mnt net pid "
					    "time user uts, nor \"all\"",
					    words[i]);
		if (*ret & type->flag)
			return refusal_note(refusal, REFUSED_INVALID, "types: %s is there twice",
					    type->word);
		*ret |= type->flag;
	}
	return 0;
}

uint32_t namespace_type_mask(char *const *words, size_t n) {
	struct refusal ignored;
	uint32_t mask;

	return namespace_type_parse(words, n, &mask, &ignored) == 0 ? mask : 0;
}

char *namespace_type_words(uint32_t mask) {
	char text[NAMESPACE_TYPES * 8] = "";

	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		if (mask & namespace_types[i].flag)
			(void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s",
				       *text ? " " : "", namespace_types[i].word);
	return strdup(text);
}
