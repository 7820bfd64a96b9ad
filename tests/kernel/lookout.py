# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of a watcher share that looks out over a file system: a place on one, and what is wanted there."""

import os
import shutil
import subprocess
import tempfile
import unittest

import ring
from alone import Watcher

EVENTS = ["create", "delete", "modify", "attrib", "move", "close-write", "delete-self", "move-self"]
STRANGER = {"uid": 51002, "gid": 51002, "groups": []}


class LookoutTestCase(unittest.TestCase):
    def setUp(self):
        with open("/proc/self/uid_map", encoding="ascii") as file:
            if file.read().split() != ["0", "0", "4294967295"]:
                self.skipTest("the kernel opens files by handles for nobody but the machine's root")
        self.place = tempfile.mkdtemp(dir=ring.WORK)
        os.chmod(self.place, 0o755)
        self.addCleanup(shutil.rmtree, self.place, ignore_errors=True)

    def open(self, path):
        fd = os.open(path, os.O_RDONLY)
        self.addCleanup(os.close, fd)
        return fd

    def run_in(self, command, place=None, *words, **keywords):
        subprocess.run(["bash", "-ec", command, *words], check=True, cwd=place or self.place, **keywords)

    def begin(self, kind, superblock, program=f"{ring.BUILD}/usher-watcher", **keywords):
        try:
            watcher = Watcher(program, kind, superblock, **keywords)
        except EOFError:
            self.skipTest("no watcher can begin here")
        self.addCleanup(watcher.close)
        return watcher
