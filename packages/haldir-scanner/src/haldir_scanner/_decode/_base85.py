"""Words of base85, whose alphabet is nearly all of ASCII, and lines of uuencoded files."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from haldir_scanner._decode._gates import Gate
from haldir_scanner._decode._layer import Blob
from haldir_scanner._decode._look import look

_SHORTEST = 15
_PEEK_CHARACTERS = 25
_NAME_CHARACTERS = 128
_WORD = re.compile(rb"[!-~]{15,}")
_QUOTES = re.compile(rb"[\"'`]")
_HEAD_BYTES = 4096
# A quarter of the alphabet is none of these.
_NAME_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-"
_BEGIN = re.compile(rb"(?m)^begin [0-7]{3,4} \S[^\n]{0,200}\n")
# The digits in order.  Source: RFC 1924; Adobe PostScript Language Reference, ASCII85.
_CODECS: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~", base64.b85decode),
    (bytes(range(0x21, 0x76)), base64.a85decode),
)
_MOST_LINE_BYTES = 62  # of a uuencoded line: its length, and 60 characters


def base85(data: bytes, present: frozenset[Gate], *, anywhere: bool, max_bytes: int) -> Iterator[Blob]:
    """What words in base85 say: anywhere, in a text that names the codec, or in one that is one such word."""
    limit = 2 * max_bytes
    if anywhere or Gate.BASE85 in present:
        for begin, end in (*_words(data), *_framed(data)):
            yield from _word(data, begin, min(end, begin + limit))
    elif len(data[:_HEAD_BYTES].split(None, 1)) == 1 and len(data) <= limit:
        word = data.strip()
        begin = data.find(word[:1])
        yield from _word(data, begin, begin + min(len(word), limit))


def uuencoded(data: bytes, max_bytes: int) -> Iterator[Blob]:
    """The files within a text that are uuencoded.  Spec: POSIX uuencode."""
    for hit in _BEGIN.finditer(data):
        found = bytearray()
        place = hit.end()
        while len(found) < max_bytes:
            end = data.find(b"\n", place, place + _MOST_LINE_BYTES + 2)
            line = data[place:end].rstrip(b"\r") if end >= 0 else b""
            if not line or line == b"end":
                break
            try:
                found += binascii.a2b_uu(line)
            except binascii.Error:
                break
            place = end + 1
        yield Blob(bytes(found), ("uuencode",), hit.start(), place)


def _words(data: bytes) -> Iterator[tuple[int, int]]:
    """Every run without white space, and what stands between the quotes in it."""
    for hit in _WORD.finditer(data):
        yield hit.span()
        quotes = [hit.start() - 1, *(quote.start() for quote in _QUOTES.finditer(data, *hit.span())), hit.end()]
        if len(quotes) > 2:
            # The literal may hold the other kinds of quotes.
            mark = data[quotes[1] : quotes[1] + 1]
            literal = data[quotes[1] : hit.end()]
            begin = hit.end() - len(literal.lstrip(mark))
            yield begin, max(begin, quotes[1] + len(literal.rstrip(b",;)]").rstrip(mark)))
            yield from ((before + 1, after) for before, after in pairwise(quotes) if after - before > _SHORTEST)


def _framed(data: bytes) -> Iterator[tuple[int, int]]:
    begin = data.find(b"<~")
    while begin >= 0:
        end = data.find(b"~>", begin + 2)
        if end < 0:
            return
        yield begin + 2, end
        begin = data.find(b"<~", end)


def _word(data: bytes, begin: int, end: int) -> Iterator[Blob]:
    word = data[begin:end]
    if not word[:_NAME_CHARACTERS].translate(None, _NAME_BYTES):
        return
    for alphabet, decode in _CODECS:
        # What is worth a look begins with a byte below 0x80, which the first half of the digits stands for.
        if word[0] in alphabet[:42] and look(_try(decode, word[:_PEEK_CHARACTERS])) is not None:
            yield Blob(_try(decode, word), ("base85",), begin, end)


def _try(decode: Callable[[bytes], bytes], word: bytes) -> bytes:
    """The bytes of a word; none if it is not of the codec."""
    try:
        return decode(word)
    except ValueError:
        return b""
