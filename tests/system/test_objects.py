# SPDX-License-Identifier: LGPL-2.1-or-later
"""Objects that stand for mounts: what they tell, how long they live, and what the service may die of without losing them."""

import os
import signal
import subprocess
import time

import support
from support import wait_until

USHERD = "usherd.service"
WORKER = "usher-worker.service"
UNKNOWN_OBJECT = "org.freedesktop.DBus.Error.UnknownObject"


def statx_mount_id(path):
    """The kernel's unique number of the mount that a path is on."""
    import ctypes
    buffer = ctypes.create_string_buffer(256)
    if support.libc.statx(support.AT_FDCWD, os.fsencode(path), 0, 0x4000, buffer) != 0:  # STATX_MNT_ID_UNIQUE
        raise OSError("statx")
    return int.from_bytes(buffer.raw[144:152], "little")


def restart(kill=False):
    """A new process of the broker; returns when it can be called."""
    before = support.main_pid(USHERD)
    if kill:
        os.kill(before, signal.SIGKILL)
    else:
        subprocess.run(["systemctl", "restart", USHERD], check=True)
    wait_until(lambda: support.main_pid(USHERD) not in (0, before) and support.unit(USHERD, "ActiveState") == "active",
               "systemd has started a new broker")


class Telling(support.MountTestCase):
    def test_the_properties_say_how_a_mount_was_made(self):
        target = self.directory("m")
        mount = self.mount("", target, "tmpfs", ["size=1m", "ro"], {"lifetime": "connection"})
        told = self.alice.get_all("Mount", mount)
        self.assertEqual(told["Id"], statx_mount_id(target))
        self.assertEqual({key: told[key] for key in ("Source", "Target", "FSType", "Owner", "Lifetime")},
                         {"Source": "tmpfs", "Target": target, "FSType": "tmpfs", "Owner": self.uid, "Lifetime": "connection"})
        for word in ("size=1m", "ro", "nosuid", "nodev"):
            self.assertIn(word, told["Options"])

    def test_options_that_usher_added_are_among_the_options(self):
        mount = self.mount("", self.directory("m"), "tmpfs")
        options = self.alice.get("Mount", "Options", mount)
        for word in ("nosuid", "nodev", "size=10%"):
            self.assertIn(word, options)

    def test_the_source_of_a_bind_mount_is_the_resolved_path(self):
        source, target = self.directory("a"), self.directory("b")
        os.symlink(self.home, f"{self.home}/way")
        mount = self.bind(f"{self.home}/way/a", f"{self.home}/way/b")
        self.assertEqual((self.alice.get("Mount", "Source", mount), self.alice.get("Mount", "Target", mount)), (source, target))

    def test_the_properties_cannot_be_written(self):
        mount = self.mount("", self.directory("m"), "tmpfs")
        with self.refused("org.freedesktop.DBus.Error.PropertyReadOnly"):
            self.alice.call("org.freedesktop.DBus.Properties", "Set", "org.usher1.Mount", "Lifetime", "connection", path=mount,
                            signature="ssv")

    def test_an_object_appears_and_vanishes_with_signals(self):
        watcher = self.client("bob")
        watcher.subscribe()
        target = self.directory("m")
        mount = self.mount("", target, "tmpfs")
        path, _, _, (added, interfaces) = watcher.signal("InterfacesAdded")
        self.assertEqual((path, added), (support.MANAGER, mount))
        self.assertEqual(interfaces["org.usher1.Mount"]["Target"], target)
        self.assertEqual(interfaces["org.usher1.Mount"]["Owner"], self.uid)
        self.unmount(mount)
        path, _, _, (removed, interfaces) = watcher.signal("InterfacesRemoved")
        self.assertEqual((path, removed), (support.MANAGER, mount))
        self.assertIn("org.usher1.Mount", interfaces)

    def test_the_object_is_there_before_the_answer_and_gone_before_the_other_answer(self):
        for _ in range(5):
            mount = self.mount("", self.directory(f"m{_}"), "tmpfs")
            self.assertIn(mount, self.alice.objects("Mount"))
            self.unmount(mount)
            self.assertNotIn(mount, self.alice.objects("Mount"))

    def test_everybody_sees_the_objects_of_everybody(self):
        mount = self.mount("", self.directory("m"), "tmpfs")
        bob = self.client("bob")
        managed = bob.call("org.freedesktop.DBus.ObjectManager", "GetManagedObjects", signature="")
        self.assertEqual(managed[mount]["org.usher1.Mount"]["Owner"], self.uid)
        self.assertEqual(bob.get("Mount", "FSType", mount), "tmpfs")

    def test_a_number_is_not_used_again(self):
        first = self.mount("", self.directory("a"), "tmpfs")
        self.unmount(first)
        second = self.mount("", self.directory("b"), "tmpfs")
        self.assertNotEqual(first, second)

    def test_nothing_is_made_for_a_call_that_fails(self):
        before = self.alice.objects()
        with self.needs_admin():
            self.alice.call("Mounts", "Mount", "", self.directory("m"), "tmpfs", ["suid"], {})
        with self.refused("NotFound"):
            self.alice.call("Mounts", "Mount", "", f"{self.home}/none", "tmpfs", [], {})
        self.assertEqual(self.alice.objects(), before)

    def test_list_tells_what_is_mounted_and_who_made_it(self):
        target = self.directory("m")
        mount = self.mount("", target, "tmpfs", ["size=1m", "noexec"])
        table = self.alice.call("Mounts", "List", {})
        entry, = [entry for entry in table if entry["Target"] == target]
        self.assertEqual({key: entry[key] for key in ("Id", "Source", "FSType", "Owner", "Object")},
                         {"Id": statx_mount_id(target), "Source": "tmpfs", "FSType": "tmpfs", "Owner": self.uid, "Object": mount})
        self.assertEqual(entry["Options"][0], "rw")
        for word in ("nosuid", "nodev", "noexec", "size=1024k"):
            self.assertIn(word, entry["Options"])
        parent, = [parent for parent in table if parent["Id"] == entry["Parent"]]
        self.assertEqual(parent["Target"], "/home")
        self.assertNotIn("Owner", parent)
        self.assertNotIn("Object", parent)
        self.assertEqual(parent["Propagation"], "shared")

    def test_list_tells_the_same_as_mountinfo(self):
        def words(mount):
            return set(mount.options) | {word for word in mount.super_options if word not in ("ro", "rw")}

        table = self.client("bob").call("Mounts", "List", {})
        self.assertEqual(sorted((entry["Target"], entry["FSType"], entry["Source"]) for entry in table),
                         sorted((mount.target, mount.fstype, mount.source) for mount in support.mounts()))
        found = {mount.target: mount for mount in support.mounts()}
        for target in ("/", "/home", "/proc", "/dev"):
            entry = [entry for entry in table if entry["Target"] == target][-1]
            self.assertEqual(set(entry["Options"]), words(found[target]), target)


