/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libusher: privileged kernel operations, done by the service org.usher1.
 *
 * Every call is synchronous. A function returns 0 (or a count) on success and a negative errno on
 * failure; usher_message() then says what was wrong in words. A handle is for one thread at a time
 * and must not be used across fork(2) (-ECHILD).
 *
 * Strings are raw bytes, as the kernel has them: the library escapes what cannot travel over the
 * bus, and undoes it (see usher_escape()). Descriptors that are passed in are borrowed: the library
 * duplicates them and never closes them. Whatever a function returns through a ret_ argument
 *belongs to the caller: strings go to free(3), descriptors (close-on-exec) to close(2), the rest to
 *the function named beside it. Nothing is stored through a ret_ argument when a function fails.
 *
 *	-EINVAL        an argument is malformed, unknown, or contradicts another
 *	-EPERM         the service, its bus, polkit or the kernel says no
 *	-ENOKEY        a person has to be asked first: try again with USHER_INTERACTIVE
 *	-ENOENT        path, object, process or device is not there
 *	-EACCES        it belongs to somebody else
 *	-EBUSY         in use, or already there
 *	-EDQUOT        a quota or a limit of the kernel, the service or the bus is reached
 *	-EOPNOTSUPP    this kernel or this build of the service lacks it
 *	-ENOSYS        this service does not know the method: it is older than the library
 *	-EAGAIN        the same call again may succeed
 *	-ETIMEDOUT     not done in time, or no reply
 *	-EIO           anything else; the message carries the name of the kernel's errno
 *	-EHOSTDOWN     the service is not running and could not be started
 *	-ENOMEM        out of memory, here or there
 *	-EBADF         a descriptor in the options is not open (found here)
 *	-EBADMSG       the service's answer could not be understood
 *	-ENOTCONN      the connection to the bus is lost (also -ECONNRESET)
 *	-ECHILD        the handle was opened before fork(2)
 *
 * and what connect(2) gives where the bus cannot be reached.
 */
#ifndef USHER_H
#define USHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A connection to the service. */
struct usher;

/*
 * What a call may be given beside its arguments. Start from USHER_OPTIONS_INIT; a NULL pointer in
 * place of the structure means the same. A key is sent only if it was set here, and sent even to a
 * method that does not take it: the service then refuses with -EINVAL and names the key.
 */
struct usher_options {
	size_t size;             /* sizeof(struct usher_options), for members yet to come */
	int in;                  /* work in the namespaces of this pidfd; -1: in the caller's own */
	int source_fd;           /* what to bind (O_PATH will do); source is "" then; -1: unset */
	int target_fd;           /* the mount point, likewise; target is "" then; -1: unset */
	int path_fd;             /* what to copy, likewise; path is "" then; -1: unset */
	int idmap_fd;            /* map owners as this user namespace does; -1: unset */
	const char *idmap;       /* or by a map, "ID-in-files ID-shown COUNT[,...]"; NULL: unset */
	const char *in_object;   /* work in the namespaces of this object (a path); NULL: unset */
	const char *lifetime;    /* "connection" (until usher_close()) or "manual"; NULL: unset */
	const char *propagation; /* private, shared, slave or unbindable; NULL: unset */
	uint64_t deadline_usec;  /* how long the work may take; 0: the service's 10 s */
	bool recursive;          /* with what is mounted below */
	bool lazy;               /* unmount: out of sight now, gone when unused */
	bool force;              /* unmount: abort what a dead server does not answer */
	bool expire;             /* unmount: if unused since the last such call (else -EAGAIN) */
	uint32_t reserved;       /* 0 */
};

#define USHER_OPTIONS_INIT                                                                   \
	{                                                                                    \
		sizeof(struct usher_options), -1, -1, -1, -1, -1, NULL, NULL, NULL, NULL, 0, \
			false, false, false, false, 0                                        \
	}

/* Flags of usher_open(). */
enum {
	USHER_SESSION = 1,    /* the session bus instead of the system bus */
	USHER_INTERACTIVE = 2 /* polkit may ask a person; calls may take ten minutes longer */
};

/*
 * Opens a connection of its own to the system bus, or to the session bus with USHER_SESSION. The
 * environment variable USHER_BUS, "system", "session" or the address of a bus, overrides that (not
 * in set-user-ID programs). This does not start the service; the first call does. -EINVAL: a
 * flag is unknown. The handle goes to usher_close().
 */
int usher_open(struct usher **ret, unsigned flags);

/* Closes the connection, and so ends what has the lifetime "connection". Takes NULL; returns it. */
struct usher *usher_close(struct usher *usher);

/*
 * What was wrong with the last call on this handle, for people; NULL if it succeeded. UTF-8. Lives
 * until the next call on the handle. The name is the error's on the bus, "org.usher1.Error.Busy",
 * or NULL for an error that never reached the bus.
 */
const char *usher_message(const struct usher *usher);
const char *usher_error_name(const struct usher *usher);

/* The last part of the org.usher1.Error name for an errno, positive or negative; else "Failed". */
const char *usher_errno_name(int error);

/*
 * For programs that hold things of lifetime "connection" and sleep meanwhile: poll the descriptor
 * for POLLIN (it is the library's; do not close it), then call usher_process(), which reads and
 * drops what has come in. -ENOTCONN: the connection is lost, and with it what it held.
 */
int usher_get_fd(struct usher *usher);
int usher_process(struct usher *usher);

/*
 * Strings as they are on the bus: bytes that are not valid UTF-8 (nor characters Unicode keeps
 * unassigned for ever), control characters (0x01-0x1f, 0x7f) and the backslash become \xNN, two
 * lower-case hexadecimal digits. usher_escape() returns NULL only for want of memory.
 * usher_unescape() undoes it: -EINVAL for a backslash that begins no \xNN, and for \x00; -ENOMEM.
 * Both results go to free(3).
 */
