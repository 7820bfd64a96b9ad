/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "level.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WHOLE_BUCKETS = 256 };

/* What an unknown kind is given as. */
static const struct netlink_field raw_fields[] = {
	{ .name = "raw", .form = USHER_NETLINK_BYTES, .from = NETLINK_COMPUTED },
	{},
};
static const struct netlink_schema raw_schema = { .name = "raw", .fields = raw_fields };

size_t column_size(enum usher_netlink_form form) {
	switch (form) {
	case USHER_NETLINK_BOOL:
	case USHER_NETLINK_U8:
	case USHER_NETLINK_S8: return 1;
	case USHER_NETLINK_U16:
	case USHER_NETLINK_S16: return 2;
	case USHER_NETLINK_U32:
	case USHER_NETLINK_S32: return 4;
	case USHER_NETLINK_U64:
	case USHER_NETLINK_S64: return 8;
	case USHER_NETLINK_ADDRESS:
	case USHER_NETLINK_PREFIX: return sizeof(struct usher_netlink_address);
	case USHER_NETLINK_HARDWARE:
	case USHER_NETLINK_STRING:
	case USHER_NETLINK_BYTES: return sizeof(struct usher_netlink_bytes);
	case USHER_NETLINK_OBJECT:
	case USHER_NETLINK_OBJECTS:
	case USHER_NETLINK_LIST: return sizeof(struct usher_netlink_nested);
	}
	return 0;
}

static size_t column_alignment(enum usher_netlink_form form) {
	size_t size = column_size(form);

	return size <= 8 && !form_has_heap(form) ? size : 4;
}

static size_t round_up(size_t size, size_t alignment) {
	return (size + alignment - 1) / alignment * alignment;
}

void level_list_layout(enum usher_netlink_form form, uint32_t *ret_at, uint32_t *ret_size) {
	*ret_at = sizeof(uint64_t);
	*ret_size = (uint32_t)round_up(sizeof(uint64_t) + column_size(form), sizeof(uint64_t));
}

static enum step_operation number_operation(const struct netlink_field *field, size_t width) {
	if (width != column_size(field->form) || (field->network_order && width > 1))
		return STEP_NUMBER;
	switch (width) {
	case 1: return STEP_COPY_1;
	case 2: return STEP_COPY_2;
	case 4: return STEP_COPY_4;
	default: return STEP_COPY_8;
	}
}

static bool is_number(enum usher_netlink_form form) {
	return form < USHER_NETLINK_ADDRESS;
}

/* Of a number in the message; 0: all there is, or nothing of a flag. */
static size_t width_of(const struct netlink_field *field) {
	if (field->width == 0 && is_number(field->form) && field->form != USHER_NETLINK_BOOL)
		return column_size(field->form);
	return field->width;
}

enum step_operation level_plain_operation(const struct netlink_field *field) {
	switch (field->form) {
	case USHER_NETLINK_ADDRESS:
	case USHER_NETLINK_PREFIX: return STEP_ADDRESS;
	case USHER_NETLINK_HARDWARE:
	case USHER_NETLINK_BYTES:
	case USHER_NETLINK_STRING: return STEP_BYTES;
	case USHER_NETLINK_OBJECT: return field->variants ? STEP_VARIANT : STEP_OBJECT;
	case USHER_NETLINK_OBJECTS:
	case USHER_NETLINK_LIST: return field->repeated ? STEP_REPEATED : STEP_ELEMENTS;
	case USHER_NETLINK_BOOL: return field->width == 0 ? STEP_FLAG : STEP_NUMBER;
	default: return number_operation(field, width_of(field));
	}
}

const struct netlink_field *level_field(const struct netlink_schema *schema, const char *name) {
	for (const struct netlink_field *field = schema->fields; name && field->name; field++)
		if (strcmp(field->name, name) == 0)
			return field;
	return NULL;
}

/* ---- what lies in a field ---- */

