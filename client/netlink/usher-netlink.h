/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libusher-netlink: netlink for programs that speak to the kernel themselves. It needs no service,
 * and gives what one must not forget: a dump that was cut short, interrupted or refused is never an
 * answer.
 *
 * What is wanted of a message is written down once, as tables whose index is the number of an
 * attribute. All others are passed over without a look, and a nest is entered only where a table
 * says so:
 *
 *	struct link {
 *		int index;
 *		char name[IFNAMSIZ];
 *		char kind[32];
 *		uint32_t mtu;
 *		bool has_mtu;
 *	};
 *
 *	static const struct usher_attribute info[] = {
 *		[IFLA_INFO_KIND] = USHER_TEXT(struct link, kind),
 *	};
 *	static const struct usher_level info_level = USHER_LEVEL(info);
 *
 *	static const struct usher_attribute link[] = {
 *		[IFLA_IFNAME] = USHER_TEXT(struct link, name),
 *		[IFLA_MTU] = USHER_MEMBER_IF(USHER_U32, struct link, mtu, has_mtu),
 *		[IFLA_LINKINFO] = USHER_NEST(&info_level),
 *	};
 *
 * The same tables read messages (struct usher_reading) and write them (usher_request_add_level()).
 *
 * Functions return 0, or what they are said to return, on success and a negative errno on failure:
 * the kernel's as it is, and -EBADMSG for a message that is malformed. Nothing is stored through a
 * ret_ argument then. Objects are for one thread at a time. What ends something takes NULL, and
 * returns it.
 */
#ifndef USHER_NETLINK_H
#define USHER_NETLINK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ======== attributes ======== */

/* What an attribute holds, and what its member is. */
enum usher_form {
	USHER_PASS_OVER = 0,
	USHER_U8 = 1, /* uint8_t; and so on: the member is as wide as the attribute has to be */
	USHER_U16 = 2,
	USHER_U32 = 3,
	USHER_U64 = 4,
	USHER_S8 = 5, /* int8_t */
	USHER_S16 = 6,
	USHER_S32 = 7,
	USHER_S64 = 8,
	USHER_BE16 = 9, /* uint16_t, in the machine's order; in the network's on the wire */
	USHER_BE32 = 10,
	USHER_BE64 = 11,
	USHER_SBE16 = 12, /* int16_t, likewise */
	USHER_SBE32 = 13,
	USHER_SBE64 = 14,
	USHER_PRESENT = 15,    /* bool: that it is there, whatever it holds */
	USHER_CHARACTERS = 16, /* char[]: a string with its 0; longer than the member is -EBADMSG */
	USHER_ADDRESS = 17,    /* struct usher_octets; any address of up to 32 bytes */
	USHER_WINDOW = 18,     /* struct usher_view: any bytes, where they lie */
	USHER_NESTED = 19,     /* the attributes inside, by a level of their own */
	USHER_CALLBACK = 20,
};

/* An address of a network or of hardware: 4 or 16 bytes of IP, mostly 6 of hardware, or none. */
struct usher_octets {
	uint8_t length;
	uint8_t bytes[32];
};

/* Lives until the callback returns in whose message it is. */
struct usher_view {
	const void *bytes;
	size_t length;
};

struct usher_level;
struct usher_request;

/* Of callbacks: go on, which is also 0; leave this message out; end here, with success. */
enum {
	USHER_GO_ON = 0,
	USHER_DROP = 1,
	USHER_STOP = 2,
};

/* One attribute that is wanted. Made by the macros below. */
struct usher_attribute {
	enum usher_form form;
	uint32_t size; /* of the member */
	size_t at;     /* where it is in the structure */
	size_t has; /* where the bool is that says whether it is there; SIZE_MAX: there is none */
	/* The level of a nest; or which one it is, by what has been read so far (NULL: none). */
	const struct usher_level *nested;
	const struct usher_level *(*choose)(const void *into);
	/* 0, USHER_DROP, USHER_STOP or a negative errno. */
	int (*call)(void *into, const struct nlattr *attribute);
	/* When a message is written: puts it there, with a function below, or does not. May be
	 * NULL. */
	void (*put)(struct usher_request *request, uint16_t number, const void *from);
};

#define USHER_SIZEOF(type, member) sizeof(((type *)0)->member)
#define USHER_ATTRIBUTE(form, size, at, has, nested, choose, call, put) \
	{ form, size, at, has, nested, choose, call, put }

