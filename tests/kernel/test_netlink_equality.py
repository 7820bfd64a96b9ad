# SPDX-License-Identifier: LGPL-2.1-or-later
"""What usher tells of a namespace that has one of everything is what ip, bridge, tc and ss say of it."""

import json
import os
import sys
import tempfile

import equality
import ring
from populated import CONNECTION, Population
import sockets
from ring import DBusError, Descriptor, Variant, kernel_is_at_least
from rows import Answer


class TestCase(ring.TestCase):
    population = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.population = Population(tempfile.mkdtemp(prefix="population-", dir=ring.WORK))
        cls.addClassCleanup(cls.population.close)

    def setUp(self):
        super().setUp()
        self.pidfd = Descriptor(os.pidfd_open(self.population.pid), owned=True)
        self.addCleanup(self.pidfd.close)

    def open(self, kind, fields=(), **filters):
        """(rows, info) of a type."""
        descriptor, info = self.me.call("Netlink", "Open", kind, Variant("as", list(fields)).value,
                                        {"in": self.pidfd, "format": "json", **filters})
        self.assertTrue(info["complete"], info)
        with os.fdopen(descriptor.take(), encoding="utf-8") as file:
            file.seek(0)
            return [json.loads(line) for line in file], info

    def rows(self, kind, fields=(), **filters):
        return self.open(kind, fields, **filters)[0]

    def ip(self, *arguments):
        return self.said("ip", "-d", "-j", *arguments)

    def said(self, *arguments):
        """What a program says in JSON, or the test is skipped where the kernel lacks it."""
        text = self.population.say(*arguments)
        if text is None:
            self.skipTest(f"this kernel lacks what {' '.join(arguments)} asks for")
        return equality.load(text)

    def steadily(self, ask, kind, translate, **filters):
        """(theirs, ours) of a moment; of theirs what has not changed meanwhile."""
        for _ in range(5):
            before, ours, after = translate(ask()), self.rows(kind, **filters), translate(ask())
            if len(before) == len(after):
                return [equality.steady(*rows) for rows in zip(before, after)], ours
        raise AssertionError(f"{kind}: they come and go all the time")

    def assert_equal(self, theirs, ours, key):
        """Each of theirs is one of ours, and the other way round; a key is a function of a row, whose equal is unique."""
        found = {}
        for row in ours:
            found.setdefault(key(row), []).append(row)
        wrong = []
        for row in theirs:
            candidates = found.get(key(row), [])
            if not candidates:
                wrong.append(f"{key(row)}: there is none of {row}")
                continue
            worst = [list(equality.differences(row, one)) for one in candidates]
            best = min(range(len(candidates)), key=lambda i: len(worst[i]))
            wrong += [f"{key(row)}: {difference}" for difference in worst[best]]
            candidates.pop(best)
        wrong += [f"{key}: theirs has no {rows}" for key, rows in found.items() if rows]
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))


