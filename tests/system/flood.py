#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What one user can do to the others by asking for too much, and what the others notice of it.

    tests/system/flood.py [--seconds SECONDS] [--strict] [--tries N] [--json FILE] [KIND...]

For root in a system that tools/boot has booted.  Alice floods the service, one kind after the other, while bob calls it
now and then; what his calls take is shown beside what they take when nobody floods, and beside what the bus alone takes
under the same flood: it is one thread, and everybody's.  With --strict the exit status is 1 if a median is more than twice
of what it is when nobody floods and the bus takes what it takes, if the bus alone answers and the service does not, or if
a service has died; that one leaves when it has nothing to do is only told.
"""

import argparse
import collections
import contextlib
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, f"{os.path.dirname(HERE)}/kernel"]

import support  # noqa: E402
from rawbus import Connection, Variant, get, pad, put  # noqa: E402

BUS = "/run/dbus/system_bus_socket"
PATIENCE = 20  # seconds that an answer is waited for
NO_REPLY, INTERACTIVE = 1, 4
EMPTY = {}
MIB = 1 << 20


def nested(depth):
    value = Variant("s", "x")
    for _ in range(depth):
        value = Variant("v", value)
    return value


# ---- what alice sends

PING = ("Ping",), {"interface": "org.freedesktop.DBus.Peer"}
HOSTNAME = ("GetHostname", "a{sv}", EMPTY), {"interface": "org.usher1.Host"}


def tree(_bus=None):
    return ("OpenTree", "sasa{sv}", os.path.expanduser("~"), [], EMPTY), {}


Kind = collections.namedtuple("Kind", "connections window call flags listens descriptors does")
Kind.__new__.__defaults__ = (0, True, 0, "")

KINDS = {
    "calls": Kind(64, 1, HOSTNAME, does="64 connections ask for the host name, again and again"),
    "crowds": Kind(64, 64, HOSTNAME, does="the same, 64 at a time on each"),
    "trees": Kind(64, 1, tree, does="64 connections open a tree, which polkit is asked about"),
    "pings": Kind(64, 16, PING, does="64 connections, 16 pings at a time on each"),
    "objects": Kind(64, 1, (("GetManagedObjects",), {"interface": "org.freedesktop.DBus.ObjectManager"}),
                    does="64 connections ask for all objects"),
    "overviews": Kind(64, 10**6, (("GetManagedObjects",), {"interface": "org.freedesktop.DBus.ObjectManager"}), flags=NO_REPLY,
                      listens=False, does="64 connections ask for all objects without end, and want no answer"),
    "descriptions": Kind(64, 10**6, (("Describe", "sa{sv}", "link", EMPTY), {"interface": "org.usher1.Netlink"}), flags=NO_REPLY,
                         listens=False, does="the longest of all descriptions is asked for without end, and not wanted"),
    "large": Kind(4, 1, (("Mount", "sssasa{sv}", "x" * (16 * MIB), "/", "tmpfs", [], EMPTY), {}), does="messages of 16 MiB"),
    "nested": Kind(64, 4, (("Unmount", "sa{sv}", "/", {"in": nested(60)}), {}), does="variants 60 deep"),
    "deaf": Kind(64, 10**6, HOSTNAME, listens=False, does="calls without end of which no answer is read"),
    "silent": Kind(64, 10**6, HOSTNAME, flags=NO_REPLY, listens=False, does="calls without end that want no answer"),
    "descriptors": Kind(32, 1, (("Mount", "sssasa{sv}", "", "/nowhere", "tmpfs", [], EMPTY), {}), descriptors=16,
                        does="16 descriptors with every call"),
    "connections": Kind(576, 1, PING, does="as many connections as the bus allows"),
    "prompts": Kind(64, 1, (("Mount", "sssasa{sv}", "", "/mnt", "tmpfs", [], EMPTY), {}), flags=INTERACTIVE,
                    does="64 questions that nobody answers"),
}


class Line:
    """One of alice's connections."""

    def __init__(self, kind, target):
        self.bus = Connection(BUS)
        if not self.bus.name.startswith(":"):
            raise ConnectionError(self.bus.name)  # the bus gives no more
        self.kind = kind
        words, keywords = kind.call() if callable(kind.call) else kind.call
        if target == "echo":
            keywords = {**keywords, "destination": ECHO}
        self.message = bytearray(self.bus.message(*words, flags=kind.flags, descriptors=kind.descriptors, **keywords))
        self.serial = self.bus.serial
        self.left = b""  # of a message that did not fit
        self.under_way = 0
        self.sent = 0
        self.answered = 0
        self.data = bytearray()
        self.socket = self.bus.socket
        self.socket.setblocking(False)

    def push(self):
        """Send until no more fits or enough is under way; whether there is more to send."""
        while self.left or self.under_way < self.kind.window:
            if not self.left:
                self.serial += 1
                struct.pack_into("<I", self.message, 8, self.serial)
                self.left = memoryview(bytes(self.message))
                self.under_way += 1
                self.sent += 1
                first = True
            else:
                first = False
            try:
                if first and self.kind.descriptors:
                    n = socket.send_fds(self.socket, [self.left], [self.socket.fileno()] * self.kind.descriptors)
                else:
                    n = self.socket.send(self.left)
            except BlockingIOError:
                if first:
                    self.left = b""
                    self.under_way -= 1
                    self.sent -= 1
                return True
            self.left = self.left[n:]
        return False

    def pull(self):
        """Read what there is, and count answers."""
        with contextlib.suppress(BlockingIOError):
            data, fds, _, _ = socket.recv_fds(self.socket, 1 << 18, 64)
            for fd in fds:
                os.close(fd)
            if not data:
                raise ConnectionError
            self.data += data
        at = 0
        while len(self.data) - at >= 16:
            body, _, fields = struct.unpack_from("<III", self.data, at + 4)
            size = (16 + fields + 7) // 8 * 8 + body
            if len(self.data) - at < size:
                break
            if self.data[at + 1] in (2, 3):
                self.under_way -= 1
                self.answered += 1
            at += size
        del self.data[:at]


