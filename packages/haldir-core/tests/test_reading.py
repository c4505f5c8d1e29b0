import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from haldir_core import (
    Limits,
    SkillSnapshot,
    UnreadableError,
    UnsafeSkillError,
    Verification,
    read_skill,
)
from haldir_core.digest import sha256

MakeSkill = Callable[..., Path]
Check = Callable[..., Verification]


@pytest.fixture(autouse=True)
def _alarm() -> Iterator[None]:
    """Interrupt a reading that hangs."""

    def fail(signum: int, frame: object) -> None:
        raise TimeoutError("reading hangs")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(30)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def _codes(snapshot: SkillSnapshot) -> list[tuple[str, str | None]]:
    return [(problem.code.value, problem.path) for problem in snapshot.problems]


@contextmanager
def _socket_at(path: Path) -> Iterator[None]:
    """Bind a socket in a folder whose name may be too long for one."""
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as unix:
            unix.bind(path.name)
            yield
    finally:
        os.chdir(before)


def test_every_file_has_its_digest_in_walk_order(make_skill: MakeSkill) -> None:
    files = {"b": b"2", "a/z/deep": b"1", "a/b": b"", ".hidden": b"3", "SKILL.md": b"4"}

    snapshot = read_skill(make_skill(files))

    assert list(snapshot.files.items()) == [
        (path, sha256(files[path])) for path in (".hidden", "SKILL.md", "b", "a/b", "a/z/deep")
    ]
    assert (snapshot.total_bytes, snapshot.problems, snapshot.copy) == (4, (), None)


def test_a_skill_without_vault_has_none(make_skill: MakeSkill) -> None:
    snapshot = read_skill(make_skill())

    assert (snapshot.vault, snapshot.vault_names, snapshot.vault_extras) == (None, frozenset(), ())


def test_the_documents_of_the_vault_are_kept_apart_from_the_files(signed: Path) -> None:
    snapshot = read_skill(signed)

    assert snapshot.vault is not None
    assert set(snapshot.vault) == {"signature.json", "attestation.json", "integrity.json", "permissions.json"}
    assert not any(path.startswith(".vault") for path in snapshot.files)


def test_a_vault_below_the_root_is_content(make_skill: MakeSkill) -> None:
    snapshot = read_skill(make_skill({"a/.vault/signature.json": b"{}", ".vaults": b"", ".vault.tmp/x": b""}))

    assert set(snapshot.files) == {".vaults", ".vault.tmp/x", "a/.vault/signature.json"}
    assert snapshot.vault is None


def test_an_empty_folder_is_no_problem(make_skill: MakeSkill) -> None:
    folder = make_skill()
    (folder / "empty").mkdir()

    assert read_skill(folder).problems == ()


@pytest.mark.parametrize(
    "name",
    [
        "a\\b",
        "..\\x",
        "new\nline",
        "tab\t",
        '"quoted"',
        "'",
        "..hidden",
        "...",
        "__proto__",
        "constructor",
        "e\u0301",
        " ",
        "\U0001f600",
    ],
    ids=ascii,
)
def test_a_strange_name_is_read_as_it_is(name: str, make_skill: MakeSkill) -> None:
    snapshot = read_skill(make_skill({name: b"x", f"folder {name}/{name}": b"y"}))

    assert dict(snapshot.files) == {name: sha256(b"x"), f"folder {name}/{name}": sha256(b"y")}
    assert snapshot.problems == ()


@pytest.mark.parametrize("kind", ["file", "folder", "link", "file in .vault"])
def test_a_name_that_is_not_utf_8_is_reported_with_escapes(kind: str, signed: Path) -> None:
    raw = os.fsencode(signed) + (b"/.vault/" if kind == "file in .vault" else b"/") + b"bad\xff"
    if kind == "folder":
        os.mkdir(raw)  # noqa: PTH102 - paths of bytes are what this is about
    elif kind == "link":
        os.symlink(b"SKILL.md", raw)  # noqa: PTH211 - the same
    else:
        os.close(os.open(raw, os.O_CREAT))

    snapshot = read_skill(signed)

    shown = ".vault/bad\\xff" if kind == "file in .vault" else "bad\\xff"
    assert _codes(snapshot) == [("E_UNSAFE_FILE", shown)]
    assert shown in snapshot.problems[0].message


@pytest.mark.parametrize("place", ["odd", "scripts/odd", ".vault/odd", ".vault/sigstore-bundle.json"])
def test_a_fifo_is_reported_and_never_waited_for(place: str, signed: Path, check: Check) -> None:
    os.mkfifo(signed / place)

    (problem,) = read_skill(signed).problems

    assert (problem.code, problem.path) == ("E_UNSAFE_FILE", place)
    assert "a FIFO" in problem.message
    assert check(signed).errors == (problem,)


@pytest.mark.parametrize("place", ["odd", "scripts/odd", ".vault/odd"])
def test_a_socket_is_reported(place: str, signed: Path, check: Check) -> None:
    with _socket_at(signed / place):
        (problem,) = read_skill(signed).problems
        verdict = check(signed)

    assert (problem.code, problem.path) == ("E_UNSAFE_FILE", place)
    assert "a socket" in problem.message
    assert verdict.errors == (problem,)


