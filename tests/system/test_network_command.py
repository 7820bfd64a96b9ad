# SPDX-License-Identifier: LGPL-2.1-or-later
"""usher net, by people who may and people who may not."""

import json
import subprocess
import unittest

import support


class NetworkCommand(unittest.TestCase):
    """A network that an administrator has made, below /run/netns, with a bridge in it."""

    def setUp(self):
        for words in ("netns add blue", "-n blue link add br0 type bridge"):
            subprocess.run(["ip", *words.split()], check=True)
            if words.startswith("netns"):
                self.addCleanup(subprocess.run, ["ip", "netns", "del", "blue"], check=True)

    def usher(self, user, *words):
        if user == "root":
            return subprocess.run(["usher", "--no-ask", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return support.run_as(user, "usher", "--no-ask", *words)

    def names(self, user, *words):
        result = self.usher(user, "net", "links", "--json", "--fields", "ifname", *words)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return {json.loads(line)["ifname"] for line in result.stdout.splitlines()}

    def test_an_administrator_looks_into_a_network_by_its_name(self):
        self.assertEqual(self.names("root", "--in", "blue"), {"lo", "br0"})
        self.assertNotIn("br0", self.names("root"))
        self.assertNotEqual(self.usher("root", "net", "links", "--in", "green").returncode, 0)

    def test_others_are_told_of_where_they_are_and_of_nothing_else(self):
        self.assertEqual(self.names("alice"), self.names("root"))
        for words in (("links",), ("links", "--json"), ("links", "--count"), ("get", "127.0.0.1"), ("monitor",)):
            with self.subTest(words=words):
                result = self.usher("alice", "net", *words, "--in", "blue")
                self.assertEqual(result.returncode, 1)
                self.assertNotIn("br0", result.stdout + result.stderr)

    def test_others_change_nothing(self):
        for words in (("add", "link", "ifname=br9", "linkinfo.kind=bridge"), ("del", "link", "ifname=lo"), ("add", "route", "dst=192.0.2.0/24", "dev=lo")):
            with self.subTest(words=words):
                self.assertEqual(self.usher("alice", "net", *words).returncode, 1)
        self.assertNotIn("br9", self.names("root"))


if __name__ == "__main__":
    unittest.main()
