# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a program in namespaces of its own could take along, look at, or get out by."""

import fcntl
import hashlib
import os
import pty
import subprocess
import tempfile

import support
from support import Descriptor, Variant
from test_interior import USR, spawn

PROGRAMS = "/usr/libexec/usher"
CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapAmb")

# Every way to write to the program behind a process, those above it and the first included; that one's is not even to be had.
OVERWRITE = """
import os
done = []
for name in os.listdir("/proc"):
    if name.isdigit() and int(name) != os.getpid():
        for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC, os.O_WRONLY | os.O_APPEND, *((os.O_RDONLY,) if name == "1" else ())):
            try:
                os.close(os.open(f"/proc/{name}/exe", flags))
                done.append(name)
            except OSError:
                pass
print(done)
"""

# Both, also with what the kernel cuts off.
PUSH = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for number in (0x5412, 0x541C):
    for high in (0, 1 << 32):
        byte = ctypes.create_string_buffer(b"x")
        print(libc.syscall(16, 0, ctypes.c_ulong(number | high), byte))
"""


def fingerprints():
    found = {}
    for name in os.listdir(PROGRAMS):
        with open(f"{PROGRAMS}/{name}", "rb") as file:
            found[name] = hashlib.sha256(file.read()).hexdigest()
    return found


def status_lines(text):
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


class Containers(support.MountTestCase):
    def shell(self, script, **keywords):
        status, text = spawn(self.alice, "/bin/sh", "-c", script, **keywords)
        self.assertEqual(status, 0, text)
        return text

    def python(self, script, **keywords):
        status, text = spawn(self.alice, "/usr/bin/python3", "-c", script, **keywords)
        self.assertEqual(status, 0, text)
        return text

    def allow_pushing(self):
        """Who has a terminal may push into it, as before Linux 6.2: what keeps it out is that it has none."""
        setting = "/proc/sys/dev/tty/legacy_tiocsti"
        if os.path.exists(setting):
            with open(setting, "r+", encoding="ascii") as file:
                before = file.read()
                file.write("1")
            self.addCleanup(lambda: subprocess.run(["tee", setting], input=before, text=True, stdout=subprocess.DEVNULL, check=True))

    def test_sec_35_a_proc_that_was_made_up_inside_is_not_believed(self):
        """What a place shows as /proc says of everybody that it is root."""
        namespace = self.alice.call("Namespaces", "Create", "liar", ["user", "mnt"],
                                    {"mounts": Variant("a(sssas)", [("", "/proc", "tmpfs", [])])})
        self.addCleanup(self.alice.call, "Namespace", "Destroy", {}, path=namespace)
        lie = "".join(f"{name}:\t0\t0\t0\t0\n" for name in ("Uid", "Gid")) + "Groups:\t0\nCapEff:\tffffffffffffffff\n"
        self.shell(f"for name in self thread-self 1; do mkdir -p /proc/$name/ns; printf '{lie}' > /proc/$name/status; "
                   "echo '0 0 4294967295' > /proc/$name/uid_map; done", types=(), **{"in": Variant("o", namespace)})
        text = self.shell("id -u; id -g; cat /proc/self/uid_map", types=("user", "mnt", "pid"), **{"in": Variant("o", namespace)},
                          mounts=[("", "/mnt", "tmpfs", [])])
        self.assertEqual(text.split()[:2], [str(self.uid), str(self.uid)])

    def test_sec_36_no_program_of_usher_can_be_written_through_a_process(self):
        before = fingerprints()
        for options in ({"types": ("all",), "map_zero": True}, {"types": ("user", "mnt", "pid"), "map_zero": True, "mounts": USR},
                        {"types": ("user",), "map_zero": True}, {"types": ()}):
            with self.subTest(options=options):
                self.assertEqual(self.python(OVERWRITE, **options).strip(), "[]")
        self.assertEqual(fingerprints(), before)

    def test_sec_37_it_has_the_descriptors_it_was_given_and_no_other(self):
        with tempfile.TemporaryFile() as file:
            for types in (("all",), ()):
                text = self.python("import os\nprint(sorted(map(int, os.listdir('/proc/self/fd'))), os.readlink('/proc/self/fd/0'))",
                                   types=types, fds={7: Descriptor(file.fileno())})
                # its own listing of the directory is the lowest that was free
                self.assertEqual(text.strip(), "[0, 1, 2, 3, 7] /dev/null")

    def test_sec_37_its_working_directory_is_inside_the_root(self):
        root = self.directory("root")
        for name in ("usr", "proc", "dev"):
            os.mkdir(f"{root}/{name}")
        for name in ("bin", "lib", "lib64"):
            os.symlink(f"usr/{name}", f"{root}/{name}")
        text = self.shell("/usr/bin/pwd; ls -d ../../../../home; true", root=root, mounts=[("/usr", "/usr", "rbind", [])])
        self.assertEqual(text.splitlines()[0], "/")
        self.assertIn("No such file", text)

    def test_sec_39_it_pushes_nothing_into_the_terminal_it_was_given(self):
        self.allow_pushing()
        for types in (("all",), ()):
            ours, its = pty.openpty()
            with Descriptor(ours, owned=True), Descriptor(its, owned=True) as terminal:
                text = self.python(PUSH, types=types, map_zero=Variant("b", bool(types)), fds={0: terminal})
                self.assertEqual(text.split(), ["-1"] * 4)
                waiting = bytearray(4)
                fcntl.ioctl(terminal.fileno(), 0x541B, waiting)
                self.assertEqual(bytes(waiting), bytes(4))

    def test_sec_42_its_environment_is_what_was_asked_for(self):
        for types in (("all",), ()):
            self.assertEqual(sorted(self.shell("env", types=types, environment={"LD_BIND_NOT": "1"}).splitlines()),
                             sorted(["LD_BIND_NOT=1", "PATH=/usr/local/bin:/usr/bin:/bin", "PWD=/"]))
            status, text = spawn(self.alice, "/usr/bin/env", types=types, environment={"A": "b"}, clear_environment=True)
            self.assertEqual((status, text), (0, "A=b\n"))

    def test_sec_44_it_has_no_capability_but_in_its_own_user_namespace(self):
        for options in ({"types": ()}, {"types": ("all",)}, {"types": ("user",)}):
            with self.subTest(options=options):
                status = status_lines(self.shell("cat /proc/self/status", **options))
                self.assertEqual([int(status[name], 16) for name in CAPABILITIES], [0, 0, 0, 0])
                self.assertEqual((status["NoNewPrivs"], status["Uid"].split()), ("1", [str(self.uid)] * 4))
        status = status_lines(self.shell("cat /proc/self/status", types=("user",), map_zero=True))
        self.assertEqual([int(status[name], 16) for name in ("CapInh", "CapAmb")], [0, 0])
        self.assertNotEqual(int(status["CapEff"], 16), 0)
        with support.polkit_answer("yes", "org.usher1.spawn", "alice"):
            status = status_lines(self.shell("cat /proc/self/status", types=("mnt", "pid", "net")))
        self.assertEqual([int(status[name], 16) for name in CAPABILITIES], [0, 0, 0, 0])
        self.assertEqual((status["NoNewPrivs"], status["Uid"].split()), ("1", [str(self.uid)] * 4))

    def test_sec_44_a_user_number_that_is_none_is_not_root(self):
        for number in (4294967295, 65536, 0):
            with self.subTest(number=number), self.assertRaises(support.DBusError):
                spawn(self.alice, "/bin/true", types=("user",), uid=Variant("u", number))

    def test_sec_45_the_same_is_said_of_what_is_closed_whether_it_is_there_or_not(self):
        with tempfile.TemporaryDirectory(dir="/run") as hidden:
            os.mkdir(f"{hidden}/there")
            os.symlink("there", f"{hidden}/link")
            said = {kind: set() for kind in ("root", "workdir", "bind", "image", "target")}
            for name in ("there", "link", "not-there"):
                path = f"{hidden}/{name}"
                for kind, options in (("root", {"root": path}), ("workdir", {"workdir": path}),
                                      ("bind", {"mounts": [(path, "/mnt", "rbind", [])]}),
                                      ("image", {"mounts": [(path, "/mnt", "squashfs", [])]}),
                                      ("target", {"mounts": [("", path, "tmpfs", [])]})):
                    with self.assertRaises(support.DBusError) as caught:
                        spawn(self.alice, "/bin/true", **options)
                    said[kind].add((caught.exception.name, caught.exception.message.replace(name, "")))
        for kind, sentences in said.items():
            with self.subTest(kind):
                self.assertEqual(len(sentences), 1, sentences)

    def test_sec_47_a_group_that_keeps_its_members_out_keeps_them_out_inside(self):
        subprocess.run(["groupadd", "--gid", "51998", "outcasts"], check=True)
        self.addCleanup(subprocess.run, ["groupdel", "outcasts"], check=True)
        closed = self.file("closed", "secret\n", "root", 0o604)
        os.chown(closed, 0, 51998)
        self.shell(f"cat {closed}")
        subprocess.run(["usermod", "--append", "--groups", "outcasts", "alice"], check=True)
        self.addCleanup(subprocess.run, ["gpasswd", "--delete", "alice", "outcasts"], check=True, stdout=subprocess.DEVNULL)
        outcast = self.client("alice", session=True)
        self.addCleanup(self.sit_down)
        for options in ({"types": ()}, {"types": ("all",)}, {"types": ("user",), "map_zero": True},
                        {"types": ("user",), "uid_map": "auto", "gid_map": "auto"}):
            with self.subTest(options=options):
                status, text = spawn(outcast, "/bin/sh", "-c", f"cat {closed}; setpriv --clear-groups cat {closed}", **options)
                self.assertNotEqual(status, 0)
                self.assertNotIn("secret", text)

    def test_sec_51_what_is_mounted_outside_later_does_not_appear_inside_nor_the_other_way(self):
        source = self.directory("source")
        os.mkdir(f"{source}/spot")
        subprocess.run(["mount", "--make-rshared", "/"], check=True)
        reader, writer = os.pipe()
        with Descriptor(reader, owned=True) as its, open(writer, "wb", buffering=0) as go, Descriptor(os.memfd_create("out"), owned=True) as out:
            script = (f"mount -t tmpfs inside {source}/spot/.. 2>/dev/null; read line; "
                      "grep -c -e master: -e shared: /proc/self/mountinfo; grep -c late /proc/self/mountinfo; true")
            process, pidfd = self.alice.call("Processes", "Spawn", ["/bin/sh", "-c", script], {}, {0: its, 1: out, 2: out},
                                             {"types": ["all"], "map_zero": True,
                                              "mounts": Variant("a(sssas)", [(source, "/mnt", "rbind", [])])})
            pidfd.close()
            its.close()
            support.mount("late", f"{source}/spot", "tmpfs")
            self.addCleanup(support.umount, f"{source}/spot")
            self.assertIsNone(support.mount_at(source))
            go.write(b"\n")
            self.assertEqual(self.alice.call("Process", "Wait", {}, path=process), ("exited", 0))
            os.lseek(out.fileno(), 0, os.SEEK_SET)
            self.assertEqual(os.read(out.fileno(), 100).split(), [b"0", b"0"])

    def test_sec_52_what_a_mount_covers_stays_covered(self):
        source = self.directory("source")
        self.directory("source/covered")
        self.file("source/covered/secret", "secret")
        support.mount("cover", f"{source}/covered", "tmpfs")
        self.addCleanup(support.umount, f"{source}/covered")
        with self.refused("InvalidArgument", "mounts: bind on '/mnt'", "hides something"):
            spawn(self.alice, "/bin/true", types=("user", "mnt"), mounts=[(source, "/mnt", "bind", [])])
        for options in ({"mounts": [(source, "/mnt", "rbind", [])]}, {"mounts": [(source, "/mnt", "rbind", []), *USR]}):
            text = self.shell("ls -A /mnt/covered; umount /mnt/covered 2>/dev/null; umount -l /mnt/covered 2>/dev/null; ls -A /mnt/covered",
                              types=("all",), map_zero=True, **options)
            self.assertEqual(text, "")
        # with the same words it would be seen: where nothing is locked it is
        with support.polkit_answer("yes", "org.usher1.spawn", "alice"):
            self.assertEqual(self.shell("ls -A /mnt/covered", types=("mnt", "pid"), mounts=[(source, "/mnt", "bind", [])]), "secret\n")

    def test_sec_53_a_spawn_that_fails_leaves_no_process(self):
        """Nor a mount or a descriptor, which is looked at after each test."""
        for options in ({"mounts": [("", "/none", "tmpfs", [])]}, {"root": "/none"}, {"workdir": "/none"}, {"uid": Variant("u", 7)},
                        {"hostname": "x" * 65}):
            with self.subTest(options=options), self.assertRaises(support.DBusError):
                spawn(self.alice, "/bin/true", **options)
        with self.assertRaises(support.DBusError):
            spawn(self.alice, "/bin/none")
        running = subprocess.run(["pgrep", "--uid", "alice", "--list-full"], stdout=subprocess.PIPE, text=True, check=False).stdout
        self.assertNotIn("usher-worker", running)

    def test_sec_59_it_cannot_leave_its_control_group(self):
        group = support.unit("init.scope", "ControlGroup")
        text = self.shell(f"cat /proc/self/cgroup; for file in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup{group}/cgroup.procs "
                          "/sys/fs/cgroup/user.slice/cgroup.procs /sys/fs/cgroup/*/*/cgroup.procs; do "
                          "(echo $$ > $file) 2>/dev/null && echo left to $file; done; true",
                          types=("user", "pid", "mnt"), map_zero=True)
        self.assertNotIn("left to", text)
        with open(f"/proc/{self.alice.pid}/cgroup", encoding="ascii") as file:
            self.assertEqual(self.shell("cat /proc/self/cgroup", types=()), file.read())
