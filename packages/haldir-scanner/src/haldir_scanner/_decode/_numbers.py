"""Lists of numbers that are the codes of characters: 99, 0x63, 63, 01100011, chr(99)."""

import re
from collections.abc import Iterator

from haldir_scanner._decode._gates import Gate
from haldir_scanner._decode._layer import Blob
from haldir_scanner._decode._look import look

_SHORTEST_LIST_BYTES = 22  # eight two-digit numbers and what parts them
_LIST_BYTES = b"0123456789abcdefABCDEFxX,;: \t\r\n-"
_CLASSES = bytes(0x41 if byte in _LIST_BYTES else 0x2E for byte in range(256))
_NEEDLE = b"A" * _SHORTEST_LIST_BYTES
_PARTED = re.compile(
    rb"(?<![\w.])(?:0[xX][0-9a-fA-F]{1,2}|[0-9]{1,3})(?:[\s,;]{1,24}(?:0[xX][0-9a-fA-F]{1,2}|[0-9]{1,3})){7,}"
    rb"(?![\w.])"
)
_PAIRS = re.compile(rb"(?<![\w.])[0-9a-fA-F]{2}(?:[\s:,-]{1,3}[0-9a-fA-F]{2}){7,}(?!\w)")
_BITS = re.compile(rb"(?<!\w)[01]{8}(?:[\s,]{0,3}[01]{8}){3,}(?!\w)")
_CALL = re.compile(rb"(?i)(?:\bchr[bw]?\$?\(|\[char\]\(?|charcode\()\s{0,3}(0x[0-9a-f]{1,2}|[0-9]{2,3})(?![0-9a-z.])")
_LONGEST_CALL_GAP_BYTES = 24
_FEWEST_CALLS = 4
_LIST_HEAD_BYTES = 512
_PARTED_BY_SPACES = bytes.maketrans(b",;:-", b"    ")
_TOKEN = re.compile(rb"[0-9a-fA-FxX]+")
_HEAD_TOKENS = 64


def numbers(data: bytes, present: frozenset[Gate]) -> Iterator[Blob]:
    """The bytes of every list of numbers, if they may be more than numbers."""
    for begin, end in _stretches(data):
        yield from _bits(data, begin, end)
        yield from _pairs(data, begin, end)
        yield from _parted(data, begin, end)
    if Gate.CHARACTER_CALL in present:
        yield from _calls(data)


def number(token: bytes) -> int:
    """The value of a number in decimal or with ``0x``."""
    return int(token, 16) if token[:2] in (b"0x", b"0X") else int(token)


def _stretches(data: bytes) -> Iterator[tuple[int, int]]:
    mapped = data.translate(_CLASSES)
    begin = mapped.find(_NEEDLE)
    while begin >= 0:
        end = mapped.find(b".", begin + _SHORTEST_LIST_BYTES)
        end = len(mapped) if end < 0 else end
        if _is_list(data[begin : min(end, begin + _LIST_HEAD_BYTES)]):
            yield begin, end
        begin = mapped.find(_NEEDLE, end)


def _is_list(head: bytes) -> bool:
    """Whether a stretch has eight numbers, or one that may be the bits of a byte."""
    tokens = head.translate(_PARTED_BY_SPACES).split()
    if len(tokens) >= 8:
        return True
    longest = max(tokens, key=len, default=b"")
    return len(longest) >= 8 and not longest.translate(None, b"01")


def _bits(data: bytes, begin: int, end: int) -> Iterator[Blob]:
    for hit in _BITS.finditer(data, begin, end):
        digits = hit[0].translate(None, b" \t\r\n,")
        found = int(digits, 2).to_bytes(len(digits) // 8, "big") if len(digits) <= 1 << 20 else b""
        yield Blob(found, ("binary digits",), *hit.span(), needs_words=True)


def _pairs(data: bytes, begin: int, end: int) -> Iterator[Blob]:
    for hit in _PAIRS.finditer(data, begin, end):
        digits = hit[0].translate(None, b" \t\r\n:,-")
        if not digits.isdigit() or look(bytes.fromhex(digits[:_HEAD_TOKENS].decode())) is not None:
            yield Blob(bytes.fromhex(digits.decode()), ("hex",), *hit.span(), needs_words=True)


def _parted(data: bytes, begin: int, end: int) -> Iterator[Blob]:
    for hit in _PARTED.finditer(data, begin, end):
        head = _codes(_TOKEN.findall(hit[0][: 6 * _HEAD_TOKENS])[:-1])
        if head is not None and len(set(head)) > 2:
            found = _codes(_TOKEN.findall(hit[0])) or head
            yield Blob(found, ("character codes",), *hit.span(), needs_words=True)


def _calls(data: bytes) -> Iterator[Blob]:
    tokens: list[bytes] = []
    begin = end = 0
    for hit in _CALL.finditer(data):
        if tokens and hit.start() - end > _LONGEST_CALL_GAP_BYTES:
            yield from _called(tokens, begin, end)
            tokens = []
        begin = hit.start() if not tokens else begin
        tokens.append(hit[1])
        end = hit.end()
    yield from _called(tokens, begin, end)


def _called(tokens: list[bytes], begin: int, end: int) -> Iterator[Blob]:
    found = _codes(tokens) if len(tokens) >= _FEWEST_CALLS else None
    if found is not None:
        yield Blob(found, ("character codes",), begin, end)


def _codes(tokens: list[bytes]) -> bytes | None:
    """The bytes of numbers written in decimal or with ``0x``; None if one is too great for a byte."""
    values = list(map(number, tokens))
    return bytes(values) if values and max(values) < 256 else None
