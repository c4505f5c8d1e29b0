"""The pins of one user in a SQLite file: what was trusted on first use, decided about domains, and revoked."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

import attrs
from attrs import frozen

from haldir_core.schemapin.codes import Downgrade
from haldir_core.schemapin.discovery import read_fingerprint
from haldir_core.schemapin.domains import Domain, ToolId
from haldir_core.schemapin.pins import (
    AUTHORITY_DOMAIN,
    Candidate,
    Change,
    Decide,
    DomainPolicy,
    Judgement,
    KeyState,
    Mode,
    Outcome,
    Pin,
    PinError,
    apply_decision,
    changed_pins,
    judge,
    question,
    reject_all,
)
from haldir_core.schemapin.revocation import CLOCK_SKEW, KeyRevocations
from haldir_core.schemapin.times import Moment, written_time
from haldir_sdk.schemapin._database import Database
from haldir_sdk.schemapin._pinrows import (
    NOUN,
    STATEMENTS_TABLE,
    TABLES,
    moment_of,
    number_of,
    pin_of,
    policy_of,
    text_of,
)

APPLICATION_ID = 0x48504E53  # "HPNS"
VERSION = 2

TOUCH_AFTER = timedelta(hours=1)
"""How old ``last_verified`` may be before it is written again: a verification need not wait for the disk."""

TRIES = 3
"""How often a key is judged anew because its pins changed between reading and writing."""

MAX_REVOKED = 10_000
"""Revoked keys of one domain that are remembered: nobody shall fill the disk by revoking."""

_PINS = """
SELECT tool_id, domain, fingerprint, public_key_pem, developer_name, pinned_at, last_verified FROM pins
WHERE (?1 IS NULL OR tool_id = ?1) AND (?2 IS NULL OR domain = ?2)
ORDER BY domain, tool_id, pinned_at, fingerprint
"""
_KNOWN = """
SELECT 0, tool_id, domain, fingerprint, public_key_pem, developer_name, pinned_at, last_verified FROM pins
WHERE tool_id = ?1 AND domain = ?2
UNION ALL SELECT 1, policy, '', '', '', '', '', '' FROM domain_policies WHERE domain = ?2
UNION ALL SELECT 2, '', '', '', '', '', '', '' FROM revoked_keys WHERE domain = ?2 AND fingerprint = ?3
"""
_FORGET_STATEMENT = """
DELETE FROM statements WHERE tool_id = ?1 AND domain = ?2
AND NOT EXISTS (SELECT 1 FROM pins WHERE tool_id = ?1 AND domain = ?2)
"""
_INSERT = """
INSERT INTO pins (tool_id, domain, fingerprint, public_key_pem, developer_name, pinned_at, last_verified)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""


@frozen
class _Known:
    """What the store knows when a key is judged."""

    pinned: tuple[Pin, ...]
    policy: DomainPolicy
    revoked: bool

    def judge(self, candidate: Candidate, mode: Mode) -> Judgement:
        state = KeyState.REVOKED if self.revoked else candidate.state
        return judge(attrs.evolve(candidate, state=state), self.pinned, mode=mode, policy=self.policy)

    def is_same(self, other: "_Known") -> bool:
        """Whether nothing that matters has changed; when a key was last verified does not."""
        mine, theirs = ([pin.fingerprint for pin in known.pinned] for known in (self, other))
        return (mine, self.policy, self.revoked) == (theirs, other.policy, other.revoked)


