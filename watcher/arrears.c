/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdlib.h>
#include <string.h>

#include "instant.h"
#include "lookout.h"

enum { OWED_MAX = 8192, PROBES = 16 };

/* For what is owed there is so much at a time. */
static const uint64_t payment_usec = 20000, pause_usec = 100000;

struct owed {
	uint8_t size; /* of the handle; 0: free */
	uint8_t bytes[HANDLE_MAX];
};

struct arrears {
	struct owed owed[OWED_MAX];
	size_t n, next;
	uint64_t paid;
};

_Static_assert(HANDLE_MAX <= UINT8_MAX, "the size of a handle");

static struct arrears *arrears_of(struct lookout *lookout) {
	if (!lookout->arrears)
		lookout->arrears = calloc(1, sizeof *lookout->arrears);
	return lookout->arrears;
}

static void set_left(struct lookout *lookout, size_t n) {
	lookout->arrears->n = n;
	lookout->watcher->behind = n > 0;
}

void arrears_owe(struct lookout *lookout, const struct handle *handle) {
	struct arrears *arrears = arrears_of(lookout);
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < handle->size; i++)
		hash = (hash ^ handle->bytes[i]) * 16777619U;
	for (uint32_t i = 0; arrears && i < PROBES; i++) {
		struct owed *owed = &arrears->owed[(hash + i) % OWED_MAX];

		if (owed->size == 0) {
			owed->size = (uint8_t)handle->size;
			memcpy(owed->bytes, handle->bytes, handle->size);
			set_left(lookout, arrears->n + 1);
			return;
		}
		if (owed->size == handle->size &&
		    memcmp(owed->bytes, handle->bytes, handle->size) == 0)
			return;
	}
	lookout->overflowed = true; /* which is told to all */
}

void arrears_pay(struct lookout *lookout) {
	struct arrears *arrears = lookout->arrears;
	uint64_t now = instant_usec();

	if (!arrears || arrears->n == 0 || now < arrears_due(lookout))
		return;
	do {
		struct owed *owed = &arrears->owed[arrears->next++ % OWED_MAX];
		const struct handle handle = { owed->bytes, owed->size };
		uint32_t number;

		if (owed->size == 0)
			continue;
		number = superblock_find(&lookout->superblock, &handle);
		if (number)
			batch_rescan(lookout, number);
		owed->size = 0;
		set_left(lookout, arrears->n - 1);
	} while (arrears->n > 0 && instant_usec() < now + payment_usec);
	arrears->paid = instant_usec();
}

uint64_t arrears_due(const struct lookout *lookout) {
	const struct arrears *arrears = lookout->arrears;

	return arrears && arrears->n > 0 ? arrears->paid + pause_usec : UINT64_MAX;
}

void arrears_forget(struct lookout *lookout) {
	free(lookout->arrears);
	lookout->arrears = NULL;
	lookout->watcher->behind = false;
}
