"""``haldir enforce``: run a skill confined to its permissions."""

import contextlib
import os
import signal
import sys
import threading
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer
from attrs import frozen

from haldir_cli.apps import make_app
from haldir_cli.exits import RunExit
from haldir_cli.options import RevocationFile, RevocationKeys, SkillFolder, TrustedKeys, TrustStoreFile
from haldir_cli.refusing import RefusingCommand
from haldir_cli.show import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from haldir_core.skill import SkillSnapshot
    from haldir_core.verification import Verification
    from haldir_enforcer import Enforcer, Outcome, Recording, Session, StagedSkill
    from haldir_enforcer.alerts import CommandSink

app = make_app()

RELAYED = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGWINCH,
)
"""What is passed on to the program, which has a session of its own."""


class LevelName(StrEnum):
    """The levels of isolation, by name; importing them here would slow every start."""

    L0 = "L0"
    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    L4 = "L4"
    L5 = "L5"


@frozen(kw_only=True)
class _Request:
    """What the command line asks for."""

    command: list[str]
    entrypoint: str | None
    json: bool
    report: Path | None
    audit_log: Path | None
    alert_command: str | None
    explain: bool


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
    require: Annotated[LevelName, typer.Option(help="Refuse to run below this level of isolation.")] = LevelName.L2,
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
    from haldir_cli.runlimits import read_limits
    from haldir_core.errors import HaldirError
    from haldir_enforcer import Enforcer, EnforcerError, Level, Limits

    request = _Request(
        command=command or [],
        entrypoint=entrypoint,
        json=json,
        report=report,
        audit_log=audit_log,
        alert_command=alert_command,
        explain=explain,
    )
    _fill_streams()
    try:
        _check(request)
        enforcer = Enforcer(require=Level(require.value), limits=read_limits(limits, Limits()))
        verify = None if no_verify else _verifier(key or [], revocation, revocation_key or [], trust_store)
        return _staged(skill, verify, enforcer, request)
    except (HaldirError, EnforcerError, typer.BadParameter, OSError) as error:
        return _refused(error, request)


def _refused(error: Exception, request: _Request) -> int:
    from haldir_cli.runwords import refusal

    message = error.message if isinstance(error, typer.BadParameter) else str(error)
    say(f"haldir: refused, nothing was run: {message}")
    _tell(dict(refusal(message, getattr(error, "standing", None))), request)
    return RunExit.REFUSED


def _check(request: _Request) -> None:
    """Return if the request can be answered as it was made.

    Raises: UnreadableError or typer.BadParameter if not.
    """
    from haldir_cli.files import refuse_special

    if request.report is not None:
        refuse_special(request.report)
        if not os.access(request.report.resolve().parent, os.W_OK | os.X_OK):
            raise typer.BadParameter(f"--report: no file can be written in {request.report.resolve().parent}")
    if request.command and request.entrypoint is not None:
        raise typer.BadParameter("give either --entrypoint or a program after --, not both")
    if request.alert_command is not None:
        _alerts(request.alert_command)


def _fill_streams() -> None:
    """No file of ours gets the number of a standard stream that is closed.

    What stands in can neither be read nor written, as a closed one.
    """
    for number, mode in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_RDONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # it gets the lowest number that is free: this one


def _verifier(
    keys: list[Path], revocation: Path | None, revocation_keys: list[Path], store: Path | None
) -> "Callable[[SkillSnapshot], Verification]":
    from haldir_cli.clock import now
    from haldir_cli.remembered import gather_evidence, remember
    from haldir_cli.trusted import build_keyring
    from haldir_core import Context, verify

    ring = build_keyring(keys, revocation_keys, store)
    evidence = gather_evidence(ring, revocation)

    def verdict(snapshot: "SkillSnapshot") -> "Verification":
        found = verify(snapshot, ring, evidence, context=Context.RUNTIME, now=now())
        if found.revocation_list is not None:
            remember(found.revocation_list)
        for warned in found.warnings:
            say(f"Note: {warned.message}")
        return found

    return verdict


def _staged(
    folder: Path,
    verify: "Callable[[SkillSnapshot], Verification] | None",
    enforcer: "Enforcer",
    request: _Request,
) -> int:
    from haldir_enforcer import explain, stage

    with stage(folder, verify) as skill:
        command = request.command or _entry_point(skill, request.entrypoint)
        if request.explain:
            typer.echo(explain(enforcer.policy(skill, command)), nl=False)
            standing = enforcer.standing()
            typer.echo(f"level here: {standing.level.value} ({standing.backend})")
            return 0
        return _run(skill, command, enforcer, request)


