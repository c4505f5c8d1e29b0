"""What one verification learns about revocations counts in the next."""

import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

Verify = Callable[..., tuple[int, dict[str, Any], str]]
MakeList = Callable[..., Path]


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def kept(home: Path, keys: Path) -> Path:
    """Return where the list of the revoker is kept."""
    keyid = (keys / "revoker.keyid").read_text(encoding="ascii")
    return home / "revocations" / f"{keyid}.json"


def _codes(verdict: dict[str, Any]) -> list[str]:
    return [error["code"] for error in verdict["errors"]]


def test_a_good_list_is_kept(verify: Verify, signed: Path, make_list: MakeList, kept: Path) -> None:
    listed = make_list()
    verify(signed, "--revocation", listed)
    assert kept.read_bytes() == listed.read_bytes()


def test_only_the_owner_can_read_what_is_kept(verify: Verify, signed: Path, make_list: MakeList, kept: Path) -> None:
    verify(signed, "--revocation", make_list())
    assert (_mode(kept), _mode(kept.parent)) == (0o600, 0o700)


def test_the_folder_of_all_state_is_for_its_owner_only(
    verify: Verify, signed: Path, make_list: MakeList, home: Path
) -> None:
    verify(signed, "--revocation", make_list())
    assert _mode(home) == 0o700


def test_a_later_verification_without_a_list_uses_the_kept_one(
    verify: Verify, signed: Path, make_list: MakeList
) -> None:
    verify(signed, "--revocation", make_list())
    code, verdict, _ = verify(signed)
    assert (code, verdict["trustLevel"]) == (0, "full")


def test_a_revocation_survives_without_its_list(verify: Verify, signed: Path, make_list: MakeList) -> None:
    verify(signed, "--revocation", make_list("weather@*"))
    for context in ("install", "runtime"):
        code, verdict, _ = verify(signed, "--context", context)
        assert (code, _codes(verdict)) == (1, ["E_REVOKED"])


def test_an_older_list_is_refused_at_install(verify: Verify, signed: Path, make_list: MakeList) -> None:
    verify(signed, "--revocation", make_list(sequence=2))
    code, verdict, _ = verify(signed, "--revocation", make_list(sequence=1, name="old.json"))
    assert (code, _codes(verdict)) == (1, ["E_REVOCATION_STALE"])


def test_an_older_list_cannot_undo_a_revocation(verify: Verify, signed: Path, make_list: MakeList) -> None:
    verify(signed, "--revocation", make_list("weather@1.2.3", sequence=2))
    old = make_list(sequence=1, name="old.json")
    code, verdict, _ = verify(signed, "--revocation", old, "--context", "runtime")
    assert (code, _codes(verdict)) == (1, ["E_REVOKED"])


def test_an_older_list_replaces_nothing(verify: Verify, signed: Path, make_list: MakeList, kept: Path) -> None:
    newer = make_list(sequence=2)
    verify(signed, "--revocation", newer)
    verify(signed, "--revocation", make_list(sequence=1, name="old.json"))
    assert kept.read_bytes() == newer.read_bytes()


def test_the_same_list_again_is_as_good_as_the_first_time(verify: Verify, signed: Path, make_list: MakeList) -> None:
    listed = make_list()
    assert [verify(signed, "--revocation", listed)[0] for _ in range(2)] == [0, 0]


def test_a_newer_list_replaces_the_kept_one(verify: Verify, signed: Path, make_list: MakeList, kept: Path) -> None:
    verify(signed, "--revocation", make_list())
    newer = make_list("weather@9", sequence=2, name="newer.json")
    verify(signed, "--revocation", newer)
    assert kept.read_bytes() == newer.read_bytes()


@pytest.mark.parametrize("signer", ["stranger", "revoker"])
def test_a_list_that_does_not_count_is_not_kept(
    verify: Verify, signed: Path, make_list: MakeList, home: Path, signer: str
) -> None:
    age = timedelta(hours=25) if signer == "revoker" else timedelta()
    verify(signed, "--revocation", make_list(signer=signer, age=age))
    assert not list(home.glob("revocations/*"))


def test_a_kept_list_of_a_key_that_is_trusted_no_longer_does_not_count(
    verify: Verify, run: Callable[..., tuple[int, str, str]], signed: Path, make_list: MakeList, keys: Path
) -> None:
    verify(signed, "--revocation", make_list("weather@*"))
    assert run("verify", signed, "--key", keys / "publisher.pub", "--context", "runtime")[0] == 0


def test_a_kept_list_that_is_damaged_is_told_and_not_used(
    verify: Verify, signed: Path, make_list: MakeList, kept: Path
) -> None:
    verify(signed, "--revocation", make_list())
    kept.write_text("{", encoding="ascii")
    code, verdict, err = verify(signed)
    assert (code, _codes(verdict)) == (1, ["E_REVOCATION_STALE"])
    assert "damaged" in err


def test_a_kept_list_that_is_damaged_is_replaced_by_the_next_good_one(
    verify: Verify, signed: Path, make_list: MakeList, kept: Path
) -> None:
    kept.parent.mkdir(parents=True)
    kept.write_text("{", encoding="ascii")
    listed = make_list()
    assert verify(signed, "--revocation", listed)[0] == 0
    assert kept.read_bytes() == listed.read_bytes()


def test_a_list_that_cannot_be_kept_is_told_and_the_verdict_stands(
    verify: Verify, signed: Path, make_list: MakeList, home: Path
) -> None:
    home.mkdir()
    (home / "revocations").write_text("a file", encoding="ascii")
    code, verdict, err = verify(signed, "--revocation", make_list())
    assert (code, verdict["trustLevel"]) == (0, "full")
    assert "cannot be kept" in err


def test_without_haldir_home_the_xdg_folders_are_used(
    verify: Verify, signed: Path, make_list: MakeList, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HALDIR_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    verify(signed, "--revocation", make_list())
    assert len(list((tmp_path / "state" / "haldir" / "revocations").iterdir())) == 1
    assert not (tmp_path / "user").exists()


@pytest.mark.parametrize("variable", [None, "", "relative"], ids=["unset", "empty", "relative"])
def test_without_usable_xdg_variables_the_home_folder_is_used(
    verify: Verify,
    signed: Path,
    make_list: MakeList,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str | None,
) -> None:
    monkeypatch.delenv("HALDIR_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
        if variable is not None:
            monkeypatch.setenv(name, variable)
    verify(signed, "--revocation", make_list())
    assert len(list((tmp_path / "user" / ".local/state/haldir/revocations").iterdir())) == 1
