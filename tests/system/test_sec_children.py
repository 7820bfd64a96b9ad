# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a child of the worker, or a program that one of ours starts, could be made to believe or to give away."""

import contextlib
import os
import shutil
import socket
import subprocess

import support
from support import Variant, wait_until

WORKER = "usher-worker.service"
PROBE = "/usr/libexec/usher/usher-probe"
NOBODY = "65534"


def status_of(pid):
    """/proc/PID/status, as a dict."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def join_user_namespace(pid):
    with open(f"/proc/{pid}/ns/user", "rb") as file:
        support.setns(file.fileno())


def joined(pid):
    """The child of the worker that is in a process's user namespace, or None: there may be others that look at something."""
    for child in support.children(WORKER):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{child}/ns/user") == os.readlink(f"/proc/{pid}/ns/user"):
                return child
    return None


def reach_program(pid):
    """What can be done to the program that a process runs."""
    done = []
    for what, action in (("find", lambda: os.readlink(f"/proc/{pid}/exe")),
                         ("read", lambda: os.close(os.open(f"/proc/{pid}/exe", os.O_RDONLY))),
                         ("write", lambda: os.close(os.open(f"/proc/{pid}/exe", os.O_WRONLY)))):
        with contextlib.suppress(OSError):
            action()
            done.append(what)
    return done


def fake_proc(target):
    """Cover /proc by one in which every descriptor of every process is a directory of ours."""
    support.mount("fake", "/proc", "tmpfs")
    for process in ("self", "thread-self", "1"):
        os.makedirs(f"/proc/{process}/fd")
        for number in range(64):
            os.symlink(target, f"/proc/{process}/fd/{number}")


