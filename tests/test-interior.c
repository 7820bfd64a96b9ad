/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a new mount namespace is furnished with, made for real: by an ordinary user in a user
 * namespace of its own, and by root without one. Everything happens in children, in namespaces and
 * on file systems of the test's own.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filesystem.h"
#include "interior.h"
#include "support.h"

enum { USER = 51234, WORDS_MAX = 12 };

/* One furnishing, and what is looked at in it. */
struct attempt {
	const char *root, *workdir;
	const char *mounts[WORDS_MAX]; /* "fstype source target option option" */
	bool as_root;                  /* without a user namespace */
	bool old_pids, old_ipc;
	bool image;           /* the job has opened one */
	void (*above)(void);  /* in the mount namespace that the new one is made from, as root */
	void (*before)(void); /* in the new user and mount namespace, before it is furnished */
	bool (*look)(void);   /* inside, afterwards; false: it is not as it should be */
};

struct seen {
	int code;
	bool tried, right;
	char text[REFUSAL_TEXT_MAX];
};

static struct seen *seen;
static char place[64]; /* a directory of the test's */
static int image = -1; /* a detached mount */
static bool is_user;   /* this process is not root: everything happens as who it is */

/* ---- how an attempt is made ---- */

static Usher__MountSpecification *specification(const char *words) {
	Usher__MountSpecification *mount = calloc(1, sizeof *mount);
	char *rest = strdup(words);

	assert_true(mount && rest);
	usher__mount_specification__init(mount);
	mount->fstype = strsep(&rest, " ");
	mount->source = strsep(&rest, " ");
	mount->target = strsep(&rest, " ");
	mount->mount_options = calloc(8, sizeof *mount->mount_options);
	while (rest)
		mount->mount_options[mount->n_mount_options++] = strsep(&rest, " ");
	return mount;
}

