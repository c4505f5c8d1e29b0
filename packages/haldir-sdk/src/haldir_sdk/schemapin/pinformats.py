"""Pins in the formats of the four SDKs, read by what they look like and written as each of them reads them.

The Go SDK keeps its pins in a bbolt file.  That format is not read: its own export writes the same rows as Python's.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from attrs import field, frozen

from haldir_core.canonical import JsonObject, JsonValue, pretty_bytes
from haldir_core.errors import KeyFileError, MalformedError
from haldir_core.schemapin.canon import parse_strict
from haldir_core.schemapin.discovery import read_fingerprint
from haldir_core.schemapin.domains import Domain, ToolId, parse_domain, parse_tool_id
from haldir_core.schemapin.keys import PublicKey
from haldir_core.schemapin.pins import AUTHORITY_DOMAIN, DomainPolicy, Pin, PinError

DOCUMENT = "pins"
MAX_BYTES = 16 * 1024 * 1024
MAX_ROWS = 100_000

_SQLITE = b"SQLite format 3\x00"  # https://www.sqlite.org/fileformat.html 1.3
_PYTHON_SCHEMA = """
CREATE TABLE pinned_keys (tool_id TEXT PRIMARY KEY, public_key_pem TEXT NOT NULL, domain TEXT NOT NULL,
    developer_name TEXT, pinned_at TEXT NOT NULL, last_verified TEXT);
