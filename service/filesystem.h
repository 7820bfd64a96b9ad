/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A new file system instance and its detached mount: fsopen, fsconfig, fsmount. */
#pragma once

#include "job.h"
#include "loop.h"
#include "mount-options.h"
#include "overlay.h"
#include "path.h"

/* What stands behind a file system. */
enum filesystem_kind {
	FILESYSTEM_MEMORY, /* tmpfs */
	FILESYSTEM_LAYERS, /* overlay */
	FILESYSTEM_KERNEL, /* proc, sysfs ...: shows the namespaces of who mounts it */
	FILESYSTEM_DEVICE, /* a block device or an image */
	FILESYSTEM_OTHER,
};

/* Everything that is needed to make it, looked up already. */
struct filesystem {
	char type[32];
	enum filesystem_kind kind;
	struct mount_options options;
	struct path source; /* device or image; fd -1 for the others */
	char *source_name;  /* as it shall stand in the mount table; owned */
	struct overlay overlay;
	bool free;   /* the kernel lets the place's own root do it: no privilege is used */
	bool mapped; /* an image: nothing in it may look like anybody else's but the caller's */
	bool default_size; /* tmpfs: nobody said how large */
	bool user_xattr;   /* overlay: its marks in user.*, not in trusted.* */
};

/* Whether one of the type is made in a network or pid namespace of the place's, or may connect to
 * something. */
bool filesystem_joins(const char *type);
/* The words: the type's characters, the options, and that proc has no device. */
int filesystem_check(const char *type, char *const *options, size_t n_options,
		     struct refusal *refusal);
/* Whether a mount of this type may take a user namespace of the caller's ids. Root's images are not
 * mapped. */
bool filesystem_needs_own_ids(const char *type, uid_t uid);
/* Looks up what the words stand for, as the caller, and requires the tier that it takes: `free` for
 * what the kernel lets a namespace's own root do, `own` for tmpfs and overlay and images that can
 * do no harm, the administrator for the rest. Forces nosuid and nodev on what is not free, unless
 * the words say otherwise. image is a descriptor instead of source, or -1. */
int filesystem_resolve(struct job *job, const char *type, const char *source, int image,
		       char *const *options, size_t n_options, struct filesystem *ret);
/* Makes it and a detached mount of it. What has a device is made in the service's own namespaces,
 * everything else after the place was joined. A descriptor, or a refusal or negative errno with the
 * kernel's own words. */
int filesystem_create(struct job *job, struct filesystem *filesystem, int *ret_mount);
void filesystem_done(struct filesystem *filesystem);
/* Notes a failure about a file system's context, in the kernel's own words where it left some. */
int filesystem_failed(struct job *job, int fs, int r, const char *what);
/* Changes the options of the file system that a path is on. */
int filesystem_reconfigure(struct job *job, const struct path *path,
			   const struct mount_options *options);

/* What filesystem_create() takes. */
#define FILESYSTEM_CAPABILITIES \
	(CAP(CAP_SYS_ADMIN) | CAP(CAP_SYS_CHROOT) | CAP(CAP_DAC_READ_SEARCH))
#define FILESYSTEM_CREATE                                                                       \
	JOB_IN_CHILD, SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_ioctl, SYS_unshare, SYS_uname, \
		SYS_mount_setattr, LOOP_ATTACH
/* And, where it may be one in memory, how much of that there is. */
#define FILESYSTEM_MEASURE SYS_sysinfo
