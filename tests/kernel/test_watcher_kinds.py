# SPDX-License-Identifier: LGPL-2.1-or-later
"""usher-watcher where it does not mark a file system as a whole: one by one, mounts, and where it asks first."""

import errno
import os
import shutil
import struct
import subprocess
import tempfile
import threading
import time
import unittest

import ring
import tracing
from ring import CLONE_NEWNS, checked, libc
from alone import EVENT, LOST, RESCAN, Watcher

PLAIN = ["create", "delete", "modify", "attrib", "move", "close-write", "delete-self", "move-self", "unmount"]
NOBODY = 65534
BLOCK = os.path.join(os.path.dirname(os.path.realpath(__file__)), "block")


class Kind(unittest.TestCase):
    KIND = ""

    def setUp(self):
        self.place = tempfile.mkdtemp(dir=ring.WORK)
        os.chmod(self.place, 0o755)
        self.addCleanup(shutil.rmtree, self.place, ignore_errors=True)

    def start(self, superblock=None, **keywords):
        watcher = Watcher(f"{ring.BUILD}/usher-watcher", self.KIND, superblock, **keywords)
        self.addCleanup(watcher.close)
        return watcher

    def open(self, path=""):
        fd = os.open(os.path.join(self.place, path) if path else self.place, os.O_RDONLY)
        self.addCleanup(os.close, fd)
        return fd

    def make(self, path, text=None):
        whole = os.path.join(self.place, path)
        if text is None:
            os.makedirs(whole, exist_ok=True)
        else:
            with open(whole, "w", encoding="utf-8") as file:
                file.write(text)
        return whole

    def at(self, path):
        return os.path.join(self.place, path)

    def events(self, records):
        self.assertEqual([r for r in records if r.kind != EVENT], [])
        return [(*r.names, r.path, *([r.old_path] if r.old_path else [])) for r in records]


