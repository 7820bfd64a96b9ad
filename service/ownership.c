/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ownership.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>

#include "fd.h"

bool place_is_our_users(const struct place *place, int users) {
	return fd_same_file(users, place->our_users);
}

/* It, or one above it that is not ours, is the caller's, or the caller is its administrator. */
bool place_owns_users(const struct place *place, int namespace) {
	_cleanup_close_ int users = fcntl(namespace, F_DUPFD_CLOEXEC, 3);

	while (users >= 0) {
		_cleanup_close_ int below = -1;
		uid_t owner;

		if (place_is_our_users(place, users))
			return false;
		if (ioctl(users, NS_GET_OWNER_UID, &owner) == 0 && owner == place->uid)
			return true;
		if (place->administrator && fd_same_file(users, place->caller_users))
			return true;
		below = fd_take(&users);
		users = ioctl(below, NS_GET_PARENT);
	}
	return false;
}

bool ownership_find(const struct place *place, int namespace, int *ret_users) {
	_cleanup_close_ int users = ioctl(namespace, NS_GET_USERNS);

	if (users < 0 || place_is_our_users(place, users))
		return false;
	if (ret_users)
		*ret_users = fcntl(users, F_DUPFD_CLOEXEC, 3);
	return place_owns_users(place, users);
}

bool place_owns(const struct place *place, int namespace) {
	return ownership_find(place, namespace, NULL);
}

bool place_owns_network(const struct place *place) {
	return place_owns(place, place->net.fd);
}

bool place_is_roots(const struct place *place) {
	return place->uid == 0 && place->administrator &&
	       fd_same_file(place->caller_users, place->our_users);
}

bool place_is_within(int users, int other) {
	_cleanup_close_ int at = fcntl(users, F_DUPFD_CLOEXEC, 3);

	while (at >= 0) {
		_cleanup_close_ int below = -1;

		if (fd_same_file(at, other))
			return true;
		below = fd_take(&at);
		at = ioctl(below, NS_GET_PARENT);
	}
	return false;
}
