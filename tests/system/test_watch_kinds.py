# SPDX-License-Identifier: LGPL-2.1-or-later
"""Watches that are no mark on a whole file system: one by one as the caller, of mounts, and those that are asked."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import support
from support import Variant, wait_until
from watching import EVENT, Watch, names, watchers

# What is asked about, and who is: python that fails with the errno.
ATTEMPTS = {
    "open-perm": "open(sys.argv[1]).close()",
    "access-perm": "os.read(os.open(sys.argv[1], os.O_RDONLY), 10)",
    "exec-perm": "os.execv(sys.argv[1], [sys.argv[1]])",
}
# What else is asked about with access-perm where the kernel can wait for contents.
CONTENTS = {
    "reading": ATTEMPTS["access-perm"],
    "writing": "os.write(os.open(sys.argv[1], os.O_WRONLY), b'x')",
    "mapping": "mmap.mmap(os.open(sys.argv[1], os.O_RDONLY), 0, access=mmap.ACCESS_READ)",
}
ATTEMPT = "import mmap, os, sys\ntry:\n    {}\nexcept OSError as error:\n    sys.exit(error.errno)"


class WatchKinds(support.MountTestCase):
    session = False

    def setUp(self):
        super().setUp()
        self.home = tempfile.mkdtemp(prefix="kinds-", dir="/home")
        self.addCleanup(shutil.rmtree, self.home)
        shutil.chown(self.home, "alice", "alice")
        os.chmod(self.home, 0o755)
        self.addCleanup(wait_until, lambda: not watchers(), "the last watch takes its watcher with it")

    def watch(self, root, events=(), client=None, **options):
        watch = Watch(client or self.alice, root, events, **options)
        self.addCleanup(watch.close)
        return watch


class Mounts(WatchKinds):
    def test_what_is_mounted_below_is_told_and_what_is_elsewhere_is_not(self):
        os.mkdir(f"{self.home}/here")
        elsewhere = tempfile.mkdtemp(dir="/home")
        self.addCleanup(os.rmdir, elsewhere)
        watch = self.watch(self.home, scope="mounts")
        for target in (elsewhere, f"{self.home}/here"):
            support.mount("none", target, "tmpfs", 0, "")
            support.umount(target)
        told = [(sorted(record.events), record.path) for record in watch.quiet(1) if record.kind == EVENT]
        self.assertEqual([path for _, path in told], ["here"] * len(told))

    def test_each_comes_by_itself_in_its_order(self):
        os.mkdir(f"{self.home}/here")
        watch = self.watch(self.home, scope="mounts")
        support.mount("none", f"{self.home}/here", "tmpfs", 0, "")
        self.assertEqual([(r.events, r.path) for r in watch.quiet(1)], [({"mount-attach"}, "here")])
        support.umount(f"{self.home}/here")
        self.assertEqual([(r.events, r.path) for r in watch.quiet(1)], [({"mount-detach"}, "here")])


class OneByOne(WatchKinds):
    def test_inotify_where_it_is_asked_for(self):
        os.makedirs(f"{self.home}/a/b")
        watch = self.watch(self.home, ["create"], scope="recursive", backend="inotify")
        self.assertEqual(watch.get("Backend"), "inotify")
        support.write_file(f"{self.home}/a/b/file")
        self.assertEqual([r.path for r in watch.quiet(1)], ["a/b/file"])

    def test_who_reads_what_is_told_of_a_directory(self):
        support.write_file(f"{self.home}/file")
        watch = self.watch(self.home, ["open"], scope="children")
        support.read_file(f"{self.home}/file")
        self.assertIn("file", names(watch.quiet(1)))

    def test_a_file_system_in_user_space_is_watched_with_all_below(self):
        if not shutil.which("fuse2fs"):
            self.skipTest("fuse2fs is not installed")
        image = support.make_image("ext4", "/run/kinds.img")
        self.addCleanup(os.unlink, image)
        target = f"{self.home}/fuse"
        os.mkdir(target)
        subprocess.run(["fuse2fs", "-o", "allow_other,default_permissions", image, target], check=True)
        # the connection goes with its watch, and the last child with what it had open, soon after the answer
        self.addCleanup(support.wait_until, lambda: subprocess.run(["umount", target], check=False).returncode == 0,
                        "nobody holds it any more")
        os.chmod(target, 0o755)
        os.makedirs(f"{target}/open/below")
        os.mkdir(f"{target}/private", 0o700)
        watch = self.watch(target, ["create", "move"], scope="recursive")
        for directory in ("open/below", "private"):
            support.write_file(f"{target}/{directory}/of-{os.path.basename(directory)}")
        os.rename(f"{target}/open/below/of-below", f"{target}/open/moved")
        told = watch.quiet(1)
        self.assertEqual([(sorted(r.events), r.path, r.old_path) for r in told],
                         [(["create"], "open/below/of-below", ""), (["move"], "open/moved", "open/below/of-below")])
        with self.refused("NotSupported", "filesystem"):
            self.watch(target, scope="filesystem")

    def test_a_watch_of_it_outlives_the_killing_of_its_process_and_says_so(self):
        os.mkdir(f"{self.home}/a")
        watch = self.watch(self.home, ["create"], scope="recursive", backend="inotify")
        for pid in watchers():
            os.kill(int(pid), signal.SIGKILL)
        watch.until(lambda record: record.kind != EVENT, "what may be lost is said to be")
        support.write_file(f"{self.home}/a/file")
        self.assertIn("file", names(watch.quiet(1)))


class Questions(WatchKinds):
    """Of a file system of its own, so that nobody else waits."""

    def prepare(self):
        os.mkdir(f"{self.home}/watched")
        support.write_file(f"{self.home}/watched/file", "text")
        shutil.copy("/bin/true", f"{self.home}/watched/program")

    def ask(self, client=None, events=("open-perm",), **options):
        return self.watch(f"{self.home}/watched", events, client or self.client("root"), scope="recursive", decide=True,
                          **{"decide_timeout_usec": 10000000, **options})

    def attempt(self, what=ATTEMPTS["open-perm"], name="file"):
        process = subprocess.Popen([sys.executable, "-S", "-c", ATTEMPT.format(what), f"{self.home}/watched/{name}"])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    @staticmethod
    def question(watch):
        return watch.until(lambda record: record.kind == EVENT, "a question is asked")[-1]

    # the same by signals

    def subscribe(self, client, *events, **options):
        client.subscribe()
        options = {"scope": "recursive", "decide": True, "decide_timeout_usec": Variant("t", 20000000), **options}
        return client.call("Watches", "Subscribe", f"{self.home}/watched", list(events), options, signature="sasa{sv}")

    def answers(self, client, path, event, what, name="file"):
        """What comes of a yes and of a no."""
        outcomes = []
        for allow in (True, False):
            process = self.attempt(what, name)
            (clock, _, asked, about, _, _), = client.signal("Events", path)[3][0]
            self.assertEqual((asked, about), (event, name))
            self.assertIsNone(process.poll())
            client.call("Watch", "Decide", clock, allow, {}, path=path, signature="tba{sv}")
            outcomes.append(process.wait(5))
        return outcomes


class Decisions(Questions):
    def setUp(self):
        super().setUp()
        support.mount("none", self.home, "tmpfs", 0, "mode=755")
        self.addCleanup(support.umount, self.home, 2)
        self.prepare()

    def test_each_kind_of_question_has_its_yes_and_its_no(self):
        client = self.client("root")
        for event, what in ATTEMPTS.items():
            with self.subTest(event):
                path = self.subscribe(client, event, audit=True)
                self.assertEqual(self.answers(client, path, event, what, "program" if event == "exec-perm" else "file"), [0, errno.EPERM])
                client.call("Watch", "Close", {}, path=path, signature="a{sv}")

    def test_who_is_an_administrator_to_polkit_decides(self):
        with self.refused("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", "org.usher1.watch"):
            self.subscribe(self.alice, "open-perm")
        with support.polkit_answer("yes", "org.usher1.watch", "alice"):
            path = self.subscribe(self.alice, "open-perm")
        self.assertEqual(self.answers(self.alice, path, "open-perm", ATTEMPTS["open-perm"]), [0, errno.EPERM])
        with self.refused("NotOwner"):
            self.client("bob").call("Watch", "Decide", 1, False, {}, path=path, signature="tba{sv}")
        self.alice.call("Watch", "Close", {}, path=path, signature="a{sv}")

    def test_all_that_wait_go_on_when_their_client_dies(self):
        client = self.client("root")
        path = self.subscribe(client, "open-perm", "exec-perm")
        processes = [self.attempt() for _ in range(3)] + [self.attempt(ATTEMPTS["exec-perm"], "program")]
        asked = [client.signal("Events", path)[3][0] for _ in processes]
        self.assertEqual(sorted(event[2:4] for events in asked for event in events),
                         [("exec-perm", "program")] + [("open-perm", "file")] * 3)
        self.assertEqual([process.poll() for process in processes], [None] * 4)
        client.kill()
        self.assertEqual([process.wait(5) for process in processes], [0] * 4)
        wait_until(lambda: path not in support.root().objects("Watch"), "the watch goes with its client")

    def test_what_asks_nobody_is_refused(self):
        with self.refused("NotSupported", "decide"):
            self.watch("/proc", ["open-perm"], self.client("root"), scope="recursive", decide=True)
        with self.refused("InvalidArgument", "audit"):
            self.watch(f"{self.home}/watched", ["create"], self.client("root"), audit=True)

    def test_a_yes_and_a_no(self):
        client = self.client("root")
        watch = self.ask(client)
        for allow, outcome in ((True, 0), (False, errno.EPERM)):
            process = self.attempt()
            question = self.question(watch)
            self.assertEqual((question.events, question.path), ({"open-perm"}, "file"))
            self.assertIsNone(process.poll())
            client.call("Watch", "Decide", question.clock, allow, {}, path=watch.object, signature="tba{sv}")
            self.assertEqual(process.wait(5), outcome)
            with self.refused("NotFound", "clock"):
                client.call("Watch", "Decide", question.clock, allow, {}, path=watch.object, signature="tba{sv}")

    def test_the_service_itself_is_never_asked(self):
        self.ask()
        status = subprocess.run(["setpriv", "--reuid=usher", "--clear-groups", "cat", f"{self.home}/watched/file"],
                                stdout=subprocess.DEVNULL, timeout=5, check=False)
        self.assertEqual(status.returncode, 0)

    def test_who_is_not_answered_in_time_goes_on(self):
        watch = self.ask(decide_timeout_usec=300000)
        begun = time.monotonic()
        process = self.attempt()
        self.question(watch)
        self.assertEqual(process.wait(5), 0)
        self.assertGreater(time.monotonic() - begun, 0.3)

    def test_nobody_waits_for_a_client_that_died(self):
        client = self.client("root")
        watch = self.ask(client)
        process = self.attempt()
        self.question(watch)
        client.close()
        self.assertEqual(process.wait(5), 0)

    def test_nobody_waits_for_who_has_closed_the_stream(self):
        watch = self.ask()
        process = self.attempt()
        self.question(watch)
        watch.socket.close()
        self.assertEqual(process.wait(5), 0)

    def test_nobody_waits_for_a_watcher_or_a_service_that_was_killed(self):
        for what in ("watcher", "service"):
            with self.subTest(what):
                watch = self.ask(decide_timeout_usec=2000000)
                process = self.attempt()
                self.question(watch)
                pids = watchers() if what == "watcher" else [support.main_pid("usherd.service")]
                for pid in pids:
                    os.kill(int(pid), signal.SIGKILL)
                self.assertEqual(process.wait(10), 0)
                watch.close()


class Contents(Questions):
    """Where the kernel can wait for contents, access-perm comes before they are read, written or mapped."""

    def image(self, fstype):
        if not support.kernel_has(fstype):
            subprocess.run(["modprobe", fstype], check=False, stderr=subprocess.DEVNULL)
        if not support.kernel_has(fstype):
            self.skipTest(f"this kernel has no {fstype}")
        image = f"/run/asked-{fstype}.img"
        support.make_image(fstype, image)
        self.addCleanup(os.unlink, image)
        subprocess.run(["mount", "-o", "loop", image, self.home], check=True)
        self.addCleanup(wait_until, lambda: subprocess.run(["umount", self.home], check=False, stderr=subprocess.DEVNULL).returncode == 0,
                        "what is no longer watched can be unmounted")
        self.prepare()

    def all_is_asked_about(self, fstype):
        self.image(fstype)
        client = self.client("root")
        path = self.subscribe(client, "access-perm")
        for kind, what in CONTENTS.items():
            with self.subTest(kind):
                self.assertEqual(self.answers(client, path, "access-perm", what), [0, errno.EPERM])
        process = self.attempt(CONTENTS["writing"])
        client.signal("Events", path)
        client.kill()
        self.assertEqual(process.wait(5), 0)

    def test_on_ext4(self):
        self.all_is_asked_about("ext4")

    def test_on_xfs(self):
        self.all_is_asked_about("xfs")

    def test_on_btrfs(self):
        self.all_is_asked_about("btrfs")
