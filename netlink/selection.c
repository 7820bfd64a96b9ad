/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "selection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/cleanup.h"
#include "level.h"

enum {
	FIELDS_MAX = USHER_NETLINK_FIELDS_MAX,
	PATH_MAX_SIZE = 255,
};

/* One of the types. */
struct selected {
	const struct netlink_type *type;
	const struct level *level;
	struct level *own; /* it is the selection's, not one that is kept */
	bool *by_kernel;   /* of the selection's keys */
};

struct selection {
	struct selected *selected;
	size_t n_selected;
	char **keys;  /* fields by their paths */
	char **given; /* the same, as they were written */
	size_t n_keys;
	bool privileged;
};

/* ---- the words, as a tree ---- */

static void free_choices(struct choice *choices, size_t n) {
	for (size_t i = 0; i < n; i++)
		free_choices(choices[i].inner, choices[i].n_inner);
	free(choices);
}

static struct choice *get_choice(struct choice **choices, size_t *n, const char *name,
				 size_t length) {
	struct choice *grown;

	for (size_t i = 0; i < *n; i++)
		if ((*choices)[i].length == length &&
		    strncmp((*choices)[i].name, name, length) == 0)
			return &(*choices)[i];
	grown = reallocarray(*choices, *n + 1, sizeof *grown);
	if (!grown)
		return NULL;
	*choices = grown;
	grown[*n] = (struct choice){ .name = name, .length = length };
	return &grown[(*n)++];
}

/* The choice that the path leads to; those on the way are wanted as well if it is. */
static struct choice *follow(struct choice *root, const char *path, bool wanted) {
	struct choice *choice = root;

	for (;; path++) {
		size_t length = strcspn(path, ".");

		choice = get_choice(&choice->inner, &choice->n_inner, path, length);
		if (!choice)
			return NULL;
		choice->wanted |= wanted;
		path += length;
		if (*path == '\0')
			return choice;
	}
}

static bool is_path(const char *path) {
	unsigned depth = 1;

	if (*path == '\0' || strlen(path) > PATH_MAX_SIZE)
		return false;
	for (const char *p = path; *p; p++) {
		if (*p == '.' && (p == path || p[1] == '.' || p[1] == '\0'))
			return false;
		depth += *p == '.';
	}
	return depth <= USHER_NETLINK_DEPTH_MAX;
}

/* One of the types has it: 0, or a refusal. */
static int check_path(struct selection *selection, const char *argument, const char *path,
		      struct refusal *refusal) {
	const char *suggestion = NULL;
	bool known = false;

	for (size_t i = 0; is_path(path) && i < selection->n_selected; i++) {
		const struct netlink_field *field =
			netlink_field_find(&selection->selected[i].type->schema, path);

		known |= field != NULL;
		selection->privileged |= field && field->privileged;
	}
	if (known)
		return 0;
	for (size_t i = 0; is_path(path) && !suggestion && i < selection->n_selected; i++)
		suggestion = netlink_field_suggest(&selection->selected[i].type->schema, path);
	return refusal_note(refusal, REFUSED_INVALID, "%s: %s has no field '%.64s'%s%s%s", argument,
			    selection->n_selected == 1 ? selection->selected[0].type->name
						       : "none of the types",
			    path, suggestion ? "; is '" : "", suggestion ? suggestion : "",
			    suggestion ? "' meant?" : "");
}

static int choose_fields(struct selection *selection, struct choice *root, char *const *fields,
			 size_t n, struct refusal *refusal) {
	if (n > FIELDS_MAX)
		return refusal_note(refusal, REFUSED_INVALID, "fields: there are at most %d",
				    FIELDS_MAX);
	for (size_t i = 0; i < n; i++) {
		struct choice *choice;
		int r = check_path(selection, "fields", fields[i], refusal);

		if (r != 0)
			return r;
		choice = follow(root, fields[i], true);
		if (!choice)
			return -ENOMEM;
		if (choice->whole)
			return refusal_note(refusal, REFUSED_INVALID,
					    "fields: '%.64s' is there twice", fields[i]);
		choice->whole = true;
	}
	return 0;
}

