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
#include <usher-netlink-records.h>
#include <usher-watch-stream.h>

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

/*
 * What new namespaces, or a new process, are to be like: a set of attributes in the manner of
 * posix_spawnattr_t. It starts empty, is filled by the functions below in any order, and may then
 * be used any number of times, on any handle; setting an attribute again replaces it. Strings and
 * arrays are copied; descriptors are borrowed, and have to stay open until the attributes are used.
 * Nothing is sent that was not set.
 *
 * Each function returns 0 or a negative errno: -ENOMEM, -EINVAL for an argument that is NULL or
 * cannot be sent, -EBADF for a negative descriptor. The first failure sticks: whoever does not look
 * is told of it by usher_spawn() or usher_namespace_create(). What the values mean is checked by
 * the service. All functions take NULL, what usher_attributes_new() returns for want of memory.
 */
struct usher_attributes;

struct usher_attributes *usher_attributes_new(void);
struct usher_attributes *usher_attributes_free(struct usher_attributes *attributes);

/* A line of a map of ids: count ids from outside on, as the service's caller has them, are those
 * from inside on within. */
struct usher_id_range {
	uint32_t inside, outside, count;
};

/*
 * Of a process: new namespaces that live and die with it, any of "cgroup", "ipc", "mnt", "net",
 * "pid", "time", "user", "uts", or "all".
 */
int usher_attributes_set_types(struct usher_attributes *attributes, const char *const types[]);

/*
 * Who is who in a new user namespace: "inside outside count[,...]"; or "outside[,...]", ids that
 * become 0, 1, 2 and so on; or "auto": a range that the service finds. Or the same as ranges.
 * map_zero: the caller is user 0 and group 0 in there.
 */
int usher_attributes_set_uid_map(struct usher_attributes *attributes, const char *map);
int usher_attributes_set_gid_map(struct usher_attributes *attributes, const char *map);
int usher_attributes_set_uid_ranges(struct usher_attributes *attributes,
				    const struct usher_id_range ranges[], size_t count);
int usher_attributes_set_gid_ranges(struct usher_attributes *attributes,
				    const struct usher_id_range ranges[], size_t count);
int usher_attributes_set_map_zero(struct usher_attributes *attributes, bool map_zero);

/* Names in a new UTS namespace, and by how many microseconds the clocks of a new time namespace are
 * ahead of those outside (negative: behind). */
int usher_attributes_set_hostname(struct usher_attributes *attributes, const char *name);
int usher_attributes_set_domainname(struct usher_attributes *attributes, const char *name);
int usher_attributes_set_time_offsets(struct usher_attributes *attributes, int64_t monotonic_usec,
				      int64_t boottime_usec);

/*
 * The root directory, in new namespaces of type mnt, and the working directory in it. A relative
 * root is one below the program's working directory, and so is a relative working directory if no
 * root is set; not with `in` or `in_object`.
 */
int usher_attributes_set_root(struct usher_attributes *attributes, const char *path);
int usher_attributes_set_workdir(struct usher_attributes *attributes, const char *path);

/* A mount to be made in a new mount namespace, after those that were added before; the arguments
 * are those of usher_mount(), or of usher_bind() with the fstype "bind". */
int usher_attributes_add_mount(struct usher_attributes *attributes, const char *source,
			       const char *target, const char *fstype, const char *const words[]);

/* From here on only for processes. The environment: one variable; or all of an array such as
 * environ (NULL: none), and then none that the service would set by itself. */
int usher_attributes_set_variable(struct usher_attributes *attributes, const char *name,
				  const char *value);
int usher_attributes_set_environment(struct usher_attributes *attributes,
				     const char *const environment[]);

/* The process has fd, as that number. It has no descriptors but those that are added here. */
int usher_attributes_add_fd(struct usher_attributes *attributes, int number, int fd);

/* The descriptor with that number in the process becomes its controlling terminal, in a session of
 * its own; or it leads a session, or none (never is it in the caller's); or it outlives the caller
 * and the connection, in a session of its own, without a terminal. */
int usher_attributes_set_terminal(struct usher_attributes *attributes, int number);
int usher_attributes_set_new_session(struct usher_attributes *attributes, bool new_session);
int usher_attributes_set_daemonize(struct usher_attributes *attributes, bool daemonize);

/* Ids as they are in the new namespaces, and capabilities ("CAP_NET_ADMIN") over these alone. No
 * groups, and no capabilities, are none: without a call of these functions it has the caller's
 * groups, and as user 0 in a user namespace of its own every capability. A program that could gain
 * privileges is none that the service starts: false is -EOPNOTSUPP. */
