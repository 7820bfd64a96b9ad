# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may: that nobody gets by without being asked about, what those are told who are asked, and what paths mean."""

import os
import shutil
import subprocess
import tempfile
import time

import support
from support import Descriptor, Variant


class Details(support.MountTestCase):
    """What a rule can decide on."""

    def test_a_rule_sees_the_resolved_paths_and_all_that_matters(self):
        self.directory("d/m")
        source, target = self.directory("a"), f"{self.home}/d/m"
        os.symlink(f"{self.home}/d", f"{self.home}/way")
        lower, other = self.directory("lower"), self.directory("other")
        image = support.make_image("squashfs", f"{self.home}/i", "alice")
        with support.polkit_asked(user="alice") as asked, Descriptor(os.open(image, os.O_RDONLY), owned=True) as image_fd, \
                Descriptor(os.open(target, os.O_PATH), owned=True) as target_fd:
            self.unmount(self.mount("anything", f"{self.home}/way/../way//m/", "tmpfs", ["size=1m", "ro"]))
            self.unmount(self.mount("", "", "overlay", [f"lowerdir={lower}:{other}"], {"target_fd": target_fd}))
            self.unmount(self.mount_image(image_fd, f"{self.home}/way/m"))
            self.unmount(self.bind(f"{self.home}/way/../a", target, ["noexec"], {"idmap": f"{self.uid} 5200000 1"}))
            self.alice.call("Mounts", "OpenMount", "", "tmpfs", ["ro"], {}).close()
            self.alice.call("Mounts", "OpenTree", f"{self.home}/way/m", [], {}).close()
            told = asked()
        for one in told:
            self.assertEqual((one.pop("user"), one.pop("in")), ("alice", "host"), one)
        options = [one.pop("options", None) for one in told]
        self.assertEqual(told, [
            {"action": "org.usher1.mount-own", "source": "anything", "target": target, "fstype": "tmpfs"},
            {"action": "org.usher1.unmount-own", "target": target},
            {"action": "org.usher1.mount-own", "source": "overlay", "target": target, "fstype": "overlay"},
            {"action": "org.usher1.unmount-own", "target": target},
            {"action": "org.usher1.mount-image-own", "source": image, "target": target, "fstype": "squashfs"},
            {"action": "org.usher1.unmount-own", "target": target},
            {"action": "org.usher1.bind-own", "source": source, "target": target, "idmap": f"{self.uid} 5200000 1"},
            {"action": "org.usher1.unmount-own", "target": target},
            {"action": "org.usher1.open-mount-own", "source": "tmpfs", "fstype": "tmpfs"},
            {"action": "org.usher1.open-tree-own", "path": target},
        ])
        for index, words in ((0, ("size=1m", "ro")), (2, (f"lowerdir={lower}:{other}",)), (6, ("noexec",))):
            for word in words:
                self.assertIn(word, options[index].split(" "))

    def test_the_options_that_a_rule_sees_are_those_that_count(self):
        """usherd(8) shows a rule that compares them, so what usher adds and forces is among them."""
        with support.polkit_asked(user="alice") as asked:
            self.unmount(self.mount("", self.directory("m"), "tmpfs"))
            options = asked()[0]["options"].split(" ")
        for word in ("nosuid", "nodev"):
            self.assertIn(word, options)

    def test_the_details_of_what_is_an_administrators(self):
        target = self.directory("m")
        self.mount("", target, "tmpfs")
        with support.polkit_asked("no", "alice") as asked:
            for method, arguments in (("Remount", (target, ["suid", "noexec"], {"propagation": "private"})),
                                      ("Move", (target, "/mnt", {})), ("PivotRoot", ("/home", "/home/alice", {})),
                                      ("Unmount", ("/home", {})), ("Bind", ("/etc", self.directory("b"), [], {}))):
                with self.refused("NotPermitted"):
                    self.alice.call("Mounts", method, *arguments)
            for method in ("SetHostname", "SetDomainname"):
                with self.refused("NotPermitted"):
                    self.alice.call("Host", method, "lectern", {})
            told = asked()
        for one in told:
            self.assertEqual((one.pop("user"), one.pop("in")), ("alice", "host"), one)
        self.assertEqual([{key: one[key] for key in one if key != "options"} for one in told], [
            {"action": "org.usher1.remount", "target": target, "propagation": "private"},
            {"action": "org.usher1.move", "from": target, "to": "/mnt"},
            {"action": "org.usher1.pivot-root", "new_root": "/home", "put_old": "/home/alice"},
            {"action": "org.usher1.unmount", "target": "/home"},
            {"action": "org.usher1.bind", "source": "/etc", "target": f"{self.home}/b"},
            {"action": "org.usher1.set-hostname", "hostname": "lectern"},
            {"action": "org.usher1.set-domainname", "domainname": "lectern"},
        ])
        self.assertIn("suid", told[0]["options"].split(" "))

    def test_a_rule_allows_one_target_and_not_the_other(self):
        self.directory("good", "root")
        self.directory("bad", "root")
        os.symlink(f"{self.home}/bad", f"{self.home}/sneaky")
        with support.polkit_rule(f'if (action.id == "org.usher1.mount" && action.lookup("target") == "{self.home}/good"'
                                 ' && action.lookup("fstype") == "tmpfs") return polkit.Result.YES;'):
            self.mount("", f"{self.home}/good", "tmpfs")
            for target in (f"{self.home}/bad", f"{self.home}/good/../bad"):
                with self.subTest(target=target), self.needs_admin("mount"):
                    self.mount("", target, "tmpfs")
            with self.refused("InvalidArgument", "symbolic link"):
                self.mount("", f"{self.home}/sneaky", "tmpfs")

    def test_the_process_in_question_is_told(self):
        with support.Place("root", "--mount") as place, place.pidfd() as pidfd:
            with support.polkit_asked("no", "alice") as asked:
                with self.refused("NotPermitted"):
                    self.alice.call("Mounts", "List", {"in": pidfd})
                told, = asked()
        self.assertEqual(told["action"], "org.usher1.list-mounts")
        self.assertIn(str(place.pid), told["in"])

    def test_sec_63_names_cannot_forge_what_a_person_reads(self):
        bad = os.fsencode(f"{self.home}/") + b"a\x1b[2J\n\xff\x9bb\xe2\x80\xaec"
        os.mkdir(bad)
        os.chown(bad, self.uid, self.uid)
        with support.polkit_asked(user="alice") as asked:
            self.unmount(self.mount("", support.escape(bad), "tmpfs"))
            target = asked()[0]["target"]
        self.assertEqual(target, f"{self.home}/a\\x1b[2J\\x0a\\xff\\x9bb\\xe2\\x80\\xaec")
        os.rmdir(bad)

    def test_sec_63_words_cannot_forge_what_the_journal_says(self):
        """An entry is one line, of characters that a terminal shows and that leave the others where they are."""
        foul = "x\x1b[2J\nMounts.Mount for uid 0, /: done\x7f\x85\u009b31m\u202egnp.\u200b"
        # which counts anew then: of a user's refusals not all are told
        subprocess.run(["systemctl", "stop", "usherd.service"], check=True)
        since = time.time()
        for method, arguments in (("Mount", (foul, self.home, "squashfs", [])), ("Mount", ("", f"/{foul}", "tmpfs", [])),
                                  ("Mount", ("", self.home, foul, [])), ("Mount", ("", self.home, "tmpfs", [foul])),
                                  ("Mount", ("", self.home, "tmpfs", [f"size={foul}"])), ("Bind", (f"/{foul}", self.home, [])),
                                  ("Mount", ("", self.home, "overlay", [f"lowerdir=/{foul}"])), ("Unmount", (f"/{foul}",)),
                                  ("Remount", (self.home, [foul])), ("Move", (f"/{foul}", self.home))):
            with self.assertRaises(support.DBusError):
                self.alice.call("Mounts", method, *arguments, {})
        with self.assertRaises(support.DBusError):
            self.alice.call("Mounts", "Mount", "", self.home, "tmpfs", [], {"lifetime": foul})
        with self.assertRaises(support.DBusError):
            self.alice.call("Mounts", "Bind", self.home, self.home, [], {"idmap": foul})
        with self.assertRaises(support.DBusError):
            self.alice.call("Host", "SetHostname", foul, {})

        def told():
            return [entry for entry in support.journal("usherd.service", since) if "USHER_UID" in entry]

        support.wait_until(lambda: len(told()) >= 13, "each of them is in the journal")
        entries = told()
        self.assertEqual(len(entries), 13)
        for entry in entries:
            for name, value in entry.items():
                if name == "MESSAGE" or name.startswith("USHER_"):
                    with self.subTest(field=name):
                        self.assertIsInstance(value, str)  # else it is bytes that the journal does not show
                        self.assertTrue(value.isprintable(), value)


