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
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "fd.h"
#include "message.h"
#include "notice.h"

enum { NAME_MAX_LENGTH = 64, MESSAGE_SIZE_MAX = 1024 * 1024 };

static const char tail_new[] = "-new";

static const char *const tails_more[STORE_MORE_MAX] = { "-more", "-last", "-root" };

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

/* Not to be polled: what a process has said at its end is in its socket, also when nobody is at
 * the other end any more. */
static int tell(const char *what, const char *name, const int *fds, unsigned n) {
	char state[NAME_MAX_LENGTH + 64];
	int r;

	(void)snprintf(state, sizeof state, "%s=1\nFDNAME=%s%s", what, name,
		       n > 0 ? "\nFDPOLL=0" : "");
	r = notice_send(state, fds, n);
	if (r < 0)
		sd_journal_print(LOG_WARNING, "systemd cannot be told %s %s: %s", what, name,
				 strerror(-r));
	return r < 0 ? r : 0;
}

static void name_of(const char *kind, uint64_t number, const char *tail,
		    char ret[NAME_MAX_LENGTH]) {
	(void)snprintf(ret, NAME_MAX_LENGTH, "%s-%" PRIu64 "%s", kind, number, tail);
}

static int keep_more(const char *kind, uint64_t number,
		     const struct store_descriptors *descriptors) {
	char name[NAME_MAX_LENGTH];
	int r = 0;

	for (size_t i = 0; r == 0 && i < STORE_MORE_MAX; i++)
		if (descriptors->more[i] >= 0) {
			name_of(kind, number, tails_more[i], name);
			r = tell("FDSTORE", name, &descriptors->more[i], 1);
		}
	return r;
}

/* All at once, or nothing: what is found without its message is nobody's. */
int store_keep(const char *kind, uint64_t number, const ProtobufCMessage *message,
	       const struct store_descriptors *descriptors) {
	_cleanup_close_ int memory = -1;
	char name[NAME_MAX_LENGTH];
	int fds[3], r;
	unsigned n = 0;

	if (!getenv("NOTIFY_SOCKET"))
		return 0;
	memory = write_memfd(message);
	if (memory < 0)
		return memory;
	r = keep_more(kind, number, descriptors);
	if (r < 0)
		return r;
	fds[n++] = memory;
	if (descriptors->fd >= 0)
		fds[n++] = descriptors->fd;
	if (descriptors->socket >= 0)
		fds[n++] = descriptors->socket;
	name_of(kind, number, "", name);
	return tell("FDSTORE", name, fds, n);
}

int store_renew(const char *kind, uint64_t number, const ProtobufCMessage *message) {
	_cleanup_close_ int memory = -1;
	char name[NAME_MAX_LENGTH];

	if (!getenv("NOTIFY_SOCKET"))
		return 0;
	memory = write_memfd(message);
	if (memory < 0)
		return memory;
	name_of(kind, number, tail_new, name);
	(void)tell("FDSTOREREMOVE", name, NULL, 0);
	return tell("FDSTORE", name, &memory, 1);
}

int store_replace(const char *kind, uint64_t number, size_t more, int fd) {
	char name[NAME_MAX_LENGTH];

	name_of(kind, number, tails_more[more], name);
	if (!getenv("NOTIFY_SOCKET"))
		return 0;
	(void)tell("FDSTOREREMOVE", name, NULL, 0);
	return tell("FDSTORE", name, &fd, 1);
}

static void forget_tail(const char *kind, uint64_t number, const char *tail) {
	char name[NAME_MAX_LENGTH];

	name_of(kind, number, tail, name);
	if (getenv("NOTIFY_SOCKET"))
		(void)tell("FDSTOREREMOVE", name, NULL, 0);
}

void store_forget(const char *kind, uint64_t number) {
	forget_tail(kind, number, "");
}

void store_forget_more(const char *kind, uint64_t number, const int had[static STORE_MORE_MAX],
		       bool renewed) {
	for (size_t i = 0; i < STORE_MORE_MAX; i++)
		if (had[i] >= 0)
			forget_tail(kind, number, tails_more[i]);
	if (renewed)
		forget_tail(kind, number, tail_new);
}

static ProtobufCMessage *read_message(int fd, const ProtobufCMessageDescriptor *descriptor) {
	_cleanup_free_ uint8_t *bytes = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size > MESSAGE_SIZE_MAX)
		return NULL;
	bytes = malloc((size_t)st.st_size + 1);
	if (!bytes || pread(fd, bytes, (size_t)st.st_size, 0) != st.st_size)
		return NULL;
	return protobuf_c_message_unpack(descriptor, NULL, (size_t)st.st_size, bytes);
}

