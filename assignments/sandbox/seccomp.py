"""The filter of system calls under which a student's code runs, as programs for Linux's seccomp.

Limits of the kernel leave gaps: memory that no limit counts (shared, of memory files, of new file
systems), signals to the supervisor, which has the same user, sockets to the machine around a
virtual one. What opens such a gap is answered with an error; the rest is let through.
Numbers of calls: Linux's arch/x86/entry/syscalls/syscall_64.tbl and asm-generic/unistd.h.
"""

import base64
import errno
import struct

# The number of each refused call on x86_64 and on aarch64.
REFUSED = {
    # signals to the supervisor, and sessions, which would each get a share of the processors
    "kill": (62, 129),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "setsid": (112, 157),
    # other processes' memory, pages and priority
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    # namespaces and file systems, in which an ordinary user would be root
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    # memory that RLIMIT_DATA does not count
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    # parts of the kernel that get round filters, or that nobody needs here
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
}
# Calls that depend on one argument: its place, and the values that are let through or refused.
ALLOWED_VALUES = {
    "prlimit64": ((302, 261), 0, (0,)),  # one's own limits, not the supervisor's
    "sched_setaffinity": ((203, 122), 0, (0,)),
    "socket": ((41, 198), 0, (1, 2, 10)),  # AF_UNIX, AF_INET, AF_INET6: AF_VSOCK has no namespace
}
REFUSED_VALUES = {
    "tgkill": ((234, 131), 2, (9, 19)),  # raise() needs it; the supervisor ignores other signals
    "fcntl": ((72, 25), 1, (10,)),  # F_SETSIG, which makes a kill out of a readable pipe
}
CLONE, CLONE3, NEW_USER = (56, 220), (435, 435), 0x10000000
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
OTHER_NUMBERS = 0x40000000  # x86_64's x32 calls: the same deeds under other numbers

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data


def programs() -> dict[str, str]:
    """The filter as base64 of its instructions, by what `platform.machine()` calls the machine."""
    return {name: base64.b64encode(program(name)).decode() for name in MACHINES}


def program(machine: str) -> bytes:
    """The filter for one machine: struct sock_filter one after the other, little-endian."""
    column, architecture = MACHINES[machine]
    lines = [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, architecture), _refuse(errno.EPERM)]
    lines += [(LOAD, 0, 0, NUMBER), (AT_LEAST, 0, 1, OTHER_NUMBERS), _refuse(errno.EPERM)]
    for numbers in REFUSED.values():
        lines += [(EQUAL, 0, 1, numbers[column]), _refuse(errno.EPERM)]
    # Without clone3, whose flags lie in memory, the C library takes clone.
    lines += [(EQUAL, 0, 1, CLONE3[column]), _refuse(errno.ENOSYS)]
    lines += _on_argument(CLONE[column], 0, [(ANY_BIT, NEW_USER, errno.EPERM)], 0)
    for numbers, place, values in ALLOWED_VALUES.values():
        tests = [(EQUAL, value, 0) for value in values]
        lines += _on_argument(numbers[column], place, tests, errno.EPERM)
    for numbers, place, values in REFUSED_VALUES.values():
        tests = [(EQUAL, value, errno.EPERM) for value in values]
        lines += _on_argument(numbers[column], place, tests, 0)
    lines.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("<HBBI", *line) for line in lines)


def _on_argument(
    number: int, place: int, tests: list[tuple[int, int, int]], otherwise: int
) -> list[tuple[int, int, int, int]]:
    """One call decided by the low half of an argument: the error of the first test that holds.

    Error 0 lets the call through, as does `otherwise` 0 where no test holds.
    """
    lines = [(LOAD, 0, 0, ARGUMENTS + 8 * place)]
    for test, value, error in tests:
        lines += [(test, 0, 1, value), _refuse(error)]
    lines.append(_refuse(otherwise))
    return [(EQUAL, 0, len(lines), number), *lines]


def _refuse(error: int) -> tuple[int, int, int, int]:
    return RETURN, 0, 0, (REFUSE | error) if error else ALLOW
