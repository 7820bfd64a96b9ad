/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mount table: out of mountinfo, whatever names are in it, and the same from the kernel's
 * calls. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount-table.h"
#include "mountinfo.h"
#include "support.h"

/* Parses, and expects that many entries; the caller lets go of the table. */
static struct mount_table parsed(const char *text, size_t n) {
	_cleanup_free_ char *copy = strdup(text);
	struct mount_table table = { 0 };

	assert_non_null(copy);
	assert_int_equal(mount_table_parse(&table, copy), 0);
	assert_int_equal(table.n, n);
	return table;
}

static void assert_options(const Usher__MountEntry *entry, const char *const *expected) {
	size_t n = 0;

	for (; expected[n]; n++) {
		assert_true(n < entry->n_options);
		assert_string_equal(entry->options[n], expected[n]);
	}
	assert_int_equal(entry->n_options, n);
}

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void a_line_has_all_its_fields(void **state) {
	struct mount_table table =
		parsed("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root "
		       "rw,errors=continue\n",
		       1);
	const Usher__MountEntry *entry = table.entries[0];

	(void)state;
	assert_true(entry->has_id && entry->id == 36);
	assert_true(entry->has_parent && entry->parent == 35);
	assert_string_equal(entry->target, "/mnt2");
	assert_string_equal(entry->fstype, "ext3");
	assert_string_equal(entry->source, "/dev/root");
	assert_string_equal(entry->propagation, "slave");
	assert_options(entry, LIST("rw", "noatime", "errors=continue"));
	assert_false(entry->has_owner);
	assert_null(entry->object);
	mount_table_done(&table);
	assert_null(table.entries);
}

static void assert_propagation(const char *tags, const char *word) {
	char line[256];
	struct mount_table table;

	(void)snprintf(line, sizeof line, "1 2 0:1 / /x rw%s%s - tmpfs t rw\n", *tags ? " " : "",
		       tags);
	table = parsed(line, 1);
	assert_string_equal(table.entries[0]->propagation, word);
	mount_table_done(&table);
}

static void tags_tell_the_propagation(void **state) {
	(void)state;
	assert_propagation("", "private");
	assert_propagation("shared:5", "shared");
	assert_propagation("master:5", "slave");
	assert_propagation("shared:5 master:6", "shared,slave");
	assert_propagation("master:5 propagate_from:2", "slave");
	assert_propagation("unbindable", "unbindable");
	assert_propagation("something:new", "private");
}

static void escapes_become_bytes_again(void **state) {
	struct mount_table table = parsed(
		"1 2 0:1 / /a\\040b\\011c\\012d\\134e\\043 rw - tmpfs s\\040t\\134040 rw,x=\\040y\\054z\n"
		"2 2 0:1 / /\xff\xc3\xbc rw - tmpfs none rw\n",
		2);

	(void)state;
	assert_string_equal(table.entries[0]->target, "/a b\tc\nd\\e#");
	assert_string_equal(table.entries[0]->source, "s t\\040");
	assert_options(table.entries[0], LIST("rw", "x= y,z"));
	assert_string_equal(table.entries[1]->target, "/\xff\xc3\xbc");
	mount_table_done(&table);
}

static void a_deleted_root_is_no_other_target(void **state) {
	struct mount_table table = parsed("1 2 0:1 /dir//deleted /mnt rw - ext4 /dev/sda rw\n"
					  "3 2 0:1 / /gone\\040(deleted) rw - ext4 /dev/sda rw\n",
					  2);

	(void)state;
	assert_string_equal(table.entries[0]->target, "/mnt");
	assert_string_equal(table.entries[1]->target, "/gone (deleted)");
	mount_table_done(&table);
}

static void the_mounts_own_word_for_writing_counts(void **state) {
	struct mount_table table = parsed("1 2 0:1 / /a ro,nosuid - tmpfs t rw,size=5k\n"
					  "2 2 0:1 / /b rw - tmpfs t ro,size=5k,ro,rw\n",
					  2);

	(void)state;
	assert_options(table.entries[0], LIST("ro", "nosuid", "size=5k"));
	assert_options(table.entries[1], LIST("rw", "size=5k"));
	mount_table_done(&table);
}

