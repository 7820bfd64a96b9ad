/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows in rows: objects, lists, and what is told by another field of what schema it is. */

#include <errno.h>
#include <string.h>

#include "decode-step.h"

/* ---- rows in a column ---- */

/* Room for n rows in the column. 1: they are too deep in one another. */
static int begin_rows(struct decoding *decoding, const struct level *level, size_t n,
		      uint8_t **ret) {
	const struct decoding_frame *frame = decoding->frame;
	struct usher_netlink_nested nested = { .count = (uint32_t)n };
	struct block_heap heap;

	if (frame->depth + 1 >= USHER_NETLINK_DEPTH_MAX)
		return 1;
	if (n > USHER_NETLINK_BLOCK_MAX)
		return -EMSGSIZE;
	heap = block_heap(decoding->block, n * level->row_size, sizeof(uint64_t));
	if (!heap.bytes)
		return -EMSGSIZE;
	memset(heap.bytes, 0, n * level->row_size);
	nested.offset = heap.offset;
	/* Nobody reads what is there for the filter, nor is told of its type. */
	if (!decoding->step->hidden) {
		nested.type = block_number(decoding->block, level);
		if (nested.type == 0)
			return -E2BIG;
	}
	memcpy(decode_column(decoding), &nested, sizeof nested);
	decode_mark(decoding, decoding->step);
	*ret = heap.bytes;
	return 0;
}

/* One row of a level, or an element of a list, of which all is as a fixed part. */
static int fill_inner(struct decoding *decoding, const struct level *level, uint8_t *row,
		      const uint8_t *value, size_t size, size_t index, unsigned number) {
	const struct netlink_schema *schema = level->schema;
	const struct decoding_frame *outer = decoding->frame;
	const struct step *step = decoding->step;
	uint8_t *outer_row = decoding->row;
	bool whole = schema->structure || level->plans[0].list;
	size_t fixed = whole ? size : schema->fixed, skipped = attribute_align(fixed);
	struct decoding_frame frame = {
		.outer = outer,
		.level = level,
		.value = value,
		.size = size,
		.fixed = value,
		.fixed_size = fixed,
		.depth = outer->depth + 1,
		.index = index,
		.number = number,
	};
	int r;

	if (fixed > size)
		return -EBADMSG;
	if (skipped < size) {
		frame.attributes = value + skipped;
		frame.attributes_size = size - skipped;
	}
	r = decode_fill_row(decoding, &frame, row);
	decoding->frame = outer;
	decoding->row = outer_row;
	decoding->step = step;
	return r;
}

static int put_object(struct decoding *decoding, const struct level *level, const uint8_t *value,
		      size_t size) {
	uint8_t *row = NULL;
	int r = level ? begin_rows(decoding, level, 1, &row) : 1;

	return r == 0 ? fill_inner(decoding, level, row, value, size, 0, 0) : r;
}

/* What lies in a field that has no variants. */
static const struct level *level_in(const struct step *step) {
	return step->n_inner > 0 ? inner_level(step->inner) : NULL;
}

int decode_put_object(struct decoding *decoding, const struct step *step, const uint8_t *value,
		      size_t size) {
	return put_object(decoding, level_in(step), value, size);
}

/* The elements of a plain array; of the size that the level's schema says. */
static size_t stride(const struct level *level) {
	const struct netlink_field *element = level->schema->fields;

	if (!level->schema->structure)
		return 0;
	if (element->from != NETLINK_FROM_LIST)
		return level->schema->fixed;
	return element->width > 0 ? element->width : column_size(element->form);
}

struct elements {
	decoding_next next;
	size_t stride; /* of an array */
	unsigned only; /* attributes of this number; 0: all */
	const uint8_t *value;
	size_t size;
};

static int next_element(struct elements *elements, const uint8_t **ret, size_t *ret_size,
			unsigned *ret_number) {
	int r;

	if (elements->next)
		return elements->next(&elements->value, &elements->size, ret, ret_size, ret_number);
	if (elements->stride > 0) {
		if (elements->size < elements->stride)
			return 0;
		*ret = elements->value;
		*ret_size = elements->stride;
		*ret_number = 0;
		elements->value += elements->stride;
		elements->size -= elements->stride;
		return 1;
	}
	do
		r = attribute_next(&elements->value, &elements->size, ret, ret_size, ret_number);
	while (r > 0 && elements->only != 0 && *ret_number != elements->only);
	return r;
}

