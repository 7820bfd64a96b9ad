/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attach: the namespaces of a process that runs already, under a name. Nothing is made and nothing
 * is opened: the object has the process, and Open judges anew. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "instant.h"
#include "job.h"
#include "lifetime.h"
#include "message.h"
#include "namespace-name.h"
#include "namespace-type.h"
#include "operations.h"
#include "subject.h"

enum { MAP_MAX = 340 * 36 /* as many lines as the kernel takes */ };

static int attach_check(const ProtobufCMessage *message, struct refusal *refusal) {
	const Usher__AttachRequest *m = (const void *)message;
	uint32_t ignored;
	int r = namespace_name_check(m->name, refusal);

	if (r == 0 && m->n_types == 0)
		r = refusal_note(refusal, REFUSED_INVALID, "types: none is named");
	if (r == 0)
		r = namespace_type_parse(m->types, m->n_types, &ignored, refusal);
	if (r == 0 && (m->has_in_as_fd || m->in_as_object))
		r = refusal_note(refusal, REFUSED_INVALID, "in: the process is the one of `pidfd`");
	return r == 0 ? lifetime_check(m->lifetime, refusal) : r;
}

/* A type that this kernel has not is no process's. */
static int check_type(struct job *job, const struct namespace_type *type) {
	struct stat ignored;
	char path[64];

	(void)snprintf(path, sizeof path, "self/ns/%s", type->word);
	if (fstatat(job->place.proc, path, &ignored, 0) == 0)
		return 0;
	return refusal_note(&job->refusal, REFUSED_UNSUPPORTED,
			    "types: this kernel has no namespaces of type %s", type->word);
}

static int attach_resolve(struct job *job) {
	const Usher__AttachRequest *m = (const void *)job->request;
	const uint32_t mask = namespace_type_mask(m->types, m->n_types);
	_cleanup_free_ char *words = namespace_type_words(mask);
	char name[SUBJECT_NAME_MAX];
	int r = words ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < NAMESPACE_TYPES; i++)
		if (mask & namespace_types[i].flag)
			r = check_type(job, &namespace_types[i]);
	if (r == 0)
		r = job_detail(job, "name", m->name);
	if (r == 0)
		r = job_detail(job, "types", words);
	subject_name(&job->place, job->place.pid, name);
	return r == 0 ? job_detail(job, "process", name) : r;
}

/* A map as the service sees it, out of a file of /proc that anybody may read. */
static int read_map(const struct job *job, const char *file, ProtobufCMessage *object,
		    const char *name) {
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(object->descriptor, name);
	_cleanup_free_ char *text = calloc(1, MAP_MAX);
	char path[64];
	int r;

	if (!text)
		return -ENOMEM;
	(void)snprintf(path, sizeof path, "%d/%s", job->place.pid, file);
	r = place_read(&job->place, path, text, MAP_MAX);
	for (char *rest = text, *line; r == 0 && (line = strsep(&rest, "\n")) && *line;) {
		Usher__IdRange **element = message_append_element(object, field);

		if (element)
			*element = (Usher__IdRange *)message_new(&usher__id_range__descriptor);
		if (!element || !*element)
			return -ENOMEM;
		if (sscanf(line, "%u %u %u", &(*element)->inside, &(*element)->outside,
			   &(*element)->count) != 3)
			return -EBADMSG;
	}
	return r;
}

static int describe(struct job *job, Usher__NamespaceObject *object) {
	const Usher__AttachRequest *m = (const void *)job->request;
	const uint32_t mask = namespace_type_mask(m->types, m->n_types);
	int r = 0;

	object->name = strdup(m->name);
	object->lifetime = strdup(m->lifetime ?: "manual");
	object->has_leader = object->has_owner = object->has_createdusec = object->has_attached =
		object->attached = true;
	object->leader = (uint32_t)job->place.pid;
	object->owner = job->place.uid;
	object->createdusec = instant_date_usec();
	for (size_t i = 0; r == 0 && i < NAMESPACE_TYPES; i++)
		if (mask & namespace_types[i].flag)
			r = message_append_string(&object->types, &object->n_types,
						  namespace_types[i].word);
	if (r == 0 && mask & CLONE_NEWUSER)
		r = read_map(job, "uid_map", &object->base, "UidMap");
	if (r == 0 && mask & CLONE_NEWUSER)
		r = read_map(job, "gid_map", &object->base, "GidMap");
	return r == 0 && object->name && object->lifetime ? r : r ?: -ENOMEM;
}

/* A descriptor of ours: what a caller gives may be of a kind that others than the kernel answer. */
static int open_process(struct job *job, Usher__NamespaceObject *object) {
	int fd = (int)syscall(SYS_pidfd_open, job->place.pid, 0);

	if (fd < 0)
		return -errno;
	fd = fds_add(&job->reply_fds, fd);
	if (fd < 0)
		return fd;
	object->has_leader_fd = true;
	object->leader_fd = (uint32_t)fd;
	return 0;
}

static int attach_run(struct job *job) {
	const Usher__AttachRequest *m = (const void *)job->request;
	Usher__NamespaceReply *reply = (Usher__NamespaceReply *)job->reply;
	int r;

	reply->namespace_object = strdup("");
	reply->made = (Usher__NamespaceObject *)message_new(&usher__namespace_object__descriptor);
	if (!reply->namespace_object || !reply->made)
		return -ENOMEM;
	r = open_process(job, reply->made);
	if (r == 0)
		r = describe(job, reply->made);
	/* the number was good when this is */
	if (!subject_lives(fds_get(&job->fds, m->pidfd_fd)) || r == -ENOENT || r == -ESRCH)
		return refusal_note(&job->refusal, REFUSED_NOT_FOUND,
				    "pidfd: the process has exited");
	return r == 0 ? job_announce(job) : r;
}

const struct operation operation_attach = {
	.interface = "Namespaces",
	.method = "Attach",
	.actions = { [TIER_ADMIN] = "attach-namespace" },
	.request = &usher__attach_request__descriptor,
	.reply = &usher__namespace_reply__descriptor,
	.syscalls = SYSCALLS(SYS_pidfd_open, SYS_pidfd_send_signal),
	.check = attach_check,
	.resolve = attach_resolve,
	.run = attach_run,
};
