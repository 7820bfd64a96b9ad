/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"
#include "message.h"
#include "program.h"

int probe_start(const char *libexec, const ProtobufCMessage *request, int *ret) {
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(request->descriptor, "fstype");
	int fd;

	if (strcmp(*(char **)message_member(request, field), "auto") != 0)
		return 0;
	fd = program_start(libexec, "usher-probe", NULL);
	if (fd < 0)
		return fd;
	*ret = fd;
	return 0;
}

/* Of the names of file systems that libblkid knows. */
static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

/* The answer is "type\n", "?\n" for nothing known, or "!\n" for several at once. */
int probe_ask(int prober, int fd, char ret_type[PROBE_TYPE_MAX], struct refusal *refusal) {
	size_t used = 0;
	int r = fd_send(prober, fd, 0);

	while (r == 0 && used < PROBE_TYPE_MAX - 1) {
		ssize_t n = read(prober, ret_type + used, PROBE_TYPE_MAX - 1 - used);

		if (n <= 0)
			break;
		used += (size_t)n;
	}
	if (r < 0 || used < 2 || ret_type[used - 1] != '\n')
		return refusal_note(
			refusal, REFUSED_FAILED,
			"fstype: the program that looks what file system it is has failed");
	ret_type[used - 1] = '\0';
	if (strcmp(ret_type, "?") == 0)
		return refusal_note(refusal, REFUSED_INVALID,
				    "fstype: no known file system is in the source");
	if (strcmp(ret_type, "!") == 0)
		return refusal_note(
			refusal, REFUSED_INVALID,
			"fstype: more than one file system is in the source; name the one");
	if (strspn(ret_type, letters) != used - 1)
		return refusal_note(refusal, REFUSED_FAILED,
				    "fstype: the program that looks what file system it is talks "
				    "nonsense");
	return 0;
}
