import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]
Write = Callable[..., Path]

ADVISORY = {
    "id": "GHSA-1111-2222-3333",
    "modified": "2026-01-01T00:00:00Z",
    "summary": "Something bad",
    "aliases": ["CVE-2026-1"],
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "requests"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0.0"}]}],
        }
    ],
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}],
}
HASH = f"--hash=sha256:{'0' * 64}"
IGNORE = 'version = 1\n[[ignore]]\nid = "CVE-2026-1"\nreason = "Not reached."\nexpires = {}\n'


@pytest.fixture
def advisories(tmp_path: Path) -> Path:
    """Return a folder with one advisory, about requests before 2.0.0."""
    folder = tmp_path / "advisories"
    folder.mkdir()
    (folder / "GHSA-1111-2222-3333.json").write_text(json.dumps(ADVISORY), encoding="utf-8")
    return folder


@pytest.fixture
def old(write: Write) -> Path:
    """Return a skill that pins a vulnerable version, with a hash."""
    return write("old/requirements.txt", f"requests==1.0.0 {HASH}\n").parent


@pytest.fixture
def new(write: Write) -> Path:
    """Return a skill that pins a good version, with a hash."""
    return write("new/requirements.txt", f"requests==2.32.3 {HASH}\n").parent


def rules(out: str) -> list[str]:
    return [row["id"] for row in json.loads(out)["findings"]]


def test_a_skill_without_dependencies_is_good_without_any_data(run: Run, write: Write) -> None:
    code, out, err = run("audit", write("fine/SKILL.md").parent)
    assert (code, out) == (0, "")
    assert err.startswith("PASS  ")
    assert "fine: no issues" in err


def test_without_data_a_clean_skill_is_undecided_and_the_words_say_what_to_do(run: Run, new: Path) -> None:
    code, _, err = run("audit", new)
    assert code == 3
    assert "NOT CHECKED  known vulnerabilities" in err
    assert "haldir advisories import" in err
    assert "--osv-url" in err


def test_a_comparison_that_is_not_wanted_is_not_missed(run: Run, new: Path) -> None:
    code, _, err = run("audit", new, "--no-cve")
    assert code == 0
    assert "NOT CHECKED  known vulnerabilities: not asked for" in err


def test_a_good_version_is_good(run: Run, new: Path, advisories: Path) -> None:
    code, _, err = run("audit", new, "--advisories", advisories)
    assert code == 0
    assert "compared 1 version with" in err


def test_a_vulnerable_version_is_no(run: Run, old: Path, advisories: Path) -> None:
    code, out, _ = run("audit", old, "--advisories", advisories, "--json")
    assert (code, rules(out)) == (1, ["vulnerable"])


def test_a_database_in_the_home_folder_is_used(run: Run, old: Path, advisories: Path, home: Path) -> None:
    code, _, err = run("advisories", "import", advisories)
    assert code == 0, err
    assert (home / "advisories.sqlite").exists()
    assert run("audit", old)[0] == 1


def test_a_damaged_database_in_the_home_folder_is_not_checked(run: Run, new: Path, home: Path) -> None:
    home.mkdir(mode=0o700)
    (home / "advisories.sqlite").write_bytes(b"SQLite format 3\0 and then nothing")
    code, _, err = run("audit", new)
    assert code == 3
    assert "NOT CHECKED" in err


def test_advisories_that_are_not_there_are_a_usage_error(run: Run, new: Path, tmp_path: Path) -> None:
    code, out, err = run("audit", new, "--advisories", tmp_path / "missing")
    assert (code, out) == (2, "")
    assert "missing" in err


def test_issues_come_before_what_was_not_checked(run: Run, write: Write) -> None:
    assert run("audit", write("open/requirements.txt", "requests>=2\n").parent)[0] == 1


@pytest.mark.parametrize(("threshold", "code"), [("low", 1), ("medium", 1), ("high", 0), ("critical", 0)], ids=str)
def test_the_threshold_decides_about_the_exit_code(run: Run, write: Write, threshold: str, code: int) -> None:
    skill = write("prose/SKILL.md", "Run `pip install requests==2.32.3` first.\n").parent
    assert run("audit", skill, "--no-cve", "--fail-on", threshold)[0] == code


def test_the_type_of_the_skill_decides_about_the_number_of_packages(run: Run, write: Write) -> None:
    lines = "".join(f"package-{number}==1.0 {HASH}\n" for number in range(30))
    skill = write("many/requirements.txt", lines).parent
    assert "too-many" in rules(run("audit", skill, "--json")[1])
    assert "too-many" not in rules(run("audit", skill, "--json", "--type", "mcp")[1])


def test_an_accepted_vulnerability_counts_no_more(run: Run, old: Path, advisories: Path, write: Write) -> None:
    ignore = write("ignore.toml", IGNORE.format("2027-01-31"))
    code, _, err = run("audit", old, "--advisories", advisories, "--ignore", ignore)
    assert code == 0
    assert "suppressed  requirements.txt:1: GHSA-1111-2222-3333: Not reached." in err


