/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libusher-event: the kernel's events for which nobody needs privilege, and so no service: inotify,
 * fanotify, signalfd, timerfd, eventfd; and what goes with them: memfd, splice, tee, masks of
 * signals, prctl. Links the C library alone. usher-sd-event.h puts it into a loop of sd-event,
 * usher-seccomp.h builds filters of system calls; each has a library of its own.
 *
 * Two layers. The kernel's calls, by their names with usher_ before them, do what their manual
 * pages say. Sources are objects around a descriptor, from which events come one by one, all at
 * once, or within a time.
 *
 * Every descriptor that is made here is close-on-exec, and -1 is the one that is none: 0 is as good
 * as any. Descriptors that are passed in are borrowed, except by usher_source_adopt(). What a
 * function returns through a ret_ argument belongs to the caller; nothing is stored there when it
 * fails. Times are in microseconds of CLOCK_MONOTONIC, UINT64_MAX is for ever.
 *
 * A function returns 0, or what it is said to return, on success and a negative errno on failure,
 * of a closed set that is libusher's; errno itself keeps what the kernel said, and
 * usher_event_message() says it in words.
 *
 *	-EINVAL        an argument is malformed, unknown, or contradicts another (also ENOTDIR,
 *	               ELOOP, ENAMETOOLONG, ERANGE, EXDEV, ESPIPE)
 *	-EBADF         a descriptor is not open, is not open for that, or its source was closed
 *	-EPERM         the kernel says no (also EACCES, EROFS)
 *	-ENOENT        path, process or watch is not there (also ESRCH, ENXIO)
 *	-EBUSY         in use, or already there (also EEXIST)
 *	-EDQUOT        a limit is reached; the message names it (EMFILE, ENFILE, ENOSPC)
 *	-EOPNOTSUPP    this kernel lacks it (also ENOSYS, ENODEV)
 *	-EAGAIN        nothing is there now; the same call again may succeed
 *	-ETIMEDOUT     nothing came in time
 *	-ENODATA       the other end closed before all had come
 *	-EBADMSG       what was read makes no sense
 *	-ENOMEM        out of memory
 *	-EIO           anything else, of which the message has the name
 *
 * An object is for one thread at a time. All functions that end something take NULL and return it.
 */
#ifndef USHER_EVENT_H
#define USHER_EVENT_H

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What was wrong with the call of this thread that failed last, for people. Never NULL; lives until
 * the next that fails. */
const char *usher_event_message(void);

/* ======== the kernel's calls ======== */

/* Flags: IN_NONBLOCK. -EDQUOT: fs.inotify.max_user_instances, or the process's descriptors. */
int usher_inotify_init(int flags);
/* Returns the watch's number, the same for the same inode. -EPERM: path cannot be read. -EDQUOT:
 * fs.inotify.max_user_watches. */
int usher_inotify_add_watch(int fd, const char *path, uint32_t mask);
int usher_inotify_rm_watch(int fd, int wd);

/*
 * Without privilege a group reports by names and handles (FAN_REPORT_FID and its kin), of inodes
 * that are marked one by one. event_flags are how descriptors in events are open; they are
 * close-on-exec. FAN_NOFD in place of directory is AT_FDCWD. -EPERM: that takes CAP_SYS_ADMIN.
 */
int usher_fanotify_init(unsigned flags, unsigned event_flags);
int usher_fanotify_mark(int fd, unsigned flags, uint64_t mask, int directory, const char *path);
/* Answers a permission event: FAN_ALLOW or FAN_DENY, with FAN_AUDIT. */
int usher_fanotify_response(int fd, int event_fd, uint32_t response);

/* Makes one for these signals (fd -1), or changes one. Flags: SFD_NONBLOCK. */
int usher_signalfd(int fd, const sigset_t *signals, int flags);
/* The mask of this thread: SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK. Either set may be NULL. */
int usher_sigmask(int how, const sigset_t *set, sigset_t *ret_old);
int usher_sigaction(int number, const struct sigaction *action, struct sigaction *ret_old);