/* A member that is written always (but an address of no bytes, a view of NULL and what is not
 * present are not); one that is written if the other member is true, which it is
 * after reading if the attribute was there. */
#define USHER_MEMBER(form, type, member)                                                          \
	USHER_ATTRIBUTE(form, USHER_SIZEOF(type, member), offsetof(type, member), SIZE_MAX, NULL, \
			NULL, NULL, NULL)
#define USHER_MEMBER_IF(form, type, member, has_member)                           \
	USHER_ATTRIBUTE(form, USHER_SIZEOF(type, member), offsetof(type, member), \
			offsetof(type, has_member), NULL, NULL, NULL, NULL)
/* A string, which is written unless it is empty. */
#define USHER_TEXT(type, member) USHER_MEMBER(USHER_CHARACTERS, type, member)
/* A nest, which is written if anything in it is; one whose level a function chooses. */
#define USHER_NEST(level)   USHER_ATTRIBUTE(USHER_NESTED, 0, 0, SIZE_MAX, level, NULL, NULL, NULL)
#define USHER_UNION(choose) USHER_ATTRIBUTE(USHER_NESTED, 0, 0, SIZE_MAX, NULL, choose, NULL, NULL)
/* Functions for reading and writing; either may be NULL. */
#define USHER_CALL(call, put) USHER_ATTRIBUTE(USHER_CALLBACK, 0, 0, SIZE_MAX, NULL, NULL, call, put)

/* The attributes of one nesting level: an array whose index is their number. */
struct usher_level {
	const struct usher_attribute *attributes;
	size_t n;
};

#define USHER_LEVEL(array) \
	{ (array), sizeof(array) / sizeof((array)[0]) }

/*
 * Reads attributes that lie one behind the other, such as the inside of a nest. 0, what a callback
 * returned, or -EBADMSG: one has no room for its own head, or goes beyond the end, or a number has
 * another width. Of attributes that stand twice the last one counts; callbacks are told of each.
 */
int usher_level_read(const struct usher_level *level, const void *attributes, size_t size,
		     void *into);

/* What is in an attribute, for callbacks. -EBADMSG: it has another length. */
const void *usher_attribute_bytes(const struct nlattr *attribute, size_t *ret_length);
uint16_t usher_attribute_number(const struct nlattr *attribute);
int usher_attribute_unsigned(const struct nlattr *attribute, size_t width, uint64_t *ret);
int usher_attribute_signed(const struct nlattr *attribute, size_t width, int64_t *ret);
int usher_attribute_big_endian(const struct nlattr *attribute, size_t width, uint64_t *ret);
/* Bytes up to the first 0 or the end. */
const char *usher_attribute_text(const struct nlattr *attribute, size_t *ret_length);
int usher_attribute_address(const struct nlattr *attribute, struct usher_octets *ret);

/* As text: "192.0.2.1" and "2001:db8::1" of 4 and 16 bytes; "02:00:5e:10:00:01" of any number, ""
 * of none. The text goes to free(3); -EINVAL: no IP address has so many bytes, or a text is none.
 */
int usher_address_to_string(const struct usher_octets *address, char **ret);
int usher_address_from_string(const char *text, struct usher_octets *ret);
int usher_hardware_to_string(const struct usher_octets *address, char **ret);
int usher_hardware_from_string(const char *text, struct usher_octets *ret);

/* ======== messages to the kernel ======== */

/*
 * A request in the making: it grows as it has to. The first failure sticks, and sending returns it:
 * -ENOMEM, -EMSGSIZE (an attribute has 65531 bytes at most), -EINVAL (a nest is not closed).
 */
int usher_request_new(uint16_t type, uint16_t flags, struct usher_request **ret);
struct usher_request *usher_request_free(struct usher_request *request);
/* The message's fixed part, before all attributes: struct ifinfomsg, struct rtmsg... */
void usher_request_add_header(struct usher_request *request, const void *header, size_t size);

/* Nothing is put for bytes, a text or an address that are NULL, nor for an address of no bytes. */
void usher_request_put(struct usher_request *request, uint16_t number, const void *bytes,
		       size_t size);
