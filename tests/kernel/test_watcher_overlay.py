# SPDX-License-Identifier: LGPL-2.1-or-later
"""usher-watcher where it watches an overlay by its upper layer, alone: what is told of what the overlay does."""

import contextlib
import os
import random
import shutil
import signal
import subprocess

import ring
import support
from alone import LOST, RESCAN
from lookout import EVENTS, STRANGER, LookoutTestCase

ROUNDS = int(os.environ.get("USHER_FUZZ_ROUNDS", 100))


class Index:
    """What is known of a tree by what was told: all names below it, each with what may change of it."""

    def __init__(self, root, contents):
        self.root, self.names, self.contents = root, {}, contents
        self.list("", True)

    def look(self, path):
        found = os.lstat(f"{self.root}/{path}")
        directory = os.path.isdir(f"{self.root}/{path}") and not os.path.islink(f"{self.root}/{path}")
        if directory or not self.contents:
            return (directory,)
        return (directory, oct(found.st_mode), found.st_uid, found.st_size, found.st_mtime_ns)

    def drop(self, path):
        self.names = {name: seen for name, seen in self.names.items() if name != path and not name.startswith(path + "/")}

    def list(self, directory, deep=False):
        try:
            entries = os.listdir(os.path.join(self.root, directory))
        except OSError:
            entries = []
        for name in [name for name in self.names if os.path.dirname(name) == directory and os.path.basename(name) not in entries]:
            self.drop(name)
        for entry in entries:
            self.note(os.path.join(directory, entry), deep)

    def note(self, path, deep):
        known, seen = self.names.get(path), self.look(path)
        if known and known[0] and not seen[0]:
            self.drop(path)  # a file has its name
        self.names[path] = seen
        if seen[0] and (deep or not known):
            self.list(path, True)

    def apply(self, record):
        assert record.kind != LOST, record
        if record.kind == RESCAN:
            self.list(record.path)
            return
        if record.old_path:
            self.drop(record.old_path)
        if "delete" in record.names or not os.path.lexists(f"{self.root}/{record.path}"):
            self.drop(record.path)
        if record.path and os.path.lexists(f"{self.root}/{record.path}"):
            self.note(record.path, bool({"create", "move"} & set(record.names)))