char *usher_escape(const char *bytes);
int usher_unescape(const char *text, char **ret);

/*
 * Mounts. A path is made absolute against the working directory if it is relative; but not with
 * `in` or `in_object`, where the working directory means nothing: it is sent as it is, and refused.
 * A path stays "" where a descriptor stands for it. Words are the options of the mount, one an
 * element and never split at commas: { "ro", "size=10m", NULL }; NULL means none. ret_object is the
 * path of an object org.usher1.Mount, and may be NULL.
 */

/*
 * Mounts source on target. fstype NULL means "auto": the device is probed. A source is a path for
 * some file systems and a mere name for others, and "" for those that need none: it is sent as it
 * is, unless it begins with "./" or "../". Keys: in, target_fd, lifetime.
 */
int usher_mount(struct usher *usher, const char *source, const char *target, const char *fstype,
		const char *const words[], const struct usher_options *options, char **ret_object);

/*
 * Mounts the file system in a regular file, read-only if image was opened for reading only. Keys:
 * in, target_fd, lifetime.
 */
int usher_mount_image(struct usher *usher, int image, const char *target, const char *fstype,
		      const char *const words[], const struct usher_options *options,
		      char **ret_object);

/*
 * Shows source at target too. Keys: in, source_fd, target_fd, recursive, idmap, idmap_fd, lifetime.
 */
int usher_bind(struct usher *usher, const char *source, const char *target,
	       const char *const words[], const struct usher_options *options, char **ret_object);

/*
 * A new mount, or a copy of the one at path, that stands nowhere yet: for move_mount(2), or for
 * openat(2). It is gone when the last descriptor of it is closed. Keys: in; and of a tree path_fd,
 * recursive, idmap, idmap_fd.
 */
int usher_open_mount(struct usher *usher, const char *source, const char *fstype,
		     const char *const words[], const struct usher_options *options, int *ret_fd);
int usher_open_tree(struct usher *usher, const char *path, const char *const words[],
		    const struct usher_options *options, int *ret_fd);

/* Unmounts what is topmost at target. Keys: in, lazy, force, expire. */
int usher_unmount(struct usher *usher, const char *target, const struct usher_options *options);

/* Changes the options or, with the key propagation, the propagation of a mount. Keys: in,
 * recursive. */
int usher_remount(struct usher *usher, const char *target, const char *const words[],
		  const struct usher_options *options);

/* Moves the mount at from, and all below it, to the directory to. */
int usher_move(struct usher *usher, const char *from, const char *to,
	       const struct usher_options *options);

/* pivot_root(2): new_root becomes the root, and the old one is found at put_old below it. */
int usher_pivot_root(struct usher *usher, const char *new_root, const char *put_old,
		     const struct usher_options *options);

/* Unmounts what the object of a mount stands for: the object as other calls return it. */
int usher_mount_object_unmount(struct usher *usher, const char *object,
			       const struct usher_options *options);

/* One mount of the table. Members may be added at the end: only the library makes these. */
struct usher_mount_entry {
	uint64_t id;     /* as in /proc/self/mountinfo */
	uint64_t parent; /* the id of the mount it stands on */
	char *source;    /* strings are never NULL, but may be "" */
	char *target;    /* in the namespace that was asked about */
	char *fstype;
	char **options; /* ends with NULL */
	char *propagation;
	int64_t owner; /* the uid it was made for; -1 where usher did not make it */
	char *object;  /* the path of its object; NULL where there is none */
};

/*
 * The mount table: an array of pointers that ends with NULL, for usher_free_mounts() (which takes
 * NULL, and returns it). Returns how many. Keys: in.
 */
int usher_list_mounts(struct usher *usher, const struct usher_options *options,
		      struct usher_mount_entry ***ret);
struct usher_mount_entry **usher_free_mounts(struct usher_mount_entry **mounts);

/* The host's names, or with in those of a UTS namespace. */
int usher_get_hostname(struct usher *usher, const struct usher_options *options, char **ret);
int usher_set_hostname(struct usher *usher, const char *name, const struct usher_options *options);
int usher_get_domainname(struct usher *usher, const struct usher_options *options, char **ret);
int usher_set_domainname(struct usher *usher, const char *name,
			 const struct usher_options *options);

/* The service itself. Members may be added at the end: only the library makes these. */
struct usher_status {
	char *owner;    /* its unique name on the bus */
	char *version;  /* this and the rest are NULL, or -1, where the service does not tell */
	char *hostname; /* properties of org.usher1.Host */
	char *domainname;
	int64_t pid;
};

/*
 * Starts the service if need be and asks it how it is. Fails only if it does not answer; a property
 * that is missing is no failure. For usher_free_status() (which takes NULL, and returns it).
 */
int usher_get_status(struct usher *usher, struct usher_status **ret);
struct usher_status *usher_free_status(struct usher_status *status);

/* What one user may have at a time. Members may be added at the end: only the library makes these.
 */
struct usher_limits {
	int64_t calls; /* under way; here and below 0: no limit, -1: the service does not tell */
	int64_t mounts;
	int64_t loop_devices;
	int64_t objects;      /* of all kinds */
	int64_t descriptors;  /* that the service keeps */
	int64_t queued_bytes; /* of all requests under way */
	int64_t namespaces;
	int64_t processes; /* that run */
};

/*
 * What holds for every user but root. For usher_free_limits() (which takes NULL, and returns it).
 * -ENOSYS: the service is older than its limits.
 */
int usher_get_limits(struct usher *usher, struct usher_limits **ret);
struct usher_limits *usher_free_limits(struct usher_limits *limits);

#ifdef __cplusplus
}
#endif

#endif
