/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of operations is whole, and agrees with everything that people read: the interface
 * files, the policy of polkit, that of the bus, the units and the manual.
 */

#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/syscall.h>

#include "birth.h"
#include "confine.h"
#include "filters.h"
#include "message.h"
#include "operation.h"
#include "support.h"

enum { METHODS_MAX = 128, ARGUMENTS_MAX = 16, TEXT_MAX = 4096 };

/* ---- the interface files, as far as a scanner of two dozen lines understands them ---- */

struct argument {
	char name[64], type[64];
	bool out;
};

struct member {
	char interface[64]; /* behind "org.usher1." */
	char name[64];
	char type[64]; /* of a property; "" for a method */
	char emits[32];
	char *comment; /* the one before it */
	struct argument arguments[ARGUMENTS_MAX];
	size_t n_arguments;
};

static struct member members[METHODS_MAX];
static size_t n_members;
static char interfaces[32][64];
static size_t n_interfaces;

static void attribute(const char *tag, const char *name, char *ret, size_t size) {
	const char *end = strchr(tag, '>');
	char wanted[32];
	const char *at;

	(void)snprintf(wanted, sizeof wanted, " %s=\"", name);
	at = strstr(tag, wanted);
	if (!at || at > end)
		fail_msg("no %s in %.60s", name, tag);
	at += strlen(wanted);
	(void)snprintf(ret, size, "%.*s", (int)strcspn(at, "\""), at);
}

static bool opens(const char *at, const char *element) {
	size_t n = strlen(element);

	return strncmp(at, element, n) == 0 && isspace((unsigned char)at[n]);
}

static void scan_argument(struct member *member, const char *tag) {
	struct argument *argument = &member->arguments[member->n_arguments++];
	char direction[8];

	assert_true(member->n_arguments <= ARGUMENTS_MAX);
	attribute(tag, "name", argument->name, sizeof argument->name);
	attribute(tag, "type", argument->type, sizeof argument->type);
	attribute(tag, "direction", direction, sizeof direction);
	argument->out = strcmp(direction, "out") == 0;
}

static struct member *scan_member(const char *tag, const char *comment, size_t size) {
	struct member *member = &members[n_members++];

	assert_true(n_members <= METHODS_MAX && n_interfaces > 0);
	strcpy(member->interface, interfaces[n_interfaces - 1]);
	attribute(tag, "name", member->name, sizeof member->name);
	member->comment = strndup(comment, size);
	assert_non_null(member->comment);
	return member;
}

static void scan_interface(const char *tag) {
	char name[64];

	assert_true(n_interfaces < N_OF(interfaces));
	attribute(tag, "name", name, sizeof name);
	assert_memory_equal(name, "org.usher1.", 11);
	strcpy(interfaces[n_interfaces++], name + 11);
}

static void scan(const char *text) {
	const char *comment = "";
	size_t comment_size = 0;
	struct member *member = NULL;

	for (const char *at = text; (at = strchr(at, '<')); at++) {
		if (strncmp(at, "<!--", 4) == 0) {
			comment = at + 4;
			at = strstr(at, "-->");
			assert_non_null(at);
			comment_size = (size_t)(at - comment);
		} else if (opens(at, "<interface"))
			scan_interface(at);
		else if (opens(at, "<signal"))
			member = NULL; /* the doors have them, not the table */
		else if (opens(at, "<method"))
			member = scan_member(at, comment, comment_size);
		else if (opens(at, "<property")) {
			member = scan_member(at, comment, comment_size);
			attribute(at, "type", member->type, sizeof member->type);
		} else if (opens(at, "<annotation"))
			attribute(at, "value", member->emits, sizeof member->emits);
		else if (opens(at, "<arg") && member)
			scan_argument(member, at);
	}
}

static int read_interfaces(void **state) {
	glob_t found;

	(void)state;
	if (glob(SOURCE_ROOT "/interfaces/*.xml", 0, NULL, &found) != 0)
		return -1;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		_cleanup_free_ char *text =
			source_file(found.gl_pathv[i] + strlen(SOURCE_ROOT) + 1);

		scan(text);
	}
	globfree(&found);
	return 0;
}

static int forget_interfaces(void **state) {
	(void)state;
	while (n_members > 0)
		free(members[--n_members].comment);
	return 0;
}

static const struct member *find_member(const char *interface, const char *name, bool property) {
	for (size_t i = 0; i < n_members; i++)
		if (strcmp(members[i].interface, interface) == 0 &&
		    strcmp(members[i].name, name) == 0 && property == (*members[i].type != '\0'))
			return &members[i];
	fail_msg("org.usher1.%s.%s is in no interface file", interface, name);
	abort();
}

/* "- key (o or h): ..." below "@argument:" in a comment: the types, sorted; "" if it is not there.
 */
static const char *documented_key(const struct member *member, const char *argument,
				  const char *key) {
	static char types[64];
	char wanted[80];
	const char *at, *end;

	*types = '\0';
	(void)snprintf(wanted, sizeof wanted, "@%s:", argument);
	at = strstr(member->comment, wanted);
	if (!at)
		return types;
	end = strstr(at, "\n\n");
	for (const char *next = strstr(at + 1, "\n      @"); next && (!end || next < end);)
		end = next;
	(void)snprintf(wanted, sizeof wanted, "- %s (", key);
	at = strstr(at, wanted);
	if (!at || (end && at > end))
		return types;
	at += strlen(wanted);
	(void)snprintf(types, sizeof types, "%.*s", (int)(strstr(at, "):") - at), at);
	return types;
}

/* How many keys are documented below an argument. */
static size_t documented_keys(const struct member *member, const char *argument) {
	char wanted[80];
	const char *at, *end;
	size_t n = 0;

	(void)snprintf(wanted, sizeof wanted, "@%s:", argument);
	at = strstr(member->comment, wanted);
	if (!at)
		return 0;
	end = strstr(at, "\n\n");
	for (const char *next = strstr(at + 1, "\n      @"); next && (!end || next < end);)
		end = next;
	for (; (at = strstr(at, "        - ")) && (!end || at < end); at++)
		n++;
	return n;
}

/* ---- the messages ---- */

