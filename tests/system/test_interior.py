# SPDX-License-Identifier: LGPL-2.1-or-later
"""Roots, mounts, /proc and /dev inside of namespaces that an ordinary user has usher make."""

import os
import select
import shutil
import signal

import support
from support import Descriptor, Variant

# A root of nothing but the machine's programs.
USR = [("", "/", "tmpfs", ["mode=755"]), ("/usr", "/usr", "rbind", ["ro"]),
       *((f"/usr/{name}", f"/{name}", "rbind", ["ro"]) for name in ("bin", "lib", "lib64", "sbin") if os.path.isdir(f"/usr/{name}"))]


def spawn(client, *argv, mounts=None, types=("all",), fds=None, environment=None, timeout=20, **options):
    """Run a program to its end: its exit status (or minus its signal), and what it wrote."""
    reader, writer = os.pipe()
    with open(reader, encoding="utf-8", errors="replace") as output, Descriptor(writer, owned=True) as out:
        options = {"types": Variant("as", list(types)), **options}
        if mounts is not None:
            options["mounts"] = Variant("a(sssas)", mounts)
        if not types:
            del options["types"]
        process, pidfd = client.call("Processes", "Spawn", list(argv), environment or {}, {1: out, 2: out, **(fds or {})}, options)
        out.close()
        with pidfd:
            text = output.read()
            if not select.select([pidfd], [], [], timeout)[0]:
                signal.pidfd_send_signal(pidfd.fileno(), signal.SIGKILL)
                raise AssertionError(f"{argv} does not end")
        state, status = client.call("Process", "Wait", {}, path=process)
    return (status if state == "exited" else -status), text


class Interior(support.MountTestCase):
    def shell(self, script, expected=0, **keywords):
        status, text = spawn(self.alice, "/bin/sh", "-c", script, **keywords)
        self.assertEqual(status, expected, text)
        return text

    def test_a_root_is_made_of_nothing_but_programs(self):
        before = support.mounts()
        text = self.shell("echo /*; cat /proc/1/comm >/dev/null; test ! -e /home; test ! -e /etc; touch /usr/x 2>&1 || true", mounts=USR)
        self.assertEqual(text.splitlines()[0].split(), sorted(["/bin", "/dev", "/lib", "/lib64", "/proc", "/sbin", "/usr"]))
        self.assertIn("Read-only file system", text)
        self.assertEqual(support.mounts(), before)

    def test_a_directory_of_ones_own_becomes_the_root(self):
        root = self.directory("root")
        for name in ("usr", "proc", "dev"):
            os.mkdir(f"{root}/{name}")
        for name in ("bin", "lib", "lib64"):
            os.symlink(f"usr/{name}", f"{root}/{name}")
        text = self.shell("pwd; echo /*; ls /dev/pts; readlink /proc/self", root=root, workdir="/usr",
                          mounts=[("/usr", "/usr", "rbind", ["ro"])])
        self.assertEqual(text.splitlines()[:2], ["/usr", "/bin /dev /lib /lib64 /proc /usr"])
        self.assertEqual(os.listdir(f"{root}/dev"), [])

    def test_an_image_of_ones_own_is_mounted_with_the_owners_rights(self):
        image = support.make_image("squashfs", f"{self.home}/image", "alice")
        status, text = spawn(self.alice, "/bin/sh", "-c", "cat /mnt/hello; stat -c %u /mnt/hello; /mnt/whoami -u; cat /mnt/zero",
                             mounts=[(image, "/mnt", "squashfs", [])])
        self.assertEqual(status, 1, text)
        self.assertEqual(text.splitlines()[:3], ["hello", "65534", str(self.uid)])
        self.assertIn("Permission denied", text)
        support.wait_until(lambda: not support.loop_devices(), "the loop device goes with the last mount of it")

    def test_an_overlay_is_a_place_to_try_things_in(self):
        lower, upper, work = (self.directory(name) for name in ("lower", "upper", "work"))
        self.file("lower/file", "before\n")
        self.shell(f"cd {lower}; test $(cat file) = before; echo after > file; rm -f gone; touch new",
                   mounts=[("", lower, "overlay", [f"lowerdir={lower}", f"upperdir={upper}", f"workdir={work}"])])
        with open(f"{lower}/file", encoding="ascii") as file:
            self.assertEqual(file.read(), "before\n")
        self.assertEqual(sorted(os.listdir(upper)), ["file", "new"])
        shutil.rmtree(work)

    def test_a_terminal_of_ones_own_is_made_inside(self):
        """script(1) opens a pseudo terminal, which takes /dev/ptmx and /dev/pts."""
        text = self.shell("script -qec 'tty; echo here > /dev/tty' /dev/null", mounts=USR)
        self.assertEqual(text.split(), ["/dev/pts/0", "here"])

    def test_the_failure_is_told_with_its_phase(self):
        for words, name, options in (("mounts: tmpfs on '/none': target: No such file", "NotFound", {"mounts": [("", "/none", "tmpfs", [])]}),
                                     ("root: '/none'", "NotFound", {"root": "/none"}),
                                     ("directory: workdir: '/none'", "NotFound", {"workdir": "/none"}),
                                     ("root: '/root/x'", "NotPermitted", {"root": "/root/x"}),
                                     ("exec: ", "NotFound", {"mounts": [("", "/", "tmpfs", [])]})):
            with self.subTest(words), self.assertRaises(support.DBusError) as caught:
                spawn(self.alice, "/bin/true", **options)
            self.assertEqual(caught.exception.name, support.ERROR + name, caught.exception.message)
            self.assertTrue(caught.exception.message.startswith(words), caught.exception.message)
