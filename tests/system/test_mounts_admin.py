# SPDX-License-Identifier: LGPL-2.1-or-later
"""What takes an administrator's consent, given here by a rule: file systems on devices and in images, and what is done
to mounts that are there."""

import os
import subprocess

import support
from support import Descriptor, digest, read_file, write_file


def hold_open(path):
    """For writing, for as long as the process lives."""
    return os.open(path, os.O_RDWR | os.O_CREAT)


def size_of(path):
    status = os.statvfs(path)
    return status.f_blocks * status.f_frsize


def open_path(path, flags):
    return Descriptor(os.open(path, flags | os.O_CLOEXEC), owned=True)


class AllowedTestCase(support.MountTestCase):
    """Alice, wherever she sits, may do what an administrator allows."""

    session = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enterClassContext(support.polkit_answer("yes", "org.usher1.*", "alice"))


class OfTheKernel(support.MountTestCase):
    def test_sysfs_that_root_mounts_shows_the_machines_network_and_not_the_workers(self):
        with open("/sys/class/net/lo/mtu", encoding="ascii") as file:
            before = file.read()
        with open("/sys/class/net/lo/mtu", "w", encoding="ascii") as file:
            file.write("12345")
        self.addCleanup(write_file, "/sys/class/net/lo/mtu", before)
        target = self.directory("m")
        with support.Client("root") as root:
            root.call("Mounts", "Mount", "", target, "sysfs", [], {})
            self.addCleanup(subprocess.run, ["umount", "-ql", target], check=False)
            self.assertEqual(read_file(f"{target}/class/net/lo/mtu"), "12345\n")
            root.call("Mounts", "Unmount", target, {})


class Images(AllowedTestCase):
    def image(self, fstype):
        return support.make_image(fstype, f"{self.home}/{fstype}.img", "alice")

    def test_ext4_xfs_and_btrfs_images_are_mounted_and_written_to(self):
        for fstype in ("ext4", "xfs", "btrfs"):
            with self.subTest(fstype=fstype):
                image, target = self.image(fstype), self.directory(f"m-{fstype}")
                for kind in (fstype, "auto"):
                    mount = self.mount(image, target, kind)
                    self.assert_mounted(target, fstype, ("rw", "nosuid", "nodev"))
                    write_file(f"{target}/{kind}", "kept")
                    self.unmount(mount)
                with open_path(image, os.O_RDWR) as descriptor:
                    mount = self.mount_image(descriptor, target)
                self.assertEqual([read_file(f"{target}/{kind}") for kind in (fstype, "auto")], ["kept", "kept"])
                self.unmount(mount)

    def test_nosuid_and_nodev_are_on_unless_the_words_say_otherwise(self):
        image, target = self.image("ext4"), self.directory("m")
        mount = self.mount(image, target, "ext4")
        self.assert_mounted(target, "ext4", ("nosuid", "nodev"))
        result = support.run_as("alice", f"{target}/whoami", "-u")
        self.assertEqual(result.stdout, f"{self.uid}\n", result.stderr)
        self.unmount(mount)
        self.mount(image, target, "ext4", ["suid", "dev"])
        found = self.assert_mounted(target, "ext4")
        self.assertFalse({"nosuid", "nodev"} & set(found.options))
        self.assertEqual(support.run_as("alice", f"{target}/whoami", "-u").stdout, "0\n")

    def test_vfat_images_are_mounted_where_the_kernel_can(self):
        self.mount_or_be_told("vfat")

    def test_iso9660_images_are_mounted_where_the_kernel_can(self):
        self.mount_or_be_told("iso9660")

    def mount_or_be_told(self, fstype):
        image, target = self.image(fstype), self.directory("m")
        if not support.kernel_has(fstype):
            for kind in (fstype, "auto"):
                with self.refused("NotSupported", fstype):
                    self.mount(image, target, kind)
            self.skipTest(f"this kernel has no {fstype}; that it answers NotSupported has been seen")
        self.mount(image, target, "auto")
        self.assert_mounted(target, fstype, ("nosuid", "nodev"))

    def test_the_wrong_type_is_refused_with_what_the_kernel_says(self):
        target = self.directory("m")
        with self.assertRaises(support.DBusError) as caught:
            self.mount(self.image("ext4"), target, "xfs")
        self.assertEqual(caught.exception.name, f"{support.ERROR}InvalidArgument")
        self.assertRegex(caught.exception.message, "xfs|superblock|magic")
        self.assert_not_mounted(target)

    def test_an_option_that_the_file_system_does_not_have_is_refused_with_what_the_kernel_says(self):
        image, target = self.image("ext4"), self.directory("m")
        for source, fstype in ((image, "ext4"), ("", "tmpfs")):
            with self.subTest(fstype=fstype), self.refused("InvalidArgument", "nosuchword", "Unknown parameter"):
                self.mount(source, target, fstype, ["nosuchword"])
        with self.refused("InvalidArgument", "commit"):
            self.mount(image, target, "ext4", ["commit=soon"])
        self.assert_not_mounted(target)

    def test_auto_on_garbage_and_on_two_file_systems_at_once_says_so(self):
        target = self.directory("m")
        with self.refused("InvalidArgument", "no known file system"):
            self.mount(self.file("garbage", "garbage " * 8192), target, "auto")
        image = self.image("ext4")
        with open(image, "r+b") as file:
            file.write(b"hsqs" + b"\0" * 24 + b"\4\0\0\0")  # and what looks like a squashfs in its first sector
        with self.assertRaises(support.DBusError) as caught:
            self.mount(image, target, "auto")
        self.assertEqual(caught.exception.name, f"{support.ERROR}InvalidArgument", caught.exception.message)


