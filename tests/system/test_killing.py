# SPDX-License-Identifier: LGPL-2.1-or-later
"""The broker, the worker and its children are killed at random moments under load, and nothing is lost.

KILL_ROUNDS says how often (default 200), KILL_SEED repeats the same choices, as far as time allows."""

import contextlib
import ctypes
import dataclasses
import os
import random
import re
import shutil
import signal
import socket
import threading
import time

import support
from support import DBusError, wait_until

ROUNDS = int(os.environ.get("KILL_ROUNDS", "200"))
SEED = int(os.environ.get("KILL_SEED", "0")) or int.from_bytes(os.urandom(4), "little")
USHERD = "usherd.service"
WORKER = "usher-worker.service"
EVERY = 25  # rounds between one look at everything and the next

# After these it was not. Loop devices are the machine's, and who boots another system beside this one shares the limit.
NOT_DONE = (f"{support.ERROR}Retry", f"{support.ERROR}Busy", f"{support.ERROR}NotFound", f"{support.ERROR}LimitExceeded")


def mount_id(path):
    """The kernel's unique number of the mount that a path is on, None if the path is not there."""
    buffer = ctypes.create_string_buffer(256)
    if support.libc.statx(support.AT_FDCWD, os.fsencode(path), 0x100, 0x4000, buffer) != 0:  # AT_SYMLINK_NOFOLLOW
        return None
    return int.from_bytes(buffer.raw[144:152], "little")


@dataclasses.dataclass
class Made:
    """An object that a client has been told of."""

    target: str
    properties: dict


