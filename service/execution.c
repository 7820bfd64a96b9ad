/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "execution.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"

static const char default_path[] = "PATH=/usr/local/bin:/usr/bin:/bin";

static const char *value_of(char *const *environment, const char *name) {
	size_t n = strlen(name);

	for (; *environment; environment++)
		if (strncmp(*environment, name, n) == 0 && (*environment)[n] == '=')
			return *environment + n + 1;
	return NULL;
}

/* Nothing is given back: whoever prepares becomes a program, or ends. */
int execution_prepare(struct execution *execution, const Usher__SpawnRequest *request) {
	char **environment = calloc(request->n_environment + 2, sizeof *environment);
	size_t n = 0;

	*execution = (struct execution){ .environment = environment };
	execution->arguments = calloc(request->n_argv + 1, sizeof *execution->arguments);
	if (!environment || !execution->arguments)
		return -ENOMEM;
	memcpy(execution->arguments, request->argv, request->n_argv * sizeof *request->argv);
	for (size_t i = 0; i < request->n_environment; i++) {
		const Usher__Variable *variable = request->environment[i];

		if (asprintf(&environment[n++], "%s=%s", variable->key, variable->value) < 0)
			return -ENOMEM;
	}
	if (request->clear_environment || value_of(environment, "PATH"))
		return 0;
	environment[n] = strdup(default_path);
	return environment[n] ? 0 : -ENOMEM;
}

/* Of a script, what stands behind "#!"; of a program that is linked dynamically, who links it. */
static void find_interpreter(int fd, char ret[PATH_MAX]) {
	union {
		Elf64_Ehdr header;
		char text[256];
	} head = { 0 };

	ssize_t n = pread(fd, head.text, sizeof head.text - 1, 0);
	Elf64_Phdr segment;

	*ret = '\0';
	if (n > 2 && head.text[0] == '#' && head.text[1] == '!') {
		char *at = head.text + 2 + strspn(head.text + 2, " \t");

		at[strcspn(at, " \t\n")] = '\0';
		(void)snprintf(ret, PATH_MAX, "%s", at);
		return;
	}
	if (n < (ssize_t)sizeof head.header || memcmp(head.header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    head.header.e_ident[EI_CLASS] != ELFCLASS64)
		return;
	for (unsigned i = 0; i < head.header.e_phnum; i++) {
		off_t at = (off_t)(head.header.e_phoff + i * sizeof segment);

		if (pread(fd, &segment, sizeof segment, at) != sizeof segment)
			return;
		if (segment.p_type != PT_INTERP)
			continue;
		n = pread(fd, ret, segment.p_filesz < PATH_MAX ? segment.p_filesz : PATH_MAX - 1,
			  (off_t)segment.p_offset);
		ret[n > 0 ? n : 0] = '\0';
		return;
	}
}

/* "No such file or directory" may be about another file than the one that was named. */
static int explain(const char *program, int error, struct refusal *refusal) {
	_cleanup_close_ int fd = -1;
	char interpreter[PATH_MAX] = "";

	if (error == ENOENT)
		fd = open(program, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0)
		find_interpreter(fd, interpreter);
	if (*interpreter)
		return refusal_note(refusal, -error,
				    "exec: %s: No such file: the interpreter %s is missing in the "
				    "new root",
				    program, interpreter);
	return refusal_note(refusal, -error, "exec: %s: %s", program, strerrordesc_np(error));
}

/* As a shell does: what is not there is passed over, and what may not be executed as well, but is
 * remembered. */
static int search(const struct execution *execution, struct refusal *refusal) {
	const char *at = value_of(execution->environment, "PATH") ?: default_path + strlen("PATH=");
	char program[PATH_MAX];
	int worst = ENOENT;

	for (;;) {
		size_t n = strcspn(at, ":");

		if (snprintf(program, sizeof program, "%.*s%s%s", (int)n, at, n > 0 ? "/" : "",
			     *execution->arguments) < (int)sizeof program) {
			(void)execve(program, execution->arguments, execution->environment);
			int error = errno;
			bool there = access(program, F_OK) == 0;

			if (error == ENOENT && there)
				return explain(program, ENOENT, refusal);
			/* It may be a directory that cannot be looked into: a shell does not
			 * mind. */
			if (error == EACCES)
				worst = there ? EACCES : worst;
			else if (error != ENOENT && error != ENOTDIR)
				return explain(program, error, refusal);
		}
		if (!at[n])
			return explain(*execution->arguments, worst, refusal);
		at += n + 1;
	}
}

int execution_begin(const struct execution *execution, struct refusal *refusal) {
	const char *program = *execution->arguments;

	if (!strchr(program, '/'))
		return search(execution, refusal);
	(void)execve(program, execution->arguments, execution->environment);
	return explain(program, errno, refusal);
}