static void add_signature(char *all, size_t size, const ProtobufCFieldDescriptor *field) {
	char one[MESSAGE_SIGNATURE_MAX];

	message_field_signature(field, one);
	assert_true(strlen(all) + strlen(one) + 4 < size);
	strcat(all, one);
}

/* All forms of the key that a field is one of, sorted: "h or o". n is how many. */
static void key_types(const ProtobufCMessageDescriptor *descriptor, const char *key, char *ret,
		      size_t size) {
	char forms[4][MESSAGE_SIGNATURE_MAX];
	size_t n = 0;

	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
		char name[MESSAGE_NAME_MAX];

		message_field_name(field, name);
		if (message_field_place(field) == MESSAGE_KEY && strcmp(name, key) == 0) {
			assert_true(n < N_OF(forms));
			message_field_signature(field, forms[n++]);
		}
	}
	if (n == 2 && strcmp(forms[0], forms[1]) > 0) {
		char swapped[MESSAGE_SIGNATURE_MAX];

		strcpy(swapped, forms[0]);
		strcpy(forms[0], forms[1]);
		strcpy(forms[1], swapped);
	}
	*ret = '\0';
	for (size_t i = 0; i < n; i++)
		(void)snprintf(ret + strlen(ret), size - strlen(ret), "%s%.60s", i ? " or " : "",
			       forms[i]);
}

/* "o or h" is documented for "h or o" as well. */
static void assert_same_types(const char *what, const char *key, const char *documented,
			      const char *derived) {
	char turned[64] = "";
	const char *part = strstr(documented, " or ");

	if (part)
		(void)snprintf(turned, sizeof turned, "%s or %.*s", part + 4,
			       (int)(part - documented), documented);
	if (strcmp(documented, derived) != 0 && strcmp(turned, derived) != 0)
		fail_msg("%s: key %s is (%s), but documented as (%s)", what, key, derived,
			 documented);
}

/* Every key of a dictionary is documented with its types, and none besides. */
static void assert_keys_documented(const struct member *member, const char *argument,
				   const ProtobufCMessageDescriptor *descriptor) {
	char seen[64][MESSAGE_NAME_MAX];
	size_t n = 0;

	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
		char name[MESSAGE_NAME_MAX], types[256];
		bool again = false;

		if (message_field_place(field) != MESSAGE_KEY)
			continue;
		message_field_name(field, name);
		for (size_t k = 0; k < n; k++)
			again |= strcmp(seen[k], name) == 0;
		if (again)
			continue;
		assert_true(n < N_OF(seen));
		strcpy(seen[n++], name);
		key_types(descriptor, name, types, sizeof types);
		assert_same_types(member->name, name, documented_key(member, argument, name),
				  types);
	}
	if (documented_keys(member, argument) != n)
		fail_msg("%s.%s: @%s documents %zu keys, and takes %zu", member->interface,
			 member->name, argument, documented_keys(member, argument), n);
}

static const struct operation *row(size_t i, char ret_name[128]) {
	const struct operation *operation = operations[i];

	assert_non_null(operation);
	assert_non_null(operation->interface);
	assert_non_null(operation->method);
	(void)snprintf(ret_name, 128, "%s.%s", operation->interface, operation->method);
	return operation;
}

/* ---- the rows ---- */

static void every_row_is_whole(void **state) {
	(void)state;
	assert_true(operations_n > 0);
	for (size_t i = 0; i < operations_n; i++) {
		char name[128];
		const struct operation *operation = row(i, name);
		size_t n = 0;

		/* what the broker does alone has nothing that a child could do */
		if (operation->here) {
			assert_true(operation->request && operation->reply);
			assert_true(*operation->syscalls == -1 && !operation->capabilities &&
				    !operation->resolve && !operation->run);
			continue;
		}
		if (!operation->request || !operation->reply || !operation->run ||
		    !operation->syscalls)
			fail_msg("%s lacks a request, a reply, its system calls or what it does",
				 name);
		while (operation->syscalls[n] >= 0)
			n++;
		assert_int_equal(operation->syscalls[n], -1);
		assert_true(n > 0);
		assert_true(strlen(operation->interface) > 0 && strlen(operation->method) > 0);
		assert_true(isupper((unsigned char)*operation->method));
		if (filters[i].n == 0 || !filters[i].program)
			fail_msg("%s has no filter", name);
	}
}

static void no_row_is_there_twice(void **state) {
	(void)state;
	for (size_t i = 0; i < operations_n; i++)
		for (size_t j = 0; j < i; j++) {
			assert_ptr_not_equal(operations[i], operations[j]);
			assert_ptr_not_equal(operations[i]->request, operations[j]->request);
			if (strcmp(operations[i]->interface, operations[j]->interface) == 0)
				assert_string_not_equal(operations[i]->method,
							operations[j]->method);
		}
}

static void every_row_is_found_by_its_names(void **state) {
	(void)state;
	for (size_t i = 0; i < operations_n; i++) {
		char name[128];
		const struct operation *operation = row(i, name);
		size_t place = operations_n;

		assert_ptr_equal(operation_find(operation->interface, operation->method),
				 operation);
		assert_ptr_equal(operation_find_whole(name, &place), operation);
		assert_int_equal(place, i);
	}
}

static void what_is_no_row_is_not_found(void **state) {
	static const char *const names[] = {
		"",
		".",
		"Mounts",
		"Mounts.",
		".Mount",
		"Mount",
		"mounts.Mount",
		"Mounts.mount",
		"Mounts.Mountx",
		"Mounts.Moun",
		"Mount.Mount",
		"Mounts..Mount",
		"MountsMount",
		"org.usher1.Mounts.Mount",
		"Mounts.Mount ",
		"Mounts.Unmount.x",
	};
	size_t place;

	(void)state;
	for (size_t i = 0; i < N_OF(names); i++)
		if (operation_find_whole(names[i], &place))
			fail_msg("'%s' was found", names[i]);
	assert_null(operation_find("Mounts", ""));
	assert_null(operation_find("", "Mount"));
	assert_null(operation_find("Host", "Mount"));
}

