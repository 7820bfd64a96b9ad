/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is checked of the words alone, in the broker already: of every row, good ones and bad ones.
 */

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <time.h>

#include "capability-name.h"
#include "filesystem.h"
#include "host-name.h"
#include "lifetime.h"
#include "message.h"
#include "namespace-type.h"
#include "operation.h"
#include "path.h"
#include "signal-name.h"
#include "support.h"

struct words {
	const char *operation, *fields;
	const char *word; /* of the refusal; NULL: nothing is wrong */
};

static const struct words requests[] = {
	{ "Mounts.Mount", "target=/mnt|fstype=tmpfs", NULL },
	{ "Mounts.Mount", "target=/mnt|fstype=tmpfs|mount_options=size=1m|mount_options=ro", NULL },
	{ "Mounts.Mount", "source=/dev/sda|target=/mnt|fstype=auto|lifetime=manual", NULL },
	{ "Mounts.Mount", "target=/mnt|fstype=tmpfs|lifetime=connection", NULL },
	{ "Mounts.Mount", "target=|fstype=tmpfs|target_fd=0", NULL },
	{ "Mounts.Mount", "target=|fstype=tmpfs", "target:" },
	{ "Mounts.Mount", "target=mnt|fstype=tmpfs", "target:" },
	{ "Mounts.Mount", "target=/mnt|fstype=", "fstype:" },
	{ "Mounts.Mount", "target=/mnt|fstype=EXT4", "fstype:" },
	{ "Mounts.Mount", "target=/mnt|fstype=../../x", "fstype:" },
	{ "Mounts.Mount", "target=/mnt|fstype=tmpfs,ext4", "fstype:" },
	{ "Mounts.Mount", "target=/mnt|fstype=ext4 ", "fstype:" },
	{ "Mounts.Mount", "target=/mnt|fstype=a23456789012345678901234567890b", "fstype:" },
	{ "Mounts.Mount", "target=/mnt|fstype=tmpfs|mount_options=", "mount_options:" },
	{ "Mounts.Mount", "target=/mnt|fstype=tmpfs|mount_options=private", "private" },
	{ "Mounts.Mount", "target=/mnt|fstype=tmpfs|lifetime=", "lifetime:" },
	{ "Mounts.Mount", "target=/mnt|fstype=tmpfs|lifetime=forever", "forever" },
	{ "Mounts.MountImage", "image_fd=0|target=/mnt|fstype=auto", NULL },
	{ "Mounts.MountImage", "image_fd=0|target=|fstype=squashfs|target_fd=1", NULL },
	{ "Mounts.MountImage", "image_fd=0|target=mnt|fstype=auto", "target:" },
	{ "Mounts.MountImage", "image_fd=0|target=/mnt|fstype=!", "fstype:" },
	{ "Mounts.MountImage", "image_fd=0|target=/mnt|fstype=auto|lifetime=x", "lifetime:" },
	{ "Mounts.MountImage", "image_fd=0|target=/mnt|fstype=auto|mount_options==x",
	  "mount_options:" },
	{ "Mounts.Bind", "source=/a|target=/b", NULL },
	{ "Mounts.Bind",
	  "source=/a|target=/b|mount_options=ro|mount_options=rprivate|recursive=yes", NULL },
	{ "Mounts.Bind", "source=|target=|source_fd=0|target_fd=1", NULL },
	{ "Mounts.Bind", "source=/a|target=/b|idmap=0 1000 1", NULL },
	{ "Mounts.Bind", "source=|target=/b", "source:" },
	{ "Mounts.Bind", "source=a|target=/b", "source:" },
	{ "Mounts.Bind", "source=/a|target=./b", "target:" },
	{ "Mounts.Bind", "source=/a|target=|source_fd=0", "target:" },
	{ "Mounts.Bind", "source=/a|target=/b|mount_options=size=1m", "size=1m" },
	{ "Mounts.Bind", "source=/a|target=/b|idmap=", "idmap:" },
	{ "Mounts.Bind", "source=/a|target=/b|idmap=auto", "idmap:" },
	{ "Mounts.Bind", "source=/a|target=/b|lifetime=Manual", "lifetime:" },
	{ "Mounts.OpenMount", "source=|fstype=tmpfs", NULL },
	{ "Mounts.OpenMount", "source=/dev/sda|fstype=auto|mount_options=noexec", NULL },
	{ "Mounts.OpenMount", "fstype=", "fstype:" },
	{ "Mounts.OpenMount", "fstype=tmpfs|mount_options=shared", "shared" },
	{ "Mounts.OpenTree", "path=/a", NULL },
	{ "Mounts.OpenTree", "path=|path_fd=0|idmap=0 0 1", NULL },
	{ "Mounts.OpenTree", "path=", "path:" },
	{ "Mounts.OpenTree", "path=a", "path:" },
	{ "Mounts.OpenTree", "path=/a|idmap=x", "idmap:" },
	{ "Mounts.OpenTree", "path=/a|mount_options=x=y", "x=y" },
	{ "Mounts.Unmount", "target=/mnt", NULL },
	{ "Mounts.Unmount", "target=/mnt|lazy=yes|force=yes", NULL },
	{ "Mounts.Unmount", "target=/mnt|expire=yes", NULL },
	{ "Mounts.Unmount", "target=/mnt|expire=yes|lazy=no", NULL },
	{ "Mounts.Unmount", "target=", "target:" },
	{ "Mounts.Unmount", "target=/mnt|expire=yes|lazy=yes", "expire" },
	{ "Mounts.Unmount", "target=/mnt|expire=yes|force=yes", "expire" },
	{ "Mounts.Remount", "target=/mnt|mount_options=ro", NULL },
	{ "Mounts.Remount", "target=/mnt|mount_options=size=1m", NULL },
	{ "Mounts.Remount", "target=/mnt|propagation=private", NULL },
	{ "Mounts.Remount", "target=/mnt|propagation=rslave|recursive=yes", NULL },
	{ "Mounts.Remount", "target=/mnt|mount_options=shared", NULL },
	{ "Mounts.Remount", "target=/mnt", "nothing to change" },
	{ "Mounts.Remount", "target=/mnt|recursive=yes", "nothing to change" },
	{ "Mounts.Remount", "target=mnt|mount_options=ro", "target:" },
	{ "Mounts.Remount", "target=/mnt|propagation=", "propagation:" },
	{ "Mounts.Remount", "target=/mnt|propagation=ro", "propagation:" },
	{ "Mounts.Remount", "target=/mnt|propagation=rrprivate", "propagation:" },
	{ "Mounts.Move", "from=/a|to=/b", NULL },
	{ "Mounts.Move", "from=|to=/b", "from:" },
	{ "Mounts.Move", "from=/a|to=b", "to:" },
	{ "Mounts.PivotRoot", "new_root=/a|put_old=/a/b", NULL },
	{ "Mounts.PivotRoot", "new_root=a|put_old=/a/b", "new_root:" },
	{ "Mounts.PivotRoot", "new_root=/a|put_old=", "put_old:" },
	{ "Mounts.List", "", NULL },
	{ "Mount.Unmount", "", NULL },
	{ "Mount.Unmount", "lazy=yes|force=yes", NULL },
	{ "Mount.Unmount", "expire=yes|lazy=yes", "expire" },
	{ "Mount.Unmount", "expire=yes|force=yes", "expire" },
	{ "Host.GetHostname", "", NULL },
	{ "Host.SetHostname", "hostname=lectern", NULL },
	{ "Host.SetHostname", "hostname=", "hostname:" },
	{ "Host.SetHostname", "hostname=a b", "hostname:" },
	{ "Host.GetDomainname", "", NULL },
	{ "Host.SetDomainname", "domainname=example.org", NULL },
	{ "Host.SetDomainname", "domainname=(none)", NULL },
	{ "Host.SetDomainname", "domainname=a/b", "domainname:" },
	{ "Namespaces.Create", "name=n|types=all", NULL },
	{ "Namespaces.Create", "name=Work-shop_1.2|types=user|types=mnt|types=uts|hostname=h",
	  NULL },
	{ "Namespaces.Create", "name=n|types=user|types=time|monotonic_offset_usec=-1000", NULL },
	{ "Namespaces.Create",
	  "name=n|types=all|root=/r|workdir=/w|lifetime=connection|domainname=d|map_zero=yes|"
	  "boottime_offset_usec=86400000000|mounts=tmpfs;/tmp;tmpfs;size=1m|mounts=/usr;/usr;rbind;ro",
	  NULL },
	{ "Namespaces.Create", "name=|types=all", "name:" },
	{ "Namespaces.Create", "name=4711|types=all", "name:" },
	{ "Namespaces.Create", "name=a/b|types=all", "name:" },
	{ "Namespaces.Create", "name=-x|types=all", "name:" },
	{ "Namespaces.Create", "name=n", "types:" },
	{ "Namespaces.Create", "name=n|types=", "types:" },
	{ "Namespaces.Create", "name=n|types=network", "'network'" },
	{ "Namespaces.Create", "name=n|types=USER", "'USER'" },
	{ "Namespaces.Create", "name=n|types=net|types=net", "net is there twice" },
	{ "Namespaces.Create", "name=n|types=all|types=net", "stands alone" },
	{ "Namespaces.Create", "name=n|types=net|types=all", "stands alone" },
	{ "Namespaces.Create", "name=n|types=net|hostname=h", "hostname: takes" },
	{ "Namespaces.Create", "name=n|types=net|domainname=h", "domainname: takes" },
	{ "Namespaces.Create", "name=n|types=uts|hostname=a b", "hostname:" },
	{ "Namespaces.Create", "name=n|types=uts|domainname=", "domainname:" },
	{ "Namespaces.Create", "name=n|types=net|uid_map=0 0 1", "uid_map: takes" },
	{ "Namespaces.Create", "name=n|types=net|uid_map_as_ranges=0;0;1", "uid_map: takes" },
	{ "Namespaces.Create", "name=n|types=net|gid_map=auto", "gid_map: takes" },
	{ "Namespaces.Create", "name=n|types=net|gid_map_as_ranges=0;0;1", "gid_map: takes" },
	{ "Namespaces.Create", "name=n|types=net|map_zero=yes", "map_zero: takes" },
	{ "Namespaces.Create", "name=n|types=user|root=/", "root: takes" },
	{ "Namespaces.Create", "name=n|types=all|root=r", "root:" },
	{ "Namespaces.Create", "name=n|types=all|workdir=", "workdir:" },
	{ "Namespaces.Create", "name=n|types=all|lifetime=x", "lifetime:" },
	{ "Namespaces.Create", "name=n|types=user|monotonic_offset_usec=5",
	  "monotonic_offset_usec: takes a new namespace of type time" },
	{ "Namespaces.Create", "name=n|types=time|boottime_offset_usec=5",
	  "boottime_offset_usec: takes a new namespace of type user" },
	{ "Namespaces.Create", "name=n|types=all|boottime_offset_usec=9223372036854775807",
	  "boottime_offset_usec:" },
	{ "Namespaces.Create", "name=n|types=all|monotonic_offset_usec=-9223372036854775808",
	  "monotonic_offset_usec:" },
	{ "Namespaces.Create", "name=n|types=user|mounts=t;/t;tmpfs;", "mounts: takes" },
	{ "Namespaces.Create", "name=n|types=all|mounts=t;t;tmpfs;", "mounts:" },
	{ "Namespaces.Create", "name=n|types=all|mounts=t;/t;;", "mounts:" },
	{ "Namespaces.Create", "name=n|types=all|mounts=t;/t;tmpfs;shared", "shared" },
	{ "Namespaces.Create", "name=n|types=all|mounts=usr;/t;bind;", "mounts:" },
	{ "Namespaces.Create", "name=n|types=all|mounts=/usr;/t;bind;size=1m", "size=1m" },
	{ "Namespaces.ConnectVeth", "name=eth0|bridge=br0|addresses=192.0.2.1/24", NULL },
	{ "Namespaces.ConnectVeth",
	  "name=a.b-c_d|peer_as_fd=0|peer_name=x|addresses=0.0.0.0/0|addresses=2001:db8::1/128|"
	  "peer_addresses=::/0",
	  NULL },
	{ "Namespaces.ConnectVeth", "name=|bridge=br0", "name:" },
	{ "Namespaces.ConnectVeth", "name=sixteen-letters-|bridge=br0", "name:" },
	{ "Namespaces.ConnectVeth", "name=..|bridge=br0", "name:" },
	{ "Namespaces.ConnectVeth", "name=a/b|bridge=br0", "name:" },
	{ "Namespaces.ConnectVeth", "name=veth%d|bridge=br0", "name:" },
	{ "Namespaces.ConnectVeth", "name=a", "bridge:" },
	{ "Namespaces.ConnectVeth", "name=a|bridge=br0|peer_as_fd=0", "bridge:" },
	{ "Namespaces.ConnectVeth", "name=a|bridge=b r", "bridge:" },
	{ "Namespaces.ConnectVeth", "name=a|bridge=b|peer_name=x", "peer_name:" },
	{ "Namespaces.ConnectVeth", "name=a|bridge=b|peer_addresses=::1/1", "peer_addresses:" },
	{ "Namespaces.ConnectVeth", "name=a|peer_as_fd=0|peer_name=x y", "peer_name:" },
	{ "Namespaces.ConnectVeth", "name=a|bridge=b|addresses=192.0.2.1", "addresses:" },
	{ "Namespaces.ConnectVeth", "name=a|bridge=b|addresses=192.0.2.1/33", "addresses:" },
	{ "Namespaces.ConnectVeth", "name=a|bridge=b|addresses=192.0.2/24", "addresses:" },
	{ "Namespaces.ConnectVeth", "name=a|bridge=b|addresses=::1/129", "addresses:" },
	{ "Namespaces.ConnectVeth", "name=a|bridge=b|addresses=::1/", "addresses:" },
	{ "Namespaces.ConnectVeth", "name=a|bridge=b|addresses=::1/-1", "addresses:" },
	{ "Namespaces.ConnectVeth", "name=a|bridge=b|addresses=/8", "addresses:" },
	{ "Namespaces.ConnectVeth", "name=a|peer_as_fd=0|peer_addresses=x", "peer_addresses:" },
	{ "Namespaces.OpenTun", "name=tun0", NULL },
	{ "Namespaces.OpenTun", "name=tap0|mode=tap|addresses=::1/64", NULL },
	{ "Namespaces.OpenTun", "name=", "name:" },
	{ "Namespaces.OpenTun", "name=t|mode=tunnel", "mode:" },
	{ "Namespaces.OpenTun", "name=t|addresses=1/1", "addresses:" },
	{ "Namespaces.Attach", "name=n|pidfd_fd=0|types=all|lifetime=manual", NULL },
	{ "Namespaces.Attach", "name=n|pidfd_fd=0|types=pid|types=net", NULL },
	{ "Namespaces.Attach", "name=1|pidfd_fd=0|types=all", "name:" },
	{ "Namespaces.Attach", "name=n|pidfd_fd=0", "types:" },
	{ "Namespaces.Attach", "name=n|pidfd_fd=0|types=x", "types:" },
	{ "Namespaces.Attach", "name=n|pidfd_fd=0|types=all|lifetime=x", "lifetime:" },
	{ "Namespaces.Attach", "name=n|pidfd_fd=0|types=all|in_as_fd=0", "in:" },
	{ "Namespaces.Attach", "name=n|pidfd_fd=0|types=all|in_as_object=/a", "in:" },
	{ "Namespace.Open", "type=net|in_as_fd=0", "in:" },
	{ "Namespace.OpenLeader", "in_as_object=/a", "in:" },
	{ "Namespace.Destroy", "in_as_fd=0", "in:" },
	{ "Process.Signal", "name=TERM|in_as_fd=0", "in:" },
	{ "Namespace.Open", "type=net", NULL },
	{ "Namespace.Open", "type=all", "type:" },
	{ "Namespace.Open", "type=", "type:" },
	{ "Namespace.Open", "type=../../mem", "type:" },
	{ "Namespace.Open", "type=pid_for_children", "type:" },
	{ "Namespace.OpenLeader", "", NULL },
	{ "Namespace.Destroy", "", NULL },
	{ "Processes.Spawn", "argv=true", NULL },
	{ "Processes.Spawn", "argv=/bin/sh|argv=|argv=-c|environment=A;|environment=a;b=c", NULL },
	{ "Processes.Spawn", "argv=x|fds=0;0|fds=1023;1|fds=2;0|terminal=0|new_session=yes", NULL },
	{ "Processes.Spawn", "argv=x|types=all|hostname=h|root=/r|mounts=;/;tmpfs;", NULL },
	{ "Processes.Spawn", "argv=x|in_as_fd=0|types=net|workdir=/", NULL },
	{ "Processes.Spawn", "argv=x|types=user|uid=0|gid=5|groups=5|groups=6", NULL },
	{ "Processes.Spawn", "argv=x|types=user|capabilities=CAP_NET_ADMIN|capabilities=chown",
	  NULL },
	{ "Processes.Spawn", "argv=x|types=all|capabilities=all", NULL },
	{ "Processes.Spawn", "argv=x|in_as_fd=0|capabilities=none", NULL },
	{ "Processes.Spawn", "argv=x|signal_mask=TERM|signal_mask=SIGINT|signal_mask=RTMIN+30",
	  NULL },
	{ "Processes.Spawn", "argv=x|rlimits=nofile;10;10|rlimits=core;0;18446744073709551615",
	  NULL },
	{ "Processes.Spawn", "argv=x|nice=-20|umask=511|parent_death_signal=KILL", NULL },
	{ "Processes.Spawn", "argv=x|memory_max=1|pids_max=1|cpu_quota_usec=1000", NULL },
	{ "Processes.Spawn", "argv=x|daemonize=yes|lifetime=manual|new_session=yes", NULL },
	{ "Processes.Spawn", "argv=x|new_session=no", NULL },
	{ "Processes.Spawn", "argv=x|no_new_privileges=yes|clear_environment=yes", NULL },
	{ "Processes.Spawn", "", "argv:" },
	{ "Processes.Spawn", "argv=", "argv:" },
	{ "Processes.Spawn", "argv=x|environment=;b", "environment:" },
	{ "Processes.Spawn", "argv=x|environment=a=b;c", "environment:" },
	{ "Processes.Spawn", "argv=x|environment=a;b|environment=b;|environment=a;c",
	  "environment: 'a' is there twice" },
	{ "Processes.Spawn", "argv=x|fds=1024;0", "fds:" },
	{ "Processes.Spawn", "argv=x|fds=4294967295;0", "fds:" },
	{ "Processes.Spawn", "argv=x|fds=1;0|fds=2;0|fds=1;0", "fds: 1 is there twice" },
	{ "Processes.Spawn", "argv=x|terminal=0", "terminal:" },
	{ "Processes.Spawn", "argv=x|fds=0;0|terminal=0|new_session=no", "new_session:" },
	{ "Processes.Spawn", "argv=x|fds=0;0|terminal=0|daemonize=yes", "daemonize:" },
	{ "Processes.Spawn", "argv=x|daemonize=yes|new_session=no", "new_session:" },
	{ "Processes.Spawn", "argv=x|daemonize=yes|lifetime=connection", "daemonize:" },
	{ "Processes.Spawn", "argv=x|types=x", "types:" },
	{ "Processes.Spawn", "argv=x|hostname=h", "hostname:" },
	{ "Processes.Spawn", "argv=x|root=/r", "root:" },
	{ "Processes.Spawn", "argv=x|in_as_fd=0|root=/r", "root:" },
	{ "Processes.Spawn", "argv=x|map_zero=yes", "map_zero:" },
	{ "Processes.Spawn", "argv=x|mounts=;/;tmpfs;", "mounts:" },
	{ "Processes.Spawn", "argv=x|lifetime=x", "lifetime:" },
	{ "Processes.Spawn", "argv=x|workdir=w", "workdir:" },
	{ "Processes.Spawn", "argv=x|types=user|uid=4294967295", "uid:" },
	{ "Processes.Spawn", "argv=x|types=user|gid=4294967295", "gid:" },
	{ "Processes.Spawn", "argv=x|types=user|groups=1|groups=4294967295", "groups:" },
	{ "Processes.Spawn", "argv=x|capabilities=CAP_NET_ADMIN", "capabilities: takes" },
	{ "Processes.Spawn", "argv=x|types=net|capabilities=chown", "capabilities: takes" },
	{ "Processes.Spawn", "argv=x|capabilities=none", NULL },
	{ "Processes.Spawn", "argv=x|types=user|capabilities=none|capabilities=chown",
	  "\"none\" stands alone" },
	{ "Processes.Spawn", "argv=x|types=user|capabilities=CAP_ROOT", "capabilities:" },
	{ "Processes.Spawn", "argv=x|types=user|capabilities=12", "capabilities:" },
	{ "Processes.Spawn", "argv=x|types=user|capabilities=cap_12", "capabilities:" },
	{ "Processes.Spawn", "argv=x|types=user|capabilities=", "capabilities:" },
	{ "Processes.Spawn", "argv=x|types=user|capabilities=chown|capabilities=all",
	  "\"all\" stands alone" },
	{ "Processes.Spawn", "argv=x|types=user|capabilities=CAP_CHOWN|capabilities=chown",
	  "there twice" },
	{ "Processes.Spawn", "argv=x|signal_mask=KILL", "signal_mask:" },
	{ "Processes.Spawn", "argv=x|signal_mask=SIGSTOP", "signal_mask:" },
	{ "Processes.Spawn", "argv=x|signal_mask=TERM|signal_mask=SIGTERM", "there twice" },
	{ "Processes.Spawn", "argv=x|signal_mask=term", "signal_mask:" },
	{ "Processes.Spawn", "argv=x|parent_death_signal=", "parent_death_signal:" },
	{ "Processes.Spawn", "argv=x|parent_death_signal=9", "parent_death_signal:" },
	{ "Processes.Spawn", "argv=x|rlimits=nofiles;1;1", "rlimits:" },
	{ "Processes.Spawn", "argv=x|rlimits=RLIMIT_NOFILE;1;1|rlimits=nofile;1;1",
	  "rlimits: nofile is there twice" },
	{ "Processes.Spawn", "argv=x|rlimits=RLIMIT_;1;1", "rlimits:" },
	{ "Processes.Spawn", "argv=x|rlimits=NOFILE;1;1|rlimits=RLIMIT_CORE;1;1", NULL },
	{ "Processes.Spawn", "argv=x|rlimits=nofile;2;1", "rlimits:" },
	{ "Processes.Spawn", "argv=x|rlimits=nofile;1;1|rlimits=core;0;0|rlimits=nofile;1;1",
	  "nofile is there twice" },
	{ "Processes.Spawn", "argv=x|nice=20", "nice:" },
	{ "Processes.Spawn", "argv=x|nice=-21", "nice:" },
	{ "Processes.Spawn", "argv=x|umask=512", "umask:" },
	{ "Processes.Spawn", "argv=x|memory_max=0", "memory_max:" },
	{ "Processes.Spawn", "argv=x|pids_max=0", "pids_max:" },
	{ "Processes.Spawn", "argv=x|cpu_quota_usec=999", "cpu_quota_usec:" },
	{ "Processes.Spawn", "argv=x|cpu_quota_usec=409600001", "cpu_quota_usec:" },
	{ "Process.Signal", "name=TERM", NULL },
	{ "Process.Signal", "name=SIGKILL", NULL },
	{ "Process.Signal", "name=RTMIN", NULL },
	{ "Process.Signal", "name=", "name:" },
	{ "Process.Signal", "name=0", "name:" },
	{ "Process.Signal", "name=15", "name:" },
	{ "Process.Signal", "name=SIG", "name:" },
	{ "Process.Signal", "name=SIGSIGTERM", "name:" },
	{ "Process.Wait", "", NULL },
	{ "Process.Wait", "in_as_object=/a", "in:" },
	{ "Signals.Trap", "signals=TERM|signals=SIGINT|signals=RTMIN+30", NULL },
	{ "Signals.Trap", "signals=CHLD|lifetime=connection|in_as_fd=0", NULL },
	{ "Signals.Trap", "", "signals:" },
	{ "Signals.Trap", "signals=KILL", "signals:" },
	{ "Signals.Trap", "signals=TERM|signals=SIGSTOP", "signals:" },
	{ "Signals.Trap", "signals=TERM|signals=SIGTERM", "there twice" },
	{ "Signals.Trap", "signals=RTMIN+31", "signals:" },
	{ "Signals.Trap", "signals=", "signals:" },
	{ "Signals.Trap", "signals=TERM|lifetime=manual", "lifetime:" },
	{ "Signals.Trap", "signals=TERM|lifetime=x", "lifetime:" },
	{ "SignalTrap.Close", "", NULL },
	{ "SignalTrap.Close", "in_as_object=/a", "in:" },
	{ "Timers.Create", "clock=boottime|initial_usec=1|interval_usec=0|slack_usec=5", NULL },
	{ "Timers.Create",
	  "clock=realtime-alarm|initial_usec=1|interval_usec=0|absolute=yes|cancel_on_set=yes",
	  NULL },
	{ "Timers.Create",
	  "clock=monotonic|initial_usec=0|interval_usec=18446744073709551615|lifetime=manual",
	  NULL },
	{ "Timers.Create", "clock=Realtime|initial_usec=1|interval_usec=0", "clock:" },
	{ "Timers.Create", "clock=|initial_usec=1|interval_usec=0", "clock:" },
	{ "Timers.Create", "clock=realtime|initial_usec=1|interval_usec=0|cancel_on_set=yes",
	  "cancel_on_set:" },
	{ "Timers.Create",
	  "clock=boottime|initial_usec=1|interval_usec=0|absolute=yes|cancel_on_set=yes",
	  "cancel_on_set:" },
	{ "Timers.Create", "clock=boottime|initial_usec=1|interval_usec=0|lifetime=x",
	  "lifetime:" },
	{ "Timer.Set", "initial_usec=1|interval_usec=0", NULL },
	{ "Timer.Close", "", NULL },
	{ "Timer.Close", "in_as_fd=0", "in:" },
	{ "Watches.Subscribe", "path=/a", NULL },
	{ "Watches.Subscribe", "path=/a|events=create|events=close-write|scope=children", NULL },
	{ "Watches.Subscribe", "path=|root_as_fd=0|scope=filesystem|backend=fanotify", NULL },
	{ "Watches.Subscribe", "path=/|scope=mounts", NULL },
	{ "Watches.Subscribe", "path=/|scope=mounts|events=mount-detach", NULL },
	{ "Watches.Subscribe", "path=/a|events=open-perm|decide=yes|decide_timeout_usec=1000",
	  NULL },
	{ "Watches.Subscribe", "path=/a|exclude=*.o|exclude=a/b|settle_usec=60000000|queue=16",
	  NULL },
	{ "Watches.Subscribe", "path=/a|lifetime=manual|report_pid=yes|all=yes", NULL },
	{ "Watches.Subscribe", "path=/a|exclude_self=yes", NULL },
	{ "Watches.Subscribe", "path=/a|exclude_self=yes|scope=mounts", "exclude_self:" },
	{ "Watches.Open", "path=/a|exclude_self=yes|decide=yes|events=open-perm", "exclude_self:" },
	{ "Watches.Subscribe", "path=", "path:" },
	{ "Watches.Subscribe", "path=a", "path:" },
	{ "Watches.Subscribe", "path=/a|root_as_fd=0", "path:" },
	{ "Watches.Subscribe", "path=/a|events=CREATE", "events: 'CREATE'" },
	{ "Watches.Subscribe", "path=/a|events=create|events=", "events:" },
	{ "Watches.Subscribe", "path=/a|events=open-perm", "events:" },
	{ "Watches.Subscribe", "path=/a|decide=yes", "events:" },
	{ "Watches.Subscribe", "path=/a|decide=yes|events=open-perm|events=create", "events:" },
	{ "Watches.Subscribe", "path=/a|events=mount-attach", "events:" },
	{ "Watches.Subscribe", "path=/a|scope=mounts|events=create", "events:" },
	{ "Watches.Subscribe", "path=/a|scope=all", "scope:" },
	{ "Watches.Subscribe", "path=/a|backend=kqueue", "backend:" },
	{ "Watches.Subscribe", "path=/a|scope=mounts|backend=inotify", "backend:" },
	{ "Watches.Subscribe", "path=/a|decide=yes|events=open-perm|backend=inotify", "backend:" },
	{ "Watches.Subscribe", "path=/a|decide=yes|scope=mounts", "decide:" },
	{ "Watches.Subscribe", "path=/a|decide_timeout_usec=1000", "decide_timeout_usec:" },
	{ "Watches.Subscribe", "path=/a|decide=yes|events=open-perm|decide_timeout_usec=999",
	  "decide_timeout_usec:" },
	{ "Watches.Subscribe", "path=/a|decide=yes|events=exec-perm|audit=yes", NULL },
	{ "Watches.Subscribe", "path=/a|audit=yes", "audit:" },
	{ "Watches.Subscribe", "path=/a|exclude=", "exclude:" },
	{ "Watches.Subscribe", "path=/a|settle_usec=60000001", "settle_usec:" },
	{ "Watches.Subscribe", "path=/a|queue=15", "queue:" },
	{ "Watches.Subscribe", "path=/a|queue=65537", "queue:" },
	{ "Watches.Subscribe", "path=/a|lifetime=long", "lifetime:" },
	{ "Watches.Open", "path=/a", NULL },
	{ "Watches.Open", "path=|root_as_fd=0|events=modify|scope=inode|queue=65536", NULL },
	{ "Watches.Open", "path=a", "path:" },
	{ "Watches.Open", "path=/a|report_pid=yes|lifetime=x", "lifetime:" },
	{ "Watch.SetEvents", "", NULL },
	{ "Watch.SetEvents", "events=create|events=open-perm", NULL }, /* the watch says which */
	{ "Watch.SetEvents", "events=made", "events:" },
	{ "Watch.SetEvents", "in_as_fd=0", "in:" },
	{ "Watch.Since", "clock=0", NULL },
	{ "Watch.Since", "clock=0|in_as_fd=0", "in:" },
	{ "Watch.Decide", "clock=1|allow=no", NULL },
	{ "Watch.Decide", "clock=1|allow=no|in_as_fd=0", "in:" },
	{ "Watch.Close", "", NULL },
	{ "Watch.Close", "in_as_fd=0", "in:" },
	{ "Netlink.Query", "type=link", NULL },
	{ "Netlink.Query", "type=route|limit=1|consistency=retry|in_as_name=blue", NULL },
	{ "Netlink.Query", "type=", "type:" },
	{ "Netlink.Query", "type=linc", "'link'" },
	{ "Netlink.Query", "type=link|fields=ifindex|fields=ifnam", "'ifname'" },
	{ "Netlink.Query", "type=link|fields=ifindex|filter=ifname=lo", NULL },
	{ "Netlink.Query", "type=link|filter=ifnam=lo", "'ifname'" },
	{ "Netlink.Query", "type=link|filter=mtu=much", "mtu" },
	{ "Netlink.Query", "type=link|limit=0", "limit:" },
	{ "Netlink.Query", "type=link|consistency=maybe", "consistency:" },
	{ "Netlink.Query", "type=link|in_as_name=", "in:" },
	{ "Netlink.Query", "type=link|in_as_name=../blue", "in:" },
	{ "Netlink.Query", "type=link|in_as_name=..", "in:" },
	{ "Netlink.Open", "type=link|format=json|transport=stream", NULL },
	{ "Netlink.Open", "type=", "type:" },
	{ "Netlink.Open", "type=link|format=xml", "format:" },
	{ "Netlink.Open", "type=link|transport=pigeon", "transport:" },
	{ "Netlink.Open", "type=link|limit=0", "limit:" },
	{ "Netlink.Open", "type=link|consistency=", "consistency:" },
	{ "Netlink.Describe", "type=", NULL },
	{ "Netlink.Describe", "type=link", NULL },
	{ "Netlink.Describe", "type=links", "'link'" },
	{ "Netlink.Describe", "type=link|in_as_fd=0", "in:" },
	{ "Netlink.Change", "action=add|type=link|row=ifname=v0;mtu=1400", NULL },
	{ "Netlink.Change", "action=change|type=link|row=ifname=v0;master=br0", NULL },
	{ "Netlink.Change", "action=del|type=link|row=ifindex=4711;operstate=up", NULL },
	{ "Netlink.Change", "action=add|type=link|row=ifname=v0|in_as_name=a/b", "in:" },
	{ "Netlink.Change", "action=make|type=link|row=ifname=v0", "action:" },
	{ "Netlink.Change", "action=add|type=lnik|row=ifname=v0", "type:" },
	{ "Netlink.Change", "action=add|type=link|row=ifnmae=v0", "is it 'ifname'" },
	{ "Netlink.Change", "action=add|type=link|row=mtu=many", "row.mtu:" },
	{ "Netlink.Change", "action=add|type=link|row=mtu=4294967296", "row.mtu:" },
	{ "Netlink.Change", "action=add|type=link|row=operstate=sideways", "row.operstate:" },
	{ "Netlink.Change", "action=add|type=link|row=qdisc=fq", "row.qdisc:" },
	{ "Netlink.Change", "action=add|type=link|row=address=02:zz", "row.address:" },
	{ "Netlink.Change", "action=add|type=link|row=linkinfo=veth", "row.linkinfo:" },
	{ "Netlink.Change", "action=add|type=link|row=net-ns-fd=3", "row.net-ns-fd:" },
	{ "Netlink.Change", "action=change|type=link|row=group=7", "ifindex or ifname" },
	{ "Netlink.Change", "action=del|type=link|row=group=7", "ifindex or ifname" },
	{ "Netlink.Change", "action=add|type=rule|row=dst=192.0.2.0/24;table=main", NULL },
	{ "Netlink.Change", "action=add|type=rule|row=dst=192.0.2.0/33", "row.dst:" },
	{ "Netlink.Change", "action=add|type=rule|row=dst=192.0.2", "row.dst:" },
	{ "Netlink.Change", "action=add|type=rule|row=priority=1;priority=1", "twice" },
	{ "Netlink.Batch", "", "changes:" },
	{ "Netlink.Batch", "changes=del;link;ifname=v0", NULL },
	{ "Netlink.Batch", "changes=add;link;ifname=v0;mtu=x", "changes[0].row.mtu:" },
	{ "Netlink.Batch", "changes=del;link;ifname=v0|changes=del;rule;priority=1",
	  "changes[0].row: must be the last" },
	{ "Netlink.Batch", "changes=add;link;ifname=v0|in_as_name=a/b", "in:" },
	{ "Netlink.OpenSocket", "protocol=route", NULL },
	{ "Netlink.OpenSocket", "protocol=audit", "protocol:" },
	{ "Netlink.OpenSocket", "protocol=route|in_as_name=a/b", "in:" },
	{ "Netlink.Subscribe", "types=link", NULL },
	{ "Netlink.Subscribe", "types=link|in_as_name=a/b", "in:" },
	{ "Netlink.OpenMonitor", "types=link", NULL },
	{ "Netlink.OpenMonitor", "types=link|in_as_name=a/b", "in:" },
	{ "NetlinkMonitor.Close", "", NULL },
	{ "NetlinkMonitor.Close", "in_as_fd=0", "in:" },
};

