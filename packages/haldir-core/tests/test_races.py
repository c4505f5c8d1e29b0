import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from haldir_core import (
    SkillSnapshot,
    TrustLevel,
    UnreadableError,
    Verification,
    read_skill,
)
from haldir_core.digest import sha256

MakeSkill = Callable[..., Path]
Check = Callable[..., Verification]


def _codes(snapshot: SkillSnapshot) -> list[tuple[str, str | None]]:
    return [(problem.code.value, problem.path) for problem in snapshot.problems]


# Races, lost on purpose: the hook of the interpreter says when a name is about to be opened.


@pytest.fixture
def when_opened(on_event: Callable[[Callable[[str, tuple[Any, ...]], None]], None]) -> Callable[..., None]:
    """Do something once, just before a file of that name is opened with one of ``flags``."""

    def register(name: str, act: Callable[[], None], *, flags: int = os.O_RDONLY) -> None:
        pending = [act]

        def listen(event: str, args: tuple[Any, ...]) -> None:
            if event == "open" and pending and args[0] == name and args[2] & os.O_ACCMODE == flags:
                pending.pop()()

        on_event(listen)

    return register


def test_a_file_that_becomes_a_link_before_it_is_opened_is_reported(
    signed: Path, when_opened: Callable[..., None]
) -> None:
    def swap() -> None:
        (signed / "SKILL.md").unlink()
        (signed / "SKILL.md").symlink_to("/etc/passwd")

    when_opened("SKILL.md", swap)

    assert _codes(read_skill(signed)) == [("E_SYMLINK", "SKILL.md")]


def test_a_folder_that_becomes_a_link_before_it_is_opened_is_reported(
    signed: Path, when_opened: Callable[..., None]
) -> None:
    def swap() -> None:
        (signed / "scripts").rename(signed.parent / "moved")
        (signed / "scripts").symlink_to(signed.parent / "moved")

    when_opened("scripts", swap)

    snapshot = read_skill(signed)

    assert _codes(snapshot) == [("E_SYMLINK", "scripts")]
    assert "scripts/run.py" not in snapshot.files


def test_a_vault_that_becomes_a_link_before_it_is_opened_is_reported(
    signed: Path, when_opened: Callable[..., None]
) -> None:
    def swap() -> None:
        (signed / ".vault").rename(signed.parent / "moved")
        (signed / ".vault").symlink_to(signed.parent / "moved")

    when_opened(".vault", swap)

    snapshot = read_skill(signed)

    assert _codes(snapshot) == [("E_SYMLINK", ".vault")]
    assert snapshot.vault == {}


def test_a_document_that_becomes_a_link_before_it_is_opened_is_reported(
    signed: Path, when_opened: Callable[..., None]
) -> None:
    def swap() -> None:
        (signed / ".vault/signature.json").rename(signed.parent / "moved")
        (signed / ".vault/signature.json").symlink_to(signed.parent / "moved")

    when_opened("signature.json", swap)

    assert _codes(read_skill(signed)) == [("E_SYMLINK", ".vault/signature.json")]


@pytest.mark.parametrize("kind", ["FIFO", "folder"])
def test_a_file_that_becomes_something_else_before_it_is_opened_is_reported(
    kind: str, signed: Path, when_opened: Callable[..., None]
) -> None:
    def swap() -> None:
        (signed / "SKILL.md").unlink()
        if kind == "FIFO":
            os.mkfifo(signed / "SKILL.md")
        else:
            (signed / "SKILL.md").mkdir()

    when_opened("SKILL.md", swap)

    (problem,) = read_skill(signed).problems

    assert (problem.code, problem.path) == ("E_UNSAFE_FILE", "SKILL.md")
    assert kind in problem.message


def test_a_file_that_vanishes_before_it_is_opened_is_an_error(signed: Path, when_opened: Callable[..., None]) -> None:
    when_opened("SKILL.md", (signed / "SKILL.md").unlink)

    with pytest.raises(UnreadableError, match=r"SKILL\.md of the skill: No such file"):
        read_skill(signed)


