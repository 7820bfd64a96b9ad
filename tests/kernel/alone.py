# SPDX-License-Identifier: LGPL-2.1-or-later
"""One of our programs alone, over a socket pair, with the test in the place of the broker: any, and usher-watcher."""

import array
import os
import re
import select
import socket
import stat
import struct
import subprocess
import time

PROTO = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../interfaces/usher.proto")
MAGIC = 0x75736872
RECORD = struct.Struct("=IHHQQIIII")
EVENT, LOST, RESCAN = 1, 2, 3
NAMES = ("create delete modify attrib move open open-exec access close-write close-nowrite delete-self move-self unmount "
         "mount-attach mount-detach open-perm access-perm exec-perm").split()


def read_messages():
    """{message: {field: (number, type, repeated)}}, as far as usher.proto needs."""
    with open(PROTO, encoding="utf-8") as file:
        text = re.sub(r"//.*", "", file.read())
    messages = {}
    for name, body in re.findall(r"message (\w+) \{(.*?)\}", text, re.S):
        fields = re.findall(r"(optional|required|repeated) (\w+) (\w+) = (\d+)", body)
        messages[name] = {field: (int(number), kind, label == "repeated") for label, kind, field, number in fields}
    return messages


MESSAGES = read_messages()


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while True:
        out.append(number & 127 | (128 if number > 127 else 0))
        number >>= 7
        if not number:
            return bytes(out)


def pack(message, values):
    out = b""
    for field, value in values.items():
        number, kind, repeated = MESSAGES[message][field]
        for one in value if repeated else [value]:
            if kind in MESSAGES or kind in ("string", "bytes"):
                data = pack(kind, one) if kind in MESSAGES else one.encode() if isinstance(one, str) else one
                out += varint(number << 3 | 2) + varint(len(data)) + data
            else:
                out += varint(number << 3) + varint(int(one))
    return out


def unpack(message, data):
    by_number = {number: (field, kind, repeated) for field, (number, kind, repeated) in MESSAGES[message].items()}
    values, at = {field: [] for field, (_, _, repeated) in MESSAGES[message].items() if repeated}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        tag = number()
        field, kind, repeated = by_number[tag >> 3]
        if tag & 7 == 2:
            length = number()
            value = data[at:at + length]
            at += length
            value = unpack(kind, value) if kind in MESSAGES else value.decode() if kind == "string" else value
        else:
            value = number()
            if kind == "int32" and value >> 63:
                value -= 1 << 64
        if repeated:
            values[field].append(value)
        else:
            values[field] = value
    return values


class Record:
    """One of a stream's."""

    def __init__(self, data):
        (self.size, self.kind, self.flags, self.clock, self.usec, self.events, self.pid, length,
         old) = RECORD.unpack_from(data)
        at = RECORD.size
        self.path = data[at:at + length].decode()
        self.old_path = data[at + length + 1:at + length + 1 + old].decode()

    @property
    def names(self):
        return [name for bit, name in enumerate(NAMES) if self.events >> bit & 1]

    def __repr__(self):
        what = {EVENT: "+".join(self.names), LOST: "LOST", RESCAN: "RESCAN"}[self.kind]
        return f"{what} {self.path}" + (f" < {self.old_path}" if self.old_path else "")


