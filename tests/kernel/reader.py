# SPDX-License-Identifier: LGPL-2.1-or-later
"""usher-netlink alone, as a reader, over a socket pair, with the test in the place of the broker."""

import os

from alone import Alone
from rows import Answer


def value(thing):
    """A Value of usher.proto."""
    if isinstance(thing, bool):
        return {"boolean": thing}
    if isinstance(thing, int):
        return {"number": thing} if thing >= 0 else {"signed_number": thing}
    if isinstance(thing, list):
        return {"list": {"values": [value(one) for one in thing]}}
    return {"text": thing}


def selection(types, fields, keys):
    """What is asked for, of rows in which those keys, with "_" for "-", have those values."""
    selected = {"types": types, "fields": list(fields)}
    if keys:
        selected["filter"] = {"members": [{"key": key.replace("_", "-"), "value": value(thing)} for key, thing in keys.items()]}
    return selected


class Reply:
    """What was said to one question."""

    def __init__(self, answer, fds):
        self.code, self.text, self.info = answer["code"], answer.get("text", ""), answer.get("info", {})
        self.fd = fds[answer["rows_fd"]] if "rows_fd" in answer else None
        self.blocks = answer.get("blocks", b"")

    def read(self):
        """All that there is, from where the descriptor stands until its end."""
        with os.fdopen(self.fd, "rb") as file:
            return file.read()

    def answer(self):
        return Answer(self.blocks if self.fd is None else self.read())

    def rows(self):
        return [row for _, _, row in self.answer().rows]


class Reader(Alone):
    ORDER, REPORT = "NetlinkOrder", "NetlinkReport"

    def __init__(self, program, under=(), **keywords):
        super().__init__(program, under, **keywords)
        self.serial, self.replies = 0, {}

    def ask(self, kind, fields=(), where=None, pidfd=None, uid=None, rights=None, **keys):
        """Sends a question and returns its number; without a place it is asked for this process."""
        self.serial += 1
        own = os.pidfd_open(os.getpid()) if where is None and pidfd is None else None
        place = where if where is not None else pidfd if pidfd is not None else own
        order = {name: keys.pop(name) for name in ("limit", "consistency", "deadline_usec", "format", "transport", "bytes", "row_bytes",
                                                   "streams")
                 if name in keys}
        selected = selection([kind], fields, keys)
        if rights is not None:
            selected["rights"] = rights
        self.send({"ask": {"serial": self.serial, "selection": selected, "namespace_fd" if where is not None else "caller_fd": 0,
                           "uid": os.getuid() if uid is None else uid, **order}}, [place])
        if own is not None:
            os.close(own)
        return self.serial

    def forget(self, serial):
        self.send({"forget": {"serial": serial}})

    def receive(self, seconds):
        report, fds = self.next(seconds)
        answer = report["answer"]
        self.replies[answer["serial"]] = Reply(answer, fds)

    def wait(self, serial, seconds=30):
        while serial not in self.replies:
            self.receive(seconds)
        return self.replies.pop(serial)

    def query(self, kind, fields=(), seconds=30, **keys):
        return self.wait(self.ask(kind, fields, **keys), seconds)
