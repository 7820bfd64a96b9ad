/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What new namespaces and new processes are to be like. */

#include "attributes.h"

#include <errno.h>
#include <string.h>

static void free_words(char **words) {
	for (size_t i = 0; words && words[i]; i++)
		free(words[i]);
	free(words);
}

/* An empty list for NULL. Itself NULL for want of memory. */
static char **copy_words(const char *const words[]) {
	size_t count = 0;
	char **copy;

	while (words && words[count])
		count++;
	copy = calloc(count + 1, sizeof *copy);
	for (size_t i = 0; copy && i < count; i++) {
		copy[i] = strdup(words[i]);
		if (!copy[i]) {
			free_words(copy);
			return NULL;
		}
	}
	return copy;
}

struct usher_attributes *usher_attributes_new(void) {
	return calloc(1, sizeof(struct usher_attributes));
}

static void attribute_done(struct attribute *attribute) {
	free_words(attribute->words);
	free(attribute->numbers);
}

struct usher_attributes *usher_attributes_free(struct usher_attributes *attributes) {
	if (!attributes)
		return NULL;
	for (size_t i = 0; i < attributes->attribute_count; i++)
		attribute_done(&attributes->attributes[i]);
	for (size_t i = 0; i < attributes->mount_count; i++) {
		free(attributes->mounts[i].source);
		free(attributes->mounts[i].target);
		free(attributes->mounts[i].fstype);
		free_words(attributes->mounts[i].words);
	}
	for (size_t i = 0; i < attributes->limit_count; i++)
		free(attributes->limits[i].name);
	for (size_t i = 0; i < attributes->variable_count; i++) {
		free(attributes->variables[i].name);
		free(attributes->variables[i].value);
	}
	free(attributes->attributes);
	free(attributes->mounts);
	free(attributes->limits);
	free(attributes->variables);
	free(attributes->descriptors);
	free(attributes);
	return NULL;
}

static int fail(struct usher_attributes *attributes, int error) {
	if (attributes && attributes->error == 0)
		attributes->error = error;
	return attributes ? attributes->error : -ENOMEM;
}

/* A new element at the end of one of the arrays; NULL after a failure, old or new. */
#define ADD(attributes, kind)                                                       \
	({                                                                          \
		struct usher_attributes *_all = (attributes);                       \
		struct kind *_more = NULL;                                          \
		if (_all && _all->error == 0)                                       \
			_more = reallocarray(_all->kind##s, _all->kind##_count + 1, \
					     sizeof *_more);                        \
		if (_more) {                                                        \
			_all->kind##s = _more;                                      \
			_more += _all->kind##_count++;                              \
			memset(_more, 0, sizeof *_more);                            \
		}                                                                   \
		_more;                                                              \
	})

static struct attribute *find(const struct usher_attributes *attributes, const char *key) {
	for (size_t i = 0; attributes && i < attributes->attribute_count; i++)
		if (strcmp(attributes->attributes[i].key, key) == 0)
			return &attributes->attributes[i];
	return NULL;
}

/* The attribute of that key, without a value; setting it twice leaves the second value. */
static struct attribute *renew(struct usher_attributes *attributes, const char *key,
			       const char *signature) {
	struct attribute *attribute = find(attributes, key);

	if (attribute)
		attribute_done(attribute);
	else
		attribute = ADD(attributes, attribute);
	if (attribute)
		*attribute = (struct attribute){ .key = key, .signature = signature };
	return attribute;
}

static int set_words(struct usher_attributes *attributes, const char *key, const char *signature,
		     const char *const words[]) {
	char **copy = copy_words(words);
	struct attribute *attribute = copy ? renew(attributes, key, signature) : NULL;

	if (!attribute) {
		free_words(copy);
		return fail(attributes, -ENOMEM);
	}
	attribute->words = copy;
	return fail(attributes, 0);
}

static int set_text(struct usher_attributes *attributes, const char *key, const char *text) {
	const char *const words[] = { text, NULL };

	return text ? set_words(attributes, key, "s", words) : fail(attributes, -EINVAL);
}

static int set_number(struct usher_attributes *attributes, const char *key, const char *signature,
		      uint64_t number) {
	struct attribute *attribute = renew(attributes, key, signature);

	if (!attribute)
		return fail(attributes, -ENOMEM);
	attribute->number = number;
	return fail(attributes, 0);
}

