# SPDX-License-Identifier: LGPL-2.1-or-later
"""Namespaces and processes as programs use them that once had a library for it in their own process: over the bus, with nothing
but descriptors and objects to hold."""

import os
import select
import shutil
import subprocess
import time

import support
from support import Descriptor, Variant, wait_until

TYPES = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")


class SpacesTestCase(support.MountTestCase):
    def spawn(self, *argv, fds=(), environment=(), client=None, **options):
        """The object and a pidfd of a program of alice's that is killed when the test ends."""
        words = {"environment": dict(environment), "fds": {number: Descriptor(file) for number, file in dict(fds).items()}}
        path, pidfd = (client or self.alice).call("Processes", "Spawn", list(argv), words["environment"], words["fds"], options)
        self.addCleanup(self.end, path)
        self.addCleanup(pidfd.close)
        return path, pidfd

    def end(self, path):
        try:
            self.alice.call("Process", "Signal", "KILL", {}, path=path)
            self.alice.call("Process", "Wait", {}, path=path)
        except support.DBusError:
            pass

    def run_in(self, *argv, **options):
        """How a program ended, and what it has written."""
        reader, writer = os.pipe()
        with open(reader, encoding="utf-8") as file:
            path, _ = self.spawn(*argv, fds={1: writer, 2: writer}, **options)
            os.close(writer)
            output = file.read()
        return self.alice.call("Process", "Wait", {}, path=path), output

    def namespace(self, name, *types, **options):
        path = self.alice.call("Namespaces", "Create", name, list(types), options)
        self.addCleanup(self.destroy, path)
        return path

    def destroy(self, path):
        try:
            self.alice.call("Namespace", "Destroy", {}, path=path)
        except support.DBusError:
            pass


