"""DNS messages: one question read from hostile bytes, and the answer to it written.

Source: RFC 1035 4.1 (messages), RFC 6891 6.1 (OPT), RFC 7873 is not implemented.
"""

from collections.abc import Sequence
from enum import IntEnum

from attrs import frozen

HEADER_BYTES = 12
MAX_MESSAGE_BYTES = 4096
"""Largest query that is read: a name of 255 bytes and an OPT record are less than 400."""

MAX_NAME_BYTES = 255  # RFC 1035 3.1
MAX_ANSWERS = 32
"""Addresses in one answer."""

CLASS_IN = 1
_MAX_LABEL_BYTES = 63  # RFC 1035 3.1
_MAX_ADDITIONAL = 8
_ROOT = b"\0"
_TYPE_OPT = 41
_UDP_PAYLOAD = 1232  # DNS flag day 2020
_QUESTION_POINTER = b"\xc0\x0c"  # RFC 1035 4.1.4: the name at byte 12, which is the question's

_QR = 0x8000
_OPCODE = 0x7800
_AA = 0x0400
_TC = 0x0200
_RD = 0x0100
_RA = 0x0080


class Type(IntEnum):
    """Record types that are answered."""

    A = 1
    AAAA = 28


class Code(IntEnum):
    """Response codes: RFC 1035 4.1.1, RFC 6891 9."""

    NO_ERROR = 0
    FORMAT_ERROR = 1
    NAME_ERROR = 3
    NOT_IMPLEMENTED = 4
    REFUSED = 5
    BAD_VERSION = 16


class MessageError(ValueError):
    """Bytes that are no query; ``ident`` is its number if that much could be read and an answer makes sense."""

    def __init__(self, message: str, ident: int | None = None) -> None:
        """``message`` says what is wrong."""
        super().__init__(message)
        self.ident = ident


@frozen(kw_only=True)
class Query:
    r"""One question.

    ``name`` is in lower case without final dot; bytes other than letters, digits, ``-`` and ``_`` are ``\NNN``.
    """

    ident: int
    opcode: int
    recursion: bool
    name: str
    kind: int
    klass: int
    question: bytes
    """The question as it was sent, with its letters: it goes into the answer (0x20 encoding)."""
    edns: int | None
    """The version of the OPT record, or ``None`` without one."""


def parse_query(message: bytes) -> Query:
    """Read a query with one question.

    Raises: MessageError if ``message`` is none.
    """
    if not HEADER_BYTES <= len(message) <= MAX_MESSAGE_BYTES:
        raise MessageError(f"a message of {len(message)} bytes")
    ident, flags, questions, answers, authorities, additional = (
        int.from_bytes(message[at : at + 2], "big") for at in range(0, HEADER_BYTES, 2)
    )
    if flags & _QR:
        raise MessageError("an answer, not a question")
    if flags & _TC or (questions, answers, authorities) != (1, 0, 0) or additional > _MAX_ADDITIONAL:
        raise MessageError("not one whole question", ident)
    labels, at = _labels(message, HEADER_BYTES, ident)
    kind, at = _number(message, at, ident)
    klass, at = _number(message, at, ident)
    question = message[HEADER_BYTES:at]
    edns = None
    for _ in range(additional):
        version, at = _additional(message, at, ident)
        if version is not None and edns is not None:
            raise MessageError("two OPT records", ident)  # RFC 6891 6.1.1
        edns = version if version is not None else edns
    if at != len(message):
        raise MessageError("bytes after the end", ident)
    return Query(
        ident=ident,
        opcode=(flags & _OPCODE) >> 11,
        recursion=bool(flags & _RD),
        name=".".join(map(_shown, labels)),
        kind=kind,
        klass=klass,
        question=question,
        edns=edns,
    )


def answer(query: Query, code: Code, addresses: Sequence[bytes] = (), *, ttl_seconds: int = 60) -> bytes:
    """Return the answer to ``query``: ``addresses`` are 4 or 16 bytes each, those of the other type are left out."""
    size = {Type.A: 4, Type.AAAA: 16}.get(query.kind)  # type: ignore[call-overload] # other types give None
    records = [address for address in addresses if len(address) == size][:MAX_ANSWERS]
    flags = _QR | query.opcode << 11 | _AA | (_RD if query.recursion else 0) | _RA | code & 0xF
    numbers = (query.ident, flags, 1, len(records), 0, 0 if query.edns is None else 1)
    return b"".join(
        (
            *(number.to_bytes(2, "big") for number in numbers),
            query.question,
            *(_record(query.kind, ttl_seconds, address) for address in records),
            b"" if query.edns is None else _opt(code),
        )
    )


def format_error(ident: int) -> bytes:
    """Return the answer to a query that could not be read."""
    flags = _QR | _RA | Code.FORMAT_ERROR
    return ident.to_bytes(2, "big") + flags.to_bytes(2, "big") + bytes(8)


def _labels(message: bytes, at: int, ident: int) -> tuple[list[bytes], int]:
    """Return the labels of the question's name; there is nothing before it that a pointer could mean."""
    labels: list[bytes] = []
    size = 1
    while True:
        length = message[at] if at < len(message) else -1
        if length == 0:
            return labels, at + 1
        if not 0 < length <= _MAX_LABEL_BYTES:
            raise MessageError("a name with a pointer or a wrong label", ident)
        label = message[at + 1 : at + 1 + length]
        size += 1 + length
        if len(label) < length or size > MAX_NAME_BYTES:
            raise MessageError("a name that is too long, or has no end", ident)
        labels.append(label)
        at += 1 + length


def _number(message: bytes, at: int, ident: int) -> tuple[int, int]:
    if at + 2 > len(message):
        raise MessageError("a question without an end", ident)
    return int.from_bytes(message[at : at + 2], "big"), at + 2


def _additional(message: bytes, at: int, ident: int) -> tuple[int | None, int]:
    """Return the EDNS version if the record is OPT, and where it ends; other records (TSIG, SIG) are not for a stub."""
    fixed = message[at : at + 11]
    if len(fixed) < 11 or fixed[:1] != _ROOT or int.from_bytes(fixed[1:3], "big") != _TYPE_OPT:
        raise MessageError("an additional record that is no OPT", ident)
    end = at + 11 + int.from_bytes(fixed[9:11], "big")
    if end > len(message):
        raise MessageError("an OPT record without an end", ident)
    return fixed[6], end


def _record(kind: int, ttl_seconds: int, address: bytes) -> bytes:
    return b"".join(
        (
            _QUESTION_POINTER,
            kind.to_bytes(2, "big"),
            CLASS_IN.to_bytes(2, "big"),
            ttl_seconds.to_bytes(4, "big"),
            len(address).to_bytes(2, "big"),
            address,
        )
    )


def _opt(code: Code) -> bytes:
    extended = code >> 4  # RFC 6891 6.1.3: the upper bits of the response code, then version 0
    return _ROOT + _TYPE_OPT.to_bytes(2, "big") + _UDP_PAYLOAD.to_bytes(2, "big") + bytes((extended, 0, 0, 0, 0, 0))


def _shown(label: bytes) -> str:
    return "".join(chr(byte) if chr(byte) in _PLAIN else f"\\{byte:03d}" for byte in label.lower())


_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
