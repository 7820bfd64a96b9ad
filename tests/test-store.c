/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What outlives the service: in systemd's keeping, and over a stop as files. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "complaints.h"
#include "message.h"
#include "store.h"
#include "support.h"
#include "usher.pb-c.h"

enum { TAKEN_MAX = 8 };

/* ---- a runtime directory, and a systemd that hears ---- */

static char directory[64], socket_path[96];
static int heard = -1;

static int begin(void **state) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)state;
	complaints_forget();
	(void)strcpy(directory, "/tmp/usher-test-store-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	(void)snprintf(socket_path, sizeof socket_path, "%s.notify", directory);
	(void)strcpy(address.sun_path, socket_path);
	heard = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)setenv("RUNTIME_DIRECTORY", directory, 1);
	(void)setenv("NOTIFY_SOCKET", socket_path, 1);
	return bind(heard, (struct sockaddr *)&address, sizeof address);
}

static int end(void **state) {
	char command[256];

	(void)state;
	(void)close(heard);
	(void)snprintf(command, sizeof command, "rm -r %s %s", directory, socket_path);
	return system(command);
}

/* Of memory with a message in it nobody who gets it again may find another. */
static void take_descriptor(int fd) {
	const int all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals >= 0)
		assert_int_equal(seals & all, all);
	(void)close(fd);
}

/* Whether the next word to systemd is this one, and how many descriptors came with it. */
static void assert_told(const char *what, const char *name, size_t descriptors) {
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(4 * sizeof(int))];
	} control = { 0 };

	char text[256] = "", wanted[128];
	struct iovec part = { text, sizeof text - 1 };
	struct msghdr packet = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof control };
	size_t n = 0;

	if (recvmsg(heard, &packet, MSG_CMSG_CLOEXEC) < 0)
		fail_msg("nothing is told, instead of %s %s", what, name);
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&packet); header;
	     header = CMSG_NXTHDR(&packet, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		n = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++)
			take_descriptor(((int *)(void *)CMSG_DATA(header))[i]);
	}
	(void)snprintf(wanted, sizeof wanted, "%s=1\nFDNAME=%s%s", what, name,
		       strcmp(what, "FDSTORE") == 0 ? "\nFDPOLL=0" : "");
	assert_string_equal(text, wanted);
	assert_int_equal(n, descriptors);
}

static void assert_told_no_more(void) {
	char byte;

	assert_true(recv(heard, &byte, 1, 0) < 0 && errno == EAGAIN);
}

static void put(const char *name, const void *bytes, size_t size) {
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/%s", directory, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static bool is_there(const char *name) {
	char path[128];

	(void)snprintf(path, sizeof path, "%s/%s", directory, name);
	return access(path, F_OK) == 0;
}

static size_t files_left(void) {
	DIR *entries = opendir(directory);
	size_t n = 0;

	assert_non_null(entries);
	while (readdir(entries))
		n++;
	(void)closedir(entries);
	return n - 2;
}

/* ---- objects ---- */

static Usher__MountObject object_of(uint64_t number) {
	Usher__MountObject object = USHER__MOUNT_OBJECT__INIT;

	object.has_number = true;
	object.number = number;
	object.target = (char *)"/mnt";
	return object;
}

static void save(uint64_t number) {
	Usher__MountObject object = object_of(number);

	store_save("mount", number, &object.base);
}

struct taken {
	uint64_t numbers[TAKEN_MAX];
	bool has_descriptor[TAKEN_MAX], has_socket[TAKEN_MAX], has_more[TAKEN_MAX],
		has_last[TAKEN_MAX];
	size_t n;
	int answer;
};

static int take(void *userdata, ProtobufCMessage *message, struct store_descriptors *descriptors) {
	struct taken *taken = userdata;
	const Usher__MountObject *object = (const Usher__MountObject *)message;

	assert_true(taken->n < TAKEN_MAX);
	assert_string_equal(object->target, "/mnt");
	taken->has_descriptor[taken->n] = descriptors->fd >= 0;
	taken->has_socket[taken->n] = descriptors->socket >= 0;
	taken->has_more[taken->n] = descriptors->more[0] >= 0;
	taken->has_last[taken->n] = descriptors->more[1] >= 0;
	taken->numbers[taken->n++] = object->number;
	message_freep(&message);
	fd_closep(&descriptors->fd);
	fd_closep(&descriptors->socket);
	fd_closep(&descriptors->more[0]);
	fd_closep(&descriptors->more[1]);
	return taken->answer;
}

