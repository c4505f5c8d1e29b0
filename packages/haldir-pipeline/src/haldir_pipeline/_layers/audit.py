"""Layer 2: the audit of what a skill depends on."""

import time
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from haldir_core import Status
from haldir_core.canonical import JsonObject, JsonValue
from haldir_pipeline._layers.interface import Allowance, Answer, LayerError
from haldir_pipeline.audit_options import AuditOptions, under
from haldir_pipeline.findings import fit, summarise, to_findings
from haldir_pipeline.outcomes import LayerName
from haldir_pipeline.subject import Subject

if TYPE_CHECKING:
    from haldir_auditor import AuditReport, Settings, VulnerabilitySource

MAX_REASONS = 3
MAX_LISTED = 100
AUTHOR = "haldir"
"""Who speaks in the OpenVEX document; whoever publishes it signs it, or writes it anew with a name."""


@frozen
class Audit:
    """The dependencies that the skill declares and asks for; nothing of them is installed."""

    options: AuditOptions
    base: str
    name: LayerName = LayerName.AUDIT
    processor: Callable[[], float] = time.thread_time

    def inputs(self, subject: Subject) -> JsonObject:  # noqa: ARG002 - as the interface says
        """Return the settings, and when the files that they name were changed last."""
        import haldir_auditor.auditing  # noqa: F401, PLC0415 - loaded here, so that it counts for no skill

        named = (self.options.advisories, self.options.ignore, self.options.vex)
        changed: dict[str, JsonValue] = {name: str(_changed(Path(self.base) / name)) for name in named if name}
        return {"settings": self.options.to_json(), "changed": changed}

    def judge(self, subject: Subject, allowance: Allowance) -> Answer:
        """Return the verdict of the auditor; what was not compared is told, and decides nothing here."""
        from haldir_auditor import DocumentError, SourceError, audit  # noqa: PLC0415 - loaded when something is audited

        now = allowance.now()
        try:
            report = audit(
                subject.folder,
                source=self._source(allowance.now),
                settings=self._settings(subject, now),
                now=now,
                is_time_over=self._end(allowance),
            )
        except (SourceError, DocumentError) as error:
            raise LayerError(str(error)) from error
        worst = [issue.message for issue in report.issues[:MAX_REASONS]]
        return Answer(
            status=Status(report.status.value),
            reason="; ".join(worst),
            findings=to_findings(report.issues),
            summary=summarise(report.issues),
            unchecked=tuple(fit(reason, 300) for reason in report.not_checked[:MAX_LISTED]),
            facts=_facts(report, now),
        )

    def _end(self, allowance: Allowance) -> Callable[[], bool]:
        """Say whether the allowance is used up, or nobody wants the answer any more."""
        last = self.processor() + allowance.seconds
        return lambda: allowance.cancellation.is_cancelled or self.processor() > last

    def _source(self, now: Callable[[], datetime]) -> "VulnerabilitySource | None":
        options = self.options
        advisories = under(self.base, options.advisories)
        if advisories is None and options.osv_url is None and options.npm_registry is None:
            return None
        if advisories is not None and options.osv_url is None and options.npm_registry is None:
            return _opened(advisories, _changed(advisories))
        from haldir_auditor.vulnerabilities.opening import open_source  # noqa: PLC0415 - loads what asks servers

        return open_source(advisories, options.osv_url, npm_registry=options.npm_registry, now=now)

    def _settings(self, subject: Subject, now: datetime) -> "Settings":
        from haldir_auditor import (  # noqa: PLC0415 - as above
            Ignores,
            Settings,
            SkillType,
            Statements,
            read_ignores,
            read_vex,
        )

        ignore = under(self.base, self.options.ignore)
        vex = under(self.base, self.options.vex)
        skill = subject.snapshot.path
        return Settings(
            skill_type=SkillType(self.options.type.value),
            max_depth=self.options.max_depth,
            minimum_age=self.options.minimum_age,
            indexes=self.options.indexes,
            private_names=self.options.private_names,
            ignores=Ignores() if ignore is None else read_ignores(ignore, audited=skill, now=now),
            vex=Statements() if vex is None else read_vex(vex, audited=skill),
        )


@lru_cache(maxsize=4)
def _opened(path: Path, changed: int) -> "VulnerabilitySource":  # noqa: ARG001 - a changed file is opened again
    """Return an open database; of many skills only the first one waits for it."""
    from haldir_auditor.vulnerabilities.opening import open_advisories  # noqa: PLC0415 - as above

    return open_advisories(path)


def _changed(path: Path) -> int:
    """Return when a file was changed last.

    Raises: OSError if it cannot be looked at.
    """
    return path.stat().st_mtime_ns


def _facts(report: "AuditReport", now: datetime) -> JsonObject:
    from haldir_auditor import to_openvex  # noqa: PLC0415 - as above

    return {
        "vulnerability_data": [
            {
                "source": fit(data.source, 300),
                "as_of": None if data.as_of is None else data.as_of.isoformat(),
                "records": data.records,
            }
            for data in report.vulnerability_data
        ],
        "counts": dict(report.counts),
        "suppressed": [
            {"rule": item.issue.rule, "message": fit(item.issue.message, 300), "reason": fit(item.reason, 300)}
            for item in report.suppressed[:MAX_LISTED]
        ],
        "openvex": to_openvex(report, author=AUTHOR, now=now),
    }