/* CLOCK_REALTIME, _MONOTONIC, _BOOTTIME; _REALTIME_ALARM and _BOOTTIME_ALARM take CAP_WAKE_ALARM,
 * or the service (org.usher1.Timers). Flags: TFD_NONBLOCK. */
int usher_timerfd_create(clockid_t clock, int flags);
/* Flags: TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET. -EINVAL: the message names the field. */
int usher_timerfd_settime(int fd, int flags, const struct itimerspec *value,
			  struct itimerspec *ret_old);
int usher_timerfd_gettime(int fd, struct itimerspec *ret);

/* Flags: EFD_SEMAPHORE, EFD_NONBLOCK. */
int usher_eventfd(unsigned initial, int flags);

/* Flags: MFD_ALLOW_SEALING, MFD_HUGETLB... A name has at most 249 bytes. */
int usher_memfd_create(const char *name, unsigned flags);
/* Seals (F_SEAL_WRITE, F_SEAL_GROW, F_SEAL_SHRINK, F_SEAL_SEAL...) are of the file, not of the
 * descriptor. -EPERM: it is sealed against seals; -EBUSY: somebody has it mapped for writing;
 * -EINVAL: no such seals, or nothing that can be sealed. */
int usher_memfd_add_seals(int fd, int seals);
int usher_memfd_get_seals(int fd);
/* Whether none of the seals is set: F_SEAL_WRITE asks whether it may be written. 1, 0. */
int usher_memfd_may(int fd, int seals);
/* No more may be written, grown, shrunk or sealed from here on. */
int usher_memfd_freeze(int fd);
/* mmap(2), shared; for munmap(2). length 0: all that is behind the offset. */
int usher_memfd_map(int fd, size_t length, int protection, off_t offset, void **ret,
		    size_t *ret_length);

/* Offsets may be NULL: then the file's own is used, and moves. How many bytes went. */
ssize_t usher_splice(int from, off_t *from_offset, int to, off_t *to_offset, size_t length,
		     unsigned flags);
ssize_t usher_tee(int from, int to, size_t length, unsigned flags);
/* The pages belong to the pipe until they were read: writev(2) is what most programs want. */
ssize_t usher_vmsplice(int fd, const struct iovec *pieces, size_t count, unsigned flags);
/* How many pieces one call takes. */
int usher_iov_max(void);
/* FIONREAD: how many bytes can be read now. */
int usher_bytes_readable(int fd);

int usher_prctl(int option, unsigned long second, unsigned long third, unsigned long fourth,
		unsigned long fifth);
/* Whether a capability, by its number, is in the bounding set: 1, 0; and takes it out. */
int usher_capbset_has(int capability);
int usher_capbset_drop(int capability);
/* Attributes of this process, by prctl(2). */
int usher_get_child_subreaper(void);
int usher_set_child_subreaper(bool reaper);
int usher_get_dumpable(void);
int usher_set_dumpable(bool dumpable);
int usher_get_no_new_privileges(void);
int usher_set_no_new_privileges(void);
/* Nanoseconds by which timers of this thread may be late; 0 sets the default. */
int usher_get_timer_slack(void);
int usher_set_timer_slack(unsigned long nanoseconds);

/* The system calls, whatever a C library believes. */
pid_t usher_getpid(void);
pid_t usher_getppid(void);
/* Which futexes the kernel marks when this thread dies. The C library has a list of its own for
 * robust mutexes: only for threads that use none. */
struct robust_list_head;
int usher_set_robust_list(struct robust_list_head *head);

/* ======== names ======== */

/* "IN_CREATE IN_ISDIR"; bits without a name come last, as a number. For free(3). -ENOMEM. */
int usher_inotify_mask_to_string(uint32_t mask, char **ret);
int usher_fanotify_mask_to_string(uint64_t mask, char **ret);
/* Words parted by spaces, commas or bars. -EINVAL: the message names the word. */
int usher_inotify_mask_from_string(const char *text, uint32_t *ret);
int usher_fanotify_mask_from_string(const char *text, uint64_t *ret);

/* "SIGUSR1", "RTMIN+2"; always ends, "?" for what is no signal. */
enum { USHER_SIGNAL_NAME_MAX = 16 };

