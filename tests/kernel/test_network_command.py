# SPDX-License-Identifier: LGPL-2.1-or-later
"""usher net: tables for people, JSON for programs, and an exit status that is 0 only where nothing is missing."""

import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess

import realm
import ring
from ring import Variant, wait_until


class NetworkCommand(ring.TestCase):
    """In a network namespace of one's own, in which one is root."""

    def setUp(self):
        super().setUp()
        self.environment = {**os.environ, "USHER_BUS": self.service.bus.address, "LD_LIBRARY_PATH": ring.BUILD}
        self.path = self.good("namespace", "create", "-Un", "wires").strip()
        self.addCleanup(self.usher, "namespace", "destroy", self.path)

    def usher(self, *words, **keywords):
        return subprocess.run([f"{ring.BUILD}/usher", *words], env=self.environment, check=False, timeout=60,
                              **{"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, **keywords})

    def good(self, *words):
        result = self.usher(*words)
        self.assertEqual((result.returncode, result.stderr), (0, ""), words[:6])
        return result.stdout

    def net(self, *words):
        return self.good("net", *words, "--in", "wires")

    def bad(self, *words):
        result = self.usher("net", *words, "--in", "wires")
        self.assertNotEqual(result.returncode, 0, words)
        return result.stderr

    def rows(self, *words):
        return [json.loads(line) for line in self.net(*words, "--json").splitlines()]

    def inside(self, *words):
        """A program of others' in there."""
        if not shutil.which(words[0]):
            self.skipTest(f"{words[0]} is not installed")
        return self.good("enter", "wires", "--", *words)

    def socket(self):
        """A netlink socket in there."""
        with ring.Client(address=self.service.bus.address) as client:
            return socket.socket(fileno=client.call("Netlink", "OpenSocket", "route", {"in": Variant("o", self.path)}).take())

    def batch(self, lines):
        result = self.usher("enter", "wires", "--", "ip", "-batch", "-", stdin=None, input=lines)
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def make_bridge(self):
        self.net("add", "link", "ifname=br0", "linkinfo.kind=bridge")
        self.net("change", "link", "ifname=br0", "flags=up,broadcast,multicast")
        self.net("add", "address", "family=inet", "dev=br0", "local=10.1.0.1", "prefixlen=24")

    def test_what_is_made_is_listed_and_is_what_ip_says(self):
        self.make_bridge()
        self.assertEqual({row["ifname"] for row in self.rows("links")},
                         {row["ifname"] for row in json.loads(self.inside("ip", "-j", "link"))})
        (bridge,) = self.rows("links", "linkinfo.kind=bridge")
        (theirs,) = json.loads(self.inside("ip", "-d", "-j", "link", "show", "br0"))
        self.assertEqual((bridge["ifindex"], bridge["mtu"], bridge["address"]), (theirs["ifindex"], theirs["mtu"], theirs["address"]))
        (address,) = self.rows("addresses", "family=inet", "dev=br0")
        self.assertEqual((address["address"], address["prefixlen"], address["dev"]), ("10.1.0.1", 24, "br0"))
        self.net("del", "link", "ifname=br0")
        self.assertEqual(self.rows("links", "linkinfo.kind=bridge"), [])

    def test_fields_are_columns_in_the_order_that_was_asked_for(self):
        lines = self.net("links", "ifname=lo", "--fields", "mtu,ifname,linkinfo.kind").splitlines()
        self.assertEqual([line.split() for line in lines], [["mtu", "ifname", "linkinfo.kind"], ["65536", "lo", "-"]])
        (row,) = self.rows("links", "ifname=lo", "--fields", "mtu,ifname")
        self.assertEqual(list(row), ["mtu", "ifname"])

    def test_rows_are_counted_and_limited(self):
        self.make_bridge()
        self.assertEqual(self.net("links", "--count"), "2\n")
        self.assertEqual(json.loads(self.net("links", "--count", "--json")), {"rows": 2})
        self.assertEqual(self.net("links", "ifname=lo,br0", "-c"), "2\n")
        self.assertEqual(self.net("links", "ifname=nobody", "-c"), "0\n")
        self.assertEqual(len(self.rows("links", "--limit", "1")), 1)

    def test_more_rows_than_a_message_holds_are_a_table(self):
        self.make_bridge()
        self.batch("".join(f"route add 10.{2 + n // 256}.{n % 256}.0/24 dev br0\n" for n in range(3000)))
        lines = self.net("routes", "table=main", "protocol=boot").splitlines()
        self.assertEqual(len(lines), 3001)
        self.assertEqual(len({line.split()[0] for line in lines}), 3001)
        self.assertEqual(self.net("routes", "table=main", "protocol=boot", "-c"), "3000\n")
        self.assertEqual(len(self.rows("routes", "table=main", "protocol=boot")), 3000)

    def test_the_way_to_an_address_is_told(self):
        self.make_bridge()
        self.net("add", "route", "dst=10.2.0.0/16", "gateway=10.1.0.9")
        way = dict(line.split(None, 1) for line in self.net("get", "10.2.3.4").splitlines())
        self.assertEqual((way["gateway"], way["dev"], way["prefsrc"]), ("10.1.0.9", "br0", "10.1.0.1"))
        self.assertEqual(json.loads(self.net("get", "10.2.3.4", "--json"))["gateway"], "10.1.0.9")
        self.assertIn("unreachable", self.bad("get", "192.0.2.1"))
        self.net("add", "address", "dev=br0", "local=2001:db8::1", "prefixlen=64")
        for words in ((), ("fibmatch=true",)):
            (way,) = (json.loads(line) for line in self.net("get", "2001:db8::5", "--json", *words).splitlines())
            self.assertEqual((way["family"], way["dev"], way["table"]), ("inet6", "br0", "main"))

    def test_a_route_of_several_ways_is_one_row(self):
        self.make_bridge()
        self.net("add", "route", "dst=10.3.0.0/24", "multipath.0.gateway=10.1.0.2", "multipath.1.gateway=10.1.0.3", "multipath.1.weight=5")
        (route,) = self.rows("routes", "dst=10.3.0.0/24")
        self.assertEqual([(way["gateway"], way["weight"]) for way in route["multipath"]], [("10.1.0.2", 1), ("10.1.0.3", 5)])
        self.assertIn("{", self.net("routes", "dst=10.3.0.0/24"))
        table = self.net("routes", "dst=10.3.0.0/24", "--fields", "dst,multipath.gateway,multipath.weight").splitlines()[1].split()
        self.assertEqual(table, ["10.3.0.0/24", "10.1.0.2,10.1.0.3", "1,5"])

    def test_what_cannot_be_is_said_with_the_kernels_words(self):
        self.make_bridge()
        self.assertIn("Nexthop has invalid gateway", self.bad("add", "route", "dst=10.4.0.0/24", "gateway=192.0.2.1"))
        self.assertIn("br0", self.bad("add", "link", "ifname=br0", "linkinfo.kind=bridge") + " br0")
        answer = self.usher("net", "del", "link", "ifname=nobody", "--in", "wires", "--json")
        self.assertEqual((answer.returncode, json.loads(answer.stdout)["error"]), (1, "NotFound"))

    def test_wrong_words_are_refused_and_the_right_ones_named(self):
        self.assertIn("ifname", self.bad("links", "ifnam=lo"))
        self.assertIn("mtu", self.bad("links", "--fields", "mtuu"))
        self.assertIn("link", self.bad("lonks"))
        self.assertIn("behind the prefix", self.bad("routes", "dst=10.0.0.1/8"))
        for words in (("links", "nothing"), ("links", "=1"), ("links", "--limit", "0"), ("links", "--limit", "-1"), (), ("links", "a.=1"),
                      ("add", "link"), ("links", "--lifetime", "manual")):
            with self.subTest(words=words):
                self.assertEqual(self.usher("net", *words).returncode, 2)

    def test_every_type_is_described(self):
        types = json.loads(self.good("net", "describe", "--json"))
        self.assertIn("route", [one["type"] for one in types])
        for one in types:
            with self.subTest(type=one["type"]):
                self.assertTrue(json.loads(self.good("net", "describe", one["type"], "--json"))["fields"])
        table = self.good("net", "describe", "routes")
        self.assertIn("dst", table)
        self.assertIn("multipath.gateway", table)

    def test_names_of_any_bytes_are_json_and_text(self):
        names = [b'a"b', b"a\nb", b"a b", b"%n%s", b"\xff\xfe", "\u00fc".encode(), b"\\x41"]
        self.make_bridge()
        (bridge,) = self.rows("links", "ifname=br0", "--fields", "ifindex")
        with self.socket() as there:
            for name in names:
                body = struct.pack("=BxHiII", 0, 0, bridge["ifindex"], 0, 0) + realm.attribute(0x8000 | 52, realm.attribute(53, name + b"\0"))
                self.assertEqual(realm.change(there, 108, realm.CREATE, body), 0, name)
        (row,) = self.rows("links", "ifname=br0", "--fields", "alt-names")
        self.assertEqual(row["alt-names"], ['a"b', "a\\x0ab", "a b", "%n%s", "\\xff\\xfe", "\u00fc", "\\x5cx41"])
        self.assertEqual(len(self.net("links", "ifname=br0", "--fields", "ifname,alt-names").splitlines()), 2)
        self.assertEqual(self.net("links", "alt-names=a b", "-c"), "1\n")

    def test_a_terminal_does_not_act_upon_names(self):
        foul = "\u009b2J\u202e"
        self.inside("ip", "link", "add", "x" + foul, "type", "bridge")
        shown = "x\\xc2\\x9b2J\\xe2\\x80\\xae"
        self.assertEqual(self.net("links", f"ifname=x{foul}", "--fields", "ifname").split()[1:], [shown])
        (row,) = self.rows("links", f"ifname=x{foul}", "--fields", "ifname")
        self.assertEqual(row["ifname"], "x" + foul)
        self.inside("ip", "link", "set", "x" + foul, "up")
        self.inside("ip", "address", "add", "10.7.0.1/24", "dev", "x" + foul)
        self.assertIn(shown, self.net("get", "10.7.0.2"))

    def test_an_answer_that_may_lack_something_is_no_success(self):
        self.make_bridge()
        (bridge,) = self.rows("links", "ifname=br0", "--fields", "ifindex")
        with self.socket() as there:
            gateways = [f"10.1.0.{2 + n % 250}" for n in range(2040)]
            route = realm.route(socket.AF_INET, "10.9.0.0", 24, realm.ways(bridge["ifindex"], gateways))
            self.assertEqual(realm.change(there, realm.RTM_NEWROUTE, realm.CREATE, route), 0)
        for words in (("routes", "table=main"), ("routes", "table=main", "-c"), ("routes", "table=main", "--json")):
            with self.subTest(words=words):
                result = self.usher("net", *words, "--in", "wires")
                self.assertEqual(result.returncode, 1)
                if "--json" in words:
                    self.assertIs(json.loads(result.stdout.splitlines()[-1])["complete"], False)
                else:
                    self.assertIn("not complete", result.stderr)

    def test_an_answer_that_cannot_be_written_is_no_success(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            for words in (("links",), ("links", "--json"), ("links", "-c")):
                with self.subTest(words=words):
                    self.assertNotEqual(self.usher("net", *words, "--in", "wires", capture_output=False, stdout=full, stderr=subprocess.PIPE)
                                        .returncode, 0)

    def test_who_reads_slowly_is_told_all_and_who_reads_no_more_is_no_success(self):
        self.batch("".join(f"link add d{i} type veth peer name e{i}\n" for i in range(100)))
        for words in (("links", "--json"), ("links",)):
            plain = self.net(*words)
            command = [f"{ring.BUILD}/usher", "net", *words, "--in", "wires"]
            with subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, bufsize=0) as process:
                fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
                said = b"".join(iter(lambda: process.stdout.read(1), b""))
            self.assertEqual((said.decode(), process.returncode), (plain, 0))
            with subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as process:
                fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
                process.stdout.read(1)
                process.stdout.close()
                process.stderr.read()
            self.assertNotEqual(process.returncode, 0, words)

    def test_ports_of_a_network_are_its_own(self):
        with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
            before = file.read()
        told = self.good("enter", "wires", "--", "sh", "-c", "echo 4000 5000 >/proc/sys/net/ipv4/ip_local_port_range; cat /proc/sys/net/ipv4/ip_local_port_range")
        self.assertEqual(told.split(), ["4000", "5000"])
        with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
            self.assertEqual(file.read(), before)

    def test_what_changes_is_told_as_it_changes(self):
        with subprocess.Popen([f"{ring.BUILD}/usher", "net", "monitor", "links", "--snapshot", "--json", "--in", "wires"], env=self.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as monitor:
            self.addCleanup(monitor.kill)
            seen = []
            while not seen or seen[-1]["action"] != "synced":
                seen.append(json.loads(monitor.stdout.readline()))
                self.assertNotIn("error", seen[-1])
            self.assertEqual([one["row"]["ifname"] for one in seen[:-1]], ["lo"])
            self.net("add", "link", "ifname=br7", "linkinfo.kind=bridge")
            line = json.loads(monitor.stdout.readline())
            self.assertEqual((line["action"], line["type"], line["row"]["ifname"]), ("new", "link", "br7"))
            self.net("del", "link", "ifname=br7")
            while line["action"] != "del":
                line = json.loads(monitor.stdout.readline())
            self.assertEqual(line["row"]["ifname"], "br7")
            monitor.send_signal(signal.SIGINT)
            wait_until(lambda: monitor.poll() is not None, "it ends")
