import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]

RECORD: dict[str, Any] = {
    "id": "GHSA-2222-3333-4444",
    "modified": "2026-03-01T10:00:00+00:00",
    "aliases": ["CVE-2026-0001"],
    "summary": "orodruin reads \u001b[31mmore than it has",
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}],
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "orodruin"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.4.2"}]}],
            "versions": ["1.0", "1.1"],
        }
    ],
    "references": [{"type": "ADVISORY", "url": "https://advisories.example/1"}],
}


@pytest.fixture
def source(work: Path) -> Path:
    """A folder with a record, a withdrawn one, and a file of another kind."""
    folder = work / "osv"
    folder.mkdir()
    (folder / "one.json").write_text(json.dumps(RECORD), encoding="utf-8")
    gone = {**RECORD, "id": "GHSA-gone", "withdrawn": "2026-04-01T00:00:00Z"}
    (folder / "gone.json").write_text(json.dumps(gone), encoding="utf-8")
    (folder / "package.json").write_text("{}", encoding="utf-8")
    return folder


def test_a_folder_is_imported_where_audit_looks_for_it(run: Run, source: Path, home: Path) -> None:
    code, out, err = run("advisories", "import", source)
    assert (code, out) == (0, "")
    assert f"{home / 'advisories.sqlite'}: 1 record(s), the newest of 2026-03-01T10:00:00Z: 1 of PyPI" in err
    assert "Left out: 1 that were withdrawn" in err
    assert "Passed over: 1 document(s)" in err
    assert stat.S_IMODE((home / "advisories.sqlite").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_several_sources_and_a_place_of_ones_own(run: Run, source: Path, work: Path, home: Path) -> None:
    with zipfile.ZipFile(work / "more.zip", "w") as made:
        made.writestr("MAL-1.json", json.dumps({**RECORD, "id": "MAL-1", "aliases": []}))
    code, _, err = run("advisories", "import", source, "more.zip", "--output", "own.sqlite")
    assert code == 0
    assert "own.sqlite: 2 record(s)" in err
    assert not home.exists()
    assert run("advisories", "show", "MAL-1", "--advisories", "own.sqlite")[0] == 0


def test_a_failed_import_leaves_the_database_as_it_was(run: Run, source: Path, home: Path) -> None:
    assert run("advisories", "import", source)[0] == 0
    before = (home / "advisories.sqlite").read_bytes()
    (source / "half.json").write_text('{"id": "GHSA-', encoding="utf-8")
    code, _, err = run("advisories", "import", source)
    assert code == 2
    assert "half.json cannot be read" in err
    assert "nothing was imported" in err
    assert (home / "advisories.sqlite").read_bytes() == before
    assert [path.name for path in home.iterdir()] == ["advisories.sqlite"]


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_a_source_that_holds_nothing_is_told(run: Run, work: Path, name: str) -> None:
    (work / "empty").mkdir()
    code, _, err = run("advisories", "import", name)
    assert code == 2
    assert "OSV record" in err


def test_a_link_at_the_place_of_the_database_is_not_followed(run: Run, source: Path, home: Path, work: Path) -> None:
    home.mkdir()
    (home / "advisories.sqlite").symlink_to(work / "elsewhere")
    code, _, err = run("advisories", "import", source)
    assert code == 2
    assert "is a link" in err
    assert not (work / "elsewhere").exists()


@pytest.mark.parametrize("name", ["GHSA-2222-3333-4444", "CVE-2026-0001"])
def test_a_record_is_shown_in_words_that_a_terminal_can_take(run: Run, source: Path, name: str) -> None:
    run("advisories", "import", source)
    code, out, _ = run("advisories", "show", name)
    assert code == 0
    assert out.splitlines() == [
        "GHSA-2222-3333-4444: orodruin reads \\x1b[31mmore than it has",
        "  severity: high (CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H)",
        "  also: CVE-2026-0001",
        "  PyPI orodruin: introduced 0; fixed 1.4.2 | 2 listed",
        "  modified: 2026-03-01T10:00:00Z",
        "  more: https://advisories.example/1",
    ]


def test_a_record_is_shown_as_json_from_a_folder_that_was_not_imported(run: Run, source: Path) -> None:
    code, out, _ = run("advisories", "show", "CVE-2026-0001", "--json", "--advisories", source)
    assert (code, json.loads(out)) == (0, [RECORD])


def test_an_unknown_id_is_told(run: Run, source: Path) -> None:
    run("advisories", "import", source)
    code, out, err = run("advisories", "show", "CVE-1999-1")
    assert (code, out, err) == (1, "", "Nothing is known under CVE-1999-1\n")


def test_without_a_database_the_import_is_named(run: Run) -> None:
    code, _, err = run("advisories", "show", "CVE-1999-1")
    assert code == 2
    assert "make one with haldir advisories import" in err


def test_a_damaged_database_is_told(run: Run, home: Path) -> None:
    home.mkdir()
    (home / "advisories.sqlite").write_bytes(b"nonsense" * 1000)
    code, _, err = run("advisories", "show", "CVE-1999-1")
    assert code == 2
    assert "no database of haldir advisories import" in err
