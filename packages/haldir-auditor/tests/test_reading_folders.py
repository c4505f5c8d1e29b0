import os
from pathlib import Path

import pytest

from haldir_auditor.files import Limits, read_files
from haldir_auditor.reading import read_folder


def _write(folder: Path, path: str, data: bytes = b"x") -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def test_every_regular_file_is_read_by_its_path(tmp_path: Path) -> None:
    for path in ("SKILL.md", "a/b/c.py", ".hidden/.x", "node_modules/a/package.json", ".git/config"):
        _write(tmp_path, path, path.encode())
    found = read_files(tmp_path)

    assert {path: data.decode() for path, data in found.files.items()} == {path: path for path in found.files}
    assert set(found.files) == {"SKILL.md", "a/b/c.py", ".hidden/.x", "node_modules/a/package.json", ".git/config"}
    assert found.problems == ()


def test_links_are_not_followed_and_those_out_of_the_skill_are_problems(tmp_path: Path) -> None:
    skill = tmp_path / "skill"
    _write(tmp_path, "secret")
    _write(skill, "a")
    (skill / "inside").symlink_to("a")
    (skill / "outside").symlink_to("../secret")
    (skill / "folder").symlink_to("..")
    (skill / "nowhere").symlink_to("gone")
    (skill / "loop").symlink_to("loop")
    found = read_files(skill)

    assert set(found.files) == {"a"}
    assert {problem.place.path: problem.kind for problem in found.problems} == {
        "outside": "outside",
        "folder": "outside",
        "nowhere": "outside",
        "loop": "outside",
    }


def test_a_link_in_place_of_a_manifest_is_a_problem(tmp_path: Path) -> None:
    _write(tmp_path, "data.bin", b"evil")
    (tmp_path / "requirements.txt").symlink_to("data.bin")

    assert [problem.kind for problem in read_files(tmp_path).problems] == ["opaque"]


def test_a_fifo_is_a_problem_and_holds_nothing_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "package.json")
    found = read_files(tmp_path)

    assert [(problem.kind, problem.place.path) for problem in found.problems] == [("opaque", "package.json")]


def test_a_name_that_is_no_text_is_written_with_escapes(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path)
    with open(folder + b"/\xff.txt", "wb") as file:  # noqa: PTH123 - a name that pathlib would escape in its own way
        file.write(b"x")

    assert list(read_files(tmp_path).files) == ["\\xff.txt"]


def test_two_names_that_are_written_alike_are_a_problem(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path)
    for name in (b"\xff.txt", b"\\xff.txt"):
        with open(folder + b"/" + name, "wb") as file:  # noqa: PTH123 - as above
            file.write(b"x")
    found = read_files(tmp_path)

    assert len(found.files) == len(found.problems) == 1


@pytest.mark.parametrize(
    ("limits", "kinds"),
    [
        (Limits(max_files=2), {"too-large"}),
        (Limits(max_depth=1), {"too-large"}),
        (Limits(max_bytes=3), {"too-large"}),
        (Limits(max_file_bytes=1), {"too-large"}),
    ],
    ids=["files", "depth", "bytes", "file"],
)
def test_what_exceeds_a_limit_is_a_problem(tmp_path: Path, limits: Limits, kinds: set[str]) -> None:
    for path in ("a.txt", "b.txt", "c/d/e.txt"):
        _write(tmp_path, path, b"xx")

    assert {problem.kind for problem in read_files(tmp_path, limits).problems} == kinds


def test_a_large_binary_is_left_out_and_a_large_manifest_is_a_problem(tmp_path: Path) -> None:
    _write(tmp_path, "model.bin", b"\0" * 100)
    _write(tmp_path, "bun.lockb", b"\0" * 100)
    found = read_files(tmp_path, Limits(max_file_bytes=50))

    assert [problem.place.path for problem in found.problems] == ["bun.lockb"]


def test_a_folder_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        read_files(tmp_path / "gone")


def test_a_folder_is_read_with_the_problems_of_its_files(tmp_path: Path) -> None:
    _write(tmp_path, "package.json", b'{"dependencies": {"a": "1"}}')
    os.mkfifo(tmp_path / "pipe")
    found = read_folder(tmp_path)

    assert [each.name for each in found.manifests[0].dependencies] == ["a"]
    assert [problem.place.path for problem in found.problems] == ["pipe"]
