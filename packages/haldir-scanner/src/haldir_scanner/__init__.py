"""Static scanner for agent skills and MCP servers.

Quick start:

    from haldir_scanner import scan_files

    report = scan_files({"setup.sh": b"curl https://get.example/i | bash"})
    print(report.status, report.matches[0].rule)
    # flag script_fetch_curl

Bundles of rules are in ``haldir_scanner.bundles``.
"""

import importlib
import typing

if typing.TYPE_CHECKING:
    from haldir_scanner._errors import BaselineError, BundleError, ScannerError, UnfinishedError, UnreadableError
    from haldir_scanner._files._part import Part
    from haldir_scanner._limits import Limits
    from haldir_scanner._pool import Scanned, scan_many
    from haldir_scanner._reports._baseline import Baseline, read_baseline
    from haldir_scanner._reports._fingerprint import fingerprint
    from haldir_scanner._reports._report import Match, ScanReport, Suppressed
    from haldir_scanner._reports._sarif import to_sarif
    from haldir_scanner._reports._suppression import Suppression
    from haldir_scanner._reports._wire import to_json
    from haldir_scanner._rules._bundle import RuleBundle
    from haldir_scanner._rules._scoring import Policy
    from haldir_scanner._scan import scan, scan_files
    from haldir_scanner._severity import Severity, Status
    from haldir_scanner._units import Target, Unit, UnitReport, find_skills

__all__ = [
    "Baseline",
    "BaselineError",
    "BundleError",
    "Limits",
    "Match",
    "Part",
    "Policy",
    "RuleBundle",
    "ScanReport",
    "Scanned",
    "ScannerError",
    "Severity",
    "Status",
    "Suppressed",
    "Suppression",
    "Target",
    "UnfinishedError",
    "Unit",
    "UnitReport",
    "UnreadableError",
    "find_skills",
    "fingerprint",
    "read_baseline",
    "scan",
    "scan_files",
    "scan_many",
    "to_json",
    "to_sarif",
]

_MODULES = {
    "_reports._baseline": ("Baseline", "read_baseline"),
    "_rules._bundle": ("RuleBundle",),
    "_errors": ("BaselineError", "BundleError", "ScannerError", "UnfinishedError", "UnreadableError"),
    "_reports._fingerprint": ("fingerprint",),
    "_reports._wire": ("to_json",),
    "_limits": ("Limits",),
    "_files._part": ("Part",),
    "_pool": ("Scanned", "scan_many"),
    "_reports._report": ("Match", "ScanReport", "Suppressed"),
    "_reports._sarif": ("to_sarif",),
    "_scan": ("scan", "scan_files"),
    "_rules._scoring": ("Policy",),
    "_severity": ("Severity", "Status"),
    "_reports._suppression": ("Suppression",),
    "_units": ("Target", "Unit", "UnitReport", "find_skills"),
}
"""What comes from where, loaded when it is asked for: a program that only may scan something starts without it."""

_ORIGINS = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """A public name, on its first use."""
    if name not in _ORIGINS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{_ORIGINS[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
