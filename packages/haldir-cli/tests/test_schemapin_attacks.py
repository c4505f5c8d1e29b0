"""Attacks on the commands of SchemaPin that once succeeded."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from haldir_core import PrivateKey as HaldirKey
from haldir_core import write_key_pair
from haldir_core.schemapin.bundles import TrustBundle
from haldir_core.schemapin.domains import Domain
from haldir_core.schemapin.keyfiles import load_public_key

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def keys(work: Path, run: Run) -> Path:
    """Return a folder with a key pair, and the discovery document for it."""
    return _keys(run, work / "keys")


@pytest.fixture
def schema(work: Path) -> Path:
    path = work / "weather.json"
    path.write_text('{"name": "weather"}', encoding="utf-8")
    return path


@pytest.fixture
def signed(run: Run, keys: Path, schema: Path, work: Path) -> Path:
    return _signed(run, keys, schema, work / "signed.json")


@pytest.fixture
def domains(work: Path, keys: Path) -> Path:
    folder = work / "domains"
    folder.mkdir()
    (folder / "example.com.json").write_bytes((keys / "schemapin.json").read_bytes())
    return folder


def _keys(run: Run, folder: Path) -> Path:
    folder.mkdir()
    assert run("schemapin", "keygen", "--output-dir", folder, "--well-known", "-q")[0] == 0
    return folder


def _signed(run: Run, keys: Path, schema: Path, output: Path) -> Path:
    key = keys / "schemapin_private.pem"
    options = ("--schema", schema, "--key", key, "--output", output, "--domain", "example.com")
    assert run("schemapin", "sign", *options)[0] == 0
    return output


def _bundle(run: Run, folder: Path, keys: Path, kid: str, output: Path) -> Path:
    assert run("schemapin", "bundle", "make", folder, "--output", "plain.json")[0] == 0
    key = keys / "schemapin_private.pem"
    assert run("schemapin", "bundle", "sign", "plain.json", "--key", key, "--kid", kid, "--output", output)[0] == 0
    return output


def _revocations(path: Path, domain: str) -> None:
    value = {"schemapin_version": "1.2", "domain": domain, "updated_at": "2026-01-01T00:00:00Z", "revoked_keys": []}
    path.write_text(json.dumps(value), encoding="utf-8")


def test_a_bundle_of_an_authority_that_nobody_pinned_is_not_valid(
    run: Run, domains: Path, keys: Path, work: Path
) -> None:
    bundle = _bundle(run, domains, keys, "anything", work / "bundle.json")
    code, _, err = run("schemapin", "bundle", "verify", bundle)
    assert code == 1
    assert "is not pinned" in err


def test_an_attacker_with_a_bundle_of_its_own_speaks_for_no_domain(
    run: Run, domains: Path, schema: Path, work: Path
) -> None:
    evil = _keys(run, work / "evil")
    (domains / "example.com.json").write_bytes((evil / "schemapin.json").read_bytes())
    bundle = _bundle(run, domains, evil, "anything", work / "bundle.json")
    signed = _signed(run, evil, schema, work / "evil.json")
    options = ("--schema", signed, "--domain", "example.com", "--tool-id", "weather", "--bundle", bundle)
    assert run("schemapin", "verify", *options)[0] == 1


@pytest.mark.parametrize("command", ["verify", "bundle"])
def test_nobody_is_asked_and_not_asked_at_once(
    run: Run, signed: Path, domains: Path, keys: Path, work: Path, command: str
) -> None:
    if command == "verify":
        options: tuple[str | Path, ...] = (
            "verify", "--schema", signed, "--domain", "example.com", "--tool-id", "t", "--discovery-dir", domains,
        )  # fmt: skip
    else:
        options = ("bundle", "verify", _bundle(run, domains, keys, "a", work / "bundle.json"))
    assert run("schemapin", *options, "--auto-pin", "--interactive")[0] == 2


@pytest.mark.parametrize(
    "options", [["--expires-in", "3"], ["--tool-id", "t"], ["--previous-hash", "sha256:" + "0a" * 32]], ids=str
)
def test_what_nothing_would_sign_is_not_left_out_in_silence(
    run: Run, keys: Path, schema: Path, options: list[str]
) -> None:
    key = keys / "schemapin_private.pem"
    assert run("schemapin", "sign", "--schema", schema, "--key", key, *options)[:2] == (2, "")


@pytest.mark.parametrize("kind", ["link", "dangling"])
def test_a_batch_with_a_link_is_not_good(run: Run, signed: Path, keys: Path, work: Path, kind: str) -> None:
    folder = work / "batch"
    folder.mkdir()
    signed.rename(folder / "a.json")
    evil = work / "evil.json"
    if kind == "link":
        evil.write_text('{"schema": {}, "signature": "AA=="}', encoding="utf-8")
    (folder / "b.json").symlink_to(evil)
    code, _, err = run("schemapin", "verify", "--batch", folder, "--public-key", keys / "schemapin_public.pem")
    assert code == 2
    assert "b.json" in err


def test_a_file_of_a_batch_that_is_too_large_hides_no_other(run: Run, signed: Path, keys: Path, work: Path) -> None:
    folder = work / "batch"
    folder.mkdir()
    signed.rename(folder / "b.json")
    with (folder / "a.json").open("wb") as file:
        file.truncate(9 * 1024 * 1024)
    public = keys / "schemapin_public.pem"
    code, out, _ = run("schemapin", "verify", "--batch", folder, "--public-key", public, "--json")
    assert code == 1
    assert [row["valid"] for row in json.loads(out)["results"]] == [False, True]


def test_revocations_of_another_domain_are_not_bundled_where_nobody_would_find_them(run: Run, domains: Path) -> None:
    _revocations(domains / "example.com.revocations.json", "other.example")
    code, _, err = run("schemapin", "bundle", "make", domains, "--output", "bundle.json")
    assert code == 2
    assert "not about example.com" in err


def test_linked_revocations_are_not_left_out_of_a_bundle(run: Run, domains: Path, work: Path) -> None:
    _revocations(work / "list.json", "example.com")
    (domains / "example.com.revocations.json").symlink_to(work / "list.json")
    assert run("schemapin", "bundle", "make", domains, "--output", "bundle.json")[0] == 2


def test_a_domain_is_bundled_once_however_it_is_spelled(run: Run, domains: Path) -> None:
    (domains / "Example.com.json").write_bytes((domains / "example.com.json").read_bytes())
    assert run("schemapin", "bundle", "make", domains, "--output", "bundle.json")[0] == 2


def test_a_bundle_without_announced_revocations_is_made_with_a_note(run: Run, domains: Path, work: Path) -> None:
    path = domains / "example.com.json"
    value = json.loads(path.read_bytes()) | {"revocation_endpoint": "https://example.com/r"}
    path.write_text(json.dumps(value), encoding="utf-8")
    code, _, err = run("schemapin", "bundle", "make", domains, "--output", "bundle.json")
    assert code == 0
    assert "revocation endpoint" in err
    _revocations(domains / "example.com.revocations.json", "example.com")
    assert "Note" not in run("schemapin", "bundle", "make", domains, "--output", "bundle.json")[2]
    assert TrustBundle.from_bytes((work / "bundle.json").read_bytes()).find_revocations(Domain("example.com"))


@pytest.mark.parametrize("command", ["sign", "verify"])
def test_a_closed_standard_input_is_said_in_words(
    run: Run, keys: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    option = "--key" if command == "sign" else "--public-key"
    name = "schemapin_private.pem" if command == "sign" else "schemapin_public.pem"
    code, _, err = run("schemapin", command, "--stdin", option, keys / name)
    assert code == 2
    assert "standard input is closed" in err


def test_a_domain_that_nobody_signed_is_not_shown_as_known(run: Run, skill: Path, keys: Path) -> None:
    options = ("--key", keys / "schemapin_private.pem", "--domain", "example.com", "--legacy")
    assert run("schemapin", "sign", "--skill", skill, *options)[0] == 0
    path = skill / ".schemapin.sig"
    path.write_text(path.read_text().replace("example.com", "bank.example"), encoding="utf-8")
    public = keys / "schemapin_public.pem"
    code, out, _ = run("schemapin", "verify", "--skill", skill, "--public-key", public, "--json")
    assert (code, "bank.example" in out) == (0, False)
    assert run("schemapin", "verify", "--skill", skill, "--public-key", public, "--domain", "example.com")[0] == 1


def test_a_link_does_not_choose_how_a_skill_is_called(
    run: Run, skill: Path, keys: Path, domains: Path, work: Path
) -> None:
    options = ("--key", keys / "schemapin_private.pem", "--domain", "example.com", "--tool-id", "mine")
    assert run("schemapin", "sign", "--skill", skill, *options)[0] == 0
    link = work / "mine"
    link.symlink_to(skill)
    found = ("--domain", "example.com", "--discovery-dir", domains)
    assert run("schemapin", "verify", "--skill", link, *found)[0] == 0
    assert run("schemapin", "verify", "--skill", skill, *found)[0] == 1


def test_an_import_does_not_take_back_what_was_decided(run: Run, work: Path) -> None:
    assert run("schemapin", "pin", "policy", "example.com", "never_trust")[0] == 0
    path = work / "pins.json"
    path.write_text('{"pinned_keys": {}, "domain_policies": {"example.com": "always_trust"}}', encoding="utf-8")
    code, _, err = run("schemapin", "pin", "import", path)
    assert code in {1, 2}
    assert "never_trust" in err


@pytest.mark.parametrize("options", [[], ["--auto-pin"]], ids=["look", "auto-pin"])
def test_only_the_commands_about_bundles_pin_an_authority(
    run: Run, domains: Path, keys: Path, signed: Path, work: Path, options: list[str]
) -> None:
    bundle = _bundle(run, domains, keys, "anything", work / "bundle.json")
    verify = ("verify", "--schema", signed, "--domain", "example.com", "--tool-id", "weather", "--bundle", bundle)
    code, out, err = run("schemapin", *verify, *options)
    assert (code, out) == (1, "")
    assert "authority anything (sha256:" in err
    assert "haldir schemapin bundle verify" in err
    assert json.loads(run("schemapin", "pin", "list", "--json")[1])["pins"] == []


def test_a_tool_that_fails_leaves_no_authority_behind(run: Run, domains: Path, schema: Path, work: Path) -> None:
    evil, other = _keys(run, work / "evil"), _keys(run, work / "other")
    (domains / "example.com.json").write_bytes((evil / "schemapin.json").read_bytes())
    bundle = _bundle(run, domains, evil, "anything", work / "bundle.json")
    signed = _signed(run, other, schema, work / "other.json")
    verify = ("verify", "--schema", signed, "--domain", "example.com", "--tool-id", "weather", "--bundle", bundle)
    assert [run("schemapin", *verify, *options)[0] for options in ([], ["--auto-pin"], ["--interactive"])] == [1, 1, 1]
    assert json.loads(run("schemapin", "pin", "list", "--json")[1])["pins"] == []


def test_the_key_of_an_authority_can_be_named_instead_of_pinned(
    run: Run, domains: Path, keys: Path, signed: Path, work: Path
) -> None:
    bundle = _bundle(run, domains, keys, "anything", work / "bundle.json")
    verify = ("verify", "--schema", signed, "--domain", "example.com", "--tool-id", "weather", "--bundle", bundle)
    assert run("schemapin", *verify, "--authority", keys / "schemapin_public.pem")[0] == 0
    other = _keys(run, work / "other") / "schemapin_public.pem"
    assert run("schemapin", *verify, "--authority", other)[0] == 1
    without = ("verify", "--schema", signed, "--domain", "example.com", "--tool-id", "t", "--discovery-dir", domains)
    assert run("schemapin", *without, "--authority", other)[0] == 2
    assert json.loads(run("schemapin", "pin", "list", "--json")[1])["pins"] == []


@pytest.fixture
def haldir(work: Path, private_keys: dict[str, HaldirKey]) -> Path:
    """Return a folder with the keys of Haldir's publisher, and of a stranger."""
    folder = work / "haldir"
    folder.mkdir()
    for name in ("publisher", "stranger"):
        write_key_pair(folder, name, private_keys[name])
    return folder


