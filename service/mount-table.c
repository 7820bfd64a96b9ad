/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "mount-table.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fd.h"
#include "kernel.h"
#include "message.h"
#include "mountinfo.h"

enum {
	IDS_AT_ONCE = 512,
	STATMOUNT_SIZE = 64 * 1024,
	STATMOUNT_MAX = 16 * 1024 * 1024,
};

static const unsigned wanted = KERNEL_STATMOUNT_SB_BASIC | KERNEL_STATMOUNT_MNT_BASIC |
			       KERNEL_STATMOUNT_MNT_POINT | KERNEL_STATMOUNT_FS_TYPE |
			       KERNEL_STATMOUNT_MNT_OPTS | KERNEL_STATMOUNT_SB_SOURCE |
			       KERNEL_STATMOUNT_FS_SUBTYPE;

/* Without these an answer would say less than mountinfo does. */
static const unsigned sufficient =
	KERNEL_STATMOUNT_MNT_BASIC | KERNEL_STATMOUNT_FS_TYPE | KERNEL_STATMOUNT_SB_SOURCE;

static bool find_out(void) {
	_cleanup_free_ struct kernel_statmount *buffer = malloc(STATMOUNT_SIZE);
	struct kernel_mount_request request = { .size = 24, .param = wanted };
	struct statx stx;
	uint64_t id;

	if (!buffer || statx(AT_FDCWD, "/", AT_STATX_DONT_SYNC, STATX_MNT_ID_UNIQUE, &stx) < 0 ||
	    !(stx.stx_mask & STATX_MNT_ID_UNIQUE))
		return false;
	request.mnt_id = stx.stx_mnt_id;
	/* of a root that has more to say than fits it is known that it can be asked */
	if (syscall(SYS_statmount, &request, buffer, STATMOUNT_SIZE, 0) < 0) {
		if (errno != EOVERFLOW)
			return false;
	} else if ((buffer->mask & sufficient) != sufficient)
		return false;
	request = (struct kernel_mount_request){ .size = 24, .mnt_id = KERNEL_LSMT_ROOT };
	return syscall(SYS_listmount, &request, &id, 1, 0) >= 0;
}

bool mount_table_kernel_suffices(void) {
	static enum { UNKNOWN, YES, NO } known;

	if (known == UNKNOWN)
		known = find_out() ? YES : NO;
	return known == YES;
}

static Usher__MountEntry *add_entry(struct mount_table *table) {
	Usher__MountEntry **grown;

	if ((table->n & (table->n - 1)) == 0) { /* full at powers of two */
		grown = reallocarray(table->entries, table->n ? table->n * 2 : 1, sizeof *grown);
		if (!grown)
			return NULL;
		table->entries = grown;
	}
	table->entries[table->n] =
		(Usher__MountEntry *)message_new(&usher__mount_entry__descriptor);
	if (!table->entries[table->n])
		return NULL;
	return table->entries[table->n++];
}

static int set_string(char **ret, const char *value) {
	*ret = strdup(value);
	return *ret ? 0 : -ENOMEM;
}

static int add_option(Usher__MountEntry *entry, const char *option) {
	return message_append_string(&entry->options, &entry->n_options, option);
}

static const char *access_time(uint64_t attributes) {
	switch (attributes & MOUNT_ATTR__ATIME) {
	case MOUNT_ATTR_NOATIME: return "noatime";
	case MOUNT_ATTR_STRICTATIME: return NULL;
	default: return "relatime";
	}
}

/* In the order of mountinfo. */
static int add_flags(Usher__MountEntry *entry, uint64_t attributes) {
	const char *time = access_time(attributes);
	const char *const words[] = {
		attributes & MOUNT_ATTR_RDONLY ? "ro" : "rw",
		attributes & MOUNT_ATTR_NOSUID ? "nosuid" : NULL,
		attributes & MOUNT_ATTR_NODEV ? "nodev" : NULL,
		attributes & MOUNT_ATTR_NOEXEC ? "noexec" : NULL,
		time && *time == 'n' ? time : NULL,
		attributes & MOUNT_ATTR_NODIRATIME ? "nodiratime" : NULL,
		time && *time == 'r' ? time : NULL,
		attributes & MOUNT_ATTR_NOSYMFOLLOW ? "nosymfollow" : NULL,
		attributes & MOUNT_ATTR_IDMAP ? "idmapped" : NULL,
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof words / sizeof *words; i++)
		if (words[i])
			r = add_option(entry, words[i]);
	return r;
}

