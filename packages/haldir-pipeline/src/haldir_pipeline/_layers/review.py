"""Layer 4: the review by language models."""

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from haldir_core import Finding, Severity, Status, Summary
from haldir_core.canonical import JsonObject, JsonValue
from haldir_pipeline._layers.interface import Allowance, Answer, LayerError, UnavailableError
from haldir_pipeline.findings import fit, summarise, to_findings
from haldir_pipeline.outcomes import LayerName
from haldir_pipeline.subject import Subject

if TYPE_CHECKING:
    from haldir_reviewer import ReviewReport
    from haldir_reviewer.opening import OpenedReview
    from haldir_reviewer.panels import Panel

LOOK_SECONDS = 0.2
"""How often a review looks whether it was cancelled."""
_RECORDED = Finding(
    severity=Severity.LOW,
    category="coverage",
    message="The answers of the models are recordings: nobody was asked in this vetting.",
    pattern_id="review.recorded",
)


def _environment() -> Mapping[str, str]:
    return os.environ


@frozen
class Review:
    """Two models answer five questions; a table decides.

    ``state`` is the folder for ledger and cache where the table names none; ``environment`` holds the keys;
    ``randomness`` gives as many random bytes as it is asked for.
    """

    table: Mapping[str, JsonValue]
    base: str
    state: Path | None = None
    environment: Mapping[str, str] = field(factory=_environment, repr=False)
    randomness: Callable[[int], bytes] = secrets.token_bytes
    name: LayerName = LayerName.REVIEW

    def inputs(self, subject: Subject) -> JsonObject:
        """Return the models, the version of the prompts and what the skill declares."""
        if not self.table:
            raise UnavailableError("no provider of models is configured")
        from haldir_reviewer import PROMPT_VERSION  # noqa: PLC0415 - only who has models needs it

        declared = subject.permissions.digest()
        return {"settings": dict(self.table), "prompts": PROMPT_VERSION, "permissions": declared}

    def judge(self, subject: Subject, allowance: Allowance) -> Answer:
        """Return the verdict of the reviewer."""
        import asyncio  # noqa: PLC0415 - as above

        from haldir_reviewer import ReviewError, review_async  # noqa: PLC0415 - as above

        opened = self._open(allowance)
        settings = evolve(
            opened.settings, deadline_seconds=max(min(allowance.seconds, opened.settings.deadline_seconds), 0.001)
        )

        async def run() -> "ReviewReport":
            task = asyncio.ensure_future(
                review_async(
                    subject.snapshot,
                    opened.panel.models,
                    permissions=subject.permissions,
                    settings=settings,
                    now=allowance.now(),
                    randomness=opened.randomness(subject.snapshot),
                )
            )
            while not task.done():
                await asyncio.wait({task}, timeout=LOOK_SECONDS)
                if allowance.cancellation.is_cancelled:
                    task.cancel()
            return await task

        try:
            report = asyncio.run(run())
        except asyncio.CancelledError as error:
            raise LayerError("it was cancelled") from error
        except ReviewError as error:
            raise LayerError(str(error)) from error
        return _answer(report, opened.panel)

    def _open(self, allowance: Allowance) -> "OpenedReview":
        from haldir_reviewer import ProviderError  # noqa: PLC0415 - as above
        from haldir_reviewer.configuration import ConfigurationError, read_configuration  # noqa: PLC0415 - as above
        from haldir_reviewer.opening import Machine, open_review  # noqa: PLC0415 - as above

        machine = Machine(environment=self.environment, now=allowance.now, randomness=self.randomness, state=self.state)
        try:
            return open_review(read_configuration(dict(self.table), folder=Path(self.base)), machine)
        except (ConfigurationError, ProviderError) as error:
            raise LayerError(str(error)) from error


def _answer(report: "ReviewReport", panel: "Panel") -> Answer:
    found, summary = to_findings(report.findings), summarise(report.findings)
    if panel.is_recorded:
        found = (*found[:999], _RECORDED)
        summary = Summary(summary.critical, summary.high, summary.medium, min(summary.low + 1, 10_000))
    missing = [f"{name}: {why}" for name, why in panel.missing.items()]
    outcome = report.outcome.value
    is_open = outcome not in {"approve", "reject", "human"}
    return Answer(
        status=None if is_open else Status(report.status.value),
        reason="; ".join([*report.reasons, *missing]),
        findings=found,
        summary=summary,
        facts={
            "decision": outcome,
            "score": round(report.score * 1000),
            "reasons": list(report.reasons),
            "models": [fit(review.model, 100) for review in report.reviews],
            "missing": [fit(text, 300) for text in missing],
            "coverage": report.coverage.complete,
            "recorded": panel.is_recorded,
            "cost_micros": report.usage.cost_micros,
            "prompts": report.prompt_version,
        },
    )
