import contextlib
import ctypes
import os
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from haldir_core import SigningError, TrustLevel, Verification, read_skill, write_vault
from haldir_core.vault import refuse_leftovers
from haldir_core.vaultfiles import ALLOWED_NAMES, REQUIRED_NAMES

MakeSkill = Callable[..., Path]
OLD = {"signature.json": b"old", "vetting-report.json": b"old"}
NEW = {"signature.json": b"new", "attestation.json": b""}


def _content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / ".vault").iterdir()}


@pytest.fixture(params=["exchange", "two renames"])
def _platform(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """This platform, and one where two names cannot be swapped in one step."""
    if request.param == "two renames":
        monkeypatch.setattr(sys, "platform", "sunos5")


def test_the_documents_are_written(make_skill: MakeSkill) -> None:
    folder = make_skill()

    assert write_vault(folder, NEW) == folder / ".vault"
    assert _content(folder) == NEW


@pytest.mark.usefixtures("_platform")
def test_the_documents_replace_all_that_was_there(make_skill: MakeSkill) -> None:
    folder = make_skill()
    write_vault(folder, OLD)

    write_vault(folder, NEW)

    assert _content(folder) == NEW
    assert sorted(path.name for path in folder.iterdir()) == [".vault", "SKILL.md", "data", "scripts"]


@contextlib.contextmanager
def _full_disk() -> Iterator[None]:
    """Give files room for 100 bytes; not for longer than needed, because pytest may write to a file too."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("_platform")
def test_a_failure_midway_leaves_the_old_vault(make_skill: MakeSkill) -> None:
    folder = make_skill()
    write_vault(folder, OLD)

    with _full_disk(), pytest.raises(SigningError, match=r"cannot write .*\.vault: File too large"):
        write_vault(folder, NEW | {"integrity.json": bytes(101)})

    assert _content(folder) == OLD
    assert sorted(path.name for path in folder.iterdir()) == [".vault", "SKILL.md", "data", "scripts"]


def test_a_failure_of_the_first_signing_leaves_nothing(make_skill: MakeSkill) -> None:
    folder = make_skill({})

    with _full_disk(), pytest.raises(SigningError, match="File too large"):
        write_vault(folder, NEW | {"integrity.json": bytes(101)})

    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["../outside", "sub/signature.json", "/outside", ".", "..", "x" * 300, "\0"], ids=ascii
)
def test_a_document_is_not_written_outside_the_vault(name: str, make_skill: MakeSkill, tmp_path: Path) -> None:
    folder = make_skill({})
    name = f"{tmp_path}{name}" if name.startswith("/") else name

    with pytest.raises(SigningError):
        write_vault(folder, NEW | {name: b"evil"})

    assert list(folder.iterdir()) == []
    assert list(tmp_path.iterdir()) == [folder]


def test_a_failing_second_rename_puts_the_old_vault_back(
    make_skill: MakeSkill,
    monkeypatch: pytest.MonkeyPatch,
    on_event: Callable[[Callable[[str, tuple[Any, ...]], None]], None],
) -> None:
    folder = make_skill()
    write_vault(folder, OLD)
    monkeypatch.setattr(sys, "platform", "sunos5")
    seen: list[str] = []

    def obstruct(event: str, args: tuple[Any, ...]) -> None:
        if event == "os.rename" and args[1] == ".vault":
            seen.append(os.fspath(args[0]))
            if len(seen) == 1:
                (folder / ".vault").touch()  # somebody else is faster
            else:
                (folder / ".vault").unlink()

    on_event(obstruct)
    with pytest.raises(SigningError, match="cannot write"):
        write_vault(folder, NEW)

    assert len(seen) == 2
    assert _content(folder) == OLD
    assert sorted(path.name for path in folder.iterdir()) == [".vault", "SKILL.md", "data", "scripts"]


@pytest.mark.parametrize("old", [{}, OLD], ids=["no-vault", "old-vault"])
@pytest.mark.parametrize("moment", ["folder", "document"])
def test_a_work_folder_that_becomes_a_link_leads_nothing_out_of_the_skill_and_is_no_success(
    moment: str,
    old: dict[str, bytes],
    make_skill: MakeSkill,
    tmp_path: Path,
    on_event: Callable[[Callable[[str, tuple[Any, ...]], None]], None],
) -> None:
    folder, outside = make_skill(), tmp_path / "outside"
    outside.mkdir()
    if old:
        write_vault(folder, old)
    done: list[str] = []

    def swap(event: str, args: tuple[Any, ...]) -> None:
        now = event == "open" and isinstance(args[0], str)
        if now and not done and (args[0] in NEW if moment == "document" else args[0].startswith(".vault.")):
            done.append(args[0])
            (work,) = folder.glob(".vault.*.tmp")
            work.rename(folder / "stolen")
            work.symlink_to(outside)

    on_event(swap)
    with pytest.raises(SigningError, match="cannot write"):
        write_vault(folder, NEW)

    assert done
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("kind", ["file", "link to a folder", "broken link"])
def test_what_is_there_and_no_folder_is_not_replaced(kind: str, make_skill: MakeSkill, tmp_path: Path) -> None:
    folder = make_skill()
    (tmp_path / "elsewhere").mkdir()
    if kind == "file":
        (folder / ".vault").touch()
    else:
        (folder / ".vault").symlink_to(tmp_path / ("elsewhere" if kind == "link to a folder" else "missing"))

    with pytest.raises(SigningError, match="it is there, and not a folder"):
        write_vault(folder, NEW)

    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert os.path.lexists(folder / ".vault")


@pytest.mark.parametrize("folder", ["missing", "/proc/self/fdinfo"])
def test_a_folder_that_cannot_be_written_is_an_error(folder: str, tmp_path: Path) -> None:
    with pytest.raises(SigningError, match="cannot write"):
        write_vault(tmp_path / folder, NEW)


def test_links_in_the_old_vault_are_not_followed_when_it_is_removed(make_skill: MakeSkill, tmp_path: Path) -> None:
    folder = make_skill()
    write_vault(folder, OLD)
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").touch()
    (folder / ".vault/link").symlink_to(tmp_path / "precious")

    write_vault(folder, NEW)

    assert (tmp_path / "precious/file").exists()


@pytest.mark.parametrize("name", [".vault.0123456789abcdef.tmp", ".vault.0123456789abcdef.old"])
def test_the_work_folder_of_an_interrupted_signing_is_refused(
    name: str, signed: Path, check: Callable[..., Verification]
) -> None:
    (signed / name).mkdir()
    (signed / name / "signature.json").touch()

    with pytest.raises(SigningError, match=f"{name} was left by an interrupted signing: remove it"):
        refuse_leftovers(signed)
    assert check(signed).trust_level is TrustLevel.NONE


@pytest.mark.parametrize("name", [".vault", ".vault.tmp", ".vault.0123.tmp", "x.vault.0123456789abcdef.tmp"])
def test_other_names_are_no_leftovers(name: str, make_skill: MakeSkill) -> None:
    folder = make_skill()
    (folder / name).mkdir()

    refuse_leftovers(folder)


@pytest.mark.parametrize("path", ["missing", "skill/SKILL.md"])
def test_what_cannot_be_listed_has_no_leftovers(path: str, make_skill: MakeSkill) -> None:
    refuse_leftovers(make_skill().parent / path)


def test_the_names_of_a_vault_are_those_of_the_format() -> None:
    assert REQUIRED_NAMES == ("signature.json", "attestation.json", "integrity.json", "permissions.json")
    assert ALLOWED_NAMES - set(REQUIRED_NAMES) == {
        *("vetting-report.json", "sigstore-bundle.json", "cosign-bundle.json", "vetting-attestation.json")
    }


def test_what_was_written_is_what_is_read(make_skill: MakeSkill) -> None:
    folder = make_skill()
    write_vault(folder, NEW)

    assert read_skill(folder).vault == NEW


def test_a_vault_that_its_owner_may_not_write_is_replaced_all_the_same(
    make_skill: MakeSkill, in_child: Callable[[Callable[[], int]], int]
) -> None:
    folder = make_skill()
    write_vault(folder, OLD)
    (folder / ".vault").chmod(0o555)
    if os.geteuid() == 0:
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, 65534, 65534)

    def sign_again() -> int:
        os.chdir(folder)  # the folders above belong to the owner of the test run only
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        write_vault(".", NEW)
        return 1 if [path for path in Path().iterdir() if path.name.startswith(".vault.")] else 0

    assert ctypes.__name__ in sys.modules  # loaded before the child loses access to it
    assert in_child(sign_again) == 0
    assert _content(folder) == NEW
