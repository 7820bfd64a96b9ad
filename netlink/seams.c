/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "seams.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "decode.h"

enum { SEAMS_STEP = 64, GONE_FIRST = 1024 };

/* From the last address of one datagram to the first of the next, around the end if that is
 * smaller: there another table begins. */
struct seam {
	uint32_t from, to;
};

static bool is_ipv4(const struct nlmsghdr *message) {
	return message->nlmsg_len >= NLMSG_LENGTH(sizeof(struct rtmsg)) &&
	       ((const struct rtmsg *)NLMSG_DATA(message))->rtm_family == AF_INET;
}

/* Without one it is to everywhere. */
static uint32_t address_of(const struct nlmsghdr *message) {
	uint32_t address = 0;
	const uint8_t *payload;
	size_t n;

	if (netlink_attribute(NLMSG_DATA(message), message->nlmsg_len - NLMSG_HDRLEN,
			      sizeof(struct rtmsg), RTA_DST, &payload, &n) &&
	    n >= sizeof address)
		memcpy(&address, payload, sizeof address);
	return ntohl(address);
}

void seams_begin(struct seams *seams) {
	seams->n = seams->n_gone = 0;
	seams->begun = false;
}

void seams_done(struct seams *seams) {
	free(seams->seams);
	free(seams->gone);
	*seams = (struct seams){ 0 };
}

static int add(struct seams *seams, uint32_t to) {
	if (seams->n % SEAMS_STEP == 0) {
		struct seam *more = reallocarray(seams->seams, seams->n + SEAMS_STEP, sizeof *more);

		if (!more)
			return -ENOMEM;
		seams->seams = more;
	}
	seams->seams[seams->n++] = (struct seam){ seams->last, to };
	return 0;
}

int seams_row(struct seams *seams, unsigned datagram, const struct nlmsghdr *message) {
	uint32_t address;
	int r = 0;

	if (!is_ipv4(message))
		return seams_end(seams, datagram != seams->at);
	address = address_of(message);
	if (seams->begun && datagram != seams->at)
		r = add(seams, address);
	seams->begun = true;
	seams->last = address;
	seams->at = datagram;
	return r;
}

int seams_end(struct seams *seams, bool alone) {
	bool open = seams->begun && alone;

	seams->begun = false;
	return open ? add(seams, UINT32_MAX) : 0;
}

/* Where it stands in the sorted ones, or would. */
static size_t place_of(const struct seams *seams, uint32_t address) {
	size_t low = 0, high = seams->n_gone;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (seams->gone[middle] < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has_between(const struct seams *seams, uint32_t from, uint32_t to) {
	size_t place = place_of(seams, from);

	return place < seams->n_gone && seams->gone[place] <= to;
}

static int make_room(struct seams *seams) {
	size_t max = seams->gone_max ? seams->gone_max * 2 : GONE_FIRST;
	uint32_t *more;

	if (seams->n_gone < seams->gone_max)
		return 0;
	more = reallocarray(seams->gone, max, sizeof *more);
	if (!more)
		return -ENOMEM;
	seams->gone = more;
	seams->gone_max = max;
	return 0;
}

/* The same few may come and go very often; many go in their order. */
int seams_gone(struct seams *seams, const struct nlmsghdr *message) {
	uint32_t address;
	size_t place;
	int r = make_room(seams);

	if (r < 0 || !is_ipv4(message))
		return r;
	address = address_of(message);
	if (has_between(seams, address, address))
		return 0;
	place = place_of(seams, address);
	memmove(seams->gone + place + 1, seams->gone + place,
		(seams->n_gone++ - place) * sizeof *seams->gone);
	seams->gone[place] = address;
	return 0;
}

bool seams_may_hide(const struct seams *seams) {
	for (size_t i = 0; i < seams->n; i++) {
		const struct seam *seam = &seams->seams[i];

		if (seam->from <= seam->to ? has_between(seams, seam->from, seam->to)
					   : has_between(seams, seam->from, UINT32_MAX) ||
						     has_between(seams, 0, seam->to))
			return true;
	}
	return false;
}
