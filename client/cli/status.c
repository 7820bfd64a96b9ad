/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usher status: is the service there, and what does it say of itself? */

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "../cleanup.h"
#include "command.h"
#include "text.h"

static const struct parameter parameters[] = { { NULL, 0, 0, NULL, NULL } };

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

static int status_to_json(const struct usher_status *status, int mounts) {
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
	return answer_json(object);
}

static void print_name(const char *label, const char *name) {
	_cleanup_free_ char *text = name ? text_from_name(name) : NULL;

	printf("%-14s%s\n", label, text ? text : "(not told)");
}

static int status_run(const struct arguments *a, struct usher *usher) {
	_cleanup_(free_status) struct usher_status *status = NULL;
	int r, mounts;

	r = usher_get_status(usher, &status);
	if (r < 0)
		return answer_refusal(a, usher, "org.usher1", r);
	mounts = count_mounts(a, usher);
	if (a->json)
		return status_to_json(status, mounts);
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
