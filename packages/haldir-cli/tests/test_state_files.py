"""What the program keeps for itself is its owner's alone; what is not is refused."""

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from haldir_core import RevocationList, TrustStore

Run = Callable[..., tuple[int, str, str]]
Verify = Callable[..., tuple[int, dict[str, Any], str]]
MakeList = Callable[..., Path]

NOBODY = 65534
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


@pytest.fixture
def store(run: Run, keys: Path, home: Path) -> Path:
    """Return the user's own trust store, which trusts publisher and revoker."""
    for name, role in (("publisher", "publisher"), ("revoker", "revocation")):
        assert run("trust", "add", "--key", keys / f"{name}.pub", "--role", role)[0] == 0
    return home / "trust.json"


@pytest.fixture
def kept(run: Run, store: Path, signed: Path, make_list: MakeList, keys: Path) -> Path:
    """Return a kept list that revokes the skill."""
    assert run("verify", signed, "--revocation", make_list("weather@*"))[0] == 1
    keyid = (keys / "revoker.keyid").read_text(encoding="ascii")
    return store.parent / "revocations" / f"{keyid}.json"


def _link(path: Path) -> None:
    path.rename(path.with_suffix(".moved"))
    path.symlink_to(path.with_suffix(".moved"))


def _dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parent / "gone" / "trust.json")


def _group_can_write(path: Path) -> None:
    path.chmod(0o620)


def _others_can_write(path: Path) -> None:
    path.chmod(0o602)


def _folder_of_the_group(path: Path) -> None:
    path.parent.chmod(0o770)


def _folder_of_all(path: Path) -> None:
    path.parent.chmod(0o707)


def _owned_by_nobody(path: Path) -> None:
    os.chown(path, NOBODY, NOBODY)


def _folder_owned_by_nobody(path: Path) -> None:
    os.chown(path.parent, NOBODY, NOBODY)


SPOILT = [
    pytest.param(_link, id="link"),
    pytest.param(_dangling_link, id="dangling-link"),
    pytest.param(_group_can_write, id="group"),
    pytest.param(_others_can_write, id="others"),
    pytest.param(_folder_of_the_group, id="folder-of-group"),
    pytest.param(_folder_of_all, id="folder-of-all"),
    pytest.param(_owned_by_nobody, id="owner", marks=only_root),
    pytest.param(_folder_owned_by_nobody, id="folder-owner", marks=only_root),
]


