"""Bytes as text: by byte order mark, else by declared encoding, else UTF-8."""

import codecs
import re

from haldir_auditor._syntax.errors import UnreadableError

# The marks of UTF-32 begin with those of UTF-16: the longer ones come first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_COOKIE = re.compile(
    rb"\A(?:[^\n]{0,200}\n)?[ \t\f]*#[^\n]{0,80}?coding[:=][ \t]*(?P<name>[-_.a-zA-Z0-9]{1,20})"
)  # PEP 263
_EIGHT_BIT = {"latin-1", "latin1", "iso-8859-1", "iso-8859-15", "latin-9", "cp1252", "windows-1252"}
_NEWLINES = re.compile("\r\n?")


def text_of(data: bytes) -> str:
    """Return the text, with line feeds only and without byte order mark.

    Raises:
        UnreadableError: if it is no text.
    """
    text = _NEWLINES.sub("\n", _decoded(data))
    if "\0" in text:
        raise UnreadableError("the file has NUL characters: save it as UTF-8 text")
    return text


def looks_binary(data: bytes) -> bool:
    """Say whether the beginning is that of no text file, whatever the name."""
    return b"\0" in data[:8192] and not any(data.startswith(mark) for mark, _ in _MARKS)


def _decoded(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strict(data[len(mark) :], encoding)
    cookie = _COOKIE.match(data)
    if cookie and cookie["name"].decode("ascii").lower().replace("_", "-") in _EIGHT_BIT:
        return data.decode("latin-1")
    return _strict(data, "utf-8")


def _strict(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnreadableError(
            f"byte {error.start} is not {encoding.upper()}: save it as UTF-8 text", line=line
        ) from error
