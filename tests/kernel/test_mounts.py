# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mount, MountImage, Bind, OpenMount, OpenTree, Unmount, Remount, Move and PivotRoot against the kernel."""

import os
import shutil
import subprocess
import unittest

import ring
from ring import (CLONE_NEWNS, CLONE_NEWUSER, MS_BIND, MS_REC, MS_SHARED, MS_UNBINDABLE, Descriptor, Variant, mount_at,
                  needs_kernel, needs_root, read)

LOOPS = os.path.exists("/dev/loop-control")


def is_there(path):
    return os.path.lexists(path)


def enter_own_mounts():
    """In a client's process: a mount namespace of its own."""
    ring.become_root_of(CLONE_NEWNS)


def enter_own_user():
    """In a client's process: a user namespace of its own with a mount namespace."""
    ring.become_root_of(CLONE_NEWUSER | CLONE_NEWNS)


def prepare_root(path):
    """A root directory that one can go to: the old one, bound."""
    ring.mount("/", path, None, MS_BIND | MS_REC)


def entries(fd):
    """What is in a directory that may have been opened with O_PATH."""
    inner = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd.fileno())
    try:
        return sorted(os.listdir(inner))
    finally:
        os.close(inner)


def free_space(path):
    status = os.statvfs(path)
    return status.f_blocks * status.f_frsize