void usher_request_put_text(struct usher_request *request, uint16_t number, const char *text);
void usher_request_put_u8(struct usher_request *request, uint16_t number, uint8_t value);
void usher_request_put_u16(struct usher_request *request, uint16_t number, uint16_t value);
void usher_request_put_u32(struct usher_request *request, uint16_t number, uint32_t value);
void usher_request_put_u64(struct usher_request *request, uint16_t number, uint64_t value);
void usher_request_put_be16(struct usher_request *request, uint16_t number, uint16_t value);
void usher_request_put_be32(struct usher_request *request, uint16_t number, uint32_t value);
void usher_request_put_be64(struct usher_request *request, uint16_t number, uint64_t value);
void usher_request_put_address(struct usher_request *request, uint16_t number,
			       const struct usher_octets *address);
void usher_request_begin_nest(struct usher_request *request, uint16_t number);
void usher_request_end_nest(struct usher_request *request);

/* Everything of a structure that a level says is to be written. */
void usher_request_add_level(struct usher_request *request, const struct usher_level *level,
			     const void *from);

/* As it stands, or NULL and why. It is the request's, until something is added to it. */
const struct nlmsghdr *usher_request_get(struct usher_request *request, int *ret_error);

/* ======== messages from the kernel ======== */

/* How messages are read: into one structure, one after the other. */
struct usher_reading {
	uint16_t type; /* what messages have to be, RTM_NEWLINK for instance; 0: any */
	size_t header; /* the size of their fixed part; a message that is shorter is -EBADMSG */
	struct usher_level level;
	void *into;
	size_t size; /* of the structure, which is set to 0 before each message; 0: it is not */
	/* Before the attributes, where a message can be dropped by its fixed part at no cost; and
	 * after them. 0, USHER_DROP, USHER_STOP or a negative errno. Each may be NULL. */
	int (*begin)(void *into, const struct nlmsghdr *message);
	int (*end)(void *into, const struct nlmsghdr *message);
};

/* One message, that came by another way. 0, USHER_DROP, USHER_STOP or a negative errno. */
int usher_reading_read(const struct usher_reading *reading, const struct nlmsghdr *message);

/* ======== sockets ======== */

struct usher_socket;

/*
 * Of a protocol (NETLINK_ROUTE), in the network namespace of this thread: with strict checks and
 * the kernel's words about errors. Or of a descriptor that was opened elsewhere, for instance with
 * usher_netlink_open_socket() of libusher in another namespace, and that becomes the socket's.
 */
int usher_socket_new(int protocol, struct usher_socket **ret);
int usher_socket_adopt(int fd, struct usher_socket **ret);
struct usher_socket *usher_socket_close(struct usher_socket *socket);
int usher_socket_get_fd(const struct usher_socket *socket);

/* What was wrong with the last call, for people: the kernel's own words where it had any. Never
 * NULL; lives until the next call. And which attribute of the request it was: its offset; 0: not
 * told. */
const char *usher_socket_message(const struct usher_socket *socket);
size_t usher_socket_error_offset(const struct usher_socket *socket);

/*
 * Asks for everything of a kind (NLM_F_DUMP is added), and reads all of it. An error at the end of
 * the dump is an error. -EAGAIN: something has changed meanwhile, and what was read may lack rows
 * or have some twice; the same call again may succeed. After USHER_STOP the socket forgets what
 * would have come: 0.
 */
int usher_socket_dump(struct usher_socket *socket, struct usher_request *request,
		      const struct usher_reading *reading);

/*
 * One request and its acknowledgement (NLM_F_ACK is added), with what the kernel says before it
 * (NLM_F_ECHO, or the answer to a question). reading may be NULL.
 */
int usher_socket_transact(struct usher_socket *socket, struct usher_request *request,
			  const struct usher_reading *reading);

/* Groups by their number, RTNLGRP_LINK and so on, not as a mask: there are more than 32. A socket
 * that has joined some is for listening: what they tell while it waits for an answer is passed
 * over.
 */
int usher_socket_join(struct usher_socket *socket, uint32_t group);
int usher_socket_leave(struct usher_socket *socket, uint32_t group);

/* How messages of a type are read; those of types that are not in the list are passed over. */
struct usher_listening {
	uint16_t type;
	const struct usher_reading *reading;
};

/*
 * Reads what has come of groups so far: how many messages were read, and 0 when there are none; to
 * wait, poll the descriptor for POLLIN. -ENOBUFS: some were lost; dump everything anew, and listen
 * on.
 */
int usher_socket_listen(struct usher_socket *socket, const struct usher_listening listening[],
			size_t n);

/* The number of a family of generic netlink ("ethtool"), to be the type of requests. -ENOENT. */
int usher_socket_find_family(struct usher_socket *socket, const char *name, uint16_t *ret);

#ifdef __cplusplus
}
#endif

#endif
