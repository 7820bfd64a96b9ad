/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The head of a D-Bus message, written by hand: no library would write some of what is tried. */
#pragma once

#include <stdint.h>
#include <string.h>

struct head {
	uint8_t bytes[1024];
	size_t n;
};

enum { HEAD_FIELDS = 16 }; /* where they begin; before them stands how long they are */

static inline void head_align(struct head *head, size_t to) {
	while (head->n % to)
		head->bytes[head->n++] = 0;
}

static inline void head_number(struct head *head, uint32_t number) {
	head_align(head, 4);
	memcpy(head->bytes + head->n, &number, sizeof number);
	head->n += sizeof number;
}

static inline void head_begin(struct head *head, uint8_t kind, size_t body) {
	const uint8_t start[] = { 'l', kind, 1 /* no reply */, 1 };

	memcpy(head->bytes, start, sizeof start);
	head->n = sizeof start;
	head_number(head, (uint32_t)body);
	head_number(head, 1);
	head_number(head, 0);
}

static inline void head_code(struct head *head, uint8_t code, char type) {
	const uint8_t start[] = { code, 1, (uint8_t)type, 0 };

	head_align(head, 8);
	memcpy(head->bytes + head->n, start, sizeof start);
	head->n += sizeof start;
}

static inline void head_number_field(struct head *head, uint8_t code, uint32_t value) {
	head_code(head, code, 'u');
	head_number(head, value);
}

static inline void head_field(struct head *head, uint8_t code, char type, const char *value) {
	size_t length = strlen(value);

	head_code(head, code, type);
	if (type == 'g')
		head->bytes[head->n++] = (uint8_t)length;
	else
		head_number(head, (uint32_t)length);
	memcpy(head->bytes + head->n, value, length + 1);
	head->n += length + 1;
}

static inline void head_end(struct head *head) {
	uint32_t fields = (uint32_t)(head->n - HEAD_FIELDS);

	memcpy(head->bytes + HEAD_FIELDS - sizeof fields, &fields, sizeof fields);
	head_align(head, 8);
}
