# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the service is told to survive: a stop, an upgrade, another bus, polkit's death, full file systems, a worker that restarts."""

import contextlib
import glob
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import time

import support
from support import wait_until

sys.path.append(os.path.join(os.path.dirname(support.HERE), "kernel"))
import rawbus  # pylint: disable=wrong-import-position

USHERD = "usherd.service"
WORKER = "usher-worker.service"
SAVED = "/run/usher/objects"
BUS = "org.freedesktop.DBus.Error."


def systemctl(*words):
    subprocess.run(["systemctl", *words], stdin=subprocess.DEVNULL, check=True)


def saved():
    return sorted(os.listdir(SAVED))


class Stopping(support.MountTestCase):
    """Stopping a service empties what systemd keeps for it; the objects are there all the same when it is started again."""

    def test_objects_outlive_a_stop_and_a_start(self):
        image = support.make_image("squashfs", f"{self.home}/i", "alice")
        made = [self.mount("", self.directory("a"), "tmpfs", ["size=1m"]), self.bind(self.directory("s"), self.directory("b")),
                self.mount(image, self.directory("c"), "squashfs")]
        gone = self.mount("", self.directory("d"), "tmpfs")
        self.unmount(gone)
        before = [self.alice.get_all("Mount", path) for path in made]
        for start in (lambda: systemctl("start", USHERD), lambda: None):
            systemctl("stop", USHERD)
            self.assertEqual(support.main_pid(USHERD), 0)
            self.assertEqual(saved(), sorted(path.replace("/org/usher1/mount/", "mount-") for path in made))
            start()  # or the first call does
            self.assertEqual([self.alice.get_all("Mount", path) for path in made], before)
            self.assertEqual(self.alice.objects("Mount"), sorted(made))
            self.assertEqual(saved(), [])
        # and what was taken back is in systemd's keeping
        os.kill(support.main_pid(USHERD), signal.SIGKILL)
        wait_until(lambda: support.main_pid(USHERD), "systemd has started a new broker")
        self.assertEqual([self.alice.get_all("Mount", path) for path in made], before)
        with self.needs_admin("unmount-others"):
            self.client("bob").call("Mount", "Unmount", {}, path=made[0])
        for path, properties in zip(made, before, strict=True):
            self.unmount(path)
            self.assert_not_mounted(properties["Target"])

    def test_an_object_in_another_namespace_outlives_a_stop(self):
        target = self.directory("m")
        with support.Place("alice", "--user", "--map-root-user", "--mount") as place, place.pidfd() as pidfd:
            mount = self.mount("", target, "tmpfs", options={"in": pidfd})
            systemctl("stop", USHERD)
            self.unmount(mount)
            self.assert_not_mounted(target, pid=place.pid)

    def test_what_goes_while_the_service_is_stopped_is_forgotten(self):
        mount = self.mount("", self.directory("m"), "tmpfs")
        systemctl("stop", USHERD)
        support.umount(f"{self.home}/m")
        wait_until(lambda: mount not in self.alice.objects(), "the object of a mount that has gone goes")
        self.assertEqual(saved(), [])

    def test_a_connection_that_goes_while_the_service_is_stopped_takes_its_mount_along(self):
        client, other = (self.client("alice", session=True) for _ in range(2))
        mount = self.mount("", self.directory("m"), "tmpfs", options={"lifetime": "connection"}, client=client)
        stays = self.mount("", self.directory("n"), "tmpfs", options={"lifetime": "connection"}, client=other)
        systemctl("stop", USHERD)
        client.kill()
        self.assert_mounted(f"{self.home}/m")
        self.assertIn(stays, self.alice.objects())
        wait_until(lambda: support.mount_at(f"{self.home}/m") is None, "the mount has gone with its client")
        wait_until(lambda: mount not in self.alice.objects(), "and its object")
        self.assert_mounted(f"{self.home}/n")
        other.kill()
        wait_until(lambda: support.mount_at(f"{self.home}/n") is None, "the other goes later")
        self.sit_down()

    def test_what_is_saved_is_for_the_service_alone(self):
        self.mount("", self.directory("m"), "tmpfs")
        systemctl("stop", USHERD)
        usher = pwd.getpwnam("usher").pw_uid
        for path, mode in ((SAVED, 0o700), (f"{SAVED}/{saved()[0]}", 0o600)):
            status = os.stat(path)
            self.assertEqual((oct(stat.S_IMODE(status.st_mode)), status.st_uid), (oct(mode), usher), path)

    def test_what_cannot_be_read_is_dropped_and_the_rest_is_not(self):
        mount = self.mount("", self.directory("m"), "tmpfs")
        systemctl("stop", USHERD)
        for name, content in (("mount-99999991", b"\xff\xff\xff"), ("mount-99999992", b""), (".mount-99999993", b"half a")):
            with open(f"{SAVED}/{name}", "wb") as file:
                file.write(content)
            shutil.chown(file.name, "usher")
        os.symlink("/etc/hostname", f"{SAVED}/mount-99999994")
        self.addCleanup(os.unlink, f"{SAVED}/mount-99999994")
        self.assertEqual(self.alice.get("Mount", "Owner", mount), self.uid)
        wait_until(lambda: self.alice.objects("Mount") == [mount], "nothing else has become an object")
        self.assertEqual(saved(), ["mount-99999994"])

    def test_what_a_newer_build_knows_of_an_object_outlives_this_one(self):
        """A field that this build does not have, in a message that the other wrote: memory, systemd and files keep it."""
        mount = self.mount("", self.directory("m"), "tmpfs")
        systemctl("stop", USHERD)
        name, = saved()
        text = b"what the future says"
        unknown = b"\xfa\xbb\x01" + bytes([len(text)]) + text  # field 2999, a string
        with open(f"{SAVED}/{name}", "ab") as file:
            file.write(unknown)
        for _ in range(2):
            before = self.alice.get_all("Mount", mount)
            killed = support.main_pid(USHERD)
            os.kill(killed, signal.SIGKILL)
            wait_until(lambda killed=killed: support.main_pid(USHERD) not in (0, killed), "systemd has started a new broker")
            self.assertEqual(self.alice.get_all("Mount", mount), before)
            systemctl("restart", USHERD)
            self.assertEqual(self.alice.get_all("Mount", mount), before)
            systemctl("stop", USHERD)
            with open(f"{SAVED}/{name}", "rb") as file:
                self.assertIn(unknown, file.read())

    def test_a_stop_answers_every_call(self):
        """Those that were waiting for a person too."""
        with support.StuckFilesystem(self.directory("stuck"), "alice", {support.FUSE_GETATTR: 1}) as stuck:
            client = self.client("alice", session=True)
            pending = client.begin("Mounts", "Mount", "", f"{stuck.target}/x", "tmpfs", [], {"deadline_usec": support.Variant("t", 3000000)})
            self.assertFalse(pending.is_done(0.3))
            began = time.monotonic()
            systemctl("stop", USHERD)
            with self.assertRaises(support.DBusError) as caught:
                pending.result()
            self.assertLess(time.monotonic() - began, 5)
            self.assertEqual(caught.exception.name, f"{support.ERROR}Retry")
        self.sit_down()