def flood(name, target):
    """Be alice: flood from a first line of the standard input to a second."""
    kind = KINDS[name]
    lines = []
    for _ in range(kind.connections):
        try:
            lines.append(Line(kind, target))
        except OSError:
            break  # as many as the bus allows
    print("ready", flush=True)
    sys.stdin.readline()
    poll = select.epoll()
    poll.register(0, select.EPOLLIN)
    by_fd = {}
    events = select.EPOLLOUT | (select.EPOLLIN if kind.listens else 0)
    for line in lines:
        by_fd[line.socket.fileno()] = line
        poll.register(line.socket, events)
    dropped = 0
    while True:
        found = poll.poll()
        for fd, what in found:
            if fd == 0:
                sent, answered = sum(line.sent for line in lines), sum(line.answered for line in lines)
                print(json.dumps({"connections": len(lines), "sent": sent, "answered": answered, "dropped": dropped}), flush=True)
                return
            line = by_fd[fd]
            try:
                if what & select.EPOLLIN:
                    line.pull()
                wants = line.push()
            except OSError:
                poll.unregister(fd)
                dropped += 1
                continue
            poll.modify(fd, (select.EPOLLIN if kind.listens else 0) | (select.EPOLLOUT if wants else 0))


# ---- what bob notices

DAEMON = {"interface": "org.freedesktop.DBus", "destination": "org.freedesktop.DBus", "path": "/org/freedesktop/DBus"}
ECHO = "org.usher1.test.Echo"
POLKIT = {"interface": "org.freedesktop.PolicyKit1.Authority", "destination": "org.freedesktop.PolicyKit1",
          "path": "/org/freedesktop/PolicyKit1/Authority"}


