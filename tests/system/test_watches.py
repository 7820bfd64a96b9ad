# SPDX-License-Identifier: LGPL-2.1-or-later
"""Watches: whoever watches is told everything that could be seen, and nothing else.

The rule: an event on a name in a directory reaches whoever could now walk from what is watched to that directory, and list it.
T1 to T31 are the ways in which it could be broken, of which docs/privacy.md tells."""

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time
import unittest

import support
import watching
from support import Place, Variant, wait_until
from watching import LOST, RESCAN, Both, Subscription, Watch, acl, churn, names, shapes, stopped, touch, write

RECURSIVE = {"scope": "recursive"}
# What make soak has more of: 8 readers and 10 million events, floods of a minute, a million directories.
EVENTS = int(os.environ.get("WATCH_EVENTS", "30000"))
READERS = int(os.environ.get("WATCH_READERS", "2"))
SECONDS = float(os.environ.get("WATCH_SECONDS", "2"))
DIRECTORIES = int(os.environ.get("WATCH_DIRECTORIES", "20000"))
ASKED = f"{support.BUS}InteractiveAuthorizationRequired"  # an administrator would be
QUEUE = 16384  # fs.fanotify.max_queued_events


class Watching(support.MountTestCase):
    session = False

    def setUp(self):
        super().setUp()
        self.bob = pwd.getpwnam("bob").pw_uid
        # Where bob can go, too.
        self.home = tempfile.mkdtemp(prefix="watched-", dir="/home")
        self.addCleanup(shutil.rmtree, self.home)
        shutil.chown(self.home, "alice", "alice")
        os.chmod(self.home, 0o755)
        self.addCleanup(self.no_watcher_is_left)

    @staticmethod
    def no_watcher_is_left():
        wait_until(lambda: not watching.watchers(), "the last watch takes its watcher with it")

    def begin(self, door, root=None, events=(), client=None, **options):
        watch = door(client or self.alice, self.home if root is None else root, events, **{**RECURSIVE, **options})
        self.addCleanup(watch.close)
        return watch

    def watch(self, *arguments, **options):
        return self.begin(Watch, *arguments, **options)

    def both(self, *arguments, **options):
        """A stream and a subscription, which tell the same."""
        return self.begin(Both, *arguments, **options)

    def bobs(self, name, mode=0o700):
        return self.directory(name, "bob", mode) if not os.path.isdir(f"{self.home}/{name}") else f"{self.home}/{name}"

    def fast(self):
        """A directory of alice's in which much can happen in a short time."""
        path = self.directory("fast")
        support.mount("none", path, "tmpfs", 0, f"mode=755,uid={self.uid},nr_inodes={200000 + DIRECTORIES}")
        self.addCleanup(support.umount, path, 2)
        return path

    def unmount_at_the_end(self, target):
        # The last of a watch's descriptors may be closed a moment later than Close is answered.
        self.addCleanup(wait_until, lambda: subprocess.run(["umount", target], check=False, stderr=subprocess.DEVNULL).returncode == 0,
                        "what is no longer watched can be unmounted")

    def assert_nothing_of(self, word, records):
        self.assertEqual([name for name in names(records) if word in name], [])


class Telling(Watching):
    def test_everything_below_the_root_is_told_with_its_path(self):
        watch = self.watch()
        os.makedirs(f"{self.home}/a/b")
        write(f"{self.home}/a/b/f")
        os.rename(f"{self.home}/a/b/f", f"{self.home}/a/g")
        os.unlink(f"{self.home}/a/g")
        found = watch.all()
        self.assertEqual([record.path for record in found if "create" in record.events][:2], ["a", "a/b"])
        self.assertTrue([record for record in found if record.path == "a/b/f" and "close-write" in record.events])
        self.assertTrue([record for record in found if record.events == {"move"} and (record.old_path, record.path) == ("a/b/f", "a/g")])
        self.assertTrue([record for record in found if record.path == "a/g" and "delete" in record.events])

    def test_the_watch_says_what_it_is(self):
        watch = self.watch(events=["create", "move"])
        self.assertEqual(watch.get("Path"), self.home)
        self.assertEqual(watch.get("Scope"), "recursive")
        self.assertEqual(watch.get("Backend"), "fanotify")
        self.assertEqual(sorted(watch.get("Events")), ["create", "move"])
        self.assertEqual(watch.get("Owner"), self.uid)

    def test_only_events_that_were_asked_for_are_told(self):
        watch = self.watch(events=["delete"])
        touch(f"{self.home}/a")
        os.unlink(f"{self.home}/a")
        os.mkdir(f"{self.home}/d")
        with contextlib.suppress(AssertionError):
            watch.all()
        self.assertEqual({event for record in watch.told for event in record.events}, {"delete"})

    def test_events_can_be_changed(self):
        watch = self.watch(events=["create"])
        self.alice.call("Watch", "SetEvents", ["create", "delete"], {}, path=watch.object, signature="asa{sv}")
        touch(f"{self.home}/a")
        os.unlink(f"{self.home}/a")
        self.assertIn("a", names(record for record in watch.all() if "delete" in record.events))
        self.assertEqual(sorted(watch.get("Events")), ["create", "delete"])

    def test_clocks_rise_and_times_are_of_now(self):
        begun = time.time()
        watch = self.watch()
        churn(self.home, 50, "f")
        watch.all()
        clocks = [record.clock for record in watch.told]
        self.assertEqual(clocks, sorted(set(clocks)))
        for record in watch.told:
            self.assertTrue(begun - 1 <= record.usec / 1e6 <= time.time() + 1, record.usec)

    def test_names_are_bytes(self):
        watch = self.watch()
        name = os.fsdecode(b"\xff\n\x1b[1m")
        touch(f"{self.home}/{name}")
        self.assertIn(name, names(watch.all()))

    def test_children_are_told_and_what_is_below_them_is_not(self):
        os.mkdir(f"{self.home}/d")
        watch = self.watch(scope="children")
        touch(f"{self.home}/d/below", f"{self.home}/child")
        told = watch.all()
        self.assertIn("child", names(told))
        self.assertNotIn("below", names(told))

    def test_a_file_is_watched(self):
        path = self.file("f")
        watch = self.watch(path, ["modify", "close-write", "attrib"], scope="inode")
        write(path)
        found = watch.until(lambda record: "close-write" in record.events, "the file that was written is told")
        self.assertEqual({record.path for record in found}, {""})

    def test_the_whole_file_system_is_told_from_its_root(self):
        watch = self.watch(scope="filesystem")
        touch(f"{self.home}/f")
        watch.until(lambda record: record.path == f"{self.home}/f".removeprefix("/home/"), "what is anywhere in the file system is told")

    def test_what_is_excluded_is_not_told(self):
        os.mkdir(f"{self.home}/build")
        watch = self.watch(exclude=["*.o", "build"])
        touch(f"{self.home}/a.o", f"{self.home}/a.c", f"{self.home}/build/x")
        told = names(watch.all())
        self.assertIn("a.c", told)
        self.assertNotIn("a.o", told)
        self.assertNotIn("x", told)

    def test_a_watch_ends_with_its_connection(self):
        client = self.client("alice")
        watch = self.watch(client=client)
        client.close()
        wait_until(lambda: watch.read(0.05) is not None and watch.ended, "the stream ends with the connection")
        wait_until(lambda: watch.object not in support.root().objects("Watch"), "the object goes with the connection")

    def test_a_reader_that_goes_takes_the_watch_with_it(self):
        watch = self.watch()
        watch.socket.close()
        for number in range(100):
            touch(f"{self.home}/{number}")
        wait_until(lambda: watch.object not in support.root().objects("Watch"), "a watch that nobody reads ends")

    def test_a_root_that_goes_takes_the_watch_with_it(self):
        path = self.directory("gone")
        watch = self.watch(path)
        os.rmdir(path)
        wait_until(lambda: watch.read(0.05) is not None and watch.ended, "the stream of a directory that is gone ends")

    def test_many_watches_share_one_watcher(self):
        for _ in range(4):
            self.watch()
        self.assertEqual(len(watching.watchers()), 1)

    def test_a_watch_is_nobody_elses(self):
        watch = self.watch()
        bob = self.client("bob")
        for method, signature, arguments in (("Close", "a{sv}", ({},)), ("SetEvents", "asa{sv}", (["create"], {})),
                                             ("Since", "ta{sv}", (1, {}))):
            with self.subTest(method), self.refused("NotOwner"):
                bob.call("Watch", method, *arguments, path=watch.object, signature=signature)

    def test_what_cannot_be_read_cannot_be_watched(self):
        path = self.bobs("private")
        os.mkdir(f"{path}/below")
        os.chmod(f"{path}/below", 0o777)
        for target in (path, f"{path}/below"):
            with self.subTest(target), self.refused("NotPermitted"):
                self.watch(target)

    def test_words_that_cannot_be_are_refused(self):
        for arguments in ({"events": ["blossom"]}, {"scope": "everything"}, {"backend": "telepathy"}, {"exclude": ["a"] * 65},
                          {"queue": 1}, {"settle_usec": 3600 * 10 ** 6}):
            with self.subTest(str(arguments)[:60]), self.refused("InvalidArgument", *list(arguments)[:1]):
                self.watch(**arguments)


