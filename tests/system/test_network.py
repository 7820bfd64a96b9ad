# SPDX-License-Identifier: LGPL-2.1-or-later
"""Network namespaces of users, connected with each other and with what the administrator lets them."""

import os
import select
import subprocess
import threading

import support
from support import Variant, wait_until
from test_limits import ETC, reload
from test_spaces import SpacesTestCase

BRIDGE = "usbr0"
ECHO = ("import socket; s = socket.create_server(('', 7000)); print('ready', flush=True)\n"
        "c = s.accept()[0]; c.sendall(c.recv(100).upper())")
ASK = "import socket, sys; c = socket.create_connection((sys.argv[1], 7000), 5); c.sendall(b'hello'); print(c.recv(100).decode(), end='')"


def ip(*arguments):
    return subprocess.run(["ip", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True).stdout


def ends_of(uid):
    return [line.split()[0].split("@")[0] for line in ip("-br", "link").splitlines() if line.startswith(f"us{uid:x}-")]


class Network(SpacesTestCase):
    def setUp(self):
        super().setUp()
        self.left = self.namespace("left", "user", "net", map_zero=True)

    def bridge(self):
        """One of the machine's, which the administrator lists."""
        path = f"{ETC}/usherd.conf.d/90-network.conf"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        support.write_file(path, f"[Network]\nBridges=other {BRIDGE}\n")
        self.addCleanup(reload)
        self.addCleanup(os.unlink, path)
        reload()
        ip("link", "add", BRIDGE, "type", "bridge")
        self.addCleanup(ip, "link", "del", BRIDGE)
        ip("address", "add", "192.0.2.1/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")

    def connect(self, name, client=None, **options):
        options = {key: Variant("o", value) if key in ("in", "peer") else value for key, value in {"in": self.left, **options}.items()}
        return (client or self.alice).call("Namespaces", "ConnectVeth", name, options)

    def serve(self, place):
        """Something that answers once, in a namespace of alice's."""
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        self.spawn("/usr/bin/python3", "-c", ECHO, fds={1: writer}, **{"in": Variant("o", place)})
        os.close(writer)
        self.assertEqual(os.read(reader, 6), b"ready\n")

    def test_a_namespace_and_the_machine_talk_over_a_bridge_that_the_administrator_lists(self):
        self.bridge()
        with support.polkit_asked("yes", "alice") as asked:
            end = self.connect("eth0", bridge=BRIDGE, addresses=["192.0.2.2/24"])
            self.assertEqual([told["action"] for told in asked()], ["org.usher1.connect-veth-own"])
        self.assertEqual(end, f"us{self.uid:x}-0")
        self.assertIn(f"master {BRIDGE}", ip("link", "show", end))
        self.serve(self.left)
        answer = subprocess.run(["python3", "-c", ASK, "192.0.2.2"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True)
        self.assertEqual(answer.stdout, "HELLO")
        self.destroy(self.left)
        wait_until(lambda: not ends_of(self.uid), "the pair goes with the namespace")

    def test_a_bridge_that_is_not_listed_is_nobodys(self):
        self.bridge()
        ip("link", "add", "usbr1", "type", "bridge")
        self.addCleanup(ip, "link", "del", "usbr1")
        for name in ("usbr1", "usbr", "other1", "lo"):
            with self.refused("NotPermitted", "bridge:", name, "usherd.conf"):
                self.connect("eth0", bridge=name)
        with support.polkit_answer("yes", "org.usher1.connect-veth-own"):
            with self.refused("NotFound", "bridge:", "other"):
                self.connect("eth0", bridge="other")
        self.assertEqual(ends_of(self.uid), [])
        self.assertEqual(self.run_in("ip", "-br", "link", "show", "eth0", **{"in": Variant("o", self.left)})[0], ("exited", 1))

    def test_two_namespaces_of_ones_own_are_connected_without_a_question(self):
        right = self.namespace("right", "user", "net", map_zero=True)
        self.assertEqual(self.connect("l0", peer=right, peer_name="r0", addresses=["2001:db8::1/64", "192.0.2.1/24"],
                                      peer_addresses=["192.0.2.2/24"]), "r0")
        self.serve(right)
        self.assertEqual(self.run_in("/usr/bin/python3", "-c", ASK, "192.0.2.2", **{"in": Variant("o", self.left)}), (("exited", 0), "HELLO"))
        with self.refused("Busy", "l0"):
            self.connect("l0", peer=right, peer_name="r1")
        self.destroy(right)
        wait_until(lambda: "l0" not in self.run_in("ip", "-br", "link", **{"in": Variant("o", self.left)})[1], "the pair goes with the other one")

    def test_two_namespaces_of_ones_own_are_connected_by_a_program_between_two_tunnels(self):
        """What carries packets from one descriptor to the other is no more than this."""
        right = self.namespace("right", "user", "net", map_zero=True)
        ends = [self.during(self.alice.call("Namespaces", "OpenTun", "t0", {"in": Variant("o", place), "addresses": [f"192.0.2.{i}/24"]}))
                for i, place in enumerate((self.left, right), 1)]
        stopped = threading.Event()

        def carry():
            while not stopped.is_set():
                for end in select.select(ends, [], [], 0.1)[0]:
                    os.write(ends[end is ends[0]].fileno(), os.read(end.fileno(), 65536))

        carrier = threading.Thread(target=carry)
        carrier.start()
        try:
            self.serve(right)
            asked = self.run_in("/usr/bin/python3", "-c", ASK, "192.0.2.2", **{"in": Variant("o", self.left)})
        finally:
            stopped.set()
            carrier.join()
        self.assertEqual(asked, (("exited", 0), "HELLO"))

    def test_sec_46_the_networks_of_others_take_an_administrator(self):
        bob = self.client("bob")
        right = bob.call("Namespaces", "Create", "right", ["user", "net"], {})
        self.addCleanup(lambda: bob.call("Namespace", "Destroy", {}, path=right))
        with self.needs_admin("connect-veth"):
            self.connect("l0", peer=right)
        with self.needs_admin("connect-veth"):
            self.connect("l0", client=bob, peer=right)
        with support.Place("root", "--net") as place, place.pidfd() as pidfd:
            with self.needs_admin("connect-veth"):
                self.alice.call("Namespaces", "ConnectVeth", "l0", {"in": Variant("o", self.left), "peer": pidfd})
            with self.needs_admin("open-tun"):
                self.alice.call("Namespaces", "OpenTun", "t0", {"in": pidfd})
        with self.needs_admin("connect-veth"):
            self.alice.call("Namespaces", "ConnectVeth", "l0", {"peer": Variant("o", self.left)})
        with self.needs_admin("open-tun"):
            self.alice.call("Namespaces", "OpenTun", "t0", {})
        self.assertNotIn("l0", ip("-br", "link"))
        self.assertNotIn("t0", ip("-br", "link"))

    def test_what_the_kernel_refuses_leaves_nothing(self):
        right = self.namespace("right", "user", "net", map_zero=True)
        for options in ({"addresses": ["192.0.2.1/24", "192.0.2.1/24"]}, {"peer_addresses": ["2001:db8::1/64", "2001:db8::1/64"]}):
            with self.assertRaises(support.DBusError):
                self.connect("l0", peer=right, peer_name="r0", **options)
        for place in (self.left, right):
            self.assertEqual(len(self.run_in("ip", "-br", "link", **{"in": Variant("o", place)})[1].splitlines()), 1)

    def test_a_tunnel_is_a_descriptor_and_goes_with_it(self):
        options = {"in": Variant("o", self.left)}
        with self.alice.call("Namespaces", "OpenTun", "t0", {**options, "addresses": ["192.0.2.1/24"]}) as tun:
            with self.refused("Busy", "t0"):
                self.alice.call("Namespaces", "OpenTun", "t0", options)
            self.run_in("/usr/bin/python3", "-c", "import socket; socket.socket(2, 2).sendto(b'through', ('192.0.2.9', 9))", **options)
            packet = b""
            while b"through" not in packet:
                self.assertEqual(select.select([tun], [], [], 10)[0], [tun])
                packet = os.read(tun.fileno(), 2000)
            self.assertEqual((packet[0] >> 4, packet[16:20]), (4, bytes((192, 0, 2, 9))))
        wait_until(lambda: "t0" not in self.run_in("ip", "-br", "link", **options)[1], "the interface goes with the descriptor")

    def test_a_namespace_that_vanishes_in_the_middle_leaves_nothing(self):
        self.bridge()
        with support.polkit_answer("yes", "org.usher1.connect-veth-own"):
            for _ in range(20):
                place = self.alice.call("Namespaces", "Create", "brief", ["user", "net"], {})
                going = self.alice.begin("Namespaces", "ConnectVeth", "eth0", {"in": Variant("o", place), "bridge": BRIDGE})
                self.alice.call("Namespace", "Destroy", {}, path=place)
                try:
                    going.result()
                except support.DBusError as error:
                    self.assertIn(error.name, (support.ERROR + "NotFound", support.ERROR + "Failed"))
        wait_until(lambda: not ends_of(self.uid), "no end stays at the bridge")


if __name__ == "__main__":
    support.main()
