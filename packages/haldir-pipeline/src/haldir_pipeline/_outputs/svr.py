"""A vetting as a Simple Verification Result in an in-toto statement.

Source: in-toto Attestation Framework, Statement v1 and predicate SVR v0.2.
"""

from collections.abc import Iterator

from haldir_core import Severity
from haldir_core.canonical import JsonObject, canonical_bytes
from haldir_pipeline.decision import Result
from haldir_pipeline.outcomes import LayerName, Outcome, State
from haldir_pipeline.result import PIPELINE_VERSION, Vetting

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/svr/v0.2"
VERIFIER = f"urn:haldir:pipeline:{PIPELINE_VERSION}"
PREFIX = "HALDIR_"

_PASSED = {
    LayerName.SCAN: "STATIC_SCAN_PASSED",
    LayerName.AUDIT: "DEPENDENCY_AUDIT_PASSED",
    LayerName.SANDBOX: "OBSERVED_RUN_PASSED",
    LayerName.REVIEW: "MODEL_REVIEW_PASSED",
}


def to_svr(vetting: Vetting) -> bytes:
    """Return the statement in canonical form.

    Properties say only what holds: a skill that is not approved has fewer of them, an error has none.  Whoever relies
    on the statement signs it, or has it signed, as a DSSE envelope.  Spec: vetting-1.0, section 7.
    """
    statement: JsonObject = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": vetting.subject.name, "digest": {"sha256": _hex(vetting.subject.content)}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "verifier": {"id": VERIFIER, "policies": _policies(vetting)},
            "timeCreated": vetting.ended.text,
            "properties": list(_properties(vetting)),
        },
    }
    return canonical_bytes(statement)


def _policies(vetting: Vetting) -> list[JsonObject]:
    configuration = vetting.configuration
    return [
        {
            "uri": f"urn:haldir:vetting:1.0:profile:{configuration.profile}",
            "digest": {"sha256": _hex(configuration.digest)},
        }
    ]


def _properties(vetting: Vetting) -> Iterator[str]:
    if vetting.result is Result.ERROR:
        return
    if vetting.result is Result.APPROVED:
        yield f"{PREFIX}VETTING_APPROVED"
    for outcome in vetting.outcomes:
        if outcome.state is State.PASS:
            yield PREFIX + _PASSED[outcome.layer]
            yield from _more(outcome)
    ran = [outcome for outcome in vetting.outcomes if outcome.state in {State.PASS, State.FLAG, State.REJECT}]
    has_both = {LayerName.SCAN, LayerName.AUDIT} <= {outcome.layer for outcome in ran}
    for severity in (Severity.CRITICAL, Severity.HIGH):
        if has_both and not any(getattr(outcome.summary, severity.value) for outcome in ran):
            yield f"{PREFIX}NO_{severity.value.upper()}_FINDINGS"


def _more(outcome: Outcome) -> Iterator[str]:
    if outcome.layer is LayerName.AUDIT and not outcome.unchecked:
        yield f"{PREFIX}VULNERABILITIES_CHECKED"
    level = outcome.facts.get("level")
    if outcome.layer is LayerName.SANDBOX and level in {"L3", "L4", "L5"}:
        yield f"{PREFIX}ISOLATION_{level}"


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
