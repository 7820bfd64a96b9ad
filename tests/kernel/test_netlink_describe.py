# SPDX-License-Identifier: LGPL-2.1-or-later
"""What there is to be asked for is told by the service itself."""

import json

import ring


class Describing(ring.TestCase):
    def test_describe_takes_options_and_does_without(self):
        told = self.me.call("Netlink", "Describe", "route", {}, signature="sa{sv}")
        self.assertEqual(self.me.call("Netlink", "Describe", "route", signature="s"), told)
        self.assertIn("oif", [field["name"] for field in json.loads(told)["fields"]])

    def test_nothing_else_does_without_options(self):
        with self.assertRaises(ring.DBusError) as caught:
            self.me.call("Host", "GetHostname", signature="")
        self.assertIn(caught.exception.name.rsplit(".", 1)[1], ("InvalidArgs", "InvalidSignature"))

    def test_every_type_is_described(self):
        types = json.loads(self.me.call("Netlink", "Describe", "", {}, signature="sa{sv}"))
        self.assertGreater(len(types), 15)
        for one in types:
            described = json.loads(self.me.call("Netlink", "Describe", one["type"], {}, signature="sa{sv}"))
            self.assertTrue(described["fields"], one["type"])
