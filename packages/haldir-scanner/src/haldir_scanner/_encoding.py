"""The encoding of a file's bytes, decided by their look."""

import codecs

_HEAD_BYTES = 8192


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


def is_text(data: bytes) -> bool:
    """Whether the beginning of ``data`` is UTF-8 without NUL bytes, or UTF-16."""
    head = data[:_HEAD_BYTES]
    if b"\0" in head:
        return utf16_encoding(data) is not None
    try:
        codecs.utf_8_decode(head, "strict", False)
    except UnicodeDecodeError:
        return False
    return True
