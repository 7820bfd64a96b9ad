# SPDX-License-Identifier: LGPL-2.1-or-later
"""The mount table, entry by entry beside /proc/self/mountinfo: by statmount(2) and by the text, as both are there."""

import os
import re

import ring
from ring import CLONE_NEWNS, MS_BIND, MS_PRIVATE, MS_SHARED, MS_SLAVE, MS_UNBINDABLE, Descriptor, mounts

STRANGE = ("two words", "tab\there", "new\nline", "back\\slash", "back\\040slash", "h\udcffgh", "\u00fcml\u00e4ut", "#", "comma,comma",
           "\\", "trailing ", "\u202eleft", "\x7f", "\x01")


def octal(text):
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)


def propagation(tags):
    words = {tag.partition(":")[0] for tag in tags}
    if "unbindable" in words:
        return "unbindable"
    return ",".join(word for tag, word in (("shared", "shared"), ("master", "slave")) if tag in words) or "private"


def expected(line):
    """What List ought to say about a line of mountinfo."""
    options = list(line.options)
    options += [octal(word) for word in line.super_options if word not in ("ro", "rw", "")]
    return {"Source": ring.escape(line.source), "Target": ring.escape(line.target), "FSType": line.fstype,
            "Options": [ring.escape(word) for word in options], "Propagation": propagation(line.propagation)}


class Table(ring.TestCase):
    UNIQUE = not ring.OLD

    def compare(self, keys=None, pid="self"):
        found = self.mounts("List", keys or {})
        lines = mounts(pid)
        self.assertEqual([entry["Target"] for entry in found], [ring.escape(line.target) for line in lines])
        numbers = {}
        for entry, line in zip(found, lines):
            wanted = expected(line)
            self.assertEqual({key: entry[key] for key in wanted}, wanted)
            self.assertEqual(set(entry) - {"Owner", "Object"}, {*wanted, "Id", "Parent"})
            self.assertNotIn(entry["Id"], numbers.values())
            numbers[line.id] = entry["Id"]
        for entry, line in zip(found, lines):
            if line.parent in numbers:
                self.assertEqual(entry["Parent"], numbers[line.parent], line)
            if not (self.UNIQUE and ring.mount_id("/")):
                self.assertEqual((entry["Id"], entry["Parent"]), (line.id, line.parent))
        return found

    def test_as_it_is(self):
        found = self.compare()
        number = ring.mount_id("/", self.UNIQUE) or ring.mount_id("/", False)
        self.assertIn(number, [entry["Id"] for entry in found if entry["Target"] == "/"])
        for entry in found:
            self.assertNotIn("Object", entry)

    def test_every_flag(self):
        for word in ("ro", "noexec", "noatime", "strictatime", "nodiratime", "nosymfollow", "suid", "dev"):
            self.tmpfs(word, [word])
        self.tmpfs("many", ["ro", "noexec", "noatime", "nodiratime", "nosymfollow", "size=1m", "nr_inodes=100", "mode=711"])
        self.compare()

    def test_every_propagation(self):
        peer = self.directory("peer")
        ring.mount("tmpfs", peer, "tmpfs")
        ring.mount("none", peer, None, MS_SHARED)
        for name, changes in (("shared", []), ("private", [MS_PRIVATE]), ("slave", [MS_SLAVE]),
                              ("both", [MS_SLAVE, MS_SHARED]), ("unbindable", [MS_UNBINDABLE])):
            target = self.directory(name)
            ring.mount(peer, target, None, MS_BIND)
            for change in changes:
                ring.mount("none", target, None, change)
        found = {entry["Target"].rpartition("/")[2]: entry["Propagation"] for entry in self.compare()
                 if entry["Target"].startswith(self.here)}
        self.assertEqual(found, {"peer": "shared", "shared": "shared", "private": "private", "slave": "slave",
                                 "both": "shared,slave", "unbindable": "unbindable"})

    def test_strange_targets(self):
        for name in STRANGE:
            ring.mount("tmpfs", self.directory(name), "tmpfs")
        self.compare()

    def test_strange_sources(self):
        for number, name in enumerate(STRANGE):
            target = self.directory(str(number))
            ring.mount(name, target, "tmpfs")
        ring.mount("", self.directory("empty"), "tmpfs")
        self.compare()

    def test_strange_options(self):
        for number, name in enumerate(STRANGE):
            if "," in name or "\\" in name:
                continue  # mount(2) has no way to say them
            lower, other = self.directory(f"lower{number}/{name}"), self.directory(f"other{number}")
            ring.mount("overlay", self.directory(f"overlay{number}"), "overlay", 0, f"lowerdir={lower}:{other}")
        self.compare()

    def test_stacked(self):
        target = self.directory("stack")
        for _ in range(3):
            ring.mount("tmpfs", target, "tmpfs")
            os.mkdir(f"{target}/below")
            ring.mount("tmpfs", f"{target}/below", "tmpfs")
        self.compare()

    def test_files_and_parts(self):
        source = self.file("source", "text")
        ring.mount(source, self.file("target"), None, MS_BIND)
        ring.mount(self.directory("a/b/c"), self.directory("part"), None, MS_BIND)
        self.compare()

    def test_deleted_mount_points(self):
        below = self.directory("there/below")
        other = self.start_process(CLONE_NEWNS)
        ring.mount("tmpfs", below, "tmpfs")
        with Descriptor(os.pidfd_open(other.pid), True):
            os.kill(other.pid, 0)
        self.compare()

    def test_what_usher_has_made(self):
        target, path = self.tmpfs()
        entry, = (entry for entry in self.compare() if entry["Target"] == target)
        self.assertEqual((entry["Owner"], entry["Object"]), (os.geteuid(), path))
        self.assertEqual(entry["Id"], self.me.get("Mount", "Id", path=path))
        self.assertEqual([entry["Target"] for entry in self.mounts("List", {}) if "Object" in entry], [target])

    def test_more_mounts_than_fit_one_answer_of_the_kernel(self):
        ring.mount("tmpfs", self.directory("many"), "tmpfs")
        for number in range(1100):
            ring.mount("tmpfs", self.directory(f"many/{number}"), "tmpfs")
        self.assertGreaterEqual(len(self.compare()), 1100)

    def test_of_another_namespace(self):
        self.tmpfs()
        other = self.start_process(CLONE_NEWNS)
        with Descriptor(os.pidfd_open(other.pid), True) as pidfd:
            self.compare({"in": pidfd}, other.pid)

    def test_from_a_root_of_one_s_own(self):
        self.directory("jail/inner")
        ring.mount("tmpfs", f"{self.here}/jail", "tmpfs")
        ring.mount("tmpfs", self.directory("jail/inner"), "tmpfs")
        self.me.run(os.chroot, f"{self.here}/jail")
        found = self.compare(pid=self.me.pid)
        self.assertEqual([entry["Target"] for entry in found], ["/", "/inner"])

    @ring.not_old("it takes layers by descriptors, whose names are short")
    def test_a_mount_that_says_a_lot(self):
        _, path = self.tmpfs()
        layers = [self.directory("/".join([f"layer{number:03}" + "x" * 242] * 3)) for number in range(90)]
        target = self.directory("overlay")
        other = self.mounts("Mount", "", target, "overlay", ["lowerdir=" + ":".join(layers)], {})
        found = self.compare()
        self.assertGreater(sum(map(len, next(entry["Options"] for entry in found if entry["Target"] == target))), 65536)
        ring.mount("tmpfs", self.directory("another"), "tmpfs")  # makes the service look
        self.compare()
        self.assertEqual(sorted(self.me.objects("Mount")), sorted([path, other]))
        self.assertEqual({entry["Object"] for entry in self.compare() if "Object" in entry}, {path, other})

    def test_keys(self):
        with self.refused("InvalidArgument", "colour"):
            self.mounts("List", {"colour": "red"})
        with self.refused("InvalidArgument", "in"):
            self.mounts("List", {"in": "me"})

    def test_a_table_that_is_too_long_for_a_message(self):
        ring.mount("tmpfs", self.directory("many"), "tmpfs")
        deep = self.directory("many/" + "/".join(["d" * 250] * 15))
        for _ in range(100):
            ring.mount("tmpfs", deep, "tmpfs")
        self.assertGreater(len(self.compare()), 100)