static int inner_choose(struct inner *inner, const struct choice *choice, bool optional,
			struct refusal *refusal) {
	unsigned flags =
		(choice && choice->wanted ? LEVEL_ALL : 0) | (optional ? LEVEL_OPTIONAL : 0);
	struct level *level;
	int r;

	if (!choice || choice->n_inner == 0)
		return 0;
	r = level_compile(inner->schema, choice->inner, choice->n_inner, flags, refusal, &level);
	if (r != 0)
		return r;
	if (level->n_columns == 0) {
		/* Not one of its fields was asked for: there is nothing to tell of this kind. */
		inner->absent = !level->never;
	}
	inner->level = level;
	return 0;
}

static bool has_kind(const struct netlink_variant *variants, const char *kind) {
	for (; variants->kind; variants++)
		if (strcmp(variants->kind, kind) == 0)
			return true;
	return false;
}

static int inner_make(struct step *step, const struct netlink_schema *schema,
		      const struct choice *choice, struct refusal *refusal) {
	const struct netlink_field *field = step->field;
	size_t n = field->nested ? 1 : 0, i = 0;
	bool others;
	int r;

	for (const struct netlink_variant *v = field->variants; v && v->kind; v++)
		n++;
	others = field->variants && !has_kind(field->variants, "");
	n += others;
	if (n == 0)
		return 0;
	step->inner = calloc(n, sizeof *step->inner);
	if (!step->inner)
		return -ENOMEM;
	step->n_inner = (uint16_t)n;
	step->by = level_field(schema, field->variant_by);
	for (const struct netlink_variant *v = field->variants; v && v->kind; v++)
		step->inner[i++] = (struct inner){ .schema = v->schema, .kind = v->kind };
	if (field->nested)
		step->inner[i++] = (struct inner){ .schema = field->nested };
	if (others)
		step->inner[i++] = (struct inner){ .schema = &raw_schema };
	for (i = 0; i < n; i++) {
		r = inner_choose(&step->inner[i], choice, field->variants != NULL, refusal);
		if (r != 0)
			return r;
	}
	return 0;
}

const struct level *inner_level(struct inner *inner) {
	if (inner->absent)
		return NULL;
	if (!inner->level)
		inner->level = level_whole(inner->schema);
	return inner->level;
}

/* ---- the columns ---- */

static bool is_named(const struct netlink_field *field, const struct choice *choice) {
	return field->name[0] == choice->name[0] &&
	       strncmp(field->name, choice->name, choice->length) == 0 &&
	       field->name[choice->length] == '\0';
}

static bool is_same(const struct netlink_field *one, const struct netlink_field *other) {
	return one->name[0] == other->name[0] && strcmp(one->name, other->name) == 0;
}

static struct column *find_column(const struct level *level, const struct netlink_field *field) {
	for (size_t i = 0; i < level->n_columns; i++)
		if (is_same(level->columns[i].field, field))
			return &level->columns[i];
	return NULL;
}

static const struct choice *find_choice(const struct choice *choices, size_t n,
					const struct netlink_field *field) {
	for (size_t i = 0; i < n; i++)
		if (is_named(field, &choices[i]))
			return &choices[i];
	return NULL;
}

/* Of the fields from here on: some have the same name, each in a part of its own. */
static void add_column(struct level *level, const struct netlink_field *field, bool hidden) {
	level->columns[level->n_columns++] = (struct column){
		.field = field,
		.name_length = (uint16_t)strlen(field->name),
		.hidden = hidden,
	};
	for (const struct netlink_field *same = field; same->name; same++)
		if (is_same(same, field))
			level->column_of[same - level->schema->fields] = level->n_columns;
	if (hidden)
		return;
	if (form_has_heap(field->form))
		level->referring[level->n_referring++] = (uint16_t)(level->n_columns - 1);
	level->n_fields = level->n_columns;
}

