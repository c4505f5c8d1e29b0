import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from haldir_cli.commands.inspect import SHOWN_BYTES
from haldir_core.digest import sha256
from haldir_core.vaultfiles import RESERVED_NAMES, VAULT_FILES

Run = Callable[..., tuple[int, str, str]]


def test_inspect_shows_every_document_under_its_name(run: Run, signed: Path) -> None:
    code, out, _ = run("inspect", signed)
    names = [line.strip("- ") for line in out.splitlines() if line.startswith("--- ")]
    assert (code, names) == (0, ["signature.json", "attestation.json", "integrity.json", "permissions.json"])


def test_inspect_says_that_nothing_was_verified(run: Run, signed: Path) -> None:
    assert "Nothing below has been verified" in run("inspect", signed)[2]


def test_inspect_as_json_is_one_object_that_says_so_too(run: Run, signed: Path, read_vault: Callable[..., Any]) -> None:
    code, out, _ = run("inspect", signed, "--json")
    shown = json.loads(out)
    assert (code, shown["verified"]) == (0, False)
    assert shown["documents"]["integrity.json"] == read_vault(signed, "integrity.json")
    assert len(shown["documents"]) == 4


def test_inspect_shows_a_forged_document_as_it_is(run: Run, signed: Path) -> None:
    (signed / ".vault" / "attestation.json").write_text('{"forged": true}', encoding="utf-8")
    assert json.loads(run("inspect", signed, "--json")[1])["documents"]["attestation.json"] == {"forged": True}


def test_inspect_leaves_out_what_the_format_does_not_know(run: Run, signed: Path) -> None:
    (signed / ".vault" / "evil.json").write_text("{}", encoding="utf-8")
    code, out, _ = run("inspect", signed)
    assert (code, "evil" in out) == (0, False)


def test_inspect_tells_of_a_broken_document_and_shows_the_others(run: Run, signed: Path) -> None:
    (signed / ".vault" / "attestation.json").write_text("{", encoding="utf-8")
    code, out, err = run("inspect", signed, "--json")
    assert (code, "attestation.json" in json.loads(out)["documents"]) == (0, False)
    assert "attestation.json" in err


def test_with_nothing_but_broken_documents_inspect_is_exit_2(run: Run, skill: Path) -> None:
    (skill / ".vault").mkdir()
    (skill / ".vault" / "attestation.json").write_text("{", encoding="utf-8")
    assert run("inspect", skill)[0] == 2


@pytest.mark.parametrize("vault", [False, True], ids=["no-vault", "empty-vault"])
def test_a_skill_that_is_not_signed_has_nothing_to_inspect(run: Run, skill: Path, *, vault: bool) -> None:
    if vault:
        (skill / ".vault").mkdir()
    code, out, err = run("inspect", skill)
    assert (code, out) == (2, "")
    assert "not signed" in err


def test_a_missing_folder_cannot_be_inspected(run: Run) -> None:
    assert run("inspect", "nowhere")[0] == 2


def test_inspect_needs_no_trust_and_keeps_no_state(run: Run, signed: Path, home: Path) -> None:
    run("inspect", signed)
    assert not home.exists()


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["text", "json"])
def test_a_document_beyond_256_kibibytes_is_shown_as_its_size_and_digest(
    run: Run, signed: Path, options: tuple[str, ...]
) -> None:
    data = b"[" * 31 + b"0,".join([b""] * (SHOWN_BYTES // 2)) + b"0" + b"]" * 31
    assert len(data) > SHOWN_BYTES == 256 * 1024
    (signed / ".vault" / "integrity.json").write_bytes(data)
    code, out, _ = run("inspect", signed, *options)
    assert code == 0
    assert len(out) < 10_000
    assert sha256(data) in out
    if options:
        shown = json.loads(out)["documents"]["integrity.json"]
        assert shown == {"bytes": len(data), "digest": sha256(data), "shown": False}


def test_a_document_of_256_kibibytes_is_shown(run: Run, signed: Path) -> None:
    (signed / ".vault" / "integrity.json").write_bytes(b'{"x": 1}'.ljust(SHOWN_BYTES))
    assert json.loads(run("inspect", signed, "--json")[1])["documents"]["integrity.json"] == {"x": 1}


def test_the_largest_vault_of_all_is_shown_in_less_than_100_mebibytes(run: Run, signed: Path) -> None:
    for file in VAULT_FILES:
        most = min(file.max_bytes or 9 * 1024 * 1024, SHOWN_BYTES) if file.name != "integrity.json" else file.max_bytes
        deep = b"[" * 31 + b"0," * ((most - 64) // 2) + b"0" + b"]" * 31
        (signed / ".vault" / file.name).write_bytes(deep)
    code, out, _ = run("inspect", signed, "--json")
    assert code == 0
    assert len(out) < 100 * 1024 * 1024
    shown = {file.name for file in VAULT_FILES} - set(RESERVED_NAMES)
    assert set(json.loads(out)["documents"]) == shown


def test_inspect_does_not_show_what_is_reserved(run: Run, signed: Path) -> None:
    (signed / ".vault" / "sigstore-bundle.json").write_text('{"planted": 1}', encoding="ascii")
    assert "planted" not in run("inspect", signed)[1]
