# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the journal is told of calls, and what it is not."""

import os
import re
import signal
import subprocess
import time

import support
from support import Place, Variant, wait_until

CALL = "ae42af5fa38a4320875325246261265c"
LEFT_OUT = "9b0d35fc1a224f3787de87ece3413091"


class AuditTestCase(support.MountTestCase):
    def setUp(self):
        super().setUp()
        self.began = time.time()

    def entries(self, number=None, kind=CALL, **fields):
        """Entries since the test began that have these fields; as many as are expected, which may take a moment."""
        def found():
            return [entry for entry in support.journal("usherd.service", self.began)
                    if entry.get("MESSAGE_ID") == kind and all(entry.get(f"USHER_{name.upper()}") == value
                                                               for name, value in fields.items())]
        if number is not None:
            wait_until(lambda: len(found()) >= number, f"{number} entries with {fields}")
            time.sleep(0.05)
            self.assertEqual(len(found()), number)
        return found()

    def entry(self, **fields):
        return self.entries(1, **fields)[0]

    def assert_told(self, entry, **fields):
        told = {name: entry.get(f"USHER_{name.upper()}") for name in fields}
        self.assertEqual(told, fields)


class Entries(AuditTestCase):
    def test_who_as_whom_what_where_and_what_came_of_it(self):
        target = self.directory("m")
        mount = self.mount("", target, "tmpfs", ["size=1m"])
        entry = self.entry(operation="Mounts.Mount")
        self.assert_told(entry, uid=str(self.uid), pid=str(self.alice.pid), command="python3", caller=self.alice.name, as_uid="0",
                         target=target, source="tmpfs", fstype="tmpfs", result="done", tier="own", action="org.usher1.mount-own",
                         decided_by="polkit", decision="yes", interactive="no", object=mount, reason=None, **{"in": "host"})
        self.assertEqual(set(entry["USHER_OPTIONS"].split()) & {"size=1m", "nosuid", "nodev"}, {"size=1m", "nosuid", "nodev"})
        with open(f"/proc/{self.alice.pid}/cgroup", encoding="ascii") as file:
            unit = file.read().strip().rpartition("/")[2]
        self.assert_told(entry, unit=unit, session=re.fullmatch(r"session-(.*)\.scope", unit)[1])
        self.assertEqual((entry["PRIORITY"], entry["SYSLOG_IDENTIFIER"]), ("6", "usherd"))
        self.assertEqual(entry["MESSAGE"], f"Mounts.Mount for uid {self.uid}, {target}: done")

    def test_each_way_of_deciding(self):
        target = self.directory("m", "root")
        with self.needs_admin("mount"):
            self.mount("", target, "tmpfs")
        self.assert_told(self.entry(decision="challenge"), decided_by="polkit", tier="admin", action="org.usher1.mount", target=target,
                         result="InteractiveAuthorizationRequired", uid=str(self.uid))
        with support.polkit_answer("no", "org.usher1.mount", "alice"), self.refused("NotPermitted"):
            self.mount("", target, "tmpfs")
        self.assert_told(self.entry(decision="no"), decided_by="polkit", result="NotPermitted", as_uid="0")
        with support.polkit_answer("yes", "org.usher1.mount", "alice"):
            self.mount("", target, "tmpfs")
        self.assert_told(self.entry(decision="yes"), decided_by="polkit", result="done", tier="admin")
        self.mount("", target, "tmpfs", client=support.root())
        self.assert_told(self.entry(decided_by="root"), decision="yes", result="done", uid="0", action="org.usher1.mount")
        with Place("alice", "--user", "--map-root-user", "--mount") as place, place.pidfd() as pidfd:
            self.unmount(self.mount("", "/mnt", "tmpfs", options={"in": pidfd}))
            self.assert_told(self.entry(operation="Mounts.Mount", tier="free"), **{"in": f"process {place.pid} (sleep)"})
            for operation in ("Mounts.Mount", "Mount.Unmount"):
                entry = self.entry(decided_by="free", operation=operation)
                self.assert_told(entry, decision="yes", as_uid=str(self.uid), tier="free", action=None)
                self.assertEqual(entry["PRIORITY"], "7")

    def test_the_time_that_a_person_takes_is_told_apart(self):
        target = self.directory("m", "root")
        caller = self.client("alice", session=True)
        self.addCleanup(self.sit_down)
        person = support.AuthenticationAgent(caller)
        self.addCleanup(person.close)
        pending = caller.begin("Mounts", "Mount", "", target, "tmpfs", [], {}, interactive=True)
        cookie = person.question()[0]
        time.sleep(1)
        person.answer(cookie)
        began = time.monotonic()
        self.made(pending.result())
        entry = self.entry(operation="Mounts.Mount")
        self.assert_told(entry, decision="yes", interactive="yes", result="done")
        self.assertGreater(int(entry["USHER_WAITED_USEC"]), 1000000)
        self.assertLess(int(entry["USHER_WAITED_USEC"]), 1000000 + (time.monotonic() - began + 5) * 1e6)
        self.assertGreater(int(entry["USHER_DURATION_USEC"]), 100)
        self.assertLess(int(entry["USHER_DURATION_USEC"]), 1000000)

    def test_what_a_refused_caller_said_is_told(self):
        for target, result, words in ((f"{self.home}/none", "NotFound", "No such file"), ("relative", "InvalidArgument", "absolute")):
            with self.refused(result):
                self.mount("", target, "tmpfs")
            entry = self.entry(target=target)
            self.assert_told(entry, result=result, decided_by=None, decision=None, tier=None, action=None, as_uid=None, fstype="tmpfs")
            self.assertIn(words, entry["USHER_REASON"])
            self.assertEqual(entry["PRIORITY"], "5")

    def test_nothing_that_a_caller_chose_is_more_than_text(self):
        name = b"a\nUSHER_UID=0\nb\x1b[2J\xff\xe2\x80\xae\\x41\xc2\x9b"
        shown = "a\\x0aUSHER_UID=0\\x0ab\\x1b[2J\\xff\\xe2\\x80\\xae\\x5cx41\\xc2\\x9b"
        raw = os.fsencode(self.home) + b"/" + name
        os.mkdir(raw)
        os.chown(raw, self.uid, self.uid)
        self.mount("", support.escape(raw), "tmpfs")
        with self.refused("NotFound"):
            self.mount("", support.escape(raw + b"x"), "tmpfs")
        program = f"{self.home}/b\n\x1b[1m\u202ed"
        subprocess.run(["cp", "/usr/bin/busctl", program], check=True)
        status, _, error = self.alice.run(run, program, "call", "org.usher1", "/org/usher1", "org.usher1.Mounts", "Unmount", "sa{sv}",
                                          support.escape(raw), "0")
        self.assertEqual((status, error), (0, ""))
        for operation, target, fields in (("Mounts.Mount", shown, {"result": "done"}),
                                          ("Mounts.Mount", shown + "x", {"result": "NotFound"}),
                                          ("Mounts.Unmount", shown, {"command": "b\\x0a\\x1b[1m\\xe2\\x80\\xaed"})):
            entry = self.entry(operation=operation, target=f"{self.home}/{target}")
            self.assert_told(entry, uid=str(self.uid), **fields)
            for field, value in entry.items():
                if field.startswith("USHER_") or field == "MESSAGE":
                    self.assertIsInstance(value, str, field)  # else it was told twice, or is not text
                    self.assertTrue(value.isprintable(), field)

    def test_programs_and_namespaces_are_told_by_name(self):
        self.alice.call("Processes", "Spawn", ["/bin/sleep", "0"], {}, {}, {})[1].close()
        self.assert_told(self.entry(operation="Processes.Spawn"), program="/bin/sleep 0", command="python3", result="done", tier="free")
        made = self.alice.call("Namespaces", "Create", "told", ["user", "uts"], {})
        self.addCleanup(self.alice.call, "Namespace", "Destroy", {}, path=made)
        self.assert_told(self.entry(operation="Namespaces.Create"), name="told", types="user uts", result="done")

    def test_every_call_has_one_entry_and_an_id_of_its_own(self):
        target = self.directory("m")
        for _ in range(5):
            self.unmount(self.mount("", target, "tmpfs"))
            with self.refused("InvalidArgument"):
                self.alice.call("Mounts", "Unmount", target, {})
        entries = self.entries(15, uid=str(self.uid))
        ids = {entry["USHER_ID"] for entry in entries}
        self.assertEqual(len(ids), 15)
        for name in ids:
            self.assertRegex(name, r"\A[0-9a-f]{32}\Z")
        text = subprocess.run(["journalctl", "--output=cat", f"USHER_ID={entries[0]['USHER_ID']}"], stdout=subprocess.PIPE, check=True)
        self.assertEqual(text.stdout.decode(), f"Mounts.Mount for uid {self.uid}, {target}: done\n")

    def test_a_look_that_anybody_may_take_is_not_told_of(self):
        for interface, method in (("Host", "GetHostname"), ("Host", "GetDomainname"), ("Mounts", "List")):
            self.alice.call(interface, method, {})
        with Place("bob", "--user", "--map-root-user", "--mount", "--uts") as place, place.pidfd() as pidfd:
            self.assertEqual(support.call_as("root", "Host", "GetHostname", {"in": pidfd})[0], None)
        self.assert_told(self.entry(), operation="Host.GetHostname", uid="0", result="done", tier="admin")

    def test_what_goes_with_its_connection_is_told_of(self):
        target = self.directory("m")
        with support.Client("alice", session=True) as other:
            self.mount("", target, "tmpfs", options={"lifetime": "connection"}, client=other)
        self.addCleanup(self.sit_down)
        wait_until(lambda: support.mount_at(target) is None, "the mount has gone with its connection")
        self.assert_told(self.entry(decided_by="service"), operation="Mount.Unmount", uid=str(self.uid), result="done", target=target,
                         pid=None, caller=None)

    def test_an_operation_that_hangs_is_told_of_once(self):
        source, target = self.directory("s", "root"), self.directory("m", "root")
        with support.StuckFilesystem(source, "root", reads=True) as stuck:
            with self.refused("TimedOut"):
                support.root().call("Mounts", "Bind", source, target, [], {"deadline_usec": Variant("t", 200000)})
            entry = self.entry(operation="Mounts.Bind")
            self.assert_told(entry, result="TimedOut", uid="0")
            self.assertGreater(int(entry["USHER_DURATION_USEC"]), 190000)
            stuck.end()
        wait_until(lambda: not support.children("usher-worker.service"), "the child has gone")
        self.entries(1, operation="Mounts.Bind")

    def test_passwords_are_not_told(self):
        with self.refused("NotSupported"):
            support.root().call("Mounts", "Mount", "//x/y", self.directory("m"), "cifs", ["user=me", "pass=geheim"], {})
        self.entry(operation="Mounts.Mount")
        for entry in support.journal("usherd.service", self.began) + support.journal("usher-worker.service", self.began):
            self.assertNotIn("geheim", str(entry))

    def test_children_of_the_worker_say_nothing(self):
        self.unmount(self.mount("", self.directory("m"), "tmpfs"))
        self.entries(2, uid=str(self.uid))
        worker = [entry for entry in support.journal("usher-worker.service", self.began) if entry.get("_PID") != "1"]
        self.assertEqual([entry["MESSAGE"] for entry in worker], [])


