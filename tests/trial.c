/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "trial.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kernel.h"
#include "message.h"
#include "path.h"
#include "wire.h"

enum { IMAGE_MAX = 64 * 1024, NOBODY = 65534 };

static char base[] = "/tmp/usher-trial-XXXXXX";
static char image[IMAGE_MAX];
static size_t image_size;

/* On this a subvolume of btrfs is mounted, for as long as the test takes. */
static char volume[] = "/tmp/usher-volume-XXXXXX";
static bool has_volume;

/* Overlays on tmpfs tell what they write to. */
static bool has_overlays;

/* Where the machine has no clock that could wake it, trials_begin() writes something else here. */
enum { WAKES = 77 };

struct trial trials[] = {
	{ "Mounts.Mount", "target=@/closed/src|fstype=tmpfs", HERE, 0 },
	{ "Mounts.Mount", "target=@/src|fstype=tmpfs", OWN, 0 },
	{ "Mounts.Mount", "target=@/src|fstype=ramfs", OWN, 0 },
	{ "Mounts.Mount", "target=@/dst|fstype=overlay|mount_options=lowerdir=@/src:@/new", HERE,
	  0 },
	{ "Mounts.Mount", "source=@/closed/image|target=@/dst|fstype=squashfs", HERE, 0 },
	{ "Mounts.Mount", "source=@/image|target=@/dst|fstype=squashfs", NOBODYS, 0 },
	{ "Mounts.Mount", "target=|target_fd=1|fstype=tmpfs", HERE, REFUSED_RETRY },
	{ "Mounts.MountImage", "image_fd=0|target=@/closed/src|fstype=squashfs", HERE, 0 },
	{ "Mounts.MountImage", "image_fd=0|target=|target_fd=1|fstype=squashfs", HERE,
	  REFUSED_RETRY },
	{ "Mounts.MountImage", "image_fd=0|target=@/src|fstype=squashfs", OWN, 0 },
	{ "Mounts.MountImage", "image_fd=0|target=@/src|fstype=squashfs", NOBODYS, 0 },
	{ "Mounts.Bind", "source=@/closed/src|target=@/dst|recursive=yes", HERE, 0 },
	{ "Mounts.Bind", "source=@/src|target=@/dst", OTHER, 0 },
	{ "Mounts.Bind", "source=@/src|target=@/dst|idmap=0 0 1", OWN, 0 },
	{ "Mounts.Bind", "source=@/src|target=|target_fd=1", HERE, REFUSED_RETRY },
	{ "Mounts.OpenMount", "fstype=tmpfs", HERE, 0 },
	{ "Mounts.OpenMount", "fstype=overlay|mount_options=lowerdir=@/src:@/new", HERE, 0 },
	{ "Mounts.OpenMount", "source=@/closed/image|fstype=squashfs", HERE, 0 },
	{ "Mounts.OpenMount", "source=@/image|fstype=squashfs", NOBODYS, 0 },
	{ "Mounts.OpenTree", "path=@/closed/src|recursive=yes", HERE, 0 },
	{ "Mounts.OpenTree", "path=@/src", NOBODYS, 0 },
	{ "Mounts.Unmount", "target=@/closed/dst", HERE, 0 },
	{ "Mounts.Unmount", "target=@/closed/dst", OTHER, 0 },
	{ "Mounts.Unmount", "target=@/new|expire=yes", HERE, -EAGAIN },
	{ "Mounts.Remount",
	  "target=@/closed/dst|mount_options=noexec|mount_options=size=1m|recursive=yes", HERE, 0 },
	{ "Mounts.Remount", "target=@/new|mount_options=noexec", OTHER, 0 },
	{ "Mounts.Move", "from=@/closed/dst|to=@/src", HERE, 0 },
	{ "Mounts.Move", "from=@/new|to=@/src", OTHER, 0 },
	{ "Mounts.PivotRoot", "new_root=@/closed/dst|put_old=@/closed/dst/old", HERE, 0 },
	{ "Mounts.PivotRoot", "new_root=@/new|put_old=@/new/old", OTHER, 0 },
	{ "Mounts.List", "", HERE, 0 },
	{ "Mounts.List", "", OTHER, 0 },
	{ "Mount.Unmount", "id=%", OTHER, 0 },
	{ "Host.GetHostname", "", OTHER, 0 },
	{ "Host.SetHostname", "hostname=lectern", OTHER, 0 },
	{ "Host.GetDomainname", "", OTHER, 0 },
	{ "Host.SetDomainname", "domainname=example", OTHER, 0 },
	{ "Namespaces.Create", "name=n|types=all", OTHER, 0 },
	{ "Namespaces.Create", "name=n|types=user|types=time|boottime_offset_usec=5", HERE, 0 },
	{ "Namespaces.Create", "name=n|types=user", OWN, 0 },
	{ "Namespaces.Create", "name=n|types=user|types=mnt|mounts=@/image;@/src;squashfs;", HERE,
	  0 },
	{ "Namespaces.Create", "name=n|types=user|types=mnt|mounts=@/closed/image;@/src;squashfs;",
	  HERE, 0 },
	{ "Namespaces.Create", "name=n|types=user|types=mnt|mounts=@/image;@/src;squashfs;",
	  NOBODYS, 0 },
	{ "Namespaces.Create", "name=n|types=user|types=mnt|mounts=@/none;@/src;squashfs;", NOBODYS,
	  -ENOENT },
	{ "Namespaces.Create", "name=n|types=net", NOBODYS, 0 },
	{ "Namespaces.Create", "name=n|types=user|workdir=/nowhere", NOBODYS, -ENOENT },
	{ "Namespaces.ConnectVeth",
	  "name=left|peer_as_fd=2|peer_name=right|addresses=192.0.2.1/24|peer_addresses=2001:db8::2/64",
	  OTHER, 0 },
	{ "Namespaces.OpenTun", "name=out|mode=tap|addresses=192.0.2.1/24", OTHER, 0 },
	{ "Namespaces.Attach", "name=n|pidfd_fd=2|types=all", OTHER, 0 },
	{ "Namespace.Open", "name=n|type=uts|leader_fd=2", OTHER, 0 },
	{ "Namespace.OpenLeader", "name=n|leader_fd=2", OTHER, 0 },
	{ "Namespace.Destroy", "name=n|leader_fd=2|types=pid", NOBODYS, 0 },
	{ "Namespace.Destroy", "name=n|leader_fd=2|types=uts|owner=0", OTHER, 0 },
	{ "Namespace.Destroy", "name=n|leader_fd=2|types=user|owner=0", OWN, 0 },
	{ "Processes.Spawn", "argv=/bin/true|types=all", OTHER, 0 },
	{ "Processes.Spawn", "argv=/bin/true|types=user|types=time|boottime_offset_usec=5", HERE,
	  0 },
	{ "Processes.Spawn", "argv=/bin/true|types=user", OWN, 0 },
	{ "Processes.Spawn", "argv=/bin/true|types=user|types=mnt|mounts=@/image;@/src;squashfs;",
	  HERE, 0 },
	{ "Processes.Spawn",
	  "argv=/bin/true|types=user|types=mnt|mounts=@/closed/image;@/src;squashfs;", HERE, 0 },
	{ "Processes.Spawn", "argv=/bin/true|types=user|types=mnt|mounts=@/image;@/src;squashfs;",
	  NOBODYS, 0 },
	{ "Processes.Spawn", "argv=/bin/true|gid=5", NOBODYS, REFUSED_PERMISSION },
	{ "Processes.Spawn", "argv=/bin/sleep|argv=1000|types=net", NOBODYS, 0 },
	{ "Processes.Spawn", "argv=/bin/false/nothing", NOBODYS, -ENOTDIR },
	{ "Process.Signal", "name=URG|process_fd=2", NOBODYS, 0 },
	{ "Signals.Trap", "signals=USR1", APART, 0 },
	{ "Signals.Trap", "signals=USR1|signals=RTMIN", NOBODYS, 0 },
	{ "Timers.Create", "clock=boottime|initial_usec=1000|interval_usec=5", OTHER, 0 },
	{ "Timers.Create", "clock=realtime-alarm|initial_usec=1000|interval_usec=0", HERE, WAKES },
	{ "Timer.Set",
	  "initial_usec=1000|interval_usec=5|clock=boottime-alarm|timerfd_fd=3|signalling_fd=3",
	  HERE, 0 },
	{ "Watches.Subscribe", "path=@/src", NOBODYS, 0 },
	{ "Watches.Subscribe", "path=@/closed/src", HERE, 0 },
	{ "Watches.Subscribe", "path=@/new|scope=filesystem", OTHER, 0 },
	{ "Watches.Subscribe", "path=@/image|scope=inode|backend=inotify", NOBODYS, 0 },
	{ "Watches.Subscribe", "path=/|scope=mounts", OTHER, 0 },
	{ "Watches.Open", "path=@/src|events=modify", NOBODYS, 0 },
	{ "Watches.Open", "path=@/closed/src", HERE, 0 },
	{ "Watches.Subscribe", "path=@/far|backend=fanotify", OTHER, 0 },
	{ "Watches.Open", "path=@/far|backend=fanotify", OTHER, 0 },
	{ "Watches.Open", "path=/|scope=mounts", OTHER, 0 },
	{ "Netlink.Query", "type=link|in_as_fd=2", OTHER, 0 },
	{ "Netlink.Open", "type=link|in_as_fd=2", OWN, 0 },
	{ "Netlink.Change", "action=change|type=link|row=ifname=lo;mtu=4711", OTHER, 0 },
	{ "Netlink.Change", "action=add|type=rule|row=priority=4711;table=main", OWN, 0 },
	{ "Netlink.Batch", "changes=change;link;ifname=lo;mtu=4711", OTHER, 0 },
	{ "Netlink.Batch",
	  "changes=change;link;ifname=lo;mtu=4711|changes=add;address;dev=lo;local=192.0.2.1/24",
	  OWN, 0 },
	{ "Netlink.Batch",
	  "changes=change;link;ifname=lo;mtu=4711|changes=add;address;dev=lo;local=192.0.2.1/24|"
	  "changes=add;route;dst=10.0.0.0/8;gateway=10.1.1.1",
	  OTHER, REFUSED_INVALID },
	{ "Netlink.OpenSocket", "protocol=route", OTHER, 0 },
	{ "Netlink.OpenSocket", "protocol=generic", OWN, 0 },
	{ "Netlink.Subscribe", "types=link", OTHER, 0 },
	{ "Netlink.OpenMonitor", "types=link", OTHER, 0 },
	{ "Watches.Subscribe", "path=@/merged|backend=fanotify", HERE, 0 },
	{ "Watches.Open", "path=@/merged|backend=fanotify", HERE, 0 },
	/* these are there where there is btrfs */
	{ "Watches.Subscribe", "path=@/volume|backend=fanotify", HERE, 0 },
	{ "Watches.Open", "path=@/volume|backend=fanotify", HERE, 0 },
};

