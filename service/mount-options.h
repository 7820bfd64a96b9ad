/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options of mounts: words as for mount(8), one a word. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "refusal.h"

enum { MOUNT_OPTIONS_MAX = 256 };

struct mount_options {
	uint64_t set, clear;  /* MOUNT_ATTR_*, of the mount */
	uint64_t propagation; /* MS_SHARED ..., 0: as it is */
	bool propagation_recursive;
	char *const *words; /* all of them; borrowed */
	size_t n_words;
	const char *added[8]; /* what was not said, but is done */
	size_t n_added;
	const char *parameters[MOUNT_OPTIONS_MAX]; /* the rest, for the file system; borrowed */
	size_t n_parameters;
};

enum mount_options_kind {
	MOUNT_OPTIONS_NEW,  /* a new mount of a file system */
	MOUNT_OPTIONS_TREE, /* a copy of a mount: flags and propagation, nothing of the file system
			     */
	MOUNT_OPTIONS_EXISTING, /* a mount that is there */
};

/* 0, or a refusal that names the word. */
int mount_options_parse(struct mount_options *options, char *const *words, size_t n,
			enum mount_options_kind kind, struct refusal *refusal);
/* Notes a word that is done without having been said; it must live as long as the options. */
void mount_options_add(struct mount_options *options, const char *word);
/* Without a word about them, set-user-ID programs and devices in a mount are off. True if a word
 * keeps one of them on. */
bool mount_options_force(struct mount_options *options);
/* What whoever is refused is told then. */
extern const char mount_options_careless[];
/* A word as others than its caller may see it: of a password the name, "pass=...". The caller
 * frees; NULL when there is no memory. */
char *mount_options_shown(const char *word);
/* All that was said and added, as others may see it, parted by spaces. The caller frees; NULL when
 * there is no memory. */
char *mount_options_join(const struct mount_options *options);
/* A word for propagation ("rprivate"), into options; false if it is none. */
bool mount_options_propagation(struct mount_options *options, const char *word);
/* The value of a parameter "key=value", or NULL; "" for the bare word. Of several the last, which
 * is the one that counts with the kernel. */
const char *mount_options_value(const struct mount_options *options, const char *key);
/* Whether every parameter's key is in a list that ends with NULL. */
bool mount_options_only(const struct mount_options *options, const char *const *keys);
/* A size as tmpfs takes it: bytes with k, m, g, t, p, e behind it, or a percentage of memory. */
int mount_options_size(const char *word, uint64_t memory, uint64_t *ret);