static bool write_to(const char *path, const char *text) {
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static bool become(bool as_root) {
	int namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNET;
	uid_t uid = is_user ? getuid() : USER;
	gid_t gid = is_user ? getgid() : USER;
	char map[64];

	if (as_root)
		return unshare(namespaces) == 0;
	if (!is_user && (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0 ||
			 prctl(PR_SET_DUMPABLE, 1) < 0))
		return false;
	if (unshare(namespaces | CLONE_NEWUSER) < 0)
		return false;
	(void)snprintf(map, sizeof map, "%u %u 1", uid, uid);
	if (!write_to("/proc/self/setgroups", "deny") || !write_to("/proc/self/uid_map", map))
		return false;
	(void)snprintf(map, sizeof map, "%u %u 1", gid, gid);
	return write_to("/proc/self/gid_map", map);
}

static int furnish(const struct attempt *attempt, struct job *job) {
	Usher__MountSpecification *mounts[WORDS_MAX];
	struct interior interior = {
		.root = attempt->root,
		.mounts = mounts,
		.own_users = !attempt->as_root,
		.new_pids = !attempt->old_pids,
		.new_ipc = !attempt->old_ipc,
	};
	int r;

	for (; attempt->mounts[interior.n_mounts]; interior.n_mounts++)
		mounts[interior.n_mounts] = specification(attempt->mounts[interior.n_mounts]);
	if (attempt->image)
		(void)fds_add(&interior.trees, image);
	r = interior_check(mounts, interior.n_mounts, attempt->root, attempt->workdir,
			   &job->refusal);
	if (r == 0)
		r = interior_build(job, &interior);
	if (r == 0)
		r = interior_enter(job, attempt->workdir);
	interior_done(&interior);
	return r;
}

/* The process to be, in its new namespaces. */
static int be_born(const struct attempt *attempt) {
	struct job job = { .granted = -1, .place = PLACE_NONE, .peer = PLACE_NONE };

	job.place.uid = attempt->as_root ? 0 : getuid();
	job.place.proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (attempt->before)
		attempt->before();
	if (attempt->as_root)
		(void)setfsuid(USER);
	seen->tried = true;
	seen->code = furnish(attempt, &job);
	(void)snprintf(seen->text, sizeof seen->text, "%s", job.refusal.text);
	seen->right = seen->code == 0 && (!attempt->look || attempt->look());
	return 0;
}

static int attempt_in_child(void *data) {
	const struct attempt *attempt = data;
	int status;
	pid_t pid;

	if (attempt->image)
		image = open_tree(AT_FDCWD, place, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (attempt->above)
		attempt->above();
	if (!become(attempt->as_root))
		return 1;
	pid = fork();
	if (pid == 0)
		_exit(be_born(attempt));
	return pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0;
}

static void try(const struct attempt *attempt) {
	if (attempt->as_root && is_user)
		skip_because("this takes root");
	memset(seen, 0, sizeof *seen);
	if (in_child(attempt_in_child, (void *)(uintptr_t)attempt) != 0 && !seen->tried)
		skip_because("there are no namespaces for users here");
	assert_true(seen->tried);
}

static void assert_done(const struct attempt *attempt) {
	try(attempt);
	if (seen->code != 0)
		fail_msg("%d: %s", seen->code, seen->text);
	assert_true(seen->right);
}

static void assert_fails(const struct attempt *attempt, int code, const char *words) {
	try(attempt);
	if (seen->code != code || !strstr(seen->text, words))
		fail_msg("%d: %s", seen->code, seen->text);
}

/* ---- what can be looked at ---- */

static bool is_there(const char *path) {
	return access(path, F_OK) == 0;
}

static bool has_flag(const char *path, unsigned long flag) {
	struct statvfs fs;

	return statvfs(path, &fs) == 0 && fs.f_flag & flag;
}

static char *words(const char *format, const char *word) {
	char *text;

	assert_true(asprintf(&text, format, word) > 0);
	return text;
}

static bool can_write(const char *path) {
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd >= 0;
}

/* How many mounts this process sees, and whether one of them is at a place. */
static size_t mounts_seen(const char *target) {
	FILE *file = fopen("/proc/self/mountinfo", "re");
	size_t n = 0, at = 0;
	char line[4096], path[1024];

	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "%*d %*d %*s %*s %1023s", path) == 1) {
			n++;
			at += target && strcmp(path, target) == 0;
		}
	if (file)
		(void)fclose(file);
	return target ? at : n;
}

/* ---- the tests ---- */

static bool look_first_process(void) {
	char self[16] = "";

	return readlink("/proc/self", self, sizeof self - 1) == 1 && *self == '1' &&
	       !is_there("/proc/2");
}

static void a_new_pid_namespace_has_its_own_proc(void **state) {
	assert_done(&(struct attempt){ .look = look_first_process });
	assert_done(&(struct attempt){ .look = look_first_process, .as_root = true });
}

static bool look_other_process(void) {
	return !look_first_process();
}

static void an_old_pid_namespace_keeps_its_proc(void **state) {
	assert_done(&(struct attempt){ .old_pids = true, .look = look_other_process });
}

static bool look_bare_root(void) {
	struct stat st;

	return is_there("/usr/bin/env") && !is_there("/etc") && !is_there("/root") &&
	       look_first_process() && has_flag("/usr", ST_RDONLY) && stat("/dev/null", &st) == 0 &&
	       S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3) && can_write("/dev/null") &&
	       mounts_seen("/") == 1;
}

static void a_root_can_be_made_of_nothing(void **state) {
	const struct attempt attempt = {
		.mounts = { "tmpfs tmpfs / size=1m", "rbind /usr /usr ro" },
		.look = look_bare_root,
	};

	assert_done(&attempt);
}

static void as_root_too(void **state) {
	const struct attempt attempt = {
		.mounts = { "tmpfs tmpfs / size=1m mode=777", "rbind /usr /usr ro" },
		.look = look_bare_root,
		.as_root = true,
	};

	assert_done(&attempt);
}

