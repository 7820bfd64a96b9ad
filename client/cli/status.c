/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher status: is the service there, and what does it say of itself? */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "../cleanup.h"
#include "command.h"
#include "text.h"

/* The service hears of what has been told once a second. */
enum { RATE_SECONDS = 2 };

static const struct parameter parameters[] = {
	{ "rates", 0, PARAMETER_RATES, NULL, "look for two seconds, how much watches tell" },
	{ NULL, 0, 0, NULL, NULL },
};

/* What all watches of one user have told. */
struct tally {
	int64_t owner;
	int watches;
	uint64_t delivered, lost, before;
};

static void free_status(struct usher_status **status) {
	usher_free_status(*status);
}

static void free_mounts(struct usher_mount_entry ***mounts) {
	usher_free_mounts(*mounts);
}

/* How many mounts were made for the caller; -1 where the service does not tell. */
static int count_mounts(const struct arguments *a, struct usher *usher) {
	_cleanup_(free_mounts) struct usher_mount_entry **mounts = NULL;
	int i, r, count = 0;

	r = usher_list_mounts(usher, &a->keys, &mounts);
	if (r < 0)
		return -1;
	for (i = 0; i < r; i++)
		count += mounts[i]->owner == (int64_t)getuid();
	return count;
}

static void free_watches(struct usher_watch_entry ***watches) {
	usher_free_watches(*watches);
}

/* The tally of a user, which ends with one of nobody's. */
static struct tally *tally_of(struct tally *tallies, int64_t owner) {
	while (tallies->watches > 0 && tallies->owner != owner)
		tallies++;
	tallies->owner = owner;
	return tallies;
}

static int tally_watches(struct usher *usher, struct tally **ret) {
	_cleanup_(free_watches) struct usher_watch_entry **watches = NULL;
	struct tally *tallies, *tally;
	int count;

	count = usher_list_watches(usher, &watches);
	if (count < 0)
		return count;
	tallies = calloc((size_t)count + 1, sizeof *tallies);
	if (!tallies)
		return -ENOMEM;
	for (int i = 0; i < count; i++) {
		tally = tally_of(tallies, watches[i]->owner);
		tally->watches++;
		tally->delivered += watches[i]->delivered;
		tally->lost += watches[i]->lost;
	}
	*ret = tallies;
	return 0;
}

/* Twice, if rates are wanted: what had been told before is in `before`. A watch that has ended
 * meanwhile takes with it what it had told. */
static int count_watches(const struct arguments *a, struct usher *usher, struct tally **ret) {
	_cleanup_free_ struct tally *before = NULL;
	int r;

	r = a->rates ? tally_watches(usher, &before) : 0;
	if (r < 0)
		return r;
	if (a->rates)
		(void)sleep(RATE_SECONDS);
	r = tally_watches(usher, ret);
	if (r < 0)
		return r;
	for (struct tally *tally = *ret; tally->watches > 0; tally++) {
		const struct tally *old = before ? tally_of(before, tally->owner) : tally;

		tally->before =
			old->delivered < tally->delivered ? old->delivered : tally->delivered;
		if (before && old->watches == 0)
			tally->before = tally->delivered;
	}
	return 0;
}

static uint64_t rate_of(const struct tally *tally) {
	return (tally->delivered - tally->before) / RATE_SECONDS;
}

static struct json_object *tallies_to_json(const struct arguments *a, const struct tally *tally) {
	struct json_object *array = json_object_new_array(), *row;

	for (; array && tally->watches > 0; tally++) {
		row = json_object_new_object();
		if (!row)
			break;
		json_object_object_add(row, "owner", json_object_new_int64(tally->owner));
		json_object_object_add(row, "watches", json_object_new_int(tally->watches));
		json_object_object_add(row, "delivered", json_object_new_uint64(tally->delivered));
		json_object_object_add(row, "lost", json_object_new_uint64(tally->lost));
		if (a->rates)
			json_object_object_add(row, "rate", json_object_new_uint64(rate_of(tally)));
		json_object_array_add(array, row);
	}
	return array;
}

static void print_tallies(const struct arguments *a, const struct tally *tally) {
	for (; tally->watches > 0; tally++) {
		printf("%-14s%d of user %" PRId64 ", %" PRIu64 " events, %" PRIu64 " lost",
		       "watches:", tally->watches, tally->owner, tally->delivered, tally->lost);
		if (a->rates)
			printf(", %" PRIu64 " a second", rate_of(tally));
		putchar('\n');
	}
}

static int status_to_json(const struct usher_status *status, int mounts,
			  struct json_object *watches) {
	struct json_object *object = json_object_new_object();

	if (!object)
		return answer_json(NULL);
	json_object_object_add(object, "reachable", json_object_new_boolean(1));
	json_object_object_add(object, "owner", answer_json_name(status->owner));
	json_object_object_add(object, "pid",
			       status->pid < 0 ? NULL : json_object_new_int64(status->pid));
	json_object_object_add(object, "version", answer_json_name(status->version));
	json_object_object_add(object, "hostname", answer_json_name(status->hostname));
	json_object_object_add(object, "domainname", answer_json_name(status->domainname));
	json_object_object_add(object, "mounts", mounts < 0 ? NULL : json_object_new_int(mounts));
	json_object_object_add(object, "watches", watches);
	return answer_json(object);
}

static void print_name(const char *label, const char *name) {
	_cleanup_free_ char *text = name ? text_from_name(name) : NULL;

	printf("%-14s%s\n", label, text ? text : "(not told)");
}

static int status_run(const struct arguments *a, struct usher *usher) {
	_cleanup_(free_status) struct usher_status *status = NULL;
	_cleanup_free_ struct tally *tallies = NULL;
	int r, mounts;

	r = usher_get_status(usher, &status);
	if (r < 0)
		return answer_refusal(a, usher, "org.usher1", r);
	mounts = count_mounts(a, usher);
	/* An older service has none. */
	r = count_watches(a, usher, &tallies);
	if (a->json)
		return status_to_json(status, mounts, r < 0 ? NULL : tallies_to_json(a, tallies));
	printf("%-14s%s", "service:", status->owner);
	if (status->pid >= 0)
		printf(" (process %" PRId64 ")", status->pid);
	putchar('\n');
	print_name("version:", status->version);
	print_name("host name:", status->hostname);
	print_name("domain name:", status->domainname);
	if (mounts >= 0)
		printf("%-14s%d\n", "your mounts:", mounts);
	else
		print_name("your mounts:", NULL);
	if (r >= 0)
		print_tallies(a, tallies);
	return 0;
}

const struct command command_status = {
	.name = "status",
	.synopsis = "",
	.help = "Tell whether the service is there, and what it says of itself",
	.parameters = parameters,
	.minimum = 0,
	.maximum = 0,
	.run = status_run,
};
