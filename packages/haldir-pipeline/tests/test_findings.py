from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from attrs import frozen

from haldir_core import SkillSnapshot, Summary, VettingReport
from haldir_core.report import utf16_length
from haldir_pipeline import vet
from haldir_pipeline.findings import summarise, to_findings

Clock = Callable[[], datetime]
Make = Callable[..., Any]
SampleClass = Callable[..., Any]

GRIN = "\U0001f600"


def test_a_finding_says_what_was_found(placed_sample: SampleClass) -> None:
    found = placed_sample(severity="high", line=7, column=3, excerpt="curl")
    [finding] = to_findings([found])
    assert (finding.severity, finding.category, finding.message) == ("high", "group", "something is wrong")
    assert (finding.pattern_id, finding.file, finding.line) == ("rule", "SKILL.md", 7)
    assert (finding.column, finding.match, finding.context) == (3, "curl", None)


def test_a_finding_about_a_whole_file_has_no_line(sample: SampleClass) -> None:
    assert to_findings([sample(line=0)])[0].line is None


def test_what_has_no_column_and_no_excerpt_gets_none(sample: SampleClass) -> None:
    [finding] = to_findings([sample()])
    assert (finding.column, finding.match) == (None, None)


def test_the_line_around_a_match_is_kept_and_cut(placed_sample: SampleClass) -> None:
    @frozen(kw_only=True)
    class WithContext(type(placed_sample())):  # type: ignore[misc] # a class of the fixture
        context: str = "x" * 1000

    assert utf16_length(to_findings([WithContext()])[0].context or "") == 300


def test_the_worst_comes_first_and_equals_keep_their_order(sample: SampleClass) -> None:
    found = [sample(severity=word, message=f"{word} {turn}") for turn in "12" for word in ("low", "critical", "high")]
    assert [finding.message for finding in to_findings(found)] == [
        "critical 1", "critical 2", "high 1", "high 2", "low 1", "low 2",
    ]  # fmt: skip


def test_a_report_keeps_the_thousand_worst_and_counts_them_all(
    sample: SampleClass, snapshot: SkillSnapshot, clock: Clock, make_layer: Make, make_layers: Make
) -> None:
    found = [*(sample() for _ in range(1000)), sample(severity="critical")]
    report = vet(snapshot, clock=clock, layers=make_layers(scan=make_layer("scan", *found))).report
    assert report is not None
    layer = report.layers[0]
    assert (len(layer.findings), layer.findings[0].severity, layer.findings[-1].severity) == (1000, "critical", "low")
    assert layer.summary == Summary(critical=1, high=0, medium=0, low=1000)


def test_a_count_stops_at_what_the_format_allows(sample: SampleClass) -> None:
    assert summarise([sample()] * 10_001) == Summary(critical=0, high=0, medium=0, low=10_000)


def test_nothing_found_is_counted_as_nothing() -> None:
    assert (to_findings([]), summarise([])) == ((), Summary(critical=0, high=0, medium=0, low=0))


@pytest.mark.parametrize(
    ("field", "source", "units"),
    [("category", "category", 100), ("message", "message", 1000), ("pattern_id", "rule", 100), ("file", "path", 500),
     ("match", "excerpt", 500)],
    ids=["category", "message", "rule", "path", "excerpt"],
)  # fmt: skip
@pytest.mark.parametrize("unit", ["x", "é", GRIN], ids=["ascii", "accent", "astral"])
def test_a_long_text_is_cut_with_an_ellipsis(
    placed_sample: SampleClass, field: str, source: str, units: int, unit: str
) -> None:
    [finding] = to_findings([placed_sample(**{source: unit * (units + 1)})])
    text = getattr(finding, field)
    assert units - 1 <= utf16_length(text) <= units
    assert text.rstrip("\N{HORIZONTAL ELLIPSIS}") == unit * text.count(unit)
    assert text.endswith("\N{HORIZONTAL ELLIPSIS}")


@pytest.mark.parametrize("text", ["x" * 1000, GRIN * 500], ids=["ascii", "astral"])
def test_a_text_that_just_fits_stays_whole(sample: SampleClass, text: str) -> None:
    assert to_findings([sample(message=text)])[0].message == text


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\udcff" * 2000], ids=["high", "low", "many"])
def test_half_a_surrogate_pair_breaks_no_report(
    placed_sample: SampleClass, snapshot: SkillSnapshot, clock: Clock, make_layer: Make, make_layers: Make, text: str
) -> None:
    found = placed_sample(message=text, path=text, rule=text, category=text, excerpt=text)
    report = vet(snapshot, clock=clock, layers=make_layers(scan=make_layer("scan", found))).report
    assert report is not None
    assert VettingReport.from_bytes(report.to_bytes()) == report


def test_an_unknown_severity_is_refused(sample: SampleClass) -> None:
    with pytest.raises(ValueError, match="severe"):
        to_findings([sample(severity="severe")])