@pytest.mark.parametrize("spoil", SPOILT)
@pytest.mark.parametrize("command", ["verify", "cosign", "list", "add", "remove"])
def test_a_trust_store_that_others_could_have_written_is_refused_and_not_changed(
    run: Run, keys: Path, signed: Path, store: Path, spoil: Callable[[Path], None], command: str
) -> None:
    spoil(store)
    before = store.readlink() if store.is_symlink() else store.read_bytes()
    arguments: dict[str, tuple[str | Path, ...]] = {
        "verify": ("verify", signed, "--context", "runtime"),
        "cosign": ("cosign", signed, "--key", keys / "authority.key"),
        "list": ("trust", "list"),
        "add": ("trust", "add", "--key", keys / "stranger.pub"),
        "remove": ("trust", "remove", "--key", keys / "revoker.pub"),
    }
    code, out, _ = run(*arguments[command])
    assert (code, out) == (2, "")
    assert (store.readlink() if store.is_symlink() else store.read_bytes()) == before


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_refused_trust_store_says_which_file_or_folder_and_why(
    run: Run, signed: Path, store: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(store)
    err = run("verify", signed, "--context", "runtime")[2]
    if store.is_symlink():
        assert f"the trust store is not used: {store} is a link, and is not followed" in err
    else:
        assert "the trust store is not used, because others could have written" in err
        assert "make it yours and writable by nobody else (chmod go-w" in err


def test_a_key_on_the_command_line_does_not_make_up_for_a_store_that_is_refused(
    run: Run, keys: Path, signed: Path, store: Path, make_list: MakeList
) -> None:
    own = make_list(signer="publisher")
    options = ("--key", keys / "publisher.pub", "--revocation", own)
    assert run("verify", signed, *options)[0] == 1
    _dangling_link(store)
    assert run("verify", signed, *options)[0] == 2


def test_a_store_that_others_can_read_is_used(run: Run, signed: Path, store: Path) -> None:
    store.chmod(0o644)
    store.parent.chmod(0o755)
    assert run("verify", signed, "--context", "runtime")[0] == 0


def test_a_store_that_is_named_may_be_a_link(run: Run, signed: Path, store: Path, work: Path) -> None:
    (work / "link.json").symlink_to(store)
    assert run("verify", signed, "--context", "runtime", "--trust-store", "link.json")[0] == 0


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_a_staging_store_is_told_at_every_use(run: Run, keys: Path, signed: Path, environment: str) -> None:
    assert run("trust", "add", "--key", keys / "publisher.pub", "--environment", environment)[0] == 0
    err = run("verify", signed, "--context", "runtime")[2]
    assert ("Note: this is a staging trust store" in err) == (environment == "staging")


# Kept lists.


@pytest.mark.parametrize("spoil", SPOILT)
def test_beside_a_kept_list_that_others_could_have_written_nothing_is_verified(
    run: Run, signed: Path, make_list: MakeList, kept: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(kept)
    good = make_list(name="good.json", sequence=9)
    for options in ((), ("--revocation", good)):
        code, out, err = run("verify", signed, "--context", "runtime", *options)
        assert (code, out) == (2, "")
        assert "the kept revocation list is not used" in err


@pytest.mark.parametrize("there", [True, False], ids=["live", "dangling"])
def test_nothing_is_written_through_a_link_in_place_of_a_kept_list(
    run: Run, keys: Path, signed: Path, make_list: MakeList, kept: Path, work: Path, *, there: bool
) -> None:
    kept.unlink()
    kept.symlink_to(work / "victim.txt")
    if there:
        (work / "victim.txt").write_text("precious", encoding="ascii")
    run("verify", signed, "--revocation", make_list(name="good.json"))
    assert kept.is_symlink()
    assert (work / "victim.txt").exists() == there
    assert not there or (work / "victim.txt").read_text(encoding="ascii") == "precious"


def test_a_folder_of_kept_lists_that_leads_nowhere_forgets_nothing(run: Run, signed: Path, kept: Path) -> None:
    kept.parent.rename(kept.parent.with_name("moved"))
    kept.parent.symlink_to(kept.parent.with_name("gone"))
    assert run("verify", signed, "--context", "runtime")[0] == 2


def test_state_whose_outer_folder_others_can_write_is_refused(run: Run, signed: Path, kept: Path) -> None:
    kept.parent.parent.chmod(0o777)
    assert run("verify", signed, "--context", "runtime", "--trust-store", kept.parent.parent / "trust.json")[0] == 2


def test_the_state_folder_may_be_a_link_to_a_folder_of_the_same_owner(run: Run, signed: Path, kept: Path) -> None:
    home = kept.parent.parent
    home.rename(home.with_name("elsewhere"))
    home.symlink_to(home.with_name("elsewhere"))
    assert run("verify", signed)[0] == 1


# Locks.


@pytest.fixture
def locked_folder(work: Path) -> Iterator[Path]:
    """Return a folder on which somebody else, who can only read it, holds a lock."""
    folder = work / "shared"
    folder.mkdir()
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    yield folder
    os.close(descriptor)


@pytest.mark.parametrize("command", ["revoke", "trust"])
def test_a_lock_that_is_held_for_too_long_is_exit_2(
    run: Run, keys: Path, locked_folder: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    file = locked_folder / "file.json"
    arguments: dict[str, tuple[str | Path, ...]] = {
        "revoke": ("revoke", "--init", "--key", keys / "revoker.key", "--list", file),
        "trust": ("trust", "add", "--key", keys / "publisher.pub", "--trust-store", file),
    }
    code, _, err = run(*arguments[command])
    assert (code, file.exists()) == (2, False)
    assert "somebody else has locked" in err
    assert "for more than 10 seconds: try again later" in err
    assert sum(slept) == pytest.approx(10)


@pytest.mark.parametrize("command", ["revoke", "trust"])
def test_a_lock_that_is_given_up_in_time_is_waited_for(
    run: Run, keys: Path, work: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    descriptor = os.open(work, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    monkeypatch.setattr("time.sleep", lambda _: fcntl.flock(descriptor, fcntl.LOCK_UN))
    if command == "revoke":
        assert run("revoke", "--init", "--key", keys / "revoker.key", "--list", "list.json")[0] == 0
        RevocationList.from_bytes((work / "list.json").read_bytes())
    else:
        assert run("trust", "add", "--key", keys / "publisher.pub", "--trust-store", "list.json")[0] == 0
        TrustStore.from_bytes((work / "list.json").read_bytes())
    os.close(descriptor)


def test_a_list_that_cannot_be_locked_is_not_kept_and_the_verdict_stands(
    verify: Verify, signed: Path, make_list: MakeList, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    (home / "revocations").mkdir(parents=True, mode=0o700)
    descriptor = os.open(home / "revocations", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    code, verdict, err = verify(signed, "--revocation", make_list())
    os.close(descriptor)
    assert (code, verdict["trustLevel"]) == (0, "full")
    assert "cannot be kept: somebody else has locked" in err