/* The options of the file system itself, parted by commas. "ro" and "rw" are the mount's to say. */
static int add_filesystem_options(Usher__MountEntry *entry, const char *list) {
	_cleanup_free_ char *copy = strdup(list);
	char *rest = copy;
	int r = copy ? 0 : -ENOMEM;

	for (char *word; r == 0 && (word = strsep(&rest, ","));) {
		if (!*word || strcmp(word, "rw") == 0 || strcmp(word, "ro") == 0)
			continue;
		mountinfo_unescape(word);
		r = add_option(entry, word);
	}
	return r;
}

/* What the file system does whatever its kind; mountinfo has it among its options. */
static int add_superblock_flags(Usher__MountEntry *entry, unsigned flags) {
	static const struct {
		unsigned flag;
		const char *word;
	} words[] = {
		{ MS_SYNCHRONOUS, "sync" },
		{ MS_DIRSYNC, "dirsync" },
		{ MS_LAZYTIME, "lazytime" },
	};

	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof words / sizeof *words; i++)
		if (flags & words[i].flag)
			r = add_option(entry, words[i].word);
	return r;
}

static const char *propagation_word(bool shared, bool slave, bool unbindable) {
	if (unbindable)
		return "unbindable";
	if (shared)
		return slave ? "shared,slave" : "shared";
	return slave ? "slave" : "private";
}

/* What a mount says in a string of its own; "" where it says nothing, NULL where what it says is
 * not within what came. */
static const char *text_of(const struct kernel_statmount *mount, size_t size, uint64_t part,
			   uint32_t offset) {
	size_t room = size - sizeof *mount;

	if (!(mount->mask & part))
		return "";
	if (offset >= room || !memchr(mount->strings + offset, '\0', room - offset))
		return NULL;
	return mount->strings + offset;
}

struct texts {
	const char *source, *target, *type, *subtype, *options;
};

static bool find_texts(const struct kernel_statmount *mount, size_t size, struct texts *ret) {
	*ret = (struct texts){
		.source = text_of(mount, size, KERNEL_STATMOUNT_SB_SOURCE, mount->sb_source),
		.target = text_of(mount, size, KERNEL_STATMOUNT_MNT_POINT, mount->mnt_point),
		.type = text_of(mount, size, KERNEL_STATMOUNT_FS_TYPE, mount->fs_type),
		.subtype = text_of(mount, size, KERNEL_STATMOUNT_FS_SUBTYPE, mount->fs_subtype),
		.options = text_of(mount, size, KERNEL_STATMOUNT_MNT_OPTS, mount->mnt_opts),
	};
	return ret->source && ret->target && ret->type && ret->subtype && ret->options;
}

static int fill_entry(Usher__MountEntry *entry, const struct kernel_statmount *mount,
		      const struct texts *texts) {
	int r;

	entry->has_id = entry->has_parent = true;
	entry->id = mount->mnt_id;
	entry->parent = mount->mnt_parent_id;
	if (set_string(&entry->source, texts->source) < 0 ||
	    set_string(&entry->target, texts->target) < 0 ||
	    asprintf(&entry->fstype, "%s%s%s", texts->type, *texts->subtype ? "." : "",
		     texts->subtype) < 0)
		return -ENOMEM;
	r = set_string(&entry->propagation,
		       propagation_word(mount->mnt_propagation & MS_SHARED,
					mount->mnt_propagation & MS_SLAVE,
					mount->mnt_propagation & MS_UNBINDABLE));
	if (r == 0)
		r = add_flags(entry, mount->mnt_attr);
	if (r == 0)
		r = add_superblock_flags(entry, mount->sb_flags);
	return r == 0 ? add_filesystem_options(entry, texts->options) : r;
}

int mount_table_add(struct mount_table *table, const struct kernel_statmount *mount, size_t size) {
	Usher__MountEntry *entry;
	struct texts texts;

	if (size < sizeof *mount || !find_texts(mount, size, &texts))
		return -EBADMSG;
	if (!*texts.target)
		return 0; /* out of reach */
	entry = add_entry(table);
	return entry ? fill_entry(entry, mount, &texts) : -ENOMEM;
}

struct buffer {
	struct kernel_statmount *mount;
	size_t size;
};

static int grow(struct buffer *buffer) {
	size_t size = buffer->size ? buffer->size * 4 : STATMOUNT_SIZE;
	struct kernel_statmount *grown;

	if (size > STATMOUNT_MAX)
		return -EOVERFLOW;
	grown = realloc(buffer->mount, size);
	if (!grown)
		return -ENOMEM;
	*buffer = (struct buffer){ grown, size };
	return 0;
}

