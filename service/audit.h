/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the journal is told of calls: who asked for what, who decided, what became of it. The fields
 * are documented in usherd(8) and do not change.
 *
 * What was done with somebody's leave always has its entry. Of what was refused, and of what needed
 * nobody's leave, a user has so many entries in a time, and then one with the number of the others:
 * the journal's own limit would count all users as one.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

struct call;

struct audit {
	struct flood *first; /* one for each user of whom something was limited lately */
};

/* One entry about a call, whatever became of it: 0 and the reply, or a negative errno or a refusal
 * with the sentence that the caller gets; and how long it took. */
void audit_note(struct call *call, int code, const char *sentence, const ProtobufCMessage *reply,
		uint64_t usec);
/* Tells what was left out up to now. */
void audit_done(struct audit *audit);