static void add_all(struct level *level) {
	for (const struct netlink_field *field = level->schema->fields; field->name; field++)
		if (!find_column(level, field))
			add_column(level, field, false);
}

static bool wants_all(const struct choice *choices, size_t n, unsigned flags) {
	for (size_t i = 0; i < n; i++)
		if (choices[i].wanted)
			return false;
	return flags & LEVEL_ALL;
}

/* The wanted ones in the order in which they are wanted, behind them those of the filter. */
static int add_columns(struct level *level, const struct choice *choices, size_t n, unsigned flags,
		       struct refusal *refusal) {
	if (wants_all(choices, n, flags))
		add_all(level);
	for (unsigned hidden = 0; hidden < 2; hidden++) {
		for (size_t i = 0; i < n; i++) {
			const struct netlink_field *field = level->schema->fields;

			if (choices[i].wanted == (hidden == 1))
				continue;
			while (field->name && !is_named(field, &choices[i]))
				field++;
			if (field->name && !find_column(level, field))
				add_column(level, field, hidden);
			if (!field->name && !(flags & LEVEL_OPTIONAL))
				return refusal_note(refusal, REFUSED_INVALID,
						    "%s has no field '%.*s'", level->schema->name,
						    (int)choices[i].length, choices[i].name);
			if (!field->name && (choices[i].key || !choices[i].wanted))
				level->never = true;
		}
	}
	return 0;
}

/* By falling alignment, so that nothing is between them. */
static void lay_out(struct level *level) {
	size_t at = round_up(level->n_columns, 64) / 8;

	for (size_t alignment = 8; alignment > 0; alignment /= 2) {
		for (size_t i = 0; i < level->n_columns; i++) {
			enum usher_netlink_form form = level->columns[i].field->form;

			if (column_alignment(form) != alignment)
				continue;
			level->columns[i].at = (uint16_t)at;
			at += column_size(form);
		}
	}
	level->row_size = (uint16_t)round_up(at, 8);
}

/* ---- the filter ---- */

static bool is_early(const struct netlink_schema *schema, const struct netlink_field *named) {
	for (const struct netlink_field *field = schema->fields; field->name; field++)
		if (is_same(field, named) &&
		    (field->from != NETLINK_FROM_HEADER || form_is_nested(field->form)))
			return false;
	return true;
}

static bool has_filter(const struct choice *choice) {
	if (choice->value)
		return true;
	for (size_t i = 0; i < choice->n_inner; i++)
		if (has_filter(&choice->inner[i]))
			return true;
	return false;
}

static int add_filter(struct level *level, const struct choice *choice, const struct column *column,
		      struct refusal *refusal) {
	struct criterion *criterion;
	int r;

	if (choice->value) {
		criterion = &level->criteria[level->n_criteria++];
		r = criterion_parse(column->field, choice->key, choice->value, refusal, criterion);
		if (r != 0)
			return r;
		criterion->column = (uint16_t)(column - level->columns);
		criterion->early = is_early(level->schema, column->field);
		level->n_early += criterion->early;
	}
	for (size_t i = 0; i < choice->n_inner; i++) {
		if (!has_filter(&choice->inner[i]))
			continue;
		if (column->field->form != USHER_NETLINK_OBJECT)
			return refusal_note(refusal, REFUSED_INVALID,
					    "%s.%.*s: there is no filter within a list",
					    column->field->name, (int)choice->inner[i].length,
					    choice->inner[i].name);
		level->required[level->n_required++] = (uint16_t)(column - level->columns);
		break;
	}
	return 0;
}

static int add_filters(struct level *level, const struct choice *choices, size_t n,
		       struct refusal *refusal) {
	if (n == 0)
		return 0;
	level->criteria = calloc(n, sizeof *level->criteria);
	level->required = calloc(n, sizeof *level->required);
	if (!level->criteria || !level->required)
		return -ENOMEM;
	for (size_t i = 0; i < level->n_columns; i++) {
		const struct choice *choice = find_choice(choices, n, level->columns[i].field);
		int r = choice ? add_filter(level, choice, &level->columns[i], refusal) : 0;

		if (r != 0)
			return r;
	}
	return 0;
}

