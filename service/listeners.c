/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "listeners.h"

#include <errno.h>

#include "launch.h"
#include "monitors.h"
#include "object.h"
#include "usher.pb-c.h"
#include "wire.h"

/* It enters the namespace that any of its monitors is directed to: that is the same one. */
static int begin(const struct attendant *listener) {
	const struct object *monitor = attendant_any(listener);
	Usher__NetlinkOrder order = USHER__NETLINK_ORDER__INIT;
	Usher__NetlinkMonitorBegin what = USHER__NETLINK_MONITOR_BEGIN__INIT;
	_cleanup_(fds_done) struct fds fds = { 0 };
	int place = monitor ? fds_add_copy(&fds, monitor_namespace(monitor)) : -ESRCH;

	if (place < 0)
		return place;
	what.namespace_fd = (uint32_t)place;
	order.begin = &what;
	return wire_send(attendant_connection(listener), &order.base, &fds);
}

static int dismiss(const struct attendant *listener, uint64_t number) {
	Usher__NetlinkOrder order = USHER__NETLINK_ORDER__INIT;

	order.has_remove = true;
	order.remove = number;
	return wire_send(attendant_connection(listener), &order.base, NULL);
}

static uint64_t number_of(const ProtobufCMessage *report) {
	return monitor_number((const Usher__NetlinkReport *)report);
}

static bool heed(struct objects *monitors, const ProtobufCMessage *report) {
	return monitor_heed(monitors, (const Usher__NetlinkReport *)report);
}

const struct attendant_kind listener_kind = {
	.name = "listener",
	.what = "listener in the network namespace",
	.objects = KIND_MONITOR,
	.report = &usher__netlink_report__descriptor,
	.dies_again = "what listens in the network namespace dies again and again",
	.connect = launcher_connect_netlink,
	.begin = begin,
	.dismiss = dismiss,
	.key = monitor_key,
	.is_told = monitor_is_told,
	.introduce = monitor_introduce,
	.lose = monitor_lose_listener,
	.give_up = monitor_give_up,
	.number = number_of,
	.heed = heed,
};
