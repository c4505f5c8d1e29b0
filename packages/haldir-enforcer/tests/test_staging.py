import json
import os
import socket
import stat
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from haldir_core import (
    Context,
    HaldirError,
    Keyring,
    KeyRole,
    MalformedError,
    Permissions,
    PrivateKey,
    SkillIdentity,
    SkillSnapshot,
    UnsafeSkillError,
    Verification,
    read_skill,
    sign,
    verify,
    write_vault,
)
from haldir_core.scratch import remove_tree
from haldir_enforcer.errors import EnforcerError, PolicyError
from haldir_enforcer.staging import MAX_WRITTEN, NotVerifiedError, StagedSkill, stage

KEY = PrivateKey.from_seed(b"p" * 32)
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)

Source = Callable[..., Path]


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which copies are made; nothing may be left there."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """Make a skill folder; what it declares is not signed."""

    def make(declared: Mapping[str, Any] | None = None, *, document: bytes | None = None) -> Path:
        folder = tmp_path / "weather"
        (folder / "scripts").mkdir(parents=True)
        (folder / "SKILL.md").write_text("Say how the weather is.\n")
        script = folder / "scripts" / "run.sh"
        script.write_text("#!/bin/sh\necho rain\n")
        script.chmod(0o755)
        if declared is not None:
            document = json.dumps({"schema_version": "1.0", "declared": declared}).encode()
        if document is not None:
            (folder / ".vault").mkdir()
            (folder / ".vault" / "permissions.json").write_bytes(document)
        return folder

    return make


def _sign(folder: Path, declared: Mapping[str, Any]) -> None:
    document = json.dumps({"schema_version": "1.0", "declared": declared}).encode()
    permissions = Permissions.from_bytes(document)
    identity = SkillIdentity("weather", "1.2.3", "skill.md")
    signed = sign(read_skill(folder), identity, permissions, KEY, clock=lambda: NOW)
    write_vault(folder, signed)


def _verdict(snapshot: SkillSnapshot, key: PrivateKey = KEY) -> Verification:
    ring = Keyring.of([(key.public_key, KeyRole.PUBLISHER)])
    return verify(snapshot, ring, context=Context.RUNTIME, now=NOW)


def _writing(skill: StagedSkill, *entries: str) -> None:
    skill.make_places(entries)


def test_the_copy_has_the_files_and_not_the_vault_and_the_source_stays(source: Source) -> None:
    folder = source({"exec": ["sh"]})
    with stage(folder) as skill:
        found = sorted(str(path.relative_to(skill.folder)) for path in skill.folder.rglob("*") if path.is_file())
        assert found == ["SKILL.md", "scripts/run.sh"]
        assert os.access(skill.folder / "scripts" / "run.sh", os.X_OK)
        assert stat.S_IMODE(skill.folder.parent.stat().st_mode) == 0o700
        assert (skill.source, skill.name, skill.verification) == (folder, "weather", None)
        (skill.folder / "SKILL.md").write_text("changed")
    assert (folder / "SKILL.md").read_text() == "Say how the weather is.\n"
    assert (folder / ".vault").is_dir()


def test_nothing_is_left_of_the_copy(source: Source, temporary: Path) -> None:
    with stage(source({})) as skill:
        assert skill.folder.is_dir()
    assert list(temporary.iterdir()) == []
    skill.remove()  # once more is no error


def test_without_permissions_nothing_is_granted(source: Source) -> None:
    with stage(source()) as skill:
        assert skill.permissions == Permissions.deny_all()


def test_unsigned_permissions_are_applied_where_nobody_asks_for_a_verdict(source: Source) -> None:
    with stage(source({"exec": ["sh"], "network": ["weather.example"]})) as skill:
        assert (skill.permissions.exec, skill.permissions.network) == (("sh",), ("weather.example",))


@pytest.mark.parametrize(
    "document",
    [b"", b"[]", b"\xff", b'{"a":1,"a":2}', b"[" * 100_000, b'{"schema_version":"9.0","declared":{}}'],
    ids=["empty", "list", "no UTF-8", "twice", "deep", "version"],
)
def test_malformed_permissions_are_refused_and_nothing_is_left(
    source: Source, temporary: Path, document: bytes
) -> None:
    with pytest.raises(MalformedError, match=r"permissions\.json"):
        stage(source(document=document))
    assert list(temporary.iterdir()) == []


def test_a_signed_skill_is_run_by_what_was_signed(source: Source) -> None:
    folder = source()
    _sign(folder, {"exec": ["sh"]})
    with stage(folder, _verdict) as skill:
        assert skill.verification is not None
        assert skill.verification.valid
        assert (skill.name, skill.permissions.exec) == ("weather@1.2.3", ("sh",))


def test_the_verdict_is_about_the_bytes_of_the_copy(source: Source) -> None:
    folder = source()
    _sign(folder, {})
    seen = []

    def verdict(snapshot: SkillSnapshot) -> Verification:
        (folder / "SKILL.md").write_text("too late")
        seen.append(snapshot.copy)
        return _verdict(snapshot)

    with stage(folder, verdict) as skill:
        assert seen == [skill.folder]
        assert (skill.folder / "SKILL.md").read_text() == "Say how the weather is.\n"


@pytest.mark.parametrize("how", ["changed", "added", "stranger", "unsigned", "permissions"])
def test_a_skill_that_is_not_valid_is_refused_with_the_reason(source: Source, temporary: Path, how: str) -> None:
    folder = source()
    if how != "unsigned":
        _sign(folder, {})
    if how == "changed":
        (folder / "scripts" / "run.sh").write_text("echo snow\n")
    elif how == "added":
        (folder / "more").write_text("")
    elif how == "permissions":
        more = {"schema_version": "1.0", "declared": {"exec": ["sh"]}}
        (folder / ".vault" / "permissions.json").write_text(json.dumps(more))
    key = PrivateKey.from_seed(b"s" * 32) if how == "stranger" else KEY
    with pytest.raises(NotVerifiedError, match="the skill is not valid: ") as raised:
        stage(folder, partial(_verdict, key=key))
    assert not raised.value.verification.valid
    assert list(temporary.iterdir()) == []


def test_links_and_special_files_are_refused_with_and_without_a_verdict(source: Source, temporary: Path) -> None:
    folder = source()
    (folder / "passwords").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe")
    with pytest.raises(UnsafeSkillError, match="passwords"):
        stage(folder)
    with pytest.raises((NotVerifiedError, UnsafeSkillError)):
        stage(folder, _verdict)
    assert list(temporary.iterdir()) == []


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path, temporary: Path) -> None:
    with pytest.raises(HaldirError, match="nowhere"):
        stage(tmp_path / "nowhere")
    assert list(temporary.iterdir()) == []


def test_no_room_for_the_copy_is_said(source: Source, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "nowhere"))
    with pytest.raises(EnforcerError, match="set TMPDIR"):
        stage(source())


def test_whatever_the_verdict_function_raises_nothing_is_left(source: Source, temporary: Path) -> None:
    def verdict(_: SkillSnapshot) -> Verification:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stage(source(), verdict)
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("entry", "made"),
    [
        ("out", "out"),
        ("./out/", "out"),
        ("out/**", "out"),
        ("a/b/*.json", "a/b"),
        ("a/b/result.json", "a"),
        ("cache.d/", None),
        ("**/*.txt", None),
        ("/outside/of/it", None),
        ("~/outside", None),
        ("../outside", None),
        ("a/../../outside", None),
        ("SKILL.md", None),
    ],
)
def test_folders_that_may_be_written_to_are_made_in_the_copy(source: Source, entry: str, made: str | None) -> None:
    with stage(source()) as skill:
        before = {path for path in skill.folder.parent.rglob("*") if path.is_dir()}
        _writing(skill, entry)
        after = {path for path in skill.folder.parent.rglob("*") if path.is_dir()}
        assert made is None or (skill.folder / made).is_dir()
        assert (after == before) is (made is None)
        assert skill.written() == ()


@pytest.mark.parametrize(
    "entry", ["SKILL.md/x/", "a\0b", "x" * 300 + "/", "\udcff\ud800/"], ids=["file", "NUL", "long", "half"]
)
def test_an_entry_that_can_be_no_folder_is_refused_by_name(source: Source, entry: str) -> None:
    with stage(source()) as skill, pytest.raises(PolicyError, match=r"filesystem\.write: .* can be no folder"):
        _writing(skill, entry)


def test_no_folder_is_made_for_more_entries_than_a_policy_may_have(source: Source) -> None:
    with stage(source()) as skill:
        _writing(skill, *(f"out{number}" for number in range(1025)))
        assert not (skill.folder / "out0").exists()


def test_what_was_written_is_listed_in_order_and_what_was_not_is_not(source: Source) -> None:
    with stage(source()) as skill:
        _writing(skill, "out")
        (skill.folder / "out" / "b").write_text("b")
        (skill.folder / "out" / "a").symlink_to("b")
        (skill.folder / "scripts" / "run.sh").write_text("echo snow\n")
        assert skill.written() == ("out/a", "out/b", "scripts/run.sh")


def test_a_file_that_was_given_its_old_time_and_size_is_listed_all_the_same(source: Source) -> None:
    with stage(source()) as skill:
        _writing(skill)
        script = skill.folder / "scripts" / "run.sh"
        before = script.stat()
        text = script.read_text()
        while script.stat().st_ctime_ns == before.st_ctime_ns:  # the kernel's clock ticks every few milliseconds
            script.write_text(text.replace("rain", "snow"))
            os.utime(script, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert script.stat().st_size == before.st_size
        assert skill.written() == ("scripts/run.sh",)


def test_a_second_run_lists_only_what_it_wrote_itself(source: Source) -> None:
    with stage(source()) as skill:
        _writing(skill, "out")
        (skill.folder / "out" / "first").touch()
        _writing(skill, "out")
        (skill.folder / "out" / "second").touch()
        assert skill.written() == ("out/second",)


def test_a_long_list_of_written_files_is_cut(source: Source) -> None:
    with stage(source()) as skill:
        _writing(skill, "out")
        for number in range(MAX_WRITTEN + 1):
            (skill.folder / "out" / f"{number:05}").touch()
        assert len(skill.written()) == MAX_WRITTEN


def _deep(folder: Path, levels: int) -> None:
    """Make folders in folders, deeper than any path can be written, each with a file and another folder."""
    inner = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("deeper", dir_fd=inner)
        os.mkdir("locked", 0, dir_fd=inner)
        os.close(os.open("file", os.O_WRONLY | os.O_CREAT, 0, dir_fd=inner))
        outer, inner = inner, os.open("deeper", os.O_RDONLY, dir_fd=inner)
        os.close(outer)
    os.close(inner)


def test_what_lies_deeper_than_a_path_can_say_is_listed_in_short_and_removed(source: Source, temporary: Path) -> None:
    with stage(source()) as skill:
        _writing(skill, "out")
        _deep(skill.folder / "out", 1500)
        written = skill.written()
        assert any(path.endswith("deeper/...") for path in written)
        assert "out/file" in written
    assert list(temporary.iterdir()) == []


def test_locked_folders_sockets_and_odd_names_are_listed_and_removed(
    source: Source, temporary: Path, as_ordinary_user: Callable[[Callable[[], Any]], Any]
) -> None:
    folder = source()

    def run() -> Any:  # noqa: ANN401 - a JSON value
        with stage(folder) as skill:
            _writing(skill, "out")
            locked = skill.folder / "out" / "locked"
            (locked / "inner").mkdir(parents=True)
            (locked / "inner" / "file").touch()
            (skill.folder / "out" / "\udcff\n").touch()
            os.mkfifo(skill.folder / "out" / "pipe")
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind(str(skill.folder / "out" / "s"))
            (locked / "inner").chmod(0)
            locked.chmod(0)
            (skill.folder / "out").chmod(0)
            return list(skill.written())

    assert as_ordinary_user(run) == ["out/locked/inner/file", "out/pipe", "out/s", "out/\udcff\n"]
    assert list(temporary.iterdir()) == []


def test_only_what_lies_below_is_removed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    work = tmp_path / "work"
    (work / "a" / "b").mkdir(parents=True)
    (work / "a" / "link").symlink_to(tmp_path / "kept")
    (work / "a" / "b" / "up").symlink_to("../../../kept/file")
    remove_tree(work)
    remove_tree(tmp_path / "nowhere")
    assert not work.exists()
    assert (tmp_path / "kept" / "file").exists()


def test_a_link_is_not_removed_in_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    (tmp_path / "work").symlink_to(tmp_path / "kept")
    remove_tree(tmp_path / "work")
    assert (tmp_path / "kept" / "file").exists()


@pytest.fixture
def as_ordinary_user(tmp_path: Path, temporary: Path) -> Callable[[Callable[[], Any]], Any]:
    """Call a function in a process of its own, as an ordinary user where this one is root; return its JSON value."""

    def call(function: Callable[[], Any]) -> Any:  # noqa: ANN401 - a JSON value
        if os.geteuid() == 0:
            os.chown(temporary, 65534, 65534)
            for folder in (tmp_path, *tmp_path.parents):
                if folder.stat().st_uid == 0 and "pytest-" in str(folder):
                    folder.chmod(0o755)
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            try:
                if os.geteuid() == 0:
                    os.setgroups([])
                    os.setresgid(65534, 65534, 65534)
                    os.setresuid(65534, 65534, 65534)
                os.write(writing, json.dumps(function()).encode())
            except BaseException as error:  # noqa: BLE001 - it is told to the test
                os.write(writing, json.dumps(repr(error)).encode())
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as file:
            data = file.read()
        os.waitpid(child, 0)
        return json.loads(data)

    return call
