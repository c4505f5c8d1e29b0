"""Key files on disk: created exclusively, private ones readable by their owner only."""

import contextlib
import os
import stat
from pathlib import Path

from haldir_core.errors import KeyFileError
from haldir_core.keys import PassphraseError, PrivateKey, PublicKey

MAX_KEY_FILE_BYTES = 64 * 1024

_OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY  # a FIFO must not hang


def load_private_key(path: str | os.PathLike[str], passphrase: bytes | None = None) -> PrivateKey:
    """Read a private key file.

    Raises:
        PassphraseError: if the key is encrypted and ``passphrase`` is missing or wrong.
        KeyFileError: if the file cannot be read, holds no Ed25519 private key, or others may read it.
    """
    try:
        return PrivateKey.from_pem(_read_key_file(path), passphrase)
    except PassphraseError as error:
        raise PassphraseError(f"{os.fspath(path)}: {error}") from error
    except KeyFileError as error:
        raise _at(path, error) from error


def load_public_key(path: str | os.PathLike[str]) -> PublicKey:
    """Read a public key from its file, or from the file of an unencrypted private key.

    Raises: KeyFileError if the file cannot be read, holds no Ed25519 key, or one that is not admitted.
    """
    try:
        return PublicKey.from_pem(_read_key_file(path))
    except KeyFileError as error:
        raise _at(path, error) from error


def write_key_pair(
    folder: str | os.PathLike[str], stem: str, key: PrivateKey, *, passphrase: bytes | None = None
) -> tuple[Path, Path, Path]:
    """Write ``stem.key`` (mode 0600), ``stem.pub`` and ``stem.keyid`` and return their paths.

    Nothing is overwritten, and if one file cannot be written none of them is left.

    Raises: KeyFileError if a file exists, ``stem`` is no file name, or the folder is missing or not writable.
    """
    if stem in {"", ".", ".."} or Path(stem).name != stem:
        raise KeyFileError(f"{stem!r} is no file name for a key: name the folder apart from it")
    contents = {
        Path(folder, f"{stem}.key"): (key.to_pem(passphrase), 0o600),
        Path(folder, f"{stem}.pub"): (key.public_key.to_pem(), 0o644),
        Path(folder, f"{stem}.keyid"): (key.keyid.encode("ascii"), 0o644),
    }
    written: list[Path] = []
    try:
        for path, (data, mode) in contents.items():
            _create(path, data, mode)
            written.append(path)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        for path in written:
            with contextlib.suppress(OSError):
                path.unlink()
        raise _cannot_write(error) from error
    private, public, keyid = contents
    return private, public, keyid


def _create(path: Path, data: bytes, mode: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
    except OSError:
        path.unlink()
        raise


def _cannot_write(error: OSError | ValueError) -> KeyFileError:
    if isinstance(error, ValueError):
        return KeyFileError(f"cannot write the key files: {error}")
    if isinstance(error, FileNotFoundError):
        return KeyFileError(f"cannot write {error.filename}: the folder does not exist, make it first")
    if isinstance(error, FileExistsError):
        return KeyFileError(f"{error.filename} exists and is not overwritten: choose another name or folder")
    return KeyFileError(f"cannot write {error.filename}: {error.strerror}")


def _at(path: str | os.PathLike[str], error: KeyFileError) -> KeyFileError:
    text = str(error)
    return error if os.fspath(path) in text else KeyFileError(f"{os.fspath(path)}: {text}")


def _read_key_file(path: str | os.PathLike[str]) -> bytes:
    name = os.fspath(path)
    try:
        fd = os.open(path, _OPEN)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise KeyFileError(f"cannot read the key file {name}: {reason}") from error
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise KeyFileError(f"{name} is not a regular file")
        data = _read_all(fd)
    except OSError as error:
        raise KeyFileError(f"cannot read the key file {name}: {error.strerror}") from error
    finally:
        os.close(fd)
    if len(data) > MAX_KEY_FILE_BYTES:
        raise KeyFileError(f"{name} is larger than {MAX_KEY_FILE_BYTES} bytes: no key file is")
    if b"PRIVATE KEY-----" in data and status.st_mode & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        raise KeyFileError(f"{name} holds a private key that others may read (mode {mode:04o}): run chmod 600 {name}")
    return data


def _read_all(fd: int) -> bytes:
    data = b""
    while len(data) <= MAX_KEY_FILE_BYTES and (more := os.read(fd, MAX_KEY_FILE_BYTES + 1)):
        data += more
    return data
