# SPDX-License-Identifier: LGPL-2.1-or-later
"""Paths: that what was looked at is what is used, whoever swaps what meanwhile, and whatever it is called.

A test whose name begins with sec-NN is the one of lesson NN in docs/security.md."""

import ctypes
import os
import shutil
import signal
import subprocess
import time

import support
from support import Descriptor, write_file

INTERACTIVE = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"
# Run by alice: user namespaces in each other, all but the outermost owned by an id that is only subordinate to her.
NESTED = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
NEWUSER, NEWUTS = 0x10000000, 0x04000000
def tell():
    libc.prctl(4, 1, 0, 0, 0)  # as it was before the ids changed, so that the maps can be written
    print(flush=True)
def enter(kinds=0):
    if libc.unshare(NEWUSER | kinds) != 0:
        sys.exit("unshare")
    libc.prctl(4, 1, 0, 0, 0)
depth = int(sys.argv[1])
enter(0 if depth else NEWUTS)
tell()
sys.stdin.readline()  # the maps are there
if depth:
    os.setresgid(1, 1, 1)
    os.setresuid(1, 1, 1)
    libc.prctl(4, 1, 0, 0, 0)
for level in range(depth):
    inside = os.getuid(), os.getgid()
    enter(NEWUTS if level == depth - 1 else 0)
    for name, text in ("uid_map", f"0 {inside[0]} 1"), ("setgroups", "deny"), ("gid_map", f"0 {inside[1]} 1"):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
tell()
sys.stdin.readline()
"""


def exchange(one, other):
    """In a process that does nothing else: two names change places, as often as can be."""
    libc = ctypes.CDLL(None)
    while True:
        libc.syscall(316, -100, os.fsencode(one), -100, os.fsencode(other), 2)


def start_exchange(one, other):
    """In alice's process: the pid of the one that does it."""
    pid = os.fork()
    if pid == 0:
        try:
            exchange(one, other)
        finally:
            os._exit(1)
    return pid


def stop(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


class Owners(support.MountTestCase):
    def nested(self, depth):
        process = support.start_as("alice", "python3", "-c", NESTED, str(depth), stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        def end():
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()

        self.addCleanup(end)
        process.stdout.readline()
        for name in ("uid_map", "gid_map"):
            write_file(f"/proc/{process.pid}/{name}", f"0 {self.uid} 1\n1 5200000 65535")
        process.stdin.write(b"\n")
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), b"\n", "the namespaces were made")
        return process.pid

    def test_sec_06_the_walk_up_to_an_owner_walks(self):
        """sec-06: namespaces that an id subordinate to alice's made in one of hers are hers, however deep."""
        with support.polkit_asked("no", "alice") as asked:
            for depth in (0, 1, 2, 15, 16, 17, 30):
                pid = self.nested(depth)
                with self.subTest(depth=depth), Descriptor(os.pidfd_open(pid), owned=True) as pidfd:
                    self.alice.call("Host", "SetHostname", f"deep{depth}", {"in": pidfd})
                    said = subprocess.run(["nsenter", f"--target={pid}", "--uts", "uname", "-n"], stdout=subprocess.PIPE, check=True)
                    self.assertEqual(said.stdout, f"deep{depth}\n".encode())
            self.assertEqual(asked(), [])
        # and it does not walk past the one that is not hers
        for user, options in (("root", ("--user", "--uts")), ("bob", ("--user", "--uts"))):
            with support.Place(user, *options) as place, place.pidfd() as pidfd, self.subTest(user=user), self.needs_admin("set-hostname"):
                self.alice.call("Host", "SetHostname", "x", {"in": pidfd})

    def test_sec_07_what_lies_on_a_directory_is_judged_and_not_the_directory(self):
        """sec-07: roots in the tree of the caller's; on the way to an owner no mount is crossed."""
        covered, source, target = self.directory("c"), self.directory("s"), self.directory("t")
        self.directory("c/d")
        hidden = "/root/sec-07"
        os.makedirs(f"{hidden}/d/e")
        self.addCleanup(shutil.rmtree, hidden)
        subprocess.run(["mount", "--bind", hidden, covered], check=True)
        self.addCleanup(support.umount, covered, support.MNT_DETACH)  # a child that was refused may still look at it
        for path in (covered, f"{covered}/d", f"{covered}/d/e", f"{covered}/d/../d", f"{covered}/."):
            with self.subTest(path=path):
                with self.needs_admin("mount"):
                    self.mount("", path, "tmpfs")
                with self.needs_admin("bind"):
                    self.bind(source, path)
                with self.needs_admin("bind"):
                    self.bind(path, target)
                with self.needs_admin("open-tree"):
                    self.alice.call("Mounts", "OpenTree", path, [], {})
                with self.needs_admin("mount"):
                    self.mount("", target, "overlay", [f"lowerdir={source}:{path}"])


