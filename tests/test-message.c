/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * D-Bus arguments become protobuf messages and the other way round; what is wrong with them is
 * refused in words that name it, and no descriptor is lost on the way.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "every.pb-c.h"
#include "message-bus.h"
#include "message.h"
#include "operation.h"
#include "support.h"

/* A connection that nobody answers: messages can be made for it, and sealed. */
struct bench {
	sd_bus *bus;
	int other;
};

static int bench_new(void **state) {
	static struct bench bench;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 ||
	    sd_bus_new(&bench.bus) < 0 || sd_bus_set_fd(bench.bus, pair[0], pair[0]) < 0 ||
	    sd_bus_start(bench.bus) < 0)
		return -1;
	bench.other = pair[1];
	*state = &bench;
	return 0;
}

static int bench_free(void **state) {
	struct bench *bench = *state;

	sd_bus_close(bench->bus);
	sd_bus_unref(bench->bus);
	(void)close(bench->other);
	return 0;
}

static sd_bus_message *call_new(void **state) {
	struct bench *bench = *state;
	sd_bus_message *message = NULL;

	assert_true(sd_bus_message_new_method_call(bench->bus, &message, "org.usher1",
						   "/org/usher1", "org.usher1.Every",
						   "Thing") >= 0);
	return message;
}

#define append(message, ...) assert_true(sd_bus_message_append(message, __VA_ARGS__) >= 0)

/* What the other side would see of it. */
static void seal(sd_bus_message *message) {
	assert_true(sd_bus_message_seal(message, 1, 0) >= 0);
	assert_true(sd_bus_message_rewind(message, 1) >= 0);
}

struct result {
	int r;
	struct refusal refusal;
	ProtobufCMessage *message;
	struct fds fds;
};

/* Reads a message, and lets go of it. */
static struct result read_as(sd_bus_message *message,
			     const ProtobufCMessageDescriptor *descriptor) {
	struct result result = { 0 };

	seal(message);
	result.r = message_bus_read(message, descriptor, false, &result.fds, &result.message,
				    &result.refusal);
	sd_bus_message_unref(message);
	if (result.r != 0)
		assert_null(result.message);
	return result;
}

static void result_done(struct result *result) {
	message_freep(&result->message);
	fds_done(&result->fds);
}

