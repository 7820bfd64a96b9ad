# SPDX-License-Identifier: LGPL-2.1-or-later
"""Objects: what stands for a mount, how long, and what a new service still knows."""

import contextlib
import os
import signal
import unittest

import ring
from ring import CLONE_NEWNS, MNT_DETACH, Descriptor, Service, mount_at, needs_kernel, wait_until


class Objects(ring.TestCase):
    def test_properties_say_what_was_asked_for(self):
        target, path = self.tmpfs(options=["size=1m", "noexec"])
        found = self.me.get_all("Mount", path=path)
        self.assertEqual(found.pop("Options")[:2], ["size=1m", "noexec"])
        self.assertEqual(found, {"Id": ring.mount_id(target, not ring.OLD) or ring.mount_id(target, False), "Source": "tmpfs",
                                 "Target": target, "FSType": "tmpfs", "Owner": os.geteuid(), "Lifetime": "manual"})

    def test_options_that_usher_added_are_among_them(self):
        _, path = self.tmpfs()
        options = self.me.get("Mount", "Options", path=path)
        for word in ("nosuid", "nodev", "size=10%"):
            self.assertIn(word, options)

    def removed(self, path):
        """Wait until it is told that this one has gone, and return with which interfaces."""
        while True:  # what went with another test's namespace may be told meanwhile
            gone, interfaces = self.me.signal("InterfacesRemoved")[3]
            if gone == path:
                return interfaces

    def test_they_come_and_go_with_signals(self):
        self.me.subscribe()
        target, path = self.tmpfs()
        where, _, _, arguments = self.me.signal("InterfacesAdded")
        self.assertEqual((where, arguments[0]), ("/org/usher1", path))
        self.assertEqual(arguments[1]["org.usher1.Mount"]["Target"], target)
        self.mounts("Unmount", target, {})
        self.assertIn("org.usher1.Mount", self.removed(path))

    def test_they_notice_what_others_unmount(self):
        self.me.subscribe()
        target, path = self.tmpfs()
        other, stays = self.tmpfs("other")
        ring.umount(target)
        self.removed(path)
        self.assertEqual(self.me.objects("Mount"), [stays])
        ring.umount(other, MNT_DETACH)
        self.removed(stays)
        self.assertEqual(self.me.objects("Mount"), [])

    @ring.not_old("namespaces have no ids there")
    @needs_kernel(6, 12, "namespaces have no ids before")
    def test_they_go_with_their_namespace(self):
        target = self.directory("there")
        other = self.start_process(CLONE_NEWNS)
        with Descriptor(os.pidfd_open(other.pid), True) as pidfd:
            path = self.mounts("Mount", "", target, "tmpfs", [], {"in": pidfd})
        self.assertEqual(self.me.objects("Mount"), [path])
        other.kill()
        other.wait()
        wait_until(lambda: not self.me.objects("Mount"), "the object of a mount whose namespace is gone goes", 30)

    @unittest.skipUnless(ring.OLD, "namespaces have ids here")
    def test_without_an_id_of_their_namespace_they_go_with_the_connection_and_the_mount_stays(self):
        target = self.directory("there")
        other = self.start_process(CLONE_NEWNS)
        with Descriptor(os.pidfd_open(other.pid), True) as pidfd, self.service.client() as maker:
            path = maker.call("Mounts", "Mount", "", target, "tmpfs", [], {"in": pidfd})
            self.assertEqual(self.me.objects("Mount"), [path])
        wait_until(lambda: not self.me.objects("Mount"), "the object goes with its connection")
        self.assertEqual(mount_at(target, other.pid).fstype, "tmpfs")

    def test_numbers_are_not_used_again(self):
        seen = set()
        for _ in range(5):
            target, path = self.tmpfs()
            self.assertNotIn(path, seen)
            seen.add(path)
            self.mounts("Unmount", target, {})

    def test_introspection(self):
        _, path = self.tmpfs()
        text = self.me.call("org.freedesktop.DBus.Introspectable", "Introspect", path=path, signature="")
        self.assertIn('interface name="org.usher1.Mount"', text)
        text = self.me.call("org.freedesktop.DBus.Introspectable", "Introspect", path="/org/usher1/mount", signature="")
        self.assertIn(path.rpartition("/")[2], text)

    def test_what_is_no_object(self):
        for path in ("/org/usher1/mount/0", "/org/usher1/mount/4711", "/org/usher1/mount/01", "/org/usher1/mount/x",
                     "/org/usher1/mount/18446744073709551617", "/org/usher1/mount/1/1"):
            with self.subTest(path), self.assertRaises(ring.DBusError) as caught:
                self.me.call("Mount", "Unmount", {}, path=path, signature="a{sv}")
            self.assertIn(caught.exception.name.rpartition(".")[2], ("UnknownObject", "UnknownMethod"))

    def test_two_at_one_place(self):
        target, first = self.tmpfs()
        second = self.mounts("Bind", self.directory("other"), target, [], {})
        self.assertEqual({entry["Object"] for entry in self.mounts("List", {}) if entry["Target"] == target}, {first, second})
        self.me.call("Mount", "Unmount", {}, path=second)
        self.me.call("Mount", "Unmount", {}, path=first)

    def test_every_way_to_unmount_an_object(self):
        for keys in ({}, {"lazy": True}, {"force": True}):
            with self.subTest(keys):
                target, path = self.tmpfs()
                self.me.call("Mount", "Unmount", keys, path=path)
                self.assert_not_mounted(target)
        _, path = self.tmpfs()
        for keys, word in (({"in": "x"}, "in"), ({"lazy": 5}, "lazy"), ({"expire": True, "lazy": True}, "expire")):
            with self.subTest(keys), self.refused("InvalidArgument", word):
                self.me.call("Mount", "Unmount", keys, path=path)

    def test_an_object_expires(self):
        target, path = self.tmpfs()
        with self.refused("Retry"):
            self.me.call("Mount", "Unmount", {"expire": True}, path=path)
        self.me.call("Mount", "Unmount", {"expire": True}, path=path)
        self.assert_not_mounted(target)