def question(bus):
    return ("CheckAuthorization", "(sa{sv})sa{ss}us", ("system-bus-name", {"name": Variant("s", bus.name)}),
            "org.usher1.open-tree-own", EMPTY, 0, ""), POLKIT


PROBES = {
    "bus": (("GetId",), DAEMON),  # there and back, to the bus itself
    "echo": (("Ping",), {"interface": ECHO, "destination": ECHO, "path": "/"}),  # through it, to somebody who does nothing
    "ping": PING,
    "hostname": HOSTNAME,
    "polkit": question,  # what a tree is asked about, without the service
    "tree": tree,
}


def measure():
    """Be bob: what each of his calls takes, in microseconds."""
    bus = Connection(BUS)
    taken = {name: [] for name in PROBES}
    refused = collections.Counter()
    lost = []
    calls = {name: call(bus) if callable(call) else call for name, call in PROBES.items()}

    def probe(name):
        words, keywords = calls[name]
        started = time.monotonic()
        try:
            answer = bus.call(*words, timeout=PATIENCE, **keywords)
        except TimeoutError:
            refused[f"{name}: no answer"] += 1
            lost.append(name)
            return
        taken[name].append((time.monotonic() - started) * 1e6)
        if answer.error:
            refused[f"{name}: {answer.error}"] += 1

    for name in calls:  # the first time is for what everybody learns by it
        probe(name)
        taken[name].clear()
    print("ready", flush=True)
    seconds, *names = sys.stdin.readline().split()
    end = time.monotonic() + float(seconds)
    for number in range(1000):
        for name in names or calls:
            if not lost:  # who was not answered for so long has seen enough
                probe(name)
        if lost or (number > 2 and time.monotonic() > end):
            break
        time.sleep(0.002)
    print(json.dumps({"taken": taken, "refused": refused}))


def echo():
    """Be a service that answers at once, whatever it is asked."""
    bus = Connection(BUS)
    bus.call("RequestName", "su", ECHO, 4, **DAEMON)
    print("ready", flush=True)
    data, answers, serial = bytearray(), {}, 1000
    while (piece := bus.socket.recv(1 << 18)):
        data += piece
        at, out = 0, bytearray()
        while len(data) - at >= 16:
            body, number, fields = struct.unpack_from("<III", data, at + 4)
            end = at + (16 + fields + 7) // 8 * 8 + body
            if len(data) < end:
                break
            found = data.find(b"\7\1s\0", at + 16, at + 16 + fields)  # who sends it
            if data[at + 1] == 1 and not data[at + 2] & NO_REPLY and found >= 0:
                name = bytes(data[found + 8:data.index(0, found + 8)])
                if name not in answers:
                    answers[name] = bytearray(b"l\2\1\1" + bytes(8))
                    put(answers[name], "a(yv)", [(5, Variant("u", 0)), (6, Variant("s", name))])
                    pad(answers[name], 8)
                serial += 1
                struct.pack_into("<I", answers[name], 8, serial)
                struct.pack_into("<I", answers[name], 20, number)
                out += answers[name]
            at = end
        del data[:at]
        bus.socket.sendall(out)


# ---- both

def python_as(user, *words):
    return support.start_as(user, sys.executable, os.path.realpath(__file__), *words, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)


@contextlib.contextmanager
def started(user, *words):
    """A process of this program's that has said that it is ready: it, and its word."""
    with python_as(user, *words) as process:
        try:
            word = process.stdout.readline()
            if not word:
                raise AssertionError(f"{words[0]}: it does not start")
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def echoing():
    """A service besides, to call over the same bus."""
    path = "/etc/dbus-1/system.d/usher-test-echo.conf"
    with open(path, "w", encoding="ascii") as file:
        file.write(f'<busconfig><policy user="root"><allow own="{ECHO}"/></policy>'
                   f'<policy context="default"><allow send_destination="{ECHO}"/></policy></busconfig>')
    try:
        subprocess.run(["systemctl", "reload", "dbus.service"], check=True)
        with started("root", "echo"):
            yield
    finally:
        os.unlink(path)


