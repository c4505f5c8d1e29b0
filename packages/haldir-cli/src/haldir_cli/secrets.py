"""Passphrases: from a variable, a descriptor or a prompt, never from the command line."""

import getpass
import os
import sys
from pathlib import Path

import typer

from haldir_cli.show import say
from haldir_core.errors import SigningError
from haldir_core.keyfiles import load_private_key
from haldir_core.keys import PassphraseError, PrivateKey

MAX_PASSPHRASE_BYTES = 4096


def read_passphrase(variable: str | None, descriptor: int | None) -> bytes | None:
    """Return the passphrase that the options name, without its line end; None if they name none.

    Raises: typer.BadParameter if both are given, or the passphrase is missing, empty or too long.
    """
    if variable is not None and descriptor is not None:
        raise typer.BadParameter("give --passphrase-env or --passphrase-fd, not both")
    if variable is not None:
        value = os.environb.get(os.fsencode(variable))
        if value is None:
            raise typer.BadParameter(f"--passphrase-env: the variable {variable} is not set")
        return _checked(value, "--passphrase-env")
    if descriptor is not None:
        try:
            return _checked(_read_line(descriptor), "--passphrase-fd")
        except OSError as error:
            raise typer.BadParameter(
                f"--passphrase-fd: cannot read descriptor {descriptor}: {error.strerror}"
            ) from error
    return None


def open_private_key(path: Path, variable: str | None, descriptor: int | None) -> PrivateKey:
    """Load a private key, asking for its passphrase on a terminal if the options name none.

    Raises: KeyFileError if the key cannot be loaded.
    """
    passphrase = read_passphrase(variable, descriptor)
    try:
        key = load_private_key(path)
    except PassphraseError as error:
        if passphrase is None and not sys.stdin.isatty():
            raise PassphraseError(f"{error} (--passphrase-env VAR or --passphrase-fd N)") from error
    else:
        if passphrase is not None:
            say(f"Note: {path} is not encrypted; the passphrase protects nothing")
        return key
    if passphrase is None:
        passphrase = getpass.getpass(f"Passphrase of {path}: ").encode()
        if not passphrase:
            raise PassphraseError("no passphrase was entered")
    return load_private_key(path, passphrase)


def refuse_key_inside(skill: Path, key: Path) -> None:
    """Return if the key file lies outside the skill.

    Raises: SigningError otherwise: whoever gets the skill would get the key.
    """
    if key.resolve().is_relative_to(skill.resolve()):
        raise SigningError(f"{key}, the private key that signs, is inside the skill: move it out, or everybody gets it")


def _checked(value: bytes, option: str) -> bytes:
    if not value:
        raise typer.BadParameter(f"{option}: the passphrase is empty")
    if len(value) > MAX_PASSPHRASE_BYTES:
        raise typer.BadParameter(f"{option}: the passphrase is longer than {MAX_PASSPHRASE_BYTES} bytes")
    return value


def _read_line(descriptor: int) -> bytes:
    """Return what ``descriptor`` gives up to the first line end."""
    value = b""
    while len(value) <= MAX_PASSPHRASE_BYTES and b"\n" not in value and (more := os.read(descriptor, 1024)):
        value += more
    return value.partition(b"\n")[0].removesuffix(b"\r")