enum { ON_BTRFS = 2 };

size_t trials_n = N_OF(trials);

/* ---- where it is done ---- */

static int covered = -1;

static int make_image(const char *path, mode_t mode) {
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, mode);

	return fd < 0 || write(fd, image, image_size) != (ssize_t)image_size ? -errno : 0;
}

static int make_overlay(void) {
	static const char options[] = "lowerdir=lower,upperdir=upper,workdir=work";

	if (mkdir("lower", 0755) < 0 || mkdir("upper", 0755) < 0 || mkdir("work", 0755) < 0 ||
	    mkdir("merged", 0755) < 0 || mount("overlay", "merged", "overlay", 0, options) < 0)
		return -errno;
	return 0;
}

static int make_files(void) {
	int r = has_overlays ? make_overlay() : mkdir("merged", 0755);

	if (r < 0)
		return r;
	if (mkdir("src", 0755) < 0 || mkdir("dst", 0755) < 0 || mkdir("new", 0755) < 0 ||
	    mkdir("far", 0755) < 0 || mkdir("volume", 0755) < 0 ||
	    (has_volume && mount(volume, "volume", NULL, MS_BIND, NULL) < 0) ||
	    (covered = open("new", O_PATH | O_CLOEXEC)) < 0 || mkdir("closed", 0700) < 0 ||
	    mkdir("closed/src", 0755) < 0 || mkdir("closed/dst", 0755) < 0 ||
	    mount("new", "new", "tmpfs", 0, NULL) < 0 ||
	    mount("dst", "closed/dst", "tmpfs", 0, NULL) < 0 || mkdir("new/old", 0755) < 0 ||
	    mkdir("closed/dst/old", 0755) < 0)
		return -errno;
	if (make_image("image", 0644) < 0 || make_image("closed/image", 0600) < 0)
		return -errno;
	return chmod("closed", 0) < 0 ? -errno : 0;
}

