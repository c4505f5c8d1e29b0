"""A vetting as a security-scan receipt for the entry of a server in an MCP registry.

Source: modelcontextprotocol/registry, issue 1273 and pull request 1404 (open).
"""

from collections.abc import Iterator
from datetime import timedelta

from haldir_core import Timestamp
from haldir_core.canonical import JsonObject, JsonValue, pretty_bytes
from haldir_pipeline.decision import Result
from haldir_pipeline.outcomes import RAN, LayerName
from haldir_pipeline.result import PIPELINE_VERSION, Vetting

NAMESPACE = "io.modelcontextprotocol.registry/security-scan"
SCANNER = "haldir"
FRESH_DAYS = 30
"""As long as a report may be older than the signature that binds it (ASAF 1.0, W_VETTING_STALE)."""

_SCOPES = {
    LayerName.SCAN: "package",
    LayerName.AUDIT: "dependency",
    LayerName.SANDBOX: "runtime",
    LayerName.REVIEW: "instructions",
}
_VERDICTS = {Result.APPROVED: "clean", Result.AMBER: "warnings", Result.REJECTED: "findings"}
_INCONCLUSIVE = "inconclusive"


def to_receipt(vetting: Vetting) -> bytes:
    """Return the member ``_meta`` with one receipt in it, as people read it.

    ``scan_scope`` names the layers that looked; without one, and after an error, the verdict is ``inconclusive``.
    """
    receipt = {name: value for name, value in _members(vetting) if value is not None}
    return pretty_bytes({"_meta": {NAMESPACE: [receipt]}})


def _members(vetting: Vetting) -> Iterator[tuple[str, JsonValue]]:
    verdict = _VERDICTS.get(vetting.result, _INCONCLUSIVE)
    content = vetting.subject.content
    yield "scanner", SCANNER
    yield "scanner_version", PIPELINE_VERSION
    yield "rule_set_ref", _rules(vetting)
    yield "policy_profile", f"haldir-{vetting.configuration.profile}@{vetting.configuration.digest}"
    yield "scanned_artifact_ref", vetting.subject.name
    yield "scanned_artifact_digest", content
    yield "scan_scope", _scope(vetting)
    yield "verdict", verdict
    yield "inconclusive_reason", _reason(vetting) if verdict == _INCONCLUSIVE else None
    yield "scanned_at", vetting.began.text
    yield "freshness_expires_at", Timestamp.at(vetting.began.moment + timedelta(days=FRESH_DAYS)).text
    yield "evidence_ref", None if vetting.report is None else "vetting-report.json"
    yield "evidence_digest", None if vetting.report is None else vetting.report.digest()
    yield "attestation", "self-asserted"


def _rules(vetting: Vetting) -> str | None:
    scan = next(outcome for outcome in vetting.outcomes if outcome.layer is LayerName.SCAN)
    digest: JsonObject = dict(scan.facts)
    return f"haldir-rules@sha256:{digest['rules_digest']}" if "rules_digest" in digest else None


def _scope(vetting: Vetting) -> list[JsonValue]:
    """Return what was looked at; a receipt names at least one, so that of an error is the package it was meant for."""
    looked: list[JsonValue] = [_SCOPES[outcome.layer] for outcome in vetting.outcomes if outcome.state in RAN]
    return looked or [_SCOPES[LayerName.SCAN]]


def _reason(vetting: Vetting) -> str:
    return "; ".join(f"{reason.layer}: {reason.text}" for reason in vetting.reasons) or "no layer gave an answer"
