# SPDX-License-Identifier: LGPL-2.1-or-later
"""Watches and who looks after them: that they begin, are told, closed and limited, and what becomes of them when the service, a
watcher, or both are killed."""

import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import support
from support import Variant, wait_until
from watching import TYPES, stopped, watchers

USHERD = "usherd.service"
QUEUE = 16384  # fs.fanotify.max_queued_events
FILE = "/etc/usher/usherd.conf"


def kill_broker():
    pid = support.main_pid(USHERD)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: support.main_pid(USHERD) not in (0, pid), "systemd has started a new broker")


def kill_watchers():
    """Another one takes the place of each."""
    before = watchers()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(set(watchers()) - set(before)) == len(before), "there are other watchers")


class WatcherTestCase(support.MountTestCase):
    session = False

    def setUp(self):
        super().setUp()
        self.alice.subscribe(interface="org.usher1.Watch")
        self.addCleanup(wait_until, lambda: not watchers(), "the watchers have gone with the last watch")
        self.addCleanup(self.close_all)
        self.made = 0

    def close_all(self):
        for path in self.alice.objects("Watch"):
            with contextlib.suppress(support.DBusError):  # whose stream has just been closed
                self.alice.call("Watch", "Close", {}, path=path)

    def subscribe(self, root=None, events=(), client=None, **options):
        options = {key: Variant(TYPES[key], value) if key in TYPES else value for key, value in options.items()}
        return (client or self.alice).call("Watches", "Subscribe", root or self.home, list(events), options)

    def open(self, **options):
        path, stream = self.alice.call("Watches", "Open", self.home, [], options)
        reader = socket.socket(fileno=os.dup(stream.fileno()))
        self.addCleanup(reader.close)
        stream.close()
        reader.settimeout(10)
        return path, reader

    def another(self):
        self.made += 1
        return f"file-{self.made}"

    def touch(self):
        name = self.another()
        with open(f"{self.home}/{name}", "x", encoding="utf-8"):
            pass
        return name

    def await_told(self, *names):
        """Until all of them were told; False where it was told that something was lost."""
        missing = set(names)
        while missing:
            _, _, member, arguments = self.alice.signal()
            if member == "Lost":
                return False
            if member == "Events":
                missing -= {event[3] for event in arguments[0]}
        return True

    def assert_told(self):
        self.assertTrue(self.await_told(self.touch()))


class Telling(WatcherTestCase):
    def test_what_happens_is_told_and_nobody_else_is(self):
        bob = self.client("bob")
        bob.subscribe(interface="org.usher1.Watch")
        path = self.subscribe()
        self.assert_told()
        self.assertEqual(bob.signals(), [])
        self.assertEqual(self.alice.objects("Watch"), [path])
        properties = self.alice.get_all("Watch", path)
        self.assertEqual((properties["Path"], properties["Scope"], properties["Backend"], properties["Owner"]),
                         (self.home, "recursive", "fanotify", self.uid))
        self.assertEqual(set(properties["Events"]), {"create", "delete", "attrib", "move", "close-write"})

    def test_a_stream_is_the_watch(self):
        _, reader = self.open()
        name = self.touch()
        self.assertIn(name.encode(), reader.recv(65536))
        reader.close()
        wait_until(lambda: not self.alice.objects("Watch"), "the watch goes with its stream")

    def test_a_watch_that_is_closed_ends_its_stream(self):
        path, reader = self.open()
        self.alice.call("Watch", "Close", {}, path=path)
        self.assertEqual(reader.recv(65536), b"")

    def test_a_watch_goes_with_its_connection(self):
        other = self.client("alice")
        self.subscribe(client=other)
        self.assertEqual(len(self.alice.objects("Watch")), 1)
        other.kill()
        wait_until(lambda: not self.alice.objects("Watch"), "the watch has gone")

    def test_events_can_be_changed(self):
        path = self.subscribe(events=["create"])
        self.alice.call("Watch", "SetEvents", ["delete"], {}, path=path)
        name = self.touch()
        os.unlink(f"{self.home}/{name}")
        self.assertEqual({event[2] for event in self.alice.signal("Events")[3][0]}, {"delete"})
        self.assertEqual(self.alice.get("Watch", "Events", path), ["delete"])

    def test_who_comes_back_is_told_which_directories_have_changed(self):
        path = self.subscribe()
        clock = self.alice.get("Watch", "Clock", path)
        os.mkdir(f"{self.home}/d")
        with open(f"{self.home}/d/f", "x", encoding="utf-8"):
            pass
        self.await_told("d/f")
        directories, now, complete = self.alice.call("Watch", "Since", clock, {}, path=path)
        self.assertEqual((set(directories), complete), ({"", "d"}, True))
        self.assertGreater(now, clock)
        self.assertEqual(self.alice.call("Watch", "Since", now, {}, path=path)[0], [])
        self.assertFalse(self.alice.call("Watch", "Since", 1, {}, path=path)[2])