class Lifetime(support.MountTestCase):
    def test_a_mount_of_a_connection_goes_when_the_connection_goes(self):
        target = self.directory("m")
        client = self.client("alice", session=True)
        mount = self.mount("", target, "tmpfs", options={"lifetime": "connection"}, client=client)
        self.assertEqual(support.root().get("Mount", "Lifetime", mount), "connection")
        client.close()
        wait_until(lambda: support.mount_at(target) is None, "the mount has gone with its connection")
        wait_until(lambda: mount not in support.root().objects(), "the object has gone with its connection")

    def test_a_mount_of_a_connection_goes_when_its_client_is_killed(self):
        target = self.directory("m")
        client = self.client("alice", session=True)
        self.mount("", target, "tmpfs", options={"lifetime": "connection"}, client=client)
        client.kill()
        wait_until(lambda: support.mount_at(target) is None, "the mount has gone with its client")

    def test_it_goes_also_when_somebody_uses_it(self):
        target = self.directory("m")
        client = self.client("alice", session=True)
        self.mount("", target, "tmpfs", options={"lifetime": "connection"}, client=client)
        fd = os.open(target, os.O_RDONLY)
        self.addCleanup(os.close, fd)
        client.kill()
        wait_until(lambda: support.mount_at(target) is None, "the mount has gone with its client")

    def test_images_and_bind_mounts_go_too(self):
        image = support.make_image("squashfs", f"{self.home}/i", "alice")
        client = self.client("alice", session=True)
        self.mount(image, self.directory("a"), "squashfs", options={"lifetime": "connection"}, client=client)
        with support.Descriptor(os.open(image, os.O_RDONLY), owned=True) as descriptor:
            self.mount_image(descriptor, self.directory("b"), options={"lifetime": "connection"}, client=client)
        self.bind(self.directory("c"), self.directory("d"), options={"lifetime": "connection"}, client=client)
        client.kill()
        wait_until(lambda: not any(mount.target.startswith(self.home) for mount in support.mounts()), "all of them have gone")

    def test_a_mount_of_a_connection_goes_from_another_mount_namespace(self):
        target = self.directory("m")
        for name, through in (("root's", ()), ("her own", ("--user", "--map-root-user"))):
            with self.subTest(namespace=name), support.Place("alice" if through else "root", *through, "--mount") as place:
                client = support.Client("alice", session=True)
                try:
                    with place.pidfd() as pidfd, support.polkit_answer("no" if through else "yes", "org.usher1.*", "alice"):
                        options = {"in": pidfd, "lifetime": "connection"}
                        self.mount("", target, "tmpfs", options=options, client=client)
                    self.assert_mounted(target, "tmpfs", pid=place.pid)
                finally:
                    client.kill()
                wait_until(lambda: support.mount_at(target, place.pid) is None, "the mount has gone with its client")
                self.assert_not_mounted(target)

    def test_a_mount_outlives_its_client_unless_told_otherwise(self):
        client = self.client("alice", session=True)
        made = []
        for name, options in (("a", {}), ("b", {"lifetime": "manual"})):
            made.append(self.mount("", self.directory(name), "tmpfs", options=options, client=client))
        client.kill()
        time.sleep(0.3)
        self.assert_mounted(f"{self.home}/a", "tmpfs")
        self.assert_mounted(f"{self.home}/b", "tmpfs")
        for mount in made:
            self.assertEqual(support.root().get("Mount", "Lifetime", mount), "manual")
            self.client("alice").call("Mount", "Unmount", {}, path=mount)

    def test_another_lifetime_is_refused_by_its_name(self):
        source, target = self.directory("a"), self.directory("b")
        for word in ("forever", "", "Connection", "manual "):
            with self.subTest(word=word), self.refused("InvalidArgument", "lifetime", f"'{word}'"):
                self.mount("", target, "tmpfs", options={"lifetime": word})
            with self.subTest(word=word), self.refused("InvalidArgument", "lifetime"):
                self.bind(source, target, options={"lifetime": word})
        self.assert_not_mounted(target)


