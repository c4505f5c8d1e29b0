"""``haldir schemapin guard``: stand between an MCP client and its server, and let only known tools through."""

import contextlib
import hashlib
import re
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from attrs import frozen

from haldir_cli.apps import make_app
from haldir_cli.commands.schemapin._guarding import (
    ChangedName,
    FirstUseName,
    Told,
    ToolStore,
    UnsignedName,
    person,
    tool_store_path,
)
from haldir_cli.commands.schemapin._shared import Pinning, PinningDb, open_pins
from haldir_cli.exits import RunExit
from haldir_cli.refusing import RefusingCommand
from haldir_cli.show import say

if TYPE_CHECKING:
    from haldir_sdk.schemapin import PinStore, Resolver
    from haldir_sdk.schemapin.guard import Guard, Outcome
    from haldir_sdk.schemapin.toolsignatures import ChecksTools

app = make_app()

RELAYED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What ends the server when it comes to this process."""

MAX_SERVER_CHARACTERS = 200


class _Command(RefusingCommand):
    refusal = "haldir guard: refused"
    help_line = "Try 'haldir schemapin guard --help' for help."


@app.command(cls=_Command)
def guard(
    command: Annotated[
        list[str], typer.Argument(metavar="-- CMD ARG...", help="The server, and its arguments.", show_default=False)
    ],
    server: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="How you call the server [default: from its command line].", show_default=False
        ),
    ] = None,
    first_use: Annotated[FirstUseName, typer.Option(help="What becomes of tools that are new.")] = FirstUseName.PIN,
    unsigned: Annotated[
        UnsignedName, typer.Option(help="What becomes of tools without a valid signature of --domain.")
    ] = UnsignedName.PIN,
    changed: Annotated[
        ChangedName, typer.Option(help="What becomes of tools that changed, and that no valid signature covers.")
    ] = ChangedName.BLOCK,
    domain: Annotated[
        str | None, typer.Option(help="Whose signatures count; its key is found by discovery.", show_default=False)
    ] = None,
    signed: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Signed tools, as haldir schemapin sign writes them.", show_default=False),
    ] = None,
    discovery_dir: Annotated[
        Path | None, typer.Option("--discovery-dir", metavar="DIR", help="Read DOMAIN.json here; fetch nothing.")
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Look into this signed trust bundle; fetch nothing.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Append every verdict to this file, one JSON object a line.")
    ] = None,
    max_message_mb: Annotated[
        int, typer.Option("--max-message-mb", metavar="N", min=1, max=256, help="Longest message that passes.")
    ] = 16,
    pinning_db: PinningDb = None,
    tools_db: ToolStore = None,
) -> int:
    """Start an MCP server, and let its client see only tools that are as they were when they were admitted.

    Give this in the place of the server's command.  Exit code: the server's own; 124 if a message was too long, 125 if
    the server was not started, or the guard could not go on.
    """
    from haldir_cli.clock import now
    from haldir_core.errors import HaldirError
    from haldir_core.schemapin.toolguard import Changed, FirstUse, GuardPolicy, Unsigned
    from haldir_sdk.schemapin.guard import Guard
    from haldir_sdk.schemapin.tooljudge import ToolJudge, answer_no
    from haldir_sdk.schemapin.toolpins import ToolPinStore

    request = _Request(
        server=server, domain=domain, signed=signed, discovery_dir=discovery_dir, bundle=bundle, pinning_db=pinning_db
    )
    try:
        _check(request)
        name = server or default_name(command)
        policy = GuardPolicy(
            first_use=FirstUse(first_use.value), unsigned=Unsigned(unsigned.value), changed=Changed(changed.value)
        )
        with (
            ToolPinStore(tool_store_path(tools_db)) as store,
            _signatures(request) as signatures,
            Told(name, report) as told,
        ):
            ask = person() if policy.changed is Changed.ASK else answer_no
            judge = ToolJudge(name, store, policy=policy, signatures=signatures, ask=ask, clock=now)
            say(f"haldir guard: the server is called {name}")
            return _ended(_run(Guard(judge, watcher=told, max_line_bytes=max_message_mb << 20), command))
    except (HaldirError, typer.BadParameter, OSError) as error:
        say(f"haldir guard: refused: {error.message if isinstance(error, typer.BadParameter) else error}")
        return RunExit.REFUSED


def default_name(command: Sequence[str]) -> str:
    """Return the name of a server that was given none: its program, and a digest of all its arguments."""
    digest = hashlib.sha256(shlex.join(command).encode("utf-8", "surrogateescape")).hexdigest()
    program = re.sub(r"[^A-Za-z0-9._-]", "_", Path(command[0]).name)
    return f"{program[:60]}-{digest[:12]}"


@frozen
class _Request:
    """Where signatures come from, as the command line says."""

    server: str | None
    domain: str | None
    signed: Path | None
    discovery_dir: Path | None
    bundle: Path | None
    pinning_db: Path | None


def _check(request: _Request) -> None:
    """Return if the request can be answered as it was made.

    Raises: typer.BadParameter or MalformedError if not.
    """
    from haldir_core.schemapin import parse_domain, parse_tool_id

    if sys.stdin is None or sys.stdout is None:  # their numbers would go to other files of ours
        raise typer.BadParameter("standard input and output are closed: the client must be there")
    if request.server is not None:
        parse_tool_id(request.server)
        if len(request.server) > MAX_SERVER_CHARACTERS:
            raise typer.BadParameter(f"--server: has more than {MAX_SERVER_CHARACTERS} characters")
    if request.domain is not None:
        parse_domain(request.domain)
    elif request.signed or request.discovery_dir or request.bundle:
        raise typer.BadParameter("give --domain too: nobody's signature counts unless you say whose")
    if request.bundle is not None and request.discovery_dir is not None:
        raise typer.BadParameter("give --bundle or --discovery-dir, not both")


@contextlib.contextmanager
def _signatures(request: _Request) -> "Iterator[ChecksTools]":
    """Give what checks signatures of the domain that was named; without one, nobody's count."""
    from haldir_cli.clock import now
    from haldir_core.schemapin import parse_domain
    from haldir_sdk.schemapin import Client, SchemaCache
    from haldir_sdk.schemapin.toolsignatures import DomainSignatures, NoSignatures, OnceResolver, read_signed_folder

    if request.domain is None:
        yield NoSignatures()
        return
    files = None if request.signed is None else read_signed_folder(request.signed)
    with open_pins(request.pinning_db, Pinning.AUTO) as pins:
        memory = OnceResolver(_resolver(request, pins))
        client = Client(pins, memory, cache=SchemaCache(), clock=now)
        yield DomainSignatures(client, memory, parse_domain(request.domain), files)


