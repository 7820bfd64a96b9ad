# SPDX-License-Identifier: LGPL-2.1-or-later
"""Namespaces that are kept by name: made, attached, opened, and ended."""

import ctypes
import os
import select
import signal

import ring
from ring import CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWUTS, Descriptor, DBusError, Variant, wait_until

TYPES = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")


def identity(pid, kind):
    found = os.stat(f"/proc/{pid}/ns/{kind}")
    return found.st_dev, found.st_ino


def has_ended(pidfd):
    return bool(select.select([pidfd], [], [], 0)[0])


class TestCase(ring.TestCase):
    names = 0

    def name(self):
        TestCase.names += 1
        return f"n{TestCase.names}"

    def make(self, *types, name=None, **keys):
        path = self.me.call("Namespaces", "Create", name or self.name(), list(types), keys)
        self.addCleanup(self.destroy, path)
        return path

    def attach(self, process, *types, name=None, client=None, **keys):
        with Descriptor(os.pidfd_open(process.pid), True) as pidfd:
            return (client or self.me).call("Namespaces", "Attach", name or self.name(), pidfd, list(types), keys)

    def destroy(self, path):
        try:
            self.me.call("Namespace", "Destroy", {}, path=path)
        except DBusError as error:
            self.assertIn(error.name.rpartition(".")[2], ("NotFound", "UnknownObject", "UnknownMethod"))

    def open(self, path, kind):
        namespace = self.me.call("Namespace", "Open", kind, {}, path=path)
        self.addCleanup(namespace.close)
        return namespace

    def leader(self, path):
        return self.me.get("Namespace", "Leader", path=path)

    def sleeper(self, path, client=None):
        """A program that sleeps in there, with its pidfd."""
        program, pidfd = (client or self.me).call("Processes", "Spawn", ["/bin/sleep", "1000"], {}, {},
                                                  {"in": Variant("o", path), "lifetime": "manual"})
        self.addCleanup(pidfd.close)
        return program, pidfd

    def same(self, descriptor, pid, kind):
        found = os.fstat(descriptor.fileno())
        return (found.st_dev, found.st_ino) == identity(pid, kind)


class Made(TestCase):
    def test_each_type_is_new_and_the_others_are_shared(self):
        for kind in TYPES:
            if kind == "user":
                continue
            with self.subTest(kind):
                path = self.make("user", kind)
                leader = self.leader(path)
                self.assertEqual(sorted(self.me.get("Namespace", "Types", path=path)), sorted({"user", kind}))
                for other in TYPES:
                    self.assertEqual(identity(leader, other) != identity("self", other), other in ("user", kind), other)

    def test_all_is_all_eight(self):
        path = self.make("all", map_zero=True, hostname="workshop")
        self.assertEqual(self.me.get("Namespace", "Types", path=path), list(TYPES))
        self.assertTrue(all(identity(self.leader(path), kind) != identity("self", kind) for kind in TYPES))
        self.assertEqual(self.me.call("Host", "GetHostname", {"in": Variant("o", path)}), "workshop")
        self.assertEqual(self.me.get("Namespace", "UidMap", path=path), [(0, os.geteuid(), 1)])

    def test_what_is_done_in_one_is_done_there(self):
        path = self.make("user", "uts", "mnt", map_zero=True)
        self.me.call("Host", "SetHostname", "inside", {"in": Variant("o", path)})
        self.assertEqual(self.me.call("Host", "GetHostname", {"in": Variant("o", path)}), "inside")
        self.assertNotEqual(os.uname().nodename, "inside")

    def test_a_name_is_taken_once(self):
        name = self.name()
        path = self.make("user", name=name)
        with self.refused("Busy", "name"):
            self.make("user", "net", name=name)
        self.destroy(path)
        self.make("user", name=name)

    def test_what_is_not_there_is_not_found(self):
        path = self.make("user")
        self.destroy(path)
        with self.refused("NotFound", "in"):
            self.me.call("Host", "GetHostname", {"in": Variant("o", path)})
        with self.refused("NotFound", "in"):
            self.me.call("Host", "GetHostname", {"in": Variant("o", "/org/usher1")})

    def test_a_leader_that_dies_takes_its_object_along(self):
        path = self.make("user", "pid")
        os.kill(self.leader(path), signal.SIGKILL)
        wait_until(lambda: path not in self.me.objects("Namespace"), "the object has gone")


