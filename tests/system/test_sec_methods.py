# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every method: that none acts without its authorisation, and what becomes of arguments that no honest program sends.

A test whose name begins with sec-NN is the one of lesson NN in docs/security.md."""

import contextlib
import itertools
import os
import re
import subprocess
import sys
import xml.etree.ElementTree

import support
from support import Descriptor, Variant

sys.path.append(os.path.join(os.path.dirname(support.HERE), "kernel"))
import rawbus  # pylint: disable=wrong-import-position

INTERACTIVE = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"
BUS = "org.freedesktop.DBus."
NOT_OWN = r"(?![a-z-]*-own)[a-z-]+"  # of actions, for a regular expression
UNITS = ("usherd.service", "usher-worker.service")

# What objects have beside usher's own interfaces, and what it can do: tell.
OF_THE_BUS = {
    (f"{BUS}Peer", "Ping"), (f"{BUS}Peer", "GetMachineId"), (f"{BUS}Introspectable", "Introspect"),
    (f"{BUS}Properties", "Get"), (f"{BUS}Properties", "GetAll"), (f"{BUS}Properties", "Set"),
    (f"{BUS}ObjectManager", "GetManagedObjects"),
}


def read(name):
    with open(f"/proc/sys/kernel/{name}", encoding="utf-8") as file:
        return file.read()


def introspect(client, path):
    """Every interface of an object, as XML."""
    text = client.call(f"{BUS}Introspectable", "Introspect", path=path, signature="")
    return xml.etree.ElementTree.fromstring(text).iter("interface")


class Still(support.MountTestCase):
    """Whatever happens in a test, it happens to the same two processes."""

    session = False

    def setUp(self):
        super().setUp()
        before = [support.main_pid(unit) for unit in UNITS]

        def still_there():
            support.root().call("Mounts", "List", {})
            self.assertEqual([support.main_pid(unit) for unit in UNITS], before, "the service has died")

        self.addCleanup(still_there)


class EveryMethod(support.MountTestCase):
    """The table of all methods, and what becomes of a call by somebody who may nothing."""

    STRANGER = "bob"

    def setUp(self):
        super().setUp()
        os.chmod("/home/alice", 0o711)
        self.addCleanup(os.chmod, "/home/alice", 0o700)
        os.chmod(self.home, 0o755)
        self.directory("m")
        self.be(self.STRANGER)
        self.made_by_alice = self.mount("", f"{self.home}/m", "tmpfs")
        self.namespace, self.process, self.trap, self.timer, self.watch, self.monitor = self.make_objects()
        # of root's: a stranger may do nothing here, and what happens here happens to nobody else
        self.place = self.during(support.Place("root", "--mount", "--uts", "--propagation=private"))
        self.pidfd = self.during(self.place.pidfd())

    def make_objects(self):
        """A namespace, a process, a trap, a timer, a watch and a monitor of root's, so that none is anybody's who is refused here."""
        namespace = support.root().call("Namespaces", "Create", "roots", ["uts", "pid"], {})
        process, pidfd = support.root().call("Processes", "Spawn", ["/bin/sleep", "1000"], {}, {}, {"lifetime": "manual"})
        pidfd.close()
        trap, _, pidfd = support.root().call("Signals", "Trap", ["USR1"], {})
        pidfd.close()
        timer, descriptor = support.root().call("Timers", "Create", "boottime", 0, 0, {"lifetime": "manual"})
        descriptor.close()
        watch = support.root().call("Watches", "Subscribe", "/home", [], {})
        monitor = support.root().call("Netlink", "Subscribe", ["link"], [], {"snapshot": False})
        self.addCleanup(self.end_objects)
        return namespace, process, trap, timer, watch, monitor

    @staticmethod
    def end_objects():
        for path in support.root().objects("Namespace"):
            support.root().call("Namespace", "Destroy", {}, path=path)
        for interface in ("SignalTrap", "Timer", "Watch", "NetlinkMonitor"):
            for path in support.root().objects(interface):
                with contextlib.suppress(support.DBusError):  # it went with its connection
                    support.root().call(interface, "Close", {}, path=path)
        for path in support.root().objects("Process"):
            with contextlib.suppress(support.DBusError):  # it has ended
                support.root().call("Process", "Signal", "KILL", {}, path=path)
            with contextlib.suppress(support.DBusError):  # and was forgotten
                support.root().call("Process", "Wait", {}, path=path)

    def be(self, user):
        """From here on it is this user that calls, with all that an operation of the safe tier needs."""
        image = support.make_image("squashfs", f"{self.home}/{user}.sqfs", user)
        self.image = self.during(Descriptor(os.open(image, os.O_RDONLY), owned=True))
        self.stranger = self.client(user, through=("env",))
        self.a, self.b = self.directory(f"{user}-a", user), self.directory(f"{user}-b", user)

    def table(self):
        """(interface, method): the path to call it at, its arguments, its options, and the action for it.

        Each would do something, and something that is seen, if it were allowed."""
        manager, there = support.MANAGER, {"in": self.pidfd}
        return {
            ("Mounts", "Mount"): (manager, ("", self.a, "tmpfs", []), {}, "mount-own"),
            ("Mounts", "MountImage"): (manager, (self.image, self.a, "squashfs", []), {}, "mount-image-own"),
            ("Mounts", "Bind"): (manager, (self.b, self.a, []), {}, "bind-own"),
            ("Mounts", "OpenMount"): (manager, ("", "tmpfs", []), {}, "open-mount-own"),
            ("Mounts", "OpenTree"): (manager, (self.b, []), {}, "open-tree-own"),
            ("Mounts", "Unmount"): (manager, (f"{self.home}/m",), {}, "unmount-others"),
            ("Mounts", "Remount"): (manager, (f"{self.home}/m", ["ro"]), {}, "remount"),
            ("Mounts", "Move"): (manager, (f"{self.home}/m", self.a), there, "move"),
            ("Mounts", "PivotRoot"): (manager, ("/home", "/home/alice"), there, "pivot-root"),
            ("Mounts", "List"): (manager, (), {}, None),
            ("Mount", "Unmount"): (self.made_by_alice, (), {}, "unmount-others"),
            ("Host", "GetHostname"): (manager, (), {}, None),
            ("Host", "SetHostname"): (manager, ("elsewhere",), {}, "set-hostname"),
            ("Host", "GetDomainname"): (manager, (), {}, None),
            ("Host", "SetDomainname"): (manager, ("elsewhere",), {}, "set-domainname"),
            ("Namespaces", "Create"): (manager, ("new", ["uts"]), {}, "create-namespace"),
            ("Namespaces", "Attach"): (manager, ("old", self.pidfd, ["uts"]), {}, "attach-namespace"),
            ("Namespaces", "ConnectVeth"): (manager, ("sec0",), {"peer": self.pidfd, "peer_name": "sec1"}, "connect-veth"),
            ("Namespaces", "OpenTun"): (manager, ("sec2",), {}, "open-tun"),
            ("Namespace", "Open"): (self.namespace, ("uts",), {}, "open-namespace"),
            ("Namespace", "OpenLeader"): (self.namespace, (), {}, "open-namespace"),
            ("Namespace", "Destroy"): (self.namespace, (), {}, "destroy-namespace"),
            ("Processes", "Spawn"): (manager, (["/bin/sleep", "1000"], {}, {}), {"types": Variant("as", ["uts"]), "lifetime": "manual"}, "spawn"),
            ("Process", "Signal"): (self.process, ("KILL",), {}, "signal-process"),
            ("Watches", "Subscribe"): (manager, (self.a, []), {"all": True}, "watch"),
            ("Watches", "Open"): (manager, (self.a, []), {"all": True}, "watch"),
            ("Signals", "Trap"): (manager, (["USR1"],), there, "trap"),
            ("Timers", "Create"): (manager, ("boottime", 0, 0), there, "create-timer"),
            ("Timer", "Set"): (self.timer, (1 << 40, 1 << 40), {}, "set-timer"),
            ("Netlink", "Query"): (manager, ("link", []), there, "query-netlink"),
            ("Netlink", "Open"): (manager, ("link", []), there, "query-netlink"),
            ("Netlink", "Change"): (manager, ("add", "link", {"ifname": "sec3", "linkinfo": {"kind": "bridge"}}), {}, "change-netlink"),
            ("Netlink", "Batch"): (manager, ([("add", "link", {"ifname": "sec4", "linkinfo": {"kind": "bridge"}})],), {}, "change-netlink"),
            ("Netlink", "OpenSocket"): (manager, ("route",), there, "open-netlink"),
            ("Netlink", "Subscribe"): (manager, (["link"], []), there, "monitor-netlink"),
            ("Netlink", "OpenMonitor"): (manager, (["link"], []), there, "monitor-netlink"),
        }

    # What is told to its owner alone, without a question to anybody.
    OWNERS = {("Process", "Wait"), ("SignalTrap", "Close"), ("Timer", "Close"), ("NetlinkMonitor", "Close"), ("Netlink", "Describe"), *(("Watch", method) for method in (
        "SetEvents", "Since", "Decide", "Close"))}
    # What has a process for an argument, or is an object's, has no other place.
    PLACED = {("Namespaces", "Attach"), ("Namespace", "Open"), ("Namespace", "OpenLeader"), ("Namespace", "Destroy"), ("Process", "Signal")}

    def processes(self):
        return {path: support.root().get("Process", "State", path=path) for path in support.root().objects("Process")}

    def state(self):
        return {"mounts": support.lasting_mounts(), "mounts there": support.lasting_mounts(self.place.pid), "objects": self.alice.objects(),
                "host name": read("hostname"), "domain name": read("domainname"),
                "names there": self.place.run("cat", "/proc/sys/kernel/hostname", "/proc/sys/kernel/domainname").stdout,
                "loop devices": support.loop_devices(), "processes": self.processes(),
                "timers": {path: support.root().get("Timer", "IntervalUSec", path=path) for path in support.root().objects("Timer")},
                "interfaces": sorted(os.listdir("/sys/class/net"))}

    def call(self, interface, method, path, arguments, options, **keywords):
        return self.stranger.call(interface, method, *arguments, options, path=path, **keywords)

    def asked_about(self):
        """Every call of the table that takes an action, and every call about a place that is root's."""
        for (interface, method), (path, arguments, options, action) in self.table().items():
            if action:
                yield interface, method, path, arguments, options, f"org.usher1.{action}"
            if not options and (interface, method) not in self.PLACED:
                yield interface, method, path, arguments, {"in": self.pidfd}, "org.usher1."

    def test_sec_01_the_table_here_has_every_method_that_there_is(self):
        """sec-01: a method without a line in the table of this test fails it, and so does a property that can be set."""
        found = set()
        for path in (support.MANAGER, self.made_by_alice, self.namespace, self.process, self.trap, self.timer, self.watch, self.monitor):
            for interface in introspect(self.alice, path):
                name = interface.get("name")
                found.update((name.removeprefix("org.usher1."), method.get("name")) for method in interface.iter("method"))
                for member in interface.iter("property"):
                    self.assertEqual(member.get("access"), "read", member.get("name"))
        self.assertEqual(found, set(self.table()) | self.OWNERS | OF_THE_BUS)

    def test_sec_01_no_method_acts_without_its_authorisation(self):
        """sec-01: called by nobody and by alice while polkit says no to everything, no method does anything."""
        with support.polkit_answer("no", "org.usher1.*"):
            for user in ("nobody", "alice"):
                self.be(user)
                before = self.state()
                for interface, method, path, arguments, options, action in self.asked_about():
                    for interactive in (False, True):
                        with self.subTest(user=user, method=f"{interface}.{method}", there=bool(options), interactive=interactive):
                            if user == "alice" and action.endswith("-others"):
                                action = "org.usher1.unmount-own"
                            with self.refused("NotPermitted", "polkit does not allow", action):
                                self.call(interface, method, path, arguments, options, interactive=interactive)
                            self.assertEqual(support.lasting_mounts(), before["mounts"])
                self.assertEqual(self.state(), before)

    def test_sec_01_every_call_of_the_table_would_act_if_it_were_allowed(self):
        """sec-01: what the test before takes for nothing having happened is not that nothing would have."""
        with support.polkit_answer("yes", "org.usher1.*"):
            for interface, method in self.table():
                with self.subTest(method=f"{interface}.{method}"):
                    if not support.mount_at(f"{self.home}/m"):
                        self.made_by_alice = self.mount("", f"{self.home}/m", "tmpfs")
                    names, before = (read("hostname"), read("domainname")), self.state()
                    path, arguments, options, action = self.table()[interface, method]
                    result = self.call(interface, method, path, arguments, options)
                    result, *others = result if isinstance(result, tuple) else (result,)
                    if method == "Query":
                        self.assertIn("lo", [row["ifname"] for row in result])
                    elif action and not isinstance(result, Descriptor):
                        support.wait_until(lambda state=before: self.state() != state, "it has happened")
                    else:
                        self.assertTrue(result)
                    for each in (result, *others):
                        if isinstance(each, Descriptor):
                            each.close()
                    if isinstance(result, str) and result.startswith("/org/usher1/mount/"):
                        self.unmount(result, support.root())
                    for file, name in zip(("hostname", "domainname"), names):
                        with open(f"/proc/sys/kernel/{file}", "w", encoding="utf-8") as kernel:
                            kernel.write(name)

    def test_sec_01_nobody_waits_for_a_process_of_somebody_elses(self):
        """sec-01: what is asked of nobody is its owner's, and root's."""
        for user in ("bob", "alice", "nobody"):
            with self.subTest(user), self.client(user, through=("env",)) as client, self.refused("NotOwner"):
                client.call("Process", "Wait", {}, path=self.process)

    def test_sec_01_nobody_ends_what_is_somebody_elses(self):
        """sec-01: what hears and tells goes at its owner's word, and root's."""
        before = self.state()
        for user in ("bob", "alice", "nobody"):
            with self.client(user, through=("env",)) as client:
                for interface, path in (("SignalTrap", self.trap), ("Timer", self.timer), ("Watch", self.watch), ("NetlinkMonitor", self.monitor)):
                    with self.subTest(user=user, interface=interface), self.refused("NotOwner"):
                        client.call(interface, "Close", {}, path=path)
        self.assertEqual(self.state(), before)
        self.assertIn(self.monitor, support.root().objects("NetlinkMonitor"))

    def test_sec_01_a_property_cannot_be_set(self):
        """sec-01: Properties.Set is a method like the others."""
        before = self.state()
        tried = 0
        for path in (support.MANAGER, self.made_by_alice, self.namespace, self.process):
            for interface in introspect(self.alice, path):
                for member in interface.iter("property"):
                    kind = member.get("type")
                    value = Variant(kind, {"s": "x", "o": "/", "u": 0, "t": 0, "i": 0}.get(kind, []))
                    for user in (self.stranger, self.alice, support.root()):
                        with self.subTest(name=member.get("name")), self.refused("org.freedesktop.DBus.Error.PropertyReadOnly"):
                            user.call(f"{BUS}Properties", "Set", interface.get("name"), member.get("name"), value, path=path,
                                      signature="ssv")
                        tried += 1
        self.assertGreater(tried, 20)
        self.assertEqual(self.state(), before)

    def test_without_a_session_everything_that_changes_something_is_asked_about(self):
        before = self.state()
        for (interface, method), (path, arguments, options, action) in self.table().items():
            with self.subTest(method=f"{interface}.{method}"):
                if action:
                    with self.refused(INTERACTIVE, f"org.usher1.{action}"):
                        self.call(interface, method, path, arguments, options)
                else:
                    self.call(interface, method, path, arguments, options)
        self.assertEqual(self.state(), before)

    def test_where_nobody_can_be_asked_the_answer_is_no(self):
        before = self.state()
        for interface, method, path, arguments, options, action in self.asked_about():
            with self.subTest(method=f"{interface}.{method}"), self.refused("NotPermitted", action):
                self.call(interface, method, path, arguments, options, interactive=True)
        self.assertEqual(self.state(), before)

    def test_sec_31_one_call_is_one_question(self):
        """sec-31: who was told no is not asked again about the same call."""
        with support.polkit_asked("no", self.STRANGER) as asked:
            for number, (interface, method, path, arguments, options, action) in enumerate(self.asked_about(), 1):
                with self.subTest(method=f"{interface}.{method}"):
                    with self.refused("NotPermitted", action):
                        self.call(interface, method, path, arguments, options, interactive=True)
                    self.assertEqual(len(asked()), number)

    def test_without_polkit_only_root_may(self):
        before = self.state()
        subprocess.run(["systemctl", "mask", "--runtime", "--now", "polkit.service"], check=True, stderr=subprocess.DEVNULL)

        def back():
            subprocess.run(["systemctl", "unmask", "--runtime", "polkit.service"], check=True, stderr=subprocess.DEVNULL)
            subprocess.run(["systemctl", "start", "polkit.service"], check=True)

        try:
            for interface, method, path, arguments, options, _ in self.asked_about():
                with self.subTest(method=f"{interface}.{method}"), self.refused("NotPermitted", "polkit cannot be asked"):
                    self.call(interface, method, path, arguments, options)
            with self.refused("NotPermitted", "polkit cannot be asked"):
                self.mount("", self.directory("n"), "tmpfs")
            self.assertEqual(self.state(), before)
            self.stranger.call("Mounts", "List", {})
            own = self.client(self.STRANGER)
            own.run(support.enter_user_namespace, "uts")
            own.call("Host", "SetHostname", "own", {})
            mount = self.mount("", self.a, "tmpfs", client=support.root())
            self.unmount(mount, support.root())
        finally:
            back()

    def test_root_is_not_asked_about(self):
        with support.polkit_asked("no", "root") as asked:
            self.mount("", self.a, "tmpfs", ["suid", "dev"], client=support.root())
            support.root().call("Mounts", "Unmount", self.a, {})
            self.assertEqual(asked(), [])

    def test_the_flag_alone_gives_nothing(self):
        with self.refused("NotPermitted"):
            self.mount("", self.a, "tmpfs", client=self.stranger, interactive=True)


