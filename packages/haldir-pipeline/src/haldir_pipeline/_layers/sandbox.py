"""Layer 3: a run under observation."""

from collections.abc import Iterator, Sequence

from attrs import evolve, frozen

from haldir_core.canonical import JsonObject, JsonValue
from haldir_pipeline._layers.interface import Allowance, Answer, UnavailableError
from haldir_pipeline.configuration import IsolationLevel
from haldir_pipeline.outcomes import LayerName
from haldir_pipeline.subject import Subject

MAX_DEEDS = 200
_OF_EVERY_PROGRAM = "ambient"
"""The class of what every interpreter does, such as reading its own library: no reader wants to know it."""
_VIOLATION = "violation"
MAX_RUNS = 50
_KEPT = ("level", "enforced", "missing", "missing_packages", "entry_points", "runs", "behaviour")
_RUN_MEMBERS = ("entry", "argv", "circumstance", "ending", "code", "seconds")
_MOST = {"behaviour": MAX_DEEDS, "runs": MAX_RUNS, "entry_points": MAX_RUNS}


@frozen
class Sandbox:
    """The skill is run, confined, with decoys, and compared with what it declares."""

    level: IsolationLevel
    name: LayerName = LayerName.SANDBOX

    def inputs(self, subject: Subject) -> JsonObject:
        """Return the level and what the skill declares."""
        return {"level": self.level.value, "permissions": subject.permissions.digest()}

    def judge(self, subject: Subject, allowance: Allowance) -> Answer:
        """Return the verdict of the sandbox.  Below the level that is required nothing is run."""
        import haldir_sandbox  # noqa: PLC0415 - loaded when something is run

        options = haldir_sandbox.DEFAULT_OPTIONS
        levels = {level.value: level for level in type(options.minimum)}
        required = levels[self.level.value]
        report = haldir_sandbox.sandbox(
            subject.snapshot,
            subject.permissions,
            options=evolve(options, minimum=required, total_seconds=allowance.seconds, now=allowance.now),
        )
        if report.level.rank < required.rank:
            missing = "" if report.standing is None else "; ".join(report.standing.missing)
            raise UnavailableError(
                f"this machine isolates at level {report.level.value}, and {required.value} is required"
                + (f" (missing: {missing})" if missing else "")
            )
        wire = report.layer_report()
        return Answer(
            status=report.status,
            reason="; ".join(report.reasons[:3]),
            findings=wire.findings,
            summary=wire.summary or Answer(status=None).summary,
            facts=dict(_facts(report.to_json())),
        )


def _facts(whole: JsonObject) -> Iterator[tuple[str, JsonValue]]:
    for name in _KEPT:
        value = whole[name]
        if isinstance(value, list) and name in _MOST:
            if name == "behaviour":
                value = _telling(value)
            yield f"{name}_count", len(value)
            value = value[: _MOST[name]]
        if name == "runs" and isinstance(value, list):
            value = [{key: run[key] for key in _RUN_MEMBERS} for run in value if isinstance(run, dict)]
        yield name, value


def _telling(deeds: Sequence[JsonValue]) -> list[JsonValue]:
    """The deeds that a reader wants to know; where not all have room, violations come first: no flood hides them."""
    by_class = [(deed["class"], deed) for deed in deeds if isinstance(deed, dict)]
    told = [(name, deed) for name, deed in by_class if name != _OF_EVERY_PROGRAM]
    if len(told) > MAX_DEEDS:
        told.sort(key=lambda pair: pair[0] != _VIOLATION)
    return [deed for _, deed in told]
