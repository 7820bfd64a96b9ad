/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "restraint.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __x86_64__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined __riscv && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#elif defined __powerpc64__ && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCHITECTURE AUDIT_ARCH_PPC64LE
#elif defined __s390x__
#define ARCHITECTURE AUDIT_ARCH_S390X
#endif

static const int allowed[] = {
	/* the kernel's tables, and the broker */
	SYS_recvmsg,
	SYS_recvmmsg,
	SYS_sendmsg,
	SYS_recvfrom,
	SYS_sendto,
	SYS_socket,
	SYS_bind,
	SYS_getsockname,
	SYS_getsockopt,
	SYS_setsockopt,
	SYS_ioctl,
	/* rows on their way out */
	SYS_write,
	SYS_writev,
	SYS_memfd_create,
	SYS_pipe2,
	SYS_fcntl,
	SYS_ftruncate,
	SYS_lseek,
	/* namespaces, whose they are, and the right to enter them */
	SYS_setns,
	SYS_capget,
	SYS_capset,
	SYS_openat,
	SYS_read,
	SYS_pread64,
	SYS_fstat,
	SYS_newfstatat,
	SYS_close,
	SYS_close_range,
	SYS_inotify_init1,
	SYS_inotify_add_watch,
	SYS_inotify_rm_watch,
	/* children */
	SYS_clone,
	SYS_clone3,
	SYS_set_robust_list,
	SYS_rseq,
	SYS_gettid,
	SYS_getpid,
	SYS_getppid,
	SYS_prctl,
	SYS_setpriority,
	SYS_sched_setscheduler,
	SYS_pidfd_open,
	SYS_kill,
	SYS_waitid,
	SYS_wait4,
	SYS_exit,
	SYS_exit_group,
/* the loop, time, memory */
#ifdef SYS_epoll_wait
	SYS_epoll_wait,
#endif
	SYS_epoll_pwait,
	SYS_epoll_create1,
	SYS_epoll_ctl,
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_ppoll,
	SYS_clock_gettime,
	SYS_brk,
	SYS_mmap,
	SYS_munmap,
	SYS_mremap,
	SYS_madvise,
	SYS_mprotect,
	SYS_futex,
	SYS_getrandom,
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_rt_sigreturn,
	SYS_restart_syscall,
#ifdef FILTERS_FOR_SANITIZERS
	SYS_sigaltstack,
	SYS_sched_yield,
	SYS_nanosleep,
	SYS_clock_nanosleep,
	SYS_sched_getaffinity,
	SYS_tgkill,
	SYS_tkill,
	SYS_ptrace,
	SYS_getdents64,
	SYS_process_vm_readv,
	SYS_socketpair,
	SYS_getuid,
	SYS_uname,
	SYS_dup,
	SYS_dup3,
	SYS_readlinkat,
	SYS_prlimit64,
	SYS_personality,
#ifdef SYS_open
	SYS_open,
	SYS_stat,
	SYS_access,
	SYS_readlink,
	SYS_getrlimit,
	SYS_arch_prctl,
#endif
#endif
};

int restraint_begin(void) {
#ifdef ARCHITECTURE
	enum { N = sizeof allowed / sizeof *allowed };

	struct sock_filter filter[5 + 2 * N], *at = filter;
	struct sock_fprog program = { .filter = filter };

	*at++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					     offsetof(struct seccomp_data, arch));
	*at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
	*at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	*at++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					     offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < N; i++) {
		*at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
						     (uint32_t)allowed[i], 0, 1);
		*at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	*at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	program.len = (unsigned short)(at - filter);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return -errno;
#endif
	return 0;
}
