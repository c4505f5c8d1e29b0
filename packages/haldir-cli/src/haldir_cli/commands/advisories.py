"""``haldir advisories``: keep the known vulnerabilities that packages are compared with."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from haldir_cli.apps import make_app
from haldir_cli.exits import Exit
from haldir_cli.show import say

if TYPE_CHECKING:
    from haldir_core.canonical import JsonValue

app = make_app(help="Keep the known vulnerabilities that packages are compared with.")

SHOWN_PACKAGES = 20

Sources = Annotated[
    list[Path],
    typer.Argument(metavar="SOURCE...", help="Folders or ZIP files of OSV records.", show_default=False),
]
Output = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Where the database is written [default: where haldir audit looks for it]."),
]
Database = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="Look here: a database, or a folder or ZIP file of OSV records [default: what was imported].",
    ),
]


@app.command("import")
def import_(source: Sources, output: Output = None) -> int:
    """Make a database of OSV records, so that haldir audit needs no network.

    The new database replaces the one that was there; if anything cannot be read, the old one stays as it is.
    Exit code 0 if it was made, 2 if not.
    """
    from haldir_auditor.vulnerabilities.compiling import compile_database
    from haldir_auditor.vulnerabilities.interface import SourceError
    from haldir_auditor.vulnerabilities.records import format_time
    from haldir_cli.files import make_private_folder, refuse_link
    from haldir_core.errors import UnreadableError

    place = _default() if output is None else output
    if output is None:
        make_private_folder(place.parent)
        refuse_link(place)
    try:
        compiled = compile_database(source, place)
    except SourceError as error:
        raise UnreadableError(str(error)) from error
    counts = ", ".join(f"{count} of {ecosystem}" for ecosystem, count in compiled.ecosystems.items())
    say(f"{place}: {compiled.records} record(s), the newest of {format_time(compiled.as_of)}: {counts}")
    if compiled.withdrawn:
        say(f"Left out: {compiled.withdrawn} that were withdrawn")
    if compiled.ignored:
        say(f"Passed over: {compiled.ignored} document(s) that are no records")
    if compiled.passed_over:
        say(f"Not looked at: {compiled.passed_over} document(s) whose names begin with a dot, or that are links")
    return Exit.GOOD


@app.command()
def show(
    identifier: Annotated[
        str, typer.Argument(metavar="ID", help="An id or an alias, e.g. of CVE or GHSA.", show_default=False)
    ],
    advisories: Database = None,
    json: Annotated[bool, typer.Option("--json", help="Print the records as JSON.")] = False,
) -> int:
    """Show what is known under an id.

    Exit code 0 if there is something, 1 if not, 2 if there is no database.
    """
    from haldir_auditor.vulnerabilities.interface import SourceError
    from haldir_auditor.vulnerabilities.opening import open_advisories
    from haldir_cli.show import json_text
    from haldir_core.errors import UnreadableError

    place = _default() if advisories is None else advisories
    if advisories is None and not place.exists():
        raise UnreadableError("there is no database yet: make one with haldir advisories import")
    try:
        found = open_advisories(place).documents(identifier)
    except SourceError as error:
        raise UnreadableError(str(error)) from error
    if json:
        typer.echo(json_text(cast("list[JsonValue]", list(found))))
    else:
        for document in found:
            _describe(document)
    if not found:
        say(f"Nothing is known under {identifier}")
    return Exit.GOOD if found else Exit.NO


def _default() -> Path:
    from haldir_cli.commands.audit import DATABASE
    from haldir_cli.home import state_folder

    return state_folder() / DATABASE


def _describe(document: Mapping[str, object]) -> None:
    """Print a record in words."""
    from haldir_auditor.vulnerabilities.cvss import rate
    from haldir_auditor.vulnerabilities.records import Affected, format_time, parse_record
    from haldir_cli.show import printable

    def versions(entry: Affected) -> str:
        ranges = ["; ".join(f"{event.kind} {event.version}" for event in one.events) for one in entry.ranges]
        return " | ".join([*ranges, *([f"{len(entry.versions)} listed"] if entry.versions else [])])

    record = parse_record(document)
    judged = rate([*record.ratings, *(own for entry in record.affected for own in entry.ratings)], record.word)
    severity = "critical, malware" if record.malicious else judged.severity if judged else "not rated"
    lines = [f"{record.id}: {record.summary}", f"  severity: {severity}{f' ({judged.vector})' if judged else ''}"]
    lines += [f"  also: {', '.join(record.aliases)}"] if record.aliases else []
    lines += [f"  {entry.ecosystem} {entry.name}: {versions(entry)}" for entry in record.affected[:SHOWN_PACKAGES]]
    if len(record.affected) > SHOWN_PACKAGES:
        lines.append(f"  ... and {len(record.affected) - SHOWN_PACKAGES} more packages: --json shows all")
    lines += [f"  modified: {format_time(record.modified)}"] + ([f"  more: {record.url}"] if record.url else [])
    for line in lines:
        typer.echo(printable(line))
