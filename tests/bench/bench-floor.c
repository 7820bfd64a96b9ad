/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The floor: what usher does for a caller, done by who may do it, with the system calls alone; and
 * what a program costs that has to be started for it.
 *
 *     bench-floor tmpfs|bind|tree|hostname|table|fork N [TARGET [SOURCE]]
 *     bench-floor image N TARGET IMAGE
 *     bench-floor set-hostname N
 *     bench-floor forked N KIND [ARGUMENT...]     each in a process of its own, which is waited for
 *     bench-floor confined N CALLS KIND [ARGUMENT...]
 *         the same, told by a frame and answered by one, with a caller's rights and a filter; CALLS
 *         of them, of which the last does it all; where they mount and unmount, each asks before it
 *         does
 *     bench-floor handed N KIND [ARGUMENT...]
 *         how long such a one takes that waits already; a mount is kept by systemd before it is
 *         there, so for these as a service that has such a store
 *     bench-floor kept N
 *         processor time of an object in systemd's store and out of it, ours and systemd's; as a
 *         service that has such a store
 *     bench-floor noted N PID
 *         that of an entry in the journal, ours and the journal's, which is PID
 *     bench-floor spawn N COMMAND...              a program in namespaces of its own, all of them
 *     bench-floor spawn-first N COMMAND...
 *         the same, with a first process that reaps, and a loopback device that is up
 *     bench-floor exec N COMMAND...               a program, and nothing else
 *     bench-floor run N COMMAND...                how long a command takes
 *     bench-floor pair N COMMAND... -- COMMAND...
 *         how long two take that are run in turn
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/loop.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

extern char **environ;

static int checked(int result, const char *what) {
	if (result < 0)
		err(1, "%s", what);
	return result;
}

static int make(const char *type, const char *source, const char *key, const char *value) {
	int fs = checked(fsopen(type, FSOPEN_CLOEXEC), "fsopen"), mount;

	checked(fsconfig(fs, FSCONFIG_SET_STRING, "source", source, 0), "fsconfig source");
	if (key)
		checked(fsconfig(fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value,
				 0),
			key);
	checked(fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0), "fsconfig create");
	mount = checked(fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV),
			"fsmount");
	(void)close(fs);
	return mount;
}

/* Where a confined child asks before it mounts something, which nobody may lose: its socket. */
static int asked = -1;

static void ask(int socket);

static void attach(int mount, const char *target) {
	if (asked >= 0)
		ask(asked);
	checked(move_mount(mount, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH), "move_mount");
	(void)close(mount);
}

static int copy(const char *source) {
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV };
	int tree = checked(open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC),
			   "open_tree");

	checked(mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes),
		"mount_setattr");
	return tree;
}

/* Mounts at the first word, and unmounts. */
static void there_and_back(size_t n, char *argv[], const char *there, const char *back,
			   void (*go)(char *argv[])) {
	struct measure mount = measure_new(there, n), unmount = measure_new(back, n);

	for (size_t i = 0; i < n; i++) {
		measure_begin(&mount);
		go(argv);
		measure_end(&mount);
		measure_begin(&unmount);
		checked(umount2(argv[0], UMOUNT_NOFOLLOW), "umount2");
		measure_end(&unmount);
	}
	measure_print(&mount);
	measure_print(&unmount);
}

static void mount_tmpfs(char *argv[]) {
	attach(make("tmpfs", "tmpfs", "size", "1m"), argv[0]);
}

static void tmpfs(size_t n, char *argv[]) {
	there_and_back(n, argv, "tmpfs", "umount-tmpfs", mount_tmpfs);
}

static void mount_copy(char *argv[]) {
	attach(copy(argv[1]), argv[0]);
}

static void bind_mount(size_t n, char *argv[]) {
	there_and_back(n, argv, "bind", "umount-bind", mount_copy);
}

/* What a confined child hands over. Else it is closed at once. */
static bool hands_over;
static int handed_over = -1;

static void tree(size_t n, char *argv[]) {
	struct measure measure = measure_new("tree", n);

	for (size_t i = 0; i < n; i++) {
		int fd;

		measure_begin(&measure);
		fd = copy(argv[0]);
		measure_end(&measure);
		if (hands_over)
			handed_over = fd;
		else
			(void)close(fd);
	}
	measure_print(&measure);
}