static bool look_devices(void) {
	static const char *const names[] = { "null",   "zero", "full", "random", "urandom", "tty",
					     "pts",    "shm",  "ptmx", "mqueue", "fd",      "stdin",
					     "stdout", ".",    "..",   "stderr" };
	DIR *directory = opendir("/dev");
	size_t n = 0;
	int terminal, slave;

	for (struct dirent *entry; directory && (entry = readdir(directory)); n++) {
		size_t i = 0;

		while (i < N_OF(names) && strcmp(names[i], entry->d_name) != 0)
			i++;
		if (i == N_OF(names))
			return false;
	}
	terminal = posix_openpt(O_RDWR | O_NOCTTY);
	if (n != N_OF(names) || terminal < 0 || unlockpt(terminal) < 0)
		return false;
	slave = open(ptsname(terminal), O_RDWR | O_NOCTTY);
	return slave >= 0 && strcmp(ttyname(slave), "/dev/pts/0") == 0 && can_write("/dev/shm/x") &&
	       has_flag("/dev/shm", ST_NODEV) && has_flag("/dev/mqueue", ST_NOEXEC);
}

static void the_small_dev_has_what_programs_expect_and_nothing_else(void **state) {
	const struct attempt attempt = { .mounts = { "tmpfs tmpfs /" }, .look = look_devices };

	assert_done(&attempt);
}

static bool look_no_queues(void) {
	return is_there("/dev/null") && !is_there("/dev/mqueue");
}

static void message_queues_are_only_there_with_an_ipc_namespace_of_their_own(void **state) {
	const struct attempt attempt = { .mounts = { "tmpfs tmpfs /", "dev dev /dev" },
					 .old_ipc = true,
					 .look = look_no_queues };

	assert_done(&attempt);
}

static bool look_kept_dev(void) {
	return mounts_seen("/dev/mqueue") == 0 && is_there("/dev/full") && !is_there("/dev/fd/99");
}

static void without_another_root_dev_stays_what_it_is(void **state) {
	assert_done(&(struct attempt){ .look = look_kept_dev });
	assert_done(&(struct attempt){ .root = "/", .look = look_kept_dev });
	assert_done(&(struct attempt){ .root = "/proc/..", .look = look_kept_dev });
}

static bool look_directory_root(void) {
	char here[64];

	return getcwd(here, sizeof here) && strcmp(here, "/sub") == 0 && is_there("/mark") &&
	       !is_there("/usr") && mounts_seen(NULL) < 30 && look_first_process() &&
	       is_there("/dev/null");
}

static void a_directory_becomes_the_root(void **state) {
	_cleanup_free_ char *root = words("%s/root", place);

	assert_done(
		&(struct attempt){ .root = root, .workdir = "/sub", .look = look_directory_root });
	assert_done(&(struct attempt){
		.root = root, .workdir = "/sub", .look = look_directory_root, .as_root = true });
}

static void make_read_only(void) {
	_cleanup_free_ char *root = words("%s/root", place);

	if (mount(root, root, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, root, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) < 0)
		_exit(1);
}

static bool look_read_only(void) {
	return look_directory_root() && !can_write("/new") && errno == EROFS;
}

static void so_does_one_that_is_read_only(void **state) {
	_cleanup_free_ char *root = words("%s/root", place);

	assert_done(&(struct attempt){ .root = root,
				       .workdir = "/sub",
				       .before = make_read_only,
				       .look = look_read_only });
}

static bool look_same_root(void) {
	return is_there("/usr/bin/env") && is_there(place) && look_first_process();
}

static void the_root_may_be_the_root(void **state) {
	assert_done(&(struct attempt){ .root = "/", .look = look_same_root });
}

