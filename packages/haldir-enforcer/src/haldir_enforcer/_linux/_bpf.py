"""A small assembler for the classic BPF programs that seccomp takes."""

import struct
from collections.abc import Sequence

from attrs import frozen

# include/uapi/linux/bpf_common.h
LOAD, JUMP, EQUAL, GREATER_OR_EQUAL, ANY_BIT, RETURN = 0x20, 0x05, 0x15, 0x35, 0x45, 0x06

# struct seccomp_data: nr, arch, instruction_pointer, args[6]; both architectures are little endian
NUMBER_AT, ARCH_AT, ARGUMENTS_AT = 0, 4, 16

ALLOW, NOTIFY, _ERRNO = 0x7FFF0000, 0x7FC00000, 0x00050000


@frozen(eq=False)
class Instruction:
    """One instruction; the jumps count the instructions that are left out."""

    code: int
    if_true: int
    if_false: int
    value: int


@frozen(eq=False)
class Test:
    """Half of an argument (0 low, 1 high) compared with a value.  ``code`` is EQUAL or ANY_BIT."""

    argument: int
    half: int
    code: int
    value: int


def refuse(number: int) -> int:
    """Return the verdict that makes the call fail with this errno."""
    return _ERRNO | number


def low(argument: int, code: int, value: int) -> Test:
    """Test the low half of an argument."""
    return Test(argument, 0, code, value)


def high(argument: int, code: int, value: int) -> Test:
    """Test the high half of an argument."""
    return Test(argument, 1, code, value)


def verdict(value: int) -> list[Instruction]:
    """End with this verdict."""
    return [Instruction(RETURN, 0, 0, value)]


def load(offset: int) -> list[Instruction]:
    """Load one word of seccomp_data."""
    return [Instruction(LOAD, 0, 0, offset)]


def when(code: int, value: int, then: Sequence[Instruction]) -> list[Instruction]:
    """Run ``then`` if the loaded word passes, else step over it."""
    return [Instruction(code, 0, len(then), value), *then]


def first_match(cases: Sequence[tuple[Test, int]], otherwise: int) -> list[Instruction]:
    """End with the verdict of the first test that passes, or with ``otherwise``."""
    program: list[Instruction] = []
    for test, result in cases:
        program += load(ARGUMENTS_AT + 8 * test.argument + 4 * test.half)
        program += when(test.code, test.value, verdict(result))
    return program + verdict(otherwise)


def assemble(program: Sequence[Instruction]) -> bytes:
    """Return the program as the kernel reads it: struct sock_filter, one after another."""
    return b"".join(struct.pack("HBBI", i.code, i.if_true, i.if_false, i.value) for i in program)
