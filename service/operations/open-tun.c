/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* OpenTun: a network interface whose other end is a descriptor. */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "entry.h"
#include "fd.h"
#include "job.h"
#include "link.h"
#include "operations.h"
#include "ownership.h"

static const char device[] = "/dev/net/tun";

static bool is_tap(const Usher__OpenTunRequest *m) {
	return m->mode && strcmp(m->mode, "tap") == 0;
}

static int open_tun_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__OpenTunRequest *m = (const void *)message;
	int r = link_name_check("name", m->name, refusal);

	if (r == 0 && m->mode && !is_tap(m) && strcmp(m->mode, "tun") != 0)
		return refusal_note(refusal, REFUSED_INVALID, "mode: '%.64s' is not tun or tap",
				    m->mode);
	return r == 0 ? link_addresses_check("addresses", m->addresses, m->n_addresses, refusal)
		      : r;
}

/* Who may not open the device may not have one without being asked, wherever. */
static int open_tun_resolve(struct job *job) {
	const Usher__OpenTunRequest *m = (const void *)job->request;
	_cleanup_close_ int fd = open(device, O_RDWR | O_CLOEXEC);

	if (fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO))
		return refusal_note(&job->refusal, REFUSED_UNSUPPORTED,
				    "this kernel has no %s: CONFIG_TUN", device);
	if (fd < 0 || !place_owns_network(&job->place))
		job_require(job, TIER_ADMIN);
	return job_detail(job, "name", m->name);
}

static int open_device(const Usher__OpenTunRequest *m, int *ret) {
	struct ifreq request = { .ifr_flags =
					 (short)(IFF_NO_PI | (is_tap(m) ? IFF_TAP : IFF_TUN)) };
	_cleanup_close_ int fd = open(device, O_RDWR | O_CLOEXEC);

	(void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", m->name);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, TUNSETIFF, &request) < 0) /* of one of another kind it says EINVAL */
		return errno == EINVAL ? -EBUSY : -errno;
	*ret = fd_take(&fd);
	return 0;
}

/* It goes with its last descriptor: nothing can be left behind. */
static int open_tun_run(struct job *job) {
	const Usher__OpenTunRequest *m = (const void *)job->request;
	Usher__OpenTunReply *reply = (Usher__OpenTunReply *)job->reply;
	_cleanup_close_ int tun = -1;
	struct exchange exchange;
	int r = place_join_network(&job->place);

	if (r == 0)
		r = open_device(m, &tun);
	if (r == -EBUSY)
		return refusal_note(&job->refusal, r, "name: there is an interface '%s' already",
				    m->name);
	if (r < 0)
		return refusal_note(&job->refusal, r, "name: the kernel makes no interface '%s'",
				    m->name);
	r = link_open(&exchange);
	if (r == 0)
		r = link_raise(&exchange, m->name);
	if (r == 0)
		r = link_add_addresses(&exchange, m->name, m->addresses, m->n_addresses);
	exchange_close(&exchange);
	if (r < 0)
		return refusal_note(&job->refusal, r, "addresses: the kernel refuses them");
	r = fds_add(&job->reply_fds, fd_take(&tun));
	if (r < 0)
		return r;
	reply->tun_fd = (uint32_t)r;
	return 0;
}

const struct operation operation_open_tun = {
	.interface = "Namespaces",
	.method = "OpenTun",
	.actions = { [TIER_ADMIN] = "open-tun" },
	.request = &usher__open_tun_request__descriptor,
	.reply = &usher__open_tun_reply__descriptor,
	.capabilities = CAP(CAP_SYS_ADMIN) | CAP(CAP_NET_ADMIN),
	.syscalls = SYSCALLS(EXCHANGE_SYSCALLS, SYS_ioctl, SYS_setns),
	.connects = true,
	.check = open_tun_check,
	.resolve = open_tun_resolve,
	.run = open_tun_run,
};
