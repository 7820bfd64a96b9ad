# SPDX-License-Identifier: LGPL-2.1-or-later
"""What it costs to tell what the kernel's tables hold, and how they change, beside receiving the same and throwing it
away; for tests/bench/run."""

import importlib.util
import json
import os
import statistics
import subprocess
import time

# of what, how it is made, the type, its fields, how often, and who tells the like
SIZES = {
    "1,000 routes": ("--routes", 1000, "route", ("dst", "oif", "gateway"), 200, "-4 route show table all"),
    "100,000 routes": ("--routes", 100000, "route", ("dst", "oif", "gateway"), 15, "-4 route show table all"),
    "1,000,000 routes": ("--routes", 1000000, "route", ("dst", "oif", "gateway"), 5, "-4 route show table all"),
    "50,000 neighbours": ("--neighbours", 50000, "neighbour", ("dst", "ifindex", "lladdr"), 15, "neighbour"),
    "1,000 links": ("--links", 1000, "link", ("ifindex", "ifname", "mtu"), 30, "link"),
}
KINDS = {"floor": "received and thrown away", "memfd": "received and kept in a memfd as it is", "records": "records in a memfd",
         "json": "JSON in a memfd"}
PEERS = {"pyroute2": "pyroute2's get_routes", "callbacks": "netlinklib's shape"}
MILLION = ("--routes", "1000000", "exec")
SECONDS = 8
MONITORS = (1, 8, 64)
EVENTS = 20000  # a round