class Lifetime(ring.TestCase):
    def test_until_the_connection_goes(self):
        for end in ("close", "kill"):
            with self.subTest(end):
                self.me.subscribe()
                target, other = self.directory(f"{end}-connection"), self.directory(f"{end}-manual")
                client = self.service.client()
                path = client.call("Mounts", "Mount", "", target, "tmpfs", [], {"lifetime": "connection"})
                client.call("Mounts", "Mount", "", other, "tmpfs", [], {"lifetime": "manual"})
                self.assertEqual(client.get("Mount", "Lifetime", path=path), "connection")
                getattr(client, end)()
                client.close()
                self.assertEqual(self.me.signal("InterfacesRemoved")[3][0], path)
                wait_until(lambda place=target: mount_at(place) is None, "the mount goes with its connection")
                self.assert_mounted(other, "tmpfs")

    def test_also_when_it_is_busy(self):
        target = self.directory("there")
        client = self.service.client()
        self.addCleanup(client.close)
        client.call("Mounts", "Mount", "", target, "tmpfs", [], {"lifetime": "connection"})
        with open(f"{target}/open", "w", encoding="utf-8"):
            client.kill()
            wait_until(lambda: mount_at(target) is None, "the mount goes with its connection")

    def test_also_in_another_namespace(self):
        target = self.directory("there")
        other = self.start_process(CLONE_NEWNS)
        client = self.service.client()
        self.addCleanup(client.close)
        with Descriptor(os.pidfd_open(other.pid), True) as pidfd:
            client.call("Mounts", "Mount", "", target, "tmpfs", [], {"in": pidfd, "lifetime": "connection"})
        self.assertIsNotNone(mount_at(target, other.pid))
        client.kill()
        wait_until(lambda: mount_at(target, other.pid) is None, "the mount goes with its connection")

    def test_also_when_it_has_been_moved(self):
        target = self.directory("there")
        client = self.service.client()
        self.addCleanup(client.close)
        client.call("Mounts", "Bind", self.here, target, [], {"lifetime": "connection"})
        self.mounts("Move", target, self.directory("elsewhere"), {})
        client.kill()
        wait_until(lambda: mount_at(f"{self.here}/elsewhere") is None, "the mount goes with its connection")

    def test_many_at_once(self):
        client = self.service.client()
        self.addCleanup(client.close)
        targets = [self.directory(str(number)) for number in range(50)]
        for target in targets:
            client.call("Mounts", "Mount", "", target, "tmpfs", [], {"lifetime": "connection"})
        client.kill()
        wait_until(lambda: not any(found.target in targets for found in ring.mounts()), "all mounts go")
        wait_until(lambda: not self.me.objects("Mount"), "all objects go")