static int make_base(void) {
	if (own_namespaces() < 0 || mount("base", base, "tmpfs", 0, NULL) < 0 || chdir(base) < 0)
		return -errno;
	return make_files();
}

static uint64_t mount_of(const char *path) {
	uint64_t id = 0;
	bool is_root;

	(void)path_mount_id(AT_FDCWD, path, &id, &is_root);
	return id;
}

static int write_file(const char *path, const char *text) {
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ? -errno : 0;
}

static int join(enum where where) {
	int flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWNET, r;

	if (where == HERE)
		return 0;
	if (where == NOBODYS)
		return setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
				       setresuid(NOBODY, NOBODY, NOBODY) < 0
			       ? -errno
			       : 0;
	if (unshare(flags | (where == OWN ? CLONE_NEWUSER : 0)) < 0)
		return -errno;
	if (where == OTHER || where == APART)
		return mount("far", "far", "tmpfs", 0, NULL) < 0 ? -errno : 0;
	r = write_file("/proc/self/uid_map", "0 0 1");
	if (r == 0)
		r = write_file("/proc/self/setgroups", "deny");
	return r == 0 ? write_file("/proc/self/gid_map", "0 0 1") : r;
}

/* The process whose place it is, which tells the id of its mount and stays until it is killed. */
static _Noreturn void stay(enum where where, int ready) {
	uint64_t id;

	/* to become somebody else would make the kernel forget it */
	if (join(where) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		_exit(1);
	id = mount_of("closed/dst");
	(void)!write(ready, &id, sizeof id);
	for (;;)
		(void)pause();
}

struct place_of_test {
	pid_t pid;
	uint64_t id;
};

static int start_place(enum where where, struct place_of_test *ret) {
	int pair[2];
	bool ready;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	ret->pid = (pid_t)syscall(SYS_clone, SIGCHLD | (where == APART ? CLONE_NEWPID : 0), 0, 0, 0,
				  0);
	if (ret->pid == 0)
		stay(where, pair[1]);
	(void)close(pair[1]);
	ready = read(pair[0], &ret->id, sizeof ret->id) == sizeof ret->id;
	(void)close(pair[0]);
	return ready ? 0 : -EPERM;
}

/* "@" and "%" put in, and "in" behind it all, unless a process is what it is about. */
static void complete(char *to, size_t size, const char *fields, uint64_t id) {
	bool has_process = strstr(fields, "leader_fd=2") || strstr(fields, "pidfd_fd=2") ||
			   strstr(fields, "process_fd=2");
	size_t used = 0;

	for (; *fields; fields++)
		used += (size_t)(*fields == '@' ? snprintf(to + used, size - used, "%s", base)
				 : *fields == '%'
					 ? snprintf(to + used, size - used, "%llu",
						    (unsigned long long)id)
					 : snprintf(to + used, size - used, "%c", *fields));
	if (!has_process)
		(void)snprintf(to + used, size - used, "|in_as_fd=2");
}

/* ---- what is left ---- */

static uint64_t add_text(uint64_t sum, const char *text) {
	while (*text)
		sum = sum * 1099511628211U + (unsigned char)*text++;
	return sum;
}

/* Where something is mounted, with which flags and of which kind: not by which number. */
static uint64_t mounts_of(pid_t pid) {
	char path[64], target[512], flags[256], type[64];
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	uint64_t sum = 0;
	FILE *file;

	(void)snprintf(path, sizeof path, "/proc/%d/mountinfo", pid);
	file = fopen(path, "re");
	while (file && getline(&line, &size, file) > 0) {
		const char *dash = strstr(line, " - ");

		if (sscanf(line, "%*s %*s %*s %*s %511s %255s", target, flags) == 2 && dash &&
		    sscanf(dash, " - %63s", type) == 1)
			sum += add_text(add_text(add_text(17, target), flags), type);
	}
	if (file)
		(void)fclose(file);
	return sum;
}

/* A socket in the network of a process. */
static int socket_in(pid_t pid) {
	_cleanup_close_ int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), there = -1;
	char path[64];
	int fd;

	(void)snprintf(path, sizeof path, "/proc/%d/ns/net", pid);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (home < 0 || there < 0 || setns(there, CLONE_NEWNET) < 0)
		return -1;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (setns(home, CLONE_NEWNET) < 0)
		_exit(1);
	return fd;
}

