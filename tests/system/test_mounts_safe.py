# SPDX-License-Identifier: LGPL-2.1-or-later
"""What somebody who sits at the machine may mount without being asked, and that it can harm nobody else."""

import errno
import os
import shutil
import subprocess

import support
from support import Descriptor, digest, read_file, write_file


def run_and_read(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def ids_of(path):
    status = os.stat(path)
    return status.st_uid, status.st_gid


def size_of(path):
    status = os.statvfs(path)
    return status.f_blocks * status.f_frsize


def memory():
    with open("/proc/meminfo", encoding="ascii") as file:
        return int(file.readline().split()[1]) * 1024


def open_path(path, flags):
    return Descriptor(os.open(path, flags | os.O_CLOEXEC), owned=True)


class Tmpfs(support.MountTestCase):
    def test_a_tmpfs_is_mounted_with_the_size_that_was_asked_for(self):
        target = self.directory("m")
        self.mount("", target, "tmpfs", ["size=8m"])
        self.assert_mounted(target, "tmpfs", ("nosuid", "nodev"))
        self.assertEqual(size_of(target), 8 << 20)

    def test_without_a_size_a_tmpfs_gets_a_tenth_of_the_memory(self):
        target = self.directory("m")
        self.mount("", target, "tmpfs")
        self.assertAlmostEqual(size_of(target) / memory(), 0.1, delta=0.005)

    def test_half_of_the_memory_is_allowed_and_more_is_an_administrators(self):
        target = self.directory("m")
        self.unmount(self.mount("", target, "tmpfs", ["size=50%"]))
        for size in ("size=51%", f"size={memory() // 100 * 52}", "size=0", f"size={memory() >> 30}g", "nr_blocks=0"):
            with self.subTest(size=size), self.needs_admin("mount"):
                self.mount("", target, "tmpfs", [size])
        self.assert_not_mounted(target)

    def test_a_size_that_is_none_is_refused_by_its_name(self):
        target = self.directory("m")
        for size in ("big", "-1", "10kk", "1e3", ""):
            with self.subTest(size=size), self.refused("InvalidArgument", "mount_options", f"'{size}'"):
                self.mount("", target, "tmpfs", [f"size={size}"])
        self.assert_not_mounted(target)

    def test_a_size_written_twice_counts_as_the_kernel_counts_it(self):
        target = self.directory("m")
        self.mount("", target, "tmpfs", ["size=90%", "size=1m"])
        self.assertEqual(size_of(target), 1 << 20)
        other = self.directory("n")
        with self.needs_admin("mount"):
            self.mount("", other, "tmpfs", ["size=1m", "size=90%"])

    def test_the_root_of_a_tmpfs_is_the_callers_and_can_be_written(self):
        target = self.directory("m")
        self.mount("", target, "tmpfs")
        self.assertEqual(ids_of(target), (self.uid, self.uid))
        self.alice.run(write_file, f"{target}/f", "hers")
        self.assertEqual(read_file(f"{target}/f"), "hers")

    def test_the_mode_of_a_tmpfs_is_the_one_asked_for(self):
        target = self.directory("m")
        self.mount("", target, "tmpfs", ["mode=0700"])
        self.assertEqual(os.stat(target).st_mode & 0o7777, 0o700)

    def test_a_tmpfs_of_somebody_elses_is_an_administrators(self):
        target = self.directory("m")
        for word in ("uid=0", "gid=0", "uid=51002", "uid=051001", "uid=0xc739", "uid= 51001", "uid=", "gid"):
            with self.subTest(word=word), self.needs_admin("mount"):
                self.mount("", target, "tmpfs", [word])

    def test_words_that_are_not_known_to_be_harmless_are_an_administrators(self):
        target = self.directory("m")
        for word in ("huge=always", "noswap", "mpol=interleave", "nr_blocks=10", "context=x"):
            with self.subTest(word=word), self.needs_admin("mount"):
                self.mount("", target, "tmpfs", [word])

    def test_flags_that_take_something_away_are_allowed(self):
        target = self.directory("m")
        self.mount("", target, "tmpfs", ["ro", "noexec", "noatime"])
        self.assert_mounted(target, "tmpfs", ("ro", "nosuid", "nodev", "noexec", "noatime"))
        self.assertEqual(self.alice.run(support.errno_of, write_file, f"{target}/f"), errno.EROFS)

    def test_suid_and_dev_are_an_administrators(self):
        target = self.directory("m")
        for words in (["suid"], ["dev"], ["nosuid", "suid"], ["dev", "suid"]):
            with self.subTest(words=words), self.needs_admin("mount"):
                self.mount("", target, "tmpfs", words)
        self.mount("", target, "tmpfs", ["suid", "dev", "nosuid", "nodev"])
        self.assert_mounted(target, "tmpfs", ("nosuid", "nodev"))

    def test_a_tmpfs_over_a_file_is_refused(self):
        target = self.file("f")
        with self.refused("InvalidArgument", "f"):
            self.mount("", target, "tmpfs")
        self.assert_not_mounted(target)

    def test_the_source_of_a_tmpfs_is_only_a_name(self):
        target = self.directory("m")
        self.mount("/etc/shadow", target, "tmpfs")
        self.assertEqual(support.mount_at(target).source, "/etc/shadow")
        self.assertEqual(os.listdir(target), [])


class Bind(support.MountTestCase):
    def test_a_directory_of_ones_own_is_seen_in_a_second_place(self):
        source, target = self.directory("a"), self.directory("b")
        write_file(f"{source}/f", "text")
        self.bind(source, target)
        self.assertEqual(self.alice.run(read_file, f"{target}/f"), "text")
        self.assert_mounted(target, "ext4", ("nosuid", "nodev"))

    def test_a_file_of_ones_own_is_seen_in_a_second_place(self):
        source, target = self.file("a", "text"), self.file("b")
        self.bind(source, target)
        self.assertEqual(self.alice.run(read_file, target), "text")

    def test_a_directory_is_not_bound_over_a_file_nor_a_file_over_a_directory(self):
        directory, file = self.directory("a"), self.file("b")
        for source, target in ((directory, file), (file, directory)):
            with self.subTest(source=source), self.refused("InvalidArgument", "target", source, target):
                self.bind(source, target)

    def test_a_bind_mount_that_is_read_only_leaves_its_source_as_it_was(self):
        source, target = self.directory("a"), self.directory("b")
        self.bind(source, target, ["ro"])
        self.assertEqual(self.alice.run(support.errno_of, write_file, f"{target}/f"), errno.EROFS)
        self.alice.run(write_file, f"{source}/f")

    def test_without_recursive_what_is_mounted_below_stays_out_and_with_it_comes_along(self):
        source, target = self.directory("a"), self.directory("b")
        self.directory("a/m")
        self.mount("", f"{source}/m", "tmpfs")
        self.alice.run(write_file, f"{source}/m/f", "below")
        flat = self.bind(source, target)
        self.assertEqual(os.listdir(f"{target}/m"), [])
        self.unmount(flat)
        deep = self.bind(source, target, ["ro"], {"recursive": True})
        self.assertEqual(read_file(f"{target}/m/f"), "below")
        self.assert_mounted(f"{target}/m", "tmpfs", ("ro", "nosuid", "nodev"))
        self.assert_mounted(f"{source}/m", "tmpfs", ("rw",))
        self.unmount(deep, lazy=True)
        self.assert_not_mounted(f"{target}/m")

    def test_a_source_of_somebody_elses_is_an_administrators(self):
        target, file = self.directory("b"), self.file("f")
        for source in ("/etc", "/", "/usr/bin", "/home", "/tmp", self.directory("root", "root")):
            with self.subTest(source=source), self.needs_admin("bind"):
                self.bind(source, target)
        with self.needs_admin("bind"):
            self.bind("/etc/passwd", file)
        with self.needs_admin("bind"):
            self.bind(self.file("g", user="root"), file)
        self.assertEqual(support.mounts(), [mount for mount in support.mounts() if self.home not in mount.target])

    def test_taking_a_restriction_off_is_an_administrators(self):
        source, target = self.directory("a"), self.directory("b")
        for word in ("suid", "dev"):
            with self.subTest(word=word), self.needs_admin("bind"):
                self.bind(source, target, [word])
        self.directory("m")
        self.mount("", f"{self.home}/m", "tmpfs", ["ro", "noexec", "nosymfollow"])
        for word in ("rw", "exec", "symfollow"):
            with self.subTest(word=word), self.needs_admin("bind"):
                self.bind(f"{self.home}/m", target, [word])
        self.bind(f"{self.home}/m", target)
        self.assert_mounted(target, "tmpfs", ("ro", "noexec", "nosymfollow"))

    def test_propagation_words_are_obeyed(self):
        source, target = self.directory("a"), self.directory("b")
        for word, expected in (("private", ()), ("unbindable", ("unbindable",)), ("rprivate", ())):
            mount = self.bind(source, target, [word])
            self.assertEqual(support.mount_at(target).propagation, expected, word)
            self.unmount(mount)
        mount = self.bind(source, target, ["shared"])
        self.assertRegex(support.mount_at(target).propagation[0], "^shared:")

    def test_words_of_file_systems_are_refused_by_name(self):
        source, target = self.directory("a"), self.directory("b")
        for word in ("size=1m", "bind", "remount", "x-gvfs-show", ""):
            with self.subTest(word=word), self.refused("InvalidArgument", "mount_options"):
                self.bind(source, target, [word])

    def test_a_named_pipe_is_not_the_callers_to_bind(self):
        os.mkfifo(f"{self.home}/p")
        os.chown(f"{self.home}/p", self.uid, self.uid)
        with self.needs_admin("bind"):
            self.bind(f"{self.home}/p", self.file("f"))


class Overlay(support.MountTestCase):
    def layers(self, *names):
        return [self.directory(name) for name in names]

    def test_an_overlay_of_ones_own_directories_takes_the_changes_and_leaves_the_rest(self):
        lower, upper, work, target = self.layers("lower", "upper", "work", "m")
        self.file("lower/f", "below")
        self.mount("", target, "overlay", [f"lowerdir={lower}", f"upperdir={upper}", f"workdir={work}"])
        self.assert_mounted(target, "overlay", ("nosuid", "nodev"))
        self.assertEqual(self.alice.run(read_file, f"{target}/f"), "below")
        self.alice.run(write_file, f"{target}/f", "changed")
        self.alice.run(write_file, f"{target}/g", "new")
        self.alice.run(os.mkdir, f"{target}/d")
        self.assertEqual(read_file(f"{lower}/f"), "below")
        self.assertEqual(read_file(f"{upper}/f"), "changed")
        self.assertEqual(ids_of(f"{upper}/g"), (self.uid, self.uid))

    def test_what_is_removed_from_an_overlay_stays_removed(self):
        lower, upper, work, target = self.layers("lower", "upper", "work", "m")
        self.file("lower/f", "below")
        words = [f"lowerdir={lower}", f"upperdir={upper}", f"workdir={work}"]
        mount = self.mount("", target, "overlay", words)
        self.alice.run(os.unlink, f"{target}/f")
        self.assertEqual(os.listdir(target), [])
        self.unmount(mount)
        shutil.rmtree(f"{work}/work")
        self.mount("", target, "overlay", words)
        self.assertEqual(os.listdir(target), [])
        self.assertEqual(os.listdir(lower), ["f"])

    def test_several_lower_layers_stack_with_the_first_on_top(self):
        one, two, three, target = self.layers("one", "two", "three", "m")
        for name, text in (("one/f", "1"), ("two/f", "2"), ("two/g", "2"), ("three/f", "3"), ("three/h", "3")):
            self.file(name, text)
        self.mount("", target, "overlay", [f"lowerdir={one}:{two}:{three}"])
        self.assertEqual([read_file(f"{target}/{name}") for name in "fgh"], ["1", "2", "3"])
        self.assertEqual(self.alice.run(support.errno_of, write_file, f"{target}/f"), errno.EROFS)

    def test_a_colon_or_a_backslash_in_the_name_of_a_layer_is_escaped(self):
        one, two, target = self.layers("a:b", "c\\d", "m")
        self.file("a:b/f", "1")
        self.file("c\\d/g", "2")

        def escaped(path):  # for overlay first, for the bus then
            return path.replace("\\", "\\\\").replace(":", "\\:").replace("\\", "\\x5c")

        self.mount("", target, "overlay", [f"lowerdir={escaped(one)}:{escaped(two)}"])
        self.assertEqual(sorted(os.listdir(target)), ["f", "g"])

    def test_a_layer_of_somebody_elses_is_an_administrators(self):
        lower, upper, work, target = self.layers("lower", "upper", "work", "m")
        bad = self.directory("root", "root")
        for words in ([f"lowerdir={lower}:{bad}"], ["lowerdir=/etc:/usr"], [f"lowerdir={lower}", f"upperdir={bad}", f"workdir={work}"],
                      [f"lowerdir={lower}", f"upperdir={upper}", f"workdir={bad}"]):
            with self.subTest(words=words), self.needs_admin("mount"):
                self.mount("", target, "overlay", words)
        self.assert_not_mounted(target)

    def test_a_lower_directory_that_the_caller_may_not_read_stays_closed(self):
        lower, upper, work, target = self.layers("lower", "upper", "work", "m")
        secret = self.directory("lower/secret", "root", 0o700)
        self.file("lower/secret/f", "root's", "root", 0o600)
        self.mount("", target, "overlay", [f"lowerdir={lower}", f"upperdir={upper}", f"workdir={work}"])
        self.assertEqual(self.alice.run(support.errno_of, os.listdir, f"{target}/secret"), errno.EACCES)
        self.assertEqual(self.alice.run(support.errno_of, os.chmod, f"{target}/secret", 0o777), errno.EPERM)
        # A directory of hers over it in the upper layer must not open it.
        self.assertEqual(os.stat(secret).st_mode & 0o777, 0o700)

    def test_a_directory_of_hers_in_the_upper_layer_opens_nothing_of_roots_below_it(self):
        lower, upper, work, target = self.layers("lower", "upper", "work", "m")
        self.directory("lower/secret", "root", 0o700)
        self.file("lower/secret/f", "root's", "root", 0o644)
        self.directory("upper/secret", "alice", 0o755)
        self.mount("", target, "overlay", [f"lowerdir={lower}", f"upperdir={upper}", f"workdir={work}"])
        self.assertNotEqual(self.alice.run(support.errno_of, read_file, f"{target}/secret/f"), 0)
        try:
            self.assertEqual(self.alice.run(os.listdir, f"{target}/secret"), [])
        except OSError as error:
            self.assertIn(error.errno, (errno.EACCES, errno.EPERM))

    def test_what_an_overlay_needs_is_said(self):
        lower, upper, target = self.layers("lower", "upper", "m")
        for words, said in (([], "lowerdir"), ([f"lowerdir={lower}", f"upperdir={upper}"], "workdir"),
                            ([f"lowerdir={self.file('f')}"], "not a directory"), (["lowerdir=relative"], "absolute"),
                            (["lowerdir="], "lowerdir"), ([f"lowerdir={lower}::{upper}"], "lowerdir")):
            with self.subTest(words=words), self.refused("InvalidArgument", said):
                self.mount("", target, "overlay", words)
        with self.refused("NotFound", "lowerdir"):
            self.mount("", target, "overlay", [f"lowerdir={lower}/none"])

    def test_words_that_are_not_known_to_be_harmless_are_an_administrators(self):
        lower, upper, work, target = self.layers("lower", "upper", "work", "m")
        for word in ("metacopy=on", "redirect_dir=on", "index=on", "nfs_export=on", f"lowerdir+={lower}", f"datadir+={lower}"):
            with self.subTest(word=word), self.needs_admin("mount"):
                self.mount("", target, "overlay", [f"lowerdir={lower}", f"upperdir={upper}", f"workdir={work}", word])


class Images(support.MountTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(support.free_loop_devices)
        cls.images = {}
        for fstype in ("squashfs", "erofs"):
            cls.images[fstype] = support.make_image(fstype, f"/home/{fstype}.img")
            cls.addClassCleanup(os.unlink, cls.images[fstype])

    def image(self, fstype):
        path = f"{self.home}/{fstype}.img"
        shutil.copy(self.images[fstype], path)
        os.chown(path, self.uid, self.uid)
        return path

    def assert_harmless(self, target):
        self.assertEqual(self.alice.run(read_file, f"{target}/hello"), "hello\n")
        self.assertEqual(os.stat(f"{target}/whoami").st_mode & 0o4000, 0o4000)
        self.assertEqual(self.alice.run(run_and_read, f"{target}/whoami", "-u"), str(self.uid))
        self.assertEqual(self.alice.run(support.errno_of, read_file, f"{target}/zero"), errno.EACCES)
        self.assertEqual(self.alice.run(support.errno_of, write_file, f"{target}/hello"), errno.EROFS)

    def test_the_images_would_do_harm_if_they_were_mounted_carelessly(self):
        with support.Place("root", "--mount") as place:
            target = self.directory("m")
            for fstype, image in self.images.items():
                result = place.run("mount", "-o", "loop,suid,dev", image, target)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual(place.run(f"{target}/whoami", "-u", user="alice").stdout, "0\n", fstype)
                self.assertEqual(place.run("head", "-c1", f"{target}/zero", user="alice").stdout, "\0", fstype)
                self.assertEqual(place.run("umount", target).returncode, 0)

    def test_an_image_is_mounted_by_its_path_and_can_do_no_harm(self):
        for fstype in self.images:
            with self.subTest(fstype=fstype):
                image, target = self.image(fstype), self.directory(f"m-{fstype}")
                before = digest(image)
                mount = self.mount(image, target, fstype)
                self.assert_mounted(target, fstype, ("ro", "nosuid", "nodev"))
                self.assert_harmless(target)
                self.assertEqual(list(support.loop_devices().values()).count(image), 1)
                self.unmount(mount)
                self.assertEqual(digest(image), before)

    def test_auto_finds_out_what_is_in_an_image(self):
        for fstype in self.images:
            with self.subTest(fstype=fstype):
                target = self.directory(f"m-{fstype}")
                self.mount(self.image(fstype), target, "auto")
                self.assert_mounted(target, fstype)
                self.assert_harmless(target)

    def test_an_image_is_mounted_by_a_descriptor_and_can_do_no_harm(self):
        for fstype in self.images:
            for name, flags in (("read", os.O_RDONLY), ("path", os.O_PATH), ("both", os.O_RDWR)):
                with self.subTest(fstype=fstype, flags=name):
                    image, target = self.image(fstype), self.directory(f"m-{fstype}-{name}")
                    before = digest(image)
                    with open_path(image, flags) as descriptor:
                        mount = self.mount_image(descriptor, target, fstype)
                    self.assert_mounted(target, fstype, ("ro", "nosuid", "nodev"))
                    self.assert_harmless(target)
                    self.unmount(mount)
                    self.assertEqual(digest(image), before)

    def test_an_image_that_is_read_only_to_the_kernel_has_a_loop_device_that_is(self):
        image, target = self.image("squashfs"), self.directory("m")
        with open_path(image, os.O_RDWR) as descriptor:
            self.mount_image(descriptor, target, words=["rw"])
        name, = [name for name, file in support.loop_devices().items() if file == image]
        with open(f"/sys/block/{name}/ro", encoding="ascii") as file:
            self.assertEqual(file.read(), "1\n")
        self.assert_mounted(target, "squashfs", ("ro",))

    def test_a_descriptor_that_only_writes_is_refused(self):
        image, target = self.image("squashfs"), self.directory("m")
        for fstype in ("squashfs", "auto"):
            with self.subTest(fstype=fstype), open_path(image, os.O_WRONLY) as descriptor:
                with self.refused("InvalidArgument", "image"):
                    self.mount_image(descriptor, target, fstype)
        self.assert_not_mounted(target)

    def test_a_descriptor_with_o_path_opens_only_what_its_owner_may_read(self):
        secret, target = self.file("secret.img", "x" * 8192, "root", 0o600), self.directory("m")
        shutil.copyfile(self.images["squashfs"], secret)
        descriptor = open_path(secret, os.O_PATH)
        with descriptor, self.refused("NotPermitted"):
            self.mount_image(descriptor, target, "squashfs")
        with self.refused("NotPermitted"):
            self.mount(secret, target, "squashfs")
        self.assert_not_mounted(target)

    def test_an_image_of_somebody_elses_that_can_be_read_can_be_mounted(self):
        target = self.directory("m")
        self.mount(self.images["squashfs"], target, "auto")
        self.assert_harmless(target)

    def test_what_is_no_regular_file_is_no_image(self):
        target = self.directory("m")
        reader, writer = os.pipe()
        with Descriptor(reader, owned=True) as pipe, Descriptor(writer, owned=True):
            with self.refused("InvalidArgument", "image", "regular"):
                self.mount_image(pipe, target)
        for path in (self.home, "/dev/null", "/dev/zero"):
            with self.subTest(path=path), open_path(path, os.O_RDONLY) as descriptor:
                with self.refused("InvalidArgument", "image", "regular"):
                    self.mount_image(descriptor, target)

    def test_a_file_that_is_no_image_is_refused_in_words(self):
        for text in ("", "x", "\0" * 65536):
            with self.subTest(length=len(text)), self.refused("InvalidArgument", "no known file system"):
                self.mount(self.file("f", text), self.directory(f"m{len(text)}"), "auto")
        with self.refused("InvalidArgument"):
            self.mount(self.file("f", "\0" * 65536), self.directory("m"), "squashfs")

    def test_sec_53_an_image_cut_short_is_refused_and_gives_its_loop_device_back(self):
        image, target = self.image("squashfs"), self.directory("m")
        os.truncate(image, 300)
        with self.assertRaises(support.DBusError) as caught:
            self.mount(image, target, "squashfs")
        self.assertTrue(caught.exception.name.startswith(support.ERROR), caught.exception)
        self.assert_not_mounted(target)

    def test_sec_53_however_a_mount_fails_nothing_is_left(self):
        """Each failure after another step; more often than there are loop devices for a user."""
        image, target, file = self.image("squashfs"), self.directory("m"), self.file("f", "x")
        for fstype in ("squashfs", "erofs"):
            with self.subTest(fstype=fstype):
                for _ in range(20):
                    for source, where in ((file, target), (image, file), (image, f"{self.home}/nowhere"), (self.home, target)):
                        with self.assertRaises(support.DBusError):
                            self.mount(source, where, fstype)
                    with self.assertRaises(support.DBusError) as caught:
                        self.mount(image if fstype == "erofs" else file, target, fstype)
                    self.assertNotEqual(caught.exception.name, f"{support.ERROR}LimitExceeded")
                with open_path(image, os.O_RDONLY) as descriptor, self.assertRaises(support.DBusError):
                    self.mount_image(descriptor, file, fstype)
        self.assert_not_mounted(target)

    def test_words_of_the_file_system_suid_and_dev_are_an_administrators(self):
        image, target = self.image("squashfs"), self.directory("m")
        for word in ("suid", "dev", "errors=panic", "threads=single"):
            with self.subTest(word=word), self.needs_admin("mount"):
                self.mount(image, target, "squashfs", [word])
        with open_path(image, os.O_RDONLY) as descriptor, self.needs_admin("mount-image"):
            self.mount_image(descriptor, target, "squashfs", ["suid"])

    def test_sec_60_file_systems_that_trust_what_they_read_are_an_administrators(self):
        image, target = support.make_image("ext4", f"{self.home}/ext4.img", "alice"), self.directory("m")
        before = digest(image)
        for fstype in ("ext4", "auto"):
            with self.subTest(fstype=fstype), self.needs_admin("mount"):
                self.mount(image, target, fstype)
            with self.subTest(fstype=fstype), open_path(image, os.O_RDWR) as descriptor, self.needs_admin("mount-image"):
                self.mount_image(descriptor, target, fstype)
        self.assertEqual(digest(image), before)

    def test_an_image_cannot_be_of_a_file_system_that_needs_none(self):
        target = self.directory("m")
        for fstype in ("tmpfs", "overlay", "proc", "cgroup2"):
            with self.subTest(fstype=fstype), open_path(self.images["squashfs"], os.O_RDONLY) as descriptor:
                with self.refused("InvalidArgument", "fstype", fstype):
                    self.mount_image(descriptor, target, fstype)


class Types(support.MountTestCase):
    def test_what_no_kernel_knows_is_not_supported(self):
        target = self.directory("m")
        for fstype in ("nosuchfs", "fuse.x", "nfs..x"):
            with self.subTest(fstype=fstype), self.refused("NotSupported", fstype):
                self.mount("", target, fstype)

    def test_what_shows_the_kernels_insides_goes_only_into_namespaces_of_ones_own(self):
        target = self.directory("m")
        for fstype in ("proc", "sysfs", "mqueue", "cgroup2", "devpts"):
            with self.subTest(fstype=fstype), self.refused("NotPermitted", fstype):
                self.mount("", target, fstype)

    def test_other_file_systems_without_a_device_are_an_administrators(self):
        target = self.directory("m")
        for fstype in ("debugfs", "tracefs", "bpf", "ramfs", "securityfs", "hugetlbfs", "fuse"):
            with self.subTest(fstype=fstype), self.needs_admin("mount"):
                self.mount("", target, fstype)
