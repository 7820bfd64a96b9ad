/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every reason to say no: the closed set of errors that callers see. */
#pragma once

#include <stddef.h>

enum { REFUSAL_TEXT_MAX = 2048 };

/* The caller's own fault, or the policy's; the kernel's reasons stay negative errnos. */
enum refusal_code {
	REFUSED_INVALID = 1,
	REFUSED_PERMISSION,
	REFUSED_NOT_FOUND,
	REFUSED_NOT_OWNER,
	REFUSED_BUSY,
	REFUSED_LIMIT,
	REFUSED_UNSUPPORTED,
	REFUSED_RETRY,
	REFUSED_TIMED_OUT,
	REFUSED_FAILED,
	REFUSED_NO_MEMORY,
	REFUSED_INTERACTION, /* a person would have to be asked, and the caller did not allow it */
	_REFUSED_MAX,
};

struct refusal {
	char text[REFUSAL_TEXT_MAX]; /* for people; UTF-8, names escaped */
};

/* Notes why and returns code, so that it can stand behind `return`. Names in the text are the
 * caller's bytes; refusal_text() makes them printable. code is a negative errno or a refusal. */
int refusal_note(struct refusal *refusal, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The refusal that a code, an errno too, belongs to. */
enum refusal_code refusal_of(int code);
/* Its name on D-Bus. */
const char *refusal_name(int code);
/* The whole sentence for the caller: the text or, lacking one, the errno's own words; and the
 * errno's name where the code is an errno. The caller frees; NULL when there is no memory. */
char *refusal_sentence(int code, const char *text);
