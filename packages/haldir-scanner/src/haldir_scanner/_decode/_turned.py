"""Lines that are written backwards, with their letters shifted by 13 or disguised, told by the words in them."""

from collections.abc import Callable, Iterator

from haldir_scanner._decode._broken_words import joined, pointless, unaccented, undigited
from haldir_scanner._decode._gates import Gate, places
from haldir_scanner._decode._layer import Blob
from haldir_scanner._decode._telltales import has_telltale

_LOWER = b"abcdefghijklmnopqrstuvwxyz"
_ROTATED = _LOWER[13:] + _LOWER[:13]
_ROT13 = bytes.maketrans(_LOWER + _LOWER.upper(), _ROTATED + _ROTATED.upper())
_NEAR_BYTES = 1024
_AROUND_BYTES = 2048

Turn = Callable[[bytes], bytes]


def rot13(data: bytes) -> bytes:
    """``data`` with each letter 13 places further on."""
    return data.translate(_ROT13)


def reverse(data: bytes) -> bytes:
    """``data`` from its end to its beginning."""
    return data[::-1]


def _both(data: bytes) -> bytes:
    return reverse(rot13(data))


_TURNS: tuple[tuple[Turn, tuple[str, ...]], ...] = (
    (rot13, ("rot13",)),
    (reverse, ("reversed",)),
    (_both, ("reversed", "rot13")),
)
_GATED: tuple[tuple[Gate, Turn, tuple[str, ...]], ...] = (
    (Gate.ROT13_WORDS, rot13, ("rot13",)),
    (Gate.REVERSED_WORDS, reverse, ("reversed",)),
    (Gate.BOTH_WORDS, _both, ("reversed", "rot13")),
    (Gate.PARTED_WORDS, joined, ("parted words",)),
    (Gate.POINTED_WORDS, pointless, ("parted words",)),
    (Gate.WORDS_WITH_DIGITS, undigited, ("digits for letters",)),
    (Gate.ACCENTED_WORDS, unaccented, ("accented letters",)),
)


def turned(data: bytes, present: frozenset[Gate]) -> Iterator[Blob]:
    """The lines with words that are commands when read the other way."""
    for gate, turn, chain in _GATED:
        if gate in present:
            yield from _lines(data, gate, turn, chain)


def turned_whole(data: bytes) -> Iterator[Blob]:
    """All of ``data``, read the other way, if only that way it has a word of commands."""
    if not has_telltale(data):
        for turn, chain in _TURNS:
            if has_telltale(turn(data)):
                yield Blob(turn(data), chain, 0, len(data))


def _lines(data: bytes, gate: Gate, turn: Turn, chain: tuple[str, ...]) -> Iterator[Blob]:
    first = last = -1
    for place in places(gate, data):
        if first >= 0 and place - last > _NEAR_BYTES:
            yield from _stretch(data, first, last, turn, chain)
            first = -1
        first = place if first < 0 else first
        last = place
    if first >= 0:
        yield from _stretch(data, first, last, turn, chain)


def _stretch(data: bytes, first: int, last: int, turn: Turn, chain: tuple[str, ...]) -> Iterator[Blob]:
    begin = max(data.rfind(b"\n", max(0, first - _AROUND_BYTES), first) + 1, first - _AROUND_BYTES, 0)
    end = data.find(b"\n", last, last + _AROUND_BYTES)
    end = min(len(data), last + _AROUND_BYTES) if end < 0 else end
    text = turn(data[begin:end])
    if text != data[begin:end] and has_telltale(text):
        yield Blob(text, chain, begin, end)
