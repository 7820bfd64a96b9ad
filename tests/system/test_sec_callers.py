# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callers: that each is who it is and nobody else, when it asks, while somebody thinks, and afterwards.

A test whose name begins with sec-NN is the one of lesson NN in docs/security.md."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time

import support
from support import Variant, wait_until

sys.path.append(os.path.join(os.path.dirname(support.HERE), "kernel"))
import rawbus  # pylint: disable=wrong-import-position

INTERACTIVE = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"
BUS = "/run/dbus/system_bus_socket"
MOUNT = "sssasa{sv}"


@contextlib.contextmanager
def people(*uids):
    """Users with these numbers, named u and the number."""
    texts = {}
    for name in ("passwd", "group"):
        with open(f"/etc/{name}", encoding="utf-8") as file:
            texts[name] = file.read()
    try:
        for uid in uids:
            with open("/etc/group", "a", encoding="utf-8") as file:
                file.write(f"u{uid}:x:{uid}:\n")
            with open("/etc/passwd", "a", encoding="utf-8") as file:
                file.write(f"u{uid}:x:{uid}:{uid}::/:/bin/sh\n")
        yield [f"u{uid}" for uid in uids]
    finally:
        for name, text in texts.items():
            with open(f"/etc/{name}", "w", encoding="utf-8") as file:
                file.write(text)


def helper_programs():
    """What runs of the service's own helper programs: their words and their environment."""
    for pid in support.processes("usher-worker.service"):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")[:-1]
            if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "usher-worker":
                continue
            with open(f"/proc/{pid}/environ", "rb") as file:
                environment = file.read()
            yield f"{words} {environment}"


class Helpers(support.MountTestCase):
    def run_helpers(self):
        """The set of what was seen of them.  They live for a moment, and on a busy machine nobody may see one for long."""
        image, source, target = support.make_image("squashfs", f"{self.home}/-x --help", "alice"), self.directory("-s"), self.directory("-t")
        seen = set()
        for _ in range(8):
            seen |= self.watch_helpers(image, source, target)
            if len({text.partition("]")[0] for text in seen}) > 1:
                break
        return seen

    def watch_helpers(self, image, source, target):
        watcher = support.Watcher(helper_programs)
        try:
            for _ in range(25):
                self.unmount(self.mount(image, target, "auto"))
                self.unmount(self.bind(source, target, [], {"idmap": f"{self.uid} 5200000 1"}))
        finally:
            _, found = watcher.result()
        # between fork and execve it is still the worker, which looks so
        return {text for text in found if not text.startswith("[]")}

    def test_sec_19_what_a_helper_is_told_is_nobodys_words(self):
        """sec-19: it gets no word of the caller's, but a number where it needs the caller."""
        words = {text.rpartition(" b'")[0].rpartition(' b"')[0] or text.rpartition(" b'")[0] for text in self.run_helpers()}
        self.assertEqual(words, {"[b'usher-probe']", f"[b'usher-ranges', b'{self.uid}']"})

    def test_sec_14_a_helper_has_no_environment(self):
        """sec-14: not the service's, which an administrator may have set for something else."""
        drop_in = "/run/systemd/system/usher-worker.service.d/sec-14.conf"
        os.makedirs(os.path.dirname(drop_in), exist_ok=True)
        with open(drop_in, "w", encoding="utf-8") as file:
            file.write("[Service]\nEnvironment=LD_PRELOAD=/nothing.so LIBMOUNT_FORCE_MOUNT2=always BLKID_FILE=/nothing TMPDIR=/home/alice PATH=/home/alice\n")

        def restart():
            subprocess.run(["systemctl", "daemon-reload"], check=True)
            subprocess.run(["systemctl", "restart", "usher-worker.service"], check=True)

        def away():
            os.unlink(drop_in)
            os.rmdir(os.path.dirname(drop_in))
            restart()

        restart()
        self.addCleanup(away)
        seen = self.run_helpers()
        self.assertGreaterEqual(len(seen), 2)
        for text in seen:
            self.assertTrue(text.endswith(" b''"), text)

    def test_sec_14_a_callers_environment_reaches_nobody(self):
        """sec-14: nor does the one that a user's own manager is given."""
        target = self.directory("m")
        trap = self.directory("trap")
        for name in ("mount", "umount", "losetup", "blkid", "modprobe"):
            with open(f"{trap}/{name}", "w", encoding="utf-8") as file:
                file.write(f"#!/bin/sh\necho \"$0\" >> {self.home}/caught\n")
            os.chmod(f"{trap}/{name}", 0o755)
        client = self.client("alice", through=("env", f"LD_PRELOAD={trap}/x.so", f"PATH={trap}:/usr/bin:/bin", f"TMPDIR={trap}", "LIBMOUNT_FORCE_MOUNT2=always",
                                               f"GCONV_PATH={trap}", f"LIBMOUNT_FSTAB={trap}/fstab", "SYSTEMD_LOG_LEVEL=debug", "BLKID_FILE=/etc/shadow"))
        image = support.make_image("squashfs", f"{self.home}/i", "alice")
        with support.polkit_answer("yes", "org.usher1.mount-own", "alice"):
            self.unmount(self.mount(image, target, "auto", client=client))
        self.assertFalse(os.path.exists(f"{self.home}/caught"))
        for unit in ("usherd.service", "usher-worker.service"):
            with open(f"/proc/{support.main_pid(unit)}/environ", "rb") as file:
                self.assertNotIn(os.fsencode(trap), file.read())


