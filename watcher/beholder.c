/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "beholder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fd.h"

static int compare(const void *one, const void *other) {
	gid_t a = *(const gid_t *)one, b = *(const gid_t *)other;

	return a < b ? -1 : a > b;
}

static int make(const Usher__Beholder *who, struct beholder *ret) {
	*ret = (struct beholder){
		.person = { .uid = who->uid, .gid = who->gid, .n_groups = who->n_groups },
		.everything = who->everything,
		.groups = calloc(who->n_groups + 1, sizeof(gid_t)),
		.watches = 1,
	};
	if (!ret->groups)
		return -ENOMEM;
	for (size_t i = 0; i < who->n_groups; i++)
		ret->groups[i] = who->groups[i];
	qsort(ret->groups, who->n_groups, sizeof(gid_t), compare);
	ret->person.groups = ret->groups;
	return 0;
}

static bool is_same(const struct beholder *one, const struct beholder *other) {
	if (one->everything || other->everything)
		return one->everything == other->everything;
	return one->person.uid == other->person.uid && one->person.gid == other->person.gid &&
	       one->person.n_groups == other->person.n_groups &&
	       memcmp(one->groups, other->groups, one->person.n_groups * sizeof(gid_t)) == 0;
}

/* A free place, or one more. */
static int find_place(struct beholders *beholders) {
	struct beholder *more;

	for (size_t i = 0; i < beholders->n; i++)
		if (beholders->beholder[i].watches == 0)
			return (int)i;
	if (beholders->n == BEHOLDERS_MAX)
		return -EUSERS;
	more = reallocarray(beholders->beholder, beholders->n + 1, sizeof *more);
	if (!more)
		return -ENOMEM;
	beholders->beholder = more;
	more[beholders->n] = (struct beholder){ 0 };
	return (int)beholders->n++;
}

int beholders_take(struct beholders *beholders, const Usher__Beholder *who) {
	_cleanup_free_ gid_t *groups = NULL;
	struct beholder beholder;
	int r = make(who, &beholder);

	groups = beholder.groups;
	if (r < 0)
		return r;
	for (size_t i = 0; i < beholders->n; i++)
		if (beholders->beholder[i].watches > 0 &&
		    is_same(&beholders->beholder[i], &beholder)) {
			beholders->beholder[i].watches++;
			return (int)i;
		}
	r = find_place(beholders);
	if (r < 0)
		return r;
	beholders->beholder[r] = beholder;
	groups = NULL;
	beholders->generation++;
	return r;
}

void beholders_release(struct beholders *beholders, size_t place) {
	struct beholder *beholder = &beholders->beholder[place];

	if (--beholder->watches > 0)
		return;
	free(beholder->groups);
	*beholder = (struct beholder){ 0 };
}

void beholders_done(struct beholders *beholders) {
	for (size_t i = 0; i < beholders->n; i++)
		free(beholders->beholder[i].groups);
	free(beholders->beholder);
}
