"""The whole review: two models at the same time, a third one if they differ, and the decision table."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from haldir_reviewer._content.hits import cap
from haldir_reviewer._content.material import Material, prepare
from haldir_reviewer._draw import SEED_BYTES, Draw
from haldir_reviewer._onemodel import review_by
from haldir_reviewer.decision import NEEDED_REVIEWS, Case, Decision, Outcome, decide, settle
from haldir_reviewer.errors import ReviewError
from haldir_reviewer.findings import findings
from haldir_reviewer.model import Model
from haldir_reviewer.report import ModelReview, ReviewReport
from haldir_reviewer.settings import DEFAULT_SETTINGS, Settings

if TYPE_CHECKING:
    from haldir_core import Permissions, SkillSnapshot

Randomness = Callable[[int], bytes]
"""Gives as many random bytes as it is asked for, like ``secrets.token_bytes``."""


def review(
    snapshot: "SkillSnapshot",
    panel: Sequence[Model],
    *,
    permissions: "Permissions",
    settings: Settings = DEFAULT_SETTINGS,
    now: datetime,
    randomness: Randomness,
) -> ReviewReport:
    """Return the review of ``snapshot`` by ``panel``; see `review_async`, for which this makes a loop of its own."""
    return asyncio.run(
        review_async(snapshot, panel, permissions=permissions, settings=settings, now=now, randomness=randomness)
    )


async def review_async(
    snapshot: "SkillSnapshot",
    panel: Sequence[Model],
    *,
    permissions: "Permissions",
    settings: Settings = DEFAULT_SETTINGS,
    now: datetime,
    randomness: Randomness,
) -> ReviewReport:
    """Return the review of ``snapshot``, which was read with ``copy_to``.

    The first two models of ``panel`` with different names review it at the same time; the third is asked only if they
    differ.  Without two there is a report all the same, and it is inconclusive.  ``randomness`` is asked once: the same
    bytes, content and panel make the same requests, so that stored answers can be found again.

    Raises:
        ReviewError: if the copy is missing or changed, or ``randomness`` gives too little.
        UnsafeSkillError: if the snapshot holds what no skill may hold.
    """
    seed = randomness(SEED_BYTES)
    if len(seed) != SEED_BYTES:
        raise ReviewError(f"a review needs {SEED_BYTES} random bytes, and got {len(seed)}")
    deadline = asyncio.get_running_loop().time() + settings.deadline_seconds
    material = await asyncio.to_thread(prepare, snapshot, permissions, settings)
    models = _distinct(panel)
    draw = Draw(seed)

    async def by(model: Model) -> ModelReview:
        return await review_by(model, material, settings, draw.within(f"model {model.name}"), deadline)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(by(model)) for model in models[:NEEDED_REVIEWS]]
    reviews = [task.result() for task in tasks]
    decision = decide(_case(reviews, material))
    if decision.outcome is Outcome.ESCALATE:
        third = [await by(model) for model in models[NEEDED_REVIEWS : NEEDED_REVIEWS + 1]]
        decision = settle(_case(reviews, material), third[0].opinion if third else None)
        reviews += third
    return _report(material, reviews, decision, now)


def _distinct(panel: Sequence[Model]) -> list[Model]:
    """The models of ``panel``, the first of each name: a model that is asked twice does not confirm itself."""
    names: dict[str, Model] = {}
    for model in panel:
        names.setdefault(model.name, model)
    return list(names.values())


def _case(reviews: Sequence[ModelReview], material: Material) -> Case:
    return Case(
        opinions=tuple(review.opinion for review in reviews),
        covered=material.coverage.complete,
        cap=cap(material.hits),
    )


def _report(material: Material, reviews: Sequence[ModelReview], decision: Decision, now: datetime) -> ReviewReport:
    return ReviewReport(
        content=material.content,
        reviewed_at=now,
        decision=decision,
        reviews=tuple(reviews),
        coverage=material.coverage,
        cap=cap(material.hits),
        findings=findings(decision, material.hits, reviews, material.coverage),
    )