class Reach(Watching):
    """What is watched, by which backend, from where, and by whom."""

    def told_by_both(self, what, where=None, **options):
        watch = self.both(**options)
        what()
        return watch, names(watch.all(where=where))

    def test_the_scopes_inode_and_children_share_the_mark(self):
        os.mkdir(f"{self.home}/d")
        for scope, seen in (("inode", set()), ("children", {"child"})):
            with self.subTest(scope):
                watch = self.both(scope=scope, events=["create", "attrib"])
                self.assertEqual([door.get("Backend") for door in watch.doors], ["fanotify"] * 2)
                self.assertEqual(len(watching.watchers()), 1)
                touch(f"{self.home}/child", f"{self.home}/d/below")
                os.chmod(self.home, 0o751)
                os.chmod(self.home, 0o755)
                self.assertLessEqual(seen, names(watch.quiet()))
                self.assertNotIn("below", names(watch.told))
                self.assertIn("", [record.path for record in watch.told if "attrib" in record.events])
                os.unlink(f"{self.home}/child")
                watch.close()

    def test_what_one_reads_is_told_one_by_one_and_inotify_is_named(self):
        path = self.file("f", "text")
        for scope, where, name in (("inode", path, ""), ("children", self.home, "f")):
            with self.subTest(scope):
                watch = self.both(where, ["access", "open", "close-nowrite"], scope=scope)
                self.assertEqual([door.get("Backend") for door in watch.doors], ["inotify"] * 2)
                support.read_file(path)
                told = {event for record in watch.quiet() if record.path == name for event in record.events}
                self.assertEqual(told, {"access", "open", "close-nowrite"})
                watch.close()
        with self.refused("NotSupported", "events", "inotify"):
            self.watch(events=["open-exec"], scope="children")

    def test_a_root_that_is_moved_says_so_and_goes_on(self):
        path = self.directory("root")
        watch = self.both(path, ["move-self", "create"])
        os.rename(path, f"{self.home}/moved")
        touch(f"{self.home}/moved/f")
        self.assertEqual([("move-self" in record.events, record.path) for record in watch.quiet()], 2 * [(True, ""), (False, "f")])

    def test_an_administrator_is_told_everything_who_asks_for_all(self):
        private = self.bobs("private")
        with support.polkit_answer("yes", "org.usher1.watch"):
            every = self.both(events=["create", "open", "open-exec", "access"], all=True)
        plain = self.both(events=["create"])
        self.assertEqual([door.get("Backend") for door in every.doors], ["fanotify"] * 2)
        shutil.copy("/bin/true", f"{private}/secret")
        subprocess.run([f"{private}/secret"], check=True)
        mark = every.mark()
        told = {(event, record.path) for record in every.catch_up(mark) for event in record.events}
        self.assertLessEqual({(event, "private/secret") for event in ("create", "open", "open-exec", "access")}, told)
        self.assert_nothing_of("secret", plain.all() + plain.told)

    def test_root_needs_to_ask_nobody(self):
        private = self.bobs("private")
        watch = self.both(client=self.client("root"))
        touch(f"{private}/f")
        self.assertIn("private/f", [record.path for record in watch.all()])

    def test_a_place_has_what_is_mounted_in_it(self):
        mounted = self.directory("mounted")
        with Place("root", "--mount", "--propagation=private") as place:
            done = place.run("mount", "-t", "tmpfs", "-o", f"mode=755,uid={self.uid}", "none", mounted)
            self.assertEqual(done.returncode, 0, done.stderr)
            with support.polkit_answer("yes", "org.usher1.watch"):
                watch = self.both(mounted, **{"in": place.pidfd()})
            self.assertEqual([door.get("Backend") for door in watch.doors], ["fanotify"] * 2)
            touch(f"{mounted}/not-there")
            touch(place.path(f"{mounted}/there"))
            self.assertEqual(names(watch.all(where=place.path(mounted))), {"there"})
            self.assertEqual(names(watch.told), {"there"})
            watch.close()

    def test_a_namespace_object_is_a_place(self):
        namespace = self.alice.call("Namespaces", "Create", "watched", ["user", "mnt"], {})
        self.addCleanup(self.alice.call, "Namespace", "Destroy", {}, path=namespace)
        os.mkdir(f"{self.home}/private", 0o700)
        watch = self.both(**{"in": Variant("o", namespace)})
        self.assertEqual({door.get("Backend") for door in watch.doors}, {"fanotify"})
        touch(f"{self.home}/f", f"{self.home}/private/secret")
        self.assertEqual(names(watch.all()), {"f"})
        watch.close()

    def test_the_whole_file_system_of_a_bind_mount_is_what_is_bound(self):
        for path in ("tree/inside/deep", "tree/inside/private", "bound"):
            os.makedirs(f"{self.home}/{path}")
        os.chmod(f"{self.home}/tree/inside/private", 0o700)
        support.mount(f"{self.home}/tree/inside", f"{self.home}/bound", "none", 4096)
        self.addCleanup(support.umount, f"{self.home}/bound", 2)
        watch = self.both(f"{self.home}/bound/deep", scope="filesystem")
        self.assertEqual(watch.get("Path"), f"{self.home}/bound")
        touch(f"{self.home}/tree/secret", f"{self.home}/secret", f"{self.home}/tree/inside/private/secret", f"{self.home}/tree/inside/told")
        self.assertIn("told", names(watch.all(where=f"{self.home}/bound")))
        self.assert_nothing_of("secret", watch.told)

    def test_the_whole_file_system_tells_nothing_of_what_is_private(self):
        private = self.bobs("private")
        watch = self.both(scope="filesystem")
        support.as_user("bob", churn, private, 20)
        os.chmod(private, 0o755)
        os.chmod(private, 0o700)
        support.as_user("bob", churn, private, 20)
        self.assert_nothing_of("secret", watch.all())
        self.assert_nothing_of("secret", watch.told)

    def test_another_file_system_below_is_told_by_a_watch_of_its_own(self):
        below = self.fast()
        outer, inner = self.both(), self.both(below)
        touch(f"{below}/f")
        self.assertEqual(names(inner.all()), {"f"})
        touch(f"{self.home}/g")
        self.assertEqual(names(outer.all()), {"g"})
        self.assertEqual(len(watching.watchers()), 2)


