import getpass
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from haldir_core import Permissions, VettingReport

Run = Callable[..., tuple[int, str, str]]
ReadVault = Callable[..., Any]
VaultBytes = Callable[[Path], dict[str, bytes]]

PERMISSIONS = """{"schema_version": "1.0", "declared": {"filesystem": {"read": ["data/**"], "write": []},
"network": ["api.example"], "exec": ["git"], "agent_capabilities": {"memory_read": true, "memory_write": false,
"spawn_agents": false, "modify_system_prompt": false}}, "note": "kept"}"""
REPORT = b"""{"schema_version": "1.0", "vetting_timestamp": "2026-01-01T00:00:00.000Z", "pipeline_version": "1",
"layers": [{"layer": 1, "name": "scan", "status": "pass", "findings": []}], "overall_status": "pass", "more": 1}"""


class Terminal(io.StringIO):
    """A standard input that is a terminal."""

    def isatty(self) -> bool:
        """Say that a person is there."""
        return True


@pytest.fixture
def sign(run: Run, skill: Path, keys: Path) -> Run:
    """Sign the skill with the publisher's key."""

    def call(*options: str | Path) -> tuple[int, str, str]:
        return run("sign", skill, "--key", keys / "publisher.key", *options)

    return call


def test_a_signed_skill_verifies(signed: Path, verify: Callable[..., tuple[int, dict[str, Any], str]]) -> None:
    assert verify(signed, "--context", "runtime")[:2][0] == 0


def test_sign_says_on_stderr_what_was_signed_and_with_which_key(sign: Run, keys: Path) -> None:
    code, out, err = sign()
    assert (code, out) == (0, "")
    assert "Signed weather@1.2.3" in err
    assert (keys / "publisher.keyid").read_text(encoding="ascii") in err
    assert "2 files, no vetting report: " in err
    assert err.splitlines()[-1] == "no permissions"


def test_sign_takes_name_and_version_from_the_front_matter(sign: Run, skill: Path, read_vault: ReadVault) -> None:
    sign()
    identity = read_vault(skill, "attestation.json")["skill"]
    assert identity == {"name": "weather", "version": "1.2.3", "type": "skill.md"}


def test_options_go_before_the_front_matter(sign: Run, skill: Path, read_vault: ReadVault) -> None:
    sign("--name", "@team/rain", "--skill-version", "2", "--type", "mcp")
    identity = read_vault(skill, "attestation.json")["skill"]
    assert identity == {"name": "@team/rain", "version": "2", "type": "mcp"}


def test_one_option_leaves_the_other_to_the_front_matter(sign: Run, skill: Path, read_vault: ReadVault) -> None:
    sign("--skill-version", "2")
    assert read_vault(skill, "attestation.json")["skill"]["name"] == "weather"


@pytest.mark.parametrize("option", ["--name", "--skill-version", "--type"])
def test_an_empty_name_version_or_type_is_a_usage_error(sign: Run, skill: Path, option: str) -> None:
    code, _, err = sign(option, "")
    assert (code, (skill / ".vault").exists()) == (2, False)
    assert "internal error" not in err


def test_a_skill_without_skill_md_is_unnamed(sign: Run, skill: Path, read_vault: ReadVault, tmp_path: Path) -> None:
    (skill / "SKILL.md").unlink()
    assert sign()[0] == 0
    assert read_vault(skill, "attestation.json")["skill"]["name"] == "unnamed"
    assert read_vault(skill, "attestation.json")["skill"]["version"] == "0.0.0"


def test_a_skill_without_permissions_is_signed_with_none_at_all(sign: Run, skill: Path) -> None:
    sign()
    written = Permissions.from_bytes((skill / ".vault" / "permissions.json").read_bytes())
    assert written == Permissions.deny_all()


