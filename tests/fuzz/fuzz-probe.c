/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a usher-probe that an image has taken over may answer. */

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char type[PROBE_TYPE_MAX];
	struct refusal refusal = { 0 };
	int pair[2], r;

	if (size > 4096)
		return 0;
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	must(send(pair[1], data, size, MSG_NOSIGNAL) == (ssize_t)size);
	must(shutdown(pair[1], SHUT_WR) == 0);
	memset(type, 'x', sizeof type);
	r = probe_ask(pair[0], pair[0], type, &refusal);
	must((r == 0) == (*refusal.text == '\0'));
	if (r == 0)
		must(*type && strlen(type) < sizeof type && !strpbrk(type, "/ \t\n,=?!\\\""));
	(void)close(pair[0]);
	(void)close(pair[1]);
	return 0;
}
