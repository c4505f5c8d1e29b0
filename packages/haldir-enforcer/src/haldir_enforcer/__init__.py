"""Run a skill confined to the permissions that were signed for it.

Quick start::

    from haldir_enforcer import Enforcer, stage

    with stage("skills/weather") as skill:  # give `verify=` to check signatures of what is run
        outcome = Enforcer().run(skill, ["python3", "main.py"])
    print(outcome.ended, outcome.violations)
"""

import importlib
import typing

if typing.TYPE_CHECKING:
    from haldir_enforcer.auditlog import AuditLog, verify_log
    from haldir_enforcer.confinement import Level, Reaction
    from haldir_enforcer.enforcer import Enforcer, RefusedError
    from haldir_enforcer.errors import ConfinementError, EnforcerError, PolicyError
    from haldir_enforcer.events import Event
    from haldir_enforcer.gate import Gate
    from haldir_enforcer.limits import Limits
    from haldir_enforcer.outcome import Outcome
    from haldir_enforcer.policy import Policy, compile_policy, explain
    from haldir_enforcer.session import Recording, Session, Stream, Streams
    from haldir_enforcer.staging import NotVerifiedError, StagedSkill, stage

__all__ = [
    "AuditLog",
    "ConfinementError",
    "Enforcer",
    "EnforcerError",
    "Event",
    "Gate",
    "Level",
    "Limits",
    "NotVerifiedError",
    "Outcome",
    "Policy",
    "PolicyError",
    "Reaction",
    "Recording",
    "RefusedError",
    "Session",
    "StagedSkill",
    "Stream",
    "Streams",
    "compile_policy",
    "explain",
    "stage",
    "verify_log",
]

# What is not used is not loaded: starting a program must not wait for it.
_HOMES = {
    "auditlog": ("AuditLog", "verify_log"),
    "confinement": ("Level", "Reaction"),
    "enforcer": ("Enforcer", "RefusedError"),
    "errors": ("ConfinementError", "EnforcerError", "PolicyError"),
    "events": ("Event",),
    "gate": ("Gate",),
    "limits": ("Limits",),
    "outcome": ("Outcome",),
    "policy": ("Policy", "compile_policy", "explain"),
    "session": ("Recording", "Session", "Stream", "Streams"),
    "staging": ("NotVerifiedError", "StagedSkill", "stage"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    return value
