# SPDX-License-Identifier: LGPL-2.1-or-later
"""Watches over the bus, with and without root: by whatever this kernel lets the service have."""

import os
import socket

import ring
from ring import wait_until


class Watches(ring.TestCase):
    def setUp(self):
        super().setUp()
        self.me.subscribe()
        self.root = self.directory("watched")

    def told(self):
        """The paths of the next signal, with its events."""
        return {(event[2], event[3]) for event in self.me.signal("Events")[3][0]}

    def touch(self, name):
        with open(f"{self.root}/{name}", "x", encoding="utf-8"):
            pass

    def test_what_happens_is_told(self):
        path = self.me.call("Watches", "Subscribe", self.root, [], {})
        self.touch("a")
        self.assertIn(("create", "a"), self.told())
        self.me.call("Watch", "Close", {}, path=path)
        self.assertNotIn(path, self.me.objects("Watch"))

    def test_a_stream_has_it_and_ends_with_the_watch(self):
        path, stream = self.me.call("Watches", "Open", self.root, [], {"scope": "children"})
        with socket.socket(fileno=os.dup(stream.fileno())) as reader:
            stream.close()
            reader.settimeout(10)
            self.touch("a")
            self.assertIn(b"a\0", reader.recv(65536))
            self.me.call("Watch", "Close", {}, path=path)
            while reader.recv(65536):
                pass

    def test_events_can_be_changed(self):
        path = self.me.call("Watches", "Subscribe", self.root, ["create"], {})
        self.me.call("Watch", "SetEvents", ["delete"], {}, path=path)
        self.touch("a")
        os.unlink(f"{self.root}/a")
        self.assertEqual(self.told(), {("delete", "a")})

    def test_a_watch_goes_with_its_connection(self):
        other = self.service.client()
        path = other.call("Watches", "Subscribe", self.root, [], {})
        other.close()
        wait_until(lambda: path not in self.me.objects("Watch"), "the watch has gone")

    def test_a_file_has_nothing_below_it(self):
        self.touch("a")
        for scope in ("children", "recursive", "filesystem"):
            with self.subTest(scope), self.assertRaises(ring.DBusError) as caught:
                self.me.call("Watches", "Subscribe", f"{self.root}/a", [], {"scope": scope})
            self.assertEqual(caught.exception.name, "org.usher1.Error.InvalidArgument")
            self.assertIn("takes a directory", str(caught.exception))