class Mount(ring.TestCase):
    def test_a_tmpfs_has_its_flags_and_a_size(self):
        target, path = self.tmpfs()
        self.assertRegex(path, "^/org/usher1/mount/[0-9]+$")
        found = self.assert_mounted(target, "tmpfs", ["nosuid", "nodev", "rw"])
        self.assertEqual(found.source, "tmpfs")
        memory = int(read("/proc/meminfo").split()[1]) * 1024
        self.assertLess(abs(free_space(target) - memory / 10), memory / 100)

    def test_words_are_heard(self):
        target, _ = self.tmpfs(options=["ro", "noexec", "noatime", "nosymfollow", "size=1m", "mode=1750"])
        self.assert_mounted(target, "tmpfs", ["ro", "noexec", "noatime", "nosymfollow", "nosuid", "nodev"])
        self.assertEqual(free_space(target), 1 << 20)
        self.assertEqual(os.stat(target).st_mode & 0o7777, 0o1750)

    def test_of_two_that_contradict_the_last_counts(self):
        target, _ = self.tmpfs("one", ["ro", "rw", "noexec", "exec", "noatime", "strictatime"])
        self.assert_mounted(target, "tmpfs", ["rw"], without=["ro", "noexec", "noatime", "relatime"])
        target, _ = self.tmpfs("two", ["rw", "ro", "strictatime", "nodiratime", "relatime"])
        self.assert_mounted(target, "tmpfs", ["ro", "relatime", "nodiratime"])

    def test_suid_and_dev_are_given_to_who_may(self):
        target, _ = self.tmpfs(options=["suid", "dev"])
        self.assert_mounted(target, "tmpfs", without=["nosuid", "nodev"])

    def test_a_source_is_a_name_where_there_is_no_device(self):
        for name in ("storage", "two words", "a\\x5cb", "\\xff", "#hash"):
            target = self.directory(f"at-{len(os.listdir(self.here))}")
            self.mounts("Mount", name, target, "tmpfs", [], {})
            self.assertEqual(ring.escape(mount_at(target).source), name)

    def test_a_descriptor_as_target(self):
        target = self.directory("there")
        fd = os.open(target, os.O_PATH)
        self.addCleanup(os.close, fd)
        self.mounts("Mount", "", "", "tmpfs", [], {"target_fd": Descriptor(fd)})
        self.assert_mounted(target, "tmpfs")
        with self.refused("InvalidArgument", "target"):
            self.mounts("Mount", "", target, "tmpfs", [], {"target_fd": Descriptor(fd)})
        reader, writer = os.pipe()
        with Descriptor(reader, True) as one, Descriptor(writer, True), self.refused("InvalidArgument", "target"):
            self.mounts("Mount", "", "", "tmpfs", [], {"target_fd": one})

    def test_a_target_that_is_not_one(self):
        file = self.file("file")
        os.symlink(self.directory("directory"), f"{self.here}/link")
        for target, error in (("relative", "InvalidArgument"), ("", "InvalidArgument"), (f"{self.here}/none", "NotFound"),
                              (f"{file}/below", "InvalidArgument"), (f"{self.here}/link", "InvalidArgument"),
                              ("/" + "a" * 4096, "InvalidArgument"), ("/" + "a" * 300, "InvalidArgument"),
                              (file, "InvalidArgument"), ("/proc/self/fd/0", "InvalidArgument")):
            with self.subTest(target[:80]), self.refused(error, "target"):
                self.mounts("Mount", "", target, "tmpfs", [], {})
        with self.refused("InvalidArgument", "symbolic link"):
            self.mounts("Mount", "", f"{self.here}/link", "tmpfs", [], {})

    def test_symbolic_links_on_the_way_are_followed_and_magic_ones_are_not(self):
        target = self.directory("real/there")
        os.symlink("real", f"{self.here}/link")
        self.mounts("Mount", "", f"{self.here}/link/there", "tmpfs", [], {})
        self.assert_mounted(target, "tmpfs")
        with self.refused("InvalidArgument", "target"):
            self.mounts("Mount", "", f"/proc/self/root{target}", "tmpfs", [], {})

    def test_bytes_in_paths(self):
        for name in ("with space", "tab\there", "new\nline", "back\\slash", "h\udcffgh", "\u00fcml\u00e4ut", "#", "a,b"):
            with self.subTest(name):
                target = self.directory(name)
                self.mounts("Mount", "", ring.escape(target), "tmpfs", [], {})
                self.assertTrue(os.path.ismount(target))

    def test_file_systems_that_are_none(self):
        target = self.directory("there")
        for fstype, error in (("", "InvalidArgument"), ("no such", "InvalidArgument"), ("../tmpfs", "InvalidArgument"),
                              ("tmpfs\\x0a", "InvalidArgument"), ("a" * 31, "InvalidArgument"),
                              ("nosuchfs", "NotSupported"), ("TMPFS", "InvalidArgument")):
            with self.subTest(fstype), self.refused(error, "fstype"):
                self.mounts("Mount", "", target, fstype, [], {})
        self.assert_not_mounted(target)

    def test_options_that_are_none(self):
        target = self.directory("there")
        for words in ([""], ["="], ["=5"], ["size=much"], ["size=-1"], ["nosuchoption"], ["mode=9"], ["private"], ["rshared"],
                      ["ro,noexec"], ["size=10m,mode=700"], ["size"]):
            with self.subTest(words), self.refused("InvalidArgument"):
                self.mounts("Mount", "", target, "tmpfs", words, {})
        with self.refused("LimitExceeded", "mount_options"):
            self.mounts("Mount", "", target, "tmpfs", ["size=1m"] * 4097, {})
        self.assert_not_mounted(target)

    def test_keys_that_are_none(self):
        target = self.directory("there")
        for key, value in (("colour", "red"), ("lifetime", "eternal"), ("lifetime", True), ("target_fd", "3"),
                           ("deadline_usec", Variant("t", 1)), ("deadline_usec", 5), ("recursive", True), ("", "")):
            with self.subTest(key), self.refused("InvalidArgument", key):
                self.mounts("Mount", "", target, "tmpfs", [], {key: value})
        self.assert_not_mounted(target)

    def test_file_systems_of_the_kernel_s_own(self):
        for fstype in ("proc", "sysfs", "mqueue", "devpts", "cgroup2", "ramfs"):
            with self.subTest(fstype):
                target = self.directory(fstype)
                try:
                    ring.mount(fstype, target, fstype)
                    ring.umount(target)
                except OSError as error:
                    # what the kernel does not allow us is not allowed by way of usher either
                    with self.refused("NotPermitted", ""):
                        self.mounts("Mount", "", target, fstype, [], {})
                    self.assertIn(error.errno, (1, 13, 16))
                    continue
                self.mounts("Mount", "", target, fstype, [], {})
                self.assert_mounted(target, fstype, ["nosuid", "nodev"])
                self.mounts("Unmount", target, {})

    def test_proc_shows_the_processes_of_the_caller(self):
        target = self.directory("proc")
        try:
            ring.mount("proc", target, "proc")
            ring.umount(target)
        except OSError:
            self.skipTest("the kernel allows no proc here")
        self.mounts("Mount", "", target, "proc", ["hidepid=invisible"], {})
        self.assertEqual(os.path.exists(f"{target}/{os.getpid()}/status"), True)

    def test_in_another_process_s_namespace(self):
        target = self.directory("there")
        other = self.start_process(CLONE_NEWNS)
        pidfd = os.pidfd_open(other.pid)
        self.addCleanup(os.close, pidfd)
        path = self.mounts("Mount", "", target, "tmpfs", [], {"in": Descriptor(pidfd)})
        self.assert_not_mounted(target)
        self.assertEqual(mount_at(target, other.pid).fstype, "tmpfs")
        self.assertIn(path, self.me.objects("Mount"))
        self.assertNotIn(target, [entry["Target"] for entry in self.mounts("List", {})])
        self.assertIn(target, [entry["Target"] for entry in self.mounts("List", {"in": Descriptor(pidfd)})])
        self.mounts("Unmount", target, {"in": Descriptor(pidfd)})
        self.assertIsNone(mount_at(target, other.pid))
        self.assertNotIn(path, self.me.objects("Mount"))

    def test_a_caller_in_a_mount_namespace_of_its_own(self):
        target = self.directory("there")
        self.me.run(enter_own_mounts)
        path = self.mounts("Mount", "", target, "tmpfs", [], {})
        self.assert_not_mounted(target)
        self.assertEqual(mount_at(target, self.me.pid).fstype, "tmpfs")
        self.me.call("Mount", "Unmount", {}, path=path)
        self.assertIsNone(mount_at(target, self.me.pid))

    def test_a_caller_in_a_user_namespace_of_its_own(self):
        target = self.directory("there")
        self.me.run(enter_own_user)
        self.mounts("Mount", "", target, "tmpfs", ["size=1m"], {})
        self.assert_not_mounted(target)
        found = mount_at(target, self.me.pid)
        self.assertEqual(found.fstype, "tmpfs")
        self.mounts("Bind", target, self.directory("bound"), ["ro"], {})
        self.assertIn("ro", mount_at(f"{self.here}/bound", self.me.pid).options)
        self.mounts("Remount", target, ["noexec"], {})
        self.assertIn("noexec", mount_at(target, self.me.pid).options)
        self.mounts("Unmount", target, {})
        self.assertIsNone(mount_at(target, self.me.pid))


