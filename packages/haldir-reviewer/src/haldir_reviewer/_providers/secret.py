"""A key of a provider, which is shown nowhere."""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn, final

MAX_KEY_CHARACTERS = 4096
"""Tokens of identity providers reach about 2,000 characters."""

_KEY = re.compile(r"[\x21-\x7e]+")
_MASKED_RUN = 6
"""Providers that quote a refused key show four characters of either end."""
_SURE_LENGTH = 16
"""A shorter key is a word that local servers are happy with, and may well occur in an answer."""


class MissingError(Exception):
    """What a provider needs, its key as a rule, is not where the configuration says; the message quotes no key."""


@final
class Secret:
    """A text that neither ``repr`` nor ``str`` nor ``pickle`` shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Keep ``text``."""
        self._text = text

    def __repr__(self) -> str:
        return "Secret(hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not copied to other processes")

    def reveal(self) -> str:
        """Return the text itself: for the header that carries it, and nothing else."""
        return self._text

    def mask(self, text: str) -> str:
        """Return ``text`` with every run of characters that the secret holds too written as asterisks."""
        run = min(_MASKED_RUN, len(self._text))
        hidden = [False] * len(text)
        for index in range(len(text) - run + 1):
            if text[index : index + run] in self._text:
                hidden[index : index + run] = [True] * run
        return "".join("*" if covered else char for char, covered in zip(text, hidden, strict=True))

    def is_in(self, data: bytes) -> bool:
        """Whether ``data`` holds the secret, if it is long enough to be one."""
        return len(self._text) >= _SURE_LENGTH and self._text.encode() in data


def read_variable(name: str, environment: Mapping[str, str]) -> Secret:
    """Return the key that an environment variable holds.

    Raises: MissingError
    """
    value = environment.get(name)
    if value is None:
        raise MissingError(f"the environment variable {name} is not set: put the key into it")
    return _checked(value, f"the environment variable {name}")


def read_key_file(path: Path) -> Secret:
    """Return the key that a file holds, without white space around it.

    Raises: MissingError, also if others than its owner may write the file, or anybody may read it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise MissingError(f"cannot read the key file {path}: {reason}") from error
    try:
        _refuse_shared(path, os.fstat(descriptor))
        data = os.read(descriptor, MAX_KEY_CHARACTERS + 3)
    except OSError as error:
        raise MissingError(f"cannot read the key file {path}: {error.strerror}") from error
    finally:
        os.close(descriptor)
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError as error:
        raise MissingError(f"the key file {path} holds no key: it is not ASCII") from error
    return _checked(text, f"the key file {path}")


def _refuse_shared(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise MissingError(f"the key file {path} is no regular file")
    if status.st_mode & 0o027:
        mode = stat.S_IMODE(status.st_mode)
        raise MissingError(f"the key file {path} is open to others (mode {mode:04o}): run chmod 600 {path}")


def _checked(value: str, where: str) -> Secret:
    text = value.strip()
    if not text:
        raise MissingError(f"{where} is empty")
    if len(text) > MAX_KEY_CHARACTERS or not _KEY.fullmatch(text):
        raise MissingError(f"{where} holds no key: it has white space inside, or is longer than any key")
    return Secret(text)
