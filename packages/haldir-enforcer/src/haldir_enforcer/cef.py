r"""Events as lines of the ArcSight Common Event Format (CEF), version 0.

Source: Micro Focus Security ArcSight Common Event Format, version 25 (2017), chapters "Character Encoding" and
"Extension Dictionary": in the header ``|`` and ``\`` are escaped, in the extension ``=``, ``\``, line feed and carriage
return; nothing else is.
"""

import ipaddress
import shlex
from collections.abc import Iterator

from haldir_enforcer._auditlog.context import PRODUCT, VENDOR, Context
from haldir_enforcer._auditlog.text import printable, printable_argv
from haldir_enforcer.events import Class, Decision, Endpoint, Event

__all__ = ["Context", "escape_extension", "escape_header", "to_cef"]

_HEADER = str.maketrans({"\\": "\\\\", "|": "\\|", "\n": " ", "\r": " "})  # a header has no way to write a new line
_EXTENSION = str.maketrans({"\\": "\\\\", "=": "\\=", "\n": "\\n", "\r": "\\r"})

Pairs = Iterator[tuple[str, str]]


def escape_header(text: str) -> str:
    """Return ``text`` for a field between two ``|``."""
    return text.translate(_HEADER)


def escape_extension(text: str) -> str:
    """Return ``text`` for the value of an extension key."""
    return text.translate(_EXTENSION)


def to_cef(event: Event, context: Context) -> str:
    """Return the line of ``event``, without line feed; control characters are shown as in the audit log."""
    name = f"{event.action} {'denied' if event.decision is Decision.DENY else 'allowed'}"
    header = ("CEF:0", VENDOR, PRODUCT, context.version, event.action.value, name, _severity(event))
    extension = " ".join(f"{key}={escape_extension(value)}" for key, value in _pairs(event, context))
    return f"{'|'.join(map(escape_header, header))}|{extension}"


def _severity(event: Event) -> str:
    """Return the severity: 0 to 3 is low, 4 to 6 medium, 7 and 8 high."""
    if event.kind is Class.VIOLATION:
        return "8"
    return "1" if event.decision is Decision.ALLOW else "3"


def _pairs(event: Event, context: Context) -> Pairs:
    yield "rt", str(context.milliseconds)
    yield "dvchost", context.hostname
    yield "externalId", context.uid
    yield "act", event.decision.value
    yield "cat", event.kind.value
    yield "cnt", str(event.count)
    yield "spid", str(event.pid)
    if event.exe is not None:
        yield "sproc", printable(event.exe)
    if event.path is not None:
        yield "filePath", printable(event.path)
    if event.endpoint is not None:
        yield from _endpoint(event.endpoint)
    if event.errno is not None:
        yield "reason", f"errno {event.errno}"
    if event.detail is not None:
        yield "msg", printable(event.detail, 1023)  # its length in the dictionary
    yield from _custom(1, "skill", context.identity.skill)
    yield from _custom(2, "level", context.identity.level.value)
    yield from _custom(3, "by", event.by.value)
    if event.rule is not None:
        yield from _custom(4, "rule", printable(event.rule))
    if event.argv:
        yield from _custom(5, "argv", shlex.join(printable_argv(event)))
    if event.via is not None:
        yield from _custom(6, "via", printable(event.via))


def _custom(number: int, label: str, value: str) -> Pairs:
    yield f"cs{number}Label", label
    yield f"cs{number}", value


def _endpoint(endpoint: Endpoint) -> Pairs:
    if endpoint.host is not None:
        yield "dhost", printable(endpoint.host)
    if endpoint.ip is not None:
        yield from _address(printable(endpoint.ip))
    if endpoint.port is not None:
        yield "dpt", str(endpoint.port)
    yield "proto", printable(endpoint.proto)


def _address(text: str) -> Pairs:
    try:
        version = ipaddress.ip_address(text).version
    except ValueError:
        yield "destinationServiceName", text  # something else than an address was asked for: it is shown all the same
        return
    if version == 4:
        yield "dst", text
    else:  # dst is for IPv4 in version 0
        yield "c6a3Label", "Destination IPv6 Address"
        yield "c6a3", text
