# SPDX-License-Identifier: LGPL-2.1-or-later
"""What it costs to watch a file system: by usher, by bare reads, and by others; for tests/bench/run."""

import contextlib
import json
import os
import select
import shutil
import statistics
import subprocess
import time

PLACE = "/home/watched"
TREES = {"10": 10, "100,000": 100000}
EVENTS = 240000
RECORDS = 4000000
SUBSCRIBERS = (1, 8, 32)
RENAMES = {"": 0, ", 10% renames": 10}
PATIENCE = 60


def named(name):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == name:
                found.append(int(pid))
        except OSError:
            pass
    return found


def fresh(directories=0, tools=None):
    """A file system with nothing on it, or a tree."""
    if os.path.ismount(PLACE):
        subprocess.run(["umount", "--lazy", PLACE], check=True)  # what has just been closed may hold it yet
    os.makedirs(PLACE, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2g,nr_inodes=2m,mode=755", "watched", PLACE], check=True)
    if directories:
        subprocess.run([f"{tools}/watch", "touch", PLACE, str(directories)], check=True)


def measure(bench, tools, weight, say):
    say("watches")
    with open("/etc/passwd", "a", encoding="ascii") as file:  # a bus takes nobody who has no name
        file.writelines(f"watcher{number}:x:{60000 + number}:{60000 + number}::/:/bin/false\n" for number in range(max(SUBSCRIBERS)))
    for title, count in TREES.items():
        fresh(count, tools)
        measure_open(bench, title)
        measure_weight(bench, title, weight)
        for name, start in (("inotifywait -r", start_inotifywait), ("watchman", start_watchman)):
            if not shutil.which(name.split()[0]):
                bench.note(f"not measured: {name}: not installed (tools/deps bench)")
                continue
            before, began = kernels(), time.monotonic()
            process, pid = start()
            bench.results[f"watch {title}/{name}"] = {"took": (time.monotonic() - began) * 1e6, **weight(pid), "kernel": kernels(before)}
            stop(process, pid)
    measure_active(bench, tools, weight)
    measure_events(bench, tools)
    measure_latency(bench)
    measure_streams(bench)
    subprocess.run(["umount", "--lazy", PLACE], check=True)  # what has just been closed may hold it yet


def kernels(before=0):
    """KiB of what the kernel keeps in small pieces and cannot give back: how much more than before."""
    with open("/proc/meminfo", encoding="ascii") as file:
        now = next(int(line.split()[1]) for line in file if line.startswith("SUnreclaim:"))
    return max(0, now - before)


def start_inotifywait():
    process = subprocess.Popen(["inotifywait", "-m", "-r", "-e", "create", PLACE], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    while b"established" not in (line := process.stderr.readline()):
        if not line:
            raise RuntimeError("inotifywait has failed")
    return process, process.pid


WATCHMAN = ("watchman", "--sockname=/tmp/watchman.sock", "--logfile=/tmp/watchman.log", "--pidfile=/tmp/watchman.pid", "--no-save-state")


def start_watchman():
    # The first question is answered when all of the tree has been read.
    for words in (("watch", PLACE), ("find", PLACE, "*.none")):
        subprocess.run([*WATCHMAN, *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=PATIENCE,
                       check=True)
    with open("/tmp/watchman.pid", encoding="ascii") as file:
        return None, int(file.read())


def stop(process, pid):
    os.kill(pid, 9)
    if process:
        process.stderr.close()
        process.wait()
    deadline = time.monotonic() + PATIENCE
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.05)


@contextlib.contextmanager
def watched():
    with subprocess.Popen(["usher", "watch", "-r", "--event", "create", PLACE], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as client:
        select.select([client.stderr], [], [], PATIENCE)
        yield
        client.kill()


def private_of_watchers(weight):
    return sum(weight(pid)["private"] for pid in named("usher-watcher"))


def measure_weight(bench, title, weight):
    """Of a watcher that has had nothing to tell."""
    before = kernels()
    with watched():
        bench.results[f"watch {title}/weight"] = {"private": private_of_watchers(weight), "kernel": kernels(before)}


def measure_active(bench, tools, weight):
    """Of a watcher that has had something to tell about each of 100,000 directories."""
    fresh()
    with watched():
        subprocess.run([f"{tools}/watch", "touch", PLACE, "100000"], check=True)
        time.sleep(2)
        bench.results["watch active"] = {"private": private_of_watchers(weight)}


def measure_open(bench, title):
    """Beside it what it cannot do without: a call, and a confined child that opens a directory."""
    for _ in range(bench.rounds):
        bench.measure(f"watch {title}", "watch", "subscribe", 0, PLACE, str(bench.n(200) // bench.rounds))
        bench.measure(f"watch {title}", "calls", "ping", 400 // bench.rounds)
        bench.measure(f"watch {title}", "floor", "handed", 200 // bench.rounds, "tree", PLACE)


def measure_events(bench, tools):
    """In rounds, so that what is compared is of the same moment."""
    found = {}
    for _ in range(bench.rounds):
        for title, every in RENAMES.items():
            words = [PLACE, str(bench.n(EVENTS) // bench.rounds), str(every)]
            runs = [(f"watch events{title}", kind, words) for kind in ("none", "floor", "inotify")]
            for count in SUBSCRIBERS:
                runs += [(f"watch events{title}, {count}", kind, [*words, str(count)]) for kind in ("sends", "usher")]
            for key, kind, arguments in runs:
                fresh()
                found.setdefault(f"{key}/{kind}", []).extend(bench.run(f"{tools}/watch", kind, *arguments))
    for key, lines in found.items():
        bench.results[key] = {"n": sum(line["n"] for line in lines), "lost": sum(line["lost"] for line in lines),
                              **{part: statistics.median(line[part] for line in lines) for part in ("reader", "writer", "a_second")}}
    for title in RENAMES:
        floors = found[f"watch events{title}/floor"]
        for count in SUBSCRIBERS:
            for kind in ("sends", "usher"):
                lines = found[f"watch events{title}, {count}/{kind}"]
                bench.results[f"watch events{title}, {count}/{kind}"]["times"] = statistics.median(
                    line["reader"] / floor["reader"] for line, floor in zip(lines, floors))


def measure_latency(bench):
    for _ in range(bench.rounds):
        for kind, count in (("inotify", 1000), ("relay", 1000), ("stream", 1000), ("signal", 100)):
            fresh()
            bench.measure("watch latency", "watch", f"latency-{kind}", 0, PLACE, str(bench.n(count) // bench.rounds))


def measure_awake(bench, tools):
    """What a target is about where it matters how fast processors wake."""
    fresh(TREES["10"], tools)
    measure_open(bench, "10")
    measure_latency(bench)


def measure_streams(bench):
    """What the way from the watcher to its readers could carry, if the kernel made so many events."""
    for count in SUBSCRIBERS:
        done = subprocess.run([f"{bench.build}/bench-stream", str(bench.n(RECORDS) // count), str(count)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, text=True, check=True)
        bench.results[f"watch streams, {count}"] = json.loads(done.stdout)


# ---- what is told of it

def floor_of_open(f, title):
    """A call, what its child does, and to another process and back."""
    parts = [f.get(f"watch {title}/{name}") for name in ("ping", "handed")]
    latencies = [f.get(f"watch latency/{name}") for name in ("latency-inotify", "latency-relay")]
    return None if None in parts + latencies else sum(parts) + 2 * (latencies[1] - latencies[0])


def targets(f, target):
    rows = []
    for title in TREES:
        rows.append(target(f"Watches.Open on a tree of {title} directories (p50, ms)", f.times(f.get(f"watch {title}/subscribe"), 1000), 1,
                           floor=f.times(floor_of_open(f, title), 1000)))
    for title in RENAMES:
        for count in SUBSCRIBERS:
            usher, sends = f"watch events{title}, {count}/usher", f"watch events{title}, {count}/sends"
            words = f"{count} subscriber{'s' if count > 1 else ''}{title}"
            rows.append(target(f"Processor time of an event with {words} (µs)", f.get(usher, "reader"), 2.0, floor=f.get(sends, "reader")))
            rows.append(target(f"Times the bare read, {words}", f.get(usher, "times"), 2.0, floor=f.get(sends, "times")))
    rows.append(target("Latency of a stream when idle (p50, µs)", f.get("watch latency/latency-stream"), 75,
                       floor=f.get("watch latency/latency-relay")))
    rows.append(target("Records a second that the stream of one subscriber carries (millions)", f.times(f.get("watch streams, 1", "a_second"), 1e6), 1, at_most=False))
    full = f.get("watch active", "private")
    rows.append(target("Private memory of a watcher, 100,000 active directories (MB)", f.times(full, 1000000 / 1024), 20))
    return rows


def render(f, table, number):
    parts = ["\n## Watches\n\nUntil a tree is watched, and what who watches it weighs then: of usher its watcher, which all share, and a second watch "
             "weighs\nnothing more. *The kernel's* is how much more there is then of what it cannot give back; the directories that inotify holds on to come\n"
             "on top of that.\n"]
    rows = []
    for title in TREES:
        rows.append([f"usher, {title} directories", number(f.get(f"watch {title}/subscribe")),
                     *(number(f.get(f"watch {title}/weight", part)) for part in ("private", "kernel"))])
        for name in ("inotifywait -r", "watchman"):
            rows.append([f"{name}, {title} directories", *(number(f.get(f"watch {title}/{name}", part)) for part in ("took", "private", "kernel"))])
    rows.append(["usher, 100,000 directories, all of them active", "-", number(f.get("watch active", "private")), "-"])
    parts.append(table(["", "µs (p50)", "private KiB", "the kernel's KiB"], rows))
    parts.append(f"\n{EVENTS} files made in 64 directories of a tmpfs, one event each; with renames, a directory is renamed after every tenth, "
                 "which is\nan event, too. *Reader* is the processor time for an event of who reads from the kernel: of usher the watcher, with all "
                 "it tells;\nroot's bare `read` of fanotify is the floor, and the same that sends as much to so many, unread, what telling them "
                 "costs at least.\n*Writer* is what an event takes the one who makes it. Medians of rounds in each of which all have been measured.\n")
    rows = []
    for title in RENAMES:
        for name, key in (("nobody", f"watch events{title}/none"), ("bare fanotify", f"watch events{title}/floor"),
                          ("bare inotify, 64 watches", f"watch events{title}/inotify"),
                          *((f"{name} {count} {one}{'s' if count > 1 else ''}", f"watch events{title}, {count}/{kind}")
                            for name, one, kind in (("bare fanotify, sent to", "reader", "sends"), ("usher,", "subscriber", "usher"))
                            for count in SUBSCRIBERS)):
            rows.append([name + title, *(f"{f.get(key, part):.2f}" if f.get(key, part) else "-" for part in ("reader", "writer")),
                         number(f.get(key, "a_second")), f.get(key, "lost") if f.get(key, "lost") is not None else "-"])
    parts.append(table(["who looks", "reader, µs", "writer, µs", "events a second", "lost"], rows))
    parts.append("\nFrom making a file until who watches has read it, on an idle machine, in microseconds.\n")
    parts.append(table(["", "p50", "p95", "p99"], [[name, *(number(f.get(f"watch latency/latency-{key}", part)) for part in ("p50", "p95", "p99"))]
                                            for name, key in (("inotify", "inotify"), ("inotify, relayed by another process", "relay"), ("usher, stream", "stream"), ("usher, signal", "signal"))]))
    parts.append("\nWhat the streams carry if nobody makes the events: the watcher's own writing and libusher's reading, as fast as they can on these\n"
                 "processors. *Writing* and *reading* are the processor time of a record for one subscriber.\n")
    parts.append(table(["subscribers", "records a second, each", "all together", "writing, ns", "reading, ns"],
                       [[str(count), number(f.get(f"watch streams, {count}", "a_second")), number(f.times(f.get(f"watch streams, {count}", "a_second"), 1 / count)),
                         *(number(f.get(f"watch streams, {count}", part)) for part in ("writing", "reading"))] for count in SUBSCRIBERS]))
    return parts
