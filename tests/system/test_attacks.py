# SPDX-License-Identifier: LGPL-2.1-or-later
"""Attacks that worked once, or would without a defence that is easily lost."""

import ctypes
import glob
import os
import shutil
import subprocess

import support

NOBODY = 65534
CLONE_NEWUSER = 0x10000000


def move_into(root):
    """Where the kernel finds no mount for the root directory of the caller."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) < 0:
        raise OSError(ctypes.get_errno(), "unshare")
    os.fchdir(root.fileno())
    os.chroot(".")


class Attacks(support.MountTestCase):
    def test_sec_51_what_goes_from_a_copy_stays_where_it_was_mounted(self):
        """A recursive copy is its source's peer, and a lazy unmount of it took what root had mounted in the source along."""
        secret, target = self.directory("secret", "root"), self.directory("copy")
        support.mount("roots", secret, "tmpfs")
        self.addCleanup(support.umount, secret)
        copy = self.bind(self.home, target, options={"recursive": True})
        self.assertIsNotNone(support.mount_at(f"{target}/secret"))
        self.unmount(copy, lazy=True)
        self.assertIsNone(support.mount_at(f"{target}/secret"))
        self.assertEqual(support.mount_at(secret).fstype, "tmpfs")

    def test_sec_51_what_is_mounted_below_the_source_later_stays_too(self):
        secret, target = self.directory("secret", "root"), self.directory("copy")
        copy = self.bind(self.home, target)
        support.mount("roots", secret, "tmpfs")
        self.addCleanup(support.umount, secret)
        self.unmount(copy, lazy=True)
        self.assertEqual(support.mount_at(secret).fstype, "tmpfs")

    def test_sec_51_copies_of_a_directory_inside_of_it_do_not_multiply(self):
        """As slaves of their source, each got what was mounted below it, and the mount table was twice as long each time."""
        for i in range(8):
            self.directory(f"a{i}")
        before = len(support.mounts())
        for i in range(6):
            self.bind(self.home, f"{self.home}/a{i}")
        self.mount("", f"{self.home}/a6", "tmpfs")
        self.assertEqual(len(support.mounts()), before + 7)
        for word in ("slave", "rslave"):
            with self.needs_admin("bind"):
                self.bind(self.home, f"{self.home}/a7", [word])
            with self.needs_admin("open-tree"):
                self.alice.call("Mounts", "OpenTree", self.home, [word], {})

    def test_sec_60_no_program_of_ones_own_can_keep_a_new_file_system_waiting(self):
        """While its first byte does not come nothing kills the child, and sync(2) waits with it, whoever calls that."""
        spot, other, target = self.directory("spot"), self.directory("other"), self.directory("m")
        answers = {support.FUSE_GETATTR: 9, support.FUSE_STATFS: 9, support.FUSE_OPEN: 9}
        soon = {"deadline_usec": support.Variant("t", 2000000)}
        with support.StuckFilesystem(spot, "alice", answers), self.needs_admin("mount"):
            self.mount("", target, "overlay", [f"lowerdir={spot}:{other}"], soon)
        image = self.file("image")
        with support.StuckFilesystem(image, "alice", answers, mode=0o100644):
            for fstype in ("squashfs", "erofs"):
                with self.subTest(fstype=fstype), self.needs_admin("mount"):
                    self.mount(image, target, fstype, options=soon)

    def test_sec_60_nor_can_one_behind_an_overlay(self):
        image = support.make_image("squashfs", f"{self.directory('a')}/i", "alice")
        merged, target = self.directory("merged"), self.directory("m")
        self.mount("", merged, "overlay", [f"lowerdir={self.home}/a:{self.directory('b')}"])
        with self.needs_admin("mount"):
            self.mount(f"{merged}/i", target, "squashfs")
        self.unmount(self.mount(image, target, "squashfs"))

    def test_an_image_says_nothing_about_who_else_owns_what(self):
        """With an image of its own making over a directory in /tmp, a user had root's programs trust what lay there."""
        for fstype, command in (("squashfs", ["mksquashfs", "{from}", "{to}", "-quiet", "-no-progress", "-force-uid", "{uid}", "-force-gid", "{uid}"]),
                                ("erofs", ["mkfs.erofs", "--quiet", "--force-uid={uid}", "--force-gid={uid}", "{to}", "{from}"])):
            for forged in (0, support.identity_of("bob")["user"]):
                with self.subTest(fstype=fstype, forged=forged):
                    source, target = self.directory(f"s{forged}{fstype}"), self.directory(f"m{forged}{fstype}")
                    self.file(f"s{forged}{fstype}/f", "x")
                    image = f"{self.home}/{forged}.{fstype}"
                    words = [word.format(**{"from": source, "to": image, "uid": forged}) for word in command]
                    subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
                    os.chmod(image, 0o644)
                    self.mount(image, target, fstype)
                    for path in (target, f"{target}/f"):
                        status = os.stat(path)
                        self.assertEqual((status.st_uid, status.st_gid), (NOBODY, NOBODY), path)

    def test_a_mount_of_a_caller_with_an_odd_root_goes_with_its_connection(self):
        """Which ids mounts have was asked in the caller's root; from a detached one the answer was another."""
        source, target = self.directory("source"), self.directory("target")
        client = self.client("alice", session=True)
        self.addCleanup(self.sit_down)
        keys = {"source_fd": self.during(support.Descriptor(os.open(source, os.O_PATH), owned=True)),
                "target_fd": self.during(support.Descriptor(os.open(target, os.O_PATH), owned=True))}
        with client.call("Mounts", "OpenTree", self.home, [], {}) as root:
            client.run(move_into, root)
        client.call("Mounts", "Bind", "", "", [], {**keys, "lifetime": "connection"})
        self.assert_mounted(target)
        client.kill()
        support.wait_until(lambda: support.mount_at(target) is None, "the mount has gone with its connection")

    def cover(self, name):
        """A directory of alice's with a mount of root's on it, and a descriptor of what is below."""
        spot = self.directory(name)
        fd = self.during(support.Descriptor(os.open(spot, os.O_PATH), owned=True))
        support.mount("roots", spot, "tmpfs", 0, "mode=700")
        self.addCleanup(support.umount, spot)
        return spot, fd

    def test_nothing_is_put_over_a_mount_by_a_descriptor_of_what_it_covers(self):
        spot, fd = self.cover("covered")
        source = self.directory("source")
        image = self.file("image.sqsh")
        subprocess.run(["mksquashfs", source, image, "-quiet", "-no-progress", "-noappend"], stdout=subprocess.DEVNULL, check=True)
        with support.Descriptor(os.open(image, os.O_RDONLY), owned=True) as opened:
            for make in (lambda: self.bind(source, "", options={"target_fd": fd}),
                         lambda: self.mount("", "", "tmpfs", options={"target_fd": fd}),
                         lambda: self.mount_image(opened, "", "squashfs", options={"target_fd": fd})):
                with self.refused("Retry", "after it was looked up"):
                    make()
        self.assertEqual(support.mount_at(spot).source, "roots")


