# SPDX-License-Identifier: LGPL-2.1-or-later
"""usher-netlink as a reader, alone: what others get wrong with success, what the kernel does not tell, what does not end."""

import contextlib
import errno
import json
import mmap
import os
import random
import resource
import select
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

import ring
from reader import Reader
from realm import (CREATE, REPLACE, RTM_DELADDR, RTM_DELNEXTHOP, RTM_DELROUTE, RTM_DELRULE, RTM_NEWADDR, RTM_NEWNEIGH, RTM_NEWNEXTHOP, RTM_NEWROUTE,
                   RTM_NEWRULE, Realm, attribute, change, enter, route, ways)

INVALID, PERMISSION, NOT_FOUND, LIMIT, TIMED_OUT = 1, 2, 3, 6, 9
MAIN = 254


class TestCase(unittest.TestCase):
    LACKING = ring.LACKING  # of what the kernel has

    def setUp(self):
        under = [f"{ring.HERE}/block", *self.LACKING, "--"] if self.LACKING else []
        self.reader = Reader(f"{ring.BUILD}/usher-netlink", under)
        self.addCleanup(self.reader.close)

    def realm(self):
        try:
            realm = Realm()
        except OSError as error:
            self.skipTest(str(error))
        self.addCleanup(realm.close)
        return realm

    def rows(self, kind, fields, **keys):
        """The rows of an answer that is whole."""
        reply = self.reader.query(kind, fields, format="records", **keys)
        self.assertEqual((reply.code, reply.text), (0, ""))
        self.assertTrue(reply.info["complete"], reply.info)
        answer = reply.answer()
        self.assertEqual((answer.end["complete"], answer.end["rows"]), (True, len(answer.rows)))
        return [row for _, _, row in answer.rows]

    def children(self):
        with open(f"/proc/{self.reader.process.pid}/task/{self.reader.process.pid}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]

    def wait_until(self, condition, what, seconds=15):
        until = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), until, what)
            time.sleep(0.01)


