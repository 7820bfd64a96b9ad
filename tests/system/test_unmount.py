# SPDX-License-Identifier: LGPL-2.1-or-later
"""Unmounting: whose mount it is, what stands in the way, and what becomes of its object."""

import contextlib
import os
import signal
import subprocess

import support

UNKNOWN_OBJECT = "org.freedesktop.DBus.Error.UnknownObject"


class UnmountTestCase(support.MountTestCase):
    def tmpfs(self, name="m"):
        """A target and the object of a tmpfs on it."""
        target = self.directory(name)
        return target, self.mount("", target, "tmpfs")

    def foreign(self, name="foreign"):
        """A mount that usher knows nothing of."""
        target = self.directory(name)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0777", "tmpfs", target], check=True)
        self.addCleanup(subprocess.run, ["umount", "-q", target], check=False)
        return target

    def let_bob_in(self):
        os.chmod("/home/alice", 0o711)
        self.addCleanup(os.chmod, "/home/alice", 0o700)
        os.chmod(self.home, 0o755)
        return self.client("bob")


class Whose(UnmountTestCase):
    def test_ones_own_mount_goes_by_its_target_without_a_question(self):
        target, mount = self.tmpfs()
        self.client("alice").call("Mounts", "Unmount", target, {})  # from outside the session
        self.assert_not_mounted(target)
        self.assertNotIn(mount, self.alice.objects())

    def test_ones_own_mount_goes_by_its_object_without_a_question(self):
        target, mount = self.tmpfs()
        self.client("alice").call("Mount", "Unmount", {}, path=mount)
        self.assert_not_mounted(target)
        self.assertNotIn(mount, self.alice.objects())

    def test_anothers_mount_is_an_administrators(self):
        target, mount = self.tmpfs()
        bob = self.let_bob_in()
        with self.needs_admin("unmount-others"):
            bob.call("Mounts", "Unmount", target, {})
        with self.needs_admin("unmount-others"):
            bob.call("Mount", "Unmount", {}, path=mount)
        with self.needs_admin("unmount-others"):
            bob.call("Mounts", "Unmount", target, {"lazy": True})
        self.assert_mounted(target)
        with support.polkit_answer("yes", "org.usher1.unmount-others", "bob"):
            bob.call("Mounts", "Unmount", target, {})
        self.assert_not_mounted(target)

    def test_what_usher_did_not_mount_is_an_administrators_also_on_ones_own_directory(self):
        target = self.foreign()
        for target_, keys in (("/home", {}), ("/home", {"lazy": True}), ("/proc", {}), (target, {}), ("/dev", {"force": True})):
            with self.subTest(target=target_), self.needs_admin("unmount"):
                self.alice.call("Mounts", "Unmount", target_, keys)
        self.assert_mounted("/home")
        self.assert_mounted(target)
        with support.polkit_answer("yes", "org.usher1.unmount", "alice"):
            self.alice.call("Mounts", "Unmount", target, {})
        self.assert_not_mounted(target)

    def test_what_is_mounted_over_ones_own_mount_by_somebody_else_is_not_ones_own(self):
        target, mount = self.tmpfs()
        subprocess.run(["mount", "-t", "tmpfs", "over", target], check=True)
        self.addCleanup(subprocess.run, ["umount", target], check=True)
        with self.needs_admin("unmount"):
            self.alice.call("Mounts", "Unmount", target, {})
        self.assertIn(mount, self.alice.objects())

    def test_root_unmounts_whatever_it_is(self):
        target, mount = self.tmpfs()
        support.root().call("Mounts", "Unmount", target, {})
        self.assert_not_mounted(target)
        self.assertNotIn(mount, self.alice.objects())
        target = self.foreign()
        support.root().call("Mounts", "Unmount", target, {})
        self.assert_not_mounted(target)


