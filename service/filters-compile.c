/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes filters.c: for every row of the table the seccomp program that lets through what all
 * children need and what the row names, and kills on anything else. Runs when usher is built,
 * because compiling a program costs more than most operations. By number, since a filter by name
 * breaks on calls younger than libseccomp.
 */

#include <err.h>
#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "operation.h"

enum { NUMBERS = 1024 };

/* Frames, memory, resolving paths as the caller, capabilities up and down, leaving. */
static const int every_child[] = {
	SYS_read,
	SYS_pread64,
	SYS_write,
	SYS_close,
	SYS_close_range,
	SYS_sendmsg,
	SYS_recvmsg,
	SYS_recvfrom,
	SYS_brk,
	SYS_mmap,
	SYS_munmap,
	SYS_mremap,
	SYS_madvise,
	SYS_fcntl,
	SYS_openat,
	SYS_openat2,
	SYS_fstat,
	SYS_newfstatat,
	SYS_statx,
	SYS_fstatfs,
	SYS_readlinkat,
	SYS_memfd_create,
	SYS_getrandom,
	SYS_setfsuid,
	SYS_setfsgid,
	SYS_capget,
	SYS_capset,
	SYS_timer_settime,
	SYS_clock_gettime,
	SYS_futex,
	SYS_rt_sigreturn,
	SYS_restart_syscall,
	SYS_exit,
	SYS_exit_group,
#ifdef FILTERS_FOR_SANITIZERS
	SYS_prctl,
	SYS_sigaltstack,
	SYS_gettid,
	SYS_getpid,
	SYS_getppid,
	SYS_sched_yield,
	SYS_nanosleep,
	SYS_clock_nanosleep,
	SYS_sched_getaffinity,
	SYS_tgkill,
	SYS_clone,
	SYS_wait4,
	SYS_ptrace,
	SYS_open,
	SYS_stat,
	SYS_access,
	SYS_getrlimit,
	SYS_prlimit64,
	SYS_getdents64,
	SYS_rseq,
	SYS_process_vm_readv,
	SYS_vfork,
	SYS_socketpair,
	SYS_pipe2,
	SYS_getuid,
	SYS_uname,
	SYS_arch_prctl,
	SYS_dup,
	SYS_dup3,
	SYS_readlink,
	SYS_lseek,
	SYS_ftruncate,
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_mprotect,
#endif
};

/* What a child calls, besides, before it has its filter. Where one is missing or too many that
 * costs time and nothing else. */
static const int every_child_before[] = {
	SYS_accept4,        SYS_clone,   SYS_getpid,
	SYS_getppid,        SYS_ioctl,   SYS_pidfd_send_signal,
	SYS_ppoll,          SYS_prctl,   SYS_rt_sigaction,
	SYS_rt_sigprocmask, SYS_seccomp, SYS_setgroups,
	SYS_timer_create,   SYS_wait4,
};

static void allow(scmp_filter_ctx filter, int number) {
	int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);

	if (r < 0 && r != -EEXIST)
		errx(1, "system call %d: %s", number, strerror(-r));
}

static void emit(FILE *out, size_t row, int fd) {
	struct sock_filter instruction;
	size_t n = 0;

	fprintf(out, "static const struct sock_filter program_%zu[] = {\n", row);
	if (lseek(fd, 0, SEEK_SET) < 0)
		err(1, "lseek");
	while (read(fd, &instruction, sizeof instruction) == sizeof instruction) {
		fprintf(out, "\t{ 0x%02x, %u, %u, 0x%08x },\n", instruction.code, instruction.jt,
			instruction.jf, instruction.k);
		n++;
	}
	fprintf(out, "};\n#define LENGTH_%zu %zu\n\n", row, n);
}

static void compile(FILE *out, size_t row) {
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int fd = memfd_create("filter", MFD_CLOEXEC);

	if (!filter || fd < 0)
		err(1, "cannot start a filter");
	for (size_t i = 0; i < sizeof every_child / sizeof *every_child; i++)
		allow(filter, every_child[i]);
	for (const int *number = operations[row]->syscalls; *number >= 0; number++)
		allow(filter, *number);
	if (seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) < 0 ||
	    seccomp_export_bpf(filter, fd) < 0)
		errx(1, "cannot compile the filter of %s", operations[row]->method);
	fprintf(out, "/* %s.%s */\n", operations[row]->interface, operations[row]->method);
	emit(out, row, fd);
	(void)close(fd);
	seccomp_release(filter);
}

static void emit_one(FILE *out, bool numbers[NUMBERS], int number) {
	if (number >= NUMBERS || numbers[number])
		return;
	numbers[number] = true;
	fprintf(out, "\t{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, %d },\n", number);
	fprintf(out, "\t{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW },\n");
}

/* Lets everything through, and all but these numbers only after a look at an argument. */
static void emit_prospect(FILE *out) {
	bool numbers[NUMBERS] = { false };

	fprintf(out, "static const struct sock_filter prospect[] = {\n"
		     "\t{ BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr) },\n");
	for (size_t i = 0; i < sizeof every_child / sizeof *every_child; i++)
		emit_one(out, numbers, every_child[i]);
	for (size_t i = 0; i < sizeof every_child_before / sizeof *every_child_before; i++)
		emit_one(out, numbers, every_child_before[i]);
	for (size_t row = 0; row < operations_n; row++)
		for (const int *number = operations[row]->syscalls; *number >= 0; number++)
			emit_one(out, numbers, *number);
	fprintf(out, "\t{ BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, args) },\n"
		     "\t{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW },\n};\n"
		     "const struct filter filters_prospect = { sizeof prospect / sizeof *prospect, "
		     "prospect };\n");
}

int main(int argc, char *argv[]) {
	FILE *out;

	if (argc != 2)
		errx(1, "usage: filters-compile FILE");
	out = fopen(argv[1], "we");
	if (!out)
		err(1, "%s", argv[1]);
	fprintf(out, "/* SPDX-License-Identifier: LGPL-2.1-or-later */\n"
		     "/* Made by filters-compile. */\n#include \"filters.h\"\n\n"
		     "#include <linux/seccomp.h>\n#include <stddef.h>\n\n");
	for (size_t row = 0; row < operations_n; row++)
		compile(out, row);
	fprintf(out, "const struct filter filters[] = {\n");
	for (size_t row = 0; row < operations_n; row++)
		fprintf(out, "\t{ LENGTH_%zu, program_%zu },\n", row, row);
	fprintf(out, "};\n");
	emit_prospect(out);
	return fclose(out) == 0 ? 0 : 1;
}
