/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process that is to be the caller's, from its fork to its program. */
#pragma once

#include "birth.h"

/* Both are its own copies. */
_Noreturn void born_live(struct job *job, struct birth *birth);
