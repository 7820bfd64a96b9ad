# SPDX-License-Identifier: LGPL-2.1-or-later
"""Children that wait for an order: there before somebody asks, one for each, and gone with the worker."""

import os
import re
import signal
import subprocess
import time

import support
from support import wait_until

WORKER = "usher-worker.service"
READY = 3


def private_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return sum(int(kib) for kib in re.findall(r"^Private_\w+:\s+(\d+) kB$", file.read(), re.MULTILINE))


class Waiting(support.TestCase):
    def setUp(self):
        super().setUp()
        self.root = support.Client("root")
        self.addCleanup(self.root.close)
        self.root.call("Host", "GetHostname", {})
        self.ready()

    def ready(self):
        return wait_until(lambda: len(support.ready_children()) == READY and support.ready_children(), "children are ready")

    def test_every_call_takes_a_child_that_waited_and_none_takes_two(self):
        gone = set()
        for _ in range(10):
            before = self.ready()
            self.root.call("Host", "GetHostname", {})
            wait_until(lambda before=before: not before <= support.processes(WORKER), "one of them has served and is gone")
            taken = before - self.ready()
            self.assertEqual(len(taken), 1)
            gone |= taken
        self.assertEqual(len(gone), 10)

    def test_who_waits_goes_with_the_worker_however_that_ends(self):
        for number in (signal.SIGKILL, signal.SIGTERM):
            self.root.call("Host", "GetHostname", {})
            ready = self.ready()
            support.kill_worker(number)
            wait_until(lambda ready=ready: not any(os.path.exists(f"/proc/{pid}") for pid in ready), "nobody is left behind")

    def test_a_call_is_served_whenever_the_worker_leaves(self):
        clients = [support.Client("root") for _ in range(3)]
        for client in clients:
            self.addCleanup(client.close)
        for number in range(40):
            pending = [client.begin("Host", "GetHostname", {}) for client in clients]
            time.sleep(number % 8 * 0.0002)
            support.kill_worker(signal.SIGTERM)
            for call in pending:
                call.result()

    def test_of_many_that_come_at_once_none_is_turned_away(self):
        clients = [support.Client("root") for _ in range(30)]
        for client in clients:
            self.addCleanup(client.close)
        for _ in range(20):
            for call in [client.begin("Host", "GetHostname", {}) for client in clients]:
                call.result()

    def test_a_child_that_is_killed_while_it_waits_is_no_loss(self):
        for _ in range(3):
            for pid in self.ready():
                os.kill(pid, signal.SIGKILL)
            wait_until(support.ready_children, "others have taken their place")
            self.root.call("Host", "GetHostname", {})

    def test_both_programs_and_all_who_wait_are_small(self):
        # what is left of other tests' floods goes when nothing is asked for half a minute
        subprocess.run(["systemctl", "stop", "usherd.service"], check=True)
        self.root.call("Host", "GetHostname", {})
        support.settle()
        pids = self.ready() | {support.main_pid(WORKER), support.main_pid("usherd.service")}
        self.assertLess(sum(map(private_kib, pids)), 4096)

    def test_when_the_worker_has_left_nothing_of_it_runs(self):
        subprocess.run(["systemctl", "stop", WORKER], check=True)
        wait_until(lambda: not support.processes(WORKER), "nothing is left")