class OneByOne(Kind):
    KIND = "inotify"

    def watch(self, events=tuple(PLAIN), scope="recursive", **keys):
        watcher = self.start()
        self.assertEqual(watcher.add(1, self.open(), list(events), scope, **keys), (0, ""))
        return watcher

    def test_what_happens_below_is_told_with_its_path(self):
        self.make("a/b")
        watcher = self.watch()
        self.make("a/b/new", "text")
        os.rename(self.at("a/b/new"), self.at("a/moved"))
        os.unlink(self.at("a/moved"))
        self.assertEqual(self.events(watcher.records(1)),
                         [("create", "a/b/new"), ("modify", "a/b/new"), ("close-write", "a/b/new"),
                          ("move", "a/moved", "a/b/new"), ("delete", "a/moved")])

    def test_directories_that_come_are_watched(self):
        watcher = self.watch(["create"])
        for i in range(300):
            self.make(f"{i}/b/c")
            self.make(f"{i}/b/c/file", "")
        records = watcher.records(1)
        told = {r.path for r in records if r.kind == EVENT}
        again = {r.path for r in records if r.kind == RESCAN}
        for i in range(300):
            for path in (f"{i}", f"{i}/b", f"{i}/b/c", f"{i}/b/c/file"):
                self.assertTrue(path in told or os.path.dirname(path) in again, path)

    def test_a_directory_that_is_moved_takes_what_is_in_it_along(self):
        self.make("a/deep/er")
        self.make("b")
        watcher = self.watch()
        os.rename(self.at("a/deep"), self.at("b/other"))
        self.make("b/other/er/doubtful", "")
        records = watcher.records(1)
        self.assertIn((EVENT, "b/other", "a/deep"), [(r.kind, r.path, r.old_path) for r in records])
        self.assertTrue({(RESCAN, "b/other/er"), (EVENT, "b/other/er/doubtful")} & {(r.kind, r.path) for r in records})
        self.make("b/other/er/file", "")
        self.assertIn(("create", "b/other/er/file"), self.events(watcher.records(1)))

    def test_what_is_moved_away_is_deleted_and_told_no_more(self):
        outside = tempfile.mkdtemp(dir=ring.WORK)
        self.addCleanup(shutil.rmtree, outside)
        self.make("a/b")
        watcher = self.watch(["create", "delete", "modify", "close-write", "attrib"])
        os.rename(self.at("a"), f"{outside}/a")
        self.assertEqual(self.events(watcher.records(1)), [("delete", "a")])
        with open(f"{outside}/a/b/secret", "w", encoding="utf-8"):
            pass
        self.assertEqual(watcher.records(1), [])

    def test_two_directories_that_change_places_are_listed_anew(self):
        self.make("a/one")
        self.make("b/two")
        watcher = self.watch()
        checked(libc.renameat2(-100, self.at("a").encode(), -100, self.at("b").encode(), 2), "renameat2")
        self.assertIn(LOST, [r.kind for r in watcher.records(1)])
        self.make("a/two/file", "")
        self.assertIn(("create", "a/two/file"), self.events(watcher.records(1)))

    def test_the_root_s_end_is_the_watch_s(self):
        self.make("root")
        watcher = self.start()
        self.assertEqual(watcher.add(1, self.open("root"), PLAIN), (0, ""))
        os.rmdir(self.at("root"))
        self.assertEqual(self.events(watcher.records(1, 1.5)), [("delete-self", "")])
        self.assertIn("gone", watcher.wait_for("ended", number=1)["text"])

    def test_a_file_is_watched_by_itself(self):
        self.make("file", "")
        watcher = self.start()
        self.assertEqual(watcher.add(1, self.open("file"), PLAIN, "inode"), (0, ""))
        self.make("file", "text")
        self.assertIn(("modify", ""), self.events(watcher.records(1)))

    def test_inode_is_the_directory_and_children_what_is_in_it(self):
        self.make("a")
        watcher = self.start()
        self.assertEqual(watcher.add(1, self.open(), PLAIN, "inode"), (0, ""))
        self.assertEqual(watcher.add(2, self.open(), PLAIN, "children"), (0, ""))
        self.make("file", "")
        self.make("a/file", "")
        os.chmod(self.place, 0o711)
        self.assertEqual(self.events(watcher.records(1)), [("attrib", "")])
        self.assertEqual(self.events(watcher.records(2))[0], ("create", "file"))
        os.chmod(self.place, 0o755)

    def test_what_is_read_is_told_of_a_directory(self):
        self.make("file", "")
        watcher = self.watch(["open", "access", "close-nowrite"], "children")
        with open(self.at("file"), encoding="utf-8"):
            pass
        self.assertEqual(self.events(watcher.records(1)), [("open", "file"), ("close-nowrite", "file")])

    def test_what_is_excluded_is_not_even_watched(self):
        self.make("node_modules/a/b")
        watcher = self.watch(exclude=["node_modules"])
        with open(f"/proc/{watcher.process.pid}/fdinfo/{self.queue(watcher)}", encoding="utf-8") as file:
            self.assertEqual(sum(line.startswith("inotify") for line in file), 1)
        self.make("node_modules/a/file", "")
        self.assertEqual(watcher.records(1), [])

    @staticmethod
    def queue(watcher):
        directory = f"/proc/{watcher.process.pid}/fd"
        return next(fd for fd in os.listdir(directory) if "inotify" in os.readlink(f"{directory}/{fd}"))

    def test_there_is_a_limit_and_it_is_named(self):
        for i in range(8200):
            os.mkdir(self.at(str(i)))
        watcher = self.start()
        code, text = watcher.add(1, self.open(), PLAIN)
        self.assertEqual(code, 6)  # REFUSED_LIMIT
        self.assertIn("8192", text)

    def test_a_watch_that_grows_past_the_limit_says_so_and_ends(self):
        for i in range(8190):
            os.mkdir(self.at(str(i)))
        watcher = self.watch(["create"])
        self.make("one/two/three")
        self.assertIn("8192", watcher.wait_for("ended", number=1)["text"])

    def test_what_the_kernel_lost_is_said_to_be_lost(self):
        watcher = self.watch()
        with open("/proc/sys/fs/inotify/max_queued_events", encoding="utf-8") as file:
            most = int(file.read())
        os.kill(watcher.process.pid, 19)
        for i in range(most // 3 + 100):
            self.make("file", str(i))
            os.unlink(self.at("file"))
        os.mkdir(self.at("unheard"))
        os.kill(watcher.process.pid, 18)
        self.assertIn(LOST, [r.kind for r in watcher.records(1)])
        self.make("unheard/file", "")
        self.assertIn(("create", "unheard/file"), self.events(watcher.records(1)))

    def test_since_tells_the_directories(self):
        self.make("a/b")
        self.make("c")
        watcher = self.watch()
        self.make("c/file", "")
        clock = watcher.records(1)[-1].clock
        self.make("a/b/file", "")
        watcher.records(1)
        watcher.send({"since": {"number": 1, "serial": 7, "clock": clock}})
        changed = watcher.wait_for("changed", serial=7)
        self.assertEqual((changed["directories"], changed["complete"]), (["a/b"], 1))
        watcher.send({"since": {"number": 1, "serial": 8, "clock": clock - 10**9}})
        self.assertEqual(watcher.wait_for("changed", serial=8)["complete"], 0)

    def test_events_can_be_changed(self):
        self.make("a")
        watcher = self.watch(["delete"])
        self.make("a/file", "")
        self.assertEqual(watcher.records(1), [])
        watcher.send({"set_events": {"number": 1, "events": ["modify"]}})
        self.assertEqual(watcher.wait_for("done", number=1)["code"], 0)
        self.make("a/file", "more")
        self.assertEqual({e[0] for e in self.events(watcher.records(1))}, {"modify"})

    def test_what_inotify_cannot_tell_is_refused(self):
        code, text = self.start().add(1, self.open(), ["open-exec"], "children")
        self.assertEqual(code, 7)  # REFUSED_UNSUPPORTED
        self.assertIn("events", text)

    def test_another_file_system_below_is_not_gone_into(self):
        self.make("mount")
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", self.at("mount")], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.at("mount")], check=True)
        watcher = self.watch()
        self.make("mount/file", "")
        self.assertEqual(watcher.records(1), [])


@unittest.skipUnless(ring.RING == "root", "becoming another user takes root")
class OneByOneForAnother(Kind):
    """The watcher of an ordinary user: what it tells is what that user could see now."""

    KIND = "inotify"

    def watch(self, *arguments, **keys):
        watcher = self.start()
        self.assertEqual(watcher.add(1, self.open(), PLAIN, *arguments, uid=NOBODY, gid=NOBODY, groups=[], **keys),
                         (0, ""))
        return watcher

    def test_the_process_is_the_user_and_nothing_more(self):
        watcher = self.watch()
        with open(f"/proc/{watcher.process.pid}/status", encoding="utf-8") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.assertEqual(status["Uid"].split(), [str(NOBODY)] * 4)
        self.assertEqual(status["Gid"].split(), [str(NOBODY)] * 4)
        self.assertEqual(status["Groups"].strip(), "")
        self.assertEqual([int(status[f"Cap{set_}"], 16) for set_ in ("Prm", "Eff", "Inh")], [0, 0, 0])

    def test_it_watches_for_nobody_else(self):
        watcher = self.watch()
        self.assertNotEqual(watcher.add(2, self.open(), PLAIN, uid=NOBODY - 1, gid=NOBODY, groups=[])[0], 0)
        self.assertNotEqual(watcher.add(2, self.open(), PLAIN, uid=NOBODY, gid=NOBODY, groups=[4])[0], 0)

    def test_a_directory_that_is_closed_to_it_is_not_told_of(self):
        os.chmod(self.make("private"), 0o700)
        watcher = self.watch()
        for i in range(100):
            self.make(f"private/secret-{i}", "")
        self.assertEqual(watcher.records(1), [])

    def test_nothing_is_told_after_it_was_closed(self):
        self.make("dir/sub")
        watcher = self.watch()
        os.chmod(self.at("dir"), 0o700)
        self.make("dir/secret", "")
        self.make("dir/sub/secret", "")
        told = [r.path for r in watcher.records(1)]
        self.assertEqual([path for path in told if "secret" in path], [])
        os.chmod(self.at("dir"), 0o755)
        watcher.records(1)
        self.make("dir/open", "")
        self.make("dir/sub/open", "")
        told = [r.path for r in watcher.records(1)]
        self.assertIn("dir/open", told)
        self.assertIn("dir/sub/open", told)

    def test_a_secret_of_a_moment_when_it_was_closed_is_none_later(self):
        """The queue is read when the directory is open again; and read in pieces, at any place."""
        self.make("dir/sub")
        watcher = self.watch()
        for i in range(200):
            os.kill(watcher.process.pid, 19)
            os.chmod(self.at("dir"), 0o700)
            for where in ("dir", "dir/sub"):
                self.make(f"{where}/secret-{i}", "")
                os.unlink(self.at(f"{where}/secret-{i}"))
            os.chmod(self.at("dir"), 0o755)
            os.kill(watcher.process.pid, 18)
            if i % 10 == 0:
                time.sleep(0.01)
        records = watcher.records(1)
        self.assertEqual([r for r in records if "secret" in r.path], [])
        self.assertTrue({"dir", "dir/sub"} <= {r.path for r in records if r.kind == RESCAN})

    def test_of_a_move_the_hidden_end_is_not_told(self):
        os.chmod(self.make("private"), 0o700)
        self.make("public")
        self.make("private/private-name", "")
        watcher = self.watch()
        os.rename(self.at("private/private-name"), self.at("public/name"))
        os.rename(self.at("public/name"), self.at("private/other"))
        self.assertEqual(self.events(watcher.records(1)), [("create", "public/name"), ("delete", "public/name")])

    def test_a_directory_that_comes_into_sight_is_watched(self):
        self.make("private/sub")
        os.chmod(self.at("private"), 0o700)
        watcher = self.watch()
        os.chmod(self.at("private"), 0o755)
        self.assertIn((RESCAN, "private"), [(r.kind, r.path) for r in watcher.records(1)])
        self.make("private/sub/file", "")
        self.assertIn(("create", "private/sub/file"), self.events(watcher.records(1)))

    def test_an_access_list_counts(self):
        self.make("dir")
        watcher = self.watch()
        entries = ((1, 7, 0xffffffff), (2, 0, NOBODY), (4, 7, 0xffffffff), (16, 7, 0xffffffff), (32, 7, 0xffffffff))
        os.setxattr(self.at("dir"), "system.posix_acl_access",
                    struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries))
        self.make("dir/secret", "")
        self.assertNotIn("dir/secret", [r.path for r in watcher.records(1)])