int usher_attributes_set_uid(struct usher_attributes *attributes, uid_t uid);
int usher_attributes_set_gid(struct usher_attributes *attributes, gid_t gid);
int usher_attributes_set_groups(struct usher_attributes *attributes, const gid_t groups[],
				size_t count);
int usher_attributes_set_capabilities(struct usher_attributes *attributes,
				      const char *const names[]);
int usher_attributes_set_no_new_privileges(struct usher_attributes *attributes,
					   bool no_new_privileges);

/* Signals by their names, with or without "SIG": those that are blocked (none unless
 * set), and the one that comes when the process of the service that keeps the program dies. */
int usher_attributes_set_signal_mask(struct usher_attributes *attributes,
				     const char *const signals[]);
int usher_attributes_set_death_signal(struct usher_attributes *attributes, const char *name);

/* nice(2), umask(2), and a limit of setrlimit(2) by its name ("nofile", "RLIMIT_NOFILE"), in its
 * unit; UINT64_MAX is no limit. */
int usher_attributes_set_nice(struct usher_attributes *attributes, int nice);
int usher_attributes_set_umask(struct usher_attributes *attributes, mode_t mask);
int usher_attributes_set_limit(struct usher_attributes *attributes, const char *name, uint64_t soft,
			       uint64_t hard);

/* Limits of a control group of its own, for which an administrator is asked: bytes of memory,
 * microseconds of processors in each 100 ms, processes. */
int usher_attributes_set_memory_max(struct usher_attributes *attributes, uint64_t bytes);
int usher_attributes_set_cpu_quota(struct usher_attributes *attributes, uint64_t usec);
int usher_attributes_set_pids_max(struct usher_attributes *attributes, uint64_t processes);

/*
 * Namespaces that stay, under a name; types as for usher_attributes_set_types(). ret_object is the
 * path of an object org.usher1.Namespace, which other calls take as in_object; it may be NULL.
 * Keys: in, lifetime ("manual" if unset). usher_namespace_attach() gives a name to those of a
 * process that is there already; destroying them later only forgets that name.
 */
int usher_namespace_create(struct usher *usher, const char *name, const char *const types[],
			   const struct usher_attributes *attributes,
			   const struct usher_options *options, char **ret_object);
int usher_namespace_attach(struct usher *usher, const char *name, int pidfd,
			   const char *const types[], const struct usher_options *options,
			   char **ret_object);

/* One of them as a descriptor, for setns(2); or the process that keeps them, as a pidfd. */
int usher_namespace_open(struct usher *usher, const char *object, const char *type,
			 const struct usher_options *options, int *ret_fd);
int usher_namespace_open_leader(struct usher *usher, const char *object,
				const struct usher_options *options, int *ret_pidfd);

/* Ends all processes in them, and so the namespaces. */
int usher_namespace_destroy(struct usher *usher, const char *object,
			    const struct usher_options *options);

/* Namespaces under a name. Members may be added at the end: only the library makes these. */
struct usher_namespace_entry {
	char *object; /* strings are never NULL */
	char *name;
	char **types;   /* ends with NULL */
	int64_t leader; /* the process that keeps them; here and below -1 for what is not told */
	int64_t owner;  /* the uid they were made for */
	bool mine;      /* that is who is on this connection */
	struct usher_id_range *uid_ranges, *gid_ranges;
	size_t uid_range_count, gid_range_count;
	char *lifetime;
	uint64_t created_usec; /* since 1970 */
};

/*
 * Everybody's: an array of pointers that ends with NULL, for usher_free_namespaces() (which takes
 * NULL, and returns it). Returns how many. usher_find_namespace() finds one of the caller's own by
 * its name; -ENOENT.
 */
int usher_list_namespaces(struct usher *usher, struct usher_namespace_entry ***ret);
struct usher_namespace_entry **usher_free_namespaces(struct usher_namespace_entry **namespaces);
int usher_find_namespace(struct usher *usher, const char *name, char **ret_object);

/*
 * Starts a program: as the caller, with nothing that was not asked for. argv ends with NULL;
 * without a slash argv[0] is looked for along PATH, inside. When this returns 0 the program runs;
 * -ENOENT and others with a message that begins "exec: " mean that everything was ready but the
 * program. ret_object is the path of an object org.usher1.Process, ret_pidfd a pidfd, which is
 * readable when the process has ended; each may be NULL. Keys: in, lifetime ("connection" if unset:
 * when the connection goes, the process and all its children are killed).
 */