static int put_elements(struct decoding *decoding, const struct level *level,
			struct elements elements) {
	struct elements again = elements;
	const uint8_t *value;
	unsigned number = 0;
	uint8_t *rows = NULL;
	size_t n = 0, size;
	int r;

	while ((r = next_element(&again, &value, &size, &number)) > 0)
		n++;
	if (r == 0)
		r = begin_rows(decoding, level, n, &rows);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (next_element(&elements, &value, &size, &number) <= 0)
			return -EBADMSG;
		r = fill_inner(decoding, level, rows + i * level->row_size, value, size, i, number);
	}
	return r;
}

int decode_put_elements(struct decoding *decoding, const struct step *step, const uint8_t *value,
			size_t size) {
	const struct level *level = level_in(step);
	const struct netlink_field *element = level ? level->schema->fields : NULL;

	if (!level)
		return 1;
	return put_elements(decoding, level,
			    (struct elements){
				    .stride = stride(level),
				    .only = element->from == NETLINK_FROM_LIST ? element->at : 0,
				    .value = value,
				    .size = size,
			    });
}

/* One of several attributes of the level, each of which is an element. */
int decode_put_repeated(struct decoding *decoding, const struct step *step, const uint8_t *value,
			size_t size) {
	const struct level *level = level_in(step);
	const struct decoding_frame *frame = decoding->frame;
	struct elements all = {
		.only = step->field->at,
		.value = frame->attributes,
		.size = frame->attributes_size,
	};
	struct usher_netlink_nested nested;
	const uint8_t *found;
	size_t found_size, n = 0;
	unsigned number;
	uint8_t *rows;
	int r;

	if (!level)
		return 1;
	if (!decode_is_there(decoding, step)) {
		while (next_element(&all, &found, &found_size, &number) > 0)
			n++;
		r = begin_rows(decoding, level, n, &rows);
		if (r != 0)
			return r;
		memcpy(&nested, decode_column(decoding), sizeof nested);
		nested.count = 0;
	} else {
		memcpy(&nested, decode_column(decoding), sizeof nested);
	}
	rows = (uint8_t *)block_at(decoding->block, nested.offset);
	n = nested.count++;
	memcpy(decode_column(decoding), &nested, sizeof nested);
	return fill_inner(decoding, level, rows + n * level->row_size, value, size, n,
			  step->field->at);
}

/* ---- objects whose schema is told by another field ---- */

/* The raw value of that field of the level. */
static bool find_value(const struct decoding_frame *frame, const struct netlink_field *field,
		       const uint8_t **ret, size_t *ret_size) {
	size_t skip = field->from == NETLINK_FROM_STRUCTURE ? field->within : 0;

	if (field->from == NETLINK_FROM_HEADER) {
		if (field->at > frame->fixed_size)
			return false;
		*ret = frame->fixed + field->at;
		*ret_size = frame->fixed_size - field->at;
		return true;
	}
	if (field->from == NETLINK_COMPUTED ||
	    !netlink_attribute(frame->attributes, frame->attributes_size, 0, field->at, ret,
			       ret_size) ||
	    skip > *ret_size)
		return false;
	*ret += skip;
	*ret_size -= skip;
	return true;
}

static bool is_kind(const struct netlink_field *by, const char *kind, const uint8_t *value,
		    size_t size) {
	size_t width = by->width > 0 ? by->width : column_size(by->form);
	const char *name;

	if (by->form == USHER_NETLINK_STRING) {
		size = strnlen((const char *)value, size);
		return strlen(kind) == size && memcmp(kind, value, size) == 0;
	}
	if (!by->words || size < width)
		return false;
	name = netlink_word_name(by->words, decode_load(by, value, width));
	return name && strcmp(name, kind) == 0;
}

/* Of the variants the one for this message; the last one if it is none of them. */
static struct inner *choose_inner(const struct decoding_frame *frame, const struct step *step) {
	struct inner *last = &step->inner[step->n_inner - 1];
	const struct netlink_field *by = step->by;
	const uint8_t *value;
	size_t size;

