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
    from haldir_core.schemapin.bundles import TrustBundle
    from haldir_core.schemapin.keys import PrivateKey
    from haldir_core.schemapin.pins import Decision, PinLedger, Question
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


Authority = Annotated[
    Path | None,
    typer.Option("--authority", metavar="FILE", help="The key that must have signed the bundle; it is not pinned."),
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


def only_authority(path: Path, bundle: "TrustBundle") -> "PinLedger":
    """Return pins that know one key alone, by the name that the bundle gives it."""
    from haldir_core.schemapin import MemoryPins, Mode, Pin, load_public_key
    from haldir_core.schemapin.domains import ToolId
    from haldir_core.schemapin.pins import AUTHORITY_DOMAIN

    kid = bundle.authority.kid if bundle.authority else ""
    pin = Pin(tool_id=ToolId(kid), domain=AUTHORITY_DOMAIN, fingerprint=load_public_key(path).fingerprint)
    return MemoryPins([pin], mode=Mode.STRICT)


def _accept_once(question: "Question") -> "Decision":
    """Use the first key of a tool without pinning it; whatever else comes is refused.

    So is an authority that is not pinned: it speaks for every domain, and nothing but a pin says who it is.
    """
    from haldir_core.schemapin.pins import AUTHORITY_DOMAIN, Decision, Prompt
    from haldir_sdk.schemapin.prompts import question_lines

    candidate = question.candidate
    if candidate.domain == AUTHORITY_DOMAIN and question.prompt is Prompt.FIRST_TIME_KEY:
        say(
            f"The authority {candidate.tool_id} ({candidate.fingerprint}) is not pinned: if that is its key, --auto-pin"
        )
        return Decision.REJECT
    if question.prompt is Prompt.FIRST_TIME_KEY:
        return Decision.TEMPORARY_ACCEPT
    say(*question_lines(question)[: 5 + len(question.pinned)])
    return Decision.REJECT


def expiry(days: int | None, now: datetime) -> datetime | None:
    """Return the moment that many days from now; None for no end."""
    return None if days is None else now + timedelta(days=days)


def batch_files(folder: Path, pattern: str) -> Iterator[Path]:
    """Yield the files of a folder that match, sorted by name.

    Raises: typer.BadParameter if there is no such folder, nothing matches, too much does, or something that is no
        file: who reads the folder later could follow a link that nobody verified.
    """
    if not folder.is_dir():
        raise typer.BadParameter(f"--batch: {folder} is no folder")
    if not pattern or pattern.startswith("/") or ".." in pattern:
        raise typer.BadParameter(f"--pattern: {pattern!r} leads out of the folder")
    matching = sorted(folder.glob(pattern))
    odd = [path for path in matching if path.is_symlink() or not (path.is_file() or path.is_dir())]
    if odd:
        raise typer.BadParameter(f"--batch: {odd[0]} is no regular file, and would be left out")
    found = [path for path in matching if path.is_file()]
    if not found or len(found) > MAX_BATCH:
        raise typer.BadParameter(
            f"--batch: {len(found)} files in {folder} match {pattern!r}; 1 to {MAX_BATCH} can be taken"
        )
    yield from found


def read_stdin(noun: str, max_bytes: int) -> bytes:
    """Return what standard input holds, up to one byte more than ``max_bytes``.

    Raises: UnreadableError if it is closed.
    """
    from haldir_core.errors import UnreadableError

    if sys.stdin is None or sys.stdin.closed:
        raise UnreadableError(f"cannot read the {noun}: standard input is closed")
    return sys.stdin.buffer.read(max_bytes + 1)


def pinning_of(*, auto_pin: bool, interactive: bool) -> Pinning:
    """Return what the options say about keys that are not pinned.

    Raises: typer.BadParameter if they contradict each other.
    """
    if auto_pin and interactive:
        raise typer.BadParameter("give --auto-pin or --interactive: first keys are pinned, or somebody is asked")
    return Pinning.AUTO if auto_pin else Pinning.ASK if interactive else Pinning.LOOK


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
