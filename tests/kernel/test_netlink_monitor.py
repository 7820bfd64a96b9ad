# SPDX-License-Identifier: LGPL-2.1-or-later
"""usher-netlink where it listens: everything that happens is told, in order, and what is lost is said to be."""

import os
import socket
import struct
import tempfile
import threading
import time
import unittest

import ring
from listener import Listener
from realm import ACK, CREATE, EXCL, REQUEST, RTM_DELROUTE, RTM_NEWROUTE, Realm, attribute, change, route


class Monitoring(unittest.TestCase):
    def setUp(self):
        self.realm = Realm()
        self.addCleanup(self.realm.close)
        self.listener = self.start()

    def start(self):
        listener = Listener(f"{ring.BUILD}/usher-netlink", self.realm.fd)
        self.addCleanup(listener.close)
        return listener

    def flood(self, n, table=254, begin=0, kind=RTM_NEWROUTE):
        """So many routes as fast as the kernel takes them."""
        with self.realm.socket() as sock:
            index = attribute(4, self.realm.index("one"))
            for i in range(begin, begin + n):
                body = route(socket.AF_INET, f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}", 32, index, table=table)
                flags = REQUEST | (CREATE | EXCL if kind == RTM_NEWROUTE else 0) | (ACK if i == begin + n - 1 else 0)
                sock.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body)
            sock.recv(1 << 16)


class Telling(Monitoring):
    def test_begins_with_all_there_is_and_says_when_that_was_all(self):
        self.realm.pair("one", "192.0.2.1/24")
        _, stream = self.listener.add("link address", ["ifname", "local"])
        rows = stream.synced()
        self.assertEqual(rows[-1], ("synced", "", {}))
        self.assertEqual({row["ifname"] for action, kind, row in rows if (action, kind) == ("new", "link")}, {"lo", "one", "one-peer"})
        self.assertIn(("new", "address", {"local": "192.0.2.1"}), rows)

    def test_what_comes_and_goes_and_becomes_another_is_told_in_order(self):
        _, stream = self.listener.add("link", ["ifname", "mtu"], ifname="one")
        self.assertEqual(stream.synced(), [("synced", "", {})])
        self.realm.run("link add one mtu 1400 type veth peer name other")
        stream.wait(lambda rows: rows)
        self.assertEqual(stream.rows[0], ("new", "link", {"ifname": "one", "mtu": 1400}))
        self.realm.run("link set one mtu 1300")
        stream.wait(lambda rows: rows and rows[-1][2].get("mtu") == 1300)
        self.assertEqual(stream.rows[-1][0], "change")
        self.realm.run("link del one")
        stream.wait(lambda rows: rows and rows[-1][0] == "del")
        self.assertEqual([row[0] for row in stream.rows].count("new"), 1)

    def test_who_leaves_the_filter_is_told_as_gone(self):
        self.realm.pair("one")
        _, stream = self.listener.add("link", ["ifname", "mtu"], mtu=1400)
        self.assertEqual(stream.synced(), [("synced", "", {})])
        self.realm.run("link set one mtu 1400")
        stream.wait(lambda rows: rows)
        self.realm.run("link set one mtu 1500")
        stream.wait(lambda rows: len(rows) >= 2)
        self.assertEqual(stream.rows, [("new", "link", {"ifname": "one", "mtu": 1400}), ("del", "link", {"ifname": "one", "mtu": 1500})])

    def test_nothing_happens_between_the_rows_and_the_changes(self):
        """Routes come and go while everybody begins to monitor: all have the same in the end."""
        self.realm.pair("one", "192.0.2.1/24")
        over = threading.Event()
        writer = threading.Thread(target=self.churn, args=(over,))
        writer.start()
        streams = [self.listener.add("route", ["dst", "table"], family="inet")[1] for _ in range(20)]
        sets = [self.replay(stream, set(), until_synced=True) for stream in streams]
        over.set()
        writer.join()
        self.flood(1, table=99, begin=1 << 20)
        last = ("10.16.0.0/32", "99")
        for stream, told in zip(streams, sets):
            stream.wait(lambda rows: any((row.get("dst"), row.get("table")) == last for _, _, row in rows))
            self.replay(stream, told)
        there = {(f"{line.split()[0]}/32", "99") for line in self.realm.say("ip", "route", "show", "table", "99").splitlines()}
        for told in sets:
            self.assertEqual({key for key in told if key[1] == "99"}, there)

    def churn(self, over):
        begin = 0
        while not over.is_set():
            self.flood(200, table=99, begin=begin)
            self.flood(150, table=99, begin=begin, kind=RTM_DELROUTE)
            begin += 200

    @staticmethod
    def replay(stream, told, until_synced=False):
        if until_synced:
            stream.wait(lambda rows: any(row[0] == "synced" for row in rows))
        for action, _, row in stream.take():
            key = (row["dst"], row["table"]) if row else None
            if action in ("new", "change"):
                told.add(key)
            elif action == "del":
                told.discard(key)
        return told

    def test_without_a_snapshot_nothing_is_told_but_changes(self):
        self.realm.pair("one")
        _, stream = self.listener.add("link", ["ifname", "mtu"], snapshot=False)
        self.assertTrue(stream.nothing())
        self.realm.run("link set one mtu 1400")
        stream.wait(lambda rows: rows)
        self.assertEqual(stream.rows[0], ("change", "link", {"ifname": "one", "mtu": 1400}))

    def test_what_cannot_be_monitored_is_refused_by_its_name(self):
        number, _ = self.listener.add("socket", code=None)
        self.assertGreater(self.listener.done[number]["code"], 0)
        self.assertIn("'socket'", self.listener.done[number]["text"])


