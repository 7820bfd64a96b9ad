# SPDX-License-Identifier: LGPL-2.1-or-later
"""Namespaces and processes that belong to somebody else, or to nobody any more.

A test whose name begins with sec-NN is the one of lesson NN in docs/security.md."""

import contextlib
import os
import signal
import subprocess

import support
from support import Descriptor, Variant

INTERACTIVE = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"
GONE = ("NotFound", "org.freedesktop.DBus.Error.UnknownObject", "org.freedesktop.DBus.Error.UnknownMethod")

# In a user namespace of its own it may go from one network to the other; to who is not dumpable the kernel lets nobody look. It
# stays a while, about as long as the service takes from one look to the next, with the other network twice as long as in sight.
HIDER = """
import ctypes, os, sys
NEWUSER, NEWNET, DUMPABLE = 0x10000000, 0x40000000, 4
libc = ctypes.CDLL(None)
def go(call, *words):
    if call(*words):
        sys.exit(1)
def network():
    go(libc.unshare, NEWNET)
    return os.open("/proc/self/ns/net", os.O_RDONLY)
go(libc.unshare, NEWUSER)
hidden, shown = network(), network()
go(libc.prctl, DUMPABLE, 1)
print(os.fstat(hidden).st_ino, flush=True)
sys.stdin.readline()
def stay(rounds):
    for _ in range(rounds):
        pass
while True:
    stay(1000)
    go(libc.prctl, DUMPABLE, 0)
    go(libc.setns, hidden, NEWNET)
    stay(2000)
    go(libc.setns, shown, NEWNET)
    go(libc.prctl, DUMPABLE, 1)
"""


class TestCase(support.TestCase):
    session = False

    def setUp(self):
        super().setUp()
        self.alice, self.bob = self.client("alice"), self.client("bob")
        self.addCleanup(self.end_all)

    @staticmethod
    def end_all():
        for path in support.root().objects("Process"):
            with contextlib.suppress(support.DBusError):  # it has ended
                support.root().call("Process", "Signal", "KILL", {}, path=path)
            with contextlib.suppress(support.DBusError):
                support.root().call("Process", "Wait", {}, path=path)
        for path in support.root().objects("Namespace"):
            with contextlib.suppress(support.DBusError):
                support.root().call("Namespace", "Destroy", {}, path=path)

    def namespace(self, client, name="n", types=("all",), **keys):
        return client.call("Namespaces", "Create", name, list(types), keys)

    def sleeper(self, client, **keys):
        path, pidfd = client.call("Processes", "Spawn", ["/bin/sleep", "1000"], {}, {}, {"lifetime": "manual", **keys})
        self.addCleanup(pidfd.close)
        return path

    def assert_gone(self, client, *call, **keywords):
        with self.assertRaises(support.DBusError) as caught:
            client.call(*call, **keywords)
        self.assertIn(caught.exception.name, tuple(name if "." in name else support.ERROR + name for name in GONE))


