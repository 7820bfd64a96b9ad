/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The negative errno for the name of an error on the bus; fallback where there is no name. */
int error_to_errno(const char *name, int fallback);
