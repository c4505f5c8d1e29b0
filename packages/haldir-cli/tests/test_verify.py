import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]
Verify = Callable[..., tuple[int, dict[str, Any], str]]
MakeList = Callable[..., Path]

KEYS_OF_THE_CONTRACT = [
    "valid", "trustLevel", "keyId", "warnings", "errors", "attestation", "permissions", "vettingReport",
]  # fmt: skip


def _codes(verdict: dict[str, Any]) -> list[str]:
    return [error["code"] for error in verdict["errors"]]


def _warned(verdict: dict[str, Any]) -> list[str]:
    return [warning["code"] for warning in verdict["warnings"]]


@pytest.fixture
def cosigned(run: Run, signed: Path, keys: Path) -> Path:
    """Return the skill with the signatures of publisher and authority."""
    trusted = ("--trusted-key", keys / "publisher.pub")
    assert run("cosign", signed, "--key", keys / "authority.key", *trusted)[0] == 0
    return signed


@pytest.fixture
def store(run: Run, keys: Path) -> None:
    """Trust publisher, authority and revoker in the user's own store."""
    for name, role in (("publisher", "publisher"), ("authority", "authority"), ("revoker", "revocation")):
        assert run("trust", "add", "--key", keys / f"{name}.pub", "--role", role)[0] == 0


def test_a_good_skill_with_a_current_list_is_fully_trusted(verify: Verify, signed: Path, make_list: MakeList) -> None:
    code, verdict, err = verify(signed, "--revocation", make_list())
    assert (code, verdict["valid"], verdict["trustLevel"]) == (0, True, "full")
    assert err.startswith("Valid, trust level full, signed by ")


def test_the_verdict_has_the_keys_of_the_contract_first_and_in_order(verify: Verify, signed: Path) -> None:
    assert list(verify(signed)[1])[:8] == KEYS_OF_THE_CONTRACT


def test_the_verdict_holds_what_was_signed(
    verify: Verify, signed: Path, make_list: MakeList, read_vault: Callable[..., Any], keys: Path
) -> None:
    verdict = verify(signed, "--revocation", make_list())[1]
    assert verdict["attestation"] == read_vault(signed, "attestation.json")
    assert verdict["permissions"] == read_vault(signed, "permissions.json")
    assert verdict["vettingReport"] is None
    assert verdict["keyId"] == (keys / "publisher.keyid").read_text(encoding="ascii")


def test_a_verdict_of_no_says_nothing_about_who_signed_what(verify: Verify, skill: Path) -> None:
    code, verdict, err = verify(skill)
    assert (code, _codes(verdict)) == (1, ["E_NO_ENVELOPE"])
    assert [verdict[key] for key in ("keyId", "attestation", "permissions", "vettingReport")] == [None] * 4
    assert err.startswith("NOT VALID: ")


def test_a_changed_file_is_named(verify: Verify, signed: Path, make_list: MakeList) -> None:
    (signed / "SKILL.md").write_text("other\n", encoding="utf-8")
    code, verdict, err = verify(signed, "--revocation", make_list())
    assert (code, _codes(verdict), verdict["errors"][0]["file"]) == (1, ["E_INTEGRITY_MISMATCH"], "SKILL.md")
    assert "SKILL.md" in err


def test_an_install_without_a_list_is_refused(verify: Verify, signed: Path) -> None:
    code, verdict, _ = verify(signed)
    assert (code, _codes(verdict)) == (1, ["E_REVOCATION_STALE"])


def test_at_run_time_a_missing_list_degrades_and_is_told(verify: Verify, signed: Path) -> None:
    code, verdict, err = verify(signed, "--context", "runtime")
    assert (code, verdict["trustLevel"], _warned(verdict)) == (0, "degraded", ["W_REVOCATION_UNAVAILABLE"])
    assert "trust level degraded" in err


def test_a_revoked_skill_is_refused(verify: Verify, signed: Path, make_list: MakeList) -> None:
    code, verdict, err = verify(signed, "--revocation", make_list("weather@1.2.3"))
    assert (code, _codes(verdict)) == (1, ["E_REVOKED"])
    assert "revoked" in err


@pytest.mark.parametrize(
    ("age", "context", "expected"),
    [
        (timedelta(hours=25), "install", (1, ["E_REVOCATION_STALE"], [])),
        (timedelta(hours=25), "runtime", (0, [], ["W_REVOCATION_STALE"])),
        (timedelta(hours=49), "runtime", (1, ["E_REVOCATION_STALE"], [])),
        (timedelta(hours=-1), "install", (1, ["E_REVOCATION_STALE"], [])),
    ],
    ids=["expired-install", "grace-runtime", "beyond-grace", "future"],
)
def test_the_date_of_the_list_counts(
    verify: Verify,
    signed: Path,
    make_list: MakeList,
    age: timedelta,
    context: str,
    expected: tuple[int, list[str], list[str]],
) -> None:
    code, verdict, _ = verify(signed, "--revocation", make_list(age=age), "--context", context)
    assert (code, _codes(verdict), _warned(verdict)) == expected