class Ends(SpacesTestCase):
    def test_an_end_is_an_exit_status_or_a_signal(self):
        for ended, script in ((("exited", 0), "exit 0"), (("exited", 7), "exit 7"), (("killed", 9), "kill -9 $$"), (("killed", 15), "kill $$")):
            with self.subTest(script=script):
                self.assertEqual(self.run_in("sh", "-c", script)[0], ended)
                self.assertEqual(self.run_in("sh", "-c", script, types=["all"])[0], ended)

    def test_a_descriptor_of_the_process_is_readable_when_it_has_ended(self):
        path, pidfd = self.spawn("sleep", "1000", types=["user", "pid"])
        self.assertEqual(select.select([pidfd], [], [], 0.2)[0], [])
        self.assertEqual(self.alice.get("Process", "State", path), "running")
        self.alice.call("Process", "Signal", "TERM", {}, path=path)
        self.assertEqual(select.select([pidfd], [], [], 10)[0], [pidfd])
        self.assertEqual(self.alice.call("Process", "Wait", {}, path=path), ("killed", 15))

    def test_the_end_is_a_signal_on_the_bus_once(self):
        self.alice.subscribe(interface="org.usher1.Process", member="Exited")
        path, _ = self.spawn("sh", "-c", "exit 3")
        self.assertEqual(self.alice.signal("Exited", path)[3], ("exited", 3))
        self.assertEqual([found for found in self.alice.signals() if found[0] == path], [])

    def test_who_waits_may_say_how_long(self):
        path, _ = self.spawn("sleep", "1000")
        with self.refused("TimedOut"):
            self.alice.call("Process", "Wait", {"deadline_usec": Variant("t", 100000)}, path=path)
        self.assertEqual(self.alice.get("Process", "State", path), "running")

    def test_what_a_process_is_can_be_asked(self):
        path, _ = self.spawn("sleep", "1000", types=["user"])
        known = self.alice.get_all("Process", path)
        self.assertEqual((known["Owner"], known["Command"], known["Namespace"], known["State"], known["Status"]),
                         (self.uid, ["sleep", "1000"], "/", "running", 0))
        self.assertIn("sleep", support.read_file(f"/proc/{known['Pid']}/cmdline"))

    def test_a_program_is_nobodys_child_who_asked_for_it(self):
        path, _ = self.spawn("sleep", "1000")
        pid = self.alice.get("Process", "Pid", path)
        parent = support.read_file(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()[1]
        self.assertIn("usher", support.read_file(f"/proc/{parent}/cmdline"))

    def test_what_was_refused_has_left_nothing(self):
        before = set(self.alice.objects("Process"))  # of tests before, for ten seconds
        with self.refused("NotPermitted", "uid_map", "0"):
            self.spawn("true", types=["user"], uid_map="0 0 1")
        with self.refused("InvalidArgument", "types"):
            self.spawn("true", types=["files"])
        with self.refused("NotFound", "root: "):
            self.spawn("true", types=["user", "mnt"], root=f"{self.home}/nowhere")
        with self.refused("NotFound", "exec: "):
            self.spawn("/no/such", types=["all"])
        self.assertLessEqual(set(self.alice.objects("Process")), before)


class Places(SpacesTestCase):
    def test_a_program_whose_loader_is_missing_is_told_of_it(self):
        self.directory("r")
        shutil.copy("/bin/true", f"{self.home}/r/true")
        with self.refused("NotFound", "exec: ", "interpreter /lib64/ld-linux-x86-64.so.2"):
            self.spawn("/true", types=["user", "mnt"], root=f"{self.home}/r")

    def test_mounts_are_there_before_the_program_and_seen_by_nobody_else(self):
        self.directory("m")
        before = support.mounts()
        ended, output = self.run_in("sh", "-c", f"echo text > {self.home}/m/f; cat {self.home}/m/f; df --output=fstype {self.home}/m",
                                    environment={"PATH": "/usr/bin:/bin"}, types=["user", "mnt"],
                                    mounts=Variant("a(sssas)", [("tmpfs", f"{self.home}/m", "tmpfs", ["size=1m"])]))
        self.assertEqual((ended, output.split()), (("exited", 0), ["text", "Type", "tmpfs"]))
        self.assertEqual(support.mounts(), before)
        self.assertEqual(os.listdir(f"{self.home}/m"), [])

    def test_a_place_is_furnished_first_and_then_a_program_runs_in_it(self):
        path = self.namespace("lab", "user", "net", "uts", map_zero=True)
        self.assertEqual(self.run_in("ip", "address", "add", "10.9.8.7/24", "dev", "lo", **{"in": Variant("o", path)}), (("exited", 0), ""))
        ended, output = self.run_in("ip", "-o", "address", **{"in": Variant("o", path)})
        self.assertEqual(ended, ("exited", 0), output)
        self.assertIn("10.9.8.7", output)
        self.assertNotIn("10.9.8.7", self.run_in("ip", "-o", "address")[1])

    def test_a_program_in_a_place_is_in_all_its_namespaces(self):
        for place in ("object", "descriptor"):
            with self.subTest(place=place):
                path = self.namespace(f"lab-{place}", "all", map_zero=True)
                leader = self.alice.get("Namespace", "Leader", path)
                where = Variant("o", path) if place == "object" else self.alice.call("Namespace", "OpenLeader", {}, path=path)
                ended, output = self.run_in("sh", "-c", f"for t in {' '.join(TYPES)}; do readlink /proc/self/ns/$t; done; id -u", **{"in": where})
                self.assertEqual(ended, ("exited", 0), output)
                links = [os.readlink(f"/proc/{leader}/ns/{'time_for_children' if kind == 'time' else kind}") for kind in TYPES]
                self.assertEqual(output.split(), [*links, "0"])

    def test_what_is_opened_is_the_namespace(self):
        path = self.namespace("lab", "user", "net", "uts")
        leader = self.alice.get("Namespace", "Leader", path)
        for kind in ("user", "net", "uts"):
            with self.alice.call("Namespace", "Open", kind, {}, path=path) as descriptor:
                self.assertEqual(os.fstat(descriptor.fileno()).st_ino, os.stat(f"/proc/{leader}/ns/{kind}").st_ino)

    def groups(self, client, **options):
        (state, status), output = self.run_in("grep", "^Groups:", "/proc/self/status", client=client, **options)
        self.assertEqual((state, status), ("exited", 0), output)
        return [int(word) for word in output.split()[1:]]

    def test_groups_are_those_that_were_asked_for(self):
        subprocess.run(["groupadd", "--gid", "51997", "members"], check=True)
        self.addCleanup(subprocess.run, ["groupdel", "members"], check=True)
        subprocess.run(["usermod", "--append", "--groups", "members", "alice"], check=True)
        self.addCleanup(subprocess.run, ["gpasswd", "--delete", "alice", "members"], check=True, stdout=subprocess.DEVNULL)
        member, gid = self.client("alice"), os.stat(self.home).st_gid
        mine = self.groups(member)
        self.assertEqual({*mine, gid}, {51997, gid})
        for same in ([51997], [51997, gid], [gid, 51997, gid]):
            with self.subTest(same):
                self.assertEqual(self.groups(member, groups=Variant("au", same)), mine)
        for others in ([], [gid], [51997, 51998], [0]):
            with self.subTest(others), self.refused("NotPermitted", "groups:"):
                self.groups(member, groups=Variant("au", others))
            with self.subTest(others), self.refused("NotPermitted", "groups:"):
                self.groups(member, types=["user"], groups=Variant("au", others))
        maps = {key: f"0 {self.uid} 1,1 5200000 65535" for key in ("uid_map", "gid_map")}
        for asked in ([], [7], [9, 7]):
            with self.subTest(asked):
                self.assertEqual(self.groups(member, types=["user"], groups=Variant("au", asked), **maps), sorted(asked))
        with self.refused("InvalidArgument", "credentials: groups"):
            self.groups(member, types=["user"], groups=Variant("au", [70000]), **maps)
        # and in a place, by whoever is root of it
        place = member.call("Namespaces", "Create", "lab-groups", ["user"], maps)
        self.addCleanup(member.call, "Namespace", "Destroy", {}, path=place)
        self.assertEqual(self.groups(member, groups=Variant("au", []), **{"in": Variant("o", place)}), [])

    def test_a_process_that_has_ended_is_no_place(self):
        path, pidfd = self.spawn("true")
        self.alice.call("Process", "Wait", {}, path=path)
        wait_until(lambda: select.select([pidfd], [], [], 0)[0], "it has ended")
        time.sleep(0.1)
        with self.refused("NotFound"):
            self.spawn("true", **{"in": pidfd})
