import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from haldir_core import (
    Context,
    HardLinks,
    Keyring,
    KeyRole,
    MalformedError,
    Permissions,
    Policy,
    PrivateKey,
    RevocationEvidence,
    SkillIdentity,
    Timestamp,
    Verification,
    VettingReport,
    load_public_key,
    read_skill,
    sign,
    verify,
)
from haldir_core.canonical import canonical_bytes, parse_json
from haldir_core.envelope import pre_authentication_encoding

PEER = Path(__file__).parents[3] / "spec" / "vectors" / "haldir-ts"
INDEX: dict[str, Any] = json.loads((PEER / "index.json").read_bytes())
CANONICAL: dict[str, Any] = json.loads((PEER / "canonical.json").read_bytes())

VERDICTS = [case for case in INDEX["cases"] if case.get("ts_library") and not case.get("needs")]
DECIDED_OTHERWISE = [case for case in VERDICTS if case.get("haldir_expected") or case.get("spec_expected")]
AS_RECORDED = [case for case in VERDICTS if case not in DECIDED_OTHERWISE]

# Signed by the peer, and not changed since.
HONESTLY_SIGNED = (
    "valid",
    "mcp",
    "unicode",
    "nested-vault",
    "dotdot-name",
    "report-good",
    "report-old",
    "report-future",
)


def _name(case: dict[str, Any]) -> str:
    return str(case["case"])


def _verify(case: dict[str, Any], unpacked: Path) -> Verification:
    def read(path: str | None) -> bytes | None:
        return (PEER / path).read_bytes() if path else None

    ring = Keyring.of(
        (load_public_key(PEER / path), KeyRole.REVOCATION if "revoker" in path else KeyRole.PUBLISHER)
        for path in case["trusted_keys"]
    )
    last = read(case["last_valid_revocation"])
    cached = case["cached_sequence_number"]
    evidence = RevocationEvidence(
        current=read(case["revocation"]),
        remembered=() if last is None else (last,),
        sequence_numbers={} if cached is None else dict.fromkeys(INDEX["keyids"].values(), cached),
    )
    links = HardLinks.ALLOW_AT_RUNTIME if case["skip_hardlink_check"] else HardLinks.REFUSE
    return verify(
        read_skill(unpacked / case["skill"]),
        ring,
        evidence,
        context=Context(case["context"]),
        now=datetime.now(UTC),
        policy=Policy(hard_links=links),
    )


def test_the_index_is_the_one_that_these_tests_were_written_for() -> None:
    assert (len(INDEX["cases"]), len(AS_RECORDED), len(DECIDED_OTHERWISE)) == (156, 106, 25)


@pytest.mark.parametrize("case", AS_RECORDED, ids=_name)
def test_a_skill_gets_the_verdict_that_the_peer_recorded(case: dict[str, Any], unpacked: Path) -> None:
    recorded, verdict = case["ts_library"], _verify(case, unpacked)

    assert verdict.valid == recorded["valid"]
    assert verdict.trust_level == recorded["trustLevel"]
    assert [error.code for error in verdict.errors] == recorded["codes"]
    assert [error.path for error in verdict.errors] == recorded["files"]
    assert [warning.code for warning in verdict.warnings] == recorded["warnings"]
    assert verdict.key_id == recorded["keyId"]
    assert (verdict.vetting_report is not None) == recorded["vettingReport"]


@pytest.mark.parametrize("case", DECIDED_OTHERWISE, ids=_name)
def test_a_skill_gets_the_verdict_of_the_specification_where_the_peer_differs(
    case: dict[str, Any], unpacked: Path
) -> None:
    expected = re.sub(r" \(.*", "", case.get("haldir_expected") or case["spec_expected"])
    verdict = _verify(case, unpacked)

    if expected.startswith("E_"):
        assert verdict.trust_level == "none"
        assert verdict.errors[0].code == expected
    else:
        _, level, *warnings = [*expected.split(), "full"] if expected == "valid" else expected.split()
        assert verdict.trust_level == level
        assert [warning.code for warning in verdict.warnings] == warnings


@pytest.mark.parametrize("name", HONESTLY_SIGNED)
def test_signing_gives_the_bytes_that_the_peer_gave(name: str, unpacked: Path) -> None:
    folder = unpacked / "skills" / name
    theirs = {file.name: file.read_bytes() for file in (folder / ".vault").iterdir()}
    attestation = json.loads(theirs["attestation.json"])
    times = (
        Timestamp.parse(text).moment
        for text in (json.loads(theirs["integrity.json"])["generated_at"], attestation["signed_at"])
    )
    report = theirs.get("vetting-report.json")

    ours = sign(
        read_skill(folder),
        SkillIdentity(**attestation["skill"]),
        Permissions.deny_all(),
        PrivateKey.from_pem((PEER / "keys/publisher.key").read_bytes()),
        clock=lambda: next(times),
        report=None if report is None else VettingReport.from_bytes(report),
    )

    assert ours == theirs


@pytest.mark.parametrize("case", INDEX["sign_report_cases"], ids=_name)
def test_a_report_is_taken_or_refused_as_the_peer_does(case: dict[str, Any]) -> None:
    data = (PEER / case["report"]).read_bytes()

    if case["exit"] == 2:
        with pytest.raises(MalformedError):
            VettingReport.from_bytes(data)
    else:
        assert VettingReport.from_bytes(data).digest() == case["vetting_report_sha256"]


@pytest.mark.parametrize("name", sorted(INDEX["keyids"]))
def test_a_key_has_the_id_that_the_peer_gave_it(name: str) -> None:
    key = load_public_key(PEER / f"keys/{name}.pub")

    assert key.keyid == (PEER / f"keys/{name}.keyid").read_text() == INDEX["keyids"][name]


@pytest.mark.parametrize(
    "case", [case for case in CANONICAL["jcs"] if "note" not in case], ids=lambda case: ascii(case["input_json"])
)
def test_a_value_has_the_canonical_form_that_the_peer_gave_it(case: dict[str, Any]) -> None:
    value = parse_json(case["input_json"].encode(), "test")

    assert canonical_bytes(value) == case["output"].encode()


def test_an_integer_beyond_2_to_the_53_is_refused_where_the_peer_rounds_it() -> None:
    (case,) = [case for case in CANONICAL["jcs"] if "note" in case]

    with pytest.raises(MalformedError, match=r"not below 2\^53"):
        parse_json(case["input_json"].encode(), "test")


@pytest.mark.parametrize("case", CANONICAL["pae"], ids=lambda case: ascii(case["payload_utf8"]))
def test_a_payload_is_encoded_for_signing_as_the_peer_does(case: dict[str, Any]) -> None:
    encoded = pre_authentication_encoding(case["payloadType"], case["payload_utf8"].encode())

    assert encoded.hex() == case["pae_hex"]
