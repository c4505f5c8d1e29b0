"""Layer 1: the static scan."""

from functools import cache

from attrs import frozen

import haldir_scanner
from haldir_core import Status
from haldir_core.canonical import JsonObject
from haldir_pipeline._layers.interface import Allowance, Answer, LayerError
from haldir_pipeline.configuration import ScanPolicy
from haldir_pipeline.findings import summarise, to_findings
from haldir_pipeline.outcomes import LayerName
from haldir_pipeline.subject import Subject

MAX_REASONS = 20
_NOT_SCANNED = frozenset({"limit_time", "limit_files", "limit_total_bytes", "limit_depth"})
"""Rules that say that files were not looked at at all."""

_WARM = {"SKILL.md": b"# Warm\n\n```bash\nls\n```\n", "a.py": b"import os\n", "a.js": b"const a = 1;\n"}
"""Whatever makes the engine load its parts."""


@cache
def warm() -> str:
    """Load the engine and its rules, which counts for no skill, and return the digest of the rules.

    Raises: LayerError if the rules cannot be used.
    """
    from haldir_scanner.bundles import builtin  # noqa: PLC0415 - rules are loaded when something is scanned

    try:
        haldir_scanner.scan_files(_WARM)
        return builtin().digest
    except haldir_scanner.ScannerError as error:
        raise LayerError(str(error)) from error


@frozen
class Scan:
    """The static scan; nothing of the skill is run."""

    policy: ScanPolicy
    name: LayerName = LayerName.SCAN

    def inputs(self, subject: Subject) -> JsonObject:  # noqa: ARG002 - as the interface says
        """Return the rules and the policy."""
        return {"rules": warm(), "policy": self.policy.value}

    def judge(self, subject: Subject, allowance: Allowance) -> Answer:
        """Return the verdict of the scanner; a scan that left files out is incomplete."""
        limits = haldir_scanner.Limits(max_seconds=max(allowance.seconds, 0.001))
        try:
            report = haldir_scanner.scan(subject.folder, limits=limits, policy=haldir_scanner.Policy(self.policy.value))
        except haldir_scanner.ScannerError as error:
            raise LayerError(str(error)) from error
        left_out = [match for match in report.matches if match.rule in _NOT_SCANNED]
        titles = {match.rule: match.definition.title for match in report.matches}
        reasons = [f"{titles.get(reason.rule, reason.rule)} ({reason.text})" for reason in report.reasons[:MAX_REASONS]]
        return Answer(
            status=Status(report.status.value),
            reason="; ".join(reasons[:3]),
            findings=to_findings(report.matches),
            summary=summarise(report.matches),
            incomplete=f"{left_out[0].path or 'the skill'}: {left_out[0].message}" if left_out else "",
            facts={
                "rules_version": report.bundle_version,
                "rules_digest": report.bundle_digest,
                "rules": report.patterns_checked,
                "policy": report.policy.value,
                "score": report.score,
                "reasons": reasons,
                "files_scanned": report.files_scanned,
                "bytes_scanned": report.bytes_scanned,
            },
        )
