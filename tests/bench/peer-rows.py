#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What others take to list all IPv4 routes with three fields, in the network namespace that this is started in; without
what it takes to start and to import them.

    peer-rows.py pyroute2|callbacks ROUNDS

callbacks is written here, in the shape that netlinklib has: a tree of attributes with a callback each, a dict to find them
by their numbers, what was not asked for stepped over, and an accumulator for each message.
"""

import json
import socket
import struct
import sys
import time

RTM_GETROUTE, NLMSG_ERROR, NLMSG_DONE, DUMP = 26, 2, 3, 0x301
RTA_DST, RTA_OIF, RTA_GATEWAY = 1, 4, 5
SOL_NETLINK, STRICT_CHECK = 270, 12


class Attribute:
    def __init__(self, tag, callback):
        self.tag, self.callback = tag, callback


class Address(Attribute):
    def parse(self, row, value):
        return self.callback(row, socket.inet_ntop(socket.AF_INET if len(value) == 4 else socket.AF_INET6, value))


class Number(Attribute):
    def parse(self, row, value):
        return self.callback(row, struct.unpack("=I", value)[0])


class Message:
    def __init__(self, header, *children):
        self.header = struct.Struct(header)
        self.children = {child.tag: child for child in children}

    def parse(self, row, data):
        self.header.unpack_from(data)
        at, children = self.header.size, self.children
        while at + 4 <= len(data):
            size, tag = struct.unpack_from("=HH", data, at)
            if size < 4:
                raise ValueError("an attribute is shorter than its head")
            child = children.get(tag)
            if child:
                row = child.parse(row, data[at + 4:at + size])
            at += size + 3 & ~3
        return row


def setter(name):
    def put(row, value):
        row[name] = value
        return row
    return put


def dump(parser):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        sock.bind((0, 0))
        sock.setsockopt(SOL_NETLINK, STRICT_CHECK, 1)
        sock.send(struct.pack("=IHHII", 28, RTM_GETROUTE, DUMP, 1, 0) + struct.pack("=BBBBBBBBI", socket.AF_INET, *[0] * 8))
        while True:
            data = sock.recv(65536)
            at = 0
            while at < len(data):
                size, kind = struct.unpack_from("=IH", data, at)
                if kind == NLMSG_DONE:
                    return
                if kind == NLMSG_ERROR:
                    raise OSError("the kernel refused")
                yield parser.parse({}, data[at + 16:at + size])
                at += size + 3 & ~3


def callbacks():
    parser = Message("=BBBBBBBBI", Address(RTA_DST, setter("dst")), Number(RTA_OIF, setter("oif")), Address(RTA_GATEWAY, setter("gateway")))
    return sum(1 for _ in dump(parser))


def pyroute2():
    import pyroute2 as library  # pylint: disable=import-outside-toplevel
    with library.IPRoute() as route:
        rows = [(row.get_attr("RTA_DST"), row.get_attr("RTA_OIF"), row.get_attr("RTA_GATEWAY")) for row in route.get_routes(family=socket.AF_INET)]
    return len(rows)


def main():
    listing = {"pyroute2": pyroute2, "callbacks": callbacks}[sys.argv[1]]
    if listing is pyroute2:
        __import__("pyroute2")
    took = []
    for _ in range(int(sys.argv[2])):
        wall, cpu = time.monotonic(), time.process_time()
        rows = listing()
        took.append((time.process_time() - cpu, time.monotonic() - wall))
    took.sort()
    cpu, wall = took[len(took) // 2]
    print(json.dumps({"rows": rows, "cpu_p50": cpu * 1e6, "wall_p50": wall * 1e6}))


if __name__ == "__main__":
    main()
