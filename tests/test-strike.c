/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * No row is wider than it needs to be. Each operation is done for real, once as it is and once for
 * each system call and each capability that its row names, with that one struck out: then it must
 * not succeed. In namespaces and on file systems of the test's own; needs root, since a file system
 * in an image does.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine.h"
#include "job.h"
#include "message.h"
#include "path.h"
#include "support.h"
#include "wire.h"

enum { IMAGE_MAX = 64 * 1024, NOTHING = -1, NOBODY = 65534 };

static char base[] = "/tmp/usher-strike-XXXXXX";
static char image[IMAGE_MAX];
static size_t image_size;

/* ---- what is struck ---- */

struct strike {
	int system_call; /* or NOTHING */
	uint64_t capability;
};

static struct strike strike = { NOTHING, 0 };

int __wrap_confine_capabilities(uint64_t capabilities);
int __wrap_confine_system_calls(size_t operation);
int __real_confine_capabilities(uint64_t capabilities);
int __real_confine_system_calls(size_t operation);

int __wrap_confine_capabilities(uint64_t capabilities) {
	return __real_confine_capabilities(capabilities & ~strike.capability);
}

/* A filter of its own beside the row's: the more severe answer counts. */
static int forbid(int number) {
	struct sock_filter instructions[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { N_OF(instructions), instructions };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}

int __wrap_confine_system_calls(size_t operation) {
	int r = strike.system_call == NOTHING ? 0 : forbid(strike.system_call);

	return r < 0 ? r : __real_confine_system_calls(operation);
}

/* ---- what is done ---- */

enum where {
	HERE,
	OTHER,   /* in another mount and UTS namespace */
	OWN,     /* in those of a user namespace that is the caller's own */
	NOBODYS, /* here, and the caller is not root */
};

/*
 * "@" is a directory of the test's: a file system with the directories "src", "dst" and "new", on
 * which there is one with a directory "old"; an "image"; a directory "closed", which only a
 * capability opens, with "src", "image" and a mount "dst", again with "old". "%" is the id of the
 * mount on closed/dst. Descriptor 0 is the image, 1 a directory that something is mounted on, 2 the
 * process whose namespaces are meant.
 */
struct scenario {
	const char *operation, *fields;
	enum where where;
	int code; /* that it ends with */
};

static const struct scenario scenarios[] = {
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
	{ "Mounts.OpenMount", "source=@/closed/image|fstype=squashfs", HERE, 0 },
	{ "Mounts.OpenMount", "source=@/image|fstype=squashfs", NOBODYS, 0 },
	{ "Mounts.OpenTree", "path=@/closed/src|recursive=yes", HERE, 0 },
	{ "Mounts.Unmount", "target=@/closed/dst", HERE, 0 },
	{ "Mounts.Unmount", "target=@/closed/dst", OTHER, 0 },
	{ "Mounts.Unmount", "target=@/new|expire=yes", HERE, -EAGAIN },
	{ "Mounts.Remount", "target=@/closed/dst|mount_options=noexec|mount_options=size=1m", HERE,
	  0 },
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
};

/* ---- where it is done ---- */

static int covered = -1;

static int make_image(const char *path, mode_t mode) {
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, mode);

	return fd < 0 || write(fd, image, image_size) != (ssize_t)image_size ? -errno : 0;
}