static void the_administrator_has_an_action_for_every_row(void **state) {
	(void)state;
	for (size_t i = 0; i < operations_n; i++) {
		char name[128], wanted[ACTION_MAX];
		const struct operation *operation = row(i, name);
		const char *admin = operation->actions[TIER_ADMIN],
			   *own = operation->actions[TIER_OWN],
			   *others = operation->actions[TIER_OTHERS];

		if (operation->here) {
			assert_true(!admin && !own && !others);
			continue;
		}
		if (!admin || !*admin)
			fail_msg("%s: nobody can be asked", name);
		assert_null(operation->actions[TIER_FREE]);
		assert_int_equal(strspn(admin, "abcdefghijklmnopqrstuvwxyz-"), strlen(admin));
		(void)snprintf(wanted, sizeof wanted, "%s-own", admin);
		if (own)
			assert_string_equal(own, wanted);
		(void)snprintf(wanted, sizeof wanted, "%s-others", admin);
		if (others)
			assert_string_equal(others, wanted);
	}
}

static void a_tier_without_an_action_is_the_administrators(void **state) {
	char action[ACTION_MAX], wanted[2 * ACTION_MAX];

	(void)state;
	for (size_t i = 0; i < operations_n; i++)
		for (enum tier tier = TIER_FREE; tier < _TIER_MAX; tier++) {
			const char *own = operations[i]->actions[tier];

			if (operations[i]->here)
				continue;
			strcpy(action, "untouched");
			if (tier == TIER_FREE) {
				assert_false(operation_action(operations[i], tier, action));
				assert_string_equal(action, "untouched");
				continue;
			}
			assert_true(operation_action(operations[i], tier, action));
			(void)snprintf(wanted, sizeof wanted, "org.usher1.%s",
				       own ? own : operations[i]->actions[TIER_ADMIN]);
			assert_string_equal(action, wanted);
		}
}

static void helpers_are_started_only_where_the_request_has_what_they_read(void **state) {
	(void)state;
	for (size_t i = 0; i < operations_n; i++) {
		const ProtobufCMessageDescriptor *request = operations[i]->request;
		const ProtobufCFieldDescriptor *type =
			protobuf_c_message_descriptor_get_field_by_name(request, "fstype");
		const ProtobufCFieldDescriptor *map =
			protobuf_c_message_descriptor_get_field_by_name(request, "idmap");

		assert_int_equal(operations[i]->probes, type != NULL);
		if (type)
			assert_int_equal(type->label, PROTOBUF_C_LABEL_REQUIRED);
		assert_int_equal(operations[i]->maps, map != NULL);
		if (map)
			assert_non_null(
				protobuf_c_message_descriptor_get_field_by_name(request,
										"idmap_as_fd"));
	}
}

static void every_row_has_the_capabilities_that_it_needs_to_enter_a_place(void **state) {
	(void)state;
	for (size_t i = 0; i < operations_n; i++) {
		bool joins = false;

		for (const int *number = operations[i]->syscalls; *number >= 0; number++)
			joins |= *number == SYS_setns;
		assert_true(!joins || operations[i]->capabilities & CAP(CAP_SYS_ADMIN));
		assert_false(operations[i]->capabilities & ~(UINT64_MAX >> (64 - cap_max_bits())));
	}
}

/* ---- the calling convention ---- */

static bool is_readable(const ProtobufCFieldDescriptor *field);

/* Structs and entries of dictionaries, of what can be read. */
static bool is_readable_message(const ProtobufCMessageDescriptor *descriptor) {
	for (unsigned i = 0; i < descriptor->n_fields; i++)
		if (message_field_place(&descriptor->fields[i]) != MESSAGE_POSITIONAL ||
		    !is_readable(&descriptor->fields[i]))
			return false;
	return descriptor->n_fields > 0;
}

static bool is_readable(const ProtobufCFieldDescriptor *field) {
	char signature[MESSAGE_SIGNATURE_MAX];
	const char *letter = signature;

	if (field->type == PROTOBUF_C_TYPE_MESSAGE && message_is_row(field->descriptor))
		return true;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return is_readable_message(field->descriptor) &&
		       (field->label == PROTOBUF_C_LABEL_REPEATED ||
			!message_is_entry(field->descriptor));
	message_field_signature(field, signature);
	letter += *letter == 'a';
	return strlen(letter) == 1 && strchr("sohbuitxd", *letter);
}

static void assert_request_field(const struct operation *operation,
				 const ProtobufCFieldDescriptor *field) {
	char signature[MESSAGE_SIGNATURE_MAX], name[MESSAGE_NAME_MAX];

	if (message_field_place(field) == MESSAGE_PRIVATE)
		return;
	message_field_signature(field, signature);
	message_field_name(field, name);
	if (!is_readable(field))
		fail_msg("%s: no walker reads field %s (%s)", operation->method, field->name,
			 signature);
	if (message_field_place(field) == MESSAGE_OTHERS) {
		assert_true(message_is_row(field->descriptor));
		assert_int_equal(field->label, PROTOBUF_C_LABEL_OPTIONAL);
	} else if (message_field_place(field) == MESSAGE_KEY)
		assert_true(field->label != PROTOBUF_C_LABEL_REQUIRED);
	else
		assert_true(field->label != PROTOBUF_C_LABEL_OPTIONAL);
	assert_true(strlen(field->name) < MESSAGE_NAME_MAX - 1);
	assert_true(strlen(name) > 0);
}

static void requests_have_only_fields_that_can_be_read(void **state) {
	(void)state;
	for (size_t i = 0; i < operations_n; i++)
		for (unsigned f = 0; f < operations[i]->request->n_fields; f++)
			assert_request_field(operations[i], &operations[i]->request->fields[f]);
}

static void positional_fields_are_numbered_from_one_without_gaps(void **state) {
	(void)state;
	for (size_t i = 0; i < operations_n; i++) {
		const ProtobufCMessageDescriptor *both[] = { operations[i]->request,
							     operations[i]->reply };

		for (size_t m = 0; m < N_OF(both); m++) {
			uint32_t next = 1;

			for (unsigned f = 0; f < both[m]->n_fields; f++)
				if (message_field_place(&both[m]->fields[f]) ==
				    MESSAGE_POSITIONAL) {
					assert_int_equal(both[m]->fields[f].id, next++);
					assert_int_not_equal(both[m]->fields[f].label,
							     PROTOBUF_C_LABEL_OPTIONAL);
				}
		}
	}
}

