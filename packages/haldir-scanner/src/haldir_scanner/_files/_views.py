"""The texts that a scanner looks at for one file: as it is, decoded, and with its disguises taken off."""

import re
import unicodedata
from codecs import utf_8_decode
from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import accumulate

from attrs import define, field

from haldir_scanner._files._encoding import wide_encoding

EXCERPT_UNITS = 500
_CONTEXT_BYTES = 60

_BLOCK = 1 << 16
_WINDOW = 4_096
_NOISE = 0.3  # share of bytes that are no printable ASCII, from which on bytes that are no UTF-8 are no text
_PLAIN_BYTES = bytes((*range(0x20, 0x7F), 0x09, 0x0A, 0x0D))
_LONGEST_PLAIN = 4  # characters; a ligature has 3, a parenthesised number 4
# RFC 3629 3: bytes within a character, and bytes that begin one outside the Basic Multilingual Plane.
_CONTINUATION = bytes(range(0x80, 0xC0))
_FOUR_BYTES = bytes(range(0xF0, 0xF8))

# Invisible where they stand in a word: soft hyphen, combining grapheme joiner, zero-width characters, word joiner and
# invisible operators, variation selectors, byte order mark, tag characters.  Source: Unicode Default_Ignorable.
_IGNORABLE = frozenset(
    (
        0x00,
        0xAD,
        0x34F,
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        *range(0xFE00, 0xFE10),
        0xFEFF,
        *range(0xE0000, 0xE01F0),
    )
)
# Letters that look like Latin ones: Cyrillic, Greek, Lisu, Cherokee, Armenian, and small capitals.  Source: Unicode
# UTS 39 confusables, single letters only; Unicode names of the small capitals.
_LOOK_ALIKES = dict(
    zip(
        "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d\u0432\u043a\u043c\u043d"
        "\u0442\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0406\u0408\u0405\u0391\u0392\u0395"
        "\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf\u03b1\u03b9\u03bd\u03c1\u0131\u0261"
        "\ua4d0\ua4d1\ua4d3\ua4d4\ua4d6\ua4d7\ua4d9\ua4da\ua4dc\ua4dd\ua4df\ua4e0\ua4e1\ua4e2\ua4e3\ua4e6\ua4e7\ua4ea\ua4eb\ua4ec"
        "\ua4ee\ua4f0\ua4f2\ua4f3\ua4f4"
        "\u13a0\u13a1\u13a2\u13a5\u13aa\u13ab\u13ac\u13b3\u13b7\u13bb\u13c0\u13c3\u13cf\u13d2\u13d4\u13d9\u13da\u13de\u13df\u13e2\u13e6\u13fb\u13f4"
        "\u0585\u057d\u0570\u0578"
        "\u1d00\u0299\u1d04\u1d05\u1d07\ua730\u0262\u029c\u026a\u1d0a\u1d0b\u029f\u1d0d\u0274\u1d0f\u1d18\u01eb\u0280\ua731\u1d1b\u1d1c\u1d20"
        "\u1d21\u028f\u1d22",
        "aeopcyxijshdqwbkmhtABEKMHOPCTXIJSABEZHIKMNOPTYXoaivpig"
        "BPDTGKJCZFMNLSRVHWXYAEIOU"
        "DRTiAJEWMHGZbRWVSLCPKGB"
        "oshn"
        "abcdefghijklmnopqrstuvwyz",
        strict=True,
    ),
)
# Marks of the Latin script, which turn no letter into another word: combining diacritics and strokes.
_MARK = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
_INDICATOR_A = 0x1F1E6  # regional indicators, of which two make a flag
_UNMASKED = {ord(mask): letter for mask, letter in _LOOK_ALIKES.items()}
# Shell words that mean the same without them: c""url, curl${IFS}.
# The punctuation of East Asian text, and what chooses how an emoji looks: where they stand as there, nobody takes
# them for anything else, and a second look at every such text would double its price.
_EVERYDAY = frozenset("\uff0c\uff09\uff08\uff1a\uff1b\uff1f\uff01\u2026\uff5e\ufe0f\u200d")
# Begins with the seldom character: what is before it is looked at only there.
_ODD = re.compile(
    r"[\ufe0f\u200d\uff08\uff1a\uff1b\uff01\uff5e](?:(?<=[!-~][\ufe0f\u200d])|(?<=[\w.]\uff08)(?=[!-~])"
    r"|(?<=[a-z]\uff1a)(?=//)|(?:(?<=[!-~][\uff1b\uff01\uff5e])|(?<=[!-~] [\uff1b\uff01\uff5e]))(?= ?[!-~]))",
    re.ASCII,
)
_EMPTY_QUOTES = re.compile(rb"(?<=[A-Za-z])(?:\"\"|'')(?=[A-Za-z])")
_FIELD_SEPARATOR = re.compile(rb"\$IFS\$9|\$\{IFS[^}\n]{0,20}\}|\$IFS\b")


