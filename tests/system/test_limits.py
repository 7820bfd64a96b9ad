# SPDX-License-Identifier: LGPL-2.1-or-later
"""What one user may have, and what the administrator says about it in usherd.conf(5)."""

import os
import random
import signal
import subprocess
import time

import support
from support import Variant, wait_until

USHERD = "usherd.service"
ETC, RUN, LIB = PLACES = "/etc/usher", "/run/usher", "/usr/lib/usher"
NAMES = ("Calls", "Mounts", "Namespaces", "Processes", "Watches", "LoopDevices", "Traps", "Timers", "Objects", "Descriptors", "QueuedBytes",
         "Streams", "RowBytes", "Monitors", "Questions")
USUAL = {"Calls": 64, "Mounts": 1000, "Namespaces": 128, "Processes": 256, "Watches": 128, "LoopDevices": 32, "Traps": 16, "Timers": 128,
         "Objects": 2000, "Descriptors": 512, "QueuedBytes": 32 << 20,
         "Streams": 16, "RowBytes": 256 << 20, "Monitors": 64, "Questions": 16}


def reload():
    """What is asked from here on goes by what is written now."""
    subprocess.run(["systemctl", "start", USHERD], stdin=subprocess.DEVNULL, check=True)
    subprocess.run(["systemctl", "reload", USHERD], stdin=subprocess.DEVNULL, check=True)


def crash():
    """The service dies and is started anew."""
    pid = support.main_pid(USHERD)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: support.main_pid(USHERD) not in (0, pid), "systemd has started a new broker")


def words(**limits):
    return "[Limits]\n" + "".join(f"{name}={value}\n" for name, value in limits.items())


class LimitsTestCase(support.MountTestCase):
    """Everybody may do everything, as far as polkit is asked; with session = True not."""

    session = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not cls.session:
            cls.enterClassContext(support.polkit_answer("yes", "org.usher1.*"))
        cls.bob = support.Client("bob")
        cls.addClassCleanup(cls.bob.close)

    def setUp(self):
        super().setUp()
        os.chmod(self.home, 0o755)
        os.chmod("/home/alice", 0o711)
        self.addCleanup(os.chmod, "/home/alice", 0o700)
        self.addCleanup(reload)  # when what follows is gone

    def write(self, path, text):
        """A file of the configuration, which goes when the test ends."""
        directory = os.path.dirname(path)
        if not os.path.isdir(directory):
            os.makedirs(directory)
            self.addCleanup(os.rmdir, directory)
        if not os.path.exists(path):
            self.addCleanup(os.unlink, path)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def limit(self, **limits):
        """Have these hold, and no others than the usual ones."""
        self.write(f"{ETC}/usherd.conf.d/90-test.conf", words(**limits))
        reload()
        self.assertEqual(self.limits(), {**USUAL, **limits})

    @staticmethod
    def limits():
        return support.root().get_all("Limits")

    def beyond(self, name, value):
        """Within, a call must be refused because of this limit."""
        return self.refused("LimitExceeded", f"the limit {name}={value} of a user is reached")

    def small(self, name, client=None, user="alice", **options):
        """A small mount of its own."""
        path = f"{self.home}/{name}"
        if not os.path.isdir(path):
            self.directory(name, user)
        return self.mount("", path, "tmpfs", ["size=4k"], options, client=client)


def taken_when_free(name, function):
    """What function() comes to as soon as this limit lets it."""
    def attempt():
        try:
            return function()
        except support.DBusError as error:
            if error.name != support.ERROR + "LimitExceeded" or name not in error.message:
                raise
        return None
    return wait_until(attempt, f"what {name} counted is given back")


