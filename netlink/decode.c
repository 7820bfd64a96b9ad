/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "decode.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "decode-step.h"
#include "level.h"

/* ---- steps ---- */

/* A hook may be for something that is much more than what it makes of it; all others take no more
 * than they are wide. */
static inline size_t size_for(const struct step *step, size_t size) {
	return step->size > 0 && size > step->size ? step->size : size;
}

static inline int put_address(struct decoding *decoding, const uint8_t *value, size_t size) {
	if (size == 4)
		return decode_put_address(decoding, AF_INET, value, 32);
	return size == 16 ? decode_put_address(decoding, AF_INET6, value, 128) : 1;
}

int decode_run(struct decoding *decoding, const struct step *step, enum step_operation operation,
	       const uint8_t *value, size_t size) {
	enum usher_netlink_form form = step->field->form;

	decoding->step = step;
	if (operation == STEP_HOOK)
		return step->field->decode(decoding, step->field, value, size);
	size = size_for(step, size);
	switch (operation) {
	case STEP_COPY_1:
	case STEP_COPY_2:
	case STEP_COPY_4:
	case STEP_COPY_8:
	case STEP_NUMBER:
		if (size < step->size)
			return 1;
		decode_put_number(decoding, form, decode_load(step->field, value, step->size));
		return 0;
	case STEP_FLAG: decode_put_number(decoding, form, size == 0 || *value != 0); return 0;
	case STEP_ADDRESS: return put_address(decoding, value, size);
	case STEP_BYTES: return decode_put_bytes(decoding, form, value, size);
	case STEP_OBJECT: return decode_put_object(decoding, step, value, size);
	case STEP_ELEMENTS: return decode_put_elements(decoding, step, value, size);
	case STEP_REPEATED: return decode_put_repeated(decoding, step, value, size);
	default: return 1; /* variants come when all is walked */
	}
}

static inline void copy(uint8_t *column, enum step_operation operation, const uint8_t *value) {
	switch (operation) {
	case STEP_COPY_1: memcpy(column, value, 1); break;
	case STEP_COPY_2: memcpy(column, value, 2); break;
	case STEP_COPY_4: memcpy(column, value, 4); break;
	default: memcpy(column, value, 8); break;
	}
}

/* What comes most often is done without a call, and without a jump through a table, which is
 * mispredicted more often than a few branches are. */
static inline int run_step(struct decoding *decoding, const struct step *step, const uint8_t *value,
			   size_t size) {
	if (size < step->least)
		return 1;
	value += step->within;
	size -= step->within;
	if (step->operation <= STEP_COPY_8) {
		copy(decoding->row + step->column, step->operation, value);
		decode_mark(decoding, step);
		return 0;
	}
	decoding->step = step;
	if (step->operation == STEP_HOOK)
		return step->field->decode(decoding, step->field, value, size);
	if (step->operation == STEP_ADDRESS)
		return put_address(decoding, value, size_for(step, size));
	if (step->operation == STEP_BYTES)
		return decode_put_bytes(decoding, step->field->form, value, size_for(step, size));
	return decode_run(decoding, step, step->operation, value, size);
}

/* ---- the filter ---- */

static bool judge(const struct decoding *decoding, const struct level *level, const uint8_t *row,
		  bool early) {
	for (size_t i = 0; i < level->n_criteria; i++) {
		const struct criterion *criterion = &level->criteria[i];

		if (criterion->asked || (early && !criterion->early))
			continue;
		if (!level_row_has(row, criterion->column) ||
		    !criterion_passes(criterion, row + level->columns[criterion->column].at,
				      block_at(decoding->block, 0)))
			return false;
	}
	for (size_t i = 0; !early && i < level->n_required; i++)
		if (!level_row_has(row, level->required[i]))
			return false;
	return true;
}

/* ---- a row ---- */