static void assert_common(const struct operation *operation, unsigned id, const char *name,
			  ProtobufCType type) {
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field(operation->request, id);

	if (!field)
		fail_msg("%s: no field %u (%s)", operation->method, id, name);
	assert_string_equal(field->name, name);
	assert_int_equal(field->type, type);
	assert_int_equal(field->label, PROTOBUF_C_LABEL_OPTIONAL);
}

static void the_common_keys_are_the_same_in_every_request(void **state) {
	(void)state;
	for (size_t i = 0; i < operations_n; i++) {
		assert_common(operations[i], 16, "in_as_fd", PROTOBUF_C_TYPE_UINT32);
		assert_common(operations[i], 17, "in_as_object", PROTOBUF_C_TYPE_STRING);
		assert_common(operations[i], 18, "deadline_usec", PROTOBUF_C_TYPE_UINT64);
	}
}

static void no_two_fields_have_the_same_name_and_form(void **state) {
	(void)state;
	for (size_t i = 0; i < operations_n; i++) {
		const ProtobufCMessageDescriptor *request = operations[i]->request;

		for (unsigned a = 0; a < request->n_fields; a++)
			for (unsigned b = 0; b < a; b++) {
				const ProtobufCFieldDescriptor *one = &request->fields[a],
							       *other = &request->fields[b];
				char names[2][MESSAGE_NAME_MAX], forms[2][MESSAGE_SIGNATURE_MAX];

				message_field_name(one, names[0]);
				message_field_name(other, names[1]);
				if (strcmp(names[0], names[1]) != 0)
					continue;
				message_field_signature(one, forms[0]);
				message_field_signature(other, forms[1]);
				assert_int_equal(message_field_place(one), MESSAGE_KEY);
				assert_int_equal(message_field_place(other), MESSAGE_KEY);
				assert_string_not_equal(forms[0], forms[1]);
			}
	}
}

/* A caller cannot reach a private field: there is no word for it. */
static void private_fields_are_not_required(void **state) {
	(void)state;
	for (size_t i = 0; i < operations_n; i++)
		for (unsigned f = 0; f < operations[i]->request->n_fields; f++)
			if (message_field_place(&operations[i]->request->fields[f]) ==
			    MESSAGE_PRIVATE)
				assert_int_not_equal(operations[i]->request->fields[f].label,
						     PROTOBUF_C_LABEL_REQUIRED);
}

/* ---- what people read ---- */

static void assert_arguments(const struct operation *operation, const struct member *member,
			     const ProtobufCMessageDescriptor *descriptor, bool out) {
	char derived[TEXT_MAX] = "", written[TEXT_MAX] = "", name[MESSAGE_NAME_MAX];

	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		if (message_field_place(&descriptor->fields[i]) != MESSAGE_POSITIONAL)
			continue;
		message_field_name(&descriptor->fields[i], name);
		strcat(strcat(derived, name), " ");
		add_signature(derived, sizeof derived, &descriptor->fields[i]);
		strcat(derived, "; ");
	}
	if (!out)
		strcat(derived, "options a{sv}; ");
	for (size_t i = 0; i < member->n_arguments; i++) {
		const struct argument *argument = &member->arguments[i];

		if (argument->out == out)
			(void)snprintf(written + strlen(written), sizeof written - strlen(written),
				       "%s %s; ", argument->name, argument->type);
	}
	if (strcmp(derived, written) != 0)
		fail_msg("%s.%s: the table says (%s), the interface file (%s)",
			 operation->interface, operation->method, derived, written);
}

static void every_row_is_in_the_interface_files_with_its_arguments(void **state) {
	(void)state;
	for (size_t i = 0; i < operations_n; i++) {
		const struct operation *operation = operations[i];
		const struct member *member =
			find_member(operation->interface, operation->method, false);

		assert_arguments(operation, member, operation->request, false);
		assert_arguments(operation, member, operation->reply, true);
	}
}

static void every_method_of_the_interface_files_is_a_row(void **state) {
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < n_members; i++) {
		if (*members[i].type)
			continue;
		n++;
		if (!operation_find(members[i].interface, members[i].name))
			fail_msg("nothing does org.usher1.%s.%s", members[i].interface,
				 members[i].name);
	}
	assert_int_equal(n, operations_n);
}

static void rows_stand_in_the_order_of_the_interface_files(void **state) {
	(void)state;
	for (size_t i = 1; i < operations_n; i++) {
		const struct member *before =
			find_member(operations[i - 1]->interface, operations[i - 1]->method, false);
		const struct member *now =
			find_member(operations[i]->interface, operations[i]->method, false);

		if (strcmp(before->interface, now->interface) == 0)
			assert_true(before < now);
	}
}

static void every_argument_and_every_key_is_documented(void **state) {
	(void)state;
	for (size_t i = 0; i < operations_n; i++) {
		const struct operation *operation = operations[i];
		const struct member *member =
			find_member(operation->interface, operation->method, false);
		char wanted[80];

		(void)snprintf(wanted, sizeof wanted, " %s:\n", operation->method);
		assert_non_null(strstr(member->comment, wanted));
		for (size_t a = 0; a < member->n_arguments; a++) {
			(void)snprintf(wanted, sizeof wanted, "@%s: ", member->arguments[a].name);
			if (!strstr(member->comment, wanted))
				fail_msg("%s: '%s' is not documented", member->name,
					 member->arguments[a].name);
		}
		assert_keys_documented(member, "options", operation->request);
	}
}

static void the_dictionaries_of_replies_are_documented(void **state) {
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < operations_n; i++) {
		const ProtobufCMessageDescriptor *reply = operations[i]->reply;

		for (unsigned f = 0; f < reply->n_fields; f++) {
			const ProtobufCFieldDescriptor *field = &reply->fields[f];

			if (message_field_place(field) != MESSAGE_POSITIONAL ||
			    field->type != PROTOBUF_C_TYPE_MESSAGE)
				continue;
			n++;
			assert_keys_documented(find_member(operations[i]->interface,
							   operations[i]->method, false),
					       field->name, field->descriptor);
		}
	}
	assert_true(n > 0);
}

