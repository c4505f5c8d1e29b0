"""How an enforced run ended, for people and programs."""

from typing import Any

from attrs import asdict, field, frozen

from haldir_enforcer.confinement import Ended, Ending, Standing
from haldir_enforcer.events import Event

MAX_VIOLATIONS = 1000
"""Violations that a report lists; all are counted, and all are in the audit log."""


@frozen(kw_only=True)
class Outcome:
    """What one run came to.

    Attributes:
        run: the id of the run in the audit log.
        skill: ``name@version``, or the name of the folder.
        ended: why and how it ended.
        standing: how strong the confinement was, by its self-tests.
        verified: whether the skill's signatures were verified before.
        violations: what it did or tried beyond its permissions, in order, at most ``MAX_VIOLATIONS``.
        violation_count: how many there were in all.
        counts: events by their class.
        written: files in the scratch layer, which is discarded.
        policy: what was allowed, in words.
        stdout: what it printed, if that was captured.
        stderr: the same of its errors.
        dropped_bytes: how much of what it printed was above a limit, and was not kept or handed on.
        log_head: the last hash of the audit log, if there is one.
        failed_alerts: what could not be told to whom.
    """

    run: str
    skill: str
    ended: Ended
    standing: Standing
    verified: bool
    duration_seconds: float
    violations: tuple[Event, ...] = ()
    violation_count: int = 0
    counts: dict[str, int] = field(factory=dict)
    written: tuple[str, ...] = ()
    policy: str = ""
    stdout: bytes = field(default=b"", repr=False)
    stderr: bytes = field(default=b"", repr=False)
    dropped_bytes: int = 0
    log_head: str | None = None
    failed_alerts: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether nothing was done or tried beyond the permissions, and no limit was hit."""
        return self.violation_count == 0 and self.ended.ending not in {Ending.LIMIT, Ending.FAILED}

    def to_json(self) -> dict[str, Any]:
        """Return the report; captured output is text, of which bytes that are no UTF-8 are replaced."""
        return {
            "run": self.run,
            "skill": self.skill,
            "verified": self.verified,
            "level": self.standing.level.value,
            "backend": self.standing.backend,
            "enforced": {name: by.value for name, by in asdict(self.standing.enforced).items()},
            "missing": list(self.standing.missing),
            "ending": self.ended.ending.value,
            "code": self.ended.code,
            "detail": self.ended.detail,
            "duration_ms": round(self.duration_seconds * 1000),
            "violations": [_event(event) for event in self.violations],
            "violation_count": self.violation_count,
            "counts": self.counts,
            "written": list(self.written),
            "dropped_bytes": self.dropped_bytes,
            "policy": self.policy.splitlines(),
            "audit_log_head": self.log_head,
            "failed_alerts": list(self.failed_alerts),
        }


def _event(event: Event) -> dict[str, Any]:
    members = asdict(event)
    members["class"] = members.pop("kind")
    return {name: value for name, value in members.items() if value not in (None, (), "")}
