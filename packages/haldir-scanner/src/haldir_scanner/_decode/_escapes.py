"""Characters written as escapes: of strings, of web addresses, of HTML and of mail."""

import re
from collections.abc import Callable, Iterator

from haldir_scanner._decode._gates import Gate
from haldir_scanner._decode._layer import Blob
from haldir_scanner._decode._telltales import has_command

_LONGEST_GAP_BYTES = 64
_AROUND_BYTES = 256
_FEWEST_ESCAPES = 2

# Letters and digits, which nobody has to escape.
_X = rb"(?:3[0-9]|[46][1-9a-fA-F]|[57][0-9aA])"
_ESCAPES = re.compile(
    rb"((?:\\x[0-9a-fA-F]{2})+)|((?:\\u(?:[0-9a-fA-F]{4}|\{[0-9a-fA-F]{1,6}\}))+)|((?:\\[0-3]?[0-7]{2})+)"
)
_UNNEEDED_ESCAPE = re.compile(
    rb"(?:\\x[2-7][0-9a-fA-F]|\\u00[2-7][0-9a-fA-F]|\\0?[01][0-7]{2}){6,}"
    rb"|\\(?:x" + _X + rb"|u00" + _X + rb"|u\{0{0,4}" + _X + rb"\}|0?1[0-7]{2}|0(?:6[0-7]|7[01]))"
)
_FOREIGN_ESCAPES = re.compile(rb"(?:\\u[0-9a-fA-F]{4}){2}(?:\\u[0-9a-fA-F]{4}|[ ,.!?]){2,}")
_PERCENT_ESCAPE = re.compile(rb"(?:%[0-9a-fA-F]{2})+")
_UNNEEDED_PERCENT = re.compile(rb"(?:%[2-7][0-9a-fA-F]){6,}|%" + _X)
_ENTITY = re.compile(rb"(?:&#(?:[xX][0-9a-fA-F]{1,6}|[0-9]{1,7});?)+")
_UNNEEDED_ENTITY = re.compile(
    rb"(?:&#(?:[xX][2-7][0-9a-fA-F]|[3-9][0-9]|1[01][0-9]|12[0-6]);?){6,}|&#(?:[xX]0{0,4}"
    + _X
    + rb"|0{0,4}(?:4[89]|5[0-7]|6[5-9]|[78][0-9]|90|9[7-9]|1[01][0-9]|12[0-2]));?"
)
_QUOTED = re.compile(rb"(?:=[0-9a-fA-F]{2}|=\r?\n)+")
_UNNEEDED_QUOTED = re.compile(b"=" + _X + b"(?==[2-7])")
_SOFT_BREAK = re.compile(rb"=\r?\n")
# A text without white space, quotes and angle brackets, from its first escape on.
_ADDRESS = re.compile(rb"%[2-7][0-9a-fA-F][!#-&(-;=?-~]*")
_DELIMITERS = (b" ", b"\n", b"\t", b'"', b"'", b"<", b">", b"`", b"(")
_RAW = re.compile(rb"\\x[0-9a-fA-F]{2}(?:\\x[0-9a-fA-F]{2}|\\[nrt0\\'\"]|[ !#-&(-\[\]-~]){7,}")

Replace = Callable[[bytes], bytes]


def escapes(data: bytes, present: frozenset[Gate]) -> Iterator[Blob]:
    """Every stretch that has escaped letters or digits, with all its escapes replaced."""
    if Gate.ESCAPE in present:
        yield from _stretches(data, _UNNEEDED_ESCAPE, _unescaped, "escapes")
        yield from _foreign(data)
    if Gate.PERCENT in present:
        yield from _stretches(data, _UNNEEDED_PERCENT, _unquoted, "percent")
        yield from _addresses(data)
    if Gate.ENTITY in present:
        yield from _stretches(data, _UNNEEDED_ENTITY, _without_entities, "entities")
    if Gate.QUOTED_PRINTABLE in present:
        yield from _stretches(data, _UNNEEDED_QUOTED, _unquoted_mail, "quoted-printable")