static void every_documented_action_is_one_of_the_row(void **state) {
	(void)state;
	for (size_t i = 0; i < operations_n; i++) {
		const struct operation *operation = operations[i];
		const struct member *member =
			find_member(operation->interface, operation->method, false);
		const char *at = strstr(member->comment, "Action: ");
		bool found = false;

		if (!at)
			fail_msg("%s: its actions are not documented", member->name);
		for (at = strstr(at, "org.usher1."); at; at = strstr(at + 1, "org.usher1.")) {
			size_t length = strspn(at += 11, "abcdefghijklmnopqrstuvwxyz-");

			found = false;
			for (enum tier tier = TIER_OWN; tier < _TIER_MAX; tier++) {
				const char *action = operation->actions[tier];

				found |= action && strlen(action) == length &&
					 strncmp(action, at, length) == 0;
			}
			if (!found && length > 0 && islower((unsigned char)*at))
				fail_msg("%s: org.usher1.%.*s is not its action", member->name,
					 (int)length, at);
		}
	}
}

static void assert_properties(const char *interface, const ProtobufCMessageDescriptor *object) {
	char signature[MESSAGE_SIGNATURE_MAX], name[MESSAGE_NAME_MAX];
	size_t keys = 0, properties = 0;

	for (unsigned i = 0; i < object->n_fields; i++) {
		if (message_field_place(&object->fields[i]) != MESSAGE_KEY)
			continue;
		keys++;
		message_field_signature(&object->fields[i], signature);
		message_field_name(&object->fields[i], name);
		assert_string_equal(find_member(interface, name, true)->type, signature);
	}
	for (size_t i = 0; i < n_members; i++)
		properties += *members[i].type && strcmp(members[i].interface, interface) == 0;
	assert_int_equal(properties, keys);
}

static void the_properties_of_objects_are_the_keys_of_their_messages(void **state) {
	(void)state;
	assert_properties("Mount", &usher__mount_object__descriptor);
	assert_properties("Namespace", &usher__namespace_object__descriptor);
	assert_properties("Process", &usher__process_object__descriptor);
	assert_properties("SignalTrap", &usher__signal_trap_object__descriptor);
	assert_properties("Timer", &usher__timer_object__descriptor);
	assert_properties("Watch", &usher__watch_object__descriptor);
	assert_properties("NetlinkMonitor", &usher__netlink_monitor_object__descriptor);
}

/* ---- the contract: what clients were promised, and what therefore never changes ---- */

static const struct {
	const char *interface, *method, *in, *out, *keys;
} contract[] = {
	{ "Mounts", "Mount", "sssasa{sv}", "o", "in:h in:o target_fd:h lifetime:s" },
	{ "Mounts", "MountImage", "hssasa{sv}", "o", "in:h in:o" },
	{ "Mounts", "Bind", "ssasa{sv}", "o",
	  "in:h in:o source_fd:h target_fd:h recursive:b idmap:h idmap:s lifetime:s" },
	{ "Mounts", "OpenMount", "ssasa{sv}", "h", "in:h in:o" },
	{ "Mounts", "OpenTree", "sasa{sv}", "h",
	  "in:h in:o path_fd:h recursive:b idmap:h idmap:s" },
	{ "Mounts", "Unmount", "sa{sv}", "", "in:h in:o lazy:b force:b expire:b" },
	{ "Mounts", "Remount", "sasa{sv}", "", "in:h in:o recursive:b propagation:s" },
	{ "Mounts", "Move", "ssa{sv}", "", "in:h in:o" },
	{ "Mounts", "PivotRoot", "ssa{sv}", "", "in:h in:o" },
	{ "Mounts", "List", "a{sv}", "aa{sv}", "in:h in:o" },
	{ "Mount", "Unmount", "a{sv}", "", "in:h in:o" },
	{ "Host", "GetHostname", "a{sv}", "s", "in:h in:o" },
	{ "Host", "SetHostname", "sa{sv}", "", "in:h in:o" },
	{ "Host", "GetDomainname", "a{sv}", "s", "in:h in:o" },
	{ "Host", "SetDomainname", "sa{sv}", "", "in:h in:o" },
	{ "Namespaces", "Create", "sasa{sv}", "o",
	  "in:h in:o uid_map:s uid_map:a(uuu) gid_map:s gid_map:a(uuu) map_zero:b hostname:s "
	  "domainname:s root:s workdir:s lifetime:s monotonic_offset_usec:x "
	  "boottime_offset_usec:x" },
	{ "Namespaces", "Attach", "shasa{sv}", "o", "in:h in:o" },
	{ "Namespace", "Open", "sa{sv}", "h", "in:h in:o" },
	{ "Namespace", "OpenLeader", "a{sv}", "h", "in:h in:o" },
	{ "Namespace", "Destroy", "a{sv}", "", "in:h in:o" },
	{ "Processes", "Spawn", "asa{ss}a{uh}a{sv}", "oh",
	  "in:h in:o types:as uid_map:s uid_map:a(uuu) gid_map:s gid_map:a(uuu) map_zero:b "
	  "hostname:s root:s workdir:s uid:u gid:u groups:au clear_environment:b daemonize:b "
	  "signal_mask:as rlimits:a{s(tt)} nice:i capabilities:as no_new_privileges:b "
	  "parent_death_signal:s lifetime:s" },
	{ "Process", "Signal", "sa{sv}", "", "in:h in:o" },
	{ "Process", "Wait", "a{sv}", "si", "in:h in:o" },
	{ "Signals", "Trap", "asa{sv}", "ouh", "in:h in:o lifetime:s" },
	{ "SignalTrap", "Close", "a{sv}", "", "in:h in:o" },
	{ "Timers", "Create", "stta{sv}", "oh",
	  "in:h in:o absolute:b slack_usec:t cancel_on_set:b lifetime:s" },
	{ "Timer", "Set", "tta{sv}", "", "in:h in:o" },
	{ "Timer", "Close", "a{sv}", "", "in:h in:o" },
	{ "Watches", "Subscribe", "sasa{sv}", "o",
	  "in:h in:o root:h scope:s backend:s exclude:as settle_usec:t queue:u decide:b "
	  "decide_timeout_usec:t all:b lifetime:s" },
	{ "Watches", "Open", "sasa{sv}", "oh",
	  "in:h in:o root:h scope:s backend:s exclude:as settle_usec:t queue:u decide:b "
	  "decide_timeout_usec:t all:b lifetime:s" },
	{ "Watch", "SetEvents", "asa{sv}", "", "in:h in:o" },
	{ "Watch", "Since", "ta{sv}", "astb", "in:h in:o" },
	{ "Watch", "Decide", "tba{sv}", "", "in:h in:o" },
	{ "Watch", "Close", "a{sv}", "", "in:h in:o" },
	{ "Netlink", "Query", "sasa{sv}", "aa{sv}a{sv}",
	  "in:h in:o in:s limit:t consistency:s deadline_usec:t" },
	{ "Netlink", "Open", "sasa{sv}", "ha{sv}",
	  "in:h in:o in:s limit:t consistency:s deadline_usec:t format:s transport:s" },
	{ "Netlink", "Describe", "sa{sv}", "s", "" },
	{ "Netlink", "Change", "ssa{sv}a{sv}", "a{sv}", "in:h in:o in:s" },
	{ "Netlink", "Batch", "a(ssa{sv})a{sv}", "aa{sv}", "in:h in:o in:s" },
	{ "Netlink", "OpenSocket", "sa{sv}", "h", "in:h in:o in:s" },
	{ "Netlink", "Subscribe", "asasa{sv}", "o", "in:h in:o in:s" },
	{ "Netlink", "OpenMonitor", "asasa{sv}", "oh", "in:h in:o in:s" },
	{ "NetlinkMonitor", "Close", "a{sv}", "", "in:h in:o" },
};

