"""Issues that somebody has looked at and accepts, until a day.

Spec: docs/how-to/audit-dependencies.md.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Self

from attrs import frozen

from haldir_auditor._outside import DocumentError, parse_document, read_outside
from haldir_auditor.issues import Issue, Suppressed

VERSION = 1
MAX_ENTRIES = 5_000
MAX_REASON = 1_000
MAX_LIFETIME = timedelta(days=366)
"""How far ahead an entry may end: what nobody looks at again for longer is not accepted but forgotten."""

_KNOWN = frozenset({"id", "package", "path", "reason", "expires"})
_ID = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{1,99}")
_CHECK_ID = re.compile(r"[a-z]+(?:-[a-z]+)*")
_WILDCARDS = re.compile(r"[*?\[\]]")


@frozen(kw_only=True)
class Ignore:
    """One accepted issue.

    Attributes:
        id: of a vulnerability (or an alias of it), or of a check.
        package: the name of the package that it is about; empty for any.
        path: of the file, as reports show it; empty for any.
        reason: why it is accepted.
        expires: the last day on which it counts.
    """

    id: str
    reason: str
    expires: date
    package: str = ""
    path: str = ""

    @property
    def end(self) -> datetime:
        """The moment from which on it no longer counts."""
        return datetime.combine(self.expires + timedelta(days=1), time(), UTC)

    def is_over(self, now: datetime) -> bool:
        """Whether it no longer counts."""
        return now >= self.end

    def is_about(self, issue: Issue) -> bool:
        """Whether it is about this issue."""
        if self.id not in {issue.vulnerability, *issue.aliases, issue.rule}:
            return False
        name = "" if issue.dependency is None else issue.dependency.name
        return self.package in {"", name} and self.path in {"", issue.path}

    @property
    def text(self) -> str:
        """What it is about, in words."""
        return " ".join(filter(None, (self.id, self.package and f"of {self.package}", self.path and f"in {self.path}")))


@frozen
class Ignores:
    """Accepted issues, in the order of their file."""

    entries: tuple[Ignore, ...] = ()

    @classmethod
    def from_bytes(cls, data: bytes, *, now: datetime) -> Self:
        """The entries that ``data`` holds, as TOML or as JSON.

        Raises: DocumentError, naming the entry, if anything is missing, unknown or beyond its limit.
        """
        form = parse_document(data)
        if form.keys() != {"version", "ignore"} or form["version"] != VERSION or form["version"] is True:
            raise DocumentError(f"must hold `version = {VERSION}`, tables [[ignore]], and nothing else")
        rows = form["ignore"]
        if not isinstance(rows, list) or len(rows) > MAX_ENTRIES:
            raise DocumentError(f"ignore must be a list of at most {MAX_ENTRIES} entries")
        return cls(tuple(_entry(number, row, now.date()) for number, row in enumerate(rows, 1)))

    def expired(self, now: datetime) -> tuple[Ignore, ...]:
        """The entries that are over."""
        return tuple(entry for entry in self.entries if entry.is_over(now))

    def unused(self, suppressed: Iterable[Suppressed], now: datetime) -> tuple[Ignore, ...]:
        """The entries that count and are about none of these issues."""
        issues = [item.issue for item in suppressed]
        live = (entry for entry in self.entries if not entry.is_over(now))
        return tuple(entry for entry in live if not any(map(entry.is_about, issues)))

    def entry_for(self, issue: Issue, now: datetime) -> Ignore | None:
        """The first entry that is about the issue and still counts."""
        return next((entry for entry in self.entries if entry.is_about(issue) and not entry.is_over(now)), None)


def read_ignores(path: Path, *, audited: Path, now: datetime) -> Ignores:
    """The entries of the file at ``path``, which must lie outside of the folder that is audited.

    Raises: DocumentError if it lies inside, or cannot be read or used.
    """
    data = read_outside(path, audited=audited)
    try:
        return Ignores.from_bytes(data, now=now)
    except DocumentError as error:
        raise DocumentError(f"{path}: {error}") from error


def _entry(number: int, row: object, today: date) -> Ignore:
    try:
        return _read_entry(row, today)
    except DocumentError as error:
        raise DocumentError(f"entry {number}: {error}") from error


def _read_entry(row: object, today: date) -> Ignore:
    if not isinstance(row, dict):
        raise DocumentError("must be a table")
    if unknown := row.keys() - _KNOWN:
        raise DocumentError(f"{min(unknown)!r:.40} is unknown; known are {', '.join(sorted(_KNOWN))}")
    texts = {name: _text(row, name) for name in ("id", "package", "path", "reason")}
    identity = texts["id"]
    if _ID.fullmatch(identity) is None:
        raise DocumentError(f"id {identity!r:.80} is no id of a vulnerability or a check; there are no wildcards")
    if any(_WILDCARDS.search(texts[name]) for name in ("package", "path")):
        raise DocumentError("package and path are exact; there are no wildcards")
    if _CHECK_ID.fullmatch(identity) and not texts["package"] and not texts["path"]:
        raise DocumentError(f"the id of a check ({identity}) needs a package or a path too, so that it is not for all")
    if not 0 < len(texts["reason"].strip()) <= MAX_REASON:
        raise DocumentError(f"needs a reason of 1 to {MAX_REASON} characters")
    return Ignore(**texts, expires=_expires(row, today))


def _expires(row: Mapping[str, object], today: date) -> date:
    value = row.get("expires")
    try:
        day = value if type(value) is date else date.fromisoformat(_text(row, "expires"))
    except ValueError as error:
        raise DocumentError("expires must be a date such as 2027-01-31") from error
    if day > today + MAX_LIFETIME:
        raise DocumentError(f"expires on {day}; at most {MAX_LIFETIME.days} days ahead are allowed")
    return day


def _text(row: Mapping[str, object], name: str) -> str:
    value = row.get(name, "")
    if not isinstance(value, str):
        raise DocumentError(f"{name} must be a text")
    return value
