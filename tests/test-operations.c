/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every operation against a kernel that is not there: which calls it makes, with which flags and in
 * which order; and what it leaves behind where any one of these calls fails, in any way.
 *
 * What the words mean is looked up for real, in a directory of the test's own. From then on the
 * calls that would change something end here (--wrap).
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filesystem.h"
#include "job.h"
#include "loop.h"
#include "message.h"
#include "mount-table.h"
#include "path.h"
#include "support.h"
#include "tree.h"

enum { MOUNT_ID = 4711, LOG_MAX = 16384 };

/* ---- the kernel that is not there ---- */

static struct {
	bool armed;         /* calls end here */
	int steps;          /* that were made */
	int fail_at, error; /* the step that fails, from 0, and how */
	const char *lacks;  /* every step that begins so fails */
	char failed[128];   /* what that was */
	char log[LOG_MAX];  /* one line a step */
	bool attached;      /* a mount is where others see it */
	uint64_t flags;     /* of the mount that is being made */
	uint64_t flags_when_attached;
	const char *words; /* what the file system says about its failure */
	uint64_t mount_id;
	uint64_t parent_id; /* of what was attached */
	size_t n_mounts;    /* below @/src, in the table */
	bool is_root;
} kernel;

static struct job *the_job;
static char base[64];

static const char *base_to_at(const char *text) {
	static char turned[2][512];
	static unsigned which;
	char *to = turned[++which % 2];

	if (strncmp(text, base, strlen(base)) == 0)
		(void)snprintf(to, sizeof turned[0], "@%s", text + strlen(base));
	else
		(void)snprintf(to, sizeof turned[0], "%s", text);
	return to;
}

/* Notes a step; true where it is the one that fails. */
static bool fails(const char *format, ...) __attribute__((format(printf, 1, 2)));

static bool fails(const char *format, ...) {
	size_t used = strlen(kernel.log);
	va_list arguments;

	if (!kernel.armed)
		return false;
	va_start(arguments, format);
	(void)vsnprintf(kernel.log + used, LOG_MAX - used, format, arguments);
	va_end(arguments);
	if (kernel.steps++ != kernel.fail_at &&
	    !(kernel.lacks &&
	      strncmp(kernel.log + used, kernel.lacks, strlen(kernel.lacks)) == 0)) {
		strncat(kernel.log, "\n", LOG_MAX - strlen(kernel.log) - 1);
		return false;
	}
	(void)snprintf(kernel.failed, sizeof kernel.failed, "%s", kernel.log + used);
	strncat(kernel.log, " FAILS\n", LOG_MAX - strlen(kernel.log) - 1);
	errno = kernel.error;
	return true;
}

static const char *flags_text(uint64_t flags) {
	static const struct {
		uint64_t flag;
		const char *word;
	} words[] = {
		{ MOUNT_ATTR_RDONLY, "ro" },
		{ MOUNT_ATTR_NOSUID, "nosuid" },
		{ MOUNT_ATTR_NODEV, "nodev" },
		{ MOUNT_ATTR_NOEXEC, "noexec" },
		{ MOUNT_ATTR_IDMAP, "idmap" },
		{ MOUNT_ATTR_NOATIME, "noatime" },
		{ MOUNT_ATTR_STRICTATIME, "strictatime" },
		{ MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow" },
	};

	static char text[4][128];
	static unsigned which;
	char *to = text[++which % 4];

	*to = '\0';
	for (size_t i = 0; i < N_OF(words); i++)
		if (flags & words[i].flag) {
			(void)snprintf(to + strlen(to), sizeof text[0] - strlen(to), "%s%s",
				       *to ? "," : "", words[i].word);
			flags &= ~words[i].flag;
		}
	if (flags)
		(void)snprintf(to + strlen(to), sizeof text[0] - strlen(to), "+0x%llx",
			       (unsigned long long)flags);
	return to;
}

/* What a descriptor of the job's is. */
static const char *descriptor_text(int fd) {
	static char text[2][512];
	static unsigned which;
	const struct place *place = &the_job->place;
	char link[64], *to = text[++which % 2];
	ssize_t n;

	if (fd == AT_FDCWD)
		return "here";
	if (fd == place->mounts.fd)
		return "mounts";
	if (fd == place->names.fd)
		return "names";
	if (fd == place->pids.fd)
		return "pids";
	if (fd == place->net.fd)
		return "net";
	if (fd == place->users)
		return "users";
	if (fd == place->home)
		return "home";
	if (fd == place->root)
		return "root";
	if (fd == place->proc)
		return "proc";
	if (fd == the_job->own_ids)
		return "own_ids";
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, to, sizeof text[0] - 1);
	if (n < 0)
		return "closed!";
	to[n] = '\0';
	to[strcspn(to, " ")] = '\0';
	return base_to_at(strncmp(to, "/memfd:", 7) == 0 ? to + 7 : to);
}

