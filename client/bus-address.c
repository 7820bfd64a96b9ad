/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses of buses: those in the file system, and abstract ones. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "bus-connection.h"

static int digit_of(char digit) {
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *place = digit ? strchr(digits, digit) : NULL;

	return place ? (int)(place - digits) % 16 : -1;
}

/* Up to the comma, with %NN for a byte. Returns how many bytes, or -EINVAL. */
static int unescape(const char *text, size_t length, char *ret, size_t room) {
	size_t n = 0;

	for (size_t i = 0; i < length; i++, n++) {
		if (n >= room)
			return -EINVAL;
		ret[n] = text[i];
		if (text[i] != '%')
			continue;
		if (length - i < 3 || digit_of(text[i + 1]) < 0 || digit_of(text[i + 2]) < 0)
			return -EINVAL;
		ret[n] = (char)(digit_of(text[i + 1]) * 16 + digit_of(text[i + 2]));
		i += 2;
	}
	return (int)n;
}

/* The value of a key, up to the next comma or semicolon; NULL. */
static const char *find_key(const char *keys, const char *key) {
	size_t length = strlen(key);

	while (*keys && *keys != ';') {
		if (strncmp(keys, key, length) == 0 && keys[length] == '=')
			return keys + length + 1;
		keys += strcspn(keys, ",;");
		keys += *keys == ',';
	}
	return NULL;
}

/* The socket's address by what follows "unix:". */
static int parse(const char *keys, struct sockaddr_un *ret, size_t *ret_size) {
	const char *path = find_key(keys, "path"), *abstract = find_key(keys, "abstract");
	const char *value = path ? path : abstract;
	size_t skip = path ? 0 : 1; /* of an abstract name, which begins with a zero */
	int n;

	if (!value || (path && abstract))
		return -EINVAL;
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	n = unescape(value, strcspn(value, ",;"), ret->sun_path + skip, sizeof ret->sun_path - 1);
	if (n <= 0)
		return -EINVAL;
	*ret_size = (size_t)n + 1; /* the zero, at this end or the other */
	return 0;
}

static int connect_socket(const struct sockaddr_un *address, size_t name_size, int *ret_fd) {
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + name_size);
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)address, size) < 0)
		return -errno;
	*ret_fd = take_fd(&fd);
	return 0;
}

static int connect_one(const char *address, int *ret_fd) {
	struct sockaddr_un socket_address;
	size_t name_size;
	int r;

	if (strncmp(address, "unix:", 5) != 0)
		return -EPROTONOSUPPORT;
	r = parse(address + 5, &socket_address, &name_size);
	return r < 0 ? r : connect_socket(&socket_address, name_size, ret_fd);
}

static int connect_path(const char *path, int *ret_fd) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof address.sun_path)
		return -EINVAL;
	memcpy(address.sun_path, path, strlen(path) + 1);
	return connect_socket(&address, strlen(path) + 1, ret_fd);
}

int bus_address_connect(const char *addresses, int *ret_fd) {
	int r = -EINVAL;

	if (*addresses == '/')
		return connect_path(addresses, ret_fd);
	while (*addresses) {
		r = connect_one(addresses, ret_fd);
		if (r >= 0)
			break;
		addresses += strcspn(addresses, ";");
		addresses += *addresses == ';';
	}
	return r;
}