class Whom(support.MountTestCase):
    """Whoever else is named by an argument, it is the administrator who allows it."""

    session = False

    def action(self, asked, client, *arguments):
        """What a call was asked about; it was refused."""
        before = len(asked())
        with self.refused("NotPermitted", "org.usher1."):
            client.call(*arguments)
        told, = asked()[before:]
        return told["action"].removeprefix("org.usher1.")

    def test_sec_02_every_way_to_name_somebody_else_is_an_administrators(self):
        """sec-02: each caller, with each place, for each user whose the result is to be."""
        pidfds = {user: self.during(self.during(support.Place(user, "--mount") if user == "root" else
                                                support.Place(user, "--user", "--mount")).pidfd()) for user in ("root", "bob")}
        uids = {"alice": self.uid, "bob": support.identity_of("bob")["user"], "root": 0}
        target, source = self.directory("m"), self.directory("s")
        with support.polkit_asked("no", "alice") as asked, Descriptor(os.pidfd_open(self.alice.pid), owned=True) as own:
            pidfds["alice"] = own
            for place, owner in itertools.product((None, *uids), repeat=2):
                options = {} if place is None else {"in": pidfds[place]}
                is_own = place in (None, "alice") and owner in (None, "alice")
                for key in ("uid", "gid"):
                    words = [] if owner is None else [f"{key}={uids[owner]}"]
                    with self.subTest(place=place, key=key, owner=owner):
                        self.assertEqual(self.action(asked, self.alice, "Mounts", "Mount", "", target, "tmpfs", words, options),
                                         "mount-own" if is_own else "mount")
                maps = {} if owner is None else {"idmap": f"{self.uid} {uids[owner]} 1"}
                with self.subTest(place=place, idmap=maps):
                    self.assertEqual(self.action(asked, self.alice, "Mounts", "Bind", source, target, [], {**options, **maps}),
                                     "bind-own" if is_own else "bind")
            for words, action in ((["uid=0", f"uid={self.uid}"], "mount-own"), ([f"uid={self.uid}", "uid=0"], "mount"),
                                  (["uid=4294967295"], "mount"), (["uid=-1"], "mount"), ([f"uid={self.uid}x"], "mount"),
                                  ([f"uid=0{self.uid:o}"], "mount"), (["uid="], "mount"), (["uid"], "mount")):
                with self.subTest(words=words):
                    self.assertEqual(self.action(asked, self.alice, "Mounts", "Mount", "", target, "tmpfs", words, {}), action)
        # Of who is asked about nothing, all that the kernel allows.
        with support.polkit_asked("no", "root") as asked:
            self.mount("", target, "tmpfs", [f"uid={uids['bob']}"], {"in": pidfds["bob"]}, client=support.root())
            self.assertEqual(asked(), [])

    def test_sec_33_no_method_believes_a_process_of_somebody_elses(self):
        """sec-33: another user's process, process 1, a child that is dead already, one that is gone."""
        others = [self.during(support.Place("bob", "--user", "--mount", "--uts")), self.during(support.Place("root", "--mount"))]
        pids = {f"of {place.process.args[1]} {place.pid}": place.pid for place in others} | {"process 1": 1}
        zombie = support.start_as("alice", "true")
        self.addCleanup(zombie.wait)
        support.wait_until(lambda: "\nState:\tZ" in open(f"/proc/{zombie.pid}/status", encoding="ascii").read(), "it is dead")
        dead = self.during(Descriptor(os.pidfd_open(zombie.pid), owned=True))
        exited = support.Place("alice", "--user", "--mount")
        gone = self.during(exited.pidfd())
        exited.close()
        before = [support.lasting_mounts(place.pid) for place in others], support.lasting_mounts(), read("hostname")
        for name, pid in pids.items():
            with Descriptor(os.pidfd_open(pid), owned=True) as pidfd:
                for interface, method, arguments in self.calls():
                    if method == "Create" and pid != 1:  # there are no ids in there that a new one could have
                        with self.subTest(process=name), self.assertRaises(support.DBusError):
                            self.alice.call(interface, method, *arguments, {"in": pidfd})
                        continue
                    with self.subTest(process=name, method=method), self.needs_admin(NOT_OWN):
                        self.alice.call(interface, method, *arguments, {"in": pidfd})
                with self.subTest(process=name), self.refused(INTERACTIVE, "org.usher1.attach-namespace"):
                    self.alice.call("Namespaces", "Attach", "theirs", pidfd, ["all"], {})
        for pidfd in (dead, gone):
            for interface, method, arguments in self.calls():
                with self.subTest(gone=pidfd is gone, method=method), self.assertRaises(support.DBusError) as caught:
                    self.alice.call(interface, method, *arguments, {"in": pidfd})
                self.assertIn(caught.exception.name, (support.ERROR + "NotFound", support.ERROR + "NotPermitted", INTERACTIVE))
            with self.subTest(gone=pidfd is gone), self.assertRaises(support.DBusError) as caught:
                self.alice.call("Namespaces", "Attach", "gone", pidfd, ["all"], {})
            self.assertIn(caught.exception.name, (support.ERROR + "NotFound", INTERACTIVE))
        self.assertEqual(self.alice.objects("Namespace"), [])
        self.assertEqual(([support.lasting_mounts(place.pid) for place in others], support.lasting_mounts(), read("hostname")), before)

    def test_sec_33_no_method_believes_a_user_namespace_of_somebody_elses(self):
        """sec-33: the machine's own user namespace, bob's, and one of alice's that is mapped to others' ids."""
        target, source = self.directory("m"), self.directory("s")
        with support.Place("bob", "--user") as place:
            for path in ("/proc/1/ns/user", f"/proc/{place.pid}/ns/user", "/proc/self/ns/mnt", "/proc/self/ns/uts"):
                with self.subTest(path=path), Descriptor(os.open(path, os.O_RDONLY), owned=True) as users:
                    for method, arguments in (("Bind", (source, target, [])), ("OpenTree", (source, []))):
                        with self.assertRaises(support.DBusError) as caught:
                            self.alice.call("Mounts", method, *arguments, {"idmap": users})
                        self.assertIn(caught.exception.name.removeprefix(support.ERROR), ("NotOwner", "InvalidArgument"))
        with self.other_ids() as users:
            for method, arguments in (("Bind", (source, target, [])), ("OpenTree", (source, []))):
                with self.subTest(method=method), self.needs_admin(NOT_OWN):
                    self.alice.call("Mounts", method, *arguments, {"idmap": users})
        self.assert_not_mounted(target)

    @contextlib.contextmanager
    def other_ids(self):
        """A user namespace that alice made and root mapped to bob's id."""
        process = support.start_as("alice", "unshare", "--user", "sh", "-c", "echo; exec sleep infinity", stdout=subprocess.PIPE)
        try:
            process.stdout.readline()
            bob = support.identity_of("bob")["user"]
            for name in ("uid_map", "gid_map"):
                with open(f"/proc/{process.pid}/{name}", "w", encoding="ascii") as file:
                    file.write(f"{self.uid} {bob} 1")
            with Descriptor(os.open(f"/proc/{process.pid}/ns/user", os.O_RDONLY), owned=True) as users:
                yield users
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def calls(self):
        target = self.home
        return (("Mounts", "Mount", ("", target, "tmpfs", [])), ("Mounts", "Bind", (target, target, [])),
                ("Mounts", "OpenMount", ("", "tmpfs", [])), ("Mounts", "OpenTree", (target, [])),
                ("Mounts", "Unmount", ("/home",)), ("Mounts", "Remount", ("/home", ["ro"])),
                ("Mounts", "Move", ("/home", target)), ("Mounts", "PivotRoot", ("/home", target)), ("Mounts", "List", ()),
                ("Host", "GetHostname", ()), ("Host", "SetHostname", ("x",)), ("Host", "GetDomainname", ()),
                ("Host", "SetDomainname", ("x",)), ("Namespaces", "Create", ("n", ["user", "uts"])),
                ("Processes", "Spawn", (["/bin/true"], {}, {})))


