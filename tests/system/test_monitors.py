# SPDX-License-Identifier: LGPL-2.1-or-later
"""Monitors of networks on a whole system: who may be told of which, and that systemd keeps what they need."""

import os
import signal
import socket
import subprocess
import unittest

import support
from support import wait_until
from test_limits import ETC, reload, words

USHERD = "usherd.service"
DROP_IN = f"{ETC}/usherd.conf.d/90-monitors.conf"


def listeners():
    found = subprocess.run(["pgrep", "-x", "usher-netlink"], stdout=subprocess.PIPE, text=True, check=False).stdout.split()
    return [int(pid) for pid in found if subprocess.run(["ip", "netns", "identify", pid], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout.strip() == "blue"]


class Monitors(support.TestCase):
    def setUp(self):
        super().setUp()
        subprocess.run(["ip", "netns", "add", "blue"], check=True)
        self.addCleanup(subprocess.run, ["ip", "netns", "del", "blue"], stderr=subprocess.DEVNULL, check=False)
        self.ip("link", "set", "lo", "up")

    @staticmethod
    def ip(*words):
        subprocess.run(["ip", "-n", "blue", *words], check=True)

    @staticmethod
    def subscribe(client, **keys):
        return client.call("Netlink", "Subscribe", ["link"], ["ifname", "mtu"], keys)

    def told(self, client, path, enough):
        told = []
        while not any(enough(change) for change in told):
            told += [tuple(change) for change in client.signal("Changed", path=path)[3][0]]
        return told

    def test_a_user_is_told_of_the_network_that_everybody_is_in_and_of_no_other(self):
        with support.Client("alice") as alice:
            alice.subscribe()
            path = self.subscribe(alice)
            self.assertIn("lo", [row.get("ifname") for _, _, row in self.told(alice, path, lambda change: change[0] == "synced")])
            with support.polkit_answer("no", "org.usher1.monitor-netlink"), self.assertRaises(support.DBusError) as caught:
                self.subscribe(alice, **{"in": "blue"})
            self.assertEqual(caught.exception.name, "org.usher1.Error.NotPermitted")

    def test_root_is_told_and_nobodys_death_loses_anything_in_silence(self):
        root = support.root()
        root.subscribe()
        path, descriptor = root.call("Netlink", "OpenMonitor", ["link"], ["ifname", "mtu"], {"in": "blue", "lifetime": "manual"})
        stream = socket.socket(fileno=descriptor.take())
        self.addCleanup(stream.close)
        stream.settimeout(10)
        wait_until(lambda: len(listeners()) == 1, "somebody listens there")
        stream.recv(1 << 18)
        before = listeners()
        pid = support.main_pid(USHERD)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: support.main_pid(USHERD) not in (0, pid), "systemd has started a new broker")
        self.assertTrue(root.objects("NetlinkMonitor"))
        self.assertEqual(listeners(), before)
        self.ip("link", "set", "lo", "mtu", "1400")
        self.assertTrue(stream.recv(1 << 18))
        os.kill(before[0], signal.SIGKILL)
        wait_until(lambda: listeners() not in ([], before), "another one listens")
        self.assertIn(path, [str(one) for one in root.objects("NetlinkMonitor")])

    def test_a_monitor_is_its_owners(self):
        with support.Client("alice") as alice, support.Client("bob") as bob:
            path = self.subscribe(alice)
            with self.refused("NotOwner"):
                bob.call("NetlinkMonitor", "Close", {}, path=path, signature="a{sv}")
            self.assertIn(path, alice.objects("NetlinkMonitor"))
            alice.call("NetlinkMonitor", "Close", {}, path=path, signature="a{sv}")
            wait_until(lambda: not alice.objects("NetlinkMonitor"), "the monitor has gone")

    def test_a_user_has_no_more_monitors_than_that(self):
        os.makedirs(os.path.dirname(DROP_IN), exist_ok=True)
        support.write_file(DROP_IN, words(Monitors=2))
        self.addCleanup(reload)
        self.addCleanup(os.unlink, DROP_IN)
        reload()
        with support.Client("alice") as alice, support.Client("bob") as bob:
            for _ in range(2):
                self.subscribe(alice)
            with self.refused("LimitExceeded", "Monitors=2"):
                self.subscribe(alice)
            self.subscribe(bob)

    def test_a_network_whose_name_has_gone_is_not_kept(self):
        root = support.root()
        root.subscribe()
        path = self.subscribe(root, **{"in": "blue"})
        self.told(root, path, lambda change: change[0] == "synced")
        subprocess.run(["ip", "netns", "del", "blue"], check=True)
        root.signal("Vanished", path=path)
        wait_until(lambda: not root.objects("NetlinkMonitor"), "the monitor has gone")


if __name__ == "__main__":
    unittest.main()
