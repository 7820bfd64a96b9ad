# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every method with every wrong type, and calls of which some bytes are not what they were: never a crash, never an
answer that is not in the closed set, nothing left behind.  MUTATIONS=100000 makes as many; SEED repeats a run.

The last file of a ring, by its name: a call may mount over the root, after which nobody in these namespaces can make a
user namespace, and some of what others test needs one."""

import collections
import contextlib
import os
import random
import xml.etree.ElementTree

import ring
from rawbus import Connection
from rawbus import Variant as Raw
from rawbus import complete_types

KINDS = ("Mount", "Namespace", "Process", "Watch", "Timer", "SignalTrap", "NetlinkMonitor")
COUNT = int(os.environ.get("MUTATIONS", "2000"))
SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
AT_ONCE = 64
BUS = "org.freedesktop.DBus.Error."
OURS = {f"org.usher1.Error.{name}" for name in (
    "InvalidArgument", "NotPermitted", "NotFound", "NotOwner", "Busy", "LimitExceeded", "NotSupported", "Retry", "TimedOut",
    "Failed")}
ALLOWED = OURS | {BUS + name for name in (
    "NoMemory", "InteractiveAuthorizationRequired", "InvalidArgs", "InvalidSignature", "UnknownMethod", "UnknownInterface",
    "UnknownObject", "UnknownProperty", "PropertyReadOnly", "AccessDenied", "InconsistentMessage", "NoReply")}
WRONG = [("y", 7), ("b", 1), ("i", -1), ("u", 0xFFFFFFFF), ("x", -1), ("t", 0xFFFFFFFFFFFFFFFF), ("s", ""), ("s", "/no/\\x0"),
         ("o", "/"), ("g", "a{sv}"), ("as", []), ("as", ["", "/"]), ("a{sv}", {}), ("v", Raw("v", Raw("s", "x"))), ("(ss)", ("", "")),
         ("h", 0), ("ay", list(b"\0\xff")), ("a{ss}", {"": ""}), ("a{uh}", {0xFFFFFFFF: 1}), ("au", [0xFFFFFFFF]), ("a(uuu)", [(1, 2, 3)] * 400),
         ("a{s(tt)}", {"x": (2, 1)}), ("a(sssas)", [("", "", "", [""])]), ("a{us}", {1: "x"})]
RIGHT = {"v": Raw("s", "x"), "s": "/nowhere/at/all", "as": ["ro", "size=1"], "a{sv}": {}, "h": 0, "o": "/org/usher1/mount/1", "u": 1, "t": 1, "b": 1,
         "a{ss}": {"NAME": "value"}, "a{uh}": {5: 0}, "au": [1, 2], "a(uuu)": [(0, 1, 1)], "a{s(tt)}": {"nofile": (1, 2)},
         "a(sssas)": [("x", "/x", "tmpfs", ["ro"])], "a(ssa{sv})": [("add", "link", {})]}


class Mutations(ring.TestCase):
    longest = 3600

    def setUp(self):
        super().setUp()
        self.connection = Connection(self.service.bus.path)
        self.addCleanup(self.connection.close)
        self.outcomes = collections.Counter()
        self.made = {}
        self.place = self.directory("place")
        self.methods = []
        self.learn()
        self.assertEqual(set(self.made), set(KINDS))
        self.fd = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        self.addCleanup(os.close, self.fd)

    def make(self, kind):
        """An object of the kind; a program has ended by itself, for to wait for another could take an hour."""
        call, words = {
            "Mount": ("Mounts.Mount", ("tmpfs", self.place, "tmpfs", [], {})),
            "Namespace": ("Namespaces.Create", (f"wrong-{random.randrange(1 << 32)}", ["user", "uts"], {})),
            "Process": ("Processes.Spawn", (["/bin/true"], {}, {}, {})),
            "Watch": ("Watches.Subscribe", (self.place, ["create"], {"backend": ring.Variant("s", "inotify")})),
            "Timer": ("Timers.Create", ("monotonic", 3600 * 10**6, 0, {})),
            "SignalTrap": ("Signals.Trap", (["SIGUSR1"], {})),
            "NetlinkMonitor": ("Netlink.Subscribe", (["link"], [], {})),
        }[kind]
        made = self.me.call(*call.split("."), *words)
        for descriptor in made[1:] if isinstance(made, tuple) else ():
            if hasattr(descriptor, "close"):
                descriptor.close()
        return made[0] if isinstance(made, tuple) else made

    def learn(self):
        """The methods of the service, and of an object of each kind that there is; what ends one is the last of it."""
        for kind in KINDS:
            if self.made.get(kind) not in self.me.objects(kind):
                self.made.pop(kind, None)
                with contextlib.suppress(ring.DBusError):  # what has been mounted meanwhile may be in the way
                    self.made[kind] = self.make(kind)
        self.methods.clear()
        for path in ("/org/usher1", *self.made.values()):
            text = self.connection.call("Introspect", interface="org.freedesktop.DBus.Introspectable", path=path).values[0]
            for interface in xml.etree.ElementTree.fromstring(text).iter("interface"):
                for method in interface.iter("method"):
                    self.methods.append((path, interface.get("name"), method.get("name"), "".join(
                        argument.get("type") for argument in method.iter("arg") if argument.get("direction") == "in")))
        self.methods.sort(key=lambda method: (method[0], method[2] in ("Close", "Destroy", "Unmount")))

    def send(self, path, interface, method, signature, values):
        return self.connection.send(method, signature, *values, path=path, interface=interface, fds=[self.fd])

    def settle(self, sent):
        """All are answered, each with what may be."""
        while sent:
            answers = self.connection.answers(1, 60)
            self.assertTrue(answers, f"no answer to {list(sent.values())[:3]}")
            for serial, answer in answers.items():
                what = sent.pop(serial, "?")
                self.outcomes[(answer.error or "done").rpartition(".")[2]] += 1
                if answer.error:
                    self.assertIn(answer.error, ALLOWED, f"{what}: {answer}")

    def still_there(self, pids):
        self.assertEqual((self.service.pid, self.service.worker), pids)
        self.assertFalse(self.service.gone())
        self.assertIsNone(self.connection.call("List", "a{sv}", {}).error)
        self.assertFalse(ring.SANITIZERS.search(self.service.said()), self.service.said())

    def test_every_method_with_every_wrong_type(self):
        pids, sent = (self.service.pid, self.service.worker), {}
        for path, interface, method, signature in self.methods:
            kinds = complete_types(signature)
            calls = [([*kinds[:at], kind, *kinds[at + 1:]], at, value) for at in range(len(kinds)) for kind, value in WRONG]
            calls += [([*kinds, kind], len(kinds), value) for kind, value in WRONG]
            for words, at, wrong in calls:
                values = [wrong if number == at else RIGHT.get(kind, 0) for number, kind in enumerate(words)]
                sent[self.send(path, interface, method, "".join(words), values)] = (method, words)
                if len(sent) >= AT_ONCE:
                    self.settle(sent)
        self.settle(sent)
        self.still_there(pids)

    def test_every_key_with_every_wrong_type(self):
        pids, sent = (self.service.pid, self.service.worker), {}
        keys = ("in", "deadline_usec", "lifetime", "recursive", "propagation", "idmap", "source_fd", "target_fd", "path_fd", "lazy",
                "force", "expire", "", "namespace_fd", "namespace_id", "x" * 300, "types", "uid_map", "gid_map", "map_zero", "mounts",
                "groups", "rlimits", "signal_mask", "capabilities", "terminal", "monotonic_offset_usec", "nice", "leader_fd", "owner",
                "process_fd", "transient_start")
        for path, interface, method, signature in self.methods:
            if not signature.endswith("a{sv}") or not interface.startswith("org.usher1"):
                continue
            for key in keys:
                for kind, wrong in WRONG:
                    values = [RIGHT.get(one, 0) for one in complete_types(signature)[:-1]] + [{key: Raw(kind, wrong)}]
                    sent[self.connection.send(method, signature, *values, path=path, interface=interface, fds=[self.fd])] = (method, key, kind)
                    if len(sent) >= AT_ONCE:
                        self.settle(sent)
        self.settle(sent)
        self.still_there(pids)

    def any_text(self, pick):
        text = pick.choice(("", "/tmp/none", *[self.here] * 9, *["tmpfs"] * 6, "overlay", "auto", "0 0 1", "connection", "shared", "Hostname", "..",
                            "org.usher1.Mount", "lowerdir=/:/", "size=1k", "\\x2fnone", "\u202e", "a" * 300))
        for _ in range(pick.choice((0, 0, 0, 0, 1, 3))):
            at = pick.randrange(len(text) + 1)
            text = text[:at] + pick.choice(("", "\\", "\\x", "\\x0a", "\n", "/", ",", "=", "%", "\xff", "\U0001f600", chr(pick.randrange(1, 127)))) \
                + text[at + pick.randrange(2):]
        # never the root nor /tmp by themselves: who covers those hides the bus from the test, who makes them noexec its programs
        return self.here if os.path.normpath(text) in ("/", "//", "/tmp") else text

    def any_value(self, pick, kind):
        """Of a type, something that may travel over the bus."""
        if kind == "s":
            return self.any_text(pick)
        if kind == "as":
            if pick.random() < 0.7:
                return pick.sample(("ro", "nosuid", "noexec", "size=1k", "shared"), pick.randrange(3))
            return [self.any_text(pick) for _ in range(pick.choice((0, 1, 2, 40)))]
        if kind == "v":
            return Raw(*pick.choice(WRONG))
        if kind == "a{sv}":
            keys = ("in", "lazy", "deadline_usec", "idmap", "lifetime", "propagation", "path_fd", "source_fd", "target_fd", "recursive",
                    "force", "expire", "types", "uid_map", "rlimits", "mounts", "terminal", self.any_text(pick))
            kinds = [pick.choice(("s", "b", "t", "h", "as", "v", "u", "a(uuu)", "a{s(tt)}", "a(sssas)")) for _ in keys]
            return {key: Raw(one, self.any_value(pick, one)) for key, one in zip(keys, kinds) if pick.random() < 0.04}
        if kind.startswith("a{"):
            key, value = complete_types(kind[2:-1])
            return {self.any_value(pick, key): self.any_value(pick, value) for _ in range(pick.choice((0, 0, 1, 3)))}
        if kind[0] == "a":
            return [self.any_value(pick, kind[1:]) for _ in range(pick.choice((0, 1, 3)))]
        if kind[0] == "(":
            return tuple(self.any_value(pick, one) for one in complete_types(kind[1:-1]))
        if kind in "hb":
            return pick.choice((0, 1)) if kind == "b" else pick.choice((0, 0, 1, 0xFFFFFFFF))
        return RIGHT.get(kind, 0)

    def break_one(self, pick, words, keywords):
        """One with bytes changed, on a connection of its own: of what is no message the bus ends it."""
        with Connection(self.service.bus.path) as connection:
            data = bytearray(connection.message(*words, **keywords))
            for _ in range(pick.randrange(1, 4)):
                data[pick.randrange(len(data))] = pick.randrange(256)
            with contextlib.suppress(OSError):
                connection.socket.sendall(data)
                connection.answers(1, 0.01)

    def test_mutated_calls(self):
        print(f"    SEED={SEED} MUTATIONS={COUNT}", flush=True)
        pick, pids, sent = random.Random(SEED), (self.service.pid, self.service.worker), {}
        self.assertIsNone(self.connection.call("List", "a{sv}", {}).error)
        before, mounts, heavy = self.service.descriptors()[0], len(ring.mounts()), self.weight()
        for number in range(COUNT):
            if number % 100 == 99:
                self.settle(sent)
                self.learn()  # some have gone
            path, interface, method, signature = pick.choice(self.methods)
            if method == "PivotRoot" or method.startswith("Set"):
                signature = signature.replace("a{sv}", "a{ss}")  # it would work
            values = [self.any_value(pick, kind) if kind != "a{ss}" else {} for kind in complete_types(signature)]
            if pick.random() < 0.02:
                self.break_one(pick, (method, signature, *values), {"path": path, "interface": interface})
                continue
            sent[self.connection.send(method, signature, *values, path=path, interface=interface, fds=[self.fd])] = (number, method, values)
            if len(sent) >= AT_ONCE:
                self.settle(sent)
        self.settle(sent)
        print(f"    {dict(self.outcomes)}", flush=True)
        self.still_there(pids)

        def unmount_all():
            for found in reversed(self.me.objects("Mount")):
                with contextlib.suppress(ring.DBusError):  # another one is on top of it
                    self.me.call("Mount", "Unmount", {"lazy": True}, path=found)
            return not self.me.objects("Mount")

        def close_all():
            left = [(interface, found) for interface in KINDS[3:] + ("Namespace",) for found in self.me.objects(interface)]
            for interface, found in left:
                with contextlib.suppress(ring.DBusError):  # it goes by itself
                    self.me.call(interface, "Destroy" if interface == "Namespace" else "Close", {}, path=found)
            return not left

        ring.wait_until(unmount_all, "all mounts are gone", 30)
        ring.wait_until(close_all, "and whatever is closed", 30)
        ring.wait_until(lambda: not ring.children_of(self.service.worker), "all children have ended", 60)
        ring.wait_until(lambda: self.service.descriptors()[0] <= before + 4, f"descriptors: {before} before", 10)
        self.assertLessEqual(len(ring.mounts()), mounts)
        # what is freed, the address sanitizer keeps for a while
        self.assertLess(self.weight() - heavy, (512 if self.sanitized() else 32) * 1024, "KiB more than before")

    def sanitized(self):
        return "libasan" in ring.read(f"/proc/{self.service.pid}/maps")

    def weight(self):
        with open(f"/proc/{self.service.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * 4