@pytest.fixture
def both(run: Run, skill: Path, keys: Path, haldir: Path) -> Path:
    """Return a skill that SchemaPin signed, and Haldir after it."""
    options = ("--key", keys / "schemapin_private.pem", "--domain", "example.com")
    assert run("schemapin", "sign", "--skill", skill, *options)[0] == 0
    assert run("sign", skill, "--key", haldir / "publisher.key")[0] == 0
    return skill


@pytest.fixture(params=["public-key", "domain"])
def check(request: pytest.FixtureRequest, run: Run, keys: Path, domains: Path) -> Run:
    """Verify a skill folder by the key that is given, or by the documents of the domain."""
    by: tuple[str | Path, ...] = ("--public-key", keys / "schemapin_public.pem")
    if request.param == "domain":
        by = ("--domain", "example.com", "--discovery-dir", domains)
    return lambda skill, *options: run("schemapin", "verify", "--skill", skill, *by, *options)


def test_a_folder_that_both_signed_is_valid_for_both(run: Run, check: Run, both: Path, haldir: Path) -> None:
    code, out, err = check(both, "--key", haldir / "publisher.pub", "--json")
    (row,) = json.loads(out)["results"]
    assert (code, row["valid"], row["metadata_authenticated"], row["haldir"]["valid"]) == (0, True, True, True), err
    assert run("trust", "add", "--key", haldir / "publisher.pub", "--role", "publisher")[0] == 0
    code, _, err = check(both)
    assert (code, "haldir: " in err) == (0, True)


