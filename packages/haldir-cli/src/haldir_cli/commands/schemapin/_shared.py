"""What the commands share: options, keys, moments, the pin store of the user."""

import getpass
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from haldir_cli.home import state_folder
from haldir_cli.show import say

if TYPE_CHECKING:
    from haldir_core.canonical import JsonObject
    from haldir_core.schemapin.keys import PrivateKey
    from haldir_core.schemapin.pins import Decision, Question
    from haldir_sdk.schemapin import PinStore

PIN_STORE = "schemapin-pins.db"
MAX_BATCH = 10_000

SigningKeyFile = Annotated[
    Path, typer.Option("--key", metavar="FILE", help="The private key that signs (PEM).", show_default=False)
]
PinningDb = Annotated[
    Path | None, typer.Option("--pinning-db", metavar="FILE", help="Use this pin store instead of your own.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Pattern = Annotated[str, typer.Option(metavar="GLOB", help="Which files of a --batch folder are taken.")]
ExpiresIn = Annotated[
    int | None, typer.Option("--expires-in", metavar="DAYS", min=1, max=36_500, help="Days until it expires.")
]


class Pinning(StrEnum):
    """What becomes of a key that is not pinned."""

    LOOK = "look"
    """It is accepted for now; nothing is pinned."""
    AUTO = "auto"
    ASK = "ask"


def open_key(path: Path, variable: str | None, descriptor: int | None) -> "PrivateKey":
    """Load a P-256 private key, asking for its passphrase on a terminal if the options name none.

    Raises: KeyFileError if the key cannot be loaded.
    """
    from haldir_cli.secrets import read_passphrase
    from haldir_core.keys import PassphraseError
    from haldir_core.schemapin.keyfiles import load_private_key

    passphrase = read_passphrase(variable, descriptor)
    try:
        return load_private_key(path, passphrase)
    except PassphraseError as error:
        if passphrase is not None or not sys.stdin.isatty():
            raise PassphraseError(f"{error} (--passphrase-env VAR or --passphrase-fd N)") from error
    entered = getpass.getpass(f"Passphrase of {path}: ").encode()
    if not entered:
        raise PassphraseError("no passphrase was entered")
    return load_private_key(path, entered)


def pin_store_path(named: Path | None) -> Path:
    """Return the path of the pin store: the one that was named, or the user's own."""
    return named or state_folder() / PIN_STORE


def open_pins(named: Path | None, pinning: Pinning = Pinning.LOOK) -> "PinStore":
    """Open the pin store; what it does with a key that is not pinned is as ``pinning`` says."""
    from haldir_core.schemapin.pins import Mode, reject_all
    from haldir_sdk.schemapin import PinStore, terminal_prompt

    path = pin_store_path(named)
    if pinning is Pinning.AUTO:
        return PinStore(path)
    decide = _accept_once if pinning is Pinning.LOOK else terminal_prompt() or reject_all
    return PinStore(path, mode=Mode.INTERACTIVE, decide=decide)


def _accept_once(question: "Question") -> "Decision":
    """Use the first key of a tool without pinning it; whatever else comes is refused."""
    from haldir_core.schemapin.pins import AUTHORITY_DOMAIN, Decision, Prompt
    from haldir_sdk.schemapin.prompts import question_lines

    if question.prompt is Prompt.FIRST_TIME_KEY:
        candidate = question.candidate
        if candidate.domain == AUTHORITY_DOMAIN:
            say(f"Note: the authority {candidate.tool_id} ({candidate.fingerprint}) is not pinned; --auto-pin pins it")
        return Decision.TEMPORARY_ACCEPT
    say(*question_lines(question)[: 5 + len(question.pinned)])
    return Decision.REJECT


def expiry(days: int | None, now: datetime) -> datetime | None:
    """Return the moment that many days from now; None for no end."""
    return None if days is None else now + timedelta(days=days)


def batch_files(folder: Path, pattern: str) -> Iterator[Path]:
    """Yield the files of a folder that match, sorted by name; links are not followed.

    Raises: typer.BadParameter if there is no such folder, nothing matches, or too much does.
    """
    if not folder.is_dir():
        raise typer.BadParameter(f"--batch: {folder} is no folder")
    if not pattern or pattern.startswith("/") or ".." in pattern:
        raise typer.BadParameter(f"--pattern: {pattern!r} leads out of the folder")
    found = sorted(path for path in folder.glob(pattern) if path.is_file() and not path.is_symlink())
    if not found or len(found) > MAX_BATCH:
        raise typer.BadParameter(
            f"--batch: {len(found)} files in {folder} match {pattern!r}; 1 to {MAX_BATCH} can be taken"
        )
    yield from found


def one_of(**options: object) -> str:
    """Return the name of the one option that was given.

    Raises: typer.BadParameter if none or several were.
    """
    given = [name for name, value in options.items() if value]
    names = ", ".join(f"--{name}" for name in options)
    if len(given) != 1:
        raise typer.BadParameter(f"give one of {names}")
    return given[0]


def print_json(value: "JsonObject") -> None:
    """Print a result on stdout."""
    from haldir_cli.show import json_text

    typer.echo(json_text(value))