class Floods(AuditTestCase):
    def refuse(self, user, number):
        with support.Client(user) as client:
            for _ in range(number):
                with self.refused("InvalidArgument"):
                    client.call("Host", "SetHostname", "", {})

    def test_one_users_flood_is_told_as_one_and_leaves_out_nothing_of_anothers(self):
        service = support.main_pid("usherd.service")
        os.kill(service, signal.SIGKILL)  # nothing of earlier tests is counted
        wait_until(lambda: support.main_pid("usherd.service") not in (0, service), "the service is back")
        self.began = time.time()
        self.refuse("alice", 130)
        self.refuse("bob", 3)
        self.unmount(self.mount("", self.directory("m"), "tmpfs"))
        self.entries(100, uid=str(self.uid), result="InvalidArgument")
        self.entries(3, uid="51002")
        self.entries(2, uid=str(self.uid), result="done")
        self.entries(0, kind=LEFT_OUT)
        subprocess.run(["systemctl", "stop", "usherd.service"], check=True)
        entry = self.entry(kind=LEFT_OUT)
        self.assert_told(entry, uid=str(self.uid), left_out="30", left_out_failed="30")
        self.assertEqual(entry["PRIORITY"], "5")


def run(*command):
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return result.returncode, result.stdout.decode(), result.stderr.decode()
