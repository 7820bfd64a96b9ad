/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "decode.h"
#include "encode.h"
#include "fd.h"

static const char device[] = "/dev/net/tun";

enum { TYPE_TAP = 2 }; /* of IFLA_TUN_TYPE */

static const Usher__Row *information(const struct change *change) {
	const Usher__Value *value = encode_member(change->row, "linkinfo");

	return value ? value->row : NULL;
}

bool tun_is_meant(const struct change *change) {
	const Usher__Row *info = information(change);
	const Usher__Value *kind = info ? encode_member(info, "kind") : NULL;

	return change->action == CHANGE_ADD && strcmp(change->type->name, "link") == 0 && kind &&
	       kind->text && strcmp(kind->text, "tun") == 0;
}

static int open_device(const struct change *change, struct refusal *refusal, int *ret) {
	*ret = open(device, O_RDWR | O_CLOEXEC);
	if (*ret >= 0)
		return 0;
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
		return refusal_note(refusal, REFUSED_UNSUPPORTED,
				    "%s.linkinfo.kind: this kernel has no %s: CONFIG_TUN",
				    change->argument, device);
	return -errno;
}

int tun_check(const struct change *change, struct refusal *refusal) {
	_cleanup_close_ int fd = -1;

	return open_device(change, refusal, &fd);
}

/* ---- what the row says ---- */

struct wanted {
	const uint8_t *data; /* attributes of IFLA_INFO_DATA */
	size_t size;
	struct ifreq request;
	int index; /* 0: any */
};

static bool find(const struct wanted *wanted, unsigned number, uint32_t *ret) {
	const uint8_t *value;
	size_t size;

	if (!wanted->data ||
	    !netlink_attribute(wanted->data, wanted->size, 0, number, &value, &size))
		return false;
	*ret = size == 0;
	memcpy(ret, value, size < sizeof *ret ? size : sizeof *ret);
	return true;
}

static short flags_of(const struct wanted *wanted) {
	uint32_t number;
	unsigned flags = IFF_TUN_EXCL;

	flags |= find(wanted, IFLA_TUN_TYPE, &number) && number == TYPE_TAP ? IFF_TAP : IFF_TUN;
	flags |= find(wanted, IFLA_TUN_PI, &number) && number ? 0 : IFF_NO_PI;
	flags |= find(wanted, IFLA_TUN_VNET_HDR, &number) && number ? IFF_VNET_HDR : 0;
	flags |= find(wanted, IFLA_TUN_MULTI_QUEUE, &number) && number ? IFF_MULTI_QUEUE : 0;
	return (short)flags;
}

static void read_message(const struct encoding *message, struct wanted *ret) {
	const struct ifinfomsg *head = encode_header(message);
	const size_t size = message->size - message->header, fixed = sizeof *head;
	const uint8_t *value;
	size_t n;

	*ret = (struct wanted){ .index = head->ifi_index };
	if (netlink_attribute((const uint8_t *)head, size, fixed, IFLA_IFNAME, &value, &n))
		memcpy(ret->request.ifr_name, value, n < IFNAMSIZ ? n : IFNAMSIZ - 1);
	if (netlink_attribute((const uint8_t *)head, size, fixed, IFLA_LINKINFO, &value, &n) &&
	    netlink_attribute(value, n, 0, IFLA_INFO_DATA, &value, &n)) {
		ret->data = value;
		ret->size = n;
	}
	ret->request.ifr_flags = flags_of(ret);
}

/* ---- making it ---- */

static int make(int fd, struct wanted *wanted) {
	uint32_t owner = 0, group;

	if (wanted->index > 0 && ioctl(fd, TUNSETIFINDEX, &wanted->index) < 0)
		return -errno;
	if (ioctl(fd, TUNSETIFF, &wanted->request) < 0)
		return -errno;
	/* without an owner anybody in the network could take its other end */
	(void)find(wanted, IFLA_TUN_OWNER, &owner);
	if (ioctl(fd, TUNSETOWNER, (unsigned long)owner) < 0)
		return -errno;
	if (find(wanted, IFLA_TUN_GROUP, &group) &&
	    ioctl(fd, TUNSETGROUP, (unsigned long)group) < 0)
		return -errno;
	return ioctl(fd, TUNSETPERSIST, 1UL) < 0 ? -errno : 0;
}

/* All else that the row says, of the link by its name: the members stay the row's own. */
static int change_rest(struct changing *changing, const struct change *change, char *name,
		       Usher__Row **ret) {
	struct change rest = { .action = CHANGE_CHANGE,
			       .type = change->type,
			       .manner = change->manner };
	Usher__Value value = USHER__VALUE__INIT;
	Usher__Member member = USHER__MEMBER__INIT;
	Usher__Row row = USHER__ROW__INIT;
	int r;

	memcpy(rest.argument, change->argument, sizeof rest.argument);
	value.text = name;
	member.key = (char *)(uintptr_t) "ifname";
	member.value = &value;
	row.members = calloc(change->row->n_members + 1, sizeof *row.members);
	if (!row.members)
		return -ENOMEM;
	for (size_t i = 0; i < change->row->n_members; i++)
		if (strcmp(change->row->members[i]->key, "linkinfo") != 0)
			row.members[row.n_members++] = change->row->members[i];
	if (!encode_member(change->row, "ifname"))
		row.members[row.n_members++] = &member;
	rest.row = &row;
	r = change_do(changing, &rest, ret);
	free(row.members);
	return r;
}

int tun_add(struct changing *changing, const struct change *change, const struct encoding *message,
	    Usher__Row **ret) {
	_cleanup_close_ int fd = -1;
	struct wanted wanted;
	int r = open_device(change, changing->refusal, &fd);

	if (r != 0)
		return r;
	read_message(message, &wanted);
	r = make(fd, &wanted);
	if (r < 0)
		return refusal_note(changing->refusal, r, "%s: the kernel makes no interface '%s'",
				    change->argument, wanted.request.ifr_name);
	r = change_rest(changing, change, wanted.request.ifr_name, ret);
	if (r != 0)
		(void)ioctl(fd, TUNSETPERSIST, 0UL);
	return r;
}