class BigObjects(TestCase):
    def big_route(self, n):
        """A namespace with a route of so many ways, the first of its table, and one for each of a hundred hosts."""
        realm = self.realm()
        index = realm.pair("v", "10.9.0.1/16")
        realm.run(*(f"route add 10.60.0.{i}/32 dev v metric {i + 1}" for i in range(100)))
        with realm.socket() as sock:
            self.assertEqual(change(sock, RTM_NEWROUTE, CREATE, route(socket.AF_INET, "10.5.0.0", 16, ways(
                index, [f"10.9.{1 + i // 250}.{1 + i % 250}" for i in range(n)]))), 0)
        return realm

    def test_a_route_with_many_ways_hides_no_other(self):
        for n in (231, 300, 1990):
            rows = self.rows("route", ["priority"], where=self.big_route(n).fd, family=2, table=MAIN)
            self.assertEqual(sorted(row["priority"] for row in rows if "priority" in row), list(range(1, 101)), n)

    def streamed(self, realm, **keys):
        """The answer that comes by a stream, of which the kernel is asked for a small first part."""
        reply = self.reader.query("route", ["priority"], where=realm.fd, format="records", transport="stream", **keys)
        self.assertEqual((reply.code, reply.text), (0, ""))
        return reply.answer()

    def test_a_first_route_of_any_size_hides_no_other_of_a_stream(self):
        for n in (2, 231, 300, 1990):
            realm = self.big_route(n)
            for keys in ({}, {"family": 2}, {"family": 2, "table": MAIN}):
                answer = self.streamed(realm, **keys)
                self.assertTrue(answer.end["complete"], (n, keys, answer.end))
                found = sorted(row["priority"] for _, _, row in answer.rows if 0 < row.get("priority", 0) < 101)
                self.assertEqual(found, list(range(1, 101)), (n, keys))

    def test_a_first_route_of_ipv6_hides_no_other_of_a_stream(self):
        realm = self.realm()
        realm.pair("v", "2001:db8::1/64")
        realm.run(*(f"route add 2001:db8:{i:x}::/48 dev v metric {i}" for i in range(1, 101)))
        realm.say("ip", "route", "add", "100::/64", *" ".join(f"nexthop via fe80::{i:x} dev v" for i in range(1, 141)).split())
        answer = self.streamed(realm, family=10, table=MAIN)
        self.assertTrue(answer.end["complete"], answer.end)
        self.assertEqual(sorted(row["priority"] for _, _, row in answer.rows if row["priority"] < 101), list(range(1, 101)))
        self.assertEqual(sum(row["priority"] == 1024 for _, _, row in answer.rows), 1)

    def test_a_stream_that_misses_a_route_which_no_datagram_can_hold_says_so(self):
        self.assertFalse(self.streamed(self.big_route(2040), family=2).end["complete"])

    def test_a_route_that_no_datagram_can_hold_leaves_the_answer_incomplete(self):
        realm = self.big_route(2040)
        for keys in ({}, {"family": 2}, {"family": 2, "table": MAIN}, {"family": 2, "consistency": "any"}):
            reply = self.reader.query("route", ["priority"], where=realm.fd, format="records", **keys)
            self.assertEqual(reply.code, 0)
            self.assertFalse(reply.info["complete"], keys)
            self.assertTrue(reply.info["interrupted"], keys)
            self.assertFalse(reply.answer().end["complete"], keys)

    def big_route6(self, *more):
        """The same of IPv6, by 1,500 ways, which are added a hundred at a time."""
        realm = self.realm()
        realm.pair("v", "2001:db8::1/64")
        realm.pair("w", "2001:db8:ffff::1/64")
        realm.run(*(f"route add 2001:db8:{i:x}::/48 dev v metric {i}" for i in range(1, 101)), *more)
        for first in range(1, 1500, 100):
            realm.say("ip", "-6", "route", "append", "2001:db8:30::/64",
                      *" ".join(f"nexthop via fe80::{i:x} dev v" for i in range(first, first + 100)).split())
        return realm

    def test_a_route_of_ipv6_that_no_datagram_can_hold_leaves_the_answer_incomplete(self):
        realm = self.big_route6()
        index = realm.index("v")
        for keys in ({}, {"family": 10}, {"family": 10, "table": MAIN}, {"family": 10, "oif": index}, {"family": 10, "protocol": "boot"},
                     {"oif": index}, {"family": 10, "table": MAIN, "consistency": "retry"}):
            reply = self.reader.query("route", ["priority"], where=realm.fd, format="records", **keys)
            self.assertEqual((reply.code, reply.info["complete"]), (0, False), (keys, reply.info))
        self.assertFalse(self.streamed(realm, family=10, table=MAIN).end["complete"])

    def test_ways_of_a_group_of_nexthops_are_no_routes(self):
        """Which would make up for those that the kernel does not tell."""
        realm = self.big_route6(*(f"nexthop add id {i} via fe80::{i:x} dev v" for i in range(1, 21)),
                                "nexthop add id 100 group " + "/".join(str(i) for i in range(1, 21)),
                                *(f"route add 2001:da8:{i:x}::/48 nhid 100" for i in range(200)))
        reply = self.reader.query("route", ["priority"], where=realm.fd, format="records", family=10)
        self.assertFalse(reply.info["complete"])

    def test_many_routes_of_which_each_fits_are_told_whole_by_table(self):
        realm = self.realm()
        realm.pair("v", "2001:db8::1/64")
        realm.run(*(f"route add 2001:db8:{i:x}::/48 dev v metric {i}" for i in range(1, 101)), "nexthop add id 1 via fe80::1 dev v",
                  "nexthop add id 2 group 1", *(f"route add 2001:db8:8000::/48 dev v metric {i}" for i in range(1, 30)))
        for keys in ({}, {"table": MAIN}, {"protocol": "boot"}):
            self.assertGreater(len(self.rows("route", ["priority"], where=realm.fd, family=10, **keys)), 120)

    def test_a_route_that_no_answer_can_hold_is_not_told_to_be_none(self):
        reply = self.reader.query("route-get", where=self.big_route(2040).fd, dst="10.5.0.1", fibmatch=True)
        self.assertFalse(reply.code == 0 and reply.info["complete"], reply.info)
        self.assertIn("too large", reply.info.get("interrupted", reply.text))

    def test_a_link_with_many_names_hides_no_other(self):
        realm = self.realm()
        for name in ("va", "vb", "vc"):
            realm.pair(name)
        names = [f"{i:03}" + "x" * 124 for i in range(496)]
        realm.run(*(f"link property add dev vb altname {name}" for name in names))
        rows = {row["ifname"]: row.get("alt-names", []) for row in self.rows("link", ["ifname", "alt-names"], where=realm.fd)}
        self.assertEqual(sorted(rows), ["lo", "va", "va-peer", "vb", "vb-peer", "vc", "vc-peer"])
        self.assertEqual(rows["vb"], names)

    def test_names_of_any_bytes_come_back_as_they_are(self):
        realm = self.realm()
        realm.pair("va")
        names = [b'a"b', b"a\nb", b"a b", b"../x", b"%n%s", b"\xff\xfe", b"\\x41"]
        index = realm.index("va")
        with realm.socket() as sock:
            for name in names:
                body = struct.pack("=BxHiII", 0, 0, index, 0, 0) + attribute(0x8000 | 52, attribute(53, name + b"\0"))
                self.assertEqual(change(sock, 108, CREATE, body), 0, name)
        row, = self.rows("link", ["alt-names"], where=realm.fd, ifname="va")
        self.assertEqual([os.fsencode(name) for name in row["alt-names"]], names)


