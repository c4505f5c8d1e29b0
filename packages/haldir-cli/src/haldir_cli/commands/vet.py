"""``haldir vet``: vet a skill folder and report what was found."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from haldir_cli.apps import make_app
from haldir_cli.exits import Exit
from haldir_cli.options import SkillFolder
from haldir_cli.show import say

if TYPE_CHECKING:
    from haldir_core import Finding, VettingReport

app = make_app()

SHOWN_FINDINGS = 20


@app.command()
def vet(
    skill: SkillFolder,
    json: Annotated[bool, typer.Option("--json", help="Print the vetting report as JSON.")] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report, for haldir sign --vetting-report.")
    ] = None,
    publisher_note: Annotated[
        str | None, typer.Option(metavar="TEXT", help="A note of the publisher that becomes part of the report.")
    ] = None,
) -> int:
    """Vet a skill folder.

    Today one layer runs, the static scan; nothing of the skill is executed.
    Exit code 0 if it is approved, 1 if it is rejected, 3 if a person must look at it.
    """
    from haldir_cli.clock import now
    from haldir_cli.files import refuse_special, replace_file
    from haldir_cli.show import json_text
    from haldir_core import Status
    from haldir_core.report import MAX_NOTE, utf16_length
    from haldir_pipeline import vet_folder

    if utf16_length(publisher_note or "") > MAX_NOTE:
        raise typer.BadParameter(f"is longer than {MAX_NOTE} UTF-16 units", param_hint="--publisher-note")
    if report is not None:
        refuse_special(report)  # before the work, not after it
    if sys.stderr.isatty():
        say(f"Vetting {skill} ...")
    found = vet_folder(skill, clock=now, publisher_note=publisher_note)
    if report is not None:
        replace_file(report, found.to_bytes(), mode=0o644)
    if json:
        typer.echo(json_text(found.to_json()))
    _show(skill, found)
    return {Status.PASS: Exit.GOOD, Status.FLAG: Exit.UNDECIDED, Status.REJECT: Exit.NO}[found.overall_status]


def _show(skill: Path, report: "VettingReport") -> None:
    """Tell a person what was found."""
    words = {"pass": "APPROVED", "flag": "A PERSON MUST LOOK AT IT", "reject": "REJECTED"}
    say(f"{skill}: {words[report.overall_status]}")
    for layer in report.layers:
        say(f"  {layer.name}: {layer.status}, {len(layer.findings)} finding(s)")
        for finding in layer.findings[:SHOWN_FINDINGS]:
            say(f"    {_place(finding)}: {finding.severity}: {finding.message}")
            if finding.match:
                say(f"        {finding.match[:160]}")
        if len(layer.findings) > SHOWN_FINDINGS:
            say(f"    ... and {len(layer.findings) - SHOWN_FINDINGS} more (--json shows all)")


def _place(finding: "Finding") -> str:
    where = finding.file or "skill"
    return where if finding.line is None else f"{where}:{finding.line}"
