# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command usher, as people at a shell use it."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

import support
from support import Place, wait_until


def run(*command, directory=None, environment=None):
    """In the process that calls this, hence in its session."""
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                            cwd=directory, env={**os.environ, **(environment or {})}, timeout=60)
    return result.returncode, result.stdout.decode("utf-8", "surrogateescape"), result.stderr.decode("utf-8", "surrogateescape")


_HELD = []


def start(*command):
    """The same without waiting: its pid and the first line that it prints."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    _HELD.append(process)
    return process.pid, process.stdout.readline().decode()


def end(pid, number):
    """Send a signal to what start() started; its exit status."""
    process, = [process for process in _HELD if process.pid == pid]
    _HELD.remove(process)
    process.send_signal(number)
    process.stdout.close()
    return process.wait()


def on_terminal(command, prompt, answer):
    """The same on a terminal of its own, where who reads the prompt types the answer: exit status and all that was to be seen."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    seen = b""
    asked = False
    while True:
        try:
            piece = os.read(terminal, 4096) if select.select([terminal], [], [], 30)[0] else b""
        except OSError:  # the last one has closed it
            piece = b""
        if not piece:
            break
        seen += piece
        if prompt in seen and not asked:
            asked = True
            # what is typed before the echo is switched off is thrown away
            wait_until(lambda: not termios.tcgetattr(terminal)[3] & termios.ECHO, "a password can be typed")
            time.sleep(0.1)
            os.write(terminal, answer)
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode()


class CommandTestCase(support.MountTestCase):
    def usher(self, *arguments, directory=None, environment=None, client=None):
        """Exit status, standard output, standard error."""
        return (client or self.alice).run(run_usher, arguments, directory or self.home, environment)

    def good(self, *arguments, **keywords):
        status, output, error = self.usher(*arguments, **keywords)
        self.assertEqual((status, error), (0, ""))
        return output

    def made_by(self, *arguments, **keywords):
        output = self.good(*arguments, **keywords)
        self.assertRegex(output, r"\A/org/usher1/mount/\d+\n\Z")
        return self.made(output.strip())

    def bad(self, *words, arguments, status=1, **keywords):
        found, output, error = self.usher(*arguments, **keywords)
        self.assertEqual((found, output), (status, ""), error)
        for word in words:
            self.assertIn(word, error)
        return error


def run_usher(arguments, directory, environment):
    return run("usher", *arguments, directory=directory, environment=environment)


