"""Baselines: what somebody has looked at and accepts, written down outside of what is scanned.

Spec: docs/how-to/scan-skills.md.
"""

import json
import os
import re
import stat
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NoReturn, Self

from attrs import evolve, frozen

from haldir_scanner._errors import BaselineError
from haldir_scanner._reports._fingerprint import fingerprint
from haldir_scanner._reports._report import Match, ScanReport, Suppressed
from haldir_scanner._reports._suppression import Suppression
from haldir_scanner._rules._scoring import Scoring

VERSION = 1
MAX_BYTES = 1024 * 1024
MAX_ENTRIES = 5_000
MAX_REASON = 1_000
MAX_LIFETIME = timedelta(days=366)
"""How far ahead an entry may end: what nobody looks at again for longer is not accepted but forgotten."""

_KNOWN = {"rule", "path", "fingerprint", "reason", "expires"}
_RULE = re.compile(r"[a-z][a-z0-9_]{2,63}")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


@frozen
class Baseline:
    """Suppressions, in the order of their file."""

    entries: tuple[Suppression, ...]

    @classmethod
    def from_bytes(cls, data: bytes, *, today: date) -> Self:
        """The baseline that ``data`` holds, as TOML or as JSON.

        Raises: BaselineError, naming the entry, if anything is missing, unknown or beyond its limit.
        """
        if len(data) > MAX_BYTES:
            raise BaselineError(f"the baseline has {len(data)} bytes; the limit is {MAX_BYTES}")
        form = _parsed(data)
        if form.keys() != {"version", "suppress"} or form["version"] != VERSION or form["version"] is True:
            raise BaselineError(f"the baseline must hold `version = {VERSION}`, tables [[suppress]], and nothing else")
        rows = form["suppress"]
        if not isinstance(rows, list) or len(rows) > MAX_ENTRIES:
            raise BaselineError(f"suppress must be a list of at most {MAX_ENTRIES} entries")
        return cls(tuple(_Row(number, row).entry(today) for number, row in enumerate(rows, 1)))

    def apply(self, report: ScanReport, scoring: Scoring, *, today: date) -> ScanReport:
        """The report with what is suppressed set apart, and with the verdict about the rest."""
        live: list[Match] = []
        suppressed: list[Suppressed] = []
        for match in report.matches:
            entry = self._entry_for(match, today)
            if entry is None:
                live.append(match)
            else:
                suppressed.append(Suppressed(match, entry))
        if not suppressed:
            return report
        judged = ScanReport.of(
            live,
            scoring.judge((match.definition for match in live), report.policy),
            files_scanned=report.files_scanned,
            bytes_scanned=report.bytes_scanned,
            patterns_checked=report.patterns_checked,
            policy=report.policy,
            bundle_version=report.bundle_version,
            bundle_digest=report.bundle_digest,
        )
        return evolve(judged, suppressed=tuple(suppressed))

    def expired(self, today: date) -> tuple[Suppression, ...]:
        """The entries that are over."""
        return tuple(entry for entry in self.entries if entry.is_over(today))

    def unused(self, reports: Iterable[ScanReport], today: date) -> tuple[Suppression, ...]:
        """The entries that count and suppress nothing in these reports."""
        used = {item.entry for report in reports for item in report.suppressed}
        return tuple(entry for entry in self.entries if entry not in used and not entry.is_over(today))

    def _entry_for(self, match: Match, today: date) -> Suppression | None:
        own = ""
        for entry in self.entries:
            if entry.is_over(today) or not _is_about(entry, match):
                continue
            if not entry.fingerprint:
                return entry
            own = own or fingerprint(match)
            if entry.fingerprint == own:
                return entry
        return None


