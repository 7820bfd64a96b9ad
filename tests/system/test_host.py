# SPDX-License-Identifier: LGPL-2.1-or-later
"""Host name and NIS domain name: reading, setting, and being told."""

import os
import socket
import subprocess

import support


def read(name):
    with open(f"/proc/sys/kernel/{name}", encoding="utf-8") as file:
        return file.read().rstrip("\n")


def get(kind):
    return f"Get{kind.capitalize()}"


def set_(kind):
    return f"Set{kind.capitalize()}"


KINDS = ("hostname", "domainname")


class HostTestCase(support.TestCase):
    def setUp(self):
        super().setUp()
        support.settle()
        self.during(support.nothing_leaked())
        self.addCleanup(support.libc.setdomainname, read("domainname").encode(), len(read("domainname")))
        self.addCleanup(socket.sethostname, socket.gethostname())


class TheHosts(HostTestCase):
    def test_everybody_may_read_the_names(self):
        bob = self.client("bob")
        for kind in KINDS:
            self.assertEqual(bob.call("Host", get(kind), {}), read(kind))
            self.assertEqual(bob.get("Host", kind.capitalize()), read(kind))

    def test_to_set_them_takes_an_administrator(self):
        alice = self.client("alice", session=True)
        for kind in KINDS:
            before = read(kind)
            with self.refused("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", f"org.usher1.set-{kind}"):
                alice.call("Host", set_(kind), "elsewhere", {})
            self.assertEqual(read(kind), before)

    def test_an_administrator_allows_one_and_not_the_other(self):
        alice = self.client("alice")
        with support.polkit_answer("yes", "org.usher1.set-hostname", "alice"):
            alice.call("Host", "SetHostname", "lectern", {})
            with self.refused("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", "set-domainname"):
                alice.call("Host", "SetDomainname", "lectern", {})
        self.assertEqual(read("hostname"), "lectern")
        self.assertEqual(socket.gethostname(), "lectern")

    def test_root_sets_them_and_reads_them_back(self):
        root = support.root()
        for kind in KINDS:
            for name in ("a", "lectern.example", "UPPER-lower_0", "x" * 63, "x" * 64):
                with self.subTest(kind=kind, name=name):
                    root.call("Host", set_(kind), name, {})
                    self.assertEqual(read(kind), name)
                    self.assertEqual(root.call("Host", get(kind), {}), name)

    def test_nothing_is_written_to_etc(self):
        with open("/etc/hostname", encoding="utf-8") as file:
            before = file.read()
        support.root().call("Host", "SetHostname", "lectern", {})
        with open("/etc/hostname", encoding="utf-8") as file:
            self.assertEqual(file.read(), before)

    def test_a_name_too_long_or_with_bytes_that_no_name_has_is_refused(self):
        for kind in KINDS:
            before = read(kind)
            for name in ("x" * 65, "x" * 1000, "a b", "a\nb", "a/b", "a\\x00b", "a\\xff", "a\\x0ab", "é", "a;b", "a\\", ""):
                with self.subTest(kind=kind, name=name), self.refused("InvalidArgument", kind):
                    support.root().call("Host", set_(kind), name, {})
            self.assertEqual(read(kind), before)

    def test_the_words_are_judged_before_anybody_is_asked(self):
        with self.refused("InvalidArgument", "hostname"):
            self.client("bob").call("Host", "SetHostname", "a b", {})

    def test_names_that_somebody_else_set_are_escaped(self):
        socket.sethostname(b"a\xff\\b")
        bob = self.client("bob")
        self.assertEqual(bob.call("Host", "GetHostname", {}), "a\\xff\\x5cb")
        self.assertEqual(bob.get("Host", "Hostname"), "a\\xff\\x5cb")