class Overlay(LookoutTestCase):
    OPTIONS = ""

    def setUp(self):
        super().setUp()
        self.upper, self.merged = f"{self.place}/upper", f"{self.place}/merged"
        self.run_in(f"mkdir lower upper work merged; cd lower; {self.LOWER}", self.place)
        ring.mount("overlay", self.merged, "overlay", 0,
                   f"lowerdir={self.place}/lower,upperdir={self.upper},workdir={self.place}/work{self.OPTIONS}")
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.merged], check=False, stderr=subprocess.DEVNULL)

    LOWER = "mkdir -p d/e empty private; touch d/f d/g d/e/h private/secret file; ln -s file link; chmod 700 private"

    def run_in(self, command, place=None, *words, **_):
        super().run_in(command, place or self.merged, *words, stderr=subprocess.DEVNULL)

    def start(self, root="", **keys):
        upper = support.open_tree(self.upper)
        try:
            self.watcher = self.begin("overlay", upper)
        finally:
            os.close(upper)
        return self.watcher.add(1, self.open(f"{self.merged}/{root}"), keys.pop("events", EVENTS), **{**STRANGER, **keys})

    def told(self, command):
        self.run_in(command)
        return [str(record) for record in self.watcher.records(1)]

    def test_what_is_in_the_upper_layer_alone_is_told_by_its_name(self):
        self.assertEqual(self.start(events=["create", "delete", "move"]), (0, ""))
        self.assertEqual(self.told("mkdir a; echo x > a/b"), ["create a", "create a/b"])
        self.assertEqual(self.told("mv a/b a/c"), ["move a/c < a/b"])
        self.assertEqual(self.told("mv a n"), ["move n < a"])
        self.assertEqual(self.told("ln n/c n/l; mkdir n/p"), ["create n/l", "create n/p"])
        self.assertEqual(self.told("ln -s c n/s"), ["RESCAN n"])
        self.assertEqual(self.told("rmdir n/p; rm n/c n/l n/s; rmdir n"), ["delete n/p", "delete n/c", "delete n/l", "delete n/s", "delete n"])

    def test_a_copy_of_what_was_below_is_no_new_file(self):
        self.assertEqual(self.start(), (0, ""))
        self.assertIn("RESCAN d", self.told("touch d/new"))
        told = self.told("echo x >> d/f")
        self.assertIn("RESCAN d", told)
        self.assertNotIn("create", " ".join(told))
        self.assertTrue([one for one in told if "modify" in one and one.endswith(" d/f")], told)
        self.assertTrue([one for one in self.told("chmod 600 d/g") if "attrib" in one and one.endswith(" d/g")])

    def test_nor_is_one_that_has_several_names(self):
        """No mark is set on its copy where names are not kept together."""
        os.link(f"{self.place}/lower/file", f"{self.place}/lower/d/other")
        self.run_in("touch d/new")
        self.assertEqual(self.start(), (0, ""))
        told = self.told("chmod 600 d/other")  # to write to it makes it younger
        self.assertIn("RESCAN d", told)
        self.assertNotIn("create", " ".join(told))

    def test_what_hides_a_deleted_name_is_no_new_file(self):
        self.assertEqual(self.start(), (0, ""))
        told = self.told("rm d/f")
        self.assertIn("RESCAN d", told)
        self.assertNotIn("create", " ".join(told))
        self.assertIn("RESCAN d", self.told("touch d/f"))
        told = self.told("rm -r d")
        self.assertIn("RESCAN ", told)
        self.assertNotIn("create", " ".join(told))
        self.assertNotIn("move", " ".join(told))

    def test_nothing_is_told_of_what_is_below_a_private_directory(self):
        self.assertEqual(self.start(), (0, ""))
        told = self.told("touch private/new; echo x >> private/secret; rm private/secret; mkdir private/a; mv private/a private/b")
        self.assertEqual([one for one in told if "private/" in one or one == "RESCAN private"], [])
        self.run_in("chmod 755 private")
        self.watcher.records(1)
        self.assertIn("create private/c", self.told("mkdir private/c"))

    def test_a_directory_that_is_in_no_upper_layer_has_none(self):
        self.assertNotEqual(self.start("d")[0], 0)
        self.run_in("touch d/new")
        self.watcher.close()
        self.assertEqual(self.start("d"), (0, ""))
        self.assertIn("create x", self.told("mkdir d/x"))

    def test_a_directory_that_is_watched_ends_with_it(self):
        self.run_in("touch d/new")
        self.assertEqual(self.start("d"), (0, ""))
        self.assertIn("delete-self ", self.told("rm -r d"))

    def test_what_is_mounted_on_is_not_told(self):
        self.run_in("mkdir -p on/top; touch on/top/x")
        self.assertEqual(self.start(), (0, ""))
        ring.mount("none", f"{self.merged}/on", "tmpfs")
        self.addCleanup(ring.umount, f"{self.merged}/on", 2)
        self.run_in("touch upper/on/top/y", self.place)  # nobody has come by in the overlay
        self.assertEqual([str(record) for record in self.watcher.records(1) if str(record) != "RESCAN "], [])

    def test_what_happens_elsewhere_on_the_file_system_is_not_told(self):
        self.assertEqual(self.start(everything=True), (0, ""))
        self.run_in("mkdir -p x/y; touch x/y/z; mv x/y x/w; rm -r x; touch file lower/n", self.place)
        self.assertEqual([str(record) for record in self.watcher.records(1)], [])

    def test_what_the_maker_of_an_overlay_cannot_read_is_not_told(self):
        """As root of a user namespace, in which nobody else is anybody."""
        self.run_in("umount merged; chmod 777 . upper work; mkdir upper/own upper/all; chown 51002 upper/own; chmod 705 upper/own", self.place)
        made = subprocess.Popen(["setpriv", "--reuid=51003", "--regid=51003", "--clear-groups", "unshare", "--user", "--map-root-user", "--mount", "bash", "-ec",
                                 "mount -t overlay -o userxattr,lowerdir=lower,upperdir=upper,workdir=work none merged; echo; read"],
                                cwd=self.place, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(made.communicate)
        self.assertEqual(made.stdout.readline(), b"\n")
        self.merged = f"/proc/{made.pid}/root{self.place}/merged"
        self.assertEqual(self.start(), (0, ""))
        self.run_in("ls own all >/dev/null")  # where nobody comes by in the overlay nothing is looked for there
        self.run_in("mkdir upper/own/seen", self.place)
        self.assertEqual([str(record) for record in self.watcher.records(1)], ["create own/seen"])
        self.run_in("chmod 704 upper/own", self.place)
        self.watcher.records(1)
        self.run_in("mkdir upper/own/secret upper/all/new", self.place)
        told = [str(record) for record in self.watcher.records(1)]
        self.assertIn("create all/new", told)
        self.assertEqual([one for one in told if "own/" in one or one == "RESCAN own"], [])

    # ---- whatever happens

    def paths(self):
        found = [""]
        for top, folders, files in os.walk(self.merged):
            found += [os.path.relpath(f"{top}/{name}", self.merged) for name in folders + files]
        return found

    def something(self, chance, links):
        paths = self.paths()
        one, other = (f"{self.merged}/{chance.choice(paths)}" for _ in range(2))
        new = os.path.join(one if os.path.isdir(one) else os.path.dirname(one), chance.choice("abcdefgh"))
        does = {"write": lambda: ring.make(new, "text"), "mkdir": lambda: os.mkdir(new), "rename": lambda: os.rename(one, new),
                "exchange": lambda: os.rename(one, other), "unlink": lambda: os.unlink(one), "rmdir": lambda: os.rmdir(one),
                "rm -r": lambda: shutil.rmtree(one), "symlink": lambda: os.symlink("d", new), "replace": lambda: os.rename(new, one),
                "chmod": lambda: os.chmod(one, chance.choice((0o600, 0o644, 0o755, 0o777))),
                "truncate": lambda: os.truncate(one, chance.randrange(1000)), "append": lambda: self.run_in('echo more >> "$0"', None, one)}
        if links:
            does["link"] = lambda: os.link(one, new, follow_symlinks=False)
        what = chance.choice(list(does))
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            does[what]()
            return what, one, other, new
        return ()

    def follow(self, links):
        """Of a file with several names a change is told by one: then only the names are compared."""
        seed = int(os.environ.get("USHER_FUZZ_SEED", random.randrange(1 << 32)))
        chance = random.Random(seed)
        self.run_in(" ".join(f"mkdir -p l{i}/m{j}; touch l{i}/x l{i}/m{j}/y;" for i in range(3) for j in range(3)), f"{self.place}/lower")
        if links:
            os.link(f"{self.place}/lower/file", f"{self.place}/lower/other")
        self.assertEqual(self.start(everything=True), (0, ""))
        index = Index(self.merged, not links)
        for number in range(ROUNDS):
            self.watcher.process.send_signal(chance.choice((signal.SIGSTOP, signal.SIGCONT)))
            done = [self.something(chance, links) for _ in range(chance.randrange(1, 6))]
            self.watcher.process.send_signal(signal.SIGCONT)
            for seconds in (0.02, 0.5):
                records = self.watcher.records(1, seconds)
                for record in records:
                    index.apply(record)
                there = Index(self.merged, not links).names
                wrong = sorted(path for path in index.names.keys() | there.keys() if index.names.get(path) != there.get(path))
                if not wrong:
                    break
            else:
                self.fail(f"seed {seed}, round {number}: {wrong} after {done}, {records}")

    def test_who_follows_what_is_told_knows_what_is_there(self):
        self.follow(False)

    def test_and_where_files_have_several_names(self):
        self.follow(True)


class Redirecting(Overlay):
    """The same where directories of a lower layer can be renamed."""

    OPTIONS = ",redirect_dir=on,index=on,metacopy=on"


class OfAUser(Overlay):
    """The same with what the overlay notes in attributes that any user may set."""

    OPTIONS = ",userxattr"
