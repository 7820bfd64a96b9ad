/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "decode.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "level.h"
#include "names.h"

/* ---- attributes ---- */

static size_t align(size_t size) {
	return (size + NLA_ALIGNTO - 1) / NLA_ALIGNTO * NLA_ALIGNTO;
}

/* Takes the next one off: 1, 0 at the end, or -EBADMSG. What is too short to be one is none. */
static inline int next_attribute(const uint8_t **at, size_t *left, const uint8_t **ret_value,
				 size_t *ret_size, unsigned *ret_number) {
	struct nlattr head;
	size_t whole;

	if (*left < sizeof head)
		return 0;
	memcpy(&head, *at, sizeof head);
	if (head.nla_len < sizeof head || head.nla_len > *left)
		return -EBADMSG;
	*ret_value = *at + sizeof head;
	*ret_size = head.nla_len - sizeof head;
	*ret_number = head.nla_type & NLA_TYPE_MASK;
	whole = align(head.nla_len);
	if (whole > *left)
		whole = *left;
	*at += whole;
	*left -= whole;
	return 1;
}

bool netlink_attribute(const uint8_t *value, size_t size, size_t fixed, unsigned number,
		       const uint8_t **ret_value, size_t *ret_size) {
	const uint8_t *found;
	unsigned found_number;
	size_t found_size;
	bool is_there = false;

	if (align(fixed) >= size)
		return false;
	value += align(fixed);
	size -= align(fixed);
	while (next_attribute(&value, &size, &found, &found_size, &found_number) > 0) {
		if (found_number != number)
			continue;
		*ret_value = found;
		*ret_size = found_size;
		is_there = true;
	}
	return is_there;
}

/* ---- numbers ---- */

static inline void set_bit(struct decoding *decoding, const struct step *step) {
	decoding->row[step->bit / 8] |= (uint8_t)(1U << step->bit % 8);
}

static inline bool has_bit(const uint8_t *row, size_t i) {
	return row[i / 8] & 1U << i % 8;
}

static void store(uint8_t *column, enum usher_netlink_form form, uint64_t number) {
	uint32_t u32 = (uint32_t)number;
	uint16_t u16 = (uint16_t)number;

	switch (column_size(form)) {
	case 1: *column = (uint8_t)number; break;
	case 2: memcpy(column, &u16, sizeof u16); break;
	case 4: memcpy(column, &u32, sizeof u32); break;
	default: memcpy(column, &number, sizeof number); break;
	}
}

/* A number of so many bytes, signed ones extended. */
static uint64_t load(const struct netlink_field *field, const uint8_t *value, size_t width) {
	bool is_signed = field->form >= USHER_NETLINK_S8 && field->form <= USHER_NETLINK_S64;
	uint64_t number = 0;

	for (size_t i = 0; i < width; i++) {
		bool reversed = field->network_order || __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

		number |= (uint64_t)value[reversed ? width - 1 - i : i] << 8 * i;
	}
	if (is_signed && 0 < width && width < sizeof number && number >> (8 * width - 1))
		number |= ~UINT64_C(0) << 8 * width;
	return number;
}

/* ---- what a step puts into its column ---- */

static uint8_t *column(struct decoding *decoding) {
	return decoding->row + decoding->step->column;
}

static void put_number(struct decoding *decoding, enum usher_netlink_form form, uint64_t number) {
	store(column(decoding), form, form == USHER_NETLINK_BOOL ? number != 0 : number);
	set_bit(decoding, decoding->step);
}

/* What is put into a column here is put member by member: a copy of what has just been written in
 * smaller parts waits until they have arrived. */
static int put_heap(struct decoding *decoding, const void *bytes, size_t size) {
	uint8_t *reference = column(decoding), *heap;
	uint32_t offset, length = (uint32_t)size;

	heap = block_heap(decoding->block, size, 1, &offset);
	if (!heap)
		return -EMSGSIZE;
	memcpy(heap, bytes, size);
	memcpy(reference + offsetof(struct usher_netlink_bytes, offset), &offset, sizeof offset);
	memcpy(reference + offsetof(struct usher_netlink_bytes, length), &length, sizeof length);
	set_bit(decoding, decoding->step);
	return 0;
}

