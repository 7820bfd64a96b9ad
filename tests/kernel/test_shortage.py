# SPDX-License-Identifier: LGPL-2.1-or-later
"""Out of descriptors: what cannot be done is refused, nothing is left, and the service goes on."""

import contextlib
import resource

import ring
from ring import DBusError, mounts, wait_until

# What a call may be told where something has run out; a child that cannot even speak has failed.
REFUSALS = {f"org.usher1.Error.{name}" for name in ("LimitExceeded", "Failed", "NotFound", "Retry")}


class Shortage(ring.TestCase):
    @contextlib.contextmanager
    def limited(self, pid, what, soft):
        before = resource.prlimit(pid, what)
        resource.prlimit(pid, what, (soft, before[1]))
        try:
            yield
        finally:
            resource.prlimit(pid, what, before)

    def attempt(self, *call):
        """Whether it was done; else it was refused for a good reason."""
        try:
            result = self.me.call("Mounts", *call)
        except DBusError as error:
            self.assertIn(error.name, REFUSALS, error)
            return False
        if hasattr(result, "close"):
            result.close()
        return True

    def round(self, clear=True):
        """One of each kind; how many of them were done.  What was made goes again, or stays for who clears it later."""
        source, target = f"{self.here}/source", f"{self.here}/target"
        done = 0
        for call in (("Mount", "", target, "tmpfs", [], {}), ("Bind", source, target, [], {}), ("OpenTree", source, [], {}),
                     ("List", {})):
            before = len(self.mine()) - len(self.me.objects("Mount"))
            if self.attempt(*call):
                done += 1
            if call[0] in ("Mount", "Bind"):
                # what is there is known, and what was refused is not there
                wait_until(lambda before=before: len(self.mine()) == before + len(self.me.objects("Mount")), "nothing is left")
                if clear:
                    wait_until(self.unmount_all, "what was made can be unmounted", 20)
        return done

    def unmount(self, path):
        with contextlib.suppress(DBusError):
            self.me.call("Mount", "Unmount", {}, path=path)
        return path not in self.me.objects("Mount")

    def unmount_all(self):
        for path in self.me.objects("Mount"):
            self.unmount(path)  # or something is on top of it
        return not self.me.objects("Mount")

    def mine(self):
        return [found for found in mounts() if found.target.startswith(self.here)]

    def setUp(self):
        super().setUp()
        self.directory("source")
        self.directory("target")
        self.assertEqual(self.round(), 4)
        wait_until(lambda: len(ring.running("usher-worker")) >= 1, "the worker is there")

    def assert_well(self, descriptors):
        # children that have waited for an order since then have to be used up
        wait_until(lambda: self.round() == 4, "all is well again", 30)
        self.assertEqual(self.mine(), [])
        wait_until(lambda: all(now <= then for now, then in zip(self.service.descriptors(), descriptors)),
                   "every descriptor has been given back")

    def test_a_child_without_descriptors_refuses(self):
        before = self.service.descriptors()
        done = []
        for most in range(5, 30, 2):
            with self.limited(self.service.worker, resource.RLIMIT_NOFILE, most):
                done.append(self.round(clear=False))
            wait_until(self.unmount_all, "what was made can be unmounted", 20)
        self.assertLess(min(done), 4)
        self.assert_well(before)

    def test_a_broker_without_descriptors_refuses(self):
        before = self.service.descriptors()
        refused = 0
        for more in range(6):
            with self.limited(self.service.pid, resource.RLIMIT_NOFILE, before[0] + more):
                for _ in range(3):
                    refused += not self.attempt("OpenTree", f"{self.here}/source", [], {})
                    refused += not self.attempt("Mount", "", f"{self.here}/target", "tmpfs", [], {})
            wait_until(self.unmount_all, "what was made can be unmounted")
            wait_until(lambda: not self.mine(), "nothing is left")
        self.assertGreater(refused, 0)
        self.assertFalse(self.service.gone())
        self.assert_well(before)