static bool same_file(int a, int b) {
	struct stat one, other;

	assert_int_equal(fstat(a, &one), 0);
	assert_int_equal(fstat(b, &other), 0);
	return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* A file that is no other. */
static int own_file(void) {
	char name[] = "/tmp/usher-test-XXXXXX";
	int fd = mkostemp(name, O_CLOEXEC);

	assert_true(fd >= 0);
	(void)unlink(name);
	return fd;
}

/* ---- signatures ---- */

static void fields_have_the_signatures_of_their_types(void **state) {
	char signature[MESSAGE_SIGNATURE_MAX];

	(void)state;
	message_signature(&every__request__descriptor, signature);
	assert_string_equal(signature, "suhbitxdoas");
	message_signature(&every__reply__descriptor, signature);
	assert_string_equal(signature, "suhbitxdoasaa{sv}a{sv}");
	message_signature(&every__structs__descriptor, signature);
	assert_string_equal(signature, "(su)a(su)");
	message_signature(&every__numbers__descriptor, signature);
	assert_string_equal(signature, "auatabahad");
	message_signature(&every__nested__descriptor, signature);
	assert_string_equal(signature, "aua{ss}a{uh}(tt)a{s(tt)}a(ssas)abatad");
	message_signature(&every__keys__descriptor, signature);
	assert_string_equal(signature, "");
	assert_true(message_is_dictionary(&every__keys__descriptor));
	assert_true(message_is_dictionary(&usher__empty__descriptor));
	assert_false(message_is_dictionary(&every__inner__descriptor));
}

static void names_lose_what_only_says_their_form(void **state) {
	static const struct {
		const char *field, *name;
	} names[] = {
		{ "word", "word" },
		{ "thing_fd", "thing" },
		{ "path_object", "path" },
		{ "in_as_fd", "in" },
		{ "in_as_object", "in" },
		{ "other_fd", "other_fd" },
		{ "deadline_usec", "deadline_usec" },
		{ "words", "words" },
	};

	char name[MESSAGE_NAME_MAX];

	(void)state;
	for (size_t i = 0; i < N_OF(names); i++) {
		message_field_name(protobuf_c_message_descriptor_get_field_by_name(
					   &every__request__descriptor, names[i].field),
				   name);
		assert_string_equal(name, names[i].name);
	}
}

/* ---- reading ---- */

static void append_positional(sd_bus_message *message, int fd) {
	append(message, "suhbitxdo", "word", UINT32_MAX, fd, 1, INT32_MIN, UINT64_MAX, INT64_MIN,
	       -0.5, "/a/b");
	append(message, "as", 2, "one", "two words");
}

static void every_type_arrives_in_every_place(void **state) {
	sd_bus_message *message = call_new(state);
	_cleanup_close_ int one = own_file(), two = own_file(), three = own_file();
	struct result result;
	const Every__Request *m;

	append_positional(message, one);
	append(message, "a{sv}", 10, "in", "h", three, "deadline_usec", "t", UINT64_C(7), "text",
	       "s", "t", "count", "u", 8U, "other_fd", "h", two, "really", "b", 0, "signed", "i",
	       -9, "offset", "x", INT64_C(-10), "ratio", "d", 0.25, "list", "as", 3, "x", "", "z");
	result = read_as(message, &every__request__descriptor);
	assert_int_equal(result.r, 0);
	m = (const Every__Request *)result.message;
	assert_string_equal(m->word, "word");
	assert_int_equal(m->number, UINT32_MAX);
	assert_true(m->flag == 1);
	assert_int_equal(m->small, INT32_MIN);
	assert_true(m->large == UINT64_MAX && m->wide == INT64_MIN && m->real == -0.5);
	assert_string_equal(m->path_object, "/a/b");
	assert_int_equal(m->n_words, 2);
	assert_string_equal(m->words[0], "one");
	assert_string_equal(m->words[1], "two words");
	assert_true(m->has_in_as_fd && !m->in_as_object);
	assert_true(m->has_deadline_usec && m->deadline_usec == 7);
	assert_string_equal(m->text, "t");
	assert_true(m->has_count && m->count == 8);
	assert_true(m->has_really && !m->really);
	assert_true(m->has_signed_ && m->signed_ == -9);
	assert_true(m->has_offset && m->offset == -10);
	assert_true(m->has_ratio && m->ratio == 0.25);
	assert_int_equal(m->n_list, 3);
	assert_string_equal(m->list[1], "");
	assert_false(m->has_hidden);
	assert_int_equal(result.fds.n, 3);
	assert_true(same_file(fds_get(&result.fds, m->thing_fd), one));
	assert_true(same_file(fds_get(&result.fds, m->other_fd), two));
	assert_true(same_file(fds_get(&result.fds, m->in_as_fd), three));
	assert_int_equal(fcntl(result.fds.fd[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	result_done(&result);
}

static void no_option_is_needed(void **state) {
	sd_bus_message *message = call_new(state);
	_cleanup_close_ int fd = some_descriptor();
	struct result result;
	const Every__Request *m;

	append_positional(message, fd);
	append(message, "a{sv}", 0);
	result = read_as(message, &every__request__descriptor);
	assert_int_equal(result.r, 0);
	m = (const Every__Request *)result.message;
	assert_false(m->has_in_as_fd || m->in_as_object || m->has_deadline_usec || m->text ||
		     m->n_list);
	result_done(&result);
}

static struct result read_keys(sd_bus_message *message) {
	return read_as(message, &every__keys__descriptor);
}

static void a_key_of_two_forms_takes_either(void **state) {
	sd_bus_message *message = call_new(state);
	_cleanup_close_ int fd = own_file();
	struct result result;
	const Every__Keys *m;

	append(message, "a{sv}", 1, "in", "h", fd);
	result = read_keys(message);
	assert_int_equal(result.r, 0);
	m = (const Every__Keys *)result.message;
	assert_true(m->has_in_as_fd && !m->in_as_object);
	assert_true(same_file(fds_get(&result.fds, m->in_as_fd), fd));
	result_done(&result);

	message = call_new(state);
	append(message, "a{sv}", 1, "in", "o", "/org/usher1/namespace/1");
	result = read_keys(message);
	assert_int_equal(result.r, 0);
	m = (const Every__Keys *)result.message;
	assert_false(m->has_in_as_fd);
	assert_string_equal(m->in_as_object, "/org/usher1/namespace/1");
	assert_int_equal(result.fds.n, 0);
	result_done(&result);
}

static void assert_read_refused(struct result result, enum refusal_code code, const char *word) {
	assert_refusal(result.r, code, &result.refusal, word);
	assert_true(result.r > 0);
	result_done(&result);
}

static void an_unknown_key_is_refused_by_name(void **state) {
	static const char *const keys[] = { "colour", "",         "Text",         "text ",
					    "tex",    "in_as_fd", "in_as_object", "hidden" };

	for (size_t i = 0; i < N_OF(keys); i++) {
		sd_bus_message *message = call_new(state);
		char quoted[64];

		(void)snprintf(quoted, sizeof quoted, "'%s'", keys[i]);
		append(message, "a{sv}", 2, "text", "s", "x", keys[i], "s", "x");
		assert_read_refused(read_keys(message), REFUSED_INVALID, quoted);
	}
}

/* What only broker and worker tell each other cannot be said by a caller. */
static void a_private_field_is_no_key(void **state) {
	static const char *const keys[] = { "id", "namespace_fd", "namespace", "target", "hidden" };

	for (size_t i = 0; i < N_OF(keys); i++) {
		sd_bus_message *message = call_new(state);

		append(message, "a{sv}", 1, keys[i], "t", UINT64_C(1));
		assert_read_refused(read_as(message, &usher__unmount_object_request__descriptor),
				    REFUSED_INVALID, keys[i]);
	}
}

static void a_positional_argument_is_no_key(void **state) {
	sd_bus_message *message = call_new(state);

	append(message, "sa{sv}", "x", 1, "word", "s", "y");
	assert_read_refused(read_as(message, &every__descriptors__descriptor), REFUSED_INVALID,
			    "'word'");
}

static void a_key_of_the_wrong_type_is_refused_by_name(void **state) {
	sd_bus_message *message = call_new(state);

	append(message, "a{sv}", 1, "text", "u", 5U);
	assert_read_refused(read_keys(message), REFUSED_INVALID, "'text' is of type s, not u");
	message = call_new(state);
	append(message, "a{sv}", 1, "in", "s", "/org/usher1");
	assert_read_refused(read_keys(message), REFUSED_INVALID, "'in' is of type h or o, not s");
	message = call_new(state);
	append(message, "a{sv}", 1, "list", "s", "x");
	assert_read_refused(read_keys(message), REFUSED_INVALID, "'list' is of type as, not s");
	message = call_new(state);
	append(message, "a{sv}", 1, "text", "a{sv}", 1, "text", "s", "x");
	assert_read_refused(read_keys(message), REFUSED_INVALID, "'text' is of type s, not a{sv}");
}

static void a_key_that_is_there_twice_is_refused_by_name(void **state) {
	sd_bus_message *message = call_new(state);

	append(message, "a{sv}", 3, "text", "s", "x", "list", "as", 0, "text", "s", "x");
	assert_read_refused(read_keys(message), REFUSED_INVALID, "'text'");
	message = call_new(state);
	append(message, "a{sv}", 2, "list", "as", 1, "a", "list", "as", 1, "b");
	assert_read_refused(read_keys(message), REFUSED_INVALID, "'list'");
}

static void a_key_that_is_there_in_two_forms_is_there_twice(void **state) {
	sd_bus_message *message = call_new(state);
	int fd = some_descriptor();

	append(message, "a{sv}", 2, "in", "h", fd, "in", "o", "/some/object");
	assert_read_refused(read_keys(message), REFUSED_INVALID, "'in'");
	message = call_new(state);
	append(message, "a{sv}", 2, "in", "o", "/some/object", "in", "h", fd);
	assert_read_refused(read_keys(message), REFUSED_INVALID, "'in'");
	(void)close(fd);
}

static void a_descriptor_that_is_there_twice_is_not_leaked(void **state) {
	size_t before = descriptors_open();
	sd_bus_message *message = call_new(state);
	int fd = some_descriptor();

	append(message, "a{sv}", 2, "in", "h", fd, "in", "h", fd);
	assert_read_refused(read_keys(message), REFUSED_INVALID, "'in'");
	(void)close(fd);
	assert_no_leak(before);
}

static void a_hostile_key_does_not_reach_the_answer_unbounded(void **state) {
	sd_bus_message *message = call_new(state);
	char *key = malloc(100001);
	struct result result;

	assert_non_null(key);
	memset(key, 'k', 100000);
	key[100000] = '\0';
	append(message, "a{sv}", 1, key, "s", "x");
	result = read_keys(message);
	assert_int_equal(result.r, REFUSED_INVALID);
	assert_true(strlen(result.refusal.text) < 300);
	result_done(&result);
	free(key);
}

/* ---- escapes ---- */

static void escaped_bytes_arrive_as_bytes(void **state) {
	sd_bus_message *message = call_new(state);
	struct result result;

	append(message, "a{sv}", 2, "text", "s", "/a\\xff\\x0A\\x5c b", "list", "as", 2, "\\x80",
	       "gr\xc3\xbc\xc3\x9f");
	result = read_keys(message);
	assert_int_equal(result.r, 0);
	assert_string_equal(((Every__Keys *)result.message)->text, "/a\xff\n\\ b");
	assert_string_equal(((Every__Keys *)result.message)->list[0], "\x80");
	assert_string_equal(((Every__Keys *)result.message)->list[1], "gr\xc3\xbc\xc3\x9f");
	result_done(&result);
}

static void a_bad_escape_is_refused_wherever_it_stands(void **state) {
	static const char *const bad[] = { "\\",    "a\\n",  "\\x",   "\\x4",
					   "\\xg0", "\\X41", "\\x00", "/\\x00/b" };

	for (size_t i = 0; i < N_OF(bad); i++) {
		sd_bus_message *message = call_new(state);

		append(message, "a{sv}", 1, "text", "s", bad[i]);
		assert_read_refused(read_keys(message), REFUSED_INVALID, "text:");
		message = call_new(state);
		append(message, "a{sv}", 1, "list", "as", 2, "fine", bad[i]);
		assert_read_refused(read_keys(message), REFUSED_INVALID, "list:");
		message = call_new(state);
		append(message, "sa{sv}", bad[i], 0);
		assert_read_refused(read_as(message, &every__descriptors__descriptor),
				    REFUSED_INVALID, "word:");
	}
}

/* ---- limits ---- */

static void append_elements(sd_bus_message *message, size_t n) {
	assert_true(sd_bus_message_open_container(message, 'a', "{sv}") >= 0);
	assert_true(sd_bus_message_open_container(message, 'e', "sv") >= 0);
	append(message, "s", "list");
	assert_true(sd_bus_message_open_container(message, 'v', "as") >= 0);
	assert_true(sd_bus_message_open_container(message, 'a', "s") >= 0);
	for (size_t i = 0; i < n; i++)
		append(message, "s", "x");
	for (int i = 0; i < 4; i++)
		assert_true(sd_bus_message_close_container(message) >= 0);
}

static void as_many_elements_as_are_allowed_are_taken_and_no_more(void **state) {
	sd_bus_message *message = call_new(state);
	struct result result;

	append_elements(message, 4096);
	result = read_keys(message);
	assert_int_equal(result.r, 0);
	assert_int_equal(((Every__Keys *)result.message)->n_list, 4096);
	result_done(&result);
	message = call_new(state);
	append_elements(message, 4097);
	assert_read_refused(read_keys(message), REFUSED_LIMIT, "list: more than 4096");
}

static void descriptors_beyond_the_limit_are_refused_and_closed(void **state) {
	size_t before = descriptors_open();
	struct refusal refusal = { 0 };
	struct fds fds = { 0 };
	ProtobufCMessage *read = NULL;
	sd_bus_message *message = call_new(state);
	int fd = some_descriptor();

	while (fds.n < FDS_MAX - 1)
		assert_true(fds_add(&fds, some_descriptor()) >= 0);
	append(message, "sa{sv}", "x", 2, "a_fd", "h", fd, "b_fd", "h", fd);
	seal(message);
	assert_int_equal(message_bus_read(message, &every__descriptors__descriptor, false, &fds,
					  &read, &refusal),
			 -E2BIG);
	assert_null(read);
	assert_int_equal(fds.n, FDS_MAX);
	fds_done(&fds);
	sd_bus_message_unref(message);
	(void)close(fd);
	assert_no_leak(before);
}

static void no_way_to_fail_leaks_a_descriptor(void **state) {
	static const char *const bad[] = { "unknown", "text", "other_fd", "list" };

	for (size_t i = 0; i < N_OF(bad); i++) {
		size_t before = descriptors_open();
		sd_bus_message *message = call_new(state);
		int fd = some_descriptor();
		struct result result;

		append_positional(message, fd);
		append(message, "a{sv}", 3, "in", "h", fd, "other_fd", "h", fd, bad[i], "d", 0.5);
		result = read_as(message, &every__request__descriptor);
		assert_int_equal(result.r, REFUSED_INVALID);
		assert_int_equal(result.fds.n, 3); /* the reader's, to close */
		result_done(&result);
		(void)close(fd);
		assert_no_leak(before);
	}
}

static void a_message_that_ends_early_is_an_error(void **state) {
	size_t before = descriptors_open();
	sd_bus_message *message = call_new(state);
	int fd = some_descriptor();
	struct result result;

	append(message, "suh", "word", 1U, fd);
	result = read_as(message, &every__request__descriptor);
	assert_true(result.r < 0);
	result_done(&result);
	message = call_new(state);
	append(message, "s", "word"); /* the options are missing */
	result = read_as(message, &every__descriptors__descriptor);
	assert_true(result.r < 0);
	result_done(&result);
	message = call_new(state);
	append(message, "ua{sv}", 1U, 0); /* a number for a word */
	result = read_as(message, &every__descriptors__descriptor);
	assert_true(result.r < 0);
	result_done(&result);
	(void)close(fd);
	assert_no_leak(before);
}

static void append_nested(sd_bus_message *message, int one, int other) {
	append(message, "aua{ss}a{uh}", 2, 7U, UINT32_MAX, 2, "a", "b", "\\xff", "", 2, 0U, one, 9U,
	       other);
	append(message, "(tt)a{s(tt)}", UINT64_C(1), UINT64_MAX, 1, "nofile", UINT64_C(3),
	       UINT64_C(4));
	append(message, "a(ssas)", 2, "s", "t", 2, "x", "y", "u", "v", 0);
	append(message, "abatad", 3, 1, 0, 1, 1, UINT64_C(5), 1, 0.5);
}

static void structs_and_dictionaries_and_arrays_arrive(void **state) {
	size_t before = descriptors_open();
	sd_bus_message *message = call_new(state);
	_cleanup_close_ int one = own_file(), other = own_file();
	struct result result;
	const Every__Nested *m;

	append_nested(message, one, other);
	append(message, "a{sv}", 2, "ranges", "a(tt)", 2, UINT64_C(1), UINT64_C(2), UINT64_C(3),
	       UINT64_C(4), "pair", "(tt)", UINT64_C(5), UINT64_C(6));
	result = read_as(message, &every__nested__descriptor);
	assert_int_equal(result.r, 0);
	m = (const Every__Nested *)result.message;
	assert_true(m->n_numbers == 2 && m->numbers[0] == 7 && m->numbers[1] == UINT32_MAX);
	assert_int_equal(m->n_variables, 2);
	assert_string_equal(m->variables[0]->key, "a");
	assert_string_equal(m->variables[0]->value, "b");
	assert_string_equal(m->variables[1]->key, "\xff");
	assert_string_equal(m->variables[1]->value, "");
	assert_true(m->n_things == 2 && m->things[0]->key == 0 && m->things[1]->key == 9);
	assert_true(same_file(fds_get(&result.fds, m->things[0]->value_fd), one));
	assert_true(same_file(fds_get(&result.fds, m->things[1]->value_fd), other));
	assert_true(m->range->first == 1 && m->range->last == UINT64_MAX);
	assert_int_equal(m->n_limits, 1);
	assert_string_equal(m->limits[0]->key, "nofile");
	assert_true(m->limits[0]->value->first == 3 && m->limits[0]->value->last == 4);
	assert_int_equal(m->n_mounts, 2);
	assert_string_equal(m->mounts[0]->target, "t");
	assert_int_equal(m->mounts[0]->n_words, 2);
	assert_string_equal(m->mounts[0]->words[1], "y");
	assert_true(m->mounts[1]->n_words == 0);
	assert_true(m->n_flags == 3 && m->flags[0] && !m->flags[1] && m->flags[2]);
	assert_true(m->n_larges == 1 && m->larges[0] == 5 && m->reals[0] == 0.5);
	assert_true(m->n_ranges == 2 && m->ranges[1]->first == 3);
	assert_true(m->pair && m->pair->last == 6);
	result_done(&result);
	fd_closep(&one);
	fd_closep(&other);
	assert_no_leak(before);
}

static void dictionaries_leave_as_they_came(void **state) {
	size_t before = descriptors_open();
	sd_bus_message *message = call_new(state), *again = call_new(state);
	int fd = some_descriptor();
	struct result result;

	append_nested(message, fd, fd);
	append(message, "a{sv}", 0);
	result = read_as(message, &every__nested__descriptor);
	assert_int_equal(result.r, 0);
	assert_true(message_bus_append(again, result.message, &result.fds) >= 0);
	seal(again);
	assert_string_equal(sd_bus_message_get_signature(again, 1),
			    "aua{ss}a{uh}(tt)a{s(tt)}a(ssas)abatad");
	sd_bus_message_unref(again);
	result_done(&result);
	(void)close(fd);
	assert_no_leak(before);
}

/* Of what is inside an argument, the argument is told. */
static void what_is_wrong_inside_is_refused_by_the_arguments_name(void **state) {
	size_t before = descriptors_open();
	int fd = some_descriptor();
	sd_bus_message *message = call_new(state);

	append(message, "aua{ss}a{uh}", 0, 2, "a", "b", "c", "\\x00", 0);
	append(message, "(tt)a{s(tt)}a(ssas)abatada{sv}", UINT64_C(1), UINT64_C(2), 0, 0, 0, 0, 0,
	       0);
	assert_read_refused(read_as(message, &every__nested__descriptor), REFUSED_INVALID,
			    "variables:");
	message = call_new(state);
	append(message, "aua{ss}a{uh}", 0, 0, 1, 1U, fd);
	append(message, "(tt)a{s(tt)}", UINT64_C(1), UINT64_C(2), 0);
	append(message, "a(ssas)abatada{sv}", 1, "s", "t", 2, "fine", "\\", 0, 0, 0, 0);
	assert_read_refused(read_as(message, &every__nested__descriptor), REFUSED_INVALID,
			    "mounts:");
	(void)close(fd);
	assert_no_leak(before);
}

static int count(uint32_t place, void *data) {
	uint32_t *seen = data;

	*seen += UINT32_C(1) << place;
	return place == 7 ? -EBADMSG : 0;
}

static void every_descriptor_of_a_message_is_visited(void **state) {
	Every__Thing one = EVERY__THING__INIT, other = EVERY__THING__INIT,
		     *things[] = { &one, &other };
	Every__Nested m = EVERY__NESTED__INIT;
	Every__Keys keys = EVERY__KEYS__INIT;
	uint32_t seen = 0;

	(void)state;
	assert_int_equal(message_each_descriptor(&keys.base, count, &seen), 0);
	assert_int_equal(seen, 0);
	keys.has_in_as_fd = true;
	keys.in_as_fd = 3;
	assert_int_equal(message_each_descriptor(&keys.base, count, &seen), 0);
	assert_int_equal(seen, 1 << 3);
	one.value_fd = 1;
	other.value_fd = 2;
	m.things = things;
	m.n_things = 2;
	seen = 0;
	assert_int_equal(message_each_descriptor(&m.base, count, &seen), 0);
	assert_int_equal(seen, 1 << 1 | 1 << 2);
	one.value_fd = 7;
	seen = 0;
	assert_int_equal(message_each_descriptor(&m.base, count, &seen), -EBADMSG);
	assert_int_equal(seen, 1 << 7);
}

/* The table's test keeps such a field out of requests; should one slip in, nothing is misread. */
static void a_type_that_cannot_be_read_is_not(void **state) {
	sd_bus_message *message = call_new(state);
	struct result result;

	append(message, "aa{sv}a{sv}", 1, 0, 0);
	result = read_as(message, &every__unreadable__descriptor);
	assert_int_equal(result.r, -EOPNOTSUPP);
	result_done(&result);
	message = call_new(state);
	append(message, "aya{sv}", 0, 0);
	result = read_as(message, &every__unreadable_bytes__descriptor);
	assert_int_equal(result.r, -EOPNOTSUPP);
	result_done(&result);
}

/* ---- rows ---- */

static struct result read_open(sd_bus_message *message) {
	return read_as(message, &every__open__descriptor);
}

/* A row alone, with no options. */
static struct result read_row(void **state, const char *key, const char *type, ...) {
	sd_bus_message *message = call_new(state);
	va_list arguments;

	va_start(arguments, type);
	assert_true(sd_bus_message_open_container(message, 'a', "{sv}") >= 0);
	assert_true(sd_bus_message_open_container(message, 'e', "sv") >= 0);
	append(message, "s", key);
	assert_true(sd_bus_message_open_container(message, 'v', type) >= 0);
	assert_true(sd_bus_message_appendv(message, type, arguments) >= 0);
	va_end(arguments);
	for (int i = 0; i < 3; i++)
		assert_true(sd_bus_message_close_container(message) >= 0);
	append(message, "a{sv}", 0);
	return read_open(message);
}

static const Usher__Value *value_of(const Usher__Row *row, const char *key) {
	for (size_t i = 0; i < row->n_members; i++)
		if (strcmp(row->members[i]->key, key) == 0)
			return row->members[i]->value;
	fail_msg("no key %s", key);
	abort();
}

static void append_row(sd_bus_message *message) {
	append(message, "a{sv}", 12, "y", "y", 200, "q", "q", 60000, "u", "u", UINT32_MAX, "t", "t",
	       UINT64_MAX, "n", "n", -5, "i", "i", 7, "x", "x", INT64_MIN, "b", "b", 1, "s", "s",
	       "\\xff", "o", "o", "/a", "v", "v", "s", "inner", "as", "as", 2, "one", "two");
}

static void rows_arrive_with_values_of_every_type(void **state) {
	sd_bus_message *message = call_new(state);
	struct result result;
	const Usher__Row *row;

	append_row(message);
	append(message, "a{sv}", 0);
	result = read_open(message);
	assert_int_equal(result.r, 0);
	row = ((Every__Open *)result.message)->row;
	assert_int_equal(row->n_members, 12);
	assert_true(value_of(row, "y")->number == 200 && !value_of(row, "y")->wide);
	assert_true(value_of(row, "q")->number == 60000);
	assert_true(value_of(row, "u")->number == UINT32_MAX && !value_of(row, "u")->wide);
	assert_true(value_of(row, "t")->number == UINT64_MAX && value_of(row, "t")->wide);
	assert_true(value_of(row, "n")->has_signed_number && !value_of(row, "n")->has_number);
	assert_true(value_of(row, "n")->signed_number == -5);
	assert_true(value_of(row, "i")->number == 7 && !value_of(row, "i")->has_signed_number);
	assert_true(value_of(row, "x")->signed_number == INT64_MIN && value_of(row, "x")->wide);
	assert_true(value_of(row, "b")->has_boolean && value_of(row, "b")->boolean);
	assert_string_equal(value_of(row, "s")->text, "\xff");
	assert_string_equal(value_of(row, "o")->text, "/a");
	assert_string_equal(value_of(row, "v")->text, "inner");
	assert_int_equal(value_of(row, "as")->list->n_values, 2);
	assert_string_equal(value_of(row, "as")->list->values[1]->text, "two");
	result_done(&result);
}

static void keys_that_no_field_has_are_a_row(void **state) {
	sd_bus_message *message = call_new(state);
	struct result result;
	const Every__Open *m;

	append(message, "a{sv}", 0);
	append(message, "a{sv}", 3, "colour", "u", 5U, "text", "s", "t", "shape", "a{sv}", 1,
	       "deep", "b", 1);
	result = read_open(message);
	assert_int_equal(result.r, 0);
	m = (const Every__Open *)result.message;
	assert_string_equal(m->text, "t");
	assert_int_equal(m->others->n_members, 2);
	assert_true(value_of(m->others, "colour")->number == 5);
	assert_true(value_of(value_of(m->others, "shape")->row, "deep")->boolean);
	result_done(&result);
	message = call_new(state);
	append(message, "a{sv}", 0);
	append(message, "a{sv}", 2, "colour", "u", 5U, "colour", "s", "red");
	assert_read_refused(read_open(message), REFUSED_INVALID, "'colour' is there twice");
	message = call_new(state);
	append(message, "a{sv}", 0);
	append(message, "a{sv}", 1, "text", "u", 5U); /* a field's name is the field's */
	assert_read_refused(read_open(message), REFUSED_INVALID, "'text' is of type s, not u");
}

static void rows_leave_as_they_came(void **state) {
	sd_bus_message *message = call_new(state), *again = call_new(state);
	Every__Rows rows = EVERY__ROWS__INIT;
	struct result first, second;
	Usher__Row *row;

	append(message, "a{sv}", 7, "narrow", "u", 7U, "wide", "t", UINT64_C(7), "below", "i", -1,
	       "bytes", "ay", 3, 1, 0, 255, "none", "au", 0, "rows", "aa{sv}", 2, 1, "a", "s",
	       "\\x0a", 0, "lists", "aas", 2, 1, "x", 0);
	append(message, "a{sv}", 0);
	first = read_open(message);
	assert_int_equal(first.r, 0);
	row = ((Every__Open *)first.message)->row;
	rows.rows = &row;
	rows.n_rows = 1;
	assert_true(message_bus_append(again, &rows.base, NULL) >= 0);
	seal(again);
	assert_string_equal(sd_bus_message_get_signature(again, 1), "aa{sv}");
	sd_bus_message_unref(again);
	again = call_new(state);
	assert_true(message_bus_append(again, first.message, NULL) >= 0);
	append(again, "a{sv}", 0);
	second = read_open(again);
	assert_int_equal(second.r, 0);
	assert_int_equal(protobuf_c_message_get_packed_size(first.message),
			 protobuf_c_message_get_packed_size(second.message));
	row = ((Every__Open *)second.message)->row;
	assert_true(value_of(row, "wide")->wide && !value_of(row, "narrow")->wide);
	assert_string_equal(value_of(row, "none")->list->element, "u");
	assert_memory_equal(value_of(row, "bytes")->bytes.data, "\1\0\377", 3);
	assert_int_equal(value_of(row, "rows")->list->n_values, 2);
	result_done(&first);
	result_done(&second);
}

static void what_no_row_holds_is_refused_by_the_way_to_it(void **state) {
	sd_bus_message *message;

	assert_read_refused(read_row(state, "size", "d", 0.5), REFUSED_INVALID, "row.size:");
	assert_read_refused(read_row(state, "pair", "(uu)", 1U, 2U), REFUSED_INVALID, "row.pair:");
	assert_read_refused(read_row(state, "map", "a{ss}", 1, "a", "b"), REFUSED_INVALID,
			    "row.map:");
	assert_read_refused(read_row(state, "word", "s", "\\"), REFUSED_INVALID, "row.word:");
	message = call_new(state);
	append(message, "a{sv}", 1, "one", "a{sv}", 1, "two", "as", 2, "fine", "\\x00");
	append(message, "a{sv}", 0);
	assert_read_refused(read_open(message), REFUSED_INVALID, "row.one.two:");
}

/* Lists in lists in a row. */
static struct result read_deep(void **state, int depth) {
	char type[32] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaas";
	sd_bus_message *message = call_new(state);
	const char *inner = type + strlen(type) - 1 - depth;

	assert_true(sd_bus_message_open_container(message, 'a', "{sv}") >= 0);
	assert_true(sd_bus_message_open_container(message, 'e', "sv") >= 0);
	append(message, "s", "deep");
	assert_true(sd_bus_message_open_container(message, 'v', inner) >= 0);
	for (int i = 1; i <= depth; i++)
		assert_true(sd_bus_message_open_container(message, 'a', inner + i) >= 0);
	for (int i = 0; i < depth + 3; i++)
		assert_true(sd_bus_message_close_container(message) >= 0);
	append(message, "a{sv}", 0);
	return read_open(message);
}

static void rows_are_not_endless(void **state) {
	struct result result = read_deep(state, 8);
	sd_bus_message *message = call_new(state);
	char key[16];

	assert_int_equal(result.r, 0);
	result_done(&result);
	assert_read_refused(read_deep(state, 9), REFUSED_LIMIT, "row.deep: deeper than 8");
	assert_true(sd_bus_message_open_container(message, 'a', "{sv}") >= 0);
	for (unsigned i = 0; i < 257; i++) {
		(void)snprintf(key, sizeof key, "k%u", i);
		append(message, "{sv}", key, "u", i);
	}
	assert_true(sd_bus_message_close_container(message) >= 0);
	append(message, "a{sv}", 0);
	assert_read_refused(read_open(message), REFUSED_LIMIT, "row: more than 256 keys");
	message = call_new(state);
	append(message, "a{sv}", 0);
	append_elements(message, 4097);
	assert_read_refused(read_open(message), REFUSED_LIMIT, "options.list: more than 4096");
}

static void a_descriptor_in_a_row_is_one_of_the_messages(void **state) {
	size_t before = descriptors_open();
	int fd = own_file();
	struct result result = read_row(state, "fd", "h", fd);
	const Usher__Value *value = value_of(((Every__Open *)result.message)->row, "fd");
	uint32_t seen = 0;

	assert_true(value->has_descriptor_fd);
	assert_true(same_file(fds_get(&result.fds, value->descriptor_fd), fd));
	assert_int_equal(message_each_descriptor(result.message, count, &seen), 0);
	assert_int_equal(seen, 1 << value->descriptor_fd);
	result_done(&result);
	(void)close(fd);
	assert_no_leak(before);
}

/* ---- writing ---- */

static Every__Reply *reply_new(int fd, struct fds *fds) {
	Every__Reply *m = (Every__Reply *)message_new(&every__reply__descriptor);

	assert_non_null(m);
	m->word = strdup("w\xff\n\\");
	m->number = 1;
	m->thing_fd = (uint32_t)fds_add(fds, dup(fd));
	m->flag = true;
	m->small = -2;
	m->large = UINT64_MAX;
	m->wide = INT64_MIN;
	m->real = 1.5;
	m->path_object = strdup("/org/usher1/mount/1");
	assert_int_equal(message_append_string(&m->words, &m->n_words, "one"), 0);
	assert_int_equal(message_append_string(&m->words, &m->n_words, "t\tw"), 0);
	m->entry = (Every__Entry *)message_new(&every__entry__descriptor);
	m->has_hidden = true;
	m->hidden = 99;
	return m;
}

static Every__Entry *entry_new(uint32_t held) {
	Every__Entry *entry = (Every__Entry *)message_new(&every__entry__descriptor);

	assert_non_null(entry);
	entry->has_id = true;
	entry->id = 5;
	entry->name = strdup("e\x01");
	assert_int_equal(message_append_string(&entry->words, &entry->n_words, "x"), 0);
	entry->has_set = entry->set = true;
	entry->has_held_fd = true;
	entry->held_fd = held;
	entry->object = strdup("/o");
	return entry;
}

static void every_type_leaves_in_every_place(void **state) {
	size_t before = descriptors_open();
	sd_bus_message *message = call_new(state);
	int fd = own_file(), received, flag;
	struct fds fds = { 0 };
	Every__Reply *m = reply_new(fd, &fds);
	const char *word, *path, *key, *name;
	uint32_t number;
	int32_t small;
	uint64_t large, id;
	int64_t wide;
	double real;

	m->entries = calloc(2, sizeof *m->entries);
	m->n_entries = 2;
	m->entries[0] = entry_new(m->thing_fd);
	m->entries[1] = (Every__Entry *)message_new(&every__entry__descriptor);
	assert_true(message_bus_append(message, &m->base, &fds) >= 0);
	seal(message);
	assert_string_equal(sd_bus_message_get_signature(message, 1), "suhbitxdoasaa{sv}a{sv}");
	assert_true(sd_bus_message_read(message, "suhbitxdo", &word, &number, &received, &flag,
					&small, &large, &wide, &real, &path) > 0);
	assert_string_equal(word, "w\\xff\\x0a\\x5c");
	assert_true(number == 1 && flag == 1 && small == -2 && large == UINT64_MAX &&
		    wide == INT64_MIN && real == 1.5);
	assert_string_equal(path, "/org/usher1/mount/1");
	assert_true(same_file(received, fd));
	assert_true(sd_bus_message_read(message, "as", 2, &word, &name) > 0);
	assert_string_equal(word, "one");
	assert_string_equal(name, "t\\x09w");
	assert_true(sd_bus_message_enter_container(message, 'a', "a{sv}") > 0);
	assert_true(sd_bus_message_read(message, "a{sv}", 6, &key, "t", &id, &key, "s", &name, &key,
					"as", 1, &word, &key, "b", &flag, &key, "h", &received,
					&key, "o", &path) > 0);
	assert_true(id == 5 && flag);
	assert_string_equal(name, "e\\x01");
	assert_string_equal(key, "Object");
	assert_true(same_file(received, fd));
	/* an empty one is there, and says of lists that they are empty */
	assert_true(sd_bus_message_read(message, "a{sv}", 1, &key, "as", 0) > 0);
	assert_string_equal(key, "Words");
	assert_true(sd_bus_message_exit_container(message) >= 0);
	assert_true(sd_bus_message_read(message, "a{sv}", 1, &key, "as", 0) > 0);
	assert_string_equal(key, "Words");
	assert_true(sd_bus_message_at_end(message, 1) > 0);
	sd_bus_message_unref(message);
	message_freep((ProtobufCMessage **)&m);
	fds_done(&fds);
	(void)close(fd);
	assert_no_leak(before);
}

static void structs_leave_alone_and_in_arrays(void **state) {
	sd_bus_message *message;
	Every__Inner one = EVERY__INNER__INIT, other = EVERY__INNER__INIT,
		     *inners[] = { &other, &one };
	Every__Structs m = EVERY__STRUCTS__INIT;
	const char *names[3];
	uint32_t numbers[3];

	message = call_new(state);
	one.name = (char[]){ "one" };
	one.number = 1;
	other.name = (char[]){ "other" };
	other.number = 2;
	m.inner = &one;
	m.inners = inners;
	m.n_inners = 2;
	assert_true(message_bus_append(message, &m.base, NULL) >= 0);
	seal(message);
	assert_true(sd_bus_message_read(message, "(su)a(su)", names, numbers, 2, names + 1,
					numbers + 1, names + 2, numbers + 2) > 0);
	assert_string_equal(names[1], "other");
	assert_string_equal(names[2], "one");
	assert_true(numbers[0] == 1 && numbers[1] == 2 && numbers[2] == 1);
	sd_bus_message_unref(message);
}

static void arrays_of_numbers_leave_element_by_element(void **state) {
	sd_bus_message *message;
	Every__Numbers m = EVERY__NUMBERS__INIT;
	uint32_t numbers[] = { 1, 2, 3 }, things[] = { 0, 0 }, read[3];
	uint64_t larges[] = { UINT64_MAX, 5 }, larges_read[2];
	protobuf_c_boolean flags[] = { 1, 0, 1, 0, 0, 0, 0, 0, 0 };
	double reals[] = { 0.5 }, real;
	struct fds fds = { 0 };
	int booleans[3], held[2];

	message = call_new(state);
	assert_int_equal(fds_add(&fds, some_descriptor()), 0);
	m.numbers = numbers;
	m.n_numbers = 3;
	m.larges = larges;
	m.n_larges = 2;
	m.flags = flags;
	m.n_flags = 3;
	m.things_fd = things;
	m.n_things_fd = 2;
	m.reals = reals;
	m.n_reals = 1;
	assert_true(message_bus_append(message, &m.base, &fds) >= 0);
	seal(message);
	assert_true(sd_bus_message_read(message, "auatabahad", 3, read, read + 1, read + 2, 2,
					larges_read, larges_read + 1, 3, booleans, booleans + 1,
					booleans + 2, 2, held, held + 1, 1, &real) > 0);
	assert_true(read[0] == 1 && read[1] == 2 && read[2] == 3);
	assert_true(larges_read[0] == UINT64_MAX && larges_read[1] == 5);
	assert_true(booleans[0] && !booleans[1] && booleans[2]);
	sd_bus_message_unref(message);
	fds_done(&fds);
}

static void a_string_that_nobody_set_leaves_as_an_empty_one(void **state) {
	sd_bus_message *message = call_new(state);
	Usher__GetHostnameReply reply = USHER__GET_HOSTNAME_REPLY__INIT;
	const char *name;

	assert_true(message_bus_append(message, &reply.base, NULL) >= 0);
	seal(message);
	assert_true(sd_bus_message_read(message, "s", &name) > 0);
	assert_string_equal(name, "");
	sd_bus_message_unref(message);
}

static void a_place_without_a_descriptor_cannot_leave(void **state) {
	sd_bus_message *message = call_new(state);
	Usher__OpenReply reply = USHER__OPEN_REPLY__INIT;
	struct fds fds = { 0 };

	reply.mount_fd = 0;
	assert_int_equal(message_bus_append(message, &reply.base, &fds), -EBADF);
	reply.mount_fd = UINT32_MAX;
	assert_int_equal(message_bus_append(message, &reply.base, &fds), -EBADF);
	sd_bus_message_unref(message);
}

static void the_mount_table_is_an_array_of_dictionaries(void **state) {
	sd_bus_message *message = call_new(state);
	Usher__MountEntry one = USHER__MOUNT_ENTRY__INIT, other = USHER__MOUNT_ENTRY__INIT;
	Usher__MountEntry *entries[] = { &one, &other };
	Usher__ListReply reply = USHER__LIST_REPLY__INIT;
	char *options[] = { (char[]){ "ro" }, (char[]){ "a\\b" } };
	const char *key, *source, *target, *option[2];
	uint64_t id;
	uint32_t owner;

	one.has_id = true;
	one.id = 77;
	one.source = (char[]){ "/dev/\xfe" };
	one.target = (char[]){ "/mnt" };
	one.options = options;
	one.n_options = 2;
	one.has_owner = true;
	one.owner = 1000;
	reply.mounts = entries;
	reply.n_mounts = 2;
	assert_true(message_bus_append(message, &reply.base, NULL) >= 0);
	seal(message);
	assert_string_equal(sd_bus_message_get_signature(message, 1), "aa{sv}");
	assert_true(sd_bus_message_enter_container(message, 'a', "a{sv}") > 0);
	assert_true(sd_bus_message_read(message, "a{sv}", 5, &key, "t", &id, &key, "s", &source,
					&key, "s", &target, &key, "as", 2, option, option + 1, &key,
					"u", &owner) > 0);
	assert_true(id == 77 && owner == 1000);
	assert_string_equal(source, "/dev/\\xfe");
	assert_string_equal(target, "/mnt");
	assert_string_equal(option[1], "a\\x5cb");
	assert_string_equal(key, "Owner");
	sd_bus_message_unref(message);
}

static void a_property_leaves_as_its_value(void **state) {
	sd_bus_message *message = call_new(state);
	Usher__MountObject object = USHER__MOUNT_OBJECT__INIT;
	const char *target;

	object.target = (char[]){ "/\x7f" };
	assert_true(message_bus_append_field(message, &object.base,
					     protobuf_c_message_descriptor_get_field_by_name(
						     object.base.descriptor, "Target"),
					     NULL) >= 0);
	seal(message);
	assert_true(sd_bus_message_read(message, "s", &target) > 0);
	assert_string_equal(target, "/\\x7f");
	sd_bus_message_unref(message);
}

/* ---- there and back ---- */

/* What a row's request looks like on the bus when every positional argument and key is given. */
/* The next complete type of a signature. */
static size_t complete_type(const char *signature) {
	int open = 0;
	size_t n = strspn(signature, "a");

	do {
		open += (signature[n] == '(' || signature[n] == '{') -
			(signature[n] == ')' || signature[n] == '}');
		n++;
	} while (open > 0);
	return n;
}

static void append_each(sd_bus_message *message, const char *signature, int fd);

static void append_container(sd_bus_message *message, char type, const char *contents, int fd) {
	assert_true(sd_bus_message_open_container(message, type, contents) >= 0);
	append_each(message, contents, fd);
	assert_true(sd_bus_message_close_container(message) >= 0);
}

static void append_any(sd_bus_message *message, const char *signature, int fd) {
	char inner[MESSAGE_SIGNATURE_MAX];

	(void)snprintf(inner, sizeof inner, "%.*s", (int)strlen(signature) - 2, signature + 1);
	switch (*signature) {
	case 's': append(message, "s", "some\\xffword"); break;
	case 'o': append(message, "o", "/some/object"); break;
	case 'h': append(message, "h", fd); break;
	case 'u': append(message, "u", 12345U); break;
	case 't': append(message, "t", UINT64_C(1) << 40); break;
	case 'x': append(message, "x", -(INT64_C(1) << 40)); break;
	case 'b': append(message, "b", 1); break;
	case 'i': append(message, "i", -5); break;
	case 'a': append_container(message, 'a', signature + 1, fd); break;
	case 'v': append_container(message, 'v', "as", fd); break;
	case '(': append_container(message, 'r', inner, fd); break;
	case '{': append_container(message, 'e', inner, fd); break;
	default: fail_msg("no value of type %s", signature);
	}
}

static void append_each(sd_bus_message *message, const char *signature, int fd) {
	for (size_t n; *signature; signature += n) {
		char one[MESSAGE_SIGNATURE_MAX];

		n = complete_type(signature);
		(void)snprintf(one, sizeof one, "%.*s", (int)n, signature);
		append_any(message, one, fd);
	}
}

/* Of a key that has several forms only the first, or the last. */
static bool is_sent(const ProtobufCMessageDescriptor *request, unsigned field, bool last) {
	char name[MESSAGE_NAME_MAX], other[MESSAGE_NAME_MAX];

	if (message_field_place(&request->fields[field]) != MESSAGE_KEY)
		return message_field_place(&request->fields[field]) == MESSAGE_POSITIONAL;
	message_field_name(&request->fields[field], name);
	for (unsigned i = 0; i < request->n_fields; i++) {
		message_field_name(&request->fields[i], other);
		if (strcmp(name, other) == 0 && (last ? i > field : i < field))
			return false;
	}
	return true;
}

static void append_whole_request(sd_bus_message *message, const ProtobufCMessageDescriptor *request,
				 int fd, bool last) {
	char signature[MESSAGE_SIGNATURE_MAX], name[MESSAGE_NAME_MAX];

	for (unsigned i = 0; i < request->n_fields; i++)
		if (message_field_place(&request->fields[i]) == MESSAGE_POSITIONAL) {
			message_field_signature(&request->fields[i], signature);
			append_any(message, signature, fd);
		}
	assert_true(sd_bus_message_open_container(message, 'a', "{sv}") >= 0);
	for (unsigned i = 0; i < request->n_fields; i++) {
		if (message_field_place(&request->fields[i]) != MESSAGE_KEY ||
		    !is_sent(request, i, last))
			continue;
		message_field_name(&request->fields[i], name);
		message_field_signature(&request->fields[i], signature);
		assert_true(sd_bus_message_open_container(message, 'e', "sv") >= 0);
		append(message, "s", name);
		assert_true(sd_bus_message_open_container(message, 'v', signature) >= 0);
		append_any(message, signature, fd);
		assert_true(sd_bus_message_close_container(message) >= 0);
		assert_true(sd_bus_message_close_container(message) >= 0);
	}
	assert_true(sd_bus_message_close_container(message) >= 0);
}

static void every_request_of_the_table_can_be_read_and_packed(void **state) {
	size_t before = descriptors_open();
	int fd = some_descriptor();

	for (size_t i = 0; i < 2 * operations_n; i++) {
		const ProtobufCMessageDescriptor *request = operations[i / 2]->request;
		sd_bus_message *message = call_new(state);
		ProtobufCMessage *copy;
		struct result result;

		append_whole_request(message, request, fd, i % 2);
		result = read_as(message, request);
		if (result.r != 0)
			fail_msg("%s: %d: %s", operations[i / 2]->method, result.r,
				 result.refusal.text);
		for (unsigned f = 0; f < request->n_fields; f++)
			assert_int_equal(message_has(result.message, &request->fields[f]),
					 is_sent(request, f, i % 2));
		copy = message_copy(result.message);
		assert_non_null(copy);
		assert_int_equal(protobuf_c_message_get_packed_size(copy),
				 protobuf_c_message_get_packed_size(result.message));
		message_freep(&copy);
		result_done(&result);
	}
	(void)close(fd);
	assert_no_leak(before);
}

static void a_number_is_found_by_name_or_is_the_default(void **state) {
	Usher__UnmountObjectRequest m = USHER__UNMOUNT_OBJECT_REQUEST__INIT;

	(void)state;
	assert_true(message_number(&m.base, "deadline_usec", 3) == 3);
	m.has_deadline_usec = true;
	m.deadline_usec = 4;
	m.has_namespace_fd = true;
	m.namespace_fd = 6;
	m.target = (char[]){ "7" };
	assert_true(message_number(&m.base, "deadline_usec", 3) == 4);
	assert_true(message_number(&m.base, "namespace_fd", 3) == 6);
	assert_true(message_number(&m.base, "target", 3) == 3); /* no number */
	assert_true(message_number(&m.base, "nothing", 3) == 3);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_have_the_signatures_of_their_types),
		cmocka_unit_test(names_lose_what_only_says_their_form),
		cmocka_unit_test(every_type_arrives_in_every_place),
		cmocka_unit_test(no_option_is_needed),
		cmocka_unit_test(a_key_of_two_forms_takes_either),
		cmocka_unit_test(an_unknown_key_is_refused_by_name),
		cmocka_unit_test(a_private_field_is_no_key),
		cmocka_unit_test(a_positional_argument_is_no_key),
		cmocka_unit_test(a_key_of_the_wrong_type_is_refused_by_name),
		cmocka_unit_test(a_key_that_is_there_twice_is_refused_by_name),
		cmocka_unit_test(a_key_that_is_there_in_two_forms_is_there_twice),
		cmocka_unit_test(a_descriptor_that_is_there_twice_is_not_leaked),
		cmocka_unit_test(a_hostile_key_does_not_reach_the_answer_unbounded),
		cmocka_unit_test(escaped_bytes_arrive_as_bytes),
		cmocka_unit_test(a_bad_escape_is_refused_wherever_it_stands),
		cmocka_unit_test(as_many_elements_as_are_allowed_are_taken_and_no_more),
		cmocka_unit_test(descriptors_beyond_the_limit_are_refused_and_closed),
		cmocka_unit_test(no_way_to_fail_leaks_a_descriptor),
		cmocka_unit_test(a_message_that_ends_early_is_an_error),
		cmocka_unit_test(structs_and_dictionaries_and_arrays_arrive),
		cmocka_unit_test(dictionaries_leave_as_they_came),
		cmocka_unit_test(what_is_wrong_inside_is_refused_by_the_arguments_name),
		cmocka_unit_test(every_descriptor_of_a_message_is_visited),
		cmocka_unit_test(a_type_that_cannot_be_read_is_not),
		cmocka_unit_test(rows_arrive_with_values_of_every_type),
		cmocka_unit_test(keys_that_no_field_has_are_a_row),
		cmocka_unit_test(rows_leave_as_they_came),
		cmocka_unit_test(what_no_row_holds_is_refused_by_the_way_to_it),
		cmocka_unit_test(rows_are_not_endless),
		cmocka_unit_test(a_descriptor_in_a_row_is_one_of_the_messages),
		cmocka_unit_test(every_type_leaves_in_every_place),
		cmocka_unit_test(structs_leave_alone_and_in_arrays),
		cmocka_unit_test(arrays_of_numbers_leave_element_by_element),
		cmocka_unit_test(a_string_that_nobody_set_leaves_as_an_empty_one),
		cmocka_unit_test(a_place_without_a_descriptor_cannot_leave),
		cmocka_unit_test(the_mount_table_is_an_array_of_dictionaries),
		cmocka_unit_test(a_property_leaves_as_its_value),
		cmocka_unit_test(every_request_of_the_table_can_be_read_and_packed),
		cmocka_unit_test(a_number_is_found_by_name_or_is_the_default),
	};

	return cmocka_run_group_tests(tests, bench_new, bench_free);
}
