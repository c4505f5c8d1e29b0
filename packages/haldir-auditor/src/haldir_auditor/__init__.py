"""Dependency audit of agent skills and MCP servers.

Quick start:

    from datetime import UTC, datetime
    from haldir_auditor import audit_files

    report = audit_files({"requirements.txt": b"reqeusts>=2"}, now=datetime.now(UTC))
    print(report.status, [issue.rule for issue in report.issues])
    # flag ['unpinned', 'lock-missing', 'typosquat', 'not-checked']

Sources of vulnerabilities are in ``haldir_auditor.vulnerabilities``.
"""

import importlib
import typing

if typing.TYPE_CHECKING:
    from haldir_auditor._outside import DocumentError
    from haldir_auditor._reports import to_cyclonedx, to_json, to_openvex, to_sarif, to_text
    from haldir_auditor.auditing import audit, audit_files, audit_supply
    from haldir_auditor.ignores import Ignore, Ignores, read_ignores
    from haldir_auditor.issues import AuditReport, Check, Issue, Severity, Status, Suppressed, VulnerabilityData
    from haldir_auditor.settings import Comparison, Settings, SkillType
    from haldir_auditor.supply import Supply
    from haldir_auditor.vex import Statement, Statements, VexStatus, read_vex
    from haldir_auditor.vulnerabilities.interface import (
        Answer,
        Package,
        SourceError,
        Vulnerability,
        VulnerabilitySource,
    )

__all__ = [
    "Answer",
    "AuditReport",
    "Check",
    "Comparison",
    "DocumentError",
    "Ignore",
    "Ignores",
    "Issue",
    "Package",
    "Settings",
    "Severity",
    "SkillType",
    "SourceError",
    "Statement",
    "Statements",
    "Status",
    "Supply",
    "Suppressed",
    "VexStatus",
    "Vulnerability",
    "VulnerabilityData",
    "VulnerabilitySource",
    "audit",
    "audit_files",
    "audit_supply",
    "read_ignores",
    "read_vex",
    "to_cyclonedx",
    "to_json",
    "to_openvex",
    "to_sarif",
    "to_text",
]

_MODULES = {
    "_outside": ("DocumentError",),
    "_reports": ("to_cyclonedx", "to_json", "to_openvex", "to_sarif", "to_text"),
    "auditing": ("audit", "audit_files", "audit_supply"),
    "ignores": ("Ignore", "Ignores", "read_ignores"),
    "issues": ("AuditReport", "Check", "Issue", "Severity", "Status", "Suppressed", "VulnerabilityData"),
    "settings": ("Comparison", "Settings", "SkillType"),
    "supply": ("Supply",),
    "vex": ("Statement", "Statements", "VexStatus", "read_vex"),
    "vulnerabilities.interface": ("Answer", "Package", "SourceError", "Vulnerability", "VulnerabilitySource"),
}
"""What comes from where, loaded when it is asked for: a program that only may audit something starts without it."""

_ORIGINS = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """A public name, on its first use."""
    if name not in _ORIGINS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{_ORIGINS[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
