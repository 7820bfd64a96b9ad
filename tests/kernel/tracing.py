# SPDX-License-Identifier: LGPL-2.1-or-later
"""What whoever may trace a process can have it do, or see of it.  For x86-64 alone, whose registers these are."""

import ctypes
import os
import signal

import ring

ATTACH, DETACH, SYSCALL, GETREGS, SETREGS, POKETEXT, SETOPTIONS, GETEVENTMSG = 16, 17, 24, 12, 13, 4, 0x4200, 0x4201
TRACE_FORKS = 2
READ, WRITE, FORK = 0, 1, 57
REGISTERS = 27
RAX, RDX, RSI, ORIG_RAX, RIP = 10, 12, 13, 15, 16
WALL = 0x40000000
SYSCALL_SIZE = 2  # of the instruction
ON_THE_SPOT = 0xfeeb  # a jump to itself


def trace(request, pid, address=0, data=0):
    return ring.checked(ring.libc.ptrace(ctypes.c_long(request), ctypes.c_long(pid), ctypes.c_void_p(address),
                                         data if isinstance(data, ctypes.Array) else ctypes.c_void_p(data)), "ptrace")


def registers_of(pid):
    registers = (ctypes.c_ulong * REGISTERS)()
    trace(GETREGS, pid, data=registers)
    return registers


def stopped(pid):
    """Why: a signal, and of an event its number above that."""
    status = os.waitpid(pid, WALL)[1]
    assert os.WIFSTOPPED(status), status
    return status >> 8


def call(pid, registers, number):
    """Set to make that call next, and no other again."""
    changed = type(registers)(*registers)
    changed[RAX], changed[ORIG_RAX] = number, ctypes.c_ulong(-1).value
    changed[RIP] -= SYSCALL_SIZE
    trace(SETREGS, pid, data=changed)


def bear(pid, works=False):
    """A child for a process that waits to read something, and goes on waiting; the child's process id.

    For the child there was nothing to read; or it works on the spot until somebody ends it."""
    ring.wait_until(lambda: ring.read(f"/proc/{pid}/syscall").split()[0] == str(READ), "it waits to read")
    trace(ATTACH, pid)
    stopped(pid)
    trace(SETOPTIONS, pid, data=TRACE_FORKS)
    registers = registers_of(pid)
    call(pid, registers, FORK)
    trace(SYSCALL, pid)
    while stopped(pid) != signal.SIGTRAP | 1 << 8:
        trace(SYSCALL, pid)
    child = ctypes.c_ulong()
    trace(GETEVENTMSG, pid, data=ctypes.cast(ctypes.byref(child), ctypes.POINTER(ctypes.c_ulong * 1)).contents)
    stopped(child.value)
    if works:
        trace(POKETEXT, child.value, registers_of(child.value)[RIP], ON_THE_SPOT)
    trace(SYSCALL, pid)  # until it is back from the fork
    stopped(pid)
    call(pid, registers, READ)
    for one in (pid, child.value):
        trace(DETACH, one)
    return child.value


def written(pid, size, trigger):
    """What a process writes first, of so many bytes, after what has it do so."""
    trace(ATTACH, pid)
    stopped(pid)
    trigger()
    while True:
        trace(SYSCALL, pid)
        stopped(pid)
        registers = registers_of(pid)
        if registers[ORIG_RAX] == WRITE and registers[RDX] == size:
            break
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        memory.seek(registers[RSI])
        data = memory.read(size)
    trace(DETACH, pid)
    return data