static const struct {
	const char *interface, *property, *type, *emits;
} promised_properties[] = {
	{ "Mount", "Id", "t", "const" },
	{ "Mount", "Source", "s", "const" },
	{ "Mount", "Target", "s", "const" },
	{ "Mount", "FSType", "s", "const" },
	{ "Mount", "Options", "as", "const" },
	{ "Mount", "Owner", "u", "const" },
	{ "Mount", "Lifetime", "s", "const" },
	{ "Host", "Hostname", "s", "true" },
	{ "Host", "Domainname", "s", "true" },
	{ "Namespace", "Name", "s", "const" },
	{ "Namespace", "Types", "as", "const" },
	{ "Namespace", "Leader", "u", "const" },
	{ "Namespace", "Owner", "u", "const" },
	{ "Namespace", "UidMap", "a(uuu)", "const" },
	{ "Namespace", "GidMap", "a(uuu)", "const" },
	{ "Namespace", "Lifetime", "s", "const" },
	{ "Namespace", "CreatedUSec", "t", "const" },
	{ "Process", "Pid", "u", "const" },
	{ "Process", "Owner", "u", "const" },
	{ "Process", "Command", "as", "const" },
	{ "Process", "Namespace", "o", "const" },
	{ "Process", "State", "s", "true" },
	{ "Process", "Status", "i", "true" },
	{ "SignalTrap", "Signals", "as", "const" },
	{ "SignalTrap", "Pid", "u", "const" },
	{ "Timer", "Clock", "s", "const" },
	{ "Timer", "IntervalUSec", "t", "true" },
	{ "Watch", "Path", "s", "false" },
	{ "Watch", "Events", "as", "true" },
	{ "Watch", "Scope", "s", "const" },
	{ "Watch", "Backend", "s", "const" },
	{ "Watch", "Owner", "u", "const" },
	{ "Watch", "Clock", "t", "false" },
	{ "Watch", "Delivered", "t", "false" },
	{ "Watch", "Lost", "t", "false" },
};

static const char info_keys[] =
	"rows:t bytes:t complete:b interrupted:s kernel_filters:as message:s";
static const char list_keys[] = "Id:t Parent:t Source:s Target:s FSType:s Options:as Propagation:s "
				"Owner:u Object:o";

static void assert_has_keys(const ProtobufCMessageDescriptor *descriptor, const char *promised) {
	_cleanup_free_ char *copy = strdup(promised);
	char *rest = copy;

	assert_non_null(copy);
	for (char *word; (word = strsep(&rest, " "));) {
		bool found = false;

		for (unsigned i = 0; *word && i < descriptor->n_fields; i++) {
			const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
			char name[MESSAGE_NAME_MAX], signature[MESSAGE_SIGNATURE_MAX], both[512];

			message_field_name(field, name);
			message_field_signature(field, signature);
			(void)snprintf(both, sizeof both, "%s:%s", name, signature);
			found |= message_field_place(field) == MESSAGE_KEY &&
				 strcmp(both, word) == 0;
		}
		if (*word && !found)
			fail_msg("%s: the key %s was promised", descriptor->name, word);
	}
}

static void the_contract_with_clients_is_kept(void **state) {
	(void)state;
	for (size_t i = 0; i < N_OF(contract); i++) {
		const struct operation *operation =
			operation_find(contract[i].interface, contract[i].method);
		char signature[MESSAGE_SIGNATURE_MAX + 8];

		if (!operation)
			fail_msg("%s.%s was promised", contract[i].interface, contract[i].method);
		message_signature(operation->request, signature);
		assert_string_equal(strcat(signature, "a{sv}"), contract[i].in);
		message_signature(operation->reply, signature);
		assert_string_equal(signature, contract[i].out);
		assert_has_keys(operation->request, contract[i].keys);
	}
	assert_has_keys(&usher__mount_entry__descriptor, list_keys);
	assert_has_keys(&usher__netlink_info__descriptor, info_keys);
	for (size_t i = 0; i < N_OF(promised_properties); i++) {
		const struct member *member = find_member(promised_properties[i].interface,
							  promised_properties[i].property, true);

		assert_string_equal(member->type, promised_properties[i].type);
		assert_string_equal(member->emits, promised_properties[i].emits);
	}
}

