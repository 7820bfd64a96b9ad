/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "outlet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fd.h"
#include "interfaces/netlink-records.h"
#include "usher.pb-c.h"
#include "wire.h"

/* A packet is sent when there is so much for it, or nothing more to come. A report has fewer rows
 * than take the bus long, and fewer bytes than it keeps gladly for a receiver that sleeps. */
enum { PACKET_FULL = 32 * 1024, REPORT_FULL = 24 * 1024, REPORT_ROWS_MAX = 100 };

/* Ten reports a second; who has said nothing for a second may say as much at once. */
static const uint64_t interval_usec = 100000, burst_usec = 10 * UINT64_C(100000),
		      again_usec = 10000;

struct outlet_packet {
	struct outlet_packet *next;
	size_t size, allocated;
	uint8_t bytes[];
};

/* ---- what the block hands over ---- */

static struct outlet_packet *append_packet(struct outlet *outlet, size_t size) {
	struct outlet_packet *packet = malloc(sizeof *packet + size);

	if (!packet)
		return NULL;
	*packet = (struct outlet_packet){ .allocated = size };
	*(outlet->last ? &outlet->last->next : &outlet->first) = packet;
	outlet->last = packet;
	return packet;
}

/* Whole blocks at a time: those of one packet of a stream, or all that one report is made of. */
static int take(void *userdata, const struct iovec *pieces, size_t n) {
	struct outlet *outlet = userdata;
	struct outlet_packet *packet = outlet->last;
	size_t size = 0;

	if (outlet->muted || outlet->broken)
		return 0;
	for (size_t i = 0; i < n; i++)
		size += pieces[i].iov_len;
	if (outlet->stream >= 0 && size > USHER_NETLINK_PACKET_MAX)
		return -EMSGSIZE;
	if (!packet || packet->size + size > packet->allocated)
		packet = append_packet(outlet, size > PACKET_FULL ? size : PACKET_FULL);
	if (!packet)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		memcpy(packet->bytes + packet->size, pieces[i].iov_base, pieces[i].iov_len);
		packet->size += pieces[i].iov_len;
	}
	return 0;
}

/* ---- coming and going ---- */

int outlet_open(struct outlet *outlet, int stream, int connection, uint64_t number) {
	*outlet = (struct outlet){ .stream = stream, .connection = connection, .number = number };
	outlet->block = block_new(BLOCK_RECORDS, PACKET_FULL, take, outlet);
	return outlet->block ? block_start(outlet->block) : -ENOMEM;
}

static void drop_first(struct outlet *outlet) {
	struct outlet_packet *packet = outlet->first;

	outlet->first = packet->next;
	if (!outlet->first)
		outlet->last = NULL;
	free(packet);
}

void outlet_close(struct outlet *outlet) {
	while (outlet->first)
		drop_first(outlet);
	block_free(outlet->block);
	outlet->block = NULL;
	fd_closep(&outlet->stream);
}

/* ---- what is put in ---- */

static uint64_t rows_to_report(const struct outlet *outlet) {
	return block_rows(outlet->block) - outlet->reported_rows;
}

static size_t bytes_to_report(const struct outlet *outlet) {
	size_t size = block_waiting(outlet->block);

	for (const struct outlet_packet *packet = outlet->first; packet; packet = packet->next)
		size += packet->size;
	return size;
}

bool outlet_has_room(const struct outlet *outlet) {
	if (outlet->muted)
		return true;
	if (outlet->stream >= 0)
		return !outlet->stuck && !outlet->broken;
	return rows_to_report(outlet) < REPORT_ROWS_MAX && bytes_to_report(outlet) < REPORT_FULL;
}

int outlet_put_gap(struct outlet *outlet, uint64_t lost) {
	outlet->marked = true;
	return block_gap(outlet->block, lost);
}

int outlet_put_synced(struct outlet *outlet) {
	outlet->marked = true;
	return block_synced(outlet->block);
}

int outlet_set_muted(struct outlet *outlet, bool muted) {
	int r = outlet->muted == muted ? 0 : block_flush(outlet->block);

	if (r < 0 || outlet->muted == muted)
		return r;
	outlet->muted = muted;
	r = block_start(outlet->block);
	outlet->reported_rows = block_rows(outlet->block);
	return r;
}

/* ---- what leaves ---- */

static void send_packets(struct outlet *outlet) {
	outlet->stuck = false;
	while (outlet->first && !outlet->stuck && !outlet->broken) {
		const struct outlet_packet *packet = outlet->first;

		if (send(outlet->stream, packet->bytes, packet->size,
			 MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			drop_first(outlet);
		else if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
			outlet->stuck = true;
		else if (errno != EINTR)
			outlet->broken = true;
	}
}

static size_t join_packets(const struct outlet *outlet, uint8_t **ret) {
	size_t size = bytes_to_report(outlet), at = 0;

	*ret = malloc(size + 1);
	for (const struct outlet_packet *packet = outlet->first; packet && *ret;
	     packet = packet->next) {
		memcpy(*ret + at, packet->bytes, packet->size);
		at += packet->size;
	}
	return at;
}

static int send_report(const struct outlet *outlet) {
	Usher__NetlinkReport report = USHER__NETLINK_REPORT__INIT;
	Usher__NetlinkMonitorChanged changed = USHER__NETLINK_MONITOR_CHANGED__INIT;
	_cleanup_free_ uint8_t *bytes = NULL;

	changed.number = outlet->number;
	changed.blocks.len = join_packets(outlet, &bytes);
	changed.blocks.data = bytes;
	report.changed = &changed;
	return bytes ? wire_send(outlet->connection, &report.base, NULL) : -ENOMEM;
}

/* Each report can be read alone: who hears it may have been started again since the last one. */
static uint64_t try_to_report(struct outlet *outlet, uint64_t now) {
	int r;

	if (rows_to_report(outlet) == 0 && !outlet->marked)
		return UINT64_MAX;
	if (outlet->owed_usec > now + burst_usec - interval_usec)
		return outlet->owed_usec - (burst_usec - interval_usec);
	r = block_flush(outlet->block);
	if (r == 0)
		r = send_report(outlet);
	if (r == -EAGAIN || r == -ENOMEM || r == -ENOBUFS)
		return now + again_usec;
	outlet->broken = r < 0;
	outlet->owed_usec = (outlet->owed_usec > now ? outlet->owed_usec : now) + interval_usec;
	while (outlet->first)
		drop_first(outlet);
	outlet->marked = false;
	outlet->broken = outlet->broken || block_start(outlet->block) < 0;
	outlet->reported_rows = block_rows(outlet->block);
	return UINT64_MAX;
}

uint64_t outlet_flush(struct outlet *outlet, uint64_t now) {
	if (outlet->muted || outlet->broken)
		return UINT64_MAX;
	if (outlet->stream < 0)
		return try_to_report(outlet, now);
	if (block_flush(outlet->block) < 0)
		outlet->broken = true;
	send_packets(outlet);
	return UINT64_MAX;
}
