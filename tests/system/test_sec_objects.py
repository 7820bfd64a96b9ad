# SPDX-License-Identifier: LGPL-2.1-or-later
"""Numbers of what usher made, which others may guess and the kernel may use again."""

import os

import support
from support import Place

MISSING = ("org.freedesktop.DBus.Error.UnknownObject", "org.freedesktop.DBus.Error.UnknownMethod")


def namespace_number(pid):
    return os.stat(f"/proc/{pid}/ns/mnt").st_ino


class Numbers(support.MountTestCase):
    def test_sec_50_a_mount_is_known_by_a_number_that_is_not_used_again(self):
        target, ids, small = self.directory("m"), [], []
        for _ in range(30):
            mount = self.mount("", target, "tmpfs")
            ids.append(self.alice.get("Mount", "Id", path=mount))
            small.append(support.mount_at(target).id)
            support.umount(target)
            support.wait_until(lambda gone=mount: gone not in self.alice.objects("Mount"), "the object has gone with its mount")
            if len(set(small)) < len(small):
                break
        else:
            self.skipTest("the kernel has not used the number of a mount again")
        self.assertEqual(len(set(ids)), len(ids), ids)

    def test_sec_50_a_namespace_that_has_the_number_of_an_older_one_is_another(self):
        target, olds, new = self.directory("m"), {}, None
        for _ in range(100):
            place = Place("alice", "--user", "--map-root-user", "--mount")
            number = namespace_number(place.pid)
            with place.pidfd() as pidfd:
                mount = self.mount("", target, "tmpfs", options={"in": pidfd})
            if number in olds:
                new = place
                break
            olds[number] = mount
            place.close()
        else:
            self.skipTest("the kernel has not used the number of a namespace again")
        with new:
            try:
                self.unmount(olds[number], lazy=True)
            except support.DBusError as error:
                self.assertIn(error.name, (*MISSING, f"{support.ERROR}NotFound"), error)
            self.assert_mounted(target, "tmpfs", pid=new.pid)
            support.wait_until(lambda: olds[number] not in self.alice.objects("Mount"), "the object has gone with its namespace")

    def test_sec_64_who_guesses_the_number_of_an_object_may_no_more_than_before(self):
        mounts = [self.mount("", self.directory(f"m{i}"), "tmpfs") for i in range(3)]
        last = int(mounts[-1].rpartition("/")[2])
        bob = self.client("bob", session=True)
        self.addCleanup(self.sit_down)
        for number in (*range(3), *range(last - 20, last + 3), 2 ** 32, 2 ** 64 - 1, 2 ** 64):
            with self.assertRaises(support.DBusError) as caught:
                bob.call("Mount", "Unmount", {"lazy": True}, path=f"/org/usher1/mount/{number}", signature="a{sv}")
            self.assertIn(caught.exception.name, (*MISSING, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"))
        for i in range(3):
            self.assert_mounted(f"{self.home}/m{i}", "tmpfs")
