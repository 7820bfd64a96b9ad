/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is checked of the words alone, in the broker already: of every row, good ones and bad ones.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filesystem.h"
#include "host-name.h"
#include "lifetime.h"
#include "message.h"
#include "operation.h"
#include "path.h"
#include "support.h"

struct words {
	const char *operation, *fields;
	const char *word; /* of the refusal; NULL: nothing is wrong */
};

static const struct words requests[] = {
	{ "Mounts.Mount", "target=/mnt|fstype=tmpfs", NULL },
	{ "Mounts.Mount", "target=/mnt|fstype=tmpfs|mount_options=size=1m|mount_options=ro", NULL },
	{ "Mounts.Mount", "source=/dev/sda|target=/mnt|fstype=auto|lifetime=manual", NULL },
	{ "Mounts.Mount", "target=/mnt|fstype=tmpfs|lifetime=connection", NULL },
	{ "Mounts.Mount", "target=|fstype=tmpfs|target_fd=0", NULL },
	{ "Mounts.Mount", "target=|fstype=tmpfs", "target:" },
	{ "Mounts.Mount", "target=mnt|fstype=tmpfs", "target:" },
	{ "Mounts.Mount", "target=/mnt|fstype=", "fstype:" },
	{ "Mounts.Mount", "target=/mnt|fstype=EXT4", "fstype:" },
	{ "Mounts.Mount", "target=/mnt|fstype=../../x", "fstype:" },
	{ "Mounts.Mount", "target=/mnt|fstype=tmpfs,ext4", "fstype:" },
	{ "Mounts.Mount", "target=/mnt|fstype=ext4 ", "fstype:" },
	{ "Mounts.Mount", "target=/mnt|fstype=a23456789012345678901234567890b", "fstype:" },
	{ "Mounts.Mount", "target=/mnt|fstype=tmpfs|mount_options=", "mount_options:" },
	{ "Mounts.Mount", "target=/mnt|fstype=tmpfs|mount_options=private", "private" },
	{ "Mounts.Mount", "target=/mnt|fstype=tmpfs|lifetime=", "lifetime:" },
	{ "Mounts.Mount", "target=/mnt|fstype=tmpfs|lifetime=forever", "forever" },
	{ "Mounts.MountImage", "image_fd=0|target=/mnt|fstype=auto", NULL },
	{ "Mounts.MountImage", "image_fd=0|target=|fstype=squashfs|target_fd=1", NULL },
	{ "Mounts.MountImage", "image_fd=0|target=mnt|fstype=auto", "target:" },
	{ "Mounts.MountImage", "image_fd=0|target=/mnt|fstype=!", "fstype:" },
	{ "Mounts.MountImage", "image_fd=0|target=/mnt|fstype=auto|lifetime=x", "lifetime:" },
	{ "Mounts.MountImage", "image_fd=0|target=/mnt|fstype=auto|mount_options==x",
	  "mount_options:" },
	{ "Mounts.Bind", "source=/a|target=/b", NULL },
	{ "Mounts.Bind",
	  "source=/a|target=/b|mount_options=ro|mount_options=rprivate|recursive=yes", NULL },
	{ "Mounts.Bind", "source=|target=|source_fd=0|target_fd=1", NULL },
	{ "Mounts.Bind", "source=/a|target=/b|idmap=0 1000 1", NULL },
	{ "Mounts.Bind", "source=|target=/b", "source:" },
	{ "Mounts.Bind", "source=a|target=/b", "source:" },
	{ "Mounts.Bind", "source=/a|target=./b", "target:" },
	{ "Mounts.Bind", "source=/a|target=|source_fd=0", "target:" },
	{ "Mounts.Bind", "source=/a|target=/b|mount_options=size=1m", "size=1m" },
	{ "Mounts.Bind", "source=/a|target=/b|idmap=", "idmap:" },
	{ "Mounts.Bind", "source=/a|target=/b|idmap=auto", "idmap:" },
	{ "Mounts.Bind", "source=/a|target=/b|lifetime=Manual", "lifetime:" },
	{ "Mounts.OpenMount", "source=|fstype=tmpfs", NULL },
	{ "Mounts.OpenMount", "source=/dev/sda|fstype=auto|mount_options=noexec", NULL },
	{ "Mounts.OpenMount", "fstype=", "fstype:" },
	{ "Mounts.OpenMount", "fstype=tmpfs|mount_options=shared", "shared" },
	{ "Mounts.OpenTree", "path=/a", NULL },
	{ "Mounts.OpenTree", "path=|path_fd=0|idmap=0 0 1", NULL },
	{ "Mounts.OpenTree", "path=", "path:" },
	{ "Mounts.OpenTree", "path=a", "path:" },
	{ "Mounts.OpenTree", "path=/a|idmap=x", "idmap:" },
	{ "Mounts.OpenTree", "path=/a|mount_options=x=y", "x=y" },
	{ "Mounts.Unmount", "target=/mnt", NULL },
	{ "Mounts.Unmount", "target=/mnt|lazy=yes|force=yes", NULL },
	{ "Mounts.Unmount", "target=/mnt|expire=yes", NULL },
	{ "Mounts.Unmount", "target=/mnt|expire=yes|lazy=no", NULL },
	{ "Mounts.Unmount", "target=", "target:" },
	{ "Mounts.Unmount", "target=/mnt|expire=yes|lazy=yes", "expire" },
	{ "Mounts.Unmount", "target=/mnt|expire=yes|force=yes", "expire" },
	{ "Mounts.Remount", "target=/mnt|mount_options=ro", NULL },
	{ "Mounts.Remount", "target=/mnt|mount_options=size=1m", NULL },
	{ "Mounts.Remount", "target=/mnt|propagation=private", NULL },
	{ "Mounts.Remount", "target=/mnt|propagation=rslave|recursive=yes", NULL },
	{ "Mounts.Remount", "target=/mnt|mount_options=shared", NULL },
	{ "Mounts.Remount", "target=/mnt", "nothing to change" },
	{ "Mounts.Remount", "target=/mnt|recursive=yes", "nothing to change" },
	{ "Mounts.Remount", "target=mnt|mount_options=ro", "target:" },
	{ "Mounts.Remount", "target=/mnt|propagation=", "propagation:" },
	{ "Mounts.Remount", "target=/mnt|propagation=ro", "propagation:" },
	{ "Mounts.Remount", "target=/mnt|propagation=rrprivate", "propagation:" },
	{ "Mounts.Move", "from=/a|to=/b", NULL },
	{ "Mounts.Move", "from=|to=/b", "from:" },
	{ "Mounts.Move", "from=/a|to=b", "to:" },
	{ "Mounts.PivotRoot", "new_root=/a|put_old=/a/b", NULL },
	{ "Mounts.PivotRoot", "new_root=a|put_old=/a/b", "new_root:" },
	{ "Mounts.PivotRoot", "new_root=/a|put_old=", "put_old:" },
	{ "Mounts.List", "", NULL },
	{ "Mount.Unmount", "", NULL },
	{ "Mount.Unmount", "lazy=yes|force=yes", NULL },
	{ "Mount.Unmount", "expire=yes|lazy=yes", "expire" },
	{ "Mount.Unmount", "expire=yes|force=yes", "expire" },
	{ "Host.GetHostname", "", NULL },
	{ "Host.SetHostname", "hostname=lectern", NULL },
	{ "Host.SetHostname", "hostname=", "hostname:" },
	{ "Host.SetHostname", "hostname=a b", "hostname:" },
	{ "Host.GetDomainname", "", NULL },
	{ "Host.SetDomainname", "domainname=example.org", NULL },
	{ "Host.SetDomainname", "domainname=(none)", NULL },
	{ "Host.SetDomainname", "domainname=a/b", "domainname:" },
};