CREATE TABLE domain_policies (domain TEXT PRIMARY KEY, policy TEXT NOT NULL, created_at TEXT NOT NULL);
"""
_ROW = ("tool_id", "public_key_pem", "domain", "developer_name", "pinned_at", "last_verified")
_MAPS = ("pinned_keys", "pinnedKeys", "keys")
_POLICY_MAPS = ("domain_policies", "domainPolicies")


class PinFormat(StrEnum):
    """How pins are written for another program."""

    ROWS = "rows"
    """A JSON list of rows: the export of the Python, JavaScript and Go SDKs."""
    LIGHT = "light"
    """A JSON object of ``tool_id@domain`` and fingerprint: the light store of Python, JavaScript and Go."""
    JAVASCRIPT = "javascript"
    """The JSON file of the JavaScript SDK: rows by tool id, and policies by domain."""
    RUST = "rust"
    """The JSON list of the Rust SDK: fingerprints only, several for one tool."""
    SQLITE = "sqlite"
    """The database of the Python SDK."""


@frozen
class PinSet:
    """Pins, and what was decided about domains."""

    pins: tuple[Pin, ...] = ()
    policies: Mapping[Domain, DomainPolicy] = field(factory=dict)


def read_pins(data: bytes) -> PinSet:
    """Return the pins that a file of any of the formats holds.

    Raises: MalformedError if it is none of them, or one entry is wrong: half of somebody's pins is no import.
    """
    if len(data) > MAX_BYTES:
        raise MalformedError(DOCUMENT, f"larger than {MAX_BYTES} bytes")
    if data.startswith(_SQLITE):
        return _from_sqlite(data)
    value = parse_strict(data, DOCUMENT, max_bytes=MAX_BYTES)
    if isinstance(value, list):
        return PinSet(_unique(pin for item in value for pin in _from_item(item)))
    if not isinstance(value, Mapping):
        raise MalformedError(DOCUMENT, "neither a list nor an object: not the pins of any SDK")
    if any(isinstance(value.get(name), Mapping | list) for name in _MAPS):
        return _from_maps(value)
    return PinSet(_unique(_from_light(name, text) for name, text in value.items()))


def write_pins(pins: PinSet, form: PinFormat) -> bytes:
    """Return ``pins`` in the format of another program.

    Raises: PinError if it cannot hold them: most formats keep one key for a tool id, and need the key itself.
    """
    return _WRITERS[form](pins)


def _unique(pins: Iterable[Pin]) -> tuple[Pin, ...]:
    found: dict[tuple[str, str, str], Pin] = {}
    for pin in pins:
        found.setdefault((pin.tool_id, pin.domain, pin.fingerprint), pin)
        if len(found) > MAX_ROWS:
            raise MalformedError(DOCUMENT, f"more than {MAX_ROWS} pins")
    return tuple(found.values())


def _from_item(item: JsonValue) -> list[Pin]:
    if not isinstance(item, Mapping):
        raise MalformedError(DOCUMENT, "an entry is no object")
    keys = item.get("pinned_keys")
    return [_from_row(item)] if keys is None else _from_rust(item, keys)


def _from_row(row: Mapping[str, JsonValue]) -> Pin:
    pem = _text(row, "public_key_pem")
    try:
        key = PublicKey.from_pem(pem)
    except KeyFileError as error:
        raise MalformedError(DOCUMENT, f"the key of {_text(row, 'tool_id')[:100]!r} {error}") from error
    return Pin(
        tool_id=parse_tool_id(_text(row, "tool_id")),
        domain=_domain(_text(row, "domain")),
        fingerprint=key.fingerprint,
        public_key_pem=pem,
        developer_name=_optional(row, "developer_name"),
        pinned_at=_optional(row, "pinned_at") or "",
        last_verified=_optional(row, "last_verified"),
    )


def _from_rust(item: Mapping[str, JsonValue], keys: JsonValue) -> list[Pin]:
    if not isinstance(keys, list):
        raise MalformedError(DOCUMENT, "pinned_keys is no list")
    pins = []
    for key in keys:
        if not isinstance(key, Mapping):
            raise MalformedError(DOCUMENT, "an entry of pinned_keys is no object")
        pins.append(
            Pin(
                tool_id=parse_tool_id(_text(item, "tool_id")),
                domain=_domain(_text(item, "domain")),
                fingerprint=_fingerprint(_text(key, "fingerprint")),
                pinned_at=_optional(key, "first_seen") or "",
                last_verified=_optional(key, "last_seen"),
            )
        )
    return pins


def _from_light(name: str, fingerprint: JsonValue) -> Pin:
    tool_id, found, domain = name.rpartition("@")  # a tool id may hold @, a domain cannot
    if not found or not isinstance(fingerprint, str):
        raise MalformedError(DOCUMENT, f"{name[:100]!r} is not tool_id@domain with a fingerprint")
    return Pin(tool_id=parse_tool_id(tool_id), domain=_domain(domain), fingerprint=_fingerprint(fingerprint))


def _from_maps(value: Mapping[str, JsonValue]) -> PinSet:
    """Read the file of the JavaScript SDK; the row of a tool may leave its own id out."""
    rows = next(value[name] for name in _MAPS if isinstance(value.get(name), Mapping | list))
    named: list[JsonValue] = []
    if isinstance(rows, Mapping):
        for tool_id, row in rows.items():
            if not isinstance(row, Mapping):
                raise MalformedError(DOCUMENT, f"the row of {tool_id[:100]!r} is no object")
            named.append({"tool_id": tool_id} | dict(row))
    elif isinstance(rows, list):
        named = list(rows)
    policies = next((value[name] for name in _POLICY_MAPS if value.get(name) is not None), {})
    return PinSet(_unique(pin for item in named for pin in _from_item(item)), _policies(policies))


def _policies(value: JsonValue) -> Mapping[Domain, DomainPolicy]:
    """Return policies by domain; each is a word, or an object with one."""
    if not isinstance(value, Mapping):
        raise MalformedError(DOCUMENT, "the policies are no object")
    found: dict[Domain, DomainPolicy] = {}
    for domain, entry in value.items():
        word = entry.get("policy") if isinstance(entry, Mapping) else entry
        found[parse_domain(domain)] = _policy(word)  # not about authorities: that would trust everybody's
    return found


def _policy(word: JsonValue) -> DomainPolicy:
    if not isinstance(word, str) or word not in set(DomainPolicy):
        raise MalformedError(DOCUMENT, f"{str(word)[:40]!r} is no policy")
    return DomainPolicy(word)


def _from_sqlite(data: bytes) -> PinSet:
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(data)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_BYTES)
        connection.execute("PRAGMA trusted_schema = OFF")
        _refuse_computed(connection)
        rows = connection.execute(f"SELECT {', '.join(_ROW)} FROM pinned_keys LIMIT {MAX_ROWS + 1}").fetchall()  # noqa: S608 - constants
        policies = connection.execute("SELECT domain, policy FROM domain_policies LIMIT 100000").fetchall()
    except (sqlite3.Error, UnicodeDecodeError, OverflowError) as error:
        raise MalformedError(DOCUMENT, f"a database, but not one of the Python SDK: {error}") from error
    finally:
        connection.close()
    pins = _unique(_from_row(dict(zip(_ROW, row, strict=True))) for row in rows)
    if not all(isinstance(domain, str) for domain, _ in policies):
        raise MalformedError(DOCUMENT, "a policy is about no domain")
    return PinSet(pins, _policies(dict(policies)))


def _refuse_computed(connection: sqlite3.Connection) -> None:
    """Refuse views and generated columns: reading them runs what somebody else wrote, which need never end."""
    tables = connection.execute(
        "SELECT type, rootpage FROM sqlite_master WHERE name IN ('pinned_keys', 'domain_policies')"
    )
    kinds = [(kind, bool(page)) for kind, page in tables]  # a virtual table has no page
    columns = connection.execute(
        "SELECT hidden FROM pragma_table_xinfo('pinned_keys') UNION ALL"
        " SELECT hidden FROM pragma_table_xinfo('domain_policies')"
    )
    if kinds != [("table", True)] * 2 or any(hidden for (hidden,) in columns):
        raise MalformedError(DOCUMENT, "a database, but not one of the Python SDK: its tables are computed, or others")


def _text(members: Mapping[str, JsonValue], name: str) -> str:
    text = members.get(name)
    if not isinstance(text, str) or not text:
        raise MalformedError(DOCUMENT, f"an entry has no {name}")
    return text


def _optional(members: Mapping[str, JsonValue], name: str) -> str | None:
    text = members.get(name)
    if text is not None and not isinstance(text, str):
        raise MalformedError(DOCUMENT, f"{name} of an entry is no text")
    return text


def _domain(text: str) -> Domain:
    return AUTHORITY_DOMAIN if text == AUTHORITY_DOMAIN else parse_domain(text)


def _fingerprint(text: str) -> str:
    fingerprint = read_fingerprint(text)
    if fingerprint is None:
        raise MalformedError(DOCUMENT, f"{text[:100]!r} is no fingerprint")
    return fingerprint


def _row(pin: Pin) -> JsonObject:
    if not pin.public_key_pem:
        raise PinError(f"only the fingerprint of the key of {pin.tool_id} is known: this format needs the key")
    return {
        "tool_id": pin.tool_id,
        "public_key_pem": pin.public_key_pem,
        "domain": pin.domain,
        "developer_name": pin.developer_name,
        "pinned_at": pin.pinned_at,
        "last_verified": pin.last_verified,
    }


def _by_tool(pins: PinSet) -> dict[ToolId, JsonObject]:
    """Return one row for each tool id, which is all that the SDKs can hold."""
    rows: dict[ToolId, JsonObject] = {}
    for pin in pins.pins:
        if pin.tool_id in rows:
            raise PinError(f"{pin.tool_id} has several pins: this format holds one for each tool id; use light or rust")
        rows[pin.tool_id] = _row(pin)
    return rows


def _write_rows(pins: PinSet) -> bytes:
    rows: list[JsonValue] = [*_by_tool(pins).values()]
    return pretty_bytes(rows)


def _write_light(pins: PinSet) -> bytes:
    found: dict[str, JsonValue] = {}
    for pin in pins.pins:
        name = f"{pin.tool_id}@{pin.domain}"
        if name in found:
            raise PinError(f"{name} has several keys: this format holds one; use rust")
        found[name] = pin.fingerprint
    return pretty_bytes(found)


def _write_javascript(pins: PinSet) -> bytes:
    rows: dict[str, JsonValue] = dict(_by_tool(pins).items())
    policies: dict[str, JsonValue] = {domain: policy.value for domain, policy in pins.policies.items()}
    return pretty_bytes({"pinned_keys": rows, "domain_policies": policies})


def _write_rust(pins: PinSet) -> bytes:
    tools: dict[tuple[str, str], list[JsonValue]] = {}
    for pin in pins.pins:
        key: JsonObject = {
            "fingerprint": pin.fingerprint,
            "first_seen": pin.pinned_at,
            "last_seen": pin.last_verified or pin.pinned_at,
            "trust_level": "tofu",
        }
        tools.setdefault((pin.tool_id, pin.domain), []).append(key)
    listed: list[JsonValue] = [
        {"tool_id": tool_id, "domain": domain, "pinned_keys": keys} for (tool_id, domain), keys in tools.items()
    ]
    return pretty_bytes(listed)


def _write_sqlite(pins: PinSet) -> bytes:
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(_PYTHON_SCHEMA)
        connection.executemany(
            "INSERT INTO pinned_keys VALUES (?, ?, ?, ?, ?, ?)",
            [tuple(row[name] for name in _ROW) for row in _by_tool(pins).values()],
        )
        connection.executemany(
            "INSERT INTO domain_policies VALUES (?, ?, '')",
            [(domain, policy.value) for domain, policy in pins.policies.items()],
        )
        connection.commit()
        return bytes(connection.serialize())
    finally:
        connection.close()


_WRITERS: Mapping[PinFormat, Callable[[PinSet], bytes]] = {
    PinFormat.ROWS: _write_rows,
    PinFormat.LIGHT: _write_light,
    PinFormat.JAVASCRIPT: _write_javascript,
    PinFormat.RUST: _write_rust,
    PinFormat.SQLITE: _write_sqlite,
}