const char *usher_signal_to_string(int number, char buffer[USHER_SIGNAL_NAME_MAX]);
/* With or without "SIG"; "RTMIN+n". 0: there is no such signal. */
int usher_signal_from_string(const char *name);
/* "monotonic", "realtime", "boottime", "realtime-alarm", "boottime-alarm". */
int usher_clock_from_string(const char *name, clockid_t *ret);
const char *usher_clock_to_string(clockid_t clock);

/* ======== sources ======== */

enum usher_source_kind {
	USHER_SOURCE_INOTIFY = 1,
	USHER_SOURCE_FANOTIFY,
	USHER_SOURCE_SIGNALFD,
	USHER_SOURCE_TIMERFD,
	USHER_SOURCE_EVENTFD,
};

struct usher_source;

struct usher_inotify_event {
	int wd; /* -1 where events were lost: IN_Q_OVERFLOW */
	uint32_t mask;
	uint32_t cookie;  /* the same in both halves of a move */
	const char *name; /* bytes, without a directory; "" for the watched one itself */
};

/* A file or directory by its handle, for open_by_handle_at(2); no handle where it was not told. */
struct usher_fanotify_place {
	const void *handle; /* a struct file_handle */
	int32_t fsid[2];
	const char *name; /* in that directory; NULL where it was not told */
};

struct usher_fanotify_event {
	uint64_t mask;
	uint8_t version;
	int fd;  /* the source's, see usher_fanotify_take_fd(); -1 where there is none */
	int pid; /* who did it; 0 if that may not be known */
	int pidfd;
	struct usher_fanotify_place object, parent, from, to;
	int error; /* FAN_FS_ERROR */
	unsigned error_count;
	uint64_t offset, length; /* what is about to be read: FAN_PRE_ACCESS */
	uint64_t mount;          /* FAN_MNT_ATTACH, FAN_MNT_DETACH */
};

struct usher_signal_event {
	int number, error, code;
	int pid, uid; /* who sent it, in this process's namespaces */
	int value;    /* what sigqueue(3) sent, */
	uint64_t pointer;
	int fd, band;        /* SIGIO */
	int timer, overruns; /* of timer_create(2) */
	int trap;
	int status; /* SIGCHLD: exit status or signal */
	uint64_t user_ticks, system_ticks;
	uint64_t address; /* SIGSEGV and its kin */
};

struct usher_timer_event {
	uint64_t expirations; /* since the last event */
	bool cancelled; /* the clock was set: none of them, and the timer may need a new time */
};

struct usher_event {
	enum usher_source_kind kind;
	struct usher_source *source;

	union {
		struct usher_inotify_event inotify;
		struct usher_fanotify_event fanotify;
		struct usher_signal_event signal;
		struct usher_timer_event timer;
		uint64_t count; /* eventfd */
	};

	void *record; /* the library's */
};

/*
 * A source out of a descriptor of that kind, such as the one that org.usher1.Timers hands out; fd
 * belongs to it from here on, unless this fails. Blocking or not is left as it is. -EINVAL: it is
 * of another kind.
 */
int usher_source_adopt(enum usher_source_kind kind, int fd, struct usher_source **ret);

/*
 * The next event, without waiting: -EAGAIN if there is none. As many as there are may be read from
 * the kernel; the others are kept for the next call. What an event points to lives until the next
 * call on the source.
 */
int usher_source_next(struct usher_source *source, struct usher_event *ret);
/* All that are kept, or else what one read gives: how many, at most size. -EAGAIN if none. */
int usher_source_next_all(struct usher_source *source, struct usher_event *events, size_t size);
/* The next event, within a time: -ETIMEDOUT. A signal that a handler takes does not end it. */
int usher_source_wait(struct usher_source *source, uint64_t timeout_usec, struct usher_event *ret);
/* Forgets the events that are kept here; not those in the kernel. */
int usher_source_drop(struct usher_source *source);
/* How many events are kept here. */
int usher_source_kept(struct usher_source *source);

/*
 * For loops of others: the descriptor, which stays the source's, is readable (POLLIN) when there is
 * something to read; but what is kept here, no poll(2) sees: wait no longer than the timeout, which
 * is 0 or UINT64_MAX. Both are valid until the next call on the source.
 */