enum { LINKS_MAX = 32 };

/* The first links that there are, with their flags, sizes and addresses. */
static uint64_t links_of(pid_t pid) {
	static const unsigned long questions[] = { SIOCGIFFLAGS, SIOCGIFMTU, SIOCGIFADDR };
	_cleanup_close_ int fd = socket_in(pid);
	uint64_t sum = 0;

	for (int i = 1; fd >= 0 && i <= LINKS_MAX; i++) {
		struct ifreq link = { .ifr_ifindex = i };
		char text[sizeof link.ifr_addr * 2 + 1];

		if (ioctl(fd, SIOCGIFNAME, &link) < 0)
			continue;
		sum = add_text(sum, link.ifr_name);
		for (size_t q = 0; q < N_OF(questions); q++) {
			memset(&link.ifr_addr, 0, sizeof link.ifr_addr);
			(void)ioctl(fd, questions[q], &link);
			if (questions[q] == SIOCGIFFLAGS) /* the kernel sees later that it runs */
				link.ifr_flags &= ~IFF_RUNNING;
			for (size_t b = 0; b < sizeof link.ifr_addr; b++)
				(void)snprintf(text + 2 * b, 3, "%02x",
					       ((const uint8_t *)&link.ifr_addr)[b]);
			sum = add_text(sum, text);
		}
	}
	return sum;
}

