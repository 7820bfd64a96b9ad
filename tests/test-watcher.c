/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parts of a watcher that need no kernel but for comparison: who may look into a directory, the
 * table of directories, the journal, what waits to be told, and what is read of fanotify.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "support.h"
#include "watcher/access.h"
#include "watcher/backlog.h"
#include "watcher/exclude.h"
#include "watcher/group.h"
#include "watcher/hints.h"
#include "watcher/journal.h"
#include "watcher/node.h"

/* ---- rights, beside the kernel's own judgement ---- */

enum { PERSONS = 500, DIRECTORIES = 200, FIRST_ID = 51000, IDS = 6, ACL_MAX = 4 + 16 * 8 };

static unsigned random_state = 1;

static unsigned roll(unsigned sides) {
	random_state = random_state * 1103515245U + 12345;
	return random_state >> 8 & 0xffff ? (random_state >> 8 & 0xffff) % sides : 0;
}

static size_t put(uint8_t *list, size_t at, uint16_t tag, uint16_t allowed, uint32_t id) {
	const uint16_t head[] = { tag, allowed };

	memcpy(list + at, head, sizeof head);
	memcpy(list + at + sizeof head, &id, sizeof id);
	return at + 8;
}

static size_t random_list(uint8_t list[ACL_MAX]) {
	const uint32_t version = 2, none = UINT32_MAX;
	size_t at = sizeof version;
	unsigned users = roll(3), groups = roll(3);

	memcpy(list, &version, sizeof version);
	at = put(list, at, 0x01, (uint16_t)roll(8), none);
	for (unsigned i = 0; i < users; i++)
		at = put(list, at, 0x02, (uint16_t)roll(8), FIRST_ID + 2 * i + roll(2));
	at = put(list, at, 0x04, (uint16_t)roll(8), none);
	for (unsigned i = 0; i < groups; i++)
		at = put(list, at, 0x08, (uint16_t)roll(8), FIRST_ID + 2 * i + roll(2));
	at = put(list, at, 0x10, (uint16_t)roll(8), none);
	return put(list, at, 0x20, (uint16_t)roll(8), none);
}

/* Of the directory, which is given random rights. False if it cannot have a list. */
static bool set_rights(const char *path, uint8_t *list, struct access_rights *ret) {
	struct stat st;
	ssize_t n;

	assert_int_equal(chown(path, FIRST_ID + roll(IDS), FIRST_ID + roll(IDS)), 0);
	(void)removexattr(path, "system.posix_acl_access");
	assert_int_equal(chmod(path, roll(0777 + 1)), 0);
	if (roll(2)) {
		size_t size = random_list(list);

		if (setxattr(path, "system.posix_acl_access", list, size, 0) < 0)
			return false;
	}
	n = getxattr(path, "system.posix_acl_access", list, ACL_MAX);
	assert_int_equal(stat(path, &st), 0);
	*ret = (struct access_rights){ st.st_uid, st.st_gid, st.st_mode, list,
				       n > 0 ? (size_t)n : 0 };
	return true;
}

static size_t compare_one(const char *path, const struct access_rights *rights,
			  const struct access_person *person) {
	size_t wrong = 0;

	assert_int_equal(syscall(SYS_setresuid, -1, person->uid, -1), 0);
	for (unsigned wanted = 1; wanted < 8; wanted++) {
		bool kernel = faccessat(AT_FDCWD, path, (int)wanted, AT_EACCESS) == 0;

		wrong += access_is_allowed(rights, person, wanted) != kernel;
	}
	assert_int_equal(syscall(SYS_setresuid, -1, 0, -1), 0);
	return wrong;
}

static void become(const gid_t *groups, size_t n, gid_t gid) {
	assert_int_equal(syscall(SYS_setgroups, n, groups), 0);
	assert_int_equal(syscall(SYS_setresgid, -1, gid, -1), 0);
}

static void rights_are_judged_as_the_kernel_does(void **state) {
	char path[] = "/tmp/usher-test-XXXXXX";
	static uint8_t list[ACL_MAX];
	size_t wrong = 0, lists = 0;

	if (geteuid() != 0)
		skip();
	assert_non_null(mkdtemp(path));
	for (int i = 0; i < PERSONS; i++) {
		gid_t groups[2] = { FIRST_ID + roll(3), FIRST_ID + 3 + roll(3) };
		const struct access_person person = { FIRST_ID + roll(IDS), FIRST_ID + roll(IDS),
						      groups, roll(3) };

		become(groups, person.n_groups, person.gid);
		for (int j = 0; j < DIRECTORIES; j++) {
			struct access_rights rights;

			if (!set_rights(path, list, &rights))
				continue;
			lists += rights.acl_size > 0;
			wrong += compare_one(path, &rights, &person);
		}
	}
	become(NULL, 0, 0);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(wrong, 0);
	if (lists == 0)
		print_message("/tmp has no access control lists: only modes were compared\n");
}