class Reached(LimitsTestCase):
    def test_sec_55_a_user_has_no_more_mounts_and_objects_than_that(self):
        for name in ("Mounts", "Objects"):
            with self.subTest(limit=name):
                self.limit(**{name: 2})
                first, visitor = self.small("a"), self.client("alice")
                self.small("b", visitor, lifetime="connection")
                with self.beyond(name, 2):
                    self.small("c")
                others = [self.small("bobs", self.bob, "bob"), *(self.small(f"roots{i}", support.root(), "root") for i in range(3))]
                crash()
                with self.beyond(name, 2):
                    self.small("c")
                self.unmount(first)
                others.append(self.small("c"))
                with self.beyond(name, 2):
                    self.small("d")
                visitor.kill()
                others.append(taken_when_free(name, lambda: self.small("d")))
                self.assert_not_mounted(f"{self.home}/b")
                for path in others:
                    self.give_back(path)

    def test_a_user_has_no_more_loop_devices_than_that(self):
        """Of people whom no other system on this machine has: there is one set of these devices for all of them."""
        for name in ("carol", "dave"):
            uid = random.randrange(30000, 50000)
            subprocess.run(["useradd", "--create-home", f"--uid={uid}", name], stdin=subprocess.DEVNULL, check=True)
            self.addCleanup(subprocess.run, ["userdel", "--force", "--remove", name], stderr=subprocess.DEVNULL, check=False)
        self.limit(LoopDevices=2)
        carol, dave, visitor = (self.client(name) for name in ("carol", "dave", "carol"))
        image, target = support.make_image("squashfs", f"{self.home}/image"), self.directory("m")

        def take(client=carol):
            return client.call("Mounts", "OpenMount", image, "squashfs", [], {})

        with take() as given:
            self.mount(image, target, "squashfs", options={"lifetime": "connection"}, client=visitor)
            for _ in range(2):
                with self.beyond("LoopDevices", 2):
                    take()
                with self.beyond("LoopDevices", 2):
                    self.mount(image, self.home, "squashfs", client=carol)
                take(dave).close()
                with take(support.root()), take(support.root()), take(support.root()):
                    pass
                crash()
            visitor.kill()
            with taken_when_free("LoopDevices", take):
                with self.beyond("LoopDevices", 2):
                    take()
                given.close()
                with taken_when_free("LoopDevices", take):
                    self.limit(LoopDevices=0)
                    take().close()

    def descriptors_of(self, user, name):
        source, target = (self.during(support.Descriptor(os.open(self.directory(f"{name}{i}", user), os.O_PATH), owned=True))
                          for i in range(2))
        return {"source_fd": source, "target_fd": target}

    def test_sec_55_a_user_has_no_more_descriptors_kept_than_that(self):
        """Each call has one, and those that came with it; a mount in other namespaces that goes with its connection keeps one."""
        self.limit(Descriptors=3)
        for client, user in ((self.alice, "alice"), (self.bob, "bob"), (support.root(), "root")):
            keys = self.descriptors_of(user, user)
            self.bind("", "", options=keys, client=client)
            with self.beyond("Descriptors", 3) if user != "root" else self.refused("InvalidArgument", "idmap"):
                self.bind("", "", options={**keys, "idmap": keys["source_fd"]}, client=client)
        visitor = self.client("alice")
        with support.Place("alice", "--user", "--map-root-user", "--mount") as place, place.pidfd() as pidfd:
            inside = {"in": pidfd, "lifetime": "connection"}
            made = [self.small(name, visitor, **inside) for name in "ab"]
            crash()
            with self.beyond("Descriptors", 3):
                self.small("c", **inside)
            self.bind("", "", options=self.descriptors_of("bob", "others"), client=self.bob)
            # what is there does not keep its owner from giving it back
            self.unmount(made.pop())
            self.small("c", visitor, **inside)
            with self.beyond("Descriptors", 3):
                self.small("d", **inside)
            self.limit(Descriptors=2)
            self.alice.call("Mounts", "Unmount", f"{self.home}/c", {"in": pidfd})
            visitor.kill()
            taken_when_free("Descriptors", lambda: self.small("d", **inside))

    def test_the_descriptors_of_a_call_count_until_it_is_answered(self):
        self.limit(Descriptors=4)
        caller = self.client("alice")
        with support.StuckFilesystem(self.directory("stuck"), "alice", {support.FUSE_GETATTR: 1}) as stuck:
            keys = self.descriptors_of("alice", "a")
            pending = caller.begin("Mounts", "Bind", "", f"{stuck.target}/x", [], {"source_fd": keys["source_fd"]})
            wait_until(lambda: support.children("usher-worker.service"), "a child looks")
            with self.beyond("Descriptors", 4):
                self.bind("", "", options=keys)
            stuck.end()
            with self.assertRaises(support.DBusError):
                pending.result()
        self.bind("", "", options=keys)

    def test_sec_55_a_users_calls_have_no_more_bytes_than_that(self):
        self.limit(QueuedBytes=4000)
        caller, long, longer = self.client("alice"), ["noatime"] * 350, ["noatime"] * 700
        target, bobs, roots = self.directory("m"), self.directory("bobs", "bob"), self.directory("roots", "root")
        with support.StuckFilesystem(self.directory("stuck"), "alice", {support.FUSE_GETATTR: 1}) as stuck:
            pending = caller.begin("Mounts", "Mount", "", f"{stuck.target}/x", "tmpfs", long, {})
            wait_until(lambda: support.children("usher-worker.service"), "a child looks")
            with self.beyond("QueuedBytes", 4000):
                self.mount("", target, "tmpfs", long)
            self.alice.call("Host", "GetHostname", {})
            self.mount("", bobs, "tmpfs", long, client=self.bob)
            self.mount("", roots, "tmpfs", longer, client=support.root())
            stuck.end()
            with self.assertRaises(support.DBusError):
                pending.result()
        self.mount("", target, "tmpfs", long)
        for after in (crash, lambda: None):
            with self.beyond("QueuedBytes", 4000):
                self.mount("", target, "tmpfs", longer)
            after()

    def test_what_is_limited_later_is_not_taken_away(self):
        made = [self.small(name) for name in "abc"]
        told = [self.alice.get_all("Mount", path) for path in made]
        self.limit(Mounts=1, Objects=1)
        crash()
        self.assertEqual([self.alice.get_all("Mount", path) for path in made], told)
        for path in made[:2]:
            with self.beyond("Mounts", 1):
                self.small("d")
            self.unmount(path)
        self.assert_mounted(f"{self.home}/c")
        with self.beyond("Mounts", 1):
            self.small("d")
        self.unmount(made[2])
        self.small("d")

    def test_nought_is_no_limit(self):
        self.limit(**dict.fromkeys(NAMES, 1))
        with self.beyond("QueuedBytes", 1):
            self.alice.call("Host", "GetHostname", {"deadline_usec": Variant("t", 1000000)})
        self.limit(**dict.fromkeys(NAMES, 0))
        for name in "ab":
            self.small(name)
        self.bind("", "", options=self.descriptors_of("alice", "c"))


