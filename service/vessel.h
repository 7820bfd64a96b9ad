/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A mount namespace with next to nothing in it, so that a copy of it costs next to nothing: mounts
 * are sealed in such copies. */
#pragma once

/* Mount points that are in it, by names that are in every other namespace of ours as well. */
#define VESSEL_DIRECTORY "/proc"
#define VESSEL_FILE      "/proc/version"

/* Makes one and opens it with this number. 0 or a negative errno: then the service's own namespace
 * has to do. */
int vessel_open(int number);
