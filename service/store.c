/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
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
#include "message.h"

enum { NAME_MAX_LENGTH = 64, MESSAGE_SIZE_MAX = 1024 * 1024 };

static int write_message(int fd, const ProtobufCMessage *message) {
	size_t size = protobuf_c_message_get_packed_size(message);
	_cleanup_free_ uint8_t *bytes = malloc(size + 1);
	ssize_t n;

	if (!bytes)
		return -ENOMEM;
	protobuf_c_message_pack(message, bytes);
	n = write(fd, bytes, size);
	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -ENOSPC;
}

static int write_memfd(const ProtobufCMessage *message) {
	_cleanup_close_ int fd = memfd_create("usher-object", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r = fd < 0 ? -errno : write_message(fd, message);

	if (r < 0)
		return r;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return -errno;
	return fd_take(&fd);
}

static int tell(const char *what, const char *name, const int *fd) {
	char state[NAME_MAX_LENGTH + 32];
	int r;

	(void)snprintf(state, sizeof state, "%s=1\nFDNAME=%s", what, name);
	r = sd_pid_notify_with_fds(0, 0, state, fd, fd ? 1 : 0);
	if (r < 0)
		sd_journal_print(LOG_WARNING, "systemd cannot be told %s %s: %s", what, name,
				 strerror(-r));
	return r;
}

int store_keep(const char *kind, uint64_t number, const ProtobufCMessage *message, int fd) {
	char name[NAME_MAX_LENGTH];
	_cleanup_close_ int memory = -1;
	int r;

	if (!getenv("NOTIFY_SOCKET"))
		return 0;
	memory = write_memfd(message);
	if (memory < 0)
		return memory;
	/* before the message: what is found without its message is nobody's */
	if (fd >= 0) {
		(void)snprintf(name, sizeof name, "%s-%" PRIu64 "-fd", kind, number);
		r = tell("FDSTORE", name, &fd);
		if (r < 0)
			return r;
	}
	(void)snprintf(name, sizeof name, "%s-%" PRIu64, kind, number);
	r = tell("FDSTORE", name, &memory);
	return r < 0 ? r : 0;
}

void store_forget(const char *kind, uint64_t number) {
	char name[NAME_MAX_LENGTH];

	if (!getenv("NOTIFY_SOCKET"))
		return;
	(void)snprintf(name, sizeof name, "%s-%" PRIu64, kind, number);
	(void)tell("FDSTOREREMOVE", name, NULL);
	(void)snprintf(name, sizeof name, "%s-%" PRIu64 "-fd", kind, number);
	(void)tell("FDSTOREREMOVE", name, NULL);
}

struct settling {
	store_settled settled;
	void *userdata;
};

static int on_settled(sd_event_source *source, int fd, uint32_t events, void *userdata) {
	const struct settling *settling = userdata;

	(void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
	settling->settled(settling->userdata);
	return 0;
}

/* systemd closes its end of the pipe when it has come to the barrier. */
int store_settle(sd_event *event, sd_event_source **ret, store_settled settled, void *userdata) {
	_cleanup_free_ struct settling *settling = malloc(sizeof *settling);
	_cleanup_close_ int ours = -1, theirs = -1;
	int ends[2], r;

	if (!getenv("NOTIFY_SOCKET")) {
		settled(userdata);
		return 0;
	}
	if (!settling || pipe2(ends, O_CLOEXEC) < 0)
		return settling ? -errno : -ENOMEM;
	ours = ends[0];
	theirs = ends[1];
	*settling = (struct settling){ settled, userdata };
	r = sd_pid_notify_with_fds(0, 0, "BARRIER=1", &theirs, 1);
	if (r >= 0)
		r = sd_event_add_io(event, ret, ours, 0, on_settled, settling);
	if (r < 0)
		return r;
	(void)sd_event_source_set_io_fd_own(*ret, 1);
	(void)fd_take(&ours);
	(void)sd_event_source_set_destroy_callback(*ret, free);
	settling = NULL;
	return 0;
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

/* Where the messages are while the service is stopped; -ENOENT where nobody made a place. */
static int open_directory(void) {
	const char *path = getenv("RUNTIME_DIRECTORY");
	int fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (!path)
		return -ENOENT;
	return fd < 0 ? -errno : fd;
}

static int save(int directory, const char *name, const ProtobufCMessage *message) {
	char hidden[NAME_MAX_LENGTH + 1];
	_cleanup_close_ int fd = -1;
	int r;

	(void)snprintf(hidden, sizeof hidden, ".%s", name);
	fd = openat(directory, hidden, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	r = fd < 0 ? -errno : write_message(fd, message);
	if (r == 0 && renameat(directory, hidden, directory, name) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(directory, hidden, 0);
	return r;
}

void store_save(const char *kind, uint64_t number, const ProtobufCMessage *message) {
	_cleanup_close_ int directory = open_directory();
	char name[NAME_MAX_LENGTH];
	int r;

	if (!getenv("RUNTIME_DIRECTORY"))
		return;
	(void)snprintf(name, sizeof name, "%s-%" PRIu64, kind, number);
	r = directory < 0 ? directory : save(directory, name, message);
	if (r < 0)
		sd_journal_print(LOG_ERR, "%s is forgotten if the service is being stopped: %s",
				 name, strerror(-r));
}

static bool is_among(const char *name, char **names, int n) {
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

struct loading {
	const char *kind;
	const ProtobufCMessageDescriptor *descriptor;
	store_take take;
	void *userdata;
	char **names; /* of what systemd has kept */
	int n;
};

static int load_file(const struct loading *loading, int directory, const char *name,
		     uint64_t number) {
	_cleanup_close_ int fd =
		openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ProtobufCMessage *message = fd < 0 ? NULL : read_message(fd, loading->descriptor);
	int r;

	if (!message)
		return 0;
	/* in systemd's keeping again before its file goes */
	r = store_keep(loading->kind, number, message, -1);
	if (r < 0) {
		message_freep(&message);
		return r;
	}
	r = loading->take(loading->userdata, message, -1);
	if (r != -EBADMSG)
		return r;
	store_forget(loading->kind, number);
	return 0;
}

static int load_entry(const struct loading *loading, int directory, const char *name) {
	uint64_t number = number_of(loading->kind, name);
	int r = 0;

	if (number == 0 && *name != '.')
		return 0; /* of another kind; what begins with a dot is half written */
	if (number > 0 && !is_among(name, loading->names, loading->n))
		r = load_file(loading, directory, name, number);
	if (r == 0)
		(void)unlinkat(directory, name, 0);
	return r;
}

static int load_files(const struct loading *loading) {
	int directory = open_directory(), r = 0;
	DIR *entries = directory < 0 ? NULL : fdopendir(directory);

	if (directory == -ENOENT)
		return 0;
	if (!entries)
		return directory < 0 ? directory : -errno;
	for (struct dirent *entry; r == 0 && (entry = readdir(entries));)
		if (entry->d_type == DT_REG)
			r = load_entry(loading, directory, entry->d_name);
	(void)closedir(entries);
	return r;
}

int store_load(const char *kind, const ProtobufCMessageDescriptor *descriptor, store_take take,
	       void *userdata) {
	char **names = NULL;
	int n = sd_listen_fds_with_names(0, &names), r = 0;
	struct loading loading = { kind, descriptor, take, userdata, names, n };

	for (int i = 0; r >= 0 && i < n; i++) {
		uint64_t number = number_of(kind, names[i]);
		int fd = SD_LISTEN_FDS_START + i;
		ProtobufCMessage *message;

		if (number == 0)
			continue;
		message = read_message(fd, descriptor);
		r = message ? take(userdata, message, take_descriptor(kind, number, names, n))
			    : -EBADMSG;
		if (r == -EBADMSG) {
			store_forget(kind, number);
			r = 0;
		}
		(void)close(fd); /* systemd has its own */
	}
	if (r >= 0)
		r = load_files(&loading);
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return n < 0 ? n : r;
}