class FullFileSystems(support.MountTestCase):
    @contextlib.contextmanager
    def full(self, *directories):
        with contextlib.ExitStack() as stack:
            for directory in directories:
                file = stack.enter_context(open(f"{directory}/full", "wb", buffering=0))
                stack.callback(os.unlink, file.name)
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(4096))
                self.assertEqual(os.statvfs(directory).f_bavail, 0)
            yield

    def setUp(self):
        super().setUp()
        # a small one in its place: filling the machine's memory would be another test
        support.mount("small", SAVED, "tmpfs", 0, f"size=256k,mode=700,uid={pwd.getpwnam('usher').pw_uid}")
        self.addCleanup(systemctl, "restart", USHERD)
        self.addCleanup(support.umount, SAVED, support.MNT_DETACH)
        systemctl("restart", USHERD)  # which has its own view of that directory

    def test_a_restart_does_not_need_room(self):
        mount = self.mount("", self.directory("m"), "tmpfs")
        with self.full(SAVED):
            other = self.mount("", self.directory("n"), "tmpfs")
            for way in ("restart", "kill"):
                before = support.main_pid(USHERD)
                systemctl("restart", USHERD) if way == "restart" else os.kill(before, signal.SIGKILL)
                wait_until(lambda: support.main_pid(USHERD) not in (0, before), "there is a new broker")
                self.assertEqual(self.alice.objects("Mount"), sorted((mount, other)))
            self.assertEqual(saved(), ["full"])
            self.unmount(other)
        self.unmount(mount)

    def test_a_stop_without_room_says_so_and_leaves_nothing_half_written(self):
        target = self.directory("m")
        mount = self.mount("", target, "tmpfs")
        since = time.time()
        with self.full(SAVED):
            systemctl("stop", USHERD)
            self.assertEqual(saved(), ["full"])
        name = mount.replace("/org/usher1/mount/", "mount-")
        self.assertTrue([line for line in support.journal(USHERD, since) if line["MESSAGE"].startswith(f"{name} is forgotten")])
        self.assert_mounted(target)
        self.assertEqual(self.alice.objects("Mount"), [])
        support.root().call("Mounts", "Unmount", target, {})


