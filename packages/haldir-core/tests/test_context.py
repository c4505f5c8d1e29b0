from datetime import datetime
from pathlib import Path

import pytest

from haldir_core import Context, ErrorCode, Keyring, TrustLevel, read_skill, verify


@pytest.mark.parametrize("context", ["install", "runtime"])
def test_a_text_that_equals_a_context_is_that_context(
    context: Context, signed: Path, ring: Keyring, now: datetime
) -> None:
    verdict = verify(read_skill(signed), ring, context=context, now=now)

    if context == "install":
        assert [problem.code for problem in verdict.errors] == [ErrorCode.REVOCATION_STALE]
    else:
        assert verdict.trust_level is TrustLevel.DEGRADED


@pytest.mark.parametrize("context", ["INSTALL", "instal", "", None, 1], ids=repr)
def test_what_is_no_context_gives_no_verdict(context: Context, signed: Path, ring: Keyring, now: datetime) -> None:
    with pytest.raises(ValueError, match="is not a valid Context"):
        verify(read_skill(signed), ring, context=context, now=now)
