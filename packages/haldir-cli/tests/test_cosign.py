import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]
VaultBytes = Callable[[Path], dict[str, bytes]]


@pytest.fixture
def cosign(run: Run, signed: Path, keys: Path) -> Run:
    """Co-sign the skill with the authority's key."""

    def call(*options: str | Path) -> tuple[int, str, str]:
        return run("cosign", signed, "--key", keys / "authority.key", *options)

    return call


def test_a_cosigned_skill_has_two_signers(cosign: Run, run: Run, signed: Path, keys: Path) -> None:
    code, out, err = cosign("--trusted-key", keys / "publisher.pub")
    assert (code, out) == (0, "")
    assert "Co-signed" in err
    both = ("--key", keys / "publisher.pub", "--key", keys / "authority.pub")
    verdict = json.loads(run("verify", signed, *both, "--context", "runtime", "--require", "2")[1])
    assert len(verdict["signers"]) == 2


def test_cosigning_changes_the_envelope_only(cosign: Run, signed: Path, keys: Path, vault_bytes: VaultBytes) -> None:
    before = vault_bytes(signed)
    cosign("--trusted-key", keys / "publisher.pub")
    after = vault_bytes(signed)
    assert {name for name in after if after[name] != before[name]} == {"signature.json"}


def test_cosigning_trusts_the_own_store_too(cosign: Run, run: Run, keys: Path) -> None:
    run("trust", "add", "--key", keys / "publisher.pub")
    assert cosign()[0] == 0


def test_with_nothing_trusted_nothing_is_cosigned_and_the_option_is_named(cosign: Run) -> None:
    code, _, err = cosign()
    assert code == 2
    assert "--trusted-key" in err


def _change_file(skill: Path) -> None:
    (skill / "SKILL.md").write_text("other", encoding="utf-8")


def _add_file(skill: Path) -> None:
    (skill / "extra").touch()


def _add_symlink(skill: Path) -> None:
    (skill / "link").symlink_to("SKILL.md")


def _remove_envelope(skill: Path) -> None:
    (skill / ".vault" / "signature.json").unlink()


def _change_permissions(skill: Path) -> None:
    path = skill / ".vault" / "permissions.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"none"', '"all"'), encoding="utf-8")


def _leave_work_folder(skill: Path) -> None:
    (skill / ".vault.0123456789abcdef.old").mkdir()


@pytest.mark.parametrize(
    "spoil",
    [_change_file, _add_file, _add_symlink, _remove_envelope, _change_permissions, _leave_work_folder],
    ids=["changed", "added", "symlink", "no-envelope", "permissions", "leftover"],
)
def test_what_was_changed_is_not_cosigned(
    cosign: Run, signed: Path, keys: Path, vault_bytes: VaultBytes, spoil: Callable[[Path], None]
) -> None:
    spoil(signed)
    before = vault_bytes(signed)
    assert cosign("--trusted-key", keys / "publisher.pub")[0] == 1
    assert vault_bytes(signed) == before


def test_a_signature_by_somebody_else_is_not_cosigned(cosign: Run, keys: Path) -> None:
    code, _, err = cosign("--trusted-key", keys / "stranger.pub")
    assert code == 1
    assert "E_UNKNOWN_KEY" in err


def test_nobody_signs_twice(run: Run, signed: Path, keys: Path) -> None:
    trusted = ("--trusted-key", keys / "publisher.pub")
    assert run("cosign", signed, "--key", keys / "publisher.key", *trusted)[0] == 1


@pytest.mark.parametrize("sig", ["AA", "no base64", "A" * 86], ids=["short", "no-base64", "wrong"])
def test_junk_under_the_id_of_the_cosigner_gives_way(cosign: Run, run: Run, signed: Path, keys: Path, sig: str) -> None:
    path = signed / ".vault" / "signature.json"
    envelope = json.loads(path.read_bytes())
    envelope["signatures"].append({"keyid": (keys / "authority.keyid").read_text(encoding="ascii"), "sig": sig})
    path.write_text(json.dumps(envelope), encoding="ascii")
    assert cosign("--trusted-key", keys / "publisher.pub")[0] == 0
    both = ("--key", keys / "publisher.pub", "--key", keys / "authority.pub", "--require", "all")
    verdict = json.loads(run("verify", signed, *both, "--context", "runtime")[1])
    assert len(verdict["signers"]) == len(json.loads(path.read_bytes())["signatures"]) == 2
    code, _, err = cosign("--trusted-key", keys / "publisher.pub")
    assert code == 1
    assert "has already signed this skill" in err


def test_a_skill_that_is_not_signed_cannot_be_cosigned(run: Run, skill: Path, keys: Path) -> None:
    trusted = ("--trusted-key", keys / "publisher.pub")
    assert run("cosign", skill, "--key", keys / "authority.key", *trusted)[0] == 1


@pytest.mark.parametrize("key", ["publisher.pub", "none.key"], ids=["public", "missing"])
def test_a_key_that_cannot_sign_is_exit_2(run: Run, signed: Path, keys: Path, key: str) -> None:
    assert run("cosign", signed, "--key", keys / key, "--trusted-key", keys / "publisher.pub")[0] == 2


def test_an_encrypted_key_cosigns(
    run: Run, signed: Path, keys: Path, encrypted_key: Path, monkeypatch: pytest.MonkeyPatch, vault_bytes: VaultBytes
) -> None:
    run("sign", signed, "--key", keys / "stranger.key")
    monkeypatch.setenv("SECRET", "correct horse")
    options: list[Any] = ["--passphrase-env", "SECRET", "--trusted-key", keys / "stranger.pub"]
    assert run("cosign", signed, "--key", encrypted_key, *options)[0] == 0
    assert len(json.loads(vault_bytes(signed)["signature.json"])["signatures"]) == 2
