# SPDX-License-Identifier: LGPL-2.1-or-later
"""Interfaces in network namespaces of one's own, by a service with no more rights than its user."""

import os

from ring import DBusError, Variant, wait_until
from test_namespaces import TestCase


class Network(TestCase):
    def interfaces(self, path):
        with open(f"/proc/{self.leader(path)}/net/dev", encoding="ascii") as table:
            return sorted(line.split(":")[0].strip() for line in table if ":" in line)

    def ask(self, method, name, path, **keys):
        """An answer, or the test is skipped where this kernel has no such interfaces."""
        try:
            return self.me.call("Namespaces", method, name, {"in": Variant("o", path), **keys})
        except DBusError as error:
            if error.name.endswith(".NotSupported"):
                self.skipTest(str(error))
            raise

    def test_two_namespaces_of_ones_own_are_connected(self):
        left, right = self.make("user", "net"), self.make("user", "net")
        self.assertEqual(self.ask("ConnectVeth", "l0", left, peer=Variant("o", right), peer_name="r0",
                                  addresses=Variant("as", ["192.0.2.1/24"])), "r0")
        self.assertEqual((self.interfaces(left), self.interfaces(right)), (["l0", "lo"], ["lo", "r0"]))
        with self.assertRaises(DBusError) as caught:
            self.ask("ConnectVeth", "l0", left, peer=Variant("o", right), peer_name="r1")
        self.assertEqual(caught.exception.name, "org.usher1.Error.Busy")
        self.assertEqual(self.interfaces(right), ["lo", "r0"])
        self.destroy(right)
        wait_until(lambda: self.interfaces(left) == ["lo"], "the pair goes with the other one")

    def test_a_tunnel_is_there_as_long_as_its_descriptor(self):
        if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
            self.skipTest("there is no /dev/net/tun here that may be opened")
        path = self.make("user", "net")
        with self.refused("Busy", "name: there is an interface 'lo' already"):
            self.ask("OpenTun", "lo", path)
        tun = self.ask("OpenTun", "t0", path, mode="tap")
        self.assertEqual(self.interfaces(path), ["lo", "t0"])
        tun.close()
        wait_until(lambda: self.interfaces(path) == ["lo"], "it goes with its descriptor")
