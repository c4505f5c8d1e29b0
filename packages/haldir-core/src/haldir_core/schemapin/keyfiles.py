"""P-256 key files on disk: created exclusively, private ones readable by their owner only."""

import os
from contextlib import suppress
from pathlib import Path

from haldir_core.errors import KeyFileError
from haldir_core.keyfiles import _at, _cannot_write, _create, _read_key_file
from haldir_core.keys import PassphraseError
from haldir_core.schemapin.keys import PrivateKey, PublicKey

PRIVATE_FILE = "schemapin_private.pem"
"""What the command line of the published package calls a private key."""

PUBLIC_FILE = "schemapin_public.pem"


def load_private_key(path: str | os.PathLike[str], passphrase: bytes | None = None) -> PrivateKey:
    """Read a private key file.

    Raises:
        PassphraseError: if the key is encrypted and ``passphrase`` is missing or wrong.
        KeyFileError: if the file cannot be read, holds no P-256 private key, or others may read it.
    """
    try:
        return PrivateKey.from_pem(_read_key_file(path), passphrase)
    except PassphraseError as error:
        raise PassphraseError(f"{os.fspath(path)}: {error}") from error
    except KeyFileError as error:
        raise _at(path, error) from error


def load_public_key(path: str | os.PathLike[str]) -> PublicKey:
    """Read a public key from its file.

    Raises: KeyFileError if the file cannot be read, or holds no P-256 public key.
    """
    try:
        return PublicKey.from_pem(_read_key_file(path))
    except KeyFileError as error:
        raise _at(path, error) from error


def write_key_pair(
    folder: str | os.PathLike[str], key: PrivateKey, *, passphrase: bytes | None = None
) -> tuple[Path, Path]:
    """Write `PRIVATE_FILE` (mode 0600) and `PUBLIC_FILE` and return their paths.

    Nothing is overwritten, and if one file cannot be written none of them is left.

    Raises: KeyFileError if a file exists, or the folder is missing or not writable.
    """
    private, public = Path(folder, PRIVATE_FILE), Path(folder, PUBLIC_FILE)
    contents = {private: (key.to_pem(passphrase), 0o600), public: (key.public_key.to_pem(), 0o644)}
    written: list[Path] = []
    try:
        for path, (data, mode) in contents.items():
            _create(path, data, mode)
            written.append(path)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        for path in written:
            with suppress(OSError):
                path.unlink()
        raise _cannot_write(error) from error
    return private, public