int usher_source_get_fd(struct usher_source *source);
uint64_t usher_source_get_timeout(struct usher_source *source);

enum usher_source_kind usher_source_get_kind(const struct usher_source *source);
/* O_RDONLY; of an eventfd O_RDWR; of a fanotify group how descriptors in its events are open. */
int usher_source_get_mode(struct usher_source *source);
/* No two sources of a process ever have the same. 0 for NULL. */
uint64_t usher_source_get_id(const struct usher_source *source);
/* "timerfd fd=5 clock=monotonic next=1.000000002s interval=3s", "inotify closed". For free(3). */
int usher_source_describe(struct usher_source *source, char **ret);

/* What is called before the descriptor is closed, by whoever has it in a loop; NULL: nothing.
 * -EBUSY: there is one. */
int usher_source_on_close(struct usher_source *source,
			  void (*handler)(struct usher_source *source, void *userdata),
			  void *userdata);

/* Closes the descriptor. The object stays, and answers -EBADF to everything, to a second close,
 * too. */
int usher_source_close(struct usher_source *source);
/* Closes it, and forgets it. */
struct usher_source *usher_source_free(struct usher_source *source);

static inline void usher_source_freep(struct usher_source **source) {
	*source = usher_source_free(*source);
}

/* USHER_CLEANUP_SOURCE struct usher_source *source = NULL; */
#define USHER_CLEANUP_SOURCE __attribute__((cleanup(usher_source_freep)))

/* ---- inotify ---- */

int usher_inotify_new(struct usher_source **ret);
int usher_inotify_watch(struct usher_source *source, const char *path, uint32_t mask);
int usher_inotify_ignore(struct usher_source *source, int wd);

/* Waits for the first event of a path, with an instance of its own: what happens between two such
 * calls is lost. The name goes to free(3). */
int usher_inotify_once(const char *path, uint32_t mask, uint64_t timeout_usec, uint32_t *ret_mask,
		       char **ret_name);

/* Takes a record out of what was read: how many bytes it has. -EAGAIN: there is none; -EBADMSG: it
 * does not fit. */
int usher_inotify_parse(const void *data, size_t size, struct usher_inotify_event *ret);

/*
 * Watches that do not know of each other, even on the same inode: each has its own mask, and keeps
 * its own events until somebody asks. As long as a source has any, it is read through them alone
 * (-EBUSY).
 */
struct usher_inotify_watch;

/* limit is how many events are kept: one more is lost, and the last one kept is IN_Q_OVERFLOW then;
 * 0: 16384. IN_ONESHOT and IN_MASK_CREATE: -EINVAL. */
int usher_inotify_watch_new(struct usher_source *source, const char *path, uint32_t mask,
			    size_t limit, struct usher_inotify_watch **ret);
/* The next event, of those in mask only (0: all) and with that name only (NULL: all): others that
 * come before it are dropped. -ENOENT: the watch was removed, or what it watched has gone, and all
 * its events were told. */
int usher_inotify_watch_wait(struct usher_inotify_watch *watch, uint32_t mask, const char *name,
			     uint64_t timeout_usec, struct usher_inotify_event *ret);
int usher_inotify_watch_remove(struct usher_inotify_watch *watch);
struct usher_inotify_watch *usher_inotify_watch_free(struct usher_inotify_watch *watch);

/* ---- fanotify ---- */

int usher_fanotify_new(unsigned flags, unsigned event_flags, struct usher_source **ret);
/* Marks, with FAN_MARK_ADD and what else is in flags; takes bits out of a mark; takes all marks of
 * one kind (FAN_MARK_MOUNT, FAN_MARK_FILESYSTEM; 0: of inodes) out. */
int usher_fanotify_watch(struct usher_source *source, const char *path, uint64_t mask,
			 unsigned flags);
int usher_fanotify_ignore(struct usher_source *source, const char *path, uint64_t mask,
			  unsigned flags);
int usher_fanotify_flush(struct usher_source *source, unsigned flags);
/* Answers a permission event. One that is not answered is allowed with the next call on the source,
 * so that nobody hangs. */
