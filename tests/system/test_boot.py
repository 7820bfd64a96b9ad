# SPDX-License-Identifier: LGPL-2.1-or-later
"""The system that the other tests rely on is what they take it for."""

import os
import pwd
import subprocess

import support


def raise_key_error():
    raise KeyError("there")


def own_capabilities():
    with open("/proc/self/status", encoding="utf-8") as file:
        return {line.split()[0].rstrip(":"): int(line.split()[1], 16) for line in file if line.startswith("Cap")}


class TheSystem(support.TestCase):
    def test_systemd_is_process_1(self):
        self.assertEqual(os.path.realpath("/proc/1/exe"), "/usr/lib/systemd/systemd")

    def test_no_unit_has_failed(self):
        failed = subprocess.run(["systemctl", "list-units", "--failed", "--plain", "--no-legend"], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, text=True, check=True).stdout
        self.assertEqual(failed, "")

    def test_control_groups_are_unified(self):
        self.assertEqual(support.mount_at("/sys/fs/cgroup").fstype, "cgroup2")

    def test_the_journal_can_be_read(self):
        self.assertTrue(support.journal("init.scope", 0))

    def test_nothing_covers_parts_of_proc_and_sys(self):
        covers = [mount.target for mount in support.mounts() if mount.target.startswith(("/proc/", "/sys/"))]
        self.assertEqual(covers, ["/sys/fs/cgroup"])

    def test_the_network_is_a_private_one(self):
        self.assertEqual(os.listdir("/sys/class/net"), ["lo"])

    def test_home_is_a_file_system_of_its_own_and_no_overlay(self):
        home = support.mount_at("/home")
        self.assertIsNotNone(home)
        self.assertEqual(home.fstype, "ext4")

    def test_the_checkout_is_there_and_cannot_be_written(self):
        self.assertTrue(os.path.exists("/usr/src/usher/tests/system/run"))
        self.assertTrue(os.statvfs("/usr/src/usher").f_flag & os.ST_RDONLY)

    def test_an_image_can_be_mounted_through_a_loop_device(self):
        image = "/home/image"
        target = "/run/image"
        before = set(support.loop_devices())
        with open(image, "wb") as file:
            file.truncate(16 << 20)
        self.addCleanup(os.unlink, image)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", image], check=True)
        os.mkdir(target)
        self.addCleanup(os.rmdir, target)
        subprocess.run(["mount", "-o", "loop", image, target], check=True)
        self.assertEqual(support.mount_at(target).fstype, "ext4")
        self.assertEqual(len(set(support.loop_devices()) - before), 1)
        subprocess.run(["umount", target], check=True)
        support.wait_until(lambda: set(support.loop_devices()) == before, "the loop device is free again")


class People(support.TestCase):
    def test_alice_and_bob_exist_and_have_a_home_of_their_own(self):
        for name in support.PEOPLE:
            entry = pwd.getpwnam(name)
            self.assertEqual(os.stat(entry.pw_dir).st_uid, entry.pw_uid)

    def test_alice_and_bob_have_no_capability_and_no_other_group(self):
        for name in support.PEOPLE:
            capabilities = support.as_user(name, own_capabilities)
            for kind in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
                self.assertEqual(capabilities[kind], 0, kind)
            self.assertEqual(support.as_user(name, os.getgroups), [pwd.getpwnam(name).pw_gid])

    def test_alice_and_bob_have_subordinate_ids_that_do_not_overlap(self):
        for path in ("/etc/subuid", "/etc/subgid"):
            ranges = {}
            with open(path, encoding="utf-8") as file:
                for line in file:
                    name, start, count = line.strip().split(":")
                    ranges[name] = range(int(start), int(start) + int(count))
            alice, bob = ranges["alice"], ranges["bob"]
            self.assertTrue(alice.stop <= bob.start or bob.stop <= alice.start)

    def test_alice_can_make_a_user_namespace_and_a_proc_of_its_own(self):
        result = support.run_as("alice", "unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount", "--mount-proc",
                                "id", "-u")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "0\n", ""))

    def test_what_a_fork_of_alice_raises_reaches_the_test(self):
        with self.assertRaises(KeyError):
            support.as_user("alice", raise_key_error)
        self.assertEqual(support.as_user("alice", lambda: os.getuid()), pwd.getpwnam("alice").pw_uid)