class Below(TestCase):
    """New namespaces in those of a place, which has all of its own, too."""

    def assert_below(self, leader, pid, levels):
        for kind in TYPES:
            self.assertNotEqual(identity(pid, kind), identity(leader, kind), kind)
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            numbers = [line.split()[1:] for line in file if line.startswith("NSpid:")][0]
        self.assertEqual((numbers[0], len(numbers)), (str(pid), levels), numbers)

    def test_a_program_has_new_ones_of_every_kind(self):
        leader = self.leader(place := self.make("all", map_zero=True))
        program, pidfd = self.me.call("Processes", "Spawn", ["/bin/sleep", "1000"], {}, {},
                                      {"in": Variant("o", place), "types": Variant("as", ["all"]), "map_zero": True, "hostname": "below"})
        self.addCleanup(pidfd.close)
        self.assert_below(leader, self.me.get("Process", "Pid", path=program), 3)
        self.destroy(place)
        self.assertEqual(self.me.call("Process", "Wait", {}, path=program), ("killed", signal.SIGKILL))

    def test_a_program_has_ids_of_processes_alone(self):
        place = self.make("user", "pid", map_zero=True)
        program, pidfd = self.me.call("Processes", "Spawn", ["/bin/sh", "-c", "exit $$"], {}, {},
                                      {"in": Variant("o", place), "types": Variant("as", ["pid"])})
        pidfd.close()
        self.assertEqual(self.me.call("Process", "Wait", {}, path=program), ("exited", 2))

    def test_others_are_kept_there_and_go_with_those_above(self):
        leader = self.leader(place := self.make("all", map_zero=True))
        below = self.make("all", map_zero=True, monotonic_offset_usec=Variant("x", 1000000), **{"in": Variant("o", place)})
        self.assert_below(leader, self.leader(below), 3)
        deepest = self.make("all", **{"in": Variant("o", below)})
        self.assert_below(self.leader(below), self.leader(deepest), 4)
        self.destroy(place)
        wait_until(lambda: not {below, deepest} & set(self.me.objects("Namespace")), "those below have gone")


class Opened(TestCase):
    def test_each_type_is_the_leader_s(self):
        path = self.make("user", "uts", "net", "pid")
        for kind in TYPES:
            with self.subTest(kind):
                self.assertTrue(self.same(self.open(path, kind), self.leader(path), kind))

    def test_it_outlives_the_object(self):
        path = self.make("user", "uts", map_zero=True, hostname="kept")
        users, names = self.open(path, "user"), self.open(path, "uts")
        self.destroy(path)

        def look():
            for namespace in (users, names):
                ring.checked(ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0), "setns")
            return os.uname().nodename
        self.assertEqual(self.in_child(look), "kept")

    @staticmethod
    def in_child(function):
        ours, theirs = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(theirs, function().encode())
            finally:
                os._exit(0)
        os.close(theirs)
        os.waitpid(child, 0)
        with open(ours, encoding="utf-8") as file:
            return file.read()

    def test_the_leader_is_a_process_to_wait_for(self):
        path = self.make("user", "pid")
        leader = self.me.call("Namespace", "OpenLeader", {}, path=path)
        self.addCleanup(leader.close)
        self.assertFalse(has_ended(leader.fileno()))
        self.destroy(path)
        self.assertTrue(has_ended(leader.fileno()))

    def test_words(self):
        path = self.make("user")
        for kind in ("", "all", "pid_for_children", "../../mem", "USER"):
            with self.subTest(kind), self.refused("InvalidArgument", "type:"):
                self.me.call("Namespace", "Open", kind, {}, path=path)
        with self.refused("InvalidArgument", "in:"):
            self.me.call("Namespace", "Open", "net", {"in": Variant("o", path)}, path=path)
        for key in ("leader_fd", "owner", "attached"):
            with self.subTest(key), self.refused("InvalidArgument", key):
                self.me.call("Namespace", "Open", "net", {key: Variant("u", 0)}, path=path)


