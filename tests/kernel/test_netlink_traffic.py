# SPDX-License-Identifier: LGPL-2.1-or-later
"""Queues, classes and filters are made of what rows say of them, and tc(8) says the same."""

import json

from ring import DBusError, Variant
from test_netlink_change import TestCase

KEY = {"val": 0x0a010200, "mask": 0xffffff00, "off": 16}
WEB = {"val": 80, "mask": 0xffff, "off": 20}


class Traffic(TestCase):
    def setUp(self):
        super().setUp()
        self.pair()
        self.index = {link["ifname"]: link["ifindex"] for link in self.ip("link")}

    def tc(self, *arguments):
        """What tc says; its JSON has keys twice, which are a list here."""
        def both(pairs):
            found = {}
            for key, value in pairs:
                found[key] = [*(found[key] if isinstance(found[key], list) else [found[key]]), value] if key in found else value
            return found
        return json.loads(self.run_in("tc", "-j", "-d", *arguments) or "[]", object_pairs_hook=both)

    def add(self, of, **row):
        try:
            return self.change("add", of, dev="v0", **row)
        except DBusError as error:
            if error.name.endswith((".NotFound", ".NotSupported")) and "kind" in row:
                self.skipTest(f"this kernel has no {row['kind']}: {error.message}")
            raise

    def one(self, kind, **filters):
        rows = self.query(kind, **filters)
        self.assertEqual(len(rows), 1, rows)
        return rows[0]

    def rows_of(self, kind, fields, **filters):
        return self.me.call("Netlink", "Query", kind, Variant("as", list(fields)).value, {"in": self.pidfd, **filters})[0]


