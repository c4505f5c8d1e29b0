"""A skill run confined to its permissions, as ``haldir enforce`` does it.

The option parser is not known here: an agent starts this for every call of a tool, and need not wait for it.
"""

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from haldir_cli.exits import RunExit
from haldir_cli.files import Destination, destination, refuse_special
from haldir_cli.relaying import Relay
from haldir_cli.runlimits import read_limits
from haldir_cli.runrequest import Request
from haldir_cli.runwords import in_words, refusal
from haldir_cli.show import json_text, print_out, say
from haldir_cli.usage import wrong_use
from haldir_core.errors import HaldirError, UnreadableError
from haldir_enforcer import (
    Enforcer,
    EnforcerError,
    Level,
    Limits,
    Outcome,
    Recording,
    StagedSkill,
    Stream,
    Streams,
    explain,
    stage,
)
from haldir_enforcer.confinement import Ending

if TYPE_CHECKING:
    from collections.abc import Callable

    from haldir_core.skill import SkillSnapshot
    from haldir_core.verification import Verification
    from haldir_enforcer.alerts import CommandSink


def enforce(request: Request) -> int:
    """Run what is asked for, and return the exit code; a refusal was told."""
    _fill_streams()
    try:
        _check(request)
        enforcer = Enforcer(require=Level(request.require.value), limits=read_limits(request.limits, Limits()))
        verify = None if request.no_verify else _verifier(request)
        return _staged(request, verify, enforcer)
    except _refusals() as error:
        return _refused(error, request)


def _refusals() -> tuple[type[Exception], ...]:
    """What refuses a run; Python asks for it only where something was raised."""
    import typer  # noqa: PLC0415 - 20 ms that only a refusal pays

    return (HaldirError, EnforcerError, typer.BadParameter, OSError)


def _refused(error: Exception, request: Request) -> int:
    message = str(error)
    say(f"haldir: refused, nothing was run: {message}")
    words = dict(refusal(message, getattr(error, "standing", None)))
    try:
        with contextlib.nullcontext() if request.report is None else destination(request.report) as place:
            _tell(words, request, place)
    except (UnreadableError, OSError) as lost:
        say(f"haldir: the report is lost: {lost}")
        _tell(words, request, None)
    return RunExit.REFUSED


def _check(request: Request) -> None:
    """Return if the request can be answered as it was made.

    Raises: UnreadableError or typer.BadParameter if not.
    """
    if request.report is not None:
        refuse_special(request.report)
        if not os.access(request.report.resolve().parent, os.W_OK | os.X_OK):
            raise wrong_use(f"--report: no file can be written in {request.report.resolve().parent}")
    if request.command and request.entrypoint is not None:
        raise wrong_use("give either --entrypoint or a program after --, not both")
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


def _verifier(request: Request) -> "Callable[[SkillSnapshot], Verification]":
    from haldir_cli.clock import now  # noqa: PLC0415 - as is all that verifies: not for a run that is not verified
    from haldir_cli.remembered import gather_evidence, remember  # noqa: PLC0415 - same
    from haldir_cli.trusted import build_keyring  # noqa: PLC0415 - same
    from haldir_core import Context, verify  # noqa: PLC0415 - same

    ring = build_keyring(request.key, request.revocation_key, request.trust_store)
    evidence = gather_evidence(ring, request.revocation)

    def verdict(snapshot: "SkillSnapshot") -> "Verification":
        found = verify(snapshot, ring, evidence, context=Context.RUNTIME, now=now())
        if found.revocation_list is not None:
            remember(found.revocation_list)
        for warned in found.warnings:
            say(f"Note: {warned.message}")
        return found

    return verdict


def _staged(request: Request, verify: "Callable[[SkillSnapshot], Verification] | None", enforcer: Enforcer) -> int:
    with stage(request.skill, verify) as skill:
        command = list(request.command) or _entry_point(skill, request.entrypoint)
        if request.explain:
            print_out(explain(enforcer.policy(skill, command)))
            standing = enforcer.standing()
            print_out(f"level here: {standing.level.value} ({standing.backend})\n")
            return 0
        return _run(skill, command, enforcer, request)


def _entry_point(skill: StagedSkill, name: str | None) -> list[str]:
    from haldir_cli.entries import entry_command  # noqa: PLC0415 - it knows the manifests of every ecosystem

    return entry_command(skill.folder, name)


def _run(skill: StagedSkill, command: list[str], enforcer: Enforcer, request: Request) -> int:
    if request.report is None:
        return _reported(skill, command, enforcer, request, None)
    with destination(request.report) as report:  # before the start: the program may be able to put a link there
        return _reported(skill, command, enforcer, request, report)


def _reported(
    skill: StagedSkill, command: list[str], enforcer: Enforcer, request: Request, report: Destination | None
) -> int:
    streams = Streams(stdin=Stream.INHERIT) if request.json else Streams.inherited()
    with Relay() as relay:  # before the start: the program may be signalled as soon as it is seen
        session = enforcer.start(skill, command, streams=streams, recording=_recording(request))
        try:
            relay.to(session)
            outcome = session.wait()
        finally:
            session.stop()  # where the wait was interrupted
    for line in in_words(outcome):
        say(line)
    is_told = _tell(_report(outcome, captured=request.json), request, report)
    return _exit_code(outcome) if is_told else RunExit.REFUSED


def _recording(request: Request) -> Recording:
    signer = None
    if request.audit_log is not None:
        from haldir_cli.logkey import log_key  # noqa: PLC0415 - cryptography that only a log needs

        signer = log_key()
    return Recording(audit_log=request.audit_log, signer=signer, alerts=_alerts(request.alert_command))


def _alerts(command: str | None) -> "tuple[CommandSink, ...]":
    if command is None:
        return ()
    import shlex  # noqa: PLC0415 - few runs have one

    from haldir_enforcer.alerts import CommandSink  # noqa: PLC0415 - same

    try:
        words = shlex.split(command)
    except ValueError as error:
        raise wrong_use(f"--alert-command cannot be split into words: {error}") from error
    if not words:
        raise wrong_use("--alert-command is empty")
    return (CommandSink(tuple(words)),)


def _report(outcome: Outcome, *, captured: bool) -> dict[str, object]:
    report: dict[str, object] = {"exit_code": int(_exit_code(outcome)), **outcome.to_json()}
    if captured:
        report["stdout"] = outcome.stdout.decode("utf-8", "replace")
        report["stderr"] = outcome.stderr.decode("utf-8", "replace")
    return report


def _tell(report: dict[str, object], request: Request, place: Destination | None) -> bool:
    """Whether the report is where it was asked for; if not, that was said."""
    if request.report is None and not request.json:
        return True
    text = json_text(report)  # type: ignore[arg-type] # JSON, as it was made
    is_told = True
    if place is not None:
        try:
            place.replace(f"{text}\n".encode(), mode=0o644)
        except (UnreadableError, OSError) as error:
            say(f"haldir: the report is lost: {error}")
            is_told = False
    return is_told and (not request.json or _printed(text))


def _printed(text: str) -> bool:
    try:
        print_out(f"{text}\n")
    except OSError as error:
        say(f"haldir: the report is lost: {error.strerror}")
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        with contextlib.suppress(OSError, ValueError):  # so that nothing is tried again at the end
            os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        return False
    return True


def _exit_code(outcome: Outcome) -> int:
    ours = {Ending.VIOLATION: RunExit.VIOLATION, Ending.LIMIT: RunExit.LIMIT, Ending.FAILED: RunExit.REFUSED}
    return ours.get(outcome.ended.ending, outcome.ended.code)
