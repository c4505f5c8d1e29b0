"""Run a skill and compare what it does with what it declares.

From Python::

    import tempfile
    from haldir_core import Permissions, read_skill
    from haldir_sandbox import sandbox

    with tempfile.TemporaryDirectory() as folder:
        report = sandbox(read_skill("my-skill", copy_to=f"{folder}/copy"), Permissions.deny_all())
    print(report.status, report.level, report.reasons)
"""

from haldir_sandbox.behaviour import Behaviour, Deed, What
from haldir_sandbox.dependencies import Supply
from haldir_sandbox.entrypoints import EntryKind, EntryPoint, find_entry_points
from haldir_sandbox.ground import Ground, Reach, ground_with, linux_ground
from haldir_sandbox.observation import DEFAULT_OPTIONS, RUN_LIMITS, EntryPointError, Options, sandbox
from haldir_sandbox.report import RunReport, SandboxReport

__all__ = [
    "DEFAULT_OPTIONS",
    "RUN_LIMITS",
    "Behaviour",
    "Deed",
    "EntryKind",
    "EntryPoint",
    "EntryPointError",
    "Ground",
    "Options",
    "Reach",
    "RunReport",
    "SandboxReport",
    "Supply",
    "What",
    "find_entry_points",
    "ground_with",
    "linux_ground",
    "sandbox",
]