class Player(threading.Thread):
    """A client that does this and that until it is told to stop, and knows what must be there after each answer."""

    def __init__(self, referee, user, seed, place=None):
        super().__init__(daemon=True)
        self.referee = referee
        self.user = user
        self.place = place
        self.random = random.Random(seed)
        self.client = support.Client(user)
        self.home = self.client.run(support.make_directory, "kill")
        for name in ("source", "sub"):
            self.client.run(os.mkdir, f"{self.home}/{name}")
        self.image = support.make_image("squashfs", f"{self.home}/image", user)
        self.made = {}  # object: Made
        self.unsure = set()  # targets of calls that nobody knows the end of
        self.number = 0
        self.answered = 0
        self.longest = 0.0, "", None  # seconds, what, its error
        self.failures = {}

    def options(self, **options):
        if self.place:
            options["in"] = self.place.pidfd()
        return options

    def seen(self, path):
        """A path of the place as we see it."""
        return self.place.path(path) if self.place else path

    def call(self, *arguments, **keywords):
        """(result, None), or (None, the error's name); any other error than being killed explains is the referee's."""
        began = time.monotonic()
        ended = None
        try:
            return (keywords.pop("client", None) or self.client).call(*arguments, timeout=60, **keywords), None
        except DBusError as error:
            ended = error.name
            self.failures[ended] = self.failures.get(ended, 0) + 1
            if error.name not in support.UNSURE + NOT_DONE:
                raise AssertionError(f"{arguments}: {error}") from error
            return None, error.name
        finally:
            took = time.monotonic() - began
            self.longest = max(self.longest, (took, arguments[1], ended), key=lambda call: call[0])
            if took > support.ANSWER_WITHIN:
                raise AssertionError(f"{arguments}: answered after {took:.1f} s")
            self.answered += 1

    def run(self):
        try:
            while self.referee.may_play(self):
                self.random.choices((self.mount, self.unmount, self.unmount_by_name, self.look, self.open, self.name, self.guest),
                                    (30, 22, 6, 6, 6, 4, 1))[0]()
        except BaseException as error:  # pylint: disable=broad-except
            self.referee.fouls.append(error)
            self.referee.left(self)

    # what it does

    def new_target(self):
        self.number += 1
        target = f"{self.home}/{self.number}"
        self.client.run(os.mkdir, target)
        return target

    def mount(self):
        if len(self.made) >= 12:
            self.unmount()
            return
        target = self.new_target()
        kind = self.random.choice(("tmpfs", "tmpfs", "bind") if self.place else ("tmpfs", "tmpfs", "bind", "image"))
        if kind == "tmpfs":
            words = "Mount", "", target, "tmpfs", ["size=64k"]
        elif kind == "bind":
            words = "Bind", f"{self.home}/source", target, []
        else:
            with open(self.image, "rb") as file:
                words = "MountImage", support.Descriptor(os.dup(file.fileno()), owned=True), target, "squashfs", []
        path, error = self.call("Mounts", *words, self.options())
        if error in support.UNSURE:
            self.unsure.add(target)
        if error is not None:
            return
        assert path not in self.made, f"{path} is used twice"
        self.made[path] = Made(target, support.patiently(self.client.get_all, "Mount", path))

    def unmount(self):
        if not self.made:
            return
        path = self.random.choice(list(self.made))
        # an object that has been told of is known: the error of one that is not is a foul
        _, error = self.call("Mount", "Unmount", self.random.choice(({}, {"lazy": True})), path=path, signature="a{sv}")
        self.unmounted(path, error)

    def unmount_by_name(self):
        if not self.made:
            return
        path, made = self.random.choice(list(self.made.items()))
        _, error = self.call("Mounts", "Unmount", made.target, self.options())
        self.unmounted(path, error)

    def unmounted(self, path, error):
        if error is None:
            target = self.made.pop(path).target
            assert mount_id(self.seen(target)) == mount_id(self.seen(self.home)), f"{target} was unmounted and is still there"
        elif error in support.UNSURE:
            self.unsure.add(self.made.pop(path).target)
        else:
            assert error.endswith("Busy"), f"{path}: {error}"

    def look(self):
        table, error = self.call("Mounts", "List", self.options())
        if error is None:
            listed = {entry["Target"]: entry for entry in table}
            for path, made in self.made.items():
                assert listed[made.target]["Object"] == path, f"{path} is not listed"

    def open(self):
        with_options = self.options()
        descriptor, error = self.call("Mounts", "OpenTree", f"{self.home}/source", [], with_options)
        if error is None:
            os.fstat(descriptor.fileno())
            descriptor.close()

    def name(self):
        self.call("Host", "SetHostname", f"kill-{self.number}", {}) if not self.place else self.look()

    def guest(self):
        """A client whose mount must go when it is killed."""
        target = self.new_target()
        with support.Client(self.user) as guest:
            path, error = self.call("Mounts", "Mount", "", target, "tmpfs", [], self.options(lifetime="connection"), client=guest)
            if error is None:
                assert mount_id(self.seen(target)) == support.patiently(self.client.get, "Mount", "Id", path), f"{path} is not mounted"
            guest.kill()
        self.referee.going.add(self.seen(target))

    def close(self):
        self.client.close()
        for mount in support.mounts():
            if mount.target.startswith(f"{self.home}/"):
                support.umount(mount.target, support.MNT_DETACH)  # the test has failed
        shutil.rmtree(self.home)
        if self.place:
            self.place.close()