/* ---- the plans ---- */

static bool is_attribute(const struct netlink_field *field) {
	return field->from == NETLINK_FROM_ATTRIBUTE || field->from == NETLINK_FROM_STRUCTURE;
}

static void place_step(struct plan *plan, struct step *step) {
	const struct netlink_field *field = step->field;
	struct step **link = field->from == NETLINK_FROM_HEADER ? &plan->fixed
			     : field->from == NETLINK_FROM_LIST ? &plan->list
								: &plan->first[field->at];

	/* In the order of the table, which says what it does first. */
	while (*link)
		link = &(*link)->next;
	*link = step;
}

static bool has_part(const struct netlink_field *field, unsigned part) {
	return field->parts == 0 || (field->parts & 1U << part);
}

/* What the field at this place of the schema becomes in a part; NULL if nothing is told of it. */
static const struct column *column_of(const struct level *level, size_t i, unsigned part) {
	uint16_t place = level->column_of[i];

	return place > 0 && has_part(&level->schema->fields[i], part) ? &level->columns[place - 1]
								      : NULL;
}

static struct step new_step(const struct level *level, const struct netlink_field *field,
			    const struct column *column) {
	size_t bit = (size_t)(column - level->columns);
	struct step step = {
		.field = field,
		.operation = field->decode ? STEP_HOOK : level_plain_operation(field),
		.size = (uint8_t)width_of(field),
		.byte = (uint8_t)(bit / 8),
		.mask = (uint8_t)(1U << bit % 8),
		.column = column->at,
		.hidden = column->hidden,
	};

	if (field->from == NETLINK_FROM_STRUCTURE)
		step.within = field->within;
	else if (field->from == NETLINK_FROM_HEADER)
		step.within = field->at;
	step.least = step.within;
	if (step.operation <= STEP_NUMBER)
		step.least += step.size;
	else if (field->from == NETLINK_FROM_HEADER)
		step.least++;
	return step;
}

static int add_steps(struct plan *plan, const struct level *level, unsigned part,
		     const struct choice *choices, size_t n, struct refusal *refusal) {
	for (size_t i = 0; level->schema->fields[i].name; i++) {
		const struct netlink_field *field = &level->schema->fields[i];
		const struct column *column = column_of(level, i, part);
		struct step *step = &plan->steps[plan->n_steps];
		int r;

		if (!column)
			continue;
		*step = new_step(level, field, column);
		plan->n_steps++;
		if (step->operation == STEP_VARIANT || field->always ||
		    field->from == NETLINK_COMPUTED)
			plan->last[plan->n_last++] = step;
		if (field->from != NETLINK_COMPUTED)
			place_step(plan, step);
		r = inner_make(step, level->schema, find_choice(choices, n, field), refusal);
		if (r != 0)
			return r;
	}
	return 0;
}

static int make_plan(struct plan *plan, const struct level *level, unsigned part,
		     const struct choice *choices, size_t n, struct refusal *refusal) {
	size_t n_steps = 0;

	for (size_t i = 0; level->schema->fields[i].name; i++) {
		const struct netlink_field *field = &level->schema->fields[i];

		if (!column_of(level, i, part))
			continue;
		n_steps++;
		if (is_attribute(field) && field->at >= plan->n_first)
			plan->n_first = (uint16_t)(field->at + 1);
	}
	plan->steps = calloc(n_steps + 1, sizeof *plan->steps);
	plan->first = calloc((size_t)plan->n_first + 1, sizeof(struct step *));
	plan->last = calloc(n_steps + 1, sizeof(struct step *));
	if (!plan->steps || !plan->first || !plan->last)
		return -ENOMEM;
	return add_steps(plan, level, part, choices, n, refusal);
}

