/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests share. */
#pragma once

/* cmocka.h wants the others before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
/* clang-format on */

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "fd.h"
#include "refusal.h"

#define N_OF(array) (sizeof(array) / sizeof *(array))

/* Skips the test that runs, and says why. */
#define skip_because(...)              \
	do {                           \
		say_skip(__VA_ARGS__); \
		skip();                \
	} while (0)

void say_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How many descriptors this process has open. */
size_t descriptors_open(void);
/* Any descriptor that harms nobody. */
int some_descriptor(void);
/* Fails unless as many are open as there were. */
#define assert_no_leak(before) assert_int_equal(descriptors_open(), before)

/* A file of the source tree, whole. Fails the test where there is none; the caller frees. */
char *source_file(const char *name);

/* Fails unless r is that refusal and its text has the word. */
void assert_refusal(int r, enum refusal_code code, const struct refusal *refusal, const char *word);

/* A request in short: "Mounts.Mount",
 * "target=/mnt|fstype=tmpfs|mount_options=ro|mount_options=nosuid". Of a descriptor its place; of a
 * message in it the fields, "rlimits=nofile;10;20", the last of which may be words,
 * "mounts=tmpfs;/tmp;tmpfs;ro size=1m". The caller frees. */
ProtobufCMessage *request_of(const char *operation, const char *fields);

/* Runs a function in a child, which leaves with what it returns. The status, as of waitpid(2). */
int in_child(int (*run)(void *data), void *data);
/* In a child: root of a user namespace of its own, if this process is not root already; with a
 * mount and a UTS namespace. 0, or a negative errno. */
int own_namespaces(void);
/* Whether children can have namespaces of their own here. */
bool namespaces_work(void);
