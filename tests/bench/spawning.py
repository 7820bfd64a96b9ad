# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a program in namespaces of its own costs: by usher, by bare system calls, and by others; for tests/bench/run."""

import json
import os
import shutil
import subprocess
import time

TRUE = "/bin/true"
PLACE = "/home/alice/containers"
IDLE = 20  # so many idle namespaces of each kind
SESSION = "tests/system/session-of"


def bundle():
    """What crun is given: the machine's /usr, read-only, and namespaces of every kind."""
    root = f"{PLACE}/rootfs"
    for name in ("usr", "proc", "dev"):
        os.makedirs(f"{root}/{name}")
    for name in ("bin", "sbin", "lib", "lib64"):
        os.symlink(f"usr/{name}", f"{root}/{name}")
    mapping = [{"containerID": 0, "hostID": 51001, "size": 1}]
    config = {
        "ociVersion": "1.0.0",
        "process": {"terminal": False, "user": {"uid": 0, "gid": 0}, "args": [TRUE], "env": ["PATH=/bin"], "cwd": "/",
                    "noNewPrivileges": True},
        "root": {"path": "rootfs", "readonly": True}, "hostname": "bench",
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                   {"destination": "/usr", "type": "bind", "source": "/usr", "options": ["rbind", "ro"]},
                   {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]}],
        "linux": {"namespaces": [{"type": name} for name in ("user", "mount", "pid", "ipc", "uts", "network", "cgroup")],
                  "uidMappings": mapping, "gidMappings": mapping},
    }
    with open(f"{PLACE}/config.json", "w", encoding="ascii") as file:
        json.dump(config, file)
    config["process"]["args"] = ["/bin/sleep", "1000"]
    os.makedirs(f"{PLACE}/idle")
    with open(f"{PLACE}/idle/config.json", "w", encoding="ascii") as file:
        json.dump(config, file)
    os.symlink("../rootfs", f"{PLACE}/idle/rootfs")
    subprocess.run(["chown", "-Rh", "alice:", PLACE], check=True)
    os.makedirs("/home/machine")
    subprocess.run(["mount", "--bind", "/", "/home/machine"], check=True)


