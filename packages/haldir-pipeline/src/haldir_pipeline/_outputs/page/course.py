"""The course of the vetting: when each layer ran, how long, and how it ended."""

from datetime import timedelta

from haldir_pipeline._outputs.markup import Markup, element
from haldir_pipeline._outputs.page import words
from haldir_pipeline.outcomes import Outcome
from haldir_pipeline.result import Vetting

_WIDTH = 1000
_LEAST = 6
"""Below this a bar cannot be seen."""


def timeline(vetting: Vetting) -> Markup:
    """Return the layers on one line of time."""
    rows = [_row(outcome, vetting) for outcome in vetting.outcomes]
    took = words.lasting(_milliseconds(vetting.ended.moment - vetting.began.moment))
    return element(
        "section",
        element("h2", "Course"),
        element("ol", rows, class_="course"),
        element("p", f"In all {took}.", class_="facts"),
    )


def _row(outcome: Outcome, vetting: Vetting) -> Markup:
    title, meaning = words.LAYERS[outcome.layer]
    tone = words.TONES[outcome.state]
    taken = "reused" if outcome.is_reused else words.lasting(outcome.duration_ms) if outcome.started else ""
    return element(
        "li",
        element("div", element("strong", f"{outcome.layer.number}. {title}"), element("small", meaning), class_="what"),
        _bar(outcome, vetting, tone),
        element("span", taken, class_="taken"),
        element("span", words.STATES[outcome.state], class_=f"chip {tone}"),
    )


def _bar(outcome: Outcome, vetting: Vetting, tone: str) -> Markup:
    whole = max(_milliseconds(vetting.ended.moment - vetting.began.moment), 1.0)
    track = element("rect", x=0, y=0, width=_WIDTH, height=10, rx=5, class_="track")
    bar = None
    if outcome.started is not None:
        begin = _milliseconds(outcome.started.moment - vetting.began.moment)
        left = min(int(_WIDTH * max(begin, 0) / whole), _WIDTH - _LEAST)
        width = max(_LEAST, min(int(_WIDTH * outcome.duration_ms / whole), _WIDTH - left))
        bar = element("rect", x=left, y=0, width=width, height=10, rx=3, class_=f"fill {tone}")
    return element(
        "svg", track, bar, viewBox=f"0 0 {_WIDTH} 10", preserveAspectRatio="none", class_="bar", aria_hidden="true"
    )


def _milliseconds(duration: timedelta) -> float:
    return duration / timedelta(milliseconds=1)
