/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "verdict.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authority.h"
#include "call.h"
#include "errand.h"
#include "instant.h"
#include "mounts.h"
#include "quota.h"
#include "wire.h"

/* A mount that goes is one call's at a time: a child compares what lies at a name before it takes
 * it off, and of two that had both compared the second would take what lay below. And what was
 * allowed was about that object: where it has gone, its id may be another's. */
static int take(struct call *call, const char **ret_why) {
	struct mount *mount = call_mount(call);

	if (!call_makes_go(call) || (!call->object && !call->found))
		return 0;
	*ret_why = mount ? "it is being moved or unmounted by another call" : "the mount is gone";
	if (!mount)
		return REFUSED_NOT_FOUND;
	if (!call->caller)
		return 0; /* it has been taken already */
	if (mount->base.leaving)
		return REFUSED_BUSY;
	mount->base.leaving = true;
	call->taken = mount->base.number;
	return 0;
}

void verdict_give_back(struct call *call) {
	struct mount *mount = call->taken ? mounts_find(&call->desk->mounts, call->taken) : NULL;

	if (mount)
		mount->base.leaving = false;
}

/* A child that waits for a word has open what its caller may want to unmount next: it is to let go
 * of that before the caller is answered. One that does not is not waited for. */
static void turn_away(struct call *call, int code, const char *text) {
	call->refused = code;
	call->why = text ? strdup(text) : NULL;
	if (errand_recall(call) < 0)
		call_refuse(call, code, text);
}

/* The authority said yes, or there was nothing to ask. */
static void proceed(struct call *call) {
	Usher__Grant grant = USHER__GRANT__INIT;
	const char *why = NULL;
	int r = take(call, &why);

	if (r != 0) {
		turn_away(call, r, why);
		return;
	}
	grant.tier = TIER_ADMIN; /* what the child found it needs is what was asked about */
	r = errand_arm(call);    /* first: the child's clock starts when it has the grant */
	if (r >= 0)
		r = wire_send(call->worker, &grant.base, NULL);
	call->granted = true;
	if (r < 0)
		call_refuse(call, r, "the worker has gone");
}

/* What makes it an administrator's only the child knows, and it is true only where we did not
 * judge otherwise. */
static void turn_down(struct call *call, int verdict, const char *why) {
	const char *more = call->tier == call->finding->tier ? call->finding->why : NULL;
	_cleanup_free_ char *text = NULL;

	if (more && asprintf(&text, "%s: %s", why, more) < 0)
		text = NULL;
	turn_away(call, verdict, text ?: why);
}

static void on_verdict(void *userdata, int verdict, const char *why) {
	struct call *call = userdata;

	call->question = NULL;
	call->answered_usec = instant_usec();
	call->verdict = verdict;
	if (verdict != 0)
		turn_down(call, verdict, why);
	else
		proceed(call);
}

static void ask(struct call *call) {
	char action[ACTION_MAX];
	const Usher__Finding *finding = call->finding;
	struct refusal refusal = { 0 };
	int r;

	if (call_is_trusted(call) || !operation_action(call->operation, call->tier, action)) {
		proceed(call);
		return;
	}
	r = quota_check_question(call, &refusal);
	if (r != 0) {
		turn_away(call, r, refusal.text);
		return;
	}
	call->timer =
		sd_event_source_disable_unref(call->timer); /* a person takes the time it takes */
	r = authority_ask(&call->question, call->desk->bus, call->caller->name, action,
			  finding->details, finding->n_details, call->interactive, on_verdict,
			  call);
	call->asked_usec = instant_usec();
	if (r < 0)
		turn_away(call, REFUSED_PERMISSION, "polkit cannot be asked");
}

/* The child knows what the words mean; of mounts that were made here, we know whose they are. */
bool verdict_judge(struct call *call, Usher__Finding **finding) {
	const struct mount *found;

	call->finding = *finding;
	*finding = NULL;
	if (call->finding->tier >= _TIER_MAX)
		return false;
	found = call->finding->has_mount_id
			? mounts_find_id(&call->desk->mounts, call->finding->mount_id,
					 call->finding->host)
			: NULL;
	call->found = found ? found->base.number : 0;
	call->tier = call->finding->tier;
	if (call->caller)
		call->tier = mounts_tier(&call->desk->mounts, call->finding, call_mount(call),
					 call->caller->uid);
	return true;
}

/* At the end of a connection, too, nobody's mounts go but its owner's. */
static bool must_stay(const struct call *call) {
	const struct mount *mount = call->caller ? NULL : call_mount(call);

	return mount && mounts_touches_others(&call->desk->mounts, mount, call->finding);
}

void verdict_on_finding(struct call *call, Usher__Finding **finding) {
	call->granted = false; /* it takes more than was granted with the order, so it waits */
	call->given_up = call->given_up || (call->caller && call->caller->gone);
	if (!verdict_judge(call, finding) || call->given_up)
		call_refuse(call, -EBADMSG, NULL); /* too late: it is not to be done any more */
	else if (call->desk->leaving)
		call_refuse(call, REFUSED_RETRY, call_stopping);
	else if (must_stay(call))
		call_refuse(call, REFUSED_BUSY, "somebody else's mount lies below it");
	else
		ask(call);
}
