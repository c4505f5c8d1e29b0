"""The encoding of a file's bytes, decided by their look."""

import codecs

_HEAD_BYTES = 8192
_GLANCE = 2048
_LEAST_NULS = 5  # of so many bytes one is NUL in text of Latin letters with two or four bytes each
# Of what is text in no Unicode encoding: control bytes are rare, and there are letters and spaces.
_MOST_CONTROLS = 0.02
_LEAST_LEGIBLE = 0.15
_LEAST_LEGIBLE_AMONG_NULS = 0.7
_CONTROLS = bytes([*range(1, 9), 0x0B, *range(0x0E, 0x1B), *range(0x1C, 0x20), 0x7F])
_LEGIBLE = bytes([0x09, 0x0A, 0x0D, *range(0x20, 0x7F)])
_UTF32 = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32"}


def utf16_encoding(data: bytes) -> str | None:
    """The codec name if ``data`` is UTF-16, with or without a byte order mark; else None."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    head = data[:_HEAD_BYTES]
    half = len(head) // 2
    if half < 2:
        return None
    zeros_first, zeros_second = head[0 : 2 * half : 2].count(0), head[1::2].count(0)
    # Text of mostly Latin letters has a zero in every second byte and hardly any in the others.
    if zeros_second > 0.5 * half and zeros_first < 0.1 * half:
        return "utf-16-le"
    if zeros_first > 0.5 * half and zeros_second < 0.1 * half:
        return "utf-16-be"
    return None


def wide_encoding(data: bytes) -> str | None:
    """The codec name if ``data`` is UTF-16 or UTF-32, with or without a byte order mark; else None."""
    # The mark of UTF-32, little end first, begins with the one of UTF-16.
    for mark, name in _UTF32.items():
        if data.startswith(mark):
            return name
    head = data[:_HEAD_BYTES]
    if head.count(0) < len(head) // _LEAST_NULS:
        return utf16_encoding(data[:2])
    quarter = len(head) // 4
    zeros = [head[place : 4 * quarter : 4].count(0) for place in range(4)]
    if quarter >= 2 and zeros[3] == zeros[2] == quarter and zeros[0] == 0:
        return "utf-32-le"
    if quarter >= 2 and zeros[0] == zeros[1] == quarter and zeros[3] == 0:
        return "utf-32-be"
    return utf16_encoding(data)


def is_text(data: bytes) -> bool:
    """Whether the beginning of ``data`` is text: UTF-8, UTF-16, UTF-32 or an older encoding, maybe among NULs."""
    return is_narrow_text(data) or wide_encoding(data) is not None


def is_narrow_text(data: bytes) -> bool:
    """Whether the beginning of ``data`` is text of which every ASCII character is one byte."""
    return is_utf8(data) or _is_legible(data[:_HEAD_BYTES])


def holds_text(data: bytes) -> bool:
    """Whether the beginning, the middle or the end of ``data`` is text."""
    middle = len(data) // 2
    windows = data[middle : middle + _HEAD_BYTES], data[-_HEAD_BYTES:]
    return is_text(data) or any(_is_legible(window) for window in windows)


def is_utf8(data: bytes) -> bool:
    """Whether the beginning of ``data`` is UTF-8 without NUL bytes."""
    head = data[:_HEAD_BYTES]
    if b"\0" in head:
        return False
    try:
        codecs.utf_8_decode(head, "strict", False)
    except UnicodeDecodeError:
        return False
    return True


def _is_legible(window: bytes) -> bool:
    """Whether a reader who skips NULs, as shells do, finds mostly letters."""
    # Noise has too many control bytes in its beginning alone.
    if _controls(window[:_GLANCE]) > _MOST_CONTROLS * len(window):
        return False
    rest = window.replace(b"\0", b"")
    controls = _controls(rest)
    legible = len(rest) - len(rest.translate(None, _LEGIBLE))
    least = _LEAST_LEGIBLE if len(rest) == len(window) else _LEAST_LEGIBLE_AMONG_NULS
    return bool(rest) and controls <= _MOST_CONTROLS * len(rest) and legible >= least * len(rest)


def _controls(text: bytes) -> int:
    """The number of control bytes, without NUL."""
    return len(text) - len(text.translate(None, _CONTROLS))
