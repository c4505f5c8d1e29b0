"""``haldir schemapin guarded``: look at the tools of guarded servers, and decide about them."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from haldir_cli.apps import make_app
from haldir_cli.commands.schemapin._guarding import ToolStore, change_lines, tool_store_path
from haldir_cli.commands.schemapin._shared import AsJson, print_json
from haldir_cli.exits import Exit
from haldir_cli.show import printable, say

if TYPE_CHECKING:
    from haldir_core.canonical import JsonObject
    from haldir_core.schemapin.tooldiff import MemberChange
    from haldir_sdk.schemapin.toolpins import Proposal, ToolPinStore

app = make_app(help="Look at the tools of guarded servers, and decide about them.")


def _name(text: str) -> str:
    from haldir_core.errors import MalformedError
    from haldir_core.schemapin import parse_tool_id

    try:
        return parse_tool_id(text)
    except MalformedError as error:
        raise typer.BadParameter(f"no server or tool is called so: {error.reason}") from error


Server = Annotated[
    str, typer.Argument(metavar="SERVER", parser=_name, help="The server, as it is called.", show_default=False)
]
ToolName = Annotated[str, typer.Argument(metavar="TOOL", parser=_name, help="The tool.", show_default=False)]
SomeTool = Annotated[
    str | None, typer.Argument(metavar="[TOOL]", parser=_name, help="This tool only.", show_default=False)
]


@app.command("list")
def list_(
    server: Annotated[
        str | None, typer.Argument(metavar="[SERVER]", parser=_name, help="Of this server only.", show_default=False)
    ] = None,
    json: AsJson = False,
    tools_db: ToolStore = None,
) -> None:
    """List the tools that are pinned, and those that wait for somebody to approve them."""
    with _open(tools_db) as store:
        rows = [row for name in ([server] if server else store.servers()) for row in _rows(store, name)]
    if json:
        print_json({"tools": [*rows]})
        return
    if not rows:
        say("No tools are kept: haldir schemapin guard keeps those that it lets through")
    for row in rows:
        typer.echo(printable("  ".join(str(row[key]) for key in ("server", "tool", "state", "digest", "time"))))


@app.command()
def show(server: Server, tool: SomeTool = None, json: AsJson = False, tools_db: ToolStore = None) -> int:
    """Show what is different in the tools that wait for approval; exit code 1 if none waits."""
    with _open(tools_db) as store:
        waiting = [(proposal, _changes(store, server, proposal)) for proposal in store.proposals(server, tool)]
    if json:
        print_json({"waiting": [_shown(server, proposal, changes) for proposal, changes in waiting]})
    for proposal, changes in waiting if not json else ():
        typer.echo("\n".join(map(printable, _lines(proposal, changes))))
    if not waiting:
        say(f"Nothing of {server} waits for approval")
    return Exit.GOOD if waiting else Exit.NO


@app.command()
def approve(
    server: Server,
    tool: ToolName,
    digest: Annotated[
        str | None,
        typer.Option(metavar="SHA256", help="Approve without asking, if the tool is the one with this digest."),
    ] = None,
    tools_db: ToolStore = None,
) -> int:
    """Pin a tool as it was offered last, after you have seen it; exit code 1 if that is not done."""
    from haldir_cli.clock import now

    with _open(tools_db) as store:
        found = store.proposals(server, tool)
        if not found:
            say(f"Nothing to approve: no tool {tool} of {server} was blocked since it was pinned")
            return Exit.NO
        proposal = found[0]
        if not _agreed(proposal, _changes(store, server, proposal), digest):
            return Exit.NO
        if not store.approve(server, proposal, now()):
            say("The server has offered another one in the meantime: look again")
            return Exit.NO
    say(f"Approved: {tool} of {server} ({proposal.digest}); the client sees it when it lists the tools again")
    return Exit.GOOD


@app.command()
def forget(server: Server, tool: SomeTool = None, tools_db: ToolStore = None) -> int:
    """Forget a tool, or all of a server, so that the next one is new; exit code 1 if none was kept."""
    with _open(tools_db) as store:
        gone = store.forget(server, tool)
    say(f"Forgotten: {gone} of {server}" if gone else f"Nothing is kept of {server}")
    return Exit.GOOD if gone else Exit.NO


def _open(tools_db: Path | None) -> "ToolPinStore":
    from haldir_sdk.schemapin.toolpins import ToolPinStore

    return ToolPinStore(tool_store_path(tools_db))


def _rows(store: "ToolPinStore", server: str) -> "Iterator[JsonObject]":
    for stored in store.stored(server):
        pin = stored.pin
        yield {
            "server": server,
            "tool": pin.name,
            "state": pin.approval.value,
            "digest": pin.digest,
            "time": stored.pinned_at,
            "signed_by": pin.signed_by,
        }
    for proposal in store.proposals(server):
        yield {
            "server": server,
            "tool": proposal.name,
            "state": "waiting",
            "digest": proposal.digest,
            "time": proposal.seen_at,
            "reason": proposal.reason,
        }


def _changes(store: "ToolPinStore", server: str, proposal: "Proposal") -> "tuple[MemberChange, ...]":
    """Return how a proposal differs from what is pinned; from nothing if nothing is."""
    from haldir_core.schemapin.tooldiff import tool_difference

    pin = store.pins(server, [proposal.name]).get(proposal.name)
    return tool_difference(b"{}" if pin is None else pin.content, proposal.content)


def _lines(proposal: "Proposal", changes: "tuple[MemberChange, ...]") -> Iterator[str]:
    yield f"{proposal.name}: {proposal.reason} ({proposal.digest}, {proposal.seen_at})"
    yield from change_lines(changes)


def _shown(server: str, proposal: "Proposal", changes: "tuple[MemberChange, ...]") -> "JsonObject":
    return {
        "server": server,
        "tool": proposal.name,
        "digest": proposal.digest,
        "reason": proposal.reason,
        "seen_at": proposal.seen_at,
        "changes": [change.to_json() for change in changes],
    }


def _agreed(proposal: "Proposal", changes: "tuple[MemberChange, ...]", digest: str | None) -> bool:
    """Whether somebody has seen the change and wants it: by its digest, or by saying so on a terminal."""
    say(*_lines(proposal, changes))
    if digest is not None:
        if digest == proposal.digest:
            return True
        say(f"Not approved: the tool is another one now ({proposal.digest})")
        return False
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        say(f"Not approved: say so on a terminal, or give --digest {proposal.digest}")
        return False
    say("Approve it? yes / no (Enter means no):")
    return sys.stdin.readline().strip().lower() == "yes"