class Equality(TestCase):
    def test_the_namespace_has_one_of_everything(self):
        lacking = sorted({self.population.short(arguments) for arguments, _ in self.population.lacking})
        if lacking:
            self.skipTest(f"compared without what this kernel lacks: {', '.join(lacking)}")

    def test_links_are_what_ip_says(self):
        def translate(rows):
            return [equality.link(row) for row in rows]
        theirs, ours = self.steadily(lambda: self.ip("link"), "link", translate)
        flags = {row["ifindex"]: row for row in ours}
        for row in theirs:
            self.assertTrue(equality.link_flags(row.pop("flags"), flags[row["ifindex"]]["flags"]), row["ifname"])
        self.assert_equal(theirs, ours, lambda row: row["ifindex"])

    def test_counters_of_links_are_what_ip_says(self):
        def translate(rows):
            found = []
            for row in rows:
                stats = {f"{way}-{name.replace('_', '-')}": value for way in ("rx", "tx") for name, value in row["stats64"][way].items()}
                for ours, theirs in (("multicast", "rx-multicast"), ("collisions", "tx-collisions")):
                    stats[ours] = stats.pop(theirs)
                found.append({"ifindex": row["ifindex"], "carrier-changes": stats.pop("tx-carrier-changes"), "stats64": stats})
            return found
        theirs, ours = self.steadily(lambda: self.said("ip", "-s", "-s", "-j", "link"), "link", translate)
        self.assert_equal(theirs, ours, lambda row: row["ifindex"])
        counters = {row["ifindex"]: row for row in self.rows("link-stats")}
        self.assertEqual(sorted(counters), sorted(row["ifindex"] for row in theirs))

    def sockets(self):
        """What ss says of each socket, by what tells it from others."""
        lines = self.population.say("ss", "-OHnaem", "-i", "--tos", "--cgroup", "--inet-sockopt").splitlines()
        return {self.identity(row): row for row in filter(None, map(sockets.parse, lines))}

    @staticmethod
    def identity(row):
        if row["family"] == "netlink":
            return "netlink", row["netlink-protocol"], row["portid"]
        return row["family"], row["inode"], row.get("protocol")

    def test_sockets_are_what_ss_says(self):
        before, (ours, info), after = self.sockets(), self.open("socket"), self.sockets()
        mine = {}
        for row in ours:
            if row["family"] == "netlink":
                row["netlink-protocol"] = sockets.NETLINK.get(row["netlink-protocol"], row["netlink-protocol"])
                row["groups-mask"] = sum(1 << (group - 1) for group in row.get("groups", ()) if group <= 32)
            mine[self.identity(row)] = row
        wrong = []
        for key in before.keys() & after.keys():
            theirs = equality.steady(before[key], after[key])
            if key not in mine:
                wrong.append(f"{key}: there is none of {theirs}")
                continue
            wrong += [f"{key}: {difference}" for difference in equality.differences(theirs, mine.pop(key))]
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))
        # What ss does not tell: those that ask, and those that are bound and nothing else.
        left = {key: row for key, row in mine.items() if row["family"] != "netlink" and key not in before and key not in after}
        self.assertEqual({row["sport"] for row in left.values()}, {4011} if kernel_is_at_least(6, 8) else set(), left)
        self.assertEqual(info["kernel_filters"], [])

    def test_the_kernel_picks_sockets_by_state_address_and_port(self):
        rows, info = self.open("socket", ("state", "sport", "family"), state="listen", protocol="tcp", family="inet")
        self.assertEqual({row["sport"] for row in rows}, {4001, 4004, 4010, 4012})
        self.assertEqual(set(info["kernel_filters"]), {"state", "protocol", "family"})
        rows, info = self.open("socket", ("inode",), sport=Variant("q", 4001), state="listen")
        self.assertEqual(len(rows), 1)
        self.assertIn("sport", info["kernel_filters"])
        rows, info = self.open("socket", ("src", "dst"), dst="127.0.0.1", dport=Variant("u", 4010))
        self.assertEqual(rows, [{"src": "127.0.0.1", "dst": "127.0.0.1"}])
        rows, _ = self.open("socket", ("dev", "sport"), dev="lo", protocol="udp")
        self.assertEqual(rows, [{"dev": "lo", "sport": 4007}])
        rows, _ = self.open("socket", ("name",), family="unix", state="listen")
        self.assertEqual(rows, [{"name": "@usher@equal"}])
        rows, _ = self.open("socket", ("protocol",), protocol=Variant("as", ["mptcp"]), state=Variant("as", ["listen", "established"]))
        self.assertIn(len(rows), (0, 3))  # a kernel without MPTCP has none

    def test_addresses_are_what_ip_says(self):
        def translate(rows):
            return [equality.address(one, row["ifname"]) for row in rows for one in row["addr_info"]]
        theirs, ours = self.steadily(lambda: self.ip("address"), "address", translate)
        for row in ours:
            row["all-flags"] = sorted(set(row.get("flags", ())) - {"permanent"})
            row["lifetimes"] = (row["cacheinfo"]["valid"], row["cacheinfo"]["preferred"])
        self.assert_equal(theirs, ours, lambda row: (row["dev"], row["family"], row["local"]))

    def test_routes_are_what_ip_says(self):
        for family, option in (("inet", "-4"), ("inet6", "-6")):
            def translate(rows, family=family):
                return [equality.route(row, family) for row in rows]
            with self.subTest(family):
                theirs, ours = self.steadily(lambda option=option: self.ip(option, "route", "show", "table", "all"), "route", translate,
                                             family=family)
                self.assert_equal(theirs, ours, lambda row: (row["table"], row["dst"], row.get("tos", 0), row.get("priority", 0),
                                                             row.get("dev")))

    def test_rules_are_what_ip_says(self):
        for family, option in (("inet", "-4"), ("inet6", "-6")):
            def translate(rows, family=family):
                return [equality.rule(row, family) for row in rows]
            with self.subTest(family):
                theirs, ours = self.steadily(lambda option=option: self.ip(option, "rule"), "rule", translate, family=family)
                for row in ours:
                    row["all-flags"] = sorted(set(row.get("flags", ())) & {"invert"})
                    row.setdefault("priority", 0)
                self.assert_equal(theirs, ours, lambda row: row["priority"])

    def test_next_hops_are_what_ip_says(self):
        theirs, ours = self.steadily(lambda: self.ip("nexthop"), "nexthop", lambda rows: [equality.nexthop(row) for row in rows])
        self.assert_equal(theirs, ours, lambda row: row["id"])

    def test_neighbours_are_what_ip_says(self):
        for kind, filters in (((), {}), (("proxy",), {"flags": "proxy"})):
            with self.subTest(kind):
                theirs, ours = self.steadily(lambda kind=kind: self.ip("neighbour", "show", *(kind or ("nud", "all"))), "neighbour",
                                             lambda rows: [equality.neighbour(row) for row in rows], **filters)
                for row in ours:
                    row["all-flags"] = row.get("flags", []) + row.get("flags-ext", [])
                self.assertGreater(len(theirs), 1)
                self.assert_equal(theirs, ours, lambda row: (row["dev"], row["dst"]))

    def test_forwarding_entries_are_what_bridge_says(self):
        theirs, ours = self.steadily(lambda: self.said("bridge", "-d", "-j", "fdb"), "fdb",
                                     lambda rows: [equality.fdb(row) for row in rows])
        for row in ours:
            row["all-flags"] = list(set(row.get("flags", ())) - {"master"})
            row["is"] = equality.fdb_state(row.get("state", ()))
        self.assert_equal(theirs, ours, lambda row: (row["dev"], row["lladdr"], row.get("dst"), row.get("vlan"), row.get("master-dev")))

    def test_queueing_disciplines_are_what_tc_says(self):
        theirs, ours = self.steadily(lambda: self.said("tc", "-d", "-j", "qdisc"), "qdisc",
                                     lambda rows: [equality.qdisc(row) for row in rows])
        self.assert_equal(theirs, ours, lambda row: (row["dev"], row["parent"], row["handle"]))

    def test_classes_are_what_tc_says(self):
        ours = self.rows("class")
        for dev in ("v0", "v1", "v4"):
            with self.subTest(dev):
                lines = self.population.say("tc", "-d", "class", "show", "dev", dev).splitlines()
                theirs = [equality.traffic_class(line) for line in lines if line.strip()]
                mine = {row["handle"]: row for row in ours if row["dev"] == dev}
                for row in theirs:
                    # A burst is a time to the kernel, of which tc takes whole microseconds.
                    for name, (burst, speed) in row.pop("bursts", {}).items():
                        self.assertLess(abs(mine[row["handle"]]["options"][name] - burst), speed / 1e6 + 4, (row, name))
                self.assert_equal(theirs, mine.values(), lambda row: row["handle"])

    def test_filters_are_what_tc_says(self):
        places = [(dev, *where) for dev in ("v0", "v1", "v4") for where in ((), ("ingress",), ("egress",))]

        def translate(rows):
            return [equality.classify(row, dev, parent) for dev, parent, row in rows]

        def ask():
            found = []
            for dev, *where in places:
                found += [(dev, where[0] if where else "root", row)
                          for row in self.said("tc", "-d", "-j", "filter", "show", "dev", dev, *where)]
            return found
        theirs, ours = self.steadily(ask, "filter", translate)
        self.assertGreater(len(theirs), 10)
        self.assert_equal(theirs, ours, lambda row: (row["dev"], row["parent"], row["priority"], row.get("handle")))

    def test_numbers_of_namespaces_are_what_ip_says(self):
        theirs, ours = self.steadily(lambda: self.said("ip", "-j", "netns", "list-id"), "namespace-id", lambda rows: rows)
        self.assertEqual(len(theirs), 1)
        self.assert_equal(theirs, ours, lambda row: row["nsid"])

    def test_connections_are_what_netfilter_tracks(self):
        done = self.population.run(sys.executable, "-c", CONNECTION)
        if done.returncode:
            self.skipTest(f"this kernel tracks no connections: {os.strerror(done.returncode)}")
        rows, info = self.open("conntrack", mark=Variant("u", 7))
        self.assertEqual(info["kernel_filters"], ["mark"])
        self.assertEqual(len(rows), 1)
        text = self.population.say("cat", "/proc/thread-self/net/nf_conntrack")
        for name in ("tuple-orig", "tuple-reply"):
            self.assertIn("src={src} dst={dst} sport={sport} dport={dport}".format(**rows[0][name]), text)
        self.assertEqual(rows[0]["status"], ["seen-reply", "confirmed"])
        self.assertEqual(self.rows("conntrack", family="inet6"), [])


