import hashlib
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core import Limits, UnreadableError, UnsafeSkillError
from haldir_core.schemapin import FolderVault, compare_manifests, read_folder
from haldir_core.schemapin import folders as module
from haldir_core.schemapin._walk import SINGLE_THREAD_BYTES

FILES = {"SKILL.md": b"---\nname: weather\n---\n", "scripts/run.py": b"print('rain')\n", "data/empty": b""}


@pytest.fixture
def skill(tmp_path: Path) -> Path:
    return _write(tmp_path / "skill", FILES)


def _write(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return folder


def _expected(files: dict[str, bytes]) -> bytes:
    digests = [hashlib.sha256(path.encode() + files[path]).hexdigest() for path in sorted(files)]
    return hashlib.sha256("".join(digests).encode()).digest()


def _leaf(path: str, data: bytes, mode: bytes = b"-") -> bytes:
    name = path.encode()
    digest = hashlib.sha256(name + data).digest()
    return b"f" + mode + len(name).to_bytes(8, "big") + name + len(data).to_bytes(8, "big") + digest


def _tree(leaves: list[bytes]) -> bytes:
    """Return the hash of RFC 9162 2.1.1 by its recursive definition."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\1" + _tree(leaves[:split]) + _tree(leaves[split:])).digest()


def test_the_root_hash_is_that_of_all_files_in_the_order_of_their_paths(skill: Path) -> None:
    folder = read_folder(skill)

    assert folder.root_v1() == _expected(FILES)
    assert list(folder.files) == ["SKILL.md", "data/empty", "scripts/run.py"]
    assert not folder.problems


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 9, 31])
def test_the_second_root_hash_is_a_merkle_tree_of_rfc_9162(count: int, tmp_path: Path) -> None:
    files = {f"f{number:02d}": bytes([number]) for number in range(count)}
    folder = read_folder(_write(tmp_path / "skill", files))

    assert folder.root_v2() == _tree([_leaf(path, files[path]) for path in sorted(files)])


def test_the_second_root_hash_covers_the_executable_bit(skill: Path) -> None:
    before = read_folder(skill)
    (skill / "scripts/run.py").chmod(0o755)
    after = read_folder(skill)

    assert after.root_v1() == before.root_v1()
    assert after.root_v2() != before.root_v2()


@given(st.text("ab/", min_size=1, max_size=6), st.integers(0, 5))
def test_no_byte_moves_between_path_and_content(text: str, cut: int) -> None:
    """Two files whose paths and contents joined are equal have different leaves."""
    shorter = text[:cut]
    one = module._leaf(text, module.FileRecord(b"\0" * 32, 3, executable=False))
    moved = 3 + len(text) - len(shorter)
    other = module._leaf(shorter, module.FileRecord(b"\0" * 32, moved, executable=False))

    assert (one == other) == (text == shorter)


def test_the_signature_file_of_the_root_is_no_content(skill: Path) -> None:
    before = read_folder(skill).root_v1()
    (skill / ".schemapin.sig").write_bytes(b"anything")
    after = read_folder(skill)

    assert after.root_v1() == before
    assert after.signature_file == b"anything"


def test_a_large_file_is_hashed_in_pieces(tmp_path: Path) -> None:
    files = {"SKILL.md": b"x" * (256 * 1024), "big": os.urandom(256 * 1024 * 3 + 1)}

    assert read_folder(_write(tmp_path / "skill", files)).root_v1() == _expected(files)


def test_a_folder_that_two_threads_hash_has_the_same_root(tmp_path: Path) -> None:
    files = {f"d{number % 7}/f{number:03d}": os.urandom(100_000 + number) for number in range(120)}
    folder = read_folder(_write(tmp_path / "skill", files))

    assert sum(map(len, files.values())) > 2 * SINGLE_THREAD_BYTES
    assert folder.root_v1() == _expected(files)
    assert list(folder.files) == sorted(files)
    assert [thread.name for thread in threading.enumerate() if "schemapin" in thread.name] == []


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    _write(tmp_path / "skill", {f"d{number}/f": b"x" * 300_000 for number in range(40)})
    (tmp_path / "skill" / "link").symlink_to("d1")
    before = set(Path("/proc/self/fd").iterdir())
    for limits in (Limits(), Limits(files=20), Limits(total_bytes=6_000_000), Limits(depth=0)):
        read_folder(tmp_path / "skill", limits=limits)

    assert set(Path("/proc/self/fd").iterdir()) == before


def _link(folder: Path) -> None:
    (folder / "link").symlink_to("/etc/hostname")


def _dangling(folder: Path) -> None:
    (folder / "scripts" / "link").symlink_to("nowhere")


def _linked_folder(folder: Path) -> None:
    (folder / "link").symlink_to("scripts", target_is_directory=True)


def _fifo(folder: Path) -> None:
    os.mkfifo(folder / "pipe")


def _socket(folder: Path) -> None:
    here = Path.cwd()
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("s")
    finally:
        os.chdir(here)


def _bytes_name(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff")).write_bytes(b"")


def _nested_signature(folder: Path) -> None:
    (folder / "scripts" / ".schemapin.sig").write_bytes(b"payload")


def _nested_signature_folder(folder: Path) -> None:
    _write(folder, {"scripts/.schemapin.sig/payload": b"x"})


def _signature_folder(folder: Path) -> None:
    _write(folder, {".schemapin.sig/payload": b"x"})


def _signature_link(folder: Path) -> None:
    (folder / ".schemapin.sig").symlink_to("SKILL.md")


def _signature_fifo(folder: Path) -> None:
    os.mkfifo(folder / ".schemapin.sig")


HOSTILE: dict[str, Callable[[Path], None]] = {
    "link": _link,
    "dangling link": _dangling,
    "link to a folder": _linked_folder,
    "fifo": _fifo,
    "socket": _socket,
    "name that is not UTF-8": _bytes_name,
    "nested signature": _nested_signature,
    "nested signature folder": _nested_signature_folder,
    "signature folder": _signature_folder,
    "signature link": _signature_link,
    "signature fifo": _signature_fifo,
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_no_signature_covers_is_a_problem(make: Callable[[Path], None], skill: Path) -> None:
    make(skill)
    folder = read_folder(skill)

    assert folder.signature_file is None
    assert len(folder.problems) == 1
    with pytest.raises(UnsafeSkillError):
        folder.refuse_problems()


def test_a_second_name_of_a_file_is_no_problem(skill: Path) -> None:
    os.link(skill / "SKILL.md", skill / "copy.md")

    assert not read_folder(skill).problems


@pytest.mark.parametrize("files", [{}, {".schemapin.sig": b"{}"}], ids=["empty", "signature-only"])
def test_a_folder_without_files_cannot_be_signed(files: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(UnsafeSkillError, match="no file that could be signed"):
        read_folder(_write(tmp_path / "skill", files)).refuse_problems()


@pytest.mark.parametrize(
    "limits",
    [
        Limits(files=2),
        Limits(folders=1),
        Limits(depth=0),
        Limits(file_bytes=3),
        Limits(total_bytes=20),
        Limits(path_bytes=5),
    ],
    ids=["files", "folders", "depth", "file-bytes", "total-bytes", "path-bytes"],
)
def test_a_folder_beyond_a_limit_is_refused(limits: Limits, skill: Path) -> None:
    with pytest.raises(UnsafeSkillError):
        read_folder(skill, limits=limits).refuse_problems()


def test_a_signature_file_beyond_the_limit_is_not_read(skill: Path) -> None:
    with (skill / ".schemapin.sig").open("wb") as file:
        file.truncate(9 * 1024 * 1024)
    folder = read_folder(skill)

    assert folder.signature_file is None
    assert "larger than" in folder.problems[0].message


@pytest.mark.parametrize("path", ["missing", "skill/SKILL.md", "nul\0"], ids=["missing", "file", "nul"])
def test_what_is_no_folder_cannot_be_read(path: str, skill: Path) -> None:
    with pytest.raises(UnreadableError, match="cannot read the skill folder"):
        read_folder(skill.parent / path)


def test_a_folder_reached_through_a_link_has_the_name_of_the_folder(skill: Path) -> None:
    (skill / "SKILL.md").unlink()
    link = skill.parent / "link"
    link.symlink_to(skill)

    assert read_folder(link).skill_name == "skill"


def test_the_vault_is_content_unless_it_is_left_out(skill: Path) -> None:
    bare = read_folder(skill).root_v1()
    _write(skill, {".vault/signature.json": b"{}", "nested/.vault/x": b"y"})
    folder = read_folder(skill)

    assert folder.has_vault
    assert folder.root_v1() != bare
    assert ".vault/signature.json" in folder.manifest()
    left_out = folder.manifest(FolderVault.LEFT_OUT)
    assert ".vault/signature.json" not in left_out
    assert "nested/.vault/x" in left_out


@pytest.mark.parametrize("name", [".vaultx/a", ".vault-old/a", ".Vault/a", "a/.vault/b"])
def test_what_only_resembles_the_vault_is_never_left_out(name: str, skill: Path) -> None:
    _write(skill, {name: b"payload"})

    assert name in read_folder(skill).manifest(FolderVault.LEFT_OUT)


def test_a_link_in_the_vault_is_a_problem_too(skill: Path) -> None:
    _write(skill, {".vault/signature.json": b"{}"})
    (skill / ".vault" / "link").symlink_to("/etc")

    with pytest.raises(UnsafeSkillError):
        read_folder(skill).refuse_problems(FolderVault.LEFT_OUT)


def test_a_report_names_what_was_modified_added_and_removed() -> None:
    report = compare_manifests({"a": "1", "b": "2", "new": "3"}, {"a": "1", "b": "x", "old": "4"})

    assert (report.modified, report.added, report.removed) == (("b",), ("new",), ("old",))
    assert str(report) == "modified: 'b'; added: 'new'; removed: 'old'"
    assert not compare_manifests({"a": "1"}, {"a": "1"})


def test_a_long_report_is_cut_for_people() -> None:
    report = compare_manifests({str(number): "" for number in range(9)}, {})

    assert str(report) == "added: '0', '1', '2', '3', '4' and 4 more"


@pytest.mark.parametrize(
    ("skill_file", "name"),
    [
        (b"---\nname: weather\n---\n", "weather"),
        (b"---  \nname:   weather  \nother: x\n---\n", "weather"),
        (b"---\nname: 'weather'\n---", "weather"),
        (b"---\r\nname: weather\r\n---\r\n", "weather"),
        (b"---\nother: x\nname: a\nname: b\n---\n", "a"),
        (b"---\nname:\n---\n", "skill"),
        (b"---\nname: a # comment\n---\n", "skill"),
        (b"---\nname: weather\n", "skill"),
        (b"name: weather\n", "skill"),
        (b"---\n---\nname: weather\n", "skill"),
        (b"\xff\xfe", "skill"),
        (b"", "skill"),
        (b"---\nname: " + b" " * 200_000 + b"#\n---\n", "skill"),
    ],
    ids=ascii,
)
def test_the_name_is_in_the_front_matter_or_that_of_the_folder(skill_file: bytes, name: str, tmp_path: Path) -> None:
    assert read_folder(_write(tmp_path / "skill", {"SKILL.md": skill_file})).skill_name == name


@given(st.binary(max_size=200))
def test_no_skill_file_crashes_the_search_for_a_name(data: bytes) -> None:
    found = module._name_in(b"---\n" + data)

    assert found is None or found == found.strip() != ""


def test_a_file_that_changes_while_it_is_read_is_a_problem(skill: Path) -> None:
    """A thread appends to a file without end while it is read again and again."""
    target = skill / "SKILL.md"
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            with target.open("ab") as file:
                file.write(b"x" * 4096)
            if target.stat().st_size > 4_000_000:
                target.write_bytes(b"")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        changed = next(folder for folder in (read_folder(skill) for _ in range(5000)) if folder.problems)
    finally:
        done.set()
        thread.join()
    assert "changed while it was read" in changed.problems[0].message
    assert "SKILL.md" not in changed.files