def _resolver(request: _Request, pins: "PinStore") -> "Resolver":
    from haldir_cli.clock import now
    from haldir_cli.files import read_file
    from haldir_sdk.schemapin import Fetcher, FolderResolver, WellKnownResolver, open_bundle

    if request.bundle is not None:
        return open_bundle(read_file(request.bundle, "trust bundle"), pins, now=now())
    if request.discovery_dir is not None:
        return FolderResolver(request.discovery_dir)
    return WellKnownResolver(Fetcher())


def _run(guard: "Guard", command: Sequence[str]) -> "Outcome":
    """Return what became of a session; signals to this process end the server."""
    import asyncio

    async def session() -> "Outcome":
        loop = asyncio.get_running_loop()
        relayed = [number for number in RELAYED if signal.getsignal(number) is not signal.SIG_IGN]
        for number in relayed:
            loop.add_signal_handler(number, guard.stop, number)
        try:
            return await guard.run(command)
        finally:
            for number in relayed:
                loop.remove_signal_handler(number)

    return asyncio.run(session())


def _ended(outcome: "Outcome") -> int:
    from haldir_sdk.schemapin.guard import Ending

    if outcome.ending is Ending.EXITED:
        return outcome.code
    say(f"haldir guard: the session has ended: {outcome.message}")
    return RunExit.LIMIT if outcome.ending is Ending.LIMIT else RunExit.REFUSED
