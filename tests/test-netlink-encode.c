/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What rows become on their way to the kernel: within their buffer, in the range of their fields,
 * with nothing of ours in them; and what is refused, by the name of its field. */

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "netlink/batch.h"
#include "netlink/decode.h"
#include "netlink/inverse.h"
#include "row.h"
#include "support.h"

/* A row of at most four members; what lies in one is given as a row. */
static Usher__Row *new_row(void) {
	Usher__Row *row = (Usher__Row *)message_new(&usher__row__descriptor);

	assert_non_null(row);
	return row;
}

static Usher__Value *add(Usher__Row *row, const char *key) {
	Usher__Value *value = row_add(row, key);

	assert_non_null(value);
	return value;
}

static void add_text(Usher__Row *row, const char *key, const char *text) {
	add(row, key)->text = strdup(text);
}

static void add_number(Usher__Row *row, const char *key, uint64_t number) {
	Usher__Value *value = add(row, key);

	value->has_number = true;
	value->number = number;
}

static Usher__Row *add_row(Usher__Row *row, const char *key) {
	return add(row, key)->row = new_row();
}

static int read_change(const char *action, const char *type, Usher__Row **row,
		       struct refusal *refusal, struct change *ret) {
	int r = change_read("", action, type, *row, refusal, ret);

	message_freep((ProtobufCMessage **)row);
	return r;
}

static void numbers_are_taken_in_any_form_and_within_their_range(void **state) {
	static const struct {
		const char *field, *text;
		bool taken;
	} cases[] = {
		{ "mtu", "1500", true },
		{ "mtu", "0x5dc", true },
		{ "mtu", "-1", false },
		{ "mtu", "4294967296", false },
		{ "mtu", "", false },
		{ "mtu", "1500 ", false },
		{ "mtu", "0x", false },
		{ "mtu", "18446744073709551616", false },
		{ "operstate", "up", true },
		{ "operstate", "6", true },
		{ "operstate", "UP", false },
		{ "operstate", "256", false },
		{ "carrier", "true", true },
		{ "carrier", "2", false },
		{ "flags", "up", true },
		{ "flags", "-up", true },
		{ "flags", "-", false },
		{ "link-netnsid", "-1", true },
		{ "address", "02:00:5e:10:00:01", true },
		{ "address", "02005e100001", true },
		{ "address", "02:00:5e:10:00:0", false },
		{ "ifname", "a\\x20b", true },
		{ "ifname", "a\\xzz", false },
	};

	for (size_t i = 0; i < N_OF(cases); i++) {
		Usher__Row *row = new_row();
		struct refusal refusal = { 0 };
		struct change change;
		int r;

		if (strcmp(cases[i].field, "ifname") != 0)
			add_text(row, "ifname", "v0");
		add_text(row, cases[i].field, cases[i].text);
		r = read_change("change", "link", &row, &refusal, &change);
		if ((r == 0) != cases[i].taken)
			fail_msg("%s=%s: %d %s", cases[i].field, cases[i].text, r, refusal.text);
		if (r != 0 && !strstr(refusal.text, cases[i].field))
			fail_msg("%s=%s: not named in: %s", cases[i].field, cases[i].text,
				 refusal.text);
	}
}

static void what_is_refused_is_named_by_its_path(void **state) {
	Usher__Row *row = new_row(), *info = add_row(row, "linkinfo"), *data;
	struct refusal refusal = { 0 };
	struct change change;

	add_text(row, "ifname", "v0");
	add_text(info, "kind", "veth");
	data = add_row(info, "data");
	add_text(add_row(data, "peer"), "mtu", "many");
	assert_refusal(read_change("add", "link", &row, &refusal, &change), REFUSED_INVALID,
		       &refusal, "row.linkinfo.data.peer.mtu: 'many'");
	row = new_row();
	add_text(add_row(row, "linkinfo"), "kind", "nothing");
	add_row(row->members[0]->value->row, "data");
	assert_refusal(read_change("add", "link", &row, &refusal, &change), REFUSED_INVALID,
		       &refusal, "row.linkinfo.data: takes a 'kind'");
	row = new_row();
	add_number(row, "linkinfo.kind", 1);
	assert_refusal(read_change("add", "link", &row, &refusal, &change), REFUSED_INVALID,
		       &refusal, "row: there is no field 'linkinfo.kind'");
}

static void an_offset_is_the_path_of_what_stands_there(void **state) {
	static struct encoding encoding;
	const struct netlink_type *type = netlink_type_find("link");
	Usher__Row *row = new_row(), *info = add_row(row, "linkinfo");
	uint8_t bytes[1024] __attribute__((aligned(4)));
	char path[256];
	bool found = false;

	add_text(info, "kind", "veth");
	add_text(add_row(add_row(info, "data"), "peer"), "ifname", "v1");
	encode_start(&encoding, bytes, sizeof bytes, RTM_NEWLINK, 0, type->header);
	assert_int_equal(encode_row(&encoding, &type->schema, row), 0);
	for (uint32_t at = 0; at < encoding.size; at += 4)
		if (encode_path_at(&encoding, at, path, sizeof path))
			found |= strcmp(path, "row.linkinfo.data.peer.ifname") == 0;
	assert_true(found);
	assert_false(encode_path_at(&encoding, 2, path, sizeof path));
	assert_true(encode_path_within(&encoding, 0, IFLA_MTU, path, sizeof path));
	assert_string_equal(path, "row.mtu");
	message_freep((ProtobufCMessage **)&row);
}