static void a_list_that_was_cut_short_allows_nothing(void **state) {
	uint8_t list[ACL_MAX];
	size_t size = random_list(list);
	const struct access_person nobody = { .uid = 1, .gid = 1 };
	struct access_rights rights = { .uid = 2, .gid = 2, .mode = 0777, .acl = list };

	rights.acl_size = size - 8; /* without the entry of others */
	assert_false(access_is_allowed(&rights, &nobody, ACCESS_EXECUTE));
}

/* ---- directories ---- */

static struct handle handle_number(uint32_t number, uint8_t space[HANDLE_MAX]) {
	const uint32_t words[] = { 8, 1, number, 0 };

	memcpy(space, words, sizeof words);
	return (struct handle){ space, sizeof words };
}

static uint32_t add(struct nodes *nodes, uint32_t number, uint32_t parent, const char *name) {
	uint8_t space[HANDLE_MAX];
	const struct handle handle = handle_number(number, space);

	return nodes_add(nodes, &handle, parent, name, strlen(name));
}

static uint32_t find(struct nodes *nodes, uint32_t number) {
	uint8_t space[HANDLE_MAX];
	const struct handle handle = handle_number(number, space);

	return nodes_find(nodes, &handle);
}

static void a_directory_is_found_until_it_is_dropped(void **state) {
	struct nodes nodes;
	uint32_t top;

	assert_int_equal(nodes_begin(&nodes, 1 << 20), 0);
	top = add(&nodes, 0, 0, "");
	for (uint32_t i = 1; i < 5000; i++)
		assert_int_not_equal(add(&nodes, i, top, "name"), 0);
	for (uint32_t i = 1; i < 5000; i += 2)
		nodes_drop(&nodes, find(&nodes, i));
	for (uint32_t i = 1; i < 5000; i++)
		assert_int_equal(find(&nodes, i) != 0, i % 2 == 0);
	assert_int_equal(nodes.node[top].children, 2499);
	nodes_done(&nodes);
}

static void a_directory_is_never_moved_below_itself(void **state) {
	struct nodes nodes;
	uint32_t top, one, two;

	assert_int_equal(nodes_begin(&nodes, 100), 0);
	top = add(&nodes, 1, 0, "");
	one = add(&nodes, 2, top, "one");
	two = add(&nodes, 3, one, "two");
	assert_false(nodes_move(&nodes, one, two, "one", 3));
	assert_true(nodes_move(&nodes, two, top, "three", 5));
	assert_true(nodes_move(&nodes, one, two, "one", 3));
	assert_true(nodes_is_above(&nodes, two, one));
	nodes_done(&nodes);
}

static void what_is_dropped_stays_as_long_as_something_is_below_it(void **state) {
	struct nodes nodes;
	uint32_t top, one, two;

	assert_int_equal(nodes_begin(&nodes, 100), 0);
	top = add(&nodes, 1, 0, "");
	one = add(&nodes, 2, top, "one");
	two = add(&nodes, 3, one, "two");
	nodes_drop(&nodes, one);
	assert_int_equal(find(&nodes, 2), 0);
	assert_int_equal(nodes.node[two].parent, one);
	nodes_drop(&nodes, two);
	assert_int_equal(nodes.node[top].children, 0);
	nodes_done(&nodes);
}

static void there_are_never_many_more_than_there_may_be(void **state) {
	struct nodes nodes;
	uint32_t top, kept;

	assert_int_equal(nodes_begin(&nodes, 1000), 0);
	top = add(&nodes, 0, 0, "");
	kept = add(&nodes, 1, top, "kept");
	nodes.node[kept].spot = 1;
	for (uint32_t i = 2; i < 20000; i++) {
		(void)add(&nodes, i, top, "name");
		nodes_trim(&nodes);
		assert_true(nodes.live <= 1001);
	}
	assert_int_equal(find(&nodes, 0), top);
	assert_int_equal(find(&nodes, 1), kept);
	assert_true(nodes.n < 2000);
	nodes_done(&nodes);
}

/* ---- the journal ---- */