@define(slots=False)
class View:
    """One text of a file, as UTF-8 or, where a file is neither UTF-8 nor UTF-16, as its raw bytes."""

    data: bytes
    _known_column: tuple[int, int] = field(init=False, default=(0, 0), repr=False, eq=False)

    @cached_property
    def _lines_before(self) -> list[int]:
        """The number of line feeds before each block."""
        counts = (self.data.count(b"\n", begin, begin + _BLOCK) for begin in range(0, len(self.data), _BLOCK))
        return [0, *accumulate(counts)]

    def line(self, offset: int) -> int:
        """1-based number of the line in which the byte ``offset`` stands."""
        block = offset // _BLOCK
        return self._lines_before[block] + self.data.count(b"\n", block * _BLOCK, offset) + 1

    def column(self, offset: int) -> int:
        """0-based place of the byte ``offset`` in its line, in UTF-16 units."""
        # From the place asked for before, if that is in the same line: a line may be long, and its places many.
        known, units = self._known_column
        begin = self.data.rfind(b"\n", known, offset) + 1 if known <= offset else 0
        if begin == 0 and known <= offset:
            before = self.data[known:offset]
        else:
            units = 0
            before = self.data[(begin or self.data.rfind(b"\n", 0, offset) + 1) : offset]
        # One unit for each character, a second one for those that take four bytes.
        bare = before.translate(None, _CONTINUATION)
        units += 2 * len(bare) - len(bare.translate(None, _FOUR_BYTES))
        self._known_column = (offset, units)
        return units

    def excerpt(self, begin: int, end: int) -> str:
        """The text between two byte offsets, printable, at most 500 UTF-16 units."""
        # Four bytes per character at most, so nothing that fits is cut here.
        shown = escaped(self.data[begin : min(end, begin + 4 * EXCERPT_UNITS)].decode("utf-8", "replace").strip())
        return shown.encode("utf-16-le", "replace")[: 2 * EXCERPT_UNITS].decode("utf-16-le", "ignore")

    def context(self, begin: int, end: int) -> tuple[str, tuple[int, int]]:
        """The line around two byte offsets, cut to what can be read at a glance, and the place of the match in it."""
        first = max(0, begin - _CONTEXT_BYTES)
        first = max(self.data.rfind(b"\n", first, begin) + 1, first)
        line_end = self.data.find(b"\n", begin, end + _CONTEXT_BYTES)
        last = min(end + _CONTEXT_BYTES, begin + 3 * _CONTEXT_BYTES) if line_end < 0 else line_end
        before, matched, after = (
            escaped(part.decode("utf-8", "replace"))
            for part in (self.data[first:begin], self.data[begin : min(end, last)], self.data[min(end, last) : last])
        )
        before = before.lstrip()
        return (before + matched + after).rstrip(), (len(before), len(before) + len(matched.rstrip()))


def views(data: bytes) -> Iterator[View]:
    """The text as it is; decoded, if it is UTF-16 or UTF-32; and without its disguises, where that changes it."""
    encoding = wide_encoding(data)
    if encoding is not None:
        text = data.decode(encoding, "replace")
        yield View(text.encode("utf-8", "replace"))
        yield from _undisguised(text.encode("utf-8", "replace"))
    # Also the bytes themselves: who runs the file may take no notice of a byte order mark.
    if _is_noise(data):
        yield View(data.replace(b"\0", b""))
        return
    yield View(data)
    yield from _undisguised(data)


def escaped(text: str) -> str:
    """``text`` with control, format and other invisible characters written as escapes."""
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def _undisguised(data: bytes) -> Iterator[View]:
    plain = _without_shell_tricks(_unmasked(data))
    if plain != data:
        yield View(plain)


def _without_shell_tricks(data: bytes) -> bytes:
    # A search for what there mostly is not is many times faster than a regex.
    if b'""' in data or b"''" in data:
        data = _EMPTY_QUOTES.sub(b"", data)
    return _FIELD_SEPARATOR.sub(b" ", data) if b"IFS" in data else data


def _is_noise(data: bytes) -> bool:
    """Whether beginning, middle and end are mostly neither ASCII nor UTF-8: no reader takes its letters for others."""
    middle = len(data) // 2
    windows = (data[:_WINDOW], data[middle : middle + _WINDOW], data[-_WINDOW:])
    return all(len(part.translate(None, _PLAIN_BYTES)) >= _NOISE * len(part) for part in windows) and not any(
        map(_is_utf8, windows)
    )


def _is_utf8(window: bytes) -> bool:
    """Whether a stretch of a text is UTF-8 without NUL; it may begin and end within a character."""
    try:
        utf_8_decode(window.lstrip(_CONTINUATION), "strict", False)
    except UnicodeDecodeError:
        return False
    return b"\0" not in window


def _unmasked(data: bytes) -> bytes:
    if data.isascii() and b"\0" not in data:
        return data
    text = data.decode("utf-8", "replace")
    plain = {character: _plain(character) for character in set(text) if character == "\0" or character > "\x7f"}
    changed = {character: new for character, new in plain.items() if new != character}
    if not changed or (changed.keys() <= _EVERYDAY and _ODD.search(text) is None):
        return data
    for character, new in sorted(changed.items()):
        text = text.replace(character, new or "")
    return text.encode("utf-8", "replace")


@lru_cache(maxsize=1 << 16)
def _plain(character: str) -> str | None:
    """What a character passes for: nothing, a few ASCII ones, or itself.

    Characters are looked at one by one: normalising a whole text takes quadratic time for runs of combining marks.
    """
    if ord(character) in _IGNORABLE or _MARK.match(character) is not None:
        return None
    if _INDICATOR_A <= ord(character) < _INDICATOR_A + 26:
        return chr(ord(character) - _INDICATOR_A + ord("a"))
    compatible = unicodedata.normalize("NFKC", character)
    plain = compatible.translate(_UNMASKED)
    return plain if plain.isascii() and len(plain) <= _LONGEST_PLAIN else character