class Alone:
    """The program and our end of its connection."""

    ORDER = REPORT = None  # the messages that go there and come from there

    def __init__(self, program, under=(), **keywords):
        """`under` is a command that starts another."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket = ours
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{theirs.fileno()}', "bash", *under, program], pass_fds=[theirs.fileno()], **keywords)
        theirs.close()

    def close(self):
        self.socket.close()
        self.process.kill()
        self.process.wait()

    def send(self, order, fds=()):
        data = pack(self.ORDER, order)
        self.socket.sendmsg([struct.pack("=III", MAGIC, len(data), 0) + data],
                            [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])

    def next(self, seconds):
        """The next report, and the descriptors that came with it."""
        if not select.select([self.socket], [], [], seconds)[0]:
            raise TimeoutError(f"nothing within {seconds} s")
        data, fds, _, _ = socket.recv_fds(self.socket, 1 << 17, 16)
        if not data:
            raise EOFError("the program has gone")
        _, size, outside = struct.unpack_from("=III", data)
        message = data[12:]
        if outside:
            with os.fdopen(fds.pop(0), "rb") as file:
                message = os.pread(file.fileno(), size, 0)
        return unpack(self.REPORT, message), fds


class Watcher(Alone):
    ORDER, REPORT = "WatcherOrder", "WatcherReport"

    def __init__(self, program, kind, superblock=None, kept=(), **keywords):
        """`kept` is what an earlier one gave for safekeeping: the journal and the group."""
        super().__init__(program, **keywords)
        self.reports, self.streams, self.kept = [], {}, []
        fds = [] if superblock is None else [superblock]
        begin = {"kind": kind}
        if fds:
            begin["superblock_fd"] = 0
        if kept:
            begin["journal_fd"], begin["group_fd"] = len(fds), len(fds) + 1
            fds += kept
        self.send({"begin": begin}, fds)
        self.wait_for("kept")

    def receive(self, seconds=5):
        """The next report; None when there is none in time."""
        try:
            report, fds = self.next(seconds)
        except TimeoutError:
            return None
        if fds and not self.kept:
            self.kept = fds
        else:
            for fd in fds:
                os.close(fd)
        return report

    def wait_for(self, member, seconds=5, **values):
        """The next report of a kind; others are kept for later."""
        until = time.monotonic() + seconds
        while True:
            for i, report in enumerate(self.reports):
                if member in report and all(report[member].get(k) == v for k, v in values.items()):
                    return self.reports.pop(i)[member]
            report = self.receive(max(0, until - time.monotonic()))
            if report is None:
                raise TimeoutError(f"no {member} within {seconds} s, but {self.reports}")
            self.reports.append(report)

    def add(self, number, root, events, scope="recursive", uid=None, stream=True, resumed=False, **keys):
        """(code, text) of the answer."""
        fds = [root]
        watch = {"beholder": {"uid": os.getuid() if uid is None else uid, "gid": keys.pop("gid", os.getgid()),
                              "groups": keys.pop("groups", os.getgroups()),
                              "everything": keys.pop("everything", False)},
                 "events": events, "scope": scope, "directory": stat.S_ISDIR(os.fstat(root).st_mode), "settle_usec": keys.pop("settle_usec", 0), **keys}
        order = {"number": number, "watch": watch, "root_fd": 0, "resumed": resumed}
        if stream:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            fds.append(theirs.fileno())
            order["stream_fd"] = 1
            self.streams[number] = ours
        self.send({"add": order}, fds)
        if stream:
            theirs.close()
        done = self.wait_for("done", number=number)
        return done["code"], done.get("text", "")

    def some(self, number, seconds=5):
        """The records of the next packet of a stream; none at its end."""
        stream, records = self.streams[number], []
        if not select.select([stream], [], [], seconds)[0]:
            raise TimeoutError(f"nothing in the stream within {seconds} s")
        data = stream.recv(1 << 17)
        while data:
            records.append(Record(data))
            data = data[records[-1].size:]
        return records

    def has_work(self):
        """Whether it waits for nothing but a processor."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] in "RD"

    def records(self, number, seconds=0.3):
        """What comes through a stream until nothing has come for a while, and nobody is about to write it."""
        records = []
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if select.select([self.streams[number]], [], [], seconds)[0]:
                some = self.some(number)
                if not some:
                    break
                records += some
            elif not self.has_work():
                break
        return records

    def close(self):
        self.socket.close()
        for fd in self.kept:
            os.close(fd)
        self.kept = []
        for stream in self.streams.values():
            stream.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