int usher_fanotify_respond(struct usher_event *event, bool allow, bool audit);
/* Descriptors in events are closed with the next call on the source, unless they were taken.
 * -EBADF: there is none, or it was taken. */
int usher_fanotify_take_fd(struct usher_event *event);
int usher_fanotify_take_pidfd(struct usher_event *event);
/* Where the descriptor in an event is, as this process would name it. For free(3). -ENOENT: there
 * is none, or no name leads there any more. */
int usher_fanotify_path(const struct usher_event *event, char **ret);
/* As usher_inotify_parse(). */
int usher_fanotify_parse(const void *data, size_t size, struct usher_fanotify_event *ret);

/* ---- signals ---- */

/* Signals have to be blocked to come this way: see usher_sigmask(). Whoever reads a signalfd that
 * was inherited or sent gets its own signals, not those of its maker; but in an epoll(7) it wakes
 * for those of who put it there. So use it in the process that made it. */
int usher_signalfd_new(const sigset_t *signals, struct usher_source **ret);
int usher_signalfd_enable(struct usher_source *source, const int numbers[], size_t count);
int usher_signalfd_disable(struct usher_source *source, const int numbers[], size_t count);
int usher_signalfd_enable_all(struct usher_source *source);
int usher_signalfd_disable_all(struct usher_source *source);
/* 1, 0; -EINVAL: there is no such signal. */
int usher_signalfd_has(struct usher_source *source, int number);

/*
 * Signals that are blocked for as long as somebody wants that, in this thread. -EBUSY: one of them
 * is blocked already. The end is -EINVAL where somebody has unblocked one of them meanwhile; they
 * are unblocked then, too.
 */
struct usher_signal_block;

int usher_signal_block_new(const sigset_t *signals, struct usher_signal_block **ret);
int usher_signal_block_end(struct usher_signal_block *block);

/* ---- timers ---- */

/* When a timer fires: first after, or at, a time; then again and again. Start from
 * USHER_TIMERSPEC_INIT. */
struct usher_timerspec {
	struct timespec first, interval;
	bool first_is_set; /* else the first time is after one interval */
};

#define USHER_TIMERSPEC_INIT \
	{ { 0 }, { 0 }, false }

/* They return what they were given: usher_timerspec_every(usher_timerspec_after(&t, 1, 2), 3, 4).
 * 0 seconds and 0 nanoseconds as the first time mean never. */
struct usher_timerspec *usher_timerspec_after(struct usher_timerspec *spec, time_t seconds,
					      long nanoseconds);
struct usher_timerspec *usher_timerspec_every(struct usher_timerspec *spec, time_t seconds,
					      long nanoseconds);
/* Whether it will fire. */
bool usher_timerspec_is_armed(const struct usher_timerspec *spec);

/* The first time is one on the timer's clock, instead of from now on; events say when the clock
 * was set (CLOCK_REALTIME and its alarm, absolute only). */
enum { USHER_TIMER_ABSOLUTE = 1, USHER_TIMER_CANCEL_ON_SET = 2 };

int usher_timerfd_new(clockid_t clock, struct usher_source **ret);
/* ret_old may be NULL. */
int usher_timerfd_set(struct usher_source *source, const struct usher_timerspec *spec,
		      unsigned flags, struct usher_timerspec *ret_old);
int usher_timerfd_get(struct usher_source *source, struct usher_timerspec *ret);
int usher_timerfd_disarm(struct usher_source *source);

/* ---- counters ---- */

int usher_eventfd_new(unsigned initial, bool semaphore, struct usher_source **ret);
/* -EAGAIN: it would be more than 2^64 - 2. */
int usher_eventfd_increment(struct usher_source *source, uint64_t value);
/* The count of the last event; 0 before the first. */
uint64_t usher_eventfd_last(const struct usher_source *source);

/*
 * A counter that is incremented once when a futex is woken, or is not `expected` any more: for
 * loops that wait on descriptors. A thread of the library's waits; freeing the source ends it. The
 * futex has to stay until then. -EOPNOTSUPP: this needs Linux 5.16.
 */
