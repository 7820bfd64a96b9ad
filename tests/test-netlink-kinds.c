/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kinds of links, queues, classes, filters and actions, also those that the kernel at hand has not:
 * what ip(8) and tc(8) sent when they were asked to make them (tests/netlink-kinds.txt) is read,
 * and the row that comes of it is written, and read again.
 *
 * With "print" as its argument it writes that file anew, with the rows as they are now.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fd.h"
#include "netlink/decode.h"
#include "netlink/encode.h"
#include "row.h"
#include "support.h"

#define FILE_NAME SOURCE_ROOT "/tests/netlink-kinds.txt"

enum { LINE_MAX_SIZE = 16384 };

struct sample {
	char command[512], type[32];
	bool one_way; /* the row cannot be written: the kernel only tells it */
	_Alignas(NLMSG_ALIGNTO) uint8_t message[4096];
	size_t size;
	char row[LINE_MAX_SIZE];
};

static void close_file(FILE **file) {
	(void)fclose(*file);
}

static size_t from_digits(const char *text, uint8_t *to, size_t max) {
	size_t n = 0;

	for (unsigned byte; n < max && sscanf(text + 2 * n, "%2x", &byte) == 1; n++)
		to[n] = (uint8_t)byte;
	return n;
}

/* Three lines: "# ip link add ...", "link 0011...", or "link! 0011..." if one way, and the row. */
static bool read_sample(FILE *file, struct sample *sample) {
	char line[LINE_MAX_SIZE];
	char *digits;

	do
		if (!fgets(line, sizeof line, file))
			return false;
	while (strncmp(line, "# ", 2) != 0);
	line[strcspn(line, "\n")] = '\0';
	(void)snprintf(sample->command, sizeof sample->command, "%.500s", line + 2);
	assert_non_null(fgets(line, sizeof line, file));
	digits = strchr(line, ' ');
	assert_non_null(digits);
	sample->one_way = digits[-1] == '!';
	digits[sample->one_way ? -1 : 0] = '\0';
	(void)snprintf(sample->type, sizeof sample->type, "%.31s", line);
	sample->size = from_digits(digits + 1, sample->message, sizeof sample->message);
	assert_non_null(fgets(sample->row, sizeof sample->row, file));
	sample->row[strcspn(sample->row, "\n")] = '\0';
	return true;
}

/* As lines of JSON or as blocks. */
static struct block_buffer decode_some(const char *type, const uint8_t *message, size_t size,
				       enum block_format format, int rows) {
	_cleanup_(cleanup_selection) struct selection *selection = NULL;
	_cleanup_(cleanup_block) struct block *block = NULL;
	struct block_buffer buffer = { 0 };
	struct decoding decoding = { 0 };
	struct refusal refusal = { 0 };
	char *types[] = { (char *)type };

	assert_int_equal(selection_new(types, 1, NULL, 0, NULL, &refusal, &selection), 0);
	block = block_new(format, 65536, block_to_buffer, &buffer);
	assert_non_null(block);
	assert_int_equal(block_start(block), 0);
	decoding.selection = selection;
	decoding.block = block;
	assert_int_equal(decode_message(&decoding, selection_type(selection, 0), USHER_NETLINK_ROW,
					message, size),
			 rows);
	assert_int_equal(block_end(block, true, 0, NULL, NULL), 0);
	return buffer;
}

static struct block_buffer decode(const char *type, const uint8_t *message, size_t size,
				  enum block_format format) {
	return decode_some(type, message, size, format, 1);
}

static void decode_to_text(const char *type, const uint8_t *message, size_t size, char *ret) {
	struct block_buffer buffer = decode(type, message, size, BLOCK_JSON);

	assert_true(buffer.size < LINE_MAX_SIZE);
	memcpy(ret, buffer.bytes, buffer.size);
	ret[buffer.size] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	free(buffer.bytes);
}

/* The row of a message, written as a message. */
static size_t encode_again(const struct sample *sample, uint8_t *message, size_t max) {
	struct block_buffer buffer =
		decode(sample->type, sample->message, sample->size, BLOCK_RECORDS);
	const struct netlink_type *type = netlink_type_find(sample->type);
	static struct encoding encoding;
	struct refusal refusal = { 0 };
	static _Alignas(NLMSG_ALIGNTO) uint8_t bytes[8192];
	Usher__Row **rows;
	size_t n;
	int r;

	assert_int_equal(row_read_blocks(buffer.bytes, buffer.size, &rows, &n), 0);
	assert_int_equal(n, 1);
	encode_start(&encoding, bytes, sizeof bytes, type->new, 0, type->header);
	encoding.argument = "row";
	encoding.refusal = &refusal;
	encoding.told = true;
	r = encode_row(&encoding, &type->schema, rows[0]);
	if (r != 0)
		fail_msg("%s: %d %s", sample->command, r, refusal.text);
	assert_int_equal(encode_done(&encoding), 0);
	row_free_all(rows, n);
	free(buffer.bytes);
	n = encoding.size - NLMSG_HDRLEN;
	assert_true(n <= max);
	memcpy(message, bytes + NLMSG_HDRLEN, n);
	return n;
}

static FILE *open_samples(void) {
	FILE *file = fopen(FILE_NAME, "re");

	assert_non_null(file);
	return file;
}

static void rows_of_kinds_are_as_they_were_asked_for(void **state) {
	_cleanup_(close_file) FILE *file = open_samples();
	static struct sample sample;
	static char row[LINE_MAX_SIZE];
	unsigned n = 0, wrong = 0;

	for (; read_sample(file, &sample); n++) {
		decode_to_text(sample.type, sample.message, sample.size, row);
		if (strcmp(row, sample.row) == 0)
			continue;
		print_error("%s:\nis      %s\nand was %s\n", sample.command, row, sample.row);
		wrong++;
	}
	assert_int_equal(wrong, 0);
	assert_true(n > 50);
}