int usher_spawn(struct usher *usher, const struct usher_attributes *attributes,
		const char *const argv[], const struct usher_options *options, char **ret_object,
		int *ret_pidfd);

/* Sends a signal by its name, with or without "SIG". */
int usher_process_signal(struct usher *usher, const char *object, const char *signal,
			 const struct usher_options *options);

/*
 * Waits until a process has ended, as long as that takes, or the key deadline_usec (-ETIMEDOUT).
 * ret_status is for WIFEXITED() and its kin of <sys/wait.h>. The object goes when somebody was
 * answered, or ten seconds after the end: -ENOENT then.
 */
int usher_process_wait(struct usher *usher, const char *object, const struct usher_options *options,
		       int *ret_status);

/*
 * The same for programs that poll: after usher_wait_begin(), the answer is read by usher_process().
 * usher_wait_get() is -EINPROGRESS until then. -ETIMEDOUT: the service went away meanwhile; begin
 * anew. The handle is to be closed after usher_wait_free() (which takes NULL, and returns it).
 */
struct usher_wait;

int usher_wait_begin(struct usher *usher, const char *object, struct usher_wait **ret);
int usher_wait_get(struct usher *usher, const struct usher_wait *wait, int *ret_status);
struct usher_wait *usher_wait_free(struct usher_wait *wait);

/* Processes that were started so. Members may be added at the end: only the library makes these. */
struct usher_process_entry {
	char *object;           /* strings are never NULL */
	int64_t pid;            /* here and below -1 for what is not told */
	int64_t owner;          /* the uid it was started for */
	bool mine;              /* that is who is on this connection */
	char **command;         /* ends with NULL */
	char *namespace_object; /* where it was started; "/" if in no namespaces with a name */
	char *state;            /* "running", "exited", "killed", "dumped" */
	int status;             /* the exit status, or the number of the signal */
};

/*
 * Everybody's: an array of pointers that ends with NULL, for usher_free_processes() (which takes
 * NULL, and returns it). Returns how many.
 */
int usher_list_processes(struct usher *usher, struct usher_process_entry ***ret);
struct usher_process_entry **usher_free_processes(struct usher_process_entry **processes);

/*
 * Watches: what happens to files and directories, told by the service. Of a whole tree, too,
 * however large, which takes no time and none of the watches of inotify(7). Nothing is told but
 * what the caller could see by itself at that moment.
 */
struct usher_watch;

/* What a watch is to be like. Start from USHER_WATCH_OPTIONS_INIT; NULL means the same. */
struct usher_watch_options {
	size_t size;                 /* sizeof(struct usher_watch_options) */
	int root_fd;                 /* what to watch; path is "" then; -1: unset */
	const char *scope;           /* inode, children, recursive, filesystem, mounts */
	const char *backend;         /* auto, inotify, fanotify */
	const char *const *exclude;  /* globs of what not to tell; ends with NULL */
	int64_t settle_usec;         /* merge what happens to a path meanwhile; -1: unset */
	int64_t queue;               /* how much may wait for a slow reader; -1: unset */
	int64_t decide_timeout_usec; /* -1: unset */
	bool decide;                 /* what is told waits for usher_watch_decide() */
	bool all;                    /* whoever could see it; for administrators */
	bool report_pid;             /* who did it, where that may be known */
	bool audit;                  /* the kernel notes all that is decided, not refusals alone */
	bool exclude_self;           /* not what this process does itself */
	uint32_t reserved;           /* 0 */
};

#define USHER_WATCH_OPTIONS_INIT                                                             \
	{                                                                                    \
		sizeof(struct usher_watch_options), -1, NULL, NULL, NULL, -1, -1, -1, false, \
			false, false, false, false, 0                                        \
	}

/*
 * Watches a path, for events of "create", "delete", "modify", "attrib", "move", "open",
 * "open-exec", "access", "close-write", "close-nowrite", "delete-self", "move-self", "unmount",
 * "mount-attach", "mount-detach", "open-perm", "access-perm", "exec-perm". usher_watch_open() has
 * them sent through a descriptor of their own, for programs that want much and quickly;
 * usher_watch_subscribe() as signals over the bus, merged, a few times a second. Both are read in
 * the same way. Keys: in, lifetime ("connection" if unset). The handle is to be closed after the
 * watch.
 */
int usher_watch_open(struct usher *usher, const char *path, const char *const events[],
		     const struct usher_watch_options *watch_options,
		     const struct usher_options *options, struct usher_watch **ret);
