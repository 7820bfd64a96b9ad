# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nobody looks into what works on its behalf: every way there is of reading, steering or tracing another process, tried by
the caller against a child of the worker in every state that it can be held in, the broker and the worker."""

import contextlib
import ctypes
import errno
import os
import pwd
import signal
import subprocess

import support
from support import Variant, wait_until

PTRACE_ATTACH, PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 16, 0x4206, 0x4207, 17
SYS_pidfd_getfd, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp = 438, 310, 311, 312
READ = ("environ", "auxv", "maps", "smaps", "pagemap", "syscall", "io", "personality", "stack", "timers")
LINKS = ("exe", "cwd", "root", "ns/mnt", "ns/user", "ns/net", "ns/uts", "ns/pid")
WRITE = ("mem", "clear_refs", "coredump_filter", "oom_score_adj", "comm", "uid_map", "gid_map", "setgroups")
EXPECTED = {errno.EPERM, errno.EACCES}


def _checked(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _read(path):
    with open(path, "rb") as file:
        file.read(1)


def _trace(request, pid):
    _checked(support.libc.ptrace(request, pid, None, None))
    if request == PTRACE_SEIZE:
        _checked(support.libc.ptrace(PTRACE_INTERRUPT, pid, None, None))
    os.waitpid(pid, 0x40000000)  # __WALL
    _checked(support.libc.ptrace(PTRACE_DETACH, pid, None, None))


def _take_descriptor(pid):
    pidfd = os.pidfd_open(pid)
    try:
        os.close(_checked(support.libc.syscall(SYS_pidfd_getfd, pidfd, 0, 0)))
    finally:
        os.close(pidfd)


def _copy_memory(call, pid):
    # nothing is at address 0, and that is found out only by who may look there
    byte = ctypes.create_string_buffer(1)
    ours, theirs = (ctypes.c_size_t * 2)(ctypes.addressof(byte), 1), (ctypes.c_size_t * 2)(0, 1)
    try:
        _checked(support.libc.syscall(call, pid, ours, 1, theirs, 1, 0))
    except OSError as error:
        if error.errno != errno.EFAULT:
            raise


def _debug(pid):
    done = subprocess.run(["gdb", "-nx", "-batch", "-p", str(pid)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if "Operation not permitted" in done.stdout:
        raise PermissionError(errno.EPERM, "gdb")


def ways(pid):
    """Everything that can be tried, by its name."""
    found = {f"read {name}": lambda name=name: _read(f"/proc/{pid}/{name}") for name in READ}
    found |= {f"follow {name}": lambda name=name: os.readlink(f"/proc/{pid}/{name}") for name in LINKS}
    found |= {f"write {name}": lambda name=name: os.close(os.open(f"/proc/{pid}/{name}", os.O_WRONLY)) for name in WRITE}
    found |= {"list descriptors": lambda: os.listdir(f"/proc/{pid}/fd"),
              "list mapped files": lambda: os.listdir(f"/proc/{pid}/map_files"),
              "read memory by file": lambda: os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY)),
              "read memory": lambda: _copy_memory(SYS_process_vm_readv, pid),
              "write memory": lambda: _copy_memory(SYS_process_vm_writev, pid),
              "compare": lambda: _checked(support.libc.syscall(SYS_kcmp, pid, os.getpid(), 2, 0, 0)),
              "attach": lambda: _trace(PTRACE_ATTACH, pid),
              "seize": lambda: _trace(PTRACE_SEIZE, pid),
              "take a descriptor": lambda: _take_descriptor(pid),
              "gdb": lambda: _debug(pid)}  # without gdb that fails where it is allowed
    return found


def try_all(pid):
    """Name of each way to the errno that it failed with, 0 if it did not."""
    return {name: support.errno_of(way) for name, way in ways(pid).items()}


def try_signals(pid):
    """The errno of asking, of stopping and of killing."""
    return {number: support.errno_of(os.kill, pid, number) for number in (0, signal.SIGSTOP, signal.SIGKILL)}


def join_user_namespace(pid):
    with open(f"/proc/{pid}/ns/user", "rb") as file:
        support.setns(file.fileno())


class Looking(support.MountTestCase):
    def child(self):
        return wait_until(lambda: support.children("usher-worker.service"), "a child of the worker is at work").pop()

    def assert_closed(self, tried, what):
        self.assertGreater(len(tried), 30)
        self.assertEqual({name: errno.errorcode.get(number, number) for name, number in tried.items() if number not in EXPECTED},
                         {}, f"{what} can be looked into")

    @contextlib.contextmanager
    def held(self, client, *call, options=None, **keywords):
        pending = client.begin("Mounts", *call, {"deadline_usec": Variant("t", 20000000), **(options or {})}, **keywords)
        child = self.child()
        try:
            yield child
        finally:
            support.kill_children("usher-worker.service")
            with self.refused("Failed"):
                pending.result()

    def test_the_ways_work_where_they_are_allowed(self):
        victim = self.client("alice")
        ignored = {"write uid_map", "write gid_map", "write setgroups", "read stack"}  # once, or for nobody
        tried = support.as_user("alice", try_all, victim.pid)
        self.assertEqual({name: number for name, number in tried.items() if number and name not in ignored}, {})

    def test_a_child_that_looks_is_closed_to_its_caller(self):
        spot = self.directory("stuck")
        with support.StuckFilesystem(spot, "alice", reads=False), self.held(self.alice, "OpenTree", spot, []) as child:
            self.assert_closed(support.as_user("alice", try_all, child), "a child that looks")
            self.assertEqual(set(support.as_user("alice", try_signals, child).values()), {errno.EPERM})

    def test_a_child_that_waits_for_a_persons_answer_is_closed_to_its_caller(self):
        caller = self.client("alice")
        person = support.AuthenticationAgent(caller)
        self.addCleanup(person.close)
        target = self.directory("m", "root")
        with self.held(caller, "Mount", "", target, "tmpfs", [], interactive=True) as child:
            person.question()
            self.assert_closed(support.as_user("alice", try_all, child), "a child that waits")
            self.assertEqual(set(support.as_user("alice", try_signals, child).values()), {errno.EPERM})

    def test_a_child_in_the_callers_own_user_namespace_is_closed_to_the_root_of_that(self):
        insider, attacker = self.client("alice"), self.client("alice")
        insider.run(support.enter_user_namespace, "mnt")
        attacker.run(join_user_namespace, insider.pid)
        target, spot, other = self.directory("m"), self.directory("stuck"), self.directory("other")
        ignored = {"write uid_map", "write gid_map", "write setgroups", "read stack", "compare"}
        tried = attacker.run(try_all, insider.pid)
        self.assertEqual({name: number for name, number in tried.items() if number and name not in ignored}, {},
                         "the attacker is root where the insider is")
        with support.StuckFilesystem(spot, "alice", {support.FUSE_GETATTR: 1, support.FUSE_STATFS: 1}, reads=False), \
                self.held(insider, "Mount", "", target, "overlay", [f"lowerdir={spot}:{other}"]) as child:
            wait_until(lambda: os.readlink(f"/proc/{child}/ns/user") == os.readlink(f"/proc/{insider.pid}/ns/user"),
                       "the child has joined the namespace")
            self.assert_closed(attacker.run(try_all, child), "a child in one's own namespace")

    def test_the_broker_and_the_worker_are_closed_to_everybody_but_root(self):
        support.settle()
        for unit in ("usherd.service", "usher-worker.service"):
            pid = support.main_pid(unit)
            for user in ("alice", "bob"):
                with self.subTest(unit=unit, user=user):
                    self.assert_closed(support.as_user(user, try_all, pid), unit)
                    self.assertEqual(set(support.as_user(user, try_signals, pid).values()), {errno.EPERM})

    def test_the_worker_and_its_children_are_closed_to_the_broker(self):
        support.settle()
        uid = pwd.getpwnam("usher").pw_uid
        self.assertNotEqual(uid, 0)
        worker = support.main_pid("usher-worker.service")
        self.assert_closed(support.as_user("usher", try_all, worker), "the worker")
        spot = self.directory("stuck")
        with support.StuckFilesystem(spot, "alice", reads=False), self.held(self.alice, "OpenTree", spot, []) as child:
            self.assert_closed(support.as_user("usher", try_all, child), "a child")
            self.assertEqual(set(support.as_user("usher", try_signals, child).values()), {errno.EPERM})