/* Who wants all of it wants no choice of what is in it. */
static void settle(struct choice *choice) {
	for (size_t i = 0; i < choice->n_inner; i++) {
		if (choice->whole)
			choice->inner[i].wanted = false;
		settle(&choice->inner[i]);
	}
}

/* Of a link, and not its number, which is decimal or, behind 0x, hexadecimal. */
static bool is_name(const Usher__Value *value) {
	char *end = value->text;

	for (size_t i = 0; value->list && i < value->list->n_values; i++)
		if (!is_name(value->list->values[i]))
			return false;
	if (value->text)
		(void)strtoull(value->text, &end, 0);
	return value->list ? value->list->n_values > 0
			   : value->text && (end == value->text || *end != '\0');
}

/* The field for the name of the link whose number this one is; NULL if it is none. */
static const struct netlink_field *name_field(const struct selection *selection, const char *path) {
	for (size_t i = 0; i < selection->n_selected; i++) {
		const struct netlink_field *field =
			netlink_field_find(&selection->selected[i].type->schema, path);

		if (field && field->unit && strcmp(field->unit, "interface") == 0 &&
		    field[1].name && field[1].form == USHER_NETLINK_STRING &&
		    field[1].from == field->from && field[1].at == field->at)
			return &field[1];
	}
	return NULL;
}

/* The path of the field that is meant: where the number of a link stands, its name may. */
static char *meant(const struct selection *selection, const char *path, const Usher__Value *value) {
	const struct netlink_field *field = is_name(value) ? name_field(selection, path) : NULL;
	const char *last = strrchr(path, '.');
	char *text;

	if (!field)
		return strdup(path);
	if (asprintf(&text, "%.*s%s", last ? (int)(last + 1 - path) : 0, path, field->name) < 0)
		return NULL;
	return text;
}

static int choose_key(struct selection *selection, struct choice *root, const Usher__Member *member,
		      struct refusal *refusal) {
	size_t i = selection->n_keys;
	struct choice *choice;
	int r = check_path(selection, "filter", member->key, refusal);

	if (r != 0)
		return r;
	selection->n_keys = i + 1;
	selection->given[i] = strdup(member->key);
	selection->keys[i] = meant(selection, member->key, member->value);
	if (!selection->given[i] || !selection->keys[i])
		return -ENOMEM;
	choice = follow(root, selection->keys[i], false);
	if (!choice)
		return -ENOMEM;
	if (choice->value)
		return refusal_note(refusal, REFUSED_INVALID, "%s: it is there twice", member->key);
	choice->key = selection->given[i];
	choice->value = member->value;
	return 0;
}

static int choose_filter(struct selection *selection, struct choice *root, const Usher__Row *filter,
			 struct refusal *refusal) {
	size_t n = filter ? filter->n_members : 0;
	int r = 0;

	if (n > FIELDS_MAX)
		return refusal_note(refusal, REFUSED_INVALID, "filter: there are at most %d keys",
				    FIELDS_MAX);
	selection->keys = calloc(n + 1, sizeof *selection->keys);
	selection->given = calloc(n + 1, sizeof *selection->given);
	if (!selection->keys || !selection->given)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = choose_key(selection, root, filter->members[i], refusal);
	return r;
}

/* ---- the types ---- */

static int select_type(struct selection *selection, const char *name, struct refusal *refusal) {
	const struct netlink_type *type = netlink_type_find(name);
	const char *suggestion = type ? NULL : netlink_type_suggest(name);

	if (!type)
		return refusal_note(refusal, REFUSED_INVALID, "type: there is no '%.64s'%s%s%s",
				    name, suggestion ? "; is '" : "", suggestion ? suggestion : "",
				    suggestion ? "' meant?" : "");
	for (size_t i = 0; i < selection->n_selected; i++)
		if (selection->selected[i].type == type)
			return refusal_note(refusal, REFUSED_INVALID, "types: '%s' is there twice",
					    name);
	selection->selected[selection->n_selected++].type = type;
	return 0;
}

