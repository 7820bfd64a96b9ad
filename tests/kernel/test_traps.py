# SPDX-License-Identifier: LGPL-2.1-or-later
"""Traps: processes whose signals are told on the bus."""

import contextlib
import ctypes
import json
import os
import resource
import signal
import struct
import subprocess
import time
import unittest

import ring
import tracing
from ring import Descriptor, Variant, wait_until

SI_QUEUE = -1
CLD_EXITED, CLD_KILLED = 1, 2
TICK = 10000  # microseconds


def queue(pid, number, value):
    """sigqueue(3)"""
    ring.checked(ring.libc.sigqueue(pid, number, ctypes.c_void_p(value)), "sigqueue")


class TestCase(ring.TestCase):
    def setUp(self):
        super().setUp()
        self.me.subscribe()

    def trap(self, *signals, client=None, **keys):
        path, pid, pidfd = (client or self.me).call("Signals", "Trap", list(signals), keys)
        self.addCleanup(pidfd.close)
        return path, pid, pidfd

    def received(self, path, timeout=10):
        return self.me.signal("Received", path=path, timeout=timeout)[3]

    def refused(self, error, word, *signals, **keys):
        with self.assertRaises(ring.DBusError) as caught:
            self.trap(*signals, **keys)
        self.assertEqual(caught.exception.name, f"org.usher1.Error.{error}")
        self.assertIn(word, str(caught.exception))


