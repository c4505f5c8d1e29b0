"""The tables of a pin store, and their rows read as what they must be.

A store can have been changed by hand, and SQLite keeps anything in any column.
"""

from collections.abc import Sequence

from haldir_core.schemapin.domains import Domain, ToolId
from haldir_core.schemapin.pins import DomainPolicy, Pin
from haldir_core.schemapin.times import Moment
from haldir_sdk.schemapin._database import DatabaseError

NOUN = "pin store"

STATEMENTS_TABLE = """
CREATE TABLE statements (
    tool_id TEXT NOT NULL,
    domain TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    PRIMARY KEY (tool_id, domain)
) WITHOUT ROWID
"""
"""What version 2 of the store has beside version 1."""

TABLES = (
    STATEMENTS_TABLE
    + """;
CREATE TABLE pins (
    tool_id TEXT NOT NULL,
    domain TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    public_key_pem TEXT NOT NULL,
    developer_name TEXT,
    pinned_at TEXT NOT NULL,
    last_verified TEXT,
    PRIMARY KEY (tool_id, domain, fingerprint)
) WITHOUT ROWID;
CREATE TABLE domain_policies (
    domain TEXT PRIMARY KEY,
    policy TEXT NOT NULL,
    created_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE revoked_keys (
    domain TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    PRIMARY KEY (domain, fingerprint)
) WITHOUT ROWID;
CREATE TABLE revocation_documents (
    domain TEXT PRIMARY KEY,
    updated_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE epochs (number INTEGER NOT NULL, store TEXT NOT NULL);
INSERT INTO epochs VALUES (0, lower(hex(randomblob(16))))
"""
)


def text_of(value: object) -> str:
    """Return a text.

    Raises: DatabaseError if it is none.
    """
    if isinstance(value, str):
        return value
    raise _by_hand(value, "text")


def number_of(value: object) -> int:
    """Return an integer.

    Raises: DatabaseError if it is none.
    """
    if isinstance(value, int):
        return value
    raise _by_hand(value, "number")


def pin_of(row: Sequence[object]) -> Pin:
    """Return the pin of a row with the seven columns of ``pins``.

    Raises: DatabaseError if it is none.
    """
    tool_id, domain, fingerprint, pem, developer, pinned_at, verified = row
    return Pin(
        tool_id=ToolId(text_of(tool_id)),
        domain=Domain(text_of(domain)),
        fingerprint=text_of(fingerprint),
        public_key_pem=text_of(pem),
        developer_name=None if developer is None else text_of(developer),
        pinned_at=text_of(pinned_at),
        last_verified=None if verified is None else text_of(verified),
    )


def policy_of(value: object) -> DomainPolicy:
    """Return what was decided about a domain.

    Raises: DatabaseError if it is none of the words.
    """
    try:
        return DomainPolicy(text_of(value))
    except ValueError as error:
        raise _by_hand(value, "policy") from error


def moment_of(value: object) -> Moment:
    """Return a time.

    Raises: DatabaseError if it is none.
    """
    try:
        return Moment.parse(text_of(value))
    except ValueError as error:
        raise _by_hand(value, "time") from error


def _by_hand(value: object, noun: str) -> DatabaseError:
    shown = repr(value[:40]) if isinstance(value, str | bytes) else repr(value)
    return DatabaseError(
        f"the {NOUN} holds {shown}, which is no {noun}: it was changed by hand. Take the last copy of it, or begin anew"
    )