def program(name):
    return shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")


def in_filesystems(name):
    return f"\t{name}\n" in read("/proc/filesystems")


class Images(ring.TestCase):
    """Only root has loop devices; in a user namespace they are refused, and clearly."""

    def image(self, kind):
        tree = self.directory("tree")
        self.file("tree/hello", "world")
        image = f"{self.here}/image.{kind}"
        makers = {"squashfs": ["mksquashfs", tree, image, "-quiet", "-no-progress"],
                  "erofs": ["mkfs.erofs", image, tree],
                  "ext4": ["mkfs.ext4", "-q", "-d", tree, image, "8M"],
                  "xfs": ["mkfs.xfs", "-q", "-d", f"file,name={image},size=320m"],
                  "vfat": ["mkfs.vfat", "-C", image, "8192"],
                  "btrfs": ["mkfs.btrfs", "-q", "--rootdir", tree, "--shrink", image]}
        command = makers[kind]
        command[0] = program(command[0])
        if not command[0]:
            self.skipTest(f"no program that makes {kind}")
        if not in_filesystems(kind):
            self.skipTest(f"this kernel has no {kind} (or has not loaded it)")
        if kind == "btrfs":
            with open(image, "wb") as file:
                file.truncate(128 << 20)
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return image

    def backing(self):
        return [name for name, file in ring.support.loop_devices().items() if file.startswith(self.here)]

    def try_image(self, kind, writes):
        image = self.image(kind)
        target = self.directory("there")
        for fstype in (kind, "auto"):
            self.mounts("Mount", image, target, fstype, [], {})
            found = self.assert_mounted(target, kind, ["nosuid", "nodev", "rw" if writes else "ro"])
            self.assertRegex(found.source, "^/dev/loop[0-9]+$")
            if kind not in ("vfat", "xfs"):
                self.assertEqual(read(f"{target}/hello"), "world")
            self.assertEqual(len(self.backing()), 1)
            self.mounts("Unmount", target, {})
            self.assert_not_mounted(target)
            ring.wait_until(lambda: not self.backing(), "the loop device is free again")

    @needs_root("loop devices")
    @unittest.skipUnless(LOOPS, "no loop devices here")
    def test_squashfs(self):
        self.try_image("squashfs", False)

    @needs_root("loop devices")
    @unittest.skipUnless(LOOPS, "no loop devices here")
    def test_erofs(self):
        self.try_image("erofs", False)

    @needs_root("loop devices")
    @unittest.skipUnless(LOOPS, "no loop devices here")
    def test_ext4(self):
        self.try_image("ext4", True)

    @needs_root("loop devices")
    @unittest.skipUnless(LOOPS, "no loop devices here")
    def test_xfs(self):
        self.try_image("xfs", True)

    @needs_root("loop devices")
    @unittest.skipUnless(LOOPS, "no loop devices here")
    def test_vfat(self):
        self.try_image("vfat", True)

    @needs_root("loop devices")
    @unittest.skipUnless(LOOPS, "no loop devices here")
    def test_btrfs(self):
        self.try_image("btrfs", True)

    @needs_root("loop devices")
    @unittest.skipUnless(LOOPS, "no loop devices here")
    def test_an_image_by_its_descriptor(self):
        image = self.image("ext4")
        target = self.directory("there")
        for flags, fstype, word in ((os.O_RDONLY, "ext4", "ro"), (os.O_RDWR, "auto", "rw"), (os.O_PATH, "auto", "rw")):
            with self.subTest(word, flags=flags), Descriptor(os.open(image, flags), True) as fd:
                self.mounts("MountImage", fd, target, fstype, [], {})
                self.assert_mounted(target, "ext4", [word, "nosuid", "nodev"])
                self.mounts("Unmount", target, {})
        with Descriptor(os.open(image, os.O_RDONLY), True) as fd:
            self.mounts("MountImage", fd, target, "ext4", ["rw"], {})
            self.assert_mounted(target, "ext4", ["ro"])
            self.mounts("Unmount", target, {})
        with Descriptor(os.open(image, os.O_WRONLY), True) as fd, self.refused("InvalidArgument", "image", "read"):
            self.mounts("MountImage", fd, target, "ext4", [], {})
        ring.wait_until(lambda: not self.backing(), "the loop devices are free again")

    def test_what_is_no_image(self):
        target = self.directory("there")
        with Descriptor(os.open(self.here, os.O_RDONLY), True) as fd, self.refused("InvalidArgument", "image"):
            self.mounts("MountImage", fd, target, "ext4", [], {})
        with Descriptor(os.open("/dev/null", os.O_RDONLY), True) as fd, self.refused("InvalidArgument", "image"):
            self.mounts("MountImage", fd, target, "auto", [], {})
        with Descriptor(os.open(self.file("file", "nothing"), os.O_RDONLY), True) as fd:
            with self.refused("InvalidArgument", "tmpfs"):
                self.mounts("MountImage", fd, target, "tmpfs", [], {})
            with self.refused("InvalidArgument", "fstype"):
                self.mounts("MountImage", fd, target, "auto", [], {})
        for source, error in (("relative", "InvalidArgument"), (f"{self.here}/none", "NotFound"),
                              (self.here, "InvalidArgument"), ("/dev/null", "InvalidArgument")):
            with self.subTest(source), self.refused(error, "source"):
                self.mounts("Mount", source, target, "ext4", [], {})
        self.assert_not_mounted(target)
        self.assertEqual(self.backing(), [])

    @unittest.skipUnless(ring.RING == "user", "as root there are loop devices")
    def test_images_are_refused_without_loop_devices(self):
        image = self.image("squashfs")
        target = self.directory("there")
        with self.assertRaises(ring.DBusError) as caught:
            self.mounts("Mount", image, target, "squashfs", [], {})
        self.assertIn(caught.exception.name.rpartition(".")[2], ("NotSupported", "NotPermitted"), caught.exception)
        self.assert_not_mounted(target)

    @needs_root("loop devices")
    @unittest.skipUnless(LOOPS, "no loop devices here")
    def test_an_image_that_is_broken_leaves_no_loop_device(self):
        image = self.file("broken", "hsqs" + "garbage" * 10000)
        target = self.directory("there")
        for fstype in ("squashfs", "ext4", "auto"):
            with self.subTest(fstype), self.assertRaises(ring.DBusError):
                self.mounts("Mount", image, target, fstype, [], {})
        self.assert_not_mounted(target)
        ring.wait_until(lambda: not self.backing(), "the loop devices are free again")


