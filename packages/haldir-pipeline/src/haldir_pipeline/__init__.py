"""The whole vetting of a skill in one call.

From Python::

    from datetime import UTC, datetime
    from haldir_pipeline import vet_path

    vetting = vet_path("my-skill", clock=lambda: datetime.now(UTC))
    print(vetting.result, vetting.score.text, [reason.text for reason in vetting.reasons])
"""

import importlib
import typing

if typing.TYPE_CHECKING:
    from haldir_pipeline._layers.interface import Allowance, Answer, Layer, LayerError, UnavailableError
    from haldir_pipeline._tables import ConfigurationError
    from haldir_pipeline.cancellation import Cancellation
    from haldir_pipeline.configuration import Budgets, Configuration, IsolationLevel, Order, ScanPolicy
    from haldir_pipeline.decision import Reason, Result, decide
    from haldir_pipeline.events import Event, EventKind
    from haldir_pipeline.outcomes import Carried, LayerName, Outcome, State
    from haldir_pipeline.profiles import PROFILES, Demand, Profile, ProfileName, Tier
    from haldir_pipeline.result import PIPELINE_VERSION, Vetting
    from haldir_pipeline.resumption import Resumption, ResumptionError
    from haldir_pipeline.scoring import Score, score
    from haldir_pipeline.vetting import Hooks, NoReportError, vet, vet_folder, vet_json, vet_path, vetted_path

_HOMES = {
    "_layers.interface": ("Allowance", "Answer", "Layer", "LayerError", "UnavailableError"),
    "_tables": ("ConfigurationError",),
    "cancellation": ("Cancellation",),
    "configuration": ("Budgets", "Configuration", "IsolationLevel", "Order", "ScanPolicy"),
    "decision": ("Reason", "Result", "decide"),
    "events": ("Event", "EventKind"),
    "outcomes": ("Carried", "LayerName", "Outcome", "State"),
    "profiles": ("PROFILES", "Demand", "Profile", "ProfileName", "Tier"),
    "result": ("PIPELINE_VERSION", "Vetting"),
    "resumption": ("Resumption", "ResumptionError"),
    "scoring": ("Score", "score"),
    "vetting": ("Hooks", "NoReportError", "vet", "vet_folder", "vet_json", "vet_path", "vetted_path"),
}
"""What comes from where, loaded when it is asked for."""

_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "PIPELINE_VERSION",
    "PROFILES",
    "Allowance",
    "Answer",
    "Budgets",
    "Cancellation",
    "Carried",
    "Configuration",
    "ConfigurationError",
    "Demand",
    "Event",
    "EventKind",
    "Hooks",
    "IsolationLevel",
    "Layer",
    "LayerError",
    "LayerName",
    "NoReportError",
    "Order",
    "Outcome",
    "Profile",
    "ProfileName",
    "Reason",
    "Result",
    "Resumption",
    "ResumptionError",
    "ScanPolicy",
    "Score",
    "State",
    "Tier",
    "UnavailableError",
    "Vetting",
    "decide",
    "score",
    "vet",
    "vet_folder",
    "vet_json",
    "vet_path",
    "vetted_path",
]


def __getattr__(name: str) -> object:
    """A public name, on its first use."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
