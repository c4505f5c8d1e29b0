"""What came of a vetting, in words for people."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from attrs import evolve

from haldir_cli.scanwords import Line
from haldir_core import Finding
from haldir_pipeline import Event, EventKind, Outcome, Result, State, Vetting
from haldir_pipeline.many import Failure, Vetted

SHOWN_FINDINGS = 20
MAX_MATCH = 160
MAX_NAME = 48
MAX_TOLD = 100

RESULT_WORDS = {
    Result.APPROVED: "APPROVED",
    Result.AMBER: "A PERSON MUST LOOK AT IT",
    Result.REJECTED: "REJECTED",
    Result.ERROR: "NO ANSWER",
}
RESULT_COLOURS = {
    Result.APPROVED: "green",
    Result.AMBER: "yellow",
    Result.REJECTED: "red",
    Result.ERROR: "red",
}
_SEVERITY_COLOURS = {"critical": "red", "high": "red", "medium": "yellow", "low": "cyan"}
_FAILURE_WORDS = {Failure.UNSAFE: "UNSAFE", Failure.UNREADABLE: "UNREADABLE", Failure.LOST: "LOST"}


def describe(shown: str, vetting: Vetting) -> Iterator[Line]:
    """Yield the lines about one skill: the verdict and its reasons, then the layers with their findings."""
    yield Line(f"{shown}: {RESULT_WORDS[vetting.result]}", "", RESULT_COLOURS[vetting.result])
    yield Line(f"  trust score {vetting.score.text}, profile {vetting.configuration.profile}")
    for reason in vetting.reasons:
        yield Line(f"  because of {reason.layer}: {reason.text}")
    for outcome in vetting.outcomes:
        yield from _layer(outcome)
    if vetting.subject.permissions_problem:
        yield Line(f"  Note: {vetting.subject.permissions_problem}")


def progress(event: Event) -> str:
    """Return what has happened, in words; empty if nobody needs to know."""
    if event.kind is EventKind.LAYER_STARTED and event.layer is not None:
        return f"  {event.layer.number} of 4, {event.layer} ..."
    if event.kind is EventKind.LAYER_REUSED and event.layer is not None:
        return f"  {event.layer}: taken over from the run that was interrupted"
    return ""


def table(vetted: Sequence[Vetted]) -> Iterator[Line]:
    """Yield a table of many skills, and the sum of it."""
    width = min(max((len(one.path) for one in vetted), default=0), MAX_NAME)
    for one in vetted:
        result = result_of(one)
        word = RESULT_WORDS[result] if one.failure is None else _FAILURE_WORDS[one.failure]
        name = one.path if len(one.path) <= width else "..." + one.path[3 - width :]
        yield Line(f"{word:<24}", f"  {name:<{width}}  {_told(one)}", RESULT_COLOURS[result])
    counts = Counter(result_of(one) for one in vetted)
    words = ", ".join(f"{counts[result]} {result}" for result in Result if counts[result])
    yield Line(f"{len(vetted)} skills: {words or 'nothing was vetted'}")


def short(vetted: Vetted) -> Vetted:
    """Return the same with no more than the table needs."""
    if vetted.value is None:
        return vetted
    members: Any = vetted.value["vetting"]  # what the pipeline wrote
    kept = {"result": members["result"], "score": members["score"], "reasons": members["reasons"][:1]}
    return evolve(vetted, value={"vetting": kept})


def result_of(vetted: Vetted) -> Result:
    """Return the result of one of many; what no skill may hold is rejected, and what cannot be read has no answer."""
    if vetted.value is None:
        return Result.REJECTED if vetted.failure is Failure.UNSAFE else Result.ERROR
    members: Any = vetted.value["vetting"]  # what the pipeline wrote
    return Result(members["result"])


def _told(vetted: Vetted) -> str:
    if vetted.value is None:
        return vetted.message[:MAX_TOLD]
    members: Any = vetted.value["vetting"]  # what the pipeline wrote
    reasons = members["reasons"]
    because = f"{reasons[0]['layer']}: {reasons[0]['text']}" if reasons else ""
    told = because if len(because) <= MAX_TOLD else f"{because[: MAX_TOLD - 3]}..."
    return f"{members['score']}  {told}".rstrip()


def _layer(outcome: Outcome) -> Iterator[Line]:
    name = outcome.layer.wire_name
    if outcome.state in {State.SKIPPED, State.CARRIED, State.ERROR}:
        yield Line(f"  {name}: {outcome.state}: {outcome.reason}")
        return
    reused = ", taken over" if outcome.is_reused else ""
    yield Line(f"  {name}: {outcome.state}, {len(outcome.findings)} finding(s){reused}")
    for finding in outcome.findings[:SHOWN_FINDINGS]:
        yield Line(f"    {_place(finding)}: {finding.severity}: {finding.message}", "", "")
        if finding.match:
            yield Line(f"        {finding.match[:MAX_MATCH]}")
    if len(outcome.findings) > SHOWN_FINDINGS:
        yield Line(f"    ... and {len(outcome.findings) - SHOWN_FINDINGS} more (--json shows all)")


def _place(finding: Finding) -> str:
    where = finding.file or "skill"
    return where if finding.line is None else f"{where}:{finding.line}"