class Refusals(TestCase):
    def test_an_error_at_the_end_of_a_dump_is_one(self):
        reply = self.reader.query("route", where=self.realm().fd, oif=9999)
        self.assertEqual((reply.code, reply.text), (NOT_FOUND, "filter: there is no such link (ENODEV)"))
        self.assertEqual(reply.info, {})

    def test_a_name_that_no_interface_has_is_one(self):
        realm = self.realm()
        for kind, keys in (("route", {"dev": "nosuch"}), ("class", {"dev": "nosuch"}), ("route-get", {"dst": "127.0.0.1", "oif": 9999})):
            self.assertEqual(self.reader.query(kind, where=realm.fd, **keys).code, NOT_FOUND, kind)

    def test_nothing_has_a_name_that_is_longer_than_names_are(self):
        realm = self.realm()
        for keys in ({"ifname": "x" * 16}, {"ifname": "x" * 300}, {"alt-names": "x" * 300}):
            self.assertEqual(self.reader.query("link", where=realm.fd, **keys).rows(), [], keys)

    def test_a_link_may_be_named_where_its_number_stands(self):
        realm = self.realm()
        index, other = realm.pair("v", "10.9.0.1/16"), realm.pair("w", "10.8.0.1/16")
        realm.run("link add br0 type bridge", "link set w master br0", "route add 10.60.0.0/16 dev v")
        for kind, by, names, numbers, told in (("route", "oif", "v", index, True), ("route", "oif", ["v", "w"], [index, other], False),
                                               ("link", "master", "br0", realm.index("br0"), True), ("neighbour", "ifindex", "v", index, True),
                                               ("address", "ifindex", "v", index, True), ("nexthop", "oif", "v", index, True)):
            reply = self.reader.query(kind, where=realm.fd, **{by: names})
            self.assertEqual((reply.code, reply.info["kernel_filters"]), (0, [by] if told else []), reply.text)
            for _ in range(10):  # the kernel makes itself heard on new links, and then has more neighbours
                rows, others = (self.reader.query(kind, where=realm.fd, **{by: word}).rows() for word in (names, numbers))
                for row in rows + others:
                    row.pop("cacheinfo", None)  # how long ago something was
                if rows == others:
                    break
            self.assertEqual(rows, others, (kind, by))
        self.assertEqual(self.reader.query("route", where=realm.fd, oif=str(index)).rows(), self.reader.query("route", where=realm.fd, oif=index).rows())
        self.assertEqual(self.reader.query("route", where=realm.fd, oif="nosuch").code, NOT_FOUND)
        reply = self.reader.query("route", where=realm.fd, oif="v", dev="v")
        self.assertEqual((reply.code, "there twice" in reply.text), (INVALID, True), reply.text)

    def test_default_is_the_prefix_of_either_family(self):
        realm = self.realm()
        realm.pair("v", "10.9.0.1/16")
        realm.run("route add default via 10.9.0.2", "route add 10.60.0.0/16 dev v", "route add ::/0 dev v")
        for keys, found in (({}, {"0.0.0.0/0", "::/0"}), ({"family": "inet6"}, {"::/0"}), ({"family": "inet"}, {"0.0.0.0/0"})):
            self.assertEqual({row["dst"] for row in self.reader.query("route", ["dst"], where=realm.fd, dst="default", **keys).rows()}, found)
        self.assertEqual(len(self.reader.query("route", ["dst"], where=realm.fd, family="inet", dst=["default", "10.60.0.0/16"]).rows()), 2)

    def test_a_table_that_is_not_there_has_no_rows(self):
        self.assertEqual(self.reader.query("route", where=self.realm().fd, table=77).rows(), [])

    def test_words_that_are_wrong_name_the_argument(self):
        for words, text in (({"kind": "roote"}, "type: "), ({"kind": "route", "fields": ["gatevay"]}, "fields: "),
                            ({"kind": "route", "tabel": 1}, "tabel"), ({"kind": "route", "consistency": "sure"}, "consistency: "),
                            ({"kind": "route", "format": "xml"}, "format: "), ({"kind": "route", "format": "json", "transport": "tcp"}, "transport: ")):
            reply = self.reader.query(**words)
            self.assertEqual(reply.code, INVALID, words)
            self.assertIn(text, reply.text)

    def test_a_family_that_this_kernel_lacks_is_named(self):
        realm = self.realm()
        if "wireguard" in realm.say("genl", "ctrl", "list"):
            self.skipTest("this kernel has WireGuard")
        reply = self.reader.query("wireguard", where=realm.fd, rights=1)
        self.assertEqual(reply.code, -errno.EOPNOTSUPP)
        self.assertIn("wireguard", reply.text)

    def test_a_route_is_the_one_for_who_asks(self):
        with open("/proc/self/uid_map", encoding="ascii") as file:
            if file.read().split() != ["0", "0", "4294967295"]:
                self.skipTest("there is one user here")
        realm = self.realm()
        realm.pair("v", "10.9.0.1/16")
        realm.run("route add 10.60.0.0/16 via 10.9.0.2", "route add 10.60.0.0/16 via 10.9.0.3 table 77", "rule add uidrange 51001-51001 table 77")
        for uid, gateway in ((51001, "10.9.0.3"), (51002, "10.9.0.2")):
            row, = self.reader.query("route-get", ["gateway"], where=realm.fd, uid=uid, dst="10.60.0.1").rows()
            self.assertEqual(row, {"gateway": gateway})
        self.assertEqual(self.reader.query("route-get", where=realm.fd, dst="192.0.2.1").code, -errno.ENETUNREACH)

    def test_what_is_no_network_namespace_is_none(self):
        reader, writer = os.pipe()
        users = os.open("/proc/self/ns/user", os.O_RDONLY)
        with open("/proc/self/status", encoding="ascii") as file:
            for fd in (file.fileno(), reader, writer, users):
                reply = self.reader.query("link", where=fd)
                self.assertLess(reply.code, 0, os.readlink(f"/proc/self/fd/{fd}"))
        for fd in (reader, writer, users):
            os.close(fd)
        self.assertEqual(self.reader.query("link", ["ifname"], ifname="lo").rows(), [{"ifname": "lo"}])

    def test_more_than_a_page_of_rows_is_not_for_a_message(self):
        realm = self.realm()
        index = realm.pair("v", "10.9.0.1/16")
        self.assertGreater(index, 0)
        realm.run(*(f"route add 10.60.{i // 250}.{i % 250}/32 dev v" for i in range(300)))
        reply = self.reader.query("route", ["oif"], where=realm.fd)
        self.assertEqual(reply.code, LIMIT)
        self.assertIn("Open", reply.text)
        self.assertEqual(len(self.reader.query("route", ["oif"], where=realm.fd, limit=256).rows()), 256)
        self.assertEqual(self.reader.query("route", ["oif"], where=realm.fd, limit=257).code, LIMIT)

    def test_a_memfd_has_its_limit(self):
        realm = self.realm()
        realm.pair("v", "10.9.0.1/16")
        realm.run(*(f"route add 10.60.{i // 250}.{i % 250}/32 dev v" for i in range(300)))
        reply = self.reader.query("route", where=realm.fd, format="records", bytes=4096, row_bytes=9999)
        self.assertEqual(reply.code, LIMIT)
        self.assertIn("RowBytes=9999 ", reply.text)
        self.assertIn(" 4096 bytes", reply.text)
        self.assertEqual(self.reader.query("route", where=realm.fd, format="records", bytes=1 << 20).code, 0)