def test_a_list_by_a_key_without_that_role_does_not_count(verify: Verify, signed: Path, make_list: MakeList) -> None:
    code, verdict, _ = verify(signed, "--revocation", make_list(signer="stranger"))
    assert (code, _codes(verdict)) == (1, ["E_REVOCATION_STALE"])


def test_an_unknown_word_for_the_context_is_a_usage_error(run: Run, signed: Path, keys: Path) -> None:
    code, out, err = run("verify", signed, "--key", keys / "publisher.pub", "--context", "banana")
    assert (code, out) == (2, "")
    assert "banana" in err


def test_with_nothing_trusted_nothing_is_verified(run: Run, signed: Path) -> None:
    code, out, err = run("verify", signed)
    assert (code, out) == (2, "")
    assert "nothing is trusted" in err
    assert "haldir trust add" in err


def test_a_revocation_key_alone_may_sign_no_skill(run: Run, signed: Path, keys: Path) -> None:
    code, out, err = run("verify", signed, "--revocation-key", keys / "revoker.pub")
    assert (code, out) == (2, "")
    assert "nothing is trusted" in err


def test_stored_identities_alone_are_not_enough_yet(run: Run, signed: Path) -> None:
    run("trust", "add", "--identity", "https://issuer.example=me@example.org")
    code, _, err = run("verify", signed)
    assert code == 2
    assert "keyless" in err


@pytest.mark.parametrize(
    "options",
    [
        ("--key", "none.pub"),
        ("--key", "publisher.pub", "--revocation", "none.json"),
        ("--key", "publisher.pub", "--revocation-key", "none.pub"),
        ("--key", "publisher.pub", "--trust-store", "none.json"),
    ],
    ids=["key", "list", "revocation-key", "trust-store"],
)
def test_a_file_that_is_missing_is_exit_2_and_named(
    run: Run, signed: Path, keys: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.chdir(keys)
    code, out, err = run("verify", signed, *options)
    assert (code, out) == (2, "")
    assert options[-1] in err


@pytest.mark.parametrize("option", ["--key", "--revocation", "--revocation-key", "--trust-store"])
def test_a_folder_in_place_of_a_file_is_exit_2_and_named(run: Run, signed: Path, keys: Path, option: str) -> None:
    code, out, err = run("verify", signed, "--key", keys / "publisher.pub", option, keys)
    assert (code, out) == (2, "")
    assert str(keys) in err


def test_a_missing_skill_is_exit_2(run: Run, keys: Path) -> None:
    assert run("verify", "nowhere", "--key", keys / "publisher.pub")[0] == 2


def test_a_file_that_is_no_list_is_exit_2(run: Run, signed: Path, keys: Path, work: Path) -> None:
    (work / "list.json").write_text("{}", encoding="utf-8")
    code, out, err = run("verify", signed, "--key", keys / "publisher.pub", "--revocation", "list.json")
    assert (code, out) == (2, "")
    assert "revocation list" in err


def test_a_list_that_is_too_large_to_be_one_is_exit_2(run: Run, signed: Path, keys: Path, work: Path) -> None:
    with (work / "list.json").open("wb") as file:
        file.truncate(9 * 1024 * 1024)
    code, _, err = run("verify", signed, "--key", keys / "publisher.pub", "--revocation", "list.json")
    assert code == 2
    assert "larger than" in err


def test_a_private_key_names_its_public_half(run: Run, signed: Path, keys: Path) -> None:
    assert run("verify", signed, "--key", keys / "publisher.key", "--context", "runtime")[0] == 0


def test_the_own_store_says_who_is_trusted_if_no_option_does(
    run: Run, signed: Path, store: None, make_list: MakeList
) -> None:
    code, out, _ = run("verify", signed, "--revocation", make_list())
    assert (code, json.loads(out)["trustLevel"]) == (0, "full")


def test_keys_that_are_named_stand_in_for_those_of_the_own_store(
    run: Run, signed: Path, store: None, keys: Path
) -> None:
    code, out, _ = run("verify", signed, "--key", keys / "stranger.pub", "--context", "runtime")
    assert (code, _codes(json.loads(out))) == (1, ["E_UNKNOWN_KEY"])


def test_the_stored_revocation_keys_count_beside_a_key_that_is_named(
    run: Run, signed: Path, store: None, keys: Path, make_list: MakeList
) -> None:
    code, out, _ = run("verify", signed, "--key", keys / "publisher.pub", "--revocation", make_list())
    assert (code, json.loads(out)["trustLevel"]) == (0, "full")


def test_a_revocation_key_that_is_named_stands_in_for_the_stored_ones(
    run: Run, signed: Path, store: None, keys: Path, make_list: MakeList
) -> None:
    other = ("--revocation-key", keys / "stranger.pub")
    code, out, _ = run("verify", signed, *other, "--revocation", make_list())
    assert (code, _codes(json.loads(out))) == (1, ["E_REVOCATION_STALE"])


def test_a_store_that_is_named_counts_beside_the_keys(
    run: Run, cosigned: Path, keys: Path, work: Path, make_list: MakeList
) -> None:
    for name, role in (("authority", "authority"), ("revoker", "revocation")):
        run("trust", "add", "--trust-store", "own.json", "--key", keys / f"{name}.pub", "--role", role)
    options = ("--trust-store", "own.json", "--key", keys / "publisher.pub", "--require", "2")
    assert run("verify", cosigned, *options, "--revocation", make_list())[0] == 0


@pytest.mark.parametrize("data", ["", "{}", "[]", '{"schema_version": "2.0"}'], ids=["empty", "object", "list", "v2"])
def test_a_damaged_store_is_exit_2_and_not_an_empty_one(
    run: Run, signed: Path, keys: Path, home: Path, data: str
) -> None:
    home.mkdir()
    (home / "trust.json").write_text(data, encoding="utf-8")
    code, out, _ = run("verify", signed, "--key", keys / "publisher.pub", "--context", "runtime")
    assert (code, out) == (2, "")


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("any", 0), ("all", 0), ("1", 0), ("2", 0), ("3", 1),
        ("publisher:1", 0), ("publisher:2", 1), ("authority:1", 0), ("authority:2", 1),
    ],
)  # fmt: skip
def test_a_requirement_counts_the_signatures(
    run: Run, cosigned: Path, store: None, requirement: str, expected: int
) -> None:
    code, out, _ = run("verify", cosigned, "--context", "runtime", "--require", requirement)
    assert code == expected
    assert _codes(json.loads(out)) == (["E_THRESHOLD"] if expected else [])