/* The old root is nowhere any more: not mounted, and not behind "..". */
static bool look_no_way_back(void) {
	struct stat top, above;

	return chdir("/") == 0 && stat(".", &top) == 0 && chdir("../../..") == 0 &&
	       stat(".", &above) == 0 && top.st_ino == above.st_ino && top.st_dev == above.st_dev &&
	       mounts_seen("/") == 1 && umount2("/", MNT_DETACH) < 0;
}

static void sec_37_nothing_leads_back_to_the_old_root(void **state) {
	_cleanup_free_ char *root = words("%s/root", place);

	assert_done(&(struct attempt){ .root = root, .look = look_no_way_back });
	assert_done(&(struct attempt){ .mounts = { "tmpfs tmpfs /" }, .look = look_no_way_back });
}

static bool look_link_stayed_inside(void) {
	return is_there("/caught/mark") && mounts_seen("/caught") == 1;
}

/* root/escape leads to "/caught", of which there is one outside and one inside. */
static void sec_15_a_link_in_the_root_does_not_lead_out_of_it(void **state) {
	_cleanup_free_ char *root = words("%s/root", place),
			    *bind = words("bind %s/root/sub /escape", place),
			    *up = words("bind %s/root/sub /up", place);

	assert_done(&(struct attempt){
		.root = root, .mounts = { bind }, .look = look_link_stayed_inside });
	assert_done(&(struct attempt){
		.root = root, .mounts = { up }, .look = look_link_stayed_inside });
}

static void sec_15_a_link_of_proc_leads_nowhere(void **state) {
	assert_fails(&(struct attempt){ .mounts = { "tmpfs tmpfs /proc/self/cwd" } }, -ELOOP,
		     "mounts: tmpfs on '/proc/self/cwd'");
	assert_fails(&(struct attempt){ .mounts = { "rbind /proc/self/root /mnt" } }, -ELOOP,
		     "source: '/proc/self/root'");
	assert_fails(&(struct attempt){ .root = "/proc/self/root" }, -ELOOP, "root: ");
	assert_fails(&(struct attempt){ .workdir = "/proc/self/cwd" }, -ELOOP, "directory: ");
}

static void a_target_that_is_missing_is_not_made_on_what_was_there(void **state) {
	_cleanup_free_ char *target = words("tmpfs tmpfs %s/missing/deeper", place),
			    *missing = words("%s/missing", place);

	assert_fails(&(struct attempt){ .mounts = { target } }, -ENOENT,
		     "target: No such file or directory");
	assert_false(is_there(missing));
}

static void share_everything(void) {
	int ends[2];
	char byte;

	if (pipe(ends) < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0)
		_exit(1);
	/* somebody stays there, or there would be nobody left to be a peer of */
	if (fork() == 0) {
		(void)close(ends[1]);
		_exit(read(ends[0], &byte, 1) != 0);
	}
}

static bool look_private(void) {
	FILE *file = fopen("/proc/self/mountinfo", "re");
	bool is_alone = file;
	char line[4096];

	while (file && fgets(line, sizeof line, file))
		is_alone &= !strstr(line, " shared:") && !strstr(line, " master:");
	if (file)
		(void)fclose(file);
	return is_alone;
}

static void sec_51_no_mount_has_peers_or_a_master(void **state) {
	_cleanup_free_ char *root = words("%s/root", place);

	if (is_user)
		skip_because("this takes root");
	assert_done(&(struct attempt){ .above = share_everything, .look = look_private });
	assert_done(&(struct attempt){ .above = share_everything,
				       .root = root,
				       .mounts = { "rbind /usr /sub" },
				       .look = look_private });
	assert_done(&(struct attempt){
		.above = share_everything, .look = look_private, .as_root = true });
}

static bool look_deep(void) {
	struct stat st;

	return is_there("/a/b/c/mark") && stat("/etc/one", &st) == 0 && S_ISREG(st.st_mode) &&
	       st.st_size == 4 && mounts_seen("/a/b/c") == 1;
}