def _append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def _rewrite_keeping_the_size(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def _truncate(path: Path) -> None:
    os.truncate(path, 1)


@pytest.mark.parametrize(
    ("change", "size"),
    [
        (_append, 9),
        (_truncate, 9),
        (_append, 600_000),
        (_truncate, 600_000),
        (_rewrite_keeping_the_size, 600_000),
        (_rewrite_keeping_the_size, 256 * 1024),
    ],
    ids=[
        "small-grows",
        "small-shrinks",
        "large-grows",
        "large-shrinks",
        "large-is-rewritten",
        "one-chunk-is-rewritten",
    ],
)
def test_a_file_that_changes_while_it_is_read_is_reported(
    change: Callable[[Path], None], size: int, make_skill: MakeSkill, tmp_path: Path, when_opened: Callable[..., None]
) -> None:
    folder = make_skill({"file": b"x" * size})
    os.utime(folder / "file", (1, 1))
    # The copy is opened after the source was examined, and before it is read.
    when_opened("file", lambda: change(folder / "file"), flags=os.O_WRONLY)

    snapshot = read_skill(folder, copy_to=tmp_path / "copy")

    assert _codes(snapshot) == [("E_UNSAFE_FILE", "file")]
    assert snapshot.problems[0].message == "file changed while it was read"
    assert snapshot.files == {}


def test_a_small_file_that_is_rewritten_before_it_is_read_has_the_digest_of_what_is_copied(
    make_skill: MakeSkill, tmp_path: Path, when_opened: Callable[..., None]
) -> None:
    folder = make_skill({"file": b"x" * 9})
    when_opened("file", lambda: _rewrite_keeping_the_size(folder / "file"), flags=os.O_WRONLY)

    snapshot = read_skill(folder, copy_to=tmp_path / "copy")

    assert snapshot.files == {"file": sha256((tmp_path / "copy/file").read_bytes())}


def test_a_skill_that_changed_while_it_was_read_is_not_valid(
    signed: Path, check: Check, when_opened: Callable[..., None]
) -> None:
    when_opened("SKILL.md", lambda: _append(signed / "SKILL.md"))

    assert check(signed).trust_level is TrustLevel.NONE


@pytest.fixture
def when_first_read() -> Iterator[Callable[[Callable[[], object]], None]]:
    """Do something once, just before the first byte of the first file is read."""
    pending: list[Callable[[], object]] = []

    def watch(frame: object, event: str, arg: object) -> None:
        if event == "c_call" and arg is os.read and pending:
            pending.pop()()

    def register(act: Callable[[], object]) -> None:
        pending.append(act)
        sys.setprofile(watch)

    yield register
    sys.setprofile(None)


@pytest.mark.parametrize("change", [_append, _rewrite_keeping_the_size, _truncate])
def test_a_document_that_changes_while_it_is_read_is_reported_and_not_kept(
    change: Callable[[Path], None], signed: Path, when_first_read: Callable[[Callable[[], object]], None]
) -> None:
    os.utime(signed / ".vault/attestation.json", (1, 1))  # the first in the order of reading
    when_first_read(lambda: change(signed / ".vault/attestation.json"))

    snapshot = read_skill(signed)

    assert _codes(snapshot) == [("E_UNSAFE_FILE", ".vault/attestation.json")]
    assert snapshot.vault is not None
    assert "attestation.json" not in snapshot.vault
    assert "attestation.json" in snapshot.vault_names


def test_a_vault_that_appears_while_the_skill_is_read_does_not_count(
    signed: Path, when_first_read: Callable[[Callable[[], object]], None]
) -> None:
    (signed / ".vault").rename(signed.parent / "moved")
    when_first_read(lambda: (signed.parent / "moved").rename(signed / ".vault"))

    assert read_skill(signed).vault is None