static int put_bytes(struct decoding *decoding, enum usher_netlink_form form, const void *bytes,
		     size_t size) {
	if (form == USHER_NETLINK_STRING)
		size = strnlen(bytes, size);
	if (form == USHER_NETLINK_HARDWARE && size == 0)
		return 1;
	return put_heap(decoding, bytes, size);
}

static inline int put_address(struct decoding *decoding, int family, const void *bytes,
			      unsigned length) {
	struct usher_netlink_address *address = (void *)column(decoding);
	unsigned most = family == AF_INET ? 32 : 128;

	if (family != AF_INET && family != AF_INET6)
		return 1;
	*address = (struct usher_netlink_address){
		.family = (uint8_t)family,
		.length = (uint8_t)(length < most ? length : most),
	};
	if (family == AF_INET)
		memcpy(address->bytes, bytes, 4);
	else
		memcpy(address->bytes, bytes, 16);
	set_bit(decoding, decoding->step);
	return 0;
}

/* ---- rows in rows ---- */

static int fill_row(struct decoding *decoding, struct decoding_frame *frame, uint8_t *row);

/* Room for n rows in the column. 1: they are too deep in one another. */
static int begin_rows(struct decoding *decoding, const struct level *level, size_t n,
		      uint8_t **ret) {
	const struct decoding_frame *frame = decoding->frame;
	struct usher_netlink_nested nested = { .count = (uint32_t)n };
	uint8_t *rows;

	if (frame->depth + 1 >= USHER_NETLINK_DEPTH_MAX)
		return 1;
	if (n > USHER_NETLINK_BLOCK_MAX)
		return -EMSGSIZE;
	rows = block_heap(decoding->block, n * level->row_size, sizeof(uint64_t), &nested.offset);
	if (!rows)
		return -EMSGSIZE;
	memset(rows, 0, n * level->row_size);
	/* Nobody reads what is there for the filter, nor is told of its type. */
	if (decoding->step->bit < frame->level->n_fields) {
		nested.type = block_number(decoding->block, level);
		if (nested.type == 0)
			return -E2BIG;
	}
	memcpy(column(decoding), &nested, sizeof nested);
	set_bit(decoding, decoding->step);
	*ret = rows;
	return 0;
}

/* One row of a level, or an element of a list. */
static int fill_inner(struct decoding *decoding, const struct level *level, uint8_t *row,
		      const uint8_t *value, size_t size, size_t index, unsigned number) {
	const struct netlink_schema *schema = level->schema;
	size_t fixed = schema->structure ? size : schema->fixed, skipped = align(fixed);
	struct decoding_frame frame = {
		.outer = decoding->frame,
		.level = level,
		.value = value,
		.size = size,
		.fixed = value,
		.fixed_size = fixed,
		.depth = decoding->frame->depth + 1,
		.index = index,
		.number = number,
	};

	if (fixed > size)
		return -EBADMSG;
	if (skipped < size) {
		frame.attributes = value + skipped;
		frame.attributes_size = size - skipped;
	}
	return fill_row(decoding, &frame, row);
}