static int load(struct taken *taken) {
	return store_load("mount", &usher__mount_object__descriptor, take, taken);
}

static bool took(const struct taken *taken, uint64_t number) {
	for (size_t i = 0; i < taken->n; i++)
		if (taken->numbers[i] == number)
			return true;
	return false;
}

/* ---- over a stop ---- */

static void what_is_saved_is_taken_once_and_kept_again(void **state) {
	struct taken taken = { 0 };
	size_t before = descriptors_open();
	struct stat st;
	char path[128];

	(void)state;
	save(7);
	save(7); /* over the older one */
	save(UINT64_MAX);
	(void)snprintf(path, sizeof path, "%s/mount-7", directory);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(files_left(), 2);
	assert_told_no_more();
	assert_int_equal(load(&taken), 0);
	assert_int_equal(taken.n, 2);
	assert_true(took(&taken, 7) && took(&taken, UINT64_MAX));
	for (size_t i = 0; i < taken.n; i++) {
		char name[64];

		(void)snprintf(name, sizeof name, "mount-%llu",
			       (unsigned long long)taken.numbers[i]);
		assert_told("FDSTORE", name, 1);
	}
	assert_told_no_more();
	assert_int_equal(files_left(), 0);
	assert_int_equal(load(&taken), 0);
	assert_int_equal(taken.n, 2);
	assert_no_leak(before);
}

static void what_is_no_object_goes_and_what_is_anothers_stays(void **state) {
	struct taken taken = { 0 };
	char path[128];

	(void)state;
	save(7);
	put(".mount-8", "half", 4);
	put("mount-9", "\xff\xff\xff", 3);
	put("spawn-7", "", 0);
	put("mount-7x", "", 0);
	(void)snprintf(path, sizeof path, "%s/mount-10", directory);
	assert_int_equal(symlink("mount-7", path), 0);
	assert_int_equal(load(&taken), 0);
	assert_int_equal(taken.n, 1);
	assert_told("FDSTORE", "mount-7", 1);
	assert_told_no_more();
	assert_int_equal(files_left(), 3);
	assert_true(is_there("spawn-7") && is_there("mount-7x"));
}

static void what_the_service_will_not_have_is_forgotten(void **state) {
	struct taken taken = { .answer = -EBADMSG };

	(void)state;
	save(7);
	assert_int_equal(load(&taken), 0);
	assert_told("FDSTORE", "mount-7", 1);
	assert_told("FDSTOREREMOVE", "mount-7", 0);
	assert_int_equal(files_left(), 0);
}

static void a_file_stays_until_what_is_in_it_is_in_safe_hands(void **state) {
	struct taken taken = { .answer = -ENOMEM };
	const char *listens = getenv("NOTIFY_SOCKET");
	_cleanup_free_ char *there = listens ? strdup(listens) : NULL;

	(void)state;
	assert_non_null(there);
	save(7);
	(void)setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
	assert_true(load(&taken) < 0);
	assert_int_equal(taken.n, 0);
	assert_true(is_there("mount-7"));
	(void)setenv("NOTIFY_SOCKET", there, 1);
	/* systemd's are, whatever the service makes of it */
	assert_int_equal(load(&taken), -ENOMEM);
	assert_told("FDSTORE", "mount-7", 1);
	assert_false(is_there("mount-7"));
}

static void without_a_directory_nothing_is_saved_and_one_that_is_missed_is_told_of(void **state) {
	struct taken taken = { 0 };

	(void)state;
	(void)unsetenv("RUNTIME_DIRECTORY");
	save(7);
	assert_int_equal(complaints_n(), 0);
	assert_int_equal(files_left(), 0);
	assert_int_equal(load(&taken), 0);
	(void)setenv("RUNTIME_DIRECTORY", "/nowhere/at/all", 1);
	save(7);
	assert_int_equal(complaints_n(), 1);
	assert_int_equal(load(&taken), 0);
	assert_int_equal(taken.n, 0);
}

/* ---- in systemd's keeping ---- */

static int memory_of(uint64_t number) {
	Usher__MountObject object = object_of(number);
	uint8_t bytes[128];
	size_t size = usher__mount_object__pack(&object, bytes);
	int fd = memfd_create("object", MFD_CLOEXEC);

	return write(fd, bytes, size) == (ssize_t)size ? fd : -1;
}

