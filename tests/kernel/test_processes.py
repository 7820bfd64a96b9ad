# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs: what they find, what becomes of them, and what goes with them."""

import os
import select
import signal
import tempfile
import termios
import time

import ring
from ring import Descriptor, Variant, wait_until


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Program:
    """One that was spawned, with what it wrote."""

    def __init__(self, client, answer, output):
        self.client = client
        self.path, self.pidfd = answer
        self.output = output

    def read(self):
        with open(self.output, encoding="utf-8", errors="replace", closefd=False) as file:
            return file.read()

    def wait(self):
        return self.client.call("Process", "Wait", {}, path=self.path)

    def pid(self):
        return self.client.get("Process", "Pid", path=self.path)


class TestCase(ring.TestCase):
    def spawn(self, *argv, fds=None, client=None, environment=None, **keys):
        """Starts a program whose standard output can be read."""
        client = client or self.me
        keys = {key: value for key, value in keys.items() if value is not None}
        ours, theirs = os.pipe()
        self.addCleanup(os.close, ours)
        with Descriptor(theirs, True) as output:
            answer = client.call("Processes", "Spawn", list(argv), environment or {}, {1: output, **(fds or {})}, keys)
        self.addCleanup(answer[1].close)
        return Program(client, answer, ours)

    def shell(self, script, **keys):
        return self.spawn("/bin/sh", "-c", script, **keys)

    def run_shell(self, script, **keys):
        program = self.shell(script, **keys)
        text = program.read()
        return text, program.wait()

    @staticmethod
    def types(*words):
        return Variant("as", list(words))

    def refused(self, error, word, *argv, **keys):
        with self.assertRaises(ring.DBusError) as caught:
            self.spawn(*argv, **keys)
        self.assertEqual(caught.exception.name, f"org.usher1.Error.{error}")
        self.assertIn(word, str(caught.exception))