int usher_watch_subscribe(struct usher *usher, const char *path, const char *const events[],
			  const struct usher_watch_options *watch_options,
			  const struct usher_options *options, struct usher_watch **ret);

/*
 * Of a stream that came by another way, and that becomes the watch's: only for usher_watch_next(),
 * usher_watch_get_fd() and usher_watch_close(). -EBADF, -ENOMEM.
 */
int usher_watch_adopt(int stream, struct usher_watch **ret);

/* What a watch tells, one thing at a time. The strings live until the next call on the watch. */
struct usher_change {
	unsigned kind;        /* USHER_WATCH_EVENT, USHER_WATCH_LOST or USHER_WATCH_RESCAN */
	unsigned flags;       /* USHER_WATCH_DIRECTORY, USHER_WATCH_ALL */
	uint32_t events;      /* USHER_WATCH_CREATE and so on: one, or of merged changes several */
	uint32_t pid;         /* 0: not told */
	uint64_t clock;       /* for usher_watch_since() */
	uint64_t usec;        /* since 1970; 0 of something lost, over the bus */
	const char *path;     /* below what is watched, "" for itself; bytes, as all paths */
	const char *old_path; /* of a move whose both ends are seen; else "" */
};

/*
 * The next change: 1, and *ret is filled; 0 if there is none now; or a negative errno. -ENOTCONN:
 * the watch has gone. -EBADMSG: something came that could not be read; list everything anew. To
 * wait, poll the descriptor for POLLIN after a 0; of a watch over the bus it is usher_get_fd().
 */
int usher_watch_next(struct usher_watch *watch, struct usher_change *ret);
int usher_watch_get_fd(struct usher_watch *watch);

/* The clock at which a watch began, or of what it told last: what is listed after asking for it,
 * and kept up with what is told later than it, is whole. */
int usher_watch_get_clock(struct usher_watch *watch, uint64_t *ret);

/* What is told from here on. */
int usher_watch_set_events(struct usher_watch *watch, const char *const events[]);

/*
 * Below which directories something has changed since a clock, of this watch or of an earlier one
 * of the same file system: to list them anew. Paths end with NULL, for usher_free_words().
 * ret_clock is what to ask with the next time. Not *ret_complete: that is too long ago, list
 * everything. Each ret_ may be NULL.
 */
int usher_watch_since(struct usher_watch *watch, uint64_t clock, char ***ret_directories,
		      uint64_t *ret_clock, bool *ret_complete);

/* Answers what waits: of the change with that clock. */
int usher_watch_decide(struct usher_watch *watch, uint64_t clock, bool allow);

/* The path of its object org.usher1.Watch; NULL if it was adopted. */
const char *usher_watch_get_object(const struct usher_watch *watch);

/*
 * Ends it; or only lets go of it: with the lifetime "manual", one over the bus then stays until it
 * is ended by its object, and usher_watch_since() can be asked about all that happens until then.
 * Both take NULL, and return it.
 */
struct usher_watch *usher_watch_close(struct usher_watch *watch);
struct usher_watch *usher_watch_leave(struct usher_watch *watch);

/* The name of an event, one bit; NULL if it is none. And the bit of a name; 0. */
const char *usher_watch_event_name(uint32_t event);
uint32_t usher_watch_event_from_name(const char *name);

/* Watches that are there. Members may be added at the end: only the library makes these. */
struct usher_watch_entry {
	char *object;  /* strings are never NULL */
	char *path;    /* "" where it is not told */
	char **events; /* ends with NULL */
	char *scope;
	char *backend;
	int64_t owner;      /* the uid it was made for; -1: not told */
	bool mine;          /* that is who is on this connection */
	uint64_t clock;     /* of the last event */
	uint64_t delivered; /* events so far */
	uint64_t lost;
};

/*
 * Everybody's: an array of pointers that ends with NULL, for usher_free_watches() (which takes
 * NULL, and returns it). Returns how many.
 */
int usher_list_watches(struct usher *usher, struct usher_watch_entry ***ret);
struct usher_watch_entry **usher_free_watches(struct usher_watch_entry **watches);

/* For arrays of strings that end with NULL. Takes NULL; returns it. */
char **usher_free_words(char **words);

/*
 * How a process has ended of which the program has a pidfd, its child or not: for WIFEXITED() and
 * its kin. A pidfd is readable (POLLIN) when its process has ended, and POLLHUP when its parent has
 * taken notice. -EINPROGRESS: not yet. -ENODATA: this kernel (before Linux 6.15) tells its parent
 * only. A child is left to be waited for.
 */
int usher_pidfd_status(int pidfd, int *ret_status);

