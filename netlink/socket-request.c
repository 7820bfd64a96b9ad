/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What sock_diag(7) is asked. Each family of sockets has a request of its own; of the internet's
 * the kernel judges addresses, ports, interfaces and marks by a small program that comes with it.
 */
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/netlink_diag.h>
#include <linux/packet_diag.h>
#include <linux/unix_diag.h>
#include <linux/vm_sockets_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "encode.h"
#include "names.h"
#include "selection.h"
#include "socket.h"

/* ---- which passes ---- */

static bool allows(const struct selection *selection, const struct netlink_type *type,
		   const char *field, uint64_t number) {
	size_t n;
	const struct selection_value *values = selection_filter(selection, type, field, &n);

	if (!values)
		return true;
	selection_set_by_kernel(selection, type, field);
	for (size_t i = 0; i < n; i++)
		if (values[i].number == number)
			return true;
	return false;
}

/* What a socket does not have it is not found by. */
static bool has(const struct netlink_type *type, enum socket_part part, const char *key) {
	size_t length = strcspn(key, ".");

	for (const struct netlink_field *field = type->schema.fields; field->name; field++)
		if (strncmp(field->name, key, length) == 0 && field->name[length] == '\0' &&
		    (field->parts == 0 || field->parts & 1U << part))
			return true;
	return false;
}

static bool is_wanted(const struct selection *selection, const struct netlink_type *type,
		      const struct socket_pass *pass) {
	const char *key;

	for (size_t i = 0; (key = selection_key(selection, i)); i++)
		if (!has(type, pass->part, key))
			return false;
	return allows(selection, type, "family", pass->family) &&
	       /* Of raw sockets the message says it. */
	       (pass->part == SOCKET_RAW || pass->protocol == 0 ||
		allows(selection, type, "protocol", pass->protocol)) &&
	       (pass->type == 0 || allows(selection, type, "type", pass->type));
}

static uint32_t states(const struct selection *selection, const struct netlink_type *type) {
	enum { SYN_RECV = 3, CLOSE = 7, NEW_SYN_RECV = 12, BOUND_INACTIVE = 13 };

	size_t n;
	const struct selection_value *values = selection_filter(selection, type, "state", &n);
	uint32_t bits = 0;

	if (!values)
		return UINT32_MAX;
	selection_set_by_kernel(selection, type, "state");
	for (size_t i = 0; i < n; i++)
		if (values[i].number < 32)
			bits |= 1U << values[i].number;
	/* Asked for by another name than they are told by. */
	if (bits & 1U << SYN_RECV)
		bits |= 1U << NEW_SYN_RECV;
	if (bits & 1U << CLOSE)
		bits |= 1U << BOUND_INACTIVE;
	return bits;
}

/* ---- the program ---- */

/*
 * One condition behind the other. One that holds leads to the next, one that does not beyond the
 * end, which is how the kernel is told that it is none of these.
 */
struct program {
	uint8_t code[256];
	size_t size;
	const struct selection *selection;
	const struct netlink_type *type;
};

/* One of the filter's, which is the kernel's from now on; NULL: there is none. */
static const struct selection_value *take(const struct program *program, const char *field) {
	const struct selection_value *value =
		selection_value(program->selection, program->type, field);

	if (value)
		selection_set_by_kernel(program->selection, program->type, field);
	return value;
}

static void add(struct program *program, uint8_t code, const void *argument, size_t size) {
	struct inet_diag_bc_op op = { .code = code, .yes = (uint8_t)(sizeof(op) + size) };

	if (program->size + op.yes > sizeof(program->code))
		return;
	memcpy(program->code + program->size, &op, sizeof(op));
	memcpy(program->code + program->size + sizeof(op), argument, size);
	program->size += op.yes;
}

static void add_port(struct program *program, uint8_t code, const char *field) {
	const struct selection_value *value = take(program, field);

	/* The argument of a comparison stands where another operation would have its jump. */
	if (value)
		add(program, code, &(struct inet_diag_bc_op){ .no = (unsigned short)value->number },
		    sizeof(struct inet_diag_bc_op));
}

static void add_address(struct program *program, uint8_t code, const char *field) {
	const struct selection_value *value = take(program, field);
	uint8_t argument[sizeof(struct inet_diag_hostcond) + 16];
	struct inet_diag_hostcond condition = { .port = -1 };
	size_t size;

	if (!value)
		return;
	condition.family = value->address.family;
	condition.prefix_len = value->address.length;
	size = condition.family == AF_INET ? 4 : 16;
	memcpy(argument, &condition, sizeof(condition));
	memcpy(argument + sizeof(condition), value->address.bytes, size);
	add(program, code, argument, sizeof(condition) + size);
}

static void add_number(struct program *program, uint8_t code, const char *field, size_t size) {
	const struct selection_value *value = take(program, field);
	struct inet_diag_markcond mark;

	if (!value)
		return;
	mark = (struct inet_diag_markcond){ .mark = (uint32_t)value->number, .mask = UINT32_MAX };
	if (code == INET_DIAG_BC_MARK_COND)
		add(program, code, &mark, sizeof(mark));
	else if (size == sizeof(uint32_t))
		add(program, code, &(uint32_t){ (uint32_t)value->number }, size);
	else
		add(program, code, &(uint64_t){ value->number }, size);
}

/* The name of an interface that there is not, nothing is bound to; but then names are ours to
 * judge. */
