"""``haldir scan``: look for what no skill should do, without running anything."""

import time
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from attrs import frozen

from haldir_cli.apps import make_app
from haldir_cli.exits import Exit
from haldir_cli.options import TrustStoreFile
from haldir_cli.show import is_seen, say, say_marked

if TYPE_CHECKING:
    from haldir_cli.scanwords import Line
    from haldir_scanner import Baseline, Policy, RuleBundle, Scanned, Severity, Target

app = make_app()

LONG_RUN = 8
"""Skills from which on a progress bar is shown, if they take long."""
LONG_SECONDS = 1.0
BAR_COLUMNS = 30

Paths = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATH...", help="Skill folders, folders with several skills, or files.", show_default=False),
]
RuleKeys = Annotated[
    list[Path] | None,
    typer.Option("--key", metavar="FILE", help="Trust this public key to sign the rules of --bundle; repeatable."),
]


class SeverityName(StrEnum):
    """The severities of haldir_scanner, by name; importing them here would slow every start."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class PolicyName(StrEnum):
    """The policies of haldir_scanner, by name."""

    STRICT = "strict"
    BALANCED = "balanced"
    QUIET = "quiet"


@frozen(kw_only=True)
class _Request:
    """What the command line asks for, apart from the paths."""

    json: bool
    sarif: Path | None
    least: "Severity"
    strict: bool
    policy: "Policy"
    bundle: "RuleBundle | None"
    baseline: "Baseline | None"


@app.command()
def scan(
    paths: Paths = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per path, each on one line.")] = False,
    sarif: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a SARIF 2.1.0 log too.")] = None,
    severity: Annotated[
        SeverityName, typer.Option(help="Show findings of at least this severity; the verdict stays as it is.")
    ] = SeverityName.LOW,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 also if a skill is only flagged.")] = False,
    policy: Annotated[
        PolicyName, typer.Option(help="How easily a skill is flagged or rejected.")
    ] = PolicyName.BALANCED,
    bundle: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Use this signed bundle of rules, not the built-in one.")
    ] = None,
    key: RuleKeys = None,
    trust_store: TrustStoreFile = None,
    baseline: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Findings that were looked at and are accepted; not in a scanned folder."),
    ] = None,
    changed: Annotated[
        bool, typer.Option("--changed", help="Only skills with changes in their git work tree; PATH defaults to '.'.")
    ] = False,
    since: Annotated[
        str | None, typer.Option(metavar="COMMIT", help="With --changed: since HEAD left this commit or branch.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Scan again on every change, until Ctrl-C.")] = False,
    explain: Annotated[
        str | None, typer.Option(metavar="RULE", help="Show all about a rule; nothing is scanned.")
    ] = None,
    list_rules: Annotated[bool, typer.Option("--list-rules", help="List the rules; nothing is scanned.")] = False,
) -> int:
    """Scan skills for what no skill should do; nothing of them is run, and nothing is fetched.

    Exit code 0 if no skill is rejected, 1 if one is, 2 if one cannot be read.
    """
    from haldir_cli.files import refuse_special
    from haldir_cli.rulebundles import open_bundle
    from haldir_scanner import Policy, Severity, Target

    if bundle is None and (key or trust_store is not None):
        raise typer.BadParameter(
            "--key and --trust-store say who may sign the rules of --bundle: give --bundle FILE too"
        )
    if since is not None and not changed:
        raise typer.BadParameter("goes with --changed", param_hint="--since")
    rules = None if bundle is None else open_bundle(bundle, key or (), trust_store)
    if explain is not None or list_rules:
        if paths or changed or watch:
            raise typer.BadParameter("--explain and --list-rules scan nothing: leave out PATH, --changed and --watch")
        return _show_rules(rules, explain, as_json=json)
    if sarif is not None:
        refuse_special(sarif)  # before the work, not after it
    roots = _roots(paths, changed=changed)
    request = _Request(
        json=json,
        sarif=sarif,
        least=Severity(severity.value),
        strict=strict,
        policy=Policy(policy.value),
        bundle=rules,
        baseline=None if baseline is None else _read_baseline(baseline, roots),
    )

    def once() -> int:
        targets = _changed(roots, since) if changed else [Target.of(root) for root in roots]
        return _scan([_without_report(target, sarif) for target in targets], request)

    return _keep_scanning(once, roots, sarif) if watch else once()


def _roots(paths: Sequence[str] | None, *, changed: bool) -> list[str]:
    """Return the paths as they were written."""
    if not paths:
        if changed:
            return ["."]
        raise typer.BadParameter("give at least one PATH to scan, or --changed, --list-rules or --explain RULE")
    if "" in paths:
        raise typer.BadParameter("is empty: give . for the present folder", param_hint="PATH")
    return list(paths)


def _show_rules(rules: "RuleBundle | None", name: str | None, *, as_json: bool) -> int:
    """Show one rule or all."""
    from difflib import get_close_matches

    from haldir_cli.rulewords import explain, rule_to_json, rules_to_json, table
    from haldir_cli.show import json_text, printable
    from haldir_scanner.bundles import builtin

    bundle = rules or builtin()
    if name is None:
        lines = [json_text(rules_to_json(bundle))] if as_json else map(printable, table(bundle.rules))
    else:
        rule = bundle.rule(name)
        if rule is None:
            close = get_close_matches(name, [known.id for known in bundle.rules], 3)
            hint = f"; did you mean {' or '.join(close)}?" if close else "; --list-rules shows all"
            raise typer.BadParameter(f"no rule is called {name!r:.100}{hint}", param_hint="--explain")
        lines = [json_text(rule_to_json(rule))] if as_json else map(printable, explain(rule))
    for line in lines:
        typer.echo(line)
    return Exit.GOOD


def _read_baseline(path: Path, roots: Sequence[str]) -> "Baseline":
    from haldir_cli.clock import now
    from haldir_core.errors import UnreadableError
    from haldir_scanner import BaselineError, read_baseline

    try:
        return read_baseline(path, scanned=[Path(root) for root in roots], today=now().date())
    except BaselineError as error:
        raise UnreadableError(str(error)) from error


def _changed(roots: Sequence[str], since: str | None) -> "list[Target]":
    """Return what is to be scanned of the roots, because it was changed."""
    from haldir_cli.changed import changed_target, find_changes

    targets = []
    for root in roots:
        changes = find_changes(Path(root), since)
        target = changed_target(root, changes)
        skills = sum(1 for unit in target.units if unit.part.only is None)
        files = sum(len(unit.part.only) for unit in target.units if unit.part.only is not None)
        say(f"{root}: since {changes.since}, {skills} skill(s) and {files} path(s) outside of skills have changed")
        targets.append(target)
    return targets


def _without_report(target: "Target", written: Path | None) -> "Target":
    """Return the target without the file that is replaced by the report about it."""
    from attrs import evolve

    if written is None or written.is_symlink():  # what the link leads to is replaced, not the link
        return target
    place = written.parent.resolve() / written.name
    units = []
    for unit in target.units:
        folder = unit.path.resolve()
        if folder in place.parents:
            left_out = frozenset({place.relative_to(folder).as_posix()})
            units.append(evolve(unit, part=evolve(unit.part, without=unit.part.without | left_out)))
        else:
            units.append(unit)
    return evolve(target, units=tuple(units))


def _scan(targets: "Sequence[Target]", request: _Request) -> int:
    """Scan, tell what was found, and return the exit code."""
    from haldir_cli.scanwords import describe, summarise
    from haldir_cli.show import json_line
    from haldir_core.errors import UnreadableError
    from haldir_scanner import BundleError, scan_many, to_json

    progress = _Progress()
    results: list[Scanned] = []
    try:
        for found in scan_many(targets, bundle=request.bundle, policy=request.policy, tell=progress.tell):
            scanned = found if request.baseline is None else _without_suppressed(found, request)
            results.append(scanned)
            progress.clear()
            if request.json:
                typer.echo(json_line(to_json(scanned, least=request.least)))
                if scanned.error is not None:
                    _say_all(describe(scanned, request.least))
            else:
                _say_all(describe(scanned, request.least))
    except BundleError as error:
        raise UnreadableError(f"the rules cannot be used: {error}") from error
    finally:
        progress.clear()
    if not request.json:
        _say_all(summarise(results))
    if request.baseline is not None:
        _tell_about_entries(request.baseline, results)
    if request.sarif is not None:
        _write_sarif(request.sarif, results)
    return _exit_code(results, strict=request.strict)


def _without_suppressed(found: "Scanned", request: _Request) -> "Scanned":
    """Return the same with what the baseline accepts set apart, in every unit."""
    from attrs import evolve

    from haldir_cli.clock import now
    from haldir_scanner.bundles import builtin

    if request.baseline is None:
        return found
    scoring, today = (request.bundle or builtin()).scoring, now().date()
    units = [evolve(unit, report=request.baseline.apply(unit.report, scoring, today=today)) for unit in found.units]
    return evolve(found, units=tuple(units))


def _tell_about_entries(baseline: "Baseline", results: "Sequence[Scanned]") -> None:
    from haldir_cli.clock import now
    from haldir_cli.scanwords import describe_entries

    today = now().date()
    reports = [item.report for item in results if item.error is None]
    unused = baseline.unused(reports, today) if len(reports) == len(results) else ()
    _say_all(describe_entries(baseline.expired(today), unused))


def _write_sarif(path: Path, results: "Sequence[Scanned]") -> None:
    from haldir_cli.files import replace_file
    from haldir_core.canonical import pretty_bytes
    from haldir_scanner import to_sarif

    replace_file(path, pretty_bytes(to_sarif(results, root=Path.cwd())), mode=0o644)


def _exit_code(results: "Sequence[Scanned]", *, strict: bool) -> int:
    """Return the worst: what has no verdict comes before a no."""
    if any(item.error is not None for item in results):
        return Exit.USAGE
    bad = {"reject", "flag"} if strict else {"reject"}
    return Exit.NO if any(item.report.status in bad for item in results) else Exit.GOOD


def _keep_scanning(once: "Callable[[], int]", roots: Sequence[str], written: Path | None) -> int:
    """Scan now and after every change, until Ctrl-C; return the exit code of the last scan."""
    from haldir_cli.clock import now, pause
    from haldir_cli.watching import changes, state_of

    paths = [Path(root) for root in roots]

    def look() -> "dict[str, tuple[int, ...]]":
        return state_of(paths, without=written)

    seen = look()
    code = once()
    try:
        say(f"Watching {', '.join(roots)} for changes; Ctrl-C ends.")
        for _ in changes(look, pause, seen):
            say("", f"--- {now():%H:%M:%S} UTC: changed, scanning again ---")
            code = once()
    except KeyboardInterrupt:
        say("", f"Ended; the exit code is that of the last scan: {int(code)}.")
    return code


def _say_all(lines: "Iterable[Line]") -> None:
    for line in lines:
        say_marked(line.mark, line.rest, line.colour)


class _Progress:
    """A line on a terminal that tells how far a long scan has come."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._is_shown = False

    def tell(self, done: int, count: int) -> None:
        """Show it, if this takes long."""
        if not is_seen() or count < LONG_RUN or time.monotonic() - self._started < LONG_SECONDS:
            return
        filled = done * BAR_COLUMNS // count
        bar = "#" * filled + "." * (BAR_COLUMNS - filled)
        typer.echo(f"\r[{bar}] {done} of {count}", nl=False, err=True)
        self._is_shown = True

    def clear(self) -> None:
        """Take it away before anything else is written."""
        if self._is_shown:
            typer.echo("\r" + " " * (BAR_COLUMNS + 24) + "\r", nl=False, err=True)
            self._is_shown = False
