# SPDX-License-Identifier: LGPL-2.1-or-later
"""usher-netlink alone, as what listens in a network namespace, with the test in the place of the broker."""

import select
import socket
import time

from alone import Alone
from reader import selection
from rows import Answer


class Stream(Answer):
    """Our end of what one who monitors reads."""

    def __init__(self, ours=None):
        super().__init__()
        self.socket = ours

    def wait(self, enough, seconds=10):
        """Reads until enough(rows) is true; the rows so far."""
        end = time.monotonic() + seconds
        while not enough(self.rows):
            if not select.select([self.socket], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError(f"not within {seconds} s: {self.rows[-20:]}")
            data = self.socket.recv(1 << 18)
            if not data:
                raise EOFError(self.rows[-20:])
            self.feed(data)
        return self.rows

    def take(self):
        """The rows so far, which are forgotten."""
        rows, self.rows = self.rows, []
        return rows

    def synced(self, seconds=10):
        self.wait(lambda rows: any(row[0] == "synced" for row in rows), seconds)
        return self.take()

    def nothing(self, seconds=0.3):
        """Whether there is no row for so long; that a stream begins is none."""
        try:
            self.wait(lambda rows: rows, seconds)
        except TimeoutError:
            return True
        return False


class Listener(Alone):
    ORDER, REPORT = "NetlinkOrder", "NetlinkReport"

    def __init__(self, program, namespace, **keywords):
        super().__init__(program, **keywords)
        self.number, self.done, self.streams, self.ended, self.counters = 0, {}, {}, {}, {}
        self.reports = 0
        self.send({"begin": {"namespace_fd": 0}}, [namespace])

    def receive(self, seconds=10):
        self.take(self.next(seconds)[0])

    def take(self, report):
        if "done" in report:
            self.done[report["done"]["number"]] = report["done"]
        elif "changed" in report:
            self.reports += 1
            self.streams[report["changed"]["number"]].feed(report["changed"]["blocks"])
        elif "ended" in report:
            self.ended[report["ended"]["number"]] = report["ended"]
        else:
            self.counters[report["counters"]["number"]] = report["counters"]

    def until(self, true, seconds=10):
        end = time.monotonic() + seconds
        while not true():
            self.receive(max(0, end - time.monotonic()))

    def add(self, types, fields=(), stream=True, code=0, holder=None, name=None, number=None, size=None, **keys):
        """Begins to monitor; its number, and the stream."""
        order = {key: keys.pop(key) for key in ("snapshot", "resumed", "waits", "anew") if key in keys}
        selected = selection(types.split(), fields, keys)
        self.number = number or self.number + 1
        ours = theirs = None
        fds = []
        if stream:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size or 1 << 20)
            order["stream_fd"] = len(fds)
            fds.append(theirs.fileno())
        if holder is not None:
            order["holder_fd"] = len(fds)
            fds.append(holder)
        if name is not None:
            order["holder_name"] = name
        self.streams.setdefault(self.number, Stream(ours))
        self.done.pop(self.number, None)
        self.send({"add": {"number": self.number, "selection": selected, **order}}, fds)
        if theirs:
            theirs.close()
        self.until(lambda: self.number in self.done)
        said = self.done[self.number]
        if code is not None and said["code"] != code:
            raise ValueError(said)
        return self.number, self.streams[self.number]

    def remove(self, number):
        self.send({"remove": number})
