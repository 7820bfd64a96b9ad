# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whom the kernel's tables of the network are told to, and in which network: the caller's own, one that is its own, another's; by
whatever way that is named. And what is held of it by whom."""

import contextlib
import json
import mmap
import os
import signal
import socket
import subprocess
import tempfile
import time

import support
from support import Descriptor, Place, Variant, wait_until
from test_limits import ETC, reload, words

NAMES = "/run/netns"
CHALLENGE = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"
DROP_IN = f"{ETC}/usherd.conf.d/90-netlink.conf"


def ip(*arguments, check=True):
    return subprocess.run(["ip", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=check,
                          stderr=None if check else subprocess.DEVNULL).stdout


def readers():
    """The pids of all programs that read netlink."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "usher-netlink":
                found.add(int(pid))
    return found


class NetlinkTestCase(support.TestCase):
    def setUp(self):
        super().setUp()
        support.settle()
        self.alice = self.client("alice")

    def query(self, kind="link", fields=("ifindex", "ifname"), client=None, **options):
        rows, info = (client or self.alice).call("Netlink", "Query", kind, list(fields), options)
        self.assertTrue(info["complete"], info)
        self.assertEqual(info["rows"], len(rows))
        return rows

    def links(self, **options):
        return [row["ifname"] for row in self.query(fields=["ifname"], **options)]

    def open(self, kind="link", client=None, **options):
        return (client or self.alice).call("Netlink", "Open", kind, [], options)

    def named(self, name):
        """A network of the machine's, with a name and a link in it."""
        ip("netns", "add", name)
        self.addCleanup(ip, "netns", "del", name, check=False)
        ip("-n", name, "link", "add", f"{name}0", "type", "bridge")
        return name

    @staticmethod
    def routes(name, n):
        """So many more of them."""
        with tempfile.NamedTemporaryFile("w") as batch:
            batch.writelines(f"route add 10.{i >> 8}.{i & 255}.0/24 dev lo\n" for i in range(n))
            batch.flush()
            ip("-n", name, "-batch", batch.name)

    def place(self, user="alice", *options):
        """A process in a network of its own, with a link in it."""
        place = Place(user, *(options or ("-Urn",)))
        self.addCleanup(place.close)
        subprocess.run(["nsenter", f"--target={place.pid}", "--net", "ip", "link", "add", f"{user}0", "type", "bridge"], check=True)
        return place

    def limit(self, **limits):
        os.makedirs(os.path.dirname(DROP_IN), exist_ok=True)
        support.write_file(DROP_IN, words(**limits))
        self.addCleanup(reload)
        self.addCleanup(os.unlink, DROP_IN)
        reload()


def network_of(pid):
    return Descriptor(os.open(f"/proc/{pid}/ns/net", os.O_RDONLY), owned=True)