/* ---- polkit ---- */

static bool is_action_of_table(const char *action) {
	for (size_t i = 0; i < operations_n; i++)
		for (enum tier tier = TIER_OWN; tier < _TIER_MAX; tier++)
			if (operations[i]->actions[tier] &&
			    strcmp(operations[i]->actions[tier], action) == 0)
				return true;
	return false;
}

/* The text between <action id="org.usher1.NAME"> and its end; the caller frees. */
static char *action_text(const char *policy, const char *action) {
	char wanted[128];
	const char *at, *end;

	(void)snprintf(wanted, sizeof wanted, "<action id=\"org.usher1.%s\">", action);
	at = strstr(policy, wanted);
	if (!at)
		fail_msg("polkit does not know org.usher1.%s", action);
	end = strstr(at, "</action>");
	assert_non_null(end);
	return strndup(at, (size_t)(end - at));
}

static void every_action_is_in_the_policy_and_belongs_to_the_service(void **state) {
	_cleanup_free_ char *policy = source_file("polkit/org.usher1.policy");

	(void)state;
	for (size_t i = 0; i < operations_n; i++)
		for (enum tier tier = TIER_OWN; tier < _TIER_MAX; tier++) {
			_cleanup_free_ char *text = NULL;

			if (!operations[i]->actions[tier])
				continue;
			text = action_text(policy, operations[i]->actions[tier]);
			assert_non_null(strstr(text,
					       "<annotate key=\"org.freedesktop.policykit.owner\">"
					       "unix-user:usher</annotate>"));
			assert_non_null(strstr(text, "<description>"));
			assert_non_null(strstr(text, "<message>"));
		}
}

static void every_action_of_the_policy_is_in_the_table(void **state) {
	_cleanup_free_ char *policy = source_file("polkit/org.usher1.policy");
	size_t n = 0;

	(void)state;
	for (const char *at = policy; (at = strstr(at, "<action id=\"org.usher1.")); n++) {
		char action[64];

		at += strlen("<action id=\"org.usher1.");
		(void)snprintf(action, sizeof action, "%.*s", (int)strcspn(at, "\""), at);
		if (!is_action_of_table(action))
			fail_msg("no row has the action %s", action);
	}
	assert_true(n > 0);
}

/* An authorization that is kept would hold for any other path as well. */
static void no_authorization_is_ever_kept(void **state) {
	_cleanup_free_ char *policy = source_file("polkit/org.usher1.policy");

	(void)state;
	for (const char *at = policy; (at = strstr(at, "<allow_")); at++) {
		char value[32];

		at = strchr(at, '>') + 1;
		(void)snprintf(value, sizeof value, "%.*s", (int)strcspn(at, "<"), at);
		if (strcmp(value, "auth_admin") != 0 && strcmp(value, "yes") != 0)
			fail_msg("a policy of '%s'", value);
	}
}

/* Strangers: those without a session of their own here. */
static void only_the_own_and_the_harmless_is_allowed_without_asking(void **state) {
	_cleanup_free_ char *policy = source_file("polkit/org.usher1.policy");

	(void)state;
	for (size_t i = 0; i < operations_n; i++)
		for (enum tier tier = TIER_OTHERS; tier < _TIER_MAX; tier++) {
			_cleanup_free_ char *text = NULL;

			if (!operations[i]->actions[tier])
				continue;
			text = action_text(policy, operations[i]->actions[tier]);
			if (strstr(text, ">yes<"))
				fail_msg("%s needs no answer", operations[i]->actions[tier]);
		}
}

/* ---- the bus, the units, the manual ---- */

static void the_bus_lets_every_interface_through_and_no_other(void **state) {
	_cleanup_free_ char *conf = source_file("units/org.usher1.conf");
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < n_interfaces; i++) {
		char wanted[160];

		(void)snprintf(
			wanted, sizeof wanted,
			"<allow send_destination=\"org.usher1\" send_interface=\"org.usher1.%.60s\"/>",
			interfaces[i]);
		if (!strstr(conf, wanted))
			fail_msg("the bus stops org.usher1.%s", interfaces[i]);
	}
	for (const char *at = conf; (at = strstr(at, "send_interface=\"org.usher1.")); at++)
		n++;
	assert_int_equal(n, n_interfaces);
}

static void every_interface_of_the_table_has_a_file(void **state) {
	(void)state;
	for (size_t i = 0; i < operations_n; i++) {
		bool found = false;

		for (size_t j = 0; j < n_interfaces; j++)
			found |= strcmp(interfaces[j], operations[i]->interface) == 0;
		assert_true(found);
	}
}