def raw_calls(calls):
    """In the client's process: each of (method, signature, values, number of descriptors); the errors, as names."""
    said = []
    fd = os.open("/", os.O_PATH)
    with rawbus.Connection("/run/dbus/system_bus_socket") as connection:
        for method, signature, values, count in calls:
            said.append(connection.call(method, signature, *values, fds=[fd] * count).error)
    os.close(fd)
    return said


class Arguments(Still):
    """What no honest program sends."""

    HANDLES = (0, 1, 2, 3, 7, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)

    def test_sec_03_a_handle_of_a_descriptor_that_was_not_sent_names_none(self):
        """sec-03: before the first, behind the last, and at all the service's own, for each argument that is one."""
        target = self.directory("m")
        open_files = support.descriptors(support.main_pid("usherd.service"))
        calls = []
        for handle, count in itertools.product(self.HANDLES, (0, 1, 3)):
            if handle < count:
                continue
            raw = rawbus.Variant("h", handle)
            calls += [("MountImage", "hssasa{sv}", (handle, target, "auto", [], {}), count),
                      ("Mount", "sssasa{sv}", ("", "", "tmpfs", [], {"target_fd": raw}), count),
                      ("Bind", "ssasa{sv}", ("", target, [], {"source_fd": raw}), count),
                      ("Bind", "ssasa{sv}", (target, "", [], {"target_fd": raw}), count),
                      ("Bind", "ssasa{sv}", (target, target, [], {"idmap": raw}), count),
                      ("OpenTree", "sasa{sv}", ("", [], {"path_fd": raw}), count),
                      ("List", "a{sv}", ({"in": raw},), count)]
        errors = self.alice.run(raw_calls, calls)
        for call, error in zip(calls, errors, strict=True):
            with self.subTest(call=call):
                self.assertEqual(error, "org.usher1.Error.InvalidArgument")
        self.assertEqual(support.descriptors(support.main_pid("usherd.service")), open_files)

    def test_sec_04_no_number_means_something_else(self):
        """sec-04: the least, the greatest, one beyond, and what would be the greatest somewhere else."""
        target, source = self.directory("m"), self.directory("s")
        for value in (0, 1, 999, 600000001, 2**31, 2**32 - 1, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1):
            for method, arguments in (("List", ()), ("Mount", ("", target, "tmpfs", [])), ("Bind", (source, target, []))):
                with self.subTest(method=method, deadline=value), self.refused("InvalidArgument", "deadline_usec"):
                    self.alice.call("Mounts", method, *arguments, {"deadline_usec": Variant("t", value)})
        self.alice.call("Mounts", "List", {"deadline_usec": Variant("t", 600000000)})
        for text in ("4294967295 0 1", "0 4294967295 1", "0 0 4294967296", "0 0 0", "-1 0 1", "0 -1 1", "0 0 -1", "1.0 0 1",
                     "0 0 18446744073709551616", "9007199254740993 0 1", "4294967296 0 1", "1e0 0 1", "0x1 0 1", "1 1 4294967295"):
            with self.subTest(idmap=text), self.refused("InvalidArgument", "idmap"):
                self.alice.call("Mounts", "Bind", source, target, [], {"idmap": text})
        for value in ("18446744073709551616", "-1", "+1", "1e3", "0x10", " 1", "1 ", "99999999999999999999", "16777216t", "nan", ""):
            with self.subTest(size=value), self.refused("InvalidArgument", "size"):
                self.mount("", target, "tmpfs", [f"size={value}"])
        for number in ("18446744073709551615", "18446744073709551616", "18446744073709551617", "0", "-1", "01", "+1", "1x", "4294967297"):
            with self.subTest(object=number), self.refused("org.freedesktop.DBus.Error.UnknownObject"):
                path = f"/org/usher1/mount/{number}".replace("-", "_").replace("+", "_")
                self.alice.call("Mount", "Unmount", {}, path=path, signature="a{sv}")
        self.assert_not_mounted(target)

    OTHERS = (("s", "x"), ("u", 7), ("i", -1), ("b", True), ("t", 2**64 - 1), ("d", 1.5), ("as", ["x"]), ("ay", [1]), ("a{sv}", {}),
              ("v", Variant("s", "x")), ("o", "/"), ("g", "a{sv}"), ("aas", [["x"]]), ("(s)", ("x",)))
    GOOD = {"s": "/", "as": [], "a{sv}": {}, "a{ss}": {}, "a{uh}": {}, "a(ssa{sv})": [], "t": 0}

    def test_sec_32_a_value_of_a_wrong_type_kills_nobody(self):
        """sec-32: in the place of each argument of each method, and of each key."""
        with open("/dev/null", "rb") as null:
            good = {**self.GOOD, "h": Descriptor(null)}
            for interface in introspect(self.alice, support.MANAGER):
                name = interface.get("name")
                for method in interface.iter("method") if name.startswith("org.usher1.") else ():
                    kinds = [argument.get("type") for argument in method.iter("arg") if argument.get("direction") == "in"]
                    for place, (kind, value) in itertools.product(range(len(kinds)), self.OTHERS):
                        if kinds[place] == kind:
                            continue
                        values = [good[one] for one in kinds]
                        values[place] = value
                        signature = "".join([*kinds[:place], kind, *kinds[place + 1:]])
                        with self.subTest(method=method.get("name"), signature=signature), \
                                self.refused("org.freedesktop.DBus.Error.InvalidArgs"):
                            self.alice.call(name, method.get("name"), *values, signature=signature)
                    self.keys_of_wrong_types(name, method.get("name"), [good[one] for one in kinds[:-1]])

    def keys_of_wrong_types(self, interface, method, values):
        with open(f"/usr/share/dbus-1/interfaces/{interface}.xml", encoding="utf-8") as file:
            documented = re.search(rf"<!--\s*{method}:.*?-->", file.read(), re.DOTALL)[0]
        documented = re.search(r"@options:.*?(?=\n\n|\n      @|$)", documented, re.DOTALL)[0]
        keys = re.findall(r"- (\w+) \(([a-z{}() ]+)\):", documented)
        self.assertIn("deadline_usec", dict(keys))
        for (key, types), (kind, value) in itertools.product(keys, self.OTHERS):
            if kind in types.split(" or "):
                continue
            with self.subTest(method=method, key=key, kind=kind), self.refused("InvalidArgument", f"'{key}'"):
                self.alice.call(interface, method, *values, {key: Variant(kind, value)})

    def test_sec_32_an_empty_or_odd_string_kills_nobody(self):
        """sec-32: machined once died of a name that was empty."""
        odd = ("", " ", "/", "//", ".", "..", "/.", "/..", "\\", "\\x", "\\x2f", "=", ",", "%s%n", "x" * 70000, "/" * 5000, "-", "\u202e", "\U0001f600")
        calls = (("Mounts", "Mount", lambda text: ("", text, "tmpfs", [])), ("Mounts", "Mount", lambda text: ("", "/", text, [])),
                 ("Mounts", "Mount", lambda text: ("", "/", "tmpfs", [text])), ("Mounts", "Mount", lambda text: (text, "/", "ext4", [])),
                 ("Mounts", "Bind", lambda text: (text, "/", [])), ("Mounts", "Bind", lambda text: ("/", text, [])),
                 ("Mounts", "OpenMount", lambda text: (text, text, [text])), ("Mounts", "OpenTree", lambda text: (text, [])),
                 ("Mounts", "OpenTree", lambda text: ("/", [text])), ("Mounts", "Unmount", lambda text: (text,)),
                 ("Mounts", "Remount", lambda text: (text, ["ro"])), ("Mounts", "Remount", lambda text: ("/", [text])),
                 ("Mounts", "Move", lambda text: (text, text)), ("Mounts", "PivotRoot", lambda text: (text, text)),
                 ("Host", "SetHostname", lambda text: (text,)), ("Host", "SetDomainname", lambda text: (text,)))
        before = support.lasting_mounts()
        for (interface, method, make), text in itertools.product(calls, odd):
            with self.subTest(method=method, text=text[:20]), self.assertRaises(support.DBusError):
                self.alice.call(interface, method, *make(text), {})
        for text in odd:
            for key in ("idmap", "lifetime", "in", "recursive", text):
                with self.subTest(key=key[:20], text=text[:20]), self.assertRaises(support.DBusError):
                    self.alice.call("Mounts", "Bind", self.home, self.home, [], {key: text})
        for path in ("/", "/org", "/org/usher1/mount", "/org/usher1/mount/x", "/org/usher1/mount/1/1", "/org/usher1/x" * 100):
            for interface, method, signature in (("Mount", "Unmount", "a{sv}"), ("Mounts", "List", "a{sv}")):
                with self.subTest(path=path[:40]), self.assertRaises(support.DBusError):
                    self.alice.call(interface, method, {}, path=path, signature=signature)
        self.assertEqual(support.lasting_mounts(), before)
