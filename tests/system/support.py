# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests of the running system share: people, their connections to the bus, polkit's rules, and what must not leak.

Everything here is for root in a system that tools/boot has booted.

    with Client("alice") as alice:                          # a process of hers, with a connection to the system bus
        alice.call("Host", "GetHostname", {})               # the result; or DBusError
        alice.call("Mounts", "Mount", "tmpfs", "/home/alice/m", "tmpfs", ["ro"], {"lifetime": "connection"})
        alice.call("Watches", "Open", "", ["create"], {"root": Descriptor(fd)})
        alice.run(os.mkdir, "/home/alice/m")                # any function that can be imported, in her process
        alice.subscribe(); alice.signal("Exited", timeout=5)

    with polkit_rule('if (action.id == "org.usher1.mount" && subject.user == "alice") return polkit.Result.YES;'):
        ...                                                 # polkit obeys it from here on, and not a moment later than the end
"""

import contextlib
import ctypes
import dataclasses
import errno
import fcntl
import gc
import glob
import hashlib
import io
import json
import mmap
import multiprocessing
import os
import pickle
import pwd
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import unittest
import uuid
import xml.etree.ElementTree

BUS_NAME = "org.usher1"
MANAGER = "/org/usher1"
ERROR = "org.usher1.Error."
PEOPLE = ("alice", "bob")
BUS = "org.freedesktop.DBus.Error."
PATIENCE = 10.0  # seconds; for what should take a moment
ANSWER_WITHIN = 20.0  # seconds: a call's deadline of 10, and what a system takes that is busy with dying

# What a call may end with when its service is killed. After these nobody knows whether it was done.
UNSURE = (f"{BUS}NoReply", f"{BUS}Disconnected", f"{ERROR}Failed", f"{ERROR}TimedOut")

HERE = os.path.dirname(os.path.realpath(__file__))


# ---- waiting, never sleeping for luck

def wait_until(condition, why, timeout=PATIENCE):
    """The first true value of condition(); an AssertionError saying why when there is none in time."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {why}")
        time.sleep(0.02)


def patiently(function, *arguments, **keywords):
    """Of a call that changes nothing, the answer, however often the service is killed meanwhile."""
    deadline = time.monotonic() + ANSWER_WITHIN
    while True:
        try:
            return function(*arguments, **keywords)
        except DBusError as error:
            if error.name not in (*UNSURE, f"{ERROR}Retry") or time.monotonic() > deadline:
                raise


class Watcher:
    """A process that calls function(*arguments) again and again, as fast as it can, and keeps the strings that it yields."""

    def __init__(self, function, *arguments):
        self.reader, writer = os.pipe()
        stop, self.stop = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            os.close(self.stop)
            found, rounds = set(), 0
            try:
                while not select.select([stop], [], [], 0)[0]:
                    found.update(function(*arguments))
                    rounds += 1
            finally:
                os.write(writer, json.dumps([rounds, sorted(found)[:50]]).encode())
                os._exit(0)
        os.close(writer)
        os.close(stop)

    def result(self):
        """How often it has looked, and what it has seen.  To be called once."""
        os.close(self.stop)
        with open(self.reader, encoding="utf-8") as file:
            rounds, found = json.load(file)
        os.waitpid(self.child, 0)
        return rounds, found


# ---- people

def environment_of(user):
    entry = pwd.getpwnam(user)
    return {"HOME": entry.pw_dir, "USER": user, "LOGNAME": user, "SHELL": entry.pw_shell, "LANG": "C.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"}


def identity_of(user):
    """Keywords for subprocess."""
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": os.getgrouplist(user, entry.pw_gid),
            "env": environment_of(user), "cwd": entry.pw_dir}


def run_as(user, *command, timeout=60, **keywords):
    """Run a command as user: a subprocess.CompletedProcess with text in stdout and stderr."""
    keywords = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True,
                **identity_of(user), **keywords}
    return subprocess.run(command, timeout=timeout, check=False, **keywords)


def become(user):
    """A command in front of a command that root runs."""
    entry = pwd.getpwnam(user)
    return ("setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--init-groups", "--inh-caps=-all", "--")


def start_as(user, *command, **keywords):
    """Start a command as user: a subprocess.Popen."""
    keywords = {"stdin": subprocess.DEVNULL, **identity_of(user), **keywords}
    return subprocess.Popen(command, **keywords)


def _be(user):
    """Become user for good, as subprocess lets a command be."""
    identity = identity_of(user)
    if identity:
        os.setgroups(identity["extra_groups"])
        os.setresgid(*[identity["group"]] * 3)
        os.setresuid(*[identity["user"]] * 3)
        os.environ.clear()
        os.environ.update(identity["env"])
        os.chdir(identity["cwd"])


class Fork(multiprocessing.get_context("fork").Process):
    """A process of user's that calls function(*arguments), with what Client needs of a subprocess.Popen.

    It is like one of a command: nothing of ours is open in it, and user may look into it.  To start Python anew takes
    thirty times as long."""

    def __init__(self, user, function, *arguments):
        super().__init__(daemon=True)  # nobody waits for it at our end
        self.what = user, function, arguments
        self.start()

    def run(self):
        user, function, arguments = self.what
        gc.freeze()  # what goes later than its descriptor would close another's
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        _be(user)
        libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
        function(*arguments)

    @property
    def returncode(self):
        return self.exitcode

    def poll(self):
        return self.exitcode

    def wait(self, timeout=None):
        self.join(timeout)
        if timeout is None:  # a thread that begins another may have got its status, and is about to say so
            wait_until(lambda: self.exitcode is not None, "a process that has ended is known to have")
        if self.exitcode is None:
            raise subprocess.TimeoutExpired(self.what, timeout)


def as_user(user, function, *arguments):
    """Call function(*arguments) in a fork that has become user for good; its result or exception is ours."""
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        outcome = None
        try:
            os.close(reader)
            _be(user)
            outcome = pickle.dumps((True, function(*arguments)))
        except BaseException as error:  # pylint: disable=broad-except
            try:
                outcome = pickle.dumps((False, error))
            except Exception:  # pylint: disable=broad-except
                outcome = pickle.dumps((False, RuntimeError(traceback.format_exc())))
        finally:
            with open(writer, "wb") as file:
                file.write(outcome or b"")
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as file:
        data = file.read()
    _, status = os.waitpid(child, 0)
    if not data:
        raise AssertionError(f"the process of {user} ended with wait status {status:#x}")
    worked, value = pickle.loads(data)
    if worked:
        return value
    raise value


# ---- the bus

