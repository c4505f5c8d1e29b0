import contextlib
import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_auditor import DocumentError, Ignores, Settings, Status, read_ignores
from haldir_auditor.auditing import audit_supply
from haldir_auditor.supply import Dependency, Ecosystem, Manifest, Place, Supply

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HEAD = "version = 1\n[[ignore]]\n"
GOOD = 'id = "unpinned"\npackage = "requests"\nreason = "Pinned elsewhere."\nexpires = 2027-01-31\n'


def toml(text: str) -> Ignores:
    return Ignores.from_bytes((HEAD + text).encode(), now=NOW)


def supply() -> Supply:
    dependencies = [
        Dependency(Ecosystem.PYPI, name, ">=1", Place("requirements.txt", line))
        for line, name in enumerate(("requests", "idna"), 1)
    ]
    return Supply((Manifest("requirements.txt", "requirements.txt", Ecosystem.PYPI, tuple(dependencies)),))


def test_an_ignored_issue_counts_no_more_and_is_shown_with_its_reason() -> None:
    settings = Settings(ignores=toml(GOOD))
    report = audit_supply(supply(), settings=settings, now=NOW)
    [item] = report.suppressed
    assert (item.issue.rule, item.issue.line, item.reason) == ("unpinned", 1, "Pinned elsewhere.")
    assert item.expires == datetime(2027, 2, 1, tzinfo=UTC)
    assert [issue.line for issue in report.issues if issue.rule == "unpinned"] == [2]


def test_json_is_read_too() -> None:
    text = '{"version": 1, "ignore": [{"id": "CVE-2026-1", "reason": "x", "expires": "2027-01-31"}]}'
    assert Ignores.from_bytes(text.encode(), now=NOW).entries[0].expires == date(2027, 1, 31)


def test_an_entry_counts_on_its_last_day_and_not_after_it() -> None:
    [entry] = toml(GOOD).entries
    assert not entry.is_over(datetime(2027, 1, 31, 23, 59, 59, tzinfo=UTC))
    assert entry.is_over(datetime(2027, 2, 1, tzinfo=UTC))


def test_an_expired_entry_ignores_nothing_and_is_told() -> None:
    ignores = toml(GOOD.replace("2027-01-31", "2026-11-21"))
    report = audit_supply(supply(), settings=Settings(ignores=ignores), now=NOW)
    assert report.suppressed == ()
    assert [entry.id for entry in ignores.expired(NOW)] == ["unpinned"]


def test_an_entry_that_is_about_nothing_is_told() -> None:
    ignores = toml(GOOD.replace("requests", "flask"))
    report = audit_supply(supply(), settings=Settings(ignores=ignores), now=NOW)
    assert [entry.package for entry in ignores.unused(report.suppressed, NOW)] == ["flask"]


def test_an_entry_about_a_path_ignores_nothing_in_another_file() -> None:
    ignores = toml('id = "unpinned"\npath = "other.txt"\nreason = "x"\nexpires = 2027-01-31\n')
    assert audit_supply(supply(), settings=Settings(ignores=ignores), now=NOW).suppressed == ()


def test_all_ignored_is_a_pass() -> None:
    rules = ("unpinned", "lock-missing")
    rows = [f'id = "{rule}"\npath = "requirements.txt"\nreason = "x"\nexpires = 2027-01-31\n' for rule in rules]
    ignores = toml("[[ignore]]\n".join(rows))
    assert audit_supply(supply(), settings=Settings(ignores=ignores), now=NOW).status is Status.PASS


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("requests", "re*"), "no wildcards"),
        (('"unpinned"', '"*"'), "no wildcards"),
        (('package = "requests"\n', ""), "needs a package or a path"),
        (("Pinned elsewhere.", " "), "needs a reason"),
        (("expires = 2027-01-31\n", ""), "expires must be a date"),
        (("2027-01-31", "2028-01-31"), "at most 366 days"),
        (("2027-01-31", "2027-01-31T00:00:00Z"), "expires must be a date"),
        (("package", "packages"), "is unknown"),
        (('"requests"', "7"), "package must be a text"),
    ],
    ids=["wildcard", "star", "for-all", "reason", "no-expiry", "too-long", "moment", "unknown", "type"],
)
def test_an_entry_that_is_wrong_is_refused_with_its_number(change: tuple[str, str], words: str) -> None:
    with pytest.raises(DocumentError, match=words) as caught:
        toml(GOOD.replace(*change))
    assert str(caught.value).startswith("entry 1: ")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"version = 2\n",
        b"version = true\nignore = []",
        b"[",
        b"\xff",
        b'{"version": 1, "version": 1}',
        b"{" * 9_000,
    ],
    ids=["empty", "version", "boolean", "broken", "no-text", "twice", "deep"],
)
def test_what_is_no_file_of_ignores_is_refused(data: bytes) -> None:
    with pytest.raises(DocumentError):
        Ignores.from_bytes(data, now=NOW)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(DocumentError):
        Ignores.from_bytes(data, now=NOW)


@given(st.dictionaries(st.sampled_from(["id", "package", "path", "reason", "expires", "x"]), st.text() | st.integers()))
def test_any_entry_is_read_or_refused(row: dict[str, Any]) -> None:
    import json  # noqa: PLC0415 - for this test only

    with contextlib.suppress(DocumentError):
        Ignores.from_bytes(json.dumps({"version": 1, "ignore": [row]}).encode(), now=NOW)


@pytest.mark.parametrize("how", ["inside", "link", "missing", "folder", "fifo", "nul"])
def test_a_file_that_must_not_be_used_is_refused(tmp_path: Path, how: str) -> None:
    skill = tmp_path / "skill"
    skill.mkdir()
    (skill / "ignores.toml").write_text(HEAD + GOOD, encoding="utf-8")
    (tmp_path / "link.toml").symlink_to(skill / "ignores.toml")
    os.mkfifo(tmp_path / "fifo")
    path = {
        "inside": skill / "ignores.toml",
        "link": tmp_path / "link.toml",
        "missing": tmp_path / "none.toml",
        "folder": tmp_path,
        "fifo": tmp_path / "fifo",
        "nul": Path("a\0b"),
    }[how]
    with pytest.raises(DocumentError):
        read_ignores(path, audited=skill, now=NOW)


def test_a_file_outside_of_the_skill_is_read(tmp_path: Path) -> None:
    (tmp_path / "skill").mkdir()
    (tmp_path / "ignores.toml").write_text(HEAD + GOOD, encoding="utf-8")
    assert len(read_ignores(tmp_path / "ignores.toml", audited=tmp_path / "skill", now=NOW).entries) == 1
