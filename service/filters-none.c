/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For the program that compiles the filters: there are none yet. */

#include "filters.h"

const struct filter filters[1], filters_prospect;