static void rows_that_are_written_are_read_the_same(void **state) {
	_cleanup_(close_file) FILE *file = open_samples();
	static struct sample sample;
	static _Alignas(NLMSG_ALIGNTO) uint8_t message[8192];
	static char row[LINE_MAX_SIZE];
	unsigned wrong = 0;

	while (read_sample(file, &sample)) {
		size_t size;

		if (sample.one_way)
			continue;
		size = encode_again(&sample, message, sizeof message);
		decode_to_text(sample.type, message, size, row);
		if (strcmp(row, sample.row) == 0)
			continue;
		print_error("%s:\nis      %s\nand was %s\n", sample.command, row, sample.row);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

/* What the kernel is told to leave as it is, or to take off, is in a mask beside the flags. */
static void flags_are_written_with_a_mask(void **state) {
	_cleanup_(close_file) FILE *file = open_samples();
	static struct sample sample;
	static _Alignas(NLMSG_ALIGNTO) uint8_t message[8192];
	const struct ifla_vlan_flags *flags;
	const uint8_t *value;
	size_t size;

	assert_true(read_sample(file, &sample)); /* the first is a VLAN */
	size = encode_again(&sample, message, sizeof message);
	assert_true(netlink_attribute(message, size, sizeof(struct ifinfomsg), IFLA_LINKINFO,
				      &value, &size));
	assert_true(netlink_attribute(value, size, 0, IFLA_INFO_DATA, &value, &size));
	assert_true(netlink_attribute(value, size, 0, IFLA_VLAN_FLAGS, &value, &size));
	assert_int_equal(size, sizeof *flags);
	flags = (const void *)value;
	assert_int_equal(flags->flags, 0x2 | 0x4 | 0x8);
	assert_int_equal(flags->mask, 0x1f);
}

/* A port's VLANs come in one message, and each is a row of its own. */
static void a_message_may_be_several_rows(void **state) {
	static const _Alignas(NLMSG_ALIGNTO) uint8_t message[] = {
		7,  0, 0, 0,    5, 0, 0,  0, /* AF_BRIDGE, ifindex 5 */
		20, 0, 1, 0x80,              /* the first: 10, with the state forwarding */
		8,  0, 1, 0,    4, 0, 10, 0, 5, 0, 3, 0, 3,  0, 0, 0, 20, 0, 1, 0x80, /* the second:
											 20 to 30 */
		8,  0, 1, 0,    6, 0, 20, 0, 6, 0, 2, 0, 30, 0, 0, 0, 12, 0, 2, 0,    1,
		2,  3, 4, 5,    6, 7, 8, /* of the bridge as a whole, and no row */
	};
	const struct iovec end = { (char *)"", 1 };
	struct block_buffer buffer = decode_some("vlan", message, sizeof message, BLOCK_JSON, 2);

	assert_int_equal(block_to_buffer(&buffer, &end, 1), 0);
	assert_string_equal(
		(const char *)buffer.bytes,
		"{\"ifindex\":5,\"vid\":10,\"flags\":[\"untagged\"],\"state\":\"forwarding\"}\n"
		"{\"ifindex\":5,\"vid\":20,\"vid-end\":30,\"flags\":[\"pvid\",\"untagged\"]}\n");
	free(buffer.bytes);
}

/* Nothing is read beyond the end, wherever that is; valgrind and the sanitizers look on. */
static void messages_that_end_anywhere_are_refused_or_short(void **state) {
	_cleanup_(close_file) FILE *file = open_samples();
	static struct sample sample;
	char *types[] = { sample.type };

	while (read_sample(file, &sample))
		for (size_t size = 0; size < sample.size; size += 1 + size / 16) {
			_cleanup_(cleanup_selection) struct selection *selection = NULL;
			_cleanup_(cleanup_block) struct block *block = NULL;
			_cleanup_free_ uint8_t *copy = malloc(size + 1);
			struct block_buffer buffer = { 0 };
			struct decoding decoding = { 0 };
			struct refusal refusal = { 0 };
			int r;

			assert_non_null(copy);
			memcpy(copy, sample.message, size);
			assert_int_equal(selection_new(types, 1, NULL, 0, NULL, &refusal,
						       &selection),
					 0);
			block = block_new(BLOCK_JSON, 65536, block_to_buffer, &buffer);
			decoding.selection = selection;
			decoding.block = block;
			assert_int_equal(block_start(block), 0);
			r = decode_message(&decoding, selection_type(selection, 0),
					   USHER_NETLINK_ROW, copy, size);
			assert_true(r == 1 || r == 0 || r == -EBADMSG);
			assert_int_equal(block_flush(block), 0);
			free(buffer.bytes);
		}
}

static int print_samples(void) {
	_cleanup_(close_file) FILE *file = open_samples();
	static struct sample sample;
	static char row[LINE_MAX_SIZE];

	while (read_sample(file, &sample)) {
		decode_to_text(sample.type, sample.message, sample.size, row);
		printf("# %s\n%s%s ", sample.command, sample.type, sample.one_way ? "!" : "");
		for (size_t i = 0; i < sample.size; i++)
			printf("%02x", sample.message[i]);
		printf("\n%s\n", row);
	}
	return 0;
}

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_kinds_are_as_they_were_asked_for),
		cmocka_unit_test(rows_that_are_written_are_read_the_same),
		cmocka_unit_test(flags_are_written_with_a_mask),
		cmocka_unit_test(a_message_may_be_several_rows),
		cmocka_unit_test(messages_that_end_anywhere_are_refused_or_short),
	};

	if (argc > 1 && strcmp(argv[1], "print") == 0)
		return print_samples();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