class Prompts(support.PersonTestCase):
    """Somebody can be asked: the test."""

    def setUp(self):
        super().setUp()
        self.target = self.directory("m", "root")

    def begin(self, *arguments, **keywords):
        keywords.setdefault("interactive", True)
        return self.caller.begin("Mounts", "Mount", *(arguments or ("", self.target, "tmpfs", [], {})), **keywords)

    def test_a_person_reads_what_is_about_to_happen_and_a_yes_makes_it_happen(self):
        pending = self.begin("", f"{self.home}/../{os.path.basename(self.home)}/m", "tmpfs", [], {})
        cookie, action, message = self.person.question()
        self.assertEqual(action, "org.usher1.mount")
        self.assertEqual(message, f"Authentication is required to mount tmpfs on {self.target}")
        self.assert_not_mounted(self.target)
        self.assertFalse(pending.is_done())
        self.person.answer(cookie)
        self.made(pending.result())
        self.assert_mounted(self.target, "tmpfs")

    def test_a_no_makes_nothing_happen(self):
        pending = self.begin()
        self.person.answer(self.person.question()[0], yes=False)
        with self.refused("NotPermitted", "org.usher1.mount"):
            pending.result()
        self.assert_not_mounted(self.target)

    def test_nobody_is_asked_if_the_caller_does_not_want_it(self):
        with self.needs_admin("mount"):
            self.begin(interactive=False).result()
        self.assertEqual(self.person.signals(), [])

    def test_the_time_that_a_person_takes_does_not_count(self):
        pending = self.begin("", self.target, "tmpfs", [], {"deadline_usec": Variant("t", 200000)})
        cookie = self.person.question()[0]
        time.sleep(1)
        self.assertFalse(pending.is_done())
        self.person.answer(cookie)
        self.made(pending.result())

    def test_others_are_served_while_a_person_thinks(self):
        pending = self.begin()
        cookie = self.person.question()[0]
        self.mount("", self.directory("n"), "tmpfs", client=support.root())
        self.assertFalse(pending.is_done())
        self.person.answer(cookie, yes=False)
        with self.refused("NotPermitted"):
            pending.result()

    def test_a_question_is_taken_back_when_its_caller_leaves(self):
        self.begin()
        cookie = self.person.question()[0]
        self.caller.kill()
        self.assertEqual(self.person.taken_back(), cookie)
        self.assert_not_mounted(self.target)

    def test_sec_62_a_yes_is_for_what_was_there_when_it_was_asked(self):
        victim = self.directory("victim", "root")
        os.mkdir(f"{self.home}/d")
        os.chown(f"{self.home}/d", self.uid, self.uid)
        os.mkdir(f"{self.home}/d/m")
        pending = self.begin("", f"{self.home}/d/m", "tmpfs", [], {})
        cookie, _, message = self.person.question()
        self.assertIn(f"{self.home}/d/m", message)
        os.rename(f"{self.home}/d", f"{self.home}/moved")
        os.mkdir(f"{self.home}/d")
        os.rename(victim, f"{self.home}/d/m")
        self.person.answer(cookie)
        try:
            self.made(pending.result())
        except support.DBusError:
            pass
        self.assert_not_mounted(f"{self.home}/d/m")

    def test_a_yes_is_not_for_what_was_mounted_there_while_a_person_thought(self):
        source, top = self.directory("source"), self.directory("top")
        self.mount("", top, "tmpfs", client=self.caller)
        self.caller.call("Mounts", "Remount", top, ["private"], {})
        moved, target = f"{top}/moved", f"{top}/target"
        self.caller.run(os.mkdir, moved)
        os.mkdir(target)
        self.bind(source, moved, client=self.caller)
        for method, arguments in (("Mount", ("", target, "tmpfs", [])), ("Bind", (source, target, [])), ("Move", (moved, target))):
            with self.subTest(method=method):
                pending = self.caller.begin("Mounts", method, *arguments, {}, interactive=True)
                cookie = self.person.question()[0]
                support.mount("roots", target, "tmpfs", 0, "mode=700")
                try:
                    self.person.answer(cookie)
                    with self.refused("Retry", "after it was looked up"):
                        pending.result()
                    self.assertEqual(support.mount_at(target).source, "roots")
                finally:
                    support.umount(target)
                self.assert_mounted(moved)