class Surviving(support.MountTestCase):
    def test_objects_outlive_a_restart_and_a_crash_of_the_broker(self):
        for kill in (False, True):
            with self.subTest(kill=kill):
                target = self.directory(f"m-{kill}")
                mount = self.mount("", target, "tmpfs")
                properties = self.alice.get_all("Mount", mount)
                restart(kill)
                self.assertIn(mount, self.alice.objects())
                self.assertEqual(self.alice.get_all("Mount", mount), properties)
                other = self.mount("", self.directory(f"n-{kill}"), "tmpfs")
                self.assertNotEqual(other, mount)
                bob = self.client("bob")
                with self.needs_admin("unmount-others"):
                    bob.call("Mount", "Unmount", {}, path=mount)
                self.unmount(mount)
                self.assert_not_mounted(target)

    def test_a_mount_in_another_namespace_outlives_a_crash_of_the_broker(self):
        target = self.directory("m")
        with support.Place("alice", "--user", "--map-root-user", "--mount") as place, place.pidfd() as pidfd:
            mount = self.mount("", target, "tmpfs", options={"in": pidfd})
            restart(kill=True)
            self.assert_mounted(target, "tmpfs", pid=place.pid)
            self.unmount(mount)
            self.assertIsNone(support.mount_at(target, place.pid))

    def test_what_is_unmounted_while_the_broker_is_away_is_forgotten(self):
        target = self.directory("m")
        mount = self.mount("", target, "tmpfs")
        pid = support.main_pid(USHERD)
        os.kill(pid, signal.SIGSTOP)
        subprocess.run(["umount", target], check=True)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: support.main_pid(USHERD) not in (0, pid), "systemd has started a new broker")
        wait_until(lambda: mount not in self.alice.objects(), "the object of a mount that has gone goes")

    def test_a_connection_that_went_while_the_broker_was_away_takes_its_mount_along(self):
        target = self.directory("m")
        client = self.client("alice", session=True)
        self.mount("", target, "tmpfs", options={"lifetime": "connection"}, client=client)
        pid = support.main_pid(USHERD)
        os.kill(pid, signal.SIGSTOP)
        client.kill()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: support.mount_at(target) is None, "the new broker has noticed")

    def test_a_connection_that_stays_keeps_its_mount_over_a_crash(self):
        target = self.directory("m")
        client = self.client("alice", session=True)
        self.mount("", target, "tmpfs", options={"lifetime": "connection"}, client=client)
        restart(kill=True)
        time.sleep(0.3)
        self.assert_mounted(target)
        client.kill()
        wait_until(lambda: support.mount_at(target) is None, "the mount has gone with its client")

    def test_objects_outlive_a_crash_of_the_worker(self):
        target = self.directory("m")
        mount = self.mount("", target, "tmpfs")
        support.kill_worker()
        wait_until(lambda: support.unit(WORKER, "ActiveState") != "active", "the worker has died")
        self.assertIn(mount, self.alice.objects())
        self.unmount(mount)
        self.assert_not_mounted(target)