class PinStore:
    """A `PinLedger` on disk, for many processes at once; use it as a context manager, or close it.

    Keys are judged and pinned in one transaction, so that two processes never pin two keys for one tool.
    """

    def __init__(self, path: Path, *, mode: Mode = Mode.AUTOMATIC, decide: Decide = reject_all) -> None:
        """Open the store at ``path``, or make an empty one; ``decide`` answers where somebody is to be asked.

        Raises: DatabaseError
        """
        self._database = Database(
            path,
            application_id=APPLICATION_ID,
            version=VERSION,
            schema=TABLES,
            noun=NOUN,
            upgrades={1: STATEMENTS_TABLE},
        )
        self._mode = mode
        self._decide = decide

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def peek(self, candidate: Candidate) -> Judgement:
        """Return what would become of the key; nothing is written and nobody is asked."""
        with self._database.reading() as connection:
            return _known(connection, candidate).judge(candidate, self._mode)

    def commit(self, candidate: Candidate, now: datetime) -> Judgement:
        """Judge the key, ask somebody if need be, and write what follows; nobody is asked inside of a transaction.

        Raises: PinError if the pins change again and again while somebody is asked.
        """
        for _ in range(TRIES):
            with self._database.reading() as connection:
                known = _known(connection, candidate)
            judgement = self._answered(candidate, known)
            if not _changes(judgement, known, candidate, now):
                return judgement
            with self._database.writing() as connection:
                latest = _known(connection, candidate)
                if latest.is_same(known):
                    _write(connection, candidate, latest, judgement, now)
                    return judgement
        raise PinError("the pins of this tool keep changing while it is decided about them: try again")

    def _answered(self, candidate: Candidate, known: _Known) -> Judgement:
        """Return what becomes of the key, after somebody was asked if that is needed."""
        judgement = known.judge(candidate, self._mode)
        if judgement.outcome is not Outcome.ASK or judgement.prompt is None:
            return judgement
        asked = question(candidate, known.pinned, judgement)
        return apply_decision(self._decide(asked), asked)

    def epoch(self) -> int:
        """Return a number that grows whenever a pin, a policy or a revocation changes."""
        return number_of(self._database.first("SELECT number FROM epochs")[0])

    @property
    def identity(self) -> str:
        """The random name that this store got when it was made; no other store has it."""
        return text_of(self._database.first("SELECT store FROM epochs")[0])

    def pins(self, *, tool_id: str | None = None, domain: str | None = None) -> tuple[Pin, ...]:
        """Return the pins, those of a tool, those of a domain, or those of a tool of a domain."""
        with self._database.reading() as connection:
            rows = connection.execute(_PINS, (tool_id, domain))
            return tuple(map(pin_of, rows))

    def add(self, pins: Iterable[Pin]) -> int:
        """Write pins that come from elsewhere, all or none; return how many were new.

        Raises: PinError if a key is revoked, or the tool has another key already.
        """
        with self._database.writing() as connection:
            return _add(connection, pins)

    def take_over(self, pins: Iterable[Pin], policies: Mapping[Domain, DomainPolicy], now: datetime) -> int:
        """Write pins and decisions about domains that come from elsewhere, all or none; return how many pins were new.

        Raises: PinError if a key is revoked, a tool has another key already, or a domain another policy.
        """
        with self._database.writing() as connection:
            known = dict(connection.execute("SELECT domain, policy FROM domain_policies").fetchall())
            for domain, policy in policies.items():
                if known.get(domain, policy.value) != policy.value:
                    raise PinError(
                        f"{domain} is {policy_of(known[domain])}, not {policy.value}: decide that first (pin policy)"
                    )
                if domain not in known:
                    _set_policy(connection, domain, policy, now)
            if not policies.keys() <= known.keys():
                _next_epoch(connection)
            return _add(connection, pins)

    def remove(self, tool_id: str, domain: str, fingerprint: str | None = None) -> int:
        """Forget the pins of a tool, or one of them; return how many there were."""
        with self._database.writing() as connection:
            gone = connection.execute(
                "DELETE FROM pins WHERE tool_id = ?1 AND domain = ?2 AND (?3 IS NULL OR fingerprint = ?3)",
                (tool_id, domain, fingerprint),
            ).rowcount
            if gone:
                connection.execute(_FORGET_STATEMENT, (tool_id, domain))
                _next_epoch(connection)
        return gone

    def policies(self) -> Mapping[Domain, DomainPolicy]:
        """Return what was decided about domains."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT domain, policy FROM domain_policies ORDER BY domain").fetchall()
        return {Domain(text_of(domain)): policy_of(policy) for domain, policy in rows}

    def set_policy(self, domain: Domain, policy: DomainPolicy, now: datetime) -> None:
        """Note what was decided about a domain.

        Raises: PinError where it would be decided about the authorities of all bundles.
        """
        if domain == AUTHORITY_DOMAIN:
            raise PinError("nothing can be decided about all authorities of bundles: pin or forget each")
        with self._database.writing() as connection:
            _set_policy(connection, domain, policy, now)
            _next_epoch(connection)

    def note_revoked(self, domain: Domain, fingerprints: Sequence[str], now: datetime) -> None:
        """Remember that ``domain`` revoked these keys: they can never be pinned for it again."""
        if self.revoked(domain).issuperset(filter(None, map(read_fingerprint, fingerprints))):
            return  # nothing is written, and nobody waits, where all is known
        with self._database.writing() as connection:
            _note_revoked(connection, domain, fingerprints, now)

    def note_document(self, domain: Domain, document: KeyRevocations, now: datetime) -> None:
        """Remember what a revocation document of ``domain`` says, and how new it is.

        A date in the future is not remembered: every honest document would be older.
        """
        updated, newest = document.updated_at, self.newest_document(domain)
        self.note_revoked(domain, [key.fingerprint for key in document.revoked_keys], now)
        if updated is None or (newest is not None and newest >= updated):
            return
        with self._database.writing() as connection:
            newest = _newest(connection, domain)
            if updated.moment - now <= CLOCK_SKEW and (newest is None or newest < updated):
                connection.execute("INSERT OR REPLACE INTO revocation_documents VALUES (?, ?)", (domain, updated.text))

    def downgrade(self, domain: Domain, tool_id: ToolId) -> Downgrade:
        """Return what it means that a tool has no signed statement: nothing, if it never had one.

        In strict mode one that had a statement is refused without it; in the others that is a warning.
        """
        if not self._had_statement(domain, tool_id):
            return Downgrade.NONE
        return Downgrade.REFUSED if self._mode is Mode.STRICT else Downgrade.WARNED

    def note_statement(self, domain: Domain, tool_id: ToolId, now: datetime) -> None:
        """Remember that a statement of the tool was verified, until all of its pins are removed."""
        if self._had_statement(domain, tool_id):
            return
        with self._database.writing() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO statements VALUES (?, ?, ?)", (tool_id, domain, written_time(now))
            )
            _next_epoch(connection)

    def _had_statement(self, domain: Domain, tool_id: ToolId) -> bool:
        with self._database.reading() as connection:
            found = connection.execute("SELECT 1 FROM statements WHERE tool_id = ? AND domain = ?", (tool_id, domain))
            return found.fetchone() is not None

    def newest_document(self, domain: Domain) -> Moment | None:
        """Return how new the newest revocation document of ``domain`` was that was seen."""
        with self._database.reading() as connection:
            return _newest(connection, domain)

    def revoked(self, domain: Domain) -> frozenset[str]:
        """Return the keys that ``domain`` was ever seen to revoke."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT fingerprint FROM revoked_keys WHERE domain = ?", (domain,))
            return frozenset(text_of(row[0]) for row in rows)