static void inside_a_new_tmpfs_it_is_made(void **state) {
	_cleanup_free_ char *directory = words("bind %s/root/sub /a/b//c/", place),
			    *file = words("bind %s/root/sub/mark /etc/one", place);

	assert_done(&(struct attempt){ .mounts = { "tmpfs tmpfs /", directory, file },
				       .look = look_deep });
}

static bool look_options(void) {
	return has_flag("/mnt", ST_RDONLY) && has_flag("/mnt", ST_NOEXEC) &&
	       has_flag("/mnt", ST_NOSUID);
}

static void the_flags_of_a_bind_are_set(void **state) {
	_cleanup_free_ char *bind = words("bind %s/root /mnt ro noexec nosuid", place);

	assert_done(&(struct attempt){ .mounts = { bind }, .look = look_options });
	assert_done(&(struct attempt){ .mounts = { bind }, .look = look_options, .as_root = true });
}

static bool look_forced(void) {
	return has_flag("/mnt", ST_NODEV) && has_flag("/mnt", ST_NOSUID);
}

static void what_root_mounts_for_somebody_has_no_devices(void **state) {
	assert_done(&(struct attempt){
		.mounts = { "tmpfs tmpfs /mnt" }, .look = look_forced, .as_root = true });
}

static bool look_layers(void) {
	return is_there("/mnt/mark") && is_there("/mnt/sub/mark") && can_write("/mnt/new");
}

static void an_overlay_is_made_with_the_rights_of_its_user(void **state) {
	char words[400];

	(void)snprintf(words, sizeof words,
		       "overlay overlay /mnt lowerdir=%s/root upperdir=%s/up workdir=%s/work",
		       place, place, place);
	assert_done(&(struct attempt){ .mounts = { words }, .look = look_layers });
	assert_fails(&(struct attempt){ .mounts = { words }, .as_root = true }, REFUSED_UNSUPPORTED,
		     "it needs a user namespace of its own");
}

static void make_harmless(void) {
	_cleanup_free_ char *sub = words("%s/root/sub", place);

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(sub, sub, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, sub, NULL, MS_BIND | MS_REMOUNT | MS_NODEV | MS_RDONLY, NULL) < 0)
		_exit(1);
}

/* With root's rights in the namespace, but the caller's business. */
static void sec_09_without_a_user_namespace_nothing_gets_looser(void **state) {
	static const char *const options[] = { "dev", "rw", "suid rw" };
	_cleanup_free_ char *sub = words("%s/root/sub", place);

	for (size_t i = 0; i < N_OF(options); i++)
		for (int recursive = 0; recursive < 2; recursive++) {
			char bind[256];

			(void)snprintf(bind, sizeof bind, "%sbind %s /mnt %s", recursive ? "r" : "",
				       sub, options[i]);
			assert_fails(&(struct attempt){ .above = make_harmless,
							.mounts = { bind },
							.as_root = true },
				     REFUSED_PERMISSION, "would take a restriction off");
		}
	assert_fails(&(struct attempt){ .mounts = { "tmpfs tmpfs /mnt dev" }, .as_root = true },
		     REFUSED_PERMISSION, "suid and dev");
	assert_fails(&(struct attempt){ .mounts = { "proc proc /mnt" },
					.old_pids = true,
					.as_root = true },
		     REFUSED_UNSUPPORTED, "needs a pid namespace");
	assert_fails(&(struct attempt){ .mounts = { "sysfs sysfs /mnt" }, .as_root = true },
		     REFUSED_UNSUPPORTED, "needs a user namespace");
}

static bool look_kernel(void) {
	return is_there("/sys/class/net/lo") && is_there("/proc/1/status") &&
	       has_flag("/sys", ST_RDONLY) && is_there("/run/pts/ptmx");
}