class Idling(support.MountTestCase):
    def test_the_broker_leaves_when_nobody_needs_it_and_comes_back_when_called(self):
        subprocess.run(["systemctl", "restart", USHERD], check=True)
        started = time.monotonic()
        hostname = self.alice.call("Host", "GetHostname", {})
        pid = support.main_pid(USHERD)
        self.assertNotEqual(pid, 0)
        wait_until(lambda: support.main_pid(USHERD) == 0, "the broker has left", timeout=33)
        self.assertGreater(time.monotonic() - started, 29)
        self.assertEqual(support.unit(USHERD, "Result"), "success")
        self.assertEqual(self.alice.call("Host", "GetHostname", {}), hostname)
        self.assertNotIn(support.main_pid(USHERD), (0, pid))

    def test_what_idles_costs_nothing(self):
        """No thread, no timer that wakes it up: its clock of processor time stands still."""
        self.alice.call("Host", "GetHostname", {})
        time.sleep(0.5)

        def ticks(name):
            with open(f"/proc/{support.main_pid(name)}/stat", encoding="ascii") as file:
                return [int(number) for number in file.read().rpartition(")")[2].split()[11:13]]

        def switches(name):
            with open(f"/proc/{support.main_pid(name)}/status", encoding="ascii") as file:
                return sum(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches"))

        def in_a_second():
            before = [(ticks(name), switches(name)) for name in (USHERD, WORKER)]
            time.sleep(1)
            return [(ticks(name), switches(name)) for name in (USHERD, WORKER)] == before

        # now and then others leave the bus, of which it tells the broker
        self.assertTrue(any(in_a_second() for _ in range(5)))
