# SPDX-License-Identifier: LGPL-2.1-or-later
"""Traps and timers on the running system: whose they are, who is told, what ends them and what does not."""

import ctypes
import json
import os
import pwd
import random
import select
import signal
import struct
import subprocess
import time

import support
from support import Place, wait_until

USHERD, SPAWNER = "usherd.service", "usher-spawner.service"
BUS = "org.freedesktop.DBus.Error."
SECOND = 1000000
ROUNDS = int(os.environ.get("SIGNAL_ROUNDS", "4"))


def exists(pid):
    return os.path.exists(f"/proc/{pid}")


def send(pid, number):
    """As the client's process; the errno, or 0."""
    try:
        os.kill(pid, number)
    except OSError as error:
        return error.errno
    return 0


def queue(pid, number, value):
    libc = ctypes.CDLL(None, use_errno=True)
    return 0 if libc.sigqueue(pid, number, ctypes.c_void_p(value)) == 0 else ctypes.get_errno()


def kill_broker():
    """As a crash would; the next one is there when this returns."""
    pid = support.main_pid(USHERD)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: support.main_pid(USHERD) not in (0, pid), "systemd has started a new broker")


class SignalTestCase(support.TestCase):
    """Alice and bob, each of whom hears of everything that is told them; and nothing is left."""

    @classmethod
    def setUpClass(cls):
        """What systemd has been told to forget it forgets in its time, and what other tests left to go goes in its."""
        super().setUpClass()
        seen = []

        def steady():
            seen.append((time.monotonic(), cls.kept()))
            return seen[-1][0] - seen[0][0] > 1.5 and len({count for at, count in seen if seen[-1][0] - at < 1.5}) == 1
        wait_until(steady, "systemd keeps what it will keep", 30)

    def setUp(self):
        super().setUp()
        support.settle()
        self.alice, self.bob = self.client("alice", session=True), self.client("bob")
        for client in (self.alice, self.bob):
            client.subscribe()
        self.uid = pwd.getpwnam("alice").pw_uid
        # what an earlier test left goes before anything is counted: systemd is told to forget it before it is no object any more
        wait_until(lambda: not support.root().objects() and not support.children(SPAWNER), "nothing of an earlier test is left")
        self.before = self.kept()
        self.addCleanup(self.nothing_left)

    @staticmethod
    def kept():
        return int(support.unit(USHERD, "NFileDescriptorStore"))

    def nothing_left(self):
        for client in (self.alice, self.bob):
            client.close()
        for interface in ("Timer", "SignalTrap"):
            for path in support.root().objects(interface):
                with support.contextlib.suppress(support.DBusError):
                    support.root().call(interface, "Close", {}, path=path)
        wait_until(lambda: not support.children(SPAWNER), "no keeper is left")
        wait_until(lambda: self.kept() == self.before, "systemd keeps nothing of it, and has forgotten nothing else")

    def limit(self, **limits):
        os.makedirs("/run/usher/usherd.conf.d", exist_ok=True)
        name = "/run/usher/usherd.conf.d/99-test.conf"
        support.write_file(name, "[Limits]\n" + "".join(f"{key}={value}\n" for key, value in limits.items()))
        self.addCleanup(subprocess.run, ["systemctl", "reload", USHERD], check=True)
        self.addCleanup(os.unlink, name)
        subprocess.run(["systemctl", "reload", USHERD], check=True)

    def trap(self, *signals, client=None, **keys):
        path, pid, pidfd = (client or self.alice).call("Signals", "Trap", list(signals), keys)
        self.addCleanup(pidfd.close)
        return path, pid

    def timer(self, clock="boottime", initial=0, interval=0, client=None, **keys):
        path, descriptor = (client or self.alice).call("Timers", "Create", clock, initial, interval, keys)
        self.addCleanup(descriptor.close)
        return path, descriptor

    def received(self, path):
        return self.alice.signal("Received", path=path)[3]

    def waited(self, seconds):
        """For so long bob asks for something: what he waits for it in the middle, since the machine may be busy with other things, too."""
        began, waited = time.monotonic(), []
        while time.monotonic() - began < seconds:
            before = time.monotonic()
            self.bob.call("Host", "GetHostname", {})
            waited.append(time.monotonic() - before)
        return sorted(waited)[len(waited) // 2]

    def heard(self, client, *members):
        return [member for _, _, member, _ in client.signals() if member in members]


class Traps(SignalTestCase):
    def test_the_owner_is_told_and_nobody_else(self):
        path, pid = self.trap("USR1", "RTMIN")
        self.assertEqual(os.stat(f"/proc/{pid}").st_uid, self.uid)
        self.assertEqual(self.alice.run(send, pid, signal.SIGUSR1), 0)
        self.assertEqual(self.received(path)[:5], ("USR1", self.alice.pid, self.uid, 0, 0))
        self.assertEqual(self.bob.run(send, pid, signal.SIGUSR1), 1, "EPERM")
        os.kill(pid, signal.SIGUSR1)
        self.assertEqual(self.received(path)[:3], ("USR1", os.getpid(), 0))
        self.assertEqual(self.alice.run(queue, pid, signal.SIGRTMIN, -7), 0)
        self.assertEqual(self.received(path)[:5], ("RTMIN+0", self.alice.pid, self.uid, -1, -7))
        with support.Client("alice") as other:
            other.subscribe()
            os.kill(pid, signal.SIGUSR1)
            self.received(path)
            self.assertEqual(self.heard(other, "Received"), [])
        self.assertEqual(self.heard(self.bob, "Received"), [])

    def test_it_is_the_owners_to_close_and_roots(self):
        path, pid = self.trap("TERM")
        with self.refused("NotOwner"):
            self.bob.call("SignalTrap", "Close", {}, path=path)
        self.assertTrue(exists(pid))
        support.root().call("SignalTrap", "Close", {}, path=path)
        wait_until(lambda: not exists(pid), "its process has gone")
        with self.refused(f"{BUS}UnknownObject"):
            self.alice.call("SignalTrap", "Close", {}, path=path, signature="a{sv}")

    def test_it_goes_with_its_client_also_while_nobody_looks(self):
        client = self.client("alice")
        _, pid = self.trap("TERM", "HUP", "INT", client=client)
        client.kill()
        wait_until(lambda: not exists(pid), "its process has gone")
        client = self.client("alice")
        _, pid = self.trap("TERM", client=client)
        os.kill(support.main_pid(USHERD), signal.SIGKILL)
        client.kill()
        wait_until(lambda: not exists(pid), "its process has gone")
        wait_until(lambda: support.root().objects("SignalTrap") == [], "and its object")

    def test_every_kill_of_the_broker_is_outlived_and_nothing_is_lost(self):
        chance = random.Random(1)
        path, pid = self.trap("RTMIN+3")
        number, told = 0, []
        for _ in range(ROUNDS):
            for _ in range(chance.randrange(5, 20)):
                self.assertEqual(self.alice.run(queue, pid, signal.SIGRTMIN + 3, number), 0)
                number += 1
            os.kill(support.main_pid(USHERD), signal.SIGKILL)
            for _ in range(5):
                self.assertEqual(self.alice.run(queue, pid, signal.SIGRTMIN + 3, number), 0)
                number += 1
            wait_until(lambda: support.main_pid(USHERD), "systemd has started a new broker")
            while not told or told[-1] != number - 1:
                told.append(self.received(path)[4])
        # who is killed between telling and noting it tells it again
        self.assertEqual(sorted(set(told)), list(range(number)))
        self.assertLessEqual(len(told), number + ROUNDS)
        subprocess.run(["systemctl", "restart", USHERD], check=True)
        os.kill(pid, signal.SIGRTMIN + 3)
        self.assertEqual(self.received(path)[:3], ("RTMIN+3", os.getpid(), 0))

    def test_the_keeper_of_a_spawner_that_is_stopped_goes_on(self):
        path, pid = self.trap("USR1")
        subprocess.run(["systemctl", "restart", SPAWNER], check=True)
        os.kill(pid, signal.SIGUSR1)
        self.assertEqual(self.received(path)[0], "USR1")

    def test_in_a_container_of_ones_own_and_in_no_other(self):
        place = self.during(Place("alice", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"))
        with place.pidfd() as pidfd:
            path, pid = self.trap("USR1", **{"in": pidfd})
            self.assertEqual(os.stat(f"/proc/{pid}/ns/pid").st_ino, os.stat(f"/proc/{place.pid}/ns/pid").st_ino)
            inside = support.read_file(f"/proc/{pid}/status").split("NSpid:")[1].splitlines()[0].split()[-1]
            sender, descriptor = self.alice.call("Processes", "Spawn", ["/bin/sh", "-c", f"kill -USR1 {inside}; exec sleep 60"], {}, {},
                                                 {"in": pidfd}, signature="asa{ss}a{uh}a{sv}")
            self.addCleanup(descriptor.close)
            self.assertEqual(self.received(path)[:3], ("USR1", self.alice.get("Process", "Pid", sender), self.uid))
            self.alice.call("Process", "Signal", "KILL", {}, path=sender)
            self.alice.call("Process", "Wait", {}, path=sender, signature="a{sv}")
            with self.refused(f"{BUS}InteractiveAuthorizationRequired", "org.usher1.trap"):
                self.trap("USR1", client=self.bob, **{"in": pidfd})

    def test_one_too_many_is_refused(self):
        self.limit(Traps=2)
        for _ in range(2):
            self.trap("USR1")
        with self.refused("LimitExceeded", "Traps=2"):
            self.trap("USR1")
        self.trap("USR1", client=self.bob)

    def test_a_flood_holds_nobody_up(self):
        path, pid = self.trap("RTMIN", "USR1")
        flood = self.alice.run(subprocess_flood, pid)
        self.assertLess(self.waited(2), 0.5)
        self.alice.run(end, flood)
        for _ in range(100):
            self.alice.signal("Received", path=path)
        self.alice.call("SignalTrap", "Close", {}, path=path)


FLOODS = {}


def subprocess_flood(pid):
    process = subprocess.Popen(["python3", "-c", "import ctypes, signal, sys\nlibc = ctypes.CDLL(None)\n"
                                f"while True: libc.sigqueue({pid}, signal.SIGRTMIN, None)"])
    FLOODS[process.pid] = process
    return process.pid


def end(pid):
    FLOODS[pid].kill()
    FLOODS.pop(pid).wait()


class Timers(SignalTestCase):
    @staticmethod
    def read(descriptor, timeout=10):
        assert select.select([descriptor], [], [], timeout)[0], "it does not go off"
        return struct.unpack("=Q", os.read(descriptor.fileno(), 8))[0]

    def elapsed(self, path, client=None):
        return (client or self.alice).signal("Elapsed", path=path)[3][0]

    def test_the_owner_is_told_and_nobody_else(self):
        path, descriptor = self.timer(initial=SECOND // 20)
        self.assertEqual((self.elapsed(path), self.read(descriptor)), (1, 1))
        self.assertEqual(self.heard(self.bob, "Elapsed"), [])
        for method, arguments in (("Set", (1, 0, {})), ("Close", ({},))):
            error = f"{BUS}InteractiveAuthorizationRequired" if method == "Set" else "NotOwner"
            with self.refused(error):
                self.bob.call("Timer", method, *arguments, path=path)
        with support.polkit_answer("yes", "org.usher1.set-timer", "bob"):
            self.bob.call("Timer", "Set", SECOND // 100, 0, {}, path=path)
        self.assertEqual(self.elapsed(path), 1)
        support.root().call("Timer", "Close", {}, path=path)

    def test_every_kill_of_the_broker_is_outlived(self):
        path, descriptor = self.timer(initial=SECOND // 10, interval=SECOND // 10)
        told = self.elapsed(path)
        for _ in range(ROUNDS):
            kill_broker()
            told += self.elapsed(path)
        subprocess.run(["systemctl", "restart", USHERD], check=True)
        told += self.elapsed(path)
        # of each killing, what had been read and was not told
        self.assertLessEqual(abs(self.read(descriptor) - told), 2 * ROUNDS + 2)
        self.alice.call("Timer", "Set", 0, 0, {}, path=path)
        self.assertEqual(self.alice.get("Timer", "IntervalUSec", path), 0)

    def test_the_descriptor_works_without_the_service(self):
        _, descriptor = self.timer(initial=SECOND, interval=SECOND)
        subprocess.run(["systemctl", "stop", USHERD], check=True)
        self.assertEqual(self.read(descriptor), 1)
        self.assertEqual(support.root().objects("Timer"), [], "what was stopped is forgotten")
        self.before = self.kept()  # and what was kept of earlier tests' answers, too
        self.assertEqual(self.read(descriptor), 1)

    def test_it_goes_with_its_client_unless_it_is_manual(self):
        client = self.client("alice")
        self.timer(client=client)
        stays, _ = self.timer(client=client, initial=SECOND, lifetime="manual")
        client.kill()
        wait_until(lambda: support.root().objects("Timer") == [stays], "the one has gone and the other not")
        self.assertEqual(self.elapsed(stays), 1)
        self.assertEqual(self.elapsed(stays, self.bob), 1, "it goes with no connection")
        self.alice.call("Timer", "Close", {}, path=stays)

    def test_to_wake_the_machine_is_for_who_sits_there(self):
        for clock in ("realtime-alarm", "boottime-alarm"):
            with self.refused(f"{BUS}InteractiveAuthorizationRequired", "org.usher1.create-timer-own"):
                self.timer(clock, SECOND, client=self.bob)
            try:
                path, descriptor = self.timer(clock, SECOND // 20)
            except support.DBusError as error:
                self.assertEqual(error.name, f"{support.ERROR}NotSupported")
                self.assertIn("no clock that could wake it", error.message)
                continue
            self.assertEqual((self.elapsed(path), self.read(descriptor)), (1, 1))

    def test_one_too_many_is_refused(self):
        self.limit(Timers=3)
        for _ in range(3):
            self.timer()
        with self.refused("LimitExceeded", "Timers=3"):
            self.timer()
        self.timer(client=self.bob)

    def test_fast_ones_are_told_ten_times_a_second(self):
        for _ in range(20):
            self.timer(initial=1, interval=1)
        self.assertLess(self.waited(1), 0.5)


class Commands(SignalTestCase):
    def usher(self, *arguments, **keywords):
        return support.run_as("alice", "usher", *arguments, **keywords)

    def test_trap_prints_what_is_received(self):
        process = support.start_as("alice", "usher", "--json", "trap", "USR1", "RTMIN+1", stdout=subprocess.PIPE, text=True)
        begun = json.loads(process.stdout.readline())
        self.assertEqual(support.root().get("SignalTrap", "Signals", begun["object"]), ["USR1", "RTMIN+1"])
        for number, name in ((signal.SIGUSR1, "USR1"), (signal.SIGRTMIN + 1, "RTMIN+1")):
            os.kill(begun["pid"], number)
            told = json.loads(process.stdout.readline())
            self.assertEqual((told["signal"], told["pid"], told["uid"], told["code"]), (name, os.getpid(), 0, 0))
            self.assertLess(abs(told["usec"] - time.time() * SECOND), 10 * SECOND)
        process.terminate()
        process.communicate()
        wait_until(lambda: not exists(begun["pid"]), "it goes with the command")

    def test_trap_runs_a_command_and_ends_with_its_status(self):
        process = support.start_as("alice", "usher", "trap", "--once", "--wait", "echo got it; exit 3", "HUP", stdout=subprocess.PIPE, text=True)
        os.kill(int(process.stdout.readline()), signal.SIGHUP)
        self.assertEqual((process.communicate(timeout=20)[0], process.returncode), ("got it\n", 3))
        refused = self.usher("trap", "KILL")
        self.assertEqual((refused.returncode, refused.stderr), (1, "usher trap: signals: KILL cannot be received\n"))

    def test_timer_prints_when_it_goes_off(self):
        done = self.usher("timer", "50ms")
        self.assertRegex(done.stdout, r"\A\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}  1\n\Z")
        told = json.loads(self.usher("--json", "timer", "--at", f"@{int(time.time()) + 1}").stdout)
        self.assertEqual(told["count"], 1)
        process = support.start_as("alice", "usher", "timer", "--every", "50ms", "--slack", "10ms", "--wait", "echo tick", stdout=subprocess.PIPE,
                                   text=True)
        self.assertEqual([process.stdout.readline() for _ in range(3)], ["tick\n"] * 3)
        process.terminate()
        process.communicate()

    def test_timer_says_what_is_wrong(self):
        for arguments, words in (((), "an operand is missing"), (("soon",), "'soon' is no time"), (("--at", "now", "5s"), "exclude"),
                                 (("--every", "0"), "--every"), (("--clock", "monotonic", "--wake", "5s"), "--wake")):
            done = self.usher("timer", *arguments)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(words, done.stderr)
        refused = self.usher("timer", "--clock", "sundial", "5s")
        self.assertEqual((refused.returncode, refused.stdout), (1, ""))
        self.assertIn("'sundial' is none of", refused.stderr)


if __name__ == "__main__":
    support.unittest.main()
