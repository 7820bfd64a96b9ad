# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where an operation is performed: the caller's namespaces and root, those of another process, and what may be done there."""

import errno
import os
import socket
import subprocess

import support
from support import Descriptor, Place, Variant, read_file, write_file

OWN = ("--user", "--map-root-user", "--mount")


class OnesOwn(support.MountTestCase):
    """In namespaces of her own alice may do what the kernel lets her do, and polkit, which would say no, is not asked."""

    session = False

    def setUp(self):
        super().setUp()
        self.asked = self.during(support.polkit_asked("no", "alice"))
        self.addCleanup(lambda: self.assertEqual(self.asked(), []))
        self.insider = self.client("alice")
        self.insider.run(support.enter_user_namespace, "mnt")

    def test_a_tmpfs_a_bind_mount_and_an_overlay_are_made_there_and_only_there(self):
        target, work = self.directory("m"), self.directory("work")
        lower, upper = self.directory("lower"), self.directory("upper")
        before = support.mounts()
        for fstype, make in (
                ("tmpfs", lambda: self.mount("", target, "tmpfs", ["size=90%"], client=self.insider)),
                (support.mount_at("/").fstype, lambda: self.bind("/etc", target, ["ro"], client=self.insider)),
                ("overlay", lambda: self.mount("", target, "overlay", [f"lowerdir={lower}", f"upperdir={upper}",
                                                                       f"workdir={work}"], client=self.insider))):
            with self.subTest(fstype=fstype):
                make()
                self.assert_mounted(target, fstype, pid=self.insider.pid)
                self.assertEqual(support.mounts(), before)
                self.insider.call("Mounts", "Unmount", target, {})
                self.assert_not_mounted(target, self.insider.pid)

    def test_the_mount_can_be_used(self):
        target = self.directory("m")
        self.mount("", target, "tmpfs", client=self.insider)
        self.insider.run(write_file, f"{target}/f", "there")
        self.assertEqual(self.insider.run(read_file, f"{target}/f"), "there")
        self.assertEqual(os.listdir(target), [])

    def test_what_the_kernel_does_not_allow_there_usher_does_not_either(self):
        target = self.directory("m")
        with self.refused("InvalidArgument", "noswap", "unprivileged"):
            self.mount("", target, "tmpfs", ["noswap"], client=self.insider)
        for fstype in ("sysfs", "mqueue"):  # which show namespaces that are not hers
            with self.subTest(fstype=fstype), self.refused("NotPermitted"):
                self.mount("", target, fstype, client=self.insider)

    def test_the_systems_mounts_there_stay_locked(self):
        for target in ("/home", "/proc"):
            with self.subTest(target=target), self.refused("InvalidArgument"):
                self.insider.call("Mounts", "Unmount", target, {})
        with self.refused("NotPermitted"):
            self.insider.call("Mounts", "Remount", "/sys", ["suid", "dev", "exec"], {})

    def test_sec_52_what_is_covered_there_stays_covered(self):
        """A copy of a tree without what is mounted in it would show what lies below; the copy of all of it does not."""
        target = self.directory("m")
        with self.refused("InvalidArgument", "hides something"):
            self.insider.call("Mounts", "OpenTree", "/", [], {})
        with self.refused("InvalidArgument", "hides something"):
            self.bind("/", target, client=self.insider)
        self.bind("/", target, options={"recursive": True}, client=self.insider)
        for covered in ("home", "proc", "sys"):
            with self.subTest(covered=covered), self.refused("InvalidArgument"):
                self.insider.call("Mounts", "Unmount", f"{target}/{covered}", {"lazy": True})
            self.assert_mounted(f"{target}/{covered}", pid=self.insider.pid)

    def test_remount_move_and_unmount_work_there(self):
        a, b = self.directory("a"), self.directory("b")
        self.mount("", a, "tmpfs", client=self.insider)
        self.insider.call("Mounts", "Remount", a, ["ro", "noexec"], {})
        self.assert_mounted(a, "tmpfs", ("ro", "noexec"), pid=self.insider.pid)
        self.insider.call("Mounts", "Move", a, b, {})
        self.assert_mounted(b, "tmpfs", ("ro", "noexec"), pid=self.insider.pid)
        self.insider.call("Mounts", "Unmount", b, {})
        self.assert_not_mounted(b, self.insider.pid)

    def test_list_tells_the_mounts_of_there(self):
        target = self.directory("m")
        mount = self.mount("", target, "tmpfs", client=self.insider)
        entry, = [entry for entry in self.insider.call("Mounts", "List", {}) if entry["Target"] == target]
        self.assertEqual((entry["Object"], entry["Owner"]), (mount, self.uid))
        self.assertEqual([entry for entry in self.alice.call("Mounts", "List", {}) if entry["Target"] == target], [])

    def test_a_process_there_can_be_named_from_elsewhere(self):
        target = self.directory("m")
        with Place("alice", *OWN) as place, place.pidfd() as pidfd:
            mount = self.mount("", target, "tmpfs", options={"in": pidfd})
            self.assert_mounted(target, "tmpfs", pid=place.pid)
            self.assert_not_mounted(target)
            entries = self.alice.call("Mounts", "List", {"in": pidfd})
            self.assertEqual([entry["Object"] for entry in entries if entry["Target"] == target], [mount])
            self.alice.call("Mounts", "Unmount", target, {"in": pidfd})
            self.assert_not_mounted(target, place.pid)

    def test_proc_shows_the_processes_of_there(self):
        target = self.directory("m")
        with Place("alice", *OWN, "--pid", "--fork") as place, place.pidfd() as pidfd:
            self.mount("", target, "proc", options={"in": pidfd})

            def processes():
                return [name for name in os.listdir(place.path(target)) if name.isdigit()]

            # whoever mounted it was there, too, and goes when it has answered
            support.wait_until(lambda: processes() == ["1"], "only they are there")
            self.assertEqual(place.run("cat", f"{target}/1/cmdline").stdout, "sleep\0infinity\0")

    def test_proc_is_mounted_by_a_process_that_calls_from_there(self):
        target = self.directory("m")
        result = support.run_as("alice", "unshare", *OWN, "--pid", "--fork", "sh", "-ec",
                                f'usher mount -t proc "{target}" >/dev/null; cut -d" " -f1 "{target}/self/stat"; ls {target}/1/comm')
        self.assertEqual(result.returncode, 0, result.stderr)
        pid, listed = result.stdout.split()
        self.assertLess(int(pid), 100, "this is the machine's /proc")
        self.assertEqual(listed, f"{target}/1/comm")

    def test_sysfs_shows_the_network_of_there(self):
        target = self.directory("m")
        with Place("alice", *OWN, "--net") as place, place.pidfd() as pidfd:
            self.mount("", target, "sysfs", options={"in": pidfd})
            self.assertEqual(place.run("ls", f"{target}/class/net").stdout, "lo\n")
            self.assert_not_mounted(target)

    def test_sysfs_of_a_network_that_is_not_of_there_is_refused(self):
        target = self.directory("m")
        with self.refused("NotPermitted"):
            self.mount("", target, "sysfs", client=self.insider)

    def test_when_the_last_process_has_gone_so_have_the_mounts(self):
        target = self.directory("m")
        client = self.client("alice")
        client.run(support.enter_user_namespace, "mnt")
        mount = self.mount("", target, "tmpfs", client=client)
        client.close()
        support.wait_until(lambda: mount not in self.alice.objects(), "the object of a mount goes with the namespace")