/*
 * Signals, told by the service: those that a process of the caller's receives which is there for
 * nothing else. It ends with the trap, or with the connection. Signals by their names, with or
 * without "SIG"; RTMIN+n. Keys: in.
 */
struct usher_trap;

struct usher_received {
	char signal[16]; /* "TERM", "RTMIN+1" */
	int64_t pid;     /* who sent it; 0: not told */
	int64_t uid;     /* -1: not told */
	int code;        /* si_code of sigaction(2) */
	int value;       /* of sigqueue(3); of a child its status */
	uint64_t usec;   /* since 1970 */

	/* of a child: its processor time, and the kernel's for it */
	bool is_child;
	uint64_t user_usec, system_usec;
};

int usher_trap_new(struct usher *usher, const char *const signals[],
		   const struct usher_options *options, struct usher_trap **ret);

/*
 * The next signal: 1; 0 if there is none now; or a negative errno, -ENOTCONN when the trap has
 * gone. To wait, poll usher_get_fd() for POLLIN after a 0.
 */
int usher_trap_next(struct usher_trap *trap, struct usher_received *ret);

/* The process: its number for the service, a descriptor that is the library's, the path of the
 * object org.usher1.SignalTrap. */
int64_t usher_trap_get_pid(const struct usher_trap *trap);
int usher_trap_get_pidfd(const struct usher_trap *trap);
const char *usher_trap_get_object(const struct usher_trap *trap);

/* Takes NULL; returns it. The handle is to be closed after the trap. */
struct usher_trap *usher_trap_close(struct usher_trap *trap);

/* Timers, also such that wake the machine, by the clocks "realtime", "monotonic", "boottime",
 * "realtime-alarm" and "boottime-alarm". */
struct usher_timer;

/* What a timer is to be like. Start from USHER_TIMER_OPTIONS_INIT; NULL means the same. */
struct usher_timer_options {
	size_t size;         /* sizeof(struct usher_timer_options) */
	uint64_t slack_usec; /* how much later it may be, to be so with others */
	bool absolute;       /* the first time is one of the clock, not one from now */
	bool cancel_on_set;  /* be told (-ECANCELED) when somebody sets the clock */
	uint16_t reserved;   /* 0 */
	uint32_t reserved_too;
};

#define USHER_TIMER_OPTIONS_INIT \
	{ sizeof(struct usher_timer_options), 0, false, false, 0, 0 }

/* An initial time of 0 is never; an interval of 0, once. Keys: in, lifetime ("connection" if
 * unset). */
int usher_timer_new(struct usher *usher, const char *clock, uint64_t initial_usec,
		    uint64_t interval_usec, const struct usher_timer_options *timer_options,
		    const struct usher_options *options, struct usher_timer **ret);
int usher_timer_set(struct usher_timer *timer, uint64_t initial_usec, uint64_t interval_usec,
		    bool absolute);

/*
 * Whether it has gone off since the last time, without waiting: 1 and how often, 0, or a negative
 * errno. To wait, poll its descriptor for POLLIN; it is the library's. The service is not needed
 * for that.
 */
int usher_timer_next(struct usher_timer *timer, uint64_t *ret_count);
int usher_timer_get_fd(const struct usher_timer *timer);

/* The path of its object org.usher1.Timer. */
const char *usher_timer_get_object(const struct usher_timer *timer);

/* Takes NULL; returns it. The handle is to be closed after the timer. */
struct usher_timer *usher_timer_close(struct usher_timer *timer);

/*
 * Rows: what the kernel's network tables hold, as usher_netlink_open() and a monitor hand it out
 * (usher-netlink-records.h). A sealed memfd is mapped and read where it lies; of a pipe no more
 * than a block is in memory. Nothing in there is believed: what lies out of bounds is -EBADMSG.
 */
struct usher_rows;

/* A field of a type of rows; lives as long as the rows. */
struct usher_field {
	const char *name; /* "ifindex"; "" of the element of a list */
	uint8_t form;     /* USHER_NETLINK_BOOL and so on */
	uint8_t flags;    /* USHER_NETLINK_WORDS, USHER_NETLINK_BITS */
	uint32_t reserved[6];
};

/*
 * A row, or one that lies in another. It lives until the next usher_rows_next(), of a memfd as long
 * as the rows. What is reserved is the library's.
 */