class How(UnmountTestCase):
    def test_a_mount_in_use_is_busy_and_goes_lazily(self):
        target, mount = self.tmpfs()
        fd = os.open(target, os.O_RDONLY)
        self.addCleanup(os.close, fd)
        with self.refused("Busy"):
            self.alice.call("Mounts", "Unmount", target, {})
        with self.refused("Busy"):
            self.unmount(mount)
        with self.refused("Busy"):
            self.alice.call("Mounts", "Unmount", target, {"force": True})
        self.assert_mounted(target)
        self.assertIn(mount, self.alice.objects())
        self.alice.call("Mounts", "Unmount", target, {"lazy": True})
        self.assert_not_mounted(target)
        self.assertNotIn(mount, self.alice.objects())
        self.assertEqual(os.listdir(fd), [])

    def test_a_mount_with_another_below_it_is_busy_and_lazily_both_go(self):
        target, mount = self.tmpfs()
        self.alice.run(os.mkdir, f"{target}/below")
        below = self.mount("", f"{target}/below", "tmpfs")
        with self.refused("Busy"):
            self.unmount(mount)
        self.unmount(mount, lazy=True)
        self.assert_not_mounted(f"{target}/below")
        support.wait_until(lambda: below not in self.alice.objects(), "the object of what went along vanishes")

    def test_force_is_accepted_where_there_is_nothing_to_force(self):
        target, _ = self.tmpfs()
        self.alice.call("Mounts", "Unmount", target, {"force": True})
        self.assert_not_mounted(target)

    def test_force_gives_up_what_a_server_does_not_answer(self):
        target = self.directory("stuck")
        with support.StuckFilesystem(target, "alice"):
            support.root().call("Mounts", "Unmount", target, {"force": True, "lazy": True,
                                                              "deadline_usec": support.Variant("t", 2000000)})
            self.assert_not_mounted(target)

    def test_a_mount_that_expires_goes_at_the_second_call_if_nobody_used_it(self):
        target, mount = self.tmpfs()
        with self.refused("Retry", "expire"):
            self.alice.call("Mounts", "Unmount", target, {"expire": True})
        self.assert_mounted(target)
        self.alice.call("Mounts", "Unmount", target, {"expire": True})
        self.assert_not_mounted(target)
        self.assertNotIn(mount, self.alice.objects())

    def test_a_mount_that_was_used_meanwhile_does_not_expire(self):
        target, mount = self.tmpfs()
        with self.refused("Retry"):
            self.unmount(mount, expire=True)
        os.listdir(target)
        with self.refused("Retry"):
            self.unmount(mount, expire=True)
        self.unmount(mount, expire=True)
        self.assert_not_mounted(target)

    def test_expire_goes_with_neither_lazy_nor_force(self):
        target, mount = self.tmpfs()
        for other in ("lazy", "force"):
            with self.subTest(other=other), self.refused("InvalidArgument", "expire", other):
                self.alice.call("Mounts", "Unmount", target, {"expire": True, other: True})
            with self.subTest(other=other), self.refused("InvalidArgument", "expire", other):
                self.unmount(mount, **{"expire": True, other: True})
        self.alice.call("Mounts", "Unmount", target, {"expire": False, "lazy": True, "force": False})
        self.assert_not_mounted(target)


