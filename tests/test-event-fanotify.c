/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fanotify: with privilege where there is some, and what there is without. */

#include <sys/stat.h>
#include <sys/wait.h>

#include "event.h"
#include "event/fanotify-new.h"

/* A group, or the test is skipped. */
static struct usher_source *group_of(unsigned flags, unsigned event_flags) {
	struct usher_source *source;
	int r = usher_fanotify_new(flags, event_flags, &source);

	if (r == -EPERM)
		skip_because("this takes CAP_SYS_ADMIN");
	if (r == -EOPNOTSUPP || r == -EINVAL)
		skip_because("this kernel has not got it: %s", usher_event_message());
	assert_int_equal(r, 0);
	return source;
}

static void do_read(void) {
	char c;
	int fd = open(in_directory("f"), O_RDONLY | O_CLOEXEC);

	assert_int_equal(read(fd, &c, 1), 1);
	close(fd);
}

static void do_open(void) {
	close(open(in_directory("f"), O_RDONLY | O_CLOEXEC));
}

static void do_write(void) {
	int fd = open(in_directory("f"), O_WRONLY | O_CLOEXEC);

	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

static void do_open_directory(void) {
	close(open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static const struct {
	void (*act)(void);
	uint64_t mask, seen;
} acts[] = {
	{ do_write, FAN_MODIFY, FAN_MODIFY },
	{ do_read, FAN_ACCESS, FAN_ACCESS },
	{ do_write, FAN_CLOSE_WRITE, FAN_CLOSE_WRITE },
	{ do_open, FAN_CLOSE_NOWRITE, FAN_CLOSE_NOWRITE },
	{ do_write, FAN_CLOSE, FAN_CLOSE_WRITE },
	{ do_open, FAN_OPEN, FAN_OPEN },
	{ do_open_directory, FAN_OPEN | FAN_ONDIR, FAN_OPEN },
};

static uint64_t masks(struct usher_source *source) {
	struct usher_event event;
	uint64_t mask = 0;

	while (usher_source_next(source, &event) == 0)
		mask |= event.fanotify.mask;
	return mask;
}

static void every_bit_comes_when_that_happens_and_alone(void **state) {
	touch("f");
	do_write();
	for (size_t i = 0; i < N_OF(acts); i++) {
		struct usher_source *source = group_of(FAN_CLASS_NOTIF, O_RDONLY);

		assert_int_equal(usher_fanotify_watch(source, directory,
						      acts[i].mask | FAN_EVENT_ON_CHILD, 0),
				 0);
		acts[i].act();
		/* FAN_EVENT_ON_CHILD is never told; FAN_ONDIR only where names are reported. */
		assert_int_equal(masks(source), acts[i].seen);
		usher_source_free(source);
	}
}

static void an_event_has_who_did_it_and_an_open_file(void **state) {
	struct usher_source *source = group_of(FAN_CLASS_NOTIF, O_RDONLY);
	char expected[PATH_MAX], *path;
	struct usher_event event;
	struct stat one, two;
	int fd;

	touch("f");
	assert_int_equal(usher_source_get_mode(source), O_RDONLY);
	assert_int_equal(usher_fanotify_watch(source, in_directory("f"), FAN_OPEN, 0), 0);
	do_open();
	assert_int_equal(usher_source_next(source, &event), 0);
	assert_int_equal(event.fanotify.version, 3);
	assert_int_equal(event.fanotify.mask, FAN_OPEN);
	assert_int_equal(event.fanotify.pid, getpid());
	assert_int_equal(fstat(event.fanotify.fd, &one), 0);
	assert_int_equal(stat(in_directory("f"), &two), 0);
	assert_int_equal(one.st_ino, two.st_ino);
	assert_int_equal(fcntl(event.fanotify.fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(usher_fanotify_path(&event, &path), 0);
	assert_non_null(realpath(in_directory("f"), expected));
	assert_string_equal(path, expected);
	free(path);
	assert_int_equal(unlink(in_directory("f")), 0);
	assert_int_equal(usher_fanotify_path(&event, &path), 0);
	assert_non_null(strstr(path, "(deleted)"));
	free(path);
	fd = usher_fanotify_take_fd(&event);
	assert_true(fd >= 0);
	assert_int_equal(usher_fanotify_take_fd(&event), -EBADF);
	assert_int_equal(usher_fanotify_path(&event, &path), -ENOENT);
	usher_source_free(source);
	assert_int_equal(fstat(fd, &one), 0);
	close(fd);
	source = group_of(FAN_CLASS_NOTIF, O_RDWR);
	assert_int_equal(usher_source_get_mode(source), O_RDWR);
	usher_source_free(source);
}

static void ten_thousand_events_leave_no_descriptor(void **state) {
	struct usher_source *source = group_of(FAN_CLASS_NOTIF, O_RDONLY);
	size_t before = descriptors_open(), n = 0;
	struct usher_event events[32];
	int r;

	touch("f");
	assert_int_equal(usher_fanotify_watch(source, in_directory("f"), FAN_OPEN, 0), 0);
	while (n < 10000) {
		do_open();
		/* Some are taken one by one, some many at a time, some are dropped. */
		if (n % 100 == 0)
			assert_int_equal(usher_source_drop(source), 0);
		r = usher_source_next_all(source, events, 1 + n % 32);
		n += r > 0 ? (size_t)r : 1;
	}
	assert_int_equal(usher_source_drop(source), 0);
	assert_no_leak(before);
	usher_source_free(source);
}

static void marks_are_taken_away_by_bits_or_all(void **state) {
	struct usher_source *source = group_of(FAN_CLASS_NOTIF, O_RDONLY);

	touch("f");
	assert_int_equal(usher_fanotify_watch(source, in_directory("f"), FAN_OPEN | FAN_CLOSE, 0),
			 0);
	assert_int_equal(usher_fanotify_ignore(source, in_directory("f"), FAN_OPEN, 0), 0);
	do_open();
	assert_int_equal(masks(source), FAN_CLOSE_NOWRITE);
	assert_int_equal(usher_fanotify_flush(source, 0), 0);
	do_open();
	assert_int_equal(masks(source), 0);
	assert_int_equal(usher_fanotify_ignore(source, in_directory("f"), FAN_OPEN, 0), -ENOENT);
	usher_source_free(source);
}

static void a_file_can_be_ignored_below_a_mark_that_has_it(void **state) {
	struct usher_source *source = group_of(FAN_CLASS_NOTIF, O_RDONLY);

	touch("f");
	do_write();
	assert_int_equal(usher_fanotify_watch(source, directory, FAN_OPEN | FAN_EVENT_ON_CHILD, 0),
			 0);
	assert_int_equal(usher_fanotify_watch(source, in_directory("f"), FAN_OPEN,
					      FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY),
			 0);
	do_write();
	do_open();
	assert_int_equal(masks(source), 0);
	usher_source_free(source);
}

static void a_mark_on_a_mount_sees_what_is_deep_below(void **state) {
	struct usher_source *source = group_of(FAN_CLASS_NOTIF, O_RDONLY);
	struct usher_event event;
	bool seen = false;
	struct stat one, two;

	assert_int_equal(mkdir(in_directory("deep"), 0755), 0);
	touch("deep/file");
	assert_int_equal(stat(in_directory("deep/file"), &one), 0);
	assert_int_equal(usher_fanotify_watch(source, directory, FAN_OPEN, FAN_MARK_MOUNT), 0);
	close(open(in_directory("deep/file"), O_RDONLY | O_CLOEXEC));
	while (usher_source_next(source, &event) == 0)
		seen |= event.fanotify.fd >= 0 && fstat(event.fanotify.fd, &two) == 0 &&
			one.st_ino == two.st_ino;
	assert_true(seen);
	assert_int_equal(usher_fanotify_flush(source, FAN_MARK_MOUNT), 0);
	usher_source_free(source);
}

static void a_name_comes_with_its_directory(void **state) {
	struct usher_source *source = group_of(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME, 0);
	struct usher_event events[4];

	assert_int_equal(usher_fanotify_watch(source, directory,
					      FAN_CREATE | FAN_RENAME | FAN_ONDIR, 0),
			 0);
	touch("named");
	assert_int_equal(rename(in_directory("named"), in_directory("renamed")), 0);
	assert_int_equal(mkdir(in_directory("named-directory"), 0755), 0);
	assert_int_equal(usher_source_next_all(source, events, 4), 3);
	assert_int_equal(events[0].fanotify.fd, -1);
	assert_string_equal(events[0].fanotify.parent.name, "named");
	assert_non_null(events[0].fanotify.parent.handle);
	assert_string_equal(events[1].fanotify.from.name, "named");
	assert_string_equal(events[1].fanotify.to.name, "renamed");
	assert_int_equal(events[2].fanotify.mask, FAN_CREATE | FAN_ONDIR);
	assert_int_equal(usher_fanotify_take_fd(&events[0]), -EBADF);
	usher_source_free(source);
}

static void a_pidfd_is_there_if_it_was_asked_for(void **state) {
	struct usher_source *source = group_of(FAN_CLASS_NOTIF | FAN_REPORT_PIDFD, O_RDONLY);
	size_t before = descriptors_open();
	struct usher_event event;
	int fd;

	touch("f");
	assert_int_equal(usher_fanotify_watch(source, in_directory("f"), FAN_OPEN, 0), 0);
	do_open();
	do_write();
	assert_int_equal(usher_source_next(source, &event), 0);
	assert_true(event.fanotify.pidfd >= 0);
	fd = usher_fanotify_take_pidfd(&event);
	assert_int_equal(usher_fanotify_take_pidfd(&event), -EBADF);
	assert_int_equal(usher_source_drop(source), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	assert_no_leak(before);
	usher_source_free(source);
}

/* ---- permission ---- */

static int try_open(void *data) {
	return open(in_directory("f"), O_RDONLY | O_CLOEXEC) < 0 ? errno : 0;
}

static int try_read(void) {
	int fd = open(in_directory("f"), O_RDONLY | O_CLOEXEC);
	char c;

	return fd < 0 ? -1 : read(fd, &c, 1) < 0 ? errno : 0;
}

static int opener(void) {
	pid_t pid = fork();

	if (pid == 0)
		_exit(try_open(NULL));
	return pid;
}

static int reader(void) {
	pid_t pid = fork();

	if (pid == 0)
		_exit(try_read());
	return pid;
}

static int status_of(pid_t pid) {
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static void wait_for_answers(uint64_t mask, pid_t (*start)(void)) {
	struct usher_source *source = group_of(FAN_CLASS_CONTENT, O_RDONLY);
	struct usher_event event;
	pid_t pid;

	touch("f");
	assert_int_equal(usher_fanotify_watch(source, in_directory("f"), mask, 0), 0);
	for (int allow = 0; allow < 2; allow++) {
		pid = start();
		assert_int_equal(usher_source_wait(source, LONG_USEC, &event), 0);
		assert_int_equal(event.fanotify.mask, mask);
		assert_int_equal(event.fanotify.pid, pid);
		assert_int_equal(usher_fanotify_respond(&event, allow, false), 0);
		assert_int_equal(usher_fanotify_respond(&event, allow, false), -EINVAL);
		assert_int_equal(status_of(pid), allow ? 0 : EPERM);
	}
	usher_source_free(source);
}

static void who_opens_waits_for_the_answer(void **state) {
	wait_for_answers(FAN_OPEN_PERM, opener);
}

static void who_reads_waits_for_the_answer(void **state) {
	wait_for_answers(FAN_ACCESS_PERM, reader);
}

static void an_answer_that_the_kernel_does_not_take_can_be_given_again(void **state) {
	/* of this one the kernel notes nothing */
	struct usher_source *source = group_of(FAN_CLASS_CONTENT, O_RDONLY);
	struct usher_event event;
	pid_t pid;

	touch("f");
	assert_int_equal(usher_fanotify_watch(source, in_directory("f"), FAN_OPEN_PERM, 0), 0);
	pid = opener();
	assert_int_equal(usher_source_wait(source, LONG_USEC, &event), 0);
	assert_int_equal(usher_fanotify_respond(&event, false, true), -EINVAL);
	assert_int_equal(usher_fanotify_respond(&event, false, false), 0);
	assert_int_equal(status_of(pid), EPERM);
	/* whoever gives up then lets nobody hang, either */
	pid = opener();
	assert_int_equal(usher_source_wait(source, LONG_USEC, &event), 0);
	assert_int_equal(usher_fanotify_respond(&event, false, true), -EINVAL);
	assert_int_equal(usher_source_next(source, &event), -EAGAIN);
	assert_int_equal(status_of(pid), 0);
	usher_source_free(source);
}

static void what_is_decided_can_be_noted(void **state) {
	struct usher_source *source = group_of(FAN_CLASS_CONTENT | FAN_ENABLE_AUDIT, O_RDONLY);
	struct usher_event event;
	pid_t pid;

	touch("f");
	assert_int_equal(usher_fanotify_watch(source, in_directory("f"), FAN_OPEN_PERM, 0), 0);
	for (int allow = 0; allow < 2; allow++) {
		pid = opener();
		assert_int_equal(usher_source_wait(source, LONG_USEC, &event), 0);
		assert_int_equal(usher_fanotify_response(usher_source_get_fd(source), -1,
							 FAN_ALLOW),
				 -EINVAL);
		assert_int_equal(usher_fanotify_response(-1, event.fanotify.fd, FAN_ALLOW), -EBADF);
		assert_int_equal(usher_fanotify_respond(&event, allow, true), 0);
		assert_int_equal(status_of(pid), allow ? 0 : EPERM);
	}
	usher_source_free(source);
}

static void whoever_never_answers_lets_nobody_hang(void **state) {
	struct usher_source *source = group_of(FAN_CLASS_CONTENT, O_RDONLY);
	struct usher_event event;
	pid_t pid;
	int fd;

	touch("f");
	assert_int_equal(usher_fanotify_watch(source, in_directory("f"), FAN_OPEN_PERM, 0), 0);
	/* the next call */
	pid = opener();
	assert_int_equal(usher_source_wait(source, LONG_USEC, &event), 0);
	assert_int_equal(usher_source_next(source, &event), -EAGAIN);
	assert_int_equal(status_of(pid), 0);
	/* the descriptor is kept for longer than an answer could name it */
	pid = opener();
	assert_int_equal(usher_source_wait(source, LONG_USEC, &event), 0);
	fd = usher_fanotify_take_fd(&event);
	assert_int_equal(status_of(pid), 0);
	close(fd);
	/* the end, with one read and one not */
	pid = opener();
	assert_int_equal(usher_source_wait(source, LONG_USEC, &event), 0);
	usher_source_free(source);
	assert_int_equal(status_of(pid), 0);
}

static void a_wait_on_an_empty_group_ends_with_the_first_event(void **state) {
	int fd = usher_fanotify_init(FAN_CLASS_NOTIF, O_RDONLY);
	struct usher_source *source;
	struct usher_event event;
	pid_t pid;

	if (fd == -EPERM)
		skip_because("this takes CAP_SYS_ADMIN");
	touch("f");
	assert_int_equal(usher_fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, FAN_NOFD,
					     in_directory("f")),
			 0);
	assert_int_equal(usher_source_adopt(USHER_SOURCE_FANOTIFY, fd, &source), 0);
	assert_int_equal(usher_source_next(source, &event), -EAGAIN);
	pid = opener();
	assert_int_equal(usher_source_wait(source, LONG_USEC, &event), 0);
	assert_int_equal(event.fanotify.mask, FAN_OPEN);
	assert_int_equal(status_of(pid), 0);
	usher_source_free(source);
}

static void a_full_queue_says_that_something_was_lost(void **state) {
	struct usher_source *source = group_of(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME, 0);
	struct usher_source *unlimited;
	struct usher_event event;
	char name[24];
	size_t n = 0;
	int r;

	assert_int_equal(usher_fanotify_watch(source, directory, FAN_CREATE | FAN_DELETE, 0), 0);
	r = usher_fanotify_new(FAN_UNLIMITED_QUEUE | FAN_REPORT_DFID_NAME, 0, &unlimited);
	if (r == 0)
		assert_int_equal(usher_fanotify_watch(unlimited, directory, FAN_CREATE, 0), 0);
	for (int i = 0; i < 16500; i++) {
		(void)snprintf(name, sizeof name, "flood-%d", i);
		touch(name);
		assert_int_equal(unlink(in_directory(name)), 0);
	}
	while (usher_source_next(source, &event) == 0 && !(event.fanotify.mask & FAN_Q_OVERFLOW))
		n++;
	assert_true(event.fanotify.mask & FAN_Q_OVERFLOW);
	assert_int_equal(event.fanotify.fd, -1);
	assert_true(n <= 16500L * 2);
	usher_source_free(source);
	if (r < 0)
		return;
	for (n = 0; usher_source_next(unlimited, &event) == 0; n++)
		assert_false(event.fanotify.mask & FAN_Q_OVERFLOW);
	assert_int_equal(n, 16500);
	usher_source_free(unlimited);
}

/* As nobody: what needs privilege is refused, marks on inodes are not. */
static int as_nobody(void *data) {
	struct usher_source *source;

	if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		return 1;
	if (usher_fanotify_new(FAN_CLASS_CONTENT, 0, &source) != -EPERM)
		return 2;
	if (usher_fanotify_new(FAN_CLASS_NOTIF | FAN_UNLIMITED_QUEUE, 0, &source) != -EPERM)
		return 3;
	if (usher_fanotify_new(FAN_REPORT_DFID_NAME, 0, &source) < 0)
		return 77;
	if (usher_fanotify_watch(source, "/tmp", FAN_CREATE, 0) < 0)
		return 4;
	return usher_fanotify_watch(source, "/tmp", FAN_CREATE, FAN_MARK_FILESYSTEM) == -EPERM ? 0
											       : 5;
}

static void without_privilege_there_are_marks_on_inodes(void **state) {
	int status = in_child(as_nobody, NULL);

	if (WEXITSTATUS(status) == 77)
		skip_because("this kernel has no fanotify for ordinary users");
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void every_class_of_groups_begins_and_does_not_block(void **state) {
	static const unsigned classes[] = { FAN_CLASS_NOTIF, FAN_CLASS_CONTENT,
					    FAN_CLASS_PRE_CONTENT };

	for (size_t i = 0; i < N_OF(classes); i++) {
		struct usher_source *source =
			group_of(classes[i] | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS, O_RDONLY);

		assert_true(fcntl(usher_source_get_fd(source), F_GETFL) & O_NONBLOCK);
		assert_int_equal(fcntl(usher_source_get_fd(source), F_GETFD), FD_CLOEXEC);
		usher_source_free(source);
	}
}

static void names_of_bits_are_read_and_written(void **state) {
	char *text;
	uint64_t mask;

	for (uint64_t bit = 1; bit; bit <<= 1) {
		assert_int_equal(usher_fanotify_mask_to_string(bit, &text), 0);
		assert_int_equal(usher_fanotify_mask_from_string(text, &mask), 0);
		assert_true(mask == bit);
		free(text);
	}
	assert_int_equal(usher_fanotify_mask_to_string(0x40000, &text), 0);
	assert_string_equal(text, "FAN_OPEN_EXEC_PERM");
	free(text);
	assert_int_equal(usher_fanotify_mask_from_string("FAN_CLOSE FAN_NONSENSE", &mask), -EINVAL);
	assert_said("FAN_NONSENSE");
}

static void records_that_do_not_fit_are_refused(void **state) {
	union {
		struct fanotify_event_metadata event;
		unsigned char bytes[64];
	} data = { .event = { 36, FANOTIFY_METADATA_VERSION, 0, 24, FAN_OPEN, FAN_NOFD, 1 } };

	struct fanotify_event_info_header info = { FAN_EVENT_INFO_TYPE_FID, 0, 12 };
	struct usher_fanotify_event event;

	memcpy(data.bytes + 24, &info, sizeof info);
	assert_int_equal(usher_fanotify_parse(&data, 0, &event), -EAGAIN);
	assert_int_equal(usher_fanotify_parse(&data, 23, &event), -EBADMSG);
	assert_int_equal(usher_fanotify_parse(&data, 35, &event), -EBADMSG);
	assert_int_equal(usher_fanotify_parse(&data, 64, &event), -EBADMSG); /* no handle */
	info.info_type = 99;
	memcpy(data.bytes + 24, &info, sizeof info);
	assert_int_equal(usher_fanotify_parse(&data, 64, &event), 36); /* one of a newer kernel */
	info.len = 13;
	memcpy(data.bytes + 24, &info, sizeof info);
	assert_int_equal(usher_fanotify_parse(&data, 64, &event), -EBADMSG);
	info.len = 0;
	memcpy(data.bytes + 24, &info, sizeof info);
	assert_int_equal(usher_fanotify_parse(&data, 64, &event), -EBADMSG);
	data.event.event_len = 24;
	assert_int_equal(usher_fanotify_parse(&data, 64, &event), 24);
	data.event.event_len = 0;
	assert_int_equal(usher_fanotify_parse(&data, 64, &event), -EBADMSG);
	data.event.event_len = 24;
	data.event.metadata_len = 25;
	assert_int_equal(usher_fanotify_parse(&data, 64, &event), -EBADMSG);
	data.event.metadata_len = 24;
	data.event.vers = 2;
	assert_int_equal(usher_fanotify_parse(&data, 64, &event), -EBADMSG);
	assert_said("version 2");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_bit_comes_when_that_happens_and_alone),
		cmocka_unit_test(an_event_has_who_did_it_and_an_open_file),
		cmocka_unit_test(ten_thousand_events_leave_no_descriptor),
		cmocka_unit_test(marks_are_taken_away_by_bits_or_all),
		cmocka_unit_test(a_file_can_be_ignored_below_a_mark_that_has_it),
		cmocka_unit_test(a_mark_on_a_mount_sees_what_is_deep_below),
		cmocka_unit_test(a_name_comes_with_its_directory),
		cmocka_unit_test(a_pidfd_is_there_if_it_was_asked_for),
		cmocka_unit_test(who_opens_waits_for_the_answer),
		cmocka_unit_test(who_reads_waits_for_the_answer),
		cmocka_unit_test(an_answer_that_the_kernel_does_not_take_can_be_given_again),
		cmocka_unit_test(what_is_decided_can_be_noted),
		cmocka_unit_test(whoever_never_answers_lets_nobody_hang),
		cmocka_unit_test(a_wait_on_an_empty_group_ends_with_the_first_event),
		cmocka_unit_test(a_full_queue_says_that_something_was_lost),
		cmocka_unit_test(without_privilege_there_are_marks_on_inodes),
		cmocka_unit_test(every_class_of_groups_begins_and_does_not_block),
		cmocka_unit_test(names_of_bits_are_read_and_written),
		cmocka_unit_test(records_that_do_not_fit_are_refused),
	};

	return cmocka_run_group_tests(tests, directory_make, directory_remove);
}