@contextlib.contextmanager
def permitted():
    """Opening one's own tree is for a session that is active; here neither of the two has one."""
    with support.polkit_rule('if (action.id == "org.usher1.open-tree-own") return polkit.Result.YES;'):
        yield


def ask(process, *words):
    process.stdin.write(" ".join(str(word) for word in words) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def measured(seconds):
    """What bob's calls take when nobody floods."""
    with started("bob", "measure") as bob:
        return ask(bob, seconds)


FLOOR = "echo", "polkit"


def floor(name, seconds):
    """What it takes to call a service that has nothing to do but to answer at once, when it is that which is flooded, and
    what it takes to ask polkit then."""
    with started("bob", "measure") as bob, started("alice", "flood", name, "echo") as alice:
        alice.stdin.write("go\n")
        alice.stdin.flush()
        time.sleep(0.5)
        return ask(bob, seconds, *FLOOR)["taken"]


SERVICES = {"usherd": "usherd.service", "worker": "usher-worker.service", "bus": "dbus.service", "polkit": "polkit.service",
            "journal": "systemd-journald.service"}


def work(pid):
    """Seconds that a process has run."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid):
    """Resident, in KiB: now, and at most since forget_memory()."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        lines = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    return int(lines["VmRSS"].split()[0]), int(lines["VmHWM"].split()[0])


def forget_memory(pid):
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def lives():
    """Which run of each service this is."""
    return {key: support.unit(unit, "InvocationID") for key, unit in SERVICES.items()}


def ends(before):
    """What systemd says of the runs that have ended since: (that left by themselves, that died)."""
    left, died = [], []
    subprocess.run(["journalctl", "--sync"], check=True)
    for key, now in lives().items():
        if now == before[key] or not before[key]:
            continue
        shown = subprocess.run(["journalctl", "--no-pager", "_PID=1", f"INVOCATION_ID={before[key]}", "--output=cat"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
        well = any("Deactivated successfully" in line for line in shown) and not any("exited" in line for line in shown)
        (left if well else died).append(f"{key}: {'; '.join(shown[1:]) or 'nothing is known of its end'}")
    return left, died


def under(name, seconds, probes=()):
    """Flood and measure: what bob was told, and what the service and the bus did and weighed."""
    support.settle()
    with contextlib.ExitStack() as stack:
        bob = stack.enter_context(started("bob", "measure"))
        alice = stack.enter_context(started("alice", "flood", name, "usher"))
        if name == "prompts":
            stack.enter_context(contextlib.closing(support.AuthenticationAgent(alice)))
        pids = {key: pid for key, unit in SERVICES.items() if (pid := support.main_pid(unit))}
        runs = lives()
        for pid in pids.values():
            forget_memory(pid)
        before = {key: (memory(pid)[0], work(pid)) for key, pid in pids.items()}
        at = time.monotonic()
        alice.stdin.write("go\n")
        alice.stdin.flush()
        time.sleep(0.5)
        told = ask(bob, seconds, *probes)
        took = time.monotonic() - at
        told["left"], told["died"] = ends(runs)
        pids = {key: pid for key, pid in pids.items() if os.path.exists(f"/proc/{pid}")}
        told["memory"] = {key: (before[key][0], memory(pid)[1]) for key, pid in pids.items()}
        told["work"] = {key: (work(pid) - before[key][1]) / took for key, pid in pids.items()}
        told["flood"] = ask(alice, "enough")
        told["rate"] = told["flood"]["answered" if KINDS[name].listens else "sent"] / took
    return told


# ---- the figures

def middle(numbers, part=0.5):
    numbers = sorted(numbers)
    return numbers[min(len(numbers) - 1, int(len(numbers) * part))] if numbers else float("nan")


# What a call waits for in what the bus has for the service, itself, and for polkit.
PARTS = {"ping": ("echo",), "hostname": ("echo",), "tree": ("echo", "polkit")}


def times(told, idle, name):
    """How many times as long a call takes as when nobody floods; where the bus alone, flooded like this, makes it longer
    than that, as that."""
    bus = told.get("floor")
    if bus and not all(bus[part] for part in FLOOR):  # the bus alone has no answer, either
        return float("nan")
    if not told["taken"][name]:
        return float("inf")
    least = middle(idle["taken"][name])
    more = sum(middle(bus[part]) - middle(idle["taken"][part]) for part in PARTS.get(name, ())) if bus else 0
    return middle(told["taken"][name]) / max(least, least + more)


def show(name, told, idle):
    taken = told["taken"]
    print(f"{name:12}" + " ".join(f"{middle(taken[probe]):8.0f} {middle(taken[probe], 1):8.0f}" for probe in PROBES), flush=True)
    if "flood" in told:
        print("    times       " + " ".join(f"{times(told, idle, probe):8.1f}         " for probe in PROBES) +
              " the floor: " + ", ".join(f"{part} {middle(told['floor'][part]):.0f}" for part in FLOOR))
        print(f"    {told['rate']:.0f} calls/s, {told['flood']['connections']} connections, {told['flood']['dropped']} dropped; "
              f"{len(taken['ping'])} rounds; of a core: " + ", ".join(f"{key} {value:.2f}" for key, value in told["work"].items()) +
              "; KiB: " + ", ".join(f"{key} {was} to {most}" for key, (was, most) in told["memory"].items() if key in ("usherd", "bus")))
    for line in told.get("left", []) + told.get("died", []):
        print(f"    {line}")
    if told["refused"]:
        print(f"    {dict(told['refused'])}", flush=True)


def attempt(name, seconds, idle):
    """One kind, and the bus alone before it: what was told, and what is wrong with it."""
    bus = floor(name, seconds / 2)
    told = under(name, seconds)
    told["floor"] = bus
    show(name, told, idle)
    support.wait_until(lambda: not support.children("usher-worker.service"), "the flood is over", 60)
    support.settle()
    return told, [f"{name}: {line}" for line in told["died"]] + [
        f"{name}: {probe} takes {times(told, idle, probe):.1f} times as long as it has to" for probe in PARTS if times(told, idle, probe) > 2]


def report(options):
    support.settle()
    results = {}
    bad = []
    with permitted(), echoing():
        results["idle"] = idle = measured(options.seconds)
        print("microseconds" + " ".join(f"{name:>8} {'most':>8}" for name in PROBES))
        show("idle", idle, idle)
        for name in options.kinds or KINDS:
            for left in reversed(range(options.tries)):
                results[name], wrong = attempt(name, options.seconds, idle)
                if not wrong:
                    break
                if left:  # what was too slow because the machine did something else is not so again
                    print("    once more: " + "; ".join(wrong), flush=True)
                    idle = measured(options.seconds)
            bad += wrong
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file)
    print("\n".join(bad))
    return 1 if bad and options.strict else 0


def main():
    if sys.argv[1:2] == ["flood"]:
        return flood(*sys.argv[2:])
    if sys.argv[1:2] == ["measure"]:
        return measure()
    if sys.argv[1:2] == ["echo"]:
        return echo()
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="for each kind")
    parser.add_argument("--strict", action="store_true", help="fail if somebody else waits for more than twice as long")
    parser.add_argument("--tries", type=int, default=1, help="how often a kind is tried before it counts as bad")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=" ".join(KINDS))
    options = parser.parse_args()
    for name in options.kinds:
        if name not in KINDS:
            parser.error(f"{name}: not one of {' '.join(KINDS)}")
    return report(options)


if __name__ == "__main__":
    sys.exit(main())