def test_the_permissions_of_a_file_are_signed_with_all_their_members(
    sign: Run, skill: Path, work: Path, read_vault: ReadVault
) -> None:
    (work / "p.json").write_text(PERMISSIONS, encoding="utf-8")
    code, _, err = sign("--permissions", "p.json")
    assert code == 0
    assert read_vault(skill, "permissions.json")["note"] == "kept"
    assert err.splitlines()[-4:] == [
        'may read: "data/**"',
        'may connect to: "api.example"',
        'may execute: "git"',
        'may ask the agent for: "memory_read"',
    ]
    assert "Note" not in err


def test_signing_again_keeps_the_permissions_that_are_there_and_says_so(
    sign: Run, skill: Path, work: Path, read_vault: ReadVault
) -> None:
    (work / "p.json").write_text(PERMISSIONS, encoding="utf-8")
    sign("--permissions", "p.json")
    err = sign()[2]
    assert read_vault(skill, "permissions.json")["declared"]["exec"] == ["git"]
    assert "Note: the permissions below were in .vault/permissions.json already" in err
    assert 'may execute: "git"' in err.splitlines()


def test_permissions_that_somebody_planted_are_shown_with_a_note(sign: Run, skill: Path) -> None:
    (skill / ".vault").mkdir()
    planted = PERMISSIONS.replace('["git"]', '["a", "b", "c", "d", "e", "bash"]')
    (skill / ".vault" / "permissions.json").write_text(planted, encoding="utf-8")
    err = sign()[2]
    assert "sign them only if you know them" in err
    assert '"e", "bash"' in err


def test_permissions_that_grant_nothing_are_kept_without_a_note(sign: Run) -> None:
    sign()
    assert "Note" not in sign()[2]


def test_permissions_that_are_there_and_broken_become_none_with_a_note(
    sign: Run, skill: Path, read_vault: ReadVault
) -> None:
    (skill / ".vault").mkdir()
    (skill / ".vault" / "permissions.json").write_text("{}", encoding="utf-8")
    code, _, err = sign()
    assert code == 0
    assert "signed with no permissions at all" in err
    assert read_vault(skill, "permissions.json")["declared"]["network"] == "none"


@pytest.mark.parametrize("text", [None, "{}", "[" * 99], ids=["missing", "no-permissions", "no-json"])
def test_a_permissions_file_that_cannot_be_read_is_exit_2(sign: Run, skill: Path, work: Path, text: str | None) -> None:
    if text is not None:
        (work / "p.json").write_text(text, encoding="utf-8")
    assert sign("--permissions", "p.json")[0] == 2
    assert not (skill / ".vault").exists()


def test_every_permission_is_shown(sign: Run, work: Path) -> None:
    many = PERMISSIONS.replace('["git"]', json.dumps([f"tool{number}" for number in range(50)]))
    (work / "p.json").write_text(many.replace('["api.example"]', '"all"'), encoding="utf-8")
    err = sign("--permissions", "p.json")[2]
    assert "may execute: " + ", ".join(f'"tool{number}"' for number in range(50)) in err.splitlines()
    assert 'may connect to: "all"' in err.splitlines()


@pytest.mark.parametrize("item", ["./a; no other permissions", 'a", "b', "a\nno permissions", "a\\", ""], ids=ascii)
def test_no_permission_looks_like_another_or_like_our_words(sign: Run, work: Path, item: str) -> None:
    (work / "p.json").write_text(PERMISSIONS.replace('["git"]', json.dumps([item, "bash"])), encoding="utf-8")
    err = sign("--permissions", "p.json")[2]
    (line,) = [line for line in err.splitlines() if line.startswith("may execute: ")]
    assert json.loads(f"[{line.removeprefix('may execute: ')}]") == [item, "bash"]
    assert "no permissions" not in err.splitlines()


def test_a_vetting_report_is_bound_in_its_canonical_form(
    sign: Run, skill: Path, work: Path, read_vault: ReadVault
) -> None:
    (work / "r.json").write_bytes(REPORT)
    code, _, err = sign("--vetting-report", "r.json")
    report = VettingReport.from_bytes(REPORT)
    assert code == 0
    assert (skill / ".vault" / "vetting-report.json").read_bytes() == report.to_bytes()
    assert read_vault(skill, "attestation.json")["vetting_report_hash"] == report.digest()
    assert "vetting report: pass" in err