class Where(UnmountTestCase):
    def test_what_is_no_mount_point_is_refused(self):
        with self.refused("InvalidArgument", self.home, "not a mount point"):
            self.alice.call("Mounts", "Unmount", self.home, {})
        with self.refused("NotFound", f"{self.home}/none"):
            self.alice.call("Mounts", "Unmount", f"{self.home}/none", {})
        for path in ("/", "/home/.", "/home/..", "//"):
            with self.subTest(path=path), self.refused("InvalidArgument", "target"):
                self.alice.call("Mounts", "Unmount", path, {})
        for path in ("", "home", "./home"):
            with self.subTest(path=path), self.refused("InvalidArgument", "target", "absolute"):
                self.alice.call("Mounts", "Unmount", path, {})

    def test_a_symbolic_link_is_not_followed_in_the_last_component_but_before_it(self):
        target, _ = self.tmpfs("d/m")
        os.symlink(target, f"{self.home}/link")
        os.symlink(f"{self.home}/d", f"{self.home}/way")
        with self.refused("InvalidArgument", "symbolic link"):
            self.alice.call("Mounts", "Unmount", f"{self.home}/link", {})
        self.alice.call("Mounts", "Unmount", f"{self.home}/way/m", {})
        self.assert_not_mounted(target)

    def test_slashes_at_the_end_do_not_matter(self):
        target, _ = self.tmpfs()
        self.alice.call("Mounts", "Unmount", f"{target}//", {})
        self.assert_not_mounted(target)

    def test_a_mounted_file_is_unmounted_too(self):
        source, target = self.file("a", "1"), self.file("b", "2")
        self.bind(source, target)
        self.alice.call("Mounts", "Unmount", target, {})
        with open(target, encoding="utf-8") as file:
            self.assertEqual(file.read(), "2")

    def test_what_the_caller_cannot_reach_it_cannot_unmount(self):
        hidden = self.directory("hidden", "root", 0o700)
        os.mkdir(f"{hidden}/m")
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", f"{hidden}/m"], check=True)
        self.addCleanup(subprocess.run, ["umount", f"{hidden}/m"], check=True)
        with support.polkit_answer("yes", "org.usher1.unmount", "alice"), self.refused("NotPermitted"):
            self.alice.call("Mounts", "Unmount", f"{hidden}/m", {})
        self.assert_mounted(f"{hidden}/m")

    def test_of_mounts_on_top_of_each_other_the_topmost_goes_first(self):
        target, lower = self.tmpfs()
        upper = self.mount("", target, "tmpfs")
        self.alice.call("Mounts", "Unmount", target, {})
        self.assertEqual([upper in self.alice.objects(), lower in self.alice.objects()], [False, True])
        self.alice.call("Mounts", "Unmount", target, {})
        self.assertNotIn(lower, self.alice.objects())
        with self.refused("InvalidArgument", "not a mount point"):
            self.alice.call("Mounts", "Unmount", target, {})

    def test_an_object_is_exactly_its_mount_whatever_lies_on_top(self):
        target, lower = self.tmpfs()
        upper = self.mount("", target, "tmpfs")
        with self.refused("Busy"):
            self.unmount(lower)
        self.unmount(upper)
        self.assert_mounted(target)
        self.unmount(lower)
        self.assert_not_mounted(target)

    def test_a_moved_mount_is_unmounted_by_its_object(self):
        top, _ = self.tmpfs("top")
        self.alice.call("Mounts", "Remount", top, ["private"], {})
        for name in ("a", "b"):
            self.alice.run(os.mkdir, f"{top}/{name}")
        mount = self.mount("", f"{top}/a", "tmpfs")
        subprocess.run(["mount", "--move", f"{top}/a", f"{top}/b"], check=True)
        self.assert_mounted(f"{top}/b")
        self.unmount(mount)
        self.assert_not_mounted(f"{top}/b")
        self.assertNotIn(mount, self.alice.objects())

    def test_an_object_in_a_directory_that_its_owner_cannot_reach_any_more_is_still_its_owners(self):
        closed = self.directory("closed")
        target = self.directory("closed/m")
        mount = self.mount("", target, "tmpfs")
        os.chown(closed, 0, 0)
        os.chmod(closed, 0o700)
        with self.refused("NotPermitted"):
            self.alice.call("Mounts", "Unmount", target, {})
        self.unmount(mount)
        self.assert_not_mounted(target)


class Objects(UnmountTestCase):
    def test_a_mount_that_somebody_unmounts_by_other_means_vanishes(self):
        self.alice.subscribe()
        target, mount = self.tmpfs()
        subprocess.run(["umount", target], check=True)
        path, _, _, (removed, interfaces) = self.alice.signal("InterfacesRemoved")
        self.assertEqual((path, removed), (support.MANAGER, mount))
        self.assertIn("org.usher1.Mount", interfaces)
        self.assertNotIn(mount, self.alice.objects())
        with self.refused(UNKNOWN_OBJECT):
            self.unmount(mount)

    def test_an_unmount_by_usher_is_told_once(self):
        self.alice.subscribe()
        target, mount = self.tmpfs()
        self.alice.call("Mounts", "Unmount", target, {})
        told = [arguments[0] for _, _, member, arguments in self.alice.signals() if member == "InterfacesRemoved"]
        self.assertEqual(told, [mount])

    def test_an_object_that_has_gone_is_no_object(self):
        target, mount = self.tmpfs()
        self.unmount(mount)
        with self.refused(UNKNOWN_OBJECT):
            self.alice.call("Mount", "Unmount", {}, path=mount, signature="a{sv}")
        with self.refused(UNKNOWN_OBJECT):
            self.alice.call("Mount", "Unmount", {}, path="/org/usher1/mount/0", signature="a{sv}")
        with self.refused(UNKNOWN_OBJECT):
            self.alice.call("Mount", "Unmount", {}, path="/org/usher1/mount/0001", signature="a{sv}")
        self.assert_not_mounted(target)

    def test_an_object_is_looked_for_in_a_place_that_is_named(self):
        target, mount = self.tmpfs()
        with support.Place("alice", "-Urm") as place, place.pidfd() as pidfd:
            with self.refused("NotFound", "in other namespaces"):
                self.unmount(mount, **{"in": pidfd})
        self.assertIsNotNone(support.mount_at(target))
        self.unmount(mount)