def test_the_vault_is_not_left_out_where_nothing_is_trusted(check: Run, both: Path) -> None:
    code, out, err = check(both)
    assert (code, out) == (2, "")
    assert "nothing is trusted" in err
    assert ".vault, which can be left out" in err


@pytest.mark.parametrize("change", ["file", "vault-file", "signature", "added", "key", "no-vault", "link"])
def test_the_vault_is_not_left_out_where_its_envelope_is_not_good(
    check: Run, both: Path, haldir: Path, change: str
) -> None:
    key = haldir / "publisher.pub"
    if change == "file":
        (both / "scripts" / "run.py").write_text("print('evil')\n", encoding="utf-8")
    elif change == "vault-file":
        (both / ".vault" / "payload.py").write_text("print('evil')\n", encoding="utf-8")
    elif change == "signature":
        path = both / ".schemapin.sig"
        path.write_text(json.dumps(json.loads(path.read_bytes())), encoding="utf-8")
    elif change == "added":
        (both / "new.py").write_text("print('evil')\n", encoding="utf-8")
    elif change == "key":
        key = haldir / "stranger.pub"
    elif change == "no-vault":
        shutil.rmtree(both / ".vault")
    else:
        (both / ".vault").rename(both.parent / "elsewhere")
        (both / ".vault").symlink_to(both.parent / "elsewhere")
    code, _, err = check(both, "--key", key)
    assert code == 1
    assert "aldir envelope" in err