def test_signing_again_without_a_report_leaves_no_old_one_behind(sign: Run, skill: Path, work: Path) -> None:
    (work / "r.json").write_bytes(REPORT)
    sign("--vetting-report", "r.json")
    sign()
    assert not (skill / ".vault" / "vetting-report.json").exists()


@pytest.mark.parametrize("data", [None, b"{}", b"\xff"], ids=["missing", "no-report", "no-text"])
def test_a_vetting_report_that_cannot_be_read_is_exit_2(sign: Run, skill: Path, work: Path, data: bytes | None) -> None:
    if data is not None:
        (work / "r.json").write_bytes(data)
    assert sign("--vetting-report", "r.json")[0] == 2
    assert not (skill / ".vault").exists()


def test_an_encrypted_key_signs_with_the_passphrase_of_a_variable(
    run: Run, skill: Path, encrypted_key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "correct horse")
    assert run("sign", skill, "--key", encrypted_key, "--passphrase-env", "SECRET")[0] == 0


def test_an_encrypted_key_signs_with_the_passphrase_of_a_descriptor(
    run: Run, skill: Path, encrypted_key: Path, pipe_with: Callable[[bytes], int]
) -> None:
    descriptor = str(pipe_with(b"correct horse"))
    assert run("sign", skill, "--key", encrypted_key, "--passphrase-fd", descriptor)[0] == 0


def test_a_wrong_passphrase_is_exit_2(
    run: Run, skill: Path, encrypted_key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "wrong horse")
    code, _, err = run("sign", skill, "--key", encrypted_key, "--passphrase-env", "SECRET")
    assert (code, (skill / ".vault").exists()) == (2, False)
    assert "horse" not in err


def test_without_a_terminal_an_encrypted_key_needs_an_option_and_the_message_names_both(
    run: Run, skill: Path, encrypted_key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    code, _, err = run("sign", skill, "--key", encrypted_key)
    assert code == 2
    assert "--passphrase-env VAR or --passphrase-fd N" in err


def test_on_a_terminal_the_passphrase_is_asked_for(
    run: Run, skill: Path, encrypted_key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: "correct horse")
    assert run("sign", skill, "--key", encrypted_key)[0] == 0


def test_a_missing_skill_folder_is_exit_2(run: Run, keys: Path) -> None:
    code, _, err = run("sign", "nowhere", "--key", keys / "publisher.key")
    assert code == 2
    assert "nowhere" in err


def test_a_public_key_cannot_sign(run: Run, skill: Path, keys: Path) -> None:
    assert run("sign", skill, "--key", keys / "publisher.pub")[0] == 2
    assert not (skill / ".vault").exists()


def test_a_private_key_that_others_can_read_is_refused(run: Run, skill: Path, keys: Path) -> None:
    (keys / "publisher.key").chmod(0o644)
    code, _, err = run("sign", skill, "--key", keys / "publisher.key")
    assert code == 2
    assert "chmod 600" in err


def _add_symlink(skill: Path) -> None:
    (skill / "link").symlink_to("SKILL.md")


def _add_hard_link(skill: Path) -> None:
    (skill / "twin").hardlink_to(skill / "SKILL.md")


def _add_fifo(skill: Path) -> None:
    os.mkfifo(skill / "pipe")


def _add_backslash(skill: Path) -> None:
    (skill / "scripts\\run.py").touch()


def _add_raw_bytes(skill: Path) -> None:
    Path(os.fsdecode(os.fsencode(skill) + b"/\xff\xfe")).touch()


@pytest.mark.parametrize(
    "spoil",
    [_add_symlink, _add_hard_link, _add_fifo, _add_backslash, _add_raw_bytes],
    ids=["symlink", "hard-link", "fifo", "backslash", "not-utf-8"],
)
def test_what_no_skill_may_hold_is_not_signed(sign: Run, skill: Path, spoil: Callable[[Path], None]) -> None:
    spoil(skill)
    assert sign()[0] == 1
    assert not (skill / ".vault").exists()


@pytest.mark.parametrize("spoil", [_add_symlink, _add_backslash], ids=["symlink", "backslash"])
def test_a_refused_signing_leaves_the_vault_that_was_there(
    sign: Run, signed: Path, vault_bytes: VaultBytes, spoil: Callable[[Path], None]
) -> None:
    before = vault_bytes(signed)
    spoil(signed)
    assert sign()[0] == 1
    assert vault_bytes(signed) == before


def test_a_bad_key_leaves_the_vault_that_was_there(run: Run, signed: Path, keys: Path, vault_bytes: VaultBytes) -> None:
    before = vault_bytes(signed)
    assert run("sign", signed, "--key", keys / "publisher.pub")[0] == 2
    assert vault_bytes(signed) == before


def test_what_an_interrupted_signing_left_is_named_and_not_signed(sign: Run, skill: Path) -> None:
    (skill / ".vault.0123456789abcdef.tmp").mkdir()
    code, _, err = sign()
    assert (code, (skill / ".vault").exists()) == (1, False)
    assert ".vault.0123456789abcdef.tmp" in err


@pytest.mark.parametrize("path", ["mine.txt", "secrets/deep/ansible-vault.yml"])
def test_a_vault_of_another_tool_is_refused_and_stays(sign: Run, skill: Path, path: str) -> None:
    file = skill / ".vault" / path
    file.parent.mkdir(parents=True)
    file.write_text("mine", encoding="ascii")
    code, _, err = sign()
    assert (code, file.read_text(encoding="ascii")) == (1, "mine")
    assert f".vault/{path.partition('/')[0]}: not part of the format, and would be lost" in err


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--name", "wea*"), ("--name", " weather"), ("--name", "we\u200bather"), ("--name", "e\u0301"),
        ("--skill-version", "1.*"), ("--skill-version", "1@2"), ("--skill-version", "1 "), ("--type", "a\nb"),
    ],
    ids=ascii,
)  # fmt: skip
def test_what_no_revocation_could_name_is_a_usage_error(sign: Run, skill: Path, option: str, text: str) -> None:
    code, _, err = sign(option, text)
    assert (code, (skill / ".vault").exists()) == (2, False)
    assert "give --name, --skill-version or --type" in err


