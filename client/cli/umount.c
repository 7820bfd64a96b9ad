/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher umount: by mount point, or by object. */

#include <string.h>

#include "command.h"

static const struct parameter parameters[] = {
	{ "lazy", 'l', PARAMETER_LAZY, NULL, "out of sight now, gone when nobody uses it" },
	{ "force", 'f', PARAMETER_FORCE, NULL, "give up what a dead server does not answer" },
	{ "expire", 0, PARAMETER_EXPIRE, NULL, "only if unused since the last time with --expire" },
	{ NULL, 0, 0, NULL, NULL },
};

static int umount_run(const struct arguments *a, struct usher *usher) {
	const char *subject = a->operands[0];
	int r;

	if (strncmp(subject, "/org/usher1/mount/", 18) == 0)
		r = usher_mount_object_unmount(usher, subject, &a->keys);
	else
		r = usher_unmount(usher, subject, &a->keys);
	return r < 0 ? answer_refusal(a, usher, subject, r) : answer_nothing(a);
}

const struct command command_umount = {
	.name = "umount",
	.synopsis = "TARGET|OBJECT",
	.help = "Unmount what is on top at a mount point, or the mount of an object",
	.parameters = parameters,
	.minimum = 1,
	.maximum = 1,
	.asks = true,
	.run = umount_run,
};
