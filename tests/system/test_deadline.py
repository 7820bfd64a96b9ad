# SPDX-License-Identifier: LGPL-2.1-or-later
"""What hangs: file systems that do not answer, children that die, and that nobody else notices."""

import contextlib
import os
import signal
import subprocess
import time

import support
from support import Variant, wait_until

WORKER = "usher-worker.service"
HALF_A_SECOND = {"deadline_usec": Variant("t", 500000)}
SOON = {"deadline_usec": Variant("t", 200000)}
GETATTR, STATFS = support.FUSE_GETATTR, support.FUSE_STATFS
SOONER = 5  # seconds: half the time of a call that names none, and a lot on a busy machine


class Stuck(support.MountTestCase):
    def setUp(self):
        super().setUp()
        self.spot = self.directory("stuck")

    @contextlib.contextmanager
    def stuck(self, answers=None, reads=True):
        with support.StuckFilesystem(self.spot, "alice", answers, reads) as filesystem:
            yield filesystem
        wait_until(lambda: not support.children(WORKER), "the child has gone with the file system that it waited for")

    @contextlib.contextmanager
    def taking(self, least, most=SOONER):
        began = time.monotonic()
        yield
        took = time.monotonic() - began
        self.assertGreaterEqual(took, least)
        self.assertLess(took, most)

    def begin(self, deadline=0.5, client=None):
        return (client or self.alice).begin("Mounts", "Mount", "", self.spot, "tmpfs", [],
                                            {"deadline_usec": Variant("t", int(deadline * 1e6))})

    def child(self):
        """The child of the worker that hangs."""
        return wait_until(lambda: support.children(WORKER), "a child of the worker is at work").pop()