struct usher_row {
	const char *type; /* "route"; of a row in another the names of both, "link.linkinfo" */
	unsigned action;  /* USHER_NETLINK_ROW; of a monitor USHER_NETLINK_NEW, _CHANGE or _DEL, or
			   * USHER_NETLINK_GAP or _SYNCED, which have no fields */
	unsigned n_fields;
	uint64_t lost;  /* of a gap: at least so many changes; 0: nobody knows */
	unsigned depth; /* in how many others it lies; below USHER_NETLINK_DEPTH_MAX */
	const void *reserved[4];
};

/* What one field of a row holds. */
struct usher_value {
	const struct usher_field *field;

	union {
		uint64_t number;                      /* BOOL, U8 to U64 */
		int64_t signed_number;                /* S8 to S64 */
		struct usher_netlink_address address; /* ADDRESS, PREFIX */

		struct {
			const uint8_t *bytes; /* no 0 behind them */
			size_t length;
		}; /* STRING, BYTES, HARDWARE */

		size_t count; /* OBJECT, OBJECTS, LIST: how many rows */
	};

	const void *reserved[4];
};

/* How an answer ended. The strings are never NULL, and live as long as the rows. */
struct usher_rows_end {
	uint64_t rows;
	bool complete;       /* nothing is missing, and nothing is there twice */
	int code;            /* 0 or a negative errno of the kernel's */
	const char *why;     /* what makes it incomplete */
	const char *message; /* the kernel's extended acknowledgement */
};

/*
 * Of a sealed memfd, a pipe or a socket, which becomes the rows'. -EINVAL: it is a file that is not
 * sealed against writing and shrinking; -EBADMSG: it does not begin as it should. Or of blocks in
 * memory, which stay the caller's and must outlive the rows.
 */
int usher_rows_adopt(int fd, struct usher_rows **ret);
int usher_rows_read(const void *blocks, size_t size, struct usher_rows **ret);

/*
 * The next row: 1, and *ret is filled; 0 at the end, of which usher_rows_get_end() tells; or a
 * negative errno. -EAGAIN: a descriptor that does not block has nothing now. -ENODATA: it broke off
 * without having come to its end. -EBADMSG: what came is malformed; it is the same again from there
 * on.
 */
int usher_rows_next(struct usher_rows *rows, struct usher_row *ret);
/* -EINPROGRESS before usher_rows_next() has been 0. */
int usher_rows_get_end(const struct usher_rows *rows, struct usher_rows_end *ret);
/* To poll; -1 of memory. */
int usher_rows_get_fd(const struct usher_rows *rows);
/* Takes NULL; returns it. */
struct usher_rows *usher_rows_close(struct usher_rows *rows);

/* A field by its place, below n_fields: 1, 0 if the row has it not, or a negative errno. */
int usher_row_get(const struct usher_row *row, unsigned i, struct usher_value *ret);
/* A field by its name, or by those of fields in one another: "linkinfo.kind". -ENOENT: rows of this
 * type have no such field. */
int usher_row_find(const struct usher_row *row, const char *name, struct usher_value *ret);
/* What a field is, there or not; NULL beyond n_fields. */
const struct usher_field *usher_row_field(const struct usher_row *row, unsigned i);
/* A row of an OBJECT, OBJECTS or LIST, below count. The elements of a list are rows with one field.
 * 0 or a negative errno. */
int usher_value_get_row(const struct usher_value *value, size_t i, struct usher_row *ret);
/* The name of a number, of a field with words, or of a bit, 1 << n; NULL: it has none. Lives as
 * long as the rows. */
const char *usher_value_word(const struct usher_value *value, uint64_t number);
/* As `ip` would print it: 192.0.2.1/24, 02:00:5e:10:00:01, "up,broadcast", 4711; strings escaped.
 * NULL for want of memory, and of rows in rows. */
char *usher_value_to_string(const struct usher_value *value);

/*
 * Values by name: a row to be written or to filter by, or one that came over the bus. Each has the
 * type that it was given or came with; the service takes any integer that holds a number, a number
 * in place of its word, and a text in place of a number. A name may lead into other rows:
 * "linkinfo.data.id", "multipath.0.gateway" (the first one of several; they come one after the
 * other).
 *
 * Strings and arrays are copied. Setting a name again replaces it. The functions that set return 0,
 * -EINVAL (a name or argument is missing, or leads through what is no row) or -ENOMEM; the first
 * failure sticks: whoever does not look is told of it by the call that the values are for.
 */
struct usher_values;

enum usher_values_type {
	USHER_VALUES_NONE = 0, /* there is none of that name */
	USHER_VALUES_FLAG = 1,
	USHER_VALUES_NUMBER = 2,
	USHER_VALUES_SIGNED = 3, /* of a signed type; may be negative */
	USHER_VALUES_STRING = 4,
	USHER_VALUES_BYTES = 5,
	USHER_VALUES_LIST = 6, /* of values without a name: "0", "1" and so on below it */
	USHER_VALUES_ROW = 7,
};