class Churn:
    """Changes a namespace as fast as it can, or so many times a second, until it is stopped."""

    def __init__(self, realm, requests, pause=0):
        self.requests, self.pause, self.socket, self.pid = requests, pause, realm.socket(), 0
        self.counter = mmap.mmap(-1, 8)  # shared with the process that does it

    @property
    def done(self):
        return struct.unpack("=Q", self.counter[:8])[0]

    def run(self):
        while True:
            for kind, flags, body in self.requests:
                change(self.socket, kind, flags, body)
                self.counter[:8] = struct.pack("=Q", self.done + 1)
                if self.pause:
                    time.sleep(self.pause)

    def __enter__(self):
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.run()
            finally:
                os._exit(1)
        while self.done == 0:
            time.sleep(0.001)
        return self

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.socket.close()


def waited():
    """Seconds in which somebody has waited for a processor, or None where the kernel does not say."""
    with contextlib.suppress(OSError), open("/proc/pressure/cpu", encoding="ascii") as file:
        return int(file.readline().split("total=")[1]) / 1e6
    return None


class Consistency(TestCase):
    STABLE = 2000

    def assert_joined(self, answers, kind, field, stable, churn, **keys):
        """With retry all are whole; but who is too slow for what changes may say so."""
        with open(f"{ring.BUILD}/usher-netlink", "rb") as file:
            slow = b"__asan_init" in file.read()
        before, began = waited(), time.monotonic()
        whole, wrong = self.judge(kind, field, stable, answers, consistency="retry", **keys)
        slow = slow or before is None or waited() - before > (time.monotonic() - began) / 5
        self.assertEqual(wrong, 0)
        self.assertGreaterEqual(whole, 0 if slow else answers)
        self.assertGreater(churn.done, 100)

    def judge(self, kind, field, stable, dumps, check=lambda values: True, **keys):
        """(answers that said they were whole, of these wrong ones); `check` is for what else there is."""
        whole = wrong = 0
        for _ in range(dumps):
            reply = self.reader.query(kind, [field], format="records", **keys)
            self.assertEqual(reply.code, 0, reply.text)
            values = [row[field] for row in reply.rows() if field in row]
            if reply.info["complete"]:
                whole += 1
                wrong += sorted(value for value in values if value in stable) != sorted(stable) or not check(values)
            else:
                self.assertTrue(reply.info["interrupted"])
        return whole, wrong

    def ipv6_routes(self, n=STABLE):
        realm = self.realm()
        index = realm.pair("v", "2001:db8::1/32")
        realm.run(*(f"route add 2001:db8:1:{i:x}::/64 dev v metric {10000 + i}" for i in range(n)))
        bodies = [route(socket.AF_INET6, f"2001:db8:{2 if i % 2 else 0}:{i:x}::", 64, attribute(4, index), attribute(6, 5)) for i in range(50)]
        return realm, [(RTM_NEWROUTE, CREATE, body) for body in bodies] + [(RTM_DELROUTE, 0, body) for body in bodies]

    def test_ipv6_routes_that_nobody_touches_are_there_once_or_the_answer_says_so(self):
        realm, requests = self.ipv6_routes()
        stable = set(range(10000, 10000 + self.STABLE))
        self.assertEqual(self.judge("route", "priority", stable, 3, where=realm.fd, family=10), (3, 0))
        with Churn(realm, requests) as churn:
            whole, wrong = self.judge("route", "priority", stable, 60, where=realm.fd, family=10)
        self.assertGreater(churn.done, 10)
        self.assertEqual(wrong, 0)
        self.assertLess(whole, 60)

    def test_rules_that_nobody_touches_are_there_once_or_the_answer_says_so(self):
        realm = self.realm()
        stable = set(range(10000, 11500))
        realm.run(*(f"rule add priority {i} fwmark {i} table 77" for i in sorted(stable)))
        bodies = [struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 77, 0, 0, 1, 0) + attribute(6, 100 + i) for i in range(50)]
        requests = [(RTM_NEWRULE, CREATE, body) for body in bodies] + [(RTM_DELRULE, 0, body) for body in bodies]
        with Churn(realm, requests):
            _, wrong = self.judge("rule", "priority", stable, 60, where=realm.fd, family=2)
        self.assertEqual(wrong, 0)

    def test_what_changes_meanwhile_is_joined_into_one_set(self):
        """One of fifty routes is there at any time, or two: that it leads from one to the next is seen whole, or it is not."""
        realm = self.realm()
        index = realm.pair("v", "10.9.0.1/16")
        stable = set(range(10000, 18000))
        realm.run(*(f"route add 10.{60 + i // 62500}.{i // 250 % 250}.{i % 250}/32 dev v metric {i}" for i in sorted(stable)))
        bodies = [route(socket.AF_INET, f"{1 + i * 37 % 120}.0.0.0", 8, attribute(4, index), attribute(6, 5 + i)) for i in range(50)]
        requests = []
        for i, body in enumerate(bodies):
            requests += [(RTM_NEWROUTE, CREATE, bodies[(i + 1) % 50]), (RTM_DELROUTE, 0, body)]
        with realm.socket() as sock:
            change(sock, RTM_NEWROUTE, CREATE, bodies[0])
        with Churn(realm, requests) as churn:
            self.assert_joined(6, "route", "priority", stable, churn, check=lambda values: len([value for value in values if value < 100]) in (1, 2),
                               where=realm.fd, family=2)

    def test_ipv6_routes_are_counted_when_others_have_gone_meanwhile(self):
        realm, requests = self.ipv6_routes(8000)
        stable = set(range(10000, 18000))
        with Churn(realm, requests) as churn:
            self.assert_joined(4, "route", "priority", stable, churn, where=realm.fd, family=10)

    def test_neighbours_that_change_meanwhile_are_told_once_with_retry(self):
        realm = self.realm()
        index = realm.pair("v", "10.9.0.1/16")
        realm.run(*(f"neigh add 10.9.{i // 250}.{i % 250} lladdr 02:00:00:00:00:01 dev v nud permanent" for i in range(2, 10000)))
        stable = {f"10.9.{i // 250}.{i % 250}" for i in range(2, 10000)}
        bodies = [struct.pack("=BxxxiHBB", 2, index, 0x80, 0, 0) + attribute(1, socket.inet_aton(f"10.9.{i % 4}.77"))
                  + attribute(2, bytes([2, 0, 0, 0, 1, i])) for i in range(100)]
        with Churn(realm, [(RTM_NEWNEIGH, REPLACE, body) for body in bodies]) as churn:
            self.assert_joined(4, "neighbour", "dst", stable, churn, where=realm.fd, family=2, ifindex=index)

    def test_changes_of_another_table_do_not_disturb(self):
        realm, _ = self.ipv6_routes()
        index = realm.index("v")
        body = route(socket.AF_INET6, "2001:db8:77::", 64, attribute(4, index), table=77)
        stable = set(range(10000, 10000 + self.STABLE))
        with Churn(realm, [(RTM_NEWROUTE, CREATE, body), (RTM_DELROUTE, 0, body)], 0.002):
            whole, wrong = self.judge("route", "priority", stable, 10, where=realm.fd, family=10, table=MAIN)
        self.assertEqual((whole, wrong), (10, 0))

    def assert_whole_or_said(self, kind, field, stable, churn, **keys):
        """Of what the kernel itself says that it has changed: so does the answer, and with retry one is whole sooner or later."""
        told, wrong = self.judge(kind, field, stable, 30, **keys)
        self.assertEqual(wrong, 0)
        self.assertLess(told, 30)
        whole, wrong = self.judge(kind, field, stable, 10, consistency="retry", **keys)
        self.assertEqual(wrong, 0)
        self.assertGreater(whole, 0)
        self.assertGreater(churn.done, 10)

    def test_addresses_that_nobody_touches_are_there_once_or_the_answer_says_so(self):
        realm = self.realm()
        index = realm.pair("v", "10.9.0.1/16")
        stable = {f"10.10.{i // 250}.{i % 250 + 1}" for i in range(self.STABLE)}
        realm.run(*(f"address add {address}/32 dev v" for address in sorted(stable)))
        body = struct.pack("=BBBBI", 2, 32, 0, 0, index) + attribute(2, socket.inet_aton("10.8.0.1"))
        with Churn(realm, [(RTM_NEWADDR, CREATE, body), (RTM_DELADDR, 0, body)], 0.002) as churn:
            self.assert_whole_or_said("address", "local", stable, churn, where=realm.fd, family=2)

    def test_next_hops_that_nobody_touches_are_there_once_or_the_answer_says_so(self):
        realm = self.realm()
        stable = set(range(1, self.STABLE))
        realm.run(*(f"nexthop add id {i} blackhole" for i in sorted(stable)))
        body = struct.pack("=BBBBI", 2, 0, 0, 0, 0) + attribute(1, 9999)
        with Churn(realm, [(RTM_NEWNEXTHOP, CREATE, body + attribute(4, b"")), (RTM_DELNEXTHOP, 0, body)], 0.002) as churn:
            self.assert_whole_or_said("nexthop", "id", stable, churn, where=realm.fd)

    def test_links_that_change_meanwhile_are_told_of_whole_with_retry(self):
        realm = self.realm()
        for i in range(100):
            realm.pair(f"v{i}")
        stable = {name for i in range(100) for name in (f"v{i}", f"v{i}-peer")}
        stopped = threading.Event()

        def churn():
            while not stopped.is_set():
                with contextlib.suppress(subprocess.CalledProcessError):
                    realm.run("link add x type veth peer name y", "link del x")
                time.sleep(0.05)

        thread = threading.Thread(target=churn)
        thread.start()
        try:
            whole, wrong = self.judge("link", "ifname", stable, 20, where=realm.fd, consistency="retry")
        finally:
            stopped.set()
            thread.join()
        self.assertEqual(wrong, 0)
        self.assertGreater(whole, 10)