class Attached(TestCase):
    FLAGS = CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWNS

    def test_those_of_a_process_that_runs(self):
        process = self.start_process(self.FLAGS)
        path = self.attach(process, "user", "uts", name="attached")
        found = self.me.get_all("Namespace", path=path)
        self.assertEqual((found["Name"], found["Types"], found["Leader"], found["Owner"], found["Lifetime"]),
                         ("attached", ["user", "uts"], process.pid, os.geteuid(), "manual"))
        self.assertEqual(found["UidMap"], [(0, os.geteuid(), 1)])
        self.assertGreater(found["CreatedUSec"], 1700000000 * 1000000)
        self.assertTrue(self.same(self.open(path, "uts"), process.pid, "uts"))
        self.assertTrue(self.same(self.open(path, "net"), "self", "net"))
        self.me.call("Host", "SetHostname", "over-there", {"in": Variant("o", path)})
        self.assertNotEqual(os.uname().nodename, "over-there")

    def test_giving_one_up_ends_nobody(self):
        process = self.start_process(self.FLAGS)
        path = self.attach(process, "all")
        self.assertEqual(self.me.get("Namespace", "Types", path=path), list(TYPES))
        self.destroy(path)
        self.assertNotIn(path, self.me.objects("Namespace"))
        self.assertIsNone(process.poll())

    def test_it_goes_with_the_process(self):
        process = self.start_process(self.FLAGS)
        path = self.attach(process, "uts")
        process.kill()
        process.wait()
        wait_until(lambda: path not in self.me.objects("Namespace"), "the object has gone")

    def test_it_goes_with_the_connection_where_that_was_asked_for(self):
        process = self.start_process(self.FLAGS)
        with self.service.client() as other:
            path = self.attach(process, "uts", client=other, lifetime="connection")
            self.assertIn(path, self.me.objects("Namespace"))
        wait_until(lambda: path not in self.me.objects("Namespace"), "the object has gone")
        self.assertIsNone(process.poll())

    def test_what_is_no_process_that_lives(self):
        with open("/dev/null", "rb") as null, self.refused("InvalidArgument", "pidfd: the descriptor is not a pidfd"):
            self.me.call("Namespaces", "Attach", self.name(), Descriptor(null), ["uts"], {})
        process = self.start_process(0)
        with Descriptor(os.pidfd_open(process.pid), True) as pidfd:
            process.kill()
            process.wait()
            with self.refused("NotFound", "pidfd: the process has exited"):
                self.me.call("Namespaces", "Attach", self.name(), pidfd, ["uts"], {})

    def test_words(self):
        process = self.start_process(0)
        for types in ([], ["all", "net"], ["net", "net"], ["mount"]):
            with self.subTest(types), self.refused("InvalidArgument", "types:"):
                self.attach(process, *types)
        for name in ("", "1", "a/b", "a" * 65, "\u00e4"):
            with self.subTest(name), self.refused("InvalidArgument", "name:"):
                with Descriptor(os.pidfd_open(process.pid), True) as pidfd:
                    self.me.call("Namespaces", "Attach", name, pidfd, ["uts"], {})
        with self.refused("InvalidArgument", "lifetime:"):
            self.attach(process, "uts", lifetime="for ever")


class Ended(TestCase):
    def assert_all_end(self, *types):
        path = self.make(*types)
        programs = [self.sleeper(path) for _ in range(3)]
        leader = self.me.call("Namespace", "OpenLeader", {}, path=path)
        self.addCleanup(leader.close)
        self.assertFalse(any(has_ended(pidfd.fileno()) for _, pidfd in programs))
        self.me.call("Namespace", "Destroy", {}, path=path)
        wait_until(lambda: all(has_ended(pidfd.fileno()) for _, pidfd in programs), "all programs have ended")
        self.assertTrue(has_ended(leader.fileno()))
        self.assertNotIn(path, self.me.objects("Namespace"))
        for program, _ in programs:
            self.assertEqual(self.me.call("Process", "Wait", {}, path=program), ("killed", signal.SIGKILL))

    def test_with_a_pid_namespace_everybody_in_it(self):
        self.assert_all_end("user", "pid")

    def test_with_a_user_namespace_everybody_in_it(self):
        self.assert_all_end("user", "uts")

    @ring.needs_root("namespaces of the machine's own root")
    def test_of_those_of_the_machine_everybody_who_is_the_owner_s(self):
        self.assert_all_end("uts", "ipc")

    def test_nobody_outside_ends(self):
        outside, path = self.start_process(CLONE_NEWUSER | CLONE_NEWUTS), self.make("user", "uts")
        below = self.make("user")
        self.sleeper(path)
        self.destroy(path)
        self.assertIsNone(outside.poll())
        self.assertTrue(os.path.exists(f"/proc/{self.leader(below)}"))
        self.assertFalse(self.service.gone())

    def test_those_below_end_too(self):
        path = self.make("user", map_zero=True)
        program, pidfd = self.me.call("Processes", "Spawn", ["/usr/bin/unshare", "--user", "--uts", "/bin/sleep", "1000"], {}, {},
                                      {"in": Variant("o", path), "lifetime": "manual"})
        self.addCleanup(pidfd.close)
        wait_until(lambda: identity(self.me.get("Process", "Pid", path=program), "uts") != identity("self", "uts"), "it is below")
        self.destroy(path)
        self.assertTrue(has_ended(pidfd.fileno()))


