# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of the service on a private bus share: a bus, the service on it, and the kernel's own answers.

They run in fresh namespaces, once as root and once as root of a user namespace (see tests/kernel/run), so nothing of
the machine changes and what is left behind ends with the namespaces.  Clients, expectations and the mount table come
from tests/system/support.py; only the bus is another, and everybody is one user.
"""

import contextlib
import ctypes
import fcntl
import itertools
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

import support
# What a test needs of these it finds here.
from support import Client, DBusError, Descriptor, Variant, mount_at, mounts, wait_until  # noqa: F401 pylint: disable=unused-import

HERE = os.path.dirname(os.path.realpath(__file__))
RING = os.environ.get("USHER_RING", "")  # "root" or "user"
BUILD = os.environ.get("USHER_BUILD", "")
WORK = os.environ.get("USHER_WORK", "")  # a tmpfs, ours
OLD = os.environ.get("USHER_OLD", "") != ""  # every service runs as on a kernel that lacks these
LACKING = ("statmount:ENOSYS", "listmount:ENOSYS", "ioctl,1=0x8008b705:ENOTTY",  # NS_GET_MNTNS_ID
           "fsconfig,1=5:EINVAL",  # FSCONFIG_SET_FD
           # what number a process of another pid namespace has here, what a pidfd tells of its process, and of that one's
           # namespaces: mount, network, pid, user and UTS
           *(f"ioctl,1={number:#x}:ENOTTY" for number in (0x8004b707, 0xc040ff0b, 0xff03, 0xff04, 0xff05, 0xff09, 0xff0a))) if OLD else ()
SANITIZERS = re.compile(r"ERROR: (?:Address|Leak)Sanitizer|runtime error")

# Everybody here is who runs the tests.
support.identity_of = lambda user: {}


# ---- the kernel

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWUSER, CLONE_NEWPID = 0x20000, 0x4000000, 0x10000000, 0x20000000
MS_RDONLY, MS_NOSUID, MS_BIND, MS_REC = 1, 2, 4096, 16384
MS_UNBINDABLE, MS_PRIVATE, MS_SLAVE, MS_SHARED = 1 << 17, 1 << 18, 1 << 19, 1 << 20
MNT_DETACH = 2
SYS_move_mount, SYS_statx = 429, 332
MOVE_MOUNT_F_EMPTY_PATH = 4
AT_EMPTY_PATH = 0x1000
STATX_MNT_ID, STATX_MNT_ID_UNIQUE = 0x1000, 0x4000


def checked(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def mount(source, target, fstype=None, flags=0, data=None):
    def word(text):
        return None if text is None else os.fsencode(text)
    checked(libc.mount(word(source), word(target), word(fstype), ctypes.c_ulong(flags), word(data)), f"mount {target}")


def umount(target, flags=0):
    checked(libc.umount2(os.fsencode(target), flags), f"umount {target}")


def sethostname(name):
    checked(libc.sethostname(name, len(name)), "sethostname")


def unshare(flags):
    checked(libc.unshare(flags), "unshare")


def move_mount(fd, target):
    checked(libc.syscall(SYS_move_mount, fd, b"", -100, os.fsencode(target), MOVE_MOUNT_F_EMPTY_PATH), "move_mount")


def mount_id(path, unique=True):
    """What statx(2) says is the mount that a path is on, or None if this kernel does not say."""
    wanted = STATX_MNT_ID_UNIQUE if unique else STATX_MNT_ID
    buffer = ctypes.create_string_buffer(256)
    checked(libc.syscall(SYS_statx, -100, os.fsencode(path), 0, wanted, buffer), "statx")
    mask, = struct.unpack_from("=I", buffer, 0)
    number, = struct.unpack_from("=Q", buffer, 0x90)
    return number if mask & wanted else None


def make(path, text=None):
    """A directory, or a file if there is text for it."""
    os.makedirs(path if text is None else os.path.dirname(path), exist_ok=True)
    if text is not None:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    return path


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def escape(text):
    """As usher writes strings: \\xNN for what is not UTF-8, controls and the backslash."""
    shown = ""
    for character in text:
        code = ord(character)
        if 0xDC80 <= code <= 0xDCFF:
            shown += f"\\x{code - 0xDC00:02x}"
        elif code < 0x20 or code == 0x7F or character == "\\":
            shown += f"\\x{code:02x}"
        elif 0x80 <= code < 0xA0:
            shown += "".join(f"\\x{byte:02x}" for byte in character.encode())
        else:
            shown += character
    return shown


def running(comm=None):
    """Processes that run, and are no zombies: pid and name.  In a namespace for processes of our own that is all."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                text = read(f"/proc/{name}/stat")
                its, state = text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2]
                if state not in "ZX" and comm in (None, its):
                    found[int(name)] = its
    return found


