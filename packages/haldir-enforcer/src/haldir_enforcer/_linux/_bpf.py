"""A small assembler for the classic BPF programs that seccomp takes."""

import struct
from collections.abc import Mapping, Sequence

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


def search(cases: Mapping[int, Sequence[Instruction]], otherwise: Sequence[Instruction]) -> list[Instruction]:
    """Run what belongs to the loaded word, found in a few steps: the kernel takes every number through the program."""
    begins: list[tuple[int, Sequence[Instruction]]] = [(0, otherwise)]
    for number in sorted(cases):
        for begin, program in ((number, cases[number]), (number + 1, otherwise)):
            if begins[-1][0] == begin:
                begins.pop()
            begins.append((begin, program))
    return _halved([piece for at, piece in enumerate(begins) if not at or piece[1] is not begins[at - 1][1]])


def _halved(begins: Sequence[tuple[int, Sequence[Instruction]]]) -> list[Instruction]:
    """Return the search among programs, each for the words from one number on."""
    if len(begins) == 1:
        return list(begins[0][1])
    middle = len(begins) // 2
    low_half, high_half = _halved(begins[:middle]), _halved(begins[middle:])
    step_over = Instruction(JUMP, 0, 0, len(low_half))  # the other jumps reach only 255 instructions
    return [Instruction(GREATER_OR_EQUAL, 0, 1, begins[middle][0]), step_over, *low_half, *high_half]


def assemble(program: Sequence[Instruction]) -> bytes:
    """Return the program as the kernel reads it: struct sock_filter, one after another."""
    return b"".join(struct.pack("HBBI", i.code, i.if_true, i.if_false, i.value) for i in program)