/* What an operation may have changed where it was done. The machine's own network is everybody's.
 */
static uint64_t state_of(pid_t pid, enum where where) {
	bool has_network = where == OTHER || where == OWN || where == APART;

	return mounts_of(pid) + (has_network ? links_of(pid) : 0);
}

enum { LOOP_DEVICES_MAX = 1024 };

/* Whose image's name has the test's directory in it, but for those that are known: the one of an
 * earlier trial goes with that one's namespaces, and these take their time. */
static unsigned count_loop_devices(bool known[LOOP_DEVICES_MAX], bool note) {
	DIR *directory = opendir("/sys/block");
	unsigned n = 0;

	for (const struct dirent *entry; directory && (entry = readdir(directory));) {
		char path[64], text[512] = "";
		_cleanup_close_ int fd = -1;
		unsigned number;

		if (sscanf(entry->d_name, "loop%u", &number) != 1 || number >= LOOP_DEVICES_MAX ||
		    known[number])
			continue;
		(void)snprintf(path, sizeof path, "%.16s/loop/backing_file", entry->d_name);
		fd = openat(dirfd(directory), path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || read(fd, text, sizeof text - 1) <= 0 || !strstr(text, base))
			continue;
		known[number] = note;
		n++;
	}
	if (directory)
		(void)closedir(directory);
	return n;
}

