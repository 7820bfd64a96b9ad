/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "audit.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <systemd/sd-journal.h>

#include "call.h"
#include "escape.h"
#include "fd.h"

/* A detail of the finding as the authority was told it, or NULL. The caller frees. */
static char *told(const struct call *call, const char *key) {
	for (size_t i = 0; call->finding && i < call->finding->n_details; i++)
		if (strcmp(call->finding->details[i]->key, key) == 0)
			return usher_escape(call->finding->details[i]->value);
	return NULL;
}

void audit_note(const struct call *call, int code, const char *sentence, uint64_t usec) {
	static const char *const tiers[_TIER_MAX] = { "free", "own", "others", "admin" };
	_cleanup_free_ char *source = told(call, "source"), *target = told(call, "target");
	char uid[16] = "?";

	if (!call->caller)
		return; /* the service's own housekeeping */
	if (call->caller->known)
		(void)snprintf(uid, sizeof uid, "%u", call->caller->uid);
	sd_journal_send("MESSAGE=%s.%s for uid %s%s%s: %s%s%s", call->operation->interface,
			call->operation->method, uid, target ? ", " : "", target ?: "",
			code == 0 ? "done" : refusal_name(code), sentence ? ": " : "",
			sentence ?: "", "PRIORITY=%d", code == 0 ? LOG_INFO : LOG_NOTICE,
			"USHER_OPERATION=%s.%s", call->operation->interface,
			call->operation->method, "USHER_UID=%s", uid, "USHER_CALLER=%s",
			call->caller->name, "USHER_TIER=%s", call->finding ? tiers[call->tier] : "",
			"USHER_RESULT=%s", code == 0 ? "" : refusal_name(code), "USHER_SOURCE=%s",
			source ?: "", "USHER_TARGET=%s", target ?: "", "USHER_DURATION_USEC=%llu",
			(unsigned long long)usec, NULL);
}
