"""Sign and verify one folder in this process; print the CPU seconds of both."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from haldir_core import (
    Context,
    Keyring,
    KeyRole,
    Permissions,
    RevocationEvidence,
    SkillIdentity,
    load_private_key,
    read_skill,
    sign,
    verify,
    write_vault,
)


def main(skill: Path, key_file: Path, list_file: Path) -> None:
    """Sign ``skill`` as the command line does, then verify it."""
    key = load_private_key(key_file)
    ring = Keyring.of([(key.public_key, KeyRole.PUBLISHER)])
    evidence = RevocationEvidence(current=list_file.read_bytes())
    identity = SkillIdentity("bench", "1.0.0", "skill.md")
    started = time.process_time()
    write_vault(skill, sign(read_skill(skill), identity, Permissions.deny_all(), key, clock=_now))
    signed = time.process_time()
    verdict = verify(read_skill(skill), ring, evidence, context=Context.INSTALL, now=_now())
    verified = time.process_time()
    if not verdict.valid:
        sys.exit(f"not valid: {verdict.errors}")
    print(signed - started, verified - signed)


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