class Good(CommandTestCase):
    def test_mount_and_umount_of_a_tmpfs(self):
        target = self.directory("m")
        self.made_by("mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "m")
        self.assert_mounted(target, "tmpfs", ("nosuid", "nodev"))
        self.assertEqual(os.stat(target).st_mode & 0o777, 0o700)
        self.assertEqual(self.good("umount", "m"), "")
        self.assert_not_mounted(target)

    def test_umount_by_object(self):
        target = self.directory("m")
        mount = self.made_by("mount", "-t", "tmpfs", target)
        self.good("umount", mount)
        self.assert_not_mounted(target)

    def test_mount_of_an_image(self):
        image, target = support.make_image("squashfs", f"{self.home}/i", "alice"), self.directory("m")
        for arguments in ((), ("-r",), ("-t", "squashfs"), ("-t", "auto", "--image"), ("-o", "noexec,nosuid"), ("-O", "noatime")):
            with self.subTest(arguments=arguments):
                self.made_by("mount", *arguments, "i", "m")
                self.assert_mounted(target, "squashfs", ("ro", "nosuid", "nodev"))
                self.good("umount", "-l", target)
        self.assertTrue(os.path.exists(image))

    def test_bind(self):
        source, target = self.directory("a"), self.directory("b")
        self.directory("a/below")
        self.file("a/f", "text")
        self.made_by("mount", "-t", "tmpfs", "a/below")
        self.made_by("bind", "a", "b")
        self.assertEqual(sorted(os.listdir(target)), ["below", "f"])
        self.good("umount", "b")
        mount = self.made_by("bind", "-R", "-r", "a", "b")
        self.assert_mounted(target, "ext4", ("ro",))
        self.assert_mounted(f"{target}/below", "tmpfs", ("ro",))
        self.good("umount", "--lazy", mount)
        self.made_by("bind", "--idmap", f"{self.uid} 5200000 1", "a", "b")
        self.assertEqual(os.stat(f"{target}/f").st_uid, 5200000)
        self.assertEqual(os.stat(f"{source}/f").st_uid, self.uid)

    def test_overlay(self):
        for name in ("one", "t:wo", "upper", "work", "m"):
            self.directory(name)
        self.file("one/f", "1")
        self.file("t:wo/g", "2")
        self.made_by("overlay", "-l", "one", "-l", "t\\:wo", "-u", "upper", "-w", "work", "m")
        self.assertEqual(sorted(os.listdir(f"{self.home}/m")), ["f", "g"])
        self.good("umount", "m")
        self.made_by("overlay", "-l", "one:t\\:wo", "m")
        self.assertEqual(sorted(os.listdir(f"{self.home}/m")), ["f", "g"])

    def test_remount(self):
        target = self.directory("m")
        self.made_by("mount", "-t", "tmpfs", "m")
        self.assertEqual(self.good("remount", "-o", "ro,noexec", "m"), "")
        self.assert_mounted(target, "tmpfs", ("ro", "noexec"))
        self.good("remount", "--propagation", "private", "m")
        self.assertEqual(support.mount_at(target).propagation, ())

    def test_move(self):
        target = self.directory("m")
        self.made_by("mount", "-t", "tmpfs", "m")
        self.good("remount", "--propagation", "private", "m")
        for name in ("a", "b"):
            self.alice.run(os.mkdir, f"{target}/{name}")
        self.made_by("mount", "-t", "tmpfs", "m/a")
        self.assertEqual(self.good("move", "m/a", "m/b"), "")
        self.assert_mounted(f"{target}/b")
        self.assert_not_mounted(f"{target}/a")

    def test_mounts(self):
        target = self.directory("m")
        mount = self.made_by("mount", "-t", "tmpfs", "-o", "size=1m", "m")
        lines = self.good("mounts").splitlines()
        self.assertEqual(lines[0].split(), ["TARGET", "SOURCE", "TYPE", "OWNER", "OBJECT", "OPTIONS"])
        self.assertEqual(len(lines) - 1, len(support.mounts()))
        heading, line = self.good("mounts", "--mine").splitlines()
        self.assertEqual(line.split()[:5], [target, "tmpfs", "tmpfs", str(self.uid), mount])
        self.assertEqual(self.good("mounts", "m").splitlines()[1], line)
        self.assertEqual(heading.split(), lines[0].split())

    def test_hostname_and_domainname(self):
        self.assertEqual(self.good("hostname"), f"{os.uname().nodename}\n")
        with open("/proc/sys/kernel/domainname", encoding="ascii") as file:
            self.assertEqual(self.good("domainname"), file.read())
        result = support.run_as("alice", "unshare", "--user", "--map-root-user", "--uts", "sh", "-ec",
                                "usher hostname mine; usher domainname ours; hostname; usher hostname; usher domainname")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "mine\nmine\nours\n", ""))

    def test_status(self):
        self.made_by("mount", "-t", "tmpfs", self.directory("m"))
        told = dict(line.split(":", 1) for line in self.good("status").splitlines())
        self.assertIn(str(support.main_pid("usherd.service")), told["service"])
        self.assertEqual(told["your mounts"].strip(), "1")
        self.assertEqual(told["host name"].strip(), os.uname().nodename)

    def test_limits(self):
        told = {label: value.strip() for label, value in (line.split(":", 1) for line in self.good("limits").splitlines())}
        self.assertEqual(list(told), ["calls under way", "mounts", "namespaces", "processes", "watches", "loop devices", "signal traps", "timers", "objects", "descriptors",
                                      "bytes of requests", "streams", "bytes of rows", "monitors", "questions"])
        for label, name in (("calls under way", "Calls"), ("mounts", "Mounts"), ("namespaces", "Namespaces"), ("processes", "Processes"),
                            ("watches", "Watches"), ("loop devices", "LoopDevices"), ("signal traps", "Traps"), ("timers", "Timers"), ("objects", "Objects"),
                            ("descriptors", "Descriptors"), ("bytes of requests", "QueuedBytes"),
                            ("streams", "Streams"), ("bytes of rows", "RowBytes"), ("monitors", "Monitors"), ("questions", "Questions")):
            self.assertEqual(told[label], str(self.alice.get("Limits", name)))
        self.assertEqual(json.loads(self.good("--json", "limits")),
                         {"calls": int(told["calls under way"]), "mounts": int(told["mounts"]), "namespaces": int(told["namespaces"]),
                          "processes": int(told["processes"]), "watches": int(told["watches"]), "loop_devices": int(told["loop devices"]),
                          "traps": int(told["signal traps"]), "timers": int(told["timers"]), "objects": int(told["objects"]),
                          "descriptors": int(told["descriptors"]),
                          "queued_bytes": int(told["bytes of requests"]), "streams": int(told["streams"]),
                          "row_bytes": int(told["bytes of rows"]), "monitors": int(told["monitors"]),
                          "questions": int(told["questions"])})

    def test_pivot_root(self):
        result = support.run_as("alice", "unshare", "--user", "--map-root-user", "--mount", "sh", "-ec",
                                f'mkdir "{self.home}/root"; cd "{self.home}"; usher mount -t tmpfs root >/dev/null; '
                                'mkdir root/old; cd root; usher pivot-root . old; cd /; echo *; echo old/et[c]')
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "old\nold/etc\n", ""))

    def test_in_names_a_process(self):
        target = self.directory("m")
        with Place("alice", "--user", "--map-root-user", "--mount", "--uts") as place:
            mount = self.made_by("--in", str(place.pid), "mount", "-t", "tmpfs", target)
            self.assert_mounted(target, "tmpfs", pid=place.pid)
            self.assert_not_mounted(target)
            self.assertIn(target, self.good("--in", str(place.pid), "mounts"))
            self.assertNotIn(target, self.good("mounts"))
            self.good("hostname", "inner", "--in", str(place.pid))
            self.assertEqual(self.good("--in", str(place.pid), "hostname"), "inner\n")
            self.good("umount", mount)
            self.assert_not_mounted(target, place.pid)

    def test_what_is_held_by_a_connection_goes_when_the_command_is_told_to_end(self):
        target = self.directory("m")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(signal=number):
                pid, line = self.alice.run(start, "usher", "--lifetime", "connection", "mount", "-t", "tmpfs", target)
                self.made(line.strip())
                self.assert_mounted(target, "tmpfs")
                time.sleep(0.2)
                self.assert_mounted(target, "tmpfs")
                self.assertEqual(self.alice.run(end, pid, number), 0)
                wait_until(lambda: support.mount_at(target) is None, "the mount has gone with the command")

    def test_what_is_held_by_a_connection_goes_when_the_command_is_killed(self):
        source, target = self.directory("a"), self.directory("b")
        pid, line = self.alice.run(start, "usher", "bind", "--lifetime=connection", source, target)
        self.made(line.strip())
        self.assert_mounted(target)
        self.alice.run(end, pid, signal.SIGKILL)
        wait_until(lambda: support.mount_at(target) is None, "the mount has gone with the command")

    def test_help_and_version(self):
        text = self.good("--help")
        for command in ("mount", "umount", "bind", "overlay", "remount", "move", "mounts", "pivot-root", "hostname",
                        "domainname", "status", "limits", "log"):
            self.assertIn(f"  {command} ", text)
            self.assertIn(f"usage: usher {command}", self.good(command, "--help"))
        self.assertRegex(self.good("--version"), r"\Ausher \d+\.\d+\.\d+\n\Z")