static int make_files(void) {
	if (mkdir("src", 0755) < 0 || mkdir("dst", 0755) < 0 || mkdir("new", 0755) < 0 ||
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

static int join(enum where where) {
	int flags = CLONE_NEWNS | CLONE_NEWUTS;
	_cleanup_close_ int map = -1;

	if (where == HERE)
		return 0;
	if (where == NOBODYS)
		return setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
				       setresuid(NOBODY, NOBODY, NOBODY) < 0
			       ? -errno
			       : 0;
	if (unshare(flags | (where == OWN ? CLONE_NEWUSER : 0)) < 0)
		return -errno;
	if (where == OTHER)
		return 0;
	map = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	return map < 0 || write(map, "0 0 1", 5) != 5 ? -errno : 0;
}

/* The process whose place it is, which tells the id of its mount and stays until it is killed. */
static _Noreturn void stay(enum where where, int ready) {
	uint64_t id;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || join(where) < 0)
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
	ret->pid = fork();
	if (ret->pid == 0)
		stay(where, pair[1]);
	(void)close(pair[1]);
	ready = read(pair[0], &ret->id, sizeof ret->id) == sizeof ret->id;
	(void)close(pair[0]);
	return ready ? 0 : -EPERM;
}

/* "@" and "%" put in, and "in" behind it all. */
static void complete(char *to, size_t size, const char *fields, uint64_t id) {
	size_t used = 0;

	for (; *fields; fields++)
		used += (size_t)(*fields == '@' ? snprintf(to + used, size - used, "%s", base)
				 : *fields == '%'
					 ? snprintf(to + used, size - used, "%llu",
						    (unsigned long long)id)
					 : snprintf(to + used, size - used, "%c", *fields));
	(void)snprintf(to + used, size - used, "|in_as_fd=2");
}

/* ---- one trial ---- */

/* What became of it, told by the process that tried: how the child ended and what it said. */
struct result {
	bool tried; /* the trial itself went well */
	int code;   /* of the outcome; INT_MAX without one */
	int signal; /* that the child died of */
	char text[256];
};

struct trial {
	const struct scenario *scenario;
	struct strike strike;
	struct result *result; /* shared */
};

static int send_order(int socket, const struct scenario *scenario,
		      const struct place_of_test *place) {
	_cleanup_(message_freep) ProtobufCMessage *request = NULL;
	_cleanup_free_ uint8_t *bytes = NULL;
	Usher__Order order = USHER__ORDER__INIT;
	struct fds fds = { 0 };
	char fields[512];
	int r;

	complete(fields, sizeof fields, scenario->fields, place->id);
	request = request_of(scenario->operation, fields);
	order.request.len = protobuf_c_message_get_packed_size(request);
	order.request.data = bytes = malloc(order.request.len + 1);
	if (!bytes)
		return -ENOMEM;
	protobuf_c_message_pack(request, bytes);
	order.operation = (char *)(uintptr_t)scenario->operation;
	order.deadline_usec = 20000000;
	order.has_loop_devices = true;
	order.loop_devices = 1000;
	(void)fds_add(&fds, open("closed/image", O_RDONLY | O_CLOEXEC));
	(void)fds_add(&fds, fcntl(covered, F_DUPFD_CLOEXEC, 3));
	(void)fds_add(&fds, (int)syscall(SYS_pidfd_open, place->pid, 0));
	order.has_caller_fd = true;
	order.uid = scenario->where == NOBODYS ? NOBODY : 0;
	order.caller_fd =
		(uint32_t)fds_add(&fds, (int)syscall(SYS_pidfd_open,
						     order.uid ? place->pid : getpid(), 0));
	r = wire_send(socket, &order.base, &fds);
	fds_done(&fds);
	return r;
}

/* The broker's part: grants whatever is found, and notes the outcome. */
static int play_broker(int socket, struct result *result) {
	Usher__Grant grant = USHER__GRANT__INIT;

	grant.tier = TIER_ADMIN;
	for (;;) {
		ProtobufCMessage *message = NULL;
		struct fds fds = { 0 };
		const Usher__Reply *reply;
		int r = wire_receive(socket, &usher__reply__descriptor, &fds, &message);

		fds_done(&fds);
		if (r == -ECONNRESET)
			return 0;
		if (r < 0)
			return r;
		reply = (const Usher__Reply *)message;
		if (reply->outcome) {
			result->code = reply->outcome->code;
			(void)snprintf(result->text, sizeof result->text, "%s",
				       reply->outcome->text ?: "");
		} else
			(void)wire_send(socket, &grant.base, NULL);
		message_freep(&message);
	}
}

static int try_it(void *data) {
	const struct trial *trial = data;
	struct place_of_test place;
	const struct rlimit no_core = { 0, 0 };
	int pair[2], status = 0;
	pid_t pid;

	if (make_base() < 0 || start_place(trial->scenario->where, &place) < 0 ||
	    setrlimit(RLIMIT_CORE, &no_core) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return 1;
	pid = fork();
	if (pid == 0) {
		strike = trial->strike;
		if (job_prepare(pair[1], pair[1], -1) < 0)
			_exit(99);
		job_serve(pair[1], base);
	}
	(void)close(pair[1]);
	if (send_order(pair[0], trial->scenario, &place) < 0 ||
	    play_broker(pair[0], trial->result) < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	trial->result->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	trial->result->tried = true;
	(void)kill(place.pid, SIGKILL);
	return 0;
}

static struct result try_with(const struct scenario *scenario, struct strike struck) {
	struct result *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct trial trial = { scenario, struck, shared };
	struct result result;

	assert_true(shared != MAP_FAILED);
	shared->code = 0x7fffffff;
	(void)in_child(try_it, &trial);
	result = *shared;
	(void)munmap(shared, sizeof *shared);
	if (!result.tried)
		fail_msg("%s %s: cannot be tried", scenario->operation, scenario->fields);
	return result;
}

/* ---- the tests ---- */

static void require_root_and_an_image(void) {
	if (geteuid() != 0)
		skip_because("needs root: file systems in images");
	if (image_size == 0)
		skip_because("mksquashfs is not there");
}

static void every_scenario_works_as_it_is(void **state) {
	(void)state;
	require_root_and_an_image();
	for (size_t i = 0; i < N_OF(scenarios); i++) {
		struct result result = try_with(&scenarios[i], (struct strike){ NOTHING, 0 });

		if (result.signal != 0 || result.code != scenarios[i].code)
			fail_msg("%s %s: %d instead of %d, signal %d: %s", scenarios[i].operation,
				 scenarios[i].fields, result.code, scenarios[i].code, result.signal,
				 result.text);
	}
}

static bool is_of(const struct scenario *scenario, const struct operation *row) {
	size_t place;

	return operation_find_whole(scenario->operation, &place) == row;
}

/* Whether any scenario of the row ends otherwise without what is struck. */
static bool is_missed(const struct operation *row, struct strike struck) {
	for (size_t i = 0; i < N_OF(scenarios); i++) {
		struct result result;

		if (!is_of(&scenarios[i], row))
			continue;
		result = try_with(&scenarios[i], struck);
		if (result.signal == SIGSYS)
			return true;
		if (result.signal != 0)
			fail_msg("%s %s: died of signal %d", scenarios[i].operation,
				 scenarios[i].fields, result.signal);
		if (result.code != scenarios[i].code)
			return true;
	}
	return false;
}

static size_t needless(const struct operation *row, const char *kind, int number) {
	printf("# %s.%s does not need %s %d\n", row->interface, row->method, kind, number);
	return 1;
}

static void without_any_one_system_call_of_its_row_no_operation_succeeds(void **state) {
	size_t wrong = 0;

	(void)state;
	require_root_and_an_image();
	for (size_t row = 0; row < operations_n; row++)
		for (const int *number = operations[row]->syscalls; *number >= 0; number++)
			if (!is_missed(operations[row], (struct strike){ *number, 0 }))
				wrong += needless(operations[row], "system call", *number);
	(void)fflush(stdout);
	assert_int_equal(wrong, 0);
}

static void without_any_one_capability_of_its_row_no_operation_succeeds(void **state) {
	size_t wrong = 0;

	(void)state;
	require_root_and_an_image();
	for (size_t row = 0; row < operations_n; row++)
		for (int c = 0; c <= CAP_LAST_CAP; c++)
			if (operations[row]->capabilities & CAP(c) &&
			    !is_missed(operations[row], (struct strike){ NOTHING, CAP(c) }))
				wrong += needless(operations[row], "capability", c);
	(void)fflush(stdout);
	assert_int_equal(wrong, 0);
}

static void every_row_is_tried(void **state) {
	(void)state;
	for (size_t row = 0; row < operations_n; row++) {
		bool tried = false;

		for (size_t i = 0; i < N_OF(scenarios); i++)
			tried |= is_of(&scenarios[i], operations[row]);
		if (!tried)
			fail_msg("%s.%s is not tried", operations[row]->interface,
				 operations[row]->method);
		/* each row has something to strike */
		assert_true(operations[row]->syscalls[0] >= 0 && operations[row]->capabilities);
	}
}

/* A small file system, to be written wherever it is needed. */
static int set_up(void **state) {
	char command[256], path[64];
	FILE *file;

	(void)state;
	if (!mkdtemp(base))
		return -1;
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

static int tear_down(void **state) {
	(void)state;
	return rmdir(base);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_tried),
		cmocka_unit_test(every_scenario_works_as_it_is),
		cmocka_unit_test(without_any_one_system_call_of_its_row_no_operation_succeeds),
		cmocka_unit_test(without_any_one_capability_of_its_row_no_operation_succeeds),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