static void add_interface_name(struct program *program, struct names *names) {
	const struct selection_value *value =
		names ? selection_value(program->selection, program->type, "dev") : NULL;
	uint32_t index = value ? names_index(names, (const char *)value->bytes) : 0;

	if (index == 0)
		return;
	selection_set_by_kernel(program->selection, program->type, "dev");
	add(program, INET_DIAG_BC_DEV_COND, &index, sizeof(index));
}

static void finish(struct program *program) {
	struct inet_diag_bc_op op;

	for (size_t at = 0; at < program->size; at += op.yes) {
		memcpy(&op, program->code + at, sizeof(op));
		op.no = (unsigned short)(program->size - at + sizeof(op));
		memcpy(program->code + at, &op, sizeof(op));
	}
}

static void put_program(struct encoding *encoding, const struct netlink_type *type,
			const struct selection *selection) {
	struct program program = { .selection = selection, .type = type };

	add_port(&program, INET_DIAG_BC_S_EQ, "sport");
	add_port(&program, INET_DIAG_BC_D_EQ, "dport");
	add_number(&program, INET_DIAG_BC_DEV_COND, "ifindex", sizeof(uint32_t));
	add_interface_name(&program, encoding->names);
	add_address(&program, INET_DIAG_BC_S_COND, "src");
	add_address(&program, INET_DIAG_BC_D_COND, "dst");
	add_number(&program, INET_DIAG_BC_MARK_COND, "mark", sizeof(uint32_t));
	add_number(&program, INET_DIAG_BC_CGROUP_COND, "cgroup-id", sizeof(uint64_t));
	finish(&program);
	if (program.size)
		encode_put(encoding, INET_DIAG_REQ_BYTECODE, program.code, program.size);
}

/* ---- the requests ---- */

/* Anew: each family has a fixed part of its own. */
static void *begin(struct encoding *encoding, const struct netlink_type *type, size_t size) {
	encode_start(encoding, encoding->bytes, encoding->capacity, type->get,
		     NLM_F_REQUEST | NLM_F_DUMP, size);
	return encode_header(encoding);
}

static void put_inet(struct encoding *encoding, const struct netlink_type *type,
		     const struct selection *selection, const struct socket_pass *pass) {
	struct inet_diag_req_v2 *request = begin(encoding, type, sizeof(*request));

	if (!request)
		return;
	request->sdiag_family = pass->family;
	request->sdiag_protocol = (uint8_t)pass->protocol;
	request->idiag_ext = (uint8_t)selection_ask(selection, type);
	request->idiag_states = states(selection, type);
	put_program(encoding, type, selection);
	if (pass->protocol > UINT8_MAX)
		encode_put_u32(encoding, INET_DIAG_REQ_PROTOCOL, pass->protocol);
}

static void put_unix(struct encoding *encoding, const struct netlink_type *type,
		     const struct selection *selection) {
	struct unix_diag_req *request = begin(encoding, type, sizeof(*request));

	if (!request)
		return;
	request->sdiag_family = AF_UNIX;
	request->udiag_states = states(selection, type);
	request->udiag_show = selection_ask(selection, type) >> SOCKET_ASK_UNIX_SHIFT & UINT8_MAX;
}

static void put_packet(struct encoding *encoding, const struct netlink_type *type,
		       const struct selection *selection) {
	struct packet_diag_req *request = begin(encoding, type, sizeof(*request));

	if (!request)
		return;
	request->sdiag_family = AF_PACKET;
	request->pdiag_show = selection_ask(selection, type) >> SOCKET_ASK_PACKET_SHIFT & UINT8_MAX;
}

static void put_netlink(struct encoding *encoding, const struct netlink_type *type,
			const struct selection *selection) {
	struct netlink_diag_req *request = begin(encoding, type, sizeof(*request));
	const struct selection_value *value = selection_value(selection, type, "netlink-protocol");

	if (!request)
		return;
	request->sdiag_family = AF_NETLINK;
	request->sdiag_protocol = NDIAG_PROTO_ALL;
	request->ndiag_show =
		selection_ask(selection, type) >> SOCKET_ASK_NETLINK_SHIFT & UINT8_MAX;
	if (value && value->number < NDIAG_PROTO_ALL) {
		request->sdiag_protocol = (uint8_t)value->number;
		selection_set_by_kernel(selection, type, "netlink-protocol");
	}
}

static void put_vsock(struct encoding *encoding, const struct netlink_type *type,
		      const struct selection *selection) {
	struct vsock_diag_req *request = begin(encoding, type, sizeof(*request));

	if (!request)
		return;
	request->sdiag_family = AF_VSOCK;
	request->vdiag_states = states(selection, type);
}

int socket_request(struct encoding *encoding, const struct netlink_type *type,
		   const struct selection *selection, struct netlink_pass *pass) {
	const struct socket_pass *asked;

	while (pass->number < socket_passes_n &&
	       !is_wanted(selection, type, &socket_passes[pass->number]))
		pass->number++;
	if (pass->number >= socket_passes_n)
		return 1;
	asked = &socket_passes[pass->number];
	pass->part = (uint8_t)asked->part;
	/* Families and protocols are modules, which not every kernel has. */
	pass->optional = true;
	if (asked->part == SOCKET_UNIX)
		put_unix(encoding, type, selection);
	else if (asked->part == SOCKET_PACKET)
		put_packet(encoding, type, selection);
	else if (asked->part == SOCKET_NETLINK)
		put_netlink(encoding, type, selection);
	else if (asked->part == SOCKET_VSOCK)
		put_vsock(encoding, type, selection);
	else
		put_inet(encoding, type, selection, asked);
	return 0;
}
