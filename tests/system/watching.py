# SPDX-License-Identifier: LGPL-2.1-or-later
"""Watches for tests: the records of a stream, and ways to have a watcher stand still or to know that it has told all."""

import contextlib
import itertools
import os
import select
import signal
import socket
import struct
import time

import support
from support import Descriptor, Variant, wait_until

EVENT, LOST, RESCAN = 1, 2, 3
DIRECTORY, ALL = 1, 2
NAMES = ("create delete modify attrib move open open-exec access close-write close-nowrite delete-self move-self unmount "
         "mount-attach mount-detach open-perm access-perm exec-perm").split()
HEAD = struct.Struct("=IHHQQIIII")
PACKET_MAX = 65536
TYPES = {"settle_usec": "t", "queue": "u", "decide_timeout_usec": "t", "exclude": "as"}
MARKER = ".marker-"
MARKS = itertools.count()


class Record:
    """One record of interfaces/watch-stream.h."""

    def __init__(self, kind, flags, clock, usec, events, pid, path, old_path):
        self.kind = kind
        self.flags = flags
        self.clock = clock
        self.usec = usec
        self.events = {name for bit, name in enumerate(NAMES) if events >> bit & 1}
        self.pid = pid
        self.path = path
        self.old_path = old_path

    def __repr__(self):
        kind = {EVENT: "", LOST: "LOST", RESCAN: "RESCAN"}.get(self.kind, "?") + ("+ALL" if self.flags & ALL else "")
        return f"<{kind}{','.join(sorted(self.events))} {self.path!r}{f' from {self.old_path!r}' if self.old_path else ''}>"

    def is_marker(self):
        return self.path.startswith(MARKER) or "/" + MARKER in self.path


def records_of(packet):
    """The records of one packet; an AssertionError where it is not as the format says."""
    at = 0
    while at < len(packet):
        assert at % 8 == 0 and len(packet) - at >= HEAD.size, (at, len(packet))
        size, kind, flags, clock, usec, events, pid, length, old_length = HEAD.unpack_from(packet, at)
        assert size % 8 == 0 and HEAD.size + length + old_length + 2 <= size <= len(packet) - at, (at, size, length, old_length)
        begin = at + HEAD.size
        path, old_path = packet[begin:begin + length], packet[begin + length + 1:begin + length + 1 + old_length]
        assert packet[begin + length] == 0 and packet[begin + length + 1 + old_length] == 0 and b"\0" not in path + old_path
        assert not path.startswith(b"/") and not old_path.startswith(b"/")
        yield Record(kind, flags, clock, usec, events, pid, os.fsdecode(path), os.fsdecode(old_path))
        at += size


