# SPDX-License-Identifier: LGPL-2.1-or-later
"""Blocks of interfaces/netlink-records.h, read by a program that shares nothing with those that write them."""

import ipaddress
import struct

MAGIC = 0x31304B4E4C485355
START, TYPE, ROWS, GAP, SYNCED, END = range(1, 7)
NUMBERS = {1: "=?", 2: "=B", 3: "=H", 4: "=I", 5: "=Q", 6: "=b", 7: "=h", 8: "=i", 9: "=q"}
ADDRESS, PREFIX, HARDWARE, STRING, BYTES, OBJECT, OBJECTS, LIST = range(10, 18)
WORDS, BITS = 1, 2
ACTIONS = {0: None, 1: "new", 2: "change", 3: "del"}


class Answer:
    """All of a stream's: the rows as (action, type, row), and how it ended."""

    def __init__(self, data=b""):
        self.types, self.rows, self.end, self.blocks, self.rest = {}, [], None, [], b""
        self.feed(data)

    def feed(self, data):
        """Whole blocks; what is left of one is kept, for what comes."""
        data, at = self.rest + data, 0
        while at + 8 <= len(data):
            size, kind, number = struct.unpack_from("=IHH", data, at)
            assert size >= 8 and size % 8 == 0, (size, at)
            if at + size > len(data):
                break
            self.block(data[at:at + size], kind, number)
            at += size
        self.rest = data[at:]

    def block(self, data, kind, number):
        self.blocks.append(kind)
        if kind == START:
            assert struct.unpack_from("=Q", data, 8)[0] == MAGIC
            self.types = {}
        elif kind == TYPE:
            self.types[number] = self.read_type(data)
        elif kind == ROWS:
            n, action, _ = struct.unpack_from("=IHH", data, 8)
            name, size, _ = self.types[number]
            self.rows += [(ACTIONS[action], name, self.read_row(data, 16 + i * size, number)) for i in range(n)]
        elif kind == GAP:
            self.rows.append(("gap", "", struct.unpack_from("=Q", data, 8)[0]))
        elif kind == SYNCED:
            self.rows.append(("synced", "", {}))
        elif kind == END:
            rows, complete, code, why, why_length, message, message_length = struct.unpack_from("=QIiIIII", data, 8)
            self.end = {"rows": rows, "complete": bool(complete), "code": code,
                        "why": data[why:why + why_length].decode(), "message": data[message:message + message_length].decode()}

    @staticmethod
    def read_type(data):
        name, length, n, size, at = struct.unpack_from("=IHHII", data, 8)
        fields = []
        for i in range(n):
            place, chars, form, flags, column, n_words, _, words, _ = struct.unpack_from("=IHBBIHHII", data, at + 24 * i)
            table = {}
            for j in range(n_words):
                value, word, word_length = struct.unpack_from("=QII", data, words + 16 * j)
                table[value] = data[word:word + word_length].decode()
            fields.append((data[place:place + chars].decode(), form, flags, column, table))
        return data[name:name + length].decode(), size, fields

    def read_row(self, data, at, number):
        _, _, fields = self.types[number]
        row = {}
        for i, (name, form, flags, column, words) in enumerate(fields):
            if struct.unpack_from("=Q", data, at + 8 * (i // 64))[0] >> i % 64 & 1:
                row[name] = self.read_value(data, at + column, form, flags, words)
        return row

    def read_value(self, data, at, form, flags, words):
        if form in NUMBERS:
            value = struct.unpack_from(NUMBERS[form], data, at)[0]
            if flags & WORDS:
                return words.get(value, str(value))
            if flags & BITS:
                names = [word for bit, word in words.items() if value & bit]
                rest = value & ~sum(words)
                return names + ([hex(rest)] if rest else [])
            return value
        if form in (ADDRESS, PREFIX):
            family, length = struct.unpack_from("=BB", data, at)
            address = ipaddress.ip_address(data[at + 4:at + 4 + (4 if family == 2 else 16)])
            return f"{address}/{length}" if form == PREFIX else str(address)
        if form in (HARDWARE, STRING, BYTES):
            place, length = struct.unpack_from("=II", data, at)
            value = data[place:place + length]
            return value.hex(":") if form == HARDWARE else value.decode("utf-8", "surrogateescape") if form == STRING else value
        place, count, number = struct.unpack_from("=IIH", data, at)
        _, size, _ = self.types[number]
        rows = [self.read_row(data, place + i * size, number) for i in range(count)]
        if form == LIST:
            return [next(iter(row.values())) for row in rows]
        return rows[0] if form == OBJECT else rows