static int attach_loop(int image, int *ret_number) {
	struct loop_config config = { .fd = (unsigned)image,
				      .info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_READ_ONLY };
	int control = checked(open("/dev/loop-control", O_RDWR | O_CLOEXEC), "/dev/loop-control");
	char name[32];
	int loop;

	/* others may take it before we do */
	do {
		*ret_number = checked(ioctl(control, LOOP_CTL_GET_FREE), "LOOP_CTL_GET_FREE");
		(void)snprintf(name, sizeof name, "/dev/loop%d", *ret_number);
		loop = checked(open(name, O_RDONLY | O_CLOEXEC), name);
		if (ioctl(loop, LOOP_CONFIGURE, &config) == 0)
			break;
		if (errno != EBUSY)
			err(1, "LOOP_CONFIGURE");
		(void)close(loop);
	} while (true);
	(void)close(control);
	return loop;
}

static void mount_squashfs(char *argv[]) {
	int image = checked(open(argv[1], O_RDONLY | O_CLOEXEC), argv[1]), number, loop;
	char name[32];

	loop = attach_loop(image, &number);
	(void)snprintf(name, sizeof name, "/dev/loop%d", number);
	attach(make("squashfs", name, "ro", NULL), argv[0]);
	(void)close(loop);
	(void)close(image);
}

static void mount_image(size_t n, char *argv[]) {
	there_and_back(n, argv, "image", "umount-image", mount_squashfs);
}

static void hostname(size_t n, char *argv[]) {
	struct measure measure = measure_new("hostname", n);
	char name[65];

	(void)argv;
	for (size_t i = 0; i < n; i++) {
		measure_begin(&measure);
		checked(gethostname(name, sizeof name), "gethostname");
		measure_end(&measure);
	}
	measure_print(&measure);
}

static void table(size_t n, char *argv[]) {
	struct measure measure = measure_new("table", n);
	static char text[1 << 22];

	(void)argv;
	for (size_t i = 0; i < n; i++) {
		int fd;

		measure_begin(&measure);
		fd = checked(open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC), "mountinfo");
		while (read(fd, text, sizeof text) > 0)
			;
		(void)close(fd);
		measure_end(&measure);
	}
	measure_print(&measure);
}

static void fork_exit(size_t n, char *argv[]) {
	struct measure measure = measure_new("fork", n);

	(void)argv;
	for (size_t i = 0; i < n; i++) {
		pid_t pid;

		measure_begin(&measure);
		pid = checked(fork(), "fork");
		if (pid == 0)
			_exit(0);
		(void)waitpid(pid, NULL, 0);
		measure_end(&measure);
	}
	measure_print(&measure);
}

static void set_hostname(size_t n, char *argv[]) {
	struct measure measure = measure_new("set-hostname", n);

	(void)argv;
	for (size_t i = 0; i < n; i++) {
		const char *name = i % 2 ? "bench-a" : "bench-b";

		measure_begin(&measure);
		checked(sethostname(name, strlen(name)), "sethostname");
		measure_end(&measure);
	}
	measure_print(&measure);
}

static void be_kind(size_t n, char *argv[]);

/* What prints its own measure prints it nowhere. */
static void forked(size_t n, char *argv[]) {
	struct measure measure = measure_new("forked", n);

	for (size_t i = 0; i < n; i++) {
		int status;
		pid_t pid;

		measure_begin(&measure);
		pid = checked(fork(), "fork");
		if (pid == 0) {
			be_kind(1, argv);
			_exit(0);
		}
		(void)waitpid(pid, &status, 0);
		measure_end(&measure);
		if (status != 0)
			errx(1, "forked %s: wait status %#x", argv[0], (unsigned)status);
	}
	measure_print(&measure);
}

/* ---- a child that is confined as ours are ---- */

