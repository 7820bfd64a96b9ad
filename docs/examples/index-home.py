#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keeps an index of all files below a directory (your home), as JSON in the file that the second argument names.

    ./index-home.py ~ ~/.index.json

Over the bus alone, with GDBus from PyGObject.  The first start reads the whole tree; later ones only the directories that have
changed since.  For that, a watch for the same events stays behind: with it, the service remembers.
"""

import json
import os
import re
import signal
import sys

from gi.repository import Gio, GLib

BUS, MANAGER = "org.usher1", "/org/usher1"
EVENTS = ["create", "delete", "move"]


def unescape(text):
    """Names are bytes; what cannot travel over the bus comes as \\xNN."""
    return os.fsdecode(re.sub(rb"\\x([0-9a-f]{2})", lambda match: bytes([int(match[1], 16)]), text.encode()))


class Index:
    def __init__(self, root, path):
        self.root = root
        self.path = path
        self.names = set()
        self.clock = 0
        self.keeper = None
        try:
            with open(path, encoding="utf-8") as file:
                state = json.load(file)
        except (OSError, ValueError):
            return
        self.clock, self.keeper, self.names = state["clock"], state["keeper"], set(state["names"])

    def save(self):
        with open(f"{self.path}.new", "w", encoding="utf-8") as file:
            json.dump({"clock": self.clock, "keeper": self.keeper, "names": sorted(self.names)}, file)
        os.rename(f"{self.path}.new", self.path)

    def drop(self, path):
        self.names = {name for name in self.names if name != path and not name.startswith(path + "/")} if path else set()

    def list(self, directory, deep=False):
        """What is in a directory; and what is below it, as far as that is new."""
        try:
            entries = {entry.name: entry.is_dir(follow_symlinks=False) for entry in os.scandir(os.path.join(self.root, directory))}
        except OSError:
            entries = {}
        for name in [name for name in self.names if os.path.dirname(name) == directory and os.path.basename(name) not in entries]:
            self.drop(name)
        for name, is_directory in entries.items():
            path = os.path.join(directory, name)
            known = path in self.names
            self.names.add(path)
            if is_directory and (deep or not known):
                self.list(path, True)

    def look_at(self, path):
        full = os.path.join(self.root, path)
        if not os.path.lexists(full):
            self.drop(path)
        else:
            self.names.add(path)
            if os.path.isdir(full) and not os.path.islink(full):
                self.list(path, True)


class Program:
    def __init__(self, root, path):
        self.index = Index(root, path)
        self.bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
        self.watch = None
        # With the name as the sender, GDBus lets nobody else's signals through.  They wait for the main loop.
        self.bus.signal_subscribe(BUS, f"{BUS}.Watch", None, None, None, Gio.DBusSignalFlags.NONE, self.on_signal)

    def call(self, interface, method, arguments, reply, path=MANAGER):
        return self.bus.call_sync(BUS, path, interface, method, arguments, GLib.VariantType(reply), 0, -1, None).unpack()

    def subscribe(self, events, **options):
        """The directory as a descriptor: so the service need not look for it, and knows that it could be opened."""
        root = os.open(self.index.root, os.O_RDONLY | os.O_DIRECTORY)
        descriptors = Gio.UnixFDList.new_from_array([root])
        options["root"] = GLib.Variant("h", 0)
        reply, _ = self.bus.call_with_unix_fd_list_sync(
            BUS, MANAGER, f"{BUS}.Watches", "Subscribe", GLib.Variant("(sasa{sv})", ("", events, options)), GLib.VariantType("(o)"),
            0, -1, descriptors, None)
        return reply.unpack()[0]

    def catch_up(self):
        index = self.index
        directories, clock, complete = self.call(f"{BUS}.Watch", "Since", GLib.Variant("(ta{sv})", (index.clock, {})), "(astb)", self.watch)
        if complete:
            for directory in map(unescape, directories):
                index.list(directory)
        else:
            index.drop("")
            index.list("", True)
        print("caught up" if complete else "listed everything", file=sys.stderr)
        index.clock = clock

    def leave_keeper(self):
        managed, = self.call("org.freedesktop.DBus.ObjectManager", "GetManagedObjects", None, "(a{oa{sa{sv}}})")
        if self.index.keeper not in managed:
            self.index.keeper = self.subscribe(EVENTS, scope=GLib.Variant("s", "recursive"), lifetime=GLib.Variant("s", "manual"))

    def on_signal(self, _bus, _sender, path, _interface, member, arguments):
        if path == self.watch:
            self.apply(member, *arguments.unpack())

    def apply(self, member, *arguments):
        index = self.index
        if member == "Events":
            for clock, _, _, path, old_path, _ in arguments[0]:
                if old_path:
                    index.drop(unescape(old_path))
                index.look_at(unescape(path))
                index.clock = clock
        elif member == "Lost":
            index.clock, directories = arguments
            for directory in map(unescape, directories):
                index.list(directory)
            if not directories:
                index.drop("")
                index.list("", True)

    def run(self):
        self.watch = self.subscribe(EVENTS, scope=GLib.Variant("s", "recursive"))
        self.catch_up()
        self.index.save()  # what cannot be saved needs nobody who remembers
        self.leave_keeper()
        self.index.save()
        loop = GLib.MainLoop()
        for number in (signal.SIGINT, signal.SIGTERM):
            GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, number, loop.quit)
        GLib.timeout_add_seconds(60, lambda: self.index.save() or True)
        loop.run()
        self.index.save()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} DIRECTORY INDEX")
    Program(*sys.argv[1:]).run()