class Doors(support.TestCase):
    def test_sec_16_there_is_one_door_for_strangers(self):
        """sec-16: whoever adds a second one meets this test, and runs all the others through that as well."""
        support.settle()
        listening = {}
        for unit in ("usherd.service", "usher-worker.service"):
            sockets = {os.readlink(f"/proc/{pid}/fd/{fd}") for pid in support.processes(unit) for fd in support.descriptors(pid)}
            listening[unit] = set()
            with open("/proc/net/unix", encoding="utf-8") as file:
                for line in file.readlines()[1:]:
                    words = line.split()
                    if f"socket:[{words[6]}]" in sockets and int(words[3], 16) & 0x10000:
                        listening[unit].add(words[7] if len(words) > 7 else "")
        self.assertEqual(listening, {"usherd.service": set(), "usher-worker.service": {"/run/usher/worker"}})
        status = os.stat("/run/usher/worker")
        self.assertEqual(status.st_mode & 0o777, 0o600)
        for user in ("alice", "bob", "nobody"):
            with self.subTest(user=user), self.assertRaises(PermissionError):
                support.as_user(user if user != "nobody" else "bob", connect_worker)
        names = [name for name in support.root().call("org.freedesktop.DBus", "ListNames", path="/org/freedesktop/DBus",
                                                      name="org.freedesktop.DBus") if "usher" in name]
        self.assertEqual(names, ["org.usher1"])


def connect_worker():
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.connect("/run/usher/worker")