	/* The word may be further out. */
	while (!by && frame->outer) {
		frame = frame->outer;
		by = level_field(frame->level->schema, step->field->variant_by);
	}
	if (!by || !find_value(frame, by, &value, &size))
		return last;
	for (struct inner *inner = step->inner; inner < last; inner++)
		if (inner->kind && is_kind(by, inner->kind, value, size))
			return inner;
	return last;
}

int decode_put_variant(struct decoding *decoding, const struct step *step) {
	const struct decoding_frame *frame = decoding->frame;
	const uint8_t *value = frame->value;
	size_t size = frame->size;

	decoding->step = step;
	if (step->field->from != NETLINK_COMPUTED && !find_value(frame, step->field, &value, &size))
		return 0;
	return put_object(decoding, inner_level(choose_inner(frame, step)), value, size);
}

/* ---- for decode() ---- */

/* What this step has of the schema: nothing if only other fields were chosen. */
static const struct level *find_level(const struct step *step,
				      const struct netlink_schema *schema) {
	for (size_t i = 0; i < step->n_inner; i++)
		if (step->inner[i].schema == schema)
			return inner_level(&step->inner[i]);
	return level_whole(schema);
}

int decoding_set_object(struct decoding *decoding, const struct netlink_field *field,
			const struct netlink_schema *schema, const uint8_t *value, size_t size) {
	return put_object(decoding, find_level(decoding->step, schema), value, size);
}

int decoding_set_elements(struct decoding *decoding, const struct netlink_field *field,
			  decoding_next next, const uint8_t *value, size_t size) {
	const struct step *step = decoding->step;
	const struct level *level = level_in(step);

	if (!next)
		return decode_put_elements(decoding, step, value, size);
	if (!level)
		return 1;
	return put_elements(decoding, level,
			    (struct elements){ .next = next, .value = value, .size = size });
}

int decoding_begin_list(struct decoding *decoding, const struct netlink_field *field, size_t n) {
	const struct step *step = decoding->step;
	const struct level *level = level_in(step);
	struct usher_netlink_nested nested;
	uint8_t *rows;
	int r = level ? begin_rows(decoding, level, n, &rows) : 1;

	decoding->list_left = 0;
	if (r != 0)
		return r;
	memcpy(&nested, decode_column(decoding), sizeof nested);
	nested.count = 0;
	memcpy(decode_column(decoding), &nested, sizeof nested);
	decoding->list_left = n;
	return 0;
}

/* The row of the next element becomes that which is filled, until end_element(). */
struct element {
	uint8_t *row;
	const struct step *step;
	const struct netlink_field *field;
};

static bool begin_element(struct decoding *decoding, struct element *ret) {
	const struct level *level =
		decoding->list_left > 0 ? inner_level(decoding->step->inner) : NULL;
	struct usher_netlink_nested nested;

	*ret = (struct element){ .row = decoding->row, .step = decoding->step };
	if (!level || !level->plans[0].list)
		return false;
	memcpy(&nested, decode_column(decoding), sizeof nested);
	decoding->list_left--;
	nested.count++;
	memcpy(decode_column(decoding), &nested, sizeof nested);
	decoding->row = (uint8_t *)block_at(decoding->block, nested.offset) +
			(size_t)(nested.count - 1) * level->row_size;
	decoding->step = level->plans[0].list;
	ret->field = decoding->step->field;
	return true;
}

static int end_element(struct decoding *decoding, const struct element *element, int r) {
	decoding->row = element->row;
	decoding->step = element->step;
	return r;
}

int decoding_add_number(struct decoding *decoding, const struct netlink_field *field,
			uint64_t number) {
	struct element element;

	if (!begin_element(decoding, &element))
		return 1;
	decode_put_number(decoding, element.field->form, number);
	return end_element(decoding, &element, 0);
}

int decoding_add_bytes(struct decoding *decoding, const struct netlink_field *field,
		       const void *bytes, size_t size) {
	struct element element;

	if (!begin_element(decoding, &element))
		return 1;
	return end_element(decoding, &element,
			   decode_put_bytes(decoding, element.field->form, bytes, size));
}

int decoding_add_address(struct decoding *decoding, const struct netlink_field *field, int family,
			 const void *address, unsigned length) {
	struct element element;

	if (!begin_element(decoding, &element))
		return 1;
	return end_element(decoding, &element,
			   decode_put_address(decoding, family, address, length));
}
