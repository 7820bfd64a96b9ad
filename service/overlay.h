/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The layers of an overlay, and the rights that it gets. */
#pragma once

#include <stdbool.h>

#include "job.h"
#include "mount-options.h"
#include "path.h"

enum { OVERLAY_LAYERS_MAX = 128 };

struct overlay_layer {
	const char *key; /* "lowerdir+", "upperdir", "workdir" */
	struct path path;
};

struct overlay {
	struct overlay_layer layers[OVERLAY_LAYERS_MAX];
	size_t n;
};

/* Finds the layers as the caller, and requires the administrator unless all of them are its own. */
int overlay_resolve(struct job *job, const struct mount_options *options, struct overlay *overlay);
/* Whether a parameter is a layer, which overlay_set_layers() sets. */
bool overlay_is_layer(const char *parameter);
int overlay_set_layers(struct job *job, const struct overlay *overlay, int fs);
/* In a child of the job's: joins namespaces whose root has rights to nothing but what is the
 * caller's, and finds the layers again in their copies of the mounts.
 *
 * An overlay reads and writes its layers with the rights of who makes it, whoever uses it, and
 * needs root's: its work directory is closed to anybody else. With root's rights to everything it
 * would show its user what lies behind directories that are closed to that user, since a merged
 * directory has the upper one's mode. */
int overlay_enter(struct job *job, struct overlay *overlay);
void overlay_done(struct overlay *overlay);
