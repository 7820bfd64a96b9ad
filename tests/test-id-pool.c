/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ranges of ids that are set aside: nobody else's, and of two never one. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "id-pool.h"
#include "message.h"
#include "namespaces.h"
#include "support.h"

enum { MANY = 500, ALICE = 51001, BOB = 51002 };

static char root[64];
static struct desk desk;

/* ---- /etc, and the book ---- */

FILE *__real_fopen64(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode);

FILE *__wrap_fopen64(const char *path, const char *mode) {
	char moved[128];

	if (strncmp(path, "/etc/", 5) != 0)
		return __real_fopen64(path, mode);
	(void)snprintf(moved, sizeof moved, "%s/%s", root, path + 5);
	return __real_fopen64(moved, mode);
}

static const char *file(const char *name) {
	static char path[96];

	(void)snprintf(path, sizeof path, "%s/%s", root, name);
	return path;
}

static void put(const char *name, const char *text) {
	FILE *stream = __real_fopen64(file(name), "we");

	assert_non_null(stream);
	assert_true(fputs(text, stream) >= 0);
	assert_int_equal(fclose(stream), 0);
}

static void open_pool(uint32_t first, uint32_t last, uint32_t size) {
	const struct id_pool_bounds bounds = { first, last, size };

	assert_int_equal(id_pool_open(&desk.ids, &bounds, file("book")), 0);
}

