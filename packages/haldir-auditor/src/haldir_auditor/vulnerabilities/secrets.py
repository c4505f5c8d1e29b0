"""Tokens of services, from the environment or a file."""

from collections.abc import Mapping
from pathlib import Path

from haldir_auditor.vulnerabilities.interface import SourceError

MAX_BYTES = 8192


def token_from_environment(name: str, environment: Mapping[str, str]) -> str:
    """Return the token in a variable.  Raises: SourceError if it is not set, or empty."""
    token = environment.get(name, "").strip()
    if not token:
        raise SourceError(f"the environment variable {name} holds no token: set it, or name a file")
    return token


def token_from_file(path: Path) -> str:
    """Return the token that a file holds.  Raises: SourceError if it cannot be read, or holds none."""
    try:
        if not path.is_file():
            raise SourceError(f"{path} is no file that holds a token")
        with path.open("rb") as file:
            token = file.read(MAX_BYTES).decode("ascii").strip()
    except (OSError, ValueError) as error:
        raise SourceError(f"the token in {path} cannot be read") from error
    if not token:
        raise SourceError(f"{path} holds no token")
    return token