class Losing(Monitoring):
    def setUp(self):
        super().setUp()
        self.realm.pair("one", "192.0.2.1/24")

    def test_who_reads_late_is_told_of_each_object_once(self):
        _, stream = self.listener.add("link", ["ifname", "mtu"], ifname="one", size=4096)
        stream.synced()
        self.realm.run(*(f"link set one mtu {mtu}" for mtu in range(1000, 1400)))
        stream.wait(lambda rows: rows and rows[-1][2]["mtu"] == 1399)
        self.assertLess(len(stream.rows), 400)

    def test_a_flood_that_nobody_reads_ends_in_a_gap_and_then_in_what_there_is(self):
        _, stream = self.listener.add("route", ["dst"], table=99)
        stream.synced()
        os.kill(self.listener.process.pid, 19)
        self.flood(60000, table=99)
        os.kill(self.listener.process.pid, 18)
        stream.wait(lambda rows: any(row[0] == "synced" for row in rows), 30)
        rows = stream.take()
        gaps = [i for i, row in enumerate(rows) if row[0] == "gap"]
        self.assertEqual(len(gaps), 1)
        self.assertGreater(rows[gaps[0]][2], 0)
        self.assertEqual(len({row["dst"] for action, _, row in rows[gaps[0]:] if action == "new"}), 60000)

    def test_a_flood_in_another_table_fills_nobodys_buffer(self):
        _, stream = self.listener.add("route", ["dst"], table=98)
        stream.synced()
        os.kill(self.listener.process.pid, 19)
        self.flood(60000, table=99)
        os.kill(self.listener.process.pid, 18)
        self.assertTrue(stream.nothing())
        self.flood(1, table=98)
        stream.wait(lambda rows: rows)
        self.assertEqual(stream.rows, [("new", "route", {"dst": "10.0.0.0/32"})])

    def test_one_that_goes_on_for_another_begins_with_a_gap(self):
        _, stream = self.listener.add("route", ["dst"], resumed=True)
        self.assertEqual(stream.synced()[0], ("gap", "", 0))

    def test_who_missed_something_is_told_everything_anew(self):
        number, stream = self.listener.add("link", ["ifname"], stream=False)
        self.listener.until(lambda: any(row[0] == "synced" for row in stream.rows))
        stream.take()
        self.listener.add("link", ["ifname"], stream=False, number=number, anew=True)
        self.listener.until(lambda: any(row[0] == "synced" for row in stream.rows))
        self.assertEqual(stream.rows[0], ("gap", "", 0))
        self.assertEqual(len(stream.rows), 5)


