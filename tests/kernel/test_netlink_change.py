# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rows of the kernel's tables are made, changed, replaced and removed, and what cannot be is told by the name of its field."""

import concurrent.futures
import contextlib
import errno
import json
import os
import select
import signal
import socket
import struct
import subprocess
import threading

import ring
from ring import Descriptor, DBusError, Variant, wait_until

RTM_GETLINK, RTM_NEWLINK, NLM_F_REQUEST, NLM_F_ACK, NLMSG_ERROR = 18, 16, 1, 4, 2


def typed(value):
    """As a row on the bus has it."""
    if isinstance(value, dict):
        return Variant("a{sv}", {key: typed(inner) for key, inner in value.items()})
    if isinstance(value, list):
        if value and isinstance(value[0], dict):
            return Variant("aa{sv}", [typed(inner).value for inner in value])
        if value and isinstance(value[0], int):
            return Variant("at", value)
        return Variant("as", value)
    if isinstance(value, bool):
        return Variant("b", value)
    if isinstance(value, int):
        return Variant("t" if value > 0x7fffffff else "i", value)
    if isinstance(value, bytes):
        return Variant("ay", value)
    return Variant("s", value) if isinstance(value, str) else value


def row_of(row):
    return typed(row).value


class TestCase(ring.TestCase):
    def setUp(self):
        super().setUp()
        self.process = self.space()
        self.pidfd = Descriptor(os.pidfd_open(self.process.pid), owned=True)
        self.addCleanup(self.pidfd.close)

    def space(self):
        """A process in a user and a network namespace of its own."""
        process = subprocess.Popen(["unshare", "--user", "--map-root-user", "--net", "sh", "-c", "echo ready; exec cat >/dev/null"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def end():
            process.stdin.close()
            process.wait()
            process.stdout.close()
        self.addCleanup(end)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def run_in(self, *arguments):
        done = subprocess.run(["nsenter", f"--target={self.process.pid}", "--user", "--preserve-credentials", "--net", "--",
                               *arguments], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, f"{arguments}: {done.stderr}")
        return done.stdout

    def ip(self, *arguments):
        return json.loads(self.run_in("ip", "-d", "-j", *arguments) or "[]")

    def change(self, action, of, /, **row):
        """The answer; names of fields have _ for -."""
        row = {key.replace("_", "-"): value for key, value in row.items()}
        return self.me.call("Netlink", "Change", action, of, row_of(row), {"in": self.pidfd})

    def batch(self, *changes):
        return self.me.call("Netlink", "Batch", [(action, kind, row_of(row)) for action, kind, row in changes], {"in": self.pidfd})

    def query(self, kind, **filters):
        rows, info = self.me.call("Netlink", "Query", kind, Variant("as", []).value, {"in": self.pidfd, **filters})
        self.assertTrue(info["complete"], info)
        return rows

    def refused(self, name, text, function, *arguments, **keywords):
        with self.assertRaises(DBusError) as caught:
            function(*arguments, **keywords)
        self.assertEqual(caught.exception.name, "org.usher1.Error." + name, caught.exception.message)
        self.assertIn(text, caught.exception.message)

    def pair(self, name="v0", other="v1"):
        return self.change("add", "link", ifname=name, linkinfo={"kind": "veth", "data": {"peer": {"ifname": other}}})["ifindex"]


class Links(TestCase):
    def test_a_link_is_made_and_its_row_is_the_answer(self):
        row = self.change("add", "link", ifname="v0", mtu=1400, address="02:00:5e:10:00:01",
                          linkinfo={"kind": "veth", "data": {"peer": {"ifname": "v1", "mtu": 1300}}})
        made = {link["ifname"]: link for link in self.ip("link")}
        self.assertEqual((row["ifname"], row["ifindex"]), ("v0", made["v0"]["ifindex"]))
        self.assertEqual((made["v0"]["mtu"], made["v1"]["mtu"], made["v0"]["address"]), (1400, 1300, "02:00:5e:10:00:01"))

    def test_a_link_is_changed_raised_renamed_and_removed(self):
        index = self.pair()
        self.assertEqual(self.change("change", "link", ifname="v0", mtu=1280, flags=["up"])["mtu"], 1280)
        self.assertIn("UP", self.ip("link", "show", "v0")[0]["flags"])
        self.assertEqual(self.change("change", "link", ifname="v0", flags=["-up"])["ifindex"], index)
        self.assertNotIn("UP", self.ip("link", "show", "v0")[0]["flags"])
        self.assertIn("MULTICAST", self.ip("link", "show", "v0")[0]["flags"])
        self.assertEqual(self.change("change", "link", ifindex=index, ifname="renamed")["ifname"], "renamed")
        self.change("del", "link", ifname="renamed", mtu=17)
        self.assertEqual([link["ifname"] for link in self.ip("link")], ["lo"])

    def test_kinds_of_links_are_made_as_they_are_asked_for(self):
        self.pair()
        self.change("add", "link", ifname="br0", linkinfo={"kind": "bridge", "data": {"forward-delay": 400, "priority": 4096}})
        self.change("change", "link", ifname="v0", master="br0")
        lacking = []
        for kind, row, expected in (
                ("vlan", {"link": "v1", "data": {"id": 7}}, {"id": 7}),
                ("vxlan", {"data": {"id": 42, "local": "192.0.2.1", "port": 4789, "learning": False}},
                 {"id": 42, "local": "192.0.2.1", "port": 4789, "learning": False}),
                ("vrf", {"data": {"table": 1000}}, {"table": 1000}),
                ("macvlan", {"link": "v1", "data": {"mode": "private"}}, {"mode": "private"}),
                ("gretap", {"data": {"local": "192.0.2.1", "remote": "192.0.2.2", "ttl": 64, "ikey": 1, "iflags": ["key"]}},
                 {"local": "192.0.2.1", "remote": "192.0.2.2", "ttl": 64, "ikey": "0.0.0.1"}),
                ("dummy", {}, None), ("ifb", {}, None), ("bond", {"data": {"mode": "active-backup"}}, {"mode": "active-backup"})):
            with self.subTest(kind=kind):
                data = {"data": row.pop("data")} if "data" in row else {}
                try:
                    self.change("add", "link", ifname=kind, linkinfo={"kind": kind, **data}, **row)
                except DBusError as error:
                    if not error.name.endswith(".NotSupported"):
                        raise
                    lacking.append(kind)
                    continue
                made = self.ip("link", "show", kind)[0]["linkinfo"]
                self.assertEqual(made["info_kind"], kind)
                self.assertEqual({key: made["info_data"][key] for key in expected or ()}, expected or {})
        made = {link["ifname"]: link for link in self.ip("link")}
        self.assertEqual(made["v0"]["master"], "br0")
        self.assertEqual(made["br0"]["linkinfo"]["info_data"]["forward_delay"], 400)
        self.assertEqual(self.change("change", "link", ifname="v0", master=0).get("master"), None)
        if lacking:
            self.skipTest(f"all others are made; this kernel lacks {' '.join(lacking)}")

    def test_a_tunnel_is_made_and_stays(self):
        if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
            self.skipTest("there is no /dev/net/tun here that may be opened")
        row = self.change("add", "link", ifname="t0", mtu=1300, flags=["up"], linkinfo={"kind": "tun"})
        self.assertEqual((row["ifname"], row["mtu"], "up" in row["flags"]), ("t0", 1300, True))
        data = {key: row["linkinfo"]["data"][key] for key in ("type", "owner", "pi", "persist", "vnet-hdr", "multi-queue")}
        self.assertEqual(data, {"type": "tun", "owner": 0, "pi": False, "persist": True, "vnet-hdr": False, "multi-queue": False})
        row = self.change("add", "link", ifindex=77, linkinfo={"kind": "tun", "data": {"type": "tap", "vnet-hdr": True, "pi": True, "multi-queue": True}})
        self.assertEqual((row["ifindex"], row["address"] != ""), (77, True))
        (made,) = (link for link in self.ip("link") if link["ifindex"] == 77)
        info = made["linkinfo"]["info_data"]
        self.assertEqual([info[key] for key in ("type", "pi", "vnet_hdr", "multi_queue", "persist")], ["tap", True, True, True, True])
        self.refused("Busy", "EBUSY", self.change, "add", "link", ifname="t0", linkinfo={"kind": "tun"})
        self.refused("InvalidArgument", "mtu", self.change, "add", "link", ifname="t1", mtu=5, linkinfo={"kind": "tun"})
        self.refused("InvalidArgument", "row.linkinfo.data.type: ", self.change, "add", "link", ifname="t1",
                     linkinfo={"kind": "tun", "data": {"type": "tube"}})
        self.refused("InvalidArgument", "changes[1]", self.batch, ("add", "link", {"ifname": "t1", "linkinfo": {"kind": "tun"}}),
                     ("change", "link", {"ifname": "t1", "mtu": 5}))
        self.change("del", "link", ifname="t0")
        self.assertEqual([link["ifname"] for link in self.ip("link")], ["lo", made["ifname"]])

    def test_a_kind_that_this_kernel_lacks_is_named(self):
        self.pair()
        self.change("add", "qdisc", dev="v0", kind="htb", handle="1:")
        for of, row in (("link", {"ifname": "v9", "linkinfo": {"kind": "fancy"}}), ("qdisc", {"dev": "v1", "kind": "fancy"}),
                        ("filter", {"dev": "v0", "parent": "1:", "priority": 1, "kind": "fancy"})):
            self.refused("NotSupported", f"row: this kernel does not add a {of} of the kind 'fancy': ", self.change, "add", of, **row)
        self.refused("NotFound", "ENOENT", self.change, "add", "qdisc", dev="v0", kind="pfifo", parent="1:77")

    def test_a_link_moves_to_another_namespace_that_is_handed_over(self):
        self.pair()
        other = self.space()
        with Descriptor(os.open(f"/proc/{other.pid}/ns/net", os.O_RDONLY), owned=True) as namespace:
            self.refused("InvalidArgument", "row.net-ns-fd: is a descriptor", self.change, "change", "link", ifname="v1", net_ns_fd=3)
            self.refused("NotPermitted", "", self.change, "change", "link", ifname="v1", net_ns_fd=namespace)
        self.assertEqual(len(self.ip("link")), 3)

    def test_another_namespace_is_given_a_number(self):
        other = self.space()
        with Descriptor(os.open(f"/proc/{other.pid}/ns/net", os.O_RDONLY), owned=True) as namespace:
            self.assertEqual(self.change("add", "namespace-id", nsid=77, fd=namespace), {"nsid": 77})
            self.assertEqual(self.query("namespace-id"), [{"nsid": 77}])
            self.refused("Busy", "", self.change, "add", "namespace-id", nsid=78, fd=namespace)
            self.refused("InvalidArgument", "row.fd: is a descriptor", self.change, "add", "namespace-id", nsid=79, fd=3)
            self.refused("NotSupported", "action: ", self.change, "del", "namespace-id", nsid=77)
            self.refused("InvalidArgument", "changes[0].row: must be the last", self.batch,
                         ("add", "namespace-id", {"nsid": 80, "fd": namespace}), ("add", "link", {"ifname": "b", "linkinfo": {"kind": "bridge"}}))

    def test_what_is_wrong_is_told_by_the_name_of_its_field_and_in_the_kernels_words(self):
        self.pair()
        self.refused("Busy", "EEXIST", self.change, "add", "link", ifname="v0", linkinfo={"kind": "bridge"})
        self.refused("NotFound", "row.master: there is no interface 'br7'", self.change, "change", "link", ifname="v0", master="br7")
        self.refused("NotFound", "ENODEV", self.change, "del", "link", ifname="v7")
        self.refused("InvalidArgument", "row: mtu less than device minimum", self.change, "change", "link", ifname="v0", mtu=17)
        self.refused("InvalidArgument", "row.linkinfo.data.peer.ifname:", self.change, "add", "link", ifname="v8",
                     linkinfo={"kind": "veth", "data": {"peer": {"ifname": "a-name-that-is-too-long"}}})
        self.refused("InvalidArgument", "row.linkinfo.data: there is no field 'idd'; is it 'id'", self.change, "add", "link", ifname="v8", link="v0",
                     linkinfo={"kind": "vlan", "data": {"idd": 7}})


class Routing(TestCase):
    def setUp(self):
        super().setUp()
        self.pair()
        for name in ("v0", "v1"):
            self.change("change", "link", ifname=name, flags=["up"])

    def test_an_address_is_added_changed_and_removed(self):
        row = self.change("add", "address", dev="v0", local="192.0.2.1/24", label="v0:a")
        self.assertEqual((row["local"], row["prefixlen"], row["dev"], row["label"]), ("192.0.2.1", 24, "v0", "v0:a"))
        self.change("add", "address", dev="v0", local="2001:db8::1", prefixlen=64, flags=["nodad"])
        found = {item["local"]: item for item in self.ip("addr", "show", "dev", "v0")[0]["addr_info"]}
        self.assertEqual((found["192.0.2.1"]["prefixlen"], found["2001:db8::1"]["prefixlen"]), (24, 64))
        self.change("change", "address", dev="v0", local="192.0.2.1/24", label="v0:a", cacheinfo={"valid": 1000, "preferred": 500})
        item = next(item for item in self.ip("addr", "show", "dev", "v0")[0]["addr_info"] if item["local"] == "192.0.2.1")
        self.assertLessEqual(item["valid_life_time"], 1000)
        self.refused("Busy", "EEXIST", self.change, "add", "address", dev="v0", local="192.0.2.1/24")
        self.refused("NotFound", "there is no such address", self.change, "change", "address", dev="v0", local="192.0.2.9/24")
        self.change("del", "address", dev="v0", local="192.0.2.1/24")
        self.refused("NotFound", "EADDRNOTAVAIL", self.change, "del", "address", dev="v0", local="192.0.2.1/24")

    def test_an_address_of_ipv6_is_found_by_what_it_was_added_by(self):
        """The kernel tells of it once, and not by an echo."""
        for key in ("local", "address"):
            row = self.change("add", "address", dev="v0", **{key: "2001:db8::1/64"}, flags=["nodad"])
            self.assertEqual((row["local"], row["address"], row["prefixlen"]), ("2001:db8::1", "2001:db8::1", 64))
            row = self.change("change", "address", dev="v0", **{key: "2001:db8::1/64"}, cacheinfo={"valid": 1000, "preferred": 500})
            self.assertLessEqual(row["cacheinfo"]["valid"], 1000)
            self.refused("InvalidArgument", "changes[1]", self.batch,
                         ("replace", "address", {"dev": "v0", key: "2001:db8::1/64", "cacheinfo": {"valid": 77, "preferred": 7}}),
                         ("add", "route", {"dst": "10.0.0.0/8", "gateway": "10.1.1.1"}))
            self.assertGreater(self.query("address", local="2001:db8::1")[0]["cacheinfo"]["valid"], 77)
            self.change("del", "address", **self.query("address", local="2001:db8::1")[0])
            self.assertEqual(self.query("address", local="2001:db8::1"), [])

    def test_routes_lead_one_way_or_several(self):
        self.change("add", "address", dev="v0", local="192.0.2.1/24")
        row = self.change("add", "route", dst="198.51.100.0/24", gateway="192.0.2.2", priority=7, metrics={"mtu": 1300})
        self.assertEqual((row["dst"], row["gateway"], row["table"], row["protocol"], row["dev"]),
                         ("198.51.100.0/24", "192.0.2.2", "main", "boot", "v0"))
        self.change("add", "route", dst="203.0.113.0/24", table=1000,
                    multipath=[{"gateway": "192.0.2.2", "weight": 3}, {"gateway": "192.0.2.3", "dev": "v0"}])
        route = self.ip("route", "show", "table", "1000")[0]
        self.assertEqual([(hop["gateway"], hop["weight"]) for hop in route["nexthops"]], [("192.0.2.2", 3), ("192.0.2.3", 1)])
        self.change("add", "route", dst="default", gateway="192.0.2.4")
        self.change("replace", "route", dst="default", gateway="192.0.2.5")
        self.assertEqual([(route["dst"], route.get("gateway")) for route in self.ip("route", "show", "default")],
                         [("default", "192.0.2.5")])
        self.change("add", "route", dst="2001:db8:1::/48", dev="v0")
        self.assertEqual(self.ip("-6", "route", "show", "2001:db8:1::/48")[0]["dev"], "v0")
        self.change("add", "route", dst="192.0.2.128/25", type="blackhole")
        self.change("del", "route", dst="192.0.2.128/25", type="blackhole")
        self.refused("InvalidArgument", "Nexthop has invalid gateway", self.change, "add", "route", dst="10.0.0.0/8", gateway="10.1.1.1")
        self.refused("NotFound", "ESRCH", self.change, "del", "route", dst="10.0.0.0/8")

    def test_rules_neighbours_and_nexthops_are_made_and_removed(self):
        self.change("add", "address", dev="v0", local="192.0.2.1/24")
        self.change("add", "rule", priority=100, src="192.0.2.0/24", table=1000, sport={"start": 80, "end": 90})
        self.assertIn("100:\tfrom 192.0.2.0/24 sport 80-90 lookup 1000", self.run_in("ip", "rule"))
        self.change("del", "rule", priority=100)
        self.assertEqual([rule for rule in self.ip("rule") if rule["priority"] == 100], [])
        row = self.change("add", "neighbour", dev="v0", dst="192.0.2.2", lladdr="02:00:5e:10:00:02")
        self.assertEqual((row["state"], row["lladdr"]), (["permanent"], "02:00:5e:10:00:02"))
        self.assertEqual(self.ip("neigh")[0]["lladdr"], "02:00:5e:10:00:02")
        self.change("replace", "neighbour", dev="v0", dst="192.0.2.2", lladdr="02:00:5e:10:00:03")
        self.assertEqual(self.ip("neigh")[0]["lladdr"], "02:00:5e:10:00:03")
        self.change("del", "neighbour", dev="v0", dst="192.0.2.2")
        row = self.change("add", "nexthop", id=7, gateway="192.0.2.2", dev="v0")
        self.assertEqual((row["id"], row["family"]), (7, "inet"))
        self.change("add", "nexthop", id=8, gateway="192.0.2.3", dev="v0")
        self.change("add", "nexthop", id=9, group=[{"id": 7, "weight": 3}, {"id": 8}])
        self.change("add", "route", dst="198.51.100.0/24", nh_id=9)
        self.assertEqual(self.ip("route", "show", "198.51.100.0/24")[0]["nhid"], 9)
        self.change("del", "nexthop", id=9)
        self.assertEqual([hop["id"] for hop in self.ip("nexthop")], [7, 8])

    def test_a_bridge_learns_an_entry_that_is_told_to_it(self):
        self.change("add", "link", ifname="br0", linkinfo={"kind": "bridge"})
        self.change("change", "link", ifname="v0", master="br0")
        row = self.change("add", "fdb", dev="v0", lladdr="02:00:5e:10:00:09", flags=["master"], state=["noarp"])
        self.assertEqual(row["lladdr"], "02:00:5e:10:00:09")
        self.assertIn("02:00:5e:10:00:09", self.run_in("bridge", "fdb", "show", "br", "br0"))
        self.change("del", "fdb", dev="v0", lladdr="02:00:5e:10:00:09", flags=["master"])
        self.assertNotIn("02:00:5e:10:00:09", self.run_in("bridge", "fdb", "show", "br", "br0"))


class Traffic(TestCase):
    def setUp(self):
        super().setUp()
        self.pair()

    def tc(self, *arguments):
        return json.loads(self.run_in("tc", "-j", *arguments) or "[]")

    def test_a_queue_its_classes_and_its_filters(self):
        try:
            self.change("add", "qdisc", dev="v0", parent="root", handle="1:", kind="htb", options={"defcls": 0x10})
        except DBusError as error:
            if "NotFound" in error.name or "NotSupported" in error.name:
                self.skipTest(f"this kernel has no htb: {error.message}")
            raise
        row = self.change("add", "class", dev="v0", parent="1:", handle="1:10", kind="htb",
                          options={"rate": 125000, "ceil": 250000})
        self.assertEqual((row["handle"], row["kind"]), ("1:10", "htb"))
        self.assertIn("rate 1Mbit ceil 2Mbit", self.run_in("tc", "class", "show", "dev", "v0"))
        self.change("change", "class", dev="v0", parent="1:", handle="1:10", kind="htb", options={"rate": 250000, "ceil": 250000})
        self.assertIn("rate 2Mbit ceil 2Mbit", self.run_in("tc", "class", "show", "dev", "v0"))
        self.refused("Busy", "EEXIST", self.change, "add", "qdisc", dev="v0", parent="root", handle="1:", kind="htb")
        self.change("del", "qdisc", dev="v0", parent="root")
        self.assertNotIn("htb", self.run_in("tc", "qdisc", "show", "dev", "v0"))


class Batches(TestCase):
    def setUp(self):
        super().setUp()
        # no address comes by itself
        self.run_in("sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/default/addr_gen_mode")

    def state(self):
        return {kind: self.run_in(*words) for kind, words in {
            "links": ("ip", "-d", "link"), "addresses": ("ip", "addr"), "routes": ("ip", "route", "show", "table", "all"),
            "rules": ("ip", "rule"), "neighbours": ("ip", "neigh"), "nexthops": ("ip", "nexthop")}.items()}

    def test_all_of_it_is_done_in_its_order(self):
        rows = self.batch(("add", "link", {"ifname": "v0", "linkinfo": {"kind": "veth", "data": {"peer": {"ifname": "v1"}}}}),
                          ("change", "link", {"ifname": "v0", "flags": ["up"]}), ("change", "link", {"ifname": "v1", "flags": ["up"]}),
                          ("add", "address", {"dev": "v0", "local": "192.0.2.1/24"}),
                          ("add", "route", {"dst": "198.51.100.0/24", "gateway": "192.0.2.2"}))
        self.assertEqual([row.get("dev", row.get("ifname")) for row in rows], ["v0", "v0", "v1", "v0", "v0"])

    def test_where_one_fails_nothing_is_left_of_those_before_it(self):
        self.test_all_of_it_is_done_in_its_order()
        self.change("add", "neighbour", dev="v0", dst="192.0.2.7", lladdr="02:00:5e:10:00:07")
        self.change("add", "rule", priority=50, table=50)
        self.change("add", "nexthop", id=5, dev="v0", gateway="192.0.2.2")
        self.change("add", "route", dst="203.0.113.0/24", nh_id=5)
        before = self.state()
        wrong = ("add", "route", {"dst": "10.0.0.0/8", "gateway": "10.1.1.1"})
        for change in (("add", "link", {"ifname": "br0", "linkinfo": {"kind": "bridge"}}),
                       ("change", "link", {"ifname": "v0", "mtu": 1300, "ifalias": "other", "group": 3, "txqlen": 77}),
                       ("change", "link", {"ifname": "v1", "flags": ["allmulti"]}),
                       ("add", "address", {"dev": "v0", "local": "192.0.2.5/24"}),
                       ("add", "address", {"dev": "v1", "local": "2001:db8::5/64"}),
                       ("add", "route", {"dst": "198.51.100.128/25", "gateway": "192.0.2.3"}),
                       ("replace", "route", {"dst": "198.51.100.0/24", "gateway": "192.0.2.9", "metrics": {"mtu": 1200}}),
                       ("replace", "route", {"dst": "198.51.101.0/24", "gateway": "192.0.2.9"}),
                       ("del", "route", {"dst": "198.51.100.0/24"}), ("del", "route", {"dst": "203.0.113.0/24"}),
                       ("add", "rule", {"priority": 51, "table": 51}), ("del", "rule", {"priority": 50}),
                       ("replace", "neighbour", {"dev": "v0", "dst": "192.0.2.7", "lladdr": "02:00:5e:10:00:08"}),
                       ("del", "neighbour", {"dev": "v0", "dst": "192.0.2.7"}),
                       ("add", "nexthop", {"id": 6, "dev": "v0", "gateway": "192.0.2.3"}),
                       ("replace", "nexthop", {"id": 5, "dev": "v0", "gateway": "192.0.2.3"})):
            with self.subTest(change=change):
                self.refused("InvalidArgument", "changes[1].row: Nexthop has invalid gateway", self.batch, change, wrong)
                self.assertEqual(self.state(), before)

    def test_what_cannot_be_undone_may_only_be_the_last(self):
        self.test_all_of_it_is_done_in_its_order()
        before = self.state()
        last = ("del", "link", {"ifname": "v0"})
        self.refused("InvalidArgument", "changes[0].row: must be the last", self.batch, last, ("add", "rule", {"priority": 5, "table": 5}))
        self.assertEqual(self.state(), before)
        self.batch(("add", "rule", {"priority": 5, "table": 5}), last)
        self.assertEqual([link["ifname"] for link in self.ip("link")], ["lo"])


class Interrupted(TestCase):
    """A batch that fails at its fourth change, as three rules are made before it: seven requests to the kernel, of which one is held."""

    RULES = [("add", "rule", {"priority": number, "table": number}) for number in (51, 52, 53)]
    WRONG = ("add", "route", {"dst": "10.0.0.0/8", "gateway": "10.1.1.1"})
    REQUESTS = 7

    @classmethod
    def setUpClass(cls):
        ring.needs_block()
        cls.service = ring.Service(block=("sendto:stall",))

    def rules(self):
        return [row["priority"] for row in self.ip("rule") if row["priority"] in (51, 52, 53)]

    def hold(self, changes, at):
        """Until that request: it, and what answers the call."""
        answer = concurrent.futures.Future()

        def ask():
            try:
                answer.set_result(self.batch(*changes))
            except Exception as error:  # pylint: disable=broad-exception-caught
                answer.set_exception(error)
        threading.Thread(target=ask, daemon=True).start()
        for _ in range(at):
            self.service.stalled().go_on()
        return self.service.stalled(), answer

    def go_on(self, stalled):
        """To the end of the child."""
        def ended():
            if select.select([self.service.listener], [], [], 0)[0]:
                with contextlib.suppress(FileNotFoundError):  # it has been killed
                    self.service.stalled().go_on()
            return stalled.pid not in ring.running()
        wait_until(ended, "the child ends")

    def finish(self, answer, left):
        for _ in range(left):
            self.service.stalled().go_on()
        with self.assertRaises(DBusError) as caught:
            answer.result(10)
        return caught.exception

    def test_whichever_request_fails_nothing_is_left_or_it_is_told(self):
        for at in range(self.REQUESTS):
            with self.subTest(at):
                stalled, answer = self.hold([*self.RULES, self.WRONG], at)
                stalled.fail(errno.ENOBUFS)
                error = self.finish(answer, at if at < 4 else self.REQUESTS - 1 - at)
                self.assertIn("ENOBUFS" if at < 4 else "changes[3].row", error.message)
                left = [] if at < 4 else [(53, 52, 51)[at - 4]]
                self.assertEqual(self.rules(), left)
                if left:
                    self.assertIn(f"changes[{left[0] - 51}].row: was done, and could not be undone", error.message)
                for number in left:
                    self.run_in("ip", "rule", "del", "priority", str(number))

    def test_where_the_service_is_killed_all_of_a_batch_is_done_or_nothing(self):
        for last, expected in ((self.WRONG, []), (("add", "rule", {"priority": 54, "table": 54}), [51, 52, 53])):
            for at in (0, 2, 3):
                with self.subTest(last=last, at=at):
                    stalled, answer = self.hold([*self.RULES, last], at)
                    os.kill(self.service.pid, signal.SIGKILL)
                    wait_until(self.service.gone, "usherd is gone")
                    stalled.go_on()
                    self.go_on(stalled)
                    self.assertIn("NoReply", self.finish(answer, 0).name)
                    self.assertEqual(self.rules(), expected)
                    self.run_in("ip", "rule", "flush")
                    self.service.start()

    def test_where_its_own_process_is_killed_nobody_is_told_that_nothing_was_done(self):
        for at in range(self.REQUESTS):
            with self.subTest(at):
                stalled, answer = self.hold([*self.RULES, self.WRONG], at)
                os.kill(stalled.pid, signal.SIGKILL)
                error = self.finish(answer, 0)
                self.assertEqual(error.name, "org.usher1.Error.Failed")
                self.assertIn("may have been done", error.message)
                self.run_in("ip", "rule", "flush")


class InterruptedAlone(Interrupted):
    """The same of a single change, which asks the kernel once."""

    REQUESTS = 1

    def batch(self, *changes):
        return self.change(changes[0][0], changes[0][1], **changes[0][2])

    test_whichever_request_fails_nothing_is_left_or_it_is_told = None

    def test_where_the_service_is_killed_all_of_a_batch_is_done_or_nothing(self):
        for change, expected in ((self.RULES[0], [51]), (self.WRONG, [])):
            with self.subTest(change):
                stalled, answer = self.hold([change], 0)
                os.kill(self.service.pid, signal.SIGKILL)
                wait_until(self.service.gone, "usherd is gone")
                self.assertEqual(self.rules(), [])
                stalled.go_on()
                self.go_on(stalled)
                self.assertIn("NoReply", self.finish(answer, 0).name)
                self.assertEqual(self.rules(), expected)
                self.run_in("ip", "rule", "flush")
                self.service.start()
                stalled, answer = self.hold([self.RULES[2]], 0)
                stalled.go_on()
                self.assertEqual(answer.result(10)["priority"], 53)
                self.run_in("ip", "rule", "flush")

    def test_where_its_own_process_is_killed_nobody_is_told_that_nothing_was_done(self):
        stalled, answer = self.hold([self.RULES[0]], 0)
        os.kill(stalled.pid, signal.SIGKILL)
        error = self.finish(answer, 0)
        self.assertEqual(error.name, "org.usher1.Error.Failed")
        self.assertIn("may have been done", error.message)
        self.assertEqual(self.rules(), [])


class Attacks(TestCase):
    """What nobody in his right mind asks for."""

    TYPES = ("link", "address", "route", "neighbour", "fdb", "rule", "nexthop", "qdisc", "class", "filter", "namespace-id")
    ERRORS = {f"org.usher1.Error.{name}" for name in ("InvalidArgument", "NotPermitted", "NotFound", "NotOwner", "Busy", "LimitExceeded",
                                                      "NotSupported", "Retry", "TimedOut", "Failed")}
    RANGES = {"y": (0, 0xff), "n": (-1 << 15, (1 << 15) - 1), "q": (0, 0xffff), "i": (-1 << 31, (1 << 31) - 1), "u": (0, (1 << 32) - 1),
              "x": (-1 << 63, (1 << 63) - 1), "t": (0, (1 << 64) - 1), "b": (0, 1)}
    NUMBERS = (-1 << 63, -1 << 31, -1, 0, 0xff, 0x100, 0x10000, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, (1 << 64) - 1)

    def setUp(self):
        super().setUp()
        self.pids = (self.service.pid, self.service.worker)

    def fields(self, of):
        return json.loads(self.me.call("Netlink", "Describe", of, signature="s"))["fields"]

    def attack(self, function, *arguments, **keywords):
        """The text of the refusal, which is one of the closed set; None: it was done."""
        try:
            function(*arguments, **keywords)
        except DBusError as error:
            self.assertIn(error.name, self.ERRORS, (arguments, keywords, error.message))
            return f"{error.name}: {error.message}"
        return None

    def ask_for(self, of, filters):
        """Whatever is in the filter, an answer is whole; what cannot be asked for is refused."""
        _, info = self.me.call("Netlink", "Query", of, [], {"in": self.pidfd, **filters})
        self.assertTrue(info["complete"], (of, filters, info))

    def still_there(self):
        self.assertEqual((self.service.pid, self.service.worker), self.pids)
        self.assertTrue(self.query("link"))

    def test_a_number_that_does_not_fit_its_field_is_refused_and_never_cut(self):
        for of in self.TYPES:
            for field in self.fields(of):
                least, most = self.RANGES.get(field["type"], (0, -1))
                for number in self.NUMBERS:
                    value = Variant("x" if number < 0 else "t", number)
                    said = self.attack(self.change, "add", of, **{field["name"]: value})
                    if field["name"] not in ("net-ns-fd", "fd") and least <= most and not least <= number <= most:
                        self.assertIsNotNone(said, (of, field["name"], number))
                        self.assertRegex(said, "^org.usher1.Error.InvalidArgument: .*(is out of its range|only the kernel sets it)", (of, field["name"], number))
        self.still_there()

    def test_a_value_of_another_kind_is_refused_and_harms_nobody(self):
        deep = Variant("s", "x")
        for _ in range(20):
            deep = Variant("a{sv}", {"linkinfo": deep})
        small = [Variant("s", ""), Variant("s", "%n%s\\x00\\xff"), Variant("ay", b""), Variant("a{sv}", {}), Variant("a{sv}", {"": Variant("s", "")}),
                 deep, Variant("d", float("nan")), Variant("o", "/")]
        large = [Variant("s", "x" * 70000), Variant("ay", b"\xff" * 20000), Variant("as", [""] * 1000), Variant("at", [(1 << 64) - 1] * 1000),
                 Variant("aa{sv}", [{}] * 1000)]
        for of in self.TYPES:
            for number, field in enumerate(self.fields(of)):
                for value in [*small, *large] if number < 4 else small:
                    self.attack(self.change, "add", of, **{field["name"]: value})
                    self.attack(self.ask_for, of, {field["name"]: value})
        self.still_there()

    @contextlib.contextmanager
    def odd_descriptors(self):
        reader, writer = os.pipe()
        pairs = [*socket.socketpair(), *socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)]
        listener = socket.create_server(("127.0.0.1", 0)) if os.getuid() == 0 else pairs[0]
        ended = subprocess.Popen(["true"])
        dead = os.pidfd_open(ended.pid)
        ended.wait()
        fds = [reader, writer, dead, os.open("/", os.O_RDONLY), os.open("/proc", os.O_PATH), os.open("/dev/null", os.O_RDWR),
               os.memfd_create("no-namespace"), os.eventfd(0), os.open("/proc/self/status", os.O_RDONLY),
               os.open("/proc/self/ns/mnt", os.O_RDONLY), os.open("/proc/self/ns/user", os.O_RDONLY),
               os.open(f"/proc/{self.process.pid}/ns/net", os.O_PATH),
               socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).detach(), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16).detach(),
               *(one.detach() for one in pairs)]
        try:
            yield fds
        finally:
            listener.close()
            for fd in fds:
                os.close(fd)

    def test_a_descriptor_that_is_no_namespace_is_none_anywhere(self):
        row = {"priority": Variant("u", 77), "table": Variant("u", 77)}
        with self.odd_descriptors() as fds:
            for fd in fds:
                place = {"in": Descriptor(fd)}
                for what in (("Query", "link", [], place), ("Open", "link", [], place), ("Open", "link", [], {**place, "transport": "stream"}),
                             ("Change", "add", "rule", row, place), ("Batch", [("add", "rule", row)], place),
                             ("OpenSocket", "route", place), ("Subscribe", ["link"], [], place), ("OpenMonitor", ["link"], [], place)):
                    said = self.attack(self.me.call, "Netlink", *what)
                    self.assertIsNotNone(said, (os.readlink(f"/proc/self/fd/{fd}"), what))
                    self.assertRegex(said, "InvalidArgument: in: |NotFound: |NotPermitted: ", (os.readlink(f"/proc/self/fd/{fd}"), what))
                for field in ("net-ns-fd",):
                    said = self.attack(self.change, "add", "link", ifname="v9", linkinfo={"kind": "veth"}, **{field: Descriptor(fd)})
                    self.assertIsNotNone(said, os.readlink(f"/proc/self/fd/{fd}"))
                self.assertIsNotNone(self.attack(self.change, "add", "namespace-id", nsid=7, fd=Descriptor(fd)))
        self.assertEqual([link["ifname"] for link in self.ip("link")], ["lo"])
        self.assertNotIn(77, [row["priority"] for row in self.ip("rule")])
        self.still_there()


class Sockets(TestCase):
    def test_a_socket_in_a_network_of_ones_own_may_do_all_that_its_root_may(self):
        self.pair()
        with self.me.call("Netlink", "OpenSocket", "route", {"in": self.pidfd}) as descriptor:
            netlink = socket.socket(fileno=descriptor.take())
        self.addCleanup(netlink.close)
        index = self.ip("link", "show", "v0")[0]["ifindex"]
        body = struct.pack("=BxHiII", 0, 0, index, 1, 1)  # up
        netlink.send(struct.pack("=IHHII", 16 + len(body), RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0) + body)
        answer = netlink.recv(65536)
        self.assertEqual(struct.unpack_from("=IHHIIi", answer)[1::4], (NLMSG_ERROR, 0))
        self.assertIn("UP", self.ip("link", "show", "v0")[0]["flags"])