static int check(const struct words *words, struct refusal *refusal) {
	_cleanup_(message_freep) ProtobufCMessage *message =
		request_of(words->operation, words->fields);
	size_t place;
	const struct operation *operation = operation_find_whole(words->operation, &place);

	return operation->check ? operation->check(message, refusal) : 0;
}

static void words_are_taken_or_refused_by_name(void **state) {
	(void)state;
	for (size_t i = 0; i < N_OF(requests); i++) {
		struct refusal refusal = { 0 };
		int r = check(&requests[i], &refusal);

		if ((r == 0) != (requests[i].word == NULL))
			fail_msg("%s %s: %d %s", requests[i].operation, requests[i].fields, r,
				 refusal.text);
		if (r != 0) {
			assert_refusal(r, REFUSED_INVALID, &refusal, requests[i].word);
			assert_true(r > 0); /* not the kernel's */
		} else
			assert_string_equal(refusal.text, "");
	}
}

static void signals_have_names_again(void **state) {
	char name[SIGNAL_NAME_MAX];

	(void)state;
	for (int number = -1; number < 70; number++)
		if (signal_name_of(number, name))
			assert_int_equal(signal_name_find(name), number);
		else
			assert_true(number < 1 || number > 64 || number == 32 || number == 33);
	assert_true(signal_name_of(SIGTERM, name));
	assert_string_equal(name, "TERM");
	assert_true(signal_name_of(SIGRTMIN, name));
	assert_string_equal(name, "RTMIN+0");
	assert_true(signal_name_of(64, name));
	assert_string_equal(name, "RTMIN+30");
}