class Bind(ring.TestCase):
    def bind(self, source, target, options=(), keys=None):
        return self.mounts("Bind", source, target, list(options), keys or {})

    def test_a_directory(self):
        source = self.directory("source")
        self.file("source/file", "text")
        target = self.directory("target")
        path = self.bind(source, target)
        self.assertEqual(read(f"{target}/file"), "text")
        self.assert_mounted(target, None, ["nosuid", "nodev", "rw"])
        self.assertEqual(self.me.get("Mount", "Source", path=path), source)

    def test_a_file(self):
        source, target = self.file("source", "text"), self.file("target")
        self.bind(source, target, ["ro"])
        self.assertEqual(read(target), "text")
        with self.assertRaises(OSError):
            open(target, "w", encoding="utf-8")  # pylint: disable=consider-using-with
        self.mounts("Unmount", target, {})
        self.assertEqual(read(target), "")

    def test_a_file_is_no_directory(self):
        file, directory = self.file("file"), self.directory("directory")
        for source, target in ((file, directory), (directory, file)):
            with self.subTest(source), self.refused("InvalidArgument", "both"):
                self.bind(source, target)

    def test_flags(self):
        source, target = self.directory("source"), self.directory("target")
        self.bind(source, target, ["ro", "noexec", "nodiratime", "noatime", "nosymfollow"])
        self.assert_mounted(target, None, ["ro", "noexec", "nodiratime", "noatime", "nosymfollow", "nosuid", "nodev"])
        for words in (["size=5"], ["loop"], [""], ["ro,noexec"]):
            with self.subTest(words), self.refused("InvalidArgument", "mount_options"):
                self.bind(source, target, words)

    def test_one_or_the_whole_tree(self):
        source = self.directory("source")
        ring.mount("tmpfs", self.directory("source/below"), "tmpfs")
        self.file("source/below/file", "text")
        self.bind(source, self.directory("one"), ["ro"])
        self.assertFalse(is_there(f"{self.here}/one/below/file"))
        self.bind(source, self.directory("all"), ["ro", "noexec"], {"recursive": True})
        self.assertEqual(read(f"{self.here}/all/below/file"), "text")
        self.assert_mounted(f"{self.here}/all/below", "tmpfs", ["ro", "noexec"])

    def test_propagation(self):
        source = self.directory("source")
        for word, tag in (("private", None), ("shared", "shared:"), ("slave", "master:"), ("unbindable", "unbindable")):
            with self.subTest(word):
                target = self.directory(word)
                if word == "slave":
                    ring.mount(source, source, None, MS_BIND)
                    ring.mount("none", source, None, MS_SHARED)
                self.bind(source, target, [word])
                tags = mount_at(target).propagation
                if tag is None:
                    self.assertEqual(tags, ())
                else:
                    self.assertTrue(any(one.startswith(tag) for one in tags), tags)

    def test_what_is_unbindable_is_not_bound(self):
        source = self.directory("source")
        ring.mount(source, source, None, MS_BIND)
        ring.mount("none", source, None, MS_UNBINDABLE)
        with self.refused("InvalidArgument", "unbindable"):
            self.bind(source, self.directory("target"))

    def test_descriptors(self):
        source, target = self.file("source", "text"), self.file("target")
        with Descriptor(os.open(source, os.O_PATH), True) as one, Descriptor(os.open(target, os.O_PATH), True) as other:
            self.mounts("Bind", "", "", [], {"source_fd": one, "target_fd": other})
            with self.refused("InvalidArgument", "source"):
                self.mounts("Bind", source, target, [], {"source_fd": one})
        self.assertEqual(read(target), "text")

    def test_a_source_that_is_not_one(self):
        os.symlink(self.directory("directory"), f"{self.here}/link")
        target = self.directory("target")
        for source, error in (("", "InvalidArgument"), ("relative", "InvalidArgument"), (f"{self.here}/none", "NotFound"),
                              (f"{self.here}/link", "InvalidArgument")):
            with self.subTest(source), self.refused(error, "source"):
                self.bind(source, target)

    def test_maps_that_are_none(self):
        source, target = self.directory("source"), self.directory("target")
        for word in ("", "0", "0 0", "a b c", "0 0 0", "0 0 -1", "0 0 1,", "0 0 1,0 5 1", "0 0 1;1 1 1", "4294967295 0 2",
                     "0 0 1 1"):
            with self.subTest(word), self.refused("InvalidArgument", "idmap"):
                self.bind(source, target, [], {"idmap": word})
        with Descriptor(os.open("/dev/null", os.O_RDONLY), True) as fd, self.refused("InvalidArgument", "idmap"):
            self.bind(source, target, [], {"idmap": fd})
        with Descriptor(os.open("/proc/self/ns/mnt", os.O_RDONLY), True) as fd, self.refused("InvalidArgument", "idmap"):
            self.bind(source, target, [], {"idmap": fd})
        self.assert_not_mounted(target)

    @needs_root("only who rules the file system may map it")
    @needs_kernel(6, 3, "a tmpfs cannot be mapped before")
    def test_mapped(self):
        source, target = self.directory("source"), self.directory("target")
        self.file("source/file", "text")
        os.chown(f"{source}/file", 1000, 1000)
        self.bind(source, target, [], {"idmap": "1000 2000 10,0 0 1"})
        status = os.stat(f"{target}/file")
        self.assertEqual((status.st_uid, status.st_gid), (2000, 2000))
        other = self.start_process(CLONE_NEWUSER | CLONE_NEWNS)
        with Descriptor(os.open(f"/proc/{other.pid}/ns/user", os.O_RDONLY), True) as fd:
            again = self.directory("again")
            self.bind(source, again, [], {"idmap": fd})
            self.assertEqual(os.stat(f"{again}/file").st_uid, 65534)


