# SPDX-License-Identifier: LGPL-2.1-or-later
"""Overlays: by descriptors where the kernel takes them, by names where it does not."""

import os

import ring
from ring import read


class Overlay(ring.TestCase):
    def overlay(self, *words, target="target"):
        place = self.directory(target)
        self.mounts("Mount", "", place, "overlay", list(words), {})
        self.assert_mounted(place, "overlay", ["nosuid", "nodev"])
        return place

    def layer(self, name):
        path = self.directory(name)
        self.file(f"{name}/of-{os.path.basename(name)}", ascii(name))
        self.file(f"{name}/all", ascii(name))
        return path

    def test_one_layer_above_the_other(self):
        lower = [self.layer(name) for name in ("one", "two", "three")]
        target = self.overlay("lowerdir=" + ":".join(lower))
        self.assertEqual(sorted(os.listdir(target)), ["all", "of-one", "of-three", "of-two"])
        self.assertEqual(read(f"{target}/all"), "'one'")
        with self.assertRaises(OSError):
            ring.make(f"{target}/new", "text")

    def test_a_layer_to_write_to(self):
        lower, upper, work = self.layer("lower"), self.directory("upper"), self.directory("work")
        target = self.overlay(f"lowerdir={lower}", f"upperdir={upper}", f"workdir={work}")
        with open(f"{target}/all", "a", encoding="utf-8") as file:
            file.write(" and more")
        os.unlink(f"{target}/of-lower")
        os.mkdir(f"{target}/new")
        self.assertEqual(read(f"{upper}/all"), "'lower' and more")
        self.assertEqual(read(f"{lower}/all"), "'lower'")
        self.assertEqual(sorted(os.listdir(target)), ["all", "new"])
        self.mounts("Unmount", target, {})
        self.assertEqual(os.listdir(target), [])

    def test_strange_names(self):
        for name in ("two words", "co:lon", "back\\slash", "comma,comma", "h\udcffgh", "new\nline", "equals=", "#",
                     "lowerdir", "\u00fc"):
            with self.subTest(name):
                inner = self.layer(f"layers/{name}")
                other = self.layer(f"others/{name}")
                words = [ring.escape(path.replace("\\", "\\\\").replace(":", "\\:")) for path in (inner, other)]
                target = self.overlay("lowerdir=" + ":".join(words), target=f"targets/{name.encode('utf-8', 'replace').hex()}")
                self.assertEqual(read(f"{target}/all"), ascii(f"layers/{name}"))

    @ring.needs_kernel(6, 7, "all layers have to fit 256 bytes before")
    def test_many_layers(self):
        lower = [self.layer(f"layer{number}") for number in range(60)]
        target = self.overlay("lowerdir=" + ":".join(lower))
        self.assertEqual(len(os.listdir(target)), 61)

    def test_too_many_layers(self):
        lower = self.layer("lower")
        with self.refused("LimitExceeded", "layers"):
            self.mounts("Mount", "", self.directory("target"), "overlay", ["lowerdir=" + ":".join([lower] * 600)], {})

    def test_layers_that_are_none(self):
        target, lower, upper = self.directory("target"), self.layer("lower"), self.directory("upper")
        file = self.file("file")
        os.symlink(lower, f"{self.here}/link")
        for words, error in (([], "InvalidArgument"), ([f"upperdir={upper}"], "InvalidArgument"),
                             ([f"lowerdir={lower}", f"upperdir={upper}"], "InvalidArgument"),
                             ([f"lowerdir={lower}", f"workdir={upper}"], "InvalidArgument"),
                             (["lowerdir="], "InvalidArgument"), (["lowerdir=relative"], "InvalidArgument"),
                             ([f"lowerdir={lower}:"], "InvalidArgument"), ([f"lowerdir=:{lower}"], "InvalidArgument"),
                             ([f"lowerdir={file}"], "InvalidArgument"), ([f"lowerdir={self.here}/none"], "NotFound"),
                             ([f"lowerdir={self.here}/link"], "InvalidArgument"), (["lowerdir"], "InvalidArgument"),
                             ([f"lowerdir={lower}", "nosuchoption"], "InvalidArgument"),
                             ([f"lowerdir={lower}", "xino=perhaps"], "InvalidArgument")):
            with self.subTest(words), self.refused(error):
                self.mounts("Mount", "", target, "overlay", words, {})
        self.assert_not_mounted(target)

    def test_other_options(self):
        lower, upper, work = self.layer("lower"), self.directory("upper"), self.directory("work")
        target = self.overlay(f"lowerdir={lower}", f"upperdir={upper}", f"workdir={work}", "xino=off", "ro", "noexec")
        self.assert_mounted(target, "overlay", ["ro", "noexec"])

    def test_below_another_overlay(self):
        first = self.overlay(f"lowerdir={self.layer('one')}:{self.layer('two')}", target="first")
        second = self.overlay(f"lowerdir={first}:{self.layer('three')}", target="second")
        self.assertEqual(sorted(os.listdir(second)), ["all", "of-one", "of-three", "of-two"])

    def test_a_layer_swapped_for_another_one(self):
        # What counts is what the path was when it was resolved.
        lower = self.layer("lower")
        target = self.overlay(f"lowerdir={lower}:{self.layer('other')}")
        os.rename(lower, f"{self.here}/gone")
        self.layer("lower")
        self.assertEqual(read(f"{target}/all"), "'lower'")


class OverlayByName(Overlay):
    """The same where the kernel takes layers by name only, as before Linux 6.13."""

    VARIANT = "by name"
    BLOCK = ("fsconfig,1=5:EINVAL",)  # FSCONFIG_SET_FD
