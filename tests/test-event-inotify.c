/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* inotify: every bit, every name, and watches that do not know of each other. */

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "event.h"

/* Everything that comes, as one mask. */
static uint32_t masks(struct usher_source *source) {
	struct usher_event event;
	uint32_t mask = 0;

	while (usher_source_next(source, &event) == 0)
		mask |= event.inotify.mask;
	return mask;
}

static void do_open(void) {
	close(open(in_directory("f"), O_RDONLY));
}

static void do_read(void) {
	char c;
	int fd = open(in_directory("f"), O_RDONLY);

	assert_int_equal(read(fd, &c, 1), 1);
	close(fd);
}

static void do_write(void) {
	int fd = open(in_directory("f"), O_WRONLY);

	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

static void do_chmod(void) {
	assert_int_equal(chmod(in_directory("f"), 0600), 0);
}

static void do_create(void) {
	touch("new");
}

static void do_mkdir(void) {
	assert_int_equal(mkdir(in_directory("subdirectory"), 0755), 0);
}

static void do_rename(void) {
	assert_int_equal(rename(in_directory("new"), in_directory("newer")), 0);
}

static void do_unlink(void) {
	assert_int_equal(unlink(in_directory("newer")), 0);
}

static const struct {
	void (*act)(void);
	uint32_t mask;
} acts[] = {
	{ do_write, IN_MODIFY },  { do_write, IN_CLOSE_WRITE },
	{ do_open, IN_OPEN },     { do_open, IN_CLOSE_NOWRITE },
	{ do_read, IN_ACCESS },   { do_chmod, IN_ATTRIB },
	{ do_create, IN_CREATE }, { do_rename, IN_MOVED_FROM },
	{ do_create, IN_CREATE }, { do_rename, IN_MOVED_TO },
	{ do_unlink, IN_DELETE }, { do_mkdir, IN_CREATE | IN_ISDIR },
};

static void every_bit_comes_when_that_happens_and_alone(void **state) {
	touch("f");
	for (size_t i = 0; i < N_OF(acts); i++) {
		struct usher_source *source =
			inotify_on(directory, acts[i].mask & (uint32_t)IN_ALL_EVENTS);

		acts[i].act();
		assert_int_equal(masks(source), acts[i].mask);
		usher_source_free(source);
	}
}

static void the_watched_one_tells_of_itself_and_of_its_end(void **state) {
	struct usher_source *source;
	struct usher_event event;

	assert_int_equal(mkdir(in_directory("self"), 0755), 0);
	source = inotify_on(in_directory("self"), IN_DELETE_SELF | IN_MOVE_SELF);
	assert_int_equal(rename(in_directory("self"), in_directory("self2")), 0);
	assert_int_equal(usher_source_next(source, &event), 0);
	assert_int_equal(event.inotify.mask, IN_MOVE_SELF);
	assert_string_equal(event.inotify.name, "");
	assert_int_equal(rmdir(in_directory("self2")), 0);
	assert_int_equal(usher_source_next(source, &event), 0);
	assert_int_equal(event.inotify.mask, IN_DELETE_SELF);
	assert_int_equal(usher_source_next(source, &event), 0);
	assert_int_equal(event.inotify.mask, IN_IGNORED);
	usher_source_free(source);
}

static void names_are_the_bytes_of_the_file_system(void **state) {
	static const char odd[] = "\xff\n \\\xc3";
	struct usher_source *source = inotify_on(directory, IN_CREATE);
	struct usher_event event;
	char name[250];

	touch(odd);
	assert_int_equal(usher_source_next(source, &event), 0);
	assert_string_equal(event.inotify.name, odd);
	for (size_t size = 1; size < sizeof name; size += 23) {
		memset(name, 'n', size);
		name[size] = '\0';
		touch(name);
		assert_int_equal(usher_source_next(source, &event), 0);
		assert_string_equal(event.inotify.name, name);
	}
	usher_source_free(source);
}

static void both_halves_of_a_move_have_one_cookie(void **state) {
	struct usher_source *source = inotify_on(directory, IN_MOVE);
	struct usher_event events[3];

	touch("moved");
	assert_int_equal(rename(in_directory("moved"), in_directory("moved2")), 0);
	assert_int_equal(usher_source_next_all(source, events, 3), 2);
	assert_int_equal(events[0].inotify.mask, IN_MOVED_FROM);
	assert_int_equal(events[1].inotify.mask, IN_MOVED_TO);
	assert_true(events[0].inotify.cookie != 0);
	assert_int_equal(events[0].inotify.cookie, events[1].inotify.cookie);
	usher_source_free(source);
}

static void flags_of_a_watch_are_obeyed(void **state) {
	struct usher_source *source = inotify_on(directory, IN_CREATE | IN_ONESHOT);
	int wd;

	touch("once-1");
	touch("once-2");
	assert_int_equal(masks(source), IN_CREATE | IN_IGNORED);
	assert_int_equal(usher_inotify_watch(source, in_directory("once-1"), IN_OPEN | IN_ONLYDIR),
			 -EINVAL);
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(symlink("nowhere", in_directory("link")), 0);
	assert_int_equal(usher_inotify_watch(source, in_directory("link"), IN_OPEN), -ENOENT);
	wd = usher_inotify_watch(source, in_directory("link"), IN_ATTRIB | IN_DONT_FOLLOW);
	assert_true(wd > 0);
	assert_int_equal(usher_inotify_ignore(source, wd), 0);
	assert_int_equal(masks(source), IN_IGNORED);
	assert_int_equal(usher_inotify_ignore(source, wd), -EINVAL);
	wd = usher_inotify_watch(source, directory, IN_CREATE);
	assert_int_equal(usher_inotify_watch(source, directory, IN_DELETE | IN_MASK_ADD), wd);
	touch("added");
	assert_int_equal(unlink(in_directory("added")), 0);
	assert_int_equal(masks(source), IN_CREATE | IN_DELETE);
	usher_source_free(source);
}

static void an_unwatched_directory_is_silent(void **state) {
	struct usher_source *source;
	int wd;

	assert_int_equal(usher_inotify_new(&source), 0);
	wd = usher_inotify_watch(source, directory, IN_CREATE);
	assert_int_equal(usher_inotify_ignore(source, wd), 0);
	touch("unseen");
	assert_int_equal(masks(source), IN_IGNORED);
	usher_source_free(source);
}

static void a_full_queue_says_that_something_was_lost(void **state) {
	struct usher_source *source = inotify_on(directory, IN_CREATE | IN_DELETE);
	char text[24] = "";
	int fd = open("/proc/sys/fs/inotify/max_queued_events", O_RDONLY | O_CLOEXEC);
	struct usher_event event;
	long limit, n = 0;

	assert_true(read(fd, text, sizeof text - 1) > 0);
	close(fd);
	limit = atol(text);
	if (limit > 100000)
		skip_because("fs.inotify.max_queued_events is %ld", limit);
	for (long i = 0; i <= limit / 2; i++) {
		touch("flood");
		assert_int_equal(unlink(in_directory("flood")), 0);
	}
	while (usher_source_next(source, &event) == 0 && !(event.inotify.mask & IN_Q_OVERFLOW))
		n++;
	assert_int_equal(n, limit);
	assert_int_equal(event.inotify.mask, IN_Q_OVERFLOW);
	assert_int_equal(event.inotify.wd, -1);
	assert_int_equal(usher_source_next(source, &event), -EAGAIN);
	usher_source_free(source);
}

/* In a child, whose mount namespace is its own; no assertion ends it. */
static int unmount_watched(void *data) {
	const char *path = in_directory("mounted");
	struct usher_source *source;

	if (own_namespaces() < 0 || mkdir(path, 0755) < 0 ||
	    mount("tmpfs", path, "tmpfs", 0, NULL) < 0 || usher_inotify_new(&source) < 0 ||
	    usher_inotify_watch(source, path, IN_OPEN) < 0 || umount(path) < 0)
		return 1;
	return (masks(source) & ~(uint32_t)IN_ISDIR) == (IN_UNMOUNT | IN_IGNORED) ? 0 : 2;
}

static void a_file_system_that_is_unmounted_says_so(void **state) {
	int status;

	if (!namespaces_work())
		skip_because("there are no namespaces for an ordinary user here");
	status = in_child(unmount_watched, NULL);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void names_of_bits_are_read_and_written(void **state) {
	char *text;
	uint32_t mask;

	for (uint32_t bit = 1; bit; bit <<= 1) {
		assert_int_equal(usher_inotify_mask_to_string(bit, &text), 0);
		assert_int_equal(usher_inotify_mask_from_string(text, &mask), 0);
		assert_int_equal(mask, bit);
		free(text);
	}
	assert_int_equal(usher_inotify_mask_to_string(IN_CREATE | IN_ISDIR | 0x10000, &text), 0);
	assert_string_equal(text, "IN_CREATE IN_ISDIR 0x10000");
	free(text);
	assert_int_equal(usher_inotify_mask_from_string("IN_CLOSE|IN_MOVE, IN_ALL_EVENTS", &mask),
			 0);
	assert_int_equal(mask, IN_ALL_EVENTS);
	assert_int_equal(IN_CLOSE, IN_CLOSE_WRITE | IN_CLOSE_NOWRITE);
	assert_int_equal(usher_inotify_mask_from_string("", &mask), 0);
	assert_int_equal(mask, 0);
	assert_int_equal(usher_inotify_mask_from_string("IN_CREATE IN_CREAT", &mask), -EINVAL);
	assert_said("'IN_CREAT'");
	assert_int_equal(usher_inotify_mask_from_string("12x", &mask), -EINVAL);
	assert_int_equal(usher_inotify_mask_from_string("0x100000000", &mask), -EINVAL);
}

static void records_that_do_not_fit_are_refused(void **state) {
	union {
		struct inotify_event event;
		char bytes[64];
	} data = { .event = { 1, IN_CREATE, 0, 16 } };

	struct usher_inotify_event event;

	memcpy(data.bytes + sizeof data.event, "name", 5);
	assert_int_equal(usher_inotify_parse(&data, sizeof data.event + 16, &event),
			 sizeof data.event + 16);
	assert_string_equal(event.name, "name");
	assert_int_equal(usher_inotify_parse(&data, 0, &event), -EAGAIN);
	assert_int_equal(usher_inotify_parse(&data, sizeof data.event - 1, &event), -EBADMSG);
	assert_int_equal(usher_inotify_parse(&data, sizeof data.event + 15, &event), -EBADMSG);
	data.event.len = UINT32_MAX;
	assert_int_equal(usher_inotify_parse(&data, sizeof data, &event), -EBADMSG);
	data.event.len = 4;
	assert_int_equal(usher_inotify_parse(&data, sizeof data, &event), -EBADMSG);
}

static int touch_later(void *data) {
	usleep(40000);
	touch("once");
	return 0;
}

static void one_event_is_awaited_without_an_object(void **state) {
	uint32_t mask;
	char *name;
	pid_t child = fork();

	if (child == 0)
		_exit(touch_later(NULL));
	assert_int_equal(usher_inotify_once(directory, IN_CREATE, LONG_USEC, &mask, &name), 0);
	assert_string_equal(name, "once");
	assert_int_equal(mask, IN_CREATE);
	free(name);
	waitpid(child, NULL, 0);
	assert_int_equal(usher_inotify_once(directory, IN_CREATE, SHORT_USEC, &mask, &name),
			 -ETIMEDOUT);
	assert_int_equal(usher_inotify_once(in_directory("absent"), IN_OPEN, 0, &mask, &name),
			 -ENOENT);
}

/* ---- watches ---- */

static struct usher_inotify_watch *watch_of(struct usher_source *source, uint32_t mask,
					    size_t limit) {
	struct usher_inotify_watch *watch;

	assert_int_equal(usher_inotify_watch_new(source, directory, mask, limit, &watch), 0);
	return watch;
}

static void two_watches_of_one_directory_have_each_its_own_mask(void **state) {
	struct usher_source *source;
	struct usher_inotify_watch *creates, *deletes;
	struct usher_inotify_event event;
	struct usher_event raw;

	assert_int_equal(usher_inotify_new(&source), 0);
	creates = watch_of(source, IN_CREATE, 0);
	deletes = watch_of(source, IN_DELETE, 0);
	assert_int_equal(usher_source_next(source, &raw), -EBUSY);
	touch("pair");
	assert_int_equal(unlink(in_directory("pair")), 0);
	assert_int_equal(usher_inotify_watch_wait(creates, 0, NULL, 0, &event), 0);
	assert_int_equal(event.mask, IN_CREATE);
	assert_int_equal(usher_inotify_watch_wait(creates, 0, NULL, 0, &event), -EAGAIN);
	/* read while the other one was asked, and kept */
	assert_int_equal(usher_inotify_watch_wait(deletes, 0, NULL, 0, &event), 0);
	assert_int_equal(event.mask, IN_DELETE);
	assert_string_equal(event.name, "pair");
	/* The end of one is not the end of the other. */
	assert_int_equal(usher_inotify_watch_remove(creates), 0);
	touch("pair");
	assert_int_equal(unlink(in_directory("pair")), 0);
	assert_int_equal(usher_inotify_watch_wait(deletes, 0, NULL, LONG_USEC, &event), 0);
	assert_int_equal(event.mask, IN_DELETE);
	usher_inotify_watch_free(creates);
	usher_inotify_watch_free(deletes);
	usher_source_free(source);
}

static void a_watch_waits_for_a_name_and_a_bit(void **state) {
	struct usher_source *source;
	struct usher_inotify_watch *watch;
	struct usher_inotify_event event;

	assert_int_equal(usher_inotify_new(&source), 0);
	watch = watch_of(source, IN_CREATE | IN_OPEN, 0);
	touch("other");
	touch("foo");
	assert_int_equal(usher_inotify_watch_wait(watch, IN_CREATE, "foo", LONG_USEC, &event), 0);
	assert_int_equal(event.mask, IN_CREATE);
	assert_string_equal(event.name, "foo");
	assert_int_equal(usher_inotify_watch_wait(watch, 0, NULL, 0, &event), 0);
	assert_int_equal(event.mask, IN_OPEN);
	assert_int_equal(usher_inotify_watch_wait(watch, IN_CREATE, "foo", SHORT_USEC, &event),
			 -ETIMEDOUT);
	usher_inotify_watch_free(watch);
	usher_source_free(source);
}

static void a_watch_that_was_removed_says_so(void **state) {
	struct usher_source *source;
	struct usher_inotify_watch *watch, *other;
	struct usher_inotify_event event;

	assert_int_equal(usher_inotify_new(&source), 0);
	watch = watch_of(source, IN_CREATE, 0);
	touch("before-removal");
	assert_int_equal(usher_inotify_watch_remove(watch), 0);
	assert_int_equal(usher_inotify_watch_wait(watch, 0, NULL, LONG_USEC, &event), -ENOENT);
	assert_said("removed");
	assert_int_equal(usher_inotify_watch_remove(watch), -ENOENT);
	usher_inotify_watch_free(watch);
	/* What is told of a watch that nobody has any more is told to nobody, and harms nobody. */
	other = watch_of(source, IN_CREATE, 0);
	touch("after-removal");
	assert_int_equal(usher_inotify_watch_wait(other, 0, NULL, LONG_USEC, &event), 0);
	assert_string_equal(event.name, "after-removal");
	/* The directory goes: the last thing that is told. */
	assert_int_equal(mkdir(in_directory("going"), 0755), 0);
	assert_int_equal(usher_inotify_watch_new(source, in_directory("going"), IN_DELETE_SELF, 0,
						 &watch),
			 0);
	assert_int_equal(rmdir(in_directory("going")), 0);
	assert_int_equal(usher_inotify_watch_wait(watch, IN_IGNORED, NULL, LONG_USEC, &event), 0);
	assert_int_equal(usher_inotify_watch_wait(watch, 0, NULL, LONG_USEC, &event), -ENOENT);
	assert_int_equal(usher_source_close(source), 0);
	while (usher_inotify_watch_wait(other, 0, NULL, 0, &event) == 0)
		;
	assert_int_equal(usher_inotify_watch_wait(other, 0, NULL, 0, &event), -EBADF);
	usher_inotify_watch_free(watch);
	usher_inotify_watch_free(other);
	usher_source_free(source);
}

static void a_watch_keeps_what_its_limit_allows_and_says_that_there_was_more(void **state) {
	struct usher_source *source;
	struct usher_inotify_watch *narrow, *wide;
	struct usher_inotify_event event;
	char name[16];

	assert_int_equal(usher_inotify_new(&source), 0);
	narrow = watch_of(source, IN_CREATE, 3);
	wide = watch_of(source, IN_CREATE, 0);
	for (int i = 0; i < 5; i++) {
		(void)snprintf(name, sizeof name, "limit-%d", i);
		touch(name);
	}
	for (int i = 0; i < 5; i++)
		assert_int_equal(usher_inotify_watch_wait(wide, 0, NULL, 0, &event), 0);
	for (int i = 0; i < 3; i++) {
		(void)snprintf(name, sizeof name, "limit-%d", i);
		assert_int_equal(usher_inotify_watch_wait(narrow, 0, NULL, 0, &event), 0);
		assert_string_equal(event.name, name);
	}
	/* Whoever waits for one that was lost has to be told. */
	assert_int_equal(usher_inotify_watch_wait(narrow, IN_CREATE, "limit-4", 0, &event), 0);
	assert_int_equal(event.mask, IN_Q_OVERFLOW);
	assert_int_equal(usher_inotify_watch_wait(narrow, 0, NULL, 0, &event), -EAGAIN);
	usher_inotify_watch_free(narrow);
	usher_inotify_watch_free(wide);
	assert_int_equal(usher_inotify_watch_new(source, directory, IN_ONESHOT, 0, &wide), -EINVAL);
	usher_source_free(source);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_bit_comes_when_that_happens_and_alone),
		cmocka_unit_test(the_watched_one_tells_of_itself_and_of_its_end),
		cmocka_unit_test(names_are_the_bytes_of_the_file_system),
		cmocka_unit_test(both_halves_of_a_move_have_one_cookie),
		cmocka_unit_test(flags_of_a_watch_are_obeyed),
		cmocka_unit_test(an_unwatched_directory_is_silent),
		cmocka_unit_test(a_full_queue_says_that_something_was_lost),
		cmocka_unit_test(a_file_system_that_is_unmounted_says_so),
		cmocka_unit_test(names_of_bits_are_read_and_written),
		cmocka_unit_test(records_that_do_not_fit_are_refused),
		cmocka_unit_test(one_event_is_awaited_without_an_object),
		cmocka_unit_test(two_watches_of_one_directory_have_each_its_own_mask),
		cmocka_unit_test(a_watch_waits_for_a_name_and_a_bit),
		cmocka_unit_test(a_watch_that_was_removed_says_so),
		cmocka_unit_test(a_watch_keeps_what_its_limit_allows_and_says_that_there_was_more),
	};

	return cmocka_run_group_tests(tests, directory_make, directory_remove);
}
