# SPDX-License-Identifier: LGPL-2.1-or-later
"""Monitors of networks: who is told, through what, and that nobody's death loses anything in silence."""

import os
import signal
import socket
import subprocess
import sys

import ring
from listener import Stream
from realm import Realm
from ring import Descriptor, Variant, wait_until


def listeners():
    return [pid for pid, name in ring.running().items() if name == "usher-netlink"]


class TestCase(ring.TestCase):
    def setUp(self):
        super().setUp()
        self.realm = Realm()
        self.addCleanup(self.realm.close)
        self.me.subscribe()

    def subscribe(self, types, fields=(), client=None, realm=None, **keys):
        return (client or self.me).call("Netlink", "Subscribe", types.split(), list(fields),
                                        {"in": Descriptor((realm or self.realm).pidfd), **keys})

    def open(self, types, fields=(), client=None, realm=None, **keys):
        path, descriptor = (client or self.me).call("Netlink", "OpenMonitor", types.split(), list(fields),
                                                    {"in": Descriptor((realm or self.realm).pidfd), **keys})
        ours = socket.socket(fileno=descriptor.take())
        self.addCleanup(ours.close)
        return path, Stream(ours)

    def changed(self, path, **keywords):
        return [tuple(change) for change in self.me.signal("Changed", path=path, **keywords)[3][0]]

    def until(self, path, true):
        """All that is told of it until true(changes)."""
        told = []
        while not true(told):
            told += self.changed(path)
        return told