@pytest.mark.parametrize("front_matter", ['name: "a*"', 'version: "1@2"', 'name: "a\\u200bb"', 'version: "\\e[8m"'])
def test_a_front_matter_that_no_revocation_could_name_is_a_usage_error(
    run: Run, make_skill: Callable[..., Path], keys: Path, front_matter: str
) -> None:
    skill = make_skill("other", f"---\n{front_matter}\n---\n")
    assert run("sign", skill, "--key", keys / "publisher.key")[0] == 2
    assert not (skill / ".vault").exists()


@pytest.mark.parametrize("command", ["sign", "cosign"])
def test_a_passphrase_for_a_key_that_is_not_encrypted_is_told(
    run: Run, signed: Path, keys: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("SECRET", "correct horse")
    options: list[str | Path] = ["--key", keys / "authority.key", "--passphrase-env", "SECRET"]
    if command == "cosign":
        options += ["--trusted-key", keys / "publisher.pub"]
    code, _, err = run(command, signed, *options)
    assert code == 0
    assert "authority.key is not encrypted; the passphrase protects nothing" in err
    assert "horse" not in err


def test_a_passphrase_for_an_encrypted_key_is_not_told(
    run: Run, skill: Path, encrypted_key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "correct horse")
    assert "Note" not in run("sign", skill, "--key", encrypted_key, "--passphrase-env", "SECRET")[2]


def test_signing_needs_a_key(run: Run, skill: Path) -> None:
    code, _, err = run("sign", skill)
    assert code == 2
    assert "--key" in err


def test_an_empty_folder_name_is_not_the_present_folder(run: Run, keys: Path, work: Path) -> None:
    (work / "SKILL.md").touch()
    assert run("sign", "", "--key", keys / "publisher.key")[0] == 2
    assert not (work / ".vault").exists()