class Paths(support.MountTestCase):
    def test_a_relative_path_is_refused(self):
        for path in ("", "m", "./m", "../m", "~/m"):
            with self.subTest(path=path), self.refused("InvalidArgument", "target", "absolute"):
                self.mount("", path, "tmpfs")
            with self.subTest(path=path), self.refused("InvalidArgument", "source", "absolute"):
                self.bind(path, self.home)

    def test_magic_links_lead_nowhere(self):
        target = self.directory("m")
        fd = self.alice.run(os.open, target, os.O_PATH)
        for path in (f"/proc/self/root{target}", f"/proc/self/fd/{fd}", f"/proc/{self.alice.pid}/fd/{fd}", "/proc/self/cwd",
                     f"/proc/{self.alice.pid}/root{target}", "/proc/self/ns/mnt", f"/proc/{self.alice.pid}/fd/{fd}/.", "/proc/self/exe"):
            with self.subTest(path=path):
                for call in (lambda: self.mount("", path, "tmpfs"), lambda: self.bind(path, target), lambda: self.bind(target, path)):
                    with self.assertRaises(support.DBusError) as caught:
                        call()
                    self.assertIn(caught.exception.name.removeprefix(support.ERROR), ("InvalidArgument", "NotPermitted", "NotFound"))
        self.alice.run(os.close, fd)
        self.assert_not_mounted(target)

    def test_what_is_not_ones_own_is_not_in_the_safe_tier(self):
        for target in ("/", "/etc", "/run", "/tmp", "/sys", "/dev", "/usr", "/home", "/proc", f"/proc/{self.alice.pid}",
                       f"/proc/{self.alice.pid}/task", "/dev/shm", "/sys/fs/cgroup", self.directory("root", "root")):
            with self.subTest(target=target), self.needs_admin("mount"):
                self.mount("", target, "tmpfs")
            with self.subTest(target=target), self.needs_admin("bind"):
                self.bind(self.home, target)
        with self.needs_admin("bind"):
            self.bind(f"/proc/{self.alice.pid}", self.directory("m"))

    def test_anothers_home_is_closed(self):
        for target in ("/home/bob/.", "/home/bob/x"):
            with self.subTest(target=target), self.refused("NotPermitted"):
                self.mount("", target, "tmpfs")
        with self.needs_admin("mount"):
            self.mount("", "/home/bob", "tmpfs")

    def test_sec_45_the_same_is_said_of_what_is_closed_whether_it_is_there_or_not(self):
        own = self.directory("own")
        with tempfile.TemporaryDirectory(dir="/run") as hidden:
            os.mkdir(f"{hidden}/there")
            os.symlink("there", f"{hidden}/link")
            with open(f"{hidden}/file", "wb"):
                pass
            for method, arguments in (("Mount", ("", "{}", "tmpfs", [])), ("Mount", ("{}", own, "squashfs", [])),
                                      ("Mount", ("", own, "overlay", ["lowerdir={}"])), ("Bind", ("{}", own, [])),
                                      ("Bind", (own, "{}", [])), ("OpenTree", ("{}", [])), ("Unmount", ("{}",)),
                                      ("Unmount", ("{}/below",)), ("Remount", ("{}", ["ro"])), ("Move", ("{}", own)),
                                      ("PivotRoot", ("{}", own))):
                said = {}
                for name in ("there", "link", "file", "not-there"):
                    words = [[option.format(f"{hidden}/{name}") for option in word] if isinstance(word, list)
                             else word.format(f"{hidden}/{name}") for word in arguments]
                    with self.assertRaises(support.DBusError) as caught:
                        self.alice.call("Mounts", method, *words, {})
                    said[caught.exception.name, caught.exception.message.replace(name, "")] = name
                with self.subTest(method=method, arguments=arguments):
                    self.assertEqual(len(said), 1, said)

    def test_groups_count(self):
        subprocess.run(["groupadd", "--gid", "51999", "testers"], check=True)
        self.addCleanup(subprocess.run, ["groupdel", "testers"], check=True)
        closed = self.directory("closed", "root", 0o750)
        os.chown(closed, 0, 51999)
        target = self.directory("closed/m")
        with self.refused("NotPermitted"):
            self.mount("", target, "tmpfs")
        subprocess.run(["usermod", "--append", "--groups", "testers", "alice"], check=True)
        self.addCleanup(subprocess.run, ["gpasswd", "--delete", "alice", "testers"], check=True, stdout=subprocess.DEVNULL)
        member = self.client("alice", session=True)
        self.addCleanup(self.sit_down)
        self.mount("", target, "tmpfs", client=member)
        self.assert_mounted(target, "tmpfs")

    def test_sec_47_a_group_that_keeps_its_members_out_keeps_them_out_here(self):
        subprocess.run(["groupadd", "--gid", "51998", "outcasts"], check=True)
        self.addCleanup(subprocess.run, ["groupdel", "outcasts"], check=True)
        image, closed = support.make_image("squashfs", f"{self.home}/i"), self.directory("closed", "root", 0o705)
        target, inside = self.directory("m"), self.directory("closed/m")
        for path, mode in ((image, 0o604), (closed, 0o705)):
            os.chown(path, 0, 51998)
            os.chmod(path, mode)
        self.unmount(self.mount(image, target, "squashfs"))
        self.unmount(self.mount("", inside, "tmpfs"))
        subprocess.run(["usermod", "--append", "--groups", "outcasts", "alice"], check=True)
        self.addCleanup(subprocess.run, ["gpasswd", "--delete", "alice", "outcasts"], check=True, stdout=subprocess.DEVNULL)
        outcast = self.client("alice", session=True)
        self.addCleanup(self.sit_down)
        apart = self.client("alice")
        apart.run(support.enter_user_namespace, "mnt")
        for client in (outcast, apart):
            with self.subTest(apart=client is apart):
                with self.refused("NotPermitted"):
                    self.mount("", inside, "tmpfs", client=client)
                with self.refused("NotPermitted"):
                    self.mount(image, target, "squashfs", client=client)

    def test_a_path_may_not_be_longer_than_the_kernel_takes(self):
        with self.refused("InvalidArgument", "target"):
            self.mount("", "/" + "a/" * 2500, "tmpfs")
        with self.refused("InvalidArgument", "target"):
            self.mount("", f"{self.home}/{'a' * 256}", "tmpfs")