static int set_numbers(struct usher_attributes *attributes, const char *key, const char *signature,
		       const uint32_t *numbers, size_t count, size_t each) {
	struct attribute *attribute;
	uint32_t *copy;

	if (!numbers && count > 0)
		return fail(attributes, -EINVAL);
	copy = calloc(count + 1, each * sizeof *copy);
	attribute = copy ? renew(attributes, key, signature) : NULL;
	if (!attribute) {
		free(copy);
		return fail(attributes, -ENOMEM);
	}
	if (count > 0)
		memcpy(copy, numbers, count * each * sizeof *copy);
	attribute->numbers = copy;
	attribute->count = count;
	return fail(attributes, 0);
}

int usher_attributes_set_types(struct usher_attributes *attributes, const char *const types[]) {
	return set_words(attributes, "types", "as", types);
}

int usher_attributes_set_uid_map(struct usher_attributes *attributes, const char *map) {
	return set_text(attributes, "uid_map", map);
}

int usher_attributes_set_gid_map(struct usher_attributes *attributes, const char *map) {
	return set_text(attributes, "gid_map", map);
}

_Static_assert(sizeof(struct usher_id_range) == 3 * sizeof(uint32_t), "three numbers");

int usher_attributes_set_uid_ranges(struct usher_attributes *attributes,
				    const struct usher_id_range ranges[], size_t count) {
	return set_numbers(attributes, "uid_map", "a(uuu)", (const uint32_t *)ranges, count, 3);
}

int usher_attributes_set_gid_ranges(struct usher_attributes *attributes,
				    const struct usher_id_range ranges[], size_t count) {
	return set_numbers(attributes, "gid_map", "a(uuu)", (const uint32_t *)ranges, count, 3);
}

int usher_attributes_set_map_zero(struct usher_attributes *attributes, bool map_zero) {
	return set_number(attributes, "map_zero", "b", map_zero);
}

int usher_attributes_set_hostname(struct usher_attributes *attributes, const char *name) {
	return set_text(attributes, "hostname", name);
}

int usher_attributes_set_domainname(struct usher_attributes *attributes, const char *name) {
	return set_text(attributes, "domainname", name);
}

int usher_attributes_set_root(struct usher_attributes *attributes, const char *path) {
	return set_text(attributes, "root", path);
}

int usher_attributes_set_workdir(struct usher_attributes *attributes, const char *path) {
	return set_text(attributes, "workdir", path);
}

int usher_attributes_set_time_offsets(struct usher_attributes *attributes, int64_t monotonic_usec,
				      int64_t boottime_usec) {
	set_number(attributes, "monotonic_offset_usec", "x", (uint64_t)monotonic_usec);
	return set_number(attributes, "boottime_offset_usec", "x", (uint64_t)boottime_usec);
}

int usher_attributes_add_mount(struct usher_attributes *attributes, const char *source,
			       const char *target, const char *fstype, const char *const words[]) {
	struct mount *mount;

	if (!source || !target || !fstype)
		return fail(attributes, -EINVAL);
	mount = ADD(attributes, mount);
	if (!mount)
		return fail(attributes, -ENOMEM);
	mount->source = strdup(source);
	mount->target = strdup(target);
	mount->fstype = strdup(fstype);
	mount->words = copy_words(words);
	if (!mount->source || !mount->target || !mount->fstype || !mount->words)
		return fail(attributes, -ENOMEM);
	return 0;
}

static int put_variable(struct usher_attributes *attributes, const char *name, size_t length,
			const char *value) {
	struct variable *variable = NULL;

	if (length == 0 || !value)
		return fail(attributes, -EINVAL);
	for (size_t i = 0; attributes && i < attributes->variable_count && !variable; i++)
		if (strlen(attributes->variables[i].name) == length &&
		    strncmp(attributes->variables[i].name, name, length) == 0)
			variable = &attributes->variables[i];
	if (!variable)
		variable = ADD(attributes, variable);
	if (!variable)
		return fail(attributes, -ENOMEM);
	if (!variable->name)
		variable->name = strndup(name, length);
	free(variable->value);
	variable->value = strdup(value);
	return variable->name && variable->value ? 0 : fail(attributes, -ENOMEM);
}

int usher_attributes_set_variable(struct usher_attributes *attributes, const char *name,
				  const char *value) {
	if (!name || strchr(name, '='))
		return fail(attributes, -EINVAL);
	return put_variable(attributes, name, strlen(name), value);
}

