/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "call.h"
#include "message.h"
#include "pidfd.h"

struct namespace {
	struct object base;
	sd_event_source *io;
};

static Usher__NamespaceObject *message_of(const struct object *object) {
	return (Usher__NamespaceObject *)object->message;
}

struct object *namespaces_find_name(const struct objects *namespaces, uid_t owner,
				    const char *name) {
	for (struct object *object = namespaces->first; object; object = object->next) {
		const char *own = message_of(object)->name;

		if (object->owner == owner && own && *own && strcmp(own, name) == 0)
			return object;
	}
	return NULL;
}

/* A name is one namespace's of a user's; two may have been asked for at once. */
static int adopt(struct object *object, const ProtobufCMessage *request) {
	Usher__NamespaceObject *m = message_of(object);

	if (!m->has_leader)
		return -EBADMSG;
	if (request)
		id_pool_pass_on(request, &m->base);
	if (!m->lifetime && message_set_string(&m->base, "Lifetime", "manual") < 0)
		return -ENOMEM;
	m->has_leader_fd = false;
	if (object->fd < 0)
		object->fd = pidfd_find((pid_t)m->leader, m->leader_started);
	if (object->fd < 0)
		return -EBADMSG;
	return m->name && namespaces_find_name(object->objects, object->owner, m->name)
		       ? REFUSED_BUSY
		       : 0;
}

static int on_leader_end(sd_event_source *source, int fd, uint32_t events, void *userdata) {
	object_remove(userdata);
	return 0;
}

static void begin(struct object *object) {
	struct namespace *namespace = (struct namespace *)object;

	if (!namespace->io)
		(void)sd_event_add_io(object->objects->desk->event, &namespace->io, object->fd,
				      EPOLLIN, on_leader_end, object);
}

/* Where it has not come to be, or nobody is to be told, its leader may be there all the same. */
static void end(struct object *object) {
	if (message_of(object)->attached || pidfd_is_over(object->fd)) {
		object_remove(object);
		return;
	}
	begin(object);
	object_order_end(object);
}

static void mark(struct object *object) {
	Usher__NamespaceObject *m = message_of(object);

	m->has_leader_started =
		pidfd_started((pid_t)m->leader, object->fd, &m->leader_started) == 0;
}

static void done(struct object *object) {
	struct namespace *namespace = (struct namespace *)object;

	namespace->io = sd_event_source_disable_unref(namespace->io);
}

static int add_types(ProtobufCMessage *request, const Usher__NamespaceObject *m) {
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(request->descriptor, "types");
	int r = 0;

	for (size_t i = 0; field && r == 0 && i < m->n_types; i++)
		r = message_append_string(message_member(request, field),
					  message_count(request, field), m->types[i]);
	return r;
}

static int order(const struct object *object, ProtobufCMessage *request, struct fds *fds) {
	const Usher__NamespaceObject *m = message_of(object);
	int place = fds_add_copy(fds, object->fd), r;

	if (place < 0)
		return place;
	message_set_number(request, "leader_fd", (uint32_t)place);
	message_set_number(request, "owner", object->owner);
	message_set_number(request, "attached", m->attached);
	r = m->name ? message_set_string(request, "name", m->name) : 0;
	return r == 0 ? add_types(request, m) : r;
}

const struct object_kind namespace_kind = {
	.name = "namespace",
	.interface = "Namespace",
	.size = sizeof(struct namespace),
	.message = &usher__namespace_object__descriptor,
	.reply = &usher__namespace_reply__descriptor,
	.fd = "leader_fd",
	.lifetime = "Lifetime",
	.end_method = "Destroy",
	.limit = LIMIT_NAMESPACES,
	.adopt = adopt,
	.begin = begin,
	.end = end,
	.mark = mark,
	.done = done,
	.order = order,
};