class Mounts(Kind):
    KIND = "mounts"

    def setUp(self):
        super().setUp()
        self.namespace = os.open("/proc/self/ns/mnt", os.O_RDONLY)
        self.addCleanup(os.close, self.namespace)

    def watch(self, path=""):
        watcher = self.start(self.namespace)
        code, text = watcher.add(1, self.open(path), ["mount-attach", "mount-detach"], "mounts")
        if code == 7 and "kernel" in text:
            self.skipTest(text)
        self.assertEqual((code, text), (0, ""))
        return watcher

    def mount(self, path):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", self.at(path)], check=True)

    def unmount(self, path):
        subprocess.run(["umount", "-l", self.at(path)], check=True)

    def test_a_kernel_that_does_not_tell_of_mounts_is_said_not_to(self):
        if os.uname().machine != "x86_64":
            self.skipTest("the system calls of another machine")
        program = self.make("lacking", f"#!/bin/sh\nexec {BLOCK} fanotify_init,0=0x4003:EINVAL -- {ring.BUILD}/usher-watcher\n")
        os.chmod(program, 0o755)
        watcher = Watcher(program, "mounts", self.namespace)
        self.addCleanup(watcher.close)
        code, text = watcher.add(1, self.open(), ["mount-attach"], "mounts")
        self.assertEqual(code, 7)
        self.assertIn("does not tell of mounts", text)

    def test_what_is_mounted_and_unmounted_below_is_told(self):
        self.make("a/b")
        watcher = self.watch()
        self.mount("a/b")
        self.assertEqual(self.events(watcher.records(1)), [("mount-attach", "a/b")])
        self.unmount("a/b")
        self.assertEqual(self.events(watcher.records(1)), [("mount-detach", "a/b")])

    def test_what_is_elsewhere_is_not(self):
        self.make("a/b")
        self.make("a-twin")
        watcher = self.watch("a")
        self.mount("a-twin")
        self.addCleanup(self.unmount, "a-twin")
        self.assertEqual(watcher.records(1), [])

    def test_a_mount_over_the_watched_directory_is_told(self):
        self.make("a")
        watcher = self.watch("a")
        self.mount("a")
        self.assertEqual(self.events(watcher.records(1)), [("mount-attach", "")])
        self.unmount("a")
        self.assertEqual(self.events(watcher.records(1)), [("mount-detach", "")])

    def test_a_move_is_both(self):
        self.make("a")
        self.make("b")
        self.mount("a")
        watcher = self.watch()
        checked(libc.mount(self.at("a").encode(), self.at("b").encode(), None, 8192, None), "mount")  # MS_MOVE
        self.addCleanup(self.unmount, "b")
        self.assertEqual(self.events(watcher.records(1)), [("mount-detach", "a"), ("mount-attach", "b")])

    def test_a_tree_that_goes_goes_one_by_one(self):
        self.make("a")
        self.mount("a")
        self.make("a/b")
        self.mount("a/b")
        watcher = self.watch()
        self.unmount("a")
        self.assertEqual(sorted(self.events(watcher.records(1))), [("mount-detach", "a"), ("mount-detach", "a/b")])

    def test_one_that_came_and_went_unseen_is_lost(self):
        self.make("a")
        watcher = self.watch()
        os.kill(watcher.process.pid, 19)
        self.mount("a")
        self.unmount("a")
        os.kill(watcher.process.pid, 18)
        self.assertEqual([r.kind for r in watcher.records(1)], [LOST])

    def test_it_is_about_the_namespace_that_it_was_given(self):
        self.make("a")
        ready, go = os.pipe(), os.pipe()
        child = os.fork()
        if child == 0:
            checked(libc.unshare(CLONE_NEWNS), "unshare")
            os.write(ready[1], b"x")
            os.read(go[0], 1)
            os._exit(0)
        self.addCleanup(os.waitpid, child, 0)
        self.addCleanup(os.write, go[1], b"x")
        os.read(ready[0], 1)
        namespace = os.open(f"/proc/{child}/ns/mnt", os.O_RDONLY)
        self.addCleanup(os.close, namespace)
        root = os.open(f"/proc/{child}/root{self.place}", os.O_RDONLY)
        self.addCleanup(os.close, root)
        watcher = self.start(namespace)
        code, text = watcher.add(1, root, ["mount-attach", "mount-detach"], "mounts")
        if code == 7 and "kernel" in text:
            self.skipTest(text)
        self.assertEqual((code, text), (0, ""))
        self.assertNotEqual(watcher.add(2, self.open(), ["mount-attach"], "mounts")[0], 0)
        self.mount("a")
        self.addCleanup(self.unmount, "a")
        self.assertEqual(watcher.records(1), [])
        subprocess.run(["nsenter", f"--mount=/proc/{child}/ns/mnt", "mount", "-t", "tmpfs", "tmpfs", self.at("a")],
                       check=True)
        self.assertEqual(self.events(watcher.records(1)), [("mount-attach", "a")])