class Told:
    """What tells a watch's events, by one door or another: read() returns what is there, or comes in time."""

    def __init__(self, client, root):
        self.client = client
        self.root = root
        self.told = []
        self.bytes = 0
        self.ended = False
        self.marked = None

    def read(self, timeout=0):
        raise NotImplementedError

    def get(self, name):
        return self.client.get("Watch", name, self.object)

    def since(self, clock):
        return self.client.call("Watch", "Since", clock, {}, path=self.object, signature="ta{sv}")

    def close(self):
        with contextlib.suppress(support.DBusError, EOFError, OSError):
            self.client.call("Watch", "Close", {}, path=self.object, signature="a{sv}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def quiet(self, seconds=0.3, timeout=30):
        """What has come until nothing has for some time, but no markers."""
        found, deadline = [], time.monotonic() + timeout
        while True:
            more = self.read(seconds)
            found += more
            if not more or self.ended:
                return [record for record in found if not record.is_marker()]
            assert time.monotonic() < deadline, "a watch does not fall silent"

    def mark(self, where=None):
        """The name of a file that has been made last of all."""
        self.marked = where or self.root
        name = f"{MARKER}{next(MARKS)}"
        path = f"{self.marked}/{name}"
        with open(path, "w", encoding="utf-8"):
            pass
        os.unlink(path)
        return name

    def catch_up(self, mark, seconds=0.3):
        """All that has come before a mark: it has been told, and silence after that."""
        found = self.until(lambda record: os.path.basename(record.path) == mark or record.kind == LOST and record.flags & ALL,
                           "a watch tells the last thing that has happened")
        return [record for record in found if not record.is_marker()] + self.quiet(seconds)

    def all(self, seconds=0.3, where=None):
        """What has come up to now.  All of it."""
        return self.catch_up(self.mark(where), seconds)

    def until(self, condition, why, timeout=support.PATIENCE):
        """All that came until a record fits."""
        found = []

        def more():
            new = self.read(0.1)
            found.extend(new)
            return self.ended or any(map(condition, new))

        try:
            wait_until(more, why, timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}; by a {type(self).__name__.lower()} came {found[-10:]}") from None
        return found


def words(root, options):
    """The first word of Open and Subscribe, and their keys."""
    options = {key: Variant(TYPES[key], value) if key in TYPES else value for key, value in options.items()}
    path = root if isinstance(root, str) else ""
    if not path:
        options["root"] = Descriptor(root)
    return path, options


class Watch(Told):
    """A stream that client has opened.  What it has told is in `told`, in its order, and `bytes` of it have come."""

    def __init__(self, client, root, events=(), **options):
        super().__init__(client, root)
        path, options = words(root, options)
        self.object, stream = client.call("Watches", "Open", path, list(events), options, signature="sasa{sv}")
        self.socket = socket.socket(fileno=stream.take())
        self.socket.setblocking(False)

    def close(self):
        self.socket.close()
        super().close()

    def read(self, timeout=0):
        """A list of records.  Empty at the end of the stream, too."""
        found = []
        while not self.ended and select.select([self.socket], [], [], 0 if found else timeout)[0]:
            packet = self.socket.recv(PACKET_MAX + 1)
            if not packet:
                self.ended = True
            assert len(packet) <= PACKET_MAX
            self.bytes += len(packet)
            found += records_of(packet)
        self.told += found
        return found


class Subscription(Told):
    """The same by signals, which come to client's connection: as records of a stream, one for each event."""

    def __init__(self, client, root, events=(), **options):
        super().__init__(client, root)
        if not hasattr(client, "subscriptions"):
            client.subscriptions = {}
            client.subscribe(interface="org.usher1.Watch")
        path, options = words(root, {"settle_usec": 0, **options})
        self.inbox = []
        self.object = client.call("Watches", "Subscribe", path, list(events), options, signature="sasa{sv}")
        client.subscriptions[self.object] = self

    def hear(self, member, arguments):
        self.bytes += 1
        if member == "Events":
            self.inbox += [Record(EVENT, 0, clock, usec, 1 << NAMES.index(event), pid, path, old_path)
                           for clock, usec, event, path, old_path, pid in arguments[0]]
        elif member == "Lost":
            clock, directories = arguments
            self.inbox += [Record(RESCAN, 0, clock, 0, 0, 0, path, "") for path in directories] or [Record(LOST, ALL, clock, 0, 0, 0, "", "")]

    def catch_up(self, mark, seconds=0.3):
        """What comes behind something that is to be listed anew, before that is told, is to be listed anew, too: also a mark."""
        found = self.until(lambda record: os.path.basename(record.path) == mark or record.kind != EVENT and not record.path, "signals tell the last thing that has happened")
        if mark in names(found):
            return [record for record in found if not record.is_marker()] + self.quiet(seconds)
        time.sleep(0.2)
        return found + self.all(seconds, self.marked)

    def read(self, timeout=0):
        for origin, _, member, arguments in self.client.signals(timeout):
            if origin in self.client.subscriptions:
                self.client.subscriptions[origin].hear(member, arguments)
        found, self.inbox = self.inbox, []
        self.told += found
        return found


class Both(Told):
    """A stream and a subscription, of which the one must tell what the other does.

    What is returned is the stream's; in `told` is what has come through both doors."""

    def __init__(self, client, root, events=(), **options):
        super().__init__(client, root)
        try:
            self.stream = Watch(client, root, events, **options)
        except support.DBusError as error:
            try:
                Subscription(client, root, events, **options).close()
            except support.DBusError as other:
                assert other.name == error.name, (error, other)
                raise error from None
            raise AssertionError(f"Subscribe allows what Open refuses: {error}") from None
        self.signals = Subscription(client, root, events, **options)
        self.doors = self.stream, self.signals
        self.object = self.stream.object

    @property
    def bytes(self):
        return sum(door.bytes for door in self.doors)

    @bytes.setter
    def bytes(self, _):
        pass

    def close(self):
        for door in self.doors:
            door.close()

    def through_both(self, ask):
        found, heard = map(ask, self.doors)
        self.told += found + heard
        return found, heard

    def read(self, timeout=0):
        found, heard = self.through_both(lambda door: door.read(timeout))
        return found + heard

    def quiet(self, seconds=0.3, timeout=30):
        found, heard = self.through_both(lambda door: door.quiet(seconds, timeout))
        return found + heard

    def until(self, condition, why, timeout=support.PATIENCE):
        return self.through_both(lambda door: door.until(condition, why, timeout))[0]

    def catch_up(self, mark, seconds=0.3):
        found, heard = self.through_both(lambda door: door.catch_up(mark, seconds))
        again = {record.path for record in heard if record.kind == RESCAN}
        missing = {piece for piece in pieces(found) - pieces(heard) if os.path.dirname(piece[1]) not in again}
        if not [record for record in found + heard if record.kind == LOST]:
            assert not missing and pieces(heard) <= pieces(found), ("by stream and by signals other things are told", found, heard)
        return found


def pieces(records):
    """What records tell, however it was put together."""
    return {(event, record.path, record.old_path, record.pid) for record in records for event in record.events}


def names(records):
    """All names and parts of paths in records."""
    return {part for record in records for path in (record.path, record.old_path) for part in path.split("/") if part}


def shapes(records):
    """The events as strings, in their order: "create a", "move a b" (from a to b)."""
    return [" ".join([",".join(sorted(record.events)), *filter(None, [record.old_path]), record.path]) for record in records
            if record.kind == EVENT]


def is_watcher(pid):
    """And none of those that seek directories for one (watcher/seekers.h)."""
    def runs(number):
        program = os.readlink(f"/proc/{number}/exe").removesuffix(" (deleted)")
        return os.path.basename(program) == "usher-watcher"

    return (runs(pid) and support.read_file(f"/proc/{pid}/comm") != "usher-seeker\n" and "usher-watcher" in support.read_file(f"/proc/{pid}/cgroup")
            and not runs(support.read_file(f"/proc/{pid}/stat").rpartition(")")[2].split()[1]))


def watchers():
    """Process ids of all watchers."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if is_watcher(pid):
                found.append(int(pid))
    return found


@contextlib.contextmanager
def stopped(seconds=0):
    """Within, all watchers stand still, for some time longer if that is asked for."""
    pids = watchers()
    assert pids, "no watcher runs"
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
        time.sleep(seconds)
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def memory(pid):
    """Resident bytes of a process that are its own."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return sum(int(line.split()[1]) << 10 for line in file if line.startswith(("Private_", "Pss_Anon:")) and "Pss" not in line)


# ---- what people do, in a process of their own

def touch(*paths):
    for path in paths:
        with open(path, "w", encoding="utf-8"):
            pass


def write(path, text="x"):
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)


def churn(directory, count, prefix="secret"):
    """Make, write, rename and remove so many files."""
    for number in range(count):
        path = f"{directory}/{prefix}-{number}"
        write(path)
        os.rename(path, path + "-renamed")
        os.unlink(path + "-renamed")


def acl(owner, group, other, mask=7, users=None):
    """A value of system.posix_acl_access."""
    entries = [(1, owner, 0xffffffff), (4, group, 0xffffffff), (16, mask, 0xffffffff), (32, other, 0xffffffff)]
    entries += [(2, bits, uid) for uid, bits in (users or {}).items()]
    return struct.pack("=I", 2) + b"".join(struct.pack("=HHI", *entry) for entry in sorted(entries))