class Where(NetlinkTestCase):
    def test_of_where_one_is_everybody_is_told_without_a_question(self):
        with support.polkit_asked("no", "alice") as asked:
            rows = self.query()
            self.assertEqual(asked(), [])
        self.assertEqual(rows, [{"ifindex": link["ifindex"], "ifname": link["ifname"]} for link in json.loads(ip("-j", "link"))])
        self.assertEqual(self.query("route-get", ["dev"], dst="127.0.0.1"), [{"dev": "lo"}])

    def test_a_caller_in_a_network_of_its_own_is_told_of_that(self):
        place = self.place("alice", "-Urn")
        inside = ("nsenter", f"--target={place.pid}", "--net", *support.become("alice"))
        answer = subprocess.run([*inside, "busctl", "--json=short", "call", "org.usher1", "/org/usher1", "org.usher1.Netlink", "Query",
                                 "sasa{sv}", "link", "1", "ifname", "0"], stdout=subprocess.PIPE, text=True, check=True).stdout
        self.assertEqual([row["ifname"]["data"] for row in json.loads(answer)["data"][0]], ["lo", "alice0"])

    def test_another_network_of_the_machines_is_the_administrators(self):
        name = self.named("usherblue")
        with self.refused(CHALLENGE):
            self.links(**{"in": name})
        with support.polkit_asked("yes", "alice") as asked:
            self.assertEqual(self.links(**{"in": name}), ["lo", "usherblue0"])
            self.assertEqual([(told["action"], told["type"], told["network"]) for told in asked()],
                             [("org.usher1.query-netlink", "link", f"{NAMES}/{name}")])
        self.assertEqual(self.links(client=support.root(), **{"in": name}), ["lo", "usherblue0"])

    def test_a_network_of_ones_own_takes_no_question_by_whatever_way(self):
        place = self.place()
        with support.polkit_asked("no", "alice") as asked:
            self.assertEqual(self.links(**{"in": place.pidfd()}), ["lo", "alice0"])
            self.assertEqual(self.links(**{"in": network_of(place.pid)}), ["lo", "alice0"])
            os.makedirs(NAMES, exist_ok=True)
            name = f"{NAMES}/usherown"
            support.write_file(name)
            self.addCleanup(os.unlink, name)
            subprocess.run(["mount", "--bind", f"/proc/{place.pid}/ns/net", name], check=True)
            self.addCleanup(subprocess.run, ["umount", name], check=True)
            self.assertEqual(self.links(**{"in": "usherown"}), ["lo", "alice0"])
            self.assertEqual(asked(), [])

    def test_a_namespace_object_is_a_place(self):
        path = self.alice.call("Namespaces", "Create", "net", ["user", "net"], {"map_zero": True})
        self.addCleanup(self.alice.call, "Namespace", "Destroy", {}, path=path)
        self.assertEqual(self.links(**{"in": Variant("o", path)}), ["lo"])
        bob = self.client("bob")
        with self.refused(CHALLENGE):
            self.links(client=bob, **{"in": Variant("o", path)})

    def test_somebody_elses_network_is_the_administrators_and_holding_it_proves_nothing(self):
        place = self.place("bob")
        for what in (place.pidfd(), network_of(place.pid)):
            with self.refused(CHALLENGE):
                self.links(**{"in": what})
        with support.polkit_answer("yes", "org.usher1.query-netlink", "alice"):
            self.assertEqual(self.links(**{"in": network_of(place.pid)}), ["lo", "bob0"])

    def test_what_is_no_network_is_none(self):
        directory = self.during(tempfile.TemporaryDirectory())
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        self.addCleanup(os.close, writer)
        for what in (os.open("/etc/hostname", os.O_RDONLY), os.dup(reader), os.open(f"/proc/{os.getpid()}/ns/mnt", os.O_RDONLY),
                     os.open(f"/proc/{os.getpid()}/ns/net", os.O_PATH), os.open(directory, os.O_RDONLY),
                     socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).detach()):
            with self.refused("InvalidArgument", "in:"):
                self.links(**{"in": Descriptor(what, owned=True)})

    def test_what_lies_below_run_netns_and_is_no_network_is_none_and_waits_for_nobody(self):
        os.makedirs(NAMES, exist_ok=True)
        support.write_file(f"{NAMES}/usherfile")
        os.mkfifo(f"{NAMES}/usherfifo", 0o666)
        os.symlink("usherloop", f"{NAMES}/usherloop")
        os.symlink("/proc/1/ns/net", f"{NAMES}/usherlink")
        support.write_file(f"{NAMES}/ushermnt")
        for name in ("usherfile", "usherfifo", "usherloop", "usherlink", "ushermnt"):
            self.addCleanup(os.unlink, f"{NAMES}/{name}")
        subprocess.run(["mount", "--bind", "/proc/self/ns/uts", f"{NAMES}/ushermnt"], check=True)
        self.addCleanup(subprocess.run, ["umount", f"{NAMES}/ushermnt"], check=True)
        for name in ("usherfile", "usherfifo", "usherloop", "usherlink", "ushermnt"):
            begun = time.monotonic()
            with self.refused("InvalidArgument", name):
                self.links(**{"in": name})
            self.assertLess(time.monotonic() - begun, 5)
        with self.refused("NotFound", "ushernone"):
            self.links(**{"in": "ushernone"})
        for name in ("..", "a/b", ""):
            with self.refused("InvalidArgument", "in:"):
                self.links(**{"in": name})

    def test_a_name_means_what_it_means_now(self):
        name = self.named("usherblue")
        with support.polkit_answer("yes", "org.usher1.query-netlink", "alice"):
            self.assertEqual(self.links(**{"in": name}), ["lo", "usherblue0"])
            ip("netns", "del", name)
            ip("netns", "add", name)
            self.assertEqual(self.links(**{"in": name}), ["lo"])


class Rights(NetlinkTestCase):
    def test_what_takes_an_administrator_in_a_network_takes_one_here(self):
        for kind, fields in (("conntrack", []), ("wireguard", []), ("socket", ["family", "mark"])):
            with support.polkit_asked("no", "alice") as asked, self.refused("NotPermitted"):
                try:
                    self.query(kind, fields)
                finally:
                    self.assertEqual(len(asked()), 1, kind)
        with support.polkit_answer("yes", "org.usher1.query-netlink", "alice"):
            self.query("socket", ["family", "mark"], family="inet")

    def test_who_is_root_of_a_network_is_told_all_of_it(self):
        place = self.place()
        with support.polkit_asked("no", "alice") as asked:
            self.query("socket", ["family", "mark"], **{"in": place.pidfd()})
            self.assertEqual(asked(), [])