static void nothing_is_written_beyond_the_buffer(void **state) {
	static struct encoding encoding;
	const struct netlink_type *type = netlink_type_find("link");
	Usher__Row *row = new_row();
	uint8_t bytes[256] __attribute__((aligned(4)));

	add_text(row, "ifname", "a-name");
	add_text(row, "address", "02:00:5e:10:00:01");
	add_text(row, "flags", "up");
	add_text(add_row(row, "linkinfo"), "kind", "veth");
	for (size_t capacity = 0; capacity < 128; capacity++) {
		int r;

		memset(bytes, 0xa5, sizeof bytes);
		encode_start(&encoding, bytes, capacity, RTM_NEWLINK, 0, type->header);
		r = encode_row(&encoding, &type->schema, row);
		if (r == 0)
			r = encode_done(&encoding);
		assert_true(r == 0 || r == -EMSGSIZE);
		assert_true(r == 0 ? encoding.size <= capacity : capacity < 96);
		for (size_t i = capacity; i < sizeof bytes; i++)
			assert_int_equal(bytes[i], 0xa5);
	}
	message_freep((ProtobufCMessage **)&row);
}

/* ---- of all tables ---- */

static void assert_no_number_is_a_descriptor(const struct netlink_schema *schema, unsigned depth) {
	for (const struct netlink_field *field = schema->fields; depth > 0 && field->name;
	     field++) {
		const size_t n = strlen(field->name);

		if ((strcmp(field->name, "fd") == 0 ||
		     (n > 3 && strcmp(field->name + n - 3, "-fd") == 0)) &&
		    field->encode != encode_file && !field->read_only)
			fail_msg("%s.%s would take a number of ours", schema->name, field->name);
		if (field->nested)
			assert_no_number_is_a_descriptor(field->nested, depth - 1);
		for (const struct netlink_variant *v = field->variants; v && v->kind; v++)
			assert_no_number_is_a_descriptor(v->schema, depth - 1);
	}
}

static void no_number_of_a_caller_is_a_descriptor_of_ours(void **state) {
	for (size_t i = 0; i < netlink_types_n; i++)
		assert_no_number_is_a_descriptor(&netlink_types[i]->schema, 6);
}

static void assert_fields(const struct netlink_type *type, const char *const *names) {
	for (; names && *names; names++) {
		bool there = strcmp(*names, "block") == 0; /* of filters, where it is told */

		there |= netlink_field_find(&type->schema, *names) != NULL;
		if (!there && strcmp(*names, "port") != 0 && strcmp(*names, "nh-id") != 0)
			fail_msg("%s has no field %s", type->name, *names);
	}
}

static void what_can_be_changed_has_a_manner_of_fields_that_there_are(void **state) {
	for (size_t i = 0; i < netlink_types_n; i++) {
		const struct netlink_type *type = netlink_types[i];
		const struct manner *manner = manner_find(type);

		if (type->changes && !manner)
			fail_msg("%s: nobody knows how it is changed", type->name);
		if (!manner)
			continue;
		assert_fields(type, manner->identity);
		assert_fields(type, manner->keys);
		assert_fields(type, manner->needs);
		assert_fields(type, manner->addresses);
	}
}

/* ---- what is asked, and what is undone ---- */

static void no_word_looks_like_several_to_who_is_asked(void **state) {
	Usher__Row *row = new_row();
	struct refusal refusal;
	struct change change;
	char *text;

	add_text(row, "ifname", "v0");
	add_text(row, "ifalias", "x; del link\n%");
	assert_int_equal(change_read("", "add", "link", row, &refusal, &change), 0);
	text = change_describe(&change);
	assert_string_equal(text, "add link ifname=v0 ifalias=x%3b%20del%20link%0a%25");
	free(text);
	message_freep((ProtobufCMessage **)&row);
}

static void what_takes_a_change_back_names_what_was(void **state) {
	Usher__Row *row = new_row(), *before = new_row(), *done = new_row();
	struct refusal refusal;
	struct inverse inverse;
	struct change change;

	add_text(row, "ifname", "v0");
	add_number(row, "mtu", 1300);
	add_number(row, "master", 7);
	add_number(before, "ifindex", 3);
	add_text(before, "ifname", "v0");
	add_number(before, "mtu", 1500);
	add_number(before, "txqlen", 1000);
	assert_int_equal(change_read("", "change", "link", row, &refusal, &change), 0);
	assert_int_equal(inverse_of(&change, before, done, &inverse), 0);
	assert_int_equal(inverse.change.action, CHANGE_CHANGE);
	assert_int_equal(inverse.row->n_members, 4);
	assert_int_equal(encode_member(inverse.row, "ifindex")->number, 3);
	assert_int_equal(encode_member(inverse.row, "mtu")->number, 1500);
	assert_int_equal(encode_member(inverse.row, "master")->number, 0);
	inverse_done(&inverse);
	message_freep((ProtobufCMessage **)&row);
	message_freep((ProtobufCMessage **)&before);
	message_freep((ProtobufCMessage **)&done);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_taken_in_any_form_and_within_their_range),
		cmocka_unit_test(what_is_refused_is_named_by_its_path),
		cmocka_unit_test(an_offset_is_the_path_of_what_stands_there),
		cmocka_unit_test(nothing_is_written_beyond_the_buffer),
		cmocka_unit_test(no_number_of_a_caller_is_a_descriptor_of_ours),
		cmocka_unit_test(what_can_be_changed_has_a_manner_of_fields_that_there_are),
		cmocka_unit_test(no_word_looks_like_several_to_who_is_asked),
		cmocka_unit_test(what_takes_a_change_back_names_what_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
