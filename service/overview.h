/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What sd-bus answers by walking over all objects, as soon as it reads the question: with a
 * thousand of them a tenth of a second, in which nobody else is heard. So who asks all the time is
 * told to ask again later, and nothing is looked for where nobody wants to know.
 */
#pragma once

#include "call.h"

/* Stands before what sd-bus does with any message. 0 or a negative errno. */
int overview_guard(struct desk *desk, sd_bus_slot **ret);