int usher_attributes_set_environment(struct usher_attributes *attributes,
				     const char *const environment[]) {
	const char *equals;

	for (; environment && *environment; environment++) {
		/* What is no variable, no program would find. */
		equals = strchr(*environment, '=');
		if (equals && equals > *environment)
			put_variable(attributes, *environment, (size_t)(equals - *environment),
				     equals + 1);
	}
	return set_number(attributes, "clear_environment", "b", 1);
}

int usher_attributes_add_fd(struct usher_attributes *attributes, int number, int fd) {
	struct descriptor *descriptor = NULL;

	if (number < 0 || fd < 0)
		return fail(attributes, -EBADF);
	for (size_t i = 0; attributes && i < attributes->descriptor_count && !descriptor; i++)
		if (attributes->descriptors[i].number == (uint32_t)number)
			descriptor = &attributes->descriptors[i];
	if (!descriptor)
		descriptor = ADD(attributes, descriptor);
	if (!descriptor)
		return fail(attributes, -ENOMEM);
	*descriptor = (struct descriptor){ .number = (uint32_t)number, .fd = fd };
	return fail(attributes, 0);
}

int usher_attributes_set_terminal(struct usher_attributes *attributes, int number) {
	if (number < 0)
		return fail(attributes, -EBADF);
	set_number(attributes, "new_session", "b", 1);
	return set_number(attributes, "terminal", "u", (uint32_t)number);
}

int usher_attributes_set_new_session(struct usher_attributes *attributes, bool new_session) {
	return set_number(attributes, "new_session", "b", new_session);
}

int usher_attributes_set_daemonize(struct usher_attributes *attributes, bool daemonize) {
	return set_number(attributes, "daemonize", "b", daemonize);
}

int usher_attributes_set_uid(struct usher_attributes *attributes, uid_t uid) {
	return set_number(attributes, "uid", "u", uid);
}

int usher_attributes_set_gid(struct usher_attributes *attributes, gid_t gid) {
	return set_number(attributes, "gid", "u", gid);
}

int usher_attributes_set_groups(struct usher_attributes *attributes, const gid_t groups[],
				size_t count) {
	return set_numbers(attributes, "groups", "au", groups, count, 1);
}

int usher_attributes_set_capabilities(struct usher_attributes *attributes,
				      const char *const names[]) {
	return set_words(attributes, "capabilities", "as", names);
}

int usher_attributes_set_no_new_privileges(struct usher_attributes *attributes,
					   bool no_new_privileges) {
	return set_number(attributes, "no_new_privileges", "b", no_new_privileges);
}

int usher_attributes_set_signal_mask(struct usher_attributes *attributes,
				     const char *const signals[]) {
	return set_words(attributes, "signal_mask", "as", signals);
}

int usher_attributes_set_death_signal(struct usher_attributes *attributes, const char *name) {
	return set_text(attributes, "parent_death_signal", name);
}

int usher_attributes_set_nice(struct usher_attributes *attributes, int nice) {
	return set_number(attributes, "nice", "i", (uint64_t)nice);
}

int usher_attributes_set_umask(struct usher_attributes *attributes, mode_t mask) {
	return set_number(attributes, "umask", "u", mask);
}

int usher_attributes_set_limit(struct usher_attributes *attributes, const char *name, uint64_t soft,
			       uint64_t hard) {
	struct limit *limit = NULL;

	if (!name)
		return fail(attributes, -EINVAL);
	for (size_t i = 0; attributes && i < attributes->limit_count && !limit; i++)
		if (strcmp(attributes->limits[i].name, name) == 0)
			limit = &attributes->limits[i];
	if (!limit)
		limit = ADD(attributes, limit);
	if (!limit)
		return fail(attributes, -ENOMEM);
	if (!limit->name)
		limit->name = strdup(name);
	limit->soft = soft;
	limit->hard = hard;
	return limit->name ? 0 : fail(attributes, -ENOMEM);
}

int usher_attributes_set_memory_max(struct usher_attributes *attributes, uint64_t bytes) {
	return set_number(attributes, "memory_max", "t", bytes);
}

int usher_attributes_set_cpu_quota(struct usher_attributes *attributes, uint64_t usec) {
	return set_number(attributes, "cpu_quota_usec", "t", usec);
}

int usher_attributes_set_pids_max(struct usher_attributes *attributes, uint64_t processes) {
	return set_number(attributes, "pids_max", "t", processes);
}