class Programs(TestCase):
    def test_a_program_runs_and_its_end_is_told(self):
        text, ended = self.run_shell("echo here; exit 5")
        self.assertEqual((text, ended), ("here\n", ("exited", 5)))
        self.assertEqual(self.run_shell("kill -TERM $$")[1], ("killed", signal.SIGTERM))

    def test_one_that_dumps_its_core_has_been_dumped_and_one_that_may_not_was_killed(self):
        if ring.read("/proc/sys/kernel/core_pattern").startswith(("|", "/")):
            self.skipTest("cores go elsewhere here")
        place = tempfile.mkdtemp(dir=ring.WORK)
        for most, ended in ((1 << 24, "dumped"), (0, "killed")):
            limits = Variant("a{s(tt)}", {"core": (most, most)})
            self.assertEqual(self.run_shell("kill -SEGV $$", workdir=place, rlimits=limits)[1], (ended, signal.SIGSEGV))

    def test_it_hears_of_the_death_of_its_keeper_if_it_wants_to(self):
        program = self.shell("trap 'echo alone' USR1; echo ready; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1; done", parent_death_signal="USR1")
        self.assertEqual(os.read(program.output, 100), b"ready\n")
        keeper = int(ring.read(f"/proc/{program.pid()}/stat").rpartition(")")[2].split()[1])
        os.kill(keeper, signal.SIGKILL)
        self.assertEqual(os.read(program.output, 100), b"alone\n")
        signal.pidfd_send_signal(program.pidfd.fileno(), signal.SIGKILL)

    def test_it_has_a_namespace_of_every_kind(self):
        text, ended = self.run_shell("readlink /proc/self/ns/*; echo $$; id -u; hostname",
                                     types=self.types("all"), map_zero=True, hostname="within")
        *found, pid, uid, name = text.splitlines()
        ours = {os.readlink(f"/proc/self/ns/{kind}") for kind in ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")}
        self.assertFalse(ours & set(found))
        self.assertEqual((pid, uid, name), ("2", "0", "within"))
        self.assertEqual(ended, ("exited", 0))

    def test_the_clocks_can_be_others(self):
        text, _ = self.run_shell("cat /proc/uptime", types=self.types("user", "time", "pid", "mnt"), map_zero=True,
                                 boottime_offset_usec=Variant("x", 1_000_000_000_000))
        self.assertGreater(float(text.split()[0]), 1_000_000)
        text, _ = self.run_shell("cat /proc/uptime", types=self.types("user", "time", "pid", "mnt"),
                                 boottime_offset_usec=Variant("x", -500_000))
        self.assertLess(float(text.split()[0]), time.clock_gettime(time.CLOCK_BOOTTIME))
        self.refused("InvalidArgument", "boottime_offset_usec: a clock would show less than 0", "/bin/true", types=self.types("user", "time"),
                     boottime_offset_usec=Variant("x", -100_000_000_000_000))

    def test_a_signal_reaches_it_by_name(self):
        program = self.shell("trap 'echo got; exit 9' USR1; echo ready; while :; do sleep 0.05; done", types=self.types("user", "pid"))
        self.assertEqual(os.read(program.output, 100), b"ready\n")
        signal.pidfd_send_signal(program.pidfd.fileno(), signal.SIGUSR1)
        self.assertEqual(program.wait(), ("exited", 9))

    def test_it_is_told_exactly_once(self):
        self.me.subscribe()
        program = self.shell("exit 0")
        self.assertEqual(tuple(self.me.signal("Exited", path=program.path)[3]), ("exited", 0))
        self.assertEqual(program.wait(), ("exited", 0))
        wait_until(lambda: not self.me.objects("Process"), "the object goes when that was told")

    def test_what_fails_names_its_phase(self):
        self.refused("NotFound", "exec: /nothing: No such file", "/nothing")
        self.refused("NotFound", "directory:", "/bin/true", workdir="/nothing")
        self.refused("NotFound", "root:", "/bin/true", root="/nothing", types=self.types("user", "mnt"))
        self.assertEqual(self.me.objects("Process"), [])

    def test_a_missing_interpreter_is_named(self):
        script = self.file("script", "#!/no/such/interpreter\n")
        os.chmod(script, 0o755)
        self.refused("NotFound", "the interpreter /no/such/interpreter is missing", script)

    def test_a_root_is_another(self):
        root = self.directory("root")
        for name in ("usr", "proc", "tmp"):
            os.mkdir(f"{root}/{name}")
        for name in ("bin", "lib", "lib64"):
            os.symlink(f"usr/{name}", f"{root}/{name}")
        text, ended = self.run_shell("echo /*; ls /proc | grep -c '^[0-9]'", root=root, map_zero=True, workdir="/tmp",
                                     types=self.types("user", "mnt", "pid"), mounts=Variant("a(sssas)", [("/usr", "/usr", "bind", ["ro"])]))
        self.assertEqual(ended, ("exited", 0))
        for name in ("/usr", "/proc", "/tmp"):
            self.assertIn(name, text)
        self.assertNotIn("/etc", text)


class Lifetimes(TestCase):
    def test_a_client_that_vanishes_takes_its_program_and_its_children_along(self):
        other = self.service.client()
        program = self.shell("sleep 1000 & setsid sleep 1000 & echo $$ $!; wait", client=other)
        pids = [int(word) for word in os.read(program.output, 100).split()]
        self.assertTrue(all(is_alive(pid) for pid in pids))
        other.kill()
        for pid in pids:
            wait_until(lambda pid=pid: not is_alive(pid), "it goes with its client")

    def test_one_that_is_to_stay_stays(self):
        other = self.service.client()
        program = self.shell("sleep 1000", client=other, lifetime="manual")
        pid = program.pid()
        other.kill()
        time.sleep(0.3)
        self.assertTrue(is_alive(pid))
        self.assertEqual(self.me.get("Process", "State", path=program.path), "running")
        signal.pidfd_send_signal(program.pidfd.fileno(), signal.SIGKILL)
        self.assertTrue(select.select([program.pidfd.fileno()], [], [], 5)[0])

    def test_a_thousand_short_ones_leave_nothing(self):
        self.run_shell("")  # whatever is opened once is open then
        wait_until(lambda: not self.me.objects("Process"), "its object goes")
        before = self.service.descriptors()
        for i in range(200):
            self.assertEqual(self.run_shell(f"exit {i % 256}")[1], ("exited", i % 256))
        wait_until(lambda: not self.me.objects("Process"), "no object is left")
        wait_until(lambda: self.service.descriptors() <= before, f"no descriptor is left of more than {before}")

    def test_many_at_once_all_end(self):
        programs = [self.shell("sleep 0.2; exit 3") for _ in range(60)]
        self.assertEqual({program.wait() for program in programs}, {("exited", 3)})


class Terminals(TestCase):
    def test_a_terminal_is_its_own_and_interrupts_it(self):
        master, slave = os.openpty()
        self.addCleanup(os.close, master)
        termios.tcsetwinsize(slave, (33, 77))
        with Descriptor(slave, True) as terminal:
            path, pidfd = self.me.call("Processes", "Spawn", ["/bin/bash", "--norc", "-i"], {"PS1": "$ ", "TERM": "dumb"},
                                       {0: terminal, 1: terminal, 2: terminal}, {"terminal": Variant("u", 0), "new_session": True})
        self.addCleanup(pidfd.close)
        said = b""

        def says(word, seconds=10.0):
            nonlocal said
            end = time.monotonic() + seconds
            while word not in said and time.monotonic() < end:
                if select.select([master], [], [], 0.1)[0]:
                    said += os.read(master, 4096)
            self.assertIn(word, said)
            said = said.partition(word)[2]
        says(b"$ ")
        os.write(master, b"stty size; tty; ps -o pgid= -o tpgid= -p $$\n")
        says(b"33 77")
        says(b"/dev/pts/")
        os.write(master, b"sleep 1000\n")
        time.sleep(0.3)
        os.write(master, b"\x03")
        os.write(master, b"echo code $?\n")
        says(b"code 130")
        os.write(master, b"sleep 1000 &\n")
        os.write(master, b"jobs; fg\n")
        says(b"Running")
        time.sleep(0.3)
        os.write(master, b"\x1a")
        says(b"Stopped")
        os.write(master, b"kill %1; exit 4\n")
        os.write(master, b"exit 4\n")
        self.assertEqual(self.me.call("Process", "Wait", {}, path=path), ("exited", 4))

    def test_who_leads_no_session_may_begin_one(self):
        """And is in none with anybody else, whether it is in new namespaces or not."""
        ask = ("import os\nprint(os.getpid() in (os.getsid(0), os.getpgrp()), os.getsid(0), os.getpgrp(), flush=True)\n"
               "try: os.setsid(); print('begun')\nexcept PermissionError: print('leads one')")
        for types in ([], ["user", "pid"], ["all"]):
            with self.subTest(types=types):
                told = {}
                for leads in (True, False):
                    program = self.spawn("/usr/bin/python3", "-c", ask, types=self.types(*types), new_session=leads)
                    told[leads] = program.read().split(maxsplit=3)
                    self.assertEqual(program.wait(), ("exited", 0))
                self.assertEqual((told[True][0], told[True][3]), ("True", "leads one\n"))
                self.assertEqual((told[False][0], told[False][3]), ("False", "begun\n"))
                self.assertEqual(told[False][1], told[False][2])
                # who began it has ended, and is out of sight in new pids
                self.assertFalse(int(told[False][1]) and os.path.exists(f"/proc/{told[False][1]}"))

    def test_what_leads_no_session_ends_nobody_with_its_group(self):
        text, ended = self.run_shell("trap '' TERM; kill -TERM 0; echo still here; exit 3", new_session=False)
        self.assertEqual((text, ended), ("still here\n", ("exited", 3)))

    def test_a_terminal_that_is_somebody_elses_is_refused(self):
        ours, theirs = os.pipe()
        with Descriptor(ours, True) as one, Descriptor(theirs, True), self.assertRaises(ring.DBusError) as caught:
            self.me.call("Processes", "Spawn", ["/bin/true"], {}, {0: one}, {"terminal": Variant("u", 0)})
        self.assertIn("descriptors:", str(caught.exception))