class Asked(support.PersonTestCase):
    """While a person thinks, there is all the time in the world."""

    def setUp(self):
        super().setUp()
        self.roots = self.directory("roots", "root")
        self.secret = "/root/secret"
        os.makedirs(f"{self.secret}/x", 0o700)
        write_file(f"{self.secret}/x/f", "root's")
        self.addCleanup(shutil.rmtree, self.secret)
        self.directory("d/x")
        self.file("d/x/f", "alice's")

    def swap(self, how):
        """Of the directory that x is in: what alice can put in its place."""
        os.rename(f"{self.home}/d", f"{self.home}/away")
        if how == "link":
            os.symlink(self.secret, f"{self.home}/d")
        else:
            os.rename(self.directory("other", "root"), f"{self.home}/d")
            os.mkdir(f"{self.home}/d/x")
            write_file(f"{self.home}/d/x/f", "root's")

    def back(self):
        shutil.rmtree(f"{self.home}/d") if not os.path.islink(f"{self.home}/d") else os.unlink(f"{self.home}/d")
        os.rename(f"{self.home}/away", f"{self.home}/d")

    def ask(self, method, arguments, how):
        """What came of a call that was granted after the swap: its result, or the error."""
        pending = self.caller.begin("Mounts", method, *arguments, interactive=True)
        cookie, _, _ = self.person.question()
        self.swap(how)
        try:
            self.person.answer(cookie)
            return pending.result()
        except support.DBusError as error:
            self.assertTrue(error.name.startswith(support.ERROR), error)
            return error
        finally:
            self.back()

    def test_sec_10_a_yes_about_a_source_is_about_what_was_there(self):
        """sec-10: its directory is swapped for a link to root's, or for root's own, before the yes."""
        os.chmod(support.make_image("ext4", f"{self.secret}/x/i"), 0o600)
        support.make_image("squashfs", f"{self.home}/d/x/i", "alice")
        source, lower = f"{self.home}/d/x", self.directory("l")
        for how in ("link", "directory"):
            for method, arguments in (("Bind", (source, self.roots, [], {})), ("Bind", (source, self.roots, [], {"recursive": True})),
                                      ("OpenTree", (source, ["suid"], {})), ("Mount", (f"{source}/i", self.roots, "auto", [], {})),
                                      ("Mount", ("", self.roots, "overlay", [f"lowerdir={source}:{lower}"], {}))):
                with self.subTest(method=method, how=how):
                    result = self.ask(method, arguments, how)
                    if isinstance(result, support.DBusError):
                        # the layers of an overlay may be known to the kernel by name, which is then compared
                        self.assertEqual((result.name, arguments[2]), (f"{support.ERROR}Retry", "overlay"), result)
                        self.assert_not_mounted(self.roots)
                        continue
                    if method == "Mount" and arguments[2] == "auto":
                        self.assertEqual(support.mount_at(self.roots).fstype, "squashfs")
                        self.assertIn(f"{self.home}/d/x/i", support.loop_devices().values())
                    elif isinstance(result, Descriptor):
                        with open(os.open("f", os.O_RDONLY, dir_fd=result.fileno()), encoding="utf-8") as file:
                            self.assertEqual(file.read(), "alice's")
                        result.close()
                    else:
                        with open(f"{self.roots}/f", encoding="utf-8") as file:
                            self.assertEqual(file.read(), "alice's")
                    if isinstance(result, str):
                        self.unmount(result, support.root())

    def test_sec_11_a_yes_about_a_mount_point_is_about_what_was_there(self):
        """sec-11: its directory is swapped for a link to root's, or for root's own, before the yes."""
        target = f"{self.home}/d/x"
        image = support.make_image("squashfs", f"{self.home}/i", "alice")
        with Descriptor(os.open(image, os.O_RDONLY), owned=True) as descriptor:
            for how in ("link", "directory"):
                for method, arguments in (("Mount", ("", target, "tmpfs", ["suid"], {})), ("Bind", ("/etc", target, [], {})),
                                          ("MountImage", (descriptor, target, "auto", ["suid"], {}))):
                    with self.subTest(method=method, how=how):
                        result = self.ask(method, arguments, how)
                        found = [mount.target for mount in support.mounts() if mount.target.startswith((self.home, self.secret))]
                        self.assertEqual(found, [target] if isinstance(result, str) else [])
                        if isinstance(result, str):
                            self.unmount(result, support.root())

    def test_sec_11_what_was_mounted_over_a_mount_point_meanwhile_is_not_covered(self):
        """sec-11: the directory is the same, and root has put something on it."""
        target = f"{self.home}/d/x"
        pending = self.caller.begin("Mounts", "Mount", "", target, "tmpfs", ["suid"], {}, interactive=True)
        cookie, _, _ = self.person.question()
        support.mount("roots", target, "tmpfs", data="mode=700")
        try:
            self.person.answer(cookie)
            with self.refused("Retry"):
                self.made(pending.result())
            self.assertEqual([mount.source for mount in support.mounts() if mount.target == target], ["roots"])
        finally:
            support.umount(target, support.MNT_DETACH)


