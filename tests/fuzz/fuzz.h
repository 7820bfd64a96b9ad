/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every target has. A property that does not hold ends the program, as a fault would. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(condition)           \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)