/* Those that stay: the kernel lets go of the last one a moment after its mount. */
static unsigned loop_devices_that_stay(const struct trial *trial, bool known[LOOP_DEVICES_MAX]) {
	unsigned n = 0;

	if (!strstr(trial->fields, "squashfs"))
		return 0;
	for (int i = 0; i < 200 && (n = count_loop_devices(known, false)) > 0; i++)
		(void)usleep(10000);
	return n;
}

/* ---- one trial ---- */

struct doing {
	const struct trial *trial;
	void (*serve)(int socket, void *data);
	void *data;
	struct trial_result *result; /* shared */
};

static int send_order(int socket, const struct trial *trial, const struct place_of_test *place) {
	_cleanup_(message_freep) ProtobufCMessage *request = NULL;
	_cleanup_free_ uint8_t *bytes = NULL;
	Usher__Order order = USHER__ORDER__INIT;
	struct fds fds = { 0 };
	char fields[512];
	int r;

	complete(fields, sizeof fields, trial->fields, place->id);
	request = request_of(trial->operation, fields);
	order.request.len = protobuf_c_message_get_packed_size(request);
	order.request.data = bytes = malloc(order.request.len + 1);
	if (!bytes)
		return -ENOMEM;
	protobuf_c_message_pack(request, bytes);
	order.operation = (char *)(uintptr_t)trial->operation;
	order.deadline_usec = 20000000;
	order.has_loop_devices = true;
	order.loop_devices = 1000;
	(void)fds_add(&fds, open("closed/image", O_RDONLY | O_CLOEXEC));
	(void)fds_add(&fds, fcntl(covered, F_DUPFD_CLOEXEC, 3));
	(void)fds_add(&fds, (int)syscall(SYS_pidfd_open, place->pid, 0));
	(void)fds_add(&fds, timerfd_create(CLOCK_BOOTTIME_ALARM, TFD_CLOEXEC));
	order.has_caller_fd = true;
	order.uid = trial->where == NOBODYS ? NOBODY : 0;
	order.caller_fd =
		(uint32_t)fds_add(&fds, (int)syscall(SYS_pidfd_open,
						     order.uid ? place->pid : getpid(), 0));
	r = wire_send(socket, &order.base, &fds);
	fds_done(&fds);
	return r;
}

/* Of a process that has been made, what it is known by; it is to end with the trial. */
static void note_process(const Usher__Reply *reply, const struct fds *fds, int *pidfd) {
	if (!reply->has_made || fds->n == 0)
		return;
	fd_closep(pidfd);
	*pidfd = fcntl(fds->fd[fds->n - 1], F_DUPFD_CLOEXEC, 3);
}

static void end_process(int *pidfd) {
	if (*pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, *pidfd, SIGKILL, NULL, 0);
	fd_closep(pidfd);
}

/* Those of which is told later how they end; of a trap, that it has received something. */
static bool is_spawning(const char *operation) {
	return strcmp(operation, "Processes.Spawn") == 0 || strcmp(operation, "Signals.Trap") == 0;
}

