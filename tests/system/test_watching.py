# SPDX-License-Identifier: LGPL-2.1-or-later
"""usher watch, as people at a shell use it, and the programs of docs/examples."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

import support
import watching
from support import wait_until
from watching import touch, write

EXAMPLES = f"{os.path.dirname(os.path.dirname(support.HERE))}/docs/examples"


class Command(support.TestCase):
    def setUp(self):
        super().setUp()
        self.home = tempfile.mkdtemp(prefix="told-", dir="/home")
        self.addCleanup(shutil.rmtree, self.home)
        shutil.chown(self.home, "alice", "alice")
        os.chmod(self.home, 0o755)
        self.running = None

    def start(self, *words, program=("usher", "watch")):
        """A command of alice's; returns when it has said something on standard error."""
        self.running = support.start_as("alice", *program, *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.home)
        self.addCleanup(self.end)
        os.set_blocking(self.running.stdout.fileno(), False)
        return self.running.stderr.readline().decode()

    def end(self, number=signal.SIGTERM):
        if self.running and self.running.poll() is None:
            self.running.send_signal(number)
            self.running.wait()
        if self.running:
            self.running.stdout.close()
            self.running.stderr.close()
        self.running = None

    def lines(self, *wanted):
        """All lines until each of those that are wanted has come."""
        found = []

        def look():
            with_more = (self.running.stdout.read() or b"").decode("utf-8", "surrogateescape")
            found.append(with_more)
            text = "".join(found)
            return all(f"{line}\n" in text for line in wanted)

        wait_until(look, f"usher watch prints {wanted}")
        return "".join(found).splitlines()

    def test_a_line_is_as_inotifywait_has_it(self):
        os.mkdir(f"{self.home}/d")
        self.assertIn("is watched", self.start("-r", "-e", "create,DELETE,move,close_write", "."))
        write(f"{self.home}/d/f")
        os.mkdir(f"{self.home}/d/sub")
        os.rename(f"{self.home}/d/f", f"{self.home}/g\n")
        os.unlink(f"{self.home}/g\n")
        lines = self.lines("./ DELETE g\\x0a")
        self.assertIn("./d/ CREATE,ISDIR sub", lines)
        self.assertEqual([line for line in lines if "MOVED" in line], ["./d/ MOVED_FROM f", "./ MOVED_TO g\\x0a"])

    def test_a_file_and_a_directory_can_be_watched_together(self):
        touch(f"{self.home}/f")
        os.makedirs(f"{self.home}/d/below")
        self.start(f"{self.home}/f", "d")
        self.running.stderr.readline()
        write(f"{self.home}/f")
        touch(f"{self.home}/d/child", f"{self.home}/d/below/not-told")
        touch(f"{self.home}/d/last")
        lines = self.lines("d/ CREATE last")
        self.assertIn("d/ CREATE child", lines)
        self.assertTrue([line for line in lines if line.startswith(f"{self.home}/f CLOSE_WRITE")], lines)
        self.assertEqual([line for line in lines if "not-told" in line], [])

    def test_the_lines_are_those_of_inotifywait(self):
        if not shutil.which("inotifywait"):
            self.skipTest("inotifywait is not installed")
        words = ("-r", "-e", "create,delete,modify,move,close_write", ".")
        other = support.start_as("alice", "inotifywait", "-m", *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.home)
        self.addCleanup(lambda: (other.kill(), other.communicate()))
        while b"established" not in other.stderr.readline():
            self.assertIsNone(other.poll())
        self.start(*words)
        for step in (lambda: os.mkdir("d"), lambda: touch("d/f"), lambda: write("d/f"), lambda: os.rename("d/f", "g"), lambda: os.link("g", "h"),
                     lambda: os.symlink("g", "s"), lambda: os.rename("g", "h"), lambda: os.mkdir("d/sub"), lambda: os.rename("d/sub", "sub"),
                     lambda: touch("sub/f"), lambda: os.unlink("sub/f"), lambda: os.rmdir("sub"), lambda: os.truncate("h", 0),
                     lambda: write("h"), lambda: os.unlink("s"), lambda: os.rmdir("d")):
            self.at_home(step)
        touch(f"{self.home}/last")
        ours = self.lines("./ CLOSE_WRITE,CLOSE last")
        theirs = [other.stdout.readline().decode().removesuffix("\n") for _ in ours]
        self.assertEqual(ours, theirs)
        self.assertGreater(len(ours), 20)

    def at_home(self, step):
        """And then nothing, until both have told it, and inotifywait has seen to what is new."""
        support.as_user("root", step_in, self.home, step)
        time.sleep(0.2)

    def test_a_whole_file_system_is_watched_by_its_root(self):
        place = tempfile.mkdtemp(prefix="whole-", dir="/home")
        self.addCleanup(os.rmdir, place)
        support.mount("none", place, "tmpfs", 0, "mode=755")
        self.addCleanup(support.umount, place, 2)
        os.makedirs(f"{place}/a/b")
        self.start("--filesystem", "-e", "create", f"{place}/a/b")
        touch(f"{place}/beside", f"{place}/a/b/below")
        self.assertEqual(self.lines(f"{place}/a/b/ CREATE below"), [f"{place}/ CREATE beside", f"{place}/a/b/ CREATE below"])

    def test_mounts_are_told(self):
        os.mkdir(f"{self.home}/here")
        self.start("--mounts", ".")
        support.mount("none", f"{self.home}/here", "tmpfs", 0, "")
        self.lines("./ MOUNT_ATTACH,ISDIR here")
        support.umount(f"{self.home}/here")
        self.assertEqual(self.lines("./ MOUNT_DETACH,ISDIR here"), ["./ MOUNT_DETACH,ISDIR here"])

    def test_what_is_excluded_is_not_printed(self):
        os.makedirs(f"{self.home}/build/deep")
        self.start("-r", "-e", "create,move", "--exclude", "*.o", "--exclude", "build", ".")
        touch(f"{self.home}/a.o", f"{self.home}/build/x", f"{self.home}/build/deep/x", f"{self.home}/a")
        os.rename(f"{self.home}/a", f"{self.home}/b.o")
        touch(f"{self.home}/last")
        self.assertEqual(self.lines("./ CREATE last"), ["./ CREATE a", "./ DELETE a", "./ CREATE last"])

    def test_json_has_an_object_a_line(self):
        self.running = support.start_as("alice", "usher", "watch", "--json", "-r", "--exclude", "*.o", ".", stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, cwd=self.home)
        self.addCleanup(self.end)
        begin = json.loads(self.running.stdout.readline())
        self.assertEqual((begin["kind"], begin["watched"]), ("begin", "."))
        touch(f"{self.home}/a.o", f"{self.home}/a")
        os.rename(f"{self.home}/a", f"{self.home}/b")
        found = []
        while not found or found[-1]["events"] != ["move"]:
            found.append(json.loads(self.running.stdout.readline()))
        self.assertEqual({key: found[-1][key] for key in ("kind", "path", "old_path", "directory")},
                         {"kind": "event", "path": "b", "old_path": "a", "directory": False})
        self.assertGreater(found[-1]["clock"], begin["clock"])
        self.assertEqual([row for row in found if row["path"] == "a.o"], [])

    def test_since_tells_first_what_has_changed(self):
        with support.Client("alice") as client, watching.Watch(client, self.home, scope="recursive") as watch:
            os.mkdir(f"{self.home}/d")
            watch.quiet()
            clock = watch.get("Clock")
            touch(f"{self.home}/d/f")
            watch.quiet()
            self.start("-r", "--since", str(clock), ".")
            self.lines("./d/ CHANGED,ISDIR ")
            self.end()
        self.start("-r", "--since", "1", ".")
        self.lines("./ LOST,ALL ")

    def test_a_command_is_run_when_it_is_quiet_again(self):
        self.start("-r", "--exclude", "log", "--wait", f"echo run >> {self.home}/log", ".")
        for number in range(20):
            touch(f"{self.home}/{number}")
        wait_until(lambda: os.path.exists(f"{self.home}/log"), "the command is run")
        time.sleep(0.5)
        runs = support.read_file(f"{self.home}/log")
        self.assertIn(runs, ("run\n", "run\n" * 2, "run\n" * 3), "a busy machine may be quiet in between")
        touch(f"{self.home}/again")
        wait_until(lambda: support.read_file(f"{self.home}/log") == runs + "run\n", "the command is run again")

    def test_once_is_once_and_the_status_is_the_commands(self):
        self.start("-r", "--once", "--wait", "exit 7", ".")
        touch(f"{self.home}/f")
        self.assertEqual(self.running.wait(support.PATIENCE), 7)
        self.start("-r", "--once", ".")
        touch(f"{self.home}/g")
        self.assertEqual(self.running.wait(support.PATIENCE), 0)

    def test_what_is_lost_is_said(self):
        self.start("-r", "-e", "create", ".")
        with watching.stopped():
            for number in range(17000):
                os.close(os.open(f"{self.home}/f-{number}", os.O_CREAT | os.O_WRONLY))
        self.lines("./ LOST,ALL ")

    def test_wrong_words_are_explained(self):
        for words, said in ((("-e", "blossom"), "blossom"), (("--since", "yesterday"), "--since"), (("-r", "--mounts"), "exclude each other")):
            done = support.run_as("alice", "usher", "watch", *words)
            self.assertEqual(done.returncode, 2)
            self.assertIn(said, done.stderr)
        done = support.run_as("alice", "usher", "watch", "/none")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/none", done.stderr)

    def test_status_tells_what_watches_of_whom_have_told(self):
        self.start("-r", ".")
        touch(*(f"{self.home}/{number}" for number in range(100)))
        uid = str(os.stat(self.home).st_uid)
        wait_until(lambda: any(f"1 of user {uid}, " in line and " 0 events" not in line
                               for line in support.run_as("bob", "usher", "status").stdout.splitlines()), "status counts what was told")
        rows = json.loads(support.run_as("bob", "usher", "status", "--rates", "--json").stdout)["watches"]
        row, = [row for row in rows if row["owner"] == int(uid)]
        self.assertEqual((row["watches"], row["lost"]), (1, 0))
        self.assertGreaterEqual(row["delivered"], 100)
        self.assertIn("rate", row)