class Changes(HostTestCase):
    def listener(self):
        client = self.client("bob")
        for kind in KINDS:
            client.get("Host", kind.capitalize())
        client.subscribe()
        return client

    def told(self, client):
        path, _, _, (interface, changed, invalidated) = client.signal("PropertiesChanged")
        self.assertEqual((path, interface, invalidated), (support.MANAGER, "org.usher1.Host", []))
        return changed

    def test_a_change_by_usher_is_told(self):
        client = self.listener()
        support.root().call("Host", "SetHostname", "one", {})
        self.assertEqual(self.told(client), {"Hostname": "one"})
        support.root().call("Host", "SetDomainname", "two", {})
        self.assertEqual(self.told(client), {"Domainname": "two"})

    def test_a_change_by_anybody_is_told(self):
        client = self.listener()
        subprocess.run(["hostname", "three"], check=True)
        self.assertEqual(self.told(client), {"Hostname": "three"})
        socket.sethostname("four")
        self.assertEqual(self.told(client), {"Hostname": "four"})
        support.libc.setdomainname(b"five", 4)
        self.assertEqual(self.told(client), {"Domainname": "five"})
        subprocess.run(["sysctl", "-q", "kernel.hostname=six"], check=True)
        self.assertEqual(self.told(client), {"Hostname": "six"})

    def test_a_change_elsewhere_is_not_told(self):
        client = self.listener()
        with support.Place("root", "--uts") as place:
            self.assertEqual(place.run("hostname", "elsewhere").returncode, 0)
            self.assertEqual(client.signals(), [])


class OnesOwn(HostTestCase):
    def test_in_a_namespace_of_ones_own_nobody_is_asked(self):
        host = [read(kind) for kind in KINDS]
        bob = self.client("bob")
        bob.run(support.enter_user_namespace, "uts")
        with support.polkit_asked("no", "bob") as asked:
            for kind in KINDS:
                bob.call("Host", set_(kind), f"my-{kind}", {})
                self.assertEqual(bob.call("Host", get(kind), {}), f"my-{kind}")
            self.assertEqual(asked(), [])
        self.assertEqual(bob.run(socket.gethostname), "my-hostname")
        self.assertEqual([read(kind) for kind in KINDS], host)

    def test_a_namespace_is_named_by_a_process(self):
        host = [read(kind) for kind in KINDS]
        alice = self.client("alice")
        with support.Place("alice", "--user", "--map-root-user", "--uts") as place, place.pidfd() as pidfd:
            for kind in KINDS:
                alice.call("Host", set_(kind), f"her-{kind}", {"in": pidfd})
                self.assertEqual(alice.call("Host", get(kind), {"in": pidfd}), f"her-{kind}")
            self.assertEqual(place.run("hostname").stdout, "her-hostname\n")
        self.assertEqual([read(kind) for kind in KINDS], host)

    def test_a_namespace_of_roots_is_an_administrators_also_to_read(self):
        alice = self.client("alice")
        with support.Place("root", "--uts") as place, place.pidfd() as pidfd:
            self.assertEqual(place.run("hostname", "secret").returncode, 0)
            for kind in KINDS:
                with self.refused("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", f"set-{kind}"):
                    alice.call("Host", set_(kind), "x", {"in": pidfd})
                with self.refused("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", f"get-{kind}"):
                    alice.call("Host", get(kind), {"in": pidfd})
            with support.polkit_answer("yes", "org.usher1.get-hostname", "alice"):
                self.assertEqual(alice.call("Host", "GetHostname", {"in": pidfd}), "secret")
            with support.polkit_answer("yes", "org.usher1.set-hostname", "alice"):
                alice.call("Host", "SetHostname", "told", {"in": pidfd})
            self.assertEqual(place.run("hostname").stdout, "told\n")

    def test_a_caller_in_a_namespace_of_roots_reads_the_name_it_lives_under(self):
        client = self.client("alice", through=("unshare", "--uts", "sh", "-c", 'hostname inside; exec "$@"', "sh"))
        self.assertEqual(client.call("Host", "GetHostname", {}), "inside")
        with self.refused("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"):
            client.call("Host", "SetHostname", "x", {})
        with support.polkit_answer("yes", "org.usher1.set-hostname", "alice"):
            client.call("Host", "SetHostname", "changed", {})
        self.assertEqual(client.call("Host", "GetHostname", {}), "changed")
        self.assertNotEqual(read("hostname"), "changed")
        self.assertEqual(client.run(os.getuid), 51001)