class Numbers(support.MountTestCase):
    session = False

    def test_sec_23_a_user_is_a_number_and_not_its_digits(self):
        """sec-23: of 51001 neither 5100 nor 51 unmounts, nor 151001 or 510010; nor is anything of it shown as theirs."""
        uids = (51, 5100, 510010, 151001, 51001 + 2**16, 51001 + 2**31)
        target = self.directory("m")
        os.chmod("/home/alice", 0o711)
        self.addCleanup(os.chmod, "/home/alice", 0o700)
        os.chmod(self.home, 0o755)
        with support.polkit_answer("yes", "org.usher1.*", "alice"), people(*uids) as names, \
                support.polkit_rule('if (action.id == "org.usher1.unmount-own" || action.id == "org.usher1.remount-own") return "yes";'):
            mount = self.mount("", target, "tmpfs")
            for uid, name in zip(uids, names):
                client = self.client(name, through=("env",))
                with self.subTest(uid=uid):
                    for call in (lambda: client.call("Mounts", "Unmount", target, {}), lambda: client.call("Mount", "Unmount", {}, path=mount),
                                 lambda: client.call("Mounts", "Unmount", target, {"lazy": True})):
                        with self.assertRaises(support.DBusError) as caught:
                            call()
                        self.assertIn("org.usher1.unmount-others", caught.exception.message)
                    entry, = [entry for entry in client.call("Mounts", "List", {}) if entry["Target"] == target]
                    self.assertEqual(entry["Owner"], self.uid)
                client.close()
            self.assert_mounted(target, "tmpfs")
            self.unmount(mount)

    def test_sec_27_the_highest_numbers_are_users_as_all_others(self):
        """sec-27: 2147483648, which is negative elsewhere, and the last one that there is."""
        uids = (0x7FFFFFFF, 0x80000000, 0x80000001, 4294967294)
        with people(*uids) as names, support.polkit_rule(
                'if (action.id.indexOf("org.usher1.") == 0 && action.id.slice(-4) == "-own") return "yes";'):
            for uid, name in zip(uids, names):
                with self.subTest(uid=uid):
                    client = self.client(name, through=("env",))
                    target = f"/home/u{uid}"
                    os.mkdir(target)
                    self.addCleanup(os.rmdir, target)
                    with self.assertRaises(support.DBusError) as caught:
                        self.mount("", target, "tmpfs", client=client)  # root's yet
                    self.assertIn(caught.exception.name, (INTERACTIVE, f"{support.ERROR}NotPermitted"))
                    os.chown(target, uid, uid)
                    mount = self.mount("", target, "tmpfs", client=client)
                    self.assertEqual(os.stat(target).st_uid, uid)
                    self.assertEqual(self.alice.get("Mount", "Owner", mount), uid)
                    with self.assertRaises(support.DBusError) as caught:
                        self.mount("", target, "tmpfs", ["uid=0"], client=client)
                    self.assertIn("org.usher1.mount", caught.exception.message)
                    with self.assertRaises(support.DBusError) as caught:
                        self.unmount(mount)
                    self.assertIn("org.usher1.unmount-others", caught.exception.message)
                    self.unmount(mount, client)
                    client.run(support.enter_user_namespace, "uts")
                    client.call("Host", "SetHostname", "own", {})
                    client.close()


class Others(support.MountTestCase):
    def test_sec_24_nobody_unmounts_what_is_anothers(self):
        """sec-24: not by its target, its object, its device or image, its source, nor by an object that is another by now."""
        image, target, plain = support.make_image("squashfs", f"{self.home}/i", "alice"), self.directory("m"), self.directory("n")
        os.chmod("/home/alice", 0o711)
        self.addCleanup(os.chmod, "/home/alice", 0o700)
        os.chmod(self.home, 0o755)
        bob = self.client("bob")
        with support.polkit_asked("no", "bob") as asked:
            old = self.mount("", plain, "tmpfs")
            self.unmount(old)
            mounts = {target: self.mount(image, target, "squashfs"), plain: self.mount("things", plain, "tmpfs")}
            self.assertNotIn(old, mounts.values())
            device, = [f"/dev/{name}" for name, file in support.loop_devices().items() if file == image]
            for options in ({}, {"lazy": True}, {"force": True}, {"expire": True}):
                for path, mount in mounts.items():
                    for call in (lambda: bob.call("Mounts", "Unmount", path, options), lambda: bob.call("Mount", "Unmount", options, path=mount),
                                 lambda: bob.call("Mounts", "Unmount", f"{path}/../{os.path.basename(path)}/", options)):
                        with self.subTest(options=options, path=path), self.refused("NotPermitted", "org.usher1.unmount-others"):
                            call()
                for name in (device, image, "things", f"{target}/sub", "tmpfs"):
                    with self.subTest(options=options, name=name), self.refused("InvalidArgument"):
                        bob.call("Mounts", "Unmount", name, options)
                with self.subTest(options=options), self.refused("org.freedesktop.DBus.Error.UnknownObject"):
                    bob.call("Mount", "Unmount", options, path=old, signature="a{sv}")
            for method, arguments in (("Remount", (target, ["rw"], {})), ("Move", (plain, "/home/bob", {}))):
                with self.subTest(method=method), self.refused("NotPermitted", f"org.usher1.{method.lower()}"):
                    bob.call("Mounts", method, *arguments)
            self.assertFalse([told for told in asked() if told["action"].endswith("-own")])
            for path, fstype in ((target, "squashfs"), (plain, "tmpfs")):
                self.assert_mounted(path, fstype)