def _known(connection: sqlite3.Connection, candidate: Candidate) -> _Known:
    """Return what matters for a key in one statement, so that it is one state that is read."""
    rows = connection.execute(_KNOWN, (candidate.tool_id, candidate.domain, candidate.fingerprint)).fetchall()
    policies = [policy_of(row[1]) for row in rows if row[0] == 1]
    return _Known(
        pinned=tuple(pin_of(row[1:]) for row in rows if row[0] == 0),
        policy=policies[0] if policies else DomainPolicy.DEFAULT,
        revoked=any(row[0] == 2 for row in rows),
    )


def _changes(judgement: Judgement, known: _Known, candidate: Candidate, now: datetime) -> bool:
    """Whether something must be written; that a key was verified again need not be noted each time."""
    if judgement.change is not Change.TOUCH or judgement.policy is not None:
        return judgement.change is not Change.NOTHING or judgement.policy is not None
    since = written_time(now - TOUCH_AFTER)
    verified = [pin.last_verified for pin in known.pinned if pin.fingerprint == candidate.fingerprint]
    return any(text is None or not since <= text <= written_time(now) for text in verified)


def _write(
    connection: sqlite3.Connection, candidate: Candidate, known: _Known, judgement: Judgement, now: datetime
) -> None:
    if judgement.change is not Change.NOTHING:
        connection.execute("DELETE FROM pins WHERE tool_id = ? AND domain = ?", (candidate.tool_id, candidate.domain))
        for pin in changed_pins(candidate, known.pinned, judgement, now):
            _insert(connection, pin)
    if judgement.policy is not None:
        _set_policy(connection, candidate.domain, judgement.policy, now)
    if judgement.policy is not None or judgement.change in {Change.ADD, Change.REPLACE}:
        _next_epoch(connection)


def _add(connection: sqlite3.Connection, pins: Iterable[Pin]) -> int:
    new = [pin for pin in dict.fromkeys(pins) if _is_new(connection, pin)]
    for pin in new:
        _insert(connection, pin)
    if new:
        _next_epoch(connection)
    return len(new)


def _is_new(connection: sqlite3.Connection, pin: Pin) -> bool:
    """Whether a pin from elsewhere is to be written; a tool may come with several keys, but none beside its own."""
    candidate = Candidate(tool_id=pin.tool_id, domain=pin.domain, fingerprint=pin.fingerprint)
    known = _known(connection, candidate)
    if known.revoked:
        raise PinError(f"the key {pin.fingerprint} of {pin.tool_id} of {pin.domain} is revoked: it cannot be pinned")
    if any(other.fingerprint == pin.fingerprint for other in known.pinned):
        return False
    if known.pinned:
        raise PinError(f"{pin.tool_id} of {pin.domain} has another key pinned: remove that first if it is wrong")
    return True


def _insert(connection: sqlite3.Connection, pin: Pin) -> None:
    connection.execute(_INSERT, attrs.astuple(pin))


def _set_policy(connection: sqlite3.Connection, domain: Domain, policy: DomainPolicy, now: datetime) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO domain_policies VALUES (?, ?, ?)", (domain, policy.value, written_time(now))
    )


def _note_revoked(connection: sqlite3.Connection, domain: Domain, fingerprints: Iterable[str], now: datetime) -> None:
    before = connection.total_changes
    known: int = connection.execute("SELECT count(*) FROM revoked_keys WHERE domain = ?", (domain,)).fetchone()[0]
    found = filter(None, map(read_fingerprint, fingerprints))
    connection.executemany(
        "INSERT OR IGNORE INTO revoked_keys VALUES (?, ?, ?)",
        ((domain, fingerprint, written_time(now)) for fingerprint in islice(found, max(0, MAX_REVOKED - known))),
    )
    if connection.total_changes != before:
        _next_epoch(connection)


def _newest(connection: sqlite3.Connection, domain: Domain) -> Moment | None:
    row = connection.execute("SELECT updated_at FROM revocation_documents WHERE domain = ?", (domain,)).fetchone()
    return None if row is None else moment_of(row[0])


def _next_epoch(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE epochs SET number = number + 1")
