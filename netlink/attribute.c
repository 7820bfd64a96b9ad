/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "attribute.h"

bool netlink_attribute(const uint8_t *value, size_t size, size_t fixed, unsigned number,
		       const uint8_t **ret_value, size_t *ret_size) {
	const uint8_t *found;
	unsigned found_number;
	size_t found_size;
	bool is_there = false;

	if (attribute_align(fixed) >= size)
		return false;
	value += attribute_align(fixed);
	size -= attribute_align(fixed);
	while (attribute_next(&value, &size, &found, &found_size, &found_number) > 0) {
		if (found_number != number)
			continue;
		*ret_value = found;
		*ret_size = found_size;
		is_there = true;
	}
	return is_there;
}