def loops_of(uid):
    """How many loop devices were made for a user, on the whole machine."""
    found = 0
    for path in glob.glob("/sys/block/loop*/loop/sizelimit"):
        try:
            with open(path, encoding="ascii") as file:
                found += int(file.read()) == 0x7573 << 48 | uid
        except OSError:
            pass  # not any more
    return found


class LoopDevices(support.MountTestCase):
    """Of bob, since there is one set of them for all systems that are booted on a machine, and images are mostly alice's."""

    MOST = 32

    def test_one_user_cannot_take_all_loop_devices(self):
        bob = self.client("bob", session=True)
        self.addCleanup(self.sit_down)
        uid = support.identity_of("bob")["user"]
        home = bob.run(support.make_directory, "loops")
        self.addCleanup(shutil.rmtree, home)
        image, target = f"{home}/image", f"{home}/target"
        bob.run(os.mkdir, target)
        subprocess.run(["mksquashfs", target, image, "-quiet", "-no-progress"], stdout=subprocess.DEVNULL, check=True)
        os.chmod(image, 0o644)
        before, made, refusal = loops_of(uid), [], None
        try:
            while refusal is None:
                made.append(bob.call("Mounts", "OpenMount", image, "squashfs", [], {}))
                self.assertLessEqual(len(made), self.MOST)
        except support.DBusError as error:
            refusal = error
        if "no loop device is free" in refusal.message:
            self.skipTest("other systems on this machine hold its loop devices")
        self.assertEqual((refusal.name, refusal.message),
                         (support.ERROR + "LimitExceeded", f"the limit LoopDevices={self.MOST} of a user is reached"))
        self.assertEqual(before + len(made), self.MOST)
        with self.refused("LimitExceeded", "LoopDevices"):
            self.mount(image, target, "squashfs", client=bob)
        subprocess.run(["systemctl", "restart", "usher-worker.service"], check=True)
        with self.refused("LimitExceeded", "LoopDevices"):
            bob.call("Mounts", "OpenMount", image, "squashfs", [], {})
        self.unmount(self.mount(image, target, "squashfs", client=support.root()), support.root())
        made.pop().close()
        support.wait_until(lambda: loops_of(uid) < self.MOST, "a loop device has gone with its mount")
        mount = self.mount(image, target, "squashfs", client=bob)
        self.unmount(mount, bob)
        for one in made:
            one.close()
        support.wait_until(lambda: loops_of(uid) == before, "all have gone")
