# SPDX-License-Identifier: LGPL-2.1-or-later
"""Those who watch and listen for others are killed at random moments under load, the broker with them, and nothing is lost
in silence.

SURVIVAL_ROUNDS says how often (default 30), SURVIVAL_SEED repeats the same choices, as far as time allows."""

import os
import random
import signal
import subprocess
import threading
import time

import support
import watching
from players import Answer, Monitor
from support import DBusError, wait_until

ROUNDS = int(os.environ.get("SURVIVAL_ROUNDS", "30"))
SEED = int(os.environ.get("SURVIVAL_SEED", "0")) or int.from_bytes(os.urandom(4), "little")
USHERD = "usherd.service"
PLACE = "usherblue"
TABLE = {"in": PLACE, "family": "inet", "table": "main"}
ROUTES = 400  # that stay
ANSWER_WITHIN = 20.0  # seconds
SPARED = 4  # who dies once more without having been of use is not started again, and its objects end
BUS = "org.freedesktop.DBus.Error."
UNSURE = (f"{BUS}NoReply", f"{BUS}Disconnected", f"{support.ERROR}Failed", f"{support.ERROR}Retry")


def parts():
    """The processes there are of each kind."""
    ours = os.readlink("/proc/self/ns/net")
    found = {"watcher": watching.watchers(), "listener": [], "reader": [], "broker": [support.main_pid(USHERD)]}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "usher-netlink":
                found["reader" if os.readlink(f"/proc/{pid}/ns/net") == ours else "listener"].append(int(pid))
        except OSError:
            pass
    return found


class Survival(support.MountTestCase):
    longest = 120 + 2 * ROUNDS

    def setUp(self):
        subprocess.run(["ip", "netns", "add", PLACE], check=True)
        self.addCleanup(subprocess.run, ["ip", "netns", "del", PLACE], check=False)
        super().setUp()
        self.root = support.root()
        self.ip(["link set lo up", *(f"route add 10.1.{i >> 8}.{i & 255} dev lo" for i in range(ROUTES))])
        self.truth = {f"10.1.{i >> 8}.{i & 255}/32" for i in range(ROUTES)}
        self.random = random.Random(SEED)
        self.number = 0
        self.struck = {}
        self.killed = dict.fromkeys(("broker", "watcher", "listener", "reader"), 0)
        self.lost = self.unsure = self.answered = 0

    @staticmethod
    def ip(lines):
        subprocess.run(["ip", "-n", PLACE, "-batch", "-"], input="\n".join(lines), text=True, check=True)

    # what is killed

    def choose(self):
        kinds = self.random.choices((("watcher",), ("listener",), ("reader",), ("broker",), ("broker", "watcher", "listener", "reader"),
                                     ("watcher", "listener")), (3, 3, 4, 2, 2, 1))[0]
        return [kind for kind in kinds if kind in ("reader", "broker") or self.struck.get(kind, 0) < SPARED] or ["broker"]

    def strike(self, kinds, pause):
        time.sleep(pause)
        found = parts()
        for kind in kinds:
            for pid in filter(None, found[kind]):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
                self.killed[kind] += 1
        for kind in kinds:
            self.struck[kind] = self.struck.get(kind, 0) + 1
        if "broker" in kinds:
            self.struck = {}

    # what goes on meanwhile

    def change_files(self):
        names = []
        for _ in range(40):
            self.number += 1
            names.append(f"file-{self.number}")
            watching.touch(f"{self.home}/{names[-1]}")
            time.sleep(self.random.uniform(0, 0.001))
        return names

    def change_routes(self):
        new = [f"10.2.{self.random.randrange(256)}.{self.random.randrange(256)}/32" for _ in range(30)]
        new = sorted(set(new) - self.truth)
        gone = self.random.sample(sorted(self.truth), 20)
        self.ip([*(f"route add {dst} dev lo" for dst in new), *(f"route del {dst} dev lo" for dst in gone)])
        self.truth = (self.truth | set(new)) - set(gone)

    def query(self, before):
        """Whatever is killed meanwhile, a whole answer is whole."""
        began = time.monotonic()
        try:
            memory, info = self.root.call("Netlink", "Open", "route", ["dst"], TABLE, timeout=60)
        except DBusError as error:
            self.assertIn(error.name, UNSURE, error.message)
            self.unsure += 1
            return
        finally:
            self.assertLess(time.monotonic() - began, ANSWER_WITHIN)
        self.answered += 1
        with memory, os.fdopen(os.dup(memory.fileno()), "rb") as file:
            file.seek(0)
            rows = {row["dst"] for _, _, row in Answer(file.read()).rows}
        self.assertEqual(len(rows), info["rows"])
        if info["complete"]:
            self.assertEqual(before & self.truth - rows, set())

    # what must be so

    def judge(self, watch, monitor, names):
        self.number += 1
        last = f"last-{self.number}"
        records = []

        def is_told():
            watching.touch(f"{self.home}/{last}")
            os.unlink(f"{self.home}/{last}")
            records.extend(watch.read(0.1))
            return any(record.path == last for record in records)
        wait_until(is_told, "the watch goes on", ANSWER_WITHIN)
        self.assertFalse(watch.ended)
        if any(record.kind != watching.EVENT for record in records):
            self.lost += 1
        else:
            self.assertEqual([name for name in names if name not in watching.names(records)], [], "not told, and not said to be lost")
        try:
            wait_until(lambda: monitor.read() == self.truth and monitor.doubtful is None, "the monitor knows what there is", ANSWER_WITHIN)
        except AssertionError:
            raise AssertionError(f"not told of {sorted(self.truth - monitor.known)[:5]}, nor that {sorted(monitor.known - self.truth)[:5]} went") from None

    def round(self, watch, monitor):
        striker = threading.Thread(target=self.strike, args=(self.choose(), self.random.uniform(0, 0.08)))
        striker.start()
        before = set(self.truth)
        names = self.change_files()
        self.change_routes()
        self.query(before & self.truth)
        striker.join()
        self.judge(watch, monitor, names)

    def test_nothing_is_lost_in_silence_whoever_is_killed_under_load(self):
        support.settle()
        with support.Client("alice") as alice:
            watch = watching.Watch(alice, self.home, ["create"], lifetime="manual")
            self.addCleanup(watch.close)
            monitor = Monitor(*self.root.call("Netlink", "OpenMonitor", ["route"], ["dst"], {**TABLE, "lifetime": "manual"}))
            wait_until(lambda: monitor.read() == self.truth, "the monitor knows what there is")
            began = time.monotonic()
            try:
                for _ in range(ROUNDS):
                    self.round(watch, monitor)
            except BaseException as error:
                raise AssertionError(f"with SURVIVAL_SEED={SEED}: {error}") from error
        print(f"     {ROUNDS} rounds in {time.monotonic() - began:.0f} s; killed {self.killed}; {self.answered} answers, {self.unsure} failed; "
              f"{self.lost} times lost, {monitor.gaps} gaps", flush=True)
        monitor.socket.close()
        wait_until(lambda: not self.root.objects("NetlinkMonitor"), "the monitor goes with its stream")
        for kind, least in (("broker", 10), ("watcher", 10), ("listener", 10), ("reader", 10)):
            self.assertGreaterEqual(self.killed[kind], ROUNDS // least, kind)


if __name__ == "__main__":
    support.unittest.main()