static int by_name(const void *a, const void *b) {
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void assert_bounded(const char *path, bool spawns, uint64_t all) {
	_cleanup_free_ char *unit = source_file(path);
	const char *line = strstr(unit, "\nCapabilityBoundingSet=");
	char *names[64], wanted[TEXT_MAX] = "", written[TEXT_MAX];
	size_t n = 0;

	assert_non_null(line);
	line += strlen("\nCapabilityBoundingSet=");
	(void)snprintf(written, sizeof written, "%.*s", (int)strcspn(line, "\n"), line);
	for (size_t i = 0; i < operations_n; i++)
		if ((operations[i]->spawns || operations[i]->connects || operations[i]->wakes) ==
		    spawns)
			all |= operations[i]->capabilities;
	for (int c = 0; c < 64; c++)
		if (all & CAP(c)) {
			char *name = cap_to_name(c);

			assert_non_null(name);
			names[n++] = strdup(name);
			(void)cap_free(name);
		}
	qsort(names, n, sizeof *names, by_name);
	for (size_t i = 0; i < n; i++) {
		for (char *at = names[i]; *at; at++)
			*at = (char)toupper((unsigned char)*at);
		strcat(strcat(wanted, i ? " " : ""), names[i]);
		free(names[i]);
	}
	assert_string_equal(written, wanted);
}

static void the_worker_is_bounded_by_the_union_of_the_rows(void **state) {
	(void)state;
	assert_bounded("units/usher-worker.service.in", false, CONFINE_PLACE_CAPABILITIES);
}

static void the_spawner_is_bounded_by_its_rows_and_what_comes_before_them(void **state) {
	(void)state;
	assert_bounded("units/usher-spawner.service.in", true,
		       CONFINE_PLACE_CAPABILITIES | BIRTH_BEFORE);
}

static void the_broker_has_no_capability(void **state) {
	_cleanup_free_ char *unit = source_file("units/usherd.service.in");

	(void)state;
	assert_non_null(strstr(unit, "\nCapabilityBoundingSet=\n"));
	assert_null(strstr(unit, "\nAmbientCapabilities="));
}

static const char *policy_default(const char *policy, const char *action) {
	_cleanup_free_ char *text = action_text(policy, action);

	if (strstr(text, "<allow_any>yes</allow_any>"))
		return "everybody";
	return strstr(text, "<allow_active>yes</allow_active>") ? "active" : "administrator";
}

static void every_action_is_in_the_manual_with_its_default(void **state) {
	_cleanup_free_ char *page = source_file("man/usherd.8"),
			    *policy = source_file("polkit/org.usher1.policy");
	size_t n = 0, actions = 0;

	(void)state;
	for (const char *at = page; (at = strstr(at, "\n.It Li org.usher1.")); n++) {
		char action[64], wanted[128];

		at += strlen("\n.It Li org.usher1.");
		(void)snprintf(action, sizeof action, "%.*s", (int)strcspn(at, " \n"), at);
		if (!is_action_of_table(action))
			fail_msg("the manual has an action %s", action);
		(void)snprintf(wanted, sizeof wanted, "%s Ta %s Ta", action,
			       policy_default(policy, action));
		if (strncmp(at, wanted, strlen(wanted)) != 0)
			fail_msg("the manual does not say '%s'", wanted);
	}
	for (const char *at = policy; (at = strstr(at, "<action id=")); at++)
		actions++;
	assert_int_equal(n, actions);
}

/* The words that .Fn has behind a method's name, by their types: "s source" "a{sv}". */
static void manual_signature(const char *line, char ret[TEXT_MAX]) {
	size_t end = strcspn(line, "\n"), used = 0;

	for (size_t i = strcspn(line, "\""); i < end; i += strcspn(line + i, "\"")) {
		size_t length = strcspn(line + ++i, " \"");

		memcpy(ret + used, line + i, length);
		used += length;
		i += strcspn(line + i, "\"") + 1;
	}
	ret[used] = '\0';
}

static void every_method_and_key_is_in_the_manual(void **state) {
	_cleanup_free_ char *page = source_file("man/org.usher1.5");

	(void)state;
	for (size_t i = 0; i < operations_n; i++) {
		const struct operation *operation = operations[i];
		char wanted[128], signature[MESSAGE_SIGNATURE_MAX + 8], written[TEXT_MAX];
		bool found = false;

		message_signature(operation->request, signature);
		strcat(signature, "a{sv}");
		(void)snprintf(wanted, sizeof wanted, "\n.It Fn %s \"", operation->method);
		for (const char *at = page; (at = strstr(at, wanted)); at++) {
			manual_signature(at + 1, written);
			found |= strcmp(written, signature) == 0;
		}
		if (!found)
			fail_msg("the manual has no %s with %s", operation->method, signature);
		for (unsigned f = 0; f < operation->request->n_fields; f++) {
			char name[MESSAGE_NAME_MAX];

			message_field_name(&operation->request->fields[f], name);
			(void)snprintf(wanted, sizeof wanted, ".Sy %s", name);
			if (message_field_place(&operation->request->fields[f]) == MESSAGE_KEY &&
			    !strstr(page, wanted))
				fail_msg("the manual has no key %s", name);
		}
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_whole),
		cmocka_unit_test(no_row_is_there_twice),
		cmocka_unit_test(every_row_is_found_by_its_names),
		cmocka_unit_test(what_is_no_row_is_not_found),
		cmocka_unit_test(the_administrator_has_an_action_for_every_row),
		cmocka_unit_test(a_tier_without_an_action_is_the_administrators),
		cmocka_unit_test(helpers_are_started_only_where_the_request_has_what_they_read),
		cmocka_unit_test(every_row_has_the_capabilities_that_it_needs_to_enter_a_place),
		cmocka_unit_test(requests_have_only_fields_that_can_be_read),
		cmocka_unit_test(positional_fields_are_numbered_from_one_without_gaps),
		cmocka_unit_test(the_common_keys_are_the_same_in_every_request),
		cmocka_unit_test(no_two_fields_have_the_same_name_and_form),
		cmocka_unit_test(private_fields_are_not_required),
		cmocka_unit_test(every_row_is_in_the_interface_files_with_its_arguments),
		cmocka_unit_test(every_method_of_the_interface_files_is_a_row),
		cmocka_unit_test(rows_stand_in_the_order_of_the_interface_files),
		cmocka_unit_test(every_argument_and_every_key_is_documented),
		cmocka_unit_test(the_dictionaries_of_replies_are_documented),
		cmocka_unit_test(every_documented_action_is_one_of_the_row),
		cmocka_unit_test(the_properties_of_objects_are_the_keys_of_their_messages),
		cmocka_unit_test(the_contract_with_clients_is_kept),
		cmocka_unit_test(every_action_is_in_the_policy_and_belongs_to_the_service),
		cmocka_unit_test(every_action_of_the_policy_is_in_the_table),
		cmocka_unit_test(no_authorization_is_ever_kept),
		cmocka_unit_test(only_the_own_and_the_harmless_is_allowed_without_asking),
		cmocka_unit_test(the_bus_lets_every_interface_through_and_no_other),
		cmocka_unit_test(every_interface_of_the_table_has_a_file),
		cmocka_unit_test(the_worker_is_bounded_by_the_union_of_the_rows),
		cmocka_unit_test(the_spawner_is_bounded_by_its_rows_and_what_comes_before_them),
		cmocka_unit_test(the_broker_has_no_capability),
		cmocka_unit_test(every_action_is_in_the_manual_with_its_default),
		cmocka_unit_test(every_method_and_key_is_in_the_manual),
	};

	return cmocka_run_group_tests(tests, read_interfaces, forget_interfaces);
}
