# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many at once, clients and children that die at any moment, kernels that hang, and messages that no honest program
sends: the service answers or it does not, but it stays, and nothing stays behind."""

import contextlib
import errno
import os
import random
import signal
import socket
import time

import ring
from rawbus import Connection, Variant as Raw
from ring import Service, mount_at, wait_until

EMPTY = Raw("a{sv}", {}).value
MOUNT = "sssasa{sv}"


class Many(ring.TestCase):
    def connection(self):
        connection = Connection(self.service.bus.path)
        self.addCleanup(connection.close)
        return connection

    def test_200_calls_of_50_clients_at_once(self):
        connections = [self.connection() for _ in range(50)]
        targets = []
        waiting = []
        for client, connection in enumerate(connections):
            serials = {}
            for number in range(4):
                target = self.directory(f"{client}-{number}")
                targets.append(target)
                serials[connection.send("Mount", MOUNT, "", target, "tmpfs", ["size=1m"], EMPTY)] = target
            waiting.append((connection, serials))
        paths = set()
        for connection, serials in waiting:
            answers = connection.answers(len(serials), 120)
            self.assertEqual(set(answers), set(serials))
            for answer in answers.values():
                self.assertIsNone(answer.error, answer)
                paths.add(answer.values[0])
        self.assertEqual(len(paths), 200)
        for target in targets:
            self.assert_mounted(target, "tmpfs")
        self.assertEqual(self.me.objects("Mount"), sorted(paths))
        for client, (connection, _) in enumerate(waiting):
            for target in targets[client * 4:client * 4 + 4]:
                connection.send("Unmount", "sa{sv}", target, EMPTY)
        for connection, _ in waiting:
            for answer in connection.answers(4, 120).values():
                self.assertIsNone(answer.error, answer)
        self.assertEqual(self.me.objects("Mount"), [])
        wait_until(lambda: not ring.children_of(self.service.worker), "all children have ended")

    def test_everything_at_once(self):
        connections = [self.connection() for _ in range(20)]
        target = self.directory("target")
        words = [("Mount", MOUNT, "", target, "tmpfs", [], EMPTY), ("Unmount", "sa{sv}", target, EMPTY),
                 ("List", "a{sv}", EMPTY), ("Bind", "ssasa{sv}", self.directory("source"), target, [], EMPTY),
                 ("Remount", "sasa{sv}", target, ["ro"], EMPTY), ("Move", "ssa{sv}", target, self.directory("to"), EMPTY),
                 ("OpenTree", "sasa{sv}", target, [], EMPTY), ("OpenMount", "ssasa{sv}", "", "tmpfs", [], EMPTY),
                 ("PivotRoot", "ssa{sv}", self.directory("source"), target, EMPTY), ("Mount", "s", "wrong")]
        pick = random.Random(1)
        for connection in connections:
            for _ in range(25):
                connection.send(*pick.choice(words))
        for connection in connections:
            self.assertEqual(len(connection.answers(25, 120)), 25)
        # what is left is known, and goes
        refusals = {}

        def unmount_all():
            refusals.clear()
            for path in reversed(self.me.objects("Mount")):
                try:
                    self.me.call("Mount", "Unmount", {"lazy": True}, path=path)
                except ring.DBusError as error:  # another one is on top of it
                    refusals[path] = str(error)
            return not self.me.objects("Mount")
        try:
            wait_until(unmount_all, "all mounts are gone")
        except AssertionError:
            table = [found for found in ring.mounts() if found.target.startswith(self.here)]
            self.fail(f"still there: {refusals}\nand in the mount table: {table}")
        self.assertEqual([found for found in ring.mounts() if found.target.startswith(self.here)], [])
        wait_until(lambda: not ring.children_of(self.service.worker), "all children have ended")

    def test_nothing_leaks_in_1000_calls(self):
        target, source = self.directory("target"), self.directory("source")
        fd = os.open(target, os.O_PATH)
        self.addCleanup(os.close, fd)
        connection = self.connection()

        def one_round():
            for words in (("Mount", MOUNT, "", target, "tmpfs", [], EMPTY), ("Unmount", "sa{sv}", target, EMPTY),
                          ("Bind", "ssasa{sv}", source, target, [], EMPTY), ("Unmount", "sa{sv}", target, EMPTY),
                          ("OpenTree", "sasa{sv}", source, [], EMPTY), ("List", "a{sv}", EMPTY)):
                answer = connection.call(*words)
                self.assertIsNone(answer.error, answer)
            for words in (("Mount", MOUNT, "", "/none/such", "tmpfs", [], EMPTY), ("Mount", MOUNT, "", target, "none", [], EMPTY),
                          ("Unmount", "sa{sv}", source, EMPTY), ("Mount", "s", "x")):
                self.assertIsNotNone(connection.call(*words).error)
            keys = {"target_fd": Raw("h", 0)}
            answer = connection.call("Mount", MOUNT, "", "", "tmpfs", [], keys, fds=[fd])
            self.assertIsNone(answer.error, answer)
            self.assertIsNone(connection.call("Unmount", "sa{sv}", target, EMPTY).error)
            # a descriptor that goes nowhere
            self.assertIsNotNone(connection.call("Mount", MOUNT, "", target, "tmpfs", [], keys, fds=[fd]).error)
            self.assertIsNotNone(connection.call("Mount", MOUNT, "", target, "tmpfs", [], EMPTY, fds=[fd, fd]).error or True)
            connection.call("Unmount", "sa{sv}", target, EMPTY)

        def quiet():
            # when nothing goes on: the service looks at the mount table whenever that changes
            samples = []
            for _ in range(50):
                samples.append(self.service.descriptors())
                time.sleep(0.01)
            return min(samples)

        for _ in range(3):
            one_round()
        before = quiet()
        for _ in range(70):
            one_round()
        self.assertEqual(quiet(), before)
        self.assertEqual(self.me.objects("Mount"), [])

    def test_clients_that_come_and_go_leave_nothing(self):
        with self.connection() as one:
            one.call("List", "a{sv}", EMPTY)
        wait_until(lambda: not ring.children_of(self.service.worker), "all children have ended")
        before = self.service.descriptors()
        target = self.directory("target")
        for _ in range(100):
            with Connection(self.service.bus.path) as connection:
                keys = {"lifetime": Raw("s", "connection")}
                answer = connection.call("Mount", MOUNT, "", target, "tmpfs", [], keys)
                # the one before goes just now, and perhaps between the look and the deed
                self.assertIn(answer.error, (None, "org.usher1.Error.NotFound", "org.usher1.Error.Retry"), answer)
        wait_until(lambda: mount_at(target) is None, "all mounts go with their connections")
        wait_until(lambda: not self.me.objects("Mount"), "and their objects")
        # no more than before, when the first client may still have been remembered
        wait_until(lambda: all(now <= then for now, then in zip(self.service.descriptors(), before, strict=True)),
                   "and every descriptor")

    def test_what_lies_on_each_other_goes_at_once_and_not_with_one_look_each(self):
        target = self.directory("target")
        with contextlib.ExitStack() as connections:
            for _ in range(60):
                connection = connections.enter_context(Connection(self.service.bus.path))
                answer = connection.call("Mount", MOUNT, "", target, "tmpfs", [], {"lifetime": Raw("s", "connection")})
                self.assertIsNone(answer.error, answer)
        wait_until(lambda: mount_at(target) is None, "all mounts go with their connections")
        wait_until(lambda: not self.me.objects("Mount"), "and their objects")


class Stalls(ring.TestCase):
    """With system calls that wait until we let them go on, everybody can die where it hurts."""

    # openat2: paths are looked up; fsopen: after the word was given; move_mount: the moment it gets real.
    BLOCK = ("openat2:stall", "fsopen:stall", "move_mount:stall")

    def setUp(self):
        super().setUp()
        self.connection = Connection(self.service.bus.path)
        self.addCleanup(self.connection.close)
        self.target = self.directory("target")

    def start_mount(self, connection=None, **keys):
        connection = connection or self.connection
        words = {key: Raw("t" if isinstance(value, int) else "s", value) for key, value in keys.items()}
        return connection.send("Mount", MOUNT, "", self.target, "tmpfs", [], words)

    def until(self, stages):
        """Let it go on so many times, and return the one that waits then."""
        stalled = self.service.stalled()
        for _ in range(stages):
            stalled.go_on()
            stalled = self.service.stalled()
        return stalled

    def finish(self, stalled=None):
        """Let everything go on."""
        with contextlib.suppress(AssertionError):
            while True:
                if stalled:
                    stalled.go_on()
                stalled = self.service.stalled(0.5)

    def assert_it_works(self):
        serial = self.connection.send("GetHostname", "a{sv}", EMPTY, interface="org.usher1.Host")
        self.assertIsNone(self.connection.answers(1)[serial].error)
        wait_until(lambda: not ring.children_of(self.service.worker), "all children have ended")

    def test_the_child_is_killed(self):
        for stage in range(3):
            with self.subTest(stage):
                serial = self.start_mount()
                os.kill(self.until(stage).pid, signal.SIGKILL)
                answer = self.connection.answers(1)[serial]
                self.assertEqual(answer.error, "org.usher1.Error.Failed")
                self.assertIn("died", answer.values[0])
                self.assert_not_mounted(self.target)
                self.assert_it_works()

    def test_the_client_dies(self):
        for stage in range(3):
            for lifetime in ("manual", "connection"):
                with self.subTest(stage, lifetime=lifetime):
                    connection = Connection(self.service.bus.path)
                    self.start_mount(connection, lifetime=lifetime, deadline_usec=3000000)
                    stalled = self.until(stage)
                    connection.close()
                    self.assert_it_works_besides(stalled.pid)
                    self.finish(stalled)
                    wait_until(lambda: not ring.children_of(self.service.worker), "all children have ended")
                    # the word was given with the order, so a mount that is to stay does
                    if lifetime == "connection":
                        wait_until(lambda: mount_at(self.target) is None, "nothing is left")
                        wait_until(lambda: not self.me.objects("Mount"), "no object is left")
                    for path in self.me.objects("Mount"):
                        self.assert_mounted(self.target)
                        serial = self.connection.send("Unmount", "a{sv}", EMPTY, path=path, interface="org.usher1.Mount")
                        self.finish()
                        self.assertIsNone(self.connection.answers(1)[serial].error)
                    self.assert_not_mounted(self.target)

    def assert_it_works_besides(self, pid):
        serial = self.connection.send("GetHostname", "a{sv}", EMPTY, interface="org.usher1.Host")
        self.assertIsNone(self.connection.answers(1)[serial].error)
        self.assertTrue(os.path.exists(f"/proc/{pid}"))

    def test_a_mount_that_goes_while_a_path_is_looked_up_does_not_matter(self):
        for error in (errno.EAGAIN, errno.EXDEV):
            with self.subTest(errno.errorcode[error]):
                serial = self.start_mount()
                self.service.stalled().fail(error)
                self.finish()
                self.assertIsNone(self.connection.answers(1)[serial].error)
                self.assert_mounted(self.target)

    def test_time_runs_out(self):
        for stage in range(2):
            with self.subTest(stage):
                serial = self.start_mount(deadline_usec=200000)
                started = time.monotonic()
                self.until(stage)
                answer = self.connection.answers(1)[serial]
                self.assertEqual(answer.error, "org.usher1.Error.TimedOut", answer)
                self.assertLess(time.monotonic() - started, 5, "that is its own time, not the one of calls that name none")
                self.assert_not_mounted(self.target)
                self.assert_it_works()

    def test_what_has_begun_is_not_cut_short(self):
        serial = self.start_mount(deadline_usec=200000)
        stalled = self.until(2)
        answer = self.connection.answers(1)[serial]
        self.assertEqual(answer.error, "org.usher1.Error.TimedOut", answer)
        stalled.go_on()
        # it was told that there is none, so there is none
        wait_until(lambda: self.let_go() and mount_at(self.target) is None, "the mount goes again")
        wait_until(lambda: self.let_go() and not self.me.objects("Mount"), "and its object")
        self.assert_it_works()

    def let_go(self):
        """What the service does to take it back stalls as well."""
        with contextlib.suppress(AssertionError):
            self.service.stalled(0.1).go_on()
        return True

    def test_the_directory_is_swapped_meanwhile(self):
        serial = self.start_mount()
        stalled = self.until(1)  # it has been looked up
        os.rename(self.target, f"{self.here}/moved")
        self.directory("target")
        self.finish(stalled)
        self.assertIsNone(self.connection.answers(1)[serial].error)
        self.assert_not_mounted(self.target)
        self.assert_mounted(f"{self.here}/moved", "tmpfs")

    def test_the_directory_is_deleted_meanwhile(self):
        serial = self.start_mount()
        stalled = self.until(1)
        os.rmdir(self.target)
        self.finish(stalled)
        answer = self.connection.answers(1)[serial]
        self.assertIn(answer.error, ("org.usher1.Error.InvalidArgument", "org.usher1.Error.NotFound"), answer)

    def test_others_are_served_meanwhile(self):
        stalled = []
        serials = [self.start_mount() for _ in range(10)]
        for _ in serials:
            stalled.append(self.service.stalled())
        self.assert_it_works_besides(stalled[0].pid)
        for one in stalled:
            os.kill(one.pid, signal.SIGKILL)
        answers = self.connection.answers(10)
        self.assertEqual({answers[serial].error for serial in serials}, {"org.usher1.Error.Failed"})
        self.assert_it_works()


class StallsAtTheEnd(ring.TestCase):
    """What happens to calls when the service itself goes."""

    service = None

    @classmethod
    def setUpClass(cls):
        ring.needs_block()

    @classmethod
    def tearDownClass(cls):
        pass

    def start(self, *rules):
        service = Service(block=rules)
        self.addCleanup(service.close)
        connection = Connection(service.bus.path)
        self.addCleanup(connection.close)
        return service, connection

    def test_the_service_is_asked_to_leave(self):
        service, connection = self.start("fsopen:stall")
        target = self.directory("target")
        serial = connection.send("Mount", MOUNT, "", target, "tmpfs", [], EMPTY)
        stalled = service.stalled()
        os.kill(service.pid, signal.SIGTERM)
        stalled.go_on()
        answer = connection.answers(1)[serial]
        self.assertIsNone(answer.error, answer)
        self.assert_mounted(target, "tmpfs")
        wait_until(service.gone, "usherd ends")

    def test_the_service_is_killed(self):
        service, connection = self.start("fsopen:stall")
        target = self.directory("target")
        serial = connection.send("Mount", MOUNT, "", target, "tmpfs", [], EMPTY)
        stalled = service.stalled()
        worker = service.worker
        os.kill(service.pid, signal.SIGKILL)
        answer = connection.answers(1)[serial]
        self.assertEqual(answer.error, "org.freedesktop.DBus.Error.NoReply")
        wait_until(service.gone, "usherd is gone")
        wait_until(lambda: worker not in ring.running(), "the worker goes with the broker")
        stalled.go_on()
        wait_until(lambda: stalled.pid not in ring.running(), "and its child")

    def test_the_service_is_killed_before_it_can_be_told_and_what_was_done_is_undone(self):
        for method, signature, arguments in (("Mount", MOUNT, ("", "tmpfs", [])), ("Bind", "ssasa{sv}", (self.directory("source"), []))):
            with self.subTest(method):
                service, connection = self.start("move_mount:stall")
                target = self.directory(method)
                connection.send(method, signature, arguments[0], target, *arguments[1:], EMPTY)
                stalled = service.stalled()
                os.kill(service.pid, signal.SIGKILL)
                wait_until(service.gone, "usherd is gone")
                stalled.go_on()  # and the mount is there
                wait_until(lambda pid=stalled.pid: pid not in ring.running(), "the child ends")
                self.assert_not_mounted(target)

    def test_the_worker_is_killed(self):
        service, connection = self.start()
        worker = service.worker
        ready = ring.children_of(worker, True)
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: not {worker, *ready} & set(ring.running()), "the worker is gone, and who waited")
        target = self.directory("target")
        for _ in range(3):
            answer = connection.call("Mount", MOUNT, "", target, "tmpfs", [], EMPTY)
            self.assertEqual(answer.error, "org.usher1.Error.Failed", answer)
            self.assertIn("worker", answer.values[0])
        self.assertIsNone(connection.call("Ping", interface="org.freedesktop.DBus.Peer").error)
        self.assert_not_mounted(target)

    def test_the_worker_is_killed_while_its_child_works(self):
        service, connection = self.start("fsopen:stall")
        target = self.directory("target")
        serial = connection.send("Mount", MOUNT, "", target, "tmpfs", [], EMPTY)
        stalled = service.stalled()
        os.kill(service.worker, signal.SIGKILL)
        stalled.go_on()
        self.assertIsNone(connection.answers(1)[serial].error)
        self.assert_mounted(target, "tmpfs")
        wait_until(lambda: stalled.pid not in ring.running(), "the child ends")

    def test_the_worker_does_not_take_calls(self):
        service, connection = self.start()
        worker = service.worker
        os.kill(worker, signal.SIGSTOP)
        wait_until(lambda: ring.state_of(worker) == "T", "it forks no more")
        pids = [worker, *ring.children_of(worker, True), *ring.children_of(worker)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            target = self.directory("target")
            keys = {"deadline_usec": Raw("t", 100000)}
            serials = [connection.send("Mount", MOUNT, "", target, "tmpfs", [], keys) for _ in range(20)]
            answers = connection.answers(20)
            self.assertEqual({answers[serial].error for serial in serials} - {"org.usher1.Error.Retry"},
                             {"org.usher1.Error.TimedOut"})
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

        def over():
            return not ring.children_of(worker)
        wait_until(over, "all children have ended")
        answer = connection.call("GetHostname", "a{sv}", EMPTY, interface="org.usher1.Host")
        self.assertIsNone(answer.error, answer)
        wait_until(lambda: mount_at(target) is None, "nobody was told of a mount, so there is none")


class Stuck(ring.TestCase):
    """A file system that never answers."""

    def setUp(self):
        super().setUp()
        try:
            self.fuse = os.open("/dev/fuse", os.O_RDWR)
        except OSError as error:
            self.skipTest(f"/dev/fuse: {error.strerror}")
        self.addCleanup(os.close, self.fuse)
        self.stuck = self.directory("stuck")
        words = f"fd={self.fuse},rootmode=40000,user_id=0,group_id=0"
        ring.mount("stuck", self.stuck, "fuse", 0, words)
        self.addCleanup(ring.umount, self.stuck, ring.MNT_DETACH)

    def test_paths_in_it(self):
        keys = {"deadline_usec": ring.Variant("t", 300000)}
        for method, arguments in (("Mount", ("", f"{self.stuck}/a", "tmpfs", [])), ("Bind", (f"{self.stuck}/a", self.here, [])),
                                  ("Unmount", (f"{self.stuck}/a/b",)), ("OpenTree", (f"{self.stuck}/a", []))):
            with self.subTest(method), self.refused("TimedOut"):
                self.mounts(method, *arguments, keys)
        wait_until(lambda: not ring.children_of(self.service.worker), "all children have ended")
        self.mounts("List", {})
        self.mounts("Unmount", self.stuck, {"lazy": True})
        self.assert_not_mounted(self.stuck)
        ring.mount("tmpfs", self.stuck, "tmpfs")

    def test_others_are_served_meanwhile(self):
        connection = Connection(self.service.bus.path)
        self.addCleanup(connection.close)
        keys = {"deadline_usec": Raw("t", 2000000)}
        serials = [connection.send("Mount", MOUNT, "", f"{self.stuck}/a", "tmpfs", [], keys) for _ in range(20)]
        self.tmpfs()
        self.mounts("List", {})
        answers = connection.answers(20)
        self.assertEqual({answers[serial].error for serial in serials}, {"org.usher1.Error.TimedOut"})


def nested(depth, inner="s", value="x"):
    for _ in range(depth):
        inner, value = "v", Raw(inner, value)
    return Raw(inner, value)


class Garbage(ring.TestCase):
    def setUp(self):
        super().setUp()
        self.before = (self.service.pid, self.service.worker)
        self.addCleanup(self.still_there)

    def still_there(self):
        self.assertEqual(self.me.call("Mounts", "List", {})[0]["Target"], "/")
        self.assertEqual((self.service.pid, self.service.worker), self.before)

    def call(self, *arguments, **keywords):
        with Connection(self.service.bus.path) as connection:
            return connection.call(*arguments, **keywords)

    def test_wrong_signatures(self):
        for method, signature, values in (
                ("Mount", "", ()), ("Mount", "s", ("x",)), ("Mount", "sssas", ("a", "b", "c", [])),
                ("Mount", "sssasa{ss}", ("a", "b", "c", [], {})), ("Mount", "ssssa{sv}", ("a", "b", "c", "d", {})),
                ("Mount", "sssasa{sv}s", ("a", "b", "c", [], {}, "d")), ("Mount", "oooasa{sv}", ("/a", "/b", "/c", [], {})),
                ("Mount", "vssasa{sv}", (Raw("s", "a"), "b", "c", [], {})), ("List", "", ()), ("List", "s", ("x",)),
                ("MountImage", "sssasa{sv}", ("x", "b", "c", [], {})), ("MountImage", "ussasa{sv}", (0, "b", "c", [], {}))):
            with self.subTest(method, signature=signature):
                answer = self.call(method, signature, *values)
                self.assertEqual(answer.error, "org.freedesktop.DBus.Error.InvalidArgs", answer)

    def test_deep_variants(self):
        for depth in (1, 2, 10, 60):
            for key in ("in", "lazy", "colour"):
                with self.subTest(depth, key=key):
                    answer = self.call("Unmount", "sa{sv}", "/", {key: nested(depth)})
                    self.assertEqual(answer.error, "org.usher1.Error.InvalidArgument", answer)

    def test_handles_that_are_none(self):
        fd = os.open("/", os.O_PATH)
        self.addCleanup(os.close, fd)
        for handle in (0, 1, 7, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
            for fds in ([], [fd]):
                if handle < len(fds):
                    continue
                with self.subTest(handle, fds=len(fds)):
                    answer = self.call("MountImage", "hssasa{sv}", handle, "/", "ext4", [], EMPTY, fds=fds)
                    self.assertIsNotNone(answer.error)
                    answer = self.call("Mount", MOUNT, "", "", "tmpfs", [], {"target_fd": Raw("h", handle)}, fds=fds)
                    self.assertIsNotNone(answer.error)
        # more descriptors than anybody asked for
        self.assertIsNone(self.call("List", "a{sv}", EMPTY, fds=[fd] * 16).error)

    def test_kinds_of_descriptors(self):
        reader, writer = os.pipe()
        pair = socket.socketpair()
        memory = os.memfd_create("memory")
        link = os.open("/proc/self/exe", os.O_PATH | os.O_NOFOLLOW)
        names = os.open("/proc/self/ns/mnt", os.O_RDONLY)
        for fd in (reader, writer, pair[0].fileno(), memory, link, names):
            with self.subTest(os.readlink(f"/proc/self/fd/{fd}")):
                for key in ("in", "target_fd"):
                    answer = self.call("Mount", MOUNT, "", "" if key == "target_fd" else self.directory("target"), "tmpfs", [],
                                       {key: Raw("h", 0)}, fds=[fd])
                    self.assertIsNotNone(answer.error)
                answer = self.call("MountImage", "hssasa{sv}", 0, self.here, "squashfs", [], EMPTY, fds=[fd])
                self.assertIsNotNone(answer.error)
        for fd in (reader, writer, memory, link, names):
            os.close(fd)
        for one in pair:
            one.close()
        self.assert_not_mounted(self.here)

    def test_a_key_twice(self):
        class Pairs(dict):
            def items(self):
                return [("lazy", Raw("b", 1)), ("lazy", Raw("b", 0))]
        answer = self.call("Unmount", "sa{sv}", self.here, Pairs(one=1))
        self.assertEqual(answer.error, "org.usher1.Error.InvalidArgument", answer)
        self.assertIn("lazy", answer.values[0])

    def test_large_arguments(self):
        big = "/" + "a" * (4 << 20)
        for words in (("Unmount", "sa{sv}", big, EMPTY), ("Mount", MOUNT, big, "/", "tmpfs", [], EMPTY),
                      ("Mount", MOUNT, "", self.here, big[1:], [], EMPTY), ("Mount", MOUNT, "", self.here, "tmpfs", [big], EMPTY),
                      ("Mount", MOUNT, "", self.here, "tmpfs", ["ro"] * 100000, EMPTY),
                      ("Mount", MOUNT, "", self.here, "overlay", ["lowerdir=" + "/:" * 100000 + "/"], EMPTY),
                      ("Unmount", "sa{sv}", "/", {f"key{number}": Raw("b", 1) for number in range(10000)}),
                      ("Unmount", "sa{sv}", "/", {"k" * 100000: Raw("b", 1)}),
                      ("Mount", MOUNT, "x" * (20 << 20), self.here, "tmpfs", [], EMPTY)):
            with self.subTest(words[0]):
                answer = self.call(*words)
                self.assertIn(answer.error.rpartition(".")[2], ("InvalidArgument", "LimitExceeded"), str(answer)[:200])
                self.assertLess(len(answer.values[0]), 4096, "the answer is no echo")
        self.assert_not_mounted(self.here)

    def test_unknown_members_and_objects(self):
        for keywords in ({"interface": "org.usher1.None"}, {"path": "/"}, {"path": "/org/usher1/none"},
                         {"interface": "org.usher1.Host"}, {"interface": "Mounts.x"}):
            with self.subTest(keywords):
                self.assertRegex(self.call("Mount", MOUNT, "", "/", "tmpfs", [], EMPTY, **keywords).error,
                                 "UnknownMethod|UnknownInterface|UnknownObject")
        self.assertRegex(self.call("None").error, "UnknownMethod")
        self.assertRegex(self.call("X" * 255).error, "UnknownMethod")

    def test_broken_messages(self):
        for number in range(40):
            connection = Connection(self.service.bus.path)
            data = bytearray(connection.message("Mount", MOUNT, "", self.here, "tmpfs", [], EMPTY))
            pick = random.Random(number)
            if number % 2:
                del data[pick.randrange(len(data)):]
            else:
                for _ in range(3):
                    data[pick.randrange(12, len(data))] = pick.randrange(256)
            with contextlib.suppress(OSError):
                connection.socket.sendall(data)
                connection.answers(1, 0.05)
            connection.close()
        for path in self.me.objects("Mount"):
            self.me.call("Mount", "Unmount", {}, path=path)

    def test_no_reply_is_wanted(self):
        target = self.directory("target")
        with Connection(self.service.bus.path) as connection:
            connection.send("Mount", MOUNT, "", target, "tmpfs", [], EMPTY, flags=1)
            serial = connection.send("List", "a{sv}", EMPTY)
            answers = connection.answers(1)
            self.assertEqual(list(answers), [serial])
            wait_until(lambda: mount_at(target), "it is done all the same")
            wait_until(lambda: self.me.objects("Mount"), "and has an object")
            self.assertEqual(connection.answers(1, 0.2), {})


class NothingOpen(ring.TestCase):
    """Started without a standard input, output and error."""

    @classmethod
    def setUpClass(cls):
        cls.service = Service(standard=False)

    def test_sec_38_nothing_that_is_opened_later_passes_for_a_standard_descriptor(self):
        for pid in (self.service.pid, self.service.worker):
            held = ring.support.descriptors(pid)
            self.assertEqual([held.get(number) for number in range(3)], ["/dev/null"] * 3, held)

    def test_sec_38_and_everything_works(self):
        self.tmpfs()
        with self.refused("InvalidArgument", "no known file system"):
            self.mounts("Mount", self.file("image", "\0" * 65536), self.directory("m"), "auto", [], {})
