# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may change the network where: one's own as its root, the machine's if an administrator agrees with just this change."""

import os
import socket
import struct
import subprocess

import support
from support import Descriptor, Variant
from test_spaces import SpacesTestCase

RTM_NEWLINK, NLM_F_REQUEST, NLM_F_ACK, NLMSG_ERROR, EPERM = 16, 1, 4, 2, 1


def row(**members):
    """A row on the bus; what is a dictionary is one there."""
    return {key.replace("_", "-"): Variant("a{sv}", row(**value)) if isinstance(value, dict) else value
            for key, value in members.items()}


class Changes(SpacesTestCase):
    def setUp(self):
        super().setUp()
        self.own = self.namespace("own", "user", "net", map_zero=True)
        self.addCleanup(lambda: subprocess.run(["ip", "link", "del", "uschange0"], stderr=subprocess.DEVNULL, check=False))

    def change(self, action, kind, client=None, place=None, **members):
        where = {"in": place} if place else {}
        return (client or self.alice).call("Netlink", "Change", action, kind, row(**members), where)

    def links(self, place=None):
        pid = self.alice.get("Namespace", "Leader", path=place) if place else os.getpid()
        with open(f"/proc/{pid}/net/dev", encoding="ascii") as table:
            return sorted(line.split(":")[0].strip() for line in table if ":" in line)

    def veth(self, name, **keywords):
        return self.change("add", "link", ifname=name, linkinfo={"kind": "veth", "data": {"peer": {"ifname": name + "p"}}}, **keywords)

    def test_in_ones_own_network_nobody_is_asked(self):
        with support.polkit_asked("no", "alice") as asked, support.nothing_leaked():
            self.assertEqual(self.veth("v0", place=Variant("o", self.own))["ifname"], "v0")
            self.assertEqual(self.links(self.own), ["lo", "v0", "v0p"])
            self.assertEqual(asked(), [])
            self.change("del", "link", place=Variant("o", self.own), ifname="v0")
        self.assertEqual(self.links(self.own), ["lo"])

    def test_on_the_machine_an_administrator_sees_all_of_the_change(self):
        with support.polkit_asked("no", "alice") as asked:
            with self.refused("NotPermitted"):
                self.veth("uschange0")
            self.assertNotIn("uschange0", self.links())
            found, = asked()
        self.assertEqual(found["action"], "org.usher1.change-netlink")
        self.assertEqual((found["network"], found["change"]),
                         ("host", "add link ifname=uschange0 linkinfo={kind=veth data={peer={ifname=uschange0p}}}"))
        with support.polkit_answer("yes", "org.usher1.change-netlink", "alice"):
            self.assertEqual(self.veth("uschange0")["ifname"], "uschange0")
            self.assertIn("uschange0", self.links())
            self.change("del", "link", ifname="uschange0")
        self.assertNotIn("uschange0", self.links())

    def test_words_that_look_like_others_do_not_in_the_question(self):
        with support.polkit_asked("no", "alice") as asked:
            with self.refused("NotPermitted"):
                self.change("add", "link", ifname="a b=c\nd", ifalias="x; del link ifname=eth0")
            self.assertEqual(asked()[0]["change"],
                             "add link ifname=a%20b%3dc%0ad ifalias=x%3b%20del%20link%20ifname%3deth0")

    def test_what_nobody_could_read_is_not_asked_about(self):
        changes = [("add", "link", row(ifname=f"v{i}", ifalias="x" * 200)) for i in range(40)]
        with support.polkit_asked("yes", "alice") as asked:
            with self.refused("LimitExceeded", "changes:"):
                self.alice.call("Netlink", "Batch", changes, {})
            self.assertEqual(asked(), [])

    def test_another_users_network_is_an_administrators(self):
        with support.Client("bob") as bob, support.polkit_asked("no", "bob") as asked:
            with Descriptor(os.pidfd_open(self.alice.get("Namespace", "Leader", path=self.own)), True) as leader:
                with self.refused("NotPermitted"):
                    self.veth("v0", client=bob, place=leader)
                with self.refused("NotPermitted"):
                    bob.call("Netlink", "OpenSocket", "route", {"in": leader})
            self.assertEqual([question["action"] for question in asked()], ["org.usher1.change-netlink", "org.usher1.open-netlink"])
        self.assertEqual(self.links(self.own), ["lo"])

    def test_a_descriptor_of_another_users_network_proves_nothing(self):
        pid = self.alice.get("Namespace", "Leader", path=self.own)
        with support.Client("bob") as bob, Descriptor(os.open(f"/proc/{pid}/ns/net", os.O_RDONLY), True) as namespace:
            with support.polkit_answer("no", "org.usher1.change-netlink", "bob"), self.refused("NotPermitted"):
                self.veth("v0", client=bob, place=namespace)
        self.assertEqual(self.links(self.own), ["lo"])

    def test_a_link_of_ones_own_cannot_be_pushed_into_the_machines_network(self):
        self.veth("v0", place=Variant("o", self.own))
        with Descriptor(os.open("/proc/self/ns/net", os.O_RDONLY), True) as host:
            with self.refused("NotPermitted"):
                self.change("change", "link", place=Variant("o", self.own), ifname="v0p", net_ns_fd=host)
        self.assertEqual(self.links(self.own), ["lo", "v0", "v0p"])

    def test_a_batch_that_fails_leaves_nothing(self):
        changes = [("add", "link", row(ifname="v0", linkinfo={"kind": "veth"})),
                   ("change", "link", row(ifname="v0", flags=["up"])),
                   ("add", "address", row(dev="v0", local="192.0.2.1/24")),
                   ("add", "route", row(dst="10.0.0.0/8", gateway="10.1.1.1"))]
        with self.refused("InvalidArgument", "changes[3].row: Nexthop has invalid gateway"):
            self.alice.call("Netlink", "Batch", changes, {"in": Variant("o", self.own)})
        self.assertEqual(self.links(self.own), ["lo"])


class Sockets(SpacesTestCase):
    def setUp(self):
        super().setUp()
        self.own = self.namespace("own", "user", "net", map_zero=True)

    def open(self, **where):
        with self.alice.call("Netlink", "OpenSocket", "route", where) as descriptor:
            netlink = socket.socket(fileno=descriptor.take())
        self.addCleanup(netlink.close)
        return netlink

    def raise_lo(self, netlink):
        """The errno of raising lo, by whoever this is."""
        body = struct.pack("=BxHiII", 0, 0, 1, 1, 1)
        netlink.send(struct.pack("=IHHII", 16 + len(body), RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0) + body)
        return -struct.unpack_from("=IHHIIi", netlink.recv(65536))[5]

    def test_a_socket_in_the_machines_network_has_no_right_there_whoever_writes_to_it(self):
        self.assertEqual(self.raise_lo(self.open()), EPERM)  # written to by root

    def test_a_socket_in_ones_own_network_has_all_rights_there(self):
        self.assertEqual(self.raise_lo(self.open(**{"in": Variant("o", self.own)})), 0)