class Detached(ring.TestCase):
    def test_a_mount_that_is_nowhere(self):
        with self.mounts("OpenMount", "", "tmpfs", ["size=1m", "noexec"], {}) as fd:
            os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=fd.fileno()))
            self.assertEqual(entries(fd), ["file"])
            self.assertEqual(os.fstatvfs(fd.fileno()).f_blocks * 4096, 1 << 20)
            target = self.directory("target")
            ring.move_mount(fd.fileno(), target)
        self.assertEqual(os.listdir(target), ["file"])
        self.assert_mounted(target, "tmpfs", ["nosuid", "nodev", "noexec"])
        self.assertNotIn(target, [entry["Target"] for entry in self.mounts("List", {}) if "Object" in entry])

    def test_it_goes_with_its_descriptor(self):
        before = len(self.me.objects("Mount"))
        with self.mounts("OpenMount", "", "tmpfs", [], {}):
            self.assertEqual(len(self.me.objects("Mount")), before)

    def test_a_copy_of_a_tree(self):
        source = self.directory("source")
        self.file("source/file", "text")
        ring.mount("tmpfs", self.directory("source/below"), "tmpfs")
        self.file("source/below/inner", "text")
        with self.mounts("OpenTree", source, ["ro"], {}) as fd:
            self.assertEqual(entries(fd), ["below", "file"])
            with self.assertRaises(OSError):
                os.open("new", os.O_CREAT | os.O_WRONLY, dir_fd=fd.fileno())
            with self.assertRaises(FileNotFoundError):
                os.stat("below/inner", dir_fd=fd.fileno())
        with self.mounts("OpenTree", source, [], {"recursive": True}) as fd:
            os.stat("below/inner", dir_fd=fd.fileno())
            target = self.directory("target")
            ring.move_mount(fd.fileno(), target)
            self.assert_mounted(f"{target}/below", "tmpfs", ["nosuid", "nodev"])
        with Descriptor(os.open(source, os.O_PATH), True) as path, self.mounts("OpenTree", "", [], {"path_fd": path}) as fd:
            os.stat("file", dir_fd=fd.fileno())

    def test_what_cannot_be_opened(self):
        with self.refused("NotFound", "path"):
            self.mounts("OpenTree", f"{self.here}/none", [], {})
        with self.refused("InvalidArgument", "path"):
            self.mounts("OpenTree", "", [], {})
        with self.refused("InvalidArgument", "mount_options"):
            self.mounts("OpenTree", self.here, ["size=5"], {})
        with self.refused("InvalidArgument", "target_fd"):
            self.mounts("OpenMount", "", "tmpfs", [], {"target_fd": "x"})
        with self.refused("InvalidArgument", "lifetime"):
            self.mounts("OpenTree", self.here, [], {"lifetime": "manual"})
        with self.refused("NotSupported", "nosuchfs"):
            self.mounts("OpenMount", "", "nosuchfs", [], {})


