"""``haldir enforce``: run a skill confined to its permissions."""

from pathlib import Path
from typing import Annotated

import typer

from haldir_cli.apps import make_app
from haldir_cli.options import RevocationFile, RevocationKeys, SkillFolder, TrustedKeys, TrustStoreFile
from haldir_cli.refusing import RefusingCommand
from haldir_cli.runrequest import LEAST, LevelName, Request

app = make_app()


class _Command(RefusingCommand):
    refusal = "haldir: refused, nothing was run"
    help_line = "Try 'haldir enforce --help' for help."


@app.command(cls=_Command)
def enforce(
    skill: SkillFolder,
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[-- CMD ARG...]", help="The program; by default the skill's entry point.", show_default=False
        ),
    ] = None,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="For development: apply the unsigned permissions.json; is recorded.")
    ] = False,
    require: Annotated[LevelName, typer.Option(help="Refuse to run below this level of isolation.")] = LEAST,
    limits: Annotated[
        str | None,
        typer.Option(
            metavar="JSON|FILE", help="timeout_seconds, processes, memory_mb, disk_mb, output_mb.", show_default=False
        ),
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report of the run there.")] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Capture the output of the program; print the report instead.")
    ] = False,
    audit_log: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Append every grant and deny to this log, chained and signed.")
    ] = None,
    alert_command: Annotated[
        str | None, typer.Option(metavar="CMD", help="Start this for each violation, with JSON on its standard input.")
    ] = None,
    entrypoint: Annotated[
        str | None, typer.Option(metavar="NAME", help="Run this entry point of the skill.", show_default=False)
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show what the skill may do, and run nothing.")] = False,
    key: TrustedKeys = None,
    revocation: RevocationFile = None,
    revocation_key: RevocationKeys = None,
    trust_store: TrustStoreFile = None,
) -> int:
    """Run a skill confined to the permissions that were signed for it.

    The program has the standard streams of this one, untouched.  Exit code: the program's own; 124 if a limit ended it,
    125 if it was refused, 126 if a violation ended it.
    """
    from haldir_cli import enforcing

    return enforcing.enforce(
        Request(
            skill=skill,
            command=tuple(command or ()),
            no_verify=no_verify,
            require=require,
            limits=limits,
            report=report,
            json=json,
            audit_log=audit_log,
            alert_command=alert_command,
            entrypoint=entrypoint,
            explain=explain,
            key=tuple(key or ()),
            revocation=revocation,
            revocation_key=tuple(revocation_key or ()),
            trust_store=trust_store,
        )
    )