static void bad_lines_are_left_out_and_the_others_are_not(void **state) {
	static const char *const bad[] = {
		"",
		" ",
		"x",
		"1",
		"1 2 0:1 / /x",
		"1 2 0:1 / /x rw",
		"1 2 0:1 / /x rw -",
		"1 2 0:1 / /x rw - tmpfs",
		"1 2 0:1 / /x rw - tmpfs t",
		"1 2 0:1 / /x rw shared:1",
		"1 2 0:1 / /x rw shared:1 master:2 tmpfs t rw",
	};

	(void)state;
	for (size_t i = 0; i < N_OF(bad); i++) {
		char text[512];
		struct mount_table table;

		(void)snprintf(text, sizeof text,
			       "7 2 0:1 / /a rw - tmpfs t rw\n%s\n8 2 0:1 / /b rw - tmpfs t rw\n",
			       bad[i]);
		table = parsed(text, 2);
		assert_string_equal(table.entries[1]->target, "/b");
		mount_table_done(&table);
		table = parsed(bad[i], 0);
		mount_table_done(&table);
	}
}

static void a_last_line_without_an_end_counts(void **state) {
	struct mount_table table = parsed("7 2 0:1 / /a rw - tmpfs t rw", 1);

	(void)state;
	mount_table_done(&table);
}

/* Three octal digits make a byte; a backslash before anything else is itself. */
static void what_is_no_escape_stays_as_it_is(void **state) {
	struct mount_table table;

	(void)state;
	table = parsed("1 2 0:1 / /a\\8bcd\\1zz\\-12x\\ rw - tmpfs \\+7x rw,a=\\777\n", 1);
	assert_string_equal(table.entries[0]->target, "/a\\8bcd\\1zz\\-12x\\");
	assert_string_equal(table.entries[0]->source, "\\+7x");
	mount_table_done(&table);
}

static void an_escape_at_the_end_of_the_text_is_not_read_beyond_it(void **state) {
	static const char *const ends[] = { "\\", "\\0", "\\04", "\\040", "\\x" };

	(void)state;
	for (size_t i = 0; i < N_OF(ends); i++) {
		char line[256];
		struct mount_table table;

		(void)snprintf(line, sizeof line, "1 2 0:1 / /a%s rw - tmpfs t%s rw,o=%s", ends[i],
			       ends[i], ends[i]);
		table = parsed(line, 1);
		mount_table_done(&table);
	}
}

static void the_longest_path_arrives_whole(void **state) {
	char path[4096], line[3 * 4096 + 100];
	struct mount_table table;

	(void)state;
	memset(path, 'x', sizeof path);
	*path = '/';
	path[4095] = '\0';
	(void)snprintf(line, sizeof line, "1 2 0:1 / %s rw - tmpfs %s rw,lowerdir=%s\n", path, path,
		       path);
	table = parsed(line, 1);
	assert_string_equal(table.entries[0]->target, path);
	assert_string_equal(table.entries[0]->source, path);
	assert_int_equal(strlen(table.entries[0]->options[1]), 4095 + strlen("lowerdir="));
	mount_table_done(&table);
}

static void many_lines_are_many_entries_and_each_is_found_by_its_id(void **state) {
	enum { N = 5000 };

	char *text = malloc((size_t)N * 64);
	struct mount_table table;
	size_t used = 0;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < N; i++)
		used += (size_t)sprintf(text + used, "%d 1 0:1 / /mnt/%d rw - tmpfs t rw\n", i + 10,
					i);
	table = parsed(text, N);
	for (uint64_t i = 0; i < N; i++)
		assert_ptr_equal(mount_table_find(&table, i + 10), table.entries[i]);
	assert_null(mount_table_find(&table, 9));
	assert_null(mount_table_find(&table, N + 10));
	mount_table_done(&table);
	free(text);
}

