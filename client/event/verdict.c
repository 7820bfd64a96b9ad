/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "event/verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "error.h"
#include "event/usher-event.h"
#include "refusal.h"

static __thread char text[256];

const char *usher_event_message(void) {
	return text;
}

/* Where libusher's callers can do more with the kernel's own word. */
static int meaning(int number) {
	switch (number) {
	case EBADF:
	case ENODATA: return -number;
	case ESPIPE: return -EINVAL;
	default: return error_to_errno(refusal_name(-number), -EIO);
	}
}

static int noted(const char *call, int number, const char *addition) {
	const char *name = strerrorname_np(number);
	const char *words = strerrordesc_np(number);

	(void)snprintf(text, sizeof text, "%s: %s (%s)%s", call, words ?: "unknown error",
		       name ?: "?", addition);
	errno = number;
	return meaning(number);
}

int verdict_errno(const char *call) {
	return noted(call, errno, "");
}

int verdict_limit(const char *call, const char *setting) {
	char path[80], value[24], addition[96] = "";
	int number = errno;
	_cleanup_close_ int fd = -1;
	ssize_t n = -1;

	if (meaning(number) == -EDQUOT) {
		(void)snprintf(path, sizeof path, "/proc/sys/%s", setting);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			n = read(fd, value, sizeof value - 1);
	}
	if (n > 0) {
		value[n] = '\0';
		value[strcspn(value, "\n")] = '\0';
		(void)snprintf(addition, sizeof addition, "; %s is %s", setting, value);
	}
	return noted(call, number, addition);
}

int verdict_note(int error, const char *format, ...) {
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	errno = -error;
	return error;
}