def inside(build, count, *command):
    """What a program of ours prints in a network namespace with so many routes."""
    done = subprocess.run([f"{build}/bench-netlink", "--routes", str(count), "exec", *command], stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "BENCH_RAW": "1"}, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def measure_lookups(bench, build, tools):
    """In rounds, because the machine's own speed changes while one looks."""
    for _ in range(bench.rounds):
        for kind in ("lookups", "dull"):
            for line in inside(build, 1000, f"{tools}/rows", kind, str(bench.n(2000 // bench.rounds)), "20.0.0.1"):
                bench.add(f"lookup/{line.pop('name')}", line)


def measure(bench, build, tools, processes, say):
    measure_rows(bench, build, say)
    measure_peers(bench, build, say)
    say("rows and lookups over the bus")
    measure_lookups(bench, build, tools)
    for title, count, rounds in (("1,000", 1000, 200), ("100,000", 100000, 20), ("1,000,000", 1000000, 5)):
        for line in inside(build, count, f"{tools}/rows", "whole", str(bench.n(rounds))):
            bench.add(f"bus {title}/{line.pop('name')}", line)
    for line in inside(build, 1000000, f"{tools}/rows", "first", str(bench.n(50))):
        bench.add(f"bus first/{line.pop('name')}", line)
    measure_company(bench, build, tools, processes, say)
    measure_monitors(bench, build, say)


def measure_rows(bench, build, say):
    """All kinds take turns in one run, and are compared with each other alone."""
    for title, (option, count, kind, fields, rounds, words) in SIZES.items():
        for peer in ("ip", "ip -j", *(["sd-netlink"] if kind == "route" and count <= 100000 else [])):
            say(f"{title}, beside {peer}")
            done = subprocess.run([f"{build}/bench-netlink", option, str(count), kind, str(bench.n(rounds)), *fields, "--", *peer.split(),
                                   *words.split()], stdout=subprocess.PIPE, text=True, check=False)
            if done.returncode != 0:
                bench.note(f"not measured: {title}, beside {peer}: status {done.returncode}")
                continue
            for line in done.stdout.splitlines():
                found = json.loads(line)
                name = found["name"].rsplit("-", 1)[1]
                bench.results[f"rows {title}/{KINDS.get(name, peer)}"] = found


def measure_peers(bench, build, say):
    program = os.path.join(os.path.dirname(os.path.realpath(__file__)), "peer-rows.py")
    for peer, title in PEERS.items():
        if peer == "pyroute2" and not importlib.util.find_spec("pyroute2"):
            bench.note("not measured: pyroute2: not installed (tools/deps bench)")
            continue
        say(title)
        for size, count, rounds in (("1,000 routes", 1000, 5), ("100,000 routes", 100000, 1)):
            found, = inside(build, count, program, peer, str(rounds))
            floor = bench.results.get(f"rows {size}/{KINDS['floor']}")
            if floor:
                for clock in ("cpu", "wall"):
                    found[f"ratio_{clock}"] = found[f"{clock}_p50"] / floor[f"{clock}_p50"]
                bench.results[f"rows {size}/{title}"] = found


def private(processes):
    """KiB that only the readers of netlink have, all of them together."""
    found = 0
    for pid in processes("usher-netlink"):
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                found += sum(int(line.split()[1]) for line in file if line.startswith("Private"))
        except OSError:
            pass  # it has just ended
    return found


def measure_company(bench, build, tools, processes, say):
    """What others feel, and what the service weighs, while a million rows go out."""
    say("others' Ping, and memory, beside a stream of a million")
    def ping():
        return bench.run(f"{tools}/calls", "ping", str(bench.n(5000)))[0]
    bench.results["company/idle"] = ping()
    time.sleep(1)  # who read for the last measurement goes
    before = private(processes)
    with subprocess.Popen([f"{build}/bench-netlink", *MILLION, f"{tools}/rows", "flow", str(SECONDS)], stdout=subprocess.PIPE,
                          text=True) as flow:
        flow.stdout.readline()  # the routes have been made
        time.sleep(0.5)
        bench.results["company/beside a million"] = ping()
        most = []
        for _ in range(20):
            if flow.poll() is None:
                most.append(private(processes))
                time.sleep(0.1)
        flow.communicate()
    if most:
        bench.results["company/memory"] = {"before": before, "p50": statistics.median(most), "most": max(most)}


def measure_monitors(bench, build, say):
    say("monitors")
    done = subprocess.run([f"{build}/bench-monitor", f"{build}/usher-netlink", str(bench.n(EVENTS)), *map(str, MONITORS)],
                          stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        bench.note(f"not measured: monitors: status {done.returncode}")
    for line in done.stdout.splitlines():
        found = json.loads(line)
        bench.results[f"monitors/{found['who']}"] = found


def targets(f, target):
    found = []
    def add(what, value, most, at_most=True, floor=None):
        if value is not None:
            found.append(target(what, value, most, at_most, floor=floor))
    for size in SIZES:
        for kind, most in (("records", 1.15), ("json", 1.6)):
            add(f"{size}, {KINDS[kind]}: CPU, floor = 1", f.get(f"rows {size}/{KINDS[kind]}", "ratio_cpu"), most,
                floor=f.get(f"rows {size}/{KINDS['memfd']}", "ratio_cpu"))
    dull = f.get("lookup/dull")
    for size in ("1,000", "100,000", "1,000,000"):
        received = f.get(f"bus {size}/received")
        add(f"{size} routes, Open and reading every row: wall, floor = 1", f.times(f.get(f"bus {size}/rows"), received), 1.35,
            floor=f.times(received + dull if received and dull else None, received))
    add("First row of a million, by a stream (p50, ms)", f.times(f.get("bus first/first"), 1000), 2, floor=f.times(f.get("bus first/ping"), 1000))
    ping, floor = f.get("lookup/ping"), f.get("lookup/dull-ping")
    floor = dull - floor if dull and floor else None
    for key, title in (("link", "one link"), ("route-get", "one route")):
        if ping and f.get(f"lookup/{key}"):
            add(f"Lookup of {title}, more than Ping (p50, µs)", f.get(f"lookup/{key}") - ping, 60, floor=floor)
            add(f"Lookup of {title}, more than Ping, times what a service takes for it that does nothing else", f.times(f.get(f"lookup/{key}") - ping, floor), 1.5)
    add("Others' Ping while a million rows go out, times idle (p99)",
        f.times(f.get("company/beside a million", "p99"), f.get("company/idle", "p99")), 2)
    memory = f.results.get("company/memory")
    if memory:
        add("Memory while a million rows are streamed, more than before (MiB)", (memory["most"] - memory["before"]) / 1024, 1)
    for n in MONITORS:
        row = f.results.get(f"monitors/{n}")
        if row:
            add(f"Route writer with {n} monitors: CPU, nobody = 1", row["writer"], 1.1,
                floor=f.get("monitors/a relay to 64" if n == 64 else "monitors/a bare socket", "writer"))
    add("Gaps, 1 monitor", f.get("monitors/1", "gaps"), 0)
    add("Changes told a second, 1 monitor", f.get("monitors/1", "told_per_second"), 150000, False,
        floor=f.get("monitors/1", "changes_per_second"))
    add("the same, as a share of what is made", f.times(f.get("monitors/1", "told_per_second"), f.get("monitors/1", "changes_per_second")),
        0.95, False)
    add("Changes a second that a listener has time for, 1 monitor", f.times(1e6, f.get("monitors/1", "listener")), 150000, False)
    return found


def render(f, table, number):
    rows = []
    for size in SIZES:
        for kind in (*KINDS.values(), "ip", "ip -j", "sd-netlink", *PEERS.values()):
            row = f.results.get(f"rows {size}/{kind}")
            if row:
                rows.append([size, kind, number(row["cpu_p50"] / 1000), number(row["wall_p50"] / 1000), f"{row['ratio_cpu']:.2f}",
                             f"{row['ratio_wall']:.2f}"])
    parts = []
    if rows:
        parts += ["", "## Rows of the kernel's tables", "",
                  "Three fields of each, in the process that asks for them; milliseconds, and multiples of receiving the same dump and "
                  "throwing it away; a multiple is the median of those of each round. `ip` is a whole process; pyroute2, netlinklib's shape "
                  "and sd-netlink, which is in systemd's own library, are without their start.", "",
                  table(["", "", "CPU", "wall", "× CPU", "× wall"], rows)]
    rows = [[f"{size} routes", number(f.get(f"bus {size}/received") / 1000), number(f.get(f"bus {size}/rows") / 1000),
             f"{f.get(f'bus {size}/rows') / f.get(f'bus {size}/received'):.2f}"]
            for size in ("1,000", "100,000", "1,000,000") if f.get(f"bus {size}/received")]
    if rows:
        parts += ["", "Over the bus, with the client reading every field of every row, beside itself receiving the dump and throwing it "
                  "away: wall, milliseconds.", "", table(["", "received", "Open, read", "×"], rows)]
    rows = [[title, number(f.get(key)), number(f.get(key, "p99"))] for title, key in (
        ("Ping", "lookup/ping"), ("Query of one link", "lookup/link"), ("Query of the route to an address", "lookup/route-get"),
        ("The route to an address, of a process beside that only asks the kernel", "lookup/relay"),
        ("A call like that, of a service that only asks such a process", "lookup/dull"), ("Ping of that service", "lookup/dull-ping"),
        ("Open of a million as a stream, until the first row", "bus first/first"), ("Ping, after the same pause", "bus first/ping"), ("Ping of another, idle", "company/idle"),
        ("Ping of another, while a million rows go out", "company/beside a million")) if f.get(key)]
    if rows:
        parts += ["", "Microseconds:", "", table(["", "p50", "p99"], rows)]
    rows = [[row["who"], f"{row['changes_per_second']:.0f}", number(row.get("told_per_second")), f"{row['writer']:.2f}", row.get("gaps", "-"),
             number(row.get("listener"))] for key, row in f.results.items() if key.startswith("monitors/")]
    if rows:
        parts += ["", "Routes added as fast as the kernel takes them, and who is told of it. *Writer* is its processor time for a route, as a "
                  "multiple of when nobody listens; *listener* that of who is told, for a change, in microseconds.", "",
                  table(["monitors", "made a second", "told a second", "writer", "gaps", "listener"], rows)]
    return parts