static void every_row_is_among_those_checked_here_and_refuses_something(void **state) {
	(void)state;
	for (size_t i = 0; i < operations_n; i++) {
		size_t taken = 0, refused = 0;
		char name[128];

		(void)snprintf(name, sizeof name, "%s.%s", operations[i]->interface,
			       operations[i]->method);
		for (size_t j = 0; j < N_OF(requests); j++)
			if (strcmp(requests[j].operation, name) == 0)
				*(requests[j].word ? &refused : &taken) += 1;
		if (taken == 0 || (operations[i]->check && refused == 0))
			fail_msg("%s is not checked here", name);
	}
}

/* Whoever asks may put anything into any string: no check crashes or writes too much about it. */
static void no_check_minds_long_and_odd_strings(void **state) {
	char *odd[3];

	(void)state;
	for (size_t i = 0; i < N_OF(odd); i++) {
		odd[i] = malloc(100001);
		assert_non_null(odd[i]);
		memset(odd[i], "/%\xff"[i], 100000);
		odd[i][100000] = '\0';
	}
	for (size_t i = 0; i < operations_n; i++)
		for (size_t o = 0; o < N_OF(odd); o++) {
			_cleanup_(message_freep) ProtobufCMessage *message =
				message_new(operations[i]->request);
			struct refusal refusal = { 0 };

			for (unsigned f = 0; f < operations[i]->request->n_fields; f++) {
				const ProtobufCFieldDescriptor *field =
					&operations[i]->request->fields[f];
				void *member = message_member(message, field);

				if (field->type != PROTOBUF_C_TYPE_STRING)
					continue;
				if (field->label == PROTOBUF_C_LABEL_REPEATED)
					assert_int_equal(
						message_append_string(member,
								      message_count(message, field),
								      odd[o]),
						0);
				else
					*(char **)member = strdup(odd[o]);
			}
			if (operations[i]->check && operations[i]->check(message, &refusal) < 0)
				fail_msg("%s: an error of the kernel's", operations[i]->method);
			assert_true(memchr(refusal.text, 0, sizeof refusal.text) != NULL);
		}
	for (size_t i = 0; i < N_OF(odd); i++)
		free(odd[i]);
}

