# SPDX-License-Identifier: LGPL-2.1-or-later
"""Another build comes, which knows more of each object than this one, and goes again: with objects of every kind there, all of
which work afterwards.  What the other one has noted of them outlives this one, too.

ANOTHER says where that build is, which tests/another-build makes (default build-another/build in the sources)."""

import collections
import contextlib
import glob
import os
import shutil
import subprocess
import unittest

import players
import support
import test_killing
from support import wait_until

ANOTHER = os.environ.get("ANOTHER") or "/usr/src/usher/build-another/build"
INSTALLED = "/usr/libexec/usher"
SERVICES = ("usherd.service", "usher-worker.service", "usher-spawner.service")
SAVED = "/run/usher/objects"
KINDS = ("Mount", "Namespace", "Process", "SignalTrap", "Timer", "Watch", "NetlinkMonitor")


class Referee:
    """Nobody is killed here."""

    def __init__(self):
        self.killed, self.going, self.lost, self.gaps = set(), set(), 0, 0


def noted_by_the_other(paths):
    """Of which kinds of objects there is something in these files that only the other build writes, and how often."""
    found = collections.Counter()
    for path in paths:
        with contextlib.suppress(OSError), open(path, "rb") as file:
            data = file.read(1 << 16)
            found.update(kind for kind in KINDS if f"usher.{kind}Object".encode() in data)
    return found


def kept():
    """What systemd keeps in memory."""
    return [path for path in glob.glob("/proc/1/fd/*") if "memfd:usher-object" in (os.readlink(path) if os.path.islink(path) else "")]


def work(player):
    """The referee's look at one player, with nobody playing."""
    managed = support.root().call("org.freedesktop.DBus.ObjectManager", "GetManagedObjects", signature="")
    assert (wrong := player.complaint(managed)) is None, wrong
    player.settle(managed)


@unittest.skipUnless(os.path.exists(f"{ANOTHER}/usherd"), "there is no other build: see tests/another-build")
class Upgrade(support.TestCase):
    def setUp(self):
        super().setUp()
        self.during(support.polkit_answer("yes", "org.usher1.*", "alice"))
        subprocess.run(["ip", "netns", "add", players.Listener.place], check=True)
        self.addCleanup(subprocess.run, ["ip", "netns", "del", players.Listener.place], check=False)
        self.own = f"{INSTALLED}.own"
        shutil.copytree(INSTALLED, self.own)
        self.addCleanup(self.put_back)
        support.settle()

    def install(self, place):
        for name in sorted(os.listdir(self.own)):
            shutil.copy2(f"{place}/{name}", f"{INSTALLED}/.new")
            os.rename(f"{INSTALLED}/.new", f"{INSTALLED}/{name}")

    def restart(self):
        before = support.main_pid("usherd.service")
        subprocess.run(["systemctl", "restart", *SERVICES], check=True)
        self.assertNotIn(support.main_pid("usherd.service"), (0, before))

    def put_back(self):
        self.install(self.own)
        self.restart()
        shutil.rmtree(self.own)

    def version(self):
        return subprocess.run([f"{INSTALLED}/usherd", "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()[-1]

    def make(self):
        """An object of each kind."""
        for player, make in ((self.mounter, self.mounter.mount), (self.dweller, self.dweller.create), (self.dweller, self.dweller.spawn),
                             (self.trapper, self.trapper.trap), (self.timekeeper, self.timekeeper.create),
                             (self.looker, self.looker.open), (self.listener, self.listener.open)):
            before = len(player.made)
            make()
            self.assertEqual(len(player.made), before + 1, player.name)

    def test_objects_of_every_kind_outlive_another_build_and_the_way_back(self):
        own, referee = self.version(), Referee()
        self.players = []
        for name, kind, user in (("mounter", test_killing.Mounter, "alice"), ("dweller", players.Dweller, "alice"),
                                 ("trapper", players.Trapper, "alice"), ("timekeeper", players.Timekeeper, "alice"),
                                 ("looker", players.Looker, "alice"), ("listener", players.Listener, "root")):
            setattr(self, name, kind(referee, user, 1))
            self.players.append(getattr(self, name))
            self.addCleanup(self.players[-1].close)
        self.make()
        self.install(ANOTHER)
        self.restart()
        self.assertNotEqual(self.version(), own)
        self.all_work()
        self.make()
        self.all_work()
        self.assertEqual(set(noted_by_the_other(kept())), set(KINDS), "the other build notes more")
        self.install(self.own)
        self.restart()
        self.assertEqual(self.version(), own)
        self.all_work()
        self.change_all()
        self.all_work()
        self.assertEqual(set(noted_by_the_other(kept())), set(KINDS), "what this build does not know it keeps")
        self.stop_and_start()
        for player in self.players:
            player.give_back()
        wait_until(lambda: not support.root().objects(), "none is left")

    def all_work(self):
        for player in self.players:
            work(player)

    def change_all(self):
        """Of those kinds that this is done to, the message is written anew."""
        for path in self.timekeeper.made:
            self.timekeeper.client.call("Timer", "Set", 0, 10 ** 9, {}, path=path)
        for path in self.looker.made:
            self.looker.client.call("Watch", "SetEvents", ["create", "delete"], {}, path=path)
            self.looker.client.call("Watch", "SetEvents", ["create"], {}, path=path)

    def stop_and_start(self):
        """What goes with a stream or with a stop does; the others' messages are files meanwhile."""
        for player in (self.trapper, self.timekeeper, self.looker, self.listener):
            player.give_back()
        while self.dweller.of(players.Program):
            self.dweller.pull()
        subprocess.run(["systemctl", "stop", "usherd.service"], check=True)
        found = noted_by_the_other(glob.glob(f"{SAVED}/*"))
        self.assertGreaterEqual(set(found), {"Mount", "Namespace"}, found)
        for player in (self.mounter, self.dweller):
            work(player)


if __name__ == "__main__":
    support.unittest.main()
