"""The review by one model, from the first request to the last."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from haldir_reviewer import _extracting as extracting
from haldir_reviewer import _judging as judging
from haldir_reviewer._content.hits import cap
from haldir_reviewer._content.material import Material
from haldir_reviewer._draw import Draw
from haldir_reviewer.canaries import Canary
from haldir_reviewer.facts import Fact
from haldir_reviewer.findings import overlooked
from haldir_reviewer.model import Model, ProviderError, Reply, Request, Usage
from haldir_reviewer.report import ModelReview, total_usage
from haldir_reviewer.settings import Settings

VIEWS = 2

_OTHER_FORM = "an answer has another form than was asked for"
_TOO_LATE = "not all answers came before the deadline"
_TOO_MANY_FACTS = "it reports more facts than a judge can look at"


class _InvalidError(Exception):
    """There will be no valid review by this model; the message is the reason."""


@frozen
class _Bench:
    """A model with what its requests need."""

    model: Model
    settings: Settings
    places: asyncio.Semaphore
    spent: list[Usage]

    async def ask(self, request: Request) -> Reply:
        """Return the answer, with no more requests at a time than are allowed."""
        async with self.places:
            reply = await self.model.ask(request)
        self.spent.append(reply.usage)
        if not isinstance(reply.value, Mapping):
            raise _InvalidError(_OTHER_FORM)
        return reply


async def review_by(model: Model, material: Material, settings: Settings, draw: Draw, deadline: float) -> ModelReview:
    """Return the review by ``model``; whatever its provider does, this is a review, if need be one without scores.

    ``deadline`` is a moment of the clock of the running loop.
    """
    bench = _Bench(model, settings, asyncio.Semaphore(settings.parallel_requests), [])
    try:
        async with asyncio.timeout_at(deadline):
            return await _review(bench, material, draw)
    except* ProviderError as group:
        problem = f"{type(_first(group)).__name__}: {_first(group)}"
    except* _InvalidError as group:
        problem = str(_first(group))
    except* TimeoutError:
        problem = _TOO_LATE
    return ModelReview(model=model.name, problem=problem, usage=total_usage(bench.spent))


async def _review(bench: _Bench, material: Material, draw: Draw) -> ModelReview:
    extracts = await _extract(bench, material, draw.within("facts"))
    facts = tuple(dict.fromkeys(fact for extract in extracts for fact in extract.facts))
    shown = judging.selected(facts, bench.settings)
    if len(shown) < len(facts):
        raise _InvalidError(_TOO_MANY_FACTS)
    judgements = await _judge(bench, material, shown, draw.within("scores"))
    views = tuple(judgement.scores for judgement in judgements if judgement.scores is not None)
    if len(views) < VIEWS:
        raise _InvalidError(_OTHER_FORM)
    missed = overlooked(material.sweep, facts)
    return ModelReview(
        model=bench.model.name,
        scores=judging.lower(views),
        views=views,
        facts=facts,
        evidence=_together(judgement.evidence for judgement in judgements),
        failed=_failed(extracts, judgements),
        discarded=sum(item.discarded for item in extracts) + sum(item.discarded for item in judgements),
        unproven=sum(extract.unproven for extract in extracts),
        unstable=judging.jumps(views),
        overlooked=missed,
        cap=cap(missed),
        usage=total_usage(bench.spent),
    )


async def _extract(bench: _Bench, material: Material, draw: Draw) -> list[extracting.Extract]:
    sheets = [
        extracting.sheet(chunk, draw.within(f"chunk {number}"), bench.settings)
        for number, chunk in enumerate(material.chunks)
    ]
    replies = await _ask_all(bench, [sheet.request for sheet in sheets])
    extracts = [
        extracting.read(sheet, reply.value, bench.settings) for sheet, reply in zip(sheets, replies, strict=True)
    ]
    understood = [extract for extract in extracts if extract is not None]
    if len(understood) < len(extracts):
        raise _InvalidError(_OTHER_FORM)
    return understood


async def _judge(bench: _Bench, material: Material, facts: Sequence[Fact], draw: Draw) -> list[judging.Judgement]:
    dockets = [
        judging.docket(material.declared, facts, draw.within(f"view {view}"), bench.settings) for view in range(VIEWS)
    ]
    replies = await _ask_all(bench, [docket.request for docket in dockets])
    return [judging.read(docket, reply.value) for docket, reply in zip(dockets, replies, strict=True)]


async def _ask_all(bench: _Bench, requests: Sequence[Request]) -> list[Reply]:
    """Return the answers in the order of ``requests``; the first failure cancels the others."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(bench.ask(request)) for request in requests]
    return [task.result() for task in tasks]


def _failed(extracts: Sequence[extracting.Extract], judgements: Sequence[judging.Judgement]) -> frozenset[Canary]:
    return frozenset().union(*(item.failed for item in extracts), *(item.failed for item in judgements))


def _together(parts: Iterable[Sequence[Fact]]) -> tuple[Fact, ...]:
    return tuple(dict.fromkeys(fact for part in parts for fact in part))


def _first(error: BaseException) -> BaseException:
    """The first error in a group of groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