static int begin(void **state) {
	(void)state;
	(void)strcpy(root, "/tmp/usher-test-ids-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	memset(&desk, 0, sizeof desk);
	objects_init(desk.objects, &desk);
	return 0;
}

static int end(void **state) {
	static const char *const names[] = { "book", "subuid", "subgid", "passwd", "group" };

	(void)state;
	id_pool_done(&desk.ids);
	for (size_t i = 0; i < N_OF(names); i++)
		(void)unlink(file(names[i]));
	return rmdir(root);
}

/* ---- those that have one ---- */

static void release(struct call *call) {
	struct call **at = &desk.first;

	while (*at != call)
		at = &(*at)->next;
	*at = call->next;
	message_freep(&call->request);
	free(call);
}

/* A call that is under way. */
static struct call *ask(uid_t uid, int *ret, struct refusal *refusal) {
	struct call *call = calloc(1, sizeof *call);

	assert_non_null(call);
	call->request = request_of("Namespaces.Create", "name=x|types=user|uid_map=auto");
	call->next = desk.first;
	desk.first = call;
	*ret = id_pool_fill(&desk, call->request, uid, refusal);
	return call;
}

static struct call *get(uid_t uid) {
	struct refusal refusal = { 0 };
	struct call *call;
	int r;

	call = ask(uid, &r, &refusal);
	if (r != 0)
		fail_msg("%d: %s", r, refusal.text);
	return call;
}

static void assert_full(uid_t uid) {
	struct refusal refusal = { 0 };
	struct call *call;
	int r;

	call = ask(uid, &r, &refusal);
	assert_refusal(r, REFUSED_LIMIT, &refusal, "used up");
	release(call);
}

static uint32_t start_of(const struct call *call) {
	return (uint32_t)message_number(call->request, "transient_start", 0);
}

/* What came of a call: its object has what it had. */
static struct object *settle(struct call *call) {
	struct object *object = calloc(1, sizeof *object);

	assert_non_null(object);
	object->message = message_new(&usher__namespace_object__descriptor);
	assert_non_null(object->message);
	id_pool_pass_on(call->request, object->message);
	object->next = desk.objects[KIND_NAMESPACE].first;
	desk.objects[KIND_NAMESPACE].first = object;
	release(call);
	return object;
}

static void let_all_go(void) {
	struct objects *objects = &desk.objects[KIND_NAMESPACE];

	while (desk.first)
		release(desk.first);
	for (struct object *object; (object = objects->first);) {
		objects->first = object->next;
		message_freep(&object->message);
		free(object);
	}
}

static int compare(const void *a, const void *b) {
	const uint32_t *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

/* All that calls and objects have: so many, none of which touches another. */
static void assert_disjoint(size_t n) {
	uint32_t starts[2 * MANY];
	size_t found = 0;

	for (const struct call *call = desk.first; call; call = call->next)
		starts[found++] = start_of(call);
	for (const struct object *object = desk.objects[KIND_NAMESPACE].first; object;
	     object = object->next)
		starts[found++] = (uint32_t)message_number(object->message, "transient_start", 0);
	assert_int_equal(found, n);
	qsort(starts, n, sizeof *starts, compare);
	assert_true(starts[0] >= desk.ids.bounds.first);
	for (size_t i = 1; i < n; i++)
		assert_true(starts[i] - starts[i - 1] >= desk.ids.bounds.size);
	assert_true(starts[n - 1] <= desk.ids.bounds.last - desk.ids.bounds.size + 1);
}

/* ---- tests ---- */

static void bounds_are_two_numbers_above_the_systems_own(void **state) {
	static const char *const bad[] = {
		"",          "5",           "65535-70000", "100000-99999",
		"100000",    "100000-",     "-5",          "100000-200000x",
		"100000--5", "a-b",         "100000 - 5",  "100000-4294967295",
		"0-100000",  "+70000-80000"
	};
	struct id_pool_bounds bounds = id_pool_bounds_usual;

	(void)state;
	for (size_t i = 0; i < N_OF(bad); i++)
		if (id_pool_parse(bad[i], &bounds))
			fail_msg("%s", bad[i]);
	assert_memory_equal(&bounds, &id_pool_bounds_usual, sizeof bounds);
	assert_true(id_pool_parse("65536-4294967294", &bounds));
	assert_int_equal(bounds.last, 4294967294);
	assert_false(id_pool_parse_size("0", &bounds));
	assert_false(id_pool_parse_size("1k", &bounds));
	assert_false(id_pool_parse_size("4294967296", &bounds));
	assert_true(id_pool_parse_size("1000", &bounds));
	assert_int_equal(bounds.size, 1000);
}

static void sec_48_of_five_hundred_at_once_none_has_what_another_has(void **state) {
	(void)state;
	open_pool(1879048192, 2147352575, 65536);
	for (int i = 0; i < MANY; i++)
		(void)get(ALICE + (uid_t)i % 7);
	assert_disjoint(MANY);
	let_all_go();
}

/* The service is killed while half of them are objects; the other half dies with it. */
static void sec_48_nor_after_restarts(void **state) {
	unsigned seed = 5;

	(void)state;
	for (int life = 0; life < 20; life++) {
		size_t n = 0;

		open_pool(1879048192, 1879048192 + 400 * 1000 - 1, 1000);
		for (int i = 0; i < 150; i++)
			(void)get(ALICE + (uid_t)rand_r(&seed) % 3);
		for (int i = 0; i < 10; i++)
			(void)settle(desk.first->next);
		while (desk.first)
			release(desk.first);
		for (struct object *o = desk.objects[KIND_NAMESPACE].first; o; o = o->next)
			n++;
		assert_disjoint(n);
		if (n > 150)
			let_all_go();
	}
	let_all_go();
}

static void what_somebody_has_is_not_in_it(void **state) {
	(void)state;
	put("subuid", "alice:100000:65536\nnonsense\nbob:165536:1\n:5\nx:99999999999:5\n");
	put("subgid", "alice:200999:2\n");
	put("passwd", "root:x:0:0::/:/bin/sh\nlater:x:203000:1::/:\n");
	put("group", "g:x:204999:\n");
	open_pool(100000, 205999, 1000);
	/* 166, 167 ... 199; 202; 205 */
	assert_int_equal(start_of(get(ALICE)), 166000);
	for (int i = 167; i < 200; i++)
		assert_int_equal(start_of(get(ALICE)), i * 1000);
	assert_int_equal(start_of(get(ALICE)), 202000);
	assert_int_equal(start_of(get(ALICE)), 205000);
	assert_full(ALICE);
	let_all_go();
}

static void sec_49_what_one_user_had_comes_to_another_last(void **state) {
	uint32_t first, second;

	(void)state;
	open_pool(1000000, 1002999, 1000);
	first = start_of(get(ALICE));
	release(desk.first);
	second = start_of(get(ALICE));
	assert_int_not_equal(first, second); /* as long as there are fresh ones */
	release(desk.first);
	open_pool(1000000, 1002999, 1000);             /* after a restart, too */
	assert_int_equal(start_of(get(BOB)), 1002000); /* the only fresh one */
	assert_int_equal(start_of(get(ALICE)), first); /* its own, the older one first */
	assert_int_equal(start_of(get(BOB)), second);  /* nothing else is left */
	assert_full(ALICE);
	let_all_go();
}

/* One after the other, somebody could go through all there are. */
static void sec_49_nobody_uses_up_what_is_fresh(void **state) {
	bool had[200] = { false };
	size_t n = 0;

	(void)state;
	open_pool(1000000, 1000000 + 200 * 1000 - 1, 1000);
	for (int i = 0; i < 1000; i++) {
		had[(start_of(get(BOB)) - 1000000) / 1000] = true;
		release(desk.first);
	}
	for (size_t i = 0; i < N_OF(had); i++)
		n += had[i];
	assert_int_equal(n, ID_POOL_OWN_MAX);
	assert_false(had[(start_of(get(ALICE)) - 1000000) / 1000]);
	let_all_go();
}

static void a_book_of_other_bounds_says_nothing(void **state) {
	(void)state;
	open_pool(1000000, 1002999, 1000);
	(void)get(BOB);
	let_all_go();
	open_pool(1000000, 1002999, 500);
	assert_int_equal(start_of(get(ALICE)), 1000000);
	let_all_go();
	put("book", "x");
	open_pool(1000000, 1002999, 500);
	assert_int_equal(start_of(get(ALICE)), 1000000);
	let_all_go();
}

static void whoever_does_not_ask_gets_none(void **state) {
	struct refusal refusal = { 0 };
	ProtobufCMessage *request = request_of("Namespaces.Create", "name=x|types=user");

	(void)state;
	open_pool(1000000, 1002999, 1000);
	assert_int_equal(id_pool_fill(&desk, request, ALICE, &refusal), 0);
	assert_int_equal(message_number(request, "transient_count", 0), 0);
	message_freep(&request);
	desk.session = true;
	request = request_of("Namespaces.Create", "name=x|types=user|uid_map=auto");
	assert_int_equal(id_pool_fill(&desk, request, ALICE, &refusal), 0);
	assert_int_equal(message_number(request, "transient_count", 0), 0);
	message_freep(&request);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(bounds_are_two_numbers_above_the_systems_own),
		TEST(sec_48_of_five_hundred_at_once_none_has_what_another_has),
		TEST(sec_48_nor_after_restarts),
		TEST(what_somebody_has_is_not_in_it),
		TEST(sec_49_what_one_user_had_comes_to_another_last),
		TEST(sec_49_nobody_uses_up_what_is_fresh),
		TEST(a_book_of_other_bounds_says_nothing),
		TEST(whoever_does_not_ask_gets_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
