"""Statements about vulnerabilities (VEX) that somebody else has made, as OpenVEX documents hold them.

Spec: OpenVEX 0.2.0.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Self

from attrs import frozen

from haldir_auditor._outside import DocumentError, parse_json, read_outside
from haldir_auditor._purl import PackageUrl, parse_purl
from haldir_auditor.issues import Issue
from haldir_auditor.supply import Ecosystem

CONTEXT = "https://openvex.dev/ns/v0.2.0"
MAX_STATEMENTS = 10_000
MAX_PRODUCTS = 10_000

JUSTIFICATIONS = (
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
)
"""Why a vulnerability may not matter.  Source: OpenVEX 0.2.0, "Status Justifications"."""

_CONTEXT_BEGIN = "https://openvex.dev/ns"


class VexStatus(StrEnum):
    """What is said about a vulnerability in a product."""

    NOT_AFFECTED = "not_affected"
    AFFECTED = "affected"
    FIXED = "fixed"
    UNDER_INVESTIGATION = "under_investigation"


_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@frozen(kw_only=True)
class Statement:
    """What is said about one vulnerability in some packages; the latest about a package counts."""

    ids: frozenset[str]
    products: tuple[PackageUrl, ...]
    status: VexStatus
    justification: str = ""
    made: datetime = _LONG_AGO

    def covers(self, ecosystem: Ecosystem, name: str, version: str | None) -> bool:
        """Whether it is about this package, in this version or in any."""
        return any(product.covers(ecosystem, name, version) for product in self.products)

    @property
    def settles(self) -> bool:
        """Whether the issue counts no more: it is fixed, or does not matter for a reason that the format knows."""
        return self.status is VexStatus.FIXED or (
            self.status is VexStatus.NOT_AFFECTED and self.justification in JUSTIFICATIONS
        )


@frozen(slots=False)
class Statements:
    """The statements of one or more documents."""

    entries: tuple[Statement, ...] = ()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The statements of one OpenVEX document.

        Raises: DocumentError if it is none.
        """
        form = parse_json(data)
        context = form.get("@context")
        if not isinstance(context, str) or not context.startswith(_CONTEXT_BEGIN):
            raise DocumentError(f"is no OpenVEX document: @context must be {CONTEXT}")
        rows = _listed(form, "statements", MAX_STATEMENTS)
        made = _moment(form.get("timestamp"))
        return cls(tuple(_statement(number, row, made) for number, row in enumerate(rows, 1)))

    def statement_for(self, issue: Issue) -> Statement | None:
        """The latest statement about the vulnerability of the issue in its package; of two alike the last."""
        package = issue.dependency
        if issue.vulnerability is None or package is None:
            return None
        about = (place for name in (issue.vulnerability, *issue.aliases) for place in self._places.get(name, ()))
        found = [
            (self.entries[place].made, place)
            for place in set(about)
            if self.entries[place].covers(package.ecosystem, package.name, package.version)
        ]
        return self.entries[max(found)[1]] if found else None

    @cached_property
    def _places(self) -> Mapping[str, Sequence[int]]:
        """Where in the entries each id is."""
        places: dict[str, list[int]] = {}
        for place, entry in enumerate(self.entries):
            for name in entry.ids:
                places.setdefault(name, []).append(place)
        return places

    def __add__(self, other: "Statements") -> "Statements":
        """The statements of both."""
        return Statements(self.entries + other.entries)


def read_vex(path: Path, *, audited: Path) -> Statements:
    """The statements of the OpenVEX document at ``path``, which must lie outside of the folder that is audited.

    Raises: DocumentError if it lies inside, or cannot be read or used.
    """
    data = read_outside(path, audited=audited)
    try:
        return Statements.from_bytes(data)
    except DocumentError as error:
        raise DocumentError(f"{path}: {error}") from error


def _statement(number: int, row: object, made: datetime) -> Statement:
    try:
        return _read_statement(row, made)
    except DocumentError as error:
        raise DocumentError(f"statement {number}: {error}") from error


def _read_statement(row: object, made: datetime) -> Statement:
    if not isinstance(row, dict):
        raise DocumentError("must be an object")
    status = row.get("status")
    if status not in list(VexStatus):
        raise DocumentError(f"status must be one of {', '.join(VexStatus)}")
    justification = row.get("justification", "")
    if justification not in ("", *JUSTIFICATIONS):
        raise DocumentError(f"justification must be one of {', '.join(JUSTIFICATIONS)}")
    return Statement(
        ids=frozenset(_ids(row.get("vulnerability"))),
        products=tuple(_products(row)),
        status=VexStatus(str(status)),
        justification=str(justification),
        made=_moment(row["timestamp"]) if "timestamp" in row else made,
    )


def _ids(vulnerability: object) -> Iterator[str]:
    """The id and the aliases; documents before 0.2.0 have a text here."""
    if isinstance(vulnerability, str):
        yield vulnerability
        return
    if not isinstance(vulnerability, dict) or not isinstance(vulnerability.get("name"), str):
        raise DocumentError("vulnerability must have a name")
    yield vulnerability["name"]
    yield from (alias for alias in _listed(vulnerability, "aliases", MAX_PRODUCTS) if isinstance(alias, str))


def _products(row: Mapping[str, object]) -> Iterator[PackageUrl]:
    """The packages that are meant: the components of a product if it names any, else the product itself."""
    for product in _listed(row, "products", MAX_PRODUCTS):
        parts = _listed(product, "subcomponents", MAX_PRODUCTS) if isinstance(product, dict) else ()
        for part in parts or (product,):
            yield from filter(None, map(parse_purl, _identifiers(part)))


def _identifiers(product: object) -> Iterator[str]:
    if isinstance(product, str):
        yield product
    if isinstance(product, dict):
        identifiers = product.get("identifiers")
        known = identifiers.get("purl") if isinstance(identifiers, dict) else None
        yield from (text for text in (product.get("@id"), known) if isinstance(text, str))


def _listed(form: Mapping[str, object], name: str, limit: int) -> Sequence[object]:
    value = form.get(name, [])
    if not isinstance(value, list) or len(value) > limit:
        raise DocumentError(f"{name} must be a list of at most {limit} items")
    return value


def _moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise DocumentError("timestamp must be a moment such as 2026-11-22T10:00:00Z")
    return moment
