/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "quota.h"

#include "call.h"
#include "processes.h"
#include "store.h"

/* A user has so many at work at once. What has been at work for so long is not computing but waits
 * for something; a question to polkit that takes so long, for a person. */
enum { AT_WORK_MAX = 2, UNKNOWN_MAX = 256 };

static const uint64_t work_usec = 20000, question_usec = 200000;

static bool is_same_user(const struct call *call, const struct call *other) {
	return other->caller && other->caller->known && other->caller->uid == call->caller->uid;
}

/* What calls and objects of a user, or of all together, come to. */
struct sum {
	uint64_t calls, bytes, descriptors, kept, waits, objects, kinds[_KIND_MAX];
};

static void add_call(struct sum *sum, const struct call *call) {
	const struct objects *makes = call->made ? NULL : call_makes(call);

	if (call->operation->waits) {
		sum->waits++;
		return;
	}
	sum->calls++;
	sum->bytes += call->bytes;
	sum->descriptors += call->descriptors + 1;
	if (makes) {
		sum->kinds[makes - call->desk->objects]++;
		sum->objects++;
	}
}

/* Of processes, those that run: of the others there are never many. */
static void add_objects(struct sum *sum, enum kind kind, const struct objects *objects, uid_t uid) {
	for (const struct object *object = objects->first; object; object = object->next)
		if (object->owner == uid) {
			sum->kinds[kind] += kind != KIND_PROCESS || !process_has_ended(object);
			sum->objects++;
			sum->kept += kind == KIND_MOUNT && object->fd >= 0;
		}
}

static struct sum sum_of_user(const struct call *call) {
	struct sum sum = { 0 };

	for (const struct call *other = call->desk->first; other; other = other->next)
		if (is_same_user(call, other))
			add_call(&sum, other);
	for (enum kind kind = 0; kind < _KIND_MAX; kind++)
		add_objects(&sum, kind, &call->desk->objects[kind], call->caller->uid);
	return sum;
}

/* Its message, and what an object may have besides it. */
enum { DESCRIPTORS_OF_OBJECT_MAX = 3 + STORE_MORE_MAX };

static uint64_t kept_for(const struct object *object) {
	uint64_t n = 1U + (object->fd >= 0) + (object->socket >= 0);

	for (size_t i = 0; i < STORE_MORE_MAX; i++)
		n += object->more[i] >= 0;
	return n;
}

/* What systemd keeps, or is about to: of all, and of one user's. */
struct share {
	uint64_t all, own;
};

static struct share share_of(const struct call *call) {
	const struct desk *desk = call->desk;
	struct share share = { attendants_kept(&desk->watchers) + attendants_kept(&desk->listeners),
			       0 };
	uint64_t n;

	for (const struct call *other = desk->first; other; other = other->next) {
		n = call_makes(other) && !other->made ? DESCRIPTORS_OF_OBJECT_MAX : 0;
		share.all += n;
		share.own += is_same_user(call, other) ? n : 0;
	}
	for (enum kind kind = 0; kind < _KIND_MAX; kind++)
		for (const struct object *object = desk->objects[kind].first; object;
		     object = object->next) {
			n = kept_for(object);
			share.all += n;
			share.own += object->owner == call->caller->uid ? n : 0;
		}
	return share;
}

/* Nobody has more of it than is left for all others, so that no user's own limits, however they
 * are, add up to everything. */
static int check_store(const struct call *call, struct refusal *refusal) {
	struct share share = share_of(call);

	if (share.all > STORE_DESCRIPTORS_MAX)
		return refusal_note(refusal, REFUSED_LIMIT,
				    "FileDescriptorStoreMax=%d of usherd.service is reached",
				    STORE_DESCRIPTORS_MAX);
	if (call_is_trusted(call) || share.own <= STORE_DESCRIPTORS_MAX - share.all)
		return 0;
	return refusal_note(refusal, REFUSED_LIMIT,
			    "of FileDescriptorStoreMax=%d of usherd.service the caller has as much "
			    "as is left for all others",
			    STORE_DESCRIPTORS_MAX);
}

/* What is kept for a user does not keep that user from giving it back. */
static uint64_t descriptors_of(const struct sum *sum, const struct call *call) {
	return sum->descriptors + (call_gives_back(call) ? 0 : sum->kept);
}

static int check_objects(const struct call *call, const struct sum *sum, struct refusal *refusal) {
	const struct limits *limits = &call->desk->configuration.limits;
	const struct objects *makes = call_makes(call);
	int r = limit_check(limits, makes->kind->limit, sum->kinds[makes - call->desk->objects],
			    refusal);

	return r == 0 ? limit_check(limits, LIMIT_OBJECTS, sum->objects, refusal) : r;
}

int quota_check(const struct call *call, struct refusal *refusal) {
	const struct limits *limits = &call->desk->configuration.limits;
	struct sum sum;
	int r;

	if (!call->caller)
		return 0;
	r = call_makes(call) ? check_store(call, refusal) : 0;
	if (r != 0 || call_is_trusted(call))
		return r;
	sum = sum_of_user(call);
	if (call->operation->waits)
		return limit_check(limits, LIMIT_PROCESSES, sum.waits, refusal);
	r = limit_check(limits, LIMIT_CALLS, sum.calls, refusal);
	if (r == 0)
		r = limit_check(limits, LIMIT_QUEUED_BYTES, sum.bytes, refusal);
	if (r == 0)
		r = limit_check(limits, LIMIT_DESCRIPTORS, descriptors_of(&sum, call), refusal);
	return r == 0 && call_makes(call) ? check_objects(call, &sum, refusal) : r;
}

/* A bus lets one connection wait for 128 answers, unless it is told otherwise. Who has made it wait
 * for so many has made it deaf to what polkit says of everybody else. */
enum { QUESTIONS_MAX = 96 };

int quota_check_question(const struct call *call, struct refusal *refusal) {
	uint64_t own = 1, all = 1;
	int r;

	for (const struct call *other = call->desk->first; other; other = other->next)
		if (other->question) {
			own += other->interactive && is_same_user(call, other);
			all++;
		}
	r = call->interactive
		    ? limit_check(&call->desk->configuration.limits, LIMIT_QUESTIONS, own, refusal)
		    : 0;
	if (r != 0 || all <= QUESTIONS_MAX)
		return r;
	return refusal_note(refusal, REFUSED_LIMIT,
			    "%d questions to polkit have no answer, and more may not be asked",
			    QUESTIONS_MAX);
}

static bool is_at_work(const struct call *call, uint64_t now_usec) {
	if (call->question)
		return now_usec - call->asked_usec < question_usec;
	return call->worker >= 0 && now_usec - call->stage_usec < work_usec;
}

bool quota_may_begin(const struct call *call, uint64_t now_usec) {
	size_t n = 0;

	if (!call->caller || call_is_trusted(call))
		return true;
	for (const struct call *other = call->desk->first; other; other = other->next)
		n += is_same_user(call, other) && is_at_work(other, now_usec);
	return n < AT_WORK_MAX;
}

int quota_check_unknown(const struct call *call, struct refusal *refusal) {
	size_t n = 0;

	for (const struct call *other = call->desk->first; other; other = other->next)
		n += other->caller == call->caller;
	if (n <= UNKNOWN_MAX)
		return 0;
	return refusal_note(refusal, REFUSED_LIMIT,
			    "more than %d calls before it is known who makes them", UNKNOWN_MAX);
}