class Unmount(ring.TestCase):
    def unmount(self, target, keys=None):
        self.mounts("Unmount", target, keys or {})

    def test_one_after_the_other(self):
        target, first = self.tmpfs()
        self.file("tmpfs/below", "")
        second = self.mounts("Mount", "", target, "tmpfs", ["size=1m"], {})
        self.assertEqual(os.listdir(target), [])
        self.unmount(target)
        self.assertEqual(os.listdir(target), ["below"])
        self.assertIn(first, self.me.objects("Mount"))
        self.assertNotIn(second, self.me.objects("Mount"))
        self.unmount(target)
        self.assertNotIn(first, self.me.objects("Mount"))
        with self.refused("InvalidArgument", "mount point"):
            self.unmount(target)

    def test_an_object_is_unmounted_wherever_it_is(self):
        target, first = self.tmpfs("first")
        ring.mount("tmpfs", target, "tmpfs")  # over it
        with self.refused("Busy"):
            self.me.call("Mount", "Unmount", {}, path=first)
        ring.umount(target)
        elsewhere = self.directory("elsewhere")
        self.mounts("Move", target, elsewhere, {})
        self.me.call("Mount", "Unmount", {}, path=first)
        self.assert_not_mounted(elsewhere)
        with self.refused("org.freedesktop.DBus.Error.UnknownObject"):
            self.me.call("Mount", "Unmount", {}, path=first, signature="a{sv}")

    def test_busy_and_lazy(self):
        target, path = self.tmpfs()
        with open(self.file("tmpfs/open", "text"), encoding="utf-8") as file:
            with self.refused("Busy"):
                self.unmount(target)
            with self.refused("Busy"):
                self.me.call("Mount", "Unmount", {}, path=path)
            self.assertIn(path, self.me.objects("Mount"))
            self.unmount(target, {"lazy": True})
            self.assert_not_mounted(target)
            self.assertEqual(file.read(), "text")
        self.assertNotIn(path, self.me.objects("Mount"))

    def test_force(self):
        target, _ = self.tmpfs()
        self.unmount(target, {"force": True})
        self.assert_not_mounted(target)

    def test_expire(self):
        target, _ = self.tmpfs()
        with self.refused("Retry", "expire"):
            self.unmount(target, {"expire": True})
        os.listdir(target)  # is using it
        with self.refused("Retry", "expire"):
            self.unmount(target, {"expire": True})
        self.unmount(target, {"expire": True})
        self.assert_not_mounted(target)
        for other in ("lazy", "force"):
            with self.refused("InvalidArgument", "expire"):
                self.unmount(target, {"expire": True, other: True})

    def test_what_is_no_mount_point(self):
        directory = self.directory("directory")
        target, _ = self.tmpfs()
        os.symlink(target, f"{self.here}/link")
        for bad, error in ((directory, "InvalidArgument"), ("/", "InvalidArgument"), (f"{self.here}/none", "NotFound"),
                           ("relative", "InvalidArgument"), (f"{self.here}/link", "InvalidArgument"),
                           (f"{target}/..", "InvalidArgument"), (f"{target}/.", "InvalidArgument"), ("", "InvalidArgument")):
            with self.subTest(bad), self.refused(error, "target"):
                self.unmount(bad)
        self.assert_mounted(target)

    def test_a_mount_of_nobody_s(self):
        target = self.directory("there")
        ring.mount("tmpfs", target, "tmpfs")
        self.unmount(target)
        self.assert_not_mounted(target)

    def test_the_last_component_may_end_in_slashes(self):
        target, _ = self.tmpfs()
        self.unmount(target + "//")
        self.assert_not_mounted(target)


