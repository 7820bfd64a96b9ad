# SPDX-License-Identifier: LGPL-2.1-or-later
"""Network namespaces of a test's own, and what is in them, without the programs that are tested."""

import ctypes
import os
import socket
import struct
import subprocess

CLONE_NEWNET = 0x40000000
SIOCGSKNS = 0x894C
RTM_NEWADDR, RTM_DELADDR, RTM_NEWROUTE, RTM_DELROUTE, RTM_NEWNEIGH, RTM_NEWRULE, RTM_DELRULE = 20, 21, 24, 25, 28, 32, 33
RTM_NEWNEXTHOP, RTM_DELNEXTHOP = 104, 105
REQUEST, ACK, REPLACE, EXCL, CREATE, APPEND = 1, 4, 0x100, 0x200, 0x400, 0x800
libc = ctypes.CDLL(None, use_errno=True)


def enter(namespace):
    if libc.setns(namespace, CLONE_NEWNET) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")


def attribute(number, data):
    data = data if isinstance(data, bytes) else struct.pack("=I", data)
    return struct.pack("=HH", 4 + len(data), number) + data + bytes(-len(data) % 4)


class Realm:
    """A network namespace, with a process in it for those who want to ask as that."""

    def __init__(self):
        self.process = subprocess.Popen(["unshare", "--net", "--", "sh", "-c", "echo; exec sleep infinity"], stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"\n":
            raise OSError("no network namespace can be made here")
        self.fd = os.open(f"/proc/{self.process.pid}/ns/net", os.O_RDONLY)
        self.pidfd = os.pidfd_open(self.process.pid)
        self.run("link set lo up")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        for fd in (self.fd, self.pidfd):
            if fd >= 0:
                os.close(fd)
        self.fd = self.pidfd = -1

    def run(self, *lines):
        """Lines of ip(8)."""
        subprocess.run(["nsenter", f"--net=/proc/self/fd/{self.fd}", "ip", "-b", "-"], pass_fds=[self.fd], check=True,
                       input="\n".join(lines) + "\n", text=True)

    def say(self, *command):
        """What a program says in there."""
        return subprocess.run(["nsenter", f"--net=/proc/self/fd/{self.fd}", *command], pass_fds=[self.fd], check=True,
                              stdout=subprocess.PIPE, text=True).stdout

    def socket(self, protocol=0):
        """A netlink socket of it, from a process that goes there: nobody may come back everywhere."""
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            try:
                enter(self.fd)
                there = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
                socket.send_fds(theirs, [b"s"], [there.fileno()])
            finally:
                os._exit(0)
        theirs.close()
        with ours:
            _, fds, _, _ = socket.recv_fds(ours, 1, 1)
        os.waitpid(pid, 0)
        return socket.socket(fileno=fds[0])

    def pair(self, name, address=None):
        """Two ends of a veth pair, NAME and NAME-peer, both up."""
        self.run(f"link add {name} type veth peer name {name}-peer", f"link set {name} up", f"link set {name}-peer up",
                 *([f"addr add {address} dev {name}" + (" nodad" if ":" in address else "")] if address else []))
        return self.index(name)

    def index(self, name):
        return int(self.say("ip", "-o", "link", "show", "dev", name).split(":")[0])


def change(sock, kind, flags, body):
    """One request, acknowledged: 0 or an errno."""
    sock.send(struct.pack("=IHHII", 16 + len(body), kind, REQUEST | ACK | flags, 1, 0) + body)
    return -struct.unpack_from("=i", sock.recv(1 << 16), 16)[0]


def route(family, destination, length, *attributes, table=254, kind=1):
    """The body of a request about a route."""
    packed = socket.inet_pton(family, destination)
    return (struct.pack("=BBBBBBBBI", family, length, 0, 0, table if table < 256 else 0, 3, 0, kind, 0) + attribute(1, packed)
            + attribute(15, table) + b"".join(attributes))


def ways(index, gateways):
    """RTA_MULTIPATH through these gateways."""
    return attribute(9, b"".join(struct.pack("=HBBi", 8 + len(gateway), 0, 0, index) + gateway
                                 for gateway in (attribute(5, socket.inet_aton(one)) for one in gateways)))