class Signals(Watching):
    """The same over the bus."""

    def subscribe(self, client=None, root=None, events=(), **options):
        client = client or self.alice
        client.subscribe()
        options = {key: Variant(watching.TYPES[key], value) if key in watching.TYPES else value for key, value in
                   {**RECURSIVE, **options}.items()}
        path = client.call("Watches", "Subscribe", root or self.home, list(events), options, signature="sasa{sv}")

        def close():
            with contextlib.suppress(support.DBusError, EOFError, OSError):
                client.call("Watch", "Close", {}, path=path, signature="a{sv}")

        self.addCleanup(close)
        return path

    def heard(self, path, client=None, quiet=0.6):
        found = []
        for origin, _, member, arguments in (client or self.alice).signals(quiet):
            if origin == path and member == "Events":
                found += arguments[0]
        return found

    def test_events_are_told_by_signals(self):
        path = self.subscribe()
        write(f"{self.home}/f\n")
        os.rename(f"{self.home}/f\n", f"{self.home}/g")
        heard = self.heard(path)
        self.assertIn(("create", "f\\x0a"), [event[2:4] for event in heard])
        self.assertIn(("move", "g", "f\\x0a"), [event[2:5] for event in heard])

    def test_signals_are_for_the_caller_alone(self):
        bob = self.client("bob")
        bob.subscribe()
        path = self.subscribe()
        touch(f"{self.home}/secret")
        self.assertTrue(self.heard(path))
        self.assertEqual([signal for signal in bob.signals(0.5) if signal[2] in ("Events", "Lost")], [])

    def test_there_are_at_most_ten_a_second_of_a_thousand(self):
        path = self.subscribe(settle_usec=0)
        begun = time.monotonic()
        while time.monotonic() < begun + 1:
            churn(self.home, 20, "f")
        took = time.monotonic() - begun
        signals = [signal for signal in self.alice.signals(0.6) if signal[0] == path and signal[2] == "Events"]
        self.assertTrue(signals)
        self.assertLessEqual(len(signals), 10 * (took + 2))
        self.assertLessEqual(max(len(signal[3][0]) for signal in signals), 1000)

    def test_what_settles_is_told_once(self):
        path = self.subscribe(events=["modify", "close-write", "create"], settle_usec=400000)
        for _ in range(20):
            write(f"{self.home}/f")
            time.sleep(0.01)
        heard = [event[2:4] for event in self.heard(path, quiet=1)]
        self.assertEqual(len(heard), len(set(heard)), heard)

    def test_nothing_of_a_private_directory_is_signalled(self):
        private = self.bobs("private")
        path = self.subscribe()
        support.as_user("bob", churn, private, 200)
        self.assertEqual([event for event in self.heard(path) if "secret" in event[3] + event[4]], [])


