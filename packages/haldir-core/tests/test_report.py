import json
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core import (
    Finding,
    LayerReport,
    MalformedError,
    Severity,
    Status,
    Summary,
    Timestamp,
    UnsupportedVersionError,
    VettingReport,
)
from haldir_core.canonical import canonical_bytes
from haldir_core.digest import sha256
from haldir_core.report import cut_utf16, utf16_length

STAMP = "2026-01-31T12:00:00.000Z"
FINDING: dict[str, Any] = {"severity": "low", "category": "c", "message": "m"}
LAYER: dict[str, Any] = {"layer": 1, "name": "scan", "status": "pass", "findings": []}


def _members(**changes: object) -> bytes:
    members = {
        "schema_version": "1.0",
        "vetting_timestamp": STAMP,
        "pipeline_version": "1",
        "layers": [LAYER],
        "overall_status": "pass",
        **changes,
    }
    return json.dumps({name: value for name, value in members.items() if value is not ...}).encode()


def _with_finding(**changes: object) -> bytes:
    finding = {name: value for name, value in (FINDING | changes).items() if value is not ...}
    return _members(layers=[LAYER | {"findings": [finding]}])


def _with_layer(**changes: object) -> bytes:
    return _members(layers=[{name: value for name, value in (LAYER | changes).items() if value is not ...}])


def _text(low: int, high: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(codec="utf-8"), min_size=low, max_size=min(high, 30))


counts = st.integers(0, 10_000)
findings = st.builds(
    Finding,
    severity=st.sampled_from(Severity),
    category=_text(1, 100),
    message=_text(1, 1000),
    pattern_id=st.none() | _text(0, 100),
    file=st.none() | _text(0, 500),
    line=st.none() | st.integers(1, 2**53 - 1),
    column=st.none() | st.integers(0, 2**53 - 1),
    match=st.none() | _text(0, 500),
    context=st.none() | _text(0, 1000),
)
layers = st.builds(
    LayerReport,
    layer=st.integers(1, 10),
    name=_text(1, 50),
    status=st.sampled_from(Status),
    findings=st.lists(findings, max_size=3).map(tuple),
    duration_ms=st.none() | st.floats(0, 3_600_000),
    summary=st.none() | st.builds(Summary, counts, counts, counts, counts),
)


@given(
    st.builds(
        VettingReport,
        vetting_timestamp=st.just(Timestamp.parse(STAMP)),
        pipeline_version=_text(1, 50),
        layers=st.lists(layers, min_size=1, max_size=3).map(tuple),
        overall_status=st.sampled_from(Status),
        publisher_note=st.none() | _text(0, 5000),
    )
)
def test_a_report_survives_writing_and_reading(report: VettingReport) -> None:
    read = VettingReport.from_bytes(report.to_bytes())

    assert read == report
    assert read.digest() == sha256(report.to_bytes())
    assert all(isinstance(layer.status, Status) for layer in read.layers)


def test_members_that_version_1_does_not_name_are_left_out() -> None:
    report = VettingReport.from_bytes(
        _members(extra=1, layers=[LAYER | {"extra": 1, "findings": [FINDING | {"x": 1}]}])
    )

    assert report.to_bytes() == canonical_bytes(json.loads(_with_finding()))


def test_optional_members_that_are_not_set_are_not_written() -> None:
    assert VettingReport.from_bytes(_with_finding()).to_json() == json.loads(_with_finding())


@pytest.mark.parametrize(
    ("member", "longest"),
    [("category", 100), ("message", 1000), ("pattern_id", 100), ("file", 500), ("match", 500), ("context", 1000)],
)
@pytest.mark.parametrize("letter", ["a", "\U0001f600"], ids=["1-unit", "2-units"])
def test_the_texts_of_a_finding_are_limited_in_utf_16_units(member: str, longest: int, letter: str) -> None:
    count = longest // utf16_length(letter)
    VettingReport.from_bytes(_with_finding(**{member: letter * count}))

    with pytest.raises(MalformedError, match=f"{member} must have [01] to {longest} UTF-16 units"):
        VettingReport.from_bytes(_with_finding(**{member: letter * count + "a"}))


@pytest.mark.parametrize(("member", "longest"), [("pipeline_version", 50), ("publisher_note", 5000)])
def test_the_texts_of_a_report_are_limited(member: str, longest: int) -> None:
    VettingReport.from_bytes(_members(**{member: "a" * longest}))

    with pytest.raises(MalformedError, match=member):
        VettingReport.from_bytes(_members(**{member: "a" * (longest + 1)}))


