from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from haldir_cli.entries import entry_command

Write = Callable[..., Path]


@pytest.fixture
def folder(work: Path) -> Path:
    """A skill whose folder has nothing that starts."""
    skill = work / "skill"
    skill.mkdir()
    (skill / "SKILL.md").write_text("---\nname: skill\ndescription: Says hello.\n---\nHello.\n")
    return skill


def test_the_only_entry_point_is_taken(folder: Path) -> None:
    (folder / "main.py").write_text("print('rain')\n")
    assert entry_command(folder, None) == ["python3", "main.py"]


def test_a_declared_command_comes_before_the_files(folder: Path) -> None:
    (folder / "main.py").write_text("print('rain')\n")
    (folder / "SKILL.md").write_text("---\nname: skill\n---\n```sh\npython3 main.py --today\n```\n")
    command = entry_command(folder, None)
    assert "main.py" in " ".join(command)
    assert "--today" in " ".join(command)


def test_without_an_entry_point_it_says_what_to_do(folder: Path) -> None:
    with pytest.raises(typer.BadParameter, match="give the program after --"):
        entry_command(folder, None)


def test_of_several_one_must_be_chosen_and_all_are_listed(folder: Path) -> None:
    for name in ("a.py", "b.sh"):
        (folder / name).write_text("echo\n")
    with pytest.raises(typer.BadParameter, match=r"choose one with --entrypoint; there are: .*a\.py.*b\.sh"):
        entry_command(folder, None)
    assert entry_command(folder, "b.sh") == ["sh", "b.sh"]
    assert entry_command(folder, "a.py") == ["python3", "a.py"]


@pytest.mark.parametrize("name", ["nothing", "", "../SKILL.md", "\x1b[31m"])
def test_a_name_that_is_none_is_refused_with_those_that_are(folder: Path, name: str) -> None:
    (folder / "a.py").write_text("print()\n")
    with pytest.raises(typer.BadParameter, match=r"the skill has no .*; there are: .*a\.py"):
        entry_command(folder, name)


def test_a_name_in_a_skill_without_entry_points_is_refused(folder: Path) -> None:
    with pytest.raises(typer.BadParameter, match=r"the skill has no 'a\.py'"):
        entry_command(folder, "a.py")