class Raced(support.MountTestCase):
    """A process of alice's that lets a directory of hers and a link to one of root's change places all the time."""

    def setUp(self):
        super().setUp()
        self.secret = "/root/secret"
        os.makedirs(f"{self.secret}/x", 0o755)
        os.chmod("/root", 0o711)
        self.addCleanup(os.chmod, "/root", 0o700)
        write_file(f"{self.secret}/x/f", "root's")
        self.addCleanup(shutil.rmtree, self.secret)
        self.directory("d/x")
        self.file("d/x/f", "alice's")
        os.symlink(self.secret, f"{self.home}/link")
        pid = self.alice.run(start_exchange, f"{self.home}/d", f"{self.home}/link")
        self.addCleanup(self.alice.run, stop, pid)

    def rounds(self, call):
        """For a second and a half: the results of those calls that were allowed.  Longer races are in test_races."""
        counts = [0, 0]
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            try:
                result = call()
            except support.DBusError as error:
                self.assertIn(error.name.removeprefix(support.ERROR), (INTERACTIVE, "InvalidArgument", "NotFound", "Retry"), error)
                counts[1] += 1
            else:
                counts[0] += 1
                yield result
        self.assertTrue(all(counts), f"allowed, refused: {counts}")

    def unmount_somehow(self, mount):
        """Its mount point has a new name every moment."""
        def unmounted():
            try:
                self.unmount(mount)
            except support.DBusError as error:
                self.assertIn(error.name, (f"{support.ERROR}Busy", f"{support.ERROR}Retry", f"{support.ERROR}InvalidArgument"), error)
                return False
            return True
        support.wait_until(unmounted, "a mount goes")

    def test_sec_12_the_owner_of_a_mount_is_never_set_by_its_path(self):
        """sec-12: a mount with an owner and a mode of its own leaves those of root's directory as they were."""
        before = os.stat(f"{self.secret}/x")
        target = f"{self.home}/d/x"
        words = ["size=4k", f"uid={self.uid}", f"gid={self.uid}", "mode=770"]
        for mount in self.rounds(lambda: self.alice.call("Mounts", "Mount", "", target, "tmpfs", words, {})):
            after = os.stat(f"{self.secret}/x")
            self.assertEqual((after.st_uid, after.st_gid, after.st_mode), (before.st_uid, before.st_gid, before.st_mode))
            self.unmount_somehow(mount)


