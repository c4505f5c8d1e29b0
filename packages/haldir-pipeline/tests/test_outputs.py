import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from haldir_core import SkillSnapshot, Status
from haldir_pipeline import Configuration, LayerError, UnavailableError, Vetting, vet
from haldir_pipeline.outputs import to_openvex, to_receipt, to_svr

Clock = Callable[[], datetime]
Make = Callable[..., Any]


@pytest.fixture
def make_vetting(snapshot: SkillSnapshot, clock: Clock, make_layers: Make) -> Callable[..., Vetting]:
    """Vet with the layers that are given."""

    def make(**layers: Any) -> Vetting:  # noqa: ANN401 - layers
        return vet(snapshot, Configuration(), clock=clock, layers=make_layers(**layers))

    return make


def svr(vetting: Vetting) -> dict[str, Any]:
    return dict(json.loads(to_svr(vetting)))


def receipt(vetting: Vetting) -> dict[str, Any]:
    [one] = json.loads(to_receipt(vetting))["_meta"]["io.modelcontextprotocol.registry/security-scan"]
    return dict(one)


def test_the_statement_is_about_the_content(make_vetting: Make) -> None:
    vetting = make_vetting()
    statement = svr(vetting)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://in-toto.io/attestation/svr/v0.2"
    assert statement["subject"] == [{"name": "copy", "digest": {"sha256": vetting.subject.content[7:]}}]


def test_the_statement_says_who_by_which_policy_and_when(make_vetting: Make) -> None:
    vetting = make_vetting()
    predicate = svr(vetting)["predicate"]
    assert predicate["verifier"]["id"] == "urn:haldir:pipeline:0.1.0"
    [policy] = predicate["verifier"]["policies"]
    assert policy["digest"]["sha256"] == vetting.configuration.digest[7:]
    assert predicate["timeCreated"] == "2026-01-31T12:00:00.000Z"


def test_the_statement_names_all_that_holds(make_vetting: Make, make_layer: Make) -> None:
    vetting = make_vetting(sandbox=make_layer("sandbox", facts={"level": "L3"}))
    assert svr(vetting)["predicate"]["properties"] == [
        "HALDIR_VETTING_APPROVED",
        "HALDIR_STATIC_SCAN_PASSED",
        "HALDIR_DEPENDENCY_AUDIT_PASSED",
        "HALDIR_VULNERABILITIES_CHECKED",
        "HALDIR_OBSERVED_RUN_PASSED",
        "HALDIR_ISOLATION_L3",
        "HALDIR_MODEL_REVIEW_PASSED",
        "HALDIR_NO_CRITICAL_FINDINGS",
        "HALDIR_NO_HIGH_FINDINGS",
    ]


def test_the_statement_says_nothing_that_was_not_looked_at(make_vetting: Make, make_layer: Make, sample: Make) -> None:
    vetting = make_vetting(
        scan=make_layer("scan", sample(severity="high"), status=Status.FLAG),
        audit=make_layer("audit", unchecked=("no source",)),
        sandbox=make_layer("sandbox", error=UnavailableError("level L2")),
        review=make_layer("review", status=None),
    )
    assert svr(vetting)["predicate"]["properties"] == ["HALDIR_DEPENDENCY_AUDIT_PASSED", "HALDIR_NO_CRITICAL_FINDINGS"]


def test_an_error_has_no_property(make_vetting: Make, make_layer: Make) -> None:
    vetting = make_vetting(review=make_layer("review", error=LayerError("broke")))
    assert svr(vetting)["predicate"]["properties"] == []


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(Status.PASS, "clean"), (Status.FLAG, "warnings"), (Status.REJECT, "findings"), (None, "warnings")],
    ids=["pass", "flag", "reject", "inconclusive"],
)
def test_a_receipt_has_a_verdict(make_vetting: Make, make_layer: Make, status: Status | None, verdict: str) -> None:
    assert receipt(make_vetting(scan=make_layer("scan", status=status)))["verdict"] == verdict


def test_a_receipt_is_bound_to_the_content_and_the_report(make_vetting: Make, make_layer: Make) -> None:
    vetting = make_vetting(scan=make_layer("scan", facts={"rules_digest": "70"}))
    made = receipt(vetting)
    assert vetting.report is not None
    assert made["scanned_artifact_digest"] == vetting.subject.content
    assert made["evidence_digest"] == vetting.report.digest()
    assert made["rule_set_ref"] == "haldir-rules@sha256:70"
    assert made["scan_scope"] == ["package", "dependency", "runtime", "instructions"]
    assert made["freshness_expires_at"] == "2026-03-02T12:00:00.000Z"


def test_a_receipt_names_only_what_was_looked_at(make_vetting: Make, make_layer: Make) -> None:
    vetting = make_vetting(
        sandbox=make_layer("sandbox", error=UnavailableError("L2")),
        review=make_layer("review", error=UnavailableError("none")),
    )
    assert receipt(vetting)["scan_scope"] == ["package", "dependency"]


def test_the_receipt_of_an_error_is_inconclusive_and_says_why(make_vetting: Make, make_layer: Make) -> None:
    made = receipt(make_vetting(scan=make_layer("scan", error=LayerError("broke"))))
    assert (made["verdict"], made["inconclusive_reason"]) == ("inconclusive", "scan: broke")
    assert made["scan_scope"]
    assert "evidence_digest" not in made


def test_openvex_is_what_the_audit_wrote(make_vetting: Make, make_layer: Make) -> None:
    document = {"@context": "x", "statements": []}
    written = to_openvex(make_vetting(audit=make_layer("audit", facts={"openvex": document})))
    assert written is not None
    assert json.loads(written) == document
    assert to_openvex(make_vetting()) is None
