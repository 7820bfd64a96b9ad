# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a path leads to changes all the time while it is used: it is the caller's or nothing, in every round.

ROUNDS says how many rounds each operation gets, a third of them against each way to change it."""

import contextlib
import os
import signal
import subprocess
import time

import support
from support import Descriptor
from test_interior import spawn
from test_sec_paths import start_exchange, stop
from watching import Watch

ROUNDS = int(os.environ.get("ROUNDS") or 60)
REFUSALS = ("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
            *(support.ERROR + name for name in ("InvalidArgument", "NotFound", "NotPermitted", "Retry", "Busy")))
MS_BIND, MS_REC, ST_NOEXEC, CLONE_NEWNS, CLONE_NEWUSER, SYS_PIVOT_ROOT = 4096, 16384, 8, 0x20000, 0x10000000, 155
MAPPED = ("--user", "--map-root-user", "--mount")


def cover(over, spot):
    """In a process of root's that does nothing else: something is mounted over a directory, and gone again."""
    while True:
        support.mount(over, spot, "none", MS_BIND | MS_REC)
        time.sleep(0.001)
        support.umount(spot, support.MNT_DETACH)
        time.sleep(0.001)


def start(function, *arguments):
    """The pid of a process of root's that does this."""
    pid = os.fork()
    if pid == 0:
        try:
            signal.alarm(0)
            function(*arguments)
            os._exit(0)
        finally:
            os._exit(1)
    return pid


def inside(place, directory, function, *arguments):
    """Among the mounts of a place, in a directory that is open, wherever the root is."""
    with place.pidfd() as pidfd:
        support.setns(pidfd.fileno(), CLONE_NEWNS)
    os.fchdir(directory)
    function(*arguments)


def put_back():
    """The root that lies on "/old" is the root again, and what was it lies on "x" as before."""
    if support.libc.syscall(SYS_PIVOT_ROOT, b"/old", b"x") != 0:
        raise OSError("pivot_root")


def enter(pid):
    """In alice's process: the user and mount namespaces of another one of hers."""
    with Descriptor(os.pidfd_open(pid), owned=True) as pidfd:
        support.setns(pidfd.fileno(), CLONE_NEWUSER | CLONE_NEWNS)


def identity(name, directory=None):
    found = os.stat(name, dir_fd=directory)
    return found.st_dev, found.st_ino