class Deadlines(Stuck):
    def test_a_target_that_does_not_answer_times_out(self):
        with self.stuck(), self.taking(0.4), self.refused("TimedOut"):
            self.mount("", self.spot, "tmpfs", options=HALF_A_SECOND)
        self.assert_not_mounted(self.spot)

    def test_sec_54_a_target_whose_daemon_does_not_even_listen_times_out(self):
        with self.stuck(reads=False):
            with self.taking(0.4), self.refused("TimedOut"):
                self.mount("", self.spot, "tmpfs", options=HALF_A_SECOND)
            wait_until(lambda: not support.children(WORKER), "the child has not waited for what it waited for")
        self.assert_not_mounted(self.spot)

    def test_sec_54_however_many_wait_none_waits_longer_than_it_may(self):
        with self.stuck(reads=False):
            clients = [self.client("alice") for _ in range(8)]
            pending = [self.begin(0.5, client) for client in clients]
            wait_until(lambda: len(support.children(WORKER)) >= len(clients), "all of them wait", 2)
            for one in pending:
                with self.refused("TimedOut"):
                    one.result()
            wait_until(lambda: not support.children(WORKER), "none is left")

    def test_a_source_that_does_not_answer_times_out(self):
        target = self.directory("m")
        for make in (lambda: self.bind(self.spot, target, options=SOON),
                     lambda: self.alice.call("Mounts", "OpenTree", self.spot, [], SOON),
                     lambda: self.mount(self.spot, target, "squashfs", options=SOON),
                     lambda: self.mount(f"{self.spot}/image", target, "auto", options=SOON),
                     lambda: self.mount("", target, "overlay", [f"lowerdir={self.spot}:{target}"], SOON)):
            with self.stuck(), self.taking(0.15), self.refused("TimedOut"):
                make()
        self.assert_not_mounted(target)

    def test_a_descriptor_that_does_not_answer_times_out(self):
        target = self.directory("m")
        with self.stuck():
            with support.Descriptor(os.open(self.spot, os.O_PATH), owned=True) as fd:
                for keys, arguments in (({"source_fd": fd}, ("", target)), ({"target_fd": fd}, (target, ""))):
                    with self.taking(0.15), self.refused("TimedOut"):
                        self.bind(*arguments, options={**keys, **SOON})

    def test_what_hangs_only_when_it_is_done_times_out_too(self):
        """It answers while paths are looked up, and no more when they are used."""
        self.during(support.polkit_answer("yes", "org.usher1.mount", "alice"))
        target, other = self.directory("m"), self.directory("other")
        with self.stuck({GETATTR: 1, STATFS: 1}), self.taking(0.15), self.refused("TimedOut"):
            self.mount("", target, "overlay", [f"lowerdir={self.spot}:{other}"], SOON)
        self.assert_not_mounted(target)

    def test_what_a_child_made_to_work_for_it_goes_with_it(self):
        """The layers of an overlay are looked at by a process in namespaces of its own."""
        self.during(support.polkit_answer("yes", "org.usher1.mount", "alice"))
        target, other = self.directory("m"), self.directory("other")
        with self.stuck({GETATTR: 1, STATFS: 1}, reads=False):
            with self.refused("TimedOut"):
                self.mount("", target, "overlay", [f"lowerdir={self.spot}:{other}"], SOON)
            wait_until(lambda: not support.children(WORKER), "nothing hangs any more", SOONER)
        self.assert_not_mounted(target)

    def test_a_mount_that_was_made_too_late_goes_again(self):
        self.during(support.polkit_answer("yes", "org.usher1.mount", "alice"))
        target, other = self.directory("m"), self.directory("other")
        answers = {GETATTR: 1, STATFS: 1}
        with self.stuck(answers) as filesystem:
            with self.refused("TimedOut"):
                self.mount("", target, "overlay", [f"lowerdir={self.spot}:{other}"], SOON)
            filesystem.end()
            wait_until(lambda: not support.children(WORKER), "the child has ended")
        self.assert_not_mounted(target)
        self.assertEqual([path for path in self.alice.objects("Mount") if self.alice.get("Mount", "Target", path) == target], [])

    def test_the_default_is_ten_seconds_and_a_millisecond_is_possible(self):
        with self.stuck(reads=False):
            pending = self.alice.begin("Mounts", "Mount", "", self.spot, "tmpfs", [], {})
            self.assertFalse(pending.is_done(1.5), "nothing has timed out yet")
            os.kill(self.child(), signal.SIGKILL)
            with self.refused("Failed"):
                pending.result()
            with self.taking(0), self.refused("TimedOut"):
                self.begin(0.001).result()

    def test_others_are_served_meanwhile(self):
        other = self.client("alice", session=True)
        self.addCleanup(self.sit_down)
        target = self.directory("m")
        with self.stuck() as filesystem:
            pending = self.begin(60)
            self.child()
            for _ in range(5):
                self.unmount(self.mount("", target, "tmpfs", client=other), other)
            self.assertFalse(pending.is_done())
            filesystem.end()
            with self.assertRaises(support.DBusError):
                pending.result()

    def test_many_that_hang_keep_nobody_from_being_served(self):
        target = self.directory("m")
        clients = [self.client("alice") for _ in range(3)]
        with self.stuck() as filesystem:
            pending = [client.begin("Mounts", "OpenTree", self.spot, [], {"deadline_usec": Variant("t", 60000000)})
                       for client in clients]
            wait_until(lambda: len(support.children(WORKER)) == 3, "three children hang")
            self.unmount(self.mount("", target, "tmpfs"))
            self.assertEqual(len(support.children(WORKER)), 3, "they still do")
            filesystem.end()
            for one in pending:
                with self.assertRaises(support.DBusError):
                    one.result()

    def test_the_service_is_restarted_while_something_hangs(self):
        with self.stuck():
            self.begin(5, self.client("alice"))
            self.child()
            with self.taking(0):
                subprocess.run(["systemctl", "restart", "usherd.service"], check=True)
            self.assertEqual(self.client("bob").call("Host", "GetHostname", {}), os.uname().nodename)


def flood(count, spot):
    """So many calls on one connection, none of which is answered soon: the names and messages of the errors that came first."""
    import dbus
    import dbus.lowlevel
    bus = dbus.bus.BusConnection(dbus.bus.BusConnection.TYPE_SYSTEM)
    errors = []
    message = dbus.lowlevel.MethodCallMessage("org.usher1", "/org/usher1", "org.usher1.Mounts", "OpenTree")
    message.append(spot, [], {"deadline_usec": dbus.UInt64(2000000)}, signature="sasa{sv}")
    for _ in range(count):
        bus.send_message(message.copy())
    for _ in range(3):
        try:
            bus.send_message_with_reply_and_block(message.copy(), 1)
        except dbus.DBusException as error:
            errors.append((error.get_dbus_name(), error.get_dbus_message()))
    return errors


