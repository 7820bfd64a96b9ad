/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "refusal.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "escape.h"
#include "fd.h"

static const char *const names[_REFUSED_MAX] = {
	[REFUSED_INVALID] = "org.usher1.Error.InvalidArgument",
	[REFUSED_PERMISSION] = "org.usher1.Error.NotPermitted",
	[REFUSED_NOT_FOUND] = "org.usher1.Error.NotFound",
	[REFUSED_NOT_OWNER] = "org.usher1.Error.NotOwner",
	[REFUSED_BUSY] = "org.usher1.Error.Busy",
	[REFUSED_LIMIT] = "org.usher1.Error.LimitExceeded",
	[REFUSED_UNSUPPORTED] = "org.usher1.Error.NotSupported",
	[REFUSED_RETRY] = "org.usher1.Error.Retry",
	[REFUSED_TIMED_OUT] = "org.usher1.Error.TimedOut",
	[REFUSED_FAILED] = "org.usher1.Error.Failed",
	[REFUSED_NO_MEMORY] = "org.freedesktop.DBus.Error.NoMemory",
	[REFUSED_INTERACTION] = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
};

/* What an errno of the kernel means to a caller. Whatever is not here is REFUSED_FAILED. */
static const struct {
	int error;
	enum refusal_code code;
} meanings[] = {
	{ EINVAL, REFUSED_INVALID },
	{ ENOTDIR, REFUSED_INVALID },
	{ EISDIR, REFUSED_INVALID },
	{ ENAMETOOLONG, REFUSED_INVALID },
	{ ELOOP, REFUSED_INVALID },
	{ ENOTBLK, REFUSED_INVALID },
	{ EBADF, REFUSED_INVALID },
	{ E2BIG, REFUSED_INVALID },
	{ ERANGE, REFUSED_INVALID },
	{ EXDEV, REFUSED_INVALID },
	{ EPERM, REFUSED_PERMISSION },
	{ EACCES, REFUSED_PERMISSION },
	{ EROFS, REFUSED_PERMISSION },
	{ ENOENT, REFUSED_NOT_FOUND },
	{ ESRCH, REFUSED_NOT_FOUND },
	{ ENXIO, REFUSED_NOT_FOUND },
	{ EBUSY, REFUSED_BUSY },
	{ EEXIST, REFUSED_BUSY },
	{ ETXTBSY, REFUSED_BUSY },
	{ EDQUOT, REFUSED_LIMIT },
	{ EMFILE, REFUSED_LIMIT },
	{ ENFILE, REFUSED_LIMIT },
	{ ENOSPC, REFUSED_LIMIT },
	{ EUSERS, REFUSED_LIMIT },
	{ ENOBUFS, REFUSED_LIMIT },
	{ EOPNOTSUPP, REFUSED_UNSUPPORTED },
	{ ENOSYS, REFUSED_UNSUPPORTED },
	{ ENODEV, REFUSED_UNSUPPORTED },
	{ EPROTONOSUPPORT, REFUSED_UNSUPPORTED },
	{ EAFNOSUPPORT, REFUSED_UNSUPPORTED },
	{ EAGAIN, REFUSED_RETRY },
	{ EINTR, REFUSED_RETRY },
	{ ETIMEDOUT, REFUSED_TIMED_OUT },
	{ ENOMEM, REFUSED_NO_MEMORY },
};

int refusal_note(struct refusal *refusal, int code, const char *format, ...) {
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(refusal->text, sizeof refusal->text, format, arguments);
	va_end(arguments);
	return code;
}

enum refusal_code refusal_of(int code) {
	if (code > 0)
		return code < _REFUSED_MAX ? (enum refusal_code)code : REFUSED_FAILED;
	for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
		if (code == -meanings[i].error)
			return meanings[i].code;
	return REFUSED_FAILED;
}

const char *refusal_name(int code) {
	return names[refusal_of(code)];
}

char *refusal_sentence(int code, const char *text) {
	_cleanup_free_ char *words = NULL;
	int number = code < 0 && code > INT_MIN ? -code : 0; /* nothing in an int is as large */
	const char *error = number > 0 ? strerrorname_np(number) : NULL;
	char *sentence;

	if (text && *text)
		words = usher_escape(text);
	else
		words = strdup(code < 0 ? strerrordesc_np(number ?: INT_MAX) ?: "unknown error"
					: "refused");
	if (!words)
		return NULL;
	if (asprintf(&sentence, error ? "%s (%s)" : "%s", words, error) < 0)
		return NULL;
	return sentence;
}
