/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "network.h"

#include <stdio.h>
#include <string.h>

#include "link.h"
#include "message.h"

bool network_parse(const char *text, struct network *network) {
	struct network parsed = { 0 };
	struct refusal ignored;

	for (size_t i = 0;; i++) {
		char *name = parsed.bridges[i];
		size_t n;

		text += strspn(text, " \t");
		n = strcspn(text, " \t");
		if (n == 0)
			break;
		if (i == NETWORK_BRIDGES_MAX - 1 || n >= NETWORK_NAME_MAX)
			return false;
		memcpy(name, text, n);
		if (link_name_check("", name, &ignored) != 0)
			return false;
		text += n;
	}
	*network = parsed;
	return true;
}

int network_check(const struct network *network, const ProtobufCMessage *request,
		  struct refusal *refusal) {
	const char *bridge = message_string(request, "bridge");

	for (size_t i = 0; bridge && *network->bridges[i]; i++)
		if (strcmp(network->bridges[i], bridge) == 0)
			return 0;
	return bridge ? refusal_note(refusal, REFUSED_PERMISSION,
				     "bridge: '%.64s' is not among Bridges= of usherd.conf", bridge)
		      : 0;
}