class Reporting(Monitoring):
    def setUp(self):
        super().setUp()
        self.realm.pair("one", "192.0.2.1/24")

    def test_signals_are_few_and_small_and_the_last_one_tells_how_it_is(self):
        number, stream = self.listener.add("route", ["dst", "priority"], stream=False, table=99, snapshot=False)
        begun = time.monotonic()
        for _ in range(20):
            self.flood(100, table=99)
            self.flood(100, table=99, kind=RTM_DELROUTE)
        self.flood(1, table=99, begin=70000)
        self.listener.until(lambda: any(row["dst"] == "10.1.17.112/32" for _, _, row in stream.rows))
        self.assertLessEqual(self.listener.reports, 11 + 10 * (time.monotonic() - begun))
        told = {}
        for action, _, row in stream.rows:
            told[row["dst"]] = action
        self.assertEqual([dst for dst, action in told.items() if action != "del"], ["10.1.17.112/32"])
        self.listener.until(lambda: number in self.listener.counters)

    def test_who_waits_is_told_nothing_before_it_may(self):
        number, stream = self.listener.add("link", ["ifname"], stream=False, waits=True)
        with self.assertRaises(TimeoutError):
            self.listener.receive(0.3)
        self.listener.add("link", ["ifname"], stream=False, number=number, anew=True)
        self.listener.until(lambda: any(row[0] == "synced" for row in stream.rows))
        self.assertEqual([row[0] for row in stream.rows], ["new", "new", "new", "synced"])


class Ending(Monitoring):
    def test_goes_with_the_last_one(self):
        number, _ = self.listener.add("link")
        other, _ = self.listener.add("link")
        self.listener.remove(number)
        self.assertIsNone(self.listener.process.poll())
        self.listener.remove(other)
        self.assertEqual(self.listener.process.wait(5), 0)

    def test_says_that_nobody_reads_any_more(self):
        number, stream = self.listener.add("link")
        stream.synced()
        stream.socket.close()
        self.listener.until(lambda: number in self.listener.ended)
        self.assertFalse(self.listener.ended[number].get("vanished"))

    def test_ends_with_the_process_that_led_there(self):
        number, stream = self.listener.add("link", holder=self.realm.pidfd)
        stream.synced()
        self.realm.process.kill()
        self.listener.until(lambda: number in self.listener.ended, 1)
        self.assertTrue(self.listener.ended[number]["vanished"])

    def test_ends_with_the_name_that_led_there(self):
        with tempfile.TemporaryDirectory(dir=ring.WORK) as directory:
            os.chmod(directory, 0o755)
            path = ring.make(f"{directory}/blue", "")
            try:
                ring.mount(f"/proc/{self.realm.process.pid}/ns/net", path, None, ring.MS_BIND)
            except OSError as error:
                self.skipTest(f"a namespace cannot be given a name here: {error}")
            fd = os.open(directory, os.O_PATH)
            self.addCleanup(os.close, fd)
            number, stream = self.listener.add("link", holder=fd, name="blue")
            stream.synced()
            self.assertTrue(stream.nothing(1.5))
            ring.umount(path, ring.MNT_DETACH)
            os.unlink(path)
            self.listener.until(lambda: number in self.listener.ended, 1)
            self.assertTrue(self.listener.ended[number]["vanished"])


class Confined(Monitoring):
    def test_has_no_right_while_it_listens(self):
        _, stream = self.listener.add("link")
        stream.synced()
        status = ring.read(f"/proc/{self.listener.process.pid}/status")
        rights = dict(line.split(":\t") for line in status.splitlines() if line.startswith("Cap"))
        self.assertEqual([rights[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")], ["0" * 16] * 4)