/* As systemd starts it: with the descriptors from 3 on. */
static int start_with(const int fds[4], const char *names, struct taken *taken) {
	char pid[16];

	for (size_t i = 0; i < 4; i++)
		if (dup2(fcntl(fds[i], F_DUPFD, 50), (int)(3 + i)) < 0)
			return 2;
	(void)snprintf(pid, sizeof pid, "%d", getpid());
	(void)setenv("LISTEN_PID", pid, 1);
	(void)setenv("LISTEN_FDS", "4", 1);
	(void)setenv("LISTEN_FDNAMES", names, 1);
	return load(taken) == 0 ? 0 : 3;
}

static int load_in_a_child(void *data) {
	const int fds[] = { memory_of(7), open("/", O_PATH | O_CLOEXEC), memory_of(8),
			    memfd_create("none", MFD_CLOEXEC) };

	if (write(fds[3], "\xff", 1) != 1)
		return 1;
	return start_with(fds, "mount-7:mount-7:mount-8:mount-9", data);
}

/* systemd hands them back in whatever order. */
static int load_changed_in_a_child(void *data) {
	const int fds[] = { socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), memory_of(70),
			    open("/", O_PATH | O_CLOEXEC), memory_of(7) };

	return start_with(fds, "mount-7:mount-7-new:mount-7:mount-7", data);
}

static void what_has_changed_counts_and_all_that_belongs_to_it_comes_with_it(void **state) {
	struct taken *taken = mmap(NULL, sizeof *taken, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(taken != MAP_FAILED);
	assert_int_equal(in_child(load_changed_in_a_child, taken), 0);
	assert_int_equal(taken->n, 1);
	assert_int_equal(taken->numbers[0], 70);
	assert_true(taken->has_descriptor[0] && taken->has_socket[0]);
	assert_told_no_more();
	(void)munmap(taken, sizeof *taken);
}

static int load_directory_in_a_child(void *data) {
	const int fds[] = { open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			    socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), memory_of(7),
			    open("/", O_PATH | O_CLOEXEC) };

	return start_with(fds, "mount-7:mount-7:mount-7:other-7", data);
}

/* Of what is in memory, too, files alone can be sealed. */
static void a_directory_is_no_message(void **state) {
	struct taken *taken = mmap(NULL, sizeof *taken, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(taken != MAP_FAILED);
	assert_int_equal(in_child(load_directory_in_a_child, taken), 0);
	assert_int_equal(taken->n, 1);
	assert_int_equal(taken->numbers[0], 7);
	assert_true(taken->has_descriptor[0] && taken->has_socket[0]);
	assert_told_no_more();
	(void)munmap(taken, sizeof *taken);
}

static void a_systemd_may_listen_where_there_is_no_path(void **state) {
	static const char name[] = "@usher-test-store";
	int before = heard;
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)state;
	memcpy(address.sun_path + 1, name + 1, sizeof name - 2);
	heard = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(heard, (struct sockaddr *)&address,
			      offsetof(struct sockaddr_un, sun_path) + sizeof name - 1),
			 0);
	(void)setenv("NOTIFY_SOCKET", name, 1);
	store_forget("mount", 7);
	assert_told("FDSTOREREMOVE", "mount-7", 0);
	(void)close(heard);
	heard = before;
	store_forget("mount", 7); /* which nobody hears any more */
	assert_told_no_more();
	assert_true(complaints_n() > 0);
}

static int load_more_in_a_child(void *data) {
	const int fds[] = { open("/", O_PATH | O_CLOEXEC), memory_of(7),
			    socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0),
			    open("/", O_PATH | O_CLOEXEC) };

	return start_with(fds, "mount-7-last:mount-7:mount-7-more:mount-8-more", data);
}