class Rates(Traffic):
    def test_a_rate_above_four_gigabytes_a_second_is_one_number(self):
        self.add("qdisc", parent="root", handle="1:", kind="htb")
        given = {"rate": 5_000_000_000, "ceil": 12_500_000_000, "burst": 640_000, "cburst": 1_600_000, "prio": 3, "quantum": 9000}
        row = self.add("class", parent="1:", handle="1:10", kind="htb", options=given)
        self.assertEqual({key: row["options"][key] for key in given}, given)
        text = self.run_in("tc", "class", "show", "dev", "v0")
        self.assertIn("prio 3 rate 40Gbit ceil 100Gbit", text)

    def test_a_burst_is_in_bytes_and_the_ceiling_is_the_rate_unless_it_is_said(self):
        self.add("qdisc", parent="root", handle="1:", kind="htb")
        row = self.add("class", parent="1:", handle="1:10", kind="htb",
                       options={"rate": 125_000, "burst": 15_360, "overhead": 8, "mpu": 64})["options"]
        self.assertEqual((row["rate"], row["ceil"], row["burst"], row["overhead"], row["mpu"], row["linklayer"]),
                         (125_000, 125_000, 15_360, 8, 64, "ethernet"))
        text = self.run_in("tc", "-d", "class", "show", "dev", "v0")
        self.assertIn("rate 1Mbit overhead 8 ceil 1Mbit linklayer ethernet burst 15Kb/1 mpu 64b", text)

    def test_a_class_without_a_rate_is_refused_by_name(self):
        self.add("qdisc", parent="root", handle="1:", kind="htb")
        self.refused("InvalidArgument", "row.options.ceil: needs a rate", self.change, "add", "class", dev="v0", parent="1:",
                     handle="1:10", kind="htb", options={"ceil": 125_000})
        self.refused("InvalidArgument", "row.handle: '1;10' is no handle", self.change, "add", "class", dev="v0", parent="1:",
                     handle="1;10", kind="htb", options={"rate": 125_000})

    def test_a_bucket_is_asked_for_by_its_latency(self):
        row = self.add("qdisc", parent="root", handle="7:", kind="tbf", options={"rate": 125_000, "burst": 5120, "latency": 70_000})
        said = self.tc("qdisc", "show", "dev", "v0")[0]
        self.assertEqual((said["options"]["rate"], said["options"]["lat"]), (125_000, 70_000))
        self.assertEqual((row["handle"], row["options"]["burst"], row["options"]["limit"]), ("7:", 5120, 125_000 * 7 // 100 + 5120))

    def test_what_a_kind_begins_with_needs_not_be_said(self):
        self.assertEqual(self.add("qdisc", parent="root", handle="1:", kind="htb")["options"]["rate2quantum"], 10)
        self.assertEqual(self.change("replace", "qdisc", dev="v0", parent="root", handle="2:", kind="pfifo",
                                     options={"limit": 77})["options"], {"limit": 77})


class Filters(Traffic):
    def setUp(self):
        super().setUp()
        self.add("qdisc", parent="root", handle="1:", kind="htb")
        self.add("class", parent="1:", handle="1:10", kind="htb", options={"rate": 125_000})

    def test_a_filter_by_what_is_in_a_packet(self):
        self.add("filter", parent="1:", protocol="ip", priority=5, kind="u32",
                 options={"classid": "1:10", "sel": {"keys": [KEY, WEB]}})
        said = [one for one in self.tc("filter", "show", "dev", "v0") if "flowid" in one.get("options", {})]
        self.assertEqual([(one["value"], one["mask"], one["off"]) for one in said[0]["options"]["match"]],
                         [("a010200", "ffffff00", 16), ("50", "ffff", 20)])
        self.assertEqual((said[0]["protocol"], said[0]["pref"], said[0]["options"]["flowid"]), ("ip", 5, "1:10"))
        row = [one for one in self.query("filter") if "classid" in one.get("options", {})][0]
        self.assertEqual((row["handle"], row["options"]["sel"]["nkeys"], row["options"]["sel"]["flags"]), ("800::800", 2, ["terminal"]))
        self.change("del", "filter", dev="v0", parent="1:", protocol="ip", priority=5, kind="u32", handle=row["handle"])
        self.assertEqual([one for one in self.query("filter") if "classid" in one.get("options", {})], [])

    def test_actions_are_done_in_their_order(self):
        self.add("qdisc", parent="clsact", kind="clsact")
        self.add("filter", parent="ingress", protocol="all", priority=1, kind="u32", options={
            "sel": {"keys": [{"val": 0, "mask": 0, "off": 0}]},
            "actions": [{"kind": "mirred", "options": {"action": "pipe", "eaction": "egress-mirror", "ifindex": self.index["v1"]}},
                        {"kind": "mirred", "options": {"action": "stolen", "eaction": "egress-redirect", "ifindex": self.index["lo"]}}]})
        said = [one["options"]["actions"] for one in self.tc("filter", "show", "dev", "v0", "ingress") if "actions" in one.get("options", {})]
        self.assertEqual([(one["order"], one["mirred_action"], one["to_dev"], one["control_action"]["type"]) for one in said[0]],
                         [(1, "mirror", "v1", "pipe"), (2, "redirect", "lo", "stolen")])
        rows = [one["options"]["actions"] for one in self.query("filter", parent="ingress") if "actions" in one.get("options", {})]
        self.assertEqual([(one["order"], one["options"]["eaction"], one["options"]["dev"]) for one in rows[0]],
                         [(1, "egress-mirror", "v1"), (2, "egress-redirect", "lo")])

    def test_filters_of_a_class_are_told_of_who_names_it(self):
        self.add("class", parent="1:10", handle="1:20", kind="htb", options={"rate": 12_500})
        self.add("filter", parent="1:10", protocol="ip", priority=9, kind="u32", options={"classid": "1:20", "sel": {"keys": [WEB]}})
        self.assertEqual([one for one in self.query("filter") if one["priority"] == 9], [])
        found = self.rows_of("filter", ["parent", "priority", "handle"], parent="1:10", dev="v0")
        self.assertEqual([one["handle"] for one in found if "handle" in one][-1], "800::800")
        self.assertEqual({(one["parent"], one["priority"]) for one in found}, {("1:10", 9)})

    def test_handles_of_filters_are_as_tc_writes_them(self):
        common = {"dev": "v0", "parent": "1:", "protocol": "ip", "priority": 5, "kind": "u32"}
        self.change("add", "filter", **common, handle="2:", options={"divisor": 16})
        self.change("add", "filter", **common, handle="2:f:7", options={"hash": 2 << 20 | 15 << 12, "classid": "1:10", "sel": {"keys": [WEB]}})
        self.assertIn("2:f:7", {one.get("handle") for one in self.query("filter")})
        self.assertIn("fh 2:f:7", self.run_in("tc", "filter", "show", "dev", "v0"))
        self.refused("InvalidArgument", "row.handle", self.change, "add", "filter", **common, handle="2:f:7:1",
                     options={"sel": {"keys": [WEB]}})


class Bridges(Traffic):
    def test_options_of_a_bridge_are_set_and_taken_off(self):
        self.change("add", "link", ifname="br0", linkinfo={"kind": "bridge", "data": {"multi-boolopt": ["no-ll-learn"]}})
        self.assertEqual(self.ip("link", "show", "br0")[0]["linkinfo"]["info_data"].get("no_linklocal_learn"), 1)
        self.change("change", "link", ifname="br0", linkinfo={"kind": "bridge", "data": {"multi-boolopt": ["-no-ll-learn"]}})
        self.assertEqual(self.ip("link", "show", "br0")[0]["linkinfo"]["info_data"].get("no_linklocal_learn", 0), 0)

    def test_options_of_a_port_are_set_by_its_bridge(self):
        self.change("add", "link", ifname="br0", linkinfo={"kind": "bridge"})
        self.change("change", "link", ifname="v0", master="br0")
        self.change("change", "link", ifname="v0", linkinfo={"slave-kind": "bridge", "slave-data": {"isolated": True, "cost": 77}})
        port = [row for row in self.query("link", ifname="v0")][0]["linkinfo"]["slave-data"]
        self.assertEqual((port["isolated"], port["cost"]), (True, 77))


class Links(Traffic):
    def test_a_link_of_many_names_does_not_end_the_dump_with_its_counters_or_without(self):
        names = [f"v0-{number:03}".ljust(127, "n") for number in range(270)]
        for begin in range(0, len(names), 5):
            self.run_in("ip", "link", "property", "add", "dev", "v0",
                        *(word for name in names[begin:begin + 5] for word in ("altname", name)))
        for fields in (["ifname"], ["ifname", "stats64"], ["ifname", "stats64", "vfinfo-list"]):
            self.assertEqual([row["ifname"] for row in self.rows_of("link", fields)], ["lo", "v1", "v0"], fields)
        self.assertEqual(self.rows_of("link", ["alt-names"], ifname="v0")[0]["alt-names"], names)

    def test_a_link_is_found_by_an_altname_without_a_dump(self):
        name = "a-name-of-more-than-fifteen-letters"
        self.run_in("ip", "link", "property", "add", "dev", "v0", "altname", name)
        for filters, found in (({"alt-names": name}, ["v0"]), ({"alt-names": "v0"}, []), ({"alt-names": "none"}, []),
                               ({"ifname": "v1", "alt-names": name}, [])):
            rows, info = self.me.call("Netlink", "Query", "link", Variant("as", ["ifname"]).value, {"in": self.pidfd, **filters})
            self.assertEqual(([row["ifname"] for row in rows], info["complete"]), (found, True), filters)
            self.assertEqual("alt-names" in info["kernel_filters"], len(filters) == 1, info)
