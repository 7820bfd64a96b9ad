/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel said, as an errno of libusher's closed set and in words. */
#pragma once

/* errno after a failed call, as a negative errno of the set. errno stays. */
int verdict_errno(const char *call);
/* The same; where it means that a limit is reached, a setting below /proc/sys is that limit. */
int verdict_limit(const char *call, const char *setting);
/* Notes a failure that was found here, and returns it; errno is the same then. */
int verdict_note(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A result of a system call: itself, or the verdict. */
#define verdict_of(call, result)                                    \
	({                                                          \
		__typeof__(result) _result = (result);              \
		_result < 0 ? verdict_errno(call) : (int)(_result); \
	})