def test_all_wants_every_signature_to_be_trusted(verify: Verify, cosigned: Path) -> None:
    code, verdict, _ = verify(cosigned, "--context", "runtime", "--require", "all")
    assert (code, _codes(verdict)) == (1, ["E_THRESHOLD"])


def test_a_key_that_is_named_keeps_its_stored_role(run: Run, cosigned: Path, store: None, keys: Path) -> None:
    options = ("--key", keys / "authority.pub", "--require", "authority:1", "--context", "runtime")
    assert run("verify", cosigned, *options)[0] == 0


@pytest.mark.parametrize("requirement", ["", "0", "-1", "some", "revocation:1", ":1", "publisher:", "1000", "\u0661"])
def test_a_requirement_that_is_none_is_a_usage_error(run: Run, signed: Path, keys: Path, requirement: str) -> None:
    code, out, err = run("verify", signed, "--key", keys / "publisher.pub", "--require", requirement)
    assert (code, out) == (2, "")
    assert "requirement" in err


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--context", "runtime"), 1),
        (("--context", "runtime", "--skip-hardlink-check"), 0),
        (("--context", "install", "--skip-hardlink-check"), 1),
    ],
    ids=["checked", "skipped-at-runtime", "not-skipped-at-install"],
)
def test_hard_links_pass_only_at_run_time_and_when_asked(
    verify: Verify, signed: Path, work: Path, make_list: MakeList, options: tuple[str, ...], expected: int
) -> None:
    (work / "twin").hardlink_to(signed / "SKILL.md")
    code, verdict, _ = verify(signed, "--revocation", make_list(), *options)
    assert code == expected
    assert _codes(verdict) == (["E_HARDLINK"] if expected else [])


def test_every_symlink_is_reported_with_its_path(verify: Verify, signed: Path) -> None:
    for name in ("a", "b"):
        (signed / name).symlink_to("SKILL.md")
    code, verdict, _ = verify(signed)
    assert (code, [error["file"] for error in verdict["errors"]]) == (1, ["a", "b"])


def test_verifying_writes_nothing_into_the_skill(verify: Verify, signed: Path, make_list: MakeList) -> None:
    before = {path: path.stat().st_mtime_ns for path in signed.rglob("*")}
    verify(signed, "--revocation", make_list())
    assert {path: path.stat().st_mtime_ns for path in signed.rglob("*")} == before