class Limits(Stuck):
    def test_one_user_who_asks_for_too_much_at_once_is_told_the_limit_and_others_are_served(self):
        greedy = self.client("bob")
        os.chmod("/home/alice", 0o711)
        self.addCleanup(os.chmod, "/home/alice", 0o700)
        os.chmod(self.home, 0o755)
        target = self.directory("m")
        with self.stuck(reads=False):
            for name, message in greedy.run(flood, 64, self.spot):
                self.assertEqual(name, support.ERROR + "LimitExceeded")
                self.assertIn("64", message)
            self.assertLessEqual(len(support.children(WORKER)), 64)
            with self.taking(0):
                self.unmount(self.mount("", target, "tmpfs"))
            wait_until(lambda: not support.children(WORKER), "the children end with their deadlines")
        self.assertEqual(greedy.call("Host", "GetHostname", {}), os.uname().nodename)


class Deaths(Stuck):
    def test_a_child_that_is_killed_while_it_looks_is_told_as_such(self):
        with self.stuck(reads=False):
            pending = self.begin(60)
            os.kill(self.child(), signal.SIGKILL)
            with self.taking(0), self.refused("Failed", "died"):
                pending.result()
        self.assert_not_mounted(self.spot)

    def test_a_child_that_is_killed_while_it_works_leaves_nothing(self):
        self.during(support.polkit_answer("yes", "org.usher1.mount", "alice"))
        target, other = self.directory("m"), self.directory("other")
        with self.stuck({GETATTR: 1, STATFS: 1}, reads=False):
            pending = self.alice.begin("Mounts", "Mount", "", target, "overlay", [f"lowerdir={self.spot}:{other}"],
                                       {"deadline_usec": Variant("t", 60000000)})
            child = self.child()
            wait_until(lambda: "Seccomp:\t2" in open(f"/proc/{child}/status", encoding="ascii").read(), "it is at work")
            time.sleep(0.2)
            support.kill_children(WORKER)
            with self.taking(0), self.refused("Failed"):
                pending.result()
        self.assert_not_mounted(target)
        self.assertEqual(self.alice.objects("Mount"), [])

    def test_what_a_child_made_to_help_it_ends_with_it(self):
        """Whatever moment the deadline comes at: while maps of ids are written, while an overlay is made."""
        source, target, other = self.directory("s"), self.directory("m"), self.directory("other")
        makers = (lambda keys: self.alice.call("Mounts", "Bind", source, target, [], {"idmap": f"{self.uid} {self.uid} 1", **keys}),
                  lambda keys: self.alice.call("Mounts", "Mount", "", target, "overlay", [f"lowerdir={source}:{other}"], keys))
        late = 0
        for make in makers:
            for usec in range(1000, 9000, 100):
                try:
                    self.unmount(make({"deadline_usec": Variant("t", usec)}))
                except support.DBusError as error:
                    self.assertIn(error.name, (support.ERROR + "TimedOut", support.ERROR + "Failed"), error.message)
                    late += 1
        self.assertGreater(late, 10, "some of them were too late")
        wait_until(lambda: not support.children(WORKER), "nobody is left", SOONER)

    def test_the_next_call_is_served_after_the_worker_itself_was_killed(self):
        support.kill_worker()
        target = self.directory("m")
        self.mount("", target, "tmpfs")
        self.assert_mounted(target)

    def test_the_child_of_a_caller_that_left_ends_with_its_deadline(self):
        caller = self.client("alice")
        with self.stuck(reads=False):
            self.begin(1, caller)
            self.child()
            caller.kill()
            with self.taking(0):
                wait_until(lambda: not support.children(WORKER), "nobody waits for the answer any more")

    def test_a_caller_that_is_killed_while_its_call_is_done_gets_nothing_that_goes_with_its_connection(self):
        for _ in range(5):
            caller = self.client("alice", session=True)
            target = self.directory(f"m{_}")
            caller.begin("Mounts", "Mount", "", target, "tmpfs", [], {"lifetime": "connection"})
            time.sleep(0.002 * _)
            caller.kill()
            wait_until(lambda: not support.children(WORKER), "the work is done")
            wait_until(lambda: support.mount_at(target) is None, "the mount has gone with its connection")
        self.sit_down()