class Below(support.MountTestCase):
    def test_sec_24_what_others_mounted_below_ones_own_mount_stays_as_it_is(self):
        """sec-24: it is not changed, moved, nor taken along, neither when asked for nor at the end of a connection."""
        target = self.directory("m")
        mount = self.mount("", target, "tmpfs", ["size=64k"])
        for name in ("others", "own"):
            self.alice.run(os.mkdir, f"{target}/{name}")
        own = self.mount("", f"{target}/own", "tmpfs", ["size=4k"])
        support.mount("roots", f"{target}/others", "tmpfs")
        before = support.mount_at(f"{target}/others")
        try:
            for call, action in ((lambda: self.alice.call("Mounts", "Remount", target, ["ro"], {"recursive": True}), "remount"),
                                 (lambda: self.alice.call("Mounts", "Remount", target, [], {"recursive": True, "propagation": "private"}), "remount"),
                                 (lambda: self.alice.call("Mounts", "Remount", target, ["runbindable"], {}), "remount"),
                                 (lambda: self.alice.call("Mounts", "Move", target, self.home, {}), "move"),
                                 (lambda: self.alice.call("Mounts", "Unmount", target, {"lazy": True}), "unmount"),
                                 (lambda: self.unmount(mount, lazy=True), "unmount")):
                with self.subTest(action=action), self.needs_admin(action):
                    call()
            self.assertEqual(support.mount_at(f"{target}/others"), before)
            self.alice.call("Mounts", "Remount", target, ["noexec"], {})
            with self.refused("Busy"):
                self.unmount(mount)
        finally:
            support.umount(f"{target}/others")
        # what is below is all hers now
        self.alice.call("Mounts", "Remount", target, ["noatime"], {"recursive": True})
        self.unmount(mount, lazy=True)
        wait_until(lambda: own not in self.alice.objects("Mount"), "what was below has gone, too")

    def test_a_recursive_copy_is_its_owners_with_all_that_was_in_it(self):
        """The copies below it have no objects, and go with it; what root mounts on them later does not."""
        source, target = self.directory("s"), self.directory("t")
        self.mount("", self.directory("s/d"), "tmpfs", ["size=64k"])
        self.alice.run(os.mkdir, f"{source}/d/e")
        mount = self.bind(source, target, options={"recursive": True})
        self.alice.call("Mounts", "Remount", target, ["noatime"], {"recursive": True})
        support.mount("roots", f"{target}/d/e", "tmpfs")
        with self.needs_admin("unmount"):
            self.unmount(mount, lazy=True)
        support.umount(f"{target}/d/e")
        self.unmount(mount, lazy=True)
        self.assert_not_mounted(target)
        self.assert_not_mounted(f"{target}/d")

    def test_sec_24_the_end_of_a_connection_takes_nothing_of_others_along(self):
        """sec-24: the mount stays as long as somebody else's lies on it, and goes then."""
        target = self.directory("m")
        client = support.Client("alice", session=True)
        self.addCleanup(self.sit_down)
        self.mount("", target, "tmpfs", ["size=64k"], {"lifetime": "connection"}, client)
        client.run(os.mkdir, f"{target}/others")
        support.mount("roots", f"{target}/others", "tmpfs")
        client.kill()
        wait_until(lambda: not support.children("usher-worker.service"), "it was tried")
        time.sleep(0.3)
        self.assertIsNotNone(support.mount_at(f"{target}/others"))
        support.umount(f"{target}/others")
        wait_until(lambda: support.mount_at(target) is None, "the mount goes when nothing of others is left on it")


def leave_connection(keeper, target):
    """Run by alice: connects to the bus and exits; the fork that it leaves behind calls on the connection when told to, over keeper."""
    connection = rawbus.Connection(BUS)
    if os.fork() == 0:
        try:
            while keeper.recv(1):
                said = [connection.call("Mount", MOUNT, "", target, "tmpfs", [], {}).error, connection.call("List", "a{sv}", {}).error]
                keeper.sendall("\n".join(word or "done" for word in said).encode())
        finally:
            os._exit(0)
    os._exit(0)


def ask_and_become_another(keeper, target):
    """Run by alice: asks for a mount when told to, and becomes a set-user-ID program with its connection when told again."""
    connection = rawbus.Connection(BUS)
    connection.socket.set_inheritable(True)
    keeper.sendall(b"x")
    keeper.recv(1)
    connection.send("Mount", MOUNT, "", target, "tmpfs", [], {}, flags=4)  # somebody may be asked
    keeper.recv(1)
    os.execv("/usr/bin/su", ["su", "bob"])