def step_in(directory, step):
    os.chdir(directory)
    step()


class Examples(Command):
    """Each begins, keeps up, is ended, and catches up without reading everything anew."""

    def setUp(self):
        super().setUp()
        self.tree = f"{self.home}/tree"
        for name in ("a/b", "old"):
            os.makedirs(f"{self.tree}/{name}")
        touch(f"{self.tree}/a/b/f")
        subprocess.run(["chown", "-R", "alice:alice", self.home], check=True)
        self.index = f"{self.home}/index"

    def names(self):
        if not os.path.exists(self.index):
            return set()
        text = support.read_file(self.index)
        return set(json.loads(text)["names"] if text.startswith("{") else text.split("\n", 1)[1].split("\0")[:-1])

    def there(self):
        return {os.path.relpath(f"{path}/{name}", self.tree) for path, folders, files in os.walk(self.tree) for name in folders + files}

    def keeps_an_index(self, program):
        self.assertEqual(self.start(self.tree, self.index, program=program), "listed everything\n")
        os.makedirs(f"{self.tree}/new/deep")
        touch(f"{self.tree}/new/deep/f")
        shutil.rmtree(f"{self.tree}/old")
        os.rename(f"{self.tree}/a", f"{self.tree}/moved")
        time.sleep(1)
        self.end()
        self.assertEqual(self.names(), self.there())
        touch(f"{self.tree}/moved/b/while-away")
        os.unlink(f"{self.tree}/moved/b/f")
        os.mkdir(f"{self.tree}/moved/b/dir-while-away")
        touch(f"{self.tree}/moved/b/dir-while-away/f")
        time.sleep(0.5)
        self.assertEqual(self.start(self.tree, self.index, program=program), "caught up\n")
        wait_until(lambda: self.names() == self.there(), "the index has caught up")
        self.end()
        with support.Client("alice") as client:
            for path in client.objects("Watch"):
                client.call("Watch", "Close", {}, path=path, signature="a{sv}")

    def test_the_one_in_c_keeps_its_index(self):
        if not shutil.which("cc"):
            self.skipTest("no C compiler here")
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libusher"], stdout=subprocess.PIPE, text=True, check=True).stdout
        subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", f"{EXAMPLES}/index-home.c", "-o", f"{self.home}/index-home", *flags.split()],
                       check=True)
        self.keeps_an_index([f"{self.home}/index-home"])

    def test_the_one_in_python_keeps_its_index(self):
        self.keeps_an_index(["/usr/bin/python3", f"{EXAMPLES}/index-home.py"])


# Only Examples are to be run with what Examples add to Command.
for inherited in [name for name in dir(Command) if name.startswith("test_")]:
    setattr(Examples, inherited, None)
