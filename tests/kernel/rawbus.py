# SPDX-License-Identifier: LGPL-2.1-or-later
"""D-Bus by hand, for what a library would not let us do: many calls at once from one process, and messages that no
honest program sends."""

import os
import select
import socket
import struct
import time

METHOD_CALL, METHOD_RETURN, ERROR, SIGNAL = 1, 2, 3, 4
ALIGNMENT = {"y": 1, "b": 4, "i": 4, "u": 4, "h": 4, "x": 8, "t": 8, "s": 4, "o": 4, "g": 1, "v": 1, "a": 4, "(": 8, "{": 8}
FORMATS = {"b": "I", "i": "i", "u": "I", "h": "I", "x": "q", "t": "Q"}


class Variant:
    def __init__(self, signature, value):
        self.signature = signature
        self.value = value


def complete_types(signature):
    """Split a signature into complete types."""
    found = []
    at = 0
    while at < len(signature):
        start = at
        while signature[at] == "a":
            at += 1
        if signature[at] in "({":
            depth = 0
            while True:
                depth += (signature[at] in "({") - (signature[at] in ")}")
                at += 1
                if depth == 0:
                    break
        else:
            at += 1
        found.append(signature[start:at])
    return found


def pad(data, alignment):
    data += bytes(-len(data) % alignment)


def put(data, kind, value):
    letter = kind[0]
    pad(data, ALIGNMENT[letter])
    if letter == "y":
        data.append(value)
    elif letter in FORMATS:
        data += struct.pack("<" + FORMATS[letter], value)
    elif letter in "so":
        text = value if isinstance(value, bytes) else value.encode()
        data += struct.pack("<I", len(text)) + text + b"\0"
    elif letter == "g":
        data += bytes([len(value)]) + value.encode() + b"\0"
    elif letter == "v":
        put(data, "g", value.signature)
        put(data, value.signature, value.value)
    elif letter == "a":
        at = len(data)
        data += bytes(4)
        pad(data, ALIGNMENT[kind[1]])
        start = len(data)
        for item in value.items() if isinstance(value, dict) else value:
            put(data, kind[1:], item)
        struct.pack_into("<I", data, at, len(data) - start)
    else:
        for inner, item in zip(complete_types(kind[1:-1]), value, strict=True):
            put(data, inner, item)


def get(data, at, kind):
    """A value and where the next one begins.  Of what answers have in them that the tests look at."""
    letter = kind[0]
    at += -at % ALIGNMENT[letter]
    if letter == "y":
        return data[at], at + 1
    if letter in FORMATS:
        value, = struct.unpack_from("<" + FORMATS[letter], data, at)
        return value, at + struct.calcsize(FORMATS[letter])
    if letter in "so":
        length, = struct.unpack_from("<I", data, at)
        return data[at + 4:at + 4 + length].decode(), at + 5 + length
    if letter == "g":
        return data[at + 1:at + 1 + data[at]].decode(), at + 2 + data[at]
    if letter == "v":
        inner, at = get(data, at, "g")
        return get(data, at, inner)
    if letter == "a":
        length, = struct.unpack_from("<I", data, at)
        at += 4
        at += -at % ALIGNMENT[kind[1]]
        end = at + length
        items = []
        while at < end:
            item, at = get(data, at, kind[1:])
            items.append(item)
        return (dict(items) if kind[1] == "{" else items), at
    items = []
    for inner in complete_types(kind[1:-1]):
        item, at = get(data, at, inner)
        items.append(item)
    return tuple(items), at


class Answer:
    def __init__(self, kind, fields, body):
        self.kind = kind
        self.serial = fields.get(5)
        self.error = fields.get(4) if kind == ERROR else None
        self.member = fields.get(3)
        self.values = []
        at = 0
        for inner in complete_types(fields.get(8, "")):
            value, at = get(body, at, inner)
            self.values.append(value)

    def __repr__(self):
        return f"{self.error}: {self.values}" if self.error else f"{self.values}"


class Connection:
    """A connection to a bus at a path.  send() does not wait; answers() collects what has come back."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.serial = 0
        self.data = bytearray()
        self.socket.sendall(b"\0AUTH EXTERNAL " + str(os.geteuid()).encode().hex().encode() + b"\r\n")
        self._line()
        self.socket.sendall(b"NEGOTIATE_UNIX_FD\r\n")
        self._line()
        self.socket.sendall(b"BEGIN\r\n")
        self.name = self.call("Hello", interface="org.freedesktop.DBus", path="/org/freedesktop/DBus",
                              destination="org.freedesktop.DBus").values[0]

    def _line(self):
        line = b""
        while not line.endswith(b"\r\n"):
            byte = self.socket.recv(1)
            if not byte:
                raise ConnectionError("the bus closed the connection")
            line += byte
        if line.startswith((b"REJECTED", b"ERROR")):
            raise ConnectionError(line.decode())

    def message(self, member, signature="", *arguments, interface="org.usher1.Mounts", path="/org/usher1",
                destination="org.usher1", flags=0, body=None, descriptors=0):
        self.serial += 1
        if body is None:
            body = bytearray()
            for kind, value in zip(complete_types(signature), arguments, strict=True):
                put(body, kind, value)
        fields = [(1, Variant("o", path)), (2, Variant("s", interface)), (3, Variant("s", member)),
                  (6, Variant("s", destination))]
        if signature:
            fields.append((8, Variant("g", signature)))
        if descriptors:
            fields.append((9, Variant("u", descriptors)))
        data = bytearray(b"l" + bytes([METHOD_CALL, flags, 1]))
        put(data, "u", len(body))
        put(data, "u", self.serial)
        put(data, "a(yv)", fields)
        pad(data, 8)
        return bytes(data + body)

    def send(self, *arguments, fds=(), **keywords):
        data = self.message(*arguments, descriptors=len(fds), **keywords)
        if fds:
            sent = socket.send_fds(self.socket, [data], fds)
            data = data[sent:]
        self.socket.sendall(data)
        return self.serial

    def answers(self, count=1, timeout=30):
        """At least so many answers to calls, by serial.  Fewer only if the time is up."""
        found = {}
        deadline = time.monotonic() + timeout
        while len(found) < count:
            while (answer := self._parse()) is not None:
                if answer.kind in (METHOD_RETURN, ERROR):
                    found[answer.serial] = answer
            if len(found) >= count:
                break
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                break
            data, fds, _, _ = socket.recv_fds(self.socket, 1 << 20, 64)
            for fd in fds:
                os.close(fd)
            if not data:
                raise ConnectionError("the bus closed the connection")
            self.data += data
        return found

    def _parse(self):
        if len(self.data) < 16:
            return None
        length, _, fields_length = struct.unpack_from("<III", self.data, 4)
        start = (16 + fields_length + 7) // 8 * 8
        if len(self.data) < start + length:
            return None
        fields, _ = get(self.data, 12, "a(yv)")
        answer = Answer(self.data[1], dict(fields), bytes(self.data[start:start + length]))
        del self.data[:start + length]
        return answer

    def call(self, *arguments, timeout=30, **keywords):
        serial = self.send(*arguments, **keywords)
        answers = self.answers(1, timeout)
        if serial not in answers:
            raise TimeoutError(f"no answer to {arguments[0]}")
        return answers[serial]

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