class Races(support.MountTestCase):
    """In "top", a mount that is not shared, "d" is alice's, "other" is root's and "link" leads there; each has an "x"."""

    longest = 180 + ROUNDS // 4

    def setUp(self):
        super().setUp()
        self.top = self.directory("top")
        self.mount("", self.top, "tmpfs", ["size=8m"])
        self.alice.call("Mounts", "Remount", self.top, ["private"], {})
        self.path = f"{self.top}/d/x"
        self.images = []
        for name, user, mode in (("d", "alice", 0o644), ("other", "root", 0o600)):
            self.fill(f"{self.top}/{name}", user, mode)
        for name in ("s", "t", "m"):
            self.alice.run(os.mkdir, f"{self.top}/{name}")
        os.symlink(f"{self.top}/other", f"{self.top}/link")
        self.mine, self.roots = self.hold("d"), self.hold("other")
        self.my_x, self.roots_x = identity("x", self.mine), identity("x", self.roots)
        self.allowed = self.refusals = 0

    def fill(self, directory, user, mode):
        entry = support.identity_of(user)
        os.makedirs(f"{directory}/x")
        with open(f"{directory}/x/f", "w", encoding="utf-8") as file:
            file.write(user)
        subprocess.run(["mksquashfs", f"{directory}/x", f"{directory}/i", "-quiet", "-no-progress"], stdout=subprocess.DEVNULL, check=True)
        os.rename(f"{directory}/i", f"{directory}/x/i")
        os.chmod(f"{directory}/x/i", mode)
        for name in ("", "/x", "/x/i", "/x/f"):
            os.chown(directory + name, entry["user"], entry["group"])

    def hold(self, name):
        """What the directory is, whatever it is called."""
        fd = os.open(f"{self.top}/{name}", os.O_PATH)
        self.addCleanup(os.close, fd)
        return fd

    @contextlib.contextmanager
    def exchanged(self, other):
        pid = self.alice.run(start_exchange, f"{self.top}/d", f"{self.top}/{other}")
        try:
            yield
        finally:
            self.alice.run(stop, pid)
            if identity(f"{self.top}/d") != identity(f"/proc/self/fd/{self.mine}"):
                support.libc.syscall(316, -100, os.fsencode(f"{self.top}/d"), -100, os.fsencode(f"{self.top}/{other}"), 2)

    @contextlib.contextmanager
    def covered(self):
        pid = start(cover, f"{self.top}/other", f"{self.top}/d")
        try:
            yield
        finally:
            stop(pid)
            with contextlib.suppress(OSError):
                support.umount(f"{self.top}/d", support.MNT_DETACH)

    @contextlib.contextmanager
    def covered_inside(self, place):
        top = os.open(place.path(self.top), os.O_PATH)
        pid = start(inside, place, top, cover, "other", "d")
        try:
            yield
        finally:
            stop(pid)
            os.close(top)

    def race(self, call, check, covered=None):
        """call() again and again, by alice, and check() with its result or None where it was refused."""
        for racer in (lambda: self.exchanged("link"), lambda: self.exchanged("other"), covered or self.covered):
            with racer():
                for _ in range(ROUNDS // 3):
                    check(self.once(call))
        if ROUNDS >= 60:
            self.assertTrue(self.allowed and self.refusals, f"{self.allowed} allowed, {self.refusals} refused")

    @staticmethod
    def within_limits(call):
        """Objects of mounts that have gone are in the way until the service has looked."""
        while True:
            try:
                return call()
            except support.DBusError as error:
                if error.name != f"{support.ERROR}LimitExceeded":
                    raise
                time.sleep(0.1)

    def once(self, call):
        """What it gives, True for nothing, or None."""
        try:
            result = self.within_limits(call)
        except support.DBusError as error:
            self.assertIn(error.name, REFUSALS, error.message)
            self.refusals += 1
            return None
        self.allowed += 1
        return result or True

    # -- what is mounted on "x"

    def is_on_mine(self):
        return identity("x", self.mine) != self.my_x

    def take_off(self, name=None):
        support.umount(name or f"/proc/self/fd/{self.mine}/x", support.MNT_DETACH)

    def check_target(self, result):
        self.assertEqual(identity("x", self.roots), self.roots_x, "root's is as it was")
        self.assertEqual(self.is_on_mine(), result is not None)
        if result:
            self.take_off()

    def mount_mine(self):
        """A mount of alice's on her "x", whatever that is called now."""
        with Descriptor(os.open("x", os.O_PATH, dir_fd=self.mine), owned=True) as fd:
            self.within_limits(lambda: self.alice.call("Mounts", "Mount", "", "", "tmpfs", ["size=4k"], {"target_fd": fd}))

    def mount_roots(self):
        support.mount("roots", f"{self.top}/other/x", "tmpfs", 0, "size=4k")
        self.addCleanup(support.umount, f"{self.top}/other/x", support.MNT_DETACH)
        self.roots_x = identity("x", self.roots)

    def check_text(self, directory):
        with open(f"{directory}/f", encoding="utf-8") as file:
            self.assertEqual(file.read(), "alice")

    def check_source(self, result):
        spot = f"{self.top}/t"
        if result:
            self.check_text(spot)
            self.take_off(spot)
        self.assertNotIn(spot, [mount.target for mount in support.mounts()])

    # -- each operation

    def test_mount_covers_what_is_the_callers(self):
        self.race(lambda: self.alice.call("Mounts", "Mount", "", self.path, "tmpfs", ["size=4k"], {}), self.check_target)

    def test_mount_image_covers_what_is_the_callers(self):
        with Descriptor(os.open("x/i", os.O_RDONLY, dir_fd=self.mine), owned=True) as image:
            self.race(lambda: self.alice.call("Mounts", "MountImage", image, self.path, "squashfs", [], {}), self.check_target)

    def test_bind_covers_what_is_the_callers(self):
        self.race(lambda: self.alice.call("Mounts", "Bind", f"{self.top}/s", self.path, [], {}), self.check_target)

    def test_bind_shows_what_is_the_callers(self):
        self.race(lambda: self.alice.call("Mounts", "Bind", self.path, f"{self.top}/t", [], {}), self.check_source)

    def test_mount_takes_an_image_that_the_caller_may_read(self):
        self.race(lambda: self.alice.call("Mounts", "Mount", f"{self.path}/i", f"{self.top}/t", "squashfs", [], {}), self.check_source)

    def test_open_tree_opens_what_is_the_callers(self):
        self.race(lambda: self.alice.call("Mounts", "OpenTree", self.path, [], {}), self.check_opened)

    def test_unmount_takes_off_what_is_the_callers(self):
        def check(result):
            self.assertEqual(identity("x", self.roots), self.roots_x, "root's mount is there")
            self.assertEqual(self.is_on_mine(), result is None)
            if result:
                self.mount_mine()

        self.mount_roots()
        self.mount_mine()
        self.race(lambda: self.alice.call("Mounts", "Unmount", self.path, {}), check)

    def test_remount_changes_what_is_the_callers(self):
        def flags(directory):
            fd = os.open("x", os.O_PATH, dir_fd=directory)
            try:
                return os.fstatvfs(fd).f_flag & ST_NOEXEC
            finally:
                os.close(fd)

        def check(result):
            self.assertFalse(flags(self.roots), "root's mount is as it was")
            if result:
                self.assertTrue(flags(self.mine))
                self.take_off()
                self.mount_mine()

        self.mount_roots()
        self.mount_mine()
        self.race(lambda: self.alice.call("Mounts", "Remount", self.path, ["noexec"], {}), check)

    def test_move_takes_what_is_the_callers(self):
        spot = f"{self.top}/t"

        def check(result):
            self.assertEqual(identity("x", self.roots), self.roots_x, "root's mount is there")
            self.assertEqual(self.is_on_mine(), result is None)
            if result:
                self.take_off(spot)
                self.mount_mine()

        self.mount_roots()
        self.mount_mine()
        self.race(lambda: self.alice.call("Mounts", "Move", self.path, spot, {}), check)

    def test_move_covers_what_is_the_callers(self):
        spot = f"{self.top}/m"

        def check(result):
            self.assertEqual(identity("x", self.roots), self.roots_x, "root's is as it was")
            self.assertEqual(self.is_on_mine(), result is not None)
            self.assertEqual(spot in [mount.target for mount in support.mounts()], result is None)
            if result:
                self.take_off()
                self.within_limits(lambda: self.alice.call("Mounts", "Mount", "", spot, "tmpfs", ["size=4k"], {}))

        self.alice.call("Mounts", "Mount", "", spot, "tmpfs", ["size=4k"], {})
        self.race(lambda: self.alice.call("Mounts", "Move", spot, self.path, {}), check)

    # -- what an overlay is made of

    def race_overlay(self, words, check):
        spot = f"{self.top}/t"

        def check_all(result):
            if result:
                check(spot)
                self.take_off(spot)
            self.assertNotIn(spot, [mount.target for mount in support.mounts()])

        self.race(lambda: self.alice.call("Mounts", "Mount", "", spot, "overlay", words, {}), check_all)

    def test_an_overlay_shows_what_is_the_callers(self):
        self.race_overlay([f"lowerdir={self.path}:{self.top}/s"], self.check_text)

    def check_opened(self, mount):
        if mount:
            with mount:
                self.check_text(f"/proc/self/fd/{mount.fileno()}")

    def test_an_overlay_that_is_only_opened_shows_what_is_the_callers(self):
        self.race(lambda: self.alice.call("Mounts", "OpenMount", "", "overlay", [f"lowerdir={self.path}:{self.top}/s"], {}), self.check_opened)

    def upper(self):
        """What an overlay needs, in both."""
        for name in ("d", "other"):
            for part in ("up", "work"):
                os.mkdir(f"{self.top}/{name}/x/{part}")
                if name == "d":
                    os.chown(f"{self.top}/{name}/x/{part}", self.uid, self.uid)
        before = os.listdir(f"{self.top}/other/x/up"), os.listdir(f"{self.top}/other/x/work")

        def check(spot):
            self.alice.run(support.write_file, f"{spot}/new", "alice")
            self.assertEqual((os.listdir(f"/proc/self/fd/{self.roots}/x/up"), os.listdir(f"/proc/self/fd/{self.roots}/x/work")), before)
            self.assertTrue(os.path.exists(f"/proc/self/fd/{self.mine}/x/up/new"))

        return check

    def test_an_overlay_is_written_to_where_the_caller_may(self):
        check = self.upper()
        self.race_overlay([f"lowerdir={self.top}/s", f"upperdir={self.path}/up", f"workdir={self.path}/work"], check)

    # -- what alice may do with every directory that she can reach: root's she cannot

    def close_roots(self):
        os.chmod(f"/proc/self/fd/{self.roots}", 0o700)

    def test_open_mount_takes_an_image_that_the_caller_may_read(self):
        self.race(lambda: self.alice.call("Mounts", "OpenMount", f"{self.path}/i", "squashfs", [], {}), self.check_opened)

    def check_spawned(self, file, **options):
        def check(result):
            self.assertIn(result, (None, (0, "alice")))

        self.close_roots()
        self.race(lambda: spawn(self.alice, "/bin/cat", file, **options), check)

    def test_spawn_has_a_root_that_the_caller_can_reach(self):
        for name in ("d", "other"):
            os.mkdir(f"{self.top}/{name}/x/usr")
            for link in ("bin", "lib", "lib64"):
                os.symlink(f"usr/{link}", f"{self.top}/{name}/x/{link}")
        self.check_spawned("/f", types=("user", "mnt"), root=self.path, mounts=[("/usr", "/usr", "rbind", ["ro"])])

    def test_spawn_binds_what_the_caller_can_reach(self):
        self.check_spawned("/mnt/f", types=("user", "mnt"), mounts=[(self.path, "/mnt", "rbind", ["ro"])])

    def test_spawn_mounts_an_image_that_the_caller_may_read(self):
        self.check_spawned("/mnt/f", types=("user", "mnt"), mounts=[(f"{self.path}/i", "/mnt", "squashfs", [])])

    def test_a_namespace_is_made_of_what_the_caller_can_reach(self):
        number = 0

        def make():
            nonlocal number
            number += 1
            return self.alice.call("Namespaces", "Create", f"n{number}", ["user", "mnt"],
                                   {"mounts": support.Variant("a(sssas)", [(self.path, "/mnt", "rbind", [])])})

        def check(path):
            if path:
                self.check_text(f"/proc/{self.alice.get('Namespace', 'Leader', path)}/root/mnt")
                self.alice.call("Namespace", "Destroy", {}, path=path)

        self.close_roots()
        self.race(make, check)

    def test_spawn_begins_in_a_directory_that_the_caller_can_reach(self):
        for types in ((), ("user", "mnt")):
            with self.subTest(types=types):
                self.check_spawned("f", types=types, workdir=self.path)

    def check_watch(self, backend):
        number = 0

        def check(watch):
            nonlocal number
            if not watch:
                return
            number += 1
            with watch:
                for directory, whose in ((self.roots, "roots"), (self.mine, "alices")):
                    os.mkdir(f"x/{whose}{number}", dir_fd=directory)
                    os.rmdir(f"x/{whose}{number}", dir_fd=directory)
                told = watch.until(lambda record: record.path == f"alices{number}", "what is alice's is told")
                self.assertEqual({record.path for record in told}, {f"alices{number}"})

        self.close_roots()
        self.race(lambda: Watch(self.alice, self.path, ["create"], backend=backend), check)

    def test_watch_tells_of_what_the_caller_can_reach(self):
        self.check_watch("fanotify")

    def test_watch_by_inotify_tells_of_what_the_caller_can_reach(self):
        self.check_watch("inotify")

    def test_pivot_root_takes_what_the_caller_can_reach(self):
        """Among mounts of alice's own; on each "x" there is one that could be the root."""
        for name in ("d", "other"):
            os.mkdir(f"{self.top}/{name}/x/old")
        self.close_roots()
        with support.Place("alice", *MAPPED) as place, place.pidfd() as pidfd:
            for name in ("d", "other"):
                self.assertEqual(place.run("mount", "--bind", *[f"{self.top}/{name}/x"] * 2).returncode, 0)
            mine = os.open(place.path(f"{self.top}/d"), os.O_PATH)
            self.addCleanup(os.close, mine)
            root = identity(place.path("/"))

            def check(result):
                self.assertEqual(identity(place.path("/")), self.my_x if result else root)
                if result:
                    self.assertEqual(os.waitpid(start(inside, place, mine, put_back), 0)[1], 0)

            self.race(lambda: self.alice.call("Mounts", "PivotRoot", self.path, f"{self.path}/old", {"in": pidfd}), check,
                      lambda: self.covered_inside(place))

    def test_a_name_is_the_network_that_was_judged(self):
        """In mounts of alice's own, the name of hers is covered by that of the machine's, again and again."""
        if not support.mount_at("/run/netns"):  # where ip(8) mounts it onto itself
            self.addCleanup(subprocess.run, ["umount", "--lazy", "/run/netns"], check=True)
        subprocess.run(["ip", "netns", "add", "races"], check=True)
        self.addCleanup(subprocess.run, ["ip", "netns", "del", "races"], check=True)
        subprocess.run(["ip", "-n", "races", "link", "add", "roots0", "type", "bridge"], check=True)
        with support.Place("alice", *MAPPED, "--net") as place:
            subprocess.run(["nsenter", f"--target={place.pid}", "--net", "ip", "link", "add", "alices0", "type", "bridge"], check=True)
            for command in (("touch", f"{self.top}/other/n"), ("mount", "--bind", "/run/netns/races", f"{self.top}/other/n"),
                            ("mount", "-t", "tmpfs", "names", "/run/netns"), ("touch", "/run/netns/n"),
                            ("mount", "--bind", f"/proc/{place.pid}/ns/net", "/run/netns/n")):
                self.assertEqual(place.run(*command).returncode, 0, command)
            caller = self.client("alice")
            caller.run(enter, place.pid)

            def check(answer):
                if answer:
                    self.assertEqual({row["ifname"] for row in answer[0]} & {"alices0", "roots0"}, {"alices0"})

            for _ in range(3):
                top = os.open(place.path("/"), os.O_PATH)
                pid = start(inside, place, top, cover, f"{self.top}/other/n"[1:], "run/netns/n")
                os.close(top)
                try:
                    for _ in range(ROUNDS // 3):
                        check(self.once(lambda: caller.call("Netlink", "Query", "link", ["ifname"], {"in": "n"})))
                finally:
                    stop(pid)
        if ROUNDS >= 60:
            self.assertTrue(self.allowed and self.refusals, f"{self.allowed} allowed, {self.refusals} refused")