def raw_escapes(data: bytes) -> Iterator[Blob]:
    """The bytes of literals that consist of escapes for the most part, whatever they are."""
    for hit in _RAW.finditer(data):
        yield Blob(_unescaped(hit[0]), ("escapes",), *hit.span())


def _stretches(data: bytes, unneeded: re.Pattern[bytes], replace: Replace, name: str) -> Iterator[Blob]:
    """The surroundings, within their line, of escapes that stand near each other."""
    first = last = -1
    covered = 0
    for hit in unneeded.finditer(data):
        if first >= 0 and hit.start() - last > _LONGEST_GAP_BYTES:
            begin, end = _surroundings(data, first, last, covered)
            covered = end
            yield Blob(replace(data[begin:end]), (name,), begin, end)
            first = -1
        first = hit.start() if first < 0 else first
        last = hit.end()
    if first >= 0:
        begin, end = _surroundings(data, first, last, covered)
        yield Blob(replace(data[begin:end]), (name,), begin, end)


def _surroundings(data: bytes, first: int, last: int, covered: int) -> tuple[int, int]:
    begin = max(data.rfind(b"\n", max(covered, first - _AROUND_BYTES), first) + 1, first - _AROUND_BYTES, covered)
    end = data.find(b"\n", last, last + _AROUND_BYTES)
    return begin, min(len(data), last + _AROUND_BYTES) if end < 0 else end


def _unescaped(text: bytes) -> bytes:
    return _ESCAPES.sub(_from_escapes, text)


def _from_escapes(hit: re.Match[bytes]) -> bytes:
    if hit[1]:
        return bytes.fromhex(hit[1].replace(b"\\x", b"").decode())
    return _from_unicode_escapes(hit[2]) if hit[2] else bytes(int(code, 8) for code in hit[3].split(b"\\")[1:])


def _from_unicode_escapes(run: bytes) -> bytes:
    codes = [int(code.strip(b"{}"), 16) for code in run.split(b"\\u")[1:]]
    text = "".join(chr(min(code, 0x10FFFF)) for code in codes)
    # Two escapes for one character outside the Basic Multilingual Plane become that character.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode("utf-8", "replace")


def _foreign(data: bytes) -> Iterator[Blob]:
    """Text of another script, as JSON often has it."""
    for hit in _FOREIGN_ESCAPES.finditer(data):
        found = _unescaped(hit[0])
        if not found.isascii():
            yield Blob(found, ("escapes",), *hit.span(), is_spare=True)


def _unquoted(text: bytes) -> bytes:
    return _PERCENT_ESCAPE.sub(lambda hit: bytes.fromhex(hit[0].replace(b"%", b"").decode()), text)


def _addresses(data: bytes) -> Iterator[Blob]:
    """Texts in which only what has to be is escaped, if they hold a command; most are web addresses and hold none."""
    for hit in _ADDRESS.finditer(data):
        if hit[0].count(b"%") < _FEWEST_ESCAPES:
            continue
        before = data[max(0, hit.start() - _AROUND_BYTES) : hit.start()]
        begin = hit.start() - len(before) + max(map(before.rfind, _DELIMITERS)) + 1
        found = _unquoted(data[begin : hit.end()])
        if has_command(found) and not has_command(data[begin : hit.end()]):
            yield Blob(found, ("percent",), begin, hit.end())


def _without_entities(text: bytes) -> bytes:
    return _ENTITY.sub(lambda hit: _from_entities(hit[0]), text)


def _from_entities(run: bytes) -> bytes:
    codes = (code.rstrip(b";") for code in run.split(b"&#")[1:])
    values = (int(code[1:], 16) if code[:1] in b"xX" else int(code) for code in codes)
    return "".join(
        chr(value) if value < 0xD800 or 0xE000 <= value <= 0x10FFFF else "\ufffd" for value in values
    ).encode()


def _unquoted_mail(text: bytes) -> bytes:
    return _QUOTED.sub(lambda hit: bytes.fromhex(_SOFT_BREAK.sub(b"", hit[0]).replace(b"=", b"").decode()), text)
