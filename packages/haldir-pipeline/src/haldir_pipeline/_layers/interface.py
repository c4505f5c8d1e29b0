"""What the pipeline knows of a layer: its interface, records and errors."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from attrs import field, frozen

from haldir_core import Finding, Status, Summary
from haldir_core.canonical import JsonObject, JsonValue
from haldir_pipeline.cancellation import Cancellation
from haldir_pipeline.outcomes import NOTHING_FOUND, LayerName
from haldir_pipeline.subject import Subject


class LayerError(Exception):
    """A layer failed, so that nothing is known; the message says why."""


class UnavailableError(LayerError):
    """A layer cannot run here: this machine or the configuration lacks what it needs, as the message says."""


@frozen(kw_only=True)
class Allowance:
    """What a layer may take: seconds, of the processor or of the wall as its budget says; and when to stop."""

    seconds: float
    now: Callable[[], datetime]
    cancellation: Cancellation


@frozen(kw_only=True)
class Answer:
    """What a layer says.

    Attributes:
        status: its verdict; None if it looked and cannot tell.
        reason: why the verdict is no pass.
        findings: at most 1,000, the worst first.
        summary: all findings, counted.
        incomplete: why not all was looked at; then the answer is no pass, whatever the status is.
        unchecked: what was not compared with known vulnerabilities.
        facts: see `haldir_pipeline.outcomes.Outcome`.
    """

    status: Status | None
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    summary: Summary = NOTHING_FOUND
    incomplete: str = ""
    unchecked: tuple[str, ...] = ()
    facts: Mapping[str, JsonValue] = field(factory=dict)


class Layer(Protocol):
    """One layer of the vetting."""

    @property
    def name(self) -> LayerName:
        """Which one."""
        ...

    def inputs(self, subject: Subject) -> JsonObject:
        """Return all that the answer depends on beside the content and the name: rules, data, settings.

        Raises:
            UnavailableError: if it cannot run here.
            LayerError: if it cannot be made ready.
        """
        ...

    def judge(self, subject: Subject, allowance: Allowance) -> Answer:
        """Return what the layer says about the skill.

        Raises:
            UnavailableError: if it cannot run here.
            LayerError: if it fails.
        """
        ...