static int open_base(const char *name) {
	char path[256];
	int fd;

	(void)snprintf(path, sizeof path, "%s/%s", base, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd >= 0 ? fd : open(path, O_RDONLY | O_CLOEXEC);
}

/* Everything else that is made is a file in memory with a name. */
static int thing(const char *name) {
	return memfd_create(name, MFD_CLOEXEC);
}

int __wrap_fsopen(const char *type, unsigned flags);
int __wrap_fsconfig(int fs, unsigned command, const char *key, const void *value, int number);
int __wrap_fsmount(int fs, unsigned flags, unsigned attributes);
int __wrap_fspick(int directory, const char *path, unsigned flags);
int __wrap_open_tree(int directory, const char *path, unsigned flags);
int __wrap_move_mount(int from, const char *from_path, int to, const char *to_path, unsigned flags);
int __wrap_mount_setattr(int directory, const char *path, unsigned flags,
			 struct mount_attr *attributes, size_t size);
int __wrap_umount2(const char *target, int flags);
int __wrap_setns(int fd, int type);
int __wrap_unshare(int flags);
int __wrap_chroot(const char *path);
int __wrap_fchdir(int fd);
int __wrap_sethostname(const char *name, size_t size);
int __wrap_setdomainname(const char *name, size_t size);
int __wrap_confine_raise(void);
int __wrap_path_mount_id(int directory, const char *name, uint64_t *ret_id, bool *ret_is_root);
int __wrap_job_announce(struct job *job);
int __wrap_mount_table_read(struct mount_table *table, int proc);
int __wrap_mount_table_parent(int proc, uint64_t id, uint64_t *ret);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap___open64_2(const char *path, int flags);
long __wrap_syscall(long number, ...);
int __wrap_clone(int (*function)(void *), void *stack, int flags, void *data, ...);

int __real_ioctl(int fd, unsigned long request, ...);
int __real_open64(const char *path, int flags, ...);
long __real_syscall(long number, ...);
int __real_clone(int (*function)(void *), void *stack, int flags, void *data, ...);
int __real_path_mount_id(int directory, const char *name, uint64_t *ret_id, bool *ret_is_root);

/* The descriptor itself is meant, and the kernel has to be told so. */
static const char *names_nothing(const char *path, unsigned told) {
	return *path || told ? "" : " NAMELESS";
}

int __wrap_fsopen(const char *type, unsigned flags) {
	int fd;

	if (fails("fsopen %s%s", type, flags & FSOPEN_CLOEXEC ? "" : " LEAKY"))
		return -1;
	fd = thing(type);
	if (kernel.words)
		(void)!pwrite(fd, kernel.words, strlen(kernel.words), 0);
	return fd;
}

int __wrap_fsconfig(int fs, unsigned command, const char *key, const void *value, int number) {
	bool failing;

	switch (command) {
	case FSCONFIG_SET_STRING: failing = fails("fsconfig %s=%s", key, base_to_at(value)); break;
	case FSCONFIG_SET_FLAG: failing = fails("fsconfig %s", key); break;
	case FSCONFIG_SET_FD:
		failing = fails("fsconfig %s is %s", key, descriptor_text(number));
		break;
	case FSCONFIG_CMD_CREATE: failing = fails("fsconfig create"); break;
	case FSCONFIG_CMD_RECONFIGURE: failing = fails("fsconfig reconfigure"); break;
	default: failing = fails("fsconfig command %u", command);
	}
	return failing ? -1 : 0;
}

int __wrap_fsmount(int fs, unsigned flags, unsigned attributes) {
	if (fails("fsmount %s%s", flags_text(attributes), flags & FSMOUNT_CLOEXEC ? "" : " LEAKY"))
		return -1;
	kernel.flags = attributes;
	return open_base("mount");
}

int __wrap_fspick(int directory, const char *path, unsigned flags) {
	return fails("fspick %s", descriptor_text(directory)) ? -1 : thing("picked");
}

int __wrap_open_tree(int directory, const char *path, unsigned flags) {
	struct stat st;

	if (fails("open_tree %s%s%s%s%s%s", descriptor_text(directory), path,
		  names_nothing(path, flags & AT_EMPTY_PATH),
		  flags & AT_RECURSIVE ? " recursive" : "",
		  flags & OPEN_TREE_CLONE ? "" : " UNCLONED",
		  flags & OPEN_TREE_CLOEXEC ? "" : " LEAKY"))
		return -1;
	/* a file's tree is a file, a directory's is a directory */
	if (directory == AT_FDCWD)
		return strcmp(path, "/proc") == 0 ? open_base("tree") : thing("tree");
	return fstat(directory, &st) == 0 && S_ISDIR(st.st_mode) ? open_base("tree")
								 : thing("tree");
}

int __wrap_move_mount(int from, const char *from_path, int to, const char *to_path,
		      unsigned flags) {
	bool failing =
		fails("move_mount %s to %s%s%s%s", descriptor_text(from), descriptor_text(to),
		      to_path, names_nothing(from_path, flags & MOVE_MOUNT_F_EMPTY_PATH),
		      names_nothing(to_path, flags & MOVE_MOUNT_T_EMPTY_PATH));

	/* what a child puts over its own /proc goes with its namespace; what is moved to a name is
	 * moved back */
	if (!failing && to != AT_FDCWD) {
		kernel.attached = !*to_path;
		kernel.flags_when_attached = kernel.flags;
	}
	return failing ? -1 : 0;
}

int __wrap_mount_setattr(int directory, const char *path, unsigned flags,
			 struct mount_attr *attributes, size_t size) {
	static const char *const propagations[] = {
		[0] = "", [18] = " private", [19] = " slave", [20] = " shared", [17] = " unbindable"
	};
	const char *propagation = attributes->propagation
					  ? propagations[__builtin_ctzll(attributes->propagation)]
					  : "";

	if (fails("mount_setattr %s%s%s%s +%s -%s%s", descriptor_text(directory), path,
		  names_nothing(path, flags & AT_EMPTY_PATH),
		  flags & AT_RECURSIVE ? " recursive" : "", flags_text(attributes->attr_set),
		  flags_text(attributes->attr_clr), propagation))
		return -1;
	if (directory != AT_FDCWD)
		kernel.flags = (kernel.flags & ~attributes->attr_clr) | attributes->attr_set;
	return 0;
}

int __wrap_umount2(const char *target, int flags) {
	if (fails("umount2 %s%s%s%s%s", strncmp(target, "self/fd/", 8) == 0 ? "self/fd" : target,
		  flags & MNT_DETACH ? " lazy" : "", flags & MNT_FORCE ? " force" : "",
		  flags & MNT_EXPIRE ? " expire" : "", flags & UMOUNT_NOFOLLOW ? " nofollow" : ""))
		return -1;
	kernel.attached = false;
	return 0;
}

int __wrap_setns(int fd, int type) {
	return fails("setns %s", descriptor_text(fd)) ? -1 : 0;
}

int __wrap_unshare(int flags) {
	return fails("unshare%s%s", flags & CLONE_NEWUSER ? " users" : "",
		     flags & CLONE_NEWNS ? " mounts" : "")
		       ? -1
		       : 0;
}

int __wrap_chroot(const char *path) {
	return fails("chroot %s", path) ? -1 : 0;
}

int __wrap_fchdir(int fd) {
	return fails("fchdir %s", descriptor_text(fd)) ? -1 : 0;
}

int __wrap_sethostname(const char *name, size_t size) {
	return fails("sethostname %.*s", (int)size, name) ? -1 : 0;
}

int __wrap_setdomainname(const char *name, size_t size) {
	return fails("setdomainname %.*s", (int)size, name) ? -1 : 0;
}

int __wrap_confine_raise(void) {
	return kernel.armed && fails("raise") ? -errno : 0;
}

int __wrap_path_mount_id(int directory, const char *name, uint64_t *ret_id, bool *ret_is_root) {
	if (kernel.armed &&
	    fails("id of %s%s%s", descriptor_text(directory), *name ? "/" : "", name))
		return -errno;
	*ret_id = kernel.mount_id;
	*ret_is_root = kernel.is_root;
	return 0;
}

int __wrap_job_announce(struct job *job) {
	const Usher__MountReply *reply = (const Usher__MountReply *)job->reply;

	assert_non_null(reply->made);
	assert_int_equal(reply->made->id, MOUNT_ID);
	job->announced = !fails("announce");
	return job->announced ? 0 : -errno;
}

int __wrap_mount_table_read(struct mount_table *table, int proc) {
	Usher__MountEntry *entry;
	char target[512];

	if (kernel.armed && fails("mount table"))
		return -errno;
	(void)snprintf(target, sizeof target, "%s/dst", base);
	entry = (Usher__MountEntry *)message_new(&usher__mount_entry__descriptor);
	entry->has_id = entry->has_parent = true;
	entry->id = kernel.mount_id;
	entry->parent = 1;
	entry->target = strdup(target);
	entry->source = strdup("x");
	entry->fstype = strdup("tmpfs");
	table->entries = calloc(kernel.n_mounts + 1, sizeof *table->entries);
	table->entries[table->n++] = entry;
	while (table->n <= kernel.n_mounts) {
		entry = (Usher__MountEntry *)message_new(&usher__mount_entry__descriptor);
		assert_true(asprintf(&entry->target, "%s/src/%zu", base, table->n) > 0);
		table->entries[table->n++] = entry;
	}
	return 0;
}

int __wrap_mount_table_parent(int proc, uint64_t id, uint64_t *ret) {
	if (kernel.armed && !kernel.attached)
		return -ENOENT;
	if (fails("parent of %llu", (unsigned long long)id))
		return -errno;
	*ret = kernel.parent_id;
	return 0;
}

int __wrap_ioctl(int fd, unsigned long request, ...) {
	const struct loop_config *config;
	va_list arguments;
	void *argument;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	if (!kernel.armed)
		return __real_ioctl(fd, request, argument);
	switch (request) {
	case LOOP_CTL_GET_FREE: return fails("a free loop device") ? -1 : 7;
	case LOOP_CONFIGURE:
		config = argument;
		return fails("configure %s with %s%s%s%s", descriptor_text(fd),
			     descriptor_text((int)config->fd),
			     config->info.lo_flags & LO_FLAGS_AUTOCLEAR ? "" : " FOR EVER",
			     config->info.lo_flags & LO_FLAGS_READ_ONLY ? " ro" : "",
			     config->info.lo_sizelimit ==
					     (UINT64_C(0x7573) << 48 | the_job->place.uid)
				     ? " for the caller"
				     : "")
			       ? -1
			       : 0;
	default: return fails("ask %s", descriptor_text(fd)) ? -1 : 0;
	}
}

static int open_loop(const char *path, int flags) {
	return fails("open %s%s", path, (flags & O_ACCMODE) == O_RDONLY ? " ro" : "")
		       ? -1
		       : thing(path + 5);
}

int __wrap_open64(const char *path, int flags, ...) {
	if (kernel.armed && strncmp(path, "/dev/loop", 9) == 0)
		return open_loop(path, flags);
	return __real_open64(path, flags, 0);
}

int __wrap___open64_2(const char *path, int flags) {
	return __wrap_open64(path, flags);
}

long __wrap_syscall(long number, ...) {
	long a[6];
	va_list arguments;

	va_start(arguments, number);
	for (size_t i = 0; i < N_OF(a); i++)
		a[i] = va_arg(arguments, long);
	va_end(arguments);
	if (kernel.armed && number == SYS_pivot_root)
		return fails("pivot_root") ? -1 : 0;
	if (kernel.armed && number == SYS_openat2 &&
	    fails("openat2 %s", base_to_at((const char *)a[1])))
		return -1;
	return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int __wrap_clone(int (*function)(void *), void *stack, int flags, void *data, ...) {
	if (kernel.armed && fails("a child"))
		return -1;
	return __real_clone(function, stack, flags, data);
}

/* ---- a job ---- */

enum where {
	HERE,  /* the caller is in the service's own namespaces */
	OWN,   /* in namespaces whose root it is */
	OTHER, /* in namespaces whose root is somebody else, and not us */
};

/* Never root, of whom less is asked. */
static uid_t the_caller(void) {
	return getuid() ?: 65534;
}

static void make_place(struct place *place, enum where where) {
	bool here = where == HERE;

	place->uid = the_caller();
	place->gid = getgid();
	place->pid = getpid();
	place->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	place->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	place->home = some_descriptor();
	place->mounts = (struct place_namespace){ some_descriptor(), here, where == OWN, -1 };
	place->names = (struct place_namespace){ some_descriptor(), here, where == OWN, -1 };
	place->pids = (struct place_namespace){ some_descriptor(), here, false, -1 };
	place->net = (struct place_namespace){ some_descriptor(), here, false, -1 };
	place->users = here ? -1 : some_descriptor();
}

/* "@" in the fields is the test's directory. */
static char *with_base(const char *fields) {
	char *whole = calloc(1, strlen(fields) * (sizeof base) + 1);

	assert_non_null(whole);
	for (size_t used = 0; *fields; fields++)
		used += (size_t)(*fields == '@' ? sprintf(whole + used, "%s", base)
						: sprintf(whole + used, "%c", *fields));
	return whole;
}

static void job_new(struct job *job, const char *name, const char *fields, enum where where) {
	_cleanup_free_ char *whole = with_base(fields);
	size_t place;

	*job = (struct job){ .place = PLACE_NONE,
			     .peer = PLACE_NONE,
			     .prober = -1,
			     .idmap = -1,
			     .own_ids = -1,
			     .attached = -1,
			     .finding = USHER__FINDING__INIT };
	the_job = job;
	job->operation = operation_find_whole(name, &place);
	assert_non_null(job->operation);
	job->request = request_of(name, whole);
	job->reply = message_new(job->operation->reply);
	make_place(&job->place, where);
	job->own_ids = some_descriptor();
	/* what a caller may give: a directory and an image */
	assert_int_equal(fds_add(&job->fds, open_base("src")), 0);
	assert_int_equal(fds_add(&job->fds, open_base("image")), 1);
	if (strstr(fields, "idmap="))
		job->idmap = some_descriptor();
}

static void job_free(struct job *job) {
	job_done(job);
	the_job = NULL;
}

static void kernel_new(int fail_at, int error) {
	memset(&kernel, 0, sizeof kernel);
	kernel.fail_at = fail_at;
	kernel.error = error;
	kernel.mount_id = kernel.parent_id = MOUNT_ID;
	kernel.is_root = true;
}

/* Looks the words up. */
static void look(struct job *job) {
	int r = job->operation->check ? job->operation->check(job->request, &job->refusal) : 0;

	if (r == 0 && job->operation->resolve)
		r = job->operation->resolve(job);
	if (r != 0)
		fail_msg("%s: %d: %s", job->operation->method, r, job->refusal.text);
}

static int run(struct job *job) {
	int r;

	kernel.log[0] = '\0';
	kernel.steps = 0;
	kernel.armed = true;
	r = job->operation->run(job);
	kernel.armed = false;
	return r;
}

/* ---- what is done, in which order ---- */

struct scenario {
	const char *operation, *fields;
	enum where where;
	enum tier tier;
	const char *log;
};

#define JOINED_HERE  "fchdir root\nchroot .\n"
#define JOINED_OTHER "setns mounts\n" JOINED_HERE
#define JOINED_OWN   "setns users\n" JOINED_OTHER
/* this makes the flags irrevocable */
#define SEALED_LAST(what)                                                         \
	"setns home\nunshare mounts\nmount_setattr here/ recursive + - private\n" \
	"move_mount " what " to here/proc\nunshare users mounts\nopen_tree here/proc recursive\n"
/* where something is to be done after that, in a child of its own */
#define SEALED(what) "a child\n" SEALED_LAST(what)
#define NEW_TMPFS    "fsopen tmpfs\nfsconfig source=tmpfs\nfsconfig size=10%\nfsconfig create\n"
#define LOOP                                                                   \
	"raise\nopen /dev/loop-control\na free loop device\nopen /dev/loop7\n" \
	"configure loop7 with @/image for the caller\nfsconfig source=/dev/loop7\nfsconfig create\n"
#define LOOP_READ_ONLY                                                            \
	"raise\nopen /dev/loop-control\na free loop device\nopen /dev/loop7 ro\n" \
	"configure loop7 with @/image ro for the caller\nfsconfig source=/dev/loop7\nfsconfig ro\nfsconfig create\n"

static const struct scenario scenarios[] = {
	{ "Mounts.Mount", "target=@/dst|fstype=tmpfs", HERE, TIER_OWN,
	  JOINED_HERE NEW_TMPFS "fsmount nosuid,nodev\n"
				"id of @/mount\n"
				"announce\n"
				"move_mount @/mount to @/dst\n"
				"id of @/dst\n"
				"parent of 4711\n" },
	{ "Mounts.Mount",
	  "source=s|target=@/dst|fstype=tmpfs|mount_options=size=1m|mount_options=ro|mount_options=mode=700",
	  HERE, TIER_OWN,
	  JOINED_HERE "fsopen tmpfs\n"
		      "fsconfig source=s\n"
		      "fsconfig size=1m\n"
		      "fsconfig mode=700\n"
		      "fsconfig create\n"
		      "fsmount ro,nosuid,nodev\n"
		      "id of @/mount\n"
		      "announce\n"
		      "move_mount @/mount to @/dst\n"
		      "id of @/dst\n"
		      "parent of 4711\n" },
	{ "Mounts.Mount", "target=@/dst|fstype=tmpfs|mount_options=suid", HERE, TIER_ADMIN,
	  JOINED_HERE NEW_TMPFS "fsmount nodev\n"
				"id of @/mount\n"
				"announce\n"
				"move_mount @/mount to @/dst\n"
				"id of @/dst\n"
				"parent of 4711\n" },
	{ "Mounts.Mount", "target=@/dst|fstype=tmpfs", OWN, TIER_FREE,
	  JOINED_OWN NEW_TMPFS "fsmount \n"
			       "id of @/mount\n"
			       "ask mounts\n"
			       "announce\n"
			       "move_mount @/mount to @/dst\n" },
	{ "Mounts.Mount", "target=@/dst|fstype=tmpfs|lifetime=connection", OTHER, TIER_OWN,
	  JOINED_OTHER NEW_TMPFS
	  "fsmount nosuid,nodev\n" SEALED("@/mount") "id of @/tree\n"
						     "ask mounts\n"
						     "announce\n"
						     "move_mount @/tree to @/dst\n"
						     "id of @/dst\n"
						     "parent of 4711\n" },
	{ "Mounts.Mount", "target=@/dst|fstype=proc", OWN, TIER_FREE,
	  JOINED_OWN "setns pids\n"
		     "a child\n"
		     "fsopen proc\n"
		     "fsconfig source=proc\n"
		     "fsconfig create\n"
		     "fsmount \n"
		     "id of @/mount\n"
		     "ask mounts\n"
		     "announce\n"
		     "move_mount @/mount to @/dst\n" },
	{ "Mounts.Mount", "target=@/dst|fstype=sysfs", OWN, TIER_FREE,
	  JOINED_OWN "setns net\n"
		     "setns pids\n"
		     "a child\n"
		     "fsopen sysfs\n"
		     "fsconfig source=sysfs\n"
		     "fsconfig create\n"
		     "fsmount \n"
		     "id of @/mount\n"
		     "ask mounts\n"
		     "announce\n"
		     "move_mount @/mount to @/dst\n" },
	/* one that may talk to a server */
	{ "Mounts.Mount", "target=@/dst|fstype=ramfs", OTHER, TIER_ADMIN,
	  JOINED_OTHER "setns net\n"
		       "fsopen ramfs\n"
		       "fsconfig source=ramfs\n"
		       "fsconfig create\n"
		       "fsmount nosuid,nodev\n" SEALED("@/mount") "id of @/tree\n"
								  "ask mounts\n"
								  "announce\n"
								  "move_mount @/tree to @/dst\n"
								  "id of @/dst\n"
								  "parent of 4711\n" },
	{ "Mounts.Mount",
	  "target=@/dst|fstype=overlay|mount_options=lowerdir=@/src:@/new|mount_options=upperdir=@/upper|mount_options=workdir=@/scratch",
	  HERE, TIER_OWN,
	  JOINED_HERE "a child\n"
		      "setns mounts\n"
		      "setns own_ids\n"
		      "unshare mounts\n"
		      "openat2 @/src\n"
		      "openat2 @/new\n"
		      "openat2 @/upper\n"
		      "openat2 @/scratch\n"
		      "fsopen overlay\n"
		      "fsconfig source=overlay\n"
		      "fsconfig userxattr\n"
		      "fsconfig lowerdir+ is @/src\n"
		      "fsconfig lowerdir+ is @/new\n"
		      "fsconfig upperdir is @/upper\n"
		      "fsconfig workdir is @/scratch\n"
		      "fsconfig create\n"
		      "fsmount nosuid,nodev\n"
		      "id of @/mount\n"
		      "announce\n"
		      "move_mount @/mount to @/dst\n"
		      "id of @/dst\n"
		      "parent of 4711\n" },
	{ "Mounts.Mount", "target=@/dst|fstype=overlay|mount_options=lowerdir=@/src:@/new", OWN,
	  TIER_FREE,
	  JOINED_OWN "fsopen overlay\n"
		     "fsconfig source=overlay\n"
		     "fsconfig userxattr\n"
		     "fsconfig lowerdir+ is @/src\n"
		     "fsconfig lowerdir+ is @/new\n"
		     "fsconfig create\n"
		     "fsmount \n"
		     "id of @/mount\n"
		     "ask mounts\n"
		     "announce\n"
		     "move_mount @/mount to @/dst\n" },
	{ "Mounts.Mount", "source=@/image|target=@/dst|fstype=squashfs", HERE, TIER_OWN,
	  "fsopen squashfs\n" LOOP_READ_ONLY "fsmount ro,nosuid,nodev\n"
	  "mount_setattr @/mount +idmap -\n" JOINED_HERE "id of @/mount\n"
	  "announce\n"
	  "move_mount @/mount to @/dst\n"
	  "id of @/dst\n"
	  "parent of 4711\n" },
	{ "Mounts.Mount", "source=@/image|target=@/dst|fstype=ext4|mount_options=noexec", OTHER,
	  TIER_ADMIN,
	  "fsopen ext4\n" LOOP "fsmount nosuid,nodev,noexec\n" JOINED_OTHER SEALED(
		  "@/mount") "id of @/tree\n"
			     "ask mounts\n"
			     "announce\n"
			     "move_mount @/tree to @/dst\n"
			     "id of @/dst\n"
			     "parent of 4711\n" },
	{ "Mounts.MountImage", "image_fd=1|target=@/dst|fstype=squashfs", HERE, TIER_OWN,
	  "fsopen squashfs\n" LOOP_READ_ONLY "fsmount ro,nosuid,nodev\n"
	  "mount_setattr @/mount +idmap -\n" JOINED_HERE "id of @/mount\n"
	  "announce\n"
	  "move_mount @/mount to @/dst\n"
	  "id of @/dst\n"
	  "parent of 4711\n" },
	{ "Mounts.MountImage", "image_fd=1|target=|fstype=ext4|target_fd=0", HERE, TIER_ADMIN,
	  "fsopen ext4\n" LOOP "fsmount nosuid,nodev\n" JOINED_HERE "id of @/mount\n"
	  "announce\n"
	  "move_mount @/mount to @/src\n"
	  "id of @/src\n"
	  "parent of 4711\n" },
	{ "Mounts.Bind", "source=@/src|target=@/dst", HERE, TIER_OWN,
	  JOINED_HERE "open_tree @/src\n"
		      "mount_setattr @/tree recursive + - private\n"
		      "mount_setattr @/tree +nosuid,nodev -\n"
		      "id of @/tree\n"
		      "announce\n"
		      "move_mount @/tree to @/dst\n"
		      "id of @/dst\n"
		      "parent of 4711\n" },
	{ "Mounts.Bind", "source=@/fsrc|target=@/fdst|mount_options=ro|mount_options=noatime", HERE,
	  TIER_OWN,
	  JOINED_HERE "open_tree @/fsrc\n"
		      "mount_setattr tree recursive + - private\n"
		      "mount_setattr tree +ro,nosuid,nodev,noatime -noatime,strictatime+0x40\n"
		      "id of tree\n"
		      "announce\n"
		      "move_mount tree to @/fdst\n"
		      "id of @/fdst\n"
		      "parent of 4711\n" },
	{ "Mounts.Bind", "source=@/src|target=@/dst|mount_options=rslave|recursive=yes", HERE,
	  TIER_ADMIN,
	  JOINED_HERE "open_tree @/src recursive\n"
		      "mount_setattr @/tree recursive + - slave\n"
		      "mount_setattr @/tree recursive +nosuid,nodev -\n"
		      "id of @/tree\n"
		      "open_tree @/src\n"
		      "id of @/tree\n"
		      "announce\n"
		      "move_mount @/tree to @/dst\n"
		      "id of @/dst\n"
		      "parent of 4711\n"
		      "mount_setattr @/tree recursive + - slave\n" },
	{ "Mounts.Bind", "source=|source_fd=0|target=@/dst", OWN, TIER_FREE,
	  JOINED_OWN "open_tree @/src\n"
		     "mount_setattr @/tree recursive + - private\n"
		     "id of @/tree\n"
		     "ask mounts\n"
		     "announce\n"
		     "move_mount @/tree to @/dst\n" },
	{ "Mounts.Bind", "source=@/src|target=@/dst|mount_options=private|lifetime=connection",
	  OTHER, TIER_OWN,
	  JOINED_OTHER "open_tree @/src\n"
		       "mount_setattr @/tree recursive + - private\n"
		       "mount_setattr @/tree +nosuid,nodev -\n" SEALED(
			       "@/tree") "id of @/tree\n"
					 "ask mounts\n"
					 "announce\n"
					 "move_mount @/tree to @/dst\n"
					 "id of @/dst\n"
					 "parent of 4711\n"
					 "mount_setattr @/tree + - private\n" },
	{ "Mounts.Bind", "source=@/src|target=@/dst|idmap=0 0 1", OWN, TIER_OWN,
	  JOINED_OTHER "open_tree @/src\n"
		       "mount_setattr @/tree recursive + - private\n"
		       "mount_setattr @/tree +nosuid,nodev,idmap -\n" SEALED(
			       "@/tree") "id of @/tree\n"
					 "ask mounts\n"
					 "announce\n"
					 "move_mount @/tree to @/dst\n" },
	{ "Mounts.OpenMount", "fstype=tmpfs", HERE, TIER_OWN,
	  JOINED_HERE NEW_TMPFS "fsmount nosuid,nodev\n" SEALED_LAST("@/mount") },
	{ "Mounts.OpenMount", "fstype=tmpfs|mount_options=mode=755", OWN, TIER_FREE,
	  JOINED_OWN "fsopen tmpfs\n"
		     "fsconfig source=tmpfs\n"
		     "fsconfig mode=755\n"
		     "fsconfig size=10%\n"
		     "fsconfig create\n"
		     "fsmount \n" },
	{ "Mounts.OpenMount", "source=@/image|fstype=erofs", HERE, TIER_OWN,
	  "fsopen erofs\n" LOOP_READ_ONLY "fsmount ro,nosuid,nodev\n"
	  "mount_setattr @/mount +idmap -\n" SEALED_LAST("@/mount") },
	{ "Mounts.OpenTree", "path=@/src", HERE, TIER_OWN,
	  JOINED_HERE "open_tree @/src\n"
		      "mount_setattr @/tree recursive + - private\n"
		      "mount_setattr @/tree +nosuid,nodev -\n" SEALED_LAST("@/tree") },
	{ "Mounts.OpenTree", "path=|path_fd=0|recursive=yes|mount_options=ro", OWN, TIER_FREE,
	  JOINED_OWN "open_tree @/src recursive\n"
		     "mount_setattr @/tree recursive + - private\n"
		     "mount_setattr @/tree recursive +ro -\n" },
	{ "Mounts.Unmount", "target=@/dst", HERE, TIER_ADMIN,
	  JOINED_HERE "id of @/dst\n"
		      "fchdir @\n"
		      "umount2 dst nofollow\n"
		      "fchdir proc\n" },
	{ "Mounts.Unmount", "target=@/dst|lazy=yes|force=yes", OWN, TIER_FREE,
	  JOINED_OWN "id of @/dst\n"
		     "fchdir @\n"
		     "umount2 dst lazy force nofollow\n"
		     "fchdir proc\n" },
	{ "Mounts.Unmount", "target=@/dst|expire=yes", HERE, TIER_ADMIN,
	  "mount table\n"
	  "fchdir @\n"
	  "umount2 dst expire nofollow\n"
	  "fchdir proc\n" },
	{ "Mounts.Unmount", "target=@/dst|expire=yes", OWN, TIER_FREE,
	  "mount table\n"
	  "fchdir @\n"
	  "umount2 dst expire nofollow\n"
	  "fchdir proc\n" },
	{ "Mount.Unmount", "id=4711|host=yes", HERE, TIER_ADMIN,
	  "raise\n"
	  "mount table\n"
	  "openat2 @\n"
	  "id of @/dst\n"
	  "fchdir @\n"
	  "umount2 dst nofollow\n"
	  "fchdir proc\n" },
	{ "Mount.Unmount", "id=4711|lazy=yes", OTHER, TIER_ADMIN,
	  "setns mounts\n"
	  "raise\n"
	  "mount table\n"
	  "openat2 @\n"
	  "id of @/dst\n"
	  "fchdir @\n"
	  "umount2 dst lazy nofollow\n"
	  "fchdir proc\n" },
	{ "Mounts.Remount", "target=@/dst|mount_options=ro", HERE, TIER_ADMIN,
	  JOINED_HERE "mount_setattr @/dst +ro -\n" },
	{ "Mounts.Remount",
	  "target=@/dst|mount_options=size=1m|mount_options=noexec|mount_options=suid|propagation=rprivate|recursive=yes",
	  OWN, TIER_FREE,
	  JOINED_OWN "fspick @/dst\n"
		     "fsconfig size=1m\n"
		     "fsconfig reconfigure\n"
		     "mount_setattr @/dst recursive +noexec -nosuid\n"
		     "mount_setattr @/dst recursive + - private\n" },
	{ "Mounts.Move", "from=@/src|to=@/dst", HERE, TIER_ADMIN,
	  JOINED_HERE "move_mount @/src to @/dst\n"
		      "id of @/dst\n"
		      "parent of 4711\n" },
	{ "Mounts.Move", "from=@/src|to=@/dst", OWN, TIER_FREE,
	  JOINED_OWN "move_mount @/src to @/dst\n" },
	{ "Mounts.PivotRoot", "new_root=@/new|put_old=@/new/old", OWN, TIER_FREE,
	  JOINED_OWN "fchdir proc\n"
		     "pivot_root\n" },
	{ "Host.SetHostname", "hostname=lectern", HERE, TIER_ADMIN, "sethostname lectern\n" },
	{ "Host.SetHostname", "hostname=lectern", OWN, TIER_FREE,
	  "setns names\n"
	  "sethostname lectern\n" },
	{ "Host.SetDomainname", "domainname=example", OTHER, TIER_ADMIN,
	  "setns names\n"
	  "setdomainname example\n" },
};

static int run_scenario(const struct scenario *scenario, struct job *job, int fail_at, int error) {
	kernel_new(fail_at, error);
	job_new(job, scenario->operation, scenario->fields, scenario->where);
	look(job);
	return run(job);
}

static void each_operation_makes_its_calls_in_this_order(void **state) {
	(void)state;
	for (size_t i = 0; i < N_OF(scenarios); i++) {
		const struct scenario *scenario = &scenarios[i];
		size_t before = descriptors_open();
		struct job job;
		int r = run_scenario(scenario, &job, -1, 0);

		if (r != 0)
			fail_msg("%s %s: %d: %s\n%s", scenario->operation, scenario->fields, r,
				 job.refusal.text, kernel.log);
		if (strcmp(kernel.log, scenario->log) != 0)
			fail_msg("%s %s: made these calls:\n%sand should have made these:\n%s",
				 scenario->operation, scenario->fields, kernel.log, scenario->log);
		if (job.needed != scenario->tier)
			fail_msg("%s %s: tier %d instead of %d", scenario->operation,
				 scenario->fields, job.needed, scenario->tier);
		job_free(&job);
		assert_no_leak(before);
	}
}

static void every_row_has_a_scenario(void **state) {
	(void)state;
	for (size_t i = 0; i < operations_n; i++) {
		char name[128];
		bool found = false;

		(void)snprintf(name, sizeof name, "%s.%s", operations[i]->interface,
			       operations[i]->method);
		for (size_t s = 0; s < N_OF(scenarios); s++)
			found |= strcmp(scenarios[s].operation, name) == 0;
		/* these ask the kernel and change nothing */
		found |= strcmp(name, "Mounts.List") == 0 || strncmp(name, "Host.Get", 8) == 0;
		/* these make processes and namespaces, or look at them: not in a faked kernel */
		found |= strncmp(name, "Namespace", 9) == 0 || strncmp(name, "Process", 7) == 0 ||
			 strncmp(name, "Signals", 7) == 0;
		/* and these touch nothing but descriptors, or no child has a part in them */
		found |= strncmp(name, "Timer", 5) == 0 || operations[i]->here;
		/* these find out what a file lies on */
		found |= strncmp(name, "Watches", 7) == 0;
		/* and these in which network, and talk to that */
		found |= strncmp(name, "Netlink", 7) == 0;
		if (!found)
			fail_msg("%s is not tried here", name);
	}
}

/* Where the caller is not root anyway, and no administrator was asked. */
static void what_appears_is_nosuid_and_nodev_from_the_first_moment(void **state) {
	const uint64_t both = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < N_OF(scenarios); i++) {
		struct job job;

		if (scenarios[i].tier != TIER_OWN || !strstr(scenarios[i].log, "move_mount") ||
		    strcmp(scenarios[i].operation, "Mounts.Move") == 0)
			continue;
		n++;
		assert_int_equal(run_scenario(&scenarios[i], &job, -1, 0), 0);
		if (kernel.attached && (kernel.flags_when_attached & both) != both)
			fail_msg("%s %s: attached without nosuid and nodev", scenarios[i].operation,
				 scenarios[i].fields);
		assert_int_equal(kernel.flags & both, both);
		job_free(&job);
	}
	assert_true(n > 3);
}

/* ---- what is left where something fails ---- */

static bool starts(const char *with) {
	return strncmp(kernel.failed, with, strlen(with)) == 0;
}

/* Some failures are answered by another way to the same end. */
static bool may_go_on(int error) {
	if (starts("fsconfig lowerdir+ is "))
		return error == EINVAL || error == EBADF; /* before Linux 6.13: by name */
	if (starts("configure loop"))
		return error == EBUSY; /* taken meanwhile: the next one */
	if (starts("chroot"))
		return error == EPERM; /* one's own root is where one is anyway */
	if (starts("fchdir proc"))
		return strstr(kernel.log, "umount2 dst"); /* it is done, or it is not */
	return starts("ask mounts"); /* before Linux 6.11 a namespace has no number */
}

/* What a caller is told is what the kernel said, but for these. */
static bool has_its_own_meaning(int error) {
	return (starts("move_mount") && error == ENOENT) || starts("open /dev/loop") ||
	       starts("openat2 @/") || starts("umount2 self/fd");
}

static void assert_fails_cleanly(const struct scenario *scenario, int fail_at, int error) {
	size_t before = descriptors_open();
	struct job job;
	int r = run_scenario(scenario, &job, fail_at, error);
	char where[256];

	(void)snprintf(where, sizeof where, "%s %.80s: %s at '%s'", scenario->operation,
		       scenario->fields, strerrorname_np(error), kernel.failed);
	if (r == 0 && !may_go_on(error))
		fail_msg("%s: the failure is not noticed\n%s", where, kernel.log);
	if (r != 0 && refusal_of(r) != refusal_of(-error) && !has_its_own_meaning(error))
		fail_msg("%s: became %s: %s", where, refusal_name(r), job.refusal.text);
	if (r != 0 && kernel.attached)
		fail_msg("%s: a mount is left behind\n%s", where, kernel.log);
	job_free(&job);
	if (descriptors_open() != before)
		fail_msg("%s: %zu descriptors, %zu before", where, descriptors_open(), before);
}

/* Somebody put a mount over the directory while a person thought, or before its descriptor was
 * given to us: what is on top is not what the tier was judged by. */
static void what_comes_to_lie_on_another_mount_goes_again(void **state) {
	(void)state;
	for (size_t i = 0; i < N_OF(scenarios); i++) {
		const struct scenario *scenario = &scenarios[i];
		struct job job;
		int r;

		if (!strstr(scenario->log, "parent of"))
			continue;
		kernel_new(-1, 0);
		kernel.parent_id = MOUNT_ID + 1;
		job_new(&job, scenario->operation, scenario->fields, scenario->where);
		look(&job);
		r = run(&job);
		assert_refusal(r, REFUSED_RETRY, &job.refusal, "after it was looked up");
		if (strcmp(scenario->operation, "Mounts.Move") == 0)
			assert_non_null(strstr(kernel.log, "move_mount @/src to @src\n"));
		assert_false(kernel.attached);
		job_free(&job);
	}
}

static void a_large_tree_is_the_administrators_to_copy(void **state) {
	static const char *const fields[][2] = {
		{ "Mounts.Bind", "source=@/src|target=@/dst" },
		{ "Mounts.OpenTree", "path=@/src" },
	};

	static const struct {
		size_t n;
		const char *keys;
		enum where where;
		enum tier tier;
	} trees[] = {
		{ TREE_OWN_MAX - 1, "|recursive=yes", HERE, TIER_OWN },
		{ TREE_OWN_MAX, "|recursive=yes", HERE, TIER_ADMIN },
		{ TREE_OWN_MAX, "", HERE, TIER_OWN },
		{ TREE_OWN_MAX, "|recursive=yes", OWN, TIER_FREE },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(fields); i++)
		for (size_t t = 0; t < N_OF(trees); t++) {
			char whole[128];
			struct job job;

			(void)snprintf(whole, sizeof whole, "%s%s", fields[i][1], trees[t].keys);
			kernel_new(-1, 0);
			kernel.n_mounts = trees[t].n;
			job_new(&job, fields[i][0], whole, trees[t].where);
			look(&job);
			assert_int_equal(job.needed, trees[t].tier);
			(void)run(&job);
			job_free(&job);
		}
}

static int steps_of(const struct scenario *scenario) {
	struct job job;
	int steps;

	assert_int_equal(run_scenario(scenario, &job, -1, 0), 0);
	steps = kernel.steps;
	job_free(&job);
	return steps;
}

static void whichever_call_fails_nothing_is_left_and_the_reason_is_told(void **state) {
	static const int errors[] = { EPERM,  EINVAL, ENOENT, EBUSY, ENOMEM,
				      ENOSYS, EMFILE, ENODEV, EIO };

	(void)state;
	for (size_t i = 0; i < N_OF(scenarios); i++)
		for (int step = steps_of(&scenarios[i]) - 1; step >= 0; step--)
			for (size_t e = 0; e < N_OF(errors); e++)
				assert_fails_cleanly(&scenarios[i], step, errors[e]);
}

static void no_call_is_made_after_the_one_that_failed_but_to_clean_up(void **state) {
	(void)state;
	for (size_t i = 0; i < N_OF(scenarios); i++)
		for (int step = steps_of(&scenarios[i]) - 1; step >= 0; step--) {
			struct job job;
			const char *after;

			(void)run_scenario(&scenarios[i], &job, step, EACCES);
			after = strstr(kernel.log, " FAILS\n") + strlen(" FAILS\n");
			if (*after &&
			    strncmp(after, "fchdir proc\numount2 self/fd lazy\n", 33) != 0 &&
			    strcmp(after, "move_mount @/src to @src\n") != 0 &&
			    strcmp(after, "fchdir proc\n") != 0 && !starts("ask mounts"))
				fail_msg("%s: after '%s' failed: %s", scenarios[i].operation,
					 kernel.failed, after);
			job_free(&job);
		}
}

/* ---- particular answers ---- */

static const struct scenario *scenario_of(const char *operation) {
	for (size_t i = 0; i < N_OF(scenarios); i++)
		if (strcmp(scenarios[i].operation, operation) == 0)
			return &scenarios[i];
	fail_msg("no scenario for %s", operation);
	abort();
}

static void the_kernels_own_words_reach_the_caller(void **state) {
	const struct scenario *scenario = scenario_of("Mounts.Mount");
	struct job job;

	(void)state;
	kernel_new(-1, EINVAL);
	kernel.words = "e tmpfs: Bad value for 'size'\n";
	job_new(&job, scenario->operation, scenario->fields, HERE);
	look(&job);
	kernel.fail_at = 5; /* creating it */
	assert_refusal(run(&job), REFUSED_INVALID, &job.refusal, "tmpfs: Bad value for 'size'");
	job_free(&job);
}

static void an_overlay_finds_its_way_on_older_kernels(void **state) {
	static const struct scenario overlay = {
		"Mounts.Mount",
		"target=@/dst|fstype=overlay|mount_options=lowerdir=@/src:@/new|"
		"mount_options=upperdir=@/upper|mount_options=workdir=@/scratch",
		OWN, TIER_FREE, ""
	};
	struct job job;

	(void)state;
	/* before Linux 6.13: by name, one after the other */
	kernel_new(-1, EINVAL);
	kernel.lacks = "fsconfig lowerdir+ is ";
	job_new(&job, overlay.operation, overlay.fields, OWN);
	look(&job);
	assert_int_equal(run(&job), 0);
	assert_non_null(strstr(kernel.log, "fchdir proc\nfsconfig lowerdir+=self/fd/"));
	assert_non_null(strstr(kernel.log, "fsconfig upperdir=self/fd/"));
	assert_non_null(strstr(kernel.log, "fsconfig workdir=self/fd/"));
	job_free(&job);
	/* before Linux 6.7: all in one word */
	kernel_new(-1, EINVAL);
	kernel.lacks = "fsconfig lowerdir+";
	job_new(&job, overlay.operation, overlay.fields, OWN);
	look(&job);
	assert_int_equal(run(&job), 0);
	assert_non_null(strstr(kernel.log, "fsconfig lowerdir=self/fd/"));
	assert_non_null(strstr(kernel.log, ":self/fd/"));
	job_free(&job);
}

/* Where the first was taken, a second that is not is no question of the kernel's age. */
static void a_layer_that_is_refused_is_an_error(void **state) {
	static const struct scenario overlay = {
		"Mounts.Mount", "target=@/dst|fstype=overlay|mount_options=lowerdir=@/src:@/new",
		OWN, TIER_FREE, ""
	};
	struct job job;

	(void)state;
	kernel_new(-1, EINVAL);
	kernel.lacks = "fsconfig lowerdir+ is @/new";
	job_new(&job, overlay.operation, overlay.fields, OWN);
	look(&job);
	assert_int_equal(run(&job), -EINVAL);
	assert_false(kernel.attached);
	job_free(&job);
}

static void a_loop_device_that_is_taken_meanwhile_is_not_the_last(void **state) {
	struct refusal refusal = { 0 };
	size_t before = descriptors_open();
	char name[LOOP_NAME_MAX];
	struct job job = { .place = PLACE_NONE, .peer = PLACE_NONE, .own_ids = -1, .attached = -1 };
	int image = some_descriptor(), loop = -1;

	(void)state;
	the_job = &job;
	kernel_new(3, EBUSY);
	kernel.armed = true;
	assert_int_equal(loop_attach(image, true, 0, 0, &loop, name, &refusal), 0);
	assert_string_equal(name, "/dev/loop7");
	assert_string_equal(
		kernel.log,
		"open /dev/loop-control\na free loop device\nopen /dev/loop7 ro\n"
		"configure loop7 with /dev/null ro FAILS\n"
		"a free loop device\nopen /dev/loop7 ro\nconfigure loop7 with /dev/null ro\n");
	assert_int_equal(descriptors_open(), before + 2); /* the image, the device */
	(void)close(loop);
	for (int step = 0; step < 4; step++) {
		loop = -1;
		kernel_new(step, EIO);
		kernel.armed = true;
		assert_true(loop_attach(image, false, 0, 0, &loop, name, &refusal) != 0);
		assert_int_equal(loop, -1);
		assert_int_equal(descriptors_open(), before + 1);
	}
	kernel.armed = false;
	(void)close(image);
	assert_no_leak(before);
}

static void a_mount_that_changed_since_it_was_found_is_not_unmounted(void **state) {
	static const struct {
		uint64_t id;
		bool is_root;
	} changes[] = { { MOUNT_ID + 1, true }, { MOUNT_ID, false } };

	(void)state;
	for (size_t i = 0; i < N_OF(changes); i++) {
		struct job job;

		kernel_new(-1, 0);
		job_new(&job, "Mounts.Unmount", "target=@/dst", HERE);
		look(&job);
		kernel.mount_id = changes[i].id;
		kernel.is_root = changes[i].is_root;
		assert_refusal(run(&job), REFUSED_RETRY, &job.refusal, "changed");
		assert_null(strstr(kernel.log, "umount2"));
		job_free(&job);
	}
}

struct refused {
	const char *operation, *fields, *word;
	enum refusal_code code;
	bool is_no_mount;
	uid_t uid; /* 0: the caller */
};

/* In a child, as in the worker: what a look that failed had taken goes with it. */
static int try_to_look(void *data) {
	const struct refused *refused = data;
	struct job job;
	int r;

	kernel_new(-1, 0);
	kernel.is_root = !refused->is_no_mount;
	job_new(&job, refused->operation, refused->fields, HERE);
	if (refused->uid != 0)
		job.place.uid = refused->uid;
	r = job.operation->resolve(&job);
	if (r != 0 && refusal_of(r) == refused->code && strstr(job.refusal.text, refused->word))
		return 0;
	printf("# %s %s: %d %s\n", refused->operation, refused->fields, r, job.refusal.text);
	(void)fflush(stdout);
	return 1;
}

static void what_cannot_be_is_refused_when_it_is_looked_up(void **state) {
	static const struct refused refused[] = {
		{ "Mounts.Unmount", "target=@/dst", "not a mount point", REFUSED_INVALID,
		  .is_no_mount = true },
		{ "Mounts.Unmount", "target=@/nothing/x", "@", REFUSED_NOT_FOUND },
		{ "Mounts.Unmount", "target=/", "name of a mount point", REFUSED_INVALID },
		{ "Mounts.Unmount", "target=@/dst/..", "name of a mount point", REFUSED_INVALID },
		{ "Mounts.Remount", "target=@/dst|mount_options=ro", "not a mount point",
		  REFUSED_INVALID, .is_no_mount = true },
		{ "Mounts.Move", "from=@/src|to=@/dst", "not a mount point", REFUSED_INVALID,
		  .is_no_mount = true },
		{ "Mounts.Bind", "source=@/nothing|target=@/dst", "source:", REFUSED_NOT_FOUND },
		{ "Mounts.Bind", "source=@/src|target=@/fdst", "not both", REFUSED_INVALID },
		{ "Mounts.Bind", "source=@/link|target=@/dst", "symbolic link", REFUSED_INVALID },
		{ "Mounts.Bind", "source=/proc/self/root|target=@/dst",
		  "source:", REFUSED_INVALID },
		{ "Mounts.Bind", "source=/proc/self/root@/src|target=@/dst",
		  "source:", REFUSED_INVALID },
		{ "Mounts.Bind", "source=/proc/self/fd/0|target=@/fdst",
		  "source:", REFUSED_INVALID },
		{ "Mounts.Bind", "source=@/src|source_fd=0|target=@/dst", "not both",
		  REFUSED_INVALID },
		{ "Mounts.OpenTree", "path=@/src|path_fd=0", "not both", REFUSED_INVALID },
		{ "Mounts.PivotRoot", "new_root=@/fsrc|put_old=@/new",
		  "new_root:", REFUSED_INVALID },
		{ "Mounts.PivotRoot", "new_root=@/new|put_old=@/fsrc",
		  "put_old:", REFUSED_INVALID },
		{ "Mounts.Mount", "target=@/dst|fstype=proc", "namespaces", REFUSED_PERMISSION,
		  .uid = 12345 },
		{ "Mounts.Mount", "target=@/dst|fstype=nosuchfs", "nosuchfs", REFUSED_UNSUPPORTED },
		{ "Mounts.Mount", "target=@/dst|fstype=tmpfs|mount_options=size=many", "size",
		  REFUSED_INVALID },
		{ "Mounts.Mount", "source=@/src|target=@/dst|fstype=ext4", "Bind",
		  REFUSED_INVALID },
		{ "Mounts.Mount", "source=@/fifo|target=@/dst|fstype=ext4",
		  "source:", REFUSED_INVALID },
		{ "Mounts.Mount", "source=relative|target=@/dst|fstype=ext4",
		  "source:", REFUSED_INVALID },
		{ "Mounts.Mount", "target=@/dst|fstype=overlay", "lowerdir", REFUSED_INVALID },
		{ "Mounts.Mount",
		  "target=@/dst|fstype=overlay|mount_options=lowerdir=@/src:@/new|mount_options=upperdir=@/upper",
		  "workdir", REFUSED_INVALID },
		{ "Mounts.Mount",
		  "target=@/dst|fstype=overlay|mount_options=lowerdir=@/src:@/image",
		  "not a directory", REFUSED_INVALID },
		{ "Mounts.Mount", "target=@/dst|fstype=overlay|mount_options=lowerdir=@/src:new",
		  "absolute", REFUSED_INVALID },
		{ "Mounts.MountImage", "image_fd=0|target=@/dst|fstype=ext4", "regular file",
		  REFUSED_INVALID },
		{ "Mounts.MountImage", "image_fd=1|target=@/dst|fstype=tmpfs", "images",
		  REFUSED_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(refused); i++) {
		struct refused one = refused[i];

		if (strcmp(one.word, "@") == 0)
			one.word = base;
		assert_int_equal(in_child(try_to_look, &one), 0);
	}
}

static void the_object_of_a_mount_says_how_it_was_made(void **state) {
	struct job job;
	const Usher__MountObject *made;

	(void)state;
	kernel_new(-1, 0);
	job_new(&job, "Mounts.Bind",
		"source=@/src|target=@/dst|mount_options=ro|lifetime=connection", OTHER);
	look(&job);
	assert_int_equal(run(&job), 0);
	made = ((Usher__MountReply *)job.reply)->made;
	assert_non_null(made);
	assert_int_equal(made->id, MOUNT_ID);
	assert_string_equal(base_to_at(made->source), "@/src");
	assert_string_equal(base_to_at(made->target), "@/dst");
	assert_string_equal(made->lifetime, "connection");
	assert_string_equal(made->options[0], "ro");
	assert_int_equal(made->owner, the_caller());
	assert_false(made->host);
	assert_true(made->has_namespace_fd); /* to unmount it when the connection goes */
	assert_true(fds_get(&job.reply_fds, made->namespace_fd) >= 0);
	job_free(&job);
}

/* The objects are for everybody to see. */
static void the_object_of_a_mount_keeps_passwords_to_itself(void **state) {
	struct job job;
	const Usher__MountObject *made;

	(void)state;
	kernel_new(-1, 0);
	job_new(&job, "Mounts.Mount", "target=@/dst|fstype=tmpfs|mount_options=pass=geheim", HERE);
	look(&job);
	assert_int_equal(run(&job), 0);
	assert_non_null(strstr(kernel.log, "fsconfig pass=geheim\n"));
	made = ((Usher__MountReply *)job.reply)->made;
	assert_string_equal(made->options[0], "pass=...");
	job_free(&job);
}

/* ---- who has to allow it ---- */

struct judged {
	const char *operation, *fields;
	enum where where;
	enum tier tier;
	const char *why; /* whoever is refused is told that; NULL: anything */
};

static const struct judged judged[] = {
	/* of one's own, and harmless */
	{ "Mounts.Mount", "target=@/dst|fstype=tmpfs", HERE, TIER_OWN },
	{ "Mounts.Mount", "target=@/dst|fstype=tmpfs|mount_options=size=1m|mount_options=mode=700",
	  HERE, TIER_OWN },
	{ "Mounts.Mount", "target=@/dst|fstype=tmpfs|mount_options=nosuid|mount_options=nodev",
	  HERE, TIER_OWN },
	/* each of these takes one thing that keeps it harmless away */
	{ "Mounts.Mount", "target=@/dst|fstype=tmpfs|mount_options=suid", HERE, TIER_ADMIN,
	  "keeps it harmless" },
	{ "Mounts.Mount", "target=@/dst|fstype=tmpfs|mount_options=dev", HERE, TIER_ADMIN },
	{ "Mounts.Mount", "target=@/dst|fstype=tmpfs|mount_options=size=51%", HERE, TIER_ADMIN,
	  "small tmpfs" },
	{ "Mounts.Mount", "target=@/dst|fstype=tmpfs|mount_options=size=0", HERE, TIER_ADMIN },
	{ "Mounts.Mount", "target=@/dst|fstype=tmpfs|mount_options=nr_inodes=1k", HERE, TIER_OWN },
	{ "Mounts.Mount", "target=@/dst|fstype=tmpfs|mount_options=nr_inodes=0", HERE, TIER_ADMIN },
	{ "Mounts.Mount", "target=@/dst|fstype=tmpfs|mount_options=nr_inodes=1t", HERE,
	  TIER_ADMIN },
	{ "Mounts.Mount",
	  "target=@/dst|fstype=tmpfs|mount_options=nr_inodes=5|mount_options=nr_inodes=0", HERE,
	  TIER_ADMIN },
	{ "Mounts.Mount", "target=@/dst|fstype=tmpfs|mount_options=size=1m|mount_options=size=99%",
	  HERE, TIER_ADMIN },
	{ "Mounts.Mount", "target=@/dst|fstype=tmpfs|mount_options=huge=always", HERE, TIER_ADMIN },
	{ "Mounts.Mount", "target=@/dst|fstype=tmpfs|mount_options=uid=4000000", HERE, TIER_ADMIN },
	{ "Mounts.Mount", "target=@/dst|fstype=tmpfs|mount_options=nr_blocks=5", HERE, TIER_ADMIN },
	{ "Mounts.Mount", "target=/proc|fstype=tmpfs", HERE, TIER_ADMIN, "mount point" },
	{ "Mounts.Mount", "target=@/fifo|fstype=tmpfs", HERE, TIER_ADMIN },
	/* in one's own namespaces the kernel judges */
	{ "Mounts.Mount", "target=@/dst|fstype=tmpfs|mount_options=suid|mount_options=huge=always",
	  OWN, TIER_FREE },
	{ "Mounts.Mount", "target=/proc|fstype=tmpfs", OWN, TIER_FREE },
	{ "Mounts.Mount", "target=@/dst|fstype=proc", OWN, TIER_FREE },
	{ "Mounts.Mount", "target=@/dst|fstype=tmpfs", OTHER, TIER_OWN },
	/* overlays of one's own own_ids */
	{ "Mounts.Mount", "target=@/dst|fstype=overlay|mount_options=lowerdir=@/src:@/new", HERE,
	  TIER_OWN },
	{ "Mounts.Mount", "target=@/dst|fstype=overlay|mount_options=lowerdir=/proc:@/new", HERE,
	  TIER_ADMIN },
	{ "Mounts.Mount", "target=@/dst|fstype=overlay|mount_options=lowerdir=@/src:/proc", HERE,
	  TIER_ADMIN },
	{ "Mounts.Mount",
	  "target=@/dst|fstype=overlay|mount_options=lowerdir=@/src:@/new|mount_options=redirect_dir=on",
	  HERE, TIER_ADMIN },
	/* images: only what is read and never written */
	{ "Mounts.Mount", "source=@/image|target=@/dst|fstype=squashfs", HERE, TIER_OWN },
	{ "Mounts.Mount", "source=@/image|target=@/dst|fstype=erofs|mount_options=rw", HERE,
	  TIER_OWN },
	{ "Mounts.Mount", "source=@/image|target=@/dst|fstype=squashfs|mount_options=errors=panic",
	  HERE, TIER_ADMIN },
	{ "Mounts.Mount", "source=@/image|target=@/dst|fstype=ext4", HERE, TIER_ADMIN, "squashfs" },
	{ "Mounts.Mount", "source=@/image|target=@/dst|fstype=ext4|mount_options=ro", HERE,
	  TIER_ADMIN },
	{ "Mounts.Mount", "source=@/image|target=@/dst|fstype=ext4", OWN, TIER_ADMIN },
	{ "Mounts.MountImage", "image_fd=1|target=@/dst|fstype=squashfs", HERE, TIER_OWN },
	{ "Mounts.MountImage", "image_fd=1|target=@/dst|fstype=vfat", HERE, TIER_ADMIN },
	{ "Mounts.MountImage", "image_fd=1|target=/proc|fstype=squashfs", HERE, TIER_ADMIN },
	/* trees */
	{ "Mounts.Bind", "source=@/src|target=@/dst", HERE, TIER_OWN },
	{ "Mounts.Bind", "source=|source_fd=0|target=@/dst", HERE, TIER_OWN },
	{ "Mounts.Bind", "source=/proc|target=@/dst", HERE, TIER_ADMIN, "source" },
	{ "Mounts.Bind", "source=@/src|target=/proc", HERE, TIER_ADMIN, "mount point" },
	{ "Mounts.Bind", "source=@/src|target=@/dst|mount_options=dev", HERE, TIER_ADMIN },
	{ "Mounts.Bind", "source=@/src|target=@/dst|mount_options=exec|recursive=yes", HERE,
	  TIER_ADMIN },
	{ "Mounts.Bind", "source=/proc|target=/proc", OWN, TIER_FREE },
	{ "Mounts.Bind", "source=@/src|target=@/dst|idmap=0 0 1", OWN, TIER_OWN },
	{ "Mounts.OpenTree", "path=@/src", HERE, TIER_OWN },
	{ "Mounts.OpenTree", "path=/proc", HERE, TIER_ADMIN },
	{ "Mounts.OpenTree", "path=@/src|mount_options=suid", HERE, TIER_ADMIN },
	{ "Mounts.OpenMount", "fstype=tmpfs", HERE, TIER_OWN },
	{ "Mounts.OpenMount", "fstype=tmpfs|mount_options=dev", HERE, TIER_ADMIN },
	/* what is there already; the broker knows whose it is */
	{ "Mounts.Unmount", "target=@/dst", HERE, TIER_ADMIN },
	{ "Mounts.Unmount", "target=@/dst", OWN, TIER_FREE },
	{ "Mounts.Remount", "target=@/dst|mount_options=ro", HERE, TIER_ADMIN },
	{ "Mounts.Move", "from=@/src|to=@/dst", OTHER, TIER_ADMIN },
	{ "Mounts.PivotRoot", "new_root=@/new|put_old=@/new/old", OWN, TIER_FREE },
	{ "Mounts.PivotRoot", "new_root=@/new|put_old=@/new/old", HERE, TIER_ADMIN },
	{ "Host.SetHostname", "hostname=x", HERE, TIER_ADMIN },
	{ "Host.SetHostname", "hostname=x", OWN, TIER_FREE },
	{ "Host.SetHostname", "hostname=x", OTHER, TIER_ADMIN },
	{ "Host.SetDomainname", "domainname=x", HERE, TIER_ADMIN },
	{ "Host.GetHostname", "", HERE, TIER_FREE },
	{ "Mounts.List", "", HERE, TIER_FREE },
};

static void who_must_allow_it_follows_from_what_the_words_mean(void **state) {
	(void)state;
	for (size_t i = 0; i < N_OF(judged); i++) {
		struct job job;

		kernel_new(-1, 0);
		job_new(&job, judged[i].operation, judged[i].fields, judged[i].where);
		look(&job);
		if (job.needed != judged[i].tier)
			fail_msg("%s %s (place %d): tier %d instead of %d", judged[i].operation,
				 judged[i].fields, judged[i].where, job.needed, judged[i].tier);
		if (judged[i].why && !strstr(job.why ?: "", judged[i].why))
			fail_msg("%s %s: because %s", judged[i].operation, judged[i].fields,
				 job.why);
		if (job.needed < TIER_ADMIN)
			assert_null(job.why);
		if (job.state) { /* run() lets go of what was found */
			(void)run(&job);
		}
		job_free(&job);
	}
}

/* Only then may the broker make less of it, by asking for a mount of the same user's. */
static void the_broker_learns_which_mount_it_is_only_where_nothing_is_loosened(void **state) {
	static const struct {
		const char *operation, *fields;
		bool told;
	} requests[] = {
		{ "Mounts.Unmount", "target=@/dst", true },
		{ "Mounts.Remount", "target=@/dst|mount_options=ro", true },
		{ "Mounts.Remount", "target=@/dst|mount_options=size=1m", false },
		{ "Mounts.Remount", "target=@/dst|mount_options=suid|recursive=yes", false },
		{ "Mounts.Move", "from=@/src|to=@/dst", true },
		{ "Mounts.Move", "from=@/src|to=/proc", false },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(requests); i++) {
		struct job job;

		kernel_new(-1, 0);
		job_new(&job, requests[i].operation, requests[i].fields, HERE);
		look(&job);
		assert_int_equal(job.finding.has_mount_id, requests[i].told);
		if (requests[i].told)
			assert_int_equal(job.finding.mount_id, MOUNT_ID);
		(void)run(&job);
		job_free(&job);
	}
}

/* Whoever is asked is told all that the words were about. */
static void a_person_is_told_what_it_is_about(void **state) {
	static const struct {
		const char *operation, *fields, *details;
	} told[] = {
		{ "Mounts.Mount",
		  "source=s|target=@/dst|fstype=tmpfs|mount_options=ro|mount_options=size=1m",
		  "source=s target=@/dst fstype=tmpfs options=ro size=1m nosuid nodev " },
		{ "Mounts.Mount",
		  "target=@/dst|fstype=tmpfs|mount_options=user=x|mount_options=PassWord2=geheim|mount_options=key=5|mount_options=keys=5|mount_options=pass",
		  "source=tmpfs target=@/dst fstype=tmpfs options=user=x PassWord2=... key=... keys=5 pass size=10% nosuid nodev " },
		{ "Mounts.MountImage", "image_fd=1|target=@/dst|fstype=ext4",
		  "source=@/image target=@/dst fstype=ext4 options=nosuid nodev " },
		{ "Mounts.Bind", "source=@/src|target=@/dst|mount_options=ro",
		  "source=@/src target=@/dst options=ro nosuid nodev " },
		{ "Mounts.Bind", "source=@/src|target=@/dst|idmap=0 0 1",
		  "source=@/src target=@/dst idmap=0 0 1 options=nosuid nodev " },
		{ "Mounts.OpenMount", "source=|fstype=tmpfs",
		  "source=tmpfs fstype=tmpfs options=size=10% nosuid nodev " },
		{ "Mounts.OpenTree", "path=@/src", "path=@/src options=nosuid nodev " },
		{ "Mounts.Unmount", "target=@/new/../dst", "target=@/dst " },
		{ "Mounts.Remount", "target=@/dst|mount_options=ro|propagation=private",
		  "target=@/dst propagation=private options=ro " },
		{ "Mounts.Move", "from=@/src|to=@/dst", "from=@/src to=@/dst " },
		{ "Mounts.PivotRoot", "new_root=@/new|put_old=@/new/old",
		  "new_root=@/new put_old=@/new/old " },
		{ "Host.SetHostname", "hostname=lectern", "hostname=lectern " },
		{ "Host.SetDomainname", "domainname=x", "domainname=x " },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(told); i++) {
		struct job job;
		char details[2048] = "";

		kernel_new(-1, 0);
		job_new(&job, told[i].operation, told[i].fields, HERE);
		look(&job);
		for (size_t d = 0; d < job.finding.n_details; d++)
			(void)snprintf(details + strlen(details), sizeof details - strlen(details),
				       "%s=%s ", job.finding.details[d]->key,
				       base_to_at(job.finding.details[d]->value));
		assert_string_equal(details, told[i].details);
		(void)run(&job);
		job_free(&job);
	}
}

/* ---- the directory ---- */

static int make_base(void **state) {
	static const char *const directories[] = { "src",   "dst",     "new",   "new/old",
						   "upper", "scratch", "mount", "tree" };
	static const char *const files[] = { "image", "fsrc", "fdst" };
	char path[256];

	(void)state;
	strcpy(base, "/tmp/usher-test-XXXXXX");
	if (!mkdtemp(base))
		return -1;
	for (size_t i = 0; i < N_OF(directories); i++) {
		(void)snprintf(path, sizeof path, "%s/%s", base, directories[i]);
		if (mkdir(path, 0700) < 0 || chown(path, the_caller(), (gid_t)-1) < 0)
			return -1;
	}
	for (size_t i = 0; i < N_OF(files); i++) {
		(void)snprintf(path, sizeof path, "%s/%s", base, files[i]);
		(void)close(creat(path, 0600));
		if (chown(path, the_caller(), (gid_t)-1) < 0)
			return -1;
	}
	(void)snprintf(path, sizeof path, "%s/fifo", base);
	if (mkfifo(path, 0600) < 0)
		return -1;
	(void)snprintf(path, sizeof path, "%s/link", base);
	return symlink("src", path);
}

static int remove_base(void **state) {
	static const char *const names[] = { "src",     "dst",   "new/old", "new",   "upper",
					     "scratch", "mount", "tree",    "image", "fsrc",
					     "fdst",    "fifo",  "link",    "" };
	char path[256];

	(void)state;
	for (size_t i = 0; i < N_OF(names); i++) {
		(void)snprintf(path, sizeof path, "%s/%s", base, names[i]);
		if (remove(path) < 0)
			return -1;
	}
	return 0;
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_operation_makes_its_calls_in_this_order),
		cmocka_unit_test(every_row_has_a_scenario),
		cmocka_unit_test(what_appears_is_nosuid_and_nodev_from_the_first_moment),
		cmocka_unit_test(what_comes_to_lie_on_another_mount_goes_again),
		cmocka_unit_test(a_large_tree_is_the_administrators_to_copy),
		cmocka_unit_test(whichever_call_fails_nothing_is_left_and_the_reason_is_told),
		cmocka_unit_test(no_call_is_made_after_the_one_that_failed_but_to_clean_up),
		cmocka_unit_test(the_kernels_own_words_reach_the_caller),
		cmocka_unit_test(an_overlay_finds_its_way_on_older_kernels),
		cmocka_unit_test(a_layer_that_is_refused_is_an_error),
		cmocka_unit_test(a_loop_device_that_is_taken_meanwhile_is_not_the_last),
		cmocka_unit_test(a_mount_that_changed_since_it_was_found_is_not_unmounted),
		cmocka_unit_test(what_cannot_be_is_refused_when_it_is_looked_up),
		cmocka_unit_test(the_object_of_a_mount_says_how_it_was_made),
		cmocka_unit_test(the_object_of_a_mount_keeps_passwords_to_itself),
		cmocka_unit_test(who_must_allow_it_follows_from_what_the_words_mean),
		cmocka_unit_test(
			the_broker_learns_which_mount_it_is_only_where_nothing_is_loosened),
		cmocka_unit_test(a_person_is_told_what_it_is_about),
	};

	return cmocka_run_group_tests(tests, make_base, remove_base);
}