class Links(support.MountTestCase):
    def calls(self, path, at_mount):
        """Each argument that is a path, with this one in it: (method, arguments).  at_mount is one to a mount point."""
        own, other = self.home, f"{self.home}/own"
        return (("Mount", ("", path, "tmpfs", [])), ("Bind", (path, own, [])), ("Bind", (other, path, [])), ("OpenTree", (path, [])),
                ("Mount", ("", own, "overlay", [f"lowerdir={path}:{other}"])), ("Mount", ("", own, "overlay", [f"lowerdir={other}:{path}"])),
                ("Mount", ("", own, "overlay", [f"lowerdir={other}", f"upperdir={path}", f"workdir={other}"])),
                ("Mount", ("", own, "overlay", [f"lowerdir={other}", f"upperdir={other}", f"workdir={path}"])),
                ("OpenMount", ("", "overlay", [f"lowerdir={path}:{other}"])), ("Unmount", (at_mount,)), ("Remount", (at_mount, ["ro"])),
                ("Move", (at_mount, own)), ("PivotRoot", (at_mount, own)), ("PivotRoot", ("/home", path)))

    def test_sec_15_a_link_at_the_end_of_a_path_is_not_followed(self):
        """sec-15: absolute, relative, to another link, to nothing, into /proc; in each argument that is a path."""
        self.directory("own")
        os.symlink("/etc/systemd", f"{self.home}/absolute")
        os.symlink("../../../etc/systemd", f"{self.home}/relative")
        os.symlink("absolute", f"{self.home}/chain")
        os.symlink("/nothing", f"{self.home}/broken")
        os.symlink("/proc/self/root", f"{self.home}/magic")
        os.symlink("/home", f"{self.home}/mount")
        before = support.lasting_mounts()
        with support.polkit_asked("yes", "alice") as asked:
            for name in ("absolute", "relative", "chain", "broken", "magic"):
                for slash in ("", "/"):
                    for method, arguments in self.calls(f"{self.home}/{name}{slash}", f"{self.home}/mount{slash}"):
                        with self.subTest(name=name + slash, method=method, arguments=arguments), self.refused("InvalidArgument"):
                            self.alice.call("Mounts", method, *arguments, {})
            self.assertEqual(asked(), [])
        self.assertEqual(support.lasting_mounts(), before)

    def test_sec_15_a_link_on_the_way_leads_to_what_is_judged(self):
        """sec-15: what lies behind it is root's, and whoever is asked is told its real name."""
        self.directory("own")
        os.symlink("/etc", f"{self.home}/absolute")
        os.symlink("../../../etc", f"{self.home}/relative")
        os.symlink("/", f"{self.home}/up")
        before = support.lasting_mounts()
        with support.polkit_asked("no", "alice") as asked:
            for name in ("absolute", "relative"):
                for method, arguments in self.calls(f"{self.home}/{name}/systemd", f"{self.home}/up/home"):
                    with self.subTest(name=name, method=method, arguments=arguments), self.refused("NotPermitted", "polkit does not allow"):
                        self.alice.call("Mounts", method, *arguments, {})
                    told = asked()[-1]
                    self.assertFalse(told["action"].endswith("-own"), told)
                    said = " ".join(told.get(key, "") for key in ("source", "target", "path", "from", "to", "new_root", "put_old"))
                    self.assertNotIn(f"/{name}", said)
        self.assertEqual(support.lasting_mounts(), before)

    def test_sec_25_what_others_trust_is_not_covered(self):
        """sec-25: by no verb, and a directory that belongs to alice is not always hers to cover."""
        image, source = support.make_image("squashfs", f"{self.home}/i", "alice"), self.directory("s")
        os.makedirs("/tmp/sec-25", 0o755, exist_ok=True)
        self.addCleanup(os.rmdir, "/tmp/sec-25")
        own = f"/proc/{self.alice.pid}"
        targets = ("/", "/etc", "/etc/passwd", "/proc", own, f"{own}/task", f"{own}/fd", f"{own}/task/{self.alice.pid}", "/proc/1", "/sys",
                   "/sys/fs/cgroup", "/run", "/run/user", "/dev", "/dev/shm", "/tmp", "/tmp/sec-25", "/var/tmp", "/usr/bin", "/boot", "/home",
                   "/home/bob", "/root", "/run/usher", "/proc/self/", "/proc/thread-self", f"{own}/root", f"{own}/cwd")
        before = support.lasting_mounts()
        with Descriptor(os.open(image, os.O_RDONLY), owned=True) as descriptor:
            for target in targets:
                for method, arguments in (("Mount", ("", target, "tmpfs", [])), ("Mount", (image, target, "squashfs", [])),
                                          ("MountImage", (descriptor, target, "squashfs", [])), ("Bind", (source, target, [])),
                                          ("Bind", (f"{own}/status" if os.path.isfile(target) else target, source, []))):
                    with self.subTest(target=target, method=method), self.assertRaises(support.DBusError) as caught:
                        self.alice.call("Mounts", method, *arguments, {})
                    self.assertIn(caught.exception.name.removeprefix(support.ERROR), (INTERACTIVE, "InvalidArgument", "NotPermitted", "NotFound"))
                if not os.path.isdir(target):
                    continue
                with Descriptor(os.open(target, os.O_PATH), owned=True) as fd, self.subTest(target=target), \
                        self.assertRaises(support.DBusError) as caught:
                    self.alice.call("Mounts", "Mount", "", "", "tmpfs", [], {"target_fd": fd})
                self.assertEqual(caught.exception.name, INTERACTIVE)
        self.assertEqual(support.lasting_mounts(), before)