class Children(support.MountTestCase):
    def child(self):
        return wait_until(lambda: support.children(WORKER), "a child of the worker is at work").pop()

    def test_sec_35_a_proc_of_the_callers_own_is_not_believed(self):
        """The names that a child gives the kernel are those of its descriptors, in a /proc that must be its own."""
        caller = self.client("alice")
        caller.run(support.enter_user_namespace, "mnt")
        new, other = self.directory("new"), self.directory("other")
        for path in (new, other):
            self.mount("", path, "tmpfs", client=caller)
            caller.run(os.mkdir, f"{path}/old")
        caller.run(fake_proc, other)
        caller.call("Mounts", "PivotRoot", new, f"{new}/old", {})
        # What was other is below the old root if it was not made the root itself.
        self.assertEqual(os.listdir(f"/proc/{caller.pid}/root/old{other}"), ["old"])
        self.assertIn("etc", os.listdir(f"/proc/{caller.pid}/root/old"))

    def test_sec_36_the_program_of_a_child_is_out_of_reach_of_the_root_it_works_for(self):
        before = os.stat("/usr/libexec/usher/usher-worker")
        insider = self.client("alice")
        insider.run(support.enter_user_namespace, "mnt")
        target, spot, other = self.directory("m"), self.directory("stuck"), self.directory("other")
        with support.StuckFilesystem(spot, "alice", {support.FUSE_GETATTR: 1, support.FUSE_STATFS: 1}, reads=False):
            attacker = self.client("alice")
            attacker.run(join_user_namespace, insider.pid)
            self.assertIn("read", attacker.run(reach_program, insider.pid), "the attacker is root where the insider is")
            pending = insider.begin("Mounts", "Mount", "", target, "overlay", [f"lowerdir={spot}:{other}"],
                                    {"deadline_usec": Variant("t", 60000000)})
            child = wait_until(lambda: joined(insider.pid), "the child has joined the namespace")
            reached = attacker.run(reach_program, child)
            support.kill_children(WORKER)
            with self.refused("Failed"):
                pending.result()
        self.assertEqual(reached, [])
        after = os.stat("/usr/libexec/usher/usher-worker")
        self.assertEqual((before.st_mtime_ns, before.st_size), (after.st_mtime_ns, after.st_size))

    def test_sec_61_what_looks_into_images_may_do_nothing(self):
        spot = self.directory("stuck")
        with support.StuckFilesystem(spot, "alice", reads=False):
            pending = self.alice.begin("Mounts", "Mount", f"{self.home}/image", spot, "auto", [],
                                       {"deadline_usec": Variant("t", 5000000)})
            probes = wait_until(lambda: [pid for pid in support.children(WORKER) if "usher-probe" in support.command_of(pid)],
                                "the program is there that would look")
            status, held = status_of(probes[0]), support.descriptors(probes[0])
            support.kill_children(WORKER)
            with self.refused("Failed"):
                pending.result()
        for name in ("Uid", "Gid"):
            self.assertEqual(set(status[name].split()), {NOBODY}, name)
        self.assertEqual(status["Groups"].strip(), "")
        self.assertEqual({name: int(status[name], 16) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")},
                         {"CapPrm": 0, "CapEff": 0, "CapInh": 0, "CapAmb": 0})
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(sorted(held), [0, 1, 2], held)

    def test_sec_61_before_it_looks_it_gives_up_every_way_out(self):
        """Caught in its first look, at something on a file system that does not answer."""
        spot = self.directory("stuck")
        ours, its = socket.socketpair()
        with ours, support.StuckFilesystem(spot, "alice", reads=False):
            with its:
                probe = subprocess.Popen([PROBE], stdin=its, stdout=its, env={})
            with support.Descriptor(os.open(spot, os.O_PATH), owned=True) as fd:
                socket.send_fds(ours, [b"x"], [fd.fileno()])

            def looks():
                with open(f"/proc/{probe.pid}/stat", encoding="ascii") as file:
                    return file.read().rpartition(")")[2].split()[0] in "SD" and "fuse" in wait_channel(probe.pid)

            try:
                wait_until(looks, "it waits for the file system")
                status = status_of(probe.pid)
            finally:
                probe.kill()
                probe.wait()
        self.assertEqual(status["Seccomp"], "2")


def wait_channel(pid):
    with open(f"/proc/{pid}/stack", encoding="ascii") as file:
        return file.read()


class Programs(support.TestCase):
    def test_sec_58_the_worker_is_not_looked_for_beside_the_broker_nor_where_the_environment_says(self):
        for way in ("copy", "link"):
            with self.subTest(way=way):
                place = support.as_user("alice", support.make_directory, "programs")
                self.addCleanup(shutil.rmtree, place)
                if way == "copy":
                    shutil.copy("/usr/libexec/usher/usherd", f"{place}/usherd")
                else:
                    os.symlink("/usr/libexec/usher/usherd", f"{place}/usherd")
                for name in ("usher-worker", "usher-probe"):
                    with open(f"{place}/{name}", "w", encoding="ascii") as file:
                        file.write(f"#!/bin/sh\n: >{place}/run\nexec sleep 5\n")
                    os.chmod(f"{place}/{name}", 0o755)
                shutil.chown(place, "alice", "alice")
                script = (f"cd {place}; PATH={place}:$PATH LIBEXECDIR={place} {place}/usherd --session & "
                          "for i in 1 2 3 4 5 6 7 8 9; do usher --session hostname && break; sleep 0.2; done; kill %1 $!")
                said = support.run_as("alice", "dbus-run-session", "--", "bash", "-c", script)
                self.assertIn(os.uname().nodename, said.stdout, said.stderr)
                self.assertFalse(os.path.exists(f"{place}/run"), "a program of alice's was taken for the worker")


WORDS = "[Limits]\nMounts=1\nCalls=1\nLoopDevices=1\n[Options]\nallow=suid,dev\n"


def write_words(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write(WORDS)


class Configuration(support.MountTestCase):
    def test_sec_65_what_lies_beside_or_in_a_users_files_configures_nothing(self):
        said = support.root().get_all("Limits")
        inside, target = self.directory("inside"), self.directory("m")
        image = f"{self.home}/tools.squashfs"
        names = ("usherd.conf", ".usherd.conf", "usher/usherd.conf", ".config/usher/usherd.conf", "etc/usher/usherd.conf",
                 "usherd.conf.d/a.conf", "etc/usher/usherd.conf.d/a.conf", "mount_options.conf", "tools.squashfs.options", "tools.nspawn")
        written = []
        for place in (self.home, inside, "/tmp/usher-test", "/var/tmp/usher-test", "/dev/shm/usher-test"):
            if place.endswith("-test"):
                self.addCleanup(shutil.rmtree, place)
            for name in names:
                self.alice.run(write_words, f"{place}/{name}")
                written.append(f"{place}/{name}")
        subprocess.run(["mksquashfs", inside, image, "-quiet", "-no-progress"], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, check=True)
        shutil.chown(image, "alice", "alice")
        subprocess.run(["systemctl", "reload", "usherd.service"], check=True)
        self.mount(image, target, "squashfs")
        self.mount("", self.directory("n"), "tmpfs")
        self.assert_mounted(target, "squashfs", ["ro", "nosuid", "nodev"])
        with self.needs_admin("mount"):
            self.mount(image, self.directory("o"), "squashfs", ["suid"])
        self.assertEqual(support.root().get_all("Limits"), said)
        broker = support.main_pid("usherd.service")
        seen = [path for path in written if os.path.exists(f"/proc/{broker}/root{path}") and not path.startswith("/dev/shm/")]
        self.assertEqual(seen, [], "the broker sees these")
