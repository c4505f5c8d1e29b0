"""Bundles of rules from files: signed ones to scan with, and sources or unsigned ones to try out."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from haldir_cli.files import read_file
from haldir_cli.trusted import read_store
from haldir_core.errors import MalformedError, UnreadableError
from haldir_core.keyfiles import load_public_key
from haldir_core.keys import KeyRole, PublicKey
from haldir_core.signedrules import SignedRules
from haldir_scanner import BundleError, RuleBundle

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SOURCES = 500


def open_bundle(path: Path, keys: Sequence[Path], store_file: Path | None) -> RuleBundle:
    """Return the bundle of a file, which a trusted key must have signed.

    Trusted are the keys that are named, else the authorities of the trust store: whoever signs skills must not choose
    the rules by which they are judged.

    Raises:
        typer.BadParameter: if no key is trusted for rules.
        UnreadableError: if the file cannot be read, is not signed by a trusted key, or holds no bundle.
    """
    trusted = _trusted(keys, store_file)
    data = read_file(path, "bundle of rules")
    try:
        signed = SignedRules.from_bytes(data)
    except MalformedError as error:
        raise UnreadableError(f"{path} is no signed bundle of rules ({error.reason}): {_HOW}") from error
    signer = signed.signer_among(trusted)
    if signer is None:
        named = ", ".join(signature.keyid for signature in signed.signatures[:3])
        raise UnreadableError(f"{path} is not signed by a trusted key (it names {named}); nothing was scanned with it")
    return _bundle(path, signed.payload_bytes())


def read_bundle(path: Path) -> RuleBundle:
    """Return the bundle that a file holds, signed or not; the signature does not count here.

    Raises: UnreadableError if the file cannot be read, or holds no bundle.
    """
    data = read_file(path, "bundle of rules")
    try:
        data = SignedRules.from_bytes(data).payload_bytes()
    except MalformedError:
        return _bundle(path, data)
    return _bundle(path, data)


def compile_folder(folder: Path, version: str | None) -> bytes:
    """Return the bundle that the TOML files of a folder describe.

    Raises: UnreadableError if there are none, or one cannot be read or describes no valid rules.
    """
    from haldir_scanner.bundles import compile_bundle  # noqa: PLC0415 - only authors need it

    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".toml")
    except OSError as error:
        raise UnreadableError(f"cannot read the folder {folder}: {error.strerror}") from error
    if not 0 < len(paths) <= MAX_SOURCES:
        raise UnreadableError(f"{folder} holds {len(paths)} TOML files; rules are written in 1 to {MAX_SOURCES}")
    sources: Mapping[str, str] = {path.name: _text(path) for path in paths}
    try:
        return compile_bundle(sources, version=version)
    except BundleError as error:
        raise UnreadableError(f"{folder}: {error}") from error


_HOW = "haldir rules build DIR --output FILE --key FILE makes one"


def _trusted(keys: Sequence[Path], store_file: Path | None) -> list[PublicKey]:
    named = [load_public_key(path) for path in keys]
    if named and store_file is None:
        return named
    stored = [entry.key for entry in read_store(store_file).keys if entry.role is KeyRole.AUTHORITY]
    if not named and not stored:
        raise typer.BadParameter(
            "nobody is trusted to sign rules: give --key FILE, or keep a key with: "
            "haldir trust add --key FILE --role authority",
            param_hint="--bundle",
        )
    return [*named, *stored]


def _bundle(path: Path, data: bytes) -> RuleBundle:
    try:
        return RuleBundle.from_bytes(data)
    except BundleError as error:
        raise UnreadableError(f"{path} is no bundle of rules: {error}") from error


def _text(path: Path) -> str:
    try:
        return read_file(path, "rules file").decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"cannot read the rules file {path}: no UTF-8 at byte {error.start}") from error
