"""What came of each layer: a verdict, or why there is none."""

from collections.abc import Mapping
from enum import StrEnum

from attrs import asdict, evolve, field, frozen

from haldir_core import Finding, Severity, Summary, Timestamp
from haldir_core.canonical import JsonObject, JsonValue

NOTHING_FOUND = Summary(critical=0, high=0, medium=0, low=0)


class LayerName(StrEnum):
    """The layers that a program can run, in their order; the fifth is a person."""

    SCAN = "scan"
    AUDIT = "audit"
    SANDBOX = "sandbox"
    REVIEW = "review"

    @property
    def number(self) -> int:
        """The number in reports, from 1."""
        return list(LayerName).index(self) + 1

    @property
    def wire_name(self) -> str:
        """The name in reports."""
        return _WIRE_NAMES[self]


_WIRE_NAMES = {
    LayerName.SCAN: "static_analysis",
    LayerName.AUDIT: "dependency_audit",
    LayerName.SANDBOX: "sandbox_execution",
    LayerName.REVIEW: "llm_audit",
}


class State(StrEnum):
    """How a layer ended, from good to bad."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    CARRIED = "carried"
    """It did not run; its last full result, of an earlier version, stands for it."""
    SKIPPED = "skipped"
    """It did not run."""
    FLAG = "flag"
    INCONCLUSIVE = "inconclusive"
    """It ran, and gives no answer: out of its time, not all was looked at, or the models do not agree."""
    REJECT = "reject"
    ERROR = "error"
    """It failed; nothing is known."""


RAN = frozenset({State.PASS, State.FLAG, State.INCONCLUSIVE, State.REJECT})
"""The states of a layer that has looked at the skill."""


@frozen(kw_only=True)
class Carried:
    """The last full result of a layer about an earlier version of the same skill."""

    layer: LayerName
    state: State
    moment: Timestamp
    content: str


@frozen(kw_only=True)
class Outcome:
    """What came of one layer.

    Attributes:
        layer: which.
        state: how it ended.
        reason: why there is no pass; empty for a pass.
        findings: at most 1,000, the worst first.
        summary: all findings, counted.
        unchecked: what a complete answer would have compared, and this one did not; only known vulnerabilities today.
        facts: what else the layer can say for readers, as a JSON object; decides nothing.
        started: when it began; None if it did not.
        duration_ms: how long it took.
        carried: the result that stands for it, in the state of that name.
        is_reused: whether it comes from an earlier, unfinished run over the same content.
    """

    layer: LayerName
    state: State
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    summary: Summary = NOTHING_FOUND
    unchecked: tuple[str, ...] = ()
    facts: Mapping[str, JsonValue] = field(factory=dict, repr=False)
    started: Timestamp | None = None
    duration_ms: float = 0
    carried: Carried | None = None
    is_reused: bool = False

    def as_reused(self) -> "Outcome":
        """Return the same, marked as coming from an earlier run."""
        return evolve(self, is_reused=True)

    def to_json(self) -> JsonObject:
        """Return the outcome as a JSON value."""
        return {
            "layer": self.layer.value,
            "state": self.state.value,
            "reason": self.reason,
            "findings": [_finding_json(finding) for finding in self.findings],
            "summary": asdict(self.summary),
            "unchecked": list(self.unchecked),
            "facts": dict(self.facts),
            "started": None if self.started is None else self.started.text,
            "duration_ms": self.duration_ms,
            "carried": None if self.carried is None else carried_json(self.carried),
            "reused": self.is_reused,
        }


def read_outcome(value: JsonValue) -> Outcome:
    """Return the outcome that `Outcome.to_json` wrote; a carried one is not read back.

    Raises: ValueError if ``value`` is none.
    """
    try:
        return _outcome(value)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"no outcome of a layer: {error}") from error


def carried_json(carried: Carried) -> JsonObject:
    """Return a carried result as a JSON value."""
    return {
        "layer": carried.layer.value,
        "state": carried.state.value,
        "moment": carried.moment.text,
        "content": carried.content,
    }


def _outcome(value: JsonValue) -> Outcome:
    members = _object(value)
    facts, reason = _object(members["facts"]), members["reason"]
    started, duration = members["started"], members["duration_ms"]
    if not isinstance(reason, str) or not isinstance(started, str) or not isinstance(duration, int | float):
        raise TypeError("a member has another type")
    return Outcome(
        layer=LayerName(_text(members["layer"])),
        state=State(_text(members["state"])),
        reason=reason,
        findings=tuple(_finding(item) for item in _list(members["findings"])),
        summary=Summary(**_object(members["summary"])),  # type: ignore[arg-type] # its validators look
        unchecked=tuple(_text(item) for item in _list(members["unchecked"])),
        facts=facts,
        started=Timestamp.parse(started),
        duration_ms=duration,
    )


def _finding(value: JsonValue) -> Finding:
    members = _object(value)
    for name, kind in (("line", int), ("column", int)):
        if not isinstance(members.get(name, 0), kind):
            raise TypeError(f"{name} has another type")
    severity = Severity(_text(members["severity"]))
    return Finding(**{**members, "severity": severity})  # type: ignore[arg-type] # its validators look


def _finding_json(finding: Finding) -> JsonObject:
    return {
        name: value.value if isinstance(value, Severity) else value
        for name, value in asdict(finding).items()
        if value is not None
    }


def _object(value: JsonValue) -> JsonObject:
    if not isinstance(value, dict):
        raise TypeError("no object")
    return value


def _list(value: JsonValue) -> list[JsonValue]:
    if not isinstance(value, list):
        raise TypeError("no list")
    return value


def _text(value: JsonValue) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value