int usher_values_new(struct usher_values **ret);
/* Takes NULL; returns it. */
struct usher_values *usher_values_free(struct usher_values *values);

int usher_values_set_flag(struct usher_values *values, const char *name, bool value);
int usher_values_set_number(struct usher_values *values, const char *name, uint64_t value);
int usher_values_set_signed(struct usher_values *values, const char *name, int64_t value);
int usher_values_set_string(struct usher_values *values, const char *name, const char *value);
int usher_values_set_bytes(struct usher_values *values, const char *name, const void *bytes,
			   size_t length);
/* A list of strings, up to NULL: of a filter any of them, of bits all of them. */
int usher_values_set_words(struct usher_values *values, const char *name,
			   const char *const words[]);

/*
 * 0; -ENOENT: there is none of that name; -EINVAL: it is of another type; -ERANGE: it does not fit.
 * Numbers may be asked for either way. What is given out lives as long as the values.
 */
int usher_values_get_flag(const struct usher_values *values, const char *name, bool *ret);
int usher_values_get_number(const struct usher_values *values, const char *name, uint64_t *ret);
int usher_values_get_signed(const struct usher_values *values, const char *name, int64_t *ret);
int usher_values_get_string(const struct usher_values *values, const char *name, const char **ret);
int usher_values_get_bytes(const struct usher_values *values, const char *name, const void **ret,
			   size_t *ret_length);
int usher_values_get_values(const struct usher_values *values, const char *name,
			    const struct usher_values **ret);
enum usher_values_type usher_values_get_type(const struct usher_values *values, const char *name);

/* How many there are, and what their names are, in order; of a list "". NULL beyond the last. */
size_t usher_values_count(const struct usher_values *values);
const char *usher_values_name(const struct usher_values *values, size_t i);
/* One value as text: a list as "a,b"; escaped. For free(3). NULL: there is none of that name, it is
 * a row, or there is no memory. */
char *usher_values_to_string(const struct usher_values *values, const char *name);

/*
 * Netlink: links, addresses, routes, neighbours, rules, sockets and what else the kernel keeps of
 * networks; org.usher1(5) and usher_netlink_describe() tell of the types and their fields. Of the
 * namespace in which the caller is, or of another one: keys in, and in_name below.
 *
 * An answer of which something may be missing is no success: -EAGAIN, or where the program wants it
 * nevertheless, in what the function says.
 */

/* What an answer is to be like. Start from USHER_NETLINK_OPTIONS_INIT; NULL means the same. */
struct usher_netlink_options {
	size_t size;                       /* sizeof(struct usher_netlink_options) */
	const char *in_name;               /* in the namespace /run/netns/NAME; NULL: unset */
	const struct usher_values *filter; /* only such rows; NULL: all */
	uint64_t limit;                    /* so many rows at most; 0: unset */
	const char *consistency;           /* any, detect, retry; NULL: unset */
	bool stream;                       /* usher_netlink_open(): by a pipe, as it is read */
	bool no_snapshot;                  /* a monitor: what changes, not what there is before */
	uint16_t reserved;                 /* 0 */
	uint32_t reserved_too;
};

#define USHER_NETLINK_OPTIONS_INIT \
	{ sizeof(struct usher_netlink_options), NULL, NULL, 0, NULL, false, false, 0, 0 }

/* What is told of an answer. Members may be added at the end: only the library makes these. */
struct usher_netlink_info {
	uint64_t rows; /* 0 of a stream, as the next */
	uint64_t bytes;
	bool complete;         /* of a stream: as far as is known before it is read */
	char *interrupted;     /* what makes it incomplete; strings are never NULL */
	char **kernel_filters; /* filters that the kernel has applied; ends with NULL */
	char *message;         /* the kernel's extended acknowledgement */
};

/* Takes NULL; returns it. */
struct usher_netlink_info *usher_free_netlink_info(struct usher_netlink_info *info);

/*
 * Rows of a type; fields by name, in the order wanted, up to NULL (NULL, or none: all of them).
 * At most 256 rows or 64 KiB, else -EDQUOT. An array of pointers that ends with NULL, for
 * usher_values_free_all() (which takes NULL, and returns it). Returns how many. ret_info may be
 * NULL: an incomplete answer is -EAGAIN then, and with it success. Keys: in, deadline_usec.
 */