/* By a process of the place's, which has a number there. */
static bool send_from(pid_t place, int pidfd) {
	int there = (int)syscall(SYS_pidfd_open, place, 0), status;
	pid_t pid = fork();

	if (pid == 0) {
		if (setns(there, CLONE_NEWPID) < 0)
			_exit(1);
		pid = fork();
		if (pid == 0)
			_exit(syscall(SYS_pidfd_send_signal, pidfd, SIGUSR1, NULL, 0) < 0);
		_exit(waitpid(pid, &status, 0) != pid || status != 0);
	}
	(void)close(there);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static void go_on_with(const char *operation, int socket, pid_t place, int pidfd) {
	if (strcmp(operation, "Signals.Trap") != 0 || !send_from(place, pidfd))
		(void)shutdown(socket, SHUT_WR);
}

/* The broker's part: grants whatever is found, and notes the outcome. */
static int play_broker(int socket, const char *operation, pid_t place,
		       struct trial_result *result) {
	bool spawns = is_spawning(operation), /* those of these two were there before */
		finds = strcmp(operation, "Namespaces.Attach") == 0 ||
			strcmp(operation, "Netlink.Subscribe") == 0;
	_cleanup_(end_process) int pidfd = -1;
	Usher__Grant grant = USHER__GRANT__INIT;

	grant.tier = TIER_ADMIN;
	for (;;) {
		ProtobufCMessage *message = NULL;
		struct fds fds = { 0 };
		const Usher__Reply *reply;
		int r = wire_receive(socket, &usher__reply__descriptor, &fds, &message);

		reply = (const Usher__Reply *)message;
		if (r == 0 && !finds)
			note_process(reply, &fds, &pidfd);
		fds_done(&fds);
		if (r == -ECONNRESET)
			return 0;
		if (r < 0)
			return r;
		if (reply->outcome) {
			result->answered = true;
			result->code = reply->outcome->code;
			if (result->code == 0 && spawns)
				result->code = -EINPROGRESS; /* until its keeper has told its end */
			go_on_with(operation, socket, place, pidfd);
			(void)snprintf(result->text, sizeof result->text, "%s",
				       reply->outcome->text ?: "");
		} else if (reply->received)
			(void)shutdown(socket, SHUT_WR);
		else if (reply->ended)
			result->code = 0;
		else
			(void)wire_send(socket, &grant.base, NULL);
		message_freep(&message);
	}
}

static int attend(const struct doing *doing, const struct place_of_test *place) {
	struct trial_result *result = doing->result;
	bool known[LOOP_DEVICES_MAX] = { false };
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	(void)count_loop_devices(known, true);
	result->before = state_of(place->pid, doing->trial->where);
	pid = fork();
	if (pid == 0) {
		(void)close(pair[0]);
		doing->serve(pair[1], doing->data);
		_exit(1);
	}
	(void)close(pair[1]);
	(void)send_order(pair[0], doing->trial, place); /* it may not live long enough */
	if (play_broker(pair[0], doing->trial->operation, place->pid, result) < 0 ||
	    waitpid(pid, &result->status, 0) != pid)
		return -EIO;
	result->after = state_of(place->pid, doing->trial->where);
	if (!result->answered || result->code != 0)
		result->loop_devices = loop_devices_that_stay(doing->trial, known);
	result->tried = true;
	return 0;
}

/* What leads namespaces is beside the test. */
static int link_program(const char *name) {
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 32);
	char *last;

	if (n < 0)
		return -errno;
	path[n] = '\0';
	last = strrchr(path, '/');
	(void)snprintf(last, sizeof path - (size_t)(last - path), "/%.30s", name);
	return symlink(path, name) < 0 ? -errno : 0;
}

static int try_it(void *data) {
	const struct doing *doing = data;
	struct place_of_test place;
	const struct rlimit no_core = { 0, 0 };
	int r;

	if (make_base() < 0 || link_program("usher-leader") < 0 || link_program("usher-trap") < 0 ||
	    start_place(doing->trial->where, &place) < 0 || setrlimit(RLIMIT_CORE, &no_core) < 0)
		return 1;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)alarm(60);
	r = attend(doing, &place);
	(void)kill(place.pid, SIGKILL);
	return r < 0;
}

