/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "narrow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

/* ---- what is wanted ---- */

static bool is_key(const struct netlink_type *type, const char *name) {
	for (size_t i = 0; type->keys && type->keys[i]; i++)
		if (strcmp(type->keys[i], name) == 0)
			return true;
	return false;
}

static uint8_t width_of(const struct netlink_field *field) {
	if (field->width)
		return field->width;
	switch (field->form) {
	case USHER_NETLINK_U8: return 1;
	case USHER_NETLINK_U16: return 2;
	case USHER_NETLINK_U32:
	case USHER_NETLINK_S32: return 4;
	default: return 0;
	}
}

static void add_test(struct narrow_wish *wish, uint16_t offset, uint8_t width,
		     const struct selection_value *values, size_t n) {
	struct narrow_test *test = &wish->tests[wish->n];

	if (n == 0 || n > NARROW_VALUES_MAX || wish->n == NARROW_TESTS_MAX)
		return;
	*test = (struct narrow_test){ .offset = offset, .width = width, .n = (uint8_t)n };
	for (size_t i = 0; i < n; i++)
		test->values[i] = (uint32_t)values[i].number;
	wish->n++;
}

/* The number of a table is in an attribute, but that of most is in the fixed part as well; of the
 * others there is a number there that no table has. */
static void add_table(struct narrow_wish *wish, const struct selection_value *values, size_t n) {
	struct narrow_test *test;
	size_t before = wish->n;

	add_test(wish, offsetof(struct rtmsg, rtm_table), 1, values, n);
	if (wish->n == before)
		return;
	test = &wish->tests[before];
	for (size_t i = 0; i < n; i++)
		if (test->values[i] > UINT8_MAX)
			test->values[i] = RT_TABLE_COMPAT;
}

void narrow_find(const struct selection *selection, const struct netlink_type *type,
		 struct narrow_wish *ret) {
	*ret = (struct narrow_wish){ .type = type };
	for (const struct netlink_field *field = type->schema.fields; field->name; field++) {
		size_t n = 0;
		const struct selection_value *values;
		uint8_t width = width_of(field);

		if (!is_key(type, field->name))
			continue;
		values = selection_filter(selection, type, field->name, &n);
		if (!values)
			continue;
		if (type->new == RTM_NEWROUTE && strcmp(field->name, "table") == 0)
			add_table(ret, values, n);
		else if (field->from == NETLINK_FROM_HEADER && !field->network_order &&
			 (width == 1 || width == 2 || width == 4))
			add_test(ret, field->at, width, values, n);
	}
}

/* ---- the program ---- */

struct writing {
	struct sock_filter *program;
	size_t n;
	bool full;
};

static void put(struct writing *writing, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k) {
	if (writing->n == NARROW_PROGRAM_MAX)
		writing->full = true;
	else
		writing->program[writing->n++] = (struct sock_filter){ code, jt, jf, k };
}

/* A jump to where nothing has been written yet. */
static size_t put_jump(struct writing *writing) {
	put(writing, BPF_JMP | BPF_JA, 0, 0, 0);
	return writing->n - 1;
}

static void land(const struct writing *writing, size_t jump) {
	writing->program[jump].k = (uint32_t)(writing->n - jump - 1);
}

/* Numbers are loaded as if they were in the order of the network. */
static void put_load(struct writing *writing, uint32_t offset, uint8_t width) {
	uint16_t size = width == 1 ? BPF_B : width == 2 ? BPF_H : BPF_W;

	put(writing, BPF_LD | BPF_ABS | size, 0, 0, offset);
}

static uint32_t as_loaded(uint32_t value, uint8_t width) {
	return width == 1 ? value : width == 2 ? htons((uint16_t)value) : htonl(value);
}

/* Goes on behind it if the test is passed. Where it is not, there is a jump to be landed. */
static size_t put_test(struct writing *writing, const struct narrow_test *test) {
	put_load(writing, (uint32_t)sizeof(struct nlmsghdr) + test->offset, test->width);
	for (uint8_t i = 0; i < test->n; i++)
		put(writing, BPF_JMP | BPF_JEQ | BPF_K, (uint8_t)(test->n - i), 0,
		    as_loaded(test->values[i], test->width));
	return put_jump(writing);
}

static void put_wish(struct writing *writing, const struct narrow_wish *wish) {
	size_t jumps[NARROW_TESTS_MAX];

	for (size_t i = 0; i < wish->n; i++)
		jumps[i] = put_test(writing, &wish->tests[i]);
	put(writing, BPF_RET | BPF_K, 0, 0, UINT32_MAX);
	for (size_t i = 0; i < wish->n; i++)
		land(writing, jumps[i]);
}

static bool is_first_of_its_messages(const struct narrow_wish *wishes, size_t i) {
	for (size_t j = 0; j < i; j++)
		if (wishes[j].type->new == wishes[i].type->new)
			return false;
	return true;
}

/* All who want such messages; what nobody wants ends here. */
static void put_messages(struct writing *writing, const struct narrow_wish *wishes, size_t n,
			 size_t first) {
	const struct netlink_type *type = wishes[first].type;
	size_t others;

	put_load(writing, offsetof(struct nlmsghdr, nlmsg_type), 2);
	put(writing, BPF_JMP | BPF_JEQ | BPF_K, 2, 0, htons(type->new));
	put(writing, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, htons(type->del));
	others = put_jump(writing);
	for (size_t i = first; i < n; i++)
		if (wishes[i].type->new == type->new)
			put_wish(writing, &wishes[i]);
	put(writing, BPF_RET | BPF_K, 0, 0, 0);
	land(writing, others);
}

/* Where somebody wants all there is of every type, the filter would let through everything. */
static bool is_of_use(const struct narrow_wish *wishes, size_t n) {
	for (size_t i = 0; i < n; i++) {
		bool all = false;

		for (size_t j = 0; j < n; j++)
			all = all ||
			      (wishes[j].type->new == wishes[i].type->new &&wishes[j].n == 0);
		if (!all)
			return true;
	}
	return false;
}

size_t narrow_compile(const struct narrow_wish *wishes, size_t n,
		      struct sock_filter program[NARROW_PROGRAM_MAX]) {
	struct writing writing = { .program = program };

	if (!is_of_use(wishes, n))
		return 0;
	for (size_t i = 0; i < n && !writing.full; i++)
		if (is_first_of_its_messages(wishes, i))
			put_messages(&writing, wishes, n, i);
	put(&writing, BPF_RET | BPF_K, 0, 0, 0);
	return writing.full ? 0 : writing.n;
}

int narrow_apply(int socket, const struct narrow_wish *wishes, size_t n) {
	static struct sock_filter program[NARROW_PROGRAM_MAX];
	struct sock_fprog filter = { .filter = program };
	const int none = 0;

	filter.len = (unsigned short)narrow_compile(wishes, n, program);
	if (filter.len > 0)
		return setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) < 0
			       ? -errno
			       : 0;
	if (setsockopt(socket, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof none) < 0 &&
	    errno != ENOENT)
		return -errno;
	return 0;
}
