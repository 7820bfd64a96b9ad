/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "population.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fd.h"
#include "namespace-type.h"
#include "ownership.h"
#include "subject.h"

/* What was ended takes no longer to go, or is waited for in the next round. */
static const struct timespec breath = { .tv_nsec = 20000000 };

/* The descriptors are held so that the numbers stay those of these namespaces. */
struct population {
	const struct place *place;
	uid_t owner;
	int users;                       /* the new user namespace, or -1 */
	struct place_identity ours;      /* the service's own one */
	int namespaces[NAMESPACE_TYPES]; /* the others that are new, or -1 */
	struct place_identity identities[NAMESPACE_TYPES];
};

static void population_done(struct population *population) {
	fd_closep(&population->users);
	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		fd_closep(&population->namespaces[i]);
}

static int identify(const struct place *place, const char *process, const char *type,
		    struct place_identity *ret) {
	struct stat st;
	char path[64];

	(void)snprintf(path, sizeof path, "%.20s/ns/%s", process, type);
	if (fstatat(place->proc, path, &st, 0) < 0)
		return -errno;
	*ret = (struct place_identity){ st.st_dev, st.st_ino };
	return 0;
}

static bool is_same(const struct place_identity *a, const struct place_identity *b) {
	return a->device == b->device && a->number == b->number;
}

/* One that the service is in, too, has others in it. */
static int open_type(struct population *population, int leader, size_t type) {
	const char *word = namespace_types[type].word;
	struct place_identity ours = { 0 };
	struct stat st;
	int fd = subject_open_namespace(population->place, leader, word);

	if (fd < 0)
		return fd;
	if (identify(population->place, "self", word, &ours) < 0 || fstat(fd, &st) < 0) {
		(void)close(fd);
		return -EIO;
	}
	population->identities[type] = (struct place_identity){ st.st_dev, st.st_ino };
	if (is_same(&population->identities[type], &ours))
		(void)close(fd);
	else if (namespace_types[type].flag == CLONE_NEWUSER) {
		population->users = fd;
		population->ours = ours;
	} else
		population->namespaces[type] = fd;
	return 0;
}

/* Most are where the service is. */
static bool is_in_users(const struct population *population, const char *process) {
	struct place_identity identity = { 0 };
	_cleanup_close_ int fd = -1;
	char path[64];

	if (identify(population->place, process, "user", &identity) < 0 ||
	    is_same(&identity, &population->ours))
		return false;
	(void)snprintf(path, sizeof path, "%.20s/ns/user", process);
	fd = openat(population->place->proc, path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && place_is_within(fd, population->users);
}

static bool is_inside(const struct population *population, const char *process) {
	bool is_owners = false;

	if (population->users >= 0)
		return is_in_users(population, process);
	for (size_t i = 0; i < NAMESPACE_TYPES; i++) {
		struct place_identity identity = { 0 };

		if (population->namespaces[i] >= 0 &&
		    identify(population->place, process, namespace_types[i].word, &identity) == 0 &&
		    is_same(&identity, &population->identities[i]))
			return subject_is_users(population->place, atoi(process), population->owner,
						&is_owners) == 0 &&
			       is_owners;
	}
	return false;
}

/* One that nobody has waited for yet is still listed. */
static bool has_ended(int pidfd, const struct timespec *timeout) {
	struct pollfd ending = { .fd = pidfd, .events = POLLIN };

	return ppoll(&ending, 1, timeout, NULL) > 0;
}

/* Looked at again when its number is held. The pidfd of the last one is kept. */
static bool end_one(const struct population *population, const char *process, int *last) {
	_cleanup_close_ int pidfd = -1;

	if (!is_inside(population, process))
		return false;
	pidfd = (int)syscall(SYS_pidfd_open, atoi(process), 0);
	if (pidfd < 0 || has_ended(pidfd, &(struct timespec){ 0 }) ||
	    !is_inside(population, process) ||
	    syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0)
		return false;
	fd_closep(last);
	*last = fd_take(&pidfd);
	return true;
}

/* How many there were, or a negative errno. */
static int end_round(const struct population *population) {
	_cleanup_close_ int last = -1;
	_cleanup_close_ int fd =
		openat(population->place->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	int n = 0;

	if (!directory)
		return -errno;
	(void)fd_take(&fd);
	for (struct dirent *entry; (entry = readdir(directory));)
		if (*entry->d_name >= '1' && *entry->d_name <= '9')
			n += end_one(population, entry->d_name, &last);
	(void)closedir(directory);
	if (n > 0)
		(void)has_ended(last, &breath);
	return n;
}

int population_end(const struct place *place, int leader, uint32_t types, uid_t owner) {
	_cleanup_(population_done) struct population population = { .place = place,
								    .owner = owner,
								    .users = -1 };
	int r = 0;

	memset(population.namespaces, -1, sizeof population.namespaces);
	for (size_t i = 0; r == 0 && i < NAMESPACE_TYPES; i++)
		if (types & namespace_types[i].flag)
			r = open_type(&population, leader, i);
	if (r < 0)
		return r;
	while ((r = end_round(&population)) > 0)
		;
	return r;
}
