import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from haldir_core import (
    UnreadableError,
    Verification,
    read_skill,
)

MakeSkill = Callable[..., Path]
Check = Callable[..., Verification]


def test_the_copy_has_the_same_files_and_no_vault(signed: Path, tmp_path: Path) -> None:
    snapshot = read_skill(signed, copy_to=tmp_path / "copy")

    assert snapshot.copy == tmp_path / "copy"
    assert read_skill(tmp_path / "copy").files == snapshot.files
    assert not (tmp_path / "copy/.vault").exists()


def test_the_copy_is_private_and_keeps_executable_bits(make_skill: MakeSkill, tmp_path: Path) -> None:
    folder = make_skill({"run.sh": b"#!/bin/sh\n", "data": b"", "sub/x": b""})
    (folder / "run.sh").chmod(0o4755)
    (folder / "data").chmod(0o666)
    (folder / "sub").chmod(0o777)
    before = os.umask(0)
    try:
        read_skill(folder, copy_to=tmp_path / "copy")
    finally:
        os.umask(before)

    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in [tmp_path / "copy", *(tmp_path / "copy").iterdir()]
    }
    assert modes == {"copy": 0o700, "run.sh": 0o700, "data": 0o600, "sub": 0o700}


def test_the_copy_never_lands_in_a_folder_that_exists(make_skill: MakeSkill, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()

    with pytest.raises(UnreadableError, match="File exists"):
        read_skill(make_skill(), copy_to=tmp_path / "copy")


@pytest.mark.parametrize("path", ["missing/copy", "nul\0"], ids=ascii)
def test_a_copy_that_cannot_be_made_is_an_error(path: str, make_skill: MakeSkill, tmp_path: Path) -> None:
    with pytest.raises(UnreadableError):
        read_skill(make_skill(), copy_to=tmp_path / path)


@pytest.mark.parametrize("place", ["skill", "skill/copy", "skill/scripts/copy", "link/copy"])
def test_the_copy_never_lands_in_the_skill_itself(place: str, make_skill: MakeSkill, tmp_path: Path) -> None:
    folder = make_skill()
    (tmp_path / "link").symlink_to(folder)

    with pytest.raises(UnreadableError, match=r"inside the skill|File exists"):
        read_skill(folder, copy_to=tmp_path / place)

    assert not list(folder.rglob("copy"))


def test_the_copy_holds_no_links(signed: Path, tmp_path: Path) -> None:
    (signed / "link").symlink_to("/etc/passwd")

    read_skill(signed, copy_to=tmp_path / "copy")

    assert not os.path.lexists(tmp_path / "copy/link")
