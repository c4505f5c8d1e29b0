import itertools
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from haldir_core import Status, read_skill
from haldir_pipeline import Configuration, LayerName, Outcome, ProfileName, Result, State, Vetting, vet_path
from haldir_pipeline._layers.audit import Audit
from haldir_pipeline._layers.interface import Allowance
from haldir_pipeline.audit_options import AuditOptions
from haldir_pipeline.cancellation import Cancellation
from haldir_pipeline.outputs import to_openvex, to_svr
from haldir_pipeline.subject import Subject

Clock = Callable[[], datetime]

HASH = "sha256:" + "0" * 64
RECORD = {
    "id": "OSV-2026-1",
    "modified": "2026-01-01T00:00:00Z",
    "summary": "It can be made to run anything.",
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "a-package"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}],
        }
    ],
}


@pytest.fixture
def pinned(skill: Path) -> Path:
    """Return a skill with one dependency, as it should be written down."""
    (skill / "requirements.txt").write_text(f"a-package==1.0 --hash={HASH}\n", encoding="utf-8")
    return skill


@pytest.fixture
def advisories(tmp_path: Path) -> Path:
    """Return a folder of records, one of which is about another version of that dependency."""
    folder = tmp_path / "advisories"
    folder.mkdir()
    (folder / "OSV-2026-1.json").write_text(json.dumps(RECORD), encoding="utf-8")
    return folder


def audited(skill: Path, clock: Clock, advisories: Path | None = None) -> tuple[Vetting, Outcome]:
    options = AuditOptions(advisories=None if advisories is None else str(advisories))
    skip = frozenset({LayerName.SANDBOX, LayerName.REVIEW})
    vetting = vet_path(skill, Configuration(skip=skip, audit=options), clock=clock)
    return vetting, vetting.outcomes[1]


def test_without_a_source_it_says_so_and_the_score_has_a_ceiling(pinned: Path, clock: Clock) -> None:
    vetting, audit = audited(pinned, clock)
    assert (vetting.result, audit.state) == (Result.APPROVED, State.PASS)
    assert audit.unchecked
    assert "not-checked" in {finding.pattern_id for finding in audit.findings}
    assert vetting.score.thousandths <= 750
    assert b"VULNERABILITIES_CHECKED" not in to_svr(vetting)


def test_a_known_vulnerability_is_found(pinned: Path, clock: Clock, advisories: Path) -> None:
    vetting, audit = audited(pinned, clock, advisories)
    assert vetting.result in {Result.AMBER, Result.REJECTED}
    assert not audit.unchecked
    assert any("OSV-2026-1" in finding.message for finding in audit.findings)
    document = to_openvex(vetting)
    assert document is not None
    assert [one["vulnerability"]["name"] for one in json.loads(document)["statements"]] == ["OSV-2026-1"]


def test_a_version_without_one_passes_and_the_statement_says_that_it_was_compared(
    pinned: Path, clock: Clock, advisories: Path
) -> None:
    (pinned / "requirements.txt").write_text(f"a-package==2.0 --hash={HASH}\n", encoding="utf-8")
    vetting, audit = audited(pinned, clock, advisories)
    assert (vetting.result, audit.unchecked) == (Result.APPROVED, ())
    assert b"VULNERABILITIES_CHECKED" in to_svr(vetting)


def test_a_source_that_cannot_be_used_is_an_error(pinned: Path, clock: Clock, tmp_path: Path) -> None:
    (tmp_path / "none.sqlite").write_text("no database", encoding="utf-8")
    vetting, audit = audited(pinned, clock, tmp_path / "none.sqlite")
    assert (vetting.result, audit.state, vetting.report) == (Result.ERROR, State.ERROR, None)


def test_a_source_that_is_not_there_is_an_error(pinned: Path, clock: Clock, tmp_path: Path) -> None:
    assert audited(pinned, clock, tmp_path / "nowhere")[0].result is Result.ERROR


def test_settings_inside_the_skill_are_not_used(pinned: Path, clock: Clock) -> None:
    (pinned / "ignore.toml").write_text("version = 1\nignore = []\n", encoding="utf-8")
    options = AuditOptions(ignore=str(pinned / "ignore.toml"))
    skip = frozenset({LayerName.SANDBOX, LayerName.REVIEW})
    vetting = vet_path(pinned, Configuration(skip=skip, audit=options), clock=clock)
    assert vetting.result is Result.ERROR


def test_a_registry_asks_a_person_where_nothing_was_compared(pinned: Path, clock: Clock) -> None:
    vetting = vet_path(pinned, Configuration(profile=ProfileName.REGISTRY), clock=clock)
    assert vetting.result is Result.ERROR  # without models
    assert any("not compared with known vulnerabilities" in reason.text for reason in vetting.reasons)


def test_an_audit_ends_when_its_processor_time_is_used_up(pinned: Path, clock: Clock, tmp_path: Path) -> None:
    seconds = itertools.count()
    layer = Audit(AuditOptions(), str(tmp_path), processor=lambda: float(next(seconds)))
    subject = Subject.of(read_skill(pinned, copy_to=tmp_path / "copy"))
    allowance = Allowance(seconds=1.5, now=clock, cancellation=Cancellation())
    answer = layer.judge(subject, allowance)
    assert answer.status is Status.FLAG
    assert any("the time is over" in finding.message for finding in answer.findings)


def test_an_audit_that_nobody_wants_any_more_reads_no_further(pinned: Path, clock: Clock, tmp_path: Path) -> None:
    subject = Subject.of(read_skill(pinned, copy_to=tmp_path / "copy"))
    allowance = Allowance(seconds=60, now=clock, cancellation=Cancellation())
    allowance.cancellation.cancel()
    answer = Audit(AuditOptions(), str(tmp_path)).judge(subject, allowance)
    assert answer.status is Status.FLAG