class Referee:
    """Who stops the game now and then, and looks whether everything is where it must be."""

    def __init__(self):
        self.condition = threading.Condition()
        self.stopped = True
        self.over = False
        self.playing = set()
        self.players = []
        self.fouls = []
        self.going = set()  # targets that must not stay

    def may_play(self, player):
        with self.condition:
            self.playing.discard(player)
            self.condition.notify_all()
            self.condition.wait_for(lambda: not self.stopped or self.over)
            if self.over:
                return False
            self.playing.add(player)
            return True

    def left(self, player):
        with self.condition:
            self.playing.discard(player)
            self.condition.notify_all()

    def go(self):
        with self.condition:
            self.stopped = False
            self.condition.notify_all()

    def stop(self):
        with self.condition:
            self.stopped = True
            if not self.condition.wait_for(lambda: not self.playing, 2 * support.ANSWER_WITHIN):
                raise AssertionError(f"calls that nobody answers: {[player.name for player in self.playing]}")

    def end(self):
        with self.condition:
            self.over = True
            self.condition.notify_all()
        for player in self.players:
            if player.is_alive():
                player.join(2 * support.ANSWER_WITHIN)

    def complaint(self):
        """What is not as it must be; None if all is.  Called when nobody plays; what is on its way out is looked at again."""
        managed = {path: interfaces["org.usher1.Mount"] for path, interfaces in
                   support.patiently(support.root().call, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", signature="").items()
                   if "org.usher1.Mount" in interfaces}
        ids = {properties["Id"]: path for path, properties in managed.items()}
        for target in self.going:
            if mount_id(target) != mount_id(os.path.dirname(target)):
                return f"{target} has outlived its connection"
        known = set()
        for player in self.players:
            for path, made in player.made.items():
                known.add(path)
                if managed.get(path) != made.properties:
                    return f"{path} was {made.properties} and is {managed.get(path)}"
                if mount_id(player.seen(made.target)) != made.properties["Id"]:
                    return f"{path} is not mounted on {made.target}"
            for target in player.unsure:
                number = mount_id(player.seen(target))
                if number != mount_id(player.seen(player.home)):
                    if number not in ids:
                        return f"{target} is mounted and has no object"
                    known.add(ids[number])
        unknown = set(managed) - known
        if unknown:
            return f"objects of nothing: {[managed[path] for path in unknown]}"
        return None

    def judge(self):
        said = []
        wait_until(lambda: not support.children(WORKER), "what was going on has ended")
        try:
            wait_until(lambda: not (said.append(self.complaint()) or said[-1]), "what is on its way out has gone")
        except AssertionError:
            raise AssertionError(said[-1]) from None
        for player in self.players:
            # whose end nobody knew, one knows now
            for target in list(player.unsure):
                number = mount_id(player.seen(target))
                for path in support.root().objects("Mount"):
                    properties = support.root().get_all("Mount", path)
                    if properties["Id"] == number:
                        player.made[path] = Made(target, properties)
            player.unsure.clear()
        self.going.clear()


class Killer:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.groups = {name: f"/sys/fs/cgroup{support.unit(name, 'ControlGroup')}/cgroup.procs" for name in (USHERD, WORKER)}
        self.killed = {"broker": 0, "worker": 0, "child": 0}

    def processes(self, name):
        """(the main process, its children) of a unit; those that wait for an order count with the main process."""
        try:
            with open(self.groups[name], encoding="ascii") as file:
                pids = [int(line) for line in file]
        except OSError:
            return [], []
        mains, children = [], []
        for pid in pids:
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                    name, _, rest = file.read().partition("(")[2].rpartition(")")
            except OSError:
                continue
            if name.startswith("("):
                continue  # systemd, which prepares to become it, and has names of its own in /tmp
            (mains if rest.split()[1] == "1" or name == "usher-ready" else children).append(pid)
        return mains, children

    def kill(self, kind):
        mains, children = self.processes(USHERD if kind == "broker" else WORKER)
        for pid in children if kind == "child" else mains:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            else:
                self.killed[kind] += 1

    def wait_for_work(self):
        """Until a child is there, which lives for some milliseconds, and for some of those."""
        deadline = time.monotonic() + 0.1
        while not self.processes(WORKER)[1] and time.monotonic() < deadline:
            pass
        deadline = time.monotonic() + self.random.uniform(0, 0.004)
        while time.monotonic() < deadline:
            pass

    def strike(self):
        kinds = self.random.choices((("broker",), ("worker",), ("child",), ("child", "broker"), ("broker", "child", "worker")),
                                    (35, 15, 40, 5, 5))[0]
        if "broker" in kinds:
            # the last one's successor
            wait_until(lambda: self.processes(USHERD)[0], "there is a broker again")
        time.sleep(self.random.uniform(0, 0.1))
        if "child" in kinds or self.random.random() < 0.5:
            self.wait_for_work()
        for kind in kinds:
            self.kill(kind)


class Killing(support.TestCase):
    longest = 180 + ROUNDS

    def setUp(self):
        super().setUp()
        self.during(support.polkit_rule('if (action.id.indexOf("org.usher1.") == 0 && (subject.user == "alice" || '
                                        'subject.user == "bob")) return polkit.Result.YES;'))
        support.settle()
        self.assertEqual(support.root().objects("Mount"), [])
        hostname = socket.gethostname()
        self.addCleanup(lambda: socket.sethostname(hostname))

    def steady(self):
        """What the service holds when nothing goes on, whichever of its lives it is in."""
        support.settle()
        return {
            "descriptors of the broker": len(support.descriptors(support.main_pid(USHERD))),
            "descriptors of the worker": len(support.descriptors(support.main_pid(WORKER))),
            "descriptors that systemd keeps": int(support.unit(USHERD, "NFileDescriptorStore")),
            "names in /run": sorted(os.listdir("/run")),
            "names in /run/usher": sorted(os.path.join(place, name) for place, directories, files in os.walk("/run/usher")
                                          for name in directories + files),
            # systemd's for units have a random end
            "names in /tmp": sorted(re.sub(r"^(systemd-private-.*)-.*", r"\1", name) for name in os.listdir("/tmp")),
            # a spawner that nobody needs any more goes within a minute
            "control groups": sorted(set(os.listdir("/sys/fs/cgroup/system.slice")) - {"usher-spawner.service"}),
        }

    def play(self, referee, killer, rounds):
        for number in range(rounds):
            if number % EVERY == 0:
                referee.stop()
                referee.judge()
                referee.go()
            killer.strike()
            if referee.fouls:
                raise referee.fouls[0]
        referee.stop()
        referee.judge()
        if referee.fouls:
            raise referee.fouls[0]

    def give_back(self, referee):
        """Every object that is left still works: its Unmount takes off its mount and no other."""
        left = {path: (player, made) for player in referee.players for path, made in player.made.items()}
        while left:
            path, (player, made) = left.popitem()
            player.client.call("Mount", "Unmount", {}, path=path, signature="a{sv}")
            self.assertEqual(mount_id(player.seen(made.target)), mount_id(player.seen(player.home)), made)
            for other, (owner, still) in left.items():
                self.assertEqual(mount_id(owner.seen(still.target)), still.properties["Id"], other)
            player.made.pop(path)
        self.assertEqual(support.root().objects("Mount"), [])

    def test_nothing_is_lost_when_processes_are_killed_under_load(self):
        before = self.steady()
        with support.nothing_leaked(timeout=20):
            referee = Referee()
            chance = random.Random(SEED)
            places = (None, None, None, None, support.Place("alice", "--user", "--map-root-user", "--mount"))
            users = ("alice", "bob", "alice", "bob", "alice")
            try:
                for user, place in zip(users, places, strict=True):
                    referee.players.append(Player(referee, user, chance.random(), place))
                for player in referee.players:
                    player.start()
                killer = Killer(chance.random())
                began = time.monotonic()
                self.play(referee, killer, ROUNDS)
                took = time.monotonic() - began
                self.give_back(referee)
            except BaseException as error:
                raise AssertionError(f"with KILL_SEED={SEED}: {error}") from error
            finally:
                referee.end()
                for player in referee.players:
                    player.close()
        failed = {}
        for player in referee.players:
            for name, count in player.failures.items():
                failed[name] = failed.get(name, 0) + count
        longest, what, error = max((player.longest for player in referee.players), key=lambda call: call[0])
        print(f"     {ROUNDS} rounds in {took:.0f} s; killed {killer.killed}; {sum(player.answered for player in referee.players)} calls, "
              f"the longest {what} ({error or 'done'}) after {longest:.1f} s; failed {failed}", flush=True)
        for kind, least in (("broker", 8), ("child", 8), ("worker", 20)):
            self.assertGreater(killer.killed[kind], ROUNDS / least, kind)
        with contextlib.suppress(AssertionError):  # the worker itself looks now and then what children it has
            wait_until(lambda: self.steady() == before, "all is as it was")
        self.assertEqual(self.steady(), before)