class Names(support.MountTestCase):
    NAMES = (b"a\nb", b"x (deleted)", b"\\040", b"\xff\xfe", b"\\x41", b"two  words", b"tab\t", b"quo\"te's", b"n" * 200, b"-o ro", b"a,b",
             "ümläut".encode(), b"\xe2\x80\xae", b"#hash", b"$HOME", b"*", b"\x7f")

    def test_a_directory_may_have_any_name(self):
        for name in self.NAMES:
            with self.subTest(name=name):
                raw = os.fsencode(self.home) + b"/" + name
                os.mkdir(raw)
                os.chown(raw, self.uid, self.uid)
                target = support.escape(raw)
                mount = self.mount("", target, "tmpfs")
                self.assertTrue(os.path.ismount(raw))
                self.assertEqual(self.alice.get("Mount", "Target", mount), target)
                entry, = [entry for entry in self.alice.call("Mounts", "List", {}) if entry.get("Object") == mount]
                self.assertEqual(entry["Target"], target)
                self.alice.call("Mounts", "Remount", target, ["ro"], {})
                with self.refused("Retry"):
                    self.alice.call("Mounts", "Unmount", target, {"expire": True})
                self.unmount(mount)
                self.assertFalse(os.path.ismount(raw))
                self.mount("", target, "tmpfs")
                self.alice.call("Mounts", "Unmount", target, {})
                self.assertFalse(os.path.ismount(raw))
                os.rmdir(raw)

    def test_what_is_bound_and_layered_may_too(self):
        for name in self.NAMES:
            with self.subTest(name=name):
                raw = os.fsencode(self.home) + b"/" + name
                os.mkdir(raw)
                os.chown(raw, self.uid, self.uid)
                with open(raw + b"/f", "wb"):
                    pass
                target = f"{self.home}/m"
                os.makedirs(target, exist_ok=True)
                os.chown(target, self.uid, self.uid)
                mount = self.bind(support.escape(raw), target)
                self.assertEqual(self.alice.get("Mount", "Source", mount), support.escape(raw))
                self.assertEqual(os.listdir(target), ["f"])
                self.unmount(mount)
                other = self.directory("other")
                layer = raw.replace(b"\\", b"\\\\").replace(b":", b"\\:")
                mount = self.mount("", target, "overlay", [f"lowerdir={support.escape(layer)}:{other}"])
                self.assertEqual(os.listdir(target), ["f"])
                self.unmount(mount)
                os.rmdir(other)
                shutil.rmtree(raw)

    def test_an_escape_that_is_none_is_refused(self):
        for name in ("a\\", "a\\n", "a\\x", "a\\x4", "a\\xzz", "\\x00", "a\\\\b"):
            with self.subTest(name=name), self.refused("InvalidArgument", "target"):
                self.mount("", f"{self.home}/{name}", "tmpfs")