static int check(const struct words *words, struct refusal *refusal) {
	_cleanup_(message_freep) ProtobufCMessage *message =
		request_of(words->operation, words->fields);
	size_t place;
	const struct operation *operation = operation_find_whole(words->operation, &place);

	return operation->check ? operation->check(message, refusal) : 0;
}

static void words_are_taken_or_refused_by_name(void **state) {
	(void)state;
	for (size_t i = 0; i < N_OF(requests); i++) {
		struct refusal refusal = { 0 };
		int r = check(&requests[i], &refusal);

		if ((r == 0) != (requests[i].word == NULL))
			fail_msg("%s %s: %d %s", requests[i].operation, requests[i].fields, r,
				 refusal.text);
		if (r != 0) {
			assert_refusal(r, REFUSED_INVALID, &refusal, requests[i].word);
			assert_true(r > 0); /* not the kernel's */
		} else
			assert_string_equal(refusal.text, "");
	}
}

static void every_row_is_among_those_checked_here_and_refuses_something(void **state) {
	(void)state;
	for (size_t i = 0; i < operations_n; i++) {
		size_t taken = 0, refused = 0;
		char name[128];

		(void)snprintf(name, sizeof name, "%s.%s", operations[i]->interface,
			       operations[i]->method);
		for (size_t j = 0; j < N_OF(requests); j++)
			if (strcmp(requests[j].operation, name) == 0)
				*(requests[j].word ? &refused : &taken) += 1;
		if (taken == 0 || (operations[i]->check && refused == 0))
			fail_msg("%s is not checked here", name);
	}
}

