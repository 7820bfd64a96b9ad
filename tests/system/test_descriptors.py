# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mounts that are descriptors, descriptors in the place of paths, and mounts with mapped ids."""

import os
import subprocess

import support
from support import Descriptor, Place, write_file

SUBORDINATE = 5200000  # alice's first, see tools/boot
BOBS = 5300000


def read_at(descriptor, name):
    with open(os.open(name, os.O_RDONLY, dir_fd=descriptor.fileno()), encoding="utf-8") as file:
        return file.read()


def write_at(descriptor, name, text):
    with open(os.open(name, os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=descriptor.fileno()), "w", encoding="utf-8") as file:
        file.write(text)


def list_at(descriptor, name="."):
    fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=descriptor.fileno())
    try:
        return sorted(os.listdir(fd))
    finally:
        os.close(fd)


def owner_of(path, dir_fd=None):
    status = os.stat(path, dir_fd=dir_fd)
    return status.st_uid, status.st_gid


def own_user_namespace(uid_map, gid_map):
    support.unshare(support.CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", uid_map), ("gid_map", gid_map)):
        write_file(f"/proc/self/{name}", text)


def open_path(path, flags=os.O_PATH):
    return Descriptor(os.open(path, flags | os.O_CLOEXEC), owned=True)


class OpenMount(support.MountTestCase):
    def test_a_tmpfs_nowhere_can_be_used_and_goes_with_its_descriptor(self):
        before = support.mounts()
        with self.alice.call("Mounts", "OpenMount", "", "tmpfs", ["size=1m"], {}) as mount:
            self.alice.run(write_at, mount, "f", "text")
            self.assertEqual(self.alice.run(read_at, mount, "f"), "text")
            self.assertEqual(owner_of("f", mount.fileno()), (self.uid, self.uid))
            self.assertEqual(os.fstatvfs(mount.fileno()).f_flag & (os.ST_NOSUID | os.ST_NODEV), os.ST_NOSUID | os.ST_NODEV)
            self.assertEqual(support.mounts(), before)
            self.assertEqual(self.alice.objects("Mount"), [])

    def test_an_image_nowhere_keeps_its_loop_device_until_the_descriptor_is_closed(self):
        image = support.make_image("squashfs", f"{self.home}/i", "alice")
        with self.alice.call("Mounts", "OpenMount", image, "auto", [], {}) as mount:
            self.assertEqual(self.alice.run(read_at, mount, "hello"), "hello\n")
            self.assertIn(image, support.loop_devices().values())
        support.wait_until(lambda: image not in support.loop_devices().values(), "the loop device is given back")

    def test_it_can_be_put_somewhere_by_those_who_may(self):
        target = self.directory("m")
        with self.alice.call("Mounts", "OpenMount", "", "tmpfs", [], {}) as mount:
            support.move_mount(mount.fileno(), target)
        self.addCleanup(subprocess.run, ["umount", "--lazy", target], check=True)
        self.assert_mounted(target, "tmpfs", ("nosuid", "nodev"))

    def test_an_overlay_nowhere(self):
        lower, other = self.directory("lower"), self.directory("other")
        self.file("lower/f", "below")
        with self.alice.call("Mounts", "OpenMount", "", "overlay", [f"lowerdir={lower}:{other}"], {}) as mount:
            self.assertEqual(self.alice.run(read_at, mount, "f"), "below")

    def test_what_is_an_administrators_to_mount_is_an_administrators_to_open(self):
        image = support.make_image("ext4", f"{self.home}/i", "alice")
        for source, fstype, words in ((image, "ext4", []), ("", "tmpfs", ["suid"]), ("", "tmpfs", ["size=90%"]),
                                      ("", "overlay", ["lowerdir=/etc:/usr"]), ("", "debugfs", [])):
            with self.subTest(fstype=fstype, words=words), self.needs_admin("open-mount"):
                self.alice.call("Mounts", "OpenMount", source, fstype, words, {})
        with self.refused("NotPermitted", "proc"):
            self.alice.call("Mounts", "OpenMount", "", "proc", [], {})
        with support.polkit_answer("yes", "org.usher1.open-mount", "alice"):
            with self.alice.call("Mounts", "OpenMount", image, "ext4", [], {}) as mount:
                self.assertEqual(read_at(mount, "hello"), "hello\n")

    def test_somebody_who_does_not_sit_at_the_machine_is_asked_about(self):
        with self.needs_admin("open-mount-own"):
            self.client("bob").call("Mounts", "OpenMount", "", "tmpfs", [], {})


class OpenTree(support.MountTestCase):
    def test_a_copy_shows_the_same_and_goes_with_its_descriptor(self):
        source = self.directory("a")
        write_file(f"{source}/f", "text")
        before = support.mounts()
        with self.alice.call("Mounts", "OpenTree", source, ["ro"], {}) as tree:
            self.assertEqual(self.alice.run(read_at, tree, "f"), "text")
            with self.assertRaises(OSError):
                self.alice.run(write_at, tree, "g", "")
            self.assertEqual([mount for mount in support.mounts() if mount not in before], [])

    def test_without_recursive_what_is_mounted_below_stays_out(self):
        source = self.directory("a")
        self.directory("a/m")
        self.mount("", f"{source}/m", "tmpfs")
        self.alice.run(write_file, f"{source}/m/f")
        for recursive, seen in ((False, []), (True, ["f"])):
            with self.alice.call("Mounts", "OpenTree", source, [], {"recursive": recursive}) as tree:
                self.assertEqual(list_at(tree, "m"), seen)

    def test_sec_51_what_is_mounted_on_the_copy_later_does_not_appear_in_the_original(self):
        source, target = self.directory("a"), self.directory("b")
        self.directory("a/m")
        with self.alice.call("Mounts", "OpenTree", source, ["private"], {"recursive": True}) as tree:
            support.move_mount(tree.fileno(), target)
        self.addCleanup(subprocess.run, ["umount", "--lazy", "--recursive", target], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", f"{target}/m"], check=True)
        self.assert_not_mounted(f"{source}/m")

    def test_a_file_can_be_copied_too(self):
        path = self.file("f", "text")
        with self.alice.call("Mounts", "OpenTree", path, [], {}) as tree:
            with open(f"/proc/self/fd/{tree.fileno()}", encoding="utf-8") as file:
                self.assertEqual(file.read(), "text")

    def test_a_descriptor_says_what_to_copy(self):
        source = self.directory("a")
        write_file(f"{source}/f", "text")
        for flags in (os.O_PATH, os.O_RDONLY):
            with open_path(source, flags) as descriptor:
                with self.alice.call("Mounts", "OpenTree", "", [], {"path_fd": descriptor}) as tree:
                    self.assertEqual(list_at(tree), ["f"])

    def test_what_is_not_ones_own_is_an_administrators(self):
        for path in ("/etc", "/", self.directory("root", "root")):
            with self.subTest(path=path), self.needs_admin("open-tree"):
                self.alice.call("Mounts", "OpenTree", path, [], {})
            with self.subTest(path=path), open_path(path) as descriptor, self.needs_admin("open-tree"):
                self.alice.call("Mounts", "OpenTree", "", [], {"path_fd": descriptor})
        for word in ("suid", "dev"):
            with self.subTest(word=word), self.needs_admin("open-tree"):
                self.alice.call("Mounts", "OpenTree", self.home, [word], {})

    def test_owners_are_shown_as_the_map_says(self):
        source = self.directory("a")
        write_file(f"{source}/f")
        os.chown(f"{source}/f", self.uid, self.uid)
        with self.alice.call("Mounts", "OpenTree", source, [], {"idmap": f"{self.uid} {SUBORDINATE} 1"}) as tree:
            self.assertEqual(owner_of("f", tree.fileno()), (SUBORDINATE, SUBORDINATE))
        with self.needs_admin("open-tree"):
            self.alice.call("Mounts", "OpenTree", source, [], {"idmap": f"{self.uid} 0 1"})


class InThePlaceOfPaths(support.MountTestCase):
    def test_bind_takes_descriptors_for_both(self):
        source, target = self.directory("a"), self.directory("b")
        write_file(f"{source}/f", "text")
        with open_path(source) as source_fd, open_path(target) as target_fd:
            for arguments, keys in ((("", target), {"source_fd": source_fd}), ((source, ""), {"target_fd": target_fd}),
                                    (("", ""), {"source_fd": source_fd, "target_fd": target_fd})):
                mount = self.bind(*arguments, options=keys)
                self.assertEqual(os.listdir(target), ["f"])
                self.assertEqual(self.alice.get("Mount", "Target", mount), target)
                self.assertEqual(self.alice.get("Mount", "Source", mount), source)
                self.unmount(mount)

    def test_mount_and_mount_image_take_a_descriptor_for_the_mount_point(self):
        image, target = support.make_image("squashfs", f"{self.home}/i", "alice"), self.directory("m")
        for flags in (os.O_PATH, os.O_RDONLY):
            with open_path(target, flags) as target_fd, open_path(image, os.O_RDONLY) as image_fd:
                self.unmount(self.mount("", "", "tmpfs", options={"target_fd": target_fd}))
                self.mount_image(image_fd, "", options={"target_fd": target_fd})
            self.assert_mounted(target, "squashfs")
            self.alice.call("Mounts", "Unmount", target, {})

    def test_a_path_beside_a_descriptor_is_refused(self):
        source, target = self.directory("a"), self.directory("b")
        image = support.make_image("squashfs", f"{self.home}/i", "alice")
        with open_path(source) as fd, open_path(image, os.O_RDONLY) as image_fd:
            with self.refused("InvalidArgument", "source"):
                self.bind(source, target, options={"source_fd": fd})
            with self.refused("InvalidArgument", "target"):
                self.bind(source, target, options={"target_fd": fd})
            with self.refused("InvalidArgument", "target"):
                self.mount("", target, "tmpfs", options={"target_fd": fd})
            with self.refused("InvalidArgument", "target"):
                self.mount_image(image_fd, target, options={"target_fd": fd})
            with self.refused("InvalidArgument", "path"):
                self.alice.call("Mounts", "OpenTree", source, [], {"path_fd": fd})

    def test_neither_path_nor_descriptor_is_refused(self):
        for call in (lambda: self.bind("", self.home), lambda: self.bind(self.home, ""), lambda: self.mount("", "", "tmpfs"),
                     lambda: self.alice.call("Mounts", "OpenTree", "", [], {})):
            with self.refused("InvalidArgument", "absolute"):
                call()

    def test_a_descriptor_of_what_is_not_ones_own_is_an_administrators(self):
        for path in ("/etc", "/", "/run", self.directory("root", "root")):
            with self.subTest(path=path), open_path(path) as descriptor:
                with self.needs_admin("mount"):
                    self.mount("", "", "tmpfs", options={"target_fd": descriptor})
                with self.needs_admin("bind"):
                    self.bind("", self.home, options={"source_fd": descriptor})

    def test_a_descriptor_of_something_else_is_refused(self):
        reader, writer = os.pipe()
        with Descriptor(reader, owned=True) as pipe, Descriptor(writer, owned=True):
            with support.polkit_answer("yes", "org.usher1.*", "alice"):
                for call in (lambda: self.mount("", "", "tmpfs", options={"target_fd": pipe}),
                             lambda: self.bind("", self.home, options={"source_fd": pipe}),
                             lambda: self.bind("", self.file("f"), options={"source_fd": pipe})):
                    with self.refused("InvalidArgument"):
                        call()

    def test_a_directory_of_another_namespace_is_no_mount_point_here(self):
        target = self.directory("m")
        with Place("alice", "--user", "--map-root-user", "--mount") as place:
            with open_path(place.path(target)) as descriptor, self.refused("InvalidArgument", "namespaces"):
                self.mount("", "", "tmpfs", options={"target_fd": descriptor})
            with open_path(place.path(self.home)) as descriptor, self.refused("InvalidArgument", "namespaces"):
                self.bind("", target, options={"source_fd": descriptor})
        self.assert_not_mounted(target)

    def test_a_directory_that_was_removed_is_no_mount_point(self):
        target = self.directory("m")
        with open_path(target) as descriptor:
            os.rmdir(target)
            with self.refused("NotFound", "m"):
                self.mount("", "", "tmpfs", options={"target_fd": descriptor})

    def test_the_callers_descriptors_stay_open_and_its_offset_where_it_was(self):
        image, target = support.make_image("squashfs", f"{self.home}/i", "alice"), self.directory("m")
        with open(image, "rb") as file:
            file.seek(7)
            self.mount_image(Descriptor(file.fileno()), target)
            self.assertEqual(os.lseek(file.fileno(), 0, os.SEEK_CUR), 7)


class MappedBind(support.MountTestCase):
    def setUp(self):
        super().setUp()
        self.source = self.directory("a")
        self.target = self.directory("b")
        self.file("a/f")

    def map(self, text, **keywords):
        return self.bind(self.source, self.target, options={"idmap": text}, **keywords)

    def test_files_are_shown_as_owned_by_a_subordinate_id(self):
        self.map(f"{self.uid} {SUBORDINATE} 1")
        self.assertEqual(owner_of(f"{self.target}/f"), (SUBORDINATE, SUBORDINATE))
        self.assertEqual(owner_of(f"{self.source}/f"), (self.uid, self.uid))
        self.assertIn("idmapped", [entry for entry in self.alice.call("Mounts", "List", {})
                                   if entry["Target"] == self.target][0]["Options"])

    def test_several_ranges_and_the_whole_of_ones_ids_are_allowed(self):
        self.map(f"{self.uid} {SUBORDINATE} 1,{SUBORDINATE} {self.uid} 1,{SUBORDINATE + 1} {SUBORDINATE + 1} 65535")
        self.assertEqual(owner_of(f"{self.target}/f"), (SUBORDINATE, SUBORDINATE))

    def test_ids_that_are_not_the_callers_are_an_administrators_on_either_side(self):
        for text in (f"{self.uid} 0 1", f"0 {self.uid} 1", f"0 {SUBORDINATE} 1", f"{self.uid} {BOBS} 1", f"{self.uid} 51002 1",
                     f"{self.uid} {SUBORDINATE} 2", f"{SUBORDINATE} {SUBORDINATE} 65537", f"{self.uid} {SUBORDINATE + 65536} 1",
                     f"{self.uid} {SUBORDINATE} 1,0 {SUBORDINATE + 1} 1", "0 0 4294967295"):
            with self.subTest(text=text), self.needs_admin("bind"):
                self.map(text)
        self.assert_not_mounted(self.target)

    def test_an_administrator_allows_any_map(self):
        with support.polkit_answer("yes", "org.usher1.bind", "alice"):
            self.map(f"{self.uid} 0 1")
        self.assertEqual(owner_of(f"{self.target}/f"), (0, 0))

    def test_a_map_that_is_none_is_refused_by_the_name_of_its_key(self):
        for text in ("", " ", "x", "1 2", "1 2 3 4", "-1 0 1", "+1 0 1", "1 2 x", "0 0 0", "1 1 4294967295", "4294967296 0 1",
                     "0 0 1,", ",", "0 0 1;1 1 1", "5 5 2,6 9 1", "5 5 2,9 6 1", "0x1 0 1", "1,2,3",
                     ",".join(f"{n} {n} 1" for n in range(1000))):
            with self.subTest(text=text[:40]), self.assertRaises(support.DBusError) as caught:
                self.map(text)
            self.assertIn(caught.exception.name, (support.ERROR + "InvalidArgument", support.ERROR + "LimitExceeded"))
            self.assertIn("idmap", caught.exception.message)
        self.assert_not_mounted(self.target)

    def test_the_map_of_a_user_namespace_of_ones_own_is_used(self):
        with Place("alice", "--user", "--map-current-user") as place, open_path(f"/proc/{place.pid}/ns/user", os.O_RDONLY) as fd:
            self.map(fd)
        self.assertEqual(owner_of(f"{self.target}/f"), (self.uid, self.uid))

    def test_the_map_of_a_user_namespace_counts_like_one_in_words(self):
        with Place("alice", "--user", "--map-root-user") as place, open_path(f"/proc/{place.pid}/ns/user", os.O_RDONLY) as fd:
            with self.needs_admin("bind"):
                self.map(fd)

    def test_the_groups_of_a_map_count_as_much_as_its_users(self):
        for uid_map, gid_map in ((f"{self.uid} {self.uid} 1", f"0 {self.uid} 1"), (f"0 {self.uid} 1", f"{self.uid} {self.uid} 1")):
            owner = self.client("alice")
            owner.run(own_user_namespace, uid_map, gid_map)
            with open_path(f"/proc/{owner.pid}/ns/user", os.O_RDONLY) as fd, self.needs_admin("bind"):
                self.map(fd)
        self.assert_not_mounted(self.target)

    def test_sec_46_another_users_namespace_and_what_is_no_user_namespace_are_refused(self):
        with Place("bob", "--user", "--map-current-user") as place, open_path(f"/proc/{place.pid}/ns/user", os.O_RDONLY) as fd:
            with self.refused("NotOwner", "idmap", "51002"):
                self.map(fd)
        for path in ("/proc/self/ns/mnt", "/dev/null", self.home):
            with self.subTest(path=path), open_path(path, os.O_RDONLY) as fd, self.refused("InvalidArgument", "idmap"):
                self.map(fd)
        with open_path("/proc/self/ns/user", os.O_RDONLY) as fd, self.refused("NotOwner", "idmap"):
            self.map(fd)

    def test_a_map_of_another_type_is_refused_by_the_name_of_its_key(self):
        for value in (5, True, ["0 0 1"]):
            with self.subTest(value=value), self.refused("InvalidArgument", "'idmap'"):
                self.map(value)

    def test_a_file_system_that_cannot_be_mapped_is_refused(self):
        overlay = self.directory("overlay")
        self.mount("", overlay, "overlay", [f"lowerdir={self.source}:{self.directory('other')}"])
        with self.refused("InvalidArgument", "idmap", "cannot be mapped"):
            self.bind(overlay, self.target, options={"idmap": f"{self.uid} {SUBORDINATE} 1"})
        self.assert_not_mounted(self.target)

    def test_with_recursive_everything_below_is_mapped_too(self):
        self.directory("a/m")
        self.mount("", f"{self.source}/m", "tmpfs")
        self.alice.run(write_file, f"{self.source}/m/g")
        mount = self.bind(self.source, self.target, options={"idmap": f"{self.uid} {SUBORDINATE} 1", "recursive": True})
        self.assertEqual(owner_of(f"{self.target}/m/g"), (SUBORDINATE, SUBORDINATE))
        self.unmount(mount, lazy=True)