class Others(TestCase):
    def test_sec_46_a_namespace_of_somebody_elses_is_an_administrators(self):
        """sec-46: alice's, that bob opens, joins, ends, or names."""
        path = self.namespace(self.alice, map_zero=True)
        leader = support.root().get("Namespace", "Leader", path=path)
        inside = {"in": Variant("o", path)}
        with Descriptor(os.pidfd_open(leader), owned=True) as pidfd:
            for what, call in {
                    "open": ("Namespace", "Open", "user", {}), "leader": ("Namespace", "OpenLeader", {}),
                    "destroy": ("Namespace", "Destroy", {}), "attach": ("Namespaces", "Attach", "mine", pidfd, ["all"], {}),
                    "spawn": ("Processes", "Spawn", ["/bin/true"], {}, {}, inside),
                    "spawn by pidfd": ("Processes", "Spawn", ["/bin/true"], {}, {}, {"in": pidfd}),
                    "mount": ("Mounts", "Mount", "", "/mnt", "tmpfs", [], inside), "name": ("Host", "SetHostname", "x", inside)}.items():
                with self.subTest(what), self.refused(INTERACTIVE, "org.usher1."):
                    self.bob.call(*call, path=path if call[0] == "Namespace" else support.MANAGER)
        self.assertEqual(self.alice.objects("Namespace"), [path])
        self.assertTrue(os.path.exists(f"/proc/{leader}"))

    def test_sec_33_a_process_of_somebody_elses_is_signalled_by_an_administrator_only(self):
        """sec-33: alice's program, also in her own namespaces."""
        for keys in ({}, {"types": Variant("as", ["all"]), "map_zero": True}):
            path = self.sleeper(self.alice, **keys)
            with self.subTest(keys), self.refused(INTERACTIVE, "org.usher1.signal-process"):
                self.bob.call("Process", "Signal", "KILL", {}, path=path)
            with self.subTest(keys), self.refused("NotOwner"):
                self.bob.call("Process", "Wait", {}, path=path)
            self.assertEqual(self.alice.get("Process", "State", path=path), "running")
            self.alice.call("Process", "Signal", "KILL", {}, path=path)
            self.assertEqual(self.alice.call("Process", "Wait", {}, path=path), ("killed", signal.SIGKILL))

    def test_sec_46_what_an_administrator_allows_is_exactly_that(self):
        """sec-46: bob may open alice's namespace, and with that end nothing."""
        path = self.namespace(self.alice)
        with support.polkit_answer("yes", "org.usher1.open-namespace", "bob"):
            self.bob.call("Namespace", "Open", "net", {}, path=path).close()
            with self.refused(INTERACTIVE, "org.usher1.destroy-namespace"):
                self.bob.call("Namespace", "Destroy", {}, path=path)
        with support.polkit_answer("yes", "org.usher1.destroy-namespace", "bob"):
            self.bob.call("Namespace", "Destroy", {}, path=path)
        self.assertEqual(self.alice.objects("Namespace"), [])

    def test_a_name_is_its_owners(self):
        mine, theirs = self.namespace(self.alice, "same", ["user"]), self.namespace(self.bob, "same", ["user"])
        self.assertNotEqual(mine, theirs)
        with self.refused("Busy", "name"):
            self.namespace(self.alice, "same", ["user"])

    def test_sec_46_without_a_user_namespace_an_administrator_makes_it(self):
        """sec-46: what would be the machine's."""
        for types in (["net"], ["mnt", "pid"], ["uts", "cgroup", "ipc"], ["time"]):
            with self.subTest(types), self.refused(INTERACTIVE, "org.usher1.create-namespace"):
                self.namespace(self.alice, types=types)
            with self.subTest(types), self.refused(INTERACTIVE, "org.usher1.spawn"):
                self.sleeper(self.alice, types=Variant("as", types))
        self.assertEqual(self.alice.objects("Namespace"), [])

    def test_sec_33_a_program_of_roots_is_not_attached_to(self):
        """sec-33: nor one that runs for alice with root's rights."""
        process = subprocess.Popen(["sleep", "1000"])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for pid in (process.pid, 1, support.main_pid("usherd.service")):
            with self.subTest(pid), Descriptor(os.pidfd_open(pid), owned=True) as pidfd, \
                    self.refused(INTERACTIVE, "org.usher1.attach-namespace"):
                self.alice.call("Namespaces", "Attach", "theirs", pidfd, ["net"], {})
        self.assertEqual(self.alice.objects("Namespace"), [])

    def test_sec_33_what_hides_is_judged_when_it_is_opened(self):
        """sec-33: a program of alice's that time and again hides, goes where nobody is to see it, and comes back."""
        program = subprocess.Popen([*support.become("alice"), "python3", "-c", HIDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(program.communicate)
        self.addCleanup(program.kill)
        hidden = int(program.stdout.readline())
        with Descriptor(os.pidfd_open(program.pid), owned=True) as pidfd:
            path = self.alice.call("Namespaces", "Attach", "mine", pidfd, ["net"], {})
        with self.refused(INTERACTIVE, "org.usher1.open-namespace"):
            self.bob.call("Namespace", "Open", "net", {}, path=path)
        program.stdin.write(b"now\n")
        program.stdin.flush()
        seen = {True: 0, False: 0}
        for _ in range(200):
            try:
                with self.alice.call("Namespace", "Open", "net", {}, path=path) as namespace:
                    self.assertNotEqual(os.fstat(namespace.fd).st_ino, hidden)
                seen[True] += 1
            except support.DBusError as error:
                self.assertEqual(error.name, INTERACTIVE)
                seen[False] += 1
        self.assertTrue(seen[True] and seen[False], seen)
        self.alice.call("Namespace", "Destroy", {}, path=path)
        self.assertIsNone(program.poll())


class Gone(TestCase):
    def test_sec_50_one_that_vanishes_in_the_middle_is_no_other(self):
        """sec-50: the leader dies before the service has heard of it, or with the calls under way."""
        path = self.namespace(self.alice)
        leader = support.root().get("Namespace", "Leader", path=path)
        with support.polkit_answer("yes", "org.usher1.open-namespace", "bob"):
            os.kill(leader, signal.SIGKILL)
            for call in (("Open", "net", {}), ("OpenLeader", {}), ("Destroy", {})):
                with self.subTest(call[0]):
                    self.assert_gone(self.bob, "Namespace", *call, path=path)
        support.wait_until(lambda: not self.alice.objects("Namespace"), "the object has gone")
        with self.refused("NotFound", "in:"):
            self.alice.call("Host", "GetHostname", {"in": Variant("o", path)})
        with self.refused("NotFound", "in:"):
            self.sleeper(self.alice, **{"in": Variant("o", path)})

    def test_sec_50_a_number_is_not_used_again(self):
        """sec-50: of a namespace, nor of a process."""
        seen = set()
        for _ in range(5):
            path = self.namespace(self.alice, types=["user"])
            self.alice.call("Namespace", "Destroy", {}, path=path)
            self.assertNotIn(path, seen)
            seen.add(path)
            for call in (("Open", "net", {}), ("OpenLeader", {}), ("Destroy", {})):
                self.assert_gone(self.alice, "Namespace", *call, path=path, signature="sa{sv}" if len(call) == 3 else "a{sv}")

    def test_a_pidfd_of_a_process_that_has_gone(self):
        process = support.start_as("alice", "true")
        with Descriptor(os.pidfd_open(process.pid), owned=True) as pidfd:
            process.wait()
            for call in (("Namespaces", "Attach", "n", pidfd, ["net"], {}), ("Processes", "Spawn", ["/bin/true"], {}, {}, {"in": pidfd}),
                         ("Namespaces", "Create", "n", ["user"], {"in": pidfd})):
                with self.subTest(call[1]), self.refused("NotFound", "exited"):
                    self.alice.call(*call)
        self.assertEqual(self.alice.objects("Namespace"), [])

    def test_a_signal_to_one_that_has_ended_reaches_nobody(self):
        path = self.sleeper(self.alice)
        os.kill(self.alice.get("Process", "Pid", path=path), signal.SIGKILL)
        support.wait_until(lambda: self.alice.get("Process", "State", path=path) == "killed", "it has ended")
        self.assert_gone(self.alice, "Process", "Signal", "TERM", {}, path=path)


class Words(TestCase):
    """What no honest program sends; nothing of it makes anything."""

    SPAWN = (
        ({"types": Variant("as", ["user", "user"])}, "types"), ({"types": Variant("as", ["all", "net"])}, "types"),
        ({"types": Variant("as", [""])}, "types"), ({"hostname": "x"}, "hostname"), ({"root": "/"}, "root"),
        ({"types": Variant("as", ["mnt", "user"]), "root": "relative"}, "root"), ({"workdir": "x"}, "workdir"),
        ({"uid_map": "0 0 1"}, "uid_map"), ({"types": Variant("as", ["user"]), "uid_map": "0 0"}, "uid_map"),
        ({"types": Variant("as", ["user"]), "uid_map": Variant("a(uuu)", [(0, 0, 0)])}, "uid_map"),
        ({"types": Variant("as", ["user"]), "uid_map": Variant("a(uuu)", [(0, 4294967295, 2)])}, "uid_map"),
        ({"map_zero": True}, "map_zero"), ({"signal_mask": Variant("as", ["KILL"])}, "signal_mask"),
        ({"rlimits": Variant("a{s(tt)}", {"nofile": (2, 1)})}, "rlimits"), ({"nice": Variant("i", -21)}, "nice"),
        ({"capabilities": Variant("as", ["CAP_SYS_ADMIN"])}, "capabilities"), ({"umask": Variant("u", 512)}, "umask"),
        ({"terminal": Variant("u", 0)}, "terminal"), ({"daemonize": True, "lifetime": "connection"}, "daemonize"),
        ({"pids_max": Variant("t", 0)}, "pids_max"), ({"lifetime": "never"}, "lifetime"),
        ({"in": Variant("o", "/org/usher1/namespace/18446744073709551616")}, "in"),
    )

    def test_sec_32_keys_that_contradict_each_other_make_nothing(self):
        """sec-32: each alone, from somebody who could have the honest ones."""
        for keys, word in self.SPAWN:
            with self.subTest(keys=keys), self.assertRaises(support.DBusError) as caught:
                self.sleeper(self.alice, **keys)
            self.assertIn(caught.exception.name.removeprefix(support.ERROR), ("InvalidArgument", "NotFound"))
            self.assertIn(f"{word}:", caught.exception.message)
        with self.refused("NotSupported", "no_new_privileges"):
            self.sleeper(self.alice, no_new_privileges=False)
        self.assertEqual(self.alice.objects("Process"), [])

    def test_sec_32_private_fields_are_no_keys(self):
        """sec-32: what the broker tells the worker cannot be said by a caller."""
        for key in ("transient_start", "transient_count", "namespace", "leader_fd", "process_fd", "owner", "pid", "attached", "in_as_fd"):
            for value in (Variant("u", 0), Variant("s", "/"), Variant("b", True)):
                with self.subTest(key=key), self.refused("InvalidArgument", f"'{key}'"):
                    self.sleeper(self.alice, **{key: value})
                with self.subTest(key=key), self.refused("InvalidArgument", f"'{key}'"):
                    self.namespace(self.alice, types=["user"], **{key: value})

    def test_sec_03_more_descriptors_than_there_may_be(self):
        """sec-03: above the limit; and as many as a message takes, all of which arrive, and no other."""
        with open("/dev/null", "rb") as null:
            fd = Descriptor(null)
            with self.refused("InvalidArgument", "fds: 1024"):
                self.alice.call("Processes", "Spawn", ["/bin/true"], {}, {1024: fd}, {})
            path, pidfd = self.alice.call("Processes", "Spawn", ["/bin/sleep", "1000"], {}, {number: fd for number in range(16)}, {})
            pidfd.close()
            self.assertEqual(sorted(map(int, os.listdir(f"/proc/{self.alice.get('Process', 'Pid', path=path)}/fd"))), list(range(16)))
