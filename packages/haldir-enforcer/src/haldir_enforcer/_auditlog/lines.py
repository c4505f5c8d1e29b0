"""One event as one line of an audit log: canonical JSON (RFC 8785) that holds the hash of the line before."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from json.encoder import encode_basestring  # RFC 8785 3.2.2.2 asks for the very escapes that this writes

import attrs
from attrs import field, frozen

from haldir_enforcer._auditlog.text import printable, printable_arguments, printable_argv
from haldir_enforcer.confinement import Level
from haldir_enforcer.events import Endpoint, Event

VERSION = 1
FIRST_PREV = "0" * 64
"""``prev`` of the first line of a file."""

MAX_LINE_BYTES = 1024 * 1024
"""Longest line that is read; the longest that is written is a quarter of that."""

UNHASHED = ("hash", "signature")
"""Members that the hash of a line does not cover."""

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


@frozen(kw_only=True)
class RunIdentity:
    """Which run a record belongs to: its UUID, the skill as ``name@version``, the level of isolation in force."""

    run: str = field(validator=attrs.validators.matches_re(_UUID))
    skill: str = field(converter=printable)
    level: Level


class LineWriter:
    """Makes the lines of one run in order; it is written by hand because every event of a skill waits for it."""

    def __init__(self, identity: RunIdentity, *, seq: int, prev: str) -> None:
        """Start after line ``seq - 1``, whose hash is ``prev``."""
        self.seq = seq
        self.prev = prev
        self._identity = identity
        self._level = f'"level":"{identity.level.value}","path":'
        self._run = f',"run":"{identity.run}","seq":'
        self._skill = f',"skill":{encode_basestring(identity.skill)},"ts":"'

    def event_line(self, event: Event, moment: datetime) -> bytes:
        """Return the line of ``event`` with its line feed, and go on to the next one."""
        # attributes are read once: this is most of the cost of an event
        errno, path, via = event.errno, event.path, event.via
        head = (
            f'{{"action":"{event.action.value}","argv":{_argv(event)},"by":"{event.by.value}"'
            f',"class":"{event.kind.value}","count":{event.count},"decision":"{event.decision.value}"'
            f',"detail":{_text(event.detail)},"endpoint":{_endpoint(event.endpoint)}'
            f',"errno":{"null" if errno is None else errno},"exe":{_text(event.exe)},"flags":{_flags(event.flags)},'
        )
        tail = (
            f'{self._level}{_text(path)},"pid":{event.pid},"ppid":{event.ppid},"prev":"{self.prev}"'
            f',"rule":{_text(event.rule)}{self._run}{self.seq}{self._skill}{stamp(moment)}","v":1,"via":{_text(via)}}}'
        )
        self.prev = sha256((head + tail).encode()).hexdigest()
        self.seq += 1
        return f'{head}"hash":"{self.prev}",{tail}\n'.encode()

    def members(self, event: Event, moment: datetime) -> dict[str, object]:
        """Return the members of the line that `event_line` would make next, without its hash."""
        return {
            "v": VERSION,
            "seq": self.seq,
            "ts": stamp(moment),
            "run": self._identity.run,
            "skill": self._identity.skill,
            "level": self._identity.level.value,
            "prev": self.prev,
            **event_members(event),
        }

    def line_of(self, members: Mapping[str, object], signature: Mapping[str, str] | None = None) -> bytes:
        """Return the line of ``members`` with hash, signature and line feed, and go on to the next one."""
        digest = line_hash(members)
        signed = {} if signature is None else {"signature": signature}
        self.prev = digest
        self.seq += 1
        return canonical({**members, "hash": digest, **signed}) + b"\n"


def event_members(event: Event) -> dict[str, object]:
    """Return ``event`` as members of a JSON object, its texts made printable."""
    endpoint = event.endpoint
    return {
        "action": event.action.value,
        "decision": event.decision.value,
        "by": event.by.value,
        "class": event.kind.value,
        "count": event.count,
        "pid": event.pid,
        "ppid": event.ppid,
        "exe": _shown(event.exe),
        "path": _shown(event.path),
        "via": _shown(event.via),
        "flags": printable_arguments(event.flags) or None,
        "argv": printable_argv(event) or None,
        "endpoint": None
        if endpoint is None
        else {
            "host": _shown(endpoint.host),
            "ip": _shown(endpoint.ip),
            "port": endpoint.port,
            "proto": printable(endpoint.proto),
        },
        "rule": _shown(event.rule),
        "errno": event.errno,
        "detail": _shown(event.detail),
    }


def canonical(members: Mapping[str, object]) -> bytes:
    """Return the RFC 8785 form of texts, integers and null under ASCII names; the tests hold it to haldir_core's.

    Raises: ValueError if a text holds a lone surrogate.
    """
    return json.dumps(members, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def line_hash(members: Mapping[str, object]) -> str:
    """Return the hash of a line: SHA-256 (hex) of its canonical form without `UNHASHED`."""
    return sha256(canonical({name: value for name, value in members.items() if name not in UNHASHED})).hexdigest()


def stamp(moment: datetime) -> str:
    """Return ``moment`` (aware) in UTC as ``YYYY-MM-DDTHH:MM:SS.mmmZ``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _shown(text: str | None) -> str | None:
    return None if text is None else printable(text)


def _text(text: str | None) -> str:
    return "null" if text is None else encode_basestring(printable(text))


def _argv(event: Event) -> str:
    return f"[{','.join(map(encode_basestring, printable_argv(event)))}]" if event.argv else "null"


def _flags(flags: tuple[str, ...]) -> str:
    return f"[{','.join(map(encode_basestring, printable_arguments(flags)))}]" if flags else "null"


def _endpoint(endpoint: Endpoint | None) -> str:
    if endpoint is None:
        return "null"
    port = "null" if endpoint.port is None else endpoint.port
    return (
        f'{{"host":{_text(endpoint.host)},"ip":{_text(endpoint.ip)},"port":{port}'
        f',"proto":{encode_basestring(printable(endpoint.proto))}}}'
    )