class TheBus(support.TestCase):
    """Everybody loses their connection when the bus goes, the service as well."""

    def setUp(self):
        super().setUp()
        self.home = pwd.getpwnam("alice").pw_dir + "/bus"
        for name in ("", "/a", "/b"):
            os.mkdir(self.home + name)
            shutil.chown(self.home + name, "alice", "alice")
        self.addCleanup(shutil.rmtree, self.home)

    def test_objects_outlive_the_bus_and_connections_do_not(self):
        with support.polkit_answer("yes", "org.usher1.*", "alice"):
            alice = support.Client("alice")
            stays = alice.call("Mounts", "Mount", "", f"{self.home}/a", "tmpfs", [], {})
            goes = alice.call("Mounts", "Mount", "", f"{self.home}/b", "tmpfs", [], {"lifetime": "connection"})
            properties = alice.get_all("Mount", stays)
            broker = support.main_pid(USHERD)
            systemctl("restart", "dbus.service")
            support.forget_root()
            wait_until(lambda: support.main_pid(USHERD) not in (0, broker), "there is a new broker")
            alice.close()
        # connections are counted anew: there is one of the old name again
        with contextlib.ExitStack() as stack:
            while True:
                connection = rawbus.Connection("/run/dbus/system_bus_socket")
                stack.callback(connection.close)
                if int(connection.name.partition(".")[2]) >= int(alice.name.partition(".")[2]) - 5:
                    break
                connection.close()
            for _ in range(8):
                stack.callback(rawbus.Connection("/run/dbus/system_bus_socket").close)
            wait_until(lambda: support.mount_at(f"{self.home}/b") is None, "the mount of a connection to the old bus has gone")
            wait_until(lambda: goes not in support.root().objects("Mount"), "so has its object")
            self.assertEqual(support.root().get_all("Mount", stays), properties)
            support.root().call("Mount", "Unmount", {}, path=stays)
            self.assertIsNone(support.mount_at(f"{self.home}/a"))
            self.assertEqual(support.root().objects("Mount"), [])


class Polkit(support.PersonTestCase):
    def test_polkit_dies_in_the_middle_of_a_question_and_nothing_happens(self):
        target = self.directory("m", "root")
        pending = self.caller.begin("Mounts", "Mount", "", target, "tmpfs", [], {}, interactive=True)
        self.person.question()
        os.kill(support.main_pid("polkit.service"), signal.SIGKILL)
        with self.refused("NotPermitted", "polkit"):
            pending.result()
        self.assert_not_mounted(target)
        # who asks next starts it again
        with support.polkit_answer("yes", "org.usher1.mount", "alice"):
            self.mount("", target, "tmpfs", client=self.caller)
        self.assert_mounted(target)


class TheWorker(support.MountTestCase):
    def test_its_socket_is_restarted_and_the_next_call_works(self):
        mount = self.mount("", self.directory("m"), "tmpfs")
        systemctl("restart", "usher-worker.socket")
        self.unmount(mount)
        systemctl("stop", "usher-worker.socket", WORKER)
        with self.refused("Failed", "worker"):
            self.alice.call("Host", "GetHostname", {})
        systemctl("start", "usher-worker.socket")
        self.alice.call("Host", "GetHostname", {})

    def test_it_is_stopped_and_the_child_goes_on(self):
        with support.StuckFilesystem(self.directory("stuck"), "alice", {support.FUSE_GETATTR: 1}) as stuck:
            client = self.client("alice", session=True)
            pending = client.begin("Mounts", "Mount", "", f"{stuck.target}/x", "tmpfs", [], {})
            wait_until(lambda: support.children(WORKER), "a child looks")
            systemctl("stop", WORKER)
            self.alice.call("Host", "GetHostname", {})
            self.assertFalse(pending.is_done(0.2))
            stuck.end()
            with self.assertRaises(support.DBusError) as caught:
                pending.result()
            self.assertNotIn("died", caught.exception.message)
        self.sit_down()


class TheClock(support.TestCase):
    def test_nothing_goes_by_a_clock_that_jumps(self):
        """Both programs go by the monotonic clock: this looks what they can call. test_clock.py sets that of the machine, where it may."""
        # the date, which people are told; and the clocks that somebody's timer may go by
        named = ("instant.c", "timing.c", "create-timer.c")
        for path in (*glob.glob("/usr/src/usher/service/**/*.[ch]", recursive=True), *glob.glob("/usr/src/usher/watcher/*.[ch]")):
            with open(path, encoding="utf-8") as file:
                found = re.findall(r"CLOCK_REALTIME|CLOCK_TAI|\bgettimeofday\(|\btime\((?:NULL|&)|\balarm\(|_localtime",
                                   file.read())
            self.assertLessEqual(set(found), {"CLOCK_REALTIME"} if os.path.basename(path) in named else set(), path)
