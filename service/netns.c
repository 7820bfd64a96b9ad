/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "fd.h"
#include "job.h"
#include "message.h"
#include "ownership.h"
#include "path.h"
#include "subject.h"

#define DIRECTORY "/run/netns"

static const char *name_of(const ProtobufCMessage *request) {
	return message_string(request, "in_as_name");
}

int netns_check(const ProtobufCMessage *request, struct refusal *refusal) {
	const char *name = name_of(request);

	if (!name || (*name && strlen(name) <= NAME_MAX && !strchr(name, '/') &&
		      strcmp(name, ".") != 0 && strcmp(name, "..") != 0))
		return 0;
	return refusal_note(refusal, REFUSED_INVALID, "in: '%.64s' is no name below " DIRECTORY,
			    name);
}

/* The kernel is asked only about what is its own: a file of somebody's may have calls of the same
 * numbers. */
bool netns_is_one(int fd) {
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == NSFS_MAGIC &&
	       ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET;
}

static bool is_elsewhere(const struct job *job) {
	return job->in >= 0 || job->network >= 0 || name_of(job->request);
}

int netns_prepare(struct job *job, struct netns *netns) {
	if (!is_elsewhere(job))
		return 0;
	netns->callers = place_open_callers_network(&job->place, job->caller);
	return netns->callers < 0 ? netns->callers : 0;
}

int netns_begin(struct job *job, const char *libexec) {
	struct netns *netns = malloc(sizeof *netns);

	job->state = netns;
	if (!netns)
		return -ENOMEM;
	*netns = (struct netns)NETNS_NONE;
	return netns_prepare(job, netns);
}

/* ---- where it is ---- */

static int no_namespace(struct job *job, int r) {
	return refusal_note(&job->refusal, r == -EINVAL ? REFUSED_INVALID : r,
			    "in: '" DIRECTORY "/%.200s': %s", name_of(job->request),
			    r == -EINVAL ? "no namespace of the network" : strerrordesc_np(-r));
}

/* What is not a namespace is not opened: whoever opens a FIFO waits. */
static int open_named(struct job *job, const struct path *directory, const char *name) {
	_cleanup_(path_done) struct path path = PATH_NONE;
	_cleanup_close_ int fd = -1;
	struct statfs fs;

	path.fd = path_open_below(directory->fd, name, O_NOFOLLOW);
	if (path.fd < 0)
		return path.fd;
	if (fstatfs(path.fd, &fs) < 0 || fs.f_type != NSFS_MAGIC)
		return -EINVAL;
	fd = path_open(job, &path, O_RDONLY);
	if (fd >= 0 && !netns_is_one(fd))
		return -EINVAL;
	return fd_take(&fd);
}

static int find_named(struct job *job, struct netns *netns) {
	_cleanup_(path_done) struct path directory = PATH_NONE;
	_cleanup_free_ char *path = NULL;
	int r = asprintf(&path, DIRECTORY "/%s", name_of(job->request));

	if (r < 0)
		return -ENOMEM;
	r = path_resolve_parent(job, "in", path, &directory, &netns->name);
	if (r != 0)
		return r;
	netns->fd = open_named(job, &directory, netns->name);
	if (netns->fd < 0)
		return no_namespace(job, netns->fd);
	netns->holder = fd_take(&directory.fd);
	return job_detail(job, "network", path);
}

static int find_by_process(struct job *job, struct netns *netns) {
	char name[SUBJECT_NAME_MAX];

	subject_name(&job->place, job->place.pid, name);
	netns->fd = fcntl(job->place.net.fd, F_DUPFD_CLOEXEC, 3);
	netns->holder = fcntl(job->in >= 0 ? job->in : job->caller, F_DUPFD_CLOEXEC, 3);
	if (netns->fd < 0 || netns->holder < 0)
		return -errno;
	return job_detail(job, "network", job->place.net.host ? "host" : name);
}

static int find_by_descriptor(struct job *job, struct netns *netns) {
	char text[64];
	struct stat st;

	netns->fd = fcntl(job->network, F_DUPFD_CLOEXEC, 3);
	if (netns->fd < 0 || fstat(netns->fd, &st) < 0)
		return -errno;
	(void)snprintf(text, sizeof text, "net:[%llu]", (unsigned long long)st.st_ino);
	return job_detail(job, "network", text);
}

/* ---- what the caller is there ---- */

int netns_resolve(struct job *job, struct netns *netns) {
	int r = name_of(job->request) ? find_named(job, netns)
		: job->network >= 0   ? find_by_descriptor(job, netns)
				      : find_by_process(job, netns);

	if (r != 0)
		return r;
	netns->home = !is_elsewhere(job) || fd_same_file(netns->fd, netns->callers);
	netns->own = place_owns(&job->place, netns->fd);
	return 0;
}

bool netns_judge(struct job *job, const struct netns *netns) {
	if (netns->own || netns->home)
		return true;
	job_require_admin(job,
			  "in: the network is neither the caller's own nor the one that it is in");
	return false;
}

/* Joining what one is in already takes a right that one may not have. */
int netns_join(const struct job *job, const struct netns *netns) {
	const struct place_identity *ours = &job->place.our_net;
	_cleanup_close_ int users = netns->own ? ioctl(netns->fd, NS_GET_USERNS) : -1;
	struct stat st;

	if ((netns->own && users < 0) || fstat(netns->fd, &st) < 0)
		return -errno;
	if (users >= 0 && !place_is_our_users(&job->place, users) &&
	    setns(users, CLONE_NEWUSER) < 0)
		return -errno;
	if (st.st_dev == ours->device && st.st_ino == ours->number)
		return 0;
	return setns(netns->fd, CLONE_NEWNET) < 0 ? -errno : 0;
}

void netns_done(struct netns *netns) {
	fd_closep(&netns->fd);
	fd_closep(&netns->holder);
	fd_closep(&netns->callers);
	free(netns->name);
	netns->name = NULL;
}