class UnderWay(LimitsTestCase):
    """Calls about which a person is being asked."""

    session = True

    def ask(self):
        client = self.client("alice", session=True)
        person = support.AuthenticationAgent(client)
        self.addCleanup(person.close)
        pending = client.begin("Host", "SetHostname", "elsewhere", {}, interactive=True)
        return client, person, pending, person.question()[0]

    def test_sec_55_a_user_has_no_more_calls_than_that(self):
        self.addCleanup(self.sit_down)
        self.limit(Calls=2)

        def look():
            return self.alice.call("Host", "GetHostname", {})

        _, person, first, cookie = self.ask()
        look()
        second, _, _, _ = self.ask()
        with self.beyond("Calls", 2):
            look()
        for other in (self.bob, support.root()):
            other.call("Host", "GetHostname", {})
        second.kill()
        taken_when_free("Calls", look)
        second, _, _, _ = self.ask()
        with self.beyond("Calls", 2):
            look()
        person.answer(cookie, yes=False)
        with self.assertRaises(support.DBusError):
            first.result()
        look()
        crash()
        look()
        look()

    def test_sec_55_a_user_has_no_more_questions_than_that(self):
        """The bus lets the service wait for so many answers of polkit's and no more."""
        self.addCleanup(self.sit_down)
        self.limit(Questions=2)
        _, person, first, cookie = self.ask()
        second, _, _, _ = self.ask()
        third = self.client("alice", session=True)
        with self.beyond("Questions", 2):
            third.call("Host", "SetHostname", "elsewhere", {}, interactive=True)
        third.call("Host", "GetHostname", {})
        with self.refused("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"):
            self.bob.call("Host", "SetHostname", "elsewhere", {})
        second.kill()
        person.answer(cookie, yes=False)
        with self.assertRaises(support.DBusError):
            first.result()
        self.ask()