def test_a_folder_that_schemapin_signed_after_haldir_is_told_that_the_order_is_wrong(
    run: Run, check: Run, skill: Path, keys: Path, haldir: Path, work: Path
) -> None:
    copy = work / "copy" / skill.name
    shutil.copytree(skill, copy)
    options = ("--key", keys / "schemapin_private.pem", "--domain", "example.com")
    assert run("schemapin", "sign", "--skill", copy, *options)[0] == 0
    assert run("sign", skill, "--key", haldir / "publisher.key")[0] == 0
    shutil.copy(copy / ".schemapin.sig", skill)
    code, _, err = check(skill, "--key", haldir / "publisher.pub")
    assert code == 1
    assert "wrong order" in err


def test_what_haldir_signed_and_schemapin_did_not_is_not_valid(run: Run, check: Run, skill: Path, haldir: Path) -> None:
    (skill / ".schemapin.sig").write_text("{}", encoding="utf-8")
    assert run("sign", skill, "--key", haldir / "publisher.key")[0] == 0
    assert check(skill, "--key", haldir / "publisher.pub")[0] == 1


def test_options_about_the_vault_are_not_passed_over_for_a_schema(
    run: Run, signed: Path, keys: Path, haldir: Path
) -> None:
    options = ("--schema", signed, "--public-key", keys / "schemapin_public.pem", "--key", haldir / "publisher.pub")
    assert run("schemapin", "verify", *options)[0] == 2


def test_a_key_that_was_revoked_once_is_not_usable_when_the_domain_takes_that_back(
    run: Run, signed: Path, keys: Path, domains: Path, home: Path
) -> None:
    assert run("schemapin", "discover", "example.com", "--discovery-dir", domains)[0] == 0
    assert not (home / "schemapin-pins.db").exists()
    path = domains / "example.com.json"
    good = path.read_bytes()
    fingerprint = load_public_key(keys / "schemapin_public.pem").fingerprint
    path.write_text(json.dumps(json.loads(good) | {"revoked_keys": [fingerprint]}), encoding="utf-8")
    verify = ("--schema", signed, "--domain", "example.com", "--tool-id", "weather", "--discovery-dir", domains)
    assert run("schemapin", "verify", *verify)[0] == 1
    path.write_bytes(good)
    code, out, _ = run("schemapin", "discover", "example.com", "--discovery-dir", domains, "--json")
    shown = json.loads(out)
    assert (code, shown["usable"], shown["remembered_revoked_keys"]) == (1, False, [fingerprint])
    assert "remembers" in shown["problem"]
    other = ("--pinning-db", home / "other.db")
    assert run("schemapin", "discover", "example.com", "--discovery-dir", domains, *other)[0] == 0
    assert not (home / "other.db").exists()


def test_a_list_with_an_entry_that_names_no_key_is_reported(run: Run, signed: Path, domains: Path) -> None:
    path = domains / "example.com.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"revoked_keys": ["old"]}), encoding="utf-8")
    code, out, _ = run("schemapin", "discover", "example.com", "--discovery-dir", domains, "--json")
    assert (code, "'old'" in json.loads(out)["problem"]) == (0, True)
    verify = ("--schema", signed, "--domain", "example.com", "--tool-id", "weather", "--discovery-dir", domains)
    code, _, err = run("schemapin", "verify", *verify)
    assert (code, "revocation_unknown" in err) == (0, True)
