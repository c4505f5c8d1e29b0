"""Pieces that an instruction near them says to put together: values of a list, cells of a column, literals in a row."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise

from attrs import frozen

from haldir_scanner._decode._budget import DecodeBudget
from haldir_scanner._decode._gates import Gate, places
from haldir_scanner._decode._layer import Blob
from haldir_scanner._decode._runs import from_run
from haldir_scanner._decode._telltales import has_telltale

_AROUND_BYTES = 4096
_AROUND_CALL_BYTES = 1024
# A call that joins; or a verb, and soon after it what is to be joined.
_JOINED = re.compile(
    rb"(?i)\.join\(|implode|concat\(|\w{1,20}+[^\n]{0,60}?\b"
    rb"(part|piece|chunk|string|value|fragment|segment|line|column|cell|element|row|item|entr|literal|them\b|all\b|these\b)"
)
_LONGEST_PIECE_BYTES = 200
_SHORTEST_WHOLE_BYTES = 12
_QUOTED = re.compile(rb"[\"'`]([^\"'`\n()\[\],]{1,200})[\"'`]")
_BETWEEN_LITERALS = b" \t\r\n,+.\\()[]b|"
_LONGEST_GAP_BYTES = 40
_QUOTES = b"\"'`"
_LINE_END = b" \t\r,;|)]}"
# What stands before a value that ends its line: a bullet, a number, a name.
_BEFORE_VALUE = (b"-", b"*", b"+", b".", b")", b":", b"=", b"|", b">")
_RUN = re.compile(rb"[A-Za-z0-9+/_-]+={0,2}\Z")


@frozen
class _Piece:
    text: bytes
    begin: int
    end: int


def pieces(data: bytes, present: frozenset[Gate], budget: DecodeBudget) -> Iterator[Blob]:
    """What pieces near a word such as "concatenate" say together, and none of them alone."""
    if Gate.JOINING not in present:
        return
    for begin, end in _windows(data, budget):
        if not budget.take_pieced(end - begin):
            return
        lines = list(_lines(data, begin, end))
        for sequence in (*_columns(lines), *_values(lines), *_literals(data, begin, end)):
            yield from _together(sequence)


def _windows(data: bytes, budget: DecodeBudget) -> Iterator[tuple[int, int]]:
    """Where pieces may stand; what is longer than is allowed is not measured to its end."""
    begin = end = 0
    for place in places(Gate.JOINING, data):
        hit = _JOINED.match(data, place)
        if hit is None:
            continue
        around = _AROUND_BYTES if hit[1] else _AROUND_CALL_BYTES
        if place - around > end:
            if end:
                yield begin, end
            begin = max(0, place - around)
        end = max(end, min(len(data), place + around))
        if end - begin > budget.pieced_bytes_left:
            break
    if end:
        yield begin, end


def _lines(data: bytes, begin: int, end: int) -> Iterator[_Piece]:
    for line in data[begin:end].split(b"\n"):
        yield _Piece(line, begin, begin + len(line))
        begin += len(line) + 1


def _columns(lines: Iterable[_Piece]) -> Iterator[list[_Piece]]:
    """The columns of Markdown tables."""
    for is_table, rows in groupby(lines, key=lambda line: line.text.lstrip().startswith(b"|")):
        if is_table:
            yield from _columns_of(list(rows))


def _columns_of(rows: Sequence[_Piece]) -> Iterator[list[_Piece]]:
    cells = [row.text.strip().strip(b"|").split(b"|") for row in rows]
    for column in range(min(8, max(map(len, cells)))):
        yield [
            _Piece(row[column].strip(b" \t\r" + _QUOTES), line.begin, line.end)
            for line, row in zip(rows, cells, strict=True)
            if column < len(row) and row[column].strip(b" \t\r:-")
        ]


def _values(lines: Iterable[_Piece]) -> Iterator[list[_Piece]]:
    """The values that end lines which follow each other; blank lines may stand between."""
    sequence: list[_Piece] = []
    for line in lines:
        value = _value(line.text)
        if value:
            sequence.append(_Piece(value, line.begin, line.end))
        elif line.text.strip():
            yield sequence
            sequence = []
    yield sequence


def _value(line: bytes) -> bytes:
    """The literal, or the word after a bullet or a name, that ends a line; empty if none does."""
    line = line.rstrip(_LINE_END)
    quote = line[-1:]
    if quote and quote in _QUOTES:
        begin = line.rfind(quote, 0, -1)
        value = line[begin + 1 : -1] if begin >= 0 else b""
    else:
        words = line.rsplit(None, 1)
        if len(words) == 2 and words[0].endswith(_BEFORE_VALUE):
            value = words[1]
        else:
            value = line.rpartition(b"=")[2] if line.count(b" ") == 0 else b""
    return value if len(value) <= _LONGEST_PIECE_BYTES else b""


def _literals(data: bytes, begin: int, end: int) -> Iterator[list[_Piece]]:
    """Literals between which stand only commas, plus signs and white space."""
    found = [_Piece(hit[1], hit.start(), hit.end()) for hit in _QUOTED.finditer(data, begin, end)]
    sequence = found[:1]
    for before, piece in pairwise(found):
        gap = data[before.end : min(piece.begin, before.end + _LONGEST_GAP_BYTES)]
        if gap.translate(None, _BETWEEN_LITERALS) or before.end + len(gap) < piece.begin:
            yield sequence
            sequence = []
        sequence.append(piece)
    yield sequence


def _together(sequence: Sequence[_Piece]) -> Iterator[Blob]:
    # The first one may be the heading of a column, or a name.
    for skipped in range(min(2, len(sequence) - 1)):
        parts = sequence[skipped:]
        whole = b"".join(part.text for part in parts)
        if len(parts) > 1 and len(whole) >= _SHORTEST_WHOLE_BYTES:
            chain, found = _said(parts, whole)
            if found:
                yield Blob(found, ("joined", *chain), parts[0].begin, parts[-1].end)
                return


def _said(parts: Sequence[_Piece], whole: bytes) -> tuple[tuple[str, ...], bytes]:
    """What ``parts`` say together, and the codec if there is one."""
    if all(map(_RUN.match, (part.text for part in parts))):
        if all(len(part.text) in (2, 3) and part.text.isdigit() and int(part.text) < 127 for part in parts):
            return ("character codes",), bytes(int(part.text) for part in parts)
        found = from_run(b"".join(part.text.rstrip(b"=") for part in parts))
        if found is not None:
            return (found[0],), found[1]
    if has_telltale(whole) and not has_telltale(b" ".join(part.text for part in parts)):
        return (), whole
    return (), b""
