/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "overlay.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filesystem.h"

/* What a user may say without an administrator's yes. */
static const char *const safe[] = { "lowerdir", "upperdir", "workdir", "userxattr",
				    "xino",     "volatile", NULL };

static int add_layer(struct job *job, struct overlay *overlay, const char *key, const char *name,
		     const char *path) {
	struct overlay_layer *layer = &overlay->layers[overlay->n];
	int r;

	if (overlay->n == OVERLAY_LAYERS_MAX)
		return refusal_note(&job->refusal, REFUSED_LIMIT,
				    "mount_options: %s: more than %d layers", name,
				    OVERLAY_LAYERS_MAX);
	layer->key = key;
	layer->path = (struct path)PATH_NONE;
	overlay->n++;
	r = path_check(name, path, &job->refusal);
	if (r == 0)
		r = path_resolve(job, name, path, -1, &layer->path);
	if (r != 0)
		return r;
	if (!S_ISDIR(layer->path.st.st_mode))
		return refusal_note(&job->refusal, -ENOTDIR,
				    "mount_options: %s: '%s' is not a directory", name, path);
	if (!path_is_own_layer(job, &layer->path))
		job_require_admin(job, "a layer is not the caller's own");
	return 0;
}

/* lowerdir=/a:/b, where a backslash keeps a colon from parting. */
static int add_lower_layers(struct job *job, struct overlay *overlay, const char *list) {
	_cleanup_free_ char *path = strdup(list);
	size_t n = 0;

	if (!path)
		return -ENOMEM;
	for (const char *at = list;; at++) {
		if (*at == '\\' && at[1]) {
			path[n++] = *++at;
			continue;
		}
		if (*at && *at != ':') {
			path[n++] = *at;
			continue;
		}
		path[n] = '\0';
		n = 0;
		int r = add_layer(job, overlay, "lowerdir+", "lowerdir", path);
		if (r != 0 || !*at)
			return r;
	}
}

int overlay_resolve(struct job *job, const struct mount_options *options, struct overlay *overlay) {
	const char *lower = mount_options_value(options, "lowerdir"),
		   *upper = mount_options_value(options, "upperdir"),
		   *work = mount_options_value(options, "workdir");
	int r;

	if (!lower)
		return refusal_note(&job->refusal, REFUSED_INVALID,
				    "mount_options: overlay needs lowerdir=");
	if (!upper != !work)
		return refusal_note(
			&job->refusal, REFUSED_INVALID,
			"mount_options: overlay needs both upperdir= and workdir=, or neither");
	r = add_lower_layers(job, overlay, lower);
	if (r == 0 && overlay->n == 1 && !upper)
		r = refusal_note(
			&job->refusal, REFUSED_INVALID,
			"mount_options: without upperdir=, overlay needs two directories in "
			"lowerdir=");
	if (r == 0 && upper)
		r = add_layer(job, overlay, "upperdir", "upperdir", upper);
	if (r == 0 && upper)
		r = add_layer(job, overlay, "workdir", "workdir", work);
	if (r == 0 && !mount_options_only(options, safe))
		job_require_admin(job, "the options are not those of a plain overlay");
	return r;
}

bool overlay_is_layer(const char *parameter) {
	return strncmp(parameter, "lowerdir=", 9) == 0 || strncmp(parameter, "upperdir=", 9) == 0 ||
	       strncmp(parameter, "workdir=", 8) == 0;
}

static int set_name(struct job *job, int fs, const char *key, const char *name) {
	if (fsconfig(fs, FSCONFIG_SET_STRING, key, name, 0) < 0)
		return filesystem_failed(job, fs, -errno, key);
	return 0;
}

/* Before Linux 6.7 all lower layers are one string, of which the kernel takes 255 bytes. */
static int set_lower_names(struct job *job, const struct overlay *overlay, int fs) {
	char lower[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < overlay->n; i++) {
		if (*overlay->layers[i].key != 'l')
			continue;
		used += (size_t)snprintf(lower + used, sizeof lower - used, "%sself/fd/%d",
					 used ? ":" : "", overlay->layers[i].path.fd);
		if (used >= sizeof lower)
			return refusal_note(&job->refusal, REFUSED_LIMIT,
					    "lowerdir: more layers than this kernel takes");
	}
	return set_name(job, fs, "lowerdir", lower);
}

/* Before Linux 6.13 overlay takes names only: those of our own descriptors in our own /proc, which
 * the working directory stands for. */
static int set_layers_by_name(struct job *job, const struct overlay *overlay, int fs) {
	bool one_by_one = true;
	int r = fchdir(job->place.proc) < 0 ? -errno : 0;

	for (size_t i = 0; r == 0 && i < overlay->n; i++) {
		const struct overlay_layer *layer = &overlay->layers[i];
		char name[32];

		(void)snprintf(name, sizeof name, "self/fd/%d", layer->path.fd);
		if (*layer->key == 'l' && i == 0)
			one_by_one = fsconfig(fs, FSCONFIG_SET_STRING, layer->key, name, 0) == 0;
		else if (*layer->key != 'l' || one_by_one)
			r = set_name(job, fs, layer->key, name);
	}
	return r == 0 && !one_by_one ? set_lower_names(job, overlay, fs) : r;
}

int overlay_set_layers(struct job *job, const struct overlay *overlay, int fs) {
	for (size_t i = 0; i < overlay->n; i++) {
		const struct overlay_layer *layer = &overlay->layers[i];

		if (fsconfig(fs, FSCONFIG_SET_FD, layer->key, NULL, layer->path.fd) == 0)
			continue;
		if (i == 0 && (errno == EINVAL || errno == EBADF))
			return set_layers_by_name(job, overlay, fs);
		return filesystem_failed(job, fs, -errno, layer->path.real);
	}
	return 0;
}

/* The same directories, in this namespace's copies of the mounts. */
static int find_layers(struct job *job, struct overlay *overlay) {
	for (size_t i = 0; i < overlay->n; i++) {
		struct path *path = &overlay->layers[i].path;
		_cleanup_close_ int fd = path_open_real(path->real);
		struct stat st;

		if (fd < 0 || fstat(fd, &st) < 0 || st.st_dev != path->st.st_dev ||
		    st.st_ino != path->st.st_ino)
			return refusal_note(&job->refusal, REFUSED_RETRY, "'%s' changed meanwhile",
					    path->real);
		fd_closep(&path->fd);
		path->fd = fd_take(&fd);
	}
	return 0;
}

int overlay_enter(struct job *job, struct overlay *overlay) {
	if (setns(job->place.mounts.fd, CLONE_NEWNS) < 0 ||
	    setns(job->own_ids, CLONE_NEWUSER) < 0 || unshare(CLONE_NEWNS) < 0)
		return -errno;
	return find_layers(job, overlay);
}

void overlay_done(struct overlay *overlay) {
	while (overlay->n > 0)
		path_done(&overlay->layers[--overlay->n].path);
}