class Keys(support.MountTestCase):
    METHODS = (("Mounts", "Mount", ("", "/m", "tmpfs", [])), ("Mounts", "Bind", ("/a", "/b", [])),
               ("Mounts", "OpenMount", ("", "tmpfs", [])), ("Mounts", "OpenTree", ("/a", [])), ("Mounts", "Unmount", ("/m",)),
               ("Mounts", "Remount", ("/m", ["ro"])), ("Mounts", "Move", ("/a", "/b")), ("Mounts", "PivotRoot", ("/a", "/b")),
               ("Mounts", "List", ()), ("Host", "GetHostname", ()), ("Host", "SetHostname", ("x",)),
               ("Host", "GetDomainname", ()), ("Host", "SetDomainname", ("x",)))

    def test_an_unknown_key_is_refused_by_its_name_by_every_method(self):
        for interface, method, arguments in self.METHODS:
            for key in ("colour", "", "In", "in ", "in_as_fd", "number", "made"):
                with self.subTest(method=method, key=key), self.refused("InvalidArgument", f"'{key}'"):
                    self.alice.call(interface, method, *arguments, {key: True})

    def test_a_value_of_another_type_is_refused_by_the_name_of_its_key(self):
        for interface, method, arguments in self.METHODS:
            for value in (5, "5", True, Variant("u", 5), Variant("x", 5), Variant("d", 5.0), Variant("as", ["5"])):
                with self.subTest(method=method, value=value), self.refused("InvalidArgument", "'deadline_usec'"):
                    self.alice.call(interface, method, *arguments, {"deadline_usec": value})
        for method, arguments, key, value in (("Mount", ("", "/m", "tmpfs", []), "lifetime", 5),
                                              ("Bind", ("/a", "/b", []), "recursive", "yes"),
                                              ("Bind", ("/a", "/b", []), "source_fd", "/a"),
                                              ("Unmount", ("/m",), "lazy", 1), ("Remount", ("/m", []), "propagation", True)):
            with self.subTest(method=method, key=key), self.refused("InvalidArgument", f"'{key}'"):
                self.alice.call("Mounts", method, *arguments, {key: value})

    def test_a_deadline_out_of_range_is_refused(self):
        for value in (0, 1, 999, 600000001, 2 ** 63, 2 ** 64 - 1):
            with self.subTest(value=value), self.refused("InvalidArgument", "deadline_usec"):
                self.alice.call("Mounts", "List", {"deadline_usec": Variant("t", value)})
        self.alice.call("Mounts", "List", {"deadline_usec": Variant("t", 600000000)})

    def test_a_call_with_the_wrong_signature_is_refused_by_the_bus_library(self):
        for signature, arguments in (("", ()), ("a{sv}", ({},)), ("sssasa{ss}", ("", "/m", "tmpfs", [], {}))):
            with self.subTest(signature=signature), self.assertRaises(support.DBusError) as caught:
                self.alice.call("Mounts", "Mount", *arguments, signature=signature)
            self.assertIn(caught.exception.name.rpartition(".")[2], ("InvalidArgs", "InvalidSignature", "UnknownMethod"))