def _entry_point(skill: "StagedSkill", name: str | None) -> list[str]:
    from haldir_cli.entries import entry_command

    return entry_command(skill.folder, name)


def _run(skill: "StagedSkill", command: list[str], enforcer: "Enforcer", request: _Request) -> int:
    from haldir_cli.runwords import in_words
    from haldir_enforcer import Streams
    from haldir_enforcer.session import Stream

    streams = Streams(stdin=Stream.INHERIT) if request.json else Streams.inherited()
    with _Relay() as relay:  # before the start: the program may be signalled as soon as it is seen
        session = enforcer.start(skill, command, streams=streams, recording=_recording(request))
        try:
            relay.to(session)
            outcome = session.wait()
        finally:
            session.stop()  # where the wait was interrupted
    for line in in_words(outcome):
        say(line)
    is_told = _tell(_report(outcome, captured=request.json), request)
    return _exit_code(outcome) if is_told else RunExit.REFUSED


def _recording(request: _Request) -> "Recording":
    from haldir_enforcer import Recording

    signer = None
    if request.audit_log is not None:
        from haldir_cli.logkey import log_key

        signer = log_key()
    return Recording(audit_log=request.audit_log, signer=signer, alerts=_alerts(request.alert_command))


def _alerts(command: str | None) -> "tuple[CommandSink, ...]":
    if command is None:
        return ()
    import shlex

    from haldir_enforcer.alerts import CommandSink

    try:
        words = shlex.split(command)
    except ValueError as error:
        raise typer.BadParameter(f"--alert-command cannot be split into words: {error}") from error
    if not words:
        raise typer.BadParameter("--alert-command is empty")
    return (CommandSink(tuple(words)),)


class _Relay:
    """Signals for this process reach the program; those that come before it runs, as soon as it does."""

    def __init__(self) -> None:
        self._session: Session | None = None
        self._early: list[int] = []
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # only there signals arrive
            for number in RELAYED:
                handler = signal.getsignal(number)
                if handler not in {signal.SIG_IGN, None}:  # what this process was told to ignore is not for the program
                    self._before[number] = signal.signal(number, self._pass_on)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type] # what signal.signal returned

    def to(self, session: "Session") -> None:
        """What has arrived is passed on, and what will arrive."""
        self._session = session
        while self._early:
            session.signal(self._early.pop(0))

    def _pass_on(self, number: int, _frame: object) -> None:
        if self._session is None:
            if number in self._early:
                raise KeyboardInterrupt  # asked twice: the start takes too long for somebody
            self._early.append(number)
        elif self._session.is_over:  # only a slow reader of its output is waited for
            raise KeyboardInterrupt
        else:
            self._session.signal(number)


def _report(outcome: "Outcome", *, captured: bool) -> dict[str, object]:
    report: dict[str, object] = {"exit_code": int(_exit_code(outcome)), **outcome.to_json()}
    if captured:
        report["stdout"] = outcome.stdout.decode("utf-8", "replace")
        report["stderr"] = outcome.stderr.decode("utf-8", "replace")
    return report


def _tell(report: dict[str, object], request: _Request) -> bool:
    """Whether the report is where it was asked for; if not, that was said."""
    from haldir_cli.files import replace_file
    from haldir_cli.show import json_text
    from haldir_core.errors import UnreadableError

    text = json_text(report)  # type: ignore[arg-type] # JSON, as it was made
    is_told = True
    if request.report is not None:
        try:
            replace_file(request.report, f"{text}\n".encode(), mode=0o644)
        except (UnreadableError, OSError) as error:
            say(f"haldir: the report is lost: {error}")
            is_told = False
    return is_told and (not request.json or _printed(text))


def _printed(text: str) -> bool:
    try:
        typer.echo(text)
    except OSError as error:
        say(f"haldir: the report is lost: {error.strerror}")
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        with contextlib.suppress(OSError, ValueError):  # so that nothing is tried again at the end
            os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        return False
    return True


def _exit_code(outcome: "Outcome") -> int:
    from haldir_enforcer.confinement import Ending

    ours = {Ending.VIOLATION: RunExit.VIOLATION, Ending.LIMIT: RunExit.LIMIT, Ending.FAILED: RunExit.REFUSED}
    return ours.get(outcome.ended.ending, outcome.ended.code)
