"""The runs of a skill: entry points in groups, each group in a fresh stage, in one of two worlds."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import Factory, define, evolve, field, frozen

from haldir_core import Finding, Permissions
from haldir_enforcer.confinement import Ended, Ending, Launch, Reaction
from haldir_enforcer.errors import ConfinementError, PolicyError
from haldir_enforcer.events import Action, By, Class, Decision, Event
from haldir_enforcer.limits import Limits
from haldir_enforcer.locating import NoProgramError, is_foreign_script, locate, started
from haldir_enforcer.policy import HostRule, Policy, compile_policy, detect_profiles, granting
from haldir_sandbox import canary
from haldir_sandbox.arguments import sample_arguments
from haldir_sandbox.budget import Budget
from haldir_sandbox.canary import Token, contains_token
from haldir_sandbox.clock import sees_shift
from haldir_sandbox.contents import Contents
from haldir_sandbox.entrypoints import EntryKind, EntryPoint
from haldir_sandbox.environment import SEARCH_PATH, Circumstance, Surroundings
from haldir_sandbox.eventlog import EventLog, Trace
from haldir_sandbox.ground import Ground, Reach
from haldir_sandbox.launching import Outcome, connected, run_program
from haldir_sandbox.programs import Start, Unstartable, grants, named_in, resolve
from haldir_sandbox.report import RunReport
from haldir_sandbox.rules import Rules
from haldir_sandbox.samples import FILES, Samples
from haldir_sandbox.serving import Served
from haldir_sandbox.sinkhole import Request, Sinkhole
from haldir_sandbox.stage import Stage

MAX_STEPS = 32
LEAST_SECONDS = 1.0
"""A run with less time is not begun."""
COMMAND_LINE = "command line"
"""The source of an entry point that the operator gives."""
GRANTED = "sandbox"
"""The name under which a policy lists what the sandbox itself gives to a run."""
_FAREWELL_SECONDS = 1.0
_INPUT = FILES["sample.json"].encode()


@frozen
class Step:
    """One launch: an entry point with further arguments."""

    entry: EntryPoint
    extra: tuple[str, ...] = ()


@frozen(eq=False)
class Group:
    """Steps that share a stage, in order."""

    name: str
    steps: tuple[Step, ...]


def plan(entries: tuple[EntryPoint, ...], contents: Contents, samples: Samples) -> tuple[Group, ...]:
    """Return what is run: servers one by one, then SKILL.md as an agent follows it, then each program alone."""
    servers = [Group(entry.name, (Step(entry),)) for entry in entries if entry.kind is EntryKind.MCP_SERVER]
    commands = [Step(entry) for entry in entries if entry.kind is EntryKind.COMMAND]
    given = len(entries) == 1 and entries[0].source == COMMAND_LINE
    agent = [Group(entries[0].name if given else "an agent that follows SKILL.md", tuple(commands))] if commands else []
    alone = [
        Group(entry.name, (Step(entry), *(Step(entry, words) for words in _arguments(entry, contents, samples))))
        for entry in entries
        if entry.kind not in {EntryKind.MCP_SERVER, EntryKind.COMMAND}
    ]
    return (*servers, *agent, *alone)


def given_command(argv: tuple[str, ...]) -> EntryPoint:
    """Return the entry point for a command that the operator gives."""
    return EntryPoint(kind=EntryKind.COMMAND, argv=argv, source=COMMAND_LINE)


@define
class Seen:
    """What one session of a group showed in one world."""

    group: Group
    circumstance: Circumstance
    events: tuple[Event, ...] = ()
    left_out: int = 0
    requests: tuple[Request, ...] = ()
    runs: list[RunReport] = field(default=Factory(list))
    served: list[Served] = field(default=Factory(list))
    not_run: list[str] = field(default=Factory(list))

    def findings(self, tokens: Mapping[str, Token]) -> Iterator[Finding]:
        """Yield what the session itself says: what was not run, what was shown, what the server asked."""
        for reason in self.not_run:
            yield Rules.NOT_RUN.finding(reason)
        for run in self.runs:
            yield from self._of_run(run, tokens)
        for served in self.served:
            name = contains_token(served.said, tokens)
            if name is not None:
                yield Rules.SHOWN.finding(f"what the server says ({name})")
            for asked in served.asked:
                yield Rules.ASKS_MODEL.finding(asked)
            if not served.complete:
                yield Rules.NOT_RUN.finding(f"all of the server: {'; '.join(served.notes) or 'the time was over'}")
            elif self.circumstance is Circumstance.USUAL and served.notes:
                yield Rules.SERVER_ERRORS.finding("; ".join(served.notes))
        if self.runs and all(run.code != 0 and run.ending == Ending.EXITED for run in self.runs):
            yield Rules.FAILED.finding(self.group.name)
        if self.left_out:
            yield Rules.CUT.finding(f"{self.left_out} more events")

    def _of_run(self, run: RunReport, tokens: Mapping[str, Token]) -> Iterator[Finding]:
        name = contains_token(run.stdout + b"\n" + run.stderr, tokens)
        if name is not None:
            yield Rules.SHOWN.finding(f"the output of {run.entry.name} ({name})", file=run.entry.file)
        if self.circumstance is Circumstance.OTHER and not sees_shift(run.entry):
            yield Rules.UNSHIFTED.finding(run.entry.name)


@frozen(kw_only=True)
class Exercise:
    """Everything that the sessions share."""

    ground: Ground
    permissions: Permissions
    limits: Limits
    budget: Budget
    stage: Stage
    sinkhole: Sinkhole
    trace: Trace
    runners: Mapping[str, str]
    surroundings: Surroundings
    contents: Contents
    operator: bool
    source: Path
    """Where the skill was read from, for an operator who names a program there."""

    def session(self, group: Group, circumstance: Circumstance, sessions_left: int) -> Seen:
        """Return what ``group`` showed; what there is no time for is told in ``not_run``."""
        seen = Seen(group, circumstance)
        log = EventLog(f"{group.name} [{circumstance.value}]", self.trace, self.sinkhole.address[0])
        if self.budget.left_seconds >= LEAST_SECONDS:
            self.stage.reset()
            self.sinkhole.taken()
        for number, step in enumerate(group.steps[:MAX_STEPS]):
            if self.budget.left_seconds < LEAST_SECONDS:
                seen.not_run.append(f"{step.entry.name}, for want of time")
                continue
            share = 3 * self.budget.left_seconds / (sessions_left + len(group.steps) - number - 1)
            self._step(step, seen, log, max(share, 2 * LEAST_SECONDS))
        if len(group.steps) > MAX_STEPS:
            seen.not_run.append(f"{len(group.steps) - MAX_STEPS} more commands")
        seen.events = tuple(log.events())
        seen.left_out = log.left_out
        seen.requests = self.sinkhole.taken()
        return seen

    def _step(self, step: Step, seen: Seen, log: EventLog, seconds: float) -> None:
        start = self._start(step)
        if isinstance(start, Unstartable):
            seen.not_run.append(f"{step.entry.name}: {start.reason}")
            return
        limits = evolve(self.limits, timeout_seconds=min(self.budget.share(self.limits.timeout_seconds), seconds))
        began = time.monotonic()
        try:
            policy = self._policy(start, () if self.operator else named_in(step.entry))
            outcome = self._run(step, _Launching(self, policy, start, seen.circumstance, limits, log), seen)
        except (ConfinementError, PolicyError) as error:
            seen.not_run.append(f"{step.entry.name}: {error}")
            return
        if outcome.ended.ending is Ending.FAILED:
            log.record(_broken(outcome.ended))
        seen.runs.append(
            RunReport(
                entry=step.entry,
                argv=tuple(self.stage.places.name(word) for word in start.argv),
                circumstance=seen.circumstance,
                ending=outcome.ended.ending.value,
                code=outcome.ended.code,
                seconds=time.monotonic() - began,
                stdout=outcome.stdout,
                stderr=outcome.stderr,
            )
        )

    def _run(self, step: Step, launching: "_Launching", seen: Seen) -> Outcome:
        if step.entry.kind is not EntryKind.MCP_SERVER:
            return run_program(self.ground.confinement, launching.launch, _INPUT)
        try:
            from haldir_sandbox import _mcpclient  # noqa: PLC0415 - half a second, and only with the extra
        except ImportError as error:
            reason = f"the MCP client cannot be imported ({error}); install haldir-sandbox[mcp]"
            seen.not_run.append(f"{step.entry.name}: {reason}")
            return run_program(self.ground.confinement, launching.launch)
        with connected(self.ground.confinement, launching.launch, None) as (conversation, output):
            seconds = launching.limits.timeout_seconds or LEAST_SECONDS
            served = _mcpclient.drive(conversation.input, output, self.stage.samples, seconds * 0.9)
            seen.served.append(served)
            conversation.close_input()  # which asks a server to end
            with contextlib.suppress(TimeoutError):
                conversation.running.wait(_FAREWELL_SECONDS)
            conversation.running.stop()
            return conversation.finish()

    def _start(self, step: Step) -> Start | Unstartable:
        places = self.stage.places
        if self.operator:  # the command stands as it is: its arguments are no placeholders
            first, *rest = step.entry.argv
            try:
                program = locate(first, self.source, places.skill, SEARCH_PATH)
            except NoProgramError as error:
                return Unstartable(str(error))
            return Start(started(program, rest, SEARCH_PATH), places.skill)
        samples = self.stage.samples.suited(self.contents.text(step.entry.file or "SKILL.md"))
        return resolve(step.entry, step.extra, places, self.runners, samples)

    def _policy(self, start: Start, named: tuple[str, ...]) -> Policy:
        """Return the declared policy with what every run is given; no host is granted but the sinkhole."""
        places = self.stage.places
        policy = compile_policy(
            self.permissions,
            places.skill,
            home=places.home,
            search_path=SEARCH_PATH,
            profiles=detect_profiles(start.argv[0], (*self.permissions.exec, *named), SEARCH_PATH),
        )
        if self.operator and is_foreign_script(start.argv[0], policy):
            policy = granting(policy, "program", read=[Path(start.argv[0])])
        bait = () if self.operator else canary.readable(places.home)
        own = (places.samples, places.scratch, places.supplies, places.node_modules)
        given = granting(policy, GRANTED, read=(*own, *bait), write=(places.scratch,))
        ip, port = self.sinkhole.address
        sink = HostRule(host=ip, ports=(port,), literal=True, declared=GRANTED)
        hosts = (sink,) if self.ground.reach is Reach.PROXIED else ()
        # Whoever follows SKILL.md starts the programs of its lines; that they are not declared is told by itself.
        return evolve(given, hosts=hosts, programs=(*given.programs, *grants(named, GRANTED)))


@frozen
class _Launching:
    exercise: Exercise
    policy: Policy
    start: Start
    circumstance: Circumstance
    limits: Limits
    log: EventLog

    def launch(self, stdin: int, stdout: int, stderr: int) -> Launch:
        return Launch(
            policy=self.policy,
            argv=self.start.argv,
            cwd=str(self.start.folder),
            environment=self.exercise.surroundings.variables(self.circumstance),
            limits=self.limits,
            reaction=Reaction.DENY,
            record=self.log.record,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
        )


def _arguments(entry: EntryPoint, contents: Contents, samples: Samples) -> tuple[tuple[str, ...], ...]:
    """Return sample arguments for a program of the skill; a declared script brings its own."""
    if entry.file is None or entry.is_line or entry.kind is EntryKind.PACKAGE_SCRIPT:
        return ()
    text = contents.text(entry.file)
    return sample_arguments(text, samples.suited(text))


def _broken(ended: Ended) -> Event:
    return Event(
        action=Action.SUPERVISOR_FAILED,
        decision=Decision.DENY,
        by=By.SUPERVISOR,
        kind=Class.VIOLATION,
        detail=ended.detail or "the run ended for no known reason",
    )