@pytest.mark.parametrize(
    "target", ["SKILL.md", "scripts", "/etc/passwd", "/dev/zero", "missing", ".", "link"], ids=ascii
)
@pytest.mark.parametrize("place", ["link", "scripts/link", ".vault/link", ".vault/sigstore-bundle.json"])
def test_a_link_is_reported_and_never_followed(place: str, target: str, signed: Path, check: Check) -> None:
    (signed / place).symlink_to(target)

    (problem,) = read_skill(signed).problems

    assert (problem.code, problem.path) == ("E_SYMLINK", place)
    assert check(signed).errors == (problem,)


@pytest.mark.parametrize("name", ["attestation.json", "signature.json"])
def test_a_required_document_behind_a_link_is_reported(name: str, signed: Path, check: Check) -> None:
    (signed / ".vault" / name).rename(signed / "moved")
    (signed / ".vault" / name).symlink_to("../moved")

    assert [(error.code, error.path) for error in check(signed).errors] == [("E_SYMLINK", f".vault/{name}")]


def test_a_vault_that_is_a_link_is_reported(signed: Path, tmp_path: Path, check: Check) -> None:
    (signed / ".vault").rename(tmp_path / "elsewhere")
    (signed / ".vault").symlink_to(tmp_path / "elsewhere")

    assert [(error.code, error.path) for error in check(signed).errors] == [("E_SYMLINK", ".vault")]
    assert read_skill(signed).vault == {}


def test_a_vault_that_is_a_fifo_is_reported(make_skill: MakeSkill, check: Check) -> None:
    folder = make_skill()
    os.mkfifo(folder / ".vault")

    assert [(error.code, error.path) for error in check(folder).errors] == [("E_UNSAFE_FILE", ".vault")]


@pytest.mark.parametrize("name", [".vaults", ".vault.tmp", ".vault-1"])
def test_a_link_with_a_name_like_that_of_the_vault_is_reported_once(name: str, signed: Path) -> None:
    (signed / name).symlink_to("SKILL.md")

    assert _codes(read_skill(signed)) == [("E_SYMLINK", name)]


def test_all_links_are_reported(signed: Path) -> None:
    for place in ("l1", "scripts/l2", ".vault/l3"):
        (signed / place).symlink_to("x")

    assert sorted(path or "" for _, path in _codes(read_skill(signed))) == [".vault/l3", "l1", "scripts/l2"]


@pytest.mark.parametrize("place", ["SKILL.md", "scripts/run.py", ".vault/signature.json"])
def test_a_hard_link_is_reported(place: str, signed: Path, tmp_path: Path, check: Check) -> None:
    (tmp_path / "other name").hardlink_to(signed / place)

    assert _codes(read_skill(signed)) == [("E_HARDLINK", place)]
    assert [error.path for error in check(signed).errors] == [place]


def test_a_folder_in_the_vault_is_an_extra(signed: Path) -> None:
    (signed / ".vault/sub").mkdir()
    (signed / ".vault/sub/file").touch()
    (signed / ".vault/.DS_Store").touch()

    snapshot = read_skill(signed)

    assert snapshot.vault_extras == (".vault/.DS_Store", ".vault/sub")
    assert "sub" not in snapshot.vault_names


# Folders that cannot be read.


@pytest.mark.parametrize("path", ["missing", "skill/SKILL.md", "skill/\0"], ids=ascii)
def test_what_is_no_folder_cannot_be_read(path: str, make_skill: MakeSkill) -> None:
    folder = make_skill()

    with pytest.raises(UnreadableError, match="cannot read the skill folder"):
        read_skill(folder.parent / path)


@pytest.mark.parametrize("place", ["secret", "scripts", ".vault", ".vault/signature.json"])
def test_a_file_that_may_not_be_read_is_an_error(
    place: str, signed: Path, in_child: Callable[[Callable[[], int]], int]
) -> None:
    (signed / "secret").touch()
    (signed / place).chmod(0)

    def as_nobody() -> int:
        os.chdir(signed)  # the folders above belong to the owner of the test run only
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        try:
            read_skill(".")
        except UnreadableError as error:
            return 1 if place in str(error) and "Permission denied" in str(error) else 2
        return 0

    def as_owner() -> int:
        try:
            read_skill(signed)
        except UnreadableError as error:
            return 1 if place in str(error) and "Permission denied" in str(error) else 2
        return 0

    assert in_child(as_nobody if os.geteuid() == 0 else as_owner) == 1


def test_a_folder_with_problems_says_so_and_shows_five_of_them(signed: Path) -> None:
    for number in range(7):
        (signed / f"link{number}").symlink_to("x")

    with pytest.raises(UnsafeSkillError, match=r"link0; .*link4 \(and 2 more\)$") as caught:
        read_skill(signed).refuse_problems()

    assert len(caught.value.problems) == 7


def test_a_folder_without_problems_is_not_refused(signed: Path) -> None:
    read_skill(signed).refuse_problems()


def test_no_descriptor_stays_open(signed: Path, tmp_path: Path) -> None:
    (signed / "link").symlink_to("x")
    os.mkfifo(signed / "fifo")
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208 - a count

    read_skill(signed, copy_to=tmp_path / "copy")
    read_skill(signed, limits=Limits(files=1))
    read_skill(signed, limits=Limits(file_bytes=0), copy_to=tmp_path / "second")

    assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208 - a count