static void a_path_is_absolute_and_shorter_than_the_kernels_limit(void **state) {
	static const char *const bad[] = { "", "a", "./a", "../a", " /a", "~/a", "\\/a" };
	char path[PATH_MAX + 1];
	struct refusal refusal = { 0 };

	(void)state;
	assert_int_equal(path_check("x", "/", &refusal), 0);
	assert_int_equal(path_check("x", "/a/../b", &refusal), 0);
	for (size_t i = 0; i < N_OF(bad); i++)
		assert_refusal(path_check("word", bad[i], &refusal), REFUSED_INVALID, &refusal,
			       "word:");
	memset(path, '/', sizeof path);
	path[PATH_MAX] = '\0';
	assert_refusal(path_check("word", path, &refusal), REFUSED_INVALID, &refusal, "4096");
	path[PATH_MAX - 1] = '\0';
	assert_int_equal(path_check("word", path, &refusal), 0);
}

static void a_host_name_has_up_to_64_harmless_bytes(void **state) {
	static const char *const good[] = {
		"a",
		"lectern",
		"A-b_c.d9",
		"(none)",
		".",
		"-",
		"1234567890123456789012345678901234567890123456789012345678901234"
	};
	static const char *const bad[] = {
		"",
		"a b",
		"a\n",
		"a/b",
		"(none",
		"(NONE)",
		"gr\xc3\xbcn",
		"a\\x41",
		"12345678901234567890123456789012345678901234567890123456789012345"
	};
	struct refusal refusal = { 0 };

	(void)state;
	for (size_t i = 0; i < N_OF(good); i++)
		assert_int_equal(host_name_check("x", good[i], &refusal), 0);
	for (size_t i = 0; i < N_OF(bad); i++)
		assert_refusal(host_name_check("word", bad[i], &refusal), REFUSED_INVALID, &refusal,
			       "word:");
	for (int byte = 1; byte < 256; byte++) {
		const char name[] = { 'a', (char)byte, '\0' };
		bool fine =
			strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.",
			       byte);

		assert_int_equal(host_name_check("x", name, &refusal) == 0, fine);
	}
}

