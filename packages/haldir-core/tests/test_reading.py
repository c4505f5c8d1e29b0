import os
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from haldir_core import (
    Limits,
    Problem,
    SkillSnapshot,
    TrustLevel,
    UnreadableError,
    UnsafeSkillError,
    Verification,
    read_skill,
)
from haldir_core.canonical import MAX_DOCUMENT_BYTES
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


def _sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


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
    ["a\\b", "..\\x", "new\nline", "tab\t", '"quoted"', "'", "..hidden", "...", "__proto__", "constructor", "e\u0301", " ", "\U0001f600"],
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
        os.symlink(b"SKILL.md", raw)
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


@pytest.mark.parametrize("target", ["SKILL.md", "scripts", "/etc/passwd", "/dev/zero", "missing", ".", "link"], ids=ascii)
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


FILES = {"a": b"123", "b/c": b"4567", "b/d/e": b""}


@pytest.mark.parametrize(
    ("limits", "path"),
    [
        (Limits(files=2), "b/d"),
        (Limits(folders=1), "b"),
        (Limits(depth=1), "b/d"),
        (Limits(file_bytes=3), "b/c"),
        (Limits(total_bytes=6), "b/c"),
    ],
    ids=["files", "folders", "depth", "file-bytes", "total-bytes"],
)
def test_a_skill_beyond_a_limit_is_reported_once_and_reading_stops(
    limits: Limits, path: str, make_skill: MakeSkill
) -> None:
    snapshot = read_skill(make_skill(FILES), limits=limits)

    assert _codes(snapshot) == [("E_LIMITS", path)]
    assert "b/d/e" not in snapshot.files


def test_a_skill_exactly_at_every_limit_is_read(make_skill: MakeSkill) -> None:
    snapshot = read_skill(make_skill(FILES), limits=Limits(files=3, folders=2, depth=2, file_bytes=4, total_bytes=7))

    assert snapshot.problems == ()
    assert len(snapshot.files) == 3


def test_a_limit_broken_at_the_root_has_no_path(make_skill: MakeSkill) -> None:
    snapshot = read_skill(make_skill(FILES), limits=Limits(files=0))

    assert _codes(snapshot) == [("E_LIMITS", None)]
    assert snapshot.problems[0].message == "the skill: more than 0 files"


def test_ten_thousand_files_are_read_and_one_more_is_not(make_skill: MakeSkill) -> None:
    folder = make_skill({"sub/0": b""})
    for number in range(1, 10_000):
        os.close(os.open(folder / "sub" / str(number), os.O_CREAT))
    assert len(read_skill(folder).files) == 10_000

    (folder / "sub/one more").touch()

    assert _codes(read_skill(folder)) == [("E_LIMITS", "sub")]


def test_ten_thousand_and_one_folders_are_not_read(make_skill: MakeSkill) -> None:
    folder = make_skill({})
    for number in range(10_001):
        os.mkdir(folder / str(number))  # noqa: PTH102 - ten times faster

    assert _codes(read_skill(folder)) == [("E_LIMITS", None)]


def test_folders_are_read_to_64_levels(make_skill: MakeSkill) -> None:
    folder = make_skill({"d/" * 64 + "file": b""})
    assert read_skill(folder).problems == ()

    (folder / ("d/" * 65)).mkdir(parents=True)

    assert _codes(read_skill(folder)) == [("E_LIMITS", "d/" * 64 + "d")]


def test_a_file_of_101_mebibytes_is_not_read(make_skill: MakeSkill) -> None:
    folder = make_skill()
    _sparse(folder / "big", 101 * 1024 * 1024)

    assert _codes(read_skill(folder)) == [("E_LIMITS", "big")]


def test_more_than_500_mebibytes_in_all_are_not_read(make_skill: MakeSkill) -> None:
    folder = make_skill({})
    for number in range(5):
        _sparse(folder / str(number), 100 * 1024 * 1024)
    (folder / "z").write_bytes(b"1")

    assert _codes(read_skill(folder)) == [("E_LIMITS", "z")]


def test_a_document_of_the_vault_beyond_its_own_limit_is_not_kept(signed: Path, check: Check) -> None:
    _sparse(signed / ".vault/vetting-report.json", MAX_DOCUMENT_BYTES + 1)

    snapshot = read_skill(signed)

    assert _codes(snapshot) == [("E_LIMITS", ".vault/vetting-report.json")]
    assert snapshot.vault is not None
    assert "vetting-report.json" not in snapshot.vault
    assert check(signed).failed_check == 6


def test_a_document_of_the_vault_exactly_at_its_limit_is_kept(signed: Path) -> None:
    _sparse(signed / ".vault/vetting-report.json", MAX_DOCUMENT_BYTES)

    snapshot = read_skill(signed)

    assert snapshot.problems == ()
    assert snapshot.vault is not None
    assert len(snapshot.vault["vetting-report.json"]) == MAX_DOCUMENT_BYTES


@pytest.mark.parametrize("size", [256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 1024 * 1024], ids=str)
def test_a_file_of_several_chunks_has_the_digest_of_all_of_them(size: int, make_skill: MakeSkill, tmp_path: Path) -> None:
    content = bytes(range(251)) * (size // 251 + 1)
    folder = make_skill({"file": content[:size]})

    snapshot = read_skill(folder, copy_to=tmp_path / "copy")

    assert snapshot.files == {"file": sha256(content[:size])}
    assert (tmp_path / "copy/file").read_bytes() == content[:size]


# The copy.


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

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [tmp_path / "copy", *(tmp_path / "copy").iterdir()]}
    assert modes == {"copy": 0o700, "run.sh": 0o700, "data": 0o600, "sub": 0o700}


def test_the_copy_never_lands_in_a_folder_that_exists(make_skill: MakeSkill, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()

    with pytest.raises(UnreadableError, match="File exists"):
        read_skill(make_skill(), copy_to=tmp_path / "copy")


def test_the_copy_holds_no_links(signed: Path, tmp_path: Path) -> None:
    (signed / "link").symlink_to("/etc/passwd")

    read_skill(signed, copy_to=tmp_path / "copy")

    assert not os.path.lexists(tmp_path / "copy/link")


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


@pytest.mark.parametrize("size", [9, 600_000], ids=["one-chunk", "several-chunks"])
@pytest.mark.parametrize("change", [_append, _rewrite_keeping_the_size, _truncate])
def test_a_file_that_changes_while_it_is_read_is_reported(
    change: Callable[[Path], None], size: int, make_skill: MakeSkill, tmp_path: Path, when_opened: Callable[..., None]
) -> None:
    folder = make_skill({"file": b"x" * size})
    os.utime(folder / "file", (1, 1))
    # The copy is opened after the source was examined, and before it is read.
    when_opened("file", lambda: change(folder / "file"), flags=os.O_WRONLY)

    snapshot = read_skill(folder, copy_to=tmp_path / "copy")

    assert snapshot.problems == (
        Problem(snapshot.problems[0].code, "file changed while it was read", "file"),
    )
    assert snapshot.files == {}


def test_a_skill_that_changed_while_it_was_read_is_not_valid(
    signed: Path, check: Check, when_opened: Callable[..., None]
) -> None:
    when_opened("SKILL.md", lambda: _append(signed / "SKILL.md"))

    assert check(signed).trust_level is TrustLevel.NONE


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
