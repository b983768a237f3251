"""The filter of system calls decides as it should on both machines, also the one not at hand."""

import errno
import re
import struct
from pathlib import Path

import pytest

from assignments.sandbox import seccomp
from tests.support.programs import missing

HEADERS = {
    "x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
    "aarch64": "/usr/include/asm-generic/unistd.h",
}
ALL = {**seccomp.REFUSED, "clone": seccomp.CLONE, "clone3": seccomp.CLONE3}
ALL |= {name: row[0] for name, row in seccomp.ALLOWED_VALUES.items()}
ALL |= {name: row[0] for name, row in seccomp.REFUSED_VALUES.items()}


def decision(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """The error that a call gets, 0 where it is let through; the kernel's rules in few lines."""
    column, own = seccomp.MACHINES[machine]
    call = struct.pack("<iIQ", number, own if architecture is None else architecture, 0)
    call += struct.pack("<6Q", *arguments, *[0] * (6 - len(arguments)))
    tests = {
        seccomp.EQUAL: lambda a, b: a == b,
        seccomp.AT_LEAST: lambda a, b: a >= b,
        seccomp.ANY_BIT: lambda a, b: bool(a & b),
    }
    lines = list(struct.iter_unpack("<HBBI", seccomp.program(machine)))
    place = register = 0
    while True:
        code, if_true, if_false, value = lines[place]
        place += 1
        if code == seccomp.RETURN:
            return 0 if value == seccomp.ALLOW else value & 0xFFFF
        if code == seccomp.LOAD:
            [register] = struct.unpack_from("<I", call, value)
        else:
            place += if_true if tests[code](register, value) else if_false


@pytest.fixture(params=seccomp.MACHINES)
def machine(request: pytest.FixtureRequest) -> str:
    return request.param


def test_calls_are_refused_and_others_let_through(machine: str) -> None:
    column = seccomp.MACHINES[machine][0]
    known = {numbers[column] for numbers in ALL.values()}
    refused = {numbers[column] for numbers in seccomp.REFUSED.values()}
    assert len(known) == len(ALL)
    for number in range(500):
        if number not in known:
            assert decision(machine, number) == 0, number
        elif number in refused:
            assert decision(machine, number) == errno.EPERM, number


def test_what_depends_on_an_argument(machine: str) -> None:
    def answers(name: str, place: int, values: tuple[int, ...]) -> list[int]:
        number = ALL[name][seccomp.MACHINES[machine][0]]
        return [decision(machine, number, *[0] * place, value) for value in values]

    no = errno.EPERM
    assert answers("tgkill", 2, (6, 9, 15, 19)) == [0, no, 0, no]
    assert answers("prlimit64", 0, (0, 2)) == [0, no]
    assert answers("fcntl", 1, (1, 8, 10)) == [0, 0, no]
    assert answers("socket", 0, (1, 2, 10, 16, 17, 40)) == [0, 0, 0, no, no, no]
    assert answers("clone", 0, (0x11, 0x10000011, 0x7C020000)) == [0, no, no]
    assert answers("clone3", 0, (0,)) == [errno.ENOSYS]
    # the kernel reads 32 bits of these arguments, whatever stands above them
    assert answers("tgkill", 2, (9 | 1 << 32,)) == [no]
    assert answers("prlimit64", 0, (1 << 32,)) == [0]


def test_other_ways_to_the_same_calls_are_closed(machine: str) -> None:
    assert decision(machine, 0, architecture=0x40000003) == errno.EPERM  # 32-bit x86
    assert decision(machine, 0x40000000) == errno.EPERM


def test_the_kernel_takes_programs_of_this_length(machine: str) -> None:
    assert len(seccomp.program(machine)) // 8 < 4096
    assert set(seccomp.programs()) == {"x86_64", "aarch64"}


def test_the_numbers_are_those_of_the_headers(machine: str) -> None:
    header = Path(HEADERS[machine])
    if not header.exists():
        missing("the kernel's headers are not installed")
    named = re.findall(r"#define __NR(?:3264)?_(\w+) (\d+)", header.read_text(encoding="utf-8"))
    numbers = {name: int(number) for name, number in named}
    column = seccomp.MACHINES[machine][0]
    shared = {name: numbers[name] for name in ALL if name in numbers}  # older ones lack some
    assert len(shared) > 40
    assert shared == {name: ALL[name][column] for name in shared}
