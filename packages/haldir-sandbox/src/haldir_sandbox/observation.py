"""The whole sandboxing of a skill: find what can be run, run it twice, compare."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from attrs import evolve, field, frozen

from haldir_core import Finding, Permissions, SkillSnapshot
from haldir_enforcer.confinement import Confinement, Level, Standing
from haldir_enforcer.errors import ConfinementError, EnforcerError
from haldir_enforcer.limits import Limits
from haldir_enforcer.locating import locate
from haldir_enforcer.policy import compile_policy
from haldir_sandbox import comparison, conditions, dependencies
from haldir_sandbox.behaviour import Behaviour, behaviour_of, together
from haldir_sandbox.budget import Budget
from haldir_sandbox.comparison import Declared
from haldir_sandbox.contents import Contents, read_contents
from haldir_sandbox.dependencies import Supply
from haldir_sandbox.entrypoints import EntryPoint, find_entry_points
from haldir_sandbox.environment import SEARCH_PATH, Circumstance, Surroundings
from haldir_sandbox.eventlog import Trace
from haldir_sandbox.exercise import Exercise, Group, Seen, given_command, plan
from haldir_sandbox.ground import Ground, Prepare, Reach, linux_ground
from haldir_sandbox.programs import find_runners
from haldir_sandbox.report import PASSING_LEVEL, SandboxReport, ordered, verdict
from haldir_sandbox.rules import Rules
from haldir_sandbox.sinkhole import Sinkhole
from haldir_sandbox.stage import Stage, staged


class EntryPointError(EnforcerError):
    """The skill has no such entry point; the message names those that it has."""


RUN_LIMITS = Limits(timeout_seconds=30, processes=64, memory_mb=1024, disk_mb=256, output_mb=8)
"""What one run may use; the time is less where the whole is nearly over."""


MAX_ENTRY_POINTS = 96


@frozen(kw_only=True)
class Options:
    """How a skill is sandboxed.

    ``command`` runs instead of what the skill offers, and is refused every connection, as when it is enforced; without
    it connections are answered by the sinkhole, so that their requests are seen.  ``only`` keeps the entry points that
    run this file or have this name.  ``trace`` is a file that does not exist yet.  Below ``minimum`` nothing is run.
    """

    total_seconds: float = 90
    minimum: Level = Level.L2
    supply: Supply = dependencies.NOTHING
    command: tuple[str, ...] = ()
    only: str | None = None
    trace: Path | None = None
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))


DEFAULT_OPTIONS = Options()


def sandbox(
    snapshot: SkillSnapshot,
    permissions: Permissions,
    limits: Limits = RUN_LIMITS,
    *,
    prepare: Prepare = linux_ground,
    options: Options = DEFAULT_OPTIONS,
) -> SandboxReport:
    """Return what the skill does when it is run, beside what it declares.

    ``snapshot`` needs its private copy (``read_skill(..., copy_to=...)``), which stays as it is.  ``limits`` are those
    of one run.  ``prepare`` makes the confinement; no connection of a run leaves the machine.  Nothing is run
    unconfined: without a confinement that reaches ``options.minimum`` nothing is run.

    Raises:
        UnsafeSkillError: if the snapshot holds what no skill may hold.
        ValueError: if the snapshot has no private copy.
        EntryPointError: if there is no entry point like ``options.only``.
        NoProgramError: if there is no program like the first word of ``options.command``.
        PolicyError: if the permissions cannot be compiled.
        OSError: if the folders of a run or the trace cannot be written.
    """
    snapshot.refuse_problems()
    if snapshot.copy is None:
        raise ValueError("the sandbox needs the private copy of the skill: read it with copy_to")
    if options.command:
        locate(options.command[0], snapshot.path, snapshot.copy, SEARCH_PATH)
    started = time.monotonic()
    budget = Budget(options.total_seconds)
    contents = read_contents(snapshot.copy, frozenset(snapshot.files))
    found = _chosen(find_entry_points(contents), options)
    entries, beyond = found[:MAX_ENTRY_POINTS], found[MAX_ENTRY_POINTS:]
    name = os.path.basename(os.path.realpath(snapshot.path))  # noqa: PTH119 - a text is wanted
    with (
        staged(snapshot.copy, snapshot.total_bytes, name, options.now()) as stage,
        Sinkhole(stage.authority) as sinkhole,
        Trace(options.trace) as trace,
    ):
        declared = _declared(permissions, stage)
        ground = prepare(None if options.command else sinkhole.address)
        standing = _standing(ground.confinement)
        observer = _Observer(
            ground=ground,
            permissions=permissions,
            declared=declared,
            limits=limits,
            options=options,
            budget=budget,
            stage=stage,
            sinkhole=sinkhole,
            trace=trace,
            contents=contents,
            source=snapshot.path,
        )
        if standing is None or standing.level.rank < max(options.minimum.rank, 1):
            report = _not_run(standing, entries)
        else:
            report = observer.observe(standing, entries, beyond)
        trace.end(report.status.value, report.level.value)
    seconds = time.monotonic() - started
    return evolve(report, duration_ms=seconds * 1000, trace_left_out=trace.left_out)


@frozen(kw_only=True)
class _Observer:
    ground: Ground
    permissions: Permissions
    declared: Declared
    limits: Limits
    options: Options
    budget: Budget
    stage: Stage
    sinkhole: Sinkhole
    trace: Trace
    contents: Contents
    source: Path

    def observe(
        self, standing: Standing, entries: tuple[EntryPoint, ...], beyond: tuple[EntryPoint, ...]
    ) -> SandboxReport:
        runners = find_runners()
        wanted = dependencies.needs(self.contents)
        installed = dependencies.install(
            wanted,
            self.options.supply,
            dependencies.Target(
                python=self.stage.places.supplies / "python",
                node_modules=self.stage.places.node_modules,
                interpreter=runners.get("python3"),
            ),
            self.budget.share(self.options.total_seconds / 3),
        )
        groups = plan(entries, self.contents, self.stage.samples)
        exercise = Exercise(
            ground=self.ground,
            permissions=self.permissions,
            limits=self.limits,
            budget=self.budget,
            stage=self.stage,
            sinkhole=self.sinkhole,
            trace=self.trace,
            runners=runners,
            surroundings=_surroundings(self.stage, installed, self._proxy()),
            contents=self.contents,
            operator=bool(self.options.command),
            source=self.source,
        )
        seen = _seen(exercise, groups)
        findings = [*self._findings(seen, groups), *_level(standing), *_packages(installed.missing)]
        if not self.options.command:
            findings += comparison.asked_programs(entries, self.declared)
        if self.contents.cut:
            findings.append(
                Rules.NOT_RUN.finding("what is declared in the unread part of " + ", ".join(self.contents.cut))
            )
        if beyond:
            findings.append(Rules.NOT_RUN.finding(f"{len(beyond)} more entry points, such as {beyond[0].name}"))
        if not entries:
            findings.append(Rules.NOTHING.finding("the skill"))
        kept = ordered(findings)
        return SandboxReport(
            status=verdict(kept),
            findings=kept,
            standing=standing,
            entry_points=entries,
            runs=tuple(run for one in seen for run in one.runs),
            behaviour=self._behaviour(seen),
            requests=tuple(request for one in seen for request in one.requests),
            missing_packages=installed.missing,
            duration_ms=0,
        )

    def _proxy(self) -> str | None:
        ip, port = self.sinkhole.address
        return f"http://{ip}:{port}" if self.ground.reach is Reach.PROXIED else None

    def _behaviour(self, seen: list[Seen]) -> Behaviour:
        return together(self._one(one) for one in seen)

    def _one(self, seen: Seen) -> Behaviour:
        """Return the behaviour of one session: events, and what requests in the sinkhole add to them."""
        own = self.sinkhole.address
        events = behaviour_of(seen.events, self.stage.places, self.declared.policy)
        known = comparison.by_declared_hosts(events, self.declared, own)
        asked = Behaviour(deeds=tuple(comparison.request_deeds(seen.requests, self.declared)))
        return together((evolve(known, left_out=known.left_out + seen.left_out), asked))

    def _findings(self, seen: list[Seen], groups: tuple[Group, ...]) -> Iterator[Finding]:
        behaviour = self._behaviour(seen)
        yield from comparison.violations(behaviour)
        if any(one.runs for one in seen):
            yield from comparison.unused(behaviour, self.declared, self.stage.places, _started(seen))
        for one in seen:
            yield from comparison.leaks(one.requests, self.stage.tokens, self.declared, self._one(one))
            yield from comparison.leaks_in_words(self._one(one), self.stage.tokens)
            yield from one.findings(self.stage.tokens)
        for group in groups:
            pair: Mapping[Circumstance, list[Seen]] = {
                world: [one for one in seen if one.group is group and one.circumstance is world]
                for world in Circumstance
            }
            usual, other = pair[Circumstance.USUAL], pair[Circumstance.OTHER]
            yield from conditions.differences(group.name, [*map(self._one, usual)], [*map(self._one, other)])
            yield from conditions.changed_tools(group.name, _tools(usual), _tools(other))
        if self.sinkhole.refused:
            yield Rules.CUT.finding(f"{self.sinkhole.refused} more connections")


def _seen(exercise: Exercise, groups: tuple[Group, ...]) -> list[Seen]:
    """Run every group in both worlds, one after the other, as long as there is time."""
    total = len(groups) * len(Circumstance)
    order = [(group, world) for group in groups for world in Circumstance]
    return [exercise.session(group, world, total - number) for number, (group, world) in enumerate(order)]


def _started(seen: list[Seen]) -> set[str]:
    """Return the names of the programs that runs began with, as the skill and as the machine calls them."""
    words = (word for one in seen for run in one.runs for word in (run.argv[0], run.entry.argv[0]))
    return {word.rpartition("/")[2] for word in words}


def _tools(seen: list[Seen]) -> list[str]:
    return [text for one in seen for served in one.served for text in served.tools]


def _chosen(entries: tuple[EntryPoint, ...], options: Options) -> tuple[EntryPoint, ...]:
    if options.command:
        return (given_command(options.command),)
    if options.only is None:
        return entries
    chosen = tuple(entry for entry in entries if options.only in {entry.file, entry.name, entry.argv[-1]})
    if not chosen:
        known = ", ".join(entry.file or entry.name for entry in entries[:20])
        raise EntryPointError(f"the skill has no entry point {options.only!r}; known: {known or 'none'}")
    return chosen


def _declared(permissions: Permissions, stage: Stage) -> Declared:
    policy = compile_policy(permissions, stage.places.skill, home=stage.places.home, search_path=SEARCH_PATH)
    return Declared(policy=policy, hosts=policy.hosts, exec=permissions.exec)


def _standing(confinement: Confinement) -> Standing | None:
    try:
        return confinement.standing()
    except ConfinementError:
        return None


def _not_run(standing: Standing | None, entries: tuple[EntryPoint, ...]) -> SandboxReport:
    findings = ordered([*_level(standing), Rules.NOT_RUN.finding("the whole skill, for want of isolation")])
    return SandboxReport(
        status=verdict(findings),
        findings=findings,
        standing=standing,
        entry_points=entries,
        runs=(),
        behaviour=Behaviour(deeds=()),
        requests=(),
        missing_packages=(),
        duration_ms=0,
    )


def _level(standing: Standing | None) -> Iterator[Finding]:
    level = Level.NONE if standing is None else standing.level
    if level.rank < PASSING_LEVEL.rank:
        missing = "" if standing is None else "; missing: " + ", ".join(standing.missing)
        yield Rules.LEVEL.finding(f"{level.value}{missing}")


def _packages(missing: tuple[str, ...]) -> Iterator[Finding]:
    if missing:
        yield Rules.NOT_INSTALLED.finding(", ".join(missing))


def _surroundings(stage: Stage, installed: dependencies.Installed, proxy: str | None) -> Surroundings:
    return Surroundings(
        places=stage.places,
        proxy=proxy,
        tokens=stage.tokens,
        python_path=(str(stage.places.supplies / "python"),) if installed.python else (),
    )