class Monitors(TestCase):
    def test_what_there_is_and_what_changes_is_signalled(self):
        self.realm.pair("one", "192.0.2.1/24")
        path = self.subscribe("link address", ["ifname", "mtu", "local"])
        told = self.until(path, lambda told: told and told[-1][0] == "synced")
        self.assertIn(("new", "address", {"local": "192.0.2.1"}), told)
        self.assertIn(("new", "link", {"ifname": "one", "mtu": 1500}), told)
        self.realm.run("link set one mtu 1400")
        told = self.until(path, lambda told: any(row.get("mtu") == 1400 for _, _, row in told))
        self.assertEqual({action for action, _, _ in told}, {"change"})

    def test_an_object_says_what_it_is_and_how_much_was_told(self):
        path = self.subscribe("link")
        self.until(path, lambda told: told and told[-1][0] == "synced")
        self.assertEqual(self.me.get("NetlinkMonitor", "Types", path=path), ["link"])
        self.assertEqual(self.me.get("NetlinkMonitor", "Owner", path=path), os.geteuid())
        wait_until(lambda: self.me.get("NetlinkMonitor", "Delivered", path=path) == 1, "what was told is counted")
        self.assertEqual(self.me.get("NetlinkMonitor", "Lost", path=path), 0)

    def test_one_process_listens_for_all_in_a_namespace(self):
        other = Realm()
        self.addCleanup(other.close)
        paths = [self.subscribe("link"), self.subscribe("route"), self.open("link")[0]]
        self.assertEqual(len(listeners()), 1)
        paths.append(self.subscribe("link", realm=other))
        self.assertEqual(len(listeners()), 2)
        for path in paths:
            self.me.call("NetlinkMonitor", "Close", {}, path=path)
        wait_until(lambda: not listeners(), "nobody listens any more")
        self.assertFalse(self.me.objects("NetlinkMonitor"))

    def test_a_monitor_goes_with_its_connection_or_its_stream(self):
        with self.service.client() as other:
            self.subscribe("link", client=other)
        _, stream = self.open("link", lifetime="manual")
        wait_until(lambda: len(self.me.objects("NetlinkMonitor")) == 1, "that of the connection has gone")
        stream.synced()
        stream.socket.close()
        wait_until(lambda: not self.me.objects("NetlinkMonitor"), "that of the stream has gone")

    def test_a_deleted_namespace_is_not_kept(self):
        path = self.subscribe("link")
        _, stream = self.open("link")
        self.until(path, lambda told: told and told[-1][0] == "synced")
        stream.synced()
        self.realm.close()
        self.me.signal("Vanished", path=path, timeout=5)
        with self.assertRaises(EOFError):
            stream.wait(lambda rows: False, 5)
        wait_until(lambda: not listeners(), "nobody listens there")
        self.assertFalse(self.me.objects("NetlinkMonitor"))

    def test_who_moves_elsewhere_is_told_of_where_it_was(self):
        """What was asked for stays, as a socket would that had been opened there; what is asked then is of the new place."""
        moving = ("import ctypes, sys; print(flush=True); sys.stdin.readline(); "
                  "sys.exit(1) if ctypes.CDLL(None).unshare(0x40000000) else print(flush=True); sys.stdin.readline()")
        with subprocess.Popen(["unshare", "--net", "--", sys.executable, "-c", moving], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as mover:
            mover.stdout.readline()
            pidfd, before = os.pidfd_open(mover.pid), os.open(f"/proc/{mover.pid}/ns/net", os.O_RDONLY)
            self.addCleanup(os.close, pidfd)
            self.addCleanup(os.close, before)
            path = self.me.call("Netlink", "Subscribe", ["link"], ["ifname"], {"in": Descriptor(pidfd)})
            self.until(path, lambda told: told and told[-1][0] == "synced")
            mover.stdin.write(b"\n")
            mover.stdin.flush()
            mover.stdout.readline()
            subprocess.run(["nsenter", f"--net=/proc/self/fd/{before}", "ip", "link", "add", "one", "type", "bridge"],
                           pass_fds=[before], check=True)
            told = self.until(path, lambda told: ("new", "link", {"ifname": "one"}) in told)
            self.assertEqual({action for action, _, _ in told}, {"new"})
            rows, _ = self.me.call("Netlink", "Query", "link", ["ifname"], {"in": Descriptor(pidfd)})
            self.assertNotIn({"ifname": "one"}, rows)

    def test_of_many_changes_few_are_told_and_the_last_is_among_them(self):
        self.realm.pair("one")
        path = self.subscribe("link", ["ifname", "mtu"])
        self.until(path, lambda told: told and told[-1][0] == "synced")
        self.realm.run(*(f"link set one mtu {1280 + i % 100}" for i in range(2000)), "link set one mtu 1400")
        told = self.until(path, lambda told: told and told[-1][2].get("mtu") == 1400 and told[-1][2]["ifname"] == "one")
        self.assertLess(len(told), 2001)

    def test_words_are_refused_by_their_names(self):
        before = set(listeners())  # who answered questions stays for a while
        for types, fields, keys, word in ((["links"], [], {}, "links"), (["link"], ["nonsense"], {}, "nonsense"), (["socket"], [], {}, "socket"),
                                          ([], [], {}, "types"), (["link"], [], {"mtu": "much"}, "mtu"), (["link"], [], {"lifetime": "long"}, "lifetime")):
            with self.subTest(types=types, keys=keys), self.assertRaises(ring.DBusError) as caught:
                self.me.call("Netlink", "Subscribe", Variant("as", types).value, Variant("as", fields).value, keys, signature="asasa{sv}")
            self.assertEqual(caught.exception.name, "org.usher1.Error.InvalidArgument")
            self.assertIn(word, str(caught.exception))
        self.assertLessEqual(set(listeners()), before)


class Dying(TestCase):
    def setUp(self):
        super().setUp()
        self.realm.pair("one")

    def mtu(self, stream, number):
        self.realm.run(f"link set one mtu {number}")
        stream.wait(lambda rows: any(row and row.get("mtu") == number for _, _, row in rows))

    def test_when_the_listener_is_killed_everything_is_told_anew_after_a_gap(self):
        path = self.subscribe("link", ["ifname", "mtu"])
        _, stream = self.open("link", ["ifname", "mtu"])
        stream.synced()
        self.until(path, lambda told: told and told[-1][0] == "synced")
        os.kill(listeners()[0], signal.SIGKILL)
        rows = stream.synced()
        self.assertEqual(rows[0][0], "gap")
        self.assertEqual({row["ifname"] for action, _, row in rows if action == "new"}, {"lo", "one", "one-peer"})
        self.me.signal("Gap", path=path)
        self.until(path, lambda told: told and told[-1][0] == "synced")
        self.mtu(stream, 1400)

    def test_when_the_service_is_killed_nothing_is_lost(self):
        service = ring.Service(store=True)
        self.addCleanup(service.close)
        client = service.client()
        self.addCleanup(client.close)
        _, stream = self.open("link", ["ifname", "mtu"], client=client, lifetime="manual")
        stream.synced()
        before = listeners()
        service.stop(signal.SIGKILL)
        self.mtu(stream, 1400)
        service.start()
        self.mtu(stream, 1300)
        self.assertEqual(listeners(), before)
        self.assertNotIn("gap", [action for action, _, _ in stream.take()])
        os.kill(before[0], signal.SIGKILL)
        self.assertEqual(stream.synced()[0][0], "gap")
        self.realm.close()
        with self.assertRaises(EOFError):
            stream.wait(lambda rows: False, 5)
