/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Interfaces of the kernel that the headers of Debian 12 (Linux 6.1) lack. Numbers and layouts are
 * the kernel's, from include/uapi/linux/{mount,stat,fcntl,fs,nsfs,pidfd,fanotify}.h.
 */
#pragma once

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#ifndef SYS_statmount
#define SYS_statmount 457
#define SYS_listmount 458
#endif

#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x00004000U
#endif

/* statmount(2): the parts of a mount that may be asked for */
#define KERNEL_STATMOUNT_SB_BASIC   0x00000001U
#define KERNEL_STATMOUNT_MNT_BASIC  0x00000002U
#define KERNEL_STATMOUNT_MNT_ROOT   0x00000008U
#define KERNEL_STATMOUNT_MNT_POINT  0x00000010U
#define KERNEL_STATMOUNT_FS_TYPE    0x00000020U
#define KERNEL_STATMOUNT_MNT_OPTS   0x00000080U
#define KERNEL_STATMOUNT_FS_SUBTYPE 0x00000100U
#define KERNEL_STATMOUNT_SB_SOURCE  0x00000200U

/* listmount(2): everything below the root of the namespace */
#define KERNEL_LSMT_ROOT 0xffffffffffffffffULL

struct kernel_mount_request {
	__u32 size;
	__u32 spare;
	__u64 mnt_id;
	__u64 param;
	__u64 mnt_ns_id;
};

struct kernel_statmount {
	__u32 size;
	__u32 mnt_opts; /* string */
	__u64 mask;
	__u32 sb_dev_major;
	__u32 sb_dev_minor;
	__u64 sb_magic;
	__u32 sb_flags;
	__u32 fs_type; /* string */
	__u64 mnt_id;
	__u64 mnt_parent_id;
	__u32 mnt_id_old;
	__u32 mnt_parent_id_old;
	__u64 mnt_attr;
	__u64 mnt_propagation;
	__u64 mnt_peer_group;
	__u64 mnt_master;
	__u64 propagate_from;
	__u32 mnt_root;  /* string */
	__u32 mnt_point; /* string */
	__u64 mnt_ns_id;
	__u32 fs_subtype; /* string */
	__u32 sb_source;  /* string */
	__u32 spare[96];
	char strings[]; /* a string is its offset in here */
};

/* ioctl(2) on a mount namespace: its id, which is never used again (Linux 6.10) */
#define KERNEL_NS_GET_MNTNS_ID _IOR(0xb7, 0x5, __u64)

/* ioctl(2) on a pid namespace: the number that a process of it has in our own (Linux 6.11) */
#define KERNEL_NS_GET_TGID_FROM_PIDNS _IOR(0xb7, 0x7, int)

/* ioctl(2) on a pidfd: a namespace of that process (Linux 6.11) */
#define KERNEL_PIDFD_GET_CGROUP_NAMESPACE _IO(0xff, 1)
#define KERNEL_PIDFD_GET_IPC_NAMESPACE    _IO(0xff, 2)
#define KERNEL_PIDFD_GET_MNT_NAMESPACE    _IO(0xff, 3)
#define KERNEL_PIDFD_GET_NET_NAMESPACE    _IO(0xff, 4)
#define KERNEL_PIDFD_GET_PID_NAMESPACE    _IO(0xff, 5)
#define KERNEL_PIDFD_GET_TIME_NAMESPACE   _IO(0xff, 7)
#define KERNEL_PIDFD_GET_USER_NAMESPACE   _IO(0xff, 9)
#define KERNEL_PIDFD_GET_UTS_NAMESPACE    _IO(0xff, 10)

/* ... and which process it is (Linux 6.13) */
struct kernel_pidfd_info {
	__u64 mask;
	__u64 cgroup_id;
	__u32 pid, tgid, ppid;
	__u32 ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	__s32 exit_code;
};

#define KERNEL_PIDFD_INFO_CREDS 0x00000002U

#define KERNEL_PIDFD_GET_INFO _IOWR(0xff, 11, struct kernel_pidfd_info)

/* name_to_handle_at(2): a handle that says which one it is, and opens nothing (Linux 6.5) */
#define KERNEL_AT_HANDLE_FID 0x200

/* ioctl(2) on any file: the UUID of its file system (Linux 6.9) */
struct kernel_fsuuid {
	__u8 len;
	__u8 uuid[16];
};

#define KERNEL_FS_IOC_GETFSUUID _IOR(0x15, 0, struct kernel_fsuuid)

/* fanotify(7): mounts (Linux 6.15), and what is read before it is there (6.14) */
#define KERNEL_FAN_REPORT_MNT          0x00004000U
#define KERNEL_FAN_MARK_MNTNS          0x00000110U
#define KERNEL_FAN_MNT_ATTACH          0x01000000ULL
#define KERNEL_FAN_MNT_DETACH          0x02000000ULL
#define KERNEL_FAN_EVENT_INFO_TYPE_MNT 7
#define KERNEL_FAN_CLASS_PRE_CONTENT   0x00000008U
#define KERNEL_FAN_PRE_ACCESS          0x00100000ULL

struct kernel_fanotify_mount {
	struct {
		__u8 info_type;
		__u8 pad;
		__u16 len;
	} header;

	__u64 mount_id;
};

enum { KERNEL_LACKS_MAX = 64 };

/* Of a row's system calls and those of all children, one that this kernel has not, in words; false
 * if it has them all. */
bool kernel_lacks(const int *system_calls, char ret[KERNEL_LACKS_MAX]);

_Static_assert(offsetof(struct kernel_statmount, strings) == 512, "the kernel's layout");