class Traps(TestCase):
    @staticmethod
    def links(pid):
        """What its descriptors are; none that goes meanwhile."""
        found = []
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                found.append(os.readlink(f"/proc/{pid}/fd/{fd}").split(":")[0])
        return sorted(found)

    def test_a_signal_is_told_with_who_sent_it_how_and_when(self):
        path, pid, pidfd = self.trap("USR1", "SIGTERM", "RTMIN", "RTMIN+5")
        self.assertEqual(self.me.get_all("SignalTrap", path=path), {"Signals": ["USR1", "TERM", "RTMIN+0", "RTMIN+5"], "Pid": pid,
                                                                     "Owner": os.geteuid()})
        before = time.time_ns() // 1000
        os.kill(pid, signal.SIGTERM)
        *told, usec = self.received(path)
        self.assertEqual(told, ["TERM", os.getpid(), os.geteuid(), 0, 0])
        self.assertTrue(before <= usec <= time.time_ns() // 1000)
        for number, name in ((signal.SIGUSR1, "USR1"), (signal.SIGRTMIN, "RTMIN+0"), (signal.SIGRTMIN + 5, "RTMIN+5")):
            queue(pid, number, 4711)
            self.assertEqual(self.received(path)[:5], (name, os.getpid(), os.geteuid(), SI_QUEUE, 4711))
        signal.pidfd_send_signal(pidfd.fileno(), signal.SIGUSR1)
        self.assertEqual(self.received(path)[0], "USR1")

    def test_real_time_signals_come_one_by_one_and_in_order(self):
        path, pid, _ = self.trap("RTMIN+2")
        count = min(300, resource.getrlimit(resource.RLIMIT_SIGPENDING)[0] // 2)
        for number in range(count):
            while True:
                try:
                    queue(pid, signal.SIGRTMIN + 2, number)
                    break
                except BlockingIOError:
                    time.sleep(0.01)
        self.assertEqual([self.received(path)[4] for _ in range(count)], list(range(count)))

    def test_it_is_told_to_the_connection_that_it_goes_with_alone(self):
        with self.service.client() as other:
            other.subscribe()
            path, pid, _ = self.trap("USR1")
            os.kill(pid, signal.SIGUSR1)
            self.received(path)
            self.assertEqual([member for _, _, member, _ in other.signals()], ["InterfacesAdded"])

    def test_other_signals_do_what_they_do(self):
        path, pid, pidfd = self.trap("USR1")
        os.kill(pid, signal.SIGUSR2)
        wait_until(lambda: self.me.objects("SignalTrap") == [], "it ends")
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "nothing is left of it")

    def test_closing_ends_the_process(self):
        path, pid, _ = self.trap("USR1", "TERM", "INT", "HUP")
        self.me.call("SignalTrap", "Close", {}, path=path)
        self.assertEqual(self.me.objects("SignalTrap"), [])
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "nothing is left of it")

    def test_it_goes_with_its_connection(self):
        with self.service.client() as other:
            _, pid, _ = self.trap("USR1", "TERM", client=other)
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "nothing is left of it")
        wait_until(lambda: self.me.objects("SignalTrap") == [], "nor of its object")

    def test_it_ends_with_its_keeper_and_what_was_told_has_no_gap(self):
        path, pid, _ = self.trap("RTMIN", "TERM")
        keeper = int(ring.read(f"/proc/{pid}/stat").rpartition(")")[2].split()[1])
        told = []
        with contextlib.suppress(ProcessLookupError):
            for number in range(100):
                queue(pid, signal.SIGRTMIN, number)
                if number == 50:
                    told.append(self.received(path)[4])
                    os.kill(keeper, signal.SIGKILL)
        while (heard := self.me.signal())[2] != "InterfacesRemoved":
            if heard[2] == "Received":
                told.append(heard[3][4])
        self.assertEqual(told, list(range(len(told))))
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "nothing is left of it")

    def test_it_has_nothing_of_the_services(self):
        _, pid, _ = self.trap("USR1")
        wait_until(lambda: ring.read(f"/proc/{pid}/comm") == "usher-trap\n", "it is what it is")
        wait_until(lambda: "anon_inode" in self.links(pid), "it has begun")
        self.assertEqual(self.links(pid), ["/dev/null", "/dev/null", "anon_inode", "pipe"])
        status = dict(line.split(":\t") for line in ring.read(f"/proc/{pid}/status").splitlines())
        self.assertEqual((int(status["CapEff"], 16), int(status["CapPrm"], 16), status["NoNewPrivs"]), (0, 0, "1"))
        self.assertEqual(ring.read(f"/proc/{pid}/environ"), "")
        self.assertEqual(os.readlink(f"/proc/{pid}/cwd"), "/")

    def test_what_it_writes_is_not_believed(self):
        path, pid, _ = self.trap("USR1")
        wait_until(lambda: "anon_inode" in self.links(pid), "it has begun")
        with open(f"/proc/{pid}/fd/1", "wb", buffering=0) as file:
            for number in (0, 9, 65, 10000, signal.SIGTERM):
                file.write(struct.pack("=I132x", number))
            os.kill(pid, signal.SIGUSR1)
            self.assertEqual(self.received(path)[:3], ("USR1", os.getpid(), os.geteuid()))
            file.write(b"nonsense")
        os.kill(pid, signal.SIGUSR1)
        self.assertEqual([member for _, _, member, _ in self.me.signals(quiet=0.5) if member == "Received"], [])
        self.me.call("SignalTrap", "Close", {}, path=path)
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "nothing is left of it")

    def test_a_sender_elsewhere_has_its_number_here(self):
        space = self.me.call("Namespaces", "Create", "box", ["user", "pid", "mnt"], {"map_zero": True})
        path, pid, _ = self.trap("USR1", "RTMIN+1", **{"in": Variant("o", space)})
        inside = int(ring.read(f"/proc/{pid}/status").split("NSpid:")[1].splitlines()[0].split()[-1])
        self.assertNotEqual(inside, pid)
        os.kill(pid, signal.SIGUSR1)
        self.assertEqual(self.received(path)[:3], ("USR1", 0, os.geteuid()), "which has no number in there")
        sender, pidfd = self.me.call("Processes", "Spawn", ["/bin/sh", "-c", f"kill -USR1 {inside}; kill -35 {inside}; sleep 60"], {}, {},
                                     {"in": Variant("o", space)})
        self.addCleanup(pidfd.close)
        told = [self.received(path)[:3] for _ in range(2)]
        number = 0 if ring.OLD else self.me.get("Process", "Pid", path=sender)  # before Linux 6.11 nobody can tell
        self.assertEqual(sorted(told), [("RTMIN+1", number, os.geteuid()), ("USR1", number, os.geteuid())])
        self.me.call("Namespace", "Destroy", {}, path=space)
        wait_until(lambda: self.me.objects("SignalTrap") == [], "it goes with the namespaces")

    def test_what_is_wrong_is_named(self):
        self.refused("InvalidArgument", "signals: names none")
        self.refused("InvalidArgument", "signals: 'BANG'", "TERM", "BANG")
        self.refused("InvalidArgument", "KILL", "KILL")
        self.refused("InvalidArgument", "lifetime", "TERM", lifetime="manual")
        path, _, _ = self.trap("TERM")
        with Descriptor(os.pidfd_open(os.getpid()), True) as pidfd, self.assertRaises(ring.DBusError) as caught:
            self.me.call("SignalTrap", "Close", {"in": pidfd}, path=path)
        self.assertIn("InvalidArgument", str(caught.exception))


