# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command, on a bus that has nobody to ask: programs and namespaces with what the kernel gives to anybody."""

import os
import signal
import subprocess

import ring
from ring import wait_until


class Command(ring.TestCase):
    def usher(self, *words, **keywords):
        environment = {**os.environ, "USHER_BUS": self.service.bus.address, "LD_LIBRARY_PATH": ring.BUILD}
        return subprocess.run([f"{ring.BUILD}/usher", *words], env=environment, capture_output=True, text=True, check=False, timeout=60,
                              **{"stdin": subprocess.DEVNULL, **keywords})

    def good(self, *words):
        result = self.usher(*words)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout

    def test_the_status_is_that_of_the_program(self):
        for status, words in ((0, ("true",)), (7, ("sh", "-c", "exit 7")), (3, ("-a", "sh", "-c", "exit 3")), (143, ("-Up", "sh", "-c", "kill $$")),
                              (127, ("no-such",)), (126, ("/",)), (125, ("-w", "/no/such", "true"))):
            with self.subTest(words=words):
                self.assertEqual(self.usher("run", *words).returncode, status)

    def test_in_new_namespaces_one_is_alone_and_root_if_one_likes(self):
        uid, *lines = self.good("run", "--all", "--map-root", "sh", "-c", "id -u; ls /sys/class/net 2>/dev/null; ls -d /proc/[0-9]*").split()
        self.assertEqual(uid, "0")
        self.assertIn("/proc/1", lines)
        self.assertLessEqual(len([line for line in lines if line.startswith("/proc/")]), 4)

    def test_namespaces_stay_and_are_entered_by_name(self):
        path = self.good("namespace", "create", "-Uru", "--hostname", "box", "lab").strip()
        self.addCleanup(self.usher, "namespace", "destroy", path)
        self.assertIn("lab", self.good("namespace", "list"))
        self.assertEqual(self.good("enter", "lab", "uname", "-n"), "box\n")
        self.assertEqual(self.good("--in", "lab", "hostname"), "box\n")
        self.good("--in", "lab", "hostname", "chest")
        self.assertEqual(self.good("enter", "lab", "--", "uname", "-n"), "chest\n")
        self.good("namespace", "destroy", "lab")
        self.assertNotIn("lab", self.good("namespace", "list"))

    def test_what_is_detached_is_listed_until_it_is_killed(self):
        path = self.good("run", "-d", "sleep", "1000").strip()
        self.assertIn(path, self.good("ps"))
        self.good("kill", "-s", "KILL", path)
        wait_until(lambda: f"killed {int(signal.SIGKILL)}" in self.good("ps"), "the end is told")

    def test_a_program_goes_when_the_bus_does_not_have_the_command_any_more(self):
        environment = {**os.environ, "USHER_BUS": self.service.bus.address, "LD_LIBRARY_PATH": ring.BUILD}
        with subprocess.Popen([f"{ring.BUILD}/usher", "run", "sh", "-c", "echo $$; exec sleep 1000"], env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, text=True) as command:
            pid = int(command.stdout.readline())
            command.kill()
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "it goes")