class Names(support.MountTestCase):
    def test_sec_19_a_name_is_never_taken_for_an_option(self):
        """sec-19: of a directory, of an image, of a source."""
        image = support.make_image("squashfs", f"{self.home}/i", "alice")
        for name in ("-o", "--", "-", "--help", "-t ext4", "-V", "$(id)", "`id`", ";id", "a=b", "-\n-", "&"):
            with self.subTest(name=name):
                directory = os.path.join(self.home, name)
                os.mkdir(directory)
                os.chown(directory, self.uid, self.uid)
                os.rename(image, f"{directory}/{name}")
                target = self.directory(f"t{len(os.listdir(self.home))}")
                for source, fstype in ((f"{directory}/{name}", "auto"), (name, "tmpfs")):
                    mount = self.mount(support.escape(source), target, fstype)
                    self.assert_mounted(target, "squashfs" if fstype == "auto" else "tmpfs", ("nosuid", "nodev"))
                    self.unmount(mount)
                os.rename(f"{directory}/{name}", image)
                self.unmount(self.mount("", support.escape(directory), "tmpfs"))
                with self.refused("InvalidArgument"):
                    self.mount("", support.escape(name), "tmpfs")
                os.rmdir(directory)

    def test_sec_22_a_name_is_read_as_what_it_is(self):
        """sec-22: line ends, escapes, what looks deleted, what is very long or deep; and its mount alone goes."""
        awkward = ["a\nb", "x (deleted)", "\\040", "x\\040(deleted)", "\t", "#", "a\\", "\\134", "x//deleted"[:1] + " ", "\u00e4", "-", "n" * 255]
        names = [os.path.join(self.home, name) for name in awkward] + [os.path.join(self.home, "deep", *["d"] * 30)]
        longest = os.path.join(self.home, "long", *["l" * 200] * 19)
        longest += "/" + "l" * (4095 - len(longest) - 1)
        plain = [os.path.join(self.home, name) for name in ("a", "x", " ", "n" * 254)]
        for path in names + [longest] + plain:
            self.make(path)
        keeper = {path: self.mount("", path, "tmpfs", ["size=4k"]) for path in plain}
        for path in names + [longest]:
            with self.subTest(path=path[:80], length=len(path)):
                for by_object in (True, False):
                    mount = self.mount("", support.escape(path), "tmpfs", ["size=4k"])
                    entry, = [entry for entry in self.alice.call("Mounts", "List", {}) if entry.get("Object") == mount]
                    self.assertEqual(entry["Target"], support.escape(path))
                    self.assertEqual((entry["FSType"], entry["Owner"]), ("tmpfs", self.uid))
                    if by_object:
                        self.unmount(mount)
                    else:
                        self.alice.call("Mounts", "Unmount", support.escape(path), {})
                    for other, kept in keeper.items():
                        self.assertIsNotNone(support.mount_at(other), other)
                        self.assertIn(kept, self.alice.objects("Mount"))
                    self.assertNotIn(mount, self.alice.objects("Mount"))
        for path in keeper:
            self.alice.call("Mounts", "Unmount", path, {})

    def make(self, path):
        """Also what is longer than one call takes."""
        parts, at = path.split("/")[1:], os.open("/", os.O_PATH)
        for part in parts:
            try:
                os.mkdir(part, dir_fd=at)
                os.chown(part, self.uid, self.uid, dir_fd=at)
            except FileExistsError:
                pass
            inner = os.open(part, os.O_PATH, dir_fd=at)
            os.close(at)
            at = inner
        os.close(at)

    def test_sec_22_a_mount_whose_directory_was_removed_is_no_other(self):
        """sec-22: the kernel says "(deleted)" itself, of a root that is gone."""
        source, one, other = self.directory("s/gone"), self.directory("x"), self.directory("x (deleted)")
        bound = self.bind(source, one)
        kept = self.mount("", other, "tmpfs", ["size=4k"])
        os.rmdir(source)
        listed = {entry.get("Object"): entry["Target"] for entry in self.alice.call("Mounts", "List", {})}
        self.assertEqual((listed[bound], listed[kept]), (one, other))
        self.alice.call("Mounts", "Unmount", one, {})
        self.assert_mounted(other, "tmpfs")
        self.unmount(kept)
