/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "access.h"

#include <endian.h>
#include <string.h>
#include <sys/stat.h>

enum {
	ACL_VERSION = 2,
	ACL_HEAD = 4,
	TAG_OWNER = 0x01,
	TAG_USER = 0x02,
	TAG_OWNING_GROUP = 0x04,
	TAG_GROUP = 0x08,
	TAG_MASK = 0x10,
	TAG_OTHER = 0x20,
};

/* As in the attribute's value: little-endian. */
struct entry {
	uint16_t tag, allowed;
	uint32_t id;
};

enum verdict { NO, YES };

static bool is_in(const struct access_person *person, gid_t gid) {
	size_t low = 0, high = person->n_groups;

	if (person->gid == gid)
		return true;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (person->groups[middle] == gid)
			return true;
		if (person->groups[middle] < gid)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static struct entry entry_at(const struct access_rights *rights, size_t i) {
	struct entry entry;

	memcpy(&entry, rights->acl + ACL_HEAD + i * sizeof entry, sizeof entry);
	entry.tag = le16toh(entry.tag);
	entry.allowed = le16toh(entry.allowed);
	entry.id = le32toh(entry.id);
	return entry;
}

/* What the mask, which comes behind it, leaves of an entry. */
static enum verdict masked(const struct access_rights *rights, size_t i, size_t n,
			   unsigned wanted) {
	unsigned allowed = entry_at(rights, i).allowed;

	for (i++; i < n; i++) {
		struct entry entry = entry_at(rights, i);

		if (entry.tag == TAG_MASK) {
			allowed &= entry.allowed;
			break;
		}
	}
	return (allowed & wanted) == wanted ? YES : NO;
}

/* Entries are in the order of their tags. Of the groups one is enough that allows all of it. */
static enum verdict ask_list(const struct access_rights *rights, const struct access_person *person,
			     unsigned wanted) {
	size_t n = (rights->acl_size - ACL_HEAD) / sizeof(struct entry);
	bool in_group = false;

	for (size_t i = 0; i < n; i++) {
		struct entry entry = entry_at(rights, i);
		bool mine = false;

		switch (entry.tag) {
		case TAG_USER:
			if (entry.id == person->uid)
				return masked(rights, i, n, wanted);
			break;
		case TAG_OWNING_GROUP: mine = is_in(person, rights->gid); break;
		case TAG_GROUP: mine = is_in(person, entry.id); break;
		case TAG_OTHER: return !in_group && (entry.allowed & wanted) == wanted ? YES : NO;
		default: break;
		}
		in_group = in_group || mine;
		if (mine && (entry.allowed & wanted) == wanted)
			return masked(rights, i, n, wanted);
	}
	return NO; /* one without its last entry allows nothing */
}

static bool has_list(const struct access_rights *rights) {
	uint32_t version;

	/* The group's bits are the mask: without any, the kernel does not look at the list. */
	if (rights->acl_size < ACL_HEAD || !(rights->mode & S_IRWXG))
		return false;
	memcpy(&version, rights->acl, sizeof version);
	return le32toh(version) == ACL_VERSION;
}

bool access_is_allowed(const struct access_rights *rights, const struct access_person *person,
		       unsigned wanted) {
	mode_t mode = rights->mode;

	if (person->uid == rights->uid)
		return (mode >> 6 & wanted) == wanted;
	if (has_list(rights))
		return ask_list(rights, person, wanted) == YES;
	if (is_in(person, rights->gid))
		mode >>= 3;
	return (mode & wanted) == wanted;
}
