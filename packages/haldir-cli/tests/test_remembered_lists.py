"""What one verification learns about revocations counts in the next."""

import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from haldir_core import PrivateKey, RevocationList, TrustStore
from haldir_core.canonical import JsonValue, canonical_bytes, pretty_bytes
from haldir_core.encoding import encode_base64url

Run = Callable[..., tuple[int, str, str]]
Verify = Callable[..., tuple[int, dict[str, Any], str]]
MakeList = Callable[..., Path]


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def kept(home: Path, keys: Path) -> Path:
    """Return where the list of the revoker is kept."""
    keyid = (keys / "revoker.keyid").read_text(encoding="ascii")
    return home / "revocations" / f"{keyid}.json"


@pytest.fixture
def verify_words(run: Run, signed: Path, keys: Path) -> Run:
    """Verify the skill with the publisher's and the revoker's key; return exit code, stdout and stderr."""
    trusted = ("--key", keys / "publisher.pub", "--revocation-key", keys / "revoker.pub")
    return lambda *options: run("verify", signed, *trusted, "--context", "runtime", *options)


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


@pytest.mark.parametrize("data", [b"", b"{", b"{}", b"\xff"], ids=["empty", "cut", "no-list", "no-text"])
@pytest.mark.parametrize("given", ["none", "older", "newer"])
def test_beside_a_kept_list_that_is_damaged_nothing_is_verified(
    verify_words: Run, make_list: MakeList, kept: Path, data: bytes, given: str
) -> None:
    verify_words("--revocation", make_list("weather@*", sequence=2))
    kept.write_bytes(data)
    other = ("--revocation", make_list(sequence=1 if given == "older" else 3, name="other.json"))
    code, out, err = verify_words(*(() if given == "none" else other))
    assert (code, out) == (2, "")
    assert "It guards against older lists" in err
    assert str(kept) in err
    assert kept.read_bytes() == data


def test_once_a_damaged_list_was_removed_the_next_good_one_is_kept(
    verify: Verify, signed: Path, make_list: MakeList, kept: Path
) -> None:
    verify(signed, "--revocation", make_list())
    kept.unlink()
    listed = make_list(sequence=2)
    assert verify(signed, "--revocation", listed)[0] == 0
    assert kept.read_bytes() == listed.read_bytes()


def test_a_damaged_list_of_a_key_that_is_not_trusted_does_not_matter(
    run: Run, keys: Path, signed: Path, kept: Path
) -> None:
    kept.parent.mkdir(parents=True, mode=0o700)
    kept.write_text("{", encoding="ascii")
    assert run("verify", signed, "--key", keys / "publisher.pub", "--context", "runtime")[0] == 0


def _loop(home: Path) -> None:
    home.mkdir()
    (home / "revocations").symlink_to(home / "revocations")


def _file(home: Path) -> None:
    home.mkdir()
    (home / "revocations").touch()


def _file_for_home(home: Path) -> None:
    home.touch()


@pytest.mark.parametrize("spoil", [_loop, _file, _file_for_home], ids=["loop", "file", "file-for-home"])
def test_without_a_folder_where_lists_could_be_kept_nothing_is_verified(
    verify_words: Run, make_list: MakeList, home: Path, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(home)
    (tmp_path / "empty.json").write_bytes(TrustStore().to_bytes())
    code, out, err = verify_words("--trust-store", tmp_path / "empty.json", "--revocation", make_list())
    assert (code, out) == (2, "")
    assert "cannot read the kept revocation list" in err


def test_a_list_is_kept_as_the_very_bytes_that_were_given(
    verify: Verify, signed: Path, make_list: MakeList, kept: Path
) -> None:
    listed = make_list()
    compact = json.dumps(json.loads(listed.read_bytes()), separators=(",", ":")).encode() + b"\t \r\n"
    listed.write_bytes(compact)
    assert verify(signed, "--revocation", listed)[0] == 0
    assert kept.read_bytes() == compact


def test_a_list_that_would_be_too_large_in_another_form_is_kept_and_read_again(
    verify: Verify, signed: Path, kept: Path, work: Path, private_keys: dict[str, PrivateKey]
) -> None:
    moment = datetime.now(UTC)
    nested: JsonValue = 0
    for _ in range(27):
        nested = [nested]
    document = json.loads(RevocationList.create(private_keys["revoker"], moment).to_bytes())
    del document["signature"]
    document["x"] = [nested] * 5_000
    sig = encode_base64url(private_keys["revoker"].sign(canonical_bytes(document)))
    document["signature"] = {"keyid": private_keys["revoker"].keyid, "sig": sig}
    (work / "large.json").write_bytes(canonical_bytes(document))
    assert len(pretty_bytes(document)) > 8 * 1024 * 1024
    verify(signed, "--revocation", work / "large.json")
    for _ in range(2):
        code, verdict, err = verify(signed)
        assert (code, verdict["trustLevel"]) == (0, "full"), err
    assert kept.stat().st_size == (work / "large.json").stat().st_size


# What junk, the publisher's own list, or the list of another publisher cannot undo.


@pytest.mark.parametrize("given", ["stranger", "publisher", "revoker"])
def test_no_list_that_is_given_brings_a_skill_back_that_was_revoked_days_ago(
    verify: Verify, signed: Path, make_list: MakeList, kept: Path, given: str
) -> None:
    kept.parent.mkdir(parents=True, mode=0o700)
    old = make_list("weather@1.2.3", sequence=5, age=timedelta(days=4), name="old.json")
    kept.write_bytes(old.read_bytes())
    kept.chmod(0o600)
    options = ("--context", "runtime", "--revocation", make_list(signer=given))
    code, verdict, _ = verify(signed, *options)
    assert (code, _codes(verdict)) == (1, ["E_REVOKED"])


@pytest.mark.parametrize("given", ["stranger", "publisher"])
def test_no_list_that_is_given_extends_the_grace_of_the_kept_one(
    verify: Verify, signed: Path, make_list: MakeList, kept: Path, given: str
) -> None:
    kept.parent.mkdir(parents=True, mode=0o700)
    kept.write_bytes(make_list(age=timedelta(days=4), name="old.json").read_bytes())
    kept.chmod(0o600)
    for options in ((), ("--revocation", make_list(signer=given))):
        code, verdict, _ = verify(signed, "--context", "runtime", *options)
        assert (code, _codes(verdict)) == (1, ["E_REVOCATION_STALE"])


@pytest.mark.parametrize("context", ["install", "runtime"])
def test_the_kept_list_of_another_publisher_hides_nothing(
    run: Run, keys: Path, signed: Path, make_list: MakeList, home: Path, context: str
) -> None:
    folder = home / "revocations"
    folder.mkdir(parents=True, mode=0o700)
    for signer, revoked, age in (("publisher", ["weather@*"], timedelta(hours=2)), ("stranger", [], timedelta())):
        keyid = (keys / f"{signer}.keyid").read_text(encoding="ascii")
        (folder / f"{keyid}.json").write_bytes(make_list(*revoked, signer=signer, age=age).read_bytes())
        (folder / f"{keyid}.json").chmod(0o600)
    trusted = ("--key", keys / "publisher.pub", "--key", keys / "stranger.pub")
    code, out, _ = run("verify", signed, *trusted, "--context", context)
    assert (code, _codes(json.loads(out))) == (1, ["E_REVOKED"])


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