def read_baseline(path: Path, *, scanned: Sequence[Path], today: date) -> Baseline:
    """The baseline at ``path``, which must lie outside of everything that is scanned.

    Raises: BaselineError if it lies inside, or cannot be read or used.
    """
    for folder in scanned:
        if _is_inside(path, folder):
            raise BaselineError(
                f"the baseline {path} lies in {folder}, which is scanned: what is scanned must not choose what is "
                "suppressed; keep the baseline somewhere else"
            )
    try:
        return Baseline.from_bytes(_read(path), today=today)
    except BaselineError as error:
        raise BaselineError(f"{path}: {error}") from error
    except OSError as error:
        raise BaselineError(f"cannot read the baseline {path}: {error.strerror}") from error


def _read(path: Path) -> bytes:
    # O_NONBLOCK: a FIFO must not make this wait.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123 - a descriptor
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise BaselineError("is no regular file")
        return file.read(MAX_BYTES + 1)


def _is_inside(path: Path, folder: Path) -> bool:
    """Whether the name, or the file that it leads to, lies in ``folder`` or is it."""
    named, real = Path(os.path.abspath(path)), Path(os.path.realpath(path))  # noqa: PTH100 - without links
    places = {named, *named.parents, real, *real.parents}
    return any(_is_same(place, folder) for place in places)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _is_about(entry: Suppression, match: Match) -> bool:
    if entry.rule and entry.rule != match.rule:
        return False
    if entry.path.endswith("/"):
        return match.path.startswith(entry.path)
    return not entry.path or entry.path == match.path


def _parsed(data: bytes) -> Mapping[str, Any]:
    try:
        text = data.decode("utf-8")
        form = _json(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise BaselineError(f"the baseline is neither TOML nor JSON: {error}") from error
    return dict(form)


def _json(text: str) -> Any:  # noqa: ANN401 - not yet looked at
    return json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_refuse)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key occurs twice")
    return dict(pairs)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


class _Row:
    """One entry as it was written, and what to say about it if it is wrong."""

    def __init__(self, number: int, row: object) -> None:
        self._number = number
        if not isinstance(row, dict):
            raise self._wrong("must be a table")
        self._row = row

    def entry(self, today: date) -> Suppression:
        """The record of the entry."""
        if unknown := self._row.keys() - _KNOWN:
            raise self._wrong(f"{min(unknown)!r:.40} is unknown; known are {', '.join(sorted(_KNOWN))}")
        rule, fingerprinted = self._text("rule"), self._text("fingerprint")
        if not rule and not fingerprinted:
            raise self._wrong("needs a rule or a fingerprint")
        if rule and _RULE.fullmatch(rule) is None:
            raise self._wrong(f"rule {rule!r:.80} is no id of a rule")
        if fingerprinted and _FINGERPRINT.fullmatch(fingerprinted) is None:
            raise self._wrong(
                "fingerprint must be 64 lower-case hexadecimal digits, as `haldir scan --json` prints them"
            )
        reason = self._text("reason").strip()
        if not 0 < len(reason) <= MAX_REASON:
            raise self._wrong(f"needs a reason of 1 to {MAX_REASON} characters")
        return Suppression(
            rule=rule, path=self._path(), fingerprint=fingerprinted, reason=reason, expires=self._expires(today)
        )

    def _path(self) -> str:
        path = self._text("path")
        if "path" in self._row and (not path or path.startswith(("/", "./")) or ".." in path.split("/")):
            raise self._wrong("path must be relative to what is scanned, as reports show it")
        return path

    def _expires(self, today: date) -> date:
        value = self._row.get("expires")
        try:
            day = value if type(value) is date else date.fromisoformat(self._text("expires"))
        except ValueError as error:
            raise self._wrong("expires must be a date such as 2027-01-31") from error
        if day > today + MAX_LIFETIME:
            raise self._wrong(f"expires on {day}; at most {MAX_LIFETIME.days} days ahead are allowed")
        return day

    def _text(self, name: str) -> str:
        value = self._row.get(name, "")
        if not isinstance(value, str):
            raise self._wrong(f"{name} must be a text")
        return value

    def _wrong(self, what: str) -> BaselineError:
        return BaselineError(f"entry {self._number}: {what}")
