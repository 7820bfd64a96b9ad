# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is installed, and how little of it has any power."""

import errno
import glob
import os
import re
import signal
import socket
import stat
import subprocess

import support
from support import Variant, wait_until

FILES = {
    "/usr/libexec/usher/usherd": 0o755,
    "/usr/libexec/usher/usher-worker": 0o755,
    "/usr/libexec/usher/usher-probe": 0o755,
    "/usr/libexec/usher/usher-ranges": 0o755,
    "/usr/bin/usher": 0o755,
    "/usr/include/usher-event.h": 0o644,
    "/usr/include/usher-netlink-records.h": 0o644,
    "/usr/include/usher-netlink.h": 0o644,
    "/usr/include/usher-sd-event.h": 0o644,
    "/usr/include/usher-seccomp.h": 0o644,
    "/usr/include/usher.h": 0o644,
    "/usr/lib/systemd/system/usherd.service": 0o644,
    "/usr/lib/systemd/system/usher-worker.service": 0o644,
    "/usr/lib/systemd/system/usher-worker.socket": 0o644,
    "/usr/lib/sysusers.d/usher.conf": 0o644,
    "/usr/lib/tmpfiles.d/usher.conf": 0o644,
    "/usr/share/dbus-1/system-services/org.usher1.service": 0o644,
    "/usr/share/dbus-1/system.d/org.usher1.conf": 0o644,
    "/usr/share/dbus-1/interfaces/org.usher1.Host.xml": 0o644,
    "/usr/share/dbus-1/interfaces/org.usher1.Mount.xml": 0o644,
    "/usr/share/dbus-1/interfaces/org.usher1.Mounts.xml": 0o644,
    "/usr/share/dbus-1/interfaces/org.usher1.Namespace.xml": 0o644,
    "/usr/share/dbus-1/interfaces/org.usher1.Namespaces.xml": 0o644,
    "/usr/share/dbus-1/interfaces/org.usher1.Process.xml": 0o644,
    "/usr/share/dbus-1/interfaces/org.usher1.Processes.xml": 0o644,
    "/usr/share/dbus-1/interfaces/org.usher1.Service.xml": 0o644,
    "/usr/share/polkit-1/actions/org.usher1.policy": 0o644,
    "/usr/share/man/man1/usher.1": 0o644,
    "/usr/share/man/man3/libusher-event.3": 0o644,
    "/usr/share/man/man3/libusher-netlink.3": 0o644,
    "/usr/share/man/man3/libusher-sd-event.3": 0o644,
    "/usr/share/man/man3/libusher-seccomp.3": 0o644,
    "/usr/share/man/man3/libusher.3": 0o644,
    "/usr/share/man/man5/org.usher1.5": 0o644,
    "/usr/share/man/man5/usherd.conf.5": 0o644,
    "/usr/share/man/man8/usherd.8": 0o644,
}
CAPABILITIES = {"CAP_DAC_OVERRIDE": 1, "CAP_DAC_READ_SEARCH": 2, "CAP_SYS_CHROOT": 18, "CAP_SYS_ADMIN": 21}


