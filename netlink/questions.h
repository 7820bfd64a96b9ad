/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The questions that are not answered at once, each by a child of its own. A user has only so many
 * of these at a time, and waits with the next.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "answer.h"
#include "refusal.h"

enum { QUESTIONS_RUNNING_MAX = 256 };

struct job;

struct questions {
	int connection, epoll; /* the broker's, and where the end of a child is heard */
	struct job *first;     /* the oldest */
	size_t n_running;
	volatile bool *told; /* shared with the children, one for each that may run */
	bool taken[QUESTIONS_RUNNING_MAX];
	bool deaf; /* the broker is */
};

/* 0 or a negative errno. */
int questions_begin(struct questions *questions, int connection, int epoll);
/* Takes the order and the descriptor. 0, a refusal or a negative errno. */
int questions_add(struct questions *questions, ProtobufCMessage **order, struct question *question,
		  int *where, struct refusal *refusal);
/* Those that may. */
void questions_start(struct questions *questions);

/* A child has ended, as epoll says by what it was given. */
void questions_ended(struct questions *questions, struct job *job);
uint64_t questions_first_deadline(const struct questions *questions);
void questions_end_late(struct questions *questions, uint64_t now_usec);
/* Nobody waits for the answer any more. */
void questions_forget(struct questions *questions, uint64_t serial);
/* The broker has gone: what somebody has a stream of goes on. */
void questions_forget_all(struct questions *questions);
