"""Bytes that become text when a key is XORed with them: a key that stands in the skill, or one that can be guessed."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache

from haldir_scanner._decode._alphabets import HEX_BYTES
from haldir_scanner._decode._gates import Gate, places
from haldir_scanner._decode._look import PRINTABLE, is_plain, is_wordy
from haldir_scanner._decode._numbers import number
from haldir_scanner._decode._telltales import has_telltale

MOST_KEYS = 24

_CALLED = rb"[kK](?:ey|EY)\w{0,12}+[\"'`\])]{0,2}"
_NUMBER = rb"(?:0[xX][0-9a-fA-F]{1,2}|[0-9]{1,3})"
_LITERAL_KEY = re.compile(
    _CALLED
    + rb"(?:\s{0,3}(?:[:=]{1,2}|is|of)\s{0,3}|\s)(?:b|rb|bytes\.fromhex\(|Buffer\.from\()?[\"'`]([^\"'`\n]{1,64})[\"'`]"
)
_LIST_KEY = re.compile(
    _CALLED
    + rb"\s{0,3}[:=]\s{0,3}(?:bytes\(|bytearray\()?[\[(](\s{0,3}"
    + _NUMBER
    + rb"(?:\s{0,3},\s{0,3}"
    + _NUMBER
    + rb"){1,32})"
)
_NUMBER_KEY = re.compile(_CALLED + rb"[\s:=(,]{1,4}(" + _NUMBER + rb")\b")
_BARE_KEY = re.compile(_CALLED + rb"(?:\s{0,3}(?:[:=]|is)\s{0,3}|\s)([A-Za-z0-9_]{1,64})\b")
_OPERAND = re.compile(
    rb"(?:.?.?\^=?|_?[bB]?[xX][oO][rR]\w{0,8}+)[\s:=(,]{1,4}(?:with |by |key ){0,2}(" + _NUMBER + rb")\b"
)
_KEY_DISTANCE_BYTES = 3
_SHORTEST_BYTES = 8
_SAMPLE_BYTES = 1024
_LONGEST_GUESS = 16
_BYTES_FOR_EACH_KEY_BYTE = 8
_HIGH_BITS = bytes(byte >> 7 for byte in range(256))
# How likely a byte is in commands and in prose: space and small letters first.
_WEIGHTS = bytes(
    9 if byte == 0x20 else 6 if 0x61 <= byte < 0x7B else 3 if byte in PRINTABLE and byte != 0x1B else 0
    for byte in range(256)
)
_LIKELY = b" etaos/"
_CRIBS = (
    *(b"https://", b"http://", b"#!/bin/", b"import ", b"curl -", b"/bin/bash"),
    *(b"subprocess", b"instructions", b"previous ", b"powershell", b"password", b"base64"),
)
_CRIB_PLACES = 128


def keys(data: bytes) -> Iterator[bytes]:
    """What ``data`` calls a key, and the numbers that it XORs with."""
    for place in places(Gate.XOR, data):
        hit = _OPERAND.match(data, place)
        if hit is not None:
            yield bytes((number(hit[1]) & 0xFF,))
    for name in (b"key", b"Key", b"KEY"):
        place = data.find(name)
        while place >= 0:
            yield from _keys_at(data, place)
            place = data.find(name, place + _KEY_DISTANCE_BYTES)


def _keys_at(data: bytes, place: int) -> Iterator[bytes]:
    literal = _LITERAL_KEY.match(data, place)
    if literal is not None:
        yield literal[1]
        if len(literal[1]) % 2 == 0 and not literal[1].translate(None, HEX_BYTES):
            yield bytes.fromhex(literal[1].decode("ascii"))
        return
    listed = _LIST_KEY.match(data, place)
    if listed is not None:
        yield bytes(number(part.strip()) & 0xFF for part in listed[1].split(b","))
    numeric = _NUMBER_KEY.match(data, place)
    if numeric is not None:
        yield bytes((number(numeric[1]) & 0xFF,))
    bare = _BARE_KEY.match(data, place)
    if bare is not None:
        yield bare[1]


def with_key(data: bytes, key: bytes) -> bytes:
    """``data`` XORed with ``key``, which is repeated."""
    size = len(data)
    repeated = (key * (size // len(key) + 1))[:size]
    return (int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")


def opened_with(data: bytes, known: Iterable[bytes]) -> bytes:
    """What ``data`` says with the first of the keys that makes it say something; empty if none does."""
    if len(data) < _SHORTEST_BYTES:
        return b""
    for key in known:
        if any(key) and says_something(with_key(data[:_SAMPLE_BYTES], key)):
            return with_key(data, key)
    return b""


def says_something(sample: bytes) -> bool:
    """Whether a sample is text with a word of commands or orders, or a longer one that is plainly words."""
    if len(sample.translate(None, PRINTABLE)) * 64 > len(sample):
        return False
    return has_telltale(sample) or (len(sample) >= 24 and is_wordy(sample) and b" " in sample)


def may_be_guessed(data: bytes) -> bool:
    """Whether ``data`` may be text under a short key, by its high bits alone."""
    return next(lengths(data[:_SAMPLE_BYTES]), 0) > 0


def guessed_key(data: bytes) -> bytes:
    """A key of up to 16 bytes that makes ``data`` say something; empty if there is none."""
    sample = data[:_SAMPLE_BYTES]
    for length in lengths(sample):
        for crib in _CRIBS:
            # Two bytes have to agree, or any text at all would hold the crib.
            if length + 2 <= len(crib):
                for key in _from_crib(sample, crib, length):
                    if _is_text(with_key(sample, key)):
                        return key
    key = max((_likeliest(sample, length) for length in lengths(sample)), default=(0.0, b""))[1]
    return key if key and _is_text(with_key(sample, key)) else b""


def _is_text(sample: bytes) -> bool:
    return is_plain(sample) and is_wordy(sample) and has_telltale(sample)


def _from_crib(sample: bytes, crib: bytes, length: int) -> Iterator[bytes]:
    """The keys of ``length`` bytes that would make ``crib`` stand somewhere in the beginning of ``sample``."""
    size = len(crib)
    for begin in range(min(len(sample) - size, _CRIB_PLACES)):
        key = with_key(sample[begin : begin + size], crib)
        if key[length:] == key[: size - length]:
            turn = -begin % length
            yield key[turn:length] + key[:turn]


def lengths(sample: bytes) -> Iterator[int]:
    """How long a key may be: text has no high bits, so those of ``sample`` are those of the key, over and over."""
    bits = sample.translate(_HIGH_BITS)
    for length in range(1, min(_LONGEST_GUESS, len(sample) // _BYTES_FOR_EACH_KEY_BYTE) + 1):
        if (bits[:length] * (len(bits) // length + 1))[: len(bits)] == bits:
            yield length


def _likeliest(sample: bytes, length: int) -> tuple[float, bytes]:
    """How likely the likeliest text is that a key of ``length`` makes, and the key."""
    key = bytearray()
    total = 0
    for place in range(length):
        column = sample[place::length]
        common = [byte for byte, _ in Counter(column).most_common(4)]
        candidates = {byte ^ likely for byte in common for likely in _LIKELY}
        weight, best = max((sum(column.translate(_table(candidate))), candidate) for candidate in candidates)
        key.append(best)
        total += weight
    # A multiple of the true length fits as well, and by chance a little better.
    return total / len(sample) - 0.2 * length, bytes(key)


@cache
def _table(key: int) -> bytes:
    """The weight of each byte after the XOR."""
    return bytes(_WEIGHTS[byte ^ key] for byte in range(256))