class Terminal(CommandTestCase):
    """Where no desktop asks, the command does."""

    def setUp(self):
        super().setUp()
        with open("/etc/shadow", encoding="ascii") as file:
            shadow = file.read()
        self.addCleanup(self.restore, shadow)
        subprocess.run(["chpasswd"], input="root:geheim\n", text=True, check=True)

    @staticmethod
    def restore(shadow):
        with open("/etc/shadow", "w", encoding="ascii") as file:
            file.write(shadow)

    def on_terminal(self, *arguments, answer=b"geheim\n"):
        return self.alice.run(on_terminal, ("usher", *arguments), b"Password:", answer)

    def test_a_password_is_asked_for_on_the_terminal(self):
        target = self.directory("m", "root")
        status, seen = self.on_terminal("mount", "-t", "tmpfs", target)
        self.assertEqual(status, 0, seen)
        self.assertIn(f"mount tmpfs on {target}", seen)
        self.made(re.search(r"/org/usher1/mount/\d+", seen)[0])
        self.assert_mounted(target, "tmpfs")

    def test_without_the_password_nothing_is_done(self):
        target = self.directory("m", "root")
        status, seen = self.on_terminal("mount", "-t", "tmpfs", target, answer=b"wrong\n")
        self.assertEqual(status, 1, seen)
        self.assertIn("polkit does not allow org.usher1.mount", seen)
        self.assert_not_mounted(target)

    def test_nobody_is_asked_who_does_not_want_to_be(self):
        target = self.directory("m", "root")
        status, seen = self.on_terminal("--no-ask", "mount", "-t", "tmpfs", target)
        self.assertEqual(status, 1, seen)
        self.assertNotIn("Password", seen)


