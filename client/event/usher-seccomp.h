/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libusher-seccomp: filters of system calls, put together with libseccomp. Errors are those of
 * usher-event.h, with usher_event_message().
 *
 * An action is one of <linux/seccomp.h>: SECCOMP_RET_ALLOW, _LOG, _TRAP, _USER_NOTIF,
 * _KILL_THREAD, _KILL_PROCESS, or one of the two below that carry a number.
 */
#ifndef USHER_SECCOMP_H
#define USHER_SECCOMP_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The call fails with this errno; or its tracer is told this number. */
#define USHER_SECCOMP_ERRNO(number) (SECCOMP_RET_ERRNO | ((uint32_t)(number)&SECCOMP_RET_DATA))
#define USHER_SECCOMP_TRACE(number) (SECCOMP_RET_TRACE | ((uint32_t)(number)&SECCOMP_RET_DATA))

struct usher_filter;

enum usher_comparison {
	USHER_NE = 1,
	USHER_LT,
	USHER_LE,
	USHER_EQ,
	USHER_GE,
	USHER_GT,
	USHER_MASKED_EQ, /* (argument & value) == masked */
};

/* What an argument of a call, 0 to 5, has to be like. All are 64 bits and without a sign. */
struct usher_condition {
	unsigned argument;
	enum usher_comparison comparison;
	uint64_t value, masked;
};

#define USHER_CONDITION(argument, comparison, ...) \
	((struct usher_condition){ (argument), (comparison), __VA_ARGS__ })

/* The action for calls of which no rule speaks. */
int usher_filter_new(uint32_t otherwise, struct usher_filter **ret);
struct usher_filter *usher_filter_free(struct usher_filter *filter);
/* As new. */
int usher_filter_reset(struct usher_filter *filter, uint32_t otherwise);

/*
 * A rule: the action for a call, by its name, if all conditions hold; NULL and 0: always. Several
 * rules for a call hold each for itself. Where another architecture has the call in another form,
 * _add() does the like, _add_exact() fails (-EOPNOTSUPP). -EINVAL: no such call, action or
 * argument, an argument with two conditions; -EBUSY: the rule is there already; -EPERM: the action
 * is the one for all the others.
 */
int usher_filter_add(struct usher_filter *filter, uint32_t action, const char *call,
		     const struct usher_condition conditions[], size_t count);
int usher_filter_add_exact(struct usher_filter *filter, uint32_t action, const char *call,
			   const struct usher_condition conditions[], size_t count);

/* "x86_64", "x86", "x32", "aarch64"...; NULL: the machine's, the only one at first. Calls of others
 * kill. */
int usher_filter_add_architecture(struct usher_filter *filter, const char *name);
int usher_filter_remove_architecture(struct usher_filter *filter, const char *name);
/* All of `other`, which has none of its architectures and the same action otherwise, and is gone
 * then, unless this fails. */
int usher_filter_merge(struct usher_filter *filter, struct usher_filter *other);

/* Puts this thread under the filter, for ever, and all that it starts; no_new_privs is set. */
int usher_filter_load(struct usher_filter *filter);
/* After that, where an action is SECCOMP_RET_USER_NOTIF: the descriptor for seccomp_unotify(2),
 * which is the caller's. */
int usher_filter_notify_fd(struct usher_filter *filter);
/* The program that the kernel would get, for whoever loads it elsewhere. For free(3); returns how
 * many instructions. */
int usher_filter_export(struct usher_filter *filter, struct sock_filter **ret);

/* The number of a call on this machine; -EINVAL. And its name, for free(3). */
int usher_call_from_string(const char *name);
int usher_call_to_string(int number, char **ret);

#ifdef __cplusplus
}
#endif

#endif
