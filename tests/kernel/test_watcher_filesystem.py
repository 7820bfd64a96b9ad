# SPDX-License-Identifier: LGPL-2.1-or-later
"""usher-watcher where it marks a whole file system, alone: who is told what, when much happens before it reads."""

import contextlib
import fcntl
import os
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import threading
import time

import ring
import support
from alone import EVENT, LOST, RESCAN
from lookout import EVENTS, STRANGER, LookoutTestCase

BLOCK = os.path.join(os.path.dirname(os.path.realpath(__file__)), "block")
NOBODY = 65534
FAN = {"access": 0x1, "modify": 0x2, "attrib": 0x4, "close-write": 0x8, "close-nowrite": 0x10, "open": 0x20, "create": 0x100, "delete": 0x200,
       "delete-self": 0x400, "move-self": 0x800, "open-exec": 0x1000, "fs-error": 0x8000, "move": 0x10000000}
OF_DIRECTORIES = FAN["create"] | FAN["delete"] | FAN["move"] | FAN["attrib"]  # what the nodes live on


class Delay:
    """A watcher (`program`) of which each call of a kind takes some seconds more, and how many there were."""

    def __init__(self, test, call):
        if os.uname().machine != "x86_64":
            test.skipTest("the system calls of another machine")
        self.seconds, self.count = 0, 0
        self.program, address = f"{test.place}/delayed", f"{ring.WORK}/delay"
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(address)
        self.socket.listen()
        test.addCleanup(os.unlink, address)
        with open(self.program, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\nexec {BLOCK} --listener {address} {call}:stall -- {ring.BUILD}/usher-watcher\n")
        os.chmod(self.program, 0o755)

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                with connection:
                    _, (listener,), _, _ = socket.recv_fds(connection, 1, 1)
                threading.Thread(target=self.answer, args=(listener,), daemon=True).start()

    def answer(self, listener):
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        while poll.poll()[0][1] == select.POLLIN:
            data = bytearray(80)
            try:
                fcntl.ioctl(listener, 0xC0502100, data)
            except OSError:
                continue
            self.count += 1
            time.sleep(self.seconds)
            ring.Stalled(listener, struct.unpack_from("=Q", data)[0], 0).go_on()
        os.close(listener)


class Filesystem(LookoutTestCase):
    def setUp(self):
        super().setUp()
        self.superblock = self.top(ring.WORK)
        self.run_in("mkdir public private; chmod 700 private")
        self.root = self.open(self.place)

    def top(self, path):
        """A mount of it that is nowhere, as a watcher gets."""
        fd = support.open_tree(path)
        self.addCleanup(os.close, fd)
        return fd

    def start(self, *program, **keywords):
        return self.begin("filesystem", self.superblock, *program, **keywords)

    def watch(self, **keys):
        watcher = self.start()
        code, text = watcher.add(1, self.root, EVENTS, **{**STRANGER, **keys})
        self.assertEqual((code, text), (0, ""))
        return watcher

    def paused(self, watcher, command):
        """What is told of a command, or of renames of one process, of which nothing was read before they had ended."""
        watcher.process.send_signal(signal.SIGSTOP)
        if isinstance(command, str):
            self.run_in(command)
        else:
            for old, new in command:
                os.rename(f"{self.place}/{old}", f"{self.place}/{new}")
        watcher.process.send_signal(signal.SIGCONT)
        return watcher.records(1)

    def test_nothing_is_told_of_what_is_below_a_private_directory(self):
        watcher = self.watch()
        self.run_in("mkdir -p private/a/b; touch private/a/b/secret; mv private/a/b private/c; rm -r private/c")
        self.assertEqual(watcher.records(1), [])

    def test_who_is_told_with_others_is_told_what_he_may_see(self):
        watcher = self.start()
        for number, uid in ((1, 51002), (2, 51003), (3, 51003), (4, 51002)):
            self.assertEqual(watcher.add(number, self.root, ["create", "delete"] if number < 4 else ["create", "attrib"], uid=uid, gid=uid, groups=[]),
                             (0, ""))
        self.run_in("mkdir own; chown 51003 own; chmod 700 own; touch public/0 own/0; rm public/0 own/0")
        for number in watcher.streams:
            watcher.records(number)
        told = self.paused(watcher, "touch public/1 own/2 public/3; mv public/3 public/4; rm public/1 own/2")
        self.assertEqual([str(r) for r in told], ["create public/1", "create public/3", "delete public/1"])
        all_of_it = ["create public/1", "create own/2", "create public/3", "delete public/1", "delete own/2"]
        told = {number: [str(r) for r in watcher.records(number)] for number in (2, 3, 4)}
        self.assertEqual(told[2], all_of_it)
        self.assertEqual(told[3], all_of_it)
        self.assertEqual(told[4][0], "create+attrib public/1")

    def test_each_end_of_a_move_is_told_to_who_sees_it(self):
        watcher = self.watch()
        told = self.paused(watcher, "touch private/x; mv private/x public/y; mv public/y private/z")
        self.assertEqual([str(r) for r in told], ["create public/y", "delete public/y"])

    def test_a_name_that_was_there_only_while_it_was_private_is_not_told(self):
        watcher = self.watch()
        told = self.paused(watcher, "chmod 700 public; touch public/secret; rm public/secret; chmod 755 public")
        self.assertNotIn("secret", str(told))
        self.assertIn("RESCAN public", [str(r) for r in told])

    def test_a_name_that_is_there_is_told_though_rights_have_changed(self):
        watcher = self.watch()
        told = self.paused(watcher, "mkdir new; touch new/name; chmod 711 new; chmod 755 new")
        self.assertTrue([r for r in told if r.kind == EVENT and r.path == "new/name"], told)

    def test_of_a_name_that_was_gone_before_it_could_be_seen_nothing_is_told(self):
        with open(f"{self.place}/private/secret", "w", encoding="utf-8") as file:
            os.unlink(f"{self.place}/private/secret")
            self.run_in("chmod 755 private; touch private/shown")
            watcher = self.watch()
            file.write("x")
            file.flush()
            os.fchmod(file.fileno(), 0o600)
        self.run_in("touch public/last")
        self.assertEqual({r.path for r in watcher.records(1)}, {"public/last"})

    def test_what_happens_to_a_file_is_not_told_of_another_that_has_its_name_now(self):
        watcher = self.watch()
        with open(f"{self.place}/public/name", "w", encoding="utf-8") as first:
            os.unlink(f"{self.place}/public/name")
            self.run_in("touch public/name")
            watcher.records(1)
            first.write("x")
        self.assertEqual([r for r in watcher.records(1) if r.path == "public/name"], [])
        self.run_in("echo x >public/name")
        self.assertIn("public/name", [r.path for r in watcher.records(1) if "modify" in r.names])

    def test_what_happened_before_a_name_was_taken_away_or_changed_is_told(self):
        names = ("deleted", "moved", "moved-away", "deleted-and-made")
        watcher = self.watch()
        self.run_in(f"cd public; touch {' '.join(names)}")
        watcher.records(1)
        told = self.paused(watcher, f"cd public; for f in {' '.join(names)}; do bash -c \"echo x >$f\"; done; rm deleted deleted-and-made;"
                                    "mv moved other; mv moved-away ..; touch deleted-and-made")
        self.assertEqual({r.path for r in told if "modify" in r.names}, {f"public/{name}" for name in names})
        told = self.paused(watcher, "cd public; touch old new; bash -c 'echo x >old'; mv new old")
        self.assertTrue([r for r in told if r.path == "public/old" and "modify" in r.names or r.kind == RESCAN and r.path == "public"], told)

    def test_what_happened_before_a_directory_was_shown_is_not_told(self):
        watcher = self.watch()
        told = self.paused(watcher, "mkdir private/sub; touch private/sub/secret; rm private/sub/secret;"
                                    "mv private/sub public/sub")
        self.assertNotIn("secret", str(told))
        self.assertEqual(str(told[0]), "create public/sub")

    def test_what_much_that_happened_at_once_has_taken_is_given_back(self):
        def weight():
            with open(f"/proc/{watcher.process.pid}/smaps_rollup", encoding="ascii") as file:
                return int(re.search(r"Private_Dirty: +(\d+)", file.read())[1])

        watcher = self.watch()
        told = len(self.paused(watcher, "cd public; for i in {1..4000}; do : >$i; done"))
        heaviest = weight()
        self.assertGreaterEqual(told, 4000)
        time.sleep(1.5)
        self.assertLess(weight(), heaviest - 200)

    def test_nothing_is_missed_in_directories_that_have_just_been_made(self):
        watcher = self.watch()
        self.run_in("for i in {1..300}; do mkdir -p $i/b/c; : >$i/b/c/f; done")
        told = watcher.records(1, 1)
        self.assertEqual(len([r for r in told if r.path.endswith("/f") and "create" in r.names]), 300)

    def test_a_path_is_that_of_the_time_at_which_it_happened(self):
        watcher = self.watch()
        self.run_in("mkdir a")
        watcher.records(1)
        self.run_in("touch a/1")
        told = watcher.records(1)
        self.run_in("mv a b; touch b/2")
        told += watcher.records(1)
        self.assertEqual(told[0].path, "a/1")
        self.assertIn("move b < a", [str(r) for r in told])

    def test_what_happened_before_and_after_a_rename_is_told_by_name(self):
        watcher = self.watch()
        self.run_in("mkdir -p a/sub; touch a/0 a/sub/0")
        watcher.records(1)
        told = [str(r).replace("+attrib+close-write", "") for r in self.paused(watcher, "touch a/1 a/sub/1; mv a b; touch b/2 b/sub/2")]
        self.assertEqual([r for r in told if r.startswith(("create", "move ", "RESCAN"))],
                         ["create a/1", "create a/sub/1", "move b < a", "create b/2", "create b/sub/2"])

    def test_what_happened_before_a_move_to_elsewhere_is_not_told_by_name(self):
        watcher = self.watch()
        self.run_in("mkdir public/a; touch public/a/0")
        watcher.records(1)
        told = [str(r) for r in self.paused(watcher, "touch public/a/1; mv public/a a; touch a/2")]
        self.assertFalse([r for r in told if r.endswith("/1")], told)
        self.assertIn("RESCAN a", told)
        self.assertIn("create+attrib+close-write a/2", told)

    def test_who_is_told_with_others_lists_anew_with_them(self):
        watcher = self.start()
        for number, keys in enumerate(({"uid": 0, "everything": True}, {"uid": 51002}, {"uid": 51003}, {"uid": 51002, "exclude": ["a"]}), 1):
            self.assertEqual(watcher.add(number, self.root, EVENTS, **{**STRANGER, **keys}), (0, ""))
        self.run_in("mkdir public/a; touch public/a/0")
        for number in watcher.streams:
            watcher.records(number)
        told = {1: [str(r) for r in self.paused(watcher, "touch public/a/1; mv public/a a; touch a/2")]}
        told.update((number, [str(r) for r in watcher.records(number)]) for number in (2, 3, 4))
        self.assertTrue([r for r in told[1] if r.endswith("/1")], told)
        self.assertIn("RESCAN a", told[2])
        self.assertFalse([r for r in told[2] if r.endswith("/1")], told)
        self.assertEqual(told[3], told[2])
        self.assertFalse([r for r in told[4] if r.startswith("RESCAN a")], told)

    def test_a_name_that_is_gone_is_told_to_nobody_who_could_not_have_listed_it(self):
        watcher = self.watch()
        self.run_in("mkdir public/old; touch public/old/0; chmod 711 public")
        watcher.records(1)
        told = [str(r) for r in self.paused(watcher, "touch public/old/1; mv public/old public/new; touch public/new/2")]
        self.assertFalse([r for r in told if "public/old" in r], told)
        self.assertIn("RESCAN public/new", told)
        told = str(self.paused(watcher, "mv public/new public/old; touch public/old/3; mv public/old public/new; touch public/new/4"))
        self.assertNotIn("public/old", told)
        self.assertIn("RESCAN public/new", told)

    def test_a_directory_whose_moves_the_kernel_has_merged_is_told_of_where_it_is(self):
        watcher = self.watch()
        self.run_in("mkdir -p public/a/sub; touch public/a/0 public/a/sub/0")
        watcher.records(1)
        there, back = ("public/a", "private/a"), ("private/a", "public/a")
        self.assertNotIn("private", str(self.paused(watcher, [there, back, there])))
        self.run_in("touch private/a/secret private/a/sub/secret")
        self.assertEqual(watcher.records(1), [])
        self.assertNotIn("private", str(self.paused(watcher, [back, there, back])))
        self.run_in("touch public/a/shown")
        self.assertIn("public/a/shown", [r.path for r in watcher.records(1)])

    def test_a_directory_that_is_renamed_again_and_again_where_it_is_is_told_of_by_name(self):
        watcher = self.watch()
        self.run_in("mkdir -p public/a; touch public/a/0")
        watcher.records(1)
        told = self.paused(watcher, "mv public/a public/b; touch public/b/1; mv public/b public/a; touch public/a/2")
        self.assertEqual([r.path for r in told if "create" in r.names], ["public/b/1", "public/a/2"])
        self.assertNotIn("RESCAN", str(told))
        there, back = ("public/a", "public/b"), ("public/b", "public/a")
        self.assertIn("RESCAN public", [str(r) for r in self.paused(watcher, [there, back, there])])
        self.run_in("touch public/b/3")
        self.assertIn("public/b/3", [r.path for r in watcher.records(1)])

    def test_directories_that_exchange_their_names_again_and_again_are_told_of_by_their_own(self):
        watcher = self.watch()
        self.run_in("mkdir -p public/a public/b; touch public/a/0 public/b/0")
        watcher.records(1)
        exchange = [("public/a", "public/c"), ("public/b", "public/a"), ("public/c", "public/b")]
        self.assertIn("RESCAN public", [str(r) for r in self.paused(watcher, 3 * exchange)])
        for directory in ("public/a", "public/b"):
            self.run_in(f"touch {directory}/1")
            self.assertEqual([r.path for r in watcher.records(1) if "create" in r.names], [f"{directory}/1"])

    def cover(self, directory):
        """A way to what is below something that is mounted."""
        self.run_in(f"mkdir -p side {directory}; mount --bind --make-private . side; mount -t tmpfs none {directory}")
        self.addCleanup(subprocess.run, ["umount", "-l", f"{self.place}/side", f"{self.place}/{directory}"], check=False,
                        stderr=subprocess.DEVNULL)

    def test_what_is_covered_is_told_of_under_no_name_of_what_it_is_in(self):
        watcher = self.watch()
        self.run_in("mkdir -p a/covered; touch a/0 a/covered/0")
        self.assertIn("a/covered/0", [r.path for r in watcher.records(1)])
        self.cover("a/covered")
        self.run_in("touch side/a/covered/secret; mv a b; touch side/b/covered/secret b/shown")
        self.run_in("umount b/covered")
        told = watcher.records(1)
        self.assertNotIn("secret", str(told))
        self.assertIn("b/shown", [r.path for r in told])

    def test_what_is_covered_is_not_taken_for_a_directory_that_has_gone(self):
        self.cover("covered")
        watcher = self.watch()
        self.run_in("mkdir a; touch a/0")
        self.assertIn("a/0", [r.path for r in watcher.records(1)])
        self.run_in("rm -r a")
        watcher.records(1)
        self.run_in("touch side/covered/secret")
        self.assertNotIn("secret", str(watcher.records(1)))

    def test_a_root_that_is_closed_to_its_watcher_tells_nothing_more(self):
        watcher = self.watch()
        os.chmod(self.place, 0o700)
        watcher.records(1)
        self.run_in("touch public/hidden hidden")
        self.assertEqual(watcher.records(1), [])
        os.chmod(self.place, 0o755)
        watcher.records(1)
        self.run_in("touch seen")
        self.assertEqual(watcher.records(1)[0].path, "seen")

    def test_a_watcher_that_is_killed_loses_nothing_that_was_in_the_queue(self):
        watcher = self.watch()
        self.run_in("touch public/before")
        self.assertEqual(watcher.records(1)[0].path, "public/before")
        time.sleep(0.2)
        watcher.process.send_signal(signal.SIGSTOP)
        self.run_in("touch public/between")
        watcher.process.kill()
        watcher.process.wait()
        second = self.start(kept=watcher.kept)
        self.assertEqual(second.add(1, self.root, EVENTS, resumed=True, **STRANGER), (0, ""))
        self.run_in("touch public/after")
        told = second.records(1)
        self.assertEqual({r.kind for r in told}, {EVENT})
        self.assertEqual({r.path for r in told}, {"public/between", "public/after"})

    def interrupted(self):
        """What a watcher leaves that was killed while something was still to be told to one of its two watches."""
        watcher = self.watch()
        self.assertEqual(watcher.add(2, self.root, EVENTS, settle_usec=60_000_000, **STRANGER), (0, ""))
        self.run_in("touch public/waits")
        self.assertEqual(watcher.records(1)[0].path, "public/waits")
        watcher.process.kill()
        watcher.process.wait()
        return watcher.kept

    def go_on(self, kept):
        """Another one, and copies of what it would leave."""
        watcher = self.start(kept=kept)
        copies = [os.dup(fd) for fd in watcher.kept]
        for fd in copies:
            self.addCleanup(os.close, fd)
        return watcher, copies

    def test_what_was_lost_is_said_by_the_next_where_one_went_before_it_had_a_watch(self):
        second, kept = self.go_on(self.interrupted())
        second.close()
        third, _ = self.go_on(kept)
        self.assertEqual(third.add(2, self.root, EVENTS, resumed=True, **STRANGER), (0, ""))
        self.assertIn(LOST, [record.kind for record in third.records(2)])

    def test_what_was_lost_is_said_by_the_next_where_one_went_before_the_last_of_its_watches(self):
        second, kept = self.go_on(self.interrupted())
        self.assertEqual(second.add(1, self.root, EVENTS, resumed=True, **STRANGER), (0, ""))
        self.assertIn(LOST, [record.kind for record in second.some(1)])
        second.close()
        third, _ = self.go_on(kept)
        self.assertEqual(third.add(2, self.root, EVENTS, resumed=True, **STRANGER), (0, ""))
        self.assertIn(LOST, [record.kind for record in third.records(2)])

    def test_a_user_whose_directories_take_long_to_look_up_holds_nobody_else_up_for_long(self):
        with Delay(self, "open_by_handle_at") as delay:
            watcher = self.start(delay.program)
            self.assertEqual(watcher.add(1, self.root, EVENTS, **STRANGER), (0, ""))
            self.run_in("mkdir -m 777 quiet; for i in {1..40}; do mkdir -m 777 quiet/$i; done")
            watcher.records(1)
            watcher.close()
            watcher = self.start(delay.program)  # which knows none of them
            self.assertEqual(watcher.add(1, self.root, EVENTS, **STRANGER), (0, ""))
            watcher.process.send_signal(signal.SIGSTOP)
            subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "bash", "-c",
                            "for i in {1..40}; do : >quiet/$i/x; done"], check=True, cwd=self.place)
            with open(f"{self.place}/public/name", "w", encoding="utf-8"):
                pass  # by a process that is still there when it is asked who that was
            delay.seconds, delay.count = 0.06, 0
            watcher.process.send_signal(signal.SIGCONT)
            told = []
            while not [record for record in told if record.path == "public/name"]:
                told += watcher.some(1)
            self.assertLess(delay.count, 20)
            delay.seconds = 0
            told += watcher.records(1, 1)
        self.assertEqual([record for record in told if record.kind == LOST], [])
        self.assertEqual({record.path.split("/")[1] for record in told if record.path.startswith("quiet/")},
                         {str(number) for number in range(1, 41)})

    def test_more_than_the_queue_holds_is_told_as_lost(self):
        watcher = self.watch()
        most = int(open("/proc/sys/fs/fanotify/max_queued_events", encoding="ascii").read())
        if most > 100000:
            self.skipTest(f"the queue holds {most} events")
        told = self.paused(watcher, f"cd public; seq {most + 10} | xargs -n 1000 touch")
        self.assertIn(LOST, {r.kind for r in told}, f"{len(told)} {told[-3:]}")
        self.run_in("touch public/later")
        self.assertIn("public/later", [r.path for r in watcher.records(1)])

    def test_since_names_the_directories_that_changed(self):
        watcher = self.watch()
        self.run_in("touch public/x")
        clock = watcher.records(1)[-1].clock
        self.run_in("mkdir public/d; touch public/d/y private/z")
        watcher.records(1)
        watcher.send({"since": {"number": 1, "serial": 3, "clock": clock}})
        answer = watcher.wait_for("changed", serial=3)
        self.assertTrue(answer["complete"])
        self.assertEqual(set(answer["directories"]), {"public", "public/d"})
        watcher.send({"since": {"number": 1, "serial": 4, "clock": 1}})
        self.assertFalse(watcher.wait_for("changed", serial=4)["complete"])

    def since(self, watcher, clock):
        watcher.send({"since": {"number": 1, "serial": 5, "clock": clock}})
        return watcher.wait_for("changed", serial=5, seconds=20)

    def test_more_names_than_a_message_holds_are_not_told_since(self):
        watcher = self.watch()
        self.run_in("touch public/x")
        clock = watcher.records(1)[-1].clock
        self.run_in("cd public; d=$(printf %0250d 1); for i in {1..14}; do mkdir $d; cd $d; done;"
                    "mkdir $(printf '%0250d ' {1..5000}); for i in [0]*; do : >$i/f; done")
        watcher.records(1, 1)
        answer = self.since(watcher, clock)
        self.assertFalse(answer["complete"])
        self.assertLessEqual(sum(map(len, answer["directories"])), 1 << 20)
        self.run_in("touch public/later")
        self.assertIn("public/later", [record.path for record in watcher.records(1)])

    def test_who_asks_what_has_changed_since_holds_nobody_up_for_long(self):
        with Delay(self, "open_by_handle_at") as delay:
            watcher = self.start(delay.program)
            self.assertEqual(watcher.add(1, self.root, EVENTS, **STRANGER), (0, ""))
            self.run_in("touch public/x")
            clock = watcher.records(1)[-1].clock
            self.run_in("for i in {1..40}; do mkdir public/$i; : >public/$i/x; done")
            watcher.records(1, 1)
            watcher.process.kill()
            watcher.process.wait()
            second = self.start(delay.program, kept=watcher.kept)  # which knows none of them
            self.assertEqual(second.add(1, self.root, EVENTS, resumed=True, **STRANGER), (0, ""))
            time.sleep(0.2)
            delay.seconds, delay.count = 0.06, 0
            self.assertFalse(self.since(second, clock)["complete"])
            self.assertLess(delay.count, 20)
            delay.seconds = 0
            time.sleep(1.1)
            self.assertTrue(self.since(second, clock)["complete"])

    def test_readers_that_do_not_read_do_not_fill_ever_more_memory(self):
        watcher = self.watch()
        for number in range(2, 14):
            self.assertEqual(watcher.add(number, self.root, ["create"], queue=65536, **STRANGER), (0, ""))
        self.run_in("cd public; d=$(printf %0250d 1); for i in {1..14}; do mkdir $d; cd $d; done; for i in {1..6000}; do : >$i; done")
        watcher.records(1)
        self.assertLess(int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{watcher.process.pid}/status", encoding="ascii").read())[1]), 160_000)
        self.assertIn(LOST, [record.kind for record in watcher.records(13)])

    def test_globs_that_take_long_are_as_good_as_lost_and_hold_nobody_up(self):
        globs = ["*[[:alpha:]]" * 20 + str(number) for number in range(64)]
        deepest = "public" + "/deeper" * 300
        self.run_in(f"mkdir -p {deepest}")
        watcher = self.start()
        for number, keys in ((1, {"exclude": globs}), (2, {})):
            self.assertEqual(watcher.add(number, self.root, EVENTS, **STRANGER, **keys), (0, ""))
        self.run_in(f": > {deepest}/f")
        begun = time.monotonic()
        self.run_in("touch public/name")
        while "public/name" not in [record.path for record in watcher.some(2, 30)]:
            pass
        self.assertLess(time.monotonic() - begun, 5)
        self.assertIn(LOST, [record.kind for record in watcher.records(1)])

    def mask(self, watcher):
        """What the file system is marked with, of what can be told; None: it is not marked."""
        for fd in os.listdir(f"/proc/{watcher.process.pid}/fdinfo"):
            with contextlib.suppress(FileNotFoundError), open(f"/proc/{watcher.process.pid}/fdinfo/{fd}", encoding="ascii") as file:
                marks = re.findall(r"^fanotify sdev:.* mask:([0-9a-f]+) ", file.read(), re.MULTILINE)
                if marks:
                    self.assertEqual(len(marks), 1)
                    return int(marks[0], 16)
        return None

    def test_the_mark_is_of_what_the_watches_want_together_and_for_as_long(self):
        watcher = self.start()
        self.assertIsNone(self.mask(watcher))
        steps = (({"add": 1, "events": ["create"]}, 0), ({"add": 2, "events": ["modify"]}, FAN["modify"]),
                 ({"add": 3, "events": ["open", "access"], "everything": True}, FAN["modify"] | FAN["open"] | FAN["access"]),
                 ({"change": 1, "events": ["close-write"]}, FAN["modify"] | FAN["open"] | FAN["access"] | FAN["close-write"]),
                 ({"remove": 3}, FAN["modify"] | FAN["close-write"]), ({"remove": 2}, FAN["close-write"]),
                 ({"change": 1, "events": ["delete"]}, 0))
        for step, more in steps:
            with self.subTest(**step):
                if "add" in step:
                    self.assertEqual(watcher.add(step["add"], self.root, step["events"], **STRANGER, everything=step.get("everything", False)), (0, ""))
                elif "change" in step:
                    watcher.send({"set_events": {"number": step["change"], "events": step["events"], "serial": 9}})
                    self.assertEqual(watcher.wait_for("done", serial=9)["code"], 0)
                else:
                    watcher.send({"remove": step["remove"]})
                    self.assertEqual(watcher.add(9, self.root, ["delete"], **STRANGER), (0, ""))  # when that has been obeyed
                    watcher.send({"remove": 9})
                self.assertEqual(self.mask(watcher) & sum(FAN.values()), OF_DIRECTORIES | more)
        watcher.send({"remove": 1})
        self.assertEqual(watcher.process.wait(5), 0, "who watches nothing goes, and the mark with him")

    def test_events_that_are_added_later_are_told_from_then_on(self):
        watcher = self.start()
        self.assertEqual(watcher.add(1, self.root, ["create"], **STRANGER), (0, ""))
        self.run_in("echo 1 >public/f")
        self.assertEqual([str(r) for r in watcher.records(1)], ["create public/f"])
        watcher.send({"set_events": {"number": 1, "events": ["create", "modify"], "serial": 9}})
        self.assertEqual(watcher.wait_for("done", serial=9)["code"], 0)
        self.run_in("echo 2 >public/f")
        self.assertEqual({str(r) for r in watcher.records(1)}, {"modify public/f"})

    def test_who_sees_everything_is_told_what_is_opened_read_and_executed(self):
        watcher = self.start()
        self.run_in("cp /bin/true private/program; echo x >private/text")
        self.assertEqual(watcher.add(1, self.root, ["open", "open-exec", "access", "close-nowrite"], everything=True, uid=0, gid=0, groups=[]), (0, ""))
        self.assertNotEqual(watcher.add(2, self.root, ["open"], **STRANGER)[0], 0)
        self.run_in("cat private/text >/dev/null; private/program")
        told = {(r.path, name) for r in watcher.records(1) for name in r.names}
        self.assertLessEqual({("private/text", "access"), ("private/text", "close-nowrite"), ("private/program", "open-exec"),
                              ("private/program", "open")}, told)

    def test_scopes_are_the_file_and_what_is_in_the_directory(self):
        self.run_in("mkdir public/d; touch public/f public/d/deep")
        watcher = self.start()
        for number, path, scope in ((1, "public/f", "inode"), (2, "public", "inode"), (3, "public", "children")):
            fd = os.open(f"{self.place}/{path}", os.O_RDONLY)
            self.assertEqual(watcher.add(number, fd, ["create", "attrib", "modify", "move-self"], scope, **STRANGER), (0, ""))
            os.close(fd)
        self.run_in("echo x >public/f; echo x >public/d/deep; chmod 755 public; mkdir public/new; mv public renamed")
        told = {number: {(r.path, name) for r in watcher.records(number) for name in r.names} for number in watcher.streams}
        self.assertEqual(told[1], {("", "modify")})
        self.assertEqual(told[2], {("", "attrib"), ("", "move-self")})
        self.assertEqual(told[3] - {("", "attrib"), ("", "move-self")}, {("f", "modify"), ("new", "create")})

    def test_there_are_no_more_different_users_than_that(self):
        watcher = self.start()
        resource.prlimit(watcher.process.pid, resource.RLIMIT_NOFILE, (4096, 4096))
        self.run_in("mkdir -m 700 last; chown 61023 last")
        for number in range(1023):
            self.assertEqual(watcher.add(number + 1, self.root, ["create"], stream=False, uid=60000 + number, gid=60000, groups=[]), (0, ""))
        self.assertEqual(watcher.add(1024, self.root, ["create"], uid=61023, gid=60000, groups=[]), (0, ""))
        code, text = watcher.add(1025, self.root, ["create"], uid=61024, gid=60000, groups=[])
        self.assertEqual(code, 6)  # REFUSED_LIMIT
        self.assertIn("1024", text)
        self.assertEqual(watcher.add(1026, self.root, ["create"], uid=60000, gid=60000, groups=[]), (0, ""))
        self.run_in("touch last/his")
        self.assertEqual([r.path for r in watcher.records(1024)], ["last/his"])
        self.assertEqual(watcher.records(1026), [])
        watcher.send({"remove": 2})
        self.assertEqual(watcher.add(1027, self.root, ["create"], uid=61024, gid=60000, groups=[]), (0, ""))

    # ---- directories that somebody has locked

    STRANGERS_DIRECTORY = 51003

    def locked(self, path):
        spot = f"{ring.WORK}/spot-{os.path.basename(self.place)}"
        self.run_in(f"touch {spot}")
        self.addCleanup(os.unlink, spot)
        return support.LockedDirectory(path, spot, self.STRANGERS_DIRECTORY)

    def assert_goes_on(self, watcher, place):
        """Others are told what happens elsewhere; what has come until then."""
        self.run_in("touch last", place)
        told, until = [], time.monotonic() + 3
        while "last" not in [record.path for record in told]:
            self.assertLess(time.monotonic(), until, f"nobody is told anything any more, after {told}")
            told += watcher.records(1, 0.1)
        return told

    def test_nobody_waits_for_who_has_a_directory_locked(self):
        """Where it has to be found out whose a name is."""
        watcher = self.watch()
        self.run_in(f"mkdir locked; chown {self.STRANGERS_DIRECTORY} locked; touch locked/f")
        watcher.records(1)
        with open(f"{self.place}/locked/f", "w", encoding="utf-8") as file:
            os.unlink(f"{self.place}/locked/f")
            watcher.records(1)
            with self.locked(f"{self.place}/locked"):
                file.write("x")
                file.flush()
                told = self.assert_goes_on(watcher, self.place)
        self.assertNotIn("modify locked/f", [str(record) for record in told])

    def disk(self, count):
        """A file system of its own with so many directories in one that will be locked."""
        if not os.path.exists("/dev/loop-control"):
            self.skipTest("no loop devices here")
        target = f"{self.place}/disk"
        self.run_in(f"truncate -s 16M image; mke2fs -q -F -t ext4 image; mkdir {target}; mount -o loop image {target}")
        self.addCleanup(subprocess.run, ["umount", "--lazy", target], check=True)
        self.run_in(f"mkdir -p locked/{{1..{count}}}; chown {self.STRANGERS_DIRECTORY} locked", target)
        self.superblock = self.top(target)
        return target

    def forget(self, target):
        """Drops all from the kernel's memory that is not in use."""
        self.run_in("sync -f .; mount -o remount .", target)

    def forgotten(self, count):
        """A watcher that stands still, with something in its queue that has happened in directories below one that is locked; they
        are not in the kernel's memory any more."""
        target = self.disk(count)
        watcher = self.start()
        self.assertEqual(watcher.add(1, self.open(target), ["create"], **STRANGER), (0, ""))
        watcher.process.send_signal(signal.SIGSTOP)
        self.run_in(f"for i in {{1..{count}}}; do touch locked/$i/f; done", target)
        self.forget(target)
        return watcher, target

    def test_nor_where_a_directory_has_to_be_found(self):
        watcher, target = self.forgotten(1)
        with self.locked(f"{target}/locked"):
            watcher.process.send_signal(signal.SIGCONT)
            self.assertEqual([str(record) for record in self.assert_goes_on(watcher, target)], ["create last"])
        self.assertIn("RESCAN locked/1", [str(record) for record in watcher.records(1)])

    def test_nor_for_many_that_are_locked_and_what_is_not_found_is_told_to_be_lost(self):
        watcher, target = self.forgotten(12)
        with self.locked(f"{target}/locked"):
            watcher.process.send_signal(signal.SIGCONT)
            told = self.assert_goes_on(watcher, target)
            until = time.monotonic() + 10
            while LOST not in [record.kind for record in told]:
                self.assertLess(time.monotonic(), until, f"nobody is told that something was lost: {told}")
                told += watcher.records(1, 0.2)
            self.run_in("mkdir d; touch d/f", target)
            self.assertIn("create d/f", [str(record) for record in watcher.records(1)])

    def seekers(self):
        """Those of this test's watchers that are still there, as they stand on the file system that is watched."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                    if file.read() == "usher-seeker\n" and any(os.stat(f"/proc/{pid}/fd/{fd}").st_dev == os.fstat(self.superblock).st_dev
                                                               for fd in os.listdir(f"/proc/{pid}/fd")):
                        found.append(pid)
            except OSError:
                pass
        return found

    def test_nor_for_those_who_sought_for_a_watcher_that_was_killed(self):
        watcher, target = self.forgotten(12)
        with self.locked(f"{target}/locked"):
            watcher.process.send_signal(signal.SIGCONT)
            self.assert_goes_on(watcher, target)
            watcher.process.kill()
            watcher.process.wait()
            second = self.start(kept=watcher.kept)
            self.assertEqual(second.add(1, self.open(target), ["create"], resumed=True, **STRANGER), (0, ""))
            self.assertIn(LOST, [record.kind for record in second.records(1, 1)])
            self.run_in("mkdir e; touch e/f", target)
            self.assertIn("create e/f", [str(record) for record in second.records(1)])
        second.process.kill()
        second.process.wait()
        support.wait_until(lambda: not self.seekers(), "those who sought have gone")

    def test_nor_is_all_said_that_has_changed_since_where_one_is_locked(self):
        target = self.disk(1)
        watcher = self.start()
        self.assertEqual(watcher.add(1, self.open(target), ["create"], **STRANGER), (0, ""))
        self.run_in("touch first", target)
        clock = watcher.records(1)[-1].clock
        self.run_in("touch locked/1/f", target)
        watcher.records(1)
        watcher.process.kill()
        watcher.process.wait()
        second = self.start(kept=watcher.kept)  # which knows none of them
        self.assertEqual(second.add(1, self.open(target), ["create"], resumed=True, **STRANGER), (0, ""))
        time.sleep(0.2)
        self.forget(target)
        with self.locked(f"{target}/locked"):
            for _ in range(2):  # it is sought, and is being sought
                self.assertFalse(self.since(second, clock)["complete"])
            self.assert_goes_on(second, target)
        self.assertIn("RESCAN locked/1", [str(record) for record in second.records(1, 1)])
        answer = self.since(second, clock)
        self.assertTrue(answer["complete"])
        self.assertIn("locked/1", answer["directories"])

    def test_who_comes_after_one_that_nobody_seeks_for_any_more_says_that_something_was_lost(self):
        """As when the kernel has killed who makes seekers, for want of memory."""
        self.run_in("mkdir unknown")
        watcher = self.watch()
        with open(f"/proc/{watcher.process.pid}/task/{watcher.process.pid}/children", encoding="ascii") as file:
            os.kill(int(file.read()), signal.SIGKILL)
        self.run_in("touch unknown/f")
        self.assertEqual(watcher.process.wait(5), -signal.SIGABRT)
        second = self.start(kept=watcher.kept)
        self.assertEqual(second.add(1, self.root, EVENTS, resumed=True, **STRANGER), (0, ""))
        self.assertIn(LOST, [record.kind for record in second.records(1, 1)])
        self.run_in("touch unknown/later")
        self.assertIn("unknown/later", [record.path for record in second.records(1)])

    def test_who_does_not_want_to_hear_of_himself_hears_of_others(self):
        with open("/proc/self/stat", encoding="ascii") as file:
            started = int(file.read().rpartition(")")[2].split()[19])
        watcher = self.start()
        for number, keys in ((1, {"caller_start": started}), (2, {"caller_start": started - 1}), (3, {"caller_start": started})):
            self.assertEqual(watcher.add(number, self.root, EVENTS, caller_pid=os.getpid(), **STRANGER, **keys), (0, ""))
        os.mkdir(f"{self.place}/public/own")
        os.rename(f"{self.place}/public/own", f"{self.place}/public/owned")
        self.run_in("mkdir public/others; mv public/others public/another")
        told = [[str(r) for r in watcher.records(number)] for number in watcher.streams]
        others = ["create public/others", "move public/another < public/others"]
        self.assertEqual(told[0], others)
        self.assertEqual(told[1], ["create public/own", "move public/owned < public/own", *others], "another one had the number then")
        self.assertEqual(told[2], others)
