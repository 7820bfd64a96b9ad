# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machine's clock jumps, and what is under way notices nothing.

It is the clock of everybody on the machine, so this is done only where JUMP says by how many seconds: forward and, a little
later, as far back, and each time it is set right again after the three seconds that the test takes."""

import contextlib
import os
import select
import time
import unittest

import support
from support import StuckFilesystem, Variant

JUMP = int(os.environ.get("JUMP") or 0)
SECOND = 1000000


@contextlib.contextmanager
def jumped(seconds):
    """Meanwhile it is so much later; or earlier."""
    ahead = time.time() - time.monotonic()
    time.clock_settime(time.CLOCK_REALTIME, time.monotonic() + ahead + seconds)
    try:
        yield
    finally:
        time.clock_settime(time.CLOCK_REALTIME, time.monotonic() + ahead)


@unittest.skipUnless(JUMP, "JUMP does not say by how many seconds the machine's clock may be set")
class Clock(support.PersonTestCase):
    def timer(self, client, clock, seconds):
        _, descriptor = client.call("Timers", "Create", clock, seconds * SECOND, 0, {}, signature="stta{sv}")
        self.addCleanup(descriptor.close)
        return descriptor

    def play(self, seconds):
        target = self.directory(f"m{seconds}")
        question = self.caller.begin("Mounts", "Mount", "", "/mnt", "tmpfs", [], {}, interactive=True)
        cookie, _, _ = self.person.question()
        waiting, other = self.client("alice"), self.client("alice")
        process, pidfd = other.call("Processes", "Spawn", ["/bin/sleep", "2"], {}, {}, {}, signature="asa{ss}a{uh}a{sv}")
        self.addCleanup(pidfd.close)
        with StuckFilesystem(target, "alice"):
            began = time.monotonic()
            timers = {clock: self.timer(other, clock, 2) for clock in ("monotonic", "boottime", "realtime")}
            stuck = waiting.begin("Mounts", "Mount", "", target, "tmpfs", [], {"deadline_usec": Variant("t", 2 * SECOND)})
            support.wait_until(lambda: len(support.children("usher-worker.service")) == 2, "both children are at work")
            with jumped(seconds):
                early, _, _ = select.select(timers.values(), [], [], 1)
                self.assertEqual([clock for clock, descriptor in timers.items() if descriptor in early], [], "these went off early")
                self.assertFalse(stuck.is_done(), "the deadline has not passed")
                for clock, descriptor in timers.items():
                    self.assertTrue(select.select([descriptor], [], [], max(0.0, began + 4 - time.monotonic()))[0], f"{clock} goes off")
                self.assertTrue(stuck.is_done(max(0.0, began + 5 - time.monotonic())), "the deadline has passed")
                self.assertFalse(question.is_done(), "the question waits for an answer")
        with self.refused("TimedOut"):
            stuck.result()
        self.assertTrue(select.select([pidfd], [], [], 5)[0], "the program has ended")
        self.assertEqual(other.call("Process", "Wait", {}, path=process, signature="a{sv}"), ("exited", 0))
        self.person.answer(cookie)
        self.unmount(question.result())

    def test_what_is_under_way_notices_no_jump(self):
        pid = support.main_pid("usherd.service")
        for seconds in (JUMP, -JUMP):
            with self.subTest(seconds=seconds):
                self.play(seconds)
        self.assertEqual(support.main_pid("usherd.service"), pid, "nor does the service leave, or die")
