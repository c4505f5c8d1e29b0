"""``haldir schemapin pin``: look at the keys that are pinned, and change them."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from haldir_cli.apps import make_app
from haldir_cli.commands.schemapin._shared import AsJson, PinningDb, open_pins, print_json
from haldir_cli.exits import Exit
from haldir_cli.show import printable, say

if TYPE_CHECKING:
    from haldir_core.canonical import JsonValue
    from haldir_core.schemapin.pins import Pin

app = make_app(help="Look at the keys that are pinned, and change them.")

DomainOption = Annotated[str | None, typer.Option("--domain", help="Of this domain only.")]


class FormatName(StrEnum):
    """The formats of the SDKs, by name; importing them here would slow every start."""

    ROWS = "rows"
    LIGHT = "light"
    JAVASCRIPT = "javascript"
    RUST = "rust"
    SQLITE = "sqlite"


class PolicyName(StrEnum):
    """What can be decided about a domain."""

    DEFAULT = "default"
    ALWAYS_TRUST = "always_trust"
    NEVER_TRUST = "never_trust"
    INTERACTIVE_ONLY = "interactive_only"


@app.command("list")
def list_(
    domain: DomainOption = None,
    tool_id: Annotated[str | None, typer.Option("--tool-id", help="Of this tool only.")] = None,
    json: AsJson = False,
    pinning_db: PinningDb = None,
) -> None:
    """List the pinned keys, and what was decided about domains."""
    with open_pins(pinning_db) as pins:
        found, policies = pins.pins(tool_id=tool_id, domain=domain), pins.policies()
    if json:
        rows: list[JsonValue] = [_row(pin) for pin in found]
        print_json({"pins": rows, "policies": {name: policy.value for name, policy in policies.items()}})
        return
    if not found:
        say("Nothing is pinned: haldir schemapin verify --auto-pin pins the keys of what is valid")
    for pin in found:
        typer.echo(
            printable(f"{pin.tool_id}  {pin.domain}  {pin.fingerprint}  {pin.pinned_at}  {pin.developer_name or ''}")
        )
    for name, policy in policies.items():
        typer.echo(printable(f"{name}  {policy.value}"))


@app.command()
def remove(
    tool_id: Annotated[str, typer.Argument(metavar="TOOL_ID", help="The tool.", show_default=False)],
    domain: Annotated[str, typer.Option(help="Its domain.", show_default=False)],
    fingerprint: Annotated[str | None, typer.Option(help="This key only [default: all of the tool].")] = None,
    pinning_db: PinningDb = None,
) -> int:
    """Forget the key of a tool, so that the next one can be pinned; exit code 1 if none was pinned."""
    with open_pins(pinning_db) as pins:
        gone = pins.remove(tool_id, domain.lower(), fingerprint)
    say(f"Forgotten: {gone} key(s) of {tool_id} of {domain}" if gone else f"No such pin: {tool_id} of {domain}")
    return Exit.GOOD if gone else Exit.NO


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="Pins of any SDK.", show_default=False)],
    pinning_db: PinningDb = None,
) -> None:
    """Take over the pins of another SDK: all of a file, or none.

    Read are the database of the Python SDK, the JSON of all four, and the export of Go, whose database is not read.
    """
    from haldir_cli.clock import now
    from haldir_cli.files import read_file
    from haldir_sdk.schemapin import read_pins
    from haldir_sdk.schemapin.pinformats import MAX_BYTES

    read = read_pins(read_file(source, "pins", MAX_BYTES))
    with open_pins(pinning_db) as pins:
        added = pins.take_over(read.pins, read.policies, now())
    say(f"Pinned: {added} of {len(read.pins)} key(s), the others were pinned already; {len(read.policies)} policies")


@app.command()
def export(
    output: Annotated[Path, typer.Option(metavar="FILE", help="Where they are written.", show_default=False)],
    format_: Annotated[FormatName, typer.Option("--format", help="Who shall read them.")] = FormatName.ROWS,
    pinning_db: PinningDb = None,
) -> None:
    """Write the pins for another SDK."""
    from haldir_cli.files import refuse_special, replace_file
    from haldir_sdk.schemapin import PinFormat, PinSet, write_pins

    refuse_special(output)
    with open_pins(pinning_db) as pins:
        data = write_pins(PinSet(pins.pins(), pins.policies()), PinFormat(format_.value))
    replace_file(output, data, mode=0o600)
    say(f"Written: {output}")


@app.command()
def policy(
    domain: Annotated[str, typer.Argument(metavar="DOMAIN", help="The domain.", show_default=False)],
    decision: Annotated[PolicyName, typer.Argument(metavar="POLICY", help="What is decided.", show_default=False)],
    pinning_db: PinningDb = None,
) -> None:
    """Decide about the keys of a domain; a revoked key stays refused, whatever is decided."""
    from haldir_cli.clock import now
    from haldir_core.schemapin.domains import parse_domain
    from haldir_core.schemapin.pins import DomainPolicy

    name = parse_domain(domain)
    with open_pins(pinning_db) as pins:
        pins.set_policy(name, DomainPolicy(decision.value), now())
    say(f"Decided: {name} {decision.value}")


def _row(pin: "Pin") -> "JsonValue":
    return {
        "tool_id": pin.tool_id,
        "domain": pin.domain,
        "fingerprint": pin.fingerprint,
        "developer_name": pin.developer_name,
        "pinned_at": pin.pinned_at,
        "last_verified": pin.last_verified,
    }
