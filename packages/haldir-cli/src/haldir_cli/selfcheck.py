"""The steps of ``haldir test``: the whole life of a skill on real files."""

import json
from collections.abc import Iterator
from pathlib import Path

from haldir_cli.clock import now
from haldir_core import (
    Context,
    ErrorCode,
    Keyring,
    KeyRole,
    Permissions,
    PrivateKey,
    RevocationEvidence,
    RevocationList,
    RevokedSkill,
    SkillIdentity,
    Timestamp,
    TrustLevel,
    Verification,
    cosign,
    read_skill,
    sign,
    verify,
    write_vault,
)
from haldir_core.scratch import PrivateFolder


def run_steps() -> Iterator[tuple[str, bool]]:
    """Yield the title of each step and whether it went as it must."""
    with PrivateFolder("haldir-test-") as folder:
        yield from _life_of_a_skill(folder)


def _life_of_a_skill(skill: Path) -> Iterator[tuple[str, bool]]:
    publisher, authority = PrivateKey.generate(), PrivateKey.generate()
    ring = Keyring.of(
        [
            (publisher.public_key, KeyRole.PUBLISHER),
            (authority.public_key, KeyRole.AUTHORITY),
            (authority.public_key, KeyRole.REVOCATION),
        ]
    )
    skill.joinpath("SKILL.md").write_text("---\nname: self-check\n---\nSay hello.\n", encoding="utf-8")
    identity = SkillIdentity("self-check", "1.0.0", "skill.md")
    current = RevocationList.create(authority, now())

    def verdict(listed: bytes = current.to_bytes(), keys: Keyring = ring) -> Verification:
        evidence = RevocationEvidence(current=listed)
        return verify(read_skill(skill), keys, evidence, context=Context.INSTALL, now=now())

    yield "an unsigned skill is refused", _codes(verdict()) == [ErrorCode.NO_ENVELOPE]
    write_vault(skill, sign(read_skill(skill), identity, Permissions.deny_all(), publisher, clock=now))
    yield "a signed skill is fully trusted", verdict().trust_level is TrustLevel.FULL
    stranger = Keyring.of([(PrivateKey.generate().public_key, KeyRole.PUBLISHER)])
    yield "a key that is not trusted does not count", _codes(verdict(keys=stranger)) == [ErrorCode.UNKNOWN_KEY]
    write_vault(skill, cosign(read_skill(skill), authority, ring, now=now()))
    yield "a co-signed skill has two signers", len(verdict().signers) == 2
    envelope = skill / ".vault" / "signature.json"
    honest = envelope.read_bytes()
    envelope.write_bytes(_with_swapped_signatures(honest))
    yield "a signature of something else is refused", _codes(verdict()) == [ErrorCode.BAD_SIGNATURE]
    envelope.write_bytes(honest)
    forged = current.to_bytes().replace(b'"sequence_number": 1', b'"sequence_number": 9')
    yield "a changed revocation list is refused", _codes(verdict(forged)) == [ErrorCode.REVOCATION_STALE]
    skill.joinpath("SKILL.md").write_text("---\nname: self-check\n---\nSay bye..\n", encoding="utf-8")
    yield "a changed file is refused", _codes(verdict()) == [ErrorCode.INTEGRITY_MISMATCH]
    skill.joinpath("SKILL.md").write_text("---\nname: self-check\n---\nSay hello.\n", encoding="utf-8")
    skill.joinpath("extra.sh").write_text("true\n", encoding="utf-8")
    yield "an added file is refused", _codes(verdict()) == [ErrorCode.EXTRA_FILES]
    skill.joinpath("extra.sh").unlink()
    entry = RevokedSkill("self-check", ("1.0.0",), Timestamp.at(now()), "self-check", "low")
    revoked = current.revoke(entry, signer=authority, now=now())
    yield "a revoked skill is refused", _codes(verdict(revoked.to_bytes())) == [ErrorCode.REVOKED]
    yield "the skill itself is good as ever", verdict().trust_level is TrustLevel.FULL


def _with_swapped_signatures(envelope: bytes) -> bytes:
    """Return the envelope with each signature under the id of the other's key."""
    members = json.loads(envelope)
    one, other = members["signatures"]
    one["sig"], other["sig"] = other["sig"], one["sig"]
    return json.dumps(members).encode()


def _codes(verdict: Verification) -> list[ErrorCode]:
    return [problem.code for problem in verdict.errors]
