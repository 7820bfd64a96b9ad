/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "device-directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "filesystem.h"
#include "path.h"
#include "target.h"
#include "tree.h"

/* Those of the machine that give nothing of it away, by the numbers that they have everywhere. */
static const struct {
	const char *name;
	unsigned major, minor;
} devices[] = {
	{ "null", 1, 3 },   { "zero", 1, 5 },    { "full", 1, 7 },
	{ "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 },
};

static const struct {
	const char *name, *to;
} links[] = {
	{ "ptmx", "pts/ptmx" },          { "fd", "/proc/self/fd" },
	{ "stdin", "/proc/self/fd/0" },  { "stdout", "/proc/self/fd/1" },
	{ "stderr", "/proc/self/fd/2" },
};

/* What lives in directories of it. */
static const struct part {
	const char *name, *type;
	const char *words[6];
	size_t n_words;
} parts[] = {
	{ "pts", "devpts", { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=620" }, 5 },
	{ "shm", "tmpfs", { "nosuid", "nodev", "mode=1777" }, 3 },
	{ "mqueue", "mqueue", { "nosuid", "nodev", "noexec" }, 3 },
}, whole = { "", "tmpfs", { "nosuid", "noexec", "mode=755", "size=64k" }, 4 };

static int make_part(struct job *job, const struct part *part, int *ret_mount) {
	struct filesystem *filesystem = calloc(1, sizeof *filesystem);
	int r;

	if (!filesystem)
		return -ENOMEM;
	r = filesystem_resolve(job, part->type, "", -1, (char *const *)(uintptr_t)part->words,
			       part->n_words, filesystem);
	if (r == 0)
		r = filesystem_create(job, filesystem, ret_mount);
	filesystem_done(filesystem);
	free(filesystem);
	return r;
}

int device_directory_make(struct job *job, int *ret_mount) {
	return make_part(job, &whole, ret_mount);
}

static int add_part(struct job *job, int directory, const struct part *part) {
	_cleanup_close_ int mount = -1, target = -1;
	int r = make_part(job, part, &mount);

	if (r != 0)
		return r;
	if (mkdirat(directory, part->name, 0755) < 0)
		return -errno;
	target = openat(directory, part->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return target < 0 ? -errno : target_attach(mount, target);
}

/* Bound, since the kernel makes no device nodes for anybody but root. A root that lacks one, or has
 * something else by its name, gives none. */
static int add_device(struct job *job, int directory, size_t i) {
	_cleanup_(path_done) struct path source = PATH_NONE;
	_cleanup_close_ int mount = -1, target = -1;
	struct mount_options none = { 0 };
	char path[32];
	int r;

	(void)snprintf(path, sizeof path, "/dev/%s", devices[i].name);
	if (path_resolve_followed(job, path, path, &source) != 0 || !S_ISCHR(source.st.st_mode) ||
	    source.st.st_rdev != makedev(devices[i].major, devices[i].minor))
		return 0;
	r = tree_copy(job, &source, false, &none, -1, &mount);
	if (r != 0)
		return r;
	target = openat(directory, devices[i].name,
			O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	return target < 0 ? -errno : target_attach(mount, target);
}

int device_directory_fill(struct job *job, int directory, bool new_ipc) {
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof devices / sizeof *devices; i++)
		r = add_device(job, directory, i);
	for (size_t i = 0; r == 0 && i < sizeof parts / sizeof *parts; i++)
		if (new_ipc || strcmp(parts[i].type, "mqueue") != 0)
			r = add_part(job, directory, &parts[i]);
	for (size_t i = 0; r == 0 && i < sizeof links / sizeof *links; i++)
		if (symlinkat(links[i].to, directory, links[i].name) < 0)
			r = -errno;
	return r;
}
