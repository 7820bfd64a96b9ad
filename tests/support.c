/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "message.h"
#include "operation.h"

void say_skip(const char *format, ...) {
	va_list arguments;

	va_start(arguments, format);
	(void)printf("# skip: ");
	(void)vprintf(format, arguments);
	(void)printf("\n");
	(void)fflush(stdout);
	va_end(arguments);
}

size_t descriptors_open(void) {
	DIR *directory = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(directory);
	while (readdir(directory))
		n++;
	(void)closedir(directory);
	return n - 3; /* ".", "..", and the directory itself */
}

int some_descriptor(void) {
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

char *source_file(const char *name) {
	char path[512], *text;
	long size;
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/%s", SOURCE_ROOT, name);
	file = fopen(path, "re");
	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	assert_true(size > 0);
	rewind(file);
	text = malloc((size_t)size + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)size, file), size);
	text[size] = '\0';
	(void)fclose(file);
	return text;
}

void assert_refusal(int r, enum refusal_code code, const struct refusal *refusal,
		    const char *word) {
	if (r == 0 || refusal_of(r) != code)
		fail_msg("%d (%s) instead of refusal %d: %s", r, refusal_name(r), code,
			 refusal->text);
	if (!strstr(refusal->text, word))
		fail_msg("'%s' is not in: %s", word, refusal->text);
}

static void set_value(const ProtobufCFieldDescriptor *field, void *value, char **rest, char end);

static Usher__Member *member_of(char *word) {
	Usher__Member *member = (Usher__Member *)message_new(&usher__member__descriptor);
	char *key = strsep(&word, "=");

	assert_non_null(member);
	member->key = strdup(key);
	member->value = (Usher__Value *)message_new(&usher__value__descriptor);
	assert_true(member->key && member->value && word);
	member->value->has_number = *word && word[strspn(word, "0123456789")] == '\0';
	if (member->value->has_number)
		member->value->number = strtoull(word, NULL, 10);
	else
		member->value->text = strdup(word);
	return member;
}

/* "table=254;dst=default": numbers and words. */
static ProtobufCMessage *row_of(char **rest) {
	ProtobufCMessage *row = message_new(&usher__row__descriptor);

	assert_non_null(row);
	for (char *word; (word = strsep(rest, ";")) && *word;)
		*(Usher__Member **)message_append_element(row, &row->descriptor->fields[0]) =
			member_of(word);
	return row;
}

/* The positional fields of a message in a message, parted by semicolons. */
static ProtobufCMessage *message_of(const ProtobufCMessageDescriptor *descriptor, char **rest) {
	ProtobufCMessage *message = message_new(descriptor);

	assert_non_null(message);
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];

		message_set_has(message, field);
		if (field->label != PROTOBUF_C_LABEL_REPEATED)
			set_value(field, message_member(message, field), rest, ';');
		else
			while (*rest && **rest)
				set_value(field, message_append_element(message, field), rest, ' ');
	}
	return message;
}

/* One value from the front of the rest, up to a character or the end. */
static void set_value(const ProtobufCFieldDescriptor *field, void *value, char **rest, char end) {
	const char ends[] = { end, '\0' };
	const char *word;

	if (field->type == PROTOBUF_C_TYPE_MESSAGE && message_is_row(field->descriptor)) {
		*(ProtobufCMessage **)value = row_of(rest);
		return;
	}
	if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
		*(ProtobufCMessage **)value = message_of(field->descriptor, rest);
		return;
	}
	word = strsep(rest, ends) ?: "";
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		free(*(char **)value);
		*(char **)value = strdup(word);
		break;
	case PROTOBUF_C_TYPE_INT32: *(int32_t *)value = (int32_t)strtol(word, NULL, 10); break;
	case PROTOBUF_C_TYPE_INT64: *(int64_t *)value = strtoll(word, NULL, 10); break;
	case PROTOBUF_C_TYPE_UINT32: *(uint32_t *)value = (uint32_t)strtoul(word, NULL, 10); break;
	case PROTOBUF_C_TYPE_UINT64: *(uint64_t *)value = strtoull(word, NULL, 10); break;
	case PROTOBUF_C_TYPE_BOOL: *(protobuf_c_boolean *)value = strcmp(word, "yes") == 0; break;
	default: fail_msg("%s: a type that no request has", field->name);
	}
}

static void set_field(ProtobufCMessage *message, const char *name, char *value) {
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
	void *member;

	if (!field)
		fail_msg("%s has no field %s", message->descriptor->name, name);
	message_set_has(message, field);
	member = field->label == PROTOBUF_C_LABEL_REPEATED ? message_append_element(message, field)
							   : message_member(message, field);
	assert_non_null(member);
	set_value(field, member, &value, '\0');
}

ProtobufCMessage *request_of(const char *name, const char *fields) {
	_cleanup_free_ char *copy = strdup(fields);
	size_t place;
	const struct operation *operation = operation_find_whole(name, &place);
	ProtobufCMessage *message;
	char *rest = copy;

	if (!operation)
		fail_msg("no operation %s", name);
	message = message_new(operation->request);
	assert_true(message && copy);
	/* as it arrives: what must be there is there */
	for (unsigned i = 0; i < operation->request->n_fields; i++)
		if (operation->request->fields[i].type == PROTOBUF_C_TYPE_STRING &&
		    operation->request->fields[i].label == PROTOBUF_C_LABEL_REQUIRED)
			set_field(message, operation->request->fields[i].name, (char[]){ "" });
	for (char *word; (word = strsep(&rest, "|"));) {
		char *value = strchr(word, '=');

		if (!value)
			continue;
		*value++ = '\0';
		set_field(message, word, value);
	}
	return message;
}

int in_child(int (*run)(void *data), void *data) {
	int status;
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(run(data));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int write_file(const char *path, const char *text) {
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return -errno;
	return 0;
}

int own_namespaces(void) {
	char map[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare((uid ? CLONE_NEWUSER : 0) | CLONE_NEWNS | CLONE_NEWUTS) < 0)
		return -errno;
	if (uid) {
		(void)write_file("/proc/self/setgroups", "deny");
		(void)snprintf(map, sizeof map, "0 %u 1", uid);
		if (write_file("/proc/self/uid_map", map) < 0)
			return -EPERM;
		(void)snprintf(map, sizeof map, "0 %u 1", gid);
		if (write_file("/proc/self/gid_map", map) < 0)
			return -EPERM;
	}
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ? -errno : 0;
}

static int try_namespaces(void *data) {
	(void)data;
	return own_namespaces() < 0;
}

bool namespaces_work(void) {
	return in_child(try_namespaces, NULL) == 0;
}
