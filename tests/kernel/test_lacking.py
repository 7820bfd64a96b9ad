# SPDX-License-Identifier: LGPL-2.1-or-later
"""A kernel that lacks what there is no other way for: what needs it is refused and says so, and all else works."""

import os
import unittest

import ring
from ring import DBusError, Service, mounts, wait_until

# What each needs of the calls that have not always been there.
NEEDED = {
    "Mount": ("openat2", "fsopen", "fsconfig", "fsmount", "move_mount"),
    "Bind": ("openat2", "open_tree", "mount_setattr", "move_mount"),
    "OpenMount": ("fsopen", "fsconfig", "fsmount"),
    "OpenTree": ("openat2", "open_tree", "mount_setattr"),
    "Remount": ("openat2", "mount_setattr"),
    "Remount of the file system": ("openat2", "fspick", "fsconfig"),
    "Move": ("openat2", "move_mount"),
    "Unmount": ("openat2",),
    "List": (),
    "GetHostname": (),
}


@unittest.skipUnless(ring.RING == "user" and not ring.OLD, "once is enough: in a user namespace")
class Lacking(ring.TestCase):
    @classmethod
    def setUpClass(cls):
        ring.needs_block()
        cls.service = None

    @classmethod
    def tearDownClass(cls):
        pass

    def attempt(self, client, name):
        there, source, target = f"{self.here}/there", f"{self.here}/source", f"{self.here}/target"
        return {
            "Mount": lambda: client.call("Mounts", "Mount", "", target, "tmpfs", [], {}),
            "Bind": lambda: client.call("Mounts", "Bind", source, target, [], {}),
            "OpenMount": lambda: client.call("Mounts", "OpenMount", "", "tmpfs", [], {}).close(),
            "OpenTree": lambda: client.call("Mounts", "OpenTree", source, [], {}).close(),
            "Remount": lambda: client.call("Mounts", "Remount", there, ["noexec"], {}),
            "Remount of the file system": lambda: client.call("Mounts", "Remount", there, ["size=1m"], {}),
            "Move": lambda: client.call("Mounts", "Move", there, target, {}),
            "Unmount": lambda: client.call("Mounts", "Unmount", there, {}),
            "List": lambda: client.call("Mounts", "List", {}),
            "GetHostname": lambda: client.call("Host", "GetHostname", {}),
        }[name]()

    def fresh(self):
        """The same for everyone: a mount, and two directories."""
        self.clean(self.here)
        for name in ("there", "source", "target"):
            os.makedirs(f"{self.here}/{name}")
        ring.mount("tmpfs", f"{self.here}/there", "tmpfs")

    def under(self):
        return [(found.id, found.target, found.options, found.super_options) for found in mounts()
                if found.target.startswith(self.here)]

    def test_what_is_missing_is_named_and_nothing_is_done(self):
        for lacking in sorted({call for calls in NEEDED.values() for call in calls}):
            service = Service(block=[f"{lacking}:ENOSYS"])
            self.addCleanup(service.close)
            with service.client() as client:
                for name, calls in NEEDED.items():
                    with self.subTest(name, lacking=lacking):
                        self.fresh()
                        before = self.under()
                        if lacking not in calls:
                            self.attempt(client, name)
                            continue
                        with self.assertRaises(DBusError) as raised:
                            self.attempt(client, name)
                        self.assertEqual(raised.exception.name, "org.usher1.Error.NotSupported")
                        self.assertRegex(str(raised.exception), rf"this kernel lacks {lacking}\(2\), which Linux has since 5\.\d+")
                        self.assertEqual(self.under(), before)
                        wait_until(lambda: not ring.children_of(service.worker), "its child has ended")
            service.stop()

    def test_without_pidfds_nobody_is_known(self):
        service = Service(block=["pidfd_open:ENOSYS"])
        self.addCleanup(service.close)
        with service.client() as client, self.assertRaises(DBusError) as raised:
            client.call("Host", "GetHostname", {})
        self.assertEqual(raised.exception.name, "org.usher1.Error.NotSupported")

    def test_without_close_range_no_child_begins(self):
        service = Service(block=["close_range:ENOSYS"])
        self.addCleanup(service.close)
        with service.client() as client, self.assertRaises(DBusError) as raised:
            client.call("Host", "GetHostname", {})
        self.assertIn(raised.exception.name, ("org.usher1.Error.Failed", "org.usher1.Error.NotSupported"))
