"""``haldir sandbox``: run a skill to see what it does."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from haldir_cli.apps import make_app
from haldir_cli.exits import Exit
from haldir_cli.options import SkillFolder
from haldir_cli.show import say, say_marked

if TYPE_CHECKING:
    from haldir_sandbox import SandboxReport

app = make_app()

MOST_SHOWN = 20
_COLOURS = {"critical": "red", "high": "red", "medium": "yellow", "low": ""}
_UNDECIDED = 3


class LevelName(StrEnum):
    """The levels of isolation below which nothing can be told, by name."""

    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    L4 = "L4"
    L5 = "L5"


@app.command()
def sandbox(
    skill: SkillFolder,
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[-- CMD ARG...]", help="Run this; by default all that the skill offers.", show_default=False
        ),
    ] = None,
    limits: Annotated[
        str | None,
        typer.Option(metavar="JSON|FILE", help="timeout_seconds, processes, memory_mb, disk_mb, output_mb of one run."),
    ] = None,
    require: Annotated[LevelName, typer.Option(help="Give no answer below this level of isolation.")] = LevelName.L3,
    entrypoint: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this entry point of the skill.", show_default=False)
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report there.")] = None,
    trace: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write every event there, as lines of JSON, up to 64 MB.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> int:
    """Run a skill confined, deny what it did not declare, and report all that it does and tries.

    Exit code 0 for pass and flag, 1 for reject, 2 if it cannot be read, 3 if the level of isolation is not reached.
    """
    from haldir_cli.files import refuse_special, replace_file
    from haldir_cli.runlimits import read_limits
    from haldir_cli.show import json_text
    from haldir_core import Permissions, UnreadableError, read_skill
    from haldir_core.scratch import PrivateFolder
    from haldir_enforcer import EnforcerError, Level
    from haldir_sandbox import RUN_LIMITS, Options
    from haldir_sandbox import sandbox as run_sandbox

    if report is not None:
        refuse_special(report)
    if command and entrypoint is not None:
        raise typer.BadParameter("give either --entrypoint or a program after --, not both")
    wanted = Level(require.value)
    options = Options(command=tuple(command or ()), only=entrypoint, trace=trace, minimum=wanted)
    with PrivateFolder("haldir-sandbox-") as work:
        snapshot = read_skill(skill, copy_to=work / "skill")
        snapshot.refuse_problems()
        data = (snapshot.vault or {}).get("permissions.json")
        permissions = Permissions.deny_all() if data is None else Permissions.from_bytes(data)
        try:
            found = run_sandbox(snapshot, permissions, read_limits(limits, RUN_LIMITS), options=options)
        except EnforcerError as error:
            raise UnreadableError(str(error)) from error
    code = _exit_code(found, wanted.rank)
    told = _report(found, code)
    if report is not None:
        replace_file(report, f"{json_text(told)}\n".encode(), mode=0o644)
    if json:
        typer.echo(json_text(told))
    _say(found, wanted.value, code)
    return code


def _exit_code(found: "SandboxReport", least: int) -> int:
    if found.level.rank < least:
        return Exit.UNDECIDED
    return Exit.NO if found.status.value == "reject" else Exit.GOOD


def _report(found: "SandboxReport", code: int) -> dict[str, Any]:
    behaviour: Any = found.to_json()
    violations = [deed for deed in behaviour["behaviour"] if deed["class"] == "violation"]
    return {**behaviour, "violations": violations, "exit_code": code}


def _say(found: "SandboxReport", wanted: str, code: int) -> None:
    for finding in found.findings[:MOST_SHOWN]:
        say_marked(f"{finding.severity.value:<8} ", finding.message, _COLOURS[finding.severity.value])
    if len(found.findings) > MOST_SHOWN:
        say(f"... and {len(found.findings) - MOST_SHOWN} more: --json shows all")
    if code == _UNDECIDED:
        missing = "; ".join(found.standing.missing) if found.standing is not None else ""
        say(f"No answer: this machine reaches level {found.level.value}, and {wanted} is required. {missing}")
    else:
        runs = f"{len(found.runs)} runs of {len(found.entry_points)} entry points"
        say(f"{found.status.value}: {runs}, level {found.level.value}, {found.duration_ms / 1000:.1f} s")
    if found.trace_left_out:
        say(f"The trace is cut: {found.trace_left_out} events had no room in it.")