static void a_journal_goes_on_where_the_last_one_ended(void **state) {
	struct journal first, second;
	uint8_t space[HANDLE_MAX];
	const struct handle handle = handle_number(7, space);
	struct handle found;
	uint32_t at = 0;
	uint64_t clock;
	int none = -1, copy;

	assert_int_equal(journal_open(&first, &none), 0);
	clock = journal_tick(&first);
	(void)journal_note(&first, 0, &handle, clock);
	journal_set_busy(&first, true);
	copy = dup(first.fd);
	journal_close(&first);

	assert_int_equal(journal_open(&second, &copy), 0);
	assert_int_equal(copy, -1);
	assert_true(second.interrupted);
	assert_int_equal(journal_clock(&second), clock);
	assert_true(journal_next(&second, clock - 1, &at, &found));
	assert_true(handle_is(&found, &handle));
	assert_false(journal_next(&second, clock - 1, &at, &found));
	at = 0;
	assert_false(journal_next(&second, clock, &at, &found));
	journal_close(&second);
}

static void a_journal_that_is_full_knows_from_when_it_knows(void **state) {
	struct journal journal;
	uint8_t space[HANDLE_MAX];
	struct handle handle;
	uint64_t begin;
	uint32_t entry, at = 0, n = 0;
	int none = -1;

	assert_int_equal(journal_open(&journal, &none), 0);
	begin = journal_floor(&journal);
	entry = 0;
	handle = handle_number(0, space);
	for (uint32_t i = 0; i < 1000; i++)
		entry = journal_note(&journal, entry, &handle, journal_tick(&journal));
	assert_int_equal(journal_floor(&journal), begin);
	for (uint32_t i = 1; i < 70000; i++) {
		handle = handle_number(i, space);
		(void)journal_note(&journal, 0, &handle, journal_tick(&journal));
	}
	assert_true(journal_floor(&journal) > begin);
	while (journal_next(&journal, journal_floor(&journal), &at, &handle))
		n++;
	assert_int_equal(journal_clock(&journal) - journal_floor(&journal), n);
	journal_close(&journal);
}

static void a_descriptor_that_is_no_journal_is_not_believed(void **state) {
	struct journal journal;
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(journal_open(&journal, &fd), 0);
	assert_true(journal.interrupted);
	journal_close(&journal);
	(void)close(fd);
}

/* ---- what waits ---- */

static struct happening happening_of(uint32_t events, const char *path, const char *old_path) {
	return (struct happening){
		.events = events,
		.path = path,
		.path_length = strlen(path),
		.old_path = old_path,
		.old_path_length = old_path ? strlen(old_path) : 0,
	};
}

static void the_same_event_of_the_same_path_waits_once_at_its_latest_place(void **state) {
	struct backlog backlog = { .room = 10 };
	const struct happening made = happening_of(USHER_WATCH_CREATE, "a", NULL);
	const struct happening gone = happening_of(USHER_WATCH_DELETE, "a", NULL);
	const struct happening moved = happening_of(USHER_WATCH_MOVE, "a", "b");

	assert_int_equal(backlog_add(&backlog, &made), 0);
	assert_int_equal(backlog_add(&backlog, &gone), 0);
	assert_int_equal(backlog_add(&backlog, &moved), 0);
	assert_int_equal(backlog_add(&backlog, &made), 0);
	assert_int_equal(backlog.n, 3);
	assert_int_equal(backlog.first->happening.events, USHER_WATCH_DELETE);
	assert_int_equal(backlog.last->happening.events, USHER_WATCH_CREATE);
	backlog_drop(&backlog, 1);
	assert_int_equal(backlog.first->happening.events, USHER_WATCH_MOVE);
	assert_string_equal(backlog.first->happening.old_path, "b");
	backlog_drop(&backlog, SIZE_MAX);
	assert_int_equal(backlog.n, 0);
	assert_null(backlog.first);
}

static void no_more_waits_than_there_is_room_for(void **state) {
	struct backlog backlog = { .room = 2 };
	const struct happening three =
		happening_of(USHER_WATCH_CREATE | USHER_WATCH_MODIFY | USHER_WATCH_ATTRIB, "a",
			     NULL);

	assert_int_equal(backlog_add(&backlog, &three), -ENOBUFS);
	assert_int_equal(backlog.n, 2);
	backlog_drop(&backlog, SIZE_MAX);
}

static void of_many_directories_to_list_anew_there_are_all(void **state) {
	struct hints hints = { 0 }, others = { 0 };
	char name[16];

	for (int i = 0; i < HINTS_MAX; i++) {
		int length = snprintf(name, sizeof name, "d%d", i);

		hints_add(&hints, name, (size_t)length, 1);
		hints_add(&hints, name, (size_t)length, 2);
	}
	assert_int_equal(hints.n, HINTS_MAX);
	assert_false(hints.all);
	hints_move(&others, &hints);
	assert_false(hints_any(&hints));
	hints_add(&others, "one more", 8, 3);
	assert_true(others.all);
	assert_int_equal(others.n, 0);
	assert_int_equal(others.clock, 3);
	hints_clear(&others);
}