class Privacy(Watching):
    """T1 to T31, through both doors: what a stream tells is what signals do.  docs/privacy.md says what they are."""

    longest = 180 + EVENTS // 5000 + 3 * int(SECONDS) + DIRECTORIES // 5000
    watch = Watching.both

    def test_t01_a_private_directory_below_the_root_tells_nothing(self):
        private = self.bobs("private")
        watch = self.watch()
        support.as_user("bob", churn, private, 1000)
        watch.quiet()
        self.assertEqual(watch.bytes, 0, watch.told)

    def test_t01_what_cannot_be_listed_or_cannot_be_entered_tells_nothing(self):
        for mode in (0o711, 0o744, 0o700):
            with self.subTest(oct(mode)):
                private = self.bobs(f"d{mode}", mode)
                os.chmod(private, mode)
                watch = self.watch()
                support.as_user("bob", churn, private, 20)
                self.assert_nothing_of("secret", watch.all())

    def test_t01_a_readable_directory_below_a_private_one_tells_nothing(self):
        private = self.bobs("private")
        os.mkdir(f"{private}/open", 0o777)
        os.chmod(f"{private}/open", 0o777)
        watch = self.watch()
        churn(f"{private}/open", 20)
        self.assertEqual(watch.all(), [])

    def test_t01_a_private_directory_above_the_root_is_no_matter(self):
        outer = self.bobs("outer", 0o700)
        os.mkdir(f"{outer}/inner")
        os.chmod(f"{outer}/inner", 0o755)
        fd = os.open(f"{outer}/inner", os.O_RDONLY | os.O_DIRECTORY)
        self.addCleanup(os.close, fd)
        # Whoever has been given the descriptor could list it, too.
        watch = self.watch(fd)
        touch(f"{outer}/inner/f")
        self.assertIn("f", names(watch.all(where=f"{outer}/inner")))

    def closing(self, close, reopen):
        path = self.bobs("d", 0o755)
        watch = self.watch()
        touch(f"{path}/before")
        self.assertIn("before", names(watch.all()))
        close(path)
        churn(path, 20)
        touch(f"{path}/secret")
        self.assert_nothing_of("secret", watch.all())
        reopen(path)
        touch(f"{path}/after")
        told = watch.all()
        self.assertTrue("after" in names(told) or [record for record in told if record.kind == RESCAN], told)
        touch(f"{path}/later")
        self.assertIn("later", names(watch.all()))

    def test_t02_a_mode_that_is_taken_away_counts_at_once(self):
        self.closing(lambda path: os.chmod(path, 0o700), lambda path: os.chmod(path, 0o755))

    def test_t02_an_acl_that_is_taken_away_counts_at_once(self):
        self.closing(lambda path: os.setxattr(path, "system.posix_acl_access", acl(7, 0, 0)),
                     lambda path: os.setxattr(path, "system.posix_acl_access", acl(7, 0, 0, users={self.uid: 5})))

    def test_t02_an_acl_against_one_user_counts_at_once(self):
        self.closing(lambda path: os.setxattr(path, "system.posix_acl_access", acl(7, 5, 5, users={self.uid: 0})),
                     lambda path: os.removexattr(path, "system.posix_acl_access"))

    def test_t02_another_group_counts_at_once(self):
        group = pwd.getpwnam("alice").pw_gid

        def close(path):
            os.chown(path, self.bob, pwd.getpwnam("bob").pw_gid)
            os.chmod(path, 0o750)

        self.closing(close, lambda path: os.chown(path, self.bob, group))

    def test_t02_a_mode_that_is_taken_from_an_ancestor_counts_at_once(self):
        outer = self.bobs("outer", 0o755)
        os.makedirs(f"{outer}/a/b")
        watch = self.watch()
        touch(f"{outer}/a/b/before")
        self.assertIn("before", names(watch.all()))
        os.chmod(outer, 0o700)
        churn(f"{outer}/a/b", 20)
        self.assert_nothing_of("secret", watch.all())

    def test_t03_what_happened_while_it_was_closed_is_not_told_after_it_is_open_again(self):
        path = self.bobs("d", 0o755)
        watch = self.watch()
        touch(f"{path}/before")
        watch.all()
        for _ in range(20):
            with stopped(0.01):
                for number in range(50):
                    os.chmod(path, 0o700)
                    touch(f"{path}/secret-{number}")
                    os.unlink(f"{path}/secret-{number}")
                    os.chmod(path, 0o755)
        told = watch.all()
        self.assert_nothing_of("secret", watch.told)
        self.assertIn("d", [record.path for record in told if record.kind == RESCAN], "what cannot be told by name is to be listed anew")

    def test_t03_nor_where_an_ancestor_was_closed(self):
        outer = self.bobs("outer", 0o755)
        os.makedirs(f"{outer}/a/b")
        watch = self.watch()
        touch(f"{outer}/a/b/before")
        watch.all()
        for _ in range(10):
            with stopped(0.01):
                os.chmod(outer, 0o700)
                touch(f"{outer}/a/b/secret")
                os.unlink(f"{outer}/a/b/secret")
                os.chmod(outer, 0o755)
        told = watch.all()
        self.assert_nothing_of("secret", watch.told)
        self.assertIn("outer/a/b", [record.path for record in told if record.kind == RESCAN])

    def test_t04_of_a_move_the_half_that_is_hidden_is_absent(self):
        private = self.bobs("private")
        public = self.bobs("public", 0o755)
        watch = self.watch(events=["create", "delete", "move"])

        def moved(source, target):
            os.rename(source, target)
            return shapes(watch.all())

        touch(f"{public}/a")
        watch.all()
        self.assertEqual(moved(f"{public}/a", f"{public}/b"), ["move public/a public/b"])
        self.assertEqual(moved(f"{public}/b", f"{private}/secret"), ["delete public/b"])
        self.assertEqual(moved(f"{private}/secret", f"{private}/other-secret"), [])
        self.assertEqual(moved(f"{private}/other-secret", f"{public}/c"), ["create public/c"])
        self.assert_nothing_of("secret", watch.told)

    def test_t04_of_watches_that_are_alike_each_is_told_the_half_that_it_may_see(self):
        private = self.bobs("private")
        public = self.bobs("public", 0o755)
        events = ["create", "delete", "move"]
        hers = [self.watch(events=events) for _ in range(2)]
        his = [self.watch(events=events, client=self.client("bob")) for _ in range(2)]

        def moved(source, target):
            os.rename(source, target)
            return [[shapes(watch.all(0.1)) for watch in watches] for watches in (hers, his)]

        touch(f"{public}/a")
        for watch in hers + his:
            watch.all()
        self.assertEqual(moved(f"{public}/a", f"{public}/b"), 2 * [2 * [["move public/a public/b"]]])
        self.assertEqual(moved(f"{public}/b", f"{private}/secret"), [2 * [["delete public/b"]], 2 * [["move public/b private/secret"]]])
        self.assertEqual(moved(f"{private}/secret", f"{private}/secrets"), [2 * [[]], 2 * [["move private/secret private/secrets"]]])
        self.assertEqual(moved(f"{private}/secrets", f"{public}/c"), [2 * [["create public/c"]], 2 * [["move private/secrets public/c"]]])

    def test_t04_of_a_move_over_the_root_the_half_outside_is_absent(self):
        inner = self.directory("inner")
        watch = self.watch(inner, ["create", "delete", "move"])
        touch(f"{self.home}/outside")
        os.rename(f"{self.home}/outside", f"{inner}/a")
        self.assertEqual(shapes(watch.all()), ["create a"])
        os.rename(f"{inner}/a", f"{self.home}/outside")
        self.assertEqual(shapes(watch.all()), ["delete a"])

    def test_t05_what_happened_in_private_is_not_told_when_the_directory_becomes_public(self):
        private = self.bobs("private")
        public = self.bobs("public", 0o755)
        os.mkdir(f"{private}/sub")
        watch = self.watch()
        touch(f"{private}/sub/warm")
        watch.all()
        for number in range(10):
            with stopped(0.01):
                os.mkdir(f"{private}/new-{number}")
                touch(f"{private}/sub/secret", f"{private}/new-{number}/secret")
                os.unlink(f"{private}/sub/secret")
                os.unlink(f"{private}/new-{number}/secret")
                os.rename(f"{private}/sub", f"{public}/sub")
                os.rename(f"{private}/new-{number}", f"{public}/new-{number}")
            self.assert_nothing_of("secret", watch.all(0.1))
            os.rename(f"{public}/sub", f"{private}/sub")
        self.assertIn("new-0", names(watch.told))

    def test_t06_what_is_beside_the_root_of_a_bind_mount_is_not_told(self):
        tree = self.directory("tree")
        os.mkdir(f"{tree}/inside")
        target = self.directory("bound")
        support.mount(f"{tree}/inside", target, "none", 4096)
        self.addCleanup(support.umount, target, 2)
        watch = self.watch(target)
        touch(f"{tree}/secret", f"{tree}/inside/told", f"{self.home}/secret")
        told = watch.all()
        self.assertIn("told", [record.path for record in told])
        self.assert_nothing_of("secret", told)

    def seen_elsewhere(self):
        """Another mount of the home, in which nothing gets covered."""
        other = support.as_user("root", support.make_directory, "other")
        self.addCleanup(shutil.rmtree, other)
        support.mount(self.home, other, "none", 4096)
        self.addCleanup(support.umount, other, 2)
        support.mount("none", other, "none", 1 << 18)  # private
        return other

    def test_t07_what_is_covered_by_another_mount_is_not_told(self):
        covered = self.directory("covered")
        os.mkdir(f"{covered}/deep")
        other = self.seen_elsewhere()
        watch = self.watch()
        touch(f"{other}/covered/before")
        self.assertIn("before", names(watch.all()))
        support.mount("none", covered, "tmpfs")
        self.addCleanup(support.umount, covered, 2)
        churn(f"{other}/covered", 5)
        touch(f"{other}/covered/secret", f"{other}/covered/deep/secret")
        self.assert_nothing_of("secret", watch.all())

    def test_t08_a_hard_link_does_not_tell_its_other_name(self):
        private = self.bobs("private")
        public = self.bobs("public", 0o755)
        touch(f"{private}/secret")
        os.link(f"{private}/secret", f"{public}/name")
        watch = self.watch(events=["create", "delete", "modify", "attrib", "close-write", "move"])
        write(f"{private}/secret")
        os.chmod(f"{private}/secret", 0o600)
        self.assert_nothing_of("secret", watch.all())
        write(f"{public}/name")
        self.assertIn("name", names(watch.all()))
        os.unlink(f"{private}/secret")
        self.assert_nothing_of("secret", watch.all())

    def test_t09_a_file_that_has_no_name_any_more_tells_none_where_nobody_may_see_it(self):
        path = self.bobs("d", 0o755)
        watch = self.watch(events=["create", "delete", "modify", "close-write"])
        with open(f"{path}/secret", "w", encoding="utf-8") as file:
            watch.all()
            del watch.told[:]
            os.unlink(f"{path}/secret")
            os.chmod(path, 0o700)
            watch.all()
            del watch.told[:]
            file.write("x")
        self.assert_nothing_of("secret", watch.all())

    def test_t09_nor_where_it_had_gone_before_the_directory_could_be_seen(self):
        path = self.bobs("d")
        with open(f"{path}/secret", "w", encoding="utf-8") as file:
            os.unlink(f"{path}/secret")
            os.chmod(path, 0o755)
            watch = self.watch(events=["modify", "attrib", "close-write"])
            file.write("x")
            file.flush()
            os.fchmod(file.fileno(), 0o600)
        told = [record for record in watch.all() if record.kind != RESCAN]  # which names nothing
        self.assertEqual([record for record in told if "attrib" not in record.events or record.path != "d"], [])
        self.assert_nothing_of("secret", watch.told)

    def test_t09_what_happens_to_it_is_not_told_of_another_that_has_its_name_now(self):
        for backend in ("fanotify", "inotify"):
            with self.subTest(backend):
                path = f"{self.home}/{backend}"
                watch = self.watch(events=["create", "modify"], backend=backend)
                with open(path, "w", encoding="utf-8") as first:
                    os.unlink(path)
                    write(path, "")
                    watch.all()
                    first.write("x")
                    first.flush()
                    self.assertEqual(watch.all(), [])
                    write(path)
                    self.assertEqual(shapes(watch.all()), [f"modify {backend}"])

    def test_t10_every_event_has_a_path(self):
        watch = self.watch(events=["create", "delete", "modify", "attrib", "move", "close-write"])
        with open(f"{self.home}/f", "w", encoding="utf-8") as file:
            os.link(f"{self.home}/f", f"{self.home}/g")
            os.unlink(f"{self.home}/f")
            os.unlink(f"{self.home}/g")
            file.write("x")
        os.mkdir(f"{self.home}/d")
        os.rmdir(f"{self.home}/d")
        self.assertEqual([record for record in watch.all() if not record.path and record.events - {"attrib"}], [])

    def test_t11_what_others_do_in_a_shared_directory_is_told_slowly(self):
        shared = self.directory("shared", "root")
        os.chmod(shared, 0o1777)
        watch = self.watch(shared, ["create", "delete", "modify", "close-write"])
        support.as_user("bob", write_until, f"{shared}/f", time.monotonic() + 2)
        watch.quiet(0.5)
        for door in watch.doors:
            told = [record for record in door.told if "modify" in record.events or "close-write" in record.events]
            self.assertLessEqual(len(told), 30)

    def test_t12_the_process_is_told_of_ones_own_alone(self):
        os.chmod(self.home, 0o777)
        watch = self.watch(report_pid=True)
        self.alice.run(touch, f"{self.home}/hers")
        support.as_user("bob", touch, f"{self.home}/his")
        pids = {record.path: record.pid for record in watch.all() if "create" in record.events}
        self.assertEqual(pids["his"], 0)
        self.assertIn(pids["hers"], (self.alice.pid, 0))
        self.assertEqual(pids["hers"], self.alice.pid)

    def test_t12_no_process_is_told_unless_that_was_asked_for(self):
        watch = self.watch()
        self.alice.run(touch, f"{self.home}/hers")
        self.assertEqual({record.pid for record in watch.all()}, {0})

    def test_t13_who_reads_what_is_not_told_of_a_whole_tree(self):
        for event in ("open", "access", "open-exec", "close-nowrite"):
            for scope in ("recursive", "filesystem"):
                with self.subTest(f"{event} {scope}"), self.refused("InvalidArgument"):
                    self.watch(events=[event], scope=scope)

    def test_t14_a_confined_program_watches_only_what_it_has_opened(self):
        client = self.client("alice", through=("setpriv", "--no-new-privs", "--"))
        with self.assertRaises(support.DBusError):
            self.watch(client=client)
        fd = os.open(self.home, os.O_RDONLY | os.O_DIRECTORY)
        self.addCleanup(os.close, fd)
        watch = self.watch(fd, client=client)
        touch(f"{self.home}/f")
        self.assertIn("f", names(watch.all(where=self.home)))

    def test_t14_under_landlock_nothing_is_told_that_could_not_be_opened(self):
        for name in ("open", "closed"):
            self.directory(name)
        landlocked = (f"{support.HERE}/landlocked", "--allow", f"{self.home}/open", "--")
        if subprocess.run([*landlocked, "true"], check=False).returncode == 77:
            self.skipTest("this kernel has no Landlock")
        client = self.client("alice", through=landlocked)
        with self.assertRaises(PermissionError):
            client.run(os.listdir, f"{self.home}/closed")
        self.assertEqual(client.run(os.listdir, f"{self.home}/open"), [])
        for path in (self.home, f"{self.home}/closed", f"{self.home}/open"):
            with self.subTest(path), self.refused(ASKED):
                self.watch(path, client=client)
        fd = os.open(f"{self.home}/open", os.O_RDONLY | os.O_DIRECTORY)
        self.addCleanup(os.close, fd)
        watch = self.watch(fd, client=client)
        with self.refused(ASKED):
            self.watch(fd, client=client, scope="filesystem")
        touch(f"{self.home}/closed/secret", f"{self.home}/open/told")
        self.assertIn("told", names(watch.all(where=f"{self.home}/open")))
        self.assert_nothing_of("secret", watch.told)

    def test_t15_ids_of_a_user_namespace_are_not_taken_for_ours(self):
        # In there alice is root, and to bob's directory she is as much a stranger as ever.
        private = self.bobs("private")
        with Place("alice", "--user", "--map-root-user", "--mount") as place:
            try:
                watch = self.watch(**{"in": place.pidfd()})
            except support.DBusError as error:
                self.assertIn(error.name.rsplit(".", 1)[-1], ("NotSupported", "NotPermitted"), error)
                return
            churn(private, 20)
            self.assert_nothing_of("secret", watch.quiet(0.5))
            watch.close()

    def test_t15_a_mount_that_maps_ids_is_judged_by_the_ids_that_it_shows(self):
        # Through the mount what is hers is a stranger's, and she can list it nowhere but beside it.
        mine = self.directory("mine", mode=0o700)
        os.chmod(self.home, 0o755)
        target = self.directory("mapped")
        try:
            self.bind(self.home, target, options={"idmap": f"{self.bob} {self.uid} 1"}, client=support.root())
        except support.DBusError as error:
            self.skipTest(f"no mount that maps ids: {error}")
        with self.assertRaises(PermissionError):
            self.alice.run(os.listdir, f"{target}/mine")
        try:
            watch = self.watch(target)
        except support.DBusError as error:
            self.assertEqual(error.name, f"{support.ERROR}NotSupported")
            return
        churn(mine, 20)
        self.assert_nothing_of("secret", watch.quiet(0.5))
        watch.close()

    def test_t16_what_a_service_does_in_a_temporary_directory_of_its_own_is_not_told(self):
        watch = self.watch("/tmp")
        subprocess.run(["systemd-run", "--quiet", "--wait", "--collect", "--property=PrivateTmp=yes", "--", "sh", "-c",
                        "mkdir /tmp/secret-d; echo x > /tmp/secret-d/secret; echo x > /tmp/secret"], check=True)
        self.assert_nothing_of("secret", watch.all())
        watch.close()

    def test_t17_groups_are_those_at_the_beginning(self):
        subprocess.run(["groupadd", "watchers"], check=True)
        self.addCleanup(subprocess.run, ["groupdel", "watchers"], check=True)
        path = self.directory("d", "bob")
        shutil.chown(path, group="watchers")
        os.chmod(path, 0o750)
        before = self.watch()
        subprocess.run(["usermod", "-aG", "watchers", "alice"], check=True)
        self.addCleanup(subprocess.run, ["gpasswd", "-d", "alice", "watchers"], check=True, stdout=subprocess.DEVNULL)
        after = self.watch(client=self.client("alice"))
        touch(f"{path}/f")
        self.assertIn("f", names(after.all()))
        self.assertNotIn("f", names(before.all()))

    def test_t17_a_watch_goes_with_the_process_that_has_it(self):
        client = self.client("alice")
        with_connection, with_stream = self.watch(client=client), self.begin(Watch, client=client, lifetime="manual")
        paths = {with_stream.object, *(door.object for door in with_connection.doors)}
        self.assertLessEqual(paths, set(support.root().objects("Watch")))
        client.kill()
        with_stream.socket.close()  # which nobody else had open
        wait_until(lambda: not paths & set(support.root().objects("Watch")), "the watches have gone")

    def test_t17_who_has_left_the_machine_is_told_nothing_more(self):
        """By a stream that outlives its session in the hands of another: this process."""
        client = support.Client("alice", session=True)
        try:
            inside = self.begin(Watch, client=client, lifetime="manual")
        finally:
            client.close()
        outside = self.begin(Watch, client=self.client("alice"), lifetime="manual")
        touch(f"{self.home}/before")
        inside.until(lambda record: record.path == "before", "without its session's end a watch goes on")
        os.kill(before := support.main_pid("usherd.service"), signal.SIGKILL)
        wait_until(lambda: support.main_pid("usherd.service") not in (0, before), "the service is started again")
        subprocess.run(["loginctl", "terminate-user", "alice"], check=False, stderr=subprocess.DEVNULL)
        wait_until(lambda: inside.read(0.1) is not None and inside.ended, "the watch of a session goes when its user has left", 30)
        touch(f"{self.home}/after")
        outside.until(lambda record: record.path == "after", "one that was in no session goes on")

    def test_t19_no_name_is_written_down(self):
        since = time.time()
        watch = self.watch()
        word = f"plaintext-{os.getpid()}"
        for number in range(50):
            touch(f"{self.home}/{word}-{number}")
        watch.all()
        os.kill(watching.watchers()[0], signal.SIGKILL)
        wait_until(lambda: self.told_after(watch), "the watch goes on")
        entries = subprocess.run(["journalctl", "--output=json", f"--since=@{int(since)}"], stdout=subprocess.PIPE, text=True, check=True)
        self.assertNotIn(word, entries.stdout)

    def encrypted(self):
        """An encrypted directory of bob's that everybody may list, on a file system of its own; and how to lock it."""
        image = "/run/encrypted.img"
        with open(image, "wb") as file:
            file.truncate(64 << 20)
        self.addCleanup(os.unlink, image)
        subprocess.run(["mkfs.ext4", "-q", "-O", "encrypt", image], check=True)
        target = self.directory("encrypted")
        subprocess.run(["mount", "-o", "loop", image, target], check=True)
        self.unmount_at_the_end(target)
        os.chmod(target, 0o755)
        key = bytearray(struct.pack("=II32xII32x", 2, 0, 64, 0) + os.urandom(64))  # known by an identifier, which the kernel tells
        root = os.open(target, os.O_RDONLY)
        self.addCleanup(os.close, root)
        path = f"{target}/d"
        os.mkdir(path)
        directory = os.open(path, os.O_RDONLY)
        try:
            fcntl.ioctl(root, 0xc0506617, key)  # FS_IOC_ADD_ENCRYPTION_KEY
            policy = struct.pack("=BBBB4x16s", 2, 1, 4, 3, bytes(key[8:24]))
            fcntl.ioctl(directory, 0x800c6613, policy)  # FS_IOC_SET_ENCRYPTION_POLICY
        except OSError as error:
            self.skipTest(f"this kernel encrypts no directories: {error}")
        finally:
            os.close(directory)
        os.chown(path, self.bob, self.bob)
        os.chmod(path, 0o755)

        def lock():
            subprocess.run(["sync", "--file-system", target], check=True)
            fcntl.ioctl(root, 0xc0406618, bytearray(bytes(key[:40]) + bytes(24)))  # FS_IOC_REMOVE_ENCRYPTION_KEY

        return target, lock

    def test_t19_names_that_are_encrypted_are_told_to_their_owner_alone(self):
        target, lock = self.encrypted()
        hers, his = self.watch(target, ["create", "delete"]), self.watch(target, ["create", "delete"], client=self.client("bob"))
        support.as_user("bob", touch, f"{target}/d/secret")
        os.mkdir(f"{target}/d/secret-d")
        self.assertIn("secret", names(his.all()))
        self.assertEqual(hers.all(), [], "though she may list it: who locks it later has told nobody what was there")
        since = int(time.time())
        lock()
        self.assertEqual([name for name in os.listdir(f"{target}/d") if "secret" in name], [])
        os.rmdir(next(f"{target}/d/{name}" for name in os.listdir(f"{target}/d") if os.path.isdir(f"{target}/d/{name}")))
        self.assert_nothing_of("secret", his.all() + hers.all())
        entries = subprocess.run(["journalctl", "--output=json", f"--since=@{since}"], stdout=subprocess.PIPE, text=True, check=True)
        self.assertNotIn("secret", entries.stdout)

    def test_t19_no_name_is_in_what_a_crash_leaves(self):
        self.watch()
        for pid in watching.watchers():
            self.assertRegex(support.read_file(f"/proc/{pid}/limits"), r"Max core file size +0 +0 ")

    def told_after(self, watch):
        touch(f"{self.home}/again-{time.monotonic()}")
        return watch.read(0.2)

    def test_t20_of_a_file_system_in_user_space_no_more_is_told(self):
        if not shutil.which("fuse2fs"):
            self.skipTest("fuse2fs is not installed: T20 needs a file system in user space that knows owners")
        image = support.make_image("ext4", "/run/watched.img")
        self.addCleanup(os.unlink, image)
        target = self.directory("fuse")
        subprocess.run(["fuse2fs", "-o", "allow_other,default_permissions", image, target], check=True)
        self.unmount_at_the_end(target)
        os.mkdir(f"{target}/private", 0o700)
        watch = self.watch(target, scope="children")
        self.assertEqual(watch.get("Backend"), "inotify")
        touch(f"{target}/told", f"{target}/private/secret")
        told = watch.all()
        self.assertIn("told", names(told))
        self.assert_nothing_of("secret", told)

    def test_t21_file_systems_of_the_kernels_own_get_no_mark(self):
        for path in ("/proc", "/sys/fs/cgroup", "/sys", "/dev/pts"):
            with self.subTest(path):
                try:
                    watch = self.watch(path, scope="children")
                except support.DBusError as error:
                    self.assertEqual(error.name, f"{support.ERROR}NotSupported", error)
                else:
                    self.assertEqual(watch.get("Backend"), "inotify")
                with self.refused("NotSupported"):
                    self.watch(path, scope="recursive", backend="fanotify")

    def test_t22_a_slow_reader_costs_nobody_else_anything(self):
        place = self.fast()
        slow, *quick = (self.begin(Watch, place, ["create"], queue=queue) for queue in [4096] + [65536] * READERS)
        counters = [Counter(watch) for watch in quick]
        pid, = watching.watchers()
        before = heaviest = watching.memory(pid)
        for number in range(EVENTS // 1000):
            for file in range(1000):
                os.close(os.open(path := f"{place}/f-{number}-{file}", os.O_CREAT | os.O_WRONLY))
                os.unlink(path)
            wait_until(lambda made=number * 1000: all([counter.read() >= made - 20000 for counter in counters]), "who reads keeps up")
            if number % 100 == 0:
                heaviest = max(heaviest, watching.memory(pid))
        wait_until(lambda: all([counter.read() >= EVENTS // 1000 * 1000 for counter in counters]), "who reads is told all")
        self.assertEqual([(counter.count, counter.doubled, counter.lost) for counter in counters], [(EVENTS // 1000 * 1000, 0, [])] * READERS)
        self.assertLess(max(heaviest, watching.memory(pid)) - before, 24 << 20)
        slow.quiet()
        self.assertTrue([record for record in slow.told if record.kind == LOST], "a reader that lost something is told so")
        self.assertEqual({record.path for record in slow.told if record.kind == LOST} - {""}, set())
        touch(f"{place}/afterwards")
        slow.until(lambda record: record.path == "afterwards", "a reader that has lost something goes on")
        wait_until(lambda: slow.get("Lost") > 0, "what was lost is counted, once in a while")

    def test_t23_a_burst_is_told_whole_or_to_everybody_that_it_is_not(self):
        place = self.fast()
        first, second = self.begin(Watch, place, ["create"]), self.begin(Watch, place, ["create"], queue=65536)
        for number in range(60000):
            os.close(os.open(f"{place}/f-{number}", os.O_CREAT | os.O_WRONLY))
            if number % 1000 == 0:
                first.read()
                second.read()
        for watch in (first, second):
            watch.quiet(0.5)
            seen = [name for name in names(watch.told) if name.startswith("f-")]
            lost = [record for record in watch.told if record.kind == LOST]
            self.assertTrue(lost or len(seen) == 60000, f"{len(seen)} of 60000 told, and not a word of loss")
            self.assertEqual(len(seen), len(set(seen)))

    def flood(self, place, seconds):
        """Two processes make and remove files for some time, and more than the kernel's queue holds: the sum is how many."""
        writers = []
        for number in range(2):
            os.mkdir(path := f"{place}/writer-{number}")
            os.chmod(path, 0o777)
            writers.append(Later(support.as_user, "bob", make_and_remove, path, time.monotonic() + seconds))
        return writers

    def test_t23_of_a_flood_everything_is_told_or_to_everybody_that_it_is_not(self):
        place = self.fast()
        watches = [self.begin(Watch, place, ["create"], queue=65536) for _ in range(2)]
        heard = self.begin(Subscription, place, ["create"])
        counters = [Counter(watch) for watch in watches]
        writers = self.flood(place, SECONDS)
        while any(writer.is_alive() for writer in writers):
            for counter in counters:
                counter.read()
        made = 2 + sum(writer.result for writer in writers)  # with their directories
        for watch, counter in zip(watches, counters):
            watch.quiet(0.5)
            counter.read()
            self.assertEqual(counter.doubled, 0)
            self.assertTrue(counter.lost or counter.count == made, f"{counter.count} of {made} told, and not a word of loss")
        whole = [{record.clock for record in watch.lost if record.flags & watching.ALL} for watch in counters]
        self.assertEqual(bool(whole[0]), bool(whole[1]), "what the kernel loses is told to everybody")
        heard.quiet(0.5)
        told = {record.path for record in heard.told if record.kind == watching.EVENT}
        self.assertTrue([record for record in heard.told if record.kind in (LOST, RESCAN)] or len(told) == made, f"{len(told)} of {made} by signals")

    def test_t24_a_watcher_that_stands_still_under_a_flood_stays_small_and_alive(self):
        place = self.fast()
        watch = self.watch(place, ["create"])
        pid, = watching.watchers()
        unit = support.read_file(f"/proc/{pid}/cgroup").strip().rpartition("/")[2]
        subprocess.run(["systemctl", "set-property", "--runtime", unit, "MemoryMax=64M"], check=True)
        service = support.main_pid("usherd.service")
        with stopped():
            for writer in self.flood(place, SECONDS):
                writer.join()
        watch.until(lambda record: record.kind == LOST, "an overflow is told")
        touch(f"{place}/afterwards")
        watch.all()
        self.assertIn("afterwards", names(watch.told))
        self.assertEqual((watching.watchers(), support.main_pid("usherd.service")), ([pid], service))
        self.assertLess(watching.memory(pid), 64 << 20)

    def test_t24_a_watcher_that_stands_still_overflows_and_says_so_to_all(self):
        place = self.fast()
        first, second = self.watch(place), self.begin(Watch, place, ["create"])
        with stopped(0):
            for number in range(QUEUE + 4000):
                os.close(os.open(f"{place}/f-{number}", os.O_CREAT | os.O_WRONLY))
        for watch in (first, second):
            watch.until(lambda record: record.kind == LOST and record.flags & watching.ALL, "an overflow is told to every watch")
        touch(f"{place}/afterwards")
        first.until(lambda record: record.path == "afterwards", "a watch goes on after an overflow")

    def test_t25_renames_and_chmods_cost_little(self):
        """How much is measured by make bench; here, that a rename costs nobody everything that is known."""
        place = self.fast()
        for number in range(64):
            os.makedirs(f"{place}/d-{number}/deep")
        watch = self.begin(Watch, place, ["create", "move"], queue=65536)
        pid, = watching.watchers()
        costs = []
        for every in (0, 10):
            before = processor_time(pid)
            for number in range(20000):
                directory = f"{place}/d-{number % 64}"
                os.mknod(f"{directory}/deep/f-{every}-{number}")
                if every and number % every == 0:
                    os.rename(directory, directory + "-")
                    os.rename(directory + "-", directory)
                    os.chmod(directory, 0o755)
                if number % 500 == 0:
                    watch.read()
            watch.quiet()
            costs.append(processor_time(pid) - before)
        self.assertLess(costs[1], 6 * costs[0] + 0.3, "of 13 events instead of 10")

    def test_t26_a_storm_of_directories_holds_nobody_up(self):
        place = self.fast()
        os.mkdir(private := f"{place}/private")
        os.chown(private, self.bob, self.bob)
        os.chmod(private, 0o700)
        watch = self.begin(Watch, place)
        storm = threading.Thread(target=support.as_user, args=("bob", make_directories, private, DIRECTORIES))
        storm.start()
        late, began = [], time.monotonic()
        while storm.is_alive():
            name = f"f-{len(late)}"
            begun = time.monotonic()
            touch(f"{place}/{name}")
            watch.until(lambda record, name=name: record.path == name or record.kind == LOST, "events come during a storm")
            late.append(time.monotonic() - begun)
            time.sleep(0.02)
        storm.join()
        # where all goes slowly, so does the storm
        self.assertLess(sorted(late)[len(late) // 2], max(0.2, (time.monotonic() - began) / 10))
        self.assert_nothing_of("secret", watch.told)

    def test_t27_no_link_leads_where_the_caller_may_not_go(self):
        private = self.bobs("private")
        os.mkdir(f"{private}/below")
        os.chmod(f"{private}/below", 0o777)
        os.symlink(f"{private}/below", f"{self.home}/link")
        os.symlink("/proc/1/root", f"{self.home}/magic")
        for path in (f"{self.home}/link", f"{self.home}/magic", f"{self.home}/private/below/.."):
            with self.subTest(path), self.assertRaises(support.DBusError):
                self.watch(path)

    def test_t28_a_file_system_that_does_not_answer_holds_nobody_up(self):
        watch = self.watch()
        target = self.directory("stuck")
        with support.StuckFilesystem(target, "alice", reads=False):
            with self.assertRaises(support.DBusError):
                Watch(self.client("alice"), target, scope="children", deadline_usec=Variant("t", 500000))
            touch(f"{self.home}/f")
            self.assertIn("f", names(watch.until(lambda record: record.path == "f", "others are told meanwhile")))

    def test_t29_listing_anew_tells_nothing(self):
        os.makedirs(f"{self.home}/a/b")
        touch(f"{self.home}/a/b/f")
        watch = self.watch()
        for _ in range(5):
            self.alice.run(list_all, self.home)
        self.assertEqual(watch.all(), [])

    def test_t29_who_does_not_want_to_hear_of_himself_hears_of_others(self):
        other = self.client("alice")
        watch = self.watch(events=["create"], exclude_self=True)
        self.alice.run(touch, f"{self.home}/own")
        other.run(touch, f"{self.home}/hers")
        support.as_user("alice", touch, f"{self.home}/of-another-process")
        self.assertEqual([record.path for record in watch.all()], ["hers", "of-another-process"])
        with self.refused("NotSupported", "exclude_self"):
            self.watch(backend="inotify", exclude_self=True)

    def test_t30_two_users_are_told_nothing_by_which_to_know_a_file(self):
        os.chmod(self.home, 0o755)
        bob = self.client("bob")
        hers, his = self.watch(), self.watch(client=bob)
        touch(f"{self.home}/f")
        told = [watch.all()[0] for watch in (hers, his)]
        self.assertEqual([(record.path, record.pid) for record in told], [("f", 0), ("f", 0)])

    def test_t31_what_was_lost_names_no_hidden_directory(self):
        private = self.bobs("private")
        os.makedirs(f"{private}/secret-d/secret-e")
        watch = self.watch(queue=16)
        for _ in range(20):
            churn(f"{private}/secret-d/secret-e", 100)
            churn(self.home, 100, "f")
        watch.quiet()
        for door in watch.doors:
            self.assertTrue([record for record in door.told if record.kind in (LOST, RESCAN)])
        self.assert_nothing_of("secret", watch.told)
        self.assertNotIn("private", names(watch.told))

    def test_t31_what_changed_since_names_no_hidden_directory(self):
        private = self.bobs("private")
        os.makedirs(f"{private}/secret-d")
        os.makedirs(f"{self.home}/open")
        watch = self.watch()
        clock = watch.get("Clock")
        touch(f"{private}/secret-d/secret", f"{self.home}/open/f")
        watch.all()
        directories, _, complete = watch.since(clock)
        self.assertTrue(complete)
        self.assertIn("open", directories)
        self.assertEqual([name for name in directories if "private" in name or "secret" in name], [])

    def test_t31_what_changed_since_names_nothing_that_is_covered(self):
        os.makedirs(f"{self.home}/covered/secret-d")
        other = self.seen_elsewhere()
        watch = self.watch()
        clock = watch.get("Clock")
        support.mount("none", f"{self.home}/covered", "tmpfs")
        self.addCleanup(support.umount, f"{self.home}/covered", 2)
        touch(f"{other}/covered/secret-d/f", f"{self.home}/f")
        watch.all()
        self.assertEqual(watch.since(clock)[::2], ([""], True))


class Completeness(Watching):
    def test_a_burst_is_told_whole_to_everybody_or_that_it_is_not(self):
        place = self.fast()
        os.chmod(place, 0o755)
        bob = self.client("bob")
        watches = [self.begin(door, place, ["create"], client=client, **options) for door, client, options in (
            (Watch, self.alice, {"queue": 65536}), (Watch, bob, {"queue": 65536}), (Watch, bob, {}), (Subscription, self.alice, {}), (Subscription, bob, {}))]
        for number in range(60000):
            os.close(os.open(f"{place}/f-{number}", os.O_CREAT | os.O_WRONLY))
            if number % 1000 == 0:
                for watch in watches[:2]:
                    watch.read()
        for watch in watches:
            watch.quiet(1)
            seen = [name for record in watch.told for name in [record.path] if name.startswith("f-")]
            lost = [record for record in watch.told if record.kind in (LOST, RESCAN)]
            self.assertEqual(len(seen), len(set(seen)))
            self.assertTrue(lost or len(seen) == 60000, f"{len(seen)} of 60000 told, and not a word of loss")

    def test_nothing_below_directories_that_were_just_made_is_missed(self):
        watch = self.watch()
        for number in range(300):
            os.makedirs(f"{self.home}/{number}/a/b/c")
            touch(f"{self.home}/{number}/a/b/c/f")
            watch.read()
        watch.all()
        told = {record.path for record in watch.told if "create" in record.events}
        self.assertEqual([number for number in range(300) if f"{number}/a/b/c/f" not in told], [])

    def test_nothing_is_told_twice_or_missed_over_a_long_time(self):
        place = self.fast()
        watch = self.watch(place, ["create", "delete"], queue=65536)
        reader = Counter(watch)
        made = 0
        begun = time.monotonic()
        while made < 100000 and time.monotonic() < begun + 8:
            for number in range(made, made + 500):
                os.close(os.open(f"{place}/f-{number}", os.O_CREAT | os.O_WRONLY))
                os.unlink(f"{place}/f-{number}")
            made += 500
            wait_until(lambda: reader.read() >= made - 5000, "the reader keeps up")
        watch.quiet(0.5)
        reader.read()
        self.assertEqual((reader.lost, reader.doubled, reader.count), ([], 0, made))

    def test_directories_that_have_changed_since_are_told_to_who_comes_back(self):
        os.makedirs(f"{self.home}/a/b")
        os.makedirs(f"{self.home}/quiet")
        self.watch()  # somebody goes on watching the file system
        early = self.watch()
        touch(f"{self.home}/a/seen")
        early.all()
        clock = max(record.clock for record in early.told)
        early.close()
        touch(f"{self.home}/a/b/missed")
        time.sleep(0.2)
        late = self.watch()
        directories, now, complete = late.since(clock)
        self.assertTrue(complete)
        self.assertIn("a/b", directories)
        self.assertNotIn("quiet", directories)
        self.assertGreaterEqual(now, clock)
        self.assertNotIn("a/b", late.since(now)[0])

    def test_a_clock_of_another_time_is_no_answer(self):
        for backend in ("fanotify", "inotify"):
            watch = self.watch(scope="recursive", backend=backend)
            for clock in (1, watch.get("Clock") + 10**9, 2**64 - 1):
                with self.subTest(backend=backend, clock=clock):
                    self.assertEqual(watch.since(clock)[::2], ([], False))


class Survival(Watching):
    def write_until_told(self, watch, name):
        touch(f"{self.home}/{name}")
        return watch.until(lambda record: record.path == name, "the watch goes on")

    def test_a_watch_outlives_the_service(self):
        watch = self.watch()
        os.kill(support.main_pid("usherd.service"), signal.SIGKILL)
        touch(f"{self.home}/meanwhile")
        watch.until(lambda record: record.path == "meanwhile", "a stream needs no service")

        def there():
            with contextlib.suppress(support.DBusError):  # the call went to the one that was being killed
                return watch.object in support.root().objects("Watch")
            return False

        wait_until(there, "the object is there again")
        self.write_until_told(watch, "afterwards")

    def test_a_watcher_that_is_killed_loses_nothing_or_says_so(self):
        watch = self.watch(events=["create"])
        seen, made = set(), 0
        for _ in range(5):
            pids = watching.watchers()
            for number in range(200):
                touch(f"{self.home}/f-{made + number}")
                if number == 100:
                    os.kill(pids[0], signal.SIGKILL)
            made += 200
            wait_until(lambda gone=pids: set(watching.watchers()) - set(gone), "another watcher is started")
        self.write_until_told(watch, "last")
        watch.quiet()
        seen = {name for name in names(watch.told) if name.startswith("f-")}
        if [record for record in watch.told if record.kind == LOST]:
            return
        self.assertEqual(len(seen), made)

    def test_the_service_and_a_watcher_killed_together_come_back(self):
        watch = self.watch()
        os.kill(watching.watchers()[0], signal.SIGKILL)
        os.kill(before := support.main_pid("usherd.service"), signal.SIGKILL)
        wait_until(lambda: support.main_pid("usherd.service") not in (0, before), "systemd starts the service again")
        wait_until(lambda: watching.watchers(), "a watcher is started again")
        self.write_until_told(watch, "afterwards")


class Filesystems(Watching):
    """The same on other file systems than home's."""

    def rule_holds(self, target, recursive=True):
        """The shortest way through T1, T2 and T4."""
        os.chmod(target, 0o755)
        for name, mode in (("private", 0o700), ("public", 0o755)):
            os.mkdir(f"{target}/{name}")
            os.chown(f"{target}/{name}", self.bob, self.bob)
            os.chmod(f"{target}/{name}", mode)
        watch = self.both(target, ["create", "delete", "move"])
        touch(f"{target}/private/secret", f"{target}/public/a")
        self.assertEqual(shapes(watch.all()), ["create public/a"])
        os.rename(f"{target}/public/a", f"{target}/public/b")
        os.rename(f"{target}/private/secret", f"{target}/public/c")
        self.assertEqual(shapes(watch.all()), ["move public/a public/b", "create public/c"])
        os.chmod(f"{target}/public", 0o700)
        touch(f"{target}/public/secret")
        self.assert_nothing_of("secret", watch.all())
        watch.close()

    def image(self, fstype):
        if not support.kernel_has(fstype):
            subprocess.run(["modprobe", fstype], check=False, stderr=subprocess.DEVNULL)
        if not support.kernel_has(fstype):
            self.skipTest(f"this kernel has no {fstype}")
        image = f"/run/watched-{fstype}.img"
        support.make_image(fstype, image)
        self.addCleanup(os.unlink, image)
        target = self.directory(fstype)
        subprocess.run(["mount", "-o", "loop", image, target], check=True)
        self.unmount_at_the_end(target)
        return target

    def test_ext4(self):
        self.rule_holds(self.image("ext4"))

    def test_xfs(self):
        self.rule_holds(self.image("xfs"))

    def test_btrfs(self):
        self.rule_holds(self.image("btrfs"))

    def test_a_subvolume_of_btrfs(self):
        target = self.image("btrfs")
        subprocess.run(["btrfs", "-q", "subvolume", "create", f"{target}/sub"], check=True)
        subprocess.run(["btrfs", "-q", "subvolume", "create", f"{target}/other"], check=True)
        watch = self.watch(f"{target}/sub", ["create"])
        touch(f"{target}/sub/told", f"{target}/other/secret")
        self.assertEqual(shapes(watch.all()), ["create told"])
        watch.close()

    def lets_go(self, backend):
        support.make_image("ext4", image := f"/run/unmounted-{backend}.img")
        self.addCleanup(os.unlink, image)
        target = self.directory(f"unmounted-{backend}")
        subprocess.run(["mount", "-o", "loop", image, target], check=True)
        watch = self.watch(target, ["create", "unmount"], backend=backend)
        self.assertNotEqual(subprocess.run(["umount", target], check=False, stderr=subprocess.DEVNULL).returncode, 0)
        subprocess.run(["umount", "--lazy", target], check=True)
        told = watch.until(lambda record: watch.ended, "the watch ends")
        self.assertEqual([record.events for record in told], [{"unmount"}])
        wait_until(lambda: not subprocess.run(["losetup", "-j", image], stdout=subprocess.PIPE, check=True).stdout,
                   "the device is free")

    def test_a_file_system_is_free_when_it_has_been_unmounted_lazily(self):
        self.lets_go("fanotify")

    def test_and_one_that_is_watched_one_by_one_too(self):
        self.lets_go("inotify")

    def test_tmpfs(self):
        target = self.directory("tmpfs")
        support.mount("none", target, "tmpfs")
        self.addCleanup(support.umount, target, 2)
        self.rule_holds(target)

    def test_overlay(self):
        work = self.directory("o")
        for name in ("lower", "upper", "work"):
            os.mkdir(f"{work}/{name}")
        os.mkdir(f"{work}/lower/old")
        target = self.directory("merged")
        support.mount("overlay", target, "overlay", 0, f"lowerdir={work}/lower,upperdir={work}/upper,workdir={work}/work")
        self.addCleanup(support.umount, target, 2)
        self.rule_holds(target)
        watch = self.watch(target, ["create"])
        touch(f"{target}/old/f")
        self.assertIn("old", [record.path for record in watch.quiet() if record.kind == RESCAN], "it is copied up")
        touch(f"{target}/old/g")
        self.assertIn("create old/g", shapes(watch.quiet()))
        watch.close()


# ---- in processes of other people

def write_until(path, stop):
    while time.monotonic() < stop:
        write(path)
        time.sleep(0.001)


def make_directories(directory, count):
    for number in range(count):
        os.mkdir(f"{directory}/secret-{number}")


def list_all(directory):
    found = []
    for path, folders, files in os.walk(directory):
        for name in files:
            with open(f"{path}/{name}", "rb") as file:
                file.read()
        found += folders
    return len(found)


def make_and_remove(directory, stop):
    number = 0
    while time.monotonic() < stop or number < QUEUE:
        os.close(os.open(path := f"{directory}/f-{number}", os.O_CREAT | os.O_WRONLY))
        os.unlink(path)
        number += 1
    return number


def processor_time(pid):
    """Seconds."""
    words = support.read_file(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


class Later(threading.Thread):
    """A function's result, when it has one."""

    def __init__(self, function, *arguments):
        super().__init__(daemon=True)
        self.what = function, arguments
        self.result = None
        self.start()

    def run(self):
        function, arguments = self.what
        self.result = function(*arguments)


class Counter:
    """Counts what a watch tells of files that are made and removed, each once; and forgets what has been counted."""

    def __init__(self, watch):
        self.watch = watch
        self.count = self.doubled = 0
        self.lost = []
        self.made = set()

    def read(self):
        self.watch.read(0.01)
        for record in self.watch.told:
            if record.kind in (LOST, RESCAN):  # to be listed anew is what happened before it was known who may list it
                self.lost.append(record)
            if "create" in record.events:
                self.doubled += (name := hash(record.path)) in self.made
                self.made.add(name)
                self.count += 1
        del self.watch.told[:]
        return self.count
