# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is mounted: that no word, no image and no moment makes it more than was judged.

A test whose name begins with sec-NN is the one of lesson NN in docs/security.md."""

import contextlib
import errno
import itertools
import os
import random
import struct
import subprocess
import tempfile

import support
from support import Descriptor, digest, read_file, write_file

SAFE = ("nosuid", "nodev")
NOBODY = 65534


def path_of(place):
    return f"/proc/self/fd/{place.fileno()}" if isinstance(place, Descriptor) else place


def run_there(place, *command):
    """In alice's process: what a program of a mount says."""
    fds = (place.fileno(),) if isinstance(place, Descriptor) else ()
    result = subprocess.run([f"{path_of(place)}/{command[0]}", *command[1:]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, check=False, pass_fds=fds)
    return result.stdout.strip()


def open_there(place, name, flags=os.O_RDONLY):
    """In alice's process: the errno."""
    def opened():
        os.close(os.open(f"{path_of(place)}/{name}", flags))
    return support.errno_of(opened)


def flags_of(place):
    return os.statvfs(place if isinstance(place, str) else place.fileno()).f_flag


def unsafe_mounts(source):
    """Of what users gave the service, what lies anywhere in the service's own namespaces without the flags."""
    for pid in support.processes("usher-worker.service") | {os.getpid()}:
        with contextlib.suppress(OSError):
            for mount in support.mounts(pid):
                if (mount.source == source or mount.fstype in ("squashfs", "erofs")) and not set(SAFE) <= set(mount.options):
                    yield f"{mount.target} {mount.fstype} {','.join(mount.options)} of {'the machine' if pid == os.getpid() else 'a child'}"


def incomplete_mounts(directory, wanted):
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            words = line.split(" ")
            if words[4].startswith(directory) and words[4] in wanted and not set(wanted[words[4]]) <= set(words[5].split(",")):
                yield f"{words[4]} {words[5]}"


class Images(support.MountTestCase):
    """By somebody who is not asked about anything of the safe tier."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.image = "/home/alice/harm.sqfs"
        with tempfile.TemporaryDirectory(dir="/run") as directory:
            support.make_tree(directory)
            with open("/usr/bin/cat", "rb") as program, open(f"{directory}/reader", "wb") as copy:
                copy.write(program.read())
            os.chmod(f"{directory}/reader", 0o755)
            capability = 1 << 2  # CAP_DAC_READ_SEARCH, effective from the start
            os.setxattr(f"{directory}/reader", "security.capability", struct.pack("<IIIII", 0x02000001, capability, 0, 0, 0))
            subprocess.run(["mksquashfs", directory, cls.image, "-quiet", "-no-progress", "-noappend"], stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, check=True)
        os.chown(cls.image, cls.uid, cls.uid)
        cls.addClassCleanup(os.unlink, cls.image)

    def assert_harmless(self, place):
        self.assertEqual(flags_of(place) & (os.ST_NOSUID | os.ST_NODEV), os.ST_NOSUID | os.ST_NODEV)
        self.assertEqual(self.alice.run(run_there, place, "whoami", "-u"), str(self.uid))
        self.assertEqual(self.alice.run(open_there, place, "zero"), errno.EACCES)
        self.assertIn("Permission denied", self.alice.run(run_there, place, "reader", "/etc/shadow"))

    def test_sec_09_the_image_would_do_harm_if_it_were_mounted_carelessly(self):
        """sec-09: what the next test tries can succeed."""
        target = self.directory("m")
        with support.Place("root", "--mount") as place:
            self.assertEqual(place.run("mount", "-o", "loop,suid,dev", self.image, target).returncode, 0)
            self.assertEqual(place.run(f"{target}/whoami", "-u", user="alice").stdout, "0\n")
            self.assertEqual(place.run("head", "-c1", f"{target}/zero", user="alice").stdout, "\0")
            # setpriv drops what a file's capabilities could give, so not through become()
            result = place.run("setpriv", "--reuid=51001", "--regid=51001", "--clear-groups", f"{target}/reader", "/etc/shadow")
            self.assertIn("root:", result.stdout, result.stderr)
            self.assertEqual(place.run("umount", target).returncode, 0)

    def test_sec_09_no_verb_and_no_word_brings_a_program_or_a_device_to_life(self):
        """sec-09: each way to a mount, with each way to write that it should."""
        target, other = self.directory("m"), self.directory("n")
        ways = ([], ["exec"], ["suid"], ["dev"], ["suid", "dev"], ["nosuid", "suid"], ["dev", "nodev", "dev"], ["suid", "nosuid"],
                ["rw", "exec"], ["SUID"], ["suid=1"], ["suid,dev"], ["nosuid=0"], ["defaults"])
        allowed = 0
        for words in ways:
            with Descriptor(os.open(self.image, os.O_RDONLY), owned=True) as image:
                made = [("Mount", (self.image, target, "squashfs", words)), ("MountImage", (image, target, "auto", words)),
                        ("OpenMount", (self.image, "squashfs", words))]
                for method, arguments in made:
                    with self.subTest(method=method, words=words):
                        allowed += self.try_out(method, arguments, target)
            mount = self.mount(self.image, target, "squashfs")
            with Descriptor(os.open(target, os.O_PATH), owned=True) as source:
                for method, arguments, options in (("Bind", (target, other, words), {}), ("Bind", (target, other, words), {"recursive": True}),
                                                   ("Bind", ("", other, words), {"source_fd": source}),
                                                   ("OpenTree", (target, words), {}), ("OpenTree", ("", words), {"path_fd": source}),
                                                   ("Remount", (target, words), {}), ("Remount", (target, words), {"recursive": True})):
                    with self.subTest(method=method, words=words, options=list(options)):
                        allowed += self.try_out(method, arguments, other if method == "Bind" else target, options)
            self.unmount(mount)
        self.assertGreater(allowed, 10)

    def try_out(self, method, arguments, target, options=None):
        """Either an administrator would have to be asked, or nothing of it can do any harm.  Whether it was done."""
        try:
            result = self.alice.call("Mounts", method, *arguments, options or {})
        except support.DBusError as error:
            self.assertIn(error.name.removeprefix(support.ERROR),
                          ("InvalidArgument", "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"), error.message)
            return False
        self.assert_harmless(result if isinstance(result, Descriptor) else target)
        if isinstance(result, str):
            self.unmount(result)
        return True

    def test_sec_08_nothing_of_a_users_is_ever_mounted_without_nosuid_and_nodev(self):
        """sec-08: not for a moment, and not where only the service sees it."""
        target, insider = self.directory("m"), self.client("alice")
        insider.run(support.enter_user_namespace, "mnt")
        with support.Place("alice", "--user", "--mount", "--map-root-user") as place, place.pidfd() as there, \
                support.polkit_answer("yes", "org.usher1.open-mount-own", "alice"):
            watcher = support.Watcher(unsafe_mounts, "sec-08")
            try:
                for _ in range(15):
                    self.unmount(self.mount("sec-08", target, "tmpfs", ["size=64k"]))
                    self.unmount(self.mount(self.image, target, "squashfs"))
                    self.alice.call("Mounts", "OpenMount", self.image, "squashfs", [], {}).close()
                    self.alice.call("Mounts", "OpenMount", "sec-08", "tmpfs", [], {}).close()
                    self.unmount(self.mount(self.image, target, "squashfs", options={"in": there}))
                    insider.call("Mounts", "OpenMount", self.image, "squashfs", [], {}).close()
            finally:
                rounds, found = watcher.result()
        self.assertGreater(rounds, 20)
        self.assertEqual(found, [])

    def test_sec_13_a_mount_is_never_seen_without_its_flags(self):
        """sec-13: mount(8) binds first and restricts afterwards."""
        words = ["ro", "noexec", "nosymfollow", "noatime"]
        wanted = {self.directory(name): (*words, *SAFE) for name in ("tmpfs", "image", "bind", "tree", "moved")}
        tmpfs, image, bind, tree, moved = wanted
        source = self.directory("s")
        watcher = support.Watcher(incomplete_mounts, self.home, wanted)
        try:
            for _ in range(10):
                self.unmount(self.mount("", tmpfs, "tmpfs", words))
                self.unmount(self.mount(self.image, image, "squashfs", words))
                self.unmount(self.bind(source, bind, words))
                self.unmount(self.bind(source, tree, words, {"recursive": True}))
                self.unmount(self.bind(source, moved, words, {"idmap": f"{self.uid} 5200000 1"}))
        finally:
            rounds, found = watcher.result()
        self.assertGreater(rounds, 100)
        self.assertEqual(found, [])


class Access(support.MountTestCase):
    """An administrator has said yes to what writes to images."""

    session = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enterClassContext(support.polkit_answer("yes", "org.usher1.*", "alice"))

    def test_sec_05_a_descriptor_is_never_used_for_more_than_it_was_opened_for(self):
        """sec-05: each way to write that it should be read-only, or not, with each way to open it."""
        image, target = support.make_image("ext4", f"{self.home}/i", "alice"), self.directory("m")
        readable = support.make_image("ext4", f"{self.home}/r")
        os.chmod(readable, 0o644)
        for (words, wants), (file, flags, may) in itertools.product(
                (([], True), (["rw"], True), (["ro"], False), (["rw", "ro"], False), (["ro", "rw"], True)),
                ((image, os.O_RDONLY, False), (image, os.O_RDWR, True), (image, os.O_PATH, True), (readable, os.O_RDONLY, False),
                 (readable, os.O_PATH, False), (image, None, True), (readable, None, False))):
            with self.subTest(words=words, file=file, flags=flags):
                before = digest(file)
                if flags is None:
                    mount = self.mount(file, target, "ext4", words)
                else:
                    with Descriptor(os.open(file, flags), owned=True) as descriptor:
                        mount = self.mount_image(descriptor, target, "ext4", words)
                word = "rw" if wants and may else "ro"
                self.assert_mounted(target, "ext4", (word,))
                name, = [name for name, backing in support.loop_devices().items() if backing == file]
                self.assertEqual(read_file(f"/sys/block/{name}/ro"), f"{int(word == 'ro')}\n")
                self.assertEqual(support.errno_of(write_file, f"{target}/f"), 0 if word == "rw" else errno.EROFS)
                self.unmount(mount)
                support.wait_until(lambda: file not in support.loop_devices().values(), "the loop device is given back")
                (self.assertEqual if word == "ro" else self.assertNotEqual)(digest(file), before)

    def test_sec_05_a_switch_is_off_if_it_is_absent_and_on_only_if_it_is_true(self):
        """sec-05: a switch of three states was once read the wrong way round."""
        source, target = self.directory("s"), self.directory("m")
        support.mount("below", self.directory("s/b"), "tmpfs")
        self.addCleanup(support.umount, f"{source}/b")
        for options, wanted in (({}, False), ({"recursive": False}, False), ({"recursive": True}, True)):
            with self.subTest(options=options):
                mount = self.bind(source, target, options=options)
                self.assertEqual(support.mount_at(f"{target}/b") is not None, wanted)
                self.unmount(mount, lazy=True)
        for options, wanted in (({}, False), ({"lazy": False}, False), ({"lazy": True}, True)):
            with self.subTest(options=options):
                self.mount("", target, "tmpfs")
                with open(f"{target}/f", "w", encoding="ascii"):
                    with contextlib.nullcontext() if wanted else self.refused("Busy"):
                        self.alice.call("Mounts", "Unmount", target, options)
                if not wanted:
                    self.alice.call("Mounts", "Unmount", target, {})
        for options, wanted in (({}, False), ({"expire": False}, False), ({"expire": True}, True)):
            with self.subTest(options=options):
                self.mount("", target, "tmpfs")
                with self.refused("Retry") if wanted else contextlib.nullcontext():
                    self.alice.call("Mounts", "Unmount", target, options)
                if wanted:
                    self.alice.call("Mounts", "Unmount", target, {})


class Words(support.MountTestCase):
    def memory(self):
        with open("/proc/meminfo", encoding="ascii") as file:
            return int(file.readline().split()[1]) * 1024

    def test_sec_17_what_was_judged_is_what_is_done(self):
        """sec-17: whatever words are strung together, in whatever order: an administrator's, or harmless in the end."""
        target, chance, allowed = self.directory("m"), random.Random(17), 0
        pool = ["ro", "rw", "suid", "nosuid", "dev", "nodev", "exec", "noexec", "size=1m", "size=90%", "size=0", "size=51%", "size=50%",
                "size=1k", f"uid={self.uid}", "uid=0", f"gid={self.uid}", "gid=0", "mode=0700", "mode=4777", "nr_inodes=100", "nr_inodes=0",
                "nr_blocks=0", "nr_blocks=1", "size=8E", "nr_inodes=99999999999"]
        for _ in range(120):
            words = [chance.choice(pool) for _ in range(chance.randint(1, 4))]
            with self.subTest(words=words):
                try:
                    mount = self.mount("", target, "tmpfs", words)
                except support.DBusError as error:
                    self.assertIn(error.name.removeprefix(support.ERROR),
                                  ("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", "InvalidArgument"), error.message)
                    continue
                allowed += 1
                self.assert_mounted(target, "tmpfs", SAFE)
                space, root = os.statvfs(target), os.stat(target)
                self.assertEqual((root.st_uid, root.st_gid), (self.uid, self.uid))
                self.assertGreater(space.f_blocks, 0)
                self.assertLessEqual(space.f_blocks * space.f_frsize, self.memory() / 2 + space.f_frsize)
                self.assertGreater(space.f_files, 0)
                self.assertLessEqual(space.f_files, self.memory() / 4096)
                self.unmount(mount)
        self.assertGreater(allowed, 10)

    def test_sec_18_what_is_not_said_is_the_safest(self):
        """sec-18: each word and each key, absent."""
        target, source = self.directory("m"), self.directory("s")
        plain = self.mount("", target, "tmpfs")
        self.assert_mounted(target, "tmpfs", SAFE)
        space = os.statvfs(target)
        self.assertLessEqual(space.f_blocks * space.f_frsize, self.memory() / 9)
        self.assertEqual((os.stat(target).st_uid, self.alice.get("Mount", "Lifetime", plain)), (self.uid, "manual"))
        self.unmount(plain)
        support.mount("below", self.directory("s/b"), "tmpfs")
        self.addCleanup(support.umount, f"{source}/b")
        bound = self.bind(source, target)
        found = self.assert_mounted(target, options=SAFE)
        self.assertIsNone(support.mount_at(f"{target}/b"))
        # no peer of its source's: what is unmounted below it stays where it is
        self.assertFalse({tag for tag in support.mount_at("/home").propagation if tag.startswith("shared:")} & set(found.propagation))
        with open(f"{target}/f", "w", encoding="ascii"):
            with self.refused("Busy"):
                self.unmount(bound)
        self.unmount(bound)
        image = support.make_image("squashfs", f"{self.home}/i", "alice")
        self.mount(image, target, "auto")
        self.assert_mounted(target, "squashfs", ("ro", *SAFE))
        self.assertEqual(os.stat(f"{target}/hello").st_uid, NOBODY)
        with self.needs_admin("bind"):
            self.bind("/etc", source)

    VALUES = (",suid", ",dev", ",size=90%", ",uid=0", "\nsuid", "\\054suid", '"', '",suid,"', "%s%n", ":", ";", " ", "=1", "\\", "@")

    def test_sec_20_a_value_is_one_value_whatever_is_in_it(self):
        """sec-20: commas, quotes, colons and line ends in a word, in a source and in a name."""
        target = self.directory("m")
        for value in self.VALUES:
            text = value.replace("\\", "\\x5c").replace("\n", "\\x0a")
            for words in ([f"size=1m{text}"], [f"mode=700{text}"], [f"uid={self.uid}{text}"], [f"nosuid{text}"], [f"ro{text}"]):
                with self.subTest(words=words), self.assertRaises(support.DBusError) as caught:
                    self.mount("", target, "tmpfs", words)
                self.assertIn(caught.exception.name.removeprefix(support.ERROR),
                              ("InvalidArgument", "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"))
            with self.subTest(source=value):
                mount = self.mount(f"x{text}", target, "tmpfs", ["ro", "size=1m"])
                found = self.assert_mounted(target, "tmpfs", ("ro", *SAFE))
                self.assertIn("size=1024k", found.super_options)
                self.assertEqual((found.source, os.stat(target).st_uid), (f"x{value}", self.uid))
                self.unmount(mount)
            with self.subTest(name=value):
                name = os.path.join(self.home, f"d{value}")
                os.mkdir(name)
                os.chown(name, self.uid, self.uid)
                layer = name.replace("\\", "\\\\").replace(":", "\\:")
                other = self.directory("other")
                mount = self.mount("", target, "overlay", [f"lowerdir={support.escape(layer)}:{other}"])
                self.assert_mounted(target, "overlay", SAFE)
                self.unmount(mount)
                mount = self.mount("", support.escape(name), "tmpfs", ["ro"])
                self.assert_mounted(name, "tmpfs", ("ro", *SAFE))
                self.unmount(mount)
                os.rmdir(name)
                os.rmdir(other)

    def test_sec_20_an_administrator_who_allows_a_word_allows_this_word(self):
        """sec-20: also where the tier is no defence, the kernel gets a word as one."""
        target = self.directory("m")
        with support.polkit_answer("yes", "org.usher1.mount", "alice"):
            for words in (["size=1m,uid=0"], ["size=1m,noswap"], ["mode=700,size=1m"], ["uid=0,gid=0"]):
                with self.subTest(words=words), self.refused("InvalidArgument"):
                    self.mount("", target, "tmpfs", words)
        self.assert_not_mounted(target)

    def test_sec_21_a_type_that_is_no_file_systems_never_reaches_the_kernel(self):
        """sec-21: a type is the name of a module to load; nobody is even asked about one that is nobody's."""
        target, image = self.directory("m"), support.make_image("squashfs", f"{self.home}/i", "alice")
        try:
            modules = set(line.split()[0] for line in read_file("/proc/modules").splitlines())
        except FileNotFoundError:
            modules = None  # this kernel loads none
        with support.polkit_asked("yes", "alice") as asked:
            for fstype in ("nfs../x", "../x", "nfs/../../x", "x/y", "", " ", "tmpfs ", "TMPFS", "tmpfs,suid", "x" * 31, "x" * 5000, "a\nb",
                           "%s", "fuse:x", "\u00fc", "-", "."):
                with self.subTest(fstype=fstype), self.refused("NotSupported" if fstype in ("-", ".") else "InvalidArgument", "fstype"):
                    self.mount(image, target, fstype)
            for fstype in ("nothing", "fs-x", "net-pf-10", "char-major-10-1", "fuse.x", "x25", "vboxguest", "bind", "none", "swap"):
                for call in (lambda: self.mount(image, target, fstype),
                             lambda: self.alice.call("Mounts", "OpenMount", image, fstype, [], {}).close()):
                    with self.subTest(fstype=fstype), self.refused("NotSupported", "does not know"):
                        call()
            self.assertEqual(asked(), [])
        if modules is not None:
            self.assertEqual(set(line.split()[0] for line in read_file("/proc/modules").splitlines()), modules)
        self.assert_not_mounted(target)