static int select_types(struct selection *selection, char *const *types, size_t n,
			struct refusal *refusal) {
	int r = 0;

	if (n == 0 || n > netlink_types_n)
		return refusal_note(refusal, REFUSED_INVALID, "types: there are %zu",
				    netlink_types_n);
	selection->selected = calloc(n, sizeof *selection->selected);
	if (!selection->selected)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = select_type(selection, types[i], refusal);
	return r;
}

static bool is_among(const char *word, const char *const *words) {
	for (; words && *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

static void set_asked(struct selected *selected) {
	for (size_t i = 0; i < selected->own->n_criteria; i++) {
		struct criterion *criterion = &selected->own->criteria[i];
		const char *name = selected->level->columns[criterion->column].field->name;

		criterion->asked = is_among(name, selected->type->asked);
	}
}

static int compile_type(struct selection *selection, struct selected *selected,
			const struct choice *root, struct refusal *refusal) {
	unsigned flags = LEVEL_ALL | (selection->n_selected > 1 ? LEVEL_OPTIONAL : 0);
	const struct netlink_schema *schema = &selected->type->schema;
	int r;

	if (root->n_inner == 0) {
		selected->level = level_whole(schema);
		return selected->level ? 0 : -ENOMEM;
	}
	r = level_compile(schema, root->inner, root->n_inner, flags, refusal, &selected->own);
	if (r != 0)
		return r;
	selected->level = selected->own;
	set_asked(selected);
	return 0;
}

static int compile(struct selection *selection, const struct choice *root,
		   struct refusal *refusal) {
	for (size_t i = 0; i < selection->n_selected; i++) {
		struct selected *selected = &selection->selected[i];
		int r;

		selected->by_kernel = calloc(selection->n_keys + 1, sizeof *selected->by_kernel);
		if (!selected->by_kernel)
			return -ENOMEM;
		r = compile_type(selection, selected, root, refusal);
		if (r != 0)
			return r;
		if (selected->type->lookup_only && !selection_lookup(selection, selected->type))
			return refusal_note(refusal, REFUSED_INVALID, "filter: %s takes '%s'",
					    selected->type->name, selected->type->lookups[0]);
	}
	return 0;
}

static int make(struct selection *selection, struct choice *root, char *const *fields,
		size_t n_fields, const Usher__Row *filter, struct refusal *refusal) {
	int r = choose_fields(selection, root, fields, n_fields, refusal);

	settle(root);
	if (r == 0)
		r = choose_filter(selection, root, filter, refusal);
	return r == 0 ? compile(selection, root, refusal) : r;
}

int selection_new(char *const *types, size_t n_types, char *const *fields, size_t n_fields,
		  const Usher__Row *filter, struct refusal *refusal, struct selection **ret) {
	_cleanup_(cleanup_selection) struct selection *selection = calloc(1, sizeof *selection);
	struct choice root = {};
	int r;

	if (!selection)
		return -ENOMEM;
	r = select_types(selection, types, n_types, refusal);
	if (r == 0)
		r = make(selection, &root, fields, n_fields, filter, refusal);
	free_choices(root.inner, root.n_inner);
	if (r == 0)
		*ret = take_pointer(selection);
	return r;
}

void selection_free(struct selection *selection) {
	if (!selection)
		return;
	for (size_t i = 0; i < selection->n_selected; i++) {
		level_free(selection->selected[i].own);
		free(selection->selected[i].by_kernel);
	}
	for (size_t i = 0; i < selection->n_keys; i++) {
		free(selection->keys[i]);
		free(selection->given[i]);
	}
	free(selection->keys);
	free(selection->given);
	free(selection->selected);
	free(selection);
}

/* ---- what came of it ---- */

static const struct selected *find(const struct selection *selection,
				   const struct netlink_type *type) {
	for (size_t i = 0; i < selection->n_selected; i++)
		if (selection->selected[i].type == type)
			return &selection->selected[i];
	return NULL;
}

size_t selection_n_types(const struct selection *selection) {
	return selection->n_selected;
}

const struct netlink_type *selection_type(const struct selection *selection, size_t i) {
	return selection->selected[i].type;
}

bool selection_is_privileged(const struct selection *selection) {
	return selection->privileged;
}

const struct level *selection_level(const struct selection *selection,
				    const struct netlink_type *type) {
	const struct selected *selected = find(selection, type);

	return selected ? selected->level : NULL;
}

static bool has_column(const struct level *level, const char *name, size_t length) {
	for (size_t i = 0; level && i < level->n_columns; i++)
		if (strncmp(level->columns[i].field->name, name, length) == 0 &&
		    level->columns[i].field->name[length] == '\0')
			return true;
	return false;
}

bool selection_wants(const struct selection *selection, const struct netlink_type *type,
		     const char *field) {
	return has_column(selection_level(selection, type), field, strlen(field));
}

uint32_t selection_ask(const struct selection *selection, const struct netlink_type *type) {
	uint32_t ask = 0;

	for (const struct netlink_field *field = type->schema.fields; field->name; field++)
		if (field->ask != 0 && selection_wants(selection, type, field->name))
			ask |= field->ask;
	return ask;
}

static const struct criterion *find_criterion(const struct level *level, const char *path) {
	size_t length = strcspn(path, ".");

	for (size_t i = 0; path[length] == '\0' && i < level->n_criteria; i++) {
		const struct criterion *criterion = &level->criteria[i];

		if (strcmp(level->columns[criterion->column].field->name, path) == 0)
			return criterion;
	}
	for (size_t i = 0; path[length] == '.' && i < level->plans[0].n_steps; i++) {
		const struct step *step = &level->plans[0].steps[i];

		if (strncmp(step->field->name, path, length) != 0 ||
		    step->field->name[length] != '\0')
			continue;
		for (size_t j = 0; j < step->n_inner; j++) {
			const struct level *inner = step->inner[j].level;
			const struct criterion *found =
				inner ? find_criterion(inner, path + length + 1) : NULL;

			if (found)
				return found;
		}
	}
	return NULL;
}

const struct selection_value *selection_filter(const struct selection *selection,
					       const struct netlink_type *type, const char *field,
					       size_t *ret_n) {
	const struct level *level = selection_level(selection, type);
	const struct criterion *criterion = level ? find_criterion(level, field) : NULL;

	*ret_n = criterion ? criterion->n_values : 0;
	return criterion ? criterion->values : NULL;
}

const struct selection_value *selection_value(const struct selection *selection,
					      const struct netlink_type *type, const char *field) {
	size_t n;
	const struct selection_value *values = selection_filter(selection, type, field, &n);

	return n == 1 ? values : NULL;
}

/* Whether each field of the set has one value. */
static bool has_set(const struct selection *selection, const struct netlink_type *type,
		    const char *set) {
	char name[PATH_MAX_SIZE + 1];

	while (*set) {
		size_t length = strcspn(set, " ");

		if (length >= sizeof name)
			return false;
		*(char *)mempcpy(name, set, length) = '\0';
		if (!selection_value(selection, type, name))
			return false;
		set += length + (set[length] == ' ');
	}
	return true;
}

const char *selection_lookup(const struct selection *selection, const struct netlink_type *type) {
	for (const char *const *set = type->lookups; set && *set; set++)
		if (has_set(selection, type, *set))
			return *set;
	return NULL;
}

void selection_set_by_kernel(const struct selection *selection, const struct netlink_type *type,
			     const char *field) {
	const struct selected *selected = find(selection, type);

	for (size_t i = 0; selected && i < selection->n_keys; i++)
		if (strcmp(selection->keys[i], field) == 0)
			selected->by_kernel[i] = true;
}

bool selection_by_kernel(const struct selection *selection, const struct netlink_type *type,
			 const char *field) {
	const struct selected *selected = find(selection, type);

	for (size_t i = 0; selected && i < selection->n_keys; i++)
		if (strcmp(selection->keys[i], field) == 0)
			return selected->by_kernel[i];
	return false;
}

const char *selection_key(const struct selection *selection, size_t i) {
	return i < selection->n_keys ? selection->keys[i] : NULL;
}

const char *selection_given(const struct selection *selection, size_t i) {
	return selection->given[i];
}
