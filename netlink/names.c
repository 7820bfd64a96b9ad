/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "names.h"

#include <string.h>
#include <sys/ioctl.h>

void names_init(struct names *names, int socket) {
	*names = (struct names){ .socket = socket };
}

const char *names_find(struct names *names, uint32_t index) {
	__typeof__(names->known[0]) *known = &names->known[index % NAMES_N];

	if (index == 0)
		return NULL;
	if (known->index != index) {
		struct ifreq request = { .ifr_ifindex = (int)index };

		known->index = index;
		known->name[0] = '\0';
		if (ioctl(names->socket, SIOCGIFNAME, &request) == 0)
			memcpy(known->name, request.ifr_name, sizeof known->name);
	}
	return known->name[0] != '\0' ? known->name : NULL;
}

uint32_t names_index(struct names *names, const char *name) {
	struct ifreq request = {};

	size_t length = strlen(name);

	if (length >= sizeof request.ifr_name)
		return 0;
	memcpy(request.ifr_name, name, length);
	return ioctl(names->socket, SIOCGIFINDEX, &request) == 0 ? (uint32_t)request.ifr_ifindex
								 : 0;
}

void names_forget(struct names *names, uint32_t index) {
	if (names->known[index % NAMES_N].index == index)
		names->known[index % NAMES_N].index = 0;
}
