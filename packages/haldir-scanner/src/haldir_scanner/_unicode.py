"""Characters that hide text, disguise words or turn them round."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from enum import Enum

from haldir_scanner._decode import Layer
from haldir_scanner._decode._look import Look, look
from haldir_scanner._presence import Presence

Place = tuple[str, int, int]

HIDDEN = "hidden_text_unicode"
CONTEXTUAL = "hidden_text_unicode_contextual"
BIDI = "bidi_control_code"
HOMOGLYPH = "homoglyph_word"
DISGUISED = "disguised_word"

# UTF-8, because bytes are searched.  Source of all sets: Unicode Character Database, Default_Ignorable_Code_Point.
_ZERO_WIDTH = rb"(?:\xe2\x80[\x8b-\x8d]|\xe2\x81[\xa0-\xa4]|\xef\xbb\xbf|\xe1\xa0\x8e|\xcd\x8f)"
_SELECTOR = rb"(?:\xef\xb8[\x80-\x8f]|\xf3\xa0[\x84-\x87][\x80-\xbf])"
_TAG = rb"\xf3\xa0[\x80\x81][\x80-\xbf]"
_MARK = rb"(?:\xcc[\x80-\xbf]|\xcd[\x80-\xaf]|\xe2\x83[\x90-\xb0])"

_TAGS = re.compile(rb"(?:\xf0\x9f\x8f\xb4)?(?:" + _TAG + rb")+")
# The flags of England, Scotland and Wales (Unicode RGI_Emoji_Tag_Sequence), and of states of the USA; CANCEL TAG.
_FLAG = re.compile(r"\U0001f3f4(?:gb(?:eng|sct|wls)|us[a-z]{2})\U000e007f")
_SELECTORS = re.compile(_SELECTOR + rb"{3,}")
_LETTERS_WITH_SELECTORS = re.compile(rb"(?:[A-Za-z]" + _SELECTOR + rb"){2,}")
_ZERO_WIDTHS = re.compile(_ZERO_WIDTH + rb"{4,}")
_SPLIT_WORD = re.compile(rb"(?<=[A-Za-z0-9_])" + _ZERO_WIDTH + rb"{1,3}(?=[A-Za-z0-9_])")
_FILLER = re.compile(rb"(?:\xe3\x85\xa4|\xef\xbe\xa0|\xe1\x85[\x9f\xa0])(?=[\x21-\x7e ])")
_SOFT_HYPHENS = re.compile(rb"(?:[A-Za-z]\xc2\xad){3,}[A-Za-z]")
_OVERRIDE = re.compile(rb"\xe2\x80[\xad\xae]")
_BIDI = re.compile(rb"\xe2\x80[\xaa\xab\xad\xae]|\xe2\x81[\xa6-\xa8]")
_RIGHT_TO_LEFT = re.compile(rb"[\xd6-\xdb][\x80-\xbf]")
_MARKED_WORD = re.compile(rb"(?:[A-Za-z]" + _MARK + rb"{1,8}[A-Za-z]{0,3}){2,}")
_DISGUISES = (
    re.compile(rb"(?:[A-Za-z]|\xef(?:\xbc[\xa1-\xba]|\xbd[\x81-\x9a])){3,}"),  # full width
    re.compile(rb"(?:\xf0\x9d[\x90-\x9f][\x80-\xbf]){4,}"),  # mathematical letters
    re.compile(rb"(?:\xe2(?:\x92[\xb6-\xbf]|\x93[\x80-\xa9])){4,}"),  # circled letters
)


class _Trace(Enum):
    """What is in a text in which something may be seen (RE2 syntax)."""

    TAG = rb"\xf3\xa0[\x80\x81]"
    SELECTOR = _SELECTOR + rb"{3}|[A-Za-z]" + _SELECTOR + rb"[A-Za-z]" + _SELECTOR
    ZERO_WIDTH = _ZERO_WIDTH + rb"{4}"
    SPLIT_WORD = rb"[A-Za-z0-9_]" + _ZERO_WIDTH + rb"{1,3}[A-Za-z0-9_]"
    SOFT_HYPHEN = rb"[A-Za-z]\xc2\xad[A-Za-z]\xc2\xad"
    FILLER = rb"\xe3\x85\xa4|\xef\xbe\xa0|\xe1\x85[\x9f\xa0]"
    BIDI = rb"\xe2\x80[\xaa\xab\xad\xae]|\xe2\x81[\xa6-\xa8]"
    MIXED = rb"[A-Za-z][\xcd-\xd4]|[\xcd-\xd4][\x80-\xbf][A-Za-z]"
    DISGUISE = (
        rb"(?:[A-Za-z]|\xef(?:\xbc[\xa1-\xba]|\xbd[\x81-\x9a])){2}\xef(?:\xbc[\xa1-\xba]|\xbd[\x81-\x9a])|\xef(?:\xbc[\xa1-\xba]|\xbd[\x81-\x9a])[A-Za-z]{2}"
        rb"|(?:\xf0\x9d[\x90-\x9f][\x80-\xbf]){4}|(?:\xe2(?:\x92[\xb6-\xbf]|\x93[\x80-\xa9])){4}"
    )
    MARK = rb"[A-Za-z]" + _MARK


_PRESENCE = Presence(_Trace, any_case=False)
_WORD_BYTES = re.compile(rb"[A-Za-z0-9_\x80-\xff]{1,64}")
_AROUND_BYTES = 48
_TELLING = re.compile(
    r"(?i)curl|wget|bash|eval|exec|sudo|ignor|disregard|overrid|system|prompt|instruct|previous|passw|token|secret|admin"
    r"|python|import|require|assistant|credential|api_?key|base64|download|install|github|openai|anthropic|claude"
)

# Cyrillic and Greek letters that look like Latin ones.  Source: Unicode UTS 39 confusables, single letters only.
_LOOK_ALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d\u0432\u043a\u043c\u043d"
    "\u0442\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0406\u0408\u0405\u0391\u0392\u0395"
    "\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf\u03b1\u03b9\u03bd\u03c1",
    "aeopcyxijshdqwbkmhtABEKMHOPCTXIJSABEZHIKMNOPTYXoaivp",
)
_TURN_TO_LATIN = re.compile(r"[\u0370-\u052f][A-Za-z]")
_LETTER_CLASSES = bytes(
    0x4C
    if chr(byte).isalpha() and byte < 0x80
    else 0x43
    if 0xCD <= byte <= 0xD4
    else 0x63
    if 0x80 <= byte < 0xC0
    else 0x2E
    for byte in range(256)
)


def seen(data: bytes) -> Iterator[Place]:
    """The rules that characters of ``data`` (UTF-8) break: rule id, and the bytes from begin to end."""
    if not data.isascii():
        for trace in sorted(_PRESENCE.of(data), key=lambda trace: trace.name):
            yield from _FINDERS[trace](data)


def smuggled(data: bytes) -> Iterator[Layer]:
    """The text that invisible characters of ``data`` (UTF-8) stand for."""
    if data.isascii():
        return
    present = _PRESENCE.of(data)
    if _Trace.TAG in present:
        yield from _from_tags(data)
    if _Trace.SELECTOR in present:
        for hit in _SELECTORS.finditer(data):
            found = bytes(map(_selected, hit[0].decode("utf-8", "ignore")))
            if look(found) is Look.TEXT:
                yield Layer(found, ("variation selectors",), *hit.span())
    if _Trace.ZERO_WIDTH in present:
        for hit in _ZERO_WIDTHS.finditer(data):
            yield from _from_bits(hit)


def _from_tags(data: bytes) -> Iterator[Layer]:
    for hit in _TAGS.finditer(data):
        tags = hit[0].decode("utf-8", "ignore")
        text = "".join(chr(ord(tag) - 0xE0000) for tag in tags if 0xE0020 <= ord(tag) < 0xE007F)
        if text and not _is_flag(tags):
            yield Layer(text.encode("ascii"), ("tag characters",), *hit.span())


def _tags(data: bytes) -> Iterator[Place]:
    for hit in _TAGS.finditer(data):
        if not _is_flag(hit[0].decode("utf-8", "ignore")):
            yield HIDDEN, *hit.span()


def _selectors(data: bytes) -> Iterator[Place]:
    for pattern in (_SELECTORS, _LETTERS_WITH_SELECTORS):
        for hit in pattern.finditer(data):
            yield HIDDEN, *hit.span()


def _is_flag(tags: str) -> bool:
    shown = "".join(chr(ord(tag) - 0xE0000) if 0xE0020 <= ord(tag) < 0xE007F else tag for tag in tags)
    return _FLAG.fullmatch(shown) is not None


def _selected(selector: str) -> int:
    """The byte that a variation selector stands for: the first sixteen, then the supplement."""
    code = ord(selector)
    return code - 0xFE00 if code < 0xFE10 else code - 0xE0100 + 16


def _from_bits(hit: re.Match[bytes]) -> Iterator[Layer]:
    """A run of two invisible characters, read as the bits of letters."""
    run = hit[0].decode("utf-8", "ignore")
    common = [character for character, _ in Counter(run).most_common(2)]
    if len(common) < 2:
        return
    for zero in common:
        bits = "".join("0" if character == zero else "1" for character in run if character in common)
        for width in (8, 7):
            size = len(bits) // width
            found = bytes(int(bits[width * place : width * (place + 1)], 2) for place in range(size))
            if size >= 4 and look(found) is Look.TEXT:
                yield Layer(found, ("zero-width bits",), *hit.span())
                return


def _zero_widths(data: bytes) -> Iterator[Place]:
    for hit in _ZERO_WIDTHS.finditer(data):
        yield HIDDEN, *hit.span()


def _split_words(data: bytes) -> Iterator[Place]:
    last = -_AROUND_BYTES
    for hit in _SPLIT_WORD.finditer(data):
        is_split_twice = hit.start() - last < _AROUND_BYTES and b" " not in data[last : hit.start()]
        word = _word(data, hit.start(), hit.end())
        yield (HIDDEN if is_split_twice or _TELLING.search(_visible(word)) else CONTEXTUAL), *hit.span()
        last = hit.end()


def _soft_hyphens(data: bytes) -> Iterator[Place]:
    for hit in _SOFT_HYPHENS.finditer(data):
        yield CONTEXTUAL, *hit.span()


def _fillers(data: bytes) -> Iterator[Place]:
    for hit in _FILLER.finditer(data):
        yield CONTEXTUAL, *hit.span()


def _word(data: bytes, begin: int, end: int) -> str:
    """The word around a stretch: as much as is no ASCII punctuation or space."""
    first = max(0, begin - _AROUND_BYTES)
    before = data[first:begin]
    head = len(before)
    while head and (before[head - 1] >= 0x80 or before[head - 1 : head].isalnum() or before[head - 1] == 0x5F):
        head -= 1
    tail = _WORD_BYTES.match(data, end)
    return data[first + head : tail.end() if tail else end].decode("utf-8", "ignore")


def _visible(word: str) -> str:
    return "".join(character for character in word if unicodedata.category(character) != "Cf")


def _bidi(data: bytes) -> Iterator[Place]:
    for hit in _BIDI.finditer(data):
        yield BIDI, *hit.span()
    for hit in _OVERRIDE.finditer(data):
        near = data[max(0, hit.start() - 2 * _AROUND_BYTES) : hit.end() + 2 * _AROUND_BYTES]
        yield (CONTEXTUAL if _RIGHT_TO_LEFT.search(near) else HIDDEN), *hit.span()


def _homoglyphs(data: bytes) -> Iterator[Place]:
    mapped = data.translate(_LETTER_CLASSES)
    done = 0
    for place in _mixed(mapped):
        if place < done:
            continue
        word = _word(data, place, place)
        begin = data.find(word.encode(), max(0, place - _AROUND_BYTES - 4))
        done = max(place + 1, begin + len(word.encode()))
        if _is_homoglyph(word):
            yield HOMOGLYPH, begin, done


def _mixed(mapped: bytes) -> Iterator[int]:
    """Where a Latin letter meets a Greek or Cyrillic one, in order."""
    places = (mapped.find(b"LC"), mapped.find(b"CcL"))
    while max(places) >= 0:
        place = min(place for place in places if place >= 0)
        yield place
        latin, other = places
        places = (
            mapped.find(b"LC", place + 1) if latin == place else latin,
            mapped.find(b"CcL", place + 1) if other == place else other,
        )


def _is_homoglyph(word: str) -> bool:
    letters = "".join(filter(str.isalpha, word))
    plain = letters.translate(_LOOK_ALIKES)
    if len(letters) < 3 or not plain.isascii() or letters.isascii():
        return False
    # A Latin word with a foreign ending is common in Russian and in Greek.
    return _TURN_TO_LATIN.search(letters) is not None or _TELLING.search(plain) is not None


def _disguised(data: bytes) -> Iterator[Place]:
    for pattern in _DISGUISES:
        for hit in pattern.finditer(data):
            if not hit[0].isascii() and _TELLING.search(_compatible(hit[0])):
                yield DISGUISED, *hit.span()


def _compatible(text: bytes) -> str:
    return unicodedata.normalize("NFKC", text[:512].decode("utf-8", "ignore"))


def _marked(data: bytes) -> Iterator[Place]:
    for hit in _MARKED_WORD.finditer(data):
        composed = unicodedata.normalize("NFC", hit[0][:256].decode("utf-8", "ignore"))
        # Marks that stay are none of any language's spelling.
        marks = sum(unicodedata.combining(character) > 0 for character in composed)
        if marks >= 2:
            yield CONTEXTUAL, *hit.span()


_FINDERS: dict[_Trace, Callable[[bytes], Iterator[Place]]] = {
    _Trace.TAG: _tags,
    _Trace.SELECTOR: _selectors,
    _Trace.ZERO_WIDTH: _zero_widths,
    _Trace.SPLIT_WORD: _split_words,
    _Trace.SOFT_HYPHEN: _soft_hyphens,
    _Trace.FILLER: _fillers,
    _Trace.BIDI: _bidi,
    _Trace.MIXED: _homoglyphs,
    _Trace.DISGUISE: _disguised,
    _Trace.MARK: _marked,
}