class Devices(AllowedTestCase):
    def device(self, fstype="ext4"):
        image = support.make_image(fstype, f"{self.home}/device.img", "root")
        result = subprocess.run(["losetup", "--find", "--show", image], stdout=subprocess.PIPE, text=True, check=True)
        self.addCleanup(subprocess.run, ["losetup", "--detach", result.stdout.strip()], check=False)
        return result.stdout.strip()

    def test_a_block_device_is_mounted(self):
        device, target = self.device(), self.directory("m")
        for fstype in ("ext4", "auto"):
            mount = self.mount(device, target, fstype, ["noatime"])
            found = self.assert_mounted(target, "ext4", ("rw", "nosuid", "nodev", "noatime"))
            self.assertEqual(found.source, device)
            self.unmount(mount)

    def test_a_symbolic_link_to_a_block_device_is_followed(self):
        device, target = self.device(), self.directory("m")
        os.symlink(device, f"{self.home}/by-label")
        self.mount(f"{self.home}/by-label", target, "auto", ["ro"])
        self.assertEqual(self.assert_mounted(target, "ext4", ("ro",)).source, device)

    def test_a_symbolic_link_to_anything_else_is_not(self):
        image, target = support.make_image("ext4", f"{self.home}/i", "alice"), self.directory("m")
        os.symlink(image, f"{self.home}/link")
        with self.refused("InvalidArgument", "symbolic link"):
            self.mount(f"{self.home}/link", target, "ext4")

    def test_a_device_that_somebody_holds_is_busy(self):
        device, target = self.device(), self.directory("m")
        holder = os.open(device, os.O_RDWR | os.O_EXCL)
        try:
            with self.refused("Busy"):
                self.mount(device, target, "ext4")
        finally:
            os.close(holder)
        self.assert_not_mounted(target)

    def test_what_is_neither_device_nor_image_is_refused(self):
        target = self.directory("m")
        for source in ("/dev/null", self.home, "/dev/tty"):
            with self.subTest(source=source), self.refused("InvalidArgument", source):
                self.mount(source, target, "ext4")
        with self.refused("NotFound", "/dev/nothing"):
            self.mount("/dev/nothing", target, "ext4")
        for source in ("", "relative", "UUID=1"):
            with self.subTest(source=source), self.refused("InvalidArgument", "source", "absolute"):
                self.mount(source, target, "ext4")

    def test_a_device_node_anywhere_is_an_administrators_to_mount(self):
        device, target = self.device(), self.directory("m")
        number = os.stat(device).st_rdev
        os.mknod(f"{self.home}/node", 0o60644, number)
        with support.polkit_asked("no", "alice") as asked:
            with self.refused("NotPermitted"):
                self.mount(f"{self.home}/node", target, "ext4")
            told, = asked()
        self.assertEqual((told["action"], told["source"]), ("org.usher1.mount", f"{self.home}/node"))


