# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whoever can be killed is, at random moments under load, with objects of every kind there; and nothing is lost.

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
import subprocess
import threading
import time

import players
import support
import watching
from support import wait_until

ROUNDS = int(os.environ.get("KILL_ROUNDS", "200"))
SEED = int(os.environ.get("KILL_SEED", "0")) or int.from_bytes(os.urandom(4), "little")
USHERD = "usherd.service"
WORKER = "usher-worker.service"
SPAWNER = "usher-spawner.service"
EVERY = 25  # rounds between one look at everything and the next


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


class Mounter(players.Player):
    """Mounts and unmounts, in its own place or in that of all."""

    kinds = {"Mount": "Unmount"}

    def __init__(self, referee, user, seed, place=None):
        super().__init__(referee, user, seed)
        self.place = place
        self.home = self.client.run(support.make_directory, "kill")
        for name in ("source", "sub"):
            self.client.run(os.mkdir, f"{self.home}/{name}")
        self.image = support.make_image("squashfs", f"{self.home}/image", user)
        self.targets = set()  # of calls that nobody knows the end of

    def options(self, **options):
        if self.place:
            options["in"] = self.place.pidfd()
        return options

    def seen(self, path):
        """A path of the place as we see it."""
        return self.place.path(path) if self.place else path

    def moves(self):
        return {self.mount: 30, self.unmount: 22, self.unmount_by_name: 6, self.look: 6, self.open: 6, self.give_name: 4, self.guest: 1}

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
            self.targets.add(target)
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
            self.targets.add(self.made.pop(path).target)
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

    def give_name(self):
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

    # what the referee asks

    def complaint(self, managed):
        ids = self.ids(managed)
        for path, made in self.made.items():
            there = managed.get(path, {}).get("org.usher1.Mount")
            if there != made.properties:
                return f"{path} was {made.properties} and is {there}"
            if mount_id(self.seen(made.target)) != made.properties["Id"]:
                return f"{path} is not mounted on {made.target}"
        for target in self.targets:
            number = mount_id(self.seen(target))
            if number != mount_id(self.seen(self.home)) and number not in ids:
                return f"{target} is mounted and has no object"
        return None

    @staticmethod
    def ids(managed):
        return {interfaces["org.usher1.Mount"]["Id"]: path for path, interfaces in managed.items() if "org.usher1.Mount" in interfaces}

    def known(self, managed):
        """Its own, and such as came of a call that nobody knew the end of."""
        ids = self.ids(managed)
        return {*self.made, *(ids.get(mount_id(self.seen(target))) for target in self.targets)}

    def settle(self, managed):
        ids = self.ids(managed)
        for target in self.targets:
            path = ids.get(mount_id(self.seen(target)))
            if path:
                self.made[path] = Made(target, managed[path]["org.usher1.Mount"])
        self.targets.clear()

    def give_back(self):
        """Unmounting takes off that mount and no other."""
        while self.made:
            path, made = self.made.popitem()
            self.client.call("Mount", "Unmount", {}, path=path, signature="a{sv}")
            assert mount_id(self.seen(made.target)) == mount_id(self.seen(self.home)), made
            for other in self.made.values():
                assert mount_id(self.seen(other.target)) == other.properties["Id"], other

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
        self.managed = {}
        self.killed = set()  # process ids of keepers
        self.lost = self.gaps = 0  # how often watches and monitors said so

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
        self.managed = support.patiently(support.root().call, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", signature="")
        for target in self.going:
            if mount_id(target) != mount_id(os.path.dirname(target)):
                return f"{target} has outlived its connection"
        unknown = {path for path, interfaces in self.managed.items() if "org.usher1.Mount" in interfaces}
        for player in self.players:
            wrong = player.complaint(self.managed)
            if wrong:
                return wrong
            unknown -= player.known(self.managed) if isinstance(player, Mounter) else set()
        return f"objects of nothing: {[self.managed[path] for path in unknown]}" if unknown else None

    def judge(self):
        said = []
        wait_until(lambda: not support.children(WORKER), "what was going on has ended")
        try:
            wait_until(lambda: not (said.append(self.complaint()) or said[-1]), "what is on its way out has gone")
        except AssertionError:
            raise AssertionError(said[-1]) from None
        for player in self.players:
            player.settle(self.managed)
        self.going.clear()


def netlink_processes():
    """Of the service's readers and of its listeners."""
    ours = os.readlink("/proc/self/ns/net")
    found = {"reader": [], "listener": []}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "usher-netlink":
                found["reader" if os.readlink(f"/proc/{pid}/ns/net") == ours else "listener"].append(int(pid))
    return found


class Killer:
    # what is killed together, and how often
    CHOICES = {("broker",): 30, ("worker",): 12, ("child",): 32, ("child", "broker"): 5, ("spawner",): 5, ("keeper",): 8,
               ("keeper", "broker"): 3, ("watcher",): 9, ("listener",): 9, ("reader",): 12, ("watcher", "listener", "broker"): 3,
               ("broker", "child", "worker", "spawner", "keeper", "watcher", "listener", "reader"): 4}
    SPARED = 4  # who watches or listens and dies once more without having been of use is not started again, and its objects end

    def __init__(self, seed, referee):
        self.random = random.Random(seed)
        self.referee = referee
        self.groups = {name: f"/sys/fs/cgroup{support.unit(name, 'ControlGroup')}/cgroup.procs" for name in (USHERD, WORKER, SPAWNER)}
        self.killed = dict.fromkeys(("broker", "worker", "child", "spawner", "keeper", "watcher", "listener", "reader"), 0)
        self.struck = {"watcher": 0, "listener": 0}

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

    @staticmethod
    def name_of(pid):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            return file.read().strip()
        return ""

    def victims(self, kind):
        if kind == "watcher":
            return watching.watchers()
        if kind in ("listener", "reader"):
            return netlink_processes()[kind]
        if kind in ("spawner", "keeper"):
            return self.of_the_spawner(kind)
        mains, others = self.processes(USHERD if kind == "broker" else WORKER)
        return others if kind == "child" else mains

    def of_the_spawner(self, kind):
        """Without the users' processes that are there, and those that are to become such."""
        main = support.main_pid(SPAWNER)
        if kind == "spawner":
            return [main] if main else []
        keepers = [pid for pids in self.processes(SPAWNER) for pid in pids if pid != main and self.name_of(pid) == "usher-worker"]
        return self.random.sample(keepers, min(len(keepers), 2))

    def kill(self, kind):
        if kind in self.struck and self.struck[kind] >= self.SPARED:
            return
        for pid in self.victims(kind):
            if kind == "keeper":
                self.referee.killed.add(pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.killed[kind] += 1
        if kind in self.struck:
            self.struck[kind] += 1
        if kind == "broker":
            self.struck = dict.fromkeys(self.struck, 0)

    def wait_for_work(self):
        """Until a child is there, which lives for some milliseconds, and for some of those."""
        deadline = time.monotonic() + 0.1
        while not self.processes(WORKER)[1] and time.monotonic() < deadline:
            pass
        deadline = time.monotonic() + self.random.uniform(0, 0.004)
        while time.monotonic() < deadline:
            pass

    def strike(self):
        kinds = self.random.choices(list(self.CHOICES), list(self.CHOICES.values()))[0]
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
        subprocess.run(["ip", "netns", "add", players.Listener.place], check=True)
        self.addCleanup(subprocess.run, ["ip", "netns", "del", players.Listener.place], check=False)
        support.settle()
        self.use_everything()
        self.assertEqual(support.root().objects(), [])
        hostname = socket.gethostname()
        self.addCleanup(lambda: socket.sethostname(hostname))

    @staticmethod
    def use_everything():
        """So that what the first use brings along is there."""
        root = support.root()
        watching.Watch(root, "/home", ["create"]).close()
        path, descriptor = root.call("Netlink", "OpenMonitor", ["route"], ["dst"], players.Listener.table)
        descriptor.close()
        with contextlib.suppress(support.DBusError):
            root.call("NetlinkMonitor", "Close", {}, path=path, signature="a{sv}")
        path, descriptor = root.call("Timers", "Create", "boottime", 0, 0, {})
        descriptor.close()
        root.call("Timer", "Close", {}, path=path)
        wait_until(lambda: not root.objects(), "they have gone")

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
        """Every object that is left can be ended, and is the only one that ends."""
        for player in referee.players:
            player.give_back()
        wait_until(lambda: not support.root().objects(), "none is left")

    def test_nothing_is_lost_when_processes_are_killed_under_load(self):
        before = self.steady()
        with support.nothing_leaked(timeout=20):
            referee = Referee()
            chance = random.Random(SEED)
            place = support.Place("alice", "--user", "--map-root-user", "--mount")
            try:
                for kind, user, *more in ((Mounter, "alice"), (Mounter, "bob"), (Mounter, "alice"), (Mounter, "alice", place),
                                          (players.Dweller, "alice"), (players.Trapper, "bob"), (players.Timekeeper, "bob"),
                                          (players.Looker, "bob"), (players.Listener, "root")):
                    referee.players.append(kind(referee, user, chance.random(), *more))
                for player in referee.players:
                    player.start()
                killer = Killer(chance.random(), referee)
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
        wait_until(lambda: not support.children(SPAWNER) and not watching.watchers(), "nobody stays for nothing")
        failed = {}
        for player in referee.players:
            for name, count in player.failures.items():
                failed[name] = failed.get(name, 0) + count
        longest, what, error = max((player.longest for player in referee.players), key=lambda call: call[0])
        calls = {player.name: 0 for player in referee.players}
        for player in referee.players:
            calls[player.name] += player.answered
        print(f"     {ROUNDS} rounds in {took:.0f} s; killed {killer.killed}; calls {calls}, {referee.lost} times lost, {referee.gaps} gaps, "
              f"the longest {what} ({error or 'done'}) after {longest:.1f} s; failed {failed}", flush=True)
        for kind, least in (("broker", 8), ("child", 8), ("worker", 20), ("spawner", 50), ("keeper", 50), ("watcher", 50),
                            ("listener", 50), ("reader", 250)):
            self.assertGreater(killer.killed[kind], ROUNDS / least, kind)
        with contextlib.suppress(AssertionError):  # the worker itself looks now and then what children it has
            wait_until(lambda: self.steady() == before, "all is as it was")
        self.assertEqual(self.steady(), before)