static void a_glob_excludes_by_name_by_path_and_all_that_is_below(void **state) {
	char *globs[] = { (char[]){ "*.o" }, (char[]){ "node_modules" }, (char[]){ "a/b*" } };

	static const struct {
		const char *path;
		bool matches;
	} cases[] = {
		{ "x.o", true },
		{ "deep/x.o", true },
		{ "x.c", false },
		{ "", false },
		{ "node_modules", true },
		{ "p/node_modules/q/r", true },
		{ "my_node_modules", false },
		{ "a/bc/d", true },
		{ "x/a/bc", false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(exclude_matches(globs, 3, cases[i].path, strlen(cases[i].path),
						 UINT64_MAX),
				 cases[i].matches);
}

/* ---- what is read ---- */

static size_t put_record(uint8_t *buffer, size_t at, uint8_t type, const char *name) {
	size_t length = sizeof(struct fanotify_event_info_header) + 8 + HANDLE_HEAD + 8 +
			(name ? strlen(name) + 1 : 0);
	const struct fanotify_event_info_header header = { type, 0,
							   (uint16_t)((length + 3) & ~3U) };
	const uint32_t handle[] = { 8, 1, 42, 43 };

	memcpy(buffer + at, &header, sizeof header);
	memcpy(buffer + at + sizeof header + 8, handle, sizeof handle);
	if (name)
		memcpy(buffer + at + sizeof header + 8 + sizeof handle, name, strlen(name) + 1);
	return at + header.len;
}

static size_t put_rename(uint8_t *buffer) {
	struct fanotify_event_metadata head = {
		.vers = FANOTIFY_METADATA_VERSION,
		.metadata_len = sizeof head,
		.mask = FAN_RENAME,
		.fd = FAN_NOFD,
		.pid = 5,
	};
	size_t size = put_record(buffer, sizeof head, FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, "old");

	size = put_record(buffer, size, FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, "new");
	size = put_record(buffer, size, FAN_EVENT_INFO_TYPE_FID, NULL);
	head.event_len = (uint32_t)size;
	memcpy(buffer, &head, sizeof head);
	return size;
}

static void a_move_is_read_with_both_its_ends(void **state) {
	uint8_t buffer[512] = { 0 };
	size_t size = put_rename(buffer), at = 0;
	struct group_event event;

	assert_int_equal(group_count(buffer, size), 1);
	assert_int_equal(group_parse(buffer, size, &at, &event), 1);
	assert_string_equal(event.name, "new");
	assert_string_equal(event.old_name, "old");
	assert_int_equal(event.object.size, HANDLE_HEAD + 8);
	assert_int_equal(event.pid, 5);
	assert_int_equal(group_parse(buffer, size, &at, &event), 0);
}

static void an_event_that_is_cut_short_is_not_read(void **state) {
	uint8_t buffer[512] = { 0 };
	size_t size = put_rename(buffer);
	struct group_event event;

	for (size_t i = 1; i < size; i++) {
		uint8_t *part = malloc(i); /* so that whoever reads beyond it is caught */
		size_t at = 0;

		assert_non_null(part);
		memcpy(part, buffer, i);
		assert_int_equal(group_parse(part, i, &at, &event), -EBADMSG);
		free(part);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rights_are_judged_as_the_kernel_does),
		cmocka_unit_test(a_list_that_was_cut_short_allows_nothing),
		cmocka_unit_test(a_directory_is_found_until_it_is_dropped),
		cmocka_unit_test(a_directory_is_never_moved_below_itself),
		cmocka_unit_test(what_is_dropped_stays_as_long_as_something_is_below_it),
		cmocka_unit_test(there_are_never_many_more_than_there_may_be),
		cmocka_unit_test(a_journal_goes_on_where_the_last_one_ended),
		cmocka_unit_test(a_journal_that_is_full_knows_from_when_it_knows),
		cmocka_unit_test(a_descriptor_that_is_no_journal_is_not_believed),
		cmocka_unit_test(the_same_event_of_the_same_path_waits_once_at_its_latest_place),
		cmocka_unit_test(no_more_waits_than_there_is_room_for),
		cmocka_unit_test(of_many_directories_to_list_anew_there_are_all),
		cmocka_unit_test(a_glob_excludes_by_name_by_path_and_all_that_is_below),
		cmocka_unit_test(a_move_is_read_with_both_its_ends),
		cmocka_unit_test(an_event_that_is_cut_short_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