@pytest.mark.parametrize(
    ("layer", "fits"),
    [
        ({"layer": 10}, True),
        ({"layer": 1.0}, True),
        ({"layer": 0}, False),
        ({"layer": 11}, False),
        ({"layer": 1.5}, False),
        ({"layer": True}, False),
        ({"layer": "1"}, False),
        ({"layer": ...}, False),
        ({"name": "a" * 50}, True),
        ({"name": "a" * 51}, False),
        ({"name": ""}, False),
        ({"status": "PASS"}, False),
        ({"status": "ok"}, False),
        ({"status": None}, False),
        ({"status": 1}, False),
        ({"duration_ms": 0}, True),
        ({"duration_ms": 3_600_000}, True),
        ({"duration_ms": 3_600_000.5}, False),
        ({"duration_ms": -0.1}, False),
        ({"duration_ms": "1"}, False),
        ({"duration_ms": True}, False),
        ({"duration_ms": None}, False),
        ({"findings": [FINDING] * 1000}, True),
        ({"findings": [FINDING] * 1001}, False),
        ({"findings": {}}, False),
        ({"findings": ...}, False),
        ({"summary": {"critical": 0, "high": 0, "medium": 0, "low": 10_000}}, True),
        ({"summary": {"critical": 0, "high": 0, "medium": 0, "low": 10_001}}, False),
        ({"summary": {"critical": -1, "high": 0, "medium": 0, "low": 0}}, False),
        ({"summary": {"critical": 0, "high": 0, "medium": 0}}, False),
        ({"summary": []}, False),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_a_layer_is_read_within_its_limits_only(layer: dict[str, object], *, fits: bool) -> None:
    if fits:
        VettingReport.from_bytes(_with_layer(**layer))
    else:
        with pytest.raises(MalformedError, match=r"^vetting-report\.json: "):
            VettingReport.from_bytes(_with_layer(**layer))


@pytest.mark.parametrize(
    ("finding", "fits"),
    [
        ({"line": 1}, True),
        ({"line": 0}, False),
        ({"line": 1.5}, False),
        ({"column": 0}, True),
        ({"column": -1}, False),
        ({"severity": "info"}, False),
        ({"severity": "LOW"}, False),
        ({"severity": ["low"]}, False),
        ({"severity": ...}, False),
        ({"category": ""}, False),
        ({"message": ""}, False),
        ({"pattern_id": ""}, True),
        ({"match": None}, False),
    ],
    ids=ascii,
)
def test_a_finding_is_read_within_its_limits_only(finding: dict[str, object], *, fits: bool) -> None:
    if fits:
        VettingReport.from_bytes(_with_finding(**finding))
    else:
        with pytest.raises(MalformedError, match=r"^vetting-report\.json: "):
            VettingReport.from_bytes(_with_finding(**finding))


@pytest.mark.parametrize(
    "changes",
    [
        {"vetting_timestamp": ...},
        {"vetting_timestamp": "2026-01-31T12:00:00+00:00"},
        {"pipeline_version": ""},
        {"layers": []},
        {"layers": [LAYER] * 11},
        {"layers": None},
        {"overall_status": "ok"},
        {"overall_status": ...},
        {"publisher_note": None},
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_what_is_no_report_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(MalformedError, match=r"^vetting-report\.json: "):
        VettingReport.from_bytes(_members(**changes))


def test_another_version_is_refused_as_such() -> None:
    with pytest.raises(UnsupportedVersionError):
        VettingReport.from_bytes(_members(schema_version="2.0"))


def test_a_record_that_breaks_a_limit_cannot_be_made() -> None:
    report = VettingReport.from_bytes(_members())

    with pytest.raises(ValueError, match="layers must have 1 to 10 items"):
        attrs.evolve(report, layers=())


def test_severities_are_ranked_from_low_to_critical() -> None:
    assert sorted(Severity, key=lambda severity: severity.rank) == ["low", "medium", "high", "critical"]
    assert (Severity.LOW.rank, Severity.CRITICAL.rank) == (0, 3)


@given(st.text(st.characters(codec="utf-8"), max_size=20), st.integers(0, 25))
def test_a_text_is_cut_to_its_longest_beginning_that_fits(text: str, units: int) -> None:
    cut = cut_utf16(text, units)

    assert text.startswith(cut)
    assert utf16_length(cut) <= units
    assert cut == text or utf16_length(text[: len(cut) + 1]) > units
