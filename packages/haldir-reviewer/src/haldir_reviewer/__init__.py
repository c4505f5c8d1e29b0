"""Review of agent skills by language models.

Quick start, with models as `haldir_reviewer.configuration` makes them, or of your own::

    import secrets
    from datetime import UTC, datetime
    from haldir_core import Permissions, read_skill
    from haldir_reviewer import review

    snapshot = read_skill("my-skill", copy_to="private-copy")
    report = review(snapshot, [first, second, third], permissions=Permissions.deny_all(),
                    now=datetime.now(UTC), randomness=secrets.token_bytes)
    print(report.outcome, report.reasons)
"""

import importlib
import typing

if typing.TYPE_CHECKING:
    from haldir_reviewer.decision import Decision, Outcome, Reason
    from haldir_reviewer.errors import ReviewError
    from haldir_reviewer.facts import Fact, FactKind
    from haldir_reviewer.model import Model, ProviderError, Reply, Request, Usage
    from haldir_reviewer.prompts import PROMPT_VERSION
    from haldir_reviewer.questions import QUESTIONS, Question
    from haldir_reviewer.report import ModelReview, ReviewFinding, ReviewReport
    from haldir_reviewer.reviewing import review, review_async
    from haldir_reviewer.settings import Settings

__all__ = [
    "PROMPT_VERSION",
    "QUESTIONS",
    "Decision",
    "Fact",
    "FactKind",
    "Model",
    "ModelReview",
    "Outcome",
    "ProviderError",
    "Question",
    "Reason",
    "Reply",
    "Request",
    "ReviewError",
    "ReviewFinding",
    "ReviewReport",
    "Settings",
    "Usage",
    "review",
    "review_async",
]

_MODULES = {
    "decision": ("Decision", "Outcome", "Reason"),
    "errors": ("ReviewError",),
    "facts": ("Fact", "FactKind"),
    "model": ("Model", "ProviderError", "Reply", "Request", "Usage"),
    "prompts": ("PROMPT_VERSION",),
    "questions": ("QUESTIONS", "Question"),
    "report": ("ModelReview", "ReviewFinding", "ReviewReport"),
    "reviewing": ("review", "review_async"),
    "settings": ("Settings",),
}
"""What comes from where, loaded when it is asked for: a program that only may review something starts without it."""

_ORIGINS = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """A public name, on its first use."""
    if name not in _ORIGINS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{_ORIGINS[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
