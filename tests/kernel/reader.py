# SPDX-License-Identifier: LGPL-2.1-or-later
"""usher-netlink alone, as a reader, over a socket pair, with the test in the place of the broker."""

import array
import os
import select
import socket
import struct
import subprocess

from alone import MAGIC, pack, unpack
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


class Reply:
    """What was said to one question."""

    def __init__(self, answer, fds):
        self.code, self.text, self.info = answer["code"], answer.get("text", ""), answer.get("info", {})
        self.fd = fds[answer["rows_fd"]] if "rows_fd" in answer else None
        self.blocks = answer.get("blocks", b"")

    def read(self):
        """All that there is, until its end."""
        with os.fdopen(self.fd, "rb") as file:
            if self.is_memfd():
                file.seek(0)
            return file.read()

    def is_memfd(self):
        return os.readlink(f"/proc/self/fd/{self.fd}").startswith("/memfd:")

    def answer(self):
        return Answer(self.blocks if self.fd is None else self.read())

    def rows(self):
        return [row for _, _, row in self.answer().rows]


class Reader:
    """The program and our end of its connection."""

    def __init__(self, program, under=(), **keywords):
        """`under` is a command that starts another."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket, self.serial, self.replies = ours, 0, {}
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{theirs.fileno()}', "bash", *under, program], pass_fds=[theirs.fileno()], **keywords)
        theirs.close()

    def close(self):
        self.socket.close()
        self.process.kill()
        self.process.wait()

    def send(self, order, fds=()):
        data = pack("NetlinkOrder", order)
        self.socket.sendmsg([struct.pack("=III", MAGIC, len(data), 0) + data],
                            [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])

    def ask(self, kind, fields=(), where=None, pidfd=None, uid=None, rights=None, **keys):
        """Sends a question and returns its number; without a place it is asked for this process."""
        self.serial += 1
        own = os.pidfd_open(os.getpid()) if where is None and pidfd is None else None
        place = where if where is not None else pidfd if pidfd is not None else own
        selection = {"types": [kind], "fields": list(fields)}
        if rights is not None:
            selection["rights"] = rights
        order = {name: keys.pop(name) for name in ("limit", "consistency", "deadline_usec", "format", "transport", "bytes", "streams")
                 if name in keys}
        if keys:
            selection["filter"] = {"members": [{"key": key.replace("_", "-"), "value": value(thing)} for key, thing in keys.items()]}
        self.send({"ask": {"serial": self.serial, "selection": selection, "namespace_fd" if where is not None else "caller_fd": 0,
                           "uid": os.getuid() if uid is None else uid, **order}}, [place])
        if own is not None:
            os.close(own)
        return self.serial

    def forget(self, serial):
        self.send({"forget": {"serial": serial}})

    def receive(self, seconds):
        if not select.select([self.socket], [], [], seconds)[0]:
            raise TimeoutError(f"no answer within {seconds} s")
        data, fds, _, _ = socket.recv_fds(self.socket, 1 << 17, 16)
        if not data:
            raise EOFError("the reader has gone")
        _, size, outside = struct.unpack_from("=III", data)
        message = data[12:]
        if outside:
            with os.fdopen(fds.pop(0), "rb") as file:
                message = os.pread(file.fileno(), size, 0)
        answer = unpack("NetlinkReport", message)["answer"]
        self.replies[answer["serial"]] = Reply(answer, fds)

    def wait(self, serial, seconds=10):
        while serial not in self.replies:
            self.receive(seconds)
        return self.replies.pop(serial)

    def query(self, kind, fields=(), seconds=10, **keys):
        return self.wait(self.ask(kind, fields, **keys), seconds)
