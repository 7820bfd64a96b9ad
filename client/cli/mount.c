/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher mount: file systems, of devices, of images and of the kernel's own making. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../cleanup.h"
#include "../path.h"
#include "command.h"

static const struct parameter parameters[] = {
	{ "type", 't', PARAMETER_TYPE, "TYPE", "the file system; auto: find out, the default" },
	{ "options", 'o', PARAMETER_WORDS, "WORD[,WORD...]", "options of the mount" },
	{ "option", 'O', PARAMETER_WORD, "WORD", "one option, commas and all" },
	{ "read-only", 'r', PARAMETER_READ_ONLY, NULL, "the same as -o ro" },
	{ "image", 0, PARAMETER_IMAGE, NULL, "the source is a file that holds a file system" },
	{ NULL, 0, 0, NULL, NULL },
};

/* With one operand, that is the target, and the file system needs no source. */
static const char *target_of(const struct arguments *a) {
	return a->operands[a->count - 1];
}

static const char *source_of(const struct arguments *a) {
	return a->count == 2 ? a->operands[0] : "";
}

static int mount_check(const struct arguments *a) {
	if (a->count == 1 && a->image)
		return arguments_refuse(a, "--image: an operand is missing: SOURCE");
	if (a->count == 1 && !a->fstype)
		return arguments_refuse(a, "without a SOURCE, -t has to say what to mount");
	return 0;
}

/* Whether the kernel says that this file system stands on no device; its source is then a name. */
static bool type_needs_no_device(const char *fstype) {
	_cleanup_(cleanup_file) FILE *file = fopen("/proc/filesystems", "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "nodev\t", 6) == 0 && strcmp(line + 6, fstype) == 0)
			return true;
	}
	return false;
}

/* UUID=... and its kin, as udev names them. */
static int device_by_tag(const char *source, char **ret) {
	static const char *const tags[][2] = {
		{ "UUID=", "uuid" },
		{ "LABEL=", "label" },
		{ "PARTUUID=", "partuuid" },
		{ "PARTLABEL=", "partlabel" },
	};
	size_t i, size;

	for (i = 0; i < sizeof tags / sizeof tags[0]; i++) {
		size = strlen(tags[i][0]);
		if (strncmp(source, tags[i][0], size) == 0)
			return asprintf(ret, "/dev/disk/by-%s/%s", tags[i][1], source + size) < 0
				       ? -ENOMEM
				       : 1;
	}
	return 0;
}

/* The source as the service wants it: a path made absolute, a name as it is. */
static int find_source(const struct arguments *a, char **ret) {
	const char *source = source_of(a);
	struct stat st;
	int r;

	r = device_by_tag(source, ret);
	if (r != 0)
		return r < 0 ? r : 0;
	if (!arguments_elsewhere(a) && !(a->fstype && type_needs_no_device(a->fstype)) &&
	    stat(source, &st) == 0)
		return path_absolute(source, ret);
	*ret = strdup(source);
	return *ret ? 0 : -ENOMEM;
}

/* A regular file in place of a device is an image, as for mount(8). */
static bool source_is_image(const struct arguments *a) {
	struct stat st;

	if (a->image)
		return true;
	return a->count == 2 && !(a->fstype && type_needs_no_device(a->fstype)) &&
	       stat(source_of(a), &st) == 0 && S_ISREG(st.st_mode);
}

/* For writing if it can be, as mount(8) does it: an image that is opened for reading is mounted so.
 */
static int open_image(const struct arguments *a) {
	int fd;

	if (words_contain(&a->words, "ro"))
		fd = open(source_of(a), O_RDONLY | O_CLOEXEC | O_NOCTTY);
	else
		fd = open(source_of(a), O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 && (errno == EACCES || errno == EROFS) && !words_contain(&a->words, "rw"))
		fd = open(source_of(a), O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

static int mount_image(const struct arguments *a, struct usher *usher, char **ret_object) {
	_cleanup_close_ int image = open_image(a);
	int r;

	if (image < 0)
		return answer_failure(a, source_of(a), image);
	r = usher_mount_image(usher, image, target_of(a), a->fstype,
			      (const char *const *)a->words.items, &a->keys, ret_object);
	return r < 0 ? answer_refusal(a, usher, target_of(a), r) : 0;
}

static int mount_source(const struct arguments *a, struct usher *usher, char **ret_object) {
	_cleanup_free_ char *source = NULL;
	int r;

	r = find_source(a, &source);
	if (r < 0)
		return answer_failure(a, source_of(a), r);
	r = usher_mount(usher, source, target_of(a), a->fstype, (const char *const *)a->words.items,
			&a->keys, ret_object);
	return r < 0 ? answer_refusal(a, usher, target_of(a), r) : 0;
}

static int mount_run(const struct arguments *a, struct usher *usher) {
	_cleanup_free_ char *object = NULL;
	int r;

	if (source_is_image(a))
		r = mount_image(a, usher, &object);
	else
		r = mount_source(a, usher, &object);
	return r != 0 ? r : answer_value(a, "object", object);
}

const struct command command_mount = {
	.name = "mount",
	.synopsis = "[SOURCE] TARGET",
	.help = "Mount a device, an image or a file system without either",
	.parameters = parameters,
	.minimum = 1,
	.maximum = 2,
	.check = mount_check,
	.asks = true,
	.run = mount_run,
};
