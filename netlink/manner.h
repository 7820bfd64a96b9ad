/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How rows of a type are changed: what the kernel wants said that people leave out. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "encode.h"

enum change_action {
	CHANGE_ADD,     /* there must be none yet */
	CHANGE_CHANGE,  /* there must be one */
	CHANGE_REPLACE, /* either */
	CHANGE_DEL,
	_CHANGE_ACTION_MAX,
};

/* A bit for each action. */
#define CHANGE_BIT(action) (1U << (action))
#define CHANGE_ALL         (CHANGE_BIT(_CHANGE_ACTION_MAX) - 1)

struct manner {
	const char *type;
	unsigned actions;                   /* bits: what there is */
	unsigned final;                     /* bits: what nobody can take back */
	uint16_t flags[_CHANGE_ACTION_MAX]; /* of struct nlmsghdr */
	/* The fields that say which one it is: of what is to be removed or looked up no others are
	 * sent. NULL: the more of them, the better. */
	const char *const *identity;
	/* By which the kernel finds what is to be changed, where that is fewer than all by which
	 * two rows can be told apart; NULL: the type's keys. */
	const char *const *keys;
	/* Without one of these the kernel would change any number of them, or another one; NULL: it
	 * sees to that itself. */
	const char *const *needs;
	/* The family is that of the first of these that is there; AF_INET if none is. NULL: there
	 * is no such thing. The family is the first byte of the fixed part. */
	const char *const *addresses;
	bool checks_existence; /* by us: the kernel adds what is to be changed, if there is none */
	bool by_name;          /* an interface may be meant by its name alone */
	bool numbered;         /* the kernel gives numbers to those that have none */
	bool tells;            /* what it has done; otherwise it has to be asked */
	/* Of a row that the kernel told: what follows from the others, and must not be said. */
	bool (*is_implied)(const Usher__Row *row, const char *name);
	/* What is not said is put in, when all else has been. */
	void (*complete)(struct encoding *encoding, enum change_action action);
};

/* NULL where nothing of the type can be changed. */
const struct manner *manner_find(const struct netlink_type *type);
/* All that is not said in the row of a message that was encoded. */
void manner_complete(const struct manner *manner, struct encoding *encoding,
		     enum change_action action);
/* Whether a row names which one it is. */
bool manner_is_named(const struct manner *manner, const Usher__Row *row);