class Remount(AllowedTestCase):
    def test_flags_that_are_named_change_and_the_others_stay(self):
        target = self.directory("m")
        self.mount("", target, "tmpfs", ["noexec", "noatime"])
        self.alice.call("Mounts", "Remount", target, ["ro"], {})
        self.assert_mounted(target, "tmpfs", ("ro", "nosuid", "nodev", "noexec", "noatime"))
        self.alice.call("Mounts", "Remount", target, ["rw", "exec", "relatime"], {})
        found = self.assert_mounted(target, "tmpfs", ("rw", "nosuid", "nodev", "relatime"))
        self.assertNotIn("noexec", found.options)
        self.alice.call("Mounts", "Remount", target, ["suid", "dev", "nosymfollow", "nodiratime"], {})
        found = self.assert_mounted(target, "tmpfs", ("nosymfollow", "nodiratime"))
        self.assertFalse({"nosuid", "nodev"} & set(found.options))

    def test_only_this_mount_changes_not_another_of_the_same_file_system(self):
        source, target = self.directory("a"), self.directory("b")
        self.mount("", source, "tmpfs")
        self.bind(source, target)
        self.alice.call("Mounts", "Remount", target, ["ro"], {})
        self.assert_mounted(source, "tmpfs", ("rw",))
        self.assert_mounted(target, "tmpfs", ("ro",))

    def test_without_recursive_only_the_top_changes_and_with_it_the_tree(self):
        top = self.directory("m")
        self.mount("", top, "tmpfs")
        self.alice.run(os.mkdir, f"{top}/below")
        self.mount("", f"{top}/below", "tmpfs")
        self.alice.call("Mounts", "Remount", top, ["noexec"], {})
        self.assertNotIn("noexec", support.mount_at(f"{top}/below").options)
        self.alice.call("Mounts", "Remount", top, ["ro"], {"recursive": True})
        self.assert_mounted(top, "tmpfs", ("ro", "noexec"))
        self.assert_mounted(f"{top}/below", "tmpfs", ("ro",))

    def test_a_recursive_change_is_made_everywhere_or_nowhere(self):
        top = self.directory("m")
        self.mount("", top, "tmpfs")
        self.alice.run(os.mkdir, f"{top}/below")
        self.mount("", f"{top}/below", "tmpfs")
        fd = os.open(f"{top}/below/f", os.O_RDWR | os.O_CREAT)
        try:
            with self.refused("Busy"):
                self.alice.call("Mounts", "Remount", top, ["ro"], {"recursive": True})
        finally:
            os.close(fd)
        self.assert_mounted(top, "tmpfs", ("rw",))
        self.assert_mounted(f"{top}/below", "tmpfs", ("rw",))

    def test_read_only_waits_for_no_writer_but_says_that_there_is_one(self):
        target = self.directory("m")
        self.mount("", target, "tmpfs")
        fd = os.open(f"{target}/f", os.O_RDWR | os.O_CREAT)
        try:
            with self.refused("Busy", target):
                self.alice.call("Mounts", "Remount", target, ["ro"], {})
        finally:
            os.close(fd)
        self.alice.call("Mounts", "Remount", target, ["ro"], {})
        self.assert_mounted(target, "tmpfs", ("ro",))

    def test_the_propagation_is_changed_by_the_key_and_by_the_word(self):
        target = self.directory("m")
        self.mount("", target, "tmpfs")

        def propagation():
            return [word.partition(":")[0] for word in support.mount_at(target).propagation]

        for word, expected in (("private", []), ("shared", ["shared"]), ("unbindable", ["unbindable"]), ("private", [])):
            self.alice.call("Mounts", "Remount", target, [], {"propagation": word})
            self.assertEqual(propagation(), expected, word)
        for word, expected in (("shared", ["shared"]), ("private", []), ("rshared", ["shared"]), ("rprivate", [])):
            self.alice.call("Mounts", "Remount", target, [word], {})
            self.assertEqual(propagation(), expected, word)
        with self.refused("InvalidArgument", "propagation", "sideways"):
            self.alice.call("Mounts", "Remount", target, [], {"propagation": "sideways"})

    def test_recursive_holds_for_the_propagation_key_too(self):
        top = self.directory("m")
        self.mount("", top, "tmpfs")
        self.alice.run(os.mkdir, f"{top}/below")
        self.alice.call("Mounts", "Remount", top, ["shared"], {})
        self.mount("", f"{top}/below", "tmpfs")
        self.assertTrue(support.mount_at(f"{top}/below").propagation)
        self.alice.call("Mounts", "Remount", top, [], {"propagation": "private", "recursive": True})
        self.assertEqual(support.mount_at(top).propagation, ())
        self.assertEqual(support.mount_at(f"{top}/below").propagation, ())

    def test_other_words_reconfigure_the_file_system(self):
        target = self.directory("m")
        self.mount("", target, "tmpfs", ["size=1m"])
        self.alice.call("Mounts", "Remount", target, ["size=2m"], {})
        self.assertEqual(size_of(target), 2 << 20)
        with self.refused("InvalidArgument", "nosuchword", "Unknown parameter"):
            self.alice.call("Mounts", "Remount", target, ["nosuchword"], {})

    def test_a_mount_that_usher_did_not_make_can_be_changed(self):
        target = self.directory("m")
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", target], check=True)
        self.addCleanup(subprocess.run, ["umount", target], check=True)
        self.alice.call("Mounts", "Remount", target, ["ro", "nosuid"], {})
        self.assert_mounted(target, "tmpfs", ("ro", "nosuid"))

    def test_what_is_no_mount_point_and_no_change_are_refused(self):
        target = self.directory("m")
        with self.refused("InvalidArgument", target, "not a mount point"):
            self.alice.call("Mounts", "Remount", target, ["ro"], {})
        with self.refused("InvalidArgument", "nothing to change"):
            self.alice.call("Mounts", "Remount", target, [], {})
        with self.refused("NotFound", f"{target}/none"):
            self.alice.call("Mounts", "Remount", f"{target}/none", ["ro"], {})