class DBusError(Exception):
    """An error reply."""

    def __init__(self, name, message):
        super().__init__(name, message)
        self.name = name
        self.message = message

    def __str__(self):
        return f"{self.name}: {self.message}"


class Descriptor:
    """A file descriptor on its way over the bus or back.  Those that come back are ours to close, which this does."""

    def __init__(self, file, owned=False):
        self.fd = file if isinstance(file, int) else file.fileno()
        self.owned = owned

    def fileno(self):
        return self.fd

    def take(self):
        self.owned = False
        return self.fd

    def close(self):
        if self.owned:
            self.owned = False
            os.close(self.fd)

    __del__ = close

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@dataclasses.dataclass
class Variant:
    """A value of a{sv} whose type cannot be told from it: Variant("as", []), Variant("t", 5).

    A bool is b, an int i, a str s, a list of str as, a Descriptor h without saying so."""

    signature: str
    value: object


def _send(connection, value):
    descriptors = []

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj):
            if isinstance(obj, Descriptor):
                descriptors.append(obj)
                return len(descriptors) - 1
            return None

    data = io.BytesIO()
    Pickler(data).dump(value)
    header = struct.pack("=II", len(data.getvalue()), len(descriptors))
    socket.send_fds(connection, [header], [descriptor.fileno() for descriptor in descriptors])
    connection.sendall(data.getvalue())
    descriptors.clear()  # the class above lives on until the next collection of garbage, and they would with it


def _receive(connection):
    header, fds, _, _ = socket.recv_fds(connection, 8, 253)
    if len(header) < 8:
        raise EOFError
    length, count = struct.unpack("=II", header)
    assert count == len(fds)
    descriptors = [Descriptor(fd, owned=True) for fd in fds]
    data = bytearray()
    while len(data) < length:
        piece = connection.recv(min(65536, length - len(data)))
        if not piece:
            raise EOFError
        data += piece

    class Unpickler(pickle.Unpickler):
        def persistent_load(self, pid):
            return descriptors[pid]

    value = Unpickler(io.BytesIO(bytes(data))).load()
    descriptors.clear()
    return value


class Client:
    """A process of user's with a connection to the system bus (or the one at address).  Closing it is leaving the bus.

    With session=True the process is in a login session that is local and active (see session-of).  With through, a
    command that root runs starts it, such as ("unshare", "--mount"), and it becomes user after that."""

    def __init__(self, user="alice", session=False, address=None, through=()):
        self.user = user
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with listener:
            listener.bind("")  # an abstract address that the kernel chooses
            listener.listen(1)
            listener.settimeout(30)
            words = listener.getsockname()[1:].decode(), address or "system"
            command = [sys.executable, f"{HERE}/support.py", "agent", *words, *sys.path]
            if session:
                self.process = subprocess.Popen([f"{HERE}/session-of", user, "--", *command], stdin=subprocess.DEVNULL)
            elif through:
                self.process = subprocess.Popen([*through, *become(user), *command], stdin=subprocess.DEVNULL,
                                                env=environment_of(user), cwd="/")
            else:
                _Agent.prepare()
                self.process = Fork(user, _Agent.be, *words)
            self.socket = None
            try:
                while self.socket is None:
                    if select.select([listener], [], [], 0.1)[0]:
                        self.socket, _ = listener.accept()
                    elif self.process.poll() is not None:
                        raise AssertionError(f"the agent of {user} did not start (exit status {self.process.returncode})")
                hello = _receive(self.socket)
            except BaseException:
                self.close()
                raise
        self.pid, self.name = hello

    def close(self):
        """Leave the bus, orderly."""
        if self.socket:
            self.socket.close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self):
        """Leave the bus as after a crash."""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # what has started it may outlive it
                os.kill(getattr(self, "pid", self.process.pid), signal.SIGKILL)
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _ask(self, *request):
        _send(self.socket, request)
        kind, value = _receive(self.socket)
        if kind == "error":
            raise value
        return value

    def call(self, interface, method, *arguments, path=MANAGER, signature=None, interactive=False, timeout=30, name=BUS_NAME):
        """Call a method; interface without a dot is one of usher's.  The signature is what introspection says unless given.

        The result is None, a value, or a tuple of values, of plain Python types."""
        if "." not in interface:
            interface = f"{BUS_NAME}.{interface}"
        return self._ask("call", name, path, interface, method, signature, arguments, interactive, timeout)

    def begin(self, interface, method, *arguments, path=MANAGER, signature=None, interactive=False, timeout=30, name=BUS_NAME):
        """The same without waiting: a Pending.  Nothing else can be asked of this client until that has its result."""
        if "." not in interface:
            interface = f"{BUS_NAME}.{interface}"
        _send(self.socket, ("call", name, path, interface, method, signature, arguments, interactive, timeout))
        return Pending(self)

    def get(self, interface, member, path=MANAGER, name=BUS_NAME):
        if "." not in interface:
            interface = f"{BUS_NAME}.{interface}"
        return self.call("org.freedesktop.DBus.Properties", "Get", interface, member, path=path, signature="ss", name=name)

    def get_all(self, interface, path=MANAGER, name=BUS_NAME):
        if "." not in interface:
            interface = f"{BUS_NAME}.{interface}"
        return self.call("org.freedesktop.DBus.Properties", "GetAll", interface, path=path, signature="s", name=name)

    def objects(self, interface=None):
        """Paths of the objects that usher has, those with the given interface if one is.  Who asks often is told to wait, and does."""
        managed, deadline = None, time.monotonic() + PATIENCE
        while managed is None:
            try:
                managed = self.call("org.freedesktop.DBus.ObjectManager", "GetManagedObjects", signature="")
            except DBusError as error:
                if error.name != f"{ERROR}Retry" or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        if interface is None:
            return sorted(managed)
        return sorted(path for path, interfaces in managed.items() if f"{BUS_NAME}.{interface}" in interfaces)

    def run(self, function, *arguments):
        """Call a function, known by its name in a module, in the client's process."""
        return self._ask("run", function, arguments)

    def subscribe(self, **match):
        """Collect signals from now on: of usher, or as match says (sender, path, path_namespace, interface, member).

        Those collected before are forgotten."""
        match.setdefault("sender", BUS_NAME)
        self._ask("subscribe", match)

    def signal(self, member=None, path=None, interface=None, timeout=PATIENCE):
        """The next signal collected that fits, as (path, interface, member, arguments); those before it stay."""
        return self._ask("signal", member, path, interface, timeout)

    def signals(self, quiet=0.3, timeout=PATIENCE):
        """All signals collected until none has come for quiet seconds."""
        return self._ask("signals", quiet, timeout)