@unittest.skipUnless(os.uname().machine == "x86_64", "the registers of another machine")
class Children(TestCase):
    """The process has none but those that its owner has it make."""

    @staticmethod
    def work(pid):
        """A child that has worked for a while, and is ended."""
        def worked():
            fields = ring.read(f"/proc/{child}/stat").rpartition(")")[2].split()
            return int(fields[11]) >= 15

        child = tracing.bear(pid, works=True)
        wait_until(worked, "it has worked for some ticks")
        os.kill(child, signal.SIGKILL)
        return child

    def test_of_a_child_it_is_told_how_it_ended_and_how_long_it_took(self):
        path, pid, _ = self.trap("CHLD", "USR1")
        child = tracing.bear(pid)
        self.assertEqual(self.me.signal("ChildTimes", path=path)[3][0], child)
        self.assertEqual(self.received(path)[:5], ("CHLD", child, os.geteuid(), CLD_EXITED, 1))
        child = self.work(pid)
        its, user, system = self.me.signal("ChildTimes", path=path)[3]
        self.assertEqual(its, child)
        self.assertGreaterEqual(user, 10 * TICK)
        self.assertLess(system, user)
        self.assertEqual((user % TICK, system % TICK), (0, 0))
        self.assertEqual(self.received(path)[:5], ("CHLD", child, os.geteuid(), CLD_KILLED, signal.SIGKILL))

    def test_of_who_says_that_he_is_a_child_no_time_is_told(self):
        path, pid, _ = self.trap("CHLD", "USR1")
        os.kill(pid, signal.SIGCHLD)
        self.assertEqual(self.received(path)[:4], ("CHLD", os.getpid(), os.geteuid(), 0))
        queue(pid, signal.SIGCHLD, 4711)
        self.assertEqual(self.received(path)[:5], ("CHLD", os.getpid(), os.geteuid(), SI_QUEUE, 4711))
        self.assertEqual([member for _, _, member, _ in self.me.signals(quiet=0.3) if member == "ChildTimes"], [])

    def test_the_command_prints_it(self):
        environment = {**os.environ, "USHER_BUS": self.service.bus.address, "LD_LIBRARY_PATH": ring.BUILD}
        for words in ((), ("--json",)):
            with subprocess.Popen([f"{ring.BUILD}/usher", *words, "trap", "--once", "CHLD"], env=environment, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, text=True) as command:
                begun = command.stdout.readline()
                pid = json.loads(begun)["pid"] if words else int(begun)
                wait_until(lambda: ring.state_of(pid) == "S" and ring.read(f"/proc/{pid}/comm") == "usher-trap\n", "it waits")
                child, told = self.work(pid), command.stdout.read()
            if not words:
                self.assertRegex(told, f"  CHLD  pid {child}  uid {os.geteuid()}  code 2  value 9  "
                                       "user 0\\.[1-9][0-9]s  system 0\\.[0-9]{2}s\n\\Z")
                continue
            row = json.loads(told)
            self.assertEqual([row[key] for key in ("signal", "pid", "code", "value")], ["CHLD", child, CLD_KILLED, signal.SIGKILL])
            self.assertGreaterEqual(row["user_usec"], 10 * TICK)
            self.assertLess(row["system_usec"], row["user_usec"])


class Restarts(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = ring.Service(store=True)

    def tearDown(self):
        for path in self.me.objects("SignalTrap"):
            self.me.call("SignalTrap", "Close", {}, path=path)
        self.service.store.serve()
        self.assertEqual(self.service.store.kept, {}, "what is gone is in the store no more")

    def test_what_comes_while_the_service_is_dead_is_told_when_it_is_back(self):
        path, pid, _ = self.trap("RTMIN", "USR1")
        self.service.stop(signal.SIGKILL)
        for number in range(20):
            queue(pid, signal.SIGRTMIN, number)
        self.service.start()
        self.assertEqual([self.received(path)[4] for _ in range(20)], list(range(20)))
        self.assertEqual(self.me.get("SignalTrap", "Pid", path=path), pid)
        os.kill(pid, signal.SIGUSR1)
        self.assertEqual(self.received(path)[0], "USR1")

    def test_it_goes_with_a_connection_that_went_while_nobody_looked(self):
        other = self.service.client()
        _, pid, _ = self.trap("USR1", client=other)
        self.service.stop(signal.SIGKILL)
        other.kill()
        self.service.start()
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "nothing is left of it")
        wait_until(lambda: self.me.objects("SignalTrap") == [], "nor of its object")
