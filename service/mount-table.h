/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mount table of the namespace that the process is in: by listmount(2) and statmount(2), or,
 * before Linux 6.8 (and where these say too little, before 6.15), out of /proc/self/mountinfo. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "usher.pb-c.h"

struct kernel_statmount;
struct mountinfo;

struct mount_table {
	Usher__MountEntry **entries;
	size_t n;
};

/* Whether this kernel's statmount says as much as mountinfo. Then mounts have ids that are never
 * used again; otherwise the ids of mountinfo, which are. Found out once: in the place of somebody
 * else the kernel may not let itself be asked. */
bool mount_table_kernel_suffices(void);

/* How many of its mounts are below a real name of the namespace. */
size_t mount_table_below(const struct mount_table *table, const char *real);
/* The ids of what is mounted on a mount and below; -E2BIG where they are more than most. */
int mount_table_descendants(const struct mount_table *table, uint64_t id, uint64_t *ret,
			    size_t most, size_t *ret_n);
/* The mount that a mount of this namespace is on. proc as below. 0 or a negative errno. */
int mount_table_parent(int proc, uint64_t id, uint64_t *ret);
/* proc is a descriptor of a /proc that knows this process. 0 or a negative errno. */
int mount_table_read(struct mount_table *table, int proc);
/* The two ways, for the tests. -EOPNOTSUPP where this kernel has no listmount that is enough. */
int mount_table_read_kernel(struct mount_table *table);
int mount_table_read_mountinfo(struct mount_table *table, int proc);
/* The lines of a mountinfo file, which is changed; bad lines are left out. */
int mount_table_parse(struct mount_table *table, char *text);
/* A mount as statmount(2) tells of it, in a buffer of a size; none if it is out of reach. */
int mount_table_add(struct mount_table *table, const struct kernel_statmount *mount, size_t size);
/* The mount that a file is seen through, as its line in mountinfo, by one question to the kernel:
 * of the options, only "idmapped", and the type without what is behind a dot. The strings are in
 * *ret_space, which the caller frees. -ENOENT for one that is not below our root; -EOPNOTSUPP where
 * the kernel says too little. */
int mount_table_ask(int fd, struct mountinfo *ret, void **ret_space);
/* Adds an entry, with nothing but the id, of each mount that is still in its namespace, or of which
 * this kernel does not say. */
int mount_table_add_foreign(struct mount_table *table, Usher__ForeignMount *const *mounts,
			    size_t n);
const Usher__MountEntry *mount_table_find(const struct mount_table *table, uint64_t id);
void mount_table_done(struct mount_table *table);
