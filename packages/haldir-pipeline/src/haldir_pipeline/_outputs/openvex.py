"""What the audit says about known vulnerabilities, as OpenVEX."""

from haldir_core.canonical import pretty_bytes
from haldir_pipeline.outcomes import LayerName
from haldir_pipeline.result import Vetting


def to_openvex(vetting: Vetting) -> bytes | None:
    """Return the document that the auditor wrote; None if the audit did not run."""
    audit = next(outcome for outcome in vetting.outcomes if outcome.layer is LayerName.AUDIT)
    document = audit.facts.get("openvex")
    return pretty_bytes(document) if isinstance(document, dict) else None