class Identity(support.MountTestCase):
    session = False

    def connection_without_its_process(self, target):
        """(the pid that the bus has for it, a socket to whoever holds it)."""
        ours, theirs = socket.socketpair()
        process = subprocess.Popen([sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; import socket, test_sec_callers as module; "
                                    f"module.leave_connection(socket.socket(fileno={theirs.fileno()}), {target!r})"],
                                   pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, **support.identity_of("alice"))
        theirs.close()
        self.addCleanup(ours.close)
        process.wait()
        return process.pid, ours

    @staticmethod
    def call(keeper):
        keeper.sendall(b"x")
        return keeper.recv(4096).decode().split("\n")

    def test_sec_26_a_connection_whose_process_has_gone_speaks_for_nobody(self):
        """sec-26: also when another user's process has its number by then."""
        target = self.directory("m")
        with support.polkit_answer("yes", "org.usher1.*", "alice"):
            _, keeper = self.connection_without_its_process(target)
            self.assertEqual(set(self.call(keeper)), {f"{support.ERROR}NotFound"})
            for user in ("root", "bob"):
                with self.subTest(user=user):
                    pid, keeper = self.connection_without_its_process(target)
                    with self.process_numbered(pid, user):
                        self.assertEqual(set(self.call(keeper)), {f"{support.ERROR}NotPermitted"})
                    self.assert_not_mounted(target)
            # Her own number in another process of hers is hers.
            pid, keeper = self.connection_without_its_process(target)
            with self.process_numbered(pid, "alice"):
                self.assertEqual(self.call(keeper), ["done", "done"])
            support.root().call("Mounts", "Unmount", target, {})

    @contextlib.contextmanager
    def process_numbered(self, pid, user):
        """A process of user's with a pid that is free."""
        for _ in range(50):
            with open("/proc/sys/kernel/ns_last_pid", "w", encoding="ascii") as file:
                file.write(str(pid - 1))
            process = support.start_as(user, "sleep", "infinity")
            try:
                if process.pid == pid:
                    yield
                    return
            finally:
                process.kill()
                process.wait()
        self.skipTest(f"the number {pid} cannot be had again")

    def test_sec_26_what_the_caller_says_about_itself_is_not_heard(self):
        """sec-26: no method takes a user, a process by its number, or a key that looks like the service's own."""
        target = self.directory("m")
        for key in ("uid", "owner", "caller", "caller_fd", "pid", "subject", "tier", "connection", "as-user", "as_user"):
            for value in (Variant("u", 0), Variant("s", "root"), True):
                with self.subTest(key=key), self.refused("InvalidArgument", f"'{key}'"):
                    self.mount("", target, "tmpfs", options={key: value})

    def test_sec_26_a_caller_that_leaves_while_somebody_thinks_gets_nothing(self):
        """sec-26: the question goes with it, and the child does not wait for polkit to notice."""
        target = self.directory("m", "root")
        polkit = support.main_pid("polkit.service")
        for how in ("killed", "left", "killed while polkit stands still"):
            with self.subTest(how=how):
                client = support.Client("alice", session=True)
                person = support.AuthenticationAgent(client)
                client.begin("Mounts", "Mount", "", target, "tmpfs", [], {}, interactive=True)
                cookie, _, _ = person.question()
                if how.endswith("still"):
                    os.kill(polkit, signal.SIGSTOP)
                try:
                    os.kill(client.pid, signal.SIGTERM if how == "left" else signal.SIGKILL)
                    wait_until(lambda: not support.children("usher-worker.service"), "the child goes with the question")
                finally:
                    os.kill(polkit, signal.SIGCONT)
                self.assertEqual(person.taken_back(), cookie)
                person.close()
                client.kill()
                self.assert_not_mounted(target)

    def test_sec_26_what_a_caller_has_become_meanwhile_gets_nothing_more(self):
        """sec-26: while somebody thinks, it becomes a program with root's rights that holds the connection."""
        target = self.directory("m", "root")
        ours, theirs = socket.socketpair()
        process = subprocess.Popen([sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; import socket, test_sec_callers as module; "
                                    f"module.ask_and_become_another(socket.socket(fileno={theirs.fileno()}), {target!r})"],
                                   pass_fds=[theirs.fileno()], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   **support.identity_of("alice"))
        theirs.close()
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(ours.close)
        ours.recv(1)  # it is connected
        person = support.AuthenticationAgent(process)
        self.addCleanup(person.close)
        ours.sendall(b"x")
        cookie, action, _ = person.question()
        self.assertEqual(action, "org.usher1.mount")
        ours.sendall(b"x")

        def is_roots():
            with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
                return f"Uid:\t{self.uid}\t0" in file.read()

        wait_until(is_roots, "su runs as root")
        person.answer(cookie)
        wait_until(lambda: not support.children("usher-worker.service"), "the call is over")
        found = support.mount_at(target)
        if found:  # what was asked for, for whom it was asked
            self.assertEqual(os.stat(target).st_uid, self.uid)
            self.assertLessEqual({"nosuid", "nodev"}, set(found.options))
            support.root().call("Mounts", "Unmount", target, {})


