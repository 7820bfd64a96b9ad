/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.usher1.Host: the names of the host, or of a UTS namespace. */

#include "call.h"

#define HOST "org.usher1.Host"

static int get_name(struct usher *usher, const char *method, const struct usher_options *options,
		    char **ret) {
	_cleanup_call_ struct call call = call_begin(usher, HOST, method, options);

	return call_for_string(&call, ret);
}

static int set_name(struct usher *usher, const char *method, const char *name,
		    const struct usher_options *options) {
	_cleanup_call_ struct call call = call_begin(usher, HOST, method, options);

	call_add_string(&call, "name", name);
	return call_for_nothing(&call);
}

int usher_get_hostname(struct usher *usher, const struct usher_options *options, char **ret) {
	return get_name(usher, "GetHostname", options, ret);
}

int usher_set_hostname(struct usher *usher, const char *name, const struct usher_options *options) {
	return set_name(usher, "SetHostname", name, options);
}

int usher_get_domainname(struct usher *usher, const struct usher_options *options, char **ret) {
	return get_name(usher, "GetDomainname", options, ret);
}

int usher_set_domainname(struct usher *usher, const char *name,
			 const struct usher_options *options) {
	return set_name(usher, "SetDomainname", name, options);
}