int usher_futex_new(const uint32_t *futex, uint32_t expected, struct usher_source **ret);

/* ---- children ---- */

struct usher_child_state {
	int code; /* CLD_EXITED, CLD_KILLED, CLD_DUMPED, CLD_STOPPED, CLD_TRAPPED, CLD_CONTINUED */
	pid_t pid;
	uid_t uid;
	int status; /* what it exited with, or the signal */
	struct rusage usage;
};

/* waitid(2) for a child by its pidfd, never by a number. Options: WEXITED, WSTOPPED, WCONTINUED,
 * WNOHANG (-EAGAIN), WNOWAIT. -ENOENT: it is no child of this process, or was waited for. */
int usher_child_wait(int pidfd, int options, struct usher_child_state *ret);

/* Whether it has ended, and whether with exit status 0. */
static inline bool usher_child_is_dead(const struct usher_child_state *state) {
	return state->code == CLD_EXITED || state->code == CLD_KILLED || state->code == CLD_DUMPED;
}

static inline bool usher_child_is_clean(const struct usher_child_state *state) {
	return state->code == CLD_EXITED && state->status == 0;
}

/* ======== many descriptors ======== */

/*
 * epoll(7), edge-triggered, with what is ready kept as it is known: bits come up when the kernel
 * says so, and go when whoever read or wrote says that it would have waited. Its descriptor can be
 * put into another loop.
 */
struct usher_poller;
struct usher_member;

int usher_poller_new(struct usher_poller **ret);
int usher_poller_get_fd(struct usher_poller *poller);
/* Notes what has become ready, without waiting: for when another loop finds the descriptor
 * readable. How many members. */
int usher_poller_process(struct usher_poller *poller);
struct usher_poller *usher_poller_free(struct usher_poller *poller);
/* events: POLLIN, POLLOUT, POLLPRI, POLLRDHUP. fd is borrowed. -EBUSY: it is in there already. */
int usher_poller_add(struct usher_poller *poller, int fd, unsigned events,
		     struct usher_member **ret);
int usher_member_modify(struct usher_member *member, unsigned events);
/* What is ready, as far as it is known. -ENOENT: it was removed. */
int usher_member_ready(struct usher_member *member);
/* These would have waited: EAGAIN was seen, or all that there was has been read. */
int usher_member_exhausted(struct usher_member *member, unsigned events);
/* Waits until one of the bits is ready, and returns those that are. -ETIMEDOUT, -ENOENT. Others'
 * bits are noted meanwhile. */
int usher_member_wait(struct usher_member *member, unsigned events, uint64_t timeout_usec);
/* No event comes any more. Before the descriptor is closed. */
int usher_member_remove(struct usher_member *member);
struct usher_member *usher_member_free(struct usher_member *member);

/* ======== streams ======== */

/*
 * Reads what has a frame, from a descriptor that blocks or not. Where the other end closes in the
 * middle: -ENODATA, and the message says of what. What was read of a frame that did not come in
 * whole is kept for the next call.
 */
struct usher_reader;

/* fd is borrowed. -EBADF at once where it is open for writing only. */
int usher_reader_new(int fd, struct usher_reader **ret);
struct usher_reader *usher_reader_free(struct usher_reader *reader);
/* No frame may be longer (-EINVAL); 16 MiB at first. */
void usher_reader_set_limit(struct usher_reader *reader, size_t bytes);
/* Exactly so many bytes. They live until the next call. */
int usher_reader_bytes(struct usher_reader *reader, size_t size, const void **ret);
/* Up to a delimiter, which is left out; "\n" for lines. Bytes, with a zero behind them. */
int usher_reader_until(struct usher_reader *reader, char delimiter, const char **ret,
		       size_t *ret_size);
/* "5:hello,"; -EBADMSG. */
int usher_reader_netstring(struct usher_reader *reader, const char **ret, size_t *ret_size);
/* A size of eight bytes in the machine's order, and as many bytes. */
int usher_reader_sized(struct usher_reader *reader, const char **ret, size_t *ret_size);

#ifdef __cplusplus
}
#endif

#endif