class Holding(NetlinkTestCase):
    def test_nothing_keeps_a_network_alive_that_was_asked_about(self):
        name = self.named("usherblue")
        ip("link", "add", "usherpeer", "type", "veth", "peer", "name", "inside", "netns", name)
        self.addCleanup(ip, "link", "del", "usherpeer", check=False)
        self.assertEqual(len(self.links(client=support.root(), **{"in": name})), 3)
        rows, _ = self.open(client=support.root(), **{"in": name})
        ip("netns", "del", name)
        wait_until(lambda: "usherpeer" not in ip("link"), "the peer has gone with its network", 5)
        rows.close()

    def test_a_reader_that_was_killed_is_replaced(self):
        self.query()
        before = readers()
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not set(before) & set(readers()), "it has gone")
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(support.DBusError):
                self.query()
                break
            self.assertLess(time.monotonic(), deadline)
        wait_until(lambda: len(readers()) == 1, "the child that answered has ended, too")

    def test_memory_counts_for_as_long_as_somebody_holds_it(self):
        self.limit(RowBytes="1M")
        held = []
        with self.refused("LimitExceeded", "RowBytes"):
            for _ in range(1000):
                held.append(self.open()[0])
        self.assertGreater(len(held), 1)
        with self.refused("LimitExceeded", "RowBytes"):
            self.open()
        mapped = [mmap.mmap(rows.fileno(), 0, prot=mmap.PROT_READ) for rows in held]
        for rows in held:
            rows.close()
        with self.refused("LimitExceeded", "RowBytes"):
            self.open()
        for each in mapped:
            each.close()

        def is_free():
            with contextlib.suppress(support.DBusError):
                self.open()[0].close()
                return True
            return False
        wait_until(is_free, "what nobody holds does not count", 5)

    def test_memory_counts_also_for_a_service_that_was_killed_meanwhile(self):
        self.limit(RowBytes="1M")
        held = []
        with self.refused("LimitExceeded", "RowBytes"):
            for _ in range(1000):
                held.append(self.open()[0])
        for let_go in (False, True):
            before = support.main_pid("usherd.service")
            os.kill(before, signal.SIGKILL)
            if let_go:  # while nobody is there to hear of it
                for rows in held:
                    rows.close()
            wait_until(lambda: support.main_pid("usherd.service") not in (0, before), "there is a new broker")
            support.settle()
            if let_go:
                self.open()[0].close()
            else:
                with self.refused("LimitExceeded", "RowBytes"):
                    self.open()

    def test_streams_that_nobody_reads_are_so_many_and_keep_nobody_else_waiting(self):
        self.limit(Streams=2)
        name = self.named("usherwide")
        ip("-n", name, "link", "set", "lo", "up")
        self.routes(name, 5000)
        streams = []
        with support.polkit_answer("yes", "org.usher1.query-netlink"):
            for _ in range(2):
                streams.append(self.open("route", transport="stream", **{"in": name})[0])
            with self.refused("LimitExceeded", "Streams=2"):
                self.open("route", transport="stream", **{"in": name})
            bob = self.client("bob")
            other = self.open("route", client=bob, transport="stream", **{"in": name})[0]
            self.assertGreater(len(os.read(other.fileno(), 65536)), 0)
            other.close()
            for stream in streams:
                stream.close()

            def is_free():
                with contextlib.suppress(support.DBusError):
                    self.open("route", transport="stream", **{"in": name})[0].close()
                    return True
                return False
            wait_until(is_free, "streams that were closed do not count", 5)

    def test_an_answer_that_is_larger_than_a_page_is_refused_and_open_is_named(self):
        name = self.named("usherwide")
        ip("-n", name, "link", "set", "lo", "up")
        self.routes(name, 257)
        with self.refused("LimitExceeded", "Open"):
            self.query("route", ["dst"], client=support.root(), table="main", **{"in": name})
        self.assertEqual(len(self.query("route", ["dst"], client=support.root(), table="main", limit=Variant("t", 256), **{"in": name})), 256)

    def test_only_what_somebody_was_asked_about_is_in_the_journal(self):
        since = time.time()
        self.query()
        name = self.named("usherblue")
        self.query(client=support.root(), **{"in": name})
        entries = [entry for entry in support.journal("usherd.service", since) if entry.get("USHER_OPERATION") == "Netlink.Query"]
        self.assertEqual([(entry["USHER_UID"], entry["USHER_DECIDED_BY"], entry["USHER_NETWORK"]) for entry in entries],
                         [("0", "root", f"{NAMES}/{name}")])