class Json(CommandTestCase):
    def json(self, *arguments):
        output = self.good("--json", *arguments)
        self.assertEqual(output.count("\n"), 1)
        return json.loads(output)

    def test_what_makes_something_answers_with_its_object(self):
        for name in ("a", "b", "c", "d", "e"):
            self.directory(name)
        for arguments in (("mount", "-t", "tmpfs", "a"), ("bind", "b", "c"), ("overlay", "-l", "b:e", "d")):
            answer = self.json(*arguments)
            self.assertEqual(list(answer), ["object"])
            self.made(answer["object"])
            self.assertIn(answer["object"], self.alice.objects("Mount"))

    def test_what_makes_nothing_answers_with_nothing(self):
        self.directory("m")
        self.made(self.json("mount", "-t", "tmpfs", "m")["object"])
        self.assertEqual(self.json("remount", "-o", "ro", "m"), {})
        self.assertEqual(self.json("umount", "m"), {})
        self.assertEqual(self.json("hostname"), {"hostname": os.uname().nodename})
        self.assertEqual(list(self.json("domainname")), ["domainname"])

    def test_the_mount_table(self):
        target = self.directory("m")
        mount = self.made(self.json("mount", "-t", "tmpfs", "-o", "size=1m", "m")["object"])
        table = self.json("mounts")
        self.assertEqual(len(table), len(support.mounts()))
        entry, = self.json("mounts", "--mine")
        self.assertEqual(set(entry), {"id", "parent", "source", "target", "fstype", "options", "propagation", "owner", "object"})
        self.assertEqual((entry["target"], entry["fstype"], entry["owner"], entry["object"]), (target, "tmpfs", self.uid, mount))
        self.assertIn("size=1024k", entry["options"])
        self.assertIn({"owner": None, "object": None}, [{key: row[key] for key in ("owner", "object")} for row in table])
        self.assertEqual(self.json("mounts", target), [entry])

    def test_status(self):
        status = self.json("status")
        self.assertEqual(set(status), {"reachable", "owner", "pid", "version", "hostname", "domainname", "mounts", "watches"})
        self.assertEqual((status["reachable"], status["pid"]), (True, support.main_pid("usherd.service")))

    def test_a_refusal(self):
        for arguments, name, number in ((("mount", "-t", "tmpfs", "none"), "NotFound", 2),
                                        (("umount", self.home), "InvalidArgument", 22),
                                        (("mount", "-t", "nosuchfs", "x", self.home), "NotSupported", 95),
                                        (("--no-ask", "bind", "/etc", self.home), "InteractiveAuthorizationRequired", None),
                                        (("mounts", self.home), "NotFound", 2), (("--in", "999999999", "hostname"), "NotFound", 3)):
            with self.subTest(arguments=arguments):
                status, output, error = self.usher("--json", *arguments)
                self.assertEqual((status, error), (1, ""), output)
                answer = json.loads(output)
                self.assertEqual(set(answer), {"error", "errno", "message"})
                self.assertEqual(answer["error"], name)
                if number:
                    self.assertEqual(answer["errno"], number)
                self.assertTrue(answer["message"])

    def test_names_of_any_bytes(self):
        raw = os.fsencode(self.home) + b"/a\n\xff\\b"
        os.mkdir(raw)
        os.chown(raw, self.uid, self.uid)
        name = os.fsdecode(b"a\n\xff\\b")
        self.made(self.json("mount", "-t", "tmpfs", name)["object"])
        self.assertTrue(os.path.ismount(raw))
        entry, = self.json("mounts", "--mine")
        self.assertEqual(entry["target"], f"{self.home}/a\\x0a\\xff\\x5cb")
        self.assertIn(f"{self.home}/a\\x0a\\xff\\x5cb ", self.good("mounts", "--mine"))
        self.good("umount", name)
        self.assertFalse(os.path.ismount(raw))


