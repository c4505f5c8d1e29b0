"""What a vetting says in the end: result, reasons, score, and the report that a signature can bind."""

from attrs import frozen

from haldir_core import Finding, LayerReport, Severity, Status, Timestamp, VettingReport
from haldir_core.canonical import JsonObject
from haldir_pipeline.configuration import Configuration
from haldir_pipeline.decision import Reason, Result
from haldir_pipeline.findings import fit
from haldir_pipeline.outcomes import RAN, Outcome, State
from haldir_pipeline.scoring import Score
from haldir_pipeline.subject import Subject

PIPELINE_VERSION = "0.1.0"
"""Written into every report; it changes when the same skill may get another report."""

_STATUSES = {
    State.PASS: Status.PASS,
    State.FLAG: Status.FLAG,
    State.INCONCLUSIVE: Status.FLAG,
    State.REJECT: Status.REJECT,
}


@frozen(kw_only=True)
class Vetting:
    """All that a vetting says.

    Attributes:
        subject: what was vetted.
        configuration: how.
        result: approved, amber, rejected or error.
        reasons: against an approval, the worst first.
        score: the trust score.
        outcomes: of every layer, in their order, those that did not run among them.
        began: when it began; for a run that was taken up again, when it began first.
        ended: when it ended.
        report: for a signature; None if the result is an error.
    """

    subject: Subject
    configuration: Configuration
    result: Result
    reasons: tuple[Reason, ...]
    score: Score
    outcomes: tuple[Outcome, ...]
    began: Timestamp
    ended: Timestamp
    report: VettingReport | None

    def to_json(self) -> JsonObject:
        """Return everything as a JSON object.

        It is the report, if there is one, with one more member, ``vetting``; a reader of reports leaves that out.
        """
        report = {} if self.report is None else self.report.to_json()
        return {**report, "vetting": self._vetting()}

    def _vetting(self) -> JsonObject:
        return {
            "result": self.result.value,
            "score": self.score.text,
            "reasons": [
                {"result": reason.result.value, "layer": reason.layer.value, "text": reason.text}
                for reason in self.reasons
            ],
            "skill": self.subject.to_json(),
            "layers": [_layer(outcome) for outcome in self.outcomes],
            "score_parts": self.score.to_json(),
            "profile": self.configuration.profile.value,
            "tier": self.configuration.tier.value,
            "configuration_digest": self.configuration.digest,
            "pipeline_version": PIPELINE_VERSION,
            "began": self.began.text,
            "ended": self.ended.text,
        }


def make_report(
    result: Result, outcomes: tuple[Outcome, ...], began: Timestamp, note: str | None
) -> VettingReport | None:
    """Return the report; None for an error, or if no layer has looked at the skill.

    A layer that did not run to its end has no place in it: what is not listed did not run.
    """
    layers = tuple(_layer_report(outcome) for outcome in outcomes if outcome.state in RAN)
    status = result.status
    if status is None or not layers:
        return None
    return VettingReport(
        vetting_timestamp=began,
        pipeline_version=PIPELINE_VERSION,
        layers=layers,
        overall_status=status,
        publisher_note=note,
    )


def _layer_report(outcome: Outcome) -> LayerReport:
    findings = outcome.findings
    if outcome.state is State.INCONCLUSIVE:
        said = Finding(
            severity=Severity.MEDIUM,
            category="coverage",
            message=fit(f"no answer: {outcome.reason}", 1000),
            pattern_id=f"vetting.{outcome.layer}-inconclusive",
        )
        findings = (said, *findings[:999])
    return LayerReport(
        layer=outcome.layer.number,
        name=outcome.layer.wire_name,
        status=_STATUSES[outcome.state],
        findings=findings,
        duration_ms=outcome.duration_ms,
        summary=outcome.summary,
    )


def _layer(outcome: Outcome) -> JsonObject:
    """Return an outcome without its findings, which the report holds, unless there is no report of this layer."""
    members = outcome.to_json()
    if outcome.state in RAN:
        del members["findings"]
    return members