class RemountOwn(support.MountTestCase):
    """Without an administrator."""

    def test_ones_own_mount_is_changed_without_a_question_as_long_as_it_stays_harmless(self):
        target = self.directory("m")
        self.mount("", target, "tmpfs")
        self.alice.call("Mounts", "Remount", target, ["ro", "noexec"], {})
        self.assert_mounted(target, "tmpfs", ("ro", "noexec", "nosuid", "nodev"))
        for words in (["suid"], ["dev"], ["ro", "suid"], ["size=1g"], ["exec"], ["rw"]):
            with self.subTest(words=words), self.needs_admin("remount"):
                self.alice.call("Mounts", "Remount", target, words, {})
        with self.needs_admin("remount"):
            self.alice.call("Mounts", "Remount", target, ["suid"], {"recursive": True})
        self.assert_mounted(target, "tmpfs", ("ro", "noexec", "nosuid", "nodev"))
        self.alice.call("Mounts", "Remount", target, [], {"propagation": "private"})

    def test_anothers_mount_and_the_systems_are_an_administrators(self):
        target = self.directory("m")
        self.mount("", target, "tmpfs")
        bob = self.client("bob")
        os.chmod("/home/alice", 0o711)
        self.addCleanup(os.chmod, "/home/alice", 0o700)
        os.chmod(self.home, 0o755)
        for words, keys in ((["ro"], {}), (["suid"], {}), ([], {"propagation": "private"})):
            with self.subTest(words=words), self.needs_admin("remount"):
                bob.call("Mounts", "Remount", target, words, keys)
        for target in ("/home", "/", "/proc"):
            with self.subTest(target=target), self.needs_admin("remount"):
                self.alice.call("Mounts", "Remount", target, ["noexec"], {})


