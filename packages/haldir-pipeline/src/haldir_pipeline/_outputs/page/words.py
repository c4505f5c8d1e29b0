"""The words of the page: what the states and results are called, and what they mean."""

from haldir_pipeline.decision import Result
from haldir_pipeline.outcomes import LayerName, State

RESULTS = {
    Result.APPROVED: ("Approved", "Nothing that was looked at speaks against this skill."),
    Result.AMBER: ("A person must decide", "Something needs a look before this skill is trusted."),
    Result.REJECTED: ("Rejected", "This skill does what no skill should do."),
    Result.ERROR: ("No answer", "The vetting could not be finished. Nothing was decided, and no report was written."),
}
LAYERS = {
    LayerName.SCAN: ("Static scan", "Every file is read. Nothing is run."),
    LayerName.AUDIT: ("Dependency audit", "What it takes from elsewhere. Nothing is installed."),
    LayerName.SANDBOX: ("Observed run", "It is run, confined, with decoys lying about."),
    LayerName.REVIEW: ("Review by models", "Two language models judge it apart; a table decides."),
}
STATES = {
    State.PASS: "passed",
    State.CARRIED: "carried",
    State.SKIPPED: "not run",
    State.FLAG: "needs a look",
    State.INCONCLUSIVE: "no answer",
    State.REJECT: "rejected",
    State.ERROR: "failed",
}
TONES = {
    State.PASS: "good",
    State.CARRIED: "muted",
    State.SKIPPED: "muted",
    State.FLAG: "warn",
    State.INCONCLUSIVE: "warn",
    State.REJECT: "bad",
    State.ERROR: "bad",
}
RESULT_TONES = {Result.APPROVED: "good", Result.AMBER: "warn", Result.REJECTED: "bad", Result.ERROR: "muted"}


def counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def lasting(milliseconds: float) -> str:
    """Return a duration as people say it."""
    if milliseconds < 1:
        return "< 1 ms"
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def size(count: int) -> str:
    """Return a number of bytes as people say it."""
    for unit, factor in (("MB", 1_000_000), ("kB", 1000)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return counted(count, "byte")
