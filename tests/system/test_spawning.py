# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs for users: who may have which, what holds them, and what outlives whom."""

import contextlib
import ctypes
import os
import resource
import select
import signal
import subprocess

import support
from support import Descriptor, Variant, wait_until

SPAWNER = "usher-spawner.service"


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def forbid_nothing():
    """A seccomp filter that allows everything, but is one."""
    libc = ctypes.CDLL(None, use_errno=True)
    allow = (ctypes.c_uint64 * 1)(0x7FFF000000000006)  # BPF_RET | BPF_K, SECCOMP_RET_ALLOW

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    program = Program(1, ctypes.addressof(allow))
    if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no filter")


def limit_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 8192))
    os.nice(3)


def born():
    """The processes that are to be somebody's program."""
    found = []
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if name.isdigit() and support.read_file(f"/proc/{name}/comm") == "usher-born\n":
                found.append(int(name))
    return found


class Spawning(support.MountTestCase):
    def spawn(self, *argv, client=None, **keys):
        client = client or self.client("alice")
        ours, theirs = os.pipe()
        self.addCleanup(os.close, ours)
        with Descriptor(theirs, True) as output:
            path, pidfd = client.call("Processes", "Spawn", list(argv), {}, {1: output}, keys)
        self.addCleanup(pidfd.close)
        return client, path, pidfd, ours

    def run_shell(self, script, client=None, **keys):
        client, path, _, output = self.spawn("/bin/sh", "-c", script, client=client, **keys)
        with open(output, encoding="utf-8", closefd=False) as file:
            text = file.read()
        return text, client.call("Process", "Wait", {}, path=path)

    def test_what_a_caller_could_do_itself_is_asked_of_nobody(self):
        with support.polkit_asked("no", "alice") as asked:
            for types in ([], ["user"], ["all"]):
                self.assertEqual(self.run_shell("id -un", types=Variant("as", types))[1], ("exited", 0))
            self.assertEqual(asked(), [])

    def test_namespaces_without_one_of_users_are_an_administrators(self):
        with support.polkit_asked("no", "alice") as asked:
            with self.refused("NotPermitted"):
                self.spawn("/bin/true", types=Variant("as", ["net"]))
            self.assertEqual([told["action"] for told in asked()], ["org.usher1.spawn"])
        with support.polkit_answer("yes", "org.usher1.spawn", "alice"):
            text, ended = self.run_shell("cat /proc/self/status; cat /sys/class/net/lo/flags; ip link set lo down",
                                         types=Variant("as", ["net"]))
        self.assertNotEqual(ended, ("exited", 0))
        for line in ("CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "Uid:\t51001\t51001\t51001\t51001"):
            self.assertIn(line, text)

    def test_sec_33_a_place_of_somebody_elses_is_an_administrators(self):
        with support.Place("bob", "--user", "--map-root-user") as place, support.polkit_asked("no", "alice"), \
                self.refused("NotPermitted"), place.pidfd() as pidfd:
            self.spawn("/bin/true", **{"in": pidfd})

    def test_a_caller_under_a_filter_does_not_get_out_of_it(self):
        client = self.client("alice")
        client.run(forbid_nothing)
        with support.polkit_asked("no", "alice") as asked:
            with self.refused("NotPermitted"):
                self.spawn("/bin/true", client=client)
            self.assertEqual([told["action"] for told in asked()], ["org.usher1.spawn"])

    def test_it_counts_where_its_caller_does(self):
        client = self.client("alice")
        with open(f"/proc/{client.pid}/cgroup", encoding="utf-8") as file:
            mine = file.read().splitlines()[-1]
        self.assertEqual(self.run_shell("tail -n 1 /proc/self/cgroup", client=client)[0].strip(), mine)

    LIMITS = {"memory": ("memory_max", 64 << 20), "cpu": ("cpu_quota_usec", 20000), "pids": ("pids_max", 2)}

    def test_a_limit_that_nothing_here_enforces_is_refused(self):
        there = support.read_file("/sys/fs/cgroup/system.slice/cgroup.controllers").split()
        missing = {name: limit for name, limit in self.LIMITS.items() if name not in there}
        if not missing:
            self.skipTest("all controllers are there in version 2")
        for name, (key, value) in missing.items():
            with self.subTest(name=name), self.refused("NotSupported", key, f"no controller '{name}'"):
                self.spawn("/bin/true", client=self.client("root"), **{key: Variant("t", value)})

    def test_a_control_group_of_its_own_holds_it(self):
        there = support.read_file("/sys/fs/cgroup/system.slice/cgroup.controllers").split()
        if not set(self.LIMITS) <= set(there):
            self.skipTest(f"of the controllers {' '.join(self.LIMITS)} version 2 has no more here than: {' '.join(there) or 'none'}")
        keys = {key: Variant("t", value) for key, value in self.LIMITS.values()}
        with support.polkit_asked("no", "alice") as asked:
            with self.refused("NotPermitted", "control group"):
                self.spawn("/bin/true", **keys)
            self.assertEqual([told["action"] for told in asked()], ["org.usher1.spawn"])
        root = self.client("root")
        text, _ = self.run_shell("tail -n 1 /proc/self/cgroup; sleep 0.1 & sleep 0.1 & wait", client=root, **keys)
        group = f"/sys/fs/cgroup{text.split('::')[1].splitlines()[0]}"
        self.assertIn("/usher-spawner.service/process-", group)
        # the next one that is made takes those away that are left
        wait_until(lambda: self.run_shell("true", client=root, **keys) and not os.path.exists(group), "the group has gone", timeout=60)
        _, ended = self.run_shell("sleep 0.1 & sleep 0.1 & wait", client=root, pids_max=Variant("t", 2))
        self.assertEqual(ended, ("exited", 2))  # of dash that cannot fork
        if not support.read_file("/proc/swaps").splitlines()[1:]:  # where it would go otherwise
            _, ended = self.run_shell("exec python3 -c 'bytearray(1 << 28)'", client=root, memory_max=Variant("t", 64 << 20))
            self.assertEqual(ended, ("killed", signal.SIGKILL))
        # a worker that is killed does not keep the next one from beginning
        _, path, _, _ = self.spawn("/bin/sleep", "100", client=root, **keys)
        subprocess.run(["systemctl", "kill", "--signal=KILL", "--kill-who=main", SPAWNER], check=True)
        self.assertEqual(self.run_shell("true", client=root)[1], ("exited", 0))
        root.call("Process", "Signal", "KILL", {}, path=path)

    def test_no_group_that_its_caller_makes_is_a_way_out(self):
        """Dots in its name, one for threads alone, one that belongs to the user."""
        for name in ("usher-test..", "usher-test/threaded"):
            group = f"/sys/fs/cgroup/{name}"
            os.makedirs(group)
            client = self.client("alice")
            try:
                if name.endswith("threaded"):
                    support.write_file(f"{group}/cgroup.type", "threaded")
                os.chown(f"{group}/cgroup.procs", 51001, 51001)
                support.write_file(f"{os.path.dirname(group) if 'threaded' in name else group}/cgroup.procs", str(client.pid))
                support.write_file(f"{group}/cgroup.threads", str(client.pid))
                self.assertEqual(self.run_shell("tail -n 1 /proc/self/cgroup", client=client)[0], f"0::/{name}\n")
            finally:
                client.kill()
                wait_until(lambda group=group: not support.errno_of(os.rmdir, group), "the group is empty")
        os.rmdir("/sys/fs/cgroup/usher-test")

    def test_the_limits_of_its_caller_hold_it(self):
        client = self.client("alice")
        client.run(limit_files)
        text, _ = self.run_shell("ulimit -S -f; ulimit -H -f; nice", client=client)
        self.assertEqual(text.split(), ["8", "16", str(os.nice(0) + 3)])
        with self.refused("NotPermitted", "credentials:", "fsize"):
            self.spawn("/bin/true", client=client, rlimits=Variant("a{s(tt)}", {"fsize": (4096, 16384)}))

    def test_a_set_user_id_program_gives_it_nothing(self):
        path = f"{self.directory('programs')}/id"
        subprocess.run(["install", "-m", "4755", "/usr/bin/id", path], check=True)
        self.assertEqual(self.run_shell(f"{path} -u")[0], "51001\n")
        self.assertEqual(self.run_shell(f"{path} -u", types=Variant("as", ["all"]), map_zero=True)[0], "0\n")

    def test_sec_43_what_is_to_be_a_program_cannot_be_looked_into(self):
        with support.polkit_answer("auth_admin", "org.usher1.spawn", "alice"):
            client = self.client("alice")
            agent = support.AuthenticationAgent(client)
            self.addCleanup(agent.close)
            pending = client.begin("Processes", "Spawn", ["/bin/true"], {}, {}, {"types": Variant("as", ["net"])}, interactive=True)
            cookie, _, _ = agent.question()
            found = wait_until(born, "there is one that waits")
            for pid in found:
                for name in ("mem", "environ", "exe", "fd", "ns/net", "root"):
                    with self.assertRaises(PermissionError, msg=name):
                        support.as_user("alice", os.listdir if name == "fd" else os.readlink if "/" in name or name in ("exe", "root")
                                        else read, f"/proc/{pid}/{name}")
            agent.answer(cookie, False)
            with self.refused("NotPermitted"):
                pending.result()
        wait_until(lambda: not born(), "it is gone")

    def test_programs_outlive_the_service_and_their_end_is_told(self):
        client, path, pidfd, _ = self.spawn("/bin/sh", "-c", "sleep 1000", lifetime="manual")
        os.kill(support.main_pid("usherd.service"), signal.SIGKILL)
        os.kill(support.main_pid(SPAWNER), signal.SIGKILL)
        wait_until(lambda: client.get("Process", "State", path=path) == "running", "it is still known")
        pending = client.begin("Process", "Wait", {}, path=path)
        signal.pidfd_send_signal(pidfd.fileno(), signal.SIGTERM)
        self.assertEqual(pending.result(), ("killed", signal.SIGTERM))

    def test_who_kills_a_keeper_does_not_keep_a_program_from_going_with_its_connection(self):
        client, path, pidfd, _ = self.spawn("/bin/sleep", "1000")
        pid = client.get("Process", "Pid", path=path)
        os.kill(int(status_of(pid)["PPid"]), signal.SIGKILL)
        client.kill()
        self.assertTrue(select.select([pidfd], [], [], 10)[0])

    def test_a_keeper_holds_next_to_nothing(self):
        client, path, _, _ = self.spawn("/bin/sleep", "1000")
        keeper = int(status_of(client.get("Process", "Pid", path=path))["PPid"])
        status = status_of(keeper)
        self.assertEqual(status["CapPrm"], f"{1 << 5:016x}")  # CAP_KILL
        self.assertEqual(status["Seccomp"], "2")
        self.assertEqual(len([what for what in support.descriptors(keeper).values() if not what.startswith(("/dev/null", "socket:"))]), 1)
        with open(f"/proc/{keeper}/smaps_rollup", encoding="ascii") as file:
            private = sum(int(line.split()[1]) for line in file if line.startswith("Private_"))
        print(f"     a keeper has {private} KiB of its own")
        self.assertLess(private, 600)

    def test_three_hundred_one_after_the_other_have_keyrings_of_their_own(self):
        """A user may have no more than two hundred keys."""
        client = self.client("alice")
        found = {self.run_shell("true", client=client)[1] for _ in range(300)}
        self.assertEqual(found, {("exited", 0)})

    def test_no_keeper_is_left(self):
        client = self.client("alice")
        started = [self.spawn("/bin/sleep", "0.5", client=client) for _ in range(50)]
        for _, path, _, _ in started:
            self.assertEqual(client.call("Process", "Wait", {}, path=path), ("exited", 0))
        wait_until(lambda: not [pid for pid in support.children(SPAWNER)], "no keeper is left")

    def test_the_unit_restricts_no_program(self):
        text, _ = self.run_shell("cat /proc/self/status; cat /proc/self/limits; ls /proc/self/ns -l")
        self.assertIn("Seccomp:\t0", text)
        ours = subprocess.run([*support.become("alice"), "cat", "/proc/self/limits"], stdout=subprocess.PIPE, text=True, check=True).stdout
        for line in ours.splitlines()[1:]:
            if not line.startswith(("Max core", "Max open files", "Max locked")):
                self.assertIn(line.split("  ")[0], text)


def read(path):
    with open(path, "rb") as file:
        return file.read(1)
