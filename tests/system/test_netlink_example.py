# SPDX-License-Identifier: LGPL-2.1-or-later
"""The example that speaks netlink by itself, as somebody would build it who has the packages."""

import os
import shutil
import subprocess
import tempfile
import unittest

import support

EXAMPLES = f"{os.path.dirname(os.path.dirname(support.HERE))}/docs/examples"


class NetlinkExample(unittest.TestCase):
    def run_there(self, *words):
        return subprocess.run(["nsenter", f"--net={self.namespace}", f"{self.home}/links", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, check=False)

    def test_it_makes_and_lists_links(self):
        if not shutil.which("cc"):
            self.skipTest("no C compiler here")
        self.home = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.home)
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libusher-netlink"], stdout=subprocess.PIPE, text=True, check=True).stdout
        subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", f"{EXAMPLES}/links.c", "-o", f"{self.home}/links", *flags.split()], check=True)
        with subprocess.Popen(["unshare", "--net", "--", "sleep", "infinity"]) as holder:
            self.addCleanup(holder.kill)
            self.namespace = f"/proc/{holder.pid}/ns/net"
            support.wait_until(lambda: os.readlink(self.namespace) != os.readlink("/proc/self/ns/net"), "it is in there")
            self.assertEqual(self.run_there().stdout, "1 lo down\n")
            made = 0
            for kind, words, told in (("vxlan", ("id=42", "local=192.0.2.1", "port=4789"), "vxlan id 42 port 4789 local 192.0.2.1"),
                                      ("vrf", ("table=100",), "vrf table 100"), ("bridge", (), "bridge"),
                                      ("erspan", ("version=1", "key=7", "local=192.0.2.1", "remote=192.0.2.2"), "key 7 version 1")):
                result = self.run_there("add", kind, "x0", *words)
                if "Unknown device type" in result.stderr:
                    continue
                made += 1
                self.assertEqual((result.returncode, result.stderr), (0, ""), kind)
                self.assertIn(told, self.run_there().stdout)
                self.assertEqual(self.run_there("add", kind, "x0", *words).returncode, 1)
                self.assertEqual(self.run_there("del", "x0").returncode, 0)
            self.assertGreater(made, 0)
            self.assertIn("No such device", self.run_there("del", "x0").stderr)
            holder.kill()


if __name__ == "__main__":
    unittest.main()