static void a_lifetime_is_one_of_two_words_or_none(void **state) {
	static const char *const bad[] = { "", "Manual", "connection ", "forever",
					   "manual,connection" };
	struct refusal refusal = { 0 };

	(void)state;
	assert_int_equal(lifetime_check(NULL, &refusal), 0);
	assert_int_equal(lifetime_check("manual", &refusal), 0);
	assert_int_equal(lifetime_check("connection", &refusal), 0);
	assert_true(lifetime_is_connection("connection"));
	assert_false(lifetime_is_connection("manual"));
	assert_false(lifetime_is_connection(NULL));
	for (size_t i = 0; i < N_OF(bad); i++)
		assert_refusal(lifetime_check(bad[i], &refusal), REFUSED_INVALID, &refusal,
			       "lifetime:");
}

/* A mask is a set of what has a word, by whatever word. */
static void signals_have_their_names_and_numbers(void **state) {
	const struct {
		const char *name;
		int number;
	} names[] = {
		{ "HUP", SIGHUP },
		{ "SIGTERM", SIGTERM },
		{ "SYS", SIGSYS },
		{ "SIGIO", SIGIO },
		{ "POLL", SIGIO },
		{ "IOT", SIGABRT },
		{ "SIGCLD", SIGCHLD },
		{ "STKFLT", SIGSTKFLT },
		{ "SIGRTMIN", SIGRTMIN },
		{ "RTMIN", SIGRTMIN },
		{ "RTMIN+0", SIGRTMIN },
		{ "RTMIN+1", SIGRTMIN + 1 },
		{ "SIGRTMIN+30", SIGRTMAX },
		{ "RTMIN+31", 0 },
		{ "RTMIN+", 0 },
		{ "RTMIN+-1", 0 },
		{ "RTMIN+ 1", 0 },
		{ "RTMIN+1x", 0 },
		{ "RTMIN1", 0 },
		{ "RTMAX", 0 },
		{ "hup", 0 },
		{ " HUP", 0 },
		{ "HUP ", 0 },
		{ "RTMIN+18446744073709551617", 0 },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(names); i++)
		if (signal_name_find(names[i].name) != names[i].number)
			fail_msg("%s is %d", names[i].name, signal_name_find(names[i].name));
	for (int number = 1; number < 32; number++)
		assert_int_equal(signal_name_find(sigabbrev_np(number)), number);
}