CRUN = ("crun", "--cgroup-manager=disabled", "--root", "/tmp/crun-alice", "run")
BWRAP = ("bwrap", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev")

# what, the command, how often, whose
COMMANDS = (
    ("usher run --all -- /bin/true", ("usher", "run", "--all", "--", TRUE), 200, "alice"),
    ("unshare -Urmpf --mount-proc", ("unshare", "-Urmpf", "--mount-proc", TRUE), 200, "alice"),
    ("bwrap --unshare-all", (*BWRAP, TRUE), 200, "alice"),
    ("crun run", (*CRUN, "--bundle", PLACE, "bench"), 100, "alice"),
    ("systemd-run --pipe by root", ("systemd-run", "--pipe", "--wait", "--quiet", TRUE), 50, "root"),
    ("systemd-nspawn by root", ("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--link-journal=no", "--read-only", "-D",
                                "/home/machine", TRUE), 20, "root"),
)


def measure_program(bench, name):
    for kind in ("spawn", "spawn-first", "exec"):
        bench.measure("spawning/floor", "floor", kind, 500 // bench.rounds, name, user="alice")
    for key, types in (("all", "all"), ("none", "none")):
        try:
            bench.measure(f"spawning/{key}", "calls", "spawn", 500 // bench.rounds, types, name, user="alice")
        except RuntimeError as error:
            bench.note(f"not measured: Spawn: {error}")


def measure(bench, say):
    say("programs in namespaces of their own")
    bundle()
    there = [row for row in COMMANDS if shutil.which(row[1][0])]
    for key in (row[0] for row in COMMANDS if row not in there):
        bench.note(f"not measured: {key}: not installed (tools/deps bench)")
    for _ in range(bench.rounds):
        measure_program(bench, TRUE)
        for key, command, count, user in there:
            bench.command(f"spawn: {key}", count // bench.rounds, command, user=user)


# ---- memory

def idle(commands, source):
    """So many at once, each of them a command of alice's that stays."""
    return [subprocess.Popen([f"{source}/{SESSION}", "alice", "--", *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            for words in commands]


def named(name):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
                if file.read().strip() == name:
                    found.append(int(pid))
        except OSError:
            pass
    return found


def measure_memory(bench, source, tools, weight, say):
    """Of one idle namespace: all processes that are there for no other reason."""
    say("idle namespaces")
    for key, command, names in (("bwrap --unshare-all sleep", (*BWRAP, "sleep", "1000"), ("bwrap", "sleep")),
                                ("crun run of sleep", (*CRUN, "--bundle", f"{PLACE}/idle", "idle-{}"), ("memfd:crun_clon", "crun", "sleep"))):
        before = {pid for name in names for pid in named(name)}
        running = idle([[word.format(number) for word in command] for number in range(IDLE)], source)
        time.sleep(3)
        keep(bench, key, [pid for name in names for pid in named(name) if pid not in before], weight)
        for process in running:
            process.kill()
        for pid in [pid for name in names for pid in named(name) if pid not in before]:
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                pass
    with subprocess.Popen([f"{source}/{SESSION}", "alice", "--", f"{tools}/calls", "create", str(IDLE)], stdout=subprocess.PIPE,
                          text=True) as client:
        if client.stdout.readline().strip() == "made":
            time.sleep(1)
            keep(bench, "usher's leader of a namespace", leaders(), weight)
        else:
            bench.note("not measured: idle namespaces of usher's")
        for pid in named("calls"):  # it waits for a signal, and nothing of it is to stay
            os.kill(pid, 15)


def leaders():
    """Processes that are the first of a pid namespace, with nothing but usher's program in them."""
    found = []
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
                status = dict(line.split(":\t", 1) for line in file if ":\t" in line)
            own = os.readlink(f"/proc/{pid}/ns/pid") != os.readlink("/proc/1/ns/pid")
        except OSError:
            continue
        if own and status["NSpid"].split()[-1] == "1":
            found.append(pid)
    return found


def keep(bench, key, pids, weight):
    found = [weight(pid) for pid in pids]
    bench.results[f"idle namespace/{key}"] = {
        "n": IDLE, "processes": len(found) / IDLE, **{part: sum(each[part] for each in found) / IDLE for part in ("rss", "pss", "private")}}


# ---- what is told of it

def least(f):
    """Of what is asked for over the bus and made by a confined child, with a first process that reaps."""
    parts = [f.get(key) for key in ("root/ping", "floor, tree/handed", "spawning/floor/spawn-first")]
    return sum(parts) if all(parts) else None


def targets(f, target):
    floor, spawn = f.get("spawning/floor/spawn"), f.get("spawning/all/spawn")
    command = "command/spawn: "
    rows = [target("Spawn in all namespaces, times the bare system calls (p50)", f.times(spawn, floor), 2,
                   floor=f.times(least(f), floor))]
    for name in ("bwrap --unshare-all", "crun run", "systemd-run --pipe by root"):
        rows.append(target(f"{name}, times Spawn (p50)", f.times(f.get(command + name), spawn), 1, False))
    rows.append(target("bwrap --unshare-all, times usher run --all (p50)",
                       f.times(f.get(f"{command}bwrap --unshare-all"), f.get(f"{command}usher run --all -- /bin/true")), 1, False))
    rows.append(target("Private memory of a namespace that nobody is in", f.get("idle namespace/usher's leader of a namespace", "private"),
                       300, unit_of=" KiB"))
    return rows


def render(f, table, number):
    rows = []
    for title, key in (("clone3, maps, /proc, execve, wait: the floor", "spawning/floor/spawn"),
                       ("the same with a first process that reaps, and the loopback up", "spawning/floor/spawn-first"),
                       ("posix_spawn, wait, without namespaces", "spawning/floor/exec"),
                       ("Spawn with types all: until the answer", "spawning/all/spawn-answer"),
                       ("Spawn with types all: until the program's end", "spawning/all/spawn"),
                       ("Spawn without types: until the answer", "spawning/none/spawn-answer"),
                       ("Spawn without types: until the program's end", "spawning/none/spawn"),
                       *((name, f"command/spawn: {name}") for name, *_ in COMMANDS)):
        mean = f.get(key, "mean")
        rows.append([title, number(f.get(key)), number(f.get(key, "p99")), number(1e6 / mean if mean else None)])
    parts = ["\n## Programs in namespaces of their own\n\nMicroseconds for `/bin/true`, by alice unless it says otherwise. Spawn is called over "
             "one open connection; the commands are\nstarted anew each time, connection included.\n",
             table(["", "p50", "p99", "a second"], rows)]
    rows = [[key.removeprefix("idle namespace/"), f"{value['processes']:.3g}", *(number(value[part]) for part in ("rss", "pss", "private"))]
            for key, value in f.results.items() if key.startswith("idle namespace/")]
    parts.append(f"\nKiB for each of {IDLE} idle namespaces:\n")
    parts.append(table(["", "processes", "RSS", "PSS", "private"], rows))
    return parts