def state_of(pid):
    """The letter of /proc/PID/stat."""
    return read(f"/proc/{pid}/stat").rpartition(")")[2].split()[0]


def children_of(pid, ready=False):
    """What works for a process: without children of the worker that wait for an order; or only those."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                start, _, rest = read(f"/proc/{name}/stat").rpartition(")")
                fields = rest.split()
                if int(fields[1]) == pid and fields[0] not in "ZX" and start.endswith("(usher-ready") == ready:
                    found.append(int(name))
    return found


# ---- the bus and the service

CONFIGURATION = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={path}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


class Bus:
    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="bus-", dir=WORK)
        self.path = f"{self.directory}/socket"
        self.address = f"unix:path={self.path}"
        configuration = make(f"{self.directory}/bus.conf", CONFIGURATION.format(path=self.path))
        self.process = subprocess.Popen(["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        start_new_session=True)
        if not self.process.stdout.readline():
            raise AssertionError("the bus does not start")

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


class Store:
    """The part of systemd that keeps descriptors for a service: what sd_notify(3) sends is taken and given back."""

    def __init__(self, directory):
        self.path = f"{directory}/notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.kept = {}  # name to descriptor
        self.ready = False
        self.lock = threading.Lock()
        self.end, self.ended = os.pipe()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        """An answer may wait for the store, and its reader with it: somebody else has to look."""
        while self.end not in select.select([self.socket, self.end], [], [])[0]:
            self.serve()

    def serve(self):
        """Take what has been sent."""
        with self.lock:
            self.take()

    def take(self):
        while select.select([self.socket], [], [], 0)[0]:
            data, fds, _, _ = socket.recv_fds(self.socket, 65536, 16)
            words = dict(line.partition("=")[::2] for line in data.decode().splitlines())
            self.ready |= words.get("READY") == "1"
            if words.get("FDSTORE") == "1":
                name = words["FDNAME"]
                self.kept.setdefault(name, []).extend(fds)
                fds = []
            elif words.get("FDSTOREREMOVE") == "1" and words["FDNAME"] in self.kept:
                for fd in self.kept.pop(words["FDNAME"]):
                    os.close(fd)
            for fd in fds:  # a barrier is answered by closing it
                os.close(fd)

    def close(self):
        os.close(self.ended)
        self.thread.join()
        for fd in (*itertools.chain(*self.kept.values()), self.end):
            os.close(fd)
        self.socket.close()


class Stalled:
    """A system call that waits for our answer."""

    def __init__(self, listener, identity, pid):
        self.listener = listener
        self.identity = identity
        self.pid = pid

    def answer(self, error, flags):
        with contextlib.suppress(OSError):  # it may be dead
            fcntl.ioctl(self.listener, 0xC0182101, struct.pack("=QqiI", self.identity, 0, error, flags))

    def go_on(self):
        self.answer(0, 1)

    def fail(self, error):
        self.answer(-error, 0)


class Service:
    """usherd --session on a bus of its own, or on a given one; without its standard descriptors if none of them is open."""

    def __init__(self, bus=None, block=(), store=False, standard=True):
        self.standard = standard
        self.own_bus = None if bus else Bus()
        self.bus = bus or self.own_bus
        self.block = [*block, *LACKING]
        self.store = Store(tempfile.mkdtemp(prefix="store-", dir=WORK)) if store else None
        self.listener = None
        self.log = tempfile.TemporaryFile("w+", dir=WORK, errors="replace")  # pylint: disable=consider-using-with
        self.pid = 0
        self.start()

    def start(self):
        command = [f"{BUILD}/usherd", "--session", "--libexec", BUILD]
        listening = None
        if self.block:
            words = self.block
            if any(word.endswith(":stall") for word in self.block):
                listening = socket.socket(socket.AF_UNIX)
                path = tempfile.mktemp(prefix="listener-", dir=WORK)
                listening.bind(path)
                listening.listen(1)
                listening.settimeout(10)  # a rule that is none
                words = ["--listener", path, *words]
            command = [f"{HERE}/block", *words, "--", *command]
        environment = {**os.environ, "DBUS_SESSION_BUS_ADDRESS": self.bus.address}
        environment.pop("NOTIFY_SOCKET", None)
        kept = {}
        if self.store:
            environment["NOTIFY_SOCKET"] = self.store.path
            self.store.ready = False
            kept = self.store.kept
        self.pid = os.fork()
        if self.pid == 0:
            try:
                # As systemd passes them: from 3 on, and for that process only.
                copies = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100) for fd in itertools.chain(*kept.values())]
                os.dup2(self.log.fileno(), 1)
                os.dup2(self.log.fileno(), 2)
                for number, copy in enumerate(copies, 3):
                    os.dup2(copy, number)
                os.closerange(3 + len(copies), 4096)
                if not self.standard:
                    os.closerange(0, 3)
                if kept:
                    environment.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(copies)),
                                       LISTEN_FDNAMES=":".join(name for name, fds in kept.items() for _ in fds))
                os.setsid()
                os.execve(command[0], command, environment)
            finally:
                os._exit(127)
        if listening:
            with listening:
                connection, _ = listening.accept()
            with connection:
                _, (self.listener,), _, _ = socket.recv_fds(connection, 1, 1)
        with Client(address=self.bus.address) as client:
            def named():
                if self.store:
                    self.store.serve()
                if self.gone():
                    raise AssertionError(f"usherd does not start: {self.said()}")
                return client.call("org.freedesktop.DBus", "NameHasOwner", "org.usher1", path="/org/freedesktop/DBus",
                                   name="org.freedesktop.DBus", signature="s")
            wait_until(named, "usherd has its name", 30)

    @property
    def worker(self):
        found = [pid for pid in children_of(self.pid) if "usher-worker" in support.command_of(pid)]
        return found[0] if found else 0

    def gone(self):
        """Whether it has ended (and is reaped then)."""
        if self.pid and os.waitpid(self.pid, os.WNOHANG)[0]:
            self.pid = 0
        return self.pid == 0

    def stop(self, number=signal.SIGTERM, timeout=15.0):
        if not self.gone():
            os.kill(self.pid, number)

            def ended():
                if self.store:
                    self.store.serve()
                return self.gone()
            try:
                wait_until(ended, "usherd ends")
            except AssertionError:
                if not self.gone():
                    os.kill(self.pid, signal.SIGKILL)
                    os.waitpid(self.pid, 0)
                    self.pid = 0
                raise
        if self.listener is not None:
            os.close(self.listener)
            self.listener = None

    def restart(self, number=signal.SIGTERM):
        self.stop(number)
        self.start()

    def said(self):
        self.log.flush()
        return os.pread(self.log.fileno(), 1 << 20, 0).decode(errors="replace")

    def close(self):
        """Stops it; an AssertionError if it said what only a sanitizer says."""
        try:
            self.stop()
        finally:
            if self.own_bus:
                self.own_bus.close()
            if self.store:
                self.store.close()
            said = self.said()
            self.log.close()
        if SANITIZERS.search(said):
            raise AssertionError(f"a sanitizer has found something:\n{said}")

    def client(self):
        return Client(address=self.bus.address)

    def stalled(self, timeout=10.0):
        """The next system call that waits for us."""
        if not select.select([self.listener], [], [], timeout)[0]:
            raise AssertionError("no system call was stalled")
        data = bytearray(80)
        fcntl.ioctl(self.listener, 0xC0502100, data)
        identity, pid = struct.unpack_from("=QI", data)
        return Stalled(self.listener, identity, pid)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd")), len(os.listdir(f"/proc/{self.worker}/fd"))


# ---- test cases

def kernel_is_at_least(*version):
    return tuple(int(word) for word in re.findall(r"[0-9]+", os.uname().release)[:2]) >= version


def needs_kernel(major, minor, reason):
    return unittest.skipUnless(kernel_is_at_least(major, minor), f"needs Linux {major}.{minor}: {reason}")


def not_old(reason):
    return unittest.skipIf(OLD, f"not on an old kernel: {reason}")


def needs_block():
    if os.uname().machine != "x86_64":
        raise unittest.SkipTest("system calls are blocked by their numbers on x86_64 only")


def needs_root(reason):
    return unittest.skipUnless(RING == "root", f"not in a user namespace: {reason}")


class TestCase(support.TestCase):
    """A service for the class, a client for each test, and a directory that is gone afterwards with all that is mounted
    in it."""

    BLOCK = ()
    VARIANT = ""  # what is different where the tests of another class are run again
    service = None

    @classmethod
    def setUpClass(cls):
        if cls.BLOCK or OLD:
            needs_block()
        cls.service = Service(block=cls.BLOCK)

    @classmethod
    def tearDownClass(cls):
        cls.service.close()

    def setUp(self):
        if self.service and self.service.gone():  # it leaves when there is nothing to do
            self.service.start()
        self.here = tempfile.mkdtemp(prefix="test-", dir=WORK)
        self.addCleanup(self.clean, self.here)
        self.me = None
        if self.service:
            self.me = self.service.client()
            self.addCleanup(self.me.close)

    @staticmethod
    def clean(path):
        for found in reversed(mounts()):
            if found.target.startswith(path + "/") or found.target == path:
                with contextlib.suppress(OSError):
                    umount(found.target, MNT_DETACH)
        subprocess.run(["rm", "-rf", "--one-file-system", path], check=False)

    def directory(self, name):
        return make(f"{self.here}/{name}")

    def file(self, name, text=""):
        return make(f"{self.here}/{name}", text)

    def mounts(self, method, *arguments, **keywords):
        return self.me.call("Mounts", method, *arguments, **keywords)

    def tmpfs(self, name="tmpfs", options=(), keys=None):
        target = self.directory(name)
        path = self.mounts("Mount", "", target, "tmpfs", Variant("as", list(options)).value, keys or {})
        return target, path

    def assert_mounted(self, target, fstype=None, options=(), without=()):
        found = mount_at(target)
        self.assertIsNotNone(found, f"nothing is mounted at {target}")
        if fstype:
            self.assertEqual(found.fstype, fstype)
        for word in options:
            self.assertIn(word, found.options + found.super_options)
        for word in without:
            self.assertNotIn(word, found.options + found.super_options)
        return found

    def assert_not_mounted(self, target):
        self.assertIsNone(mount_at(target))

    def start_process(self, flags, *command):
        """A process in namespaces of its own that lives as long as the test."""
        process = subprocess.Popen([sys.executable, f"{HERE}/ring.py", "apart", str(flags), *command], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)

        def end():
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()
        self.addCleanup(end)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        return process


def become_root_of(flags):
    """Namespaces of one's own, being root in them where they are a user's."""
    uid, gid = os.geteuid(), os.getegid()
    unshare(flags)
    if flags & CLONE_NEWUSER:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    if flags & CLONE_NEWNS:
        mount("none", "/", None, MS_REC | MS_PRIVATE)


def apart():
    become_root_of(int(sys.argv[2]))
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__" and sys.argv[1:2] == ["apart"]:
    apart()
