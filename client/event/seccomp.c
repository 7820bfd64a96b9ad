/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Filters of system calls, over libseccomp. */

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "event/usher-event.h"
#include "event/usher-seccomp.h"
#include "event/verdict.h"

enum { ARGUMENTS_MAX = 6 };

struct usher_filter {
	scmp_filter_ctx context;
	uint32_t otherwise;
};

/* What libseccomp returned. */
static int result(const char *what, int r) {
	if (r >= 0)
		return r;
	errno = -r;
	switch (r) {
	case -EDOM: return verdict_note(-EINVAL, "%s: the architectures do not fit", what);
	/* libseccomp keeps the kernel's errno for itself. */
	case -ECANCELED: return verdict_note(-EPERM, "%s: the kernel says no", what);
	default: return verdict_errno(what);
	}
}

int usher_filter_new(uint32_t otherwise, struct usher_filter **ret) {
	struct usher_filter *filter = malloc(sizeof *filter);

	if (!filter)
		return verdict_note(-ENOMEM, "no memory");
	*filter = (struct usher_filter){ seccomp_init(otherwise), otherwise };
	if (!filter->context) {
		free(filter);
		return verdict_note(-EINVAL, "otherwise: %#x is no action", otherwise);
	}
	*ret = filter;
	return 0;
}

struct usher_filter *usher_filter_free(struct usher_filter *filter) {
	if (filter)
		seccomp_release(filter->context);
	free(filter);
	return NULL;
}

int usher_filter_reset(struct usher_filter *filter, uint32_t otherwise) {
	int r = result("reset", seccomp_reset(filter->context, otherwise));

	if (r == 0)
		filter->otherwise = otherwise;
	return r;
}

/* ---- rules ---- */

static const enum scmp_compare comparisons[] = {
	[USHER_NE] = SCMP_CMP_NE,
	[USHER_LT] = SCMP_CMP_LT,
	[USHER_LE] = SCMP_CMP_LE,
	[USHER_EQ] = SCMP_CMP_EQ,
	[USHER_GE] = SCMP_CMP_GE,
	[USHER_GT] = SCMP_CMP_GT,
	[USHER_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
};

static int read_conditions(const struct usher_condition conditions[], size_t count,
			   struct scmp_arg_cmp *ret) {
	unsigned seen = 0;

	if (count > ARGUMENTS_MAX)
		return verdict_note(-EINVAL, "conditions: there are more than arguments");
	for (size_t i = 0; i < count; i++) {
		const struct usher_condition *c = &conditions[i];

		if (c->argument >= ARGUMENTS_MAX)
			return verdict_note(-EINVAL, "argument: a call has none of number %u",
					    c->argument);
		if (c->comparison < USHER_NE || c->comparison > USHER_MASKED_EQ)
			return verdict_note(-EINVAL, "comparison: %d is none", (int)c->comparison);
		if (seen & 1U << c->argument)
			return verdict_note(-EINVAL, "argument: %u has two conditions",
					    c->argument);
		seen |= 1U << c->argument;
		ret[i] = (struct scmp_arg_cmp){ c->argument, comparisons[c->comparison], c->value,
						c->masked };
	}
	return 0;
}

int usher_call_from_string(const char *name) {
	int number = name ? seccomp_syscall_resolve_name(name) : __NR_SCMP_ERROR;

	return number == __NR_SCMP_ERROR
		       ? verdict_note(-EINVAL, "'%.64s' is no system call", name ?: "")
		       : number;
}

typedef int (*rule_adder)(scmp_filter_ctx context, uint32_t action, int number, unsigned count,
			  const struct scmp_arg_cmp *conditions);

static int add(struct usher_filter *filter, uint32_t action, const char *call,
	       const struct usher_condition conditions[], size_t count, rule_adder adder) {
	struct scmp_arg_cmp read[ARGUMENTS_MAX];
	int number, r = read_conditions(conditions, count, read);

	if (r < 0)
		return r;
	if (action == filter->otherwise)
		return verdict_note(-EPERM, "action: it is the one for all other calls");
	/* Calls of other architectures have numbers below zero, which is no error. */
	number = seccomp_syscall_resolve_name(call);
	if (number == __NR_SCMP_ERROR)
		return usher_call_from_string(call);
	return result(call, adder(filter->context, action, number, (unsigned)count, read));
}

int usher_filter_add(struct usher_filter *filter, uint32_t action, const char *call,
		     const struct usher_condition conditions[], size_t count) {
	return add(filter, action, call, conditions, count, seccomp_rule_add_array);
}

int usher_filter_add_exact(struct usher_filter *filter, uint32_t action, const char *call,
			   const struct usher_condition conditions[], size_t count) {
	return add(filter, action, call, conditions, count, seccomp_rule_add_exact_array);
}

int usher_call_to_string(int number, char **ret) {
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);

	if (!name)
		return verdict_note(-EINVAL, "%d is no system call", number);
	*ret = name;
	return 0;
}

/* ---- architectures ---- */

static int architecture(struct usher_filter *filter, const char *name,
			int (*change)(scmp_filter_ctx context, uint32_t token)) {
	uint32_t token = name ? seccomp_arch_resolve_name(name) : seccomp_arch_native();

	if (token == 0)
		return verdict_note(-EINVAL, "architecture: '%.64s' is not known", name);
	return result("architecture", change(filter->context, token));
}

int usher_filter_add_architecture(struct usher_filter *filter, const char *name) {
	return architecture(filter, name, seccomp_arch_add);
}

int usher_filter_remove_architecture(struct usher_filter *filter, const char *name) {
	return architecture(filter, name, seccomp_arch_remove);
}

int usher_filter_merge(struct usher_filter *filter, struct usher_filter *other) {
	int r = result("merge", seccomp_merge(filter->context, other->context));

	/* libseccomp has freed the other's context. */
	if (r == 0)
		free(other);
	return r;
}

/* ---- the kernel ---- */

int usher_filter_load(struct usher_filter *filter) {
	return result("load", seccomp_load(filter->context));
}

int usher_filter_notify_fd(struct usher_filter *filter) {
	int fd = seccomp_notify_fd(filter->context);

	if (fd < 0)
		return result("notify", fd);
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? verdict_errno("fcntl") : fd;
}

int usher_filter_export(struct usher_filter *filter, struct sock_filter **ret) {
	_cleanup_close_ int fd = usher_memfd_create("filter", 0);
	_cleanup_free_ struct sock_filter *program = NULL;
	struct stat status;
	int r;

	if (fd < 0)
		return fd;
	r = result("export", seccomp_export_bpf(filter->context, fd));
	if (r < 0)
		return r;
	if (fstat(fd, &status) < 0)
		return verdict_errno("fstat");
	program = malloc((size_t)status.st_size);
	if (!program)
		return verdict_note(-ENOMEM, "no memory");
	if (pread(fd, program, (size_t)status.st_size, 0) != status.st_size)
		return verdict_note(-EIO, "export: the program is not all there");
	*ret = take_pointer(program);
	return (int)((size_t)status.st_size / sizeof *program);
}