class TheBus(support.TestCase):
    BUS = {"name": "org.freedesktop.DBus", "path": "/org/freedesktop/DBus"}

    def test_the_bus_answers_and_knows_who_asks(self):
        for name in (*support.PEOPLE, "root"):
            with support.Client(name) as client:
                uid = client.call("org.freedesktop.DBus", "GetConnectionUnixUser", client.name, **self.BUS)
                self.assertEqual(uid, pwd.getpwnam(name).pw_uid)

    def test_an_error_of_the_bus_reaches_the_test(self):
        alice = self.client("alice")
        with self.refused("org.freedesktop.DBus.Error.NameHasNoOwner", "org.nobody"):
            alice.call("org.freedesktop.DBus", "GetNameOwner", "org.nobody", **self.BUS)
        name, _ = support.call_as("bob", "org.freedesktop.DBus", "GetNameOwner", "org.nobody", **self.BUS)
        self.assertEqual(name, "org.freedesktop.DBus.Error.NameHasNoOwner")

    def test_alice_may_not_call_herself_usher(self):
        alice = self.client("alice")
        with self.refused("org.freedesktop.DBus.Error.AccessDenied"):
            alice.call("org.freedesktop.DBus", "RequestName", support.BUS_NAME, 0, **self.BUS)

    def test_a_signal_reaches_who_subscribed(self):
        alice = self.client("alice")
        alice.subscribe(sender="org.freedesktop.DBus", member="NameOwnerChanged")
        bob = self.client("bob")
        _, _, _, (name, old, new) = alice.signal("NameOwnerChanged")
        self.assertEqual((name, old, new), (bob.name, "", bob.name))
        bob.kill()
        self.assertEqual(alice.signal("NameOwnerChanged")[3], (bob.name, bob.name, ""))

    def test_a_descriptor_from_the_bus_reaches_the_test(self):
        alice = self.client("alice")
        with alice.call("org.freedesktop.login1.Manager", "Inhibit", "shutdown", "test", "because", "delay",
                        name="org.freedesktop.login1", path="/org/freedesktop/login1") as descriptor:
            self.assertTrue(os.readlink(f"/proc/self/fd/{descriptor.fileno()}"))


class Polkit(support.TestCase):
    ACTION = "org.freedesktop.hostname1.set-hostname"  # an administrator's
    LOCAL = "org.freedesktop.login1.inhibit-block-shutdown"  # whoever sits in front of the machine

    def test_polkit_answers(self):
        with support.Client("alice") as alice, support.Client("root") as root:
            self.assertNotEqual(support.check_authorization(alice, self.ACTION), "yes")
            self.assertEqual(support.check_authorization(root, self.ACTION), "yes")

    def test_a_rule_holds_while_it_is_there_and_only_for_whom_it_names(self):
        alice = self.client("alice")
        bob = self.client("bob")
        with support.polkit_answer("yes", self.ACTION, "alice"):
            self.assertEqual(support.check_authorization(alice, self.ACTION), "yes")
            self.assertNotEqual(support.check_authorization(bob, self.ACTION), "yes")
        self.assertNotEqual(support.check_authorization(alice, self.ACTION), "yes")

    def test_whoever_sits_in_front_of_the_machine_may_more(self):
        away = self.client("alice")
        present = self.client("alice", session=True)
        self.assertEqual(present.run(os.getuid), pwd.getpwnam("alice").pw_uid)
        self.assertNotEqual(support.check_authorization(away, self.LOCAL), "yes")
        self.assertEqual(support.check_authorization(present, self.LOCAL), "yes")


class Leaks(support.TestCase):
    def test_a_mount_that_stays_is_noticed(self):
        os.mkdir("/run/leak")
        try:
            with self.assertRaisesRegex(AssertionError, r"mounts: \+ /run/leak \(tmpfs leak\)"):
                with support.nothing_leaked(timeout=0.2):
                    subprocess.run(["mount", "-t", "tmpfs", "leak", "/run/leak"], check=True)
        finally:
            subprocess.run(["umount", "/run/leak"], check=True)
            os.rmdir("/run/leak")

    def test_what_is_given_back_is_no_leak(self):
        with support.nothing_leaked():
            with support.Client("alice") as alice:
                alice.run(os.getpid)
