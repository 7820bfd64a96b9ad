/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The layer of an overlay that is written to: what happens in the overlay happens there, under the
 * same paths. Which one it is the kernel says itself, by the overlay's handle, which has that of
 * the upper directory in it. The word `upperdir` in the mount's options says only what was written
 * in a namespace of then.
 */
#pragma once

/* The upper directory of the mount that a directory of an overlay is seen through, found among the
 * mounts of our own namespace, as a mount of its own; proc is a descriptor of a /proc that knows
 * us. -ENOENT if it cannot be had for certain: it is on no file system that is known to behave, or
 * not mounted here, or the mount does not begin in it. */
int upper_open(int proc, int directory);

/* The same of an overlay of whose handles it cannot be had: a directory that is on a file system
 * which is known to behave, if that is like what the mount begins in. */
int upper_clone(int layer, int directory);

/* The directory in the upper layer that one of the overlay is written to, as a place alone;
 * -ENOENT if there is none yet. */
int upper_counterpart(int proc, int upper, int directory);
