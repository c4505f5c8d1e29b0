"""Runs of characters of one alphabet: base64, base32 and hex, also broken over lines and literals."""

import re
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import pairwise

from attrs import frozen

from haldir_scanner._decode._alphabets import (
    BASE64_BYTES,
    base64_offset,
    codec,
    decoded,
    fits,
    from_base64,
    is_hex,
)
from haldir_scanner._decode._gates import Gate, places
from haldir_scanner._decode._layer import Blob
from haldir_scanner._decode._look import is_plain, look

_SHORTEST_CHARACTERS = 24
_RUN_BYTES = BASE64_BYTES + b"-_"
_CLASSES = bytes(0x41 if byte in _RUN_BYTES else 0x2E for byte in range(256))
_NEEDLE = b"A" * _SHORTEST_CHARACTERS
_LONGEST_GAP_BYTES = 80
# What stands between the parts of a literal, a list or a wrapped block: b"..." \, `...` |, 2. ..., \n
_GAP_BYTES = b" \t\r\n\f\"'`+,.;\\()[]{}|>*#:=-0123456789bnrt"
_WRAP_BYTES = b" \t\r\n"
_TAIL = re.compile(
    rb"([\s\"'`+,.;\\()\[\]|>*#:]{1,40}(?:-\s{1,3}|\d{1,3}[.)]\s{1,3})?b?[\"'`]?)([A-Za-z0-9+/_-]{1,23})"
    rb"(={0,2})(?![A-Za-z0-9+/_-])"
)
_SHORT = re.compile(rb"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{8,23}(?![A-Za-z0-9+/_-])")
_CONTEXT_BYTES = 240
_SHORTEST_IN_CONTEXT = 12
_SHORTEST_ANYWHERE = 16
_CONTEXT_GATES = (Gate.BASE64, Gate.HEX, Gate.BASE32)
_SOURCE_MAP = b"sourceMappingURL=data:"
_MEDIA = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"RIFF",
    b"wOFF",
    b"wOF2",
    b"OTTO",
    b"\0\x01\0\0",
    b"\0asm",
    b"\x30\x82",
)
_NOISE_HEAD = 128
_LINE_VARIETY = 8  # different characters at most in a run that is a line, a rule or a filler
_READABLE = re.compile(rb"[\t\n\r -~]{18}")

Run = tuple[int, int]


@frozen
class Decoding:
    """How the runs of one text are decoded.

    Attributes:
        max_bytes: of one blob, at least one more than is searched.
        keeps_noise: whether blobs that look like nothing are wanted too.
    """

    max_bytes: int
    keeps_noise: bool = False


def long_runs(data: bytes, decoding: Decoding) -> Iterator[Blob]:
    """What runs of at least 24 characters say, one after the other or put together."""
    runs = list(_runs(data))
    alphabets = [data[begin:end] for begin, end in runs if _is_alphabet(data[begin:end])]
    for group in _groups(data, runs):
        yield from _from_group(data, group, decoding)
        for alphabet in alphabets[:4]:
            yield from _own_alphabet(data, group, alphabet, decoding)


def short_runs(data: bytes, present: frozenset[Gate], *, anywhere: bool) -> Iterator[Blob]:
    """What runs of 12 to 23 characters (8, with padding) say that stand beside the name of their codec."""
    for begin, end in _context(data, present):
        for hit in _SHORT.finditer(data, begin, end):
            is_padded = data[hit.end() : hit.end() + 1] == b"="
            if is_padded or hit.end() - hit.start() >= _SHORTEST_IN_CONTEXT:
                yield from _short(hit)
    if anywhere:
        for hit in _SHORT.finditer(data):
            if hit.end() - hit.start() >= _SHORTEST_ANYWHERE:
                yield from _short(hit)


def from_run(run: bytes) -> tuple[str, bytes] | None:
    """What a run says that was put together from elsewhere, and its codec."""
    found = codec(run)
    return None if found is None else (found[0], decoded(found[0], run[found[1] :]))


def _runs(data: bytes) -> Iterator[Run]:
    mapped = data.translate(_CLASSES)
    begin = mapped.find(_NEEDLE)
    while begin >= 0:
        end = mapped.find(b".", begin + _SHORTEST_CHARACTERS)
        end = len(mapped) if end < 0 else end
        # The n of a line feed that is written as an escape is none of the run.
        is_escape = begin > 0 and data[begin - 1] == 0x5C and data[begin] in b"nrt"
        yield begin + is_escape, end
        begin = mapped.find(_NEEDLE, end)


def _is_alphabet(run: bytes) -> bool:
    return len(run) in (64, 65) and len(set(run)) >= 64 and not run.startswith(BASE64_BYTES[:62])


def _groups(data: bytes, runs: Sequence[Run]) -> Iterator[list[Run]]:
    """The runs, those together that may be parts of one."""
    group = list(runs[:1])
    for before, run in pairwise(runs):
        gap = data[before[1] : run[0]] if run[0] - before[1] <= _LONGEST_GAP_BYTES else b"?"
        if gap.translate(None, _GAP_BYTES):
            yield group
            group = []
        group.append(run)
    if group:
        yield group