static void capabilities_have_their_names_in_two_forms(void **state) {
	struct refusal refusal = { 0 };
	uint64_t mask;

	(void)state;
	for (int c = 0; c < cap_max_bits(); c++) {
		char *name = cap_to_name(c);

		assert_int_equal(capability_name_parse(&name, 1, &mask, &refusal), 0);
		assert_true(mask == UINT64_C(1) << c);
		assert_int_equal(capability_name_parse(&(char *){ name + 4 }, 1, &mask, &refusal),
				 0);
		assert_true(mask == UINT64_C(1) << c);
		(void)cap_free(name);
	}
	assert_int_equal(capability_name_parse(&(char *){ (char[]){ "all" } }, 1, &mask, &refusal),
			 0);
	assert_true(mask == UINT64_MAX);
	assert_int_equal(capability_name_parse(&(char *){ (char[]){ "none" } }, 1, &mask, &refusal),
			 0);
	assert_true(mask == 0);
	assert_int_equal(capability_name_parse(NULL, 0, &mask, &refusal), 0);
	assert_true(mask == 0);
}

static void every_type_of_namespace_has_its_flag_and_all_is_all(void **state) {
	struct refusal refusal = { 0 };
	uint32_t all, one, sum = 0;

	(void)state;
	for (size_t i = 0; i < NAMESPACE_TYPES; i++) {
		char *word = (char *)(uintptr_t)namespace_types[i].word;

		assert_int_equal(namespace_type_parse(&word, 1, &one, &refusal), 0);
		assert_int_equal(one, namespace_types[i].flag);
		assert_false(sum & one);
		sum |= one;
		if (i > 0)
			assert_true(strcmp(namespace_types[i - 1].word, word) < 0);
	}
	assert_int_equal(namespace_type_parse(&(char *){ (char[]){ "all" } }, 1, &all, &refusal),
			 0);
	assert_int_equal(sum, all);
	assert_int_equal(namespace_type_parse(NULL, 0, &one, &refusal), 0);
	assert_int_equal(one, 0);
}

