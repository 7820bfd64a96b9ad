# SPDX-License-Identifier: LGPL-2.1-or-later
"""The commands usher run, enter, ps, kill and namespace, as people at a shell use them."""

import fcntl
import json
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import support
from support import wait_until
from test_cli import CommandTestCase as _CommandTestCase

TYPES = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")


# ---- in alice's session

def feed(text, *command):
    """Exit status and output of a command that is given this on standard input."""
    result = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)
    return result.returncode, result.stdout, result.stderr


def begin(*command):
    """Start a command and leave it: its pid, and the first line that it prints."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    _BEGUN[process.pid] = process
    return process.pid, process.stdout.readline()


_BEGUN = {}


def end(pid, *numbers):
    """Send signals to what begin() began; its exit status."""
    process = _BEGUN.pop(pid)
    for number in numbers:
        process.send_signal(number)
    process.stdout.close()
    return process.wait(60)


def resize(terminal, rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def converse(steps, *command):
    """Run a command on a terminal of 24 by 80.  Each step is a pattern to wait for, and then what to do: bytes to type, or a
    size for the window.  Returns the exit status, what was to be seen, and whether the terminal is again as it was."""
    terminal, other = os.openpty()
    resize(terminal, 24, 80)
    before = termios.tcgetattr(other)
    pid = os.fork()
    if pid == 0:
        os.login_tty(other)
        os.execvp(command[0], command)
    seen, at, steps = "", 0, list(steps)
    limit = time.monotonic() + 40
    while time.monotonic() < limit:
        while steps and (found := re.compile(steps[0][0], re.DOTALL).search(seen, at)):
            at = found.end()
            act = steps.pop(0)[1]
            if isinstance(act, tuple):
                resize(terminal, *act)
            elif act:
                os.write(terminal, act)
        if select.select([terminal], [], [], 0.1)[0]:
            seen += os.read(terminal, 4096).decode(errors="replace")
        elif (ended := os.waitpid(pid, os.WNOHANG))[0]:
            after = termios.tcgetattr(other)
            os.close(terminal)
            os.close(other)
            return os.waitstatus_to_exitcode(ended[1]), seen, after == before, [step[0] for step in steps]
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None, seen, False, [step[0] for step in steps]


class RunTestCase(_CommandTestCase):
    def run_good(self, *arguments, **keywords):
        return self.good("run", *arguments, **keywords)

    def inside(self, *options):
        """What a shell script, the last of the options, prints in there."""
        return self.run_good(*options[:-1], "--", "sh", "-ec", options[-1])

    def talk(self, *steps, command):
        status, seen, restored, left = self.alice.run(converse, steps, *command)
        self.assertEqual(left, [], seen)
        return status, seen, restored

    def namespace(self, name, *options):
        path = self.good("namespace", "create", *options, name).strip()
        self.assertRegex(path, r"\A/org/usher1/namespace/\d+\Z")
        self.addCleanup(self.usher, "namespace", "destroy", path)
        return path


class Streams(RunTestCase):
    def test_the_status_is_that_of_the_program(self):
        self.file("plain", "no program")
        for status, command in ((0, ("true",)), (1, ("false",)), (7, ("sh", "-c", "exit 7")), (137, ("sh", "-c", "kill -9 $$")),
                                (143, ("sh", "-c", "kill $$")), (255, ("sh", "-c", "exit 255"))):
            with self.subTest(command=command):
                self.assertEqual(self.usher("run", *command), (status, "", ""))
                self.assertEqual(self.usher("run", "--all", *command), (status, "", ""))
        self.bad("no-such", "exec", arguments=("run", "no-such"), status=127)
        self.bad("exec", arguments=("run", "/no/such"), status=127)
        self.bad("plain", "exec", arguments=("run", f"{self.home}/plain"), status=126)
        self.bad("exec", arguments=("run", "/"), status=126)

    def test_standard_input_output_and_error_are_those_of_the_command(self):
        script = "cat; echo out; echo error >&2; readlink /proc/self/fd/0"
        status, output, error = self.alice.run(feed, "in\n", "usher", "run", "--all", "sh", "-c", script)
        self.assertEqual((status, error), (0, "error\n"))
        self.assertRegex(output, r"\Ain\nout\npipe:\[\d+\]\n\Z")

    def test_the_program_has_the_descriptors_it_was_given_and_no_other(self):
        self.assertEqual(self.run_good("sh", "-c", "ls /proc/$$/fd").split(), ["0", "1", "2"])
        status, output, error = self.alice.run(
            feed, "", "sh", "-c", "exec 5</etc/passwd 6</etc/group; usher run --fd 6 sh -c 'ls /proc/$$/fd; head -n 1 <&6'")
        self.assertEqual((status, error), (0, ""))
        self.assertEqual(output.split(), ["0", "1", "2", "6", support.read_file("/etc/group").splitlines()[0]])

    def test_what_follows_the_program_is_its_own(self):
        self.assertEqual(self.run_good("echo", "-n", "--all", "--", "-v"), "--all -- -v")
        self.assertEqual(self.run_good("--", "echo", "--json", "--help"), "--json --help\n")
        self.assertEqual(self.run_good("-Um", "--", "echo", "--user"), "--user\n")

    def test_the_end_is_told_if_that_was_asked_for(self):
        status, output, error = self.usher("run", "-v", "sh", "-c", "exit 3")
        self.assertEqual((status, output), (3, ""))
        self.assertRegex(error, r"\Ausher run: sh is /org/usher1/process/\d+\nusher run: it has exited with 3\n\Z")

    def test_signals_reach_the_program(self):
        script = "trap 'exit 5' TERM HUP INT; echo ready; while :; do sleep 0.1; done"
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            with self.subTest(number=number):
                pid, line = self.alice.run(begin, "usher", "run", "--all", "sh", "-c", script)
                self.assertEqual(line, "ready\n")
                self.assertEqual(self.alice.run(end, pid, number), 5)
        pid, line = self.alice.run(begin, "usher", "run", "--all", "sh", "-c", "echo ready; exec sleep 1000")
        self.assertEqual(line, "ready\n")
        self.assertEqual(self.alice.run(end, pid, signal.SIGTERM), 143)

    def test_a_program_goes_with_the_command_unless_it_is_kept(self):
        for options, stays in (((), False), (("--keep",), True)):
            with self.subTest(options=options):
                pid, line = self.alice.run(begin, "usher", "run", *options, "sh", "-c", "echo $$; exec sleep 1000")
                self.addCleanup(self.usher, "kill", "-s", "KILL", line.strip())
                self.assertEqual(self.alice.run(end, pid, signal.SIGKILL), -signal.SIGKILL)
                if stays:
                    time.sleep(0.5)
                    self.assertTrue(os.path.exists(f"/proc/{line.strip()}"))
                    self.good("kill", "-s", "KILL", line.strip())
                wait_until(lambda program=line.strip(): not os.path.exists(f"/proc/{program}"), "the program ends")

    def test_the_service_may_go_and_come_while_a_program_runs(self):
        pid, line = self.alice.run(begin, "usher", "run", "--all", "sh", "-c", "echo ready; sleep 2; exit 9")
        self.assertEqual(line, "ready\n")
        os.kill(support.main_pid("usherd.service"), signal.SIGKILL)
        self.assertEqual(self.alice.run(end, pid), 9)


class New(RunTestCase):
    def links(self, *options):
        output = self.inside(*options, "for t in cgroup ipc mnt net pid time user uts; do readlink /proc/self/ns/$t; done")
        return dict(line.split(":") for line in output.splitlines())

    def test_of_every_type_alone_and_all_together(self):
        outside = self.links("--no-tty")
        for kind in TYPES:
            with self.subTest(kind=kind):
                inside = self.links("--user", f"--{kind}")
                self.assertEqual({name for name in TYPES if inside[name] != outside[name]}, {"user", kind})
        inside = self.links("--all")
        self.assertEqual([name for name in TYPES if inside[name] == outside[name]], [])
        inside = self.links("--all", "--share", "net,ipc")
        self.assertEqual([name for name in TYPES if inside[name] == outside[name]], ["ipc", "net"])

    def test_without_a_map_one_is_who_one_is(self):
        self.assertEqual(self.inside("--all", "id -u; id -g; cat /proc/self/uid_map").split(),
                         [str(self.uid), str(os.stat(self.home).st_gid), str(self.uid), str(self.uid), "1"])

    def test_a_map_makes_one_root_or_somebody_else(self):
        self.assertEqual(self.inside("-Ur", "id -u; id -g; cat /proc/self/setgroups").split(), ["0", "0", "deny"])
        self.assertEqual(self.inside("-U", "--uid-map", f"7 {self.uid} 1", "id -u").split(), ["7"])
        self.assertEqual(self.inside("-U", "--uid-map", str(self.uid), "id -u").split(), ["0"])
        self.bad("uid_map", arguments=("run", "-U", "--uid-map", "0 0 1", "true"), status=125)

    def test_with_new_pids_there_is_nobody_else(self):
        lines = self.run_good("-Umpr", "ps", "ax").splitlines()
        self.assertEqual(len(lines), 3, lines)  # the heading, process 1, and ps
        self.assertIn("ps ax", lines[2])

    def test_what_is_new_may_be_in_what_is_new(self):
        for line in ("-Upm", "-a"):
            with self.subTest(line=line):
                lines = self.run_good(line, "usher", "run", line, "ps", "ax").splitlines()
                self.assertEqual(len(lines), 3, lines)

    def test_names_are_set_inside(self):
        self.assertEqual(self.inside("-Uu", "--hostname", "box", "--domainname", "yard", "hostname; cat /proc/sys/kernel/domainname"),
                         "box\nyard\n")
        self.assertNotEqual(os.uname().nodename, "box")

    def test_clocks_are_ahead_inside(self):
        ahead = float(self.inside("-UT", "--boottime", "1000000", "cat /proc/uptime").split()[0])
        self.assertGreater(ahead, float(support.read_file("/proc/uptime").split()[0]) + 999000)

    def test_mounts_and_a_root_are_made_inside(self):
        before = support.mounts()
        self.directory("r")
        for name in ("usr", "proc", "tmp", "home"):
            self.directory(f"r/{name}")
        for name in ("bin", "lib", "lib64"):
            os.symlink(f"usr/{name}", f"{self.home}/r/{name}")
        self.file("f", "text")
        output = self.inside("-ar", "-R", "r", "-M", "type=rbind,source=/usr,target=/usr,ro", "-M", "type=tmpfs,target=/tmp,size=1m",
                             "-M", f"source={self.home},target=/home", "-w", "/tmp",
                             "pwd; ls /; cat /home/f; grep -c ' /tmp tmpfs' /proc/mounts; touch /tmp/x; touch /usr/x 2>&1 || true")
        self.assertEqual(output.splitlines()[0], "/tmp")
        self.assertIn("text", output)
        self.assertIn("Read-only", output)
        self.assertNotIn("etc", output.splitlines())
        self.assertEqual(support.mounts(), before)

    def test_a_root_is_made_of_mounts_alone(self):
        output = self.inside("-ar", "-M", "type=tmpfs,target=/", *(word for name in ("usr", "bin", "lib", "lib64") for word in (
            "-M", f"type=rbind,source=/{name},target=/{name},ro")), "-M", "type=dev,target=/dev", "pwd; echo /*")
        self.assertEqual(output.splitlines(), ["/", "/bin /dev /lib /lib64 /proc /usr"])

    def test_the_directory_is_the_commands_own_unless_it_is_named(self):
        self.directory("d")
        self.assertEqual(self.inside("pwd"), f"{self.home}\n")
        self.assertEqual(self.inside("-a", "pwd"), f"{self.home}\n")
        self.assertEqual(self.inside("-w", "d", "pwd"), f"{self.home}/d\n")
        self.assertEqual(self.inside("-a", "-w", "/", "pwd"), "/\n")
        self.bad("directory", arguments=("run", "-w", "nowhere", "true"), status=125)

    def test_the_environment_is_the_commands_own_unless_it_is_cleared(self):
        mine = {"MINE": "1 = 2\n3"}
        self.assertEqual(self.run_good("sh", "-c", 'echo "$MINE"; echo "$HOME"', environment=mine), "1 = 2\n3\n/home/alice\n")
        self.assertEqual(self.run_good("-e", "MINE=x", "sh", "-c", 'echo "$MINE"', environment=mine), "x\n")
        output = self.run_good("--clear-env", "-e", "MINE", "-e", "NONE", "-e", "A=b=c", "/usr/bin/env", environment=mine)
        self.assertEqual(output, "MINE=1 = 2\n3\nA=b=c\n")

    def test_limits_umask_and_niceness_are_set(self):
        self.assertEqual(self.inside("--limit", "nofile=10:20", "--nice", "5", "ulimit -n; ulimit -Hn; nice").split(), ["10", "20", "5"])
        status, output, error = self.alice.run(feed, "", "sh", "-c", "umask 027; usher run sh -c umask")
        self.assertEqual((status, output, error), (0, "0027\n", ""))

    def test_no_privilege_is_to_be_had(self):
        output = self.inside("-U", "grep -E 'NoNewPrivs|CapEff' /proc/self/status").split()
        self.assertEqual(output, ["CapEff:", "0" * 16, "NoNewPrivs:", "1"])
        self.assertNotEqual(self.inside("-Ur", "grep CapEff /proc/self/status").split()[1], "0" * 16)

    def test_a_refusal_says_which_option_helps(self):
        self.bad("--user", arguments=("run", "--no-ask", "--pid", "true"), status=125)
        self.bad("--user", arguments=("namespace", "create", "--no-ask", "--net", "n"), status=1)
        self.bad("--mnt", arguments=("run", "--user", "--root", "/", "true"), status=125)
        self.bad("--uts", arguments=("namespace", "create", "--user", "--hostname", "x", "n"), status=1)
        self.bad("--map-root", arguments=("run", "--user", "--uid", "0", "true"), status=125)
        self.assertNotIn("With", self.bad("exec", arguments=("run", "no-such"), status=127))
        self.assertNotIn("With", self.bad("nosuidd", arguments=("run", "-am", "-M", "target=/mnt,type=tmpfs,nosuidd", "true"), status=125))
        self.bad("workdir", arguments=("run", "-w", "/nowhere", "true"), status=125)
        self.bad("Add --user", arguments=("run", "--capability", "net_admin", "true"), status=125)
        self.bad("type=rbind", arguments=("run", "-a", "-M", "source=/sys,target=/mnt", "true"), status=125)
        self.bad("--env: '=x'", arguments=("run", "-e", "=x", "true"), status=2)


class Terminal(RunTestCase):
    def test_a_program_before_which_the_user_sits_has_a_terminal_of_its_own(self):
        script = "tty; stty size; ps -o tpgid=,pid= $$; read line; echo \"got $line\"; exit 4"
        status, seen, restored = self.talk((r"24 80", b"hello\n"), (r"got hello", None),
                                           command=("usher", "run", "sh", "-c", script))
        self.assertEqual((status, restored), (4, True), seen)
        self.assertIn("/dev/pts/", seen)

    def test_keys_are_the_programs_and_job_control_works_in_a_shell(self):
        status, seen, restored = self.talk(
            (r"READY", b"(echo a$((1)); exec sleep 1000)\n"), (r"a1", b"\x03"),
            (r"READY", b"(echo b$((1)); exec sleep 1000)\n"), (r"b1", b"\x1a"),
            (r"Stopped.*READY", b"kill %1; fg\n"), (r"READY", b"echo still $((40 + 2))\n"), (r"still 42", b"exit 6\n"),
            command=("usher", "run", "--all", "-e", "PS1=READY ", "bash", "--norc", "-i"))
        self.assertEqual((status, restored), (6, True), seen)
        self.assertNotIn("no job control", seen)

    def test_an_interrupt_ends_a_program_also_in_new_pids(self):
        for options in ((), ("--all",)):
            with self.subTest(options=options):
                status, seen, restored = self.talk((r"up", b"\x03"), command=("usher", "run", *options, "sh", "-c", "echo up; exec sleep 1000"))
                self.assertEqual((status, restored), (130, True), seen)

    def test_the_size_of_the_window_is_passed_on(self):
        script = "trap 'stty size; exit 0' WINCH; echo up; while :; do sleep 0.1; done"
        status, seen, _ = self.talk((r"up", (50, 132)), (r"50 132", None), command=("usher", "run", "--all", "sh", "-c", script))
        self.assertEqual(status, 0, seen)

    def test_a_pipe_is_passed_on_as_it_is_and_the_terminal_with_it(self):
        status, seen, restored = self.talk((r"T1 T0", None), command=("sh", "-c", "usher run sh -c '[ -t 0 ] && echo T1' | { read a; echo $a T0; }"))
        self.assertEqual((status, restored), (0, True), seen)

    def test_no_terminal_is_made_where_none_is_wanted_or_none_is_there(self):
        status, seen, restored = self.talk((r"not a tty|/dev/pts", None), command=("usher", "run", "--no-tty", "sh", "-c", "cat </dev/tty; tty"))
        self.assertEqual((status, restored), (0, True), seen)
        self.assertIn("No such device", seen)  # it has no controlling terminal
        self.bad("terminal", arguments=("run", "--tty", "true"), status=125)

    def test_all_that_was_written_is_seen(self):
        status, seen, _ = self.talk(command=("usher", "run", "--all", "seq", "20000"))
        self.assertEqual(status, 0)
        self.assertTrue(seen.replace("\r", "").endswith("19999\n20000\n"), seen[-100:])


class Kept(RunTestCase):
    def test_namespaces_are_made_listed_shown_entered_and_destroyed(self):
        path = self.namespace("lab", "--all", "--map-root", "--hostname", "box")
        heading, line = self.good("namespace", "list").splitlines()
        self.assertEqual(heading.split(), ["NAME", "LEADER", "OWNER", "TYPES", "OBJECT"])
        name, leader, owner, types, found = line.split()
        self.assertEqual((name, owner, found), ("lab", str(self.uid), path))
        self.assertEqual(sorted(types.split(",")), sorted(TYPES))
        shown = self.good("namespace", "show", "lab")
        for word in ("lab", path, leader, f"0 inside is {self.uid} outside, 1 of them", "manual"):
            self.assertIn(word, shown)
        self.assertEqual(self.good("enter", "lab", "hostname"), "box\n")
        self.assertEqual(self.good("enter", "lab", "--", "id", "-u"), "0\n")
        self.assertEqual(self.good("namespace", "enter", path, "-e", "X=1", "--", "sh", "-c", "echo $X"), "1\n")
        self.assertEqual(self.good("run", "--in", "lab", "hostname"), "box\n")
        self.assertEqual(self.good("--in", "lab", "hostname"), "box\n")
        self.good("--in", "lab", "hostname", "chest")
        self.assertEqual(self.good("--in", "lab", "hostname"), "chest\n")
        self.assertEqual(self.usher("enter", "lab", "sh", "-c", "exit 3")[0], 3)
        link = os.readlink(f"/proc/{leader}/ns/net")
        self.assertEqual(self.good("enter", leader, "readlink", "/proc/self/ns/net"), f"{link}\n")
        self.assertEqual(self.good("namespace", "destroy", "lab"), "")
        wait_until(lambda: not os.path.exists(f"/proc/{leader}"), "the leader ends")
        self.assertEqual(self.good("namespace", "list"), f"{heading.replace(heading, 'NAME  LEADER  OWNER  TYPES  OBJECT')}\n")
        self.bad("lab", arguments=("namespace", "show", "lab"))
        self.bad("lab", arguments=("enter", "lab", "true"), status=125)

    def test_a_name_is_had_once_and_belongs_to_its_owner(self):
        self.namespace("lab", "-Uu")
        self.bad("lab", arguments=("namespace", "create", "-Uu", "lab"))
        bob = self.client("bob")
        self.assertEqual(self.usher("namespace", "destroy", "lab", client=bob, directory="/")[0], 1)
        self.assertNotIn("lab", self.usher("namespace", "list", client=bob, directory="/")[1])
        self.assertIn("lab", self.usher("namespace", "list", "--all", client=bob, directory="/")[1])

    def test_the_answers_are_there_in_json(self):
        path = json.loads(self.good("--json", "namespace", "create", "-Uru", "lab"))["object"]
        self.addCleanup(self.usher, "namespace", "destroy", path)
        entry, = json.loads(self.good("--json", "namespace", "list"))
        self.assertEqual(entry, json.loads(self.good("--json", "namespace", "show", "lab")))
        self.assertEqual((entry["name"], entry["object"], entry["owner"], sorted(entry["types"])), ("lab", path, self.uid, ["user", "uts"]))
        self.assertEqual(entry["uid_map"], [{"inside": 0, "outside": self.uid, "count": 1}])
        process = json.loads(self.good("--json", "run", "-d", "--in", "lab", "sleep", "1000"))["object"]
        listed, = [one for one in json.loads(self.good("--json", "ps")) if one["object"] == process]
        self.assertEqual((listed["object"], listed["namespace"], listed["namespace_object"], listed["command"], listed["state"]),
                         (process, "lab", path, ["sleep", "1000"], "running"))
        self.assertEqual(json.loads(self.good("--json", "kill", process)), {})
        self.assertEqual(json.loads(self.good("--json", "namespace", "destroy", "lab")), {})

    def test_namespaces_of_a_running_process_get_a_name(self):
        pid, line = self.alice.run(begin, "unshare", "-Ur", "--uts", "sh", "-c", "hostname there; echo up; exec sleep 1000")
        self.assertEqual(line, "up\n")
        self.addCleanup(self.alice.run, end, pid, signal.SIGKILL)
        self.good("namespace", "attach", "found", str(pid))
        self.assertEqual(self.good("enter", "found", "hostname"), "there\n")
        self.good("namespace", "destroy", "found")
        self.assertTrue(os.path.exists(f"/proc/{pid}"))
        self.assertEqual(self.good("enter", str(pid), "hostname"), "there\n")

    def test_what_is_held_by_a_connection_goes_with_the_command(self):
        pid, line = self.alice.run(begin, "usher", "--lifetime", "connection", "namespace", "create", "-Uu", "lab")
        self.assertIn("lab", self.good("namespace", "list"))
        self.assertRegex(line, "/org/usher1/namespace/")
        self.assertEqual(self.alice.run(end, pid, signal.SIGTERM), 0)
        wait_until(lambda: "lab" not in self.usher("namespace", "list")[1], "the namespaces go")


class Processes(RunTestCase):
    def test_what_was_detached_is_listed_and_gets_signals(self):
        path = self.good("run", "-d", "-U", "sleep", "1000").strip()
        self.assertRegex(path, r"\A/org/usher1/process/\d+\Z")
        self.addCleanup(self.usher, "kill", "-s", "KILL", path)
        heading, *lines = self.good("ps").splitlines()
        line, = [line for line in lines if path in line]
        self.assertEqual(heading.split(), ["PID", "OWNER", "STATE", "NAMESPACE", "OBJECT", "COMMAND"])
        pid, owner, state, namespace, found, *command = line.split()
        self.assertEqual((owner, state, namespace, found, command), (str(self.uid), "running", "-", path, ["sleep", "1000"]))
        self.assertEqual(os.readlink(f"/proc/{pid}/fd/0"), "/dev/null")
        self.assertEqual(support.read_file(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()[3], pid)  # it leads a session
        self.bad("WINK", arguments=("kill", "-s", "WINK", path))
        self.good("kill", "-s", "STOP", pid)
        wait_until(lambda: support.read_file(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()[0] == "T", "it stops")
        self.good("kill", "-s", "SIGCONT", path)
        self.good("kill", pid)
        wait_until(lambda: any(path in line and "killed 15" in line for line in self.good("ps").splitlines()), "the end is told")
        self.bad("1", arguments=("kill", "1"))

    def test_those_of_others_are_theirs(self):
        path = self.good("run", "-d", "sleep", "1000").strip()
        self.addCleanup(self.usher, "kill", "-s", "KILL", path)
        bob = self.client("bob")
        self.assertNotIn(path, self.usher("ps", client=bob, directory="/")[1])
        self.assertIn(path, self.usher("ps", "-a", client=bob, directory="/")[1])
        status, _, error = self.usher("--no-ask", "kill", path, client=bob, directory="/")
        self.assertEqual(status, 1, error)


if __name__ == "__main__":
    sys.exit("see tests/system/run")