/* Whoever asks may put anything into any string: no check crashes or writes too much about it. */
static void no_check_minds_long_and_odd_strings(void **state) {
	char *odd[3];

	(void)state;
	for (size_t i = 0; i < N_OF(odd); i++) {
		odd[i] = malloc(100001);
		assert_non_null(odd[i]);
		memset(odd[i], "/%\xff"[i], 100000);
		odd[i][100000] = '\0';
	}
	for (size_t i = 0; i < operations_n; i++)
		for (size_t o = 0; o < N_OF(odd); o++) {
			_cleanup_(message_freep) ProtobufCMessage *message =
				message_new(operations[i]->request);
			struct refusal refusal = { 0 };

			for (unsigned f = 0; f < operations[i]->request->n_fields; f++) {
				const ProtobufCFieldDescriptor *field =
					&operations[i]->request->fields[f];
				void *member = message_member(message, field);

				if (field->type != PROTOBUF_C_TYPE_STRING)
					continue;
				if (field->label == PROTOBUF_C_LABEL_REPEATED)
					assert_int_equal(
						message_append_string(member,
								      message_count(message, field),
								      odd[o]),
						0);
				else
					*(char **)member = strdup(odd[o]);
			}
			if (operations[i]->check && operations[i]->check(message, &refusal) < 0)
				fail_msg("%s: an error of the kernel's", operations[i]->method);
			assert_true(memchr(refusal.text, 0, sizeof refusal.text) != NULL);
		}
	for (size_t i = 0; i < N_OF(odd); i++)
		free(odd[i]);
}

static void a_path_is_absolute_and_shorter_than_the_kernels_limit(void **state) {
	static const char *const bad[] = { "", "a", "./a", "../a", " /a", "~/a", "\\/a" };
	char path[PATH_MAX + 1];
	struct refusal refusal = { 0 };

	(void)state;
	assert_int_equal(path_check("x", "/", &refusal), 0);
	assert_int_equal(path_check("x", "/a/../b", &refusal), 0);
	for (size_t i = 0; i < N_OF(bad); i++)
		assert_refusal(path_check("word", bad[i], &refusal), REFUSED_INVALID, &refusal,
			       "word:");
	memset(path, '/', sizeof path);
	path[PATH_MAX] = '\0';
	assert_refusal(path_check("word", path, &refusal), REFUSED_INVALID, &refusal, "4096");
	path[PATH_MAX - 1] = '\0';
	assert_int_equal(path_check("word", path, &refusal), 0);
}

static void a_host_name_has_up_to_64_harmless_bytes(void **state) {
	static const char *const good[] = {
		"a",
		"lectern",
		"A-b_c.d9",
		"(none)",
		".",
		"-",
		"1234567890123456789012345678901234567890123456789012345678901234"
	};
	static const char *const bad[] = {
		"",
		"a b",
		"a\n",
		"a/b",
		"(none",
		"(NONE)",
		"gr\xc3\xbcn",
		"a\\x41",
		"12345678901234567890123456789012345678901234567890123456789012345"
	};
	struct refusal refusal = { 0 };

	(void)state;
	for (size_t i = 0; i < N_OF(good); i++)
		assert_int_equal(host_name_check("x", good[i], &refusal), 0);
	for (size_t i = 0; i < N_OF(bad); i++)
		assert_refusal(host_name_check("word", bad[i], &refusal), REFUSED_INVALID, &refusal,
			       "word:");
	for (int byte = 1; byte < 256; byte++) {
		const char name[] = { 'a', (char)byte, '\0' };
		bool fine =
			strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.",
			       byte);

		assert_int_equal(host_name_check("x", name, &refusal) == 0, fine);
	}
}

static void a_lifetime_is_one_of_two_words_or_none(void **state) {
	static const char *const bad[] = { "", "Manual", "connection ", "forever",
					   "manual,connection" };
	struct refusal refusal = { 0 };

	(void)state;
	assert_int_equal(lifetime_check(NULL, &refusal), 0);
	assert_int_equal(lifetime_check("manual", &refusal), 0);
	assert_int_equal(lifetime_check("connection", &refusal), 0);
	assert_true(lifetime_is_connection("connection"));
	assert_false(lifetime_is_connection("manual"));
	assert_false(lifetime_is_connection(NULL));
	for (size_t i = 0; i < N_OF(bad); i++)
		assert_refusal(lifetime_check(bad[i], &refusal), REFUSED_INVALID, &refusal,
			       "lifetime:");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_taken_or_refused_by_name),
		cmocka_unit_test(every_row_is_among_those_checked_here_and_refuses_something),
		cmocka_unit_test(no_check_minds_long_and_odd_strings),
		cmocka_unit_test(a_path_is_absolute_and_shorter_than_the_kernels_limit),
		cmocka_unit_test(a_host_name_has_up_to_64_harmless_bytes),
		cmocka_unit_test(a_lifetime_is_one_of_two_words_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