/* Of a mount with more to say than any buffer holds, all but its options. */
static int ask(struct buffer *buffer, uint64_t id) {
	struct kernel_mount_request request = { .size = 24, .mnt_id = id, .param = wanted };

	while (syscall(SYS_statmount, &request, buffer->mount, buffer->size, 0) < 0) {
		int r = -errno;

		if (r == -EOVERFLOW && grow(buffer) == 0)
			continue;
		if (r != -EOVERFLOW || !(request.param & KERNEL_STATMOUNT_MNT_OPTS))
			return r;
		request.param &= ~(__u64)KERNEL_STATMOUNT_MNT_OPTS;
	}
	return 0;
}

/* 0 also for one that went while we looked, or that is out of reach. */
static int read_mount(struct mount_table *table, struct buffer *buffer, uint64_t id) {
	int r = ask(buffer, id);

	if (r == -ENOENT || r == -EPERM)
		return 0;
	return r < 0 ? r : mount_table_add(table, buffer->mount, buffer->size);
}

static int read_all(struct mount_table *table, struct buffer *buffer) {
	struct kernel_mount_request request = { .size = 24, .mnt_id = KERNEL_LSMT_ROOT };
	uint64_t ids[IDS_AT_ONCE];

	for (;;) {
		long n = syscall(SYS_listmount, &request, ids, IDS_AT_ONCE, 0);

		if (n < 0)
			return -errno;
		for (long i = 0; i < n; i++) {
			int r = read_mount(table, buffer, ids[i]);

			if (r < 0)
				return r;
		}
		if (n < IDS_AT_ONCE)
			return 0;
		request.param = ids[n - 1];
	}
}

int mount_table_read_kernel(struct mount_table *table) {
	struct buffer buffer = { NULL, 0 };
	int r;

	if (!mount_table_kernel_suffices())
		return -EOPNOTSUPP;
	r = grow(&buffer);
	if (r == 0)
		r = read_all(table, &buffer);
	free(buffer.mount);
	return r;
}

static int add_line(struct mount_table *table, const struct mountinfo *line) {
	Usher__MountEntry *entry = add_entry(table);
	char *options = line->options;
	int r = 0;

	if (!entry)
		return -ENOMEM;
	entry->has_id = entry->has_parent = true;
	entry->id = line->id;
	entry->parent = line->parent;
	if (set_string(&entry->source, line->source) < 0 ||
	    set_string(&entry->target, line->target) < 0 ||
	    set_string(&entry->fstype, line->type) < 0 ||
	    set_string(&entry->propagation,
		       propagation_word(line->shared, line->slave, line->unbindable)) < 0)
		return -ENOMEM;
	for (char *word; r == 0 && (word = strsep(&options, ","));)
		r = add_option(entry, word);
	return r == 0 ? add_filesystem_options(entry, line->superblock_options) : r;
}

int mount_table_parse(struct mount_table *table, char *text) {
	struct mountinfo line;
	int r = 0;

	while (r == 0 && mountinfo_next(&text, &line))
		r = add_line(table, &line);
	return r;
}

int mount_table_read_mountinfo(struct mount_table *table, int proc) {
	_cleanup_free_ char *text = NULL;
	int r = mountinfo_read(proc, "self", &text);

	return r < 0 ? r : mount_table_parse(table, text);
}

int mount_table_read(struct mount_table *table, int proc) {
	/* one way or the other, never a bit of both: their ids are not the same */
	return mount_table_kernel_suffices() ? mount_table_read_kernel(table)
					     : mount_table_read_mountinfo(table, proc);
}

int mount_table_parent(int proc, uint64_t id, uint64_t *ret) {
	struct kernel_mount_request request = { .size = 24,
						.mnt_id = id,
						.param = KERNEL_STATMOUNT_MNT_BASIC };
	struct mount_table table = { 0 };
	struct kernel_statmount basic;
	const Usher__MountEntry *entry;
	int r;

	if (mount_table_kernel_suffices()) {
		if (syscall(SYS_statmount, &request, &basic, sizeof basic, 0) < 0)
			return -errno;
		*ret = basic.mnt_parent_id;
		return 0;
	}
	r = mount_table_read_mountinfo(&table, proc);
	entry = r == 0 ? mount_table_find(&table, id) : NULL;
	if (r == 0 && !entry)
		r = -ENOENT;
	if (r == 0)
		*ret = entry->parent;
	mount_table_done(&table);
	return r;
}