/* The broker does this for whoever asks, while all others wait. */
static void many_long_variables_are_compared_in_no_time(void **state) {
	_cleanup_(message_freep) ProtobufCMessage *message =
		request_of("Processes.Spawn", "argv=x");
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "environment");
	const struct operation *operation = operation_find("Processes", "Spawn");
	struct timespec before, after;
	struct refusal refusal = { 0 };

	(void)state;
	for (int i = 0; i < 4096; i++) {
		Usher__Variable *variable =
			(Usher__Variable *)message_new(&usher__variable__descriptor);

		*(Usher__Variable **)message_append_element(message, field) = variable;
		assert_true(asprintf(&variable->key, "%04000d", i) > 0);
		variable->value = strdup("");
	}
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
	assert_int_equal(operation->check(message, &refusal), 0);
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
	assert_true((after.tv_sec - before.tv_sec) * 1000 +
			    (after.tv_nsec - before.tv_nsec) / 1000000 <
		    500);
}

static void a_process_with_more_rights_is_not_to_be_had(void **state) {
	const struct words words = { "Processes.Spawn", "argv=x|no_new_privileges=no", NULL };
	struct refusal refusal = { 0 };

	(void)state;
	assert_refusal(check(&words, &refusal), REFUSED_UNSUPPORTED, &refusal,
		       "no_new_privileges:");
}