class Pacing(WatcherTestCase):
    """How much the bus carries, and what is said of what it does not."""

    def make(self, *names):
        """All at once for the watcher."""
        with stopped():
            for name in names:
                os.mknod(f"{self.home}/{name}")

    def batches(self, path, count):
        """When each of the signals came that tell so many events, and what it told."""
        found, told = [], 0
        while told < count:
            origin, _, member, arguments = self.alice.signal(path=path)
            self.assertEqual((origin, member), (path, "Events"))
            found.append((time.monotonic(), arguments[0]))
            told += len(arguments[0])
        return found

    def test_at_most_ten_signals_come_in_a_second_of_a_thousand_events_at_most(self):
        count = 8000
        path = self.subscribe(events=["create"], queue=65536, settle_usec=0)
        self.make(*(str(number) for number in range(count)))
        batches = self.batches(path, count)
        names = [event[3] for _, events in batches for event in events]
        self.assertEqual(names, [str(number) for number in range(count)])
        self.assertGreater(len(batches), 8)
        self.assertLessEqual(max(len(events) for _, events in batches), 1000)
        times = [at for at, _ in batches]
        self.assertGreater(times[-1] - times[0], 0.1 * (len(batches) - 1) - 0.1)

    def test_what_happens_again_meanwhile_is_told_once(self):
        path = self.subscribe(events=["create", "close-write", "delete"], settle_usec=300000)
        for _ in range(50):
            for name in ("a", "b"):
                with open(f"{self.home}/{name}", "a", encoding="utf-8"):
                    pass
        (_, events), = self.batches(path, 4)
        self.assertEqual(sorted(event[2:4] for event in events), [("close-write", "a"), ("close-write", "b"), ("create", "a"), ("create", "b")])

    def test_what_is_lost_is_said_with_the_directories_to_list_anew(self):
        for name in "abc":
            os.mkdir(f"{self.home}/{name}")
        path = self.subscribe(events=["create"], queue=16)
        self.make(*(f"{name}/{number}" for name in "abc" for number in range(50)))
        told = [event[3] for _, events in self.batches(path, 16) for event in events]
        self.assertEqual(told, [f"a/{number}" for number in range(16)])
        origin, _, member, (clock, directories) = self.alice.signal(path=path)
        self.assertEqual((origin, member, sorted(directories)), (path, "Lost", ["a", "b", "c"]))
        self.assert_told()
        since, _, complete = self.alice.call("Watch", "Since", clock, {}, path=path)
        self.assertEqual((since, complete), ([""], True))
        wait_until(lambda: self.alice.get("Watch", "Lost", path) == 150 - 16, "what was lost is counted")

    def test_what_the_kernel_has_lost_is_to_be_listed_anew_by_everybody(self):
        """And nobody knows where: no directory is named."""
        support.mount("none", self.home, "tmpfs", 0, f"mode=755,uid={self.uid}")
        self.addCleanup(support.umount, self.home, 2)
        waiting = {self.subscribe(events=["create"], queue=16), self.subscribe(events=["delete"])}
        self.make(*(str(number) for number in range(QUEUE + 100)))
        while waiting:
            path, _, member, arguments = self.alice.signal()
            if member == "Lost" and not arguments[1]:
                waiting.discard(path)
        self.assert_told()

    def test_status_counts_for_each_user_what_was_told_and_what_was_lost(self):
        bob = self.client("bob")
        self.home = tempfile.mkdtemp(prefix="counted-", dir="/home")
        self.addCleanup(shutil.rmtree, self.home)
        os.chmod(self.home, 0o755)
        self.subscribe(queue=16, events=["create"])
        self.subscribe(client=bob, events=["create"])
        self.make(*(str(number) for number in range(100)))

        def rows():
            status = support.run_as("bob", "usher", "status", "--json")
            return {row["owner"]: (row["watches"], row["delivered"], row["lost"]) for row in json.loads(status.stdout)["watches"]}

        uids = [pwd.getpwnam(name).pw_uid for name in ("alice", "bob")]
        wait_until(lambda: rows() == {uids[0]: (1, 16, 84), uids[1]: (1, 100, 0)}, "status tells them apart")
        lines = support.run_as("alice", "usher", "status").stdout
        self.assertIn(f"1 of user {uids[0]}, 16 events, 84 lost\n", lines)
        status = support.start_as("bob", "usher", "status", "--rates", "--json", stdout=subprocess.PIPE, text=True)
        while status.poll() is None:
            self.make(*(self.another() for _ in range(100)))
            time.sleep(0.1)
        rates = {row["owner"]: row["rate"] for row in json.loads(status.communicate()[0])["watches"]}
        self.assertEqual(sorted(rates), uids)
        self.assertGreater(rates[uids[1]], rates[uids[0]])


