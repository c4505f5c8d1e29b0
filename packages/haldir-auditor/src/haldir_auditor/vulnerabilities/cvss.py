"""Severities from CVSS vectors and from the words of databases."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from attrs import frozen

from haldir_auditor.issues import Severity
from haldir_auditor.vulnerabilities.records import Rating

MAX_VECTOR_CHARS = 500
KINDS = ("CVSS_V4", "CVSS_V3", "CVSS_V2")
"""The kinds of OSV, the one that is believed most first."""
# FIRST, CVSS v4.0 specification section 6 (the same in 3.1 section 5): the lowest score of each; below them is "none"
_FLOORS = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM))
WORDS: Mapping[str, Severity] = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "important": Severity.HIGH,
    "moderate": Severity.MEDIUM,
    "medium": Severity.MEDIUM,
    "low": Severity.LOW,
    "minor": Severity.LOW,
    "negligible": Severity.LOW,
    "info": Severity.LOW,
    "none": Severity.LOW,
}
"""What databases call a severity."""


@frozen
class Judged:
    """A severity, and the vector that it comes from, if it comes from one."""

    severity: Severity
    vector: str | None


def rate(ratings: Sequence[Rating], word: str | None) -> Judged | None:
    """Return the severity that CVSS 4 gives, else 3, else 2, else a word; None if nothing that is known is said.

    Of several vectors of one kind the worst counts.
    """
    for kind in KINDS:
        vectors = [(score_vector(kind, one.score), one.score) for one in ratings if one.kind == kind]
        scored = [(score, vector) for score, vector in vectors if score is not None]
        if scored:
            score, vector = max(scored)
            return Judged(severity_of_score(score), vector)
    words = [one.score.lower() for one in ratings if one.kind not in KINDS] + ([word] if word else [])
    known = [WORDS[said] for said in words if said in WORDS]
    return Judged(max(known, key=lambda severity: severity.rank), None) if known else None


def severity_of_score(score: float) -> Severity:
    """Return the severity of a base score; zero is low, for there is nothing lower."""
    return next((severity for floor, severity in _FLOORS if score >= floor), Severity.LOW)


@lru_cache(maxsize=8192)
def score_vector(kind: str, vector: str) -> float | None:
    """Return the base score of a vector, None if it is no vector of its kind."""
    if len(vector) > MAX_VECTOR_CHARS or not vector.isascii():
        return None
    from cvss import CVSS2, CVSS3, CVSS4  # type: ignore[import-untyped] # noqa: PLC0415 - only few audits have a vector to read
    from cvss.exceptions import CVSSError  # type: ignore[import-untyped] # noqa: PLC0415 - as above

    readers: Mapping[str, Callable[[str], CVSS2 | CVSS3 | CVSS4]] = {
        "CVSS_V2": CVSS2,
        "CVSS_V3": CVSS3,
        "CVSS_V4": CVSS4,
    }
    try:
        return float(readers[kind](vector).base_score)
    except CVSSError:
        return None