/* The number in "KIND-7", or in "KIND-7-new" if that is the tail; 0 if it is not such a name. */
static uint64_t number_of(const char *kind, const char *name, const char *tail) {
	size_t length = strlen(kind);
	char *end;
	uint64_t number;

	if (strncmp(name, kind, length) != 0 || name[length] != '-')
		return 0;
	number = strtoull(name + length + 1, &end, 10);
	return strcmp(end, tail) == 0 ? number : 0;
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

int store_save(const char *kind, uint64_t number, const ProtobufCMessage *message) {
	_cleanup_close_ int directory = open_directory();
	char name[NAME_MAX_LENGTH];
	int r;

	if (!getenv("RUNTIME_DIRECTORY"))
		return -ENOENT;
	name_of(kind, number, "", name);
	r = directory < 0 ? directory : save(directory, name, message);
	if (r < 0)
		sd_journal_print(LOG_ERR, "%s is forgotten if the service is being stopped: %s",
				 name, strerror(-r));
	return r;
}

bool store_forget_saved(const char *kind, uint64_t number) {
	_cleanup_close_ int directory = open_directory();
	char name[NAME_MAX_LENGTH];

	name_of(kind, number, "", name);
	return directory >= 0 && unlinkat(directory, name, 0) == 0;
}

/* What systemd has kept, by name; what is taken is -1 then, and what is of another kind stays for
 * the next to come. systemd tells it once. */
static struct {
	char **names;
	int *fds;
	int n;
} kept;

static int listen_once(void) {
	int n;

	if (kept.fds)
		return 0;
	n = sd_listen_fds_with_names(0, &kept.names);
	if (n < 0)
		return n;
	kept.fds = calloc((size_t)n + 1, sizeof *kept.fds);
	if (!kept.fds)
		return -ENOMEM;
	kept.n = n;
	for (int i = 0; i < n; i++)
		kept.fds[i] = SD_LISTEN_FDS_START + i;
	return 0;
}

int store_keep_named(const char *name, const int *fds, size_t n) {
	return getenv("NOTIFY_SOCKET") ? tell("FDSTORE", name, fds, (unsigned)n) : 0;
}

size_t store_take_named(const char *name, int *ret_fds, size_t n) {
	size_t found = 0;

	if (listen_once() < 0)
		return 0;
	for (int i = 0; i < kept.n && found < n; i++)
		if (kept.fds[i] >= 0 && strcmp(kept.names[i], name) == 0)
			ret_fds[found++] = fd_take(&kept.fds[i]);
	return found;
}

struct loading {
	const char *kind;
	const ProtobufCMessageDescriptor *descriptor;
	store_take take;
	void *userdata;
};

static bool is_kept(const struct loading *loading, uint64_t number) {
	for (int i = 0; i < kept.n; i++)
		if (kept.fds[i] >= 0 && number_of(loading->kind, kept.names[i], "") == number)
			return true;
	return false;
}

static ProtobufCMessage *read_file(const struct loading *loading, int directory, const char *name) {
	_cleanup_close_ int fd =
		openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? NULL : read_message(fd, loading->descriptor);
}

/* It is in systemd's keeping again before its file goes; and that goes before anybody has the
 * object, who may save it anew. */
static int load_file(const struct loading *loading, int directory, uint64_t number) {
	char name[NAME_MAX_LENGTH];
	struct store_descriptors none = STORE_NO_DESCRIPTORS;
	ProtobufCMessage *message;
	int r;

	name_of(loading->kind, number, "", name);
	message = read_file(loading, directory, name);
	r = message ? store_keep(loading->kind, number, message, &none) : 0;
	if (r < 0) {
		message_freep(&message);
		return r;
	}
	(void)unlinkat(directory, name, 0);
	r = message ? loading->take(loading->userdata, message, &none) : 0;
	if (r != -EBADMSG)
		return r;
	store_forget(loading->kind, number);
	return 0;
}

/* Those of which systemd has nothing. */
static int list_files(const struct loading *loading, DIR *entries, uint64_t **ret, size_t *ret_n) {
	uint64_t *grown;

	for (struct dirent *entry; (entry = readdir(entries));) {
		uint64_t number =
			entry->d_type == DT_REG ? number_of(loading->kind, entry->d_name, "") : 0;

		if (*entry->d_name == '.' && entry->d_type == DT_REG)
			(void)unlinkat(dirfd(entries), entry->d_name, 0); /* half written */
		if (number == 0 || is_kept(loading, number))
			continue;
		grown = reallocarray(*ret, *ret_n + 1, sizeof *grown);
		if (!grown)
			return -ENOMEM;
		*ret = grown;
		grown[(*ret_n)++] = number;
	}
	return 0;
}

static int load_files(const struct loading *loading) {
	_cleanup_free_ uint64_t *numbers = NULL;
	int directory = open_directory(), r;
	DIR *entries = directory < 0 ? NULL : fdopendir(directory);
	size_t n = 0;

	if (directory == -ENOENT)
		return 0;
	if (!entries)
		return directory < 0 ? directory : -errno;
	r = list_files(loading, entries, &numbers, &n);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = load_file(loading, directory, numbers[i]);
	(void)closedir(entries);
	return r;
}

/* What an object is made of, whatever the order it came back in. */
struct parts {
	int message, newer;
	struct store_descriptors descriptors;
};

static void parts_done(struct parts *parts) {
	fd_closep(&parts->message);
	fd_closep(&parts->newer);
	fd_closep(&parts->descriptors.fd);
	fd_closep(&parts->descriptors.socket);
	for (size_t i = 0; i < STORE_MORE_MAX; i++)
		fd_closep(&parts->descriptors.more[i]);
}

/* Where one of a kind is, the other is not: only messages are sealed. No file system is asked: it
 * may be a stranger's. */
static int *place_of(struct parts *parts, int fd) {
	socklen_t size = sizeof(int);
	int type;

	if (fcntl(fd, F_GET_SEALS) >= 0)
		return &parts->message;
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 ? &parts->descriptors.socket
								      : &parts->descriptors.fd;
}

/* By what it is called, and without a tail by what it is; NULL if it is of another object. */
static int *place_for(const struct loading *loading, uint64_t number, const char *name, int fd,
		      struct parts *parts) {
	if (number_of(loading->kind, name, "") == number)
		return place_of(parts, fd);
	if (number_of(loading->kind, name, tail_new) == number)
		return &parts->newer;
	for (size_t i = 0; i < STORE_MORE_MAX; i++)
		if (number_of(loading->kind, name, tails_more[i]) == number)
			return &parts->descriptors.more[i];
	return NULL;
}

static void gather(const struct loading *loading, uint64_t number, struct parts *parts) {
	for (int i = 0; i < kept.n; i++) {
		int *place = kept.fds[i] < 0 ? NULL
					     : place_for(loading, number, kept.names[i],
							 kept.fds[i], parts);

		if (!place)
			continue;
		fd_closep(place);
		*place = fd_take(&kept.fds[i]);
	}
}

/* What is written in a file is in systemd's keeping again before that goes. */
static int take_over_file(const struct loading *loading, uint64_t number,
			  const struct store_descriptors *descriptors, ProtobufCMessage **message) {
	_cleanup_close_ int directory = open_directory();
	char name[NAME_MAX_LENGTH];
	ProtobufCMessage *saved;
	int r;

	name_of(loading->kind, number, "", name);
	saved = directory < 0 ? NULL : read_file(loading, directory, name);
	if (!saved)
		return 0;
	message_freep(message);
	*message = saved;
	store_forget(loading->kind, number);
	r = store_keep(loading->kind, number, saved, descriptors);
	if (r == 0)
		(void)unlinkat(directory, name, 0);
	return r;
}

static int load_kept(const struct loading *loading, uint64_t number) {
	_cleanup_(parts_done) struct parts parts = { -1, -1, STORE_NO_DESCRIPTORS };
	int had[STORE_MORE_MAX], r;
	ProtobufCMessage *message;

	gather(loading, number, &parts);
	memcpy(had, parts.descriptors.more, sizeof had); /* whoever takes them */
	message = read_message(parts.newer >= 0 ? parts.newer : parts.message, loading->descriptor);
	r = take_over_file(loading, number, &parts.descriptors, &message);
	if (r < 0) {
		message_freep(&message);
		return r;
	}
	r = message ? loading->take(loading->userdata, message, &parts.descriptors) : -EBADMSG;
	if (r != -EBADMSG)
		return r;
	store_forget(loading->kind, number);
	store_forget_more(loading->kind, number, had, parts.newer >= 0);
	return 0;
}

/* Whatever of it this is. */
static uint64_t any_number_of(const char *kind, const char *name) {
	uint64_t number = number_of(kind, name, "") ?: number_of(kind, name, tail_new);

	for (size_t i = 0; number == 0 && i < STORE_MORE_MAX; i++)
		number = number_of(kind, name, tails_more[i]);
	return number;
}

static uint64_t next_kept(const struct loading *loading) {
	for (int i = 0; i < kept.n; i++) {
		uint64_t number = 0;

		if (kept.fds[i] >= 0)
			number = any_number_of(loading->kind, kept.names[i]);
		if (number > 0)
			return number;
	}
	return 0;
}

int store_load(const char *kind, const ProtobufCMessageDescriptor *descriptor, store_take take,
	       void *userdata) {
	const struct loading loading = { kind, descriptor, take, userdata };
	int r = listen_once();
	uint64_t number;

	if (r >= 0)
		r = load_files(&loading);
	while (r >= 0 && (number = next_kept(&loading)) > 0)
		r = load_kept(&loading, number);
	return r;
}