static int fill_line(struct kernel_statmount *mount, size_t size, struct mountinfo *ret) {
	static char idmapped[] = "idmapped", none[] = "";
	const char *root = text_of(mount, size, KERNEL_STATMOUNT_MNT_ROOT, mount->mnt_root);
	struct texts texts;

	if (!root || !find_texts(mount, size, &texts))
		return -EBADMSG;
	if (!*root || !*texts.target)
		return -ENOENT;
	*ret = (struct mountinfo){
		.id = mount->mnt_id_old,
		.parent = mount->mnt_parent_id_old,
		.device = makedev(mount->sb_dev_major, mount->sb_dev_minor),
		.root = (char *)root,
		.target = (char *)texts.target,
		.options = mount->mnt_attr & MOUNT_ATTR_IDMAP ? idmapped : none,
		.type = (char *)texts.type,
		.source = (char *)texts.source,
		.superblock_options = none,
	};
	return 0;
}

int mount_table_ask(int fd, struct mountinfo *ret, void **ret_space) {
	enum { SIZE = sizeof(struct kernel_statmount) + 3UL * PATH_MAX };

	struct kernel_mount_request request = {
		.size = 24,
		.param = KERNEL_STATMOUNT_SB_BASIC | KERNEL_STATMOUNT_MNT_BASIC |
			 KERNEL_STATMOUNT_MNT_ROOT | KERNEL_STATMOUNT_MNT_POINT |
			 KERNEL_STATMOUNT_FS_TYPE | KERNEL_STATMOUNT_SB_SOURCE,
	};
	_cleanup_free_ struct kernel_statmount *mount = NULL;
	struct statx stx;
	int r;

	if (!mount_table_kernel_suffices())
		return -EOPNOTSUPP;
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_MNT_ID_UNIQUE,
		  &stx) < 0)
		return -errno;
	mount = malloc(SIZE);
	if (!mount)
		return -ENOMEM;
	request.mnt_id = stx.stx_mnt_id;
	if (syscall(SYS_statmount, &request, mount, SIZE, 0) < 0)
		return -errno;
	r = fill_line(mount, SIZE, ret);
	if (r == 0) {
		*ret_space = mount;
		mount = NULL;
	}
	return r;
}

int mount_table_add_foreign(struct mount_table *table, Usher__ForeignMount *const *mounts,
			    size_t n) {
	struct kernel_statmount basic;

	for (size_t i = 0; i < n; i++) {
		struct kernel_mount_request request = { .size = sizeof request,
							.mnt_id = mounts[i]->id,
							.param = KERNEL_STATMOUNT_MNT_BASIC,
							.mnt_ns_id = mounts[i]->namespace_id };
		Usher__MountEntry *entry;

		if (syscall(SYS_statmount, &request, &basic, sizeof basic, 0) < 0 &&
		    errno == ENOENT)
			continue;
		entry = add_entry(table);
		if (!entry)
			return -ENOMEM;
		entry->has_id = true;
		entry->id = mounts[i]->id;
	}
	return 0;
}

const Usher__MountEntry *mount_table_find(const struct mount_table *table, uint64_t id) {
	for (size_t i = 0; i < table->n; i++)
		if (table->entries[i]->id == id)
			return table->entries[i];
	return NULL;
}

static bool is_among(const uint64_t *ids, size_t n, uint64_t id) {
	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* A mount that was moved stands in the table before the one that it is on by now. */
int mount_table_descendants(const struct mount_table *table, uint64_t id, uint64_t *ret,
			    size_t most, size_t *ret_n) {
	size_t n = 0, before;

	do {
		before = n;
		for (size_t i = 0; i < table->n; i++) {
			const Usher__MountEntry *entry = table->entries[i];

			if (entry->parent != id && !is_among(ret, n, entry->parent))
				continue;
			if (entry->id == id || is_among(ret, n, entry->id))
				continue;
			if (n == most)
				return -E2BIG;
			ret[n++] = entry->id;
		}
	} while (n > before);
	*ret_n = n;
	return 0;
}

size_t mount_table_below(const struct mount_table *table, const char *real) {
	size_t length = strcmp(real, "/") == 0 ? 0 : strlen(real), n = 0;

	for (size_t i = 0; i < table->n; i++) {
		const char *target = table->entries[i]->target;

		n += strncmp(target, real, length) == 0 && target[length] == '/' &&
		     target[length + 1];
	}
	return n;
}

void mount_table_done(struct mount_table *table) {
	while (table->n > 0)
		usher__mount_entry__free_unpacked(table->entries[--table->n], NULL);
	free(table->entries);
	*table = (struct mount_table){ 0 };
}
