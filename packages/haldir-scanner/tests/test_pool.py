import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from haldir_scanner import (
    BundleError,
    Part,
    RuleBundle,
    Status,
    Target,
    UnfinishedError,
    Unit,
    UnreadableError,
    find_skills,
    scan,
    scan_many,
)
from haldir_scanner import _pool as pool
from haldir_scanner._units import scan_unit
from haldir_scanner.bundles import compile_bundle

Make = Callable[..., Path]
ABOUT = "Says hello. Use it when somebody wants a greeting."


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make files with some text, and return the folder."""

    def write(name: str, *paths: str, text: str = "It is fine.") -> Path:
        for path in paths:
            file = tmp_path / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            head = f"---\nname: {file.parent.name}\ndescription: {ABOUT}\n---\n" if file.name == "SKILL.md" else ""
            file.write_text(head + text, encoding="utf-8")
        return tmp_path / name

    return write


@pytest.fixture
def skills(make: Make) -> list[Path]:
    """Twenty skills, of which every fifth is bad."""
    words = {number: "bad" if number % 5 == 0 else "fine" for number in range(20)}
    return [make(f"s{number}", "SKILL.md", text=f"It is {word}.") for number, word in words.items()]


def test_the_verdicts_are_the_same_in_one_process_and_in_several(skills: list[Path], own_rules: RuleBundle) -> None:
    alone, together = (
        [found.report for found in scan_many(skills, bundle=own_rules, workers=workers)] for workers in (1, 3)
    )
    assert alone == together
    assert [report.status is Status.REJECT for report in alone] == [number % 5 == 0 for number in range(20)]


def test_results_come_in_order_with_the_paths_as_they_were_written(skills: list[Path], own_rules: RuleBundle) -> None:
    written = [f"{path}/" for path in skills]
    assert [found.path for found in scan_many(written, bundle=own_rules, workers=2)] == written


def test_a_path_that_cannot_be_read_keeps_no_other_from_being_scanned(
    skills: list[Path], own_rules: RuleBundle, tmp_path: Path
) -> None:
    paths = [*skills[:10], tmp_path / "nowhere", *skills[10:]]
    for workers in (1, 2):
        found = list(scan_many(paths, bundle=own_rules, workers=workers))
        assert [number for number, item in enumerate(found) if item.error is not None] == [10]
        assert isinstance(found[10].error, UnreadableError)
        assert "nowhere" in str(found[10].error)
        with pytest.raises(UnreadableError):
            _ = found[10].report


def test_a_process_that_dies_costs_one_verdict_and_no_other(
    skills: list[Path], own_rules: RuleBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = scan_unit

    def deadly(unit: Unit, *rest: object) -> object:
        if unit.path.name == "s7":
            os.kill(os.getpid(), signal.SIGKILL)
        return honest(unit, *rest)  # type: ignore[arg-type] # as they came

    monkeypatch.setattr(pool, "scan_unit", deadly)
    found = list(scan_many(skills, bundle=own_rules, workers=2))
    assert [item.target.units[0].path.name for item in found if item.error is not None] == ["s7"]
    assert isinstance(found[7].error, UnfinishedError)
    assert "code -9" in str(found[7].error)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_mistake_with_one_skill_is_told_and_is_no_verdict(
    skills: list[Path], own_rules: RuleBundle, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    honest = scan_unit

    def mistaken(unit: Unit, *rest: object) -> object:
        if unit.path.name == "s3":
            raise RecursionError("too deep")
        return honest(unit, *rest)  # type: ignore[arg-type] # as they came

    monkeypatch.setattr(pool, "scan_unit", mistaken)
    found = list(scan_many(skills, bundle=own_rules, workers=workers))
    assert [str(item.error) for item in found if item.error is not None] == [
        (
            f"the scan of {skills[3]} ended without a verdict: internal error (RecursionError: too deep); "
            "report it to the authors of the scanner"
        )
    ]


def test_no_process_is_left_when_the_reader_stops(skills: list[Path], own_rules: RuleBundle) -> None:
    results = scan_many(skills, bundle=own_rules, workers=2)
    next(results)
    results.close()  # type: ignore[attr-defined] # it is a generator
    assert not [process for process in multiprocessing.active_children() if process.is_alive()]


def test_progress_is_told_skill_by_skill(skills: list[Path], own_rules: RuleBundle) -> None:
    told: list[tuple[int, int]] = []
    list(scan_many(skills, bundle=own_rules, workers=2, tell=lambda done, count: told.append((done, count))))
    assert told == [(number, 20) for number in range(1, 21)]


def test_a_program_with_threads_gets_the_same(skills: list[Path], tmp_path: Path) -> None:
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    try:
        assert pool._context().get_start_method() == "spawn"
    finally:
        ended.set()
        thread.join()
    program = tmp_path / "program.py"
    program.write_text(
        "import sys, threading\nfrom haldir_scanner import scan_many\n"
        "if __name__ == '__main__':\n"
        "    ended = threading.Event()\n    thread = threading.Thread(target=ended.wait)\n    thread.start()\n"
        "    print([item.report.status.value for item in scan_many(sys.argv[1:], workers=2)])\n    ended.set()\n",
        encoding="utf-8",
    )
    command = [sys.executable, str(program), *map(str, skills[:9])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(["pass"] * 9)
    assert done.stderr == ""


def test_rules_that_cannot_be_used_are_an_error_before_anything_is_scanned(
    skills: list[Path], own_sources: dict[str, str]
) -> None:
    wrong = own_sources["own.toml"].replace('any = ["odd"]', 'any = ["(?=odd)"]')
    bundle = RuleBundle.from_bytes(compile_bundle(own_sources | {"own.toml": wrong}))
    with pytest.raises(BundleError):
        next(scan_many(skills, bundle=bundle, workers=2))


def test_a_skill_is_one_unit_with_all_that_is_below_it(make: Make) -> None:
    folder = make("skill", "SKILL.md", "inner/SKILL.md", "other/SKILL.md")
    assert Target.of(folder).units == (Unit(folder),)


def test_a_folder_with_one_skill_below_is_one_unit(make: Make) -> None:
    folder = make("repo", "README.md", "skills/a/SKILL.md")
    assert Target.of(folder).units == (Unit(folder),)


def test_a_folder_with_several_skills_is_one_unit_for_each_and_one_for_the_rest(make: Make) -> None:
    folder = make("repo", "README.md", "skills/a/SKILL.md", "skills/a/x/SKILL.md", "skills/b/skill.md")
    units = Target.of(folder).units
    assert [unit.prefix for unit in units] == ["skills/a", "skills/b", ""]
    assert units[2].part == Part(without=frozenset({"skills/a", "skills/b"}))


def test_a_link_called_skill_md_makes_no_skill(make: Make) -> None:
    folder = make("repo", "a/SKILL.md", "b/x.md", "c/SKILL.md")
    (folder / "b" / "SKILL.md").symlink_to(folder / "a" / "SKILL.md")
    assert find_skills(folder) == ("a", "c")


def test_every_file_of_a_folder_with_several_skills_is_scanned_once(make: Make, own_rules: RuleBundle) -> None:
    paths = ["x.md", "skills/a/SKILL.md", "skills/a/deep/y.md", "skills/b/SKILL.md", "skills/z.md", ".hidden/w.md"]
    folder = make("repo", *paths, text="It is bad.")
    (found,) = scan_many([folder], bundle=own_rules)
    assert sorted(match.path for match in found.report.matches) == sorted(paths)
    assert found.report.files_scanned == len(paths)


def test_the_verdict_is_that_of_the_worst_unit(make: Make, own_rules: RuleBundle) -> None:
    folder = make("repo", "a/SKILL.md", "b/SKILL.md")
    make("repo", "b/x.md", text="It is odd.")
    make("repo", "a/x.md", "c.md", text="It is low.")
    (found,) = scan_many([folder], bundle=own_rules)
    assert (found.report.status, found.report.score) == (Status.FLAG, 30)
    assert [(unit.prefix, unit.report.status.value) for unit in found.units] == [
        ("a", "pass"),
        ("b", "flag"),
        ("", "pass"),
    ]


def test_skills_do_not_add_up_to_a_rejection(make: Make, own_rules: RuleBundle) -> None:
    folder = make("repo", *(f"s{number}/SKILL.md" for number in range(9)), text="It is odd.")
    (found,) = scan_many([folder], bundle=own_rules)
    assert (found.report.status, len(found.report.matches)) == (Status.FLAG, 9)


def test_a_rest_without_files_is_not_told(make: Make, own_rules: RuleBundle) -> None:
    (found,) = scan_many([make("repo", "a/SKILL.md", "b/SKILL.md")], bundle=own_rules)
    assert [unit.prefix for unit in found.units] == ["a", "b"]


def test_a_unit_says_the_same_as_a_scan_of_it(make: Make, own_rules: RuleBundle) -> None:
    folder = make("repo", "a/SKILL.md", "b/SKILL.md", text="It is odd.")
    (found,) = scan_many([folder], bundle=own_rules)
    alone = scan(folder / "a", bundle=own_rules)
    assert found.units[0].report.reasons == alone.reasons
    assert found.units[0].report.matches[0].path == "a/SKILL.md"


def test_what_lies_outside_of_skills_is_not_asked_to_be_a_skill(make: Make) -> None:
    folder = make("repo", "a/SKILL.md", "b/SKILL.md", "c.md")
    (found,) = scan_many([folder])
    assert not [match for match in found.units[-1].report.matches if match.category == "compliance"]


def test_only_what_is_named_of_a_folder_is_scanned(make: Make, own_rules: RuleBundle) -> None:
    folder = make("repo", "a/x.md", "a/y.md", "b/deep/z.md", "c.md", text="It is bad.")
    part = Part(only=frozenset({"a/x.md", "b"}))
    (found,) = scan_many([Target(str(folder), (Unit(folder, "", part),))], bundle=own_rules)
    assert [match.path for match in found.report.matches] == ["a/x.md", "b/deep/z.md"]


def test_nothing_named_is_nothing_scanned(make: Make, own_rules: RuleBundle) -> None:
    folder = make("repo", "a.md", text="It is bad.")
    (found,) = scan_many([Target(str(folder), (Unit(folder, "", Part(only=frozenset())),))], bundle=own_rules)
    assert (found.report.status, found.report.files_scanned) == (Status.PASS, 0)