class Answers(support.PersonTestCase):
    def test_sec_28_a_yes_for_one_directory_is_none_for_the_next(self):
        """sec-28: nor for the same one the next time."""
        one, other = self.directory("one", "root"), self.directory("other", "root")
        for target in (one, other, one):
            with self.subTest(target=target):
                pending = self.caller.begin("Mounts", "Mount", "", target, "tmpfs", [], {}, interactive=True)
                cookie, _, message = self.person.question()
                self.assertIn(target, message)
                self.assert_not_mounted(target)
                self.person.answer(cookie)
                mount = self.made(pending.result())
                with self.needs_admin("mount"):
                    self.mount("", self.home if target == other else other, "tmpfs", ["suid"], client=self.caller)
                self.unmount(mount, support.root())

    def test_sec_28_no_action_is_kept(self):
        """sec-28: as polkit itself has them."""
        actions = [action for action in support.root().call("org.freedesktop.PolicyKit1.Authority", "EnumerateActions", "",
                                                            signature="s", **support.POLKIT) if action[0].startswith("org.usher1.")]
        self.assertGreater(len(actions), 20)
        for name, *_, any_, inactive, active, _ in actions:
            with self.subTest(action=name):
                # 0 no, 1 self, 2 administrator, 3 self kept, 4 administrator kept, 5 yes
                self.assertFalse({any_, inactive, active} & {3, 4})

    def test_sec_29_every_action_lets_the_service_tell_details(self):
        """sec-29: polkit takes them from the owner of an action only, and the service is not root."""
        actions = [action for action in support.root().call("org.freedesktop.PolicyKit1.Authority", "EnumerateActions", "",
                                                            signature="s", **support.POLKIT) if action[0].startswith("org.usher1.")]
        self.assertGreater(len(actions), 20)
        for name, *_, annotations in actions:
            with self.subTest(action=name):
                self.assertEqual(annotations.get("org.freedesktop.policykit.owner"), "unix-user:usher")


def quick_calls(target, chance, delay):
    """In a process of alice's: begin a call that is asked about and leave after a moment."""
    del chance
    connection = rawbus.Connection(BUS)
    connection.send("Mount", MOUNT, "", target, "tmpfs", [], {})
    connection.send("List", "a{sv}", {})
    time.sleep(delay)
    connection.close()


class Leaving(support.MountTestCase):
    session = False
    ROUNDS = int(os.environ.get("ROUNDS") or 150)
    longest = 180 + ROUNDS // 10

    def test_sec_30_a_caller_that_leaves_at_any_moment_harms_nobody(self):
        """sec-30: while it is identified, looked for, asked about, answered; the service is the same afterwards."""
        target = self.directory("m")
        pids = [support.main_pid(unit) for unit in ("usherd.service", "usher-worker.service")]
        chance = random.Random(30)
        with support.polkit_asked("no", "alice") as asked:  # which takes a moment
            for _ in range(self.ROUNDS):
                self.alice.run(quick_calls, target, None, chance.choice((0, 0.001, 0.002, 0.004, 0.008, 0.016, 0.03, 0.06)))
            wait_until(lambda: not support.children("usher-worker.service"), "no child is left")
            self.assertTrue(asked())
            support.root().call("Mounts", "List", {})
        self.assertEqual([support.main_pid(unit) for unit in ("usherd.service", "usher-worker.service")], pids)
        self.assert_not_mounted(target)
