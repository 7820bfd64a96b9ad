/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lookout.h"

/* Nothing has to be looked at for it that is not the same for all who are alike. */
static bool is_simple(const struct eye *eye) {
	return eye->watch->direct && !eye->report_pid && !eye->self.pid &&
	       (eye->watch->scope == WATCH_RECURSIVE || eye->watch->scope == WATCH_FILESYSTEM);
}

static bool sees_everything(const struct eye *eye) {
	return eye->watch->order->beholder->everything;
}

static bool are_alike(const struct eye *one, const struct eye *other) {
	return is_simple(one) && is_simple(other) && one->outlook == other->outlook &&
	       one->watch->events == other->watch->events &&
	       sees_everything(one) == sees_everything(other);
}

static void count_beholders(const struct spot *spot, struct choir *choir) {
	memset(choir->beholders, 0, sizeof choir->beholders);
	for (size_t i = 0; i < spot->n; i++)
		if (spot->eye[i]->choir == choir)
			choir->beholders[spot->eye[i]->beholder / 64] |=
				UINT64_C(1) << spot->eye[i]->beholder % 64;
}

/* Without memory it sings alone. */
static void sing_with(struct spot *spot, struct eye *eye, struct eye *other) {
	struct choir *choir = other->choir ?: calloc(1, sizeof *choir);

	if (!choir)
		return;
	if (!other->choir) {
		if (chorus_join(&choir->chorus, &other->watch->stream) < 0) {
			free(choir);
			return;
		}
		other->choir = choir;
	}
	if (chorus_join(&choir->chorus, &eye->watch->stream) == 0)
		eye->choir = choir;
	count_beholders(spot, choir);
}

/* There is room for it. */
static void take_place(struct spot *spot, struct eye *eye) {
	struct eye **eyes = spot->eye;
	size_t at = 0;

	while (at < spot->n && !are_alike(eyes[at], eye))
		at++;
	memmove(eyes + at + 1, eyes + at, (spot->n - at) * sizeof *eyes);
	eyes[at] = eye;
	if (++spot->n > at + 1)
		sing_with(spot, eye, eyes[at + 1]);
}

int choir_join(struct spot *spot, struct eye *eye) {
	struct eye **more = reallocarray(spot->eye, spot->n + 1, sizeof *more);

	if (!more)
		return -ENOMEM;
	spot->eye = more;
	take_place(spot, eye);
	return 0;
}

bool choir_leave(struct spot *spot, struct eye *eye) {
	struct choir *choir = eye->choir;
	size_t at = 0;

	while (at < spot->n && spot->eye[at] != eye)
		at++;
	if (at == spot->n)
		return false;
	memmove(spot->eye + at, spot->eye + at + 1, (--spot->n - at) * sizeof *spot->eye);
	eye->choir = NULL;
	if (!choir)
		return true;
	chorus_leave(&eye->watch->stream);
	count_beholders(spot, choir);
	if (choir->chorus.n == 0)
		free(choir);
	return true;
}

void choir_change(struct spot *spot, struct eye *eye) {
	if (choir_leave(spot, eye))
		take_place(spot, eye);
}
