/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages as the kernel sends them, and as it does not: the name of a type, a new line, and what
 * is behind the head of the message. Whatever becomes of them, clients can read it, and so can a
 * parser of JSON. */

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "fuzz.h"
#include "netlink/decode.h"
#include "usher.h"

enum { NAME_MAX_SIZE = 32, PARTS = 8 };

static void read_row(const struct usher_row *row) {
	for (unsigned i = 0; i < row->n_fields; i++) {
		struct usher_value value;
		struct usher_row inner;
		int r = usher_row_get(row, i, &value);

		must(r >= 0);
		if (r == 0)
			continue;
		free(usher_value_to_string(&value));
		for (size_t j = 0; value.field->form >= USHER_NETLINK_OBJECT && j < value.count;
		     j++) {
			must(usher_value_get_row(&value, j, &inner) == 0);
			read_row(&inner);
		}
	}
}

static void read_records(const struct block_buffer *buffer, uint64_t n) {
	struct usher_rows *rows;
	struct usher_row row;
	struct usher_rows_end end;

	must(usher_rows_read(buffer->bytes, buffer->size, &rows) == 0);
	for (; n > 0; n--) {
		must(usher_rows_next(rows, &row) == 1);
		read_row(&row);
	}
	must(usher_rows_next(rows, &row) == 0);
	must(usher_rows_get_end(rows, &end) == 0 && end.complete);
	(void)usher_rows_close(rows);
}

/* Lines, each of which is an object. */
static void read_json(const struct block_buffer *buffer, uint64_t n) {
	const char *at = (const char *)buffer->bytes, *end = at ? at + buffer->size : NULL;

	for (; n > 0; n--) {
		struct json_tokener *tokener = json_tokener_new_ex(4 * USHER_NETLINK_DEPTH_MAX);
		const char *line = memchr(at, '\n', (size_t)(end - at));
		struct json_object *object;

		must(tokener && line);
		json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
		object = json_tokener_parse_ex(tokener, at, (int)(line - at));
		must(object && json_object_is_type(object, json_type_object));
		(void)json_object_put(object);
		json_tokener_free(tokener);
		at = line + 1;
	}
	must(at == end);
}

static void decode(const struct netlink_type *type, struct selection *selection,
		   enum block_format format, uint8_t part, const uint8_t *data, size_t size) {
	struct block_buffer buffer = {};
	struct decoding decoding = { .selection = selection, .pass.part = part };
	int r;

	decoding.block = block_new(format, 4096, block_to_buffer, &buffer);
	must(decoding.block && block_start(decoding.block) == 0);
	r = decode_message(&decoding, type, USHER_NETLINK_ROW, data, size);
	must(r >= 0 || r == -EBADMSG || r == -EMSGSIZE);
	must(block_end(decoding.block, true, 0, NULL, NULL) == 0);
	if (format == BLOCK_RECORDS)
		read_records(&buffer, block_rows(decoding.block));
	else
		read_json(&buffer, block_rows(decoding.block));
	block_free(decoding.block);
	free(buffer.bytes);
}

/* As many parts as there are sizes for: the fields say. */
static unsigned count_parts(const struct netlink_type *type) {
	unsigned bits = 1, n = 0;

	for (const struct netlink_field *field = type->schema.fields; field->name; field++)
		bits |= field->parts;
	for (; bits != 0; bits >>= 1)
		n++;
	return type->parts ? n : 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const uint8_t *line = size > 0 ? memchr(data, '\n', size) : NULL;
	const struct netlink_type *type;
	struct selection *selection;
	struct refusal refusal;
	char name[NAME_MAX_SIZE + 1], *types[] = { name };
	size_t length = line ? (size_t)(line - data) : 0;
	uint8_t *message;

	if (!line || length > NAME_MAX_SIZE)
		return 0;
	*(char *)mempcpy(name, data, length) = '\0';
	type = netlink_type_find(name);
	if (!type || type->lookup_only)
		return 0;
	must(selection_new(types, 1, NULL, 0, NULL, &refusal, &selection) == 0);
	/* Messages are aligned, and nobody looks behind their end. */
	size -= length + 1;
	message = malloc(size);
	must(message || size == 0);
	if (size > 0)
		memcpy(message, line + 1, size);
	for (uint8_t part = 0; part < count_parts(type); part++) {
		decode(type, selection, BLOCK_RECORDS, part, message, size);
		decode(type, selection, BLOCK_JSON, part, message, size);
	}
	free(message);
	selection_free(selection);
	return 0;
}
