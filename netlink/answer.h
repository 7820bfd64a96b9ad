/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the broker is told of one of its questions: rows with the answer, if they are few; or a
 * sealed memfd; or the end of a pipe, before most of them are there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "refusal.h"
#include "selection.h"
#include "usher.pb-c.h"

struct exchange;
struct listener;

/* A question whose words are good. */
struct question {
	const Usher__NetlinkAsk *ask;
	struct selection *selection;
	uint32_t rights;
	struct listener *listener; /* of one that is joined: open; NULL: it is read anew */
	struct exchange *kept;     /* of a brief one, for the next; NULL: it has its own */
};

/* The words of an order. 0, -ENOMEM or a refusal. */
int question_check(const Usher__NetlinkAsk *ask, struct refusal *refusal, struct question *ret);
void question_done(struct question *question);
/* Whether it is about one object, which the kernel finds without telling of all. */
bool question_is_brief(const struct question *question);
/* Whether it may well be about little: about a whole table, so that the kernel does not look long
 * for what it tells. */
bool question_may_be_small(const struct question *question);
bool question_is_streamed(const struct question *question);
/* Whether what changes meanwhile is joined to it, where that can be. */
bool question_is_joined(const struct question *question);

/* Answers, in the namespace that the process is in and with the rights in effect, and notes when
 * that has been told (NULL: nobody wants to know). 0, or -ECONNRESET if there is nobody to be told.
 * What has to be brief does not wait, nor last; should it turn out that it would, nothing has been
 * told, and this is 1. */
int answer_give(int connection, const struct question *question, bool brief, volatile bool *told);
/* Says why there is no answer. */
int answer_refuse(int connection, uint64_t serial, int code, const char *text);