struct trial_result trial_do(const struct trial *trial, void (*serve)(int socket, void *data),
			     void *data) {
	struct trial_result *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct doing doing = { trial, serve, data, shared };
	struct trial_result result;

	assert_true(shared != MAP_FAILED);
	(void)in_child(try_it, &doing);
	result = *shared;
	(void)munmap(shared, sizeof *shared);
	return result;
}

const char *trial_libexec(void) {
	return base;
}

void trials_required(void) {
	if (geteuid() != 0)
		skip_because("needs root: file systems in images");
	if (image_size == 0)
		skip_because("mksquashfs is not there");
}

static int code_of_waking(void) {
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	timer_t timer;

	if (timer_create(CLOCK_REALTIME_ALARM, &none, &timer) < 0)
		return errno == EOPNOTSUPP ? REFUSED_UNSUPPORTED : -errno;
	return timer_delete(timer);
}

bool trials_have_overlays(void) {
	return has_overlays;
}

/* In a process of its own. */
static int find_layer(void *data) {
	struct kernel_fsuuid uuid = { 0 };

	struct {
		struct file_handle head;
		uint8_t space[128];
	} handle = { .head.handle_bytes = sizeof handle.space };

	int mount_id, fd;

	(void)data;
	if (own_namespaces() < 0 || mount("base", base, "tmpfs", 0, NULL) < 0 || chdir(base) < 0 ||
	    make_overlay() < 0)
		return 1;
	fd = open("upper", O_RDONLY | O_CLOEXEC);
	return name_to_handle_at(AT_FDCWD, "merged", &handle.head, &mount_id,
				 KERNEL_AT_HANDLE_FID) < 0 ||
	       ioctl(fd, KERNEL_FS_IOC_GETFSUUID, &uuid) < 0;
}

bool trials_have_btrfs(void) {
	return has_volume;
}

/* All of it goes with the namespace, the image as well. */
static bool make_volume(void) {
	char command[512];

	if (geteuid() != 0 || own_namespaces() < 0 || !mkdtemp(volume))
		return false;
	(void)snprintf(command, sizeof command,
		       "{ cd %s && mount -t tmpfs volume . && cd %s && mkdir all && "
		       "truncate -s 128M image && mkfs.btrfs -q -f image && "
		       "mount -o loop image all && btrfs -q subvolume create all/part && "
		       "umount all && mount -o loop,subvol=part image %s; } >/dev/null 2>&1",
		       volume, volume, volume);
	return system(command) == 0; /* NOLINT(cert-env33-c): a name of our own */
}

/* A small file system, to be written wherever it is needed. */
int trials_begin(void **state) {
	char command[256], path[64];
	FILE *file;

	(void)state;
	has_volume = make_volume();
	if (!has_volume)
		trials_n -= ON_BTRFS;
	for (size_t i = 0; i < trials_n; i++)
		if (trials[i].code == WAKES)
			trials[i].code = code_of_waking();
	if (!mkdtemp(base))
		return -1;
	has_overlays = geteuid() == 0 && in_child(find_layer, NULL) == 0;
	(void)snprintf(path, sizeof path, "%s/image", base);
	(void)snprintf(command, sizeof command,
		       "mksquashfs %s %s -quiet -no-progress -e image >/dev/null 2>&1", base, path);
	if (system(command) != 0) /* NOLINT(cert-env33-c): a name of our own */
		return 0;
	file = fopen(path, "re");
	if (file) {
		image_size = fread(image, 1, sizeof image, file);
		(void)fclose(file);
	}
	(void)unlink(path);
	return 0;
}

int trials_end(void **state) {
	(void)state;
	while (umount2(volume, MNT_DETACH) == 0) {
	}
	(void)rmdir(volume);
	return rmdir(base);
}