static void what_shows_the_namespaces_shows_the_new_ones(void **state) {
	assert_done(&(struct attempt){ .mounts = { "tmpfs tmpfs /", "sysfs sysfs /sys ro",
						   "proc proc /proc", "devpts devpts /run/pts",
						   "mqueue mqueue /queues" },
				       .look = look_kernel });
}

static void hide_part_of_proc(void) {
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/proc/driver", "tmpfs", MS_RDONLY, NULL) < 0)
		_exit(1);
}

static void a_proc_that_would_reveal_what_is_hidden_is_refused_and_explained(void **state) {
	if (is_user)
		skip_because("this takes root");
	assert_fails(&(struct attempt){ .above = hide_part_of_proc }, -EPERM,
		     "something is mounted over parts of it: /proc/driver");
	assert_done(
		&(struct attempt){ .above = hide_part_of_proc, .mounts = { "tmpfs tmpfs /proc" } });
}

static void a_file_is_no_root_and_no_directory(void **state) {
	_cleanup_free_ char *file = words("%s/root/mark", place), *none = words("%s/none", place);

	assert_fails(&(struct attempt){ .root = file }, -ENOTDIR, "root: ");
	assert_fails(&(struct attempt){ .root = none }, -ENOENT, "root: ");
	assert_fails(&(struct attempt){ .workdir = "/none" }, -ENOENT,
		     "directory: workdir: '/none'");
	assert_fails(&(struct attempt){ .workdir = "/etc/passwd" }, -ENOTDIR, "directory: ");
}

static void without_a_user_namespace_the_paths_are_the_callers(void **state) {
	_cleanup_free_ char *closed = words("%s/closed/in", place),
			    *bind = words("bind %s/closed/in /mnt", place);

	assert_fails(&(struct attempt){ .root = closed, .as_root = true }, -EACCES, "root: ");
	assert_fails(&(struct attempt){ .mounts = { bind }, .as_root = true }, -EACCES,
		     "mounts: bind on '/mnt': source: ");
}

static bool look_image(void) {
	return is_there("/image/root/mark") && mounts_seen("/image") == 1;
}

static void an_image_comes_from_the_job(void **state) {
	static const char *const mounts[] = { "tmpfs tmpfs /", "squashfs /some/image /image" };

	if (is_user)
		skip_because("this takes root");
	assert_done(&(struct attempt){
		.mounts = { mounts[0], mounts[1] }, .image = true, .look = look_image });
	assert_fails(&(struct attempt){ .mounts = { mounts[1] } }, -EBADF, "squashfs on '/image'");
}

static void words_are_refused_before_anything_is_done(void **state) {
	static const struct {
		const char *mount, *words;
	} bad[] = {
		{ "bind src /mnt", "source: 'src' is not an absolute path" },
		{ "bind /usr mnt", "target: 'mnt' is not an absolute path" },
		{ "bind /usr /mnt size=1m", "'size=1m' is not a flag of mounts" },
		{ "dev dev /dev ro", "dev takes none" },
		{ "auto /image /mnt", "of an image in mounts the file system is to be named" },
		{ "tm/pfs /x /mnt", "is not the name of a file system" },
		{ "squashfs image /mnt", "source: 'image' is not an absolute path" },
	};

	for (size_t i = 0; i < N_OF(bad); i++) {
		Usher__MountSpecification *mount = specification(bad[i].mount);
		struct refusal refusal = { "" };

		assert_refusal(interior_check(&mount, 1, NULL, NULL, &refusal), REFUSED_INVALID,
			       &refusal, bad[i].words);
		free(mount->fstype);
		free(mount->mount_options);
		free(mount);
	}
	assert_int_equal(interior_check(NULL, INTERIOR_MOUNTS_MAX + 1, NULL, NULL,
					&(struct refusal){ "" }),
			 REFUSED_LIMIT);
	assert_int_equal(interior_check(NULL, 0, "x", NULL, &(struct refusal){ "" }),
			 REFUSED_INVALID);
	assert_int_equal(interior_check(NULL, 0, "/", "x", &(struct refusal){ "" }),
			 REFUSED_INVALID);
}