# What goes on while one looks.
MOVING = {"cacheinfo", "expires", "stats", "stats2", "stats64", "xstats", "install", "lastuse", "firstuse", "reachable-time",
          "gc-timer", "hello-timer", "tcn-timer", "topology-change-timer", "hold-timer", "message-age-timer", "forward-delay-timer",
          "unbalanced-time"}


def spoken(value):
    """A value as JSON has it, without what goes on."""
    if isinstance(value, dict):
        return {name: spoken(one) for name, one in value.items() if name not in MOVING}
    if isinstance(value, list):
        return [spoken(one) for one in value]
    return value.hex() if isinstance(value, (bytes, bytearray)) else value


class Formats(TestCase):
    KINDS = ("link", "address", "route", "rule", "neighbour", "fdb", "nexthop", "qdisc", "class", "filter", "namespace-id",
             "generic-family", "ethtool-features")

    def records(self, kind):
        descriptor, info = self.me.call("Netlink", "Open", kind, Variant("as", []).value, {"in": self.pidfd})
        self.assertTrue(info["complete"], info)
        with os.fdopen(descriptor.take(), "rb") as file:
            file.seek(0)
            answer = Answer(file.read())
        self.assertEqual(answer.end["rows"], info["rows"])
        return [spoken(row) for _, _, row in answer.rows]

    def values(self, kind):
        """The answer as values on the bus, or None where it is more than a message may be."""
        try:
            rows, info = self.me.call("Netlink", "Query", kind, Variant("as", []).value, {"in": self.pidfd})
        except DBusError as error:
            self.assertEqual(error.name, "org.usher1.Error.LimitExceeded")
            return None
        self.assertTrue(info["complete"], info)
        return [spoken(row) for row in rows]

    def test_rows_are_the_same_as_records_as_json_and_on_the_bus(self):
        told = 0
        for kind in self.KINDS:
            with self.subTest(kind):
                for _ in range(20):
                    before, records, values = spoken(self.rows(kind)), self.records(kind), self.values(kind)
                    if before == spoken(self.rows(kind)):
                        break
                self.assertEqual(records, before)
                self.assertGreater(len(before), 0)
                if values is not None:
                    self.assertEqual(values, before)
                    told += 1
        self.assertGreater(told, 6)