class Move(support.MountTestCase):
    def place(self):
        """A mount that is not shared, with the mount points "a" and "b" on it: what lies on a shared one cannot be moved."""
        top = self.directory("top")
        self.mount("", top, "tmpfs")
        self.alice.call("Mounts", "Remount", top, ["private"], {})
        for name in ("a", "b"):
            self.alice.run(os.mkdir, f"{top}/{name}")
        return top

    def test_a_mount_of_ones_own_is_moved_and_its_object_stays(self):
        top = self.place()
        mount = self.mount("", f"{top}/a", "tmpfs")
        self.alice.run(write_file, f"{top}/a/f", "moved")
        properties = self.alice.get_all("Mount", mount)
        self.alice.call("Mounts", "Move", f"{top}/a", f"{top}/b", {})
        self.assertEqual(read_file(f"{top}/b/f"), "moved")
        self.assert_not_mounted(f"{top}/a")
        self.assertEqual(self.alice.get_all("Mount", mount), properties)
        entry, = [entry for entry in self.alice.call("Mounts", "List", {}) if entry.get("Object") == mount]
        self.assertEqual(entry["Target"], f"{top}/b")
        self.unmount(mount)
        self.assert_not_mounted(f"{top}/b")

    def test_what_is_mounted_below_moves_along(self):
        top = self.place()
        self.mount("", f"{top}/a", "tmpfs")
        self.alice.run(os.mkdir, f"{top}/a/below")
        self.mount("", f"{top}/a/below", "tmpfs")
        self.alice.call("Mounts", "Move", f"{top}/a", f"{top}/b", {})
        self.assert_mounted(f"{top}/b/below", "tmpfs")

    def test_a_mount_cannot_be_moved_below_itself(self):
        top = self.place()
        self.mount("", f"{top}/a", "tmpfs")
        self.alice.run(os.mkdir, f"{top}/a/below")
        with self.refused("InvalidArgument", "below it"):
            self.alice.call("Mounts", "Move", f"{top}/a", f"{top}/a/below", {})
        self.assert_mounted(f"{top}/a", "tmpfs")

    def test_what_lies_on_a_shared_mount_cannot_be_moved_and_the_answer_says_so(self):
        source, target = self.directory("a"), self.directory("b")
        self.assertTrue(support.mount_at("/home").propagation, "/home is shared")
        self.mount("", source, "tmpfs")
        with self.refused("InvalidArgument", "shared"):
            self.alice.call("Mounts", "Move", source, target, {})
        self.assert_mounted(source, "tmpfs")

    def test_what_is_no_mount_point_cannot_be_moved(self):
        source, target = self.directory("a"), self.directory("b")
        with self.refused("InvalidArgument", "from", "not a mount point"):
            self.alice.call("Mounts", "Move", source, target, {})
        with self.refused("NotFound", "to"):
            self.alice.call("Mounts", "Move", "/home", f"{target}/none", {})
        with self.refused("NotFound", "from"):
            self.alice.call("Mounts", "Move", f"{source}/none", target, {})
        for source, target, named in (("a", "/b", "from"), ("/home", "b", "to"), ("", "/", "from")):
            with self.refused("InvalidArgument", named, "absolute"):
                self.alice.call("Mounts", "Move", source, target, {})

    def test_a_directory_does_not_move_over_a_file(self):
        top = self.place()
        self.mount("", f"{top}/a", "tmpfs")
        self.alice.run(write_file, f"{top}/f")
        with self.refused("InvalidArgument"):
            self.alice.call("Mounts", "Move", f"{top}/a", f"{top}/f", {})
        self.assert_mounted(f"{top}/a", "tmpfs")

    def test_anothers_mount_or_a_target_of_anothers_is_an_administrators(self):
        top = self.place()
        self.mount("", f"{top}/a", "tmpfs")
        os.mkdir(f"{top}/root")
        with self.needs_admin("move"):
            self.alice.call("Mounts", "Move", f"{top}/a", f"{top}/root", {})
        with self.needs_admin("move"):
            self.alice.call("Mounts", "Move", "/home", f"{top}/b", {})
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"uid={self.uid}", "tmpfs", f"{top}/b"], check=True)
        self.addCleanup(subprocess.run, ["umount", f"{top}/b"], check=True)
        self.alice.run(os.mkdir, f"{top}/c")
        with self.needs_admin("move"):
            self.alice.call("Mounts", "Move", f"{top}/b", f"{top}/c", {})
        self.assert_mounted(f"{top}/a", "tmpfs")

    def test_an_administrator_allows_it(self):
        top = self.place()
        self.mount("", f"{top}/a", "tmpfs")
        os.mkdir(f"{top}/root")
        with support.polkit_answer("yes", "org.usher1.move", "alice"):
            self.alice.call("Mounts", "Move", f"{top}/a", f"{top}/root", {})
        self.assert_mounted(f"{top}/root", "tmpfs")