static void what_an_object_has_more_is_told_apart_by_its_names(void **state) {
	struct taken *taken = mmap(NULL, sizeof *taken, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(taken != MAP_FAILED);
	assert_int_equal(in_child(load_more_in_a_child, taken), 0);
	assert_int_equal(taken->n, 1);
	assert_int_equal(taken->numbers[0], 7);
	assert_true(taken->has_more[0] && taken->has_last[0]);
	assert_false(taken->has_descriptor[0] || taken->has_socket[0]);
	/* and what has lost its message is nobody's */
	assert_told("FDSTOREREMOVE", "mount-8", 0);
	assert_told("FDSTOREREMOVE", "mount-8-more", 0);
	assert_told_no_more();
	(void)munmap(taken, sizeof *taken);
}

static void what_an_object_has_more_is_kept_before_its_message(void **state) {
	Usher__MountObject object = object_of(7);
	struct store_descriptors descriptors = { some_descriptor(),
						 -1,
						 { some_descriptor(), -1, -1 } };

	(void)state;
	assert_int_equal(store_keep("mount", 7, &object.base, &descriptors), 0);
	assert_told("FDSTORE", "mount-7-more", 1);
	assert_told("FDSTORE", "mount-7", 2);
	store_forget_more("mount", 7, descriptors.more, false);
	assert_told("FDSTOREREMOVE", "mount-7-more", 0);
	assert_told_no_more();
	store_forget_more("mount", 7, (int[STORE_MORE_MAX]){ -1, 0, -1 }, true);
	assert_told("FDSTOREREMOVE", "mount-7-last", 0);
	assert_told("FDSTOREREMOVE", "mount-7-new", 0);
	assert_told_no_more();
	(void)close(descriptors.fd);
	(void)close(descriptors.more[0]);
}

static void what_has_changed_is_told_apart_from_what_it_was(void **state) {
	Usher__MountObject object = object_of(7);
	struct store_descriptors descriptors = { some_descriptor(),
						 socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
						 { -1, -1, -1 } };

	(void)state;
	assert_int_equal(store_keep("mount", 7, &object.base, &descriptors), 0);
	assert_told("FDSTORE", "mount-7", 3);
	assert_int_equal(store_renew("mount", 7, &object.base), 0);
	assert_told("FDSTOREREMOVE", "mount-7-new", 0);
	assert_told("FDSTORE", "mount-7-new", 1);
	assert_told_no_more();
	(void)close(descriptors.fd);
	(void)close(descriptors.socket);
}

static void a_file_counts_and_not_what_systemd_kept(void **state) {
	struct taken *taken = mmap(NULL, sizeof *taken, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(taken != MAP_FAILED);
	save(7);
	assert_int_equal(in_child(load_in_a_child, taken), 0);
	assert_int_equal(taken->n, 2);
	assert_int_equal(taken->numbers[0], 7);
	assert_true(taken->has_descriptor[0]);
	assert_int_equal(taken->numbers[1], 8);
	assert_false(taken->has_descriptor[1]);
	assert_told("FDSTOREREMOVE", "mount-7", 0);
	assert_told("FDSTORE", "mount-7", 2);
	assert_told("FDSTOREREMOVE", "mount-9", 0);
	assert_told_no_more();
	assert_int_equal(files_left(), 0);
	(void)munmap(taken, sizeof *taken);
}

static void a_descriptor_is_kept_together_with_the_message_that_it_belongs_to(void **state) {
	Usher__MountObject object = object_of(7);
	size_t before = descriptors_open();
	struct store_descriptors descriptors = { some_descriptor(), -1, { -1, -1, -1 } };

	(void)state;
	assert_int_equal(store_keep("mount", 7, &object.base, &descriptors), 0);
	assert_told("FDSTORE", "mount-7", 2);
	(void)close(descriptors.fd);
	assert_no_leak(before);
}

int main(void) {
#define test_of(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		/* the first: a process asks systemd once */
		test_of(a_file_counts_and_not_what_systemd_kept),
		test_of(what_has_changed_counts_and_all_that_belongs_to_it_comes_with_it),
		test_of(a_directory_is_no_message),
		test_of(what_an_object_has_more_is_told_apart_by_its_names),
		test_of(what_an_object_has_more_is_kept_before_its_message),
		test_of(what_is_saved_is_taken_once_and_kept_again),
		test_of(what_is_no_object_goes_and_what_is_anothers_stays),
		test_of(what_the_service_will_not_have_is_forgotten),
		test_of(a_file_stays_until_what_is_in_it_is_in_safe_hands),
		test_of(without_a_directory_nothing_is_saved_and_one_that_is_missed_is_told_of),
		test_of(what_has_changed_is_told_apart_from_what_it_was),
		test_of(a_descriptor_is_kept_together_with_the_message_that_it_belongs_to),
		test_of(a_systemd_may_listen_where_there_is_no_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
