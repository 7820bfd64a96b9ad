# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ids that are set aside for user namespaces, and those that somebody has in /etc/subuid."""

import os
import select
import signal
import subprocess
import threading

import support
from support import Variant, wait_until
from test_limits import crash
from test_spaces import SpacesTestCase

FIRST, LAST, SIZE = 1879048192, 2147352575, 65536


class Ids(SpacesTestCase):
    def setUp(self):
        super().setUp()
        self.during(support.polkit_answer("yes", "org.usher1.create-namespace-own", "alice"))

    def range_of(self, path):
        """What a namespace has of the pool: all but its owner's own id, in one piece."""
        lines = self.alice.get("Namespace", "UidMap", path)
        taken = [(inside, outside, count) for inside, outside, count in lines if FIRST <= outside <= LAST]
        starts = {outside - inside for inside, outside, count in taken}
        self.assertEqual((len(starts), sum(count for _, _, count in taken)), (1, SIZE - 1))
        self.assertIn((self.uid, self.uid, 1), [tuple(line) for line in lines])
        return starts.pop()

    def test_sec_48_no_two_namespaces_have_an_id_in_common_not_even_after_a_crash(self):
        """sec-48: ranges that are handed out do not overlap."""
        found = [self.range_of(self.namespace(f"n{i}", "user", uid_map="auto")) for i in range(8)]
        crash()
        found += [self.range_of(self.namespace(f"m{i}", "user", uid_map="auto")) for i in range(8)]
        found.sort()
        self.assertTrue(all(after - before >= SIZE for before, after in zip(found, found[1:])), found)

    def test_sec_48_of_five_hundred_that_are_asked_for_at_once_no_two_have_an_id_in_common(self):
        """sec-48: whoever comes in between."""
        limits = "/run/usher/usherd.conf.d/99-test.conf"
        os.makedirs(os.path.dirname(limits), exist_ok=True)
        support.write_file(limits, "[Limits]\nNamespaces=600\nObjects=600\n")
        self.addCleanup(subprocess.run, ["systemctl", "reload", "usherd.service"], check=True)
        self.addCleanup(os.unlink, limits)
        subprocess.run(["systemctl", "reload", "usherd.service"], check=True)
        clients = [self.client("alice") for _ in range(25)]
        made, failed = [], []

        def make(number, client):
            try:
                for i in range(20):
                    made.append(client.call("Namespaces", "Create", f"n{number}-{i}", ["user", "pid"], {"uid_map": "auto"}))
            except support.DBusError as error:
                failed.append(error)
        threads = [threading.Thread(target=make, args=words) for words in enumerate(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for path in made:
            self.addCleanup(self.destroy, path)
        self.assertEqual((len(made), failed), (500, []))
        found = sorted(self.range_of(path) for path in made)
        self.assertTrue(all(after - before >= SIZE for before, after in zip(found, found[1:])), found)

    def test_sec_49_what_one_had_is_not_what_another_gets_next(self):
        """sec-49: files may be left that belong to an id of it."""
        path = self.namespace("first", "user", uid_map="auto")
        first = self.range_of(path)
        self.destroy(path)
        wait_until(lambda: path not in self.alice.objects(), "it has gone")
        self.assertNotEqual(self.range_of(self.namespace("second", "user", uid_map="auto")), first)

    def test_sec_49_an_id_is_not_given_away_while_a_process_has_it(self):
        """sec-49: whatever became of its object."""
        path = self.namespace("first", "user", uid_map="auto")
        first = self.range_of(path)
        program, pidfd = self.spawn("sleep", "1000", **{"in": Variant("o", path)})
        pid = self.alice.get("Process", "Pid", program)
        os.kill(self.alice.get("Namespace", "Leader", path), signal.SIGKILL)
        wait_until(lambda: path not in self.alice.objects(), "its leader has gone")
        self.assertIn(str(first), support.read_file(f"/proc/{pid}/uid_map"))
        # more than a user has before those that it had come again
        for i in range(70):
            place = self.namespace(f"n{i}", "user", uid_map="auto")
            self.assertNotEqual(self.range_of(place), first)
            self.destroy(place)
        self.assertFalse(select.select([pidfd], [], [], 0)[0])

    def test_users_and_groups_inside_are_more_than_one(self):
        ended, output = self.run_in("sh", "-c", "cat /proc/self/setgroups; id -u; id -g", types=["user"], uid_map="auto", map_zero=True)
        self.assertEqual((ended, output.split()[1:]), (("exited", 0), ["0", "0"]))

    def test_without_a_session_it_takes_an_administrator(self):
        with self.needs_admin("create-namespace-own"):
            self.client("bob").call("Namespaces", "Create", "n", ["user"], {"uid_map": "auto"})

    def test_sec_48_a_map_of_others_ids_is_refused_before_anything_is_made(self):
        """sec-48: by its number, and so that nothing is left."""
        for words, number in (("0 0 1", "0-0"), (f"0 {self.uid} 2", str(self.uid + 1)), (f"0 {FIRST} 1", str(FIRST))):
            for key in ("uid_map", "gid_map"):
                with self.refused("NotPermitted", key, number):
                    self.alice.call("Namespaces", "Create", "n", ["user"], {key: words})
        self.assertFalse([path for path in self.alice.objects() if "/namespace/" in path])


if __name__ == "__main__":
    support.main()