class PivotRoot(support.MountTestCase):
    """In a mount namespace of alice's own, which needs nobody's consent."""

    session = False

    def setUp(self):
        super().setUp()
        self.insider = self.client("alice")
        self.insider.run(support.enter_user_namespace, "mnt")
        self.root = self.directory("root")
        self.directory("plain/old")

    def build(self):
        """A tmpfs that can become the root."""
        mount = self.mount("", self.root, "tmpfs", client=self.insider)
        self.insider.run(os.mkdir, f"{self.root}/old")
        self.insider.run(write_file, f"{self.root}/new", "root")
        return mount

    def pivot(self, new_root, put_old):
        self.insider.call("Mounts", "PivotRoot", new_root, put_old, {})

    def test_the_root_changes_and_the_old_one_is_where_it_was_put(self):
        self.build()
        self.pivot(self.root, f"{self.root}/old")
        self.assertEqual(sorted(self.insider.run(os.listdir, "/")), ["new", "old"])
        self.assertIn("etc", self.insider.run(os.listdir, "/old"))
        self.assertIn("etc", os.listdir("/"))

    def test_after_that_paths_mean_what_they_mean_to_the_caller(self):
        self.build()
        self.pivot(self.root, f"{self.root}/old")
        self.insider.run(os.mkdir, "/m")
        self.mount("", "/m", "tmpfs", client=self.insider)
        self.assertEqual(support.mount_at("/m", self.insider.pid).fstype, "tmpfs")
        self.insider.call("Mounts", "Unmount", "/old", {"lazy": True})
        self.assertEqual(self.insider.run(os.listdir, "/old"), [])

    def test_a_new_root_that_is_no_mount_point_is_refused(self):
        with self.refused("InvalidArgument", "new_root is not a mount point"):
            self.pivot(f"{self.home}/plain", f"{self.home}/plain/old")

    def test_a_place_for_the_old_root_that_is_not_below_the_new_one_is_refused(self):
        self.build()
        with self.refused("InvalidArgument", "put_old is not below new_root"):
            self.pivot(self.root, self.home)

    def test_a_shared_mount_is_refused(self):
        self.build()
        self.insider.call("Mounts", "Remount", self.root, ["shared"], {})
        with self.refused("InvalidArgument", "shared"):
            self.pivot(self.root, f"{self.root}/old")

    def test_the_current_root_itself_is_busy(self):
        self.build()
        with self.refused("Busy", "current root"):
            self.pivot(self.root, "/")
        with support.Place("root", "--mount", "--propagation=private") as place:
            with place.pidfd() as pidfd, support.polkit_answer("yes", "org.usher1.pivot-root", "alice"):
                with self.refused("Busy", "current root"):
                    self.alice.call("Mounts", "PivotRoot", "/", "/tmp", {"in": pidfd})

    def test_names_that_are_not_there_or_no_directories_are_refused(self):
        self.build()
        with self.refused("NotFound", "new_root"):
            self.pivot(f"{self.home}/none", f"{self.home}/none/old")
        with self.refused("NotFound", "put_old"):
            self.pivot(self.root, f"{self.root}/none")
        with self.refused("InvalidArgument", "put_old", "not a directory"):
            self.pivot(self.root, f"{self.root}/new")
        with self.refused("InvalidArgument", "new_root", "absolute"):
            self.pivot("root", "/old")
        with self.refused("InvalidArgument", "put_old", "absolute"):
            self.pivot("/root", "old")

    def test_the_root_of_the_host_and_of_anybody_else_is_an_administrators(self):
        with self.needs_admin("pivot-root"):
            self.alice.call("Mounts", "PivotRoot", "/home", "/home/alice", {})
        with support.Place("root", "--mount", "--propagation=private") as place:
            with place.pidfd() as pidfd, self.needs_admin("pivot-root"):
                self.alice.call("Mounts", "PivotRoot", "/home", "/home/alice", {"in": pidfd})

    def test_an_administrator_allows_it_in_a_namespace_of_roots(self):
        with support.Place("root", "--mount", "--propagation=private") as place:
            with place.pidfd() as pidfd, support.polkit_answer("yes", "org.usher1.pivot-root", "alice"):
                self.alice.call("Mounts", "PivotRoot", "/home", "/home/alice", {"in": pidfd})
            self.assertIn("alice", os.listdir(place.path("/")))
            self.assertIn("etc", os.listdir(place.path("/alice")))
        self.assertIn("etc", os.listdir("/"))