@unittest.skipUnless(ring.RING == "root", "to be asked takes root of the machine")
class Decisions(Kind):
    """Of a tmpfs of the test's own; nobody else is ever kept waiting."""

    KIND = "decisions"
    EVENTS = ("open-perm",)

    def setUp(self):
        super().setUp()
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", self.place], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.place], check=True)
        self.make("watched/sub")
        self.make("watched/file", "text")
        self.make("other", "text")
        self.asked = []

    def watch(self, events=EVENTS, scope="recursive", path="watched", superblock=None, **keys):
        whole = self.open() if superblock is None else superblock
        watcher = self.start(whole)
        keys.setdefault("decide_timeout_usec", 3000000)
        self.assertEqual(watcher.add(1, self.open(path), list(events), scope, decide=True, report_pid=True, **keys),
                         (0, ""))
        return watcher

    def attempt(self, path, mode="r"):
        """Opening something, in a process of its own; what becomes of it."""
        code = ("import sys\ntry:\n    with open(sys.argv[1], sys.argv[2]) as file:\n        "
                "file.read() if sys.argv[2] == 'r' else file.write('x')\n"
                "except OSError as error:\n    sys.exit(error.errno)")
        process = subprocess.Popen(["/usr/bin/python3", "-c", code, self.at(path), mode])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def question(self, watcher):
        """The next one that is asked."""
        while not self.asked:
            self.asked = watcher.some(1)
        return self.asked.pop(0)

    @staticmethod
    def decide(watcher, clock, allow):
        watcher.send({"decide": {"number": 1, "clock": clock, "allow": allow}})
        return watcher.wait_for("done", number=1)["code"]

    def test_nothing_is_opened_before_it_is_allowed(self):
        watcher = self.watch()
        process = self.attempt("watched/file")
        question = self.question(watcher)
        self.assertEqual((question.names, question.path, question.pid), (["open-perm"], "file", process.pid))
        time.sleep(0.1)
        self.assertIsNone(process.poll())
        self.assertEqual(self.decide(watcher, question.clock, True), 0)
        self.assertEqual(process.wait(3), 0)
        self.assertEqual(self.decide(watcher, question.clock, True), 3)  # REFUSED_NOT_FOUND

    def test_a_no_is_a_no(self):
        watcher = self.watch()
        process = self.attempt("watched/file")
        self.assertEqual(self.decide(watcher, self.question(watcher).clock, False), 0)
        self.assertEqual(process.wait(3), errno.EPERM)

    def test_what_lies_elsewhere_is_not_asked_about(self):
        watcher = self.watch()
        self.assertEqual(self.attempt("other").wait(3), 0)
        self.assertEqual(watcher.records(1, 0.1), [])

    def test_what_is_excluded_is_not_asked_about(self):
        self.watch(exclude=["file"])
        self.assertEqual(self.attempt("watched/file").wait(2), 0)

    def test_children_are_asked_about_and_what_is_below_is_not(self):
        self.make("watched/sub/file", "")
        watcher = self.watch(scope="children")
        self.assertEqual(self.attempt("watched/sub/file").wait(2), 0)
        process = self.attempt("watched/file")
        self.assertEqual(self.decide(watcher, self.question(watcher).clock, False), 0)
        self.assertEqual(process.wait(3), errno.EPERM)

    def test_who_does_not_answer_in_time_has_allowed_it(self):
        watcher = self.watch(decide_timeout_usec=200000)
        begun = time.monotonic()
        process = self.attempt("watched/file")
        question = self.question(watcher)
        self.assertEqual(process.wait(3), 0)
        self.assertGreater(time.monotonic() - begun, 0.2)
        self.assertEqual(self.decide(watcher, question.clock, False), 3)

    def test_everything_that_waits_is_allowed_when_the_watch_goes(self):
        for what in ("remove", "broker", "killed", "reader"):
            with self.subTest(what):
                watcher = self.watch()
                process = self.attempt("watched/file")
                self.question(watcher)
                if what == "remove":
                    watcher.send({"remove": 1})
                elif what == "broker":
                    watcher.socket.shutdown(2)
                elif what == "killed":
                    watcher.process.kill()
                else:
                    watcher.streams[1].close()
                self.assertEqual(process.wait(1), 0)
                watcher.close()

    def test_reading_is_asked_about(self):
        watcher = self.watch(["access-perm"], scope="children")
        process = self.attempt("watched/file")
        question = self.question(watcher)
        self.assertEqual(question.names, ["access-perm"])
        self.assertEqual(self.decide(watcher, question.clock, False), 0)
        self.assertEqual(process.wait(3), errno.EPERM)

    def test_execution_is_asked_about(self):
        program = self.make("watched/program", "")
        shutil.copy("/bin/true", program)
        os.chmod(program, 0o755)
        watcher = self.watch(["exec-perm"])
        results = []
        thread = threading.Thread(target=lambda: results.append(subprocess.run(["sh", "-c", program]).returncode))
        thread.start()
        question = self.question(watcher)
        self.assertEqual((question.names, question.path), (["exec-perm"], "program"))
        self.assertEqual(self.decide(watcher, question.clock, False), 0)
        thread.join(3)
        self.assertNotEqual(results, [0])

    def word(self, watcher, allow):
        """What the kernel is answered: the word of struct fanotify_response."""
        process = self.attempt("watched/file")
        clock = self.question(watcher).clock
        answer = tracing.written(watcher.process.pid, 8, lambda: watcher.send({"decide": {"number": 1, "clock": clock, "allow": allow}}))
        self.assertEqual(watcher.wait_for("done", number=1)["code"], 0)
        self.assertEqual(process.wait(3), 0 if allow else errno.EPERM)
        return struct.unpack("=iI", answer)[1]

    @unittest.skipUnless(os.uname().machine == "x86_64", "the registers of another machine")
    def test_the_kernel_notes_what_is_refused_and_what_is_allowed_if_that_is_asked_for(self):
        allow, deny, audit = 1, 2, 16  # FAN_ALLOW, FAN_DENY, FAN_AUDIT
        watcher = self.watch()
        self.assertEqual([self.word(watcher, yes) for yes in (True, False)], [allow, deny | audit])
        watcher.close()
        watcher = self.watch(audit=True)
        self.assertEqual([self.word(watcher, yes) for yes in (True, False)], [allow | audit, deny | audit])

    @unittest.skipUnless(os.uname().machine == "x86_64", "the system calls of another machine")
    def test_a_kernel_that_notes_nothing_is_said_not_to(self):
        program = self.make("lacking", f"#!/bin/sh\nexec {BLOCK} fanotify_init,0=0x47:EINVAL -- {ring.BUILD}/usher-watcher\n")
        os.chmod(program, 0o755)
        watcher = Watcher(program, self.KIND, self.open())
        self.addCleanup(watcher.close)
        words = {"decide": True, "report_pid": True, "decide_timeout_usec": 3000000}
        code, text = watcher.add(1, self.open("watched"), ["open-perm"], audit=True, **words)
        self.assertEqual((code, text), (7, "audit: the kernel does not note what is decided"))
        self.assertEqual(self.attempt("watched/file").wait(2), 0, "it is not asked about, either")
        self.assertEqual(watcher.add(1, self.open("watched"), ["open-perm"], **words), (0, ""))
        self.assertEqual(self.word(watcher, False), 2)

    def test_questions_are_answered_in_any_order(self):
        watcher = self.watch()
        processes = [self.attempt("watched/file") for _ in range(4)]
        clocks = [self.question(watcher).clock for _ in processes]
        for clock in reversed(clocks):
            self.assertEqual(self.decide(watcher, clock, True), 0)
        self.assertEqual([process.wait(3) for process in processes], [0] * 4)

    def test_more_than_can_be_asked_about_is_allowed_and_said_to_be_lost(self):
        watcher = self.watch(decide_timeout_usec=2000000)
        code = ("import sys, threading\nthreads = [threading.Thread(target=open, args=(sys.argv[1],)) "
                "for _ in range(300)]\nfor thread in threads:\n    thread.start()")
        process = subprocess.Popen(["/usr/bin/python3", "-W", "ignore", "-c", code, self.at("watched/file")])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        records = watcher.records(1, 1)
        self.assertEqual(sum(r.kind == EVENT for r in records), 256)
        self.assertIn(LOST, [r.kind for r in records])
        self.assertEqual(process.wait(5), 0)

    def test_without_a_stream_the_broker_is_told_at_once(self):
        whole = self.open()
        watcher = self.start(whole)
        self.assertEqual(watcher.add(1, self.open("watched"), ["open-perm"], decide=True, stream=False,
                                     decide_timeout_usec=3000000), (0, ""))
        process = self.attempt("watched/file")
        told = watcher.wait_for("events", number=1)["events"]
        self.assertEqual([(one["event"], one["path"]) for one in told], [("open-perm", "file")])
        self.assertEqual(self.decide(watcher, told[0]["clock"], False), 0)
        self.assertEqual(process.wait(3), errno.EPERM)