class OnTheRoot(ring.TestCase):
    """What lies on the root of a namespace is in no directory, and hides what is under it from all who come in later."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self.clear_root)

    @staticmethod
    def roots(pid="self"):
        return sum(found.target == "/" for found in ring.mounts(pid))

    def clear_root(self):
        while self.roots() > 1:
            ring.umount("/..", MNT_DETACH)

    def cover_root(self, target="/", client=None, keys=None):
        return (client or self.me).call("Mounts", "Bind", self.directory("over"), target, [], keys or {})

    def unmount(self, path, keys=None):
        self.me.call("Mount", "Unmount", keys or {}, path=path)

    def elsewhere(self):
        other = self.start_process(CLONE_NEWNS)
        pidfd = Descriptor(os.pidfd_open(other.pid), True)
        self.addCleanup(pidfd.close)
        return other.pid, {"in": pidfd}

    def test_it_is_taken_off_in_every_way(self):
        for keys in ({}, {"lazy": True}, {"force": True}):
            with self.subTest(keys):
                path = self.cover_root()
                self.assertEqual(self.roots(), 2)
                self.unmount(path, keys)
                self.assertEqual((self.roots(), self.me.objects("Mount")), (1, []))
        path = self.cover_root()
        with self.refused("Retry", "expire"):
            self.unmount(path, {"expire": True})
        self.unmount(path, {"expire": True})
        self.assertEqual(self.roots(), 1)

    def test_it_is_busy_while_somebody_is_in_it(self):
        path = self.cover_root()
        fd = os.open("/..", os.O_PATH)
        self.addCleanup(os.close, fd)
        with self.refused("Busy"):
            self.unmount(path)
        self.unmount(path, {"lazy": True})
        self.assertEqual(self.roots(), 1)

    def test_of_two_the_upper_one_goes_first(self):
        lower = self.cover_root()
        upper = self.cover_root("/..")
        self.assertEqual(self.roots(), 3)
        for keys in ({}, {"lazy": True}):
            with self.refused("Busy", "on top of it"):
                self.unmount(lower, keys)
        self.unmount(upper)
        self.unmount(lower)
        self.assertEqual(self.roots(), 1)

    def test_both_go_with_their_connection(self):
        with self.service.client() as client:
            for target in ("/", "/.."):
                self.cover_root(target, client, {"lifetime": "connection"})
            self.assertEqual(self.roots(), 3)
        wait_until(lambda: self.roots() == 1, "both go with their connection", 30)
        wait_until(lambda: not self.me.objects("Mount"), "the objects go with them")

    def test_no_path_names_it(self):
        self.cover_root()
        for target in ("/", "//", "/..", "/."):
            with self.subTest(target), self.refused("InvalidArgument", "mount point"):
                self.mounts("Unmount", target, {})
        self.assertEqual(self.roots(), 2)

    def test_in_another_namespace_it_goes_lazily(self):
        pid, place = self.elsewhere()
        path = self.cover_root(keys=place)
        self.assertEqual((self.roots(), self.roots(pid)), (1, 2))
        for keys in ({}, {"force": True}, {"expire": True}):
            with self.refused("Busy", "lazy"):
                self.unmount(path, {**keys, **place})
        self.assertIn("rw", ring.mounts(pid)[-1].super_options)
        self.unmount(path, {"lazy": True, **place})
        self.assertEqual(self.roots(pid), 1)
        with self.service.client() as client:
            self.cover_root("/", client, {**place, "lifetime": "connection"})
            self.assertEqual(self.roots(pid), 2)
        wait_until(lambda: self.roots(pid) == 1, "it goes with its connection")

    @ring.not_old("what is hidden cannot be asked for there")
    @needs_kernel(6, 12, "namespaces have no ids before")
    def test_in_another_namespace_what_it_hides_is_not_gone(self):
        pid, place = self.elsewhere()
        target, hidden = self.tmpfs(keys=place)
        upper = self.cover_root(keys=place)
        with self.refused("Busy", "root"):
            self.unmount(hidden, {"lazy": True})
        self.assertIn(hidden, self.me.objects("Mount"))
        self.unmount(upper, {"lazy": True})
        self.unmount(hidden)
        self.assertIsNone(mount_at(target, pid))

    def test_the_root_itself_stays(self):
        self.me.run(ring.become_root_of, CLONE_NEWNS)
        new, path = self.tmpfs()
        self.me.run(os.mkdir, f"{new}/old")
        self.mounts("PivotRoot", new, f"{new}/old", {})
        for keys in ({}, {"lazy": True}):
            with self.refused("Busy", "root of its namespace"):
                self.unmount(path, keys)
        self.assertEqual(mount_at("/", self.me.pid).fstype, "tmpfs")


class Restart(ring.TestCase):
    """Another service that is given what the first one had stored, as systemd would."""

    @classmethod
    def setUpClass(cls):
        cls.service = Service(store=True)

    def tearDown(self):
        for path in self.me.objects("Mount"):
            with contextlib.suppress(ring.DBusError):
                self.me.call("Mount", "Unmount", {"lazy": True}, path=path)
        self.service.store.serve()
        self.assertEqual(self.service.store.kept, {}, "what is gone is in the store no more")

    def kept(self):
        self.service.store.serve()
        return sorted(self.service.store.kept)

    @ring.not_old("namespaces have no ids there")
    @needs_kernel(6, 12, "namespaces have no ids before")
    def test_objects_are_the_same_afterwards(self):
        other = self.start_process(CLONE_NEWNS)
        target, path = self.tmpfs(options=["size=1m"])
        with Descriptor(os.pidfd_open(other.pid), True) as pidfd:
            elsewhere = self.mounts("Mount", "", target, "tmpfs", [], {"in": pidfd})
        before = {one: self.me.get_all("Mount", path=one) for one in (path, elsewhere)}
        self.assertTrue(self.kept())
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number.name):
                self.service.restart(number)
                self.assertEqual({one: self.me.get_all("Mount", path=one) for one in self.me.objects("Mount")}, before)
        self.assertIn(path, [entry.get("Object") for entry in self.mounts("List", {})])
        self.me.call("Mount", "Unmount", {}, path=elsewhere)
        self.assertIsNone(mount_at(target, other.pid))
        self.mounts("Unmount", target, {})
        self.assertEqual(self.me.objects("Mount"), [])

    def test_numbers_go_on(self):
        _, first = self.tmpfs("first")
        self.service.restart()
        _, second = self.tmpfs("second")
        self.assertGreater(int(second.rpartition("/")[2]), int(first.rpartition("/")[2]))

    def test_what_went_meanwhile(self):
        target, path = self.tmpfs()
        self.service.stop()
        ring.umount(target)
        self.service.start()
        wait_until(lambda: path not in self.me.objects("Mount"), "the object of a mount that is gone goes")

    def test_whose_connection_went_meanwhile(self):
        target = self.directory("there")
        client = self.service.client()
        self.addCleanup(client.close)
        client.call("Mounts", "Mount", "", target, "tmpfs", [], {"lifetime": "connection"})
        self.kept()
        self.service.stop()
        client.close()
        self.service.start()
        wait_until(lambda: mount_at(target) is None, "the mount goes")

    def test_whose_connection_stays(self):
        target = self.directory("there")
        client = self.service.client()
        self.addCleanup(client.close)
        path = client.call("Mounts", "Mount", "", target, "tmpfs", [], {"lifetime": "connection"})
        self.kept()
        self.service.restart(signal.SIGKILL)
        self.assertEqual(client.objects("Mount"), [path])
        client.close()
        wait_until(lambda: mount_at(target) is None, "the mount goes")

    def test_without_a_store_mounts_stay_and_are_nobody_s(self):
        service = Service()
        self.addCleanup(service.close)
        target = self.directory("there")
        with service.client() as client:
            client.call("Mounts", "Mount", "", target, "tmpfs", [], {})
        service.restart()
        self.assert_mounted(target, "tmpfs")
        with service.client() as client:
            self.assertEqual(client.objects("Mount"), [])
            client.call("Mounts", "Unmount", target, {})
        self.assert_not_mounted(target)
