# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the older systems could do and their users rely on, where no other test has it already; docs/coverage.tsv."""

import support


def in_namespaces(*options, script):
    """What a shell of alice's says that has namespaces of its own."""
    command = ["unshare", *options, "--", "sh", "-ec", f"cd; {script}"]
    result = support.run_as("alice", *command)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


class Seed(support.TestCase):
    def setUp(self):
        super().setUp()
        support.run_as("alice", "sh", "-c", "rm -rf seed; mkdir -p seed/m seed/new seed/root")
        self.addCleanup(support.run_as, "alice", "sh", "-c", "rm -rf seed")

    def test_a_failing_mount_names_what_failed(self):
        answer = support.run_as("alice", "usher", "--no-ask", "mount", "-t", "tmpfs", "/home/alice/seed/nowhere")
        self.assertEqual(answer.returncode, 1)
        self.assertIn("target: '/home/alice/seed/nowhere': No such file or directory (ENOENT)", answer.stderr)

    def test_proc_is_bound_into_a_root_of_ones_own_and_seen_from_a_chroot_there(self):
        said = in_namespaces("-Urmpf", "--mount-proc", script="""
            usher bind --recursive / seed/root >/dev/null
            chroot seed/root /bin/sh -c 'read pid rest </proc/self/stat; echo $pid; ls /proc | head -1'""")
        pid, first = said.split()
        self.assertLess(int(pid), 100, "this is the machine's /proc")
        self.assertEqual(first, "1")

    def test_a_caller_in_a_chroot_mounts_below_its_own_root(self):
        said = in_namespaces("-Urm", script="""
            usher bind --recursive / seed/root >/dev/null
            chroot seed/root /bin/sh -c 'mkdir -p /home/alice/seed/m; usher mount -t tmpfs /home/alice/seed/m >/dev/null'
            grep -c ' /home/alice/seed/root/home/alice/seed/m rw' /proc/self/mountinfo""")
        self.assertEqual(said.strip(), "1")

    def test_a_new_root_is_pivoted_to_in_namespaces_of_ones_own(self):
        said = in_namespaces("-Urm", script="""
            usher mount -t tmpfs ~/seed/new >/dev/null
            mkdir seed/new/old; : >seed/new/marker
            usher pivot-root ~/seed/new ~/seed/new/old
            cd /; [ -e /marker ] && [ -d /old/etc ] && echo pivoted""")
        self.assertEqual(said.strip(), "pivoted")

    def test_pivoting_with_an_old_root_elsewhere_says_what_is_wrong(self):
        said = in_namespaces("-Urm", script="""
            usher mount -t tmpfs ~/seed/new >/dev/null
            usher --json pivot-root ~/seed/new ~/seed/root || true""")
        self.assertIn("InvalidArgument", said)
        self.assertIn("put_old is not below new_root", said)

    def test_a_component_of_255_bytes_and_a_path_of_4095_are_taken_and_4096_refused(self):
        with support.Client("alice") as alice:
            for path, error in (("/" + "x" * 255, "NotFound"), ("/" + "x/" * 2047, "NotFound"), ("/" + "x/" * 2048, "InvalidArgument")):
                with self.refused(error, "target"):
                    alice.call("Mounts", "Unmount", path, {})