class Hiding(WatcherTestCase):
    def test_nobody_else_is_told_what_is_watched(self):
        bob = self.client("bob")
        bob.subscribe(interface="org.freedesktop.DBus.ObjectManager")
        path = self.subscribe()
        bob.call("Host", "GetHostname", {})
        self.assertEqual([name in repr(bob.signals()) for name in (path, self.home)], [True, False])
        self.assertEqual(bob.get("Watch", "Path", path), "")
        self.assertNotIn(self.home, repr(bob.call("org.freedesktop.DBus.ObjectManager", "GetManagedObjects", signature="")))
        root = self.client("root")
        root.call("Host", "GetHostname", {})
        self.assertEqual(root.get("Watch", "Path", path), self.home)


class Refusing(WatcherTestCase):
    def test_a_directory_that_cannot_be_read_cannot_be_watched(self):
        with self.refused("NotPermitted", "path"):
            self.subscribe(self.directory("bobs", "bob", 0o711))
        with self.refused("NotFound", "path"):
            self.subscribe(f"{self.home}/nothing")
        self.assertEqual(watchers(), [])

    def test_a_watch_is_its_owners(self):
        bob = self.client("bob")
        path = self.subscribe()
        for method, arguments in (("Close", ()), ("Since", (0,)), ("SetEvents", ([],))):
            with self.refused("NotOwner"):
                bob.call("Watch", method, *arguments, {}, path=path)
        self.assert_told()

    def test_to_see_everything_and_to_decide_are_the_administrators(self):
        with support.polkit_answer("no", "org.usher1.watch"):
            with self.refused("NotPermitted"):
                self.subscribe(all=True)
            with self.refused("NotPermitted"):
                self.subscribe(events=["open-perm"], decide=True)

    def test_a_user_has_no_more_watches_than_that(self):
        os.makedirs(os.path.dirname(FILE), exist_ok=True)
        with open(FILE, "x", encoding="utf-8") as file:
            file.write("[Limits]\nWatches=3\n")
        self.addCleanup(subprocess.run, ["systemctl", "reload", USHERD], check=True)
        self.addCleanup(os.unlink, FILE)
        subprocess.run(["systemctl", "start", USHERD], check=True)
        subprocess.run(["systemctl", "reload", USHERD], check=True)
        paths = [self.subscribe() for _ in range(3)]
        with self.refused("LimitExceeded", "Watches=3"):
            self.subscribe()
        self.assertEqual(len(watchers()), 1)
        self.alice.call("Watch", "Close", {}, path=paths[0])
        self.subscribe()


class Killing(WatcherTestCase):
    def test_a_watch_outlives_a_broker_that_is_killed(self):
        path = self.subscribe()
        _, reader = self.open()
        pids = watchers()
        kill_broker()
        self.assertEqual(watchers(), pids)
        self.assert_told()
        self.assertIn(b"file-1", reader.recv(65536))
        self.assertIn(path, self.alice.objects("Watch"))
        self.alice.call("Watch", "SetEvents", ["delete"], {}, path=path)
        kill_broker()
        self.assertEqual(self.alice.get("Watch", "Events", path), ["delete"])

    def test_a_watch_outlives_a_watcher_that_is_killed(self):
        path = self.subscribe()
        _, reader = self.open()
        self.assert_told()
        clock = self.alice.get("Watch", "Clock", path)
        kill_watchers()
        self.assert_told()
        while b"file-2" not in reader.recv(65536):
            pass
        self.assertEqual(self.alice.call("Watch", "Since", clock, {}, path=path)[2], True)

    def test_a_watch_outlives_both(self):
        self.subscribe()
        for pid in watchers() + [support.main_pid(USHERD)]:
            os.kill(pid, signal.SIGKILL)
        wait_until(watchers, "there is another watcher")
        self.await_told(self.touch())
        self.assert_told()

    def test_a_watch_outlives_both_when_the_one_that_came_first_has_gone(self):
        """The first has brought the root of the file system, which all that come later share."""
        first = self.subscribe()
        self.subscribe()
        self.alice.call("Watch", "Close", {}, path=first)
        for pid in watchers() + [support.main_pid(USHERD)]:
            os.kill(pid, signal.SIGKILL)
        wait_until(watchers, "there is another watcher")
        self.await_told(self.touch())
        self.assert_told()

    def test_a_stop_ends_watches(self):
        self.subscribe()
        _, reader = self.open()
        subprocess.run(["systemctl", "stop", USHERD], check=True)
        wait_until(lambda: not watchers(), "the watchers have gone")
        while reader.recv(65536):
            pass
        self.assertEqual(self.alice.objects("Watch"), [])

    def test_nothing_is_lost_in_silence_however_often_both_are_killed(self):
        self.subscribe()
        lost = 0
        for _ in range(5):
            names = [self.touch() for _ in range(50)]
            for pid in watchers():
                os.kill(pid, signal.SIGKILL)
            names += [self.touch() for _ in range(50)]
            kill_broker()
            names += [self.touch() for _ in range(50)]
            lost += not self.await_told(*names)
            wait_until(watchers, "there is another watcher")
            self.alice.signals()
        self.assertLessEqual(lost, 5)