static int put_object(struct decoding *decoding, const struct level *level, const uint8_t *value,
		      size_t size) {
	uint8_t *row = NULL;
	int r = begin_rows(decoding, level, 1, &row);

	return r == 0 ? fill_inner(decoding, level, row, value, size, 0, 0) : r;
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
		r = next_attribute(&elements->value, &elements->size, ret, ret_size, ret_number);
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

static int put_attributes(struct decoding *decoding, const struct step *step, const uint8_t *value,
			  size_t size) {
	const struct level *level = step->n_inner > 0 ? inner_level(step->inner) : NULL;
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
static int put_repeated(struct decoding *decoding, const struct step *step, const uint8_t *value,
			size_t size) {
	const struct level *level = step->n_inner > 0 ? inner_level(step->inner) : NULL;
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
	if (!has_bit(decoding->row, step->bit)) {
		while (next_element(&all, &found, &found_size, &number) > 0)
			n++;
		r = begin_rows(decoding, level, n, &rows);
		if (r != 0)
			return r;
		memcpy(&nested, column(decoding), sizeof nested);
		nested.count = 0;
	} else {
		memcpy(&nested, column(decoding), sizeof nested);
	}
	rows = (uint8_t *)block_at(decoding->block, nested.offset);
	n = nested.count++;
	memcpy(column(decoding), &nested, sizeof nested);
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
	name = netlink_word_name(by->words, load(by, value, width));
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

static int put_variant(struct decoding *decoding, const struct step *step) {
	const struct decoding_frame *frame = decoding->frame;
	const struct level *level;
	const uint8_t *value = frame->value;
	size_t size = frame->size;

	decoding->step = step;
	if (step->field->from != NETLINK_COMPUTED && !find_value(frame, step->field, &value, &size))
		return 0;
	level = inner_level(choose_inner(frame, step));
	return level ? put_object(decoding, level, value, size) : 0;
}

/* ---- the walk ---- */

static inline int copy(struct decoding *decoding, const struct step *step, const uint8_t *value,
		       size_t size, size_t width) {
	if (size < width)
		return 1;
	memcpy(decoding->row + step->column, value, width);
	set_bit(decoding, step);
	return 0;
}

static int run_plain(struct decoding *decoding, const struct step *step,
		     enum step_operation operation, const uint8_t *value, size_t size) {
	const struct level *level;

	decoding->step = step;
	/* A hook may be for something that is much more than what it makes of it. */
	if (operation != STEP_HOOK && step->size > 0 && size > step->size)
		size = step->size;
	switch (operation) {
	case STEP_NUMBER:
		if (size < step->size)
			return 1;
		put_number(decoding, step->field->form, load(step->field, value, step->size));
		return 0;
	case STEP_FLAG: put_number(decoding, step->field->form, size == 0 || *value != 0); return 0;
	case STEP_BYTES:
	case STEP_STRING: return put_bytes(decoding, step->field->form, value, size);
	case STEP_OBJECT:
		level = step->n_inner > 0 ? inner_level(step->inner) : NULL;
		return level ? put_object(decoding, level, value, size) : 1;
	case STEP_ELEMENTS: return put_attributes(decoding, step, value, size);
	case STEP_REPEATED: return put_repeated(decoding, step, value, size);
	case STEP_HOOK: return step->field->decode(decoding, step->field, value, size);
	default: return 1; /* variants come when all is walked */
	}
}

static inline int put_plain_address(struct decoding *decoding, const struct step *step,
				    const uint8_t *value, size_t size) {
	if (step->size > 0 && size > step->size)
		size = step->size;
	decoding->step = step;
	if (size == 4)
		return put_address(decoding, AF_INET, value, 32);
	return size == 16 ? put_address(decoding, AF_INET6, value, 128) : 1;
}

/* What comes most often is done without a call. */
__attribute__((always_inline)) static inline int run_operation(struct decoding *decoding,
							       const struct step *step,
							       enum step_operation operation,
							       const uint8_t *value, size_t size) {
	switch (operation) {
	case STEP_COPY_1: return copy(decoding, step, value, size, 1);
	case STEP_COPY_2: return copy(decoding, step, value, size, 2);
	case STEP_COPY_4: return copy(decoding, step, value, size, 4);
	case STEP_COPY_8: return copy(decoding, step, value, size, 8);
	case STEP_ADDRESS: return put_plain_address(decoding, step, value, size);
	default: return run_plain(decoding, step, operation, value, size);
	}
}

static inline int run_step(struct decoding *decoding, const struct step *step, const uint8_t *value,
			   size_t size) {
	if (step->within > size)
		return 1;
	return run_operation(decoding, step, step->operation, value + step->within,
			     size - step->within);
}

/* The steps of one attribute. */
static inline int run_chain(struct decoding *decoding, const struct plan *plan, unsigned place,
			    const uint8_t *value, size_t size) {
	while (place != 0) {
		const struct step *step = &plan->steps[place - 1];
		int r = run_step(decoding, step, value, size);

		if (r < 0)
			return r;
		place = step->next;
	}
	return 0;
}

static int run_fixed(struct decoding *decoding, const struct plan *plan,
		     const struct decoding_frame *frame) {
	for (const struct step *step = plan->steps; step < plan->steps + plan->n_fixed; step++) {
		size_t at = step->field->at;
		int r = at < frame->fixed_size ? run_step(decoding, step, frame->fixed + at,
							  frame->fixed_size - at)
					       : 1;

		if (r < 0)
			return r;
	}
	return 0;
}

/* What had to wait for the others: variants, what is called even if it is not there, and what is
 * computed. */
static int run_last(struct decoding *decoding, const struct plan *plan,
		    const struct decoding_frame *frame) {
	for (size_t i = 0; i < plan->n_last; i++) {
		const struct step *step = &plan->steps[plan->last[i]];
		int r = 0;

		if (step->operation == STEP_VARIANT)
			r = put_variant(decoding, step);
		else if (step->field->from == NETLINK_COMPUTED)
			r = run_step(decoding, step, frame->value, frame->size);
		else if (!has_bit(decoding->row, step->bit))
			r = run_plain(decoding, step, step->operation, NULL, 0);
		if (r < 0)
			return r;
	}
	return 0;
}

static int walk(struct decoding *decoding, const struct plan *plan,
		const struct decoding_frame *frame) {
	const uint8_t *at = frame->attributes, *value;
	size_t left = frame->attributes_size, size;
	unsigned number;
	int r;

	while ((r = next_attribute(&at, &left, &value, &size, &number)) > 0) {
		if (number >= plan->n_first || plan->first[number] == 0)
			continue;
		r = run_chain(decoding, plan, plan->first[number], value, size);
		if (r < 0)
			return r;
	}
	return r;
}

/* ---- the filter ---- */

static bool judge(const struct decoding *decoding, const struct level *level, const uint8_t *row,
		  bool early) {
	for (size_t i = 0; i < level->n_criteria; i++) {
		const struct criterion *criterion = &level->criteria[i];

		if (criterion->asked || (early && !criterion->early))
			continue;
		if (!has_bit(row, criterion->column) ||
		    !criterion_passes(criterion, row + level->columns[criterion->column].at,
				      block_at(decoding->block, 0)))
			return false;
	}
	for (size_t i = 0; !early && i < level->n_required; i++)
		if (!has_bit(row, level->required[i]))
			return false;
	return true;
}

/* The whole of a level into a row that is 0. Whether it passes is in decoding->rejected. */
static int fill_row(struct decoding *decoding, struct decoding_frame *frame, uint8_t *row) {
	const struct level *level = frame->level;
	const struct plan *plan =
		&level->plans[decoding->pass.part < level->n_plans ? decoding->pass.part : 0];
	const struct decoding_frame *outer = decoding->frame;
	const struct step *step = decoding->step;
	uint8_t *outer_row = decoding->row;
	bool judged = !decoding->unfiltered &&
		      (level->n_criteria > 0 || level->n_required > 0 || level->never);
	int r;

	decoding->frame = frame;
	decoding->row = row;
	r = run_fixed(decoding, plan, frame);
	if (r == 0 && judged && level->n_early > 0 && !outer && !judge(decoding, level, row, true))
		decoding->rejected = true;
	else if (r == 0 && plan->list != 0)
		r = run_chain(decoding, plan, plan->list, frame->value, frame->size);
	else if (r == 0)
		r = walk(decoding, plan, frame);
	if (r == 0 && plan->n_last > 0 && !decoding->rejected)
		r = run_last(decoding, plan, frame);
	if (r == 0 && judged && (level->never || !judge(decoding, level, row, false)))
		decoding->rejected = true;
	decoding->frame = outer;
	decoding->row = outer_row;
	decoding->step = step;
	return r;
}

/* ---- messages ---- */

static int decode_row(struct decoding *decoding, unsigned action, struct decoding_frame *frame) {
	uint8_t *row = block_begin_row(decoding->block, frame->level, action);
	int r;

	if (!row)
		return block_flush(decoding->block);
	decoding->rejected = false;
	r = fill_row(decoding, frame, row);
	if (r < 0 || decoding->rejected) {
		block_drop_row(decoding->block);
		return r < 0 ? r : 0;
	}
	r = block_commit_row(decoding->block);
	return r < 0 ? r : 1;
}

/* A message that is several rows: each has the fixed part of it and its own attributes. */
static int decode_each(struct decoding *decoding, unsigned action,
		       const struct decoding_frame *message) {
	const uint8_t *at = message->attributes, *value;
	size_t left = message->attributes_size, size;
	struct decoding_frame frame = *message;
	unsigned number;
	int n = 0, r;

	while ((r = next_attribute(&at, &left, &value, &size, &number)) > 0) {
		if (number != decoding->type->each)
			continue;
		frame.value = frame.attributes = value;
		frame.size = frame.attributes_size = size;
		frame.number = number;
		r = decode_row(decoding, action, &frame);
		if (r < 0)
			return r;
		n += r;
		frame.index++;
	}
	return r < 0 ? r : n;
}

int decode_message(struct decoding *decoding, const struct netlink_type *type, unsigned action,
		   const uint8_t *message, size_t size) {
	size_t fixed = type->parts ? type->parts[decoding->pass.part] : type->header;
	/* All of it is named, for to clear it and then to fill it takes longer. */
	struct decoding_frame frame = {
		.outer = NULL,
		.level = selection_level(decoding->selection, type),
		.value = message,
		.size = size,
		.fixed = message,
		.fixed_size = fixed,
		.attributes = NULL,
		.attributes_size = 0,
		.depth = 0,
		.index = 0,
		.number = 0,
	};

	if (!frame.level)
		return 0;
	if (size < fixed)
		return -EBADMSG;
	if (align(fixed) < size) {
		frame.attributes = message + align(fixed);
		frame.attributes_size = size - align(fixed);
	}
	if (type->is_one && !type->is_one(message, size))
		return 0;
	decoding->type = type;
	decoding->message = message;
	decoding->size = size;
	decoding->frame = NULL;
	if (type->each != 0)
		return decode_each(decoding, action, &frame);
	return decode_row(decoding, action, &frame);
}

/* ---- for decode() ---- */

int decoding_set_number(struct decoding *decoding, const struct netlink_field *field,
			uint64_t number) {
	put_number(decoding, field->form, number);
	return 0;
}

int decoding_set_signed(struct decoding *decoding, const struct netlink_field *field,
			int64_t number) {
	put_number(decoding, field->form, (uint64_t)number);
	return 0;
}

int decoding_set_bytes(struct decoding *decoding, const struct netlink_field *field,
		       const void *bytes, size_t size) {
	return put_bytes(decoding, field->form, bytes, size);
}

int decoding_set_string(struct decoding *decoding, const struct netlink_field *field,
			const char *string) {
	return put_heap(decoding, string, strlen(string));
}

int decoding_set_address(struct decoding *decoding, const struct netlink_field *field, int family,
			 const void *address, unsigned length) {
	return put_address(decoding, family, address, length);
}

int decoding_set_plain(struct decoding *decoding, const struct netlink_field *field,
		       const uint8_t *value, size_t size) {
	return run_operation(decoding, decoding->step, level_plain_operation(field), value, size);
}

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
	const struct level *level = find_level(decoding->step, schema);

	return level ? put_object(decoding, level, value, size) : 1;
}

int decoding_set_elements(struct decoding *decoding, const struct netlink_field *field,
			  decoding_next next, const uint8_t *value, size_t size) {
	const struct step *step = decoding->step;
	const struct level *level = step->n_inner > 0 ? inner_level(step->inner) : NULL;

	if (!next)
		return put_attributes(decoding, step, value, size);
	if (!level)
		return 1;
	return put_elements(decoding, level,
			    (struct elements){ .next = next, .value = value, .size = size });
}

int decoding_begin_list(struct decoding *decoding, const struct netlink_field *field, size_t n) {
	const struct step *step = decoding->step;
	const struct level *level = step->n_inner > 0 ? inner_level(step->inner) : NULL;
	struct usher_netlink_nested nested;
	uint8_t *rows;
	int r = level ? begin_rows(decoding, level, n, &rows) : 1;

	decoding->list_left = 0;
	if (r != 0)
		return r;
	memcpy(&nested, column(decoding), sizeof nested);
	nested.count = 0;
	memcpy(column(decoding), &nested, sizeof nested);
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
	if (!level || level->plans[0].list == 0)
		return false;
	memcpy(&nested, column(decoding), sizeof nested);
	decoding->list_left--;
	nested.count++;
	memcpy(column(decoding), &nested, sizeof nested);
	decoding->row = (uint8_t *)block_at(decoding->block, nested.offset) +
			(size_t)(nested.count - 1) * level->row_size;
	decoding->step = &level->plans[0].steps[level->plans[0].list - 1];
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
	put_number(decoding, element.field->form, number);
	return end_element(decoding, &element, 0);
}

int decoding_add_bytes(struct decoding *decoding, const struct netlink_field *field,
		       const void *bytes, size_t size) {
	struct element element;

	if (!begin_element(decoding, &element))
		return 1;
	return end_element(decoding, &element,
			   put_bytes(decoding, element.field->form, bytes, size));
}

int decoding_add_address(struct decoding *decoding, const struct netlink_field *field, int family,
			 const void *address, unsigned length) {
	struct element element;

	if (!begin_element(decoding, &element))
		return 1;
	return end_element(decoding, &element, put_address(decoding, family, address, length));
}

int decode_device(struct decoding *decoding, const struct netlink_field *field,
		  const uint8_t *value, size_t size) {
	const char *name;
	uint32_t index;

	if (!decoding->names || size < sizeof index)
		return 1;
	memcpy(&index, value, sizeof index);
	name = names_find(decoding->names, index);
	return name ? decoding_set_string(decoding, field, name) : 1;
}

/* Routes and rules begin with the family and the two lengths. */
enum { FAMILY_AT, DESTINATION_AT, SOURCE_AT };

static int set_prefix(struct decoding *decoding, const struct netlink_field *field, size_t at,
		      const uint8_t *value, size_t size) {
	static const uint8_t any[16];
	uint8_t family = decoding->message[FAMILY_AT];

	/* Those of multicast routing are as long as the others. */
	if (family == RTNL_FAMILY_IPMR)
		family = AF_INET;
	else if (family == RTNL_FAMILY_IP6MR)
		family = AF_INET6;
	if (value && size < (family == AF_INET ? 4U : 16U))
		return 1;
	return decoding_set_address(decoding, field, family, value ? value : any,
				    value ? decoding->message[at] : 0);
}

int decode_destination_prefix(struct decoding *decoding, const struct netlink_field *field,
			      const uint8_t *value, size_t size) {
	return set_prefix(decoding, field, DESTINATION_AT, value, size);
}

int decode_source_prefix(struct decoding *decoding, const struct netlink_field *field,
			 const uint8_t *value, size_t size) {
	return set_prefix(decoding, field, SOURCE_AT, value, size);
}