class Remount(ring.TestCase):
    def remount(self, target, options=(), keys=None):
        self.mounts("Remount", target, list(options), keys or {})

    def test_flags_that_are_not_named_stay(self):
        target, _ = self.tmpfs(options=["noexec", "noatime"])
        self.remount(target, ["ro"])
        self.assert_mounted(target, "tmpfs", ["ro", "noexec", "noatime", "nosuid", "nodev"])
        self.remount(target, ["rw", "exec", "strictatime"])
        self.assert_mounted(target, "tmpfs", ["rw", "nosuid", "nodev"], without=["noexec", "noatime"])

    def test_only_this_mount(self):
        target, _ = self.tmpfs()
        self.mounts("Bind", target, self.directory("bound"), [], {})
        self.remount(target, ["ro"])
        self.assertIn("ro", mount_at(target).options)
        self.assertIn("rw", mount_at(f"{self.here}/bound").options)

    def test_the_whole_tree(self):
        target, _ = self.tmpfs()
        below, _ = self.tmpfs("tmpfs/below")
        self.remount(target, ["noexec"], {"recursive": True})
        for one in (target, below):
            self.assert_mounted(one, "tmpfs", ["noexec"])

    def test_all_or_nothing(self):
        target, _ = self.tmpfs()
        below, _ = self.tmpfs("tmpfs/below")
        with open(f"{below}/open", "w", encoding="utf-8"):
            with self.refused("Busy", "writing"):
                self.remount(target, ["ro"], {"recursive": True})
        for one in (target, below):
            self.assertIn("rw", mount_at(one).options)

    def test_the_file_system(self):
        target, _ = self.tmpfs(options=["size=1m"])
        self.remount(target, ["size=2m"])
        self.assertEqual(free_space(target), 2 << 20)
        with self.refused("InvalidArgument"):
            self.remount(target, ["nosuchoption=1"])
        with self.refused("InvalidArgument"):
            self.remount(target, ["size=nothing"])

    def test_propagation(self):
        target, _ = self.tmpfs()
        below, _ = self.tmpfs("tmpfs/below")
        self.remount(target, [], {"propagation": "shared"})
        self.assertTrue(mount_at(target).propagation[0].startswith("shared:"))
        self.assertEqual(mount_at(below).propagation, ())
        self.remount(target, ["rshared"])
        self.assertTrue(mount_at(below).propagation[0].startswith("shared:"))
        self.remount(target, ["unbindable"])
        self.assertEqual(mount_at(target).propagation, ("unbindable",))
        self.remount(target, [], {"propagation": "private", "recursive": True})
        self.assertEqual(mount_at(target).propagation, ())
        self.assertEqual(mount_at(below).propagation, (), "recursive is for the propagation as well")

    def test_what_is_no_change(self):
        target, _ = self.tmpfs()
        with self.refused("InvalidArgument", "nothing"):
            self.remount(target)
        with self.refused("InvalidArgument", "propagation"):
            self.remount(target, [], {"propagation": "public"})
        with self.refused("InvalidArgument", "mount point"):
            self.remount(self.directory("plain"), ["ro"])
        with self.refused("NotFound", "target"):
            self.remount(f"{self.here}/none", ["ro"])


