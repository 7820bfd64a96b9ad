# SPDX-License-Identifier: LGPL-2.1-or-later
"""Roots, mounts, /proc and /dev of programs in namespaces of their own."""

import os

import test_processes
from ring import Variant

USR = [("", "/", "tmpfs", ["mode=755"]), ("/usr", "/usr", "rbind", ["ro"]),
       *((f"/usr/{name}", f"/{name}", "rbind", ["ro"]) for name in ("bin", "lib", "lib64") if os.path.isdir(f"/usr/{name}"))]


class Interior(test_processes.TestCase):
    def inside(self, script, mounts=(), types=("all",), **keys):
        if "user" in types or "all" in types:
            keys["map_zero"] = True
        text, ended = self.run_shell(f"{script}", types=self.types(*types), mounts=Variant("a(sssas)", list(mounts)), **keys)
        self.assertEqual(ended, ("exited", 0), text)
        return text

    def test_a_root_is_made_of_nothing_but_programs(self):
        for types in (("all",), ("mnt", "pid"), ("user", "mnt")):
            with self.subTest(types=types):
                text = self.inside("echo /*; cd /..; echo *; : > /dev/null; head -c 2 /dev/zero | wc -c; ls /dev/pts", USR, types)
                there = sorted(["/bin", "/dev", "/lib", "/lib64", *(["/proc"] if types != ("user", "mnt") else []), "/usr"])
                self.assertEqual(text.splitlines(), [" ".join(there), " ".join(name[1:] for name in there), "2", "ptmx"])

    def test_a_new_pid_namespace_has_its_own_proc(self):
        for types in (("all",), ("mnt", "pid")):
            with self.subTest(types=types):
                shown = [int(name.rpartition("/")[2]) for name in self.inside("ls -d /proc/[0-9]*", types=types).split()]
                self.assertLessEqual(set(shown), set(range(1, 5)))

    def test_what_is_mounted_inside_is_not_seen_outside(self):
        target = self.directory("target")
        self.assertEqual(self.inside(f"touch {target}/file; echo {target}/*", [("", target, "tmpfs", [])]).strip(), f"{target}/file")
        self.assertEqual(os.listdir(target), [])

    def test_an_overlay_takes_what_is_written(self):
        lower, upper, work = (self.directory(name) for name in ("lower", "upper", "work"))
        self.file("lower/file", "before")
        self.inside(f"echo after > {lower}/file", [("", lower, "overlay", [f"lowerdir={lower}", f"upperdir={upper}", f"workdir={work}"])])
        with open(f"{lower}/file", encoding="ascii") as file:
            self.assertEqual(file.read(), "before")
        self.assertEqual(os.listdir(upper), ["file"])

    def test_what_would_get_looser_by_the_rights_of_the_service_is_refused(self):
        """Without a user namespace of its own."""
        lower, other = self.directory("lower"), self.directory("other")
        for error, words, mount in (("NotSupported", "user namespace", ("", lower, "overlay", [f"lowerdir={lower}:{other}"])),
                                    ("NotSupported", "user namespace", ("", lower, "sysfs", [])),
                                    ("NotSupported", "pid namespace", ("", lower, "proc", [])),
                                    ("NotPermitted", "suid and dev", ("", lower, "tmpfs", ["dev"]))):
            with self.subTest(mount=mount):
                self.refused(error, words, "/bin/true", types=self.types("mnt"), mounts=Variant("a(sssas)", [mount]))

    def test_what_shows_a_namespace_takes_a_new_one(self):
        for kind, fstype in (("ipc", "mqueue"), ("cgroup", "cgroup2")):
            with self.subTest(fstype=fstype):
                mount = Variant("a(sssas)", [("", "/mnt", fstype, [])])
                self.refused("NotPermitted", f"a new namespace of type {kind} ", "/bin/true", types=self.types("user", "mnt"), mounts=mount)
                self.spawn("/bin/true", types=self.types("user", "mnt", kind), mounts=mount).wait()

    def test_words_are_refused_before_anything_is_done(self):
        for error, words, mount in (("InvalidArgument", "'x' is not an absolute path", ("x", "/mnt", "bind", [])),
                                    ("InvalidArgument", "is to be named", ("/x", "/mnt", "auto", [])),
                                    ("InvalidArgument", "dev takes none", ("", "/dev", "dev", ["ro"])),
                                    ("InvalidArgument", "it is a directory, and what is mounted is none", ("/etc/passwd", "/mnt", "bind", [])),
                                    ("InvalidArgument", "it is no directory", ("/usr/bin", "/etc/passwd", "rbind", [])),
                                    ("NotFound", "mounts: tmpfs on '/not/there'", ("", "/not/there", "tmpfs", []))):
            with self.subTest(mount=mount):
                self.refused(error, words, "/bin/true", types=self.types("all"), mounts=Variant("a(sssas)", [mount]))
