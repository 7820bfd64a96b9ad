/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may do what with a directory, as the kernel judges somebody who has no capability. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { ACCESS_EXECUTE = 1, ACCESS_WRITE = 2, ACCESS_READ = 4 };

struct access_person {
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* in rising order */
	size_t n_groups;
};

struct access_rights {
	uid_t uid;
	gid_t gid;
	mode_t mode;
	/* The value of system.posix_acl_access, where there is one: else of no size. */
	const uint8_t *acl;
	size_t acl_size;
};

/* Whether all that is wanted is allowed. */
bool access_is_allowed(const struct access_rights *rights, const struct access_person *person,
		       unsigned wanted);
