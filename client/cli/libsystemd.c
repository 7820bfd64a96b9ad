/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libsystemd, when it is asked for. */

#include "libsystemd.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

struct libsystemd libsystemd;

static const struct {
	const char *name;
	size_t place;
} functions[] = {

#define LIBSYSTEMD_PLACE(name) { #name, offsetof(struct libsystemd, name) },
	LIBSYSTEMD_FUNCTIONS(LIBSYSTEMD_PLACE)
};

const char *libsystemd_load(void) {
	void *library = dlopen("libsystemd.so.0", RTLD_LAZY);

	if (!library)
		return dlerror();
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
		void *function = dlsym(library, functions[i].name);

		if (!function)
			return dlerror();
		memcpy((char *)&libsystemd + functions[i].place, &function, sizeof function);
	}
	return NULL;
}
