# SPDX-License-Identifier: LGPL-2.1-or-later
"""usher log: the journal's entries about calls, as an administrator reads them."""

import json
import os
import re
import signal
import socket
import subprocess
import time

import support
from support import wait_until
from test_audit import AuditTestCase, CALL
from test_cli import run


def usher_log(*arguments, through=()):
    subprocess.run(["journalctl", "--sync"], stdin=subprocess.DEVNULL, check=True)
    return run(*through, "usher", "log", *arguments)


def forge():
    """An entry that looks like the service's, as any process can make one."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.sendto(f"MESSAGE=forged\nMESSAGE_ID={CALL}\nUSHER_UID=0\nUSHER_OPERATION=Host.SetHostname\nUSHER_RESULT=done\n"
                       "USHER_HOSTNAME=forged\nUSHER_ID=00000000000000000000000000000000\n".encode(), "/run/systemd/journal/socket")


class Log(AuditTestCase):
    def good(self, *arguments):
        status, output, error = usher_log(*arguments)
        self.assertEqual((status, error), (0, ""))
        return output

    def rows(self, *arguments):
        """Of what this test has done."""
        heading, *lines = self.good("--since", f"@{int(self.began)}", *arguments).splitlines()
        self.assertEqual(heading.split(), ["TIME", "USER", "OPERATION", "DECISION", "RESULT", "TOOK", "TARGET"])
        return [line for line in lines if self.home in line]

    def do_something(self):
        """Three calls of alice's: one done, one refused, one done; and one of root's."""
        target = self.directory("m")
        mount = self.mount("", target, "tmpfs")
        with self.refused("NotFound"):
            self.mount("", f"{target}/none", "tmpfs")
        self.unmount(mount)
        self.mount("", target, "tmpfs", client=support.root())
        self.entries(2, operation="Mounts.Mount", uid=str(self.uid))
        return target

    def test_each_call_is_a_line(self):
        target = self.do_something()
        day = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
        expected = ((f"{day}  alice     Mounts.Mount        polkit: yes        done {{14}}", target),
                    (f"{day}  alice     Mounts.Mount        -                  NotFound {{10}}", f"{target}/none"),
                    (f"{day}  alice     Mount.Unmount       polkit: yes        done {{14}}", target),
                    (f"{day}  root      Mounts.Mount        root               done {{14}}", target))
        rows = self.rows()
        self.assertEqual(len(rows), len(expected))
        for row, (pattern, where) in zip(rows, expected, strict=True):
            self.assertRegex(row, rf"\A{pattern} *\d+\.\d ms  {re.escape(where)}\Z")

    def test_what_is_looked_for_is_found_and_nothing_else(self):
        self.do_something()
        for arguments, number in ((("--user", "alice"), 3), (("-u", str(self.uid)), 3), (("--user", "root"), 1), (("--user", "bob"), 0),
                                  (("--operation", "Mounts.Mount"), 3), (("-o", "Unmount"), 1), (("-o", "Mount"), 3),
                                  (("-o", "Mounts"), 0), (("--failed",), 1), (("--failed", "--user", "root"), 0),
                                  (("--user", "alice", "-o", "Mount", "--failed"), 1)):
            with self.subTest(arguments=arguments):
                self.assertEqual(len(self.rows(*arguments)), number)

    def test_the_last_lines_are_those_that_fit(self):
        self.do_something()
        every = self.rows()
        for number in (0, 1, 3, 4, 1000):
            self.assertEqual(self.rows("-n", str(number)), every[-number:] if number else [])
        self.assertEqual(self.rows("--user", "alice", "-n", "2"), [row for row in every if " alice " in row][-2:])
        self.assertEqual(self.rows("--failed", "-n", "1"), [row for row in every if " NotFound " in row])

    def test_what_is_older_is_not_shown(self):
        self.do_something()
        self.assertEqual(self.good("--since", f"@{int(time.time()) + 1}").count("\n"), 1)
        self.assertGreaterEqual(self.good("--since", "1min ago").count(self.home), 4)
        self.assertEqual(self.good("--since", f"@{int(time.time()) + 1}", "-n", "5").count("\n"), 1)

    def test_in_json_an_entry_is_a_line(self):
        target = self.do_something()
        lines = [json.loads(line) for line in self.good("--json", "--since", f"@{int(self.began)}", "--user", "alice").splitlines()]
        done, failed, _ = [line for line in lines if self.home in line["target"]]
        self.assertEqual({key: done[key] for key in ("uid", "pid", "as_uid", "operation", "target", "tier", "decided_by", "result", "in")},
                         {"uid": self.uid, "pid": self.alice.pid, "as_uid": 0, "operation": "Mounts.Mount", "target": target,
                          "tier": "own", "decided_by": "polkit", "result": "done", "in": "host"})
        self.assertIsInstance(done["duration_usec"], int)
        self.assertLess(abs(done["time_usec"] / 1e6 - self.began), 60)
        self.assertEqual(failed["result"], "NotFound")
        found, = self.good("--json", "--id", done["id"]).splitlines()
        self.assertEqual(json.loads(found), done)

    def test_what_comes_later_is_followed(self):
        target = self.directory("m")
        with subprocess.Popen(["usher", "log", "-f", "-n", "0", "--user", "alice"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              text=True) as process:
            self.assertIn("TIME", process.stdout.readline())
            time.sleep(0.3)
            self.unmount(self.mount("", target, "tmpfs"))
            self.assertRegex(process.stdout.readline(), rf"Mounts\.Mount .* done .* {target}\n")
            self.assertRegex(process.stdout.readline(), rf"Mount\.Unmount .* done .* {target}\n")
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(), -signal.SIGINT)

    def test_an_entry_that_somebody_else_made_is_not_shown(self):
        self.alice.run(forge)
        forge()
        self.assertTrue(wait_until(lambda: subprocess.run(["journalctl", "--output=cat", f"MESSAGE_ID={CALL}", "USHER_HOSTNAME=forged"],
                                                          stdout=subprocess.PIPE, check=True).stdout, "the forged entry is there"))
        self.assertNotIn("forged", self.good())
        self.assertNotIn("forged", self.good("--json", "--user", "root"))

    def test_names_stay_text(self):
        raw = os.fsencode(self.home) + b"/a\n\x1b[2J\xe2\x80\xae"
        os.mkdir(raw)
        os.chown(raw, self.uid, self.uid)
        self.unmount(self.mount("", support.escape(raw), "tmpfs"))
        self.entries(1, operation="Mount.Unmount")
        for row in self.rows():
            self.assertTrue(row.endswith(f"{self.home}/a\\x0a\\x1b[2J\\xe2\\x80\\xae"), row)

    def test_to_whom_the_journal_is_closed_it_is_not_empty(self):
        self.do_something()
        status, output, error = self.alice.run(run, "usher", "log")
        self.assertEqual((status, output), (1, ""))
        for word in ("root", "adm", "systemd-journal"):
            self.assertIn(word, error)
        status, output, error = self.alice.run(run, "usher", "--json", "log")
        self.assertEqual((status, json.loads(output)["error"], error), (1, "NotPermitted", ""))
        status, output, error = usher_log("--user", "alice", through=("setpriv", f"--reuid={self.uid}", f"--regid={self.uid}",
                                                                      "--groups=systemd-journal", "--"))
        self.assertEqual((status, error), (0, ""))
        self.assertIn(self.home, output)

    def test_what_makes_no_sense_is_refused(self):
        for arguments in (("--since", "soon"), ("-n", "-1"), ("-n", "x"), ("what",), ("--until", "now")):
            with self.subTest(arguments=arguments):
                status, output, error = usher_log(*arguments)
                self.assertEqual((status, output), (2, ""))
                self.assertIn("usher log", error)

    def test_without_a_bus_there_is_a_journal(self):
        self.assertEqual(run("env", "USHER_BUS=unix:path=/nowhere", "usher", "log")[0], 0)