int usher_netlink_query(struct usher *usher, const char *type, const char *const fields[],
			const struct usher_netlink_options *netlink_options,
			const struct usher_options *options, struct usher_values ***ret,
			struct usher_netlink_info **ret_info);
struct usher_values **usher_values_free_all(struct usher_values **rows);

/*
 * Any number of rows, and whether they are complete when all were read: usher_rows_get_end(). Or as
 * JSON, an object a line, of which the last one says so if it is not: through a descriptor that
 * reads from the beginning. ret_info may be NULL. Keys: in, deadline_usec.
 */
int usher_netlink_open(struct usher *usher, const char *type, const char *const fields[],
		       const struct usher_netlink_options *netlink_options,
		       const struct usher_options *options, struct usher_rows **ret,
		       struct usher_netlink_info **ret_info);
int usher_netlink_open_json(struct usher *usher, const char *type, const char *const fields[],
			    const struct usher_netlink_options *netlink_options,
			    const struct usher_options *options, int *ret_fd,
			    struct usher_netlink_info **ret_info);

/* The fields of a type, their types and units, and which filters the kernel applies: in JSON. */
int usher_netlink_describe(struct usher *usher, const char *type, char **ret_json);

/*
 * Changes one thing: the action is "add", "change", "replace" or "del". ret_row, which may be NULL,
 * is what there is now. Of netlink_options in_name counts. Keys: in, deadline_usec.
 */
int usher_netlink_change(struct usher *usher, const char *action, const char *type,
			 const struct usher_values *row,
			 const struct usher_netlink_options *netlink_options,
			 const struct usher_options *options, struct usher_values **ret_row);

struct usher_netlink_step {
	const char *action;
	const char *type;
	const struct usher_values *row;
};

/* The same for several, in their order: what was done is undone when one of them fails. ret_rows,
 * which may be NULL, is for usher_values_free_all(). */
int usher_netlink_batch(struct usher *usher, const struct usher_netlink_step steps[], size_t n,
			const struct usher_netlink_options *netlink_options,
			const struct usher_options *options, struct usher_values ***ret_rows);

/* A netlink socket of a protocol ("route", "generic", ...) inside a namespace of the caller's own:
 * for usher_socket_adopt() of libusher-netlink. */
int usher_netlink_open_socket(struct usher *usher, const char *protocol,
			      const struct usher_netlink_options *netlink_options,
			      const struct usher_options *options, int *ret_fd);

/*
 * A monitor: what there is of these types (unless no_snapshot), and from then on what changes.
 * Types end with NULL. Signals over the bus, a few times a second; or a stream of rows of their
 * own, for programs that want much and quickly, which are read with usher_rows_next() and polled
 * with usher_rows_get_fd(). Keys: in, lifetime ("connection" if unset).
 */
struct usher_monitor;

int usher_netlink_subscribe(struct usher *usher, const char *const types[],
			    const char *const fields[],
			    const struct usher_netlink_options *netlink_options,
			    const struct usher_options *options, struct usher_monitor **ret);
int usher_netlink_open_monitor(struct usher *usher, const char *const types[],
			       const char *const fields[],
			       const struct usher_netlink_options *netlink_options,
			       const struct usher_options *options, struct usher_rows **ret,
			       char **ret_object);

/* What a monitor tells, one thing at a time. It lives until the next call on the monitor. */
struct usher_netlink_change {
	unsigned action; /* USHER_NETLINK_NEW, _CHANGE, _DEL; or _GAP, _SYNCED, which have no row */
	const char *type;
	const struct usher_values *row;
	uint64_t lost; /* of a gap: at least so many changes; 0: nobody knows */
};

/* The next change: 1; 0 if there is none now; or a negative errno, -ENOTCONN when the monitor has
 * gone. To wait, poll usher_get_fd() for POLLIN after a 0. */
int usher_monitor_next(struct usher_monitor *monitor, struct usher_netlink_change *ret);
/* The path of its object org.usher1.NetlinkMonitor. */
const char *usher_monitor_get_object(const struct usher_monitor *monitor);
/* Ends it. Takes NULL; returns it. The handle is to be closed after the monitor. */
struct usher_monitor *usher_monitor_close(struct usher_monitor *monitor);
/* Ends one by its object. */
int usher_monitor_object_close(struct usher *usher, const char *object);

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
	int64_t traps;
	int64_t timers;
	int64_t watches;
	int64_t streams;   /* of rows, not read to their end */
	int64_t row_bytes; /* of the memory with rows that the user holds */
	int64_t monitors;
	int64_t questions; /* to polkit, that a person may have to answer */
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