class Pending:
    """A call that is under way."""

    def __init__(self, client):
        self.client = client

    def is_done(self, timeout=0):
        return bool(select.select([self.client.socket], [], [], timeout)[0])

    def result(self):
        kind, value = _receive(self.client.socket)
        if kind == "error":
            raise value
        return value


def call_as(user, interface, method, *arguments, **keywords):
    """One call on a connection of its own: (None, result), or (name of the error, its message)."""
    with Client(user) as client:
        try:
            return None, client.call(interface, method, *arguments, **keywords)
        except DBusError as error:
            return error.name, error.message


# The other side of Client: what the client's process runs.

def _plain(value):
    import dbus
    if isinstance(value, dbus.types.UnixFd):
        return Descriptor(value.take(), owned=True)
    if isinstance(value, dbus.Boolean):
        return bool(value)
    if isinstance(value, dbus.ByteArray):
        return bytes(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(_plain(item) for item in value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _typed(signature, value, level=0):
    """A value of dbus's for a signature of one complete type."""
    import dbus
    basic = {"b": dbus.Boolean, "y": dbus.Byte, "n": dbus.Int16, "q": dbus.UInt16, "i": dbus.Int32, "u": dbus.UInt32,
             "x": dbus.Int64, "t": dbus.UInt64, "d": dbus.Double, "s": dbus.String, "o": dbus.ObjectPath, "g": dbus.Signature}
    kind = signature[0]
    if kind == "v":
        if isinstance(value, Variant):
            return _typed(value.signature, value.value, level + 1)
        return _typed(_guess(value), value, level + 1)
    if kind == "h":
        return dbus.types.UnixFd(value, variant_level=level)
    if kind in basic:
        return basic[kind](value, variant_level=level)
    if signature.startswith("a{"):
        key, item = dbus.Signature(signature[2:-1])
        return dbus.Dictionary({_typed(key, k): _typed(item, v) for k, v in value.items()},
                               signature=signature[2:-1], variant_level=level)
    if kind == "a":
        return dbus.Array([_typed(signature[1:], item) for item in value], signature=signature[1:], variant_level=level)
    if kind == "(":
        types = list(dbus.Signature(signature[1:-1]))
        return dbus.Struct([_typed(one, item) for one, item in zip(types, value, strict=True)],
                           signature=signature[1:-1], variant_level=level)
    raise TypeError(f"{signature}: not a type")


def _guess(value):
    if isinstance(value, bool):
        return "b"
    if isinstance(value, int):
        return "i"
    if isinstance(value, str):
        return "s"
    if isinstance(value, float):
        return "d"
    if isinstance(value, Descriptor):
        return "h"
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return "as"
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return "a{sv}"
    raise TypeError(f"{value!r}: say what it is with Variant(signature, value)")


class _Agent:
    @staticmethod
    def prepare():
        import dbus.lowlevel
        import dbus.mainloop.glib
        from gi.repository import GLib
        return dbus, GLib

    @classmethod
    def be(cls, address, bus):
        cls(address, bus).serve()

    def __init__(self, address, bus):
        dbus, GLib = self.prepare()
        self.dbus = dbus
        self.context = GLib.MainContext.default()
        loop = dbus.mainloop.glib.DBusGMainLoop()
        if bus == "system":
            bus = dbus.bus.BusConnection.TYPE_SYSTEM
        self.bus = dbus.bus.BusConnection(bus, mainloop=loop)
        self.bus.set_exit_on_disconnect(False)
        self.signatures = {}
        self.collected = []
        self.matches = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect("\0" + address)
        self.source = GLib

    def serve(self):
        _send(self.socket, (os.getpid(), self.bus.get_unique_name()))
        self.source.io_add_watch(self.socket.fileno(), self.source.IO_IN | self.source.IO_HUP, lambda *_: True)
        while True:
            self.context.iteration(True)
            if not select.select([self.socket], [], [], 0)[0]:
                continue
            try:
                request = _receive(self.socket)
            except (EOFError, ConnectionError):
                return
            try:
                answer = ("result", getattr(self, "do_" + request[0])(*request[1:]))
            except self.dbus.DBusException as error:
                answer = ("error", DBusError(error.get_dbus_name(), error.get_dbus_message()))
            except BaseException as error:  # pylint: disable=broad-except
                answer = ("error", error)
            try:
                _send(self.socket, answer)
            except (TypeError, AttributeError, pickle.PicklingError):
                _send(self.socket, ("error", RuntimeError(f"cannot be sent: {answer!r}")))
            except ConnectionError:
                return
            request = answer = None  # with the descriptors in them

    def signature(self, name, path, interface, method):
        if (path, interface) not in self.signatures:
            text = self.bus.call_blocking(name, path, "org.freedesktop.DBus.Introspectable", "Introspect", "", ())
            for element in xml.etree.ElementTree.fromstring(text).iter("interface"):
                self.signatures[path, element.get("name")] = {
                    member.get("name"): "".join(argument.get("type") for argument in member.iter("arg")
                                                if argument.get("direction", "in") == "in")
                    for member in element.iter("method")}
        try:
            return self.signatures[path, interface][method]
        except KeyError:
            raise LookupError(f"{path} has no {interface}.{method}; give its signature to call it all the same") from None

    def do_call(self, name, path, interface, method, signature, arguments, interactive, timeout):
        dbus = self.dbus
        if signature is None:
            signature = self.signature(name, path, interface, method)
        message = dbus.lowlevel.MethodCallMessage(destination=name, path=path, interface=interface, method=method)
        types = list(dbus.Signature(signature))
        values = [_typed(one, value) for one, value in zip(types, arguments, strict=True)]
        if types:
            message.append(*values, signature=signature)
        if interactive:
            message.set_allow_interactive_authorization(True)
        reply = self.bus.send_message_with_reply_and_block(message, timeout)
        results = [_plain(value) for value in reply.get_args_list(byte_arrays=True)]
        return None if not results else results[0] if len(results) == 1 else tuple(results)

    def do_run(self, function, arguments):
        return function(*arguments)

    def do_authenticate(self, pid):
        import dbus.service
        agent = self

        class Listener(dbus.service.Object):
            @dbus.service.method("org.freedesktop.PolicyKit1.AuthenticationAgent", in_signature="sssa{ss}saa{sv}",
                                 async_callbacks=("succeed", "fail"))
            def BeginAuthentication(self, action, message, icon, details, cookie, identities, succeed, fail):
                agent.questions[str(cookie)] = succeed, fail
                asked = action, message, icon, details, cookie, identities
                agent.collected.append(("", "", "BeginAuthentication", tuple(_plain(value) for value in asked)))

            @dbus.service.method("org.freedesktop.PolicyKit1.AuthenticationAgent", in_signature="s")
            def CancelAuthentication(self, cookie):
                _, fail = agent.questions.pop(str(cookie))
                agent.collected.append(("", "", "CancelAuthentication", (str(cookie),)))
                fail(dbus.DBusException("taken back", name="org.freedesktop.PolicyKit1.Error.Cancelled"))

        self.questions = {}
        self.listener = Listener(self.bus, "/agent")
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            start = int(file.read().rpartition(")")[2].split()[19])
        subject = ("unix-process", {"pid": Variant("u", pid), "start-time": Variant("t", start),
                                    "uid": Variant("i", os.stat(f"/proc/{pid}").st_uid)})
        self.do_call(POLKIT["name"], POLKIT["path"], POLKIT["name"] + ".Authority", "RegisterAuthenticationAgent",
                     "(sa{sv})ss", (subject, "C", "/agent"), False, 30)

    def do_authenticated(self, cookie, yes):
        succeed, fail = self.questions.pop(cookie)
        if yes:
            self.do_call(POLKIT["name"], POLKIT["path"], POLKIT["name"] + ".Authority", "AuthenticationAgentResponse2",
                         "us(sa{sv})", (0, cookie, ("unix-user", {"uid": Variant("u", 0)})), False, 30)
            succeed()
        else:
            fail(self.dbus.DBusException("no", name="org.freedesktop.PolicyKit1.Error.Cancelled"))

    def do_subscribe(self, match):
        self.collected.clear()
        if match in self.matches:
            return
        self.matches.append(match)

        def collect(*arguments, path=None, interface=None, member=None):
            self.collected.append((str(path), str(interface), str(member), tuple(_plain(value) for value in arguments)))

        fields = {"path": "path", "interface": "dbus_interface", "member": "signal_name", "sender": "bus_name"}
        keywords = {fields.get(key, key): value for key, value in match.items()}
        self.bus.add_signal_receiver(collect, path_keyword="path", interface_keyword="interface", member_keyword="member",
                                     byte_arrays=True, **keywords)
        # The match is asked for without waiting; the answer to a later question says that it is there.
        self.bus.call_blocking("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetId", "", ())

    def iterate(self, deadline):
        """One turn of the loop, but none that lasts beyond deadline."""
        left = max(0, int((deadline - time.monotonic()) * 1000) + 1)
        timer = self.source.timeout_add(left, lambda: True)
        self.context.iteration(True)
        self.source.source_remove(timer)

    def do_signal(self, member, path, interface, timeout):
        deadline = time.monotonic() + timeout
        while True:
            for index, (its_path, its_interface, its_member, _) in enumerate(self.collected):
                if ((member is None or its_member == member) and (path is None or its_path == path)
                        and (interface is None or its_interface in (interface, f"{BUS_NAME}.{interface}"))):
                    return self.collected.pop(index)
            if time.monotonic() >= deadline:
                raise AssertionError(f"no signal {member or ''} within {timeout:g} s; collected: {self.collected}")
            self.iterate(deadline)

    def do_signals(self, quiet, timeout):
        deadline = time.monotonic() + timeout
        until = time.monotonic() + quiet
        count = len(self.collected)
        while time.monotonic() < min(until, deadline):
            self.iterate(min(until, deadline))
            if len(self.collected) > count:
                count = len(self.collected)
                until = time.monotonic() + quiet
        collected, self.collected = self.collected, []
        return collected


_ROOT = []


def root():
    """A connection of root's that stays for as long as the tests run."""
    if not _ROOT:
        _ROOT.append(Client("root"))
    return _ROOT[0]


def forget_root():
    """That connection has gone: the next question is asked on another."""
    while _ROOT:
        _ROOT.pop().close()


# ---- polkit

POLKIT = {"name": "org.freedesktop.PolicyKit1", "path": "/org/freedesktop/PolicyKit1/Authority"}
POLKIT_RULES = "/etc/polkit-1/rules.d"
POLKIT_PROBE = "org.freedesktop.login1.set-user-linger"  # an action that everybody has and nobody is given


def check_authorization(subject, action, details=None, interactive=False):
    """What polkit says: "yes", "no" or "challenge" (it would have to ask).  subject is a Client or a pid."""
    if isinstance(subject, Client):
        subject = ("system-bus-name", {"name": subject.name})
    else:
        with open(f"/proc/{subject}/stat", encoding="utf-8") as file:
            start = int(file.read().rpartition(")")[2].split()[19])
        subject = ("unix-process", {"pid": Variant("u", subject), "start-time": Variant("t", start),
                                    "uid": Variant("i", os.stat(f"/proc/{subject}").st_uid)})
    authorized, challenge, _ = root().call("org.freedesktop.PolicyKit1.Authority", "CheckAuthorization", subject, action,
                                           details or {}, 1 if interactive else 0, "",
                                           signature="(sa{sv})sa{ss}us", **POLKIT)
    return "yes" if authorized else "challenge" if challenge else "no"


@contextlib.contextmanager
def polkit_rule(body, priority=10):
    """Have polkit ask function (action, subject) { body } first.  Entered and left only when polkit has noticed."""
    nonce = uuid.uuid4().hex
    path = f"{POLKIT_RULES}/{priority:02}-usher-test-{nonce}.rules"
    text = (f"polkit.addRule(function (action, subject) {{\n"
            f'  if (action.lookup("nonce") == "{nonce}") return polkit.Result.YES;\n'
            f"  {body}\n}});\n")
    # Of a process that may do nothing: root may do everything, whatever the rules say.
    probe = start_as("bob", "sleep", "infinity")

    def obeyed():
        return check_authorization(probe.pid, POLKIT_PROBE, {"nonce": nonce}) == "yes"

    try:
        with open(f"{POLKIT_RULES}/.{nonce}", "x", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(file.fileno(), 0o644)
        os.rename(file.name, path)
        try:
            wait_until(obeyed, "polkit obeys a new rule (is there a mistake in it? see the journal of polkit.service)")
            yield
        finally:
            os.unlink(path)
            wait_until(lambda: not obeyed(), "polkit forgets a rule that is gone")
    finally:
        probe.kill()
        probe.wait()


def polkit_answer(answer, action, user=None):
    """A rule that answers "yes", "no", "auth_admin" ... to an action, or to those that begin like it with a "*" at its end."""
    if action.endswith("*"):
        condition = f"action.id.indexOf({json.dumps(action[:-1])}) == 0"
    else:
        condition = f"action.id == {json.dumps(action)}"
    if user:
        condition += f" && subject.user == {json.dumps(user)}"
    return polkit_rule(f"if ({condition}) return {json.dumps(answer)};")


DETAILS = ("in", "source", "target", "fstype", "options", "idmap", "path", "propagation", "from", "to", "new_root", "put_old",
           "hostname", "domainname", "network", "type", "change", "protocol")


@contextlib.contextmanager
def polkit_asked(answer=None, user=None):
    """What polkit is asked about usher from here on, if a user is named only for that one: a function that tells, as a list
    of dicts with "action", "user" and the details.  Asked, polkit answers what is given ("yes", "no" ...), else what it would."""
    with tempfile.NamedTemporaryFile(prefix="usher-asked-", dir="/run") as file:
        os.chmod(file.name, 0o666)
        condition = f" && subject.user == {json.dumps(user)}" if user else ""
        body = (f'if (action.id.indexOf("org.usher1.") == 0{condition}) {{\n'
                f"    var told = {{action: action.id, user: subject.user}};\n"
                f"    {json.dumps(DETAILS)}.forEach(function (key) {{\n"
                f"      var value = action.lookup(key);\n"
                f"      if (value !== undefined) told[key] = value;\n"
                f"    }});\n"
                f"    polkit.spawn([\"/bin/sh\", \"-c\", 'printf \"%s\\\\n\" \"$1\" >> \"$0\"', {json.dumps(file.name)}, JSON.stringify(told)]);\n"
                f"    return {json.dumps(answer)};\n  }}")

        def asked():
            with open(file.name, encoding="utf-8") as lines:
                return [json.loads(line) for line in lines]

        with polkit_rule(body, priority=5):
            yield asked


class AuthenticationAgent(Client):
    """Asks nobody: what polkit wants a person to be asked on behalf of client is told to the test, which answers."""

    def __init__(self, client):
        super().__init__("root")
        self.of = client
        self._ask("authenticate", client.pid)

    def question(self, timeout=PATIENCE):
        """What is asked next: (cookie, action, message)."""
        _, _, _, (action, message, _, _, cookie, _) = self.signal("BeginAuthentication", timeout=timeout)
        return cookie, action, message

    def answer(self, cookie, yes=True):
        self._ask("authenticated", cookie, yes)

    def taken_back(self, timeout=PATIENCE):
        """The cookie of a question that polkit does not want answered any more."""
        return self.signal("CancelAuthentication", timeout=timeout)[3][0]


# ---- the kernel's side

def escape(name):
    """Bytes as they are written on the bus."""
    text = os.fsencode(name).decode("utf-8", "surrogateescape")
    return "".join(f"\\x{ord(c) - 0xdc00:02x}" if 0xdc80 <= ord(c) <= 0xdcff else
                   f"\\x{ord(c):02x}" if ord(c) < 32 or ord(c) == 127 or c == "\\" else
                   "".join(f"\\x{byte:02x}" for byte in c.encode()) if 0x80 <= ord(c) < 0xa0 else c for c in text)


@dataclasses.dataclass(frozen=True)
class Mount:
    """A line of mountinfo."""

    id: int
    parent: int
    device: str
    root: str
    target: str
    options: tuple
    propagation: tuple
    fstype: str
    source: str
    super_options: tuple


def mounts(pid="self"):
    def unescape(text):
        return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)

    found = []
    with open(f"/proc/{pid}/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            left, _, right = line.rstrip("\n").partition(" - ")
            identity, parent, device, inner, target, options, *propagation = left.split(" ")
            fstype, source, super_options = right.split(" ")
            found.append(Mount(int(identity), int(parent), device, unescape(inner), unescape(target), tuple(options.split(",")),
                               tuple(propagation), fstype, unescape(source), tuple(super_options.split(","))))
    return found


def mount_at(target, pid="self"):
    """The topmost mount at a path, or None."""
    found = [mount for mount in mounts(pid) if mount.target == target]
    return found[-1] if found else None


LOOP_CLR_FD, LOOP_GET_STATUS64 = 0x4C01, 0x4C05


def loop_devices():
    """Loop devices in use by this system, by name, and the file behind each.

    The kernel has one set of them for all systems that are booted beside each other, so those of which the file is on
    no file system of ours are left out."""
    ours = {mount.device for mount in mounts()}
    found = {}
    for directory in glob.glob("/sys/block/loop*/loop"):
        name = directory.split("/")[3]
        status = bytearray(232)
        try:
            with open(f"/dev/{name}", "rb") as file:
                fcntl.ioctl(file, LOOP_GET_STATUS64, status)
            with open(f"{directory}/backing_file", encoding="utf-8", errors="surrogateescape") as file:
                backing = file.read().rstrip("\n")
        except OSError:
            continue  # unused, or not any more
        # The kernel's own encoding of a device's number in lo_device: huge_encode_dev()
        number, = struct.unpack_from("=Q", status)
        device = f"{os.major(number)}:{os.minor(number)}"
        if device in ours:
            found[name] = backing
    return found


def free_loop_devices():
    """Of images that tests made: the kernel would keep them when this system is gone."""
    for name, backing in loop_devices().items():
        if "/test-" in backing:
            with contextlib.suppress(OSError), open(f"/dev/{name}", "rb") as file:
                fcntl.ioctl(file, LOOP_CLR_FD)


# ---- system calls

libc = ctypes.CDLL(None, use_errno=True)

AT_FDCWD = -100
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000
CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
MNT_DETACH = 2
MOUNT_ATTR_RDONLY = 0x1
MOUNT_ATTR_NOSUID = 0x2
MOUNT_ATTR_NODEV = 0x4
MOUNT_ATTR_NOEXEC = 0x8
MOVE_MOUNT_F_EMPTY_PATH = 0x4
PR_SET_DUMPABLE = 4
OPEN_TREE_CLONE = 1
OPEN_TREE_CLOEXEC = os.O_CLOEXEC
SYS_OPEN_TREE = 428
SYS_MOVE_MOUNT = 429
SYS_MOUNT_SETATTR = 442


def _checked(result):
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def _syscall(number, *arguments):
    wrapped = [argument if isinstance(argument, (bytes, type(None))) or hasattr(argument, "_obj")
               else ctypes.c_long(argument) for argument in arguments]
    return _checked(libc.syscall(ctypes.c_long(number), *wrapped))


def unshare(flags):
    _checked(libc.unshare(flags))


def setns(fd, flags=0):
    _checked(libc.setns(fd, flags))


def mount(source, target, fstype, flags=0, data=None):
    _checked(libc.mount(os.fsencode(source), os.fsencode(target), os.fsencode(fstype), ctypes.c_ulong(flags),
                        os.fsencode(data) if data is not None else None))


def umount(target, flags=0):
    _checked(libc.umount2(os.fsencode(target), flags))


def open_tree(path, flags=OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC, directory=AT_FDCWD):
    return _syscall(SYS_OPEN_TREE, directory, os.fsencode(path), flags)


def move_mount(fd, target):
    _syscall(SYS_MOVE_MOUNT, fd, b"", AT_FDCWD, os.fsencode(target), MOVE_MOUNT_F_EMPTY_PATH)


class _MountAttributes(ctypes.Structure):
    _fields_ = [("set", ctypes.c_uint64), ("clear", ctypes.c_uint64), ("propagation", ctypes.c_uint64),
                ("userns_fd", ctypes.c_uint64)]


def mount_setattr(path, fd=AT_FDCWD, set=0, clear=0, flags=0):  # pylint: disable=redefined-builtin
    attributes = _MountAttributes(set, clear, 0, 0)
    _syscall(SYS_MOUNT_SETATTR, fd, os.fsencode(path), flags | (0 if path else AT_EMPTY_PATH), ctypes.byref(attributes), 32)


def errno_of(function, *arguments):
    """The errno that a function fails with; 0 if it does not."""
    try:
        function(*arguments)
    except OSError as error:
        return error.errno
    return 0


def enter_user_namespace(*kinds, uid=0):
    """Have this process, which must have one thread, be root of namespaces of its own: "mnt", "uts", "net"."""
    flags = {"mnt": CLONE_NEWNS, "uts": CLONE_NEWUTS, "net": CLONE_NEWNET}
    own_uid, own_gid = os.getuid(), os.getgid()
    unshare(CLONE_NEWUSER | sum(flags[kind] for kind in kinds))
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {own_uid} 1"), ("gid_map", f"{uid} {own_gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


class Place:
    """A process that does nothing, in namespaces that unshare(1) makes for it, for the key `in`."""

    def __init__(self, user, *options):
        command = ["unshare", *options, "--", "sh", "-c", "echo; exec sleep infinity"]
        self.process = start_as(user, *command, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"\n":
            self.process.wait()
            raise AssertionError(f"unshare {' '.join(options)} does not work for {user}")
        self.pid = self.process.pid
        if "--fork" in options:
            with open(f"/proc/{self.pid}/task/{self.pid}/children", encoding="ascii") as file:
                self.pid = int(file.read())
        wait_until(lambda: self.command() == "sleep", "it does nothing any more")

    def command(self):
        with open(f"/proc/{self.pid}/comm", encoding="ascii") as file:
            return file.read().strip()

    def pidfd(self):
        return Descriptor(os.pidfd_open(self.pid), owned=True)

    def run(self, *command, user=None):
        """Run a command in there, as root of the machine or another user of it."""
        inside = ["nsenter", f"--target={self.pid}", "--mount", "--uts", "--", *(become(user) if user else ()), *command]
        return subprocess.run(inside, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False, cwd="/")

    def path(self, name):
        """A path of the place as this process sees it."""
        return f"/proc/{self.pid}/root{name}"

    def close(self):
        if self.pid != self.process.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# ---- a file system that takes its time

FUSE_GETATTR, FUSE_OPEN, FUSE_STATFS, FUSE_INIT = 3, 14, 17, 26


class StuckFilesystem:
    """A file system in user space that answers nobody, or only so many questions of a kind and then no more.

    Its root is a directory of user's, or with another mode a file of some size.  With reads=False its daemon does not even read the questions, so whoever asks can
    be killed; else nothing but the daemon's end wakes them up."""

    def __init__(self, target, user, answers=None, reads=True, mode=0o40755, size=0):
        self.target = target
        self.mode = mode
        self.size = size
        self.uid = pwd.getpwnam(user).pw_uid
        self.answers = dict(answers or {})
        fd = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        mount("stuck", target, "fuse", 6, f"fd={fd},rootmode={mode & 0o170000:o},user_id={self.uid},group_id={self.uid},allow_other")
        self.initialize(fd)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                signal.alarm(0)
                self.serve(fd, reads)
            finally:
                os._exit(1)
        os.close(fd)

    @staticmethod
    def initialize(fd):
        unique, = struct.unpack_from("=Q", os.read(fd, 1 << 18), 8)
        body = struct.pack("=IIIIHHIIHHI28x", 7, 31, 0, 0, 16, 16, 1 << 17, 1, 32, 0, 0)
        os.write(fd, struct.pack("=IiQ", 16 + len(body), 0, unique) + body)

    def attributes(self):
        # Valid for no time, so that every stat asks again.
        return struct.pack("=QII", 0, 0, 0) + struct.pack("=QQQQQQIIIIIIIIII", 1, self.size, 0, 0, 0, 0, 0, 0, 0, self.mode, 2, self.uid,
                                                          self.uid, 0, 4096, 0)

    def serve(self, fd, reads):
        while not reads and not any(self.answers.values()):
            signal.pause()
        while True:
            question = os.read(fd, 1 << 18)
            _, opcode, unique = struct.unpack_from("=IIQ", question)
            if self.answers.get(opcode, 0) <= 0:
                continue
            self.answers[opcode] -= 1
            # What was opened is not flushed when it is closed, which would wait for an answer.
            body = (self.attributes() if opcode == FUSE_GETATTR else struct.pack("=QII", 1, 1 << 5, 0) if opcode == FUSE_OPEN
                    else struct.pack("=QQQQQIIII24x", 9, 9, 9, 9, 9, 4096, 255, 4096, 0))
            os.write(fd, struct.pack("=IiQ", 16 + len(body), 0, unique) + body)
            while not reads and not any(self.answers.values()):
                signal.pause()

    def end(self):
        """The daemon dies, and whoever waited for it gets an error."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0

    def close(self):
        self.end()
        with contextlib.suppress(OSError):
            umount(self.target, MNT_DETACH)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class LockedDirectory:
    """A directory that somebody has locked for as long as he likes: he reads it into a page that never comes, and waits to
    write to it, too, so that nobody else gets in any more.  `spot` is a file of his."""

    def __init__(self, path, spot, uid):
        self.path, self.spot, self.uid, self.pids = path, spot, uid, []
        self.page = StuckFilesystem(spot, "nobody", {FUSE_GETATTR: 9, FUSE_OPEN: 9}, mode=0o100644, size=mmap.PAGESIZE)
        try:
            self.begin(self.read, lambda pid: "fuse" in (stack := read_file(f"/proc/{pid}/stack")) and "getdents" in stack)
            self.begin(lambda: os.mkdir(f"{path}/new"), lambda pid: read_file(f"/proc/{pid}/stat").rpartition(")")[2].split()[0] == "D")
        except BaseException:
            self.close()
            raise

    def read(self):
        directory, file = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY), os.open(self.spot, os.O_RDONLY)
        os.fstat(file)
        page = mmap.mmap(file, mmap.PAGESIZE, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
        libc.getdents64(directory, ctypes.byref(ctypes.c_char.from_buffer(page)), ctypes.c_size_t(len(page)))

    def begin(self, what, has_begun):
        pid = os.fork()
        if pid == 0:
            try:
                os.setgroups([])
                os.setgid(self.uid)
                os.setuid(self.uid)
                what()
            finally:
                os._exit(0)
        self.pids.append(pid)
        wait_until(lambda: has_begun(pid), "the directory is locked")

    def close(self):
        self.page.close()
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# ---- images

def make_tree(directory):
    """What images hold: a file, a directory, root's set-user-ID program and a device that everybody may open."""
    os.mkdir(f"{directory}/sub")
    with open(f"{directory}/hello", "w", encoding="utf-8") as file:
        file.write("hello\n")
    shutil.copy("/usr/bin/id", f"{directory}/whoami")
    os.chmod(f"{directory}/whoami", 0o4755)
    os.mknod(f"{directory}/zero", 0o20666, os.makedev(1, 5))
    os.chmod(f"{directory}/zero", 0o666)
    os.chmod(directory, 0o755)


def make_image(fstype, path, user=None):
    """An image at path with what make_tree() makes where the file system can hold it; of user's if one is named."""
    with tempfile.TemporaryDirectory(dir="/run") as directory:
        make_tree(directory)
        sizes = {"ext4": 16 << 20, "xfs": 300 << 20, "btrfs": 128 << 20, "vfat": 16 << 20}
        commands = {
            "squashfs": ["mksquashfs", directory, path, "-quiet", "-no-progress", "-noappend"],
            "erofs": ["mkfs.erofs", "--quiet", path, directory],
            "ext4": ["mke2fs", "-q", "-F", "-t", "ext4", "-d", directory, path],
            "xfs": ["mkfs.xfs", "-q", "-f", path],
            "btrfs": ["mkfs.btrfs", "-q", "-f", path],
            "vfat": ["mkfs.vfat", path],
            "iso9660": ["xorriso", "-as", "mkisofs", "-quiet", "-o", path, directory],
        }
        if fstype in sizes:
            with open(path, "wb") as file:
                file.truncate(sizes[fstype])
        result = subprocess.run(commands[fstype], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, check=False)
        if result.returncode != 0:
            raise AssertionError(f"{' '.join(commands[fstype])}: {result.stdout}")
    if user:
        os.chown(path, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    return path


def kernel_has(fstype):
    with open("/proc/filesystems", encoding="ascii") as file:
        return fstype in file.read().split()


# ---- services

def unit(name, member):
    """A property of a unit, as systemctl shows it."""
    return subprocess.run(["systemctl", "show", f"--property={member}", "--value", name], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def main_pid(name):
    """0 if it does not run."""
    return int(unit(name, "MainPID") or 0)


def processes(name):
    """Process ids of all that a unit runs."""
    group = unit(name, "ControlGroup")
    found = set()
    if group:
        for directory, _, _ in os.walk(f"/sys/fs/cgroup{group}"):
            try:
                with open(f"{directory}/cgroup.procs", encoding="ascii") as file:
                    found.update(int(line) for line in file)
            except OSError:
                continue
    return found


def kill_worker(number=signal.SIGKILL):
    """Not there, it is nothing to kill: a child that waited may have served a call without it, and systemd may name one
    that has gone already."""
    pid = main_pid("usher-worker.service")
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def is_ready(pid):
    """Whether it is a child of the worker that waits for an order."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            return file.read() == "usher-ready\n"
    except OSError:
        return False


def ready_children():
    return {pid for pid in processes("usher-worker.service") if is_ready(pid)}


def children(name):
    """Process ids of what a unit runs beside its main process, and beside what waits for an order."""
    return {pid for pid in processes(name) - {main_pid(name)} if not is_ready(pid)}


def kill_children(name):
    for pid in children(name):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def descriptors(pid):
    """What the descriptors of a process refer to, by number.  Empty when there is no such process."""
    found = {}
    try:
        for number in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                found[int(number)] = os.readlink(f"/proc/{pid}/fd/{number}")
    except OSError:
        pass
    return found


def command_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return "(gone)"


def journal(name, since):
    """What the journal has of a unit since a time (of time.time()): a list of dicts."""
    subprocess.run(["journalctl", "--sync"], stdin=subprocess.DEVNULL, check=False)
    text = subprocess.run(["journalctl", "--output=json", "--all", f"--since=@{since:.6f}", f"--unit={name}"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout
    return [json.loads(line) for line in text.splitlines()]


# ---- leaks

def lasting_mounts(pid="self"):
    """All but systemd's for services and sessions, which come and go by themselves."""
    return [mount for mount in mounts(pid) if not mount.target.startswith(("/run/credentials/", "/run/user/"))]


def _mount_lines(pid="self"):
    return sorted(f"{mount.target} ({mount.fstype} {mount.source})" for mount in lasting_mounts(pid))


def possessions():
    """What usher must give back, as name and list of lines."""
    broker = main_pid("usherd.service")
    return {
        "mounts": _mount_lines(),
        "mounts of the broker": _mount_lines(broker) if broker else [],
        "loop devices": sorted(f"{name} ({file})" for name, file in loop_devices().items()),
        "processes of the worker": sorted(f"{pid} {command_of(pid)}" for pid in children("usher-worker.service")),
        # without those of the last callers, which it remembers as long as they are connected
        "descriptors of the broker": [str(sum("pidfd" not in what for what in descriptors(broker).values()))] if broker else [],
        "descriptors of the worker": [str(len(descriptors(main_pid("usher-worker.service"))))],
    }


def settle():
    """Have the service run, with all it keeps open from its first call on, and nothing of an earlier test going on."""
    root().call("Host", "GetHostname", {})
    root().call("Netlink", "Query", "link", ["ifname"], {"limit": Variant("t", 1)})
    # who waits has been forked by a worker that has begun, and whoever is no more than forked has no name yet
    wait_until(lambda: ready_children() and not children("usher-worker.service"), "no work of an earlier test goes on")


@contextlib.contextmanager
def nothing_leaked(timeout=PATIENCE, ignore=()):
    """What was held before is held after, no more and no less; what is on its way out is given time to go.

    A service that was started or stopped in between is compared in what does not depend on it."""
    pids = {name: main_pid(name) for name in ("usherd.service", "usher-worker.service")}
    before = possessions()
    yield
    left_out = set(ignore)
    if main_pid("usherd.service") != pids["usherd.service"]:
        left_out |= {"mounts of the broker", "descriptors of the broker"}
    if main_pid("usher-worker.service") != pids["usher-worker.service"]:
        left_out.add("descriptors of the worker")

    deadline = time.monotonic() + timeout
    while True:
        after = possessions()
        # a child that was at work before, or not yet named as one that waits, may have ended
        after["processes of the worker"] = sorted({*before["processes of the worker"], *after["processes of the worker"]})
        different = [name for name in before if name not in left_out and before[name] != after[name]]
        if not different:
            return
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    report = []
    for name in different:
        gone = list(before[name])
        more = []
        for line in after[name]:
            if line in gone:
                gone.remove(line)
            else:
                more.append(line)
        report += [f"{name}: - {line}" for line in gone] + [f"{name}: + {line}" for line in more]
    raise AssertionError("not as it was before:\n  " + "\n  ".join(report))


# ---- test cases

class TestCase(unittest.TestCase):
    """A test case with the words that tests of usher are written in."""

    maxDiff = None

    @contextlib.contextmanager
    def refused(self, name, *words):
        """Within, a call must fail with this error (of usher's unless there is a dot in it), saying all these words."""
        try:
            yield
        except DBusError as error:
            self.assertEqual(error.name, name if "." in name else ERROR + name, error.message)
            for word in words:
                self.assertIn(word, error.message)
        else:
            self.fail(f"not refused with {name}")

    def client(self, *arguments, **keywords):
        """A Client that leaves when the test ends."""
        client = Client(*arguments, **keywords)
        self.addCleanup(client.close)
        return client

    def during(self, manager):
        """Enter a context manager now and leave it when the test ends."""
        return self.enterContext(manager)


def write_file(path, text=""):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def read_file(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def make_directory(prefix):
    """In the home of who runs this."""
    return tempfile.mkdtemp(prefix=f"{prefix}-", dir=os.path.expanduser("~"))


class MountTestCase(TestCase):
    """Every test has self.alice, in a local session, self.home, a new directory of hers, and must not leak.

    What is made through mount() or bind() is unmounted through usher when the test ends, unless it has gone."""

    session = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.alice = Client("alice", session=cls.session)
        cls.addClassCleanup(cls.alice.close)
        cls.uid = pwd.getpwnam("alice").pw_uid

    @classmethod
    def sit_down(cls):
        """A session is active only until the next one begins."""
        if cls.session and check_authorization(cls.alice, "org.usher1.mount-own") != "yes":
            cls.alice.close()
            cls.alice = Client("alice", session=True)
            cls.addClassCleanup(cls.alice.close)

    def setUp(self):
        super().setUp()
        self.sit_down()
        settle()
        self.during(nothing_leaked())
        self.home = self.alice.run(make_directory, "test")
        self.addCleanup(shutil.rmtree, self.home)

    def directory(self, name, user="alice", mode=0o755):
        """A new directory in self.home."""
        path = f"{self.home}/{name}"
        os.makedirs(path, mode)
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)
        return path

    def file(self, name, text="", user="alice", mode=0o644):
        path = f"{self.home}/{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(file.fileno(), mode)
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)
        return path

    def made(self, path):
        """An object that is to go when the test ends, if it has not gone by itself."""
        self.addCleanup(self.give_back, path)
        return path

    @staticmethod
    def give_back(path):
        try:
            root().call("Mount", "Unmount", {"lazy": True}, path=path, signature="a{sv}")
        except DBusError as error:
            if error.name not in ("org.freedesktop.DBus.Error.UnknownObject", "org.freedesktop.DBus.Error.UnknownMethod",
                                  f"{ERROR}NotFound", f"{ERROR}Busy"):
                raise

    def mount(self, source, target, fstype, words=(), options=None, client=None, **keywords):
        return self.made((client or self.alice).call("Mounts", "Mount", source, target, fstype, list(words), options or {},
                                                     **keywords))

    def bind(self, source, target, words=(), options=None, client=None, **keywords):
        return self.made((client or self.alice).call("Mounts", "Bind", source, target, list(words), options or {}, **keywords))

    def mount_image(self, image, target, fstype="auto", words=(), options=None, client=None, **keywords):
        return self.made((client or self.alice).call("Mounts", "MountImage", image, target, fstype, list(words), options or {},
                                                     **keywords))

    def unmount(self, path, client=None, **options):
        """By object."""
        (client or self.alice).call("Mount", "Unmount", options, path=path)

    def assert_mounted(self, target, fstype=None, options=(), pid="self"):
        found = mount_at(target, pid)
        self.assertIsNotNone(found, f"nothing is mounted on {target}")
        if fstype:
            self.assertEqual(found.fstype, fstype)
        for option in options:
            self.assertIn(option, found.options)
        return found

    def assert_not_mounted(self, target, pid="self"):
        self.assertIsNone(mount_at(target, pid))

    @contextlib.contextmanager
    def needs_admin(self, action=None):
        """Within, a call is refused because somebody would have to be asked (about this action, and not one whose name only begins so)."""
        with self.assertRaises(DBusError) as caught:
            yield
        self.assertEqual(caught.exception.name, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", caught.exception.message)
        if action:
            self.assertRegex(caught.exception.message, rf"org\.usher1\.{action}(?![\w-])")


class PersonTestCase(MountTestCase):
    """The test is the person in front of self.caller, a program of alice's, and is asked."""

    def setUp(self):
        super().setUp()
        self.caller = self.client("alice", session=True)
        self.addCleanup(self.sit_down)
        self.person = AuthenticationAgent(self.caller)
        self.addCleanup(self.person.close)


if __name__ == "__main__" and sys.argv[1:2] == ["agent"]:
    # Functions that we are asked to run name classes of the module, not of __main__.
    sys.path[:] = [HERE] + [entry for entry in sys.argv[4:] if entry != HERE]
    import support
    support._Agent.be(sys.argv[2], sys.argv[3])
