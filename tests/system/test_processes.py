# SPDX-License-Identifier: LGPL-2.1-or-later
"""Processes and namespaces that were made through the service: what keeps them, what they outlive, and that their end is told once.

PROCESS_ROUNDS says how often the service is killed (default 12), PROCESS_COUNT how many short processes there are (default 150),
PROCESS_SEED repeats the same choices."""

import collections
import os
import random
import re
import signal
import subprocess
import time

import support
from support import Descriptor, DBusError, Variant, wait_until

ROUNDS = int(os.environ.get("PROCESS_ROUNDS", "12"))
COUNT = int(os.environ.get("PROCESS_COUNT", "150"))
SEED = int(os.environ.get("PROCESS_SEED", "0")) or int.from_bytes(os.urandom(4), "little")
USHERD, SPAWNER, WORKER = "usherd.service", "usher-spawner.service", "usher-worker.service"
SAVED = "/run/usher/objects"
AT_ONCE = 200
NAMESPACES = 50


def systemctl(*words):
    subprocess.run(["systemctl", *words], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def exists(pid):
    return os.path.exists(f"/proc/{pid}")


def zombies():
    """Of processes that somebody spawned; who else has some is not our business."""
    found = []
    for pid in support.processes(SPAWNER) | support.processes(WORKER) | support.processes(USHERD):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    found.append(pid)
        except OSError:
            continue
    return found


def memory(pid):
    """Private memory of a process, in KiB."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Private"))


def kernel_tells_status():
    """Whether whoever holds a pidfd may know how its process ended: since Linux 6.15."""
    return tuple(int(word) for word in re.findall(r"\d+", os.uname().release)[:2]) >= (6, 15)


class Line:
    """What many processes wait for: they go on when it is closed."""

    def __init__(self):
        self.read, self.write = os.pipe()

    def descriptor(self):
        return Descriptor(self.read)

    def pull(self):
        os.close(self.read)
        os.close(self.write)


class ProcessTestCase(support.TestCase):
    """Every test has self.alice, who hears of every end; and none leaves anything running, open or kept."""

    def setUp(self):
        super().setUp()
        support.settle()
        self.alice = self.client("alice")
        self.alice.subscribe(interface="org.usher1.Process", member="Exited")
        self.told = collections.Counter()
        self.addCleanup(self.give_back)

    def give_back(self):
        for interface, what in (("Process", "Pid"), ("Namespace", "Leader")):
            for path in support.root().objects(interface):
                with self.gone(), support.contextlib.suppress(ProcessLookupError):
                    os.kill(support.root().get(interface, what, path), signal.SIGKILL)
        for path in support.root().objects("Process"):
            with self.gone():  # then it is forgotten
                support.root().call("Process", "Wait", {}, path=path, signature="a{sv}")
        wait_until(lambda: not support.children(SPAWNER), "nothing that was spawned is left")
        wait_until(lambda: not support.root().objects("Namespace"), "their objects have gone")
        self.assertEqual(zombies(), [])

    @staticmethod
    def gone():
        return support.contextlib.suppress(DBusError)

    def spawn(self, *argv, client=None, fds=None, **options):
        path, pidfd = (client or self.alice).call("Processes", "Spawn", list(argv), {}, fds or {}, options, signature="asa{ss}a{uh}a{sv}")
        pidfd.close()
        return path

    def spawn_waiting(self, line, status=0, **keywords):
        """One that ends with a status when the line is pulled."""
        return self.spawn("/bin/sh", "-c", f"read x <&3; exit {status}", fds={3: line.descriptor()}, **keywords)

    def create(self, name, *types, client=None, **options):
        return (client or self.alice).call("Namespaces", "Create", name, list(types), options)

    def pid(self, path):
        return self.alice.get("Process", "Pid", path)

    def ends(self, *paths, timeout=60):
        """How each of these ended, as it was told; each must be told of once, and nobody else."""
        deadline = time.monotonic() + timeout
        found = {}
        while set(paths) - set(found):
            self.assertLess(time.monotonic(), deadline, f"{len(set(paths) - set(found))} of {len(paths)} are not told of")
            for path, _, _, how in self.alice.signals(quiet=0.05):
                self.told[path] += 1
                found[path] = tuple(how)
        self.assertEqual([path for path, times in self.told.items() if times != 1], [], "told of more than once")
        return found

    def kept(self):
        return int(support.unit(USHERD, "NFileDescriptorStore"))


class Ends(ProcessTestCase):
    def limit(self, **limits):
        """Until the test ends."""
        os.makedirs("/run/usher/usherd.conf.d", exist_ok=True)
        name = "/run/usher/usherd.conf.d/99-test.conf"
        support.write_file(name, "[Limits]\n" + "".join(f"{key}={value}\n" for key, value in limits.items()))
        self.addCleanup(systemctl, "reload", USHERD)
        self.addCleanup(os.unlink, name)
        systemctl("reload", USHERD)

    def test_the_end_of_each_short_process_is_told_once(self):
        def some(number):
            paths = []
            for i in range(number):
                paths.append(self.spawn("/bin/sh", "-c", f"exit {i % 200}"))
                if i % 3 == 0:  # somebody waits, also longer than it takes
                    with self.gone():
                        self.assertEqual(self.alice.call("Process", "Wait", {}, path=paths[-1], signature="a{sv}"), ("exited", i % 200))
            self.assertEqual(self.ends(*paths), {path: ("exited", i % 200) for i, path in enumerate(paths)})
            for path in paths:
                with self.gone():
                    self.alice.call("Process", "Wait", {}, path=path, signature="a{sv}")

        broker = support.main_pid(USHERD)
        some(40)
        before = memory(broker), len(support.descriptors(broker)), self.kept()
        some(COUNT)
        # the last answer may be there before the broker has closed all
        wait_until(lambda: (len(support.descriptors(broker)), self.kept()) == before[1:], "nothing is left of them")
        self.assertLess(memory(broker), before[0] + 300, "KiB")
        self.assertEqual(support.main_pid(USHERD), broker)
        self.assertEqual(zombies(), [])
        self.assertEqual(support.children(SPAWNER), set())

    def test_many_that_end_at_once_are_told_of_once_each(self):
        line = Line()
        paths = [self.spawn_waiting(line, i) for i in range(AT_ONCE)]
        self.assertEqual(len(self.alice.objects("Process")), AT_ONCE)
        line.pull()
        self.assertEqual(self.ends(*paths), {path: ("exited", i) for i, path in enumerate(paths)})
        wait_until(lambda: not support.children(SPAWNER), "no keeper is left")
        self.assertEqual(zombies(), [])
        self.assertEqual({self.alice.get("Process", "State", path) for path in paths[-3:]}, {"exited"})

    def test_who_waits_is_answered_and_who_ends_it_is_told(self):
        path = self.spawn("/bin/sleep", "100")
        waiting = self.client("alice").begin("Process", "Wait", {}, path=path, signature="a{sv}")
        self.assertFalse(waiting.is_done(0.2))
        self.alice.call("Process", "Signal", "TERM", {}, path=path)
        self.assertEqual(waiting.result(), ("killed", signal.SIGTERM))
        self.assertEqual(self.ends(path), {path: ("killed", signal.SIGTERM)})
        self.assertNotIn(path, self.alice.objects("Process"))

    def test_a_wait_has_the_time_that_it_is_given(self):
        path = self.spawn("/bin/sleep", "100")
        with self.refused("TimedOut"):
            self.alice.call("Process", "Wait", {"deadline_usec": Variant("t", 50000)}, path=path)
        with self.refused("NotOwner"):
            self.client("bob").call("Process", "Wait", {}, path=path, signature="a{sv}")

    def test_more_may_wait_than_there_may_be_other_calls(self):
        self.limit(Calls=4)
        line = Line()
        paths = [self.spawn_waiting(line, 5) for _ in range(6)]
        waiting = [self.client("alice") for _ in paths]
        pending = [client.begin("Process", "Wait", {}, path=path, signature="a{sv}") for client, path in zip(waiting, paths, strict=True)]
        self.assertTrue(self.alice.call("Host", "GetHostname", {}))
        line.pull()
        self.assertEqual({one.result() for one in pending}, {("exited", 5)})
        self.ends(*paths)

    def test_one_too_many_is_refused(self):
        limit = 3
        self.limit(Processes=limit)
        line = Line()
        paths = [self.spawn_waiting(line) for _ in range(limit)]
        with self.refused("LimitExceeded", "Processes", str(limit)):
            self.spawn_waiting(line)
        line.pull()
        self.ends(*paths)
        self.ends(self.spawn("/bin/true"))


class Connections(ProcessTestCase):
    FAMILY = "setsid sleep 300 & sleep 300 & (trap '' TERM HUP; exec 3<&-; setsid sh -c 'sleep 300; :') & wait"

    def family(self, path):
        """The process and all that came of it."""
        pid = self.pid(path)
        keeper = int(support.read_file(f"/proc/{pid}/stat").rpartition(")")[2].split()[1])
        found, new = set(), {keeper}
        while new:
            found |= new
            new = {int(word) for one in new for word in support.read_file(f"/proc/{one}/task/{one}/children").split()} - found
        return found - {keeper}

    def test_a_client_that_vanishes_takes_its_processes_along(self):
        client = self.client("alice")
        goes = self.spawn("/bin/sh", "-c", self.FAMILY, client=client)
        stays = self.spawn("/bin/sleep", "300", client=client, lifetime="manual")
        wait_until(lambda: len(self.family(goes)) >= 5, "it has children")
        family, pid = self.family(goes), self.pid(stays)
        client.kill()
        self.assertEqual(self.ends(goes), {goes: ("killed", signal.SIGKILL)})
        wait_until(lambda: not any(exists(one) for one in family), "nobody is left")
        self.assertTrue(exists(pid))
        self.assertEqual(self.alice.objects("Process"), [stays])
        self.alice.call("Process", "Signal", "KILL", {}, path=stays)
        self.assertEqual(self.ends(stays), {stays: ("killed", signal.SIGKILL)})

    def test_also_one_that_vanishes_while_nobody_is_there_to_see_it(self):
        client = self.client("alice")
        path = self.spawn("/bin/sleep", "300", client=client)
        pid = self.pid(path)
        os.kill(support.main_pid(USHERD), signal.SIGKILL)
        client.kill()
        wait_until(lambda: not exists(pid), "it has gone with its client")
        self.assertEqual(self.ends(path), {path: ("killed", signal.SIGKILL)})

    def test_namespaces_go_with_their_client(self):
        client = self.client("alice")
        goes = self.create("goes", "user", "pid", client=client, lifetime="connection")
        stays = self.create("stays", "user", "uts", client=client)
        inside = self.spawn("/bin/sleep", "300", **{"in": Variant("o", goes)}, lifetime="manual")
        client.kill()
        wait_until(lambda: self.alice.objects("Namespace") == [stays], "they have gone")
        self.assertEqual(self.ends(inside), {inside: ("killed", signal.SIGKILL)})


class Restarts(ProcessTestCase):
    def kill(self, *names):
        for name in names:
            pid = support.main_pid(name)
            if pid:
                os.kill(pid, signal.SIGKILL)

    def test_namespaces_and_their_processes_outlive_every_kill(self):
        chance = random.Random(SEED)
        lines, ending, spaces = {}, {}, {}
        try:
            for number in range(NAMESPACES):
                name = f"box{number}"
                spaces[name] = self.create(name, "user", "uts", hostname=name)
            for name, space in spaces.items():
                line = Line()
                path = self.spawn_waiting(line, chance.randrange(200), **{"in": Variant("o", space)})
                lines[path] = line, name
            for number in range(ROUNDS):
                pulled = chance.sample(sorted(lines), 2)
                names = chance.choice(((USHERD,), (USHERD,), (SPAWNER,), (USHERD, SPAWNER), (USHERD, SPAWNER, WORKER), (WORKER,)))
                for path in pulled:
                    ending[path] = lines.pop(path)
                before = chance.random() < 0.5
                if before:
                    for path in pulled:
                        ending[path][0].pull()
                    time.sleep(chance.uniform(0, 0.005))
                self.kill(*names)
                if not before:
                    for path in pulled:
                        ending[path][0].pull()
                self.judge(spaces, lines, chance.choice(sorted(spaces)), number)
                if len(lines) < NAMESPACES // 2:
                    for name in chance.sample(sorted(spaces), 10):
                        line = Line()
                        path = self.spawn_waiting(line, **{"in": Variant("o", spaces[name])})
                        lines[path] = line, name
            for path in sorted(lines):
                ending[path] = lines.pop(path)
                ending[path][0].pull()
            self.assertEqual({how for how, _ in self.ends(*ending).values()}, {"exited"})
        except BaseException as error:
            raise AssertionError(f"with PROCESS_SEED={SEED}: {error}") from error

    def judge(self, spaces, lines, one, number):
        managed = support.patiently(self.alice.call, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", signature="")
        listed = {interfaces["org.usher1.Namespace"]["Name"]: path for path, interfaces in managed.items()
                  if "org.usher1.Namespace" in interfaces}
        self.assertEqual(listed, spaces, f"round {number}")
        for path in lines:
            self.assertEqual(managed[path]["org.usher1.Process"]["State"], "running", f"round {number}")
        entered = support.patiently(self.alice.call, "Host", "GetHostname", {"in": Variant("o", spaces[one])})
        self.assertEqual(entered, one, f"round {number}")

    def test_the_keepers_of_a_spawner_that_is_stopped_go_on(self):
        line = Line()
        space = self.create("box", "user", "uts")
        path = self.spawn_waiting(line, 7, **{"in": Variant("o", space)})
        systemctl("stop", SPAWNER)
        self.assertEqual(self.alice.get("Process", "State", path), "running")
        self.ends(self.spawn("/bin/true", **{"in": Variant("o", space)}))
        systemctl("restart", SPAWNER)
        line.pull()
        self.assertEqual(self.ends(path), {path: ("exited", 7)})

    def test_a_restart_keeps_what_goes_with_a_connection_and_a_stop_does_not(self):
        line, other = Line(), Line()
        path = self.spawn_waiting(line, 3)
        pid = self.pid(path)
        systemctl("restart", USHERD)
        self.assertEqual(self.alice.get("Process", "State", path), "running")
        line.pull()
        self.assertEqual(self.ends(path), {path: ("exited", 3)})
        path = self.spawn_waiting(other, 3)
        pid = self.pid(path)
        systemctl("stop", USHERD)
        wait_until(lambda: not exists(pid), "its keeper has ended it")
        other.pull()
        self.assertIn(support.patiently(self.alice.call, "Process", "Wait", {}, path=path, signature="a{sv}")[0], ("exited", "killed"))

    def test_what_is_manual_outlives_a_stop(self):
        line = Line()
        space = self.create("box", "user", "uts", hostname="box")
        path = self.spawn_waiting(line, 9, lifetime="manual", **{"in": Variant("o", space)})
        pids = self.pid(path), self.alice.get("Namespace", "Leader", space)
        before = self.alice.get_all("Namespace", space), self.alice.get_all("Process", path)
        systemctl("stop", USHERD)
        self.assertEqual(sorted(os.listdir(SAVED)), sorted(one.replace("/org/usher1/", "").replace("/", "-") for one in (space, path)))
        self.assertTrue(all(exists(pid) for pid in pids))
        self.assertEqual((self.alice.get_all("Namespace", space), self.alice.get_all("Process", path)), before)
        self.assertEqual(os.listdir(SAVED), [])
        self.assertEqual(self.alice.call("Host", "GetHostname", {"in": Variant("o", space)}), "box")
        # and again without descriptors, as systemd has it now
        self.kill(USHERD)
        self.assertEqual(support.patiently(self.alice.get, "Process", "State", path), "running")
        line.pull()
        self.assertEqual(self.ends(path), {path: ("exited", 9 if kernel_tells_status() else -1)})
        self.alice.call("Namespace", "Destroy", {}, path=space)
        wait_until(lambda: not exists(pids[1]), "its leader has gone")

    def test_how_one_ended_is_known_after_kills_and_systemd_keeps_nothing_of_it(self):
        before = self.kept()
        path = self.spawn("/bin/sh", "-c", "exit 7", lifetime="manual")
        self.assertEqual(self.ends(path), {path: ("exited", 7)})
        wait_until(lambda: self.kept() == before, "systemd keeps nothing of it")
        name = f"{SAVED}/process-{path.rsplit('/', 1)[1]}"
        for _ in range(2):
            self.assertTrue(os.path.exists(name))
            self.kill(USHERD)
            self.assertEqual(support.patiently(lambda: self.alice.get("Process", "State", path)), "exited")
            wait_until(lambda: self.kept() == before, "nor has it after that")
        self.assertEqual(self.alice.call("Process", "Wait", {}, path=path, signature="a{sv}"), ("exited", 7))
        wait_until(lambda: not os.path.exists(name), "what has been told is forgotten")  # who waits is told first
        self.assertEqual(self.kept(), before)

    def test_what_ends_while_the_service_is_stopped_is_told_when_it_is_back(self):
        line = Line()
        space = self.create("box", "user", "uts")
        path = self.spawn_waiting(line, 9, lifetime="manual")
        pid, leader = self.pid(path), self.alice.get("Namespace", "Leader", space)
        systemctl("stop", USHERD)
        line.pull()
        os.kill(leader, signal.SIGKILL)
        wait_until(lambda: not exists(pid) and not exists(leader), "they have ended")
        self.assertEqual(self.alice.call("Process", "Wait", {}, path=path, signature="a{sv}"), ("exited", -1))
        self.assertEqual(self.ends(path), {path: ("exited", -1)})
        self.assertEqual(self.alice.objects("Namespace"), [])

    def test_what_a_newer_build_knows_of_them_outlives_this_one(self):
        space = self.create("box", "user", "uts")
        path = self.spawn("/bin/sleep", "300", lifetime="manual")
        systemctl("stop", USHERD)
        text = b"what the future says"
        # field 900 of the message, of bytes
        for name in os.listdir(SAVED):
            with open(f"{SAVED}/{name}", "ab") as file:
                file.write(b"\xa2\x38" + bytes([len(text)]) + text)
        self.assertEqual(sorted(self.alice.objects()), sorted([space, path]))
        self.kill(USHERD)
        self.assertEqual(support.patiently(lambda: sorted(self.alice.objects())), sorted([space, path]))
        systemctl("stop", USHERD)
        for name in os.listdir(SAVED):
            with open(f"{SAVED}/{name}", "rb") as file:
                self.assertIn(text, file.read(), name)

    def test_whoever_has_the_number_of_a_process_is_not_taken_for_it(self):
        path = self.spawn("/bin/sleep", "300", lifetime="manual")
        pid = self.pid(path)
        systemctl("stop", USHERD)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not exists(pid), "it has ended")
        with open("/proc/sys/kernel/ns_last_pid", "w", encoding="ascii") as file:
            file.write(str(pid - 1))
        with subprocess.Popen(["sleep", "300"]) as stranger:
            try:
                if stranger.pid != pid:
                    self.skipTest("somebody else was faster")
                self.assertEqual(self.alice.call("Process", "Wait", {}, path=path, signature="a{sv}"), ("exited", -1))
                self.assertIsNone(stranger.poll())
            finally:
                stranger.kill()


if __name__ == "__main__":
    support.unittest.main()