class Files(LimitsTestCase):
    def since_reload(self):
        """What the journal is told about the files."""
        since = time.time()
        reload()
        support.root().call("Host", "GetHostname", {})
        return [line["MESSAGE"] for line in support.journal(USHERD, since) if ".conf" in line["MESSAGE"]]

    def test_drop_ins_come_after_the_file_in_the_order_of_their_names_wherever_they_lie(self):
        self.write(f"{LIB}/usherd.conf", words(Calls=2, Objects=2))
        self.write(f"{ETC}/usherd.conf", words(Calls=1, Mounts=1, LoopDevices=1, QueuedBytes="1K"))
        self.write(f"{LIB}/usherd.conf.d/30-c.conf", words(LoopDevices=30))
        self.write(f"{ETC}/usherd.conf.d/10-a.conf", words(Mounts=10, LoopDevices=10))
        self.write(f"{RUN}/usherd.conf.d/20-b.conf", words(Mounts=20, LoopDevices=20))
        expected = {**USUAL, "Calls": 1, "Mounts": 20, "LoopDevices": 30, "QueuedBytes": 1024}
        self.assertEqual(self.since_reload(), [])
        self.assertEqual(self.limits(), expected)
        crash()
        self.assertEqual(self.limits(), expected)
        subprocess.run(["systemctl", "restart", USHERD], check=True)
        self.assertEqual(self.limits(), expected)

    def test_of_one_name_the_first_place_is_read(self):
        for number, place in reversed(list(enumerate(PLACES, 1))):
            self.write(f"{place}/usherd.conf.d/50-x.conf", words(Mounts=number, **{NAMES[2 + number]: 7}))
            reload()
            self.assertEqual(self.limits(), {**USUAL, "Mounts": number, NAMES[2 + number]: 7})
        self.write(f"{ETC}/usherd.conf.d/50-x.conf", "")
        reload()
        self.assertEqual(self.limits(), USUAL)

    def test_what_cannot_be_understood_is_told_with_its_line_and_the_rest_holds(self):
        file, drop_in = f"{ETC}/usherd.conf", f"{ETC}/usherd.conf.d/50-x.conf"
        self.write(drop_in, words(Mounts=7))
        for line, text, told in ((2, "[Limits]\nCalls=many\nObjects=5\n", "'many'"),
                                 (3, "[Limits]\nObjects=5\nCall=3\n", "'Call'"),
                                 (2, "[Limit]\nCalls=3\n[Limits]\nObjects=5\n", "'Limit'"),
                                 (2, "[Limits]\n\xff\x1b nonsense\nObjects=5\n", ""),
                                 (2, "[Limits]\nCalls=99999999999999999999999\nObjects=5\n", "'999"),
                                 (4, f"[Limits]\n# {'x' * 500}\n  Objects=5\n\tCalls=-1\n", "'-1'")):
            with self.subTest(text=text):
                self.write(file, text)
                broker = support.main_pid(USHERD)
                said = self.since_reload()
                self.assertEqual(len(said), 1, said)
                self.assertIn(told, said[0])
                self.assertTrue(said[0].startswith(f"{file}:{line}: "), said)
                self.assertEqual(self.limits(), {**USUAL, "Mounts": 7, "Objects": 5})
                self.assertEqual(support.main_pid(USHERD), broker)
        crash()
        self.assertEqual(self.limits(), {**USUAL, "Mounts": 7, "Objects": 5})

    def test_what_the_service_may_not_read_is_told(self):
        drop_in = f"{ETC}/usherd.conf.d/50-x.conf"
        self.write(drop_in, words(Mounts=7))
        for path in (drop_in, os.path.dirname(drop_in)):
            with self.subTest(path=path):
                mode = os.stat(path).st_mode & 0o777
                os.chmod(path, 0)
                try:
                    self.assertEqual(self.since_reload(), [f"{path}: Permission denied"])
                    self.assertEqual(self.limits(), USUAL)
                finally:
                    os.chmod(path, mode)


class Reloading(LimitsTestCase):
    def changes(self):
        return [arguments for _, interface, member, arguments in self.alice.signals()
                if member == "PropertiesChanged" and arguments[0] == "org.usher1.Limits"]

    def test_what_changes_is_announced_and_nothing_else(self):
        self.alice.subscribe(path=support.MANAGER)
        self.limit(Calls=7, QueuedBytes=1 << 33)
        self.assertEqual(self.changes(), [("org.usher1.Limits", {"Calls": 7, "QueuedBytes": 1 << 33}, [])])
        self.limit(Calls=7, QueuedBytes=1 << 33)
        self.assertEqual(self.changes(), [])
        self.limit(Calls=7, Mounts=0)
        self.assertEqual(self.changes(), [("org.usher1.Limits", {"Mounts": 0, "QueuedBytes": USUAL["QueuedBytes"]}, [])])

    def test_it_holds_for_whatever_is_asked_after_it(self):
        """Also of a service that finds the signal and a call at the same time."""
        broker = support.main_pid(USHERD)
        for number in range(1, 13):
            self.write(f"{ETC}/usherd.conf.d/90-test.conf", words(Objects=number))
            os.kill(broker, signal.SIGSTOP)
            try:
                reload()
                pending = self.alice.begin("org.freedesktop.DBus.Properties", "Get", "org.usher1.Limits", "Objects", signature="ss")
                time.sleep(0.05)
            finally:
                os.kill(broker, signal.SIGCONT)
            self.assertEqual(pending.result(), number)

    def test_it_is_not_for_everybody(self):
        self.write(f"{ETC}/usherd.conf.d/90-test.conf", words(Mounts=1))
        broker = support.main_pid(USHERD)
        self.assertNotEqual(support.run_as("bob", "systemctl", "--no-ask-password", "reload", USHERD).returncode, 0)
        for number in (signal.SIGHUP, signal.SIGKILL):
            with self.assertRaises(PermissionError):
                self.bob.run(os.kill, broker, number)
        for client in (self.bob, support.root()):
            for name in NAMES:
                with self.assertRaises(support.DBusError):
                    client.call("org.freedesktop.DBus.Properties", "Set", "org.usher1.Limits", name,
                                Variant("t" if name.endswith("Bytes") else "u", 5), signature="ssv")
        self.assertEqual(self.limits(), USUAL)
        self.assertEqual(self.bob.get_all("Limits"), USUAL)
        reload()
        self.assertEqual(self.bob.get("Limits", "Mounts"), 1)
