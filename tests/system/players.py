# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients that have objects of one kind each, and know what must be there after each answer, while test_killing.py kills whom
those objects depend on."""

import contextlib
import ctypes
import dataclasses
import os
import random
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import support
import watching
from support import DBusError, Descriptor, Variant, wait_until

sys.path.append(os.path.join(os.path.dirname(support.HERE), "kernel"))
from rows import Answer  # noqa: E402

BUS = support.BUS

# After these it was not. Loop devices are the machine's, and who boots another system beside this one shares the limit.
NOT_DONE = (f"{support.ERROR}Retry", f"{support.ERROR}Busy", f"{support.ERROR}NotFound", f"{support.ERROR}LimitExceeded")


class Player(threading.Thread):
    """Does this and that until the referee says that it is over."""

    kinds = {}  # interfaces of its objects, and the method that ends one of these
    most = 4  # objects

    def __init__(self, referee, user, seed):
        super().__init__(daemon=True, name=type(self).__name__)
        self.referee = referee
        self.user = user
        self.random = random.Random(seed)
        self.client = support.Client(user)
        self.made = {}  # what it has been told of, by path
        self.maybe = set()  # paths of which nobody knows whether they have gone
        self.unsure = 0  # calls that may have made one more
        self.number = 0
        self.answered = 0
        self.longest = 0.0, "", None  # seconds, what, its error
        self.failures = {}

    def call(self, *arguments, also=(), client=None, **keywords):
        """(result, None), or (None, the error's name); any other error than being killed explains is the referee's."""
        return self.attempt(arguments[1], also, (client or self.client).call, *arguments, timeout=60, **keywords)

    def attempt(self, what, also, function, *arguments, **keywords):
        began = time.monotonic()
        ended = None
        try:
            return function(*arguments, **keywords), None
        except DBusError as error:
            ended = error.name
            self.failures[ended] = self.failures.get(ended, 0) + 1
            if error.name not in support.UNSURE + NOT_DONE + also:
                raise AssertionError(f"{self.name}: {arguments}: {error}") from error
            return None, error.name
        finally:
            took = time.monotonic() - began
            self.longest = max(self.longest, (took, what, ended), key=lambda call: call[0])
            if took > support.ANSWER_WITHIN:
                raise AssertionError(f"{self.name}: {arguments}: answered after {took:.1f} s")
            self.answered += 1

    def run(self):
        moves = self.moves()
        try:
            while self.referee.may_play(self):
                self.random.choices(list(moves), list(moves.values()))[0]()
        except BaseException as error:  # pylint: disable=broad-except
            self.referee.fouls.append(error)
            self.referee.left(self)

    def moves(self):
        """What it does, and how often."""
        raise NotImplementedError

    def any(self, kind=object):
        """One of its objects, as (path, what it is), or (None, None)."""
        found = [(path, made) for path, made in self.made.items() if isinstance(made, kind)]
        return self.random.choice(found) if found else (None, None)

    def end(self, path, interface):
        """By its owner, who knows that it is there."""
        made = self.made.pop(path)
        _, error = self.call(interface, self.kinds[interface], {}, path=path, signature="a{sv}")
        if error in support.UNSURE:
            self.maybe.add(path)
        elif error is not None:
            self.made[path] = made
        return error

    # what the referee asks when nobody plays

    def complaint(self, managed):
        """What is not as it must be; None if all is."""
        there = self.there(managed)
        if gone := set(self.made) - there:
            return f"{self.name}: lost {sorted(gone)}"
        if len(there - set(self.made) - self.maybe) > self.unsure:
            return f"{self.name}: objects of nothing: {sorted(there - set(self.made))}"
        return None

    def there(self, managed):
        return {path for path, interfaces in managed.items() if any(f"org.usher1.{kind}" in interfaces for kind in self.kinds)}

    def settle(self, managed):
        """Of what nobody knew the end of, this is it; and what is there works."""
        for path in self.there(managed) - set(self.made):
            for kind, method in self.kinds.items():
                with contextlib.suppress(DBusError):
                    if f"org.usher1.{kind}" in managed[path]:
                        support.root().call(kind, method, {}, path=path, signature="a{sv}")
        self.maybe.clear()
        self.unsure = 0
        self.try_out()

    def try_out(self):
        raise NotImplementedError

    def give_back(self):
        for path in list(self.made):
            for kind in self.kinds:
                assert self.end(path, kind) is None, path

    def close(self):
        self.client.close()


# ---- namespaces, and programs in them

class Line:
    """What a program waits for: it goes on when it is closed."""

    def __init__(self):
        self.read, self.write = os.pipe()

    def pull(self):
        for end in ("read", "write"):
            if getattr(self, end) >= 0:
                os.close(getattr(self, end))
                setattr(self, end, -1)


@dataclasses.dataclass
class Space:
    name: str


@dataclasses.dataclass
class Program:
    line: Line
    status: int
    space: str  # or None


class Dweller(Player):
    """Has namespaces, and programs in them: of each the end is told, whoever was killed."""

    kinds = {"Namespace": "Destroy", "Process": "Wait"}

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.client.subscribe(interface="org.usher1.Process", member="Exited")

    def moves(self):
        return {self.create: 5, self.destroy: 3, self.enter: 5, self.spawn: 8, self.pull: 6, self.kill: 2}

    def of(self, kind):
        return [path for path, made in self.made.items() if isinstance(made, kind)]

    def create(self):
        if len(self.of(Space)) >= self.most:
            self.destroy()
            return
        self.number += 1
        name = f"box{self.number}"
        path, error = self.call("Namespaces", "Create", name, ["user", "uts"], {"hostname": name})
        if error is None:
            self.made[path] = Space(name)
        self.unsure += error in support.UNSURE

    def destroy(self):
        inhabited = {made.space for made in self.made.values() if isinstance(made, Program)}
        empty = sorted(set(self.of(Space)) - inhabited)
        if empty:
            self.end(self.random.choice(empty), "Namespace")

    def enter(self):
        path, space = self.any(Space)
        if path:
            name, error = self.call("Host", "GetHostname", {"in": Variant("o", path)})
            assert error is not None or name == space.name, f"{path}: {name}, not {space.name}"
            assert not (error or "").endswith("NotFound"), f"{path} is not there to be entered"

    def spawn(self):
        if len(self.of(Program)) >= self.most:
            self.pull()
            return
        line, status, space = Line(), self.random.randrange(200), self.any(Space)[0]
        options = {"in": Variant("o", space)} if space and self.random.random() < 0.7 else {}
        result, error = self.call("Processes", "Spawn", ["/bin/sh", "-c", f"read x <&3; exit {status}"], {}, {3: Descriptor(line.read)},
                                  options, signature="asa{ss}a{uh}a{sv}")
        if error is None:
            result[1].close()
            self.made[result[0]] = Program(line, status, space if options else None)
        else:
            line.pull()
        self.unsure += error in support.UNSURE

    def pull(self):
        path, program = self.any(Program)
        if path:
            program.line.pull()
            self.see_end(path, ("exited", program.status))

    def kill(self):
        path, program = self.any(Program)
        if path:
            _, error = self.call("Process", "Signal", "KILL", {}, path=path, signature="sa{sv}")
            if error is None:
                self.see_end(path, ("killed", signal.SIGKILL))
            elif error in support.UNSURE:
                program.line.pull()
                self.see_end(path, ("killed", signal.SIGKILL), ("exited", program.status))

    def see_end(self, path, *hows):
        """It is told, and then asked for, with which it is forgotten."""
        how = tuple(self.client.signal("Exited", path=path, timeout=support.ANSWER_WITHIN)[3])
        assert how in hows, f"{path}: {how}, not {hows}"
        self.made[path].line.pull()
        del self.made[path]
        how, error = self.call("Process", "Wait", {}, path=path, signature="a{sv}")
        assert error is not None or how in hows, f"{path}: {how}, not {hows}"
        if error is not None:
            self.maybe.add(path)

    def complaint(self, managed):
        wrong = super().complaint(managed)
        for path, made in self.made.items() if not wrong else ():
            if isinstance(made, Space) and managed[path]["org.usher1.Namespace"]["Name"] != made.name:
                return f"{path} is {managed[path]} and was {made}"
            if isinstance(made, Program) and managed[path]["org.usher1.Process"]["State"] != "running":
                return f"{path} is {managed[path]} and ought to run"
        return wrong

    def try_out(self):
        for path in self.of(Space):
            name = support.patiently(self.client.call, "Host", "GetHostname", {"in": Variant("o", path)})
            assert name == self.made[path].name, f"{path}: {name}, not {self.made[path].name}"

    def give_back(self):
        for path in self.of(Program):
            self.made[path].line.pull()
            self.see_end(path, ("exited", self.made[path].status))
        for path in self.of(Space):
            assert self.end(path, "Namespace") is None, path


# ---- traps

def queue(pid, number, value):
    libc = ctypes.CDLL(None, use_errno=True)
    return 0 if libc.sigqueue(pid, number, ctypes.c_void_p(value)) == 0 else ctypes.get_errno()


@dataclasses.dataclass
class Trap:
    pid: int
    keeper: int


class Trapper(Player):
    """Every signal that a trap gets is told, unless its keeper was killed, with which it ends."""

    kinds = {"SignalTrap": "Close"}

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.client.subscribe(interface="org.usher1.SignalTrap", member="Received")

    def moves(self):
        return {self.trap: 3, self.send: 12, self.finish: 2}

    def trap(self):
        if len(self.made) >= self.most:
            self.finish()
            return
        result, error = self.call("Signals", "Trap", ["USR1", "RTMIN+3"], {})
        if error is None:
            path, pid, pidfd = result
            pidfd.close()
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                    self.made[path] = Trap(pid, int(file.read().rpartition(")")[2].split()[1]))
            if path not in self.made:  # its keeper was killed at once
                self.maybe.add(path)
        self.unsure += error in support.UNSURE

    def forget_ended(self):
        for path, trap in list(self.made.items()):
            if trap.keeper in self.referee.killed:
                del self.made[path]
                self.maybe.add(path)

    def send(self):
        path, trap = self.any()
        if path:
            self.number += 1
            error = self.client.run(queue, trap.pid, signal.SIGRTMIN + 3, self.number)
            if error == 0:
                self.hear(path, trap, self.number)
            self.forget_ended()
            assert error == 0 or path not in self.made, f"{path}: its process has gone"

    def hear(self, path, trap, number):
        deadline = time.monotonic() + support.ANSWER_WITHIN
        told = None
        while told != number and trap.keeper not in self.referee.killed:
            for origin, _, _, arguments in self.client.signals(0.02):
                told = arguments[4] if origin == path else told
            assert time.monotonic() < deadline, f"{path} has not told {number}"

    def finish(self):
        path, _ = self.any()
        if path:
            trap = self.made.pop(path)
            _, error = self.call("SignalTrap", "Close", {}, path=path, signature="a{sv}", also=(f"{BUS}UnknownObject",))
            assert error != f"{BUS}UnknownObject" or trap.keeper in self.referee.killed, f"{path} has gone"
            if error is not None:
                self.maybe.add(path)

    def complaint(self, managed):
        self.forget_ended()
        return super().complaint(managed)

    def try_out(self):
        for path, trap in self.made.items():
            self.number += 1
            assert self.client.run(queue, trap.pid, signal.SIGRTMIN + 3, self.number) == 0, path
            self.hear(path, trap, self.number)


# ---- timers

class Timekeeper(Player):
    """A timer that was set goes off; so its owner is told, unless the broker was killed meanwhile, and then the descriptor tells."""

    kinds = {"Timer": "Close"}

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.client.subscribe(interface="org.usher1.Timer", member="Elapsed")

    def moves(self):
        return {self.create: 4, self.set: 10, self.finish: 2}

    def create(self):
        if len(self.made) >= self.most:
            self.finish()
            return
        result, error = self.call("Timers", "Create", "boottime", 0, 0, {})
        if error is None:
            self.made[result[0]] = result[1]
        self.unsure += error in support.UNSURE

    def set(self):
        path, descriptor = self.any()
        if path:
            _, error = self.call("Timer", "Set", self.random.choice((1, 5000, 30000)), 0, {}, path=path, signature="tta{sv}")
            if error is None:
                self.see(path, descriptor)

    @staticmethod
    def see(path, descriptor):
        assert select.select([descriptor], [], [], support.PATIENCE)[0], f"{path} does not go off"
        assert struct.unpack("=Q", os.read(descriptor.fileno(), 8))[0] >= 1, path

    def finish(self):
        path, descriptor = self.any()
        if path and self.end(path, "Timer") in (None, *support.UNSURE):
            descriptor.close()

    def try_out(self):
        for path, descriptor in self.made.items():
            self.client.signals(0)
            while select.select([descriptor], [], [], 0)[0]:  # of a call that nobody knew the end of
                os.read(descriptor.fileno(), 8)
            support.patiently(self.client.call, "Timer", "Set", 1000, 0, {}, path=path, signature="tta{sv}")
            self.see(path, descriptor)
            self.client.signal("Elapsed", path=path)


# ---- watches

class Looker(Player):
    """Whatever happens below its directory is told, or that something is lost."""

    kinds = {"Watch": "Close"}
    most = 3

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.home = self.client.run(support.make_directory, "look")
        self.names = {}  # of files, that each has to tell since it was looked at

    def moves(self):
        return {self.open: 2, self.touch: 14, self.finish: 1}

    def open(self):
        if len(self.made) >= self.most:
            return
        watch, error = self.attempt("Open", (), watching.Watch, self.client, self.home, ["create"], scope="recursive", lifetime="manual")
        if error is None:
            self.made[watch.object] = watch
            self.names[watch.object] = []
        self.unsure += error in support.UNSURE

    def touch(self):
        if not self.made:
            self.open()
        for _ in range(10):
            self.number += 1
            name = f"file-{self.number}"
            watching.touch(f"{self.home}/{name}")
            for names in self.names.values():
                names.append(name)
            time.sleep(self.random.uniform(0, 0.001))

    def finish(self):
        path, watch = self.any()
        if path and self.end(path, "Watch") in (None, *support.UNSURE):
            watch.socket.close()
            del self.names[path]

    def settle(self, managed):
        self.touch()  # of what nobody reads, the end is seen when it is told something
        super().settle(managed)

    def try_out(self):
        for path, watch in self.made.items():
            self.number += 1
            last, records = f"last-{self.number}", []

            def is_told(watch=watch, last=last, records=records):
                watching.touch(f"{self.home}/{last}")
                os.unlink(f"{self.home}/{last}")
                records.extend(watch.read(0.1))
                assert not watch.ended, f"{watch.object} has ended"
                return any(record.path == last for record in records)
            wait_until(is_told, f"{path} goes on", support.ANSWER_WITHIN)
            if all(record.kind == watching.EVENT for record in records):
                missing = set(self.names[path]) - watching.names(records)
                assert not missing, f"{path}: not told of {sorted(missing)[:5]}, nor that something is lost"
            else:
                self.referee.lost += 1
            self.names[path].clear()
        for name in os.listdir(self.home):
            os.unlink(f"{self.home}/{name}")

    def give_back(self):
        for path, watch in list(self.made.items()):
            assert self.end(path, "Watch") is None, path
            watch.socket.close()

    def close(self):
        super().close()
        shutil.rmtree(self.home)


# ---- monitors

class Monitor:
    """What is known of a table by a stream alone."""

    def __init__(self, path, descriptor):
        self.path = path
        self.socket = socket.socket(fileno=descriptor.take())
        self.answer = Answer()
        self.known, self.doubtful, self.gaps = set(), None, 0

    def take(self, action, row):
        if action == "gap":
            self.doubtful = set(self.known)
            self.gaps += 1
        elif action == "synced":
            self.known -= self.doubtful or set()
            self.doubtful = None
        elif action == "del":
            self.known.discard(row["dst"])
        else:
            self.known.add(row["dst"])
            if self.doubtful:
                self.doubtful.discard(row["dst"])

    def read(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                data = self.socket.recv(1 << 18, socket.MSG_DONTWAIT)
                assert data, f"{self.path} has ended"
                self.answer.feed(data)
        rows, self.answer.rows = self.answer.rows, []
        for action, _, row in rows:
            self.take(action, row)
        return self.known


class Listener(Player):
    """Knows the routes of a network by streams alone, and asks for them now and then."""

    kinds = {"NetlinkMonitor": "Close"}
    most = 2
    place = "usherkill"
    table = {"in": place, "family": "inet", "table": "main"}

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.truth = {f"10.1.0.{i}/32" for i in range(40)}
        self.ip(["link set lo up", *(f"route add {route} dev lo" for route in sorted(self.truth))])

    def ip(self, lines):
        subprocess.run(["ip", "-n", self.place, "-batch", "-"], input="\n".join(lines), text=True, check=True)

    def moves(self):
        return {self.open: 2, self.change: 10, self.query: 4, self.finish: 1}

    def open(self):
        if len(self.made) >= self.most:
            return
        result, error = self.call("Netlink", "OpenMonitor", ["route"], ["dst"], {**self.table, "lifetime": "manual"})
        if error is None:
            self.made[result[0]] = Monitor(*result)
        self.unsure += error in support.UNSURE

    def change(self):
        if not self.made:
            self.open()
        new = {f"10.2.{self.random.randrange(256)}.{self.random.randrange(256)}/32" for _ in range(10)} - self.truth
        gone = self.random.sample(sorted(self.truth), 8)
        self.ip([*(f"route add {dst} dev lo" for dst in sorted(new)), *(f"route del {dst} dev lo" for dst in gone)])
        self.truth = (self.truth | new) - set(gone)
        for monitor in self.made.values():
            monitor.read()

    def query(self):
        result, error = self.call("Netlink", "Open", "route", ["dst"], self.table)
        if error is None:
            with result[0] as memory, os.fdopen(os.dup(memory.fileno()), "rb") as file:
                file.seek(0)
                rows = {row["dst"] for _, _, row in Answer(file.read()).rows}
            assert not result[1]["complete"] or rows == self.truth, f"an answer that is whole lacks {sorted(self.truth - rows)[:5]}"

    def finish(self):
        path, monitor = self.any()
        if path and self.end(path, "NetlinkMonitor") in (None, *support.UNSURE):
            monitor.socket.close()

    def try_out(self):
        for path, monitor in self.made.items():
            try:
                wait_until(lambda monitor=monitor: monitor.read() == self.truth and monitor.doubtful is None, "", support.ANSWER_WITHIN)
            except AssertionError as error:
                raise AssertionError(f"{path}: {error} not told of {sorted(self.truth - monitor.known)[:5]}, nor that "
                                     f"{sorted(monitor.known - self.truth)[:5]} went") from None
            self.referee.gaps += monitor.gaps
            monitor.gaps = 0

    def give_back(self):
        for path, monitor in list(self.made.items()):
            assert self.end(path, "NetlinkMonitor") is None, path
            monitor.socket.close()