class RootsNamespaces(support.MountTestCase):
    """A caller in a mount namespace that root made, as a service with ProtectSystem= is."""

    def test_the_safe_tier_holds_there_as_it_does_outside(self):
        target = self.directory("m")
        with Place("root", "--mount") as place:
            client = self.client("alice", through=("nsenter", f"--target={place.pid}", "--mount"))
            with self.needs_admin("mount-own"):  # she sits in no session
                self.mount("", target, "tmpfs", client=client)
            with support.polkit_answer("yes", "org.usher1.mount-own", "alice"):
                self.mount("", target, "tmpfs", client=client)
                with self.needs_admin("mount"):
                    self.mount("", target, "tmpfs", ["suid"], client=client)
            self.assert_mounted(target, "tmpfs", ("nosuid", "nodev"), pid=place.pid)
            self.assert_not_mounted(target)

    def test_paths_are_those_of_there(self):
        with Place("root", "--mount", "--propagation=private") as place:
            target = self.directory("m")
            result = place.run("sh", "-ec", f"mount -t tmpfs -o mode=755 tmpfs {target}; mkdir {target}/inner; "
                                            f"chown alice: {target}/inner")
            self.assertEqual(result.returncode, 0, result.stderr)
            client = self.client("alice", through=("nsenter", f"--target={place.pid}", "--mount"))
            with support.polkit_answer("yes", "org.usher1.mount-own", "alice"):
                self.mount("", f"{target}/inner", "tmpfs", client=client)
                with self.refused("NotFound", "inner"):
                    self.mount("", f"{target}/inner", "tmpfs")
            self.assert_mounted(f"{target}/inner", "tmpfs", pid=place.pid)

    def test_a_device_is_found_in_the_machines_own_dev(self):
        image = support.make_image("ext4", f"{self.home}/i", "root")
        device = subprocess.run(["losetup", "--find", "--show", image], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        self.addCleanup(subprocess.run, ["losetup", "--detach", device], check=False)
        target = self.directory("m")
        with Place("root", "--mount", "--propagation=private") as place, place.pidfd() as pidfd:
            with support.polkit_answer("yes", "org.usher1.mount", "alice"):
                self.mount(device, target, "ext4", options={"in": pidfd})
            self.assert_mounted(target, "ext4", ("nosuid", "nodev"), pid=place.pid)
            self.assert_not_mounted(target)
            self.assertEqual(place.run("umount", target).returncode, 0)


class Chroot(support.MountTestCase):
    """A caller whose root directory is not the machine's, in the machine's mount namespace."""

    def setUp(self):
        super().setUp()
        self.root = f"/run/{os.path.basename(self.home)}"
        os.mkdir(self.root)
        self.addCleanup(os.rmdir, self.root)
        subprocess.run(["mount", "--rbind", "/", self.root], check=True)
        self.addCleanup(subprocess.run, ["umount", "--recursive", "--lazy", self.root], check=True)
        subprocess.run(["mount", "--make-rprivate", self.root], check=True)
        self.insider = self.client("alice", through=("chroot", self.root))
        self.during(support.polkit_rule('if (subject.user == "alice" && /^org.usher1.*-own$/.test(action.id)) return "yes";'))

    def test_a_path_begins_at_the_root_of_the_caller(self):
        target = self.directory("m")
        mount = self.mount("", target, "tmpfs", client=self.insider)
        self.assert_mounted(f"{self.root}{target}", "tmpfs")
        self.assert_not_mounted(target)
        entry, = [entry for entry in self.insider.call("Mounts", "List", {}) if entry.get("Object") == mount]
        self.assertEqual(entry["Target"], target)
        self.insider.call("Mounts", "Unmount", target, {})
        self.assert_not_mounted(f"{self.root}{target}")

    def test_an_object_is_unmounted_from_outside(self):
        target = self.directory("m")
        mount = self.mount("", target, "tmpfs", client=self.insider)
        self.unmount(mount)
        self.assert_not_mounted(f"{self.root}{target}")

    def test_no_path_leads_out(self):
        target = self.directory("m")
        outside = f"/../../..{target}"
        self.mount("", outside, "tmpfs", client=self.insider)
        self.assert_mounted(f"{self.root}{target}", "tmpfs")
        self.assert_not_mounted(target)
        os.symlink("/../../../home", f"{self.home}/way")
        other = self.directory("n")
        self.mount("", f"{self.home}/way{other.removeprefix('/home')}", "tmpfs", client=self.insider)
        self.assert_mounted(f"{self.root}{other}", "tmpfs")
        self.assert_not_mounted(other)

    def test_layers_of_an_overlay_are_found_below_the_root_of_the_caller(self):
        lower, other, target = self.directory("lower"), self.directory("other"), self.directory("m")
        self.mount("", lower, "tmpfs", client=self.insider)
        self.insider.run(write_file, f"{lower}/f", "inside")
        self.mount("", target, "overlay", [f"lowerdir={lower}:{other}"], client=self.insider)
        self.assertEqual(self.insider.run(read_file, f"{target}/f"), "inside")
        self.assertEqual(os.listdir(lower), [])


class Naming(support.MountTestCase):
    """The key `in`."""

    def calls(self, value):
        """Every method, with this for `in`."""
        keys = {"in": value}
        target, source = self.home, self.home
        with Descriptor(os.open("/dev/null", os.O_RDONLY), owned=True) as image:
            yield "Mount", ("", target, "tmpfs", [], keys), "Mounts"
            yield "MountImage", (image, target, "squashfs", [], keys), "Mounts"
            yield "Bind", (source, target, [], keys), "Mounts"
            yield "OpenMount", ("", "tmpfs", [], keys), "Mounts"
            yield "OpenTree", (source, [], keys), "Mounts"
            yield "Unmount", (target, keys), "Mounts"
            yield "Remount", (target, ["ro"], keys), "Mounts"
            yield "Move", (source, target, keys), "Mounts"
            yield "PivotRoot", (source, target, keys), "Mounts"
            yield "List", (keys,), "Mounts"
            yield "GetHostname", (keys,), "Host"
            yield "SetHostname", ("x", keys), "Host"
            yield "GetDomainname", (keys,), "Host"
            yield "SetDomainname", ("x", keys), "Host"

    def test_the_object_of_a_namespace_that_is_not_there_is_not_found_by_any_method(self):
        for method, arguments, interface in self.calls(Variant("o", "/org/usher1/namespace/1")):
            with self.subTest(method=method), self.refused("NotFound", "in"):
                self.alice.call(interface, method, *arguments)

    def test_a_descriptor_that_is_no_pidfd_is_refused_by_every_method(self):
        with Descriptor(os.open("/proc/self/ns/mnt", os.O_RDONLY), owned=True) as descriptor:
            for method, arguments, interface in self.calls(descriptor):
                with self.subTest(method=method), self.refused("InvalidArgument", "in", "pidfd"):
                    self.alice.call(interface, method, *arguments)
        for path in ("/", "/dev/null", f"/proc/{os.getpid()}"):
            with self.subTest(path=path), Descriptor(os.open(path, os.O_RDONLY), owned=True) as descriptor:
                with self.refused("InvalidArgument", "in", "pidfd"):
                    self.alice.call("Mounts", "List", {"in": descriptor})

    def test_a_number_is_no_process(self):
        for value in (Variant("u", 1), "1", Variant("i", 1), True):
            with self.subTest(value=value), self.refused("InvalidArgument", "'in'"):
                self.alice.call("Mounts", "List", {"in": value})

    def test_a_process_that_has_exited_is_not_found_by_any_method(self):
        with Place("alice", *OWN) as place:
            pidfd = place.pidfd()
        with pidfd:
            for method, arguments, interface in self.calls(pidfd):
                with self.subTest(method=method), self.refused("NotFound", "in", "exited"):
                    self.alice.call(interface, method, *arguments)

    def test_a_process_of_anothers_is_an_administrators(self):
        target = self.directory("m")
        for user, options in (("bob", OWN), ("root", ("--mount",)), ("bob", ("--user",))):
            with self.subTest(user=user, options=options), Place(user, *options) as place, place.pidfd() as pidfd:
                with self.needs_admin("mount"):
                    self.mount("", target, "tmpfs", options={"in": pidfd})
                with self.needs_admin("list-mounts"):
                    self.alice.call("Mounts", "List", {"in": pidfd})
                with self.needs_admin("get-hostname"):
                    self.alice.call("Host", "GetHostname", {"in": pidfd})
                with self.needs_admin("open-tree"):
                    self.alice.call("Mounts", "OpenTree", self.home, [], {"in": pidfd})
                self.assert_not_mounted(target, place.pid)

    def test_also_if_it_does_nothing_but_run_in_the_machines_namespaces(self):
        target = self.directory("m")
        with Descriptor(os.pidfd_open(1), owned=True) as pidfd, self.needs_admin("mount"):
            self.mount("", target, "tmpfs", options={"in": pidfd})
        process = support.start_as("bob", "sleep", "infinity")
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        with Descriptor(os.pidfd_open(process.pid), owned=True) as pidfd, self.needs_admin("mount"):
            self.mount("", target, "tmpfs", options={"in": pidfd})

    def test_an_object_there_is_unmounted_from_elsewhere(self):
        target = self.directory("m")
        with Place("alice", *OWN) as place, place.pidfd() as pidfd:
            mount = self.mount("", target, "tmpfs", options={"in": pidfd})
            self.unmount(mount)
            self.assert_not_mounted(target, place.pid)

    def test_root_names_whose_process_it_likes(self):
        target = self.directory("m")
        with Place("bob", *OWN) as place, place.pidfd() as pidfd:
            self.mount("", target, "tmpfs", options={"in": pidfd}, client=support.root())
            self.assert_mounted(target, "tmpfs", pid=place.pid)
            self.assert_not_mounted(target)

    def test_ones_own_process_in_the_same_namespaces_changes_nothing(self):
        target = self.directory("m")
        with Descriptor(os.pidfd_open(self.alice.pid), owned=True) as pidfd:
            self.mount("", target, "tmpfs", options={"in": pidfd})
            self.assert_mounted(target, "tmpfs", ("nosuid", "nodev"))
            with self.needs_admin("mount"):
                self.mount("", target, "tmpfs", ["suid"], options={"in": pidfd})

    def test_a_set_user_id_program_that_one_started_is_not_ones_own(self):
        reader, writer = os.pipe()
        process = support.start_as("alice", "su", "bob", stdin=reader, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(os.close, writer)
        os.close(reader)
        support.wait_until(lambda: "Uid:\t51001\t0" in read_file(f"/proc/{process.pid}/status"), "su runs as root")
        with Descriptor(os.pidfd_open(process.pid), owned=True) as pidfd, self.needs_admin("list-mounts"):
            self.alice.call("Mounts", "List", {"in": pidfd})
        process.kill()

    def test_a_caller_that_has_become_somebody_else_speaks_for_nobody(self):
        client = self.client("root")
        client.run(os.setresuid, self.uid, self.uid, self.uid)
        with self.refused("NotPermitted", "no longer"):
            client.call("Mounts", "List", {})
        with self.refused("NotPermitted"):
            client.call("Host", "SetHostname", "x", {})


def loosen(path, fd=support.AT_FDCWD):
    return support.errno_of(support.mount_setattr, path, fd, 0, support.MOUNT_ATTR_NODEV | support.MOUNT_ATTR_NOSUID)


def open_device(directory, fd=None):
    """The errno of opening the device in an image."""
    def attempt():
        os.close(os.open(f"{directory}/zero" if fd is None else "zero", os.O_RDONLY, dir_fd=fd))

    return support.errno_of(attempt)


def attack_place(spot):
    """All that root of a namespace can do to have a mount in it honour devices: what is done, and its errno."""
    tried = {"mount_setattr": loosen(spot),
             "remount": support.errno_of(support.mount, "none", spot, "none", 32 | 4096),  # MS_REMOUNT | MS_BIND
             "device": open_device(spot)}
    copy = support.open_tree(spot)
    tried["mount_setattr of a copy"] = loosen("", copy)
    tried["device of a copy"] = open_device(None, copy)
    os.close(copy)
    return tried


def attack(descriptor, spot):
    """The same for a detached mount, as it is and then attached."""
    fd = descriptor.fileno()
    tried = {f"detached: {key}": value for key, value in (("mount_setattr", loosen("", fd)), ("device", open_device(None, fd)))}
    support.move_mount(fd, spot)
    tried.update(attack_place(spot))
    return tried


class Attack(support.MountTestCase):
    """Root of a user namespace must not get a mount that usher made to honour the devices on it: they are in an image that
    its owner wrote, and a device is the machine's."""

    def setUp(self):
        super().setUp()
        self.spot = self.directory("spot")
        self.attacker = self.client("alice", session=True)
        self.addCleanup(self.sit_down)
        self.image = support.make_image("squashfs", f"{self.home}/i", "alice")

    def enter(self):
        self.attacker.run(support.enter_user_namespace, "mnt")

    def assert_repelled(self, tried):
        for what, error in tried.items():
            self.assertIn(error, (errno.EPERM, errno.EACCES), f"{what}: {errno.errorcode.get(error, 'it works')}")

    def test_the_attack_works_against_a_mount_that_is_not_defended(self):
        with Place("root", "--mount", "--propagation=private") as place:
            target = self.directory("m")
            result = place.run("mount", "-o", "loop,nosuid,nodev", self.image, target)
            self.assertEqual(result.returncode, 0, result.stderr)

            def steal():
                with open(f"/proc/{place.pid}/ns/mnt", "rb") as namespace:
                    support.setns(namespace.fileno())
                return support.open_tree(target)

            reader, writer = socket.socketpair()
            if os.fork() == 0:
                try:
                    support._send(writer, Descriptor(steal()))
                finally:
                    os._exit(0)
            writer.close()
            os.wait()
            with reader, support._receive(reader) as descriptor:
                self.enter()
                tried = self.attacker.run(attack, descriptor, self.spot)
            place.run("umount", target)
        if tried["device"] != 0:
            self.skipTest("this kernel defends such mounts by itself; the tests beside this one show nothing about usher")
        self.assertEqual(tried["mount_setattr"], 0)

    def test_it_fails_against_an_image_that_is_mounted_in_the_namespace(self):
        self.enter()
        self.mount(self.image, self.spot, "squashfs", client=self.attacker)
        self.assertEqual(self.attacker.run(read_file, f"{self.spot}/hello"), "hello\n")
        self.assert_repelled(self.attacker.run(attack_place, self.spot))

    def test_it_fails_against_an_image_by_descriptor(self):
        self.enter()
        with Descriptor(os.open(self.image, os.O_RDONLY), owned=True) as descriptor:
            self.mount_image(descriptor, self.spot, client=self.attacker)
        self.assert_repelled(self.attacker.run(attack_place, self.spot))

    def test_it_fails_against_what_open_mount_returns(self):
        with self.attacker.call("Mounts", "OpenMount", self.image, "squashfs", [], {}) as descriptor:
            self.enter()
            self.assert_repelled(self.attacker.run(attack, descriptor, self.spot))

    def test_it_fails_against_what_open_mount_returns_in_the_namespace(self):
        self.enter()
        with self.attacker.call("Mounts", "OpenMount", self.image, "squashfs", [], {}) as descriptor:
            self.assert_repelled(self.attacker.run(attack, descriptor, self.spot))

    def test_it_fails_against_what_open_tree_returns(self):
        source = self.directory("source")
        support.make_tree(source)
        os.chown(source, self.uid, self.uid)
        with self.attacker.call("Mounts", "OpenTree", source, [], {}) as flat, \
                self.attacker.call("Mounts", "OpenTree", source, [], {"recursive": True}) as deep:
            self.enter()
            for name, descriptor in (("flat", flat), ("deep", deep)):
                self.attacker.run(os.mkdir, f"{self.spot}/{name}")
                self.assert_repelled(self.attacker.run(attack, descriptor, f"{self.spot}/{name}"))

    def test_it_fails_against_an_idmapped_bind_mount_in_the_namespace(self):
        source = self.directory("source")
        support.make_tree(source)
        os.chown(source, self.uid, self.uid)
        self.enter()
        self.bind(source, self.spot, options={"idmap": f"{self.uid} {self.uid} 1"}, client=self.attacker)
        self.assert_repelled({key: error for key, error in self.attacker.run(attack_place, self.spot).items() if "device" not in key})

    def test_it_fails_against_a_file_system_that_an_administrator_allowed(self):
        image = support.make_image("ext4", f"{self.home}/e", "alice")
        self.enter()
        with support.polkit_answer("yes", "org.usher1.*", "alice"):
            self.mount(image, self.spot, "ext4", client=self.attacker)
            self.assert_repelled(self.attacker.run(attack_place, self.spot))
            with self.attacker.call("Mounts", "OpenMount", image, "ext4", [], {}) as descriptor:
                self.attacker.run(os.mkdir, f"{self.home}/other")
                self.assert_repelled(self.attacker.run(attack, descriptor, f"{self.home}/other"))

    def test_a_sealed_mount_can_still_be_unmounted_by_its_owner(self):
        self.enter()
        mount = self.mount(self.image, self.spot, "squashfs", client=self.attacker)
        self.attacker.call("Mounts", "Unmount", self.spot, {})
        self.assert_not_mounted(self.spot, self.attacker.pid)
        self.assertNotIn(mount, support.root().objects())
        self.mount(self.image, self.spot, "squashfs", client=self.attacker)
        self.attacker.run(support.umount, self.spot)
        self.assert_not_mounted(self.spot, self.attacker.pid)