@contextlib.contextmanager
def slow_children():
    """Who stand still for a tenth of a second now and then, wherever they are."""
    worker = "usher-worker.service"
    subprocess.run(["systemctl", "set-property", "--runtime", worker, "CPUQuota=2%"], check=True)
    try:
        yield
    finally:
        subprocess.run(["systemctl", "set-property", "--runtime", worker, "CPUQuota="], check=True)


class AtOnce(support.PersonTestCase):
    """Whoever has an answer may unmount what it was about: nothing of usher's is in the way any more."""

    ROUNDS = 20

    def tmpfs(self):
        target = f"{self.home}/m"
        if not os.path.isdir(target):
            self.directory("m")
        return target, self.caller.call("Mounts", "Mount", "", target, "tmpfs", ["size=64k"], {})

    @staticmethod
    def let_go_on(child):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGCONT)

    def ask_for_more(self, target):
        """What a person is asked about, and the child that waits for the answer."""
        pending = self.caller.begin("Mounts", "Remount", target, ["suid"], {}, interactive=True)
        cookie, _, _ = self.person.question()
        child = support.wait_until(lambda: [pid for pid in support.children("usher-worker.service")
                                            if target in support.descriptors(pid).values()], "a child holds it")[0]
        os.kill(child, signal.SIGSTOP)
        self.addCleanup(self.let_go_on, child)
        self.person.answer(cookie, yes=False)
        return pending, child

    def test_the_child_of_what_a_person_refuses_lets_go_first(self):
        target, mount = self.tmpfs()
        self.made(mount)
        pending, child = self.ask_for_more(target)
        self.assertFalse(pending.is_done(0.25), "the mount is still open")
        self.let_go_on(child)
        with self.refused("NotPermitted"):
            pending.result()
        self.unmount(mount, client=self.caller)

    def test_a_child_that_does_not_is_not_waited_for(self):
        target, mount = self.tmpfs()
        self.made(mount)
        pending, child = self.ask_for_more(target)
        self.assertTrue(pending.is_done(5))
        with self.refused("NotPermitted"):
            pending.result()
        self.let_go_on(child)
        support.wait_until(lambda: not support.children("usher-worker.service"), "it has ended")
        self.unmount(mount, client=self.caller)

    def refuse_by_polkit(self, target):
        with self.needs_admin("remount"):
            self.caller.call("Mounts", "Remount", target, ["suid"], {})

    def refuse_by_child(self, target):
        with self.refused("NotFound"):
            self.caller.call("Mounts", "Bind", target, f"{self.home}/nothing", [], {})

    def refuse_in_the_doing(self, target):
        with support.Descriptor(os.open(target, os.O_PATH), owned=True), self.refused("Busy"):
            self.caller.call("Mounts", "Unmount", target, {})

    def open_tree(self, target):
        with support.Descriptor(os.open(target, os.O_PATH), owned=True) as directory:
            self.caller.call("Mounts", "OpenTree", "", [], {"path_fd": directory}).close()

    def unmount_inner(self, target):
        self.caller.run(os.mkdir, f"{target}/inner")
        self.caller.call("Mounts", "Mount", "", f"{target}/inner", "tmpfs", [], {})
        self.caller.call("Mounts", "Unmount", f"{target}/inner", {})

    def test_nothing_is_busy_with_a_call_that_was_answered(self):
        with slow_children():
            for way in (self.refuse_by_polkit, self.refuse_by_child, self.refuse_in_the_doing, self.open_tree, self.unmount_inner):
                busy = 0
                for _ in range(self.ROUNDS):
                    target, mount = self.tmpfs()
                    way(target)
                    try:
                        self.caller.call("Mount", "Unmount", {}, path=mount)
                    except support.DBusError as error:
                        self.assertEqual(error.name, f"{support.ERROR}Busy", error.message)
                        busy += 1
                        self.caller.call("Mount", "Unmount", {"lazy": True}, path=mount)
                with self.subTest(way.__name__):
                    self.assertEqual(busy, 0, f"of {self.ROUNDS}")
