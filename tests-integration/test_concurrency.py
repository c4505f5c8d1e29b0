"""Several processes that change one file lose nothing."""

import fcntl
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from haldir_core import PrivateKey, RevocationList, TrustStore, load_public_key, write_key_pair

Start = Callable[..., subprocess.Popen[str]]

HOW_MANY = 10


def _finish(processes: list[subprocess.Popen[str]]) -> list[int]:
    for process in processes:
        process.communicate(timeout=60)
    return [process.returncode for process in processes]


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    folder.mkdir()
    for number in range(HOW_MANY):
        write_key_pair(folder, f"key{number}", PrivateKey.from_seed(bytes([number]) * 32))
    return folder


@pytest.mark.parametrize("there_is_a_list", [True, False], ids=["old-list", "no-list"])
def test_revocations_of_ten_processes_are_all_in_the_list(
    start: Start, run: Callable[..., tuple[int, str, str]], keys: Path, tmp_path: Path, *, there_is_a_list: bool
) -> None:
    options = ("--key", keys / "key0.key", "--list", tmp_path / "list.json")
    if there_is_a_list:
        run("revoke", "--init", *options)
    started = [start("revoke", f"skill{number}@1", "--reason", "r", *options) for number in range(HOW_MANY)]
    assert _finish(started) == [0] * HOW_MANY
    listed = RevocationList.from_bytes((tmp_path / "list.json").read_bytes())
    assert {entry.name for entry in listed.entries} == {f"skill{number}" for number in range(HOW_MANY)}
    assert listed.sequence_number == HOW_MANY + there_is_a_list
    assert listed.is_signed_by(load_public_key(keys / "key0.pub"))


def test_a_revocation_waits_for_somebody_who_holds_a_lock_for_a_while(
    start: Start, run: Callable[..., tuple[int, str, str]], keys: Path, tmp_path: Path
) -> None:
    (tmp_path / "shared").mkdir()
    options = ("--key", keys / "key0.key", "--list", tmp_path / "shared" / "list.json")
    run("revoke", "--init", *options)
    descriptor = os.open(tmp_path / "shared", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    process = start("revoke", "skill@1", "--reason", "r", *options)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    os.close(descriptor)
    assert _finish([process]) == [0]
    assert len(RevocationList.from_bytes((tmp_path / "shared" / "list.json").read_bytes()).entries) == 1


def test_keys_that_ten_processes_trust_are_all_in_the_store(start: Start, keys: Path, home: Path) -> None:
    started = [start("trust", "add", "--key", keys / f"key{number}.pub") for number in range(HOW_MANY)]
    assert _finish(started) == [0] * HOW_MANY
    store = TrustStore.from_bytes((home / "trust.json").read_bytes())
    assert len({stored.key.keyid for stored in store.keys}) == HOW_MANY
    assert [path.name for path in home.iterdir()] == ["trust.json"]


def test_revocations_through_two_names_of_one_list_are_all_in_it(
    start: Start, run: Callable[..., tuple[int, str, str]], keys: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    run("revoke", "--init", "--key", keys / "key0.key", "--list", tmp_path / "list.json")
    (tmp_path / "elsewhere" / "link.json").symlink_to(tmp_path / "list.json")
    names = [tmp_path / "list.json", tmp_path / "elsewhere" / "link.json"]
    options = ("--reason", "r", "--key", keys / "key0.key", "--list")
    started = [start("revoke", f"skill{number}@1", *options, names[number % 2]) for number in range(HOW_MANY)]
    assert _finish(started) == [0] * HOW_MANY
    listed = RevocationList.from_bytes((tmp_path / "list.json").read_bytes())
    assert len(listed.entries) == HOW_MANY
    assert names[1].is_symlink()
