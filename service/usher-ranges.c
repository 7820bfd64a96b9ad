/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * usher-ranges UID|NAME: prints who that is, "p", UID, 1, and the ranges of subordinate ids that
 * the user may map, one a line, "u" or "g", START, COUNT. Through libsubid, so that ranges from NSS
 * count as well as /etc/subuid; that may talk to a server, so it is a program of its own, run as
 * nobody.
 */

#include <ctype.h>
#include <pwd.h>
#include <shadow/subid.h>
#include <stdio.h>
#include <stdlib.h>

typedef int (*range_reader)(const char *user, struct subid_range **ret);

static void print_ranges(char kind, range_reader read, const char *user) {
	struct subid_range *ranges = NULL;
	int n = read(user, &ranges);

	for (int i = 0; i < n; i++)
		printf("%c %lu %lu\n", kind, ranges[i].start, ranges[i].count);
	free(ranges);
}

int main(int argc, char *argv[]) {
	struct passwd *user;

	if (argc != 2)
		return 1;
	user = isdigit((unsigned char)*argv[1]) ? getpwuid((uid_t)strtoul(argv[1], NULL, 10))
						: getpwnam(argv[1]);
	if (!user)
		return 0;
	printf("p %u 1\n", user->pw_uid);
	print_ranges('u', subid_get_uid_ranges, user->pw_name);
	print_ranges('g', subid_get_gid_ranges, user->pw_name);
	return 0;
}
