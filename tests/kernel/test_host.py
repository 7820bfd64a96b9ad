# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names of hosts."""

import os
import socket

import ring
from ring import CLONE_NEWUSER, CLONE_NEWUTS, Descriptor, Variant


def kernel_domain():
    return ring.read("/proc/sys/kernel/domainname").rstrip("\n")


class Names(ring.TestCase):
    def setUp(self):
        super().setUp()
        before = socket.gethostname()
        self.addCleanup(socket.sethostname, before)

    def call(self, method, *arguments):
        return self.me.call("Host", method, *arguments)

    def test_the_name_is_the_kernel_s(self):
        self.assertEqual(self.call("GetHostname", {}), socket.gethostname())
        self.assertEqual(self.call("GetDomainname", {}), kernel_domain())

    def test_what_is_set_is_what_the_kernel_has(self):
        self.call("SetHostname", "one.example", {})
        self.assertEqual(socket.gethostname(), "one.example")
        self.assertEqual(self.call("GetHostname", {}), "one.example")
        self.call("SetDomainname", "yp.example", {})
        self.assertEqual(kernel_domain(), "yp.example")
        self.assertEqual(self.call("GetDomainname", {}), "yp.example")

    def test_64_bytes_fit_and_65_do_not(self):
        for method in ("SetHostname", "SetDomainname"):
            with self.subTest(method):
                self.call(method, "h" * 64, {})
                with self.refused("InvalidArgument", "name"):
                    self.call(method, "h" * 65, {})
                with self.refused("InvalidArgument", "name"):
                    self.call(method, "h" * 100000, {})
        self.assertEqual(socket.gethostname(), "h" * 64)
        self.assertEqual(kernel_domain(), "h" * 64)

    def test_what_is_no_name_is_refused(self):
        for method, argument in (("SetHostname", "hostname"), ("SetDomainname", "domainname")):
            for bad in ("", "two words", "a/b", "a\\x0ab", "a\\xffb", "\u00e4", "a;b", "a\\x5cb"):
                with self.subTest(method, name=bad), self.refused("InvalidArgument", argument):
                    self.call(method, bad, {})

    def test_a_backslash_stands_for_a_byte_only(self):
        for bad in ("\\", "a\\q", "\\x", "\\x1", "\\xzz", "\\x00"):
            with self.subTest(bad), self.refused("InvalidArgument", "hostname"):
                self.call("SetHostname", bad, {})
        self.call("SetHostname", "\\x61\\x2d\\x62", {})
        self.assertEqual(socket.gethostname(), "a-b")

    def test_what_others_have_set_is_escaped(self):
        ring.sethostname(b"a\xffb\\c\n")
        self.assertEqual(self.call("GetHostname", {}), "a\\xffb\\x5cc\\x0a")

    def test_the_domain_name_can_be_unset(self):
        self.call("SetDomainname", "yp", {})
        self.call("SetDomainname", "(none)", {})
        self.assertEqual(kernel_domain(), "(none)")

    def test_keys(self):
        with self.refused("InvalidArgument", "colour"):
            self.call("GetHostname", {"colour": "red"})
        with self.refused("InvalidArgument", "deadline_usec"):
            self.call("GetHostname", {"deadline_usec": "soon"})
        for usec in (0, 999, 600000001, 2 ** 64 - 1):
            with self.subTest(usec), self.refused("InvalidArgument", "deadline_usec"):
                self.call("GetHostname", {"deadline_usec": Variant("t", usec)})
        self.call("GetHostname", {"deadline_usec": Variant("t", 600000000)})
        with self.refused("NotFound", "in"):
            self.call("GetHostname", {"in": Variant("o", "/org/usher1/namespace/1")})
        with open("/dev/null", "rb") as null, self.refused("InvalidArgument", "in"):
            self.call("GetHostname", {"in": Descriptor(null)})

    def test_in_another_process_s_namespace(self):
        other = self.start_process(CLONE_NEWUTS)
        pidfd = os.pidfd_open(other.pid)
        self.addCleanup(os.close, pidfd)
        before = socket.gethostname()
        self.call("SetHostname", "other", {"in": Descriptor(pidfd)})
        self.assertEqual(self.call("GetHostname", {"in": Descriptor(pidfd)}), "other")
        self.assertEqual(self.call("GetHostname", {}), before)
        self.call("SetDomainname", "other.yp", {"in": Descriptor(pidfd)})
        self.assertEqual(self.call("GetDomainname", {"in": Descriptor(pidfd)}), "other.yp")

    def test_in_a_user_namespace_below(self):
        other = self.start_process(CLONE_NEWUSER | CLONE_NEWUTS)
        pidfd = os.pidfd_open(other.pid)
        self.addCleanup(os.close, pidfd)
        self.call("SetHostname", "below", {"in": Descriptor(pidfd)})
        self.assertEqual(self.call("GetHostname", {"in": Descriptor(pidfd)}), "below")
        self.assertNotEqual(socket.gethostname(), "below")

    def test_in_a_process_that_has_exited(self):
        other = self.start_process(CLONE_NEWUTS)
        pidfd = os.pidfd_open(other.pid)
        self.addCleanup(os.close, pidfd)
        other.kill()
        other.wait()
        with self.refused("NotFound", "in", "exited"):
            self.call("GetHostname", {"in": Descriptor(pidfd)})

    def test_properties_tell_what_changes_whoever_changes_it(self):
        self.call("SetHostname", "first", {})
        self.assertEqual(self.me.get("Host", "Hostname"), "first")
        self.assertEqual(self.me.get("Host", "Domainname"), kernel_domain())
        self.me.subscribe()
        for change, word in ((lambda: self.call("SetHostname", "second", {}), "second"),
                             (lambda: socket.sethostname("third"), "third")):
            change()
            path, _, _, arguments = self.me.signal("PropertiesChanged")
            self.assertEqual(path, "/org/usher1")
            self.assertEqual(arguments, ("org.usher1.Host", {"Hostname": word}, []))
            self.assertEqual(self.me.get("Host", "Hostname"), word)

    def test_properties_cannot_be_set(self):
        with self.refused("org.freedesktop.DBus.Error.PropertyReadOnly"):
            self.me.call("org.freedesktop.DBus.Properties", "Set", "org.usher1.Host", "Hostname", "x", signature="ssv")