static void there_are_not_more_mounts_than_a_root_takes(void **state) {
	_cleanup_(message_freep) ProtobufCMessage *message =
		request_of("Processes.Spawn", "argv=x|types=all|mounts=;/a;tmpfs;");
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "mounts");
	const struct operation *operation = operation_find("Processes", "Spawn");
	struct refusal refusal = { 0 };

	(void)state;
	for (int i = 1; i < 128; i++) {
		Usher__MountSpecification *mount = (Usher__MountSpecification *)message_new(
			&usher__mount_specification__descriptor);

		*(Usher__MountSpecification **)message_append_element(message, field) = mount;
		mount->source = strdup("");
		mount->target = strdup("/a");
		mount->fstype = strdup("tmpfs");
	}
	assert_int_equal(operation->check(message, &refusal), 0);
	*(ProtobufCMessage **)message_append_element(message, field) =
		message_copy(&((Usher__SpawnRequest *)message)->mounts[0]->base);
	assert_refusal(operation->check(message, &refusal), REFUSED_LIMIT, &refusal, "mounts:");
}

/* By its type alone: whoever decides which unit it is for sees nothing else. */
static void what_shows_or_needs_a_network_or_processes_joins_theirs(void **state) {
	static const struct {
		const char *type;
		bool joins;
	} types[] = { { "proc", true },     { "sysfs", true }, { "cifs", true },
		      { "9p", true },       { "nfs4", true },  { "nobody.knows", true },
		      { "tmpfs", false },   { "ext4", false }, { "squashfs", false },
		      { "overlay", false }, { "auto", false } };

	(void)state;
	for (size_t i = 0; i < N_OF(types); i++)
		if (filesystem_joins(types[i].type) != types[i].joins)
			fail_msg("%s", types[i].type);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_have_names_again),
		cmocka_unit_test(words_are_taken_or_refused_by_name),
		cmocka_unit_test(every_row_is_among_those_checked_here_and_refuses_something),
		cmocka_unit_test(no_check_minds_long_and_odd_strings),
		cmocka_unit_test(a_path_is_absolute_and_shorter_than_the_kernels_limit),
		cmocka_unit_test(a_host_name_has_up_to_64_harmless_bytes),
		cmocka_unit_test(a_lifetime_is_one_of_two_words_or_none),
		cmocka_unit_test(signals_have_their_names_and_numbers),
		cmocka_unit_test(capabilities_have_their_names_in_two_forms),
		cmocka_unit_test(every_type_of_namespace_has_its_flag_and_all_is_all),
		cmocka_unit_test(many_long_variables_are_compared_in_no_time),
		cmocka_unit_test(a_process_with_more_rights_is_not_to_be_had),
		cmocka_unit_test(what_shows_or_needs_a_network_or_processes_joins_theirs),
		cmocka_unit_test(there_are_not_more_mounts_than_a_root_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