/* In order. What kinds[] need, and others, so that there are as many as OpenTree has. */
static const int allowed[] = {
	SYS_read,          SYS_write,         SYS_close,      SYS_fstat,
	SYS_mmap,          SYS_munmap,        SYS_brk,        SYS_rt_sigreturn,
	SYS_ioctl,         SYS_pread64,       SYS_mremap,     SYS_madvise,
	SYS_sendto,        SYS_recvfrom,      SYS_sendmsg,    SYS_recvmsg,
	SYS_clone,         SYS_exit,          SYS_wait4,      SYS_uname,
	SYS_fcntl,         SYS_fchdir,        SYS_setfsuid,   SYS_setfsgid,
	SYS_capget,        SYS_capset,        SYS_fstatfs,    SYS_chroot,
	SYS_umount2,       SYS_sethostname,   SYS_futex,      SYS_restart_syscall,
	SYS_timer_settime, SYS_clock_gettime, SYS_exit_group, SYS_openat,
	SYS_newfstatat,    SYS_readlinkat,    SYS_unshare,    SYS_setns,
	SYS_getrandom,     SYS_memfd_create,  SYS_statx,      SYS_open_tree,
	SYS_move_mount,    SYS_fsopen,        SYS_fsconfig,   SYS_fsmount,
	SYS_openat2,       SYS_mount_setattr,
};

enum { ALLOWED = sizeof allowed / sizeof *allowed, LEAF = 4, FILTER_MAX = 2 * ALLOWED };

struct program {
	struct sock_filter instructions[FILTER_MAX];
	unsigned short n, end; /* the last one allows, the one before it kills */
};

static void emit(struct program *program, unsigned short code, unsigned k, unsigned yes,
		 unsigned no) {
	program->instructions[program->n++] =
		(struct sock_filter){ code, (unsigned char)yes, (unsigned char)no, k };
}

/* A tree, as libseccomp makes. */
static void search(struct program *program, const int *numbers, size_t n) {
	unsigned short at = program->n;

	if (n > LEAF) {
		emit(program, BPF_JMP | BPF_JGT | BPF_K, (unsigned)numbers[n / 2 - 1], 0, 0);
		search(program, numbers, n / 2);
		program->instructions[at].jt = (unsigned char)(program->n - at - 1);
		search(program, numbers + n / 2, n - n / 2);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned allow = (unsigned)program->end - program->n - 1U;

		emit(program, BPF_JMP | BPF_JEQ | BPF_K, (unsigned)numbers[i], allow,
		     i + 1 < n ? 0 : allow - 1);
	}
}