static unsigned count_parts(const struct netlink_schema *schema) {
	unsigned bits = 1, n = 0;

	for (const struct netlink_field *field = schema->fields; field->name; field++)
		bits |= field->parts;
	for (; bits != 0; bits >>= 1)
		n++;
	return n;
}

/* ---- all of it ---- */

static int compile(struct level *level, const struct choice *choices, size_t n, unsigned flags,
		   struct refusal *refusal) {
	size_t n_fields = 0, most;
	int r;

	while (level->schema->fields[n_fields].name)
		n_fields++;
	most = wants_all(choices, n, flags) ? n_fields : n;
	level->columns = calloc(most + 1, sizeof *level->columns);
	level->n_plans = (uint16_t)count_parts(level->schema);
	level->plans = calloc(level->n_plans, sizeof *level->plans);
	level->referring = calloc(most + 1, sizeof *level->referring);
	level->column_of = calloc(n_fields + 1, sizeof *level->column_of);
	if (!level->columns || !level->plans || !level->referring || !level->column_of)
		return -ENOMEM;
	r = add_columns(level, choices, n, flags, refusal);
	if (r != 0)
		return r;
	lay_out(level);
	r = add_filters(level, choices, n, refusal);
	level->filtered = level->n_criteria > 0 || level->n_required > 0 || level->never;
	for (unsigned part = 0; r == 0 && part < level->n_plans; part++)
		r = make_plan(&level->plans[part], level, part, choices, n, refusal);
	return r;
}

int level_compile(const struct netlink_schema *schema, const struct choice *choices, size_t n,
		  unsigned flags, struct refusal *refusal, struct level **ret) {
	struct level *level = calloc(1, sizeof *level);
	int r;

	if (!level)
		return -ENOMEM;
	level->schema = schema;
	r = compile(level, choices, n, flags, refusal);
	if (r != 0) {
		level_free(level);
		return r;
	}
	*ret = level;
	return 0;
}

/* Those of whole schemas, by the schema; they link to the next in their bucket. */
static struct whole {
	struct whole *next;
	struct level *level;
} * wholes[WHOLE_BUCKETS];

static struct whole **bucket(const struct netlink_schema *schema) {
	return &wholes[(uintptr_t)schema / sizeof(void *) % WHOLE_BUCKETS];
}

static bool is_whole(const struct level *level) {
	for (struct whole *whole = *bucket(level->schema); whole; whole = whole->next)
		if (whole->level == level)
			return true;
	return false;
}

const struct level *level_whole(const struct netlink_schema *schema) {
	struct refusal refusal;
	struct whole *whole;

	for (whole = *bucket(schema); whole; whole = whole->next)
		if (whole->level->schema == schema)
			return whole->level;
	whole = calloc(1, sizeof *whole);
	if (!whole)
		return NULL;
	if (level_compile(schema, NULL, 0, LEVEL_ALL, &refusal, &whole->level) != 0) {
		free(whole);
		return NULL;
	}
	whole->next = *bucket(schema);
	*bucket(schema) = whole;
	return whole->level;
}

static void free_plan(struct plan *plan) {
	for (size_t i = 0; i < plan->n_steps; i++) {
		struct step *step = &plan->steps[i];

		for (size_t j = 0; j < step->n_inner; j++)
			if (step->inner[j].level && !is_whole(step->inner[j].level))
				level_free((struct level *)step->inner[j].level);
		free(step->inner);
	}
	free(plan->steps);
	free(plan->first);
	free(plan->last);
}

void level_free(struct level *level) {
	if (!level)
		return;
	for (size_t i = 0; i < level->n_plans && level->plans; i++)
		free_plan(&level->plans[i]);
	for (size_t i = 0; i < level->n_criteria; i++)
		criterion_clear(&level->criteria[i]);
	free(level->criteria);
	free(level->required);
	free(level->plans);
	free(level->referring);
	free(level->column_of);
	free(level->columns);
	free(level);
}
