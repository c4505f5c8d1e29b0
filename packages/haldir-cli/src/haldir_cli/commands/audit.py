"""``haldir audit``: look at what a skill takes from elsewhere, without running or installing anything."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from attrs import frozen

from haldir_cli.apps import make_app
from haldir_cli.exits import Exit
from haldir_cli.options import SkillFolder
from haldir_cli.show import say, say_marked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import NoReturn

    from haldir_auditor import AuditReport, Settings, VulnerabilitySource

app = make_app()

DATABASE = "advisories.sqlite"
"""Where ``haldir advisories import`` puts its database, in the folder of the program's state."""

_COLOURS = {"PASS": "green", "FLAG": "yellow", "REJECT": "red", "  critical": "red", "  high": "red"}
_COLOURS |= {"  medium": "yellow", "  low": "cyan", "  NOT CHECKED": "red"}


class SeverityName(StrEnum):
    """The severities of haldir_auditor, by name; importing them here would slow every start."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class TypeName(StrEnum):
    """The types of haldir_auditor, by name."""

    SKILL = "skill.md"
    MCP = "mcp"


@frozen(kw_only=True)
class _Outputs:
    """The files that are written."""

    sarif: Path | None
    cyclonedx: Path | None
    openvex: Path | None


Threshold = Annotated[
    SeverityName, typer.Option("--fail-on", help="Exit with 1 if there is an issue of at least this severity.")
]
IgnoreFiles = Annotated[
    list[Path] | None,
    typer.Option("--ignore", metavar="FILE", help="Issues that were looked at and are accepted; repeatable."),
]
VexFiles = Annotated[
    list[Path] | None,
    typer.Option("--vex", metavar="FILE", help="An OpenVEX document about the packages; repeatable."),
]
Indexes = Annotated[
    list[str] | None,
    typer.Option("--index", metavar="URL", help="Allow this package index besides the public ones; repeatable."),
]
PrivateNames = Annotated[
    list[str] | None,
    typer.Option(
        "--private-name",
        metavar="NAME",
        help="A name, or with / or - at its end a prefix, that is private; repeatable.",
    ),
]


@app.command()
def audit(
    skill: SkillFolder,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    sarif: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a SARIF 2.1.0 log too.")] = None,
    cyclonedx: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a CycloneDX 1.6 bill of materials with VEX too.")
    ] = None,
    openvex: Annotated[Path | None, typer.Option(metavar="FILE", help="Write an OpenVEX document too.")] = None,
    fail_on: Threshold = SeverityName.HIGH,
    kind: Annotated[TypeName, typer.Option("--type", help="What it is: a server may need more packages.")] = (
        TypeName.SKILL
    ),
    no_cve: Annotated[bool, typer.Option("--no-cve", help="Do not compare with known vulnerabilities.")] = False,
    osv_url: Annotated[
        str | None, typer.Option("--osv-url", metavar="URL", help="Ask this service with the API of OSV.")
    ] = None,
    advisories: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Use these advisories: a folder or ZIP file of OSV records, or a database."),
    ] = None,
    ignore: IgnoreFiles = None,
    vex: VexFiles = None,
    index: Indexes = None,
    private_name: PrivateNames = None,
) -> int:
    """Audit what a skill takes from elsewhere; nothing of it is run or installed.

    Exit code 0 if there is no issue of the severity of --fail-on, 1 if there is one, 2 if something cannot be read,
    3 if there is none but packages could not be compared with known vulnerabilities.
    """
    from haldir_auditor import Comparison, Settings, SkillType
    from haldir_auditor import audit as run_audit
    from haldir_cli.clock import now
    from haldir_cli.files import refuse_special
    from haldir_cli.show import json_text

    if no_cve and (osv_url is not None or advisories is not None):
        raise typer.BadParameter("compares with nothing: leave out --osv-url and --advisories", param_hint="--no-cve")
    outputs = _Outputs(sarif=sarif, cyclonedx=cyclonedx, openvex=openvex)
    for path in (sarif, cyclonedx, openvex):
        if path is not None:
            refuse_special(path)  # before the work, not after it
    moment = now()
    settings = Settings(
        skill_type=SkillType(kind.value),
        indexes=tuple(index or ()),
        private_names=tuple(private_name or ()),
        comparison=Comparison.NOT_ASKED if no_cve else Comparison.WANTED,
    )
    settings = _with_exceptions(settings, skill, ignore or (), vex or (), moment)
    source = None if no_cve else _source(osv_url, advisories)
    report = run_audit(skill, source=source, settings=settings, now=moment)
    _write(outputs, report, skill, moment)
    if json:
        from haldir_auditor import to_json

        typer.echo(json_text(to_json(report)))
    else:
        _show(report, skill)
    _tell(report, settings, moment)
    return _exit_code(report, fail_on.value, no_cve=no_cve)


def _with_exceptions(
    settings: "Settings", skill: Path, ignores: "Sequence[Path]", vex: "Sequence[Path]", now: "datetime"
) -> "Settings":
    from attrs import evolve

    from haldir_auditor import DocumentError, Ignores, Statements, read_ignores, read_vex
    from haldir_core.errors import UnreadableError

    try:
        entries = [entry for path in ignores for entry in read_ignores(path, audited=skill, now=now).entries]
        statements = [entry for path in vex for entry in read_vex(path, audited=skill).entries]
    except DocumentError as error:
        raise UnreadableError(str(error)) from error
    return evolve(settings, ignores=Ignores(tuple(entries)), vex=Statements(tuple(statements)))


def _source(osv_url: str | None, advisories: Path | None) -> "VulnerabilitySource | None":
    """Return what was named on the command line, or else the database that was imported before, if there is one."""
    from haldir_auditor import SourceError
    from haldir_auditor.vulnerabilities.opening import open_source
    from haldir_cli.clock import now
    from haldir_cli.home import state_folder
    from haldir_core.errors import UnreadableError

    if osv_url is None and advisories is None:
        stored = state_folder() / DATABASE
        return _stored(stored) if stored.exists() else None
    try:
        return open_source(advisories, osv_url, now=now)
    except SourceError as error:
        raise UnreadableError(str(error)) from error


def _stored(path: Path) -> "VulnerabilitySource":
    """Return the imported database; one that is damaged is not checked, rather than wrong use of the command."""
    from haldir_auditor import SourceError
    from haldir_auditor.vulnerabilities.opening import open_advisories

    try:
        return open_advisories(path)
    except SourceError as error:
        return _Unusable(error)


@frozen
class _Unusable:
    """A source that only says why it cannot be asked."""

    error: Exception

    def look_up(self, packages: object) -> "NoReturn":  # noqa: ARG002 - the interface has it
        """Raise what was wrong when it was opened."""
        raise self.error


def _write(outputs: _Outputs, report: "AuditReport", skill: Path, now: "datetime") -> None:
    from haldir_auditor import to_cyclonedx, to_openvex, to_sarif
    from haldir_cli.files import replace_file
    from haldir_core.canonical import pretty_bytes

    name = skill.resolve().name
    if outputs.sarif is not None:
        replace_file(outputs.sarif, pretty_bytes(to_sarif(report, skill=skill, root=Path.cwd())), mode=0o644)
    if outputs.cyclonedx is not None:
        replace_file(outputs.cyclonedx, pretty_bytes(to_cyclonedx(report, name=name, now=now)), mode=0o644)
    if outputs.openvex is not None:
        replace_file(outputs.openvex, pretty_bytes(to_openvex(report, author="haldir audit", now=now)), mode=0o644)


def _show(report: "AuditReport", skill: Path) -> None:
    from haldir_auditor import to_text

    for line in to_text(report, str(skill)):
        mark = next((word for word in _COLOURS if line.startswith(f"{word}  ")), "")
        say_marked(mark, line[len(mark) :], _COLOURS.get(mark, ""))


def _tell(report: "AuditReport", settings: "Settings", now: "datetime") -> None:
    """Say what whoever audits should know apart from the issues."""
    from haldir_auditor.issues import NO_SOURCE

    for entry in settings.ignores.expired(now):
        say(f"Note: the ignore of {entry.text} expired on {entry.expires} and counts no more")
    for entry in settings.ignores.unused(report.suppressed, now):
        say(f"Note: the ignore of {entry.text} is about nothing here; remove it if that is all it was for")
    if report.not_checked == (NO_SOURCE,):
        say(
            "The packages were not compared with known vulnerabilities. Import advisories once (haldir advisories "
            "import DIR-or-ZIP), or name them (--advisories PATH) or a service (--osv-url URL)."
        )


def _exit_code(report: "AuditReport", least: str, *, no_cve: bool) -> int:
    from haldir_auditor import Severity
    from haldir_auditor.issues import NOT_ASKED

    rank = Severity(least).rank
    if any(issue.severity.rank >= rank for issue in report.issues if issue.rule != "not-checked"):
        return Exit.NO
    left = [reason for reason in report.not_checked if not (no_cve and reason == NOT_ASKED)]
    return Exit.UNDECIDED if left else Exit.GOOD
