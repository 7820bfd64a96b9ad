# SPDX-License-Identifier: LGPL-2.1-or-later
"""Attacks that worked once, or would without a defence that is easily lost."""

import os
import subprocess

import support

NOBODY = 65534


class Attacks(support.MountTestCase):
    def test_what_goes_from_a_copy_stays_where_it_was_mounted(self):
        """A recursive copy is its source's peer, and a lazy unmount of it took what root had mounted in the source along."""
        secret, target = self.directory("secret", "root"), self.directory("copy")
        support.mount("roots", secret, "tmpfs")
        self.addCleanup(support.umount, secret)
        copy = self.bind(self.home, target, options={"recursive": True})
        self.assertIsNotNone(support.mount_at(f"{target}/secret"))
        self.unmount(copy, lazy=True)
        self.assertIsNone(support.mount_at(f"{target}/secret"))
        self.assertEqual(support.mount_at(secret).fstype, "tmpfs")

    def test_what_is_mounted_below_the_source_later_stays_too(self):
        secret, target = self.directory("secret", "root"), self.directory("copy")
        copy = self.bind(self.home, target)
        support.mount("roots", secret, "tmpfs")
        self.addCleanup(support.umount, secret)
        self.unmount(copy, lazy=True)
        self.assertEqual(support.mount_at(secret).fstype, "tmpfs")

    def test_an_image_says_nothing_about_who_else_owns_what(self):
        """With an image of its own making over a directory in /tmp, a user had root's programs trust what lay there."""
        for fstype, command in (("squashfs", ["mksquashfs", "{from}", "{to}", "-quiet", "-no-progress", "-force-uid", "{uid}", "-force-gid", "{uid}"]),
                                ("erofs", ["mkfs.erofs", "--quiet", "--force-uid={uid}", "--force-gid={uid}", "{to}", "{from}"])):
            for forged in (0, support.identity_of("bob")["user"]):
                with self.subTest(fstype=fstype, forged=forged):
                    source, target = self.directory(f"s{forged}{fstype}"), self.directory(f"m{forged}{fstype}")
                    self.file(f"s{forged}{fstype}/f", "x")
                    image = f"{self.home}/{forged}.{fstype}"
                    words = [word.format(**{"from": source, "to": image, "uid": forged}) for word in command]
                    subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
                    os.chmod(image, 0o644)
                    self.mount(image, target, fstype)
                    for path in (target, f"{target}/f"):
                        status = os.stat(path)
                        self.assertEqual((status.st_uid, status.st_gid), (NOBODY, NOBODY), path)