/* ---- what the tests work on ---- */

static void make_directory(const char *name, mode_t mode) {
	_cleanup_free_ char *path = words(name, place);

	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(chmod(path, mode), 0);
	if (!is_user)
		assert_int_equal(chown(path, mode == 0700 ? 0 : USER, 0), 0);
}

static void make_link(const char *name, const char *to) {
	_cleanup_free_ char *path = words(name, place);

	assert_int_equal(symlink(to, path), 0);
}

static void make_file(const char *name) {
	_cleanup_free_ char *path = words(name, place);

	assert_true(write_to(path, "mark"));
}

static int make_place(void **state) {
	(void)strcpy(place, "/tmp/usher-interior-XXXXXX");
	is_user = getuid() != 0;
	seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen == MAP_FAILED || !mkdtemp(place) || chmod(place, 0755) < 0)
		return -1;
	make_directory("%s/root", 0755);
	make_directory("%s/root/sub", 0755);
	make_directory("%s/root/proc", 0755);
	make_directory("%s/root/dev", 0755);
	make_directory("%s/root/caught", 0755);
	make_directory("%s/up", 0755);
	make_directory("%s/work", 0755);
	make_directory("%s/closed", 0700);
	make_directory("%s/closed/in", 0755);
	make_file("%s/root/mark");
	make_file("%s/root/sub/mark");
	make_link("%s/root/escape", "/caught");
	make_link("%s/root/up", "../../../../../../caught");
	return 0;
}

static int remove_place(void **state) {
	_cleanup_free_ char *command = words("rm -rf %s", place);

	return system(command);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_pid_namespace_has_its_own_proc),
		cmocka_unit_test(an_old_pid_namespace_keeps_its_proc),
		cmocka_unit_test(a_root_can_be_made_of_nothing),
		cmocka_unit_test(as_root_too),
		cmocka_unit_test(the_small_dev_has_what_programs_expect_and_nothing_else),
		cmocka_unit_test(message_queues_are_only_there_with_an_ipc_namespace_of_their_own),
		cmocka_unit_test(without_another_root_dev_stays_what_it_is),
		cmocka_unit_test(a_directory_becomes_the_root),
		cmocka_unit_test(so_does_one_that_is_read_only),
		cmocka_unit_test(the_root_may_be_the_root),
		cmocka_unit_test(sec_37_nothing_leads_back_to_the_old_root),
		cmocka_unit_test(sec_15_a_link_in_the_root_does_not_lead_out_of_it),
		cmocka_unit_test(sec_15_a_link_of_proc_leads_nowhere),
		cmocka_unit_test(a_target_that_is_missing_is_not_made_on_what_was_there),
		cmocka_unit_test(sec_51_no_mount_has_peers_or_a_master),
		cmocka_unit_test(inside_a_new_tmpfs_it_is_made),
		cmocka_unit_test(the_flags_of_a_bind_are_set),
		cmocka_unit_test(what_root_mounts_for_somebody_has_no_devices),
		cmocka_unit_test(an_overlay_is_made_with_the_rights_of_its_user),
		cmocka_unit_test(sec_09_without_a_user_namespace_nothing_gets_looser),
		cmocka_unit_test(what_shows_the_namespaces_shows_the_new_ones),
		cmocka_unit_test(a_proc_that_would_reveal_what_is_hidden_is_refused_and_explained),
		cmocka_unit_test(a_file_is_no_root_and_no_directory),
		cmocka_unit_test(without_a_user_namespace_the_paths_are_the_callers),
		cmocka_unit_test(an_image_comes_from_the_job),
		cmocka_unit_test(words_are_refused_before_anything_is_done),
	};

	return cmocka_run_group_tests(tests, make_place, remove_place);
}