static void write_filter(struct program *program, unsigned short end) {
	*program = (struct program){ .end = end };
	emit(program, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
	emit(program, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 0); /* any will do here */
	emit(program, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	search(program, allowed, ALLOWED);
	emit(program, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
	emit(program, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

static struct program filter;
static int home;

static void prepare_confining(void) {
	write_filter(&filter, 0);
	write_filter(&filter, filter.n - 1); /* now it is known where it ends */
	home = checked(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC), "/proc/self/ns/mnt");
}

/* The caller is root, too, and at home; nobody knew that before. */
static void confine(void) {
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const unsigned rights =
		1U << CAP_SYS_ADMIN | 1U << CAP_SYS_CHROOT | 1U << CAP_DAC_READ_SEARCH;
	struct __user_cap_data_struct capabilities[2] = { { rights, rights, 0 } };
	struct sock_fprog program = { .len = filter.n, .filter = filter.instructions };

	checked(setgroups(0, NULL), "setgroups");
	(void)setfsgid(getgid());
	(void)setfsuid(getuid());
	checked((int)syscall(SYS_capset, &header, capabilities), "capset");
	checked((int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), "seccomp");
	checked(setns(home, CLONE_NEWNS), "setns");
}

union rights {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

static void send_packet(int socket, const char *bytes, size_t size, int fd) {
	struct iovec part = { (char *)bytes, size };
	union rights rights = { .header = { CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS } };
	struct msghdr packet = { .msg_iov = &part, .msg_iovlen = 1 };

	memcpy(CMSG_DATA(&rights.header), &fd, sizeof fd);
	if (fd >= 0) {
		packet.msg_control = &rights;
		packet.msg_controllen = sizeof rights;
	}
	checked((int)sendmsg(socket, &packet, MSG_NOSIGNAL), "sendmsg");
}

enum word { TOLD, ASKS };

static void send_frame(int socket, enum word word, int fd) {
	const char frame[80] = { (char)word };

	send_packet(socket, frame, sizeof frame, fd);
}

/* The descriptor that came with it, or -1. */
static enum word receive_frame(int socket, int *ret_fd) {
	char frame[80];
	struct iovec part = { frame, sizeof frame };
	union rights rights = { 0 };
	struct msghdr packet = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &rights,
				 .msg_controllen = sizeof rights };

	if (recvmsg(socket, &packet, MSG_CMSG_CLOEXEC) <= 0)
		errx(1, "a confined child has gone");
	*ret_fd = -1;
	if (CMSG_FIRSTHDR(&packet))
		memcpy(ret_fd, CMSG_DATA(&rights.header), sizeof *ret_fd);
	return (enum word)frame[0];
}

static void ask(int socket) {
	int none;

	send_frame(socket, ASKS, -1);
	(void)receive_frame(socket, &none);
}

/* Without a kind, one of two calls that the other does: each of these asks. */
static _Noreturn void be_confined(int socket, char *argv[]) {
	int none;

	checked(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS");
	hands_over = true;
	asked = socket;
	(void)receive_frame(socket, &none);
	confine();
	if (argv)
		be_kind(1, argv);
	else
		ask(socket);
	send_frame(socket, TOLD, handed_over);
	_exit(0);
}

static void keep(int systemd, size_t number);
static void let_go(int systemd, size_t number);

/* Until it has done what it was told. Where what it asks about is kept first, systemd's socket. */
static int converse(int socket, int systemd, size_t number) {
	int fd;

	send_frame(socket, TOLD, -1);
	while (receive_frame(socket, &fd) == ASKS) {
		if (systemd >= 0)
			keep(systemd, number);
		send_frame(socket, TOLD, -1);
	}
	return fd;
}

/* A child that waits for a frame. */
static pid_t begin_confined(char *argv[], int *ret_socket) {
	int pair[2];
	pid_t pid;

	checked(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), "socketpair");
	pid = checked(fork(), "fork");
	if (pid == 0) {
		(void)close(pair[0]);
		be_confined(pair[1], argv);
	}
	(void)close(pair[1]);
	*ret_socket = pair[0];
	return pid;
}

static void end_confined(pid_t pid, int socket) {
	int status;

	(void)close(socket);
	(void)waitpid(pid, &status, 0);
	if (status != 0)
		errx(1, "a confined child: wait status %#x", (unsigned)status);
}

static void confined(size_t n, char *argv[]) {
	struct measure measure = measure_new("confined", n);
	unsigned long calls = strtoul(argv[0], NULL, 10);

	prepare_confining();
	for (size_t i = 0; i < n; i++) {
		measure_begin(&measure);
		for (unsigned long call = calls; call > 0; call--) {
			int socket;
			pid_t pid = begin_confined(call == 1 ? argv + 1 : NULL, &socket);

			(void)close(converse(socket, -1, 0));
			end_confined(pid, socket);
		}
		measure_end(&measure);
	}
	measure_print(&measure);
}

static int connect_to(const char *path) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = checked(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	checked(connect(fd, (struct sockaddr *)&address, sizeof address), path);
	return fd;
}

static void handed(size_t n, char *argv[]) {
	const struct timespec while_it_gets_ready = { .tv_nsec = 1000000 };
	struct measure measure = measure_new("handed", n);
	const char *notify = getenv("NOTIFY_SOCKET");
	int systemd = notify ? connect_to(notify) : -1;

	prepare_confining();
	for (size_t i = 0; i < n; i++) {
		int socket, fd;
		pid_t pid = begin_confined(argv, &socket);

		(void)nanosleep(&while_it_gets_ready, NULL);
		measure_begin(&measure);
		fd = converse(socket, systemd, i);
		measure_end(&measure);
		end_confined(pid, socket);
		if (systemd >= 0)
			let_go(systemd, i);
		(void)close(fd);
	}
	measure_print(&measure);
}

/* ---- what is handed to others: nobody waits for them, but they share the processors ---- */

static void await_receipt(int socket) {
	struct timespec pause = { .tv_nsec = 1000000 };
	int left = 1;

	while (ioctl(socket, SIOCOUTQ, &left) == 0 && left > 0)
		(void)nanosleep(&pause, NULL);
	pause.tv_nsec = 50 * 1000000; /* what came last is not done yet */
	(void)nanosleep(&pause, NULL);
}

/* Of us and of that process. */
static uint64_t processor_nsec(pid_t pid) {
	struct timespec ours, theirs;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &theirs) < 0)
		errx(1, "the processor time of process %d cannot be told", pid);
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ours);
	return (uint64_t)(ours.tv_sec + theirs.tv_sec) * 1000000000 +
	       (uint64_t)(ours.tv_nsec + theirs.tv_nsec);
}

static void print_one(const char *name, uint64_t nsec) {
	struct measure measure = measure_new(name, 1);

	measure.nsec[measure.n++] = nsec;
	measure_print(&measure);
}

static void keep(int systemd, size_t number) {
	const char object[160] = ""; /* about what a mount's takes */
	int memory = checked(memfd_create("floor", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd");
	char text[64];

	checked((int)write(memory, object, sizeof object), "write");
	checked(fcntl(memory, F_ADD_SEALS,
		      F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL),
		"F_ADD_SEALS");
	(void)snprintf(text, sizeof text, "FDSTORE=1\nFDNAME=floor-%zu\nFDPOLL=0", number);
	send_packet(systemd, text, strlen(text), memory);
	(void)close(memory);
}

static void let_go(int systemd, size_t number) {
	char text[64];

	(void)snprintf(text, sizeof text, "FDSTOREREMOVE=1\nFDNAME=floor-%zu", number);
	send_packet(systemd, text, strlen(text), -1);
}

/* systemd compares what it gets with all that it has; of 64 clients, half have a mount at a time.
 */
static void kept(size_t n, char *argv[]) {
	enum { TOGETHER = 32 };

	const size_t rounds = n / TOGETHER + 1;
	int systemd = connect_to(getenv("NOTIFY_SOCKET") ?: "");
	uint64_t before = processor_nsec(1);

	(void)argv;
	for (size_t round = 0; round < rounds; round++) {
		for (size_t i = 0; i < TOGETHER; i++)
			keep(systemd, i);
		for (size_t i = 0; i < TOGETHER; i++)
			let_go(systemd, i);
	}
	await_receipt(systemd);
	print_one("kept", (processor_nsec(1) - before) / (rounds * TOGETHER));
}

/* As long as usher's, with what makes it one: who, as whom, what, where, with what result. */
static const char entry[] =
	"MESSAGE_ID=ae42af5fa38a43208753200000000000\nPRIORITY=6\n"
	"USHER_ID=00000000000000000000000000000000\nUSHER_OPERATION=Mounts.Bind\n"
	"USHER_RESULT=done\nUSHER_DURATION_USEC=1000\nUSHER_UID=0\nUSHER_GID=0\nUSHER_PID=1000\n"
	"USHER_DECISION=trusted\nUSHER_OBJECT=/org/usher1/mount/10000000\n"
	"USHER_SOURCE=/home/bench/source\nUSHER_TARGET=/home/bench/many/10\n"
	"MESSAGE=Mounts.Bind for uid 0, /home/bench/many/10: done\n";

static void noted(size_t n, char *argv[]) {
	pid_t pid = (pid_t)strtol(argv[0], NULL, 10);
	int journal = connect_to("/run/systemd/journal/socket");
	uint64_t before = processor_nsec(pid);

	for (size_t i = 0; i < n; i++)
		send_packet(journal, entry, sizeof entry - 1, -1);
	await_receipt(journal);
	print_one("noted", (processor_nsec(pid) - before) / n);
}

/* ---- programs ---- */

static void run_command(struct measure *measure, char *argv[]) {
	posix_spawn_file_actions_t actions;
	int status, r;
	pid_t pid;

	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	measure_begin(measure);
	r = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	if (r != 0)
		errx(1, "%s: %s", argv[0], strerror(r));
	(void)waitpid(pid, &status, 0);
	measure_end(measure);
	(void)posix_spawn_file_actions_destroy(&actions);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		errx(1, "%s: wait status %#x", argv[0], (unsigned)status);
}

static void write_file(pid_t pid, const char *name, const char *text) {
	char path[64];
	int fd;

	(void)snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	fd = checked(open(path, O_WRONLY | O_CLOEXEC), path);
	if (write(fd, text, strlen(text)) < 0)
		err(1, "%s", path);
	(void)close(fd);
}

/* As Spawn has it, since signals that are not caught do nothing to the first. */
static void follow_a_first(void) {
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), status = 0;
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	pid_t pid;

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		_exit(126);
	(void)close(fd);
	pid = fork();
	if (pid == 0)
		return;
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		_exit(126);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 126);
}

static _Noreturn void be_spawned(int go, bool first, char *argv[]) {
	char byte;

	if (read(go, &byte, 1) != 1 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		_exit(126);
	if (first)
		follow_a_first();
	(void)execv(argv[0], argv);
	_exit(127);
}

/* What unshare -Urmpf --mount-proc and the like come to. */
static void spawn_one(struct measure *measure, bool first, char *argv[]) {
	struct clone_args clone = { .flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID |
					     CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET |
					     CLONE_NEWCGROUP | CLONE_NEWTIME,
				    .exit_signal = SIGCHLD };
	char uids[64], gids[64];
	int go[2], status;
	pid_t pid;

	(void)snprintf(uids, sizeof uids, "0 %u 1", getuid());
	(void)snprintf(gids, sizeof gids, "0 %u 1", getgid());
	measure_begin(measure);
	checked(pipe2(go, O_CLOEXEC), "pipe2");
	pid = checked((int)syscall(SYS_clone3, &clone, sizeof clone), "clone3");
	if (pid == 0)
		be_spawned(go[0], first, argv);
	write_file(pid, "setgroups", "deny");
	write_file(pid, "uid_map", uids);
	write_file(pid, "gid_map", gids);
	checked((int)write(go[1], "", 1), "write");
	(void)close(go[0]);
	(void)close(go[1]);
	(void)waitpid(pid, &status, 0);
	measure_end(measure);
	if (status != 0)
		errx(1, "%s: wait status %#x", argv[0], (unsigned)status);
}

static void spawn(size_t n, char *argv[]) {
	struct measure measure = measure_new("spawn", n);

	for (size_t i = 0; i < n; i++)
		spawn_one(&measure, false, argv);
	measure_print(&measure);
}

static void spawn_first(size_t n, char *argv[]) {
	struct measure measure = measure_new("spawn-first", n);

	for (size_t i = 0; i < n; i++)
		spawn_one(&measure, true, argv);
	measure_print(&measure);
}

static void exec(size_t n, char *argv[]) {
	struct measure measure = measure_new("exec", n);

	for (size_t i = 0; i < n; i++)
		run_command(&measure, argv);
	measure_print(&measure);
}

static void run(size_t n, char *argv[]) {
	struct measure measure = measure_new("run", n);

	for (size_t i = 0; i < n; i++)
		run_command(&measure, argv);
	measure_print(&measure);
}

static void pair(size_t n, char *argv[]) {
	struct measure one = measure_new("first", n), other = measure_new("second", n);
	char **second = argv;

	while (*second && strcmp(*second, "--") != 0)
		second++;
	if (!*second)
		errx(2, "there is no second command");
	*second++ = NULL;
	for (size_t i = 0; i < n; i++) {
		run_command(&one, argv);
		run_command(&other, second);
	}
	measure_print(&one);
	measure_print(&other);
}

static const struct {
	const char *name;
	void (*measure)(size_t n, char *argv[]);
	int arguments;
} kinds[] = {
	{ "tmpfs", tmpfs, 1 },
	{ "bind", bind_mount, 2 },
	{ "tree", tree, 1 },
	{ "image", mount_image, 2 },
	{ "hostname", hostname, 0 },
	{ "table", table, 0 },
	{ "set-hostname", set_hostname, 0 },
	{ "forked", forked, 1 },
	{ "confined", confined, 2 },
	{ "handed", handed, 1 },
	{ "kept", kept, 0 },
	{ "noted", noted, 1 },
	{ "fork", fork_exit, 0 },
	{ "spawn", spawn, 1 },
	{ "spawn-first", spawn_first, 1 },
	{ "exec", exec, 1 },
	{ "run", run, 1 },
	{ "pair", pair, 3 },
};

static void be_kind(size_t n, char *argv[]) {
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].name, argv[0]) == 0)
			kinds[i].measure(n, argv + 1);
}

int main(int argc, char *argv[]) {
	measure_wait();
	for (size_t i = 0; argc > 2 && i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].name, argv[1]) == 0 && argc - 3 >= kinds[i].arguments) {
			kinds[i].measure(strtoul(argv[2], NULL, 10), argv + 3);
			return 0;
		}
	errx(2, "usage: bench-floor KIND N [ARGUMENT...]");
}
