/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How the tables of fields are written: one field a line. What follows the form are further members
 * of struct netlink_field.
 */
#pragma once

#include "schema.h"

/* An attribute of the level. */
#define ATTRIBUTE(NAME, NUMBER, FORM, ...)                                                  \
	{                                                                                   \
		.name = NAME, .form = USHER_NETLINK_##FORM, .from = NETLINK_FROM_ATTRIBUTE, \
		.at = (NUMBER), ##__VA_ARGS__                                               \
	}

/* An attribute that says yes by being there. */
#define FLAG(NAME, NUMBER, ...) ATTRIBUTE(NAME, NUMBER, BOOL, .flag = true, ##__VA_ARGS__)

/* A member of the fixed part of the level, which is a STRUCTURE. */
#define MEMBER(NAME, STRUCTURE, WHICH, FORM, ...)                                              \
	{                                                                                      \
		.name = NAME, .form = USHER_NETLINK_##FORM, .from = NETLINK_FROM_HEADER,       \
		.at = offsetof(STRUCTURE, WHICH), .width = sizeof(((STRUCTURE *)NULL)->WHICH), \
		##__VA_ARGS__                                                                  \
	}

/* A member of the STRUCTURE that the attribute of that number is. */
#define PART(NAME, NUMBER, STRUCTURE, WHICH, FORM, ...)                                           \
	{                                                                                         \
		.name = NAME, .form = USHER_NETLINK_##FORM, .from = NETLINK_FROM_STRUCTURE,       \
		.at = (NUMBER), .within = offsetof(STRUCTURE, WHICH), .whole = sizeof(STRUCTURE), \
		.width = sizeof(((STRUCTURE *)NULL)->WHICH), ##__VA_ARGS__                        \
	}

/* What each element of a list is. */
#define ELEMENT(FORM, ...) \
	{ .name = "", .form = USHER_NETLINK_##FORM, .from = NETLINK_FROM_LIST, ##__VA_ARGS__ }

/* What is made of others of the level. */
#define COMPUTED(NAME, FORM, ...) \
	{ .name = NAME, .form = USHER_NETLINK_##FORM, .from = NETLINK_COMPUTED, ##__VA_ARGS__ }

/* A schema's fields are in the array of the same name with `_fields` behind it. */
#define NESTED(SYMBOL, NAME, ...)                                                \
	static const struct netlink_schema SYMBOL = { .name = NAME,              \
						      .fields = SYMBOL##_fields, \
						      ##__VA_ARGS__ }