def status_of(pid):
    """/proc/PID/status, as a dict."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def has_filter(status):
    """Of system calls, beside those of the unit."""
    return int(status["Seccomp_filters"]) > int(status_of(support.main_pid("usher-worker.service"))["Seccomp_filters"])


def threads_of(pid):
    return os.listdir(f"/proc/{pid}/task")


PLACES = ("/usr/bin/*usher*", "/usr/sbin/*usher*", "/usr/libexec/*usher*", "/usr/libexec/usher/*", "/usr/include/*usher*",
          "/usr/lib/*usher*", "/usr/lib/*/*usher*", "/usr/lib/*/*/*usher*", "/usr/share/*usher*", "/usr/share/*/*usher*",
          "/usr/share/*/*/*usher*", "/etc/*usher*", "/etc/*/*usher*", "/var/lib/*usher*", "/run/usher", "/run/usher/*")


def usher_files():
    """Everything with the name of ours in it, in the places where software lies."""
    found = (path for pattern in PLACES for path in glob.glob(pattern))
    return [path for path in found if "usher-boot" not in path and "usher-test" not in path]


def join_user_namespace(pid):
    with open(f"/proc/{pid}/ns/user", "rb") as file:
        support.setns(file.fileno())


def look_into(pid):
    """What cannot be done to a process, and the errno of each."""
    def memory():
        os.close(os.open(f"/proc/{pid}/mem", os.O_RDWR))

    def trace():
        PTRACE_SEIZE, PTRACE_DETACH = 0x4206, 17
        if support.libc.ptrace(PTRACE_SEIZE, pid, None, None) != 0:
            number = support.ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        support.libc.ptrace(PTRACE_DETACH, pid, None, None)

    tried = {"descriptors": lambda: os.listdir(f"/proc/{pid}/fd"), "memory": memory, "root": lambda: os.readlink(f"/proc/{pid}/root"),
             "namespace": lambda: os.readlink(f"/proc/{pid}/ns/mnt"), "trace": trace}
    return {what: error for what, error in ((what, support.errno_of(action)) for what, action in tried.items()) if error}


class Files(support.TestCase):
    def test_every_file_is_in_its_place_with_its_mode_and_is_roots(self):
        for path, mode in FILES.items():
            with self.subTest(path=path):
                status = os.lstat(path)
                self.assertTrue(stat.S_ISREG(status.st_mode))
                self.assertEqual((oct(stat.S_IMODE(status.st_mode)), status.st_uid, status.st_gid), (oct(mode), 0, 0))

    def test_programs_find_the_library(self):
        script = "import ctypes; ctypes.CDLL('libusher.so.1'); print(*{line.split()[-1] for line in open('/proc/self/maps') if 'libusher' in line})"
        loaded = subprocess.run(["/usr/bin/python3", "-c", script], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        self.assertIn(os.path.realpath(loaded), [os.path.realpath(path) for path in usher_files()])

    def test_sec_67_nothing_is_set_user_id_nor_has_capabilities(self):
        paths = set(usher_files()) | set(FILES)
        self.assertGreater(len(paths), len(FILES))
        for path in sorted(paths):
            mode = os.lstat(path).st_mode
            if not stat.S_ISLNK(mode):
                self.assertEqual(mode & (stat.S_ISUID | stat.S_ISGID), 0, path)
                self.assertEqual(mode & stat.S_IWOTH, 0, path)
                self.assertNotIn("security.capability", os.listxattr(path), path)

    def test_sec_57_the_socket_of_the_worker_opens_for_the_broker_alone(self):
        status = os.stat("/run/usher/worker")
        self.assertTrue(stat.S_ISSOCK(status.st_mode))
        self.assertEqual(oct(stat.S_IMODE(status.st_mode)), oct(0o600))
        self.assertEqual(status.st_uid, int(subprocess.run(["id", "-u", "usher"], stdout=subprocess.PIPE, text=True, check=True).stdout))
        status = os.stat("/run/usher")
        self.assertEqual((oct(stat.S_IMODE(status.st_mode)), status.st_uid), (oct(0o755), 0))

        def connect():
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
                one.connect("/run/usher/worker")

        for user in support.PEOPLE:
            with self.subTest(user=user), self.assertRaises(PermissionError):
                support.as_user(user, connect)

    def test_the_user_usher_can_do_nothing_else(self):
        entry = subprocess.run(["getent", "passwd", "usher"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip().split(":")
        self.assertEqual(entry[6], "/usr/sbin/nologin")
        self.assertEqual(entry[5], "/")
        owned = [path for path in usher_files()
                 if os.lstat(path).st_uid == int(entry[2]) and not stat.S_ISSOCK(os.lstat(path).st_mode)]
        self.assertIn("/run/usher/objects", owned)
        self.assertLessEqual(set(owned), {"/run/usher/objects", "/var/lib/usher"})

    def test_every_action_of_the_policy_is_known_to_polkit_and_is_ushers(self):
        text = subprocess.run(["pkaction", "--verbose"], stdout=subprocess.PIPE, text=True, check=True).stdout
        actions = {block.split(":")[0].strip(): block for block in re.split(r"\n\n+", text)
                   if block.strip().startswith("org.usher1.")}
        with open("/usr/share/polkit-1/actions/org.usher1.policy", encoding="utf-8") as file:
            wanted = re.findall(r'<action id="([^"]+)">', file.read())
        self.assertEqual(sorted(actions), sorted(wanted))
        for name, block in actions.items():
            self.assertIn("org.freedesktop.policykit.owner -> unix-user:usher", block, name)
            self.assertNotIn("_keep", block, name)
            implicit = re.findall(r"implicit (\w+):\s+(\w+)", block)
            safe = name.endswith("-own")
            for kind, answer in implicit:
                allowed = {"auth_admin"} | ({"yes"} if safe and (kind == "active" or name == "org.usher1.unmount-own") else set())
                self.assertIn(answer, allowed, f"{name} {kind}")

    def test_the_manual_pages_can_be_read(self):
        if not os.path.exists("/usr/bin/man"):
            self.skipTest("there is no man(1) here")
        for path in FILES:
            if "/man/" in path:
                result = subprocess.run(["man", "-l", path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, check=False, env={**os.environ, "MANPAGER": "cat", "MAN_KEEP_FORMATTING": ""})
                self.assertEqual((result.returncode, result.stderr), (0, ""), path)
                self.assertIn("usher", result.stdout)


class Security(support.TestCase):
    def exposure(self, name):
        text = subprocess.run(["systemd-analyze", "security", "--no-pager", name], stdout=subprocess.PIPE, text=True, check=False).stdout
        found = re.search(r"Overall exposure level for \S+: (\d+\.\d+)", text)
        self.assertIsNotNone(found, text)
        print(f"     systemd-analyze security {name}: {found.group(1)}")
        return float(found.group(1))

    def test_the_broker_is_exposed_as_little_as_can_be(self):
        self.assertLessEqual(self.exposure("usherd.service"), 0.8)

    def test_the_worker_is_exposed_as_little_as_its_work_allows(self):
        self.assertLessEqual(self.exposure("usher-worker.service"), 4.5)

    def test_the_spawner_is_exposed_as_little_as_programs_of_users_allow(self):
        # nearly all that would count stays on what is executed: docs/security.md
        self.assertLessEqual(self.exposure("usher-spawner.service"), 8.3)

    def test_a_watcher_is_exposed_as_little_as_its_work_allows(self):
        self.assertLessEqual(self.exposure("usher-watcher@x.service"), 3.9)

    def test_the_reader_of_netlink_is_exposed_as_little_as_its_work_allows(self):
        self.assertLessEqual(self.exposure("usher-netlink@x.service"), 3.9)

    def test_systemd_understands_every_line_of_the_units(self):
        for name in ("usherd.service", "usher-worker.service", "usher-worker.socket", "usher-spawner.service", "usher-spawner.socket",
                     "usher-watcher@.service", "usher-watcher.socket", "usher-netlink@.service", "usher-netlink.socket"):
            result = subprocess.run(["systemd-analyze", "verify", "--man=no", f"/usr/lib/systemd/system/{name}"], stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, text=True, check=False)
            lines = [line for line in result.stdout.splitlines() if "usher" in line]
            self.assertEqual((result.returncode, lines), (0, []))

    def test_the_broker_has_no_capability_at_all_and_no_way_to_one(self):
        support.settle()
        pid = support.main_pid("usherd.service")
        uid = subprocess.run(["id", "-u", "usher"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        for thread in threads_of(pid):
            status = status_of(f"{pid}/task/{thread}")
            for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                self.assertEqual(int(status[name], 16), 0, name)
            self.assertEqual(status["NoNewPrivs"], "1")
            self.assertEqual(status["Seccomp"], "2")
            self.assertEqual(status["Uid"].split(), [uid] * 4)

    def test_the_broker_can_write_nowhere_and_see_no_home(self):
        support.settle()
        pid = support.main_pid("usherd.service")
        for mount in support.mounts(pid):
            if mount.target in ("/", "/usr", "/etc", "/sys"):
                self.assertIn("ro", mount.options, mount.target)
        self.assertEqual(os.listdir(f"/proc/{pid}/root/home"), [])

    def test_the_worker_has_the_capabilities_of_its_unit_and_no_more(self):
        support.settle()
        status = status_of(support.main_pid("usher-worker.service"))
        with open("/usr/lib/systemd/system/usher-worker.service", encoding="utf-8") as file:
            names = re.search(r"^CapabilityBoundingSet=(.*)$", file.read(), re.MULTILINE).group(1).split()
        decoded = subprocess.run(["capsh", f"--decode={status['CapPrm']}"], stdout=subprocess.PIPE, text=True, check=True).stdout
        self.assertEqual(sorted(decoded.strip().partition("=")[2].split(",")), sorted(name.lower() for name in names))
        self.assertEqual(status["CapPrm"], status["CapBnd"])
        self.assertEqual((status["NoNewPrivs"], status["CapInh"].strip("0"), status["CapAmb"].strip("0")), ("1", "", ""))

    def test_the_worker_has_no_network_and_is_in_the_machines_namespaces_otherwise(self):
        support.settle()
        pid = support.main_pid("usher-worker.service")
        for name in ("mnt", "uts", "pid", "user", "ipc", "cgroup"):
            self.assertEqual(os.readlink(f"/proc/{pid}/ns/{name}"), os.readlink(f"/proc/1/ns/{name}"), name)
        self.assertNotEqual(os.readlink(f"/proc/{pid}/ns/net"), os.readlink("/proc/1/ns/net"))

    def test_sec_56_a_worker_that_is_killed_again_and_again_is_started_again_and_again(self):
        with support.Client("root") as root:
            for _ in range(60):  # of which systemd's own limit, 20 in two seconds, would allow a third
                root.call("Host", "GetHostname", {})
                support.kill_worker()
            root.call("Host", "GetHostname", {})
        result = subprocess.run(["systemctl", "is-active", "usher-worker.socket"], stdout=subprocess.PIPE, text=True, check=False)
        self.assertEqual(result.stdout.strip(), "active")


class Confinement(support.MountTestCase):
    """A child of the worker, caught while it hangs on a file system that does not answer."""

    def child(self):
        return wait_until(lambda: support.children("usher-worker.service"), "a child of the worker is at work").pop()

    def catch(self, method, *arguments, answers=None, confined=True):
        """What /proc says of the child of a call that hangs."""
        spot = f"{self.home}/stuck"
        os.makedirs(spot, exist_ok=True)
        os.chown(spot, self.uid, self.uid)
        with support.StuckFilesystem(spot, "alice", answers, reads=False):
            pending = self.alice.begin("Mounts", method, *arguments, {"deadline_usec": Variant("t", 5000000)})
            child = self.child()
            if confined:
                wait_until(lambda: has_filter(status_of(child)), "the child has a filter of its own")
            status = status_of(child)
            status["descriptors"] = support.descriptors(child)
            status["dumpable"] = os.stat(f"/proc/{child}/fd").st_uid
            support.kill_children("usher-worker.service")
            with self.refused("Failed"):
                pending.result()
        return status

    def test_sec_44_a_child_has_the_capabilities_and_system_calls_of_its_operation_only(self):
        row = sum(1 << CAPABILITIES[name] for name in ("CAP_SYS_ADMIN", "CAP_SYS_CHROOT", "CAP_DAC_READ_SEARCH"))
        target = self.directory("m")
        for method, arguments in (("Bind", (f"{self.home}/stuck", target, [])), ("OpenTree", (f"{self.home}/stuck", [])),
                                  ("Mount", ("", f"{self.home}/stuck", "tmpfs", [])), ("Move", (f"{self.home}/stuck", target)),
                                  ("Remount", (f"{self.home}/stuck", ["ro"]))):
            with self.subTest(method=method):
                status = self.catch(method, *arguments)
                self.assertEqual((status["Seccomp"], status["NoNewPrivs"]), ("2", "1"))
                self.assertEqual(int(status["CapPrm"], 16) & ~row, 0, status["CapPrm"])
                self.assertEqual([int(status[name], 16) for name in ("CapEff", "CapInh", "CapAmb")], [0, 0, 0])

    def test_a_child_touches_files_as_the_caller(self):
        status = self.catch("OpenTree", f"{self.home}/stuck", [])
        self.assertEqual(status["Uid"].split(), ["0", "0", "0", str(self.uid)])
        self.assertEqual(status["Gid"].split(), ["0", "0", "0", str(self.uid)])
        self.assertNotIn("0", status["Groups"].split())

    def test_sec_43_a_child_cannot_be_looked_into_by_the_caller(self):
        spot = self.directory("stuck")
        with support.StuckFilesystem(spot, "alice", reads=False):
            pending = self.alice.begin("Mounts", "OpenTree", spot, [], {"deadline_usec": Variant("t", 5000000)})
            child = self.child()
            for action in (lambda: os.kill(child, 9), lambda: os.listdir(f"/proc/{child}/fd"),
                           lambda: os.readlink(f"/proc/{child}/root"), lambda: open(f"/proc/{child}/mem", "rb").close(), lambda: os.readlink(f"/proc/{child}/ns/mnt")):
                with self.assertRaises(PermissionError):
                    support.as_user("alice", action)
            os.kill(child, 9)
            with self.refused("Failed"):
                pending.result()

    def test_sec_34_a_child_that_joined_the_callers_namespace_cannot_be_looked_into_by_its_root(self):
        insider = self.client("alice")
        insider.run(support.enter_user_namespace, "mnt")
        target, spot, other = self.directory("m"), self.directory("stuck"), self.directory("other")
        with support.StuckFilesystem(spot, "alice", {support.FUSE_GETATTR: 1, support.FUSE_STATFS: 1}, reads=False):
            attacker = self.client("alice")
            attacker.run(join_user_namespace, insider.pid)
            self.assertEqual(attacker.run(look_into, insider.pid), {}, "the attacker is root where the insider is")
            pending = insider.begin("Mounts", "Mount", "", target, "overlay", [f"lowerdir={spot}:{other}"],
                                    {"deadline_usec": Variant("t", 5000000)})
            child = self.child()
            wait_until(lambda: os.readlink(f"/proc/{child}/ns/user") == os.readlink(f"/proc/{insider.pid}/ns/user"),
                       "the child has joined the namespace")
            tried = attacker.run(look_into, child)
            support.kill_children("usher-worker.service")
            with self.refused("Failed"):
                pending.result()
        self.assertEqual({what: errno.errorcode[error] for what, error in tried.items()
                          if error not in (errno.EPERM, errno.EACCES)}, {})
        self.assertEqual(set(tried), {"descriptors", "memory", "root", "namespace", "trace"})

    def test_sec_37_a_child_inherits_nothing(self):
        status = self.catch("OpenTree", f"{self.home}/stuck", [])
        self.assertEqual(status["dumpable"], 0)
        kinds = [target.partition(":")[0] for number, target in status["descriptors"].items() if number > 2]
        self.assertLessEqual(len(kinds), 16, status["descriptors"])
        known = ("socket", "anon_inode", "mnt", "user", "uts", "pid", "net")
        self.assertEqual([kind for kind in kinds if kind not in known and not kind.startswith("/")], [])
        listeners = [target for target in status["descriptors"].values() if target.startswith("socket")]
        self.assertLessEqual(len(listeners), 3, "the broker's connection, and standard output and error")

    def test_while_it_works_a_child_has_its_operations_capabilities_in_effect_and_no_others(self):
        row = sum(1 << CAPABILITIES[name] for name in ("CAP_SYS_ADMIN", "CAP_SYS_CHROOT", "CAP_DAC_READ_SEARCH"))
        self.during(support.polkit_answer("yes", "org.usher1.mount", "alice"))
        target, other = self.directory("m"), self.directory("other")
        spot = self.directory("stuck")
        with support.StuckFilesystem(spot, "alice", {support.FUSE_GETATTR: 1, support.FUSE_STATFS: 1}, reads=False):
            pending = self.alice.begin("Mounts", "Mount", "", target, "overlay", [f"lowerdir={spot}:{other}"],
                                       {"deadline_usec": Variant("t", 5000000)})

            def at_work():
                """Those that have rights in the machine's user namespace; in one of their own all rights are none."""
                inside = [pid for pid in support.children("usher-worker.service")
                          if os.readlink(f"/proc/{pid}/ns/user") == os.readlink("/proc/1/ns/user")]
                return [status for status in map(status_of, inside) if int(status["CapEff"], 16) and has_filter(status)]

            # It has been asked about, so it is in effect what it is going to be; a child of its own may come and go.
            found = wait_until(at_work, "the child is at work")
            support.kill_children("usher-worker.service")
            with self.refused("Failed"):
                pending.result()
        for status in found:
            self.assertEqual(int(status["CapPrm"], 16) & ~row, 0, status["CapPrm"])
            self.assertEqual(int(status["CapEff"], 16) & ~row, 0, status["CapEff"])
            self.assertEqual(status["Seccomp"], "2")