class Sockets(TestCase):
    """The kernel goes on in a bucket of its table behind as many as it has told of, whoever of them has gone meanwhile."""

    STABLE = 6000

    def setUp(self):
        super().setUp()
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        if limits[1] < self.STABLE + 1000:
            self.skipTest("nobody may open so many sockets here")
        resource.setrlimit(resource.RLIMIT_NOFILE, (self.STABLE + 1000, limits[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        self.there = self.realm()
        with os.fdopen(self.begin(self.keep), "rb") as inodes:
            self.stable = {inode for inode, in struct.iter_unpack("Q", inodes.read(8 * self.STABLE))}

    def begin(self, work):
        """A process in a network where nobody else opens sockets, and what it says."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                enter(self.there.fd)
                work(writing)
            finally:
                os._exit(0)

        def end():
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self.addCleanup(end)
        os.close(writing)
        return reading

    def keep(self, writing):
        kept = [socket.socket(socket.AF_UNIX) for _ in range(self.STABLE)]
        with os.fdopen(writing, "wb") as inodes:
            inodes.write(b"".join(struct.pack("Q", os.fstat(one.fileno()).st_ino) for one in kept))
        signal.pause()

    def churn(self, pause):
        """Sockets are opened and closed, in no order, with pauses of up to so many seconds."""
        def work(_writing):
            kept = []
            while True:
                kept += [socket.socket(socket.AF_UNIX) for _ in range(300)]
                random.shuffle(kept)
                for one in kept[:300]:
                    one.close()
                del kept[:300]
                time.sleep(random.uniform(0, pause))
        os.close(self.begin(work))

    def ask(self, **keys):
        """Whether the answer is whole, and whether it has all that are there all the while, once."""
        reply = self.reader.query("socket", ["inode"], family="unix", format="records", where=self.there.fd, **keys)
        found = [row["inode"] for row in reply.rows()]
        return reply.info["complete"], self.stable <= set(found) and len(found) == len(set(found))

    def test_those_that_nobody_touches_are_told_once_or_the_answer_says_so(self):
        self.churn(0)
        for keys in ({}, {"state": "close"}):
            self.assertNotIn((True, False), [self.ask(**keys) for _ in range(30)])

    def test_between_changes_answers_are_whole(self):
        self.churn(0.2)
        answers = [self.ask() for _ in range(30)]
        self.assertNotIn((True, False), answers)
        self.assertIn((True, True), answers)
        self.assertIn((True, True), [self.ask(consistency="retry") for _ in range(10)])

    def test_where_nothing_changes_all_is_whole(self):
        self.assertEqual({self.ask() for _ in range(20)}, {(True, True)})


class Small(TestCase):
    """What is read as soon as a child would be there to read it is read without one."""

    def faults(self):
        """Of the children that have ended, which are none if there was no child."""
        with open(f"/proc/{self.reader.process.pid}/stat", encoding="ascii") as file:
            return int(file.read().rsplit(") ", 1)[1].split()[8])

    def takes_child(self, ask, seconds=5):
        before = self.faults()
        ask()
        with contextlib.suppress(AssertionError):
            self.wait_until(lambda: self.faults() > before, "a child has ended", seconds)
        return self.faults() > before

    def test_a_small_table_takes_no_child(self):
        for keys in ({"format": "records"}, {"format": "json"}, {}, {"format": "records", "consistency": "any"}):
            for kind in ("link", "route", "nexthop"):
                self.assertFalse(self.takes_child(lambda keys=keys, kind=kind: self.reader.query(kind, **keys), 0.1), (kind, keys))
        self.assertIn("lo", {row["ifname"] for row in self.rows("link", ["ifname"])})

    def test_a_large_table_takes_one_and_is_whole(self):
        realm = self.realm()
        realm.pair("v", "10.9.0.1/16")
        realm.run(*(f"route add 10.{60 + i // 250}.{i % 250}.0/24 dev v" for i in range(3000)))
        for keys in ({}, {"family": 2}, {"table": MAIN}):
            self.assertTrue(self.takes_child(lambda keys=keys: self.assertGreaterEqual(
                len(self.rows("route", ["dst"], where=realm.fd, **keys)), 3000)), keys)
            reply = self.reader.query("route", ["dst"], where=realm.fd, **keys)
            self.assertEqual(reply.code, LIMIT, reply.text)

    def test_what_the_kernel_may_look_for_long_takes_one(self):
        for kind, keys in (("route", {"oif": "lo"}), ("neighbour", {}), ("socket", {"family": "unix"}), ("link", {"consistency": "retry"}),
                           ("link", {"transport": "stream"})):
            def ask(kind=kind, keys=keys):
                self.assertTrue(self.reader.query(kind, format="records", **keys).answer().end["complete"])
            self.assertTrue(self.takes_child(ask), kind)

    def test_while_others_wait_it_takes_one(self):
        def ask():
            os.kill(self.reader.process.pid, signal.SIGSTOP)
            try:
                asked = [self.reader.ask("link", ["ifname"], format="records") for _ in range(2)]
            finally:
                os.kill(self.reader.process.pid, signal.SIGCONT)
            for serial in asked:
                self.assertIn("lo", {row["ifname"] for row in self.reader.wait(serial).rows()})
        self.assertTrue(self.takes_child(ask))


class Namespaces(TestCase):
    def test_a_caller_is_told_of_its_own_namespace(self):
        realm = self.realm()
        realm.pair("mine")
        names = {row["ifname"] for row in self.reader.query("link", ["ifname"], pidfd=realm.pidfd).rows()}
        self.assertEqual(names, {"lo", "mine", "mine-peer"})
        row, = self.reader.query("link", ["ifname"], pidfd=realm.pidfd, ifname="mine").rows()
        self.assertEqual(row, {"ifname": "mine"})
        self.assertEqual(self.reader.query("link", ["ifname"], ifname="mine").rows(), [])

    def test_who_looks_something_up_is_told_of_where_it_is_and_not_of_where_the_last_one_was(self):
        places = [self.realm(), self.realm()]
        for number, place in enumerate(places):
            place.pair(f"mine{number}")
        for _ in range(3):
            for number, place in enumerate(places):
                told = [self.reader.query("link", ["ifname"], pidfd=place.pidfd, ifname=f"mine{other}").rows() for other in (0, 1)]
                self.assertEqual(told[number], [{"ifname": f"mine{number}"}])
                self.assertEqual(told[1 - number], [])
            self.assertEqual(self.reader.query("link", ["ifname"], ifname="mine0").rows(), [])

    def test_a_process_of_somebody_else_is_not_the_caller(self):
        reply = self.reader.query("link", pidfd=self.realm().pidfd, uid=os.getuid() + 1)
        self.assertEqual(reply.code, PERMISSION)
        reply = self.reader.query("link", ifname="lo", pidfd=self.realm().pidfd, uid=os.getuid() + 1)
        self.assertEqual(reply.code, PERMISSION)

    def test_a_process_that_has_ended_is_nowhere(self):
        process = subprocess.Popen(["true"])
        pidfd = os.pidfd_open(process.pid)
        process.wait()
        for keys in ({}, {"ifname": "lo"}):
            self.assertEqual(self.reader.query("link", pidfd=pidfd, **keys).code, NOT_FOUND)
        os.close(pidfd)

    def test_nothing_of_ours_keeps_a_namespace_alive(self):
        left, right = self.realm(), self.realm()
        left.run("link add here type veth peer name there")
        left.run(f"link set there netns {right.process.pid}")
        for keys in ({"ifname": "lo"}, {}, {"format": "records"}):
            self.assertEqual(self.reader.query("link", ["ifname"], where=right.fd, **keys).code, 0)
            self.assertEqual(self.reader.query("link", ["ifname"], pidfd=right.pidfd, **keys).code, 0)
        self.wait_until(lambda: not self.children(), "the children have ended")
        self.assertEqual(self.reader.query("link", ["ifname"], pidfd=right.pidfd, ifname="lo").code, 0)
        right.close()
        self.wait_until(lambda: "here" not in left.say("ip", "link"), "its end of the pair went with the namespace", 10)

    def test_a_namespace_that_is_deleted_meanwhile_ends_no_dump(self):
        realm = self.realm()
        realm.pair("v", "10.9.0.1/16")
        realm.run(*(f"route add 10.60.{i // 250}.{i % 250}/32 dev v" for i in range(5000)))
        reply = self.reader.query("route", where=realm.fd, format="records", transport="stream", family=2)
        realm.close()
        self.assertGreater(len(reply.answer().rows), 1000)

    def test_marks_of_sockets_are_for_who_may_see_them(self):
        realm = self.realm()
        process = subprocess.Popen(["nsenter", f"--net=/proc/self/fd/{realm.fd}", "python3", "-c",
                                    "import socket; s = socket.socket(); s.setsockopt(1, 36, 7); s.bind(('', 0)); s.listen(); print(flush=True); input()"],
                                   pass_fds=[realm.fd], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.communicate, b"\n")
        process.stdout.readline()
        told = [self.reader.query("socket", ["mark"], where=realm.fd, family="inet", protocol="tcp", rights=rights).rows() for rights in (0, 1)]
        self.assertEqual(told, [[{}], [{"mark": 7}]])


class OldKernel(Namespaces):
    """That tells of a process by its pidfd neither its namespace nor its users."""

    LACKING = ("ioctl,1=0xff04:ENOTTY", "ioctl,1=0xc040ff0b:ENOTTY")

    def setUp(self):
        ring.needs_block()
        super().setUp()


class Limits(TestCase):
    def many_routes(self, n=20000):
        realm = self.realm()
        realm.pair("v", "10.9.0.1/16")
        realm.run(*(f"route add 11.{i // 62500}.{i // 250 % 250}.{i % 250}/32 dev v" for i in range(n)))
        return realm

    def stream(self, realm, fields=(), **keys):
        reply = self.reader.query("route", fields, where=realm.fd, family=2, transport="stream", **{"format": "records", **keys})
        self.assertEqual((reply.code, reply.text), (0, ""))
        return reply

    def test_a_stream_has_all_rows_and_an_end(self):
        reply = self.stream(self.many_routes())
        self.assertNotIn("complete", reply.info)
        answer = reply.answer()
        self.assertEqual((answer.end["complete"], answer.end["why"]), (True, ""))
        self.assertEqual(answer.end["rows"], len(answer.rows))
        self.assertGreater(len(answer.rows), 20000)

    def test_a_stream_is_refused_where_an_answer_would_be_and_tells_of_its_filters(self):
        realm = self.realm()
        index = realm.pair("v", "10.9.0.1/16")
        for form in ("records", "json"):
            keys = {"where": realm.fd, "format": form, "transport": "stream"}
            for kind, wrong in (("route", {"oif": 9999}), ("route", {"dev": "nosuch"}), ("class", {"dev": "nosuch"})):
                self.assertEqual(self.reader.query(kind, **keys, **wrong).code, NOT_FOUND, (form, wrong))
            reply = self.reader.query("route", **keys, family=2, oif=index, type="unicast")
            self.assertEqual(set(reply.info["kernel_filters"]), {"family", "oif", "type"}, form)
            self.assertGreater(len(reply.read()), 100)
            reply = self.reader.query("route", **keys, table=77)
            self.assertEqual((reply.code, reply.info["kernel_filters"]), (0, ["table"]), form)
            self.assertGreater(len(reply.read()), 10)

    def test_who_does_not_read_a_stream_holds_up_nobody(self):
        realm = self.many_routes()
        replies = [self.stream(realm, fields=["oif"], deadline_usec=4000000) for _ in range(64)]
        self.assertEqual(len(self.children()), 64)
        self.assertTrue(self.rows("route", ["oif"], where=realm.fd, family=2, table=255))
        self.assertTrue(self.children(), "they go on waiting")
        self.wait_until(lambda: not self.children(), "the deadline has ended them", 15)
        answers = [reply.answer() for reply in replies]
        self.assertTrue(all(answer.rows for answer in answers))
        self.assertEqual({answer.end for answer in answers}, {None})

    def test_streams_of_a_user_are_counted(self):
        realm = self.many_routes()
        replies = [self.stream(realm, streams=2) for _ in range(2)]
        reply = self.reader.query("route", where=realm.fd, format="records", transport="stream", streams=2)
        self.assertEqual(reply.code, LIMIT)
        for reply in replies:
            os.close(reply.fd)
        self.wait_until(lambda: not self.children(), "they go with their readers")
        os.close(self.stream(realm, streams=2).fd)

    def test_streams_that_nobody_reads_leave_room_for_the_questions_of_others(self):
        realm = self.many_routes(2000)
        replies = [self.stream(realm, uid=1) for _ in range(192)]
        for uid in (1, 2):
            reply = self.reader.query("route", where=realm.fd, format="records", transport="stream", uid=uid)
            self.assertEqual((reply.code, "192 streams" in reply.text), (LIMIT, True), reply.text)
        for serial in [self.reader.ask("route", ["oif"], where=realm.fd, family=2, format="records", uid=2) for _ in range(40)]:
            reply = self.reader.wait(serial, 10)
            self.assertEqual(reply.code, 0)
            os.close(reply.fd)
        for reply in replies:
            os.close(reply.fd)
        self.wait_until(lambda: not self.children(), "they go with their readers")

    def test_a_question_that_is_forgotten_is_not_answered(self):
        realm = self.many_routes()
        reply = self.stream(realm)
        self.reader.forget(self.reader.serial)
        self.wait_until(lambda: not self.children(), "its child has ended")
        self.assertIsNone(reply.answer().end)
        with self.assertRaises(TimeoutError):
            self.reader.receive(0.2)

    def test_a_stream_of_json_has_a_last_line_unless_it_broke_off(self):
        realm = self.many_routes()
        for killed in (False, True):
            reply = self.stream(realm, format="json")
            if killed:
                os.kill(self.children()[0], 9)
            lines = reply.read().decode().split("\n")
            if killed:
                self.assertFalse(any("complete" in line for line in lines))
            else:
                self.assertEqual([json.loads(line) for line in lines[-2:-1]], [{"complete": True}])
                self.assertTrue(all("dst" in json.loads(line) or "oif" in json.loads(line) for line in lines[:-2]))

    def test_what_has_gone_out_is_not_read_again(self):
        reply = self.reader.query("route", format="json", transport="stream", consistency="retry")
        self.assertEqual(reply.code, INVALID)
        self.assertTrue(reply.text.startswith("consistency: "), reply.text)

    def test_a_child_that_is_killed_is_no_answer_but_an_error(self):
        realm = self.many_routes(60000)
        serial = self.reader.ask("route", where=realm.fd, format="json")
        self.wait_until(self.children, "there is a child")
        os.kill(self.children()[0], 9)
        self.assertEqual(self.reader.wait(serial).code, 10)

    def test_a_question_that_takes_too_long_is_told_so(self):
        realm = self.many_routes(60000)
        self.assertEqual(self.reader.query("route", where=realm.fd, format="json", deadline_usec=2000).code, TIMED_OUT)
        self.assertEqual(self.children(), [])

    def test_streams_outlive_the_broker_but_not_their_readers(self):
        realm = self.many_routes()
        reply, other = self.stream(realm), self.stream(realm)
        self.reader.socket.close()
        self.assertTrue(reply.answer().end["complete"])
        os.close(other.fd)
        self.assertEqual(self.reader.process.wait(5), 0)

    def test_what_a_stream_takes_does_not_grow(self):
        realm = self.many_routes(60000)
        reply = self.stream(realm)
        child, = self.children()
        sizes = []
        with open(f"/proc/{child}/status", encoding="ascii") as status:
            while select.select([reply.fd], [], [])[0] and os.read(reply.fd, 1 << 18):
                status.seek(0)
                with contextlib.suppress(ProcessLookupError):
                    sizes += [int(line.split()[1]) for line in status.read().split("\n") if line.startswith("VmRSS")]
        os.close(reply.fd)
        # of 60,000 rows a tenth would be more; the address sanitizer, which begins with more, keeps what is freed
        self.assertLess(max(sizes) - sizes[0], 256 if sizes[0] < 4096 else 8192)

    def test_two_processes_have_no_right_in_effect(self):
        realm = self.many_routes()
        os.close(os.dup(self.stream(realm).fd))
        for pid, permitted in ((self.reader.process.pid, None), (self.children()[0], 0)):
            with open(f"/proc/{pid}/status", encoding="ascii") as file:
                status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
            self.assertEqual(int(status["CapEff"], 16), 0)
            self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
            if permitted is not None:
                self.assertEqual(int(status["CapPrm"], 16), permitted)

    def effective(self):
        with open(f"/proc/{self.reader.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1], 16) for line in file if line.startswith("CapEff:"))

    def test_no_right_stays_in_effect_after_a_lookup_or_a_refusal(self):
        realm = self.realm()
        gone = subprocess.Popen(["true"])
        pidfd = os.pidfd_open(gone.pid)
        self.addCleanup(os.close, pidfd)
        gone.wait()
        for code, keys in ((0, {}), (0, {"pidfd": realm.pidfd}), (0, {"where": realm.fd}), (0, {"where": realm.fd, "rights": 1}),
                           (PERMISSION, {"uid": os.getuid() + 1}), (NOT_FOUND, {"pidfd": pidfd})):
            self.assertEqual(self.reader.query("link", ["ifindex"], ifname="lo", **keys).code, code, keys)
            # which it gives back when it has answered
            self.wait_until(lambda: self.effective() == 0, f"no right is in effect: {keys}")


if __name__ == "__main__":
    unittest.main()
