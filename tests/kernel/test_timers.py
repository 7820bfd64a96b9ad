# SPDX-License-Identifier: LGPL-2.1-or-later
"""Timers: that they go off, on the bus and on the descriptor, and on no other day."""

import ctypes
import errno
import os
import select
import signal
import struct
import subprocess
import time

import ring
from ring import Descriptor, Variant, wait_until

EXPIRED = 8  # bytes of a timerfd that is read


def usec(seconds):
    return int(seconds * 1000000)


def now(clock):
    return time.clock_gettime_ns(clock) // 1000


class Timespec(ctypes.Structure):
    _fields_ = [("sec", ctypes.c_long), ("nsec", ctypes.c_long)]


class Itimerspec(ctypes.Structure):
    _fields_ = [("interval", Timespec), ("value", Timespec)]


def gettime(descriptor):
    """What is left, and the interval, in microseconds."""
    spec = Itimerspec()
    ring.checked(ring.libc.timerfd_gettime(descriptor.fileno(), ctypes.byref(spec)), "timerfd_gettime")
    return tuple(part.sec * 1000000 + part.nsec // 1000 for part in (spec.value, spec.interval))


class TestCase(ring.TestCase):
    def setUp(self):
        super().setUp()
        self.me.subscribe()

    def create(self, clock="monotonic", initial=0, interval=0, client=None, **keys):
        path, descriptor = (client or self.me).call("Timers", "Create", clock, initial, interval, keys)
        self.addCleanup(descriptor.close)
        return path, descriptor

    def set(self, path, initial, interval=0, **keys):
        self.me.call("Timer", "Set", initial, interval, keys, path=path)

    def elapsed(self, path, **keywords):
        return self.me.signal("Elapsed", path=path, **keywords)[3][0]

    @staticmethod
    def read(descriptor, timeout=10):
        """How often it has gone off, by the descriptor."""
        assert select.select([descriptor], [], [], timeout)[0], "it does not go off"
        return struct.unpack("=Q", os.read(descriptor.fileno(), EXPIRED))[0]

    def refused(self, error, word, *arguments, **keys):
        with self.assertRaises(ring.DBusError) as caught:
            self.create(*arguments, **keys)
        self.assertEqual(caught.exception.name, f"org.usher1.Error.{error}")
        self.assertIn(word, str(caught.exception))


class Timers(TestCase):
    def test_one_goes_off_on_the_bus_and_on_the_descriptor(self):
        for clock in ("realtime", "monotonic", "boottime"):
            with self.subTest(clock=clock):
                path, descriptor = self.create(clock, usec(0.05))
                self.assertEqual(self.elapsed(path), 1)
                self.assertEqual(self.read(descriptor), 1)
                self.assertEqual(self.me.get_all("Timer", path=path), {"Clock": clock, "IntervalUSec": 0, "Owner": os.geteuid()})
                self.assertEqual([member for _, _, member, _ in self.me.signals(quiet=0.1)], ["InterfacesAdded"])

    def test_not_before_its_time(self):
        began = now(time.CLOCK_MONOTONIC)
        path, _ = self.create(initial=usec(0.3))
        self.elapsed(path)
        self.assertGreaterEqual(now(time.CLOCK_MONOTONIC) - began, usec(0.3))

    def test_it_goes_off_again_and_again_and_is_told_ten_times_a_second(self):
        path, descriptor = self.create(initial=1, interval=usec(0.001))
        self.assertEqual(self.me.get("Timer", "IntervalUSec", path=path), 1000)
        began, told, count = time.monotonic(), 0, 0
        while count < 1000:
            count += self.elapsed(path)
            told += 1
        took = time.monotonic() - began
        self.assertGreater(took, 0.8)
        self.assertLessEqual(told, took * 10 + 2)
        self.assertGreaterEqual(self.read(descriptor), 1000)

    def test_at_a_time_of_the_clock(self):
        path, _ = self.create("realtime", now(time.CLOCK_REALTIME) + usec(0.1), absolute=True)
        self.assertEqual(self.elapsed(path), 1)
        path, _ = self.create("monotonic", 1, absolute=True)
        self.assertEqual(self.elapsed(path), 1)

    def test_0_is_never_and_set_is_anew(self):
        path, descriptor = self.create()
        self.assertEqual(gettime(descriptor), (0, 0))
        self.set(path, usec(100), usec(7))
        left, interval = gettime(descriptor)
        self.assertEqual((left // usec(1) in (99, 100), interval), (True, usec(7)))
        _, _, _, (_, properties, _) = self.me.signal("PropertiesChanged", path=path)
        self.assertEqual(properties, {"IntervalUSec": usec(7)})
        self.set(path, 0)
        self.assertEqual(gettime(descriptor), (0, 0))
        self.set(path, now(time.CLOCK_MONOTONIC) + usec(0.05), absolute=True)
        self.assertEqual((self.elapsed(path), self.read(descriptor)), (1, 1))

    def test_with_slack_it_waits_for_a_full_second(self):
        _, descriptor = self.create("boottime", usec(1000), slack_usec=Variant("t", usec(1)))
        before = now(time.CLOCK_BOOTTIME)
        left, _ = gettime(descriptor)
        earliest, latest = before + left, now(time.CLOCK_BOOTTIME) + left
        self.assertLess((earliest - 5000) // usec(1), (latest + 5000) // usec(1), "a full second is between them")
        self.assertLess(latest - earliest, usec(0.9), "and not because of the time that it took to ask")
        self.assertGreaterEqual(left, usec(999))
        self.assertLessEqual(left, usec(1001))
        _, exact = self.create("boottime", usec(1000))
        self.assertLessEqual(gettime(exact)[0], usec(1000))

    def test_the_descriptor_outlives_the_object(self):
        path, descriptor = self.create(initial=usec(0.2))
        self.me.call("Timer", "Close", {}, path=path)
        self.assertEqual(self.me.objects("Timer"), [])
        self.me.signal("InterfacesRemoved")
        self.assertEqual(self.read(descriptor), 1)
        self.assertNotIn("Elapsed", [member for _, _, member, _ in self.me.signals()])

    def test_it_goes_with_its_connection_unless_it_is_manual(self):
        other = self.service.client()
        self.create(client=other)
        stays, _ = self.create(client=other, initial=usec(0.5), lifetime="manual")
        self.assertEqual(len(self.me.objects("Timer")), 2)
        other.kill()
        wait_until(lambda: self.me.objects("Timer") == [stays], "the one has gone and the other not")
        self.assertEqual(self.elapsed(stays), 1)
        self.me.call("Timer", "Close", {}, path=stays)

    def test_it_is_told_to_the_connection_that_it_goes_with_alone(self):
        with self.service.client() as other:
            other.subscribe()
            path, _ = self.create(initial=usec(0.05))
            self.elapsed(path)
            self.assertEqual([member for _, _, member, _ in other.signals()], ["InterfacesAdded"])

    def test_what_is_wrong_is_named(self):
        self.refused("InvalidArgument", "clock: 'sundial'", "sundial")
        self.refused("InvalidArgument", "cancel_on_set", "realtime", cancel_on_set=True)
        self.refused("InvalidArgument", "cancel_on_set", "monotonic", 5, cancel_on_set=True, absolute=True)
        self.refused("InvalidArgument", "lifetime", lifetime="forever")
        path, _ = self.create()
        with Descriptor(os.pidfd_open(os.getpid()), True) as pidfd, self.assertRaises(ring.DBusError) as caught:
            self.me.call("Timer", "Close", {"in": pidfd}, path=path)
        self.assertIn("InvalidArgument", str(caught.exception))

    def test_a_clock_that_wakes_is_refused_in_words_or_goes_off(self):
        for clock in ("realtime-alarm", "boottime-alarm"):
            try:
                path, descriptor = self.create(clock, usec(0.05))
            except ring.DBusError as error:
                self.assertIn(error.name, ("org.usher1.Error.NotSupported", "org.usher1.Error.NotPermitted"))
                self.assertIn("wake", str(error))
                continue
            self.assertEqual((self.elapsed(path), self.read(descriptor)), (1, 1))

    def test_who_sets_the_clock_cancels(self):
        path, descriptor = self.create("realtime", now(time.CLOCK_REALTIME) + usec(1000), absolute=True, cancel_on_set=True)
        other, _ = self.create("realtime", now(time.CLOCK_REALTIME) + usec(1000), absolute=True)
        try:
            time.clock_settime_ns(time.CLOCK_REALTIME, time.clock_gettime_ns(time.CLOCK_REALTIME))
        except PermissionError:
            self.skipTest("the clock cannot be set here")
        self.me.signal("Cancelled", path=path)
        with self.assertRaises(OSError) as caught:
            os.read(descriptor.fileno(), EXPIRED)
        self.assertEqual(caught.exception.errno, errno.ECANCELED)
        self.assertEqual([path for path, _, member, _ in self.me.signals() if member == "Cancelled" and path == other], [])

    def test_a_time_is_that_of_the_place(self):
        ahead = 100000
        # pylint: disable-next=consider-using-with
        process = subprocess.Popen(["unshare", "--time", "--monotonic", str(ahead), "--fork", "--kill-child", "sleep", "1000"],
                                   stdin=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        inside = wait_until(lambda: ring.children_of(process.pid), "it is there")[0]
        wait_until(lambda: ring.read(f"/proc/{inside}/comm") == "sleep\n", "and in its namespace")
        with Descriptor(os.pidfd_open(inside), True) as pidfd:
            at = now(time.CLOCK_MONOTONIC) + usec(ahead + 1000)
            _, descriptor = self.create("monotonic", at, absolute=True, **{"in": pidfd})
            self.assertAlmostEqual(gettime(descriptor)[0], usec(1000), delta=usec(5))
            path, _ = self.create("monotonic", at - usec(2000), absolute=True, **{"in": pidfd})
            self.assertEqual(self.elapsed(path), 1)


class Restarts(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = ring.Service(store=True)

    def tearDown(self):
        for path in self.me.objects("Timer"):
            self.me.call("Timer", "Close", {}, path=path)
        self.service.store.serve()
        self.assertEqual(self.service.store.kept, {}, "what is gone is in the store no more")

    def test_a_time_that_comes_while_the_service_is_dead_is_told_when_it_is_back(self):
        path, descriptor = self.create("boottime", usec(0.1), usec(0.1))
        other, untold = self.create("realtime", usec(1000), slack_usec=Variant("t", 0))
        self.set(other, usec(1000), usec(3))
        self.service.stop(signal.SIGKILL)
        self.assertGreaterEqual(self.read(descriptor), 1)
        time.sleep(0.3)
        self.service.start()
        self.assertGreaterEqual(self.elapsed(path), 3)
        self.assertEqual(sorted(self.me.objects("Timer")), sorted([path, other]))
        self.assertEqual(self.me.get("Timer", "IntervalUSec", path=other), usec(3))
        self.set(other, usec(0.01))
        self.assertEqual((self.elapsed(other), self.read(untold)), (1, 1))

    def test_it_goes_with_a_connection_that_went_while_nobody_looked(self):
        other = self.service.client()
        _, descriptor = self.create(initial=usec(1), client=other)
        self.service.stop(signal.SIGKILL)
        other.kill()
        self.service.start()
        wait_until(lambda: self.me.objects("Timer") == [], "it has gone")
        self.assertEqual(self.read(descriptor), 1)

    def test_an_orderly_restart_keeps_it(self):
        path, descriptor = self.create(initial=usec(0.5), lifetime="manual")
        self.service.restart()
        self.assertEqual(self.me.objects("Timer"), [path])
        self.assertEqual(self.read(descriptor), 1)