class Bad(CommandTestCase):
    def test_what_the_service_refuses_is_told_and_the_status_is_1(self):
        self.directory("m")
        self.file("f")
        for words, arguments in (
                (("usher mount:", "No such file or directory", "ENOENT"), ("mount", "-t", "tmpfs", "none")),
                (("not a mount point",), ("umount", "m")),
                (("/org/usher1/mount/999999",), ("umount", "/org/usher1/mount/999999")),
                (("not a mount point",), ("remount", "-o", "ro", "m")),
                (("not a mount point",), ("move", "m", "m")),
                (("not both directories",), ("bind", "f", "m")),
                (("nosuchfs",), ("mount", "-t", "nosuchfs", "x", "m")),
                (("no known file system",), ("mount", "f", "m")),
                (("idmap",), ("bind", "--idmap", "x", "m", "m")),
                (("sideways",), ("remount", "--propagation", "sideways", "m")),
                (("64",), ("hostname", "x" * 65)),
                (("nothing is mounted there",), ("mounts", "m")),
                (("--in", "999999999"), ("--in", "999999999", "hostname")),
                (("namespace",), ("--in-object", "/org/usher1/namespace/1", "hostname")),
                (("deadline_usec",), ("--deadline", "0.0001", "hostname"))):
            with self.subTest(arguments=arguments):
                self.bad(*words, arguments=arguments)
        self.assert_not_mounted(f"{self.home}/m")

    def test_what_would_have_to_be_asked_about_is_refused_without_asking(self):
        self.directory("m")
        for arguments in (("bind", "/etc", "m"), ("mount", "-t", "tmpfs", "-o", "suid", "m"), ("hostname", "x"), ("domainname", "x"),
                          ("umount", "/home"), ("remount", "-o", "ro", "/home"), ("pivot-root", "/home", "/home/alice")):
            with self.subTest(arguments=arguments):
                self.bad("org.usher1.", arguments=("--no-ask", *arguments))
                self.bad("org.usher1.", arguments=arguments)  # asked for, but there is nobody to ask
        self.assert_not_mounted(f"{self.home}/m")

    def test_wrong_usage_is_told_and_the_status_is_2(self):
        for words, arguments in (
                ("command", ()), ("'frobnicate'", ("frobnicate",)), ("operand", ("mount",)), ("-t", ("mount", "m")),
                ("'c'", ("mount", "a", "b", "c")), ("operand", ("umount",)), ("operand", ("bind", "a")), ("-l", ("overlay", "m")),
                ("-u", ("overlay", "-l", "a", "-u", "b", "m")), ("operand", ("move", "a")), ("nothing to change", ("remount", "m")),
                ("operand", ("pivot-root", "a")),
                ("'b'", ("hostname", "a", "b")), ("forever", ("--lifetime", "forever", "mount", "-t", "tmpfs", "m")),
                ("'1x'", ("--in", "1x", "hostname")), ("'0'", ("--in", "0", "hostname")), ("'soon'", ("--deadline", "soon", "hostname")),
                ("bogus", ("mount", "--bogus", "m")), ("namespace create, attach", ("namespace",)), ("namespace create", ("namespace", "--json")), ("'namespace melt'", ("namespace", "melt")),
                ("operand", ("namespace", "create", "--all")), ("types", ("namespace", "create", "n")), ("PID or NAME", ("enter",)),
                ("'9'", ("run", "--fd", "9", "true")), ("target=", ("run", "--mount", "type=tmpfs", "true")), ("operand", ("kill",)), ("quotes", ("mount", "-t", "tmpfs", "-o", 'a="b', "m"))):
            with self.subTest(arguments=arguments):
                error = self.bad(words, arguments=arguments, status=2)
                self.assertIn("usher", error)

    def test_wrong_usage_is_told_on_standard_error_also_with_json(self):
        status, output, error = self.usher("--json", "frobnicate")
        self.assertEqual((status, output), (2, ""))
        self.assertIn("frobnicate", error)

    def test_a_bus_that_is_not_there(self):
        self.bad("bus", arguments=("status",), environment={"USHER_BUS": "unix:path=/nowhere"})

    def test_an_answer_that_cannot_be_written_is_a_failure(self):
        status, _, error = self.alice.run(run, "sh", "-c", "usher mounts >/dev/full")
        self.assertEqual(status, 1)
        self.assertIn("write", error)

    def test_without_a_session_the_safe_tier_is_asked_about(self):
        self.directory("m")
        self.bad("org.usher1.mount-own", arguments=("--no-ask", "mount", "-t", "tmpfs", "m"), client=self.client("alice"))


