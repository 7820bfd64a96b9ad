/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "mount-options.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "fd.h"

static const struct {
	const char *word;
	uint64_t set, clear;
} flags[] = {
	{ "ro", MOUNT_ATTR_RDONLY, 0 },
	{ "rw", 0, MOUNT_ATTR_RDONLY },
	{ "nosuid", MOUNT_ATTR_NOSUID, 0 },
	{ "suid", 0, MOUNT_ATTR_NOSUID },
	{ "nodev", MOUNT_ATTR_NODEV, 0 },
	{ "dev", 0, MOUNT_ATTR_NODEV },
	{ "noexec", MOUNT_ATTR_NOEXEC, 0 },
	{ "exec", 0, MOUNT_ATTR_NOEXEC },
	{ "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0 },
	{ "symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW },
	{ "nodiratime", MOUNT_ATTR_NODIRATIME, 0 },
	{ "diratime", 0, MOUNT_ATTR_NODIRATIME },
	/* the ways to keep access times are one field of the flags, not flags of their own */
	{ "relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME },
	{ "atime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME },
	{ "noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME },
	{ "strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME },
};

static const struct {
	const char *word;
	uint64_t propagation;
} propagations[] = {
	{ "private", MS_PRIVATE },
	{ "shared", MS_SHARED },
	{ "slave", MS_SLAVE },
	{ "unbindable", MS_UNBINDABLE },
};

static bool parse_flag(struct mount_options *options, const char *word) {
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		if (strcmp(flags[i].word, word) != 0)
			continue;
		/* the last word wins, as with mount(8) */
		options->set = (options->set & ~(flags[i].clear | flags[i].set)) | flags[i].set;
		options->clear = (options->clear & ~flags[i].set) | flags[i].clear;
		return true;
	}
	return false;
}

bool mount_options_propagation(struct mount_options *options, const char *word) {
	for (size_t i = 0; i < sizeof propagations / sizeof *propagations; i++) {
		bool recursive = *word == 'r' && strcmp(word + 1, propagations[i].word) == 0;

		if (!recursive && strcmp(word, propagations[i].word) != 0)
			continue;
		options->propagation = propagations[i].propagation;
		options->propagation_recursive = recursive;
		return true;
	}
	return false;
}

int mount_options_parse(struct mount_options *options, char *const *words, size_t n,
			enum mount_options_kind kind, struct refusal *refusal) {
	*options = (struct mount_options){ .words = words, .n_words = n };
	for (size_t i = 0; i < n; i++) {
		if (!*words[i] || *words[i] == '=')
			return refusal_note(refusal, REFUSED_INVALID,
					    "mount_options: an empty option");
		if (parse_flag(options, words[i]))
			continue;
		if (mount_options_propagation(options, words[i])) {
			if (kind == MOUNT_OPTIONS_NEW)
				return refusal_note(
					refusal, REFUSED_INVALID,
					"mount_options: '%.200s' is for Bind, OpenTree and Remount",
					words[i]);
			continue;
		}
		if (kind == MOUNT_OPTIONS_TREE)
			return refusal_note(refusal, REFUSED_INVALID,
					    "mount_options: '%.200s' is not a flag of mounts",
					    words[i]);
		if (options->n_parameters == MOUNT_OPTIONS_MAX)
			return refusal_note(refusal, REFUSED_LIMIT, "mount_options: more than %d",
					    MOUNT_OPTIONS_MAX);
		options->parameters[options->n_parameters++] = words[i];
	}
	return 0;
}

const char *mount_options_value(const struct mount_options *options, const char *key) {
	size_t length = strlen(key);
	const char *value = NULL;

	for (size_t i = 0; i < options->n_parameters; i++) {
		const char *word = options->parameters[i];

		if (strncmp(word, key, length) != 0)
			continue;
		if (word[length] == '=')
			value = word + length + 1;
		else if (word[length] == '\0')
			value = word + length;
	}
	return value;
}

static bool is_one_of(const char *word, const char *const *keys) {
	size_t length = strcspn(word, "=");

	for (; *keys; keys++)
		if (strlen(*keys) == length && strncmp(word, *keys, length) == 0)
			return true;
	return false;
}

bool mount_options_only(const struct mount_options *options, const char *const *keys) {
	for (size_t i = 0; i < options->n_parameters; i++)
		if (!is_one_of(options->parameters[i], keys))
			return false;
	return true;
}

int mount_options_size(const char *word, uint64_t memory, uint64_t *ret) {
	static const char units[] = "kmgtpe";
	unsigned long long number;
	const char *unit;
	char *end;

	if (!isdigit((unsigned char)*word))
		return -EINVAL;
	errno = 0;
	number = strtoull(word, &end, 10);
	if (errno)
		return -ERANGE;
	if (strcmp(end, "%") == 0) {
		*ret = number > 1000 ? UINT64_MAX : memory / 100 * number;
		return 0;
	}
	unit = *end ? strchr(units, tolower((unsigned char)*end)) : NULL;
	if (*end && (!unit || end[1]))
		return -EINVAL;
	for (ptrdiff_t i = unit ? unit - units + 1 : 0; i > 0; i--) {
		if (number > UINT64_MAX / 1024)
			return -ERANGE;
		number *= 1024;
	}
	*ret = number;
	return 0;
}

void mount_options_add(struct mount_options *options, const char *word) {
	if (options->n_added < sizeof options->added / sizeof *options->added)
		options->added[options->n_added++] = word;
}

const char mount_options_careless[] = "the options take away what keeps it harmless";

bool mount_options_force(struct mount_options *options) {
	const uint64_t both = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

	if (!((options->set | options->clear) & MOUNT_ATTR_NOSUID))
		mount_options_add(options, "nosuid");
	if (!((options->set | options->clear) & MOUNT_ATTR_NODEV))
		mount_options_add(options, "nodev");
	options->set |= both & ~options->clear;
	return options->clear & both;
}

char *mount_options_shown(const char *word) {
	static const char *const secrets[] = { "pass", "pwd", "secret", "token" };
	_cleanup_free_ char *name = strndup(word, strcspn(word, "="));
	bool secret = name && strcasecmp(name, "key") == 0;
	char *shown;

	if (!name)
		return NULL;
	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
		secret |= strcasestr(name, secrets[i]) != NULL;
	if (!secret || !strchr(word, '='))
		return strdup(word);
	return asprintf(&shown, "%s=...", name) < 0 ? NULL : shown;
}

/* Appends to what it frees; NULL when there is no memory. */
static char *join(char *joined, const char *word) {
	_cleanup_free_ char *before = joined, *shown = mount_options_shown(word);
	char *longer;

	if (!before || !shown)
		return NULL;
	return asprintf(&longer, "%s%s%s", before, *before ? " " : "", shown) < 0 ? NULL : longer;
}

char *mount_options_join(const struct mount_options *options) {
	char *joined = strdup("");

	for (size_t i = 0; i < options->n_words; i++)
		joined = join(joined, options->words[i]);
	for (size_t i = 0; i < options->n_added; i++)
		joined = join(joined, options->added[i]);
	return joined;
}
