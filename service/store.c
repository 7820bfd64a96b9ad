/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "fd.h"

enum { NAME_MAX_LENGTH = 64, MESSAGE_SIZE_MAX = 1024 * 1024 };

static int write_message(const ProtobufCMessage *message) {
	size_t size = protobuf_c_message_get_packed_size(message);
	_cleanup_free_ uint8_t *bytes = malloc(size + 1);
	_cleanup_close_ int fd = memfd_create("usher-object", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (!bytes || fd < 0)
		return -ENOMEM;
	protobuf_c_message_pack(message, bytes);
	if (write(fd, bytes, size) != (ssize_t)size ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return -EIO;
	return fd_take(&fd);
}

static void tell(const char *what, const char *name, const int *fd) {
	char state[NAME_MAX_LENGTH + 32];

	(void)snprintf(state, sizeof state, "%s=1\nFDNAME=%s", what, name);
	if (sd_pid_notify_with_fds(0, 0, state, fd, fd ? 1 : 0) < 0)
		sd_journal_print(LOG_WARNING, "systemd does not keep %s", name);
}

void store_keep(const char *kind, uint64_t number, const ProtobufCMessage *message, int fd) {
	char name[NAME_MAX_LENGTH];
	_cleanup_close_ int memory = -1;

	if (!getenv("NOTIFY_SOCKET"))
		return;
	memory = write_message(message);
	if (memory < 0) {
		sd_journal_print(LOG_WARNING, "%s %" PRIu64 " will not outlive the service", kind,
				 number);
		return;
	}
	if (fd >= 0) {
		(void)snprintf(name, sizeof name, "%s-%" PRIu64 "-fd", kind, number);
		tell("FDSTORE", name, &fd);
	}
	(void)snprintf(name, sizeof name, "%s-%" PRIu64, kind, number);
	tell("FDSTORE", name, &memory);
}

void store_forget(const char *kind, uint64_t number) {
	char name[NAME_MAX_LENGTH];

	if (!getenv("NOTIFY_SOCKET"))
		return;
	(void)snprintf(name, sizeof name, "%s-%" PRIu64, kind, number);
	tell("FDSTOREREMOVE", name, NULL);
	(void)snprintf(name, sizeof name, "%s-%" PRIu64 "-fd", kind, number);
	tell("FDSTOREREMOVE", name, NULL);
}

static ProtobufCMessage *read_message(int fd, const ProtobufCMessageDescriptor *descriptor) {
	_cleanup_free_ uint8_t *bytes = NULL;
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_size > MESSAGE_SIZE_MAX)
		return NULL;
	bytes = malloc((size_t)st.st_size + 1);
	if (!bytes || pread(fd, bytes, (size_t)st.st_size, 0) != st.st_size)
		return NULL;
	return protobuf_c_message_unpack(descriptor, NULL, (size_t)st.st_size, bytes);
}

/* The number in "KIND-7"; 0 if it is not such a name. */
static uint64_t number_of(const char *kind, const char *name) {
	size_t length = strlen(kind);
	char *end;
	uint64_t number;

	if (strncmp(name, kind, length) != 0 || name[length] != '-')
		return 0;
	number = strtoull(name + length + 1, &end, 10);
	return *end ? 0 : number;
}

static int take_descriptor(const char *kind, uint64_t number, char **names, int n) {
	char wanted[NAME_MAX_LENGTH];

	(void)snprintf(wanted, sizeof wanted, "%s-%" PRIu64 "-fd", kind, number);
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], wanted) == 0)
			return SD_LISTEN_FDS_START + i;
	return -1;
}

int store_load(const char *kind, const ProtobufCMessageDescriptor *descriptor, store_take take,
	       void *userdata) {
	char **names = NULL;
	int n = sd_listen_fds_with_names(0, &names), r = 0;

	for (int i = 0; r >= 0 && i < n; i++) {
		uint64_t number = number_of(kind, names[i]);
		int fd = SD_LISTEN_FDS_START + i;
		ProtobufCMessage *message;

		if (number == 0)
			continue;
		message = read_message(fd, descriptor);
		if (message)
			r = take(userdata, message, take_descriptor(kind, number, names, n));
		else
			store_forget(kind, number);
		(void)close(fd); /* systemd has its own */
	}
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return n < 0 ? n : r;
}
