# SPDX-License-Identifier: LGPL-2.1-or-later
"""Overlays that are watched by the layer that they write to: who is told what, and which layer that is."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile

import support
import watching
from support import Place, wait_until
from watching import EVENT, RESCAN, Watch, acl, names, shapes, touch, write

MARKER = ".marker"
MANY = 10000  # more than inotify would be asked for


class Overlays(support.MountTestCase):
    def setUp(self):
        super().setUp()
        self.bob = pwd.getpwnam("bob").pw_uid
        self.home = tempfile.mkdtemp(prefix="overlaid-", dir="/home")
        self.addCleanup(shutil.rmtree, self.home)
        shutil.chown(self.home, "alice", "alice")
        os.chmod(self.home, 0o755)
        self.merged = None
        self.addCleanup(wait_until, lambda: not watching.watchers(), "the last watch takes its watcher with it")

    def overlay(self, lower="", options="", at=None):
        """One of root's, with what a command makes in its lower layer."""
        at = at or self.home
        self.merged = f"{at}/merged"
        for name in ("lower", "upper", "work", "merged"):
            os.mkdir(f"{at}/{name}", 0o755)
        subprocess.run(["bash", "-ec", lower], check=True, cwd=f"{at}/lower")
        support.mount("overlay", self.merged, "overlay", 0, f"lowerdir={at}/lower,upperdir={at}/upper,workdir={at}/work{options}")
        self.addCleanup(support.umount, self.merged, 2)
        return self.merged

    def watch(self, root=None, events=("create", "delete", "move"), by="fanotify", **options):
        watch = Watch(self.alice, self.merged if root is None else root, events, **{"scope": "recursive", **options})
        self.addCleanup(watch.close)
        self.assertEqual(watch.get("Backend"), by)
        return watch

    def all(self, watch):
        """What has come up to now.  What the overlay notes on a directory has its names in doubt for once."""
        found = []
        while True:
            touch(f"{self.merged}/{MARKER}")
            told = watch.quiet()
            os.unlink(f"{self.merged}/{MARKER}")
            watch.quiet()
            found += [record for record in told if record.path != MARKER]
            if MARKER in names(told):
                return found

    def told(self, watch, *commands):
        for command in commands:
            command()
        return self.all(watch)

    def assert_nothing_of(self, word, records):
        self.assertEqual([record for record in records if word in record.path or word in record.old_path], [])

    def test_nobody_is_told_what_he_could_not_see(self):
        """T1, T2, T4 and T5: in a private directory, below one, out of one, after it has become private, by a list."""
        for number, options in enumerate(("", ",redirect_dir=on")):
            with self.subTest(options):
                self.overlay("mkdir -p private/old/deep public open; touch private/old/file public/file open/file; chown -R bob private; chmod 700 private",
                             options, self.directory(f"at{number}", "root", 0o755))
                watch = self.watch(events=["create", "delete", "move", "modify", "attrib"])
                told = self.told(watch, lambda: touch(f"{self.merged}/private/secret", f"{self.merged}/private/old/secret"),
                                 lambda: write(f"{self.merged}/private/old/file"), lambda: os.mkdir(f"{self.merged}/private/old/deep/secret"),
                                 lambda: shutil.rmtree(f"{self.merged}/private/old"))
                self.assert_nothing_of("secret", told)
                self.assert_nothing_of("old", told)
                touch(f"{self.merged}/public/a")
                self.all(watch)
                told = self.told(watch, lambda: os.rename(f"{self.merged}/private/secret", f"{self.merged}/public/b"))
                self.assertEqual([shape for shape in shapes(told) if shape.startswith(("create", "move", "delete"))], ["create public/b"])
                os.chmod(f"{self.merged}/open", 0o700)
                self.assert_nothing_of("open/", self.told(watch, lambda: touch(f"{self.merged}/open/secret"), lambda: os.unlink(f"{self.merged}/open/file")))
                os.chown(f"{self.merged}/public", self.bob, self.bob)
                os.setxattr(f"{self.merged}/public", "system.posix_acl_access", acl(7, 7, 7, users={self.uid: 0}))
                self.assert_nothing_of("public/", self.told(watch, lambda: touch(f"{self.merged}/public/secret")))

    def test_whatever_is_changed_is_told_by_its_name_or_its_directory(self):
        self.overlay("mkdir -p d/e; touch d/f d/g d/h d/e/i")
        watch = self.watch(events=["create", "delete", "move", "modify", "attrib"])
        for path, change in (("d/f", lambda path: write(path)), ("d/g", os.unlink), ("d/h", lambda path: os.rename(path, f"{path}2")),
                             ("d/e/i", lambda path: os.chmod(path, 0o600)), ("d/new", touch), ("d/g", touch), ("d/e", shutil.rmtree)):
            with self.subTest(path):
                told = self.told(watch, lambda change=change, path=path: change(f"{self.merged}/{path}"))
                self.assertTrue([record for record in told if (record.kind == EVENT and path in (record.path, record.old_path)) or
                                 (record.kind == RESCAN and record.path in (os.path.dirname(path), os.path.dirname(os.path.dirname(path))))], told)
        told = self.told(watch, lambda: os.mkdir(f"{self.merged}/n"), lambda: os.rename(f"{self.merged}/n", f"{self.merged}/m"),
                         lambda: os.rmdir(f"{self.merged}/m"))
        self.assertEqual([shape for shape in shapes(told) if not shape.startswith("attrib")], ["create n", "move n m", "delete m"])

    def test_more_directories_than_could_be_watched_one_by_one(self):
        self.overlay(f"for i in $(seq {MANY // 100}); do mkdir -p $i/{{1..100}}; done")
        watch = self.watch()
        for number in (1, MANY // 200, MANY // 100):
            os.mkdir(f"{self.merged}/{number}/7/new")
        told = self.all(watch)
        for number in (1, MANY // 200, MANY // 100):
            self.assertTrue([record for record in told if record.path in (f"{number}/7/new", f"{number}/7")], (number, told))
        with self.assertRaises(support.DBusError):
            self.watch(backend="inotify")

    def test_the_whole_file_system_and_one_directory(self):
        self.overlay("mkdir -p d/e")
        os.mkdir(f"{self.merged}/d/new")
        whole, one = self.watch(f"{self.merged}/d/new", scope="filesystem"), self.watch(f"{self.merged}/d", scope="children", backend="fanotify")
        touch(f"{self.merged}/file", f"{self.merged}/d/g")
        told = self.all(whole)
        self.assertIn("create file", shapes(told))
        self.assertIn("create d/g", shapes(told))
        self.assertIn("create g", shapes(one.quiet()))

    def test_what_is_in_no_upper_layer_yet_is_watched_one_by_one(self):
        self.overlay("mkdir -p d/e")
        watch = self.watch(f"{self.merged}/d", by="inotify")
        touch(f"{self.merged}/d/e/f")
        self.assertIn("f", names(watch.quiet()))
        self.watch(f"{self.merged}/d", ["open"], "inotify", scope="children")

    def test_one_that_nothing_is_written_to_is_watched_one_by_one(self):
        self.overlay()
        self.merged = self.directory("read")
        support.mount("overlay", self.merged, "overlay", 0, f"lowerdir={self.home}/upper:{self.home}/lower")
        self.addCleanup(support.umount, self.merged, 2)
        self.watch(by="inotify")
        with self.assertRaises(support.DBusError):
            self.watch(scope="filesystem")

    def test_the_layer_is_the_one_that_it_is_whatever_has_its_name_now(self):
        self.overlay()
        os.rename(f"{self.home}/upper", f"{self.home}/moved")
        os.mkdir(f"{self.home}/upper", 0o755)
        watch = self.watch()
        touch(f"{self.home}/upper/decoy")
        self.assertEqual(shapes(self.told(watch, lambda: touch(f"{self.merged}/real"))), ["create real"])

    def test_the_word_of_another_namespace_leads_nowhere(self):
        """Of a user's own overlay the word upperdir leads to somebody else's directory."""
        decoy = tempfile.mkdtemp(dir="/home")
        self.addCleanup(shutil.rmtree, decoy)
        os.chmod(decoy, 0o755)
        os.mkdir(f"{decoy}/upper")
        with Place("alice", "--user", "--map-root-user", "--mount") as place:
            def inside(command):
                done = subprocess.run(["nsenter", f"--target={place.pid}", "--user", "--mount", "--", "bash", "-ec", f"cd {decoy}; {command}"],
                                      check=False, stderr=subprocess.PIPE)
                self.assertEqual((done.returncode, done.stderr), (0, b""))

            inside(f"""mount -t tmpfs none {decoy}; cd {decoy}; mkdir lower upper work merged
                mount -t overlay -o lowerdir={decoy}/lower,upperdir={decoy}/upper,workdir={decoy}/work none merged""")
            root = os.open(place.path(f"{decoy}/merged"), os.O_RDONLY)
            try:
                with contextlib.closing(Watch(self.alice, root, ["create"], scope="recursive")) as watch:
                    touch(f"{decoy}/upper/decoy")
                    inside("touch merged/real")
                    watch.until(lambda record: record.path == "real", "the overlay's own is told")
                    self.assert_nothing_of("decoy", watch.told)
            finally:
                os.close(root)

    def test_an_overlay_of_ones_own_through_the_service(self):
        for name in ("lower", "upper", "work", "m", "lower/d"):
            self.directory(name)
        self.merged = f"{self.home}/m"
        self.mount("", self.merged, "overlay", [f"lowerdir={self.home}/lower", f"upperdir={self.home}/upper", f"workdir={self.home}/work"])
        watch = self.watch(events=["create", "delete", "move"])
        for command in ("touch f g", "mv f h; rm g", "touch d/x", "touch d/y"):
            support.run_as("alice", "bash", "-c", command, cwd=self.merged)
            told = watch.quiet()
            self.assertTrue(told, command)
        self.assertEqual(shapes(told), ["create d/y"])
        os.rename(f"{self.home}/upper", f"{self.home}/moved")
        self.directory("upper")
        self.watch(by="inotify")

    def test_on_other_file_systems(self):
        for fstype, backend in (("ext4", "fanotify"), ("xfs", "fanotify"), ("btrfs", "inotify"), ("tmpfs", "fanotify")):
            with self.subTest(fstype):
                target = self.directory(fstype, "root", 0o755)
                if fstype == "tmpfs":
                    support.mount("none", target, "tmpfs", 0, "mode=755")
                elif not support.kernel_has(fstype):
                    self.skipTest(f"this kernel has no {fstype}")
                else:
                    support.make_image(fstype, image := f"/run/overlaid-{fstype}.img")
                    self.addCleanup(os.unlink, image)
                    subprocess.run(["mount", "-o", "loop", image, target], check=True)
                self.addCleanup(support.umount, target, 2)
                os.chmod(target, 0o755)
                self.overlay("mkdir d", at=target)
                watch = self.watch(by=backend)
                touch(f"{self.merged}/d/x")
                told = self.all(watch)
                self.assertTrue([record for record in told if record.path in ("d", "d/x")], told)
                watch.close()

    def test_it_outlives_its_watcher_and_the_service(self):
        self.overlay("mkdir d")
        watch = self.watch()
        pid, = watching.watchers()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: watching.watchers() not in ([], [pid]), "another watcher is started")
        touch(f"{self.merged}/one")
        watch.until(lambda record: record.path == "one", "the watch goes on")
        os.kill(support.main_pid("usherd.service"), signal.SIGKILL)
        touch(f"{self.merged}/two")
        watch.until(lambda record: record.path == "two", "a stream needs no service")
        wait_until(lambda: support.main_pid("usherd.service"), "systemd starts the service again")

    def test_what_has_changed_since(self):
        self.overlay("mkdir -p d/e")
        watch = self.watch()
        clock = watch.get("Clock")
        touch(f"{self.merged}/d/e/f")
        self.all(watch)
        directories, _, complete = self.alice.call("Watch", "Since", clock, {}, path=watch.object, signature="ta{sv}")
        self.assertTrue(complete)
        self.assertIn("d/e", directories)

    def test_it_ends_when_the_overlay_is_unmounted_lazily(self):
        target = self.directory("layers", "root", 0o755)
        support.mount("none", target, "tmpfs", 0, "mode=755")
        self.addCleanup(support.umount, target, 2)
        self.overlay(at=target)
        watch = self.watch(events=["unmount"])
        support.umount(self.merged, 2)
        support.mount("none", self.merged, "tmpfs")  # what the cleanup unmounts
        told = watch.until(lambda record: watch.ended, "the watch ends")
        self.assertEqual([record.events for record in told], [{"unmount"}])
        support.umount(self.merged)
        wait_until(lambda: subprocess.run(["umount", target], check=False, stderr=subprocess.DEVNULL).returncode == 0, "nothing of it is in use")
        support.mount("none", target, "tmpfs")
        os.mkdir(self.merged)
        support.mount("none", self.merged, "tmpfs")