/* The fixed part, or the element of a list, and then each attribute. */
static int walk(struct decoding *decoding, const struct plan *plan,
		const struct decoding_frame *frame, bool early) {
	const struct step *step = plan->list ?: plan->fixed;
	const uint8_t *at = frame->attributes, *value = frame->fixed;
	size_t left = frame->attributes_size, size = frame->fixed_size;

	for (;;) {
		unsigned number;
		int r;

		for (; step; step = step->next) {
			r = run_step(decoding, step, value, size);
			if (r < 0)
				return r;
		}
		if (early) {
			decoding->rejected = !judge(decoding, frame->level, decoding->row, true);
			if (decoding->rejected)
				return 0;
			early = false;
		}
		r = attribute_next(&at, &left, &value, &size, &number);
		if (r <= 0)
			return r;
		step = number < plan->n_first ? plan->first[number] : NULL;
	}
}

/* What had to wait for the others: variants, what is called even if it is not there, and what is
 * computed. */
static int run_last(struct decoding *decoding, const struct plan *plan,
		    const struct decoding_frame *frame) {
	for (size_t i = 0; i < plan->n_last; i++) {
		const struct step *step = plan->last[i];
		int r = 0;

		if (step->operation == STEP_VARIANT)
			r = decode_put_variant(decoding, step);
		else if (step->field->from == NETLINK_COMPUTED)
			r = decode_run(decoding, step, step->operation, frame->value, frame->size);
		else if (!decode_is_there(decoding, step))
			r = decode_run(decoding, step, step->operation, NULL, 0);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The whole of a level into a row that is 0. Whether it passes is in decoding->rejected. */
int decode_fill_row(struct decoding *decoding, const struct decoding_frame *frame, uint8_t *row) {
	const struct level *level = frame->level;
	const struct plan *plan =
		&level->plans[decoding->pass.part < level->n_plans ? decoding->pass.part : 0];
	bool judged = level->filtered && !decoding->unfiltered;
	int r;

	decoding->frame = frame;
	decoding->row = row;
	r = walk(decoding, plan, frame, judged && level->n_early > 0 && !frame->outer);
	if (r == 0 && plan->n_last > 0 && !decoding->rejected)
		r = run_last(decoding, plan, frame);
	if (r == 0 && judged && (level->never || !judge(decoding, level, row, false)))
		decoding->rejected = true;
	return r;
}

/* ---- messages ---- */

static int decode_row(struct decoding *decoding, unsigned action,
		      const struct decoding_frame *frame) {
	uint8_t *row = block_begin_row(decoding->block, frame->level, action);
	int r;

	if (!row)
		return block_flush(decoding->block);
	decoding->rejected = false;
	r = decode_fill_row(decoding, frame, row);
	if (r < 0 || decoding->rejected) {
		block_drop_row(decoding->block);
		return r < 0 ? r : 0;
	}
	r = block_commit_row(decoding->block);
	return r < 0 ? r : 1;
}

/* A message that is several rows: each has the fixed part of it and its own attributes. */
static int decode_each(struct decoding *decoding, unsigned action) {
	const struct decoding_frame *message = &decoding->outermost;
	const uint8_t *at = message->attributes, *value;
	size_t left = message->attributes_size, size;
	struct decoding_frame frame = *message;
	unsigned number;
	int n = 0, r;

	while ((r = attribute_next(&at, &left, &value, &size, &number)) > 0) {
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
	struct decoding_frame *frame = &decoding->outermost;
	size_t fixed = type->parts ? type->parts[decoding->pass.part] : type->header,
	       skipped = attribute_align(fixed);

	frame->level = selection_level(decoding->selection, type);
	if (!frame->level)
		return 0;
	if (size < fixed)
		return -EBADMSG;
	if (type->is_one && !type->is_one(message, size))
		return 0;
	frame->value = frame->fixed = message;
	frame->size = size;
	frame->fixed_size = fixed;
	frame->attributes_size = skipped < size ? size - skipped : 0;
	frame->attributes = message + size - frame->attributes_size;
	decoding->type = type;
	decoding->message = message;
	decoding->size = size;
	return type->each != 0 ? decode_each(decoding, action)
			       : decode_row(decoding, action, frame);
}
