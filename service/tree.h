/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Detached mounts: copies of trees, their flags, and what keeps them harmless. */
#pragma once

#include "job.h"
#include "mount-options.h"
#include "path.h"

/* So many mounts may a copy have that needs no administrator. */
enum { TREE_OWN_MAX = 16 };

/* Copies the mounts under a directory or of a file, with the flags of the options set on every one
 * of them. In the place, joined. idmap is a user namespace or -1. */
int tree_copy(struct job *job, const struct path *path, bool recursive,
	      const struct mount_options *options, int idmap, int *ret_tree);
/* Sets the propagation of the options, where they have one. What is attached below a shared mount
 * becomes shared, so of a mount that is attached it is set after that. */
int tree_propagate(struct job *job, int tree, const struct mount_options *options);
/* Takes what was attached off again. */
int tree_detach(struct job *job);
/* Makes the flags of a detached mount irrevocable. A detached mount that is handed out, or that is
 * attached in a namespace whose root is not ours, could otherwise have its nodev and nosuid taken
 * off by that root, and the kernel would honour a device in it (seen on Linux 6.18). The kernel
 * locks flags where a mount is copied into a mount namespace of a lesser user namespace, so a child
 * makes one, and the copy in it replaces *mount. */
int tree_seal(struct job *job, int *mount);
/* The same without a child: this process makes that namespace and stays there, without a right
 * anywhere else. For what has only to be handed out, the wait for a child is saved. */
int tree_seal_last(struct job *job, int *mount);
/* Attaches a detached mount, which is taken, where the caller wanted it, or not at all. In the
 * place, joined. */
int tree_attach(struct job *job, int *from, const Usher__MountObject *made,
		const struct path *target);
/* Whether a mount is on that of the path, and not on what somebody has put over it. */
int tree_check_parent(struct job *job, uint64_t mount, const struct path *target);
/* What is being made, for the private part of the replies; before it is attached, so that there is
 * no mount of which nobody is told. The options are the caller's words and what
 * was added to them. */
int tree_describe(struct job *job, int mount, const char *source, const char *target,
		  const char *type, const struct mount_options *options, const char *lifetime,
		  Usher__MountObject **ret);
/* Whether the words would take a restriction off the mount that a path is on. */
bool tree_loosens(const struct path *path, const struct mount_options *options, bool recursive);
/* Whether the kernel lets the place's own root copy trees there: no privilege is used. */
bool tree_is_free(const struct job *job);
/* Tells the broker which mount it is that is touched: whoever made it through us may do that. */
void tree_tell_mount(struct job *job, uint64_t id);
/* Tells the broker which mounts lie below one in the host's namespace: they may be somebody
 * else's. */
int tree_tell_below(struct job *job, uint64_t id);
/* Requires the tier that a copy of this takes, and forces nosuid and nodev on it where it is not
 * free, unless the words say otherwise. */
void tree_judge(struct job *job, const struct path *path, bool recursive,
		struct mount_options *options);
/* The id of a mount made now: younger than those of any copy that is there already. */
int tree_last_id(const struct path *path, uint64_t *ret);
/* Tells the person who is asked of the options, all that were said and added. */
int tree_tell_options(struct job *job, const struct mount_options *options);
/* Takes a detached mount and makes it the OpenReply. */
int tree_give(struct job *job, int mount);

/* The system calls of tree_seal_last(), and of tree_seal(). */
#define TREE_SEAL_LAST SYS_setns, SYS_unshare, SYS_mount_setattr, SYS_move_mount, SYS_open_tree
#define TREE_SEAL      JOB_IN_CHILD, TREE_SEAL_LAST
/* Those of tree_describe(). */
#define TREE_DESCRIBE SYS_ioctl
/* Those of tree_attach(), besides. */
#define TREE_ATTACH SYS_statmount, SYS_move_mount, SYS_umount2
/* Those of tree_judge() and tree_copy(). */
#define TREE_COPY SYS_open_tree, SYS_mount_setattr, SYS_listmount, SYS_statmount