class Busctl(support.MountTestCase):
    """The examples of org.usher1(5), by hand."""

    def busctl(self, *arguments):
        status, output, error = self.alice.run(run, "busctl", *arguments)
        self.assertEqual((status, error), (0, ""))
        return output

    def call(self, *arguments):
        return self.busctl("call", "org.usher1", "/org/usher1", *arguments)

    def test_the_examples_of_the_manual_work(self):
        target, moved = self.directory("scratch"), self.directory("elsewhere")
        answer = self.call("org.usher1.Mounts", "Mount", "sssasa{sv}", "", target, "tmpfs", "1", "size=100m", "0")
        self.assertRegex(answer, r'\Ao "/org/usher1/mount/\d+"\n\Z')
        mount = self.made(answer.split('"')[1])
        self.call("org.usher1.Mounts", "Remount", "sasa{sv}", target, "2", "ro", "noexec", "0")
        self.assert_mounted(target, "tmpfs", ("ro", "noexec"))
        self.assertIn(mount, self.busctl("tree", "org.usher1"))
        self.assertIn(target, self.busctl("introspect", "org.usher1", mount))
        self.busctl("call", "org.usher1", mount, "org.usher1.Mount", "Unmount", "a{sv}", "0")
        self.assert_not_mounted(target)
        answer = self.call("org.usher1.Mounts", "Bind", "ssasa{sv}", target, moved, "1", "ro", "1", "recursive", "b", "true")
        mount = self.made(answer.split('"')[1])
        self.assert_mounted(moved, "ext4", ("ro",))
        self.call("org.usher1.Mounts", "Unmount", "sa{sv}", moved, "1", "lazy", "b", "true")
        self.assert_not_mounted(moved)
        for arguments in (("OpenMount", "ssasa{sv}", "", "tmpfs", "1", "size=10m", "0"),
                          ("OpenTree", "sasa{sv}", self.home, "1", "ro", "1", "recursive", "b", "true")):
            self.assertTrue(self.call("org.usher1.Mounts", *arguments).startswith("h "))
        self.assertEqual(self.call("org.usher1.Host", "GetHostname", "a{sv}", "0"), f's "{os.uname().nodename}"\n')
        self.assertEqual(self.busctl("get-property", "org.usher1", "/org/usher1", "org.usher1.Host", "Hostname"),
                         f's "{os.uname().nodename}"\n')
        table = json.loads(self.busctl("--json=short", "call", "org.usher1", "/org/usher1", "org.usher1.Mounts", "List", "a{sv}", "0"))
        self.assertEqual(len(table["data"][0]), len(support.mounts()))

    def test_a_connection_that_ends_at_once_takes_its_mount_along(self):
        target = self.directory("m")
        self.call("org.usher1.Mounts", "Mount", "sssasa{sv}", "", target, "tmpfs", "0", "1", "lifetime", "s", "connection")
        wait_until(lambda: support.mount_at(target) is None, "the mount has gone with busctl")

    def test_an_error_is_told(self):
        status, output, error = self.alice.run(run, "busctl", "call", "org.usher1", "/org/usher1", "org.usher1.Mounts", "Unmount",
                                               "sa{sv}", self.home, "0")
        self.assertEqual((status, output), (1, ""))
        self.assertIn("not a mount point", error)
