# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real server in a container of an ordinary user's: PostgreSQL as a user of its own, asked from outside."""

import glob
import os
import subprocess
import unittest

import support
from support import Variant, wait_until
from test_interior import USR, spawn

POSTGRES = 70  # its user inside
PROGRAMS = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1:]
PASSWD = f"""root:x:0:0::/:/bin/sh
postgres:x:{POSTGRES}:{POSTGRES}::/data:/bin/sh
"""
CONFIGURATION = "/etc/usher/usherd.conf.d"
MAP = "0 {} 1,1 5200000 65535"  # alice is root, and her subordinate ids are everybody else
GROUP = f"root:x:0:\npostgres:x:{POSTGRES}:\n"


@unittest.skipUnless(PROGRAMS, "there is no PostgreSQL here (install postgresql)")
class Server(support.MountTestCase):
    def setUp(self):
        super().setUp()
        self.meeting = self.directory("run", mode=0o777)
        os.chmod(self.meeting, 0o777)
        mounts = [*USR, (self.file("passwd", PASSWD), "/etc/passwd", "bind", ["ro"]),
                  (self.file("group", GROUP), "/etc/group", "bind", ["ro"]),
                  ("", "/tmp", "tmpfs", ["mode=1777"]), ("", "/data", "tmpfs", [f"uid={POSTGRES}", f"gid={POSTGRES}", "mode=700"]),
                  (self.meeting, "/run/postgresql", "bind", [])]
        self.namespace = self.alice.call("Namespaces", "Create", "database", ["all"],
                                         {"uid_map": MAP.format(self.uid), "gid_map": MAP.format(self.uid),
                                          "hostname": "database", "mounts": Variant("a(sssas)", mounts)})
        self.addCleanup(self.alice.call, "Namespace", "Destroy", {}, path=self.namespace)

    def inside(self, *command, uid=POSTGRES):
        """To its end, in the container."""
        return spawn(self.alice, *command, types=(), timeout=120, uid=Variant("u", uid), gid=Variant("u", uid), groups=Variant("au", []),
                     environment={"HOME": "/data", "LANG": "C.UTF-8"}, **{"in": Variant("o", self.namespace)})

    def bridge(self):
        """One of the machine's, to which the administrator lets users connect."""
        if subprocess.run(["ip", "link", "add", "shop", "type", "bridge"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
            self.skipTest("this kernel has no bridges")
        self.addCleanup(subprocess.run, ["ip", "link", "delete", "shop"], check=True)
        subprocess.run(["ip", "address", "add", "203.0.113.1/24", "dev", "shop"], check=True)
        subprocess.run(["ip", "link", "set", "shop", "up"], check=True)
        os.makedirs(CONFIGURATION, exist_ok=True)
        with open(f"{CONFIGURATION}/90-shop.conf", "x", encoding="ascii") as file:
            file.write("[Network]\nBridges=shop\n")
        self.addCleanup(subprocess.run, ["systemctl", "reload", "usherd.service"], check=True)
        self.addCleanup(os.unlink, file.name)
        subprocess.run(["systemctl", "reload", "usherd.service"], check=True)

    def start(self):
        status, text = self.inside(f"{PROGRAMS[0]}/initdb", "--pgdata=/data/base", "--auth=trust", "--no-sync", "--username=postgres")
        self.assertEqual(status, 0, text)
        rules = "; ".join(f"echo host all all {network}.0/24 trust" for network in ("198.51.100", "203.0.113"))
        status, text = self.inside("/bin/sh", "-c", f"({rules}) >> /data/base/pg_hba.conf")
        self.assertEqual(status, 0, text)
        log = os.open(f"{self.home}/log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with support.Descriptor(log, owned=True) as out:
            server, pidfd = self.alice.call(
                "Processes", "Spawn", [f"{PROGRAMS[0]}/postgres", "-D", "/data/base", "-c", "listen_addresses=*", "-c", "fsync=off", "-c",
                                          "unix_socket_directories=/run/postgresql"],
                {"LANG": "C.UTF-8"}, {1: out, 2: out},
                {"in": Variant("o", self.namespace), "uid": Variant("u", POSTGRES), "gid": Variant("u", POSTGRES),
                 "groups": Variant("au", [])})
        pidfd.close()
        wait_until(lambda: self.ask(f"--host={self.meeting}").returncode == 0 or self.state(server) != "running", "the server answers",
                   timeout=60)
        with open(f"{self.home}/log", encoding="utf-8") as log:
            self.assertEqual(self.state(server), "running", log.read())
        return server

    def state(self, server):
        return self.alice.get("Process", "State", path=server)

    def ask(self, *arguments, sql="select 6 * 7"):
        """From outside."""
        return support.run_as("alice", f"{PROGRAMS[0]}/psql", "--username=postgres", "--no-align", "--tuples-only", *arguments,
                              "--command", sql, timeout=120)

    def test_a_database_runs_as_its_own_user_and_answers_from_outside(self):
        server = self.start()
        pid = self.alice.get("Process", "Pid", path=server)
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            status = dict(line.split(":\t", 1) for line in file if ":\t" in line)
        # neither alice nor anybody else on the machine
        self.assertGreater(int(status["Uid"].split()[0]), 1 << 20)
        self.assertNotEqual(status["NSpid"].split(), [str(pid)])
        self.assertEqual(status["NoNewPrivs"].strip(), "1")
        done = self.ask(f"--host={self.meeting}")
        self.assertEqual((done.stdout.strip(), done.stderr), ("42", ""))
        done = self.ask(f"--host={self.meeting}", sql="create table t as select generate_series(1, 1000) as n; select sum(n) from t")
        self.assertEqual(done.stdout.split()[-1], "500500")
        # inside, over its own network, of which nobody outside has anything
        status, text = self.inside(f"{PROGRAMS[0]}/psql", "--host=127.0.0.1", "--username=postgres", "--tuples-only", "--command",
                                   "select count(*) from t")
        self.assertEqual((status, text.strip()), (0, "1000"))
        self.assertNotEqual(self.ask("--host=127.0.0.1").returncode, 0)
        # and over a cable to another container of hers
        visitor = self.alice.call("Namespaces", "Create", "visitor", ["user", "net"], {})
        self.addCleanup(self.alice.call, "Namespace", "Destroy", {}, path=visitor)
        self.alice.call("Namespaces", "ConnectVeth", "cable",
                        {"in": Variant("o", self.namespace), "addresses": ["198.51.100.1/24"],
                         "peer": Variant("o", visitor), "peer_addresses": ["198.51.100.2/24"]})
        status, text = spawn(self.alice, f"{PROGRAMS[0]}/psql", "--host=198.51.100.1", "--username=postgres", "--tuples-only", "--command",
                             "select inet_client_addr()", types=(), **{"in": Variant("o", visitor)})
        self.assertEqual((status, text.strip()), (0, "198.51.100.2"))
        # and from anywhere, by way of the machine's bridge
        self.bridge()
        self.alice.call("Namespaces", "ConnectVeth", "street",
                        {"in": Variant("o", self.namespace), "addresses": ["203.0.113.2/24"], "bridge": "shop"})
        done = self.ask("--host=203.0.113.2", sql="select inet_client_addr(), sum(n) from t")
        self.assertEqual((done.stdout.strip(), done.stderr), ("203.0.113.1|500500", ""))
        self.assertEqual(self.state(server), "running")
        self.alice.call("Process", "Signal", "INT", {}, path=server)
        self.assertEqual(self.alice.call("Process", "Wait", {}, path=server), ("exited", 0))