class Move(ring.TestCase):
    def test_a_mount_and_what_is_below(self):
        source, path = self.tmpfs("from")
        self.tmpfs("from/below")
        target = self.directory("to")
        self.mounts("Move", source, target, {})
        self.assert_not_mounted(source)
        self.assert_mounted(target, "tmpfs", ["nosuid", "nodev"])
        self.assert_mounted(f"{target}/below", "tmpfs")
        self.assertIn(path, self.me.objects("Mount"))
        self.assertIn((target, path), [(entry["Target"], entry.get("Object")) for entry in self.mounts("List", {})])

    def test_where_it_cannot_go(self):
        source, _ = self.tmpfs("from")
        below = self.directory("from/below")
        plain = self.directory("plain")
        file = self.file("file")
        for one, other, error in ((plain, self.directory("to"), "InvalidArgument"), (source, below, "InvalidArgument"),
                                  (source, f"{self.here}/none", "NotFound"), (f"{self.here}/none", plain, "NotFound"),
                                  (source, file, "InvalidArgument"), ("relative", plain, "InvalidArgument"),
                                  (source, "relative", "InvalidArgument")):
            with self.subTest(one=one, other=other), self.refused(error):
                self.mounts("Move", one, other, {})
        self.assert_mounted(source)

    def test_not_out_of_a_shared_mount(self):
        parent = self.directory("parent")
        ring.mount("tmpfs", parent, "tmpfs")
        ring.mount("none", parent, None, MS_SHARED)
        source, _ = self.tmpfs("parent/from")
        with self.refused("InvalidArgument", "shared"):
            self.mounts("Move", source, self.directory("to"), {})


class Root(ring.TestCase):
    def test_another_root(self):
        self.me.run(enter_own_mounts)
        new, old = self.directory("new"), self.directory("old")
        self.me.run(prepare_root, new)
        self.mounts("PivotRoot", new, f"{new}{self.here}/old", {})
        self.assertTrue(self.me.run(is_there, f"{old}/proc"), "the old root is there")
        self.assertIsNotNone(mount_at(old, self.me.pid))
        self.assert_not_mounted(old)
        # and the caller can go on in there
        target = self.directory("target")
        self.mounts("Mount", "", target, "tmpfs", [], {})
        self.assertEqual(mount_at(target, self.me.pid).fstype, "tmpfs")

    def test_where_there_is_none(self):
        self.me.run(enter_own_mounts)
        new = self.directory("new")
        below = self.directory("new/old")
        with self.refused("InvalidArgument", "mount point"):
            self.mounts("PivotRoot", new, below, {})
        with self.refused("NotFound", "put_old"):
            self.mounts("PivotRoot", new, f"{new}/none", {})
        with self.refused("InvalidArgument", "new_root"):
            self.mounts("PivotRoot", "new", below, {})
        with self.refused("InvalidArgument", "new_root"):
            self.mounts("PivotRoot", self.file("file"), below, {})
        with self.assertRaises(ring.DBusError) as caught:
            self.mounts("PivotRoot", "/", self.here, {})
        # in a user namespace the root is locked, which the kernel minds first
        self.assertIn(caught.exception.name, (f"{ring.support.ERROR}Busy", f"{ring.support.ERROR}InvalidArgument"))

    def test_not_on_a_shared_mount(self):
        self.me.run(enter_own_mounts)
        new = self.directory("new")
        self.me.run(ring.mount, "tmpfs", new, "tmpfs")
        self.me.run(ring.mount, "none", new, None, MS_SHARED)
        self.me.run(os.mkdir, f"{new}/old")
        with self.refused("InvalidArgument", "shared"):
            self.mounts("PivotRoot", new, f"{new}/old", {})


class Chroot(ring.TestCase):
    def test_paths_begin_at_the_caller_s_root(self):
        inner = self.directory("jail/inner")
        self.directory("jail" + ring.WORK)
        self.me.run(os.chroot, f"{self.here}/jail")
        self.mounts("Mount", "", "/inner", "tmpfs", [], {})
        self.assert_mounted(inner, "tmpfs")
        self.assertIn("/inner", [entry["Target"] for entry in self.mounts("List", {})])
        with self.refused("NotFound"):
            self.mounts("Mount", "", inner, "tmpfs", [], {})
        self.mounts("Mount", "", "/../../inner", "tmpfs", [], {})
        self.mounts("Unmount", "/inner", {})
        self.mounts("Unmount", "/inner", {})
        self.assert_not_mounted(inner)

