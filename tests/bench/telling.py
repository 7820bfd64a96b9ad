# SPDX-License-Identifier: LGPL-2.1-or-later
"""What it costs to tell what the kernel's tables hold, beside receiving the same dump and throwing it away; for
tests/bench/run."""

import json
import subprocess

SIZES = {"1,000": (1000, 200), "100,000": (100000, 15), "1,000,000": (1000000, 5)}
FIELDS = ("dst", "oif", "gateway")
PEERS = {"ip route": ("ip", "-4", "route", "show", "table", "all"), "ip -j route": ("ip", "-4", "-j", "route", "show", "table", "all")}
KINDS = {"floor": "received and thrown away", "records": "records in a memfd", "json": "JSON in a memfd"}


def measure(bench, build, say):
    """All kinds take turns in one run, and are compared with each other alone."""
    for title, (count, rounds) in SIZES.items():
        for peer, command in PEERS.items():
            say(f"{title} routes, beside {peer}")
            done = subprocess.run([f"{build}/bench-netlink", "--routes", str(count), "route", str(bench.n(rounds)), *FIELDS, "--", *command],
                                  stdout=subprocess.PIPE, text=True, check=False)
            if done.returncode != 0:
                bench.notes.append(f"not measured: {title} routes: status {done.returncode}")
                continue
            for line in done.stdout.splitlines():
                found = json.loads(line)
                kind = found["name"].rsplit("-", 1)[1]
                bench.results[f"rows {title}/{KINDS.get(kind, peer)}"] = found


def targets(f, target):
    found = []
    for kind, most in (("records", 1.15), ("json", 1.6)):
        row = f.results.get(f"rows 100,000/{KINDS[kind]}")
        if row:
            found.append(target(f"100,000 routes, {KINDS[kind]}: CPU, floor = 1", row["ratio_cpu"], most))
    return found


def render(f, table, number):
    rows = []
    for title in SIZES:
        for kind in (*KINDS.values(), *PEERS):
            row = f.results.get(f"rows {title}/{kind}")
            if row:
                rows.append([title, kind, number(row["cpu_p50"] / 1000), number(row["wall_p50"] / 1000), f"{row['ratio_cpu']:.2f}",
                             f"{row['ratio_wall']:.2f}"])
    if not rows:
        return []
    return ["", "## Rows of the kernel's tables", "",
            "Routes, of which three fields are told, in the process that asks for them; milliseconds, and multiples of receiving the same "
            "dump and throwing it away. `ip` is a whole process.", "",
            table(["routes", "", "CPU", "wall", "× CPU", "× wall"], rows)]