def _from_group(data: bytes, group: Sequence[Run], decoding: Decoding) -> Iterator[Blob]:
    index = 0
    while index < len(group):
        begin, end = group[index]
        found = codec(data[begin:end])
        if found is None:
            if decoding.keeps_noise and len(set(data[begin : min(end, begin + _NOISE_HEAD)])) > _LINE_VARIETY:
                yield _noise(data, begin, end, decoding)
            index += _media_lines(data, group, index)
            continue
        count = _count_of_parts(data, group, index, found[0])
        yield from _from_parts(data, group[index : index + count], found, decoding)
        index += count


def _noise(data: bytes, begin: int, end: int, decoding: Decoding) -> Blob:
    run = data[begin : min(end, begin + 2 * decoding.max_bytes)]
    name = "hex" if is_hex(run) else "base64"
    return Blob(decoded(name, run), (name,), begin, end)


def _own_alphabet(data: bytes, group: Sequence[Run], alphabet: bytes, decoding: Decoding) -> Iterator[Blob]:
    table = bytes.maketrans(alphabet[:64], BASE64_BYTES)
    for begin, end in group:
        run = data[begin:end].translate(table)
        if base64_offset(run) == 0:
            yield Blob(from_base64(run[: 2 * decoding.max_bytes]), ("base64 with own alphabet",), begin, end)


def _media_lines(data: bytes, group: Sequence[Run], index: int) -> int:
    """How many runs to go on: past all lines of a wrapped image or font, else one."""
    begin, end = group[index]
    if index + 1 == len(group) or not from_base64(data[begin : min(end, begin + 32)]).startswith(_MEDIA):
        return 1
    count = 1
    while index + count < len(group):
        gap = data[group[index + count - 1][1] : group[index + count][0]]
        if gap.translate(None, _WRAP_BYTES):
            break
        count += 1
    return count


def _count_of_parts(data: bytes, group: Sequence[Run], index: int, name: str) -> int:
    """How many runs belong to the one at ``index``: up to one with padding, or to one that begins anew."""
    length = 0
    count = 1
    while index + count < len(group):
        before, run = group[index + count - 1 : index + count + 1]
        length += before[1] - before[0]
        text = data[run[0] : run[1]]
        is_padded = data[before[1] : before[1] + 1] == b"="
        if is_padded or not fits(name, text) or (length % 4 and codec(text) == (name, 0)):
            break
        count += 1
    return count


def _from_parts(data: bytes, parts: Sequence[Run], found: tuple[str, int], decoding: Decoding) -> Iterator[Blob]:
    name, offset = found
    begin, end = parts[0][0] + offset, parts[-1][1]
    pieces = [data[begin : parts[0][1]], *(data[first:last] for first, last in parts[1:])]
    text = b"".join(pieces)[: 2 * decoding.max_bytes]
    short = decoded(name, text)
    tail = _TAIL.match(data, end)
    if tail is not None and _is_tail(name, text, tail):
        longer = decoded(name, text + tail[2])
        if is_plain(longer) or not is_plain(short):
            yield _blob(data, longer, name, (begin, tail.end()))
            return
    yield _blob(data, short, name, (begin, end))


def _is_tail(name: str, text: bytes, tail: re.Match[bytes]) -> bool:
    """Whether the short run after a wrapped block is its last line."""
    if not any(mark in tail[1] for mark in (b"\n", b'"', b"'")) or not fits(name, tail[2]):
        return False
    return name != "base64" or bool(tail[3]) or (len(text) + len(tail[2])) % 4 != 1


def _blob(data: bytes, found: bytes, name: str, run: Run) -> Blob:
    if look(found[:64]) is None:
        readable = _READABLE.search(found)
        found = found if readable is None else found[readable.start() :]
    before = data[max(0, run[0] - 64) : run[0]]
    is_spare = (_SOURCE_MAP in before and b'"mappings"' in found) or b"data:image/svg" in before
    return Blob(found, (name,), *run, is_spare=is_spare)


def _context(data: bytes, present: frozenset[Gate]) -> Iterator[Run]:
    """The stretches beside the names of codecs, without overlaps."""
    near = merge(*(places(gate, data) for gate in _CONTEXT_GATES if gate in present))
    covered = 0
    for place in near:
        begin, end = max(covered, place - _CONTEXT_BYTES), place + 2 * _CONTEXT_BYTES
        if begin < end:
            yield begin, end
            covered = end


def _short(hit: re.Match[bytes]) -> Iterator[Blob]:
    run = hit[0]
    if run.islower() and not is_hex(run):
        return
    for name in ("hex", "base32", "base64"):
        if fits(name, run) and is_plain(decoded(name, run)):
            yield Blob(decoded(name, run), (name,), *hit.span(), needs_words=True)
            return
