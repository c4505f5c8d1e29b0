"""The vetting: one snapshot goes through the layers, and comes out as a result."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from attrs import evolve, field, frozen

from haldir_core import HaldirError, Permissions, SkillSnapshot, Timestamp, VettingReport, read_skill
from haldir_core.canonical import JsonObject, JsonValue
from haldir_core.scratch import PrivateFolder
from haldir_pipeline._course import Course
from haldir_pipeline._layers.interface import Layer
from haldir_pipeline._layers.table import make_layers
from haldir_pipeline._plan import make_plan
from haldir_pipeline.cancellation import Cancellation
from haldir_pipeline.configuration import Configuration, Order
from haldir_pipeline.decision import decide
from haldir_pipeline.events import EventKind, Tell, tell_nobody
from haldir_pipeline.outcomes import LayerName, Outcome
from haldir_pipeline.profiles import Demand
from haldir_pipeline.result import Vetting, make_report
from haldir_pipeline.resumption import Resumption
from haldir_pipeline.running import Meters, Runner
from haldir_pipeline.scoring import score
from haldir_pipeline.subject import Subject

LOCAL = Configuration()
"""What a user of this machine wants to know."""


class NoReportError(HaldirError):
    """A vetting ended with an error, so that there is no report; the message says why."""


@frozen(kw_only=True)
class Hooks:
    """What somebody who starts a vetting has to do with this one, apart from how it is done.

    Attributes:
        tell: called for each event.
        cancellation: ends it.
        resumption: where finished layers are kept until the vetting has ended.
        permissions: what the skill is to declare when it is signed, instead of what lies in its ``.vault``.
        state: the folder for what reviews cost and what models answered; without it neither is kept, unless the
            configuration names places for them.
    """

    tell: Tell = tell_nobody
    cancellation: Cancellation = field(factory=Cancellation)
    resumption: Resumption | None = None
    permissions: Permissions | None = None
    state: Path | None = None


def vet(
    snapshot: SkillSnapshot,
    configuration: Configuration = LOCAL,
    *,
    clock: Callable[[], datetime],
    layers: Sequence[Layer] | None = None,
    hooks: Hooks | None = None,
) -> Vetting:
    """Vet a snapshot that has a private copy; ``clock`` dates everything.

    ``layers`` are by default those that the configuration describes.

    Raises:
        UnsafeSkillError: if the snapshot holds what no skill may hold.
        ValueError: if the snapshot has no copy.
        ResumptionError: if the folder of unfinished runs belongs to others.
    """
    hooks = hooks or Hooks()
    subject, began = Subject.of(snapshot, hooks.permissions), clock()
    demand = Demand.of(configuration.profile, configuration.tier)
    plan = make_plan(
        make_layers(configuration, hooks.state) if layers is None else layers, configuration, demand, began
    )
    meters = Meters(now=clock)
    runner = Runner(
        subject=subject,
        budgets=configuration.budgets,
        meters=meters,
        cancellation=hooks.cancellation,
        deadline=meters.wall() + configuration.budgets.total_seconds,
    )
    course = Course(runner, configuration, hooks.tell, hooks.resumption, Timestamp.at(began))
    outcomes_by_name = {**plan.settled, **_run(course, plan.run, configuration.order)}
    outcomes = tuple(outcomes_by_name[name] for name in LayerName)
    result, reasons = decide(outcomes, demand)
    report = make_report(result, outcomes, course.began, configuration.publisher_note)
    course.say(EventKind.VETTING_FINISHED, word=result.value)
    if not hooks.cancellation.is_cancelled:  # what was cancelled is taken up again
        course.forget()
    return Vetting(
        subject=subject,
        configuration=configuration,
        result=result,
        reasons=reasons,
        score=score(outcomes, result),
        outcomes=outcomes,
        began=course.began,
        ended=Timestamp.at(clock()),
        report=report,
    )


def _run(course: Course, layers: Sequence[Layer], order: Order) -> dict[LayerName, Outcome]:
    course.say(EventKind.VETTING_STARTED)
    try:
        return course.in_order(layers) if order is Order.FAIL_FAST else course.side_by_side(layers)
    except KeyboardInterrupt:  # somebody does not want it any more
        course.forget()
        raise


@contextlib.contextmanager
def vetted_path(
    path: str | os.PathLike[str],
    configuration: Configuration = LOCAL,
    *,
    clock: Callable[[], datetime],
    hooks: Hooks | None = None,
) -> Iterator[Vetting]:
    """Vet the skill folder at ``path``, and keep the private copy of it for the block; nothing is written to it.

    The folder is read once, into that copy: what is vetted cannot change meanwhile.

    Raises:
        UnreadableError: if the folder cannot be read.
        UnsafeSkillError: if it holds what no skill may hold.
        ResumptionError: as `vet`.
    """
    with PrivateFolder("haldir-vet-") as folder:
        # Under its own name, which is to be that in its front matter.
        copy = folder / (Path(os.path.realpath(path)).name or "skill")
        yield vet(read_skill(path, copy_to=copy), configuration, clock=clock, hooks=hooks)


def vet_path(
    path: str | os.PathLike[str],
    configuration: Configuration = LOCAL,
    *,
    clock: Callable[[], datetime],
    hooks: Hooks | None = None,
) -> Vetting:
    """Vet the skill folder at ``path``; its private copy is gone afterwards.

    Raises: as `vetted_path`.
    """
    with vetted_path(path, configuration, clock=clock, hooks=hooks) as vetting:
        return vetting


def vet_folder(
    path: str | os.PathLike[str], *, clock: Callable[[], datetime], publisher_note: str | None = None
) -> VettingReport:
    """Return the report about a folder by the two layers that run nothing of it: scan and audit.

    Raises:
        UnreadableError, UnsafeSkillError: as `vet_path`.
        NoReportError: if a layer failed.
        ConfigurationError: if the note is longer than the format allows.
    """
    skip = frozenset({LayerName.SANDBOX, LayerName.REVIEW})
    vetting = vet_path(path, evolve(LOCAL, skip=skip, publisher_note=publisher_note), clock=clock)
    if vetting.report is None:
        raise NoReportError("; ".join(f"{reason.layer}: {reason.text}" for reason in vetting.reasons))
    return vetting.report


def vet_json(path: str, configuration: JsonValue, *, clock: Callable[[], datetime]) -> JsonObject:
    """Vet the folder at ``path`` as a JSON configuration says, and return JSON; for workers of other processes.

    Raises:
        ConfigurationError: if the configuration is none.
        UnreadableError, UnsafeSkillError: as `vet_path`.
    """
    return vet_path(path, Configuration.from_json(configuration), clock=clock).to_json()
