"""Everything that haldir-core raises, under one root."""

from collections.abc import Sequence

from attrs import frozen

from haldir_core.codes import ErrorCode


class HaldirError(Exception):
    """Root of all errors of haldir-core; the message is written for a person."""


class MalformedError(HaldirError):
    """A document is not what its format says.

    Attributes:
        document: what was being read, for instance ``attestation.json``.
        reason: what is wrong with it.
    """

    def __init__(self, document: str, reason: str) -> None:
        """Say that ``document`` is wrong because of ``reason``."""
        super().__init__(f"{document}: {reason}")
        self.document = document
        self.reason = reason


class UnsupportedVersionError(MalformedError):
    """A document declares a schema_version that this library does not know."""


class DecodeError(HaldirError):
    """A text is not strict base64 or base64url."""


class KeyFileError(HaldirError):
    """A key file cannot be read, written or trusted."""


class UnreadableError(HaldirError):
    """A skill folder, or something in it, cannot be opened or read."""


class SigningError(HaldirError):
    """A signature was refused: what should be signed does not allow it."""


class TrustError(HaldirError):
    """A trust store was asked for something that it must not do."""


class RevocationError(HaldirError):
    """A revocation list cannot be extended by this key."""


@frozen
class Problem:
    """One reason why a skill folder cannot be trusted.

    ``path`` is relative to the skill folder, with ``/`` between its parts.
    """

    code: ErrorCode
    message: str
    path: str | None = None


class UnsafeSkillError(HaldirError):
    """A skill folder holds what no skill may hold, so it cannot be signed.

    Attributes:
        problems: all of them, in the order in which they were met.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Say what the problems are; the message shows the first five."""
        shown = "; ".join(problem.message for problem in problems[:5])
        more = f" (and {len(problems) - 5} more)" if len(problems) > 5 else ""
        super().__init__(f"{shown}{more}")
        self.problems = tuple(problems)