static void what_is_mounted_on_a_mount_and_below_is_found(void **state) {
	/* 12 was moved onto what was mounted later */
	static const char text[] = "10 1 0:1 / /a rw - tmpfs t rw\n"
				   "11 10 0:1 / /a/b rw - tmpfs t rw\n"
				   "12 15 0:1 / /a/b/c/d rw - tmpfs t rw\n"
				   "13 1 0:1 / /ab rw - tmpfs t rw\n"
				   "14 13 0:1 / /ab/c rw - tmpfs t rw\n"
				   "15 11 0:1 / /a/b/c rw - tmpfs t rw\n";
	char *copy = strdup(text);
	struct mount_table table;
	uint64_t found[3];
	size_t n;

	(void)state;
	assert_non_null(copy);
	table = parsed(copy, 6);
	assert_int_equal(mount_table_descendants(&table, 10, found, 3, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(found[0] + found[1] + found[2], 11 + 12 + 15);
	assert_int_equal(mount_table_descendants(&table, 10, found, 2, &n), -E2BIG);
	assert_int_equal(mount_table_descendants(&table, 14, found, 3, &n), 0);
	assert_int_equal(n, 0);
	mount_table_done(&table);
	free(copy);
}

/* ---- the kernel's two answers ---- */

static int by_text(const void *a, const void *b) {
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All that both ways tell of a mount, in one line that can be sorted. */
static char *line_of(const Usher__MountEntry *entry) {
	size_t size = 64;
	char *line;

	qsort(entry->options, entry->n_options, sizeof *entry->options, by_text);
	size += strlen(entry->target) + strlen(entry->source) + strlen(entry->fstype);
	for (size_t i = 0; i < entry->n_options; i++)
		size += strlen(entry->options[i]) + 1;
	line = malloc(size);
	(void)sprintf(line, "%s [%s] %s %s", entry->target, entry->source, entry->fstype,
		      entry->propagation);
	for (size_t i = 0; i < entry->n_options; i++)
		strcat(strcat(line, " "), entry->options[i]);
	return line;
}

static char **lines_of(const struct mount_table *table) {
	char **lines = calloc(table->n + 1, sizeof *lines);

	for (size_t i = 0; i < table->n; i++)
		lines[i] = line_of(table->entries[i]);
	qsort(lines, table->n, sizeof *lines, by_text);
	return lines;
}

static void lines_free(char **lines, size_t n) {
	while (n > 0)
		free(lines[--n]);
	free(lines);
}

/* Of a mount that is not covered, the one question brings its line. */
static bool is_told_alike(const struct mountinfo *line) {
	_cleanup_close_ int fd = open(line->target, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_free_ void *space = NULL;
	struct mountinfo asked;
	struct statx stx;

	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &stx) < 0 ||
	    stx.stx_mnt_id != line->id)
		return true;
	if (mount_table_ask(fd, &asked, &space) == 0 && asked.id == line->id &&
	    asked.parent == line->parent && asked.device == line->device &&
	    strcmp(asked.root, line->root) == 0 && strcmp(asked.target, line->target) == 0 &&
	    strncmp(asked.type, line->type, strcspn(line->type, ".")) == 0 &&
	    strcmp(asked.source, line->source) == 0 &&
	    !strstr(line->options, "idmapped") == !*asked.options)
		return true;
	printf("# another is told of by statmount: %.300s\n", line->target);
	return false;
}

static bool are_told_alike(int proc) {
	_cleanup_free_ char *text = NULL;
	struct mountinfo line;
	char *rest;

	if (mountinfo_read(proc, "self", &text) < 0)
		return false;
	for (rest = text; mountinfo_next(&rest, &line);)
		if (!is_told_alike(&line))
			return false;
	return true;
}

enum { SAME, DIFFERENT, ONLY_ONE_WAY, FAILED };

/* Whether both ways tell the same; says on standard output where they do not. */
static int compare(void) {
	_cleanup_close_ int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct mount_table one = { 0 }, other = { 0 };
	int r = mount_table_read_kernel(&one), result = SAME;
	char **a, **b;

	if (r == -EOPNOTSUPP) {
		mount_table_done(&one);
		return ONLY_ONE_WAY;
	}
	if (r < 0 || mount_table_read_mountinfo(&other, proc) < 0) {
		mount_table_done(&one);
		return FAILED;
	}
	a = lines_of(&one);
	b = lines_of(&other);
	for (size_t i = 0; i < one.n && i < other.n && result == SAME; i++)
		if (strcmp(a[i], b[i]) != 0) {
			printf("# by listmount: %.300s\n# by mountinfo: %.300s\n", a[i], b[i]);
			result = DIFFERENT;
		}
	if (one.n != other.n) {
		printf("# %zu mounts by listmount, %zu by mountinfo\n", one.n, other.n);
		result = DIFFERENT;
	}
	if (!are_told_alike(proc))
		result = DIFFERENT;
	(void)fflush(stdout);
	lines_free(a, one.n);
	lines_free(b, other.n);
	mount_table_done(&one);
	mount_table_done(&other);
	return result;
}

static void what_is_below_a_name_is_counted(void **state) {
	static const struct {
		const char *real;
		size_t n;
	} names[] = {
		{ "/", 7 }, { "/a", 3 }, { "/a/b", 1 }, { "/ab", 0 }, { "/x", 0 }, { "/a/b/c", 0 },
	};

	char text[] = "1 0 0:1 / / rw - a a rw\n"
		      "2 1 0:1 / /a rw - a a rw\n"
		      "3 2 0:1 / /a/b rw - a a rw\n"
		      "4 3 0:1 / /a/b/c rw - a a rw\n"
		      "5 2 0:1 / /a/\\040 rw - a a rw\n"
		      "6 1 0:1 / /ab rw - a a rw\n"
		      "7 2 0:1 / /a rw - a a rw\n"
		      "8 1 0:1 / /c rw - a a rw\n";
	struct mount_table table = { 0 };

	(void)state;
	assert_int_equal(mount_table_parse(&table, text), 0);
	for (size_t i = 0; i < N_OF(names); i++)
		if (mount_table_below(&table, names[i].real) != names[i].n)
			fail_msg("%s: %zu", names[i].real,
				 mount_table_below(&table, names[i].real));
	mount_table_done(&table);
}

static void both_ways_tell_the_same_about_this_process(void **state) {
	int result = compare();

	(void)state;
	if (result == ONLY_ONE_WAY)
		skip_because("this kernel's statmount says less than mountinfo");
	assert_int_equal(result, SAME);
}

static char base[64];

static int mount_at(const char *name, const char *source, unsigned long flags, const char *data) {
	char path[256];

	(void)snprintf(path, sizeof path, "%s/%s", base, name);
	if (mkdir(path, 0700) < 0 || mount(source, path, "tmpfs", flags, data) < 0)
		return -1;
	return 0;
}

static int change(const char *name, unsigned long flags) {
	char path[256];

	(void)snprintf(path, sizeof path, "%s/%s", base, name);
	return mount(NULL, path, NULL, flags, NULL);
}

/* Mounts with all that makes names and flags hard to tell. */
static int compare_in_namespace(void *data) {
	(void)data;
	if (own_namespaces() < 0 || mount("base", base, "tmpfs", 0, NULL) < 0 ||
	    mount_at("plain", "plain", 0, NULL) < 0 ||
	    mount_at("a b\tc\nd", "s p\ta\nce", 0, NULL) < 0 ||
	    mount_at("back\\slash", "x\\y", 0, NULL) < 0 || mount_at("ha#sh", "x#y", 0, NULL) < 0 ||
	    mount_at("\xff\xfe", "\xfd", 0, NULL) < 0 ||
	    mount_at("comma,x", "a,b", 0, "size=5m") < 0 ||
	    mount_at("strict", "s", MS_STRICTATIME | MS_NOSUID | MS_NODEV, NULL) < 0 ||
	    mount_at("none", "s", MS_NOATIME | MS_NODIRATIME | MS_NOEXEC | MS_RDONLY, NULL) < 0 ||
	    mount_at("shared", "s", 0, NULL) < 0 || change("shared", MS_SHARED) < 0 ||
	    mount_at("slave", "s", 0, NULL) < 0 || change("slave", MS_SHARED) < 0 ||
	    change("slave", MS_SLAVE) < 0 || mount_at("unbindable", "s", 0, NULL) < 0 ||
	    change("unbindable", MS_UNBINDABLE) < 0 || mount_at("over", "first", 0, NULL) < 0 ||
	    change("plain", MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID) < 0) {
		perror("# cannot mount");
		return FAILED;
	}
	return compare();
}

static void both_ways_tell_the_same_about_names_and_flags_of_every_kind(void **state) {
	int status;

	(void)state;
	if (!namespaces_work())
		skip_because("no namespaces of one's own here");
	status = in_child(compare_in_namespace, NULL);
	if (status == ONLY_ONE_WAY << 8)
		skip_because("this kernel's statmount says less than mountinfo");
	assert_int_equal(status, SAME);
}

/* The kernel's own call tells a source as it is: there is nothing to unescape. */
static int compare_escaped_source(void *data) {
	(void)data;
	if (own_namespaces() < 0 || mount("x\\040y", base, "tmpfs", 0, NULL) < 0)
		return FAILED;
	return compare();
}

static void a_source_that_looks_escaped_is_told_as_it_is(void **state) {
	int status;

	(void)state;
	if (!namespaces_work())
		skip_because("no namespaces of one's own here");
	status = in_child(compare_escaped_source, NULL);
	if (status == ONLY_ONE_WAY << 8)
		skip_because("this kernel's statmount says less than mountinfo");
	assert_int_equal(status, SAME);
}

/* Flags of the file system that are no parameters of it. */
static int compare_sync(void *data) {
	(void)data;
	if (own_namespaces() < 0 ||
	    mount("s", base, "tmpfs", MS_SYNCHRONOUS | MS_DIRSYNC | MS_LAZYTIME, NULL) < 0)
		return FAILED;
	return compare();
}

static void flags_of_the_file_system_are_told(void **state) {
	int status;

	(void)state;
	if (!namespaces_work())
		skip_because("no namespaces of one's own here");
	status = in_child(compare_sync, NULL);
	if (status == ONLY_ONE_WAY << 8)
		skip_because("this kernel's statmount says less than mountinfo");
	assert_int_equal(status, SAME);
}

/* Of many file systems in user space only that says which it is. */
static int compare_subtype(void *data) {
	char options[64];
	int r = own_namespaces(); /* the device must be opened in them */

	(void)data;
	(void)snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0",
		       open("/dev/fuse", O_RDWR | O_CLOEXEC));
	if (r < 0 || mount("sub", base, "fuse.which", 0, options) < 0)
		return FAILED;
	return compare();
}

static void which_file_system_in_user_space_it_is_is_told(void **state) {
	int status;

	(void)state;
	if (!namespaces_work() || access("/dev/fuse", R_OK | W_OK) < 0)
		skip_because("no namespaces of one's own here, or no /dev/fuse");
	status = in_child(compare_subtype, NULL);
	if (status == ONLY_ONE_WAY << 8)
		skip_because("this kernel's statmount says less than mountinfo");
	assert_int_equal(status, SAME);
}

static int make_base(void **state) {
	(void)state;
	strcpy(base, "/tmp/usher-test-XXXXXX");
	return mkdtemp(base) ? 0 : -1;
}

static int remove_base(void **state) {
	(void)state;
	return rmdir(base);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_all_its_fields),
		cmocka_unit_test(tags_tell_the_propagation),
		cmocka_unit_test(escapes_become_bytes_again),
		cmocka_unit_test(a_deleted_root_is_no_other_target),
		cmocka_unit_test(the_mounts_own_word_for_writing_counts),
		cmocka_unit_test(bad_lines_are_left_out_and_the_others_are_not),
		cmocka_unit_test(a_last_line_without_an_end_counts),
		cmocka_unit_test(what_is_no_escape_stays_as_it_is),
		cmocka_unit_test(an_escape_at_the_end_of_the_text_is_not_read_beyond_it),
		cmocka_unit_test(the_longest_path_arrives_whole),
		cmocka_unit_test(many_lines_are_many_entries_and_each_is_found_by_its_id),
		cmocka_unit_test(what_is_below_a_name_is_counted),
		cmocka_unit_test(what_is_mounted_on_a_mount_and_below_is_found),
		cmocka_unit_test(both_ways_tell_the_same_about_this_process),
		cmocka_unit_test(both_ways_tell_the_same_about_names_and_flags_of_every_kind),
		cmocka_unit_test(a_source_that_looks_escaped_is_told_as_it_is),
		cmocka_unit_test(flags_of_the_file_system_are_told),
		cmocka_unit_test(which_file_system_in_user_space_it_is_is_told),
	};

	return cmocka_run_group_tests(tests, make_base, remove_base);
}