class Signalled(TestCase):
    def test_by_name(self):
        for name, number in (("TERM", signal.SIGTERM), ("SIGUSR1", signal.SIGUSR1), ("RTMIN+3", signal.SIGRTMIN + 3), ("KILL", signal.SIGKILL)):
            with self.subTest(name):
                program, pidfd = self.me.call("Processes", "Spawn", ["/bin/sleep", "1000"], {}, {}, {})
                pidfd.close()
                self.me.call("Process", "Signal", name, {}, path=program)
                self.assertEqual(self.me.call("Process", "Wait", {}, path=program), ("killed", number))

    def test_in_a_namespace_whose_root_it_is(self):
        program, pidfd = self.me.call("Processes", "Spawn", ["/bin/sleep", "1000"], {}, {}, {"types": Variant("as", ["all"]), "map_zero": True})
        pidfd.close()
        self.me.call("Process", "Signal", "TERM", {}, path=program)
        self.assertEqual(self.me.call("Process", "Wait", {}, path=program), ("killed", signal.SIGTERM))

    def test_words(self):
        program, pidfd = self.me.call("Processes", "Spawn", ["/bin/sleep", "1000"], {}, {}, {})
        pidfd.close()
        for name in ("", "0", "15", "term", "SIG", "RTMIN+99", "RTMAX"):
            with self.subTest(name), self.refused("InvalidArgument", "name:"):
                self.me.call("Process", "Signal", name, {}, path=program)
        self.assertEqual(self.me.get("Process", "State", path=program), "running")
        self.me.call("Process", "Signal", "KILL", {}, path=program)
        self.me.call("Process", "Wait", {}, path=program)


class Credentials(TestCase):
    """What a program has and has not, as the kernel tells of it."""

    def status(self, **keys):
        """The lines of /proc/self/status of a program."""
        ours, theirs = os.pipe()
        with Descriptor(theirs, True) as output:
            program, pidfd = self.me.call("Processes", "Spawn", ["/bin/cat", "/proc/self/status"], {}, {1: output}, keys)
        pidfd.close()
        with open(ours, encoding="utf-8") as file:
            found = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.assertEqual(self.me.call("Process", "Wait", {}, path=program), ("exited", 0))
        return found

    def test_the_capabilities_that_were_asked_for_and_no_others(self):
        asked = (1 << 12) | (1 << 10)  # CAP_NET_ADMIN, CAP_NET_BIND_SERVICE
        found = self.status(types=Variant("as", ["user"]), capabilities=Variant("as", ["CAP_NET_ADMIN", "net_bind_service"]))
        for which in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            with self.subTest(which):
                self.assertEqual(int(found[which], 16), asked)
        none = self.status(types=Variant("as", ["user"]), map_zero=True, capabilities=Variant("as", ["none"]))
        self.assertEqual([int(none[which], 16) for which in ("CapPrm", "CapEff", "CapAmb")], [0, 0, 0])

    def test_a_list_of_none_is_none(self):
        """And not as if it were not there: who is root of a user namespace has all there are."""
        found = self.status(types=Variant("as", ["user"]), map_zero=True, capabilities=Variant("as", []))
        self.assertEqual([int(found[which], 16) for which in ("CapInh", "CapPrm", "CapEff", "CapAmb")], [0] * 4)
        for key in ("uid_map", "gid_map"):
            with self.subTest(key), self.refused("InvalidArgument", f"{key}: names no range"):
                self.status(types=Variant("as", ["user"]), **{key: Variant("a(uuu)", [])})

    def test_who_is_nobody_there_is_refused_by_name(self):
        for key in ("uid", "gid"):
            with self.subTest(key), self.refused("InvalidArgument", f"credentials: {key}:", "4711"):
                self.status(types=Variant("as", ["user"]), **{key: Variant("u", 4711)})
            with self.subTest(key), self.refused("NotPermitted", f"{key}: without `user`"):
                self.status(**{key: Variant("u", 4711)})

    def test_no_new_privileges_and_no_signal_that_nobody_asked_for(self):
        found = self.status()
        self.assertEqual((found["NoNewPrivs"], int(found["SigBlk"], 16), int(found["SigIgn"], 16)), ("1", 0, 0))
        found = self.status(signal_mask=Variant("as", ["TERM", "SIGUSR1", "RTMIN+1"]))
        self.assertEqual(int(found["SigBlk"], 16), sum(1 << (number - 1) for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGRTMIN + 1)))

    def test_umask_and_who_it_is(self):
        found = self.status(umask=Variant("u", 0o27), types=Variant("as", ["user"]), map_zero=True)
        self.assertEqual((found["Umask"], found["Uid"].split()[0]), ("0027", "0"))

    def test_the_program_may_be_a_descriptor(self):
        with Descriptor(os.open("/bin/cat", os.O_RDONLY), True) as program:
            path, pidfd = self.me.call("Processes", "Spawn", ["/proc/self/fd/7", "/dev/null"], {}, {7: program}, {})
        pidfd.close()
        self.assertEqual(self.me.call("Process", "Wait", {}, path=path), ("exited", 0))
