/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bits, signals and clocks by their names. */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "event/fanotify-new.h"
#include "event/usher-event.h"
#include "event/verdict.h"
#include "signal-name.h"

struct bit {
	const char *name;
	uint64_t value;
};

#define BIT(name) \
	{ #name, name }

/* Those of several bits come behind their bits: they are read, never written. */
static const struct bit inotify_bits[] = {
	BIT(IN_ACCESS),        BIT(IN_MODIFY),      BIT(IN_ATTRIB),      BIT(IN_CLOSE_WRITE),
	BIT(IN_CLOSE_NOWRITE), BIT(IN_OPEN),        BIT(IN_MOVED_FROM),  BIT(IN_MOVED_TO),
	BIT(IN_CREATE),        BIT(IN_DELETE),      BIT(IN_DELETE_SELF), BIT(IN_MOVE_SELF),
	BIT(IN_UNMOUNT),       BIT(IN_Q_OVERFLOW),  BIT(IN_IGNORED),     BIT(IN_ONLYDIR),
	BIT(IN_DONT_FOLLOW),   BIT(IN_EXCL_UNLINK), BIT(IN_MASK_CREATE), BIT(IN_MASK_ADD),
	BIT(IN_ISDIR),         BIT(IN_ONESHOT),     BIT(IN_CLOSE),       BIT(IN_MOVE),
	BIT(IN_ALL_EVENTS),    { NULL, 0 },
};

static const struct bit fanotify_bits[] = {
	BIT(FAN_ACCESS),      BIT(FAN_MODIFY),         BIT(FAN_ATTRIB),
	BIT(FAN_CLOSE_WRITE), BIT(FAN_CLOSE_NOWRITE),  BIT(FAN_OPEN),
	BIT(FAN_MOVED_FROM),  BIT(FAN_MOVED_TO),       BIT(FAN_CREATE),
	BIT(FAN_DELETE),      BIT(FAN_DELETE_SELF),    BIT(FAN_MOVE_SELF),
	BIT(FAN_OPEN_EXEC),   BIT(FAN_Q_OVERFLOW),     BIT(FAN_FS_ERROR),
	BIT(FAN_OPEN_PERM),   BIT(FAN_ACCESS_PERM),    BIT(FAN_OPEN_EXEC_PERM),
	BIT(FAN_PRE_ACCESS),  BIT(FAN_MNT_ATTACH),     BIT(FAN_MNT_DETACH),
	BIT(FAN_RENAME),      BIT(FAN_EVENT_ON_CHILD), BIT(FAN_ONDIR),
	BIT(FAN_CLOSE),       BIT(FAN_MOVE),           { NULL, 0 },
};

static bool is_single(uint64_t value) {
	return (value & (value - 1)) == 0;
}

static int to_string(const struct bit *bits, uint64_t mask, char **ret) {
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	const char *gap = "";

	if (!out)
		return verdict_note(-ENOMEM, "no memory");
	for (const struct bit *bit = bits; bit->name; bit++)
		if (is_single(bit->value) && mask & bit->value) {
			fprintf(out, "%s%s", gap, bit->name);
			mask &= ~bit->value;
			gap = " ";
		}
	if (mask)
		fprintf(out, "%s0x%" PRIx64, gap, mask);
	if (fclose(out) != 0)
		return verdict_note(-ENOMEM, "no memory");
	*ret = take_pointer(text);
	return 0;
}

static const struct bit *find(const struct bit *bits, const char *name, size_t size) {
	for (const struct bit *bit = bits; bit->name; bit++)
		if (strlen(bit->name) == size && strncmp(bit->name, name, size) == 0)
			return bit;
	return NULL;
}

static int from_string(const struct bit *bits, const char *text, uint64_t *ret) {
	static const char gaps[] = " ,|\t\n";
	uint64_t mask = 0;

	for (text += strspn(text, gaps); *text; text += strspn(text, gaps)) {
		size_t size = strcspn(text, gaps);
		const struct bit *bit = find(bits, text, size);
		char *end = NULL;

		if (bit)
			mask |= bit->value;
		else {
			mask |= isdigit((unsigned char)*text) ? strtoull(text, &end, 0) : 0;
			if (end != text + size)
				return verdict_note(-EINVAL, "'%.*s' is no name of an event",
						    size > 64 ? 64 : (int)size, text);
		}
		text += size;
	}
	*ret = mask;
	return 0;
}

int usher_inotify_mask_to_string(uint32_t mask, char **ret) {
	return to_string(inotify_bits, mask, ret);
}

int usher_fanotify_mask_to_string(uint64_t mask, char **ret) {
	return to_string(fanotify_bits, mask, ret);
}

int usher_inotify_mask_from_string(const char *text, uint32_t *ret) {
	uint64_t mask;
	int r = from_string(inotify_bits, text, &mask);

	if (r == 0 && mask > UINT32_MAX)
		return verdict_note(-EINVAL, "the mask has more than 32 bits");
	if (r == 0)
		*ret = (uint32_t)mask;
	return r;
}

int usher_fanotify_mask_from_string(const char *text, uint64_t *ret) {
	return from_string(fanotify_bits, text, ret);
}

const char *usher_signal_to_string(int number, char buffer[USHER_SIGNAL_NAME_MAX]) {
	const char *name = number > 0 ? sigabbrev_np(number) : NULL;

	if (name)
		(void)snprintf(buffer, USHER_SIGNAL_NAME_MAX, "SIG%s", name);
	else if (number == SIGRTMIN)
		(void)snprintf(buffer, USHER_SIGNAL_NAME_MAX, "RTMIN");
	else if (number > SIGRTMIN && number <= SIGRTMAX)
		(void)snprintf(buffer, USHER_SIGNAL_NAME_MAX, "RTMIN+%d", number - SIGRTMIN);
	else
		(void)snprintf(buffer, USHER_SIGNAL_NAME_MAX, "?");
	return buffer;
}

int usher_signal_from_string(const char *name) {
	return signal_name_find(name);
}

static const struct {
	const char *name;
	clockid_t clock;
} clocks[] = {
	{ "realtime", CLOCK_REALTIME },
	{ "monotonic", CLOCK_MONOTONIC },
	{ "boottime", CLOCK_BOOTTIME },
	{ "realtime-alarm", CLOCK_REALTIME_ALARM },
	{ "boottime-alarm", CLOCK_BOOTTIME_ALARM },
};

int usher_clock_from_string(const char *name, clockid_t *ret) {
	for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++)
		if (strcmp(clocks[i].name, name) == 0) {
			*ret = clocks[i].clock;
			return 0;
		}
	return verdict_note(-EINVAL,
			    "clock: '%.64s' is none of realtime, monotonic, boottime, "
			    "realtime-alarm, boottime-alarm",
			    name);
}

const char *usher_clock_to_string(clockid_t clock) {
	for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++)
		if (clocks[i].clock == clock)
			return clocks[i].name;
	return NULL;
}