def test_an_expired_ignore_is_told_and_counts_no_more(run: Run, old: Path, advisories: Path, write: Write) -> None:
    ignore = write("ignore.toml", IGNORE.format("2020-01-31"))
    code, _, err = run("audit", old, "--advisories", advisories, "--ignore", ignore)
    assert code == 1
    assert "expired on 2020-01-31" in err


def test_an_ignore_that_is_about_nothing_is_told(run: Run, new: Path, advisories: Path, write: Write) -> None:
    ignore = write("ignore.toml", IGNORE.format("2027-01-31"))
    assert "is about nothing here" in run("audit", new, "--advisories", advisories, "--ignore", ignore)[2]


@pytest.mark.parametrize("option", ["--ignore", "--vex"])
def test_a_file_within_the_skill_cannot_excuse_it(run: Run, old: Path, option: str) -> None:
    (old / "file").write_text(IGNORE.format("2027-01-31"), encoding="utf-8")
    code, out, err = run("audit", old, option, old / "file")
    assert (code, out) == (2, "")
    assert "must not choose what is ignored" in err


def test_a_vex_document_settles_a_vulnerability(run: Run, old: Path, advisories: Path, write: Write) -> None:
    statement = {
        "vulnerability": {"name": "CVE-2026-1"},
        "products": [{"@id": "pkg:pypi/requests@1.0.0"}],
        "status": "not_affected",
        "justification": "vulnerable_code_not_present",
    }
    form = {"@context": "https://openvex.dev/ns/v0.2.0", "timestamp": "2026-01-01T00:00:00Z", "statements": [statement]}
    vex = write("vex.json", json.dumps(form))
    assert run("audit", old, "--advisories", advisories, "--vex", vex)[0] == 0


def test_an_index_can_be_allowed(run: Run, write: Write) -> None:
    text = f"--index-url https://pip.corp.example/simple\nrequests==2.32.3 {HASH}\n"
    skill = write("corp/requirements.txt", text).parent
    assert "unknown-index" in rules(run("audit", skill, "--json")[1])
    allowed = run("audit", skill, "--json", "--index", "https://pip.corp.example/simple")
    assert "unknown-index" not in rules(allowed[1])


def test_a_private_name_can_be_named(run: Run, write: Write) -> None:
    skill = write("corp/requirements.txt", f"corp-tool==1.0 {HASH}\n").parent
    assert "dependency-confusion" in rules(run("audit", skill, "--json", "--private-name", "corp-")[1])


def test_all_forms_are_written(run: Run, old: Path, advisories: Path, work: Path) -> None:
    options = ("--sarif", "a.sarif", "--cyclonedx", "a.cdx.json", "--openvex", "a.vex.json")
    assert run("audit", old, "--advisories", advisories, *options)[0] == 1
    sarif, bom, vex = (json.loads((work / name).read_bytes()) for name in ("a.sarif", "a.cdx.json", "a.vex.json"))
    place = sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "old/requirements.txt"
    assert [row["id"] for row in bom["vulnerabilities"]] == ["GHSA-1111-2222-3333"]
    assert bom["metadata"]["component"]["name"] == "old"
    assert vex["statements"][0]["products"] == [{"@id": "pkg:pypi/requests@1.0.0"}]


@pytest.mark.parametrize(
    "arguments",
    [
        ("missing",),
        ("",),
        (".", "--fail-on", "terrible"),
        (".", "--no-cve", "--osv-url", "https://osv.example"),
        (".", "--sarif", "."),
        (".", "--ignore", "missing.toml"),
        (".", "--osv-url", "ftp://osv.example"),
    ],
    ids=["no-folder", "empty", "severity", "contradiction", "folder", "no-file", "scheme"],
)
def test_wrong_use_is_exit_2_with_words(run: Run, arguments: tuple[str, ...]) -> None:
    code, out, err = run("audit", *arguments)
    assert (code, out) == (2, "")
    assert err


def test_a_file_is_no_skill_folder(run: Run, write: Write) -> None:
    assert run("audit", write("a/requirements.txt", "x\n"))[0] == 2


def test_a_fifo_does_not_make_it_wait(run: Run, write: Write) -> None:
    skill = write("pipe/SKILL.md").parent
    os.mkfifo(skill / "package.json")
    code, _, err = run("audit", skill, "--no-cve")
    assert "unreadable" in err
    assert code in {0, 1}


def test_what_a_name_holds_is_safe_for_a_terminal(run: Run, write: Write) -> None:
    skill = write("odd/package.json", json.dumps({"dependencies": {"\x1b[31mred\u202e": "*"}})).parent
    code, _, err = run("audit", skill)
    assert code == 1
    assert "\x1b" not in err
    assert "\u202e" not in err


def test_with_json_the_report_is_all_that_is_on_stdout(run: Run, old: Path) -> None:
    code, out, _ = run("audit", old, "--json")
    form = json.loads(out)
    assert (code, form["complete"], form["status"]) == (3, False, "pass")
