# SPDX-License-Identifier: LGPL-2.1-or-later
"""usherd --session of an ordinary user, who is root of nothing: what the kernel lets that user do is done."""

import os
import select
import subprocess

import support
from support import Descriptor, Variant, wait_until
from test_spaces import TYPES, SpacesTestCase

LIBEXEC = "/usr/libexec/usher"


class OwnBus(SpacesTestCase):
    """Alice is, in what SpacesTestCase has, she with a connection to that bus."""

    def setUp(self):
        super().setUp()
        bus = self.start("dbus-daemon", "--session", "--nofork", "--print-address=1", f"--address=unix:path={self.home}/bus",
                         stdout=subprocess.PIPE, text=True)
        self.addCleanup(bus.stdout.close)
        self.address = bus.stdout.readline().strip()
        self.service = self.start(f"{LIBEXEC}/usherd", "--session", "--libexec", LIBEXEC,
                                  env={**support.environment_of("alice"), "DBUS_SESSION_BUS_ADDRESS": self.address})
        self.alice = support.Client("alice", address=self.address)
        self.addCleanup(self.alice.close)
        wait_until(lambda: self.alice.call("org.freedesktop.DBus", "NameHasOwner", "org.usher1", path="/org/freedesktop/DBus",
                                           name="org.freedesktop.DBus", signature="s"), "the service has its name")

    def start(self, *command, **keywords):
        process = support.start_as("alice", *command, **keywords)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        return process

    def test_a_program_has_new_namespaces_of_every_kind(self):
        ended, output = self.run_in("sh", "-c", f"for t in {' '.join(TYPES)}; do readlink /proc/self/ns/$t; done; id -u; hostname; ip -br link",
                                    types=["all"], map_zero=True, hostname="box")
        self.assertEqual(ended, ("exited", 0), output)
        self.assertFalse({os.readlink(f"/proc/self/ns/{kind}") for kind in TYPES} & set(output.split()))
        self.assertIn("\n0\nbox\nlo ", output)
        self.assertIn("UP", output)

    def test_it_is_who_it_was_and_has_no_right(self):
        ended, output = self.run_in("sh", "-c", "id -u; grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status; ls /proc/self/fd")
        self.assertEqual(ended, ("exited", 0), output)
        self.assertEqual(output.split()[0], str(self.uid))
        self.assertIn(f"CapEff:\t{0:016x}", output)
        self.assertIn("NoNewPrivs:\t1", output)

    def test_a_root_is_made_and_mounts_inside(self):
        mounts = [("", "/", "tmpfs", []), ("/usr", "/usr", "rbind", ["ro"]), ("/bin", "/bin", "rbind", ["ro"]), ("/lib", "/lib", "rbind", ["ro"]),
                  ("/lib64", "/lib64", "rbind", ["ro"]), ("", "/dev", "dev", []), ("", "/proc", "proc", []), (self.directory("w"), "/w", "bind", [])]
        ended, output = self.run_in("/bin/sh", "-c", "ls /; echo text > /w/f; touch /usr/x", types=["all"], map_zero=True,
                                    mounts=Variant("a(sssas)", mounts))
        self.assertEqual(ended[0], "exited")
        self.assertIn("Read-only", output)
        self.assertNotIn("etc", output.split())
        self.assertEqual(support.read_file(f"{self.home}/w/f"), "text\n")

    def test_a_place_is_worked_in_as_everywhere(self):
        place = self.namespace("lab", "all", map_zero=True, hostname="box")
        there = {"in": Variant("o", place)}
        for interface, what in (("Hostname", "chest"), ("Domainname", "yard")):
            self.alice.call("Host", f"Set{interface}", what, there)
            self.assertEqual(self.alice.call("Host", f"Get{interface}", there), what)
        self.assertNotEqual(os.uname().nodename, "chest")
        mount = self.alice.call("Mounts", "Mount", "t", "/mnt", "tmpfs", ["size=1m"], there)
        self.assertIn("/mnt", [entry["Target"] for entry in self.alice.call("Mounts", "List", there)])
        self.assertEqual(self.run_in("stat", "-f", "-c", "%T", "/mnt", **there), (("exited", 0), "tmpfs\n"))
        self.alice.call("Mounts", "Remount", "/mnt", ["ro"], there)
        self.assertNotEqual(self.run_in("touch", "/mnt/x", **there)[0], ("exited", 0))
        self.alice.call("Mount", "Unmount", {}, path=mount)
        self.assertNotIn("/mnt", [entry["Target"] for entry in self.alice.call("Mounts", "List", there)])
        self.assertIsNone(support.mount_at("/mnt"))

    def test_a_place_may_hold_others(self):
        place = self.namespace("lab", "all", map_zero=True)
        below = self.namespace("below", "all", map_zero=True, **{"in": Variant("o", place)})
        self.assertEqual(self.run_in("id", "-u", **{"in": Variant("o", below)}), (("exited", 0), "0\n"))
        self.assertEqual(self.run_in("sh", "-c", "exit $$", types=["all"], **{"in": Variant("o", below)})[0], ("exited", 2))

    def test_a_tunnel_and_a_cable_are_made_in_ones_own_networks(self):
        place = self.namespace("lab", "user", "net", map_zero=True)
        there = {"in": Variant("o", place)}
        with self.alice.call("Namespaces", "OpenTun", "tunnel", {**there, "addresses": ["192.0.2.1/24"]}) as tun:
            self.assertIn("192.0.2.1", self.run_in("ip", "-o", "address", **there)[1])
            self.assertTrue(os.fstat(tun.fileno()))
        # the kernel has nobody in two user namespaces at once: the other one is below the same
        other = self.namespace("other", "net", **there)
        self.alice.call("Namespaces", "ConnectVeth", "cable", {**there, "addresses": ["198.51.100.1/24"], "peer": Variant("o", other),
                                                               "peer_addresses": ["198.51.100.2/24"]})
        ended, output = self.run_in("ip", "-o", "address", "show", "cable", **{"in": Variant("o", other)})
        self.assertEqual(ended, ("exited", 0), output)
        self.assertIn("198.51.100.2", output)

    def test_what_takes_root_is_refused_and_says_so(self):
        for error, word, options in (("NotPermitted", "namespaces:", {"types": ["net"]}),
                                     ("NotPermitted", f"one's own id ({self.uid}) alone", {"types": ["user"], "uid_map": "0 5200000 10"}),
                                     ("NotSupported", "auto", {"types": ["user"], "uid_map": "auto"}),
                                     ("NotSupported", "memory_max", {"memory_max": Variant("t", 1 << 28)})):
            with self.subTest(options=options), self.refused(error, word):
                self.spawn("true", **options)

    def test_programs_go_with_the_connection_and_namespaces_stay(self):
        place = self.namespace("lab", "user", "pid")
        with support.Client("alice", address=self.address) as other:
            _, pidfd = other.call("Processes", "Spawn", ["sleep", "1000"], {}, {}, {})
        self.addCleanup(pidfd.close)
        self.assertTrue(select.select([pidfd], [], [], 10)[0])
        self.assertIn(place, self.alice.objects("Namespace"))
        with self.alice.call("Namespace", "OpenLeader", {}, path=place) as leader:
            again = self.alice.call("Namespaces", "Attach", "again", Descriptor(leader.fileno()), ["pid"], {})
        self.addCleanup(self.destroy, again)
        self.alice.call("Namespace", "Open", "pid", {}, path=again).close()