class TextTable(Table):
    """The same where the kernel has neither statmount nor listmount."""

    VARIANT = "by text"
    BLOCK = ("statmount:ENOSYS", "listmount:ENOSYS")
    UNIQUE = False

    def test_mounts_are_found_again(self):
        target, path = self.tmpfs()
        self.assertEqual(self.me.get("Mount", "Id", path=path), ring.mount_id(target, False))
        self.mounts("Move", target, self.directory("elsewhere"), {})
        self.me.call("Mount", "Unmount", {}, path=path)
        self.assert_not_mounted(f"{self.here}/elsewhere")


class ForbiddenTable(ring.TestCase):
    """And where somebody forbids both, as container runtimes do that have never heard of them."""

    VARIANT = "forbidden"
    BLOCK = ("statmount:EPERM", "listmount:EPERM")

    def test_what_usher_has_made(self):
        target, path = self.tmpfs()
        entry, = (entry for entry in self.mounts("List", {}) if entry["Target"] == target)
        self.assertEqual(entry.get("Object"), path)
        self.assertEqual(entry["Id"], self.me.get("Mount", "Id", path=path))
        ring.mount("tmpfs", self.directory("other"), "tmpfs")  # makes the service look
        self.mounts("List", {})
        self.assertEqual(self.me.objects("Mount"), [path])
        self.me.call("Mount", "Unmount", {}, path=path)
        self.assert_not_mounted(target)


class WithoutListmount(ForbiddenTable):
    """And where it is only one of the two that is missing."""

    VARIANT = "without listmount"
    BLOCK = ("listmount:ENOSYS",)


class WithoutStatmount(ForbiddenTable):
    VARIANT = "without statmount"
    BLOCK = ("statmount:ENOSYS",)
